/* SPDX-License-Identifier: Apache-2.0 */
// Where the log's messages for syslog go: to the C library's syslog(), straight to a datagram
// socket (--syslog-method), and to a remote daemon beside it (--syslog-target). Nothing here waits
// for a datagram socket: what it does not take is lost there. Only log.c uses this, with its lock
// held.
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

// `method`: "libc", "null", "unix:FILE" or "udp:IP[:PORT]" (514 without a port); NULL is what
// OVS_SYSLOG_METHOD says, or "libc". Replaces the method before; an error changes nothing.
struct error *log_syslog_set_method(const char *method) MUST_CHECK;
// "IP:PORT", numeric, [IPV6] in brackets: messages go there, too, by UDP in the form of RFC 5424.
struct error *log_syslog_set_target(const char *target) MUST_CHECK;

// Takes a facility's name, as in syslog.conf; false for one that is none.
bool log_syslog_set_facility(const char *name);
// facility | severity, with `standard` when no facility was set.
int log_syslog_priority(int severity, int standard);

// Is anybody to get messages by the method, and by the target? The first call of it chooses the
// method, if nobody has, once there is a program's name: libraries in tests write no syslog.
bool log_syslog_wanted(void);
bool log_syslog_has_target(void);
// What the method puts before each line, as a pattern.
const char *log_syslog_prefix(void);
// One message, each of its lines by itself.
void log_syslog_send(int severity, const char *message);
// One message in its final form.
void log_syslog_send_to_target(const struct str *message);
