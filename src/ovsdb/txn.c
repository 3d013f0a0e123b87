/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/txn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ovsdb/txn_check.h"

struct db_txn *db_txn_new(struct db *db)
{
	assert(!db->txn);
	struct db_txn *txn = XNEW(struct db_txn);
	txn->db = db;
	txn->id = uuid_random();
	db->txn = txn;
	return txn;
}

void db_txn_add_comment(struct db_txn *txn, const char *comment)
{
	if (txn->comment.len)
		str_addc(&txn->comment, '\n');
	str_add(&txn->comment, comment);
}

bool db_txn_is_empty(const struct db_txn *txn)
{
	return !txn->n_changed;
}

struct db_txn_row *db_txn_touch(struct db_txn *txn, struct db_row *row)
{
	if (row->txn_row)
		return row->txn_row;
	size_t words = (row->table->schema->n_columns + 63) / 64;
	struct db_txn_row *r = xcalloc(1, sizeof(*r) + words * sizeof(r->changed[0]));
	r->row = row;
	r->old = row->fields;
	r->n_refs = row->n_refs;
	row->txn_row = r;
	vec_push(&txn->rows, r);
	return r;
}

static void link_indexes(struct db_row *row)
{
	for (unsigned int i = 0; i < row->table->schema->n_indexes; i++)
		db_index_link(row->table, i, row);
}

static void unlink_indexes(struct db_row *row)
{
	for (unsigned int i = 0; i < row->table->schema->n_indexes; i++)
		db_index_unlink(row->table, i, row);
}

struct db_row *db_txn_insert(struct db_txn *txn, struct db_table *table, const struct uuid *uuid)
{
	struct db_row *row = db_row_new(table, uuid);
	struct db_txn_row *r = db_txn_touch(txn, row);
	r->old = NULL;
	db_table_link(row);
	link_indexes(row);
	table->n_rows++;
	return row;
}

static bool is_indexed(const struct table_index *index, unsigned int column)
{
	for (unsigned int i = 0; i < index->n_columns; i++)
		if (index->columns[i]->index == column)
			return true;
	return false;
}

void db_txn_set(struct db_txn *txn, struct db_row *row, unsigned int column, struct datum *datum)
{
	struct db_table *t = row->table;
	if (datum_equal(&row->fields[column], datum)) {
		datum_done(datum);
		return;
	}
	struct db_txn_row *r = db_txn_touch(txn, row);
	for (unsigned int i = 0; i < t->schema->n_indexes; i++)
		if (is_indexed(&t->schema->indexes[i], column))
			db_index_unlink(t, i, row);
	if (row->fields == r->old)
		row->fields = db_fields_copy(t, r->old);
	datum_done(&row->fields[column]);
	row->fields[column] = *datum;
	for (unsigned int i = 0; i < t->schema->n_indexes; i++)
		if (is_indexed(&t->schema->indexes[i], column))
			db_index_link(t, i, row);
}

void db_txn_delete(struct db_txn *txn, struct db_row *row)
{
	struct db_txn_row *r = db_txn_touch(txn, row);
	unlink_indexes(row);
	if (row->fields != r->old)
		db_fields_free(row->table, row->fields);
	row->fields = NULL;
	row->table->n_rows--;
	if (!r->old)
		db_table_unlink(row); // it never was: its UUID is free again
}

static void undo(struct db_txn_row *r)
{
	struct db_row *row = r->row;
	if (row->fields != r->old) {
		if (row->fields) {
			unlink_indexes(row);
			row->table->n_rows--;
			if (!r->old)
				db_table_unlink(row);
			db_fields_free(row->table, row->fields);
		}
		row->fields = r->old;
		if (r->old) {
			link_indexes(row);
			row->table->n_rows++;
		}
	}
	row->txn_row = NULL;
	if (!r->old)
		db_row_free(row);
}

static void txn_free(struct db_txn *txn)
{
	VEC_FOREACH (&txn->rows, i)
		free(txn->rows.v[i]);
	vec_done(&txn->rows);
	str_done(&txn->comment);
	txn->db->txn = NULL;
	free(txn);
}

void db_txn_abort(struct db_txn *txn)
{
	for (size_t i = txn->rows.n; i-- > 0;)
		undo(txn->rows.v[i]);
	txn_free(txn);
}

void db_txn_commit(struct db_txn *txn)
{
	// References first, while rows that go away are still there.
	VEC_FOREACH (&txn->rows, i)
		txn_apply_weak_refs(txn->rows.v[i]);
	VEC_FOREACH (&txn->rows, i) {
		struct db_txn_row *r = txn->rows.v[i];
		struct db_row *row = r->row;
		row->n_refs = (uint32_t)r->n_refs;
		row->txn_row = NULL;
		if (r->old != row->fields)
			db_fields_free(row->table, r->old);
		if (!row->fields) {
			if (r->old)
				db_table_unlink(row);
			r->old = NULL;
			db_row_free(row);
		}
	}
	txn_free(txn);
}
