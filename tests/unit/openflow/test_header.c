/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

static void test_types(void **state)
{
	static const struct {
		const char *hex;
		int error;
		enum ofptype type;
		const char *name;
	} cases[] = {
		{"0100000800000001", 0, OFPTYPE_HELLO, "OFPT_HELLO"},
		{"0500000800000001", 0, OFPTYPE_HELLO, "OFPT_HELLO"},
		{"0900000800000001", 0, OFPTYPE_HELLO, "OFPT_HELLO"}, // of a version to come
		{"0112000800000001", 0, OFPTYPE_BARRIER_REQUEST, "OFPT_BARRIER_REQUEST"},
		{"0414000800000001", 0, OFPTYPE_BARRIER_REQUEST, "OFPT_BARRIER_REQUEST"},
		{"0412001000000001 0000000000000000", 0, OFPTYPE_DESC_STATS_REQUEST, "OFPST_DESC"},
		{"0110000c00000001 00030000", 0, OFPTYPE_TABLE_STATS_REQUEST, "OFPST_TABLE"},
		{"0104001400000001 00002320 0000000c 00000002", 0, OFPTYPE_SET_FLOW_FORMAT,
		 "NXT_SET_FLOW_FORMAT"},
		{"0110002000000001 ffff0000 00002320 00000000 00000000 ffff0000ff000000", 0,
		 OFPTYPE_FLOW_STATS_REQUEST, "NXST_FLOW"},
		{"0905000800000001", OFPBRC_BAD_TYPE, 0, NULL},
		{"0005000800000001", OFPBRC_BAD_TYPE, 0, NULL},
		{"01ff000800000001", OFPBRC_BAD_TYPE, 0, NULL},
		{"0118000800000001", OFPBRC_BAD_TYPE, 0, NULL}, // roles come with 1.2
		{"0110000c00000001 00990000", OFPBRC_BAD_STAT, 0, NULL},
		{"0104001000000001 00002320 00009999", OFPBRC_BAD_SUBTYPE, 0, NULL},
		{"0104001000000001 00002320 00990000", OFPBRC_BAD_SUBTYPE, 0, NULL},
		{"0104001000000001 00123456 00000000", OFPBRC_BAD_VENDOR, 0, NULL},
		{"0110002000000001 ffff0000 00123456 00000000 00000000 0000000000000000",
		 OFPBRC_BAD_VENDOR, 0, NULL},
		{"0112000c00000001 00000000", OFPBRC_BAD_LEN, 0, NULL},
		{"0104000c00000001 00002320", OFPBRC_BAD_LEN, 0, NULL},
		{"011000080000000100", OFPBRC_BAD_LEN, 0, NULL},
		{"0105000900000001", OFPBRC_BAD_LEN, 0, NULL},
		{"010500", OFPBRC_BAD_LEN, 0, NULL},
		{"", OFPBRC_BAD_LEN, 0, NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = from_hex(cases[i].hex);
		struct ofp_msg m;
		int error = ofp_msg_decode(b.data, b.len, &m);
		if (error != cases[i].error)
			fail_msg("%s: %s", cases[i].hex, ofperr_name(error));
		if (!error) {
			assert_int_equal(m.type, cases[i].type);
			assert_string_equal(ofp_msg_name(&m), cases[i].name);
			assert_int_equal(m.xid, 1);
		}
		buf_done(&b);
	}
}

// Every message that a version has is found again by what its header says.
static void test_every_type_round_trip(void **state)
{
	unsigned int n = 0;
	FOR_EACH_VERSION(v)
	for (int type = 0; type < OFPTYPE_N; type++)
		for (int nx = 0; nx < 2; nx++) {
			struct buf b = BUF_INIT;
			struct ofp_msg m;
			if (!ofptype_exists((enum ofptype)type, nx, v))
				continue;
			size_t at = ofp_begin(&b, (enum ofptype)type, nx, v, 0x12345678);
			assert_true(ofp_end(&b, at));
			assert_int_equal(ofp_msg_identify(b.data, b.len, &m), 0);
			assert_int_equal(m.type, type);
			assert_int_equal(m.nx, nx);
			assert_int_equal(m.version, v);
			assert_int_equal(m.xid, 0x12345678);
			assert_int_equal(cursor_left(&m.body), 0);
			buf_done(&b);
			n++;
		}
	assert_true(n > 300);
}

static void test_errors(void **state)
{
	struct buf b = BUF_INIT;
	struct ofp_msg m;
	struct cursor payload;
	struct ofperr_code c;
	assert_int_equal(ofperr_find("OFPBMC_BAD_FIELD"), OFPBMC_BAD_FIELD);
	assert_int_equal(ofperr_find("NO_SUCH"), 0);
	assert_int_equal(ofperr_get_code(OFPBMC_BAD_FIELD, OFP10, &c), 0);
	assert_int_equal(c.vendor, OFP_VENDOR_NX);
	assert_int_equal(c.code, 263);
	assert_int_equal(ofperr_get_code(OFPBMC_BAD_FIELD, OFP13, &c), 0);
	assert_int_equal(c.vendor, 0);
	assert_int_equal(c.type, 4);
	assert_int_equal(c.code, 6);

	// What a version can say comes back; what it cannot becomes the error that says so.
	for (int error = 1; error < OFPERR_N; error++)
		FOR_EACH_VERSION(v)
		{
			uint8_t request[16] = {v, 5, 0, 16, 1, 2, 3, 4, 'x'};
			ofp_encode_error(&b, error, request, sizeof(request));
			m = decoded(&b);
			assert_int_equal(m.type, OFPTYPE_ERROR);
			assert_int_equal(m.xid, 0x01020304);
			int back = ofp_decode_error(&m, &payload);
			if (ofperr_get_code(error, v, &c)) {
				assert_int_equal(back, NXBRC_UNENCODABLE_ERROR);
			} else {
				struct ofperr_code again;
				assert_int_equal(ofperr_get_code(back, v, &again), 0);
				assert_memory_equal(&again, &c, sizeof(c));
			}
			assert_int_equal(cursor_left(&payload), 16);
			assert_memory_equal(payload.p, request, 16);
			buf_clear(&b);
		}
	uint8_t hello[8] = {1, 0, 0, 8};
	ofp_encode_error(&b, OFPBAC_BAD_OUT_PORT, hello, 8);
	assert_hex(&b, "0101001400000000 00020004 0100000800000000");
	buf_clear(&b);
	ofp_encode_hello_error(&b, OFP13, 7, "no");
	assert_hex(&b, "0401000e00000007 00000000 6e6f");
	buf_done(&b);
}

static void add_entry(struct ofp_replies *r, size_t n, uint8_t fill)
{
	ofp_replies_begin_entry(r);
	memset(buf_add_zeros(&r->buf, n), fill, n);
	ofp_replies_end_entry(r);
}

// Replies of any size split between entries, keep all of them in order, and only the last lacks the
// "more" flag.
static void test_replies(void **state)
{
	for (int round = 0; round < 20; round++) {
		struct buf request = BUF_INIT;
		uint8_t version = round % 2 ? OFP13 : OFP10;
		ofp_encode_port_stats_request(&request, version, OFPP_NONE, 99);
		struct ofp_msg m = decoded(&request);
		struct ofp_replies r;
		ofp_replies_init(&r, &m);
		struct buf sent = BUF_INIT;
		unsigned int entries = random_below(3000), entry_len = version == OFP10 ? 104 : 112;
		for (unsigned int i = 0; i < entries; i++) {
			add_entry(&r, entry_len, (uint8_t)i);
			if (!random_below(500)) { // as a sender of much does
				buf_add(&sent, r.buf.data, r.begin);
				ofp_replies_taken(&r, r.begin);
			}
		}
		ofp_replies_finish(&r);
		buf_add(&sent, r.buf.data, r.buf.len);
		unsigned int seen = 0;
		for (size_t at = 0; at < sent.len;) {
			size_t n = ofp_length(sent.data + at);
			assert_true(n <= sent.len - at);
			assert_int_equal(ofp_msg_decode(sent.data + at, n, &m), 0);
			assert_int_equal(m.xid, 99);
			assert_int_equal(m.type, OFPTYPE_PORT_STATS_REPLY);
			at += n;
			assert_int_equal(m.mp_flags, at < sent.len ? OFPMPF_MORE : 0);
			while (cursor_left(&m.body)) {
				const uint8_t *entry = cursor_take(&m.body, entry_len);
				assert_non_null(entry);
				assert_int_equal(entry[0], (uint8_t)seen);
				assert_int_equal(entry[entry_len - 1], (uint8_t)seen);
				seen++;
			}
		}
		assert_int_equal(seen, entries);
		ofp_replies_done(&r);
		buf_done(&sent);
		buf_done(&request);
	}
}

static void test_entry_too_long_is_left_out(void **state)
{
	struct buf request = BUF_INIT;
	ofp_encode_simple(&request, OFPTYPE_TABLE_FEATURES_STATS_REQUEST, OFP13, 1);
	struct ofp_msg m = decoded(&request);
	struct ofp_replies r;
	ofp_replies_init(&r, &m);
	add_entry(&r, 65528, 1);
	add_entry(&r, 64, 2);
	ofp_replies_finish(&r);
	assert_int_equal(r.buf.len, 16 + 64);
	m = decoded(&r.buf);
	assert_int_equal(m.mp_flags, 0);
	ofp_replies_done(&r);
	buf_done(&request);
}

static void test_protocols(void **state)
{
	uint32_t bits;
	assert_null(ofp_versions_parse("OpenFlow10,OpenFlow13", &bits));
	assert_int_equal(bits, 1 << OFP10 | 1 << OFP13);
	assert_null(ofp_versions_parse("", &bits));
	assert_int_equal(bits, OFP_VERSIONS_ALL);
	struct error *e = ofp_versions_parse("OpenFlow10,foo", &bits);
	assert_string_equal(error_text(e), "Unknown OpenFlow version: \"foo\"");
	error_free(e);
	e = ofp_protocols_parse("NXM,x", &bits);
	assert_string_equal(error_text(e), "x: unknown flow protocol");
	error_free(e);
	static const char *const texts[] = {"any",
					    "NXM",
					    "OXM",
					    "OpenFlow10+table_id",
					    "OXM,OpenFlow11",
					    "NXM,OpenFlow10+table_id",
					    "OXM-OpenFlow13",
					    "OpenFlow10,NXM,OpenFlow11"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_null(ofp_protocols_parse(texts[i], &bits));
		char *text = ofp_protocols_format(bits);
		assert_string_equal(text, texts[i]);
		free(text);
	}
	FOR_EACH_PROTOCOL(p)
	{
		assert_true(ofp_protocols_of_versions(1u << ofp_protocol_version(p)) & p);
		assert_non_null(ofp_protocol_name(p));
	}
	assert_int_equal(ofp_protocol_set_tid(OFPROTO_NXM, true), OFPROTO_NXM_TID);
	assert_int_equal(ofp_protocol_set_tid(OFPROTO_10_TID, false), OFPROTO_10);
	assert_int_equal(ofp_protocol_set_tid(OFPROTO_13, true), OFPROTO_13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_every_type_round_trip),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_entry_too_long_is_left_out),
		cmocka_unit_test(test_protocols),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
