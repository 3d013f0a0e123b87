/* SPDX-License-Identifier: Apache-2.0 */
// What a bridge is made of, for the files of this folder that are the switch (ofproto.c, port.c,
// bundle.c, flow_mod.c, controller*.c, messages.c...). Translation sees none of it but tables,
// through ofproto_table_lookup().
//
// All of it belongs to the main thread, but what tables and the packet-in queue say of themselves.
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/uuid.h"
#include "base/vec.h"
#include "loop/loop.h"
#include "ofproto/backer.h"
#include "ofproto/ofproto.h"
#include "ofproto/group.h"
#include "ofproto/meters.h"
#include "ofproto/table.h"
#include "openflow/nx_ext.h"
#include "openflow/session.h"

struct conn;
struct controllers;
struct in_band;
struct journal;
struct learned_inbox;
struct packet_in_inbox;

struct ofproto_system {
	struct loop *loop;
	struct backers *backers;
	VEC(struct ofproto *) bridges; // sorted by name
	uint64_t next_id;
	unsigned int vlan_limit;
	unsigned int n_guests, max_guests; // connections that listeners accepted; 0: no limit
	int64_t bundle_timeout_ms;
	void (*on_controllers)(void *arg); // NULL: nobody wants to know
	void *on_controllers_arg;
	struct packet_in_inbox *packet_ins;
	struct learned_inbox *learned;
};

struct ofport {
	struct ofproto *ofproto;
	struct netdev *netdev; // a reference
	char *name;
	uint32_t ofp_port, dp_port; // DP_PORT_NONE: patch
	uint32_t config, state;	    // OFPPC_*, OFPPS_*
	uint8_t mac[6];
	struct netdev_features features;
	uint64_t change_seq; // of the device, when the above was read
	int64_t created;     // clock_ms()
	struct bundle *bundle;
};

struct bundle {
	const void *aux;
	char *name;
	VEC(uint32_t) ports;
	enum xlate_vlan_mode vlan_mode;
	int tag;
	uint64_t *trunks, *cvlans; // 4096 bits, owned; NULL: all
	uint16_t qinq_ethertype;
	int priority_tags;
	bool protected_, mcast_flood, mcast_flood_reports;
	int index; // in the snapshot under construction
};

struct mirror {
	const void *aux;
	char *name;
	bool select_all;
	VEC(const void *) srcs, dsts; // keys of bundles
	uint64_t *vlans;	      // 4096 bits; NULL: all
	const void *out;	      // key of a bundle; NULL: out_vlan
	int out_vlan;
	uint16_t snaplen;
	char *filter_text; // NULL: none
	struct match *filter;
	struct patch_counters *counters; // a reference
};

struct learned_owner { // learn(delete_learned): the flows of a table that have the cookie live as
		       // long as such an action
	be64_t cookie;
	uint8_t table_id;
};

struct ofproto {
	struct ofproto_system *system;
	char *name;
	uint64_t id;
	struct uuid uuid; // as others see it: in continuations
	struct backer *backer;
	char *datapath_type;

	uint64_t datapath_id;
	uint8_t mac[6];
	char *mfr_desc, *hw_desc, *sw_desc, *serial_desc, *dp_desc; // NULL: the default
	bool forward_bpdu;
	uint64_t *flood_vlans; // 4096 bits; NULL: none
	unsigned int max_resubmits, max_depth;
	enum ofp_frag_mode frag; // how fragments pass the tables; by OpenFlow
	struct mcast_snooping *mcast; // NULL: off
	bool mcast_flood_unregistered;

	VEC(struct ofport *) ports; // sorted by number
	VEC(struct bundle *) bundles;
	size_t bundle_hint;	      // where to look first
	VEC(struct mirror *) mirrors; // in the order of their making
	uint32_t last_port;	      // the number given last
	struct loop_defer snapshot_defer;
	bool snapshot_due;

	struct mac_table *macs;

	struct tables tables;
	struct group_table groups;
	struct ofmeter_table meters;
	struct loop_timer expiry_timer, trigger_timer;

	struct controllers *controllers;
	bool configured; // controllers were set once
	struct in_band *in_band;

	VEC(struct learned_owner)
	orphans;		 // owners of learned flows that are gone, until flows_changed()
	struct journal *journal; // changes that may yet be undone; NULL: they are final
	// Whose message is being carried out; NULL: nobody's.
	struct conn *acting;
	uint32_t acting_xid;
	uint64_t change_seq;	      // counts changes of rules
	unsigned int n_monitors;      // flow monitors of all connections
	struct option_table *options; // what tun_metadata0..63 stand for; NULL: nothing so far
};

// --- port.c
struct ofport *ofport_find(const struct ofproto *, uint32_t ofp_port); // NULL: none
struct ofport *ofport_find_by_name(const struct ofproto *, const char *name);
void ofports_done(struct ofproto *);
// What was learned on the port: addresses, members of groups.
void ofproto_forget_port(struct ofproto *, uint32_t ofp_port);
// Looks whether link, MAC or flags changed, and tells controllers and translation.
void ofports_refresh(struct ofproto *);
// Changes OFPPC_* bits; PORT_DOWN acts on the device.
void ofport_set_config(struct ofport *, uint32_t config);
struct ofp_port_desc;
void ofport_describe(const struct ofport *, struct ofp_port_desc *);

// --- bundle.c
void bundles_done(struct ofproto *);
void bundles_forget_port(struct ofproto *, struct ofport *);

// --- mirror.c
void mirrors_done(struct ofproto *);
// Fills in configurations for translation, and the bits that they point to, which the caller frees
// with mirrors_config_free(). The bundles must have their indexes.
struct xlate_mirror_config *mirrors_config(const struct ofproto *, unsigned int *n);
void mirrors_config_free(struct xlate_mirror_config *, unsigned int n);

// --- snapshot.c
// Something that translation sees has changed: a new snapshot is built at the end of this iteration
// of the loop.
void snapshot_invalidate(struct ofproto *);
// Those of all bridges: patch ports come and go in pairs across bridges.
void snapshot_invalidate_all(struct ofproto_system *);
// Builds it now if one is due: before a packet-out, so that ports just added work.
void snapshot_flush(struct ofproto *);
