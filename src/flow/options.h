/* SPDX-License-Identifier: Apache-2.0 */
// The table of tunnel options of a bridge: which option of a Geneve header (class and type) each of
// tun_metadata0..63 stands for, how long it is, and where in flow.options its body lies. It has a
// row of the field table for each of them, with these lengths and places; matches and actions of
// the bridge use these rows.
//
// A row stays as it is, and where it is, until its option is deleted, which is not done while a
// rule uses it. So readers that follow a rule's actions need no lock; the writer waits for a grace
// period between the end of the rules and that of the option.
//
// Threads: one writer (the main thread).
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "flow/field.h"

struct option_table;

struct option_map {		      // as in OpenFlow's TLV table
	uint16_t option_class, index; // tun_metadata<index>
	uint8_t option_type, option_len;
};

struct option_table *option_table_new(void);
void option_table_free(struct option_table *); // nobody uses a row. NULL is allowed
enum option_error {
	OPTION_OK,
	OPTION_BAD_LEN,	       // not 0 to 124 in steps of 4
	OPTION_ALREADY_MAPPED, // the field stands for another option
	OPTION_DUPLICATE,      // the option is another field's
	OPTION_FULL,
};
enum option_error option_table_add(struct option_table *, const struct option_map *);
// The fields' options, a bit for each; without effect where there is none.
void option_table_delete(struct option_table *, uint64_t fields);
// The map of a field; false: none.
bool option_table_get(const struct option_table *, unsigned int index, struct option_map *);
uint64_t option_table_mapped(const struct option_table *); // a bit for each field
// The row of tun_metadata<option>, NULL: not mapped. The table may be NULL.
const struct field *option_table_field(const struct option_table *, unsigned int option);

// --- Options as they are in a Geneve header, and as a datapath's keys have them: flow->options
// then holds headers of 4 bytes with bodies, and tunnel.options is their length in words.

// Exchanges these for the fields of the table, in place. False: an option has another length than
// its field, or is critical and no field's, or the header's lengths are wrong: such a packet is
// dropped.
bool options_to_fields(const struct option_table *, struct flow *);
// A mask of fields as one for keys like `key`, whose options are as in the header, in place.
void options_mask_to_key(const struct option_table *, const struct flow *key, struct flow *mask);
