/* SPDX-License-Identifier: Apache-2.0 */
// A database in memory: tables of rows, unique indexes, and who refers weakly to whom. Changes are
// made by a transaction (ovsdb/txn.h), one at a time; this is what it works on.
//
// A row is one object for its whole life; a transaction that changes it swaps its array of columns
// and keeps the old one until it ends. A row deleted by the open transaction stays in its table as
// a tombstone (`fields` NULL) until the end of it.
#pragma once
#include "base/vec.h"
#include "ovsdb/schema.h"

struct db_txn_row;
struct db_txn;
struct weak_ref;

struct db_index_node {
	struct db_row *next;
	uint64_t hash;
};

struct db_row {
	struct db_row *next; // in its bucket
	struct db_table *table;
	struct db_txn_row *txn_row;   // in the open transaction, or NULL
	struct datum *fields;	      // one per column; NULL: deleted by the open transaction
	struct uuid uuid;	      // the same as fields[COLUMN_UUID]
	struct weak_ref *weak_refs;   // that point here
	uint32_t n_refs;	      // strong references from other rows, as of the last commit
	struct db_index_node nodes[]; // one per index of the table
};

struct db_index {
	const struct table_index *schema;
	struct db_row **buckets;
	size_t n_buckets; // a power of two, or 0
	size_t n;
};

struct db_table {
	struct db *db;
	struct table_schema *schema;
	struct db_row **buckets; // by UUID
	size_t n_buckets;
	size_t n_linked;				// rows in buckets, tombstones too
	size_t n_rows;					// without tombstones
	bool log;					// its transactions are to be logged
	struct db_index *indexes;			// as many as the schema has
	VEC(unsigned int) strong_columns, weak_columns; // that hold references
};

struct db {
	struct db_schema *schema;
	struct db_table *tables; // by the number in the schema
	struct db_txn *txn;	 // the open one, or NULL
	struct weak_ref **weak_buckets;
	size_t n_weak_buckets, n_weak_refs;
};

// An empty database. Takes the schema.
struct db *db_new(struct db_schema *);
void db_free(struct db *); // no transaction may be open
struct db_table *db_find_table(const struct db *, const char *name);
static inline struct db_table *db_table_of(const struct db *db, const struct table_schema *schema)
{
	return &db->tables[schema->number];
}
size_t db_n_rows(const struct db *);

// The row, or NULL; tombstones are not found.
struct db_row *db_table_find_row(const struct db_table *, const struct uuid *);
// With tombstones.
struct db_row *db_table_find_linked(const struct db_table *, const struct uuid *);
// Walks all rows: start with NULL; NULL at the end. Rows may be changed or deleted by the
// transaction while walking; rows inserted meanwhile may be missed or seen.
struct db_row *db_table_next_row(const struct db_table *, const struct db_row *);

// --- For the transaction.

// A row that is in no table yet, all columns default, with this UUID.
struct db_row *db_row_new(struct db_table *, const struct uuid *);
void db_row_free(struct db_row *);
struct datum *db_fields_copy(const struct db_table *, const struct datum *);
void db_fields_free(const struct db_table *, struct datum *);
void db_table_link(struct db_row *);
void db_table_unlink(struct db_row *);
// Enters the row's present fields into an index, or takes it out.
void db_index_link(struct db_table *, unsigned int index, struct db_row *);
void db_index_unlink(struct db_table *, unsigned int index, struct db_row *);
uint64_t db_index_hash(const struct table_index *, const struct datum *fields);
bool db_index_equal(const struct table_index *, const struct datum *a, const struct datum *b);
// The first row of the index with this hash, and the next; NULL at the end. Others may share the
// hash: compare.
struct db_row *db_index_first(const struct db_table *, unsigned int index, uint64_t hash);
struct db_row *db_index_next(const struct db_row *, unsigned int index);

// --- Weak references.

// `source` refers weakly to `target`: one record per pair, with a count.
struct weak_ref {
	struct weak_ref *next;		 // in its bucket
	struct weak_ref *newer, **older; // in the target's list
	struct db_row *source, *target;
	uint32_t count;
};

void weak_ref_add(struct db_row *source, struct db_row *target);
void weak_ref_remove(struct db_row *source, struct db_row *target);
