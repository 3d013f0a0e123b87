/* SPDX-License-Identifier: Apache-2.0 */
// The backup half of an active-backup pair (ovsdb(7), "Active-Backup Database Service Model"): in
// the backup role the server only reads, and its databases follow those of the active server that
// have the same names.
#pragma once
#include "dbserver/server.h"

struct replication;

struct replication *replication_new(struct server *);
void replication_free(struct replication *); // NULL is allowed
// The active server; followed from the next replication_start() on, or at once when we are a
// backup.
struct error *replication_set_active(struct replication *, const char *target) MUST_CHECK;
const char *replication_active(const struct replication *); // NULL: none was named
// Tables that are not replicated: "DB:TABLE,DB:TABLE...".
struct error *replication_set_excluded(struct replication *, const char *list) MUST_CHECK;
void replication_list_excluded(const struct replication *, struct str *);
void replication_set_probe_interval(struct replication *, int64_t ms);
// Becomes a backup; an error when no active server was named.
struct error *replication_start(struct replication *) MUST_CHECK;
// Becomes active.
void replication_stop(struct replication *);
// After the set of databases changed.
void replication_update(struct replication *);
// For ovsdb-server/sync-status.
void replication_status(const struct replication *, struct str *);
