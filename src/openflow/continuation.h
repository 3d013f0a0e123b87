/* SPDX-License-Identifier: Apache-2.0 */
// What a switch says to itself through a controller: where a packet that was sent up with
// controller(pause) goes on when the controller sends it back (NXT_RESUME). Controllers hand it
// through as it is; only its frame is defined, and the contents are as the stock switch writes
// them, with properties of our own for what it cannot say.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/str.h"
#include "base/uuid.h"
#include "openflow/action.h"

enum { OFP_CONTINUATION_MAX_STACK = 4096 }; // words

struct ofp_continuation {
	struct uuid bridge;
	uint64_t mirrored;
	bool conntracked, in_action_set, in_group, packet_out;
	uint32_t odp_port; // of a switch with a patch port in the way; ours has no use for it
	// Words of pushed fields, the lowest of each field on top, and above them their number.
	uint64_t *stack;
	size_t n_stack;
	struct buf actions;    // with OFPACT_UNROLL_XLATE where whose they are changes
	struct buf action_set; // in the order of writing
};
void ofp_continuation_done(struct ofp_continuation *); // all zero: has nothing

// Appends the value of the property.
void ofp_continuation_encode(struct buf *, const struct ofp_continuation *, uint8_t version);
// Nothing in it can be trusted: whoever decodes must check the actions. `loose`, for who only shows
// it: properties that nobody knows are stepped over, and the set may hold what has no place in one.
// 0 or an enum ofperr; to be freed in any case.
int ofp_continuation_decode(struct cursor, uint8_t version, bool loose, struct ofp_continuation *);
void ofp_continuation_print(struct str *, const struct ofp_continuation *,
			    const struct ofpact_text *);
