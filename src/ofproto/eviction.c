/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/eviction.h"

#include <stdlib.h>
#include <uthash.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/vec.h"
#include "ofproto/table.h"

enum { EQUALS_LOOKED_AT = 64 }; // groups of the same size: which of more than these gives is chance

struct place { // of one rule
	const struct rule *rule;
	struct group *group;
	size_t at;	// in the group's heap
	int64_t leaves; // as of when it was last looked at: not later than the truth
	UT_hash_handle hh;
};

struct group {
	uint64_t value; // a hash of the grouping fields' values
	VEC(struct place *) heap;
	struct group *next, *prev; // of those that are as large
	UT_hash_handle hh;
};

struct eviction {
	const struct oftable *table;
	struct place *places;	     // uthash by rule
	struct group *groups;	     // uthash by value
	VEC(struct group *) by_size; // lists; the last that is not empty is what is wanted
};

// --- Groups by size.

static void list(struct eviction *e, struct group *g)
{
	size_t n = g->heap.n;
	while (e->by_size.n <= n)
		vec_push(&e->by_size, NULL);
	g->prev = NULL;
	g->next = e->by_size.v[n];
	if (g->next)
		g->next->prev = g;
	e->by_size.v[n] = g;
}

static void unlist(struct eviction *e, const struct group *g)
{
	if (g->prev)
		g->prev->next = g->next;
	else
		e->by_size.v[g->heap.n] = g->next;
	if (g->next)
		g->next->prev = g->prev;
}

static uint64_t group_value(const struct oftable *t, const struct rule *r)
{
	if (!t->n_groups)
		return 0;
	struct match match;
	uint64_t hash = 0;
	minimatch_expand(&r->cls.match, &match);
	for (unsigned int i = 0; i < t->n_groups; i++)
		hash = hash_combine(hash, subfield_get_u64(&t->groups[i], &match.flow));
	return hash;
}

static struct group *get_group(struct eviction *e, uint64_t value)
{
	struct group *g;
	HASH_FIND(hh, e->groups, &value, sizeof(value), g);
	if (!g) {
		g = XNEW(struct group);
		g->value = value;
		HASH_ADD(hh, e->groups, value, sizeof(g->value), g);
		list(e, g);
	}
	return g;
}

// --- The heap of a group.

static int64_t leaves_at(const struct rule *r)
{
	int64_t used = rule_counts(r).used;
	int64_t busy = used > r->modified ? used : r->modified;
	int64_t idle = r->idle_timeout ? busy + r->idle_timeout * INT64_C(1000) : INT64_MAX;
	int64_t hard = r->hard_timeout ? r->modified + r->hard_timeout * INT64_C(1000) : INT64_MAX;
	return idle < hard ? idle : hard;
}

static bool goes_first(const struct place *a, const struct place *b)
{
	if (a->rule->importance != b->rule->importance)
		return a->rule->importance < b->rule->importance;
	return a->leaves < b->leaves;
}

static void put(struct group *g, size_t at, struct place *p)
{
	g->heap.v[at] = p;
	p->at = at;
}

static void sift(struct group *g, struct place *p)
{
	size_t at = p->at, child;
	for (; at && goes_first(p, g->heap.v[(at - 1) / 2]); at = (at - 1) / 2)
		put(g, at, g->heap.v[(at - 1) / 2]);
	for (; (child = 2 * at + 1) < g->heap.n; at = child) {
		if (child + 1 < g->heap.n && goes_first(g->heap.v[child + 1], g->heap.v[child]))
			child++;
		if (!goes_first(g->heap.v[child], p))
			break;
		put(g, at, g->heap.v[child]);
	}
	put(g, at, p);
}

static void place_free(struct eviction *e, struct place *p)
{
	struct group *g = p->group;
	unlist(e, g);
	struct place *last = vec_last(&g->heap);
	g->heap.n--;
	if (last != p) {
		put(g, p->at, last);
		sift(g, last);
	}
	if (g->heap.n) {
		list(e, g);
	} else {
		HASH_DEL(e->groups, g);
		vec_done(&g->heap);
		free(g);
	}
	HASH_DEL(e->places, p);
	free(p);
}

// --- The interface.

struct eviction *eviction_new(const struct oftable *t)
{
	struct eviction *e = XNEW(struct eviction);
	e->table = t;
	return e;
}

void eviction_free(struct eviction *e)
{
	if (!e)
		return;
	while (e->places)
		place_free(e, e->places);
	vec_done(&e->by_size);
	free(e);
}

static struct place *find(const struct eviction *e, const struct rule *r)
{
	struct place *p;
	HASH_FIND(hh, e->places, &r, sizeof(r), p);
	return p;
}

void eviction_remove(struct eviction *e, const struct rule *r)
{
	struct place *p = find(e, r);
	if (p)
		place_free(e, p);
}

void eviction_update(struct eviction *e, struct rule *r)
{
	struct place *p = find(e, r);
	if (r->hidden || (!r->idle_timeout && !r->hard_timeout)) {
		if (p)
			place_free(e, p);
		return;
	}
	if (!p) {
		struct group *g = get_group(e, group_value(e->table, r));
		p = XNEW(struct place);
		p->rule = r;
		p->group = g;
		HASH_ADD(hh, e->places, rule, sizeof(p->rule), p);
		unlist(e, g);
		p->at = g->heap.n;
		vec_push(&g->heap, p);
		list(e, g);
	}
	p->leaves = leaves_at(r);
	sift(p->group, p);
}

// The first of the group's heap, with its deadline as it is now.
static const struct place *first_of(struct group *g)
{
	for (;;) {
		struct place *first = g->heap.v[0];
		int64_t now = leaves_at(first->rule);
		if (now <= first->leaves)
			return first;
		first->leaves = now;
		sift(g, first);
	}
}

struct rule *eviction_candidate(struct eviction *e)
{
	while (e->by_size.n && !vec_last(&e->by_size))
		e->by_size.n--;
	if (e->by_size.n < 2) // groups have at least one
		return NULL;
	const struct place *best = NULL;
	unsigned int n = 0;
	for (struct group *g = vec_last(&e->by_size); g && n < EQUALS_LOOKED_AT; g = g->next, n++) {
		const struct place *p = first_of(g);
		if (!best || goes_first(p, best))
			best = p;
	}
	return (struct rule *)(uintptr_t)best->rule;
}
