/* SPDX-License-Identifier: Apache-2.0 */
// Rules with the same mask form a subtable: a hash table from masked values to the rule of highest
// priority that has them (the others hang in a chain behind it, that only the writer follows). A
// lookup goes through the subtables in the order of their highest priority and stops when what is
// left cannot beat what it found.
//
// What a lookup un-wildcards is kept small by three means, each of which proves "no rule here" from
// fewer bits than the mask has:
//  - stages: a subtable knows the hashes of its rules' values up to the end of each stage
//  (metadata, L2, L3). A flow whose hash
//    is not among them is done with the subtable, at the price of the mask's bits up to there;
//  - prefix tries: per field, over all rules. When no rule has a prefix of the subtable's length
//  for this value, the bits that
//    show it are enough;
//  - a trie of L4 ports per subtable, when all but the ports may have matched.
//
// The ranking of subtables is an array sorted by highest priority. With many subtables, new ones
// are appended to a short unsorted tail that readers always look through, so that loading thousands
// of masks does not copy the array thousands of times.
#include "flow/classifier.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rcu.h"
#include "base/vec.h"
#include "flow/cls_subtable.h"

struct rank {
	int32_t max_priority;
	struct cls_subtable *subtable; // NULL: gone
};

struct ranking {
	unsigned int n_sorted, n; // n: atomic
	unsigned int cap, n_gone; // writer
	struct rank e[];
};

struct classifier {
	struct ranking *ranking; // RCU
	struct cls_tries *tries; // RCU; NULL: none
	struct cls_table masks;	 // writer: struct cls_subtable *
	unsigned int n_rules;
	bool purging;
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

// --- The ranking.

static int compare_ranks(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	return (x->max_priority < y->max_priority) - (x->max_priority > y->max_priority);
}

static void ranking_rebuild(struct classifier *c, struct cls_subtable *added)
{
	struct ranking *old = c->ranking;
	unsigned int live = (old ? old->n - old->n_gone : 0) + (added != NULL),
		     cap = live + live / 32;
	struct ranking *r = xcalloc(1, sizeof(*r) + cap * sizeof(r->e[0]));
	r->cap = cap;
	for (unsigned int i = 0; old && i < old->n; i++)
		if (old->e[i].subtable)
			r->e[r->n++] = old->e[i];
	if (added)
		r->e[r->n++] = (struct rank){.max_priority = cls_subtable_max_priority(added),
					     .subtable = added};
	qsort(r->e, r->n, sizeof(r->e[0]), compare_ranks);
	r->n_sorted = r->n;
	for (unsigned int i = 0; i < r->n; i++)
		r->e[i].subtable->rank = i;
	rcu_assign(&c->ranking, r);
	rcu_free_later(old, free);
}

static void ranking_add(struct classifier *c, struct cls_subtable *st)
{
	struct ranking *r = c->ranking;
	if (!r || r->n == r->cap) {
		ranking_rebuild(c, st);
		return;
	}
	st->rank = r->n;
	r->e[r->n] = (struct rank){.max_priority = cls_subtable_max_priority(st), .subtable = st};
	__atomic_store_n(&r->n, r->n + 1, __ATOMIC_RELEASE);
}

static void ranking_remove(struct classifier *c, struct cls_subtable *st)
{
	struct ranking *r = c->ranking;
	__atomic_store_n(&r->e[st->rank].subtable, NULL, __ATOMIC_RELEASE);
	if (++r->n_gone > r->n / 2)
		ranking_rebuild(c, NULL);
}

// The subtable's highest priority has changed.
static void ranking_update(struct classifier *c, struct cls_subtable *st)
{
	struct ranking *r = c->ranking;
	unsigned int i = st->rank;
	int32_t now = cls_subtable_max_priority(st);
	bool stays =
		i >= r->n_sorted || ((!i || r->e[i - 1].max_priority >= now) &&
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
static const struct cls_prefix_field prefix_fields[] = {
#define PREFIX(ID, MEMBER, STAGE)                                                                  \
	{                                                                                          \
		.offset = offsetof(struct flow, MEMBER),                                           \
		.n_bits = sizeof(((struct flow *)NULL)->MEMBER) * 8, .id = FIELD_##ID,             \
		.stage = STAGE                                                                     \
	}
	PREFIX(IPV4_DST, nw_dst, 2),
	PREFIX(IPV4_SRC, nw_src, 2),
	PREFIX(IPV6_DST, ipv6_dst, 2),
	PREFIX(IPV6_SRC, ipv6_src, 2),
	PREFIX(TUN_ID, tunnel.id, 0),
	PREFIX(TUN_DST, tunnel.ip_dst, 0),
	PREFIX(TUN_SRC, tunnel.ip_src, 0),
	PREFIX(TUN_IPV6_DST, tunnel.ipv6_dst, 0),
	PREFIX(TUN_IPV6_SRC, tunnel.ipv6_src, 0),
	PREFIX(METADATA, metadata, 0),
	PREFIX(CT_NW_DST, ct_nw_dst, 2),
	PREFIX(CT_NW_SRC, ct_nw_src, 2),
	PREFIX(CT_IPV6_DST, ct_ipv6_dst, 2),
	PREFIX(CT_IPV6_SRC, ct_ipv6_src, 2),
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
	static const enum field_id defaults[] = {FIELD_IPV4_DST, FIELD_IPV4_SRC, FIELD_IPV6_DST,
						 FIELD_IPV6_SRC};
	struct classifier *c = XNEW(struct classifier);
	classifier_set_prefixes(c, defaults, 4);
	return c;
}

static void free_tries(void *tries_)
{
	struct cls_tries *tries = tries_;
	for (unsigned int i = 0; tries && i < tries->n; i++)
		cls_trie_done(&tries->v[i].trie);
	free(tries);
}

void classifier_free(struct classifier *c)
{
	if (!c)
		return;
	assert(!c->n_rules);
	cls_table_done(&c->masks);
	free(c->ranking);
	free_tries(c->tries); // without rules they still have their array
	free(c);
}

static void trie_insert(struct cls_tries *tries, unsigned int i, const struct cls_subtable *st,
			const struct match *match)
{
	if (st->plen[i])
		cls_trie_insert(&tries->v[i].trie, cls_prefix_value(&match->flow, &tries->v[i]),
				st->plen[i]);
}

static void fill_tries(struct classifier *c, struct cls_tries *tries)
{
	CLS_TABLE_FOREACH (s, &c->masks) {
		struct cls_subtable *st = (struct cls_subtable *)(uintptr_t)s;
		CLS_TABLE_FOREACH (v, &st->rules) {
			for (struct cls_rule *r = (struct cls_rule *)(uintptr_t)v; r;
			     r = cls_rule_next(r)) {
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
	struct cls_tries *tries = XNEW(struct cls_tries), *old = c->tries;
	for (unsigned int i = 0; i < n && tries->n < CLS_MAX_PREFIXES; i++)
		for (size_t j = 0; j < sizeof(prefix_fields) / sizeof(prefix_fields[0]); j++)
			if (prefix_fields[j].id == fields[i])
				tries->v[tries->n++] = prefix_fields[j];
	// The subtables' prefix lengths belong to the old tries: no reader may still use these when
	// they change.
	rcu_assign(&c->tries, NULL);
	if (c->n_rules)
		rcu_synchronize();
	CLS_TABLE_FOREACH (s, &c->masks)
		cls_subtable_set_plens((struct cls_subtable *)(uintptr_t)s, tries);
	fill_tries(c, tries);
	rcu_assign(&c->tries, tries);
	free_tries(old);
}

static struct cls_tries *empty_tries(const struct cls_tries *like)
{
	struct cls_tries *tries = XNEW(struct cls_tries);
	*tries = *like;
	for (unsigned int i = 0; i < tries->n; i++)
		tries->v[i].trie = (struct cls_trie){0};
	return tries;
}

// What readers may still walk through is left to RCU in a few pieces; only the rules' links are
// undone one by one.
void classifier_clear(struct classifier *c)
{
	struct ranking *ranking = c->ranking;
	struct cls_tries *tries = c->tries;
	assert(!c->purging);
	rcu_assign(&c->ranking, NULL);
	rcu_assign(&c->tries, empty_tries(tries));
	rcu_free_later(ranking, free);
	rcu_free_later(tries, free_tries);
	CLS_TABLE_FOREACH (s, &c->masks) {
		struct cls_subtable *st = (struct cls_subtable *)(uintptr_t)s;
		CLS_TABLE_FOREACH (v, &st->rules)
			cls_chain_undo((struct cls_rule *)(uintptr_t)v);
		rcu_free_later(st, cls_subtable_free);
	}
	cls_table_done(&c->masks);
	c->n_rules = 0;
}

void classifier_begin_purge(struct classifier *c)
{
	assert(!c->purging);
	c->purging = true;
}

void classifier_end_purge(struct classifier *c)
{
	struct cls_tries *old = c->tries, *tries = empty_tries(old);
	assert(c->purging);
	fill_tries(c, tries);
	rcu_assign(&c->tries, tries);
	rcu_free_later(old, free_tries);
	c->purging = false;
}

static struct cls_subtable *find_subtable(const struct classifier *c, const struct minimatch *m,
					  uint32_t hash)
{
	uint32_t at = hash;
	if (!c->masks.slots)
		return NULL;
	for (uint64_t v; (v = cls_slots_next(c->masks.slots, hash, &at));) {
		struct cls_subtable *st = (struct cls_subtable *)(uintptr_t)v;
		if (cls_subtable_has_mask(st, m))
			return st;
	}
	return NULL;
}

static void count_priority(struct classifier *c, struct cls_subtable *st, int32_t priority)
{
	bool new = !st->priorities.n;
	int32_t old_max = new ? 0 : cls_subtable_max_priority(st);
	size_t i = cls_subtable_priority_place(st, priority);
	if (i < st->priorities.n && st->priorities.v[i].priority == priority) {
		st->priorities.v[i].n++;
		return;
	}
	(void)vec_extend(&st->priorities);
	memmove(&st->priorities.v[i + 1], &st->priorities.v[i],
		(st->priorities.n - 1 - i) * sizeof(st->priorities.v[0]));
	st->priorities.v[i] = (struct cls_priority){.priority = priority, .n = 1};
	if (new)
		ranking_add(c, st);
	else if (priority > old_max)
		ranking_update(c, st);
}

const struct cls_rule *classifier_replace(struct classifier *c, struct cls_rule *rule)
{
	uint32_t hash = cls_mask_hash(&rule->match);
	struct cls_subtable *st = find_subtable(c, &rule->match, hash);
	assert(!c->purging);
	if (!st) {
		st = cls_subtable_new(&rule->match, c->tries, hash);
		cls_table_insert(&c->masks, hash, (uint64_t)(uintptr_t)st);
	}
	const struct cls_rule *replaced = cls_subtable_insert(st, c->tries, rule);
	if (replaced)
		return replaced;
	c->n_rules++;
	count_priority(c, st, rule->priority);
	return NULL;
}

void classifier_remove(struct classifier *c, struct cls_rule *rule)
{
	struct cls_subtable *st = cls_rule_subtable(rule);
	cls_subtable_remove(st, c->purging ? NULL : c->tries, rule);
	c->n_rules--;

	size_t i = cls_subtable_priority_place(st, rule->priority);
	if (--st->priorities.v[i].n)
		return;
	bool was_max = i + 1 == st->priorities.n;
	vec_remove(&st->priorities, i);
	if (!st->priorities.n) {
		ranking_remove(c, st);
		cls_table_remove(&c->masks, st->hash, (uint64_t)(uintptr_t)st);
		rcu_free_later(st, cls_subtable_free);
	} else if (was_max) {
		ranking_update(c, st);
	}
}

struct cls_rule *classifier_lookup(const struct classifier *c, const struct flow *flow,
				   struct flow *mask)
{
	const struct ranking *r = rcu_get(&c->ranking);
	if (!r)
		return NULL;
	struct cls_lookup l = {
		.flow = flow, .words = flow_words_const(flow), .tries = rcu_get(&c->tries)};
	if (mask)
		l.mask = flow_words(mask);
	struct cls_rule *best = NULL;
	unsigned int n = __atomic_load_n(&r->n, __ATOMIC_ACQUIRE);
	for (unsigned int i = 0; i < n; i++) {
		const struct cls_subtable *st =
			__atomic_load_n(&r->e[i].subtable, __ATOMIC_ACQUIRE);
		if (!st)
			continue;
		if (best &&
		    best->priority >= __atomic_load_n(&r->e[i].max_priority, __ATOMIC_ACQUIRE)) {
			if (i >= r->n_sorted)
				continue;
			i = r->n_sorted - 1; // only the tail is left
			continue;
		}
		struct cls_rule *rule;
		if (mask)
			rule = cls_subtable_search(&l, st);
		else
			rule = cls_subtable_find(st, l.words);
		if (rule && (!best || rule->priority > best->priority))
			best = rule;
	}
	return best;
}

void classifier_each_match(const struct classifier *c, const struct flow *flow, struct flow *mask,
			   int above, bool (*cb)(void *arg, struct cls_rule *), void *arg)
{
	const struct ranking *r = rcu_get(&c->ranking);
	if (!r)
		return;
	struct cls_lookup l = {.flow = flow,
			       .words = flow_words_const(flow),
			       .tries = rcu_get(&c->tries),
			       .mask = flow_words(mask)};
	unsigned int n = __atomic_load_n(&r->n, __ATOMIC_ACQUIRE);
	for (unsigned int i = 0; i < n; i++) {
		const struct cls_subtable *st =
			__atomic_load_n(&r->e[i].subtable, __ATOMIC_ACQUIRE);
		if (!st || __atomic_load_n(&r->e[i].max_priority, __ATOMIC_ACQUIRE) <= above)
			continue;
		// The others of the chain have the same match and lower priorities. The writer may
		// be changing it: who then misses one is translated again.
		struct cls_rule *rule = cls_subtable_search(&l, st);
		for (; rule && rule->priority > above; rule = cls_rule_next_shared(rule))
			if (!cb(arg, rule))
				return;
	}
}

// --- The main thread's searches.

struct cls_rule *classifier_find_exactly(const struct classifier *c, const struct match *match,
					 int priority)
{
	struct cls_rule key, *found = NULL;
	cls_rule_init(&key, match, priority);
	struct cls_subtable *st = find_subtable(c, &key.match, cls_mask_hash(&key.match));
	struct cls_rule *r = st ? cls_subtable_chain(st, cls_rule_values(&key, st)) : NULL;
	for (; r; r = cls_rule_next(r))
		if (r->priority == priority)
			found = r;
	cls_rule_done(&key);
	return found;
}

// Is there a packet that both accept?
static bool rules_overlap(const struct cls_subtable *st, const struct cls_rule *rule,
			  const struct match *match)
{
	const uint64_t *values = cls_rule_values(rule, st);
	const uint64_t *flow = flow_words_const(&match->flow),
		       *mask = flow_words_const(&match->mask);
	unsigned int n = flow_n_words(&match->mask);
	for (unsigned int i = 0; i < st->n_words && st->at[i] < n; i++) {
		unsigned int w = st->at[i];
		if ((flow[w] ^ values[i]) & mask[w] & st->words[i])
			return false;
	}
	return true;
}

bool classifier_overlaps(const struct classifier *c, const struct match *match, int priority)
{
	CLS_TABLE_FOREACH (s, &c->masks) {
		struct cls_subtable *st = (struct cls_subtable *)(uintptr_t)s;
		size_t i = cls_subtable_priority_place(st, priority);
		if (i == st->priorities.n || st->priorities.v[i].priority != priority)
			continue;
		CLS_TABLE_FOREACH (v, &st->rules)
			for (struct cls_rule *r = (struct cls_rule *)(uintptr_t)v; r;
			     r = cls_rule_next(r))
				if (r->priority == priority && rules_overlap(st, r, match))
					return true;
	}
	return false;
}

// Does the subtable's mask have every bit that the target's has?
static bool mask_covers(const struct cls_subtable *st, const struct match *target)
{
	const uint64_t *mask = flow_words_const(&target->mask);
	unsigned int i = 0;
	for (unsigned int w = 0, n = flow_n_words(&target->mask); w < n; w++) {
		uint64_t have = i < st->n_words && st->at[i] == w ? st->words[i++] : 0;
		if (mask[w] & ~have)
			return false;
	}
	return true;
}

void classifier_for_each(struct classifier *c, const struct match *target,
			 bool (*cb)(void *arg, struct cls_rule *), void *arg)
{
	static const struct flow nothing;
	if (target && flow_equal(&target->mask, &nothing))
		target = NULL;
	// Collected first, as the callback may remove what it is shown and with it move everything
	// else. In the order of lookup, so that people see first what counts most.
	VEC(struct cls_rule *) found = {0};
	for (unsigned int i = 0; c->ranking && i < c->ranking->n; i++) {
		struct cls_subtable *st = c->ranking->e[i].subtable;
		if (!st || (target && !mask_covers(st, target)))
			continue;
		CLS_TABLE_FOREACH (v, &st->rules) {
			struct cls_rule *head = (struct cls_rule *)(uintptr_t)v;
			if (target && !rules_overlap(st, head, target))
				continue;
			for (struct cls_rule *r = head; r; r = cls_rule_next(r))
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
