/* SPDX-License-Identifier: Apache-2.0 */
// The database server: databases, the clients that use them, their locks and monitors, and what waits. One thread, that of the loop.
#pragma once
#include "base/vec.h"
#include "dbserver/database.h"
#include "loop/loop.h"
#include "ovsdb/history.h"
#include "ovsdb/monitor.h"

struct jsonrpc_message;
struct server;
struct session;
struct trigger;

// Monitors that want the same share one; what an update says is put together once for all of them.
struct monitor_group {
	struct monitor_spec *spec;
	char *key;
	VEC(struct session_monitor *) members;
};

struct served {
	struct server *server;
	struct database *d;
	struct history *history; // for clients that come back
	bool reserved; // _Server: clients only read it
	VEC(struct monitor_group *) groups;
	VEC(struct trigger *) triggers; // transactions that wait
	struct loop_defer retry;	// of the triggers, after a change
	struct served *next;		// by name
};

struct server {
	struct loop *loop;
	struct uuid id;
	struct served *databases; // by name
	struct served *own;	  // _Server
	VEC(struct session *) sessions;
	VEC(struct db_lock *) locks;
	bool read_only;
	struct loop_timer compact_timer;
	// After a commit in any database, or a change of their set, once per iteration; NULL: nobody.
	void (*changed)(void *arg);
	void *arg;
	struct loop_defer changed_defer, reconnect_defer;
};

struct server *server_new(struct loop *);
// Closes all sessions and databases.
void server_free(struct server *);
// Takes the database on success.
struct db_error *server_add_database(struct server *, struct database *) MUST_CHECK;
// Cancels what uses it and closes it. False when there is none of that name that may be removed.
bool server_remove_database(struct server *, const char *name);
struct served *server_find(const struct server *, const char *name);
struct db_error *server_convert(struct server *, struct served *, const struct db_schema *) MUST_CHECK;
// Closes all connections; those that we make are made again.
void server_reconnect(struct server *);
// "name:value ..." for memory/show.
void server_memory(void *server, struct str *);
size_t server_n_monitors(const struct server *);

// --- Between the server and its sessions.

struct monitor_group *served_join(struct served *, struct monitor_spec *spec, struct session_monitor *); // takes spec
void served_leave(struct served *, struct monitor_group *, struct session_monitor *);
// Executes a "transact" request; answers now or later. Takes the message.
void served_transact(struct served *, struct session *, struct jsonrpc_message *);
// Forgets what waits for a session; with `id` only that transaction (true if it was there), which is answered "canceled".
bool served_cancel(struct served *, struct session *, const json_t *id);
