/* SPDX-License-Identifier: Apache-2.0 */
// Triggers of random flows under random traffic, beside a model that counts thresholds one by one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "fake_switch.h"
#include "ofproto/flow_mod.h"

enum { N_RULES = 40, ROUNDS = 3000, ROUND_MS = 500 };

static struct fake_switch sw;

struct model {
	struct rule *rule; // NULL: not there
	bool periodic, only_first;
	uint64_t packets, bytes, duration_ms, idle_ms; // thresholds, 0: none
	// How many times each has been passed, and the most of any so far.
	uint64_t passed[4], most;
};
static struct model models[N_RULES];
static bool told[N_RULES];

static void note(const struct ofp_flow_stats *fs)
{
	assert_int_equal(fs->reason, OFPFSR_STAT_TRIGGER);
	assert_in_range(fs->priority, 1, N_RULES);
	assert_false(told[fs->priority - 1]); // once a round
	told[fs->priority - 1] = true;
}

static uint64_t times(uint64_t value, uint64_t threshold, bool periodic)
{
	uint64_t n = 0;
	for (uint64_t next = threshold; threshold && next <= value; next += threshold) {
		n++;
		if (!periodic)
			break;
	}
	return n;
}

// The news that the model expects; it goes on from there.
static bool model_passes(struct model *m)
{
	struct rule_counts n = rule_counts(m->rule);
	int64_t now = clock_ms();
	const uint64_t passed[4] = {
		times(n.packets, m->packets, m->periodic),
		times(n.bytes, m->bytes, m->periodic),
		times((uint64_t)(now - m->rule->created), m->duration_ms, m->periodic),
		times((uint64_t)(now - n.used), m->idle_ms, m->periodic),
	};
	uint64_t most = m->most;
	bool any = false;
	for (int i = 0; i < 4; i++) {
		any |= passed[i] > m->passed[i];
		most = passed[i] > most ? passed[i] : most;
	}
	bool first = most > m->most;
	memcpy(m->passed, passed, sizeof(passed));
	m->most = most;
	return m->only_first ? first : any;
}

static uint64_t maybe(uint64_t below)
{
	return random_below(2) ? 1 + random_below((uint32_t)below) : 0;
}

static void add(unsigned int i)
{
	struct model *m = &models[i];
	struct ofp_flow_mod fm = {0};
	*m = (struct model){.periodic = random_below(2),
			    .only_first = random_below(2),
			    .packets = maybe(300),
			    .bytes = maybe(30000),
			    .duration_ms = maybe(20000),
			    .idle_ms = maybe(4000)};
	ofp_flow_mod_init(&fm);
	fm.table_id = 0;
	fm.priority = (uint16_t)(i + 1);
	fm.flags = random_below(2) ? OFPFF_RESET_COUNTS : 0;
	if (m->packets || m->bytes || m->duration_ms || m->idle_ms) {
		struct ofpact_stat_trigger *t =
			ofpact_add(&fm.actions, OFPACT_STAT_TRIGGER, sizeof(*t));
		oxs_init(&t->thresholds);
		t->flags = (m->periodic ? OFPSTF_PERIODIC : 0) |
			   (m->only_first ? OFPSTF_ONLY_FIRST : 0);
		oxs_add_traffic(&t->thresholds, m->packets ? m->packets : UINT64_MAX,
				m->bytes ? m->bytes : UINT64_MAX);
		if (m->duration_ms)
			oxs_add_duration(&t->thresholds, (uint32_t)(m->duration_ms / 1000),
					 (uint32_t)(m->duration_ms % 1000) * 1000000);
		if (m->idle_ms) {
			oxs_add_idle(&t->thresholds, (int)(m->idle_ms / 1000));
			t->thresholds.idle_ns = (uint32_t)(m->idle_ms % 1000) * 1000000;
		}
	}
	assert_int_equal(flow_mod_apply(&sw.ofproto, &fm, OFP15), 0);
	m->rule = tables_find_exactly(&sw.ofproto.tables, 0, &fm.match, fm.priority);
	assert_non_null(m->rule);
	(void)model_passes(m); // what was passed before is no news
	ofp_flow_mod_done(&fm);
}

static void delete_flow(unsigned int i)
{
	struct ofp_flow_mod fm = {0};
	ofp_flow_mod_init(&fm);
	fm.command = OFPFC_DELETE_STRICT;
	fm.table_id = 0;
	fm.priority = (uint16_t)(i + 1);
	assert_int_equal(flow_mod_apply(&sw.ofproto, &fm, OFP15), 0);
	ofp_flow_mod_done(&fm);
	models[i].rule = NULL;
}

static void one_round(void)
{
	memset(told, 0, sizeof(told));
	clock_warp(ROUND_MS);
	loop_clock_changed(sw.system.loop);
	loop_run_once(sw.system.loop, 0);
	for (unsigned int i = 0; i < N_RULES; i++)
		if (told[i] != (models[i].rule && model_passes(&models[i])))
			fail_msg("flow %u: %s", i, told[i] ? "told for nothing" : "not told");
}

static void test_random(void **state)
{
	fake_switch_init(&sw);
	fake_news.on_trigger = note;
	unsigned int n_told = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (unsigned int i = 0; i < N_RULES; i++) {
			struct rule *r = models[i].rule;
			unsigned int what = random_below(40);
			if (what == 0)
				add(i);
			else if (what == 1 && r)
				delete_flow(i);
			else if (what < 15 && r)
				rule_credit(r, 1 + random_below(50), random_below(3000),
					    clock_ms());
		}
		one_round();
		for (unsigned int i = 0; i < N_RULES; i++)
			n_told += told[i];
	}
	assert_true(n_told > ROUNDS);
	for (unsigned int i = 0; i < N_RULES; i++)
		if (models[i].rule)
			delete_flow(i);
	one_round();
	one_round();
	assert_int_equal(sw.ofproto.tables.triggers.watched.n, 0);
	assert_false(loop_timer_is_set(&sw.ofproto.trigger_timer));
	fake_switch_done(&sw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
	rcu_register();
	clock_stop();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister();
	return failed;
}
