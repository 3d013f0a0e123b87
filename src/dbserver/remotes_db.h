/* SPDX-License-Identifier: Apache-2.0 */
// Connection methods out of a database: between dbserver/remotes.c and dbserver/remotes_db.c only.
#pragma once
#include "dbserver/server.h"
#include "dbserver/session.h"

// One that is wanted.
struct wanted_remote {
	char *target;
	struct session_config config;
};

struct wanted_remotes {
	VEC(struct wanted_remote) v;
};

void wanted_remotes_done(struct wanted_remotes *);
// What a "db:DB,TABLE,COLUMN" asks for. An error when there is no such column, or of no type that
// can be used.
struct error *remotes_db_read(const struct server *, const char *name,
			      struct wanted_remotes *) MUST_CHECK;

// The first string that is not empty in the column that "db:DB,TABLE,COLUMN" names, borrowed until
// the database changes; NULL: none.
struct error *remotes_db_read_string(const struct server *, const char *name,
				     const char **) MUST_CHECK;

struct remote_status {
	bool is_connected;
	const char *state;				 // NULL: none
	int64_t sec_since_connect, sec_since_disconnect; // -1: never
	unsigned int n_connections;			 // of a listener
	uint16_t bound_port;				 // 0: none
	size_t locks_held, locks_waiting;
	int last_error; // positive errno; 0: none
};

// Writes the status of the connections into the rows that ask for them. `find` gives that of a
// target, false when there is none.
void remotes_db_write_status(struct server *, const char *name,
			     bool (*find)(void *arg, const char *target, struct remote_status *),
			     void *arg);
