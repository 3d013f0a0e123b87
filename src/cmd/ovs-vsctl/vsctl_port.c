/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ovs-vsctl/vsctl.h"

// --- Adding ports and bonds

// What tells whether a new interface came up.
static struct error *prepare_new_iface(struct ctl_context *c)
{
	if (vsctl_of(c)->waits) {
		ctl_monitor(c->ctl, &db_interface_class, DB_INTERFACE_OFPORT);
		ctl_monitor(c->ctl, &db_interface_class, DB_INTERFACE_ERROR);
	}
	return vsctl_prepare_model(c);
}

// The first argument that is a setting, not an interface.
static int first_setting(const struct ctl_context *c)
{
	int i = 3;

	while (i < c->argc && !strchr(c->argv[i], '='))
		i++;
	return i;
}

static struct error *prepare_add_bond(struct ctl_context *c)
{
	int n_ifaces = first_setting(c) - 3;

	if (n_ifaces < 2)
		return error_new(
			"add-bond requires at least 2 interfaces, but only %d were specified",
			n_ifaces);
	return prepare_new_iface(c);
}

struct new_port {
	const char *command, *bridge, *name;
	char **ifaces;
	int n_ifaces;
	char **settings;
	int n_settings;
	bool fake_iface;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The names of a port's interfaces, sorted. Free the vector.
static struct vsctl_names iface_names(const struct vsctl_port *p)
{
	struct vsctl_names names = {0};

	VEC_FOREACH (&p->ifaces, i)
		vec_push(&names.names, p->ifaces.v[i]->name);
	if (names.names.n)
		qsort(names.names.v, names.names.n, sizeof(char *), by_text);
	return names;
}

// Whether the port has exactly these interfaces, in any order.
static bool same_ifaces(const struct vsctl_names *have, const struct new_port *want)
{
	char **sorted = xmemdup(want->ifaces, (size_t)want->n_ifaces * sizeof(char *));
	bool same = have->names.n == (size_t)want->n_ifaces;

	qsort(sorted, (size_t)want->n_ifaces, sizeof(char *), by_text);
	for (int i = 0; same && i < want->n_ifaces; i++)
		same = !strcmp(sorted[i], have->names.v[i]);
	free(sorted);
	return same;
}

// --may-exist of a port that exists: it must be what was asked for.
static struct error *check_same_port(const struct vsctl_port *p, const struct new_port *want,
				     const char *command_line)
{
	struct vsctl_names have = iface_names(p);
	struct error *error = NULL;

	if (strcmp(p->bridge->name, want->bridge)) {
		error = error_new("\"%s\" but %s is actually attached to bridge %s", command_line,
				  want->name, p->bridge->name);
	} else if (!same_ifaces(&have, want)) {
		struct str names = STR_INIT;

		VEC_FOREACH (&have.names, i)
			str_addf(&names, "%s%s", i ? ", " : "", have.names.v[i]);
		error = error_new("\"%s\" but %s actually has interface(s) %s", command_line,
				  want->name, str_cstr(&names));
		str_done(&names);
	}
	vec_done(&have.names);
	return error;
}

static char *may_exist_text(const struct new_port *want)
{
	struct str s = STR_INIT;

	str_addf(&s, "--may-exist %s %s %s", want->command, want->bridge, want->name);
	// A plain port's interface goes without saying.
	for (int i = 0; i < want->n_ifaces && strcmp(want->command, "add-port"); i++)
		str_addf(&s, " %s", want->ifaces[i]);
	return str_take(&s);
}

static struct error *check_names_are_free(struct vsctl *v, const struct new_port *want)
{
	char *what = xasprintf("cannot create a port named %s", want->name);
	struct error *error = vsctl_check_name_is_free(v, want->name, what);

	free(what);
	for (int i = 0; i < want->n_ifaces && !error; i++) {
		what = xasprintf("cannot create an interface named %s", want->ifaces[i]);
		error = vsctl_check_name_is_free(v, want->ifaces[i], what);
		free(what);
	}
	return error;
}

static struct db_row *insert_iface(struct vsctl *v, const char *name)
{
	struct db_interface *iface = db_interface_insert(v->ctl.txn);

	db_interface_set_name(v->ctl.txn, iface, name);
	vec_push(&v->added_ifaces, xstrdup(name));
	return &iface->row;
}

static struct error *insert_port(struct ctl_context *c, struct vsctl_bridge *b,
				 const struct new_port *want)
{
	struct vsctl *v = vsctl_of(c);
	struct dbtxn *txn = v->ctl.txn;
	struct db_port *port = db_port_insert(txn);
	struct vsctl_port *p;
	struct error *error = NULL;

	db_port_set_name(txn, port, want->name);
	db_port_set_bond_fake_iface(txn, port, want->fake_iface);
	if (b->parent)
		db_port_set_tag(txn, port, &(int64_t){b->vlan}, 1);
	db_bridge_add_ports(txn, (struct db_bridge *)b->row, port);
	p = vsctl_model_add_port(v, b, want->name, &port->row);
	for (int i = 0; i < want->n_ifaces; i++) {
		struct db_row *iface = insert_iface(v, want->ifaces[i]);

		dbtxn_add_ref(txn, &port->row, DB_PORT_INTERFACES, iface);
		// A name given twice is refused by the database.
		vsctl_model_add_iface(v, p, want->ifaces[i], iface);
	}
	for (int i = 0; i < want->n_settings && !error; i++)
		error = ctl_set_argument(c, &port->row, want->settings[i], true);
	return error;
}

static struct error *add_port(struct ctl_context *c, const struct new_port *want)
{
	struct vsctl *v = vsctl_of(c);
	struct vsctl_bridge *b;
	struct vsctl_port *p;
	struct error *error;

	if (!*want->name)
		return error_new("port name must not be empty string");
	p = vsctl_find_port(v, want->name);
	if (p && ctl_option(c, "--may-exist")) {
		char *text = may_exist_text(want);

		error = check_same_port(p, want, text);
		free(text);
		return error;
	}
	error = check_names_are_free(v, want);
	if (!error)
		error = vsctl_get_bridge(v, want->bridge, &b);
	return error ? error : insert_port(c, b, want);
}

static struct error *run_add_port(struct ctl_context *c)
{
	struct new_port want = {
		.command = c->argv[0],
		.bridge = c->argv[1],
		.name = c->argv[2],
		.ifaces = &c->argv[2],
		.n_ifaces = 1,
		.settings = &c->argv[3],
		.n_settings = c->argc - 3,
	};

	return add_port(c, &want);
}

static struct error *run_add_bond(struct ctl_context *c)
{
	int setting = first_setting(c);
	struct new_port want = {
		.command = c->argv[0],
		.bridge = c->argv[1],
		.name = c->argv[2],
		.ifaces = &c->argv[3],
		.n_ifaces = setting - 3,
		.settings = &c->argv[setting],
		.n_settings = c->argc - setting,
		.fake_iface = ctl_option(c, "--fake-iface"),
	};

	return add_port(c, &want);
}

static struct error *run_add_bond_iface(struct ctl_context *c)
{
	struct vsctl *v = vsctl_of(c);
	const char *name = c->argv[2];
	struct vsctl_iface *iface;
	struct vsctl_port *p;
	struct error *error = vsctl_get_port(v, c->argv[1], &p);
	struct db_row *row;
	char *what;

	if (error)
		return error;
	iface = vsctl_find_iface(v, name);
	if (iface && ctl_option(c, "--may-exist")) {
		if (iface->port == p)
			return NULL;
		return error_new("\"--may-exist add-bond-iface %s %s\" but %s is actually attached "
				 "to port %s",
				 c->argv[1], name, name, iface->port->name);
	}
	what = xasprintf("cannot create an interface named %s", name);
	error = vsctl_check_name_is_free(v, name, what);
	free(what);
	if (error)
		return error;
	row = insert_iface(v, name);
	dbtxn_add_ref(v->ctl.txn, p->row, DB_PORT_INTERFACES, row);
	vsctl_model_add_iface(v, p, name, row);
	return NULL;
}

// --- Deleting

static struct error *run_del_bond_iface(struct ctl_context *c)
{
	struct vsctl *v = vsctl_of(c);
	const char *name = c->argv[c->argc - 1];
	struct vsctl_port *p = NULL;
	struct vsctl_iface *iface;
	struct error *error = c->argc == 3 ? vsctl_get_port(v, c->argv[1], &p) : NULL;
	struct db_row *row;

	if (error)
		return error;
	iface = vsctl_find_iface(v, name);
	if (!iface)
		return ctl_option(c, "--if-exists") ? NULL
						    : error_new("no interface named %s", name);
	if (p && iface->port != p)
		return error_new("port %s does not have an interface %s", c->argv[1], name);
	p = iface->port;
	if (p->ifaces.n == 1)
		return error_new("cannot delete last interface from port %s", p->name);
	row = iface->row;
	dbtxn_remove_ref(v->ctl.txn, p->row, DB_PORT_INTERFACES, row);
	vsctl_model_remove_iface(v, iface);
	dbtxn_delete(v->ctl.txn, row);
	return NULL;
}

// The port to delete; NULL when it is not there and need not be.
static struct error *find_port_to_delete(struct ctl_context *c, const char *name,
					 struct vsctl_port **p)
{
	struct vsctl *v = vsctl_of(c);
	bool with_iface = ctl_option(c, "--with-iface");
	struct vsctl_bridge *b;

	*p = vsctl_find_port(v, name);
	if (*p)
		return NULL;
	if (with_iface) {
		struct vsctl_iface *iface = vsctl_find_iface(v, name);

		if (iface) {
			*p = iface->port;
			return NULL;
		}
	}
	if (ctl_option(c, "--if-exists"))
		return NULL; // also for the local port of a bridge, which is none that can be
			     // deleted
	b = vsctl_find_bridge(v, name);
	if (b)
		return error_new("cannot delete port %s because it is the local port for bridge %s "
				 "(deleting this port requires deleting the entire bridge)",
				 name, name);
	return error_new("no port %snamed %s", with_iface ? "or interface " : "", name);
}

static struct error *check_port_is_on(const struct vsctl_port *p, const struct vsctl_bridge *b,
				      const char *name)
{
	if (p->bridge == b)
		return NULL;
	if (p->bridge->parent == b)
		return error_new(
			"bridge %s does not have a port %s (although its child bridge %s does)",
			b->name, name, p->bridge->name);
	return error_new("bridge %s does not have a port %s", b->name, name);
}

static struct error *run_del_port(struct ctl_context *c)
{
	struct vsctl *v = vsctl_of(c);
	const char *name = c->argv[c->argc - 1];
	struct vsctl_port *p;
	struct error *error = find_port_to_delete(c, name, &p);

	if (error || !p)
		return error;
	if (c->argc == 3) {
		struct vsctl_bridge *b;

		error = vsctl_get_bridge(v, c->argv[1], &b);
		if (!error)
			error = check_port_is_on(p, b, name);
		if (error)
			return error;
	}
	vsctl_delete_port(v, p);
	return NULL;
}

// --- Asking

static struct error *run_list_ports(struct ctl_context *c)
{
	struct vsctl_names names = {0};
	struct vsctl_bridge *b;
	struct error *error = vsctl_get_bridge(vsctl_of(c), c->argv[1], &b);

	if (error)
		return error;
	VEC_FOREACH (&b->ports, i)
		if (!vsctl_is_local_port(b->ports.v[i]))
			vec_push(&names.names, b->ports.v[i]->name);
	vsctl_names_print(&names, &c->output);
	return NULL;
}

static struct error *run_list_ifaces(struct ctl_context *c)
{
	struct vsctl_names names = {0};
	struct vsctl_bridge *b;
	struct error *error = vsctl_get_bridge(vsctl_of(c), c->argv[1], &b);

	if (error)
		return error;
	VEC_FOREACH (&b->ports, i) {
		struct vsctl_port *p = b->ports.v[i];

		VEC_FOREACH (&p->ifaces, j)
			if (strcmp(p->ifaces.v[j]->name, b->name))
				vec_push(&names.names, p->ifaces.v[j]->name);
	}
	vsctl_names_print(&names, &c->output);
	return NULL;
}

static struct error *run_port_to_br(struct ctl_context *c)
{
	struct vsctl_port *p;
	struct error *error = vsctl_get_port(vsctl_of(c), c->argv[1], &p);

	if (!error)
		str_addf(&c->output, "%s\n", p->bridge->name);
	return error;
}

static struct error *run_iface_to_br(struct ctl_context *c)
{
	struct vsctl_iface *i;
	struct error *error = vsctl_get_iface(vsctl_of(c), c->argv[1], &i);

	if (!error)
		str_addf(&c->output, "%s\n", i->port->bridge->name);
	return error;
}

const struct ctl_command vsctl_port_commands[] = {
	{"list-ports", 1, 1, "!BRIDGE", vsctl_prepare_model, run_list_ports, NULL, ""},
	{"add-port", 2, INT_MAX, "!BRIDGE !NEW-PORT *COLUMN?:KEY=VALUE", prepare_new_iface,
	 run_add_port, NULL, "--may-exist"},
	{"add-bond", 4, INT_MAX, "!BRIDGE !BOND +IFACE *COLUMN?:KEY=VALUE", prepare_add_bond,
	 run_add_bond, NULL, "--may-exist,--fake-iface"},
	{"add-bond-iface", 2, 2, "!BOND !IFACE", prepare_new_iface, run_add_bond_iface, NULL,
	 "--may-exist"},
	{"del-bond-iface", 1, 2, "?BOND !IFACE", vsctl_prepare_model, run_del_bond_iface, NULL,
	 "--if-exists"},
	{"del-port", 1, 2, "?BRIDGE !PORT|IFACE", vsctl_prepare_model, run_del_port, NULL,
	 "--if-exists,--with-iface"},
	{"port-to-br", 1, 1, "!PORT", vsctl_prepare_model, run_port_to_br, NULL, ""},
	{"list-ifaces", 1, 1, "!BRIDGE", vsctl_prepare_model, run_list_ifaces, NULL, ""},
	{"iface-to-br", 1, 1, "!IFACE", vsctl_prepare_model, run_iface_to_br, NULL, ""},
	{0},
};
