/* SPDX-License-Identifier: Apache-2.0 */
// The commands for an active-backup pair.
#include <stdlib.h>

#include "commands.h"

static void reply_or_error(struct appctl_call *call, struct error *error)
{
	if (error)
		appctl_error(call, error_text(error));
	else
		appctl_reply(call, NULL);
	error_free(error);
}

static void on_set_active(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	if (commands_are_governed(p, call))
		return;
	reply_or_error(call, replication_set_active(p->replication, argv[1]));
}

static void on_get_active(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	appctl_reply(call, replication_active(p->replication));
}

static void on_connect(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	if (commands_are_governed(p, call))
		return;
	reply_or_error(call, replication_start(p->replication));
}

static void on_disconnect(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	if (commands_are_governed(p, call))
		return;
	replication_stop(p->replication);
	appctl_reply(call, NULL);
}

static void on_set_probe_interval(struct appctl_call *call, int argc, const char *argv[],
				  void *program_)
{
	struct program *p = program_;
	int64_t ms;
	if (parse_i64(argv[1], 10, &ms) || ms < 0) {
		appctl_error(call, "Invalid probe interval, integer value expected");
		return;
	}
	replication_set_probe_interval(p->replication, ms);
	appctl_reply(call, NULL);
}

static void on_set_excluded(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	struct program *p = program_;
	if (commands_are_governed(p, call))
		return;
	reply_or_error(call, replication_set_excluded(p->replication, argc > 1 ? argv[1] : ""));
}

static void reply_text(struct appctl_call *call,
		       void (*format)(const struct replication *, struct str *), void *program_)
{
	struct program *p = program_;
	struct str s = STR_INIT;
	format(p->replication, &s);
	appctl_reply(call, str_cstr(&s));
	str_done(&s);
}

static void on_get_excluded(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	reply_text(call, replication_list_excluded, program_);
}

static void on_status(struct appctl_call *call, int argc, const char *argv[], void *program_)
{
	reply_text(call, replication_status, program_);
}

void commands_register_replication(struct program *p)
{
	static const struct {
		const char *name, *usage;
		int min, max;
		appctl_handler *handler;
	} rows[] = {
		{"ovsdb-server/set-active-ovsdb-server", "SERVER", 1, 1, on_set_active},
		{"ovsdb-server/get-active-ovsdb-server", "", 0, 0, on_get_active},
		{"ovsdb-server/connect-active-ovsdb-server", "", 0, 0, on_connect},
		{"ovsdb-server/disconnect-active-ovsdb-server", "", 0, 0, on_disconnect},
		{"ovsdb-server/set-active-ovsdb-server-probe-interval", "MSECS", 1, 1,
		 on_set_probe_interval},
		{"ovsdb-server/set-sync-exclude-tables", "[DB:TABLE,...]", 0, 1, on_set_excluded},
		{"ovsdb-server/get-sync-exclude-tables", "", 0, 0, on_get_excluded},
		{"ovsdb-server/sync-status", "", 0, 0, on_status},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		appctl_register(p->appctl, rows[i].name, rows[i].usage, rows[i].min, rows[i].max,
				rows[i].handler, p);
}
