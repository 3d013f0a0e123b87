/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "openflow/group.h"

static char *format(const struct ofp_group *g)
{
	struct str s = STR_INIT;
	ofp_group_format(g, false, NULL, &s);
	return str_take(&s);
}

// Texts in the form in which they are printed.
static const char *const groups[] = {
	",type=all",
	",type=all,bucket=actions=output:1,bucket=actions=drop",
	",type=indirect,bucket=actions=set_queue:3,output:1",
	",type=select,bucket=weight:100,actions=output:1,bucket=actions=output:2",
	",type=select,bucket=weight:0,watch_port:2,actions=output:1,bucket=watch_group:7,actions="
	"group:5",
	",type=ff,bucket=watch_port:1,actions=output:1,bucket=watch_port:2,watch_group:1,actions="
	"output:2",
};
static const char *const groups15[] = {
	",type=select,selection_method=hash,fields(ip_src,tcp_dst=255),bucket=actions=output:1",
	",type=select,selection_method=hash,fields=eth_src,bucket=weight:3,actions=output:1",
	",type=select,selection_method=dp_hash,selection_method_param=4,bucket=actions=output:1",
};

static void round_trip(const char *text, uint8_t version)
{
	struct ofp_group_mod gm, back;
	struct ofp_msg m;
	struct buf b = BUF_INIT;
	uint32_t usable;
	char *whole = xasprintf("group_id=9%s", text);
	assert_null(ofp_group_mod_parse(whole, OFPGC_ADD, NULL, &gm, &usable));
	ofp_encode_group_mod(&b, &gm, version, 1);
	assert_int_equal(ofp_msg_decode(b.data, b.len, &m), 0);
	assert_int_equal(ofp_decode_group_mod(&m, &back), 0);
	char *again = format(&back.group);
	assert_string_equal(again, text);
	assert_int_equal(back.group.group_id, 9);
	ofp_group_done(&back.group);
	// Cut anywhere: an error or a shorter list of buckets, never a read past the end (a copy of
	// exactly the size shows it).
	for (size_t n = 16; n < b.len; n++) {
		uint8_t *cut = xmemdup(b.data, n);
		put_be16(cut + 2, (uint16_t)n);
		if (!ofp_msg_decode(cut, n, &m)) {
			int error = ofp_decode_group_mod(&m, &back);
			assert_true(error || back.group.buckets.n <= gm.group.buckets.n);
			ofp_group_done(&back.group);
		}
		free(cut);
	}
	free(again);
	free(whole);
	buf_done(&b);
	ofp_group_done(&gm.group);
}

static void test_group_mod(void **state)
{
	for (uint8_t v = OFP10; v <= OFP15; v++)
		for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
			round_trip(groups[i], v);
	for (size_t i = 0; i < sizeof(groups15) / sizeof(groups15[0]); i++) {
		round_trip(groups15[i], OFP15);
		round_trip(groups15[i], OFP10);
	}
}

static void test_replies(void **state)
{
	static const struct ofp_bucket_stats counters[] = {{1, 2}, {3, 4}};
	for (uint8_t v = OFP10; v <= OFP15; v++) {
		struct buf request = BUF_INIT;
		struct ofp_replies r;
		struct ofp_msg m;
		struct ofp_group_mod gm;
		struct ofp_group back;
		uint32_t usable;
		ofp_encode_group_request(&request, OFPTYPE_GROUP_DESC_STATS_REQUEST, OFPG_ALL, v,
					 1);
		assert_int_equal(ofp_msg_decode(request.data, request.len, &m), 0);
		ofp_replies_init(&r, &m);
		assert_null(ofp_group_mod_parse(
			"group_id=9,type=select,bucket=weight:3,output:1,bucket=output:2",
			OFPGC_ADD, NULL, &gm, &usable));
		ofp_append_group_desc(&r, &m, &gm.group);
		ofp_replies_finish(&r);
		assert_int_equal(ofp_msg_decode(r.buf.data, r.buf.len, &m), 0);
		assert_int_equal(ofp_group_desc_pull(&m, &m.body, &back), 0);
		char *text = format(&back);
		assert_string_equal(
			text,
			",type=select,bucket=weight:3,actions=output:1,bucket=actions=output:2");
		ofp_group_done(&back);
		assert_int_equal(ofp_group_desc_pull(&m, &m.body, &back), -ENODATA);
		free(text);
		ofp_replies_done(&r);
		ofp_group_done(&gm.group);

		buf_clear(&request);
		ofp_encode_group_request(&request, OFPTYPE_GROUP_STATS_REQUEST, 9, v, 1);
		assert_int_equal(ofp_msg_decode(request.data, request.len, &m), 0);
		uint32_t id;
		assert_int_equal(ofp_decode_group_request(&m, &id), 0);
		assert_int_equal(id, 9);
		struct ofp_group_stats s = {.group_id = 9,
					    .ref_count = 2,
					    .duration_s = 5,
					    .packets = 7,
					    .bytes = 8,
					    .buckets = counters,
					    .n_buckets = 2},
				       t;
		ofp_replies_init(&r, &m);
		ofp_append_group_stats(&r, &m, &s);
		ofp_replies_finish(&r);
		struct cursor buckets;
		assert_int_equal(ofp_msg_decode(r.buf.data, r.buf.len, &m), 0);
		assert_int_equal(ofp_group_stats_pull(&m, &m.body, &t, &buckets), 0);
		assert_int_equal(t.packets, 7);
		assert_int_equal(t.n_buckets, 2);
		cursor_skip(&buckets, 24);
		assert_int_equal(cursor_be64(&buckets), 4);
		ofp_replies_done(&r);
		buf_done(&request);
	}
}

static void test_wrong_text(void **state)
{
	static const struct {
		int command;
		const char *text, *error;
	} wrong[] = {
		{OFPGC_ADD, "group_id=3,type=ff,bucket=actions=output:1",
		 "fast failover bucket requires watch_port or watch_group"},
		{OFPGC_ADD, "group_id=5,type=indirect,bucket=output:1,bucket=output:2",
		 "Indirect groups can have at most one bucket."},
		{OFPGC_ADD, "group_id=5,bucket=output:1", "must specify a type"},
		{OFPGC_ADD, "type=all,bucket=output:1", "must specify a group_id"},
		{OFPGC_ADD, "group_id=4294967041,type=all,bucket=output:1",
		 "invalid group id 4294967041"},
		{OFPGC_ADD, "group_id=5,type=foo,bucket=output:1", "invalid group type foo"},
		{OFPGC_ADD, "group_id=5,type=indirect,bucket=weight:5,output:1",
		 "Only select groups can have bucket weights."},
		{OFPGC_ADD, "group_id=7,type=all,foo=1,bucket=output:1", "unknown keyword foo"},
		{OFPGC_ADD, "group_id=7,type=all,bucket=foo=1", "unknown action foo"},
		{OFPGC_ADD, "group_id=7,type=all,bucket=", "bucket must specify actions"},
		{OFPGC_ADD, "group_id=9,type=indirect,bucket=goto_table:1",
		 "goto_table instruction not allowed here"},
		{OFPGC_ADD, "group_id=5,type=select,fields(eth_src),bucket=output:1",
		 "fields may only be specified with \"selection_method=hash\""},
		{OFPGC_INSERT_BUCKET, "group_id=1,command_bucket_id=all,bucket=output:3",
		 "command_bucket_id=all is not permitted"},
		{OFPGC_INSERT_BUCKET, "group_id=1,bucket=output:3",
		 "must specify a command bucket id"},
		{OFPGC_DELETE, "group_id=1,type=all", "type is not needed"},
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct ofp_group_mod gm;
		uint32_t usable;
		struct error *e =
			ofp_group_mod_parse(wrong[i].text, wrong[i].command, NULL, &gm, &usable);
		assert_non_null(e);
		assert_string_equal(error_text(e), wrong[i].error);
		error_free(e);
		ofp_group_done(&gm.group);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group_mod),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_wrong_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
