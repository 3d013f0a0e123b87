/* SPDX-License-Identifier: Apache-2.0 */
// The other end of a monitor: brings a database in line with <table-updates2>
// (ovsdb-server(7), 4.1.14) of another server, for replicas and relays.
#pragma once
#include "ovsdb/txn.h"

struct updates_scope {
	const struct db *db;
	bool *tables; // by number: those that are followed; the others are left alone
};

// Does what the updates say. References into tables that are not followed are kept only where the
// row exists here.
struct db_error *updates_apply(struct db_txn *, const struct updates_scope *,
			       const json_t *updates) MUST_CHECK;
// The updates are the whole contents: rows that are not in them go, and of the others all columns
// are set.
struct db_error *updates_replace(struct db_txn *, const struct updates_scope *,
				 const json_t *updates) MUST_CHECK;
