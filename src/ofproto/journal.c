/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/journal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_news.h"
#include "ofproto/group.h"

enum kind { RULE_ADDED, RULE_CHANGED, RULE_REMOVED, RULE_REPLACED, GROUP_CHANGED };

struct entry {
	enum kind kind;
	struct rule *rule; // a reference
	uint8_t reason;	   // of removal
	uint32_t xid;	   // of the message that did it
	// What a changed rule was.
	const struct rule_actions *actions; // a copy
	be64_t cookie;
	uint64_t packets, bytes;
	int64_t modified;
	// What the group was: a reference, NULL: it was not there.
	uint32_t group_id;
	struct group *group;
};

struct journal {
	VEC(struct entry) entries;
};

static struct entry *record(struct ofproto *p, enum kind kind, struct rule *r)
{
	struct entry *e = vec_extend(&p->journal->entries);
	*e = (struct entry){.kind = kind, .rule = r, .xid = p->acting_xid};
	return e;
}

void journal_begin(struct ofproto *p)
{
	assert(!p->journal);
	p->journal = XNEW(struct journal);
}

// --- What happens.

void journal_rule_added(struct ofproto *p, struct rule *r, struct rule *old)
{
	if (!p->journal) {
		rule_unref(old);
		flow_news_changed(p, r, OFPFME_ADDED, NULL);
		return;
	}
	if (old)
		record(p, RULE_REPLACED, old);
	rule_ref(r);
	record(p, RULE_ADDED, r);
}

void journal_rule_changes(struct ofproto *p, struct rule *r)
{
	if (!p->journal)
		return;
	struct rule_counts n = rule_counts(r);
	rule_ref(r);
	struct entry *e = record(p, RULE_CHANGED, r);
	e->actions = rule_actions_new(r->actions->list, r->actions->len);
	e->cookie = r->cookie;
	e->packets = n.packets;
	e->bytes = n.bytes;
	e->modified = r->modified;
}

void journal_rule_changed(struct ofproto *p, struct rule *r, const struct rule_actions *old)
{
	if (!p->journal)
		flow_news_changed(p, r, OFPFME_MODIFIED, old);
}

void journal_rule_removed(struct ofproto *p, struct rule *r, enum ofp_flow_removed_reason reason)
{
	if (p->journal) {
		record(p, RULE_REMOVED, r)->reason = (uint8_t)reason;
		return;
	}
	flow_news_removed(p, r, reason);
	rule_unref(r);
}

void journal_rules_removed(struct ofproto *p, const struct rule_vec *rules,
			   enum ofp_flow_removed_reason reason)
{
	VEC_FOREACH (rules, i)
		if (p->journal)
			record(p, RULE_REMOVED, rules->v[i])->reason = (uint8_t)reason;
		else
			flow_news_removed(p, rules->v[i], reason);
	if (!p->journal)
		rule_unref_many(rules->v, rules->n);
}

void journal_group_changes(struct ofproto *p, uint32_t group_id)
{
	if (!p->journal)
		return;
	struct entry *e = record(p, GROUP_CHANGED, NULL);
	struct group *g = group_find(&p->groups, group_id);
	e->group_id = group_id;
	e->group = g ? group_try_ref(g) : NULL;
}

// --- How it ends.

static void entry_done(struct entry *e)
{
	rule_unref(e->rule);
	group_unref(e->group);
	free((void *)(uintptr_t)e->actions);
}

static void tell(struct ofproto *p, const struct entry *e)
{
	p->acting_xid = e->xid;
	switch (e->kind) {
	case RULE_ADDED:
		// What was added and then removed is told of by the removal alone.
		if (!e->rule->removed)
			flow_news_changed(p, e->rule, OFPFME_ADDED, NULL);
		break;
	case RULE_CHANGED:
		if (!e->rule->removed)
			flow_news_changed(p, e->rule, OFPFME_MODIFIED, e->actions);
		break;
	case RULE_REMOVED:
		flow_news_removed(p, e->rule, (enum ofp_flow_removed_reason)e->reason);
		break;
	case RULE_REPLACED:
	case GROUP_CHANGED:
		break;
	}
}

void journal_commit(struct ofproto *p)
{
	struct journal *j = p->journal;
	p->journal = NULL;
	VEC_FOREACH (&j->entries, i) {
		tell(p, &j->entries.v[i]);
		entry_done(&j->entries.v[i]);
	}
	vec_done(&j->entries);
	free(j);
}

// A rule that left its table cannot come back: another one like it does.
static void bring_back(struct ofproto *p, const struct rule *old)
{
	struct match match;
	struct rule_counts n = rule_counts(old);
	minimatch_expand(&old->cls.match, &match);
	struct rule *r = rule_new(p, old->table_id, &match, old->cls.priority, old->actions->list,
				  old->actions->len);
	r->cookie = old->cookie;
	r->idle_timeout = old->idle_timeout;
	r->hard_timeout = old->hard_timeout;
	r->importance = old->importance;
	r->flags = old->flags;
	r->hidden = old->hidden;
	r->created = old->created;
	r->modified = old->modified;
	r->add_seq = old->add_seq;
	r->modify_seq = old->modify_seq;
	r->packets = n.packets;
	r->bytes = n.bytes;
	r->used = n.used;
	rule_unref(tables_insert(&p->tables, r));
}

static void change_back(struct ofproto *p, struct entry *e)
{
	struct rule *r = e->rule;
	tables_set_actions(&p->tables, r, e->actions->list, e->actions->len);
	tables_set_cookie(&p->tables, r, e->cookie);
	__atomic_store_n(&r->packets, e->packets, __ATOMIC_RELAXED);
	__atomic_store_n(&r->bytes, e->bytes, __ATOMIC_RELAXED);
	r->modified = e->modified;
	tables_touch(&p->tables, r);
}

static void group_back(struct ofproto *p, const struct entry *e)
{
	if (!e->group) {
		group_remove(&p->groups, e->group_id);
		return;
	}
	struct ofp_group copy;
	ofp_group_copy(&copy, &e->group->g);
	group_put(&p->groups, &copy);
	struct group *g = group_find(&p->groups, e->group_id);
	g->created = e->group->created;
	g->total = group_counts(&e->group->total);
	VEC_FOREACH (&g->g.buckets, i)
		g->buckets[i] = group_counts(&e->group->buckets[i]);
}

// The rule that stands now where this one stood: it may have been brought back as another.
static struct rule *present(struct ofproto *p, struct rule *r)
{
	if (!r->removed)
		return r;
	struct match match;
	minimatch_expand(&r->cls.match, &match);
	return tables_find_exactly(&p->tables, r->table_id, &match, r->cls.priority);
}

static void undo(struct ofproto *p, struct entry *e)
{
	struct rule *r = e->rule ? present(p, e->rule) : NULL;
	switch (e->kind) {
	case RULE_ADDED:
		if (r) {
			tables_remove(&p->tables, r);
			rule_unref(r); // the table's
		}
		break;
	case RULE_CHANGED:
		if (r) {
			rule_ref(r);
			rule_unref(e->rule);
			e->rule = r;
			change_back(p, e);
		}
		break;
	case RULE_REMOVED:
	case RULE_REPLACED:
		bring_back(p, e->rule);
		break;
	case GROUP_CHANGED:
		group_back(p, e);
		break;
	}
}

void journal_rollback(struct ofproto *p)
{
	struct journal *j = p->journal;
	p->journal = NULL;
	for (size_t i = j->entries.n; i--;) {
		undo(p, &j->entries.v[i]);
		entry_done(&j->entries.v[i]);
	}
	vec_done(&j->entries);
	free(j);
}
