/* SPDX-License-Identifier: Apache-2.0 */
// The MAC learning table of one bridge: (MAC, VLAN) -> port, with ageing and a bound. Pure: the
// time is an argument. Any thread may look up and learn (a lock inside, sharded or read-write,
// never held over a callback); the rest is main's.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct mac_table;
struct mac_entry { // a copy
	uint8_t mac[6];
	uint16_t vlan;
	uint32_t port; // the index the owner learns: an OpenFlow port
	int64_t used;  // ms
	bool is_static;
};

struct mac_table *mac_table_new(unsigned int max_entries, int64_t age_ms);
void mac_table_free(struct mac_table *);
// True when that may have removed entries, or will sooner than before.
bool mac_table_configure(struct mac_table *, unsigned int max_entries, int64_t age_ms);
bool mac_table_lookup(const struct mac_table *, const uint8_t mac[6], uint16_t vlan,
		      struct mac_entry *);
// MAC_CHANGED: in a way that translations depend on (new, or moved), so that they must be looked at
// again. MAC_DAMPED: the address moved more than MAC_MAX_MOVES times within a second, as in a loop,
// and stays where it was until a second without moves has begun. Full: the oldest entry of the port
// with the most entries goes.
enum mac_learned { MAC_KNOWN, MAC_CHANGED, MAC_DAMPED };
enum { MAC_MAX_MOVES = 10 };
enum mac_learned mac_table_learn(struct mac_table *, const uint8_t mac[6], uint16_t vlan,
				 uint32_t port, int64_t now);
// Traffic of a known entry: moves `used` forward if it is there at this port; never adds or moves
// one.
void mac_table_touch(struct mac_table *, const uint8_t mac[6], uint16_t vlan, uint32_t port,
		     int64_t used);
bool mac_table_add_static(struct mac_table *, const uint8_t mac[6], uint16_t vlan, uint32_t port);
bool mac_table_remove(struct mac_table *, const uint8_t mac[6], uint16_t vlan); // false: not there
// Drops aged entries; true when any went.
bool mac_table_age(struct mac_table *, int64_t now);
void mac_table_flush(struct mac_table *); // all but static ones
bool mac_table_flush_port(struct mac_table *, uint32_t port);
unsigned int mac_table_count(const struct mac_table *);
// Static ones first, then the least recently used first. The callback must not touch the table.
void mac_table_for_each(const struct mac_table *, void (*cb)(void *arg, const struct mac_entry *),
			void *arg);
struct mac_table_stats {
	uint64_t n_learned, n_expired, n_evicted, n_moved, n_damped;
	unsigned int n_entries, n_static, max_entries;
};
void mac_table_get_stats(const struct mac_table *, struct mac_table_stats *);
void mac_table_clear_stats(struct mac_table *); // counters only
// When mac_table_age() has next to be called, at the latest; INT64_MAX: nothing ages.
int64_t mac_table_next_age(const struct mac_table *);
