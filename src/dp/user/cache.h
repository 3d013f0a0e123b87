/* SPDX-License-Identifier: Apache-2.0 */
// The signature flow cache: one per thread. A bucket is one cache line of 16-bit signatures and
// flow numbers; the hash is over the bits that any megaflow of the packet's layout looks at
// (layout_index.live), so packets that no megaflow could tell apart share an entry. An entry may be
// stale or its signature another packet's: the caller verifies against the megaflow, so that a
// wrong entry costs time, never correctness. Nothing has to be flushed when flows or masks go.
//
// It starts with 64 Ki entries and grows to 2 Mi while packets that are not in it cost much: see
// cache_note_insert().
#pragma once
#include <stdint.h>

enum {
	CACHE_WAYS = 8,
	CACHE_MIN_BUCKETS = 1 << 13,
	CACHE_MAX_BUCKETS = 1 << 18,
	CACHE_NONE = 0xffffffffu,
};

typedef uint16_t cache_signatures __attribute__((vector_size(16)));
typedef int16_t cache_hits __attribute__((vector_size(16)));

struct cache_bucket {
	cache_signatures signature; // 0: empty
	uint32_t flow[CACHE_WAYS];
	uint64_t unused[2];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct cache_bucket) == 64, "a bucket is one cache line");

struct cache {
	struct cache_bucket *buckets;
	uint32_t mask; // number of buckets - 1
	// Since growth was last thought about.
	uint32_t inserted;
	uint64_t packets, probes;
};

void cache_init(struct cache *);
void cache_done(struct cache *);

static inline struct cache_bucket *cache_bucket(const struct cache *c, uint64_t hash)
{
	return &c->buckets[hash & c->mask];
}
static inline uint16_t cache_signature(uint64_t hash)
{
	return (uint16_t)(hash >> 48) | 1;
}

// The flow number under this hash, or CACHE_NONE.
static inline uint32_t cache_find(const struct cache_bucket *b, uint64_t hash)
{
	cache_hits equal =
		(cache_hits)(b->signature == (cache_signatures){0} + cache_signature(hash));
	typedef uint64_t pair __attribute__((vector_size(16)));
	pair p = (pair)equal;
	if (p[0])
		return b->flow[__builtin_ctzll(p[0]) / 16];
	return p[1] ? b->flow[4 + __builtin_ctzll(p[1]) / 16] : CACHE_NONE;
}

void cache_insert(struct cache *, uint64_t hash, uint32_t flow);
// After an insertion: `packets`, of the thread so far, and `probes`, of subtables for packets that
// were not in the cache. When as much was inserted as there is room for, while more than one packet
// in eight was missing and to find its megaflow took four probes or more, it becomes four times as
// large, and empty.
void cache_note_insert(struct cache *, uint64_t packets, uint64_t probes);
