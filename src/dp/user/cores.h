/* SPDX-License-Identifier: Apache-2.0 */
// The CPU cores of the host, for threads that want one of their own.
#pragma once
#include "dp/dp.h"

unsigned int cores_count(void); // configured, at most DP_MAX_CORES
bool cores_is_online(unsigned int core);
unsigned int cores_numa(unsigned int core); // 0 where the kernel does not say
// The cores that polling threads get: those of the mask that exist and are online; without any, one
// per NUMA node, which is not the host's first core if the node has another.
void cores_choose(const struct dp_settings *, uint64_t chosen[DP_MAX_CORES / 64]);

static inline bool cores_has(const uint64_t *set, unsigned int core)
{
	return set[core / 64] >> core % 64 & 1;
}
