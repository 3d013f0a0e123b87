/* SPDX-License-Identifier: Apache-2.0 */
// Multicast snooping of one bridge: which ports want which groups in which VLAN, and where
// multicast routers are, learned from IGMP (v1 to v3, RFC 1112, 2236, 3376) and MLD (v1, v2, RFC
// 2710, 3810) as RFC 4541 advises. Pure: the time is an argument.
//
// Sources of groups are not told apart: a member that wants a group from some sources gets it from
// all.
//
// Threads: any thread may look up and learn (a lock inside, never held over a callback of ours that
// could come back); the rest is main's.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mcast_snooping;
struct mcast_entry {	   // a copy
	uint8_t group[16]; // IPv6, or IPv4 mapped into it; zeroes: the port leads to a multicast
			   // router
	uint16_t vlan;
	uint32_t port;	 // what the owner learns: an OpenFlow port
	int64_t expires; // ms
	int64_t learned; // ms: when it was last heard of
};

struct mcast_snooping_config {
	unsigned int max_groups; // 2048
	int64_t age_ms;		 // of members; 300,000
};
enum { MCAST_ROUTER_AGE_MS = 180000 };

struct mcast_snooping *mcast_snooping_new(const struct mcast_snooping_config *);
void mcast_snooping_free(struct mcast_snooping *); // NULL is allowed
void mcast_snooping_configure(struct mcast_snooping *, const struct mcast_snooping_config *);

// Learns from an IGMP or MLD packet, given as the whole Ethernet frame. Malformed packets teach
// nothing. True when the table changed in a way that translations depend on. When the table is
// full, the group that was heard of longest ago goes.
bool mcast_snooping_learn(struct mcast_snooping *, const void *frame, size_t n, uint16_t vlan,
			  uint32_t port, int64_t now);

// Ports that want the group (or where routers are), each once, at most `max`. *known says whether
// there is such a group at all.
unsigned int mcast_snooping_members(const struct mcast_snooping *, const uint8_t group[16],
				    uint16_t vlan, uint32_t *ports, unsigned int max, bool *known);
unsigned int mcast_snooping_routers(const struct mcast_snooping *, uint16_t vlan, uint32_t *ports,
				    unsigned int max);

// Drops what has aged; true when anything went.
bool mcast_snooping_age(struct mcast_snooping *, int64_t now);
// When mcast_snooping_age() has next to be called, at the latest; INT64_MAX: nothing ages.
int64_t mcast_snooping_next_age(const struct mcast_snooping *);
void mcast_snooping_flush(struct mcast_snooping *);
bool mcast_snooping_flush_port(struct mcast_snooping *, uint32_t port); // true: there was something
// Members of groups first, the group heard of longest ago first, then routers. The callback must
// not touch the table.
void mcast_snooping_for_each(const struct mcast_snooping *,
			     void (*cb)(void *arg, const struct mcast_entry *), void *arg);

void mcast_group_from_ipv4(uint8_t group[16], const void *address);
