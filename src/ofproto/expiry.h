/* SPDX-License-Identifier: Apache-2.0 */
// Timeouts of rules: a heap of rules by the earliest moment at which they could expire. Traffic
// moves a rule's idle deadline without telling the heap; the rule is looked at again when its old
// deadline comes, and put back. So traffic costs nothing here, and an idle switch with a million
// rules of an hour's timeout wakes up once an hour. Main thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "ofproto/rule.h"

struct expiry_entry {
	int64_t deadline;
	struct rule *rule;
};
struct expiry {
	VEC(struct expiry_entry) heap;
};

void expiry_done(struct expiry *); // rules must be out
// Puts the rule in, moves it, or takes it out, as its timeouts say. The rule is borrowed.
void expiry_update(struct expiry *, struct rule *);
void expiry_remove(struct expiry *, struct rule *); // not in it: no effect
// The first deadline; INT64_MAX: none.
int64_t expiry_deadline(const struct expiry *);
// A rule that has expired, still in the heap, and why; NULL: no more at this time.
enum expiry_kind { EXPIRED_IDLE, EXPIRED_HARD };
struct rule *expiry_next(struct expiry *, int64_t now, enum expiry_kind *);
