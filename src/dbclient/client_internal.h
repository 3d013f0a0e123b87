/* SPDX-License-Identifier: Apache-2.0 */
// What the connection (dbclient.c) and the transactions (dbtxn*.c) of a client share.
#pragma once
#include "dbclient/replica.h"
#include "dbclient/server_watch.h"
#include "dbclient/targets.h"
#include "rpc/jsonrpc.h"

struct dbclient {
	struct replica replica;
	struct loop *loop;
	dbclient_cb *changed;
	void *arg;
	struct loop_defer defer; // runs `changed`

	struct targets targets;
	size_t target, n_failed; // n_failed: in a row, without a connection
	bool retry, shuffle, leader_only, started;
	int64_t probe_interval;
	struct jsonrpc *rpc;
	struct stream_listener *listener; // where the target is one to listen on
	struct loop_timer timer;	  // the next attempt, when we choose among several targets

	int method; // index of the monitor method in use
	int64_t watch_id, schema_id, monitor_id, change_id,
		lock_id; // of requests under way, else -1
	struct server_watch watch;
	bool awaits_database; // the server does not have it yet
	bool needs_schema;    // a server refused what we assumed its schema to be
	int64_t generation;   // of our monitor: its id
	bool monitoring, has_data;
	char last_txn_id[UUID_TEXT_LEN + 1]; // for monitor_cond_since
	char *last_error;
	int failure;

	char *lock;
	bool has_lock, contended;

	struct dbtxn *open;
	struct dbtxn *sent; // list of those under way
};

// Sends a request and gives its id; -1 when not connected. Takes params.
int64_t dbclient_request(struct dbclient *, const char *method, json_t *params);

// The id of the monitor in use.
json_t *dbclient_monitor_name(const struct dbclient *);
// The monitor method in use knows conditions.
bool dbclient_has_conditions(const struct dbclient *);

// --- Of the conditions, for the connection.

// The next monitor request tells the server all of them.
void dbclient_accept_conditions(struct dbclient *);
// Tells the server what it does not know yet, unless a change is under way.
void dbclient_send_conditions(struct dbclient *);

// --- Of the transactions, for the connection.

// The reply to `id`. False if it belongs to no transaction. Does not take the message.
bool dbtxn_handle_reply(struct dbclient *, int64_t id, const struct jsonrpc_message *);
// The connection is gone: all that is under way ends in DBTXN_TRY_AGAIN.
void dbtxn_abort_all(struct dbclient *);
