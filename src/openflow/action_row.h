/* SPDX-License-Identifier: Apache-2.0 */
// What the files of actions share: the row that each action fills in. Private to this folder.
#pragma once
#include "base/str.h"
#include "openflow/action.h"
#include "openflow/error.h"
#include "openflow/header.h"
#include "openflow/match_codec.h"
#include "openflow/nx_entry.h"

// Wire and text forms that are told apart although they mean the same (struct ofpact.raw).
enum ofpact_raw {
	RAW_USUAL,
	RAW_REG_LOAD,	  // set_field as "load:"
	RAW_REG_LOAD2,	  // set_field as Nicira's REG_LOAD2
	RAW_POP_VLAN,	  // strip_vlan by 1.1's name
	RAW_SET_TUNNEL64, // set_tunnel with 64 bits although 32 would do
	RAW_DEC_TTL_IDS,  // dec_ttl(1,2)
	RAW_RESUBMIT,	  // resubmit:1, without a table
	RAW_SAMPLE2,	  // sample in its second and third form on the wire
	RAW_SAMPLE3,
	RAW_CONTROLLER2, // controller as a list of properties
	RAW_LEARN2,	 // learn in its second form on the wire
};

struct ofpact_decode { // one action being read
	uint8_t version;
	struct cursor body; // behind the action's header
	struct buf *out;
	unsigned int depth; // of nesting
};
enum { OFPACT_MAX_DEPTH = 8 };

// One form on the wire. Lengths are of the whole action: exactly `len`, or, with `more`, at least.
struct ofpact_wire {
	uint32_t vendor; // 0: OpenFlow's own
	uint16_t type;
	uint8_t v_min, v_max;
	uint16_t len;
	bool more;
	int (*decode)(struct ofpact_decode *); // 0 or an enum ofperr
};

struct ofpact_parse { // one action being parsed
	const struct ofpact_text *text;
	struct buf *out;
	uint32_t *protocols;
	const char *word;
	unsigned int depth;
	int outer; // enum ofpact_type that holds the list; -1: none
};

// One word of the text form.
struct ofpact_word {
	const char *word;
	struct error *(*parse)(struct ofpact_parse *, char *arg);
};

struct ofpact_check {
	struct match *match; // changes as the actions would change the packet
	uint32_t max_ports;
	uint8_t table_id, n_tables;
	uint32_t *protocols;
	char **why;
};

enum ofpact_set_place { // in an action set, in order of execution
	SET_FORBIDDEN,
	SET_POP_VLAN,
	SET_POP_MPLS,
	SET_DECAP,
	SET_ENCAP,
	SET_PUSH_MPLS,
	SET_PUSH_VLAN,
	SET_DEC_TTL,
	SET_DEC_MPLS_TTL,
	SET_DEC_NSH_TTL,
	SET_SETS, // all of them, in the order written
	SET_QOS,
	SET_GROUP, // prevails over the following
	SET_OUTPUT,
	SET_RESUBMIT,
	SET_CT_CLEAR,
	SET_CT,
};

enum ofpact_instruction { // in the order in which they must stand; what is no instruction is
			  // applied
	INST_APPLY,
	INST_METER,
	INST_CLEAR,
	INST_WRITE,
	INST_METADATA,
	INST_TRIGGER,
	INST_GOTO,
};

struct ofpact_row {
	const char *name; // in messages
	enum ofpact_set_place place;
	enum ofpact_instruction instruction;
	const struct ofpact_wire *wires; // end with a NULL decode; NULL: none
	const struct ofpact_word *words; // end with a NULL word
	void (*encode)(struct buf *, uint8_t version, const struct ofpact *);
	void (*format)(const struct ofpact *, const struct ofpact_text *, struct str *);
	int (*check)(struct ofpact *, struct ofpact_check *); // NULL: always fine
};

extern const struct ofpact_row *const ofpact_rows[OFPACT_N_TYPES];
static inline const struct ofpact_row *ofpact_row(enum ofpact_type type)
{
	return ofpact_rows[type];
}

// --- Writing an action: begin, body, end (which pads to 8 and fills in the length).

size_t ofpact_put(struct buf *, uint16_t type);
size_t ofpact_put_nx(struct buf *, uint16_t subtype);
void ofpact_put_end(struct buf *, size_t begin);
// Whole actions: 1.2's set_field of all bits, Nicira's load of some.
void ofpact_put_set_field(struct buf *, uint8_t version, const struct field *,
			  const union field_value *, const union field_value *mask);
void ofpact_put_reg_load(struct buf *, const struct field *, uint16_t offset, uint16_t n_bits,
			 uint64_t value);

// --- Checking.

// The match does not fit: only 1.0 lets such an action pass.
void ofpact_inconsistent(struct ofpact_check *);
int ofpacts_check_list(void *list, size_t n, struct ofpact_check *);
// May the subfield be read, or written, in a packet that matches? 0 or an enum ofperr; the reason
// goes to *why.
int subfield_check_source(const struct subfield *, struct ofpact_check *);
int subfield_check_destination(const struct subfield *, struct ofpact_check *);
// Is the field there in a packet that matches? `role` is for the reason: "set_field".
int field_check_prereqs(const struct field *, const char *role, struct ofpact_check *);
bool match_is_ip(const struct match *);
bool match_has_vlan(const struct match *);

bool match_is_mpls(const struct match *);
// Actions inside of `outer` (-1: in a list of their own): what may be there.
int ofpacts_verify_in(const void *list, size_t n, uint8_t version, bool allow_instructions,
		      int outer, char **why);

// --- Nested lists.

int ofpacts_decode_nested(struct ofpact_decode *, struct buf *list);
struct error *ofpacts_parse_nested(struct ofpact_parse *, char *text, int outer);
void ofpacts_format_plain(const void *list, size_t n, const struct ofpact_text *, struct str *);
int ofpacts_check_set(const void *list, size_t n); // may all of them be in an action set?
int ofpact_check_nested(void *list, size_t n,
			struct ofpact_check *); // what they do to the packet ends with them

// --- Text.

// ofpacts_parse() of a text that is taken apart in place.
struct error *ofpacts_parse_in_place(char *text, const struct ofpact_text *, struct buf *list,
				     uint32_t *protocols);

// The next "key", "key=value", "key:value" or "key(value)" of *s, taken apart in place; false at
// the end. A value's parentheses and brackets balance. "key(value)->field" has the value
// "value)->field".
bool text_next_pair(char **s, char **key, char **value);
struct error *text_u8(const char *text, const char *what, uint8_t *); // 'invalid WHAT "text"'
struct error *text_u16(const char *text, const char *what, uint16_t *);
bool text_is_u8(const char *text, uint8_t *);
bool text_is_u16(const char *text, uint16_t *);
struct error *text_u32(const char *text, uint32_t *); // "invalid numeric format text"
struct error *text_u64(const char *text, uint64_t *);
struct error *text_mac(const char *text, uint8_t mac[6]);
struct error *text_ipv4(const char *text, be32_t *);
// subfield_parse() of a field that can be written into an action; dl_vlan has no header.
struct error *text_subfield(const char **text, struct subfield *);
// What follows the subfield is wrong.
struct error *text_subfield_whole(const char *text, struct subfield *);
// Where the wire has room for a short header only; `name` is the field's as it was written.
struct error *text_short_header(const char *whole, const char *name, const struct field *);
// The number is wider than the bits for it.
// Has a number of n bytes in network order no bits but the n_bits lowest?
bool text_number_fits(const uint8_t *, size_t n, unsigned int n_bits);
struct error *text_does_not_fit(const char *whole, const struct field *, const union field_value *,
				unsigned int n_bits);
// "01.02.03" or "010203" into bytes appended; where it ends. NULL: a digit is missing.
const char *text_hex_bytes(const char *text, struct buf *);

void text_format_hex_bytes(struct str *, const uint8_t *, size_t n); // "01.02.03"
void text_add_number(struct str *, const char *name, uint64_t);	     // "name=5,"

struct error *text_be64(const char *text, be64_t *);
bool text_port(const struct ofpact_text *, const char *text, uint32_t *port);
void text_format_port(const struct ofpact_text *, uint32_t port, struct str *);

// --- Fields on the wire of actions: "offset << 6 | (bits - 1)".

uint16_t subfield_encode_bits(const struct subfield *);
void subfield_decode_bits(uint16_t, struct subfield *);
// dl_vlan and dl_vlan_pcp are of OpenFlow 1.0's fixed match only.
static inline bool field_has_header(const struct field *f)
{
	return f->nxm_version || f->oxm_version;
}
// The error of a match's entry as that of an action which sets a field.
int ofpact_set_error(int error);
// Does the field have these bits? 0 or OFPBAC_BAD_SET_LEN.
int subfield_check_range(const struct subfield *);
int subfield_check_writable(const struct subfield *); // as a destination, whatever the match

// What can carry a value of the field: all its bits, a prefix of an address, or any of them.
uint32_t field_protocols(const struct field *, enum field_fixed needed);

// What follows the header of the instruction. 0 or an enum ofperr.
int ofpact_stat_trigger_decode(struct cursor body, struct buf *out);
void ofpact_stat_trigger_encode(struct buf *, const struct ofpact *);

extern const struct ofpact_row ofpact_output_row, ofpact_controller_row, ofpact_enqueue_row,
	ofpact_output_reg_row, ofpact_group_row, ofpact_set_queue_row, ofpact_pop_queue_row;
extern const struct ofpact_row ofpact_set_field_row, ofpact_reg_move_row, ofpact_stack_push_row,
	ofpact_stack_pop_row;
extern const struct ofpact_row ofpact_set_vlan_vid_row, ofpact_set_vlan_pcp_row,
	ofpact_strip_vlan_row, ofpact_push_vlan_row;
extern const struct ofpact_row ofpact_set_eth_src_row, ofpact_set_eth_dst_row,
	ofpact_set_ipv4_src_row, ofpact_set_ipv4_dst_row, ofpact_set_ip_dscp_row,
	ofpact_set_ip_ecn_row, ofpact_set_ip_ttl_row, ofpact_set_l4_src_port_row,
	ofpact_set_l4_dst_port_row, ofpact_dec_ttl_row, ofpact_set_tunnel_row;
extern const struct ofpact_row ofpact_resubmit_row, ofpact_note_row, ofpact_exit_row,
	ofpact_clone_row;
extern const struct ofpact_row ofpact_output_trunc_row, ofpact_bundle_row, ofpact_multipath_row,
	ofpact_learn_row, ofpact_fin_timeout_row, ofpact_conjunction_row, ofpact_sample_row,
	ofpact_ct_row, ofpact_ct_clear_row, ofpact_nat_row, ofpact_encap_row, ofpact_decap_row,
	ofpact_dec_nsh_ttl_row, ofpact_check_pkt_larger_row, ofpact_delete_field_row,
	ofpact_debug_recirc_row, ofpact_debug_slow_row, ofpact_unroll_xlate_row;
extern const struct ofpact_row ofpact_set_mpls_label_row, ofpact_set_mpls_tc_row,
	ofpact_set_mpls_ttl_row, ofpact_dec_mpls_ttl_row, ofpact_push_mpls_row, ofpact_pop_mpls_row;
extern const struct ofpact_row ofpact_meter_row, ofpact_clear_actions_row, ofpact_write_actions_row,
	ofpact_write_metadata_row, ofpact_stat_trigger_row, ofpact_goto_table_row;
