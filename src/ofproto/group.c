/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/group.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rcu.h"

static struct group **chain_of(const struct group_table *t, uint32_t id)
{
	return (struct group **)(uintptr_t)&t->chain[hash_u64(id) % GROUP_CHAINS];
}

struct group *group_find(const struct group_table *t, uint32_t id)
{
	for (struct group *g = rcu_get(chain_of(t, id)); g; g = rcu_get(&g->next))
		if (g->g.group_id == id)
			return g;
	return NULL;
}

static struct group **find_link(struct group_table *t, uint32_t id)
{
	struct group **link = chain_of(t, id);
	while (*link && (*link)->g.group_id != id)
		link = &(*link)->next;
	return link;
}

void group_put(struct group_table *t, struct ofp_group *g)
{
	struct group *new = XNEW(struct group), **link = find_link(t, g->group_id), *old = *link;
	new->g = *g;
	memset(g, 0, sizeof(*g));
	new->refs = 1;
	new->slots = group_hashes_in_datapath(&new->g) ? group_slots_new(&new->g) : NULL;
	new->buckets = xcalloc(new->g.buckets.n + 1, sizeof(*new->buckets));
	new->created = old ? old->created : clock_ms();
	new->next = old ? old->next : NULL;
	rcu_assign(link, new);
	t->n += !old;
	group_unref(old);
}

void group_remove(struct group_table *t, uint32_t id)
{
	struct group **link = find_link(t, id), *g = *link;
	if (!g)
		return;
	rcu_assign(link, g->next);
	t->n--;
	group_unref(g);
}

void group_table_clear(struct group_table *t)
{
	for (unsigned int i = 0; i < GROUP_CHAINS; i++)
		while (t->chain[i])
			group_remove(t, t->chain[i]->g.group_id);
}

static int compare_ids(const void *a_, const void *b_)
{
	const struct group *const *a = a_, *const *b = b_;
	return ((*a)->g.group_id > (*b)->g.group_id) - ((*a)->g.group_id < (*b)->g.group_id);
}

void group_for_each(const struct group_table *t, void (*cb)(void *, const struct group *),
		    void *arg)
{
	const struct group **all = xcalloc(t->n + 1, sizeof(struct group *));
	size_t n = 0;
	for (unsigned int i = 0; i < GROUP_CHAINS; i++)
		for (const struct group *g = t->chain[i]; g; g = g->next)
			all[n++] = g;
	qsort(all, n, sizeof(struct group *), compare_ids);
	for (size_t i = 0; i < n; i++)
		cb(arg, all[i]);
	free(all);
}

static void group_free(void *g_)
{
	struct group *g = g_;
	ofp_group_done(&g->g);
	free(g->buckets);
	group_slots_free(g->slots);
	free(g);
}

struct group *group_try_ref(struct group *g)
{
	unsigned int n = __atomic_load_n(&g->refs, __ATOMIC_RELAXED);
	while (n)
		if (__atomic_compare_exchange_n(&g->refs, &n, n + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return g;
	return NULL;
}

void group_unref(struct group *g)
{
	if (g && __atomic_fetch_sub(&g->refs, 1, __ATOMIC_ACQ_REL) == 1)
		rcu_free_later(g, group_free);
}

static void add(struct group_counts *c, uint64_t packets, uint64_t bytes)
{
	__atomic_fetch_add(&c->packets, packets, __ATOMIC_RELAXED);
	__atomic_fetch_add(&c->bytes, bytes, __ATOMIC_RELAXED);
}

void group_credit(struct group *g, uint32_t bucket, uint64_t packets, uint64_t bytes)
{
	add(&g->total, packets, bytes);
	VEC_FOREACH (&g->g.buckets, i)
		if (bucket == (uint32_t)GROUP_ALL_BUCKETS || bucket == i)
			add(&g->buckets[i], packets, bytes);
}

struct group_counts group_counts(const struct group_counts *c)
{
	return (struct group_counts){.packets = __atomic_load_n(&c->packets, __ATOMIC_RELAXED),
				     .bytes = __atomic_load_n(&c->bytes, __ATOMIC_RELAXED)};
}

int group_select(const struct ofp_group *g, uint64_t hash,
		 bool (*alive)(void *, const struct ofp_bucket *), void *arg)
{
	int best = -1;
	double best_score = 0;
	VEC_FOREACH (&g->buckets, i) {
		const struct ofp_bucket *b = &g->buckets.v[i];
		if (!b->weight || (alive && !alive(arg, b)))
			continue;
		// Uniform in (0, 1): of exponential draws with rates `weight`, the least is each
		// one's with that probability.
		double u = ((double)(hash_combine(hash, b->bucket_id) >> 11) + 0.5) * 0x1p-53;
		double score = -(double)b->weight / log(u);
		if (best < 0 || score > best_score) {
			best = (int)i;
			best_score = score;
		}
	}
	return best;
}

// --- Loops.

struct search {
	const struct group_table *table;
	uint32_t wanted;
	unsigned int budget; // a walk over more than this is refused as well
};

static bool leads_back(const struct ofp_group *, struct search *);

static bool visit(void *search_, uint32_t id)
{
	struct search *s = search_;
	if (id == s->wanted || !s->budget)
		return true;
	s->budget--;
	const struct group *g = group_find(s->table, id);
	return g && leads_back(&g->g, s);
}

static bool leads_back(const struct ofp_group *g, struct search *s)
{
	VEC_FOREACH (&g->buckets, i) {
		const struct ofp_bucket *b = &g->buckets.v[i];
		if (ofpacts_each_group(b->actions, b->actions_len, visit, s))
			return true;
		if (b->watch_group != OFPG_ANY && visit(s, b->watch_group))
			return true;
	}
	return false;
}

bool group_makes_loop(const struct group_table *t, const struct ofp_group *g)
{
	enum { MAX_VISITS = 10000 };
	struct search s = {.table = t, .wanted = g->group_id, .budget = MAX_VISITS};
	return leads_back(g, &s);
}
