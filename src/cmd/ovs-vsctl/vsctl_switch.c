/* SPDX-License-Identifier: Apache-2.0 */
// Commands on the switch as a whole, auto-attach, and the tables that the generic commands and
// "show" go by.
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ovs-vsctl/vsctl.h"

// The row of Open_vSwitch is made by every run that finds none.
static struct error *do_nothing(struct ctl_context *c)
{
	return NULL;
}

// --- emer-reset

struct reset_column {
	const struct db_table_class *table;
	unsigned int column;
	const char *keep; // the key of a map that stays
};

static const struct reset_column reset_columns[] = {
	{&db_open_vswitch_class, DB_OPEN_VSWITCH_MANAGER_OPTIONS, NULL},
	{&db_open_vswitch_class, DB_OPEN_VSWITCH_SSL, NULL},
	{&db_bridge_class, DB_BRIDGE_CONTROLLER, NULL},
	{&db_bridge_class, DB_BRIDGE_FAIL_MODE, NULL},
	{&db_bridge_class, DB_BRIDGE_MIRRORS, NULL},
	{&db_bridge_class, DB_BRIDGE_NETFLOW, NULL},
	{&db_bridge_class, DB_BRIDGE_SFLOW, NULL},
	{&db_bridge_class, DB_BRIDGE_IPFIX, NULL},
	{&db_bridge_class, DB_BRIDGE_FLOOD_VLANS, NULL},
	{&db_bridge_class, DB_BRIDGE_OTHER_CONFIG, "hwaddr"},
	{&db_port_class, DB_PORT_OTHER_CONFIG, NULL},
	{&db_interface_class, DB_INTERFACE_INGRESS_POLICING_RATE, NULL},
	{&db_interface_class, DB_INTERFACE_INGRESS_POLICING_BURST, NULL},
};

// Tables whose rows all go.
static const struct db_table_class *const reset_tables[] = {
	&db_mirror_class,  &db_controller_class, &db_manager_class,
	&db_netflow_class, &db_ssl_class,	 &db_sflow_class,
};

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static struct error *prepare_emer_reset(struct ctl_context *c)
{
	for (size_t i = 0; i < N_ELEMENTS(reset_columns); i++)
		ctl_monitor(c->ctl, reset_columns[i].table, reset_columns[i].column);
	for (size_t i = 0; i < N_ELEMENTS(reset_tables); i++)
		ctl_monitor(c->ctl, reset_tables[i], 0);
	return NULL;
}

static void reset_value(struct ctl_context *c, struct db_row *row, const struct reset_column *r)
{
	const struct datum *old = dbtxn_read(row, r->column);
	struct datum new;

	datum_init_default(&new, dbclient_column_type(c->ctl->db, r->table, r->column));
	if (r->keep) {
		union atom key;
		size_t at;

		atom_init_string(&key, r->keep);
		at = datum_find(old, &key);
		if (at != SIZE_MAX)
			datum_put(&new, &key, datum_value(old, at));
		atom_done(&key, ATOM_STRING);
	}
	dbtxn_write(c->ctl->txn, row, r->column, &new);
}

static struct error *run_emer_reset(struct ctl_context *c)
{
	for (size_t i = 0; i < N_ELEMENTS(reset_columns); i++) {
		const struct reset_column *r = &reset_columns[i];

		for (struct db_row *row = dbtxn_first(c->ctl->db, r->table); row;
		     row = dbtxn_next(row))
			reset_value(c, row, r);
	}
	for (size_t i = 0; i < N_ELEMENTS(reset_tables); i++) {
		struct db_row *next;

		for (struct db_row *row = dbtxn_first(c->ctl->db, reset_tables[i]); row;
		     row = next) {
			next = dbtxn_next(row);
			dbtxn_delete(c->ctl->txn, row);
		}
	}
	c->ctl->database_changed = true;
	return NULL;
}

// --- Auto-attach: a bridge's map from I-SID to VLAN

static struct error *prepare_auto_attach(struct ctl_context *c)
{
	ctl_monitor(c->ctl, &db_bridge_class, DB_BRIDGE_AUTO_ATTACH);
	ctl_monitor(c->ctl, &db_autoattach_class, DB_AUTOATTACH_MAPPINGS);
	return vsctl_prepare_model(c);
}

static struct error *find_auto_attach(struct ctl_context *c, struct db_row **bridge,
				      struct db_row **attach)
{
	struct vsctl_bridge *b;
	struct error *error = vsctl_get_bridge(vsctl_of(c), c->argv[1], &b);
	const struct datum *ref;

	if (error)
		return error;
	*bridge = b->row;
	ref = dbtxn_read(b->row, DB_BRIDGE_AUTO_ATTACH);
	*attach = ref->n ? dbtxn_find(c->ctl->db, &db_autoattach_class, &datum_key(ref, 0)->uuid)
			 : NULL;
	return NULL;
}

static struct error *parse_number(const char *text, int64_t *number)
{
	return parse_i64(text, 10, number) ? error_new("Invalid argument %s", text) : NULL;
}

static struct error *parse_mapping(struct ctl_context *c, int64_t *isid, int64_t *vlan)
{
	struct error *error = parse_number(c->argv[2], isid);

	return error ? error : parse_number(c->argv[3], vlan);
}

static struct error *run_add_aa_mapping(struct ctl_context *c)
{
	struct db_row *bridge, *attach;
	int64_t isid, vlan;
	struct error *error = parse_mapping(c, &isid, &vlan);
	struct datum d;

	if (!error)
		error = find_auto_attach(c, &bridge, &attach);
	if (error)
		return error;
	if (!attach) {
		attach = dbtxn_insert(c->ctl->txn, &db_autoattach_class);
		dbtxn_set_ref(c->ctl->txn, bridge, DB_BRIDGE_AUTO_ATTACH, attach);
	}
	datum_init_empty(&d, ATOM_INTEGER, ATOM_INTEGER);
	datum_push(&d, &(union atom){.integer = isid}, &(union atom){.integer = vlan});
	dbtxn_add(c->ctl->txn, attach, DB_AUTOATTACH_MAPPINGS, &d);
	datum_done(&d);
	return NULL;
}

static struct error *run_del_aa_mapping(struct ctl_context *c)
{
	struct db_row *bridge, *attach;
	int64_t isid, vlan;
	struct error *error = parse_mapping(c, &isid, &vlan);

	if (!error)
		error = find_auto_attach(c, &bridge, &attach);
	if (!error && attach &&
	    datum_contains_pair(dbtxn_read(attach, DB_AUTOATTACH_MAPPINGS),
				&(union atom){.integer = isid}, &(union atom){.integer = vlan}))
		dbtxn_remove_int(c->ctl->txn, attach, DB_AUTOATTACH_MAPPINGS, isid);
	return error;
}

static struct error *run_get_aa_mapping(struct ctl_context *c)
{
	struct db_row *bridge, *attach;
	struct error *error = find_auto_attach(c, &bridge, &attach);
	const struct datum *mappings;

	if (error || !attach)
		return error;
	mappings = dbtxn_read(attach, DB_AUTOATTACH_MAPPINGS);
	for (size_t i = 0; i < mappings->n; i++)
		str_addf(&c->output, "%" PRId64 " %" PRId64 "\n", datum_key(mappings, i)->integer,
			 datum_value(mappings, i)->integer);
	return NULL;
}

const struct ctl_command vsctl_switch_commands[] = {
	{"init", 0, 0, "", do_nothing, do_nothing, NULL, ""},
	{"show", 0, 0, "", ctl_prepare_show, ctl_run_show, NULL, ""},
	{"emer-reset", 0, 0, "", prepare_emer_reset, run_emer_reset, NULL, ""},
	{"add-aa-mapping", 3, 3, "!BRIDGE !ARG !ARG", prepare_auto_attach, run_add_aa_mapping, NULL,
	 ""},
	{"del-aa-mapping", 3, 3, "!BRIDGE !ARG !ARG", prepare_auto_attach, run_del_aa_mapping, NULL,
	 ""},
	{"get-aa-mapping", 1, 1, "!BRIDGE", prepare_auto_attach, run_get_aa_mapping, NULL, ""},
	{0},
};

// --- Names of rows, and what is shown

const struct ctl_row_id vsctl_row_ids[] = {
	{&db_autoattach_class, &db_bridge_class, DB_BRIDGE_NAME, DB_BRIDGE_AUTO_ATTACH},
	{&db_bridge_class, &db_bridge_class, DB_BRIDGE_NAME, -1},
	{&db_controller_class, &db_bridge_class, DB_BRIDGE_NAME, DB_BRIDGE_CONTROLLER},
	{&db_flow_sample_collector_set_class, &db_flow_sample_collector_set_class,
	 DB_FLOW_SAMPLE_COLLECTOR_SET_ID, -1},
	{&db_flow_table_class, &db_flow_table_class, DB_FLOW_TABLE_NAME, -1},
	{&db_interface_class, &db_interface_class, DB_INTERFACE_NAME, -1},
	{&db_ipfix_class, &db_bridge_class, DB_BRIDGE_NAME, DB_BRIDGE_IPFIX},
	{&db_manager_class, &db_manager_class, DB_MANAGER_TARGET, -1},
	{&db_mirror_class, &db_mirror_class, DB_MIRROR_NAME, -1},
	{&db_netflow_class, &db_bridge_class, DB_BRIDGE_NAME, DB_BRIDGE_NETFLOW},
	{&db_port_class, &db_port_class, DB_PORT_NAME, -1},
	{&db_qos_class, &db_port_class, DB_PORT_NAME, DB_PORT_QOS},
	{&db_sflow_class, &db_bridge_class, DB_BRIDGE_NAME, DB_BRIDGE_SFLOW},
	{0},
};

const struct ctl_show vsctl_show[] = {
	{&db_open_vswitch_class,
	 -1,
	 {DB_OPEN_VSWITCH_MANAGER_OPTIONS, DB_OPEN_VSWITCH_BRIDGES, DB_OPEN_VSWITCH_OVS_VERSION,
	  -1}},
	{&db_bridge_class,
	 DB_BRIDGE_NAME,
	 {DB_BRIDGE_CONTROLLER, DB_BRIDGE_FAIL_MODE, DB_BRIDGE_DATAPATH_TYPE, DB_BRIDGE_PORTS}},
	{&db_port_class, DB_PORT_NAME, {DB_PORT_TAG, DB_PORT_TRUNKS, DB_PORT_INTERFACES, -1}},
	{&db_interface_class,
	 DB_INTERFACE_NAME,
	 {DB_INTERFACE_TYPE, DB_INTERFACE_OPTIONS, DB_INTERFACE_ERROR, -1}},
	{&db_controller_class, DB_CONTROLLER_TARGET, {DB_CONTROLLER_IS_CONNECTED, -1}},
	{&db_manager_class, DB_MANAGER_TARGET, {DB_MANAGER_IS_CONNECTED, -1}},
	{0},
};
