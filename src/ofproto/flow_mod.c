/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/flow_mod.h"

#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_triggers.h"
#include "ofproto/group_mod.h"
#include "ofproto/journal.h"
#include "ofproto/xlate.h"
#include "openflow/match_codec.h"

LOG_MODULE(ofproto);
LOG_MODULE_AS(actions_log, "ofp_actions");

enum {
	FAIL_OPEN_PRIORITY = 0xf0f0f0, // above all that a controller can say
	INTERNAL_TABLE = OFPROTO_N_TABLES - 1,
};

// --- Which rules.

static bool cookie_matches(const struct rule *r, be64_t cookie, be64_t mask)
{
	return !((r->cookie ^ cookie) & mask);
}

static bool is_group(void *criteria, uint32_t id)
{
	return ((const struct flow_criteria *)criteria)->out_group == id;
}

static bool rule_meets(const struct rule *r, const struct flow_criteria *c)
{
	if (r->hidden || !cookie_matches(r, c->cookie, c->cookie_mask))
		return false;
	if (c->out_group != OFPG_ANY &&
	    !ofpacts_each_group(r->actions->list, r->actions->len, is_group, (void *)(uintptr_t)c))
		return false;
	return c->out_port == OFPP_NONE ||
	       ofpacts_output_to(r->actions->list, r->actions->len, c->out_port);
}

void flows_select(const struct ofproto *p, const struct flow_criteria *c, struct rule_vec *out)
{
	struct rule_vec found = {0};
	if (!c->strict) {
		tables_collect(&p->tables, c->table_id, c->match, &found);
	} else {
		int first = c->table_id == OFPTT_ALL ? 0 : c->table_id;
		int last = c->table_id == OFPTT_ALL ? INTERNAL_TABLE - 1 : c->table_id;
		for (int i = first; i <= last; i++) {
			struct rule *r =
				tables_find_exactly(&p->tables, (uint8_t)i, c->match, c->priority);
			if (r)
				vec_push(&found, r);
		}
	}
	VEC_FOREACH (&found, i)
		if (rule_meets(found.v[i], c))
			vec_push(out, found.v[i]);
	vec_done(&found);
}

// --- Leaving.

// The owners of learned flows among the rule's actions, added to `owners`.
struct owner_vec {
	struct learned_owner *v;
	size_t n, cap;
};

static void collect_owners(const void *actions, size_t len, struct owner_vec *owners)
{
	OFPACT_FOREACH (a, actions, len) {
		size_t inner_len;
		const struct ofpact *inner = ofpact_nested(a, &inner_len);
		const struct ofpact_learn *learn = (const void *)a;
		if (inner)
			collect_owners(inner, inner_len, owners);
		if (a->type != OFPACT_LEARN || !(learn->flags & LEARN_DELETE_LEARNED))
			continue;
		vec_push(owners, ((struct learned_owner){.cookie = learn->cookie,
							 .table_id = learn->table_id}));
	}
}

static int compare_owners(const void *a_, const void *b_)
{
	const struct learned_owner *a = a_, *b = b_;
	if (a->cookie != b->cookie)
		return a->cookie < b->cookie ? -1 : 1;
	return a->table_id - b->table_id;
}

static void sort_owners(struct owner_vec *owners)
{
	if (owners->n)
		qsort(owners->v, owners->n, sizeof(owners->v[0]), compare_owners);
}

static bool is_among(const struct owner_vec *owners, const struct learned_owner *o)
{
	return owners->n && bsearch(o, owners->v, owners->n, sizeof(owners->v[0]), compare_owners);
}

// The rule is about to lose its actions.
static void note_orphans(struct ofproto *p, const struct rule *r)
{
	if (r->owns_learned)
		collect_owners(r->actions->list, r->actions->len,
			       (struct owner_vec *)(void *)&p->orphans);
}

static void remove_rule(struct ofproto *p, struct rule *r, enum ofp_flow_removed_reason reason)
{
	note_orphans(p, r);
	tables_remove(&p->tables, r);
	journal_rule_removed(p, r, reason);
}

// Flows whose last owner is gone go, too.
static void delete_orphans(struct ofproto *p)
{
	struct rule_vec all = {0};
	struct owner_vec living = {0}, gone = {p->orphans.v, p->orphans.n, p->orphans.cap};
	if (!gone.n)
		return;
	memset(&p->orphans, 0, sizeof(p->orphans));
	tables_collect(&p->tables, OFPTT_ALL, NULL, &all);
	VEC_FOREACH (&all, i)
		if (all.v[i]->owns_learned)
			collect_owners(all.v[i]->actions->list, all.v[i]->actions->len, &living);
	sort_owners(&living);
	sort_owners(&gone);
	VEC_FOREACH (&all, i) {
		struct rule *r = all.v[i];
		struct learned_owner o = {.cookie = r->cookie, .table_id = r->table_id};
		if (is_among(&gone, &o) && !is_among(&living, &o) && !r->hidden)
			remove_rule(p, r, OFPRR_DELETE);
	}
	vec_done(&all);
	vec_done(&living);
	vec_done(&gone);
}

void flows_changed(struct ofproto *p)
{
	if (p->journal)
		return; // who opened it says so in the end
	while (p->orphans.n)
		delete_orphans(p);
	xlate_bump(p->backer);
	flows_schedule_expiry(p);
	flow_triggers_schedule(p);
}

// --- Coming.

// A rule that replaces another goes on with its use, and with its counters unless told not to.
static void inherit(struct rule *r, const struct rule *old, bool counters)
{
	struct rule_counts n = rule_counts(old);
	r->used = n.used;
	if (counters) {
		r->packets = n.packets;
		r->bytes = n.bytes;
	}
}

// Evicts until there are fewer rules than `limit`.
static int make_room(struct ofproto *p, uint8_t table_id, uint64_t limit)
{
	const struct oftable *t = &p->tables.table[table_id];
	while (tables_count(&p->tables, table_id) >= limit) {
		struct rule *victim = t->evict || t->of_evict
					      ? tables_eviction_candidate(&p->tables, table_id)
					      : NULL;
		if (!victim)
			return OFPFMFC_TABLE_FULL;
		remove_rule(p, victim, OFPRR_EVICTION);
	}
	return 0;
}

static int add(struct ofproto *p, const struct ofp_flow_mod *fm)
{
	uint8_t table_id = fm->table_id == OFPTT_ALL ? 0 : fm->table_id;
	const struct rule *old =
		tables_find_exactly(&p->tables, table_id, &fm->match, fm->priority);
	if (!old) {
		if (fm->flags & OFPFF_CHECK_OVERLAP &&
		    tables_overlaps(&p->tables, table_id, &fm->match, fm->priority))
			return OFPFMFC_OVERLAP;
		int error = make_room(p, table_id, p->tables.table[table_id].flow_limit);
		if (error)
			return error;
	}
	struct rule *r =
		rule_new(p, table_id, &fm->match, fm->priority, fm->actions.data, fm->actions.len);
	r->cookie = fm->new_cookie;
	r->idle_timeout = fm->idle_timeout;
	r->hard_timeout = fm->hard_timeout;
	r->importance = fm->importance;
	r->flags = fm->flags;
	if (old)
		inherit(r, old, !(fm->flags & OFPFF_RESET_COUNTS));
	if (old)
		note_orphans(p, old);
	journal_rule_added(p, r, tables_insert(&p->tables, r));
	return 0;
}

// --- Changing.

static void modify_rule(struct ofproto *p, struct rule *r, const struct ofp_flow_mod *fm)
{
	journal_rule_changes(p, r);
	const struct rule_actions *a = r->actions; // lives on until the next grace period
	note_orphans(p, r);
	if (a->len != fm->actions.len || (a->len && memcmp(a->list, fm->actions.data, a->len)))
		tables_set_actions(&p->tables, r, fm->actions.data, fm->actions.len);
	if (fm->modify_cookie && fm->new_cookie != UINT64_MAX)
		tables_set_cookie(&p->tables, r, fm->new_cookie);
	if (fm->flags & OFPFF_RESET_COUNTS) {
		__atomic_store_n(&r->packets, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&r->bytes, 0, __ATOMIC_RELAXED);
	}
	r->modified = clock_ms();
	journal_rule_changed(p, r, a);
}

// --- Learned flows.

// Timeouts stay as they are, like those of all that is modified: a FIN may have shortened them.
static bool is_as_learned(const struct rule *r, const struct ofp_flow_mod *fm)
{
	return r->cookie == fm->new_cookie && r->actions->len == fm->actions.len &&
	       !memcmp(r->actions->list, fm->actions.data, fm->actions.len);
}

bool flows_learn(struct ofproto *p, const struct ofp_flow_mod *fm, uint32_t limit)
{
	if (fm->table_id >= INTERNAL_TABLE)
		return true;
	struct rule *r = tables_find_exactly(&p->tables, fm->table_id, &fm->match, fm->priority);
	if (r && (is_as_learned(r, fm) || r->hidden)) {
		r->modified = clock_ms();
		tables_touch(&p->tables, r);
		return true;
	}
	if (!r && limit && tables_count_cookie(&p->tables, fm->table_id, fm->new_cookie) >= limit)
		return false;
	if (r) {
		modify_rule(p, r, fm);
		flows_changed(p);
		return true;
	}
	int error = add(p, fm);
	if (error)
		log_warn_rl("bridge %s: a flow could not be learned in table %u (%s)%s", p->name,
			    fm->table_id, ofperr_name(error),
			    error == OFPFMFC_TABLE_FULL
				    ? ": learn(limit=N), flow_limit and overflow_policy=evict of "
				      "Flow_Table keep others from filling it"
				    : "");
	flows_changed(p);
	return !error;
}

static bool shorten(uint16_t *timeout, uint16_t most)
{
	if (!most || (*timeout && *timeout <= most))
		return false;
	__atomic_store_n(timeout, most, __ATOMIC_RELAXED);
	return true;
}

void flows_shorten_timeouts(struct ofproto *p, struct rule *r, uint16_t idle, uint16_t hard)
{
	if (r->removed)
		return;
	bool idle_changed = shorten(&r->idle_timeout, idle),
	     hard_changed = shorten(&r->hard_timeout, hard);
	if (idle_changed || hard_changed) {
		tables_touch(&p->tables, r);
		flows_schedule_expiry(p);
	}
}

static struct flow_criteria criteria(const struct ofp_flow_mod *fm, bool strict)
{
	return (struct flow_criteria){
		.match = &fm->match,
		.priority = fm->priority,
		.strict = strict,
		.table_id = fm->table_id,
		.cookie = fm->cookie,
		.cookie_mask = fm->cookie_mask,
		.out_port = OFPP_NONE,
		.out_group = OFPG_ANY,
	};
}

// Groups and meters must be there when a flow needs them.
static int check_references(const struct ofproto *p, const struct ofp_flow_mod *fm)
{
	int error = meters_check_actions(p, fm->actions.data, fm->actions.len);
	return error ? error : groups_check_actions(p, fm->actions.data, fm->actions.len);
}

static int modify(struct ofproto *p, const struct ofp_flow_mod *fm, bool strict)
{
	struct flow_criteria c = criteria(fm, strict);
	struct rule_vec rules = {0};
	int error = 0;
	flows_select(p, &c, &rules);
	// Before OpenFlow 1.2, modifying what is not there adds it; decoding tells by the cookie
	// that it means so.
	bool adds = !rules.n && !fm->cookie_mask && fm->new_cookie != UINT64_MAX;
	if (adds || rules.n)
		error = check_references(p, fm);
	if (!error && adds)
		error = add(p, fm);
	for (size_t i = 0; !error && i < rules.n; i++) {
		modify_rule(p, rules.v[i], fm);
		tables_touch(&p->tables, rules.v[i]);
	}
	vec_done(&rules);
	return error;
}

void flows_delete(struct ofproto *p, const struct rule_vec *rules,
		  enum ofp_flow_removed_reason reason)
{
	VEC_FOREACH (rules, i)
		remove_rule(p, rules->v[i], reason);
	flows_changed(p);
}

static void delete (struct ofproto *p, const struct ofp_flow_mod *fm, bool strict)
{
	struct flow_criteria c = criteria(fm, strict);
	c.out_port = fm->out_port;
	c.out_group = fm->out_group;
	struct rule_vec rules = {0};
	flows_select(p, &c, &rules);
	VEC_FOREACH (&rules, i)
		note_orphans(p, rules.v[i]);
	tables_remove_many(&p->tables, &rules);
	journal_rules_removed(p, &rules, OFPRR_DELETE);
	vec_done(&rules);
}

// What the switch cannot do yet is refused, never taken and left out.
int actions_check_support(const void *actions, size_t n)
{
	OFPACT_FOREACH (a, actions, n) {
		size_t inner_len;
		const struct ofpact *inner = ofpact_nested(a, &inner_len);
		int error = inner ? actions_check_support(inner, inner_len) : 0;
		if (!xlate_knows_action((enum ofpact_type)a->type))
			error = OFPBAC_BAD_TYPE;
		// A flow is one flow: the threshold would never be passed.
		if (a->type == OFPACT_STAT_TRIGGER &&
		    oxs_has(&((const struct ofpact_stat_trigger *)(const void *)a)->thresholds,
			    OXS_FLOW_COUNT))
			error = OFPBIC_UNSUP_INST;
		if (error)
			return error;
	}
	return 0;
}

// Whoever looks for the reason of an error finds it in the log.
static int check_fit(void *actions, size_t n, const struct match *match, uint8_t table_id,
		     uint8_t version)
{
	char *why = NULL;
	int error = ofpacts_check(actions, n, match, OFPP_MAX, table_id, OFPROTO_N_TABLES, version,
				  &why);
	if (why)
		log_as_rl(&actions_log, LVL_WARN, "%s", why);
	free(why);
	return error;
}

int actions_check(void *actions, size_t n, const struct match *match, uint8_t table_id,
		  uint8_t version)
{
	int error = check_fit(actions, n, match, table_id, version);
	return error ? error : actions_check_support(actions, n);
}

static bool deletes(const struct ofp_flow_mod *fm)
{
	return fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
}

int flow_mod_check(struct ofproto *p, struct ofp_flow_mod *fm, uint8_t version)
{
	int error = ofp_match_use_options(&fm->match, p->options);
	if (!error)
		error = ofpacts_use_options(fm->actions.data, fm->actions.len, p->options, NULL);
	if (error)
		return error;
	if (deletes(fm)) // actions are of no effect, but must be sound
		return check_fit(fm->actions.data, fm->actions.len, &fm->match, fm->table_id,
				 version);
	uint8_t table_id = fm->table_id == OFPTT_ALL ? 0 : fm->table_id;
	error = actions_check(fm->actions.data, fm->actions.len, &fm->match, table_id, version);
	if (!error && fm->buffer_id != OFP_NO_BUFFER) // there are no buffers
		error = OFPBRC_BUFFER_UNKNOWN;
	return error;
}

static int check_table(const struct ofp_flow_mod *fm)
{
	if (fm->table_id != OFPTT_ALL && fm->table_id >= OFPROTO_N_TABLES)
		return OFPBRC_BAD_TABLE_ID;
	if (fm->table_id == INTERNAL_TABLE && fm->command != OFPFC_DELETE_STRICT)
		return OFPBRC_EPERM;
	if (fm->flags & OFPFF_EMERG) // there is no emergency flow table
		return OFPFMFC_TABLE_FULL;
	return 0;
}

int flow_mod_apply(struct ofproto *p, struct ofp_flow_mod *fm, uint8_t version)
{
	int error = flow_mod_check(p, fm, version);
	if (!error)
		error = check_table(fm);
	if (error)
		return error;
	match_imply_ethernet(&fm->match);
	switch (fm->command) {
	case OFPFC_ADD:
		error = check_references(p, fm);
		if (!error)
			error = add(p, fm);
		break;
	case OFPFC_MODIFY:
	case OFPFC_MODIFY_STRICT:
		error = modify(p, fm, fm->command == OFPFC_MODIFY_STRICT);
		break;
	case OFPFC_DELETE:
	case OFPFC_DELETE_STRICT:
		delete (p, fm, fm->command == OFPFC_DELETE_STRICT);
		break;
	}
	flows_changed(p);
	return error;
}

// --- Timeouts.

static void expire(void *p_)
{
	struct ofproto *p = p_;
	int64_t now = clock_ms();
	bool any = false;
	enum expiry_kind kind;
	// Traffic that the datapath has counted and not told of yet keeps a rule alive, too.
	backer_push_stats(p->backer);
	for (struct rule *r; (r = expiry_next(&p->tables.expiry, now, &kind)); any = true)
		remove_rule(p, r, kind == EXPIRED_IDLE ? OFPRR_IDLE_TIMEOUT : OFPRR_HARD_TIMEOUT);
	if (any)
		flows_changed(p);
	flows_schedule_expiry(p);
}

void flows_schedule_expiry(struct ofproto *p)
{
	int64_t deadline = expiry_deadline(&p->tables.expiry);
	if (deadline == INT64_MAX)
		loop_timer_cancel(&p->expiry_timer);
	else if (!loop_timer_is_set(&p->expiry_timer) || p->expiry_timer.deadline != deadline)
		loop_timer_set(&p->expiry_timer, deadline);
}

// --- Flows of the switch itself, and settings.

void flows_add_own(struct ofproto *p, const struct match *match, int priority,
		   enum rule_hidden hidden)
{
	struct buf actions = BUF_INIT;
	struct ofpact_output *out = ofpact_add(&actions, OFPACT_OUTPUT, sizeof(*out));
	out->port = OFPP_NORMAL;
	struct rule *r = rule_new(p, 0, match, priority, actions.data, actions.len);
	r->hidden = hidden;
	rule_unref(tables_insert(&p->tables, r));
	buf_done(&actions);
}

void flows_remove_own(struct ofproto *p, const struct match *match, int priority)
{
	struct rule *r = tables_find_exactly(&p->tables, 0, match, priority);
	if (!r)
		return;
	tables_remove(&p->tables, r);
	rule_unref(r);
}

void flows_flush(struct ofproto *p)
{
	struct rule_vec all = {0};
	tables_collect(&p->tables, OFPTT_ALL, NULL, &all);
	tables_remove_many(&p->tables, &all);
	rule_unref_many(all.v, all.n);
	vec_done(&all);
	struct match any;
	match_init_any(&any);
	if (controllers_in_fail_open(p->controllers))
		flows_add_own(p, &any, FAIL_OPEN_PRIORITY, RULE_FAIL_OPEN);
	else if (!controllers_has_primary(p->controllers) &&
		 controllers_fail_mode(p->controllers) == OFPROTO_FAIL_STANDALONE)
		flows_add_own(p, &any, 0, RULE_NOT_HIDDEN);
	flows_changed(p);
}

void flows_set_fail_open(struct ofproto *p, bool on)
{
	struct match any;
	match_init_any(&any);
	if (!on)
		flows_remove_own(p, &any, FAIL_OPEN_PRIORITY);
	else if (!tables_find_exactly(&p->tables, 0, &any, FAIL_OPEN_PRIORITY))
		flows_add_own(p, &any, FAIL_OPEN_PRIORITY, RULE_FAIL_OPEN);
	flows_changed(p);
}

void flows_enforce_limit(struct ofproto *p, uint8_t table_id)
{
	if (p->tables.table[table_id].flow_limit != UINT_MAX &&
	    !make_room(p, table_id, p->tables.table[table_id].flow_limit + UINT64_C(1)))
		flows_changed(p);
}

void flows_init(struct ofproto *p)
{
	tables_init(&p->tables, p);
	loop_timer_init(&p->expiry_timer, p->system->loop, expire, p);
	flow_triggers_init(p);
}

void flows_clear(struct ofproto *p)
{
	loop_timer_cancel(&p->expiry_timer);
	flow_triggers_done(p);
	tables_clear(&p->tables);
	groups_flush(p);
}

void flows_done(struct ofproto *p)
{
	flows_clear(p);
	tables_done(&p->tables);
	vec_done(&p->orphans);
	option_table_free(p->options);
}

const struct option_table *ofproto_options(const struct ofproto *p)
{
	return p->options;
}

struct rule *ofproto_table_lookup(const struct ofproto *p, uint8_t table_id,
				  const struct flow *flow, struct flow *mask)
{
	return tables_lookup(&p->tables, table_id, flow, mask);
}

enum table_miss ofproto_table_miss(const struct ofproto *p, uint8_t table_id)
{
	return __atomic_load_n(&p->tables.table[table_id].miss, __ATOMIC_RELAXED);
}

void ofproto_table_credit_miss(struct ofproto *p, uint8_t table_id, uint64_t packets)
{
	__atomic_fetch_add(&p->tables.table[table_id].n_lookup, packets, __ATOMIC_RELAXED);
}
