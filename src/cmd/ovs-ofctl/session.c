/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/log.h"
#include "cmd/ovs-ofctl/ofctl.h"
#include "stream/stream.h"

LOG_MODULE(vconn);
LOG_MODULE_AS(ofctl_log, "ofctl");

static bool is_socket(const char *path)
{
	struct stat s;
	return !stat(path, &s) && S_ISSOCK(s.st_mode);
}

// The name of the connection that `target` stands for; owned by the caller. *path: the socket's
// file, when `target` is not a name itself.
static char *find_target(const char *target, const char *suffix, char **path)
{
	*path = NULL;
	if (strchr(target, ':'))
		return xstrdup(target);
	if (is_socket(target)) {
		*path = realpath(target, NULL);
		if (!*path)
			*path = xstrdup(target);
	} else {
		const char *at = strchr(target, '@');
		*path = xasprintf("%s/%s.%s", dir_run(), at ? at + 1 : target, suffix);
		if (!is_socket(*path))
			command_die("%s is not a bridge or a socket", target);
	}
	return xasprintf("unix:%s", *path);
}

static void trace(void *arg, const struct ofclient *c, enum ofclient_event event, const void *msg,
		  size_t n)
{
	static const char *const words[] = {
		[OFCLIENT_SENT] = "sent (Success)", [OFCLIENT_RECEIVED] = "received"};
	if (event == OFCLIENT_OTHER_VERSION) {
		log_err_rl("%s: received OpenFlow version 0x%02x != expected %02x",
			   ofclient_name(c), *(const uint8_t *)msg, ofclient_version(c));
		return;
	}
	if (!log_enabled(LVL_DBG))
		return;
	if (event == OFCLIENT_NEGOTIATED) {
		log_dbg("%s: %s", ofclient_name(c), (const char *)msg);
		return;
	}
	struct str text = STR_INIT;
	struct ofp_print_options options = {.verbosity = 1};
	ofp_print(&text, msg, n, &options);
	str_chomp(&text, '\n');
	log_dbg("%s: %s: %s", ofclient_name(c), words[event], str_cstr(&text));
	str_done(&text);
}

static const char *reason(const char *name, int code)
{
	// Of a name, not of a file.
	return code == ENOENT && strncmp(name, "unix:", 5) ? "Host not found" : strerror(code);
}

// Says why there is no connection, and ends.
static void open_failed(const char *target, const char *name, const char *path, bool connected,
			struct error *e)
{
	int code = error_code(e);
	const char *text = error_text(e);
	size_t n = strlen(text), tail = strlen(": Protocol error");
	if (code == EPROTO &&
	    n > strlen(name) + tail) { // negotiated in vain, and there is a reason
		log_warn("%.*s", (int)(n - tail), text);
		code = EPIPE;
	}
	if (!code)
		command_die("%s", text);
	if (connected)
		command_die("%s: failed to connect to socket (%s)", target, strerror(code));
	if (path)
		command_die("%s: failed to open socket (%s)", path, strerror(code));
	command_die("connecting to %s (%s)", name, reason(name, code));
}

void session_open(struct session *s, struct ofctl *o, const char *target, const char *suffix)
{
	char *path, *name = find_target(target, suffix, &path);
	bool connected = false;
	const struct ofclient_options options = {.versions = o->versions,
						 .default_port = OFP_PORT_TCP,
						 .next_xid = &o->next_xid,
						 .tls = o->tls,
						 .trace = trace,
						 .any_version = !strcmp(suffix, "snoop"),
						 .connected = &connected};
	*s = (struct session){.ofctl = o};
	if (!stream_is_active_name(name))
		command_die("connecting to %s (%s)", name, strerror(EAFNOSUPPORT));
	log_write(&ofctl_log, LVL_DBG, "connecting to %s", name);
	struct error *e = ofclient_open(name, &options, &s->of);
	if (e)
		open_failed(target, name, path, connected, e);
	s->version = ofclient_version(s->of);
	s->protocol = ofp_protocol_of_version(s->version);
	port_names_init(&s->names, o, target);
	free(name);
	free(path);
}

void session_close(struct session *s)
{
	ofclient_close(s->of);
	port_names_done(&s->names);
	s->of = NULL;
}

uint32_t session_xid(struct session *s)
{
	return ofclient_next_xid(s->of);
}

void session_talk_failed(const struct session *s, int error)
{
	command_die("talking to %s (%s)", ofclient_name(s->of),
		    error < 0 ? "End of file" : strerror(error));
}

void session_print(struct session *s, FILE *f, const uint8_t *msg, size_t n, int verbosity)
{
	struct str text = text_to_show(s->ofctl);
	struct ofp_print_options options = port_names_to_print(&s->names);
	options.verbosity = verbosity;
	ofp_print(&text, msg, n, &options);
	fwrite(text.s, 1, text.len, f);
	str_done(&text);
}

const uint8_t *session_transact(struct session *s, const struct buf *request, size_t *n)
{
	const uint8_t *reply;
	int error = ofclient_transact(s->of, request->data, request->len, &reply, n);
	if (error)
		session_talk_failed(s, error);
	return reply;
}

static void print_reply(void *arg, const uint8_t *msg, size_t n)
{
	struct session *s = arg;
	session_print(s, stdout, msg, n, s->ofctl->verbosity + 1);
}

// An error about something that this program has sent. Others are not for us.
static bool is_error(const struct session *s, const uint8_t *msg)
{
	uint32_t xid = ofp_xid(msg);
	return msg[1] == 1 && xid && xid < s->ofctl->next_xid;
}

struct buf session_send(struct session *s, const struct buf *messages)
{
	struct buf barrier = BUF_INIT, failure = BUF_INIT;
	uint32_t xid = session_xid(s);
	int error = ofclient_send(s->of, messages->data, messages->len);
	ofp_encode_simple(&barrier, OFPTYPE_BARRIER_REQUEST, s->version, xid);
	if (!error)
		error = ofclient_send(s->of, barrier.data, barrier.len);
	buf_done(&barrier);
	while (!error) {
		const uint8_t *msg;
		size_t n;
		error = ofclient_recv(s->of, &msg, &n);
		if (error)
			break;
		if (is_error(s, msg) && !failure.len)
			buf_add(&failure, msg, n);
		if (ofp_xid(msg) == xid)
			return failure;
	}
	session_talk_failed(s, error);
}

static void print_failure(struct session *s, const struct buf *failure)
{
	session_print(s, stderr, failure->data, failure->len, s->ofctl->verbosity + 2);
	exit(EXIT_FAILURE);
}

void session_send_or_die(struct session *s, const struct buf *messages)
{
	struct buf failure = session_send(s, messages);
	if (failure.len)
		print_failure(s, &failure);
}

void session_stream(struct session *s, const struct buf *messages)
{
	int error = ofclient_send(s->of, messages->data, messages->len);
	const uint8_t *msg;
	size_t n;
	while (!error && !(error = ofclient_try_recv(s->of, &msg, &n)))
		if (is_error(s, msg)) {
			struct buf failure = {.data = (uint8_t *)(uintptr_t)msg, .len = n};
			print_failure(s, &failure);
		}
	if (error && error != -EAGAIN)
		session_talk_failed(s, error);
}

void session_stream_end(struct session *s)
{
	struct buf none = BUF_INIT;
	session_send_or_die(s, &none);
}

void session_bad_reply(struct session *s, const uint8_t *msg, size_t n)
{
	struct str text = STR_INIT;
	struct ofp_print_options options = {.verbosity = s->ofctl->verbosity + 1};
	ofp_print(&text, msg, n, &options);
	command_die("received bad reply: %s", str_cstr(&text));
}

// Is the message an answer to the request, an error being one? *more: others follow.
static bool answers(const struct buf *request, const uint8_t *msg, size_t n, bool *more)
{
	struct ofp_msg asked, m;
	*more = false;
	if (ofp_msg_decode(msg, n, &m))
		return false;
	if (m.type == OFPTYPE_ERROR || ofp_msg_decode(request->data, request->len, &asked) ||
	    !ofp_msg_is_stats_request(&asked))
		return true;
	if (!ofp_msg_is_stats_reply(&m) || strcmp(ofp_msg_name(&asked), ofp_msg_name(&m)))
		return false;
	*more = m.mp_flags & OFPMPF_MORE;
	return true;
}

void session_stats(struct session *s, const struct buf *request, session_reply_cb *cb, void *arg)
{
	uint32_t xid = ofp_xid(request->data);
	int error = ofclient_send(s->of, request->data, request->len);
	for (bool more = true; !error && more;) {
		const uint8_t *msg;
		size_t n;
		error = ofclient_recv(s->of, &msg, &n);
		if (error || ofp_xid(msg) != xid)
			continue;
		bool good = answers(request, msg, n, &more);
		if (good || cb == print_reply)
			cb(arg, msg, n);
		if (!good)
			session_bad_reply(s, msg, n);
	}
	if (error)
		session_talk_failed(s, error);
}

void session_show_stats(struct session *s, const struct buf *request)
{
	session_stats(s, request, print_reply, s);
}

// --- Ports.

struct port_list {
	session_port_cb *cb;
	void *arg;
};

static void list_ports(void *arg, const uint8_t *msg, size_t n)
{
	struct port_list *l = arg;
	struct ofp_msg m;
	struct ofp_port_desc desc;
	if (ofp_msg_decode(msg, n, &m) || m.type != OFPTYPE_PORT_DESC_STATS_REPLY)
		return;
	while (!ofp_port_desc_pull(&m.body, m.version, &desc))
		l->cb(l->arg, &desc);
}

// Ports from the switch's features. False: they are not there, or there may be more of them than
// fit into a message.
static bool list_features(struct session *s, const struct port_list *l)
{
	struct buf request = BUF_INIT;
	struct ofp_msg m;
	struct ofp_features f;
	struct ofp_port_desc desc;
	size_t n;
	ofp_encode_simple(&request, OFPTYPE_FEATURES_REQUEST, s->version, session_xid(s));
	const uint8_t *reply = session_transact(s, &request, &n);
	buf_done(&request);
	if (ofp_msg_decode(reply, n, &m) || m.type != OFPTYPE_FEATURES_REPLY ||
	    ofp_decode_features(&m, &f))
		session_bad_reply(s, reply, n);
	if (!f.all_ports)
		return false;
	while (!ofp_port_desc_pull(&f.ports, m.version, &desc))
		l->cb(l->arg, &desc);
	return true;
}

void session_ports(struct session *s, session_port_cb *cb, void *arg)
{
	struct port_list l = {cb, arg};
	struct buf request = BUF_INIT;
	// Not every switch describes its ports, but up to 1.2 its features have them.
	if (s->version < OFP13 && list_features(s, &l))
		return;
	ofp_encode_port_desc_request(&request, s->version, OFPP_NONE, session_xid(s));
	session_stats(s, &request, list_ports, &l);
	buf_done(&request);
}

void session_dump_simple(struct ofctl *o, const char *target, enum ofptype type)
{
	struct session s;
	struct buf request = BUF_INIT;
	size_t n;
	session_open(&s, o, target, "mgmt");
	ofp_encode_simple(&request, type, s.version, session_xid(&s));
	const uint8_t *reply = session_transact(&s, &request, &n);
	session_print(&s, stdout, reply, n, o->verbosity + 1);
	buf_done(&request);
	session_close(&s);
}

// --- Flow formats.

static bool try_step(struct session *s, enum ofp_protocol next)
{
	struct buf b = BUF_INIT;
	uint32_t xid = session_xid(s);
	if (ofp_protocol_uses_nxm(next) != ofp_protocol_uses_nxm(s->protocol))
		ofp_encode_set_flow_format(&b, ofp_protocol_uses_nxm(next), s->version, xid);
	else
		ofp_encode_flow_mod_table_id(&b, ofp_protocol_has_tid(next), s->version, xid);
	struct buf failure = session_send(s, &b);
	bool ok = !failure.len;
	buf_done(&failure);
	buf_done(&b);
	if (ok)
		s->protocol = next;
	return ok;
}

// 1.0's formats are switched on one property at a time.
static bool try_protocol(struct session *s, enum ofp_protocol want)
{
	while (s->protocol != want) {
		enum ofp_protocol next = want;
		if (ofp_protocol_version(want) != s->version)
			return false;
		if (ofp_protocol_uses_nxm(want) != ofp_protocol_uses_nxm(s->protocol))
			next = ofp_protocol_uses_nxm(want)
				       ? (ofp_protocol_has_tid(s->protocol) ? OFPROTO_NXM_TID
									    : OFPROTO_NXM)
				       : (ofp_protocol_has_tid(s->protocol) ? OFPROTO_10_TID
									    : OFPROTO_10);
		if (!try_step(s, next))
			return false;
	}
	return true;
}

static void require_allowed(const struct ofctl *o, uint32_t usable)
{
	if (usable & o->protocols)
		return;
	char *usable_s = ofp_protocols_format(usable),
	     *allowed_s = ofp_protocols_format(o->protocols);
	command_die("none of the usable flow formats (%s) is among the allowed flow formats (%s)",
		    usable_s, allowed_s);
}

static void no_format(uint32_t usable)
{
	char *text = ofp_protocols_format(usable);
	command_die("switch does not support any of the usable flow formats (%s)", text);
}

void session_open_for_flow_mod(struct session *s, struct ofctl *o, const char *target,
			       uint32_t usable)
{
	require_allowed(o, usable);
	session_open(s, o, target, "mgmt");
	uint32_t candidates = usable & o->protocols;
	if (candidates & s->protocol)
		return;
	for (uint32_t p = 1; p <= OFPROTO_15; p <<= 1)
		if (candidates & p && try_protocol(s, (enum ofp_protocol)p))
			return;
	no_format(usable);
}

void session_open_for_dump(struct session *s, struct ofctl *o, const char *target, uint32_t usable)
{
	// With the table_id extension last: only changes need it.
	static const enum ofp_protocol preferred[] = {OFPROTO_15, OFPROTO_14,	   OFPROTO_13,
						      OFPROTO_12, OFPROTO_11,	   OFPROTO_NXM,
						      OFPROTO_10, OFPROTO_NXM_TID, OFPROTO_10_TID};
	require_allowed(o, usable);
	session_open(s, o, target, "mgmt");
	for (size_t i = 0; i < sizeof(preferred) / sizeof(preferred[0]); i++)
		if (preferred[i] & usable & o->protocols && try_protocol(s, preferred[i]))
			return;
	no_format(usable);
}
