/* SPDX-License-Identifier: Apache-2.0 */
// The fixed match structures of OpenFlow 1.0 and 1.1, the OXM frame of 1.2 and later,
// normalisation, and port numbers.
#include "openflow/match_codec.h"

#include <string.h>

enum { // wildcards of 1.0
	W10_IN_PORT = 1 << 0,
	W10_DL_VLAN = 1 << 1,
	W10_DL_SRC = 1 << 2,
	W10_DL_DST = 1 << 3,
	W10_DL_TYPE = 1 << 4,
	W10_NW_PROTO = 1 << 5,
	W10_TP_SRC = 1 << 6,
	W10_TP_DST = 1 << 7,
	W10_NW_SRC_SHIFT = 8, // 6 bits: how many low bits of the address do not count
	W10_NW_DST_SHIFT = 14,
	W10_DL_VLAN_PCP = 1 << 20,
	W10_NW_TOS = 1 << 21,
	W10_ALL = (1 << 22) - 1,
};
enum { // and of 1.1
	W11_IN_PORT = 1 << 0,
	W11_DL_VLAN = 1 << 1,
	W11_DL_VLAN_PCP = 1 << 2,
	W11_DL_TYPE = 1 << 3,
	W11_NW_TOS = 1 << 4,
	W11_NW_PROTO = 1 << 5,
	W11_TP_SRC = 1 << 6,
	W11_TP_DST = 1 << 7,
	W11_MPLS_LABEL = 1 << 8,
	W11_MPLS_TC = 1 << 9,
	W11_ALL = (1 << 10) - 1,
};
enum {
	VLAN_NONE = 0xffff,
	VLAN_ANY = 0xfffe,
	VID_MASK = 0x0fff,
	PCP_MASK = 0xe000,
	DSCP_MASK = 0xfc
};
enum { OFPMT_STANDARD = 0, OFPMT_OXM = 1 };
enum {
	DL_IP = 0x0800,
	DL_ARP = 0x0806,
	DL_RARP = 0x8035,
	DL_IPV6 = 0x86dd,
	DL_MPLS = 0x8847,
	DL_MPLS_MC = 0x8848
};
enum {
	PROTO_ICMP = 1,
	PROTO_IGMP = 2,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMPV6 = 58,
	PROTO_SCTP = 132
};

int ofp11_port_decode(uint32_t wire, uint32_t *port)
{
	if (wire < OFPP_MAX) {
		*port = wire;
		return 0;
	}
	if (wire >= 0xffffff00u) {
		*port = wire - 0xffff0000u;
		return 0;
	}
	*port = OFPP_NONE;
	return OFPBAC_BAD_OUT_PORT;
}

uint32_t ofp11_port_encode(uint32_t port)
{
	return port < OFPP_MAX ? port : port + 0xffff0000u;
}

// --- 1.0.

static be32_t mask_of_wild_bits(unsigned int n)
{
	return n >= 32 ? 0 : htobe32(UINT32_MAX << n);
}

// -1 when the mask is not a prefix.
static int wild_bits_of_mask(be32_t mask)
{
	uint32_t m = be32toh(mask);
	int n = m ? __builtin_ctz(m) : 32;
	return mask_of_wild_bits((unsigned int)n) == mask ? n : -1;
}

// `any` stands for any VID in 1.1; 1.0 has no such number (0).
static void vlan_from_fixed(struct match *m, bool vid_wild, uint16_t vid, uint16_t any,
			    bool pcp_wild, uint8_t pcp)
{
	struct flow_vlan *v = &m->flow.vlan[0], *w = &m->mask.vlan[0];
	if (vid_wild && pcp_wild)
		return;
	if (!vid_wild && vid == VLAN_NONE) {
		w->tci = 0xffff;
		return;
	}
	uint16_t tci = FLOW_VLAN_CFI, mask = FLOW_VLAN_CFI;
	if (!vid_wild && (!any || vid != any)) {
		tci |= vid & VID_MASK;
		mask |= VID_MASK;
	}
	if (!pcp_wild) {
		tci |= (uint16_t)((pcp & 7) << 13);
		mask |= PCP_MASK;
	}
	v->tci = htobe16(tci);
	w->tci = htobe16(mask);
}

int ofp10_match_decode(struct cursor *c, struct match *m)
{
	match_init_any(m);
	struct flow *f = &m->flow, *w = &m->mask;
	uint32_t wild = cursor_be32(c) & W10_ALL;
	f->in_port = cursor_be16(c);
	cursor_copy(c, f->dl_src, 6);
	cursor_copy(c, f->dl_dst, 6);
	uint16_t vid = cursor_be16(c);
	uint8_t pcp = cursor_u8(c);
	cursor_skip(c, 1);
	f->dl_type = htobe16(cursor_be16(c));
	f->nw_tos = cursor_u8(c);
	f->nw_proto = cursor_u8(c);
	cursor_skip(c, 2);
	f->nw_src = htobe32(cursor_be32(c));
	f->nw_dst = htobe32(cursor_be32(c));
	f->tp_src = htobe16(cursor_be16(c));
	f->tp_dst = htobe16(cursor_be16(c));
	if (c->bad)
		return OFPBRC_BAD_LEN;

	w->in_port = wild & W10_IN_PORT ? 0 : UINT32_MAX;
	memset(w->dl_src, wild & W10_DL_SRC ? 0 : 0xff, 6);
	memset(w->dl_dst, wild & W10_DL_DST ? 0 : 0xff, 6);
	vlan_from_fixed(m, wild & W10_DL_VLAN, vid, 0, wild & W10_DL_VLAN_PCP, pcp);
	w->dl_type = wild & W10_DL_TYPE ? 0 : 0xffff;
	w->nw_tos = wild & W10_NW_TOS ? 0 : DSCP_MASK;
	w->nw_proto = wild & W10_NW_PROTO ? 0 : 0xff;
	w->nw_src = mask_of_wild_bits(wild >> W10_NW_SRC_SHIFT & 63);
	w->nw_dst = mask_of_wild_bits(wild >> W10_NW_DST_SHIFT & 63);
	w->tp_src = wild & W10_TP_SRC ? 0 : 0xffff;
	w->tp_dst = wild & W10_TP_DST ? 0 : 0xffff;
	flow_mask(f, f, w);
	return 0;
}

static void vlan_to_fixed(const struct match *m, uint16_t any, bool *vid_wild, uint16_t *vid,
			  bool *pcp_wild, uint8_t *pcp)
{
	uint16_t tci = be16toh(m->flow.vlan[0].tci), mask = be16toh(m->mask.vlan[0].tci);
	*vid_wild = *pcp_wild = true;
	*vid = 0;
	*pcp = 0;
	if (!mask)
		return;
	if (mask & FLOW_VLAN_CFI && !(tci & FLOW_VLAN_CFI)) {
		*vid_wild = false;
		*vid = VLAN_NONE;
		return;
	}
	if (mask & VID_MASK) {
		*vid_wild = false;
		*vid = tci & VID_MASK;
	} else if (any) {
		*vid_wild = false;
		*vid = any;
	}
	if (mask & PCP_MASK) {
		*pcp_wild = false;
		*pcp = (uint8_t)(tci >> 13);
	}
}

static bool all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t bits = 0, word;
	for (; n >= sizeof(word); b += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, b, sizeof(word));
		bits |= word;
	}
	while (n--)
		bits |= *b++;
	return !bits;
}

void ofp10_match_encode(struct buf *b, const struct match *m)
{
	const struct flow *f = &m->flow, *w = &m->mask;
	bool vid_wild, pcp_wild;
	uint16_t vid;
	uint8_t pcp;
	vlan_to_fixed(m, 0, &vid_wild, &vid, &pcp_wild, &pcp);
	int src_bits = wild_bits_of_mask(w->nw_src), dst_bits = wild_bits_of_mask(w->nw_dst);
	uint32_t wild = 0;
	wild |= w->in_port ? 0 : W10_IN_PORT;
	wild |= all_zero(w->dl_src, 6) ? W10_DL_SRC : 0;
	wild |= all_zero(w->dl_dst, 6) ? W10_DL_DST : 0;
	wild |= vid_wild ? W10_DL_VLAN : 0;
	wild |= pcp_wild && vid != VLAN_NONE ? W10_DL_VLAN_PCP : 0;
	wild |= w->dl_type ? 0 : W10_DL_TYPE;
	wild |= w->nw_tos & DSCP_MASK ? 0 : W10_NW_TOS;
	wild |= w->nw_proto ? 0 : W10_NW_PROTO;
	wild |= (uint32_t)(src_bits < 0 ? 32 : src_bits) << W10_NW_SRC_SHIFT;
	wild |= (uint32_t)(dst_bits < 0 ? 32 : dst_bits) << W10_NW_DST_SHIFT;
	wild |= w->tp_src ? 0 : W10_TP_SRC;
	wild |= w->tp_dst ? 0 : W10_TP_DST;
	buf_add_be32(b, wild);
	buf_add_be16(b, (uint16_t)f->in_port);
	buf_add(b, f->dl_src, 6);
	buf_add(b, f->dl_dst, 6);
	buf_add_be16(b, vid);
	buf_add_u8(b, pcp);
	buf_add_u8(b, 0);
	buf_add(b, &f->dl_type, 2);
	buf_add_u8(b, f->nw_tos & DSCP_MASK);
	buf_add_u8(b, f->nw_proto);
	buf_add_zeros(b, 2);
	buf_add_be32(b, src_bits < 0 ? 0 : be32toh(f->nw_src));
	buf_add_be32(b, dst_bits < 0 ? 0 : be32toh(f->nw_dst));
	buf_add(b, &f->tp_src, 2);
	buf_add(b, &f->tp_dst, 2);
}

// --- 1.1.

static int vlan_from_11(struct match *m, uint32_t wild, uint16_t vid, uint8_t pcp)
{
	if (!(wild & W11_DL_VLAN) && vid != VLAN_NONE && vid != VLAN_ANY && vid > VID_MASK)
		return OFPBMC_BAD_VALUE;
	if (!(wild & W11_DL_VLAN_PCP) && pcp > 7)
		return OFPBMC_BAD_VALUE;
	if (wild & W11_DL_VLAN) // the priority counts only with a VLAN
		return 0;
	vlan_from_fixed(m, false, vid, VLAN_ANY, wild & W11_DL_VLAN_PCP, pcp);
	return 0;
}

static bool is_type(const struct match *m, uint16_t type)
{
	return m->mask.dl_type && be16toh(m->flow.dl_type) == type;
}

static bool is_mpls(const struct match *m)
{
	return is_type(m, DL_MPLS) || is_type(m, DL_MPLS_MC);
}

// Ports, or ICMP's type and code. What the protocol does not have does not count.
static int l4_from_11(struct match *m, uint32_t wild)
{
	struct flow *f = &m->flow, *w = &m->mask;
	bool icmp = w->nw_proto && f->nw_proto == PROTO_ICMP;
	bool ports = w->nw_proto && (f->nw_proto == PROTO_TCP || f->nw_proto == PROTO_UDP ||
				     f->nw_proto == PROTO_SCTP);
	if (!icmp && !ports)
		return 0;
	w->tp_src = wild & W11_TP_SRC ? 0 : 0xffff;
	w->tp_dst = wild & W11_TP_DST ? 0 : 0xffff;
	if (icmp &&
	    ((w->tp_src && be16toh(f->tp_src) > 0xff) || (w->tp_dst && be16toh(f->tp_dst) > 0xff)))
		return OFPBMC_BAD_FIELD;
	return 0;
}

// The masks of addresses are those of the message: they do not count without their Ethernet type.
static int l3_from_11(struct match *m, uint32_t wild)
{
	struct flow *f = &m->flow, *w = &m->mask;
	bool ipv4 = is_type(m, DL_IP);
	if (ipv4 && !(wild & W11_NW_TOS)) {
		if (f->nw_tos & ~DSCP_MASK)
			return OFPBMC_BAD_VALUE;
		w->nw_tos = DSCP_MASK;
	}
	if (!ipv4 && !is_type(m, DL_ARP) && !is_type(m, DL_RARP)) {
		w->nw_src = w->nw_dst = 0;
		return 0;
	}
	w->nw_proto = wild & W11_NW_PROTO ? 0 : 0xff;
	w->nw_src = ~w->nw_src;
	w->nw_dst = ~w->nw_dst;
	return ipv4 ? l4_from_11(m, wild) : 0;
}

static int ofp11_std_match_decode(struct cursor *c, struct match *m)
{
	match_init_any(m);
	struct flow *f = &m->flow, *w = &m->mask;
	uint32_t in_port = cursor_be32(c), wild = cursor_be32(c);
	cursor_copy(c, f->dl_src, 6);
	cursor_copy(c, w->dl_src, 6);
	cursor_copy(c, f->dl_dst, 6);
	cursor_copy(c, w->dl_dst, 6);
	uint16_t vid = cursor_be16(c);
	uint8_t pcp = cursor_u8(c);
	cursor_skip(c, 1);
	f->dl_type = htobe16(cursor_be16(c));
	f->nw_tos = cursor_u8(c);
	f->nw_proto = cursor_u8(c);
	cursor_copy(c, &f->nw_src, 4);
	cursor_copy(c, &w->nw_src, 4);
	cursor_copy(c, &f->nw_dst, 4);
	cursor_copy(c, &w->nw_dst, 4);
	f->tp_src = htobe16(cursor_be16(c));
	f->tp_dst = htobe16(cursor_be16(c));
	uint32_t label = cursor_be32(c);
	uint8_t tc = cursor_u8(c);
	cursor_skip(c, 3);
	cursor_copy(c, &f->metadata, 8);
	cursor_copy(c, &w->metadata, 8);
	if (c->bad)
		return OFPBMC_BAD_LEN;

	// Addresses' masks are the other way round: 1 is "does not matter".
	for (int i = 0; i < 6; i++) {
		w->dl_src[i] = (uint8_t)~w->dl_src[i];
		w->dl_dst[i] = (uint8_t)~w->dl_dst[i];
	}
	w->metadata = ~w->metadata;
	if (!(wild & W11_IN_PORT)) {
		if (ofp11_port_decode(in_port, &f->in_port))
			return OFPBMC_BAD_VALUE;
		w->in_port = UINT32_MAX;
	}
	int error = vlan_from_11(m, wild, vid, pcp);
	if (error)
		return error;
	w->dl_type = wild & W11_DL_TYPE ? 0 : 0xffff;
	error = l3_from_11(m, wild);
	// Without its Ethernet type a label does not count, whatever it is.
	f->mpls[0] = htobe32((label & 0xfffff) << 12 | (uint32_t)(tc & 7) << 9);
	if (is_mpls(m))
		w->mpls[0] = htobe32((wild & W11_MPLS_LABEL ? 0 : 0xfffff000u) |
				     (wild & W11_MPLS_TC ? 0 : 0xe00u));
	flow_mask(f, f, w);
	return error;
}

static void ofp11_std_match_encode(struct buf *b, const struct match *m)
{
	const struct flow *f = &m->flow, *w = &m->mask;
	bool vid_wild, pcp_wild;
	uint16_t vid;
	uint8_t pcp;
	vlan_to_fixed(m, VLAN_ANY, &vid_wild, &vid, &pcp_wild, &pcp);
	uint32_t lse = be32toh(f->mpls[0]), lse_mask = be32toh(w->mpls[0]);
	uint32_t wild = 0;
	wild |= w->in_port ? 0 : W11_IN_PORT;
	wild |= vid_wild ? W11_DL_VLAN : 0;
	wild |= pcp_wild ? W11_DL_VLAN_PCP : 0;
	wild |= w->dl_type ? 0 : W11_DL_TYPE;
	wild |= w->nw_tos & DSCP_MASK ? 0 : W11_NW_TOS;
	wild |= w->nw_proto ? 0 : W11_NW_PROTO;
	wild |= w->tp_src ? 0 : W11_TP_SRC;
	wild |= w->tp_dst ? 0 : W11_TP_DST;
	wild |= lse_mask & 0xfffff000u ? 0 : W11_MPLS_LABEL;
	wild |= lse_mask & 0xe00u ? 0 : W11_MPLS_TC;
	uint8_t src_wild[6], dst_wild[6];
	for (int i = 0; i < 6; i++) {
		src_wild[i] = (uint8_t)~w->dl_src[i];
		dst_wild[i] = (uint8_t)~w->dl_dst[i];
	}
	buf_add_be16(b, OFPMT_STANDARD);
	buf_add_be16(b, OFP11_MATCH_LEN);
	buf_add_be32(b, w->in_port ? ofp11_port_encode(f->in_port) : 0);
	buf_add_be32(b, wild);
	buf_add(b, f->dl_src, 6);
	buf_add(b, src_wild, 6);
	buf_add(b, f->dl_dst, 6);
	buf_add(b, dst_wild, 6);
	buf_add_be16(b, vid);
	buf_add_u8(b, pcp);
	buf_add_u8(b, 0);
	buf_add(b, &f->dl_type, 2);
	buf_add_u8(b, f->nw_tos & DSCP_MASK);
	buf_add_u8(b, f->nw_proto);
	buf_add(b, &f->nw_src, 4);
	buf_add_be32(b, ~be32toh(w->nw_src));
	buf_add(b, &f->nw_dst, 4);
	buf_add_be32(b, ~be32toh(w->nw_dst));
	buf_add(b, &f->tp_src, 2);
	buf_add(b, &f->tp_dst, 2);
	buf_add_be32(b, lse >> 12);
	buf_add_u8(b, lse >> 9 & 7);
	buf_add_zeros(b, 3);
	buf_add(b, &f->metadata, 8);
	buf_add_be64(b, ~be64toh(w->metadata));
}

// --- The frame of 1.1 and later.

int ofp11_match_decode(struct cursor *c, bool strict, struct match *m, uint16_t *padded_len)
{
	struct cursor peek = *c;
	uint16_t type = cursor_be16(&peek), len = cursor_be16(&peek);
	if (peek.bad)
		return OFPBMC_BAD_LEN;
	if (padded_len)
		*padded_len = (uint16_t)((len + 7u) & ~7u);
	if (type == OFPMT_STANDARD) {
		if (len != OFP11_MATCH_LEN)
			return OFPBMC_BAD_LEN;
		struct cursor body = cursor_sub(c, OFP11_MATCH_LEN);
		cursor_skip(&body, 4);
		return ofp11_std_match_decode(&body, m);
	}
	return type == OFPMT_OXM
		       ? ofp12_match_decode(c, strict, m) // which stock's switch also sends in 1.1
		       : OFPBMC_BAD_TYPE;
}

int ofp12_match_decode(struct cursor *c, bool strict, struct match *m)
{
	struct cursor peek = *c;
	uint16_t type = cursor_be16(&peek), len = cursor_be16(&peek);
	if (peek.bad || len < 4)
		return OFPBMC_BAD_LEN;
	if (type != OFPMT_OXM)
		return OFPBMC_BAD_TYPE;
	struct cursor body = cursor_sub(c, (len + 7u) & ~7u);
	if (body.bad)
		return OFPBMC_BAD_LEN;
	cursor_skip(&body, 4);
	body.end = body.p + (len - 4u);
	return nx_match_decode(body, strict, m, NULL, NULL);
}

void ofp11_match_encode(struct buf *b, uint8_t version, const struct match *m)
{
	if (version == OFP11) {
		ofp11_std_match_encode(b, m);
		return;
	}
	size_t start = b->len;
	buf_add_be16(b, OFPMT_OXM);
	buf_add_be16(b, 0);
	size_t n = nx_match_encode(b, version, m, 0, 0);
	put_be16(b->data + start + 2, (uint16_t)(4 + n));
	buf_pad(b, start, 8);
}

// --- Who can carry a match.

static bool exact_or_wild(const void *mask, size_t n)
{
	const uint8_t *p = mask;
	for (size_t i = 1; i < n; i++)
		if (p[i] != p[0])
			return false;
	return p[0] == 0 || p[0] == 0xff;
}

static bool needs_nxm_metadata(const struct flow *w)
{
	return !all_zero(&w->tunnel, sizeof(w->tunnel)) || !all_zero(w->regs, sizeof(w->regs)) ||
	       w->skb_priority || w->pkt_mark || w->dp_hash || w->recirc_id || w->ct_state ||
	       w->ct_mark || w->ct_zone || w->ct_nw_proto ||
	       !all_zero(&w->ct_label, sizeof(w->ct_label)) || w->packet_type || w->conj_id ||
	       w->actset_output || w->ct_nw_src || w->ct_nw_dst || w->ct_tp_src || w->ct_tp_dst ||
	       !all_zero(&w->ct_ipv6_src, 16) || !all_zero(&w->ct_ipv6_dst, 16);
}

static bool needs_nxm_headers(const struct match *m)
{
	const struct flow *w = &m->mask;
	uint16_t tci_mask = be16toh(w->vlan[0].tci);
	bool arp = m->flow.dl_type == BE16(DL_ARP);
	bool vlan_odd = tci_mask && ((tci_mask & VID_MASK && (tci_mask & VID_MASK) != VID_MASK) ||
				     (tci_mask & PCP_MASK && (tci_mask & PCP_MASK) != PCP_MASK) ||
				     !(tci_mask & FLOW_VLAN_CFI));
	bool within_ipv6 = m->flow.dl_type == BE16(DL_IPV6) &&
			   (!all_zero(&w->ipv6_src, 16) || !all_zero(&w->ipv6_dst, 16) ||
			    w->tp_src || w->tp_dst || w->nw_proto || w->nw_tos);
	return vlan_odd || w->nw_ttl || w->nw_frag || w->tcp_flags || w->ipv6_label ||
	       w->nw_tos & 3 || within_ipv6 || w->mpls[0] & BE32(0x1ff) || w->mpls[1] ||
	       w->mpls[2] || w->nd_reserved || w->nd_options_type ||
	       !all_zero(&w->nsh, sizeof(w->nsh)) || !all_zero(w->arp_sha, 6) ||
	       !all_zero(w->arp_tha, 6) || !all_zero(&w->nd_target, 16) ||
	       !exact_or_wild(&w->tp_src, 2) || !exact_or_wild(&w->tp_dst, 2) ||
	       (!arp && w->nw_proto && w->nw_proto != 0xff);
}

uint32_t match_usable_protocols(const struct match *m)
{
	const struct flow *w = &m->mask;
	if (w->skb_priority || w->tunnel.tos || w->tunnel.ttl) // which have no header
		return OFPROTO_NONE;
	if (needs_nxm_metadata(w) || needs_nxm_headers(m))
		return OFPROTO_NXM_OXM_ANY;
	uint32_t not_10 = OFPROTO_NXM_OXM_ANY | OFPROTO_11;
	bool any_vlan = w->vlan[0].tci == BE16(FLOW_VLAN_CFI) && m->flow.vlan[0].tci;
	if (any_vlan || w->metadata || w->mpls[0] || !exact_or_wild(w->dl_src, 6) ||
	    !exact_or_wild(w->dl_dst, 6) || wild_bits_of_mask(w->nw_src) < 0 ||
	    wild_bits_of_mask(w->nw_dst) < 0)
		return not_10;
	return OFPROTO_ALL;
}
