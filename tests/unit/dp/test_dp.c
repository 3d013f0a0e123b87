/* SPDX-License-Identifier: Apache-2.0 */
// The userspace datapath behind dp.h: life of flows, counters, upcalls, ports, drops; in the main
// thread and with threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <errno.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/rcu.h"
#include "base/str.h"
#include "dp_fixture.h"
#include "frames.h"

static struct fixture f;

static void *add(struct buf *b, unsigned int type, size_t len)
{
	struct dpact *a = buf_add_zeros(b, (len + 7) & ~(size_t)7);
	a->type = (uint16_t)type;
	a->len = (uint16_t)len;
	return a;
}

static void add_output(struct buf *b, uint32_t port)
{
	((struct dpact_output *)add(b, DPACT_OUTPUT, sizeof(struct dpact_output)))->port = port;
}

// A UDP or TCP packet from 10.0.0.x.
enum { UDP_LEN = 60 };
static void make_udp(uint8_t frame[UDP_LEN], unsigned int host, unsigned int port)
{
	memset(frame, 0, UDP_LEN);
	memcpy(frame, "\2\0\0\0\0\1\2\0\0\0\0\2\10\0\105", 15);
	put_be16(frame + 16, 46);
	frame[22] = 64;
	frame[23] = 17;
	frame[26] = 10;
	put_be16(frame + 28, (uint16_t)host);
	frame[30] = 10;
	put_be16(frame + 34, (uint16_t)port);
	frame_fix_checksums(frame, UDP_LEN);
}

static void make_tcp(uint8_t frame[UDP_LEN], unsigned int host, unsigned int flags)
{
	make_udp(frame, host, 80);
	frame[23] = 6;
	put_be16(frame + 46, (uint16_t)(0x5000 | flags));
	frame_fix_checksums(frame, UDP_LEN);
}

static void push_udp(uint32_t port, unsigned int host, unsigned int tp)
{
	uint8_t frame[UDP_LEN];
	make_udp(frame, host, tp);
	fake_netdev_push_bytes(f.port[port], frame, UDP_LEN);
}

// Upcalls answer with this from now on.
static void answer(uint32_t port, bool install)
{
	buf_clear(&f.actions);
	if (port)
		add_output(&f.actions, port);
	f.install = install;
	memset(&f.mask, 0, sizeof(f.mask));
	f.mask.in_port = UINT32_MAX;
	f.mask.dl_type = 0xffff;
	f.mask.nw_src = UINT32_MAX;
}

struct shown {
	unsigned int n;
	struct uuid ufid;
	struct flow key, mask;
	struct dp_flow_stats stats;
	size_t actions_len;
	void *cookie;
	bool delete;
};

static void show(void *arg, const struct dp_flow *flow)
{
	struct shown *s = arg;
	s->n++;
	s->ufid = *flow->ufid;
	s->key = *flow->key;
	s->mask = *flow->mask;
	s->stats = flow->stats;
	s->actions_len = flow->actions_len;
	s->cookie = flow->cookie;
	if (s->delete)
		assert_int_equal(dp_flow_del(f.dp, flow->ufid), 0);
}

static struct shown dump(void)
{
	struct shown s = {0};
	uint64_t position = 0;
	while (dp_flow_dump(f.dp, &position, 3, show, &s))
		;
	return s;
}

static void test_miss_then_hits(void **state)
{
	answer(2, true);
	for (int i = 0; i < 10; i++)
		push_udp(1, 1, 53);
	fixture_run(&f);
	assert_int_equal(f.n_misses, 1);
	assert_int_equal(f.key.in_port, 1);
	assert_int_equal(f.key.nw_src, BE32(0x0a000001));
	assert_int_equal(f.frame.len, UDP_LEN);
	assert_int_equal(fake_netdev_n_sent(f.port[2]), 10);
	struct shown s = dump();
	assert_int_equal(s.n, 1);
	// The packet that missed was the translation's to count.
	assert_int_equal(s.stats.packets, 9);
	assert_int_equal(s.stats.bytes, 9 * UDP_LEN);
	assert_in_range(clock_ms() - s.stats.used, 0, 5000);
	assert_ptr_equal(s.cookie, 1);
	assert_int_equal(s.key.in_port, 1);
	assert_int_equal(s.key.nw_src, BE32(0x0a000001));
	assert_int_equal(s.mask.nw_src, UINT32_MAX);
	assert_int_equal(s.mask.nw_dst, 0);
	assert_int_equal(s.key.nw_dst, 0);
	assert_int_equal(s.mask.dl_type, 0xffff);
	struct dp_stats st = fixture_stats(&f);
	assert_int_equal(st.n_hit, 9);
	assert_int_equal(st.n_missed, 1);
	assert_int_equal(st.n_lost, 0);
	assert_int_equal(st.n_flows, 1);
	assert_int_equal(st.n_masks, 1);
	// Gone once, with the final counters.
	assert_int_equal(dp_flow_del(f.dp, &s.ufid), 0);
	assert_int_equal(dp_flow_del(f.dp, &s.ufid), -ENOENT);
	assert_int_equal(dump().n, 0);
	push_udp(1, 1, 53);
	fixture_settle(&f);
	assert_int_equal(f.n_misses, 2);
	assert_int_equal(f.gone.n, 1);
	assert_ptr_equal(f.gone.v[0].cookie, 1);
	assert_int_equal(f.gone.v[0].stats.packets, 9);
}

static void test_used_and_tcp_flags(void **state)
{
	uint8_t frame[UDP_LEN];
	answer(2, true);
	make_tcp(frame, 1, 0x002);
	fake_netdev_push_bytes(f.port[1], frame, UDP_LEN);
	fixture_run(&f);
	assert_int_equal(dump().stats.used, 0);
	assert_int_equal(dump().stats.tcp_flags, 0);
	make_tcp(frame, 1, 0x010);
	fake_netdev_push_bytes(f.port[1], frame, UDP_LEN);
	make_tcp(frame, 1, 0x101);
	fake_netdev_push_bytes(f.port[1], frame, UDP_LEN);
	fixture_run(&f);
	assert_int_equal(dump().stats.tcp_flags, 0x111);
	int64_t used = dump().stats.used;
	clock_warp(10000);
	assert_int_equal(dump().stats.used, used);
	fake_netdev_push_bytes(f.port[1], frame, UDP_LEN);
	fixture_run(&f);
	assert_in_range(dump().stats.used - used, 10000, 15000);
}

static void test_several_masks_use_the_cache(void **state)
{
	answer(2, true);
	push_udp(1, 1, 1);
	fixture_run(&f);
	f.mask.tp_src = 0xffff;
	f.mask.nw_proto = 0xff;
	push_udp(1, 2, 2);
	fixture_run(&f);
	assert_int_equal(fixture_stats(&f).n_masks, 2);
	for (int i = 0; i < 100; i++) {
		push_udp(1, 1, 1000); // of the first's mask
		push_udp(1, 2, 2);
	}
	fixture_run(&f);
	assert_int_equal(f.n_misses, 2);
	struct dp_stats st = fixture_stats(&f);
	assert_int_equal(st.n_hit, 200);
	assert_in_range(st.n_cache_hit, 130, 199); // the first burst found them in the classifier
	assert_int_equal(fake_netdev_n_sent(f.port[2]), 202);
}

static void test_without_install(void **state)
{
	answer(3, false);
	push_udp(1, 1, 1);
	push_udp(1, 1, 1);
	fixture_run(&f);
	assert_int_equal(f.n_misses, 2);
	assert_int_equal(fake_netdev_n_sent(f.port[3]), 2);
	assert_int_equal(dump().n, 0);
	f.result = -ENOBUFS;
	push_udp(1, 1, 1);
	fixture_run(&f);
	assert_int_equal(fixture_stats(&f).n_lost, 1);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_UPCALL], 1);
	f.result = 0;
	// Actions that this datapath does not have.
	buf_clear(&f.actions);
	((struct dpact_set *)add(&f.actions, DPACT_SET, sizeof(struct dpact_set)))->header =
		DPH_TUNNEL;
	f.install = true;
	push_udp(1, 1, 1);
	fixture_settle(&f);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_UPCALL], 2);
	assert_int_equal(f.gone.n, 1);
	assert_int_equal(dump().n, 0);
}

static void test_put_modify_flush(void **state)
{
	struct flow key = {
		.in_port = 1, .dl_type = BE16(0x0800), .nw_proto = 17, .tp_src = BE16(53)};
	struct flow mask = {
		.in_port = UINT32_MAX, .dl_type = 0xffff, .nw_proto = 0xff, .tp_src = 0xffff};
	struct buf list = BUF_INIT;
	struct uuid ufid, second;
	add_output(&list, 4);
	assert_null(dp_flow_put(f.dp, &key, &mask, list.data, list.len, (void *)7, &ufid));
	push_udp(1, 9, 53);
	push_udp(1, 8, 53);
	fixture_run(&f);
	assert_int_equal(f.n_misses, 0);
	assert_int_equal(fake_netdev_n_sent(f.port[4]), 2);
	struct shown s = dump();
	assert_int_equal(s.stats.packets, 2);
	assert_int_equal(s.key.tp_src, BE16(53));
	assert_int_equal(s.mask.tp_src, 0xffff);
	// New actions, same counters.
	buf_clear(&list);
	add_output(&list, 5);
	assert_int_equal(dp_flow_modify(f.dp, &ufid, list.data, list.len), 0);
	push_udp(1, 9, 53);
	fixture_run(&f);
	assert_int_equal(fake_netdev_n_sent(f.port[5]), 1);
	assert_int_equal(dump().stats.packets, 3);
	struct uuid nobody = ufid;
	nobody.part[0]++;
	assert_int_equal(dp_flow_modify(f.dp, &nobody, list.data, list.len), -ENOENT);
	nobody.part[3] = 1 << 30;
	assert_int_equal(dp_flow_del(f.dp, &nobody), -ENOENT);
	struct buf tunnel = BUF_INIT;
	((struct dpact_set *)add(&tunnel, DPACT_SET, sizeof(struct dpact_set)))->header =
		DPH_TUNNEL;
	assert_int_equal(dp_flow_modify(f.dp, &ufid, tunnel.data, tunnel.len), -EOPNOTSUPP);
	buf_done(&tunnel);
	// Replaced by key and mask.
	assert_null(dp_flow_put(f.dp, &key, &mask, list.data, list.len, (void *)8, &second));
	assert_int_equal(dump().n, 1);
	assert_ptr_equal(dump().cookie, 8);
	fixture_settle(&f);
	assert_int_equal(f.gone.n, 1);
	assert_ptr_equal(f.gone.v[0].cookie, 7);
	assert_int_equal(f.gone.v[0].stats.packets, 3);
	dp_flow_flush(f.dp);
	assert_int_equal(dump().n, 0);
	fixture_settle(&f);
	assert_int_equal(f.gone.n, 2);
	buf_done(&list);
}

static void test_dump_survives_changes(void **state)
{
	struct shown s = {.delete = true};
	uint64_t position = 0;
	answer(2, true);
	for (unsigned int i = 0; i < 100; i++)
		push_udp(1, i, 1);
	fixture_run(&f);
	assert_int_equal(dump().n, 100);
	while (dp_flow_dump(f.dp, &position, 7, show, &s)) // the callback deletes what it is shown
		fixture_run(&f);
	assert_int_equal(s.n, 100);
	assert_int_equal(dump().n, 0);
	fixture_settle(&f);
	assert_int_equal(f.gone.n, 100);
}

static void test_drops(void **state)
{
	uint8_t frame[2000] = {0};
	answer(77, true); // a port that does not exist
	push_udp(1, 1, 1);
	push_udp(1, 1, 1);
	fixture_run(&f);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_NO_PORT], 2);
	answer(0, true);
	push_udp(1, 2, 1);
	push_udp(1, 2, 1);
	fixture_run(&f);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_NO_ACTIONS], 2);
	struct dpact_drop *drop = add(&f.actions, DPACT_DROP, sizeof(*drop));
	drop->reason = DP_DROP_TRANSLATION;
	push_udp(1, 3, 1);
	push_udp(1, 3, 1);
	fixture_run(&f);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_TRANSLATION], 2);
	fake_netdev_push_bytes(f.port[1], frame, 13);
	fixture_run(&f);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_MALFORMED], 1);
	fake_netdev_limit(f.port[5], 1);
	answer(5, true);
	push_udp(1, 4, 1);
	push_udp(1, 4, 1);
	push_udp(1, 4, 1);
	fixture_run(&f);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_TX], 2);
	// MTU 1500: the frame, and with one tag four bytes more.
	answer(6, true);
	f.mask.nw_src = 0;
	frame[12] = 0x12;
	fake_netdev_push_bytes(f.port[1], frame, 1514);
	fake_netdev_push_bytes(f.port[1], frame, 1515);
	put_be16(frame + 12, 0x8100);
	fake_netdev_push_bytes(f.port[1], frame, 1518);
	fake_netdev_push_bytes(f.port[1], frame, 1519);
	fixture_run(&f);
	assert_int_equal(fake_netdev_n_sent(f.port[6]), 2);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_MTU], 2);
	// A new MTU counts after reconfiguration.
	fake_netdev_set_mtu(f.port[6], 1600);
	assert_null(dp_port_reconfigure(f.dp, 6));
	fake_netdev_push_bytes(f.port[1], frame, 1600);
	fixture_run(&f);
	assert_int_equal(fake_netdev_n_sent(f.port[6]), 3);
}

static void recirculate(struct fixture *fx, const struct dp_upcall *up,
			struct dp_upcall_result *result)
{
	result->install = true;
	result->mask.recirc_id = UINT32_MAX;
	result->mask.dp_hash = up->key->recirc_id ? 1 : 0;
	if (up->key->recirc_id == 5) { // the hash decides, and the mark made it here
		assert_int_not_equal(up->key->dp_hash, 0);
		assert_int_equal(up->key->pkt_mark, 3);
		assert_int_equal(up->key->vlan[0].tci, BE16(0x1007));
		add_output(&result->actions, 2 + (up->key->dp_hash & 1));
		return;
	}
	struct dpact_set *mark = add(&result->actions, DPACT_SET, sizeof(*mark));
	mark->header = DPH_MARK;
	mark->key.u32 = 3;
	mark->mask.u32 = UINT32_MAX;
	struct dpact_push_vlan *vlan = add(&result->actions, DPACT_PUSH_VLAN, sizeof(*vlan));
	vlan->tpid = BE16(0x8100);
	vlan->tci = BE16(0x1007);
	add(&result->actions, DPACT_HASH, sizeof(struct dpact_hash));
	struct dpact_recirc *r = add(&result->actions, DPACT_RECIRC, sizeof(*r));
	r->id = 5;
}

static void test_recirculation(void **state)
{
	f.on_upcall = recirculate;
	for (unsigned int i = 0; i < 100; i++) {
		push_udp(1, i, i);
		push_udp(1, i, i);
	}
	fixture_run(&f);
	assert_int_equal(f.n_misses,
			 3); // the recirculation, and one for each value of a bit of the hash
	assert_int_equal(fake_netdev_n_sent(f.port[2]) + fake_netdev_n_sent(f.port[3]), 200);
	assert_in_range(fake_netdev_n_sent(f.port[2]), 50, 150);
	assert_int_equal(fake_netdev_n_sent(f.port[2]) % 2, 0); // a flow stays together
	// Without end: cut off.
	f.on_upcall = NULL;
	dp_flow_flush(f.dp);
	buf_clear(&f.actions);
	struct dpact_recirc *r = add(&f.actions, DPACT_RECIRC, sizeof(*r));
	r->id = 6;
	f.install = true;
	memset(&f.mask, 0, sizeof(f.mask));
	push_udp(1, 1, 1);
	fixture_run(&f);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_RECIRC], 1);
}

static void test_userspace_action(void **state)
{
	buf_clear(&f.actions);
	struct dpact_set *set = add(&f.actions, DPACT_SET, sizeof(*set));
	set->header = DPH_ETHERNET;
	memset(set->key.ethernet.src, 0x42, 6);
	memset(set->mask.ethernet.src, 0xff, 6);
	struct dpact_trunc *t = add(&f.actions, DPACT_TRUNC, sizeof(*t));
	t->max_len = 20;
	struct dpact_userspace *u =
		add(&f.actions, DPACT_USERSPACE, offsetof(struct dpact_userspace, userdata) + 5);
	u->userdata_len = 5;
	memcpy(u->userdata, "hello", 5);
	add_output(&f.actions, 2);
	f.install = true;
	push_udp(1, 1, 1);
	push_udp(1, 1, 1);
	fixture_run(&f);
	assert_int_equal(f.n_misses, 1);
	assert_int_equal(f.n_actions, 2);
	assert_int_equal(f.userdata.len, 5);
	assert_memory_equal(f.userdata.data, "hello", 5);
	assert_int_equal(f.frame.len, 20);
	assert_memory_equal(f.frame.data + 6, "BBBBBB", 6); // as the actions before it made it
	assert_int_equal(f.key.dl_src[0], 0x42);
	assert_int_equal(fake_netdev_n_sent(f.port[2]), 2);
	struct sent sent;
	fake_netdev_pop(f.port[2], &sent);
	assert_int_equal(sent.len, UDP_LEN);
	sent_done(&sent);
}

// A packet-out from within an upcall, as the switch does for packets that a controller sends back.
static void execute_inside(struct fixture *fx, const struct dp_upcall *up,
			   struct dp_upcall_result *result)
{
	struct buf list = BUF_INIT;
	if (up->type == DP_UPCALL_ACTION)
		return;
	struct dpact_userspace *u = add(&list, DPACT_USERSPACE, sizeof(*u));
	u->userdata_len = 0;
	add_output(&list, 7);
	pthread_mutex_unlock(&fx->lock);
	assert_null(dp_execute(fx->dp, up->key, up->frame, up->frame_len, list.data, list.len));
	pthread_mutex_lock(&fx->lock);
	buf_done(&list);
	add_output(&result->actions, 2);
	result->install = true;
}

static void test_execute(void **state)
{
	uint8_t frame[UDP_LEN];
	struct buf list = BUF_INIT;
	struct flow key = {.in_port = DP_PORT_NONE, .pkt_mark = 9};
	make_udp(frame, 1, 1);
	add_output(&list, 2);
	add_output(&list, 3);
	assert_null(dp_execute(f.dp, &key, frame, UDP_LEN, list.data, list.len));
	assert_int_equal(fake_netdev_n_sent(f.port[2]), 1);
	assert_int_equal(fake_netdev_n_sent(f.port[3]), 1);
	struct error *e = dp_execute(f.dp, &key, frame, 10, list.data, list.len);
	assert_string_equal(error_text(e),
			    "a packet of 10 bytes is no Ethernet frame: Invalid argument");
	error_free(e);
	f.on_upcall = execute_inside;
	push_udp(1, 1, 1);
	push_udp(1, 1, 1);
	fixture_run(&f);
	assert_int_equal(f.n_misses, 1);
	assert_int_equal(f.n_actions, 1);
	assert_int_equal(fake_netdev_n_sent(f.port[7]), 1);
	assert_int_equal(fake_netdev_n_sent(f.port[2]), 3);
	buf_done(&list);
}

static void count_port(void *arg, const struct dp_port_info *info)
{
	++*(unsigned int *)arg;
}

static void test_ports(void **state)
{
	struct dp_port_info info;
	unsigned int n = 0;
	uint32_t number = 3;
	dp_port_dump(f.dp, count_port, &n);
	assert_int_equal(n, FIXTURE_PORTS);
	assert_int_equal(dp_port_find(f.dp, "p3", &info), 0);
	assert_int_equal(info.port, 3);
	assert_string_equal(info.type, "dummy");
	assert_int_equal(dp_port_find(f.dp, "p9", &info), -ENOENT);
	struct netdev *more = fake_netdev_new("more", "dummy", 1500, 3);
	struct error *e = dp_port_add(f.dp, more, &number);
	assert_string_equal(error_text(e), "port number 3 is in use: Device or resource busy");
	error_free(e);
	number = DP_PORT_NONE;
	e = dp_port_add(f.dp, f.port[3], &number);
	assert_string_equal(error_text(e), "port p3 is there already: File exists");
	error_free(e);
	number = 60000;
	assert_null(dp_port_add(f.dp, more, &number));
	assert_int_equal(number, 60000);
	// All its queues are served.
	answer(60000, true);
	uint8_t frame[UDP_LEN];
	make_udp(frame, 5, 5);
	for (unsigned int q = 0; q < 3; q++)
		fake_netdev_push(more, q, mbuf_from_bytes(frame, UDP_LEN));
	fixture_run(&f);
	assert_int_equal(f.n_misses, 1);
	assert_int_equal(f.key.in_port, 60000);
	assert_int_equal(fake_netdev_n_sent(more), 3);
	assert_int_equal(dp_port_del(f.dp, 60000), 0);
	assert_int_equal(dp_port_del(f.dp, 60000), -ENOENT);
	fake_netdev_push(more, 0, mbuf_from_bytes(frame, UDP_LEN));
	fixture_run(&f);
	assert_int_equal(fake_netdev_n_waiting(more), 1);
	fake_netdev_free(more);
	struct netdev *polled = fake_netdev_new("polled", "polled", 1500, 1);
	number = DP_PORT_NONE;
	assert_null(dp_port_add(f.dp, polled, &number));
	answer(number, true);
	fixture_run(&f);
	fake_netdev_push(polled, 0, mbuf_from_bytes(frame, UDP_LEN));
	for (int i = 0; i < 2000 && fake_netdev_n_sent(polled) < 1; i++)
		usleep(1000);
	assert_int_equal(fake_netdev_n_sent(polled), 1);
	struct str text = STR_INIT;
	assert_null(dp_pmd_format(f.dp, DP_PMD_RXQS, &(struct dp_pmd_query){.core = -1}, &text));
	assert_non_null(strstr(
		str_cstr(&text),
		"  port: polled            queue-id:  0 (enabled)   pmd usage: NOT AVAIL\n"));
	str_done(&text);
	assert_int_equal(dp_port_del(f.dp, number), 0);
	fake_netdev_free(polled);
}

static void test_types(void **state)
{
	struct dp *dp;
	struct error *e = dp_open(f.loop, "system", "x", NULL, NULL, &dp);
	assert_non_null(e);
	assert_int_equal(error_code(e), EOPNOTSUPP);
	error_free(e);
	e = dp_open(f.loop, "nosuch", "x", NULL, NULL, &dp);
	assert_int_equal(error_code(e), EAFNOSUPPORT);
	error_free(e);
	assert_string_equal(dp_type(f.dp), "dummy");
	assert_string_equal(dp_name(f.dp), "ovs-netdev");
	assert_string_equal(dp_types()[0], "dummy");
	assert_string_equal(dp_types()[1], "netdev");
	assert_null(dp_types()[2]);
}

static void test_pmd_stats(void **state)
{
	struct str s = STR_INIT;
	answer(2, true);
	for (int i = 0; i < 4; i++)
		push_udp(1, 1, 1);
	fixture_run(&f);
	assert_null(dp_pmd_format(f.dp, DP_PMD_STATS, &(struct dp_pmd_query){.core = -1}, &s));
	assert_string_equal(str_cstr(&s), "main thread:\n"
					  "  packets received: 4\n"
					  "  packet recirculations: 0\n"
					  "  avg. datapath passes per packet: 1.00\n"
					  "  phwol hits: 0\n"
					  "  mfex opt hits: 0\n"
					  "  simple match hits: 0\n"
					  "  emc hits: 0\n"
					  "  smc hits: 0\n"
					  "  megaflow hits: 3\n"
					  "  avg. subtable lookups per megaflow hit: 1.00\n"
					  "  miss with success upcall: 1\n"
					  "  miss with failed upcall: 0\n"
					  "  avg. packets per output batch: 4.00\n");
	dp_pmd_stats_clear(f.dp, -1);
	str_clear(&s);
	assert_null(dp_pmd_format(f.dp, DP_PMD_STATS, &(struct dp_pmd_query){.core = -1}, &s));
	assert_non_null(strstr(str_cstr(&s), "packets received: 0\n"));
	assert_non_null(strstr(str_cstr(&s), "avg. datapath passes per packet: 0.00\n"));
	assert_int_equal(fixture_stats(&f).n_hit, 3); // those stay
	str_done(&s);
}

// --- With threads.

static bool wait_for(bool (*done)(void))
{
	for (int i = 0; i < 5000; i++) {
		loop_run_once(f.loop, 1);
		if (done())
			return true;
	}
	return false;
}

static unsigned int pushed;

static size_t n_waiting(void)
{
	size_t n = 0;
	for (uint32_t p = 1; p <= FIXTURE_PORTS; p++)
		n += fake_netdev_n_waiting(f.port[p]);
	return n;
}

static bool all_received(void)
{
	struct dp_stats s = fixture_stats(&f);
	return !n_waiting() && s.n_hit + s.n_missed == pushed;
}

static void by_host(struct fixture *fx, const struct dp_upcall *up, struct dp_upcall_result *result)
{
	add_output(&result->actions, 1 + (be32toh(up->key->nw_src) & 7));
	result->mask.in_port = UINT32_MAX;
	result->mask.dl_type = 0xffff;
	result->mask.nw_src = UINT32_MAX;
	if (up->key->tp_src & BE16(1)) {
		result->mask.nw_proto = 0xff;
		result->mask.tp_src = BE16(1);
	}
	result->install = true;
	result->cookie = (void *)++fx->next_cookie;
}

static bool all_sent(void)
{
	uint64_t sent = 0;
	for (uint32_t p = 1; p <= FIXTURE_PORTS; p++)
		sent += fake_netdev_n_sent(f.port[p]);
	return sent == pushed;
}

// Packets on all ports while flows are deleted, modified, and ports come and go: all counters add
// up.
static void test_threads(void **state)
{
	f.on_upcall = by_host;
	for (uint32_t p = 1; p <= FIXTURE_PORTS; p++)
		fake_netdev_discard(f.port[p]);
	pushed = 0;
	struct netdev *extra = fake_netdev_new("extra", "system", 1500, 2);
	for (int round = 0; round < 100; round++) {
		uint32_t number = DP_PORT_NONE;
		while (n_waiting() > 1000) // the pool has 8192
			loop_run_once(f.loop, 1);
		for (int i = 0; i < 64; i++, pushed++)
			push_udp(1 + random_below(FIXTURE_PORTS), random_below(256),
				 random_below(4));
		if (round % 10 == 0)
			assert_null(dp_port_add(f.dp, extra, &number));
		if (round % 5 == 0) {
			struct shown s = {.delete = true};
			uint64_t position = random_below(50);
			dp_flow_dump(f.dp, &position, 20, show, &s);
		}
		if (round % 7 == 0)
			assert_null(dp_port_reconfigure(f.dp, 1 + random_below(FIXTURE_PORTS)));
		loop_run_once(f.loop, 0);
		if (round % 10 == 0)
			assert_int_equal(dp_port_del(f.dp, number), 0);
	}
	assert_true(wait_for(all_received));
	assert_true(wait_for(all_sent));
	uint64_t counted = 0, received = 0;
	dp_flow_flush(f.dp);
	fixture_settle(&f);
	struct dp_stats st = fixture_stats(&f);
	for (size_t i = 0; i < f.gone.n; i++)
		counted += f.gone.v[i].stats.packets;
	assert_int_equal(counted, st.n_hit);
	assert_int_equal(st.n_missed, f.n_misses);
	assert_int_equal(f.gone.n, f.n_misses); // every cookie came back once
	received = st.n_hit + st.n_missed;
	assert_int_equal(received, pushed);
	assert_true(f.n_misses < pushed / 2);
	fake_netdev_free(extra);
}

static bool recovered(void)
{
	return !fake_netdev_n_waiting(f.port[1]);
}

static void test_failing_device(void **state)
{
	f.on_upcall = by_host;
	fake_netdev_fail(f.port[1], -ENETDOWN);
	for (int i = 0; i < 50; i++)
		loop_run_once(f.loop, 1);
	push_udp(1, 1, 1);
	fake_netdev_fail(f.port[1], 0);
	assert_true(wait_for(recovered)); // after a second's rest
}

static int setup_dummy(void **state)
{
	fixture_init(&f, "dummy", "dummy");
	return 0;
}

static int setup_threads(void **state)
{
	fixture_init(&f, "netdev", "system");
	return 0;
}

static int teardown(void **state)
{
	fixture_done(&f);
	return 0;
}

int main(void)
{
	random_seed(4);
	rcu_register();
#define DUMMY(TEST)   cmocka_unit_test_setup_teardown(TEST, setup_dummy, teardown)
#define THREADS(TEST) cmocka_unit_test_setup_teardown(TEST, setup_threads, teardown)
	const struct CMUnitTest tests[] = {
		DUMMY(test_miss_then_hits),
		DUMMY(test_used_and_tcp_flags),
		DUMMY(test_several_masks_use_the_cache),
		DUMMY(test_without_install),
		DUMMY(test_put_modify_flush),
		DUMMY(test_dump_survives_changes),
		DUMMY(test_drops),
		DUMMY(test_recirculation),
		DUMMY(test_userspace_action),
		DUMMY(test_execute),
		DUMMY(test_ports),
		DUMMY(test_types),
		DUMMY(test_pmd_stats),
		THREADS(test_threads),
		THREADS(test_failing_device),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_barrier_all();
	rcu_unregister();
	return failed;
}
