/* SPDX-License-Identifier: Apache-2.0 */
// The field table: one row per field that OpenFlow can match or change, with everything there is to
// know about it. Codecs, text forms, translation and checks all read the same row.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/flow.h"

struct str;

// In the order in which matches are printed (that of ovs-ofctl dump-flows). More rows come with
// more of the language.
enum field_id {
#define FIELD(ID) FIELD_##ID,
#include "flow/field_ids.h"
#undef FIELD
	FIELD_N_IDS,
};

enum {
	FIELD_MAX_BYTES = FLOW_OPTION_MAX,
	FIELD_USUAL_BYTES = 16
};		    // fields that are no options have at most the latter
union field_value { // big-endian, right-aligned in the first row->n_bytes bytes
	uint8_t b[FIELD_MAX_BYTES];
	uint8_t u8;
	be16_t be16;
	be32_t be32;
	be64_t be64;
	union flow_in6 in6;
	uint8_t mac[6];
};

enum field_maskable { FIELD_NOT_MASKABLE, FIELD_FULLY_MASKABLE };

enum field_format { // how values look
	FORMAT_DECIMAL,
	FORMAT_HEXADECIMAL,
	FORMAT_ETHERNET,
	FORMAT_IPV4,
	FORMAT_IPV6,
	FORMAT_FRAG,
	FORMAT_TCP_FLAGS,
	FORMAT_CT_STATE,
	FORMAT_TUN_FLAGS,
	FORMAT_OFP_PORT,
	FORMAT_OFP_PORT_OXM,
	FORMAT_PACKET_TYPE,
};

enum field_prereq {
	PREREQ_NONE,
	PREREQ_ETHERNET,
	PREREQ_ARP,
	PREREQ_VLAN_VID,
	PREREQ_IPV4,
	PREREQ_IPV6,
	PREREQ_IP_ANY,
	PREREQ_MPLS,
	PREREQ_TCP,
	PREREQ_UDP,
	PREREQ_SCTP,
	PREREQ_ICMPV4,
	PREREQ_ICMPV6,
	PREREQ_ND,
	PREREQ_ND_SOLICIT,
	PREREQ_ND_ADVERT,
	PREREQ_NSH,
	PREREQ_CT, // CT: an original tuple of conntrack; dl_type and ct_state say whether
};

enum field_place {	    // how the value lies in struct flow
	FIELD_PLACE_BYTES,  // as in field_value, byte by byte
	FIELD_PLACE_HOST,   // n_bits bits from bit `shift` of an integer in host order
	FIELD_PLACE_NET,    // the same, of an integer in network order
	FIELD_PLACE_PORT,   // an OpenFlow port in host order and 16-bit numbering
	FIELD_PLACE_REGS,   // several registers, the first one the most significant
	FIELD_PLACE_VLAN,   // a part of the outer tag's TCI, which has rules of its own
	FIELD_PLACE_DSCP,   // the upper six bits of nw_tos, not shifted
	FIELD_PLACE_OPTION, // a tunnel option: as its `at` says. Without `at` it has no place yet:
			    // it reads as zero and cannot be set
};

enum field_fixed { // what a match of fixed form can say of a field, each more than the one before
	FIELD_FIXED_NONE,
	FIELD_FIXED_EXACT,
	FIELD_FIXED_CIDR,
	FIELD_FIXED_MASKED,
};

struct field {
	enum field_id id;
	const char *name, *extra_name; // extra_name NULL when there is one name
	uint8_t n_bytes;
	uint16_t n_bits;
	bool variable_len; // tun_metadata0..63: n_bytes is the longest body, or, in a row of an
			   // option table, that of the option
	enum field_maskable maskable;
	enum field_format format;
	enum field_prereq prereq;
	bool writable; // by set_field, load, move
	bool mapped;   // a real header field, not a register or metadata
	// Wire headers: class << 16 | field << 9, as in the header with mask and length bits clear.
	// A field has an NXM header when nxm_version is not 0 (in_port's header is 0), an OXM one
	// when oxm_version is not 0.
	uint32_t nxm, oxm;
	const char *nxm_name, *oxm_name; // "NXM_OF_IN_PORT"; NULL where there is none
	uint8_t nxm_version,
		oxm_version;	   // OpenFlow wire version from which it may be sent: 1, 4, 5, 6
	uint32_t oxm_experimenter; // of OXM fields of the experimenter class; 0 otherwise
	uint8_t onf; // field number in ONF's experimenter class (0x4f4e4600), for 1.3 and 1.4; 0:
		     // none
	uint8_t fixed_1_0, fixed_1_1; // enum field_fixed: the matches of OpenFlow 1.0 and 1.1
	// Where it is in struct flow: internal to field_*.c.
	uint8_t place, shift, size; // enum field_place; size of the member in bytes
	uint16_t offset;
	uint8_t option;	   // FIELD_PLACE_OPTION: its number
	const uint8_t *at; // and where in flow.options each of its bytes is
};

extern const struct field field_rows[FIELD_N_IDS];
static inline const struct field *field_get(enum field_id id)
{
	return &field_rows[id];
}
const struct field *field_find(const char *name); // either name; NULL: none
const struct field *field_find_n(const char *name, size_t n);
// Also "NXM_OF_IN_PORT", "OXM_OF_TCP_FLAGS", "ONFOXM_ET_TCP_FLAGS".
const struct field *field_find_any_name(const char *name, size_t n);

// The value in a flow, and in its mask: the same function serves both. in_port reads the 16-bit
// numbering.
void field_get_value(const struct field *, const struct flow *, union field_value *);
// False: no bit of the field is set in the mask, for sure. Quick; it looks at the whole of where
// the field is.
static inline bool field_may_be_set(const struct field *f, const struct flow *mask)
{
	const uint8_t *p = (const uint8_t *)mask + f->offset;
	uint64_t a = 0, b = 0;
	switch (f->size) {
	case 0: // an option: one that is looked at may have no bit set
		return mask->tunnel.options >> f->option & 1;
	case 1:
		return *p;
	case 2:
		return *(const uint16_t *)(const void *)p;
	case 4:
		return f->n_bytes <= 4 ? *(const uint32_t *)(const void *)p != 0
				       : true; // several registers
	case 6:
		memcpy(&a, p, 6);
		return a;
	case 8:
		memcpy(&a, p, 8);
		return a;
	case 16:
		memcpy(&a, p, 8);
		memcpy(&b, p + 8, 8);
		return a | b;
	}
	return true;
}
// Sets the bits; vlan fields of a flow without tag make one where OpenFlow says so (as stock's
// set_field does).
void field_set_value(const struct field *, const union field_value *, struct flow *);
// Only the bits in mask change.
void field_set_masked(const struct field *, const union field_value *value,
		      const union field_value *mask, struct flow *);
// Takes an option out of a flow, or of a mask, so that there is none.
void field_delete_option(const struct field *, struct flow *);
// How many bytes of an option's value and mask, from their end, are left when the zeros before them
// are not counted: that much of it is sent. May be none. Other fields: all bytes.
unsigned int field_significant_bytes(const struct field *, const union field_value *value,
				     const union field_value *mask);
// All bits of the field, as a mask value.
void field_exact_mask(const struct field *, union field_value *);
// `mask` has no bit at all, or all bits of the field (bits that the field does not have are not
// looked at).
bool field_mask_is_zero(const struct field *, const union field_value *mask);
bool field_mask_is_exact(const struct field *, const union field_value *mask);
// Sets the field's bits in `mask` where `bits` has them: un-wildcarding. NULL bits: all of them.
// Prerequisites not included.
void field_unwildcard(const struct field *, const union field_value *bits, struct flow *mask);
// Sets in `mask` the bits of the field's prerequisites (dl_type, nw_proto...).
void field_unwildcard_prereqs(const struct field *, struct flow *mask);
// Do the flow's values satisfy the prerequisites? With a mask, of a match: and does the mask cover
// what they need? Matches may speak of ICMP in later fragments, which is not there to be changed.
bool field_prereqs_ok(const struct field *, const struct flow *, const struct flow *mask);
bool field_value_is_valid(const struct field *, const union field_value *);

// Text of values. Ports by name: the callbacks may be NULL.
typedef const char *ofp_port_name_cb(void *arg, uint32_t ofp_port); // NULL: print the number
typedef int ofp_port_number_cb(void *arg, const char *name, uint32_t *ofp_port); // 0 or -ENOENT

// "(1,0x800)": numbers from 10 up are hexadecimal.
void packet_type_format(be32_t, struct str *);
// As the value of set_field: "0x5/0xf", "10.0.0.0/8", "+syn-ack". mask NULL: exact. A mask without
// bits prints "ANY".
void field_format_value(const struct field *, const union field_value *value,
			const union field_value *mask, ofp_port_name_cb *, void *arg, struct str *);
// "value" or "value/mask" as stock accepts them for this field, "*" for no bits. Error texts are
// whole sentences. The value may have bits that the mask or the field has not.
struct error *field_parse_value(const struct field *, const char *text, union field_value *value,
				union field_value *mask) MUST_CHECK;
// The same with names of ports.
struct error *field_parse_value_ports(const struct field *, const char *text, ofp_port_number_cb *,
				      void *arg, union field_value *value,
				      union field_value *mask) MUST_CHECK;
// The whole text as a number of the field's width, whatever its usual form. False when it is none
// or does not fit.
bool field_parse_integer(const struct field *, const char *text, union field_value *value);
// An unsigned number, decimal, hexadecimal or octal, at *text, into n bytes, big-endian; steps over
// it. False: there is none. *fits false: it is larger than that.
bool number_scan(const char **text, uint8_t *out, unsigned int n, bool *fits);
// "10", "LOCAL", "in_port", a name: the 16-bit numbering. 32-bit reserved numbers are accepted.
bool ofp_port_parse(const char *text, ofp_port_number_cb *, void *arg, uint32_t *ofp_port);
void ofp_port_format(uint32_t ofp_port, ofp_port_name_cb *, void *arg, struct str *);

// Flags by name: "est|trk" when `mask` has all of `known`, else "+est-rpl". A bit without a name is
// "[200]". No flag: "0".
struct flag_name {
	uint32_t bit;
	const char *name;
};
extern const struct flag_name ct_state_flag_names[], tcp_flag_names[],
	tunnel_flag_names[]; // ended by a NULL name
void flags_format(struct str *, const struct flag_name *, uint32_t flags, uint32_t mask,
		  uint32_t known);
// Reads up to the end or to one of the characters in `ends`, and steps over it. `kind` is for the
// error text: "TCP".
struct error *flags_parse(const char **text, const char *ends, const struct flag_name *,
			  uint32_t known, const char *kind, uint32_t *flags,
			  uint32_t *mask) MUST_CHECK;

// "no", "yes", "first", "later", "not_later" of two bits of nw_frag.
const char *frag_name(uint8_t frag, uint8_t mask);

// Between the 16-bit numbering that is used inside and the 32-bit one of OpenFlow 1.1 and later. A
// number that does not exist in the 16-bit numbering is left as it is.
uint32_t ofp_port_to_32(uint32_t port);
uint32_t ofp_port_from_32(uint32_t port);

struct subfield { // some bits of a field: "NXM_OF_VLAN_TCI[0..11]"
	const struct field *field;
	uint16_t offset; // of the lowest bit
	uint16_t n_bits;
};
// Parses one at *text and steps over it; the caller looks at what follows. Accepts NXM/OXM names
// and field names, then nothing,
// "[]", "[n]" or "[a..b]". Error texts are whole sentences.
struct error *subfield_parse(const char **text, struct subfield *) MUST_CHECK;
void subfield_format(const struct subfield *, struct str *);
uint64_t subfield_get_u64(const struct subfield *, const struct flow *); // the low 64 bits
void subfield_set_u64(const struct subfield *, uint64_t, struct flow *);
void subfield_copy(const struct subfield *src, const struct subfield *dst, const struct flow *from,
		   struct flow *to);
// Between values of the two fields; bits of *dst outside of its subfield stay. The narrower one
// says how many bits.
void subfield_copy_value(const union field_value *src, const struct subfield *,
			 union field_value *dst, const struct subfield *);
// The low bits of a big-endian number of n bytes go into the subfield's place in a value.
void subfield_put_bits(const struct subfield *, const uint8_t *number, size_t n,
		       union field_value *);
// The other way: the subfield's bits as a number of n bytes; bytes that are not needed become zero.
void subfield_take_bits(const struct subfield *, const union field_value *, uint8_t *number,
			size_t n);
// The subfield's bits as a mask of its field.
void subfield_mask(const struct subfield *, union field_value *mask);
// "NXM_NX_REG0", "OXM_OF_METADATA": the name by which actions show the field; NULL when it has no
// wire header.
const char *field_header_name(const struct field *);
