/* SPDX-License-Identifier: Apache-2.0 */
// What translation knows of the configuration: bridges, their ports and bundles, as immutable
// objects under one pointer per backer.
//
// Threads: built by main. Readers get the pointer under RCU and may use all that hangs on it until
// their next quiescent state. A bridge's part lives on unchanged in the snapshots that follow until
// the bridge changes.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ofproto/xlate.h"

struct xlate_bundle {
	struct xlate_bundle_config c; // its pointers are our own copies
	unsigned int index;
	uint64_t src_mirrors, dst_mirrors; // that select by it
	bool mirror_out;		   // a mirror's destination, and nothing else
};

struct xlate_mirror {
	uint64_t *vlans;		// NULL: all
	const struct xlate_bundle *out; // NULL: see out_vlan
	int out_vlan;
	uint16_t snaplen;
	uint64_t same_destination;	 // mirrors that send there too, this one among them
	struct match *filter;		 // NULL: all
	struct patch_counters *counters; // a reference
};

struct xlate_port {
	uint32_t ofp_port, dp_port, config;
	bool up;
	char *name;
	uint64_t peer; // id of the bridge at the other end; 0: no patch port, or one without a peer
	uint32_t peer_port;
	const struct xlate_bundle *bundle; // NULL: takes no part in NORMAL
	struct patch_counters *patch;	   // a reference; NULL: no patch port
	const struct xlate_bridge *bridge;
};

struct xlate_bridge {
	struct ofproto *ofproto;
	uint64_t id; // ofproto_id()
	char *name;
	struct mac_table *macs;
	struct mcast_snooping *mcast; // NULL: not snooped
	bool mcast_flood_unregistered;
	uint64_t *flood_vlans; // NULL: none
	bool forward_bpdu;
	bool looks_inside; // has bundles that look at the inner tag: dot1q-tunnel, access
	enum table_miss default_miss;
	enum ofp_frag_mode frag;
	unsigned int vlan_limit, max_resubmits, max_depth;
	struct xlate_port *ports; // by ofp_port
	struct xlate_bundle *bundles;
	struct xlate_mirror *mirrors;
	unsigned int n_ports, n_bundles, n_mirrors;
	uint16_t *port_slots; // open addressing: index + 1 of the port; 0: free
	uint32_t slot_mask;
	unsigned int refs; // snapshots that have it; main
};

struct xlate_snapshot {
	const struct xlate_bridge **bridges; // by id
	unsigned int n_bridges;
	const struct xlate_port **dp_ports; // by datapath port; NULL: none
	uint32_t n_dp_ports;
	uint64_t generation;
};

// Packets over a patch port, or to a mirror. Counts: any thread (relaxed). References: any thread.
struct patch_counters {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	unsigned int refs;
};
struct patch_counters *patch_counters_new(void);
struct patch_counters *patch_counters_ref(struct patch_counters *);
void patch_counters_unref(struct patch_counters *); // NULL is allowed

const struct xlate_bridge *xlate_snapshot_bridge(const struct xlate_snapshot *,
						 uint64_t id); // NULL: none
const struct xlate_bridge *xlate_snapshot_by_name(const struct xlate_snapshot *, const char *name);
const struct xlate_port *xlate_bridge_port(const struct xlate_bridge *, uint32_t ofp_port);
const struct xlate_port *xlate_snapshot_dp_port(const struct xlate_snapshot *, uint32_t dp_port);

// A new snapshot from the old one (NULL: none) with the bridge's part replaced, added, or with
// `config` NULL removed. Main. `patch` gives the counters of a patch port, borrowed.
struct xlate_snapshot *xlate_snapshot_with(
	const struct xlate_snapshot *old, uint64_t id, const struct xlate_bridge_config *config,
	struct patch_counters *(*patch)(void *arg, uint64_t id, uint32_t ofp_port), void *arg);
void xlate_snapshot_free(void *); // no reader may be left; runs in RCU's thread, too

static inline bool vlan_in(const uint64_t *bits, uint16_t vid) // NULL: all are
{
	return !bits || (bits[vid / 64] >> vid % 64 & 1);
}
