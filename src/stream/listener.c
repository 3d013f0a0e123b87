/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stream/address.h"
#include "stream/stream.h"
#include "stream/tls_session.h"

// TLS: who comes is handed on after the handshake only. Few at a time and not for long: the oldest
// has to go for a new one.
enum { MAX_HANDSHAKES = 64, HANDSHAKE_MS = 10000 };

struct handshake {
	struct stream_listener *listener;
	struct stream *stream; // NULL: handed on
	struct loop_timer timer;
	struct handshake *next, **prev;
};

struct stream_listener {
	struct loop *loop;
	struct loop_fd *watch;
	int fd;
	char *name, *path;	 // path: of a unix socket, to unlink
	struct loop_timer pause; // out of descriptors: wait a little rather than spin
	uint16_t port;
	bool tls;
	struct handshake *handshakes, **last; // oldest first
	int n_handshakes;
	stream_accept_cb *cb;
	void *arg;
};

static void resume(void *arg)
{
	struct stream_listener *l = arg;
	loop_fd_set_events(l->watch, LOOP_READ);
}

static void handshake_free(struct handshake *h)
{
	struct stream_listener *l = h->listener;
	*h->prev = h->next;
	if (h->next)
		h->next->prev = h->prev;
	else
		l->last = h->prev;
	l->n_handshakes--;
	loop_timer_cancel(&h->timer);
	stream_free(h->stream);
	free(h);
}

static void on_handshake_done(void *arg)
{
	struct handshake *h = arg;
	struct stream_listener *l = h->listener;
	struct stream *s = h->stream;
	h->stream = NULL;
	handshake_free(h);
	stream_set_callbacks(s, NULL, NULL);
	l->cb(l->arg, s);
}

static void on_handshake_readable(void *arg)
{
}

static void on_handshake_failed(void *arg, int error)
{
	handshake_free(arg); // it was reported
}

static void on_handshake_late(void *arg)
{
	struct handshake *h = arg;
	tls_report(stream_tls_find(h->listener->loop), true, "%s: no TLS handshake within %d s",
		   stream_name(h->stream), HANDSHAKE_MS / 1000);
	handshake_free(h);
}

static void start_handshake(struct stream_listener *l, int fd, const char *name)
{
	static const struct stream_callbacks callbacks = {.connected = on_handshake_done,
							  .readable = on_handshake_readable,
							  .closed = on_handshake_failed};
	struct handshake *h = XNEW(struct handshake);
	struct stream *s = stream_accept_tls(l->loop, fd, name, &callbacks, h);
	if (!s) {
		free(h);
		return;
	}
	if (l->n_handshakes == MAX_HANDSHAKES)
		handshake_free(l->handshakes);
	*h = (struct handshake){.listener = l, .stream = s, .prev = l->last};
	*l->last = h;
	l->last = &h->next;
	l->n_handshakes++;
	loop_timer_init(&h->timer, l->loop, on_handshake_late, h);
	loop_timer_set_in(&h->timer, HANDSHAKE_MS);
}

static void on_accept(void *arg, int fd, int events)
{
	struct stream_listener *l = arg;
	struct sockaddr_storage peer = {0};
	socklen_t n = sizeof(peer);
	int accepted = accept4(fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (accepted < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			loop_fd_set_events(l->watch, 0);
			loop_timer_set_in(&l->pause, 100);
		}
		return;
	}
	if (peer.ss_family != AF_UNIX) {
		int on = 1;
		setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	char *name = address_format(&peer, l->tls);
	if (l->tls)
		start_handshake(l, accepted, name);
	else
		l->cb(l->arg, stream_from_fd(l->loop, accepted, name, NULL, NULL));
	free(name);
}

// A socket file that nobody answers on is left over from a process that died.
static void remove_stale(const struct address *a, const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(fd, (const struct sockaddr *)&a->storage, a->len) < 0 && errno == ECONNREFUSED)
		unlink(path);
	close(fd);
}

struct error *stream_listen(struct loop *loop, const char *target, uint16_t default_port,
			    stream_accept_cb *cb, void *arg, struct stream_listener **out)
{
	struct address a;
	struct error *e = address_parse(target, default_port, true, &a);
	if (e)
		return e;
	if (a.error)
		return error_errno(a.error, "%s", target);
	if (a.tls && !stream_tls_find(loop))
		return error_errno(ENOPROTOOPT, "%s: this program is not set up for TLS", target);
	int family = a.storage.ss_family, on = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(errno, "%s: socket", target);
	const char *path = family == AF_UNIX ? ((struct sockaddr_un *)&a.storage)->sun_path : NULL;
	if (path)
		remove_stale(&a, path);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	mode_t old = umask(path ? 0007 : 0);
	int rc = bind(fd, (struct sockaddr *)&a.storage, a.len);
	int saved = errno;
	umask(old);
	if (rc < 0 || listen(fd, 1024) < 0) {
		e = error_errno(rc < 0 ? saved : errno, "%s: %s", target,
				rc < 0 ? "bind" : "listen");
		close(fd);
		return e;
	}
	struct stream_listener *l = XNEW(struct stream_listener);
	*l = (struct stream_listener){.loop = loop,
				      .fd = fd,
				      .name = xstrdup(target),
				      .path = xstrdup_null(path),
				      .tls = a.tls,
				      .cb = cb,
				      .arg = arg};
	l->last = &l->handshakes;
	loop_timer_init(&l->pause, loop, resume, l);
	if (!path) {
		socklen_t n = sizeof(a.storage);
		getsockname(fd, (struct sockaddr *)&a.storage, &n);
		l->port = ntohs(family == AF_INET6 ? ((struct sockaddr_in6 *)&a.storage)->sin6_port
						   : ((struct sockaddr_in *)&a.storage)->sin_port);
	}
	l->watch = loop_fd_add(loop, fd, LOOP_READ, on_accept, l);
	*out = l;
	return NULL;
}

void stream_listener_free(struct stream_listener *l)
{
	if (!l)
		return;
	while (l->handshakes)
		handshake_free(l->handshakes);
	loop_timer_cancel(&l->pause);
	loop_fd_remove(l->watch);
	if (l->path)
		unlink(l->path);
	close(l->fd);
	free(l->name);
	free(l->path);
	free(l);
}

const char *stream_listener_name(const struct stream_listener *l)
{
	return l->name;
}

uint16_t stream_listener_port(const struct stream_listener *l)
{
	return l->port;
}

static bool has_prefix(const char *s, const char *const prefixes[3])
{
	for (int i = 0; i < 3; i++)
		if (!strncmp(s, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

bool stream_is_active_name(const char *target)
{
	return has_prefix(target, (const char *const[]){"unix:", "tcp:", "ssl:"});
}

bool stream_is_passive_name(const char *target)
{
	return has_prefix(target, (const char *const[]){"punix:", "ptcp:", "pssl:"});
}
