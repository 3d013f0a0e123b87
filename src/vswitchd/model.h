/* SPDX-License-Identifier: Apache-2.0 */
// What vswitchd has made so far: bridges, their ports and interfaces. Private to this folder.
//
// The objects are keyed by name, not by row: a row that goes and comes back with the same contents
// in one step changes nothing. `row` pointers are set at the start of each reconfiguration and are
// good until control returns to the loop.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/vec.h"
#include "dbclient/dbclient.h"
#include "dbclient/vswitch_db.h"
#include "loop/loop.h"
#include "netdev/netdev.h"
#include "ofproto/ofproto.h"
#include "vswitchd/settings.h"
#include "vswitchd/vswitchd.h"

struct vswitchd {
	struct loop *loop;
	struct appctl *appctl;
	struct dbclient *db;
	struct ofproto_system *system;
	enum vswitchd_dummy dummy;
	struct bridge *bridges;		   // uthash by name
	struct warned *warned;		   // what was complained of already; uthash by text
	const struct db_open_vswitch *cfg; // during a reconfiguration or status update

	uint64_t seen_seqno;
	bool configured; // nothing changed since the database was applied
	bool applied;	 // it was applied at least once
	bool restoring; // flow-restore-wait: somebody puts the flows back, controllers have to wait
	loop_cb *on_ready; // NULL when it was called
	void *on_ready_arg;
	int64_t contended_since; // another process has the lock, since then; 0: it has not; -1: and
				 // that was said

	struct dbtxn *status_txn; // under way; NULL: none
	bool status_wanted;	  // something to write when it ends
	int64_t applied_cfg;	  // next_cfg that the switch follows
	int64_t next_statistics;  // when statistics are due
	struct loop_timer timer;
	struct loop_defer defer;
	VEC(struct binding *) bindings; // commands.c's
};

struct bridge {
	char *name;
	UT_hash_handle hh;
	struct vswitchd *v;
	struct ofproto *ofproto;     // NULL while it could not be made
	char *error;		     // why not; NULL: fine
	const struct db_bridge *row; // NULL: to be removed
	struct port *ports;	     // uthash by name
	struct iface *ifaces;	     // uthash by name
	struct mirror *mirrors;	     // mirror.c's; uthash by row
	char *wanted_type;	     // datapath_type as configured
	uint8_t mac[6];
	uint64_t datapath_id;
	bool restoring; // it has no controllers while its flows are put back
};

struct port { // a row of table Port; its address is the bundle's key
	char *name;
	UT_hash_handle hh;
	struct bridge *bridge;
	const struct db_port *row; // NULL: to be removed, or the local port that nobody configured
	VEC(uint32_t) ofports;	   // OpenFlow numbers of its interfaces, while bundles are applied
	bool wanted;
};

struct iface {
	char *name, *type; // type as it is opened: "system", "internal", ...
	UT_hash_handle hh;
	struct port *port;
	const struct db_interface *row;
	bool wanted;
	struct netdev *netdev; // NULL while it could not be opened
	uint32_t ofp_port;     // OFPP_NONE: not in the bridge
	char *error;	       // why not; NULL: fine
	bool fresh;	       // no statistics were written yet
	uint64_t seen_change;  // netdev_change_seq() when it was applied
	int seen_mtu;	       // what the datapath knows
	// What was last written: the driver need not be asked again while neither the device nor
	// the row has changed.
	uint64_t written_change;
	struct uuid written_row;
};

// reconfigure.c: applies the database. Any failure is remembered in the object that it concerns.
void reconfigure(struct vswitchd *);
void bridge_destroy(struct bridge *);
// The process ends: internal devices stay for the one that comes after it.
void bridge_leave_devices(struct bridge *);
bool vswitchd_has_failed_ifaces(const struct vswitchd *);

// system.c: Open_vSwitch, but for the bridges.
void system_apply_options(struct vswitchd *);
void system_write(struct vswitchd *, struct dbtxn *);
void system_write_statistics(struct vswitchd *, struct dbtxn *);

// polling.c: fills in what other_config asks for, with warnings; gives the receive queues of a port
// the cores that it asks for.
struct dp_settings;
void polling_settings(struct vswitchd *, struct dp_settings *);
void polling_set_port(const struct iface *);

// iface.c
struct iface *iface_new(struct port *, const char *name, const char *type);
void iface_free(struct iface *);
// Opens, configures and adds it to the bridge, as far as that is not done. Errors end up in
// iface->error.
void iface_apply(struct iface *);
const char *iface_wanted_type(const struct bridge *, const char *name, const struct db_interface *);
bool iface_is_internal(const struct iface *);
// Internal devices for which nobody asked for an MTU have the smallest of the bridge's other
// devices.
void bridge_apply_mtu(struct bridge *);

// bridge_options.c: everything of a Bridge row but its ports.
void bridge_apply_options(struct bridge *);
void bridge_apply_controllers(struct bridge *);
void bridge_apply_in_band(struct bridge *);
void bridge_apply_bundles(struct bridge *);

// mirror.c: rows of table Mirror. After the ports.
void bridge_apply_mirrors(struct bridge *);
void bridge_forget_mirrors(struct bridge *);
void bridge_write_mirrors(struct bridge *, struct dbtxn *); // statistics

// status.c: writes what is to the database, as far as it differs. With `statistics` also counters.
void status_write(struct vswitchd *, bool statistics);

// commands.c
void commands_register(struct vswitchd *);
void commands_free(struct vswitchd *);
void dpdk_commands_register(struct vswitchd *); // dpdk_commands.c
