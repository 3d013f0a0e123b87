/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/rule.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rcu.h"
#include "ofproto/ofproto.h"
#include "ofproto/table.h"
#include "openflow/flow_mod.h"

const struct rule_actions *rule_actions_new(const void *list, size_t len)
{
	struct rule_actions *a = xmalloc(sizeof(*a) + len);
	a->len = len;
	if (len)
		memcpy(a->list, list, len);
	return a;
}

struct rule *rule_new(struct ofproto *ofproto, uint8_t table_id, const struct match *match,
		      int priority, const void *actions, size_t actions_len)
{
	struct rule *r = XNEW(struct rule);
	cls_rule_init(&r->cls, match, priority);
	r->ofproto = ofproto;
	r->table_id = table_id;
	r->created = r->modified = r->used = clock_ms();
	r->actions = rule_actions_new(actions, actions_len);
	r->refs = 1;
	return r;
}

void rule_match(const struct rule *r, struct match *m)
{
	minimatch_expand(&r->cls.match, m);
	m->table = ofproto_options(r->ofproto);
}

void rule_describe(const struct rule *r, int64_t now, struct ofp_flow_stats *fs)
{
	struct rule_counts n = rule_counts(r);
	int64_t age = now - r->created;
	fs->cookie = r->cookie;
	fs->table_id = r->table_id;
	fs->reason = OFPFSR_STATS_REQUEST;
	fs->priority = (uint16_t)r->cls.priority;
	fs->idle_timeout = r->idle_timeout;
	fs->hard_timeout = r->hard_timeout;
	fs->importance = r->importance;
	fs->flags = r->flags;
	fs->duration_s = (uint32_t)(age / 1000);
	fs->duration_ns = (uint32_t)(age % 1000) * 1000000;
	fs->idle_age = (int)((now - n.used) / 1000);
	fs->hard_age = (int)((now - r->modified) / 1000);
	fs->packets = n.packets;
	fs->bytes = n.bytes;
	fs->actions = r->actions->list;
	fs->actions_len = r->actions->len;
	rule_match(r, &fs->match);
}

void rule_set_actions(struct rule *r, const void *list, size_t len)
{
	const struct rule_actions *old = r->actions;
	rcu_assign(&r->actions, rule_actions_new(list, len));
	rcu_free_later((void *)(uintptr_t)old, free);
}

static void rule_free(void *r_)
{
	struct rule *r = r_;
	cls_rule_done(&r->cls);
	free((void *)(uintptr_t)r->actions);
	free(r);
}

bool rule_try_ref(struct rule *r)
{
	unsigned int n = __atomic_load_n(&r->refs, __ATOMIC_RELAXED);
	while (n)
		if (__atomic_compare_exchange_n(&r->refs, &n, n + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

void rule_unref(struct rule *r)
{
	// A reader may still stand on the rule with nothing but RCU: hence the grace period after
	// the last reference.
	if (r && __atomic_fetch_sub(&r->refs, 1, __ATOMIC_ACQ_REL) == 1)
		rcu_free_later(r, rule_free);
}

struct dead_rules {
	size_t n;
	struct rule *v[];
};

static void dead_rules_free(void *dead_)
{
	struct dead_rules *dead = dead_;
	for (size_t i = 0; i < dead->n; i++)
		rule_free(dead->v[i]);
	free(dead);
}

void rule_unref_many(struct rule *const *rules, size_t n)
{
	struct dead_rules *dead = xmalloc(sizeof(*dead) + n * sizeof(dead->v[0]));
	dead->n = 0;
	for (size_t i = 0; i < n; i++)
		if (__atomic_fetch_sub(&rules[i]->refs, 1, __ATOMIC_ACQ_REL) == 1)
			dead->v[dead->n++] = rules[i];
	rcu_free_later(dead, dead_rules_free);
}

void rule_credit(struct rule *r, uint64_t packets, uint64_t bytes, int64_t used)
{
	__atomic_fetch_add(&r->packets, packets, __ATOMIC_RELAXED);
	__atomic_fetch_add(&r->bytes, bytes, __ATOMIC_RELAXED);
	// The bridge waits for a grace period between removing its rules and its own end.
	if (!__atomic_load_n(&r->removed, __ATOMIC_ACQUIRE)) {
		__atomic_fetch_add(&r->table->n_lookup, packets, __ATOMIC_RELAXED);
		__atomic_fetch_add(&r->table->n_matched, packets, __ATOMIC_RELAXED);
	}
	int64_t old = __atomic_load_n(&r->used, __ATOMIC_RELAXED);
	while (used > old && !__atomic_compare_exchange_n(&r->used, &old, used, true,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}
