/* SPDX-License-Identifier: Apache-2.0 */
// Transactions by column number and datum, for programs that work on any column, and reading with
// the open transaction's changes applied. Only columns that are monitored can be read.
#pragma once
#include "dbclient/dbclient.h"
#include "ovsdb/datum.h"

// The column's type, parsed at first use. Borrowed from the client.
const struct column_type *dbclient_column_type(struct dbclient *, const struct db_table_class *,
					       unsigned int column);
const struct db_table_class *dbclient_row_class(const struct db_row *);
// The value as `row` will have it after the transaction that is open (if any). Borrowed, valid
// until the next change.
const struct datum *dbtxn_read(const struct db_row *, unsigned int column);
// The value in the replica. The type's default for columns that are not monitored. Borrowed.
const struct datum *dbclient_read(const struct db_row *, unsigned int column);
// Records the value; takes it.
void dbtxn_write(struct dbtxn *, struct db_row *, unsigned int column, struct datum *);
// Adds elements (a copy of them) as a mutation; in maps, keys that are there get the new value.
void dbtxn_add(struct dbtxn *, struct db_row *, unsigned int column, const struct datum *);
// Removes elements, of maps those with these keys, as a mutation. `keys` is a set.
void dbtxn_remove(struct dbtxn *, struct db_row *, unsigned int column, const struct datum *keys);

// The rows as the open transaction leaves them: deleted ones left out, inserted ones included.
struct db_row *dbtxn_first(const struct dbclient *, const struct db_table_class *);
struct db_row *dbtxn_next(const struct db_row *);
// NULL when there is no such row, or the transaction deletes it.
struct db_row *dbtxn_find(const struct dbclient *, const struct db_table_class *,
			  const struct uuid *);
bool dbtxn_is_inserted(const struct db_row *);
bool dbtxn_is_deleted(const struct db_row *);
// The temporary UUID of an inserted row can be chosen before its setters are used: rows already
// written may refer to it.
struct db_row *dbtxn_insert_as(struct dbtxn *, const struct db_table_class *,
			       const struct uuid *temporary);
