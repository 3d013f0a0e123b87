/* SPDX-License-Identifier: Apache-2.0 */
// Updates are written as text at once: trees of JSON would cost more than all else.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ovsdb/monitor.h"

// --- Rows.

static void add_column(struct str *out, bool *first, const struct column_schema *c,
		       const struct datum *value)
{
	if (!*first)
		str_addc(out, ',');
	*first = false;
	str_addc(out, '"');
	str_add(out, c->name);
	str_add(out, "\":");
	datum_add_json(value, out);
}

// All columns of a row that are selected; without those that have their default in version 2.
static void add_row(struct str *out, const struct monitor_table *t, enum monitor_version version,
		    const struct datum *fields, int select)
{
	bool first = true;
	str_addc(out, '{');
	VEC_FOREACH (&t->columns, i) {
		const struct monitor_column *c = &t->columns.v[i];
		const struct datum *d = &fields[c->column->index];
		if (c->select & select &&
		    (version == MONITOR_V1 || !datum_is_default(d, &c->column->type)))
			add_column(out, &first, c->column, d);
	}
	str_addc(out, '}');
}

// {"old": what changed, "new": everything}; false when nothing changed.
static bool add_modified_v1(struct str *out, const struct monitor_table *t, const struct datum *old,
			    const struct datum *new)
{
	bool first = true;
	str_add(out, "{\"old\":{");
	VEC_FOREACH (&t->columns, i) {
		const struct monitor_column *c = &t->columns.v[i];
		unsigned int k = c->column->index;
		if (c->select & SELECT_MODIFY && !datum_equal(&old[k], &new[k]))
			add_column(out, &first, c->column, &old[k]);
	}
	if (first)
		return false;
	first = true;
	str_add(out, "},\"new\":{");
	VEC_FOREACH (&t->columns, i) {
		const struct monitor_column *c = &t->columns.v[i];
		if (c->select & SELECT_MODIFY)
			add_column(out, &first, c->column, &new[c->column->index]);
	}
	str_add(out, "}}");
	return true;
}

// {"modify": the differences}; false when nothing changed.
static bool add_modified_v2(struct str *out, const struct monitor_table *t, const struct datum *old,
			    const struct datum *new)
{
	bool first = true;
	str_add(out, "{\"modify\":{");
	VEC_FOREACH (&t->columns, i) {
		const struct monitor_column *c = &t->columns.v[i];
		unsigned int k = c->column->index;
		if (!(c->select & SELECT_MODIFY) || datum_equal(&old[k], &new[k]))
			continue;
		if (column_type_is_composite(&c->column->type)) {
			struct datum diff;
			datum_diff(&diff, &old[k], &new[k]);
			add_column(out, &first, c->column, &diff);
			datum_done(&diff);
		} else {
			add_column(out, &first, c->column, &new[k]);
		}
	}
	str_add(out, "}}");
	return !first;
}

// <row-update> or <row-update2> of a row that was `old` to the client and is `new`, either NULL;
// false when there is nothing to say.
static bool add_row_update(struct str *out, const struct monitor_table *t,
			   enum monitor_version version, const struct datum *old,
			   const struct datum *new, int insert_select)
{
	bool v1 = version == MONITOR_V1;
	if (old && new) {
		if (!(t->select & SELECT_MODIFY))
			return false;
		return v1 ? add_modified_v1(out, t, old, new) : add_modified_v2(out, t, old, new);
	}
	if (!new &&v1) {
		str_add(out, "{\"old\":");
		add_row(out, t, version, old, SELECT_DELETE);
		str_addc(out, '}');
	} else if (!new) {
		str_add(out, "{\"delete\":null}");
	} else {
		str_add(out, v1				       ? "{\"new\":"
			     : insert_select == SELECT_INITIAL ? "{\"initial\":"
							       : "{\"insert\":");
		add_row(out, t, version, new, insert_select);
		str_addc(out, '}');
	}
	return t->select & (new ? insert_select : SELECT_DELETE);
}

// --- Tables.

// Writes <table-updates>: rows of one table after those of another.
struct writer {
	struct str *out;
	enum monitor_version version;
	const struct monitor_table *table; // that is being written, or NULL
	bool any;
};

static const struct datum *if_matches(const struct monitor_table *t, const struct datum *fields)
{
	return fields && condition_matches_any(&t->condition, fields) ? fields : NULL;
}

static void add_update(struct writer *w, const struct monitor_table *t, const struct uuid *uuid,
		       const struct datum *old, const struct datum *new, int insert_select)
{
	if (!old && !new)
		return;
	size_t before = w->out->len;
	if (w->table != t) {
		str_add(w->out, w->table ? "},\"" : w->any ? ",\"" : "{\"");
		str_add(w->out, t->table->schema->name);
		str_add(w->out, "\":{\"");
	} else {
		str_add(w->out, ",\"");
	}
	char name[UUID_TEXT_LEN + 1];
	uuid_format(uuid, name);
	str_addn(w->out, name, UUID_TEXT_LEN);
	str_add(w->out, "\":");
	if (!add_row_update(w->out, t, w->version, old, new, insert_select)) {
		str_truncate(w->out, before);
		return;
	}
	w->table = t;
	w->any = true;
}

static bool finish(struct writer *w)
{
	if (w->any)
		str_add(w->out, "}}");
	return w->any;
}

void monitor_initial(const struct monitor_spec *spec, struct str *out)
{
	struct writer w = {.out = out, .version = spec->version};
	VEC_FOREACH (&spec->tables, i) {
		const struct monitor_table *t = &spec->tables.v[i];
		if (!(t->select & SELECT_INITIAL))
			continue;
		for (struct db_row *row = db_table_next_row(t->table, NULL); row;
		     row = db_table_next_row(t->table, row))
			add_update(&w, t, &row->uuid, NULL, if_matches(t, row->fields),
				   SELECT_INITIAL);
	}
	if (!finish(&w))
		str_add(out, "{}");
}

bool monitor_update(const struct monitor_spec *spec, const struct db_txn *txn, struct str *out)
{
	struct writer w = {.out = out, .version = spec->version};
	// Rows lie one table after the other.
	const struct db_table *last = NULL;
	const struct monitor_table *t = NULL;
	for (size_t i = 0; i < txn->n_changed; i++) {
		const struct db_txn_row *r = txn->rows.v[i];
		if (r->row->table != last)
			t = monitor_spec_find_table(spec, r->row->table);
		last = r->row->table;
		if (t)
			add_update(&w, t, &r->row->uuid, if_matches(t, r->old),
				   if_matches(t, r->row->fields), SELECT_INSERT);
	}
	return finish(&w);
}

bool monitor_condition_update(const struct monitor_spec *before, const struct monitor_spec *after,
			      struct str *out)
{
	struct writer w = {.out = out, .version = after->version};
	VEC_FOREACH (&after->tables, i) {
		const struct monitor_table *a = &before->tables.v[i], *b = &after->tables.v[i];
		if (condition_equal(&a->condition, &b->condition))
			continue;
		for (struct db_row *row = db_table_next_row(b->table, NULL); row;
		     row = db_table_next_row(b->table, row)) {
			const struct datum *old = if_matches(a, row->fields),
					   *new = if_matches(b, row->fields);
			if (old != new)
				add_update(&w, b, &row->uuid, old, new, SELECT_INSERT);
		}
	}
	return finish(&w);
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

void monitor_backlog_add(struct monitor_backlog *b, const struct monitor_spec *spec,
			 const struct db_txn *txn)
{
	for (size_t i = 0; i < txn->n_changed; i++) {
		const struct db_txn_row *r = txn->rows.v[i];
		struct backlog_row *row;
		if (!monitor_spec_find_table(spec, r->row->table))
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

struct datum **monitor_backlog_row(struct monitor_backlog *b, const struct db_table *table,
				   const struct uuid *uuid)
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

static int compare_rows(const void *a_, const void *b_)
{
	const struct backlog_row *a = *(struct backlog_row *const *)a_,
				 *b = *(struct backlog_row *const *)b_;
	return (a->key.table > b->key.table) - (a->key.table < b->key.table);
}

bool monitor_backlog_take(struct monitor_backlog *b, const struct monitor_spec *spec,
			  struct str *out)
{
	struct writer w = {.out = out, .version = spec->version};
	struct backlog_row *row, *next;
	VEC(struct backlog_row *) rows = {0};
	HASH_ITER (hh, b->rows, row, next)
		vec_push(&rows, row);
	if (rows.n)
		qsort(rows.v, rows.n, sizeof(rows.v[0]), compare_rows);
	VEC_FOREACH (&rows, i) {
		const struct monitor_table *t = monitor_spec_find_table(spec, rows.v[i]->key.table);
		const struct db_row *now =
			db_table_find_row(rows.v[i]->key.table, &rows.v[i]->key.uuid);
		if (t)
			add_update(&w, t, &rows.v[i]->key.uuid, if_matches(t, rows.v[i]->old),
				   if_matches(t, now ? now->fields : NULL), SELECT_INSERT);
		backlog_remove(b, rows.v[i]);
	}
	vec_done(&rows);
	return finish(&w);
}
