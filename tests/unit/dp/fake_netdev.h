/* SPDX-License-Identifier: Apache-2.0 */
// Devices for tests of the datapath: stand in for src/netdev. What is pushed is received; what is
// sent is kept. Thread-safe.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netdev/netdev.h"

struct rte_mbuf;

struct sent { // one frame that the datapath sent
	uint8_t *data;
	size_t len;
	uint64_t ol_flags;
	uint32_t l2_len;
	unsigned int thread; // what netdev_tx_burst() was told
};

struct netdev *fake_netdev_new(const char *name, const char *type, int mtu, unsigned int n_rxq);
void fake_netdev_free(struct netdev *);
// Received next. Takes the packet.
void fake_netdev_push(struct netdev *, unsigned int queue, struct rte_mbuf *);
void fake_netdev_push_bytes(struct netdev *, const void *frame, size_t n);
// The oldest frame that was sent and not yet taken; false: none. sent_done() frees it.
bool fake_netdev_pop(struct netdev *, struct sent *);
void sent_done(struct sent *);
size_t fake_netdev_n_sent(struct netdev *);
size_t fake_netdev_n_waiting(struct netdev *); // pushed and not yet received
void fake_netdev_set_mtu(struct netdev *, int mtu);
// Receiving fails with this negative errno until it is 0 again.
void fake_netdev_fail(struct netdev *, int error);
// Frames that do not fit are refused from now on: how many more are taken.
void fake_netdev_limit(struct netdev *, size_t n);
void fake_netdev_set_txq(struct netdev *, unsigned int n); // one, at first
// Calls of netdev_tx_burst().
size_t fake_netdev_n_bursts(struct netdev *);
// Frames are counted and freed, not kept.
void fake_netdev_discard(struct netdev *);
