/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/multipart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "openflow/error.h"

enum { METER_STATS = 9, TABLE_FEATURES = 12, ENTRY = 64 };

static struct buf request(uint8_t version, uint16_t type, uint16_t flags, uint32_t xid,
			  size_t body_len)
{
	struct buf b = BUF_INIT;
	buf_add_u8(&b, version);
	buf_add_u8(&b, 18);
	buf_add_be16(&b, (uint16_t)(16 + body_len));
	buf_add_be32(&b, xid);
	buf_add_be16(&b, type);
	buf_add_be16(&b, flags);
	buf_add_be32(&b, 0);
	buf_add_zeros(&b, body_len);
	return b;
}

static int add(struct multiparts *ms, uint16_t type, uint16_t flags, uint32_t xid, size_t body_len,
	       int64_t now, struct multipart *whole)
{
	struct buf b = request(OFP13, type, flags, xid, body_len);
	assert_true(multiparts_want(ms, b.data, b.len));
	int error = multiparts_add(ms, b.data, b.len, now, whole);
	buf_done(&b);
	return error;
}

static void test_joined(void **state)
{
	struct multiparts ms = {0};
	struct multipart mp;
	for (uint32_t xid = 1; xid <= 2; xid++)
		for (int i = 0; i < 3; i++) {
			assert_int_equal(add(&ms, TABLE_FEATURES, 1, xid, ENTRY, 0, &mp), 0);
			assert_int_equal(mp.parts.n, 0);
		}
	assert_int_equal(add(&ms, TABLE_FEATURES, 0, 1, ENTRY, 0, &mp), 0);
	assert_int_equal(mp.parts.n, 4);
	assert_int_equal(cursor_left(&mp.parts.v[3].body), ENTRY);
	multipart_done(&mp);
	assert_int_equal(ms.unfinished.n, 1);
	assert_int_equal(ms.bytes, 3 * (16 + ENTRY));
	multiparts_clear(&ms);
	assert_int_equal(ms.bytes, 0);
}

// A part without a body gives way, even where one must have a body.
static void test_empty_parts(void **state)
{
	struct multiparts ms = {0};
	struct multipart mp;
	assert_int_equal(add(&ms, METER_STATS, 1, 1, 0, 0, &mp), 0);
	assert_int_equal(add(&ms, METER_STATS, 1, 1, 8, 0, &mp), 0);
	assert_int_equal(add(&ms, METER_STATS, 0, 1, 0, 0, &mp), 0);
	assert_int_equal(mp.parts.n, 1);
	assert_int_equal(cursor_left(&mp.parts.v[0].body), 8);
	multipart_done(&mp);
	assert_int_equal(add(&ms, METER_STATS, 1, 1, 0, 0, &mp), 0);
	assert_int_equal(add(&ms, METER_STATS, 0, 1, 0, 0, &mp), OFPBRC_BAD_LEN);
	assert_int_equal(ms.unfinished.n, 0);
}

static void test_faults(void **state)
{
	struct multiparts ms = {0};
	struct multipart mp;
	assert_int_equal(add(&ms, METER_STATS, 1, 1, 5, 0, &mp), OFPBRC_BAD_LEN);
	assert_int_equal(ms.unfinished.n, 0);
	assert_int_equal(add(&ms, METER_STATS, 1, 1, 8, 0, &mp), 0);
	assert_int_equal(add(&ms, METER_STATS, 0, 1, 5, 0, &mp), OFPBRC_BAD_LEN);
	assert_int_equal(add(&ms, TABLE_FEATURES, 0, 1, 0, 0, &mp), OFPBRC_BAD_STAT);
	assert_int_equal(ms.unfinished.n, 1); // waits for a part that is one
	multiparts_clear(&ms);
	struct buf old = request(OFP12, METER_STATS, 1, 1, 8);
	assert_false(multiparts_want(&ms, old.data, old.len));
	buf_done(&old);
}

static void test_time(void **state)
{
	struct multiparts ms = {0};
	struct multipart mp;
	assert_int_equal(multiparts_deadline(&ms), INT64_MAX);
	assert_int_equal(add(&ms, METER_STATS, 1, 1, 8, 100, &mp), 0);
	assert_int_equal(add(&ms, METER_STATS, 1, 2, 8, 200, &mp), 0);
	assert_int_equal(add(&ms, METER_STATS, 1, 1, 8, 300, &mp), 0); // has time again
	assert_int_equal(multiparts_deadline(&ms), 200 + MULTIPART_WAIT_MS);
	assert_false(multiparts_expired(&ms, 199 + MULTIPART_WAIT_MS, &mp));
	assert_true(multiparts_expired(&ms, 200 + MULTIPART_WAIT_MS, &mp));
	assert_int_equal(mp.xid, 2);
	multipart_done(&mp);
	assert_true(multiparts_expired(&ms, 300 + MULTIPART_WAIT_MS, &mp));
	assert_int_equal(mp.parts.n, 2);
	multipart_done(&mp);
	assert_false(multiparts_expired(&ms, INT64_MAX - 1, &mp));
	multiparts_clear(&ms);
}

static void test_bounds(void **state)
{
	struct multiparts ms = {0};
	struct multipart mp;
	int error = 0, n = 0;
	for (; !error; n++)
		error = add(&ms, TABLE_FEATURES, 1, 1, 1000 * ENTRY, 0, &mp);
	assert_int_equal(error, OFPBRC_MULTIPART_BUFFER_OVERFLOW);
	assert_int_equal(n, MULTIPART_MAX_BYTES / (1000 * ENTRY) + 1);
	assert_int_equal(ms.bytes, 0); // nobody would finish it
	for (n = error = 0; !error; n++)
		error = add(&ms, TABLE_FEATURES, 1, (uint32_t)n, 0, 0, &mp);
	assert_int_equal(error, OFPBRC_MULTIPART_BUFFER_OVERFLOW);
	assert_int_equal(n, MULTIPART_MAX_REQUESTS + 1);
	multiparts_clear(&ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_joined), cmocka_unit_test(test_empty_parts),
		cmocka_unit_test(test_faults), cmocka_unit_test(test_time),
		cmocka_unit_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
