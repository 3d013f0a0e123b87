/* SPDX-License-Identifier: Apache-2.0 */
// One client: what it asks is answered here (RFC 7047 section 4.1 and ovsdb-server(7)).
//
// A client that does not read its answers is not read from until it does, and its monitors' updates
// are put off: they are put together from what it knew and what there is when it is ready again, so
// that it costs memory by row, not by transaction. One that takes nothing for a minute is
// disconnected; probing it would be of no use, since nobody reads its answers.
#pragma once
#include "dbserver/server.h"
#include "ovsdb/rbac.h"
#include "rpc/jsonrpc.h"

struct session_monitor {
	struct session *session;
	struct served *served;
	struct monitor_group *group;
	struct monitor_backlog *backlog; // NULL: the client is up to date
	json_t *id;
	char *id_text;
};

struct session_config {
	bool read_only;
	int64_t probe_interval; // ms; 0: none
	int64_t max_backoff;	// ms, of connections that we make
	char *role;		// for access control; NULL: none
	int dscp;		// -1: that of the system
};

// What a connection method gets that says nothing else: the kernel knows when a peer on this host
// is gone, others are probed.
struct session_config session_config_default(const char *target);

// The copy's strings are its own.
void session_config_copy(struct session_config *, const struct session_config *from);
void session_config_done(struct session_config *);

// For a stream that a listener accepted; takes it. `gone` is called when the session was freed
// because the client left; may be NULL.
struct session *session_accept(struct server *, struct stream *, const struct session_config *,
			       void (*gone)(void *arg, struct session *), void *arg);
// Connects to the target again and again.
struct error *session_connect(struct server *, const char *target, const struct session_config *,
			      struct session **) MUST_CHECK;
void session_free(struct session *);
void session_configure(struct session *, const struct session_config *);

struct server *session_server(const struct session *);
bool session_is_read_only(const struct session *);
// Who it is and what it may do.
struct rbac_client session_client(const struct session *);
bool session_is_connected(const struct session *);
// Of a session that connects: a positive errno, or 0.
int session_last_error(const struct session *);
const struct jsonrpc *session_rpc(const struct session *);
size_t session_backlog(const struct session *);		   // bytes
size_t session_backlog_of_its_own(const struct session *); // without what is shared with others
size_t session_n_locks(const struct session *, bool held);
// Takes the message.
void session_send(struct session *, struct jsonrpc_message *);
// The answer to a request whose result is there as text: `before`, `shared` (may be NULL; takes a
// reference), `after`.
void session_reply_text(struct session *, const struct str *before, struct shared_text *shared,
			const char *after, const json_t *id);
// The set of databases changed: a client that does not follow this is stale from now on, and is to
// be disconnected.
void session_make_stale(struct session *);
bool session_is_stale(const struct session *);
// Closes the connection of a client that holds too much memory; one that we connected to is
// connected anew.
void session_give_up(struct session *);
// Sends what is pending, then closes the connection.
void session_reconnect(struct session *);
// The database goes away: its monitors and transactions of the session end.
void session_forget_database(struct session *, struct served *);
// Sends what was put off for the monitors of this database.
void session_flush_monitors(struct session *, struct served *);

bool session_monitor_is_behind(const struct session_monitor *);
void session_monitor_put_off(struct session_monitor *, const struct db_txn *);
void session_monitor_send(struct session_monitor *, const struct str *updates);
void session_monitor_set_id(struct session_monitor *, json_t *id);
