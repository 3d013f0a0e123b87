/* SPDX-License-Identifier: Apache-2.0 */
// What a transaction collects, row by row and column by column; dbtxn.c fills it in, dbtxn_commit.c
// turns it into operations.
#pragma once
#include <uthash.h>

#include "dbclient/client_internal.h"
#include "dbclient/dbtxn_datum.h"

struct txn_column {
	unsigned int column;
	bool written; // `value` is to be set as a whole; else by mutation, or only verified
	bool mutated;
	bool verify;
	struct datum value;	     // what the column will be; unless only verified
	struct datum added, removed; // removed: keys
};

struct dbtxn_row {
	struct dbtxn_row *next;
	struct dbtxn *txn;
	struct db_row *row; // once sent, only looked at when inserted: others may be gone
	bool inserted, deleted, keeps_uuid;
	struct uuid uuid;  // as row->uuid
	UT_hash_handle hh; // of inserts, by uuid
	size_t insert_op;  // its place among the operations
	struct uuid real;  // given by the database
	struct txn_column *columns;
	size_t n_columns;
};

struct dbtxn {
	struct dbclient *client; // NULL when it is gone
	enum dbtxn_status status;
	struct dbtxn_row *rows, **rows_end;
	struct dbtxn_row *inserts; // uthash by uuid: those of `rows` that are inserted
	size_t n_inserted;
	struct str comment;
	bool dry_run;
	struct db_row *increment_row;
	unsigned int increment_column;
	bool increment_force;
	size_t increment_op; // of its select; 0: none
	int64_t increment_result;
	char *error;
	int64_t request_id;
	void (*done)(void *arg, struct dbtxn *);
	void *arg;
	struct dbtxn *next_sent;
};

// The row's uuid is that of an insert of this transaction. NULL if not.
const struct dbtxn_row *dbtxn_find_insert(const struct dbtxn *, const struct uuid *);
// Lets go of the replica's rows.
void dbtxn_detach_rows(struct dbtxn *);
