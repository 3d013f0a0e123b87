/* SPDX-License-Identifier: Apache-2.0 */
// OXS: statistics of OpenFlow 1.5, a list of fields like OXM.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"

enum oxs_field { // numbers of the wire
	OXS_DURATION = 0,
	OXS_IDLE_TIME = 1,
	OXS_FLOW_COUNT = 3,
	OXS_PACKET_COUNT = 4,
	OXS_BYTE_COUNT = 5,
};

struct oxs { // without padding: lists of actions, which it is part of, are compared as bytes
	uint32_t has; // bits 1 << enum oxs_field; a number that is not there has all bits set
	uint32_t flows;
	uint32_t duration_s, duration_ns, idle_s, idle_ns;
	uint64_t packets, bytes;
};

// Nothing is there.
void oxs_init(struct oxs *);
static inline bool oxs_has(const struct oxs *s, enum oxs_field field)
{
	return s->has >> field & 1;
}

void oxs_add_duration(struct oxs *, uint32_t s, uint32_t ns);
void oxs_add_idle(struct oxs *, int seconds);			      // -1: not known, left out
void oxs_add_traffic(struct oxs *, uint64_t packets, uint64_t bytes); // UINT64_MAX: the same
void oxs_add_flows(struct oxs *, uint32_t n);
// Appends what there is, padded to 8 bytes.
void oxs_put(struct buf *, const struct oxs *);
// Reads one list and steps over it. What is not known is left out. 0 or an enum ofperr.
int oxs_read(struct cursor *, struct oxs *);
// The same where each field counts: one that is not known is OFPBMC_BAD_FIELD, one that is there
// twice OFPBMC_DUP_FIELD.
int oxs_read_all_known(struct cursor *, struct oxs *);
