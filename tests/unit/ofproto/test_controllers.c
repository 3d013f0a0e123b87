/* SPDX-License-Identifier: Apache-2.0 */
// Controllers of a bridge over connections that are only memory: what is said to whom, and when.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "fake_bridge.h"
#include "fake_peer.h"
#include "ofproto/flow_mod.h"
#include "ofproto/guests.h"
#include "ofproto/packet_in.h"

// --- The fake.bridge.

static int setup(void **state)
{
	fake_bridge_init();
	return 0;
}

static int teardown(void **state)
{
	fake_bridge_done();
	return 0;
}

static void pass_time(int64_t ms)
{
	clock_warp(ms);
	loop_clock_changed(fake.system.loop);
	loop_run_once(fake.system.loop, 0);
}

// A controller that we connect to, connected.
static struct ofconn *configured(uint8_t version, const char *target)
{
	struct ofproto_controller c = {
		.target = target, .async_msgs = true, .probe_interval_ms = 5000};
	controllers_configure(fake.bridge.controllers, &c, 1);
	struct ofconn *of = &fake.conns[fake.n_conns - 1];
	of->version = version;
	of->cb->connected(of->arg);
	return of;
}

static void add_flow(struct ofconn *of, uint32_t nw_dst, uint16_t flags)
{
	struct buf b = BUF_INIT;
	struct ofp_flow_mod fm = {0};
	ofp_flow_mod_init(&fm);
	fm.flags = flags;
	fm.table_id = 0;
	fm.match.flow.dl_type = BE16(0x0800);
	fm.match.mask.dl_type = UINT16_MAX;
	fm.match.flow.nw_dst = htobe32(nw_dst);
	fm.match.mask.nw_dst = UINT32_MAX;
	ofp_encode_flow_mod(&b, &fm, ofp_protocol_of_version(of->version), 99);
	ofp_flow_mod_done(&fm);
	say(of, &b);
}

// --- Tests.

static void test_management_socket(void **state)
{
	assert_int_equal(fake.n_listeners, 1);
	assert_non_null(strstr(fake.listeners[0].target, "punix:"));
	assert_non_null(strstr(fake.listeners[0].target, "/br0.mgmt"));
	struct ofconn *of = fake_accepted(OFP13);
	fake_disconnect(of, -1);
	assert_true(of->freed);
}

static void test_questions(void **state)
{
	struct ofconn *of = fake_accepted(OFP13);
	ask(of, OFPTYPE_FEATURES_REQUEST, 7);
	struct ofp_msg msg = hear(of);
	struct ofp_features f;
	assert_int_equal(msg.type, OFPTYPE_FEATURES_REPLY);
	assert_int_equal(msg.xid, 7);
	assert_int_equal(ofp_decode_features(&msg, &f), 0);
	assert_true(f.datapath_id == 0x1234);
	assert_int_equal(f.n_tables, 254);
	ask(of, OFPTYPE_BARRIER_REQUEST, 8);
	msg = hear(of);
	assert_int_equal(msg.type, OFPTYPE_BARRIER_REPLY);
	assert_int_equal(msg.xid, 8);
	ask(of, OFPTYPE_GET_CONFIG_REQUEST, 9);
	struct ofp_config config;
	msg = hear(of);
	assert_int_equal(ofp_decode_config(&msg, &config), 0);
	assert_int_equal(config.miss_send_len, 0);
	assert_int_equal(of->sent.len, 0);
	// What the switch says cannot be asked of it.
	ask(of, OFPTYPE_BARRIER_REPLY, 10);
	hear_error(of, OFPBRC_BAD_TYPE);
}

static void test_table_stats(void **state)
{
	struct ofconn *of = fake_accepted(OFP13);
	add_flow(of, 1, 0);
	ask(of, OFPTYPE_TABLE_STATS_REQUEST, 7);
	struct ofp_msg msg = hear(of);
	struct ofp_table_stats s;
	assert_int_equal(ofp_table_stats_pull(&msg.body, OFP13, &s), 0);
	assert_int_equal(s.features.table_id, 0);
	assert_int_equal(s.active_count, 1);
	for (int i = 1; i < 254; i++)
		assert_int_equal(ofp_table_stats_pull(&msg.body, OFP13, &s), 0);
	assert_int_equal(s.features.table_id, 253);
	assert_int_equal(ofp_table_stats_pull(&msg.body, OFP13, &s), -ENODATA);
}

static void test_port_mod(void **state)
{
	struct ofconn *of = fake_accepted(OFP13);
	struct ofp_port_mod pm = {.port_no = 1,
				  .hw_addr = {2, 0, 0, 0, 0, 1},
				  .config = OFPPC_NO_FWD,
				  .mask = OFPPC_NO_FWD};
	struct buf b = BUF_INIT;
	ofp_encode_port_mod(&b, &pm, OFP13, 1);
	say(of, &b);
	assert_int_equal(of->sent.len, 0);
	assert_int_equal(fake.port.config, OFPPC_NO_FWD);
	pm.hw_addr[5] = 9;
	ofp_encode_port_mod(&b, &pm, OFP13, 1);
	say(of, &b);
	hear_error(of, OFPPMFC_BAD_HW_ADDR);
	pm.port_no = 2;
	ofp_encode_port_mod(&b, &pm, OFP13, 1);
	say(of, &b);
	hear_error(of, OFPPMFC_BAD_PORT);
}

static void test_roles(void **state)
{
	struct ofconn *a = fake_accepted(OFP13), *b = fake_accepted(OFP13);
	want_role(a, OFPCR_NOCHANGE, 0);
	hear_role(a, OFPCR_EQUAL);
	want_role(a, OFPCR_PRIMARY, UINT64_MAX);
	hear_role(a, OFPCR_PRIMARY);
	want_role(b, OFPCR_PRIMARY, 1); // newer: the numbers go round
	hear_role(b, OFPCR_PRIMARY);
	assert_int_equal(hear(a).type, OFPTYPE_ROLE_STATUS); // whatever it wants to hear
	want_role(a, OFPCR_PRIMARY, UINT64_MAX);
	hear_error(a, OFPRRFC_STALE);
	want_role(a, OFPCR_NOCHANGE, 0);
	hear_role(a, OFPCR_SECONDARY);
	add_flow(a, 1, 0);
	hear_error(a, OFPBRC_IS_SECONDARY);
	add_flow(b, 1, 0);
	assert_int_equal(b->sent.len, 0);
	assert_int_equal(tables_count(&fake.bridge.tables, 0), 1);
	ask(a, OFPTYPE_BARRIER_REQUEST, 1); // which changes nothing
	assert_int_equal(hear(a).type, OFPTYPE_BARRIER_REPLY);
}

static void set_miss_send_len(struct ofconn *of, uint16_t len)
{
	struct buf b = BUF_INIT;
	struct ofp_config config = {.miss_send_len = len, .invalid_ttl_to_controller = -1};
	ofp_encode_config(&b, OFPTYPE_SET_CONFIG, &config, of->version, 1);
	say(of, &b);
}

static void test_async_messages(void **state)
{
	struct ofconn *service = fake_accepted(OFP13),
		      *primary = configured(OFP13, "tcp:192.0.2.1:6653");
	struct ofp_port_status status = {.reason = OFPPR_ADD};
	ofport_describe(&fake.port, &status.desc);
	controllers_port_status(fake.bridge.controllers, &status, NULL);
	assert_int_equal(service->sent.len, 0);
	assert_int_equal(hear(primary).type, OFPTYPE_PORT_STATUS);
	set_miss_send_len(service, 128);
	controllers_port_status(fake.bridge.controllers, &status, NULL);
	assert_int_equal(hear(service).type, OFPTYPE_PORT_STATUS);
	hear(primary);
	// Flows that wanted it are announced when they go, to all.
	add_flow(primary, 1, OFPFF_SEND_FLOW_REM);
	struct ofp_flow_mod fm = {0};
	ofp_flow_mod_init(&fm);
	fm.command = OFPFC_DELETE;
	struct buf b = BUF_INIT;
	ofp_encode_flow_mod(&b, &fm, OFPROTO_13, 1);
	ofp_flow_mod_done(&fm);
	say(primary, &b);
	assert_int_equal(hear(primary).type, OFPTYPE_FLOW_REMOVED);
	assert_int_equal(hear(service).type, OFPTYPE_FLOW_REMOVED);
	assert_int_equal(primary->sent.len, 0);
}

static struct packet_in a_packet_in(uint16_t controller_id)
{
	static const uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x06};
	return (struct packet_in){
		.reason = OFPR_ACTION,
		.controller_id = controller_id,
		.max_len = 20,
		.cookie = 0x77,
		.ofp_in_port = 3,
		.frame = frame,
		.frame_len = sizeof(frame),
	};
}

static void test_packet_in(void **state)
{
	struct ofconn *of = configured(OFP13, "tcp:192.0.2.1:6653");
	struct packet_in pin = a_packet_in(0);
	pin.metadata.regs[2] = 0x55;
	pin.metadata.in_port = 9; // the datapath's: not what is sent
	controllers_packet_in(fake.bridge.controllers, &pin);
	struct ofp_msg msg = hear(of);
	struct ofp_packet_in in;
	assert_int_equal(ofp_decode_packet_in(&msg, &in), 0);
	assert_int_equal(in.packet_len, 60); // whole, as it cannot be asked for later
	assert_int_equal(in.total_len, 60);
	assert_int_equal(in.buffer_id, OFP_NO_BUFFER);
	assert_int_equal(in.metadata.flow.in_port, 3);
	assert_int_equal(in.metadata.flow.regs[2], 0x55);
	assert_int_equal(in.metadata.mask.regs[1], 0);
	assert_true(in.cookie == 0x77);
	pin = a_packet_in(4); // for somebody else
	controllers_packet_in(fake.bridge.controllers, &pin);
	assert_int_equal(of->sent.len, 0);
	pin = a_packet_in(
		0); // only before OpenFlow 1.3 does a controller expect what no rule asked for
	pin.reason = OFPR_IMPLICIT_MISS;
	controllers_packet_in(fake.bridge.controllers, &pin);
	assert_int_equal(of->sent.len, 0);
	pin.reason = OFPR_EXPLICIT_MISS;
	controllers_packet_in(fake.bridge.controllers, &pin);
	msg = hear(of);
	assert_int_equal(ofp_decode_packet_in(&msg, &in), 0);
	assert_int_equal(in.reason, OFPR_NO_MATCH);
	// A peer that does not read gets a hundred of them and no more.
	of->backlog = 1;
	pin = a_packet_in(0);
	for (int i = 0; i < 300; i++)
		controllers_packet_in(fake.bridge.controllers, &pin);
	size_t waiting = of->sent.len / ofp_length(of->sent.data);
	assert_true(waiting >= 90 && waiting <= 100);
	of->backlog = 0;
	controllers_packet_in(fake.bridge.controllers, &pin);
	assert_int_equal(of->sent.len / ofp_length(of->sent.data), waiting + 1);
}

static void test_packet_in_rate(void **state)
{
	struct ofproto_controller c = {.target = "tcp:192.0.2.1:6653",
				       .async_msgs = true,
				       .rate_limit = 100,
				       .burst_limit = 25};
	controllers_configure(fake.bridge.controllers, &c, 1);
	struct ofconn *of = &fake.conns[fake.n_conns - 1];
	of->version = OFP13;
	of->cb->connected(of->arg);
	struct packet_in pin = a_packet_in(0);
	for (int i = 0; i < 45; i++)
		controllers_packet_in(fake.bridge.controllers, &pin);
	size_t one = ofp_length(of->sent.data), burst = of->sent.len / one;
	assert_true(burst >= 20 && burst < 45);
	for (int i = 0; i < 100; i++) {
		pass_time(10);
	}
	assert_int_equal(of->sent.len / one, 45);
}

static void test_misses(void **state)
{
	assert_false(controllers_want_misses(fake.bridge.controllers));
	struct ofconn *of = fake_accepted(OFP10);
	assert_false(controllers_want_misses(fake.bridge.controllers));
	set_miss_send_len(of, 128);
	assert_true(controllers_want_misses(fake.bridge.controllers));
	assert_int_equal(fake.n_invalidated, 1);
	fake_disconnect(of, -1);
	assert_false(controllers_want_misses(fake.bridge.controllers));
	configured(OFP13, "tcp:192.0.2.1:6653");
	assert_false(controllers_want_misses(fake.bridge.controllers));
	configured(OFP10, "tcp:192.0.2.2:6653");
	assert_true(controllers_want_misses(fake.bridge.controllers));
}

// A dump waits for a slow peer, and what was asked meanwhile is answered after it, in order.
static void slow_peer(uint8_t version, enum ofp_flows_kind kind, enum ofptype answer)
{
	enum { N = 5000 };
	struct ofconn *of = fake_accepted(version);
	for (uint32_t i = 0; i < N; i++)
		add_flow(of, i, 0);
	struct buf b = BUF_INIT;
	struct ofp_flow_stats_request request = {
		.kind = kind, .out_port = OFPP_NONE, .out_group = OFPG_ANY, .table_id = OFPTT_ALL};
	match_init_any(&request.match);
	ofp_encode_flow_stats_request(&b, &request, ofp_protocol_of_version(version), 50);
	of->backlog = OFCONN_HIGH + 1;
	say(of, &b);
	size_t first = of->sent.len;
	assert_true(first > 0 && first <= 2 * OFP_MAX_LEN);
	ask(of, OFPTYPE_BARRIER_REQUEST, 51);
	ask(of, OFPTYPE_BARRIER_REQUEST, 52);
	assert_false(of->reading);
	// Rules that go meanwhile are still those of the moment of the question.
	flows_flush(&fake.bridge);
	of->cb->drained(of->arg);
	assert_true(of->sent.len > first);
	of->backlog = 0;
	of->cb->drained(of->arg);
	assert_true(of->reading);
	fake_deliver(of, NULL, 0);
	unsigned int flows = 0;
	struct ofp_msg msg;
	struct buf actions = BUF_INIT;
	while ((msg = hear(of)).type == answer) {
		struct ofp_flow_stats fs;
		assert_int_equal(msg.xid, 50);
		while (!ofp_flow_stats_pull(&msg, &msg.body, &actions, &fs)) {
			assert_int_equal(fs.reason, OFPFSR_STATS_REQUEST);
			assert_int_equal(fs.priority, OFP_DEFAULT_PRIORITY);
			flows++;
		}
		assert_int_equal(!!(msg.mp_flags & OFPMPF_MORE), flows < N);
	}
	buf_done(&actions);
	assert_int_equal(flows, N);
	assert_int_equal(msg.xid, 51);
	assert_int_equal(hear(of).xid, 52);
	assert_int_equal(of->sent.len, 0);
}

static void test_slow_peer(void **state)
{
	slow_peer(OFP13, OFP_FLOWS_WHOLE, OFPTYPE_FLOW_STATS_REPLY);
}

static void test_slow_peer_of_counters(void **state)
{
	slow_peer(OFP15, OFP_FLOWS_COUNTERS, OFPTYPE_FLOW_COUNTERS_REPLY);
}

// --- Thresholds.

static struct rule *add_trigger(struct ofconn *of, const char *actions, uint16_t flags)
{
	struct buf b = BUF_INIT;
	struct ofp_flow_mod fm = {0};
	uint32_t protocols;
	ofp_flow_mod_init(&fm);
	fm.table_id = 7;
	fm.flags = flags;
	assert_null(ofpacts_parse(actions, NULL, &fm.actions, &protocols));
	ofp_encode_flow_mod(&b, &fm, OFPROTO_15, 99);
	say(of, &b);
	struct rule *r =
		tables_find_exactly(&fake.bridge.tables, 7, &fm.match, OFP_DEFAULT_PRIORITY);
	ofp_flow_mod_done(&fm);
	return r;
}

// So much traffic, and the news of it that the controller has a round later.
static unsigned int n_events(struct ofconn *of, struct rule *r, uint64_t packets)
{
	if (packets)
		rule_credit(r, packets, 100 * packets, clock_ms());
	pass_time(500);
	pass_time(0);
	unsigned int n = 0;
	struct buf actions = BUF_INIT;
	for (; of->sent.len; n++) {
		struct ofp_msg msg = hear(of);
		struct ofp_flow_stats fs;
		assert_int_equal(msg.type, OFPTYPE_FLOW_COUNTERS_REPLY);
		assert_int_equal(msg.xid, 0);
		assert_int_equal(ofp_flow_stats_pull(&msg, &msg.body, &actions, &fs), 0);
		assert_int_equal(fs.reason, OFPFSR_STAT_TRIGGER);
		assert_int_equal(fs.table_id, 7);
		assert_int_equal(fs.priority, OFP_DEFAULT_PRIORITY);
		assert_int_equal(fs.packets, rule_counts(r).packets);
		assert_int_equal(fs.bytes, rule_counts(r).bytes);
		assert_int_equal(cursor_left(&msg.body), 0);
	}
	buf_done(&actions);
	return n;
}

static void test_trigger(void **state)
{
	struct ofconn *of = configured(OFP15, "tcp:192.0.2.1:6653");
	struct rule *r = add_trigger(of, "drop", 0);
	assert_int_equal(n_events(of, r, 1000), 0);
	assert_false(loop_timer_is_set(&fake.bridge.trigger_timer));
	r = add_trigger(of, "stat_trigger(n_packets=10,n_bytes=5000)", OFPFF_RESET_COUNTS);
	assert_int_equal(n_events(of, r, 9), 0);
	assert_int_equal(n_events(of, r, 1), 1);
	assert_int_equal(n_events(of, r, 30), 0);
	assert_int_equal(n_events(of, r, 10), 1); // the bytes
	assert_int_equal(n_events(of, r, 1000), 0);
	// Both at once are one event.
	r = add_trigger(of, "stat_trigger(n_packets=10,n_bytes=5000)", OFPFF_RESET_COUNTS);
	assert_int_equal(n_events(of, r, 100), 1);
	// What was passed before is not news.
	r = add_trigger(of, "stat_trigger(n_packets=20,n_bytes=20000)", 0);
	assert_int_equal(n_events(of, r, 99), 0);
	assert_int_equal(n_events(of, r, 1), 1);
	flows_flush(&fake.bridge);
	pass_time(500);
	assert_int_equal(fake.bridge.tables.triggers.watched.n, 0);
	assert_false(loop_timer_is_set(&fake.bridge.trigger_timer));
}

static void test_trigger_periodic(void **state)
{
	struct ofconn *of = configured(OFP15, "tcp:192.0.2.1:6653");
	struct rule *r = add_trigger(of, "stat_trigger(periodic,n_packets=10)", 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(n_events(of, r, 9), 0);
		assert_int_equal(n_events(of, r, 1), 1);
	}
	assert_int_equal(n_events(of, r, 54), 1);
}

static void test_trigger_only_first(void **state)
{
	struct ofconn *of = configured(OFP15, "tcp:192.0.2.1:6653");
	struct rule *r = add_trigger(of, "stat_trigger(only_first,n_packets=10,n_bytes=5000)", 0);
	assert_int_equal(n_events(of, r, 10), 1);
	assert_int_equal(n_events(of, r, 1000), 0);
	// Of each period the first.
	r = add_trigger(of, "stat_trigger(periodic,only_first,n_packets=10,n_bytes=5000)",
			OFPFF_RESET_COUNTS);
	assert_int_equal(n_events(of, r, 10), 1);
	assert_int_equal(n_events(of, r, 5), 0);
	assert_int_equal(n_events(of, r, 5), 1);
	assert_int_equal(n_events(of, r, 80), 1); // 10 times the packets, 2 times the bytes
	assert_int_equal(n_events(of, r, 9), 0);
}

static void test_trigger_times(void **state)
{
	struct ofconn *of = configured(OFP15, "tcp:192.0.2.1:6653");
	struct rule *r = add_trigger(of, "stat_trigger(duration=2s)", 0);
	unsigned int n = 0;
	for (int i = 0; i < 10; i++) {
		n += n_events(of, r, 0);
		assert_int_equal(n, i >= 3);
	}
	// Idle again is news again.
	r = add_trigger(of, "stat_trigger(idle_age=1.5s)", 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5; i++)
			assert_int_equal(n_events(of, r, 1), 0);
		n = 0;
		for (int i = 0; i < 10; i++)
			n += n_events(of, r, 0);
		assert_int_equal(n, 1);
	}
}

// Only who speaks 1.5 and wants it.
static void test_trigger_listeners(void **state)
{
	struct ofconn *of = configured(OFP15, "tcp:192.0.2.1:6653");
	struct ofconn *old = fake_accepted(OFP14), *guest = fake_accepted(OFP15);
	struct rule *r = add_trigger(of, "stat_trigger(periodic,n_packets=1)", 0);
	assert_int_equal(n_events(of, r, 1), 1);
	assert_int_equal(old->sent.len, 0);
	assert_int_equal(guest->sent.len, 0);
	set_miss_send_len(old, 128);
	set_miss_send_len(guest, 128);
	assert_int_equal(n_events(of, r, 1), 1);
	assert_int_equal(old->sent.len, 0);
	assert_int_equal(hear(guest).type, OFPTYPE_FLOW_COUNTERS_REPLY);
	// Property 13, for who is primary or equal: none.
	static const uint8_t off[] = {OFP15, 28, 0, 16, 0, 0, 0, 1, 0, 13, 0, 8, 0, 0, 0, 0};
	struct buf b = BUF_INIT;
	buf_add(&b, off, sizeof(off));
	say(guest, &b);
	assert_int_equal(n_events(of, r, 1), 1);
	assert_int_equal(guest->sent.len, 0);
	add_trigger(of, "stat_trigger(flow_count=1)", 0);
	hear_error(of, OFPBIC_UNSUP_INST);
}

// A peer that leaves in the middle of a dump.
// Who lets too much lie that he never asked for is disconnected, once.
static void test_peer_that_never_reads(void **state)
{
	struct ofconn *of = configured(OFP13, "tcp:1.2.3.4");
	struct ofp_port_status status = {.reason = OFPPR_ADD};
	ofport_describe(&fake.port, &status.desc);
	of->backlog = 64 << 20;
	controllers_port_status(fake.bridge.controllers, &status, NULL);
	assert_int_equal(hear(of).type, OFPTYPE_PORT_STATUS);
	of->backlog++;
	controllers_port_status(fake.bridge.controllers, &status, NULL);
	assert_int_equal(of->sent.len, 0);
	assert_int_equal(of->give_up, ENOBUFS);
	of->give_up = 0;
	controllers_port_status(fake.bridge.controllers, &status, NULL);
	assert_int_equal(of->give_up, 0);
	// As the real one does; it comes back and is served again.
	fake_disconnect(of, ENOBUFS);
	of->backlog = 0;
	of->version = OFP13;
	of->cb->connected(of->arg);
	controllers_port_status(fake.bridge.controllers, &status, NULL);
	assert_int_equal(hear(of).type, OFPTYPE_PORT_STATUS);
}

// The mute ones go, the longest so first; those that speak stay, and nobody else gets in.
static void test_crowd(void **state)
{
	struct ofconn *first = fake_accepted(OFP13), *mute[2] = {fake_mute(), NULL};
	pass_time(10);
	mute[1] = fake_mute();
	while (fake.n_conns < GUESTS_PER_HOST)
		fake_accepted(OFP10);
	assert_non_null(fake_mute());
	assert_true(mute[0]->freed && !mute[1]->freed && !first->freed);
	assert_non_null(fake_accepted(OFP13));
	assert_true(mute[1]->freed && !first->freed);
	fake_accepted(OFP13); // in place of the one that came in place of the first mute one
	assert_null(fake_mute());
	ask(first, OFPTYPE_BARRIER_REQUEST, 8);
	assert_int_equal(hear(first).type, OFPTYPE_BARRIER_REPLY);
	fake_disconnect(first, -1);
	assert_non_null(fake_mute());
}

// All bridges together have a limit, too.
static void test_crowd_of_the_system(void **state)
{
	fake.system.max_guests = 2;
	struct ofconn *mute = fake_mute();
	fake_accepted(OFP13);
	fake_accepted(OFP13);
	assert_true(mute->freed);
	assert_null(fake_mute());
	assert_int_equal(fake.system.n_guests, 2);
}

static void test_lost_peer(void **state)
{
	struct ofconn *of = fake_accepted(OFP13);
	for (uint32_t i = 0; i < 3000; i++)
		add_flow(of, i, 0);
	of->backlog = OFCONN_HIGH + 1;
	struct buf b = BUF_INIT;
	struct ofp_flow_stats_request request = {
		.out_port = OFPP_NONE, .out_group = OFPG_ANY, .table_id = OFPTT_ALL};
	match_init_any(&request.match);
	ofp_encode_flow_stats_request(&b, &request, OFPROTO_13, 50);
	say(of, &b);
	ask(of, OFPTYPE_BARRIER_REQUEST, 51);
	fake_disconnect(of, 104);
	assert_true(of->freed);
}

static void test_fail_open(void **state)
{
	struct ofconn *of = configured(OFP13, "tcp:192.0.2.1:6653");
	controllers_set_fail_mode(fake.bridge.controllers, OFPROTO_FAIL_STANDALONE);
	fake_disconnect(of, 104);
	pass_time(14999);
	assert_int_equal(tables_count(&fake.bridge.tables, 0), 0);
	pass_time(1);
	assert_int_equal(tables_count(&fake.bridge.tables, 0), 1);
	assert_true(controllers_in_fail_open(fake.bridge.controllers));
	of->version = OFP13;
	of->cb->connected(of->arg);
	assert_int_equal(tables_count(&fake.bridge.tables, 0), 0);
	// In secure mode nothing of the kind happens.
	controllers_set_fail_mode(fake.bridge.controllers, OFPROTO_FAIL_SECURE);
	fake_disconnect(of, 104);
	pass_time(60000);
	assert_int_equal(tables_count(&fake.bridge.tables, 0), 0);
}

static void count_each(void *n, const struct ofproto_controller_status *s)
{
	++*(unsigned int *)n;
	assert_int_equal(s->is_connected, s->state && !strcmp(s->state, "ACTIVE"));
	assert_int_equal(s->is_connected, s->role != NULL);
}

static void test_configuration(void **state)
{
	struct ofproto_controller two[] = {
		{.target = "tcp:192.0.2.1:6653", .async_msgs = true, .max_backoff_ms = 3000},
		{.target = "bogus"}};
	assert_true(controllers_configure(fake.bridge.controllers, two, 2));
	assert_int_equal(fake.n_conns, 1);
	assert_int_equal(fake.conns[0].options.max_backoff, 3000);
	unsigned int n = 0;
	controllers_for_each(fake.bridge.controllers, count_each, &n);
	assert_int_equal(n, 2);
	// The same target keeps its connection, with new settings.
	two[0].probe_interval_ms = 1000;
	assert_false(controllers_configure(fake.bridge.controllers, two, 1));
	assert_int_equal(fake.n_conns, 1);
	assert_false(fake.conns[0].freed);
	assert_int_equal(fake.conns[0].options.probe_interval, 1000);
	assert_int_equal(fake.conns[0].n_reconnects, 0);
	// Versions that are no longer allowed.
	fake.conns[0].version = OFP10;
	fake.conns[0].cb->connected(fake.conns[0].arg);
	struct ofconn *service = fake_accepted(OFP10);
	controllers_set_versions(fake.bridge.controllers, 1 << OFP13);
	assert_int_equal(fake.conns[0].n_reconnects, 1);
	assert_true(service->freed);
	assert_true(controllers_configure(fake.bridge.controllers, NULL, 0));
	assert_true(fake.conns[0].freed);
}

static void test_packet_out(void **state)
{
	struct ofconn *of = fake_accepted(OFP13);
	uint8_t frame[60] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x06};
	struct ofp_packet_out po = {
		.packet = frame, .packet_len = sizeof(frame), .buffer_id = OFP_NO_BUFFER};
	match_init_any(&po.metadata);
	po.metadata.flow.in_port = OFPP_CONTROLLER;
	po.metadata.mask.in_port = UINT32_MAX;
	struct ofpact_output *out = ofpact_add(&po.actions, OFPACT_OUTPUT, sizeof(*out));
	out->port = 1;
	struct buf b = BUF_INIT;
	ofp_encode_packet_out(&b, &po, OFPROTO_13, 1);
	say(of, &b);
	assert_int_equal(fake.n_packet_outs, 1);
	assert_int_equal(of->sent.len, 0);
	po.packet_len = 13;
	ofp_encode_packet_out(&b, &po, OFPROTO_13, 1);
	say(of, &b);
	hear_error(of, OFPBRC_BAD_PACKET);
	po.packet = NULL;
	po.packet_len = 0;
	po.buffer_id = 5;
	ofp_encode_packet_out(&b, &po, OFPROTO_13, 1);
	say(of, &b);
	hear_error(of, OFPBRC_BUFFER_UNKNOWN);
	assert_int_equal(fake.n_packet_outs, 1);
	buf_done(&po.actions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
		TEST(test_management_socket),
		TEST(test_questions),
		TEST(test_table_stats),
		TEST(test_port_mod),
		TEST(test_roles),
		TEST(test_async_messages),
		TEST(test_packet_in),
		TEST(test_packet_in_rate),
		TEST(test_misses),
		TEST(test_slow_peer),
		TEST(test_slow_peer_of_counters),
		TEST(test_trigger),
		TEST(test_trigger_periodic),
		TEST(test_trigger_only_first),
		TEST(test_trigger_times),
		TEST(test_trigger_listeners),
		TEST(test_peer_that_never_reads),
		TEST(test_crowd),
		TEST(test_crowd_of_the_system),
		TEST(test_lost_peer),
		TEST(test_fail_open),
		TEST(test_configuration),
		TEST(test_packet_out),
	};
	rcu_register();
	clock_stop();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister();
	return failed;
}
