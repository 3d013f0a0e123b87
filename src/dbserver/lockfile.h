/* SPDX-License-Identifier: Apache-2.0 */
// The lock that keeps two programs from writing one file: a POSIX record lock on .FILE.~lock~
// beside it. It belongs to the process and is not inherited by a child: take it after the daemon
// went into the background.
#pragma once
#include "base/error.h"

struct lockfile;

// 0 or a positive errno: EAGAIN or EACCES when another process has it, EDEADLK when this one has.
int lockfile_lock(const char *path, struct lockfile **) MUST_CHECK;
void lockfile_unlock(struct lockfile *); // NULL is allowed
// The name of the lock file; owned by the caller.
char *lockfile_name(const char *path);
