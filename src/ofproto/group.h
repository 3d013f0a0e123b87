/* SPDX-License-Identifier: Apache-2.0 */
// The groups of one bridge. A group is immutable but for its counters: a change makes another one
// in its place.
//
// Threads: the main thread changes; any thread looks up under RCU and counts. Megaflows hold
// references to the groups whose counters they credit.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "openflow/group.h"

struct ofproto;

struct group_counts {
	uint64_t packets, bytes; // added to by any thread (relaxed)
};
struct group_slots; // which bucket takes which values of the datapath's hash

struct group {
	struct ofp_group g; // immutable
	int64_t created;    // clock_ms() of the first of its line
	struct group *next; // in its chain, RCU
	unsigned int refs;  // atomic
	struct group_counts total;
	struct group_counts *buckets; // as many as g.buckets
	struct group_slots *slots;    // immutable; NULL: translation hashes
};

enum { GROUP_CHAINS = 1024 };
struct group_table {			   // all zero: empty
	struct group *chain[GROUP_CHAINS]; // RCU
	unsigned int n;
};

// NULL: none. Any thread, inside RCU.
struct group *group_find(const struct group_table *, uint32_t group_id);
// Takes *g (which is empty afterwards) into the table in place of a group with the same id. Main.
void group_put(struct group_table *, struct ofp_group *g);
void group_remove(struct group_table *, uint32_t group_id);
void group_table_clear(struct group_table *);
// Calls back for each group, by rising id, which must not change the table.
void group_for_each(const struct group_table *, void (*cb)(void *arg, const struct group *),
		    void *arg);

// NULL when the group is on its way out (a reader racing with removal).
struct group *group_try_ref(struct group *);
void group_unref(struct group *); // NULL is allowed; any thread
enum { GROUP_ALL_BUCKETS = UINT32_MAX };
// Any thread.
void group_credit(struct group *, uint32_t bucket, uint64_t packets, uint64_t bytes);
struct group_counts group_counts(const struct group_counts *);

// Which bucket of a select group takes a flow with this hash, by weighted rendezvous hashing: each
// bucket draws a number from the flow's hash and its own id, and the greatest, by weight, wins; so
// a bucket that comes or goes moves no flow between the others. `alive` (NULL: all are). The index;
// -1: none.
int group_select(const struct ofp_group *, uint64_t hash,
		 bool (*alive)(void *arg, const struct ofp_bucket *), void *arg);

// --- Select groups whose packets the datapath hashes (group_slots.c).

// Those with dp_hash, and those without a method.
bool group_hashes_in_datapath(const struct ofp_group *);
// What for: the algorithm (0: L4, 1: symmetric L4) and the basis.
uint32_t group_hash_algorithm(const struct ofp_group *);
uint32_t group_hash_basis(const struct ofp_group *);
// NULL: no bucket has a weight.
struct group_slots *group_slots_new(const struct ofp_group *);
void group_slots_free(struct group_slots *);
// As group_select(), for the datapath's hash; or-s into *mask the bits that decide. Shares of the
// hash's values are as the weights to one in 2^20; a bucket that comes or goes moves few values
// between the others.
int group_slots_select(const struct group *, uint32_t dp_hash, uint32_t *mask,
		       bool (*alive)(void *, const struct ofp_bucket *), void *arg);

// Would a group with these buckets lead back to itself?
bool group_makes_loop(const struct group_table *, const struct ofp_group *);

// For translation: the group of a bridge. Any thread, RCU.
struct group *ofproto_group_lookup(const struct ofproto *, uint32_t group_id);
