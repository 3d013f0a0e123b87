/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"

#include "packet/headers.h"

static bool words_equal_masked(const struct flow *a, const struct flow *b, const struct flow *mask,
			       unsigned int from, unsigned int to)
{
	const uint64_t *x = flow_words_const(a), *y = flow_words_const(b),
		       *m = flow_words_const(mask);
	for (unsigned int i = from; i < to; i++)
		if ((x[i] ^ y[i]) & m[i])
			return false;
	return true;
}

bool flow_equal_masked(const struct flow *a, const struct flow *b, const struct flow *mask)
{
	if (!words_equal_masked(a, b, mask, 0, FLOW_WORDS))
		return false;
	// Both have the options that the mask looks at, or both have none of them.
	return !(mask->tunnel.options & a->tunnel.options) ||
	       words_equal_masked(a, b, mask, FLOW_WORDS, FLOW_ALL_WORDS);
}

void flow_mask(struct flow *out, const struct flow *f, const struct flow *mask)
{
	uint64_t *o = flow_words(out);
	const uint64_t *x = flow_words_const(f), *m = flow_words_const(mask);
	bool options = f->tunnel.options & mask->tunnel.options;
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		o[i] = x[i] & m[i];
	for (unsigned int i = FLOW_WORDS; options && i < FLOW_ALL_WORDS; i++)
		o[i] = x[i] & m[i];
}

void flow_set_vlan_tci(struct flow *flow, uint16_t tci)
{
	flow->vlan[0].tci = htobe16(tci);
	if (!(tci & VLAN_CFI))
		flow->vlan[0].tpid = 0;
	else if (!flow->vlan[0].tpid)
		flow->vlan[0].tpid = BE16(ETHERTYPE_VLAN_8021Q);
}

// The part of the mask that depends on the L3 protocol.
static void mask_l3(const struct flow *f, struct flow *mask)
{
	if (f->dl_type == BE16(ETHERTYPE_IPV4)) {
		mask->nw_src = mask->nw_dst = UINT32_MAX;
	} else if (f->dl_type == BE16(ETHERTYPE_IPV6)) {
		memset(&mask->ipv6_src, 0xff, sizeof(mask->ipv6_src));
		memset(&mask->ipv6_dst, 0xff, sizeof(mask->ipv6_dst));
		mask->ipv6_label = BE32(0xfffff);
	} else if (f->dl_type == BE16(ETHERTYPE_ARP) || f->dl_type == BE16(ETHERTYPE_RARP)) {
		mask->nw_src = mask->nw_dst = UINT32_MAX;
		mask->nw_proto = 0xff;
		memset(mask->arp_sha, 0xff, 6);
		memset(mask->arp_tha, 0xff, 6);
		return;
	} else if (f->dl_type == BE16(ETHERTYPE_MPLS) || f->dl_type == BE16(ETHERTYPE_MPLS_MCAST)) {
		for (int i = 0; i < FLOW_MAX_MPLS; i++) {
			mask->mpls[i] = UINT32_MAX;
			if (f->mpls[i] & BE32(MPLS_BOS_MASK))
				break;
		}
		return;
	} else if (f->dl_type == BE16(ETHERTYPE_NSH)) {
		memset(&mask->nsh, 0xff, sizeof(mask->nsh));
	} else {
		return;
	}
	mask->nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	mask->nw_tos = mask->nw_ttl = mask->nw_proto = 0xff;
}

static bool has_l4(const struct flow *f)
{
	return !(f->nw_frag & FLOW_FRAG_LATER) &&
	       (f->dl_type == BE16(ETHERTYPE_IPV4) || f->dl_type == BE16(ETHERTYPE_IPV6)) &&
	       (f->nw_proto == IP_PROTO_TCP || f->nw_proto == IP_PROTO_UDP ||
		f->nw_proto == IP_PROTO_SCTP || f->nw_proto == IP_PROTO_ICMP ||
		f->nw_proto == IP_PROTO_ICMPV6 || f->nw_proto == IP_PROTO_IGMP);
}

bool flow_is_nd(const struct flow *f)
{
	return f->dl_type == BE16(ETHERTYPE_IPV6) && f->nw_proto == IP_PROTO_ICMPV6 &&
	       !(f->nw_frag & FLOW_FRAG_LATER) && !f->tp_dst &&
	       (f->tp_src == BE16(ND_NEIGHBOR_SOLICIT) || f->tp_src == BE16(ND_NEIGHBOR_ADVERT));
}

void flow_mask_for_packet(const struct flow *f, struct flow *mask)
{
	flow_clear(mask);
	if (flow_has_tunnel(f)) {
		memset(&mask->tunnel, 0xff, sizeof(mask->tunnel));
		if (f->tunnel.ip_dst) {
			memset(&mask->tunnel.ipv6_src, 0, sizeof(mask->tunnel.ipv6_src));
			memset(&mask->tunnel.ipv6_dst, 0, sizeof(mask->tunnel.ipv6_dst));
		} else {
			mask->tunnel.ip_src = mask->tunnel.ip_dst = 0;
		}
		mask->tunnel.options = f->tunnel.options;
		if (f->tunnel.options)
			memset(mask->options, 0xff, sizeof(mask->options));
	}
	memset((char *)mask + offsetof(struct flow, metadata), 0xff,
	       offsetof(struct flow, dl_dst) - offsetof(struct flow, metadata));
	mask->pad0 = 0;
	mask->ct_pad = 0;
	bool ct = f->ct_state & FLOW_CT_TRACKED && f->ct_nw_proto;
	mask->ct_nw_proto = ct ? 0xff : 0;
	if (ct) {
		mask->ct_tp_src = mask->ct_tp_dst = 0xffff;
		if (f->dl_type == BE16(ETHERTYPE_IPV4)) {
			mask->ct_nw_src = mask->ct_nw_dst = UINT32_MAX;
		} else {
			memset(&mask->ct_ipv6_src, 0xff, sizeof(mask->ct_ipv6_src));
			memset(&mask->ct_ipv6_dst, 0xff, sizeof(mask->ct_ipv6_dst));
		}
	}
	if (!f->packet_type) {
		memset(mask->dl_dst, 0xff, 6);
		memset(mask->dl_src, 0xff, 6);
	}
	if (!flow_is_bare(f)) // else packet_type says it
		mask->dl_type = 0xffff;
	for (int i = 0; i < FLOW_MAX_VLANS && !flow_is_bare(f); i++) {
		mask->vlan[i] = (struct flow_vlan){0xffff, 0xffff};
		if (!f->vlan[i].tci)
			break;
	}
	mask_l3(f, mask);
	if (!has_l4(f))
		return;
	mask->tp_src = mask->tp_dst = 0xffff;
	if (f->nw_proto == IP_PROTO_TCP)
		mask->tcp_flags = 0xffff;
	if (f->nw_proto == IP_PROTO_IGMP)
		mask->igmp_group = UINT32_MAX;
	if (flow_is_nd(f)) {
		memset(mask->arp_sha, 0xff, 6);
		memset(mask->arp_tha, 0xff, 6);
		memset(&mask->nd_target, 0xff, sizeof(mask->nd_target));
		mask->nd_reserved = UINT32_MAX;
		mask->nd_options_type = UINT8_MAX;
	}
}

void flow_forget_connection(struct flow *f)
{
	f->ct_state = f->ct_mark = 0;
	f->ct_zone = 0;
	f->ct_nw_proto = 0;
	f->ct_nw_src = f->ct_nw_dst = 0;
	f->ct_tp_src = f->ct_tp_dst = 0;
	memset(&f->ct_label, 0, sizeof(f->ct_label));
	memset(&f->ct_ipv6_src, 0, sizeof(f->ct_ipv6_src));
	memset(&f->ct_ipv6_dst, 0, sizeof(f->ct_ipv6_dst));
}
