/* SPDX-License-Identifier: Apache-2.0 */
// A match: a flow and the mask of the bits that count. Bits outside the mask are zero in the flow.
// A minimatch is the same, packed: only the 64-bit words whose mask is not zero. Rules store that
// one.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/field.h"
#include "flow/flow.h"

struct str;
struct option_table;

// As far as it has options of tunnels, a match says where they are: as the table says or, without
// one, where it has put them itself, one behind the other, as long as whoever asked for them said.
// The matches that meet in a classifier must have one table.
struct match {
	struct flow flow, mask;
	const struct option_table *table;
	// Without table, for each option that mask.tunnel.options has. Bytes that are left out are
	// zeros of the value and, if it was given with a mask, of the mask, else ones.
	uint64_t options_masked;
	uint8_t option_start[FLOW_N_OPTIONS], option_len[FLOW_N_OPTIONS];
};

void match_init_any(struct match *);			     // without table
void match_copy(struct match *to, const struct match *from); // quick where there are no options
bool match_equal(const struct match *, const struct match *);
// The field with this value and mask (NULL: exact) instead of what the match said about it. Bits
// outside of the mask are ignored; a mask without bits takes the field out. VLAN fields set and
// clear the tag's presence as OpenFlow has it.
void match_set(struct match *, const struct field *, const union field_value *value,
	       const union field_value *mask);

// The row by which a field of the match's flow and mask can be read: for a row of an option that
// has no place yet it is made in *space, or it is the table's. NULL: the match has no such option,
// or the table does not know it.
const struct field *match_field(const struct match *, const struct field *, struct field *space);
// match_set() for an option: 0, -ENOENT (the table has no such option), -ERANGE (its option is
// shorter) or -ENOSPC (without table: no room is left). Without table it gets as many bytes as say
// all.
int match_set_option(struct match *, const struct field *, const union field_value *value,
		     const union field_value *mask) MUST_CHECK;
// Such a row: the mask that the match has for it, or NULL when all bits count, those that were left
// out too. *space is for it.
const union field_value *match_option_mask(const struct match *, const struct field *row,
					   union field_value *space);
unsigned int
match_options_size(const struct match *); // bytes of all options that the match has put itself
// What was decoded or parsed without table now lies as the table says: 0, -ENOENT or -ERANGE.
int match_use_table(struct match *, const struct option_table *) MUST_CHECK;

// Takes out the fields whose prerequisites the match itself does not give, which can therefore
// match nothing or anything: nw_src without ip, tp_src without tcp. True when there were any.
bool match_normalize(struct match *);
// Who matches on a header without saying a packet type means that of an Ethernet frame.
void match_imply_ethernet(struct match *);

// Text as in `ovs-ofctl`: "priority=10,tcp,in_port=1,nw_src=10.0.0.0/8". `priority` < 0, or the
// default 32768, is not printed.
void match_format(const struct match *, struct str *, int priority, ofp_port_name_cb *, void *arg);
// All that a flow has, as ofproto/trace prints it; context fields that are zero are left out.
void flow_format(const struct flow *, const struct option_table *, struct str *, ofp_port_name_cb *,
		 void *arg);
// One "key=value" or bare word ("tcp"). -ENOENT through *known=false when the key is no match field
// or shorthand at all.
struct error *match_parse_field(struct match *, const char *key, const char *value, bool *known,
				ofp_port_number_cb *, void *arg) MUST_CHECK;
// The same, and what it was: which field with which mask; field NULL: a shorthand.
struct match_term {
	const struct field *field;
	union field_value mask;
	bool masked; // with "/", or bits of a field
	bool known;
};
struct error *match_parse_term(struct match *, const char *key, const char *value,
			       struct match_term *, ofp_port_number_cb *, void *arg) MUST_CHECK;
// Splits "key=value,key(value) word": writes NULs into the text and steps over one piece. *value
// NULL when there is none. False at the end.
bool key_value_scan(char **text, char **key, char **value);
// A whole comma-separated match without priority or anything else.
struct error *match_parse(struct match *, const char *text, ofp_port_number_cb *,
			  void *arg) MUST_CHECK;

struct minimatch {
	// Which words of the flow are there, a bit for each. The highest bit: those of options of
	// tunnels that words[-1] says, too.
	uint64_t map;
	uint64_t *words; // n masks, then n values. Owned.
};
_Static_assert(FLOW_WORDS < 64 && FLOW_ALL_WORDS - FLOW_WORDS <= 64, "one word is a map of words");
#define MINIMATCH_OPTIONS (UINT64_C(1) << 63)
static inline uint64_t minimatch_option_words(const struct minimatch *m)
{
	return m->map & MINIMATCH_OPTIONS ? m->words[-1] : 0;
}
// Where in a flow each of the words is; how many they are.
unsigned int minimatch_places(const struct minimatch *, uint8_t at[FLOW_ALL_WORDS]);
void minimatch_init(struct minimatch *, const struct match *);
void minimatch_done(struct minimatch *);
void minimatch_expand(const struct minimatch *, struct match *); // the table is left to the caller
bool minimatch_equal(const struct minimatch *, const struct minimatch *);
uint64_t minimatch_hash(const struct minimatch *, uint64_t seed);
// Does `m` accept the flow?
bool minimatch_accepts(const struct minimatch *, const struct flow *);
unsigned int minimatch_n_words(const struct minimatch *);
