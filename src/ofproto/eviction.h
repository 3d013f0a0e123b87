/* SPDX-License-Identifier: Apache-2.0 */
// Which rule makes room in a full table: of the rules with a timeout in the largest group (rules
// with equal values of the table's grouping fields), the least important, and of those the one that
// would go soonest.
//
// The index is made when a table is full for the first time, and follows its rules from then on: an
// eviction costs the logarithm of the group, whatever the size of the table. Groups of equal size
// are in a list; within a group is a heap. Traffic moves a rule's deadline without telling the
// heap, and only ever to a later one: the first of the heap is looked at again before it goes, and
// put back where it belongs. Main thread.
#pragma once
#include <stdbool.h>

struct eviction;
struct oftable;
struct rule;

// Empty; groups are by the table's grouping fields, as they are now.
struct eviction *eviction_new(const struct oftable *);
void eviction_free(struct eviction *); // NULL is allowed; the rules are not its own
// Puts a rule in that came, or whose timeouts changed. Rules without a timeout, and hidden ones,
// are never given up.
void eviction_update(struct eviction *, struct rule *);
void eviction_remove(struct eviction *, const struct rule *); // not in it: no effect
struct rule *eviction_candidate(struct eviction *);	      // borrowed, still in it; NULL: none
