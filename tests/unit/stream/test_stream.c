/* SPDX-License-Identifier: Apache-2.0 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream/stream.h"

struct peer {
	struct stream *stream;
	size_t received;
	int closed, connected, drained;
	bool echo;
};

static void on_connected(void *arg)
{
	((struct peer *)arg)->connected++;
}

static void on_readable(void *arg)
{
	struct peer *p = arg;
	size_t n;
	const uint8_t *bytes = stream_input(p->stream, &n);
	if (p->echo)
		stream_write(p->stream, bytes, n);
	p->received += n;
	stream_consume(p->stream, n);
}

static void on_drained(void *arg)
{
	((struct peer *)arg)->drained++;
}

static void on_closed(void *arg, int error)
{
	struct peer *p = arg;
	p->closed = error;
	stream_free(p->stream);
	p->stream = NULL;
}

static const struct stream_callbacks callbacks = {on_connected, on_readable, on_drained, on_closed};

static void on_accept(void *arg, struct stream *s)
{
	struct peer *p = arg;
	p->stream = s;
	stream_set_callbacks(s, &callbacks, p);
}

static void exchange(const char *listen_on, const char *connect_to)
{
	struct loop *loop = loop_new();
	struct stream_listener *l;
	struct peer server = {.echo = true}, client = {0};
	assert_null(stream_listen(loop, listen_on, 0, on_accept, &server, &l));
	char target[300];
	if (connect_to)
		snprintf(target, sizeof(target), "%s", connect_to);
	else
		snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", stream_listener_port(l));
	assert_null(stream_connect(loop, target, 0, &callbacks, &client, &client.stream));
	while (!client.connected && !client.closed)
		loop_run_once(loop, 1000);
	assert_int_equal(client.closed, 0);
	enum { SIZE = 24 * 1024 * 1024 };
	char *block = calloc(1, SIZE);
	stream_write(client.stream, block, SIZE);
	while (client.received < SIZE)
		loop_run_once(loop, 1000);
	assert_int_equal(client.received, SIZE);
	assert_true(client.drained > 0);
	// Closing with bytes still to send delivers them.
	stream_write(client.stream, block, SIZE);
	stream_close_gracefully(client.stream);
	server.echo = false;
	while (!server.closed)
		loop_run_once(loop, 1000);
	assert_int_equal(server.closed, -1);
	assert_int_equal(server.received, 2 * SIZE);
	free(block);
	stream_listener_free(l);
	loop_free(loop);
}

static void test_tcp(void **state)
{
	exchange("ptcp:0:127.0.0.1", NULL);
}

static void test_unix(void **state)
{
	char dir[] = "/tmp/sluice-stream-XXXXXX", listen_on[64], target[64];
	assert_non_null(mkdtemp(dir));
	snprintf(listen_on, sizeof(listen_on), "punix:%s/s", dir);
	snprintf(target, sizeof(target), "unix:%s/s", dir);
	exchange(listen_on, target);
	exchange(listen_on, target); // the name is free again
	assert_int_equal(rmdir(dir), 0);
}

static void test_long_unix_path(void **state)
{
	char dir[] = "/tmp/sluice-stream-XXXXXX", sub[256], listen_on[300], target[300];
	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/%0110d", dir, 7);
	assert_int_equal(mkdir(sub, 0700), 0);
	snprintf(listen_on, sizeof(listen_on), "punix:%s/s", sub);
	snprintf(target, sizeof(target), "unix:%s/s", sub);
	exchange(listen_on, target);
	assert_int_equal(rmdir(sub), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_failures(void **state)
{
	struct loop *loop = loop_new();
	struct peer p = {0};
	struct error *e = stream_connect(loop, "nonsense", 0, &callbacks, &p, &p.stream);
	assert_non_null(strstr(error_text(e), "unknown connection method"));
	error_free(e);
	e = stream_connect(loop, "tcp:127.0.0.1:99999", 0, &callbacks, &p, &p.stream);
	assert_non_null(strstr(error_text(e), "bad port number"));
	error_free(e);
	assert_null(stream_connect(loop, "unix:/nonexistent/s", 0, &callbacks, &p, &p.stream));
	while (!p.closed)
		loop_run_once(loop, 1000);
	assert_int_equal(p.closed, ENOENT);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_long_unix_path),
		cmocka_unit_test(test_failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
