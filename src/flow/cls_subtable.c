/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/cls_subtable.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rcu.h"

// --- Chains.

static void *chain_end(struct cls_subtable *st)
{
	return (char *)st + 1;
}

struct cls_subtable *cls_rule_subtable(const struct cls_rule *rule)
{
	while (!((uintptr_t)rule->node & 1))
		rule = rule->node;
	return (struct cls_subtable *)(void *)((char *)rule->node - 1);
}

// --- Hashes: the same over a rule's values and over a flow's words under the mask.

static inline uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9fb21c651e98df25ULL;
	return h ^ h >> 32;
}

static inline uint64_t hash_flow(const struct cls_subtable *st, const uint64_t *flow,
				 unsigned int from, unsigned int to, uint64_t h)
{
	for (unsigned int i = from; i < to; i++)
		h = mix(h, flow[st->at[i]] & st->words[i]);
	return h;
}

static uint64_t hash_values(const uint64_t *values, unsigned int from, unsigned int to, uint64_t h)
{
	for (unsigned int i = from; i < to; i++)
		h = mix(h, values[i]);
	return h;
}

uint32_t cls_mask_hash(const struct minimatch *m)
{
	uint64_t map = hash_bytes(&m->map, sizeof(m->map), 0);
	return cls_table_hash(hash_bytes(m->words, minimatch_n_words(m) * sizeof(uint64_t), map));
}

// --- Subtables.

// The number of leading one bits of a prefix mask; 0 when it is none.
static unsigned int prefix_length(const struct flow *mask, const struct cls_prefix_field *f)
{
	const uint8_t *p = (const uint8_t *)mask + f->offset;
	unsigned int n = 0, n_bytes = f->n_bits / 8u;
	while (n < n_bytes && p[n] == 0xff)
		n++;
	unsigned int plen = n * 8;
	if (n < n_bytes && p[n]) {
		unsigned int ones = (unsigned int)__builtin_clz(~((uint32_t)p[n] << 24));
		if ((uint8_t)(p[n] << ones))
			return 0;
		plen += ones;
		n++;
	} else if (n < n_bytes) {
		n++;
	}
	for (; n < n_bytes; n++)
		if (p[n])
			return 0;
	return plen;
}

void cls_subtable_set_plens(struct cls_subtable *st, const struct cls_tries *tries)
{
	struct flow mask;
	flow_clear(&mask);
	for (unsigned int i = 0; i < st->n_words && st->at[i] < FLOW_WORDS; i++)
		flow_words(&mask)[st->at[i]] = st->words[i];
	memset(st->plen, 0, sizeof(st->plen));
	for (unsigned int i = 0; tries && i < tries->n; i++)
		st->plen[i] = (uint8_t)prefix_length(&mask, &tries->v[i]);
}

enum {
	PORTS_WORD = offsetof(struct flow, tp_src) / 8,
	OPTIONS_WORD = offsetof(struct flow, tunnel.options) / 8
};
_Static_assert(offsetof(struct flow, tp_src) % 8 == 0 &&
		       offsetof(struct flow, tp_dst) == offsetof(struct flow, tp_src) + 2,
	       "the ports are the first half of a word");

static void set_stages(struct cls_subtable *st)
{
	static const uint8_t ends[FLOW_N_STAGES] = {FLOW_STAGE_METADATA_END, FLOW_STAGE_L2_END,
						    FLOW_STAGE_L3_END, FLOW_ALL_WORDS};
	unsigned int i = 0;
	for (unsigned int s = 0; s < FLOW_N_STAGES; s++) {
		while (i < st->n_words && st->at[i] < ends[s])
			i++;
		st->stage_end[s] = (uint8_t)i;
	}
	for (unsigned int s = 0; s + 1 < FLOW_N_STAGES; s++) {
		unsigned int before = s ? st->stage_end[s - 1] : 0;
		st->indexed[s] = st->stage_end[s] > before && st->stage_end[s] < st->n_words;
	}
	st->ports_word = st->n_words;
	for (i = 0; i < st->n_words; i++) {
		if (st->at[i] == OPTIONS_WORD)
			st->options = st->words[i];
		uint32_t low = (uint32_t)st->words[i]; // the first four bytes of the word
		if (st->at[i] == PORTS_WORD && low) {
			st->ports_word = (uint8_t)i;
			st->ports_mask = low;
			st->ports_len = (uint8_t)(32 - __builtin_ctz(be32toh(low)));
		}
	}
}

struct cls_subtable *cls_subtable_new(const struct minimatch *m, const struct cls_tries *tries,
				      uint32_t hash)
{
	uint8_t at[FLOW_ALL_WORDS];
	unsigned int n = minimatch_places(m, at);
	size_t size = (sizeof(struct cls_subtable) + n + 7) & ~(size_t)7;
	struct cls_subtable *st = xcalloc(1, size + n * sizeof(uint64_t));
	st->map = m->map;
	st->option_words = minimatch_option_words(m);
	st->hash = hash;
	st->n_words = (uint8_t)n;
	st->words = (uint64_t *)(void *)((char *)st + size);
	if (n)
		memcpy(st->words, m->words, n * sizeof(uint64_t));
	memcpy(st->at, at, n);
	set_stages(st);
	cls_subtable_set_plens(st, tries);
	return st;
}

void cls_subtable_free(void *arg)
{
	struct cls_subtable *st = arg;
	cls_table_done(&st->rules);
	for (unsigned int s = 0; s + 1 < FLOW_N_STAGES; s++)
		cls_table_done(&st->index[s]);
	cls_trie_done(&st->ports);
	vec_done(&st->priorities);
	free(st);
}

bool cls_subtable_has_mask(const struct cls_subtable *st, const struct minimatch *m)
{
	return st->map == m->map && st->option_words == minimatch_option_words(m) &&
	       (!st->n_words || !memcmp(st->words, m->words, st->n_words * sizeof(uint64_t)));
}

size_t cls_subtable_priority_place(const struct cls_subtable *st, int32_t priority)
{
	size_t low = 0, high = st->priorities.n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (st->priorities.v[mid].priority < priority)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

// --- Changes.

// Adds the rule's prefixes and ports to, or removes them from, all tries; with NULL only those of
// the subtable itself.
static void update_tries(struct cls_subtable *st, struct cls_tries *tries,
			 const struct cls_rule *rule, bool add)
{
	void (*change)(struct cls_trie *, const be32_t *, unsigned int) =
		add ? cls_trie_insert : cls_trie_remove;
	bool any = false;
	for (unsigned int i = 0; tries && i < tries->n; i++)
		any |= st->plen[i] != 0;
	if (any) {
		struct match match;
		minimatch_expand(&rule->match, &match);
		for (unsigned int i = 0; i < tries->n; i++)
			if (st->plen[i])
				change(&tries->v[i].trie,
				       cls_prefix_value(&match.flow, &tries->v[i]), st->plen[i]);
	}
	if (st->ports_word < st->n_words) {
		be32_t ports = (uint32_t)cls_rule_values(rule, st)[st->ports_word];
		change(&st->ports, &ports, st->ports_len);
	}
}

// Adds to or removes from the indexes; returns the hash of the whole.
static uint32_t update_indexes(struct cls_subtable *st, const struct cls_rule *rule, int change)
{
	const uint64_t *values = cls_rule_values(rule, st);
	uint64_t h = 0;
	unsigned int from = 0;
	for (unsigned int s = 0; s + 1 < FLOW_N_STAGES; s++) {
		h = hash_values(values, from, st->stage_end[s], h);
		from = st->stage_end[s];
		if (!st->indexed[s] || !change)
			continue;
		uint32_t folded = cls_table_hash(hash_u64(h));
		if (change > 0)
			cls_table_count_up(&st->index[s], folded);
		else
			cls_table_count_down(&st->index[s], folded);
	}
	return cls_table_hash(hash_u64(hash_values(values, from, st->n_words, h)));
}

// The slot whose chain has the same values; NULL: none.
static uint64_t *find_chain(const struct cls_subtable *st, const uint64_t *values, uint32_t hash)
{
	if (!st->rules.slots)
		return NULL;
	uint32_t at = hash;
	for (uint64_t v; (v = cls_slots_next(st->rules.slots, hash, &at));) {
		const struct cls_rule *head = (const struct cls_rule *)(uintptr_t)v;
		if (!memcmp(cls_rule_values(head, st), values, st->n_words * sizeof(uint64_t)))
			return &st->rules.slots->values[(at - 1) & st->rules.slots->mask];
	}
	return NULL;
}

static void set_head(uint64_t *slot, struct cls_rule *rule)
{
	__atomic_store_n(slot, (uint64_t)(uintptr_t)rule, __ATOMIC_RELEASE);
}

// Puts the rule into the chain of those with its values. The one that it replaces, or NULL.
static struct cls_rule *chain_insert(struct cls_subtable *st, uint64_t *slot, struct cls_rule *rule)
{
	struct cls_rule *before = NULL, *r = (struct cls_rule *)(uintptr_t)*slot;
	for (; r && r->priority > rule->priority; r = cls_rule_next(r))
		before = r;
	struct cls_rule *replaced = r && r->priority == rule->priority ? r : NULL;
	if (replaced)
		rule->node = replaced->node;
	else
		rule->node = r ? (void *)r : chain_end(st);
	if (before)
		__atomic_store_n(&before->node, rule, __ATOMIC_RELEASE);
	else
		set_head(slot, rule);
	if (replaced)
		__atomic_store_n(&replaced->node, NULL, __ATOMIC_RELEASE);
	return replaced;
}

struct cls_rule *cls_subtable_insert(struct cls_subtable *st, struct cls_tries *tries,
				     struct cls_rule *rule)
{
	uint32_t hash = update_indexes(st, rule, 0);
	uint64_t *slot = find_chain(st, cls_rule_values(rule, st), hash);
	if (slot) {
		struct cls_rule *replaced = chain_insert(st, slot, rule);
		if (replaced)
			return replaced;
	}
	update_tries(st, tries, rule, true);
	update_indexes(st, rule, 1);
	if (!slot) {
		rule->node = chain_end(st);
		cls_table_insert(&st->rules, hash, (uint64_t)(uintptr_t)rule);
	}
	return NULL;
}

static void chain_remove(struct cls_subtable *st, struct cls_rule *rule, uint32_t hash)
{
	uint64_t *slot = find_chain(st, cls_rule_values(rule, st), hash);
	assert(slot);
	struct cls_rule *r = (struct cls_rule *)(uintptr_t)*slot;
	if (r != rule) {
		while (cls_rule_next(r) != rule)
			r = cls_rule_next(r);
		__atomic_store_n(&r->node, rule->node, __ATOMIC_RELEASE);
	} else if (cls_rule_next(rule)) {
		set_head(slot, cls_rule_next(rule));
	} else {
		cls_table_remove(&st->rules, hash, *slot);
	}
	__atomic_store_n(&rule->node, NULL, __ATOMIC_RELEASE);
}

void cls_chain_undo(struct cls_rule *rule)
{
	while (rule) {
		struct cls_rule *next = cls_rule_next(rule);
		__atomic_store_n(&rule->node, NULL, __ATOMIC_RELEASE);
		rule = next;
	}
}

void cls_subtable_remove(struct cls_subtable *st, struct cls_tries *tries, struct cls_rule *rule)
{
	chain_remove(st, rule, update_indexes(st, rule, -1));
	update_tries(st, tries, rule, false);
}

struct cls_rule *cls_subtable_chain(const struct cls_subtable *st, const uint64_t *values)
{
	const uint64_t *slot = find_chain(
		st, values, cls_table_hash(hash_u64(hash_values(values, 0, st->n_words, 0))));
	return slot ? (struct cls_rule *)(uintptr_t)*slot : NULL;
}

// --- Lookup.

static bool values_match(const struct cls_subtable *st, const struct cls_rule *rule,
			 const uint64_t *flow)
{
	const uint64_t *values = cls_rule_values(rule, st);
	for (unsigned int i = 0; i < st->n_words; i++)
		if ((flow[st->at[i]] & st->words[i]) != values[i])
			return false;
	return true;
}

// Has the packet all the options that the rules want? Only then are their bodies there to be read.
static inline bool has_options(const struct cls_subtable *st, const uint64_t *flow)
{
	return !st->options || (flow[OPTIONS_WORD] & st->options) == st->options;
}

static struct cls_rule *find_rule(const struct cls_subtable *st, const uint64_t *flow,
				  uint32_t hash)
{
	const struct cls_slots *slots = rcu_get(&st->rules.slots);
	uint32_t at = hash;
	for (uint64_t v; slots && (v = cls_slots_next(slots, hash, &at));) {
		struct cls_rule *rule = (struct cls_rule *)(uintptr_t)v;
		if (values_match(st, rule, flow))
			return rule;
	}
	return NULL;
}

static void unwildcard(struct cls_lookup *l, const struct cls_subtable *st, unsigned int n_words)
{
	for (unsigned int i = 0; i < n_words; i++)
		l->mask[st->at[i]] |= st->words[i];
}

static void unwildcard_prefix(struct cls_lookup *l, const struct cls_prefix_field *f,
			      unsigned int n_bits)
{
	uint8_t *p = (uint8_t *)l->mask + f->offset;
	for (; n_bits >= 8; n_bits -= 8)
		*p++ = 0xff;
	if (n_bits)
		*p |= (uint8_t)(0xff00 >> n_bits);
}

// Do the prefixes of a stage's fields prove that the subtable has no rule? Then the bits that do
// are un-wildcarded.
static bool ruled_out_by_prefix(struct cls_lookup *l, const struct cls_subtable *st,
				unsigned int stage)
{
	for (unsigned int i = 0; l->tries && i < l->tries->n; i++) {
		const struct cls_prefix_field *f = &l->tries->v[i];
		unsigned int plen = st->plen[i];
		if (!plen || f->stage != stage)
			continue;
		struct cls_trie_result *r = &l->results[i];
		if (!r->done) {
			r->n_bits = cls_trie_lookup(&f->trie, cls_prefix_value(l->flow, f),
						    f->n_bits, &r->plens);
			r->done = true;
		}
		if (!(r->plens.bits[(plen - 1) / 64] >> (plen - 1) % 64 & 1)) {
			// The bits that set the value apart from all rules' prefixes; but the
			// subtable's own length is enough.
			unwildcard_prefix(l, f, r->n_bits < plen ? r->n_bits : plen);
			return true;
		}
	}
	return false;
}

// All but the ports may have matched: how many bits of them show that there is no rule?
static void unwildcard_after_ports(struct cls_lookup *l, const struct cls_subtable *st)
{
	be32_t ports = (uint32_t)l->words[PORTS_WORD] & st->ports_mask;
	struct cls_plens plens;
	unsigned int n = cls_trie_lookup(&st->ports, &ports, st->ports_len, &plens);
	be32_t used = htobe32(n ? UINT32_MAX << (32 - n) : 0) & st->ports_mask;
	unwildcard(l, st, st->ports_word);
	uint64_t others = st->words[st->ports_word] & ~(uint64_t)UINT32_MAX;
	l->mask[PORTS_WORD] |= others | used;
	for (unsigned int i = st->ports_word + 1u; i < st->n_words; i++)
		l->mask[st->at[i]] |= st->words[i];
}

struct cls_rule *cls_subtable_search(struct cls_lookup *l, const struct cls_subtable *st)
{
	uint64_t h = 0;
	unsigned int from = 0;
	if (st->options) {
		flow_make_options((struct flow *)(void *)l->mask);
		if (!has_options(st, l->words)) {
			l->mask[OPTIONS_WORD] |= st->options;
			return NULL;
		}
	}
	for (unsigned int s = 0; s < FLOW_N_STAGES; s++) {
		if (st->stage_end[s] == from)
			continue;
		if (ruled_out_by_prefix(l, st, s)) {
			unwildcard(l, st, from);
			return NULL;
		}
		h = hash_flow(st, l->words, from, st->stage_end[s], h);
		from = st->stage_end[s];
		if (s + 1 < FLOW_N_STAGES && st->indexed[s] &&
		    !cls_table_has(&st->index[s], cls_table_hash(hash_u64(h)))) {
			unwildcard(l, st, from);
			return NULL;
		}
	}
	struct cls_rule *rule = find_rule(st, l->words, cls_table_hash(hash_u64(h)));
	if (!rule && st->ports_word < st->n_words)
		unwildcard_after_ports(l, st);
	else
		unwildcard(l, st, st->n_words);
	return rule;
}

struct cls_rule *cls_subtable_find(const struct cls_subtable *st, const uint64_t *flow)
{
	if (!has_options(st, flow))
		return NULL;
	return find_rule(st, flow,
			 cls_table_hash(hash_u64(hash_flow(st, flow, 0, st->n_words, 0))));
}
