/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/program.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rcu.h"
#include "dp/user/out.h"
#include "dp/user/rewrite.h"
#include "dp/user/user.h"

// --- Checking lists.

enum { MAX_NESTING = 16 };

static struct error *check_list(const void *actions, size_t n, unsigned int nesting) MUST_CHECK;

static struct error *check_set(const struct dpact_set *set)
{
	if (set->header >= DPH_N_HEADERS)
		return error_new("set action for an unknown header %u", set->header);
	if (set->header == DPH_TUNNEL)
		return error_errno(EOPNOTSUPP, "the userspace datapath has no tunnels yet");
	return NULL;
}

static struct error *check_one(const struct dpact *a, unsigned int nesting)
{
	static const uint16_t size[DPACT_N_TYPES] = {
		[DPACT_OUTPUT] = sizeof(struct dpact_output),
		[DPACT_USERSPACE] = sizeof(struct dpact_userspace),
		[DPACT_SET] = sizeof(struct dpact_set),
		[DPACT_PUSH_VLAN] = sizeof(struct dpact_push_vlan),
		[DPACT_POP_VLAN] = sizeof(struct dpact),
		[DPACT_PUSH_MPLS] = sizeof(struct dpact_push_mpls),
		[DPACT_POP_MPLS] = sizeof(struct dpact_pop_mpls),
		[DPACT_RECIRC] = sizeof(struct dpact_recirc),
		[DPACT_HASH] = sizeof(struct dpact_hash),
		[DPACT_TRUNC] = sizeof(struct dpact_trunc),
		[DPACT_METER] = sizeof(struct dpact_meter),
		[DPACT_SAMPLE] = sizeof(struct dpact_sample),
		[DPACT_CLONE] = sizeof(struct dpact_nested),
		[DPACT_CHECK_PKT_LEN] = sizeof(struct dpact_check_pkt_len),
		[DPACT_CT_CLEAR] = sizeof(struct dpact),
		[DPACT_PUSH_ETH] = sizeof(struct dpact_push_eth),
		[DPACT_POP_ETH] = sizeof(struct dpact),
		[DPACT_PUSH_NSH] = offsetof(struct dpact_push_nsh, md),
		[DPACT_POP_NSH] = sizeof(struct dpact),
		[DPACT_ADD_MPLS] = sizeof(struct dpact_push_mpls),
		[DPACT_DROP] = sizeof(struct dpact_drop),
	};
	if (a->type >= DPACT_N_TYPES)
		return error_errno(EOPNOTSUPP, "datapath action %u is not known", a->type);
	uint16_t least = a->type == DPACT_USERSPACE ? offsetof(struct dpact_userspace, userdata)
						    : size[a->type];
	if (a->len < least)
		return error_errno(EINVAL, "datapath action %u is %u bytes long", a->type, a->len);
	const uint8_t *bytes = (const uint8_t *)a;
	switch ((enum dpact_type)a->type) {
	case DPACT_USERSPACE:
		if (((const struct dpact_userspace *)a)->userdata_len > a->len - least)
			return error_errno(EINVAL, "userdata is longer than its action");
		return NULL;
	case DPACT_SET:
		return check_set((const struct dpact_set *)a);
	case DPACT_PUSH_NSH: {
		const struct dpact_push_nsh *push = (const struct dpact_push_nsh *)a;
		if (push->md_len > a->len - least || push->md_len % 4 ||
		    push->md_len > DP_NSH_MAX_MD || push->flags > 3 || push->ttl > 63 ||
		    (push->mdtype == 1 && push->md_len != 16))
			return error_errno(EINVAL, "push_nsh of a header that cannot be");
		return NULL;
	}
	case DPACT_SAMPLE:
	case DPACT_CLONE:
		return check_list(bytes + least, a->len - least, nesting + 1);
	case DPACT_CHECK_PKT_LEN: {
		uint16_t greater = ((const struct dpact_check_pkt_len *)a)->greater_len;
		if (greater > a->len - least || greater % 8)
			return error_errno(EINVAL, "check_pkt_len's lists do not add up");
		struct error *e = check_list(bytes + least, greater, nesting + 1);
		return e ? e
			 : check_list(bytes + least + greater, a->len - least - greater,
				      nesting + 1);
	}
	case DPACT_DROP:
		if (((const struct dpact_drop *)a)->reason >= DP_DROP_N_REASONS)
			return error_errno(EINVAL, "drop reason %u is not known",
					   ((const struct dpact_drop *)a)->reason);
		return NULL;
	case DPACT_OUTPUT:
	case DPACT_PUSH_VLAN:
	case DPACT_POP_VLAN:
	case DPACT_PUSH_MPLS:
	case DPACT_POP_MPLS:
	case DPACT_RECIRC:
	case DPACT_HASH:
	case DPACT_TRUNC:
	case DPACT_METER:
	case DPACT_PUSH_ETH:
	case DPACT_POP_ETH:
	case DPACT_POP_NSH:
	case DPACT_ADD_MPLS:
	case DPACT_CT_CLEAR: // there is no conntrack state that could be left
	case DPACT_N_TYPES:
		return NULL;
	}
	return NULL;
}

static struct error *check_list(const void *actions, size_t n, unsigned int nesting)
{
	const uint8_t *p = actions;
	if (nesting > MAX_NESTING)
		return error_errno(EINVAL, "actions are nested too deep");
	while (n) {
		const struct dpact *a = (const void *)p;
		if (n < sizeof(*a) || a->len < sizeof(*a) || dpact_size(a) > n)
			return error_errno(EINVAL, "an action reaches beyond its list");
		struct error *e = check_one(a, nesting);
		if (e)
			return e;
		p += dpact_size(a);
		n -= dpact_size(a);
	}
	return NULL;
}

struct error *program_check(const void *actions, size_t n)
{
	return check_list(actions, n, 0);
}

// --- Compiling.

static void compile_ethernet(struct step *s, const struct dpact_set *set)
{
	uint8_t keep[16], bits[16] = {0};
	const struct dpk_ethernet *key = &set->key.ethernet, *mask = &set->mask.ethernet;
	memset(keep, 0xff, sizeof(keep));
	for (int i = 0; i < 6; i++) {
		keep[i] = (uint8_t)~mask->dst[i];
		keep[6 + i] = (uint8_t)~mask->src[i];
		bits[i] = key->dst[i];
		bits[6 + i] = key->src[i];
	}
	s->kind = STEP_ETHERNET;
	memcpy(s->ethernet.keep, keep, sizeof(keep));
	memcpy(s->ethernet.set, bits, sizeof(bits));
}

// A step for the action; false: it is not one of those that run in a line.
static bool compile_step(struct step *s, const struct dpact *a)
{
	const struct dpact_set *set = (const struct dpact_set *)a;
	if (a->type == DPACT_SET && set->header != DPH_PRIORITY && set->header != DPH_MARK) {
		s->kind = STEP_SET;
		s->set.first = set;
		s->set.n = 1;
		if (set->header == DPH_ETHERNET)
			compile_ethernet(s, set);
		return true;
	}
	if (a->type == DPACT_PUSH_VLAN) {
		s->kind = STEP_PUSH_VLAN;
		s->push_vlan = (const struct dpact_push_vlan *)a;
		return true;
	}
	s->kind = STEP_POP_VLAN;
	return a->type == DPACT_POP_VLAN;
}

// The last two steps become one, when both are sets.
static void join_sets(struct program *p)
{
	struct step *last = p->n_steps > 1 ? &p->steps[p->n_steps - 1] : NULL;
	if (!last || last->kind != STEP_SET || last[-1].kind != STEP_SET)
		return;
	last[-1].set.n++;
	p->n_steps--;
}

static void compile(struct program *p)
{
	unsigned int n_actions = 0;
	p->shape = PROGRAM_GENERAL;
	DPACT_FOREACH (a, p->actions, p->actions_len)
		n_actions++;
	p->steps = xcalloc(n_actions + 1, sizeof(*p->steps));
	DPACT_FOREACH (a, p->actions, p->actions_len) {
		bool first = (const uint8_t *)a == p->actions;
		bool last = (const uint8_t *)a + dpact_size(a) == p->actions + p->actions_len;
		if (first && !last && a->type == DPACT_METER) {
			p->metered = true;
			p->meter = ((const struct dpact_meter *)a)->id;
			continue;
		}
		if (last && a->type == DPACT_OUTPUT) {
			p->port = ((const struct dpact_output *)a)->port;
			p->shape = p->n_steps ? PROGRAM_REWRITE : PROGRAM_OUTPUT;
		} else if (last && a->type == DPACT_DROP && !p->n_steps) {
			p->drop_reason = ((const struct dpact_drop *)a)->reason;
			p->shape = PROGRAM_DROP;
		} else if (!compile_step(&p->steps[p->n_steps++], a)) {
			return;
		}
		join_sets(p);
	}
	if (!n_actions)
		p->shape = PROGRAM_DROP;
}

// --- Sets of programs.

enum { SET_BUCKETS = 1024 };

struct program_set {
	struct program *bucket[SET_BUCKETS];
};

struct program_set *program_set_new(void)
{
	return XNEW(struct program_set);
}

void program_set_free(struct program_set *set)
{
	free(set);
}

static void program_free(void *p)
{
	struct program *program = p;
	free(program->steps);
	free(program->actions);
	free(program);
}

struct error *program_set_get(struct program_set *set, const void *actions, size_t n,
			      struct program **out)
{
	uint64_t hash = hash_bytes(actions, n, 0);
	struct program **bucket = &set->bucket[hash % SET_BUCKETS];
	for (struct program *p = *bucket; p; p = p->next) {
		if (p->hash == hash && p->actions_len == n && !memcmp(p->actions, actions, n)) {
			p->refs++;
			*out = p;
			return NULL;
		}
	}
	struct error *e = program_check(actions, n);
	if (e)
		return e;
	struct program *p = XNEW(struct program);
	p->actions = xmemdup(actions, n);
	p->actions_len = n;
	compile(p);
	p->hash = hash;
	p->refs = 1;
	p->next = *bucket;
	*bucket = p;
	*out = p;
	return NULL;
}

void program_set_put(struct program_set *set, struct program *program)
{
	if (--program->refs)
		return;
	struct program **at = &set->bucket[program->hash % SET_BUCKETS];
	while (*at != program)
		at = &(*at)->next;
	*at = program->next;
	rcu_free_later(program, program_free);
}

// --- Running.

static void run_steps(const struct program *p, struct dp_thread *t, struct out_batch *out,
		      struct rte_mbuf *m)
{
	m = packet_writable(m);
	if (!m) {
		dp_stat_add(&t->stats.drops[DP_DROP_NO_BUFFER], 1);
		return;
	}
	for (uint32_t i = 0; i < p->n_steps; i++) {
		const struct step *s = &p->steps[i];
		switch (s->kind) {
		case STEP_ETHERNET: {
			uint64_t w[2];
			uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
			memcpy(w, frame, sizeof(w));
			w[0] = (w[0] & s->ethernet.keep[0]) | s->ethernet.set[0];
			w[1] = (w[1] & s->ethernet.keep[1]) | s->ethernet.set[1];
			memcpy(frame, w, sizeof(w));
			break;
		}
		case STEP_PUSH_VLAN:
			if (!rewrite_push_vlan(m, s->push_vlan->tpid, s->push_vlan->tci)) {
				dp_thread_drop(t, m, DP_DROP_NO_BUFFER);
				return;
			}
			break;
		case STEP_POP_VLAN:
			rewrite_pop_vlan(m);
			break;
		case STEP_SET:
			rewrite_set(m, s->set.first, s->set.n);
			break;
		}
	}
	out_add(t, out, m);
}

static void drop_all(struct dp_thread *t, struct rte_mbuf **m, unsigned int n,
		     enum dp_drop_reason reason)
{
	dp_stat_add(&t->stats.drops[reason], n);
	rte_pktmbuf_free_bulk(m, n);
}

// Drops what exceeds the meter; how many are left.
static unsigned int run_meter(const struct program *p, struct dp_thread *t, struct rte_mbuf **m,
			      unsigned int n)
{
	const struct dp_meter_band *band[BURST];
	unsigned int left = 0;
	meter_run(t->dp->meters, p->meter, m, n, t->now_ms, band);
	for (unsigned int i = 0; i < n; i++) {
		if (band[i] && !band[i]->remark) {
			dp_thread_drop(t, m[i], DP_DROP_METER);
			continue;
		}
		struct rte_mbuf *packet = band[i] ? packet_writable(m[i]) : m[i];
		if (!packet) {
			dp_stat_add(&t->stats.drops[DP_DROP_NO_BUFFER], 1);
			continue;
		}
		if (band[i])
			rewrite_drop_precedence(packet, band[i]->prec_level);
		m[left++] = packet;
	}
	return left;
}

void program_run_general(const struct program *p, struct dp_thread *t, struct rte_mbuf **m,
			 unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		program_interpret(t, m[i], p->actions, p->actions_len);
}

void program_run(const struct program *p, struct dp_thread *t, struct rte_mbuf **m, unsigned int n)
{
	struct out_batch *out;
	if (p->metered && p->shape != PROGRAM_GENERAL)
		n = run_meter(p, t, m, n);
	switch (p->shape) {
	case PROGRAM_DROP:
		drop_all(t, m, n, p->drop_reason);
		break;
	case PROGRAM_OUTPUT:
	case PROGRAM_REWRITE:
		out = out_find(t, p->port);
		if (!out) {
			drop_all(t, m, n, DP_DROP_NO_PORT);
			break;
		}
		if (p->shape == PROGRAM_OUTPUT)
			for (unsigned int i = 0; i < n; i++)
				out_add(t, out, m[i]);
		else
			for (unsigned int i = 0; i < n; i++)
				run_steps(p, t, out, m[i]);
		break;
	case PROGRAM_GENERAL:
		program_run_general(p, t, m, n);
		break;
	}
}
