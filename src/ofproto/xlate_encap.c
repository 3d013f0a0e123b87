/* SPDX-License-Identifier: Apache-2.0 */
// Headers in front of the packet: encap, decap, and the time to live of NSH (RFC 8300). The tables
// see the new outermost header at once, with its usual values; the datapath gets it with the next
// commit, so that what the tables write into it is part of it. Behind an outer header nothing is
// seen or changed: what was to be done to the packet is done before.
#include <string.h>

#include "ofproto/xlate_ctx.h"
#include "openflow/packet_io.h"

enum {
	NSH_P_IPV4 = 1,
	NSH_P_IPV6 = 2,
	NSH_P_ETHERNET = 3,
	NSH_P_NSH = 4,
	NSH_TTL = 63,
	NSH_SI = 255
};
enum {
	ETHERNET = 0,
	IPV4 = 0x10800,
	IPV6 = 0x186dd,
	NSH = 0x1894f,
	MPLS = 0x18847,
	MPLS_MC = 0x18848
}; // packet types
enum { BOS_BIT = 0x100, DEFAULT_MPLS_TTL = 64, IPV6_NULL_LABEL = 2, LABEL_SHIFT = 12 };

static uint32_t packet_type(const struct xlate_ctx *ctx)
{
	return be32toh(ctx->flow.packet_type);
}

static bool is_mpls_type(be16_t dl_type)
{
	return dl_type == BE16(0x8847) || dl_type == BE16(0x8848);
}

#define UNSUPPORTED(ctx, ...)                                                                      \
	do {                                                                                       \
		XLATE_REPORT(ctx, TRACE_ACTION, "Dropping packet" __VA_ARGS__);                    \
		xlate_fail(ctx, XLATE_UNSUPPORTED_PACKET_TYPE);                                    \
	} while (0)

// --- encap

static void encap_ethernet(struct xlate_ctx *ctx)
{
	struct flow *f = &ctx->flow;
	if (packet_type(ctx) >> 16 != 1) {
		UNSUPPORTED(ctx, " as encap(ethernet) is not supported for packet type ethernet.");
		return;
	}
	f->packet_type = ETHERNET;
	memset(f->dl_src, 0, sizeof(f->dl_src));
	memset(f->dl_dst, 0, sizeof(f->dl_dst));
}

static uint8_t next_protocol(uint32_t type)
{
	switch (type) {
	case ETHERNET:
		return NSH_P_ETHERNET;
	case IPV4:
		return NSH_P_IPV4;
	case IPV6:
		return NSH_P_IPV6;
	case NSH:
		return NSH_P_NSH;
	}
	return 0;
}

// The metadata type, and TLVs, padded to words. Those that are longer in all than a header can be
// are left out, as stock does.
static uint8_t read_props(struct xlate_ctx *ctx, const struct ofpact_encap *a)
{
	uint8_t md_type = NSH_MD1;
	size_t n = 0;
	for (const struct ofpact_encap_prop *p = NULL; (p = ofpact_encap_next_prop(a, p));) {
		if (p->type == ED_NSH_MD_TYPE) {
			md_type = p->data[0];
			continue;
		}
		size_t padded = (p->len + 3u) & ~3u;
		if (n + padded <= sizeof(ctx->md2)) {
			memset(ctx->md2 + n, 0, padded);
			memcpy(ctx->md2 + n, p->data, p->len);
		}
		n += padded;
	}
	if (n > sizeof(ctx->md2))
		XLATE_REPORT(ctx, TRACE_WARN,
			     "%zu bytes of TLVs are more than the %zu that a header can have, they "
			     "are left out",
			     n, sizeof(ctx->md2));
	ctx->md2_len = md_type == NSH_MD2 && n <= sizeof(ctx->md2) ? (uint16_t)n : 0;
	return md_type;
}

void xlate_mask_merge(struct xlate_ctx *ctx, struct flow *mask)
{
	if (ctx->mask == mask)
		return;
	if (ctx->mask->tunnel.options)
		flow_make_options(mask);
	for (unsigned int i = 0; i < FLOW_STAGE_METADATA_END; i++)
		flow_words(mask)[i] |= flow_words(ctx->mask)[i];
	for (unsigned int i = FLOW_WORDS; i < flow_n_words(ctx->mask); i++)
		flow_words(mask)[i] |= flow_words(ctx->mask)[i];
	ctx->mask = mask;
}

// From here on the tables see only what was put in front of the packet: no packet has to be like
// this one for it.
static void forget_headers(struct xlate_ctx *ctx)
{
	memset(ctx->flow.dl_dst, 0, offsetof(struct flow, options) - offsetof(struct flow, dl_dst));
	if (ctx->mask == &ctx->made_up)
		return;
	flow_clear(&ctx->made_up);
	ctx->mask = &ctx->made_up;
}

static void encap_nsh(struct xlate_ctx *ctx, const struct ofpact_encap *a)
{
	struct flow *f = &ctx->flow;
	uint32_t type = packet_type(ctx);
	uint8_t next = next_protocol(type), md_type = read_props(ctx, a);
	if (!next) {
		UNSUPPORTED(ctx, " as encap(nsh) is not supported for packet type (%u,0x%x)",
			    type >> 16, type & 0xffff);
		return;
	}
	forget_headers(ctx);
	f->packet_type = BE32(NSH);
	f->dl_type = BE16(0x894f);
	f->nsh.ttl = NSH_TTL;
	f->nsh.mdtype = md_type;
	f->nsh.np = next;
	f->nsh.path_hdr = BE32(NSH_SI);
}

// All of the packet's own labels count.
static void unwildcard_labels(struct xlate_ctx *ctx)
{
	const struct flow *f = ctx->in->flow;
	for (unsigned int i = 0; is_mpls_type(f->dl_type) && i < FLOW_MAX_MPLS; i++) {
		ctx->mask->mpls[i] = UINT32_MAX;
		if (f->mpls[i] & BE32(BOS_BIT))
			break;
	}
}

// In front of labels comes a copy of the first of them, in front of anything else the bottom of a
// stack.
static void encap_mpls(struct xlate_ctx *ctx, be16_t ethertype)
{
	struct flow *f = &ctx->flow;
	be32_t labels[FLOW_MAX_MPLS] = {0};
	unsigned int n = 0;
	if (flow_is_bare(f) && is_mpls_type(f->dl_type)) {
		unwildcard_labels(ctx);
		n = 1;
		while (n < FLOW_MAX_MPLS && !(f->mpls[n - 1] & BE32(BOS_BIT)))
			n++;
		if (n == FLOW_MAX_MPLS) {
			XLATE_REPORT(ctx, TRACE_ERROR,
				     "dropping packet on which an MPLS push action can't be "
				     "performed as it would have more MPLS LSEs "
				     "than the %d supported",
				     FLOW_MAX_MPLS);
			xlate_fail(ctx, XLATE_TOO_MANY_MPLS_LABELS);
			return;
		}
		memcpy(&labels[1], f->mpls, n * sizeof(labels[0]));
		labels[0] = f->mpls[0] & ~BE32(BOS_BIT);
	} else {
		uint32_t label = f->dl_type == BE16(0x86dd) ? IPV6_NULL_LABEL : 0;
		labels[0] = htobe32(label << LABEL_SHIFT | BOS_BIT | DEFAULT_MPLS_TTL);
	}
	forget_headers(ctx);
	memcpy(f->mpls, labels, sizeof(f->mpls));
	f->dl_type = ethertype;
	f->packet_type = flow_bare_type(ethertype);
}

bool xlate_do_encap(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_encap *a = action;
	xlate_commit(ctx);
	switch (a->packet_type) {
	case PACKET_TYPE_ETH:
		encap_ethernet(ctx);
		break;
	case PACKET_TYPE_NSH:
		encap_nsh(ctx, a);
		break;
	case PACKET_TYPE_MPLS:
	case PACKET_TYPE_MPLS_MC:
		encap_mpls(ctx, htobe16((uint16_t)a->packet_type));
		break;
	}
	ctx->pending = ctx->out->error ? XLATE_NOTHING : XLATE_ENCAP;
	ctx->irreversible++;
	return !ctx->out->error;
}

// --- decap. What comes to light is parsed by the datapath, and looked at when it comes back.

static void behind(struct xlate_ctx *ctx)
{
	ctx->pending = XLATE_DECAP;
	ctx->behind_mpls = true;
	xlate_freeze_after(ctx);
}

static void decap_ethernet(struct xlate_ctx *ctx)
{
	struct flow *f = &ctx->flow;
	ctx->mask->vlan[0].tci |= BE16(FLOW_VLAN_CFI);
	if (f->vlan[0].tci & BE16(FLOW_VLAN_CFI)) {
		UNSUPPORTED(ctx, ", cannot decap Ethernet if VLAN is present.");
		return;
	}
	f->packet_type = flow_bare_type(f->dl_type);
	ctx->pending = XLATE_DECAP;
	memset(f->dl_src, 0, sizeof(f->dl_src));
	memset(f->dl_dst, 0, sizeof(f->dl_dst));
}

static void decap_nsh(struct xlate_ctx *ctx)
{
	static const uint32_t types[] = {[NSH_P_IPV4] = IPV4,
					 [NSH_P_IPV6] = IPV6,
					 [NSH_P_ETHERNET] = ETHERNET,
					 [NSH_P_NSH] = NSH};
	struct flow *f = &ctx->flow;
	ctx->mask->nsh.np = UINT8_MAX;
	if (f->nsh.np < NSH_P_IPV4 || f->nsh.np > NSH_P_NSH) {
		UNSUPPORTED(ctx, " as NSH next protocol %u is not supported", f->nsh.np);
		return;
	}
	f->packet_type = htobe32(types[f->nsh.np]);
	behind(ctx);
}

// One label, when the action says that labels follow, and they do; else all of them. Below is what
// the action says: a frame, for which the datapath has the type of bridged Ethernet, or a packet.
static void decap_mpls(struct xlate_ctx *ctx, uint32_t new_type)
{
	struct flow *f = &ctx->flow;
	bool last = f->mpls[0] & BE32(BOS_BIT);
	if (last && is_mpls_type(ctx->in->flow->dl_type))
		ctx->mask->mpls[0] |= BE32(BOS_BIT);
	else
		unwildcard_labels(ctx);
	if (!last && !(f->mpls[1] & BE32(BOS_BIT)) && !(f->mpls[2] & BE32(BOS_BIT))) {
		XLATE_REPORT(ctx, TRACE_ERROR,
			     "dropping packet on which an MPLS pop action can't be performed as it "
			     "has more MPLS LSEs than the %d supported",
			     FLOW_MAX_MPLS);
		xlate_fail(ctx, XLATE_TOO_MANY_MPLS_LABELS);
		return;
	}
	bool more = !last && (new_type == MPLS || new_type == MPLS_MC);
	if (new_type != PACKET_TYPE_ETH && new_type >> 16 != 1) {
		UNSUPPORTED(
			ctx,
			" as decap() of MPLS needs packet_type, which says what the label hides");
		return;
	}
	f->dl_type = new_type == PACKET_TYPE_ETH ? BE16(0x6558) : htobe16((uint16_t)new_type);
	f->packet_type = htobe32(new_type);
	if (more) {
		memmove(&f->mpls[0], &f->mpls[1], (FLOW_MAX_MPLS - 1) * sizeof(f->mpls[0]));
		f->mpls[FLOW_MAX_MPLS - 1] = 0;
		ctx->pending = XLATE_POP_LABEL;
	} else {
		memset(f->mpls, 0, sizeof(f->mpls));
		behind(ctx);
	}
}

bool xlate_do_decap(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_decap *a = action;
	uint32_t type = packet_type(ctx);
	xlate_commit(ctx);
	ctx->irreversible++;
	switch (type) {
	case ETHERNET:
		decap_ethernet(ctx);
		break;
	case NSH:
		decap_nsh(ctx);
		break;
	case MPLS:
	case MPLS_MC:
		decap_mpls(ctx, a->packet_type);
		break;
	default:
		UNSUPPORTED(ctx, " as the decap() does not support packet type (%u,0x%x)",
			    type >> 16, type & 0xffff);
	}
	return !ctx->out->error;
}

// A packet that must not live on goes to the controllers instead, and the list ends.
bool xlate_do_dec_nsh_ttl(struct xlate_ctx *ctx, const void *action)
{
	struct flow *f = &ctx->flow;
	(void)action;
	if (f->dl_type != BE16(0x894f))
		return true;
	ctx->mask->nsh.ttl = UINT8_MAX;
	if (f->nsh.ttl > 1) {
		f->nsh.ttl--;
		return true;
	}
	XLATE_REPORT(ctx, TRACE_WARN, "NSH decrement TTL exception");
	xlate_controller(ctx, &(struct xlate_to_controller){.reason = OFPR_INVALID_TTL,
							    .max_len = UINT16_MAX,
							    .meter_id = UINT32_MAX});
	return false;
}

// --- Commit.

static void push_eth(struct xlate_ctx *ctx)
{
	struct dpact_push_eth *push = dpact_add(ctx->out->actions, DPACT_PUSH_ETH, sizeof(*push));
	memcpy(push->src, ctx->flow.dl_src, 6);
	memcpy(push->dst, ctx->flow.dl_dst, 6);
	memcpy(ctx->base.dl_src, ctx->flow.dl_src, 6);
	memcpy(ctx->base.dl_dst, ctx->flow.dl_dst, 6);
}

// All that the tables see of the packet is what was put in front of it.
static void base_is_new_header(struct xlate_ctx *ctx)
{
	memcpy(ctx->base.dl_dst, ctx->flow.dl_dst,
	       offsetof(struct flow, options) - offsetof(struct flow, dl_dst));
}

static void push_nsh(struct xlate_ctx *ctx)
{
	const struct flow *f = &ctx->flow;
	const bool context = f->nsh.mdtype == NSH_MD1;
	uint16_t n = context ? (uint16_t)sizeof(f->nsh.context) : ctx->md2_len;
	struct dpact_push_nsh *push =
		dpact_add(ctx->out->actions, DPACT_PUSH_NSH, sizeof(*push) + n);
	push->path_hdr = f->nsh.path_hdr;
	push->flags = f->nsh.flags;
	push->ttl = f->nsh.ttl;
	push->mdtype = f->nsh.mdtype;
	push->np = f->nsh.np;
	push->md_len = n;
	memcpy(push->md, context ? (const void *)f->nsh.context : ctx->md2, n);
	base_is_new_header(ctx);
}

static void add_mpls(struct xlate_ctx *ctx)
{
	struct dpact_push_mpls *push = dpact_add(ctx->out->actions, DPACT_ADD_MPLS, sizeof(*push));
	push->lse = ctx->flow.mpls[0];
	push->ethertype = ctx->flow.dl_type;
	base_is_new_header(ctx);
}

static void commit_push(struct xlate_ctx *ctx)
{
	switch (packet_type(ctx)) {
	case ETHERNET:
		push_eth(ctx);
		break;
	case NSH:
		push_nsh(ctx);
		break;
	default:
		add_mpls(ctx);
	}
	ctx->base.packet_type = ctx->flow.packet_type;
}

// One label, when the tables still see others; else all of them.
static void pop_mpls(struct xlate_ctx *ctx)
{
	struct flow *base = &ctx->base;
	bool all = ctx->pending != XLATE_POP_LABEL;
	for (unsigned int i = 0; i < FLOW_MAX_MPLS; i++) {
		bool bottom = base->mpls[i] & BE32(BOS_BIT);
		struct dpact_pop_mpls *pop =
			dpact_add(ctx->out->actions, DPACT_POP_MPLS, sizeof(*pop));
		pop->ethertype = bottom || !all ? ctx->flow.dl_type : base->dl_type;
		if (bottom || !all)
			break;
	}
	memcpy(base->mpls, ctx->flow.mpls, sizeof(base->mpls));
	base->dl_type = ctx->flow.dl_type;
}

static void commit_pop(struct xlate_ctx *ctx)
{
	uint32_t had = be32toh(ctx->base.packet_type);
	ctx->base.packet_type = ctx->flow.packet_type;
	if (had == ETHERNET) {
		dpact_add(ctx->out->actions, DPACT_POP_ETH, sizeof(struct dpact));
		memset(ctx->base.dl_src, 0, sizeof(ctx->base.dl_src));
		memset(ctx->base.dl_dst, 0, sizeof(ctx->base.dl_dst));
	} else if (had == NSH) {
		dpact_add(ctx->out->actions, DPACT_POP_NSH, sizeof(struct dpact));
	} else {
		pop_mpls(ctx);
	}
}

void xlate_commit_encap(struct xlate_ctx *ctx)
{
	if (ctx->pending == XLATE_ENCAP)
		commit_push(ctx);
	else
		commit_pop(ctx);
	ctx->pending = XLATE_NOTHING;
}
