/* SPDX-License-Identifier: Apache-2.0 */
// A hash table for one writer and many RCU readers: open addressing, 12 bytes per slot. A removed
// slot becomes a tombstone; when few free slots are left, a new array is published and the old one
// dies after a grace period.
//
// A reader may see a value that was put into a slot for another hash a moment ago: it must compare
// the key itself.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/rcu.h"

enum { CLS_SLOT_FREE = 0, CLS_SLOT_TOMBSTONE = 1 }; // not used as hashes

struct cls_slots {
	uint32_t mask; // slots - 1
	uint32_t pad;
	uint64_t values[]; // mask + 1 of them, then as many 32-bit hashes
};

struct cls_table {		 // all zero is empty
	struct cls_slots *slots; // RCU; NULL while nothing was ever put in
	uint32_t n, n_taken;	 // writer: entries; entries and tombstones
};

static inline uint32_t *cls_slots_hashes(const struct cls_slots *s)
{
	return (uint32_t *)(uintptr_t)&s->values[s->mask + 1];
}

static inline uint32_t cls_table_hash(uint64_t h) // any 64-bit hash as one that the table takes
{
	uint32_t folded = (uint32_t)(h >> 32 ^ h);
	return folded > CLS_SLOT_TOMBSTONE ? folded : folded + 2;
}

// Walks the values with this hash: start with *at = hash. 0: no more.
static inline uint64_t cls_slots_next(const struct cls_slots *s, uint32_t hash, uint32_t *at)
{
	const uint32_t *hashes = cls_slots_hashes(s);
	for (;;) {
		uint32_t i = (*at)++ & s->mask;
		uint32_t found = __atomic_load_n(&hashes[i], __ATOMIC_ACQUIRE);
		if (found == hash)
			return __atomic_load_n(&s->values[i], __ATOMIC_ACQUIRE);
		if (found == CLS_SLOT_FREE)
			return 0;
	}
}

static inline bool cls_table_has(const struct cls_table *t, uint32_t hash)
{
	const struct cls_slots *s = rcu_get(&t->slots);
	uint32_t at = hash;
	return s && cls_slots_next(s, hash, &at);
}

// The rest is the writer's. Values are not 0.
void cls_table_insert(struct cls_table *, uint32_t hash, uint64_t value);
// Where the value with this hash is; it may be changed in place by an atomic store. NULL: not
// there.
uint64_t *cls_table_find(const struct cls_table *, uint32_t hash, uint64_t value);
void cls_table_remove(struct cls_table *, uint32_t hash, uint64_t value); // must be there
// A set of hashes that counts: how often each was added.
void cls_table_count_up(struct cls_table *, uint32_t hash);
void cls_table_count_down(struct cls_table *, uint32_t hash);
// Frees the array at once: no reader may be left.
void cls_table_done(struct cls_table *);

#define CLS_TABLE_FOREACH(value, table)                                                            \
	for (uint64_t i_ = 0, value; (table)->slots && i_ <= (table)->slots->mask; i_++)           \
		if (cls_slots_hashes((table)->slots)[i_] > CLS_SLOT_TOMBSTONE &&                   \
		    (value = (table)->slots->values[i_]) != 0)
