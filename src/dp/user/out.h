/* SPDX-License-Identifier: Apache-2.0 */
// Output batches: packets for a port collect over a burst and go out together.
#pragma once
#include "dp/user/packet.h"
#include "dp/user/thread.h"

// Sends what the batch holds.
void out_send(struct dp_thread *, struct out_batch *);
// Sends all batches: at the end of a burst.
void out_flush(struct dp_thread *);

static inline struct out_batch *out_find(const struct dp_thread *t, uint32_t port)
{
	return port < DP_MAX_PORTS ? rcu_get(&t->out[port]) : NULL;
}

// Takes the packet.
static inline void out_add(struct dp_thread *t, struct out_batch *b, struct rte_mbuf *m)
{
	if (__builtin_expect(m->pkt_len > b->max_frame, 0) && packet_is_too_large(m, b->max_frame)) {
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
