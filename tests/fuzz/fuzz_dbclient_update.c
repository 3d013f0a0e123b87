/* SPDX-License-Identifier: Apache-2.0 */
// What a hostile server may send to a client: schemas, contents, updates, its status. Whatever it
// is, the rows can be read, and a copy that gets the replica's contents as a whole has the same.
#include <stdlib.h>
#include <string.h>

#include "dbclient/replica.h"
#include "dbclient/server_watch.h"
#include "dbclient/vswitch_db.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void start(struct replica *r)
{
	replica_init(r, &vswitch_db);
	for (unsigned int i = 0; i < vswitch_db.n_tables; i++)
		for (unsigned int c = 0; c < vswitch_db.tables[i]->n_columns; c++)
			replica_monitor(r, vswitch_db.tables[i], c, c % 3 ? DB_READ : DB_WRITE);
	replica_freeze(r);
}

// Reads what programs read: the members, by their shapes.
static size_t read_member(const struct db_row *row, const struct db_column *c)
{
	const char *at = (const char *)row + c->at;
	size_t sum = 0, n = c->n_at ? *(const size_t *)((const char *)row + c->n_at) : 1;

	if (c->shape == DB_MAP && c->key == ATOM_STRING && c->value == ATOM_STRING) {
		const struct smap *m = (const struct smap *)at;

		for (size_t i = 0; i < m->n; i++)
			sum += strlen(m->v[i].key) + strlen(m->v[i].value);
		return sum;
	}
	for (size_t i = 0; (c->shape == DB_SET || c->shape == DB_MAP) && i < n; i++) {
		if (c->key == ATOM_STRING)
			sum += strlen((*(const char *const *const *)at)[i]);
		if (c->key == ATOM_UUID)
			sum += (*(const struct db_row *const *const *)at)[i]->uuid.part[0];
	}
	if (c->shape == DB_ONE && c->key == ATOM_STRING)
		sum += strlen(*(const char *const *)at);
	return sum;
}

static size_t read_rows(struct replica *r)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < vswitch_db.n_tables; i++) {
		struct db_table *t = &r->tables[i];
		struct db_row *row;

		for (size_t at = 0; (row = row_table_next(&t->rows, &at));)
			for (unsigned int c = 0; row->present && c < t->class->n_columns; c++)
				sum += read_member(row, &t->class->columns[c]);
		for (row = t->changed; row; row = row->next_changed)
			sum += row->change;
	}
	return sum;
}

static size_t n_rows(const struct replica *r)
{
	size_t n = 0;

	for (unsigned int i = 0; i < vswitch_db.n_tables; i++)
		n += r->tables[i].rows.n - r->tables[i].n_placeholders;
	return n;
}

// The contents as a server would send them.
static json_t *contents(const struct replica *r)
{
	json_t *tables = json_object();

	for (unsigned int i = 0; i < vswitch_db.n_tables; i++) {
		const struct db_table *t = &r->tables[i];
		json_t *rows = json_object();
		struct db_row *row;

		for (size_t at = 0; (row = row_table_next(&t->rows, &at));) {
			char uuid[UUID_TEXT_LEN + 1];
			json_t *columns = json_object();

			if (row->present) {
				snprintf(uuid, sizeof(uuid), UUID_FORMAT, UUID_ARGS(&row->uuid));
				for (unsigned int c = 0; c < t->class->n_columns; c++)
					json_object_set_new(columns, t->class->columns[c].name,
							    datum_to_json(row_datum(row, c)));
				json_object_set_new(rows, uuid,
						    json_pack("{s:O}", "initial", columns));
			}
			json_decref(columns);
		}
		json_object_set_new(tables, t->class->name, rows);
	}
	return tables;
}

static void compare_with_copy(const struct replica *r)
{
	struct replica copy;
	json_t *all = contents(r), *again;

	start(&copy);
	if (replica_apply(&copy, all, UPDATE_V2, true))
		abort();
	replica_settle(&copy);
	again = contents(&copy);
	if (n_rows(&copy) != n_rows(r) || !json_equal(all, again))
		abort();
	read_rows(&copy);
	json_decref(all);
	json_decref(again);
	replica_done(&copy);
}

// A line is a kind, and JSON.
static void handle_line(struct replica *r, struct server_watch *watch, const char *line, size_t n)
{
	json_t *json = n > 1 ? json_loadb(line + 1, n - 1, JSON_DECODE_ANY, NULL) : NULL;

	switch (*line) {
	case '1':
	case '2':
	case 'w':
		error_free(
			replica_apply(r, json, *line == '1' ? UPDATE_V1 : UPDATE_V2, *line == 'w'));
		replica_settle(r);
		read_rows(r);
		break;
	case 'd':
		replica_changes_done(r);
		break;
	case 's':
		replica_learn_schema(r, json);
		json_decref(replica_monitor_requests(r, true));
		break;
	case 't':
		server_watch_update(watch, json);
		(void)server_watch_problem(watch, true);
		break;
	}
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct replica r;
	struct server_watch watch = {0};

	start(&r);
	while (n) {
		const uint8_t *newline = memchr(data, '\n', n);
		size_t length = newline ? (size_t)(newline - data) : n;

		if (length)
			handle_line(&r, &watch, (const char *)data, length);
		data += newline ? length + 1 : length;
		n -= newline ? length + 1 : length;
	}
	compare_with_copy(&r);
	replica_done(&r);
	return 0;
}
