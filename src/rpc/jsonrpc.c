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
	struct str partial; // the beginning of a large message; what the stream has follows it
	struct str out;	    // whole messages; not given to the stream yet
	struct loop_defer flush;
	struct reconnect reconnect;
	struct loop_timer timer;
	jsonrpc_text_cb *on_text; // NULL: none
	size_t max_message;
	struct jsonrpc_budget *budget; // NULL: none
	size_t charged;		       // of the budget
	int dscp;		       // -1: that of the system
	bool reading;
	bool *freed; // set when freed inside a callback of its own
};

enum {
	MAX_MESSAGE = 512 * 1024 * 1024,
	LARGE_MESSAGE = 16 * 1024,
	DEFAULT_PORT = 6640,
	FLUSH_BYTES = 64 * 1024
};

static void on_closed(void *arg, int error);

static void rearm(struct jsonrpc *j)
{
	int64_t at = reconnect_deadline(&j->reconnect);
	if (at == INT64_MAX)
		loop_timer_cancel(&j->timer);
	else
		loop_timer_set(&j->timer, at);
}

static void charge(struct jsonrpc *j);

static void drop_stream(struct jsonrpc *j)
{
	loop_defer_cancel(&j->flush);
	str_done(&j->out);
	stream_free(j->stream);
	j->stream = NULL;
	str_done(&j->partial);
	charge(j);
	j->frame = (struct json_frame){0};
	reconnect_disconnected(&j->reconnect, clock_ms());
	if (!j->target || !j->retry)
		reconnect_disable(&j->reconnect, clock_ms());
	rearm(j);
}

// --- Sending.

static void flush(struct jsonrpc *j)
{
	loop_defer_cancel(&j->flush);
	if (j->out.len && j->stream)
		stream_write(j->stream, j->out.s, j->out.len);
	// What was large once is not kept.
	if (j->out.cap > 4 * FLUSH_BYTES)
		str_done(&j->out);
	else
		str_clear(&j->out);
}

static void on_flush(void *arg)
{
	flush(arg);
}

struct str *jsonrpc_begin(struct jsonrpc *j)
{
	return j->stream && stream_is_connected(j->stream) ? &j->out : NULL;
}

void jsonrpc_end(struct jsonrpc *j)
{
	if (j->out.len >= FLUSH_BYTES)
		flush(j);
	else
		loop_defer(j->loop, &j->flush, on_flush, j);
}

void jsonrpc_add_shared(struct jsonrpc *j, struct shared_text *text)
{
	flush(j);
	stream_write_shared(j->stream, text);
}

static int dump_to_str(const char *p, size_t n, void *out)
{
	str_addn(out, p, n);
	return 0;
}

static void send_json(struct jsonrpc *j, const struct jsonrpc_message *m)
{
	struct str *out = jsonrpc_begin(j);
	if (!out)
		return;
	json_t *json = jsonrpc_message_to_json(m);
	size_t before = out->len;
	if (json_dump_callback(json, dump_to_str, out,
			       JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)))
		str_truncate(out, before);
	json_decref(json);
	jsonrpc_end(j);
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

// --- Receiving.

static size_t n_received(const struct jsonrpc *j)
{
	return j->stream ? j->partial.len + stream_input_length(j->stream) : 0;
}

// What waits in the input counts against the budget.
static void charge(struct jsonrpc *j)
{
	size_t now = j->budget ? n_received(j) : 0;
	if (j->budget)
		j->budget->used += now - j->charged;
	j->charged = now;
}

// A stream holds its input in many small pieces. Those of a large message are put together as they
// come.
static void collect(struct jsonrpc *j, size_t n)
{
	size_t piece;
	const uint8_t *p;
	while (n && (p = stream_peek(j->stream, 0, &piece))) {
		if (piece > n)
			piece = n;
		str_addn(&j->partial, (const char *)p, piece);
		stream_consume(j->stream, piece);
		n -= piece;
	}
}

// How long the next message is; 0 when it is not complete, -1 when it cannot be one.
static long next_length(struct jsonrpc *j)
{
	for (;;) {
		size_t n;
		const uint8_t *p = stream_peek(j->stream, j->frame.seen - j->partial.len, &n);
		if (!p)
			return 0;
		long length = json_frame_feed(&j->frame, p, n);
		if (length)
			return length;
		if (j->frame.seen >= LARGE_MESSAGE)
			collect(j, j->frame.seen - j->partial.len);
	}
}

// An integer that has no place in 64 bits: the request is answered with an error instead of losing
// the connection. False when it was no request.
static bool refuse_number(struct jsonrpc *j, const char *p, size_t n)
{
	json_t *json = json_loadb(p, n, JSON_DECODE_INT_AS_REAL, NULL),
	       *id = json_object_get(json, "id");
	bool request = json_is_string(json_object_get(json, "method")) && id && !json_is_null(id);
	if (request) {
		json_t *error =
			json_pack("{s: s, s: s}", "error", "syntax error", "details",
				  "the request has an integer that is out of the range of 64 bits");
		json_t *same = json_is_real(id) ? json_integer((json_int_t)json_real_value(id))
						: json_incref(id);
		jsonrpc_send(j, jsonrpc_error(error, same));
	}
	json_decref(json);
	return request;
}

// 0, or why the connection cannot go on.
static int handle_text(struct jsonrpc *j, const char *p, size_t n, struct jsonrpc_message **out)
{
	json_error_t bad;
	char *why = NULL;
	*out = NULL;
	if (n >= LARGE_MESSAGE && j->on_text && j->on_text(j->arg, p, n))
		return 0;
	json_t *json = json_loadb(p, n, 0, &bad);
	if (!json && json_error_code(&bad) == json_error_numeric_overflow && refuse_number(j, p, n))
		return 0;
	*out = json ? jsonrpc_message_parse(json, &why) : NULL;
	json_decref(json);
	free(why);
	return *out ? 0 : EPROTO;
}

static int receive_one(struct jsonrpc *j, size_t length, struct jsonrpc_message **out)
{
	int error;
	if (j->partial.len) {
		collect(j, length - j->partial.len);
		error = handle_text(j, j->partial.s, length, out);
		str_done(&j->partial);
	} else {
		error = handle_text(j, (const char *)stream_input_run(j->stream, length), length,
				    out);
		stream_consume(j->stream, length);
	}
	return error;
}

// Whether the rest of a message may still come: 0, or why not.
static int check_incomplete(struct jsonrpc *j)
{
	size_t n = n_received(j);
	if (n > j->max_message)
		return EMSGSIZE;
	return n > LARGE_MESSAGE && j->budget && j->budget->used > j->budget->limit ? EMSGSIZE : 0;
}

static void on_readable(void *arg)
{
	struct jsonrpc *j = arg;
	bool freed = false;
	int error = 0;
	reconnect_heard(&j->reconnect, clock_ms());
	rearm(j);
	charge(j);
	j->freed = &freed;
	while (j->stream && j->reading && !error) {
		struct jsonrpc_message *m;
		long length = next_length(j);
		if (!length) {
			error = check_incomplete(j);
			break;
		}
		error = length < 0 ? EPROTO : receive_one(j, (size_t)length, &m);
		if (error || !m)
			continue;
		if (handle_echo(j, m)) {
			jsonrpc_message_free(m);
			continue;
		}
		j->callbacks->message(j->arg, m);
		if (freed)
			return;
	}
	j->freed = NULL;
	charge(j);
	if (error)
		on_closed(j, error);
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

static const struct stream_callbacks stream_callbacks = {on_connected, on_readable, on_drained,
							 on_closed};

static void start_connecting(struct jsonrpc *j)
{
	reconnect_connecting(&j->reconnect, clock_ms());
	struct error *e =
		stream_connect(j->loop, j->target, JSONRPC_PORT, &stream_callbacks, j, &j->stream);
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
	j->max_message = MAX_MESSAGE;
	j->dscp = -1;
	reconnect_init(&j->reconnect, clock_ms());
	loop_timer_init(&j->timer, loop, on_timer, j);
	return j;
}

struct jsonrpc *jsonrpc_new(struct loop *loop, struct stream *stream,
			    const struct jsonrpc_callbacks *callbacks, void *arg)
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
			      const struct jsonrpc_callbacks *callbacks, void *arg,
			      struct jsonrpc **out)
{
	struct jsonrpc *j = make(loop, callbacks, arg);
	j->target = xstrdup(target);
	j->retry = retry;
	reconnect_enable(&j->reconnect, clock_ms());
	reconnect_connecting(&j->reconnect, clock_ms());
	struct error *e =
		stream_connect(loop, target, JSONRPC_PORT, &stream_callbacks, j, &j->stream);
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
	flush(j); // what it was sent a moment ago may still arrive
	str_done(&j->out);
	str_done(&j->partial);
	stream_free(j->stream);
	j->stream = NULL;
	charge(j);
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
	flush(j);
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
	return j->stream ? j->out.len + stream_output_pending(j->stream) : 0;
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

void jsonrpc_set_text_callback(struct jsonrpc *j, jsonrpc_text_cb *on_text)
{
	j->on_text = on_text;
}

void jsonrpc_set_limits(struct jsonrpc *j, size_t max_message, struct jsonrpc_budget *budget)
{
	j->max_message = max_message;
	j->budget = budget;
	charge(j);
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
