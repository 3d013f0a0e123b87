/* SPDX-License-Identifier: Apache-2.0 */
// Executes the operations of a "transact" request (RFC 7047 sections 4.1.3 and 5.2).
#pragma once
#include "ovsdb/json_cut.h"
#include "ovsdb/rbac.h"
#include "ovsdb/txn.h"

struct db_execute {
	struct db *db;
	const json_t *operations; // borrowed: the array, operations from `first` on
	size_t first;
	const struct json_piece
		*pieces; // or, where `operations` is NULL, texts that are parsed one by one
	size_t n_pieces;
	bool read_only;	    // operations that change something are not allowed
	bool reserved;	    // nor are they here: the database is the server's own
	int64_t elapsed_ms; // since the request came, for "wait"
	// Whether the client holds a lock, for "assert"; NULL: none.
	bool (*has_lock)(void *arg, const char *lock);
	void *arg;
	struct rbac_client client; // all zero: may do everything

	// Out.
	int64_t wait_ms; // with DB_EXECUTE_WAIT: try again after so long at the latest; INT64_MAX:
			 // only after a change
	struct db_txn *txn; // with DB_EXECUTE_DONE: prepared, to be committed by the caller
	json_t *result;	    // the array of results, but with DB_EXECUTE_WAIT
};

enum db_execute_status {
	DB_EXECUTE_DONE,   // success: commit (or abort) `txn`, send `result`
	DB_EXECUTE_FAILED, // everything was undone: send `result`
	DB_EXECUTE_WAIT,   // everything was undone; a "wait" is not satisfied yet
};

enum db_execute_status db_execute(struct db_execute *);
// Some operation from `first` on would change rows. What is no operation would not.
bool db_execute_changes(const json_t *operations, size_t first);
