/* SPDX-License-Identifier: Apache-2.0 */
// The server in a child process, clients here.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "dbserver/remotes.h"
#include "dbserver/server.h"
#include "rpc/jsonrpc.h"

static char directory[] = "/tmp/test_server_XXXXXX";
static char target[64], socket_path[48];
static pid_t server_pid;

static const char schema_text[] = "{\"name\":\"T\",\"tables\":{\"t\":{\"columns\":{\"n\":{\"type\":"
				  "\"integer\"},\"s\":{\"type\":\"string\"}}}}}";

static void on_term(void *loop, int number)
{
	loop_stop(loop);
}

static void serve(int ready)
{
	struct db_schema *schema;
	prctl(PR_SET_PDEATHSIG, SIGKILL); // no orphan, should a test crash
	json_t *json = json_loads(schema_text, 0, NULL);
	db_error_free(db_schema_from_json(json, &schema));
	json_decref(json);
	struct loop *loop = loop_new();
	struct server *server = server_new(loop);
	db_error_free(server_add_database(server, database_new(schema)));
	struct remotes *remotes = remotes_new(server);
	char *listen = xasprintf("p%s", target);
	error_free(remotes_add(remotes, listen, NULL));
	error_free(remotes_update(remotes));
	free(listen);
	struct loop_signal *term = loop_signal_add(loop, SIGTERM, on_term, loop);
	if (write(ready, "", 1) != 1)
		_exit(1);
	loop_run(loop);
	loop_signal_remove(term);
	remotes_free(remotes);
	server_free(server);
	loop_free(loop);
	exit(0);
}

static int set_up(void **state)
{
	int fds[2];
	char byte;
	if (pipe(fds))
		return -1;
	fflush(NULL);
	server_pid = fork();
	if (!server_pid)
		serve(fds[1]);
	close(fds[1]);
	int n = (int)read(fds[0], &byte, 1);
	close(fds[0]);
	return n == 1 ? 0 : -1;
}

static int tear_down(void **state)
{
	int status;
	kill(server_pid, SIGTERM);
	waitpid(server_pid, &status, 0);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -1;
}

static void must(struct error *error)
{
	if (error)
		fail_msg("%s", error_text(error));
}

static struct jsonrpc_client *open_client(void)
{
	struct jsonrpc_client *c;
	struct error *error = jsonrpc_client_open(target, 5000, NULL, &c);
	if (error)
		fail_msg("%s", error_text(error));
	return c;
}

static json_t *parse(const char *text)
{
	char *copy = xstrdup(text);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json_t *json = json_loads(copy, JSON_DECODE_ANY, NULL);
	if (!json)
		fail_msg("%s", copy);
	free(copy);
	return json;
}

// JSON as text with ' for "; takes it.
static char *text_of(json_t *json)
{
	char *text = db_json_text(json), *p = text;
	while ((p = strchr(p, '"')))
		*p = '\'';
	json_decref(json);
	return text;
}

static void expect_call(struct jsonrpc_client *c, const char *method, const char *params,
			const char *answer)
{
	struct jsonrpc_message *reply;
	struct error *error = jsonrpc_client_call(c, method, parse(params), &reply);
	if (error)
		fail_msg("%s: %s", method, error_text(error));
	char *text =
		text_of(json_incref(reply->type == JSONRPC_REPLY ? reply->result : reply->error));
	assert_string_equal(text, answer);
	free(text);
	jsonrpc_message_free(reply);
}

static void expect_notice(struct jsonrpc_client *c, const char *method, const char *params)
{
	struct jsonrpc_message *m;
	struct error *error = jsonrpc_client_receive(c, &m);
	if (error)
		fail_msg("%s: %s", method, error_text(error));
	assert_int_equal(m->type, JSONRPC_NOTIFY);
	assert_string_equal(m->method, method);
	char *text = text_of(json_incref(m->params));
	assert_string_equal(text, params);
	free(text);
	jsonrpc_message_free(m);
}

static void test_locks(void **state)
{
	struct jsonrpc_client *a = open_client(), *b = open_client(), *c = open_client();
	expect_call(a, "lock", "['l']", "{'locked':true}");
	expect_call(b, "lock", "['l']", "{'locked':false}");
	expect_call(c, "steal", "['l']", "{'locked':true}");
	expect_notice(a, "stolen", "['l']");
	expect_call(a, "transact", "['T',{'op':'assert','lock':'l'}]",
		    "[{'details':'Asserted lock l not held.','error':'not owner'}]");
	expect_call(c, "transact", "['T',{'op':'assert','lock':'l'}]", "[{}]");
	jsonrpc_client_close(c); // its lock goes back to who had it
	expect_notice(a, "locked", "['l']");
	expect_call(a, "unlock", "['l']", "{}");
	expect_notice(b, "locked", "['l']");
	jsonrpc_client_close(a);
	jsonrpc_client_close(b);
}

static void test_update_before_reply(void **state)
{
	struct jsonrpc_client *c = open_client();
	expect_call(c, "monitor", "['T','m',{'t':{'columns':['n']}}]", "{}");
	struct jsonrpc_message *m = jsonrpc_request(
		"transact", parse("['T',{'op':'insert','table':'t','row':{'n':5}}]"));
	must(jsonrpc_client_send(c, m));
	must(jsonrpc_client_receive(c, &m));
	assert_int_equal(m->type, JSONRPC_NOTIFY);
	assert_string_equal(m->method, "update");
	jsonrpc_message_free(m);
	must(jsonrpc_client_receive(c, &m));
	assert_int_equal(m->type, JSONRPC_REPLY);
	jsonrpc_message_free(m);
	jsonrpc_client_close(c);
}

static void test_wait(void **state)
{
	static const char wait[] = "['T',{'op':'wait','table':'t','where':[['n','==',7]],'columns':"
				   "['s'],'until':'==','rows':[{'s':'x'}]},"
				   "{'op':'comment','comment':'done'}]";
	struct jsonrpc_client *a = open_client(), *b = open_client();
	struct jsonrpc_message *m = jsonrpc_request("transact", parse(wait));
	must(jsonrpc_client_send(a, m));
	// While one waits, the others are served.
	expect_call(b, "transact", "['T',{'op':'comment','comment':'x'}]", "[{}]");
	struct jsonrpc_message *reply;
	must(jsonrpc_client_call(b, "transact",
				 parse("['T',{'op':'insert','table':'t','row':{'n':7,'s':'x'}}]"),
				 &reply));
	jsonrpc_message_free(reply);
	must(jsonrpc_client_receive(a, &m));
	assert_int_equal(m->type, JSONRPC_REPLY);
	char *text = text_of(json_incref(m->result));
	assert_string_equal(text, "[{},{}]");
	free(text);
	jsonrpc_message_free(m);
	// Its time runs out.
	must(jsonrpc_client_call(
		a, "transact",
		parse("['T',{'op':'wait','table':'t','where':[],'columns':['n'],'until':'==',"
		      "'rows':[],'timeout':100}]"),
		&reply));
	text = text_of(json_incref(json_object_get(json_array_get(reply->result, 0), "error")));
	assert_string_equal(text, "'timed out'");
	free(text);
	jsonrpc_message_free(reply);
	jsonrpc_client_close(a);
	jsonrpc_client_close(b);
}

static void test_cancel(void **state)
{
	struct jsonrpc_client *a = open_client();
	struct jsonrpc_message *m = jsonrpc_request(
		"transact", parse("['T',{'op':'wait','table':'t','where':[],'columns':['n'],"
				  "'until':'!=','rows':[]}]"));
	json_t *id = json_incref(m->id);
	must(jsonrpc_client_send(a, m));
	json_t *params = json_array();
	json_array_append(params, id);
	must(jsonrpc_client_send(a, jsonrpc_notify("cancel", params)));
	must(jsonrpc_client_receive(a, &m));
	assert_int_equal(m->type, JSONRPC_ERROR);
	assert_true(json_equal(m->id, id));
	assert_string_equal(json_string_value(m->error), "canceled");
	jsonrpc_message_free(m);
	json_decref(id);
	jsonrpc_client_close(a);
}

static void test_conversion(void **state)
{
	struct jsonrpc_client *plain = open_client(), *aware = open_client(), *c = open_client();
	expect_call(aware, "set_db_change_aware", "[true]", "{}");
	expect_call(aware, "monitor", "['T',['m'],{'t':{'columns':['n']}}]", "{}");
	expect_call(plain, "monitor", "['T','m',{'t':{'columns':['n']}}]", "{}");
	expect_call(c, "convert",
		    "['T',{'name':'T','version':'2.0.0','tables':{'t':{'columns':{'n':{'type':'"
		    "integer'}}}}}]",
		    "{}");
	expect_notice(aware, "monitor_canceled", "[['m']]");
	struct jsonrpc_message *m;
	struct error *error = jsonrpc_client_receive(plain, &m);
	assert_non_null(error); // closed
	error_free(error);
	expect_call(aware, "transact",
		    "['T',{'op':'select','table':'t','where':[],'columns':['n']}]",
		    "[{'rows':[]}]");
	jsonrpc_client_close(plain);
	jsonrpc_client_close(aware);
	jsonrpc_client_close(c);
}

static int raw_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, socket_path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

// A client that monitors and does not read: what it is sent stays bounded, and when it reads at
// last it learns the present, not the past.
static void test_slow_client(void **state)
{
	enum { ROUNDS = 300, SIZE = 20000 };
	static const char request[] = "{\"method\":\"monitor_cond\",\"params\":[\"T\",\"m\",{\"t\":"
				      "{\"columns\":[\"n\",\"s\"]}}],\"id\":1}";
	struct jsonrpc_client *writer = open_client();
	struct jsonrpc_message *reply;
	int fd = raw_connect();
	char *big = xmalloc(SIZE + 1);
	memset(big, 'x', SIZE);
	big[SIZE] = '\0';
	must(jsonrpc_client_call(writer, "transact",
				 parse("['T',{'op':'insert','table':'t','row':{}}]"), &reply));
	jsonrpc_message_free(reply);
	assert_int_equal(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
	for (int i = 1; i <= ROUNDS; i++) {
		big[0] = (char)('a' + i % 26);
		json_t *params =
			json_pack("[s, {s:s, s:s, s:[], s:{s:i, s:s}}]", "T", "op", "update",
				  "table", "t", "where", "row", "n", i, "s", big);
		must(jsonrpc_client_call(writer, "transact", params, &reply));
		jsonrpc_message_free(reply);
	}
	free(big);
	size_t total = 0;
	bool last_seen = false;
	char *all = xcalloc(1, ROUNDS * SIZE + SIZE), last[32];
	snprintf(last, sizeof(last), "\"n\":%d", ROUNDS);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	while (!last_seen && poll(&p, 1, 5000) > 0) {
		ssize_t n = read(fd, all + total, ROUNDS * SIZE + SIZE - total - 1);
		assert_true(n > 0);
		total += (size_t)n;
		all[total] = '\0';
		last_seen = strstr(all + (total > 2 * SIZE ? total - 2 * SIZE : 0), last) != NULL;
	}
	assert_true(last_seen);
	assert_true(total < ROUNDS * SIZE / 2);
	free(all);
	close(fd);
	jsonrpc_client_close(writer);
}

// Nonsense ends one connection and nothing else.
static void test_bad_messages(void **state)
{
	static const char *const rows[] = {"{",
					   "[]",
					   "3",
					   "{\"foo\":1}",
					   "{\"id\":1,\"result\":{},\"error\":null}",
					   "\xff\xfe",
					   "{\"method\":\"echo\",\"params\":{},\"id\":1}",
					   "{\"method\":\"zap\",\"params\":[],\"id\":null}"};
	struct jsonrpc_client *c = open_client();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = raw_connect();
		char buffer[256];
		assert_true(write(fd, rows[i], strlen(rows[i])) > 0);
		shutdown(fd, SHUT_WR);
		while (read(fd, buffer, sizeof(buffer)) > 0)
			;
		close(fd);
		expect_call(c, "list_dbs", "[]", "['T','_Server']");
	}
	jsonrpc_client_close(c);
}

int main(void)
{
	if (!mkdtemp(directory))
		return 1;
	error_free(log_set_levels("console:off"));
	signal(SIGPIPE, SIG_IGN);
	snprintf(socket_path, sizeof(socket_path), "%s/sock", directory);
	snprintf(target, sizeof(target), "unix:%s", socket_path);
#define SERVER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		SERVER_TEST(test_locks),	SERVER_TEST(test_update_before_reply),
		SERVER_TEST(test_wait),		SERVER_TEST(test_cancel),
		SERVER_TEST(test_conversion),	SERVER_TEST(test_slow_client),
		SERVER_TEST(test_bad_messages),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(socket_path);
	rmdir(directory);
	return failed;
}
