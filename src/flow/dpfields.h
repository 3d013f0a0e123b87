/* SPDX-License-Identifier: Apache-2.0 */
// The text of a header in datapath keys and actions, "src=1.2.3.4,ttl=64/0xf0", from a table of
// rows: internal to dpact_*.c and dpkey_*.c. A row says where a value lies in a struct; the mask
// lies at the same place in another one of its kind.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str;

enum dpfield_kind {
	DPFIELD_MAC,
	DPFIELD_IPV4,
	DPFIELD_IPV6,
	DPFIELD_U8_DEC,
	DPFIELD_U8_HEX,
	DPFIELD_U32_HEX, // host order
	DPFIELD_BE16_DEC,
	DPFIELD_BE16_BYTE, // an 8-bit value in a 16-bit place
	DPFIELD_BE32_HEX,
	DPFIELD_BE32_LABEL, // 20 bits
	DPFIELD_BE64_HEX,
	DPFIELD_FRAG,
	DPFIELD_NSH_U8,	 // those of NSH look different when they are masked
	DPFIELD_NSH_SPI, // 24 bits
	DPFIELD_NSH_BE32,
};

struct dpfield {
	const char *name;
	enum dpfield_kind kind;
	uint16_t offset;
};

// Of the place, in bytes.
unsigned int dpfield_size(enum dpfield_kind);

// "a=1,b=2/3" without anything around it. Rows whose mask is zero are left out, unless `verbose`.
// Appends nothing, and returns false, when there is nothing to say. Rows end with a NULL name. mask
// NULL: exact.
bool dpfields_format(struct str *, const struct dpfield *, const void *key, const void *mask,
		     bool verbose);
// The same back, up to and over ")". False on a syntax error. A value without mask is exact. mask
// may be NULL.
bool dpfields_parse(const char **text, const struct dpfield *, void *key, void *mask);

// Steps over a literal.
bool dptext_literal(const char **text, const char *literal);
// A number of base 10 or, with 0x, 16, up to max.
bool dptext_number(const char **text, uint64_t max, uint64_t *out);
// "value" or "value/mask"; without a mask it is `max`.
bool dptext_masked(const char **text, uint64_t max, uint64_t *value, uint64_t *mask);
