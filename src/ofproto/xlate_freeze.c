/* SPDX-License-Identifier: Apache-2.0 */
// Freezing and thawing. Some actions need what translation cannot see: what lies behind a label
// that was taken off, a hash of the packet that the datapath computes, a controller's answer. Then
// translation stops, and the packet goes through the datapath once more.
//
// xlate_freeze_begin() only sets `freeze.on` and `exit`: nothing more is run, and on the way out
// each list of actions adds what is left of it, the innermost first. Who would put the packet back
// as it was (clone, a bucket, a patch port, the end of the pipeline) calls xlate_freeze_finish():
// the datapath's packet is made to look like `flow`, and what is left, with the action set, stack,
// registers and metadata, becomes a context (recirc.h) that the datapath sends the packet to. Then
// translation goes on with what follows *outside*.
//
// ct() will freeze the same way, with a table to go on with instead of actions
// (frozen_head.table_id).
#include "base/alloc.h"
#include "base/str.h"
#include "ofproto/backer_internal.h"
#include "ofproto/group.h"
#include "ofproto/xlate_ctx.h"

void xlate_freeze_begin(struct xlate_ctx *ctx)
{
	ctx->freeze.on = true;
	ctx->freeze.in_action_set = ctx->in_action_set;
	ctx->freeze.in_group = ctx->in_group;
	ctx->freeze.from_table = ctx->table_id;
	ctx->freeze.from_cookie = ctx->cookie;
	ctx->exit = true;
}

void xlate_freeze_after(struct xlate_ctx *ctx)
{
	ctx->freeze.past = true;
	xlate_freeze_begin(ctx);
}

void xlate_freeze_for_hash(struct xlate_ctx *ctx, uint32_t algorithm, uint32_t basis)
{
	ctx->freeze.rehash = true;
	ctx->freeze.algorithm = algorithm;
	ctx->freeze.basis = basis;
	xlate_freeze_begin(ctx);
}

bool xlate_do_debug_recirc(struct xlate_ctx *ctx, const void *action)
{
	(void)action;
	xlate_freeze_after(ctx);
	return true;
}

// --- What a label hid.

// Do outputs to the port look at the headers: in tables of the other bridge, by a mirror's filter,
// for multicast groups?
static bool output_looks_inside(const struct xlate_ctx *ctx, uint32_t port)
{
	const struct xlate_bridge *b = ctx->bridge;
	const struct xlate_port *p =
		xlate_bridge_port(b, port == OFPP_IN_PORT ? ctx->flow.in_port : port);
	if (port == OFPP_TABLE || b->n_mirrors)
		return true;
	if (port != OFPP_NORMAL && port != OFPP_FLOOD && port != OFPP_ALL)
		return p && p->peer;
	for (unsigned int i = 0; i < b->n_ports; i++)
		if (b->ports[i].peer)
			return true;
	return port == OFPP_NORMAL && b->mcast;
}

static bool is_outer(const struct field *f)
{
	return f->prereq == PREREQ_NONE || f->prereq == PREREQ_ETHERNET ||
	       f->prereq == PREREQ_VLAN_VID;
}

static bool group_looks_inside(const struct xlate_ctx *ctx, uint32_t id)
{
	const struct group *g = ofproto_group_lookup(ctx->bridge->ofproto, id);
	return g && g->g.type == OFPGT_SELECT &&
	       !group_hashes_in_datapath(&g->g); // buckets look for themselves
}

bool xlate_needs_inner_headers(const struct xlate_ctx *ctx, const struct ofpact *a)
{
	const void *v = a;
	const struct ofpact_reg_move *move = v;
	switch ((enum ofpact_type)a->type) {
	case OFPACT_OUTPUT:
		return output_looks_inside(ctx, ((const struct ofpact_output *)v)->port);
	case OFPACT_ENQUEUE:
		return output_looks_inside(ctx, ((const struct ofpact_enqueue *)v)->port);
	case OFPACT_OUTPUT_REG: {
		const struct subfield *src = &((const struct ofpact_output_reg *)v)->src;
		return !is_outer(src->field) ||
		       output_looks_inside(ctx, (uint32_t)subfield_get_u64(src, &ctx->flow));
	}
	case OFPACT_GROUP:
		return group_looks_inside(ctx, ((const struct ofpact_group *)v)->group_id);
	case OFPACT_SET_FIELD:
		return !is_outer(((const struct ofpact_set_field *)v)->field);
	case OFPACT_STACK_PUSH:
	case OFPACT_STACK_POP:
		return !is_outer(((const struct ofpact_stack *)v)->subfield.field);
	case OFPACT_REG_MOVE:
		return !is_outer(move->src.field) || !is_outer(move->dst.field);
	case OFPACT_CHECK_PKT_LARGER:
		return !is_outer(((const struct ofpact_check_pkt_larger *)v)->dst.field);
	case OFPACT_CONTROLLER: // the controller gets the packet, not what we know of it
	case OFPACT_OUTPUT_TRUNC:
	case OFPACT_SET_VLAN_VID:
	case OFPACT_SET_VLAN_PCP:
	case OFPACT_STRIP_VLAN:
	case OFPACT_PUSH_VLAN:
	case OFPACT_SET_ETH_SRC:
	case OFPACT_SET_ETH_DST:
	case OFPACT_SET_TUNNEL:
	case OFPACT_SET_QUEUE:
	case OFPACT_POP_QUEUE:
	case OFPACT_NOTE:
	case OFPACT_EXIT:
	case OFPACT_CLONE: // its actions look for themselves
	case OFPACT_CONJUNCTION:
	case OFPACT_CT_CLEAR:
	case OFPACT_DEBUG_RECIRC:
	case OFPACT_DEBUG_SLOW:
	case OFPACT_METER:
	case OFPACT_CLEAR_ACTIONS:
	case OFPACT_WRITE_ACTIONS:
	case OFPACT_WRITE_METADATA:
	case OFPACT_STAT_TRIGGER:
	case OFPACT_UNROLL_XLATE:
		return false;
	case OFPACT_SET_IPV4_SRC:
	case OFPACT_SET_IPV4_DST:
	case OFPACT_SET_IP_DSCP:
	case OFPACT_SET_IP_ECN:
	case OFPACT_SET_IP_TTL:
	case OFPACT_SET_L4_SRC_PORT:
	case OFPACT_SET_L4_DST_PORT:
	case OFPACT_DEC_TTL:
	case OFPACT_RESUBMIT:
	case OFPACT_GOTO_TABLE:
	case OFPACT_BUNDLE:
	case OFPACT_MULTIPATH:
	case OFPACT_SET_MPLS_LABEL:
	case OFPACT_SET_MPLS_TC:
	case OFPACT_SET_MPLS_TTL:
	case OFPACT_DEC_MPLS_TTL:
	case OFPACT_PUSH_MPLS:
	case OFPACT_POP_MPLS:
	case OFPACT_LEARN:
	case OFPACT_FIN_TIMEOUT:
	case OFPACT_SAMPLE:
	case OFPACT_CT:
	case OFPACT_NAT:
	case OFPACT_ENCAP:
	case OFPACT_DECAP:
	case OFPACT_DEC_NSH_TTL:
	case OFPACT_DELETE_FIELD:
	case OFPACT_N_TYPES:
		break;
	}
	return true;
}

// --- Freezing.

// Does the action ask for the table or the cookie of its rule?
static bool asks_whose(const struct ofpact *a)
{
	switch ((int)a->type) {
	case OFPACT_OUTPUT:
	case OFPACT_OUTPUT_REG:
	case OFPACT_OUTPUT_TRUNC:
	case OFPACT_GROUP:
	case OFPACT_CONTROLLER:
	case OFPACT_DEC_TTL:
	case OFPACT_DEC_MPLS_TTL:
	case OFPACT_DEC_NSH_TTL:
		return true; // packets to controllers say it
	case OFPACT_CLONE:
		return true;
	case OFPACT_RESUBMIT:
		return ((const struct ofpact_resubmit *)(const void *)a)->table == 255;
	}
	return false;
}

static void say_whose(struct xlate_ctx *ctx)
{
	struct xlate_freeze *f = &ctx->freeze;
	if (f->unrolled && f->table_id == ctx->table_id && f->cookie == ctx->cookie)
		return;
	struct ofpact_unroll *unroll =
		ofpact_add(&f->actions, OFPACT_UNROLL_XLATE, sizeof(*unroll));
	unroll->table = f->table_id = ctx->table_id;
	unroll->cookie = f->cookie = ctx->cookie;
	f->unrolled = true;
}

void xlate_freeze_rest(struct xlate_ctx *ctx, const struct ofpact *first, const void *end)
{
	ctx->freeze.unwinding = true;
	size_t n = (size_t)((const uint8_t *)end - (const uint8_t *)first);
	OFPACT_FOREACH (a, first, n) {
		if (a->type == OFPACT_NOTE || a->type == OFPACT_CONJUNCTION ||
		    a->type == OFPACT_STAT_TRIGGER)
			continue;
		if (asks_whose(a))
			say_whose(ctx);
		buf_add(&ctx->freeze.actions, a, ofpact_size(a));
	}
}

static void freeze_state(const struct xlate_ctx *ctx, struct frozen *f)
{
	const struct xlate_freeze *fr = &ctx->freeze;
	memset(f, 0, sizeof(*f));
	f->h.ofproto_id = ctx->bridge->id;
	f->h.mirrored = ctx->mirrored;
	f->h.tunnel = ctx->flow.tunnel;
	f->options = ctx->flow.options;
	f->options_len = ctx->flow.tunnel.options ? sizeof(ctx->flow.options) : 0;
	f->h.metadata = ctx->flow.metadata;
	memcpy(f->h.regs, ctx->flow.regs, sizeof(f->h.regs));
	f->h.in_port = ctx->flow.in_port;
	f->h.table_id = FROZEN_NO_TABLE;
	f->h.conntracked = ctx->conntracked;
	f->h.in_action_set = fr->in_action_set;
	f->h.in_group = fr->in_group;
	f->h.packet_out = ctx->packet_out;
	f->h.hashed = fr->rehash || ctx->hashed;
	f->h.hash_algorithm = fr->rehash ? fr->algorithm : ctx->hash_algorithm;
	f->h.hash_basis = fr->rehash ? fr->basis : ctx->hash_basis;
	f->stack = ctx->stack;
	f->n_stack = ctx->stack_n;
	f->actions = fr->actions.data;
	f->actions_len = fr->actions.len;
	f->action_set = ctx->action_set.data;
	f->action_set_len = ctx->action_set.len;
}

static void recirculate(struct xlate_ctx *ctx, uint32_t id)
{
	struct buf *b = ctx->out->actions;
	if (ctx->freeze.rehash) {
		struct dpact_hash *hash = dpact_add(b, DPACT_HASH, sizeof(*hash));
		hash->algorithm = ctx->freeze.algorithm;
		hash->basis = ctx->freeze.basis;
	}
	((struct dpact_recirc *)dpact_add(b, DPACT_RECIRC, sizeof(struct dpact_recirc)))->id = id;
}

static void pause_at_controller(struct xlate_ctx *ctx, uint32_t id)
{
	const struct ofpact_controller *a = ctx->freeze.pause;
	uint8_t table_id = ctx->table_id;
	be64_t cookie = ctx->cookie;
	ctx->table_id = ctx->freeze.from_table;
	ctx->cookie = ctx->freeze.from_cookie;
	xlate_controller(ctx, &(struct xlate_to_controller){.reason = a->reason,
							    .max_len = a->max_len,
							    .controller_id = a->controller_id,
							    .meter_id = a->meter_id ? a->meter_id
										    : UINT32_MAX,
							    .userdata = a->userdata,
							    .userdata_len = a->userdata_len,
							    .recirc_id = id});
	ctx->table_id = table_id;
	ctx->cookie = cookie;
}

// For a trace: what the packet is like when it comes back.
static void note_for_trace(struct xlate_ctx *ctx, uint32_t id)
{
	struct xlate_trace *trace = ctx->in->trace;
	if (!trace || ctx->freeze.pause)
		return;
	struct xlate_trace_recirc r = {.id = id,
				       .flow = ctx->flow,
				       .behind_mpls = ctx->behind_mpls,
				       .rehash = ctx->freeze.rehash,
				       .algorithm = ctx->freeze.algorithm,
				       .basis = ctx->freeze.basis};
	r.flow.recirc_id = id;
	r.flow.in_port = ctx->in->flow->in_port;
	r.flow.metadata = 0;
	memset(r.flow.regs, 0, sizeof(r.flow.regs));
	r.flow.actset_output = r.flow.conj_id = 0;
	vec_push(&trace->recircs, r);
}

void xlate_freeze_finish(struct xlate_ctx *ctx)
{
	struct frozen f;
	struct recirc *r = NULL;
	if (ctx->out->error)
		goto done;
	if (!dp_features_have(&ctx->in->backer->features, DP_FEATURE_RECIRC)) {
		XLATE_REPORT(ctx, TRACE_ERROR, "the datapath does not recirculate packets");
		xlate_fail(ctx, XLATE_NO_RECIRC_SUPPORT);
		goto done;
	}
	xlate_commit(ctx);
	// What is frozen follows from what was looked at, but for the tunnel, which is there as a
	// whole.
	if (flow_has_tunnel(ctx->in->flow)) {
		flow_make_options(ctx->mask);
		if (ctx->flow.tunnel.options)
			memset(ctx->mask->options, 0xff, sizeof(ctx->mask->options));
		memset(&ctx->mask->tunnel, 0xff, sizeof(ctx->mask->tunnel));
	}
	freeze_state(ctx, &f);
	r = recirc_freeze(ctx->in->backer->recircs, &f);
	if (!r) {
		XLATE_REPORT(ctx, TRACE_ERROR, "Failed to allocate recirculation id");
		xlate_fail(ctx, XLATE_TOO_MANY_RECIRCS);
		goto done;
	}
	xlate_add_credit(ctx, &(struct xlate_credit){.kind = XLATE_CREDIT_RECIRC, .recirc = r});
	if (ctx->freeze.pause)
		pause_at_controller(ctx, r->id);
	else
		recirculate(ctx, r->id);
	note_for_trace(ctx, r->id);
done:
	buf_done(&ctx->freeze.actions);
	memset(&ctx->freeze, 0, sizeof(ctx->freeze));
}

// --- Thawing.

static void report_list(struct xlate_ctx *ctx, struct xlate_trace_node *node, const char *title,
			const void *list, size_t n)
{
	struct str s = STR_INIT;
	if (!node)
		return;
	ofpacts_format(list, n, &(struct ofpact_text){0}, &s);
	xlate_trace_add(node, TRACE_THAW, "%s: %s", title, str_cstr(&s));
	str_done(&s);
}

static void restore_action_set(struct xlate_ctx *ctx, const struct frozen *f)
{
	buf_add(&ctx->action_set, f->action_set, f->action_set_len);
	OFPACT_FOREACH (a, f->action_set, f->action_set_len)
		if (a->type == OFPACT_OUTPUT)
			ctx->flow.actset_output =
				((const struct ofpact_output *)(const void *)a)->port;
}

static void restore(struct xlate_ctx *ctx, const struct frozen *f)
{
	ctx->mirrored = f->h.mirrored;
	ctx->conntracked = f->h.conntracked;
	if (!ctx->conntracked)
		flow_forget_connection(&ctx->flow);
	ctx->flow.tunnel = f->h.tunnel;
	if (f->options_len)
		memcpy(ctx->flow.options, f->options, f->options_len);
	ctx->flow.metadata = f->h.metadata;
	memcpy(ctx->flow.regs, f->h.regs, sizeof(ctx->flow.regs));
	ctx->flow.in_port = f->h.in_port;
	ctx->in_action_set = f->h.in_action_set;
	ctx->in_group = f->h.in_group;
	ctx->packet_out = f->h.packet_out;
	ctx->hashed = f->h.hashed;
	ctx->hash_algorithm = f->h.hash_algorithm;
	ctx->hash_basis = f->h.hash_basis;
	if (f->n_stack) {
		ctx->stack = xmemdup(f->stack, f->n_stack * sizeof(f->stack[0]));
		ctx->stack_n = ctx->stack_cap = (unsigned int)f->n_stack;
	}
	if (f->action_set_len)
		restore_action_set(ctx, f);
}

bool xlate_thaw(struct xlate_ctx *ctx, const struct frozen *f)
{
	struct xlate_trace_node *outer = ctx->node, *thaw = NULL;
	const struct xlate_bridge *bridge = xlate_snapshot_bridge(ctx->snapshot, f->h.ofproto_id);
	bool has_table = f->h.table_id != FROZEN_NO_TABLE;
	if (!bridge) {
		XLATE_REPORT(ctx, TRACE_ERROR, "Frozen bridge no longer exists.");
		ctx->out->error = XLATE_BRIDGE_NOT_FOUND;
		return false;
	}
	ctx->bridge = bridge;
	ctx->out->ofproto = bridge->ofproto;
	if (ctx->node) {
		ctx->node =
			xlate_trace_add(ctx->node, TRACE_BRIDGE, "bridge(\"%s\")", bridge->name);
		thaw = xlate_trace_add(ctx->node, TRACE_THAW, "thaw");
		xlate_trace_add(thaw, TRACE_THAW, "Resuming from table %u",
				has_table ? f->h.table_id : 0);
	}
	xlate_limit_vlans(ctx);
	restore(ctx, f);
	if (f->action_set_len)
		report_list(ctx, thaw, "Restoring action set", f->action_set, f->action_set_len);
	if (f->actions_len)
		report_list(ctx, thaw, "Restoring actions", f->actions, f->actions_len);
	if (has_table)
		xlate_table(ctx, ctx->flow.in_port, f->h.table_id, true);
	else
		xlate_actions(ctx, f->actions, f->actions_len);
	ctx->in_action_set = ctx->in_group = false;
	xlate_end_pipeline(ctx);
	ctx->node = outer;
	return true;
}

bool xlate_do_unroll(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_unroll *a = action;
	ctx->table_id = a->table;
	ctx->cookie = a->cookie;
	XLATE_REPORT(ctx, TRACE_THAW, "restored state: table=%u, cookie=%#llx", a->table,
		     (unsigned long long)be64toh(a->cookie));
	return true;
}
