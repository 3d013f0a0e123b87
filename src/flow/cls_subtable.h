/* SPDX-License-Identifier: Apache-2.0 */
// A subtable of the classifier: the rules of one mask, in a hash table from masked values to the
// rule of highest priority that has them. The others hang in a chain behind it, that only the
// writer follows.
//
// Threads: one writer; readers under RCU use cls_subtable_search() and cls_subtable_find().
#pragma once
#include "base/vec.h"
#include "flow/classifier.h"
#include "flow/cls_table.h"
#include "flow/cls_trie.h"

enum { CLS_MAX_PREFIXES = 4 };

struct cls_priority {
	int32_t priority;
	uint32_t n;
};

struct cls_subtable {
	// Immutable.
	uint64_t map;
	uint64_t option_words;
	uint32_t hash; // of map and words: its key among the masks
	uint8_t n_words;
	uint8_t stage_end[FLOW_N_STAGES]; // words up to the end of each stage
	bool indexed[FLOW_N_STAGES - 1];  // does an index after this stage save anything?
	uint8_t ports_word;		  // which of the words has the L4 ports; n_words: none
	uint8_t ports_len;		  // leading bits of the ports that the mask reaches into
	be32_t ports_mask;
	uint64_t
		options; // of tunnels, which all rules want: the mask's word of flow.tunnel.options
	uint8_t plen[CLS_MAX_PREFIXES]; // per trie; 0: no prefix of that field. Changes only while
					// no trie is published.

	struct cls_table rules;			   // values: struct cls_rule *
	struct cls_table index[FLOW_N_STAGES - 1]; // hashes up to the end of the stage
	struct cls_trie ports;

	VEC(struct cls_priority) priorities; // writer: ascending
	unsigned int rank;		     // writer: place in the ranking
	uint64_t *words;		     // the mask's; behind the struct
	uint8_t at[];			     // where in a flow each word is
};

struct cls_prefix_field {
	uint16_t offset, n_bits;
	enum field_id id;
	uint8_t stage;
	struct cls_trie trie;
};

struct cls_tries {
	unsigned int n;
	struct cls_prefix_field v[CLS_MAX_PREFIXES];
};

// One lookup over all subtables: what it knows of the prefixes so far.
struct cls_trie_result {
	bool done;
	unsigned int n_bits;
	struct cls_plens plens;
};
struct cls_lookup {
	const struct flow *flow;
	const uint64_t *words; // the same
	uint64_t *mask;	       // the words of the mask to or into
	const struct cls_tries *tries;
	struct cls_trie_result results[CLS_MAX_PREFIXES];
};

// `node` of a rule is the next one of its chain or, with the low bit set, the subtable at the end.
static inline struct cls_rule *cls_rule_next(const struct cls_rule *rule)
{
	return (uintptr_t)rule->node & 1 ? NULL : rule->node;
}
// The same for readers.
static inline struct cls_rule *cls_rule_next_shared(const struct cls_rule *rule)
{
	void *node = __atomic_load_n(&rule->node, __ATOMIC_ACQUIRE);
	return (uintptr_t)node & 1 ? NULL : node;
}
struct cls_subtable *cls_rule_subtable(const struct cls_rule *);
static inline const uint64_t *cls_rule_values(const struct cls_rule *rule,
					      const struct cls_subtable *st)
{
	return rule->match.words + st->n_words;
}
static inline const be32_t *cls_prefix_value(const struct flow *flow,
					     const struct cls_prefix_field *f)
{
	return (const be32_t *)(const void *)((const char *)flow + f->offset);
}

uint32_t cls_mask_hash(const struct minimatch *);
// Empty, for this mask.
struct cls_subtable *cls_subtable_new(const struct minimatch *, const struct cls_tries *,
				      uint32_t mask_hash);
void cls_subtable_free(void *); // no reader may be left
bool cls_subtable_has_mask(const struct cls_subtable *, const struct minimatch *);
// The mask's prefix lengths of the fields that are tracked. No reader may have tries.
void cls_subtable_set_plens(struct cls_subtable *, const struct cls_tries *);
static inline int32_t cls_subtable_max_priority(const struct cls_subtable *st)
{
	return vec_last(&st->priorities).priority;
}
// Where the priority is among the subtable's, or would be.
size_t cls_subtable_priority_place(const struct cls_subtable *, int32_t priority);

// Puts the rule in, instead of one with the same values and priority, which is returned. The caller
// counts priorities.
struct cls_rule *cls_subtable_insert(struct cls_subtable *, struct cls_tries *, struct cls_rule *);
// The tries may be NULL: the caller sees to them.
void cls_subtable_remove(struct cls_subtable *, struct cls_tries *, struct cls_rule *);
// All rules of a chain leave it.
void cls_chain_undo(struct cls_rule *);
// The first of the rules with these values (words under the mask); NULL: none.
struct cls_rule *cls_subtable_chain(const struct cls_subtable *, const uint64_t *values);

// The rule that accepts the flow, or NULL. The first one un-wildcards what it looked at.
struct cls_rule *cls_subtable_search(struct cls_lookup *, const struct cls_subtable *);
struct cls_rule *cls_subtable_find(const struct cls_subtable *, const uint64_t *flow_words);
