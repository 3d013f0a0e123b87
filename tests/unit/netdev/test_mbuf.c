/* SPDX-License-Identifier: Apache-2.0 */
// DPDK's small environment and the pools of packets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <rte_mempool.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "netdev/mbuf.h"

static void test_before_start(void **state)
{
	assert_null(mbuf_pool());
	assert_null(mbuf_from_bytes("x", 1));
}

static void test_start_leaves_the_process_as_it_was(void **state)
{
	cpu_set_t before, after;
	pthread_getaffinity_np(pthread_self(), sizeof(before), &before);
	struct sigaction old, new;
	sigaction(SIGTERM, NULL, &old);
	int64_t t = clock_real_ms();
	struct error *e = mbuf_env_start();
	if (e)
		fail_msg("%s", error_text(e));
	assert_true(clock_real_ms() - t < 2000);
	e = mbuf_env_start();
	assert_null(e);
	pthread_getaffinity_np(pthread_self(), sizeof(after), &after);
	assert_true(CPU_EQUAL(&before, &after));
	sigaction(SIGTERM, NULL, &new);
	assert_ptr_equal(old.sa_handler, new.sa_handler);
	assert_non_null(mbuf_pool());
}

static void check_copy(size_t n)
{
	uint8_t *bytes = malloc(n + 1), *copy = malloc(n + 1);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 256);
	struct rte_mbuf *m = mbuf_from_bytes(bytes, n);
	assert_non_null(m);
	assert_int_equal(m->pkt_len, n);
	assert_true(m->nb_segs <= 2);
	assert_true(m->data_len == n || m->data_len >= MBUF_HEADERS);
	assert_true(rte_pktmbuf_headroom(m) >= 128);
	const void *p = rte_pktmbuf_read(m, 0, (uint32_t)n, copy);
	assert_memory_equal(p, bytes, n);
	const char *reason;
	assert_int_equal(rte_mbuf_check(m, 1, &reason), 0);
	struct mbuf_meta zero = {0};
	assert_memory_equal(mbuf_meta(m), &zero, sizeof(zero));
	mbuf_meta(m)->in_port = 5;
	// A clone keeps the external buffer alive.
	struct rte_mbuf *clone = rte_pktmbuf_clone(m, mbuf_pool());
	rte_pktmbuf_free(m);
	p = rte_pktmbuf_read(clone, 0, (uint32_t)n, copy);
	assert_memory_equal(p, bytes, n);
	rte_pktmbuf_free(clone);
	free(bytes);
	free(copy);
}

static void test_copies(void **state)
{
	static const size_t sizes[] = {
		1,    14,    60,    1514,	   MBUF_DATA_ROOM, MBUF_DATA_ROOM + 1,
		9018, 65535, 65549, MBUF_MAX_FRAME};
	unsigned int free_before = rte_mempool_avail_count(mbuf_pool());
	for (int round = 0; round < 300; round++) // a leak of buffers would empty the pool
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			check_copy(sizes[i]);
	assert_int_equal(rte_mempool_avail_count(mbuf_pool()), free_before);
	uint8_t *huge = calloc(1, MBUF_MAX_FRAME + 1);
	assert_null(mbuf_from_bytes(huge, MBUF_MAX_FRAME + 1));
	free(huge);
}

static void test_empty_pool(void **state)
{
	static struct rte_mbuf *all[50000];
	unsigned int n = 0;
	while ((all[n] = mbuf_from_bytes("frame", 5)))
		n++;
	assert_true(n >= 2000);
	struct rte_mbuf *m;
	void *big;
	assert_false(mbuf_take_bare(&m, &big, 1));
	rte_pktmbuf_free(all[--n]);
	assert_true(mbuf_take_bare(&m, &big, 1));
	mbuf_give_bare(&m, 1);
	mbuf_give_big(&big, 1);
	while (n)
		rte_pktmbuf_free(all[--n]);
	check_copy(30000);
}

// Receives as a port does: takes 32, fills some, gives the rest back.
static const char *churn_once(unsigned int round)
{
	struct rte_mbuf *m[32], *done[32];
	void *big[32];
	unsigned int used = round % 33;
	if (!mbuf_take_bare(m, big, 32))
		return "nothing to take";
	for (unsigned int i = 0; i < used; i++) {
		memset(mbuf_bare_data(m[i]), (int)i, 100);
		memset(big[i], (int)i, 3000);
		done[i] = mbuf_finish_bare(m[i], &big[i], i & 1 ? 4000 : 100);
		if (!done[i] || (i & 1) != !big[i])
			return "wrong kind of packet";
	}
	mbuf_give_bare(m + used, 32 - used);
	mbuf_give_big(big, 32);
	for (unsigned int i = 0; i < used; i++) {
		uint8_t byte;
		if (*(const uint8_t *)rte_pktmbuf_read(done[i], done[i]->pkt_len - 1, 1, &byte) !=
		    i)
			return "packets share memory";
		rte_pktmbuf_free(done[i]);
	}
	return NULL;
}

static void *churn(void *registered)
{
	for (int cycle = 0; cycle < 20; cycle++) {
		if (registered)
			mbuf_thread_start();
		for (unsigned int i = 0; i < 100; i++) {
			const char *why = churn_once(i);
			if (why)
				return (void *)why;
		}
		if (registered)
			mbuf_thread_stop();
	}
	return NULL;
}

static void test_threads(void **state)
{
#ifdef __SANITIZE_THREAD__
	skip(); // DPDK's rings, which order this, are in libraries that ThreadSanitizer does not
		// see into
#endif
	unsigned int free_before = rte_mempool_avail_count(mbuf_pool());
	pthread_t threads[4];
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, (void *)(i & 1));
	for (int i = 0; i < 4; i++) {
		void *why;
		pthread_join(threads[i], &why);
		assert_null(why);
	}
	assert_int_equal(rte_mempool_avail_count(mbuf_pool()), free_before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_start),
		cmocka_unit_test(test_start_leaves_the_process_as_it_was),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_empty_pool),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
