/* SPDX-License-Identifier: Apache-2.0 */
// Commit: compares what the tables made of the packet (ctx->flow) with what the datapath has
// (ctx->base), and gives the actions that make up the difference: one masked set per header, of
// only those fields that differ; then pushes and pops of tags.
//
// Each settable header is a row: how to get its key from a flow and put it back, and where its
// fields are. The same getter reads the mask, so that only bits are set that translation looked at
// or wrote, and the megaflow's mask covers them.
#include <string.h>

#include "ofproto/xlate_ctx.h"

struct span {
	uint8_t offset, len;
};

enum { MAX_SPANS = 5 };
struct header_row {
	void (*get)(const struct flow *, union dpk *);
	void (*put)(const union dpk *, struct flow *);
	uint8_t size;
	struct span fields[MAX_SPANS + 1]; // ends with one of length 0
};

static void get_ethernet(const struct flow *f, union dpk *k)
{
	memcpy(k->ethernet.src, f->dl_src, 6);
	memcpy(k->ethernet.dst, f->dl_dst, 6);
}

static void put_ethernet(const union dpk *k, struct flow *f)
{
	memcpy(f->dl_src, k->ethernet.src, 6);
	memcpy(f->dl_dst, k->ethernet.dst, 6);
}

static void get_ipv4(const struct flow *f, union dpk *k)
{
	k->ipv4 = (struct dpk_ipv4){
		.src = f->nw_src, .dst = f->nw_dst, .tos = f->nw_tos, .ttl = f->nw_ttl};
}

static void put_ipv4(const union dpk *k, struct flow *f)
{
	f->nw_src = k->ipv4.src;
	f->nw_dst = k->ipv4.dst;
	f->nw_tos = k->ipv4.tos;
	f->nw_ttl = k->ipv4.ttl;
}

static void get_ipv6(const struct flow *f, union dpk *k)
{
	k->ipv6 = (struct dpk_ipv6){.src = f->ipv6_src,
				    .dst = f->ipv6_dst,
				    .label = f->ipv6_label,
				    .tclass = f->nw_tos,
				    .hlimit = f->nw_ttl};
}

static void put_ipv6(const union dpk *k, struct flow *f)
{
	f->ipv6_src = k->ipv6.src;
	f->ipv6_dst = k->ipv6.dst;
	f->ipv6_label = k->ipv6.label;
	f->nw_tos = k->ipv6.tclass;
	f->nw_ttl = k->ipv6.hlimit;
}

static void get_arp(const struct flow *f, union dpk *k)
{
	k->arp = (struct dpk_arp){.sip = f->nw_src, .tip = f->nw_dst, .op = htobe16(f->nw_proto)};
	memcpy(k->arp.sha, f->arp_sha, 6);
	memcpy(k->arp.tha, f->arp_tha, 6);
}

static void put_arp(const union dpk *k, struct flow *f)
{
	f->nw_src = k->arp.sip;
	f->nw_dst = k->arp.tip;
	f->nw_proto = (uint8_t)be16toh(k->arp.op);
	memcpy(f->arp_sha, k->arp.sha, 6);
	memcpy(f->arp_tha, k->arp.tha, 6);
}

static void get_ports(const struct flow *f, union dpk *k)
{
	k->ports = (struct dpk_ports){.src = f->tp_src, .dst = f->tp_dst};
}

static void put_ports(const union dpk *k, struct flow *f)
{
	f->tp_src = k->ports.src;
	f->tp_dst = k->ports.dst;
}

static void get_icmp(const struct flow *f, union dpk *k)
{
	k->icmp = (struct dpk_icmp){.type = (uint8_t)be16toh(f->tp_src),
				    .code = (uint8_t)be16toh(f->tp_dst)};
}

static void put_icmp(const union dpk *k, struct flow *f)
{
	f->tp_src = htobe16(k->icmp.type);
	f->tp_dst = htobe16(k->icmp.code);
}

static void get_nd(const struct flow *f, union dpk *k)
{
	memset(&k->nd, 0, sizeof(k->nd)); // there is padding at its end
	k->nd.target = f->nd_target;
	memcpy(k->nd.sll, f->arp_sha, 6);
	memcpy(k->nd.tll, f->arp_tha, 6);
}

static void put_nd(const union dpk *k, struct flow *f)
{
	f->nd_target = k->nd.target;
	memcpy(f->arp_sha, k->nd.sll, 6);
	memcpy(f->arp_tha, k->nd.tll, 6);
}

static void get_nd_ext(const struct flow *f, union dpk *k)
{
	memset(&k->nd_ext, 0, sizeof(k->nd_ext));
	k->nd_ext.reserved = f->nd_reserved;
	k->nd_ext.options_type = f->nd_options_type;
}

static void put_nd_ext(const union dpk *k, struct flow *f)
{
	f->nd_reserved = k->nd_ext.reserved;
	f->nd_options_type = k->nd_ext.options_type;
}

static void get_priority(const struct flow *f, union dpk *k)
{
	k->u32 = f->skb_priority;
}

static void put_priority(const union dpk *k, struct flow *f)
{
	f->skb_priority = k->u32;
}

static void get_mark(const struct flow *f, union dpk *k)
{
	k->u32 = f->pkt_mark;
}

static void put_mark(const union dpk *k, struct flow *f)
{
	f->pkt_mark = k->u32;
}

#define SPAN(STRUCT, MEMBER)                                                                       \
	{                                                                                          \
		offsetof(struct STRUCT, MEMBER), sizeof(((struct STRUCT *)NULL)->MEMBER)           \
	}
#define PORTS                                                                                      \
	{                                                                                          \
		get_ports, put_ports, sizeof(struct dpk_ports),                                    \
		{                                                                                  \
			SPAN(dpk_ports, src), SPAN(dpk_ports, dst)                                 \
		}                                                                                  \
	}
#define ICMP                                                                                       \
	{                                                                                          \
		get_icmp, put_icmp, sizeof(struct dpk_icmp),                                       \
		{                                                                                  \
			SPAN(dpk_icmp, type), SPAN(dpk_icmp, code)                                 \
		}                                                                                  \
	}

static const struct header_row header_rows[DPH_N_HEADERS] = {
	[DPH_PRIORITY] = {get_priority, put_priority, 4, {{0, 4}}},
	[DPH_MARK] = {get_mark, put_mark, 4, {{0, 4}}},
	[DPH_ETHERNET] = {get_ethernet,
			  put_ethernet,
			  sizeof(struct dpk_ethernet),
			  {SPAN(dpk_ethernet, src), SPAN(dpk_ethernet, dst)}},
	[DPH_IPV4] = {get_ipv4,
		      put_ipv4,
		      sizeof(struct dpk_ipv4),
		      {SPAN(dpk_ipv4, src), SPAN(dpk_ipv4, dst), SPAN(dpk_ipv4, tos),
		       SPAN(dpk_ipv4, ttl)}},
	[DPH_IPV6] = {get_ipv6,
		      put_ipv6,
		      sizeof(struct dpk_ipv6),
		      {SPAN(dpk_ipv6, src), SPAN(dpk_ipv6, dst), SPAN(dpk_ipv6, label),
		       SPAN(dpk_ipv6, tclass), SPAN(dpk_ipv6, hlimit)}},
	[DPH_TCP] = PORTS,
	[DPH_UDP] = PORTS,
	[DPH_SCTP] = PORTS,
	[DPH_ICMP] = ICMP,
	[DPH_ICMPV6] = ICMP,
	[DPH_ARP] = {get_arp,
		     put_arp,
		     sizeof(struct dpk_arp),
		     {SPAN(dpk_arp, sip), SPAN(dpk_arp, tip), SPAN(dpk_arp, op), SPAN(dpk_arp, sha),
		      SPAN(dpk_arp, tha)}},
	[DPH_ND] = {get_nd,
		    put_nd,
		    sizeof(struct dpk_nd),
		    {SPAN(dpk_nd, target), SPAN(dpk_nd, sll), SPAN(dpk_nd, tll)}},
	[DPH_ND_EXT] = {get_nd_ext,
			put_nd_ext,
			sizeof(struct dpk_nd_ext),
			{SPAN(dpk_nd_ext, reserved), SPAN(dpk_nd_ext, options_type)}},
};

static void commit_header(struct xlate_ctx *ctx, enum dpact_header header)
{
	const struct header_row *row = &header_rows[header];
	union dpk want, have, mask;
	row->get(&ctx->flow, &want);
	row->get(&ctx->base, &have);
	if (!memcmp(&want, &have, row->size))
		return;
	row->get(ctx->mask, &mask);
	struct dpact_set *set = dpact_add(ctx->out->actions, DPACT_SET, sizeof(*set));
	set->header = header;
	for (const struct span *f = row->fields; f->len; f++) {
		const uint8_t *w = (const uint8_t *)&want + f->offset,
			      *h = (const uint8_t *)&have + f->offset;
		const uint8_t *m = (const uint8_t *)&mask + f->offset;
		if (!memcmp(w, h, f->len))
			continue;
		for (unsigned int i = 0; i < f->len; i++) {
			uint8_t bits = (uint8_t)(m[i] | (w[i] ^ h[i]));
			((uint8_t *)&set->mask)[f->offset + i] = bits;
			((uint8_t *)&set->key)[f->offset + i] = w[i] & bits;
		}
	}
	// A flow has only the low byte of the operation, a packet two.
	if (header == DPH_ARP && set->mask.arp.op == BE16(0xff))
		set->mask.arp.op = UINT16_MAX;
	row->put(&want, &ctx->base);
}

static void commit_icmpv6(struct xlate_ctx *ctx)
{
	commit_header(ctx, DPH_ICMPV6);
	uint16_t type = be16toh(ctx->flow.tp_src);
	if ((type == 135 || type == 136) && !ctx->flow.tp_dst) {
		// Whether it is neighbour discovery decides whether there is anything to set.
		ctx->mask->tp_src |= BE16(0xff);
		ctx->mask->tp_dst |= BE16(0xff);
		commit_header(ctx, DPH_ND);
		commit_header(ctx, DPH_ND_EXT);
	}
}

static void commit_l4(struct xlate_ctx *ctx)
{
	if (ctx->flow.nw_frag & FLOW_FRAG_LATER)
		return;
	if (ctx->flow.dl_type == BE16(0x86dd) && ctx->flow.nw_proto == 58) {
		bool same = ctx->flow.tp_src == ctx->base.tp_src &&
			    ctx->flow.tp_dst == ctx->base.tp_dst &&
			    !memcmp(&ctx->flow.nd_target, &ctx->base.nd_target,
				    sizeof(ctx->flow.nd_target)) &&
			    !memcmp(ctx->flow.arp_sha, ctx->base.arp_sha, 12) &&
			    ctx->flow.nd_reserved == ctx->base.nd_reserved &&
			    ctx->flow.nd_options_type == ctx->base.nd_options_type;
		if (!same)
			commit_icmpv6(ctx);
		return;
	}
	if (ctx->flow.tp_src == ctx->base.tp_src && ctx->flow.tp_dst == ctx->base.tp_dst)
		return;
	switch (ctx->flow.nw_proto) {
	case 1:
		commit_header(ctx, DPH_ICMP);
		break;
	case 6:
		commit_header(ctx, DPH_TCP);
		break;
	case 17:
		commit_header(ctx, DPH_UDP);
		break;
	case 132:
		commit_header(ctx, DPH_SCTP);
		break;
	default:
		break;
	}
}

enum {
	L3_FROM = offsetof(struct flow, nw_src),
	L3_BYTES = offsetof(struct flow, options) - L3_FROM
};

static bool beyond_ethernet_differs(const struct xlate_ctx *ctx)
{
	return memcmp((const char *)&ctx->flow + L3_FROM, (const char *)&ctx->base + L3_FROM,
		      L3_BYTES) != 0;
}

static void commit_l3(struct xlate_ctx *ctx)
{
	bool labels = ctx->flow.dl_type == BE16(0x8847) || ctx->flow.dl_type == BE16(0x8848);
	if (labels || !beyond_ethernet_differs(ctx)) // nobody changes what labels hide
		return;
	if (ctx->flow.dl_type == BE16(0x0806)) {
		commit_header(ctx, DPH_ARP);
		return;
	}
	// Without a protocol the packet was cut off in its IP header: there is nothing that could
	// be set.
	ctx->mask->nw_proto = UINT8_MAX;
	if (!ctx->flow.nw_proto)
		return;
	if (ctx->flow.dl_type == BE16(0x0800))
		commit_header(ctx, DPH_IPV4);
	else if (ctx->flow.dl_type == BE16(0x86dd))
		commit_header(ctx, DPH_IPV6);
	else
		return;
	commit_l4(ctx);
}

unsigned int xlate_n_vlans(const struct flow *f)
{
	unsigned int n = 0;
	while (n < FLOW_MAX_VLANS && f->vlan[n].tci & BE16(FLOW_VLAN_CFI))
		n++;
	return n;
}

void xlate_unwildcard_vlans(struct xlate_ctx *ctx)
{
	unsigned int n = xlate_n_vlans(ctx->in->flow);
	memset(ctx->mask->vlan, 0xff, n * sizeof(ctx->mask->vlan[0]));
	if (n < FLOW_MAX_VLANS)
		ctx->mask->vlan[n].tci |= BE16(FLOW_VLAN_CFI);
}

static bool same_tag(const struct flow_vlan *a, const struct flow_vlan *b)
{
	return a->tpid == b->tpid && a->tci == b->tci;
}

// Pops the tags of the datapath's packet down to the innermost ones that both have, and pushes the
// others. A flow knows only the two outermost tags: when both flows are full and one is the other
// moved by one place, a tag that neither shows lies below.
static void commit_vlan(struct xlate_ctx *ctx)
{
	struct flow *flow = &ctx->flow, *base = &ctx->base;
	if (!memcmp(flow->vlan, base->vlan, sizeof(flow->vlan)))
		return;
	unsigned int n_flow = xlate_n_vlans(flow), n_base = xlate_n_vlans(base);
	bool full = n_flow == FLOW_MAX_VLANS && n_base == FLOW_MAX_VLANS;
	if (full)
		xlate_unwildcard_vlans(ctx); // they are compared below
	if (full && same_tag(&flow->vlan[1], &base->vlan[0]) &&
	    !same_tag(&flow->vlan[1], &base->vlan[1])) {
		n_flow = 1;
		n_base = 0;
	} else if (full && same_tag(&flow->vlan[0], &base->vlan[1]) &&
		   !same_tag(&flow->vlan[1], &base->vlan[1])) {
		n_flow = 0;
		n_base = 1;
	}
	while (n_flow && n_base && same_tag(&flow->vlan[n_flow - 1], &base->vlan[n_base - 1])) {
		n_flow--;
		n_base--;
	}
	// Tags that are taken off and put on again, now or when a change is undone, must be known
	// whole.
	if (n_base)
		xlate_unwildcard_vlans(ctx);
	for (; n_base; n_base--)
		dpact_add(ctx->out->actions, DPACT_POP_VLAN, sizeof(struct dpact));
	while (n_flow--) {
		struct dpact_push_vlan *push =
			dpact_add(ctx->out->actions, DPACT_PUSH_VLAN, sizeof(*push));
		push->tpid = flow->vlan[n_flow].tpid;
		push->tci = flow->vlan[n_flow].tci;
	}
	memcpy(base->vlan, flow->vlan, sizeof(base->vlan));
}

static void commit_nsh(struct xlate_ctx *ctx)
{
	const struct flow *flow = &ctx->flow;
	if (flow->dl_type != BE16(0x894f) || !memcmp(&flow->nsh, &ctx->base.nsh, sizeof(flow->nsh)))
		return;
	// All that was looked at is written, as stock does: there are datapaths that want whole
	// headers.
	struct dpact_set *set = dpact_add(ctx->out->actions, DPACT_SET, sizeof(*set));
	uint8_t *key = (uint8_t *)&set->key.nsh, *mask = (uint8_t *)&set->mask.nsh;
	const uint8_t *want = (const uint8_t *)&flow->nsh, *have = (const uint8_t *)&ctx->base.nsh;
	set->header = DPH_NSH;
	memcpy(mask, &ctx->mask->nsh, sizeof(set->mask.nsh));
	set->mask.nsh.mdtype = set->mask.nsh.np = 0;
	for (size_t i = 0; i < sizeof(set->key.nsh); i++) {
		mask[i] |= want[i] ^ have[i];
		key[i] = want[i] & mask[i];
	}
	ctx->base.nsh = flow->nsh;
}

void xlate_commit(struct xlate_ctx *ctx)
{
	if (ctx->pending)
		xlate_commit_encap(ctx);
	if (!flow_is_bare(&ctx->flow))
		commit_header(ctx, DPH_ETHERNET);
	// A packet that loses its labels does so before anything behind them changes.
	if (ctx->flow.dl_type != BE16(0x8847) && ctx->flow.dl_type != BE16(0x8848))
		xlate_commit_mpls(ctx);
	commit_nsh(ctx);
	commit_l3(ctx);
	xlate_commit_mpls(ctx);
	commit_vlan(ctx);
	if (ctx->flow.skb_priority != ctx->base.skb_priority)
		commit_header(ctx, DPH_PRIORITY);
	if (ctx->flow.pkt_mark != ctx->base.pkt_mark)
		commit_header(ctx, DPH_MARK);
}
