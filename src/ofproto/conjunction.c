/* SPDX-License-Identifier: Apache-2.0 */
// Conjunctive matches: "source in this set and destination in that one" without a rule for every
// pair. Each set is a clause; a rule per member has the action conjunction(id, clause k of n). A
// packet that meets all clauses of an id at one priority is looked up again with conj_id=id, which
// another rule matches on.
//
// Such rules are soft: they decide nothing by themselves. They are in a classifier of their own,
// which is asked only for what has a higher priority than the hard rule that was found. From the
// highest priority on downwards, the first that completes an id and finds a rule for it, wins.
#include <stdlib.h>

#include "base/rcu.h"
#include "base/vec.h"
#include "ofproto/table.h"
#include "openflow/action.h"

struct soft_matches {
	VEC(const struct rule *) rules;
};

struct progress { // of one id, at one priority
	uint32_t id;
	uint8_t n_clauses;
	uint64_t clauses; // met
};

static bool collect(void *matches_, struct cls_rule *c)
{
	struct soft_matches *matches = matches_;
	const struct rule *r = (const void *)((const char *)c - offsetof(struct rule, cls));
	vec_push(&matches->rules, r);
	return true;
}

static int by_priority(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;
	return ((*x)->cls.priority < (*y)->cls.priority) -
	       ((*x)->cls.priority > (*y)->cls.priority);
}

struct progress_vec {
	struct progress *v;
	size_t n, cap;
};

static struct progress *progress_of(struct progress_vec *all, const struct ofpact_conjunction *conj)
{
	VEC_FOREACH (all, i)
		if (all->v[i].id == conj->id && all->v[i].n_clauses == conj->n_clauses)
			return &all->v[i];
	struct progress *p = vec_extend(all);
	*p = (struct progress){.id = conj->id, .n_clauses = conj->n_clauses};
	return p;
}

static bool is_complete(const struct progress *p)
{
	return p->clauses == (p->n_clauses >= 64 ? UINT64_MAX : (UINT64_C(1) << p->n_clauses) - 1);
}

// The clauses that rules [from, to) meet, all of one priority.
static void add_up(const struct soft_matches *m, size_t from, size_t to, struct progress_vec *all)
{
	all->n = 0;
	for (size_t i = from; i < to; i++) {
		const struct rule_actions *actions =
			rcu_get(&((struct rule *)(uintptr_t)m->rules.v[i])->actions);
		OFPACT_FOREACH (a, actions->list, actions->len) {
			const struct ofpact_conjunction *conj = (const void *)a;
			if (a->type == OFPACT_CONJUNCTION)
				progress_of(all, conj)->clauses |= UINT64_C(1) << conj->clause;
		}
	}
}

struct cls_rule *conjunction_lookup(const struct classifier *cls, const struct classifier *soft,
				    const struct flow *flow, struct flow *mask,
				    struct cls_rule *hard)
{
	struct soft_matches m = {0};
	struct progress_vec all = {0};
	struct cls_rule *found = NULL;
	struct flow unseen;
	flow_clear(&unseen);
	classifier_each_match(soft, flow, mask ? mask : &unseen, hard ? hard->priority : INT32_MIN,
			      collect, &m);
	if (m.rules.n > 1)
		qsort(m.rules.v, m.rules.n, sizeof(m.rules.v[0]), by_priority);
	for (size_t from = 0, to; !found && from < m.rules.n; from = to) {
		for (to = from;
		     to < m.rules.n && m.rules.v[to]->cls.priority == m.rules.v[from]->cls.priority;
		     to++)
			;
		add_up(&m, from, to, &all);
		for (size_t i = 0; !found && i < all.n; i++) {
			struct flow with_id;
			flow_copy(&with_id, flow);
			with_id.conj_id = all.v[i].id;
			if (is_complete(&all.v[i]))
				found = classifier_lookup(cls, &with_id, mask);
		}
	}
	vec_done(&m.rules);
	vec_done(&all);
	return found ? found : hard;
}
