/* SPDX-License-Identifier: Apache-2.0 */
#include "ofconn/ofclient.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "loop/loop.h"
#include "ofconn/hello.h"
#include "openflow/message.h"
#include "stream/stream.h"
#include "stream/tls.h"

enum { HIGH_WATER = 1024 * 1024, NOT_CLOSED = 0 };

struct ofclient {
	struct loop *loop;
	struct stream *stream;
	char *name;
	bool connected;
	int closed;	 // errno or EOF (-1); NOT_CLOSED
	size_t borrowed; // bytes of the message that the caller has
	uint8_t version;
	uint32_t *xid, own_xid;
	ofclient_trace_cb *trace;
	void *trace_arg;
	bool any_version;
	char *why; // negotiation failed
};

static void on_connected(void *arg)
{
	((struct ofclient *)arg)->connected = true;
}

static void on_readable(void *arg)
{
}

static void on_closed(void *arg, int error)
{
	((struct ofclient *)arg)->closed = error ? error : -1;
}

static const struct stream_callbacks callbacks = {
	.connected = on_connected, .readable = on_readable, .closed = on_closed};

void ofclient_close(struct ofclient *c)
{
	if (!c)
		return;
	stream_free(c->stream);
	loop_free(c->loop);
	free(c->name);
	free(c->why);
	free(c);
}

uint8_t ofclient_version(const struct ofclient *c)
{
	return c->version;
}

const char *ofclient_name(const struct ofclient *c)
{
	return c->name;
}

uint32_t ofclient_next_xid(struct ofclient *c)
{
	return (*c->xid)++;
}

struct loop *ofclient_loop(struct ofclient *c)
{
	return c->loop;
}

// One message after the other.
static void trace(struct ofclient *c, enum ofclient_event event, const void *msgs, size_t n)
{
	const uint8_t *p = msgs;
	for (size_t at = 0, len; c->trace && at < n; at += len) {
		len = n - at >= sizeof(struct ofp_header) ? ofp_length(p + at) : n - at;
		if (len < sizeof(struct ofp_header) || len > n - at)
			len = n - at;
		c->trace(c->trace_arg, c, event, p + at, len);
	}
}

static void release(struct ofclient *c)
{
	if (c->borrowed)
		stream_consume(c->stream, c->borrowed);
	c->borrowed = 0;
}

static bool is_of_other_version(const struct ofclient *c, const uint8_t *msg)
{
	enum { ECHO_REPLY = 3 }; // and below
	return c->version && !c->any_version && msg[0] != c->version && msg[1] > ECHO_REPLY;
}

int ofclient_try_recv(struct ofclient *c, const uint8_t **msg, size_t *len)
{
	size_t n;
	release(c);
	const uint8_t *p = stream_input(c->stream, &n);
	if (n >= sizeof(struct ofp_header)) {
		size_t want = ofp_length(p);
		if (want < sizeof(struct ofp_header))
			return EPROTO;
		if (n >= want) {
			*msg = p;
			*len = c->borrowed = want;
			trace(c, OFCLIENT_RECEIVED, p, want);
			if (is_of_other_version(c, p))
				trace(c, OFCLIENT_OTHER_VERSION, p, want);
			return 0;
		}
	}
	if (c->closed == NOT_CLOSED)
		return -EAGAIN;
	return n ? EPROTO : c->closed; // in the middle of a message
}

int ofclient_recv(struct ofclient *c, const uint8_t **msg, size_t *n)
{
	for (;;) {
		int error = ofclient_try_recv(c, msg, n);
		if (error != -EAGAIN)
			return error;
		loop_run_once(c->loop, -1);
	}
}

static int drain(struct ofclient *c, size_t mark)
{
	while (c->closed == NOT_CLOSED && stream_output_pending(c->stream) > mark)
		loop_run_once(c->loop, -1);
	return c->closed;
}

int ofclient_send(struct ofclient *c, const void *msgs, size_t n)
{
	if (c->closed != NOT_CLOSED)
		return c->closed;
	stream_write(c->stream, msgs, n);
	trace(c, OFCLIENT_SENT, msgs, n);
	return drain(c, HIGH_WATER);
}

int ofclient_flush(struct ofclient *c)
{
	return drain(c, 0);
}

int ofclient_transact(struct ofclient *c, const void *request, size_t n, const uint8_t **reply,
		      size_t *reply_len)
{
	uint32_t xid = ofp_xid(request);
	int error = ofclient_send(c, request, n);
	while (!error) {
		error = ofclient_recv(c, reply, reply_len);
		if (!error && ofp_xid(*reply) == xid)
			return 0;
	}
	return error;
}

// Runs the loop until `deadline` (0: for ever); true when it has passed.
static bool wait_until(struct ofclient *c, int64_t deadline)
{
	int64_t left = deadline ? deadline - clock_ms() : -1;
	if (deadline && left <= 0)
		return true;
	loop_run_once(c->loop, left);
	return false;
}

static void trace_negotiated(struct ofclient *c, uint32_t versions, const void *hello, size_t n)
{
	struct ofp_msg m;
	uint32_t theirs = 0;
	struct str s = STR_INIT;
	if (!c->trace || ofp_msg_decode(hello, n, &m))
		return;
	(void)ofp_decode_hello(&m, &theirs);
	str_addf(&s, "negotiated OpenFlow version 0x%02x (we support ", c->version);
	hello_format_versions(versions, &s);
	str_add(&s, ", peer supports ");
	hello_format_versions(theirs, &s);
	str_addc(&s, ')');
	c->trace(c->trace_arg, c, OFCLIENT_NEGOTIATED, str_cstr(&s), s.len);
	str_done(&s);
}

static int negotiate(struct ofclient *c, uint32_t versions, int64_t deadline)
{
	struct buf b = BUF_INIT;
	const uint8_t *msg;
	size_t n;
	ofp_encode_hello(&b, versions, ofclient_next_xid(c));
	stream_write(c->stream, b.data, b.len);
	trace(c, OFCLIENT_SENT, b.data, b.len);
	buf_clear(&b);
	int error;
	while ((error = ofclient_try_recv(c, &msg, &n)) == -EAGAIN)
		if (wait_until(c, deadline)) {
			error = ETIMEDOUT;
			break;
		}
	if (error == EPROTO && c->closed == NOT_CLOSED)
		c->why = xstrdup("received a malformed message");
	if (!error) {
		c->version = hello_negotiate(versions, msg, n, &b, &c->why);
		if (!c->version) {
			error = EPROTO;
			(void)ofclient_send(c, b.data, b.len);
			(void)ofclient_flush(c);
		} else {
			trace_negotiated(c, versions, msg, n);
		}
	}
	buf_done(&b);
	return error;
}

struct error *ofclient_open(const char *target, const struct ofclient_options *o,
			    struct ofclient **out)
{
	struct ofclient *c = XNEW(struct ofclient);
	int64_t deadline = o->timeout_ms ? clock_ms() + o->timeout_ms : 0;
	c->loop = loop_new();
	stream_tls_attach(o->tls, c->loop);
	c->name = xstrdup(target);
	c->own_xid = 1;
	c->xid = o->next_xid ? o->next_xid : &c->own_xid;
	c->trace = o->trace;
	c->trace_arg = o->trace_arg;
	c->any_version = o->any_version;
	struct error *e =
		stream_connect(c->loop, target, o->default_port, &callbacks, c, &c->stream);
	int error = 0;
	if (e) {
		c->stream = NULL;
		ofclient_close(c);
		return e;
	}
	while (!c->connected && c->closed == NOT_CLOSED && !error)
		if (wait_until(c, deadline))
			error = ETIMEDOUT;
	if (!error)
		error = c->closed;
	if (o->connected)
		*o->connected = c->connected;
	if (!error)
		error = negotiate(c, o->versions, deadline);
	if (!error) {
		*out = c;
		return NULL;
	}
	if (c->why)
		e = error_wrap(error_errno(error, "%s", c->why), "%s", target);
	else
		e = error_errno(error < 0 ? ECONNRESET : error, "%s", target);
	ofclient_close(c);
	return e;
}
