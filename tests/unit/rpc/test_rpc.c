/* SPDX-License-Identifier: Apache-2.0 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "rpc/appctl.h"
#include "rpc/json_frame.h"
#include "rpc/jsonrpc.h"

static void test_frame_at_every_cut(void **state)
{
	static const char text[] = " {\"a\":[1,\"}]\\\"\",{}]}[]  {\"b\":\"\\\\\"}";
	static const long expected[] = {20, 2, 12};
	size_t n = sizeof(text) - 1;
	for (size_t cut = 0; cut <= n; cut++) {
		struct json_frame f = {0};
		size_t at = 0;
		int found = 0;
		for (size_t have = cut; at < n;) {
			long k = json_frame_scan(&f, (const uint8_t *)text + at, have - at);
			assert_true(k >= 0);
			if (!k) {
				assert_true(have < n);
				have++;
				continue;
			}
			assert_int_equal(k, expected[found++]);
			at += (size_t)k;
			if (have < at)
				have = at;
		}
		assert_int_equal(found, 3);
	}
}

static void test_frame_refuses(void **state)
{
	static const char *const bad[] = {"x", "\"a\"", "}", "1", "  ]"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json_frame f = {0};
		assert_int_equal(json_frame_scan(&f, (const uint8_t *)bad[i], strlen(bad[i])), -1);
	}
	char deep[2000];
	memset(deep, '[', sizeof(deep));
	struct json_frame f = {0};
	assert_int_equal(json_frame_scan(&f, (const uint8_t *)deep, sizeof(deep)), -1);
}

static void test_message_checks(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{}",
		"{\"method\":1,\"params\":[],\"id\":1}",
		"{\"method\":\"m\",\"params\":{},\"id\":1}",
		"{\"result\":1,\"error\":2,\"id\":1}",
		"{\"result\":1}",
		"{\"result\":1,\"id\":1,\"extra\":2}",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *json = json_loads(bad[i], 0, NULL);
		char *why;
		assert_null(jsonrpc_message_parse(json, &why));
		assert_non_null(why);
		free(why);
		json_decref(json);
	}
}

// --- A server and a client of the command channel, in two threads.

struct fixture {
	char dir[64];
	struct loop *loop;
	struct appctl *appctl;
	struct appctl_call *held;
};

static void add(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	char text[32];
	assert_null(argv[argc]);
	snprintf(text, sizeof(text), "%d\n", atoi(argv[1]) + atoi(argv[2]));
	appctl_reply_json(call, json_integer(atoi(argv[1]) + atoi(argv[2])), text);
}

static void later(void *arg)
{
	struct fixture *f = arg;
	appctl_reply(f->held, "late");
}

static void hold(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	static struct loop_defer defer;
	struct fixture *f = arg;
	f->held = call;
	loop_defer(f->loop, &defer, later, f);
}

static void stop(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	appctl_reply(call, NULL);
	loop_stop(((struct fixture *)arg)->loop);
}

static void *serve(void *arg)
{
	struct fixture *f = arg;
	loop_run(f->loop);
	appctl_free(f->appctl);
	loop_free(f->loop);
	return NULL;
}

static char *ask(const char *socket, bool json, bool expect_failure, int argc, char *argv[])
{
	bool failed;
	char *text;
	struct error *e = appctl_call(socket, argc, argv, json, 5000, &failed, &text);
	if (e)
		print_error("%s\n", error_text(e));
	assert_null(e);
	assert_int_equal(failed, expect_failure);
	return text;
}
#define ASK(json, failure, ...)                                                                    \
	ask(socket, json, failure, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *),               \
	    (char *[]){__VA_ARGS__})

static void assert_text(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static void test_appctl(void **state)
{
	struct fixture f = {.dir = "/tmp/sluice-rpc-XXXXXX"};
	char socket[80];
	assert_non_null(mkdtemp(f.dir));
	snprintf(socket, sizeof(socket), "%s/test.ctl", f.dir);
	f.loop = loop_new();
	assert_null(appctl_new(f.loop, socket, &f.appctl));
	appctl_register(f.appctl, "add", "A B", 2, 2, add, NULL);
	appctl_register(f.appctl, "hold", "", 0, 0, hold, &f);
	appctl_register(f.appctl, "stop", "", 0, 0, stop, &f);
	pthread_t t;
	pthread_create(&t, NULL, serve, &f);

	assert_text(ASK(false, false, "add", "2", "3"), "5\n");
	assert_text(ASK(true, false, "add", "2", "3"), "5");
	assert_text(ASK(false, false, "hold"), "late");
	assert_text(ASK(true, false, "hold"), "{\"reply-format\":\"plain\",\"reply\":\"late\"}");
	assert_text(ASK(false, true, "add", "2"),
		    "\"add\" command requires at least 2 arguments\n");
	assert_text(ASK(false, true, "add", "2", "3", "4"),
		    "\"add\" command takes at most 2 arguments\n");
	assert_text(ASK(false, true, "nosuch"),
		    "\"nosuch\" is not a valid command (use \"list-commands\" to see a list of "
		    "valid commands)\n");
	assert_text(ASK(false, true, "vlog/set", "nosuch:dbg"),
		    "no destination, level, or module \"nosuch\"\n");
	char *list = ASK(false, false, "list-commands");
	assert_non_null(strstr(list, "  add                     A B\n"));
	free(list);
	free(ASK(false, false, "stop"));
	pthread_join(t, NULL);
	assert_int_equal(rmdir(f.dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_at_every_cut),
		cmocka_unit_test(test_frame_refuses),
		cmocka_unit_test(test_message_checks),
		cmocka_unit_test(test_appctl),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
