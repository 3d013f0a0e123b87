/* SPDX-License-Identifier: Apache-2.0 */
// Layouts: where the fields of a flow lie in the key of a packet.
//
// The key of a packet is, for nearly all frames, the packet: its first 128 bytes. What makes equal
// bytes mean equal fields is the layout, a number of eleven bits that says how many tags there are,
// which L3 and L4 headers follow and whether they are a fragment's. It is part of the key's
// metadata and a function of the frame's struct flow alone: layout_from_flow() defines it.
// layout_classify() computes the same number straight from the bytes of a *regular* frame: one
// whose headers lie where the layout says, all of them complete and honest about their lengths. Any
// other frame is odd: its key is a copy in the shape that regular frames have. key_odd_header()
// makes it: without their IP options and extension headers most are regular; all others (802.2,
// truncated or lying ones) go through a struct flow.
//
// The bits are arranged so that a mask covers only those that locate what it looks at: a megaflow
// that matches MAC addresses covers none; one that matches the Ethernet type covers the number of
// tags; ports cover all but the fragment bits.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/byteorder.h"
#include "flow/flow.h"
#include "packet/headers.h"

enum {
	LAYOUT_VLAN0 = 1 << 0, // there is a tag
	LAYOUT_VLAN1 = 1 << 1, // there are two
	LAYOUT_VLANS = 3,
	LAYOUT_FRAG_SHIFT = 2,
	LAYOUT_FRAG = 3 << LAYOUT_FRAG_SHIFT, // flow.nw_frag
	LAYOUT_L3_SHIFT = 4,
	LAYOUT_L3 = 7 << LAYOUT_L3_SHIFT, // enum layout_l3
	LAYOUT_L4_SHIFT = 7,
	LAYOUT_L4 = 7 << LAYOUT_L4_SHIFT, // enum layout_l4
	// There is no Ethernet header: the packet type is dl_type. The key has a blank one all the
	// same, so that nothing lies elsewhere for it. All masks cover this bit: a megaflow is of
	// packets with such a header or of packets without.
	LAYOUT_BARE = 1 << 10,
	LAYOUT_N = 1 << 11,
	LAYOUT_ODD = LAYOUT_N, // of layout_classify(): not a layout
	// Set in the key of every packet, of every live megaflow, and in every mask: so that no
	// live key is all zero.
	LAYOUT_LIVE = 1 << 15,
};

enum layout_l3 { // bit 2: labels
	LAYOUT_L3_OTHER,
	LAYOUT_L3_IPV4,
	LAYOUT_L3_IPV6,
	LAYOUT_L3_ARP,
	LAYOUT_L3_MPLS1 = 5,
	LAYOUT_L3_MPLS2,
	LAYOUT_L3_MPLS3,
};
enum layout_l4 { // 01x: ports; 1xx: type and code. The protocol number alone decides, over either
		 // version of IP.
	LAYOUT_L4_NONE = 0,
	LAYOUT_L4_NSH = 1 /* behind L3_OTHER */,
	LAYOUT_L4_PORTS = 2,
	LAYOUT_L4_TCP = 3,
	LAYOUT_L4_ICMP = 4,
	LAYOUT_L4_ND = 5,
	LAYOUT_L4_IGMP = 6,
};

enum { KEY_HEADER_BYTES = 128, KEY_META_BYTES = 64 };

enum place_how {
	PLACE_BYTES, // the same bytes
	PLACE_TCI, // 2 bytes; the flow's CFI bit says that the tag is there, which is the layout's
		   // to say
	PLACE_LABEL,	   // 4 bytes, of which the low 20 bits
	PLACE_TCLASS,	   // one byte of the flow; 2 bytes of the key, from bit 4
	PLACE_FLAGS,	   // 2 bytes, of which the low 12 bits
	PLACE_FRAG,	   // one byte of the flow; the layout's fragment bits
	PLACE_PACKET_TYPE, // 4 bytes, of which the low 16 bits: those of dl_type
	PLACE_ABSENT,	   // zero in every flow with this layout
};

// Where some bytes of struct flow lie in struct dp_key, for one layout.
struct place {
	uint16_t flow_at, key_at;
	uint16_t layout_bits; // all layouts that agree in these bits have this very place
	uint8_t n;	      // bytes of the flow
	uint8_t how;	      // enum place_how
};

enum { LAYOUT_MAX_PLACES = 58 };
// All places of a layout; bytes of struct flow that are in none are zero in every flow of a packet.
unsigned int layout_places(uint32_t layout, struct place places[LAYOUT_MAX_PLACES]);
// The definition of the layout of a packet.
uint32_t layout_from_flow(const struct flow *);
// Can layout_from_flow() give it?
bool layout_is_valid(uint32_t layout);

static inline unsigned int layout_n_tags(uint32_t layout)
{
	return (layout & LAYOUT_VLAN0) + ((layout & LAYOUT_VLAN1) >> 1);
}
static inline unsigned int layout_l3_offset(uint32_t layout)
{
	return ETH_HDR_BYTES + 4 * layout_n_tags(layout);
}
static inline enum layout_l3 layout_l3(uint32_t layout)
{
	return (enum layout_l3)((layout & LAYOUT_L3) >> LAYOUT_L3_SHIFT);
}
static inline enum layout_l4 layout_l4(uint32_t layout)
{
	return (enum layout_l4)((layout & LAYOUT_L4) >> LAYOUT_L4_SHIFT);
}
// Of the key's shape; the frame of an odd packet has it elsewhere.
static inline unsigned int layout_l4_offset(uint32_t layout)
{
	return layout_l3_offset(layout) +
	       (layout_l3(layout) == LAYOUT_L3_IPV6 ? IPV6_HDR_BYTES : IPV4_HDR_BYTES);
}

static inline be16_t layout_load16(const uint8_t *p)
{
	be16_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool layout_is_tpid(be16_t type)
{
	return type == BE16(ETHERTYPE_VLAN_8021Q) || type == BE16(ETHERTYPE_VLAN_8021AD);
}

// `have` bytes of L4 can be read.
static inline uint32_t layout_classify_l4(const uint8_t *l4, uint8_t proto, bool v6, uint32_t have)
{
	if (proto == IP_PROTO_UDP)
		return have >= UDP_HDR_BYTES ? LAYOUT_L4_PORTS << LAYOUT_L4_SHIFT : LAYOUT_ODD;
	if (proto == IP_PROTO_TCP) {
		if (have < TCP_HDR_BYTES || l4[12] < 0x50 || (uint32_t)(l4[12] >> 4) * 4 > have)
			return LAYOUT_ODD;
		return LAYOUT_L4_TCP << LAYOUT_L4_SHIFT;
	}
	if (proto == IP_PROTO_SCTP)
		return have >= SCTP_HDR_BYTES ? LAYOUT_L4_PORTS << LAYOUT_L4_SHIFT : LAYOUT_ODD;
	if (v6) { // what else there may be is an extension header, or may be one some day
		if (proto != IP_PROTO_ICMPV6 || have < ICMPV6_HDR_BYTES ||
		    l4[0] == ND_NEIGHBOR_SOLICIT || l4[0] == ND_NEIGHBOR_ADVERT)
			return LAYOUT_ODD;
		return LAYOUT_L4_ICMP << LAYOUT_L4_SHIFT;
	}
	if (proto == IP_PROTO_ICMP)
		return have >= ICMP_HDR_BYTES ? LAYOUT_L4_ICMP << LAYOUT_L4_SHIFT : LAYOUT_ODD;
	return proto == IP_PROTO_IGMP || proto == IP_PROTO_ICMPV6 ? LAYOUT_ODD : LAYOUT_L4_NONE;
}

enum { LAYOUT_MAX_PADDING = 255 }; // behind the end of an IP packet; more makes the frame odd

// The tags of a frame: those bits of the layout; *type is what follows. LAYOUT_ODD: it ends in
// them, or there are more.
static inline uint32_t layout_classify_tags(const uint8_t *p, uint32_t n, be16_t *type)
{
	if (n < ETH_HDR_BYTES)
		return LAYOUT_ODD;
	*type = layout_load16(p + 12);
	if (!layout_is_tpid(*type))
		return 0;
	if (n < ETH_HDR_BYTES + 4)
		return LAYOUT_ODD;
	*type = layout_load16(p + 16);
	if (!layout_is_tpid(*type))
		return LAYOUT_VLAN0;
	if (n < ETH_HDR_BYTES + 8)
		return LAYOUT_ODD;
	*type = layout_load16(p + 20);
	return layout_is_tpid(*type) ? LAYOUT_ODD : LAYOUT_VLANS;
}

// Labels up to the last, or as many as a flow has.
static inline uint32_t layout_classify_mpls(const uint8_t *labels, uint32_t n)
{
	for (uint32_t i = 0; i < FLOW_MAX_MPLS && n >= (i + 1) * MPLS_HDR_BYTES; i++)
		if (labels[i * MPLS_HDR_BYTES + 2] & 1 || i == FLOW_MAX_MPLS - 1)
			return (LAYOUT_L3_MPLS1 + i) << LAYOUT_L3_SHIFT;
	return LAYOUT_ODD;
}

// The layout of a regular frame of `wire_len` bytes, of which `n` can be read at `p`; LAYOUT_ODD
// for any other.
static inline uint32_t layout_classify(const uint8_t *p, uint32_t n, uint32_t wire_len)
{
	be16_t type;
	uint32_t layout = layout_classify_tags(p, n, &type);
	if (layout == LAYOUT_ODD)
		return LAYOUT_ODD;
	uint32_t l3 = layout_l3_offset(layout);
	if (type == BE16(ETHERTYPE_IPV4)) {
		if (n < l3 + IPV4_HDR_BYTES || p[l3] != 0x45)
			return LAYOUT_ODD;
		uint32_t total = get_be16(p + l3 + 2), left = wire_len - l3, readable = n - l3;
		if (total < IPV4_HDR_BYTES || total > left || left - total > LAYOUT_MAX_PADDING)
			return LAYOUT_ODD;
		layout |= LAYOUT_L3_IPV4 << LAYOUT_L3_SHIFT;
		be16_t frag = layout_load16(p + l3 + 6);
		if (__builtin_expect(frag & BE16(IPV4_FRAG_MF | IPV4_FRAG_OFFSET), 0)) {
			layout |= FLOW_FRAG_ANY << LAYOUT_FRAG_SHIFT;
			if (frag & BE16(IPV4_FRAG_OFFSET))
				return layout | FLOW_FRAG_LATER << LAYOUT_FRAG_SHIFT;
		}
		uint32_t have = (total < readable ? total : readable) - IPV4_HDR_BYTES;
		uint32_t l4 = layout_classify_l4(p + l3 + IPV4_HDR_BYTES, p[l3 + 9], false, have);
		return l4 == LAYOUT_ODD ? LAYOUT_ODD : layout | l4;
	}
	if (type == BE16(ETHERTYPE_IPV6)) {
		if (n < l3 + IPV6_HDR_BYTES || p[l3] >> 4 != 6)
			return LAYOUT_ODD;
		uint32_t total = get_be16(p + l3 + 4) + IPV6_HDR_BYTES, left = wire_len - l3,
			 readable = n - l3;
		if (total > left || left - total > LAYOUT_MAX_PADDING)
			return LAYOUT_ODD;
		uint32_t have = (total < readable ? total : readable) - IPV6_HDR_BYTES;
		uint32_t l4 = layout_classify_l4(p + l3 + IPV6_HDR_BYTES, p[l3 + 6], true, have);
		return l4 == LAYOUT_ODD ? LAYOUT_ODD
					: layout | LAYOUT_L3_IPV6 << LAYOUT_L3_SHIFT | l4;
	}
	if (type == BE16(ETHERTYPE_ARP)) {
		static const uint8_t start[7] = {
			0, 1, 8, 0, 6, 4, 0}; // IPv4 over Ethernet, high byte of the operation
		if (n < l3 + sizeof(struct arp_eth_hdr) || memcmp(p + l3, start, sizeof(start)))
			return LAYOUT_ODD;
		return layout | LAYOUT_L3_ARP << LAYOUT_L3_SHIFT;
	}
	if (type == BE16(ETHERTYPE_MPLS) || type == BE16(ETHERTYPE_MPLS_MCAST)) {
		uint32_t labels = layout_classify_mpls(p + l3, n - l3);
		return labels == LAYOUT_ODD ? LAYOUT_ODD : layout | labels;
	}
	if (be16toh(type) < ETHERTYPE_MIN || type == BE16(ETHERTYPE_RARP) ||
	    type == BE16(ETHERTYPE_NSH))
		return LAYOUT_ODD;
	return layout;
}
