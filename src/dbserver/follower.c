/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/follower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "dbserver/session.h"
#include "ovsdb/updates.h"
#include "rpc/jsonrpc.h"

LOG_MODULE(ovsdb_follower);

// A request of a client of ours that was passed on.
struct forwarded {
	struct session *session;
	json_t *client_id, *id;	      // in the client's request, in ours
	struct jsonrpc_message *held; // not sent yet: there is no connection; NULL: sent
};

struct follower {
	struct served *served;
	struct follower_config config;
	struct jsonrpc *rpc;
	size_t target; // of config.targets
	// What we asked last; its answer decides what comes next.
	enum { ASKED_NOTHING, ASKED_SERVER_ID, ASKED_SCHEMA, ASKED_SERVER, ASKED_CONTENTS } asked;
	json_t *asked_id;
	bool following, failed;
	bool without_since;  // the other server has no monitor_cond_since
	struct uuid last_id; // of the state that we have; zero: none
	char *problem;
	struct updates_scope scope;
	VEC(struct forwarded) forwarded;
	// Relay: what table Database of _Server says. The schema there is only a sign of change:
	// some servers do not keep it up to date.
	bool source_connected;
	char *source_schema;
};

// --- State.

static const char *db_name(const struct follower *f)
{
	return database_name(f->served->d);
}

enum follower_state follower_state(const struct follower *f)
{
	return f->failed		      ? FOLLOWER_FAILED
	       : f->following		      ? FOLLOWER_FOLLOWING
	       : jsonrpc_is_connected(f->rpc) ? FOLLOWER_ASKING
					      : FOLLOWER_CONNECTING;
}

bool follower_is_relay(const struct follower *f)
{
	return f->config.relay;
}

const char *follower_problem(const struct follower *f)
{
	return f->problem;
}

const char *follower_target(const struct follower *f)
{
	return f->config.targets.v[f->target];
}

const struct follower_config *follower_config(const struct follower *f)
{
	return &f->config;
}

static void set_following(struct follower *f, bool following)
{
	if (f->following == following)
		return;
	f->following = following;
	if (f->config.relay)
		server_set_connected(f->served->server, f->served, following);
	log_info("%s: %s %s", db_name(f), following ? "following" : "no longer following",
		 follower_target(f));
}

// The rest cannot be done. Takes the error.
static void fail(struct follower *f, struct db_error *error)
{
	free(f->problem);
	f->problem = db_error_to_text(error);
	db_error_free(error);
	log_warn_rl("%s: cannot follow %s: %s", db_name(f), follower_target(f), f->problem);
	set_following(f, false);
	f->failed = true;
}

// --- Asking.

static void ask(struct follower *f, int what, const char *method, json_t *params)
{
	struct jsonrpc_message *m = jsonrpc_request(method, params);
	json_decref(f->asked_id);
	f->asked_id = json_incref(m->id);
	f->asked = what;
	jsonrpc_send(f->rpc, m);
}

static bool is_excluded(const struct follower *f, const char *table)
{
	VEC_FOREACH (&f->config.excluded, i)
		if (!strcmp(f->config.excluded.v[i], table))
			return true;
	return false;
}

static void reset_scope(struct follower *f)
{
	free(f->scope.tables);
	f->scope.db = f->served->d->db;
	f->scope.tables = xcalloc(f->scope.db->schema->n_tables + 1, sizeof(bool));
}

static json_t *column_names(const struct table_schema *t, const struct table_schema *there)
{
	json_t *names = json_array();
	for (unsigned int i = N_STD_COLUMNS; i < t->n_columns; i++)
		if (!there || table_schema_find_column(there, t->columns[i]->name))
			json_array_append_new(names, json_string(t->columns[i]->name));
	return names;
}

// Asks for the tables that both have. `there` is the other's schema, or NULL when it is the same as
// ours.
static void ask_contents(struct follower *f, const struct db_schema *there)
{
	const struct db_schema *here = f->served->d->db->schema;
	json_t *requests = json_object();
	reset_scope(f);
	for (unsigned int i = 0; i < here->n_tables; i++) {
		const struct table_schema *t = here->tables[i];
		const struct table_schema *other =
			there ? db_schema_find_table(there, t->name) : NULL;
		if (is_excluded(f, t->name) || (there && !other))
			continue;
		json_t *request = json_object(), *list = json_array();
		json_object_set_new(request, "columns", column_names(t, other));
		json_array_append_new(list, request);
		json_object_set_new(requests, t->name, list);
		f->scope.tables[i] = true;
	}
	json_t *params = json_pack("[s, s, o]", db_name(f), "contents", requests);
	if (!f->without_since)
		json_array_append_new(params, json_sprintf(UUID_FORMAT, UUID_ARGS(&f->last_id)));
	ask(f, ASKED_CONTENTS, f->without_since ? "monitor_cond" : "monitor_cond_since", params);
}

static void begin(struct follower *f)
{
	if (f->config.relay) {
		// Or it would end the connection whenever its set of databases changes, which for a
		// replica is just right.
		jsonrpc_send(f->rpc, jsonrpc_request("set_db_change_aware", json_pack("[b]", 1)));
		ask(f, ASKED_SERVER, "monitor_cond",
		    json_pack("[s, s, {s: [{s: [[s, s, s]], s: [s, s, s]}]}]", "_Server", "server",
			      "Database", "where", "name", "==", db_name(f), "columns", "name",
			      "schema", "connected"));
	} else {
		ask(f, ASKED_SERVER_ID, "get_server_id", json_array());
	}
}

// --- The contents.

// `whole`: all of it, not a difference.
static struct db_error *take_updates(struct follower *f, const json_t *updates,
				     const struct uuid *id, bool whole)
{
	struct database *d = f->served->d;
	struct db_txn *txn = db_txn_new(d->db);
	if (id && !uuid_is_zero(id))
		txn->id = *id;
	struct db_error *error = whole ? updates_replace(txn, &f->scope, updates)
				       : updates_apply(txn, &f->scope, updates);
	if (!error)
		error = db_txn_prepare(txn);
	if (error) {
		db_txn_abort(txn);
		return error;
	}
	error = database_commit(d, txn);
	if (error)
		server_note_problem(f->served->server);
	if (!error && id && !uuid_is_zero(id)) {
		f->last_id = *id;
		history_set_last_id(f->served->history, id);
	}
	return error;
}

// What we have is not what the other server thinks: from the beginning, over a new connection.
// Takes the error.
static void start_over(struct follower *f, struct db_error *error)
{
	char *text = db_error_to_text(error);
	log_warn_rl("%s: %s sent what does not fit: %s; starting over", db_name(f),
		    follower_target(f), text);
	free(f->problem);
	f->problem = text;
	db_error_free(error);
	f->last_id = (struct uuid){0};
	jsonrpc_force_reconnect(f->rpc);
}

static void send_held(struct follower *f)
{
	VEC_FOREACH (&f->forwarded, i) {
		struct forwarded *w = &f->forwarded.v[i];
		if (w->held)
			jsonrpc_send(f->rpc, w->held);
		w->held = NULL;
	}
}

static void on_contents(struct follower *f, const json_t *result)
{
	struct uuid id = {0};
	const json_t *updates = result;
	bool found = false;
	if (!f->without_since) {
		const char *text = json_string_value(json_array_get(result, 1));
		found = json_is_true(json_array_get(result, 0));
		updates = json_array_get(result, 2);
		if (text)
			(void)uuid_parse(text, &id);
	}
	struct db_error *error = take_updates(f, updates, &id, !found);
	if (error) {
		start_over(f, error);
		return;
	}
	free(f->problem);
	f->problem = NULL;
	set_following(f, true);
	send_held(f);
}

// --- The schema.

// Everything that the other server has must have its place here.
static struct db_error *check_schema(const struct follower *f, const struct db_schema *there)
{
	const struct db_schema *here = f->served->d->db->schema;
	for (unsigned int i = 0; i < there->n_tables; i++) {
		const struct table_schema *t = there->tables[i],
					  *mine = db_schema_find_table(here, t->name);
		if (is_excluded(f, t->name))
			continue;
		if (!mine)
			return db_error_new("schema mismatch", "its table %s is not in our schema",
					    t->name);
		for (unsigned int j = N_STD_COLUMNS; j < t->n_columns; j++) {
			const struct column_schema *c =
				table_schema_find_column(mine, t->columns[j]->name);
			json_t *a = column_schema_to_json(t->columns[j]),
			       *b = c ? column_schema_to_json(c) : NULL;
			bool equal = b && json_equal(a, b);
			json_decref(a);
			json_decref(b);
			if (!equal)
				return db_error_new(
					"schema mismatch", "its column %s in table %s %s",
					t->columns[j]->name, t->name,
					c ? "has another type than ours" : "is not in our schema");
		}
	}
	return NULL;
}

// A relay has the schema of its source. Takes it.
static struct db_error *adopt_schema(struct follower *f, struct db_schema *schema)
{
	if (strcmp(schema->name, db_name(f))) {
		struct db_error *error =
			db_error_new("schema mismatch", "its schema is named %s", schema->name);
		db_schema_free(schema);
		return error;
	}
	if (f->served->available && db_schema_equal(schema, f->served->d->db->schema)) {
		db_schema_free(schema);
	} else {
		f->last_id = (struct uuid){0};
		server_replace_schema(f->served->server, f->served, schema);
	}
	ask_contents(f, NULL);
	return NULL;
}

static void on_schema(struct follower *f, const json_t *json)
{
	struct db_schema *there;
	struct db_error *error = db_schema_from_json(json, &there);
	if (!error && f->config.relay) {
		error = adopt_schema(f, there);
	} else if (!error) {
		error = check_schema(f, there);
		if (!error)
			ask_contents(f, there);
		db_schema_free(there);
	}
	if (error)
		fail(f, error);
}

static void ask_schema(struct follower *f)
{
	f->failed = false;
	ask(f, ASKED_SCHEMA, "get_schema", json_pack("[s]", db_name(f)));
}

static void on_server_id(struct follower *f, const json_t *id)
{
	char own[UUID_TEXT_LEN + 1];
	snprintf(own, sizeof(own), UUID_FORMAT, UUID_ARGS(&f->served->server->id));
	if (json_is_string(id) && !strcmp(json_string_value(id), own))
		fail(f, db_error_new("not allowed", "a server cannot be its own backup"));
	else
		ask_schema(f);
}

// A row of table Database, or what changed in it.
static void on_source_row(struct follower *f, const json_t *update)
{
	const json_t *row = NULL, *value;
	const char *kind;
	json_object_foreach ((json_t *)update, kind, value)
		row = value;
	if (json_is_null(row)) {
		f->source_connected = false;
		return;
	}
	value = json_object_get(row, "connected");
	if (value)
		f->source_connected = json_is_true(value);
	else if (json_object_get(update, "initial") || json_object_get(update, "insert"))
		f->source_connected = false;
	value = json_object_get(row, "schema");
	if (json_is_string(value)) {
		free(f->source_schema);
		f->source_schema = xstrdup(json_string_value(value));
	}
}

static void on_source(struct follower *f, const json_t *updates)
{
	const char *uuid;
	json_t *update;
	bool was_connected = f->source_connected;
	char *before = xstrdup_null(f->source_schema);
	json_object_foreach (json_object_get(updates, "Database"), uuid, update)
		on_source_row(f, update);
	bool same = before && f->source_schema && !strcmp(before, f->source_schema);
	free(before);
	if (!f->source_connected) {
		log_info_rl("%s: %s is not connected to it, either", db_name(f),
			    follower_target(f));
		if (was_connected || f->config.targets.n > 1)
			jsonrpc_force_reconnect(f->rpc);
	} else if (!was_connected) {
		ask_schema(f);
	} else if (!same) {
		jsonrpc_force_reconnect(f->rpc); // it is another one
	}
}

// --- What arrives.

static void on_answer(struct follower *f, const struct jsonrpc_message *m)
{
	int asked = f->asked;
	f->asked = ASKED_NOTHING;
	if (m->type == JSONRPC_ERROR) {
		bool unknown = json_is_string(m->error) &&
			       !strcmp(json_string_value(m->error), "unknown method");
		if (asked == ASKED_CONTENTS && unknown && !f->without_since) {
			f->without_since = true;
			jsonrpc_force_reconnect(f->rpc);
			return;
		}
		char *text = db_json_text(m->error);
		fail(f, db_error_new("ovsdb error", "%s", text));
		free(text);
		return;
	}
	switch (asked) {
	case ASKED_SERVER_ID:
		on_server_id(f, m->result);
		break;
	case ASKED_SCHEMA:
		on_schema(f, m->result);
		break;
	case ASKED_SERVER:
		on_source(f, m->result);
		break;
	case ASKED_CONTENTS:
		on_contents(f, m->result);
		break;
	}
}

static void on_notification(struct follower *f, const struct jsonrpc_message *m)
{
	const char *monitor = json_string_value(json_array_get(m->params, 0));
	bool v3 = !strcmp(m->method, "update3");
	if (!monitor)
		return;
	if (!strcmp(m->method, "update2") && !strcmp(monitor, "server")) {
		on_source(f, json_array_get(m->params, 1));
	} else if (!strcmp(monitor, "contents") && f->following &&
		   (v3 || !strcmp(m->method, "update2"))) {
		struct uuid id = {0};
		const char *text = v3 ? json_string_value(json_array_get(m->params, 1)) : NULL;
		if (text)
			(void)uuid_parse(text, &id);
		struct db_error *error =
			take_updates(f, json_array_get(m->params, v3 ? 2 : 1), &id, false);
		if (error)
			start_over(f, error);
	} else if (!strcmp(m->method, "monitor_canceled")) {
		jsonrpc_force_reconnect(
			f->rpc); // the database is gone there, or has another schema
	}
}

static void forwarded_end(struct follower *f, size_t i)
{
	json_decref(f->forwarded.v[i].client_id);
	json_decref(f->forwarded.v[i].id);
	jsonrpc_message_free(f->forwarded.v[i].held);
	vec_remove(&f->forwarded, i);
}

static void on_forwarded_answer(struct follower *f, const struct jsonrpc_message *m)
{
	VEC_FOREACH (&f->forwarded, i) {
		const struct forwarded *w = &f->forwarded.v[i];
		if (!json_equal(w->id, m->id))
			continue;
		struct session *session = w->session;
		json_t *id = json_incref(w->client_id);
		forwarded_end(f, i);
		// A client learns of its own changes before it learns that they were made.
		session_flush_monitors(session, f->served);
		session_send(session, m->type == JSONRPC_REPLY
					      ? jsonrpc_reply(json_incref(m->result), id)
					      : jsonrpc_error(json_incref(m->error), id));
		return;
	}
}

static void on_message(void *follower_, struct jsonrpc_message *m)
{
	struct follower *f = follower_;
	switch (m->type) {
	case JSONRPC_REPLY:
	case JSONRPC_ERROR:
		if (f->asked != ASKED_NOTHING && json_equal(m->id, f->asked_id))
			on_answer(f, m);
		else
			on_forwarded_answer(f, m);
		break;
	case JSONRPC_NOTIFY:
		on_notification(f, m);
		break;
	case JSONRPC_REQUEST:
		jsonrpc_send(f->rpc,
			     jsonrpc_error(json_string("unknown method"), json_incref(m->id)));
		break;
	}
	jsonrpc_message_free(m);
}

static void on_connected(void *follower_)
{
	begin(follower_);
}

// Nobody knows what became of those that were sent; the others can wait for the next connection,
// unless there will be none.
static void cancel_forwarded(struct follower *f, bool held)
{
	for (size_t i = f->forwarded.n; i-- > 0;) {
		struct forwarded *w = &f->forwarded.v[i];
		if (w->held && !held)
			continue;
		session_send(w->session,
			     jsonrpc_error(json_string("canceled"), json_incref(w->client_id)));
		forwarded_end(f, i);
	}
}

static void on_closed(void *follower_, int error)
{
	struct follower *f = follower_;
	f->asked = ASKED_NOTHING;
	f->source_connected = false;
	f->failed = false;
	set_following(f, false);
	cancel_forwarded(f, false);
	log_info_rl("%s: %s: %s", db_name(f), follower_target(f),
		    error == EOF ? "connection closed by peer" : strerror(error));
	if (f->config.targets.n > 1) {
		f->target = (f->target + 1) % f->config.targets.n;
		jsonrpc_set_target(f->rpc, follower_target(f));
	}
}

static const struct jsonrpc_callbacks callbacks = {
	.connected = on_connected, .message = on_message, .closed = on_closed};

// --- The whole.

struct error *follower_new(struct served *served, struct follower_config *config,
			   struct follower **out)
{
	struct follower *f = XNEW(struct follower);
	f->served = served;
	f->config = *config;
	*config = (struct follower_config){.relay = config->relay};
	*out = NULL;
	struct error *error = jsonrpc_connect(served->server->loop, follower_target(f), true,
					      &callbacks, f, &f->rpc);
	if (error) {
		follower_config_done(&f->config);
		free(f);
		return error;
	}
	jsonrpc_set_probe_interval(f->rpc, f->config.probe_interval);
	jsonrpc_set_max_backoff(f->rpc, f->config.max_backoff);
	log_info("%s: connecting to %s", db_name(f), follower_target(f));
	*out = f;
	return NULL;
}

void follower_free(struct follower *f)
{
	if (!f)
		return;
	cancel_forwarded(f, true);
	jsonrpc_free(f->rpc);
	follower_config_done(&f->config);
	json_decref(f->asked_id);
	free(f->source_schema);
	vec_done(&f->forwarded);
	free(f->scope.tables);
	free(f->problem);
	free(f);
}

void follower_set_probe_interval(struct follower *f, int64_t ms)
{
	f->config.probe_interval = ms;
	jsonrpc_set_probe_interval(f->rpc, ms);
}

void follower_forward(struct follower *f, struct session *session, struct jsonrpc_message *m)
{
	struct jsonrpc_message *request = jsonrpc_request(m->method, json_incref(m->params));
	struct forwarded w = {.session = session,
			      .client_id = json_incref(m->id),
			      .id = json_incref(request->id)};
	jsonrpc_message_free(m);
	if (f->following)
		jsonrpc_send(f->rpc, request);
	else
		w.held = request;
	vec_push(&f->forwarded, w);
}

bool follower_cancel(struct follower *f, struct session *session, const json_t *id)
{
	for (size_t i = f->forwarded.n; i-- > 0;) {
		struct forwarded *w = &f->forwarded.v[i];
		if (w->session != session || (id && !json_equal(w->client_id, id)))
			continue;
		json_t *params = json_array();
		json_array_append(params, w->id);
		struct jsonrpc_message *cancel = jsonrpc_notify("cancel", params);
		if (w->held)
			jsonrpc_message_free(cancel);
		else
			jsonrpc_send(f->rpc, cancel);
		if (id)
			session_send(session, jsonrpc_error(json_string("canceled"),
							    json_incref(w->client_id)));
		forwarded_end(f, i);
		if (id)
			return true;
	}
	return false;
}
