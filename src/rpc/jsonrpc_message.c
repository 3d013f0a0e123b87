/* SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "rpc/jsonrpc.h"

static struct jsonrpc_message *make(enum jsonrpc_type type, const char *method, json_t *params,
				    json_t *result, json_t *error, json_t *id)
{
	struct jsonrpc_message *m = XNEW(struct jsonrpc_message);
	*m = (struct jsonrpc_message){type, xstrdup_null(method), params, result, error, id};
	return m;
}

struct jsonrpc_message *jsonrpc_request(const char *method, json_t *params)
{
	static _Atomic uint32_t next_id; // unique within the process is all that is asked
	return make(JSONRPC_REQUEST, method, params, NULL, NULL,
		    json_integer(atomic_fetch_add(&next_id, 1)));
}

struct jsonrpc_message *jsonrpc_notify(const char *method, json_t *params)
{
	return make(JSONRPC_NOTIFY, method, params, NULL, NULL, NULL);
}

struct jsonrpc_message *jsonrpc_reply(json_t *result, json_t *id)
{
	return make(JSONRPC_REPLY, NULL, NULL, result, NULL, id);
}

struct jsonrpc_message *jsonrpc_error(json_t *error, json_t *id)
{
	return make(JSONRPC_ERROR, NULL, NULL, NULL, error, id);
}

void jsonrpc_message_free(struct jsonrpc_message *m)
{
	if (!m)
		return;
	free(m->method);
	json_decref(m->params);
	json_decref(m->result);
	json_decref(m->error);
	json_decref(m->id);
	free(m);
}

static json_t *present(json_t *json, const char *key)
{
	json_t *value = json_object_get(json, key);
	return value && !json_is_null(value) ? value : NULL;
}

struct jsonrpc_message *jsonrpc_message_parse(json_t *json, char **why)
{
	*why = NULL;
	if (!json_is_object(json)) {
		*why = xstrdup("message is not a JSON object");
		return NULL;
	}
	static const char *const known[] = {"method", "params", "result", "error", "id"};
	const char *key;
	json_t *value;
	json_object_foreach (json, key, value) {
		bool ok = false;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			ok |= !strcmp(key, known[i]);
		if (!ok) {
			*why = xasprintf("message has unexpected member \"%s\"", key);
			return NULL;
		}
	}
	json_t *method = present(json, "method"), *params = present(json, "params"),
	       *id = present(json, "id");
	json_t *error = present(json, "error"), *result = json_object_get(json, "result");
	if (method) {
		if (!json_is_string(method))
			*why = xstrdup("method is not a JSON string");
		else if (!json_is_array(params))
			*why = xstrdup(
				"request or notification must have \"params\" that is an array");
		else if (present(json, "result") || error)
			*why = xstrdup(
				"request or notification must not have \"result\" or \"error\"");
		if (*why)
			return NULL;
		return make(id ? JSONRPC_REQUEST : JSONRPC_NOTIFY, json_string_value(method),
			    json_incref(params), NULL, NULL, id ? json_incref(id) : NULL);
	}
	if (!id)
		*why = xstrdup("reply must have \"id\"");
	else if (params)
		*why = xstrdup("reply must not have \"params\"");
	else if (!error && !result)
		*why = xstrdup("message has neither \"method\" nor \"result\" nor \"error\"");
	else if (error && present(json, "result"))
		*why = xstrdup("reply must not have both \"result\" and \"error\"");
	if (*why)
		return NULL;
	return error ? make(JSONRPC_ERROR, NULL, NULL, NULL, json_incref(error), json_incref(id))
		     : make(JSONRPC_REPLY, NULL, NULL, json_incref(result), NULL, json_incref(id));
}

static void set(json_t *json, const char *key, json_t *value)
{
	json_object_set_new(json, key, value ? json_incref(value) : json_null());
}

json_t *jsonrpc_message_to_json(const struct jsonrpc_message *m)
{
	json_t *json = json_object();
	switch (m->type) {
	case JSONRPC_REQUEST:
	case JSONRPC_NOTIFY:
		json_object_set_new(json, "method", json_string(m->method));
		set(json, "params", m->params);
		break;
	case JSONRPC_REPLY:
	case JSONRPC_ERROR:
		set(json, "result", m->result);
		set(json, "error", m->error);
		break;
	}
	set(json, "id", m->id);
	return json;
}
