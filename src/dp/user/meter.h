/* SPDX-License-Identifier: Apache-2.0 */
// The meters of a userspace datapath: token buckets that packets drain and time fills.
//
// Threads: the main thread sets, removes and reads; any thread of the datapath looks meters up
// under RCU and runs packets through them, under the meter's own lock.
#pragma once
#include "dp/dp.h"

struct meter;
struct meter_table;

struct meter_table *meter_table_new(void);
void meter_table_free(struct meter_table *); // no thread looks at it any more
void meter_set(struct meter_table *, uint32_t id, const struct dp_meter_config *);
int meter_del(struct meter_table *, uint32_t id);				 // -ENOENT
int meter_get(const struct meter_table *, uint32_t id, struct dp_meter_stats *); // -ENOENT

struct rte_mbuf;
// Any thread, inside RCU. What each packet exceeds: the band with the highest rate of those that
// are empty; NULL: none, or there is no such meter.
void meter_run(const struct meter_table *, uint32_t id, struct rte_mbuf *const *, unsigned int n,
	       int64_t now_ms, const struct dp_meter_band **);
