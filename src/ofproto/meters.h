/* SPDX-License-Identifier: Apache-2.0 */
// The meters of one bridge, each with one in the datapath.
//
// Threads: the main thread changes; translation in any thread asks for a meter's number in the
// datapath, under RCU.
#pragma once
#include <stdint.h>

#include "openflow/meter.h"

struct backer;
struct ofproto;

struct ofmeter {
	struct ofp_meter m;
	uint32_t dp_id;	      // immutable, never used again for another one
	int64_t created;      // clock_ms()
	struct ofmeter *next; // in its chain, RCU
};

enum { METER_CHAINS = 256 };
struct ofmeter_table {			     // all zero: empty
	struct ofmeter *chain[METER_CHAINS]; // RCU
	unsigned int n;
};

struct ofmeter *ofmeter_find(const struct ofmeter_table *,
			     uint32_t meter_id); // NULL: none. Any thread, inside RCU.
// Do all meters that the actions name exist? 0 or OFPMMFC_INVALID_METER.
int meters_check_actions(const struct ofproto *, const void *list, size_t n);
// Removes all of them, not the flows that use them.
void meters_flush(struct ofproto *);

// For translation: the meter's number in the datapath. Any thread, inside RCU.
bool ofproto_meter_lookup(const struct ofproto *, uint32_t meter_id, uint32_t *dp_id);
