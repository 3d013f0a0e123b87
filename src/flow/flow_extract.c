/* SPDX-License-Identifier: Apache-2.0 */
// Headers of a frame into a flow. The frame is hostile: each length is checked against what is
// left, both of the bytes that can be read and of what the headers around it say, before anything
// behind it is looked at. A header that does not fit ends the walk, and what was found up to there
// stays.
#include <string.h>

#include "flow/flow.h"
#include "packet/headers.h"

// What is left of the frame: `n` bytes can be read, `len` are there by the lengths that the frame
// gave so far.
struct rest {
	const uint8_t *p;
	size_t n, len;
};

static bool has(const struct rest *r, size_t n)
{
	return r->n >= n && r->len >= n;
}

static void skip(struct rest *r, size_t n)
{
	r->p += n;
	r->n -= n;
	r->len -= n;
}

// NULL when there are fewer than n bytes.
static const void *take(struct rest *r, size_t n)
{
	if (!has(r, n))
		return NULL;
	const void *p = r->p;
	skip(r, n);
	return p;
}

// Padding behind the L3 packet is none of its business.
static void trim(struct rest *r, size_t len)
{
	r->len = len;
	if (r->n > len)
		r->n = len;
}

static bool is_vlan(be16_t type)
{
	return type == BE16(ETHERTYPE_VLAN_8021Q) || type == BE16(ETHERTYPE_VLAN_8021AD);
}

static be16_t load16(const void *p)
{
	be16_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static be32_t load32(const void *p)
{
	be32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

// From the type field on: tags, then the type, or LLC and SNAP behind a length.
static be16_t extract_type(struct rest *r, unsigned int max_vlans, struct flow *f)
{
	be16_t type = load16(r->p);
	for (unsigned int i = 0; i < max_vlans && is_vlan(type) && has(r, 6); i++) {
		f->vlan[i].tpid = type;
		f->vlan[i].tci = load16(r->p + 2) | BE16(VLAN_CFI);
		skip(r, 4);
		type = load16(r->p);
	}
	skip(r, 2);
	if (be16toh(type) >= ETHERTYPE_MIN)
		return type;
	const struct llc_snap_hdr *snap = (const void *)r->p;
	static const uint8_t rfc1042[6] = {LLC_SNAP_SAP, LLC_SNAP_SAP, LLC_CONTROL_UI, 0, 0, 0};
	if (!has(r, sizeof(*snap)) || memcmp(snap, rfc1042, sizeof(rfc1042)))
		return BE16(FLOW_DL_TYPE_NONE);
	skip(r, sizeof(*snap));
	return be16toh(snap->type) >= ETHERTYPE_MIN ? snap->type : BE16(FLOW_DL_TYPE_NONE);
}

static void extract_mpls(struct rest r, struct flow *f)
{
	for (int i = 0; i < FLOW_MAX_MPLS; i++) {
		const void *lse = take(&r, MPLS_HDR_BYTES);
		if (!lse)
			break;
		f->mpls[i] = load32(lse);
		if (f->mpls[i] & BE32(MPLS_BOS_MASK))
			break;
	}
}

// RFC 8300: a base header, the path, and for metadata type 1 four words of context.
static void extract_nsh(struct rest r, struct flow *f)
{
	const struct nsh_hdr *nsh = take(&r, sizeof(*nsh));
	if (!nsh)
		return;
	uint16_t base = be16toh(nsh->ver_flags_ttl_len);
	size_t len = 4u * (base & NSH_LEN_MASK);
	if (base & NSH_VERSION_MASK || len < sizeof(*nsh) || !has(&r, len - sizeof(*nsh)))
		return;
	uint8_t mdtype = nsh->md_type & 15;
	if (mdtype == 1 && len != sizeof(*nsh) + sizeof(f->nsh.context))
		return;
	f->nsh.flags = (uint8_t)((base & NSH_FLAGS_MASK) >> 12);
	f->nsh.ttl = (uint8_t)((base & NSH_TTL_MASK) >> 6);
	f->nsh.mdtype = mdtype;
	f->nsh.np = nsh->next;
	f->nsh.path_hdr = nsh->path;
	if (mdtype == 1)
		memcpy(f->nsh.context, r.p, sizeof(f->nsh.context));
}

static void extract_arp(struct rest r, struct flow *f)
{
	const struct arp_eth_hdr *arp = take(&r, sizeof(*arp));
	if (!arp || arp->hrd != BE16(ARP_HRD_ETHERNET) || arp->pro != BE16(ETHERTYPE_IPV4) ||
	    arp->hln != 6 || arp->pln != 4)
		return;
	f->nw_src = arp->spa;
	f->nw_dst = arp->tpa;
	f->nw_proto = be16toh(arp->op) <= 0xff ? (uint8_t)be16toh(arp->op)
					       : 0; // OpenFlow matches eight bits
	memcpy(f->arp_sha, arp->sha, 6);
	memcpy(f->arp_tha, arp->tha, 6);
}

// False when the header lies; then nothing of it is used.
static bool extract_ipv4(struct rest *r, struct flow *f)
{
	const struct ipv4_hdr *ip = (const void *)r->p;
	if (!has(r, sizeof(*ip)))
		return false;
	size_t header = 4u * (ip->ver_ihl & 15), total = be16toh(ip->total_len);
	if (header < sizeof(*ip) || !has(r, header) || total > r->len || header > total ||
	    r->len - total > UINT16_MAX)
		return false;
	trim(r, total);
	skip(r, header);
	f->nw_src = ip->src;
	f->nw_dst = ip->dst;
	f->nw_tos = ip->tos;
	f->nw_ttl = ip->ttl;
	f->nw_proto = ip->proto;
	if (ip->frag & BE16(IPV4_FRAG_MF | IPV4_FRAG_OFFSET))
		f->nw_frag =
			FLOW_FRAG_ANY | (ip->frag & BE16(IPV4_FRAG_OFFSET) ? FLOW_FRAG_LATER : 0);
	return true;
}

// Steps over extension headers to the transport header. False when one of them is cut off.
static bool skip_ipv6_extensions(struct rest *r, uint8_t *proto, uint8_t *frag)
{
	while (ipv6_is_extension(*proto)) {
		const struct ipv6_ext_hdr *ext = (const void *)r->p;
		if (!has(r, 8))
			return false;
		uint8_t this = *proto;
		size_t len = ipv6_extension_bytes(this, ext->len);
		if (!has(r, len))
			return false;
		*proto = ext->next;
		if (this == IP_PROTO_FRAGMENT && load16(r->p + 2)) {
			*frag = FLOW_FRAG_ANY;
			if (load16(r->p + 2) & BE16(IPV6_FRAG_OFFSET)) {
				*frag |= FLOW_FRAG_LATER;
				*proto = IP_PROTO_FRAGMENT;
				skip(r, len);
				return true;
			}
		}
		skip(r, len);
	}
	return true;
}

static bool extract_ipv6(struct rest *r, struct flow *f)
{
	const struct ipv6_hdr *ip = (const void *)r->p;
	if (!has(r, sizeof(*ip)))
		return false;
	size_t payload = be16toh(ip->payload_len);
	if (payload > r->len - sizeof(*ip) || r->len - sizeof(*ip) - payload > UINT16_MAX)
		return false;
	skip(r, sizeof(*ip));
	trim(r, payload);
	memcpy(&f->ipv6_src, ip->src, sizeof(f->ipv6_src));
	memcpy(&f->ipv6_dst, ip->dst, sizeof(f->ipv6_dst));
	uint8_t proto = ip->next, frag = 0;
	if (!skip_ipv6_extensions(r, &proto, &frag))
		return false;
	f->ipv6_label = ip->ver_tc_label & BE32(0xfffff);
	f->nw_tos = (uint8_t)(be32toh(ip->ver_tc_label) >> 20);
	f->nw_ttl = ip->hop_limit;
	f->nw_proto = proto;
	f->nw_frag = frag;
	return true;
}

// Target and link-layer addresses of a neighbour message. An option that lies about its length ends
// the walk; an address given twice voids them all.
static void extract_nd(struct rest r, struct flow *f)
{
	const uint8_t *target = take(&r, 16);
	const uint8_t *sll = NULL, *tll = NULL;
	if (!target)
		return;
	const uint8_t *reserved = target - sizeof(f->nd_reserved);
	uint8_t first_type = 0;
	bool first = true;
	while (has(&r, 8)) {
		const struct nd_lla_opt *opt = (const void *)r.p;
		size_t len = 8u * opt->len;
		if (!len || !has(&r, len))
			break;
		if (first)
			first_type = opt->type;
		first = false;
		const uint8_t **slot = opt->type == ND_OPT_SOURCE_LLA	? &sll
				       : opt->type == ND_OPT_TARGET_LLA ? &tll
									: NULL;
		if (slot && len == 8) {
			static const uint8_t zero[6];
			if (*slot && memcmp(*slot, zero, 6))
				return;
			*slot = opt->mac;
		}
		skip(&r, len);
	}
	memcpy(&f->nd_target, target, sizeof(f->nd_target));
	memcpy(&f->nd_reserved, reserved, sizeof(f->nd_reserved));
	f->nd_options_type = first_type;
	if (sll)
		memcpy(f->arp_sha, sll, 6);
	if (tll)
		memcpy(f->arp_tha, tll, 6);
}

static void extract_icmpv6(struct rest r, struct flow *f)
{
	const struct icmp_hdr *icmp = take(&r, ICMPV6_HDR_BYTES);
	if (!icmp)
		return;
	f->tp_src = htobe16(icmp->type);
	f->tp_dst = htobe16(icmp->code);
	if (!icmp->code && (icmp->type == ND_NEIGHBOR_SOLICIT || icmp->type == ND_NEIGHBOR_ADVERT))
		extract_nd(r, f);
}

// As OpenFlow has it, the protocol number alone says which header follows, over either version of
// IP.
static void extract_l4(struct rest r, struct flow *f)
{
	size_t need = f->nw_proto == IP_PROTO_TCP    ? TCP_HDR_BYTES
		      : f->nw_proto == IP_PROTO_UDP  ? UDP_HDR_BYTES
		      : f->nw_proto == IP_PROTO_SCTP ? SCTP_HDR_BYTES
						     : 0;
	if (need == TCP_HDR_BYTES && has(&r, need)) {
		size_t len = 4u * (r.p[offsetof(struct tcp_hdr, offset_flags)] >> 4);
		if (len < need || !has(&r, len))
			return;
	}
	if (need && has(&r, need)) {
		f->tp_src = load16(r.p);
		f->tp_dst = load16(r.p + 2);
		if (f->nw_proto == IP_PROTO_TCP)
			f->tcp_flags = load16(r.p + offsetof(struct tcp_hdr, offset_flags)) &
				       BE16(TCP_FLAGS_MASK);
	} else if ((f->nw_proto == IP_PROTO_ICMP || f->nw_proto == IP_PROTO_IGMP) &&
		   has(&r, ICMP_HDR_BYTES)) {
		f->tp_src = htobe16(r.p[0]);
		f->tp_dst = htobe16(r.p[1]);
		if (f->nw_proto == IP_PROTO_IGMP)
			f->igmp_group = load32(r.p + offsetof(struct igmp_hdr, group));
	} else if (f->nw_proto == IP_PROTO_ICMPV6) {
		extract_icmpv6(r, f);
	}
}

void flow_extract_vlans(const void *frame, size_t n, size_t wire_len, unsigned int max_vlans,
			struct flow *f)
{
	struct rest r = {frame, n, wire_len};
	memset((char *)f + offsetof(struct flow, dl_dst), 0,
	       offsetof(struct flow, options) - offsetof(struct flow, dl_dst));
	if (flow_is_bare(f)) {
		f->packet_type = flow_bare_type(flow_ethertype_of(f->packet_type));
		f->dl_type = flow_ethertype_of(f->packet_type);
	} else {
		if (!has(&r, ETH_HDR_BYTES))
			return;
		memcpy(f->dl_dst, r.p, 6);
		memcpy(f->dl_src, r.p + 6, 6);
		skip(&r, 12);
		f->dl_type = extract_type(
			&r, max_vlans < FLOW_MAX_VLANS ? max_vlans : FLOW_MAX_VLANS, f);
	}
	bool ip = false;
	switch (be16toh(f->dl_type)) {
	case ETHERTYPE_IPV4:
		ip = extract_ipv4(&r, f);
		break;
	case ETHERTYPE_IPV6:
		ip = extract_ipv6(&r, f);
		break;
	case ETHERTYPE_ARP:
	case ETHERTYPE_RARP:
		extract_arp(r, f);
		break;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MCAST:
		extract_mpls(r, f);
		break;
	case ETHERTYPE_NSH:
		extract_nsh(r, f);
		break;
	}
	if (ip && !(f->nw_frag & FLOW_FRAG_LATER))
		extract_l4(r, f);
}

void flow_extract(const void *frame, size_t n, size_t wire_len, struct flow *out)
{
	flow_extract_vlans(frame, n, wire_len, FLOW_MAX_VLANS, out);
}
