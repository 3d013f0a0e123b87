/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ovs-vsctl/vsctl_scope.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool adds_port(const struct ctl_context *c)
{
	return !strcmp(c->command->name, "add-port");
}

static bool is_added(const struct ctl_commands *commands, const char *name)
{
	for (size_t i = 0; i < commands->n; i++)
		if (adds_port(&commands->v[i]) && !strcmp(commands->v[i].argv[2], name))
			return true;
	return false;
}

// Does it need no port or interface but those that are added?
static bool is_narrow(const struct ctl_commands *commands, const struct ctl_context *c)
{
	const struct db_table_class *table;
	if (adds_port(c))
		return true;
	if (strcmp(c->command->name, "set"))
		return false;
	struct error *e = ctl_find_table(c->ctl->program->database, c->argv[1], &table);
	bool found = !e;
	error_free(e);
	return found && ((table != &db_port_class && table != &db_interface_class) ||
			 is_added(commands, c->argv[2]));
}

void vsctl_scope_narrow(struct vsctl *v, const struct ctl_commands *commands)
{
	bool any = false;
	for (size_t i = 0; i < commands->n; i++) {
		if (!is_narrow(commands, &commands->v[i]))
			return;
		any |= adds_port(&commands->v[i]);
	}
	if (!any)
		return;
	json_t *ports = json_pack("[[s, s, b]]", "fake_bridge", "==", 1), *ifaces = json_array();
	for (size_t i = 0; i < commands->n; i++) {
		if (!adds_port(&commands->v[i]))
			continue;
		json_t *clause = json_pack("[s, s, s]", "name", "==", commands->v[i].argv[2]);
		json_array_append(ports, clause);
		json_array_append_new(ifaces, clause);
	}
	dbclient_set_condition(v->ctl.db, &db_port_class, ports);
	dbclient_set_condition(v->ctl.db, &db_interface_class, ifaces);
	v->narrow = true;
}

static bool has_port(const struct vsctl *v, const struct db_interface *iface)
{
	DB_FOREACH (db_port, port, v->ctl.db)
		for (size_t i = 0; i < port->n_interfaces; i++)
			if (port->interfaces[i] == iface)
				return true;
	return false;
}

// A bond of that name has interfaces of others.
static bool shows_all(const struct db_port *port)
{
	return port->fake_bridge ||
	       dbtxn_read(&port->row, DB_PORT_INTERFACES)->n == port->n_interfaces;
}

bool vsctl_scope_widen(struct vsctl *v)
{
	bool hidden = false;
	if (!v->narrow)
		return false;
	DB_FOREACH (db_interface, iface, v->ctl.db)
		hidden |= !has_port(v, iface);
	DB_FOREACH (db_port, port, v->ctl.db)
		hidden |= !shows_all(port);
	if (!hidden)
		return false;
	dbclient_set_condition(v->ctl.db, &db_port_class, NULL);
	dbclient_set_condition(v->ctl.db, &db_interface_class, NULL);
	v->narrow = false;
	return true;
}
