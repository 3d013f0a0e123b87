/* SPDX-License-Identifier: Apache-2.0 */
// IGMP and MLD in frames, learned by a small table.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "l2proto/mcast_snooping.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mcast_snooping *s = mcast_snooping_new(
		&(struct mcast_snooping_config){.max_groups = 4, .age_ms = 1000});
	uint8_t *exact = malloc(n + 1); // of just its size, so that a byte too far is seen
	memcpy(exact, data, n);
	for (uint32_t port = 1; port <= 2; port++)
		mcast_snooping_learn(s, exact, n, 0, port, port);
	mcast_snooping_age(s, 100000);
	free(exact);
	mcast_snooping_free(s);
	return 0;
}
