/* SPDX-License-Identifier: Apache-2.0 */
// The flow tables of one bridge: classifiers that come into being with their first rule, timeouts,
// limits. What a flow mod means is in flow_mod.h; here rules only come and go.
//
// Threads: the main thread changes; any thread looks up under RCU.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ofproto/cookie_counts.h"
#include "ofproto/expiry.h"
#include "ofproto/rule.h"
#include "ofproto/triggers.h"

enum { OFTABLE_MAX_FLOWS = 1000000 }; // of a table without a limit

struct oftable_vacancy {       // a controller asked to hear when room gets scarce
	bool on, waits_for_up; // else for down
	uint8_t down, up;      // percent
};

struct oftable {
	// Read by any thread under RCU: NULL until the table has had a rule.
	struct classifier *cls;
	struct classifier *soft; // rules whose actions are conjunctions; see conjunction.c
	// Packets, added to by any thread (relaxed).
	uint64_t n_lookup, n_matched;
	enum table_miss miss; // written by main, read by any thread (relaxed)
	// Main only.
	char *name;		 // NULL: none
	unsigned int flow_limit; // UINT_MAX: none
	bool evict, of_evict;	 // at the limit, another makes room: says the configuration, says a
				 // controller
	char *of_name;		 // given by a controller; counts when `name` is NULL
	struct oftable_vacancy vacancy;
	struct subfield *groups; // what eviction groups rules by, owned
	unsigned int n_groups;
	struct eviction *eviction; // NULL until the table was full once
	enum field_id prefixes[4];
	unsigned int n_prefixes; // UINT_MAX: the default
};

struct tables {
	struct ofproto *ofproto; // given to rules; not looked into
	struct oftable table[OFPROTO_N_TABLES];
	struct expiry expiry;
	struct triggers triggers;
	unsigned int n_rules, n_hidden;
	struct cookie_counts cookies;
};

static inline const char *oftable_name(const struct oftable *t)
{
	return t->name ? t->name : t->of_name ? t->of_name : "";
}
static inline unsigned int oftable_limit(const struct oftable *t)
{
	return t->flow_limit < OFTABLE_MAX_FLOWS ? t->flow_limit : OFTABLE_MAX_FLOWS;
}

struct rule_vec {
	struct rule **v;
	size_t n, cap;
};

void tables_init(struct tables *, struct ofproto *);
// Removes all rules, hidden ones too, without a word.
void tables_clear(struct tables *);
void tables_done(struct tables *); // clears; lookups must have ended a grace period ago
// Takes the caller's reference. Returns the rule that it replaced (same match and priority),
// already out of its table and marked removed, whose reference is now the caller's; or NULL.
struct rule *tables_insert(struct tables *, struct rule *);
// Out of the table, marked removed; the table's reference becomes the caller's.
void tables_remove(struct tables *, struct rule *);
// The same for many; the references in the vector become the caller's.
void tables_remove_many(struct tables *, const struct rule_vec *);
// Publishes a copy of the list as the rule's actions, and moves the rule to where rules with such
// actions are.
void tables_set_actions(struct tables *, struct rule *, const void *list, size_t len);
// Timeouts or times of the rule changed.
void tables_touch(struct tables *, struct rule *);
struct rule *tables_find_exactly(const struct tables *, uint8_t table_id, const struct match *,
				 int priority);
bool tables_overlaps(const struct tables *, uint8_t table_id, const struct match *, int priority);
// Rules of a table (0xff: of all but the hidden table) at least as specific as `match`, appended to
// `out`, borrowed.
void tables_collect(const struct tables *, uint8_t table_id, const struct match *,
		    struct rule_vec *out);
unsigned int tables_count(const struct tables *, uint8_t table_id);
// How many percent of a table are free.
unsigned int tables_vacancy(const struct tables *, uint8_t table_id);
// How many rules of a table have this cookie. Quick once it was asked.
unsigned int tables_count_cookie(struct tables *, uint8_t table_id, be64_t cookie);
void tables_set_cookie(struct tables *, struct rule *, be64_t cookie);
// The rule that makes room when the table is full, borrowed; NULL when none has a timeout: others
// are never given up. See eviction.h.
struct rule *tables_eviction_candidate(struct tables *, uint8_t table_id);
// Takes over the fields that eviction groups rules by.
void tables_set_groups(struct tables *, uint8_t table_id, struct subfield *groups, unsigned int n);
// Which fields the classifier tracks as prefixes; applies when it is made, too.
void tables_set_prefixes(struct tables *, uint8_t table_id, const enum field_id *, unsigned int n);
struct rule *tables_lookup(const struct tables *, uint8_t table_id, const struct flow *,
			   struct flow *mask);

// conjunction.c: the rule that conjunctions lead to, if one above the priority of `hard` (may be
// NULL) is complete; else `hard`.
struct cls_rule *conjunction_lookup(const struct classifier *cls, const struct classifier *soft,
				    const struct flow *, struct flow *mask, struct cls_rule *hard);
