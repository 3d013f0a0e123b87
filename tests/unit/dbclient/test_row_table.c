/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "dbclient/dbclient.h"
#include "dbclient/row_table.h"

enum { N_ROWS = 300, N_STEPS = 30000 };

static size_t count(const struct row_table *t, const bool *in, struct db_row *rows)
{
	size_t n = 0, at = 0;
	struct db_row *row;

	while ((row = row_table_next(t, &at))) {
		assert_true(in[row - rows]);
		assert_int_equal(row_table_slot(t, row) + 1, at);
		n++;
	}
	return n;
}

// Against an array of flags. Few distinct first words, so that runs collide and wrap around.
static void test_random(void **state)
{
	static struct db_row rows[N_ROWS];
	bool in[N_ROWS] = {0};
	struct row_table t = {0};
	size_t n = 0;

	for (int i = 0; i < N_ROWS; i++)
		rows[i].uuid = (struct uuid){{random_below(20), (uint32_t)i, 0, 0}};
	for (int step = 0; step < N_STEPS; step++) {
		uint32_t i = random_below(N_ROWS);

		assert_ptr_equal(row_table_find(&t, &rows[i].uuid), in[i] ? &rows[i] : NULL);
		if (in[i])
			row_table_remove(&t, &rows[i]);
		else
			row_table_add(&t, &rows[i]);
		in[i] = !in[i];
		n += in[i] ? 1 : (size_t)-1;
		assert_int_equal(t.n, n);
		if (step % 100 == 0)
			assert_int_equal(count(&t, in, rows), n);
	}
	row_table_done(&t);
}

static void test_empty(void **state)
{
	struct row_table t = {0};
	size_t at = 0;

	assert_null(row_table_find(&t, &(struct uuid){{1, 2, 3, 4}}));
	assert_null(row_table_next(&t, &at));
	row_table_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_empty),
					   cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
