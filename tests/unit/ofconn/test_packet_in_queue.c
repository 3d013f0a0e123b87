/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "ofconn/packet_in_queue.h"

struct sent {
	uint32_t port[100000], serial[100000];
	unsigned int n;
};

static void take(void *arg, const void *msg, size_t n)
{
	struct sent *s = arg;
	const uint32_t *words = msg;
	assert_int_equal(n, 8);
	s->port[s->n] = words[0];
	s->serial[s->n++] = words[1];
}

static void add(struct packet_in_queue *q, uint32_t port, uint32_t serial, int64_t now,
		struct sent *s)
{
	uint32_t words[2] = {port, serial};
	packet_in_queue_add(q, port, words, sizeof(words), now, take, s);
}

static struct sent sent;

static void test_no_limit(void **state)
{
	struct packet_in_queue *q = packet_in_queue_new(0, 0);
	sent.n = 0;
	for (uint32_t i = 0; i < 10000; i++)
		add(q, i % 3, i, 0, &sent);
	assert_int_equal(sent.n, 10000);
	assert_true(packet_in_queue_deadline(q, 0) == INT64_MAX);
	packet_in_queue_free(q);
}

static void test_burst_then_rate(void **state)
{
	struct packet_in_queue *q = packet_in_queue_new(100, 25);
	sent.n = 0;
	for (uint32_t i = 0; i < 40; i++)
		add(q, 1, i, 1000, &sent);
	assert_int_equal(sent.n, 25);
	assert_int_equal(packet_in_queue_stats(q).n_queued, 15);
	assert_true(packet_in_queue_deadline(q, 1000) == 1010);
	packet_in_queue_run(q, 1009, take, &sent);
	assert_int_equal(sent.n, 25);
	packet_in_queue_run(q, 1010, take, &sent);
	assert_int_equal(sent.n, 26);
	packet_in_queue_run(q, 1100, take, &sent);
	assert_int_equal(sent.n, 35);
	packet_in_queue_run(q, 100000, take, &sent);
	assert_int_equal(sent.n, 40);
	for (uint32_t i = 0; i < 40; i++)
		assert_int_equal(sent.serial[i], i); // in order
	assert_true(packet_in_queue_deadline(q, 100000) == INT64_MAX);
	struct packet_in_queue_stats stats = packet_in_queue_stats(q);
	assert_int_equal(stats.n_bypassed, 25);
	assert_int_equal(stats.n_limited, 15);
	assert_int_equal(stats.n_dropped, 0);
	packet_in_queue_free(q);
}

// A port that floods does not take the turn of one that does not.
static void test_fair(void **state)
{
	struct packet_in_queue *q = packet_in_queue_new(1000, 100);
	unsigned int of_quiet = 0;
	sent.n = 0;
	for (int64_t now = 0; now < 1000; now++) {
		for (uint32_t i = 0; i < 20; i++)
			add(q, 1, 0, now, &sent);
		if (now % 10 == 0)
			add(q, 2, (uint32_t)now, now, &sent);
		packet_in_queue_run(q, now, take, &sent);
	}
	for (unsigned int i = 0; i < sent.n; i++)
		of_quiet += sent.port[i] == 2;
	assert_true(sent.n <= 1000 + 100);
	assert_true(of_quiet >= 98);
	assert_true(packet_in_queue_stats(q).n_dropped > 10000);
	assert_true(packet_in_queue_stats(q).n_queued <= 100);
	packet_in_queue_flush(q);
	assert_int_equal(packet_in_queue_stats(q).n_queued, 0);
	packet_in_queue_free(q);
}

// Whatever happens, what was sent, waits and was lost adds up, and no more is sent than the bucket
// ever held.
static void test_random(void **state)
{
	for (int round = 0; round < 50; round++) {
		unsigned int rate = 1 + random_below(2000), burst = random_below(200);
		struct packet_in_queue *q = packet_in_queue_new(rate, burst);
		unsigned int most = burst ? burst : rate / 4 ? rate / 4 : 1;
		int64_t now = random_below(100000), start = now;
		uint64_t added = 0;
		sent.n = 0;
		for (int i = 0; i < 3000; i++) {
			if (random_below(3)) {
				add(q, random_below(10), (uint32_t)i, now, &sent);
				added++;
			} else {
				packet_in_queue_run(q, now, take, &sent);
			}
			now += random_below(4);
			struct packet_in_queue_stats s = packet_in_queue_stats(q);
			assert_int_equal(sent.n + s.n_queued + s.n_dropped, added);
			assert_int_equal(s.n_bypassed + s.n_limited, added);
			assert_true(s.n_queued <= most);
			assert_true(sent.n <= most + (uint64_t)(now - start) * rate / 1000 + 1);
			if (s.n_queued)
				assert_true(packet_in_queue_deadline(q, now) < now + 1002);
		}
		packet_in_queue_free(q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_burst_then_rate),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_random),
	};
	random_seed(4);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
