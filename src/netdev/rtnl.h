/* SPDX-License-Identifier: Apache-2.0 */
// Links of the kernel through rtnetlink: ask, change, watch. Main thread.
#pragma once
#include <linux/if_link.h>
#include <linux/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

struct rtnl_link {
	int ifindex;
	char name[IFNAMSIZ];
	unsigned int flags; // IFF_*
	bool carrier;
	int mtu;
	bool has_mac; // of six bytes
	uint8_t mac[6];
	char kind[16]; // "veth", "tun"; "" for what has none
	bool has_stats;
	struct rtnl_link_stats64 stats;
};

// In the network namespace of this fd, or our own (RTNL_HERE). Negative errno: -ENODEV, or what the
// kernel said.
enum { RTNL_HERE = -1 };
int rtnl_link_get(int netns, const char *name, struct rtnl_link *);
int rtnl_link_set_mac(int netns, int ifindex, const uint8_t mac[6]);
int rtnl_link_set_mtu(int netns, int ifindex, int mtu);
int rtnl_link_set_up(int netns, int ifindex, bool up);

// Devices in groups (`ip link set DEV group N`), and the removal of all of one, which takes the
// kernel not much longer than that of a single device: it waits for its readers once.
int rtnl_link_set_group(int ifindex, uint32_t group);
int rtnl_group_remove(uint32_t group);

struct rtnl_watch;
struct rtnl_watch_callbacks {
	void (*changed)(void *arg, const struct rtnl_link *);
	void (*removed)(void *arg, int ifindex, const char *name);
	void (*lost)(void *arg); // notifications were lost: look at everything again
};
// Negative errno when the kernel does not let us watch.
int rtnl_watch_new(struct loop *, const struct rtnl_watch_callbacks *, void *arg,
		   struct rtnl_watch **);
void rtnl_watch_free(struct rtnl_watch *);
