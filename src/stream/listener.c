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

struct stream_listener {
	struct loop *loop;
	struct loop_fd *watch;
	int fd;
	char *name, *path; // path: of a unix socket, to unlink
	struct loop_timer pause; // out of descriptors: wait a little rather than spin
	uint16_t port;
	stream_accept_cb *cb;
	void *arg;
};

static void resume(void *arg)
{
	struct stream_listener *l = arg;
	loop_fd_set_events(l->watch, LOOP_READ);
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
	char *name = address_format(&peer);
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

struct error *stream_listen(struct loop *loop, const char *target, uint16_t default_port, stream_accept_cb *cb,
			    void *arg, struct stream_listener **out)
{
	struct address a;
	struct error *e = address_parse(target, default_port, true, &a);
	if (e)
		return e;
	if (a.error)
		return error_errno(a.error, "%s", target);
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
	if (rc < 0 || listen(fd, 64) < 0) {
		e = error_errno(rc < 0 ? saved : errno, "%s: %s", target, rc < 0 ? "bind" : "listen");
		close(fd);
		return e;
	}
	struct stream_listener *l = XNEW(struct stream_listener);
	*l = (struct stream_listener){
		.loop = loop, .fd = fd, .name = xstrdup(target), .path = xstrdup_null(path), .cb = cb, .arg = arg};
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
