/* SPDX-License-Identifier: Apache-2.0 */
// Decisions about polling threads that need no threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "dp/dp.h"
#include "dp/user/assign.h"
#include "dp/user/balance.h"
#include "dp/user/user.h"

static void add_pair(void *text, unsigned int queue, unsigned int core)
{
	str_addf(text, "%u>%u ", queue, core);
}

static void test_affinity(void **state)
{
	static const struct {
		const char *text, *pairs; // NULL: malformed
	} all[] = {
		{"0:3", "0>3 "},  {"0:3,1:7,3:8", "0>3 1>7 3>8 "},
		{"2:0,", "2>0 "}, {"", NULL},
		{"0", NULL},	  {"0:", NULL},
		{":3", NULL},	  {"0:3;1:4", NULL},
		{"a:b", NULL},	  {"0:3,,1:2", NULL},
		{"-1:3", NULL},	  {"0:99999", NULL},
		{"0:3 ", NULL},	  {"4294967296:1", NULL},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct str text = STR_INIT;
		bool ok = dp_parse_affinity(all[i].text, add_pair, &text);
		assert_int_equal(ok, all[i].pairs != NULL);
		assert_string_equal(str_cstr(&text), ok ? all[i].pairs : "");
		str_done(&text);
	}
}

static void test_improvement(void **state)
{
	const uint64_t uneven[] = {90, 10}, even[] = {50, 50}, better[] = {60, 40},
		       three[] = {90, 0, 0};
	assert_int_equal(balance_improvement(uneven, even, 2), 100);
	assert_int_equal(balance_improvement(uneven, better, 2), 93); // 1600 to 100
	assert_int_equal(balance_improvement(even, uneven, 2), 0);
	assert_int_equal(balance_improvement(even, even, 2), 0);
	assert_int_equal(balance_improvement(three, three, 3), 0);
	assert_int_equal(balance_improvement(NULL, NULL, 0), 0);
}

enum { THREADS = 4, QUEUES = 12 };

static void plan(struct dp_user *dp, struct dp_thread *threads, struct dp_rxq *queues)
{
	static struct dp_port port;
	struct assignment a = {0};
	for (unsigned int i = 0; i < THREADS; i++) {
		threads[i] = (struct dp_thread){.core = i, .numa = i / 2};
		vec_push(&a.threads, &threads[i]);
	}
	for (unsigned int i = 0; i < QUEUES; i++) {
		queues[i].port = &port;
		queues[i].next_thread = NULL;
		vec_push(&a.queues, &queues[i]);
	}
	assignment_plan(dp, &a);
	vec_done(&a.threads);
	vec_done(&a.queues);
}

// Two threads on each of two nodes. Queues stay on their node, in even shares; those of no node, or
// of one without threads, go anywhere.
static void test_nodes(void **state)
{
	static struct dp_user dp;
	static struct dp_thread threads[THREADS];
	static const enum dp_rxq_assign all[] = {DP_ASSIGN_CYCLES, DP_ASSIGN_GROUP,
						 DP_ASSIGN_ROUND_ROBIN};
	for (unsigned int how = 0; how < 3; how++) {
		struct dp_rxq queues[QUEUES] = {0};
		unsigned int served[THREADS] = {0};
		dp.settings.assign = all[how];
		for (unsigned int i = 0; i < QUEUES; i++) {
			queues[i].pinned_core = -1;
			queues[i].numa = i < 8 ? (int)i % 2 : i < 10 ? -1 : 7;
			queues[i].window[0] = 1000;
		}
		plan(&dp, threads, queues);
		for (unsigned int i = 0; i < QUEUES; i++) {
			assert_non_null(queues[i].next_thread);
			served[queues[i].next_thread->core]++;
			if (i < 8)
				assert_int_equal(queues[i].next_thread->numa, i % 2);
		}
		for (unsigned int i = 0; i < THREADS; i++)
			assert_int_equal(served[i], 3);
	}
}

// A core that a queue is pinned to serves no other; when all are, they do.
static void test_isolation(void **state)
{
	static struct dp_user dp;
	static struct dp_thread threads[THREADS];
	struct dp_rxq queues[QUEUES] = {0};
	dp.settings = (struct dp_settings){.rxq_isolate = true};
	for (unsigned int i = 0; i < QUEUES; i++) {
		queues[i].numa = 0;
		queues[i].pinned_core = i ? -1 : 1;
	}
	plan(&dp, threads, queues);
	for (unsigned int i = 0; i < QUEUES; i++)
		assert_int_equal(queues[i].next_thread->core, i ? 0 : 1);
	for (unsigned int i = 0; i < THREADS; i++)
		queues[i].pinned_core = (int)i;
	plan(&dp, threads, queues);
	for (unsigned int i = THREADS; i < QUEUES; i++)
		assert_non_null(queues[i].next_thread);
	assert_true(threads[0].isolated && threads[1].isolated && threads[2].isolated &&
		    threads[3].isolated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_improvement),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_isolation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
