/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

static void take(json_t **where, json_t *value)
{
	json_decref(*where);
	*where = value;
}

static json_t *read_schema(const struct fake_server *s)
{
	json_t *schema = json_load_file(SCHEMA_FILE, 0, NULL);

	if (!schema)
		abort();
	if (s->lacks)
		json_object_del(
			json_object_get(json_object_get(json_object_get(schema, "tables"), "Port"),
					"columns"),
			s->lacks);
	return schema;
}

// A monitor asks for the column that is not there.
static bool lacks_column(const struct fake_server *s, const json_t *params)
{
	const json_t *request =
		json_array_get(json_object_get(json_array_get(params, 2), "Port"), 0);
	const json_t *columns = json_object_get(request, "columns");

	for (size_t i = 0; s->lacks && i < json_array_size(columns); i++)
		if (!strcmp(json_string_value(json_array_get(columns, i)), s->lacks))
			return true;
	return false;
}

static bool is_about_server(const struct jsonrpc_message *m)
{
	const char *database = json_string_value(json_array_get(m->params, 0));

	return database && !strcmp(database, "_Server");
}

static json_t *handle_monitor(struct fake_server *s, const struct jsonrpc_message *m)
{
	json_t *contents;

	if (is_about_server(m))
		return json_incref(s->status);
	if (!strcmp(m->method, "monitor_cond_change")) {
		s->n_changes++;
		take(&s->change, json_incref(m->params));
		return json_object();
	}
	if (s->no_database || lacks_column(s, m->params))
		return NULL;
	contents = s->contents ? json_incref(s->contents) : json_object();
	free(s->monitor_method);
	s->monitor_method = xstrdup(m->method);
	take(&s->monitor_params, json_incref(m->params));
	take(&s->monitor_id, json_incref(json_array_get(m->params, 1)));
	if (!strcmp(m->method, "monitor_cond_since"))
		return json_pack("[b,s,o]", s->found, "aaaaaaaa-0000-0000-0000-000000000001",
				 contents);
	return contents;
}

static json_t *handle_transact(struct fake_server *s, const struct jsonrpc_message *m)
{
	json_t *results = json_array();

	s->n_transactions++;
	take(&s->transaction, json_incref(m->params));
	if (s->results) {
		json_decref(results);
		results = s->results;
		s->results = NULL;
		return results;
	}
	for (size_t i = 1; i < json_array_size(m->params); i++)
		json_array_append_new(results, json_object());
	return results;
}

static bool is_refused(const struct fake_server *s, const char *method)
{
	for (size_t i = 0; i < 2; i++)
		if (s->refuse[i] && !strcmp(s->refuse[i], method))
			return true;
	return false;
}

static void on_message(void *arg, struct jsonrpc_message *m)
{
	struct fake_server *s = arg;
	json_t *result = NULL;

	if (m->type == JSONRPC_REQUEST && !is_refused(s, m->method)) {
		if (!strcmp(m->method, "get_schema"))
			s->n_schemas++, result = s->no_database ? NULL : read_schema(s);
		else if (!strncmp(m->method, "monitor", 7))
			result = handle_monitor(s, m);
		else if (!strcmp(m->method, "transact"))
			result = handle_transact(s, m);
		else if (!strcmp(m->method, "lock"))
			result = json_pack("{s:b}", "locked", !s->lock_is_taken);
		else
			result = json_object();
	}
	if (m->type == JSONRPC_REQUEST && !(s->hold_replies && !strcmp(m->method, "transact")) &&
	    !(s->hold_changes && !strcmp(m->method, "monitor_cond_change"))) {
		if (result)
			jsonrpc_send(s->client,
				     jsonrpc_reply(json_incref(result), json_incref(m->id)));
		else
			jsonrpc_send(s->client, jsonrpc_error(json_pack("{s:s}", "error",
									is_refused(s, m->method)
										? "unknown method"
										: "syntax error"),
							      json_incref(m->id)));
	}
	json_decref(result);
	jsonrpc_message_free(m);
}

static void on_closed(void *arg, int error)
{
	fake_server_drop(arg);
}

static const struct jsonrpc_callbacks callbacks = {.message = on_message, .closed = on_closed};

static void on_accept(void *arg, struct stream *stream)
{
	struct fake_server *s = arg;

	fake_server_drop(s);
	s->n_connections++;
	s->client = jsonrpc_new(s->loop, stream, &callbacks, s);
}

void fake_server_start(struct fake_server *s, struct loop *loop)
{
	char *target;
	struct error *error;

	*s = (struct fake_server){.loop = loop};
	s->path = xasprintf("/tmp/fake-server.%ld.sock", (long)getpid());
	target = xasprintf("punix:%s", s->path);
	error = stream_listen(loop, target, 0, on_accept, s, &s->listener);
	if (error)
		abort();
	free(target);
}

void fake_server_drop(struct fake_server *s)
{
	jsonrpc_free(s->client);
	s->client = NULL;
}

void fake_server_stop(struct fake_server *s)
{
	fake_server_drop(s);
	stream_listener_free(s->listener);
	take(&s->contents, NULL);
	take(&s->results, NULL);
	take(&s->monitor_params, NULL);
	take(&s->monitor_id, NULL);
	take(&s->transaction, NULL);
	take(&s->status, NULL);
	take(&s->change, NULL);
	free(s->monitor_method);
	free(s->path);
}

void fake_server_notify(struct fake_server *s, const char *method, json_t *params)
{
	jsonrpc_send(s->client, jsonrpc_notify(method, params));
}

void fake_server_tell_status(struct fake_server *s, json_t *updates)
{
	fake_server_notify(s, "update2", json_pack("[[s,s],o]", "sluice", "_Server", updates));
}

void fake_server_update(struct fake_server *s, const char *txn_id, json_t *updates)
{
	if (!strcmp(s->monitor_method, "monitor_cond_since"))
		fake_server_notify(s, "update3",
				   json_pack("[O,s,o]", s->monitor_id, txn_id, updates));
	else if (!strcmp(s->monitor_method, "monitor_cond"))
		fake_server_notify(s, "update2", json_pack("[O,o]", s->monitor_id, updates));
	else
		fake_server_notify(s, "update", json_pack("[O,o]", s->monitor_id, updates));
}
