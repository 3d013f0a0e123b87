/* SPDX-License-Identifier: Apache-2.0 */
// A database server of one client on the same loop that says what the test wants it to say.
#pragma once
#include <jansson.h>

#include "rpc/jsonrpc.h"

struct fake_server {
	struct loop *loop;
	char *path; // of its socket
	struct stream_listener *listener;
	struct jsonrpc *client;
	const char *refuse[2]; // monitor methods that it does not know
	json_t *contents;  // of the next monitor reply: <table-updates2>, or <table-updates> for
			   // "monitor"
	json_t *status;	   // of the next monitor of _Server: <table-updates2>; NULL: there is none
	bool no_database;  // monitors and "get_schema" fail
	const char *lacks; // a column of Port that it does not have
	json_t *change;	   // parameters of the last monitor_cond_change
	bool hold_changes; // gives no reply to them
	bool found;	   // what monitor_cond_since says: the contents are what was missed
	bool lock_is_taken;
	json_t *results;      // of the next transaction; NULL: an empty object for each operation
	bool hold_replies;    // of transactions
	char *monitor_method; // of the last monitor request
	json_t *monitor_params, *monitor_id;
	json_t *transaction; // the last one: database and operations
	unsigned int n_connections, n_transactions, n_changes, n_schemas;
};

void fake_server_start(struct fake_server *, struct loop *);
void fake_server_stop(struct fake_server *);
// Closes the connection.
void fake_server_drop(struct fake_server *);
void fake_server_notify(struct fake_server *, const char *method, json_t *params);
// What _Server says changed. Takes the updates.
void fake_server_tell_status(struct fake_server *, json_t *updates);
// An update of the kind that the monitor asked for. Takes the updates.
void fake_server_update(struct fake_server *, const char *txn_id, json_t *updates);
