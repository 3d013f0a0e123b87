/* SPDX-License-Identifier: Apache-2.0 */
// Datapath actions: what translation tells a datapath to do with a packet. A list is a run of
// struct dpact, each padded to 8 bytes, in a struct buf. The same list serves both datapaths
// (dp/kernel turns it into netlink attributes) and has one text form, stock's:
// "push_vlan(vid=5,pcp=0),set(ipv4(ttl=63)),2".
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/error.h"
#include "flow/flow.h"

struct str;

enum dpact_type {
	DPACT_OUTPUT,	     // struct dpact_output
	DPACT_USERSPACE,     // struct dpact_userspace
	DPACT_SET,	     // struct dpact_set
	DPACT_PUSH_VLAN,     // struct dpact_push_vlan
	DPACT_POP_VLAN,	     // struct dpact
	DPACT_PUSH_MPLS,     // struct dpact_push_mpls
	DPACT_POP_MPLS,	     // struct dpact_pop_mpls
	DPACT_RECIRC,	     // struct dpact_recirc
	DPACT_HASH,	     // struct dpact_hash
	DPACT_TRUNC,	     // struct dpact_trunc
	DPACT_METER,	     // struct dpact_meter
	DPACT_SAMPLE,	     // struct dpact_sample
	DPACT_CLONE,	     // struct dpact_nested
	DPACT_CHECK_PKT_LEN, // struct dpact_check_pkt_len
	DPACT_CT_CLEAR,	     // struct dpact
	DPACT_PUSH_ETH, // struct dpact_push_eth: in front of a packet without an Ethernet header
	DPACT_POP_ETH,	// struct dpact: of a packet without VLAN tags
	DPACT_PUSH_NSH, // struct dpact_push_nsh
	DPACT_POP_NSH, // struct dpact: of a packet that begins with NSH; then recirc, what comes to
		       // light is to be parsed
	DPACT_ADD_MPLS, // struct dpact_push_mpls: a label in front of the whole packet, which then
			// begins with it
	DPACT_DROP,	// struct dpact_drop: an explicit drop with its reason; last
	DPACT_N_TYPES,
};

struct dpact {
	uint16_t type; // enum dpact_type
	uint16_t len;  // of the whole action, header included, before padding
	uint32_t pad;
};

struct dpact_output {
	struct dpact h;
	uint32_t port; // datapath port
	uint32_t pad;
};

// Hands the packet to ofproto: `userdata` says why and what for; it is opaque to the datapath. See
// ofproto/upcall.h.
struct dpact_userspace {
	struct dpact h;
	uint16_t userdata_len;
	uint8_t pad[6];
	uint8_t userdata[];
};

// A header whose fields are set: those bits of `mask` that are 1. `key` bits outside of it are 0.
enum dpact_header {
	DPH_PRIORITY, // uint32_t
	DPH_MARK,     // uint32_t
	DPH_ETHERNET, // struct dpk_ethernet
	DPH_IPV4,     // struct dpk_ipv4
	DPH_IPV6,     // struct dpk_ipv6
	DPH_TCP,      // struct dpk_ports
	DPH_UDP,      // struct dpk_ports
	DPH_SCTP,     // struct dpk_ports
	DPH_ICMP,     // struct dpk_icmp
	DPH_ICMPV6,   // struct dpk_icmp
	DPH_ARP,      // struct dpk_arp
	DPH_ND,	      // struct dpk_nd
	DPH_ND_EXT,   // struct dpk_nd_ext
	DPH_MPLS,     // struct dpk_mpls
	DPH_NSH,      // struct dpk_nsh
	DPH_TUNNEL,   // struct flow_tunnel
	DPH_N_HEADERS,
};
struct dpk_ethernet {
	uint8_t src[6], dst[6];
};
struct dpk_ipv4 {
	be32_t src, dst;
	uint8_t tos, ttl, pad[2];
};
struct dpk_ipv6 {
	union flow_in6 src, dst;
	be32_t label;
	uint8_t tclass, hlimit, pad[2];
};
struct dpk_ports {
	be16_t src, dst;
};
struct dpk_icmp {
	uint8_t type, code;
};
struct dpk_arp {
	be32_t sip, tip;
	be16_t op;
	uint8_t sha[6], tha[6], pad[2];
};
struct dpk_nd {
	union flow_in6 target;
	uint8_t sll[6], tll[6];
};
struct dpk_nd_ext {
	be32_t reserved;
	uint8_t options_type, pad[3]; // of the first option
};
struct dpk_mpls {
	be32_t lse; // the outermost label stack entry
};
struct dpk_nsh {	 // as in struct flow
	be32_t path_hdr; // SPI and SI
	be32_t context[4];
	uint8_t flags, ttl, mdtype, np;
};
union dpk {
	uint32_t u32;
	struct dpk_ethernet ethernet;
	struct dpk_ipv4 ipv4;
	struct dpk_ipv6 ipv6;
	struct dpk_ports ports;
	struct dpk_icmp icmp;
	struct dpk_arp arp;
	struct dpk_nd nd;
	struct dpk_nd_ext nd_ext;
	struct dpk_mpls mpls;
	struct dpk_nsh nsh;
	struct flow_tunnel tunnel;
};
struct dpact_set {
	struct dpact h;
	uint32_t header; // enum dpact_header
	uint32_t pad;
	union dpk key, mask;
};

struct dpact_push_vlan {
	struct dpact h;
	be16_t tpid, tci; // tci with FLOW_VLAN_CFI
	uint32_t pad;
};
struct dpact_push_mpls {
	struct dpact h;
	be32_t lse;
	be16_t ethertype;
	uint16_t pad;
};
struct dpact_pop_mpls {
	struct dpact h;
	be16_t ethertype;
	uint8_t pad[6];
};
struct dpact_push_eth {
	struct dpact h;
	uint8_t src[6], dst[6];
};
enum { DP_NSH_MAX_MD = 248 }; // bytes
struct dpact_push_nsh {	      // the next protocol is what the packet was
	struct dpact h;
	be32_t path_hdr;
	uint8_t flags, ttl, mdtype, np;
	uint16_t md_len; // bytes of metadata, a multiple of 4: 16 of type 1; TLVs of type 2
	uint8_t md[];
};
struct dpact_recirc {
	struct dpact h;
	uint32_t id, pad;
};
struct dpact_hash { // sets the packet's dp_hash
	struct dpact h;
	uint32_t algorithm; // 0: L4 (5-tuple), 1: symmetric L4
	uint32_t basis;
};
struct dpact_trunc {
	struct dpact h;
	uint32_t max_len, pad; // of the next output only
};
struct dpact_meter {
	struct dpact h;
	uint32_t id, pad;
};
struct dpact_nested { // the packet's changes inside are undone after it
	struct dpact h;
	// actions follow, up to h.len
};
struct dpact_sample {
	struct dpact h;
	uint32_t probability; // of UINT32_MAX
	uint32_t pad;
	// actions follow
};
struct dpact_check_pkt_len {
	struct dpact h;
	uint16_t pkt_len;
	uint16_t greater_len; // bytes of the actions for larger packets, which come first; the rest
			      // is for the others
	uint32_t pad;
};
enum dp_drop_reason {
	DP_DROP_NO_ACTIONS,  // the tables said drop, or nothing matched
	DP_DROP_TRANSLATION, // too deep, too many resubmits, out of memory for it
	DP_DROP_NO_PORT,     // the output port does not exist
	DP_DROP_TX,	     // the output port did not take it
	DP_DROP_UPCALL,	     // the upcall failed
	DP_DROP_BUDGET,	     // the port had used up its share of upcalls
	DP_DROP_MTU,	     // too large for the output port
	DP_DROP_MALFORMED,   // shorter than an Ethernet header
	DP_DROP_RECIRC,	     // unknown recirculation, or too many
	DP_DROP_METER,
	DP_DROP_DECAP, // a header could not be taken off, or put on: what there is is none that it
		       // belongs to
	DP_DROP_NO_BUFFER, // the packet pool was empty
	DP_DROP_N_REASONS,
};
struct dpact_drop {
	struct dpact h;
	uint32_t reason, pad; // enum dp_drop_reason
};

static inline size_t dpact_size(const struct dpact *a) // with padding
{
	return (a->len + 7u) & ~7u;
}

#define DPACT_FOREACH(a, list, n)                                                                  \
	for (const struct dpact *a = (const void *)(list);                                         \
	     (const uint8_t *)a < (const uint8_t *)(list) + (n);                                   \
	     a = (const void *)((const uint8_t *)a + dpact_size(a)))

// Appends an action of `len` bytes, zeroed but for its header, padded. The pointer is valid until
// the buffer grows.
void *dpact_add(struct buf *, enum dpact_type, size_t len);
void dpact_add_output(struct buf *, uint32_t port);
void dpact_add_userspace(struct buf *, const void *userdata, size_t n);

// An action that holds others (clone, sample, check_pkt_len): begin, add the inner ones, end.
// `header` is the size of its struct. Begin returns what end wants. End fails, taking the whole
// action out again, when it is longer than an action can be.
size_t dpact_nest_begin(struct buf *, enum dpact_type, size_t header);
bool dpact_nest_end(struct buf *, size_t start);

// Short, in lower case, without spaces: "no_port".
const char *dp_drop_reason_name(enum dp_drop_reason);

// Text. Callbacks may be NULL.
typedef const char *dp_port_name_cb(void *arg, uint32_t port); // borrowed; NULL: print the number
typedef int dp_port_number_cb(void *arg, const char *name, uint32_t *port); // 0 or -ENOENT
typedef bool dp_userdata_format_cb(void *arg, const void *, size_t n,
				   struct str *); // false: print "userdata(HEX)"
struct dpact_text {
	dp_port_name_cb *port_name;
	dp_port_number_cb *port_number;
	dp_userdata_format_cb
		*userdata_format; // what stands after "pid=0,": "controller(reason=1,...)"
	void *arg;
};
// "drop" when there are none.
void dpact_format_text(struct str *, const void *actions, size_t n, const struct dpact_text *);
void dpact_format(struct str *, const void *actions, size_t n, dp_port_name_cb *, void *arg);
// Appends to the buffer; on an error the buffer is as before.
struct error *dpact_parse(struct buf *, const char *text, dp_port_number_cb *,
			  void *arg) MUST_CHECK;
// A datapath flow's key and mask in stock's form:
// "recirc_id(0),in_port(2),eth(src=..),eth_type(0x0800),ipv4(..)". mask NULL: exact. in_port is a
// datapath port here. `verbose` prints wildcarded fields too.
void dpkey_format(struct str *, const struct flow *key, const struct flow *mask, dp_port_name_cb *,
		  void *arg, bool verbose);
// The same back. Both are cleared first; the mask, which may be NULL, gets all bits of what was
// written without a mask, recirc_id, and the absence of further VLAN tags. "ufid:...," in front is
// stepped over.
struct error *dpkey_parse(const char *text, struct flow *key, struct flow *mask,
			  dp_port_number_cb *, void *arg) MUST_CHECK;
