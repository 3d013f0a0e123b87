/* SPDX-License-Identifier: Apache-2.0 */
// What receive queues may spend on misses, and when megaflows are worth their making.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "dp/user/budget.h"
#include "dp/user/flow_table.h"

enum { MS = 100000 }; // cycles, of these tests

struct spent {
	uint64_t upcalls, searches, dropped;
};

// Packets that all miss: each costs a search and, where it may, an upcall. Until `end`.
static struct spent flood(struct budget *b, struct budget_epoch *e, uint64_t *now, uint64_t end)
{
	enum { SEARCH = 300, UPCALL = 1000, DROP = 100 };
	struct spent s = {0};
	while (*now < end) {
		budget_busy(b, e);
		uint64_t start = *now;
		enum budget_verdict v = budget_ask(b, e, start, MS);
		*now += v == BUDGET_ALL ? SEARCH + UPCALL : v == BUDGET_NO_UPCALL ? SEARCH : DROP;
		s.upcalls += v == BUDGET_ALL;
		s.searches += v != BUDGET_NO_SEARCH;
		s.dropped += v != BUDGET_ALL;
		if (v != BUDGET_NO_SEARCH)
			budget_spend(b, *now - start);
	}
	return s;
}

static void test_alone_there_is_no_limit(void **state)
{
	struct budget b = {0};
	struct budget_epoch e = {.number = 1};
	uint64_t now = 1000 * MS;
	struct spent s = flood(&b, &e, &now, now + 100 * MS);
	assert_int_equal(s.dropped, 0);
}

// Another queue has packets all the time, none of which misses.
static void test_shares(void **state)
{
	struct budget b[3] = {0};
	struct budget_epoch e = {.number = 1};
	uint64_t now = 1000 * MS;
	for (unsigned int others = 1; others <= 2; others++) {
		uint64_t spent = 0, start = now + 20 * MS, end = now + 220 * MS;
		while (now < end) {
			for (unsigned int i = 1; i <= others; i++)
				budget_busy(&b[i], &e);
			uint64_t begin = now;
			struct spent s = flood(&b[0], &e, &now, now + 4000); // a turn of four
			if (begin >= start)
				spent += s.upcalls * 1300 + (s.searches - s.upcalls) * 300;
			now += 2000; // the others' turns
		}
		uint64_t share = (end - start) / (others + 1);
		assert_in_range(spent, share * 8 / 10, share * 11 / 10);
		e.n_busy_before = e.n_busy = 0;
	}
}

static void test_who_was_quiet_may_burst(void **state)
{
	struct budget b[2] = {0};
	struct budget_epoch e = {.number = 1};
	for (uint64_t t = 1000 * MS; t < 1010 * MS;
	     t += MS / 10) { // both have packets, and a miss now and then
		budget_busy(&b[0], &e);
		budget_busy(&b[1], &e);
		assert_int_equal(budget_ask(&b[0], &e, t, MS), BUDGET_ALL);
		budget_spend(&b[0], MS / 50);
	}
	uint64_t now = 1010 * MS;
	budget_busy(&b[1], &e);
	struct spent s = flood(&b[0], &e, &now, now + MS);
	assert_int_equal(s.dropped, 0);
}

static uint32_t installs(struct budget *b, const struct flow_counters *c,
			 struct flow_counter *counter, unsigned int n, uint32_t *now,
			 unsigned int reused_of_10)
{
	uint32_t installed = 0;
	for (unsigned int i = 0; i < n; i++) {
		if (!budget_wants_megaflow(b))
			continue;
		uint32_t number = installed++ % FLOW_CHUNK;
		counter[number].packets = number % 10 < reused_of_10;
		budget_watch(b, c, number, *now);
		*now += 10;
	}
	return installed;
}

static void test_megaflows_while_they_serve(void **state)
{
	static struct flow_counter counter[FLOW_CHUNK];
	static struct flow_counters c;
	struct budget b = {0};
	uint32_t now = 1;
	c.chunk[0] = counter;
	assert_int_equal(installs(&b, &c, counter, 1000, &now, 10), 1000);
	assert_int_equal(installs(&b, &c, counter, 1000, &now, 3), 1000);
	assert_true(installs(&b, &c, counter, 4000, &now, 0) <
		    4000); // it takes a while to find out
	assert_in_range(installs(&b, &c, counter, 6400, &now, 0), 390, 410);
	// Some are reused again: soon all are made.
	installs(&b, &c, counter, 100000, &now, 5);
	assert_int_equal(installs(&b, &c, counter, 1000, &now, 5), 1000);
}

int main(void)
{
	rcu_register();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone_there_is_no_limit),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_who_was_quiet_may_burst),
		cmocka_unit_test(test_megaflows_while_they_serve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
