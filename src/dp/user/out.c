/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/out.h"

static void transmit(struct dp_thread *t, struct out_batch *b)
{
	unsigned int n = b->n, sent;
	b->n = 0;
	sent = netdev_tx_burst(b->netdev, t->id, b->packets, n);
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
}
