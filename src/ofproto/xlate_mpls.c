/* SPDX-License-Identifier: Apache-2.0 */
// MPLS: actions on labels, and what makes up the difference between the labels that the tables want
// and those that the datapath's packet has. Behind a label nothing is known: a push clears what the
// flow says about layers 3 and 4.
#include "dp/dp.h"
#include "ofproto/xlate_ctx.h"
#include "openflow/packet_io.h"

enum {
	LABEL_BITS = 0xfffff000u,
	TC_BITS = 0x00000e00u,
	BOS_BIT = 0x00000100u,
	TTL_BITS = 0x000000ffu
};
enum { LABEL_SHIFT = 12, TC_SHIFT = 9, DEFAULT_TTL = 64, IPV6_NULL_LABEL = 2 };

static bool is_mpls(be16_t dl_type)
{
	return dl_type == BE16(0x8847) || dl_type == BE16(0x8848);
}

// How many labels there are, up to what a flow knows.
static unsigned int n_labels(const struct flow *f)
{
	if (!is_mpls(f->dl_type))
		return 0;
	for (unsigned int i = 0; i < FLOW_MAX_MPLS; i++)
		if (f->mpls[i] & BE32(BOS_BIT))
			return i + 1;
	return FLOW_MAX_MPLS;
}

// The labels are about to move: how many there are was looked at, and what is done to one from here
// on is done to another one of the packet's own, so those from `first` on count as a whole.
static void unwildcard_stack(struct xlate_ctx *ctx, unsigned int first)
{
	const struct flow *f = ctx->in->flow;
	for (unsigned int i = 0; i < n_labels(f); i++)
		ctx->mask->mpls[i] |= i < first ? BE32(BOS_BIT) : UINT32_MAX;
}

static void forget_payload(struct flow *f)
{
	memset(&f->nw_src, 0, offsetof(struct flow, options) - offsetof(struct flow, nw_src));
}

// The first label takes time to live and traffic class of the packet, further ones are copies of
// the one below.
bool xlate_do_push_mpls(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_mpls_type *a = action;
	struct flow *f = &ctx->flow;
	unsigned int n = n_labels(f);
	if (!n)
		xlate_commit(ctx); // what is behind the label can not be changed afterwards
	if (n >= FLOW_MAX_MPLS) {
		XLATE_REPORT(ctx, TRACE_ERROR,
			     "dropping packet on which an MPLS push action can't be performed as "
			     "it would have more MPLS LSEs than the %d supported",
			     FLOW_MAX_MPLS);
		xlate_fail(ctx, XLATE_TOO_MANY_MPLS_LABELS);
		return false;
	}
	be32_t lse;
	if (n) {
		unwildcard_stack(ctx, 0);
		lse = f->mpls[0] & ~BE32(BOS_BIT);
	} else {
		bool v6 = f->dl_type == BE16(0x86dd), ip = v6 || f->dl_type == BE16(0x0800);
		if (ip) {
			ctx->mask->nw_tos |= 0xfc;
			ctx->mask->nw_ttl = UINT8_MAX;
		}
		uint32_t ttl = ip && f->nw_ttl ? f->nw_ttl : DEFAULT_TTL,
			 tc = (f->nw_tos & 0xfcu) >> 2;
		lse = htobe32((v6 ? IPV6_NULL_LABEL : 0u) << LABEL_SHIFT |
			      (tc << TC_SHIFT & TC_BITS) | BOS_BIT | ttl);
		forget_payload(f);
	}
	memmove(&f->mpls[1], &f->mpls[0], (FLOW_MAX_MPLS - 1) * sizeof(f->mpls[0]));
	f->mpls[0] = lse;
	f->dl_type = a->ethertype;
	return true;
}

bool xlate_do_pop_mpls(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_mpls_type *a = action;
	struct flow *f = &ctx->flow;
	unsigned int n = n_labels(f);
	if (!n)
		return true;
	unwildcard_stack(ctx, 1);
	if (n == FLOW_MAX_MPLS && !(f->mpls[n - 1] & BE32(BOS_BIT))) {
		XLATE_REPORT(ctx, TRACE_ERROR,
			     "dropping packet on which an MPLS pop action can't be performed as it "
			     "has more MPLS LSEs than the %d supported",
			     FLOW_MAX_MPLS);
		xlate_fail(ctx, XLATE_TOO_MANY_MPLS_LABELS);
		return false;
	}
	// More labels below the last one: the packet is still one of MPLS, whatever the action
	// says; stock believes the action.
	memmove(&f->mpls[0], &f->mpls[1], (FLOW_MAX_MPLS - 1) * sizeof(f->mpls[0]));
	f->mpls[FLOW_MAX_MPLS - 1] = 0;
	f->dl_type = a->ethertype;
	if (!is_mpls(a->ethertype))
		ctx->behind_mpls = true;
	return true;
}

static void set_lse(struct xlate_ctx *ctx, uint32_t bits, uint32_t value)
{
	struct flow *f = &ctx->flow;
	if (!is_mpls(f->dl_type))
		return;
	ctx->mask->mpls[0] |= htobe32(bits);
	f->mpls[0] = (f->mpls[0] & htobe32(~bits)) | htobe32(value & bits);
}

bool xlate_do_set_mpls_label(struct xlate_ctx *ctx, const void *action)
{
	set_lse(ctx, LABEL_BITS, ((const struct ofpact_mpls_label *)action)->label << LABEL_SHIFT);
	return true;
}

bool xlate_do_set_mpls_tc(struct xlate_ctx *ctx, const void *action)
{
	set_lse(ctx, TC_BITS,
		(uint32_t)((const struct ofpact_u8 *)action)->value << TC_SHIFT & TC_BITS);
	return true;
}

bool xlate_do_set_mpls_ttl(struct xlate_ctx *ctx, const void *action)
{
	set_lse(ctx, TTL_BITS, ((const struct ofpact_u8 *)action)->value);
	return true;
}

bool xlate_do_dec_mpls_ttl(struct xlate_ctx *ctx, const void *action)
{
	(void)action;
	if (!is_mpls(ctx->flow.dl_type))
		return true;
	uint32_t ttl = be32toh(ctx->flow.mpls[0]) & TTL_BITS;
	ctx->mask->mpls[0] |= BE32(TTL_BITS);
	if (ttl > 1) {
		set_lse(ctx, TTL_BITS, ttl - 1);
		return true;
	}
	XLATE_REPORT(ctx, TRACE_WARN, "MPLS decrement TTL exception");
	xlate_controller(ctx, &(struct xlate_to_controller){.reason = OFPR_INVALID_TTL,
							    .max_len = UINT16_MAX,
							    .meter_id = UINT32_MAX});
	return false;
}

// --- Commit.

// Labels that both have, counted from the bottom.
static unsigned int n_common(const struct flow *a, unsigned int n_a, const struct flow *b,
			     unsigned int n_b)
{
	unsigned int n = 0;
	while (n < n_a && n < n_b && a->mpls[n_a - 1 - n] == b->mpls[n_b - 1 - n])
		n++;
	return n;
}

// A label is written as a whole, and it may be one of the packet's own that was taken off before:
// all of them count.
static void unwildcard_labels(struct xlate_ctx *ctx)
{
	if (is_mpls(ctx->in->flow->dl_type))
		memset(ctx->mask->mpls, 0xff, sizeof(ctx->mask->mpls));
}

void xlate_commit_mpls(struct xlate_ctx *ctx)
{
	struct flow *flow = &ctx->flow, *base = &ctx->base;
	unsigned int n_flow = n_labels(flow), n_base = n_labels(base);
	if (!n_flow && !n_base)
		return;
	unsigned int common = n_common(flow, n_flow, base, n_base);
	while (n_base > common) {
		if (n_base - 1 == common && n_flow > common) { // one label becomes another
			struct dpact_set *set =
				dpact_add(ctx->out->actions, DPACT_SET, sizeof(*set));
			set->header = DPH_MPLS;
			set->key.mpls.lse = flow->mpls[n_flow - n_base];
			set->mask.mpls.lse = UINT32_MAX;
			if (n_flow == n_base &&
			    (ctx->mask == &ctx->made_up || n_base == n_labels(ctx->in->flow))) {
				// Only what was changed: the megaflow may not match on the rest.
				set->mask.mpls.lse = flow->mpls[0] ^ base->mpls[0];
				set->key.mpls.lse &= set->mask.mpls.lse;
			} else {
				unwildcard_labels(ctx);
			}
			common++;
			break;
		}
		struct dpact_pop_mpls *pop =
			dpact_add(ctx->out->actions, DPACT_POP_MPLS, sizeof(*pop));
		n_base--;
		pop->ethertype = n_base ? base->dl_type : flow->dl_type;
	}
	if (n_flow > common)
		unwildcard_labels(ctx);
	while (n_flow > common) {
		struct dpact_push_mpls *push =
			dpact_add(ctx->out->actions, DPACT_PUSH_MPLS, sizeof(*push));
		push->ethertype = flow->dl_type;
		push->lse = flow->mpls[n_flow - common - 1];
		common++;
	}
	memcpy(base->mpls, flow->mpls, sizeof(base->mpls));
	base->dl_type = flow->dl_type;
}
