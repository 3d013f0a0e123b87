/* SPDX-License-Identifier: Apache-2.0 */
// OpenFlow actions and instructions in memory, the same for all versions: a run of struct ofpact,
// each padded to 8 bytes. One row per action (openflow/action_*.c) knows its names, wire forms,
// text and checks; ofproto/xlate has the parallel table.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/error.h"
#include "flow/field.h"
#include "flow/flow.h"
#include "flow/match.h"
#include "openflow/oxs.h"

enum ofpact_type {
	OFPACT_OUTPUT,		 // struct ofpact_output
	OFPACT_CONTROLLER,	 // struct ofpact_controller
	OFPACT_ENQUEUE,		 // struct ofpact_enqueue
	OFPACT_OUTPUT_REG,	 // struct ofpact_output_reg
	OFPACT_SET_FIELD,	 // struct ofpact_set_field
	OFPACT_STACK_PUSH,	 // struct ofpact_stack
	OFPACT_STACK_POP,	 // struct ofpact_stack
	OFPACT_REG_MOVE,	 // struct ofpact_reg_move
	OFPACT_SET_VLAN_VID,	 // struct ofpact_vlan_vid
	OFPACT_SET_VLAN_PCP,	 // struct ofpact_vlan_pcp
	OFPACT_STRIP_VLAN,	 // struct ofpact
	OFPACT_PUSH_VLAN,	 // struct ofpact_push_vlan
	OFPACT_SET_ETH_SRC,	 // struct ofpact_mac
	OFPACT_SET_ETH_DST,	 // struct ofpact_mac
	OFPACT_SET_IPV4_SRC,	 // struct ofpact_ipv4
	OFPACT_SET_IPV4_DST,	 // struct ofpact_ipv4
	OFPACT_SET_IP_DSCP,	 // struct ofpact_u8 (already shifted: DSCP in bits 2-7)
	OFPACT_SET_IP_ECN,	 // struct ofpact_u8
	OFPACT_SET_IP_TTL,	 // struct ofpact_u8
	OFPACT_SET_L4_SRC_PORT,	 // struct ofpact_l4_port
	OFPACT_SET_L4_DST_PORT,	 // struct ofpact_l4_port
	OFPACT_DEC_TTL,		 // struct ofpact_dec_ttl
	OFPACT_SET_TUNNEL,	 // struct ofpact_tunnel
	OFPACT_GROUP,		 // struct ofpact_group
	OFPACT_SET_QUEUE,	 // struct ofpact_queue
	OFPACT_POP_QUEUE,	 // struct ofpact
	OFPACT_RESUBMIT,	 // struct ofpact_resubmit
	OFPACT_NOTE,		 // struct ofpact_note
	OFPACT_EXIT,		 // struct ofpact
	OFPACT_CLONE,		 // struct ofpact_nest
	OFPACT_OUTPUT_TRUNC,	 // struct ofpact_output_trunc
	OFPACT_BUNDLE,		 // struct ofpact_bundle
	OFPACT_MULTIPATH,	 // struct ofpact_multipath
	OFPACT_SET_MPLS_LABEL,	 // struct ofpact_mpls_label
	OFPACT_SET_MPLS_TC,	 // struct ofpact_u8
	OFPACT_SET_MPLS_TTL,	 // struct ofpact_u8
	OFPACT_DEC_MPLS_TTL,	 // struct ofpact
	OFPACT_PUSH_MPLS,	 // struct ofpact_mpls_type
	OFPACT_POP_MPLS,	 // struct ofpact_mpls_type
	OFPACT_LEARN,		 // struct ofpact_learn
	OFPACT_FIN_TIMEOUT,	 // struct ofpact_fin_timeout
	OFPACT_CONJUNCTION,	 // struct ofpact_conjunction
	OFPACT_SAMPLE,		 // struct ofpact_sample
	OFPACT_CT,		 // struct ofpact_ct
	OFPACT_CT_CLEAR,	 // struct ofpact
	OFPACT_NAT,		 // struct ofpact_nat, only inside of ct
	OFPACT_ENCAP,		 // struct ofpact_encap
	OFPACT_DECAP,		 // struct ofpact_decap
	OFPACT_DEC_NSH_TTL,	 // struct ofpact
	OFPACT_CHECK_PKT_LARGER, // struct ofpact_check_pkt_larger
	OFPACT_DELETE_FIELD,	 // struct ofpact_delete_field
	OFPACT_DEBUG_RECIRC,	 // struct ofpact
	OFPACT_DEBUG_SLOW,	 // struct ofpact
	OFPACT_METER,		 // struct ofpact_meter; an instruction before OpenFlow 1.5
	// Instructions, in the order in which they take effect.
	OFPACT_CLEAR_ACTIONS,  // struct ofpact
	OFPACT_WRITE_ACTIONS,  // struct ofpact_nest
	OFPACT_WRITE_METADATA, // struct ofpact_metadata
	OFPACT_STAT_TRIGGER,   // struct ofpact_stat_trigger
	OFPACT_GOTO_TABLE,     // struct ofpact_goto_table
	// Inside the switch only.
	OFPACT_UNROLL_XLATE, // struct ofpact_unroll
	OFPACT_N_TYPES,
};

struct ofpact {
	uint8_t type; // enum ofpact_type
	uint8_t raw;  // which of several wire or text forms it came in, so that it goes out the
		      // same; 0: the usual one
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
	bool flow_has_vlan;
	const struct field *field;
	uint64_t bytes[]; // value and mask, each with room for what the field can have
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
	uint16_t port;	       // host order
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
struct ofpact_output_trunc {
	struct ofpact h;
	uint32_t port, max_len;
};
enum ofpact_hash_fields { // what multipath and bundle hash; numbers of the wire
	HASH_FIELDS_ETH_SRC,
	HASH_FIELDS_SYMMETRIC_L4,
	HASH_FIELDS_SYMMETRIC_L3L4,
	HASH_FIELDS_SYMMETRIC_L3L4_UDP,
	HASH_FIELDS_NW_SRC,
	HASH_FIELDS_NW_DST,
	HASH_FIELDS_SYMMETRIC_L3,
	HASH_FIELDS_N,
};
enum ofpact_bundle_algorithm { BUNDLE_ACTIVE_BACKUP, BUNDLE_HRW, BUNDLE_N_ALGORITHMS };
struct ofpact_bundle {
	struct ofpact h;
	uint16_t fields, basis, algorithm, n_members;
	struct subfield dst; // field NULL: output to the member
	uint32_t members[];  // ports
};
enum ofpact_multipath_algorithm {
	MULTIPATH_MODULO_N,
	MULTIPATH_HASH_THRESHOLD,
	MULTIPATH_HRW,
	MULTIPATH_ITER_HASH,
	MULTIPATH_N_ALGORITHMS,
};
struct ofpact_multipath {
	struct ofpact h;
	uint16_t fields, basis, algorithm, max_link;
	uint32_t arg;
	struct subfield dst;
};
struct ofpact_mpls_label {
	struct ofpact h;
	uint32_t label; // 20 bits
};
struct ofpact_mpls_type {
	struct ofpact h;
	be16_t ethertype;
};
enum ofpact_learn_flags {
	LEARN_SEND_FLOW_REM = 1,
	LEARN_DELETE_LEARNED = 2,
	LEARN_WRITE_RESULT = 4,
	LEARN_FLAGS = 7
};
enum ofpact_learn_dst { LEARN_MATCH, LEARN_LOAD, LEARN_OUTPUT };
struct ofpact_learn_spec {
	struct subfield src; // field NULL: `value`, its low n_bits
	struct subfield dst; // not with LEARN_OUTPUT
	uint16_t n_bits;
	uint8_t kind; // enum ofpact_learn_dst
	union field_value
		value; // n_bits as a right-aligned number of DIV_ROUND_UP(n_bits, 8) bytes
};
struct ofpact_learn {
	struct ofpact h;
	uint16_t idle_timeout, hard_timeout, fin_idle_timeout, fin_hard_timeout;
	uint16_t priority;
	uint8_t table_id, flags; // enum ofpact_learn_flags
	be64_t cookie;
	uint32_t limit; // 0: none
	uint32_t n_specs;
	struct subfield result_dst; // with LEARN_WRITE_RESULT
	struct ofpact_learn_spec specs[];
};
struct ofpact_fin_timeout {
	struct ofpact h;
	uint16_t idle_timeout, hard_timeout;
};
struct ofpact_conjunction {
	struct ofpact h;
	uint8_t clause, n_clauses; // clause from 0
	uint32_t id;
};
enum ofpact_sample_direction { SAMPLE_DEFAULT, SAMPLE_INGRESS, SAMPLE_EGRESS };
struct ofpact_sample {
	struct ofpact h;
	uint16_t probability;
	uint8_t direction; // enum ofpact_sample_direction
	uint32_t collector_set_id, obs_domain_id, obs_point_id;
	uint32_t sampling_port; // OFPP_NONE: none
};
enum ofpact_ct_flags { CT_COMMIT = 1, CT_FORCE = 2, CT_FLAGS = 3 };
enum { CT_NO_RECIRC_TABLE = 255, CT_ALG_FTP = 21, CT_ALG_TFTP = 69 };
struct ofpact_ct {
	struct ofpact h;
	struct subfield zone_src; // field NULL: `zone`
	uint16_t flags, zone, alg;
	uint8_t recirc_table; // CT_NO_RECIRC_TABLE: the packet goes on
	uint8_t pad;
	uint32_t raw_len; // of the actions that follow
			  // struct ofpact ... follow: set_field, move, nat
};
enum ofpact_nat_flags {
	NAT_SRC = 1,
	NAT_DST = 2,
	NAT_PERSISTENT = 4,
	NAT_HASH = 8,
	NAT_RANDOM = 16,
	NAT_FLAGS = 31
};
struct ofpact_nat {
	struct ofpact h;
	uint16_t flags;
	uint8_t family;		     // 0: none, 4, 6
	bool has_max;		     // there is a range of addresses
	union flow_in6 min, max;     // IPv4 in w[0]
	uint16_t port_min, port_max; // 0: none
};
enum { ED_NSH_CLASS = 4, ED_NSH_MD_TYPE = 1, ED_NSH_TLV = 2, NSH_MD1 = 1, NSH_MD2 = 2 };
struct ofpact_encap_prop { // a header of 4 bytes, then the data
	uint16_t class_;
	uint8_t type;
	uint8_t len; // of the data
	uint8_t data[];
};
struct ofpact_encap {
	struct ofpact h;
	uint32_t packet_type; // namespace << 16 | type
	uint16_t hdr_size;
	uint16_t n_props; // struct ofpact_encap_prop, each padded to 8 bytes
	uint8_t props[];
};
struct ofpact_decap {
	struct ofpact h;
	uint32_t packet_type; // DECAP_ANY: what follows from the headers
};
enum {
	PACKET_TYPE_ETH = 0,
	PACKET_TYPE_USE_NEXT_PROTO = 0xfffe,
	PACKET_TYPE_NSH = 0x1894f,
	PACKET_TYPE_MPLS = 0x18847,
	PACKET_TYPE_MPLS_MC = 0x18848
};
struct ofpact_check_pkt_larger {
	struct ofpact h;
	struct subfield dst; // one bit
	uint16_t pkt_len;
};
struct ofpact_delete_field {
	struct ofpact h;
	const struct field *field;
};
struct ofpact_meter {
	struct ofpact h;
	uint32_t meter_id;
};
struct ofpact_metadata {
	struct ofpact h;
	be64_t value, mask;
};
enum ofpact_stat_trigger_flags {
	OFPSTF_PERIODIC = 1,   // at all multiples of the thresholds
	OFPSTF_ONLY_FIRST = 2, // the threshold that is passed first is the only one
};
struct ofpact_stat_trigger {
	struct ofpact h;
	uint32_t flags, pad;
	struct oxs thresholds;
};
struct ofpact_goto_table {
	struct ofpact h;
	uint8_t table;
};
struct ofpact_unroll { // of frozen actions: those that follow are of a rule of this table with this
		       // cookie
	struct ofpact h;
	be64_t cookie;
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

// Appends an action, zeroed but for its header, padded. The pointer is valid until the buffer
// grows.
void *ofpact_add(struct buf *, enum ofpact_type, size_t len);
const char *ofpact_name(enum ofpact_type);

struct ofpact_text { // what parsing and printing may need to know
	ofp_port_name_cb *port_name;
	ofp_port_number_cb *port_number;
	ofp_port_name_cb *table_name; // of a table's number
	ofp_port_number_cb *table_number;
	void *arg;
};
// A table by name where there is one, or by number. Parsing: false when it is neither, or a number
// above 255.
void ofp_table_format(const struct ofpact_text *, uint8_t table, struct str *);
bool ofp_table_parse(const struct ofpact_text *, const char *word, uint8_t *table);
// "output:2,NORMAL"; no actions: "drop".
void ofpacts_format(const void *list, size_t n, const struct ofpact_text *, struct str *);
// Takes what follows "actions=" and appends to `list`. *protocols receives what can carry it (enum
// ofp_protocol bits).
struct error *ofpacts_parse(const char *text, const struct ofpact_text *, struct buf *list,
			    uint32_t *protocols) MUST_CHECK;
// Lets debug_recirc and debug_slow be read from messages: for a switch that was started with
// --enable-dummy.
void ofpacts_enable_debug(void);
// The same where instructions have no place (packet-out, buckets).
struct error *ofpacts_parse_actions(const char *text, const struct ofpact_text *, struct buf *list,
				    uint32_t *protocols) MUST_CHECK;

// Is the list right for a rule with this match (prerequisites, order, ports, tables)? 0, or an enum
// ofperr (openflow/error.h). Fills in what depends on the match (flow_has_vlan, flow_ip_proto).
int ofpacts_check(void *list, size_t n, const struct match *, uint32_t max_ports, uint8_t table_id,
		  uint8_t n_tables, uint8_t wire_version, char **why);
// As above, for any protocol of a set: those that cannot take the list are removed from *protocols.
// An error only for what none could take.
int ofpacts_check_protocols(void *list, size_t n, const struct match *, uint32_t max_ports,
			    uint8_t table_id, uint8_t n_tables, uint32_t *protocols, char **why);
// Instructions in their order, each once, and actions where they may stand; `allow_instructions`
// false: no instruction at all. 0 or an enum ofperr; *why (may be NULL) is owned by the caller. In
// OpenFlow 1.5 (`version`, on the wire) meter is an action.
int ofpacts_verify(const void *list, size_t n, uint8_t version, bool allow_instructions,
		   char **why);

// --- On the wire. Decoders append to `list`; 0 or an enum ofperr.

// A list of actions, all of the cursor.
int ofpacts_decode(struct cursor, uint8_t version, struct buf *list);
// The same where no instruction may be: 1.0 has some among the actions of its flows.
int ofpacts_decode_outside_flow(struct cursor, uint8_t version, struct buf *list);
// The instructions of 1.1 and later; what is applied comes first in the list.
int ofpacts_decode_instructions(struct cursor, uint8_t version, struct buf *list);
// Instructions are left out, or put as 1.0 can (goto_table: resubmit; write_metadata).
void ofpacts_encode(struct buf *, uint8_t version, const void *list, size_t n);
void ofpacts_encode_instructions(struct buf *, uint8_t version, const void *list, size_t n);

static inline unsigned int ofpact_set_field_room(const struct field *f)
{
	return f->variable_len ? (FIELD_MAX_BYTES + 7) / 8 : FIELD_USUAL_BYTES / 8;
}
static inline const union field_value *ofpact_set_field_value(const struct ofpact_set_field *sf)
{
	return (const void *)sf->bytes;
}
static inline const union field_value *ofpact_set_field_mask(const struct ofpact_set_field *sf)
{
	return (const void *)(sf->bytes + ofpact_set_field_room(sf->field));
}
// Appends "load:number->dst": the low bits of a big-endian number of n bytes.
void ofpact_add_load(struct buf *, const struct subfield *dst, const uint8_t *number, size_t n);
// Adds to a match what a specification of learn says, with the number (right-aligned in
// DIV_ROUND_UP(n_bits, 8) bytes) that it gave.
void ofpact_learn_set_match(const struct ofpact_learn_spec *, const union field_value *number,
			    struct match *);
// The first property of an encap (`prop` NULL), or the next one; NULL: there are no more.
const struct ofpact_encap_prop *ofpact_encap_next_prop(const struct ofpact_encap *,
						       const struct ofpact_encap_prop *prop);
// Options of tunnels in the actions, nested ones too, become those of the switch's table (which may
// be NULL: it has none). *fields (may be NULL) gets a bit for each of tun_metadata0..63 that is
// used. 0 or an enum ofperr: one has no option, or not so many bits.
int ofpacts_use_options(void *list, size_t n, const struct option_table *, uint64_t *fields);
// The actions nested in this one, or NULL.
const struct ofpact *ofpact_nested(const struct ofpact *, size_t *n);
// Appends the actions of an action set (what write_actions collected, in the order written) in the
// order in which OpenFlow executes a set. Nothing when the set outputs nowhere.
void ofpacts_order_set(const void *set, size_t n, struct buf *list);
// Calls back for each group that an action names, nested ones too. True: a callback said so, and it
// ended there.
bool ofpacts_each_group(const void *list, size_t n, bool (*cb)(void *arg, uint32_t group_id),
			void *arg);
// Does any action output to `port`?
bool ofpacts_output_to(const void *list, size_t n, uint32_t port);
