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
#include <unistd.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "base/rcu.h"
#include "base/str.h"
#include "base/uuid.h"
#include "base/vec.h"

LOG_MODULE(test_base);
COUNTER(test_event);

static void test_marks(void **state)
{
	const struct str_style style = {.before = {[MARK_PARAM] = "<", [MARK_DROP] = "!"},
					.after = ">"};
	struct str s = STR_INIT, styled = {.style = &style}, *both[] = {&s, &styled};
	for (int i = 0; i < 2; i++) {
		str_mark_name(both[i], "a");
		str_add_u64(both[i], 5);
		str_mark(both[i], MARK_DROP, "drop");
		str_mark_begin(both[i], MARK_PARAM);
		str_addf(both[i], "%s:", "b");
		str_mark_end(both[i]);
		str_addc(both[i], 'c');
	}
	assert_string_equal(str_cstr(&s), "a=5dropb:c");
	assert_string_equal(str_cstr(&styled), "<a=>5!drop><b:>c");
	str_clear(&styled);
	str_mark(&styled, MARK_PARAM, "");
	assert_string_equal(str_cstr(&styled), "<>");
	str_done(&styled);
	str_mark(&styled, MARK_PARAM, "a");
	assert_string_equal(str_cstr(&styled), "a");
	str_done(&s);
	str_done(&styled);
}

static void test_str(void **state)
{
	struct str s = STR_INIT;
	assert_string_equal(str_cstr(&s), "");
	for (int i = 0; i < 1000; i++)
		str_addf(&s, "%d,", i);
	assert_true(str_chomp(&s, ','));
	assert_false(str_chomp(&s, ','));
	assert_int_equal(s.len, strlen(s.s));
	assert_string_equal(s.s + s.len - 4, ",999");
	str_clear(&s);
	str_add_hex(&s, "\x01\xab", 2);
	assert_string_equal(str_cstr(&s), "01ab");
	str_done(&s);
}

static void test_parse(void **state)
{
	uint64_t u = 7;
	uint8_t b = 7;
	int64_t i;
	double d;
	assert_int_equal(parse_u64("0x10", 0, &u), 0);
	assert_int_equal(u, 16);
	assert_int_equal(parse_u64("-1", 0, &u), -EINVAL);
	assert_int_equal(parse_u64("", 0, &u), -EINVAL);
	assert_int_equal(parse_u64("1x", 0, &u), -EINVAL);
	assert_int_equal(parse_u64("18446744073709551616", 10, &u), -ERANGE);
	assert_int_equal(parse_u8("256", 10, &b), -ERANGE);
	assert_int_equal(b, 7);
	assert_int_equal(parse_i64("-5", 10, &i), 0);
	assert_int_equal(i, -5);
	assert_int_equal(parse_double("1e3", &d), 0);
	assert_true(d > 999 && d < 1001);
}

static void test_vec(void **state)
{
	VEC(int) v = {0};
	for (int i = 0; i < 100; i++)
		vec_push(&v, i);
	vec_remove(&v, 0);
	assert_int_equal(v.v[0], 1);
	vec_swap_remove(&v, 0);
	assert_int_equal(v.v[0], 99);
	assert_int_equal(v.n, 98);
	vec_done(&v);
}

static void test_error(void **state)
{
	struct error *e = error_wrap(error_errno(-ENOENT, "opening %s", "x"), "starting");
	assert_string_equal(error_text(e), "starting: opening x: No such file or directory");
	assert_int_equal(error_code(e), ENOENT);
	error_free(e);
	assert_null(error_wrap(NULL, "nothing"));
}

static void test_cursor(void **state)
{
	struct buf b = BUF_INIT;
	buf_add_u8(&b, 1);
	buf_add_be16(&b, 0x0203);
	buf_add_be32(&b, 0x04050607);
	buf_pad(&b, 0, 8);
	assert_int_equal(b.len, 8);
	struct cursor c = cursor_make(b.data, b.len);
	assert_int_equal(cursor_u8(&c), 1);
	assert_int_equal(cursor_be16(&c), 0x0203);
	struct cursor sub = cursor_sub(&c, 4);
	assert_int_equal(cursor_be32(&sub), 0x04050607);
	assert_int_equal(cursor_be16(&sub), 0);
	assert_true(sub.bad);
	assert_false(c.bad);
	assert_int_equal(cursor_be64(&c), 0);
	assert_true(c.bad);
	assert_int_equal(cursor_left(&c), 0);
	buf_done(&b);
}

static void test_uuid(void **state)
{
	struct uuid a = uuid_random(), b;
	char text[64];
	snprintf(text, sizeof(text), UUID_FORMAT, UUID_ARGS(&a));
	assert_int_equal(strlen(text), UUID_TEXT_LEN);
	assert_true(uuid_parse(text, &b));
	assert_true(uuid_equal(&a, &b));
	assert_int_equal(text[14], '4');
	assert_false(uuid_parse("550e8400-e29b-41d4-a716-44665544000", &b));
	assert_false(uuid_parse("550e8400-e29b-41d4-a716-4466554400000", &b));
}

static void test_clock(void **state)
{
	clock_stop();
	int64_t before = clock_ms();
	usleep(3000);
	assert_int_equal(clock_ms(), before);
	clock_warp(5000);
	assert_int_equal(clock_ms(), before + 5000);
}

static void test_log(void **state)
{
	char path[] = "/tmp/sluice-log-XXXXXX";
	close(mkstemp(path));
	log_set_program("./test_base");
	assert_null(log_open_file(path));
	assert_null(log_set_levels("console:off"));
	assert_null(log_set_levels("test_base:file:dbg"));
	log_dbg("hello %d", 5);
	struct error *e = log_set_levels("nonsense:dbg");
	assert_string_equal(error_text(e), "no destination, level, or module \"nonsense\"");
	error_free(e);
	FILE *f = fopen(path, "r");
	char line[256];
	assert_non_null(fgets(line, sizeof(line), f)); // opened log file
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line + 24, "|00002|test_base|DBG|hello 5\n");
	fclose(f);
	unlink(path);
	log_close_file();
}

static void test_counter(void **state)
{
	uint64_t n;
	counter_add(test_event, 3);
	assert_int_equal(counters_read("test_event", &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(counters_read("no_such", &n), -ENOENT);
	struct str s = STR_INIT;
	counters_tick();
	counters_format(&s);
	assert_non_null(strstr(s.s, "test_event"));
	str_done(&s);
}

static void test_rcu(void **state)
{
	rcu_register();
	rcu_free_later(malloc(10), free);
	rcu_quiescent();
	rcu_offline();
	rcu_barrier_all();
	rcu_online();
	rcu_unregister();
}

static void test_random(void **state)
{
	random_seed(1);
	uint64_t a = random_u64();
	random_seed(1);
	assert_int_equal(a, random_u64());
	for (int i = 0; i < 1000; i++)
		assert_true(random_below(7) < 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_str),   cmocka_unit_test(test_marks),
		cmocka_unit_test(test_parse), cmocka_unit_test(test_vec),
		cmocka_unit_test(test_error), cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_uuid),  cmocka_unit_test(test_log),
		cmocka_unit_test(test_clock), cmocka_unit_test(test_counter),
		cmocka_unit_test(test_rcu),   cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
