/* SPDX-License-Identifier: Apache-2.0 */
// What ovs-appctl dpdk/* and netdev-dpdk/* show and set. Main thread. Errors say what was wrong.
#pragma once
#include "base/error.h"

struct str;

void dpdk_text_lcores(struct str *);
void dpdk_text_logs(struct str *);
void dpdk_text_malloc(struct str *);
// "LEVEL", or "PATTERN:LEVEL" for the components whose names match.
struct error *dpdk_set_log(const char *text) MUST_CHECK;
// The packets of a port's pool; NULL: of all pools.
struct error *dpdk_text_mempool(const char *netdev, struct str *) MUST_CHECK;
struct error *dpdk_set_admin_state(const char *netdev, const char *state)
	MUST_CHECK; // netdev NULL: of all ports of DPDK
// Detaches a device that no port uses.
struct error *dpdk_detach(const char *device) MUST_CHECK;
