/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/out.h"

#include <stdlib.h>

#include "dp/user/packet_hash.h"

// Each packet to the transmit queue of its flow. How many were sent.
static unsigned int send_spread(struct out_batch *b, unsigned int n, unsigned int n_queues)
{
	unsigned int queue[BURST], sent = 0;
	for (unsigned int i = 0; i < n; i++)
		queue[i] = packet_hash(b->packets[i], 0, 0) % n_queues;
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *part[BURST];
		unsigned int q = queue[i], k = 0;
		for (unsigned int j = i; j < n && q != UINT32_MAX; j++) {
			if (queue[j] != q)
				continue;
			part[k++] = b->packets[j];
			queue[j] = UINT32_MAX; // gone
		}
		sent += k ? netdev_tx_burst(b->netdev, q, part, k) : 0;
	}
	return sent;
}

static void transmit(struct dp_thread *t, struct out_batch *b)
{
	unsigned int n = b->n, n_queues = b->spread ? netdev_n_txq(b->netdev) : 0, sent;
	b->n = 0;
	sent = n_queues > 1 ? send_spread(b, n, n_queues)
			    : netdev_tx_burst(b->netdev, t->id, b->packets, n);
	dp_stat_add(&t->stats.tx_packets, sent);
	dp_stat_add(&t->stats.tx_batches, 1);
	dp_stat_add(&t->stats.drops[DP_DROP_TX], n - sent);
}

void out_send(struct dp_thread *t, struct out_batch *b)
{
	struct out_batch **at = &t->active;
	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
	transmit(t, b);
}

void out_flush(struct dp_thread *t)
{
	while (t->active) {
		struct out_batch *b = t->active;
		t->active = b->next;
		transmit(t, b);
	}
	t->flush_at = 0;
}

static void free_after_another(void *batch)
{
	rcu_free_later(batch, free);
}

void out_retire(struct dp_thread *t, struct out_batch *b)
{
	__atomic_fetch_add(&t->out_version, 1, __ATOMIC_RELEASE);
	if (b)
		rcu_free_later(b, free_after_another);
}
