/* SPDX-License-Identifier: Apache-2.0 */
// What polling threads do with packets that may wait, with several transmit queues, and what they
// record of their turns.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "dp_fixture.h"
#include "frames.h"

static struct fixture f;
static struct netdev *in; // polled; what comes in goes to port 2
enum { UDP_LEN = 60, WAIT_MS = 5000 };

static void add_output(struct buf *b, uint32_t port)
{
	struct dpact_output *o = buf_add_zeros(b, sizeof(*o));
	o->h = (struct dpact){.type = DPACT_OUTPUT, .len = sizeof(*o)};
	o->port = port;
}

static void push(unsigned int host)
{
	uint8_t frame[UDP_LEN] = "\2\0\0\0\0\1\2\0\0\0\0\2\10\0\105";
	put_be16(frame + 16, 46);
	frame[22] = 64;
	frame[23] = 17;
	frame[26] = 10;
	put_be16(frame + 28, (uint16_t)host);
	frame[30] = 10;
	frame_fix_checksums(frame, UDP_LEN);
	fake_netdev_push(in, 0, mbuf_from_bytes(frame, UDP_LEN));
}

static void run_for(int64_t ms)
{
	for (int64_t end = clock_ms() + ms; clock_ms() < end;) {
		fixture_run(&f);
		usleep(500);
	}
}

static void await_sent(size_t n)
{
	for (int64_t end = clock_ms() + WAIT_MS;
	     fake_netdev_n_sent(f.port[2]) < n && clock_ms() < end;)
		run_for(1);
	assert_int_equal(fake_netdev_n_sent(f.port[2]), n);
}

static void configure(const struct dp_settings *s)
{
	dp_configure(f.dp, s);
	fixture_run(&f);
}

static int setup(void **state)
{
	struct dp_settings s;
	uint32_t number = 20;
	fixture_init(&f, "netdev", "system");
	dp_settings_init(&s);
	s.pmd_sleep_us = 0;
	configure(&s);
	add_output(&f.actions, 2);
	f.install = true;
	f.mask.in_port = UINT32_MAX;
	f.mask.dl_type = 0xffff;
	in = fake_netdev_new("in", "polled", 1500, 1);
	assert_null(dp_port_add(f.dp, in, &number));
	push(0);
	await_sent(1); // its megaflow is there now
	return 0;
}

static int teardown(void **state)
{
	fixture_done(&f);
	fake_netdev_free(in);
	return 0;
}

// Packets wait for others that go the same way, but no longer than they may, and not for a full
// batch.
static void test_batches_over_time(void **state)
{
	struct dp_settings s;
	dp_settings_init(&s);
	s.pmd_sleep_us = 0;
	s.tx_flush_us = 200000;
	configure(&s);
	size_t bursts = fake_netdev_n_bursts(f.port[2]);
	int64_t start = clock_ms();
	for (unsigned int i = 0; i < 10; i++) {
		push(i);
		run_for(2);
	}
	if (clock_ms() - start < 150) // else this machine was too slow to tell
		assert_int_equal(fake_netdev_n_sent(f.port[2]), 1);
	await_sent(11);
	assert_true(clock_ms() - start >= 195);
	assert_true(fake_netdev_n_bursts(f.port[2]) <= bursts + 2);
	// A full batch goes at once.
	start = clock_ms();
	for (unsigned int i = 0; i < BURST; i++)
		push(i);
	await_sent(11 + BURST);
	// What waits when a setting is taken back, or a port goes, is not lost.
	push(1);
	run_for(5);
	s.tx_flush_us = 0;
	configure(&s);
	await_sent(12 + BURST);
	s.tx_flush_us = 1000000;
	configure(&s);
	push(1);
	run_for(5);
	assert_int_equal(dp_port_del(f.dp, 2), 0);
	assert_int_equal(fake_netdev_n_sent(f.port[2]), 13 + BURST);
}

// A thread that may sleep sends before.
static void test_nothing_waits_for_a_sleeper(void **state)
{
	struct dp_settings s;
	dp_settings_init(&s);
	s.tx_flush_us = 1000000;
	configure(&s);
	run_for(20);
	int64_t start = clock_ms();
	push(1);
	await_sent(2);
	assert_true(clock_ms() - start < 900);
}

static void test_flows_over_queues(void **state)
{
	enum { QUEUES = 4, FLOWS = 40, TIMES = 3 };
	const struct dp_port_options spread = {.spread_tx = true};
	struct sent sent;
	unsigned int queue_of[FLOWS], used = 0, last[FLOWS] = {0}, n = 0;
	assert_true(fake_netdev_pop(f.port[2], &sent));
	sent_done(&sent);
	fake_netdev_set_txq(f.port[2], QUEUES);
	assert_int_equal(dp_port_set_options(f.dp, 99, &spread), -ENOENT);
	assert_int_equal(dp_port_set_options(f.dp, 2, &spread), 0);
	for (unsigned int i = 0; i < FLOWS * TIMES; i++)
		push(i % FLOWS);
	await_sent(FLOWS * TIMES);
	memset(queue_of, 0xff, sizeof(queue_of));
	while (fake_netdev_pop(f.port[2], &sent)) {
		unsigned int flow = get_be16(sent.data + 28);
		assert_in_range(sent.thread, 0, QUEUES - 1);
		if (queue_of[flow] != UINT32_MAX)
			assert_int_equal(sent.thread, queue_of[flow]);
		queue_of[flow] = sent.thread;
		used |= 1u << sent.thread;
		last[flow]++;
		n++;
		sent_done(&sent);
	}
	assert_int_equal(n, FLOWS * TIMES);
	assert_int_equal(used, (1 << QUEUES) - 1);
	// One queue again: each thread its own.
	assert_int_equal(dp_port_set_options(f.dp, 2, &(struct dp_port_options){0}), 0);
	for (unsigned int i = 0; i < FLOWS; i++)
		push(i);
	await_sent(FLOWS);
	for (unsigned int i = 0; fake_netdev_pop(f.port[2], &sent); i++) {
		assert_true(sent.thread >= 1);
		if (i)
			assert_int_equal(sent.thread, last[0]);
		last[0] = sent.thread;
		sent_done(&sent);
	}
}

static void show(struct str *text, unsigned int n_turns, unsigned int n_ms)
{
	const struct dp_pmd_query query = {.core = -1, .n_turns = n_turns, .n_ms = n_ms};
	str_clear(text);
	assert_null(dp_pmd_format(f.dp, DP_PMD_PERF, &query, text));
}

static unsigned int count(const char *text, const char *word)
{
	unsigned int n = 0;
	for (const char *p = text; (p = strstr(p, word)); p++)
		n++;
	return n;
}

static void test_recording(void **state)
{
	struct str text = STR_INIT;
	struct dp_settings s;
	dp_settings_init(&s);
	s.pmd_sleep_us = 0;
	show(&text, 3, 3);
	assert_null(strstr(str_cstr(&text), "Histograms"));
	s.perf_metrics = true;
	configure(&s);
	for (unsigned int i = 0; i < 64; i++)
		push(i);
	await_sent(65);
	run_for(5);
	show(&text, 3, 2);
	assert_non_null(strstr(str_cstr(&text), "Histograms\n   cycles/it  "));
	// Where the bins end, as in the stock switch.
	static const char *const rows[] = {"\n   2104      ", "\n   37279     ", "   13        ",
					   "   12060     ",   "   788       ",	 "   29003     ",
					   "   412       ",   "   29        ",	 "   794328    ",
					   "\n   24000000  ", "\n   >         "};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_non_null(strstr(str_cstr(&text), rows[i]));
	const char *turns = strstr(str_cstr(&text), "\n   iter "),
		   *ms = strstr(str_cstr(&text), "\n   ms ");
	assert_non_null(turns);
	assert_non_null(ms);
	assert_int_equal(count(turns, "\n"), 1 + 1 + 3 + 1 + 1 + 2);
	// Cleared: no packets in any turn.
	dp_pmd_stats_clear(f.dp, -1);
	const char *none = "  0.00000                0                      0.00000";
	for (unsigned int i = 0; i < 1000 && !strstr(str_cstr(&text), none); i++) {
		run_for(2);
		show(&text, 0, 0);
	}
	assert_non_null(strstr(str_cstr(&text), none));
	assert_null(strstr(str_cstr(&text), "\n   ms "));
	s.perf_metrics = false;
	configure(&s);
	show(&text, 3, 3);
	assert_null(strstr(str_cstr(&text), "Histograms"));
	str_done(&text);
}

// A miss that takes long, and leaves nothing behind.
static void slow_upcall(struct fixture *fixture, const struct dp_upcall *up,
			struct dp_upcall_result *result)
{
	if (up->key->in_port == 1)
		usleep(200);
	buf_add(&result->actions, f.actions.data, f.actions.len);
	result->mask = f.mask;
	result->install = up->key->in_port != 1;
	if (result->install)
		result->cookie = (void *)++fixture->next_cookie;
}

static uint64_t count_rests(void)
{
	const struct dp_user *dp = (const struct dp_user *)(const void *)f.dp;
	uint64_t n = 0;
	for (unsigned int i = 0; i < dp->n_threads; i++)
		n += __atomic_load_n(&dp->threads[i]->stats.rests, __ATOMIC_RELAXED);
	return n;
}

static void count_misses(void *misses, const struct dp_port_misses *m)
{
	if (!strcmp(m->name, "p1"))
		*(struct dp_port_misses *)misses = *m;
}

// A queue of an event-driven thread whose packets miss gets its share of the thread, and no more,
// while another has packets too. Nothing is dropped.
static void test_queues_rest(void **state)
{
	enum { SLOW = 400 };
	uint8_t frame[UDP_LEN] = "\2\0\0\0\0\1\2\0\0\0\0\2\10\6";
	struct dp_port_misses m = {0};
	unsigned int others = 0;
	pthread_mutex_lock(&f.lock);
	f.on_upcall = slow_upcall;
	pthread_mutex_unlock(&f.lock);
	size_t before = fake_netdev_n_sent(f.port[2]);
	uint64_t rests = count_rests();
	for (unsigned int i = 0; i < SLOW; i++)
		fake_netdev_push_bytes(f.port[1], frame, UDP_LEN);
	for (int64_t end = clock_ms() + WAIT_MS;
	     clock_ms() < end && fake_netdev_n_waiting(f.port[1]); others += FIXTURE_PORTS - 2) {
		for (unsigned int port = 3; port <= FIXTURE_PORTS;
		     port++) // some of them are in the same thread
			fake_netdev_push_bytes(f.port[port], frame, UDP_LEN);
		run_for(1);
	}
	await_sent(before + SLOW + others);
	assert_true(count_rests() > rests);
	dp_port_misses(f.dp, count_misses, &m);
	assert_int_equal(m.misses, SLOW);
	assert_int_equal(m.refused, 0);
	assert_int_equal(m.recent, SLOW);
	assert_int_equal(m.recent_ms, 0);
	dp_port_misses(f.dp, count_misses, &m);
	assert_int_equal(m.recent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_batches_over_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_waits_for_a_sleeper, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flows_over_queues, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recording, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queues_rest, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
