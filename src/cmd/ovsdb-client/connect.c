/* SPDX-License-Identifier: Apache-2.0 */
// Which of several servers. With one, it is that one, whatever it says; of several, in random
// order, the first that answers and can serve the database: a clustered one is served by its
// leader, a relay only while it is connected to its source.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "client.h"
#include "dbclient/targets.h"

LOG_MODULE(ovsdb_client);

static struct error *open_target(struct client *c, const char *target)
{
	return jsonrpc_client_open(target, 0, c->tls, &c->rpc);
}

static void die_of_connecting(const char *target, struct error *error)
{
	if (error_code(error))
		command_die("failed to connect to \"%s\" (%s)", target,
			    strerror(error_code(error)));
	command_die("%s", error_text(error));
}

// The row of _Server's Database table; NULL when the server does not know it. Owned by the caller.
static json_t *database_status(struct client *c, const char *database)
{
	struct jsonrpc_message *reply = NULL;
	json_t *params = json_pack("[s, {s:s, s:s, s:[[s, s, s]], s:[s, s, s]}]", "_Server", "op",
				   "select", "table", "Database", "where", "name", "==", database,
				   "columns", "model", "connected", "leader");
	struct error *error = jsonrpc_client_call(c->rpc, "transact", params, &reply);
	json_t *row = NULL;
	if (!error && reply->type == JSONRPC_REPLY)
		row = json_incref(json_array_get(
			json_object_get(json_array_get(reply->result, 0), "rows"), 0));
	error_free(error);
	jsonrpc_message_free(reply);
	return row;
}

static bool can_serve(struct client *c, const char *target, const char *database)
{
	json_t *row = database ? database_status(c, database) : NULL;
	const char *model = json_string_value(json_object_get(row, "model"));
	bool good = true;
	if (model && strcmp(model, "standalone") &&
	    json_is_false(json_object_get(row, "connected"))) {
		log_warn("%s: database %s is not connected to its source or cluster", target,
			 database);
		good = false;
	} else if (model && !strcmp(model, "clustered") && !c->any_member &&
		   json_is_false(json_object_get(row, "leader"))) {
		log_warn("%s: this server is not the leader of database %s", target, database);
		good = false;
	}
	json_decref(row);
	return good;
}

static bool try_target(struct client *c, const char *target, const char *database)
{
	struct error *error = open_target(c, target);
	if (error) {
		log_warn("%s", error_text(error));
		error_free(error);
		return false;
	}
	if (can_serve(c, target, database))
		return true;
	jsonrpc_client_close(c->rpc);
	c->rpc = NULL;
	return false;
}

void client_connect(struct client *c, const char *database)
{
	struct targets t;
	targets_init(&t, c->server);
	targets_shuffle(&t);
	if (t.n == 1) {
		struct error *error = open_target(c, t.v[0]);
		if (error)
			die_of_connecting(t.v[0], error);
	}
	for (size_t i = 0; i < t.n && !c->rpc; i++) {
		if (!try_target(c, t.v[i], database))
			continue;
		free(c->server);
		c->server = xstrdup(t.v[i]);
	}
	targets_done(&t);
	if (!c->rpc)
		command_die("no servers were available");
}
