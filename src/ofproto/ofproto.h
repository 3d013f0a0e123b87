/* SPDX-License-Identifier: Apache-2.0 */
// The OpenFlow switch: bridges with ports, bundles, flow tables and controllers, as the
// configuration wants them. This is all that vswitchd needs; the other headers of this folder are
// for the switch itself.
//
// Threads: everything here belongs to the main thread, that of the loop. Nothing needs to be called
// periodically: the switch lives on the loop. Strings given are copied; strings returned are
// borrowed until the object changes.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/field.h"
#include "loop/loop.h"
#include "netdev/netdev.h"
#include "ofproto/xlate.h"

struct backer;
struct ofproto;
struct ofproto_system;
struct str;

// --- The system: all bridges of this process.

struct ofproto_system *ofproto_system_new(struct loop *);
// All bridges must be freed before. Closes the datapaths.
void ofproto_system_free(struct ofproto_system *);
// Makes what was configured until now the truth for packets, before it returns unless that takes
// more than a few milliseconds.
void ofproto_system_settle(struct ofproto_system *);
// Called when a controller comes, goes or has another role: there is news for who shows it.
void ofproto_system_watch_controllers(struct ofproto_system *, void (*cb)(void *arg), void *arg);
// How many connections all listeners of all bridges together may accept; 0: no limit but each one's
// own.
void ofproto_system_set_max_connections(struct ofproto_system *, unsigned int);
// How long a bundle that nothing is added to lives: 10 s at first.
void ofproto_system_set_bundle_timeout(struct ofproto_system *, int64_t ms);
struct loop *ofproto_system_loop(const struct ofproto_system *);
struct ofproto *ofproto_find(const struct ofproto_system *, const char *name); // NULL: none
// All bridges, in the order of their names. The callback must not add or remove one.
void ofproto_for_each(const struct ofproto_system *, void (*cb)(void *arg, struct ofproto *),
		      void *arg);
// The bridge with this id (ids are never used twice); NULL: gone. Main thread.
struct ofproto *ofproto_find_id(const struct ofproto_system *, uint64_t id);

// Commands for the daemon's command channel: this folder knows no sockets of that kind, so they are
// rows that vswitchd registers. argv[0] is the name. True: `out` is the result; false: `out` is the
// error's text.
struct ofproto_command {
	const char *name, *usage; // usage: as list-commands shows it
	int min, max;		  // arguments after the name; max -1: any number
	bool (*run)(struct ofproto_system *, int argc, const char *argv[], struct str *out);
};
// Calls cb with each command of the switch: ofproto/list, bridge/dump-flows, fdb/show,
// ofproto/trace, dpif/show...
void ofproto_for_each_command(void (*cb)(void *arg, const struct ofproto_command *), void *arg);

// --- Bridges.

// A bridge on a datapath of the given type ("netdev", "dummy", "system"; "" is what fits best
// here). Listens for OpenFlow on RUNDIR/NAME.mgmt. It has no ports yet, not even LOCAL, and no
// controllers; ofproto_set_controllers() (also with none) must follow, which decides whether the
// default flow is made.
struct error *ofproto_new(struct ofproto_system *, const char *name, const char *datapath_type,
			  struct ofproto **) MUST_CHECK;
// Ports are taken out of the datapath, connections are closed. NULL is allowed.
void ofproto_free(struct ofproto *);
const char *ofproto_name(const struct ofproto *);
// What tun_metadata0..63 stand for; NULL: nothing.
const struct option_table *ofproto_options(const struct ofproto *);
uint64_t ofproto_id(const struct ofproto *);
struct ofproto_system *ofproto_system(const struct ofproto *);
struct backer *ofproto_backer(const struct ofproto *);
// The type it really got ("netdev", "dummy", "system"), which differs from the wanted one when that
// was "".
const char *ofproto_datapath_type(const struct ofproto *);
struct mac_table *ofproto_mac_table(const struct ofproto *);

struct ofproto_desc { // NULL: the default
	const char *mfr_desc, *hw_desc, *sw_desc, *serial_desc, *dp_desc;
};
void ofproto_set_desc(struct ofproto *, const struct ofproto_desc *);
// In host order. Changing it drops all controller connections, as they know the switch by it.
void ofproto_set_datapath_id(struct ofproto *, uint64_t);
uint64_t ofproto_datapath_id(const struct ofproto *);
// The bridge's own MAC: source of frames that it makes itself.
void ofproto_set_mac(struct ofproto *, const uint8_t mac[6]);
// Bits (1 << wire version): OpenFlow versions to allow; 0: the
// default 1.0, 1.1, 1.2, 1.3, 1.4, 1.5.
void ofproto_set_protocols(struct ofproto *, uint32_t versions);
void ofproto_set_mac_table(struct ofproto *, unsigned int ageing_s,
			   unsigned int max_entries); // defaults 300, 8192
// How many tables, groups and resubmits one packet may take, and how deep they may be nested.
// Defaults 4096 and 64.
enum { OFPROTO_MAX_RESUBMITS = 4096, OFPROTO_MAX_DEPTH = 64 };
void ofproto_set_limits(struct ofproto *, unsigned int max_resubmits, unsigned int max_depth);
// Multicast snooping: NULL switches it off, and what was learned is forgotten.
struct ofproto_mcast_config {
	unsigned int ageing_s, max_groups; // defaults 300, 2048
	bool flood_unregistered;	   // multicast for groups that nobody is known to want
};
void ofproto_set_mcast_snooping(struct ofproto *, const struct ofproto_mcast_config *);
struct mcast_snooping *ofproto_mcast_snooping(const struct ofproto *); // NULL: off
void ofproto_set_forward_bpdu(struct ofproto *, bool);
void ofproto_set_vlan_limit(struct ofproto *,
			    unsigned int); // process-wide in the schema; 0 is the most: 2
// 4096 bits in which MACs are not learned and packets flood; NULL: none. Copied.
void ofproto_set_flood_vlans(struct ofproto *, const uint64_t *);

// --- Ports.

// Adds the device to the datapath and the bridge. `requested`: an OpenFlow port number, or
// OFPP_NONE for any (the next number not in use; numbers are not used again soon); OFPP_LOCAL for
// the bridge's own. When a requested number is taken, another is given. References netdev.
struct error *ofproto_add_port(struct ofproto *, struct netdev *, uint32_t requested,
			       uint32_t *ofp_port) MUST_CHECK;
int ofproto_del_port(struct ofproto *, uint32_t ofp_port); // -ENOENT
// A port of the datapath has another number now; DP_PORT_NONE: it is gone.
void ofproto_dp_port_changed(struct ofproto_system *, const struct backer *, uint32_t from,
			     uint32_t to);
struct ofproto_port_info {
	const char *name;
	uint32_t ofp_port;
	uint32_t dp_port;	// DP_PORT_NONE for patch ports
	struct netdev *netdev;	// borrowed
	uint32_t config, state; // OFPPC_*, OFPPS_* of OpenFlow 1.0
};
int ofproto_find_port(const struct ofproto *, uint32_t ofp_port,
		      struct ofproto_port_info *); // -ENOENT
int ofproto_find_port_by_name(const struct ofproto *, const char *name, struct ofproto_port_info *);
// In the order of their numbers. The callback may delete the port it is shown.
void ofproto_for_each_port(struct ofproto *,
			   void (*cb)(void *arg, const struct ofproto_port_info *), void *arg);
// Counters of the device; of a patch port, what passed through it. -ENOENT.
int ofproto_port_get_stats(const struct ofproto *, uint32_t ofp_port, struct netdev_stats *);
// MTU, queues or options of the device changed. Link, MAC and flag changes are noticed without it.
void ofproto_port_reconfigure(struct ofproto *, uint32_t ofp_port);

// What NORMAL sees: a row of table Port. `aux` is the caller's key. A port in no bundle takes no
// part in NORMAL.
struct ofproto_bundle_config {
	const char *name;
	const uint32_t *ports; // OpenFlow ports: one, or more for a bond
	unsigned int n_ports;
	enum xlate_vlan_mode vlan_mode;
	int tag;		 // -1: none
	const uint64_t *trunks;	 // 4096 bits; NULL: all
	const uint64_t *cvlans;	 // 4096 bits; NULL: all
	uint16_t qinq_ethertype; // 0x88a8 or 0x8100
	int priority_tags;	 // 0 never, 1 if-nonzero, 2 always
	bool protected_;
	bool mcast_flood,
		mcast_flood_reports; // with snooping: gets all multicast, all reports of membership
};
// Adds the bundle or gives it a new configuration; the same configuration again costs nothing.
void ofproto_set_bundle(struct ofproto *, const void *aux, const struct ofproto_bundle_config *);
void ofproto_remove_bundle(struct ofproto *, const void *aux);

// A row of table Mirror. Bundles are named by their keys; those that are not there are left out.
struct ofproto_mirror_config {
	const char *name;
	bool select_all; // srcs and dsts are all
	const void *const *srcs, *const *dsts;
	unsigned int n_srcs, n_dsts;
	const uint64_t *vlans; // 4096 bits; NULL: all
	const void *out;       // NULL: out_vlan
	int out_vlan;
	uint16_t snaplen;   // 0: whole packets
	const char *filter; // a match as in ovs-ofctl; NULL: all packets
};
// Adds the mirror or gives it a new configuration. An error: the filter is no match, or there are
// too many mirrors; the mirror is then not there.
struct error *ofproto_set_mirror(struct ofproto *, const void *aux,
				 const struct ofproto_mirror_config *) MUST_CHECK;
void ofproto_remove_mirror(struct ofproto *, const void *aux);
// What was sent so far. False: there is no such mirror.
bool ofproto_mirror_stats(const struct ofproto *, const void *aux, uint64_t *packets,
			  uint64_t *bytes);

// --- Tables.

struct ofproto_table_config {
	const char *name;	 // NULL: none
	unsigned int flow_limit; // UINT_MAX: none
	bool evict; // overflow policy: false: refuse, true: evict the flow that would expire
		    // soonest
	const struct subfield *groups; // what eviction groups flows by; copied
	unsigned int n_groups;
	enum field_id prefixes[4]; // default: ip_dst, ip_src, ipv6_dst, ipv6_src as far as they fit
	unsigned int n_prefixes;   // UINT_MAX: the default
};
// NULL config: back to the default.
void ofproto_set_table(struct ofproto *, uint8_t table_id, const struct ofproto_table_config *);
// Removes all flows of controllers (fail-mode changes, ofproto/flush).
void ofproto_flush_flows(struct ofproto *);

// --- Controllers.

enum ofproto_fail_mode { OFPROTO_FAIL_STANDALONE, OFPROTO_FAIL_SECURE };

struct ofproto_controller { // one row of table Controller, or a service listener
	const char *target; // tcp:... ssl:... unix:... connect; ptcp:... pssl:... punix:... listen
	bool service; // a service controller: takes no part in fail mode, gets no packet-ins by
		      // default
	int max_backoff_ms;	     // default 8000
	int probe_interval_ms;	     // default 5000; 0: never
	bool async_msgs;	     // enable_async_messages, default true
	int rate_limit, burst_limit; // packets/s and packets; 0: no limit
	int max_rate_queue;	     // controller_queue_size, default 100
	uint8_t dscp;		     // of what is sent to it
};
// Replaces all of them: those with the same target keep their connections. Applies fail mode:
// without primary controllers, or with fail mode standalone when all of them are away for long, an
// ordinary flow "priority=0 actions=NORMAL" is there. Where others decide about the flows than
// before, they begin anew, unless `keep_flows` says that these are theirs.
void ofproto_set_controllers(struct ofproto *, const struct ofproto_controller *, unsigned int n,
			     enum ofproto_fail_mode, bool keep_flows);
// Those whose connections run through this bridge and must not be cut off by its flows: see
// ofproto/in_band.h. None: all connections are out-of-band.
struct ofproto_peer {
	const char *target; // tcp:IP[:PORT] or ssl:IP[:PORT]; others are left out
	uint16_t default_port;
};
void ofproto_set_in_band(struct ofproto *, const struct ofproto_peer *, unsigned int n);

// Errors of single controllers (a target that cannot be listened on) show up here.
struct ofproto_controller_status {
	const char *target;
	bool is_connected;
	const char *role;  // "other", "master", "slave"; NULL: not connected
	const char *state; // "VOID", "BACKOFF", "CONNECTING", "ACTIVE", "IDLE"; NULL: a listener
			   // that nobody visits
	const char *last_error;				 // NULL: none
	int64_t sec_since_connect, sec_since_disconnect; // -1: never
};
void ofproto_for_each_controller(const struct ofproto *,
				 void (*cb)(void *arg, const struct ofproto_controller_status *),
				 void *arg);
bool ofproto_has_primary_controller(const struct ofproto *);
