/* SPDX-License-Identifier: Apache-2.0 */
// The classifier of an OpenFlow table: tuple-space search with one hash table per mask, ranked by
// priority, staged lookup and prefix tries, so that a lookup un-wildcards as little as it looked
// at.
//
// Threads: one writer (the main thread); any number of readers under RCU. What is removed stays
// valid until a grace period after. Source: Srinivasan, Suri, Varghese, "Packet Classification
// using Tuple Space Search", SIGCOMM 1999; staged lookup and prefix tracking: Pfaff et al., "The
// Design and Implementation of Open vSwitch", NSDI 2015.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "flow/field.h"
#include "flow/match.h"

struct classifier;

struct cls_rule {		// embedded in the owner's rule
	struct minimatch match; // immutable after cls_rule_init
	int32_t priority;
	void *node; // the classifier's; NULL while not in one
};

void cls_rule_init(struct cls_rule *, const struct match *, int priority);
void cls_rule_done(struct cls_rule *); // must be out of the classifier, a grace period ago if
				       // readers could see it

struct classifier *classifier_new(void);
void classifier_free(struct classifier *); // must be empty
// Up to 4 fields whose prefixes are tracked (Flow_Table.prefixes): addresses, tun_id and metadata,
// see classifier_can_track(); others are left out. Initially nw_dst, nw_src, ipv6_dst, ipv6_src. L4
// ports are always tracked. Main thread; with rules in the classifier it waits for a grace period.
void classifier_set_prefixes(struct classifier *, const enum field_id *, unsigned int n);
bool classifier_can_track(enum field_id);
// If there is a rule with the same match and priority, it is replaced and returned; else NULL.
const struct cls_rule *classifier_replace(struct classifier *, struct cls_rule *);
void classifier_remove(struct classifier *, struct cls_rule *);
// All rules leave at once. Lookups under way may still find them. Main thread.
void classifier_clear(struct classifier *);
// Around the removal of many rules, at least as many as stay: the prefix tries are left as they are
// meanwhile, which makes lookups only more careful, and are then made anew from what is left.
// Nothing else in between. Main thread.
void classifier_begin_purge(struct classifier *);
void classifier_end_purge(struct classifier *);
// The rule of highest priority that matches, or NULL. What was looked at is or-ed into `mask` (may
// be NULL). Any thread, RCU.
struct cls_rule *classifier_lookup(const struct classifier *, const struct flow *,
				   struct flow *mask);
// Every rule that matches with a priority above `above`, in no order, until the callback says
// false; what was looked at is or-ed into `mask`. Any thread, RCU.
void classifier_each_match(const struct classifier *, const struct flow *, struct flow *mask,
			   int above, bool (*cb)(void *arg, struct cls_rule *), void *arg);
// Exactly this match and priority. Main thread.
struct cls_rule *classifier_find_exactly(const struct classifier *, const struct match *,
					 int priority);
bool classifier_overlaps(const struct classifier *, const struct match *, int priority);
// All rules, or with `target` those whose match is at least as specific as it ("loose" match of
// OpenFlow). The callback may remove the rule it is shown; false stops. Main thread.
void classifier_for_each(struct classifier *, const struct match *target,
			 bool (*cb)(void *arg, struct cls_rule *), void *arg);
unsigned int classifier_count(const struct classifier *);
unsigned int classifier_n_masks(const struct classifier *);
