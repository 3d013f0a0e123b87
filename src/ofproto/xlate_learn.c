/* SPDX-License-Identifier: Apache-2.0 */
// learn and fin_timeout. A megaflow keeps what it learned, so that its later packets refresh the
// flow.
#include <inttypes.h>

#include "base/str.h"
#include "ofproto/backer_internal.h"
#include "ofproto/learned.h"
#include "ofproto/xlate_ctx.h"

enum { PROTO_TCP = 6 };

static void report(struct xlate_ctx *ctx, const struct ofp_flow_mod *fm)
{
	if (!ctx->node)
		return;
	struct str s = STR_INIT;
	str_addf(&s, "table=%u ", fm->table_id);
	match_format(&fm->match, &s, -1, NULL, NULL);
	str_addf(&s, " priority=%u", fm->priority);
	if (fm->new_cookie)
		str_addf(&s, " cookie=%#" PRIx64, be64toh(fm->new_cookie));
	if (fm->idle_timeout)
		str_addf(&s, " idle=%u", fm->idle_timeout);
	if (fm->hard_timeout)
		str_addf(&s, " hard=%u", fm->hard_timeout);
	if (fm->flags & OFPFF_SEND_FLOW_REM)
		str_add(&s, " send_flow_rem");
	str_add(&s, " actions=");
	ofpacts_format(fm->actions.data, fm->actions.len, &(struct ofpact_text){0}, &s);
	XLATE_REPORT(ctx, TRACE_DETAIL, "%s", str_cstr(&s));
	str_done(&s);
}

bool xlate_do_learn(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_learn *a = action;
	bool ok = true;
	for (unsigned int i = 0; i < a->n_specs; i++)
		if (a->specs[i].src.field)
			xlate_unwildcard_subfield(ctx, &a->specs[i].src);
	struct learned *l = learned_new(a, &ctx->flow, ctx->bridge->id);
	report(ctx, learned_flow_mod(l));
	// The packet goes on through the tables as they were when it came: what it teaches is done
	// with its credit, in the end, but for an answer that it takes along.
	if (ctx->in->may_learn && a->flags & LEARN_WRITE_RESULT) {
		ok = learned_apply(ctx->in->backer->backers->system, l);
		learned_set_fresh(l);
		if (!ok && a->limit)
			XLATE_REPORT(ctx, TRACE_DETAIL,
				     "the limit of %u flows is reached, or the table is full",
				     a->limit);
		else if (!ok)
			XLATE_REPORT(ctx, TRACE_DETAIL, "the table is full");
	}
	if (a->flags & LEARN_WRITE_RESULT)
		xlate_set_subfield(ctx, &a->result_dst, ok);
	xlate_add_credit(ctx, &(struct xlate_credit){.kind = XLATE_CREDIT_LEARNED, .learned = l});
	return true;
}

bool xlate_do_fin_timeout(struct xlate_ctx *ctx, const void *action)
{
	ctx->mask->nw_proto = UINT8_MAX;
	if (!ctx->rule || ctx->flow.nw_proto != PROTO_TCP)
		return true;
	struct learned *l =
		learned_fin_timeout(action, (struct rule *)(uintptr_t)ctx->rule, ctx->bridge->id);
	if (!l)
		return true;
	xlate_add_credit(ctx, &(struct xlate_credit){.kind = XLATE_CREDIT_LEARNED, .learned = l});
	return true;
}
