/* SPDX-License-Identifier: Apache-2.0 */
// The command channel of the daemons (`ovs-appctl`): JSON-RPC over a unix socket, a method per
// command, parameters and result strings. Loop thread.
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "loop/loop.h"

struct str;
struct appctl;	    // the server
struct appctl_call; // one command under way

// argv[0] is the command's name. Must end, now or later, in exactly one appctl_reply*() or
// appctl_error().
typedef void appctl_handler(struct appctl_call *, int argc, const char *argv[], void *arg);

// Listens on `path`: NULL for RUNDIR/PROGRAM.PID.ctl, "none" for no socket. Registers
// list-commands, version, vlog/*, coverage/show, coverage/read-counter, memory/show, time/*.
struct error *appctl_new(struct loop *, const char *path, struct appctl **) MUST_CHECK;
void appctl_free(struct appctl *);
// `usage` is shown by list-commands. min and max count the arguments after the name; max -1: any
// number.
void appctl_register(struct appctl *, const char *name, const char *usage, int min, int max,
		     appctl_handler *, void *arg);
// Success. Text is copied; a missing final newline is left missing, as stock does.
void appctl_reply(struct appctl_call *, const char *text);
// Success with JSON for `--format json` and the text for everybody else. Takes json.
void appctl_reply_json(struct appctl_call *, json_t *json, const char *text);
void appctl_error(struct appctl_call *, const char *text);
// True when the caller asked for --format json.
bool appctl_wants_json(const struct appctl_call *);
// memory/show asks each source for "name:value" pairs.
void appctl_add_memory_source(struct appctl *, void (*cb)(void *arg, struct str *), void *arg);

// --- The client side, blocking.
// `target`: a daemon's name (its pidfile in RUNDIR tells the socket), or a path of a socket. *text
// is the result or, with *failed set, the daemon's error text; both owned by the caller. `json`:
// ask for --format json.
struct error *appctl_call(const char *target, int argc, char *argv[], bool json, int64_t timeout_ms,
			  bool *failed, char **text) MUST_CHECK;
