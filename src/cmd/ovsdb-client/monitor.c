/* SPDX-License-Identifier: Apache-2.0 */
// The commands that go on: monitor and its kin, lock, steal, unlock. They run on a loop, so that
// they can be daemons with a command channel.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "client.h"
#include "ovsdb/condition.h"
#include "ovsdb/monitor.h"
#include "rpc/appctl.h"

struct watched_table {
	const struct table_schema *schema;
	VEC(const struct column_schema *) columns; // in the order they are shown
	json_t *requests;			   // <monitor-request>s
};

// A connection that stays.
struct going {
	struct client *c;
	struct loop *loop;
	struct jsonrpc *rpc;
	struct stream_listener *listener; // where the server is to connect to us
	struct appctl *appctl;
	json_t *request_id, *aware_id; // of the command, of set_db_change_aware
	const char *method;
	json_t *params;
	int signal;
	bool ready;
	// For monitors.
	struct db_schema *schema;
	VEC(struct watched_table) tables;
	enum monitor_version version;
	bool captions;
};

// --- The connection.

static void become_ready(struct going *g)
{
	fflush(stdout);
	if (!g->ready)
		daemon_ready();
	g->ready = true;
}

static void on_reply(struct going *, const json_t *result);
static void on_notify(struct going *, const struct jsonrpc_message *);

static void on_connected(void *going_)
{
	struct going *g = going_;
	struct jsonrpc_message *m;
	if (g->c->db_change_aware >= 0) {
		m = jsonrpc_request("set_db_change_aware", json_pack("[b]", g->c->db_change_aware));
		g->aware_id = json_incref(m->id);
		jsonrpc_send(g->rpc, m);
	}
	m = jsonrpc_request(g->method, g->params);
	g->params = NULL;
	g->request_id = json_incref(m->id);
	jsonrpc_send(g->rpc, m);
}

static void on_message(void *going_, struct jsonrpc_message *m)
{
	struct going *g = going_;
	if (g->aware_id && json_equal(m->id, g->aware_id)) {
		jsonrpc_message_free(m);
		return;
	}
	if (m->type == JSONRPC_ERROR) {
		char *text = db_json_text(m->error);
		command_die("%s: %s failed: %s", g->c->server, g->method, text);
	}
	if (m->type == JSONRPC_REPLY) {
		on_reply(g, m->result);
		become_ready(g);
	} else if (m->type == JSONRPC_NOTIFY) {
		on_notify(g, m);
		fflush(stdout);
	}
	jsonrpc_message_free(m);
}

static void on_closed(void *going_, int error)
{
	struct going *g = going_;
	if (!g->request_id)
		command_die("failed to connect to \"%s\" (%s)", g->c->server, strerror(error));
	command_die("%s: receive failed (%s)", g->c->server,
		    error == EOF ? "End of file" : strerror(error));
}

static const struct jsonrpc_callbacks callbacks = {on_connected, on_message, on_closed, NULL};

static void on_accept(void *going_, struct stream *stream)
{
	struct going *g = going_;
	if (g->rpc) {
		stream_free(stream);
		return;
	}
	g->rpc = jsonrpc_new(g->loop, stream, &callbacks, g);
	on_connected(g);
}

static void on_exit_command(struct appctl_call *call, int argc, const char *argv[], void *going_)
{
	struct going *g = going_;
	appctl_reply(call, NULL);
	loop_stop(g->loop);
}

static void on_lock_command(struct appctl_call *call, int argc, const char *argv[], void *going_)
{
	struct going *g = going_;
	jsonrpc_send(g->rpc, jsonrpc_request(argv[0], json_pack("[s]", argv[1])));
	appctl_reply(call, NULL);
}

static void on_signal(void *going_, int number)
{
	struct going *g = going_;
	g->signal = number;
	loop_stop(g->loop);
}

static void check(struct error *error)
{
	if (error)
		command_die("%s", error_text(error));
}

// Connects, sends the request, and runs until it is told to stop. Takes params.
static void go(struct going *g, const char *method, json_t *params)
{
	static const char *const lock_commands[] = {"lock", "steal", "unlock"};
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct loop_signal *handlers[3];
	g->method = method;
	g->params = params;
	daemon_start(&g->c->daemon);
	g->loop = loop_new();
	stream_tls_attach(g->c->tls, g->loop);
	if (g->c->daemon.detach || g->c->unixctl) {
		check(appctl_new(g->loop, g->c->unixctl, &g->appctl));
		appctl_register(g->appctl, "exit", "", 0, 0, on_exit_command, g);
		for (int i = 0; i < 3 && !g->schema; i++)
			appctl_register(g->appctl, lock_commands[i], "LOCK", 1, 1, on_lock_command,
					g);
	}
	for (int i = 0; i < 3; i++)
		handlers[i] = loop_signal_add(g->loop, signals[i], on_signal, g);
	if (stream_is_passive_name(g->c->server))
		check(stream_listen(g->loop, g->c->server, JSONRPC_PORT, on_accept, g,
				    &g->listener));
	else
		check(jsonrpc_connect(g->loop, g->c->server, false, &callbacks, g, &g->rpc));
	loop_run(g->loop);
	for (int i = 0; i < 3; i++)
		loop_signal_remove(handlers[i]);
	jsonrpc_free(g->rpc);
	stream_listener_free(g->listener);
	appctl_free(g->appctl);
	json_decref(g->request_id);
	json_decref(g->aware_id);
	loop_free(g->loop);
	daemon_done();
	if (g->signal) {
		fflush(stdout);
		signal(g->signal, SIG_DFL);
		raise(g->signal);
	}
}

// --- Locks.

void client_lock(struct client *c, int argc, char *argv[])
{
	struct going g = {.c = c};
	if (strchr(c->server, ',')) {
		client_connect(c, NULL);
		jsonrpc_client_close(c->rpc);
		c->rpc = NULL;
	}
	go(&g, argv[0], json_pack("[s]", argv[1]));
}

// --- What to watch.

static struct watched_table *watch(struct going *g, const char *name)
{
	const struct table_schema *schema = db_schema_find_table(g->schema, name);
	if (!schema && g->version == MONITOR_V1)
		command_die("%s: %s does not have a table named \"%s\"", g->c->server,
			    g->c->database, name);
	if (!schema)
		command_die("%s does not have a table named \"%s\"", g->c->database, name);
	struct watched_table *t = vec_extend(&g->tables);
	*t = (struct watched_table){.schema = schema, .requests = json_array()};
	return t;
}

static void watch_column(const struct going *g, struct watched_table *t,
			 const struct column_schema *c, json_t *names)
{
	VEC_FOREACH (&t->columns, i)
		if (t->columns.v[i] == c)
			command_die("%s: column \"%s\" mentioned multiple times", g->c->server,
				    c->name);
	vec_push(&t->columns, c);
	json_array_append_new(names, json_string(c->name));
}

// One group of columns: "a,b,!initial"; NULL: all.
static void watch_group(struct going *g, struct watched_table *t, const char *group)
{
	static const char *const kinds[] = {"initial", "insert", "delete", "modify"};
	const struct table_schema *schema = t->schema;
	json_t *names = json_array(), *select = json_object(), *request = json_object();
	char *copy = xstrdup(group ? group : ""), *rest = copy, *word;
	for (int i = 0; i < 4; i++)
		json_object_set_new(select, kinds[i], json_true());
	while ((word = strsep(&rest, ","))) {
		if (!*word)
			continue;
		if (*word == '!' && json_object_get(select, word + 1)) {
			json_object_set_new(select, word + 1, json_false());
			continue;
		}
		const struct column_schema *c = table_schema_find_column(schema, word);
		if (!c)
			command_die("%s: table \"%s\" in %s does not have a column named \"%s\"",
				    g->c->server, schema->name, g->c->database, word);
		watch_column(g, t, c, names);
	}
	free(copy);
	if (!json_array_size(names)) {
		for (unsigned int i = N_STD_COLUMNS; i < schema->n_columns; i++)
			watch_column(g, t, schema->columns[i], names);
		watch_column(g, t, schema->columns[COLUMN_VERSION], names);
	}
	json_object_set_new(request, "columns", names);
	json_object_set_new(request, "select", select);
	json_array_append_new(t->requests, request);
}

static void watch_groups(struct going *g, const char *table, int argc, char *argv[])
{
	struct watched_table *t = watch(g, table);
	if (!argc)
		watch_group(g, t, NULL);
	for (int i = 0; i < argc; i++)
		watch_group(g, t, argv[i]);
}

// --- Printing.

static void add_row(const struct watched_table *t, struct text_table *out, const char *uuid,
		    const char *action, const json_t *row)
{
	text_table_add_text(out, uuid);
	text_table_add_text(out, action);
	VEC_FOREACH (&t->columns, i) {
		const struct column_schema *c = t->columns.v[i];
		const json_t *value = json_object_get(row, c->name);
		struct datum d;
		struct db_error *error =
			value ? datum_from_json_any_size(&d, &c->type, value, NULL) : NULL;
		if (!value || error) {
			text_table_add_empty(out);
			db_error_free(error);
			continue;
		}
		text_table_add_datum(out, &d, &c->type);
		datum_done(&d);
	}
}

static void add_update(const struct watched_table *t, struct text_table *out, const char *uuid,
		       const json_t *update, bool initial)
{
	static const char *const kinds[] = {"initial", "insert", "delete", "modify"};
	const json_t *old = json_object_get(update, "old"), *new = json_object_get(update, "new");
	for (int i = 0; i < 4; i++) {
		const json_t *row = json_object_get(update, kinds[i]);
		if (row)
			add_row(t, out, uuid, kinds[i], row);
	}
	if (old && new) {
		add_row(t, out, uuid, "old", old);
		add_row(t, out, "", "new", new);
	} else if (old) {
		add_row(t, out, uuid, "delete", old);
	} else if (new) {
		add_row(t, out, uuid, initial ? "initial" : "insert", new);
	}
}

static void print_updates(struct going *g, const json_t *updates, bool initial)
{
	VEC_FOREACH (&g->tables, i) {
		const struct watched_table *t = &g->tables.v[i];
		json_t *rows = json_object_get(updates, t->schema->name), *update;
		struct text_table out = TEXT_TABLE_INIT;
		const char *uuid;
		if (!json_object_size(rows))
			continue;
		out.timestamp = true;
		if (g->captions)
			text_table_set_caption(&out, "%s", t->schema->name);
		text_table_add_column(&out, "row");
		text_table_add_column(&out, "action");
		VEC_FOREACH (&t->columns, j)
			text_table_add_column(&out, t->columns.v[j]->name);
		json_object_foreach (rows, uuid, update)
			add_update(t, &out, uuid, update, initial);
		text_table_print(&out, &g->c->style, stdout);
		text_table_done(&out);
	}
}

static void on_reply(struct going *g, const json_t *result)
{
	if (!g->schema) {
		client_print_json(g->c, result);
		return;
	}
	if (g->version == MONITOR_V3) {
		if (!json_is_string(json_array_get(result, 1)))
			command_die("%s: the reply to monitor_cond_since has no transaction ID",
				    g->c->server);
		printf("found: %s, last_id: %s\n",
		       json_is_true(json_array_get(result, 0)) ? "true" : "false",
		       json_string_value(json_array_get(result, 1)));
		result = json_array_get(result, 2);
	}
	print_updates(g, result, true);
}

static void on_notify(struct going *g, const struct jsonrpc_message *m)
{
	if (!g->schema) {
		puts(m->method);
		client_print_json(g->c, m->params);
		return;
	}
	if (!strcmp(m->method, "update3") && json_is_string(json_array_get(m->params, 1))) {
		printf("\nlast_id: %s", json_string_value(json_array_get(m->params, 1)));
		g->c->style.any_printed = true; // the table begins in a new line
		print_updates(g, json_array_get(m->params, 2), false);
	} else if (!strcmp(m->method, "update") || !strcmp(m->method, "update2")) {
		print_updates(g, json_array_get(m->params, 1), false);
	} else if (!strcmp(m->method, "monitor_canceled")) {
		command_die("%s: %s database was removed", g->c->server, g->c->database);
	}
}

// --- The commands.

static void monitor(struct going *g, json_t *condition, const char *last)
{
	static const char *const methods[] = {"monitor", "monitor_cond", "monitor_cond_since"};
	json_t *requests = json_object();
	VEC_FOREACH (&g->tables, i) {
		struct watched_table *t = &g->tables.v[i];
		if (condition)
			json_object_set(json_array_get(t->requests, 0), "where", condition);
		json_object_set(requests, t->schema->name, t->requests);
	}
	json_t *params = json_pack("[s, n, o]", g->c->database, requests);
	if (last)
		json_array_append_new(params, json_string(last));
	// The connection that got the schema is not the one that stays: a daemon is another
	// process.
	jsonrpc_client_close(g->c->rpc);
	g->c->rpc = NULL;
	go(g, methods[g->version], params);
	VEC_FOREACH (&g->tables, i) {
		json_decref(g->tables.v[i].requests);
		vec_done(&g->tables.v[i].columns);
	}
	vec_done(&g->tables);
	db_schema_free(g->schema);
	json_decref(condition);
}

void client_monitor(struct client *c, int argc, char *argv[])
{
	struct going g = {
		.c = c, .schema = client_get_schema(c, c->database), .version = MONITOR_V1};
	if (!strcmp(argv[1], "ALL")) {
		g.captions = true;
		for (unsigned int i = 0; i < g.schema->n_tables; i++)
			watch_groups(&g, g.schema->tables[i]->name, argc - 2, argv + 2);
	} else {
		watch_groups(&g, argv[1], argc - 2, argv + 2);
	}
	monitor(&g, NULL, NULL);
}

// The condition for the one table that is watched. Mistakes in it are told before the server is
// asked.
static json_t *parse_condition(const struct going *g, const char *text)
{
	struct condition condition;
	json_t *json = client_parse_json(text);
	if (!json_is_array(json))
		command_die("condition must be a JSON array");
	struct db_error *error = condition_from_json(&condition, g->tables.v[0].schema, json, NULL);
	if (error)
		command_die("%s", db_error_to_text(error));
	condition_done(&condition);
	return json;
}

void client_monitor_cond(struct client *c, int argc, char *argv[])
{
	struct going g = {
		.c = c, .schema = client_get_schema(c, c->database), .version = MONITOR_V2};
	watch_groups(&g, argv[2], argc - 3, argv + 3);
	monitor(&g, parse_condition(&g, argv[1]), NULL);
}

void client_monitor_cond_since(struct client *c, int argc, char *argv[])
{
	struct going g = {
		.c = c, .schema = client_get_schema(c, c->database), .version = MONITOR_V3};
	const char *last = "00000000-0000-0000-0000-000000000000";
	struct uuid uuid;
	if (uuid_parse(argv[1], &uuid)) {
		last = argv[1];
		argc--, argv++;
		if (argc < 3)
			command_die(
				"invalid syntax for 'monitor-cond-since' (use --help for help)");
	}
	watch_groups(&g, argv[2], argc - 3, argv + 3);
	monitor(&g, parse_condition(&g, argv[1]), last);
}

// --- wait

enum wait_for { WAIT_ADDED, WAIT_CONNECTED, WAIT_REMOVED };

// Whether the rows of _Server's Database table say what is waited for.
static bool is_reached(const json_t *rows, const char *database, enum wait_for state)
{
	size_t i;
	json_t *row;
	json_array_foreach ((json_t *)rows, i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));
		if (!name || strcmp(name, database))
			continue;
		return state == WAIT_ADDED ||
		       (state == WAIT_CONNECTED && json_is_true(json_object_get(row, "connected")));
	}
	return state == WAIT_REMOVED;
}

static bool ask(struct client *c, const char *database, enum wait_for state)
{
	struct error *error = jsonrpc_client_open(c->server, 0, c->tls, &c->rpc);
	if (error) {
		error_free(error); // the server is not there yet, or not for the moment
		c->rpc = NULL;
		return false;
	}
	struct jsonrpc_message *reply = NULL;
	json_t *params = json_pack("[s, {s:s, s:s, s:[], s:[s, s]}]", "_Server", "op", "select",
				   "table", "Database", "where", "columns", "name", "connected");
	error = jsonrpc_client_call(c->rpc, "transact", params, &reply);
	bool reached = !error && reply->type == JSONRPC_REPLY &&
		       is_reached(json_object_get(json_array_get(reply->result, 0), "rows"),
				  database, state);
	error_free(error);
	jsonrpc_message_free(reply);
	jsonrpc_client_close(c->rpc);
	c->rpc = NULL;
	return reached;
}

void client_wait(struct client *c, int argc, char *argv[])
{
	static const char *const states[] = {"added", "connected", "removed"};
	enum wait_for state = WAIT_ADDED;
	while (state <= WAIT_REMOVED && strcmp(states[state], argv[2]))
		state++;
	if (state > WAIT_REMOVED)
		command_die("%s: unknown state", argv[2]);
	if (strchr(c->server, ','))
		command_die("wait is about one server, not \"%s\"", c->server);
	while (!ask(c, argv[1], state))
		usleep(100 * 1000);
}
