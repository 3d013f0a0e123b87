/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "dbclient/smap.h"

static void test_empty(void **state)
{
	struct smap m = SMAP_INIT, other = SMAP_INIT;

	assert_null(smap_find(&m, ""));
	assert_string_equal(smap_get(&m, "a", "b"), "b");
	assert_false(smap_remove(&m, "a"));
	assert_true(smap_equal(&m, &other));
	SMAP_FOREACH (&m, pair)
		fail_msg("an empty map has %s", pair->key);
	smap_done(&m);
}

static void test_set_and_remove(void **state)
{
	struct smap m = SMAP_INIT, copy = SMAP_INIT;

	smap_set(&m, "b", "1");
	smap_set(&m, "a", "2");
	smap_setf(&m, "c", "%d", 3);
	smap_set(&m, "b", "4");
	assert_int_equal(m.n, 3);
	assert_string_equal(m.v[0].key, "a");
	assert_string_equal(m.v[2].key, "c");
	assert_string_equal(smap_find(&m, "b"), "4");
	smap_copy(&copy, &m);
	assert_true(smap_equal(&copy, &m));
	assert_true(smap_remove(&m, "a"));
	assert_null(smap_find(&m, "a"));
	assert_false(smap_equal(&copy, &m));
	smap_copy(&copy, &copy);
	assert_int_equal(copy.n, 3);
	smap_done(&m);
	smap_done(&copy);
}

static void test_numbers(void **state)
{
	static const char *const values[][2] = {
		{"hex", "0x10"}, {"neg", "-5"}, {"big", "4294967296"}, {"text", "abc"},
		{"tail", "5x"},	 {"empty", ""}, {"true", "TRUE"},      {"real", "1.5"},
	};
	struct smap m = SMAP_INIT;
	int64_t n = 7;
	bool b = false;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		smap_set(&m, values[i][0], values[i][1]);
	assert_int_equal(smap_get_int(&m, "hex", 1), 16);
	assert_int_equal(smap_get_int(&m, "neg", 1), -5);
	assert_int_equal(smap_get_int(&m, "big", 1), 1);
	assert_int_equal(smap_get_int(&m, "text", 1), 1);
	assert_int_equal(smap_get_int(&m, "tail", 1), 1);
	assert_int_equal(smap_get_int(&m, "empty", 1), 1);
	assert_int_equal(smap_get_int(&m, "missing", 1), 1);
	assert_int_equal(smap_get_uint(&m, "neg", 9), 9);
	assert_int_equal(smap_get_i64(&m, "big", 0), INT64_C(4294967296));
	assert_true(smap_get_u64(&m, "big", 0) == UINT64_C(4294967296));
	assert_true(smap_get_double(&m, "real", 0) == 1.5);
	assert_true(smap_get_bool(&m, "true", false));
	assert_true(smap_get_bool(&m, "text", true));
	assert_int_equal(smap_read_bool(&m, "text", &b), -EINVAL);
	assert_int_equal(smap_read_bool(&m, "missing", &b), -ENOENT);
	assert_int_equal(smap_read_i64(&m, "hex", 0, 15, &n), -ERANGE);
	assert_int_equal(smap_read_i64(&m, "text", 0, 15, &n), -EINVAL);
	assert_int_equal(n, 7);
	assert_int_equal(smap_read_i64(&m, "hex", 16, 16, &n), 0);
	assert_int_equal(n, 16);
	smap_done(&m);
}

static void test_uuid(void **state)
{
	struct smap m = SMAP_INIT;
	struct uuid uuid;

	smap_set(&m, "good", "00112233-4455-6677-8899-aabbccddeeff");
	smap_set(&m, "bad", "00112233-4455-6677-8899-aabbccddeeffx");
	assert_true(smap_get_uuid(&m, "good", &uuid));
	assert_int_equal(uuid.part[0], 0x00112233);
	assert_false(smap_get_uuid(&m, "bad", &uuid));
	assert_true(uuid_is_zero(&uuid));
	smap_done(&m);
}

// Against an array indexed by key.
static void test_random(void **state)
{
	enum { N_KEYS = 40, N_STEPS = 20000 };
	int model[N_KEYS];
	struct smap m = SMAP_INIT;
	size_t n = 0;

	for (int i = 0; i < N_KEYS; i++)
		model[i] = -1;
	for (int step = 0; step < N_STEPS; step++) {
		int k = (int)random_below(N_KEYS);
		char key[8];

		snprintf(key, sizeof(key), "k%d", k);
		if (random_below(2)) {
			n += model[k] < 0;
			model[k] = (int)random_below(1000);
			smap_setf(&m, key, "%d", model[k]);
		} else {
			assert_int_equal(smap_remove(&m, key), model[k] >= 0);
			n -= model[k] >= 0;
			model[k] = -1;
		}
		assert_int_equal(m.n, n);
		k = (int)random_below(N_KEYS);
		snprintf(key, sizeof(key), "k%d", k);
		assert_int_equal(smap_get_int(&m, key, -1), model[k]);
	}
	for (size_t i = 1; i < m.n; i++)
		assert_true(strcmp(m.v[i - 1].key, m.v[i].key) < 0);
	smap_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	cmocka_unit_test(test_set_and_remove),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
