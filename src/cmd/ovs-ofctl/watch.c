/* SPDX-License-Identifier: Apache-2.0 */
// Commands that listen to a switch or measure the way to it.
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "cmd/ovs-ofctl/ofctl.h"
#include "loop/loop.h"
#include "rpc/appctl.h"

// --- monitor, snoop

struct watcher {
	struct session session;
	struct appctl *appctl;
	struct appctl_call *barrier; // waits for the answer to ofctl/barrier
	uint32_t barrier_xid;
	bool blocked, exiting, answer_echo, resume;
	int signal; // that ends it; 0: none
};

static void cmd_exit(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	((struct watcher *)arg)->exiting = true;
	appctl_reply(call, "");
}

// What is wrong with the message; NULL: nothing.
static const char *parse_message(const char *hex, struct buf *b)
{
	for (; *hex; hex++) {
		if (isspace((unsigned char)*hex))
			continue;
		if (!isxdigit((unsigned char)hex[0]) || !isxdigit((unsigned char)hex[1]))
			return "Trailing garbage in hex data";
		char pair[3] = {hex[0], hex[1], '\0'};
		buf_add_u8(b, (uint8_t)strtoul(pair, NULL, 16));
		hex++;
	}
	if (b->len < sizeof(struct ofp_header))
		return "Message too short for OpenFlow";
	if (b->len != ofp_length(b->data))
		return "Message size does not match length in OpenFlow header";
	return NULL;
}

static void cmd_send(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct watcher *w = arg;
	struct str reply = STR_INIT;
	bool ok = true;
	for (int i = 1; i < argc; i++) {
		struct buf b = BUF_INIT;
		const char *wrong = parse_message(argv[i], &b);
		if (!wrong) {
			fputs("send: ", stderr);
			session_print(&w->session, stderr, b.data, b.len,
				      w->session.ofctl->verbosity);
			int error = ofclient_send(w->session.of, b.data, b.len);
			wrong = error ? strerror(error < 0 ? ECONNRESET : error) : NULL;
		}
		ok &= !wrong;
		str_addf(&reply, "%s\n", wrong ? wrong : "sent");
		buf_done(&b);
	}
	if (ok)
		appctl_reply(call, str_cstr(&reply));
	else
		appctl_error(call, str_cstr(&reply));
	str_done(&reply);
}

static void cmd_packet_out(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct watcher *w = arg;
	struct ofp_packet_out po = {0};
	uint8_t *frame = NULL;
	uint32_t usable;
	struct buf b = BUF_INIT;
	struct ofpact_text t = port_names_to_parse(&w->session.names);
	struct error *e = packet_out_parse(argv[1], &t, &po, &frame, &usable);
	if (e) {
		appctl_error(call, error_text(e));
		error_free(e);
	} else {
		ofp_encode_packet_out(&b, &po, w->session.protocol, session_xid(&w->session));
		session_print(&w->session, stderr, b.data, b.len, w->session.ofctl->verbosity);
		if (ofclient_send(w->session.of, b.data, b.len))
			appctl_error(call, "the connection is closed");
		else
			appctl_reply(call, "");
	}
	buf_done(&b);
	free(frame);
	ofp_packet_out_done(&po);
}

static void cmd_barrier(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct watcher *w = arg;
	struct buf b = BUF_INIT;
	if (w->barrier) {
		appctl_error(call, "already waiting for barrier reply");
		return;
	}
	w->barrier_xid = session_xid(&w->session);
	ofp_encode_simple(&b, OFPTYPE_BARRIER_REQUEST, w->session.version, w->barrier_xid);
	if (ofclient_send(w->session.of, b.data, b.len))
		appctl_error(call, "the connection is closed");
	else
		w->barrier = call;
	buf_done(&b);
}

static void cmd_set_output_file(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	int fd = open(argv[1], O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0) {
		appctl_error(call, strerror(errno));
		return;
	}
	fflush(stderr);
	dup2(fd, STDERR_FILENO);
	close(fd);
	appctl_reply(call, "");
}

static void cmd_block(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct watcher *w = arg;
	if (w->blocked)
		appctl_reply(call, "already blocking\n");
	else
		appctl_reply(call, "");
	w->blocked = true;
}

static void cmd_unblock(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct watcher *w = arg;
	if (w->blocked)
		appctl_reply(call, "");
	else
		appctl_reply(call, "already unblocked\n");
	w->blocked = false;
}

static void start_appctl(struct watcher *w)
{
	struct error *e =
		appctl_new(ofclient_loop(w->session.of), w->session.ofctl->unixctl, &w->appctl);
	if (e)
		command_die("failed to create unixctl server (%s)", error_text(e));
	appctl_register(w->appctl, "exit", "", 0, 0, cmd_exit, w);
	appctl_register(w->appctl, "ofctl/send", "OFMSG...", 1, -1, cmd_send, w);
	appctl_register(w->appctl, "ofctl/packet-out",
			"\"in_port=<port> packet=<hex data> actions=...\"", 1, 1, cmd_packet_out,
			w);
	appctl_register(w->appctl, "ofctl/barrier", "", 0, 0, cmd_barrier, w);
	appctl_register(w->appctl, "ofctl/set-output-file", "FILE", 1, 1, cmd_set_output_file, w);
	appctl_register(w->appctl, "ofctl/block", "", 0, 0, cmd_block, w);
	appctl_register(w->appctl, "ofctl/unblock", "", 0, 0, cmd_unblock, w);
}

static void print_time(void)
{
	int64_t now = clock_wall_ms();
	time_t seconds = (time_t)(now / 1000);
	struct tm tm;
	char text[64];
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(stderr, "%s.%03d: ", text, (int)(now % 1000));
}

// Lets a packet go on that waits for it.
static void resume(struct watcher *w, const struct ofp_msg *m)
{
	struct buf b = BUF_INIT;
	if (!ofp_encode_resume(&b, m, session_xid(&w->session)))
		return;
	fputs("send: ", stderr);
	session_print(&w->session, stderr, b.data, b.len, w->session.ofctl->verbosity + 2);
	int error = ofclient_send(w->session.of, b.data, b.len);
	buf_done(&b);
	if (error)
		session_talk_failed(&w->session, error);
}

static void take_message(struct watcher *w, const uint8_t *msg, size_t n)
{
	struct ofp_msg m;
	if (w->session.ofctl->timestamp)
		print_time();
	int error = ofp_msg_decode(msg, n, &m);
	session_print(&w->session, stderr, msg, n, w->session.ofctl->verbosity + 2);
	if (error)
		return;
	if (m.type == OFPTYPE_BARRIER_REPLY && w->barrier && m.xid == w->barrier_xid) {
		appctl_reply(w->barrier, "");
		w->barrier = NULL;
	}
	if (m.type == OFPTYPE_PACKET_IN && w->resume)
		resume(w, &m);
	if (m.type == OFPTYPE_ECHO_REQUEST && w->answer_echo) {
		struct buf b = BUF_INIT;
		ofp_encode_echo_reply(&b, &m);
		int sent = ofclient_send(w->session.of, b.data, b.len);
		buf_done(&b);
		if (sent)
			session_talk_failed(&w->session, sent);
	}
}

static void on_signal(void *arg, int number)
{
	((struct watcher *)arg)->signal = number;
}

// Until a command or a signal says that it is enough. 0, errno or EOF.
static int listen_until_end(struct watcher *w)
{
	while (!w->exiting && !w->signal) {
		const uint8_t *msg;
		size_t n;
		int error = w->blocked ? -EAGAIN : ofclient_try_recv(w->session.of, &msg, &n);
		if (!error)
			take_message(w, msg, n);
		else if (error == -EAGAIN)
			loop_run_once(ofclient_loop(w->session.of), -1);
		else
			return error;
	}
	// Lets the answer to "exit" out.
	loop_run_once(ofclient_loop(w->session.of), 0);
	return 0;
}

static void watch(struct watcher *w)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct loop_signal *handlers[3];
	// A daemon lets go of stderr, but that is where the messages go.
	int err = dup(STDERR_FILENO);
	start_appctl(w);
	for (int i = 0; i < 3; i++)
		handlers[i] =
			loop_signal_add(ofclient_loop(w->session.of), signals[i], on_signal, w);
	daemon_ready();
	dup2(err, STDERR_FILENO);
	close(err);
	int error = listen_until_end(w);
	// Whatever ends it, neither socket nor pidfile stays behind.
	for (int i = 0; i < 3; i++)
		loop_signal_remove(handlers[i]);
	appctl_free(w->appctl);
	session_close(&w->session);
	daemon_done();
	if (error)
		command_die("vconn_recv (%s)", error < 0 ? "End of file" : strerror(error));
	if (w->signal) {
		signal(w->signal, SIG_DFL);
		raise(w->signal);
	}
}

static bool set_packet_in_format(struct session *s, enum ofp_packet_in_format format)
{
	struct buf b = BUF_INIT;
	ofp_encode_set_packet_in_format(&b, format, s->version, session_xid(s));
	struct buf failure = session_send(s, &b);
	bool ok = !failure.len;
	buf_done(&failure);
	buf_done(&b);
	return ok;
}

static void choose_packet_in_format(struct session *s)
{
	static const char *const names[] = {"standard", "nxt_packet_in", "nxt_packet_in2"};
	int wanted = s->ofctl->packet_in_format;
	if (wanted >= 0) {
		if (!set_packet_in_format(s, (enum ofp_packet_in_format)wanted))
			command_die("%s: failed to set packet in format to %s, error",
				    ofclient_name(s->of), names[wanted]);
		return;
	}
	if (!set_packet_in_format(s, OFP_PIN_NXT2) && s->version == OFP10)
		(void)set_packet_in_format(s, OFP_PIN_NXT);
}

static void set_config(struct session *s, int miss_send_len, bool invalid_ttl)
{
	struct buf b = BUF_INIT;
	struct ofp_msg m;
	struct ofp_config config;
	size_t n;
	ofp_encode_simple(&b, OFPTYPE_GET_CONFIG_REQUEST, s->version, session_xid(s));
	const uint8_t *reply = session_transact(s, &b, &n);
	if (ofp_msg_decode(reply, n, &m) || m.type != OFPTYPE_GET_CONFIG_REPLY ||
	    ofp_decode_config(&m, &config))
		command_die("%s: bad reply to config request", ofclient_name(s->of));
	if (miss_send_len >= 0)
		config.miss_send_len = (uint16_t)miss_send_len;
	if (invalid_ttl)
		config.invalid_ttl_to_controller = 1;
	buf_clear(&b);
	ofp_encode_config(&b, OFPTYPE_SET_CONFIG, &config, s->version, session_xid(s));
	session_send_or_die(s, &b);
	buf_done(&b);
}

// Asks for news of flow tables. The flows that are there already come as the answer.
static void ask_for_flows(struct session *s, const char *spec)
{
	struct ofpact_text t = port_names_to_parse(&s->names);
	struct ofp_flow_monitor_request r;
	struct buf b = BUF_INIT;
	uint32_t usable;
	struct error *e = ofp_flow_monitor_parse(spec, &t, &r, &usable);
	end_on_error(NULL, e);
	if (!(usable & s->protocol) && s->version != OFP10) {
		char *formats = ofp_protocols_format(usable);
		command_die("\"watch:%s\" needs one of %s ('-O')", spec, formats);
	}
	r.id = 1;
	ofp_encode_flow_monitor_request(&b, &r, s->version, session_xid(s));
	int error = ofclient_send(s->of, b.data, b.len);
	if (error)
		session_talk_failed(s, error);
	buf_done(&b);
}

// Later versions have none of this.
static void need_versions(struct ofctl *o, const char *what, uint32_t versions)
{
	if (!(o->versions & versions)) {
		struct str s = STR_INIT;
		ofp_versions_format(versions, &s);
		command_die("%s requires one of the OpenFlow versions %s but none is enabled (use "
			    "-O)",
			    what, str_cstr(&s));
	}
	o->versions &= versions;
}

static void monitor(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct watcher w = {.answer_echo = true};
	int miss_send_len = -1;
	bool invalid_ttl = false;
	const char *watched = NULL;
	for (int i = 2; i < argc; i++) {
		if (isdigit((unsigned char)argv[i][0]))
			miss_send_len = atoi(argv[i]);
		else if (!strcmp(argv[i], "invalid_ttl"))
			invalid_ttl = true;
		else if (!strncmp(argv[i], "watch:", 6))
			watched = argv[i] + 6;
		else if (!strcmp(argv[i], "resume"))
			w.resume = true;
		else
			command_die("%s: unsupported \"monitor\" argument", argv[i]);
	}
	if (invalid_ttl)
		need_versions(o, "invalid_ttl", 1u << OFP10 | 1u << OFP11 | 1u << OFP12);
	daemon_start(&o->daemon);
	session_open(&w.session, o, argv[1], "mgmt");
	if (miss_send_len >= 0 || invalid_ttl)
		set_config(&w.session, miss_send_len, invalid_ttl);
	choose_packet_in_format(&w.session);
	if (watched)
		ask_for_flows(&w.session, watched);
	watch(&w);
}

static void snoop(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct watcher w = {0};
	daemon_start(&o->daemon);
	session_open(&w.session, o, argv[1], "snoop");
	watch(&w);
}

// --- Echo: probe, ping, benchmark

static const uint8_t *echo(struct session *s, const void *payload, size_t n, uint32_t *xid,
			   size_t *reply_len)
{
	struct buf b = BUF_INIT;
	*xid = session_xid(s);
	ofp_encode_echo_request(&b, s->version, *xid, payload, n);
	const uint8_t *reply = session_transact(s, &b, reply_len);
	buf_done(&b);
	return reply;
}

static void probe(int argc, char *argv[], void *arg)
{
	struct session s;
	uint32_t xid;
	size_t n;
	session_open(&s, arg, argv[1], "mgmt");
	(void)echo(&s, NULL, 0, &xid, &n);
	if (n != sizeof(struct ofp_header))
		command_die("reply does not match request");
	session_close(&s);
}

enum { MAX_PAYLOAD = OFP_MAX_LEN - (int)sizeof(struct ofp_header) };

static void ping(int argc, char *argv[], void *arg)
{
	struct session s;
	unsigned long payload = argc > 2 ? strtoul(argv[2], NULL, 10) : 64;
	if (payload > MAX_PAYLOAD)
		command_die("payload must be between 0 and %d bytes", MAX_PAYLOAD);
	uint8_t *bytes = xmalloc(payload);
	session_open(&s, arg, argv[1], "mgmt");
	for (int i = 0; i < 10; i++) {
		uint32_t xid;
		size_t n;
		random_bytes(bytes, payload);
		uint64_t start = clock_real_ns();
		const uint8_t *reply = echo(&s, bytes, payload, &xid, &n);
		uint64_t end = clock_real_ns();
		size_t got = n - sizeof(struct ofp_header);
		if (reply[1] != 3 || got != payload ||
		    memcmp(reply + sizeof(struct ofp_header), bytes, payload)) {
			printf("Reply does not match request.  Reply:\n");
			session_print(&s, stdout, reply, n, s.ofctl->verbosity + 2);
		}
		printf("%zu bytes from %s: xid=%08x time=%.1f ms\n", got, argv[1], xid,
		       (double)(end - start) / 1e6);
	}
	free(bytes);
	session_close(&s);
}

static void benchmark(int argc, char *argv[], void *arg)
{
	struct session s;
	unsigned long payload = strtoul(argv[2], NULL, 10), count = strtoul(argv[3], NULL, 10);
	if (payload > MAX_PAYLOAD)
		command_die("payload must be between 0 and %d bytes", MAX_PAYLOAD);
	unsigned long message = payload + sizeof(struct ofp_header);
	uint8_t *bytes = xcalloc(1, payload ? payload : 1);
	printf("Sending %lu packets * %lu bytes (with header) = %lu bytes total\n", count, message,
	       count * message);
	session_open(&s, arg, argv[1], "mgmt");
	uint64_t start = clock_real_ns();
	for (unsigned long i = 0; i < count; i++) {
		uint32_t xid;
		size_t n;
		(void)echo(&s, bytes, payload, &xid, &n);
	}
	double ms = (double)(clock_real_ns() - start) / 1e6;
	printf("Finished in %.1f ms (%.0f packets/s) (%.0f bytes/s)\n", ms,
	       (double)count / ms * 1000, (double)(count * message) / ms * 1000);
	free(bytes);
	session_close(&s);
}

const struct command watch_commands[] = {
	{"monitor", "switch [misslen] [invalid_ttl] [watch:[...]]", 1, 4, monitor},
	{"snoop", "switch", 1, 1, snoop},
	{"probe", "target", 1, 1, probe},
	{"ping", "target [n]", 1, 2, ping},
	{"benchmark", "target n count", 3, 3, benchmark},
	{0},
};
