/* SPDX-License-Identifier: Apache-2.0 */
// A client's copy of an OVSDB database (RFC 7047): it connects and stays connected, monitors chosen
// columns, keeps the rows in memory as C structs, tells what changed, and sends transactions.
//
// The structs come from the schema: tools/gen-dbclient writes "dbclient/vswitch_db.h" with `struct
// db_bridge`, `struct db_port` and so on, setters for transactions, and `vswitch_db`, the class to
// give to dbclient_new(). All of it belongs to the loop's thread. The replica changes only from
// inside the loop: pointers to rows are good until control returns to it, and rows that go away
// stay readable (row->change is DB_DELETED) until dbclient_changes_done().
//
// The usual round of a daemon, in the `changed` callback:
//
//	DB_FOREACH_CHANGED (db_bridge, b, c) switch (b->row.change) ...
//	DB_FOREACH (db_port, p, c) ...
//	dbclient_changes_done(c);
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uuid.h"
#include "dbclient/smap.h"
#include "loop/loop.h"

struct dbclient;
struct dbtxn;
struct db_column;
struct db_table;       // one table of the replica
struct db_table_class; // what the schema says about one table, generated
struct db_class;       // what the schema says about the database, generated
struct datum;

enum db_change { DB_SAME, DB_INSERTED, DB_MODIFIED, DB_DELETED };

// The first member of every row struct. Read-only outside of dbclient.
struct db_row {
	struct uuid uuid;      // of an inserted row before its commit: a temporary one
	enum db_change change; // since dbclient_changes_done()
	bool present;	       // in the database, as far as we know
	bool seen, pending, listed, has_datums; // private to the replica
	uint64_t changed;			// bit n: column n (DB_BRIDGE_NAME...) changed since
						// dbclient_changes_done()
	uint64_t stale;				// private: columns whose members must be made anew
	struct db_table *table;
	struct db_row *next_changed; // in the table's list of changed rows
	struct dbtxn_row *txn;	     // what the open transaction does to it
	struct db_row **referrers;   // rows that refer to this one
	uint32_t n_referrers, cap_referrers;
};

// --- Connection

// Something to look at: rows changed (dbclient_seqno() grew), or the lock or the connection changed
// its state.
typedef void dbclient_cb(void *arg);

// Nothing happens until dbclient_start(). `target` is unix:FILE, tcp:HOST:PORT, ssl:HOST:PORT, or
// several with commas between them that are tried in turn; or a single punix:FILE or
// ptcp:PORT[:HOST], where a server connects to us.
struct dbclient *dbclient_new(struct loop *, const struct db_class *, const char *target,
			      dbclient_cb *changed, void *arg);
// Frees the rows too. Open transactions must be freed before. NULL is allowed.
void dbclient_free(struct dbclient *);

// How a column is replicated. Choose before dbclient_start(); columns not chosen read as empty, and
// cannot be compared when written: a setter then always writes.
enum db_monitor {
	DB_READ,  // changes count
	DB_WRITE, // we write it ourselves: replicated, but changes do not raise seqno, nor mark the
		  // row
};
void dbclient_monitor_column(struct dbclient *, const struct db_table_class *, unsigned int column,
			     enum db_monitor);
// All columns of the table, those already chosen excepted.
void dbclient_monitor_table(struct dbclient *, const struct db_table_class *, enum db_monitor);
// Only rows for which some clause holds: an array (taken) of <condition>s of RFC 7047 section 5.1
// or true and false; NULL: all rows. At any time: rows come and go as the condition changes.
// Servers without conditions send all rows.
void dbclient_set_condition(struct dbclient *, const struct db_table_class *, json_t *where);
// The same with one clause: this value in the string column `column`.
void dbclient_monitor_where(struct dbclient *, const struct db_table_class *, unsigned int column,
			    const char *value);
// The rows are those of the conditions as they were last set; `changed` is called when that comes
// true.
bool dbclient_conditions_met(const struct dbclient *);

// An error is one of syntax in the target; connecting goes on and on (or once, see next).
struct error *dbclient_start(struct dbclient *) MUST_CHECK;
// Before dbclient_start(): the first failure is final, see dbclient_failure().
void dbclient_set_retry(struct dbclient *, bool);
// Before dbclient_start(): several targets are tried in random order.
void dbclient_set_shuffle(struct dbclient *, bool);
// Before dbclient_start(): of several targets only one that leads the database's cluster will do.
// Without, any that is connected to its cluster or relay source. A single target is used whatever
// it says.
void dbclient_set_leader_only(struct dbclient *, bool);
// Default 5000 ms, 0 for no probes.
void dbclient_set_probe_interval(struct dbclient *, int64_t ms);
// Drops the connection and makes another; the replica stays.
void dbclient_force_reconnect(struct dbclient *);

bool dbclient_is_connected(const struct dbclient *);
// The replica is complete: the initial contents arrived at least once. They stay when the
// connection is lost.
bool dbclient_has_data(const struct dbclient *);
// Complete and connected.
bool dbclient_is_current(const struct dbclient *);
// Grows with each batch of changes to DB_READ columns (the initial one included).
uint64_t dbclient_seqno(const struct dbclient *);
// Why the last connection failed or the server's answers could not be used; "" when nothing did.
// Borrowed.
const char *dbclient_last_error(const struct dbclient *);
// Without retry, or for what no retry mends (the server has no such database): a positive errno, or
// EOF; 0 otherwise.
int dbclient_failure(const struct dbclient *);
// True if the server has the column (older schemas lack some).
bool dbclient_server_has(const struct dbclient *, const struct db_table_class *,
			 unsigned int column);

// Asks for the lock now and after each reconnect; transactions are then sent with an assertion that
// we own it. NULL gives it up.
void dbclient_set_lock(struct dbclient *, const char *name);
bool dbclient_has_lock(const struct dbclient *);
// Somebody else owns it.
bool dbclient_lock_contended(const struct dbclient *);

// --- Rows

// The first and the next row; NULL at the end. In no particular order.
struct db_row *dbclient_first(const struct dbclient *, const struct db_table_class *);
struct db_row *dbclient_next(const struct db_row *);
// The row with this UUID; NULL if there is none.
struct db_row *dbclient_find(const struct dbclient *, const struct db_table_class *,
			     const struct uuid *);
size_t dbclient_count(const struct dbclient *, const struct db_table_class *);
// Rows inserted, modified or deleted since dbclient_changes_done(), each once.
struct db_row *dbclient_first_changed(const struct dbclient *, const struct db_table_class *);
struct db_row *dbclient_next_changed(const struct db_row *);
// Forgets the changes and frees the deleted rows.
void dbclient_changes_done(struct dbclient *);
bool dbclient_any_changed(const struct dbclient *, const struct db_table_class *);

static inline bool db_row_changed(const struct db_row *row, unsigned int column)
{
	return row->changed >> column & 1;
}

// DB_FOREACH (db_bridge, b, client): `b` is a `struct db_bridge *`.
#define DB_FOREACH(TYPE, var, client)                                                              \
	for (struct TYPE *var = (struct TYPE *)dbclient_first(client, &TYPE##_class); var;         \
	     var = (struct TYPE *)dbclient_next(&var->row))
#define DB_FOREACH_CHANGED(TYPE, var, client)                                                      \
	for (struct TYPE *var = (struct TYPE *)dbclient_first_changed(client, &TYPE##_class); var; \
	     var = (struct TYPE *)dbclient_next_changed(&var->row))
#define DB_FIRST(TYPE, client)	    ((struct TYPE *)dbclient_first(client, &TYPE##_class))
#define DB_FIND(TYPE, client, uuid) ((struct TYPE *)dbclient_find(client, &TYPE##_class, uuid))

// --- Transactions

enum dbtxn_status {
	DBTXN_OPEN,	  // not committed yet
	DBTXN_UNCHANGED,  // nothing to do: nothing was sent
	DBTXN_INCOMPLETE, // sent, no answer yet
	DBTXN_SUCCESS,	  // done; the replica shows it already
	DBTXN_TRY_AGAIN,  // a verified value changed, or the connection was lost (it may or may not
			  // have happened)
	DBTXN_NOT_LOCKED, // we do not own the lock
	DBTXN_ERROR,	  // refused, see dbtxn_error()
};

// One transaction at a time may be open (not yet committed) per client; any number may be under
// way. Setters check nothing but C types; the server checks the constraints. A setter that changes
// nothing causes no operation.
struct dbtxn *dbtxn_new(struct dbclient *);
// Whatever its state; a sent one is not recalled, but its `done` is not called any more. NULL is
// allowed.
void dbtxn_free(struct dbtxn *);
// Added to the database's log.
void dbtxn_comment(struct dbtxn *, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Do everything but change the database.
void dbtxn_set_dry_run(struct dbtxn *);
// A new row, with the generated struct's members empty: use setters. It lives until dbtxn_free().
// The generated db_bridge_insert() and so on are the typed forms.
struct db_row *dbtxn_insert(struct dbtxn *, const struct db_table_class *);
// As dbtxn_insert(), with the UUID that the row will have in the database (OVSDB extension of 2.x:
// "uuid" in insert).
struct db_row *dbtxn_insert_uuid(struct dbtxn *, const struct db_table_class *,
				 const struct uuid *);
// Deletes a row of a root table (Open_vSwitch, QoS, Queue, Flow_Sample_Collector_Set). Rows of
// other tables go by themselves when nobody refers to them any more: for these it only says that
// the transaction does not use the row any more.
void dbtxn_delete(struct dbtxn *, struct db_row *);
// The commit fails with DBTXN_TRY_AGAIN if the column's value is not (any more) what the replica
// has now.
void dbtxn_verify(struct dbtxn *, struct db_row *, unsigned int column);
// Adds one to an integer column when the transaction changes something (or anyway, with `force`).
// One per transaction.
void dbtxn_increment(struct dbtxn *, struct db_row *, unsigned int column, bool force);
// `done` is called from the loop, once, unless the status that this returns is final already
// (UNCHANGED, NOT_LOCKED, TRY_AGAIN when not connected).
enum dbtxn_status dbtxn_commit(struct dbtxn *, void (*done)(void *arg, struct dbtxn *), void *arg);
enum dbtxn_status dbtxn_get_status(const struct dbtxn *);
// The server's words; "" without an error. Borrowed.
const char *dbtxn_error(const struct dbtxn *);
const char *dbtxn_status_name(enum dbtxn_status); // "success", "try again", ...
// After success: what dbtxn_increment() arrived at.
int64_t dbtxn_increment_result(const struct dbtxn *);
// After success: the UUID that the database gave to an inserted row. False for rows that were not
// inserted by `txn`.
bool dbtxn_inserted_uuid(const struct dbtxn *, const struct db_row *, struct uuid *);
