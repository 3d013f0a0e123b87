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
	} rows[] = {{"initial", SELECT_INITIAL}, {"insert", SELECT_INSERT}, {"delete", SELECT_DELETE}, {"modify", SELECT_MODIFY}};
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

static struct db_error *add_column(struct monitor_table *t, const struct column_schema *c, int select,
				   const json_t *syntax)
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
		const struct column_schema *c = table_schema_find_column(schema, json_string_value(name));
		if (!c)
			return db_error_syntax(names, NULL, "%s is not a valid column name",
					       json_string_value(name));
		error = add_column(t, c, select, names);
		if (error)
			return error;
	}
	return NULL;
}

static struct db_error *add_request(struct monitor_table *t, enum monitor_version version, const json_t *json)
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

static struct db_error *add_table(struct monitor_spec *spec, const char *name, const json_t *requests)
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

struct db_error *monitor_spec_from_json(struct db *db, enum monitor_version version, const json_t *requests,
					struct monitor_spec **out)
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
	const struct monitor_table *a = *(struct monitor_table *const *)a_, *b = *(struct monitor_table *const *)b_;
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
			str_addf(&s, "%u/%d,", t->columns.v[j].column->index, t->columns.v[j].select);
		json_t *json = condition_to_json(&t->condition);
		char *text = db_json_text(json);
		str_add(&s, text);
		free(text);
		json_decref(json);
	}
	vec_done(&tables);
	return str_take(&s);
}

static struct monitor_table *find_table(const struct monitor_spec *spec, const struct db_table *table)
{
	VEC_FOREACH (&spec->tables, i)
		if (spec->tables.v[i].table == table)
			return &spec->tables.v[i];
	return NULL;
}

bool monitor_spec_has_table(const struct monitor_spec *spec, const struct db_table *table)
{
	return find_table(spec, table);
}

static struct db_error *change_table(struct monitor_spec *spec, const char *name, const json_t *requests)
{
	const struct db_table *table = db_find_table(spec->db, name);
	struct monitor_table *t = table ? find_table(spec, table) : NULL;
	size_t i;
	json_t *request;
	if (!t)
		return db_error_syntax(NULL, NULL, "no table named %s", name);
	if (!json_is_array(requests))
		return db_error_syntax(NULL, NULL, "table %s no monitor-cond-change JSON array", name);
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

// --- Updates.

// All columns of a row that are selected; without those that have their default in version 2.
static json_t *row_json(const struct monitor_table *t, enum monitor_version version, const struct datum *fields,
			int select)
{
	json_t *row = json_object();
	VEC_FOREACH (&t->columns, i) {
		const struct monitor_column *c = &t->columns.v[i];
		const struct datum *d = &fields[c->column->index];
		if (c->select & select && (version == MONITOR_V1 || !datum_is_default(d, &c->column->type)))
			json_object_set_new_nocheck(row, c->column->name, datum_to_json(d));
	}
	return row;
}

static json_t *modified_v1(const struct monitor_table *t, const struct datum *old, const struct datum *new)
{
	json_t *before = json_object(), *after = json_object();
	VEC_FOREACH (&t->columns, i) {
		const struct monitor_column *c = &t->columns.v[i];
		unsigned int k = c->column->index;
		if (!(c->select & SELECT_MODIFY))
			continue;
		if (!datum_equal(&old[k], &new[k]))
			json_object_set_new_nocheck(before, c->column->name, datum_to_json(&old[k]));
		json_object_set_new_nocheck(after, c->column->name, datum_to_json(&new[k]));
	}
	json_t *json = NULL;
	if (json_object_size(before)) {
		json = json_object();
		json_object_set(json, "old", before);
		json_object_set(json, "new", after);
	}
	json_decref(before);
	json_decref(after);
	return json;
}

static json_t *modified_v2(const struct monitor_table *t, const struct datum *old, const struct datum *new)
{
	json_t *row = json_object();
	VEC_FOREACH (&t->columns, i) {
		const struct monitor_column *c = &t->columns.v[i];
		unsigned int k = c->column->index;
		if (!(c->select & SELECT_MODIFY) || datum_equal(&old[k], &new[k]))
			continue;
		if (column_type_is_composite(&c->column->type)) {
			struct datum diff;
			datum_diff(&diff, &old[k], &new[k]);
			json_object_set_new_nocheck(row, c->column->name, datum_to_json(&diff));
			datum_done(&diff);
		} else {
			json_object_set_new_nocheck(row, c->column->name, datum_to_json(&new[k]));
		}
	}
	json_t *json = NULL;
	if (json_object_size(row)) {
		json = json_object();
		json_object_set(json, "modify", row);
	}
	json_decref(row);
	return json;
}

static json_t *wrap(const char *name, json_t *value)
{
	json_t *json = json_object();
	json_object_set_new_nocheck(json, name, value);
	return json;
}

// <row-update> or <row-update2> of a row that was `old` to the client and is `new`, either NULL; NULL when there is nothing to say.
static json_t *row_update(const struct monitor_table *t, enum monitor_version version, const struct datum *old,
			  const struct datum *new, int insert_select)
{
	bool v1 = version == MONITOR_V1;
	if (!old && !new)
		return NULL;
	if (!old) {
		if (!(t->select & insert_select))
			return NULL;
		const char *name = v1 ? "new" : insert_select == SELECT_INITIAL ? "initial" : "insert";
		return wrap(name, row_json(t, version, new, insert_select));
	}
	if (!new) {
		if (!(t->select & SELECT_DELETE))
			return NULL;
		return v1 ? wrap("old", row_json(t, version, old, SELECT_DELETE)) : wrap("delete", json_null());
	}
	if (!(t->select & SELECT_MODIFY))
		return NULL;
	return v1 ? modified_v1(t, old, new) : modified_v2(t, old, new);
}

static const struct datum *if_matches(const struct monitor_table *t, const struct datum *fields)
{
	return fields && condition_matches_any(&t->condition, fields) ? fields : NULL;
}

static void add_update(json_t **updates, const struct monitor_table *t, const struct uuid *uuid, json_t *row)
{
	char text[UUID_TEXT_LEN + 1];
	if (!row)
		return;
	if (!*updates)
		*updates = json_object();
	json_t *table = json_object_get(*updates, t->table->schema->name);
	if (!table) {
		table = json_object();
		json_object_set_new_nocheck(*updates, t->table->schema->name, table);
	}
	snprintf(text, sizeof(text), UUID_FORMAT, UUID_ARGS(uuid));
	json_object_set_new_nocheck(table, text, row);
}

json_t *monitor_initial(const struct monitor_spec *spec)
{
	json_t *updates = json_object();
	VEC_FOREACH (&spec->tables, i) {
		const struct monitor_table *t = &spec->tables.v[i];
		if (!(t->select & SELECT_INITIAL))
			continue;
		for (struct db_row *row = db_table_next_row(t->table, NULL); row;
		     row = db_table_next_row(t->table, row)) {
			const struct datum *new = if_matches(t, row->fields);
			add_update(&updates, t, &row->uuid, row_update(t, spec->version, NULL, new, SELECT_INITIAL));
		}
	}
	return updates;
}

json_t *monitor_update(const struct monitor_spec *spec, const struct db_txn *txn)
{
	json_t *updates = NULL;
	for (size_t i = 0; i < txn->n_changed; i++) {
		const struct db_txn_row *r = txn->rows.v[i];
		const struct monitor_table *t = find_table(spec, r->row->table);
		if (!t)
			continue;
		const struct datum *old = if_matches(t, r->old), *new = if_matches(t, r->row->fields);
		add_update(&updates, t, &r->row->uuid, row_update(t, spec->version, old, new, SELECT_INSERT));
	}
	return updates;
}

json_t *monitor_condition_update(const struct monitor_spec *before, const struct monitor_spec *after)
{
	json_t *updates = NULL;
	VEC_FOREACH (&after->tables, i) {
		const struct monitor_table *a = &before->tables.v[i], *b = &after->tables.v[i];
		if (condition_equal(&a->condition, &b->condition))
			continue;
		for (struct db_row *row = db_table_next_row(b->table, NULL); row;
		     row = db_table_next_row(b->table, row)) {
			const struct datum *old = if_matches(a, row->fields), *new = if_matches(b, row->fields);
			if (old != new)
				add_update(&updates, b, &row->uuid,
					   row_update(b, after->version, old, new, SELECT_INSERT));
		}
	}
	return updates;
}

// --- Changes put off.

struct backlog_key {
	struct uuid uuid;
	const struct db_table *table;
};

struct backlog_row {
	struct backlog_key key;
	struct datum *old; // NULL: it was not there
	UT_hash_handle hh;
};

struct monitor_backlog {
	struct backlog_row *rows;
};

struct monitor_backlog *monitor_backlog_new(void)
{
	return XNEW(struct monitor_backlog);
}

static void backlog_remove(struct monitor_backlog *b, struct backlog_row *row)
{
	HASH_DEL(b->rows, row);
	db_fields_free(row->key.table, row->old);
	free(row);
}

void monitor_backlog_free(struct monitor_backlog *b)
{
	struct backlog_row *row, *next;
	if (!b)
		return;
	HASH_ITER (hh, b->rows, row, next)
		backlog_remove(b, row);
	free(b);
}

void monitor_backlog_add(struct monitor_backlog *b, const struct monitor_spec *spec, const struct db_txn *txn)
{
	for (size_t i = 0; i < txn->n_changed; i++) {
		const struct db_txn_row *r = txn->rows.v[i];
		struct backlog_row *row;
		if (!find_table(spec, r->row->table))
			continue;
		struct backlog_key key = {r->row->uuid, r->row->table};
		HASH_FIND(hh, b->rows, &key, sizeof(key), row);
		if (row)
			continue;
		row = XNEW(struct backlog_row);
		row->key = key;
		row->old = r->old ? db_fields_copy(key.table, r->old) : NULL;
		HASH_ADD(hh, b->rows, key, sizeof(row->key), row);
	}
}

struct datum **monitor_backlog_row(struct monitor_backlog *b, const struct db_table *table, const struct uuid *uuid)
{
	struct backlog_key key = {*uuid, table};
	struct backlog_row *row;
	HASH_FIND(hh, b->rows, &key, sizeof(key), row);
	if (!row) {
		const struct db_row *now = db_table_find_row(table, uuid);
		row = XNEW(struct backlog_row);
		row->key = key;
		row->old = now ? db_fields_copy(table, now->fields) : NULL;
		HASH_ADD(hh, b->rows, key, sizeof(row->key), row);
	}
	return &row->old;
}

json_t *monitor_backlog_take(struct monitor_backlog *b, const struct monitor_spec *spec)
{
	json_t *updates = NULL;
	struct backlog_row *row, *next;
	HASH_ITER (hh, b->rows, row, next) {
		const struct monitor_table *t = find_table(spec, row->key.table);
		const struct db_row *now = db_table_find_row(row->key.table, &row->key.uuid);
		if (t) {
			const struct datum *old = if_matches(t, row->old);
			const struct datum *new = if_matches(t, now ? now->fields : NULL);
			add_update(&updates, t, &row->key.uuid, row_update(t, spec->version, old, new, SELECT_INSERT));
		}
		backlog_remove(b, row);
	}
	return updates;
}
