/* SPDX-License-Identifier: Apache-2.0 */
// Lines of JSON: an object is what a client wants to monitor, or new conditions for it; an array is
// a transaction. What the client was told, put together, is what a new one would be told.
#include <stdlib.h>
#include <string.h>

#include "ovsdb/execute.h"
#include "ovsdb/history.h"
#include "ovsdb/monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char schema_text[] =
	"{\"name\":\"T\",\"tables\":{\"a\":{\"columns\":{\"i\":{\"type\":\"integer\"},\"r\":{"
	"\"type\":{\"key\":\"real\",\"min\":0}},\"s\":{"
	"\"type\":\"string\"},\"set\":{\"type\":{\"key\":\"integer\",\"min\":0,\"max\":"
	"\"unlimited\"}},\"m\":{\"type\":{\"key\":\"string\","
	"\"value\":\"string\",\"min\":0,\"max\":\"unlimited\"}}}},\"b\":{\"columns\":{\"w\":{"
	"\"type\":{\"key\":{\"type\":\"uuid\","
	"\"refTable\":\"a\",\"refType\":\"weak\"},\"min\":0,\"max\":\"unlimited\"}}}}}}";

struct client {
	struct monitor_spec *spec;
	json_t *rows; // {table: {uuid: true}} that it knows
};

static json_t *parse(struct str *text)
{
	json_t *json = json_loadb(text->s, text->len, 0, NULL);
	if (!json)
		abort();
	str_done(text);
	return json;
}

static void take(struct client *c, struct str *text)
{
	const char *table, *uuid, *kind;
	json_t *updates = parse(text), *rows, *update, *value;
	json_object_foreach (updates, table, rows)
		json_object_foreach (rows, uuid, update) {
			if (json_object_size(update) != 1)
				abort();
			json_t *mine = json_object_get(c->rows, table);
			if (!mine)
				json_object_set_new(c->rows, table, mine = json_object());
			bool known = json_object_get(mine, uuid);
			json_object_foreach (update, kind, value)
				if (!strcmp(kind, "delete") ? !known
							    : known != !strcmp(kind, "modify"))
					abort();
			if (json_object_get(update, "delete"))
				json_object_del(mine, uuid);
			else
				json_object_set_new(mine, uuid, json_true());
			if (!json_object_size(mine))
				json_object_del(c->rows, table);
		}
	json_decref(updates);
}

// Only who is told of everything knows which rows there are.
static bool is_complete(const struct monitor_spec *spec)
{
	VEC_FOREACH (&spec->tables, i)
		if (spec->tables.v[i].select != SELECT_ALL)
			return false;
	return true;
}

static void check(const struct client *c)
{
	struct client fresh = {.spec = c->spec, .rows = json_object()};
	struct str text = STR_INIT;
	monitor_initial(c->spec, &text);
	take(&fresh, &text);
	if (!json_equal(c->rows, fresh.rows))
		abort();
	json_decref(fresh.rows);
}

static void start(struct client *c, struct db *db, const json_t *requests)
{
	struct str text = STR_INIT;
	struct db_error *error = monitor_spec_from_json(db, MONITOR_V3, requests, &c->spec);
	db_error_free(error);
	if (c->spec && !is_complete(c->spec)) {
		monitor_spec_free(c->spec);
		c->spec = NULL;
	}
	if (!c->spec)
		return;
	monitor_initial(c->spec, &text);
	take(c, &text);
}

static void change(struct client *c, const json_t *requests)
{
	struct monitor_spec *spec = monitor_spec_clone(c->spec);
	struct str text = STR_INIT;
	struct db_error *error = monitor_spec_change(spec, requests);
	if (error) {
		db_error_free(error);
		monitor_spec_free(spec);
		return;
	}
	if (monitor_condition_update(c->spec, spec, &text))
		take(c, &text);
	str_done(&text);
	monitor_spec_free(c->spec);
	c->spec = spec;
}

static void transact(struct client *c, struct db *db, struct history *history,
		     const json_t *operations)
{
	struct db_execute x = {.db = db, .operations = operations};
	struct str text = STR_INIT;
	if (db_execute(&x) == DB_EXECUTE_DONE) {
		history_add(history, x.txn);
		if (c->spec && monitor_update(c->spec, x.txn, &text))
			take(c, &text);
		str_done(&text);
		db_txn_commit(x.txn);
	}
	json_decref(x.result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct db_schema *schema;
	json_t *json = json_loads(schema_text, 0, NULL);
	if (db_schema_from_json(json, &schema))
		abort();
	json_decref(json);
	struct db *db = db_new(schema);
	struct history *history = history_new();
	struct client client = {.rows = json_object()};
	while (n) {
		const uint8_t *newline = memchr(data, '\n', n);
		size_t length = newline ? (size_t)(newline - data) : n;
		json = json_loadb((const char *)data, length, 0, NULL);
		if (json_is_array(json))
			transact(&client, db, history, json);
		else if (json && !client.spec)
			start(&client, db, json);
		else if (json)
			change(&client, json);
		if (client.spec)
			check(&client);
		json_decref(json);
		data += newline ? length + 1 : length;
		n -= newline ? length + 1 : length;
	}
	monitor_spec_free(client.spec);
	json_decref(client.rows);
	history_free(history);
	db_free(db);
	return 0;
}
