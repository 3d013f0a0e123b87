/* SPDX-License-Identifier: Apache-2.0 */
// The fd side of a tap device (tun.c of the kernel), with vnet headers and offloads: the switch
// holds the wire's end.
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "netdev/burst.h"

// Makes the tap, or attaches to one of that name that nobody holds. It goes with the fd, unless
// somebody made it persistent.
struct error *tun_open(const char *name, int *fd) MUST_CHECK;
// A persistent tap outlives the fd.
void tun_set_persistent(int fd, bool);
// Where the tap is now: its name, and its network namespace as an fd that the caller closes, -1
// when that is ours. False: it is no more.
bool tun_whereabouts(int fd, char name[16], int *netns);
// Up to n packets. *bad counts frames that had to be dropped. -ENODEV when the device was deleted:
// the fd stays readable.
int tun_rx_burst(struct burst *, int fd, struct rte_mbuf **, unsigned int n, unsigned int *bad);
// Sends n packets and frees them. The number that the kernel took. Any thread.
unsigned int tun_tx_burst(int fd, struct rte_mbuf **, unsigned int n);
