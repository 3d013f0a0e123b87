/* SPDX-License-Identifier: Apache-2.0 */
// The last transactions of a database, newest last, so that a client that was away for a while can
// be told what it missed (monitor_cond_since in ovsdb-server(7)). Each is kept as what undoes it:
// columns that changed with their old values, rows that were deleted, names of rows that were
// inserted. Its memory is bounded by the size of the database; a transaction too large for it
// empties it.
#pragma once
#include "ovsdb/monitor.h"

struct history;

// Starts with no transaction and a random ID for the state as it is.
struct history *history_new(void);
void history_free(struct history *); // NULL is allowed
// Before the transaction is committed.
void history_add(struct history *, const struct db_txn *);
// The ID of the state as it is now.
struct uuid history_last_id(const struct history *);
// The state as it is now is known under another ID, that of the server it came from.
void history_set_last_id(struct history *, const struct uuid *);
// Notes in the backlog what the rows of the spec's tables were when the state had this ID. False,
// and nothing noted, when that is not known.
bool history_undo(const struct history *, const struct uuid *id, const struct monitor_spec *,
		  struct monitor_backlog *);
size_t history_n_transactions(const struct history *);
size_t history_n_cells(const struct history *);
