/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/execute.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "ovsdb/columns.h"
#include "ovsdb/condition.h"
#include "ovsdb/fields.h"
#include "ovsdb/mutation.h"
#include "ovsdb/row_values.h"

struct execution {
	struct db_execute *x;
	struct db_txn *txn;
	struct symtab symtab;
	bool waiting; // a "wait" wants to be tried again
};

struct operation {
	const char *name;
	bool read_only; // allowed when the server only reads
	bool changes;	// rows
	// Fills the members of `result`. An error given back counts only when the fields were
	// right.
	struct db_error *(*execute)(struct execution *, struct fields *, json_t *result);
};

static struct db_table *parse_table(struct execution *e, struct fields *f, const char *member)
{
	const json_t *name = fields_get(f, member, FIELD_ID);
	if (!name)
		return NULL;
	struct db_table *t = db_find_table(e->x->db, json_string_value(name));
	if (!t)
		fields_error(f, "No table named %s.", json_string_value(name));
	return t;
}

static struct rbac find_rbac(const struct execution *e, const struct db_table *t)
{
	return rbac_find(e->x->db, &e->x->client, t->schema);
}

// --- insert

// The UUID of the new row, from "uuid", "uuid-name" or chance.
static struct db_error *new_uuid(struct execution *e, const struct db_table *t, const json_t *given,
				 const json_t *name, struct uuid *uuid)
{
	*uuid = uuid_random();
	if (given) {
		if (!uuid_parse(json_string_value(given), uuid))
			return db_error_syntax(given, NULL, "bad uuid");
		if (db_table_find_linked(t, uuid))
			return db_error_syntax(given, "duplicate uuid",
					       "This UUID would duplicate a UUID already present "
					       "within the table or "
					       "deleted within the same transaction.");
	}
	if (!name)
		return NULL;
	struct symbol *symbol = symtab_get(&e->symtab, json_string_value(name));
	if (symbol->created)
		return db_error_syntax(
			name, "duplicate uuid-name",
			"This \"uuid-name\" appeared on an earlier \"insert\" operation.");
	if (given)
		symbol->uuid = *uuid;
	else
		*uuid = symbol->uuid;
	symbol->created = true;
	return NULL;
}

// Defaults must satisfy the constraints, too: an enumeration may not have "" among its values.
static struct db_error *check_defaults(const struct db_table *t, const struct db_row *row,
				       const struct row_values *values)
{
	for (unsigned int i = N_STD_COLUMNS; i < t->schema->n_columns; i++) {
		const struct column_type *type = &t->schema->columns[i]->type;
		if (type->n_min == 0 || row_values_contain(values, i))
			continue;
		if (!base_type_has_constraints(&type->key) &&
		    !base_type_has_constraints(&type->value))
			continue;
		struct db_error *error = datum_check(&row->fields[i], type);
		if (error)
			return db_error_at(error, "table %s, column %s, whose default does not do",
					   t->schema->name, t->schema->columns[i]->name);
	}
	return NULL;
}

static json_t *uuid_json(const struct uuid *uuid)
{
	return atom_to_json(&(union atom){.uuid = *uuid}, ATOM_UUID);
}

static struct db_error *execute_insert(struct execution *e, struct fields *f, json_t *result)
{
	struct db_table *t = parse_table(e, f, "table");
	const json_t *given = fields_get(f, "uuid", FIELD_STRING | FIELD_OPTIONAL);
	const json_t *name = fields_get(f, "uuid-name", FIELD_ID | FIELD_OPTIONAL);
	const json_t *json = fields_get(f, "row", FIELD_OBJECT);
	if (fields_has_error(f))
		return NULL;
	struct uuid uuid;
	struct row_values values;
	struct db_error *error = new_uuid(e, t, given, name, &uuid);
	if (error)
		return error;
	error = row_values_from_json(&values, t->schema, json, &e->symtab);
	if (error)
		return error;
	struct db_row *row = db_txn_insert(e->txn, t, &uuid);
	error = check_defaults(t, row, &values);
	if (!error) {
		VEC_FOREACH (&values.v, i) {
			unsigned int index = values.v.v[i].column->index;
			if (index < N_STD_COLUMNS)
				continue; // not the client's to choose
			db_txn_set(e->txn, row, index, &values.v.v[i].datum);
			datum_init_empty(&values.v.v[i].datum, ATOM_VOID, ATOM_VOID);
		}
		json_object_set_new(result, "uuid", uuid_json(&uuid));
		struct rbac rbac = find_rbac(e, t);
		if (!rbac_may_insert_or_delete(&rbac, t->schema, row->fields))
			error = rbac_error(&rbac, "row insertion into", t->schema);
	}
	row_values_done(&values);
	return error;
}

// --- select

static int compare_rows(const void *a_, const void *b_, void *columns_)
{
	const struct db_row *a = *(struct db_row *const *)a_, *b = *(struct db_row *const *)b_;
	const struct column_set *columns = columns_;
	VEC_FOREACH (&columns->c, i) {
		unsigned int c = columns->c.v[i]->index;
		int cmp = datum_compare(&a->fields[c], &b->fields[c]);
		if (cmp)
			return cmp;
	}
	return 0;
}

// Sorts and drops rows that are equal in the columns.
static void distinct(struct row_list *list, const struct column_set *columns)
{
	if (list->rows.n < 2 || column_set_contains(columns, COLUMN_UUID))
		return;
	qsort_r(list->rows.v, list->rows.n, sizeof(list->rows.v[0]), compare_rows, (void *)columns);
	size_t n = 1;
	for (size_t i = 1; i < list->rows.n; i++)
		if (!column_set_equal(columns, list->rows.v[i]->fields,
				      list->rows.v[n - 1]->fields))
			list->rows.v[n++] = list->rows.v[i];
	list->rows.n = n;
}

static struct db_error *execute_select(struct execution *e, struct fields *f, json_t *result)
{
	struct db_table *t = parse_table(e, f, "table");
	const json_t *where = fields_get(f, "where", FIELD_ARRAY);
	const json_t *names = fields_get(f, "columns", FIELD_ARRAY | FIELD_OPTIONAL);
	// Accepted for compatibility: results have no order.
	(void)fields_get(f, "sort", FIELD_ARRAY | FIELD_OPTIONAL);
	if (fields_has_error(f))
		return NULL;
	struct condition condition = CONDITION_INIT;
	struct column_set columns = COLUMN_SET_INIT;
	struct row_list list = {0};
	struct db_error *error = condition_from_json(&condition, t->schema, where, &e->symtab);
	if (!error)
		error = column_set_from_json(&columns, t->schema, names);
	if (!error) {
		json_t *rows = json_array();
		condition_find_rows(&condition, t, &list);
		distinct(&list, &columns);
		VEC_FOREACH (&list.rows, i)
			json_array_append_new(
				rows, column_set_row_to_json(&columns, list.rows.v[i]->fields));
		json_object_set_new(result, "rows", rows);
	}
	vec_done(&list.rows);
	column_set_done(&columns);
	condition_done(&condition);
	return error;
}

// --- update, mutate, delete

static void set_count(json_t *result, size_t n)
{
	json_object_set_new(result, "count", json_integer((json_int_t)n));
}

static struct db_error *check_mutable(const struct row_values *values, const struct table_schema *t,
				      const json_t *op)
{
	VEC_FOREACH (&values->v, i)
		if (!values->v.v[i].column->mutable)
			return db_error_syntax(op, "constraint violation",
					       "Cannot update immutable column %s in table %s.",
					       values->v.v[i].column->name, t->name);
	return NULL;
}

static struct db_error *check_update(const struct rbac *rbac, const struct table_schema *t,
				     const struct row_list *list, const struct row_values *values)
{
	bool allowed = !rbac->applies || rbac->permissions;
	for (size_t i = 0; i < list->rows.n && allowed && rbac->applies; i++) {
		const struct datum *fields = list->rows.v[i]->fields;
		allowed = rbac_may_modify(rbac, t, fields);
		for (size_t j = 0; j < values->v.n && allowed; j++) {
			const struct column_schema *c = values->v.v[j].column;
			allowed =
				rbac_may_update(rbac, c, &fields[c->index], &values->v.v[j].datum);
		}
	}
	return allowed ? NULL : rbac_error(rbac, "modification of", t);
}

static struct db_error *check_mutate(const struct rbac *rbac, const struct table_schema *t,
				     const struct row_list *list,
				     const struct mutation_list *mutations)
{
	bool allowed = !rbac->applies || rbac->permissions;
	for (size_t i = 0; i < list->rows.n && allowed && rbac->applies; i++) {
		allowed = rbac_may_modify(rbac, t, list->rows.v[i]->fields);
		for (size_t j = 0; j < mutations->m.n && allowed; j++)
			allowed = rbac_may_mutate(rbac, mutations->m.v[j].column,
						  &mutations->m.v[j].arg);
	}
	return allowed ? NULL : rbac_error(rbac, "mutate operation on", t);
}

static struct db_error *execute_update(struct execution *e, struct fields *f, json_t *result)
{
	struct db_table *t = parse_table(e, f, "table");
	const json_t *where = fields_get(f, "where", FIELD_ARRAY);
	const json_t *json = fields_get(f, "row", FIELD_OBJECT);
	if (fields_has_error(f))
		return NULL;
	struct condition condition = CONDITION_INIT;
	struct row_values values;
	struct row_list list = {0};
	struct db_error *error = row_values_from_json(&values, t->schema, json, &e->symtab);
	if (error)
		return error;
	error = check_mutable(&values, t->schema, f->json);
	if (!error)
		error = condition_from_json(&condition, t->schema, where, &e->symtab);
	if (!error) {
		condition_find_rows(&condition, t, &list);
		struct rbac rbac = find_rbac(e, t);
		error = check_update(&rbac, t->schema, &list, &values);
	}
	if (!error) {
		VEC_FOREACH (&list.rows, i)
			VEC_FOREACH (&values.v, j) {
				struct datum d;
				datum_copy(&d, &values.v.v[j].datum);
				db_txn_set(e->txn, list.rows.v[i], values.v.v[j].column->index, &d);
			}
		set_count(result, list.rows.n);
	}
	vec_done(&list.rows);
	condition_done(&condition);
	row_values_done(&values);
	return error;
}

static struct db_error *execute_mutate(struct execution *e, struct fields *f, json_t *result)
{
	struct db_table *t = parse_table(e, f, "table");
	const json_t *where = fields_get(f, "where", FIELD_ARRAY);
	const json_t *json = fields_get(f, "mutations", FIELD_ARRAY);
	if (fields_has_error(f))
		return NULL;
	struct condition condition = CONDITION_INIT;
	struct mutation_list mutations;
	struct row_list list = {0};
	struct db_error *error = mutations_from_json(&mutations, t->schema, json, &e->symtab);
	if (!error)
		error = condition_from_json(&condition, t->schema, where, &e->symtab);
	if (!error) {
		condition_find_rows(&condition, t, &list);
		struct rbac rbac = find_rbac(e, t);
		error = check_mutate(&rbac, t->schema, &list, &mutations);
		for (size_t i = 0; i < list.rows.n && !error; i++)
			error = mutations_apply(&mutations, e->txn, list.rows.v[i]);
		if (!error)
			set_count(result, list.rows.n);
	}
	vec_done(&list.rows);
	condition_done(&condition);
	mutations_done(&mutations);
	return error;
}

static struct db_error *execute_delete(struct execution *e, struct fields *f, json_t *result)
{
	struct db_table *t = parse_table(e, f, "table");
	const json_t *where = fields_get(f, "where", FIELD_ARRAY);
	if (fields_has_error(f))
		return NULL;
	struct condition condition;
	struct row_list list = {0};
	struct db_error *error = condition_from_json(&condition, t->schema, where, &e->symtab);
	if (error)
		return error;
	condition_find_rows(&condition, t, &list);
	struct rbac rbac = find_rbac(e, t);
	for (size_t i = 0; i < list.rows.n && !error; i++)
		if (rbac_may_insert_or_delete(&rbac, t->schema, list.rows.v[i]->fields))
			db_txn_delete(e->txn, list.rows.v[i]);
		else
			error = rbac_error(&rbac, "row deletion from", t->schema);
	set_count(result, list.rows.n);
	vec_done(&list.rows);
	condition_done(&condition);
	return error;
}

// --- wait

struct wanted {
	struct datum *fields; // a whole row, defaults where the client said nothing
	uint64_t hash;
	bool seen;
};

struct wanted_list {
	const struct db_table *table;
	VEC(struct wanted) rows; // distinct in the columns
};

static void wanted_done(struct wanted_list *w)
{
	VEC_FOREACH (&w->rows, i)
		db_fields_free(w->table, w->rows.v[i].fields);
	vec_done(&w->rows);
}

static struct wanted *wanted_find(const struct wanted_list *w, const struct column_set *columns,
				  const struct datum *fields, uint64_t hash)
{
	VEC_FOREACH (&w->rows, i)
		if (w->rows.v[i].hash == hash &&
		    column_set_equal(columns, w->rows.v[i].fields, fields))
			return &w->rows.v[i];
	return NULL;
}

static struct db_error *wanted_add(struct execution *e, struct wanted_list *w,
				   const struct column_set *columns, const json_t *json)
{
	struct row_values values;
	struct db_error *error = row_values_from_json(&values, w->table->schema, json, &e->symtab);
	if (error)
		return error;
	struct db_row *row = db_row_new((struct db_table *)w->table, &(struct uuid){0});
	VEC_FOREACH (&values.v, i)
		datum_swap(&row->fields[values.v.v[i].column->index], &values.v.v[i].datum);
	row_values_done(&values);
	uint64_t hash = column_set_hash(columns, row->fields);
	if (!wanted_find(w, columns, row->fields, hash)) {
		vec_push(&w->rows, ((struct wanted){.fields = row->fields, .hash = hash}));
		row->fields = NULL;
	}
	db_row_free(row);
	return NULL;
}

static bool rows_equal(struct wanted_list *w, const struct column_set *columns,
		       const struct row_list *list)
{
	size_t n_seen = 0;
	VEC_FOREACH (&list->rows, i) {
		const struct datum *fields = list->rows.v[i]->fields;
		struct wanted *wanted =
			wanted_find(w, columns, fields, column_set_hash(columns, fields));
		if (!wanted)
			return false;
		n_seen += !wanted->seen;
		wanted->seen = true;
	}
	return n_seen == w->rows.n;
}

struct wait {
	struct condition condition;
	struct column_set columns;
	struct wanted_list wanted;
	bool until_equal;
	int64_t timeout; // INT64_MAX: none
};

static struct db_error *wait_parse(struct execution *e, struct wait *w, const json_t *where,
				   const json_t *names, const json_t *until, const json_t *rows,
				   const json_t *timeout)
{
	const struct table_schema *t = w->wanted.table->schema;
	struct db_error *error = condition_from_json(&w->condition, t, where, &e->symtab);
	if (!error)
		error = column_set_from_json(&w->columns, t, names);
	if (error)
		return error;
	w->timeout = INT64_MAX;
	if (timeout) {
		w->timeout = (int64_t)json_number_value(timeout);
		if (w->timeout < 0)
			return db_error_syntax(timeout, NULL, "timeout must be nonnegative");
	}
	w->until_equal = !strcmp(json_string_value(until), "==");
	if (!w->until_equal && strcmp(json_string_value(until), "!="))
		return db_error_syntax(until, NULL, "\"until\" must be \"==\" or \"!=\"");
	size_t i;
	json_t *row;
	json_array_foreach (rows, i, row) {
		error = wanted_add(e, &w->wanted, &w->columns, row);
		if (error)
			return error;
	}
	return NULL;
}

static struct db_error *wait_check(struct execution *e, struct wait *w)
{
	struct row_list list = {0};
	condition_find_rows(&w->condition, w->wanted.table, &list);
	bool equal = rows_equal(&w->wanted, &w->columns, &list);
	vec_done(&list.rows);
	if (equal == w->until_equal)
		return NULL;
	int64_t elapsed = e->x->elapsed_ms;
	if (w->timeout == 0)
		return db_error_at(db_error_new("timed out", "\"where\" clause test failed"),
				   "table %s", w->wanted.table->schema->name);
	if (w->timeout != INT64_MAX && elapsed >= w->timeout)
		return db_error_at(db_error_new("timed out", "\"wait\" timed out after %lld ms",
						(long long)elapsed),
				   "table %s", w->wanted.table->schema->name);
	e->waiting = true;
	int64_t left = w->timeout == INT64_MAX ? INT64_MAX : w->timeout - elapsed;
	if (left < e->x->wait_ms)
		e->x->wait_ms = left;
	return db_error_bare("timed out");
}

static struct db_error *execute_wait(struct execution *e, struct fields *f, json_t *result)
{
	struct wait w = {.wanted.table = parse_table(e, f, "table")};
	const json_t *timeout = fields_get(f, "timeout", FIELD_NUMBER | FIELD_OPTIONAL);
	const json_t *where = fields_get(f, "where", FIELD_ARRAY);
	const json_t *names = fields_get(f, "columns", FIELD_ARRAY | FIELD_OPTIONAL);
	const json_t *until = fields_get(f, "until", FIELD_STRING);
	const json_t *rows = fields_get(f, "rows", FIELD_ARRAY);
	if (fields_has_error(f))
		return NULL;
	struct db_error *error = wait_parse(e, &w, where, names, until, rows, timeout);
	if (!error)
		error = wait_check(e, &w);
	condition_done(&w.condition);
	column_set_done(&w.columns);
	wanted_done(&w.wanted);
	return error;
}

// --- commit, abort, comment, assert

static struct db_error *execute_commit(struct execution *e, struct fields *f, json_t *result)
{
	const json_t *durable = fields_get(f, "durable", FIELD_BOOLEAN);
	if (durable && json_is_true(durable))
		e->txn->durable = true;
	return NULL;
}

static struct db_error *execute_abort(struct execution *e, struct fields *f, json_t *result)
{
	return db_error_new("aborted", "aborted by request");
}

static struct db_error *execute_comment(struct execution *e, struct fields *f, json_t *result)
{
	const json_t *comment = fields_get(f, "comment", FIELD_STRING);
	if (comment)
		db_txn_add_comment(e->txn, json_string_value(comment));
	return NULL;
}

static struct db_error *execute_assert(struct execution *e, struct fields *f, json_t *result)
{
	const json_t *lock = fields_get(f, "lock", FIELD_ID);
	if (!lock || (e->x->has_lock && e->x->has_lock(e->x->arg, json_string_value(lock))))
		return NULL;
	return db_error_new("not owner", "Asserted lock %s not held.", json_string_value(lock));
}

static const struct operation operations[] = {
	{"insert", false, true, execute_insert},   {"select", true, false, execute_select},
	{"update", false, true, execute_update},   {"mutate", false, true, execute_mutate},
	{"delete", false, true, execute_delete},   {"wait", true, false, execute_wait},
	{"commit", false, false, execute_commit},  {"abort", true, false, execute_abort},
	{"comment", true, false, execute_comment}, {"assert", true, false, execute_assert},
};

static const struct operation *find_operation(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (!strcmp(name, operations[i].name))
			return &operations[i];
	return NULL;
}

static struct db_error *execute_one(struct execution *e, const json_t *json, size_t number,
				    size_t n, json_t *result)
{
	struct fields f;
	struct db_error *error = NULL;
	fields_init(&f, json, "ovsdb operation %zu of %zu", number, n);
	const json_t *name = fields_get(&f, "op", FIELD_ID);
	if (name) {
		const struct operation *op = find_operation(json_string_value(name));
		if (!op)
			fields_error(&f, "No operation \"%s\"", json_string_value(name));
		else if (e->x->read_only && !op->read_only)
			error = db_error_new("not allowed",
					     "%s operation not allowed when database server is in "
					     "read only mode",
					     op->name);
		else if (e->x->reserved && op->changes)
			error = db_error_new(
				"not allowed",
				"%s operation not allowed on table in reserved database %s",
				op->name, e->x->db->schema->name);
		else
			error = op->execute(e, &f, result);
	}
	if (error) {
		// What the operation found outweighs members that it did not look at.
		db_error_free(fields_done(&f));
		return error;
	}
	return fields_done(&f);
}

static void fill_with_null(json_t *results, size_t n)
{
	while (json_array_size(results) < n)
		json_array_append_new(results, json_null());
}

enum db_execute_status db_execute(struct db_execute *x)
{
	struct execution e = {.x = x, .txn = db_txn_new(x->db)};
	size_t n = x->operations ? json_array_size(x->operations) - x->first : x->n_pieces;
	json_t *results = json_array();
	struct db_error *error = NULL;
	x->wait_ms = INT64_MAX;
	x->txn = NULL;
	x->result = NULL;
	for (size_t i = 0; i < n && !error; i++) {
		json_t *result = json_object();
		json_t *operation =
			x->operations ? json_incref(json_array_get(x->operations, x->first + i))
				      : json_piece_parse(x->pieces[i]);
		if (operation)
			error = execute_one(&e, operation, i + 1, n, result);
		else
			error = db_error_syntax(NULL, NULL,
						"ovsdb operation %zu of %zu is not valid JSON",
						i + 1, n);
		json_decref(operation);
		if (error) {
			json_decref(result);
			result = db_error_to_json(error);
		}
		json_array_append_new(results, result);
	}
	if (!error) {
		error = db_txn_prepare(e.txn);
		if (error)
			json_array_append_new(results, db_error_to_json(error));
	} else {
		fill_with_null(results, n);
	}
	symtab_done(&e.symtab);
	if (!error) {
		x->txn = e.txn;
		x->result = results;
		return DB_EXECUTE_DONE;
	}
	db_txn_abort(e.txn);
	db_error_free(error);
	if (e.waiting) {
		json_decref(results);
		return DB_EXECUTE_WAIT;
	}
	x->result = results;
	return DB_EXECUTE_FAILED;
}

bool db_execute_changes(const json_t *operations, size_t first)
{
	for (size_t i = first; i < json_array_size(operations); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(operations, i), "op"));
		const struct operation *op = name ? find_operation(name) : NULL;
		if (op && op->changes)
			return true;
	}
	return false;
}
