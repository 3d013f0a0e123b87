/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

LOG_MODULE(ovsdb_commands);

static void reply_error(struct appctl_call *call, struct db_error *error)
{
	char *text = db_error_to_text(error);
	appctl_error(call, text);
	free(text);
	db_error_free(error);
}

static void on_exit_command(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	appctl_reply(call, NULL);
	loop_stop(p->loop);
}

static void on_compact(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	struct served *one = argc > 1 ? server_find(p->server, argv[1]) : NULL;
	if (argc > 1 && !one) {
		appctl_error(call, "no database by that name");
		return;
	}
	for (struct served *s = p->server->databases; s; s = s->next) {
		if (one && s != one)
			continue;
		struct db_error *error = database_compact(s->d, "compacting database online");
		if (error) {
			reply_error(call, error);
			return;
		}
		if (s->d->journal)
			log_info("compacted %s database by user request", database_name(s->d));
	}
	if (p->trim)
		malloc_trim(0);
	appctl_reply(call, NULL);
}

static void on_trim(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	if (strcmp(argv[1], "on") && strcmp(argv[1], "off")) {
		appctl_error(call, "invalid argument");
		return;
	}
	p->trim = !strcmp(argv[1], "on");
	appctl_reply(call, NULL);
}

static void on_reconnect(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	server_reconnect(p->server);
	appctl_reply(call, NULL);
}

static void on_add_remote(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	struct error *error = remotes_add(p->remotes, argv[1]);
	if (error) {
		appctl_error(call, error_text(error));
		error_free(error);
		return;
	}
	error_free(remotes_update(p->remotes)); // it was logged, and is tried again
	appctl_reply(call, NULL);
}

static void on_remove_remote(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	if (!remotes_remove(p->remotes, argv[1])) {
		appctl_error(call, "no such remote");
		return;
	}
	error_free(remotes_update(p->remotes)); // it was logged, and is tried again
	appctl_reply(call, NULL);
}

static void on_list_remotes(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	struct str s = STR_INIT;
	remotes_list(p->remotes, &s);
	appctl_reply(call, str_cstr(&s));
	str_done(&s);
}

static void on_add_db(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct db_error *error = program_open(program_, argv[1]);
	if (error)
		reply_error(call, error);
	else
		appctl_reply(call, NULL);
}

static void on_remove_db(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	struct served *served = server_find(p->server, argv[1]);
	if (!served) {
		appctl_error(call, "Failed to find the database.");
	} else if (served->reserved) {
		appctl_error(call, "Cannot remove reserved database.");
	} else {
		server_remove_database(p->server, argv[1]);
		appctl_reply(call, NULL);
	}
}

static void on_list_dbs(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	struct str s = STR_INIT;
	for (struct served *served = p->server->databases; served; served = served->next)
		str_addf(&s, "%s\n", database_name(served->d));
	appctl_reply(call, str_cstr(&s));
	str_done(&s);
}

static void on_storage_status(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	struct served *served = server_find(p->server, argv[1]);
	struct str s = STR_INIT;
	if (!served) {
		appctl_error(call, "Failed to find the database.");
		return;
	}
	str_addf(&s, "status: %s\n", served->d->problem ? served->d->problem : "ok");
	appctl_reply(call, str_cstr(&s));
	str_done(&s);
}

static void on_sync_status(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	appctl_reply(call, "state: active\n");
}

static void on_nothing(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	appctl_reply(call, NULL);
}

static void on_replication(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	appctl_error(call, "replication is not built into this version");
}

void commands_register(struct program *p)
{
	static const struct {
		const char *name, *usage;
		int min, max;
		appctl_handler *handler;
	} rows[] = {
		{"exit", "", 0, 0, on_exit_command},
		{"ovsdb-server/compact", "[DB]", 0, 1, on_compact},
		{"ovsdb-server/memory-trim-on-compaction", "on|off", 1, 1, on_trim},
		{"ovsdb-server/reconnect", "", 0, 0, on_reconnect},
		{"ovsdb-server/add-remote", "REMOTE", 1, 1, on_add_remote},
		{"ovsdb-server/remove-remote", "REMOTE", 1, 1, on_remove_remote},
		{"ovsdb-server/list-remotes", "", 0, 0, on_list_remotes},
		{"ovsdb-server/add-db", "DB", 1, 1, on_add_db},
		{"ovsdb-server/remove-db", "DB", 1, 1, on_remove_db},
		{"ovsdb-server/list-dbs", "", 0, 0, on_list_dbs},
		{"ovsdb-server/get-db-storage-status", "DB", 1, 1, on_storage_status},
		// What there is to say without replication.
		{"ovsdb-server/sync-status", "", 0, 0, on_sync_status},
		{"ovsdb-server/get-active-ovsdb-server", "", 0, 0, on_nothing},
		{"ovsdb-server/get-sync-exclude-tables", "", 0, 0, on_nothing},
		{"ovsdb-server/set-active-ovsdb-server", "SERVER", 1, 1, on_replication},
		{"ovsdb-server/set-sync-exclude-tables", "DB:TABLE,...", 0, 1, on_replication},
		{"ovsdb-server/connect-active-ovsdb-server", "", 0, 0, on_replication},
		{"ovsdb-server/disconnect-active-ovsdb-server", "", 0, 0, on_replication},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		appctl_register(p->appctl, rows[i].name, rows[i].usage, rows[i].min, rows[i].max, rows[i].handler, p);
	appctl_add_memory_source(p->appctl, server_memory, p->server);
}
