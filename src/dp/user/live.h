/* SPDX-License-Identifier: Apache-2.0 */
// The live words of a mask: the few 64-bit words of a key that are not all wildcards, and a hash
// over them.
//
// The hash multiplies words two at a time with secrets of this process (the folded 128-bit product
// of wyhash), because tables keyed by it hold what attackers send: with a CRC they could choose
// keys that collide. It is also faster: the products of different packets overlap in the pipeline.
#pragma once
#include "dp/user/key.h"

struct live_pair {
	uint64_t mask[2];
	uint32_t at[2]; // bytes from the start of the metadata, or of the header
};

struct live {
	uint64_t secret, seed;
	uint32_t n_meta, n_header; // pairs, those of the metadata first
	struct live_pair pair[KEY_WORDS / 2];
};

// The layout is left out: who uses the hash knows the layout's part that the mask covers, or puts
// it into the seed.
void live_init(struct live *, const struct dp_key *mask, uint64_t secret, uint64_t seed);

static inline uint64_t live_load(const void *base, uint32_t at)
{
	uint64_t v;
	memcpy(&v, (const uint8_t *)base + at, sizeof(v));
	return v;
}

static inline uint64_t live_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t live_pairs(const struct live_pair *p, const struct live_pair *end,
				  const void *base, uint64_t h, uint64_t secret)
{
	for (; p < end; p++)
		h = live_fold((live_load(base, p->at[0]) & p->mask[0]) ^ secret,
			      (live_load(base, p->at[1]) & p->mask[1]) ^ h);
	return h;
}

// The hash in two parts: packets that share their metadata share the first.
static inline uint64_t live_hash_meta(const struct live *l, const struct dp_meta *meta)
{
	return live_pairs(l->pair, l->pair + l->n_meta, meta, l->seed, l->secret);
}
static inline uint64_t live_hash_header(const struct live *l, const uint8_t *header, uint64_t start)
{
	const struct live_pair *p = l->pair + l->n_meta;
	return live_pairs(p, p + l->n_header, header, start, l->secret);
}
static inline uint64_t live_hash(const struct live *l, const struct dp_meta *meta,
				 const uint8_t *header)
{
	return live_hash_header(l, header, live_hash_meta(l, meta));
}
