/* SPDX-License-Identifier: Apache-2.0 */
// The commands of ovs-appctl for ovsdb-server.
#pragma once
#include "dbserver/remotes.h"
#include "dbserver/replication.h"
#include "dbserver/server.h"
#include "rpc/appctl.h"

// A database that the configuration file names.
struct configured {
	char *key, *name; // as the file names it; of its schema
};

struct program {
	struct loop *loop;
	struct server *server;
	struct remotes *remotes;
	struct replication *replication;
	struct appctl *appctl;
	char *config_path; // NULL: none
	VEC(struct configured) configured;
	bool absolute_paths; // the working directory will change
	bool whole_columns;  // --disable-file-column-diff
	int signal;	     // that ended the program; 0: none
};

// Opens a database file and serves it; *name is that of its schema, borrowed. Damage that was
// repaired is logged.
struct db_error *program_open_file(struct program *, const char *path,
				   const char **name) MUST_CHECK;
// A file, or "relay:NAME:REMOTE,REMOTE...".
struct db_error *program_open(struct program *, const char *database) MUST_CHECK;
// What a configuration file governs is changed there: true, and the call is answered, when there is
// one.
bool commands_are_governed(struct program *, struct appctl_call *);
void commands_register(struct program *);
void commands_register_replication(struct program *);
