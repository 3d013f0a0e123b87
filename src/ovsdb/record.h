/* SPDX-License-Identifier: Apache-2.0 */
// Transactions as records of a database file: {"_date": ms, "_comment": "...", TABLE: {UUID:
// {COLUMN: value} | null}}. A row that is not there before is inserted, the others change in the
// columns given. With "_is_diff" the values of sets and maps are differences. Ephemeral columns and
// columns with default values of new rows are left out.
#pragma once
#include "ovsdb/txn.h"

// Appends the record of a prepared transaction as text; false and nothing appended when it changed
// nothing that is kept. `diff`: sets and maps are written as differences.
bool db_record_from_txn(const struct db_txn *, int64_t date_ms, bool diff, struct str *);
// Appends one record that makes the whole database; `comment` may be NULL.
void db_record_from_db(const struct db *, int64_t date_ms, const char *comment, struct str *);
// Does what the record says, as a transaction. `converting`: tables and columns that are not there
// are passed over.
struct db_error *db_record_apply(struct db *, const json_t *, bool converting) MUST_CHECK;
// The same from text. Rows are parsed one by one.
struct db_error *db_record_apply_text(struct db *, const char *text, size_t n,
				      bool converting) MUST_CHECK;
