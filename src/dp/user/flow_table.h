/* SPDX-License-Identifier: Apache-2.0 */
// The megaflows of one datapath and the classifier over them.
//
// A megaflow is a slot of 128 bytes with a number, in chunks that stay until the table goes; so a
// number found in a stale cache entry always leads to a slot, and verifying the key decides.
// Megaflows that share a mask (and the layout bits under it) form a *subtable* with a hash table.
// Each layout has an *index*: its subtables, the most used first, and the union of their masks, on
// which the flow caches are keyed; so a packet never meets masks of other layouts, and bytes that
// are payload in one layout do not spoil the cache because they are a header in another.
//
// The number of subtables per layout is bounded: past FLOW_TABLE_MAX_MASKS a new megaflow takes the
// narrowest existing mask that covers its own, or one that covers all.
//
// Threads: readers hold RCU and see slots through indexes, subtables and caches. Writers (any
// thread with a miss; main) hold `lock`. Counters of packets lie in arrays that each thread owns,
// by flow number. A megaflow dies in these steps: unlink (out of the hash table, its slot made to
// match nothing), grace period, counters summed and cookie given back by flow_table_reap() in the
// main thread, slot free for use.
#pragma once
#include <pthread.h>

#include "base/rcu.h"
#include "base/uuid.h"
#include "base/vec.h"
#include "dp/dp.h"
#include "dp/user/live.h"
#include "dp/user/variant.h"

enum {
	FLOW_CHUNK_BITS = 14,
	FLOW_CHUNK = 1 << FLOW_CHUNK_BITS,
	FLOW_MAX_CHUNKS = 256,
	FLOW_MAX_FLOWS = FLOW_CHUNK * FLOW_MAX_CHUNKS,
	FLOW_TABLE_MAX_MASKS = 64, // per layout
};

struct program;
struct program_set;

// An immutable mask with the megaflows that use it.
struct subtable {
	struct dp_key mask;
	bool uses_meta_hi, uses_header1; // covers the second half of the metadata, the second
					 // vector of the header
	uint16_t layout;		 // value of the layout bits that the mask covers
	struct live live;
	struct flow_hash *hash; // RCU
	uint64_t hits;		// of lookups, a hint: racy on purpose
	// Writers.
	uint64_t mask_hash;
	uint32_t n_flows, n_bits; // n_bits: of the mask
	uint64_t rank;		  // hits when the indexes were last sorted
};

struct megaflow {
	// First line: read for each packet. Immutable while live, but for `program`.
	struct subtable *subtable; // RCU; that of the dead, which match nothing, when not live
	struct program *program;   // RCU
	void *cookie;
	uint32_t number;
	uint16_t full_layout; // of the packet it was made for
	uint16_t life;	      // counts the megaflows that had this slot: part of the ufid
	vec32 meta_lo;
	vec64 header;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct megaflow) == 128, "two cache lines");

// The rest of the key, for megaflows whose mask covers any of it (subtable_is_long()); memory that
// the others never touch.
struct megaflow_more {
	vec64 header;
	vec32 meta_hi;
	uint64_t unused[4];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct megaflow_more) == sizeof(struct megaflow),
	       "they lie side by side in a chunk");

struct layout_index {	  // immutable, RCU
	struct live live; // the union of the masks
	uint32_t n;
	bool built;
	struct subtable *subtables[];
};

// Open addressing. A slot is the hash's high half, then a flow number + 1; the low half 0 is "was
// removed". The high half also says where to begin, so that a table grows without a look at the
// megaflows.
struct flow_hash {
	uint32_t mask, n_used;
	uint64_t slot[];
};
static inline uint32_t flow_hash_start(const struct flow_hash *h, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & h->mask;
}

struct flow_counter {
	uint64_t packets, bytes;
	uint32_t used; // flow_table_now()
	uint16_t tcp_flags;
	uint16_t unused;
	uint64_t unused2;
};

struct flow_counters { // written by its thread, read by anyone
	struct flow_counter *chunk[FLOW_MAX_CHUNKS];
};

struct retired {	       // unlinked, waiting for its grace period
	struct megaflow *flow; // NULL: a cookie that never got one
	void *cookie;
};
struct retired_list {
	VEC(struct retired) of;
};

struct flow_table {
	// Immutable.
	uint64_t secret;
	int64_t epoch; // clock_ms() at the start
	void (*wake)(void *arg);
	void (*gone)(void *arg, void *cookie, const struct dp_flow_stats *);
	void *arg;
	struct subtable dead;
	struct layout_index *unbuilt; // of layouts that no packet had yet

	variant_search *search; // in subtables; atomic (relaxed), main may change it

	// RCU; written under lock.
	struct megaflow *chunk[FLOW_MAX_CHUNKS];
	struct layout_index *index[LAYOUT_N];

	// Under lock.
	pthread_mutex_t lock;
	struct program_set *programs;
	VEC(struct subtable *) subtables;
	VEC(uint32_t) free_numbers;
	VEC(struct flow_counters *) counters;
	struct retired_list retired, graced; // `graced`: a grace period has passed
	bool in_grace;
	uint32_t n_numbers, n_flows;
};

// `wake` may be called by any thread: flow_table_reap() has work. `gone`: see dp_callbacks; called
// by flow_table_reap().
struct flow_table *
flow_table_new(void (*wake)(void *arg),
	       void (*gone)(void *arg, void *cookie, const struct dp_flow_stats *), void *arg);
// All readers are gone. Flows that are left go, with gone() for each.
void flow_table_free(struct flow_table *);

// The counters of one more thread. Any registered thread.
struct flow_counters *flow_counters_new(struct flow_table *);

static inline struct megaflow *flow_table_at(const struct flow_table *ft, uint32_t number)
{
	return &rcu_get(&ft->chunk[number >> FLOW_CHUNK_BITS])[number & (FLOW_CHUNK - 1)];
}
static inline struct flow_counter *flow_counter_at(const struct flow_counters *c, uint32_t number)
{
	return &c->chunk[number >> FLOW_CHUNK_BITS][number & (FLOW_CHUNK - 1)];
}
// Milliseconds since the table's start plus one, wrapping.
uint32_t flow_table_time(const struct flow_table *, int64_t ms); // of clock_ms()
uint32_t flow_table_now(const struct flow_table *);

static inline struct megaflow_more *megaflow_more(const struct megaflow *f)
{
	return (struct megaflow_more *)(uintptr_t)(f + FLOW_CHUNK);
}
static inline bool subtable_is_long(const struct subtable *st)
{
	return st->uses_meta_hi | st->uses_header1;
}
// All of its key. Not of a dead one.
void megaflow_key(const struct megaflow *, struct dp_key *);
struct uuid megaflow_ufid(const struct flow_table *, const struct megaflow *);

static inline uint64_t vec64_fold(const vec64 *d)
{
	const vec32 *half = (const vec32 *)(const void *)d;
	vec32 x = half[0] | half[1];
	return x[0] | x[1] | x[2] | x[3];
}

// Does the packet match the megaflow? False for a slot that is not live. RCU.
static inline bool megaflow_matches(const struct megaflow *f, const struct dp_meta *meta,
				    const uint8_t *header)
{
	const struct subtable *st = __atomic_load_n(&f->subtable, __ATOMIC_ACQUIRE);
	const vec64 *mask = (const vec64 *)(const void *)&st->mask;
	const vec32 *meta_mask = (const vec32 *)(const void *)&st->mask;
	const vec32 *m = (const vec32 *)(const void *)meta;
	vec64 d = (*(const vec64_at *)header & mask[1]) ^ f->header;
	const vec32 *half = (const vec32 *)(const void *)&d;
	vec32 x = half[0] | half[1] | ((m[0] & meta_mask[0]) ^ f->meta_lo);
	if (x[0] | x[1] | x[2] | x[3])
		return false;
	if (__builtin_expect(subtable_is_long(st), 0)) {
		const struct megaflow_more *more = megaflow_more(f);
		d = (*(const vec64_at *)(header + 64) & mask[2]) ^ more->header;
		x = half[0] | half[1] | ((m[1] & meta_mask[1]) ^ more->meta_hi);
		return !(x[0] | x[1] | x[2] | x[3]);
	}
	return true;
}

// A megaflow of this subtable, or NULL. RCU.
static inline struct megaflow *subtable_find(const struct flow_table *ft, const struct subtable *st,
					     uint64_t hash, const struct dp_meta *meta,
					     const uint8_t *header)
{
	const struct flow_hash *h = rcu_get(&st->hash);
	for (uint32_t at = flow_hash_start(h, hash);; at = (at + 1) & h->mask) {
		uint64_t slot = rcu_get(&h->slot[at]);
		if (!slot)
			return NULL;
		if ((slot ^ hash) >> 32 || !(uint32_t)slot)
			continue;
		struct megaflow *f = flow_table_at(ft, (uint32_t)slot - 1);
		if (megaflow_matches(f, meta, header))
			return f;
	}
}

// The whole classifier. *n_probes grows by the subtables searched. RCU; not under the lock.
struct megaflow *flow_table_lookup(struct flow_table *, const struct dp_meta *,
				   const uint8_t *header, unsigned int *n_probes);

struct flow_new {		  // what to install
	const struct dp_key *key; // the packet's; bits outside the mask do not matter
	const struct dp_key *mask;
	uint64_t mask_hash; // flow_mask_hash(); 0: to be computed
	uint32_t full_layout;
	const void *actions;
	size_t actions_len;
	void *cookie;
	bool replace; // else a megaflow that is there stays
	bool bounded; // may be narrowed to keep the number of masks bounded; the key must then be a
		      // whole one
};
uint64_t flow_mask_hash(const struct dp_key *mask); // never 0
// Installs a megaflow; takes the cookie, which comes back through gone(), also when an equal
// megaflow was there and stays. *flow, if not NULL: the one that is there now (valid under RCU). An
// error: actions that this datapath does not have, or FLOW_MAX_FLOWS: then the cookie comes back
// too.
struct error *flow_table_put(struct flow_table *, const struct flow_new *,
			     struct megaflow **flow) MUST_CHECK;
// Main thread. New actions for a live megaflow.
struct error *flow_table_modify(struct flow_table *, struct megaflow *, const void *actions,
				size_t n) MUST_CHECK;
void flow_table_remove(struct flow_table *, struct megaflow *);
void flow_table_flush(struct flow_table *);
// Main thread; NULL: there is none.
struct megaflow *flow_table_find(struct flow_table *, const struct uuid *);
// Main thread: the first live megaflow whose number is *position or more; *position is then behind
// it. NULL: no more.
struct megaflow *flow_table_next(struct flow_table *, uint64_t *position);
// Summed over threads.
void flow_table_get_stats(struct flow_table *, const struct megaflow *, struct dp_flow_stats *);
// Main thread, after wake(): gives back what has passed its grace period, and starts another where
// needed. Never waits.
void flow_table_reap(struct flow_table *);
uint32_t flow_table_n_masks(struct flow_table *);
uint32_t flow_table_n_flows(struct flow_table *);
