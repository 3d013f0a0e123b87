/* SPDX-License-Identifier: Apache-2.0 */
#include "show_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "base/alloc.h"
#include "cmd/common/command.h"
#include "dbserver/journal.h"
#include "ovsdb/schema.h"

// The rows that are there, and what they are called.
struct known_row {
	char *name; // as text, NULL: none
	UT_hash_handle hh;
	char key[]; // "TABLE UUID"
};

struct show {
	struct db_schema *schema; // NULL until the first schema
	struct known_row *rows;
	int more;
};

static void show_schema(struct show *s, const json_t *json)
{
	db_schema_free(s->schema);
	struct db_error *error = db_schema_from_json(json, &s->schema);
	if (error)
		command_die("%s", db_error_to_text(error));
	printf(" \"%s\" schema, version=\"%s\", cksum=\"%s\"\n", s->schema->name,
	       s->schema->version, s->schema->cksum);
}

static struct known_row *find_row(const struct show *s, const char *key)
{
	struct known_row *row;
	HASH_FIND_STR(s->rows, key, row);
	return row;
}

static void forget_row(struct show *s, struct known_row *row)
{
	HASH_DEL(s->rows, row);
	free(row->name);
	free(row);
}

static struct known_row *remember_row(struct show *s, const char *key)
{
	size_t n = strlen(key);
	struct known_row *row = xcalloc(1, sizeof(*row) + n + 1);
	memcpy(row->key, key, n);
	HASH_ADD_STR(s->rows, key, row);
	return row;
}

// A column's value as text; the JSON where the schema does not know it.
static char *value_text(const struct show *s, const char *table, const char *column,
			const json_t *json)
{
	const struct table_schema *t = s->schema ? db_schema_find_table(s->schema, table) : NULL;
	const struct column_schema *c = t ? table_schema_find_column(t, column) : NULL;
	struct datum d;
	struct str out = STR_INIT;
	if (!c)
		return db_json_text(json);
	struct db_error *error = datum_from_json_any_size(&d, &c->type, json, NULL);
	if (error) {
		db_error_free(error);
		return db_json_text(json);
	}
	datum_to_text(&d, &c->type, &out);
	datum_done(&d);
	return str_take(&out);
}

static void show_columns(const struct show *s, const char *table, const json_t *columns)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)columns, name, value) {
		char *text = value_text(s, table, name, value);
		printf("    %s=%s\n", name, text);
		free(text);
	}
}

static void show_row(struct show *s, const char *table, const char *uuid, const json_t *columns,
		     bool diff)
{
	char *key = xasprintf("%s %s", table, uuid);
	struct known_row *row = find_row(s, key);
	const json_t *name = json_object_get(columns, "name");
	bool is_new = !row;
	char *before = row ? xstrdup_null(row->name) : NULL;
	if (is_new)
		row = remember_row(s, key);
	if (json_is_string(name)) {
		free(row->name);
		row->name = db_json_text(name);
	}
	if (s->more) {
		if (is_new && row->name)
			printf("  table %s insert row %s (%.8s):\n", table, row->name, uuid);
		else if (is_new)
			printf("  table %s insert row %.8s:\n", table, uuid);
		else if (before)
			printf("  table %s row %s (%.8s)%s:\n", table, before, uuid,
			       diff ? " diff" : "");
		else
			printf("  table %s row %.8s (%.8s)%s:\n", table, uuid, uuid,
			       diff ? " diff" : "");
		if (json_is_null(columns))
			printf("    delete row\n");
		else if (s->more > 1)
			show_columns(s, table, columns);
	}
	if (json_is_null(columns))
		forget_row(s, row);
	free(before);
	free(key);
}

static void show_date(const json_t *date)
{
	int64_t ms = json_integer_value(date);
	time_t seconds = ms / 1000;
	struct tm tm;
	char text[32];
	if (!date)
		return;
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf(" %s.%03d", text, (int)(ms % 1000));
}

static void show_transaction(struct show *s, const json_t *json)
{
	const char *table, *uuid;
	json_t *rows, *row;
	const json_t *comment = json_object_get(json, "_comment");
	bool diff = json_is_true(json_object_get(json, "_is_diff"));
	show_date(json_object_get(json, "_date"));
	if (json_is_string(comment))
		printf(" \"%s\"", json_string_value(comment));
	putchar('\n');
	json_object_foreach ((json_t *)json, table, rows)
		if (json_is_object(rows))
			json_object_foreach (rows, uuid, row)
				show_row(s, table, uuid, row, diff);
}

void show_log(const char *path, int more)
{
	struct show s = {.more = more};
	struct journal *j;
	struct db_error *error = journal_open(path, JOURNAL_READ_ONLY, &j);
	for (unsigned int i = 0; !error; i++) {
		json_t *json;
		error = journal_read(j, &json);
		if (error || !json)
			break;
		printf("record %u:", i);
		if (json_object_get(json, "tables") && !json_object_get(json, "_date"))
			show_schema(&s, json);
		else
			show_transaction(&s, json);
		if (!i || s.more)
			putchar('\n');
		json_decref(json);
	}
	if (error)
		command_die("%s", db_error_to_text(error));
	journal_close(j);
	struct known_row *row, *next;
	HASH_ITER (hh, s.rows, row, next)
		forget_row(&s, row);
	db_schema_free(s.schema);
}
