/* SPDX-License-Identifier: Apache-2.0 */
// The group action: which buckets a packet goes through, and that what one does to it is gone in
// the next.
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "ofproto/group.h"
#include "ofproto/xlate_ctx.h"

enum { MAX_WATCH_DEPTH = 64, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_SCTP = 132 };

struct liveness {
	struct xlate_ctx *ctx;
	unsigned int depth;
};

static bool bucket_is_alive(void *liveness_, const struct ofp_bucket *b);

static bool group_is_alive(struct liveness *l, uint32_t id)
{
	const struct group *g = ofproto_group_lookup(l->ctx->bridge->ofproto, id);
	bool alive = false;
	if (!g || l->depth >= MAX_WATCH_DEPTH)
		return false;
	l->depth++;
	VEC_FOREACH (&g->g.buckets, i)
		alive = alive || bucket_is_alive(l, &g->g.buckets.v[i]);
	l->depth--;
	return alive;
}

static void report_dead(struct xlate_ctx *ctx, const struct ofp_bucket *b)
{
	if (b->watch_port != OFPP_NONE)
		XLATE_REPORT(ctx, TRACE_DETAIL, "bucket %u: not live due to port %u", b->bucket_id,
			     b->watch_port);
	else
		XLATE_REPORT(ctx, TRACE_DETAIL, "bucket %u: not live due to group %u", b->bucket_id,
			     b->watch_group);
}

static bool bucket_is_alive(void *liveness_, const struct ofp_bucket *b)
{
	struct liveness *l = liveness_;
	if (b->watch_port == OFPP_NONE && b->watch_group == OFPG_ANY)
		return true;
	const struct xlate_port *port = b->watch_port == OFPP_NONE
						? NULL
						: xlate_bridge_port(l->ctx->bridge, b->watch_port);
	bool alive = (port && port->up) ||
		     (b->watch_group != OFPG_ANY && group_is_alive(l, b->watch_group));
	if (!alive)
		report_dead(l->ctx, b);
	return alive;
}

// The packet's action set is executed once, behind the group, not in each bucket that goes on
// later.
static void freeze_bucket(struct xlate_ctx *ctx)
{
	struct buf set = ctx->action_set;
	ctx->action_set = (struct buf)BUF_INIT;
	xlate_freeze_finish(ctx);
	ctx->action_set = set;
}

// A bucket is an action set: its actions take effect in the order of sets, whatever the order in
// which they were sent.
static void run_as_set(struct xlate_ctx *ctx, const struct ofp_bucket *b)
{
	struct xlate_scope scope;
	struct buf set = {.data = b->actions, .len = b->actions_len}, list = BUF_INIT;
	bool in_set = ctx->in_action_set, in_group = ctx->in_group;
	ofpacts_order_set(set.data, set.len, &list);
	ctx->in_action_set = ctx->in_group = true;
	xlate_scope_begin(ctx, &scope, list.data, list.len);
	xlate_actions(ctx, list.data, list.len);
	if (ctx->freeze.on)
		freeze_bucket(ctx);
	xlate_scope_end(ctx, &scope);
	ctx->in_action_set = in_set;
	ctx->in_group = in_group;
	buf_done(&list);
}

static void run_bucket(struct xlate_ctx *ctx, const struct ofp_bucket *b)
{
	struct xlate_trace_node *old_node = ctx->node;
	bool exit = ctx->exit, behind_mpls = ctx->behind_mpls;
	if (ctx->node)
		ctx->node = xlate_trace_add(ctx->node, TRACE_ACTION, "bucket %u", b->bucket_id);
	if (!b->actions_len)
		XLATE_REPORT(ctx, TRACE_ACTION, "drop");
	ctx->depth++;
	run_as_set(ctx, b);
	ctx->behind_mpls = behind_mpls;
	ctx->depth--;
	ctx->node = old_node;
	if (!ctx->out->error)
		ctx->exit = exit;
}

static void count(struct xlate_ctx *ctx, struct group *g, uint32_t bucket)
{
	struct group *ref = group_try_ref(g);
	if (ref)
		xlate_add_credit(ctx, &(struct xlate_credit){.kind = XLATE_CREDIT_GROUP,
							     .port = bucket,
							     .group = ref});
}

// --- Selecting.

static uint64_t hash_field(struct xlate_ctx *ctx, const struct ofp_group_field *f, uint64_t hash)
{
	union field_value v;
	field_unwildcard_prereqs(f->field, ctx->mask);
	if (!field_prereqs_ok(f->field, &ctx->flow, NULL))
		return hash;
	field_unwildcard(f->field, &f->mask, ctx->mask);
	memset(&v, 0, sizeof(v));
	field_get_value(f->field, &ctx->flow, &v);
	for (unsigned int i = 0; i < f->field->n_bytes; i++)
		v.b[i] &= f->mask.b[i];
	return hash_bytes(v.b, f->field->n_bytes, hash ^ f->field->id);
}

// Without fields given: addresses, protocol and ports of IP packets, MAC addresses of others.
static uint64_t hash_usual(struct xlate_ctx *ctx, uint64_t hash)
{
	static const enum field_id ipv4[] = {FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_IP_PROTO},
				   ipv6[] = {FIELD_IPV6_SRC, FIELD_IPV6_DST, FIELD_IP_PROTO},
				   other[] = {FIELD_ETH_SRC, FIELD_ETH_DST};
	const struct flow *flow = &ctx->flow;
	bool v4 = flow->dl_type == BE16(0x0800), v6 = flow->dl_type == BE16(0x86dd);
	const enum field_id *ids = v4 ? ipv4 : v6 ? ipv6 : other;
	for (unsigned int i = 0; i < (v4 || v6 ? 3 : 2); i++) {
		struct ofp_group_field f = {.field = field_get(ids[i])};
		field_exact_mask(f.field, &f.mask);
		hash = hash_field(ctx, &f, hash);
	}
	bool ports = flow->nw_proto == PROTO_TCP || flow->nw_proto == PROTO_UDP ||
		     flow->nw_proto == PROTO_SCTP;
	if ((v4 || v6) && ports && !(flow->nw_frag & FLOW_FRAG_ANY)) {
		ctx->mask->tp_src = ctx->mask->tp_dst = UINT16_MAX;
		hash = hash_combine(hash, (uint64_t)flow->tp_src << 16 | flow->tp_dst);
	}
	return hash;
}

static uint64_t flow_hash(struct xlate_ctx *ctx, const struct ofp_group *g)
{
	uint64_t hash = hash_u64(g->method_param);
	if (!g->fields.n)
		return hash_usual(ctx, hash);
	VEC_FOREACH (&g->fields, i)
		hash = hash_field(ctx, &g->fields.v[i], hash);
	return hash;
}

// Is the packet's hash the one that the group wants?
static bool is_hashed_for(const struct xlate_ctx *ctx, const struct ofp_group *g)
{
	return ctx->hashed && ctx->hash_algorithm == group_hash_algorithm(g) &&
	       ctx->hash_basis == group_hash_basis(g);
}

static int choose(struct xlate_ctx *ctx, const struct group *group)
{
	const struct ofp_group *g = &group->g;
	struct liveness l = {.ctx = ctx};
	if (g->type == OFPGT_SELECT && group->slots)
		return group_slots_select(group, ctx->flow.dp_hash, &ctx->mask->dp_hash,
					  bucket_is_alive, &l);
	if (g->type == OFPGT_SELECT)
		return group_select(g, flow_hash(ctx, g), bucket_is_alive, &l);
	VEC_FOREACH (&g->buckets, i)
		if (g->type == OFPGT_INDIRECT || bucket_is_alive(&l, &g->buckets.v[i]))
			return (int)i;
	return -1;
}

void xlate_group(struct xlate_ctx *ctx, uint32_t id)
{
	struct group *g = ofproto_group_lookup(ctx->bridge->ofproto, id);
	if (!g) {
		XLATE_REPORT(ctx, TRACE_WARN, "output to nonexistent group %u", id);
		return;
	}
	if (!xlate_within_limits(ctx))
		return;
	ctx->resubmits++;
	if (g->g.type == OFPGT_ALL) {
		const bool last = ctx->last;
		count(ctx, g, (uint32_t)GROUP_ALL_BUCKETS);
		VEC_FOREACH (&g->g.buckets, i) {
			ctx->last = last && i + 1 == g->g.buckets.n;
			if (!ctx->out->error)
				run_bucket(ctx, &g->g.buckets.v[i]);
		}
		ctx->last = last;
		return;
	}
	if (g->slots && !is_hashed_for(ctx, &g->g)) {
		xlate_freeze_for_hash(ctx, group_hash_algorithm(&g->g), group_hash_basis(&g->g));
		return;
	}
	int bucket = choose(ctx, g);
	if (bucket < 0) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "no live bucket");
		return;
	}
	if (g->g.type != OFPGT_INDIRECT)
		XLATE_REPORT(ctx, TRACE_DETAIL, "using bucket %u",
			     g->g.buckets.v[bucket].bucket_id);
	count(ctx, g, (uint32_t)bucket);
	run_bucket(ctx, &g->g.buckets.v[bucket]);
}
