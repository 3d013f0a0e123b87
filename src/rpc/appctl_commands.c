/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/appctl_commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/str.h"
#include "base/version.h"
#include "rpc/appctl.h"

static void reply_taking(struct appctl_call *call, struct str *s)
{
	appctl_reply(call, str_cstr(s));
	str_done(s);
}

static void reply_or_error(struct appctl_call *call, struct error *e)
{
	if (e)
		appctl_error(call, error_text(e));
	else
		appctl_reply(call, "");
	error_free(e);
}

static void list_commands(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct str s = STR_INIT;
	appctl_list_commands(arg, &s);
	reply_taking(call, &s);
}

static void version(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct str s = STR_INIT;
	str_addf(&s, "%s (Open vSwitch) " OVS_COMPAT_VERSION "\nSluice " SLUICE_VERSION "\n",
		 log_program());
	reply_taking(call, &s);
}

static void vlog_set(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	for (int i = 1; i < argc; i++) {
		struct error *e = log_set_levels(argv[i]);
		if (e) {
			reply_or_error(call, e);
			return;
		}
	}
	appctl_reply(call, "");
}

static void vlog_list(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct str s = STR_INIT;
	log_format_levels(&s);
	reply_taking(call, &s);
}

static void vlog_list_pattern(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct str s = STR_INIT;
	log_format_patterns(&s);
	reply_taking(call, &s);
}

static void vlog_reopen(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	reply_or_error(call, log_reopen_file());
}

static void vlog_close(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	log_close_file();
	appctl_reply(call, "");
}

static void rate_limit(struct appctl_call *call, int argc, const char *argv[], bool on)
{
	struct str problems = STR_INIT;
	if (argc == 1)
		log_set_rate_limits(NULL, on);
	for (int i = 1; i < argc; i++)
		if (log_set_rate_limits(strcasecmp(argv[i], "ANY") ? argv[i] : NULL, on))
			str_addf(&problems, "%s: unknown module\n", argv[i]);
	if (problems.len)
		appctl_error(call, str_cstr(&problems));
	else
		appctl_reply(call, "");
	str_done(&problems);
}

static void vlog_disable_rate_limit(struct appctl_call *call, int argc, const char *argv[],
				    void *arg)
{
	rate_limit(call, argc, argv, false);
}

static void vlog_enable_rate_limit(struct appctl_call *call, int argc, const char *argv[],
				   void *arg)
{
	rate_limit(call, argc, argv, true);
}

static void coverage_show(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct str s = STR_INIT;
	counters_format(&s);
	reply_taking(call, &s);
}

static void coverage_read_counter(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	uint64_t total;
	if (counters_read(argv[1], &total)) {
		appctl_error(call, "No such counter");
		return;
	}
	struct str s = STR_INIT;
	str_addf(&s, "%llu\n", (unsigned long long)total);
	reply_taking(call, &s);
}

static void memory_show(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct str s = STR_INIT;
	appctl_format_memory(arg, &s);
	reply_taking(call, &s);
}

static void time_stop(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	clock_stop();
	loop_clock_changed(arg);
	appctl_reply(call, "");
}

// time/warp [LARGE] MSECS: moves the clock in steps of at most MSECS (or of LARGE into MSECS
// pieces) with the loop running between them, so that timers fire in their order.
struct warp {
	struct loop *loop;
	struct appctl_call *call;
	struct loop_defer defer;
	int64_t left, step;
};

static void warp_step(void *arg)
{
	struct warp *w = arg;
	if (w->left <= 0) {
		appctl_reply(w->call, "warped");
		free(w);
		return;
	}
	int64_t step = w->step < w->left ? w->step : w->left;
	clock_warp(step);
	w->left -= step;
	loop_clock_changed(w->loop);
	loop_defer(w->loop, &w->defer, warp_step, w);
}

static void time_warp(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	int64_t total = 0, step = 0;
	if (parse_i64(argv[1], 10, &total) || total <= 0 ||
	    (argc > 2 && (parse_i64(argv[2], 10, &step) || step <= 0))) {
		appctl_error(call, "invalid MSECS");
		return;
	}
	struct warp *w = XNEW(struct warp);
	w->loop = arg;
	w->call = call;
	w->left = total;
	w->step = argc > 2 ? step : total;
	warp_step(w);
}

void appctl_register_common(struct appctl *a, struct loop *loop)
{
	static const struct {
		const char *name, *usage;
		int min, max;
		appctl_handler *handler;
		enum { NONE, APPCTL, LOOP } arg;
	} commands[] = {
		{"list-commands", "", 0, 0, list_commands, APPCTL},
		{"version", "", 0, 0, version, NONE},
		{"vlog/set", "{spec | PATTERN:destination:pattern}", 1, -1, vlog_set, NONE},
		{"vlog/list", "", 0, 0, vlog_list, NONE},
		{"vlog/list-pattern", "", 0, 0, vlog_list_pattern, NONE},
		{"vlog/reopen", "", 0, 0, vlog_reopen, NONE},
		{"vlog/close", "", 0, 0, vlog_close, NONE},
		{"vlog/disable-rate-limit", "[module]...", 0, -1, vlog_disable_rate_limit, NONE},
		{"vlog/enable-rate-limit", "[module]...", 0, -1, vlog_enable_rate_limit, NONE},
		{"coverage/show", "", 0, 0, coverage_show, NONE},
		{"coverage/read-counter", "COUNTER", 1, 1, coverage_read_counter, NONE},
		{"memory/show", "", 0, 0, memory_show, APPCTL},
		{"time/stop", "", 0, 0, time_stop, LOOP},
		{"time/warp", "[LARGE_MSECS] MSECS", 1, 2, time_warp, LOOP},
	};
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		appctl_register(a, commands[i].name, commands[i].usage, commands[i].min,
				commands[i].max, commands[i].handler,
				commands[i].arg == APPCTL ? (void *)a
				: commands[i].arg == LOOP ? (void *)loop
							  : NULL);
}
