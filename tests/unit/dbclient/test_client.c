/* SPDX-License-Identifier: Apache-2.0 */
// The client against a server that the test plays: which monitor it asks for, what it sends, how it
// takes what goes wrong.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "dbclient/dbtxn_datum.h"
#include "dbclient/vswitch_db.h"
#include "fake_server.h"
#include "loop/loop.h"

#define OPEN "00000000-1111-0000-0000-000000000000"
#define B0   "b0000000-0000-0000-0000-000000000000"
#define P0   "10000000-0000-0000-0000-000000000000"
#define P1   "10000000-0000-0000-0000-000000000001"
#define NEW  "cccccccc-0000-0000-0000-000000000000"

struct fixture {
	struct loop *loop;
	struct fake_server server;
	struct dbclient *db;
	unsigned int n_changed;
};

static const char contents[] =
	"{\"Open_vSwitch\":{\"" OPEN "\":{\"initial\":{\"bridges\":[\"uuid\",\"" B0
	"\"],\"next_cfg\":4}}},"
	"\"Bridge\":{\"" B0 "\":{\"initial\":{\"name\":\"br0\",\"ports\":[\"uuid\",\"" P0 "\"],"
	"\"other_config\":[\"map\",[[\"a\",\"1\"]]]}}},"
	"\"Port\":{\"" P0
	"\":{\"initial\":{\"name\":\"p0\",\"tag\":7,\"trunks\":[\"set\",[1,2]]}}}}";

static json_t *parse(const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, 0, &why);

	if (!json)
		fail_msg("%s: %s", why.text, text);
	return json;
}

static void on_changed(void *arg)
{
	((struct fixture *)arg)->n_changed++;
}

static int set_up(void **state)
{
	struct fixture *f = XNEW(struct fixture);

	f->loop = loop_new();
	fake_server_start(&f->server, f->loop);
	f->server.contents = parse(contents);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	dbclient_free(f->db);
	fake_server_stop(&f->server);
	loop_free(f->loop);
	free(f);
	return 0;
}

// Runs the loop until the condition holds; two seconds are far too long.
#define RUN_UNTIL(f, condition)                                                                    \
	do {                                                                                       \
		int64_t end_ = clock_real_ms() + 2000;                                             \
		while (!(condition)) {                                                             \
			if (clock_real_ms() > end_)                                                \
				fail_msg("never: " #condition);                                    \
			loop_run_once((f)->loop, 20);                                              \
		}                                                                                  \
	} while (0)

static void make_client(struct fixture *f)
{
	char *target = xasprintf("unix:%s", f->server.path);

	f->db = dbclient_new(f->loop, &vswitch_db, target, on_changed, f);
	free(target);
	dbclient_monitor_table(f->db, &db_open_vswitch_class, DB_READ);
	dbclient_monitor_table(f->db, &db_bridge_class, DB_READ);
	dbclient_monitor_table(f->db, &db_port_class, DB_READ);
}

static void start(struct fixture *f)
{
	assert_null(dbclient_start(f->db));
	RUN_UNTIL(f, dbclient_is_current(f->db));
}

static void connect(struct fixture *f)
{
	make_client(f);
	start(f);
}

static struct db_bridge *bridge(struct fixture *f)
{
	return DB_FIRST(db_bridge, f->db);
}

// --- Connecting

static void test_best_method(void **state)
{
	struct fixture *f = *state;
	struct db_port *p;

	connect(f);
	assert_string_equal(f->server.monitor_method, "monitor_cond_since");
	assert_int_equal(dbclient_count(f->db, &db_port_class), 1);
	p = DB_FIRST(db_port, f->db);
	assert_string_equal(p->name, "p0");
	assert_ptr_equal(bridge(f)->ports[0], p);
	RUN_UNTIL(f, f->n_changed > 0);
	fake_server_update(&f->server, "aaaaaaaa-0000-0000-0000-000000000002",
			   parse("{\"Port\":{\"" P0 "\":{\"modify\":{\"tag\":9}}}}"));
	RUN_UNTIL(f, p->tag == 9);
	assert_int_equal(p->row.change, DB_INSERTED);
}

static void test_older_servers(void **state)
{
	struct fixture *f = *state;

	f->server.refuse[0] = "monitor_cond_since";
	connect(f);
	assert_string_equal(f->server.monitor_method, "monitor_cond");
	fake_server_update(&f->server, NULL,
			   parse("{\"Port\":{\"" P0 "\":{\"modify\":{\"tag\":9}}}}"));
	RUN_UNTIL(f, DB_FIRST(db_port, f->db)->tag == 9);
}

static void test_oldest_servers(void **state)
{
	struct fixture *f = *state;

	f->server.refuse[0] = "monitor_cond_since";
	f->server.refuse[1] = "monitor_cond";
	json_decref(f->server.contents);
	f->server.contents = parse("{\"Port\":{\"" P0 "\":{\"new\":{\"name\":\"p0\",\"tag\":3}}}}");
	connect(f);
	assert_string_equal(f->server.monitor_method, "monitor");
	assert_int_equal(DB_FIRST(db_port, f->db)->tag, 3);
	fake_server_update(&f->server, NULL,
			   parse("{\"Port\":{\"" P0
				 "\":{\"old\":{\"tag\":3},\"new\":{\"name\":\"p0\",\"tag\":4}}}}"));
	RUN_UNTIL(f, DB_FIRST(db_port, f->db)->tag == 4);
}

static void test_condition(void **state)
{
	struct fixture *f = *state;
	json_t *request, *where;

	make_client(f);
	dbclient_monitor_where(f->db, &db_port_class, DB_PORT_NAME, "p0");
	start(f);
	request = json_array_get(
		json_object_get(json_array_get(f->server.monitor_params, 2), "Port"), 0);
	where = json_pack("[[s,s,s]]", "name", "==", "p0");
	assert_true(json_equal(json_object_get(request, "where"), where));
	json_decref(where);
	// Tables that nobody chose are not asked for.
	assert_null(json_object_get(json_array_get(f->server.monitor_params, 2), "Interface"));
}

// A server with an older schema is asked for what it has.
static void test_older_schema(void **state)
{
	struct fixture *f = *state;

	connect(f);
	assert_int_equal(f->server.n_schemas, 0);
	assert_true(dbclient_server_has(f->db, &db_port_class, DB_PORT_TRUNKS));
	f->server.lacks = "trunks";
	dbclient_force_reconnect(f->db);
	RUN_UNTIL(f, dbclient_is_current(f->db));
	assert_int_equal(f->server.n_schemas, 1);
	assert_false(dbclient_server_has(f->db, &db_port_class, DB_PORT_TRUNKS));
	assert_true(dbclient_server_has(f->db, &db_port_class, DB_PORT_TAG));
}

static json_t *port_request(struct fixture *f)
{
	return json_array_get(json_object_get(json_array_get(f->server.monitor_params, 2), "Port"),
			      0);
}

static void expect_json(const json_t *got, const char *want)
{
	json_t *json = json_loads(want, JSON_DECODE_ANY, NULL);

	if (!json_equal(got, json))
		fail_msg("%s instead of %s", json_dumps(got, JSON_ENCODE_ANY | JSON_SORT_KEYS),
			 want);
	json_decref(json);
}

// The condition changes while we are connected: the server is told, one change at a time.
static void test_condition_changes(void **state)
{
	struct fixture *f = *state;

	connect(f);
	assert_null(json_object_get(port_request(f), "where"));
	assert_true(dbclient_conditions_met(f->db));
	f->server.hold_changes = true;
	dbclient_set_condition(f->db, &db_port_class, parse("[[\"tag\",\"==\",7]]"));
	assert_false(dbclient_conditions_met(f->db));
	dbclient_set_condition(f->db, &db_port_class, parse("[[\"tag\",\"==\",8]]"));
	RUN_UNTIL(f, f->server.n_changes == 1);
	expect_json(json_array_get(f->server.change, 2),
		    "{\"Port\":[{\"where\":[[\"tag\",\"==\",7]]}]}");
	assert_true(json_equal(json_array_get(f->server.change, 0), f->server.monitor_id));
	// Lost meanwhile: nobody knows which rows we have, so it begins anew, with the last
	// condition.
	f->server.hold_changes = false;
	dbclient_force_reconnect(f->db);
	RUN_UNTIL(f, dbclient_conditions_met(f->db));
	expect_json(json_object_get(port_request(f), "where"), "[[\"tag\",\"==\",8]]");
	expect_json(json_array_get(f->server.monitor_params, 3),
		    "\"00000000-0000-0000-0000-000000000000\"");
	assert_int_equal(f->server.n_changes, 1);
	// All rows again.
	dbclient_set_condition(f->db, &db_port_class, NULL);
	RUN_UNTIL(f, dbclient_conditions_met(f->db));
	assert_int_equal(f->server.n_changes, 2);
	expect_json(json_array_get(f->server.change, 2), "{\"Port\":[{\"where\":[true]}]}");
	dbclient_set_condition(f->db, &db_port_class, NULL);
	loop_run_once(f->loop, 20);
	assert_int_equal(f->server.n_changes, 2);
}

// The condition changes while we are not connected: what was missed is asked for under the old one.
static void test_condition_changes_meanwhile(void **state)
{
	struct fixture *f = *state;

	make_client(f);
	dbclient_monitor_where(f->db, &db_port_class, DB_PORT_NAME, "p0");
	start(f);
	f->server.found = true;
	fake_server_drop(&f->server);
	RUN_UNTIL(f, !dbclient_is_connected(f->db));
	dbclient_monitor_where(f->db, &db_port_class, DB_PORT_NAME, "p1");
	json_decref(f->server.contents);
	f->server.contents = json_object();
	dbclient_force_reconnect(f->db);
	RUN_UNTIL(f, dbclient_conditions_met(f->db));
	expect_json(json_object_get(port_request(f), "where"), "[[\"name\",\"==\",\"p0\"]]");
	expect_json(json_array_get(f->server.monitor_params, 3),
		    "\"aaaaaaaa-0000-0000-0000-000000000001\"");
	assert_int_equal(f->server.n_changes, 1);
	expect_json(json_array_get(f->server.change, 2),
		    "{\"Port\":[{\"where\":[[\"name\",\"==\",\"p1\"]]}]}");
}

static void test_condition_without_conditions(void **state)
{
	struct fixture *f = *state;

	f->server.refuse[0] = "monitor_cond_since";
	f->server.refuse[1] = "monitor_cond";
	connect(f);
	dbclient_monitor_where(f->db, &db_port_class, DB_PORT_NAME, "p1");
	loop_run_once(f->loop, 20);
	assert_int_equal(f->server.n_changes, 0);
	assert_true(dbclient_conditions_met(f->db));
}

// A server that cannot serve the database is left for the next, unless it is the only one.
static void test_server_status(void **state)
{
	static const struct {
		const char *status;
		bool leader_only, good;
	} rows[] = {
		{"{\"Database\":{\"" B0
		 "\":{\"initial\":{\"model\":\"standalone\",\"connected\":true,\"leader\":true}}}}",
		 true, true},
		{"{\"Database\":{\"" B0
		 "\":{\"initial\":{\"model\":\"relay\",\"connected\":true}}}}",
		 true, true},
		{"{\"Database\":{\"" B0 "\":{\"initial\":{\"model\":\"relay\"}}}}", false, false},
		{"{\"Database\":{\"" B0 "\":{\"initial\":{\"connected\":true}}}}", false, true},
		{"{\"Database\":{\"" B0 "\":{\"initial\":{\"connected\":true}}}}", true, false},
		{"{\"Database\":{\"" B0 "\":{\"initial\":{\"connected\":true,\"leader\":true}}}}",
		 true, true},
		{"{}", true, true},
		{"[]", true, true},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *targets = xasprintf("unix:%s,unix:/nonexistent/a", f->server.path);

		json_decref(f->server.status);
		f->server.status = parse(rows[i].status);
		dbclient_free(f->db);
		f->db = dbclient_new(f->loop, &vswitch_db, targets, on_changed, f);
		free(targets);
		dbclient_monitor_table(f->db, &db_port_class, DB_READ);
		dbclient_set_leader_only(f->db, rows[i].leader_only);
		dbclient_set_retry(f->db, false);
		assert_null(dbclient_start(f->db));
		RUN_UNTIL(f, dbclient_is_current(f->db) || dbclient_failure(f->db));
		assert_int_equal(dbclient_is_current(f->db), rows[i].good);
	}
	// It loses its source.
	json_decref(f->server.status);
	f->server.status = parse(rows[1].status);
	dbclient_free(f->db);
	connect(f);
	fake_server_tell_status(&f->server, parse("{\"Database\":{\"" B0
						  "\":{\"modify\":{\"connected\":false}}}}"));
	loop_run_once(f->loop, 20);
	assert_true(dbclient_is_current(f->db));
}

static void test_server_gets_the_database(void **state)
{
	struct fixture *f = *state;

	f->server.status = json_object();
	f->server.no_database = true;
	make_client(f);
	assert_null(dbclient_start(f->db));
	RUN_UNTIL(f, *dbclient_last_error(f->db));
	f->server.no_database = false;
	fake_server_tell_status(&f->server, parse("{\"Database\":{\"" B0
						  "\":{\"insert\":{\"model\":\"standalone\"}}}}"));
	RUN_UNTIL(f, dbclient_is_current(f->db));
	assert_int_equal(f->server.n_connections, 1);
	assert_string_equal(dbclient_last_error(f->db), "");
}

// What our structs rely on is checked: a name is one string.
static void test_values_of_wrong_number(void **state)
{
	static const char *const updates[] = {
		"{\"Port\":{\"" P0 "\":{\"modify\":{\"name\":[\"set\",[]]}}}}",
		"{\"Port\":{\"" P0 "\":{\"modify\":{\"name\":[\"set\",[\"a\",\"b\"]]}}}}",
		"{\"Port\":{\"" P0 "\":{\"modify\":{\"tag\":[\"set\",[1,2]]}}}}",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		dbclient_free(f->db);
		connect(f);
		fake_server_update(&f->server, NEW, parse(updates[i]));
		RUN_UNTIL(f, !dbclient_is_current(f->db));
		assert_non_null(strstr(dbclient_last_error(f->db), "where there should be"));
		assert_string_equal(DB_FIRST(db_port, f->db)->name, "p0");
		RUN_UNTIL(f, dbclient_is_current(f->db));
	}
}

// What was missed comes as differences; the rows stay the same objects.
static void test_reconnect(void **state)
{
	struct fixture *f = *state;
	struct db_port *p;

	connect(f);
	p = DB_FIRST(db_port, f->db);
	dbclient_changes_done(f->db);
	f->server.found = true;
	json_decref(f->server.contents);
	f->server.contents = parse("{\"Port\":{\"" P0 "\":{\"modify\":{\"tag\":5}}}}");
	fake_server_drop(&f->server);
	RUN_UNTIL(f, !dbclient_is_connected(f->db));
	assert_true(dbclient_has_data(f->db));
	assert_false(dbclient_is_current(f->db));
	assert_int_equal(p->tag, 7);
	dbclient_force_reconnect(f->db);
	RUN_UNTIL(f, dbclient_is_current(f->db));
	assert_string_equal(json_string_value(json_array_get(f->server.monitor_params, 3)),
			    "aaaaaaaa-0000-0000-0000-000000000001");
	assert_int_equal(p->tag, 5);
	assert_int_equal(p->row.change, DB_MODIFIED);
	assert_false(dbclient_any_changed(f->db, &db_bridge_class));
}

static void test_no_retry(void **state)
{
	struct fixture *f = *state;

	f->db = dbclient_new(f->loop, &vswitch_db, "unix:/nonexistent/socket", NULL, NULL);
	dbclient_set_retry(f->db, false);
	assert_null(dbclient_start(f->db));
	RUN_UNTIL(f, dbclient_failure(f->db));
	assert_int_equal(dbclient_failure(f->db), ENOENT);
}

static void test_several_targets(void **state)
{
	struct fixture *f = *state;
	char *targets = xasprintf("unix:/nonexistent/a,unix:%s", f->server.path);

	f->db = dbclient_new(f->loop, &vswitch_db, targets, NULL, NULL);
	free(targets);
	dbclient_set_retry(f->db, false);
	dbclient_monitor_table(f->db, &db_port_class, DB_READ);
	assert_null(dbclient_start(f->db));
	RUN_UNTIL(f, dbclient_has_data(f->db));
}

static void test_monitor_canceled(void **state)
{
	struct fixture *f = *state;

	connect(f);
	json_object_del(f->server.contents, "Port");
	fake_server_notify(&f->server, "monitor_canceled", json_pack("[O]", f->server.monitor_id));
	RUN_UNTIL(f, dbclient_is_current(f->db) && !dbclient_count(f->db, &db_port_class));
	assert_int_equal(f->server.n_connections, 1);
}

static void test_nonsense_starts_anew(void **state)
{
	struct fixture *f = *state;

	connect(f);
	fake_server_update(&f->server, "aaaaaaaa-0000-0000-0000-000000000002",
			   parse("{\"Port\":{\"" P1 "\":{\"modify\":{\"tag\":9}}}}"));
	RUN_UNTIL(f, f->server.n_connections == 2 && dbclient_is_current(f->db));
	assert_string_equal(json_string_value(json_array_get(f->server.monitor_params, 3)),
			    "00000000-0000-0000-0000-000000000000");
}

// --- Locks

static void test_lock(void **state)
{
	struct fixture *f = *state;
	struct dbtxn *txn;

	make_client(f);
	f->server.lock_is_taken = true;
	dbclient_set_lock(f->db, "ovs_vswitchd");
	start(f);
	RUN_UNTIL(f, dbclient_lock_contended(f->db));
	txn = dbtxn_new(f->db);
	db_bridge_set_datapath_type(txn, bridge(f), "x");
	assert_int_equal(dbtxn_commit(txn, NULL, NULL), DBTXN_NOT_LOCKED);
	dbtxn_free(txn);
	fake_server_notify(&f->server, "locked", json_pack("[s]", "ovs_vswitchd"));
	RUN_UNTIL(f, dbclient_has_lock(f->db));
	txn = dbtxn_new(f->db);
	db_bridge_set_datapath_type(txn, bridge(f), "x");
	dbtxn_commit(txn, NULL, NULL);
	RUN_UNTIL(f, dbtxn_get_status(txn) == DBTXN_SUCCESS);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(f->server.transaction, 1), "op")),
		"assert");
	dbtxn_free(txn);
	fake_server_notify(&f->server, "stolen", json_pack("[s]", "ovs_vswitchd"));
	RUN_UNTIL(f, !dbclient_has_lock(f->db));
}

// --- Transactions

// Sends what `fill` makes and compares the operations.
static void expect(struct fixture *f, struct dbtxn *txn, const char *operations)
{
	json_t *want = parse(operations);
	char *got;

	assert_int_equal(dbtxn_commit(txn, NULL, NULL), DBTXN_INCOMPLETE);
	RUN_UNTIL(f, dbtxn_get_status(txn) != DBTXN_INCOMPLETE);
	json_array_remove(f->server.transaction, 0);
	if (!json_equal(f->server.transaction, want)) {
		got = json_dumps(f->server.transaction, JSON_SORT_KEYS);
		fail_msg("%s", got);
	}
	json_decref(want);
}

#define WHERE_B0 "\"where\":[[\"_uuid\",\"==\",[\"uuid\",\"" B0 "\"]]]"
#define WHERE_P0 "\"where\":[[\"_uuid\",\"==\",[\"uuid\",\"" P0 "\"]]]"

static void test_update(void **state)
{
	struct fixture *f = *state;
	struct dbtxn *txn;
	struct smap m = SMAP_INIT;

	connect(f);
	txn = dbtxn_new(f->db);
	smap_set(&m, "k", "v");
	db_bridge_set_datapath_type(txn, bridge(f), "netdev");
	db_bridge_set_status(txn, bridge(f), &m);
	db_bridge_set_fail_mode(txn, bridge(f), "secure");
	db_bridge_set_flood_vlans(txn, bridge(f), (int64_t[]){9, 3, 9}, 3);
	dbtxn_comment(txn, "why %d", 1);
	expect(f, txn,
	       "[{\"op\":\"update\",\"table\":\"Bridge\"," WHERE_B0
	       ",\"row\":{\"datapath_type\":\"netdev\","
	       "\"status\":[\"map\",[[\"k\",\"v\"]]],\"fail_mode\":\"secure\",\"flood_vlans\":["
	       "\"set\",[3,9]]}},"
	       "{\"op\":\"comment\",\"comment\":\"why 1\"}]");
	assert_int_equal(dbtxn_get_status(txn), DBTXN_SUCCESS);
	dbtxn_free(txn);
	smap_done(&m);
}

static void test_no_change_no_operation(void **state)
{
	struct fixture *f = *state;
	struct db_port *p;
	struct dbtxn *txn;

	connect(f);
	p = DB_FIRST(db_port, f->db);
	txn = dbtxn_new(f->db);
	db_port_set_tag(txn, p, &(int64_t){7}, 1);
	db_port_set_trunks(txn, p, (int64_t[]){2, 1}, 2);
	db_port_set_mac(txn, p, NULL);
	db_port_add_trunks(txn, p, 1);
	db_port_remove_trunks(txn, p, 99);
	db_bridge_put_other_config(txn, bridge(f), "a", "1");
	db_bridge_drop_other_config(txn, bridge(f), "nosuch");
	db_bridge_add_ports(txn, bridge(f), p);
	dbtxn_comment(txn, "nothing");
	dbtxn_increment(txn, &DB_FIRST(db_open_vswitch, f->db)->row, DB_OPEN_VSWITCH_NEXT_CFG,
			false);
	assert_int_equal(dbtxn_commit(txn, NULL, NULL), DBTXN_UNCHANGED);
	assert_int_equal(f->server.n_transactions, 0);
	dbtxn_free(txn);
}

static void test_mutations(void **state)
{
	struct fixture *f = *state;
	struct db_port *p;
	struct dbtxn *txn;

	connect(f);
	p = DB_FIRST(db_port, f->db);
	txn = dbtxn_new(f->db);
	db_port_add_trunks(txn, p, 5);
	db_port_remove_trunks(txn, p, 1);
	db_bridge_put_other_config(txn, bridge(f), "a", "2");
	db_bridge_put_other_config(txn, bridge(f), "b", "3");
	assert_string_equal(
		datum_find_string(dbtxn_read(&bridge(f)->row, DB_BRIDGE_OTHER_CONFIG), "a"), "2");
	expect(f, txn,
	       "[{\"op\":\"mutate\",\"table\":\"Port\"," WHERE_P0 ",\"mutations\":["
	       "[\"trunks\",\"delete\",[\"set\",[1]]],[\"trunks\",\"insert\",[\"set\",[5]]]]},"
	       "{\"op\":\"mutate\",\"table\":\"Bridge\"," WHERE_B0 ",\"mutations\":["
	       "[\"other_config\",\"delete\",[\"set\",[\"a\"]]],"
	       "[\"other_config\",\"insert\",[\"map\",[[\"a\",\"2\"],[\"b\",\"3\"]]]]]}]");
	dbtxn_free(txn);
}

static void test_insert(void **state)
{
	struct fixture *f = *state;
	struct db_port *p;
	struct dbtxn *txn;
	struct uuid uuid;
	const char *name;
	json_t *insert, *mutate;

	connect(f);
	f->server.results = parse("[{},{\"uuid\":[\"uuid\",\"" NEW "\"]},{\"count\":1}]");
	txn = dbtxn_new(f->db);
	p = db_port_insert(txn);
	db_port_set_name(txn, p, "new");
	db_port_set_tag(txn, p, NULL, 0);
	db_bridge_add_ports(txn, bridge(f), p);
	assert_ptr_equal(dbtxn_find(f->db, &db_port_class, &p->row.uuid), p);
	assert_int_equal(dbtxn_commit(txn, NULL, NULL), DBTXN_INCOMPLETE);
	RUN_UNTIL(f, dbtxn_get_status(txn) == DBTXN_SUCCESS);
	// The port would go unnoticed if the bridge were not there any more.
	expect_json(json_array_get(f->server.transaction, 1),
		    "{\"op\":\"wait\",\"table\":\"Bridge\"," WHERE_B0
		    ",\"columns\":[\"_uuid\"],\"until\":\"==\","
		    "\"rows\":[{\"_uuid\":[\"uuid\",\"" B0 "\"]}],\"timeout\":0}");
	insert = json_array_get(f->server.transaction, 2);
	name = json_string_value(json_object_get(insert, "uuid-name"));
	assert_non_null(name);
	// What has its default is left out.
	assert_int_equal(json_object_size(json_object_get(insert, "row")), 1);
	mutate = json_pack("[[s,s,[s,[[s,s]]]]]", "ports", "insert", "set", "named-uuid", name);
	assert_true(json_equal(
		json_object_get(json_array_get(f->server.transaction, 3), "mutations"), mutate));
	json_decref(mutate);
	assert_true(dbtxn_inserted_uuid(txn, &p->row, &uuid));
	assert_int_equal(uuid.part[0], 0xcccccccc);
	dbtxn_free(txn);
}

static void test_increment_and_verify(void **state)
{
	struct fixture *f = *state;
	struct db_open_vswitch *open;
	struct dbtxn *txn;

	connect(f);
	open = DB_FIRST(db_open_vswitch, f->db);
	f->server.results = parse("[{},{\"count\":1},{\"count\":1},{\"rows\":[{\"next_cfg\":5}]}]");
	txn = dbtxn_new(f->db);
	dbtxn_verify(txn, &bridge(f)->row, DB_BRIDGE_OTHER_CONFIG);
	db_bridge_set_stp_enable(txn, bridge(f), true);
	dbtxn_increment(txn, &open->row, DB_OPEN_VSWITCH_NEXT_CFG, false);
	expect(f, txn,
	       "[{\"op\":\"wait\",\"table\":\"Bridge\"," WHERE_B0
	       ",\"columns\":[\"other_config\"],\"until\":\"==\","
	       "\"rows\":[{\"other_config\":[\"map\",[[\"a\",\"1\"]]]}],\"timeout\":0},"
	       "{\"op\":\"update\",\"table\":\"Bridge\"," WHERE_B0
	       ",\"row\":{\"stp_enable\":true}},"
	       "{\"op\":\"mutate\",\"table\":\"Open_vSwitch\",\"where\":[[\"_uuid\",\"==\",["
	       "\"uuid\",\"" OPEN "\"]]],\"mutations\":[[\"next_cfg\",\"+=\",1]]},"
	       "{\"op\":\"select\",\"table\":\"Open_vSwitch\",\"where\":[[\"_uuid\",\"==\",["
	       "\"uuid\",\"" OPEN "\"]]],\"columns\":[\"next_cfg\"]}]");
	assert_int_equal(dbtxn_get_status(txn), DBTXN_SUCCESS);
	assert_int_equal(dbtxn_increment_result(txn), 5);
	dbtxn_free(txn);
}

// Rows of tables that are not roots go by themselves.
static void test_delete(void **state)
{
	struct fixture *f = *state;
	struct db_port *p;
	struct dbtxn *txn;

	connect(f);
	p = DB_FIRST(db_port, f->db);
	txn = dbtxn_new(f->db);
	db_bridge_remove_ports(txn, bridge(f), p);
	db_port_set_tag(txn, p, &(int64_t){1}, 1);
	dbtxn_delete(txn, &p->row);
	assert_true(dbtxn_is_deleted(&p->row));
	assert_null(dbtxn_first(f->db, &db_port_class));
	expect(f, txn,
	       "[{\"op\":\"mutate\",\"table\":\"Bridge\"," WHERE_B0
	       ",\"mutations\":[[\"ports\",\"delete\",[\"set\",[[\"uuid\",\"" P0 "\"]]]]]}]");
	dbtxn_free(txn);
	assert_false(dbtxn_is_deleted(&p->row));
}

static enum dbtxn_status outcome(struct fixture *f, const char *results, struct dbtxn **txn)
{
	f->server.results = parse(results);
	*txn = dbtxn_new(f->db);
	db_bridge_set_datapath_type(*txn, bridge(f), "x");
	dbtxn_commit(*txn, NULL, NULL);
	RUN_UNTIL(f, dbtxn_get_status(*txn) != DBTXN_INCOMPLETE);
	return dbtxn_get_status(*txn);
}

static void test_outcomes(void **state)
{
	struct fixture *f = *state;
	struct dbtxn *txn;

	connect(f);
	assert_int_equal(outcome(f, "[{\"error\":\"timed out\"},null]", &txn), DBTXN_TRY_AGAIN);
	dbtxn_free(txn);
	assert_int_equal(outcome(f, "[{\"error\":\"not owner\"}]", &txn), DBTXN_NOT_LOCKED);
	dbtxn_free(txn);
	assert_int_equal(
		outcome(f,
			"[{\"count\":1},{\"error\":\"constraint violation\",\"details\":\"no\"}]",
			&txn),
		DBTXN_ERROR);
	assert_string_equal(dbtxn_error(txn),
			    "{\"details\":\"no\",\"error\":\"constraint violation\"}");
	dbtxn_free(txn);
}

static void count_done(void *arg, struct dbtxn *txn)
{
	++*(int *)arg;
}

static void test_connection_lost(void **state)
{
	struct fixture *f = *state;
	struct dbtxn *txn;
	int n_done = 0;

	connect(f);
	f->server.hold_replies = true;
	txn = dbtxn_new(f->db);
	db_bridge_set_datapath_type(txn, bridge(f), "x");
	assert_int_equal(dbtxn_commit(txn, count_done, &n_done), DBTXN_INCOMPLETE);
	RUN_UNTIL(f, f->server.n_transactions == 1);
	fake_server_drop(&f->server);
	RUN_UNTIL(f, n_done);
	assert_int_equal(dbtxn_get_status(txn), DBTXN_TRY_AGAIN);
	dbtxn_free(txn);
	txn = dbtxn_new(f->db);
	db_bridge_set_datapath_type(txn, bridge(f), "x");
	assert_int_equal(dbtxn_commit(txn, NULL, NULL), DBTXN_TRY_AGAIN);
	dbtxn_free(txn);
}

static void test_abandoned(void **state)
{
	struct fixture *f = *state;
	struct dbtxn *txn;
	struct db_port *p;

	connect(f);
	// Never committed: nothing of it stays.
	txn = dbtxn_new(f->db);
	p = db_port_insert(txn);
	db_port_set_name(txn, p, "x");
	db_bridge_add_ports(txn, bridge(f), p);
	dbtxn_free(txn);
	assert_null(bridge(f)->row.txn);
	// Sent, and forgotten before the reply.
	txn = dbtxn_new(f->db);
	db_bridge_set_datapath_type(txn, bridge(f), "x");
	dbtxn_commit(txn, count_done, NULL);
	dbtxn_free(txn);
	RUN_UNTIL(f, f->server.n_transactions == 1);
	loop_run_once(f->loop, 20);
}

static void test_dry_run(void **state)
{
	struct fixture *f = *state;
	struct dbtxn *txn;

	connect(f);
	f->server.results = parse("[{\"count\":1},{\"error\":\"aborted\"}]");
	txn = dbtxn_new(f->db);
	dbtxn_set_dry_run(txn);
	db_bridge_set_datapath_type(txn, bridge(f), "x");
	expect(f, txn,
	       "[{\"op\":\"update\",\"table\":\"Bridge\"," WHERE_B0
	       ",\"row\":{\"datapath_type\":\"x\"}},"
	       "{\"op\":\"abort\"}]");
	assert_int_equal(dbtxn_get_status(txn), DBTXN_SUCCESS);
	dbtxn_free(txn);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_best_method),
		TEST(test_older_servers),
		TEST(test_oldest_servers),
		TEST(test_older_schema),
		TEST(test_condition),
		TEST(test_condition_changes),
		TEST(test_condition_changes_meanwhile),
		TEST(test_condition_without_conditions),
		TEST(test_server_status),
		TEST(test_server_gets_the_database),
		TEST(test_values_of_wrong_number),
		TEST(test_reconnect),
		TEST(test_no_retry),
		TEST(test_several_targets),
		TEST(test_monitor_canceled),
		TEST(test_nonsense_starts_anew),
		TEST(test_lock),
		TEST(test_update),
		TEST(test_no_change_no_operation),
		TEST(test_mutations),
		TEST(test_insert),
		TEST(test_increment_and_verify),
		TEST(test_delete),
		TEST(test_outcomes),
		TEST(test_connection_lost),
		TEST(test_abandoned),
		TEST(test_dry_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
