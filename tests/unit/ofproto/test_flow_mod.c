/* SPDX-License-Identifier: Apache-2.0 */
// Flow mods against a naive model: a list of flows, searched from end to end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "base/str.h"
#include "fake_switch.h"
#include "ofproto/flow_mod.h"
#include "ofproto/journal.h"

static struct fake_switch sw;

static int setup(void **state)
{
	fake_switch_init(&sw);
	return 0;
}

static int teardown(void **state)
{
	fake_switch_done(&sw);
	return 0;
}

// --- Making flow mods.

static void set_output(struct ofp_flow_mod *fm, uint32_t port)
{
	buf_clear(&fm->actions);
	struct ofpact_output *out = ofpact_add(&fm->actions, OFPACT_OUTPUT, sizeof(*out));
	out->port = port;
}

static struct ofp_flow_mod flow(enum ofp_flow_mod_command command, uint8_t table_id, int priority,
				uint32_t port)
{
	struct ofp_flow_mod fm = {0};
	ofp_flow_mod_init(&fm);
	fm.command = command;
	fm.table_id = table_id;
	fm.priority = (uint16_t)priority;
	set_output(&fm, port);
	return fm;
}

static int apply(struct ofp_flow_mod fm)
{
	int error = flow_mod_apply(&sw.ofproto, &fm, OFP13);
	ofp_flow_mod_done(&fm);
	return error;
}

static void match_in_port(struct match *m, uint32_t port)
{
	m->flow.in_port = port;
	m->mask.in_port = UINT32_MAX;
}

static unsigned int count(uint8_t table_id)
{
	return tables_count(&sw.ofproto.tables, table_id);
}

static struct rule *only_rule(uint8_t table_id)
{
	struct rule_vec rules = {0};
	tables_collect(&sw.ofproto.tables, table_id, NULL, &rules);
	assert_int_equal(rules.n, 1);
	struct rule *r = rules.v[0];
	vec_done(&rules);
	return r;
}

static void advance(int64_t ms)
{
	clock_warp(ms);
	loop_clock_changed(sw.system.loop);
	loop_run_once(sw.system.loop, 0);
}

// --- Single cases.

static void test_add_replaces(void **state)
{
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 5, 1)), 0);
	struct rule *r = only_rule(0);
	rule_credit(r, 3, 300, clock_ms());
	// Same match and priority: the new one takes over the counters...
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 5, 2)), 0);
	assert_int_equal(rule_counts(only_rule(0)).packets, 3);
	// ...unless told to begin anew.
	struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, 5, 2);
	fm.flags = OFPFF_RESET_COUNTS | OFPFF_SEND_FLOW_REM;
	assert_int_equal(apply(fm), 0);
	assert_int_equal(rule_counts(only_rule(0)).packets, 0);
	assert_int_equal(rule_counts(only_rule(0)).bytes, 0);
	// Being replaced is not being removed.
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 5, 2)), 0);
	assert_int_equal(fake_news.n_removed, 0);
	assert_true(fake_news.n_bumps >= 4);
}

static void test_add_goes_to_table_0(void **state)
{
	assert_int_equal(apply(flow(OFPFC_ADD, OFPTT_ALL, 5, 1)), 0);
	assert_int_equal(count(0), 1);
}

static void test_hidden_table_is_refused(void **state)
{
	assert_int_equal(apply(flow(OFPFC_ADD, 254, 5, 1)), OFPBRC_EPERM);
	assert_int_equal(apply(flow(OFPFC_DELETE, 254, 5, 1)), OFPBRC_EPERM);
	assert_int_equal(apply(flow(OFPFC_MODIFY, 254, 5, 1)), OFPBRC_EPERM);
	assert_int_equal(apply(flow(OFPFC_ADD, 253, 5, 1)), 0);
}

static void test_overlap(void **state)
{
	struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, 5, 1);
	match_in_port(&fm.match, 1);
	assert_int_equal(apply(fm), 0);
	fm = flow(OFPFC_ADD, 0, 5, 1);
	fm.flags = OFPFF_CHECK_OVERLAP;
	assert_int_equal(apply(fm), OFPFMFC_OVERLAP);
	assert_int_equal(count(0), 1);
	fm = flow(OFPFC_ADD, 0, 6, 1); // another priority does not overlap
	fm.flags = OFPFF_CHECK_OVERLAP;
	assert_int_equal(apply(fm), 0);
	fm = flow(OFPFC_ADD, 0, 5, 1); // the very same flow is replaced
	fm.flags = OFPFF_CHECK_OVERLAP;
	match_in_port(&fm.match, 1);
	assert_int_equal(apply(fm), 0);
}

static void test_modify_adds_where_it_says_so(void **state)
{
	struct ofp_flow_mod fm = flow(OFPFC_MODIFY, 0, 5, 1);
	fm.new_cookie = UINT64_MAX; // 1.2 and later
	assert_int_equal(apply(fm), 0);
	assert_int_equal(count(0), 0);
	fm = flow(OFPFC_MODIFY, 0, 5, 1);
	fm.new_cookie = 0;
	assert_int_equal(apply(fm), 0);
	assert_int_equal(count(0), 1);
}

static void test_modify_keeps_what_it_does_not_say(void **state)
{
	struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, 5, 1);
	fm.idle_timeout = 100;
	fm.new_cookie = 7;
	fm.flags = OFPFF_SEND_FLOW_REM;
	assert_int_equal(apply(fm), 0);
	int64_t created = only_rule(0)->created;
	rule_credit(only_rule(0), 3, 300, clock_ms());
	advance(1500);
	fm = flow(OFPFC_MODIFY, 0, 9, 2);
	fm.idle_timeout = 3;
	fm.new_cookie = UINT64_MAX;
	assert_int_equal(apply(fm), 0);
	const struct rule *r = only_rule(0);
	assert_int_equal(r->idle_timeout, 100);
	assert_int_equal(r->cookie, 7);
	assert_int_equal(r->cls.priority, 5);
	assert_int_equal(r->created, created);
	assert_int_equal(r->modified, created + 1500);
	assert_int_equal(r->flags, OFPFF_SEND_FLOW_REM);
	assert_int_equal(rule_counts(r).packets, 3);
	assert_true(ofpacts_output_to(r->actions->list, r->actions->len, 2));
}

static void test_delete_by_port_and_cookie(void **state)
{
	for (uint32_t i = 1; i <= 4; i++) {
		struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, 5, i);
		match_in_port(&fm.match, i);
		fm.new_cookie = i;
		fm.flags = i == 2 ? OFPFF_SEND_FLOW_REM : 0;
		assert_int_equal(apply(fm), 0);
	}
	struct ofp_flow_mod fm = flow(OFPFC_DELETE, OFPTT_ALL, 0, 0);
	fm.out_port = 2;
	assert_int_equal(apply(fm), 0);
	assert_int_equal(count(0), 3);
	assert_int_equal(fake_news.n_removed, 1);
	assert_int_equal(fake_news.removed[0].cookie, 2);
	assert_int_equal(fake_news.removed[0].reason, OFPRR_DELETE);
	fm = flow(OFPFC_DELETE, OFPTT_ALL, 0, 0);
	fm.cookie = 3;
	fm.cookie_mask = UINT64_MAX;
	assert_int_equal(apply(fm), 0);
	assert_int_equal(count(0), 2);
	fm = flow(OFPFC_DELETE, OFPTT_ALL, 0, 0);
	fm.out_group = 1;
	assert_int_equal(apply(fm), 0);
	assert_int_equal(count(0), 2);
	assert_int_equal(apply(flow(OFPFC_DELETE, OFPTT_ALL, 0, 0)), 0);
	assert_int_equal(count(0), 0);
	assert_int_equal(fake_news.n_removed, 1);
}

static void test_hard_timeout(void **state)
{
	struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, 5, 1);
	fm.hard_timeout = 10;
	fm.flags = OFPFF_SEND_FLOW_REM;
	assert_int_equal(apply(fm), 0);
	advance(9999);
	rule_credit(only_rule(0), 1, 60, clock_ms()); // does not help
	assert_int_equal(count(0), 1);
	advance(1);
	assert_int_equal(count(0), 0);
	assert_int_equal(fake_news.n_removed, 1);
	assert_int_equal(fake_news.removed[0].reason, OFPRR_HARD_TIMEOUT);
	assert_int_equal(fake_news.removed[0].duration_s, 10);
	assert_int_equal(fake_news.removed[0].packets, 1);
	assert_int_equal(fake_news.removed[0].bytes, 60);
}

static void test_idle_timeout(void **state)
{
	struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, 5, 1);
	fm.idle_timeout = 10;
	fm.flags = OFPFF_SEND_FLOW_REM;
	assert_int_equal(apply(fm), 0);
	for (int i = 0; i < 5; i++) {
		advance(9000);
		rule_credit(only_rule(0), 1, 60, clock_ms());
	}
	advance(9999);
	assert_int_equal(count(0), 1);
	advance(1);
	assert_int_equal(count(0), 0);
	assert_int_equal(fake_news.removed[0].reason, OFPRR_IDLE_TIMEOUT);
	assert_int_equal(fake_news.removed[0].idle_timeout, 10);
	assert_int_equal(fake_news.removed[0].duration_s, 55);
}

static void test_limit_refuses(void **state)
{
	sw.ofproto.tables.table[0].flow_limit = 1;
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 5, 1)), 0);
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 6, 1)), OFPFMFC_TABLE_FULL);
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 5, 2)), 0); // replacing needs no room
	assert_int_equal(apply(flow(OFPFC_ADD, 1, 6, 1)), 0);
}

static void test_limit_evicts(void **state)
{
	sw.ofproto.tables.table[0].flow_limit = 2;
	sw.ofproto.tables.table[0].evict = true;
	static const uint16_t timeouts[] = {50, 20};
	for (int i = 0; i < 2; i++) {
		struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, i, 1);
		fm.hard_timeout = timeouts[i];
		fm.flags = OFPFF_SEND_FLOW_REM;
		assert_int_equal(apply(fm), 0);
	}
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 7, 1)), 0);
	assert_int_equal(count(0), 2);
	assert_int_equal(fake_news.n_removed, 1);
	assert_int_equal(fake_news.removed[0].priority, 1);
	assert_int_equal(fake_news.removed[0].reason, OFPRR_EVICTION);
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 8, 1)), 0);
	// Flows without timeout or importance are never given up.
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 9, 1)), OFPFMFC_TABLE_FULL);
}

// The largest group gives, then the least important, then the one that would go first.
static void test_eviction_groups(void **state)
{
	struct oftable *t = &sw.ofproto.tables.table[0];
	t->flow_limit = 4;
	t->evict = true;
	t->groups = xmemdup(&(struct subfield){.field = field_get(FIELD_IN_PORT), .n_bits = 16},
			    sizeof(*t->groups));
	t->n_groups = 1;
	static const struct {
		uint32_t in_port;
		uint16_t timeout, importance;
	} flows[] = {{1, 5, 0}, {2, 30, 7}, {2, 50, 3}, {2, 40, 3}};
	for (int i = 0; i < 4; i++) {
		struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, i, 1);
		match_in_port(&fm.match, flows[i].in_port);
		fm.hard_timeout = flows[i].timeout;
		fm.importance = flows[i].importance;
		fm.flags = OFPFF_SEND_FLOW_REM;
		assert_int_equal(apply(fm), 0);
	}
	static const int expected[] = {3, 2};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(apply(flow(OFPFC_ADD, 0, 10 + i, 1)), 0);
		assert_int_equal(fake_news.removed[i].priority, expected[i]);
	}
	// Groups of the same size are looked at together.
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 12, 1)), 0);
	assert_int_equal(fake_news.removed[2].priority, 0);
}

// --- Against what looks at all rules each time.

struct naive {
	size_t group; // its size
	const struct rule *rule;
};

static int64_t naive_end(const struct rule *r)
{
	int64_t busy = r->used > r->modified ? r->used : r->modified;
	int64_t idle = r->idle_timeout ? busy + r->idle_timeout * 1000 : INT64_MAX;
	int64_t hard = r->hard_timeout ? r->modified + r->hard_timeout * 1000 : INT64_MAX;
	return idle < hard ? idle : hard;
}

static struct naive naive_candidate(const struct rule_vec *all)
{
	struct naive best = {0};
	VEC_FOREACH (all, i) {
		const struct rule *r = all->v[i];
		size_t n = 0;
		if (!r->idle_timeout && !r->hard_timeout)
			continue;
		VEC_FOREACH (all, k)
			n += (all->v[k]->idle_timeout || all->v[k]->hard_timeout) &&
			     all->v[k]->cls.priority % 4 == r->cls.priority % 4;
		if (!best.rule || n > best.group ||
		    (n == best.group && (r->importance < best.rule->importance ||
					 (r->importance == best.rule->importance &&
					  naive_end(r) < naive_end(best.rule)))))
			best = (struct naive){.group = n, .rule = r};
	}
	return best;
}

static struct rule *any_rule(struct rule_vec *all)
{
	vec_clear(all);
	tables_collect(&sw.ofproto.tables, 0, NULL, all);
	return all->n ? all->v[random_below((uint32_t)all->n)] : NULL;
}

static void test_eviction_random(void **state)
{
	struct rule_vec all = {0};
	struct subfield by = {.field = field_get(FIELD_IN_PORT), .n_bits = 16};
	random_seed(1);
	tables_set_groups(&sw.ofproto.tables, 0, xmemdup(&by, sizeof(by)), 1);
	for (int i = 0; i < 4000; i++) {
		struct rule *r = any_rule(&all);
		switch (r ? random_below(5) : 0) {
		case 0:
		case 1: {
			uint32_t n = random_below(200);
			struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, n, 1);
			match_in_port(&fm.match, n % 4);
			fm.hard_timeout = (uint16_t)(random_below(3) * random_below(100));
			fm.idle_timeout = (uint16_t)(random_below(3) * random_below(100));
			fm.importance = (uint16_t)random_below(3);
			assert_int_equal(apply(fm), 0);
			break;
		}
		case 2:
			rule_credit(r, 1, 60, clock_ms());
			break;
		case 3:
			advance(random_below(50));
			break;
		default: {
			vec_clear(&all);
			tables_collect(&sw.ofproto.tables, 0, NULL, &all);
			struct naive wanted = naive_candidate(&all);
			struct rule *got = tables_eviction_candidate(&sw.ofproto.tables, 0);
			assert_true(!got == !wanted.rule);
			if (!got)
				break;
			assert_int_equal(got->importance, wanted.rule->importance);
			assert_int_equal(naive_end(got), naive_end(wanted.rule));
			if (random_below(4))
				break;
			tables_remove(&sw.ofproto.tables, got);
			rule_unref(got);
		}
		}
	}
	vec_done(&all);
}

// What is counted for limits of learned flows follows all that happens to them.
static void test_cookies_are_counted(void **state)
{
	struct rule_vec all = {0};
	random_seed(2);
	for (int i = 0; i < 3000; i++) {
		struct rule *r = any_rule(&all);
		switch (r ? random_below(4) : 0) {
		case 0: {
			struct ofp_flow_mod fm = flow(OFPFC_ADD, 0, random_below(60), 1);
			fm.new_cookie = htobe64(random_below(3));
			assert_int_equal(apply(fm), 0);
			break;
		}
		case 1:
			tables_set_cookie(&sw.ofproto.tables, r, htobe64(random_below(3)));
			break;
		case 2:
			tables_remove(&sw.ofproto.tables, r);
			rule_unref(r);
			break;
		default: {
			unsigned int n = 0;
			be64_t cookie = htobe64(random_below(3));
			VEC_FOREACH (&all, k)
				n += all.v[k]->cookie == cookie;
			assert_int_equal(tables_count_cookie(&sw.ofproto.tables, 0, cookie), n);
		}
		}
	}
	vec_done(&all);
}

static void test_default_flow(void **state)
{
	fake_news.fail_mode = OFPROTO_FAIL_STANDALONE;
	assert_int_equal(apply(flow(OFPFC_ADD, 3, 9, 1)), 0);
	flows_flush(&sw.ofproto);
	assert_int_equal(count(3), 0);
	const struct rule *r = only_rule(0);
	assert_int_equal(r->cls.priority, 0);
	assert_false(r->hidden);
	assert_true(ofpacts_output_to(r->actions->list, r->actions->len, OFPP_NORMAL));
	fake_news.fail_mode = OFPROTO_FAIL_SECURE;
	flows_flush(&sw.ofproto);
	assert_int_equal(count(0), 0);
	fake_news.fail_mode = OFPROTO_FAIL_STANDALONE;
	fake_news.has_primary = true;
	flows_flush(&sw.ofproto);
	assert_int_equal(count(0), 0);
	// Fail-open: a flow that controllers neither see nor touch.
	flows_set_fail_open(&sw.ofproto, true);
	flows_set_fail_open(&sw.ofproto, true);
	assert_true(only_rule(0)->hidden);
	assert_int_equal(apply(flow(OFPFC_DELETE, OFPTT_ALL, 0, 0)), 0);
	assert_int_equal(count(0), 1);
	flows_set_fail_open(&sw.ofproto, false);
	assert_int_equal(count(0), 0);
}

static void test_table_counters(void **state)
{
	const struct oftable *t = &sw.ofproto.tables.table[4];
	assert_int_equal(apply(flow(OFPFC_ADD, 4, 5, 1)), 0);
	struct rule *r = only_rule(4);
	rule_ref(r);
	rule_credit(r, 3, 300, clock_ms());
	ofproto_table_credit_miss(&sw.ofproto, 4, 2);
	assert_int_equal(t->n_lookup, 5);
	assert_int_equal(t->n_matched, 3);
	assert_int_equal(apply(flow(OFPFC_DELETE, 4, 0, 0)), 0);
	rule_credit(r, 3, 300, clock_ms());
	assert_int_equal(t->n_matched, 3);
	rule_unref(r);
}

// A reference keeps a removed rule, and reading it, valid.
static void test_references(void **state)
{
	assert_int_equal(apply(flow(OFPFC_ADD, 0, 5, 1)), 0);
	struct rule *r = only_rule(0);
	assert_true(rule_try_ref(r));
	assert_int_equal(apply(flow(OFPFC_DELETE, 0, 0, 0)), 0);
	assert_true(r->removed);
	rule_credit(r, 1, 60, clock_ms());
	assert_int_equal(rule_counts(r).packets, 1);
	rule_unref(r);
	assert_false(rule_try_ref(r)); // still there until the next quiescent state
	rcu_quiescent();
}

// --- The model.

struct model_flow {
	bool live;
	uint8_t table_id;
	int priority;
	struct match match;
	uint64_t cookie;
	uint32_t port;
	uint16_t idle, hard, flags;
	int64_t created, modified, used;
	uint64_t packets;
};
enum { MODEL_MAX = 4000 };
static struct model_flow model[MODEL_MAX];
static size_t model_n;

static bool covers(const struct match *general, const struct match *special)
{
	const uint64_t *gm = flow_words_const(&general->mask),
		       *gv = flow_words_const(&general->flow);
	const uint64_t *sm = flow_words_const(&special->mask),
		       *sv = flow_words_const(&special->flow);
	for (int i = 0; i < FLOW_WORDS; i++)
		if ((gm[i] & ~sm[i]) || ((gv[i] ^ sv[i]) & gm[i]))
			return false;
	return true;
}

static bool model_meets(const struct model_flow *f, const struct ofp_flow_mod *fm)
{
	bool strict = fm->command == OFPFC_MODIFY_STRICT || fm->command == OFPFC_DELETE_STRICT;
	bool delete = fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
	if (!f->live || (fm->table_id != OFPTT_ALL && fm->table_id != f->table_id))
		return false;
	if (strict ? f->priority != fm->priority || !match_equal(&f->match, &fm->match)
		   : !covers(&fm->match, &f->match))
		return false;
	if ((f->cookie ^ fm->cookie) & fm->cookie_mask)
		return false;
	return !delete || fm->out_port == OFPP_NONE || fm->out_port == f->port;
}

static bool model_overlaps(const struct ofp_flow_mod *fm, uint8_t table_id)
{
	for (size_t i = 0; i < model_n; i++) {
		const struct model_flow *f = &model[i];
		if (!f->live || f->table_id != table_id || f->priority != fm->priority)
			continue;
		bool apart = false;
		for (int w = 0; w < FLOW_WORDS; w++)
			apart |= (flow_words_const(&f->match.flow)[w] ^
				  flow_words_const(&fm->match.flow)[w]) &
				 flow_words_const(&f->match.mask)[w] &
				 flow_words_const(&fm->match.mask)[w];
		if (!apart)
			return true;
	}
	return false;
}

static int model_add(const struct ofp_flow_mod *fm, uint32_t port)
{
	uint8_t table_id = fm->table_id == OFPTT_ALL ? 0 : fm->table_id;
	struct model_flow *old = NULL;
	for (size_t i = 0; i < model_n; i++)
		if (model[i].live && model[i].table_id == table_id &&
		    model[i].priority == fm->priority && match_equal(&model[i].match, &fm->match))
			old = &model[i];
	if (!old && fm->flags & OFPFF_CHECK_OVERLAP && model_overlaps(fm, table_id))
		return OFPFMFC_OVERLAP;
	assert_true(model_n < MODEL_MAX);
	struct model_flow *f = old ? old : &model[model_n++];
	uint64_t packets = old && !(fm->flags & OFPFF_RESET_COUNTS) ? old->packets : 0;
	int64_t used = old ? old->used : clock_ms();
	*f = (struct model_flow){
		.live = true,
		.table_id = table_id,
		.priority = fm->priority,
		.match = fm->match,
		.cookie = fm->new_cookie,
		.port = port,
		.idle = fm->idle_timeout,
		.hard = fm->hard_timeout,
		.flags = fm->flags,
		.created = clock_ms(),
		.modified = clock_ms(),
		.used = used,
		.packets = packets,
	};
	return 0;
}

static size_t model_removed;

static int model_apply(const struct ofp_flow_mod *fm, uint32_t port)
{
	if (fm->command == OFPFC_ADD)
		return model_add(fm, port);
	bool delete = fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
	size_t met = 0;
	for (size_t i = 0; i < model_n; i++) {
		struct model_flow *f = &model[i];
		if (!model_meets(f, fm))
			continue;
		met++;
		if (delete) {
			f->live = false;
			model_removed += !!(f->flags & OFPFF_SEND_FLOW_REM);
			continue;
		}
		f->port = port;
		f->modified = clock_ms();
		if (fm->modify_cookie && fm->new_cookie != UINT64_MAX)
			f->cookie = fm->new_cookie;
		if (fm->flags & OFPFF_RESET_COUNTS)
			f->packets = 0;
	}
	return !delete &&!met && !fm->cookie_mask && fm->new_cookie != UINT64_MAX
		       ? model_add(fm, port)
		       : 0;
}

static void model_expire(void)
{
	int64_t now = clock_ms();
	for (size_t i = 0; i < model_n; i++) {
		struct model_flow *f = &model[i];
		int64_t busy = f->used > f->modified ? f->used : f->modified;
		if (f->live && ((f->hard && f->modified + f->hard * 1000 <= now) ||
				(f->idle && busy + f->idle * 1000 <= now))) {
			f->live = false;
			model_removed += !!(f->flags & OFPFF_SEND_FLOW_REM);
		}
	}
}

static struct match random_match(void)
{
	struct match m;
	match_init_any(&m);
	if (random_below(2))
		match_in_port(&m, random_below(3));
	if (random_below(2)) {
		m.mask.nw_dst = random_below(2) ? BE32(0xffffff00) : BE32(0xffff0000);
		m.flow.nw_dst = htobe32(0x0a000000 | random_below(2) << 16 | random_below(2) << 8) &
				m.mask.nw_dst;
	}
	if (!random_below(4)) {
		m.mask.regs[3] = 0xff;
		m.flow.regs[3] = random_below(2);
	}
	match_imply_ethernet(&m); // as rules are kept
	return m;
}

static struct ofp_flow_mod random_flow_mod(uint32_t port)
{
	static const enum ofp_flow_mod_command commands[] = {
		OFPFC_ADD,    OFPFC_ADD,	   OFPFC_ADD,	 OFPFC_ADD,
		OFPFC_MODIFY, OFPFC_MODIFY_STRICT, OFPFC_DELETE, OFPFC_DELETE_STRICT};
	struct ofp_flow_mod fm = flow(commands[random_below(8)], (uint8_t)random_below(3),
				      (int)random_below(3), port);
	fm.match = random_match();
	if (fm.table_id == 2 && random_below(2))
		fm.table_id = OFPTT_ALL;
	fm.new_cookie = random_below(4);
	fm.modify_cookie = random_below(2);
	if (fm.command != OFPFC_ADD && random_below(2)) {
		fm.cookie_mask = random_below(4);
		fm.cookie = random_below(4) & fm.cookie_mask;
	}
	if (fm.command == OFPFC_MODIFY && random_below(2))
		fm.new_cookie = UINT64_MAX;
	if (fm.command == OFPFC_DELETE && random_below(2))
		fm.out_port = random_below(4) + 1;
	fm.idle_timeout = random_below(4) ? 0 : (uint16_t)(1 + random_below(20));
	fm.hard_timeout = random_below(4) ? 0 : (uint16_t)(1 + random_below(20));
	static const uint16_t flags[] = {OFPFF_SEND_FLOW_REM, OFPFF_CHECK_OVERLAP,
					 OFPFF_RESET_COUNTS};
	for (int i = 0; i < 3; i++)
		fm.flags |= random_below(3) ? 0 : flags[i];
	return fm;
}

static void compare(void)
{
	unsigned int live = 0;
	for (size_t i = 0; i < model_n; i++) {
		const struct model_flow *f = &model[i];
		if (!f->live)
			continue;
		live++;
		const struct rule *r = tables_find_exactly(&sw.ofproto.tables, f->table_id,
							   &f->match, f->priority);
		assert_non_null(r);
		assert_int_equal(r->cookie, f->cookie);
		assert_int_equal(r->idle_timeout, f->idle);
		assert_int_equal(r->hard_timeout, f->hard);
		assert_int_equal(r->flags, f->flags);
		assert_int_equal(r->created, f->created);
		assert_int_equal(r->modified, f->modified);
		assert_int_equal(rule_counts(r).packets, f->packets);
		assert_true(ofpacts_output_to(r->actions->list, r->actions->len, f->port));
	}
	assert_int_equal(live, sw.ofproto.tables.n_rules);
	assert_int_equal(live, count(0) + count(1) + count(2));
	assert_int_equal(model_removed, fake_news.n_removed);
}

static void random_traffic(void)
{
	if (!model_n)
		return;
	struct model_flow *f = &model[random_below((uint32_t)model_n)];
	struct rule *r = f->live ? tables_find_exactly(&sw.ofproto.tables, f->table_id, &f->match,
						       f->priority)
				 : NULL;
	if (!r)
		return;
	rule_credit(r, 2, 120, clock_ms());
	f->packets += 2;
	f->used = clock_ms();
}

static void test_against_model(void **state)
{
	model_n = model_removed = 0;
	for (int i = 0; i < 4000; i++) {
		uint32_t port = 1 + random_below(4);
		struct ofp_flow_mod fm = random_flow_mod(port);
		int expected = model_apply(&fm, port);
		assert_int_equal(apply(fm), expected);
		random_traffic();
		if (!random_below(4)) {
			advance(random_below(3000));
			model_expire();
		}
		if (i % 16 == 0) {
			compare();
			rcu_quiescent();
		}
		// Keep the model's list short.
		size_t kept = 0;
		for (size_t j = 0; j < model_n; j++)
			if (model[j].live)
				model[kept++] = model[j];
		model_n = kept;
	}
	compare();
}

// --- Journals.

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// All there is to say about the rules, in the order of the tables.
static char *picture(void)
{
	struct str s = STR_INIT;
	struct rule_vec all = {0};
	tables_collect(&sw.ofproto.tables, OFPTT_ALL, NULL, &all);
	char **lines = calloc(all.n + 1, sizeof(char *));
	for (size_t i = 0; i < all.n; i++) {
		const struct rule *r = all.v[i];
		struct rule_counts n = rule_counts(r);
		struct match m;
		struct str line = STR_INIT;
		minimatch_expand(&r->cls.match, &m);
		str_addf(&line, "%u %llx %u %u %u %u %llu %llu %llu ", r->table_id,
			 (unsigned long long)r->cookie, r->idle_timeout, r->hard_timeout, r->flags,
			 r->importance, (unsigned long long)n.packets, (unsigned long long)n.bytes,
			 (unsigned long long)r->created);
		match_format(&m, &line, r->cls.priority, NULL, NULL);
		str_add(&line, " actions=");
		ofpacts_format(r->actions->list, r->actions->len, NULL, &line);
		lines[i] = str_take(&line);
	}
	qsort(lines, all.n, sizeof(char *), by_text);
	for (size_t i = 0; i < all.n; i++) {
		str_addf(&s, "%s\n", lines[i]);
		free(lines[i]);
	}
	free(lines);
	free(all.v);
	return str_take(&s);
}

static void test_rollback_leaves_no_trace(void **state)
{
	for (int round = 0; round < 300; round++) {
		for (int i = 0; i < 10; i++)
			(void)apply(random_flow_mod(random_below(5)));
		struct rule_vec all = {0};
		tables_collect(&sw.ofproto.tables, OFPTT_ALL, NULL, &all);
		for (size_t i = 0; i < all.n; i++)
			rule_credit(all.v[i], random_below(3), 60, clock_ms());
		free(all.v);
		clock_warp(1);
		char *before = picture();
		size_t news = fake_news.n_removed;
		journal_begin(&sw.ofproto);
		for (unsigned int i = random_below(20); i--;)
			(void)apply(random_flow_mod(random_below(5)));
		journal_rollback(&sw.ofproto);
		char *after = picture();
		assert_string_equal(before, after);
		assert_int_equal(news, fake_news.n_removed);
		free(before);
		free(after);
		rcu_quiescent();
	}
}

static void test_commit_is_as_if_there_was_no_journal(void **state)
{
	for (int round = 0; round < 200; round++) {
		uint64_t seed = random_u64();
		char *pictures[2];
		size_t news[2];
		for (int with = 0; with < 2; with++) {
			teardown(NULL);
			setup(NULL);
			random_seed(seed);
			if (with)
				journal_begin(&sw.ofproto);
			for (int i = 0; i < 20; i++)
				(void)apply(random_flow_mod(random_below(5)));
			if (with)
				journal_commit(&sw.ofproto);
			pictures[with] = picture();
			news[with] = fake_news.n_removed;
		}
		assert_string_equal(pictures[0], pictures[1]);
		assert_int_equal(news[0], news[1]);
		free(pictures[0]);
		free(pictures[1]);
		rcu_quiescent();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
		TEST(test_add_replaces),
		TEST(test_add_goes_to_table_0),
		TEST(test_hidden_table_is_refused),
		TEST(test_overlap),
		TEST(test_modify_adds_where_it_says_so),
		TEST(test_modify_keeps_what_it_does_not_say),
		TEST(test_delete_by_port_and_cookie),
		TEST(test_hard_timeout),
		TEST(test_idle_timeout),
		TEST(test_limit_refuses),
		TEST(test_limit_evicts),
		TEST(test_eviction_groups),
		TEST(test_eviction_random),
		TEST(test_cookies_are_counted),
		TEST(test_default_flow),
		TEST(test_table_counters),
		TEST(test_references),
		TEST(test_against_model),
		TEST(test_rollback_leaves_no_trace),
		TEST(test_commit_is_as_if_there_was_no_journal),
	};
	rcu_register();
	clock_stop();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister();
	return failed;
}
