/* SPDX-License-Identifier: Apache-2.0 */
// The live words of a mask: the few 64-bit words of a key that are not all wildcards, and a hash over them.
//
// The hash multiplies words two at a time with secrets of this process (the folded 128-bit product of wyhash), because tables
// keyed by it hold what attackers send: with a CRC they could choose keys that collide. It is also faster: the products of
// different packets overlap in the pipeline.
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

// The layout is left out: who uses the hash knows the layout's part that the mask covers, or puts it into the seed.
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

static inline uint64_t live_hash(const struct live *l, const struct dp_meta *meta, const uint8_t *header)
{
	uint64_t h = l->seed, secret = l->secret;
	const struct live_pair *p = l->pair;
	const struct live_pair *end = p + l->n_meta;
	for (; p < end; p++)
		h = live_fold((live_load(meta, p->at[0]) & p->mask[0]) ^ secret,
			      (live_load(meta, p->at[1]) & p->mask[1]) ^ h);
	end += l->n_header;
	for (; p < end; p++)
		h = live_fold((live_load(header, p->at[0]) & p->mask[0]) ^ secret,
			      (live_load(header, p->at[1]) & p->mask[1]) ^ h);
	return h;
}
