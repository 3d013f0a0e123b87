/* SPDX-License-Identifier: Apache-2.0 */
// OpenFlow actions and instructions in memory, the same for all versions: a run of struct ofpact, each padded to 8 bytes.
// One row per action (openflow/action_*.c) knows its names, wire forms, text and checks; ofproto/xlate has the parallel table.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/error.h"
#include "flow/field.h"
#include "flow/flow.h"
#include "flow/match.h"

enum ofpact_type {
	OFPACT_OUTPUT,		// struct ofpact_output
	OFPACT_CONTROLLER,	// struct ofpact_controller
	OFPACT_ENQUEUE,		// struct ofpact_enqueue
	OFPACT_OUTPUT_REG,	// struct ofpact_output_reg
	OFPACT_SET_FIELD,	// struct ofpact_set_field
	OFPACT_STACK_PUSH,	// struct ofpact_stack
	OFPACT_STACK_POP,	// struct ofpact_stack
	OFPACT_REG_MOVE,	// struct ofpact_reg_move
	OFPACT_SET_VLAN_VID,	// struct ofpact_vlan_vid
	OFPACT_SET_VLAN_PCP,	// struct ofpact_vlan_pcp
	OFPACT_STRIP_VLAN,	// struct ofpact
	OFPACT_PUSH_VLAN,	// struct ofpact_push_vlan
	OFPACT_SET_ETH_SRC,	// struct ofpact_mac
	OFPACT_SET_ETH_DST,	// struct ofpact_mac
	OFPACT_SET_IPV4_SRC,	// struct ofpact_ipv4
	OFPACT_SET_IPV4_DST,	// struct ofpact_ipv4
	OFPACT_SET_IP_DSCP,	// struct ofpact_u8 (already shifted: DSCP in bits 2-7)
	OFPACT_SET_IP_ECN,	// struct ofpact_u8
	OFPACT_SET_IP_TTL,	// struct ofpact_u8
	OFPACT_SET_L4_SRC_PORT, // struct ofpact_l4_port
	OFPACT_SET_L4_DST_PORT, // struct ofpact_l4_port
	OFPACT_DEC_TTL,		// struct ofpact_dec_ttl
	OFPACT_SET_TUNNEL,	// struct ofpact_tunnel
	OFPACT_GROUP,		// struct ofpact_group
	OFPACT_SET_QUEUE,	// struct ofpact_queue
	OFPACT_POP_QUEUE,	// struct ofpact
	OFPACT_RESUBMIT,	// struct ofpact_resubmit
	OFPACT_NOTE,		// struct ofpact_note
	OFPACT_EXIT,		// struct ofpact
	OFPACT_CLONE,		// struct ofpact_nest
	// Instructions, in the order in which they take effect.
	OFPACT_CLEAR_ACTIONS,	// struct ofpact
	OFPACT_WRITE_ACTIONS,	// struct ofpact_nest
	OFPACT_WRITE_METADATA,	// struct ofpact_metadata
	OFPACT_GOTO_TABLE,	// struct ofpact_goto_table
	OFPACT_N_TYPES,
};

struct ofpact {
	uint8_t type; // enum ofpact_type
	uint8_t raw;  // which of several wire or text forms it came in, so that it goes out the same; 0: the usual one
	uint16_t len; // of the whole action, before padding
	uint32_t pad;
};

struct ofpact_output {
	struct ofpact h;
	uint32_t port;
	uint16_t max_len; // for OFPP_CONTROLLER
	uint16_t pad;
};
struct ofpact_controller { // OFPP_CONTROLLER with more to say
	struct ofpact h;
	uint16_t max_len, controller_id;
	uint8_t reason; // enum ofp_packet_in_reason
	bool pause;
	uint16_t userdata_len;
	uint32_t meter_id, provider_pad;
	uint8_t userdata[];
};
struct ofpact_enqueue {
	struct ofpact h;
	uint32_t port, queue;
};
struct ofpact_output_reg {
	struct ofpact h;
	struct subfield src;
	uint16_t max_len;
};
struct ofpact_set_field { // "set_field" and "load"
	struct ofpact h;
	const struct field *field;
	union field_value value, mask;
	bool flow_has_vlan;
};
struct ofpact_stack {
	struct ofpact h;
	struct subfield subfield;
};
struct ofpact_reg_move {
	struct ofpact h;
	struct subfield src, dst;
};
struct ofpact_vlan_vid {
	struct ofpact h;
	uint16_t vid;
	bool push_if_needed, flow_has_vlan;
};
struct ofpact_vlan_pcp {
	struct ofpact h;
	uint8_t pcp;
	bool push_if_needed, flow_has_vlan;
};
struct ofpact_push_vlan {
	struct ofpact h;
	be16_t ethertype;
};
struct ofpact_mac {
	struct ofpact h;
	uint8_t mac[6];
};
struct ofpact_ipv4 {
	struct ofpact h;
	be32_t ip;
};
struct ofpact_u8 {
	struct ofpact h;
	uint8_t value;
};
struct ofpact_l4_port {
	struct ofpact h;
	uint16_t port;	     // host order
	uint8_t flow_ip_proto; // the match's, 0 when unknown: which header
};
struct ofpact_dec_ttl {
	struct ofpact h;
	uint16_t n_controllers;
	uint16_t controllers[];
};
struct ofpact_tunnel {
	struct ofpact h;
	uint64_t tun_id;
};
struct ofpact_queue {
	struct ofpact h;
	uint32_t queue;
};
struct ofpact_group {
	struct ofpact h;
	uint32_t group_id;
};
struct ofpact_resubmit {
	struct ofpact h;
	uint32_t in_port; // OFPP_IN_PORT: unchanged
	uint8_t table;	  // 255: the current one
	bool with_ct_orig;
};
struct ofpact_note {
	struct ofpact h;
	uint16_t n;
	uint8_t data[];
};
struct ofpact_nest {
	struct ofpact h;
	uint32_t raw_len, pad; // of the actions that follow, with their padding
	// struct ofpact ... follow
};
struct ofpact_metadata {
	struct ofpact h;
	be64_t value, mask;
};
struct ofpact_goto_table {
	struct ofpact h;
	uint8_t table;
};

static inline size_t ofpact_size(const struct ofpact *a)
{
	return (a->len + 7u) & ~7u;
}

#define OFPACT_FOREACH(a, list, n)                                                                 \
	for (const struct ofpact *a = (const void *)(list);                                        \
	     (size_t)((const uint8_t *)a - (const uint8_t *)(list)) < (n);                         \
	     a = (const void *)((const uint8_t *)a + ofpact_size(a)))

static inline const struct ofpact *ofpact_nest_actions(const struct ofpact_nest *nest, size_t *n)
{
	*n = nest->raw_len;
	return (const struct ofpact *)(const void *)(nest + 1);
}

// Appends an action, zeroed but for its header, padded. The pointer is valid until the buffer grows.
void *ofpact_add(struct buf *, enum ofpact_type, size_t len);
const char *ofpact_name(enum ofpact_type);

struct ofpact_text { // what parsing and printing may need to know
	ofp_port_name_cb *port_name;
	ofp_port_number_cb *port_number;
	void *arg;
};
// "output:2,NORMAL"; no actions: "drop".
void ofpacts_format(const void *list, size_t n, const struct ofpact_text *, struct str *);
// Takes what follows "actions=" and appends to `list`. *protocols receives what can carry it (enum ofp_protocol bits).
struct error *ofpacts_parse(const char *text, const struct ofpact_text *, struct buf *list, uint32_t *protocols) MUST_CHECK;
// The same where instructions have no place (packet-out, buckets).
struct error *ofpacts_parse_actions(const char *text, const struct ofpact_text *, struct buf *list,
				    uint32_t *protocols) MUST_CHECK;

// Is the list right for a rule with this match (prerequisites, order, ports, tables)? 0, or an enum ofperr (openflow/error.h).
// Fills in what depends on the match (flow_has_vlan, flow_ip_proto).
int ofpacts_check(void *list, size_t n, const struct match *, uint32_t max_ports, uint8_t table_id, uint8_t n_tables,
		  uint8_t wire_version, char **why);
// As above, for any protocol of a set: those that cannot take the list are removed from *protocols. An error only for what none
// could take.
int ofpacts_check_protocols(void *list, size_t n, const struct match *, uint32_t max_ports, uint8_t table_id,
			    uint8_t n_tables, uint32_t *protocols, char **why);
// Instructions in their order, each once; `allow_instructions` false: none at all. 0 or an enum ofperr; *why (may be NULL) is
// owned by the caller.
int ofpacts_verify(const void *list, size_t n, bool allow_instructions, char **why);

// --- On the wire. Decoders append to `list`; 0 or an enum ofperr.

// A list of actions, all of the cursor.
int ofpacts_decode(struct cursor, uint8_t version, struct buf *list);
// The instructions of 1.1 and later; what is applied comes first in the list.
int ofpacts_decode_instructions(struct cursor, uint8_t version, struct buf *list);
// Instructions are left out, or put as 1.0 can (goto_table: resubmit; write_metadata).
void ofpacts_encode(struct buf *, uint8_t version, const void *list, size_t n);
void ofpacts_encode_instructions(struct buf *, uint8_t version, const void *list, size_t n);

// Appends the actions of an action set (what write_actions collected, in the order written) in the order in which
// OpenFlow executes a set. Nothing when the set outputs nowhere.
void ofpacts_order_set(const void *set, size_t n, struct buf *list);
// Calls back for each group that an action names, nested ones too. True: a callback said so, and it ended there.
bool ofpacts_each_group(const void *list, size_t n, bool (*cb)(void *arg, uint32_t group_id), void *arg);
// Does any action output to `port`?
bool ofpacts_output_to(const void *list, size_t n, uint32_t port);
