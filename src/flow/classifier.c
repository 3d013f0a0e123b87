/* SPDX-License-Identifier: Apache-2.0 */
// Rules with the same mask form a subtable: a hash table from masked values to the rule of highest priority that has them (the
// others hang in a chain behind it, that only the writer follows). A lookup goes through the subtables in the order of their
// highest priority and stops when what is left cannot beat what it found.
//
// What a lookup un-wildcards is kept small by three means, each of which proves "no rule here" from fewer bits than the mask has:
//  - stages: a subtable knows the hashes of its rules' values up to the end of each stage (metadata, L2, L3). A flow whose hash
//    is not among them is done with the subtable, at the price of the mask's bits up to there;
//  - prefix tries: per field, over all rules. When no rule has a prefix of the subtable's length for this value, the bits that
//    show it are enough;
//  - a trie of L4 ports per subtable, when all but the ports may have matched.
//
// The ranking of subtables is an array sorted by highest priority. With many subtables, new ones are appended to a short unsorted
// tail that readers always look through, so that loading thousands of masks does not copy the array thousands of times.
#include "flow/classifier.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rcu.h"
#include "base/vec.h"
#include "flow/cls_table.h"
#include "flow/cls_trie.h"

enum { MAX_PREFIXES = 4 };

struct priority_count {
	int32_t priority;
	uint32_t n;
};

struct subtable {
	// Immutable.
	uint64_t map[MINIMATCH_MAP_WORDS];
	uint32_t hash;			   // of map and words: its key among the masks
	uint8_t n_words;
	uint8_t stage_end[FLOW_N_STAGES];  // words up to the end of each stage
	bool indexed[FLOW_N_STAGES - 1];   // does an index after this stage save anything?
	uint8_t ports_word;		   // which of the words has the L4 ports; n_words: none
	uint8_t ports_len;		   // leading bits of the ports that the mask reaches into
	be32_t ports_mask;
	uint8_t plen[MAX_PREFIXES];	   // per trie; 0: no prefix of that field. Changes only while no trie is published.

	struct cls_table rules;			   // values: struct cls_rule *
	struct cls_table index[FLOW_N_STAGES - 1]; // hashes up to the end of the stage
	struct cls_trie ports;

	VEC(struct priority_count) priorities; // writer: ascending
	unsigned int rank;		       // writer: place in the ranking
	uint64_t *words;		       // the mask's; behind the struct
	uint8_t at[];			       // where in a flow each word is
};

struct rank {
	int32_t max_priority;
	struct subtable *subtable; // NULL: gone
};

struct ranking {
	unsigned int n_sorted, n; // n: atomic
	unsigned int cap, n_gone; // writer
	struct rank e[];
};

struct prefix_field {
	uint16_t offset, n_bits;
	enum field_id id;
	uint8_t stage;
	struct cls_trie trie;
};

struct tries {
	unsigned int n;
	struct prefix_field v[MAX_PREFIXES];
};

struct classifier {
	struct ranking *ranking; // RCU
	struct tries *tries;	 // RCU; NULL: none
	struct cls_table masks;	 // writer: struct subtable *
	unsigned int n_rules;
};

// --- Rules.

void cls_rule_init(struct cls_rule *rule, const struct match *match, int priority)
{
	minimatch_init(&rule->match, match);
	rule->priority = priority;
	rule->node = NULL;
}

void cls_rule_done(struct cls_rule *rule)
{
	assert(!rule->node);
	minimatch_done(&rule->match);
}

// `node` is the next rule of the chain or, with the low bit set, the subtable at its end.
static struct cls_rule *chain_next(const struct cls_rule *rule)
{
	return (uintptr_t)rule->node & 1 ? NULL : rule->node;
}

static void *chain_end(struct subtable *st)
{
	return (char *)st + 1;
}

static struct subtable *rule_subtable(const struct cls_rule *rule)
{
	while (!((uintptr_t)rule->node & 1))
		rule = rule->node;
	return (struct subtable *)(void *)((char *)rule->node - 1);
}

static const uint64_t *rule_values(const struct cls_rule *rule, const struct subtable *st)
{
	return rule->match.words + st->n_words;
}

// --- Hashes: the same over a rule's values and over a flow's words under the mask.

static inline uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9fb21c651e98df25ULL;
	return h ^ h >> 32;
}

static inline uint64_t hash_flow(const struct subtable *st, const uint64_t *flow, unsigned int from, unsigned int to,
				 uint64_t h)
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

static uint32_t hash_mask(const struct minimatch *m, unsigned int n_words)
{
	return cls_table_hash(hash_bytes(m->words, n_words * sizeof(uint64_t), hash_bytes(m->map, sizeof(m->map), 0)));
}

// --- Subtables.

// The number of leading one bits of a prefix mask; 0 when it is none.
static unsigned int prefix_length(const struct flow *mask, const struct prefix_field *f)
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

static void subtable_set_plens(struct subtable *st, const struct tries *tries)
{
	struct flow mask;
	memset(&mask, 0, sizeof(mask));
	for (unsigned int i = 0; i < st->n_words; i++)
		flow_words(&mask)[st->at[i]] = st->words[i];
	memset(st->plen, 0, sizeof(st->plen));
	for (unsigned int i = 0; tries && i < tries->n; i++)
		st->plen[i] = (uint8_t)prefix_length(&mask, &tries->v[i]);
}

enum { PORTS_WORD = offsetof(struct flow, tp_src) / 8 };
_Static_assert(offsetof(struct flow, tp_src) % 8 == 0 && offsetof(struct flow, tp_dst) == offsetof(struct flow, tp_src) + 2,
	       "the ports are the first half of a word");

static void subtable_set_stages(struct subtable *st)
{
	static const uint8_t ends[FLOW_N_STAGES] = {FLOW_STAGE_METADATA_END, FLOW_STAGE_L2_END, FLOW_STAGE_L3_END,
						    FLOW_WORDS};
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
		uint32_t low = (uint32_t)st->words[i]; // the first four bytes of the word
		if (st->at[i] == PORTS_WORD && low) {
			st->ports_word = (uint8_t)i;
			st->ports_mask = low;
			st->ports_len = (uint8_t)(32 - __builtin_ctz(be32toh(low)));
		}
	}
}

static struct subtable *subtable_new(const struct minimatch *m, const struct tries *tries, uint32_t hash)
{
	unsigned int n = minimatch_n_words(m);
	size_t size = (sizeof(struct subtable) + n + 7) & ~(size_t)7;
	struct subtable *st = xcalloc(1, size + n * sizeof(uint64_t));
	memcpy(st->map, m->map, sizeof(st->map));
	st->hash = hash;
	st->n_words = (uint8_t)n;
	st->words = (uint64_t *)(void *)((char *)st + size);
	if (n)
		memcpy(st->words, m->words, n * sizeof(uint64_t));
	unsigned int i = 0;
	for (unsigned int w = 0; w < FLOW_WORDS; w++)
		if (m->map[w / 64] >> w % 64 & 1)
			st->at[i++] = (uint8_t)w;
	subtable_set_stages(st);
	subtable_set_plens(st, tries);
	return st;
}

static void subtable_free(void *arg)
{
	struct subtable *st = arg;
	cls_table_done(&st->rules);
	for (unsigned int s = 0; s + 1 < FLOW_N_STAGES; s++)
		cls_table_done(&st->index[s]);
	cls_trie_done(&st->ports);
	vec_done(&st->priorities);
	free(st);
}

static struct subtable *subtable_find(const struct classifier *c, const struct minimatch *m)
{
	unsigned int n = minimatch_n_words(m);
	uint32_t hash = hash_mask(m, n), at = hash;
	if (!c->masks.slots)
		return NULL;
	for (uint64_t v; (v = cls_slots_next(c->masks.slots, hash, &at));) {
		struct subtable *st = (struct subtable *)(uintptr_t)v;
		if (!memcmp(st->map, m->map, sizeof(st->map)) &&
		    (!n || !memcmp(st->words, m->words, n * sizeof(uint64_t))))
			return st;
	}
	return NULL;
}

static int32_t max_priority(const struct subtable *st)
{
	return vec_last(&st->priorities).priority;
}

// Where the priority is among the subtable's, or would be.
static size_t priority_place(const struct subtable *st, int32_t priority)
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

// --- The ranking.

static int compare_ranks(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	return (x->max_priority < y->max_priority) - (x->max_priority > y->max_priority);
}

static void ranking_rebuild(struct classifier *c, struct subtable *added)
{
	struct ranking *old = c->ranking;
	unsigned int live = (old ? old->n - old->n_gone : 0) + (added != NULL), cap = live + live / 32;
	struct ranking *r = xcalloc(1, sizeof(*r) + cap * sizeof(r->e[0]));
	r->cap = cap;
	for (unsigned int i = 0; old && i < old->n; i++)
		if (old->e[i].subtable)
			r->e[r->n++] = old->e[i];
	if (added)
		r->e[r->n++] = (struct rank){.max_priority = max_priority(added), .subtable = added};
	qsort(r->e, r->n, sizeof(r->e[0]), compare_ranks);
	r->n_sorted = r->n;
	for (unsigned int i = 0; i < r->n; i++)
		r->e[i].subtable->rank = i;
	rcu_assign(&c->ranking, r);
	rcu_free_later(old, free);
}

static void ranking_add(struct classifier *c, struct subtable *st)
{
	struct ranking *r = c->ranking;
	if (!r || r->n == r->cap) {
		ranking_rebuild(c, st);
		return;
	}
	st->rank = r->n;
	r->e[r->n] = (struct rank){.max_priority = max_priority(st), .subtable = st};
	__atomic_store_n(&r->n, r->n + 1, __ATOMIC_RELEASE);
}

static void ranking_remove(struct classifier *c, struct subtable *st)
{
	struct ranking *r = c->ranking;
	__atomic_store_n(&r->e[st->rank].subtable, NULL, __ATOMIC_RELEASE);
	if (++r->n_gone > r->n / 2)
		ranking_rebuild(c, NULL);
}

// The subtable's highest priority has changed.
static void ranking_update(struct classifier *c, struct subtable *st)
{
	struct ranking *r = c->ranking;
	unsigned int i = st->rank;
	int32_t now = max_priority(st);
	bool stays = i >= r->n_sorted || ((!i || r->e[i - 1].max_priority >= now) &&
					  (i + 1 >= r->n_sorted || r->e[i + 1].max_priority <= now));
	if (stays) {
		__atomic_store_n(&r->e[i].max_priority, now, __ATOMIC_RELEASE);
	} else {
		__atomic_store_n(&r->e[i].subtable, NULL, __ATOMIC_RELEASE);
		r->n_gone++;
		ranking_add(c, st);
	}
}

// --- The classifier.

// Fields whose prefixes can be tracked: whole 32-bit words of the flow.
static const struct prefix_field prefix_fields[] = {
#define PREFIX(ID, MEMBER, STAGE)                                                                  \
	{.offset = offsetof(struct flow, MEMBER),                                                  \
	 .n_bits = sizeof(((struct flow *)NULL)->MEMBER) * 8,                                      \
	 .id = FIELD_##ID,                                                                         \
	 .stage = STAGE}
	PREFIX(IPV4_DST, nw_dst, 2),	    PREFIX(IPV4_SRC, nw_src, 2),
	PREFIX(IPV6_DST, ipv6_dst, 2),	    PREFIX(IPV6_SRC, ipv6_src, 2),
	PREFIX(TUN_ID, tunnel.id, 0),	    PREFIX(TUN_DST, tunnel.ip_dst, 0),
	PREFIX(TUN_SRC, tunnel.ip_src, 0),  PREFIX(TUN_IPV6_DST, tunnel.ipv6_dst, 0),
	PREFIX(TUN_IPV6_SRC, tunnel.ipv6_src, 0), PREFIX(METADATA, metadata, 0),
	PREFIX(CT_NW_DST, ct_nw_dst, 2),    PREFIX(CT_NW_SRC, ct_nw_src, 2),
	PREFIX(CT_IPV6_DST, ct_ipv6_dst, 2), PREFIX(CT_IPV6_SRC, ct_ipv6_src, 2),
#undef PREFIX
};

bool classifier_can_track(enum field_id id)
{
	for (size_t i = 0; i < sizeof(prefix_fields) / sizeof(prefix_fields[0]); i++)
		if (prefix_fields[i].id == id)
			return true;
	return false;
}

struct classifier *classifier_new(void)
{
	static const enum field_id defaults[] = {FIELD_IPV4_DST, FIELD_IPV4_SRC, FIELD_IPV6_DST, FIELD_IPV6_SRC};
	struct classifier *c = XNEW(struct classifier);
	classifier_set_prefixes(c, defaults, 4);
	return c;
}

void classifier_free(struct classifier *c)
{
	if (!c)
		return;
	assert(!c->n_rules);
	cls_table_done(&c->masks);
	free(c->ranking);
	free(c->tries);
	free(c);
}

static const be32_t *value_at(const struct flow *flow, const struct prefix_field *f)
{
	return (const be32_t *)(const void *)((const char *)flow + f->offset);
}

static void trie_insert(struct tries *tries, unsigned int i, const struct subtable *st, const struct match *match)
{
	if (st->plen[i])
		cls_trie_insert(&tries->v[i].trie, value_at(&match->flow, &tries->v[i]), st->plen[i]);
}

static void fill_tries(struct classifier *c, struct tries *tries)
{
	CLS_TABLE_FOREACH (s, &c->masks) {
		struct subtable *st = (struct subtable *)(uintptr_t)s;
		subtable_set_plens(st, tries);
		CLS_TABLE_FOREACH (v, &st->rules) {
			for (struct cls_rule *r = (struct cls_rule *)(uintptr_t)v; r; r = chain_next(r)) {
				struct match match;
				minimatch_expand(&r->match, &match);
				for (unsigned int i = 0; i < tries->n; i++)
					trie_insert(tries, i, st, &match);
			}
		}
	}
}

void classifier_set_prefixes(struct classifier *c, const enum field_id *fields, unsigned int n)
{
	struct tries *tries = XNEW(struct tries), *old = c->tries;
	for (unsigned int i = 0; i < n && tries->n < MAX_PREFIXES; i++)
		for (size_t j = 0; j < sizeof(prefix_fields) / sizeof(prefix_fields[0]); j++)
			if (prefix_fields[j].id == fields[i])
				tries->v[tries->n++] = prefix_fields[j];
	// The subtables' prefix lengths belong to the old tries: no reader may still use these when they change.
	rcu_assign(&c->tries, NULL);
	if (c->n_rules)
		rcu_synchronize();
	fill_tries(c, tries);
	rcu_assign(&c->tries, tries);
	for (unsigned int i = 0; old && i < old->n; i++)
		cls_trie_done(&old->v[i].trie);
	free(old);
}

// Adds the rule's prefixes and ports to, or removes them from, all tries.
static void update_tries(struct classifier *c, struct subtable *st, const struct cls_rule *rule, bool add)
{
	void (*change)(struct cls_trie *, const be32_t *, unsigned int) = add ? cls_trie_insert : cls_trie_remove;
	bool any = false;
	for (unsigned int i = 0; i < c->tries->n; i++)
		any |= st->plen[i] != 0;
	if (any) {
		struct match match;
		minimatch_expand(&rule->match, &match);
		for (unsigned int i = 0; i < c->tries->n; i++)
			if (st->plen[i])
				change(&c->tries->v[i].trie, value_at(&match.flow, &c->tries->v[i]), st->plen[i]);
	}
	if (st->ports_word < st->n_words) {
		be32_t ports = (uint32_t)rule_values(rule, st)[st->ports_word];
		change(&st->ports, &ports, st->ports_len);
	}
}

// Adds to or removes from the indexes; returns the hash of the whole.
static uint32_t update_indexes(struct subtable *st, const struct cls_rule *rule, int change)
{
	const uint64_t *values = rule_values(rule, st);
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
static uint64_t *find_chain(const struct subtable *st, const uint64_t *values, uint32_t hash)
{
	if (!st->rules.slots)
		return NULL;
	uint32_t at = hash;
	for (uint64_t v; (v = cls_slots_next(st->rules.slots, hash, &at));) {
		const struct cls_rule *head = (const struct cls_rule *)(uintptr_t)v;
		if (!memcmp(rule_values(head, st), values, st->n_words * sizeof(uint64_t)))
			return &st->rules.slots->values[(at - 1) & st->rules.slots->mask];
	}
	return NULL;
}

static void set_head(uint64_t *slot, struct cls_rule *rule)
{
	__atomic_store_n(slot, (uint64_t)(uintptr_t)rule, __ATOMIC_RELEASE);
}

// Puts the rule into the chain of those with its values. The one that it replaces, or NULL.
static struct cls_rule *chain_insert(struct subtable *st, uint64_t *slot, struct cls_rule *rule)
{
	struct cls_rule *before = NULL, *r = (struct cls_rule *)(uintptr_t)*slot;
	for (; r && r->priority > rule->priority; r = chain_next(r))
		before = r;
	struct cls_rule *replaced = r && r->priority == rule->priority ? r : NULL;
	if (replaced)
		rule->node = replaced->node;
	else
		rule->node = r ? (void *)r : chain_end(st);
	if (before)
		before->node = rule;
	else
		set_head(slot, rule);
	if (replaced)
		replaced->node = NULL;
	return replaced;
}

static void count_priority(struct classifier *c, struct subtable *st, int32_t priority)
{
	bool new = !st->priorities.n;
	int32_t old_max = new ? 0 : max_priority(st);
	size_t i = priority_place(st, priority);
	if (i < st->priorities.n && st->priorities.v[i].priority == priority) {
		st->priorities.v[i].n++;
		return;
	}
	(void)vec_extend(&st->priorities);
	memmove(&st->priorities.v[i + 1], &st->priorities.v[i],
		(st->priorities.n - 1 - i) * sizeof(st->priorities.v[0]));
	st->priorities.v[i] = (struct priority_count){.priority = priority, .n = 1};
	if (new)
		ranking_add(c, st);
	else if (priority > old_max)
		ranking_update(c, st);
}

const struct cls_rule *classifier_replace(struct classifier *c, struct cls_rule *rule)
{
	struct subtable *st = subtable_find(c, &rule->match);
	if (!st) {
		uint32_t hash = hash_mask(&rule->match, minimatch_n_words(&rule->match));
		st = subtable_new(&rule->match, c->tries, hash);
		cls_table_insert(&c->masks, hash, (uint64_t)(uintptr_t)st);
	}
	uint32_t hash = update_indexes(st, rule, 0);
	uint64_t *slot = find_chain(st, rule_values(rule, st), hash);
	if (slot) {
		struct cls_rule *replaced = chain_insert(st, slot, rule);
		if (replaced)
			return replaced;
	}
	c->n_rules++;
	update_tries(c, st, rule, true);
	update_indexes(st, rule, 1);
	if (!slot) {
		rule->node = chain_end(st);
		cls_table_insert(&st->rules, hash, (uint64_t)(uintptr_t)rule);
	}
	count_priority(c, st, rule->priority);
	return NULL;
}

static void chain_remove(struct subtable *st, struct cls_rule *rule, uint32_t hash)
{
	uint64_t *slot = find_chain(st, rule_values(rule, st), hash);
	assert(slot);
	struct cls_rule *r = (struct cls_rule *)(uintptr_t)*slot;
	if (r != rule) {
		while (chain_next(r) != rule)
			r = chain_next(r);
		r->node = rule->node;
	} else if (chain_next(rule)) {
		set_head(slot, chain_next(rule));
	} else {
		cls_table_remove(&st->rules, hash, *slot);
	}
	rule->node = NULL;
}

void classifier_remove(struct classifier *c, struct cls_rule *rule)
{
	struct subtable *st = rule_subtable(rule);
	chain_remove(st, rule, update_indexes(st, rule, -1));
	update_tries(c, st, rule, false);
	c->n_rules--;

	size_t i = priority_place(st, rule->priority);
	if (--st->priorities.v[i].n)
		return;
	bool was_max = i + 1 == st->priorities.n;
	vec_remove(&st->priorities, i);
	if (!st->priorities.n) {
		ranking_remove(c, st);
		cls_table_remove(&c->masks, st->hash, (uint64_t)(uintptr_t)st);
		rcu_free_later(st, subtable_free);
	} else if (was_max) {
		ranking_update(c, st);
	}
}

// --- Lookup.

struct trie_result {
	bool done;
	unsigned int n_bits;
	struct cls_plens plens;
};

struct lookup {
	const struct flow *flow;
	const uint64_t *words; // the same
	uint64_t *mask;
	const struct tries *tries;
	struct trie_result results[MAX_PREFIXES];
};

static bool values_match(const struct subtable *st, const struct cls_rule *rule, const uint64_t *flow)
{
	const uint64_t *values = rule_values(rule, st);
	for (unsigned int i = 0; i < st->n_words; i++)
		if ((flow[st->at[i]] & st->words[i]) != values[i])
			return false;
	return true;
}

static struct cls_rule *find_rule(const struct subtable *st, const uint64_t *flow, uint32_t hash)
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

static void unwildcard(struct lookup *l, const struct subtable *st, unsigned int n_words)
{
	for (unsigned int i = 0; i < n_words; i++)
		l->mask[st->at[i]] |= st->words[i];
}

static void unwildcard_prefix(struct lookup *l, const struct prefix_field *f, unsigned int n_bits)
{
	uint8_t *p = (uint8_t *)l->mask + f->offset;
	for (; n_bits >= 8; n_bits -= 8)
		*p++ = 0xff;
	if (n_bits)
		*p |= (uint8_t)(0xff00 >> n_bits);
}

// Do the prefixes of a stage's fields prove that the subtable has no rule? Then the bits that do are un-wildcarded.
static bool ruled_out_by_prefix(struct lookup *l, const struct subtable *st, unsigned int stage)
{
	for (unsigned int i = 0; l->tries && i < l->tries->n; i++) {
		const struct prefix_field *f = &l->tries->v[i];
		unsigned int plen = st->plen[i];
		if (!plen || f->stage != stage)
			continue;
		struct trie_result *r = &l->results[i];
		if (!r->done) {
			r->n_bits = cls_trie_lookup(&f->trie, value_at(l->flow, f), f->n_bits, &r->plens);
			r->done = true;
		}
		if (!(r->plens.bits[(plen - 1) / 64] >> (plen - 1) % 64 & 1)) {
			unwildcard_prefix(l, f, r->n_bits);
			return true;
		}
	}
	return false;
}

// All but the ports may have matched: how many bits of them show that there is no rule?
static void unwildcard_after_ports(struct lookup *l, const struct subtable *st)
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

static struct cls_rule *search(struct lookup *l, const struct subtable *st)
{
	uint64_t h = 0;
	unsigned int from = 0;
	for (unsigned int s = 0; s < FLOW_N_STAGES; s++) {
		if (st->stage_end[s] == from)
			continue;
		if (ruled_out_by_prefix(l, st, s)) {
			unwildcard(l, st, from);
			return NULL;
		}
		h = hash_flow(st, l->words, from, st->stage_end[s], h);
		from = st->stage_end[s];
		if (s + 1 < FLOW_N_STAGES && st->indexed[s] && !cls_table_has(&st->index[s], cls_table_hash(hash_u64(h)))) {
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

struct cls_rule *classifier_lookup(const struct classifier *c, const struct flow *flow, struct flow *mask)
{
	const struct ranking *r = rcu_get(&c->ranking);
	if (!r)
		return NULL;
	struct lookup l = {.flow = flow, .words = flow_words_const(flow), .tries = rcu_get(&c->tries)};
	if (mask)
		l.mask = flow_words(mask);
	struct cls_rule *best = NULL;
	unsigned int n = __atomic_load_n(&r->n, __ATOMIC_ACQUIRE);
	for (unsigned int i = 0; i < n; i++) {
		const struct subtable *st = __atomic_load_n(&r->e[i].subtable, __ATOMIC_ACQUIRE);
		if (!st)
			continue;
		if (best && best->priority >= __atomic_load_n(&r->e[i].max_priority, __ATOMIC_ACQUIRE)) {
			if (i >= r->n_sorted)
				continue;
			i = r->n_sorted - 1; // only the tail is left
			continue;
		}
		struct cls_rule *rule;
		if (mask)
			rule = search(&l, st);
		else
			rule = find_rule(st, l.words,
					 cls_table_hash(hash_u64(hash_flow(st, l.words, 0, st->n_words, 0))));
		if (rule && (!best || rule->priority > best->priority))
			best = rule;
	}
	return best;
}

// --- The main thread's searches.

struct cls_rule *classifier_find_exactly(const struct classifier *c, const struct match *match, int priority)
{
	struct cls_rule key, *found = NULL;
	cls_rule_init(&key, match, priority);
	struct subtable *st = subtable_find(c, &key.match);
	uint64_t *slot = st ? find_chain(st, rule_values(&key, st), update_indexes(st, &key, 0)) : NULL;
	for (struct cls_rule *r = slot ? (struct cls_rule *)(uintptr_t)*slot : NULL; r; r = chain_next(r))
		if (r->priority == priority)
			found = r;
	cls_rule_done(&key);
	return found;
}

// Is there a packet that both accept?
static bool rules_overlap(const struct subtable *st, const struct cls_rule *rule, const struct match *match)
{
	const uint64_t *values = rule_values(rule, st);
	const uint64_t *flow = flow_words_const(&match->flow), *mask = flow_words_const(&match->mask);
	for (unsigned int i = 0; i < st->n_words; i++) {
		unsigned int w = st->at[i];
		if ((flow[w] ^ values[i]) & mask[w] & st->words[i])
			return false;
	}
	return true;
}

bool classifier_overlaps(const struct classifier *c, const struct match *match, int priority)
{
	CLS_TABLE_FOREACH (s, &c->masks) {
		struct subtable *st = (struct subtable *)(uintptr_t)s;
		size_t i = priority_place(st, priority);
		if (i == st->priorities.n || st->priorities.v[i].priority != priority)
			continue;
		CLS_TABLE_FOREACH (v, &st->rules)
			for (struct cls_rule *r = (struct cls_rule *)(uintptr_t)v; r; r = chain_next(r))
				if (r->priority == priority && rules_overlap(st, r, match))
					return true;
	}
	return false;
}

// Does the subtable's mask have every bit that the target's has?
static bool mask_covers(const struct subtable *st, const struct match *target)
{
	const uint64_t *mask = flow_words_const(&target->mask);
	unsigned int i = 0;
	for (unsigned int w = 0; w < FLOW_WORDS; w++) {
		uint64_t have = i < st->n_words && st->at[i] == w ? st->words[i++] : 0;
		if (mask[w] & ~have)
			return false;
	}
	return true;
}

void classifier_for_each(struct classifier *c, const struct match *target, bool (*cb)(void *arg, struct cls_rule *),
			 void *arg)
{
	// Collected first, as the callback may remove what it is shown and with it move everything else.
	VEC(struct cls_rule *) found = {0};
	CLS_TABLE_FOREACH (s, &c->masks) {
		struct subtable *st = (struct subtable *)(uintptr_t)s;
		if (target && !mask_covers(st, target))
			continue;
		CLS_TABLE_FOREACH (v, &st->rules) {
			struct cls_rule *head = (struct cls_rule *)(uintptr_t)v;
			if (target && !rules_overlap(st, head, target))
				continue;
			for (struct cls_rule *r = head; r; r = chain_next(r))
				vec_push(&found, r);
		}
	}
	VEC_FOREACH (&found, i)
		if (!cb(arg, found.v[i]))
			break;
	vec_done(&found);
}

unsigned int classifier_count(const struct classifier *c)
{
	return c->n_rules;
}

unsigned int classifier_n_masks(const struct classifier *c)
{
	return c->masks.n;
}
