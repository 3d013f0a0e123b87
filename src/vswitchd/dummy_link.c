/* SPDX-License-Identifier: Apache-2.0 */
#include "vswitchd/dummy_link.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/vec.h"
#include "netdev/dummy.h"
#include "stream/reconnect.h"
#include "stream/stream.h"

LOG_MODULE(netdev_dummy);

enum {
	LENGTH_BYTES = 2,
	FRAME_MIN = 14,		// an Ethernet header
	WAITING_MAX = 100,	// frames that no main loop has taken yet
	PEER_BACKLOG = 1 << 20, // bytes that wait for a peer; what is more is lost, as on a wire
};

struct peer {
	struct netdev_dummy_link *link;
	struct stream *stream;
};

struct netdev_dummy_link {
	// Immutable.
	struct loop *loop;
	char *netdev, *target;
	struct loop_wake *wake;
	// Main thread.
	struct stream_listener *listener; // NULL: it connects
	struct reconnect fsm;		  // of who connects
	struct loop_timer timer;
	VEC(struct peer *) peers;
	// Guarded by `lock`: frames to send, each with its length before it.
	pthread_mutex_t lock;
	struct buf waiting;
	unsigned int n_waiting;
};

// --- Peers.

static void set_timer(struct netdev_dummy_link *l)
{
	int64_t deadline = reconnect_deadline(&l->fsm);
	if (deadline == INT64_MAX)
		loop_timer_cancel(&l->timer);
	else
		loop_timer_set(&l->timer, deadline);
}

static void peer_free(struct peer *p)
{
	struct netdev_dummy_link *l = p->link;
	VEC_FOREACH (&l->peers, i)
		if (l->peers.v[i] == p) {
			vec_swap_remove(&l->peers, i);
			break;
		}
	stream_free(p->stream);
	free(p);
}

static void on_closed(void *p_, int error)
{
	struct peer *p = p_;
	struct netdev_dummy_link *l = p->link;
	peer_free(p);
	if (l->listener)
		return;
	reconnect_disconnected(&l->fsm, clock_ms());
	set_timer(l);
}

static void on_connected(void *p_)
{
	struct peer *p = p_;
	reconnect_connected(&p->link->fsm, clock_ms());
	set_timer(p->link);
}

static void on_readable(void *p_)
{
	struct peer *p = p_;
	size_t n;
	for (const uint8_t *b; (b = stream_input(p->stream, &n)) && n >= LENGTH_BYTES;) {
		size_t len = get_be16(b);
		if (len < FRAME_MIN) {
			log_warn_rl(
				"%s: %s: a frame of %zu bytes is too short, closing the connection",
				p->link->netdev, stream_name(p->stream), len);
			on_closed(p, EPROTO);
			return;
		}
		if (n < LENGTH_BYTES + len)
			return;
		// A full queue counts its losses itself.
		(void)netdev_dummy_receive(p->link->netdev, 0, b + LENGTH_BYTES, len, 0);
		stream_consume(p->stream, LENGTH_BYTES + len);
	}
}

static const struct stream_callbacks callbacks = {
	.connected = on_connected, .readable = on_readable, .closed = on_closed};

static struct peer *peer_new(struct netdev_dummy_link *l)
{
	struct peer *p = XNEW(struct peer);
	p->link = l;
	vec_push(&l->peers, p);
	return p;
}

static void on_accept(void *l, struct stream *stream)
{
	struct peer *p = peer_new(l);
	p->stream = stream;
	stream_set_callbacks(stream, &callbacks, p);
}

// --- Connecting.

static struct error *start_connecting(struct netdev_dummy_link *l)
{
	struct peer *p = peer_new(l);
	reconnect_connecting(&l->fsm, clock_ms());
	struct error *e = stream_connect(l->loop, l->target, 0, &callbacks, p, &p->stream);
	if (e) {
		p->stream = NULL;
		peer_free(p);
		reconnect_disconnected(&l->fsm, clock_ms());
	}
	set_timer(l);
	return e;
}

static void on_timer(void *l_)
{
	struct netdev_dummy_link *l = l_;
	switch (reconnect_run(&l->fsm, clock_ms())) {
	case RECONNECT_DO_CONNECT:
		error_free(start_connecting(
			l)); // the target was good once: a name that is not known now may be later
		return;
	case RECONNECT_DO_DISCONNECT:
		on_closed(l->peers.v[0], ETIMEDOUT);
		return;
	case RECONNECT_DO_NOTHING:
	case RECONNECT_DO_PROBE:
		set_timer(l);
		return;
	}
}

// --- The link, as netdev/dummy.h wants it.

static void send_waiting(void *l_)
{
	struct netdev_dummy_link *l = l_;
	pthread_mutex_lock(&l->lock);
	struct buf frames = l->waiting;
	l->waiting = (struct buf)BUF_INIT;
	l->n_waiting = 0;
	pthread_mutex_unlock(&l->lock);
	VEC_FOREACH (&l->peers, i) {
		struct stream *s = l->peers.v[i]->stream;
		if (stream_is_connected(s) && stream_output_pending(s) <= PEER_BACKLOG)
			stream_write(s, frames.data, frames.len);
	}
	buf_done(&frames);
}

static bool link_send(struct netdev_dummy_link *l, const void *frame, size_t n) // any thread
{
	pthread_mutex_lock(&l->lock);
	bool fits = l->n_waiting < WAITING_MAX && n <= UINT16_MAX;
	if (fits) {
		put_be16(buf_add_zeros(&l->waiting, LENGTH_BYTES), (uint16_t)n);
		buf_add(&l->waiting, frame, n);
		l->n_waiting++;
	}
	pthread_mutex_unlock(&l->lock);
	loop_wake(l->wake);
	return fits;
}

static void link_close(struct netdev_dummy_link *l)
{
	while (l->peers.n)
		peer_free(l->peers.v[0]);
	vec_done(&l->peers);
	stream_listener_free(l->listener);
	loop_timer_cancel(&l->timer);
	loop_wake_free(l->wake);
	buf_done(&l->waiting);
	pthread_mutex_destroy(&l->lock);
	free(l->netdev);
	free(l->target);
	free(l);
}

static struct error *link_open(void *loop, const char *netdev, const char *target, bool passive,
			       struct netdev_dummy_link **out)
{
	struct netdev_dummy_link *l = XNEW(struct netdev_dummy_link);
	l->loop = loop;
	l->netdev = xstrdup(netdev);
	l->target = xstrdup(target);
	l->wake = loop_wake_new(loop, send_waiting, l);
	pthread_mutex_init(&l->lock, NULL);
	reconnect_init(&l->fsm, clock_ms());
	l->fsm.probe_interval = 0;
	loop_timer_init(&l->timer, loop, on_timer, l);
	struct error *e = passive ? stream_listen(loop, target, 0, on_accept, l, &l->listener)
				  : start_connecting(l);
	if (e && (passive || !error_code(e))) {
		link_close(l);
		return e;
	}
	error_free(e);
	*out = l;
	return NULL;
}

static bool link_is_connected(const struct netdev_dummy_link *l)
{
	return l->peers.n && stream_is_connected(l->peers.v[0]->stream);
}

void dummy_links_enable(struct loop *loop)
{
	static const struct netdev_dummy_link_ops ops = {.open = link_open,
							 .close = link_close,
							 .send = link_send,
							 .is_connected = link_is_connected};
	netdev_dummy_set_links(&ops, loop);
}
