/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rcu.h"
#include "ofproto/group.h"

enum { FLOWS = 100000 };

static void parse(const char *text, struct ofp_group_mod *gm)
{
	uint32_t usable;
	struct error *e = ofp_group_mod_parse(text, OFPGC_ADD, NULL, gm, &usable);
	assert_null(e);
}

static bool dead(void *id, const struct ofp_bucket *b)
{
	return b->bucket_id != *(uint32_t *)id;
}

static void test_weights(void **state)
{
	struct ofp_group_mod gm;
	unsigned int n[4] = {0}, moved = 0;
	uint32_t gone = 2;
	parse("group_id=1,type=select,bucket=weight:1,output:1,bucket=weight:2,output:2,bucket=weight:3,output:3,"
	      "bucket=weight:4,output:4,bucket=weight:0,output:5", &gm);
	for (uint64_t i = 0; i < FLOWS; i++) {
		uint64_t hash = hash_u64(i + 1);
		int all = group_select(&gm.group, hash, NULL, NULL), rest = group_select(&gm.group, hash, dead, &gone);
		assert_in_range(all, 0, 3);
		n[all]++;
		assert_int_not_equal(rest, 2);
		moved += rest != all;
		if (all != 2)
			assert_int_equal(rest, all); // only its own flows move
	}
	for (int i = 0; i < 4; i++)
		assert_true(fabs(n[i] / (double)FLOWS - (i + 1) / 10.0) < 0.02 * (i + 1) / 10.0 + 0.001);
	assert_int_equal(moved, n[2]);
	ofp_group_done(&gm.group);
}

static void test_nothing_to_select(void **state)
{
	struct ofp_group_mod gm;
	parse("group_id=1,type=select,bucket=weight:0,output:1", &gm);
	assert_int_equal(group_select(&gm.group, 1, NULL, NULL), -1);
	ofp_group_done(&gm.group);
	parse("group_id=1,type=select", &gm);
	assert_int_equal(group_select(&gm.group, 1, NULL, NULL), -1);
	ofp_group_done(&gm.group);
}

static void collect(void *sum, const struct group *g)
{
	*(uint64_t *)sum = *(uint64_t *)sum * 1000 + g->g.group_id;
}

static void test_table(void **state)
{
	static struct group_table t;
	struct ofp_group_mod gm;
	static const char *const texts[] = {"group_id=3,type=all,bucket=group:2", "group_id=1,type=all,bucket=output:1",
					    "group_id=2,type=all,bucket=output:1,bucket=clone(group:1)"};
	for (int i = 0; i < 3; i++) {
		parse(texts[i], &gm);
		assert_false(group_makes_loop(&t, &gm.group));
		group_put(&t, &gm.group);
	}
	uint64_t sum = 0;
	group_for_each(&t, collect, &sum);
	assert_int_equal(sum, 1002003);
	parse("group_id=1,type=all,bucket=group:3", &gm);
	assert_true(group_makes_loop(&t, &gm.group));
	ofp_group_done(&gm.group);
	parse("group_id=1,type=ff,bucket=watch_group:1,output:1", &gm);
	assert_true(group_makes_loop(&t, &gm.group));
	ofp_group_done(&gm.group);

	struct group *g = group_try_ref(group_find(&t, 2));
	group_credit(g, (uint32_t)GROUP_ALL_BUCKETS, 2, 100);
	group_credit(g, 1, 1, 50);
	assert_int_equal(group_counts(&g->total).packets, 3);
	assert_int_equal(group_counts(&g->buckets[0]).bytes, 100);
	assert_int_equal(group_counts(&g->buckets[1]).bytes, 150);
	parse("group_id=2,type=all,bucket=output:9", &gm);
	group_put(&t, &gm.group);
	assert_int_equal(t.n, 3);
	assert_int_equal(group_counts(&group_find(&t, 2)->total).packets, 0);
	group_unref(g);
	group_remove(&t, 2);
	assert_null(group_find(&t, 2));
	group_table_clear(&t);
	assert_int_equal(t.n, 0);
	rcu_barrier_all();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_nothing_to_select),
		cmocka_unit_test(test_table),
	};
	rcu_register();
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister();
	return result;
}
