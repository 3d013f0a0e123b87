/* SPDX-License-Identifier: Apache-2.0 */
// What a server says about the database in its own database, _Server (ovsdb-server(5)): whether it
// has it, is connected to the cluster or relay source behind it, and leads. Older servers say
// nothing.
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct server_watch {
	bool told;		// the server has _Server
	bool present;		// and the database in it
	bool standalone, relay; // neither: clustered
	bool connected;
	bool leader; // of a cluster; a relay leads nothing, and need not
};

// The parameters of the "monitor_cond" to ask for. `id` (taken) is the monitor's.
json_t *server_watch_request(json_t *id, const char *database);
// The reply, or what an "update2" brings. True when something changed.
bool server_watch_update(struct server_watch *, const json_t *updates);
// Why this server should not be used; NULL when it may.
const char *server_watch_problem(const struct server_watch *, bool leader_only);
