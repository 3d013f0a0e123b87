/* SPDX-License-Identifier: Apache-2.0 */
// The table of settings, and what values they take.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "vswitchd/settings.h"

static void test_table(void **state)
{
	for (size_t i = 0; i < n_settings; i++) {
		const struct setting *s = &settings[i];
		assert_ptr_equal(setting_find(s->table, s->column, s->key), s); // no row twice
		assert_true(s->kind != SETTING_INT || s->min < s->max);
		assert_true(s->kind != SETTING_TEXT || s->max > 0);
		assert_true((s->kind == SETTING_ONE_OF) == (s->choices != NULL));
	}
	assert_null(setting_find("Bridge", "other_config", "max-idle"));  // that of another table
	assert_null(setting_find("Interface", "other_config", "enable")); // that of another column
}

static void check(const char *table, const char *column, const char *key, const char *value,
		  const char *expected)
{
	struct str wanted = STR_INIT;
	bool good = setting_check(setting_find(table, column, key), value, &wanted);
	if (good != !expected || (expected && strcmp(str_cstr(&wanted), expected)))
		fail_msg("%s=%s: \"%s\"", key, value, str_cstr(&wanted));
	str_done(&wanted);
}

static void test_values(void **state)
{
#define BRIDGE(key, value, expected) check("Bridge", "other_config", key, value, expected)
	BRIDGE("forward-bpdu", "true", NULL);
	BRIDGE("forward-bpdu", "FALSE", NULL);
	BRIDGE("forward-bpdu", "yes", "true or false");
	BRIDGE("mac-aging-time", "15", NULL);
	BRIDGE("mac-aging-time", "3600", NULL);
	BRIDGE("mac-aging-time", "14", "a number from 15 to 3600");
	BRIDGE("mac-aging-time", "", "a number from 15 to 3600");
	BRIDGE("mac-aging-time", "60s", "a number from 15 to 3600");
	BRIDGE("hwaddr", "00:11:22:33:44:55", NULL);
	BRIDGE("hwaddr", "01:11:22:33:44:55",
	       "the Ethernet address of a station, like 00:11:22:33:44:55");
	BRIDGE("hwaddr", "0:11:22:33:44:55",
	       "the Ethernet address of a station, like 00:11:22:33:44:55");
	BRIDGE("hwaddr", "00:11:22:33:44:55:66",
	       "the Ethernet address of a station, like 00:11:22:33:44:55");
	BRIDGE("hwaddr", "00:00:00:00:00:00",
	       "the Ethernet address of a station, like 00:11:22:33:44:55");
	BRIDGE("datapath-id", "0x1", NULL);
	BRIDGE("datapath-id", "00000000000000af", NULL);
	BRIDGE("datapath-id", "af", "16 hexadecimal digits, or 0x and 1 to 16 of them, and not 0");
	BRIDGE("datapath-id", "0x0", "16 hexadecimal digits, or 0x and 1 to 16 of them, and not 0");
	BRIDGE("datapath-id", "0x11112222333344445",
	       "16 hexadecimal digits, or 0x and 1 to 16 of them, and not 0");
	BRIDGE("dp-sn", "1234567890123456789012345678901", NULL);
	BRIDGE("dp-sn", "12345678901234567890123456789012", "at most 31 characters");
#define SYSTEM(key, value, expected) check("Open_vSwitch", "other_config", key, value, expected)
	SYSTEM("max-idle", "499", "a number, at least 500");
	SYSTEM("flow-limit", "0", NULL);
	SYSTEM("pmd-cpu-mask", "0xff", NULL);
	SYSTEM("pmd-cpu-mask", "0x", "hexadecimal digits");
	SYSTEM("tc-policy", "skip_sw", NULL);
	SYSTEM("tc-policy", "skip", "one of: none, skip_sw, skip_hw");
	SYSTEM("tc-policy", "skip_sw,", "one of: none, skip_sw, skip_hw");
	SYSTEM("tc-policy", "", "one of: none, skip_sw, skip_hw");
}

static void test_guesses(void **state)
{
	assert_string_equal(setting_guess("Bridge", "other_config", "mac_aging_time")->key,
			    "mac-aging-time");
	assert_string_equal(setting_guess("Bridge", "other_config", "HWADDR")->key, "hwaddr");
	assert_string_equal(setting_guess("Open_vSwitch", "other_config", "max-idl")->key,
			    "max-idle");
	assert_null(setting_guess("Bridge", "other_config", "zz"));
	assert_null(setting_guess("Bridge", "other_config", "max-idle"));
	char huge[500];
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_null(setting_guess("Bridge", "other_config", huge));
}

static void test_integers(void **state)
{
	struct smap map = SMAP_INIT;
	assert_int_equal(setting_int("Bridge", &map, "mac-aging-time", 300), 300);
	smap_set(&map, "mac-aging-time", "5"); // forced into the range
	assert_int_equal(setting_int("Bridge", &map, "mac-aging-time", 300), 15);
	smap_set(&map, "mac-aging-time", "99999");
	assert_int_equal(setting_int("Bridge", &map, "mac-aging-time", 300), 3600);
	smap_set(&map, "mac-aging-time", "x");
	assert_int_equal(setting_int("Bridge", &map, "mac-aging-time", 300), 300);
	smap_set(&map, "max-idle", "5"); // ignored
	assert_int_equal(setting_int("Open_vSwitch", &map, "max-idle", 10000), 10000);
	smap_done(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_integers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
