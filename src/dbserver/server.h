/* SPDX-License-Identifier: Apache-2.0 */
// The database server: databases, the clients that use them, their locks and monitors, and what
// waits. One thread, that of the loop.
#pragma once
#include "base/vec.h"
#include "dbserver/database.h"
#include "loop/loop.h"
#include "ovsdb/history.h"
#include "ovsdb/json_cut.h"
#include "ovsdb/monitor.h"
#include "rpc/jsonrpc.h"

struct compaction;
struct follower;
struct follower_config;
struct jsonrpc_message;
struct server;
struct session;
struct trigger;

// Monitors that want the same share one; what an update says is put together once for all of them.
struct monitor_group {
	struct monitor_spec *spec;
	char *key;
	VEC(struct session_monitor *) members;
	struct shared_text *initial; // the present contents, or NULL: for the next ones who come
				     // before anything changes
};

struct served {
	struct server *server;
	struct database *d;
	struct history *history; // for clients that come back
	bool reserved;		 // _Server: clients only read it
	bool available; // it has a schema: false for a relay that has not heard of its source yet
	bool connected; // to its storage or, a relay, to its source
	struct compaction *compaction; // that is under way, or NULL
	struct follower *follower;     // what it gets its contents from; NULL: its clients
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
	bool without_monitor_cond;   // as old servers were, for tests of clients
	struct jsonrpc_budget input; // of all clients
	size_t output_limit;	     // bytes that wait for all clients together
	size_t max_sessions;	     // SIZE_MAX: no limit
	struct loop_defer relieve;   // ends those that hold too much
	bool trim;		     // give memory back to the system after a compaction
	struct loop_timer compact_timer, heal_timer;
	// After a commit in any database, or a change of their set, once per iteration; NULL:
	// nobody.
	void (*changed)(void *arg);
	void *arg;
	struct loop_defer changed_defer, reconnect_defer;
};

struct server *server_new(struct loop *);
// Closes all sessions and databases.
void server_free(struct server *);
// Takes the database on success.
struct db_error *server_add_database(struct server *, struct database *) MUST_CHECK;
// A database of this name that follows one of another server. Takes the contents of the config.
struct error *server_add_relay(struct server *, const char *name,
			       struct follower_config *) MUST_CHECK;
// Cancels what uses it and closes it. False when there is none of that name that may be removed.
bool server_remove_database(struct server *, const char *name);
struct served *server_find(const struct server *, const char *name);
struct db_error *server_convert(struct server *, struct served *,
				const struct db_schema *) MUST_CHECK;
// A database could not be written: it is tried again until it can.
void server_note_problem(struct server *);
// A relay: the source has another schema (taken); the contents are gone.
void server_replace_schema(struct server *, struct served *, struct db_schema *);
// A relay: its source is there, or not.
void server_set_connected(struct server *, struct served *, bool connected);
// Nobody but its source may change it: it is a replica.
bool served_is_replica(const struct served *);
bool served_is_relay(const struct served *);
// Closes all connections; those that we make are made again.
void server_reconnect(struct server *);
// "name:value ..." for memory/show.
void server_memory(void *server, struct str *);
size_t server_n_monitors(const struct server *);

// --- Between the server and its sessions.

struct monitor_group *served_join(struct served *, struct monitor_spec *spec,
				  struct session_monitor *); // takes spec
void served_leave(struct served *, struct monitor_group *, struct session_monitor *);
// The present contents for a member; a reference for the caller.
struct shared_text *monitor_group_initial(struct monitor_group *);
// Executes a "transact" request; answers now or later. Takes the message.
void served_transact(struct served *, struct session *, struct jsonrpc_message *);
// The same for operations that are still text. False, and nothing done, when it has to wait.
bool served_transact_text(struct served *, struct session *, const struct json_piece *operations,
			  size_t n, const json_t *id);
// A client is behind by much: at the end of this iteration it is seen whether all of them together
// hold too much.
void server_check_output(struct server *);
// The results that say what the client's role forbids in a "transact" request; NULL: nothing. Does
// nothing.
json_t *served_check_permission(struct served *, struct session *, const json_t *params);
// Forgets what waits for a session; with `id` only that transaction (true if it was there), which
// is answered "canceled".
bool served_cancel(struct served *, struct session *, const json_t *id);
