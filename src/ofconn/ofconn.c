/* SPDX-License-Identifier: Apache-2.0 */
#include "ofconn/ofconn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ofconn/hello.h"
#include "openflow/message.h"

enum { END_OF_FILE = -1 };

struct ofconn {
	struct loop *loop;
	struct ofconn_options options;
	const struct ofconn_callbacks *cb;
	void *arg;
	char *target; // NULL: passive
	char *name;
	struct stream *stream; // NULL: not connected
	struct reconnect fsm;
	struct loop_timer timer;
	struct loop_defer deliver; // messages that were held back while reading was off
	struct loop_defer give_up;
	int give_up_error;
	uint8_t version; // 0: not negotiated
	bool reading;
	bool full;  // the peer asks and does not read the answers: no more of its messages until it
		    // does
	bool *gone; // set when the connection is freed inside a callback
	int last_error;
	uint32_t xid;
	struct ofconn_counters counters;
	ofconn_tap *tap;
	void *tap_arg;
};

static void timer_cb(void *);
static void deliver(void *);

static void set_timer(struct ofconn *c)
{
	int64_t deadline = reconnect_deadline(&c->fsm);
	if (deadline == INT64_MAX)
		loop_timer_cancel(&c->timer);
	else
		loop_timer_set(&c->timer, deadline);
}

static void apply_options(struct ofconn *c, const struct ofconn_options *options)
{
	c->options = *options;
	if (!c->options.default_port)
		c->options.default_port = OFP_PORT_TCP;
	c->fsm.probe_interval = options->probe_interval;
	if (c->stream)
		stream_set_dscp(c->stream, options->dscp);
	c->fsm.max_backoff = options->max_backoff > 0 ? options->max_backoff : 8000;
}

static void drop_stream(struct ofconn *c)
{
	loop_defer_cancel(&c->deliver);
	loop_defer_cancel(&c->give_up);
	stream_free(c->stream);
	c->stream = NULL;
	c->version = 0;
	c->full = false;
}

// The connection is over; an active one will try again. The last thing a function does: `c` may be
// gone afterwards.
static void lost(struct ofconn *c, int error)
{
	drop_stream(c);
	c->last_error = error;
	reconnect_disconnected(&c->fsm, clock_ms());
	if (c->target)
		set_timer(c);
	else
		loop_timer_cancel(&c->timer);
	c->cb->closed(c->arg, error);
}

static void show(struct ofconn *c, const void *msgs, size_t n)
{
	if (c->tap && c->version)
		c->tap(c->tap_arg, c, msgs, n);
}

static void write_bytes(struct ofconn *c, const struct buf *b)
{
	if (c->stream)
		stream_write(c->stream, b->data, b->len);
	show(c, b->data, b->len);
	c->counters.sent++;
}

static void say_hello(struct ofconn *c)
{
	struct buf b = BUF_INIT;
	ofp_encode_hello(&b, c->options.versions, ofconn_next_xid(c));
	write_bytes(c, &b);
	buf_done(&b);
}

// False: the connection is lost, `c` perhaps gone.
static bool negotiate(struct ofconn *c, const uint8_t *msg, size_t n)
{
	struct buf answer = BUF_INIT;
	char *why = NULL;
	uint8_t version = hello_negotiate(c->options.versions, msg, n, &answer, &why);
	free(why);
	if (version) {
		bool gone = false, *outer = c->gone;
		c->version = version;
		reconnect_connected(&c->fsm, clock_ms());
		set_timer(c);
		c->gone = &gone;
		c->cb->connected(c->arg);
		if (!gone)
			c->gone = outer;
		else if (outer)
			*outer = true;
		return !gone;
	}
	stream_write(c->stream, answer.data, answer.len);
	buf_done(&answer);
	stream_close_gracefully(c->stream);
	c->stream = NULL;
	lost(c, EPROTO);
	return false;
}

// Messages that are the connection's own business. True: it was one.
static bool handle_own(struct ofconn *c, const uint8_t *bytes, size_t n)
{
	struct ofp_msg m;
	struct buf b = BUF_INIT;
	uint8_t version = bytes[0], type = bytes[1];
	enum { HELLO = 0, ERROR = 1, ECHO_REQUEST = 2, ECHO_REPLY = 3 };
	bool echo = type == ECHO_REQUEST || type == ECHO_REPLY;
	bool any_version = type == HELLO || type == ERROR; // but 0, which nobody speaks
	if (echo && !ofp_msg_decode(bytes, n, &m)) {
		if (type == ECHO_REPLY)
			return true;
		ofp_encode_echo_reply(&b, &m);
	} else if (version != c->version && !(any_version && version)) {
		ofp_encode_error(&b, OFPBRC_BAD_VERSION, bytes, n);
		if (c->cb->other_version)
			c->cb->other_version(c->arg, version);
	} else {
		return false;
	}
	write_bytes(c, &b);
	buf_done(&b);
	return true;
}

// False: `c` is gone or the connection lost.
static bool deliver_one(struct ofconn *c, const uint8_t *msg, size_t n)
{
	bool gone = false, *outer = c->gone;
	c->counters.received++;
	reconnect_heard(&c->fsm, clock_ms());
	if (!c->version)
		return negotiate(c, msg, n) && (stream_consume(c->stream, n), true);
	show(c, msg, n);
	if (handle_own(c, msg, n)) {
		stream_consume(c->stream, n);
		return true;
	}
	struct stream *stream = c->stream;
	c->gone = &gone;
	c->cb->message(c->arg, msg, n);
	if (gone) {
		if (outer)
			*outer = true;
		return false;
	}
	c->gone = outer;
	if (c->stream != stream)
		return false;
	stream_consume(stream, n);
	return true;
}

// What is answered at once must not pile up for a peer that does not read.
static bool may_deliver(struct ofconn *c)
{
	if (!c->stream || c->full || (!c->reading && c->version))
		return false;
	if (stream_output_pending(c->stream) <= OFCONN_HIGH)
		return true;
	c->full = true;
	stream_set_reading(c->stream, false);
	return false;
}

static void deliver(void *arg)
{
	struct ofconn *c = arg;
	while (may_deliver(c)) {
		size_t n;
		const uint8_t *p = stream_input(c->stream, &n);
		if (n < sizeof(struct ofp_header))
			break;
		size_t len = ofp_length(p);
		if (len < sizeof(struct ofp_header)) {
			lost(c, EPROTO);
			return;
		}
		if (n < len)
			break;
		if (!deliver_one(c, p, len))
			return;
	}
	if (c->stream && c->version)
		set_timer(c);
}

// --- The stream's callbacks.

static void on_connected(void *arg)
{
	say_hello(arg);
}

static void on_readable(void *arg)
{
	deliver(arg);
}

static void on_drained(void *arg)
{
	struct ofconn *c = arg;
	if (c->full) {
		c->full = false;
		stream_set_reading(c->stream, c->reading);
		loop_defer(c->loop, &c->deliver, deliver, c);
	}
	if (c->cb->drained)
		c->cb->drained(c->arg);
}

static void on_closed(void *arg, int error)
{
	lost(arg, error);
}

static const struct stream_callbacks callbacks = {.connected = on_connected,
						  .readable = on_readable,
						  .drained = on_drained,
						  .closed = on_closed};

// --- The machine.

static void start_connecting(struct ofconn *c)
{
	reconnect_connecting(&c->fsm, clock_ms());
	set_timer(c);
	struct error *e = stream_connect(c->loop, c->target, c->options.default_port, &callbacks, c,
					 &c->stream);
	if (!e) {
		stream_set_dscp(c->stream, c->options.dscp);
		return;
	}
	// The syntax was checked when the connection was made: this is a host name that does not
	// resolve.
	int code = error_code(e);
	error_free(e);
	c->stream = NULL;
	lost(c, code ? code : EINVAL);
}

static void probe(struct ofconn *c)
{
	struct buf b = BUF_INIT;
	ofp_encode_echo_request(&b, c->version, 0, NULL, 0);
	write_bytes(c, &b);
	buf_done(&b);
	set_timer(c);
}

static void timer_cb(void *arg)
{
	struct ofconn *c = arg;
	switch (reconnect_run(&c->fsm, clock_ms())) {
	case RECONNECT_DO_NOTHING:
		set_timer(c);
		return;
	case RECONNECT_DO_CONNECT:
		if (c->target)
			start_connecting(c);
		return;
	case RECONNECT_DO_DISCONNECT:
		lost(c, ETIMEDOUT);
		return;
	case RECONNECT_DO_PROBE:
		probe(c);
		return;
	}
}

static struct ofconn *make(struct loop *loop, const struct ofconn_options *options,
			   const struct ofconn_callbacks *cb, void *arg)
{
	struct ofconn *c = XNEW(struct ofconn);
	c->loop = loop;
	c->cb = cb;
	c->arg = arg;
	c->reading = true;
	c->xid = 1;
	reconnect_init(&c->fsm, clock_ms());
	apply_options(c, options);
	loop_timer_init(&c->timer, loop, timer_cb, c);
	return c;
}

struct error *ofconn_connect(struct loop *loop, const char *target,
			     const struct ofconn_options *options,
			     const struct ofconn_callbacks *cb, void *arg, struct ofconn **out)
{
	struct ofconn *c = make(loop, options, cb, arg);
	c->target = xstrdup(target);
	c->name = xstrdup(target);
	reconnect_connecting(&c->fsm, clock_ms());
	struct error *e =
		stream_connect(loop, target, c->options.default_port, &callbacks, c, &c->stream);
	if (e && !error_code(e)) {
		c->stream = NULL;
		ofconn_free(c);
		return e;
	}
	if (e) { // a name that cannot be looked up now may be found later
		error_free(e);
		c->stream = NULL;
		reconnect_disconnected(&c->fsm, clock_ms());
	} else {
		stream_set_dscp(c->stream, options->dscp);
	}
	set_timer(c);
	*out = c;
	return NULL;
}

struct ofconn *ofconn_accept(struct loop *loop, struct stream *stream,
			     const struct ofconn_options *options,
			     const struct ofconn_callbacks *cb, void *arg)
{
	struct ofconn *c = make(loop, options, cb, arg);
	c->name = xstrdup(stream_name(stream));
	c->stream = stream;
	c->fsm.passive = true;
	reconnect_connecting(&c->fsm, clock_ms());
	stream_set_callbacks(stream, &callbacks, c);
	stream_set_dscp(stream, options->dscp);
	say_hello(c);
	set_timer(c);
	// Something may have arrived already.
	loop_defer(loop, &c->deliver, deliver, c);
	return c;
}

static void dispose(struct ofconn *c)
{
	if (c->gone)
		*c->gone = true;
	loop_timer_cancel(&c->timer);
	loop_defer_cancel(&c->deliver);
	loop_defer_cancel(&c->give_up);
	free(c->target);
	free(c->name);
	free(c);
}

void ofconn_free(struct ofconn *c)
{
	if (!c)
		return;
	stream_free(c->stream);
	dispose(c);
}

void ofconn_close_gracefully(struct ofconn *c)
{
	if (c->stream)
		stream_close_gracefully(c->stream);
	dispose(c);
}

// --- Use.

bool ofconn_send(struct ofconn *c, const void *msgs, size_t n)
{
	if (!ofconn_is_connected(c))
		return false;
	stream_write(c->stream, msgs, n);
	show(c, msgs, n);
	for (const uint8_t *p = msgs, *end = p + n; p < end; p += ofp_length(p))
		c->counters.sent++;
	return true;
}

void ofconn_set_tap(struct ofconn *c, ofconn_tap *tap, void *arg)
{
	c->tap = tap;
	c->tap_arg = arg;
}

size_t ofconn_backlog(const struct ofconn *c)
{
	return c->stream ? stream_output_pending(c->stream) : 0;
}

void ofconn_set_reading(struct ofconn *c, bool on)
{
	if (c->reading == on)
		return;
	c->reading = on;
	if (!c->stream || c->full)
		return;
	stream_set_reading(c->stream, on);
	if (on)
		loop_defer(c->loop, &c->deliver, deliver, c);
}

uint8_t ofconn_version(const struct ofconn *c)
{
	return c->version;
}

bool ofconn_is_connected(const struct ofconn *c)
{
	return c->stream && c->version;
}

const char *ofconn_name(const struct ofconn *c)
{
	return c->name;
}

const char *ofconn_state_name(const struct ofconn *c)
{
	return reconnect_state_name(c->fsm.state);
}

const struct reconnect *ofconn_reconnect(const struct ofconn *c)
{
	return &c->fsm;
}

int ofconn_last_error(const struct ofconn *c)
{
	return c->last_error;
}

void ofconn_set_options(struct ofconn *c, const struct ofconn_options *options)
{
	apply_options(c, options);
	if (c->stream || c->target)
		set_timer(c);
}

void ofconn_force_reconnect(struct ofconn *c)
{
	if (c->stream) {
		drop_stream(c);
		reconnect_disconnected(&c->fsm, clock_ms());
	}
	if (!c->target) {
		lost(c, 0);
		return;
	}
	if (c->fsm.state == RECONNECT_BACKOFF)
		c->fsm.backoff = 0;
	set_timer(c);
}

static void give_up(void *arg)
{
	struct ofconn *c = arg;
	if (c->stream)
		lost(c, c->give_up_error);
}

void ofconn_give_up(struct ofconn *c, int error)
{
	c->give_up_error = error;
	loop_defer(c->loop, &c->give_up, give_up, c);
}

uint32_t ofconn_next_xid(struct ofconn *c)
{
	return c->xid++;
}

struct ofconn_counters ofconn_counters(const struct ofconn *c)
{
	return c->counters;
}
