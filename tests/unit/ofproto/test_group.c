/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	parse("group_id=1,type=select,bucket=weight:1,output:1,bucket=weight:2,output:2,bucket="
	      "weight:3,output:3,"
	      "bucket=weight:4,output:4,bucket=weight:0,output:5",
	      &gm);
	for (uint64_t i = 0; i < FLOWS; i++) {
		uint64_t hash = hash_u64(i + 1);
		int all = group_select(&gm.group, hash, NULL, NULL),
		    rest = group_select(&gm.group, hash, dead, &gone);
		assert_in_range(all, 0, 3);
		n[all]++;
		assert_int_not_equal(rest, 2);
		moved += rest != all;
		if (all != 2)
			assert_int_equal(rest, all); // only its own flows move
	}
	for (int i = 0; i < 4; i++)
		assert_true(fabs(n[i] / (double)FLOWS - (i + 1) / 10.0) <
			    0.02 * (i + 1) / 10.0 + 0.001);
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

// --- Groups that the datapath hashes for.

static const char *const hashed_groups[] = {
	"bucket=output:1",
	"bucket=output:1,bucket=output:2",
	"bucket=output:1,bucket=output:2,bucket=output:3",
	"bucket=weight:1,output:1,bucket=weight:1000,output:2,bucket=weight:0,output:3,bucket="
	"weight:17,output:4",
	"bucket=weight:65535,output:1,bucket=weight:65534,output:2,bucket=weight:3,output:3",
	"bucket=weight:3,output:1,bucket=weight:4,output:2,bucket=weight:5,output:3,bucket=weight:"
	"6,output:4,bucket=weight:7,output:5,"
	"bucket=weight:8,output:6,bucket=weight:9,output:7",
};

static struct group *put_hashed(struct group_table *t, const char *buckets)
{
	struct ofp_group_mod gm;
	char text[2000];
	snprintf(text, sizeof(text), "group_id=1,type=select,selection_method=dp_hash,%s", buckets);
	parse(text, &gm);
	group_put(t, &gm.group);
	struct group *g = group_find(t, 1);
	assert_non_null(g->slots);
	return g;
}

// The blocks of hashes that the masks describe, visited once each: their sizes by bucket, and how
// many there are. Any hash of a block has the same mask and bucket.
static unsigned int measure(const struct group *g, bool (*alive)(void *, const struct ofp_bucket *),
			    void *arg, double *share)
{
	enum { BITS = 26 };
	unsigned int n_blocks = 0;
	static uint8_t seen[1 << (BITS - 3)];
	memset(seen, 0, sizeof(seen));
	for (uint32_t hash = 0; hash < 1u << BITS; hash++) {
		if (seen[hash / 8] & 1 << hash % 8)
			continue;
		uint32_t mask = 0;
		int bucket = group_slots_select(g, hash, &mask, alive, arg);
		assert_true(mask < 1u << BITS && bucket >= 0);
		n_blocks++;
		share[bucket] += ldexp(1, -__builtin_popcount(mask));
		uint32_t wild = ~mask & ((1u << BITS) - 1), bits = 0;
		do { // all subsets of the other bits
			uint32_t other = (hash & mask) | bits;
			assert_false(seen[other / 8] & 1 << other % 8);
			seen[other / 8] |= (uint8_t)(1 << other % 8);
			if (!(hash_u64(other) & 1023)) {
				uint32_t other_mask = 0;
				assert_int_equal(group_slots_select(g, other | hash << BITS,
								    &other_mask, alive, arg),
						 bucket);
				assert_int_equal(other_mask, mask);
			}
			bits = (bits - wild) & wild;
		} while (bits);
	}
	return n_blocks;
}

static void test_slots(void **state)
{
	static struct group_table t;
	for (size_t i = 0; i < sizeof(hashed_groups) / sizeof(hashed_groups[0]); i++) {
		struct group *g = put_hashed(&t, hashed_groups[i]);
		double share[16] = {0}, total = 0;
		unsigned int n = measure(g, NULL, NULL, share);
		VEC_FOREACH (&g->g.buckets, b)
			total += g->g.buckets.v[b].weight;
		VEC_FOREACH (&g->g.buckets, b)
			assert_true(fabs(share[b] - g->g.buckets.v[b].weight / total) <= 0x1p-19);
		assert_true(n <= 64 + 64 * g->g.buckets.n);
	}
	group_table_clear(&t);
	rcu_barrier_all();
}

// What a dead bucket had goes to the living by their weights; what these had, they keep.
static void test_dead_slots(void **state)
{
	static struct group_table t;
	struct group *g = put_hashed(
		&t, "bucket=weight:2,output:1,bucket=weight:3,output:2,bucket=weight:1,output:3");
	uint32_t gone = 1;
	double share[16] = {0};
	measure(g, dead, &gone, share);
	assert_true(share[1] == 0 && fabs(share[0] - 2.0 / 3) < 0.1 && share[0] > 2.0 / 6 &&
		    share[2] > 1.0 / 6);
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint32_t hash = (uint32_t)hash_u64(i), mask = 0;
		int all = group_slots_select(g, hash, &mask, NULL, NULL);
		assert_true(all == 1 || all == group_slots_select(g, hash, &mask, dead, &gone));
	}
	group_table_clear(&t);
	rcu_barrier_all();
}

// A fifth bucket takes its fifth, and little else moves.
static void test_slots_move_little(void **state)
{
	static struct group_table t;
	static int before[FLOWS];
	const char *four = "bucket=output:1,bucket=output:2,bucket=output:3,bucket=output:4";
	unsigned int needless = 0, to_new = 0;
	struct group *g = put_hashed(&t, four);
	uint32_t mask;
	for (uint32_t i = 0; i < FLOWS; i++)
		before[i] = group_slots_select(g, (uint32_t)hash_u64(i), &mask, NULL, NULL);
	char five[200];
	snprintf(five, sizeof(five), "%s,bucket=output:5", four);
	g = put_hashed(&t, five);
	for (uint32_t i = 0; i < FLOWS; i++) {
		int after = group_slots_select(g, (uint32_t)hash_u64(i), &mask, NULL, NULL);
		to_new += after == 4;
		needless += after != 4 && after != before[i];
	}
	print_message("%u of %u to the new bucket, %u moved between the others\n", to_new, FLOWS,
		      needless);
	assert_true(fabs(to_new / (double)FLOWS - 0.2) < 0.01 && needless < FLOWS * 0.3);
	group_table_clear(&t);
	rcu_barrier_all();
}

static void collect(void *sum, const struct group *g)
{
	*(uint64_t *)sum = *(uint64_t *)sum * 1000 + g->g.group_id;
}

static void test_table(void **state)
{
	static struct group_table t;
	struct ofp_group_mod gm;
	static const char *const texts[] = {
		"group_id=3,type=all,bucket=group:2", "group_id=1,type=all,bucket=output:1",
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
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_dead_slots),
		cmocka_unit_test(test_slots_move_little),
		cmocka_unit_test(test_table),
	};
	rcu_register();
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister();
	return result;
}
