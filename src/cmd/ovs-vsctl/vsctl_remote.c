/* SPDX-License-Identifier: Apache-2.0 */
// Controllers, fail mode, managers and the SSL configuration.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cmd/ovs-vsctl/vsctl.h"
#include "stream/stream.h"

LOG_MODULE(vsctl);

static void check_targets(char *targets[], int n)
{
	for (int i = 0; i < n; i++)
		if (!stream_is_active_name(targets[i]) && !stream_is_passive_name(targets[i]))
			log_warn("target type \"%s\" is possibly erroneous", targets[i]);
}

// Fake bridges show what their parent has.
static struct error *get_bridge_row(struct ctl_context *c, struct db_row **row)
{
	struct vsctl_bridge *b;
	struct error *error = vsctl_get_bridge(vsctl_of(c), c->argv[1], &b);

	if (!error)
		*row = b->row;
	return error;
}

static struct error *get_real_bridge_row(struct ctl_context *c, struct db_row **row)
{
	struct vsctl_bridge *b;
	struct error *error = vsctl_get_real_bridge(vsctl_of(c), c->argv[1], &b);

	if (!error)
		*row = b->row;
	return error;
}

// A column of references to rows that have a target: bridges' controllers, and managers.
struct targets {
	const struct db_table_class *class;
	unsigned int target_column, probe_column;
	struct db_row *owner;
	unsigned int owner_column;
};

static void print_targets(struct ctl_context *c, const struct targets *t)
{
	const struct datum *refs = dbtxn_read(t->owner, t->owner_column);
	struct vsctl_names names = {0};

	for (size_t i = 0; i < refs->n; i++) {
		struct db_row *row = dbtxn_find(c->ctl->db, t->class, &datum_key(refs, i)->uuid);

		if (row)
			vec_push(&names.names, vsctl_string(row, t->target_column));
	}
	vsctl_names_print(&names, &c->output);
}

static void delete_targets(struct ctl_context *c, const struct targets *t)
{
	const struct datum *refs = dbtxn_read(t->owner, t->owner_column);

	for (size_t i = 0; i < refs->n; i++) {
		struct db_row *row = dbtxn_find(c->ctl->db, t->class, &datum_key(refs, i)->uuid);

		if (row)
			dbtxn_delete(c->ctl->txn, row);
	}
	dbtxn_verify(c->ctl->txn, t->owner, t->owner_column);
	dbtxn_set_refs(c->ctl->txn, t->owner, t->owner_column, NULL, 0);
	c->ctl->database_changed = true;
}

static struct error *insert_targets(struct ctl_context *c, const struct targets *t, char *targets[],
				    int n)
{
	const char *probe_text = ctl_option(c, "--inactivity-probe");
	int64_t probe;

	if (probe_text && parse_i64(probe_text, 10, &probe))
		return error_new("--inactivity-probe: \"%s\" is not a number of milliseconds",
				 probe_text);
	for (int i = 0; i < n; i++) {
		struct db_row *row = dbtxn_insert(c->ctl->txn, t->class);

		dbtxn_set_string(c->ctl->txn, row, t->target_column, targets[i]);
		if (probe_text)
			dbtxn_set_ints(c->ctl->txn, row, t->probe_column, &probe, 1);
		dbtxn_add_ref(c->ctl->txn, t->owner, t->owner_column, row);
	}
	return NULL;
}

// --- Controllers

static struct error *prepare_controller(struct ctl_context *c)
{
	ctl_monitor(c->ctl, &db_bridge_class, DB_BRIDGE_CONTROLLER);
	ctl_monitor(c->ctl, &db_bridge_class, DB_BRIDGE_FAIL_MODE);
	ctl_monitor(c->ctl, &db_controller_class, DB_CONTROLLER_TARGET);
	return vsctl_prepare_model(c);
}

static struct targets controllers_of(struct db_row *bridge)
{
	return (struct targets){
		&db_controller_class, DB_CONTROLLER_TARGET, DB_CONTROLLER_INACTIVITY_PROBE, bridge,
		DB_BRIDGE_CONTROLLER,
	};
}

static struct error *run_get_controller(struct ctl_context *c)
{
	struct db_row *bridge;
	struct error *error = get_bridge_row(c, &bridge);
	struct targets t;

	if (error)
		return error;
	t = controllers_of(bridge);
	print_targets(c, &t);
	return NULL;
}

static struct error *run_del_controller(struct ctl_context *c)
{
	struct db_row *bridge;
	struct error *error = get_real_bridge_row(c, &bridge);
	struct targets t;

	if (error)
		return error;
	t = controllers_of(bridge);
	delete_targets(c, &t);
	return NULL;
}

static struct error *run_set_controller(struct ctl_context *c)
{
	struct db_row *bridge;
	struct error *error = get_real_bridge_row(c, &bridge);
	struct targets t;

	if (error)
		return error;
	t = controllers_of(bridge);
	check_targets(c->argv + 2, c->argc - 2);
	delete_targets(c, &t);
	return insert_targets(c, &t, c->argv + 2, c->argc - 2);
}

static struct error *run_get_fail_mode(struct ctl_context *c)
{
	struct db_row *bridge;
	struct error *error = get_bridge_row(c, &bridge);
	const char *mode;

	if (error)
		return error;
	mode = vsctl_string(bridge, DB_BRIDGE_FAIL_MODE);
	if (*mode)
		str_addf(&c->output, "%s\n", mode);
	return NULL;
}

static struct error *run_del_fail_mode(struct ctl_context *c)
{
	struct db_row *bridge;
	struct error *error = get_real_bridge_row(c, &bridge);

	if (!error)
		dbtxn_set_string(c->ctl->txn, bridge, DB_BRIDGE_FAIL_MODE, NULL);
	return error;
}

static struct error *run_set_fail_mode(struct ctl_context *c)
{
	const char *mode = c->argv[2];
	struct db_row *bridge;
	struct error *error = get_real_bridge_row(c, &bridge);

	if (error)
		return error;
	if (strcmp(mode, "standalone") && strcmp(mode, "secure"))
		return error_new("fail-mode must be \"standalone\" or \"secure\"");
	dbtxn_set_string(c->ctl->txn, bridge, DB_BRIDGE_FAIL_MODE, mode);
	return NULL;
}

// --- Managers

static struct error *prepare_manager(struct ctl_context *c)
{
	ctl_monitor(c->ctl, &db_open_vswitch_class, DB_OPEN_VSWITCH_MANAGER_OPTIONS);
	ctl_monitor(c->ctl, &db_manager_class, DB_MANAGER_TARGET);
	return NULL;
}

static struct targets managers_of(struct ctl_context *c)
{
	return (struct targets){
		&db_manager_class,
		DB_MANAGER_TARGET,
		DB_MANAGER_INACTIVITY_PROBE,
		vsctl_of(c)->open,
		DB_OPEN_VSWITCH_MANAGER_OPTIONS,
	};
}

static struct error *run_get_manager(struct ctl_context *c)
{
	struct targets t = managers_of(c);

	print_targets(c, &t);
	return NULL;
}

static struct error *run_del_manager(struct ctl_context *c)
{
	struct targets t = managers_of(c);

	delete_targets(c, &t);
	return NULL;
}

static struct error *run_set_manager(struct ctl_context *c)
{
	struct targets t = managers_of(c);

	check_targets(c->argv + 1, c->argc - 1);
	delete_targets(c, &t);
	return insert_targets(c, &t, c->argv + 1, c->argc - 1);
}

// --- SSL

static struct error *prepare_ssl(struct ctl_context *c)
{
	ctl_monitor(c->ctl, &db_open_vswitch_class, DB_OPEN_VSWITCH_SSL);
	ctl_monitor(c->ctl, &db_ssl_class, DB_SSL_PRIVATE_KEY);
	ctl_monitor(c->ctl, &db_ssl_class, DB_SSL_CERTIFICATE);
	ctl_monitor(c->ctl, &db_ssl_class, DB_SSL_CA_CERT);
	ctl_monitor(c->ctl, &db_ssl_class, DB_SSL_BOOTSTRAP_CA_CERT);
	return NULL;
}

static struct db_row *find_ssl(struct ctl_context *c)
{
	const struct datum *ssl = dbtxn_read(vsctl_of(c)->open, DB_OPEN_VSWITCH_SSL);

	return ssl->n ? dbtxn_find(c->ctl->db, &db_ssl_class, &datum_key(ssl, 0)->uuid) : NULL;
}

static struct error *run_get_ssl(struct ctl_context *c)
{
	struct db_row *ssl = find_ssl(c);

	if (!ssl)
		return NULL;
	str_addf(&c->output, "Private key: %s\n", vsctl_string(ssl, DB_SSL_PRIVATE_KEY));
	str_addf(&c->output, "Certificate: %s\n", vsctl_string(ssl, DB_SSL_CERTIFICATE));
	str_addf(&c->output, "CA Certificate: %s\n", vsctl_string(ssl, DB_SSL_CA_CERT));
	str_addf(&c->output, "Bootstrap: %s\n",
		 vsctl_boolean(ssl, DB_SSL_BOOTSTRAP_CA_CERT) ? "true" : "false");
	return NULL;
}

static struct error *run_del_ssl(struct ctl_context *c)
{
	struct db_row *ssl = find_ssl(c);

	if (!ssl)
		return NULL;
	dbtxn_verify(c->ctl->txn, vsctl_of(c)->open, DB_OPEN_VSWITCH_SSL);
	dbtxn_delete(c->ctl->txn, ssl);
	dbtxn_set_ref(c->ctl->txn, vsctl_of(c)->open, DB_OPEN_VSWITCH_SSL, NULL);
	return NULL;
}

static struct error *run_set_ssl(struct ctl_context *c)
{
	struct dbtxn *txn = c->ctl->txn;
	struct db_open_vswitch *open = (struct db_open_vswitch *)vsctl_of(c)->open;
	struct error *error = run_del_ssl(c);
	struct db_ssl *ssl;

	if (error)
		return error;
	ssl = db_ssl_insert(txn);
	db_ssl_set_private_key(txn, ssl, c->argv[1]);
	db_ssl_set_certificate(txn, ssl, c->argv[2]);
	db_ssl_set_ca_cert(txn, ssl, c->argv[3]);
	db_ssl_set_bootstrap_ca_cert(txn, ssl, ctl_option(c, "--bootstrap"));
	db_open_vswitch_set_ssl(txn, open, ssl);
	return NULL;
}

const struct ctl_command vsctl_remote_commands[] = {
	{"get-controller", 1, 1, "!BRIDGE", prepare_controller, run_get_controller, NULL, ""},
	{"del-controller", 1, 1, "!BRIDGE", prepare_controller, run_del_controller, NULL, ""},
	{"set-controller", 1, INT_MAX, "!BRIDGE +TARGET", prepare_controller, run_set_controller,
	 NULL, "--inactivity-probe="},
	{"get-fail-mode", 1, 1, "!BRIDGE", prepare_controller, run_get_fail_mode, NULL, ""},
	{"del-fail-mode", 1, 1, "!BRIDGE", prepare_controller, run_del_fail_mode, NULL, ""},
	{"set-fail-mode", 2, 2, "!BRIDGE !MODE", prepare_controller, run_set_fail_mode, NULL, ""},
	{"get-manager", 0, 0, "", prepare_manager, run_get_manager, NULL, ""},
	{"del-manager", 0, 0, "", prepare_manager, run_del_manager, NULL, ""},
	{"set-manager", 1, INT_MAX, "+TARGET", prepare_manager, run_set_manager, NULL,
	 "--inactivity-probe="},
	{"get-ssl", 0, 0, "", prepare_ssl, run_get_ssl, NULL, ""},
	{"del-ssl", 0, 0, "", prepare_ssl, run_del_ssl, NULL, ""},
	{"set-ssl", 3, 3, "!PRIVATE-KEY !CERTIFICATE !CA-CERT", prepare_ssl, run_set_ssl, NULL,
	 "--bootstrap"},
	{0},
};
