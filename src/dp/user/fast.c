/* SPDX-License-Identifier: Apache-2.0 */
// What each packet of a burst costs, compiled once for each variant (variant.h): VARIANT(name) is
// name_VARIANT.
#include <rte_prefetch.h>

#include "dp/user/burst.h"
#include "dp/user/packet.h"
#include "dp/user/program.h"
#include "dp/user/subtable.h"
#include "dp/user/variant.h"

enum { PREFETCH_AHEAD = 8 };

static inline void prefetch_frame(struct rte_mbuf *m)
{
	rte_prefetch0(rte_pktmbuf_mtod(m, const void *));
}

// What the metadata that all packets share contributes to the hash, under the index that most of
// them have.
struct hash_start {
	const struct layout_index *index; // NULL: none yet
	uint64_t hash;
};

static inline uint64_t hash_of(const struct dp_burst *b, unsigned int k,
			       const struct layout_index *index, const struct dp_meta *fresh,
			       struct hash_start *start)
{
	if (!fresh)
		return live_hash(&index->live, &b->meta[k], b->header[k]);
	if (index != start->index)
		*start = (struct hash_start){index, live_hash_meta(&index->live, fresh)};
	return live_hash_header(&index->live, b->header[k], start->hash);
}

// One that is recirculated brings its metadata along, and may have lost its Ethernet header. Its
// layout.
static inline uint32_t again(struct rte_mbuf *m, uint32_t layout, struct dp_burst *b,
			     unsigned int k)
{
	packet_get_meta(m, &b->meta[k]);
	if (!mbuf_meta(m)->bare)
		return layout;
	b->header[k] = b->scratch[k];
	return key_bare_header(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, m->pkt_len,
			       b->scratch[k]);
}

// Classifies the packets and hashes what any megaflow of their layout looks at.
static void keys(struct dp_thread *t, struct rte_mbuf **packets, unsigned int n,
		 const struct dp_meta *fresh)
{
	struct dp_burst *b = &t->burst;
	struct layout_index *const *indexes = t->flows->index;
	struct hash_start start = {NULL, 0};
	unsigned int k = 0;
	for (unsigned int i = 0; i < n && i < PREFETCH_AHEAD; i++)
		prefetch_frame(packets[i]);
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = packets[i];
		if (i + PREFETCH_AHEAD < n)
			prefetch_frame(packets[i + PREFETCH_AHEAD]);
		if (__builtin_expect(m->data_len < ETH_HDR_BYTES, 0)) {
			dp_thread_drop(t, m, DP_DROP_MALFORMED);
			continue;
		}
		b->packet[k] = m;
		uint32_t layout = key_header(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len,
					     m->pkt_len, (uint32_t)m->buf_len - m->data_off,
					     b->scratch[k], &b->header[k]);
		if (fresh)
			b->meta[k] = *fresh;
		else
			layout = again(m, layout, b, k);
		b->meta[k].layout = (uint16_t)layout;
		const struct layout_index *index = rcu_get(&indexes[layout & (LAYOUT_N - 1)]);
		uint64_t hash = hash_of(b, k, index, fresh, &start);
		b->index[k] = index;
		b->hash[k] = hash;
		if (index->n == 1) {
			const struct flow_hash *h = rcu_get(&index->subtables[0]->hash);
			rte_prefetch0(&h->slot[flow_hash_start(h, hash)]);
		} else {
			rte_prefetch0(cache_bucket(&t->cache, hash));
		}
		k++;
	}
	b->n = k;
}

// The number of the megaflow that has this hash in the only subtable there is, or CACHE_NONE.
static inline uint32_t only_candidate(const struct layout_index *index, uint64_t hash)
{
	const struct flow_hash *h = rcu_get(&index->subtables[0]->hash);
	for (uint32_t at = flow_hash_start(h, hash);; at = (at + 1) & h->mask) {
		uint64_t slot = rcu_get(&h->slot[at]);
		if (!slot)
			return CACHE_NONE;
		if (!((slot ^ hash) >> 32) && (uint32_t)slot)
			return (uint32_t)slot - 1;
	}
}

// The megaflow that the card says it is; it may have been another's since. CACHE_NONE: the card
// does not say.
static inline uint32_t marked_candidate(const struct dp_thread *t, const struct rte_mbuf *m)
{
	uint32_t number = m->hash.fdir.hi - 1;
	bool there =
		number < FLOW_MAX_FLOWS && rcu_get(&t->flows->chunk[number >> FLOW_CHUNK_BITS]);
	return there ? number : CACHE_NONE;
}

// Which megaflow each packet probably has. Nothing of it is read yet, only fetched.
static void candidates(struct dp_thread *t)
{
	struct dp_burst *b = &t->burst;
	for (unsigned int i = 0; i < b->n; i++) {
		uint32_t number =
			b->index[i]->n == 1
				? only_candidate(b->index[i], b->hash[i])
				: cache_find(cache_bucket(&t->cache, b->hash[i]), b->hash[i]);
		if (__builtin_expect(b->packet[i]->ol_flags & RTE_MBUF_F_RX_FDIR_ID, 0)) {
			uint32_t marked = marked_candidate(t, b->packet[i]);
			dp_stat_add(&t->stats.marked_hits, marked != CACHE_NONE);
			number = marked != CACHE_NONE ? marked : number;
		}
		b->candidate[i] = NULL;
		if (number == CACHE_NONE)
			continue;
		struct megaflow *f = flow_table_at(t->flows, number);
		b->candidate[i] = f;
		rte_prefetch0(f);
		rte_prefetch0(&f->header);
		rte_prefetch0(flow_counter_at(t->counters, number));
	}
}

// Packets side by side that share a megaflow.
struct group {
	struct megaflow *flow; // NULL: none yet
	unsigned int start;
	uint64_t bytes;
	uint16_t tcp_flags;
};

static inline void group_end(struct dp_thread *t, struct group *g, unsigned int end)
{
	struct megaflow *f = g->flow;
	if (!f)
		return;
	struct dp_burst *b = &t->burst;
	struct flow_counter *c = flow_counter_at(t->counters, f->number);
	bool bare = b->meta[g->start].layout & LAYOUT_BARE;
	if (__builtin_expect(bare, 0))
		g->bytes -= (end - g->start) * (uint64_t)ETH_HDR_BYTES;
	__atomic_store_n(&c->packets, c->packets + (end - g->start), __ATOMIC_RELAXED);
	__atomic_store_n(&c->bytes, c->bytes + g->bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&c->used, t->now, __ATOMIC_RELAXED);
	__atomic_store_n(&c->tcp_flags, (uint16_t)(c->tcp_flags | g->tcp_flags), __ATOMIC_RELAXED);
	const struct program *p = rcu_get(&f->program);
	if (p->shape == PROGRAM_GENERAL || bare)
		for (unsigned int i = g->start; i < end; i++)
			packet_set_meta(b->packet[i], &b->meta[i]);
	g->flow = NULL;
	(bare ? program_run_general : program_run)(p, t, &b->packet[g->start], end - g->start);
}

// Verifies the candidates and runs the programs. The number of packets that missed.
static unsigned int deliver(struct dp_thread *t)
{
	struct dp_burst *b = &t->burst;
	struct group g = {0};
	unsigned int missed = 0, cache_hits = 0, only_hits = 0;
	for (unsigned int i = 0; i < b->n; i++) {
		struct megaflow *f = b->candidate[i];
		const struct layout_index *index = b->index[i];
		if (__builtin_expect(f && megaflow_matches(f, &b->meta[i], b->header[i]), 1)) {
			if (index->n == 1)
				only_hits++;
			else
				cache_hits++;
		} else {
			group_end(t, &g, i);
			f = burst_search(t, i);
			if (!f) {
				missed++;
				continue;
			}
		}
		if (f != g.flow) {
			group_end(t, &g, i);
			g = (struct group){.flow = f, .start = i};
		}
		g.bytes += b->packet[i]->pkt_len;
		uint32_t layout = b->meta[i].layout;
		if ((layout & LAYOUT_L4) == LAYOUT_L4_TCP << LAYOUT_L4_SHIFT)
			g.tcp_flags |= get_be16(b->header[i] + layout_l4_offset(layout) + 12) &
				       TCP_FLAGS_MASK;
	}
	group_end(t, &g, b->n);
	dp_stat_add(&t->stats.cache_hits, cache_hits);
	dp_stat_add(&t->stats.megaflow_hits, only_hits);
	dp_stat_add(&t->stats.probes, only_hits);
	return missed;
}

unsigned int VARIANT(lookup_and_run)(struct dp_thread *t, struct rte_mbuf **packets, unsigned int n,
				     const struct dp_meta *fresh)
{
	keys(t, packets, n, fresh);
	candidates(t);
	return deliver(t);
}

struct megaflow *VARIANT(subtable_search)(const struct flow_table *ft, const struct subtable *st,
					  uint64_t hash, const struct dp_meta *meta,
					  const uint8_t *header)
{
	return subtable_find(ft, st, hash, meta, header);
}
