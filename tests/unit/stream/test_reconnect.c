/* SPDX-License-Identifier: Apache-2.0 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "stream/reconnect.h"

static void test_backoff_doubles_up_to_the_limit(void **state)
{
	struct reconnect r;
	int64_t now = 0;
	static const int64_t expected[] = {1000, 2000, 4000, 8000, 8000};
	reconnect_init(&r, now);
	assert_int_equal(reconnect_run(&r, now), RECONNECT_DO_NOTHING);
	reconnect_enable(&r, now);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(reconnect_run(&r, now), RECONNECT_DO_CONNECT);
		reconnect_connecting(&r, now);
		reconnect_disconnected(&r, now);
		assert_int_equal(reconnect_deadline(&r), now + expected[i]);
		assert_int_equal(reconnect_run(&r, now + expected[i] - 1), RECONNECT_DO_NOTHING);
		now += expected[i];
	}
	assert_int_equal(r.n_attempts, 5);
}

static void test_silence_is_probed_then_cut(void **state)
{
	struct reconnect r;
	reconnect_init(&r, 0);
	reconnect_enable(&r, 0);
	reconnect_connecting(&r, 0);
	reconnect_connected(&r, 10);
	assert_int_equal(reconnect_run(&r, 5009), RECONNECT_DO_NOTHING);
	assert_int_equal(reconnect_run(&r, 5010), RECONNECT_DO_PROBE);
	assert_int_equal(r.state, RECONNECT_IDLE);
	reconnect_heard(&r, 6000);
	assert_int_equal(r.state, RECONNECT_ACTIVE);
	assert_int_equal(reconnect_run(&r, 11000), RECONNECT_DO_PROBE);
	assert_int_equal(reconnect_run(&r, 15999), RECONNECT_DO_NOTHING);
	assert_int_equal(reconnect_run(&r, 16000), RECONNECT_DO_DISCONNECT);
	reconnect_disconnected(&r, 16000);
	// It had carried something: the back-off begins anew.
	assert_int_equal(r.backoff, 1000);
}

static void test_connecting_times_out(void **state)
{
	struct reconnect r;
	reconnect_init(&r, 0);
	reconnect_enable(&r, 0);
	reconnect_connecting(&r, 0);
	assert_int_equal(reconnect_run(&r, 9999), RECONNECT_DO_NOTHING);
	assert_int_equal(reconnect_run(&r, 10000), RECONNECT_DO_DISCONNECT);
}

static void test_no_probe_when_zero(void **state)
{
	struct reconnect r;
	reconnect_init(&r, 0);
	r.probe_interval = 0;
	reconnect_enable(&r, 0);
	reconnect_connecting(&r, 0);
	reconnect_connected(&r, 0);
	assert_true(reconnect_deadline(&r) == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff_doubles_up_to_the_limit),
		cmocka_unit_test(test_silence_is_probed_then_cut),
		cmocka_unit_test(test_connecting_times_out),
		cmocka_unit_test(test_no_probe_when_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
