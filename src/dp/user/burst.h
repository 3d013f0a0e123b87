/* SPDX-License-Identifier: Apache-2.0 */
// The path of a packet: a burst is classified, looked up, grouped by megaflow, and each group's
// program run.
#pragma once
#include "dp/user/thread.h"

// Takes n <= BURST packets that came in together. `fresh`: their metadata, all the same and without
// a layout; NULL: each has its own (recirculated ones). What they cause is sent when it returns.
// The number of them that missed.
unsigned int burst_process(struct dp_thread *, struct rte_mbuf **, unsigned int n,
			   const struct dp_meta *fresh);
// Processes what was recirculated, and sends what was output: the end of each burst, and of
// dp_execute() outside of one.
void burst_finish(struct dp_thread *);
// For fast.c: packet i of the burst is not where the cache, or the only subtable, said. NULL: there
// is no megaflow, and the packet is gone.
struct megaflow *burst_search(struct dp_thread *, unsigned int i);
