/* SPDX-License-Identifier: Apache-2.0 */
// A rule (flow entry) of an OpenFlow table, and the table as translation sees it.
//
// Life: made and put into its table by the main thread; found by any thread under RCU; megaflows
// hold references to the rules that made them. Removal: out of the classifier (unlink), `removed`
// set, the table's reference dropped; freed a grace period after the last.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/byteorder.h"
#include "flow/classifier.h"

struct ofp_flow_stats;
struct ofproto;
struct oftable;

struct rule_actions { // immutable; replaced as a whole under RCU
	size_t len;
	uint8_t list[] __attribute__((aligned(8))); // struct ofpact ...
};

// The switch's own rules are not shown to controllers.
enum rule_hidden { RULE_NOT_HIDDEN, RULE_FAIL_OPEN, RULE_IN_BAND };

struct rule { // there may be millions: ordered so that nothing is lost between the members
	struct cls_rule cls; // match and priority, immutable
	// Immutable after insertion.
	struct ofproto *ofproto;
	struct oftable *table; // not there any more once the rule is removed
	int64_t created;       // clock_ms()

	const struct rule_actions *actions; // RCU

	// Written by main, read by anyone (relaxed).
	be64_t cookie;
	int64_t modified;
	// When it was added and last changed, as struct ofproto counts changes. Main only.
	uint64_t add_seq, modify_seq;

	// Added to by any thread (relaxed atomics).
	uint64_t packets, bytes;
	int64_t used; // clock_ms() of the last packet

	unsigned int refs; // atomic
	uint32_t timer_at; // place in the heap of expiry.h, plus one; 0: no timeout. Main only
	// Written by main, read by anyone (relaxed).
	uint16_t idle_timeout, hard_timeout; // seconds; 0: none
	uint16_t flags;			     // enum ofp_flow_mod_flags
	uint16_t importance;		     // immutable after insertion, like the next two
	uint8_t table_id;
	uint8_t hidden; // enum rule_hidden
	bool removed;
	// Main only, of its actions.
	bool soft : 1;		     // they are conjunctions: it is in the table's other classifier
	bool owns_learned : 1;	     // flows they learned go with the last rule that learns them
	uint32_t trigger_generation; // see triggers.h
};
_Static_assert(sizeof(struct rule) == 144, "see above");

// A rule with one reference, not yet in a table. Copies match and actions; created and modified
// now.
struct rule *rule_new(struct ofproto *, uint8_t table_id, const struct match *, int priority,
		      const void *actions, size_t actions_len);
// What the rule matches, with its bridge's table of tunnel options.
void rule_match(const struct rule *, struct match *);
// All there is to say about the rule, asked for by a controller. Borrows its actions.
void rule_describe(const struct rule *, int64_t now, struct ofp_flow_stats *);
// Copies the list.
const struct rule_actions *rule_actions_new(const void *list, size_t len);
// Publishes a copy of the list; the old one dies a grace period later. Main thread.
void rule_set_actions(struct rule *, const void *list, size_t len);
struct rule_counts {
	uint64_t packets, bytes;
	int64_t used;
};
static inline struct rule_counts rule_counts(const struct rule *r)
{
	return (struct rule_counts){
		.packets = __atomic_load_n(&r->packets, __ATOMIC_RELAXED),
		.bytes = __atomic_load_n(&r->bytes, __ATOMIC_RELAXED),
		.used = __atomic_load_n(&r->used, __ATOMIC_RELAXED),
	};
}

static inline void rule_ref(struct rule *r)
{
	__atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);
}
// Takes a reference unless the count already fell to 0 (a reader racing with removal).
bool rule_try_ref(struct rule *);
void rule_unref(struct rule *);			      // NULL is allowed; any thread
void rule_unref_many(struct rule *const *, size_t n); // any thread
// Adds to the counters, and to those of the table; `used` only moves forward. Any thread, inside
// RCU.
void rule_credit(struct rule *, uint64_t packets, uint64_t bytes, int64_t used);

enum { OFPROTO_N_TABLES = 255 }; // 254 is the switch's own

// What a packet does that no rule of a table matches (OpenFlow 1.1's and 1.2's table mod). DEFAULT:
// as the version of the controllers' OpenFlow wants it, to the controller or drop.
enum table_miss { TABLE_MISS_DROP, TABLE_MISS_CONTROLLER, TABLE_MISS_CONTINUE, TABLE_MISS_DEFAULT };

// The rule of a table that matches, NULL for none. Counts nothing: rule_credit() and the following
// do. Any thread, RCU.
struct rule *ofproto_table_lookup(const struct ofproto *, uint8_t table_id, const struct flow *,
				  struct flow *mask);
// What a table was set to do with misses. Any thread.
enum table_miss ofproto_table_miss(const struct ofproto *, uint8_t table_id);
// Counts packets that found no rule in the table.
void ofproto_table_credit_miss(struct ofproto *, uint8_t table_id, uint64_t packets);
