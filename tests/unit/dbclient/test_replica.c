/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/str.h"
#include "dbclient/dbtxn_datum.h"
#include "dbclient/replica.h"
#include "dbclient/vswitch_db.h"

#define B0 "b0000000-0000-0000-0000-000000000000"
#define P0 "10000000-0000-0000-0000-000000000000"
#define P1 "10000000-0000-0000-0000-000000000001"
#define I0 "20000000-0000-0000-0000-000000000000"
#define Q0 "30000000-0000-0000-0000-000000000000"

static void start(struct replica *r)
{
	replica_init(r, &vswitch_db);
	for (unsigned int i = 0; i < vswitch_db.n_tables; i++)
		for (unsigned int c = 0; c < vswitch_db.tables[i]->n_columns; c++)
			replica_monitor(r, vswitch_db.tables[i], c, DB_READ);
	replica_freeze(r);
}

static void apply(struct replica *r, const char *text, enum update_kind kind, bool whole)
{
	json_error_t why;
	json_t *json = json_loads(text, 0, &why);
	struct error *error;

	if (!json)
		fail_msg("%s: %s", why.text, text);
	error = replica_apply(r, json, kind, whole);
	if (error)
		fail_msg("%s", error_text(error));
	replica_settle(r);
	json_decref(json);
}

static void apply2(struct replica *r, const char *text)
{
	apply(r, text, UPDATE_V2, false);
}

static void *find(struct replica *r, const struct db_table_class *class, const char *uuid_text)
{
	struct uuid uuid;
	struct db_row *row;

	assert_true(uuid_parse(uuid_text, &uuid));
	row = row_table_find(&replica_table(r, class)->rows, &uuid);
	return row && row->present ? row : NULL;
}

static const char bridge_and_ports[] =
	"{\"Bridge\":{\"" B0 "\":{\"initial\":{\"name\":\"br0\",\"ports\":[\"set\",[[\"uuid\",\"" P0
	"\"],[\"uuid\",\"" P1 "\"]]],\"other_config\":[\"map\",[[\"b\",\"2\"],[\"a\",\"1\"]]],"
	"\"fail_mode\":\"secure\",\"stp_enable\":true,\"flood_vlans\":[\"set\",[5,3]]}}},"
	"\"Port\":{\"" P0
	"\":{\"initial\":{\"name\":\"p0\",\"tag\":7,\"statistics\":[\"map\",[[\"rx\",10]]]}},"
	"\"" P1 "\":{\"initial\":{\"name\":\"a name of more than fifteen characters\"}}}}";

static void test_members(void **state)
{
	struct replica r;
	struct db_bridge *b;
	struct db_port *p;

	start(&r);
	apply(&r, bridge_and_ports, UPDATE_V2, true);
	b = find(&r, &db_bridge_class, B0);
	p = find(&r, &db_port_class, P0);
	assert_non_null(b);
	assert_string_equal(b->name, "br0");
	assert_string_equal(b->fail_mode, "secure");
	assert_true(b->stp_enable);
	assert_string_equal(b->datapath_type, "");
	assert_null(b->datapath_id);
	assert_null(b->netflow);
	assert_int_equal(b->n_flood_vlans, 2);
	assert_int_equal(b->flood_vlans[0], 3);
	assert_string_equal(smap_get(&b->other_config, "a", ""), "1");
	assert_int_equal(b->n_ports, 2);
	assert_ptr_equal(b->ports[0], p);
	assert_string_equal(b->ports[1]->name, "a name of more than fifteen characters");
	assert_int_equal(p->n_tag, 1);
	assert_int_equal(p->tag, 7);
	assert_int_equal(p->n_statistics, 1);
	assert_string_equal(p->statistics_keys[0], "rx");
	assert_int_equal(p->statistics_values[0], 10);
	assert_int_equal(b->row.change, DB_INSERTED);
	replica_done(&r);
}

// A set comes as its difference, a column of at most one value as a whole.
static void test_differences(void **state)
{
	struct replica r;
	struct db_bridge *b;

	start(&r);
	apply(&r, bridge_and_ports, UPDATE_V2, true);
	replica_changes_done(&r);
	b = find(&r, &db_bridge_class, B0);
	apply2(&r, "{\"Bridge\":{\"" B0
		   "\":{\"modify\":{\"flood_vlans\":[\"set\",[3,9]],\"fail_mode\":\"standalone\","
		   "\"other_config\":[\"map\",[[\"a\",\"x\"],[\"b\",\"2\"],[\"c\",\"3\"]]]}}}}");
	assert_int_equal(b->row.change, DB_MODIFIED);
	assert_true(db_row_changed(&b->row, DB_BRIDGE_FLOOD_VLANS));
	assert_true(db_row_changed(&b->row, DB_BRIDGE_OTHER_CONFIG));
	assert_false(db_row_changed(&b->row, DB_BRIDGE_NAME));
	assert_int_equal(b->n_flood_vlans, 2);
	assert_int_equal(b->flood_vlans[0], 5);
	assert_int_equal(b->flood_vlans[1], 9);
	assert_string_equal(b->fail_mode, "standalone");
	assert_int_equal(b->other_config.n, 2);
	assert_string_equal(smap_get(&b->other_config, "a", ""), "x");
	apply2(&r, "{\"Bridge\":{\"" B0 "\":{\"modify\":{\"fail_mode\":[\"set\",[]]}}}}");
	assert_null(b->fail_mode);
	replica_done(&r);
}

static void test_references_in_any_order(void **state)
{
	struct replica r;
	struct db_bridge *b;
	struct db_port *p;
	struct db_qos *q;

	start(&r);
	apply2(&r, "{\"Bridge\":{\"" B0
		   "\":{\"insert\":{\"name\":\"br0\",\"ports\":[\"set\",[[\"uuid\",\"" P0
		   "\"],[\"uuid\",\"" P1 "\"]]]}}}}");
	b = find(&r, &db_bridge_class, B0);
	assert_int_equal(b->n_ports, 0);
	assert_null(find(&r, &db_port_class, P0));
	replica_changes_done(&r);
	apply2(&r, "{\"Port\":{\"" P1 "\":{\"insert\":{\"name\":\"p1\",\"qos\":[\"uuid\",\"" Q0
		   "\"]}}}}");
	assert_int_equal(b->n_ports, 1);
	assert_string_equal(b->ports[0]->name, "p1");
	assert_true(db_row_changed(&b->row, DB_BRIDGE_PORTS));
	p = b->ports[0];
	assert_null(p->qos);
	apply2(&r, "{\"QoS\":{\"" Q0 "\":{\"insert\":{\"type\":\"x\"}}}}");
	q = find(&r, &db_qos_class, Q0);
	assert_ptr_equal(p->qos, q);
	replica_changes_done(&r);
	apply2(&r, "{\"QoS\":{\"" Q0 "\":{\"delete\":null}}}");
	assert_null(p->qos);
	assert_int_equal(q->row.change, DB_DELETED);
	assert_string_equal(q->type, "x");
	replica_changes_done(&r);
	// The same row again: the reference that was left finds it.
	apply2(&r, "{\"QoS\":{\"" Q0 "\":{\"insert\":{\"type\":\"y\"}}}}");
	assert_non_null(p->qos);
	assert_string_equal(p->qos->type, "y");
	apply2(&r, "{\"Bridge\":{\"" B0 "\":{\"delete\":null}}}");
	assert_int_equal(b->row.change, DB_DELETED);
	assert_int_equal(replica_table(&r, &db_port_class)->n_placeholders, 0);
	replica_done(&r);
}

static size_t n_listed(const struct db_table *t, enum db_change change)
{
	size_t n = 0;

	for (const struct db_row *row = t->changed; row; row = row->next_changed)
		n += row->change == change;
	return n;
}

static void test_tracking(void **state)
{
	struct replica r;
	struct db_table *ports;

	start(&r);
	ports = replica_table(&r, &db_port_class);
	apply(&r, bridge_and_ports, UPDATE_V2, true);
	assert_int_equal(n_listed(ports, DB_INSERTED), 2);
	// Still an insert when it changes before anybody looked.
	apply2(&r, "{\"Port\":{\"" P0 "\":{\"modify\":{\"tag\":8}}}}");
	assert_int_equal(n_listed(ports, DB_INSERTED), 2);
	// Nothing at all when it goes.
	apply2(&r, "{\"Port\":{\"" P1 "\":{\"delete\":null}}}");
	assert_int_equal(n_listed(ports, DB_INSERTED), 1);
	assert_int_equal(n_listed(ports, DB_DELETED), 0);
	replica_changes_done(&r);
	assert_null(ports->changed);
	apply2(&r, "{\"Port\":{\"" P0 "\":{\"modify\":{\"tag\":9}}}}");
	assert_int_equal(n_listed(ports, DB_MODIFIED), 1);
	apply2(&r, "{\"Port\":{\"" P0 "\":{\"delete\":null}}}");
	assert_int_equal(n_listed(ports, DB_DELETED), 1);
	replica_done(&r);
}

static void test_written_columns_do_not_alert(void **state)
{
	struct replica r;
	struct db_interface *i;
	uint64_t n;

	replica_init(&r, &vswitch_db);
	replica_monitor(&r, &db_interface_class, DB_INTERFACE_NAME, DB_READ);
	replica_monitor(&r, &db_interface_class, DB_INTERFACE_OFPORT, DB_WRITE);
	replica_freeze(&r);
	apply2(&r, "{\"Interface\":{\"" I0 "\":{\"insert\":{\"name\":\"i\",\"mtu\":5}}}}");
	replica_changes_done(&r);
	i = find(&r, &db_interface_class, I0);
	assert_int_equal(i->n_mtu, 0); // not monitored
	n = r.n_changes;
	apply2(&r, "{\"Interface\":{\"" I0 "\":{\"modify\":{\"ofport\":3}}}}");
	assert_int_equal(i->ofport, 3);
	assert_int_equal(i->row.change, DB_SAME);
	assert_int_equal(r.n_changes, n);
	replica_done(&r);
}

static void test_reload_is_a_difference(void **state)
{
	struct replica r;
	struct db_port *p;

	start(&r);
	apply(&r, bridge_and_ports, UPDATE_V2, true);
	replica_changes_done(&r);
	p = find(&r, &db_port_class, P0);
	apply(&r, bridge_and_ports, UPDATE_V2, true);
	assert_null(replica_table(&r, &db_port_class)->changed);
	assert_null(replica_table(&r, &db_bridge_class)->changed);
	// One port less, another without its tag.
	apply(&r,
	      "{\"Bridge\":{\"" B0 "\":{\"initial\":{\"name\":\"br0\",\"ports\":[\"uuid\",\"" P0
	      "\"]}}},"
	      "\"Port\":{\"" P0 "\":{\"initial\":{\"name\":\"p0\"}}}}",
	      UPDATE_V2, true);
	assert_ptr_equal(find(&r, &db_port_class, P0), p);
	assert_int_equal(p->n_tag, 0);
	assert_int_equal(p->row.change, DB_MODIFIED);
	assert_null(find(&r, &db_port_class, P1));
	replica_done(&r);
}

static void test_version_1(void **state)
{
	struct replica r;
	struct db_port *p;

	start(&r);
	apply(&r,
	      "{\"Port\":{\"" P0
	      "\":{\"new\":{\"name\":\"p0\",\"tag\":1,\"trunks\":[\"set\",[1,2]]}}}}",
	      UPDATE_V1, true);
	p = find(&r, &db_port_class, P0);
	assert_int_equal(p->n_trunks, 2);
	apply(&r,
	      "{\"Port\":{\"" P0
	      "\":{\"old\":{\"trunks\":[\"set\",[1,2]]},\"new\":{\"name\":\"p0\",\"tag\":1,"
	      "\"trunks\":2}}}}",
	      UPDATE_V1, false);
	assert_int_equal(p->n_trunks, 1);
	assert_int_equal(p->trunks[0], 2);
	apply(&r, "{\"Port\":{\"" P0 "\":{\"old\":{\"name\":\"p0\"}}}}", UPDATE_V1, false);
	assert_null(find(&r, &db_port_class, P0));
	replica_done(&r);
}

static void test_bad_updates(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{\"Port\":{\"nonsense\":{\"insert\":{}}}}",
		"{\"Port\":{\"" P0 "\":{\"modify\":{\"tag\":1}}}}",
		"{\"Port\":{\"" P0 "\":{\"insert\":{\"tag\":\"x\"}}}}",
		"{\"Port\":{\"" P0 "\":{\"insert\":{\"trunks\":[\"set\",[1,1]]}}}}",
		"{\"Port\":{\"" P0 "\":{}}}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct replica r;
		json_t *json = json_loads(bad[i], 0, NULL);
		struct error *error;

		start(&r);
		error = replica_apply(&r, json, UPDATE_V2, false);
		if (!error)
			fail_msg("taken: %s", bad[i]);
		error_free(error);
		replica_settle(&r);
		replica_done(&r);
		json_decref(json);
	}
}

// --- Random rows and references, against a matrix

enum { N_BRIDGES = 4, N_PORTS = 12, N_STEPS = 4000 };

struct model {
	bool bridge[N_BRIDGES], port[N_PORTS], refers[N_BRIDGES][N_PORTS];
};

static void uuid_text(char *s, char kind, int i)
{
	sprintf(s, "%c0000000-0000-0000-0000-0000000000%02d", kind, i);
}

static json_t *port_set(const bool *want)
{
	json_t *set = json_array();

	for (int p = 0; p < N_PORTS; p++) {
		char uuid[UUID_TEXT_LEN + 1];

		uuid_text(uuid, 'f', p);
		if (want[p])
			json_array_append_new(set, json_pack("[s,s]", "uuid", uuid));
	}
	return json_pack("[s,o]", "set", set);
}

static json_t *random_step(struct model *m)
{
	char uuid[UUID_TEXT_LEN + 1];
	bool difference[N_PORTS];
	int b = (int)random_below(N_BRIDGES), p = (int)random_below(N_PORTS);

	if (random_below(2)) {
		uuid_text(uuid, 'f', p);
		m->port[p] = !m->port[p];
		return m->port[p]
			       ? json_pack("{s:{s:{s:{s:s}}}}", "Port", uuid, "insert", "name", "p")
			       : json_pack("{s:{s:{s:n}}}", "Port", uuid, "delete");
	}
	uuid_text(uuid, 'b', b);
	if (m->bridge[b] && random_below(4) == 0) {
		m->bridge[b] = false;
		memset(m->refers[b], 0, sizeof(m->refers[b]));
		return json_pack("{s:{s:{s:n}}}", "Bridge", uuid, "delete");
	}
	for (int i = 0; i < N_PORTS; i++) {
		difference[i] = random_below(4) == 0;
		m->refers[b][i] ^= difference[i];
	}
	if (m->bridge[b])
		return json_pack("{s:{s:{s:{s:o}}}}", "Bridge", uuid, "modify", "ports",
				 port_set(difference));
	m->bridge[b] = true;
	return json_pack("{s:{s:{s:{s:s,s:o}}}}", "Bridge", uuid, "insert", "name", "b", "ports",
			 port_set(difference));
}

static void compare(struct replica *r, const struct model *m)
{
	size_t dangling = 0;

	for (int b = 0; b < N_BRIDGES; b++) {
		char uuid[UUID_TEXT_LEN + 1];
		struct db_bridge *bridge;
		size_t n = 0;

		uuid_text(uuid, 'b', b);
		bridge = find(r, &db_bridge_class, uuid);
		assert_int_equal(bridge != NULL, m->bridge[b]);
		for (int p = 0; bridge && p < N_PORTS; p++) {
			if (!m->refers[b][p] || !m->port[p])
				continue;
			uuid_text(uuid, 'f', p);
			assert_true(n < bridge->n_ports);
			assert_ptr_equal(bridge->ports[n++], find(r, &db_port_class, uuid));
		}
		if (bridge)
			assert_int_equal(bridge->n_ports, n);
	}
	for (int p = 0; p < N_PORTS; p++) {
		bool referred = false;

		for (int b = 0; b < N_BRIDGES; b++)
			referred |= m->refers[b][p];
		dangling += referred && !m->port[p];
	}
	assert_int_equal(replica_table(r, &db_port_class)->n_placeholders, dangling);
}

static void test_random(void **state)
{
	struct replica r;
	struct model m = {0};

	start(&r);
	for (int step = 0; step < N_STEPS; step++) {
		json_t *json = random_step(&m);
		struct error *error = replica_apply(&r, json, UPDATE_V2, false);

		assert_null(error);
		json_decref(json);
		// Several notifications may come between two looks.
		if (random_below(3) == 0)
			continue;
		replica_settle(&r);
		compare(&r, &m);
		if (random_below(2))
			replica_changes_done(&r);
	}
	replica_done(&r);
}

// Each column's type can be read, and agrees with the C members.
static void test_types(void **state)
{
	struct replica r;

	start(&r);
	for (unsigned int i = 0; i < vswitch_db.n_tables; i++) {
		struct db_table *t = &r.tables[i];

		assert_ptr_equal(db_class_find_table(&vswitch_db, t->class->name), t->class);
		assert_int_equal(t->class->number, i);
		for (unsigned int c = 0; c < t->class->n_columns; c++) {
			const struct db_column *column = &t->class->columns[c];
			const struct column_type *type = table_column_type(t, c);

			assert_int_equal(db_table_class_find_column(t->class, column->name), c);
			assert_int_equal(type->key.type, column->key);
			assert_int_equal(type->value.type, column->value);
			assert_int_equal(column->shape == DB_ONE, column_type_is_scalar(type));
			assert_int_equal(column->shape == DB_OPTIONAL,
					 column_type_is_optional(type));
			assert_int_equal(column->shape == DB_MAP, column_type_is_map(type));
			if (column->key_ref)
				assert_string_equal(column->key_ref->name,
						    type->key.ref.table_name);
		}
	}
	assert_null(db_class_find_table(&vswitch_db, "Nosuch"));
	assert_int_equal(db_table_class_find_column(&db_port_class, "nosuch"), -1);
	replica_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_references_in_any_order),
		cmocka_unit_test(test_tracking),
		cmocka_unit_test(test_written_columns_do_not_alert),
		cmocka_unit_test(test_reload_is_a_difference),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_bad_updates),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
