/* SPDX-License-Identifier: Apache-2.0 */
// Upcalls and revalidation on a fake datapath and a stopped clock: counters to the packet, changes
// that reach megaflows, expiry, ageing, and silence when there is nothing to do. And translation in
// threads while everything changes around them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "fake_world.h"

enum { FRAME = 100 };

// Lets the loop run for some time.
static void pass(struct world *w, int64_t ms)
{
	for (int64_t step; ms > 0; ms -= step) {
		step = ms < 100 ? ms : 100;
		clock_warp(step);
		loop_clock_changed(w->loop);
		for (int i = 0; i < 4; i++)
			loop_run_once(w->loop, 0);
	}
}

// A packet comes in; what is done with it.
static void send(struct world *w, const char *packet, bool hit, const char *actions)
{
	struct flow key;
	struct str s = STR_INIT;
	world_key(w, packet, &key);
	assert_int_equal(fake_dp_packet(backer_dp(w->backer), &key, FRAME, &s), hit);
	assert_string_equal(str_cstr(&s), actions);
	str_done(&s);
}

static unsigned int n_flows(const struct world *w)
{
	return fake_dp_n_flows(backer_dp(w->backer));
}

static void test_counters(void **state)
{
	struct world w;
	world_init(&w);
	world_add_flow(&w, &w.br0, "ip actions=resubmit(,1),9");
	world_add_flow(&w, &w.br0, "table=1,tcp actions=2");
	world_add_flow(&w, &w.br1, "actions=LOCAL");
	struct rule *ip = world_rule(&w.br0, 0, "ip", 32768),
		    *tcp = world_rule(&w.br0, 1, "tcp", 32768);
	struct rule *any = world_rule(&w.br1, 0, "", 32768);
	send(&w, "in_port=1,tcp", false, "2,101");
	assert_int_equal(ip->packets, 1); // the first one counts at once
	for (int i = 0; i < 4; i++)
		send(&w, "in_port=1,tcp", true, "2,101");
	send(&w, "in_port=1,udp", false, "101");
	send(&w, "in_port=1,udp", true, "101");
	backer_push_stats(w.backer);
	assert_int_equal(ip->packets, 7);
	assert_int_equal(ip->bytes, 7 * FRAME);
	assert_int_equal(tcp->packets, 5);
	assert_int_equal(any->packets, 7);
	backer_push_stats(w.backer); // nothing is counted twice
	revalidator_run_all(w.backer);
	assert_int_equal(ip->packets, 7);
	struct backer_patch_stats patch;
	backer_patch_stats(w.backer, &w.br0, 9, &patch);
	assert_int_equal(patch.tx_packets, 7);
	assert_int_equal(patch.tx_bytes, 7 * FRAME);
	assert_int_equal(patch.rx_packets, 0);
	backer_patch_stats(w.backer, &w.br1, 1, &patch);
	assert_int_equal(patch.rx_packets, 7);
	// What came since the last push is credited when the megaflow goes.
	send(&w, "in_port=1,udp", true, "101");
	dp_flow_flush(backer_dp(w.backer));
	assert_int_equal(ip->packets, 8);
	assert_int_equal(n_flows(&w), 0);
	world_done(&w);
}

static void test_changes(void **state)
{
	struct world w;
	world_init(&w);
	world_add_flow(&w, &w.br0, "priority=1,ip actions=2");
	send(&w, "in_port=1,tcp,tp_dst=80", false, "2");
	send(&w, "in_port=1,tcp,tp_dst=81", true, "2");
	world_add_flow(&w, &w.br0,
		       "priority=1,ip actions=3"); // other actions, the same mask: in place
	pass(&w, 20);
	assert_int_equal(n_flows(&w), 1);
	send(&w, "in_port=1,tcp,tp_dst=80", true, "3");
	world_add_flow(&w, &w.br0,
		       "priority=2,tcp,tp_dst=80 actions=LOCAL"); // the mask is too wide now
	pass(&w, 20);
	assert_int_equal(n_flows(&w), 0);
	send(&w, "in_port=1,tcp,tp_dst=80", false, "100");
	send(&w, "in_port=1,tcp,tp_dst=81", false, "3");
	world_del_flows(&w, &w.br0); // masks narrower than they need be stay
	backer_settle(w.backer);
	assert_int_equal(n_flows(&w), 2);
	send(&w, "in_port=1,tcp,tp_dst=80", true, "drop");
	w.br0.n_ports = 1; // the ports are gone
	world_publish(&w, &w.br0);
	pass(&w, 20);
	assert_int_equal(n_flows(&w), 0);
	world_done(&w);
}

static void test_many(void **state)
{
	struct world w;
	world_init(&w);
	world_add_flow(&w, &w.br0, "actions=NORMAL");
	for (unsigned int i = 0; i < 2000; i++) {
		struct flow key;
		struct str s = STR_INIT;
		world_key(&w, "in_port=1,dl_dst=01:00:00:00:00:01", &key);
		key.dl_src[4] = (uint8_t)(i >> 8);
		key.dl_src[5] = (uint8_t)i;
		assert_false(fake_dp_packet(backer_dp(w.backer), &key, FRAME, &s));
		str_done(&s);
	}
	assert_int_equal(n_flows(&w), 2000);
	world_add_flow(&w, &w.br0, "actions=2");
	pass(&w, 100); // in steps over several iterations
	send(&w, "in_port=1,dl_src=00:00:00:00:01:05,dl_dst=01:00:00:00:00:01", true, "2");
	send(&w, "in_port=1,dl_src=00:00:00:00:07:05,dl_dst=01:00:00:00:00:01", true, "2");
	struct backer_settings settings = {
		.max_idle_ms = 10000, .max_revalidator_ms = 500, .flow_limit = 2000};
	backers_configure(w.backers, &settings);
	send(&w, "in_port=2,dl_src=00:00:00:00:07:05,dl_dst=01:00:00:00:00:01", false,
	     "drop");			     // 2 is its own port
	assert_int_equal(n_flows(&w), 2000); // not installed
	assert_int_equal(world_rule(&w.br0, 0, "", 32768)->packets,
			 1);	   // but counted; older ones are the old rule's
	settings.flow_limit = 100; // overfull: what rests for a moment goes
	backers_configure(w.backers, &settings);
	pass(&w, 1000);
	assert_int_equal(n_flows(&w), 100);
	world_done(&w);
}

// From new addresses, one packet each.
static void flood(struct world *w, const char *where, unsigned int first, unsigned int n)
{
	for (unsigned int i = first; i < first + n; i++) {
		struct flow key;
		struct str s = STR_INIT;
		world_key(w, where, &key);
		key.dl_src[4] = (uint8_t)(i >> 8);
		key.dl_src[5] = (uint8_t)i;
		fake_dp_packet(backer_dp(w->backer), &key, FRAME, &s);
		str_done(&s);
	}
}

static void test_ports_share_the_limit(void **state)
{
	struct world w;
	world_init(&w);
	struct backer_settings settings = {
		.max_idle_ms = 10000, .max_revalidator_ms = 500, .flow_limit = 800};
	backers_configure(w.backers, &settings);
	world_add_flow(&w, &w.br0, "actions=NORMAL"); // looks at addresses
	flood(&w, "in_port=1,dl_dst=01:00:00:00:00:01", 0, 2000);
	assert_int_equal(n_flows(&w), 700);
	flood(&w, "in_port=2,dl_dst=01:00:00:00:00:01", 2000, 40);
	assert_int_equal(n_flows(&w), 740);
	pass(&w, 10500); // all rest
	assert_int_equal(n_flows(&w), 0);
	flood(&w, "in_port=1,dl_dst=01:00:00:00:00:01", 0, 2000);
	assert_int_equal(n_flows(&w), 700); // what went is counted off
	world_done(&w);
}

static void test_idle(void **state)
{
	struct world w;
	world_init(&w);
	world_add_flow(&w, &w.br0, "priority=1,ip actions=2");
	pass(&w, 1000);
	assert_false(loop_timer_is_set(&w.backer->reval.timer)); // no megaflows: nothing to do
	send(&w, "in_port=1,tcp", false, "2");
	for (int i = 0; i < 10; i++) {
		pass(&w, 5000);
		send(&w, "in_port=1,tcp", true, "2");
	}
	assert_true(loop_timer_is_set(&w.backer->reval.timer));
	pass(&w, 9000);
	assert_int_equal(n_flows(&w), 1);
	pass(&w, 2000);
	assert_int_equal(n_flows(&w), 0);
	assert_int_equal(world_rule(&w.br0, 0, "ip", 1)->packets, 11);
	pass(&w, 1000);
	assert_false(loop_timer_is_set(&w.backer->reval.timer));
	world_done(&w);
}

static void test_learning(void **state)
{
	struct world w;
	world_init(&w);
	world_add_flow(&w, &w.br0, "actions=NORMAL");
	world_add_flow(&w, &w.br1, "actions=drop");
	send(&w, "in_port=1,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02", false, "100,2");
	send(&w, "in_port=2,dl_src=00:00:00:00:00:02,dl_dst=00:00:00:00:00:01", false, "1");
	pass(&w, 20); // the first flow hears of it
	send(&w, "in_port=1,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02", true, "2");
	// Traffic in the datapath keeps addresses, silence does not.
	for (int i = 1; i < 65; i++) {
		pass(&w, 5000);
		send(&w, "in_port=1,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:02", true,
		     i < 60 ? "2" : "100,2");
	}
	assert_int_equal(mac_table_count(w.br0.macs), 1);
	pass(&w, 301000);
	assert_int_equal(mac_table_count(w.br0.macs), 0);
	assert_false(loop_timer_is_set(&w.backer->reval.mac_timer));
	world_done(&w);
}

// --- Threads.

struct worker {
	struct world *w;
	unsigned int seed;
	unsigned long n;
	bool *stop;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct buf actions = BUF_INIT;
	rcu_register();
	random_seed(worker->seed);
	while (!__atomic_load_n(worker->stop, __ATOMIC_RELAXED)) {
		struct flow key, mask;
		struct xlate_out out;
		memset(&key, 0, sizeof(key));
		memset(&mask, 0, sizeof(mask));
		key.in_port = 1 + random_below(4);
		key.dl_type = BE16(0x0800);
		key.nw_src = random_below(16);
		key.dl_src[5] = (uint8_t)random_below(20);
		key.dl_dst[5] = (uint8_t)random_below(20);
		buf_clear(&actions);
		xlate_out_init(&out, &actions, &mask);
		xlate_translate(&(struct xlate_in){.backer = worker->w->backer,
						   .flow = &key,
						   .frame_len = FRAME,
						   .may_learn = true,
						   .credit = true},
				&out);
		struct megaflow *mf =
			megaflow_new(worker->w->backer->bases, &out, &key, 1, clock_ms());
		megaflow_free(mf);
		xlate_out_done(&out);
		__atomic_fetch_add(&worker->n, 1, __ATOMIC_RELAXED);
		rcu_quiescent();
	}
	buf_done(&actions);
	rcu_unregister();
	return NULL;
}

static bool done_some(const struct worker *workers)
{
	return __atomic_load_n(&workers[0].n, __ATOMIC_RELAXED) > 50 &&
	       __atomic_load_n(&workers[1].n, __ATOMIC_RELAXED) > 50;
}

static void test_threads(void **state)
{
	struct world w;
	bool stop = false;
	world_init(&w);
	world_add_flow(&w, &w.br1, "actions=NORMAL");
	struct worker workers[2] = {{.w = &w, .seed = 1, .stop = &stop},
				    {.w = &w, .seed = 2, .stop = &stop}};
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, work, &workers[i]);
	// On a busy machine the workers may come late.
	for (unsigned int i = 0; i < 1500 || !done_some(workers); i++) {
		world_add_flow(&w, &w.br0, "actions=resubmit(,1)");
		world_add_flow(&w, &w.br0, "table=1,priority=5,ip actions=NORMAL");
		world_add_flow(&w, &w.br0,
			       "table=1,priority=9,ip,nw_src=0.0.0.0/5 actions=9,flood");
		if (i % 3 == 0)
			world_publish(&w, &w.br0);
		if (i % 5 == 0)
			world_del_flows(&w, &w.br0);
		if (i % 7 == 0)
			mac_table_flush(w.br0.macs);
		rcu_quiescent();
		loop_run_once(w.loop, 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	rcu_offline();
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	rcu_online();
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters), cmocka_unit_test(test_changes),
		cmocka_unit_test(test_many),	 cmocka_unit_test(test_ports_share_the_limit),
		cmocka_unit_test(test_idle),	 cmocka_unit_test(test_learning),
		cmocka_unit_test(test_threads),
	};
	rcu_register();
	clock_stop();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_barrier_all();
	rcu_unregister();
	return failed;
}
