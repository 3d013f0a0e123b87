/* SPDX-License-Identifier: Apache-2.0 */
// Ports for tests: packets are put in by hand and what is sent goes into a capture file. Main thread; the datapath's threads use
// the queues through netdev.h as those of any device.
#pragma once
#include <stddef.h>

#include "netdev/netdev.h"

// False for devices that are no dummies.
bool netdev_is_dummy(const struct netdev *);
// The frame arrives on the queue, `pad_to` 0 or its length after padding with zeroes. -ENOENT: no dummy of that name is open.
// -EINVAL: it has no such queue. -ENOBUFS: no memory for packets.
int netdev_dummy_receive(const char *name, unsigned int queue, const void *frame, size_t n, size_t pad_to);
// name NULL: all dummies. -ENOENT.
int netdev_dummy_set_admin_state(const char *name, bool up);
// Appends lines "NAME: STATE". -ENOENT.
int netdev_dummy_conn_state(const char *name, struct str *);
