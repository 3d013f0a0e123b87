/* SPDX-License-Identifier: Apache-2.0 */
// Every message in every version that has it: what is encoded decodes to the same, as far as the
// version can say it; cut anywhere it is an error that leaves nothing read beyond the end.
#include <errno.h>

#include "openflow/continuation.h"
#include "testing.h"

static const uint8_t frame[] = {0x50, 0x54, 0, 0, 0, 9,	 0x50, 0x54, 0, 0, 0, 10, 8, 0, 0x45, 0, 0,
				20,   0,    0, 0, 0, 64, 6,    0,    0, 1, 2, 3,  4, 5, 6,    7, 8};

// All that is printed, for each length that the message could be cut to.
static void cut_everywhere(const struct buf *b)
{
	struct ofp_print_options o = {.verbosity = 3};
	for (size_t n = 0; n < b->len; n += n < 64 ? 1 : 1 + random_below(16)) {
		uint8_t *cut = xmalloc(n);
		struct str s = STR_INIT;
		memcpy(cut, b->data, n);
		ofp_print(&s, cut, n, &o); // as what came of a longer message
		if (n >= 8) {
			put_be16(cut + 2, (uint16_t)n);
			ofp_print(&s, cut, n, &o); // as a message of this length
		}
		assert_true(s.len > 0);
		str_done(&s);
		free(cut);
	}
}

static void finish(struct buf *b)
{
	cut_everywhere(b);
	for (int i = 0; i < 200; i++) { // bytes changed at random behind the header
		struct buf copy = BUF_INIT;
		struct ofp_print_options o = {.verbosity = 3};
		struct str s = STR_INIT;
		buf_add(&copy, b->data, b->len);
		for (int k = 0; k < 3 && copy.len > 8; k++)
			copy.data[8 + random_below((uint32_t)copy.len - 8)] = (uint8_t)random_u32();
		ofp_print(&s, copy.data, copy.len, &o);
		str_done(&s);
		buf_done(&copy);
	}
	buf_clear(b);
}

static void random_flow_mod(struct ofp_flow_mod *fm)
{
	static const char *const matches[] = {"",
					      "in_port=1,tcp,dl_vlan=5,tp_dst=80",
					      "arp,arp_tpa=1.2.3.4",
					      "dl_src=00:01:02:03:04:05",
					      "udp,nw_src=10.0.0.0/8",
					      "in_port=LOCAL"};
	static const char *const actions[] = {"drop",
					      "output:2",
					      "mod_vlan_vid:5,output:2,resubmit(,3)",
					      "NORMAL",
					      "mod_dl_src:00:01:02:03:04:05,CONTROLLER:100",
					      "set_queue:3,LOCAL,pop_queue"};
	ofp_flow_mod_init(fm);
	fm->match = parsed_match(matches[random_below(6)]);
	parse_actions(&fm->actions, actions[random_below(6)]);
	fm->command = (enum ofp_flow_mod_command)random_below(5);
	fm->priority = (uint16_t)random_u32();
	fm->idle_timeout = (uint16_t)random_u32();
	fm->hard_timeout = (uint16_t)random_u32();
	fm->importance = (uint16_t)random_u32();
	fm->flags = (uint16_t)(random_u32() & 0x1f);
	fm->buffer_id = random_u32();
	fm->table_id = random_below(2) ? OFPTT_ALL : (uint8_t)random_below(254);
	fm->new_cookie = random_u64();
	fm->cookie = random_below(2) ? random_u64() : 0;
	fm->cookie_mask = fm->command != OFPFC_ADD && fm->cookie ? UINT64_MAX : 0;
	if (fm->command >= OFPFC_DELETE)
		fm->out_port = random_below(2) ? OFPP_NONE : 7;
	else
		fm->cookie = fm->cookie_mask ? fm->cookie : 0;
}

static void compare_flow_mods(const struct ofp_flow_mod *a, const struct ofp_flow_mod *b,
			      enum ofp_protocol p)
{
	uint8_t v = ofp_protocol_version(p);
	bool deletes = a->command >= OFPFC_DELETE, adds = a->command == OFPFC_ADD;
	assert_int_equal(a->command, b->command);
	assert_match_equal(&a->match, &b->match);
	assert_int_equal(a->priority, b->priority);
	assert_int_equal(a->idle_timeout, b->idle_timeout);
	assert_int_equal(a->hard_timeout, b->hard_timeout);
	assert_int_equal(a->buffer_id, b->buffer_id);
	assert_int_equal(b->importance, v >= OFP14 && adds ? a->importance : 0);
	assert_int_equal(b->out_port, deletes ? a->out_port : OFPP_NONE);
	uint16_t known = v >= OFP13 ? 0x1f : v == OFP12 ? 7 : 3;
	assert_int_equal(b->flags & ~(v < OFP12 ? OFPFF_RESET_COUNTS : 0), a->flags & known);
	if (v < OFP12)
		assert_int_equal((b->flags & OFPFF_RESET_COUNTS) != 0, adds);
	if (p & (OFPROTO_10 | OFPROTO_NXM))
		assert_int_equal(b->table_id, OFPTT_ALL);
	else if (v == OFP10 || a->table_id != OFPTT_ALL)
		assert_int_equal(b->table_id, a->table_id);
	else
		assert_int_equal(b->table_id, deletes && v != OFP11 ? OFPTT_ALL : 0);
	if (p & OFPROTO_10_ANY) {
		assert_int_equal(b->new_cookie, a->new_cookie);
	} else {
		assert_int_equal(b->cookie_mask, a->cookie_mask);
		assert_int_equal(b->cookie, a->cookie & a->cookie_mask);
		if (adds)
			assert_int_equal(b->new_cookie, a->new_cookie);
	}
}

static void test_flow_mod(void **state)
{
	for (int i = 0; i < 200; i++)
		FOR_EACH_PROTOCOL(p)
		{
			struct ofp_flow_mod fm = {0}, back = {0};
			struct buf b = BUF_INIT;
			random_flow_mod(&fm);
			ofp_encode_flow_mod(&b, &fm, p, 0x77);
			struct ofp_msg m = decoded(&b);
			assert_int_equal(m.type, OFPTYPE_FLOW_MOD);
			assert_int_equal(m.xid, 0x77);
			int error = ofp_decode_flow_mod(&m, p, &back);
			if (error)
				fail_msg("%s", ofperr_name(error));
			// A 1.0 match without wildcards has the highest priority by definition.
			compare_flow_mods(&fm, &back, p);
			if (i % 50 == 0)
				finish(&b);
			buf_done(&b);
			ofp_flow_mod_done(&fm);
			ofp_flow_mod_done(&back);
		}
}

static void test_flow_mod_refused(void **state)
{
	static const struct {
		const char *hex;
		enum ofp_protocol protocol;
		int error;
	} cases[] = {
		// command 5; flag 8; emergency; table in a command without the extension
		{"010e004800000001 003820ff 00000000 00000000 00000000 00000000 00000000 00000000 "
		 "00000000 00000000 00000000"
		 "0000000000000000 0005 0000 0000 8000 ffffffff ffff 0000",
		 OFPROTO_10, OFPFMFC_BAD_COMMAND},
		{"010e004800000001 003820ff 00000000 00000000 00000000 00000000 00000000 00000000 "
		 "00000000 00000000 00000000"
		 "0000000000000000 0000 0000 0000 8000 ffffffff ffff 0008",
		 OFPROTO_10, OFPFMFC_BAD_FLAGS},
		{"010e004800000001 003820ff 00000000 00000000 00000000 00000000 00000000 00000000 "
		 "00000000 00000000 00000000"
		 "0000000000000000 0000 0000 0000 8000 ffffffff ffff 0004",
		 OFPROTO_10, OFPFMFC_TABLE_FULL},
		{"010e004800000001 003820ff 00000000 00000000 00000000 00000000 00000000 00000000 "
		 "00000000 00000000 00000000"
		 "0000000000000000 0000 0001 0000 8000 ffffffff ffff 0004",
		 OFPROTO_10, OFPFMFC_BAD_EMERG_TIMEOUT},
		{"010e004800000001 003820ff 00000000 00000000 00000000 00000000 00000000 00000000 "
		 "00000000 00000000 00000000"
		 "0000000000000000 0100 0000 0000 8000 ffffffff ffff 0000",
		 OFPROTO_10, OFPFMFC_BAD_COMMAND},
		{"010e004800000001 003820ff 00000000 00000000 00000000 00000000 00000000 00000000 "
		 "00000000 00000000 00000000"
		 "0000000000000000 0100 0000 0000 8000 ffffffff ffff 0000",
		 OFPROTO_10_TID, 0},
		{"040e003800000001 0000000000000000 0000000000000000 ff 00 0000 0000 8000 ffffffff "
		 "ffffffff ffffffff 0000 0000"
		 "00010004 00000000",
		 OFPROTO_13, OFPFMFC_BAD_TABLE_ID},
		{"040e003800000001 0000000000000000 0000000000000000 ff 03 0000 0000 8000 ffffffff "
		 "ffffffff ffffffff 0000 0000"
		 "00010004 00000000",
		 OFPROTO_13, 0},
		{"040e003800000001 0000000000000000 0000000000000000 00 05 0000 0000 8000 ffffffff "
		 "ffffffff ffffffff 0000 0000"
		 "00010004 00000000",
		 OFPROTO_13, OFPFMFC_BAD_COMMAND},
		{"040e003800000001 0000000000000000 0000000000000000 00 03 0000 0000 8000 ffffffff "
		 "0000ff00 ffffffff 0000 0000"
		 "00010004 00000000",
		 OFPROTO_13, OFPBAC_BAD_OUT_PORT},
		{"040e003800000001 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff "
		 "ffffffff ffffffff 0020 0000"
		 "00010004 00000000",
		 OFPROTO_13, OFPFMFC_BAD_FLAGS},
		// NXM: an addition that matches a cookie; a match longer than the message
		{"0104004000000001 00002320 0000000d 0000000000000000 0000 0000 0000 8000 ffffffff "
		 "ffff 0000 000c 000000000000"
		 "00013c08 0000000000000001 00000000",
		 OFPROTO_NXM, NXBRC_NXM_INVALID},
		{"0104003000000001 00002320 0000000d 0000000000000000 0000 0000 0000 8000 ffffffff "
		 "ffff 0000 0008 000000000000",
		 OFPROTO_NXM, OFPBMC_BAD_LEN},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = from_hex(cases[i].hex);
		struct ofp_flow_mod fm = {0};
		struct ofp_msg m = decoded(&b);
		int error = ofp_decode_flow_mod(&m, cases[i].protocol, &fm);
		if (error != cases[i].error)
			fail_msg("case %zu: %s, not %s", i, ofperr_name(error),
				 ofperr_name(cases[i].error));
		ofp_flow_mod_done(&fm);
		buf_done(&b);
	}
}

static void test_flow_removed(void **state)
{
	FOR_EACH_PROTOCOL(p)
	{
		struct buf b = BUF_INIT;
		uint8_t v = ofp_protocol_version(p);
		bool nx = ofp_protocol_uses_nxm(p);
		struct ofp_flow_removed fr = {.match = parsed_match("in_port=1,tcp"),
					      .cookie = random_u64(),
					      .priority = 7,
					      .reason = OFPRR_HARD_TIMEOUT,
					      .table_id = 9,
					      .duration_s = 5,
					      .duration_ns = 6,
					      .idle_timeout = 7,
					      .hard_timeout = 8,
					      .packets = 9,
					      .bytes = 10},
					back;
		ofp_encode_flow_removed(&b, &fr, p);
		struct ofp_msg m = decoded(&b);
		assert_int_equal(ofp_decode_flow_removed(&m, &back), 0);
		assert_match_equal(&fr.match, &back.match);
		assert_int_equal(back.cookie, fr.cookie);
		assert_int_equal(back.priority, 7);
		assert_int_equal(back.reason, OFPRR_HARD_TIMEOUT);
		assert_int_equal(back.table_id, v == OFP10 && !nx ? 255 : 9);
		assert_int_equal(back.duration_s, 5);
		assert_int_equal(back.duration_ns, 6);
		assert_int_equal(back.idle_timeout, 7);
		assert_int_equal(back.hard_timeout, v == OFP10 ? 0 : 8);
		assert_int_equal(back.packets, 9);
		assert_int_equal(back.bytes, 10);
		finish(&b);
		buf_done(&b);
	}
}

static void test_flow_stats(void **state)
{
	FOR_EACH_PROTOCOL(p)
	{
		struct buf request = BUF_INIT, actions = BUF_INIT, list = BUF_INIT;
		uint8_t v = ofp_protocol_version(p);
		bool nx = ofp_protocol_uses_nxm(p), plain10 = v == OFP10 && !nx;
		struct ofp_flow_stats_request r = {.match = parsed_match("ip,nw_src=10.0.0.0/8"),
						   .cookie = htobe64(0x50),
						   .cookie_mask = htobe64(0xf0),
						   .out_port = 3,
						   .out_group = OFPG_ANY,
						   .table_id = 4},
					      back;
		if (p == OFPROTO_10_TID || p == OFPROTO_NXM_TID)
			continue;
		ofp_encode_flow_stats_request(&request, &r, p, 9);
		struct ofp_msg m = decoded(&request);
		assert_int_equal(ofp_decode_flow_stats_request(&m, &back), 0);
		assert_match_equal(&r.match, &back.match);
		assert_int_equal(back.table_id, 4);
		assert_int_equal(back.out_port, 3);
		assert_int_equal(back.cookie, plain10 ? 0 : r.cookie);
		assert_int_equal(back.cookie_mask, plain10 ? 0 : r.cookie_mask);
		assert_false(back.aggregate);

		parse_actions(&list, "output:2,NORMAL");
		struct ofp_flow_stats fs = {.match = parsed_match("in_port=1,udp"),
					    .cookie = random_u64(),
					    .table_id = 3,
					    .priority = 8,
					    .idle_timeout = 7,
					    .hard_timeout = 6,
					    .importance = 5,
					    .flags = 0x1f,
					    .duration_s = 99,
					    .duration_ns = 12,
					    .idle_age = 4,
					    .hard_age = 5,
					    .packets = 100,
					    .bytes = UINT64_MAX,
					    .actions = list.data,
					    .actions_len = list.len},
				      got;
		struct ofp_replies replies;
		ofp_replies_init(&replies, &m);
		for (int i = 0; i < 2000; i++)
			ofp_append_flow_stats(&replies, &m, &fs);
		ofp_replies_finish(&replies);
		unsigned int n = 0;
		for (size_t at = 0; at < replies.buf.len; at += ofp_length(replies.buf.data + at)) {
			struct ofp_msg reply;
			assert_int_equal(ofp_msg_decode(replies.buf.data + at,
							ofp_length(replies.buf.data + at), &reply),
					 0);
			int error;
			while (!(
				error = ofp_flow_stats_pull(&reply, &reply.body, &actions, &got))) {
				assert_match_equal(&fs.match, &got.match);
				assert_int_equal(got.cookie, fs.cookie);
				assert_int_equal(got.table_id, 3);
				assert_int_equal(got.priority, 8);
				assert_int_equal(got.idle_timeout, 7);
				assert_int_equal(got.hard_timeout, 6);
				assert_int_equal(got.importance, v >= OFP14 ? 5 : 0);
				assert_int_equal(got.flags, v >= OFP13 ? 0x1f : 0);
				assert_int_equal(got.duration_s, 99);
				assert_int_equal(got.duration_ns, 12);
				assert_int_equal(got.idle_age, nx || v == OFP15 ? 4 : -1);
				assert_int_equal(got.hard_age, nx ? 5 : -1);
				assert_int_equal(got.packets, 100);
				assert_true(got.bytes == (nx || v == OFP15 ? UINT64_MAX : 0));
				char *text = actions_text(got.actions, got.actions_len);
				assert_string_equal(text, "output:2,NORMAL");
				free(text);
				n++;
			}
			assert_int_equal(error, -ENODATA);
		}
		assert_int_equal(n, 2000);
		ofp_replies_done(&replies);

		ofp_replies_init(&replies, &m);
		ofp_append_flow_stats(&replies, &m, &fs);
		ofp_replies_finish(&replies);
		finish(&replies.buf);
		ofp_replies_done(&replies);
		finish(&request);
		buf_done(&request);
		buf_done(&actions);
		buf_done(&list);
	}
}

static void test_aggregate(void **state)
{
	FOR_EACH_PROTOCOL(p)
	{
		struct buf request = BUF_INIT, b = BUF_INIT;
		struct ofp_flow_stats_request r = {.aggregate = true,
						   .match = parsed_match(""),
						   .out_port = OFPP_NONE,
						   .out_group = OFPG_ANY,
						   .table_id = OFPTT_ALL},
					      again;
		struct ofp_aggregate a = {1, 2, 3}, back;
		if (p == OFPROTO_10_TID || p == OFPROTO_NXM_TID)
			continue;
		ofp_encode_flow_stats_request(&request, &r, p, 9);
		struct ofp_msg m = decoded(&request);
		assert_int_equal(ofp_decode_flow_stats_request(&m, &again), 0);
		assert_true(again.aggregate);
		ofp_encode_aggregate_reply(&b, &m, &a);
		m = decoded(&b);
		assert_int_equal(m.type, OFPTYPE_AGGREGATE_STATS_REPLY);
		assert_int_equal(ofp_decode_aggregate_reply(&m, &back), 0);
		assert_int_equal(back.packets, 1);
		assert_int_equal(back.bytes, 2);
		assert_int_equal(back.flows, 3);
		finish(&b);
		buf_done(&b);
		buf_done(&request);
	}
}

static void test_packet_in(void **state)
{
	FOR_EACH_VERSION(v)
	for (int format = 0; format < 3; format++) {
		struct buf b = BUF_INIT;
		static const uint8_t userdata[] = {1, 2, 3};
		enum ofp_packet_in_format f = (enum ofp_packet_in_format)format;
		struct ofp_packet_in pin = {.packet = frame,
					    .packet_len = sizeof(frame),
					    .total_len = sizeof(frame) + 5,
					    .buffer_id = 9,
					    .reason = OFPR_ACTION,
					    .table_id = 4,
					    .cookie = random_u64(),
					    .metadata = parsed_match("in_port=3,reg0=5,metadata=7"),
					    .userdata = userdata,
					    .userdata_len = 3},
				     back;
		ofp_encode_packet_in(&b, &pin, ofp_protocol_of_version(v), f);
		struct ofp_msg m = decoded(&b);
		assert_int_equal(m.type, OFPTYPE_PACKET_IN);
		assert_int_equal(ofp_decode_packet_in(&m, &back), 0);
		assert_int_equal(back.packet_len, sizeof(frame));
		assert_memory_equal(back.packet, frame, sizeof(frame));
		assert_int_equal(back.total_len, sizeof(frame) + 5);
		assert_int_equal(back.buffer_id, 9);
		assert_int_equal(back.reason, OFPR_ACTION);
		assert_int_equal(back.metadata.flow.in_port, 3);
		if (f != OFP_PIN_STANDARD || v >= OFP12)
			assert_match_equal(&pin.metadata, &back.metadata);
		if (f != OFP_PIN_STANDARD || v >= OFP11)
			assert_int_equal(back.table_id, 4);
		if (f != OFP_PIN_STANDARD || v >= OFP13)
			assert_int_equal(back.cookie, pin.cookie);
		assert_int_equal(back.userdata_len, f == OFP_PIN_NXT2 ? 3 : 0);
		finish(&b);
		// A packet as large as any is cut to what a message holds.
		uint8_t *large = xcalloc(1, 70000);
		pin.packet = large;
		pin.packet_len = pin.total_len = 70000;
		ofp_encode_packet_in(&b, &pin, ofp_protocol_of_version(v), f);
		m = decoded(&b);
		assert_int_equal(ofp_decode_packet_in(&m, &back), 0);
		assert_true(back.packet_len > 60000);
		free(large);
		buf_done(&b);
	}
}

// All that a continuation says survives each version; what 1.0 has no words for, too.
static void test_continuation(void **state)
{
	static const char *const lists[] = {
		"exit",
		"output:1",
		"resubmit(,3),controller(pause),output:NXM_NX_REG1[0..15]",
		"meter:3,load:5->NXM_NX_REG0[],clone(output:2,group:7)",
		"set_field:00:00:00:00:00:09->eth_dst,write_actions(output:2),write_metadata:5,"
		"goto_table:7",
		"push_mpls:0x8847,group:1,dec_mpls_ttl,set_queue:7,note:01.02.03.04.05.06,"
		"multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[0..3])"};
	static const char *const sets[] = {"output:2", "output:1",
					   "group:9,pop_vlan,set_field:5->reg0"};
	FOR_EACH_VERSION(v)
	for (unsigned int i = 0; i < 300; i++) {
		struct ofp_continuation c = {.bridge = uuid_random(),
					     .conntracked = random_below(2),
					     .in_group = random_below(2)},
					back;
		struct buf b = BUF_INIT, plain = BUF_INIT, unrolled = BUF_INIT;
		uint32_t usable;
		c.mirrored = random_below(3) ? random_below(2) : random_u64();
		c.in_action_set = random_below(2);
		c.packet_out = random_below(2);
		c.stack = xcalloc(16, sizeof(*c.stack));
		for (unsigned int n = random_below(4); n; n--) {
			unsigned int words = 1 + random_below(2);
			for (unsigned int w = 0; w < words; w++)
				c.stack[c.n_stack++] = random_below(2) ? random_u64() : 0;
			c.stack[c.n_stack++] = words;
		}
		for (unsigned int n = random_below(3); n; n--) {
			struct ofpact_unroll *u =
				ofpact_add(&c.actions, OFPACT_UNROLL_XLATE, sizeof(*u));
			u->table = (uint8_t)random_below(3);
			u->cookie = random_below(2);
			assert_null(ofpacts_parse(lists[random_below(6)], &(struct ofpact_text){0},
						  &c.actions, &usable));
		}
		assert_null(ofpacts_parse_actions(sets[random_below(3)], &(struct ofpact_text){0},
						  &c.action_set, &usable));
		ofp_continuation_encode(&b, &c, v);
		assert_int_equal(
			ofp_continuation_decode(cursor_make(b.data, b.len), v, false, &back), 0);
		assert_true(uuid_equal(&c.bridge, &back.bridge));
		assert_true(c.mirrored == back.mirrored && c.conntracked == back.conntracked &&
			    c.in_group == back.in_group && c.in_action_set == back.in_action_set &&
			    c.packet_out == back.packet_out);
		assert_int_equal(back.n_stack, c.n_stack);
		assert_true(!c.n_stack ||
			    !memcmp(c.stack, back.stack, c.n_stack * sizeof(c.stack[0])));
		// Whose they are may be said more often than before.
		OFPACT_FOREACH (a, c.actions.data, c.actions.len)
			if (a->type != OFPACT_UNROLL_XLATE)
				buf_add(&plain, a, ofpact_size(a));
		OFPACT_FOREACH (a, back.actions.data, back.actions.len)
			if (a->type != OFPACT_UNROLL_XLATE)
				buf_add(&unrolled, a, ofpact_size(a));
		struct str one = STR_INIT, two = STR_INIT;
		ofpacts_format(plain.data, plain.len, &(struct ofpact_text){0}, &one);
		ofpacts_format(unrolled.data, unrolled.len, &(struct ofpact_text){0}, &two);
		ofpacts_format(c.action_set.data, c.action_set.len, &(struct ofpact_text){0}, &one);
		ofpacts_format(back.action_set.data, back.action_set.len, &(struct ofpact_text){0},
			       &two);
		assert_string_equal(str_cstr(&one), str_cstr(&two));
		str_done(&one);
		str_done(&two);
		// A property that nobody knows.
		buf_add(&b, (const uint8_t[]){0x9f, 0xff, 0, 4, 0, 0, 0, 0}, 8);
		ofp_continuation_done(&back);
		assert_int_not_equal(
			ofp_continuation_decode(cursor_make(b.data, b.len), v, false, &back), 0);
		ofp_continuation_done(&back);
		assert_int_equal(
			ofp_continuation_decode(cursor_make(b.data, b.len), v, true, &back), 0);
		ofp_continuation_done(&back);
		ofp_continuation_done(&c);
		buf_done(&b);
		buf_done(&plain);
		buf_done(&unrolled);
	}
}

static void test_packet_in_reasons(void **state)
{
	assert_int_equal(ofp_packet_in_reason_encode(OFPR_IMPLICIT_MISS, OFP13), OFPR_NO_MATCH);
	assert_int_equal(ofp_packet_in_reason_encode(OFPR_EXPLICIT_MISS, OFP12), OFPR_ACTION);
	assert_int_equal(ofp_packet_in_reason_encode(OFPR_EXPLICIT_MISS, OFP13), OFPR_NO_MATCH);
	assert_int_equal(ofp_packet_in_reason_encode(OFPR_GROUP, OFP13), OFPR_ACTION);
	assert_int_equal(ofp_packet_in_reason_encode(OFPR_GROUP, OFP14), OFPR_GROUP);
	for (uint8_t r = 0; r < OFPR_EXPLICIT_MISS; r++) {
		uint8_t back;
		assert_true(ofp_packet_in_reason_parse(ofp_packet_in_reason_name(r), &back));
		assert_int_equal(back, r);
	}
}

static void test_packet_out(void **state)
{
	FOR_EACH_VERSION(v)
	{
		struct buf b = BUF_INIT;
		struct ofp_packet_out po = {.packet = frame,
					    .packet_len = sizeof(frame),
					    .buffer_id = OFP_NO_BUFFER,
					    .metadata = parsed_match("in_port=LOCAL")},
				      back = {0};
		parse_actions(&po.actions, "output:2,resubmit(,3)");
		ofp_encode_packet_out(&b, &po, ofp_protocol_of_version(v), 7);
		struct ofp_msg m = decoded(&b);
		assert_int_equal(ofp_decode_packet_out(&m, &back), 0);
		assert_int_equal(back.metadata.flow.in_port, OFPP_LOCAL);
		assert_int_equal(back.packet_len, sizeof(frame));
		assert_memory_equal(back.packet, frame, sizeof(frame));
		char *text = actions_text(back.actions.data, back.actions.len);
		assert_string_equal(text, "output:2,resubmit(,3)");
		free(text);
		finish(&b);
		po.metadata.flow.in_port = OFPP_FLOOD;
		ofp_encode_packet_out(&b, &po, ofp_protocol_of_version(v), 7);
		m = decoded(&b);
		assert_int_equal(ofp_decode_packet_out(&m, &back), OFPBRC_BAD_PORT);
		buf_clear(&b);
		po.metadata.flow.in_port = OFPP_NONE;
		po.buffer_id = 5;
		ofp_encode_packet_out(&b, &po, ofp_protocol_of_version(v), 7);
		m = decoded(&b);
		assert_int_equal(ofp_decode_packet_out(&m, &back), 0);
		assert_int_equal(back.buffer_id, 5);
		assert_null(back.packet);
		ofp_packet_out_done(&po);
		ofp_packet_out_done(&back);
		buf_done(&b);
	}
}

static struct ofp_port_desc some_port(uint8_t v)
{
	struct ofp_port_desc p = {.port_no = 3,
				  .hw_addr = {2, 3, 4, 5, 6, 7},
				  .name = "eth0",
				  .config = 0x65,
				  .state = 1,
				  .curr = OFPPF_10GB_FD | OFPPF_COPPER,
				  .advertised = OFPPF_100MB_HD | OFPPF_PAUSE_ASYM,
				  .supported = OFPPF_1GB_FD | OFPPF_FIBER | OFPPF_AUTONEG,
				  .peer = OFPPF_PAUSE,
				  .curr_speed = 10000000,
				  .max_speed = 1000000};
	if (v == OFP10)
		p.state |= OFPPS_STP_BLOCK;
	return p;
}

static void assert_port_equal(const struct ofp_port_desc *a, const struct ofp_port_desc *b)
{
	assert_int_equal(a->port_no, b->port_no);
	assert_memory_equal(a->hw_addr, b->hw_addr, 6);
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->config, b->config);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->curr, b->curr);
	assert_int_equal(a->advertised, b->advertised);
	assert_int_equal(a->supported, b->supported);
	assert_int_equal(a->peer, b->peer);
	assert_int_equal(a->curr_speed, b->curr_speed);
	assert_int_equal(a->max_speed, b->max_speed);
}

static void test_ports(void **state)
{
	FOR_EACH_VERSION(v)
	{
		struct buf b = BUF_INIT;
		struct ofp_port_desc p = some_port(v), back,
				     local = {.port_no = OFPP_LOCAL,
					      .name = "a-name-that-is-too-long"};
		struct ofp_replies r;
		uint32_t port;
		ofp_encode_port_desc_request(&b, v, 7, 1);
		struct ofp_msg m = decoded(&b);
		assert_int_equal(ofp_decode_port_desc_request(&m, &port), 0);
		assert_int_equal(port, v >= OFP15 ? 7 : OFPP_NONE);
		ofp_replies_init(&r, &m);
		ofp_append_port_desc(&r, &m, &p);
		ofp_append_port_desc(&r, &m, &local);
		ofp_replies_finish(&r);
		struct ofp_msg reply = decoded(&r.buf);
		assert_int_equal(ofp_port_desc_pull(&reply.body, v, &back), 0);
		assert_port_equal(&p, &back);
		assert_int_equal(ofp_port_desc_pull(&reply.body, v, &back), 0);
		assert_string_equal(back.name, "a-name-that-is-");
		assert_int_equal(back.port_no, OFPP_LOCAL);
		assert_int_equal(ofp_port_desc_pull(&reply.body, v, &back), -ENODATA);
		finish(&r.buf);
		ofp_replies_done(&r);
		finish(&b);

		for (int reason = 0; reason < 3; reason++) {
			struct ofp_port_status s = {.reason = (enum ofp_port_reason)reason,
						    .desc = p},
					       got;
			ofp_encode_port_status(&b, &s, v);
			m = decoded(&b);
			assert_int_equal(ofp_decode_port_status(&m, &got), 0);
			assert_int_equal(got.reason, reason);
			assert_port_equal(&p, &got.desc);
			finish(&b);
		}

		struct ofp_port_mod pm = {.port_no = 3,
					  .hw_addr = {1, 2, 3, 4, 5, 6},
					  .config = 0x21,
					  .mask = 0x61,
					  .advertise = OFPPF_1GB_FD | OFPPF_COPPER},
				    got;
		ofp_encode_port_mod(&b, &pm, v, 3);
		m = decoded(&b);
		assert_int_equal(ofp_decode_port_mod(&m, false, &got), 0);
		assert_memory_equal(pm.hw_addr, got.hw_addr, sizeof(pm.hw_addr));
		assert_true(pm.port_no == got.port_no && pm.config == got.config &&
			    pm.mask == got.mask && pm.advertise == got.advertise);
		finish(&b);

		struct ofp_features f = {.datapath_id = 0x123456789abcdef,
					 .n_buffers = 256,
					 .n_tables = 254,
					 .capabilities = OFPC_FLOW_STATS | OFPC_QUEUE_STATS},
				    fb;
		ofp_encode_features(&b, &f, v, 4, &p, 1);
		m = decoded(&b);
		assert_int_equal(ofp_decode_features(&m, &fb), 0);
		assert_true(fb.datapath_id == f.datapath_id);
		assert_int_equal(fb.n_tables, 254);
		assert_int_equal(fb.capabilities, f.capabilities);
		assert_int_equal(fb.has_ports, v < OFP13);
		if (fb.has_ports) {
			assert_int_equal(ofp_port_desc_pull(&fb.ports, v, &back), 0);
			assert_port_equal(&p, &back);
		}
		finish(&b);
		buf_done(&b);
	}
	assert_true(ofp_port_features_bps(OFPPF_10GB_FD | OFPPF_100MB_HD, 7) == 10000000000ull);
	assert_true(ofp_port_features_bps(OFPPF_COPPER, 7) == 7);
}

static void test_counters(void **state)
{
	FOR_EACH_VERSION(v)
	{
		struct buf b = BUF_INIT;
		struct ofp_replies r;
		uint32_t port, queue;
		ofp_encode_port_stats_request(&b, v, OFPP_LOCAL, 1);
		struct ofp_msg m = decoded(&b);
		assert_int_equal(ofp_decode_port_stats_request(&m, &port), 0);
		assert_int_equal(port, OFPP_LOCAL);
		struct ofp_port_stats s = {.port_no = 3, .duration_s = 5, .duration_ns = 6}, got;
		uint64_t *counter = &s.rx_packets;
		for (int i = 0; i < 12; i++)
			counter[i] = i == 7 ? UINT64_MAX : random_u64();
		ofp_replies_init(&r, &m);
		ofp_append_port_stats(&r, &m, &s);
		ofp_append_port_stats(&r, &m, &s);
		ofp_replies_finish(&r);
		struct ofp_msg reply = decoded(&r.buf);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(ofp_port_stats_pull(&reply.body, v, &got), 0);
			assert_int_equal(got.port_no, 3);
			assert_memory_equal(&got.rx_packets, &s.rx_packets, 12 * sizeof(uint64_t));
			assert_int_equal(got.duration_s, v >= OFP13 ? 5 : UINT32_MAX);
		}
		assert_int_equal(ofp_port_stats_pull(&reply.body, v, &got), -ENODATA);
		finish(&r.buf);
		ofp_replies_done(&r);
		finish(&b);

		ofp_encode_queue_stats_request(&b, v, OFPP_NONE, 7, 1);
		m = decoded(&b);
		assert_int_equal(ofp_decode_queue_stats_request(&m, &port, &queue), 0);
		assert_int_equal(port, OFPP_NONE);
		assert_int_equal(queue, 7);
		struct ofp_queue_stats q = {1, 2, 3, 4, 5, 6, 7}, qb;
		ofp_replies_init(&r, &m);
		ofp_append_queue_stats(&r, &m, &q);
		ofp_replies_finish(&r);
		reply = decoded(&r.buf);
		assert_int_equal(ofp_queue_stats_pull(&reply.body, v, &qb), 0);
		if (v < OFP13)
			q.duration_s = q.duration_ns = UINT32_MAX;
		assert_memory_equal(&q, &qb, sizeof(q));
		assert_int_equal(ofp_queue_stats_pull(&reply.body, v, &qb), -ENODATA);
		finish(&r.buf);
		ofp_replies_done(&r);
		buf_done(&b);
	}
}

static void test_tables(void **state)
{
	FOR_EACH_VERSION(v)
	{
		struct buf b = BUF_INIT;
		struct ofp_replies r;
		ofp_encode_simple(&b, OFPTYPE_TABLE_STATS_REQUEST, v, 1);
		struct ofp_msg m = decoded(&b);
		struct ofp_table_stats t = {.features = {.table_id = 5,
							 .name = "five",
							 .max_entries = 2},
					    .active_count = 1,
					    .lookup_count = 3,
					    .matched_count = 4},
				       got;
		ofp_replies_init(&r, &m);
		for (int i = 0; i < 300; i++)
			ofp_append_table_stats(&r, &m, &t);
		ofp_replies_finish(&r);
		struct ofp_msg reply = decoded(&r.buf);
		assert_int_equal(ofp_table_stats_pull(&reply.body, v, &got), 0);
		assert_int_equal(got.features.table_id, 5);
		assert_string_equal(got.features.name, v < OFP13 ? "five" : "");
		assert_int_equal(got.features.max_entries, v < OFP13 ? 2 : 0);
		assert_int_equal(got.active_count, 1);
		assert_int_equal(got.lookup_count, 3);
		assert_int_equal(got.matched_count, 4);
		ofp_replies_done(&r);
		buf_clear(&b);
		if (v >= OFP13) {
			struct ofp_table_features f, fb;
			ofp_table_features_all(&f, v);
			f.table_id = 3;
			strcpy(f.name, "three");
			f.metadata_match = 7;
			f.max_entries = 9;
			f.miss = OFPTABLE_MISS_DEFAULT;
			f.eviction = v >= OFP14 ? OFPTABLE_ON : OFPTABLE_SAME;
			f.vacancy = v >= OFP14 ? OFPTABLE_OFF : OFPTABLE_SAME;
			f.hit.next[1] = 5;
			ofp_encode_simple(&b, OFPTYPE_TABLE_FEATURES_STATS_REQUEST, v, 1);
			m = decoded(&b);
			assert_true(ofp_table_features_request_is_query(&m));
			ofp_replies_init(&r, &m);
			ofp_append_table_features(&r, &m, &f);
			ofp_replies_finish(&r);
			reply = decoded(&r.buf);
			assert_int_equal(ofp_table_features_pull(&reply.body, v, false, &fb), 0);
			assert_memory_equal(&f, &fb, sizeof(f));
			finish(&r.buf);
			ofp_replies_done(&r);
		}
		buf_done(&b);
	}
}

static void test_roles_and_settings(void **state)
{
	FOR_EACH_VERSION(v)
	{
		struct buf b = BUF_INIT, reply = BUF_INIT;
		for (int role = OFPCR_EQUAL; role <= OFPCR_SECONDARY; role++) {
			struct ofp_role_request r = {.role = (enum ofp_role)role,
						     .generation_id = 77},
						back;
			r.have_generation_id = v >= OFP12 && role != OFPCR_EQUAL;
			if (!r.have_generation_id)
				r.generation_id = 0;
			ofp_encode_role_request(&b, &r, v, 3);
			struct ofp_msg m = decoded(&b);
			assert_int_equal(ofp_decode_role(&m, &back), 0);
			assert_memory_equal(&r, &back, sizeof(r));
			ofp_encode_role_reply(&reply, &m, &r);
			m = decoded(&reply);
			assert_int_equal(m.type, OFPTYPE_ROLE_REPLY);
			assert_int_equal(ofp_decode_role(&m, &back), 0);
			assert_memory_equal(&r, &back, sizeof(r));
			finish(&reply);
			finish(&b);
		}
		struct ofp_config c = {.frag = OFP_FRAG_DROP,
				       .invalid_ttl_to_controller = 1,
				       .miss_send_len = 99},
				  cb;
		ofp_encode_config(&b, OFPTYPE_SET_CONFIG, &c, v, 1);
		struct ofp_msg m = decoded(&b);
		assert_int_equal(ofp_decode_config(&m, &cb), 0);
		assert_int_equal(cb.frag, OFP_FRAG_DROP);
		assert_int_equal(cb.miss_send_len, 99);
		assert_int_equal(cb.invalid_ttl_to_controller, v < OFP13 ? 1 : -1);
		finish(&b);

		struct ofp_desc d = {"a", "b", "c", "d", "e"}, db;
		ofp_encode_simple(&b, OFPTYPE_DESC_STATS_REQUEST, v, 1);
		m = decoded(&b);
		ofp_encode_desc_reply(&reply, &m, &d);
		m = decoded(&reply);
		assert_int_equal(ofp_decode_desc(&m, &db), 0);
		assert_memory_equal(&d, &db, sizeof(d));
		buf_clear(&b);

		if (v >= OFP13) {
			struct ofp_async_config a, ab = {0};
			ofp_async_default(&a, v);
			ofp_encode_simple(&b, OFPTYPE_GET_ASYNC_REQUEST, v, 1);
			m = decoded(&b);
			buf_clear(&reply);
			ofp_encode_get_async_reply(&reply, &m, &a);
			m = decoded(&reply);
			assert_int_equal(ofp_decode_set_async(&m, &ab), 0);
			assert_int_equal(ab.secondary[OFPASYNC_PORT_STATUS], 7);
			assert_int_equal(ab.primary[OFPASYNC_FLOW_REMOVED] & 7, 7);
			finish(&reply);
			buf_clear(&b);
		}
		bool on;
		uint16_t id;
		enum ofp_packet_in_format format;
		ofp_encode_flow_mod_table_id(&b, true, v, 1);
		m = decoded(&b);
		assert_int_equal(ofp_decode_flow_mod_table_id(&m, &on), 0);
		assert_true(on);
		finish(&b);
		ofp_encode_set_controller_id(&b, 0x1234, v, 1);
		m = decoded(&b);
		assert_int_equal(ofp_decode_set_controller_id(&m, &id), 0);
		assert_int_equal(id, 0x1234);
		finish(&b);
		ofp_encode_set_packet_in_format(&b, OFP_PIN_NXT2, v, 1);
		m = decoded(&b);
		assert_int_equal(ofp_decode_set_packet_in_format(&m, &format), 0);
		assert_int_equal(format, OFP_PIN_NXT2);
		finish(&b);
		buf_done(&b);
		buf_done(&reply);
	}
}

static void test_hello_and_echo(void **state)
{
	struct buf b = BUF_INIT;
	uint32_t versions;
	for (uint32_t set = 2; set <= OFP_VERSIONS_ALL; set += 2) {
		ofp_encode_hello(&b, set, 5);
		struct ofp_msg m = decoded(&b);
		assert_int_equal(ofp_decode_hello(&m, &versions), 0);
		assert_int_equal(versions, set);
		buf_clear(&b);
	}
	ofp_encode_hello(&b, OFP_VERSIONS_ALL, 5);
	assert_hex(&b, "0600000800000005"); // all up to the highest need no bitmap
	buf_clear(&b);
	ofp_encode_hello(&b, 1 << OFP13, 5);
	assert_hex(&b, "0400001000000005 0001000800000010");
	buf_done(&b);

	b = from_hex("0600000c00000005 ffff0001"); // an element shorter than its header
	struct ofp_msg m = decoded(&b);
	assert_int_equal(ofp_decode_hello(&m, &versions), OFPBRC_BAD_LEN);
	assert_int_equal(versions, OFP_VERSIONS_ALL);
	buf_clear(&b);

	ofp_encode_echo_request(&b, OFP14, 7, "ping", 4);
	m = decoded(&b);
	struct buf reply = BUF_INIT;
	ofp_encode_echo_reply(&reply, &m);
	assert_hex(&reply, "0503000c00000007 70696e67");
	buf_done(&reply);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow_mod),	   cmocka_unit_test(test_flow_mod_refused),
		cmocka_unit_test(test_flow_removed),	   cmocka_unit_test(test_flow_stats),
		cmocka_unit_test(test_aggregate),	   cmocka_unit_test(test_packet_in),
		cmocka_unit_test(test_continuation),	   cmocka_unit_test(test_packet_in_reasons),
		cmocka_unit_test(test_packet_out),	   cmocka_unit_test(test_ports),
		cmocka_unit_test(test_counters),	   cmocka_unit_test(test_tables),
		cmocka_unit_test(test_roles_and_settings), cmocka_unit_test(test_hello_and_echo),
	};
	random_seed(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
