/* SPDX-License-Identifier: Apache-2.0 */
// Keeps one of our databases equal to that of another server, for two purposes:
//
// - a relay (ovsdb(7), "Relay Service Model"): the database is only in memory, its schema comes
// from the other server, too, and
//   requests that would change it are passed on;
// - a replica, of a backup server: the database is one of ours with a file, and nobody else changes
// it.
//
// After a connection was lost it asks only for what it missed, where the other server knows. Rows
// that are the same stay, so that our own clients are told of differences alone. The IDs of
// transactions are those of the other server: a client can go from one relay to another and go on
// where it was.
#pragma once
#include "base/vec.h"
#include "dbserver/server.h"

struct follower;

struct follower_config {
	bool relay;
	VEC(char *) targets;	// tried in turn
	VEC(char *) excluded;	// tables that are not followed (replica)
	int64_t probe_interval; // ms; 0: none
	int64_t max_backoff;	// ms
};

void follower_config_init(struct follower_config *, bool relay);
void follower_config_done(struct follower_config *);
// Parts a list at its commas; an error when one is no way to connect.
struct error *follower_config_set_targets(struct follower_config *, const char *list) MUST_CHECK;
bool follower_config_equal(const struct follower_config *, const struct follower_config *);

// Takes the contents of the config and leaves it empty.
struct error *follower_new(struct served *, struct follower_config *,
			   struct follower **) MUST_CHECK;
// What was passed on and not answered is answered "canceled". NULL is allowed.
void follower_free(struct follower *);
void follower_set_probe_interval(struct follower *, int64_t ms);

enum follower_state {
	FOLLOWER_CONNECTING,
	FOLLOWER_ASKING,    // connected; contents are not here yet
	FOLLOWER_FOLLOWING, // the contents are those of the other server
	FOLLOWER_FAILED,    // they never will be, until somebody changes something: see
			    // follower_problem()
};
enum follower_state follower_state(const struct follower *);
bool follower_is_relay(const struct follower *);
const char *follower_problem(const struct follower *); // NULL: none
const char *follower_target(const struct follower *);  // that is connected, or tried
const struct follower_config *follower_config(const struct follower *);

// Passes a request on, now or when there is a connection; the answer goes to the session. Takes the
// message.
void follower_forward(struct follower *, struct session *, struct jsonrpc_message *);
// Forgets what waits for a session, as served_cancel() does.
bool follower_cancel(struct follower *, struct session *, const json_t *id);
