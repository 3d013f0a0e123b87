/* SPDX-License-Identifier: Apache-2.0 */
// The connection: from a target to a replica that follows the server.
//
//	connected -> monitor (the best method that the server knows) -> notifications
//
// The first time the server is asked for all columns that are wanted. Only if it refuses, because
// its schema is older than ours, it is asked for the schema, and then for what it has: reading a
// schema costs more than the rest of what a short program does.
//
// Beside it goes a monitor of the server's own database, which says whether the server can serve
// ours, and when it gets it. The replica outlives connections. With monitor_cond_since the server
// sends what was missed, if it still knows; else it sends everything, and the replica takes the
// difference.
#include "dbclient/dbclient.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "dbclient/client_internal.h"

enum { RETRY_MIN_MS = 1000, RETRY_MAX_MS = 8000 };

struct monitor_method {
	const char *name, *notification;
	enum update_kind kind;
	bool conditions, since;
};

// Best first; the next is tried when the server does not know one.
static const struct monitor_method methods[] = {
	{"monitor_cond_since", "update3", UPDATE_V2, true, true},
	{"monitor_cond", "update2", UPDATE_V2, true, false},
	{"monitor", "update", UPDATE_V1, false, false},
};

enum { N_METHODS = sizeof(methods) / sizeof(methods[0]) };

static const char no_txn_id[] = "00000000-0000-0000-0000-000000000000";

static void run_changed(void *arg)
{
	struct dbclient *c = arg;

	if (c->changed)
		c->changed(c->arg);
}

static void notify(struct dbclient *c)
{
	loop_defer(c->loop, &c->defer, run_changed, c);
}

static void set_error(struct dbclient *c, char *text)
{
	free(c->last_error);
	c->last_error = text;
}

int64_t dbclient_request(struct dbclient *c, const char *method, json_t *params)
{
	struct jsonrpc_message *m;
	int64_t id;

	if (!c->rpc || !jsonrpc_is_connected(c->rpc)) {
		json_decref(params);
		return -1;
	}
	m = jsonrpc_request(method, params);
	id = json_integer_value(m->id);
	jsonrpc_send(c->rpc, m);
	return id;
}

// --- Session

static void request_schema(struct dbclient *c)
{
	c->monitoring = false;
	c->monitor_id = -1;
	c->schema_id = dbclient_request(c, "get_schema", json_pack("[s]", c->replica.class->name));
}

static void request_monitor(struct dbclient *);

// The contents, if need be by way of the schema.
static void request_contents(struct dbclient *c)
{
	if (c->needs_schema) {
		request_schema(c);
		return;
	}
	replica_assume_schema(&c->replica);
	c->method = 0;
	request_monitor(c);
}

static void request_lock(struct dbclient *c)
{
	c->lock_id = dbclient_request(c, "lock", json_pack("[s]", c->lock));
}

static json_t *watch_name(void)
{
	return json_pack("[s,s]", "sluice", "_Server");
}

static void request_watch(struct dbclient *c)
{
	c->watch = (struct server_watch){0};
	c->awaits_database = false;
	c->watch_id = dbclient_request(c, "monitor_cond",
				       server_watch_request(watch_name(), c->replica.class->name));
}

bool dbclient_has_conditions(const struct dbclient *c)
{
	return methods[c->method].conditions;
}

json_t *dbclient_monitor_name(const struct dbclient *c)
{
	return json_pack("[s,s,I]", "sluice", c->replica.class->name, (json_int_t)c->generation);
}

static void request_monitor(struct dbclient *c)
{
	const struct monitor_method *m = &methods[c->method];
	json_t *params;

	// Notifications of a monitor that was given up may still be on their way: each attempt has
	// its own name.
	c->generation++;
	if (!m->since || !strcmp(c->last_txn_id, no_txn_id))
		dbclient_accept_conditions(c);
	params = json_pack("[s,o,o]", c->replica.class->name, dbclient_monitor_name(c),
			   replica_monitor_requests(&c->replica, m->conditions));
	if (m->since)
		json_array_append_new(params, json_string(c->last_txn_id));
	c->monitor_id = dbclient_request(c, m->name, params);
}

// The connection is of no use: gives it up, and with retry makes another.
static void fail_session(struct dbclient *c, int code, char *why);

static void apply(struct dbclient *c, const json_t *updates, bool whole)
{
	uint64_t before = c->replica.n_changes;
	struct error *error = replica_apply(&c->replica, updates, methods[c->method].kind, whole);

	replica_settle(&c->replica);
	if (c->replica.n_changes != before)
		notify(c);
	if (!error)
		return;
	// What we have cannot be trusted as the base of differences any more.
	strcpy(c->last_txn_id, no_txn_id);
	fail_session(c, EPROTO, error_take_text(error));
}

static void handle_schema(struct dbclient *c, const struct jsonrpc_message *m)
{
	c->schema_id = -1;
	if (m->type == JSONRPC_ERROR && c->retry && c->targets.n == 1 && c->watch.told) {
		// It tells us when it has the database.
		c->awaits_database = true;
		set_error(c, xasprintf("%s: the server does not have the database yet",
				       c->replica.class->name));
		notify(c);
		return;
	}
	c->awaits_database = false;
	if (m->type == JSONRPC_ERROR || !json_is_object(m->result)) {
		const char *why = json_string_value(json_object_get(m->error, "error"));

		fail_session(c, ENOENT,
			     xasprintf("%s: %s", c->replica.class->name,
				       why ? why : "no such database"));
		return;
	}
	replica_learn_schema(&c->replica, m->result);
	c->method = 0;
	request_monitor(c);
}

static bool is_unknown_method(const json_t *error)
{
	const char *tag = json_is_string(error)
				  ? json_string_value(error)
				  : json_string_value(json_object_get(error, "error"));

	return tag && (!strcmp(tag, "unknown method") || !strcmp(tag, "not supported"));
}

static void handle_monitor(struct dbclient *c, const struct jsonrpc_message *m)
{
	const json_t *updates = m->result;
	bool whole = true;

	c->monitor_id = -1;
	if (m->type == JSONRPC_ERROR) {
		char *text;

		if (c->method + 1 < N_METHODS && is_unknown_method(m->error)) {
			c->method++;
			request_monitor(c);
			return;
		}
		if (!c->needs_schema) {
			c->needs_schema = true;
			request_schema(c);
			return;
		}
		text = json_dumps(m->error, JSON_ENCODE_ANY | JSON_SORT_KEYS);
		fail_session(c, EPROTO, xasprintf("monitor refused: %s", text));
		free(text);
		return;
	}
	if (methods[c->method].since) {
		const char *id = json_string_value(json_array_get(m->result, 1));

		whole = !json_is_true(json_array_get(m->result, 0));
		updates = json_array_get(m->result, 2);
		if (id && strlen(id) == UUID_TEXT_LEN)
			strcpy(c->last_txn_id, id);
	} else {
		strcpy(c->last_txn_id, no_txn_id);
	}
	c->monitoring = true;
	if (!c->has_data) {
		// An empty database is news too.
		c->has_data = true;
		c->replica.n_changes++;
	}
	set_error(c, NULL);
	notify(c);
	apply(c, updates, whole);
	dbclient_send_conditions(c);
}

static void handle_change(struct dbclient *c, const struct jsonrpc_message *m)
{
	c->change_id = -1;
	if (m->type == JSONRPC_ERROR) {
		char *text = json_dumps(m->error, JSON_ENCODE_ANY | JSON_SORT_KEYS);

		strcpy(c->last_txn_id, no_txn_id);
		fail_session(c, EPROTO, xasprintf("condition refused: %s", text));
		free(text);
		return;
	}
	notify(c);
	dbclient_send_conditions(c);
}

// The server said something about itself.
static void handle_watch(struct dbclient *c, const json_t *updates)
{
	const char *problem;

	if (!server_watch_update(&c->watch, updates))
		return;
	problem = server_watch_problem(&c->watch, c->leader_only);
	if (problem && c->targets.n > 1)
		fail_session(c, EAGAIN, xstrdup(problem));
	else if (c->awaits_database && c->watch.present && c->schema_id < 0)
		request_contents(c);
}

static void handle_lock(struct dbclient *c, const struct jsonrpc_message *m)
{
	c->lock_id = -1;
	c->has_lock = json_is_true(json_object_get(m->result, "locked"));
	c->contended = !c->has_lock;
	notify(c);
}

static void handle_reply(struct dbclient *c, const struct jsonrpc_message *m)
{
	int64_t id = json_is_integer(m->id) ? json_integer_value(m->id) : -1;

	if (id < 0)
		return;
	if (id == c->schema_id)
		handle_schema(c, m);
	else if (id == c->monitor_id)
		handle_monitor(c, m);
	else if (id == c->change_id)
		handle_change(c, m);
	else if (id == c->lock_id)
		handle_lock(c, m);
	else if (id == c->watch_id && m->type == JSONRPC_REPLY)
		handle_watch(c, m->result);
	else
		dbtxn_handle_reply(c, id, m);
}

static void handle_update(struct dbclient *c, const json_t *params)
{
	const struct monitor_method *method = &methods[c->method];
	size_t at = 1;

	if (method->since) {
		const char *id = json_string_value(json_array_get(params, 1));

		if (id && strlen(id) == UUID_TEXT_LEN)
			strcpy(c->last_txn_id, id);
		at = 2;
	}
	apply(c, json_array_get(params, at), false);
}

static void handle_notification(struct dbclient *c, const struct jsonrpc_message *m)
{
	json_t *ours = dbclient_monitor_name(c), *watch = watch_name();
	const json_t *first = json_array_get(m->params, 0);

	if (json_equal(first, watch)) {
		if (!strcmp(m->method, "update2"))
			handle_watch(c, json_array_get(m->params, 1));
	} else if (json_equal(first, ours)) {
		if (c->monitoring && !strcmp(m->method, methods[c->method].notification))
			handle_update(c, m->params);
		else if (!strcmp(m->method, "monitor_canceled"))
			// The database was converted, or went away: the server keeps us connected,
			// as we asked.
			request_schema(c);
	} else if (c->lock && json_is_string(first) && !strcmp(json_string_value(first), c->lock)) {
		if (!strcmp(m->method, "locked") || !strcmp(m->method, "stolen")) {
			c->has_lock = !strcmp(m->method, "locked");
			c->contended = !c->has_lock;
			notify(c);
		}
	}
	json_decref(ours);
	json_decref(watch);
}

static void on_message(void *arg, struct jsonrpc_message *m)
{
	struct dbclient *c = arg;

	switch (m->type) {
	case JSONRPC_REPLY:
	case JSONRPC_ERROR:
		handle_reply(c, m);
		break;
	case JSONRPC_NOTIFY:
		handle_notification(c, m);
		break;
	case JSONRPC_REQUEST:
		// A server has nothing to ask but echo, which jsonrpc answers.
		break;
	}
	jsonrpc_message_free(m);
}

static void on_connected(void *arg)
{
	struct dbclient *c = arg;

	c->n_failed = 0;
	// Older servers do not know it; their error is ignored, as no reply is expected.
	dbclient_request(c, "set_db_change_aware", json_pack("[b]", 1));
	request_watch(c);
	if (c->lock)
		request_lock(c);
	request_contents(c);
	notify(c);
}

static void session_over(struct dbclient *c)
{
	if (c->change_id >= 0)
		strcpy(c->last_txn_id, no_txn_id);
	c->watch_id = c->schema_id = c->monitor_id = c->change_id = c->lock_id = -1;
	c->monitoring = c->has_lock = c->contended = false;
	dbtxn_abort_all(c);
	notify(c);
}

// --- Connecting

static void on_closed(void *arg, int error);

static const struct jsonrpc_callbacks callbacks = {
	.connected = on_connected,
	.message = on_message,
	.closed = on_closed,
};

// The server that connects to us. One at a time.
static void on_accept(void *arg, struct stream *stream)
{
	struct dbclient *c = arg;

	if (c->rpc) {
		stream_free(stream);
		return;
	}
	c->rpc = jsonrpc_new(c->loop, stream, &callbacks, c);
	if (c->probe_interval >= 0)
		jsonrpc_set_probe_interval(c->rpc, c->probe_interval);
	on_connected(c);
}

static struct error *try_target(struct dbclient *c)
{
	const char *target = c->targets.v[c->target];
	struct error *error;

	if (stream_is_passive_name(target))
		return stream_listen(c->loop, target, JSONRPC_PORT, on_accept, c, &c->listener);
	error = jsonrpc_connect(c->loop, target, c->retry && c->targets.n == 1, &callbacks, c,
				&c->rpc);

	if (!error && c->probe_interval >= 0)
		jsonrpc_set_probe_interval(c->rpc, c->probe_interval);
	return error;
}

static void on_timer(void *arg)
{
	struct dbclient *c = arg;
	struct error *error = try_target(c);

	// The syntax was checked at the start, so this is not expected; the next round tries again.
	if (error) {
		set_error(c, error_take_text(error));
		loop_timer_set_in(&c->timer, RETRY_MAX_MS);
	}
}

// With several targets, or without retry, jsonrpc connects once and we decide about the next
// attempt.
static void next_attempt(struct dbclient *c, int code)
{
	int64_t delay = 0;

	if (c->listener)
		return;
	c->n_failed++;
	c->target = (c->target + 1) % c->targets.n;
	if (c->n_failed >= c->targets.n) {
		if (!c->retry) {
			c->failure = code;
			return;
		}
		delay = RETRY_MIN_MS * (int64_t)(c->n_failed / c->targets.n);
		if (delay > RETRY_MAX_MS)
			delay = RETRY_MAX_MS;
	}
	loop_timer_set_in(&c->timer, delay);
}

static char *code_text(int code)
{
	return xstrdup(code == EOF ? "End of file" : strerror(code));
}

static void on_closed(void *arg, int code)
{
	struct dbclient *c = arg;

	set_error(c, code_text(code));
	session_over(c);
	if (c->retry && c->targets.n == 1 && !c->listener)
		return;
	jsonrpc_free(c->rpc);
	c->rpc = NULL;
	next_attempt(c, code);
}

static void fail_session(struct dbclient *c, int code, char *why)
{
	session_over(c);
	if (c->retry && c->targets.n == 1 && !c->listener) {
		jsonrpc_force_reconnect(c->rpc);
		set_error(c, why); // not that we closed it
		return;
	}
	set_error(c, why);
	jsonrpc_free(c->rpc);
	c->rpc = NULL;
	next_attempt(c, code);
}

// --- Public

struct dbclient *dbclient_new(struct loop *loop, const struct db_class *class, const char *target,
			      dbclient_cb *changed, void *arg)
{
	struct dbclient *c = XNEW(struct dbclient);

	replica_init(&c->replica, class);
	c->replica.client = c;
	c->loop = loop;
	c->changed = changed;
	c->arg = arg;
	c->retry = true;
	c->probe_interval = -1;
	c->watch_id = c->schema_id = c->monitor_id = c->change_id = c->lock_id = -1;
	strcpy(c->last_txn_id, no_txn_id);
	targets_init(&c->targets, target);
	loop_timer_init(&c->timer, loop, on_timer, c);
	return c;
}

void dbclient_free(struct dbclient *c)
{
	if (!c)
		return;
	jsonrpc_free(c->rpc);
	stream_listener_free(c->listener);
	loop_timer_cancel(&c->timer);
	loop_defer_cancel(&c->defer);
	replica_done(&c->replica);
	targets_done(&c->targets);
	free(c->last_error);
	free(c->lock);
	free(c);
}

struct error *dbclient_start(struct dbclient *c)
{
	if (!c->targets.n)
		return error_new("no database to connect to");
	if (c->shuffle)
		targets_shuffle(&c->targets);
	replica_freeze(&c->replica);
	c->started = true;
	return try_target(c);
}

void dbclient_set_retry(struct dbclient *c, bool retry)
{
	c->retry = retry;
}

void dbclient_set_shuffle(struct dbclient *c, bool shuffle)
{
	c->shuffle = shuffle;
}

void dbclient_set_leader_only(struct dbclient *c, bool leader_only)
{
	c->leader_only = leader_only;
}

void dbclient_set_probe_interval(struct dbclient *c, int64_t ms)
{
	c->probe_interval = ms;
	if (c->rpc)
		jsonrpc_set_probe_interval(c->rpc, ms);
}

void dbclient_force_reconnect(struct dbclient *c)
{
	if (c->rpc)
		fail_session(c, ECONNRESET, xstrdup("reconnecting"));
}

bool dbclient_is_connected(const struct dbclient *c)
{
	return c->rpc && jsonrpc_is_connected(c->rpc);
}

bool dbclient_has_data(const struct dbclient *c)
{
	return c->has_data;
}

bool dbclient_is_current(const struct dbclient *c)
{
	return c->has_data && c->monitoring;
}

uint64_t dbclient_seqno(const struct dbclient *c)
{
	return c->replica.n_changes;
}

const char *dbclient_last_error(const struct dbclient *c)
{
	return c->last_error ? c->last_error : "";
}

int dbclient_failure(const struct dbclient *c)
{
	return c->failure;
}

bool dbclient_server_has(const struct dbclient *c, const struct db_table_class *class,
			 unsigned int column)
{
	return replica_table(&c->replica, class)->server_has >> column & 1;
}

void dbclient_set_lock(struct dbclient *c, const char *name)
{
	if (c->lock && name && !strcmp(c->lock, name))
		return;
	if (c->lock && dbclient_is_connected(c))
		dbclient_request(c, "unlock", json_pack("[s]", c->lock));
	free(c->lock);
	c->lock = xstrdup_null(name);
	c->has_lock = c->contended = false;
	c->lock_id = -1;
	if (name && dbclient_is_connected(c))
		request_lock(c);
}

bool dbclient_has_lock(const struct dbclient *c)
{
	return c->has_lock;
}

bool dbclient_lock_contended(const struct dbclient *c)
{
	return c->contended;
}
