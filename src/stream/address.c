/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/str.h"

static void set_unix(struct address *a, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&a->storage;
	un->sun_family = AF_UNIX;
	if (strlen(path) < sizeof(un->sun_path)) {
		strcpy(un->sun_path, path);
	} else {
		// The descriptor must outlive the address, which callers use at once; a handful of
		// these lasts for ever.
		char *directory = xstrdup(path), *slash = strrchr(directory, '/');
		*slash = '\0';
		int fd = open(*directory ? directory : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		int n = fd < 0 ? -1
			       : snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d/%s",
					  fd, slash + 1);
		if (n < 0 || (size_t)n >= sizeof(un->sun_path))
			a->error = fd < 0 ? errno : ENAMETOOLONG;
		free(directory);
	}
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(un->sun_path) + 1);
}

// Splits "HOST:PORT", "[V6]:PORT", "HOST" in place; the parts may be empty.
static void split(char *s, char **host, char **port)
{
	*host = s;
	*port = NULL;
	if (*s == '[') {
		char *end = strchr(s, ']');
		if (end) {
			*end = '\0';
			*host = s + 1;
			if (end[1] == ':')
				*port = end + 2;
			return;
		}
	}
	char *colon = strchr(s, ':');
	if (colon && !strchr(colon + 1, ':')) {
		*colon = '\0';
		*port = colon + 1;
	}
}

static struct error *set_inet(struct address *a, const char *host, const char *port_text,
			      uint16_t default_port, bool passive, const char *name)
{
	uint16_t port = default_port;
	if (port_text && *port_text && parse_u16(port_text, 10, &port))
		return error_new("%s: bad port number \"%s\"", name, port_text);
	if (!port && !passive)
		return error_new("%s: port must be specified", name);
	char service[8];
	snprintf(service, sizeof(service), "%u", port);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)};
	struct addrinfo *found = NULL;
	if (passive && !*host)
		host = "0.0.0.0";
	int rc = getaddrinfo(host, service, &hints, &found);
	if (rc) {
		a->error = rc == EAI_SYSTEM ? errno : ENOENT;
		a->storage.ss_family = AF_INET;
		return NULL;
	}
	memcpy(&a->storage, found->ai_addr, found->ai_addrlen);
	a->len = found->ai_addrlen;
	freeaddrinfo(found);
	return NULL;
}

static bool is_numeric(const char *host)
{
	struct in6_addr unused;
	return inet_pton(AF_INET, host, &unused) == 1 || inet_pton(AF_INET6, host, &unused) == 1;
}

struct error *address_parse(const char *name, uint16_t default_port, bool passive,
			    struct address *a)
{
	*a = (struct address){0};
	const char *unix_prefix = passive ? "punix:" : "unix:",
		   *tcp_prefix = passive ? "ptcp:" : "tcp:";
	const char *ssl_prefix = passive ? "pssl:" : "ssl:";
	size_t un = strlen(unix_prefix), tn = strlen(passive ? "ptcp:" : "tcp:"); // of "ssl:" too
	if (!strncmp(name, unix_prefix, un) && name[un]) {
		char *path = dir_resolve(dir_run(), name + un);
		set_unix(a, path);
		free(path);
		return NULL;
	}
	a->tls = !strncmp(name, ssl_prefix, tn);
	if (a->tls || !strncmp(name, tcp_prefix, tn)) {
		char *rest = xstrdup(name + tn), *host, *port;
		if (passive) { // [PORT][:HOST]
			port = rest;
			host = strchr(rest, ':');
			if (host)
				*host++ = '\0';
			else
				host = rest + strlen(rest);
			if (*host == '[' && host[strlen(host) - 1] == ']') {
				host[strlen(host) - 1] = '\0';
				host++;
			}
		} else {
			split(rest, &host, &port);
		}
		struct error *e = !passive && !*host
					  ? error_new("%s: host must be specified", name)
					  : set_inet(a, host, port, default_port, passive, name);
		if (a->tls && !passive && !is_numeric(host))
			snprintf(a->server_name, sizeof(a->server_name), "%s", host);
		free(rest);
		return e;
	}
	const char *rest = passive ? "[PORT][:HOST]" : "HOST[:PORT]";
	return error_new("%s: unknown connection method; expected %sFILE, %s%s or %s%s", name,
			 unix_prefix, tcp_prefix, rest, ssl_prefix, rest);
}

char *address_format(const struct sockaddr_storage *ss, bool tls)
{
	const char *method = tls ? "ssl" : "tcp";
	char text[INET6_ADDRSTRLEN];
	if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		return xasprintf("%s:%s:%u", method, text, ntohs(in->sin_port));
	}
	if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		return xasprintf("%s:[%s]:%u", method, text, ntohs(in6->sin6_port));
	}
	return xstrdup("unix");
}
