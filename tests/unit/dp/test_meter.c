/* SPDX-License-Identifier: Apache-2.0 */
// Meters: what they let through, against a plain count; by the clock of tests.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "dp/user/meter.h"
#include "dp/user/rewrite.h"
#include "dp_fixture.h"
#include "frames.h"
#include "packet/checksum.h"

// One packet of so many bytes.
static const struct dp_meter_band *run_one(const struct meter_table *t, uint32_t id, uint32_t bytes)
{
	struct {
		struct rte_mbuf m;
		struct mbuf_meta meta;
	} packet = {.m = {.priv_size = sizeof(struct mbuf_meta), .pkt_len = bytes}};
	struct rte_mbuf *m = &packet.m;
	const struct dp_meter_band *band;
	meter_run(t, id, &m, 1, clock_ms(), &band);
	return band;
}

static unsigned int passed(const struct meter_table *t, uint32_t id, uint32_t bytes, unsigned int n)
{
	unsigned int ok = 0;
	while (n--)
		ok += !run_one(t, id, bytes);
	return ok;
}

static void test_rates(void **state)
{
	struct meter_table *t = meter_table_new();
	struct dp_meter_stats stats;
	clock_stop();
	meter_set(t, 1,
		  &(struct dp_meter_config){
			  .packets = true, .n_bands = 1, .bands = {{.rate = 100, .burst = 10}}});
	meter_set(t, 2,
		  &(struct dp_meter_config){.n_bands = 1, .bands = {{.rate = 1000}}}); // kbit/s
	assert_int_equal(passed(t, 1, 1500, 50), 10);				       // the burst
	clock_warp(30);
	assert_int_equal(passed(t, 1, 1500, 50), 3); // a packet in ten milliseconds
	clock_warp(3600000);
	assert_int_equal(passed(t, 1, 1500, 50), 10);
	assert_int_equal(passed(t, 2, 1250, 500), 100); // a second's worth: 10 kbit each
	clock_warp(10);
	assert_int_equal(passed(t, 2, 1250, 500), 1);
	clock_warp(1);
	assert_int_equal(passed(t, 2, 1250, 1), 0);
	clock_warp(9);
	assert_int_equal(passed(t, 2, 1250, 1), 1);
	clock_warp(INT64_C(1) << 40);
	assert_int_equal(passed(t, 2, 1250, 500), 100);
	assert_int_equal(meter_get(t, 1, &stats), 0);
	assert_int_equal(stats.packets, 150);
	assert_int_equal(stats.bytes, 150 * 1500);
	assert_int_equal(stats.band[0].packets, 150 - 23);
	assert_int_equal(passed(t, 77, 1, 5), 5); // no such meter
	meter_set(t, 1,
		  &(struct dp_meter_config){.packets = true, .n_bands = 1, .bands = {{.rate = 1}}});
	assert_int_equal(passed(t, 1, 1, 5), 1);
	assert_int_equal(meter_get(t, 1, &stats), 0);
	assert_int_equal(stats.packets, 5);
	assert_int_equal(meter_del(t, 1), 0);
	assert_int_equal(meter_del(t, 1), -ENOENT);
	assert_int_equal(meter_get(t, 1, &stats), -ENOENT);
	meter_table_free(t);
}

static void test_highest_band_counts(void **state)
{
	struct meter_table *t = meter_table_new();
	struct dp_meter_stats stats;
	meter_set(t, 1,
		  &(struct dp_meter_config){
			  .packets = true,
			  .n_bands = 2,
			  .bands = {{.remark = true, .prec_level = 1, .rate = 10}, {.rate = 20}}});
	unsigned int free_ones = 0, remarked = 0, dropped = 0;
	for (int i = 0; i < 50; i++) {
		const struct dp_meter_band *b = run_one(t, 1, 100);
		free_ones += !b;
		remarked += b && b->remark;
		dropped += b && !b->remark;
	}
	assert_int_equal(free_ones, 10);
	assert_int_equal(remarked, 10);
	assert_int_equal(dropped, 30);
	assert_int_equal(meter_get(t, 1, &stats), 0);
	assert_int_equal(stats.band[0].packets, 10);
	assert_int_equal(stats.band[1].packets, 30);
	meter_table_free(t);
}

static uint8_t remarked(bool v6, uint8_t tos, uint8_t levels)
{
	uint8_t frame[74] = {[12] = 8};
	size_t n = v6 ? 54 : 34;
	if (v6) {
		memcpy(frame + 12, "\x86\xdd", 2);
		frame[14] = (uint8_t)(0x60 | tos >> 4);
		frame[15] = (uint8_t)(tos << 4);
		frame[20] = 59;
	} else {
		frame[14] = 0x45;
		frame[15] = tos;
		frame[17] = 20;
		frame[23] = 255;
	}
	frame_fix_checksums(frame, n);
	struct rte_mbuf *m = mbuf_from_bytes(frame, n);
	rewrite_drop_precedence(m, levels);
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, 14);
	uint8_t out = v6 ? (uint8_t)(ip[0] << 4 | ip[1] >> 4) : ip[1];
	if (!v6)
		assert_int_equal(csum(ip, 20), 0);
	rte_pktmbuf_free(m);
	return out;
}

static void test_remark(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		for (unsigned int tos = 0; tos < 256; tos++) {
			unsigned int dscp = tos >> 2, class = dscp / 8, precedence = dscp % 8 / 2;
			bool af = class >= 1 && class <= 4 && precedence && dscp % 2 == 0;
			for (unsigned int levels = 0; levels < 5; levels++) {
				unsigned int to = precedence + levels > 3 ? 3 : precedence + levels;
				unsigned int want =
					af ? (class * 8 + to * 2) << 2 | (tos & 3) : tos;
				assert_int_equal(remarked(v6, (uint8_t)tos, (uint8_t)levels), want);
			}
		}
	}
}

static struct fixture f;

static void test_actions(void **state)
{
	uint8_t frame[60] = {2};
	dp_meter_set(
		f.dp, 7,
		&(struct dp_meter_config){.packets = true, .n_bands = 1, .bands = {{.rate = 3}}});
	buf_clear(&f.actions);
	((struct dpact_meter *)dpact_add(&f.actions, DPACT_METER, sizeof(struct dpact_meter)))->id =
		7;
	((struct dpact_output *)dpact_add(&f.actions, DPACT_OUTPUT, sizeof(struct dpact_output)))
		->port = 2;
	f.install = true;
	memset(&f.mask, 0, sizeof(f.mask));
	uint64_t before = fixture_stats(&f).drops[DP_DROP_METER];
	for (int i = 0; i < 8; i++)
		fake_netdev_push_bytes(f.port[1], frame, sizeof(frame));
	fixture_run(&f);
	unsigned int n = 0;
	for (struct sent sent; fake_netdev_pop(f.port[2], &sent); n++)
		sent_done(&sent);
	assert_int_equal(n, 3);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_METER] - before, 5);
	dp_flow_flush(f.dp);
}

static int setup(void **state)
{
	rcu_register();
	fixture_init(&f, "dummy", "dummy");
	return 0;
}

static int teardown(void **state)
{
	fixture_done(&f);
	rcu_barrier_all();
	rcu_unregister();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_highest_band_counts),
		cmocka_unit_test(test_remark),
		cmocka_unit_test(test_actions),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
