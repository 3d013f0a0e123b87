/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/updates.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct update {
	struct db_txn *txn;
	const struct updates_scope *scope;
	struct db_table *table;
	struct db_row *row;
	bool diff; // sets and maps are differences
};

// --- References out of what is followed.

static bool leads_nowhere(const struct update *u, const struct base_type *base,
			  const union atom *atom)
{
	if (!base_type_is_strong_ref(base) || u->scope->tables[base->ref.table->number])
		return false;
	return !db_table_find_row(db_table_of(u->txn->db, base->ref.table), &atom->uuid);
}

static void drop_unfollowed(const struct update *u, const struct column_type *type, struct datum *d)
{
	for (size_t i = d->n; i-- > 0;)
		if (leads_nowhere(u, &type->key, datum_key(d, i)) ||
		    (column_type_is_map(type) && leads_nowhere(u, &type->value, datum_value(d, i))))
			datum_remove_at(d, i);
}

// --- One row.

static struct db_error *set_column(const struct update *u, const struct column_schema *c,
				   const json_t *value)
{
	struct datum d;
	struct db_error *error;
	if (u->diff && column_type_is_composite(&c->type)) {
		struct datum diff;
		error = datum_from_json_any_size(&diff, &c->type, value, NULL);
		if (error)
			return error;
		datum_copy(&d, &u->row->fields[c->index]);
		datum_apply_diff(&d, &diff);
		datum_done(&diff);
	} else {
		error = datum_from_json(&d, &c->type, value, NULL);
		if (error)
			return error;
	}
	drop_unfollowed(u, &c->type, &d);
	db_txn_set(u->txn, u->row, c->index, &d);
	return NULL;
}

static struct db_error *set_columns(const struct update *u, const json_t *columns)
{
	const char *name;
	json_t *value;
	if (!json_is_object(columns))
		return db_error_syntax(columns, NULL, "row must be JSON object");
	json_object_foreach ((json_t *)columns, name, value) {
		const struct column_schema *c = table_schema_find_column(u->table->schema, name);
		if (!c)
			return db_error_syntax(columns, "unknown column",
					       "No column %s in table %s.", name,
					       u->table->schema->name);
		if (c->index < N_STD_COLUMNS)
			continue; // versions are each server's own
		struct db_error *error = set_column(u, c, value);
		if (error)
			return error;
	}
	return NULL;
}

static struct db_error *find_or_insert(struct update *u, const struct uuid *uuid)
{
	u->row = db_table_find_row(u->table, uuid);
	if (u->row)
		return NULL;
	if (db_table_find_linked(u->table, uuid))
		return db_error_new("ovsdb error", "row " UUID_FORMAT " is deleted and inserted",
				    UUID_ARGS(uuid));
	u->row = db_txn_insert(u->txn, u->table, uuid);
	return NULL;
}

// Columns that an initial or inserted row does not name have their defaults.
static void set_defaults(const struct update *u, const json_t *columns)
{
	for (unsigned int i = N_STD_COLUMNS; i < u->table->schema->n_columns; i++) {
		const struct column_schema *c = u->table->schema->columns[i];
		struct datum d;
		if (json_object_get(columns, c->name) ||
		    datum_is_default(&u->row->fields[i], &c->type))
			continue;
		datum_init_default(&d, &c->type);
		db_txn_set(u->txn, u->row, i, &d);
	}
}

static struct db_error *insert_row(struct update *u, const struct uuid *uuid, const json_t *columns)
{
	struct db_error *error = find_or_insert(u, uuid);
	if (error)
		return error;
	u->diff = false;
	set_defaults(u, columns);
	return set_columns(u, columns);
}

static struct db_error *update_row(struct update *u, const struct uuid *uuid, const json_t *json)
{
	const json_t *value = json_object_get(json, "insert");
	if (!value)
		value = json_object_get(json, "initial");
	if (value)
		return insert_row(u, uuid, value);
	u->row = db_table_find_row(u->table, uuid);
	if (!u->row)
		return db_error_new("ovsdb error",
				    "update of row " UUID_FORMAT
				    " of table %s, which does not exist",
				    UUID_ARGS(uuid), u->table->schema->name);
	value = json_object_get(json, "modify");
	if (value) {
		u->diff = true;
		return set_columns(u, value);
	}
	if (!json_object_get(json, "delete"))
		return db_error_syntax(
			json, NULL, "\"initial\", \"insert\", \"modify\" or \"delete\" expected");
	db_txn_delete(u->txn, u->row);
	return NULL;
}

// --- All of them.

typedef struct db_error *row_function(struct update *, const struct uuid *, const json_t *);

static struct db_error *each_row(struct update *u, const json_t *rows, row_function *function)
{
	const char *name;
	json_t *row;
	if (!json_is_object(rows))
		return db_error_syntax(rows, NULL, "object expected");
	json_object_foreach ((json_t *)rows, name, row) {
		struct uuid uuid;
		if (!uuid_parse(name, &uuid))
			return db_error_syntax(NULL, NULL, "\"%s\" is not a valid UUID", name);
		struct db_error *error = function(u, &uuid, row);
		if (error)
			return error;
	}
	return NULL;
}

struct db_error *updates_apply(struct db_txn *txn, const struct updates_scope *scope,
			       const json_t *updates)
{
	const char *name;
	json_t *rows;
	if (!json_is_object(updates))
		return db_error_syntax(updates, NULL, "object expected");
	json_object_foreach ((json_t *)updates, name, rows) {
		struct update u = {
			.txn = txn, .scope = scope, .table = db_find_table(txn->db, name)};
		if (!u.table || !scope->tables[u.table->schema->number])
			return db_error_syntax(NULL, "unknown table",
					       "update of table %s, which is not followed", name);
		struct db_error *error = each_row(&u, rows, update_row);
		if (error)
			return error;
	}
	return NULL;
}

// Rows that the updates do not have.
static void delete_others(struct db_txn *txn, const struct db_table *t, const json_t *rows)
{
	char name[UUID_TEXT_LEN + 1];
	for (struct db_row *row = db_table_next_row(t, NULL), *next; row; row = next) {
		next = db_table_next_row(t, row);
		snprintf(name, sizeof(name), UUID_FORMAT, UUID_ARGS(&row->uuid));
		if (!json_object_get(rows, name))
			db_txn_delete(txn, row);
	}
}

struct db_error *updates_replace(struct db_txn *txn, const struct updates_scope *scope,
				 const json_t *updates)
{
	for (unsigned int i = 0; i < txn->db->schema->n_tables; i++)
		if (scope->tables[i])
			delete_others(txn, &txn->db->tables[i],
				      json_object_get(updates, txn->db->schema->tables[i]->name));
	return updates_apply(txn, scope, updates);
}
