/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ovs-vsctl/vsctl.h"

static const char fake_prefix[] = "fake-bridge-";

// An internal interface and its port, named as the bridge.
static struct db_port *insert_local_port(struct vsctl *v, const char *name,
					 struct db_interface **iface)
{
	struct dbtxn *txn = v->ctl.txn;
	struct db_port *port;

	*iface = db_interface_insert(txn);
	db_interface_set_name(txn, *iface, name);
	db_interface_set_type(txn, *iface, "internal");
	port = db_port_insert(txn);
	db_port_set_name(txn, port, name);
	db_port_set_interfaces(txn, port, iface, 1);
	return port;
}

static void add_real_bridge(struct vsctl *v, const char *name)
{
	struct dbtxn *txn = v->ctl.txn;
	struct db_interface *iface;
	struct db_port *port = insert_local_port(v, name, &iface);
	struct db_bridge *bridge = db_bridge_insert(txn);
	struct vsctl_bridge *b;

	db_bridge_set_name(txn, bridge, name);
	db_bridge_set_ports(txn, bridge, &port, 1);
	db_open_vswitch_add_bridges(txn, (struct db_open_vswitch *)v->open, bridge);
	b = vsctl_model_add_bridge(v, name, &bridge->row, NULL, 0);
	vsctl_model_add_iface(v, vsctl_model_add_port(v, b, name, &port->row), name, &iface->row);
}

static struct error *add_fake_bridge(struct vsctl *v, const char *name, const char *parent_name,
				     int vlan)
{
	struct dbtxn *txn = v->ctl.txn;
	struct vsctl_bridge *parent = vsctl_find_bridge(v, parent_name), *b, *conflict;
	struct db_interface *iface;
	struct db_port *port;

	if (!parent)
		return error_new("parent bridge %s does not exist", parent_name);
	if (parent->parent)
		return error_new("cannot create bridge with fake bridge as parent");
	conflict = vsctl_find_vlan_bridge(parent, vlan);
	if (conflict)
		return error_new("bridge %s already has a child VLAN bridge %s on VLAN %d",
				 parent_name, conflict->name, vlan);
	port = insert_local_port(v, name, &iface);
	db_port_set_fake_bridge(txn, port, true);
	db_port_set_tag(txn, port, &(int64_t){vlan}, 1);
	db_bridge_add_ports(txn, (struct db_bridge *)parent->row, port);
	b = vsctl_model_add_bridge(v, name, parent->row, parent, vlan);
	vsctl_model_add_iface(v, vsctl_model_add_port(v, b, name, &port->row), name, &iface->row);
	return NULL;
}

// add-br --may-exist of a bridge that exists: it must be what was asked for.
static struct error *check_same_bridge(const struct vsctl_bridge *b, const char *parent, int vlan)
{
	const char *name = b->name;

	if (!parent) {
		if (b->parent)
			return error_new(
				"\"--may-exist add-br %s\" but %s is a VLAN bridge for VLAN %d",
				name, name, b->vlan);
		return NULL;
	}
	if (!b->parent)
		return error_new("\"--may-exist add-br %s %s %d\" but %s is not a VLAN bridge",
				 name, parent, vlan, name);
	if (strcmp(b->parent->name, parent))
		return error_new("\"--may-exist add-br %s %s %d\" but %s has the wrong parent %s",
				 name, parent, vlan, name, b->parent->name);
	if (b->vlan != vlan)
		return error_new("\"--may-exist add-br %s %s %d\" but %s is a VLAN bridge for the "
				 "wrong VLAN %d",
				 name, parent, vlan, name, b->vlan);
	return NULL;
}

static struct error *run_add_br(struct ctl_context *c)
{
	struct vsctl *v = vsctl_of(c);
	const char *name = c->argv[1], *parent = c->argc > 2 ? c->argv[2] : NULL;
	struct vsctl_bridge *b;
	struct error *error;
	int64_t vlan = 0;
	char *what;

	if (!*name)
		return error_new("bridge name must not be empty string");
	if (c->argc == 3)
		return error_new("'%s' command takes exactly 1 or 3 arguments", c->argv[0]);
	if (parent && (parse_i64(c->argv[3], 10, &vlan) || vlan < 0 || vlan > 4095))
		return error_new("%s: vlan must be between 0 and 4095", c->argv[0]);
	b = vsctl_find_bridge(v, name);
	if (b && ctl_option(c, "--may-exist"))
		return check_same_bridge(b, parent, (int)vlan);
	what = xasprintf("cannot create a bridge named %s", name);
	error = vsctl_check_name_is_free(v, name, what);
	free(what);
	if (error)
		return error;
	if (parent)
		return add_fake_bridge(v, name, parent, (int)vlan);
	add_real_bridge(v, name);
	return NULL;
}

static void delete_bridge(struct vsctl *v, struct vsctl_bridge *b)
{
	while (b->children.n)
		delete_bridge(v, vec_last(&b->children));
	while (b->ports.n)
		vsctl_delete_port(v, vec_last(&b->ports));
	if (!b->parent) {
		dbtxn_remove_ref(v->ctl.txn, v->open, DB_OPEN_VSWITCH_BRIDGES, b->row);
		dbtxn_delete(v->ctl.txn, b->row);
	}
	vsctl_model_remove_bridge(v, b);
}

static struct error *run_del_br(struct ctl_context *c)
{
	struct vsctl *v = vsctl_of(c);
	struct vsctl_bridge *b = vsctl_find_bridge(v, c->argv[1]);

	if (b)
		delete_bridge(v, b);
	else if (!ctl_option(c, "--if-exists"))
		return error_new("no bridge named %s", c->argv[1]);
	return NULL;
}

static struct error *run_list_br(struct ctl_context *c)
{
	struct vsctl *v = vsctl_of(c);
	struct vsctl_names names = {0};
	struct vsctl_bridge *b, *next;
	bool real = ctl_option(c, "--real"), fake = ctl_option(c, "--fake");

	if (!real && !fake)
		real = fake = true;
	vsctl_model_refresh(v);
	HASH_ITER (hh, v->bridges, b, next)
		if (b->parent ? fake : real)
			vec_push(&names.names, b->name);
	vsctl_names_print(&names, &c->output);
	return NULL;
}

static struct error *run_br_exists(struct ctl_context *c)
{
	if (!vsctl_find_bridge(vsctl_of(c), c->argv[1]))
		c->ctl->exit_status = 2;
	return NULL;
}

static struct error *run_br_to_vlan(struct ctl_context *c)
{
	struct vsctl_bridge *b;
	struct error *error = vsctl_get_bridge(vsctl_of(c), c->argv[1], &b);

	if (!error)
		str_addf(&c->output, "%d\n", b->vlan);
	return error;
}

static struct error *run_br_to_parent(struct ctl_context *c)
{
	struct vsctl_bridge *b;
	struct error *error = vsctl_get_bridge(vsctl_of(c), c->argv[1], &b);

	if (!error)
		str_addf(&c->output, "%s\n", b->parent ? b->parent->name : b->name);
	return error;
}

// --- External ids. Those of fake bridges are with their port, under a prefix.

static struct error *prepare_external_ids(struct ctl_context *c)
{
	ctl_monitor(c->ctl, &db_bridge_class, DB_BRIDGE_EXTERNAL_IDS);
	ctl_monitor(c->ctl, &db_port_class, DB_PORT_EXTERNAL_IDS);
	return vsctl_prepare_model(c);
}

struct external_ids {
	struct db_row *row;
	unsigned int column;
	const char *prefix;
};

static struct error *find_external_ids(struct ctl_context *c, struct external_ids *ids)
{
	struct vsctl *v = vsctl_of(c);
	struct vsctl_bridge *b;
	struct error *error = vsctl_get_bridge(v, c->argv[1], &b);

	if (error)
		return error;
	*ids = (struct external_ids){b->row, DB_BRIDGE_EXTERNAL_IDS, ""};
	if (b->parent)
		*ids = (struct external_ids){vsctl_find_any_port(v, b->name)->row,
					     DB_PORT_EXTERNAL_IDS, fake_prefix};
	return NULL;
}

static struct error *run_set_external_id(struct ctl_context *c)
{
	struct external_ids ids;
	struct error *error = find_external_ids(c, &ids);
	char *key;

	if (error)
		return error;
	key = xasprintf("%s%s", ids.prefix, c->argv[2]);
	if (c->argc > 3)
		dbtxn_put_string(c->ctl->txn, ids.row, ids.column, key, c->argv[3]);
	else
		dbtxn_drop_string(c->ctl->txn, ids.row, ids.column, key);
	free(key);
	return NULL;
}

static struct error *run_get_external_id(struct ctl_context *c)
{
	struct external_ids ids;
	const struct datum *d;
	struct error *error = find_external_ids(c, &ids);
	size_t n_prefix;

	if (error)
		return error;
	d = dbtxn_read(ids.row, ids.column);
	n_prefix = strlen(ids.prefix);
	for (size_t i = 0; i < d->n; i++) {
		const char *key = atom_string(datum_key(d, i)),
			   *value = atom_string(datum_value(d, i));

		if (strncmp(key, ids.prefix, n_prefix))
			continue;
		key += n_prefix;
		if (c->argc == 2)
			str_addf(&c->output, "%s=%s\n", key, value);
		else if (!strcmp(key, c->argv[2]))
			str_addf(&c->output, "%s\n", value);
	}
	return NULL;
}

const struct ctl_command vsctl_bridge_commands[] = {
	{"add-br", 1, 3, "!NEW-BRIDGE ?PARENT ?NEW-VLAN", vsctl_prepare_model, run_add_br, NULL,
	 "--may-exist"},
	{"del-br", 1, 1, "!BRIDGE", vsctl_prepare_model, run_del_br, NULL, "--if-exists"},
	{"list-br", 0, 0, "", vsctl_prepare_model, run_list_br, NULL, "--real,--fake"},
	{"br-exists", 1, 1, "!BRIDGE", vsctl_prepare_model, run_br_exists, NULL, ""},
	{"br-to-vlan", 1, 1, "!BRIDGE", vsctl_prepare_model, run_br_to_vlan, NULL, ""},
	{"br-to-parent", 1, 1, "!BRIDGE", vsctl_prepare_model, run_br_to_parent, NULL, ""},
	{"br-set-external-id", 2, 3, "!BRIDGE !KEY ?VALUE", prepare_external_ids,
	 run_set_external_id, NULL, ""},
	{"br-get-external-id", 1, 2, "!BRIDGE ?KEY", prepare_external_ids, run_get_external_id,
	 NULL, ""},
	{0},
};
