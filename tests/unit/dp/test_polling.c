/* SPDX-License-Identifier: Apache-2.0 */
// Decisions about polling threads that need no threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/str.h"
#include "dp/dp.h"
#include "dp/user/balance.h"

static void add_pair(void *text, unsigned int queue, unsigned int core)
{
	str_addf(text, "%u>%u ", queue, core);
}

static void test_affinity(void **state)
{
	static const struct {
		const char *text, *pairs; // NULL: malformed
	} all[] = {
		{"0:3", "0>3 "},   {"0:3,1:7,3:8", "0>3 1>7 3>8 "}, {"2:0,", "2>0 "}, {"", NULL},	{"0", NULL},	 {"0:", NULL},
		{":3", NULL},	   {"0:3;1:4", NULL},		    {"a:b", NULL},    {"0:3,,1:2", NULL}, {"-1:3", NULL}, {"0:99999", NULL},
		{"0:3 ", NULL},	   {"4294967296:1", NULL},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct str text = STR_INIT;
		bool ok = dp_parse_affinity(all[i].text, add_pair, &text);
		assert_int_equal(ok, all[i].pairs != NULL);
		assert_string_equal(str_cstr(&text), ok ? all[i].pairs : "");
		str_done(&text);
	}
}

static void test_improvement(void **state)
{
	const uint64_t uneven[] = {90, 10}, even[] = {50, 50}, better[] = {60, 40}, three[] = {90, 0, 0};
	assert_int_equal(balance_improvement(uneven, even, 2), 100);
	assert_int_equal(balance_improvement(uneven, better, 2), 93); // 1600 to 100
	assert_int_equal(balance_improvement(even, uneven, 2), 0);
	assert_int_equal(balance_improvement(even, even, 2), 0);
	assert_int_equal(balance_improvement(three, three, 3), 0);
	assert_int_equal(balance_improvement(NULL, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_improvement),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
