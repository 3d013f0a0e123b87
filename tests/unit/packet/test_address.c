/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

static void assert_text(struct str *s, const char *want)
{
	assert_string_equal(str_cstr(s), want);
	str_done(s);
}

static void test_scan(void **state)
{
	uint8_t mac[6], v6[16];
	be32_t v4;
	const char *s = "0:11:2:33:44:5f/x";
	assert_true(mac_scan(&s, mac));
	assert_string_equal(s, "/x");
	assert_memory_equal(mac, "\x00\x11\x02\x33\x44\x5f", 6);
	s = "10.0.255.1,";
	assert_true(ipv4_scan(&s, &v4));
	assert_string_equal(s, ",");
	assert_int_equal(v4, BE32(0x0a00ff01));
	s = "fe80::1)";
	assert_true(ipv6_scan(&s, v6));
	assert_string_equal(s, ")");
	assert_memory_equal(v6, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);

	static const char *const not_mac[] = {"",
					      "00:11:22:33:44",
					      "00:11:22:33:44:",
					      "000:11:22:33:44:55",
					      "00:11:22:33:44:555",
					      "0g:11:22:33:44:55",
					      "00-11-22-33-44-55"};
	for (size_t i = 0; i < sizeof(not_mac) / sizeof(not_mac[0]); i++) {
		s = not_mac[i];
		assert_false(mac_scan(&s, mac));
		assert_ptr_equal(s, not_mac[i]);
	}
	static const char *const not_v4[] = {"",       "1.2.3",	     "1.2.3.",	"256.1.1.1",
					     "1..2.3", "1.2.3.4000", "a.b.c.d", "-1.2.3.4"};
	for (size_t i = 0; i < sizeof(not_v4) / sizeof(not_v4[0]); i++) {
		s = not_v4[i];
		assert_false(ipv4_scan(&s, &v4));
		assert_ptr_equal(s, not_v4[i]);
	}
	static const char *const not_v6[] = {
		"",
		":",
		"1:2",
		"1::2::3",
		"12345::",
		"1:2:3:4:5:6:7:8:9",
		"0000000000000000000000000000000000000000000000000000001::"};
	for (size_t i = 0; i < sizeof(not_v6) / sizeof(not_v6[0]); i++) {
		s = not_v6[i];
		assert_false(ipv6_scan(&s, v6));
		assert_ptr_equal(s, not_v6[i]);
	}
}

static void test_masks(void **state)
{
	for (unsigned int bits = 0; bits <= 32; bits++)
		assert_int_equal(ipv4_mask_bits(ipv4_mask_make(bits)), bits);
	assert_int_equal(ipv4_mask_bits(BE32(0xff00ff00)), -1);
	assert_int_equal(ipv4_mask_bits(BE32(1)), -1);
	for (unsigned int bits = 0; bits <= 128; bits++) {
		uint8_t mask[16];
		ipv6_mask_make(bits, mask);
		assert_int_equal(ipv6_mask_bits(mask), bits);
		if (bits < 127) {
			mask[15] |= 1;
			assert_int_equal(ipv6_mask_bits(mask), -1);
		}
	}
}

static void test_format(void **state)
{
	struct str s = STR_INIT;
	ipv4_format_masked(&s, BE32(0x0a000000), BE32(0xff000000));
	assert_text(&s, "10.0.0.0/8");
	ipv4_format_masked(&s, BE32(0x0a000001), UINT32_MAX);
	assert_text(&s, "10.0.0.1");
	ipv4_format_masked(&s, BE32(0x0a0000c8), BE32(0xff0000ff));
	assert_text(&s, "10.0.0.200/255.0.0.255");
	ipv4_format_masked(&s, 0, 0);
	assert_text(&s, "0.0.0.0/0");
	uint8_t a[16] = {0xfe, 0x80}, m[16] = {0xff, 0xff};
	ipv6_format_masked(&s, a, m);
	assert_text(&s, "fe80::/16");
	m[15] = 1;
	ipv6_format_masked(&s, a, m);
	assert_text(&s, "fe80::/ffff::1");
	mac_format_masked(&s, (const uint8_t *)"\1\2\3\4\5\xff",
			  (const uint8_t *)"\xff\xff\xff\xff\xff\xff");
	assert_text(&s, "01:02:03:04:05:ff");
	mac_format_masked(&s, (const uint8_t *)"\1\0\0\0\0\0", (const uint8_t *)"\1\0\0\0\0\0");
	assert_text(&s, "01:00:00:00:00:00/01:00:00:00:00:00");
}

static void test_round_trip(void **state)
{
	random_seed(5);
	for (int i = 0; i < 5000; i++) {
		uint8_t mac[6], mac2[6], v6[16], v62[16];
		be32_t v4, v42;
		random_bytes(mac, 6);
		random_bytes(v6, 16);
		random_bytes(&v4, 4);
		if (i & 1)
			memset(v6 + random_below(12), 0, 4);
		struct str s = STR_INIT;
		mac_format(&s, mac);
		ipv4_format(&s, v4);
		str_addc(&s, ' ');
		ipv6_format(&s, v6);
		const char *p = str_cstr(&s);
		char head[18] = {0};
		memcpy(head, p, 17);
		const char *h = head;
		assert_true(mac_scan(&h, mac2));
		p += 17;
		assert_true(ipv4_scan(&p, &v42));
		p++;
		assert_true(ipv6_scan(&p, v62));
		assert_memory_equal(mac, mac2, 6);
		assert_int_equal(v4, v42);
		assert_memory_equal(v6, v62, 16);
		str_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
