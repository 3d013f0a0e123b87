/* SPDX-License-Identifier: Apache-2.0 */
// Rules with stat_trigger: how far their statistics are, in thresholds. Traffic costs nothing here:
// the rules that have a trigger, and no others, are looked at in rounds, and what was passed since
// the round before is told. Main thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "ofproto/rule.h"

enum { TRIGGER_N_STATS = 4 }; // duration, idle time, packets, bytes

struct trigger {
	struct rule *rule;   // a reference
	uint32_t generation; // as the rule's when it began to be watched
	bool only_first, periodic;
	uint64_t thresholds[TRIGGER_N_STATS]; // 0: none
	// How many times each threshold has been passed (once at most, if not periodic), and the
	// most that any has ever been.
	uint64_t levels[TRIGGER_N_STATS], top;
};
struct triggers {
	VEC(struct trigger) watched;
	size_t next; // to look at in this round
};

void triggers_done(struct triggers *);
// The rule came into its table, or got other actions: it is watched from now on, if they have a
// trigger.
void triggers_watch(struct triggers *, struct rule *);
// Looks at up to *budget rules of this round, which is counted down, and returns the first that has
// passed a threshold; NULL: none. Before a rule is taken for idle, `refresh` brings its counters up
// to date.
struct rule *triggers_next(struct triggers *, int64_t now, unsigned int *budget,
			   void (*refresh)(void *arg), void *arg);
// Is the round at its end? Then the next one begins.
bool triggers_end_round(struct triggers *);
