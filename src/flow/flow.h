/* SPDX-License-Identifier: Apache-2.0 */
// The flow: what OpenFlow matches on, one member per header field, in an order that serves staged
// lookup (metadata, L2, L3, L4). A mask is a struct flow whose set bits are the bits that count.
// Fields are in network byte order where their type says so.
//
// Two keys exist in this program. This one is for the OpenFlow tables and for the datapath
// *interface*; it is extracted once, in the upcall. The userspace datapath's own key is the
// packet's bytes (dp/user/key.h), which convert to and from this one.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/byteorder.h"

enum { FLOW_N_REGS = 16, FLOW_MAX_VLANS = 2, FLOW_MAX_MPLS = 3 };
enum {
	FLOW_N_OPTIONS = 64,
	FLOW_OPTION_MAX = 124,
	FLOW_OPTIONS_BYTES = 256
}; // of tunnels; of one; of all of a packet

union flow_in6 {
	uint8_t b[16];
	be32_t w[4];
	be64_t d[2];
};

struct flow_vlan {
	be16_t tpid; // 0x8100 or 0x88a8; 0: no tag
	be16_t tci;  // with the CFI bit (0x1000) set when the tag is present
};

// The outer header of a packet that came through a tunnel; all zero otherwise.
struct flow_tunnel {
	be64_t id;
	union flow_in6 ipv6_dst, ipv6_src;
	be32_t ip_dst, ip_src;
	uint16_t flags; // FLOW_TNL_*
	uint8_t tos, ttl;
	be16_t tp_src, tp_dst;
	be16_t gbp_id;
	uint8_t gbp_flags;
	uint8_t erspan_version;
	be32_t erspan_index;
	uint8_t erspan_dir, erspan_hwid, gtpu_flags, gtpu_msgtype;
	// Which of tun_metadata0..63 there are, as bits; in a mask: which are looked at. Without
	// any, flow.options holds nothing. In keys of a datapath: how many 32-bit words of options,
	// as they are in a Geneve header, there are.
	uint64_t options;
};
enum { FLOW_TNL_DF = 1, FLOW_TNL_CSUM = 2, FLOW_TNL_KEY = 4, FLOW_TNL_OAM = 8 };

enum { FLOW_FRAG_ANY = 1, FLOW_FRAG_LATER = 2 }; // nw_frag

struct flow {
	// Stage 0: metadata
	struct flow_tunnel tunnel;
	be64_t metadata;
	uint32_t regs[FLOW_N_REGS];
	uint32_t skb_priority, pkt_mark, dp_hash;
	uint32_t in_port; // OpenFlow port (16-bit numbering) in ofproto, datapath port in dp/
	uint32_t recirc_id;
	uint32_t ct_state; // FLOW_CT_*
	uint32_t ct_mark;
	uint16_t ct_zone;
	uint8_t ct_nw_proto, ct_pad;
	union flow_in6 ct_label;
	be32_t packet_type; // namespace << 16 | type; 0: Ethernet
	uint32_t conj_id;
	uint32_t actset_output;
	uint32_t pad0;

	// Stage 1: L2
	uint8_t dl_dst[6], dl_src[6];
	be16_t dl_type; // below 0x600: 0x05ff (FLOW_DL_TYPE_NONE), as OpenFlow has it
	uint16_t bare;	// of packets in lookups: no Ethernet header, as packet_type says; see
			// match_imply_ethernet()
	struct flow_vlan vlan[FLOW_MAX_VLANS]; // outermost first
	be32_t mpls[FLOW_MAX_MPLS];	       // label stack entries, outermost first
	uint8_t pad2[4];

	// Stage 2: L3
	be32_t nw_src, nw_dst; // IPv4; ARP: SPA, TPA
	be32_t ct_nw_src, ct_nw_dst;
	union flow_in6 ipv6_src, ipv6_dst, ct_ipv6_src, ct_ipv6_dst;
	be32_t ipv6_label; // 20 bits
	uint8_t nw_frag;   // FLOW_FRAG_*
	uint8_t nw_tos;	   // DSCP and ECN
	uint8_t nw_ttl;
	uint8_t nw_proto; // ARP: opcode (low byte)
	union flow_in6 nd_target;
	uint8_t arp_sha[6], arp_tha[6]; // ND: SLL, TLL
	be16_t tcp_flags;		// 12 bits
	be16_t pad3;
	struct {
		be32_t path_hdr; // SPI and SI
		be32_t context[4];
		uint8_t flags, ttl, mdtype, np;
	} nsh;

	// Stage 3: L4
	be16_t tp_src, tp_dst; // ICMP: type, code
	be16_t ct_tp_src, ct_tp_dst;
	be32_t igmp_group;
	be32_t nd_reserved;	 // of neighbour discovery; the R, S and O flags of an advertisement
	uint8_t nd_options_type; // the first option's: 1 source, 2 target link-layer address
	uint8_t pad4[7];

	// Behind all that is always there: the bodies of the options that tunnel.options counts,
	// zero elsewhere. Where tunnel.options is 0 this is not even initialized: who sets the
	// first option calls flow_make_options(). Nothing copies, clears, hashes or compares it for
	// a packet without options. Which option lies where is the affair of flow/options.h.
	uint8_t options[FLOW_OPTIONS_BYTES];
} __attribute__((aligned(8)));

enum {
	FLOW_WORDS = offsetof(struct flow, options) / 8, // without options
	FLOW_ALL_WORDS = sizeof(struct flow) / 8,
	// Where each stage ends, in 64-bit words.
	FLOW_STAGE_METADATA_END = offsetof(struct flow, dl_dst) / 8,
	FLOW_STAGE_L2_END = offsetof(struct flow, nw_src) / 8,
	FLOW_STAGE_L3_END = offsetof(struct flow, tp_src) / 8,
	FLOW_N_STAGES = 4,
};
_Static_assert(sizeof(struct flow) % 8 == 0, "a flow is 64-bit words");
_Static_assert(offsetof(struct flow, options) % 8 == 0, "options begin at a word");
_Static_assert(offsetof(struct flow, dl_dst) % 8 == 0 && offsetof(struct flow, nw_src) % 8 == 0 &&
		       offsetof(struct flow, tp_src) % 8 == 0,
	       "stages begin at words");

enum { FLOW_DL_TYPE_NONE = 0x05ff, FLOW_VLAN_CFI = 0x1000 };
enum {
	FLOW_CT_NEW = 1 << 0,
	FLOW_CT_ESTABLISHED = 1 << 1,
	FLOW_CT_RELATED = 1 << 2,
	FLOW_CT_REPLY_DIR = 1 << 3,
	FLOW_CT_INVALID = 1 << 4,
	FLOW_CT_TRACKED = 1 << 5,
	FLOW_CT_SRC_NAT = 1 << 6,
	FLOW_CT_DST_NAT = 1 << 7,
};

// OpenFlow ports in the 16-bit numbering that we use inside.
enum {
	OFPP_MAX = 0xff00,
	OFPP_UNSET = 0xfff7, // action set without output
	OFPP_IN_PORT = 0xfff8,
	OFPP_TABLE = 0xfff9,
	OFPP_NORMAL = 0xfffa,
	OFPP_FLOOD = 0xfffb,
	OFPP_ALL = 0xfffc,
	OFPP_CONTROLLER = 0xfffd,
	OFPP_LOCAL = 0xfffe,
	OFPP_NONE = 0xffff, // OFPP_ANY in 1.1 and later
};

static inline uint64_t *flow_words(struct flow *f)
{
	return (uint64_t *)(void *)f;
}

static inline const uint64_t *flow_words_const(const struct flow *f)
{
	return (const uint64_t *)(const void *)f;
}

// The words of a flow, or mask, that mean something.
static inline unsigned int flow_n_words(const struct flow *f)
{
	return f->tunnel.options ? FLOW_ALL_WORDS : FLOW_WORDS;
}

static inline void flow_copy(struct flow *to, const struct flow *from)
{
	memcpy(to, from, offsetof(struct flow, options));
	if (from->tunnel.options)
		memcpy(to->options, from->options, sizeof(to->options));
}

static inline void flow_clear(struct flow *f)
{
	memset(f, 0, offsetof(struct flow, options));
}

// Before the first option is set.
static inline void flow_make_options(struct flow *f)
{
	if (!f->tunnel.options)
		memset(f->options, 0, sizeof(f->options));
}

static inline bool flow_equal(const struct flow *a, const struct flow *b)
{
	return !memcmp(a, b, offsetof(struct flow, options)) &&
	       (!a->tunnel.options || !memcmp(a->options, b->options, sizeof(a->options)));
}

// (a ^ b) & mask == 0
bool flow_equal_masked(const struct flow *a, const struct flow *b, const struct flow *mask);
// out = f & mask; may alias.
void flow_mask(struct flow *out, const struct flow *f, const struct flow *mask);

// Sets the outer tag: a TCI without FLOW_VLAN_CFI means no tag. A new tag gets TPID 0x8100.
void flow_set_vlan_tci(struct flow *, uint16_t tci);

// Is it sure that conntrack knows the packet's connection? With a mask (of a match): for every
// packet that matches.
bool flow_has_connection(const struct flow *, const struct flow *mask);
// As if conntrack had never seen the packet.
void flow_forget_connection(struct flow *);
// The mask of all that a packet with these headers has: fields of protocols that it does not have
// stay out.
void flow_mask_for_packet(const struct flow *, struct flow *mask);
// Without an Ethernet header, as the packet type says; its Ethernet type, which is then part of the
// packet type.
static inline bool flow_is_bare(const struct flow *f)
{
	return f->packet_type != 0;
}
static inline be32_t flow_bare_type(be16_t ethertype) // a length, of 802.3, is FLOW_DL_TYPE_NONE
{
	uint16_t type = be16toh(ethertype);
	return htobe32(1u << 16 | (type < 0x600 ? 0x05ffu : type));
}
static inline be16_t flow_ethertype_of(be32_t packet_type)
{
	return htobe16((uint16_t)be32toh(packet_type));
}
// It came through a tunnel.
static inline bool flow_has_tunnel(const struct flow *f)
{
	return f->tunnel.ip_dst || f->tunnel.ipv6_dst.d[0] || f->tunnel.ipv6_dst.d[1];
}
// A neighbour solicitation or advertisement.
bool flow_is_nd(const struct flow *);

// Extracts the headers of an Ethernet frame. `n` is how many bytes can be read at `frame`,
// `wire_len` how long the frame says it is (they differ when the tail lies in another segment).
// Fields that are cut off, or behind a header that lies about its length, stay zero, as if the
// packet ended there. Metadata members of *out are left as they are; the rest is overwritten. One
// of them is read: with a packet_type other than Ethernet (0), the packet begins with the header of
// that type, and dl_type is it.
void flow_extract(const void *frame, size_t n, size_t wire_len, struct flow *out);
// The same, but tags past `max_vlans` (0 to FLOW_MAX_VLANS) are payload: dl_type is then their
// TPID. This is what other_config:vlan-limit means; a switch's default is 1.
void flow_extract_vlans(const void *frame, size_t n, size_t wire_len, unsigned int max_vlans,
			struct flow *out);
