/* SPDX-License-Identifier: Apache-2.0 */
// A match: a flow and the mask of the bits that count. Bits outside the mask are zero in the flow.
// A minimatch is the same, packed: only the 64-bit words whose mask is not zero. Rules store that one.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/field.h"
#include "flow/flow.h"

struct str;

struct match {
	struct flow flow, mask;
};

void match_init_any(struct match *);
bool match_equal(const struct match *, const struct match *);
// The field with this value and mask (NULL: exact) instead of what the match said about it. Bits outside of the mask are ignored;
// a mask without bits takes the field out. VLAN fields set and clear the tag's presence as OpenFlow has it.
void match_set(struct match *, const struct field *, const union field_value *value, const union field_value *mask);

// Takes out the fields whose prerequisites the match itself does not give, which can therefore match nothing or anything: nw_src
// without ip, tp_src without tcp. True when there were any.
bool match_normalize(struct match *);
// Who matches on a header without saying a packet type means that of an Ethernet frame.
void match_imply_ethernet(struct match *);

// Text as in `ovs-ofctl`: "priority=10,tcp,in_port=1,nw_src=10.0.0.0/8". `priority` < 0, or the default 32768, is not printed.
void match_format(const struct match *, struct str *, int priority, ofp_port_name_cb *, void *arg);
// All that a flow has, as ofproto/trace prints it; context fields that are zero are left out.
void flow_format(const struct flow *, struct str *, ofp_port_name_cb *, void *arg);
// One "key=value" or bare word ("tcp"). -ENOENT through *known=false when the key is no match field or shorthand at all.
struct error *match_parse_field(struct match *, const char *key, const char *value, bool *known, ofp_port_number_cb *,
				void *arg) MUST_CHECK;
// The same, and what it was: which field with which mask; field NULL: a shorthand, or bits of a field.
struct match_term {
	const struct field *field;
	union field_value mask;
	bool known;
};
struct error *match_parse_term(struct match *, const char *key, const char *value, struct match_term *, ofp_port_number_cb *,
			       void *arg) MUST_CHECK;
// Splits "key=value,key(value) word": writes NULs into the text and steps over one piece. *value NULL when there is none. False at
// the end.
bool key_value_scan(char **text, char **key, char **value);
// A whole comma-separated match without priority or anything else.
struct error *match_parse(struct match *, const char *text, ofp_port_number_cb *, void *arg) MUST_CHECK;

enum { MINIMATCH_MAP_WORDS = (FLOW_WORDS + 63) / 64 };
struct minimatch {
	uint64_t map[MINIMATCH_MAP_WORDS]; // which words are there
	uint64_t *words;		   // n masks, then n values; n = popcount of the map. Owned.
};
void minimatch_init(struct minimatch *, const struct match *);
void minimatch_done(struct minimatch *);
void minimatch_expand(const struct minimatch *, struct match *);
bool minimatch_equal(const struct minimatch *, const struct minimatch *);
uint64_t minimatch_hash(const struct minimatch *, uint64_t seed);
// Does `m` accept the flow?
bool minimatch_accepts(const struct minimatch *, const struct flow *);
unsigned int minimatch_n_words(const struct minimatch *);
