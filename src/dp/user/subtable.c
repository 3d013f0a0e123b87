/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/subtable.h"

#include "base/alloc.h"
#include "base/hash.h"

enum { HASH_MIN_SLOTS = 16 };

static uint64_t slot_value(uint64_t hash, uint32_t number)
{
	return (hash & 0xffffffff00000000) | (number + 1);
}

static bool slot_is_removed(uint64_t slot)
{
	return slot && !(uint32_t)slot;
}

static struct flow_hash *hash_new(uint32_t n_slots)
{
	struct flow_hash *h =
		xaligned_alloc(64, (sizeof(*h) + n_slots * sizeof(h->slot[0]) + 63) & ~(size_t)63);
	h->mask = n_slots - 1;
	return h;
}

static void hash_add(struct flow_hash *h, uint64_t slot)
{
	uint32_t at = flow_hash_start(h, slot);
	while (h->slot[at])
		at = (at + 1) & h->mask;
	h->n_used++;
	rcu_assign(&h->slot[at], slot);
}

uint64_t subtable_hash(const struct subtable *st, const struct dp_key *key)
{
	return live_hash(&st->live, &key->meta, key->header);
}

static uint64_t megaflow_hash(const struct subtable *st, const struct megaflow *f)
{
	struct dp_key key;
	megaflow_key(f, &key);
	return subtable_hash(st, &key);
}

static void hash_grow(struct subtable *st)
{
	struct flow_hash *old = st->hash;
	uint32_t n_slots = HASH_MIN_SLOTS;
	while (n_slots < 4 * (st->n_flows + 1))
		n_slots *= 2;
	struct flow_hash *new = hash_new(n_slots);
	for (uint32_t i = 0; i <= old->mask; i++) {
		uint64_t slot = old->slot[i];
		if (slot && !slot_is_removed(slot))
			hash_add(new, slot);
	}
	rcu_assign(&st->hash, new);
	rcu_free_later(old, free);
}

void subtable_insert(struct subtable *st, struct megaflow *f, uint64_t hash)
{
	if (2 * (st->hash->n_used + 1) > st->hash->mask)
		hash_grow(st);
	hash_add(st->hash, slot_value(hash, f->number));
	st->n_flows++;
}

void subtable_unlink(struct flow_table *ft, struct subtable *st, struct megaflow *f)
{
	struct flow_hash *h = st->hash;
	uint64_t hash = megaflow_hash(st, f), value = slot_value(hash, f->number);
	uint32_t at = flow_hash_start(h, hash);
	while (h->slot[at] != value)
		at = (at + 1) & h->mask;
	rcu_assign(&h->slot[at], 1ULL << 32);
	st->n_flows--;
}

// --- Indexes.

static bool layout_meets(const struct subtable *st, uint32_t layout)
{
	return !((layout ^ st->layout) & st->mask.meta.layout & (LAYOUT_N - 1));
}

static int compare_rank(const void *a, const void *b)
{
	const struct subtable *x = *(struct subtable *const *)a, *y = *(struct subtable *const *)b;
	return x->rank != y->rank ? (x->rank < y->rank ? 1 : -1) : 0;
}

struct layout_index *layout_index_build(struct flow_table *ft, uint32_t layout)
{
	struct layout_index *index =
		xaligned_alloc(64, (sizeof(*index) + ft->subtables.n * sizeof(index->subtables[0]) +
				    63) & ~(size_t)63);
	struct dp_key all;
	uint64_t *words = (uint64_t *)(void *)&all;
	memset(&all, 0, sizeof(all));
	VEC_FOREACH (&ft->subtables, i) {
		struct subtable *st = ft->subtables.v[i];
		if (!layout_meets(st, layout))
			continue;
		index->subtables[index->n++] = st;
		st->rank = __atomic_load_n(&st->hits, __ATOMIC_RELAXED);
		const uint64_t *mask = (const uint64_t *)(const void *)&st->mask;
		for (unsigned int w = 0; w < KEY_WORDS; w++)
			words[w] |= mask[w];
	}
	qsort(index->subtables, index->n, sizeof(index->subtables[0]), compare_rank);
	// With one subtable the cache is skipped, and the hash is that of the subtable.
	if (index->n == 1)
		index->live = index->subtables[0]->live;
	else
		live_init(&index->live, &all, ft->secret, hash_u64(ft->secret + layout));
	index->built = true;
	struct layout_index *old = ft->index[layout];
	rcu_assign(&ft->index[layout], index);
	if (old->built)
		rcu_free_later(old, free);
	return index;
}

static void rebuild_indexes(struct flow_table *ft, const struct subtable *changed)
{
	for (uint32_t layout = 0; layout < LAYOUT_N; layout++)
		if (ft->index[layout]->built && layout_meets(changed, layout))
			layout_index_build(ft, layout);
}

void layout_index_rank(struct flow_table *ft, uint32_t layout)
{
	layout_index_build(ft, layout);
	for (uint32_t i = 0; i < ft->index[layout]->n; i++) { // the past counts less and less
		struct subtable *st = ft->index[layout]->subtables[i];
		__atomic_store_n(&st->hits, st->rank / 2, __ATOMIC_RELAXED);
	}
}

void layout_index_free_all(struct flow_table *ft)
{
	for (uint32_t layout = 0; layout < LAYOUT_N; layout++)
		if (ft->index[layout]->built)
			free(ft->index[layout]);
}

static unsigned int count_bits(const struct dp_key *mask)
{
	const uint64_t *w = (const uint64_t *)(const void *)mask;
	unsigned int n = 0;
	for (unsigned int i = 0; i < KEY_WORDS; i++)
		n += (unsigned int)__builtin_popcountll(w[i]);
	return n;
}

static bool mask_covers(const struct dp_key *wide,
			const struct dp_key *narrow) // every bit of `wide` is in `narrow`
{
	const uint64_t *w = (const uint64_t *)(const void *)wide,
		       *n = (const uint64_t *)(const void *)narrow;
	uint64_t missing = 0;
	for (unsigned int i = 0; i < KEY_WORDS; i++)
		missing |= w[i] & ~n[i];
	return !missing;
}

uint64_t flow_mask_hash(const struct dp_key *mask)
{
	return hash_bytes(mask, sizeof(*mask), 0) | 1;
}

static bool has_mask(const struct subtable *st, const struct dp_key *mask, uint64_t hash)
{
	return st->mask_hash == hash && !memcmp(&st->mask, mask, sizeof(*mask));
}

void layout_index_bound(struct flow_table *ft, uint32_t layout, struct dp_key *mask,
			uint64_t *mask_hash)
{
	struct layout_index *index = ft->index[layout];
	if (!index->built)
		index = layout_index_build(ft, layout);
	if (index->n < FLOW_TABLE_MAX_MASKS)
		return;
	for (uint32_t i = 0; i < index->n; i++)
		if (has_mask(index->subtables[i], mask, *mask_hash))
			return;
	const struct subtable *best = NULL;
	unsigned int bits = count_bits(mask);
	for (uint32_t i = 0; i < index->n; i++) {
		const struct subtable *st = index->subtables[i];
		if (st->n_bits > bits && (!best || st->n_bits < best->n_bits) &&
		    mask_covers(mask, &st->mask))
			best = st;
	}
	if (best)
		*mask = best->mask;
	else
		mask_exact(mask, layout);
	*mask_hash = flow_mask_hash(mask);
}

// --- Life of a subtable.

struct subtable *subtable_get(struct flow_table *ft, const struct dp_key *mask, uint64_t hash,
			      uint32_t full_layout)
{
	uint16_t layout = (uint16_t)(full_layout & mask->meta.layout & (LAYOUT_N - 1));
	VEC_FOREACH (&ft->subtables, i) {
		struct subtable *st = ft->subtables.v[i];
		if (st->layout == layout && has_mask(st, mask, hash))
			return st;
	}
	static const uint8_t zeros[64];
	struct subtable *st = xaligned_alloc(64, (sizeof(*st) + 63) & ~(size_t)63);
	st->mask = *mask;
	st->mask_hash = hash;
	st->n_bits = count_bits(mask);
	st->uses_meta_hi = memcmp((const uint8_t *)&mask->meta + 32, zeros, 32) != 0;
	st->uses_header1 = memcmp(mask->header + 64, zeros, 64) != 0;
	st->layout = layout;
	live_init(&st->live, mask, ft->secret, ft->secret);
	st->hash = hash_new(HASH_MIN_SLOTS);
	vec_push(&ft->subtables, st);
	rebuild_indexes(ft, st);
	return st;
}

static void subtable_free(void *p)
{
	struct subtable *st = p;
	free(st->hash);
	free(st);
}

void subtable_release_if_empty(struct flow_table *ft, struct subtable *st)
{
	if (st->n_flows)
		return;
	VEC_FOREACH (&ft->subtables, i) {
		if (ft->subtables.v[i] == st) {
			vec_swap_remove(&ft->subtables, i);
			break;
		}
	}
	rebuild_indexes(ft, st);
	rcu_free_later(st, subtable_free);
}
