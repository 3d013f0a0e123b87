/* SPDX-License-Identifier: Apache-2.0 */
// Walks a list of actions for one packet: what is too rare to be compiled.
//
// Who needs the packet after an action decides how that action gets it: the last one takes it; one
// that only sends shares it by reference when nothing after it changes the packet; everything else
// gets a copy.
#include "base/random.h"
#include "dp/user/encap.h"
#include "dp/user/out.h"
#include "dp/user/packet_hash.h"
#include "dp/user/program.h"
#include "dp/user/rewrite.h"
#include "dp/user/upcall.h"
#include "dp/user/user.h"

struct walk {
	struct dp_thread *t;
	struct rte_mbuf *m; // NULL: given away
	uint32_t max_len;   // trunc, of the next output
	const uint8_t *end, *last_write;
};

static bool is_write(const struct dpact *a)
{
	return a->type == DPACT_SET || a->type == DPACT_PUSH_VLAN || a->type == DPACT_POP_VLAN ||
	       a->type == DPACT_PUSH_MPLS || a->type == DPACT_POP_MPLS || a->type == DPACT_HASH ||
	       a->type == DPACT_METER || (a->type >= DPACT_PUSH_ETH && a->type <= DPACT_ADD_MPLS);
}

// The packet for an action that takes it, as long as trunc allows; `alters`: it changes what it
// gets. NULL: none to be had.
static struct rte_mbuf *give(struct walk *w, const struct dpact *a, bool alters)
{
	const uint8_t *at = (const uint8_t *)a;
	bool last = at + dpact_size(a) == w->end;
	struct rte_mbuf *m = w->m, *given;
	if (m->pkt_len > w->max_len) {
		given = packet_copy(m, w->max_len);
	} else if (last) {
		w->m = NULL;
		given = m;
	} else if (alters || (w->last_write && w->last_write > at)) {
		given = packet_copy(m, UINT32_MAX);
	} else {
		given = packet_share(m);
	}
	w->max_len = UINT32_MAX;
	if (!given)
		dp_stat_add(&w->t->stats.drops[DP_DROP_NO_BUFFER], 1);
	return given;
}

static void nested(struct walk *w, const struct dpact *a, const void *actions, size_t n)
{
	struct rte_mbuf *m = n ? give(w, a, true) : NULL;
	if (m)
		program_interpret(w->t, m, actions, n);
}

static void set(struct walk *w, const struct dpact_set *a)
{
	struct mbuf_meta *meta = mbuf_meta(w->m);
	if (a->header == DPH_PRIORITY)
		meta->skb_priority = (meta->skb_priority & ~a->mask.u32) | a->key.u32;
	else if (a->header == DPH_MARK)
		meta->pkt_mark = (meta->pkt_mark & ~a->mask.u32) | a->key.u32;
	else
		rewrite_set(w->m, a, 1);
}

static void drop(struct walk *w, enum dp_drop_reason reason)
{
	dp_thread_drop(w->t, w->m, reason);
	w->m = NULL;
}

// No port takes packets without an Ethernet header.
static void output(struct walk *w, const struct dpact *a)
{
	struct rte_mbuf *m = give(w, a, false);
	if (m && mbuf_meta(m)->bare)
		dp_thread_drop(w->t, m, DP_DROP_TX);
	else if (m)
		out_put(w->t, ((const struct dpact_output *)a)->port, m);
}

static void recirculate(struct walk *w, const struct dpact *a)
{
	struct rte_mbuf *m = give(w, a, true);
	if (!m)
		return;
	mbuf_meta(m)->recirc_id = ((const struct dpact_recirc *)a)->id;
	vec_push(&w->t->recirculated.of, m);
}

static void check_pkt_len(struct walk *w, const struct dpact *a)
{
	const struct dpact_check_pkt_len *check = (const struct dpact_check_pkt_len *)a;
	const uint8_t *greater = (const uint8_t *)(check + 1);
	if (packet_wire_len(w->m) - packet_blank_bytes(w->m) > check->pkt_len)
		nested(w, a, greater, check->greater_len);
	else
		nested(w, a, greater + check->greater_len,
		       a->len - sizeof(*check) - check->greater_len);
}

static void meter(struct walk *w, const struct dpact_meter *a)
{
	const struct dp_meter_band *band;
	meter_run(w->t->dp->meters, a->id, &w->m, 1, w->t->now_ms, &band);
	if (band && band->remark)
		rewrite_drop_precedence(w->m, band->prec_level);
	else if (band)
		drop(w, DP_DROP_METER);
}

static void walk_one(struct walk *w, const struct dpact *a)
{
	const uint8_t *bytes = (const uint8_t *)a;
	bool ok = true;
	switch ((enum dpact_type)a->type) {
	case DPACT_OUTPUT:
		output(w, a);
		break;
	case DPACT_USERSPACE:
		upcall_action(w->t, w->m, (const struct dpact_userspace *)a, w->max_len);
		w->max_len = UINT32_MAX;
		break;
	case DPACT_SET:
		set(w, (const struct dpact_set *)a);
		break;
	case DPACT_PUSH_VLAN: {
		const struct dpact_push_vlan *push = (const struct dpact_push_vlan *)a;
		ok = rewrite_push_vlan(w->m, push->tpid, push->tci);
		break;
	}
	case DPACT_POP_VLAN:
		rewrite_pop_vlan(w->m);
		break;
	case DPACT_PUSH_MPLS: {
		const struct dpact_push_mpls *push = (const struct dpact_push_mpls *)a;
		ok = rewrite_push_mpls(w->m, push->ethertype, push->lse);
		break;
	}
	case DPACT_POP_MPLS:
		rewrite_pop_mpls(w->m, ((const struct dpact_pop_mpls *)a)->ethertype);
		encap_popped_mpls(w->m);
		break;
	case DPACT_PUSH_ETH:
	case DPACT_POP_ETH:
	case DPACT_PUSH_NSH:
	case DPACT_POP_NSH:
	case DPACT_ADD_MPLS: {
		enum dp_drop_reason reason;
		if (!encap_run(&w->m, a, &reason))
			drop(w, reason);
		break;
	}
	case DPACT_RECIRC:
		recirculate(w, a);
		break;
	case DPACT_HASH: {
		const struct dpact_hash *hash = (const struct dpact_hash *)a;
		mbuf_meta(w->m)->dp_hash = packet_hash(w->m, hash->algorithm, hash->basis);
		break;
	}
	case DPACT_TRUNC:
		w->max_len = ((const struct dpact_trunc *)a)->max_len;
		break;
	case DPACT_SAMPLE:
		if (random_u32() <= ((const struct dpact_sample *)a)->probability &&
		    ((const struct dpact_sample *)a)->probability)
			nested(w, a, bytes + sizeof(struct dpact_sample),
			       a->len - sizeof(struct dpact_sample));
		break;
	case DPACT_CLONE:
		nested(w, a, bytes + sizeof(struct dpact_nested),
		       a->len - sizeof(struct dpact_nested));
		break;
	case DPACT_CHECK_PKT_LEN:
		check_pkt_len(w, a);
		break;
	case DPACT_DROP:
		drop(w, ((const struct dpact_drop *)a)->reason);
		break;
	case DPACT_METER:
		meter(w, (const struct dpact_meter *)a);
		break;
	case DPACT_CT_CLEAR:
	case DPACT_N_TYPES:
		break;
	}
	if (!ok)
		drop(w, DP_DROP_NO_BUFFER);
}

void program_interpret(struct dp_thread *t, struct rte_mbuf *m, const void *actions, size_t n)
{
	if (!n) { // `actions` may be NULL
		dp_thread_drop(t, m, DP_DROP_NO_ACTIONS);
		return;
	}
	struct walk w = {.t = t, .max_len = UINT32_MAX, .end = (const uint8_t *)actions + n};
	DPACT_FOREACH (a, actions, n)
		if (is_write(a))
			w.last_write = (const uint8_t *)a;
	w.m = w.last_write ? packet_writable(m) : m;
	if (!w.m) {
		dp_stat_add(&t->stats.drops[DP_DROP_NO_BUFFER], 1);
		return;
	}
	DPACT_FOREACH (a, actions, n) {
		walk_one(&w, a);
		if (!w.m)
			return;
	}
	rte_pktmbuf_free(w.m);
}
