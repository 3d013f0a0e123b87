/* SPDX-License-Identifier: Apache-2.0 */
// Ports for tests: packets are put in by hand and what is sent goes into a capture file. Main
// thread; the datapath's threads use the queues through netdev.h as those of any device.
#pragma once
#include <stddef.h>

#include "netdev/netdev.h"

// False for devices that are no dummies.
bool netdev_is_dummy(const struct netdev *);
// The frame arrives on the queue, `pad_to` 0 or its length after padding with zeroes. -ENOENT: no
// dummy of that name is open. -EINVAL: it has no such queue. -ENOBUFS: no memory for packets.
int netdev_dummy_receive(const char *name, unsigned int queue, const void *frame, size_t n,
			 size_t pad_to);
// name NULL: all dummies. -ENOENT.
int netdev_dummy_set_admin_state(const char *name, bool up);
// Appends lines "NAME: STATE", without a name of those that connect to others.
void netdev_dummy_conn_state(const char *name, struct str *);

// What connects dummies with those of other processes (options:stream and options:pstream), which
// needs more than this folder has.
struct netdev_dummy_link;
struct netdev_dummy_link_ops {
	// Frames that come go to netdev_dummy_receive().
	struct error *(*open)(void *arg, const char *netdev, const char *target, bool passive,
			      struct netdev_dummy_link **);
	void (*close)(struct netdev_dummy_link *);
	bool (*send)(struct netdev_dummy_link *, const void *frame,
		     size_t n); // any thread. False: it is lost
	bool (*is_connected)(const struct netdev_dummy_link *);
};
void netdev_dummy_set_links(const struct netdev_dummy_link_ops *, void *arg);
