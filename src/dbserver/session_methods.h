/* SPDX-License-Identifier: Apache-2.0 */
// The inside of a session, shared by dbserver/session.c and dbserver/session_methods.c only.
#pragma once
#include "dbserver/session.h"

struct session {
	struct server *server;
	struct jsonrpc *rpc;
	struct session_config config;
	int last_error;	 // why the last connection that we made ended: a positive errno; 0: it did
			 // not
	char *client_id; // proved by TLS; NULL: none
	bool accepted;	 // the client connected to us
	bool db_change_aware;	       // the client follows changes of the set of databases
	bool stale;		       // to be disconnected after such a change
	bool paused;		       // too much waits to be taken by the client
	struct loop_timer stall_timer; // set while paused
	size_t shared_bytes; // of what it was sent and may not have taken yet; 0 when it takes what
			     // it gets
	size_t stall_backlog; // bytes that waited when it was set
	VEC(struct session_monitor *) monitors;
	void (*gone)(void *arg, struct session *);
	void *arg;
};

void session_handle_request(struct session *, struct jsonrpc_message *); // takes
// A request that is still text, and large; false when it has to be parsed.
bool session_handle_text(struct session *, struct json_piece);
// False when it is nothing a client may say.
bool session_handle_notify(struct session *, const struct jsonrpc_message *);
void session_monitor_free(struct session_monitor *);
