/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/monitor.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ovsdb/fields.h"

// --- Requests.

static int select_from_json(const json_t *json, const char *table, struct db_error **error)
{
	static const struct {
		const char *name;
		int bit;
	} rows[] = {{"initial", SELECT_INITIAL},
		    {"insert", SELECT_INSERT},
		    {"delete", SELECT_DELETE},
		    {"modify", SELECT_MODIFY}};
	int select = SELECT_ALL;
	struct fields f;
	if (!json)
		return select;
	fields_init(&f, json, "table %s select", table);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const json_t *value = fields_get(&f, rows[i].name, FIELD_BOOLEAN | FIELD_OPTIONAL);
		if (value && json_is_false(value))
			select &= ~rows[i].bit;
	}
	*error = fields_done(&f);
	return select;
}

static bool has_column(const struct monitor_table *t, const struct column_schema *c)
{
	VEC_FOREACH (&t->columns, i)
		if (t->columns.v[i].column == c)
			return true;
	return false;
}

static struct db_error *add_column(struct monitor_table *t, const struct column_schema *c,
				   int select, const json_t *syntax)
{
	if (has_column(t, c))
		return db_error_syntax(syntax, NULL, "column name mentioned more than once");
	vec_push(&t->columns, ((struct monitor_column){c, select}));
	t->select |= select;
	return NULL;
}

static struct db_error *add_columns(struct monitor_table *t, const json_t *names, int select)
{
	const struct table_schema *schema = t->table->schema;
	struct db_error *error = NULL;
	if (!names) {
		for (unsigned int i = COLUMN_VERSION; i < schema->n_columns && !error; i++)
			error = add_column(t, schema->columns[i], select, NULL);
		return error;
	}
	size_t i;
	json_t *name;
	json_array_foreach (names, i, name) {
		if (!json_is_string(name))
			return db_error_syntax(names, NULL, "array of column names expected");
		const struct column_schema *c =
			table_schema_find_column(schema, json_string_value(name));
		if (!c)
			return db_error_syntax(names, NULL, "%s is not a valid column name",
					       json_string_value(name));
		error = add_column(t, c, select, names);
		if (error)
			return error;
	}
	return NULL;
}

static struct db_error *add_request(struct monitor_table *t, enum monitor_version version,
				    const json_t *json)
{
	struct fields f;
	const char *name = t->table->schema->name;
	const json_t *where = NULL;
	fields_init(&f, json, "table %s", name);
	if (version != MONITOR_V1)
		where = fields_get(&f, "where", FIELD_ARRAY | FIELD_OPTIONAL);
	const json_t *columns = fields_get(&f, "columns", FIELD_ARRAY | FIELD_OPTIONAL);
	const json_t *select_json = fields_get(&f, "select", FIELD_OBJECT | FIELD_OPTIONAL);
	struct db_error *error = fields_done(&f);
	if (error)
		return error;
	int select = select_from_json(select_json, name, &error);
	// Without columns the rows themselves are still told.
	t->select |= select;
	if (!error)
		error = add_columns(t, columns, select);
	if (!error && where) {
		condition_done(&t->condition);
		error = condition_from_json(&t->condition, t->table->schema, where, NULL);
	}
	return error;
}

static struct db_error *add_table(struct monitor_spec *spec, const char *name,
				  const json_t *requests)
{
	const struct db_table *table = db_find_table(spec->db, name);
	if (!table)
		return db_error_syntax(NULL, NULL, "no table named %s", name);
	struct monitor_table *t = vec_extend(&spec->tables);
	*t = (struct monitor_table){.table = table};
	if (!json_is_array(requests))
		return add_request(t, spec->version, requests);
	size_t i;
	json_t *request;
	json_array_foreach (requests, i, request) {
		struct db_error *error = add_request(t, spec->version, request);
		if (error)
			return error;
	}
	return NULL;
}

struct db_error *monitor_spec_from_json(struct db *db, enum monitor_version version,
					const json_t *requests, struct monitor_spec **out)
{
	const char *name;
	json_t *value;
	*out = NULL;
	if (!json_is_object(requests))
		return db_error_syntax(requests, NULL, "monitor-requests must be object");
	struct monitor_spec *spec = XNEW(struct monitor_spec);
	spec->db = db;
	spec->version = version;
	json_object_foreach ((json_t *)requests, name, value) {
		struct db_error *error = add_table(spec, name, value);
		if (error) {
			monitor_spec_free(spec);
			return error;
		}
	}
	*out = spec;
	return NULL;
}

static void condition_clone(struct condition *to, const struct condition *from)
{
	*to = (struct condition)CONDITION_INIT;
	VEC_FOREACH (&from->clauses, i) {
		struct clause c = from->clauses.v[i];
		if (c.column)
			datum_copy(&c.arg, &from->clauses.v[i].arg);
		vec_push(&to->clauses, c);
	}
}

struct monitor_spec *monitor_spec_clone(const struct monitor_spec *from)
{
	struct monitor_spec *spec = XNEW(struct monitor_spec);
	spec->db = from->db;
	spec->version = from->version;
	VEC_FOREACH (&from->tables, i) {
		const struct monitor_table *t = &from->tables.v[i];
		struct monitor_table copy = {.table = t->table, .select = t->select};
		VEC_FOREACH (&t->columns, j)
			vec_push(&copy.columns, t->columns.v[j]);
		condition_clone(&copy.condition, &t->condition);
		vec_push(&spec->tables, copy);
	}
	return spec;
}

void monitor_spec_free(struct monitor_spec *spec)
{
	if (!spec)
		return;
	VEC_FOREACH (&spec->tables, i) {
		vec_done(&spec->tables.v[i].columns);
		condition_done(&spec->tables.v[i].condition);
	}
	vec_done(&spec->tables);
	free(spec);
}

static int compare_tables(const void *a_, const void *b_)
{
	const struct monitor_table *a = *(struct monitor_table *const *)a_,
				   *b = *(struct monitor_table *const *)b_;
	return (a->table > b->table) - (a->table < b->table);
}

char *monitor_spec_key(const struct monitor_spec *spec)
{
	struct str s = STR_INIT;
	VEC(const struct monitor_table *) tables = {0};
	VEC_FOREACH (&spec->tables, i)
		vec_push(&tables, &spec->tables.v[i]);
	if (tables.n)
		qsort(tables.v, tables.n, sizeof(tables.v[0]), compare_tables);
	str_addf(&s, "%d", spec->version);
	VEC_FOREACH (&tables, i) {
		const struct monitor_table *t = tables.v[i];
		str_addf(&s, ";%s:", t->table->schema->name);
		VEC_FOREACH (&t->columns, j)
			str_addf(&s, "%u/%d,", t->columns.v[j].column->index,
				 t->columns.v[j].select);
		json_t *json = condition_to_json(&t->condition);
		char *text = db_json_text(json);
		str_add(&s, text);
		free(text);
		json_decref(json);
	}
	vec_done(&tables);
	return str_take(&s);
}

struct monitor_table *monitor_spec_find_table(const struct monitor_spec *spec,
					      const struct db_table *table)
{
	VEC_FOREACH (&spec->tables, i)
		if (spec->tables.v[i].table == table)
			return &spec->tables.v[i];
	return NULL;
}

static struct db_error *change_table(struct monitor_spec *spec, const char *name,
				     const json_t *requests)
{
	const struct db_table *table = db_find_table(spec->db, name);
	struct monitor_table *t = table ? monitor_spec_find_table(spec, table) : NULL;
	size_t i;
	json_t *request;
	if (!t)
		return db_error_syntax(NULL, NULL, "no table named %s", name);
	if (!json_is_array(requests))
		return db_error_syntax(NULL, NULL, "table %s no monitor-cond-change JSON array",
				       name);
	json_array_foreach (requests, i, request) {
		struct fields f;
		fields_init(&f, request, "table %s", name);
		const json_t *where = fields_get(&f, "where", FIELD_ARRAY | FIELD_OPTIONAL);
		const json_t *columns = fields_get(&f, "columns", FIELD_ARRAY | FIELD_OPTIONAL);
		struct db_error *error = fields_done(&f);
		if (error)
			return error;
		if (columns)
			return db_error_syntax(request, NULL, "changing columns is unsupported");
		struct condition condition;
		error = condition_from_json(&condition, table->schema, where, NULL);
		if (error)
			return error;
		condition_done(&t->condition);
		t->condition = condition;
	}
	return NULL;
}

struct db_error *monitor_spec_change(struct monitor_spec *spec, const json_t *requests)
{
	const char *name;
	json_t *value;
	if (!json_is_object(requests))
		return db_error_syntax(NULL, NULL, "monitor-cond-change-requests must be object");
	json_object_foreach ((json_t *)requests, name, value) {
		struct db_error *error = change_table(spec, name, value);
		if (error)
			return error;
	}
	return NULL;
}
