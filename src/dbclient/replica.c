/* SPDX-License-Identifier: Apache-2.0 */
#include "dbclient/replica.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "dbclient/replica_members.h"

const struct db_table_class *db_class_find_table(const struct db_class *class, const char *name)
{
	for (unsigned int i = 0; i < class->n_tables; i++)
		if (!strcmp(class->tables[i]->name, name))
			return class->tables[i];
	return NULL;
}

int db_table_class_find_column(const struct db_table_class *class, const char *name)
{
	unsigned int low = 0, high = class->n_columns;

	while (low < high) {
		unsigned int middle = (low + high) / 2;
		int order = strcmp(name, class->columns[middle].name);

		if (!order)
			return (int)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

// --- Tables

void replica_init(struct replica *r, const struct db_class *class)
{
	*r = (struct replica){.class = class,
			      .tables = xcalloc(class->n_tables, sizeof(struct db_table))};
	for (unsigned int i = 0; i < class->n_tables; i++) {
		struct db_table *t = &r->tables[i];

		*t = (struct db_table){.class = class->tables[i], .replica = r};
		t->changed_end = &t->changed;
	}
}

static void table_done(struct db_table *t)
{
	struct db_row *row;

	for (size_t at = 0; (row = row_table_next(&t->rows, &at));)
		row_free(row);
	row_table_done(&t->rows);
	for (unsigned int c = 0; c < t->class->n_columns; c++) {
		if (!(t->types_known >> c & 1))
			continue;
		column_type_done(&t->types[c]);
		datum_done(&t->defaults[c]);
	}
	free(t->types);
	free(t->defaults);
	free(t->slots);
	json_decref(t->where);
	json_decref(t->where_sent);
}

void replica_done(struct replica *r)
{
	replica_settle(r);
	replica_changes_done(r);
	for (unsigned int i = 0; i < r->class->n_tables; i++)
		table_done(&r->tables[i]);
	free(r->tables);
	free(r->pending);
}

void replica_monitor(struct replica *r, const struct db_table_class *class, unsigned int column,
		     enum db_monitor mode)
{
	struct db_table *t = replica_table(r, class);
	uint64_t bit = UINT64_C(1) << column;

	switch (mode) {
	case DB_READ:
		t->read |= bit;
		t->written &= ~bit;
		break;
	case DB_WRITE:
		t->written |= bit;
		t->read &= ~bit;
		break;
	}
}

void replica_freeze(struct replica *r)
{
	if (r->frozen)
		return;
	r->frozen = true;
	for (unsigned int i = 0; i < r->class->n_tables; i++) {
		struct db_table *t = &r->tables[i];

		t->slots = xmalloc(t->class->n_columns);
		for (unsigned int c = 0; c < t->class->n_columns; c++)
			t->slots[c] = table_monitors(t, c) ? (int8_t)t->n_slots++ : -1;
	}
}

static void know_type(struct db_table *t, unsigned int column)
{
	json_t *json;
	struct db_error *error;

	if (t->types_known >> column & 1)
		return;
	if (!t->types) {
		t->types = xcalloc(t->class->n_columns, sizeof(*t->types));
		t->defaults = xcalloc(t->class->n_columns, sizeof(*t->defaults));
	}
	json = json_loads(t->class->columns[column].type_json, JSON_DECODE_ANY, NULL);
	error = column_type_from_json(&t->types[column], json);
	// The generator took it from a schema; the tests of that schema read every column.
	if (error)
		abort();
	json_decref(json);
	datum_init_default(&t->defaults[column], &t->types[column]);
	t->types_known |= UINT64_C(1) << column;
}

const struct column_type *table_column_type(struct db_table *t, unsigned int column)
{
	know_type(t, column);
	return &t->types[column];
}

const struct datum *table_column_default(struct db_table *t, unsigned int column)
{
	know_type(t, column);
	return &t->defaults[column];
}

void replica_assume_schema(struct replica *r)
{
	for (unsigned int i = 0; i < r->class->n_tables; i++) {
		r->tables[i].server_has_table = true;
		r->tables[i].server_has = UINT64_MAX;
	}
}

void replica_learn_schema(struct replica *r, const json_t *schema)
{
	const json_t *tables = json_object_get(schema, "tables");

	for (unsigned int i = 0; i < r->class->n_tables; i++) {
		struct db_table *t = &r->tables[i];
		const json_t *table = json_object_get(tables, t->class->name);
		const json_t *columns = json_object_get(table, "columns");

		t->server_has_table = table;
		t->server_has = 0;
		for (unsigned int c = 0; c < t->class->n_columns; c++)
			if (json_object_get(columns, t->class->columns[c].name))
				t->server_has |= UINT64_C(1) << c;
	}
}

json_t *replica_monitor_requests(const struct replica *r, bool conditions)
{
	json_t *requests = json_object();

	for (unsigned int i = 0; i < r->class->n_tables; i++) {
		const struct db_table *t = &r->tables[i];
		json_t *columns, *request;

		if (!table_is_monitored(t) || !t->server_has_table)
			continue;
		columns = json_array();
		for (unsigned int c = 0; c < t->class->n_columns; c++)
			if (table_monitors(t, c) && t->server_has >> c & 1)
				json_array_append_new(columns,
						      json_string(t->class->columns[c].name));
		request = json_pack("{s:o}", "columns", columns);
		if (conditions && t->where_sent)
			json_object_set(request, "where", t->where_sent);
		json_object_set_new(requests, t->class->name, json_pack("[o]", request));
	}
	return requests;
}

// --- Rows

static struct datum *row_datums(const struct db_row *row)
{
	return (struct datum *)((char *)row + row->table->class->row_size);
}

struct db_row *row_new(struct db_table *t, const struct uuid *uuid, bool with_datums)
{
	struct db_row *row = xcalloc(
		1, t->class->row_size + (with_datums ? t->n_slots * sizeof(struct datum) : 0));

	row->uuid = *uuid;
	row->table = t;
	if (!with_datums)
		return row;
	row->has_datums = true;
	for (unsigned int c = 0; c < t->class->n_columns; c++)
		if (t->slots[c] >= 0)
			datum_copy(&row_datums(row)[t->slots[c]], table_column_default(t, c));
	return row;
}

void row_free(struct db_row *row)
{
	struct db_table *t = row->table;

	for (unsigned int c = 0; row->has_datums && c < t->class->n_columns; c++) {
		if (t->slots[c] < 0)
			continue;
		members_clear(row, c);
		datum_done(&row_datums(row)[t->slots[c]]);
	}
	free(row->referrers);
	free(row);
}

struct datum *row_datum(const struct db_row *row, unsigned int column)
{
	int slot = row->table->slots ? row->table->slots[column] : -1;

	return row->has_datums && slot >= 0 ? &row_datums(row)[slot] : NULL;
}

static void note_change(struct db_row *row, enum db_change change)
{
	struct db_table *t = row->table;

	t->replica->n_changes++;
	if (!row->listed) {
		row->listed = true;
		row->next_changed = NULL;
		*t->changed_end = row;
		t->changed_end = &row->next_changed;
		row->change = change;
		return;
	}
	// In the list already: an insert stays one when modified, and is nothing at all when
	// deleted.
	if (row->change == DB_INSERTED)
		row->change = change == DB_DELETED ? DB_SAME : DB_INSERTED;
	else
		row->change = change;
}

// The row's members of these columns are out of date.
static void note_stale(struct db_row *row, uint64_t columns)
{
	struct replica *r = row->table->replica;

	row->stale |= columns;
	if (row->pending)
		return;
	row->pending = true;
	if (r->n_pending == r->cap_pending) {
		r->cap_pending = r->cap_pending ? 2 * r->cap_pending : 64;
		r->pending = xrealloc(r->pending, r->cap_pending * sizeof(struct db_row *));
	}
	r->pending[r->n_pending++] = row;
}

static void note_stale_referrers(struct db_row *target)
{
	const struct db_table_class *class = target->table->class;

	for (size_t i = 0; i < target->n_referrers; i++) {
		struct db_row *row = target->referrers[i];
		const struct db_table_class *from = row->table->class;
		uint64_t columns = 0;

		for (unsigned int c = 0; c < from->n_columns; c++)
			if ((from->columns[c].key_ref == class ||
			     from->columns[c].value_ref == class) &&
			    table_monitors(row->table, c))
				columns |= UINT64_C(1) << c;
		if ((row->stale & columns) != columns)
			note_stale(row, columns);
		if (columns & row->table->read & ~row->changed) {
			row->changed |= columns & row->table->read;
			note_change(row, DB_MODIFIED);
		}
	}
}

// Takes the datum.
static void change_column(struct db_row *row, unsigned int column, struct datum *new)
{
	struct datum *d = row_datum(row, column);
	uint64_t bit = UINT64_C(1) << column;

	if (datum_equal(d, new)) {
		datum_done(new);
		return;
	}
	if (column_has_refs(&row->table->class->columns[column]))
		refs_change(row, column, d, new);
	datum_swap(d, new);
	// Strings of the C members belonged to the old value: they are made anew before anybody
	// looks.
	datum_done(new);
	note_stale(row, bit);
	if (row->table->read & bit) {
		row->changed |= bit;
		note_change(row, DB_MODIFIED);
	}
}

static void delete_row(struct db_row *row)
{
	struct db_table *t = row->table;

	for (unsigned int c = 0; c < t->class->n_columns; c++)
		if (table_monitors(t, c) && column_has_refs(&t->class->columns[c]))
			refs_change(row, c, row_datum(row, c), NULL);
	note_stale_referrers(row);
	row_table_remove(&t->rows, row);
	row->present = false;
	if (row->n_referrers) {
		struct db_row *placeholder = row_new(t, &row->uuid, true);

		placeholder->referrers = row->referrers;
		placeholder->n_referrers = row->n_referrers;
		placeholder->cap_referrers = row->cap_referrers;
		row->referrers = NULL;
		row->n_referrers = row->cap_referrers = 0;
		row_table_add(&t->rows, placeholder);
		t->n_placeholders++;
	}
	note_change(row, DB_DELETED);
}

static struct db_row *insert_row(struct db_table *t, const struct uuid *uuid,
				 struct db_row *placeholder)
{
	struct db_row *row = placeholder;

	if (row) {
		t->n_placeholders--;
	} else {
		row = row_new(t, uuid, true);
		row_table_add(&t->rows, row);
	}
	row->present = true;
	note_change(row, DB_INSERTED);
	// Also what keeps its default needs members: required strings are "", not NULL.
	note_stale(row, t->read | t->written);
	note_stale_referrers(row);
	return row;
}

// --- Notifications

// No constraints but those that our structs rely on: the server has checked, perhaps by a newer
// schema than ours.
static struct error *read_value(struct datum *d, const struct db_column *c, const json_t *json)
{
	struct column_type type = {.n_min = 0, .n_max = UINT_MAX};
	struct error *error;

	base_type_init(&type.key, c->key);
	base_type_init(&type.value, c->value);
	error = db_error_to_error(datum_from_json_any_size(d, &type, json, NULL));
	if (!error &&
	    ((c->shape == DB_ONE && d->n != 1) || (c->shape == DB_OPTIONAL && d->n > 1))) {
		error = error_new("%u values where there should be %s", (unsigned int)d->n,
				  c->shape == DB_ONE ? "one" : "at most one");
		datum_done(d);
	}
	return error;
}

static struct error *apply_column(struct db_row *row, unsigned int column, const json_t *json,
				  bool is_diff)
{
	const struct db_column *c = &row->table->class->columns[column];
	struct datum value;
	struct error *error = read_value(&value, c, json);

	if (error)
		return error_wrap(error, "table %s, column %s", row->table->class->name, c->name);
	// Columns of at most one value come whole.
	if (is_diff && (c->shape == DB_SET || c->shape == DB_MAP)) {
		struct datum diff = value;

		datum_copy(&value, row_datum(row, column));
		datum_apply_diff(&value, &diff);
		datum_done(&diff);
	}
	change_column(row, column, &value);
	return NULL;
}

// `absent_is_default`: columns that are not mentioned have their default value; else they stay.
static struct error *apply_columns(struct db_row *row, const json_t *json, bool is_diff,
				   bool absent_is_default)
{
	struct db_table *t = row->table;

	for (unsigned int c = 0; c < t->class->n_columns; c++) {
		const json_t *value;

		if (!table_monitors(t, c))
			continue;
		value = json_object_get(json, t->class->columns[c].name);
		if (value) {
			struct error *error = apply_column(row, c, value, is_diff);

			if (error)
				return error;
		} else if (absent_is_default) {
			struct datum d;

			datum_copy(&d, table_column_default(t, c));
			change_column(row, c, &d);
		}
	}
	return NULL;
}

static struct error *apply_row(struct db_table *t, const struct uuid *uuid, const json_t *update,
			       enum update_kind kind)
{
	struct db_row *row = row_table_find(&t->rows, uuid);
	struct db_row *placeholder = row && !row->present ? row : NULL;
	const json_t *new, *modify = NULL;
	bool deleted;

	if (placeholder)
		row = NULL;
	if (kind == UPDATE_V1) {
		new = json_object_get(update, "new");
		deleted = !json_is_object(new);
	} else {
		new = json_object_get(update, "initial");
		if (!new)
			new = json_object_get(update, "insert");
		modify = json_object_get(update, "modify");
		deleted = !new &&json_object_get(update, "delete");
		if (!new && !modify && !deleted)
			return error_new("table %s: a row update of no known kind", t->class->name);
	}
	if (deleted) {
		if (row)
			delete_row(row);
		return NULL;
	}
	if (!row && modify)
		return error_new("table %s: row " UUID_FORMAT " to be modified is not there",
				 t->class->name, UUID_ARGS(uuid));
	if (row && !modify) {
		row->seen = true;
		return apply_columns(row, new, false, kind == UPDATE_V2);
	}
	if (!row)
		row = insert_row(t, uuid, placeholder);
	row->seen = true;
	return apply_columns(row, new ? new : modify, modify, false);
}

static void mark_unseen(struct db_table *t)
{
	struct db_row *row;

	for (size_t at = 0; (row = row_table_next(&t->rows, &at));)
		row->seen = false;
}

static void delete_unseen(struct db_table *t)
{
	struct db_row **gone = xcalloc(t->rows.n + 1, sizeof(struct db_row *)), *row;
	size_t n = 0;

	for (size_t at = 0; (row = row_table_next(&t->rows, &at));)
		if (row->present && !row->seen)
			gone[n++] = row;
	for (size_t i = 0; i < n; i++)
		delete_row(gone[i]);
	free(gone);
}

struct error *replica_apply(struct replica *r, const json_t *updates, enum update_kind kind,
			    bool whole)
{
	const char *table_name, *uuid_text;
	json_t *rows, *update;

	if (!json_is_object(updates))
		return error_new("table updates are not an object");
	for (unsigned int i = 0; whole && i < r->class->n_tables; i++)
		mark_unseen(&r->tables[i]);
	json_object_foreach ((json_t *)updates, table_name, rows) {
		const struct db_table_class *class = db_class_find_table(r->class, table_name);

		if (!class || !table_is_monitored(replica_table(r, class)))
			continue;
		json_object_foreach (rows, uuid_text, update) {
			struct uuid uuid;
			struct error *error;

			if (!uuid_parse(uuid_text, &uuid))
				return error_new("table %s: \"%s\" is not a UUID", table_name,
						 uuid_text);
			error = apply_row(replica_table(r, class), &uuid, update, kind);
			if (error)
				return error;
		}
	}
	for (unsigned int i = 0; whole && i < r->class->n_tables; i++)
		delete_unseen(&r->tables[i]);
	return NULL;
}

void replica_settle(struct replica *r)
{
	for (size_t i = 0; i < r->n_pending; i++) {
		struct db_row *row = r->pending[i];

		row->pending = false;
		for (unsigned int c = 0; row->stale; c++, row->stale >>= 1) {
			if (!(row->stale & 1))
				continue;
			members_clear(row, c);
			members_fill(row, c);
		}
	}
	r->n_pending = 0;
}

void replica_changes_done(struct replica *r)
{
	for (unsigned int i = 0; i < r->class->n_tables; i++) {
		struct db_table *t = &r->tables[i];
		struct db_row *next;

		for (struct db_row *row = t->changed; row; row = next) {
			next = row->next_changed;
			row->listed = false;
			row->change = DB_SAME;
			row->changed = 0;
			row->next_changed = NULL;
			if (!row->present)
				row_free(row);
		}
		t->changed = NULL;
		t->changed_end = &t->changed;
	}
}
