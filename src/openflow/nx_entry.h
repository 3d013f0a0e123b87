/* SPDX-License-Identifier: Apache-2.0 */
// NXM and OXM: a field on the wire as type, length, value. The type is a class and a field number;
// classes 0 and 1 are Nicira's, 0x8000 is OpenFlow's, 0xffff says that an experimenter's number
// follows.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "flow/field.h"
#include "openflow/error.h"
#include "openflow/protocol.h"

// A cookie among the entries of a match. Its number is also that of mpls_ttl: only the length tells
// them apart.
enum {
	NXM_NX_COOKIE = 1 << 16 | 30 << 9 | 8,
	NXM_NX_COOKIE_W = 1 << 16 | 30 << 9 | 1 << 8 | 16,
};

// One TLV, for set_field and the like. *value and *mask (all ones when there is none in it) are
// right-aligned as in a struct field, and not yet checked for what the field may be. `mask` NULL: a
// mask is an error. Errors are those of matches (OFPBMC_BAD_FIELD when unknown).
int nx_entry_decode(struct cursor *, const struct field **, union field_value *value,
		    union field_value *mask);
void nx_entry_encode(struct buf *, uint8_t version, const struct field *,
		     const union field_value *value, const union field_value *mask);
// The same with just the bytes of an option's value that say all, and with a mask whenever there is
// one.
void nx_value_encode(struct buf *, uint8_t version, const struct field *,
		     const union field_value *value, const union field_value *mask);
// An entry of a match, checked for what the field may be. A cookie is one, too, with *field NULL,
// where it may be.
int nx_match_entry_decode(struct cursor *, bool may_be_cookie, const struct field **,
			  union field_value *value, union field_value *mask, bool *masked);
// "NXM_OF_IP_SRC_W(c0a80000/ffff0000)", and steps over it.
void nx_entry_format(struct cursor *, struct str *);

// Only the header (4 bytes, or 8 for experimenter fields), with or without the mask bit.
int nx_header_decode(struct cursor *, const struct field **, bool *masked);
// The old way to name a destination, 4 bytes in which a mask does not count. Unknown:
// OFPBAC_BAD_SET_TYPE.
int nx_destination_decode(struct cursor *, const struct field **);
// Does the field need eight bytes of header in actions that know no version?
bool nx_header_is_long(const struct field *);
void nx_header_encode(struct buf *, uint8_t version, const struct field *, bool masked);
const struct field *nx_field_find(uint32_t header, uint32_t experimenter);
