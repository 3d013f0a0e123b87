/* SPDX-License-Identifier: Apache-2.0 */
// Which rule makes room in a full table: of the rules with a timeout in the largest group (rules with equal values of the table's
// grouping fields), the least important, and of those the one that would go soonest. Found by looking at all of them: a table that
// evicts has a limit, and it is the limit that bounds the work.
#include <stdlib.h>

#include "base/hash.h"
#include "ofproto/table.h"

struct candidate {
	uint64_t group; // a hash of the grouping fields' values
	struct rule *rule;
};

static uint64_t group_of(const struct oftable *t, const struct rule *r)
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

static int by_group(const void *a_, const void *b_)
{
	const struct candidate *a = a_, *b = b_;
	return a->group < b->group ? -1 : a->group > b->group;
}

static int64_t leaves_at(const struct rule *r)
{
	int64_t used = rule_counts(r).used;
	int64_t busy = used > r->modified ? used : r->modified;
	int64_t idle = r->idle_timeout ? busy + r->idle_timeout * INT64_C(1000) : INT64_MAX;
	int64_t hard = r->hard_timeout ? r->modified + r->hard_timeout * INT64_C(1000) : INT64_MAX;
	return idle < hard ? idle : hard;
}

static bool better_victim(const struct rule *a, const struct rule *b)
{
	if (a->importance != b->importance)
		return a->importance < b->importance;
	return leaves_at(a) < leaves_at(b);
}

static struct rule *best_of_largest(const struct candidate *c, size_t n)
{
	struct rule *best = NULL;
	size_t largest = 0;
	for (size_t begin = 0, end; begin < n; begin = end) {
		for (end = begin + 1; end < n && c[end].group == c[begin].group; end++)
			;
		if (end - begin < largest)
			continue;
		if (end - begin > largest) {
			largest = end - begin;
			best = NULL;
		}
		for (size_t i = begin; i < end; i++)
			if (!best || better_victim(c[i].rule, best))
				best = c[i].rule;
	}
	return best;
}

struct rule *tables_eviction_candidate(const struct tables *ts, uint8_t table_id)
{
	const struct oftable *t = &ts->table[table_id];
	struct rule_vec all = {0};
	tables_collect(ts, table_id, NULL, &all);
	struct candidate *c = xcalloc(all.n, sizeof(*c));
	size_t n = 0;
	VEC_FOREACH (&all, i)
		if (!all.v[i]->hidden && (all.v[i]->idle_timeout || all.v[i]->hard_timeout))
			c[n++] = (struct candidate){.group = group_of(t, all.v[i]), .rule = all.v[i]};
	qsort(c, n, sizeof(*c), by_group);
	struct rule *victim = best_of_largest(c, n);
	free(c);
	vec_done(&all);
	return victim;
}
