/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/burst.h"

#include <rte_cycles.h>

#include "dp/user/out.h"
#include "dp/user/packet.h"
#include "dp/user/upcall.h"
#include "dp/user/user.h"
#include "dp/user/variant.h"

// One in so many, by chance. (A linear congruential generator: its high bits are good enough.)
static bool may_cache(struct dp_thread *t)
{
	uint32_t one_in = __atomic_load_n(&t->cache_one_in, __ATOMIC_RELAXED);
	if (t->queue && __atomic_load_n(&t->queue->port->options.no_cache, __ATOMIC_RELAXED))
		return false;
	if (one_in <= 1)
		return one_in;
	t->random = t->random * 1664525 + 1013904223;
	return (uint64_t)t->random * one_in >> 32 == 0;
}

static struct megaflow *search(struct dp_thread *t, unsigned int i, enum budget_verdict verdict)
{
	struct dp_burst *b = &t->burst;
	unsigned int probes = 0;
	struct megaflow *f = flow_table_lookup(t->flows, &b->meta[i], b->header[i], &probes);
	if (f) {
		dp_stat_add(&t->stats.megaflow_hits, 1);
		dp_stat_add(&t->stats.probes, probes);
		if (b->index[i]->n > 1 && may_cache(t)) {
			cache_insert(&t->cache, b->hash[i], f->number);
			cache_note_insert(&t->cache, t->stats.received + t->stats.recirculated,
					  t->stats.probes);
		}
		return f;
	}
	if (t->queue)
		dp_stat_add(&t->queue->misses, 1);
	if (verdict != BUDGET_ALL) {
		dp_stat_add(&t->queue->refused, 1);
		dp_thread_drop(t, b->packet[i], DP_DROP_BUDGET);
		return NULL;
	}
	packet_set_meta(b->packet[i], &b->meta[i]);
	upcall_miss(t, b->packet[i], &b->meta[i], b->header[i]);
	return NULL;
}

struct megaflow *burst_search(struct dp_thread *t, unsigned int i)
{
	struct dp_rxq *q = t->queue;
	if (!q || t->kind == DP_THREAD_MAIN)
		return search(t, i, BUDGET_ALL);
	uint64_t start = rte_rdtsc();
	enum budget_verdict verdict = budget_ask(&q->budget, &t->epoch, start, t->cycles_per_ms);
	// What waits in a socket can wait longer: an event-driven thread lets such a queue rest
	// after this burst (thread.c), and drops nothing.
	if (t->kind == DP_THREAD_EVENT)
		verdict = BUDGET_ALL;
	if (verdict == BUDGET_NO_SEARCH) {
		dp_stat_add(&q->misses, 1);
		dp_stat_add(&q->refused, 1);
		dp_thread_drop(t, t->burst.packet[i], DP_DROP_BUDGET);
		return NULL;
	}
	struct megaflow *f = search(t, i, verdict);
	budget_spend(&q->budget, rte_rdtsc() - start);
	return f;
}

static unsigned int lookup_and_run(struct dp_thread *t, struct rte_mbuf **packets, unsigned int n,
				   const struct dp_meta *fresh)
{
	return __atomic_load_n(&t->variant, __ATOMIC_RELAXED)->lookup_and_run(t, packets, n, fresh);
}

void burst_finish(struct dp_thread *t)
{
	while (t->recirculated.of.n) {
		// What these recirculate in turn goes to the other vector.
		struct packet_list now = t->recirculated;
		t->recirculated = t->recirculated_spare;
		memset(&t->recirculated_spare, 0, sizeof(t->recirculated_spare));
		size_t n = now.of.n;
		struct rte_mbuf **packets = now.of.v;
		if (++t->depth > DP_MAX_RECIRCULATIONS) {
			for (size_t i = 0; i < n; i++)
				dp_thread_drop(t, packets[i], DP_DROP_RECIRC);
		} else {
			dp_stat_add(&t->stats.recirculated, n);
			for (size_t i = 0; i < n; i += BURST)
				lookup_and_run(t, packets + i,
					       n - i < BURST ? (unsigned int)(n - i) : BURST, NULL);
		}
		vec_clear(&now.of);
		t->recirculated_spare = now;
	}
	t->depth = 0;
	out_end(t);
}

unsigned int burst_process(struct dp_thread *t, struct rte_mbuf **packets, unsigned int n,
			   const struct dp_meta *fresh)
{
	t->busy = true;
	dp_thread_look_at_clock(t);
	dp_stat_add(&t->stats.received, n);
	unsigned int missed = lookup_and_run(t, packets, n, fresh);
	burst_finish(t);
	t->busy = false;
	return missed;
}
