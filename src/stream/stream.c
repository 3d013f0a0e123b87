/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "loop/libevent.h"
#include "stream/address.h"
#include "stream/tls_session.h"

// A stream is one of libevent's bufferevents under a name. With TLS it is a bufferevent of another
// kind; it counts as connected when the handshake is done, and bytes go through the bufferevent
// only, never straight to the socket.
struct stream {
	struct loop *loop;
	struct bufferevent *bev;
	char *name;
	const struct stream_callbacks *callbacks;
	void *arg;
	bool connected, closing, above_mark;
	// Failures before the first wait are reported from the loop, never from inside
	// stream_connect().
	int early_error;
	struct loop_defer report;
	struct address address; // where it connects to
	struct stream_tls *tls; // NULL: plain
	bool bootstrap;		// the peer is not verified: we are after its CA certificate
};

enum {
	LOW_MARK = 64 * 1024, // `drained` comes below this
};

// Says goodbye when that is possible without waiting.
static void close_bev(struct stream *s)
{
	// The deferred callbacks that libevent may still hold must not find us.
	bufferevent_setcb(s->bev, NULL, NULL, NULL, NULL);
	if (s->tls && s->connected) {
		SSL_shutdown(bufferevent_openssl_get_ssl(s->bev));
		ERR_clear_error();
	}
	bufferevent_free(s->bev);
	s->bev = NULL;
}

static void fail(struct stream *s, int error)
{
	s->connected = false;
	bufferevent_disable(s->bev, EV_READ | EV_WRITE);
	if (s->closing)
		stream_free(s);
	else if (s->callbacks)
		s->callbacks->closed(s->arg, error);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct stream *s = arg;
	loop_enter(s->loop);
	if (s->callbacks && !s->closing)
		s->callbacks->readable(s->arg);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct stream *s = arg;
	loop_enter(s->loop);
	if (s->closing) {
		if (!stream_output_pending(s))
			stream_free(s);
		return;
	}
	if (s->above_mark) {
		s->above_mark = false;
		if (s->callbacks && s->callbacks->drained)
			s->callbacks->drained(s->arg);
	}
}

// The errno of a stream that failed; what TLS has to say is reported.
static int explain(struct stream *s, int error)
{
	if (!s->tls)
		return error ? error : ECONNREFUSED;
	unsigned long first = 0;
	for (unsigned long e; (e = bufferevent_get_openssl_error(s->bev));)
		if (ERR_GET_LIB(e)) // libevent adds what SSL_get_error() said
			first = e;  // the last that we get is the first that there was
	SSL *ssl = bufferevent_openssl_get_ssl(s->bev);
	if (!first && error) {
		// Maybe we wrote to a peer that had refused us: what it said last is still to be
		// read.
		char byte;
		ERR_clear_error();
		if (s->connected && SSL_peek(ssl, &byte, 1) <= 0)
			first = ERR_peek_error();
		ERR_clear_error();
		if (ERR_GET_LIB(first) != ERR_LIB_SSL)
			return error;
	}
	char *why = first ? tls_session_explain(ssl, first)
			  : xstrdup("the peer closed the connection within TLS");
	tls_report(s->tls, true, "%s: %s", s->name, why);
	free(why);
	return EPROTO;
}

static void start_connecting(struct stream *s);

// The first connection has only fetched the CA certificate: the second, from the beginning, is the
// real one.
static void bootstrap(struct stream *s)
{
	struct error *e = tls_session_bootstrap(s->tls, bufferevent_openssl_get_ssl(s->bev));
	if (e)
		tls_report(s->tls, true, "%s: %s", s->name, error_text(e));
	if (e || !s->address.len) {
		fail(s, EPROTO);
	} else {
		close_bev(s);
		start_connecting(s);
	}
	error_free(e);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct stream *s = arg;
	int error = errno;
	loop_enter(s->loop);
	if (what & BEV_EVENT_CONNECTED) {
		if (s->bootstrap) {
			bootstrap(s);
			return;
		}
		s->connected = true;
		if (s->callbacks)
			s->callbacks->connected(s->arg);
		return;
	}
	if (what & BEV_EVENT_EOF && (s->connected || !s->tls))
		fail(s, -1);
	else if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF))
		fail(s, explain(s, what & BEV_EVENT_EOF ? 0 : error));
}

static void on_report(void *arg)
{
	struct stream *s = arg;
	fail(s, s->early_error);
}

// Takes the fd (-1: it will connect) and the TLS session (NULL: plain).
static void open_bev(struct stream *s, int fd, SSL *ssl, enum bufferevent_ssl_state state)
{
	// Deferred callbacks: a stream may be freed inside any of its own.
	int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	s->bev = ssl ? bufferevent_openssl_socket_new(loop_base(s->loop), fd, ssl, state, options)
		     : bufferevent_socket_new(loop_base(s->loop), fd, options);
	if (!s->bev)
		abort();
	bufferevent_setcb(s->bev, on_read, on_write, on_event, s);
	bufferevent_setwatermark(s->bev, EV_WRITE, LOW_MARK, 0);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
}

static struct stream *make(struct loop *loop, const char *name,
			   const struct stream_callbacks *callbacks, void *arg)
{
	struct stream *s = XNEW(struct stream);
	s->loop = loop;
	s->name = xstrdup(name);
	s->callbacks = callbacks;
	s->arg = arg;
	return s;
}

struct stream *stream_from_fd(struct loop *loop, int fd, const char *name,
			      const struct stream_callbacks *callbacks, void *arg)
{
	evutil_make_socket_nonblocking(fd);
	evutil_make_socket_closeonexec(fd);
	struct stream *s = make(loop, name, callbacks, arg);
	open_bev(s, fd, NULL, BUFFEREVENT_SSL_OPEN);
	s->connected = true;
	return s;
}

struct stream *stream_accept_tls(struct loop *loop, int fd, const char *name,
				 const struct stream_callbacks *callbacks, void *arg)
{
	struct stream_tls *tls = stream_tls_find(loop);
	bool bootstrap = false;
	SSL *ssl = tls ? tls_session_new(tls, name, true, NULL, &bootstrap) : NULL;
	if (!ssl) {
		close(fd);
		return NULL;
	}
	struct stream *s = make(loop, name, callbacks, arg);
	s->tls = tls;
	s->bootstrap = bootstrap;
	open_bev(s, fd, ssl, BUFFEREVENT_SSL_ACCEPTING);
	return s;
}

// Opens a new socket towards the address.
static void start_connecting(struct stream *s)
{
	const struct address *a = &s->address;
	SSL *ssl = NULL;
	s->early_error = a->error;
	s->bootstrap = false;
	if (a->tls && !s->early_error) {
		s->tls = stream_tls_find(s->loop);
		ssl = s->tls ? tls_session_new(s->tls, s->name, false, a->server_name,
					       &s->bootstrap)
			     : NULL;
		if (!ssl) {
			s->tls = NULL;
			s->early_error = ENOPROTOOPT;
		}
	}
	open_bev(s, -1, ssl, BUFFEREVENT_SSL_CONNECTING);
	if (!s->early_error &&
	    bufferevent_socket_connect(s->bev, (const struct sockaddr *)&a->storage, (int)a->len) <
		    0)
		s->early_error = errno ? errno : ECONNREFUSED;
	if (a->storage.ss_family != AF_UNIX && bufferevent_getfd(s->bev) >= 0) {
		int on = 1;
		setsockopt(bufferevent_getfd(s->bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	if (s->early_error)
		loop_defer(s->loop, &s->report, on_report, s);
}

struct error *stream_connect(struct loop *loop, const char *target, uint16_t default_port,
			     const struct stream_callbacks *callbacks, void *arg,
			     struct stream **out)
{
	struct address a;
	struct error *e = address_parse(target, default_port, false, &a);
	if (e)
		return e;
	struct stream *s = make(loop, target, callbacks, arg);
	s->address = a;
	start_connecting(s);
	*out = s;
	return NULL;
}

void stream_set_callbacks(struct stream *s, const struct stream_callbacks *callbacks, void *arg)
{
	s->callbacks = callbacks;
	s->arg = arg;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	loop_defer_cancel(&s->report);
	close_bev(s);
	free(s->name);
	free(s);
}

void stream_close_gracefully(struct stream *s)
{
	if (!s->connected || !stream_output_pending(s)) {
		stream_free(s);
		return;
	}
	s->closing = true;
	s->callbacks = NULL;
	bufferevent_setwatermark(s->bev, EV_WRITE, 0, 0);
	bufferevent_disable(s->bev, EV_READ);
}

const char *stream_name(const struct stream *s)
{
	return s->name;
}

bool stream_is_connected(const struct stream *s)
{
	return s->connected;
}

void stream_write(struct stream *s, const void *p, size_t n)
{
	if (s->closing)
		return;
	// Straight to the socket while nothing waits before it: one wake-up less, and a reply that
	// precedes exit() is out. Errors are left for the event loop to find.
	if (s->connected && !s->tls && !stream_output_pending(s)) {
		ssize_t sent = send(bufferevent_getfd(s->bev), p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0) {
			p = (const char *)p + sent;
			n -= (size_t)sent;
		}
	}
	if (n)
		bufferevent_write(s->bev, p, n);
	if (stream_output_pending(s) > LOW_MARK)
		s->above_mark = true;
}

static void on_shared_sent(const void *data, size_t n, void *text)
{
	shared_text_unref(text);
}

void stream_write_shared(struct stream *s, struct shared_text *text)
{
	if (s->closing || evbuffer_add_reference(bufferevent_get_output(s->bev), text->text.s,
						 text->text.len, on_shared_sent, text))
		shared_text_unref(text);
	else if (stream_output_pending(s) > LOW_MARK)
		s->above_mark = true;
}

size_t stream_output_pending(const struct stream *s)
{
	return evbuffer_get_length(bufferevent_get_output(s->bev));
}

const uint8_t *stream_input(struct stream *s, size_t *n)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	*n = evbuffer_get_length(in);
	return *n ? evbuffer_pullup(in, -1) : NULL;
}

const uint8_t *stream_peek(struct stream *s, size_t at, size_t *n)
{
	struct evbuffer *in = bufferevent_get_input(s->bev);
	struct evbuffer_iovec piece;
	struct evbuffer_ptr ptr;
	*n = 0;
	if (at >= evbuffer_get_length(in) || evbuffer_ptr_set(in, &ptr, at, EVBUFFER_PTR_SET) < 0 ||
	    evbuffer_peek(in, -1, &ptr, &piece, 1) < 1)
		return NULL;
	*n = piece.iov_len;
	return piece.iov_base;
}

size_t stream_input_length(const struct stream *s)
{
	return evbuffer_get_length(bufferevent_get_input(s->bev));
}

const uint8_t *stream_input_run(struct stream *s, size_t n)
{
	return evbuffer_pullup(bufferevent_get_input(s->bev), (ssize_t)n);
}

void stream_consume(struct stream *s, size_t n)
{
	evbuffer_drain(bufferevent_get_input(s->bev), n);
}

void stream_set_reading(struct stream *s, bool on)
{
	if (on) {
		bufferevent_enable(s->bev, EV_READ);
		if (evbuffer_get_length(bufferevent_get_input(s->bev)))
			bufferevent_trigger(s->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
	} else {
		bufferevent_disable(s->bev, EV_READ);
	}
}

int stream_peer_pid(const struct stream *s)
{
	struct ucred c;
	socklen_t n = sizeof(c);
	int fd = bufferevent_getfd(s->bev);
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) < 0 || !c.pid)
		return -1;
	return c.pid;
}

char *stream_peer_name(const struct stream *s)
{
	char name[256];
	SSL *ssl = s->tls && s->connected && s->bev ? bufferevent_openssl_get_ssl(s->bev) : NULL;
	X509 *certificate = ssl && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE
				    ? SSL_get0_peer_certificate(ssl)
				    : NULL;
	int n = certificate ? X509_NAME_get_text_by_NID(X509_get_subject_name(certificate),
							NID_commonName, name, sizeof(name))
			    : -1;
	return n > 0 && strlen(name) == (size_t)n ? xstrdup(name) : NULL;
}

void stream_set_dscp(struct stream *s, uint8_t dscp)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	int fd = bufferevent_getfd(s->bev), tos = dscp << 2;
	if (fd < 0 || getsockname(fd, (struct sockaddr *)&a, &n))
		return;
	if (a.ss_family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	else if (a.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
}
