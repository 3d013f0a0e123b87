/* SPDX-License-Identifier: Apache-2.0 */
#include "dbclient/server_watch.h"

#include <string.h>

json_t *server_watch_request(json_t *id, const char *database)
{
	return json_pack("[s, o, {s:[{s:[s, s, s], s:[[s, s, s]]}]}]", "_Server", id, "Database",
			 "columns", "model", "connected", "leader", "where", "name",
			 "==", database);
}

// Values that are not mentioned stay as they are; in a new row they are false, or the first of the
// models.
static void read_row(struct server_watch *w, const json_t *row)
{
	const json_t *connected = json_object_get(row, "connected"),
		     *leader = json_object_get(row, "leader");
	const char *model = json_string_value(json_object_get(row, "model"));
	if (connected)
		w->connected = json_is_true(connected);
	if (leader)
		w->leader = json_is_true(leader);
	if (model) {
		w->standalone = !strcmp(model, "standalone");
		w->relay = !strcmp(model, "relay");
	}
}

bool server_watch_update(struct server_watch *w, const json_t *updates)
{
	struct server_watch before = *w;
	const char *uuid;
	json_t *update;
	w->told = true;
	json_object_foreach (json_object_get(updates, "Database"), uuid, update) {
		const json_t *row = json_object_get(update, "initial");
		if (!row)
			row = json_object_get(update, "insert");
		if (row) {
			*w = (struct server_watch){.told = true, .present = true};
			read_row(w, row);
		} else if (json_object_get(update, "modify")) {
			read_row(w, json_object_get(update, "modify"));
		} else {
			*w = (struct server_watch){.told = true};
		}
	}
	return memcmp(&before, w, sizeof(before));
}

const char *server_watch_problem(const struct server_watch *w, bool leader_only)
{
	if (!w->told || !w->present || w->standalone)
		return NULL;
	if (!w->connected)
		return "the server is not connected to the cluster or relay source of the database";
	return leader_only && !w->leader && !w->relay
		       ? "the server is not the leader of the database's cluster"
		       : NULL;
}
