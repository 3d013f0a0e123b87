/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ovs-vsctl/vsctl.h"

enum { MAX_VLAN = 4095 };

struct error *vsctl_prepare_model(struct ctl_context *c)
{
	static const unsigned int port_columns[] = {DB_PORT_NAME, DB_PORT_FAKE_BRIDGE, DB_PORT_TAG,
						    DB_PORT_INTERFACES};

	ctl_monitor(c->ctl, &db_open_vswitch_class, DB_OPEN_VSWITCH_BRIDGES);
	ctl_monitor(c->ctl, &db_bridge_class, DB_BRIDGE_NAME);
	ctl_monitor(c->ctl, &db_bridge_class, DB_BRIDGE_PORTS);
	for (size_t i = 0; i < sizeof(port_columns) / sizeof(port_columns[0]); i++)
		ctl_monitor(c->ctl, &db_port_class, port_columns[i]);
	ctl_monitor(c->ctl, &db_interface_class, DB_INTERFACE_NAME);
	return NULL;
}

// --- Columns

const char *vsctl_string(const struct db_row *row, unsigned int column)
{
	const struct datum *d = dbtxn_read(row, column);

	return d->n ? atom_string(datum_key(d, 0)) : "";
}

int64_t vsctl_integer(const struct db_row *row, unsigned int column, int64_t otherwise)
{
	const struct datum *d = dbtxn_read(row, column);

	return d->n ? datum_key(d, 0)->integer : otherwise;
}

bool vsctl_boolean(const struct db_row *row, unsigned int column)
{
	const struct datum *d = dbtxn_read(row, column);

	return d->n && datum_key(d, 0)->boolean;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void vsctl_names_print(struct vsctl_names *names, struct str *out)
{
	if (names->names.n)
		qsort(names->names.v, names->names.n, sizeof(char *), by_text);
	VEC_FOREACH (&names->names, i)
		str_addf(out, "%s\n", names->names.v[i]);
	vec_done(&names->names);
}

// --- Changes

struct vsctl_bridge *vsctl_model_add_bridge(struct vsctl *v, const char *name, struct db_row *row,
					    struct vsctl_bridge *parent, int vlan)
{
	struct vsctl_bridge *b = XNEW(struct vsctl_bridge);

	b->name = xstrdup(name);
	b->row = row;
	b->parent = parent;
	b->vlan = vlan;
	if (parent)
		vec_push(&parent->children, b);
	HASH_ADD_KEYPTR(hh, v->bridges, b->name, strlen(b->name), b);
	return b;
}

struct vsctl_port *vsctl_model_add_port(struct vsctl *v, struct vsctl_bridge *b, const char *name,
					struct db_row *row)
{
	struct vsctl_port *p = XNEW(struct vsctl_port);

	p->name = xstrdup(name);
	p->row = row;
	p->bridge = b;
	vec_push(&b->ports, p);
	HASH_ADD_KEYPTR(hh, v->ports, p->name, strlen(p->name), p);
	return p;
}

struct vsctl_iface *vsctl_model_add_iface(struct vsctl *v, struct vsctl_port *p, const char *name,
					  struct db_row *row)
{
	struct vsctl_iface *i = XNEW(struct vsctl_iface);

	i->name = xstrdup(name);
	i->row = row;
	i->port = p;
	vec_push(&p->ifaces, i);
	HASH_ADD_KEYPTR(hh, v->ifaces, i->name, strlen(i->name), i);
	return i;
}

#define REMOVE_FROM(vec, element)                                                                  \
	do {                                                                                       \
		VEC_FOREACH (vec, at_)                                                             \
			if ((vec)->v[at_] == (element)) {                                          \
				vec_swap_remove(vec, at_);                                         \
				break;                                                             \
			}                                                                          \
	} while (0)

void vsctl_model_remove_bridge(struct vsctl *v, struct vsctl_bridge *b)
{
	if (b->parent)
		REMOVE_FROM(&b->parent->children, b);
	HASH_DELETE(hh, v->bridges, b);
	vec_done(&b->ports);
	vec_done(&b->children);
	free(b->name);
	free(b);
}

void vsctl_model_remove_iface(struct vsctl *v, struct vsctl_iface *i)
{
	REMOVE_FROM(&i->port->ifaces, i);
	HASH_DELETE(hh, v->ifaces, i);
	free(i->name);
	free(i);
}

void vsctl_model_remove_port(struct vsctl *v, struct vsctl_port *p)
{
	while (p->ifaces.n)
		vsctl_model_remove_iface(v, vec_last(&p->ifaces));
	REMOVE_FROM(&p->bridge->ports, p);
	HASH_DELETE(hh, v->ports, p);
	vec_done(&p->ifaces);
	free(p->name);
	free(p);
}

void vsctl_model_clear(struct vsctl *v)
{
	struct vsctl_port *p, *next_port;
	struct vsctl_bridge *b, *next_bridge;

	HASH_ITER (hh, v->ports, p, next_port)
		vsctl_model_remove_port(v, p);
	HASH_ITER (hh, v->bridges, b, next_bridge) {
		b->parent = NULL;
		vsctl_model_remove_bridge(v, b);
	}
}

// --- Building

static int fake_bridge_vlan(const struct db_row *port)
{
	int64_t tag = vsctl_integer(port, DB_PORT_TAG, -1);

	return vsctl_boolean(port, DB_PORT_FAKE_BRIDGE) && tag >= 0 && tag <= MAX_VLAN ? (int)tag
										       : -1;
}

static struct db_row *referred(struct vsctl *v, const struct db_table_class *class,
			       const struct datum *refs, size_t i)
{
	return dbtxn_find(v->ctl.db, class, &datum_key(refs, i)->uuid);
}

static void build_bridge(struct vsctl *v, struct db_row *row)
{
	const struct datum *ports = dbtxn_read(row, DB_BRIDGE_PORTS);
	const char *name = vsctl_string(row, DB_BRIDGE_NAME);
	struct vsctl_bridge *b;

	if (vsctl_find_bridge(v, name))
		return;
	b = vsctl_model_add_bridge(v, name, row, NULL, 0);
	for (size_t i = 0; i < ports->n; i++) {
		struct db_row *port = referred(v, &db_port_class, ports, i);
		int vlan = port ? fake_bridge_vlan(port) : -1;

		if (vlan >= 0 && !vsctl_find_bridge(v, vsctl_string(port, DB_PORT_NAME)))
			vsctl_model_add_bridge(v, vsctl_string(port, DB_PORT_NAME), row, b, vlan);
	}
}

struct vsctl_bridge *vsctl_find_vlan_bridge(struct vsctl_bridge *parent, int vlan)
{
	VEC_FOREACH (&parent->children, i)
		if (parent->children.v[i]->vlan == vlan)
			return parent->children.v[i];
	return NULL;
}

static void build_port(struct vsctl *v, struct vsctl_bridge *b, struct db_row *row)
{
	const struct datum *ifaces = dbtxn_read(row, DB_PORT_INTERFACES);
	const char *name = vsctl_string(row, DB_PORT_NAME);
	struct vsctl_bridge *vlan_bridge =
		vsctl_find_vlan_bridge(b, (int)vsctl_integer(row, DB_PORT_TAG, -1));
	struct vsctl_port *p;

	if (vsctl_find_any_port(v, name))
		return;
	p = vsctl_model_add_port(v, vlan_bridge ? vlan_bridge : b, name, row);
	for (size_t i = 0; i < ifaces->n; i++) {
		struct db_row *iface = referred(v, &db_interface_class, ifaces, i);
		struct vsctl_iface *there = NULL;
		const char *iface_name = iface ? vsctl_string(iface, DB_INTERFACE_NAME) : "";

		HASH_FIND_STR(v->ifaces, iface_name, there);
		if (iface && !there)
			vsctl_model_add_iface(v, p, iface_name, iface);
	}
}

void vsctl_model_refresh(struct vsctl *v)
{
	const struct datum *bridges;
	struct vsctl_bridge *b, *next;

	if (!v->ctl.database_changed)
		return;
	v->ctl.database_changed = false;
	vsctl_model_clear(v);
	bridges = dbtxn_read(v->open, DB_OPEN_VSWITCH_BRIDGES);
	for (size_t i = 0; i < bridges->n; i++) {
		struct db_row *row = referred(v, &db_bridge_class, bridges, i);

		if (row)
			build_bridge(v, row);
	}
	HASH_ITER (hh, v->bridges, b, next) {
		const struct datum *ports = b->parent ? NULL : dbtxn_read(b->row, DB_BRIDGE_PORTS);

		for (size_t i = 0; ports && i < ports->n; i++) {
			struct db_row *row = referred(v, &db_port_class, ports, i);

			if (row)
				build_port(v, b, row);
		}
	}
}

// --- Lookups

struct vsctl_bridge *vsctl_find_bridge(struct vsctl *v, const char *name)
{
	struct vsctl_bridge *b;

	vsctl_model_refresh(v);
	HASH_FIND_STR(v->bridges, name, b);
	return b;
}

struct error *vsctl_get_bridge(struct vsctl *v, const char *name, struct vsctl_bridge **b)
{
	*b = vsctl_find_bridge(v, name);
	return *b ? NULL : error_new("no bridge named %s", name);
}

struct error *vsctl_get_real_bridge(struct vsctl *v, const char *name, struct vsctl_bridge **b)
{
	struct error *error = vsctl_get_bridge(v, name, b);

	if (!error && (*b)->parent)
		error = error_new("%s is a fake bridge", name);
	return error;
}

struct vsctl_port *vsctl_find_any_port(struct vsctl *v, const char *name)
{
	struct vsctl_port *p;

	vsctl_model_refresh(v);
	HASH_FIND_STR(v->ports, name, p);
	return p;
}

struct vsctl_port *vsctl_find_port(struct vsctl *v, const char *name)
{
	struct vsctl_port *p = vsctl_find_any_port(v, name);

	return p && !vsctl_is_local_port(p) ? p : NULL;
}

struct error *vsctl_get_port(struct vsctl *v, const char *name, struct vsctl_port **p)
{
	*p = vsctl_find_port(v, name);
	return *p ? NULL : error_new("no port named %s", name);
}

struct vsctl_iface *vsctl_find_iface(struct vsctl *v, const char *name)
{
	struct vsctl_iface *i;

	vsctl_model_refresh(v);
	HASH_FIND_STR(v->ifaces, name, i);
	return i && strcmp(name, i->port->bridge->name) ? i : NULL;
}

struct error *vsctl_get_iface(struct vsctl *v, const char *name, struct vsctl_iface **i)
{
	*i = vsctl_find_iface(v, name);
	return *i ? NULL : error_new("no interface named %s", name);
}

struct error *vsctl_check_name_is_free(struct vsctl *v, const char *name, const char *what)
{
	struct vsctl_port *p;
	struct vsctl_iface *i;

	if (vsctl_find_bridge(v, name))
		return error_new("%s because a bridge named %s already exists", what, name);
	p = vsctl_find_any_port(v, name);
	if (p)
		return error_new("%s because a port named %s already exists on bridge %s", what,
				 name, p->bridge->name);
	HASH_FIND_STR(v->ifaces, name, i);
	if (i)
		return error_new("%s because an interface named %s already exists on bridge %s",
				 what, name, i->port->bridge->name);
	return NULL;
}

void vsctl_delete_port(struct vsctl *v, struct vsctl_port *p)
{
	struct db_row *row = p->row;

	dbtxn_remove_ref(v->ctl.txn, p->bridge->row, DB_BRIDGE_PORTS, row);
	VEC_FOREACH (&p->ifaces, i)
		dbtxn_delete(v->ctl.txn, p->ifaces.v[i]->row);
	vsctl_model_remove_port(v, p);
	dbtxn_delete(v->ctl.txn, row);
}
