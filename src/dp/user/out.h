/* SPDX-License-Identifier: Apache-2.0 */
// Output batches: packets for a port collect over a burst and go out together; with
// tx-flush-interval they may wait for those of bursts to come, until the thread has time to sleep.
//
// So a batch may hold packets while its thread is quiescent, and outlives what RCU alone promises.
// Who takes one out of dp_thread.out counts out_version up and keeps batch and device for two grace
// periods: after the first the thread puts nothing into it any more and knows of the change, and
// before the second it sends all that it has. out_retire() frees a batch in that way.
#pragma once
#include <rte_cycles.h>

#include "dp/user/packet.h"
#include "dp/user/thread.h"

// Sends what the batch holds.
void out_send(struct dp_thread *, struct out_batch *);
// Sends all batches.
void out_flush(struct dp_thread *);
// Main thread: after the batch was replaced. NULL is allowed.
void out_retire(struct dp_thread *, struct out_batch *);

// A burst ends.
static inline void out_end(struct dp_thread *t)
{
	uint64_t hold = __atomic_load_n(&t->hold_cycles, __ATOMIC_RELAXED);
	if (__builtin_expect(!hold, 1))
		out_flush(t);
	else if (t->active && !t->flush_at)
		t->flush_at = rte_rdtsc() + hold;
}

// The thread is about to be quiescent: what waited long enough goes.
static inline void out_turn(struct dp_thread *t)
{
	uint32_t version = __atomic_load_n(&t->out_version, __ATOMIC_ACQUIRE);
	if (__builtin_expect(t->active != NULL, 0) &&
	    (version != t->out_seen || rte_rdtsc() >= t->flush_at ||
	     !__atomic_load_n(&t->hold_cycles, __ATOMIC_RELAXED)))
		out_flush(t);
	t->out_seen = version;
}

static inline struct out_batch *out_find(const struct dp_thread *t, uint32_t port)
{
	return port < DP_MAX_PORTS ? rcu_get(&t->out[port]) : NULL;
}

// Takes the packet.
static inline void out_add(struct dp_thread *t, struct out_batch *b, struct rte_mbuf *m)
{
	if (__builtin_expect(m->pkt_len > b->max_frame, 0) &&
	    packet_is_too_large(m, b->max_frame)) {
		dp_thread_drop(t, m, DP_DROP_MTU);
		return;
	}
	if (!b->n) {
		b->next = t->active;
		t->active = b;
	}
	b->packets[b->n++] = m;
	if (b->n == BURST)
		out_send(t, b);
}

static inline void out_put(struct dp_thread *t, uint32_t port, struct rte_mbuf *m)
{
	struct out_batch *b = out_find(t, port);
	if (b)
		out_add(t, b, m);
	else
		dp_thread_drop(t, m, DP_DROP_NO_PORT);
}
