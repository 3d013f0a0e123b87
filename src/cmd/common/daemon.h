/* SPDX-License-Identifier: Apache-2.0 */
// What a daemon is on Unix: pidfile, background, a monitor that restarts it, another user. For
// main() of the daemons and of tools that can detach.
//
//	options: include DAEMON_LONG_OPTIONS in the getopt table and pass what getopt gives to
//daemon_option()
//	daemon_start()		forks as asked; the parent waits. Opens no thread before this
//returns.
//	...set up everything...
//	daemon_ready()		the parent exits 0: whoever started us may rely on our sockets
//	...run...
//	daemon_done()		removes the pidfile
#pragma once
#include <getopt.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct daemon_options {
	bool detach, monitor, no_chdir, overwrite_pidfile, self_confinement, want_pidfile;
	char *pidfile; // NULL with want_pidfile: RUNDIR/PROGRAM.pid
	bool change_user;
	uid_t uid; // with change_user
	gid_t gid;
};

enum {
	DAEMON_OPT_DETACH = 0x4000,
	DAEMON_OPT_NO_SELF_CONFINEMENT,
	DAEMON_OPT_NO_CHDIR,
	DAEMON_OPT_OVERWRITE_PIDFILE,
	DAEMON_OPT_PIDFILE,
	DAEMON_OPT_MONITOR,
	DAEMON_OPT_USER,
};
#define DAEMON_LONG_OPTIONS                                                                        \
	{"detach", no_argument, NULL, DAEMON_OPT_DETACH},                                          \
		{"no-self-confinement", no_argument, NULL, DAEMON_OPT_NO_SELF_CONFINEMENT},        \
		{"no-chdir", no_argument, NULL, DAEMON_OPT_NO_CHDIR},                              \
		{"pidfile", optional_argument, NULL, DAEMON_OPT_PIDFILE},                          \
		{"overwrite-pidfile", no_argument, NULL, DAEMON_OPT_OVERWRITE_PIDFILE},            \
		{"monitor", no_argument, NULL, DAEMON_OPT_MONITOR},                                \
	{                                                                                          \
		"user", required_argument, NULL, DAEMON_OPT_USER                                   \
	}

// Logging options, common to daemons and tools: -v, --verbose[=SPEC], --log-file[=FILE],
// --syslog-method, --syslog-target.
enum { LOG_OPT_VERBOSE = 'v', LOG_OPT_FILE = 0x4100, LOG_OPT_SYSLOG_TARGET, LOG_OPT_SYSLOG_METHOD };
#define LOG_LONG_OPTIONS                                                                           \
	{"verbose", optional_argument, NULL, LOG_OPT_VERBOSE},                                     \
		{"log-file", optional_argument, NULL, LOG_OPT_FILE},                               \
		{"syslog-target", required_argument, NULL, LOG_OPT_SYSLOG_TARGET},                 \
	{                                                                                          \
		"syslog-method", required_argument, NULL, LOG_OPT_SYSLOG_METHOD                    \
	}

// True when `c` was one of the DAEMON_OPT_* or LOG_OPT_* (handled, with getopt's `optarg`); exits
// with a message on a bad value.
bool daemon_option(struct daemon_options *, int c);
bool log_option(int c);
// The usage texts, for --help.
void daemon_usage(void);
void log_usage(void);

// Forks and becomes the daemon as asked; writes the pidfile (locked, so that two daemons cannot
// share it). Returns in the process that is to do the work. Exits with a message when that cannot
// be. Nothing may have been started before.
void daemon_start(const struct daemon_options *);
void daemon_ready(void);
void daemon_done(void);
// Changes to the user given with --user, keeping CAP_NET_ADMIN, CAP_NET_RAW and what else is asked
// for. Called when all that needs root is open. Does nothing without --user.
void daemon_become_user(const struct daemon_options *, bool keep_net_caps);
