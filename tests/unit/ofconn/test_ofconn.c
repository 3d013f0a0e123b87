/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ofconn/hello.h"
#include "ofconn/ofconn.h"
#include "openflow/message.h"

enum { END_OF_FILE = -1 };

// One end is an ofconn, the other a bare socket.
struct world {
	struct loop *loop;
	struct ofconn *c;
	int fd;
	unsigned int n_connected, n_messages, n_closed, n_drained;
	int error;
	uint8_t last_type, other_version;
	uint32_t last_xid;
	bool free_in_message, free_in_connected, stop_reading;
};

static void on_connected(void *arg)
{
	struct world *w = arg;
	w->n_connected++;
	if (w->free_in_connected) {
		ofconn_free(w->c);
		w->c = NULL;
	}
}

static void on_message(void *arg, const uint8_t *msg, size_t n)
{
	struct world *w = arg;
	assert_int_equal(n, ofp_length(msg));
	w->n_messages++;
	w->last_type = msg[1];
	w->last_xid = ofp_xid(msg);
	if (w->free_in_message) {
		ofconn_free(w->c);
		w->c = NULL;
	} else if (w->stop_reading) {
		ofconn_set_reading(w->c, false);
	}
}

static void on_closed(void *arg, int error)
{
	struct world *w = arg;
	w->n_closed++;
	w->error = error;
}

static void on_drained(void *arg)
{
	((struct world *)arg)->n_drained++;
}

static void on_other_version(void *arg, uint8_t version)
{
	((struct world *)arg)->other_version = version;
}

static const struct ofconn_callbacks callbacks = {.connected = on_connected,
						  .message = on_message,
						  .other_version = on_other_version,
						  .closed = on_closed,
						  .drained = on_drained};
static const struct stream_callbacks nothing;

static void setup(struct world *w, uint32_t versions)
{
	int fds[2];
	*w = (struct world){.loop = loop_new()};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	struct ofconn_options options = {.versions = versions, .probe_interval = 5000};
	struct stream *s = stream_from_fd(w->loop, fds[0], "test", &nothing, NULL);
	w->c = ofconn_accept(w->loop, s, &options, &callbacks, w);
	w->fd = fds[1];
}

static void teardown(struct world *w)
{
	ofconn_free(w->c);
	if (w->fd >= 0)
		close(w->fd);
	loop_free(w->loop);
}

static void run(struct world *w)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(w->loop, 0);
}

static void say(struct world *w, const struct buf *b)
{
	assert_int_equal(write(w->fd, b->data, b->len), b->len);
	run(w);
}

static void say_hello(struct world *w, uint32_t versions)
{
	struct buf b = BUF_INIT;
	ofp_encode_hello(&b, versions, 1);
	say(w, &b);
	buf_done(&b);
}

// The next message that the connection sent.
static void hear(struct world *w, struct buf *b)
{
	run(w);
	buf_clear(b);
	uint8_t *head = buf_add_zeros(b, 8);
	assert_int_equal(recv(w->fd, head, 8, MSG_DONTWAIT), 8);
	size_t n = ofp_length(head);
	if (n > 8)
		assert_int_equal(recv(w->fd, buf_add_zeros(b, n - 8), n - 8, MSG_DONTWAIT), n - 8);
}

static void assert_silent(struct world *w)
{
	char c;
	run(w);
	assert_int_equal(recv(w->fd, &c, 1, MSG_DONTWAIT), -1);
}

static void test_negotiation(void **state)
{
	static const struct {
		uint32_t ours, theirs;
		uint8_t version;
	} cases[] = {
		{OFP_VERSIONS_ALL, OFP_VERSIONS_ALL, OFP15},
		{OFP_VERSIONS_ALL, 1 << OFP10, OFP10},
		{1 << OFP10 | 1 << OFP13, OFP_VERSIONS_ALL, OFP13},
		{1 << OFP10 | 1 << OFP13, 1 << OFP10 | 1 << OFP14, OFP10},
		{1 << OFP10, 1 << OFP13, 0},
		{1 << OFP13, 1 << OFP10 | 1 << OFP11, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		struct buf b = BUF_INIT;
		struct ofp_msg m;
		setup(&w, cases[i].ours);
		hear(&w, &b);
		assert_int_equal(ofp_msg_decode(b.data, b.len, &m), 0);
		assert_int_equal(m.type, OFPTYPE_HELLO);
		say_hello(&w, cases[i].theirs);
		if (cases[i].version) {
			assert_int_equal(w.n_connected, 1);
			assert_int_equal(ofconn_version(w.c), cases[i].version);
			assert_true(ofconn_is_connected(w.c));
			assert_string_equal(ofconn_state_name(w.c), "ACTIVE");
		} else {
			assert_int_equal(w.n_closed, 1);
			assert_int_equal(w.error, EPROTO);
			hear(&w, &b);
			struct cursor payload;
			assert_int_equal(ofp_msg_decode(b.data, b.len, &m), 0);
			assert_int_equal(ofp_decode_error(&m, &payload), OFPHFC_INCOMPATIBLE);
			assert_true(cursor_left(&payload) > 20);
			assert_false(ofconn_is_connected(w.c));
		}
		buf_done(&b);
		teardown(&w);
	}
}

static void test_negotiation_texts(void **state)
{
	struct buf hello = BUF_INIT, answer = BUF_INIT;
	char *why = NULL;
	ofp_encode_hello(&hello, 1 << OFP14, 9);
	assert_int_equal(
		hello_negotiate(1 << OFP10 | 1 << OFP13, hello.data, hello.len, &answer, &why), 0);
	assert_string_equal(why, "version negotiation failed (we support versions 0x01, 0x04, peer "
				 "supports version 0x05)");
	const char *text =
		"We support versions 0x01, 0x04, you support version 0x05, no common versions.";
	assert_int_equal(answer.len, 12 + strlen(text));
	assert_memory_equal(answer.data + 12, text, strlen(text));
	assert_int_equal(ofp_xid(answer.data), 9);
	free(why);
	buf_clear(&hello);
	buf_clear(&answer);
	ofp_encode_hello(&hello, 1 << OFP10 | 1 << OFP11, 9);
	assert_int_equal(hello_negotiate(1 << OFP15, hello.data, hello.len, &answer, &why), 0);
	assert_string_equal(why, "version negotiation failed (we support version 0x06, peer "
				 "supports version 0x02 and earlier)");
	free(why);
	buf_done(&hello);
	buf_done(&answer);
}

static void test_first_message_must_be_hello(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	char c;
	setup(&w, OFP_VERSIONS_ALL);
	hear(&w, &b);
	buf_clear(&b);
	ofp_encode_echo_request(&b, OFP10, 3, NULL, 0);
	say(&w, &b);
	assert_int_equal(w.error, EPROTO);
	assert_int_equal(recv(w.fd, &c, 1, MSG_DONTWAIT), 0); // hung up, without a word
	buf_done(&b);
	teardown(&w);
}

static void connect_up(struct world *w, uint8_t version)
{
	struct buf b = BUF_INIT;
	setup(w, OFP_VERSIONS_ALL);
	hear(w, &b);
	say_hello(w, 1u << version);
	assert_int_equal(w->n_connected, 1);
	buf_done(&b);
}

// Versions to come have echoes, too.
static void test_echo_of_unknown_version(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	static const uint8_t request[] = {9, 2, 0, 11, 0, 0, 0, 7, 'a', 'b', 'c'};
	connect_up(&w, OFP13);
	buf_add(&b, request, sizeof(request));
	say(&w, &b);
	hear(&w, &b);
	assert_int_equal(b.len, sizeof(request));
	b.data[1]--;
	assert_memory_equal(b.data, request, sizeof(request));
	buf_done(&b);
	teardown(&w);
}

// Messages arrive whole however the bytes are cut, echoes are not shown.
static void test_framing(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	connect_up(&w, OFP13);
	ofp_encode_simple(&b, OFPTYPE_BARRIER_REQUEST, OFP13, 10);
	ofp_encode_echo_request(&b, OFP13, 11, "abc", 3);
	ofp_encode_hello(&b, 1 << OFP13, 12); // the second: what to say of it is not decided here
	ofp_encode_set_controller_id(&b, 5, OFP13, 13);
	for (size_t i = 0; i < b.len; i++) {
		assert_int_equal(write(w.fd, b.data + i, 1), 1);
		loop_run_once(w.loop, 0);
	}
	run(&w);
	assert_int_equal(w.n_messages, 3);
	assert_int_equal(w.last_xid, 13);
	hear(&w, &b);
	struct ofp_msg m;
	assert_int_equal(ofp_msg_decode(b.data, b.len, &m), 0);
	assert_int_equal(m.type, OFPTYPE_ECHO_REPLY);
	assert_int_equal(m.xid, 11);
	assert_int_equal(cursor_left(&m.body), 3);
	assert_silent(&w);

	static const uint8_t lie[8] = {4, 5, 0, 7, 0, 0, 0, 0}; // shorter than a header
	assert_int_equal(write(w.fd, lie, 8), 8);
	run(&w);
	assert_int_equal(w.n_closed, 1);
	assert_int_equal(w.error, EPROTO);
	buf_done(&b);
	teardown(&w);
}

static void test_other_version_is_refused(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	struct ofp_msg m;
	connect_up(&w, OFP10);
	ofp_encode_simple(&b, OFPTYPE_BARRIER_REQUEST, OFP13, 10);
	say(&w, &b);
	assert_int_equal(w.n_messages, 0);
	assert_int_equal(w.other_version, OFP13);
	assert_int_equal(w.n_closed, 0);
	hear(&w, &b);
	assert_int_equal(ofp_msg_decode(b.data, b.len, &m), 0);
	assert_int_equal(ofp_decode_error(&m, NULL), OFPBRC_BAD_VERSION);
	buf_done(&b);
	teardown(&w);
}

static void test_peer_closes(void **state)
{
	struct world w;
	connect_up(&w, OFP10);
	close(w.fd);
	w.fd = -1;
	run(&w);
	assert_int_equal(w.n_closed, 1);
	assert_int_equal(w.error, END_OF_FILE);
	assert_int_equal(ofconn_last_error(w.c), END_OF_FILE);
	assert_false(ofconn_send(w.c, "12345678", 8));
	teardown(&w);
}

static void test_freed_in_callbacks(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	connect_up(&w, OFP10);
	w.free_in_message = true;
	ofp_encode_simple(&b, OFPTYPE_BARRIER_REQUEST, OFP10, 10);
	ofp_encode_simple(&b, OFPTYPE_BARRIER_REQUEST, OFP10, 11);
	say(&w, &b);
	assert_int_equal(w.n_messages, 1);
	teardown(&w);

	setup(&w, OFP_VERSIONS_ALL);
	w.free_in_connected = true;
	buf_clear(&b);
	ofp_encode_hello(&b, OFP_VERSIONS_ALL, 1);
	ofp_encode_simple(&b, OFPTYPE_BARRIER_REQUEST, OFP15, 11);
	say(&w, &b);
	assert_int_equal(w.n_connected, 1);
	assert_int_equal(w.n_messages, 0);
	buf_done(&b);
	teardown(&w);
}

// With reading off nothing is shown, not even what was received already; with reading on all of it
// is.
static void test_back_pressure(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	connect_up(&w, OFP10);
	w.stop_reading = true;
	for (uint32_t i = 0; i < 100; i++)
		ofp_encode_simple(&b, OFPTYPE_BARRIER_REQUEST, OFP10, i);
	say(&w, &b);
	assert_int_equal(w.n_messages, 1);
	for (unsigned int n = 2; n <= 100; n++) {
		ofconn_set_reading(w.c, true);
		run(&w);
		assert_int_equal(w.n_messages, n);
		assert_int_equal(w.last_xid, n - 1);
	}
	assert_int_equal(ofconn_counters(w.c).received, 101);
	buf_done(&b);
	teardown(&w);
}

static void test_sending_much(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	connect_up(&w, OFP10);
	uint8_t *bytes = xcalloc(1, 60000);
	ofp_encode_echo_request(&b, OFP10, 1, bytes, 60000);
	for (int i = 0; i < 200; i++)
		assert_true(ofconn_send(w.c, b.data, b.len));
	run(&w);
	assert_true(ofconn_backlog(w.c) > OFCONN_HIGH);
	size_t got = 0;
	for (int i = 0; i < 10000 && got < 200 * b.len; i++) {
		ssize_t n = recv(w.fd, bytes, 60000, MSG_DONTWAIT);
		if (n > 0)
			got += (size_t)n;
		loop_run_once(w.loop, 0);
	}
	assert_int_equal(got, 200 * b.len);
	assert_true(w.n_drained > 0);
	assert_int_equal(ofconn_backlog(w.c), 0);
	free(bytes);
	buf_done(&b);
	teardown(&w);
}

// A peer that asks and does not read is not listened to until it reads; nothing is lost.
static void test_asks_and_does_not_read(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	connect_up(&w, OFP10);
	uint8_t *bytes = xcalloc(1, 60000);
	ofp_encode_echo_request(&b, OFP10, 1, bytes, 60000);
	size_t asked = 0, got = 0, at = 0;
	for (int i = 0; i < 3000; i++) {
		ssize_t n = send(w.fd, b.data + at, b.len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			at += (size_t)n;
		if (at == b.len) {
			at = 0;
			asked++;
		}
		loop_run_once(w.loop, 0);
	}
	assert_true(asked * b.len > OFCONN_HIGH);
	assert_in_range(ofconn_backlog(w.c), OFCONN_HIGH, OFCONN_HIGH + b.len);
	size_t before = asked;
	ssize_t n = send(w.fd, b.data + at, b.len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
	assert_int_equal(n, -1); // the socket is full: the peer has to wait
	for (int i = 0; i < 100000 && got < before * b.len; i++) {
		n = recv(w.fd, bytes, 60000, MSG_DONTWAIT);
		if (n > 0)
			got += (size_t)n;
		loop_run_once(w.loop, 0);
	}
	assert_int_equal(got, before * b.len);
	assert_int_equal(ofconn_backlog(w.c), 0);
	free(bytes);
	buf_done(&b);
	teardown(&w);
}

static void test_give_up(void **state)
{
	struct world w;
	connect_up(&w, OFP10);
	ofconn_give_up(w.c, ENOBUFS);
	assert_int_equal(w.n_closed, 0);
	run(&w);
	assert_int_equal(w.n_closed, 1);
	assert_int_equal(w.error, ENOBUFS);
	ofconn_give_up(w.c, ENOBUFS); // it is lost already
	run(&w);
	assert_int_equal(w.n_closed, 1);
	teardown(&w);
}

// Silence is answered with an echo request, continued silence with disconnection.
static void test_probe(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	struct ofp_msg m;
	connect_up(&w, OFP13);
	clock_stop();
	clock_warp(5001);
	loop_clock_changed(w.loop);
	hear(&w, &b);
	assert_int_equal(ofp_msg_decode(b.data, b.len, &m), 0);
	assert_int_equal(m.type, OFPTYPE_ECHO_REQUEST);
	assert_string_equal(ofconn_state_name(w.c), "IDLE");
	buf_clear(&b);
	ofp_encode_echo_reply(&b, &m);
	say(&w, &b);
	assert_string_equal(ofconn_state_name(w.c), "ACTIVE");
	assert_int_equal(w.n_messages, 0);
	clock_warp(5001);
	loop_clock_changed(w.loop);
	run(&w);
	assert_string_equal(ofconn_state_name(w.c), "IDLE");
	clock_warp(5001);
	loop_clock_changed(w.loop);
	run(&w);
	assert_int_equal(w.n_closed, 1);
	assert_int_equal(w.error, ETIMEDOUT);
	buf_done(&b);
	teardown(&w);
}

static void accept_one(void *arg, struct stream *s)
{
	*(struct stream **)arg = s;
}

// An active connection comes up against a listener, and again after it was lost.
static void test_reconnects(void **state)
{
	struct world client = {.loop = loop_new(), .fd = -1},
		     server = {.loop = client.loop, .fd = -1};
	char path[64], target[80], listen[80];
	snprintf(path, sizeof(path), "/tmp/test_ofconn.%d", (int)getpid());
	snprintf(target, sizeof(target), "unix:%s", path);
	snprintf(listen, sizeof(listen), "punix:%s", path);
	struct ofconn_options options = {.versions = OFP_VERSIONS_ALL};
	assert_null(ofconn_connect(client.loop, target, &options, &callbacks, &client, &client.c));
	run(&client);
	assert_int_equal(client.n_closed, 1); // nobody listens yet
	assert_string_equal(ofconn_state_name(client.c), "BACKOFF");
	assert_int_equal(ofconn_last_error(client.c), ENOENT);

	struct stream_listener *listener;
	struct stream *accepted = NULL;
	assert_null(
		stream_listen(client.loop, listen, OFP_PORT_TCP, accept_one, &accepted, &listener));
	for (unsigned int round = 1; round <= 3; round++) {
		accepted = NULL;
		clock_warp(10000);
		loop_clock_changed(client.loop);
		for (int i = 0; i < 50 && !accepted; i++)
			loop_run_once(client.loop, 10);
		assert_non_null(accepted);
		server.c = ofconn_accept(server.loop, accepted, &options, &callbacks, &server);
		for (int i = 0; i < 50 && client.n_connected < round; i++)
			loop_run_once(client.loop, 10);
		assert_int_equal(client.n_connected, round);
		assert_int_equal(server.n_connected, round);
		assert_int_equal(ofconn_version(client.c), OFP15);
		ofconn_close_gracefully(server.c);
		for (int i = 0; i < 50 && client.n_closed < round + 1; i++)
			loop_run_once(client.loop, 10);
		assert_int_equal(client.n_closed, round + 1);
		assert_int_equal(client.error, END_OF_FILE);
	}
	stream_listener_free(listener);
	teardown(&client);

	struct error *e = ofconn_connect(NULL, "nonsense", &options, &callbacks, NULL, &client.c);
	(void)e;
	assert_non_null(e);
	error_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_negotiation),
		cmocka_unit_test(test_negotiation_texts),
		cmocka_unit_test(test_first_message_must_be_hello),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_echo_of_unknown_version),
		cmocka_unit_test(test_other_version_is_refused),
		cmocka_unit_test(test_peer_closes),
		cmocka_unit_test(test_freed_in_callbacks),
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_sending_much),
		cmocka_unit_test(test_asks_and_does_not_read),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_reconnects),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
