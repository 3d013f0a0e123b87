/* SPDX-License-Identifier: Apache-2.0 */
// Which bucket of a select group takes a packet with a hash that the datapath computed, so that few
// bits of the hash decide: each pattern of them is a megaflow.
//
// The low 6, 8 or 10 bits of the hash are a slot; there are 8 per bucket at least, where that is
// possible. Whole slots go to buckets by their weights, rounded down: in a fixed order each slot
// takes the bucket that it ranks highest (weighted rendezvous, as group_select()) among those that
// may still have one. What the rounding left over is shared out in the remaining slots, each
// divided into up to as many ranges as there are buckets, by the next 16 bits of the hash; of
// these, only as many are looked at as tell in which range the value lies. So weights hold to one
// in 2^20 with few megaflows, and a new bucket takes slots from all others and moves few besides.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "ofproto/group.h"

enum {
	MIN_BITS = 6,
	MAX_BITS = 10,
	BITS_STEP = 2,
	SLOTS_PER_BUCKET = 8,
	SPLIT_BITS = 16,
	PIECE_BITS = 4,
	SPLIT_ONE = 1 << SPLIT_BITS,
	SPLIT = UINT16_MAX
};

struct range {	      // of a slot that is split
	uint32_t end; // of the values, from where the one before ended
	uint16_t bucket;
	uint16_t slot;
};

struct group_slots {
	unsigned int bits;
	struct range *ranges; // by slot and end
	unsigned int n_ranges;
	uint16_t bucket[]; // of each slot: an index; SPLIT: see the ranges
};

enum { SYMMETRIC_L4 = 1 };

bool group_hashes_in_datapath(const struct ofp_group *g)
{
	return g->type == OFPGT_SELECT && (!g->method[0] || !strcmp(g->method, "dp_hash"));
}

uint32_t group_hash_algorithm(const struct ofp_group *g)
{
	return g->method[0] ? (uint32_t)(g->method_param >> 32) : SYMMETRIC_L4;
}

uint32_t group_hash_basis(const struct ofp_group *g)
{
	return g->method[0] ? (uint32_t)g->method_param : 0;
}

// --- Sharing out.

struct share { // of one bucket, in 2^-SPLIT_BITS of a slot
	uint64_t left;
};

static uint64_t total_weight(const struct ofp_group *g, unsigned int *n_weighty)
{
	uint64_t total = 0;
	*n_weighty = 0;
	VEC_FOREACH (&g->buckets, i) {
		total += g->buckets.v[i].weight;
		*n_weighty += g->buckets.v[i].weight != 0;
	}
	return total;
}

// The shares add up to all slots exactly: each bucket ends where the sum of the weights so far
// says.
static void share_out(const struct ofp_group *g, uint64_t total, uint64_t n_slots,
		      struct share *shares)
{
	uint64_t so_far = 0, before = 0;
	VEC_FOREACH (&g->buckets, i) {
		so_far += g->buckets.v[i].weight;
		uint64_t end = so_far * n_slots * SPLIT_ONE / total;
		shares[i].left = end - before;
		before = end;
	}
}

struct whole {
	struct share *shares;
	const struct ofp_group *g;
};

static bool may_have_whole(void *whole_, const struct ofp_bucket *b)
{
	const struct whole *w = whole_;
	return w->shares[b - w->g->buckets.v].left >= SPLIT_ONE;
}

static uint64_t slot_hash(const struct ofp_group *g, uint32_t slot)
{
	return hash_combine(hash_u64(g->group_id), slot);
}

// Fills a slot with what is left of the buckets, in their order.
static void split_slot(struct group_slots *s, uint16_t slot, struct share *shares,
		       unsigned int n_buckets, unsigned int *next)
{
	uint32_t end = 0;
	s->bucket[slot] = SPLIT;
	while (end < SPLIT_ONE && *next < n_buckets) {
		uint64_t take = shares[*next].left;
		if (take > SPLIT_ONE - end)
			take = SPLIT_ONE - end;
		if (take) {
			end += (uint32_t)take;
			s->ranges[s->n_ranges++] =
				(struct range){.end = end, .bucket = (uint16_t)*next, .slot = slot};
			shares[*next].left -= take;
		}
		if (end < SPLIT_ONE)
			++*next;
	}
}

struct group_slots *group_slots_new(const struct ofp_group *g)
{
	unsigned int n_weighty, bits = MIN_BITS, next = 0, n = (unsigned int)g->buckets.n;
	uint64_t total = total_weight(g, &n_weighty);
	if (!total)
		return NULL;
	while (bits < MAX_BITS && 1u << bits < SLOTS_PER_BUCKET * n_weighty)
		bits += BITS_STEP;
	unsigned int n_slots = 1u << bits;
	struct group_slots *s = xcalloc(1, sizeof(*s) + n_slots * sizeof(s->bucket[0]));
	struct share *shares = xcalloc(n, sizeof(*shares));
	s->bits = bits;
	s->ranges =
		xcalloc(n + n_slots,
			sizeof(*s->ranges)); // each slot begins a range, and so does each bucket
	share_out(g, total, n_slots, shares);
	struct whole whole = {.shares = shares, .g = g};
	for (uint32_t i = 0; i < n_slots; i++) {
		int bucket = group_select(g, slot_hash(g, i), may_have_whole, &whole);
		s->bucket[i] = bucket < 0 ? SPLIT : (uint16_t)bucket;
		if (bucket >= 0)
			shares[bucket].left -= SPLIT_ONE;
	}
	for (uint32_t i = 0; i < n_slots; i++)
		if (s->bucket[i] == SPLIT)
			split_slot(s, (uint16_t)i, shares, n, &next);
	free(shares);
	return s;
}

void group_slots_free(struct group_slots *s)
{
	if (s)
		free(s->ranges);
	free(s);
}

// --- Looking.

// The high bits of a SPLIT_BITS-bit value that tell that it lies in [start, end).
static uint32_t deciding_bits(uint32_t value, uint32_t start, uint32_t end)
{
	for (unsigned int wild = SPLIT_BITS; wild; wild--) {
		uint32_t block = 1u << wild, first = value & ~(block - 1);
		if (first >= start && first + block <= end)
			return (SPLIT_ONE - 1) & ~(block - 1);
	}
	return SPLIT_ONE - 1;
}

static int select_in_split(const struct group_slots *s, uint32_t slot, uint32_t value,
			   uint32_t *mask)
{
	uint32_t start = 0;
	for (unsigned int i = 0; i < s->n_ranges; i++) {
		const struct range *r = &s->ranges[i];
		if (r->slot != slot)
			continue;
		if (value < r->end) {
			*mask |= deciding_bits(value, start, r->end) << s->bits;
			return r->bucket;
		}
		start = r->end;
	}
	return -1;
}

int group_slots_select(const struct group *g, uint32_t dp_hash, uint32_t *mask,
		       bool (*alive)(void *, const struct ofp_bucket *), void *arg)
{
	const struct group_slots *s = g->slots;
	uint32_t slots_mask = (1u << s->bits) - 1, slot = dp_hash & slots_mask;
	*mask |= slots_mask;
	int bucket = s->bucket[slot];
	if (bucket == SPLIT)
		bucket = select_in_split(s, slot, dp_hash >> s->bits & (SPLIT_ONE - 1), mask);
	if (bucket >= 0 && (!alive || alive(arg, &g->g.buckets.v[bucket])))
		return bucket;
	// Nobody home: those that live share the slot by their weights, in 16 pieces.
	slots_mask = (1u << (s->bits + PIECE_BITS)) - 1;
	*mask |= slots_mask;
	return group_select(&g->g, slot_hash(&g->g, dp_hash & slots_mask), alive, arg);
}
