/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/record.h"

#include <stdlib.h>
#include <string.h>

#include "ovsdb/json_cut.h"

static bool is_persistent(const struct column_schema *c)
{
	return c->persistent && c->index >= N_STD_COLUMNS;
}

// --- Writing.

struct writer {
	struct str *out;
	bool diff; // sets and maps as differences
	bool first_table, first_row, first_column;
};

static void add_comma(bool *first, struct str *out)
{
	if (!*first)
		str_addc(out, ',');
	*first = false;
}

static void begin_row(struct writer *w, const struct db_row *row)
{
	add_comma(&w->first_row, w->out);
	char name[UUID_TEXT_LEN + 1];
	uuid_format(&row->uuid, name);
	str_addc(w->out, '"');
	str_addn(w->out, name, UUID_TEXT_LEN);
	str_add(w->out, "\":");
	w->first_column = true;
}

static void add_column(struct writer *w, const struct column_schema *c, const struct datum *value)
{
	add_comma(&w->first_column, w->out);
	str_addc(w->out, '"');
	str_add(w->out, c->name);
	str_add(w->out, "\":");
	datum_add_json(value, w->out);
}

static void add_whole_row(struct writer *w, const struct db_row *row)
{
	const struct table_schema *t = row->table->schema;
	begin_row(w, row);
	str_addc(w->out, '{');
	for (unsigned int i = N_STD_COLUMNS; i < t->n_columns; i++) {
		const struct column_schema *c = t->columns[i];
		if (is_persistent(c) && !datum_is_default(&row->fields[i], &c->type))
			add_column(w, c, &row->fields[i]);
	}
	str_addc(w->out, '}');
}

// False when nothing of it is kept.
static bool is_worth_writing(const struct db_txn_row *r)
{
	const struct table_schema *t = r->row->table->schema;
	if (!r->old || !r->row->fields)
		return true;
	for (unsigned int i = N_STD_COLUMNS; i < t->n_columns; i++)
		if (is_persistent(t->columns[i]) && db_txn_row_column_changed(r, i))
			return true;
	return false;
}

static void add_changed_row(struct writer *w, const struct db_txn_row *r)
{
	const struct table_schema *t = r->row->table->schema;
	begin_row(w, r->row);
	str_addc(w->out, '{');
	for (unsigned int i = N_STD_COLUMNS; i < t->n_columns; i++) {
		const struct column_schema *c = t->columns[i];
		if (!is_persistent(c) || !db_txn_row_column_changed(r, i))
			continue;
		if (w->diff && column_type_is_composite(&c->type)) {
			struct datum diff;
			datum_diff(&diff, &r->old[i], &r->row->fields[i]);
			add_column(w, c, &diff);
			datum_done(&diff);
		} else {
			add_column(w, c, &r->row->fields[i]);
		}
	}
	str_addc(w->out, '}');
}

static void add_txn_row(struct writer *w, const struct db_txn_row *r)
{
	if (!r->row->fields) {
		begin_row(w, r->row);
		str_add(w->out, "null");
	} else if (!r->old) {
		add_whole_row(w, r->row);
	} else {
		add_changed_row(w, r);
	}
}

static void begin_table(struct writer *w, const struct table_schema *t)
{
	str_addf(w->out, ",\"%s\":{", t->name);
	w->first_row = true;
}

static void add_comment(struct str *out, const char *comment, size_t n)
{
	str_add(out, ",\"_comment\":");
	db_json_add_string(out, comment, n);
}

// Other programs refuse a difference with more elements than the column may hold, and take one from
// a default that is not empty for the value itself. Such a record is written with whole columns.
static bool needs_whole_columns(const struct db_txn_row *r)
{
	const struct table_schema *t = r->row->table->schema;
	if (!r->old || !r->row->fields)
		return false;
	for (unsigned int i = N_STD_COLUMNS; i < t->n_columns; i++) {
		const struct column_schema *c = t->columns[i];
		if (!is_persistent(c) || !db_txn_row_column_changed(r, i) ||
		    !column_type_is_composite(&c->type))
			continue;
		if (r->old[i].n && datum_is_default(&r->old[i], &c->type))
			return true;
		if (r->old[i].n + r->row->fields[i].n <= c->type.n_max)
			continue;
		struct datum diff;
		datum_diff(&diff, &r->old[i], &r->row->fields[i]);
		bool large = diff.n > c->type.n_max;
		datum_done(&diff);
		if (large)
			return true;
	}
	return false;
}

bool db_record_from_txn(const struct db_txn *txn, int64_t date_ms, bool diff, struct str *out)
{
	struct writer w = {.out = out, .diff = diff};
	VEC(struct db_txn_row *) rows = {0};
	for (size_t i = 0; i < txn->n_changed; i++)
		if (is_worth_writing(txn->rows.v[i])) {
			vec_push(&rows, txn->rows.v[i]);
			if (needs_whole_columns(txn->rows.v[i]))
				w.diff = false;
		}
	if (!rows.n)
		return false;
	str_addf(out, "{\"_date\":%lld", (long long)date_ms);
	const struct db_table *table = NULL;
	VEC_FOREACH (&rows, i) {
		if (rows.v[i]->row->table != table) {
			if (table)
				str_addc(out, '}');
			table = rows.v[i]->row->table;
			begin_table(&w, table->schema);
		}
		add_txn_row(&w, rows.v[i]);
	}
	str_add(out, w.diff ? "},\"_is_diff\":true" : "}");
	if (txn->comment.len)
		add_comment(out, txn->comment.s, txn->comment.len);
	str_addc(out, '}');
	vec_done(&rows);
	return true;
}

void db_record_from_db(const struct db *db, int64_t date_ms, const char *comment, struct str *out)
{
	struct writer w = {.out = out};
	str_addf(out, "{\"_date\":%lld", (long long)date_ms);
	for (unsigned int i = 0; i < db->schema->n_tables; i++) {
		const struct db_table *t = &db->tables[i];
		if (!t->n_rows)
			continue;
		begin_table(&w, t->schema);
		for (struct db_row *row = db_table_next_row(t, NULL); row;
		     row = db_table_next_row(t, row))
			add_whole_row(&w, row);
		str_addc(out, '}');
	}
	if (comment)
		add_comment(out, comment, strlen(comment));
	str_addc(out, '}');
}

// --- Reading.

struct reader {
	struct db_txn *txn;
	bool converting, diff;
};

static struct db_error *read_column(struct reader *r, struct db_row *row,
				    const struct column_schema *c, const json_t *value, bool is_new)
{
	struct datum d;
	struct db_error *error;
	if (r->diff && !is_new && column_type_is_composite(&c->type)) {
		struct datum diff;
		error = datum_from_json_any_size(&diff, &c->type, value, NULL);
		if (error)
			return error;
		datum_copy(&d, &row->fields[c->index]);
		datum_apply_diff(&d, &diff);
		datum_done(&diff);
	} else {
		error = datum_from_json(&d, &c->type, value, NULL);
		if (error)
			return error;
	}
	db_txn_set(r->txn, row, c->index, &d);
	return NULL;
}

static struct db_error *read_row(struct reader *r, struct db_table *t, const struct uuid *uuid,
				 const json_t *json)
{
	struct db_row *row = db_table_find_row(t, uuid);
	if (json_is_null(json)) {
		if (!row)
			return db_error_new("ovsdb error",
					    "transaction deletes row " UUID_FORMAT
					    " that does not exist",
					    UUID_ARGS(uuid));
		db_txn_delete(r->txn, row);
		return NULL;
	}
	if (!json_is_object(json))
		return db_error_syntax(json, NULL, "row must be JSON object");
	bool is_new = !row;
	if (is_new) {
		if (db_table_find_linked(t, uuid))
			return db_error_new("ovsdb error",
					    "row " UUID_FORMAT " is deleted and inserted",
					    UUID_ARGS(uuid));
		row = db_txn_insert(r->txn, t, uuid);
	}
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)json, name, value) {
		const struct column_schema *c = table_schema_find_column(t->schema, name);
		if (!c || c->index < N_STD_COLUMNS) {
			if (r->converting)
				continue;
			return db_error_syntax(json, "unknown column", "No column %s in table %s.",
					       name, t->schema->name);
		}
		struct db_error *error = read_column(r, row, c, value, is_new);
		if (error)
			return error;
	}
	return NULL;
}

static struct db_error *read_table(struct reader *r, struct db_table *t, const json_t *json)
{
	const char *name;
	json_t *row;
	if (!json_is_object(json))
		return db_error_syntax(json, NULL, "object expected");
	json_object_foreach ((json_t *)json, name, row) {
		struct uuid uuid;
		if (!uuid_parse(name, &uuid))
			return db_error_syntax(json, NULL, "\"%s\" is not a valid UUID", name);
		struct db_error *error = read_row(r, t, &uuid, row);
		if (error)
			return error;
	}
	return NULL;
}

static struct db_error *read_record(struct reader *r, const json_t *json)
{
	const char *name;
	json_t *value;
	if (!json_is_object(json))
		return db_error_syntax(json, NULL, "object expected");
	r->diff = json_is_true(json_object_get(json, "_is_diff"));
	json_object_foreach ((json_t *)json, name, value) {
		struct db_table *t = db_find_table(r->txn->db, name);
		struct db_error *error = NULL;
		if (t)
			error = read_table(r, t, value);
		else if (!r->converting && strcmp(name, "_date") && strcmp(name, "_comment") &&
			 strcmp(name, "_is_diff"))
			error = db_error_syntax(json, "unknown table", "No table named %s.", name);
		if (error)
			return error;
	}
	return NULL;
}

static struct db_error *finish(struct reader *r, struct db_error *error)
{
	if (!error)
		error = db_txn_prepare(r->txn);
	if (error)
		db_txn_abort(r->txn);
	else
		db_txn_commit(r->txn);
	return error;
}

struct db_error *db_record_apply(struct db *db, const json_t *json, bool converting)
{
	struct reader r = {.txn = db_txn_new(db), .converting = converting};
	return finish(&r, read_record(&r, json));
}

// --- Reading text.

static struct db_error *bad_json(struct json_piece text)
{
	return db_error_syntax(NULL, NULL, "not valid JSON: \"%.*s\"",
			       (int)(text.n < 80 ? text.n : 80), text.p);
}

static struct db_error *read_row_text(struct reader *r, struct db_table *t, struct json_piece name,
				      struct json_piece text)
{
	struct uuid uuid;
	json_t *json = json_piece_parse(text);
	struct db_error *error;
	if (!json)
		error = bad_json(text);
	else if (name.n != UUID_TEXT_LEN || !uuid_parse_prefix(name.p, &uuid))
		error = db_error_syntax(NULL, NULL, "\"%.*s\" is not a valid UUID",
					(int)(name.n < 80 ? name.n : 80), name.p);
	else
		error = read_row(r, t, &uuid, json);
	json_decref(json);
	return error;
}

static struct db_error *read_table_text(struct reader *r, struct db_table *t,
					struct json_piece text)
{
	struct json_cut cut;
	struct json_piece name, row;
	json_cut_init(&cut, text);
	if (cut.close != '}')
		return db_error_syntax(NULL, NULL, "object expected for table %s", t->schema->name);
	while (json_cut_next(&cut, &name, &row)) {
		struct db_error *error = read_row_text(r, t, name, row);
		if (error)
			return error;
	}
	return json_cut_is_good(&cut) ? NULL : bad_json(text);
}

static struct db_table *find_table(const struct db *db, struct json_piece name)
{
	for (unsigned int i = 0; i < db->schema->n_tables; i++)
		if (json_piece_equal(name, db->schema->tables[i]->name))
			return &db->tables[i];
	return NULL;
}

static struct db_error *read_record_text(struct reader *r, struct json_piece text)
{
	struct json_cut cut;
	struct json_piece name, value;
	// The word that rules how to read the rest may be the last.
	json_cut_init(&cut, text);
	if (cut.close != '}')
		return bad_json(text);
	while (json_cut_next(&cut, &name, &value))
		if (json_piece_equal(name, "_is_diff"))
			r->diff = json_piece_equal(value, "true");
	if (!json_cut_is_good(&cut))
		return bad_json(text);
	json_cut_init(&cut, text);
	while (json_cut_next(&cut, &name, &value)) {
		struct db_table *t = find_table(r->txn->db, name);
		struct db_error *error = NULL;
		if (t)
			error = read_table_text(r, t, value);
		else if (!r->converting && !json_piece_equal(name, "_date") &&
			 !json_piece_equal(name, "_comment") && !json_piece_equal(name, "_is_diff"))
			error = db_error_syntax(NULL, "unknown table", "No table named %.*s.",
						(int)(name.n < 80 ? name.n : 80), name.p);
		if (error)
			return error;
	}
	return NULL;
}

struct db_error *db_record_apply_text(struct db *db, const char *text, size_t n, bool converting)
{
	struct reader r = {.txn = db_txn_new(db), .converting = converting};
	return finish(&r, read_record_text(&r, (struct json_piece){text, n}));
}
