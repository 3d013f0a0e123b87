/* SPDX-License-Identifier: Apache-2.0 */
// The commands of ovs-appctl for ovsdb-server.
#pragma once
#include "dbserver/remotes.h"
#include "dbserver/server.h"
#include "rpc/appctl.h"

struct program {
	struct loop *loop;
	struct server *server;
	struct remotes *remotes;
	struct appctl *appctl;
	bool absolute_paths; // the working directory will change
	bool whole_columns;  // --disable-file-column-diff
	bool trim;	     // give memory back to the system after a compaction
	int signal;	     // that ended the program; 0: none
};

// Opens a database file and serves it. Damage that was repaired is logged.
struct db_error *program_open(struct program *, const char *path) MUST_CHECK;
void commands_register(struct program *);
