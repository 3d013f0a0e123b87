/* SPDX-License-Identifier: Apache-2.0 */
// OXS: statistics of OpenFlow 1.5, a list of fields like OXM. Private to this folder.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"

struct oxs {
	uint32_t duration_s, duration_ns, flows;
	int idle_age;		      // seconds; -1: not there
	uint64_t packets, bytes;      // UINT64_MAX: not there
	bool has_duration, has_flows; // to write them
};

// Appends what there is, padded to 8 bytes.
void oxs_put(struct buf *, const struct oxs *);
// Reads one list and steps over it. 0 or an enum ofperr.
int oxs_read(struct cursor *, struct oxs *);
