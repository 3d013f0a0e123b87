/* SPDX-License-Identifier: Apache-2.0 */
// The rows of the database in memory, without the connection that feeds them. Internal to dbclient,
// and open to its tests.
//
// A change comes in two steps. replica_apply() changes the datums (and makes and unlinks rows)
// while it reads a notification; replica_settle() then makes the C members of all rows that it
// touched, once each. So a bridge that arrives before its thousand ports is bound to them once, not
// a thousand times.
//
// Each row knows its referrers, one entry per reference. A row that is referred to but not there
// (yet) is in its table as a placeholder with present == false, so that its arrival finds the
// referrers; C members never show it.
#pragma once
#include <jansson.h>

#include "dbclient/dbclass.h"
#include "dbclient/dbclient.h"
#include "dbclient/row_table.h"
#include "ovsdb/datum.h"

struct replica;

struct db_table {
	const struct db_table_class *class;
	struct replica *replica;
	struct row_table rows; // placeholders too
	size_t n_placeholders;
	uint64_t read, written; // columns monitored as DB_READ, as DB_WRITE
	uint64_t server_has;	// columns of the server's schema
	bool server_has_table;
	int8_t *slots; // of each column: its place among a row's datums, or -1
	unsigned int n_slots;
	struct column_type *types; // of each column, once types_known has its bit
	struct datum *defaults;	   // of each column, likewise
	uint64_t types_known;
	struct db_row *changed, **changed_end;
	json_t *where;	    // the condition that is wanted: clauses joined by "or"; NULL: all rows
	json_t *where_sent; // the one that the server knows
};

struct replica {
	const struct db_class *class;
	struct db_table *tables;
	struct dbclient *client;
	bool frozen;		 // slots are given out
	uint64_t n_changes;	 // to DB_READ columns, ever
	struct db_row **pending; // rows to be settled
	size_t n_pending, cap_pending;
};

void replica_init(struct replica *, const struct db_class *);
void replica_done(struct replica *);
static inline struct db_table *replica_table(const struct replica *r,
					     const struct db_table_class *class)
{
	return &r->tables[class->number];
}
void replica_monitor(struct replica *, const struct db_table_class *, unsigned int column,
		     enum db_monitor);
// Fixes the choice of columns. Before the first row.
void replica_freeze(struct replica *);
// The <monitor-requests> of all tables; with `conditions`, that of monitor_cond.
json_t *replica_monitor_requests(const struct replica *, bool conditions);
// The server has all tables and columns, as far as we know.
void replica_assume_schema(struct replica *);
// Learns which tables and columns the server has from its <database-schema>.
void replica_learn_schema(struct replica *, const json_t *schema);

enum update_kind {
	UPDATE_V1, // <table-updates> of RFC 7047
	UPDATE_V2, // <table-updates2> of monitor_cond
};
// Applies a notification. On error what was read so far stays applied; either way replica_settle()
// must follow. With `whole` these are the complete contents: what is not mentioned is deleted.
struct error *replica_apply(struct replica *, const json_t *updates, enum update_kind,
			    bool whole) MUST_CHECK;
void replica_settle(struct replica *);
void replica_changes_done(struct replica *);

static inline bool table_monitors(const struct db_table *t, unsigned int column)
{
	return (t->read | t->written) >> column & 1;
}
static inline bool table_is_monitored(const struct db_table *t)
{
	return t->read | t->written;
}
const struct column_type *table_column_type(struct db_table *, unsigned int column);
const struct datum *table_column_default(struct db_table *, unsigned int column);

// The place of a monitored column's value; NULL for others, and for rows that a transaction
// inserts.
struct datum *row_datum(const struct db_row *, unsigned int column);
// A row that belongs to no table's rows: for inserts. Free with row_free().
struct db_row *row_new(struct db_table *, const struct uuid *, bool with_datums);
void row_free(struct db_row *);
