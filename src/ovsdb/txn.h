/* SPDX-License-Identifier: Apache-2.0 */
// A transaction: changes rows in place, remembers what they were, and ends in one of two ways.
//
//	txn = db_txn_new(db)
//	db_txn_insert / db_txn_set / db_txn_delete ...
//	error = db_txn_prepare(txn)	references, garbage, limits and indexes; on error:
//db_txn_abort()
//	...write it to the file, tell the monitors: the first txn->n_changed rows say what
//changed... 	db_txn_commit(txn)		cannot fail
//
// Its cost follows the rows and columns that it touches, never the size of a table.
#pragma once
#include "ovsdb/store.h"

struct db_txn_row {
	struct db_row *row;
	struct datum *old;  // the columns before; NULL: inserted here. The present ones are
			    // row->fields, NULL: deleted here
	int64_t n_refs;	    // strong references as they will be
	uint64_t changed[]; // after db_txn_prepare(): a bit per column that differs
};

struct db_txn {
	struct db *db;
	VEC(struct db_txn_row *) rows;
	size_t n_changed; // after db_txn_prepare(): the first so many rows differ from before, the
			  // others do not; by table
	struct str comment; // lines joined by newlines
	bool durable;
	struct uuid id; // of the transaction, random
};

struct db_txn *db_txn_new(struct db *);
// Undoes everything and frees the transaction.
void db_txn_abort(struct db_txn *);
// Checks, collects garbage, cuts weak references to rows that are gone, parts rows that
// changed from those that came out as they were, gives new _versions.
struct db_error *db_txn_prepare(struct db_txn *) MUST_CHECK;
// Makes it final and frees the transaction.
void db_txn_commit(struct db_txn *);
// After db_txn_prepare(): nothing differs.
bool db_txn_is_empty(const struct db_txn *);

// A new row with default columns; db_table_find_linked() must not find `uuid`.
struct db_row *db_txn_insert(struct db_txn *, struct db_table *, const struct uuid *);
// Replaces a column. Takes the datum.
void db_txn_set(struct db_txn *, struct db_row *, unsigned int column, struct datum *);
void db_txn_delete(struct db_txn *, struct db_row *);
void db_txn_add_comment(struct db_txn *, const char *);

static inline bool db_txn_row_column_changed(const struct db_txn_row *r, unsigned int column)
{
	return r->changed[column / 64] >> column % 64 & 1;
}
