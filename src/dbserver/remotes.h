/* SPDX-License-Identifier: Apache-2.0 */
// Where clients come from: connection methods given on the command line, by command, or by columns
// of a database
// ("db:DB,TABLE,COLUMN"), which are followed as they change and get the status of their connections
// written back.
#pragma once
#include "dbserver/server.h"
#include "dbserver/session.h"
#include "stream/tls.h"

struct remotes;

struct remotes *remotes_new(struct server *);
void remotes_free(struct remotes *);
// The TLS settings for all of them: each name of a file may be "db:DB,TABLE,COLUMN", and the first
// string that is not empty in that column is followed. The strings are borrowed. An error is one of
// the names of columns; files that cannot be used are logged, and tried again.
struct error *remotes_set_tls(struct remotes *, struct stream_tls *,
			      const struct stream_tls_config *) MUST_CHECK;
// Adds a method; an error is one of syntax. The config (copied) is for its connections, NULL: the
// defaults; adding what is there changes only that.
struct error *remotes_add(struct remotes *, const char *target,
			  const struct session_config *) MUST_CHECK;
// False when it is not there.
bool remotes_remove(struct remotes *, const char *target);
// The methods as they were added, sorted, one per line.
void remotes_list(const struct remotes *, struct str *);
// Opens and closes what has to be; the error tells the first method that cannot be opened (the
// others are), for a start that must not go unnoticed. Later changes are followed by themselves,
// and logged.
struct error *remotes_update(struct remotes *) MUST_CHECK;
// Methods that are open now, as the user sees them: ptcp:0 with its port.
size_t remotes_n_connections(const struct remotes *);
