/* SPDX-License-Identifier: Apache-2.0 */
#include "vswitchd/vswitchd.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "vswitchd/dummy_link.h"
#include "vswitchd/model.h"

LOG_MODULE(bridge);

enum { DEFAULT_STATISTICS_MS = 5000 };

static int64_t statistics_interval(const struct vswitchd *v)
{
	return setting_int("Open_vSwitch", &v->cfg->other_config, "stats-update-interval",
			   DEFAULT_STATISTICS_MS);
}

static void report_ready(struct vswitchd *v)
{
	loop_cb *cb = v->on_ready;
	v->on_ready = NULL;
	if (cb)
		cb(v->on_ready_arg);
}

// The server may take a moment to see that the process before us has died.
static void check_contention(struct vswitchd *v)
{
	enum { PATIENCE_MS = 1000 };
	if (!dbclient_lock_contended(v->db) || v->contended_since < 0)
		return;
	if (!v->contended_since) {
		v->contended_since = clock_ms();
		loop_timer_set_in(&v->timer, PATIENCE_MS);
	} else if (clock_ms() >= v->contended_since + PATIENCE_MS) {
		log_err("another ovs-vswitchd process is running, disabling this process until it "
			"goes away");
		report_ready(v); // as far as it can be
		v->contended_since = -1;
	}
}

static void run(void *arg)
{
	struct vswitchd *v = arg;
	if (!dbclient_has_data(v->db))
		return;
	if (!dbclient_has_lock(v->db)) {
		check_contention(v);
		// It does not start without the lock. Without a connection the switch goes on as it
		// is, but devices that come and go are still followed: the rows are those that were
		// there last.
		if (dbclient_is_connected(v->db) || !v->applied)
			return;
	}
	v->contended_since = 0;
	v->cfg = DB_FIRST(db_open_vswitch, v->db);
	if (!v->cfg)
		return;
	if (dbclient_seqno(v->db) != v->seen_seqno || !v->configured) {
		v->seen_seqno = dbclient_seqno(v->db);
		settings_check(v);
		reconfigure(v);
		// Who sees cur_cfg may rely on it for packets from then on, as ovs-vsctl does that
		// waits for it.
		ofproto_system_settle(v->system);
		dbclient_changes_done(v->db);
		v->applied_cfg = v->cfg->next_cfg;
		v->configured = v->applied = true;
		v->status_wanted = true;
	}
	bool statistics = clock_ms() >= v->next_statistics;
	if (statistics)
		v->next_statistics = clock_ms() + statistics_interval(v);
	if ((v->status_wanted || statistics) && dbclient_has_lock(v->db))
		status_write(v, statistics);
	loop_timer_set(&v->timer, v->next_statistics);
	v->cfg = NULL;
	report_ready(v);
}

static void on_database(void *arg)
{
	struct vswitchd *v = arg;
	loop_defer(v->loop, &v->defer, run, v);
}

// A device changed, appeared or vanished.
static void on_device(void *arg)
{
	struct vswitchd *v = arg;
	if (!v->applied)
		return;
	if (vswitchd_has_failed_ifaces(v))
		v->configured = false; // look at everything again
	v->status_wanted = true;
	loop_defer(v->loop, &v->defer, run, v);
}

// Soon, and once for many that come together.
static void on_controllers(void *arg)
{
	enum { SOON_MS = 50 };
	struct vswitchd *v = arg;
	if (!v->applied || v->status_wanted)
		return;
	v->status_wanted = true;
	loop_timer_set_in(&v->timer, SOON_MS);
}

static void on_timer(void *arg)
{
	run(arg);
}

// Columns that only we write need not wake us.
static void choose_columns(struct dbclient *db)
{
	static const struct {
		const struct db_table_class *table;
		unsigned int column;
	} ours[] = {
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_CUR_CFG},
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_STATISTICS},
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_OVS_VERSION},
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_DB_VERSION},
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_SYSTEM_TYPE},
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_SYSTEM_VERSION},
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_DATAPATH_TYPES},
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_IFACE_TYPES},
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_DPDK_INITIALIZED},
		{&db_open_vswitch_class, DB_OPEN_VSWITCH_DPDK_VERSION},
		{&db_bridge_class, DB_BRIDGE_DATAPATH_ID},
		{&db_bridge_class, DB_BRIDGE_DATAPATH_VERSION},
		{&db_bridge_class, DB_BRIDGE_STATUS},
		{&db_port_class, DB_PORT_STATUS},
		{&db_port_class, DB_PORT_STATISTICS},
		{&db_interface_class, DB_INTERFACE_ADMIN_STATE},
		{&db_interface_class, DB_INTERFACE_DUPLEX},
		{&db_interface_class, DB_INTERFACE_ERROR},
		{&db_interface_class, DB_INTERFACE_IFINDEX},
		{&db_interface_class, DB_INTERFACE_LINK_RESETS},
		{&db_interface_class, DB_INTERFACE_LINK_SPEED},
		{&db_interface_class, DB_INTERFACE_LINK_STATE},
		{&db_interface_class, DB_INTERFACE_MAC_IN_USE},
		{&db_interface_class, DB_INTERFACE_MTU},
		{&db_interface_class, DB_INTERFACE_OFPORT},
		{&db_interface_class, DB_INTERFACE_STATISTICS},
		{&db_interface_class, DB_INTERFACE_STATUS},
		{&db_manager_class, DB_MANAGER_IS_CONNECTED},
		{&db_manager_class, DB_MANAGER_STATUS},
		{&db_mirror_class, DB_MIRROR_STATISTICS},
		{&db_controller_class, DB_CONTROLLER_IS_CONNECTED},
		{&db_controller_class, DB_CONTROLLER_ROLE},
		{&db_controller_class, DB_CONTROLLER_STATUS},
	};
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		dbclient_monitor_column(db, ours[i].table, ours[i].column, DB_WRITE);
	static const struct db_table_class *const tables[] = {
		&db_open_vswitch_class, &db_bridge_class,     &db_port_class,  &db_interface_class,
		&db_controller_class,	&db_flow_table_class, &db_qos_class,   &db_mirror_class,
		&db_netflow_class,	&db_sflow_class,      &db_ipfix_class, &db_autoattach_class,
		&db_ssl_class,		&db_manager_class};
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		dbclient_monitor_table(db, tables[i], DB_READ);
}

// Ports, files and commands have to find descriptors however many controllers connect.
static unsigned int max_connections(void)
{
	enum { SHARE = 2, PLENTY = 1 << 20 };
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > PLENTY)
		return PLENTY / SHARE;
	return (unsigned int)limit.rlim_cur / SHARE;
}

struct error *vswitchd_new(struct loop *loop, struct appctl *appctl, const char *target,
			   enum vswitchd_dummy dummy, loop_cb *on_ready, void *arg,
			   struct vswitchd **out)
{
	struct vswitchd *v = XNEW(struct vswitchd);
	v->loop = loop;
	v->appctl = appctl;
	v->dummy = dummy;
	v->on_ready = on_ready;
	v->on_ready_arg = arg;
	v->system = ofproto_system_new(loop);
	ofproto_system_set_max_connections(v->system, max_connections());
	loop_timer_init(&v->timer, loop, on_timer, v);
	v->db = dbclient_new(loop, &vswitch_db, target, on_database, v);
	choose_columns(v->db);
	dbclient_set_lock(v->db, "ovs_vswitchd");
	netdev_watch(loop, on_device, v);
	ofproto_system_watch_controllers(v->system, on_controllers, v);
	dummy_links_enable(loop);
	commands_register(v);
	struct error *e = dbclient_start(v->db);
	if (e) {
		vswitchd_free(v, false);
		return e;
	}
	*out = v;
	return NULL;
}

void vswitchd_free(struct vswitchd *v, bool cleanup)
{
	if (!v)
		return;
	struct bridge *b, *next;
	HASH_ITER (hh, v->bridges, b, next) {
		if (!cleanup)
			bridge_leave_devices(b);
		bridge_destroy(b);
	}
	ofproto_system_free(v->system);
	netdev_unwatch(on_device, v);
	dbtxn_free(v->status_txn);
	dbclient_free(v->db);
	loop_timer_cancel(&v->timer);
	loop_defer_cancel(&v->defer);
	settings_free(v);
	commands_free(v);
	free(v);
}
