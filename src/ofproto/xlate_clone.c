/* SPDX-License-Identifier: Apache-2.0 */
// Lists whose changes to the packet are undone after them: clone(), buckets of groups, bridges
// behind patch ports. Nearly always it is enough to forget the changes: the next output writes back
// what they changed. What cannot be written back (headers around the packet, what a meter or
// conntrack made of it) happens to a copy, in a clone of the datapath, unless nothing follows that
// would need the packet.
//
// Whether a list does such things is mostly told by its actions. When it is only seen afterwards,
// as they were behind a resubmit, what was given so far is put into a clone then.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ofproto/xlate_ctx.h"

static bool is_reversible(const void *list, size_t n)
{
	OFPACT_FOREACH (a, list, n)
		switch ((int)a->type) {
		case OFPACT_CT:
		case OFPACT_NAT:
		case OFPACT_METER:
		case OFPACT_OUTPUT_TRUNC:
		case OFPACT_ENCAP:
		case OFPACT_DECAP:
		case OFPACT_DEC_NSH_TTL:
			return false;
		}
	return true;
}

void xlate_scope_begin(struct xlate_ctx *ctx, struct xlate_scope *s, const void *list, size_t n)
{
	s->last = ctx->last;
	s->clone = !ctx->last && !is_reversible(list, n);
	if (s->clone) { // once, not in the clone and behind it
		xlate_commit(ctx);
		ctx->last = true;
	}
	flow_copy(&s->flow, &ctx->flow);
	flow_copy(&s->base, &ctx->base);
	s->mask = ctx->mask;
	s->pending = ctx->pending;
	s->irreversible = ctx->irreversible;
	s->start = ctx->out->actions->len;
}

// Puts what was given since the scope began into a clone.
static void wrap(struct xlate_ctx *ctx, size_t start)
{
	struct buf *b = ctx->out->actions;
	size_t n = b->len - start;
	if (!n)
		return;
	ctx->wrapped = true;
	buf_add_zeros(b, sizeof(struct dpact_nested));
	memmove(b->data + start + sizeof(struct dpact_nested), b->data + start, n);
	struct dpact_nested head = {.h = {.type = DPACT_CLONE}};
	memcpy(b->data + start, &head, sizeof(head));
	if (!dpact_nest_end(b, start)) {
		XLATE_REPORT(ctx, TRACE_ERROR, "resubmits yielded over 64 kB of actions");
		xlate_fail(ctx, XLATE_TOO_MANY_RESUBMITS);
	}
}

void xlate_unwrap_last_clone(struct xlate_ctx *ctx, size_t start)
{
	struct buf *b = ctx->out->actions;
	for (size_t at = start; ctx->wrapped && at < b->len;) {
		const struct dpact *a = (const void *)(b->data + at);
		size_t size = dpact_size(a);
		if (at + size < b->len) {
			at += size;
		} else if (a->type == DPACT_CLONE) {
			memmove(b->data + at, b->data + at + sizeof(struct dpact_nested),
				b->len - at - sizeof(struct dpact_nested));
			b->len -= sizeof(struct dpact_nested);
		} else {
			break;
		}
	}
}

void xlate_scope_end(struct xlate_ctx *ctx, const struct xlate_scope *s)
{
	bool clone = s->clone || (!s->last && ctx->irreversible != s->irreversible);
	ctx->last = s->last;
	flow_copy(&ctx->flow, &s->flow);
	xlate_mask_merge(ctx, s->mask);
	ctx->pending = s->pending;
	if (!clone)
		return;
	wrap(ctx, s->start);
	flow_copy(&ctx->base, &s->base);
	ctx->irreversible = s->irreversible; // it is the copy that had it done to it
}

bool xlate_do_clone(struct xlate_ctx *ctx, const void *action)
{
	size_t n;
	const struct ofpact *list = ofpact_nest_actions(action, &n);
	struct xlate_scope scope;
	xlate_scope_begin(ctx, &scope, list, n);
	struct buf set = ctx->action_set;
	uint64_t *stack =
		ctx->stack_n ? xmemdup(ctx->stack, ctx->stack_n * sizeof(ctx->stack[0])) : NULL;
	unsigned int stack_n = ctx->stack_n;
	bool exit = ctx->exit, behind_mpls = ctx->behind_mpls;
	ctx->action_set = (struct buf)BUF_INIT;
	xlate_actions(ctx, list, n);
	if (ctx->freeze.on)
		xlate_freeze_finish(ctx);
	ctx->behind_mpls = behind_mpls;
	buf_done(&ctx->action_set);
	ctx->action_set = set;
	if (stack_n) {
		free(ctx->stack);
		ctx->stack = stack;
		ctx->stack_cap = stack_n;
	}
	ctx->stack_n = stack_n;
	xlate_scope_end(ctx, &scope);
	if (!ctx->out->error)
		ctx->exit = exit;
	return true;
}
