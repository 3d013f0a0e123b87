/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/schema.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "ovsdb/fields.h"

bool db_is_valid_id(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

bool db_version_is_valid(const char *s)
{
	for (int i = 0; i < 3; i++) {
		if (!isdigit((unsigned char)*s))
			return false;
		while (isdigit((unsigned char)*s))
			s++;
		if (i < 2 && *s++ != '.')
			return false;
	}
	return !*s;
}

// --- Columns.

static void column_free(struct column_schema *c)
{
	if (!c)
		return;
	free(c->name);
	column_type_done(&c->type);
	free(c);
}

static struct db_error *column_from_json(const json_t *json, const char *name,
					 struct column_schema **out)
{
	*out = NULL;
	struct fields f;
	fields_init(&f, json, "schema for column %s", name);
	const json_t *mutable = fields_get(&f, "mutable", FIELD_BOOLEAN | FIELD_OPTIONAL);
	const json_t *ephemeral = fields_get(&f, "ephemeral", FIELD_BOOLEAN | FIELD_OPTIONAL);
	const json_t *type = fields_get(&f, "type", FIELD_STRING | FIELD_OBJECT);
	struct db_error *error = fields_done(&f);
	if (error)
		return error;
	struct column_schema *c = XNEW(struct column_schema);
	error = column_type_from_json(&c->type, type);
	if (error) {
		free(c);
		return error;
	}
	c->name = xstrdup(name);
	c->mutable = !mutable || json_is_true(mutable);
	c->persistent = !json_is_true(ephemeral);
	*out = c;
	return NULL;
}

json_t *column_schema_to_json(const struct column_schema *c)
{
	json_t *json = json_object();
	if (!c->mutable)
		json_object_set_new(json, "mutable", json_false());
	if (!c->persistent)
		json_object_set_new(json, "ephemeral", json_true());
	json_object_set_new(json, "type", column_type_to_json(&c->type));
	return json;
}

static struct column_schema *column_std(const char *name, bool persistent)
{
	struct column_schema *c = XNEW(struct column_schema);
	c->name = xstrdup(name);
	c->persistent = persistent;
	column_type_init_scalar(&c->type, ATOM_UUID);
	return c;
}

// --- Tables.

static void table_free(struct table_schema *t)
{
	if (!t)
		return;
	HASH_CLEAR(hh, t->by_name);
	for (unsigned int i = 0; i < t->n_columns; i++)
		column_free(t->columns[i]);
	for (unsigned int i = 0; i < t->n_indexes; i++)
		free(t->indexes[i].columns);
	free(t->columns);
	free(t->indexes);
	free(t->name);
	free(t);
}

static void table_add_column(struct table_schema *t, struct column_schema *c)
{
	c->index = t->n_columns;
	t->columns = xrealloc(t->columns, (t->n_columns + 1) * sizeof(struct column_schema *));
	t->columns[t->n_columns++] = c;
	HASH_ADD_KEYPTR(hh, t->by_name, c->name, strlen(c->name), c);
	if (c->index >= N_STD_COLUMNS && c->mutable)
		t->mutable = true;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// The names of an object's members, sorted; free() the array.
static const char **sorted_names(const json_t *object, size_t *n)
{
	const char **names = xcalloc(json_object_size(object) + 1, sizeof(*names));
	const char *name;
	json_t *value;
	*n = 0;
	json_object_foreach ((json_t *)object, name, value)
		names[(*n)++] = name;
	qsort(names, *n, sizeof(*names), compare_names);
	return names;
}

static struct db_error *table_add_columns(struct table_schema *t, const json_t *columns)
{
	size_t n;
	const char **names = sorted_names(columns, &n);
	struct db_error *error = NULL;
	for (size_t i = 0; i < n && !error; i++) {
		struct column_schema *c = NULL;
		const json_t *json = json_object_get(columns, names[i]);
		if (names[i][0] == '_')
			error = db_error_syntax(columns, NULL,
						"names beginning with \"_\" are reserved");
		else if (!db_is_valid_id(names[i]))
			error = db_error_syntax(columns, NULL, "name must be a valid id");
		else
			error = column_from_json(json, names[i], &c);
		if (c)
			table_add_column(t, c);
	}
	free(names);
	return error;
}

static struct db_error *index_from_json(const struct table_schema *t, const json_t *json,
					struct table_index *index)
{
	if (!json_is_array(json) || !json_array_size(json))
		return db_error_syntax(json, NULL, "array of distinct column names expected");
	index->columns = xcalloc(json_array_size(json), sizeof(*index->columns));
	size_t i;
	json_t *name;
	json_array_foreach (json, i, name) {
		if (!json_is_string(name))
			return db_error_syntax(json, NULL,
					       "array of distinct column names expected");
		struct column_schema *c = table_schema_find_column(t, json_string_value(name));
		if (!c)
			return db_error_syntax(json, NULL, "%s is not a valid column name",
					       json_string_value(name));
		for (unsigned int j = 0; j < index->n_columns; j++)
			if (index->columns[j] == c)
				return db_error_syntax(json, NULL,
						       "array of distinct column names expected");
		if (!c->persistent)
			return db_error_syntax(json, NULL,
					       "ephemeral columns (such as %s) may not be indexed",
					       c->name);
		index->columns[index->n_columns++] = c;
	}
	return NULL;
}

static struct db_error *table_add_indexes(struct table_schema *t, const json_t *indexes)
{
	size_t i;
	json_t *json;
	struct db_error *error = NULL;
	t->indexes = xcalloc(json_array_size(indexes) + 1, sizeof(*t->indexes));
	json_array_foreach (indexes, i, json) {
		error = index_from_json(t, json, &t->indexes[t->n_indexes++]);
		if (error)
			break;
	}
	return error;
}

static struct db_error *table_members(struct table_schema *t, const json_t *json)
{
	struct fields f;
	fields_init(&f, json, "table schema for table %s", t->name);
	const json_t *columns = fields_get(&f, "columns", FIELD_OBJECT);
	// What the whole table says about change; older schemas have it.
	const json_t *mutable = fields_get(&f, "mutable", FIELD_BOOLEAN | FIELD_OPTIONAL);
	const json_t *max_rows = fields_get(&f, "maxRows", FIELD_INTEGER | FIELD_OPTIONAL);
	const json_t *is_root = fields_get(&f, "isRoot", FIELD_BOOLEAN | FIELD_OPTIONAL);
	const json_t *indexes = fields_get(&f, "indexes", FIELD_ARRAY | FIELD_OPTIONAL);
	struct db_error *error = fields_done(&f);
	if (error)
		return error;
	if (max_rows) {
		json_int_t n = json_is_integer(max_rows) ? json_integer_value(max_rows) : 0;
		if (n <= 0)
			return db_error_syntax(json, NULL, "maxRows must be at least 1");
		t->max_rows = n > UINT_MAX ? UINT_MAX : (unsigned int)n;
	}
	if (!json_object_size(columns))
		return db_error_syntax(json, NULL, "table must have at least one column");
	error = table_add_columns(t, columns);
	if (!error && indexes)
		error = table_add_indexes(t, indexes);
	if (mutable && json_is_false(mutable))
		t->mutable = false;
	t->is_root = t->is_root_marked = json_is_true(is_root);
	return error;
}

static struct table_schema *table_new(const char *name)
{
	struct table_schema *t = XNEW(struct table_schema);
	t->name = xstrdup(name);
	t->max_rows = UINT_MAX;
	table_add_column(t, column_std("_uuid", true));
	table_add_column(t, column_std("_version", false));
	return t;
}

json_t *table_schema_to_json(const struct table_schema *t, bool default_is_root)
{
	json_t *json = json_object(), *columns = json_object(), *indexes = json_array();
	if (default_is_root != t->is_root)
		json_object_set_new(json, "isRoot", json_boolean(t->is_root));
	for (unsigned int i = N_STD_COLUMNS; i < t->n_columns; i++)
		json_object_set_new(columns, t->columns[i]->name,
				    column_schema_to_json(t->columns[i]));
	json_object_set_new(json, "columns", columns);
	if (t->max_rows != UINT_MAX)
		json_object_set_new(json, "maxRows", json_integer(t->max_rows));
	for (unsigned int i = 0; i < t->n_indexes; i++) {
		json_t *index = json_array();
		for (unsigned int j = 0; j < t->indexes[i].n_columns; j++)
			json_array_append_new(index, json_string(t->indexes[i].columns[j]->name));
		json_array_append_new(indexes, index);
	}
	if (t->n_indexes)
		json_object_set(json, "indexes", indexes);
	json_decref(indexes);
	return json;
}

struct column_schema *table_schema_find_column(const struct table_schema *t, const char *name)
{
	struct column_schema *c;
	HASH_FIND_STR(t->by_name, name, c);
	return c;
}

// --- The database.

struct table_schema *db_schema_find_table(const struct db_schema *schema, const char *name)
{
	struct table_schema *t;
	HASH_FIND_STR(schema->by_name, name, t);
	return t;
}

static struct db_error *add_tables(struct db_schema *schema, const json_t *tables)
{
	size_t n;
	const char **names = sorted_names(tables, &n);
	struct db_error *error = NULL;
	schema->tables = xcalloc(n + 1, sizeof(struct table_schema *));
	for (size_t i = 0; i < n && !error; i++) {
		if (names[i][0] == '_') {
			error = db_error_syntax(tables, NULL,
						"names beginning with \"_\" are reserved");
			break;
		}
		if (!db_is_valid_id(names[i])) {
			error = db_error_syntax(tables, NULL, "name must be a valid id");
			break;
		}
		struct table_schema *t = table_new(names[i]);
		t->number = schema->n_tables;
		schema->tables[schema->n_tables++] = t;
		HASH_ADD_KEYPTR(hh, schema->by_name, t->name, strlen(t->name), t);
		error = table_members(t, json_object_get(tables, names[i]));
	}
	free(names);
	return error;
}

static struct db_error *resolve_base(struct db_schema *schema, const struct column_schema *c,
				     struct base_type *base, const char *which)
{
	if (!base_type_is_ref(base))
		return NULL;
	base->ref.table = db_schema_find_table(schema, base->ref.table_name);
	if (!base->ref.table)
		return db_error_syntax(NULL, NULL, "column %s %s refers to undefined table %s",
				       c->name, which, base->ref.table_name);
	return NULL;
}

static struct db_error *resolve_references(struct db_schema *schema)
{
	for (unsigned int i = 0; i < schema->n_tables; i++) {
		struct table_schema *t = schema->tables[i];
		for (unsigned int j = N_STD_COLUMNS; j < t->n_columns; j++) {
			struct column_schema *c = t->columns[j];
			struct db_error *error = resolve_base(schema, c, &c->type.key, "key");
			if (!error)
				error = resolve_base(schema, c, &c->type.value, "value");
			if (error)
				return error;
			// A weak reference may vanish at any time, so such a column must be able to
			// change.
			if (base_type_is_weak_ref(&c->type.key) ||
			    base_type_is_weak_ref(&c->type.value))
				c->mutable = true, t->mutable = true;
		}
	}
	return NULL;
}

static void mark_roots(struct db_schema *schema)
{
	for (unsigned int i = 0; i < schema->n_tables; i++)
		if (schema->tables[i]->is_root_marked)
			return;
	for (unsigned int i = 0; i < schema->n_tables; i++)
		schema->tables[i]->is_root = true;
}

struct db_error *db_schema_from_json(const json_t *json, struct db_schema **out)
{
	*out = NULL;
	struct fields f;
	fields_init(&f, json, "database schema");
	const json_t *name = fields_get(&f, "name", FIELD_ID);
	const json_t *version = fields_get(&f, "version", FIELD_STRING | FIELD_OPTIONAL);
	const json_t *cksum = fields_get(&f, "cksum", FIELD_STRING | FIELD_OPTIONAL);
	const json_t *tables = fields_get(&f, "tables", FIELD_OBJECT);
	struct db_error *error = fields_done(&f);
	if (error)
		return error;
	if (version && !db_version_is_valid(json_string_value(version)))
		return db_error_syntax(json, NULL, "schema version \"%s\" not in format x.y.z",
				       json_string_value(version));
	struct db_schema *schema = XNEW(struct db_schema);
	schema->name = xstrdup(json_string_value(name));
	schema->version = xstrdup(version ? json_string_value(version) : "");
	schema->cksum = xstrdup(cksum ? json_string_value(cksum) : "");
	error = add_tables(schema, tables);
	if (!error)
		error = resolve_references(schema);
	if (error) {
		db_schema_free(schema);
		return error;
	}
	mark_roots(schema);
	*out = schema;
	return NULL;
}

struct db_error *db_schema_from_file(const char *path, struct db_schema **out)
{
	*out = NULL;
	json_error_t why;
	FILE *file = fopen(path, "r");
	if (!file)
		return db_error_new("failed to read schema",
				    "\"%s\" could not be read as JSON (error opening \"%s\": %s)",
				    path, path, strerror(errno));
	json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES, &why);
	fclose(file);
	if (!json)
		return db_error_new(
			"failed to read schema",
			"\"%s\" could not be read as JSON (line %d, column %d, byte %d: %s)", path,
			why.line, why.column, why.position, why.text);
	struct db_error *error = db_schema_from_json(json, out);
	json_decref(json);
	return db_error_wrap(error, "failed to parse \"%s\" as ovsdb schema", path);
}

json_t *db_schema_to_json(const struct db_schema *schema)
{
	bool default_is_root = true;
	for (unsigned int i = 0; i < schema->n_tables; i++)
		if (!schema->tables[i]->is_root)
			default_is_root = false;
	json_t *json = json_object(), *tables = json_object();
	json_object_set_new(json, "name", json_string(schema->name));
	if (*schema->version)
		json_object_set_new(json, "version", json_string(schema->version));
	if (*schema->cksum)
		json_object_set_new(json, "cksum", json_string(schema->cksum));
	for (unsigned int i = 0; i < schema->n_tables; i++)
		json_object_set_new(tables, schema->tables[i]->name,
				    table_schema_to_json(schema->tables[i], default_is_root));
	json_object_set_new(json, "tables", tables);
	return json;
}

void db_schema_free(struct db_schema *schema)
{
	if (!schema)
		return;
	HASH_CLEAR(hh, schema->by_name);
	for (unsigned int i = 0; i < schema->n_tables; i++)
		table_free(schema->tables[i]);
	free(schema->tables);
	free(schema->name);
	free(schema->version);
	free(schema->cksum);
	free(schema);
}

struct db_schema *db_schema_clone(const struct db_schema *schema)
{
	json_t *json = db_schema_to_json(schema);
	struct db_schema *clone;
	db_error_free(db_schema_from_json(json, &clone));
	json_decref(json);
	return clone;
}

bool db_schema_equal(const struct db_schema *a, const struct db_schema *b)
{
	json_t *x = db_schema_to_json(a), *y = db_schema_to_json(b);
	bool equal = json_equal(x, y);
	json_decref(x);
	json_decref(y);
	return equal;
}
