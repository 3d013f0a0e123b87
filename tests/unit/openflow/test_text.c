/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "flow_cases.h"
#include "testing.h"

static char *printed(const void *msg, size_t n, int verbosity)
{
	struct ofp_print_options o = {.verbosity = verbosity};
	struct str s = STR_INIT;
	ofp_print(&s, msg, n, &o);
	return str_take(&s);
}

static struct error *parse_for(const char *text, int command, const struct ofpact_text *names,
			       struct ofp_flow_mod *fm, uint32_t *protocols)
{
	char *copy = xstrdup(text);
	struct error *e = flow_mod_parse(copy, command, names, fm, protocols, NULL);
	free(copy);
	return e;
}

static void test_good_flows(void **state)
{
	for (size_t i = 0; i < sizeof(good_flows) / sizeof(good_flows[0]); i++) {
		struct ofp_flow_mod fm = {0};
		struct buf b = BUF_INIT;
		uint32_t protocols = 0;
		struct error *e = parse_for(good_flows[i].text, OFPFC_ADD, NULL, &fm, &protocols);
		if (e)
			fail_msg("%s: %s", good_flows[i].text, error_text(e));
		char *text = ofp_protocols_format(protocols);
		if (strcmp(text, good_flows[i].protocols))
			fail_msg("%s: %s, not %s", good_flows[i].text, text,
				 good_flows[i].protocols);
		free(text);
		match_normalize(&fm.match);
		ofp_encode_flow_mod(&b, &fm, OFPROTO_13, 1);
		text = printed(b.data, b.len, 0);
		char *want = xasprintf("OFPT_FLOW_MOD (OF1.3) (xid=0x1): %s\n",
				       good_flows[i].through_13);
		assert_string_equal(text, want);
		free(text);
		free(want);
		buf_done(&b);
		ofp_flow_mod_done(&fm);
	}
}

static void test_bad_flows(void **state)
{
	for (size_t i = 0; i < sizeof(bad_flows) / sizeof(bad_flows[0]); i++) {
		struct ofp_flow_mod fm = {0};
		uint32_t protocols;
		struct error *e = parse_for(bad_flows[i].text, OFPFC_ADD, NULL, &fm, &protocols);
		if (!e)
			fail_msg("%s: no error", bad_flows[i].text);
		assert_string_equal(error_text(e), bad_flows[i].error);
		error_free(e);
		ofp_flow_mod_done(&fm);
	}
}

static struct error *parse(const char *text, int command, struct ofp_flow_mod *fm)
{
	uint32_t protocols;
	return parse_for(text, command, NULL, fm, &protocols);
}

static void test_commands(void **state)
{
	struct ofp_flow_mod fm = {0};
	assert_null(parse("delete_strict in_port=3,priority=7", -1, &fm));
	assert_int_equal(fm.command, OFPFC_DELETE_STRICT);
	assert_int_equal(fm.priority, 7);
	assert_int_equal(fm.new_cookie, UINT64_MAX);
	assert_null(parse("modify,cookie=1/-1,cookie=2,actions=output:1", -1, &fm));
	assert_int_equal(fm.command, OFPFC_MODIFY);
	assert_int_equal(fm.cookie, htobe64(1));
	assert_int_equal(fm.cookie_mask, UINT64_MAX);
	assert_int_equal(fm.new_cookie, htobe64(2));
	assert_true(fm.modify_cookie);
	assert_null(parse("modify_strict actions=drop", -1, &fm));
	assert_int_equal(fm.new_cookie, 0);
	assert_false(fm.modify_cookie);
	assert_null(parse("add in_port=1 actions=2", -1, &fm));
	assert_int_equal(fm.command, OFPFC_ADD);
	assert_null(parse("in_port=1 actions=2", -1, &fm));
	assert_int_equal(fm.command, OFPFC_ADD);
	assert_null(parse("out_port=3,out_group=7", OFPFC_DELETE, &fm));
	assert_int_equal(fm.out_port, 3);
	assert_int_equal(fm.out_group, 7);
	struct error *e = parse("cookie=3", OFPFC_DELETE, &fm);
	assert_string_equal(
		error_text(e),
		"cannot set cookie (to match on a cookie, specify a mask, e.g. cookie=3/-1)");
	error_free(e);
	e = parse("priority=3", OFPFC_DELETE, &fm);
	assert_string_equal(error_text(e), "unknown keyword priority");
	error_free(e);
	ofp_flow_mod_done(&fm);
}

static int number_of(void *arg, const char *name, uint32_t *port)
{
	if (strcmp(name, "eth 0"))
		return -ENOENT;
	*port = 42;
	return 0;
}

static const char *name_of(void *arg, uint32_t port)
{
	return port == 42 ? "eth 0" : NULL;
}

static void test_port_names(void **state)
{
	struct ofpact_text names = {.port_number = number_of, .port_name = name_of};
	struct ofp_flow_mod fm = {0};
	struct buf b = BUF_INIT;
	uint32_t protocols;
	struct error *e = parse_for(
		"in_port=\"eth 0\",actions=output:\"eth 0\",resubmit(\"eth 0\",1),enqueue:7:1",
		OFPFC_ADD, &names, &fm, &protocols);
	if (e)
		fail_msg("%s", error_text(e));
	assert_int_equal(fm.match.flow.in_port, 42);
	ofp_encode_flow_mod(&b, &fm, OFPROTO_10, 1);
	struct ofp_print_options o = {.text = names};
	struct str s = STR_INIT;
	ofp_print(&s, b.data, b.len, &o);
	assert_string_equal(str_cstr(&s),
			    "OFPT_FLOW_MOD (xid=0x1): ADD in_port=\"eth 0\" "
			    "actions=output:\"eth 0\",resubmit(\"eth 0\",1),enqueue:7:1\n");
	str_done(&s);
	buf_done(&b);
	ofp_flow_mod_done(&fm);
}

static void test_queries(void **state)
{
	struct ofp_flow_stats_request r;
	uint32_t protocols;
	assert_null(flow_stats_request_parse("", false, NULL, &r, &protocols));
	assert_int_equal(protocols, OFPROTO_ALL);
	assert_int_equal(r.table_id, OFPTT_ALL);
	assert_int_equal(r.out_port, OFPP_NONE);
	assert_null(flow_stats_request_parse("table=3,out_port=LOCAL,cookie=0x10/0xf0,tcp", true,
					     NULL, &r, &protocols));
	assert_int_equal(r.kind, OFP_FLOWS_SUM);
	assert_int_equal(r.table_id, 3);
	assert_int_equal(r.out_port, OFPP_LOCAL);
	assert_int_equal(r.cookie_mask, htobe64(0xf0));
	struct error *e = flow_stats_request_parse("actions=drop", false, NULL, &r, &protocols);
	assert_string_equal(error_text(e), "unknown keyword actions");
	error_free(e);
}

static void test_packet_out(void **state)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{"in_port=1 actions=output:2", "must specify packet"},
		{"in_port=1 packet=505 actions=output:2",
		 "packet: Trailing garbage in packet data"},
		{"in_port=1 packet=505x actions=output:2",
		 "packet: Trailing garbage in packet data"},
		{"in_port=1 packet=5054 actions=output:2",
		 "packet: Packet data too short for Ethernet"},
		{"in_port=foo packet=50540000000950540000000a0800",
		 "foo is not a valid OpenFlow port"},
		{"in_port=flood packet=50540000000950540000000a0800",
		 "flood is not a valid OpenFlow port for PACKET_OUT"},
		{"in_port=1 tcp packet=50540000000950540000000a0800", "field tcp missing value"},
		{"in_port=1 foo=1 packet=50540000000950540000000a0800", "unknown keyword foo"},
		{"eth_src=00:11:22:33:44:55",
		 "eth_src is not a valid pipeline field for PACKET_OUT"},
		{"ct_mark=1", "ct_mark is not a valid pipeline field for PACKET_OUT"},
		{"tun_ttl=1", "tun_ttl is not a valid pipeline field for PACKET_OUT"},
		{"tun_ttl=x", "x: bad syntax for tun_ttl value"},
		{"packet=50540000000950540000000a0800 actions=goto_table:1",
		 "goto_table instruction not allowed here"},
	};
	struct ofp_packet_out po = {0};
	uint8_t *frame = NULL;
	uint32_t protocols;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error *e = packet_out_parse(bad[i].text, NULL, &po, &frame, &protocols);
		if (!e)
			fail_msg("%s: no error", bad[i].text);
		assert_string_equal(error_text(e), bad[i].error);
		error_free(e);
	}
	struct ofp_flow_monitor_request r;
	struct error *e = ofp_flow_monitor_parse("tcp,skb_priority=4", NULL, &r, &protocols);
	assert_non_null(e); // no message has a word for it: it must not be left out
	assert_string_equal(error_text(e),
			    "skb_priority: match field is not supported for flow monitor");
	error_free(e);
	assert_null(packet_out_parse(
		"reg0=5 packet=50540000000950540000000a0800 actions=output:2,NORMAL", NULL, &po,
		&frame, &protocols));
	assert_int_equal(po.metadata.flow.in_port, OFPP_CONTROLLER);
	assert_int_equal(po.metadata.flow.regs[0], 5);
	assert_int_equal(po.packet_len, 14);
	char *text = actions_text(po.actions.data, po.actions.len);
	assert_string_equal(text, "output:2,NORMAL");
	free(text);
	free(frame);
	ofp_packet_out_done(&po);
}

static void assert_prints(const char *hex, int verbosity, const char *want)
{
	struct buf b = from_hex(hex);
	char *text = printed(b.data, b.len, verbosity);
	assert_string_equal(text, want);
	free(text);
	buf_done(&b);
}

// What the oracle prints, verbatim.
static void test_printed(void **state)
{
	assert_prints("0100000800000001", 2, "OFPT_HELLO (xid=0x1):\n version bitmap: 0x01\n");
	assert_prints("0400001000000001 000100080000007e", 2,
		      "OFPT_HELLO (OF1.3) (xid=0x1):\n version bitmap: 0x01, 0x02, 0x03, 0x04, "
		      "0x05, 0x06\n");
	assert_prints("0401001400000001 00010000 0405000800000001", 2,
		      "OFPT_ERROR (OF1.3) (xid=0x1): OFPBRC_BAD_VERSION\nOFPT_FEATURES_REQUEST "
		      "(OF1.3) (xid=0x1):\n");
	assert_prints(
		"0102000c00000002 01020304", 2,
		"OFPT_ECHO_REQUEST (xid=0x2): 4 bytes of payload\n"
		"00000000  01 02 03 04                                     |....            |\n");
	assert_prints("0102000c00000002 01020304", 1,
		      "OFPT_ECHO_REQUEST (xid=0x2): 4 bytes of payload\n");
	assert_prints("0109000c00000001000000ff", 2,
		      "OFPT_SET_CONFIG (xid=0x1): frags=normal miss_send_len=255\n");
	assert_prints("01040018000000010000232000000014 0000000000000005", 2,
		      "NXT_SET_CONTROLLER_ID (xid=0x1): id=5\n");
	assert_prints("0111000c00000004 00010001", 2, "OFPST_FLOW reply (xid=0x4): flags=[more]\n");
	assert_prints("0111000c00000004 00010003", 2,
		      "OFPST_FLOW reply (xid=0x4): flags=[more][***unknown flags 0x0002***]\n");
	assert_prints(
		"0112000c00000001 00000000", 2,
		"***decode error: OFPBRC_BAD_LEN***\n"
		"00000000  01 12 00 0c 00 00 00 01-00 00 00 00             |............    |\n");
	assert_prints(
		"01", 2,
		"OpenFlow packet too short (only 1 bytes):\n"
		"00000000  01                                              |.               |\n");
	assert_prints(
		"0105000c00000001", 2,
		"OFPT_FEATURES_REQUEST (xid=0x1):\n(***truncated to 8 bytes from 12***)\n"
		"00000000  01 05 00 0c 00 00 00 01-                        |........        |\n");
	assert_prints(
		"010500080000000100", 2,
		"(***only uses 8 bytes out of 9***)\n"
		"00000000  01 05 00 08 00 00 00 01-00                      |.........       |\n");
	assert_prints("010a004e00000000 ffffffff 003c 0001 0000"
		      "505400000009 50540000000a 0800 45000028000000004006f97dc0a80001c0a80002"
		      "00080050000000010000000250120010 77ae0000 000000000000",
		      1,
		      "OFPT_PACKET_IN (xid=0x0): total_len=60 in_port=1 (via no_match) data_len=60 "
		      "(unbuffered)\n"
		      "tcp,vlan_tci=0x0000,dl_src=50:54:00:00:00:0a,dl_dst=50:54:00:00:00:09,nw_"
		      "src=192.168.0.1,"
		      "nw_dst=192.168.0.2,nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,tp_src=8,tp_dst="
		      "80,tcp_flags=syn|ack "
		      "tcp_csum:77ae\n");
}

static void test_printed_flow(void **state)
{
	struct buf list = BUF_INIT;
	parse_actions(&list, "output:2");
	struct ofp_flow_stats fs = {.match = parsed_match("tcp,in_port=1"),
				    .cookie = htobe64(5),
				    .table_id = 3,
				    .priority = 8,
				    .idle_timeout = 7,
				    .hard_timeout = 9,
				    .importance = 2,
				    .flags = OFPFF_SEND_FLOW_REM,
				    .duration_s = 99,
				    .duration_ns = 120000000,
				    .idle_age = 4,
				    .hard_age = 5,
				    .packets = 100,
				    .bytes = 2000,
				    .actions = list.data,
				    .actions_len = list.len};
	struct ofp_print_options o = {0};
	struct str s = STR_INIT;
	ofp_print_flow_stats(&s, &fs, &o);
	assert_string_equal(s.s,
			    "cookie=0x5, duration=99.120s, table=3, n_packets=100, n_bytes=2000, "
			    "idle_timeout=7, "
			    "hard_timeout=9, send_flow_rem importance=2, idle_age=4, hard_age=5, "
			    "priority=8,tcp,in_port=1 actions=output:2");
	str_clear(&s);
	o.no_stats = true;
	fs.cookie = 0;
	fs.table_id = 0;
	fs.flags = fs.idle_timeout = fs.hard_timeout = fs.importance = 0;
	fs.actions_len = 0;
	ofp_print_flow_stats(&s, &fs, &o);
	assert_string_equal(s.s, "priority=8,tcp,in_port=1 actions=drop");
	str_done(&s);
	buf_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_flows), cmocka_unit_test(test_bad_flows),
		cmocka_unit_test(test_commands),   cmocka_unit_test(test_port_names),
		cmocka_unit_test(test_queries),	   cmocka_unit_test(test_packet_out),
		cmocka_unit_test(test_printed),	   cmocka_unit_test(test_printed_flow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
