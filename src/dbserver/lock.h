/* SPDX-License-Identifier: Apache-2.0 */
// Named locks of clients (RFC 7047 sections 4.1.8 to 4.1.10).
#pragma once
#include "dbserver/server.h"

struct db_lock {
	char *name;
	VEC(struct session *) queue; // the first one has it
};

enum lock_result { LOCK_HELD, LOCK_QUEUED, LOCK_ALREADY };

// Joins the queue; with `steal` at its front, and who had the lock is told "stolen" and stays
// behind.
enum lock_result lock_acquire(struct session *, const char *name, bool steal);
// False when the session neither has nor waits for it. The next in the queue is told "locked".
bool lock_release(struct session *, const char *name);
void locks_release_all(struct session *);
bool lock_is_held(const struct session *, const char *name);
void locks_done(struct server *);
