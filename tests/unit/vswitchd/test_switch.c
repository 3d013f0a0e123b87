/* SPDX-License-Identifier: Apache-2.0 */
// The switch follows a database, with dummies for devices: server, client and switch are in one
// process, on one loop.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rcu.h"
#include "base/str.h"
#include "base/version.h"
#include "dbclient/dbclient.h"
#include "dbclient/vswitch_db.h"
#include "dp/dp.h"
#include "netdev/dummy.h"
#include "rpc/appctl.h"
#include "test_server.h"
#include "vswitchd/vswitchd.h"

static struct world {
	char dir[32], *target, *log;
	struct loop *loop;
	struct test_server *server;
	struct appctl *appctl;
	struct vswitchd *v;
	struct dbclient *db; // the user's
} w;

static void nothing(void *arg)
{
}

static void run_until(bool (*done)(void))
{
	int64_t end = clock_real_ms() + 10000;
	while (!done()) {
		assert_true(clock_real_ms() < end);
		loop_run_once(w.loop, 20);
	}
}

// --- The user's side

static const struct db_open_vswitch *top(void)
{
	return DB_FIRST(db_open_vswitch, w.db);
}

static bool applied(void)
{
	return top() && top()->cur_cfg >= top()->next_cfg;
}

static struct dbtxn *begin(void)
{
	return dbtxn_new(w.db);
}

// Commits as ovs-vsctl does: asks the switch to follow, and waits for it.
static void end(struct dbtxn *txn)
{
	int64_t before = top()->next_cfg;
	dbtxn_increment(txn, dbclient_first(w.db, &db_open_vswitch_class), DB_OPEN_VSWITCH_NEXT_CFG,
			true);
	dbtxn_commit(txn, NULL, NULL);
	while (dbtxn_get_status(txn) == DBTXN_INCOMPLETE)
		loop_run_once(w.loop, 20);
	if (dbtxn_get_status(txn) != DBTXN_SUCCESS)
		fail_msg("%s %s", dbtxn_status_name(dbtxn_get_status(txn)), dbtxn_error(txn));
	dbtxn_free(txn);
	while (top()->next_cfg == before)
		loop_run_once(w.loop, 20);
	run_until(applied);
	dbclient_changes_done(w.db);
}

static struct db_bridge *bridge(const char *name)
{
	DB_FOREACH (db_bridge, b, w.db)
		if (!strcmp(b->name, name))
			return b;
	return NULL;
}

static struct db_interface *interface(const char *name)
{
	DB_FOREACH (db_interface, i, w.db)
		if (!strcmp(i->name, name))
			return i;
	fail_msg("no interface %s", name);
	return NULL;
}

static struct db_port *new_port(struct dbtxn *txn, const char *name, const char *type,
				int64_t request)
{
	struct db_interface *i = db_interface_insert(txn);
	struct db_port *p = db_port_insert(txn);
	db_interface_set_name(txn, i, name);
	db_interface_set_type(txn, i, type);
	if (request)
		db_interface_set_ofport_request(txn, i, &request, 1);
	db_port_set_name(txn, p, name);
	db_port_set_interfaces(txn, p, &i, 1);
	return p;
}

static void add_bridge(const char *name, const char *datapath_type)
{
	struct dbtxn *txn = begin();
	struct db_bridge *b = db_bridge_insert(txn);
	struct db_port *p = new_port(txn, name, "internal", 0);
	db_bridge_set_name(txn, b, name);
	db_bridge_set_datapath_type(txn, b, datapath_type);
	db_bridge_set_ports(txn, b, &p, 1);
	struct db_bridge *all[16];
	size_t n = top()->n_bridges;
	if (n)
		memcpy(all, top()->bridges, n * sizeof(*all));
	all[n++] = b;
	db_open_vswitch_set_bridges(txn, top(), all, n);
	end(txn);
}

static void add_port(const char *bridge_name, const char *name, const char *type, int64_t request)
{
	struct dbtxn *txn = begin();
	struct db_bridge *b = bridge(bridge_name);
	struct db_port *all[64];
	size_t n = b->n_ports;
	memcpy(all, b->ports, n * sizeof(*all));
	all[n++] = new_port(txn, name, type, request);
	db_bridge_set_ports(txn, b, all, n);
	end(txn);
}

static void del_port(const char *bridge_name, const char *name)
{
	struct dbtxn *txn = begin();
	struct db_bridge *b = bridge(bridge_name);
	struct db_port *rest[64];
	size_t n = 0;
	for (size_t i = 0; i < b->n_ports; i++)
		if (strcmp(b->ports[i]->name, name))
			rest[n++] = b->ports[i];
	db_bridge_set_ports(txn, b, rest, n);
	end(txn);
}

static void check_log(const char *text)
{
	FILE *f = fopen(w.log, "r");
	char line[1024];
	while (fgets(line, sizeof(line), f))
		if (strstr(line, text)) {
			fclose(f);
			return;
		}
	fclose(f);
	fail_msg("not logged: %s", text);
}

// --- Tests. They build on each other's database: each makes bridges of its own.

static void test_versions(void **state)
{
	end(begin());
	assert_string_equal(top()->ovs_version, OVS_COMPAT_VERSION);
	assert_string_equal(top()->db_version, OVS_DB_SCHEMA_VERSION);
	assert_non_null(top()->system_type);
	assert_false(top()->dpdk_initialized);
	assert_string_equal(top()->dpdk_version, "none");
	assert_true(top()->n_datapath_types >= 2 && top()->n_iface_types >= 7);
}

static void test_bridge_and_ports(void **state)
{
	add_bridge("br0", "");
	struct db_bridge *b = bridge("br0");
	assert_int_equal(strlen(b->datapath_id), 16);
	assert_string_not_equal(b->datapath_id, "0000000000000000");
	assert_string_equal(b->datapath_version, "<built-in>");
	struct db_interface *local = interface("br0");
	assert_int_equal(local->ofport, 65534);
	assert_string_equal(b->datapath_id + 4 + 10, local->mac_in_use + 15); // its MAC
	add_port("br0", "p1", "", 0);
	add_port("br0", "p2", "", 7);
	add_port("br0", "p3", "internal", 0);
	assert_int_equal(interface("p1")->ofport, 1);
	assert_int_equal(interface("p2")->ofport, 7);
	struct db_interface *p1 = interface("p1");
	assert_string_equal(p1->admin_state, "up");
	assert_string_equal(p1->link_state, "up");
	assert_int_equal(p1->mtu, 1500);
	assert_null(p1->error);
	del_port("br0", "p1");
	assert_null(netdev_find("p1"));
	assert_non_null(netdev_find("p2"));
}

static void test_number_requests(void **state)
{
	add_bridge("br1", "dummy");
	add_port("br1", "q1", "", 5);
	add_port("br1", "q2", "", 5); // taken
	assert_int_equal(interface("q1")->ofport, 5);
	assert_int_not_equal(interface("q2")->ofport, 5);
	assert_true(interface("q2")->ofport > 0);
	struct dbtxn *txn = begin();
	int64_t nine = 9;
	db_interface_set_ofport_request(txn, interface("q1"), &nine, 1);
	end(txn);
	assert_int_equal(interface("q1")->ofport, 9);
	del_port("br1", "q1");
	del_port("br1", "q2");
}

static void test_what_fails_says_why(void **state)
{
	add_bridge("br2", "");
	add_port("br2", "bad", "foobar", 0);
	assert_int_equal(interface("bad")->ofport, -1);
	assert_string_equal(
		interface("bad")->error,
		"could not open network device bad (Address family not supported by protocol)");
	check_log("could not create netdev bad of unknown type foobar");
	add_port("br2", "cable", "patch", 0);
	assert_int_equal(interface("cable")->ofport, -1);
	assert_non_null(strstr(interface("cable")->error, "requires valid 'peer'"));
	struct dbtxn *txn = begin(); // repaired without adding it again
	db_interface_put_options(txn, interface("cable"), "peer", "cable2");
	end(txn);
	assert_true(interface("cable")->ofport > 0);
	assert_null(interface("cable")->error);
	add_port("br2", "two", "", 0);
	struct dbtxn *other = begin(); // the type changes: another device of the same name
	db_interface_set_type(other, interface("two"), "internal");
	end(other);
	assert_string_equal(netdev_type(netdev_find("two")), "dummy-internal");
}

static void test_settings(void **state)
{
	add_bridge("br3", "");
	struct dbtxn *txn = begin();
	db_bridge_put_other_config(txn, bridge("br3"), "hwaddr", "00:01:02:03:04:05");
	db_bridge_put_other_config(txn, bridge("br3"), "mac-aging-tim", "60");
	db_bridge_put_other_config(txn, bridge("br3"), "mac-table-size", "many");
	end(txn);
	assert_string_equal(interface("br3")->mac_in_use, "00:01:02:03:04:05");
	assert_string_equal(bridge("br3")->datapath_id, "0000000102030405");
	check_log("Bridge br3: other_config:mac-aging-tim is not a known setting; did you mean "
		  "\"mac-aging-time\"?");
	check_log("Bridge br3: other_config:mac-table-size=\"many\" is ignored: it should be a "
		  "number from 10 to 1000000");
	txn = begin();
	db_bridge_put_other_config(txn, bridge("br3"), "datapath-id", "0xabc");
	end(txn);
	assert_string_equal(bridge("br3")->datapath_id, "0000000000000abc");
	add_port("br3", "o1", "dummy", 0);
	txn = begin();
	db_interface_put_options(txn, interface("o1"), "zoo", "1");
	int64_t mtu = 1400;
	db_interface_set_mtu_request(txn, interface("o1"), &mtu, 1);
	end(txn);
	check_log("Interface o1: options:zoo is not known for type \"dummy\"");
	assert_int_equal(interface("o1")->mtu, 1400);
	assert_int_equal(interface("br3")->mtu, 1400); // the least of the others
}

static bool p_is_down(void)
{
	return interface("d1")->admin_state && !strcmp(interface("d1")->admin_state, "down");
}

static void test_device_changes_are_written(void **state)
{
	add_bridge("br4", "");
	add_port("br4", "d1", "", 0);
	netdev_dummy_set_admin_state("d1", false);
	run_until(p_is_down);
	assert_string_equal(interface("d1")->link_state, "down");
	assert_int_equal(interface("d1")->link_resets, 1);
	assert_true(interface("d1")->ofport > 0);
}

static bool d2_counts(void)
{
	const struct db_interface *i = interface("d2");
	for (size_t k = 0; k < i->n_statistics; k++)
		if (!strcmp(i->statistics_keys[k], "rx_packets") && i->statistics_values[k] == 3)
			return true;
	return false;
}

static void test_statistics(void **state)
{
	add_bridge("br5", "");
	add_port("br5", "d2", "", 0);
	const uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};
	for (int i = 0; i < 3; i++)
		assert_int_equal(netdev_dummy_receive("d2", 0, frame, sizeof(frame), 0), 0);
	clock_stop();
	clock_warp(6000); // they are written every five seconds
	loop_clock_changed(w.loop);
	run_until(d2_counts);
}

static void test_datapath_types(void **state)
{
	// --enable-dummy=override gives everybody the dummy.
	add_bridge("br6", "netdev");
	assert_string_equal(bridge("br6")->datapath_version, "<built-in>");
	struct dbtxn *txn = begin();
	db_bridge_set_datapath_type(txn, bridge("br6"), "dummy");
	end(txn);
	assert_int_equal(interface("br6")->ofport, 65534);
}

static bool no_bridges(void)
{
	return !netdev_next(NULL);
}

static void test_all_goes(void **state)
{
	struct dbtxn *txn = begin();
	db_open_vswitch_set_bridges(txn, top(), NULL, 0);
	end(txn);
	run_until(no_bridges);
}

static void test_restart(void **state)
{
	add_bridge("br7", "");
	add_port("br7", "r1", "", 0);
	add_port("br7", "r2", "", 0);
	del_port("br7", "r1");
	assert_int_equal(interface("r2")->ofport, 2);
	char id[17];
	snprintf(id, sizeof(id), "%s", bridge("br7")->datapath_id);
	vswitchd_free(w.v, false);
	appctl_free(w.appctl);
	struct error *e = appctl_new(w.loop, "none", &w.appctl);
	assert_null(e);
	e = vswitchd_new(w.loop, w.appctl, w.target, VSWITCHD_DUMMY_FOR_ALL, NULL, NULL, &w.v);
	assert_null(e);
	end(begin());
	assert_int_equal(interface("r2")->ofport, 2); // as before
	assert_string_equal(bridge("br7")->datapath_id, id);
}

// --- The world

static int setup(void **state)
{
	signal(SIGPIPE, SIG_IGN); // as daemons do
	snprintf(w.dir, sizeof(w.dir), "/tmp/test-vswitchd-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	setenv("OVS_RUNDIR", w.dir, 1);
	w.target = xasprintf("unix:%s/db.sock", w.dir);
	w.log = xasprintf("%s/log", w.dir);
	log_set_program("test_switch");
	struct error *e = log_set_levels("console:off");
	assert_null(e);
	e = log_open_file(w.log);
	assert_null(e);
	w.loop = loop_new();
	rcu_register();
	loop_use_rcu(w.loop);
	dp_enable_dummy();
	netdev_enable_dummy(NETDEV_DUMMY_OVERRIDE);

	char *listen = xasprintf("p%s", w.target);
	w.server = test_server_start(w.loop, getenv("VSWITCH_SCHEMA"), listen);
	free(listen);

	w.db = dbclient_new(w.loop, &vswitch_db, w.target, nothing, NULL);
	const struct db_table_class *const tables[] = {&db_open_vswitch_class, &db_bridge_class,
						       &db_port_class, &db_interface_class,
						       &db_controller_class};
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		dbclient_monitor_table(w.db, tables[i], DB_READ);
	e = dbclient_start(w.db);
	assert_null(e);
	while (!dbclient_is_current(w.db))
		loop_run_once(w.loop, 20);
	struct dbtxn *txn = begin();
	db_open_vswitch_insert(txn);
	dbtxn_commit(txn, NULL, NULL);
	while (dbtxn_get_status(txn) == DBTXN_INCOMPLETE)
		loop_run_once(w.loop, 20);
	assert_int_equal(dbtxn_get_status(txn), DBTXN_SUCCESS);
	dbtxn_free(txn);
	dbclient_changes_done(w.db);

	e = appctl_new(w.loop, "none", &w.appctl);
	assert_null(e);
	e = vswitchd_new(w.loop, w.appctl, w.target, VSWITCHD_DUMMY_FOR_ALL, NULL, NULL, &w.v);
	assert_null(e);
	return 0;
}

static int teardown(void **state)
{
	vswitchd_free(w.v, false);
	appctl_free(w.appctl);
	dbclient_free(w.db);
	test_server_stop(w.server);
	loop_free(w.loop);
	rcu_offline();
	rcu_barrier_all();
	rcu_online();
	rcu_unregister();
	log_close_file();
	char *command = xasprintf("rm -r %s", w.dir);
	int r = system(command);
	free(command);
	free(w.target);
	free(w.log);
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_bridge_and_ports),
		cmocka_unit_test(test_number_requests),
		cmocka_unit_test(test_what_fails_says_why),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_device_changes_are_written),
		cmocka_unit_test(test_datapath_types),
		cmocka_unit_test(test_all_goes),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_statistics), // stops the clock
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
