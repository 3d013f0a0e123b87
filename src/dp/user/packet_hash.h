/* SPDX-License-Identifier: Apache-2.0 */
// The hash action: a packet's dp_hash, by which groups and bonds spread flows.
#pragma once
#include <stdint.h>

#include "flow/flow.h"

struct rte_mbuf;

// Algorithm 0: over addresses, protocol and ports; 1: the same for both directions. Never 0.
uint32_t packet_hash(struct rte_mbuf *, uint32_t algorithm, uint32_t basis);
// The same for a packet with these headers.
uint32_t packet_hash_flow(const struct flow *, uint32_t algorithm, uint32_t basis);
