/* SPDX-License-Identifier: Apache-2.0 */
// Protocol headers as they lie in a frame, and their numbers. Structs are packed: they may be laid
// over any address, but only after the length was checked. Multi-byte members are big-endian.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/byteorder.h"

#define PACKED __attribute__((packed))

// Ethernet, IEEE 802.3
enum { ETH_ADDR_BYTES = 6, ETH_HDR_BYTES = 14, ETH_MIN_FRAME = 60, ETH_VLAN_HDR_BYTES = 4 };
enum {
	ETHERTYPE_MIN = 0x0600, // below: an 802.3 length
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_TEB = 0x6558, // Ethernet over something, also ERSPAN type I
	ETHERTYPE_RARP = 0x8035,
	ETHERTYPE_VLAN_8021Q = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MCAST = 0x8848,
	ETHERTYPE_LACP = 0x8809,
	ETHERTYPE_VLAN_8021AD = 0x88a8,
	ETHERTYPE_LLDP = 0x88cc,
	ETHERTYPE_NSH = 0x894f,
	ETHERTYPE_CFM = 0x8902,
};
struct eth_hdr {
	uint8_t dst[6], src[6];
	be16_t type;
} PACKED;

struct vlan_hdr { // what follows the TPID
	be16_t tci;
	be16_t next_type;
} PACKED;
enum { VLAN_VID_MASK = 0x0fff, VLAN_CFI = 0x1000, VLAN_PCP_SHIFT = 13, VLAN_PCP_MASK = 0xe000 };

struct llc_snap_hdr { // 802.2 LLC with SNAP, after an 802.3 length
	uint8_t dsap, ssap, control;
	uint8_t oui[3];
	be16_t type;
} PACKED;
enum { LLC_SNAP_SAP = 0xaa, LLC_CONTROL_UI = 0x03, LLC_STP_SAP = 0x42 };

// MPLS, RFC 3032
enum {
	MPLS_LABEL_SHIFT = 12,
	MPLS_TC_SHIFT = 9,
	MPLS_BOS_SHIFT = 8,
	MPLS_HDR_BYTES = 4,
};
#define MPLS_LABEL_MASK 0xfffff000u
#define MPLS_TC_MASK	0x00000e00u
#define MPLS_BOS_MASK	0x00000100u
#define MPLS_TTL_MASK	0x000000ffu

// ARP for IPv4 over Ethernet, RFC 826; RARP, RFC 903
enum { ARP_HRD_ETHERNET = 1, ARP_OP_REQUEST = 1, ARP_OP_REPLY = 2, RARP_OP_REQUEST = 3 };
struct arp_eth_hdr {
	be16_t hrd, pro;
	uint8_t hln, pln;
	be16_t op;
	uint8_t sha[6];
	be32_t spa;
	uint8_t tha[6];
	be32_t tpa;
} PACKED;

// IP protocol numbers
enum {
	IP_PROTO_HOPOPTS = 0,
	IP_PROTO_ICMP = 1,
	IP_PROTO_IGMP = 2,
	IP_PROTO_IPIP = 4,
	IP_PROTO_TCP = 6,
	IP_PROTO_UDP = 17,
	IP_PROTO_IPV6 = 41,
	IP_PROTO_ROUTING = 43,
	IP_PROTO_FRAGMENT = 44,
	IP_PROTO_GRE = 47,
	IP_PROTO_ESP = 50,
	IP_PROTO_AH = 51,
	IP_PROTO_ICMPV6 = 58,
	IP_PROTO_NONE = 59,
	IP_PROTO_DSTOPTS = 60,
	IP_PROTO_SCTP = 132,
};

// IPv4, RFC 791
struct ipv4_hdr {
	uint8_t ver_ihl, tos;
	be16_t total_len, id, frag;
	uint8_t ttl, proto;
	be16_t checksum;
	be32_t src, dst;
} PACKED;
enum {
	IPV4_HDR_BYTES = 20,
	IPV4_FRAG_DF = 0x4000,
	IPV4_FRAG_MF = 0x2000,
	IPV4_FRAG_OFFSET = 0x1fff,
	IP_ECN_MASK = 0x03,
	IP_DSCP_MASK = 0xfc,
};

// IPv6, RFC 8200
struct ipv6_hdr {
	be32_t ver_tc_label;
	be16_t payload_len;
	uint8_t next, hop_limit;
	uint8_t src[16], dst[16];
} PACKED;
struct ipv6_ext_hdr { // hop-by-hop, routing, destination options: 8 * (len + 1) bytes. AH: 4 * (len
		      // + 2).
	uint8_t next, len;
} PACKED;
struct ipv6_frag_hdr {
	uint8_t next, reserved;
	be16_t offset; // in units of 8 bytes from bit 3; bit 0: more follow
	be32_t id;
} PACKED;
enum { IPV6_HDR_BYTES = 40, IPV6_FRAG_OFFSET = 0xfff8, IPV6_FRAG_MORE = 1 };

static inline bool ipv6_is_extension(uint8_t next)
{
	return next == IP_PROTO_HOPOPTS || next == IP_PROTO_ROUTING || next == IP_PROTO_DSTOPTS ||
	       next == IP_PROTO_AH || next == IP_PROTO_FRAGMENT;
}

// `len` is the header's second byte.
static inline uint32_t ipv6_extension_bytes(uint8_t next, uint8_t len)
{
	if (next == IP_PROTO_FRAGMENT)
		return sizeof(struct ipv6_frag_hdr);
	return next == IP_PROTO_AH ? 4u * (len + 2u) : 8u * (len + 1u);
}

// TCP, RFC 9293
struct tcp_hdr {
	be16_t src, dst;
	be32_t seq, ack;
	be16_t offset_flags; // header length in words from bit 12, then 12 bits of flags
	be16_t window, checksum, urgent;
} PACKED;
enum {
	TCP_HDR_BYTES = 20,
	TCP_FIN = 0x001,
	TCP_SYN = 0x002,
	TCP_RST = 0x004,
	TCP_PSH = 0x008,
	TCP_ACK = 0x010,
	TCP_URG = 0x020,
	TCP_ECE = 0x040,
	TCP_CWR = 0x080,
	TCP_NS = 0x100,
	TCP_FLAGS_MASK = 0xfff,
};

struct udp_hdr {
	be16_t src, dst, len, checksum;
} PACKED;
enum { UDP_HDR_BYTES = 8 };

// SCTP, RFC 9260
struct sctp_hdr {
	be16_t src, dst;
	be32_t tag;
	uint32_t checksum; // CRC32c, least significant byte first
} PACKED;
enum { SCTP_HDR_BYTES = 12 };

// ICMP, RFC 792; ICMPv6, RFC 4443
struct icmp_hdr {
	uint8_t type, code;
	be16_t checksum;
	be32_t rest; // echo: identifier and sequence number
} PACKED;
enum { ICMP_HDR_BYTES = 8, ICMPV6_HDR_BYTES = 8, ICMP_ECHO_REPLY = 0, ICMP_ECHO_REQUEST = 8 };

// IGMP, RFC 2236 and 3376; MLD, RFC 2710 and 3810
struct igmp_hdr {
	uint8_t type, code;
	be16_t checksum;
	be32_t group;
} PACKED;
enum { IGMP_HDR_BYTES = 8, MLD_QUERY = 130, MLD_REPORT = 131, MLD_DONE = 132, MLD2_REPORT = 143 };

// Neighbour discovery, RFC 4861
enum {
	ND_ROUTER_SOLICIT = 133,
	ND_ROUTER_ADVERT = 134,
	ND_NEIGHBOR_SOLICIT = 135,
	ND_NEIGHBOR_ADVERT = 136
};
enum { ND_OPT_SOURCE_LLA = 1, ND_OPT_TARGET_LLA = 2 };
struct nd_msg { // solicitation and advertisement; options follow
	uint8_t type, code;
	be16_t checksum;
	be32_t flags;
	uint8_t target[16];
} PACKED;
struct nd_lla_opt {
	uint8_t type, len; // len in units of 8 bytes, this header included
	uint8_t mac[6];
} PACKED;
enum { ND_MSG_BYTES = 24 };

// NSH, RFC 8300; context or TLVs follow
struct nsh_hdr {
	be16_t ver_flags_ttl_len;
	uint8_t md_type, next;
	be32_t path; // service path identifier, and in the low byte the service index
} PACKED;
enum {
	NSH_VERSION_MASK = 0xc000,
	NSH_FLAGS_MASK = 0x3000,
	NSH_TTL_MASK = 0x0fc0,
	NSH_LEN_MASK = 0x003f
};

// Tunnels
struct gre_hdr {
	be16_t flags, protocol;
} PACKED;
struct vxlan_hdr {
	be32_t flags; // 0x08000000: VNI valid
	be32_t vni;   // from bit 8
} PACKED;
enum { VXLAN_PORT = 4789, GENEVE_PORT = 6081, ERSPAN_PROTOCOL = 0x88be };

_Static_assert(sizeof(struct eth_hdr) == 14 && sizeof(struct arp_eth_hdr) == 28 &&
		       sizeof(struct ipv4_hdr) == 20 && sizeof(struct ipv6_hdr) == 40 &&
		       sizeof(struct tcp_hdr) == 20 && sizeof(struct nd_msg) == 24 &&
		       sizeof(struct llc_snap_hdr) == 8 && sizeof(struct sctp_hdr) == 12,
	       "headers have the size that the wire gives them");
