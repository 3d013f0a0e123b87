/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

// The definition, word by word.
static be16_t naive(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htobe16((uint16_t)~sum);
}

static void test_known(void **state)
{
	const uint8_t rfc1071[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	assert_int_equal(csum(rfc1071, sizeof(rfc1071)), (be16_t)~htobe16(0xddf2));
	assert_int_equal(csum("", 0), 0xffff);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void test_random(void **state)
{
	uint8_t bytes[300];
	random_seed(1);
	for (int round = 0; round < 5000; round++) {
		size_t n = random_below(sizeof(bytes)), cut = random_below((uint32_t)n / 2 + 1) * 2;
		memset(bytes, random_below(3) ? 0xff : 0, sizeof(bytes));
		if (random_below(4))
			random_bytes(bytes, n);
		assert_int_equal(csum(bytes, n), naive(bytes, n));
		if (cut <= n)
			assert_int_equal(csum_finish(csum_add(csum_add(0, bytes, cut), bytes + cut,
							      n - cut)),
					 naive(bytes, n));
	}
}

static void test_pseudo(void **state)
{
	uint8_t v4[12], v6[40];
	random_seed(2);
	for (int round = 0; round < 1000; round++) {
		random_bytes(v4, sizeof(v4));
		random_bytes(v6, sizeof(v6));
		be32_t src, dst;
		memcpy(&src, v4, 4);
		memcpy(&dst, v4 + 4, 4);
		v4[8] = 0;
		assert_int_equal(csum_finish(csum_pseudo4(src, dst, v4[9], get_be16(v4 + 10))),
				 naive(v4, sizeof(v4)));
		memset(v6 + 36, 0, 3);
		assert_int_equal(csum_finish(csum_pseudo6(v6, v6 + 16, v6[39], get_be32(v6 + 32))),
				 naive(v6, sizeof(v6)));
	}
}

// Both forms of zero are the same checksum.
static void assert_same(be16_t a, be16_t b)
{
	assert_true(a == b || (uint16_t)(a + 1) + (uint16_t)(b + 1) == 1);
}

static void test_incremental(void **state)
{
	uint8_t bytes[40], changed[40];
	random_seed(3);
	for (int round = 0; round < 20000; round++) {
		random_bytes(bytes, sizeof(bytes));
		memcpy(changed, bytes, sizeof(bytes));
		size_t at = 2 * random_below(18), n = 2 * random_below((uint32_t)(40 - at) / 2 + 1);
		random_bytes(changed + at, n);
		be16_t before = naive(bytes, 40), after = naive(changed, 40);
		assert_same(csum_update(before, bytes + at, changed + at, n), after);
		be16_t old16, new16;
		be32_t old32, new32;
		random_bytes(changed, sizeof(changed));
		memcpy(changed, bytes, at);
		memcpy(changed + at + 4, bytes + at + 4, 36 - at);
		memcpy(&old32, bytes + at, 4);
		memcpy(&new32, changed + at, 4);
		assert_same(csum_update32(before, old32, new32), naive(changed, 40));
		memcpy(changed + at + 2, bytes + at + 2, 2);
		memcpy(&old16, bytes + at, 2);
		memcpy(&new16, changed + at, 2);
		assert_same(csum_update16(before, old16, new16), naive(changed, 40));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_pseudo),
		cmocka_unit_test(test_incremental),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
