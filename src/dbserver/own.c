/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/own.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

LOG_MODULE(server_database);

static const char schema_text[] =
	"{\"name\":\"_Server\",\"version\":\"1.2.0\",\"cksum\":\"3009684573 "
	"744\",\"tables\":{\"Database\":{\"columns\":{"
	"\"name\":{\"type\":\"string\"},"
	"\"model\":{\"type\":{\"key\":{\"type\":\"string\",\"enum\":[\"set\",[\"standalone\","
	"\"clustered\",\"relay\"]]}}},"
	"\"connected\":{\"type\":\"boolean\"},"
	"\"leader\":{\"type\":\"boolean\"},"
	"\"schema\":{\"type\":{\"key\":{\"type\":\"string\"},\"min\":0,\"max\":1}},"
	"\"cid\":{\"type\":{\"key\":{\"type\":\"uuid\"},\"min\":0,\"max\":1}},"
	"\"sid\":{\"type\":{\"key\":{\"type\":\"uuid\"},\"min\":0,\"max\":1}},"
	"\"index\":{\"type\":{\"key\":{\"type\":\"integer\"},\"min\":0,\"max\":1}}}}}}";

struct database *own_database_new(void)
{
	struct db_schema *schema;
	json_t *json = json_loads(schema_text, 0, NULL);
	struct db_error *error = db_schema_from_json(json, &schema);
	json_decref(json);
	if (error) {
		char *text = db_error_to_text(error);
		log_fatal("_Server schema: %s", text);
	}
	return database_new(schema);
}

static void set(struct db_txn *txn, struct db_row *row, const char *column, struct datum d)
{
	db_txn_set(txn, row, table_schema_find_column(row->table->schema, column)->index, &d);
}

static const char *row_name(const struct db_row *row)
{
	unsigned int c = table_schema_find_column(row->table->schema, "name")->index;
	return atom_string(datum_key(&row->fields[c], 0));
}

static struct db_row *find_row(const struct db_table *t, const char *name)
{
	for (struct db_row *row = db_table_next_row(t, NULL); row; row = db_table_next_row(t, row))
		if (!strcmp(row_name(row), name))
			return row;
	return NULL;
}

static void update_row(struct db_txn *txn, struct db_row *row, const struct served *s)
{
	struct datum d;
	datum_init_string(&d, database_name(s->d));
	set(txn, row, "name", d);
	datum_init_string(&d, served_is_relay(s) ? "relay" : "standalone");
	set(txn, row, "model", d);
	datum_init_boolean(&d, s->connected);
	set(txn, row, "connected", d);
	datum_init_boolean(&d, !served_is_relay(s));
	set(txn, row, "leader", d);
	if (!s->available) {
		datum_init_empty(&d, ATOM_STRING, ATOM_VOID);
		set(txn, row, "schema", d);
		return;
	}
	json_t *json = db_schema_to_json(s->d->db->schema);
	char *text = db_json_text(json);
	datum_init_string(&d, text);
	set(txn, row, "schema", d);
	free(text);
	json_decref(json);
}

void own_update(struct server *server)
{
	struct database *own = server->own->d;
	struct db_table *t = db_find_table(own->db, "Database");
	struct db_txn *txn = db_txn_new(own->db);
	for (struct db_row *row = db_table_next_row(t, NULL), *next; row; row = next) {
		next = db_table_next_row(t, row);
		if (!server_find(server, row_name(row)))
			db_txn_delete(txn, row);
	}
	for (struct served *s = server->databases; s; s = s->next) {
		struct db_row *row = find_row(t, database_name(s->d));
		if (!row) {
			struct uuid uuid = uuid_random();
			row = db_txn_insert(txn, t, &uuid);
		}
		update_row(txn, row, s);
	}
	struct db_error *error = db_txn_prepare(txn);
	if (error)
		db_txn_abort(txn);
	else
		error = database_commit(own, txn);
	if (error) {
		char *text = db_error_to_text(error);
		log_warn("updating _Server failed: %s", text);
		free(text);
		db_error_free(error);
	}
}
