/* SPDX-License-Identifier: Apache-2.0 */
// How a polling thread sleeps when it has nothing to do.
//
// After a millisecond without a burst worth the name it naps: a microsecond longer each time, up to
// the maximum, so that a packet waits no longer than that. Each nap costs the kernel 3 to 15 us of
// CPU time, so naps alone keep a tenth of a core busy. After a millisecond without any packet the
// thread therefore asks its devices to wake it (interrupts, or a socket's fd) and sleeps until one
// does. Where a device cannot, it goes on with naps; they grow to two milliseconds when all such
// devices are ones that no wire feeds (netdev_rxq_is_fed_from_outside()).
#pragma once
#include "dp/user/poll.h"

struct nap {				      // the thread's
	uint64_t hz, last_burst, last_packet; // of the time stamp counter
	uint64_t no_wait_until;		      // devices woke us for nothing: naps only, for a while
	unsigned int us, overshoot_us, spurious;
	bool armed; // the devices are asked to wake us
};

void nap_init(struct nap *, uint64_t now);
// After a turn over the list that found at most `most` packets in a queue; `*clock` is the time it
// ended, and then that of waking.
void nap_after(struct nap *, struct dp_thread *, const struct poll_list *, unsigned int most,
	       uint64_t *clock);
