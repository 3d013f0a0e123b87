/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/appctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "rpc/appctl_commands.h"
#include "rpc/jsonrpc.h"

LOG_MODULE(unixctl);

struct command {
	char *name, *usage;
	int min, max;
	appctl_handler *handler;
	void *arg;
};

struct memory_source {
	void (*cb)(void *arg, struct str *);
	void *arg;
};

struct appctl {
	struct loop *loop;
	struct stream_listener *listener;
	VEC(struct command) commands; // sorted by name
	VEC(struct memory_source) memory;
	VEC(struct session *) sessions;
	uint64_t turns;
};

enum { MAX_SESSIONS = 500 };

struct session {
	struct appctl *appctl;
	uint64_t turn; // of appctl->turns, when it last said something
	struct jsonrpc *rpc;
	bool json;			 // --format json was asked for
	VEC(struct appctl_call *) calls; // under way
};

struct appctl_call {
	struct session *session; // NULL once the client is gone
	json_t *id;
	bool json;
};

static const struct command *find(const struct appctl *a, const char *name, size_t *at)
{
	size_t low = 0, high = a->commands.n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(name, a->commands.v[mid].name);
		if (!order) {
			*at = mid;
			return &a->commands.v[mid];
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	*at = low;
	return NULL;
}

void appctl_register(struct appctl *a, const char *name, const char *usage, int min, int max,
		     appctl_handler *handler, void *arg)
{
	size_t at;
	if (!find(a, name, &at)) {
		(void)vec_extend(&a->commands);
		memmove(&a->commands.v[at + 1], &a->commands.v[at],
			(a->commands.n - 1 - at) * sizeof(struct command));
		a->commands.v[at] =
			(struct command){.name = xstrdup(name), .usage = xstrdup(usage)};
	}
	struct command *c = &a->commands.v[at];
	c->min = min;
	c->max = max;
	c->handler = handler;
	c->arg = arg;
}

void appctl_list_commands(struct appctl *a, struct str *out)
{
	str_add(out, "The available commands are:\n");
	VEC_FOREACH (&a->commands, i)
		str_addf(out, "  %-23s %s\n", a->commands.v[i].name, a->commands.v[i].usage);
}

void appctl_add_memory_source(struct appctl *a, void (*cb)(void *arg, struct str *), void *arg)
{
	vec_push(&a->memory, ((struct memory_source){cb, arg}));
}

void appctl_format_memory(struct appctl *a, struct str *out)
{
	VEC_FOREACH (&a->memory, i) {
		if (out->len && out->s[out->len - 1] != ' ')
			str_addc(out, ' ');
		a->memory.v[i].cb(a->memory.v[i].arg, out);
	}
	str_chomp(out, ' ');
	str_addc(out, '\n');
}

// --- Calls

// Ends a call: takes `value`.
static void finish(struct appctl_call *call, bool ok, json_t *value)
{
	struct session *s = call->session;
	if (s) {
		VEC_FOREACH (&s->calls, i)
			if (s->calls.v[i] == call) {
				vec_swap_remove(&s->calls, i);
				break;
			}
		jsonrpc_send(s->rpc,
			     ok ? jsonrpc_reply(value, call->id) : jsonrpc_error(value, call->id));
	} else {
		json_decref(value);
		json_decref(call->id);
	}
	free(call);
}

// Text that is not UTF-8 (a name from outside) still must become JSON: what is not ASCII is
// replaced.
static json_t *to_json_string(const char *text)
{
	json_t *json = json_string(text);
	if (json)
		return json;
	char *copy = xstrdup(text);
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	json = json_string(copy);
	free(copy);
	return json;
}

void appctl_reply(struct appctl_call *call, const char *text)
{
	json_t *string = to_json_string(text ? text : "");
	finish(call, true,
	       call->json ? json_pack("{s:s, s:o}", "reply-format", "plain", "reply", string)
			  : string);
}

void appctl_reply_json(struct appctl_call *call, json_t *json, const char *text)
{
	if (call->json) {
		finish(call, true, json);
	} else {
		json_decref(json);
		appctl_reply(call, text);
	}
}

void appctl_error(struct appctl_call *call, const char *text)
{
	struct str line = STR_INIT;
	str_add(&line, text);
	if (!line.len || line.s[line.len - 1] != '\n')
		str_addc(&line, '\n');
	finish(call, false, to_json_string(line.s));
	str_done(&line);
}

bool appctl_wants_json(const struct appctl_call *call)
{
	return call->json;
}

// "set-options --format json": not a command of the daemon but of this connection.
static void set_options(struct appctl_call *call, int argc, const char *argv[])
{
	for (int i = 1; i < argc; i++) {
		const char *value = !strcmp(argv[i], "--format") && i + 1 < argc ? argv[++i]
				    : !strncmp(argv[i], "--format=", 9)		 ? argv[i] + 9
										 : NULL;
		if (!value || (strcmp(value, "json") && strcmp(value, "text"))) {
			appctl_error(call, "expected --format with \"text\" or \"json\"");
			return;
		}
		call->session->json = !strcmp(value, "json");
	}
	appctl_reply(call, "");
}

static void run(struct appctl *a, struct appctl_call *call, int argc, const char *argv[])
{
	size_t at;
	const struct command *c = find(a, argv[0], &at);
	char *problem = NULL;
	if (!strcmp(argv[0], "set-options")) {
		set_options(call, argc, argv);
		return;
	}
	if (!c)
		problem = xasprintf("\"%s\" is not a valid command (use \"list-commands\" to see a "
				    "list of valid commands)",
				    argv[0]);
	else if (argc - 1 < c->min)
		problem =
			xasprintf("\"%s\" command requires at least %d arguments", argv[0], c->min);
	else if (c->max >= 0 && argc - 1 > c->max)
		problem = xasprintf("\"%s\" command takes at most %d arguments", argv[0], c->max);
	if (problem)
		appctl_error(call, problem);
	else
		c->handler(call, argc, argv, c->arg);
	free(problem);
}

static void on_message(void *arg, struct jsonrpc_message *m)
{
	struct session *s = arg;
	if (m->type != JSONRPC_REQUEST) {
		jsonrpc_message_free(m);
		return;
	}
	s->turn = ++s->appctl->turns;
	struct appctl_call *call = XNEW(struct appctl_call);
	call->session = s;
	call->id = json_incref(m->id);
	call->json = s->json;
	vec_push(&s->calls, call);
	VEC(const char *) argv = {0};
	vec_push(&argv, m->method);
	size_t i;
	json_t *p;
	bool strings = true;
	json_array_foreach (m->params, i, p) {
		strings &= json_is_string(p);
		vec_push(&argv, json_string_value(p));
	}
	if (strings) {
		vec_push(&argv, NULL);
		run(s->appctl, call, (int)argv.n - 1, argv.v);
	} else {
		char *text = xasprintf("\"%s\" command has non-string argument", m->method);
		appctl_error(call, text);
		free(text);
	}
	vec_done(&argv);
	jsonrpc_message_free(m);
}

static void session_free(struct session *s)
{
	VEC_FOREACH (&s->calls, i)
		s->calls.v[i]->session = NULL;
	vec_done(&s->calls);
	VEC_FOREACH (&s->appctl->sessions, i)
		if (s->appctl->sessions.v[i] == s) {
			vec_swap_remove(&s->appctl->sessions, i);
			break;
		}
	jsonrpc_close_gracefully(s->rpc);
	free(s);
}

static void on_closed(void *arg, int error)
{
	session_free(arg);
}

static const struct jsonrpc_callbacks callbacks = {.message = on_message, .closed = on_closed};

// Who keeps connections open and asks nothing must not keep others out, nor use up the descriptors:
// the one that has been silent for the longest time goes. False: all wait for answers.
static bool make_room(struct appctl *a)
{
	struct session *silent = NULL;
	VEC_FOREACH (&a->sessions, i) {
		struct session *s = a->sessions.v[i];
		if (!s->calls.n && (!silent || s->turn < silent->turn))
			silent = s;
	}
	log_warn_rl("%d connections for commands, the most there may be: %s", MAX_SESSIONS,
		    silent ? "the one that was silent longest is closed"
			   : "all wait for answers, the new one is refused");
	if (silent)
		session_free(silent);
	return silent;
}

static void on_accept(void *arg, struct stream *stream)
{
	struct appctl *a = arg;
	if (a->sessions.n >= MAX_SESSIONS && !make_room(a)) {
		stream_free(stream);
		return;
	}
	struct session *s = XNEW(struct session);
	s->appctl = a;
	s->turn = ++a->turns;
	s->rpc = jsonrpc_new(a->loop, stream, &callbacks, s);
	jsonrpc_set_probe_interval(s->rpc, 0);
	vec_push(&a->sessions, s);
}

struct error *appctl_new(struct loop *loop, const char *path, struct appctl **out)
{
	struct appctl *a = XNEW(struct appctl);
	a->loop = loop;
	appctl_register_common(a, loop);
	if (path && !strcmp(path, "none")) {
		*out = a;
		return NULL;
	}
	char *file = path ? dir_resolve(dir_run(), path)
			  : xasprintf("%s/%s.%ld.ctl", dir_run(), log_program(), (long)getpid());
	char *target = xasprintf("punix:%s", file);
	struct error *e = stream_listen(loop, target, 0, on_accept, a, &a->listener);
	free(target);
	free(file);
	if (e)
		appctl_free(a);
	else
		*out = a;
	return e;
}

void appctl_free(struct appctl *a)
{
	if (!a)
		return;
	while (a->sessions.n)
		session_free(a->sessions.v[0]);
	vec_done(&a->sessions);
	VEC_FOREACH (&a->commands, i) {
		free(a->commands.v[i].name);
		free(a->commands.v[i].usage);
	}
	vec_done(&a->commands);
	vec_done(&a->memory);
	stream_listener_free(a->listener);
	free(a);
}
