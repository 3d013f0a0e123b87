/* SPDX-License-Identifier: Apache-2.0 */
// Actions that concern the whole packet: output of its first bytes, branches by its length,
// samples; and those that have their effect elsewhere (conjunctions in lookups).
#include "base/str.h"
#include "dp/dp.h"
#include "ofproto/xlate_ctx.h"

bool xlate_do_output_trunc(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_output_trunc *a = action;
	uint32_t port = a->port == OFPP_IN_PORT ? ctx->flow.in_port : a->port;
	const struct xlate_port *p = xlate_bridge_port(ctx->bridge, port);
	if (!p || p->dp_port == DP_PORT_NONE) {
		XLATE_REPORT(ctx, TRACE_WARN, "output_trunc does not support port: %u", port);
		return true;
	}
	uint16_t old = ctx->snaplen;
	ctx->snaplen = a->max_len > UINT16_MAX ? UINT16_MAX : (uint16_t)a->max_len;
	xlate_output(ctx, a->port, 0);
	ctx->snaplen = old;
	return true;
}

// The rest of the list, with the bit set, as a list of datapath actions of its own.
static void translate_branch(struct xlate_ctx *ctx, const struct ofpact_check_pkt_larger *a,
			     bool larger, const void *rest, size_t rest_len, struct buf *actions)
{
	struct flow flow, base;
	flow_copy(&flow, &ctx->flow);
	flow_copy(&base, &ctx->base);
	struct flow *mask = ctx->mask;
	struct buf *outer = ctx->out->actions, set = BUF_INIT, old_set = ctx->action_set;
	bool exit = ctx->exit, last = ctx->last, behind_mpls = ctx->behind_mpls;
	enum xlate_pending pending = ctx->pending;
	unsigned int irreversible = ctx->irreversible;
	buf_add(&set, old_set.data, old_set.len);
	ctx->action_set = set;
	ctx->out->actions = actions;
	if (ctx->node)
		XLATE_REPORT(ctx, TRACE_DETAIL,
			     larger ? "the packet is larger" : "the packet is not larger");
	xlate_set_subfield(ctx, &a->dst, larger);
	ctx->last = true; // the branch has a copy of the packet
	xlate_actions(ctx, rest, rest_len);
	if (ctx->freeze.on) { // the action set is run behind the branches
		buf_clear(&ctx->action_set);
		xlate_freeze_finish(ctx);
	}
	ctx->last = last;
	xlate_mask_merge(ctx, mask);
	ctx->behind_mpls = behind_mpls;
	ctx->pending = pending;
	ctx->irreversible = irreversible;
	buf_done(&ctx->action_set);
	ctx->action_set = old_set;
	ctx->out->actions = outer;
	flow_copy(&ctx->flow, &flow);
	flow_copy(&ctx->base, &base);
	if (!ctx->out->error)
		ctx->exit = exit;
}

// No megaflow knows how long a packet is: the datapath decides, between two translations of what
// follows in this list.
void xlate_check_pkt_larger(struct xlate_ctx *ctx, const struct ofpact_check_pkt_larger *a,
			    const void *rest, size_t rest_len)
{
	struct buf greater = BUF_INIT, less = BUF_INIT;
	xlate_commit(ctx);
	translate_branch(ctx, a, true, rest, rest_len, &greater);
	translate_branch(ctx, a, false, rest, rest_len, &less);
	size_t len = sizeof(struct dpact_check_pkt_len) + greater.len + less.len;
	if (len > UINT16_MAX) {
		XLATE_REPORT(ctx, TRACE_ERROR, "check_pkt_larger yielded over 64 kB of actions");
		xlate_fail(ctx, XLATE_TOO_MANY_RESUBMITS);
	} else if (!ctx->out->error && greater.len + less.len) {
		struct dpact_check_pkt_len *c =
			dpact_add(ctx->out->actions, DPACT_CHECK_PKT_LEN, len);
		c->pkt_len = a->pkt_len;
		c->greater_len = (uint16_t)greater.len;
		uint8_t *lists = (uint8_t *)(c + 1);
		if (greater.len)
			memcpy(lists, greater.data, greater.len);
		if (less.len)
			memcpy(lists + greater.len, less.data, less.len);
	}
	buf_done(&greater);
	buf_done(&less);
}

// Samples go to the collectors of a set; there is none.
bool xlate_do_sample(struct xlate_ctx *ctx, const void *action)
{
	XLATE_REPORT(ctx, TRACE_DETAIL, "no flow sample collector set %u",
		     ((const struct ofpact_sample *)action)->collector_set_id);
	return true;
}

// Connections are not tracked yet, but a packet may say that it was: of a trace, for one.
bool xlate_do_ct_clear(struct xlate_ctx *ctx, const void *action)
{
	(void)action;
	struct flow *f = &ctx->flow;
	if (f->ct_state)
		dpact_add(ctx->out->actions, DPACT_CT_CLEAR, sizeof(struct dpact));
	flow_forget_connection(f);
	return true;
}

bool xlate_do_debug_slow(struct xlate_ctx *ctx, const void *action)
{
	(void)action;
	ctx->out->each_packet = true;
	return true;
}

bool xlate_do_conjunction(struct xlate_ctx *ctx, const void *action)
{
	(void)action;
	XLATE_REPORT(ctx, TRACE_ERROR, "conjunctions are no actions of a rule that decides");
	return true;
}
