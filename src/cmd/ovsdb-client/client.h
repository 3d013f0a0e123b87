/* SPDX-License-Identifier: Apache-2.0 */
// What the commands of ovsdb-client share: the connection, the database, the format of output.
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "cmd/common/command.h"
#include "cmd/common/daemon.h"
#include "cmd/common/table.h"
#include "cmd/common/tls_options.h"
#include "ovsdb/schema.h"
#include "rpc/jsonrpc.h"

struct client {
	struct text_table_style style;
	struct daemon_options daemon;
	struct tls_options tls_options;
	struct stream_tls *tls;
	const char *unixctl;
	bool force;
	bool any_member;     // of a cluster, not only its leader
	int db_change_aware; // 1, 0, or -1: nothing is said
	int timeout;	     // seconds; 0: none
	// Filled in before the command runs, as far as it needs them.
	char *server;
	struct jsonrpc_client *rpc;
	char *database;
};

// Connects to c->server, which may be several; c->server is the one then. `database` (may be NULL)
// is to be served. Exits with a message when there is none.
void client_connect(struct client *, const char *database);
// Sends a request and waits for the result, which is owned by the caller. Takes params. Exits with
// a message on failure.
json_t *client_call(struct client *, const char *method, json_t *params);
struct db_schema *client_get_schema(struct client *, const char *database);
// The schema in a file, or exits with a message.
struct db_schema *client_read_schema(const char *path);
void client_print_json(const struct client *, const json_t *);
json_t *client_parse_json(const char *text);
// {"op": op, "table": table, "where": []}
json_t *client_operation(const char *op, const char *table);
// The results of a "transact"; exits with a message when an operation failed. Owned by the caller.
json_t *client_transact(struct client *, json_t *params);

// The commands; argv holds what follows server and database, argv[0] the name.
typedef void client_command(struct client *, int argc, char *argv[]);
client_command client_dump, client_backup, client_restore, client_monitor, client_monitor_cond,
	client_monitor_cond_since, client_lock, client_wait;
