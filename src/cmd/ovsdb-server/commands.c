/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "configuration.h"
#include "dbserver/compaction.h"

LOG_MODULE(ovsdb_commands);

static void reply_error(struct appctl_call *call, struct db_error *error)
{
	char *text = db_error_to_text(error);
	appctl_error(call, text);
	free(text);
	db_error_free(error);
}

bool commands_are_governed(struct program *p, struct appctl_call *call)
{
	if (!p->config_path)
		return false;
	struct str s = STR_INIT;
	str_addf(&s, "not available with --config-file: change %s and use ovsdb-server/reload",
		 p->config_path);
	appctl_error(call, str_cstr(&s));
	str_done(&s);
	return true;
}

static void on_exit_command(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	appctl_reply(call, NULL);
	loop_stop(p->loop);
}

// A call that waits for the compaction of one or more databases.
struct compact_call {
	struct appctl_call *call;
	size_t n_left;
	struct db_error *error; // the first one
};

static void on_compacted(void *call_, struct db_error *error)
{
	struct compact_call *c = call_;
	if (c->error)
		db_error_free(error);
	else
		c->error = error;
	if (--c->n_left)
		return;
	if (c->error)
		reply_error(c->call, c->error);
	else
		appctl_reply(c->call, NULL);
	free(c);
}

static void on_compact(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	struct served *one = argc > 1 ? server_find(p->server, argv[1]) : NULL;
	if (argc > 1 && !one) {
		appctl_error(call, "no database by that name");
		return;
	}
	struct compact_call *c = XNEW(struct compact_call);
	c->call = call;
	c->n_left = 1; // until all are started
	for (struct served *s = p->server->databases; s; s = s->next) {
		if ((one && s != one) || !s->d->journal)
			continue;
		log_info("compacting %s database by user request", database_name(s->d));
		c->n_left++;
		compaction_start(s, "compacting database online", on_compacted, c);
	}
	on_compacted(c, NULL);
}

static void on_trim(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	if (strcmp(argv[1], "on") && strcmp(argv[1], "off")) {
		appctl_error(call, "invalid argument");
		return;
	}
	p->server->trim = !strcmp(argv[1], "on");
	log_info("memory trimming after compaction %s.", p->server->trim ? "enabled" : "disabled");
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
	if (commands_are_governed(p, call))
		return;
	struct error *error = remotes_add(p->remotes, argv[1], NULL);
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
	if (commands_are_governed(p, call))
		return;
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
	struct program *p = program_;
	if (commands_are_governed(p, call))
		return;
	struct db_error *error = program_open(p, argv[1]);
	if (error)
		reply_error(call, error);
	else
		appctl_reply(call, NULL);
	replication_update(p->replication);
}

static void on_remove_db(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	if (commands_are_governed(p, call))
		return;
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

static void on_storage_status(struct appctl_call *call, int argc, const char *argv[],
			      void *program_)
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

static void on_reload(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	if (!p->config_path) {
		appctl_error(call, "there is no configuration file: the server was started without "
				   "--config-file");
		return;
	}
	struct error *error = configuration_load(p);
	if (error)
		appctl_error(call, error_text(error));
	else
		appctl_reply(call, NULL);
	error_free(error);
}

static void on_disable_monitor_cond(struct appctl_call *call, int argc, const char *argv[],
				    void *program_)
{
	struct program *p = program_;
	p->server->without_monitor_cond = true;
	server_reconnect(p->server);
	appctl_reply(call, NULL);
}

// --- Logging of transactions.

static void on_tlog_set(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	char *db = xstrdup(argv[1]), *table = strchr(db, ':');
	bool on = !strcmp(argv[2], "on");
	struct served *served = NULL;
	struct db_table *t = NULL;
	if (table) {
		*table++ = '\0';
		served = server_find(p->server, db);
		t = served ? db_find_table(served->d->db, table) : NULL;
	}
	if (!table)
		appctl_error(call, "invalid DB:TABLE argument");
	else if (!served)
		appctl_error(call, "no such database");
	else if (!t)
		appctl_error(call, "no such table");
	else if (!on && strcmp(argv[2], "off"))
		appctl_error(call, "invalid command argument");
	else {
		t->log = on;
		appctl_reply(call, NULL);
	}
	free(db);
}

static void on_tlog_list(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	struct str s = STR_INIT;
	str_addf(&s, "%-16s%-28s%s\n", "database", "table", "logging");
	str_addf(&s, "%-16s%-28s%s\n", "--------", "-----", "-------");
	for (struct served *served = p->server->databases; served; served = served->next) {
		const struct db *db = served->d->db;
		str_addf(&s, "%-16s \n", database_name(served->d));
		for (unsigned int i = 0; i < db->schema->n_tables; i++)
			str_addf(&s, "%-16s%-28s%s\n", "", db->schema->tables[i]->name,
				 db->tables[i].log ? "ON" : "OFF");
	}
	appctl_reply(call, str_cstr(&s));
	str_done(&s);
}

static void on_cluster(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	appctl_error(call, "clustered databases are not supported: this server has standalone, "
			   "active-backup and relay databases");
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
		{"ovsdb-server/reload", "", 0, 0, on_reload},
		{"ovsdb-server/disable-monitor-cond", "", 0, 0, on_disable_monitor_cond},
		{"ovsdb-server/tlog-set", "DB:TABLE on|off", 2, 2, on_tlog_set},
		{"ovsdb-server/tlog-list", "", 0, 0, on_tlog_list},
		{"cluster/cid", "DB", 1, 1, on_cluster},
		{"cluster/sid", "DB", 1, 1, on_cluster},
		{"cluster/status", "DB", 1, 1, on_cluster},
		{"cluster/leave", "DB", 1, 1, on_cluster},
		{"cluster/kick", "DB SERVER", 2, 2, on_cluster},
		{"cluster/change-election-timer", "DB TIME", 2, 2, on_cluster},
		{"cluster/set-backlog-threshold", "DB N_MSGS N_BYTES", 3, 3, on_cluster},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		appctl_register(p->appctl, rows[i].name, rows[i].usage, rows[i].min, rows[i].max,
				rows[i].handler, p);
	commands_register_replication(p);
	appctl_add_memory_source(p->appctl, server_memory, p->server);
}
