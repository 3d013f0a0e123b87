/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/cls_table.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { MIN_SLOTS = 4 };

static struct cls_slots *slots_new(uint32_t n)
{
	struct cls_slots *s =
		xcalloc(1, sizeof(*s) + (size_t)n * (sizeof(uint64_t) + sizeof(uint32_t)));
	s->mask = n - 1;
	return s;
}

// The value is there before the hash that leads readers to it.
static void put(struct cls_slots *s, uint32_t hash, uint64_t value, bool *was_free)
{
	uint32_t *hashes = cls_slots_hashes(s), i = hash & s->mask;
	while (hashes[i] > CLS_SLOT_TOMBSTONE)
		i = (i + 1) & s->mask;
	*was_free = hashes[i] == CLS_SLOT_FREE;
	__atomic_store_n(&s->values[i], value, __ATOMIC_RELEASE);
	__atomic_store_n(&hashes[i], hash, __ATOMIC_RELEASE);
}

// A new array, sized so that as many entries again as there are now fit.
static void rebuild(struct cls_table *t)
{
	uint32_t n_slots = MIN_SLOTS;
	while (n_slots / 4 * 3 <= t->n + t->n / 4)
		n_slots *= 2;
	struct cls_slots *old = t->slots, *s = slots_new(n_slots);
	if (old) {
		const uint32_t *hashes = cls_slots_hashes(old);
		for (uint32_t i = 0; i <= old->mask; i++) {
			bool was_free;
			if (hashes[i] > CLS_SLOT_TOMBSTONE)
				put(s, hashes[i], old->values[i], &was_free);
		}
	}
	t->n_taken = t->n;
	rcu_assign(&t->slots, s);
	rcu_free_later(old, free);
}

void cls_table_insert(struct cls_table *t, uint32_t hash, uint64_t value)
{
	// At most three quarters taken, so that searches end.
	if (!t->slots || t->n_taken + 1 > (t->slots->mask + 1) / 4 * 3)
		rebuild(t);
	bool was_free;
	put(t->slots, hash, value, &was_free);
	t->n++;
	t->n_taken += was_free;
}

uint64_t *cls_table_find(const struct cls_table *t, uint32_t hash, uint64_t value)
{
	if (!t->slots)
		return NULL;
	uint32_t at = hash;
	for (uint64_t v; (v = cls_slots_next(t->slots, hash, &at));)
		if (v == value)
			return &t->slots->values[(at - 1) & t->slots->mask];
	return NULL;
}

static void clear_slot(struct cls_table *t, uint64_t *slot)
{
	size_t i = (size_t)(slot - t->slots->values);
	__atomic_store_n(&cls_slots_hashes(t->slots)[i], CLS_SLOT_TOMBSTONE, __ATOMIC_RELEASE);
	t->n--;
	if (t->slots->mask + 1 > 4 * MIN_SLOTS && t->n < (t->slots->mask + 1) / 8)
		rebuild(t);
}

void cls_table_remove(struct cls_table *t, uint32_t hash, uint64_t value)
{
	uint64_t *slot = cls_table_find(t, hash, value);
	assert(slot);
	clear_slot(t, slot);
}

static uint64_t *find_count(struct cls_table *t, uint32_t hash)
{
	uint32_t at = hash;
	if (!t->slots || !cls_slots_next(t->slots, hash, &at))
		return NULL;
	return &t->slots->values[(at - 1) & t->slots->mask];
}

void cls_table_count_up(struct cls_table *t, uint32_t hash)
{
	uint64_t *count = find_count(t, hash);
	if (count)
		__atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
	else
		cls_table_insert(t, hash, 1);
}

void cls_table_count_down(struct cls_table *t, uint32_t hash)
{
	uint64_t *count = find_count(t, hash);
	assert(count);
	if (*count > 1)
		__atomic_store_n(count, *count - 1, __ATOMIC_RELAXED);
	else
		clear_slot(t, count);
}

void cls_table_done(struct cls_table *t)
{
	free(t->slots);
	*t = (struct cls_table){0};
}
