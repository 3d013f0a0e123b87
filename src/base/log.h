/* SPDX-License-Identifier: Apache-2.0 */
// The log: `2026-01-31T12:00:00.123Z|00001|module|INFO|text`, to the console (stderr), syslog and a
// file, each with a level per module that `ovs-appctl vlog/set` changes at run time. Any thread may
// log. Only cmd/, vswitchd, dbserver's and ofproto's top layers log; library folders return errors
// instead.
//
//	LOG_MODULE(bridge);
//	log_warn("port %s: %s", name, error_text(e));
//	log_warn_rl("...");	at most 5 a minute from this line, after a burst of 5; what was left
// out is counted and said
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum log_level { LVL_OFF, LVL_EMER, LVL_ERR, LVL_WARN, LVL_INFO, LVL_DBG, LVL_N_LEVELS };
enum log_destination { LOG_TO_SYSLOG, LOG_TO_CONSOLE, LOG_TO_FILE, LOG_N_DESTINATIONS };

struct log_module {
	const char *name;
	uint8_t level[LOG_N_DESTINATIONS]; // relaxed atomics
	uint8_t most;			   // the largest of them
	bool set;			   // levels differ from the defaults only when set
	bool honor_rate_limits;
};

struct log_rate {
	int64_t last_fill;     // ms
	int64_t first_dropped; // ms, of clock_real_ms()
	int64_t last_dropped;
	uint32_t tokens, dropped;
};

// The linker collects the modules of the whole program in one section: no registration, no order.
// A file that logs as several modules names their variables, and logs with log_as() or log_as_rl().
#define LOG_MODULE_AS(VARIABLE, NAME)                                                              \
	static struct log_module VARIABLE = {                                                      \
		.name = NAME,                                                                      \
		.level = {LVL_INFO, LVL_INFO, LVL_INFO},                                           \
		.most = LVL_INFO,                                                                  \
		.honor_rate_limits = true,                                                         \
	};                                                                                         \
	static struct log_module *const VARIABLE##_entry                                           \
		__attribute__((used, section("sluice_log_modules"))) = &VARIABLE
#define LOG_MODULE(NAME) LOG_MODULE_AS(log_this_module, #NAME)

#define log_is_on(MODULE, LEVEL) ((LEVEL) <= __atomic_load_n(&(MODULE)->most, __ATOMIC_RELAXED))
#define log_as(MODULE, LEVEL, ...)                                                                 \
	do {                                                                                       \
		if (log_is_on(MODULE, LEVEL))                                                      \
			log_write(MODULE, LEVEL, __VA_ARGS__);                                     \
	} while (0)
#define log_as_rl(MODULE, LEVEL, ...)                                                              \
	do {                                                                                       \
		static struct log_rate log_rate_;                                                  \
		if (log_is_on(MODULE, LEVEL) && log_rate_admit(MODULE, LEVEL, &log_rate_))         \
			log_write(MODULE, LEVEL, __VA_ARGS__);                                     \
	} while (0)
#define log_enabled(LEVEL)    log_is_on(&log_this_module, LEVEL)
#define log_at(LEVEL, ...)    log_as(&log_this_module, LEVEL, __VA_ARGS__)
#define log_at_rl(LEVEL, ...) log_as_rl(&log_this_module, LEVEL, __VA_ARGS__)

#define log_emer(...)	 log_at(LVL_EMER, __VA_ARGS__)
#define log_err(...)	 log_at(LVL_ERR, __VA_ARGS__)
#define log_warn(...)	 log_at(LVL_WARN, __VA_ARGS__)
#define log_info(...)	 log_at(LVL_INFO, __VA_ARGS__)
#define log_dbg(...)	 log_at(LVL_DBG, __VA_ARGS__)
#define log_err_rl(...)	 log_at_rl(LVL_ERR, __VA_ARGS__)
#define log_warn_rl(...) log_at_rl(LVL_WARN, __VA_ARGS__)
#define log_info_rl(...) log_at_rl(LVL_INFO, __VA_ARGS__)
#define log_dbg_rl(...)	 log_at_rl(LVL_DBG, __VA_ARGS__)

void log_write(struct log_module *, enum log_level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool log_rate_admit(struct log_module *, enum log_level, struct log_rate *);

// Logs at EMER and exits with EXIT_FAILURE.
#define log_fatal(...) log_fatal_(&log_this_module, __VA_ARGS__)
void log_fatal_(struct log_module *, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

// The program's name, used by the file's default name, syslog and tools' messages. Call first in
// main(); argv[0] may be a path.
void log_set_program(const char *argv0);
const char *log_program(void);
bool log_has_program(void);
// A short name for the calling thread, shown as `module(name)`; "" for the main thread.
void log_set_thread(const char *name);

// Applies one `vlog/set` word list, as ovs-vswitchd(8) and ovs-appctl(8) document:
// "module:destination:level", any of them missing, "ANY", "pattern:destination:pattern",
// "facility:...". Main thread.
struct error *log_set_levels(const char *spec) MUST_CHECK;
// -v without argument: the console at DBG.
void log_set_verbose(void);
struct str;
void log_format_levels(struct str *);	// vlog/list
void log_format_patterns(struct str *); // vlog/list-pattern
// Turns rate limiting on or off for a module name, or for all with NULL; -ENOENT for an unknown
// name.
int log_set_rate_limits(const char *module, bool on);

// Opens (or, with NULL, opens at the default path LOGDIR/PROGRAM.log) the log file for appending.
struct error *log_open_file(const char *path) MUST_CHECK;
// vlog/reopen: after a rotation. An error when there is no log file.
struct error *log_reopen_file(void) MUST_CHECK;
void log_close_file(void);
// The path of the log file; NULL when there is none. Borrowed.
const char *log_file_path(void);
// How messages reach the local syslog, see log_syslog.h; without a call of this, with the first
// message of a program as OVS_SYSLOG_METHOD says, or by libc. And a remote one beside it.
struct error *log_set_syslog_method(const char *method) MUST_CHECK;
struct error *log_set_syslog_target(const char *target) MUST_CHECK;
