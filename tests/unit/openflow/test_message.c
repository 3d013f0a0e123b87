/* SPDX-License-Identifier: Apache-2.0 */
// What messages may not say, and how some of them look. That each comes back as it was encoded is
// tested with random structs: see messages/generator.h.
#include "testing.h"

static const uint8_t frame[] = {0x50, 0x54, 0, 0, 0, 9,	 0x50, 0x54, 0, 0, 0, 10, 8, 0, 0x45, 0, 0,
				20,   0,    0, 0, 0, 64, 6,    0,    0, 1, 2, 3,  4, 5, 6,    7, 8};

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

// Ports that no packet comes from.
static void test_packet_out_refused(void **state)
{
	static const uint32_t ports[] = {OFPP_FLOOD, OFPP_ALL, OFPP_IN_PORT, OFPP_NORMAL, OFPP_MAX};
	FOR_EACH_VERSION(v)
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		struct buf b = BUF_INIT;
		struct ofp_packet_out po = {.packet = frame,
					    .packet_len = sizeof(frame),
					    .buffer_id = OFP_NO_BUFFER,
					    .metadata = parsed_match("in_port=1")},
				      back = {0};
		po.metadata.flow.in_port = ports[i];
		ofp_encode_packet_out(&b, &po, ofp_protocol_of_version(v), 7);
		struct ofp_msg m = decoded(&b);
		assert_int_not_equal(ofp_decode_packet_out(&m, &back), 0);
		ofp_packet_out_done(&back);
		buf_done(&b);
	}
}

static void test_async_default(void **state)
{
	struct ofp_async_config a;
	FOR_EACH_VERSION(v)
	{
		ofp_async_default(&a, v);
		assert_int_equal(a.primary[OFPASYNC_PACKET_IN], 0x3b);
		assert_int_equal(a.secondary[OFPASYNC_PACKET_IN], 0);
		assert_int_equal(a.secondary[OFPASYNC_PORT_STATUS], 7);
		assert_int_equal(a.primary[OFPASYNC_FLOW_REMOVED], v < OFP13	? 7
								   : v == OFP13 ? 0xf
										: 0x3f);
	}
}

static void test_port_features(void **state)
{
	assert_true(ofp_port_features_bps(OFPPF_10GB_FD | OFPPF_100MB_HD, 7) == 10000000000ull);
	assert_true(ofp_port_features_bps(OFPPF_COPPER, 7) == 7);
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
		cmocka_unit_test(test_flow_mod_refused),   cmocka_unit_test(test_packet_in_reasons),
		cmocka_unit_test(test_packet_out_refused), cmocka_unit_test(test_async_default),
		cmocka_unit_test(test_port_features),	   cmocka_unit_test(test_hello_and_echo),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
