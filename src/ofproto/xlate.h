/* SPDX-License-Identifier: Apache-2.0 */
// Translation: one packet's flow through the OpenFlow tables gives datapath actions, and the mask
// of what was looked at.
//
// Threads: xlate_translate() may run in any registered thread, many at once. It reads rules under
// RCU and everything else from an immutable snapshot of the configuration (bridges, ports, VLANs,
// mirrors) that the main thread builds and publishes as a whole; only the MAC table is written from
// translation, under its own lock.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "flow/dpact.h"
#include "flow/flow.h"
#include "l2proto/mac_table.h"
#include "openflow/action.h"
#include "openflow/session.h"
#include "ofproto/rule.h"

struct group;
struct learned;
struct match;
struct mcast_snooping;
struct patch_counters;
struct backer; // one datapath and the bridges on it (ofproto/backer.h)
struct ofproto;
struct str;

// --- The snapshot, built by the main thread.

enum xlate_vlan_mode {
	VLAN_ACCESS,
	VLAN_TRUNK,
	VLAN_NATIVE_TAGGED,
	VLAN_NATIVE_UNTAGGED,
	VLAN_DOT1Q_TUNNEL
};

struct xlate_port_config { // one OpenFlow port
	uint32_t ofp_port;
	uint32_t dp_port; // DP_PORT_NONE for patch ports
	const char *name;
	uint32_t config; // enum ofp_port_config of 1.0: OFPPC_PORT_DOWN 1, NO_STP 2, NO_RECV 4,
			 // NO_RECV_STP 8, NO_FLOOD 16, NO_FWD 32, NO_PACKET_IN 64
	bool up;
	struct ofproto
		*peer; // patch: the bridge and port at the other end; NULL when there is none
	uint32_t peer_port;
	int bundle; // index into the bundles; -1: none
};
struct xlate_bundle_config { // one row of table Port: what NORMAL sees
	const char *name;
	enum xlate_vlan_mode vlan_mode;
	int tag;		// -1: none
	const uint64_t *trunks; // 4096 bits; NULL: all
	const uint64_t *cvlans; // 4096 bits; NULL: all
	uint16_t qinq_ethertype;
	int priority_tags; // 0 never, 1 if-nonzero, 2 always
	bool protected_, floodable;
	bool mcast_flood, mcast_flood_reports; // with snooping: gets all multicast, all reports
	const uint32_t *ports;		       // its OpenFlow ports (one, more for a bond)
	unsigned int n_ports;
};
enum { XLATE_MAX_MIRRORS = 64 };
struct xlate_mirror_config { // one row of table Mirror
	const char *name;
	const uint64_t *src_bundles, *dst_bundles; // bits, by index into the bundles
	const uint64_t *vlans;			   // 4096 bits; NULL: all
	int out_bundle;				   // index; -1: see out_vlan
	int out_vlan;
	uint16_t snaplen;	    // 0: whole packets
	const struct match *filter; // NULL: all packets
	struct patch_counters
		*counters; // what was sent: tx_*. The snapshot takes references of its own.
};
struct xlate_bridge_config {
	struct ofproto *ofproto;
	const char *name;
	uint8_t mac[6];
	struct mac_table *macs;
	bool has_controllers_standalone; // no controller yet connected and fail_mode standalone:
					 // handled by rules, not here
	struct mcast_snooping *mcast;	 // NULL: multicast is not snooped
	bool mcast_flood_unregistered;	 // what no group is known for
	bool forward_bpdu;
	const uint64_t *flood_vlans; // 4096 bits; NULL: none
	unsigned int vlan_limit;
	enum table_miss
		default_miss; // what happens without any match, from the OpenFlow version rules
	const struct xlate_port_config *ports;
	unsigned int n_ports;
	const struct xlate_bundle_config *bundles;
	unsigned int n_bundles;
	const struct xlate_mirror_config *mirrors; // at most XLATE_MAX_MIRRORS
	unsigned int n_mirrors;
	unsigned int max_resubmits, max_depth; // 4096 and 64
	enum ofp_frag_mode frag;	       // not "reassemble"
};
// Copies everything. Replaces the bridge's part of the snapshot and publishes the result; counts
// the generation up.
void xlate_set_bridge(struct backer *, const struct xlate_bridge_config *);
void xlate_remove_bridge(struct backer *, struct ofproto *);
// Rules or MACs changed: megaflows made before must be looked at again.
void xlate_bump(struct backer *); // any thread
// The same, and counts why (coverage/show: rev_*).
enum xlate_change {
	XLATE_CHANGE_FLOW_TABLE,
	XLATE_CHANGE_CONFIGURATION,
	XLATE_CHANGE_PORT,
	XLATE_CHANGE_MAC,
	XLATE_CHANGE_MCAST
};
void xlate_changed(struct backer *, enum xlate_change); // any thread
uint64_t xlate_generation(const struct backer *);

// --- Translation.

enum xlate_error {
	XLATE_OK,
	XLATE_TOO_DEEP, // recursion too deep
	XLATE_TOO_MANY_RESUBMITS,
	XLATE_STACK_TOO_DEEP,
	XLATE_NO_RECIRC_CONTEXT,
	XLATE_TOO_MANY_MPLS_LABELS,
	XLATE_INVALID_PORT,	       // the datapath port belongs to no bridge
	XLATE_UNSUPPORTED_PACKET_TYPE, // of encap and decap
	XLATE_BRIDGE_NOT_FOUND,	       // the bridge of a frozen state is gone
	XLATE_TOO_MANY_RECIRCS,	       // no room for another recirculation context
	XLATE_INVALID_OPTIONS, // of a tunnel: one is not as long as the bridge has it, or critical
			       // and unknown
	XLATE_NO_RECIRC_SUPPORT, // the datapath cannot, or dpif/set-dp-features says so
};
const char *xlate_strerror(enum xlate_error);

struct frozen;
struct recirc;
struct xlate_in {
	struct backer *backer;
	const struct flow
		*flow; // in_port: an OpenFlow port when `ofproto` is set, else a datapath port
	struct ofproto *ofproto; // NULL: found by in_port
	const void
		*frame;	  // the whole packet, for protocols that are listened to; NULL: not at hand
	size_t frame_len; // for credit
	const struct frozen *frozen; // go on from here; NULL: from the context that flow->recirc_id
				     // says, if it says one
	const void *actions; // start with these instead of table 0 (packet-out); NULL: the tables,
			     // which is not an empty list
	size_t actions_len;
	int64_t now;		   // clock_ms(); 0: to be asked for
	bool may_learn;		   // update MAC tables
	bool credit;		   // count this packet in what it meets
	bool packet_out;	   // reason of packet-ins
	struct xlate_trace *trace; // NULL: none. See ofproto/trace.h
};

// What else than rules counts the packets of a megaflow.
enum xlate_credit_kind {
	XLATE_CREDIT_PATCH_TX,
	XLATE_CREDIT_PATCH_RX,
	XLATE_CREDIT_MAC,
	XLATE_CREDIT_MISS,
	XLATE_CREDIT_GROUP,
	XLATE_CREDIT_LEARNED,
	XLATE_CREDIT_RECIRC
};
struct xlate_credit {
	uint8_t kind; // enum xlate_credit_kind
	uint8_t mac[6];
	uint16_t vlan;
	uint32_t port;	     // XLATE_CREDIT_MISS: the table; _GROUP: the bucket's index
	uint64_t ofproto_id; // XLATE_CREDIT_MAC, _MISS: the bridge, which may be gone
	union {		     // a reference
		struct patch_counters *patch;
		struct group *group;
		struct learned *learned;
		struct recirc *recirc; // XLATE_CREDIT_RECIRC counts nothing: the context that
				       // packets come from, or go to
	};
};

void xlate_credit_done(struct xlate_credit *); // gives the references back

enum { XLATE_INLINE_RULES = 32, XLATE_INLINE_CREDITS = 16 };
struct xlate_out {
	struct buf *actions; // appended to
	struct flow *mask;   // or-ed into
	enum xlate_error error;
	enum dp_drop_reason drop_reason; // when the actions are empty
	bool each_packet;		 // translation must see each such packet: no megaflow
	struct ofproto *ofproto;	 // the bridge that the packet entered; NULL: none
	// The rules met, in order, and the other counters, with references that xlate_out_done()
	// gives back.
	struct rule **rules;
	struct xlate_credit *credits;
	unsigned int n_rules, cap_rules, n_credits, cap_credits;
	struct rule *inline_rules[XLATE_INLINE_RULES];
	struct xlate_credit inline_credits[XLATE_INLINE_CREDITS];
};
void xlate_out_init(struct xlate_out *, struct buf *actions, struct flow *mask);
void xlate_out_done(struct xlate_out *);
// Has the action a translation? Rules, groups and packet-outs with others are refused.
bool xlate_knows_action(enum ofpact_type);
// Never fails: what goes wrong is in out->error, and the actions are then empty. Any registered
// thread, inside RCU.
void xlate_translate(const struct xlate_in *, struct xlate_out *);
// Counts packets in what a translation met (struct xlate_out or a megaflow's copy of it). Any
// thread.
void xlate_credit(struct backer *, struct rule *const *rules, unsigned int n_rules,
		  const struct xlate_credit *, unsigned int n_credits, uint64_t packets,
		  uint64_t bytes, int64_t used, uint16_t tcp_flags);

// What a userspace action carries (struct dpact_userspace.userdata) for a packet to the controller.
struct xlate_userdata {
	uint8_t kind;	// enum xlate_userdata_kind
	uint8_t reason; // enum ofp_packet_in_reason
	uint8_t table_id;
	uint8_t dont_send; // of a trace without side effects
	uint16_t max_len, controller_id;
	uint32_t ofp_in_port;
	uint64_t ofproto_id; // looked up in the snapshot: never a pointer
	uint64_t cookie;     // of the rule, network byte order
	uint64_t metadata;   // network byte order
	uint32_t regs[FLOW_N_REGS];
	// What actions made of these fields of the tunnel; else they are those of the packet.
	be64_t tun_id;
	be32_t tun_src, tun_dst;
	uint16_t userdata_len;
	bool tun_id_set, tun_ends_set;
	uint32_t recirc_id; // the packet waits for the controller's answer: where it goes on then;
			    // 0: it does not
			    // userdata of controller(...) follows
};
enum xlate_userdata_kind { XLATE_USERDATA_CONTROLLER, XLATE_USERDATA_SLOW_PATH };
