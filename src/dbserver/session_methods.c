/* SPDX-License-Identifier: Apache-2.0 */
// The methods of the protocol, one function each. A method answers with a result or an error;
// "transact" takes its request over and answers when it is done, and what would change a relay is
// answered by its source.
#include "dbserver/session_methods.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dbserver/follower.h"
#include "dbserver/lock.h"

// The answer to a request: exactly one of them.
struct answer {
	json_t *result;
	struct { // or the result as text, in three parts
		struct str before;
		struct shared_text *shared; // NULL: none
		const char *after;	    // NULL: this is not the answer
	} text;
	json_t *error;
};

static struct answer succeed(json_t *result)
{
	return (struct answer){.result = result};
}

static struct answer fail(struct db_error *error)
{
	struct answer a = {.error = db_error_to_json(error)};
	db_error_free(error);
	return a;
}

static struct answer fail_text(const char *text)
{
	return (struct answer){.error = json_string(text)};
}

// The database that the first parameter names.
static struct db_error *find_database(const struct session *session, const char *method,
				      const json_t *params, struct served **out)
{
	const json_t *name = json_array_get(params, 0);
	*out = NULL;
	if (!json_is_string(name))
		return db_error_syntax(params, NULL, "%s request params must begin with <db-name>",
				       method);
	*out = server_find(session->server, json_string_value(name));
	if (!*out)
		return db_error_syntax(params, "unknown database",
				       "%s request specifies unknown database %s", method,
				       json_string_value(name));
	if (!(*out)->available)
		return db_error_new("database not available",
				    "%s request specifies relay database %s, which has not been "
				    "connected to its source yet",
				    method, json_string_value(name));
	return NULL;
}

static struct answer method_list_dbs(struct session *session, const char *method, json_t *params)
{
	json_t *names = json_array();
	for (struct served *s = session->server->databases; s; s = s->next)
		json_array_append_new(names, json_string(database_name(s->d)));
	return succeed(names);
}

static struct answer method_get_schema(struct session *session, const char *method, json_t *params)
{
	struct served *served;
	struct db_error *error = find_database(session, method, params, &served);
	return error ? fail(error) : succeed(db_schema_to_json(served->d->db->schema));
}

static struct answer method_get_server_id(struct session *session, const char *method,
					  json_t *params)
{
	return succeed(json_sprintf(UUID_FORMAT, UUID_ARGS(&session->server->id)));
}

static struct answer method_set_db_change_aware(struct session *session, const char *method,
						json_t *params)
{
	const json_t *aware = json_array_get(params, 0);
	if (json_array_size(params) != 1 || !json_is_boolean(aware))
		return fail(db_error_syntax(params, NULL, "%s: true or false parameter expected",
					    method));
	session->db_change_aware = json_is_true(aware);
	return succeed(json_object());
}

static struct answer method_convert(struct session *session, struct served *served,
				    const json_t *params)
{
	struct db_schema *schema;
	struct db_error *error = NULL;
	if (json_array_size(params) != 2)
		error = db_error_syntax(params, NULL, "array expected");
	if (!error && session->config.role && db_find_table(served->d->db, "RBAC_Role"))
		error = db_error_new("permission error",
				     "a client with a role may not convert database %s",
				     database_name(served->d));
	if (!error && (served->reserved || session->config.read_only ||
		       session->server->read_only || served_is_replica(served)))
		error = db_error_new("not allowed", "database %s may not be converted",
				     database_name(served->d));
	if (error)
		return fail(error);
	error = db_schema_from_json(json_array_get(params, 1), &schema);
	if (error)
		return fail(error);
	if (strcmp(schema->name, database_name(served->d)))
		error = db_error_new("invalid parameters",
				     "new schema name (%s) does not match database name (%s)",
				     schema->name, database_name(served->d));
	if (!error)
		error = server_convert(session->server, served, schema);
	db_schema_free(schema);
	return error ? fail(error) : succeed(json_object());
}

// --- Locks.

static const char *lock_name(const json_t *params)
{
	const char *name = json_string_value(json_array_get(params, 0));
	return json_array_size(params) == 1 && name && db_is_valid_id(name) ? name : NULL;
}

static struct answer acquire(struct session *session, const char *method, json_t *params,
			     bool steal)
{
	const char *name = lock_name(params);
	if (!name)
		return fail(
			db_error_syntax(params, NULL, "%s request params must be <id>", method));
	if (session->server->read_only)
		return fail_text("lock and unlock methods not allowed, DB server is read only.");
	enum lock_result result = lock_acquire(session, name, steal);
	if (result == LOCK_ALREADY)
		return fail(db_error_syntax(params, NULL, "must issue \"unlock\" before new \"%s\"",
					    method));
	json_t *json = json_object();
	json_object_set_new(json, "locked", json_boolean(result == LOCK_HELD));
	return succeed(json);
}

static struct answer method_lock(struct session *session, const char *method, json_t *params)
{
	return acquire(session, method, params, false);
}

static struct answer method_steal(struct session *session, const char *method, json_t *params)
{
	return acquire(session, method, params, true);
}

static struct answer method_unlock(struct session *session, const char *method, json_t *params)
{
	const char *name = lock_name(params);
	if (!name)
		return fail(
			db_error_syntax(params, NULL, "%s request params must be <id>", method));
	if (session->server->read_only)
		return fail_text("lock and unlock methods not allowed, DB server is read only.");
	if (!lock_release(session, name))
		return fail(db_error_syntax(params, NULL,
					    "unlock: \"unlock\" without \"lock\" or \"steal\""));
	return succeed(json_object());
}

// --- Monitors.

static struct session_monitor *find_monitor(const struct session *session, const json_t *id)
{
	VEC_FOREACH (&session->monitors, i)
		if (json_equal(session->monitors.v[i]->id, id))
			return session->monitors.v[i];
	return NULL;
}

static struct db_error *check_monitor(struct session *session, const char *method, json_t *params,
				      size_t n_params, struct served **served)
{
	struct db_error *error = find_database(session, method, params, served);
	if (!error && json_array_size(params) != n_params)
		error = db_error_syntax(params, NULL, "invalid parameters");
	if (!error && find_monitor(session, json_array_get(params, 1)))
		error = db_error_syntax(json_array_get(params, 1), NULL, "duplicate monitor ID");
	return error;
}

static struct db_error *add_monitor(struct session *session, struct served *served,
				    enum monitor_version version, const json_t *params,
				    struct session_monitor **out)
{
	struct monitor_spec *spec;
	struct db_error *error =
		monitor_spec_from_json(served->d->db, version, json_array_get(params, 2), &spec);
	if (error)
		return error;
	struct session_monitor *m = XNEW(struct session_monitor);
	m->session = session;
	m->served = served;
	session_monitor_set_id(m, json_array_get(params, 1));
	m->group = served_join(served, spec, m);
	vec_push(&session->monitors, m);
	*out = m;
	return NULL;
}

static struct answer start_monitor(struct session *session, const char *method, json_t *params,
				   enum monitor_version version)
{
	struct served *served;
	struct session_monitor *m;
	struct db_error *error = check_monitor(session, method, params, 3, &served);
	if (!error)
		error = add_monitor(session, served, version, params, &m);
	if (error)
		return fail(error);
	return (struct answer){.text = {.shared = monitor_group_initial(m->group), .after = ""}};
}

static struct answer method_monitor(struct session *session, const char *method, json_t *params)
{
	return start_monitor(session, method, params, MONITOR_V1);
}

static struct answer method_monitor_cond(struct session *session, const char *method,
					 json_t *params)
{
	return start_monitor(session, method, params, MONITOR_V2);
}

// What a client that knew the state `since` missed; false when we do not know.
static bool add_missed(struct str *out, const struct session_monitor *m, const struct uuid *since)
{
	const struct monitor_spec *spec = m->group->spec;
	struct monitor_backlog *b = monitor_backlog_new();
	bool known = history_undo(m->served->history, since, spec, b);
	if (known && !monitor_backlog_take(b, spec, out))
		str_add(out, "{}");
	monitor_backlog_free(b);
	return known;
}

static struct answer method_monitor_cond_since(struct session *session, const char *method,
					       json_t *params)
{
	struct served *served;
	struct session_monitor *m;
	struct uuid since;
	struct db_error *error = check_monitor(session, method, params, 4, &served);
	const json_t *id = json_array_get(params, 3);
	if (!error && !(json_is_string(id) && uuid_parse(json_string_value(id), &since)))
		error = db_error_syntax(id, NULL, "last-txn-id must be UUID format.");
	if (!error)
		error = add_monitor(session, served, MONITOR_V3, params, &m);
	if (error)
		return fail(error);
	struct answer a = {.text.after = "]"};
	struct str updates = STR_INIT;
	struct uuid last = history_last_id(served->history);
	bool found = add_missed(&updates, m, &since);
	str_addf(&a.text.before, "[%s,\"" UUID_FORMAT "\",", found ? "true" : "false",
		 UUID_ARGS(&last));
	if (found)
		str_addn(&a.text.before, updates.s, updates.len);
	else
		a.text.shared = monitor_group_initial(m->group);
	str_done(&updates);
	return a;
}

static struct answer method_monitor_cancel(struct session *session, const char *method,
					   json_t *params)
{
	if (json_array_size(params) != 1)
		return fail_text("invalid parameters");
	struct session_monitor *m = find_monitor(session, json_array_get(params, 0));
	if (!m)
		return fail_text("unknown monitor");
	VEC_FOREACH (&session->monitors, i)
		if (session->monitors.v[i] == m) {
			vec_remove(&session->monitors, i);
			break;
		}
	session_monitor_free(m);
	return succeed(json_object());
}

static struct answer method_monitor_cond_change(struct session *session, const char *method,
						json_t *params)
{
	if (json_array_size(params) != 3)
		return fail(db_error_syntax(params, NULL, "invalid parameters"));
	json_t *id = json_array_get(params, 0), *new_id = json_array_get(params, 1);
	struct session_monitor *m = find_monitor(session, id);
	if (!m)
		return fail(db_error_syntax(id, NULL, "unknown monitor session"));
	if (!json_equal(id, new_id) && find_monitor(session, new_id))
		return fail(db_error_syntax(new_id, NULL, "duplicate monitor ID"));
	struct monitor_spec *spec = monitor_spec_clone(m->group->spec);
	struct db_error *error = monitor_spec_change(spec, json_array_get(params, 2));
	if (error) {
		monitor_spec_free(spec);
		return fail(error);
	}
	// What was put off was seen with the old conditions.
	session_flush_monitors(session, m->served);
	struct str updates = STR_INIT;
	bool any = monitor_condition_update(m->group->spec, spec, &updates);
	served_leave(m->served, m->group, m);
	m->group = served_join(m->served, spec, m);
	session_monitor_set_id(m, new_id);
	if (any)
		session_monitor_send(m, &updates);
	str_done(&updates);
	return succeed(json_object());
}

// --- The table.

struct method {
	const char *name;
	struct answer (*answer)(struct session *, const char *method, json_t *params);
};

static const struct method methods[] = {
	{"list_dbs", method_list_dbs},
	{"get_schema", method_get_schema},
	{"get_server_id", method_get_server_id},
	{"set_db_change_aware", method_set_db_change_aware},
	{"lock", method_lock},
	{"steal", method_steal},
	{"unlock", method_unlock},
	{"monitor", method_monitor},
	{"monitor_cond", method_monitor_cond},
	{"monitor_cond_since", method_monitor_cond_since},
	{"monitor_cond_change", method_monitor_cond_change},
	{"monitor_cancel", method_monitor_cancel},
};

static const struct method *find_method(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}

// Takes answer and request.
static void give(struct session *session, struct answer a, struct jsonrpc_message *m)
{
	if (a.text.after)
		session_reply_text(session, &a.text.before, a.text.shared, a.text.after, m->id);
	else if (a.error)
		session_send(session, jsonrpc_error(a.error, json_incref(m->id)));
	else
		session_send(session, jsonrpc_reply(a.result, json_incref(m->id)));
	str_done(&a.text.before);
	jsonrpc_message_free(m);
}

// Requests that would change a database which only follows another one go there.
static bool is_forwarded(const struct session *session, const struct served *served,
			 const struct jsonrpc_message *m)
{
	if (!served_is_relay(served) || session->config.read_only || session->server->read_only)
		return false;
	return !strcmp(m->method, "convert") || db_execute_changes(m->params, 1);
}

// Its source does not know who asks: what the client may not do ends here.
static void forward(struct session *session, struct served *served, struct jsonrpc_message *m)
{
	struct answer a = {0};
	if (!strcmp(m->method, "transact"))
		a.result = served_check_permission(served, session, m->params);
	else if (session->config.role)
		a = fail(db_error_new("permission error",
				      "a client with a role may not convert database %s",
				      database_name(served->d)));
	if (a.result || a.error)
		give(session, a, m);
	else
		follower_forward(served->follower, session, m);
}

static void transact_or_convert(struct session *session, struct jsonrpc_message *m)
{
	struct served *served;
	struct db_error *error = find_database(session, m->method, m->params, &served);
	if (!error && is_forwarded(session, served, m)) {
		forward(session, served, m);
		return;
	}
	if (!error && !strcmp(m->method, "transact")) {
		served_transact(served, session, m);
		return;
	}
	if (!error) {
		give(session, method_convert(session, served, m->params), m);
		return;
	}
	session_send(session, jsonrpc_error(fail(error).error, json_incref(m->id)));
	jsonrpc_message_free(m);
}

void session_handle_request(struct session *session, struct jsonrpc_message *m)
{
	if (!strcmp(m->method, "transact") || !strcmp(m->method, "convert")) {
		transact_or_convert(session, m);
		return;
	}
	const struct method *method = find_method(m->method);
	if (session->server->without_monitor_cond && !strncmp(m->method, "monitor_cond", 12))
		method = NULL;
	struct answer a = method ? method->answer(session, m->method, m->params)
				 : fail_text("unknown method");
	give(session, a, m);
}

// --- Large transactions: never as one tree.

struct request_pieces {
	struct json_piece method, params, id;
};

static bool cut_request(struct json_piece text, struct request_pieces *r)
{
	struct json_cut cut;
	struct json_piece name, value;
	*r = (struct request_pieces){0};
	json_cut_init(&cut, text);
	if (cut.close != '}')
		return false;
	while (json_cut_next(&cut, &name, &value)) {
		if (json_piece_equal(name, "method"))
			r->method = value;
		else if (json_piece_equal(name, "params"))
			r->params = value;
		else if (json_piece_equal(name, "id"))
			r->id = value;
		else
			return false;
	}
	return json_cut_is_good(&cut) && json_piece_equal(r->method, "\"transact\"") &&
	       r->params.p && r->id.p && *r->params.p == '[' && !json_piece_equal(r->id, "null");
}

bool session_handle_text(struct session *session, struct json_piece text)
{
	struct request_pieces r;
	struct json_cut cut;
	struct json_piece name, value;
	VEC(struct json_piece) operations = {0};
	if (!cut_request(text, &r))
		return false;
	json_cut_init(&cut, r.params);
	if (!json_cut_next(&cut, &name, &value) || value.n < 2 || *value.p != '"')
		return false;
	char *db = xstrndup(value.p + 1, value.n - 2);
	struct served *served = server_find(session->server, db);
	json_t *id = json_piece_parse(r.id);
	bool done = false;
	free(db);
	// A relay passes it on, whole.
	if (served && served->available && !served_is_relay(served) && id) {
		while (json_cut_next(&cut, &name, &value))
			vec_push(&operations, value);
		done = json_cut_is_good(&cut) &&
		       served_transact_text(served, session, operations.v, operations.n, id);
	}
	vec_done(&operations);
	json_decref(id);
	return done;
}

bool session_handle_notify(struct session *session, const struct jsonrpc_message *m)
{
	if (strcmp(m->method, "cancel") || json_array_size(m->params) != 1)
		return false;
	for (struct served *s = session->server->databases; s; s = s->next)
		if (served_cancel(s, session, json_array_get(m->params, 0)))
			break;
	return true;
}
