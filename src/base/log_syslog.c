/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_syslog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

// Sockets are not connected: each message names its receiver, so that a syslog daemon that is not
// there yet, or starts anew, gets what comes afterwards.
struct receiver {
	int fd;
	socklen_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} address;
};

enum method { METHOD_UNSET, METHOD_NULL, METHOD_LIBC, METHOD_DIRECT };
enum { SYSLOG_PORT = 514 };

static enum method method;
static struct receiver direct = {.fd = -1}, target = {.fd = -1};
static int facility; // 0: not set; nobody but the kernel has its own

// By number, as RFC 5424 counts them; 10 is for private messages of authorization.
static const char *const facilities[] = {
	"kern",	  "user",   "mail",   "daemon", "auth",	  "syslog", "lpr",    "news",
	"uucp",	  "clock",  "",	      "ftp",	"ntp",	  "audit",  "alert",  "clock2",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
};

bool log_syslog_set_facility(const char *name)
{
	for (size_t i = 0; *name && i < sizeof(facilities) / sizeof(facilities[0]); i++)
		if (!strcasecmp(facilities[i], name)) {
			facility = (int)i << 3;
			if (method == METHOD_LIBC)
				openlog(log_program(), LOG_NDELAY,
					log_syslog_priority(0, LOG_DAEMON));
			return true;
		}
	return false;
}

int log_syslog_priority(int severity, int standard)
{
	return (facility ? facility : standard) | severity;
}

// The port behind an IP address; -1 for what is none.
static int parse_port(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && port > 0 && port <= UINT16_MAX ? (int)port
										       : -1;
}

// "IP[:PORT]" with an IPv6 address in brackets. `port` is the standard one, or 0 when it must be
// said.
static struct error *parse_inet(const char *text, int port, struct receiver *r)
{
	char host[INET6_ADDRSTRLEN] = "";
	bool brackets = *text == '[';
	const char *end = text + brackets + strcspn(text + brackets, brackets ? "]" : ":");
	snprintf(host, sizeof(host), "%.*s", (int)(end - text - brackets), text + brackets);
	if (brackets && *end++ != ']')
		return error_new("%s: ']' expected behind the IPv6 address", text);
	if (*end == ':')
		port = parse_port(end + 1);
	else if (*end)
		port = -1;
	if (!port)
		return error_new("%s: port must be specified", text);
	if (port < 0)
		return error_new("%s: bad port number: 1 to 65535 expected", text);
	if (!brackets && inet_pton(AF_INET, host, &r->address.in.sin_addr) == 1) {
		r->address.in.sin_family = AF_INET;
		r->address.in.sin_port = htons((uint16_t)port);
		r->len = sizeof(r->address.in);
	} else if (brackets && inet_pton(AF_INET6, host, &r->address.in6.sin6_addr) == 1) {
		r->address.in6.sin6_family = AF_INET6;
		r->address.in6.sin6_port = htons((uint16_t)port);
		r->len = sizeof(r->address.in6);
	} else {
		return error_new("%s: bad IP address: a.b.c.d or [IPV6] expected", text);
	}
	return NULL;
}

static struct error *parse_unix(const char *path, struct receiver *r)
{
	if (!*path || strlen(path) >= sizeof(r->address.un.sun_path))
		return error_new("\"%s\": name of a socket with 1 to %zu characters expected", path,
				 sizeof(r->address.un.sun_path) - 1);
	r->address.un.sun_family = AF_UNIX;
	strcpy(r->address.un.sun_path, path);
	r->len = sizeof(r->address.un);
	return NULL;
}

// Puts a new socket in the place of the one before.
static struct error *open_receiver(struct receiver *r, struct receiver *wanted)
{
	wanted->fd =
		socket(wanted->address.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (wanted->fd < 0)
		return error_errno(errno, "socket for syslog");
	if (r->fd >= 0)
		close(r->fd);
	*r = *wanted;
	return NULL;
}

static void send_datagram(const struct receiver *r, const char *data, size_t n)
{
	ssize_t sent;
	do {
		sent = sendto(r->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL, &r->address.any, r->len);
	} while (sent < 0 && errno == EINTR);
}

struct error *log_syslog_set_method(const char *wanted)
{
	if (!wanted) {
		wanted = getenv("OVS_SYSLOG_METHOD");
		if (!wanted || !*wanted)
			wanted = "libc";
	}
	struct receiver r = {.fd = -1};
	struct error *e = NULL;
	if (!strcmp(wanted, "null")) {
		method = METHOD_NULL;
	} else if (!strcmp(wanted, "libc")) {
		openlog(log_program(), LOG_NDELAY, log_syslog_priority(0, LOG_DAEMON));
		method = METHOD_LIBC;
	} else if (!strncmp(wanted, "unix:", 5) || !strncmp(wanted, "udp:", 4)) {
		e = *wanted == 'u' && wanted[1] == 'n' ? parse_unix(wanted + 5, &r)
						       : parse_inet(wanted + 4, SYSLOG_PORT, &r);
		if (!e)
			e = open_receiver(&direct, &r);
		if (e)
			return error_wrap(e, "syslog method '%s'", wanted);
		method = METHOD_DIRECT;
	} else {
		e = error_new("unsupported syslog method '%s': use 'libc', 'unix:FILE', "
			      "'udp:IP:PORT' or 'null'",
			      wanted);
	}
	return e;
}

struct error *log_syslog_set_target(const char *wanted)
{
	struct receiver r = {.fd = -1};
	struct error *e = parse_inet(wanted, 0, &r);
	if (!e)
		e = open_receiver(&target, &r);
	return e ? error_wrap(e, "syslog target") : NULL;
}

bool log_syslog_wanted(void)
{
	if (method == METHOD_UNSET && log_has_program()) {
		struct error *e = log_syslog_set_method(NULL);
		if (e) {
			fprintf(stderr, "%s: OVS_SYSLOG_METHOD: %s\n", log_program(),
				error_text(e));
			error_free(e);
			method = METHOD_NULL;
		}
	}
	return method == METHOD_LIBC || method == METHOD_DIRECT;
}

bool log_syslog_has_target(void)
{
	return target.fd >= 0;
}

const char *log_syslog_prefix(void)
{
	static const char *const prefixes[] = {"<%B> %D{%h %e %T} %E %A:", "",
					       "<%B> %D{%h %e %T} %E %A:", "<%B>"};
	return prefixes[method];
}

void log_syslog_send(int severity, const char *message)
{
	for (size_t n; *message; message += n + (message[n] == '\n')) {
		n = strcspn(message, "\n");
		if (!n)
			continue;
		if (method == METHOD_LIBC) {
			syslog(severity, "%.*s", (int)n, message);
			continue;
		}
		struct str line = STR_INIT;
		str_addf(&line, "<%d>", log_syslog_priority(severity, LOG_DAEMON));
		str_addn(&line, message, n);
		send_datagram(&direct, line.s, line.len);
		str_done(&line);
	}
}

void log_syslog_send_to_target(const struct str *message)
{
	send_datagram(&target, message->s, message->len);
}
