/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/meter.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rcu.h"
#include "dp/user/packet.h"

enum { CHAINS = 4096 };

// Buckets hold thousandths of packets or bits: what a rate of one gives in a millisecond.
enum { PER_PACKET = 1000, PER_BYTE = 8, PER_BURST_UNIT = 1000 };

struct meter {
	uint32_t id;
	struct dp_meter_config config; // immutable
	struct meter *next;	       // RCU
	pthread_spinlock_t lock;       // of what follows
	int64_t filled;		       // when
	uint64_t bucket[DP_METER_MAX_BANDS];
	struct dp_meter_stats stats;
};

struct meter_table {
	struct meter *chain[CHAINS]; // RCU
};

struct meter_table *meter_table_new(void)
{
	return XNEW(struct meter_table);
}

static void meter_free(void *m_)
{
	struct meter *m = m_;
	pthread_spin_destroy(&m->lock);
	free(m);
}

void meter_table_free(struct meter_table *t)
{
	for (unsigned int i = 0; i < CHAINS; i++) {
		for (struct meter *m = t->chain[i], *next; m; m = next) {
			next = m->next;
			meter_free(m);
		}
	}
	free(t);
}

static struct meter **find_link(struct meter_table *t, uint32_t id)
{
	struct meter **link = &t->chain[hash_u64(id) % CHAINS];
	while (*link && (*link)->id != id)
		link = &(*link)->next;
	return link;
}

static struct meter *find(const struct meter_table *t, uint32_t id)
{
	struct meter *const *chain = &t->chain[hash_u64(id) % CHAINS];
	for (struct meter *m = rcu_get((struct meter **)(uintptr_t)chain); m; m = rcu_get(&m->next))
		if (m->id == id)
			return m;
	return NULL;
}

static uint64_t capacity(const struct dp_meter_band *b)
{
	return (uint64_t)(b->burst ? b->burst : b->rate) * PER_BURST_UNIT;
}

void meter_set(struct meter_table *t, uint32_t id, const struct dp_meter_config *config)
{
	struct meter *new = XNEW(struct meter), **link = find_link(t, id), *old = *link;
	new->id = id;
	new->config = *config;
	new->filled = clock_ms();
	for (unsigned int i = 0; i < config->n_bands; i++)
		new->bucket[i] = capacity(&config->bands[i]);
	pthread_spin_init(&new->lock, PTHREAD_PROCESS_PRIVATE);
	new->next = old ? old->next : NULL;
	rcu_assign(link, new);
	if (old)
		rcu_free_later(old, meter_free);
}

int meter_del(struct meter_table *t, uint32_t id)
{
	struct meter **link = find_link(t, id), *m = *link;
	if (!m)
		return -ENOENT;
	rcu_assign(link, m->next);
	rcu_free_later(m, meter_free);
	return 0;
}

int meter_get(const struct meter_table *t, uint32_t id, struct dp_meter_stats *stats)
{
	struct meter *m = find(t, id);
	if (!m)
		return -ENOENT;
	pthread_spin_lock(&m->lock);
	*stats = m->stats;
	pthread_spin_unlock(&m->lock);
	return 0;
}

static void fill(struct meter *m, int64_t now)
{
	uint64_t ms = now > m->filled ? (uint64_t)(now - m->filled)
				      : 0; // another thread may have been here with a later time
	if (!ms)
		return;
	m->filled = now;
	for (unsigned int i = 0; i < m->config.n_bands; i++) {
		const struct dp_meter_band *b = &m->config.bands[i];
		uint64_t full = capacity(b);
		// So long an absence that the product might wrap has filled any bucket.
		uint64_t level = ms > UINT32_MAX ? full : m->bucket[i] + ms * b->rate;
		m->bucket[i] = level < full ? level : full;
	}
}

static const struct dp_meter_band *drain(struct meter *m, uint32_t bytes)
{
	uint64_t volume = m->config.packets ? PER_PACKET : (uint64_t)bytes * PER_BYTE;
	const struct dp_meter_band *hit = NULL;
	for (unsigned int i = 0; i < m->config.n_bands; i++) {
		const struct dp_meter_band *b = &m->config.bands[i];
		if (m->bucket[i] >= volume)
			m->bucket[i] -= volume;
		else if (!hit || b->rate > hit->rate)
			hit = b;
	}
	m->stats.packets++;
	m->stats.bytes += bytes;
	if (hit) {
		m->stats.band[hit - m->config.bands].packets++;
		m->stats.band[hit - m->config.bands].bytes += bytes;
	}
	return hit;
}

void meter_run(const struct meter_table *t, uint32_t id, struct rte_mbuf *const *packets,
	       unsigned int n, int64_t now, const struct dp_meter_band **bands)
{
	struct meter *m = find(t, id);
	if (!m) {
		memset(bands, 0, n * sizeof(*bands));
		return;
	}
	pthread_spin_lock(&m->lock);
	fill(m, now);
	for (unsigned int i = 0; i < n; i++)
		bands[i] = drain(m, packets[i]->pkt_len - packet_blank_bytes(packets[i]));
	pthread_spin_unlock(&m->lock);
}
