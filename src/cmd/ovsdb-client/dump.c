/* SPDX-License-Identifier: Apache-2.0 */
// dump, backup and restore: the whole contents of a database at once.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client.h"
#include "dbserver/database.h"
#include "ovsdb/record.h"

// --- dump

struct dump_table {
	const struct table_schema *schema;
	VEC(const struct column_schema *) columns; // by name, _uuid first
	VEC(struct datum *) rows;		   // one datum per column
};

static int compare_columns(const void *a_, const void *b_)
{
	const struct column_schema *a = *(const struct column_schema *const *)a_;
	const struct column_schema *b = *(const struct column_schema *const *)b_;
	return (a->index > b->index) - (a->index < b->index);
}

static void choose_columns(struct dump_table *t, int argc, char *argv[])
{
	const struct table_schema *schema = t->schema;
	for (int i = 0; i < argc; i++) {
		const struct column_schema *c = table_schema_find_column(schema, argv[i]);
		if (!c)
			command_die("Table \"%s\" has no column %s.", schema->name, argv[i]);
		vec_push(&t->columns, c);
	}
	for (unsigned int i = 0; !argc && i < schema->n_columns; i++)
		if (i != COLUMN_VERSION)
			vec_push(&t->columns, schema->columns[i]);
	qsort(t->columns.v, t->columns.n, sizeof(t->columns.v[0]), compare_columns);
}

// Rows are shown in the order of their contents; UUIDs, which say nothing, decide last.
static int compare_rows(const void *a_, const void *b_, void *table_)
{
	const struct datum *a = *(struct datum *const *)a_, *b = *(struct datum *const *)b_;
	const struct dump_table *t = table_;
	for (int uuids = 0; uuids < 2; uuids++)
		VEC_FOREACH (&t->columns, i) {
			if ((t->columns.v[i]->index == COLUMN_UUID) != uuids)
				continue;
			int cmp = datum_compare(&a[i], &b[i]);
			if (cmp)
				return cmp;
		}
	return 0;
}

static void read_row(struct dump_table *t, const json_t *json)
{
	struct datum *row = xcalloc(t->columns.n, sizeof(*row));
	VEC_FOREACH (&t->columns, i) {
		const struct column_schema *c = t->columns.v[i];
		struct db_error *error =
			datum_from_json(&row[i], &c->type, json_object_get(json, c->name), NULL);
		if (error)
			command_die("%s", db_error_to_text(error));
	}
	vec_push(&t->rows, row);
}

static void print_table(struct client *c, struct dump_table *t)
{
	struct text_table out = TEXT_TABLE_INIT;
	text_table_set_caption(&out, "%s table", t->schema->name);
	VEC_FOREACH (&t->columns, i)
		text_table_add_column(&out, t->columns.v[i]->name);
	if (t->rows.n)
		qsort_r(t->rows.v, t->rows.n, sizeof(t->rows.v[0]), compare_rows, t);
	VEC_FOREACH (&t->rows, i)
		VEC_FOREACH (&t->columns, j)
			text_table_add_datum(&out, &t->rows.v[i][j], &t->columns.v[j]->type);
	text_table_print(&out, &c->style, stdout);
	text_table_done(&out);
}

static void dump_table_done(struct dump_table *t)
{
	VEC_FOREACH (&t->rows, i) {
		VEC_FOREACH (&t->columns, j)
			datum_done(&t->rows.v[i][j]);
		free(t->rows.v[i]);
	}
	vec_done(&t->rows);
	vec_done(&t->columns);
}

void client_dump(struct client *c, int argc, char *argv[])
{
	struct db_schema *schema = client_get_schema(c, c->database);
	VEC(struct dump_table) tables = {0};
	json_t *params = json_pack("[s]", c->database);
	if (argc > 1 && !db_schema_find_table(schema, argv[1]))
		command_die("No table \"%s\" found.", argv[1]);
	for (unsigned int i = 0; i < schema->n_tables; i++) {
		if (argc > 1 && strcmp(schema->tables[i]->name, argv[1]))
			continue;
		struct dump_table t = {.schema = schema->tables[i]};
		choose_columns(&t, argc > 2 ? argc - 2 : 0, argv + 2);
		json_t *op = client_operation("select", t.schema->name), *names = json_array();
		VEC_FOREACH (&t.columns, j)
			json_array_append_new(names, json_string(t.columns.v[j]->name));
		json_object_set_new(op, "columns", names);
		json_array_append_new(params, op);
		vec_push(&tables, t);
	}
	json_t *results = client_transact(c, params);
	VEC_FOREACH (&tables, i) {
		size_t j;
		json_t *row;
		json_array_foreach (json_object_get(json_array_get(results, i), "rows"), j, row)
			read_row(&tables.v[i], row);
		print_table(c, &tables.v[i]);
		dump_table_done(&tables.v[i]);
	}
	vec_done(&tables);
	json_decref(results);
	db_schema_free(schema);
}

// --- backup

static void print_record(const char *text, size_t n)
{
	struct str s = STR_INIT;
	journal_format(&s, text, n);
	fwrite(s.s, 1, s.len, stdout);
	str_done(&s);
}

// The rows of one table as {UUID: {column: value}}.
static json_t *rows_by_uuid(const json_t *rows)
{
	json_t *out = json_object(), *row;
	size_t i;
	json_array_foreach ((json_t *)rows, i, row) {
		const char *uuid =
			json_string_value(json_array_get(json_object_get(row, "_uuid"), 1));
		json_t *copy = json_copy(row);
		json_object_del(copy, "_uuid");
		json_object_set_new(out, uuid ? uuid : "", copy);
	}
	return out;
}

void client_backup(struct client *c, int argc, char *argv[])
{
	if (isatty(STDOUT_FILENO))
		command_die("not writing backup to a terminal; please redirect stdout to a file");
	struct db_schema *schema = client_get_schema(c, c->database);
	json_t *params = json_pack("[s]", c->database);
	for (unsigned int i = 0; i < schema->n_tables; i++) {
		const struct table_schema *t = schema->tables[i];
		json_t *op = client_operation("select", t->name),
		       *names = json_pack("[s]", "_uuid");
		for (unsigned int j = N_STD_COLUMNS; j < t->n_columns; j++)
			if (t->columns[j]->persistent)
				json_array_append_new(names, json_string(t->columns[j]->name));
		json_object_set_new(op, "columns", names);
		json_array_append_new(params, op);
	}
	json_t *results = client_transact(c, params), *json = db_schema_to_json(schema);
	char *text = db_json_text(json);
	print_record(text, strlen(text));
	free(text);
	json_decref(json);
	json = json_pack("{s:I, s:s}", "_date", (json_int_t)clock_wall_ms(), "_comment",
			 "produced by \"ovsdb-client backup\"");
	for (unsigned int i = 0; i < schema->n_tables; i++) {
		const json_t *rows = json_object_get(json_array_get(results, i), "rows");
		if (json_array_size(rows))
			json_object_set_new(json, schema->tables[i]->name, rows_by_uuid(rows));
	}
	text = db_json_text(json);
	print_record(text, strlen(text));
	free(text);
	json_decref(json);
	json_decref(results);
	db_schema_free(schema);
}

// --- restore

static char *row_name(const struct uuid *uuid)
{
	char *name = xasprintf("row" UUID_FORMAT, UUID_ARGS(uuid));
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

// References to rows of the snapshot become names, since the rows will have other UUIDs.
static json_t *atom_json(const struct db *db, const union atom *atom, const struct base_type *base)
{
	if (base_type_is_ref(base) &&
	    db_table_find_row(db_table_of(db, base->ref.table), &atom->uuid)) {
		char *name = row_name(&atom->uuid);
		json_t *json = json_pack("[s, s]", "named-uuid", name);
		free(name);
		return json;
	}
	return atom_to_json(atom, base->type);
}

static json_t *column_json(const struct db *db, const struct datum *d,
			   const struct column_type *type)
{
	json_t *elements = json_array();
	for (size_t i = 0; i < d->n; i++) {
		json_t *element = atom_json(db, datum_key(d, i), &type->key);
		if (column_type_is_map(type))
			element = json_pack("[o, o]", element,
					    atom_json(db, datum_value(d, i), &type->value));
		json_array_append_new(elements, element);
	}
	return json_pack("[s, o]", column_type_is_map(type) ? "map" : "set", elements);
}

static json_t *insert_json(const struct db *db, const struct db_row *row)
{
	const struct table_schema *t = row->table->schema;
	char *name = row_name(&row->uuid);
	json_t *columns = json_object();
	for (unsigned int i = N_STD_COLUMNS; i < t->n_columns; i++) {
		const struct column_schema *c = t->columns[i];
		if (c->persistent && !datum_is_default(&row->fields[i], &c->type))
			json_object_set_new(columns, c->name,
					    column_json(db, &row->fields[i], &c->type));
	}
	json_t *op = json_pack("{s:s, s:s, s:s, s:o}", "op", "insert", "table", t->name,
			       "uuid-name", name, "row", columns);
	free(name);
	return op;
}

static void check_schema(const struct client *c, const struct db_schema *backup,
			 const struct db_schema *have)
{
	if (c->force || db_schema_equal(backup, have))
		return;
	static const char hint[] = "(use --force to override differences, or \"ovsdb-client "
				   "convert\" to change the schema)";
	if (strcmp(backup->version, have->version))
		command_die("backup schema has version \"%s\" but database schema has version "
			    "\"%s\" %s",
			    backup->version, have->version, hint);
	command_die("backup schema and database schema differ %s", hint);
}

void client_restore(struct client *c, int argc, char *argv[])
{
	struct database *snapshot;
	char *warning;
	if (isatty(STDIN_FILENO))
		command_die(
			"not reading backup from a terminal; please redirect stdin from a file");
	struct db_error *error = database_open("/dev/stdin", false, &snapshot, &warning);
	if (error)
		command_die("%s", db_error_to_text(error));
	if (warning)
		command_die("%s", warning);
	struct db_schema *schema = client_get_schema(c, c->database);
	check_schema(c, snapshot->db->schema, schema);
	json_t *params = json_pack("[s]", c->database);
	for (unsigned int i = 0; i < schema->n_tables; i++)
		json_array_append_new(params, client_operation("delete", schema->tables[i]->name));
	for (unsigned int i = 0; i < snapshot->db->schema->n_tables; i++) {
		const struct db_table *t = &snapshot->db->tables[i];
		for (struct db_row *row = db_table_next_row(t, NULL); row;
		     row = db_table_next_row(t, row))
			json_array_append_new(params, insert_json(snapshot->db, row));
	}
	json_array_append_new(params, json_pack("{s:s, s:s}", "op", "comment", "comment",
						"ovsdb-client: restored database"));
	json_decref(client_transact(c, params));
	db_schema_free(schema);
	database_free(snapshot);
}
