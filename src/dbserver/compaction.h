/* SPDX-License-Identifier: Apache-2.0 */
// Rewriting the file of a database without keeping clients waiting. A child process, which has the
// database as it was when it was forked, writes the new file; the server goes on, appends to the
// old one, and in the end puts what it appended behind the new one and renames it. The server
// stands still only for the fork.
#pragma once
#include "dbserver/server.h"

struct compaction;

typedef void compaction_done_cb(void *arg,
				struct db_error *error); // takes the error; NULL: success
// Starts one, or joins the one that is under way; `done` (may be NULL) is called when it ended,
// from the loop, or from compaction_cancel(). A database without a file is done at once.
void compaction_start(struct served *, const char *comment, compaction_done_cb *done, void *arg);
// Ends one that is under way, if any: the file is going to be another one.
void compaction_cancel(struct served *);
