/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/table.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "base/rcu.h"
#include "ofproto/eviction.h"
#include "openflow/action.h"

enum { N_KINDS = 2 }; // of rules, each with a classifier: hard and soft ones
static const enum field_id default_prefixes[] = {FIELD_IPV4_DST, FIELD_IPV4_SRC, FIELD_IPV6_DST,
						 FIELD_IPV6_SRC};

static struct rule *rule_of(const struct cls_rule *c)
{
	return (struct rule *)(void *)((uintptr_t)c - offsetof(struct rule, cls));
}

static void apply_prefixes(const struct oftable *t)
{
	bool usual = t->n_prefixes == UINT_MAX;
	for (int i = 0; i < N_KINDS; i++) {
		struct classifier *cls = i ? t->soft : t->cls;
		if (cls)
			classifier_set_prefixes(cls, usual ? default_prefixes : t->prefixes,
						usual ? sizeof(default_prefixes) /
								sizeof(default_prefixes[0])
						      : t->n_prefixes);
	}
}

// The classifier of the rule's kind, made when there is none.
static struct classifier *classifier_of(struct oftable *t, bool soft)
{
	struct classifier **where = soft ? &t->soft : &t->cls;
	if (!*where) {
		struct classifier *cls = classifier_new();
		rcu_assign(where, cls);
		apply_prefixes(t);
	}
	return *where;
}

static bool has_conjunctions(const struct rule_actions *actions)
{
	OFPACT_FOREACH (a, actions->list, actions->len)
		if (a->type == OFPACT_CONJUNCTION)
			return true;
	return false;
}

static bool owns_learned(const void *actions, size_t len)
{
	OFPACT_FOREACH (a, actions, len) {
		size_t inner_len;
		const struct ofpact *inner = ofpact_nested(a, &inner_len);
		if (inner && owns_learned(inner, inner_len))
			return true;
		if (a->type == OFPACT_LEARN &&
		    ((const struct ofpact_learn *)(const void *)a)->flags & LEARN_DELETE_LEARNED)
			return true;
	}
	return false;
}

void tables_init(struct tables *ts, struct ofproto *ofproto)
{
	memset(ts, 0, sizeof(*ts));
	ts->ofproto = ofproto;
	for (int i = 0; i < OFPROTO_N_TABLES; i++)
		ts->table[i].flow_limit = ts->table[i].n_prefixes = UINT_MAX,
		ts->table[i].miss = TABLE_MISS_DEFAULT;
}

void tables_clear(struct tables *ts)
{
	struct rule_vec all = {0};
	for (uint8_t i = 0; i < OFPROTO_N_TABLES; i++)
		tables_collect(ts, i, NULL, &all);
	tables_remove_many(ts, &all);
	rule_unref_many(all.v, all.n);
	vec_done(&all);
}

void tables_done(struct tables *ts)
{
	tables_clear(ts);
	for (int i = 0; i < OFPROTO_N_TABLES; i++) {
		struct oftable *t = &ts->table[i];
		classifier_free(t->cls);
		classifier_free(t->soft);
		free(t->name);
		free(t->of_name);
		eviction_free(t->eviction);
		free(t->groups);
	}
	expiry_done(&ts->expiry);
	triggers_done(&ts->triggers);
	cookie_counts_done(&ts->cookies);
}

static void count(struct tables *ts, const struct rule *r, unsigned int n)
{
	ts->n_rules += n;
	if (r->hidden)
		ts->n_hidden += n;
	cookie_counts_add(&ts->cookies, r->table_id, r->cookie, n);
}

static void forget_times(struct tables *ts, struct rule *r)
{
	struct oftable *t = &ts->table[r->table_id];
	expiry_remove(&ts->expiry, r);
	if (t->eviction)
		eviction_remove(t->eviction, r);
}

// Where the rule has a classifier to itself.
static struct classifier *home(const struct tables *ts, const struct rule *r)
{
	const struct oftable *t = &ts->table[r->table_id];
	return r->soft ? t->soft : t->cls;
}

// A rule of the other kind with the same match and priority.
static struct rule *find_other_kind(const struct tables *ts, const struct rule *r)
{
	const struct oftable *t = &ts->table[r->table_id];
	const struct classifier *other = r->soft ? t->cls : t->soft;
	if (!other || !classifier_count(other))
		return NULL;
	struct match match;
	minimatch_expand(&r->cls.match, &match);
	struct cls_rule *c = classifier_find_exactly(other, &match, r->cls.priority);
	return c ? rule_of(c) : NULL;
}

struct rule *tables_insert(struct tables *ts, struct rule *r)
{
	struct oftable *t = &ts->table[r->table_id];
	r->table = t;
	r->soft = has_conjunctions(r->actions);
	r->owns_learned = owns_learned(r->actions->list, r->actions->len);
	struct rule *other = find_other_kind(ts, r);
	if (other)
		tables_remove(ts, other);
	const struct cls_rule *old_cls = classifier_replace(classifier_of(t, r->soft), &r->cls);
	count(ts, r, 1);
	tables_touch(ts, r);
	triggers_watch(&ts->triggers, r);
	if (!old_cls)
		return other;
	struct rule *old = rule_of(old_cls);
	count(ts, old, -1U);
	forget_times(ts, old);
	__atomic_store_n(&old->removed, true, __ATOMIC_RELEASE);
	return old;
}

void tables_set_actions(struct tables *ts, struct rule *r, const void *list, size_t len)
{
	rule_set_actions(r, list, len);
	bool soft = has_conjunctions(r->actions);
	r->owns_learned = owns_learned(list, len);
	if (r->removed)
		return;
	triggers_watch(&ts->triggers, r);
	if (soft == r->soft)
		return;
	// Readers may miss it for a moment, or see it twice; the change has every megaflow looked
	// at again.
	classifier_remove(home(ts, r), &r->cls);
	r->soft = soft;
	(void)classifier_replace(classifier_of(&ts->table[r->table_id], soft), &r->cls);
}

static void leave(struct tables *ts, struct rule *r)
{
	count(ts, r, -1U);
	forget_times(ts, r);
	__atomic_store_n(&r->removed, true, __ATOMIC_RELEASE);
}

void tables_remove(struct tables *ts, struct rule *r)
{
	assert(!r->removed);
	classifier_remove(home(ts, r), &r->cls);
	leave(ts, r);
}

void tables_remove_many(struct tables *ts, const struct rule_vec *rules)
{
	enum { ONE_BY_ONE, PURGE, CLEARED } how[OFPROTO_N_TABLES][N_KINDS] = {{ONE_BY_ONE}};
	unsigned int n[OFPROTO_N_TABLES][N_KINDS] = {{0}};
	VEC_FOREACH (rules, i)
		n[rules->v[i]->table_id][rules->v[i]->soft]++;
	for (int i = 0; i < OFPROTO_N_TABLES; i++)
		for (int kind = 0; kind < N_KINDS; kind++) {
			struct classifier *cls = kind ? ts->table[i].soft : ts->table[i].cls;
			if (n[i][kind] < 2)
				continue;
			unsigned int stay = classifier_count(cls) - n[i][kind];
			how[i][kind] = !stay ? CLEARED : n[i][kind] >= stay ? PURGE : ONE_BY_ONE;
			if (!stay)
				classifier_clear(cls);
			else if (how[i][kind] == PURGE)
				classifier_begin_purge(cls);
		}
	VEC_FOREACH (rules, i) {
		struct rule *r = rules->v[i];
		assert(!r->removed);
		if (how[r->table_id][r->soft] != CLEARED)
			classifier_remove(home(ts, r), &r->cls);
		leave(ts, r);
	}
	for (int i = 0; i < OFPROTO_N_TABLES; i++)
		for (int kind = 0; kind < N_KINDS; kind++)
			if (how[i][kind] == PURGE)
				classifier_end_purge(kind ? ts->table[i].soft : ts->table[i].cls);
}

void tables_touch(struct tables *ts, struct rule *r)
{
	struct oftable *t = &ts->table[r->table_id];
	expiry_update(&ts->expiry, r);
	if (t->eviction && !r->removed)
		eviction_update(t->eviction, r);
}

unsigned int tables_count_cookie(struct tables *ts, uint8_t table_id, be64_t cookie)
{
	unsigned int n;
	if (cookie_counts_get(&ts->cookies, table_id, cookie, &n))
		return n;
	struct rule_vec rules = {0};
	tables_collect(ts, table_id, NULL, &rules);
	VEC_FOREACH (&rules, i)
		n += rules.v[i]->cookie == cookie;
	vec_done(&rules);
	cookie_counts_set(&ts->cookies, table_id, cookie, n);
	return n;
}

void tables_set_cookie(struct tables *ts, struct rule *r, be64_t cookie)
{
	if (!r->removed) {
		cookie_counts_add(&ts->cookies, r->table_id, r->cookie, -1U);
		cookie_counts_add(&ts->cookies, r->table_id, cookie, 1);
	}
	__atomic_store_n(&r->cookie, cookie, __ATOMIC_RELAXED);
}

struct rule *tables_eviction_candidate(struct tables *ts, uint8_t table_id)
{
	struct oftable *t = &ts->table[table_id];
	if (!t->eviction) {
		struct rule_vec all = {0};
		tables_collect(ts, table_id, NULL, &all);
		t->eviction = eviction_new(t);
		VEC_FOREACH (&all, i)
			eviction_update(t->eviction, all.v[i]);
		vec_done(&all);
	}
	return eviction_candidate(t->eviction);
}

void tables_set_groups(struct tables *ts, uint8_t table_id, struct subfield *groups, unsigned int n)
{
	struct oftable *t = &ts->table[table_id];
	eviction_free(t->eviction); // the next full table makes a new one
	t->eviction = NULL;
	free(t->groups);
	t->groups = groups;
	t->n_groups = n;
}

struct rule *tables_find_exactly(const struct tables *ts, uint8_t table_id,
				 const struct match *match, int priority)
{
	const struct oftable *t = &ts->table[table_id];
	struct cls_rule *c = t->cls ? classifier_find_exactly(t->cls, match, priority) : NULL;
	if (!c && t->soft)
		c = classifier_find_exactly(t->soft, match, priority);
	return c ? rule_of(c) : NULL;
}

bool tables_overlaps(const struct tables *ts, uint8_t table_id, const struct match *match,
		     int priority)
{
	const struct oftable *t = &ts->table[table_id];
	return (t->cls && classifier_overlaps(t->cls, match, priority)) ||
	       (t->soft && classifier_overlaps(t->soft, match, priority));
}

static bool collect_each(void *out_, struct cls_rule *c)
{
	struct rule_vec *out = out_;
	vec_push(out, rule_of(c));
	return true;
}

void tables_collect(const struct tables *ts, uint8_t table_id, const struct match *match,
		    struct rule_vec *out)
{
	int first = table_id == 0xff ? 0 : table_id,
	    last = table_id == 0xff ? OFPROTO_N_TABLES - 2 : table_id;
	for (int i = first; i <= last && i < OFPROTO_N_TABLES; i++)
		for (int kind = 0; kind < N_KINDS; kind++) {
			struct classifier *cls = kind ? ts->table[i].soft : ts->table[i].cls;
			if (cls)
				classifier_for_each(cls, match, collect_each, out);
		}
}

unsigned int tables_count(const struct tables *ts, uint8_t table_id)
{
	const struct oftable *t = &ts->table[table_id];
	return (t->cls ? classifier_count(t->cls) : 0) + (t->soft ? classifier_count(t->soft) : 0);
}

unsigned int tables_vacancy(const struct tables *ts, uint8_t table_id)
{
	uint64_t limit = oftable_limit(&ts->table[table_id]), n = tables_count(ts, table_id);
	return n < limit ? (unsigned int)((limit - n) * 100 / limit) : 0;
}

void tables_set_prefixes(struct tables *ts, uint8_t table_id, const enum field_id *fields,
			 unsigned int n)
{
	struct oftable *t = &ts->table[table_id];
	t->n_prefixes = n;
	if (n != UINT_MAX)
		memcpy(t->prefixes, fields, n * sizeof(*fields));
	apply_prefixes(t);
}

struct rule *tables_lookup(const struct tables *ts, uint8_t table_id, const struct flow *flow,
			   struct flow *mask)
{
	if (table_id >= OFPROTO_N_TABLES)
		return NULL;
	const struct classifier *cls = rcu_get(&ts->table[table_id].cls),
				*soft = rcu_get(&ts->table[table_id].soft);
	struct cls_rule *c = cls ? classifier_lookup(cls, flow, mask) : NULL;
	if (cls && soft)
		c = conjunction_lookup(cls, soft, flow, mask, c);
	return c ? rule_of(c) : NULL;
}
