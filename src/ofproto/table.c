/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/table.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "base/rcu.h"

static const enum field_id default_prefixes[] = {FIELD_IPV4_DST, FIELD_IPV4_SRC, FIELD_IPV6_DST, FIELD_IPV6_SRC};

static struct rule *rule_of(const struct cls_rule *c)
{
	return (struct rule *)(void *)((uintptr_t)c - offsetof(struct rule, cls));
}

static void apply_prefixes(const struct oftable *t)
{
	if (!t->cls)
		return;
	if (t->n_prefixes == UINT_MAX)
		classifier_set_prefixes(t->cls, default_prefixes, sizeof(default_prefixes) / sizeof(default_prefixes[0]));
	else
		classifier_set_prefixes(t->cls, t->prefixes, t->n_prefixes);
}

void tables_init(struct tables *ts, struct ofproto *ofproto)
{
	memset(ts, 0, sizeof(*ts));
	ts->ofproto = ofproto;
	for (int i = 0; i < OFPROTO_N_TABLES; i++)
		ts->table[i].flow_limit = ts->table[i].n_prefixes = UINT_MAX, ts->table[i].miss = TABLE_MISS_DEFAULT;
}

static bool remove_each(void *ts, struct cls_rule *c)
{
	tables_remove(ts, rule_of(c));
	rule_unref(rule_of(c));
	return true;
}

void tables_clear(struct tables *ts)
{
	for (int i = 0; i < OFPROTO_N_TABLES; i++) {
		struct classifier *cls = ts->table[i].cls;
		if (!cls)
			continue;
		classifier_begin_purge(cls);
		classifier_for_each(cls, NULL, remove_each, ts);
		classifier_end_purge(cls);
	}
}

void tables_done(struct tables *ts)
{
	tables_clear(ts);
	for (int i = 0; i < OFPROTO_N_TABLES; i++) {
		struct oftable *t = &ts->table[i];
		if (t->cls)
			classifier_free(t->cls);
		free(t->name);
		free(t->of_name);
		free(t->groups);
	}
	expiry_done(&ts->expiry);
}

static void count(struct tables *ts, const struct rule *r, unsigned int n)
{
	ts->n_rules += n;
	if (r->hidden)
		ts->n_hidden += n;
}

struct rule *tables_insert(struct tables *ts, struct rule *r)
{
	struct oftable *t = &ts->table[r->table_id];
	if (!t->cls) {
		struct classifier *cls = classifier_new();
		rcu_assign(&t->cls, cls);
		apply_prefixes(t);
	}
	r->table = t;
	const struct cls_rule *old_cls = classifier_replace(t->cls, &r->cls);
	count(ts, r, 1);
	expiry_update(&ts->expiry, r);
	if (!old_cls)
		return NULL;
	struct rule *old = rule_of(old_cls);
	count(ts, old, -1U);
	expiry_remove(&ts->expiry, old);
	__atomic_store_n(&old->removed, true, __ATOMIC_RELEASE);
	return old;
}

void tables_remove(struct tables *ts, struct rule *r)
{
	assert(!r->removed);
	classifier_remove(ts->table[r->table_id].cls, &r->cls);
	count(ts, r, -1U);
	expiry_remove(&ts->expiry, r);
	__atomic_store_n(&r->removed, true, __ATOMIC_RELEASE);
}

void tables_remove_many(struct tables *ts, const struct rule_vec *rules)
{
	unsigned int n[OFPROTO_N_TABLES] = {0};
	bool purge[OFPROTO_N_TABLES] = {0};
	VEC_FOREACH (rules, i)
		n[rules->v[i]->table_id]++;
	for (int i = 0; i < OFPROTO_N_TABLES; i++) {
		purge[i] = n[i] > 1 && n[i] >= classifier_count(ts->table[i].cls) - n[i];
		if (purge[i])
			classifier_begin_purge(ts->table[i].cls);
	}
	VEC_FOREACH (rules, i)
		tables_remove(ts, rules->v[i]);
	for (int i = 0; i < OFPROTO_N_TABLES; i++)
		if (purge[i])
			classifier_end_purge(ts->table[i].cls);
}

void tables_touch(struct tables *ts, struct rule *r)
{
	expiry_update(&ts->expiry, r);
}

struct rule *tables_find_exactly(const struct tables *ts, uint8_t table_id, const struct match *match, int priority)
{
	const struct classifier *cls = ts->table[table_id].cls;
	struct cls_rule *c = cls ? classifier_find_exactly(cls, match, priority) : NULL;
	return c ? rule_of(c) : NULL;
}

bool tables_overlaps(const struct tables *ts, uint8_t table_id, const struct match *match, int priority)
{
	const struct classifier *cls = ts->table[table_id].cls;
	return cls && classifier_overlaps(cls, match, priority);
}

static bool collect_each(void *out_, struct cls_rule *c)
{
	struct rule_vec *out = out_;
	vec_push(out, rule_of(c));
	return true;
}

void tables_collect(const struct tables *ts, uint8_t table_id, const struct match *match, struct rule_vec *out)
{
	int first = table_id == 0xff ? 0 : table_id, last = table_id == 0xff ? OFPROTO_N_TABLES - 2 : table_id;
	for (int i = first; i <= last && i < OFPROTO_N_TABLES; i++)
		if (ts->table[i].cls)
			classifier_for_each(ts->table[i].cls, match, collect_each, out);
}

unsigned int tables_count(const struct tables *ts, uint8_t table_id)
{
	return ts->table[table_id].cls ? classifier_count(ts->table[table_id].cls) : 0;
}

unsigned int tables_vacancy(const struct tables *ts, uint8_t table_id)
{
	uint64_t limit = oftable_limit(&ts->table[table_id]), n = tables_count(ts, table_id);
	return n < limit ? (unsigned int)((limit - n) * 100 / limit) : 0;
}

void tables_set_prefixes(struct tables *ts, uint8_t table_id, const enum field_id *fields, unsigned int n)
{
	struct oftable *t = &ts->table[table_id];
	t->n_prefixes = n;
	if (n != UINT_MAX)
		memcpy(t->prefixes, fields, n * sizeof(*fields));
	apply_prefixes(t);
}

struct rule *tables_lookup(const struct tables *ts, uint8_t table_id, const struct flow *flow, struct flow *mask)
{
	const struct classifier *cls = table_id < OFPROTO_N_TABLES ? rcu_get(&ts->table[table_id].cls) : NULL;
	struct cls_rule *c = cls ? classifier_lookup(cls, flow, mask) : NULL;
	return c ? rule_of(c) : NULL;
}
