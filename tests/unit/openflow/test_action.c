/* SPDX-License-Identifier: Apache-2.0 */
#include "action_cases.h"
#include "testing.h"

static struct match case_match(void)
{
	return parsed_match("tcp,vlan_vid=3");
}

static char *through(const struct buf *list, uint8_t version)
{
	struct buf wire = BUF_INIT, back = BUF_INIT;
	ofpacts_encode_instructions(&wire, version, list->data, list->len);
	assert_int_equal(wire.len % 8, 0);
	int error = ofpacts_decode_instructions(cursor_make(wire.data, wire.len), version, &back);
	if (error)
		fail_msg("version %d: %s", version, ofperr_name(error));
	char *text = actions_text(back.data, back.len);
	buf_done(&wire);
	buf_done(&back);
	return text;
}

static void test_good(void **state)
{
	for (size_t i = 0; i < sizeof(good_actions) / sizeof(good_actions[0]); i++) {
		struct buf list = BUF_INIT;
		struct match m = case_match();
		uint32_t protocols = 0, usable;
		char *why = NULL;
		struct error *e = ofpacts_parse(good_actions[i].text, NULL, &list, &protocols);
		if (e)
			fail_msg("%s: %s", good_actions[i].text, error_text(e));
		usable = protocols;
		int error = ofpacts_check_protocols(list.data, list.len, &m, OFPP_MAX, 255, 255,
						    &usable, &why);
		if (error)
			fail_msg("%s: %s", good_actions[i].text, ofperr_name(error));
		assert_int_equal((usable & OFPROTO_NXM) != 0, good_actions[i].through_10 != NULL);
		assert_int_equal((usable & OFPROTO_13) != 0, good_actions[i].through_13 != NULL);
		if (good_actions[i].through_10) {
			char *text = through(&list, OFP10);
			assert_string_equal(text, good_actions[i].through_10);
			free(text);
		}
		if (good_actions[i].through_13) {
			char *text = through(&list, OFP13);
			assert_string_equal(text, good_actions[i].through_13);
			free(text);
		}
		buf_done(&list);
	}
}

static void test_bad(void **state)
{
	for (size_t i = 0; i < sizeof(bad_actions) / sizeof(bad_actions[0]); i++) {
		struct ofp_flow_mod fm = {0};
		char *text = xasprintf("tcp,vlan_vid=3,actions=%s", bad_actions[i].text),
		     *note = NULL;
		uint32_t protocols;
		struct error *e = flow_mod_parse(text, OFPFC_ADD, NULL, &fm, &protocols, &note);
		if (!e)
			fail_msg("%s: no error", bad_actions[i].text);
		assert_string_equal(error_text(e), bad_actions[i].error);
		error_free(e);
		free(note);
		free(text);
		ofp_flow_mod_done(&fm);
	}
}

// In every version: what was decoded encodes to the same bytes again.
static void test_stable_in_every_version(void **state)
{
	for (size_t i = 0; i < sizeof(good_actions) / sizeof(good_actions[0]); i++)
		FOR_EACH_VERSION(v)
		{
			struct buf list = BUF_INIT, wire = BUF_INIT, back = BUF_INIT,
				   again = BUF_INIT;
			struct match m = case_match();
			uint32_t usable = OFPROTO_ALL;
			parse_actions(&list, good_actions[i].text);
			(void)ofpacts_check_protocols(list.data, list.len, &m, OFPP_MAX, 255, 255,
						      &usable, NULL);
			ofpacts_encode_instructions(&wire, v, list.data, list.len);
			int error = ofpacts_decode_instructions(cursor_make(wire.data, wire.len), v,
								&back);
			if (error)
				fail_msg("%s in %d: %s", good_actions[i].text, v,
					 ofperr_name(error));
			// What depends on the match is found by checking.
			(void)ofpacts_check_protocols(back.data, back.len, &m, OFPP_MAX, 255, 255,
						      &usable, NULL);
			ofpacts_encode_instructions(&again, v, back.data, back.len);
			assert_int_equal(wire.len, again.len);
			if (wire.len)
				assert_memory_equal(wire.data, again.data, wire.len);
			buf_done(&list);
			buf_done(&wire);
			buf_done(&back);
			buf_done(&again);
		}
}

// Cut anywhere, an action list is an error (or ends between two actions), and nothing is read
// beyond the cut.
static void test_truncated(void **state)
{
	for (size_t i = 0; i < sizeof(good_actions) / sizeof(good_actions[0]); i++)
		FOR_EACH_VERSION(v)
		{
			struct buf list = BUF_INIT, wire = BUF_INIT, back = BUF_INIT;
			parse_actions(&list, good_actions[i].text);
			ofpacts_encode_instructions(&wire, v, list.data, list.len);
			for (size_t n = 0; n < wire.len; n++) {
				uint8_t *cut = xmalloc(n);
				memcpy(cut, wire.data, n);
				buf_clear(&back);
				int error =
					ofpacts_decode_instructions(cursor_make(cut, n), v, &back);
				if (n % 8)
					assert_int_not_equal(error, 0);
				free(cut);
			}
			buf_done(&list);
			buf_done(&wire);
			buf_done(&back);
		}
}

// Bytes changed at random: an error or a list that prints; what it prints parses.
static void test_mutated(void **state)
{
	for (int round = 0; round < 20000; round++) {
		struct buf list = BUF_INIT, wire = BUF_INIT, back = BUF_INIT;
		uint8_t v = (uint8_t)(OFP10 + random_below(6));
		parse_actions(
			&list,
			good_actions[random_below(sizeof(good_actions) / sizeof(good_actions[0]))]
				.text);
		ofpacts_encode_instructions(&wire, v, list.data, list.len);
		for (int i = 0; i < 3 && wire.len; i++)
			wire.data[random_below((uint32_t)wire.len)] = (uint8_t)random_u32();
		if (!ofpacts_decode_instructions(cursor_make(wire.data, wire.len), v, &back)) {
			char *text = actions_text(back.data, back.len);
			assert_true(*text);
			free(text);
		}
		buf_done(&list);
		buf_done(&wire);
		buf_done(&back);
	}
}

static void test_vectors(void **state)
{
	static const struct {
		const char *text, *wire10, *wire13, *wire15;
	} cases[] = {
		{"output:2", "0000000800020000",
		 "0004001800000000 0000001000000002 0000000000000000",
		 "0004001800000000 0000001000000002 0000000000000000"},
		{"load:5->NXM_NX_REG0[3..7]",
		 "ffff001800002320 0007 00c4 00010004 0000000000000005",
		 "0004002000000000 ffff001800002320 0007 00c4 00010004 0000000000000005",
		 "0004001800000000 00190010 00010108 00000028 000000f8"},
		{"move:NXM_NX_REG0[0..15]->NXM_NX_REG1[16..31]",
		 "ffff001800002320 0006 0010 0000 0010 00010004 00010204",
		 "0004002000000000 ffff001800002320 0006 0010 0000 0010 00010004 00010204",
		 "0004002000000000 001c0018 0010 0000 0010 0000 00010004 00010204 00000000"},
		{"set_field:00:00:00:00:00:01->eth_dst", "0005001000000000 0001000000000000",
		 "0004001800000000 00190010 80000606 000000000001 0000",
		 "0004001800000000 00190010 80000606 000000000001 0000"},
		{"resubmit(3,1)", "ffff001000002320 000e 0003 01 000000",
		 "0004001800000000 ffff001000002320 000e 0003 01 000000",
		 "0004001800000000 ffff001000002320 000e 0003 01 000000"},
		{"write_metadata:0x1/0xff,goto_table:3",
		 "ffff002000002320 0016 000000000000 0000000000000001 00000000000000ff "
		 "ffff001000002320 000e fff8 03 000000",
		 "0002001800000000 0000000000000001 00000000000000ff 0001000803000000",
		 "0002001800000000 0000000000000001 00000000000000ff 0001000803000000"},
		{"stat_trigger(periodic,duration=5.5,n_packets=1000,idle_age=3s)", "", "",
		 "0007003000000001 00000028 80020008 00000005 1dcd6500 80020208 00000003 00000000 "
		 "80020808 00000000000003e8"},
		{"write_metadata:1,stat_trigger(only_first,n_bytes=7,flow_count=2),goto_table:3",
		 "ffff002000002320 0016 000000000000 0000000000000001 ffffffffffffffff "
		 "ffff001000002320 000e fff8 03 000000",
		 "0002001800000000 0000000000000001 ffffffffffffffff 0001000803000000",
		 "0002001800000000 0000000000000001 ffffffffffffffff "
		 "0007002000000002 00000018 80020a08 0000000000000007 80020604 00000002 "
		 "0001000803000000"},
		{"clear_actions,write_actions(output:1)", "",
		 "0005000800000000 0003001800000000 0000001000000001 0000000000000000",
		 "0005000800000000 0003001800000000 0000001000000001 0000000000000000"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf list = BUF_INIT, b = BUF_INIT;
		parse_actions(&list, cases[i].text);
		ofpacts_encode_instructions(&b, OFP10, list.data, list.len);
		assert_hex(&b, cases[i].wire10);
		buf_clear(&b);
		ofpacts_encode_instructions(&b, OFP13, list.data, list.len);
		assert_hex(&b, cases[i].wire13);
		buf_clear(&b);
		ofpacts_encode_instructions(&b, OFP15, list.data, list.len);
		assert_hex(&b, cases[i].wire15);
		buf_done(&list);
		buf_done(&b);
	}
}

static void test_wire_errors(void **state)
{
	static const struct {
		uint8_t version;
		const char *hex;
		int error;
	} cases[] = {
		{OFP10, "0000000800010000", 0},
		{OFP10, "00000004", OFPBRC_BAD_LEN},
		{OFP10, "0000000000010000", OFPBAC_BAD_LEN},
		{OFP10, "0000001000010000", OFPBAC_BAD_LEN},
		{OFP10, "0000001000010000 0000000000000000", OFPBAC_BAD_LEN}, // 1.1's length
		{OFP10, "00ff000800010000", OFPBAC_BAD_TYPE},
		{OFP10, "0001000810000000", OFPBAC_BAD_ARGUMENT}, // a VID of 13 bits
		{OFP10, "0002000808000000", OFPBAC_BAD_ARGUMENT},
		{OFP10, "0008000803000000", OFPBAC_BAD_ARGUMENT},
		{OFP10, "ffff000812345678", OFPBAC_BAD_VENDOR},
		{OFP10, "ffff001000002320 ffff000000000000", OFPBAC_BAD_VENDOR_TYPE},
		{OFP10, "ffff000800002320", OFPBAC_BAD_LEN},
		{OFP10, "ffff001000002320 000e fff8 03 000001", OFPBAC_BAD_ARGUMENT},
		{OFP10, "ffff001800002320 0007 0044 00010004 0000000000000020",
		 OFPBAC_BAD_ARGUMENT}, // 33 bits wide
		{OFP10, "ffff001800002320 0007 07c4 00010004 0000000000000000", OFPBAC_BAD_SET_LEN},
		{OFP10, "ffff001800002320 0007 000f 00000602 0000000000000800",
		 OFPBAC_BAD_SET_ARGUMENT}, // dl_type
		{OFP13, "0006001000000000 0000000000000000", OFPBIC_BAD_LEN},
		{OFP13, "0006000800000005", 0},
		{OFP15, "0006000800000005", OFPBIC_UNKNOWN_INST},
		{OFP13, "0007000800000000", OFPBIC_UNKNOWN_INST},
		{OFP14, "0007001800000000 00000010 80020808 0000000000000005", OFPBIC_UNKNOWN_INST},
		{OFP15, "0007001800000000 00000010 80020808 0000000000000005", 0},
		{OFP15, "0007001000000000 00000004 00000000", 0}, // empty: ofpacts_check() refuses
		{OFP15, "0007000800000000", OFPBMC_BAD_LEN},
		{OFP15, "0007001000000000 00000003 00000000", OFPBMC_BAD_LEN},
		{OFP15, "0007001000000000 00000010 00000000", OFPBMC_BAD_LEN},
		{OFP15, "0007001800000000 00000004 00000000 0000000000000000", OFPBIC_BAD_LEN},
		{OFP15,
		 "0007001800000000 00000010 80020808 0000000000000005 0007001000000000 "
		 "00000004 00000000",
		 OFPBIC_DUP_INST},
		{OFP15, "0007001800000000 00000010 80020408 0000000000000005", OFPBMC_BAD_FIELD},
		{OFP15, "0007001800000000 00000010 80020908 0000000000000005", OFPBMC_BAD_FIELD},
		{OFP15, "0007001800000000 00000010 80000808 0000000000000005", OFPBMC_BAD_FIELD},
		{OFP15, "0007001800000000 0000000c 80020804 00000005 00000000", OFPBMC_BAD_FIELD},
		{OFP15, "0007001800000000 00000010 80020809 0000000000000005", OFPBMC_BAD_LEN},
		{OFP15,
		 "0007002800000000 0000001c 80020808 0000000000000005 80020808 0000000000000005 "
		 "00000000",
		 OFPBMC_DUP_FIELD},
		{OFP15, "0007001800000000 00000010 80020008 00000000 3b9aca00", OFPBMC_BAD_VALUE},
		{OFP13, "ffff000800000000", OFPBIC_BAD_EXPERIMENTER},
		{OFP13, "0005000800000000 0005000800000000", OFPBIC_DUP_INST},
		{OFP13, "0001001001000000 0000000000000000", OFPBIC_BAD_LEN},
		{OFP13, "0001000c01000000", OFPBIC_BAD_LEN},
		{OFP13, "0004001800000000 0000001000001234 0000000000000000", 0},
		{OFP13, "0004001800000000 000000100000ff00 0000000000000000", OFPBAC_BAD_OUT_PORT},
		{OFP13, "0004001000000000 0011000812340000", OFPBAC_BAD_ARGUMENT},
		{OFP13, "0004001800000000 00190010 80000606 000000000001 0001",
		 OFPBAC_BAD_SET_ARGUMENT},
		{OFP13, "0004001800000000 00190010 80000a02 0800 00000000 0000",
		 OFPBAC_BAD_SET_ARGUMENT}, // read-only
		{OFP13, "0004001800000000 00190010 80000c02 0005 00000000 0000",
		 OFPBAC_BAD_SET_ARGUMENT}, // no tag
		{OFP13, "0003001800000000 ffff001000002320 0011 000000000000",
		 OFPBAC_BAD_TYPE}, // exit in a set
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = from_hex(cases[i].hex), list = BUF_INIT;
		int error = ofpacts_decode_instructions(cursor_make(b.data, b.len),
							cases[i].version, &list);
		if (error != cases[i].error)
			fail_msg("%s: %s, not %s", cases[i].hex, ofperr_name(error),
				 ofperr_name(cases[i].error));
		buf_done(&b);
		buf_done(&list);
	}
}

static int check(const char *actions, const char *match, uint8_t table, uint8_t version)
{
	struct buf list = BUF_INIT;
	struct match m = parsed_match(match);
	char *why = NULL;
	parse_actions(&list, actions);
	int error = ofpacts_check(list.data, list.len, &m, 100, table, 254, version, &why);
	free(why);
	buf_done(&list);
	return error;
}

static void test_check(void **state)
{
	assert_int_equal(check("output:99", "", 0, OFP13), 0);
	assert_int_equal(check("output:100", "", 0, OFP13), OFPBAC_BAD_OUT_PORT);
	assert_int_equal(check("enqueue:100:1", "", 0, OFP10), OFPBAC_BAD_OUT_PORT);
	assert_int_equal(check("enqueue:LOCAL:1", "", 0, OFP10), 0);
	assert_int_equal(check("goto_table:3", "", 2, OFP13), 0);
	assert_int_equal(check("stat_trigger(n_packets=1)", "", 0, OFP15), 0);
	assert_int_equal(check("stat_trigger(n_packets=1,duration=0s)", "", 0, OFP15),
			 OFPBIC_UNSUP_INST);
	assert_int_equal(check("goto_table:3", "", 3, OFP13), OFPBIC_BAD_TABLE_ID);
	assert_int_equal(check("goto_table:254", "", 3, OFP13), OFPBIC_BAD_TABLE_ID);
	assert_int_equal(check("mod_nw_src:1.2.3.4", "", 0, OFP10), 0);
	assert_int_equal(check("mod_nw_src:1.2.3.4", "", 0, OFP13), OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("mod_nw_src:1.2.3.4", "ip", 0, OFP13), 0);
	assert_int_equal(check("set_field:1.2.3.4->ip_src", "", 0, OFP13),
			 OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("mod_tp_dst:80", "ip", 0, OFP13), OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("mod_tp_dst:80", "udp", 0, OFP13), 0);
	assert_int_equal(check("pop_vlan", "", 0, OFP13), OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("pop_vlan", "dl_vlan=5", 0, OFP13), 0);
	assert_int_equal(check("push_vlan:0x8100,set_field:4101->vlan_vid,pop_vlan", "", 0, OFP13),
			 0);
	assert_int_equal(check("push_vlan:0x8100,pop_vlan,set_field:4101->vlan_vid", "", 0, OFP13),
			 OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("push_vlan:0x8100,push_vlan:0x8100,push_vlan:0x8100", "", 0, OFP13),
			 OFPBAC_BAD_TAG);
	assert_int_equal(check("clone(push_vlan:0x8100),set_field:4101->vlan_vid", "", 0, OFP13),
			 OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("write_actions(output:100)", "", 0, OFP13), OFPBAC_BAD_OUT_PORT);
	assert_int_equal(check("dec_ttl", "ipv6", 0, OFP13), 0);
	assert_int_equal(check("dec_ttl", "arp", 0, OFP13), OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("move:NXM_OF_TCP_SRC[]->NXM_OF_VLAN_TCI[]", "tcp", 0, OFP13), 0);
	assert_int_equal(check("move:NXM_OF_TCP_SRC[]->NXM_OF_VLAN_TCI[]", "udp", 0, OFP13),
			 OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("pop:NXM_OF_ETH_TYPE[]", "", 0, OFP13), OFPBAC_BAD_SET_ARGUMENT);
	assert_int_equal(check("resubmit(,1,ct)", "", 0, OFP13), OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("resubmit(,1,ct)", "ct_state=+trk", 0, OFP13),
			 OFPBAC_MATCH_INCONSISTENT);
	assert_int_equal(check("resubmit(,1,ct)", "ct_state=+trk-inv", 0, OFP13), 0);
}

// The table of OpenFlow 1.3, section 5.10: pop, push, TTL, sets, queue, output; of each the last,
// of sets all.
static void test_action_set_order(void **state)
{
	static const struct {
		const char *written, *executed;
	} cases[] = {
		{"output:1", "output:1"},
		{"output:1,output:2", "output:2"},
		{"output:1,set_queue:3,mod_dl_src:00:00:00:00:00:01,dec_ttl,push_vlan:0x8100,pop_"
		 "vlan",
		 "pop_vlan,push_vlan:0x8100,dec_ttl,mod_dl_src:00:00:00:00:00:01,set_queue:3,"
		 "output:1"},
		{"mod_nw_tos:4,mod_nw_tos:8,output:1", "mod_nw_tos:4,mod_nw_tos:8,output:1"},
		{"resubmit(,3),output:1", "output:1"},
		{"resubmit(,3),set_queue:1", "set_queue:1,resubmit(,3)"},
		{"mod_nw_tos:4", "drop"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf set = BUF_INIT, list = BUF_INIT;
		parse_actions(&set, cases[i].written);
		ofpacts_order_set(set.data, set.len, &list);
		char *text = actions_text(list.data, list.len);
		assert_string_equal(text, cases[i].executed);
		free(text);
		buf_done(&set);
		buf_done(&list);
	}
}

static void test_output_to(void **state)
{
	struct buf list = BUF_INIT;
	parse_actions(
		&list,
		"output:1,clone(output:2),enqueue:3:1,controller(id=7),write_actions(output:4)");
	OFPACT_FOREACH (a, list.data, list.len)
		assert_non_null(ofpact_name(a->type));
	for (uint32_t port = 1; port <= 4; port++)
		assert_true(ofpacts_output_to(list.data, list.len, port));
	assert_true(ofpacts_output_to(list.data, list.len, OFPP_CONTROLLER));
	assert_false(ofpacts_output_to(list.data, list.len, 5));
	buf_done(&list);
}

static void test_nesting_is_bounded(void **state)
{
	struct str s = STR_INIT;
	for (int i = 0; i < 100; i++)
		str_add(&s, "clone(");
	str_add(&s, "output:1");
	str_add_repeat(&s, ')', 100);
	struct buf list = BUF_INIT;
	uint32_t protocols;
	struct error *e = ofpacts_parse(s.s, NULL, &list, &protocols);
	assert_non_null(e);
	error_free(e);
	buf_done(&list);
	str_done(&s);

	struct buf wire = BUF_INIT; // 1000 clones, each inside the one before
	for (int i = 1000; i > 0; i--) {
		buf_add_be16(&wire, 0xffff);
		buf_add_be16(&wire, (uint16_t)(16 * i));
		buf_add_be32(&wire, OFP_VENDOR_NX);
		buf_add_be16(&wire, 42);
		buf_add_zeros(&wire, 6);
	}
	assert_int_equal(ofpacts_decode(cursor_make(wire.data, wire.len), OFP10, &list),
			 OFPBAC_TOO_MANY);
	buf_done(&wire);
	buf_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_stable_in_every_version),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_wire_errors),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_action_set_order),
		cmocka_unit_test(test_output_to),
		cmocka_unit_test(test_nesting_is_bounded),
	};
	random_seed(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
