/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/layout.h"

#include <stddef.h>

#include "dp/user/key.h"

#define FLOW_AT(MEMBER) (uint16_t) offsetof(struct flow, MEMBER)
#define FLOW_N(MEMBER)	(uint8_t)sizeof(((struct flow *)0)->MEMBER)

static uint32_t l4_from_flow(const struct flow *f, enum layout_l3 l3)
{
	if (f->dl_type == BE16(ETHERTYPE_NSH))
		return LAYOUT_L4_NSH;
	if ((l3 != LAYOUT_L3_IPV4 && l3 != LAYOUT_L3_IPV6) || f->nw_frag & FLOW_FRAG_LATER)
		return LAYOUT_L4_NONE;
	switch (f->nw_proto) {
	case IP_PROTO_TCP:
		return LAYOUT_L4_TCP;
	case IP_PROTO_UDP:
	case IP_PROTO_SCTP:
		return LAYOUT_L4_PORTS;
	case IP_PROTO_ICMP:
		return LAYOUT_L4_ICMP;
	case IP_PROTO_IGMP:
		return LAYOUT_L4_IGMP;
	case IP_PROTO_ICMPV6:
		return !f->tp_dst && (f->tp_src == BE16(ND_NEIGHBOR_SOLICIT) ||
				      f->tp_src == BE16(ND_NEIGHBOR_ADVERT))
			       ? LAYOUT_L4_ND
			       : LAYOUT_L4_ICMP;
	}
	return LAYOUT_L4_NONE;
}

uint32_t layout_from_flow(const struct flow *f)
{
	uint32_t layout = flow_is_bare(f) ? LAYOUT_BARE : 0;
	enum layout_l3 l3 = LAYOUT_L3_OTHER;
	if (f->vlan[0].tci & BE16(FLOW_VLAN_CFI))
		layout |= f->vlan[1].tci & BE16(FLOW_VLAN_CFI) ? LAYOUT_VLANS : LAYOUT_VLAN0;
	if (f->dl_type == BE16(ETHERTYPE_IPV4)) {
		l3 = LAYOUT_L3_IPV4;
	} else if (f->dl_type == BE16(ETHERTYPE_IPV6)) {
		l3 = LAYOUT_L3_IPV6;
	} else if (f->dl_type == BE16(ETHERTYPE_ARP) || f->dl_type == BE16(ETHERTYPE_RARP)) {
		l3 = LAYOUT_L3_ARP;
	} else if (f->dl_type == BE16(ETHERTYPE_MPLS) || f->dl_type == BE16(ETHERTYPE_MPLS_MCAST)) {
		l3 = LAYOUT_L3_MPLS1;
		if (!(f->mpls[0] & BE32(MPLS_BOS_MASK)))
			l3 = f->mpls[1] & BE32(MPLS_BOS_MASK) ? LAYOUT_L3_MPLS2 : LAYOUT_L3_MPLS3;
	}
	if (l3 == LAYOUT_L3_IPV4 || l3 == LAYOUT_L3_IPV6)
		layout |= (uint32_t)(f->nw_frag & 3) << LAYOUT_FRAG_SHIFT;
	return layout | (uint32_t)l3 << LAYOUT_L3_SHIFT | l4_from_flow(f, l3) << LAYOUT_L4_SHIFT;
}

bool layout_is_valid(uint32_t layout)
{
	unsigned int frag = (layout & LAYOUT_FRAG) >> LAYOUT_FRAG_SHIFT;
	unsigned int l4 = layout_l4(layout);
	enum layout_l3 l3 = layout_l3(layout);
	if (layout >= LAYOUT_N || (layout & LAYOUT_BARE && layout & LAYOUT_VLANS) ||
	    (layout & LAYOUT_VLANS) == LAYOUT_VLAN1 || (unsigned int)l3 == 4 || l4 == 7 ||
	    frag == FLOW_FRAG_LATER)
		return false;
	if (l4 == LAYOUT_L4_NSH)
		return !frag && l3 == LAYOUT_L3_OTHER;
	if (l3 != LAYOUT_L3_IPV4 && l3 != LAYOUT_L3_IPV6)
		return !frag && !l4;
	return !(frag & FLOW_FRAG_LATER) || !l4;
}

struct writer {
	struct place *v;
	unsigned int n;
};

static void put(struct writer *w, enum place_how how, unsigned int flow_at, unsigned int n,
		unsigned int key_at, unsigned int layout_bits)
{
	w->v[w->n++] = (struct place){.flow_at = (uint16_t)flow_at,
				      .key_at = (uint16_t)key_at,
				      .layout_bits = (uint16_t)layout_bits,
				      .n = (uint8_t)n,
				      .how = (uint8_t)how};
}

#define PUT_META(W, MEMBER)                                                                        \
	put(W, PLACE_BYTES, FLOW_AT(MEMBER), FLOW_N(MEMBER), offsetof(struct dp_key, meta.MEMBER), \
	    0)
// `AT` is an offset in the frame.
#define PUT(W, HOW, MEMBER, AT, BITS)                                                              \
	put(W, HOW, FLOW_AT(MEMBER), FLOW_N(MEMBER), KEY_META_BYTES + (AT), BITS)
#define PUT_ABSENT(W, MEMBER, BITS) put(W, PLACE_ABSENT, FLOW_AT(MEMBER), FLOW_N(MEMBER), 0, BITS)

static void metadata_places(struct writer *w)
{
	PUT_META(w, skb_priority);
	PUT_META(w, pkt_mark);
	PUT_META(w, dp_hash);
	PUT_META(w, in_port);
	PUT_META(w, recirc_id);
	PUT_META(w, ct_state);
	PUT_META(w, ct_mark);
	PUT_META(w, ct_zone);
	PUT_META(w, ct_label);
}

static void l2_places(struct writer *w, uint32_t layout, unsigned int l3_at, unsigned int locate)
{
	// The namespace is the layout's to say, see key_to_flow(); of packets without Ethernet
	// header the type is dl_type.
	if (layout & LAYOUT_BARE)
		PUT(w, PLACE_PACKET_TYPE, packet_type, l3_at - 2, LAYOUT_BARE);
	else
		PUT_ABSENT(w, packet_type, LAYOUT_BARE);
	PUT(w, PLACE_BYTES, dl_dst, 0, 0);
	PUT(w, PLACE_BYTES, dl_src, 6, 0);
	if (layout & LAYOUT_VLAN0) {
		PUT(w, PLACE_BYTES, vlan[0].tpid, 12, LAYOUT_VLAN0);
		PUT(w, PLACE_TCI, vlan[0].tci, 14, LAYOUT_VLAN0);
	} else {
		PUT_ABSENT(w, vlan[0].tpid, LAYOUT_VLAN0);
		PUT_ABSENT(w, vlan[0].tci, LAYOUT_VLAN0);
	}
	if (layout & LAYOUT_VLAN1) {
		PUT(w, PLACE_BYTES, vlan[1].tpid, 16, LAYOUT_VLAN1);
		PUT(w, PLACE_TCI, vlan[1].tci, 18, LAYOUT_VLAN1);
	} else {
		PUT_ABSENT(w, vlan[1].tpid, LAYOUT_VLAN1);
		PUT_ABSENT(w, vlan[1].tci, LAYOUT_VLAN1);
	}
	PUT(w, PLACE_BYTES, dl_type, l3_at - 2, locate);

	// Codes 5, 6 and 7 have a first label, 6 and 7 a second, 7 a third.
	static const unsigned int there[] = {4 << LAYOUT_L3_SHIFT, 6 << LAYOUT_L3_SHIFT,
					     7 << LAYOUT_L3_SHIFT};
	unsigned int l3 = layout_l3(layout);
	for (unsigned int i = 0; i < FLOW_MAX_MPLS; i++) {
		if (l3 >= LAYOUT_L3_MPLS1 + i)
			PUT(w, PLACE_BYTES, mpls[i], l3_at + 4 * i, locate | there[i]);
		else
			PUT_ABSENT(w, mpls[i],
				   l3 < LAYOUT_L3_MPLS1 ? 4u << LAYOUT_L3_SHIFT
							: (unsigned int)LAYOUT_L3);
	}
}

static void l3_places(struct writer *w, uint32_t layout, unsigned int at, unsigned int bits)
{
	enum layout_l3 l3 = layout_l3(layout);
	if (l3 == LAYOUT_L3_IPV4 || l3 == LAYOUT_L3_ARP) {
		bool arp = l3 == LAYOUT_L3_ARP;
		PUT(w, PLACE_BYTES, nw_src, at + (arp ? 14 : 12), bits);
		PUT(w, PLACE_BYTES, nw_dst, at + (arp ? 24 : 16), bits);
	} else {
		PUT_ABSENT(w, nw_src, LAYOUT_L3);
		PUT_ABSENT(w, nw_dst, LAYOUT_L3);
	}
	if (l3 == LAYOUT_L3_IPV6) {
		PUT(w, PLACE_BYTES, ipv6_src, at + 8, bits);
		PUT(w, PLACE_BYTES, ipv6_dst, at + 24, bits);
		PUT(w, PLACE_LABEL, ipv6_label, at, bits);
	} else {
		PUT_ABSENT(w, ipv6_src, LAYOUT_L3);
		PUT_ABSENT(w, ipv6_dst, LAYOUT_L3);
		PUT_ABSENT(w, ipv6_label, LAYOUT_L3);
	}
	put(w, PLACE_FRAG, FLOW_AT(nw_frag), 1, 0, 0);
	if (l3 == LAYOUT_L3_IPV4) {
		PUT(w, PLACE_BYTES, nw_tos, at + 1, bits);
		PUT(w, PLACE_BYTES, nw_ttl, at + 8, bits);
		PUT(w, PLACE_BYTES, nw_proto, at + 9, bits);
	} else if (l3 == LAYOUT_L3_IPV6) {
		PUT(w, PLACE_TCLASS, nw_tos, at, bits);
		PUT(w, PLACE_BYTES, nw_ttl, at + 7, bits);
		PUT(w, PLACE_BYTES, nw_proto, at + 6, bits);
	} else {
		PUT_ABSENT(w, nw_tos, LAYOUT_L3);
		PUT_ABSENT(w, nw_ttl, LAYOUT_L3);
		if (l3 == LAYOUT_L3_ARP)
			PUT(w, PLACE_BYTES, nw_proto, at + 7, bits);
		else
			PUT_ABSENT(w, nw_proto, LAYOUT_L3);
	}
}

static void l4_places(struct writer *w, uint32_t layout, unsigned int l3_at, unsigned int l3_bits)
{
	enum layout_l4 l4 = layout_l4(layout);
	unsigned int at = layout_l4_offset(layout), all = l3_bits | LAYOUT_L4;
	if (l4 ==
	    LAYOUT_L4_ND) { // options in the order and place that the canonical shape gives them
		PUT(w, PLACE_BYTES, nd_reserved, at + 4, all);
		PUT(w, PLACE_BYTES, nd_target, at + 8, all);
		PUT(w, PLACE_BYTES, nd_options_type, at + 24, all);
		PUT(w, PLACE_BYTES, arp_sha, at + 26, all);
		PUT(w, PLACE_BYTES, arp_tha, at + 34, all);
	} else {
		PUT_ABSENT(w, nd_target, LAYOUT_L4);
		PUT_ABSENT(w, nd_reserved, LAYOUT_L4);
		PUT_ABSENT(w, nd_options_type, LAYOUT_L4);
		if (layout_l3(layout) == LAYOUT_L3_ARP) {
			PUT(w, PLACE_BYTES, arp_sha, l3_at + 8, l3_bits);
			PUT(w, PLACE_BYTES, arp_tha, l3_at + 18, l3_bits);
		} else {
			PUT_ABSENT(w, arp_sha, LAYOUT_L3 | LAYOUT_L4);
			PUT_ABSENT(w, arp_tha, LAYOUT_L3 | LAYOUT_L4);
		}
	}
	if (l4 == LAYOUT_L4_NSH) // the flow's fields, one after the other: no frame has this shape
		PUT(w, PLACE_BYTES, nsh, l3_at, all);
	else
		PUT_ABSENT(w, nsh, LAYOUT_L4);
	if (l4 == LAYOUT_L4_TCP)
		PUT(w, PLACE_FLAGS, tcp_flags, at + 12, all);
	else
		PUT_ABSENT(w, tcp_flags, LAYOUT_L4);
	if (l4 == LAYOUT_L4_IGMP)
		PUT(w, PLACE_BYTES, igmp_group, at + 4, all);
	else
		PUT_ABSENT(w, igmp_group, LAYOUT_L4);

	if (l4 == LAYOUT_L4_PORTS || l4 == LAYOUT_L4_TCP) {
		unsigned int bits = l3_bits | 6 << LAYOUT_L4_SHIFT;
		PUT(w, PLACE_BYTES, tp_src, at, bits);
		PUT(w, PLACE_BYTES, tp_dst, at + 2, bits);
	} else if (l4 != LAYOUT_L4_NONE && l4 != LAYOUT_L4_NSH) { // type and code, in the low bytes
		unsigned int bits = l3_bits | 4 << LAYOUT_L4_SHIFT;
		put(w, PLACE_ABSENT, FLOW_AT(tp_src), 1, 0, 4 << LAYOUT_L4_SHIFT);
		put(w, PLACE_BYTES, FLOW_AT(tp_src) + 1, 1, KEY_META_BYTES + at, bits);
		put(w, PLACE_ABSENT, FLOW_AT(tp_dst), 1, 0, 4 << LAYOUT_L4_SHIFT);
		put(w, PLACE_BYTES, FLOW_AT(tp_dst) + 1, 1, KEY_META_BYTES + at + 1, bits);
	} else {
		PUT_ABSENT(w, tp_src, LAYOUT_L4);
		PUT_ABSENT(w, tp_dst, LAYOUT_L4);
	}
}

unsigned int layout_places(uint32_t layout, struct place places[LAYOUT_MAX_PLACES])
{
	struct writer w = {.v = places};
	unsigned int l3_at = layout_l3_offset(layout);
	// Without a tag, its absence says all: there is no second one either.
	unsigned int locate = layout & LAYOUT_VLAN0 ? LAYOUT_VLANS : LAYOUT_VLAN0;
	metadata_places(&w);
	l2_places(&w, layout, l3_at, locate);
	l3_places(&w, layout, l3_at, locate | LAYOUT_L3);
	l4_places(&w, layout, l3_at, locate | LAYOUT_L3);
	return w.n;
}
