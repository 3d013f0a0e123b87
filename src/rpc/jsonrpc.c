/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/jsonrpc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "rpc/json_frame.h"

struct jsonrpc {
	struct loop *loop;
	char *target; // NULL for streams that we were given
	bool retry;
	struct stream *stream; // NULL while there is none
	const struct jsonrpc_callbacks *callbacks;
	void *arg;
	struct json_frame frame;
	struct reconnect reconnect;
	struct loop_timer timer;
	int dscp; // -1: that of the system
	bool reading;
	bool *freed; // set when freed inside a callback of its own
};

enum { MAX_MESSAGE = 512 * 1024 * 1024 };

static void on_closed(void *arg, int error);

static void rearm(struct jsonrpc *j)
{
	int64_t at = reconnect_deadline(&j->reconnect);
	if (at == INT64_MAX)
		loop_timer_cancel(&j->timer);
	else
		loop_timer_set(&j->timer, at);
}

static void drop_stream(struct jsonrpc *j)
{
	stream_free(j->stream);
	j->stream = NULL;
	j->frame = (struct json_frame){0};
	reconnect_disconnected(&j->reconnect, clock_ms());
	if (!j->target || !j->retry)
		reconnect_disable(&j->reconnect, clock_ms());
	rearm(j);
}

static void send_json(struct jsonrpc *j, const struct jsonrpc_message *m)
{
	if (!j->stream || !stream_is_connected(j->stream))
		return;
	json_t *json = jsonrpc_message_to_json(m);
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	if (text)
		stream_write(j->stream, text, strlen(text));
	free(text);
	json_decref(json);
}

void jsonrpc_send(struct jsonrpc *j, struct jsonrpc_message *m)
{
	send_json(j, m);
	jsonrpc_message_free(m);
}

// Answers what the session itself is asked; what is left is the owner's.
static bool handle_echo(struct jsonrpc *j, struct jsonrpc_message *m)
{
	if (m->type == JSONRPC_REQUEST && !strcmp(m->method, "echo")) {
		jsonrpc_send(j, jsonrpc_reply(json_incref(m->params), json_incref(m->id)));
		return true;
	}
	return (m->type == JSONRPC_REPLY || m->type == JSONRPC_ERROR) && json_is_string(m->id) &&
	       !strcmp(json_string_value(m->id), "echo");
}

static void on_readable(void *arg)
{
	struct jsonrpc *j = arg;
	bool freed = false;
	reconnect_heard(&j->reconnect, clock_ms());
	rearm(j);
	j->freed = &freed;
	while (j->stream && j->reading) {
		size_t n;
		const uint8_t *p = stream_input(j->stream, &n);
		long len = p ? json_frame_scan(&j->frame, p, n) : 0;
		if (len == 0 && n <= MAX_MESSAGE)
			break;
		json_error_t unused;
		json_t *json = len > 0 ? json_loadb((const char *)p, (size_t)len, 0, &unused) : NULL;
		char *why = NULL;
		struct jsonrpc_message *m = json ? jsonrpc_message_parse(json, &why) : NULL;
		json_decref(json);
		free(why);
		if (!m) {
			j->freed = NULL;
			on_closed(j, EPROTO);
			return;
		}
		stream_consume(j->stream, (size_t)len);
		if (handle_echo(j, m)) {
			jsonrpc_message_free(m);
			continue;
		}
		j->callbacks->message(j->arg, m);
		if (freed)
			return;
	}
	j->freed = NULL;
}

static void on_connected(void *arg)
{
	struct jsonrpc *j = arg;
	reconnect_connected(&j->reconnect, clock_ms());
	rearm(j);
	if (j->callbacks->connected)
		j->callbacks->connected(j->arg);
}

static void on_drained(void *arg)
{
	struct jsonrpc *j = arg;
	if (j->callbacks->drained)
		j->callbacks->drained(j->arg);
}

static void on_closed(void *arg, int error)
{
	struct jsonrpc *j = arg;
	drop_stream(j);
	j->callbacks->closed(j->arg, error);
}

static const struct stream_callbacks stream_callbacks = {on_connected, on_readable, on_drained, on_closed};

static void start_connecting(struct jsonrpc *j)
{
	reconnect_connecting(&j->reconnect, clock_ms());
	struct error *e = stream_connect(j->loop, j->target, JSONRPC_PORT, &stream_callbacks, j, &j->stream);
	// The name was good when jsonrpc_connect() looked.
	error_free(e);
	jsonrpc_set_dscp(j, j->dscp);
	rearm(j);
}

static void send_probe(struct jsonrpc *j)
{
	struct jsonrpc_message *probe = jsonrpc_request("echo", json_array());
	json_decref(probe->id);
	probe->id = json_string("echo");
	jsonrpc_send(j, probe);
}

static void on_timer(void *arg)
{
	struct jsonrpc *j = arg;
	switch (reconnect_run(&j->reconnect, clock_ms())) {
	case RECONNECT_DO_NOTHING:
		break;
	case RECONNECT_DO_CONNECT:
		start_connecting(j);
		break;
	case RECONNECT_DO_DISCONNECT:
		on_closed(j, ETIMEDOUT);
		return;
	case RECONNECT_DO_PROBE:
		send_probe(j);
		break;
	}
	rearm(j);
}

static struct jsonrpc *make(struct loop *loop, const struct jsonrpc_callbacks *callbacks, void *arg)
{
	struct jsonrpc *j = XNEW(struct jsonrpc);
	j->loop = loop;
	j->callbacks = callbacks;
	j->arg = arg;
	j->reading = true;
	j->dscp = -1;
	reconnect_init(&j->reconnect, clock_ms());
	loop_timer_init(&j->timer, loop, on_timer, j);
	return j;
}

struct jsonrpc *jsonrpc_new(struct loop *loop, struct stream *stream, const struct jsonrpc_callbacks *callbacks,
			    void *arg)
{
	struct jsonrpc *j = make(loop, callbacks, arg);
	j->stream = stream;
	stream_set_callbacks(stream, &stream_callbacks, j);
	reconnect_enable(&j->reconnect, clock_ms());
	reconnect_connected(&j->reconnect, clock_ms());
	rearm(j);
	return j;
}

struct error *jsonrpc_connect(struct loop *loop, const char *target, bool retry,
			      const struct jsonrpc_callbacks *callbacks, void *arg, struct jsonrpc **out)
{
	struct jsonrpc *j = make(loop, callbacks, arg);
	j->target = xstrdup(target);
	j->retry = retry;
	reconnect_enable(&j->reconnect, clock_ms());
	reconnect_connecting(&j->reconnect, clock_ms());
	struct error *e = stream_connect(loop, target, JSONRPC_PORT, &stream_callbacks, j, &j->stream);
	if (e) {
		jsonrpc_free(j);
		return e;
	}
	rearm(j);
	*out = j;
	return NULL;
}

void jsonrpc_free(struct jsonrpc *j)
{
	if (!j)
		return;
	if (j->freed)
		*j->freed = true;
	loop_timer_cancel(&j->timer);
	stream_free(j->stream);
	free(j->target);
	free(j);
}

void jsonrpc_set_target(struct jsonrpc *j, const char *target)
{
	free(j->target);
	j->target = xstrdup(target);
}

void jsonrpc_close_gracefully(struct jsonrpc *j)
{
	if (j->stream)
		stream_close_gracefully(j->stream);
	j->stream = NULL;
	jsonrpc_free(j);
}

bool jsonrpc_is_connected(const struct jsonrpc *j)
{
	return j->stream && stream_is_connected(j->stream);
}

const char *jsonrpc_name(const struct jsonrpc *j)
{
	return j->target ? j->target : j->stream ? stream_name(j->stream) : "closed";
}

char *jsonrpc_peer_name(const struct jsonrpc *j)
{
	return j->stream ? stream_peer_name(j->stream) : NULL;
}

void jsonrpc_set_dscp(struct jsonrpc *j, int dscp)
{
	j->dscp = dscp;
	if (j->stream && dscp >= 0)
		stream_set_dscp(j->stream, (uint8_t)dscp);
}

size_t jsonrpc_backlog(const struct jsonrpc *j)
{
	return j->stream ? stream_output_pending(j->stream) : 0;
}

void jsonrpc_set_probe_interval(struct jsonrpc *j, int64_t ms)
{
	j->reconnect.probe_interval = ms;
	rearm(j);
}

void jsonrpc_set_max_backoff(struct jsonrpc *j, int64_t ms)
{
	j->reconnect.max_backoff = ms > j->reconnect.min_backoff ? ms : j->reconnect.min_backoff;
}

void jsonrpc_force_reconnect(struct jsonrpc *j)
{
	if (j->stream)
		on_closed(j, ECONNRESET);
}

const struct reconnect *jsonrpc_reconnect(const struct jsonrpc *j)
{
	return &j->reconnect;
}

void jsonrpc_set_reading(struct jsonrpc *j, bool on)
{
	if (j->reading == on)
		return;
	j->reading = on;
	if (j->stream)
		stream_set_reading(j->stream, on);
}
