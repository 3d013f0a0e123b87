/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/nx_entry.h"
#include "testing.h"

// --- Random matches: fields one after the other, each only where those before give it sense.

static void random_value(const struct field *f, union field_value *value, union field_value *mask)
{
	memset(value, 0, sizeof(*value));
	memset(mask, 0, sizeof(*mask));
	field_exact_mask(f, mask);
	random_bytes(value->b, f->n_bytes);
	if (f->maskable == FIELD_FULLY_MASKABLE && random_below(2)) {
		union field_value bits;
		random_bytes(bits.b, sizeof(bits.b));
		for (int i = 0; i < f->n_bytes; i++)
			mask->b[i] &= bits.b[i];
	}
	for (int i = 0; i < f->n_bytes; i++)
		value->b[i] &= mask->b[i];
}

// `simple`: only of fields that OpenFlow 1.0 has.
static struct match random_match(bool simple)
{
	static const char *const beginnings[] = {"",
						 "ip",
						 "tcp",
						 "udp",
						 "sctp",
						 "icmp",
						 "arp",
						 "ipv6",
						 "tcp6",
						 "udp6",
						 "icmp6",
						 "mpls",
						 "rarp",
						 "in_port=3",
						 "dl_vlan=5",
						 "vlan_tci=0",
						 "ip,nw_src=10.0.0.0/9",
						 "arp,arp_tpa=1.2.3.0/24"};
	struct match m =
		parsed_match(beginnings[random_below(sizeof(beginnings) / sizeof(beginnings[0]))]);
	for (int i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = field_get((enum field_id)i);
		union field_value value, mask;
		if (random_below(6) || !field_prereqs_ok(f, &m.flow, &m.mask) ||
		    (!f->nxm_version && !f->oxm_version) || (simple && !f->fixed_1_0))
			continue;
		if (f->id == FIELD_ETH_TYPE || f->id == FIELD_IP_PROTO || f->id == FIELD_VLAN_TCI ||
		    f->id == FIELD_PACKET_TYPE || f->id == FIELD_ACTSET_OUTPUT ||
		    f->id == FIELD_IN_PORT_OXM || f->id == FIELD_SKB_PRIORITY)
			continue;
		random_value(f, &value, &mask);
		if (simple)
			field_exact_mask(f, &mask);
		if (field_value_is_valid(f, &value))
			match_set(&m, f, &value, &mask);
	}
	match_normalize(&m);
	return m;
}

// The tables by class and number say what the rows say: every header of a row finds that row, and
// no other header finds one.
static void test_headers_find_rows(void **state)
{
	static const uint32_t classes[] = {0, 1, 0x8000, 0x8001, 0x1000, 0x1234, 0xffff};
	static const uint32_t experimenters[] = {0, 0x2320, 0x005ad650, 0x4f4e4600, 0x12345678};
	for (size_t c = 0; c < sizeof(classes) / sizeof(classes[0]); c++)
		for (uint32_t number = 0; number < 128; number++)
			for (size_t e = 0; e < (classes[c] == 0xffff ? 5 : 1); e++) {
				uint32_t header = classes[c] << 16 | number << 9,
					 experimenter = experimenters[e];
				const struct field *want = NULL;
				for (int i = 0; i < FIELD_N_IDS; i++) {
					const struct field *f = field_get((enum field_id)i);
					bool is_experimenter = classes[c] == 0xffff;
					bool nxm =
						f->nxm_version && f->nxm == header &&
						experimenter ==
							(is_experimenter ? f->oxm_experimenter : 0);
					bool oxm =
						f->oxm_version && f->oxm == header && !experimenter;
					bool onf = is_experimenter && f->onf &&
						   experimenter == 0x4f4e4600 && f->onf == number;
					if (!nxm && !oxm && !onf)
						continue;
					assert_null(want); // one header, one field
					want = f;
				}
				// Length and mask bits are none of its business.
				assert_ptr_equal(nx_field_find(header, experimenter), want);
				assert_ptr_equal(nx_field_find(header | 0x104, experimenter), want);
			}
}

// NXM carries any match, and says what it says with each field's own header.
static void test_nxm_round_trip(void **state)
{
	for (int i = 0; i < 3000; i++) {
		struct match m = random_match(false), back;
		struct buf b = BUF_INIT;
		be64_t cookie = htobe64(random_u64()),
		       mask = i % 3 ? (be64_t)random_u64() : UINT64_MAX, c2, m2;
		cookie &= mask;
		size_t n = nx_match_encode(&b, 0, &m, cookie, mask);
		assert_int_equal(n, b.len);
		int error = nx_match_decode(cursor_make(b.data, b.len), true, &back, &c2, &m2);
		if (error)
			fail_msg("%s: %s", match_text(&m), ofperr_name(error));
		assert_match_equal(&m, &back);
		assert_int_equal(cookie, c2);
		assert_int_equal(mask, m2);
		buf_done(&b);
	}
}

static bool has_vlan_without_presence(const struct match *m)
{
	uint16_t mask = be16toh(m->mask.vlan[0].tci);
	return mask && !(be16toh(m->flow.vlan[0].tci) & FLOW_VLAN_CFI);
}

static void test_oxm_round_trip(void **state)
{
	unsigned int n = 0;
	for (int i = 0; i < 3000; i++) {
		struct match m = random_match(false), back;
		struct buf b = BUF_INIT;
		uint8_t version = (uint8_t)(OFP12 + random_below(4));
		// OXM has no way to match on a priority without a tag, nor on some bits of it.
		if (has_vlan_without_presence(&m))
			continue;
		uint16_t pcp_mask = be16toh(m.mask.vlan[0].tci) & 0xe000;
		if (pcp_mask && pcp_mask != 0xe000)
			continue;
		ofp11_match_encode(&b, version, &m);
		assert_int_equal(b.len % 8, 0);
		struct cursor c = cursor_make(b.data, b.len);
		uint16_t padded;
		int error = ofp11_match_decode(&c, true, &back, &padded);
		if (error)
			fail_msg("%s: %s", match_text(&m), ofperr_name(error));
		assert_int_equal(padded, b.len);
		assert_int_equal(cursor_left(&c), 0);
		assert_match_equal(&m, &back);
		buf_done(&b);
		n++;
	}
	assert_true(n > 1000);
}

// A match that says of itself that the fixed structure can carry it, is carried.
static void test_fixed_round_trip(void **state)
{
	unsigned int n10 = 0, n11 = 0;
	for (int i = 0; i < 20000; i++) {
		struct match m = random_match(true), back;
		struct buf b = BUF_INIT;
		uint32_t usable = match_usable_protocols(&m);
		if (usable & OFPROTO_10 && !has_vlan_without_presence(&m)) {
			ofp10_match_encode(&b, &m);
			assert_int_equal(b.len, OFP10_MATCH_LEN);
			struct cursor c = cursor_make(b.data, b.len);
			assert_int_equal(ofp10_match_decode(&c, &back), 0);
			assert_match_equal(&m, &back);
			n10++;
		}
		buf_clear(&b);
		if (usable & OFPROTO_11 && !(m.mask.mpls[0] & ~BE32(0xfffffe00)) &&
		    !has_vlan_without_presence(&m) && !(m.mask.nw_tos & 3)) {
			ofp11_match_encode(&b, OFP11, &m);
			assert_int_equal(b.len, OFP11_MATCH_LEN);
			struct cursor c = cursor_make(b.data, b.len);
			int error = ofp11_match_decode(&c, true, &back, NULL);
			if (error)
				fail_msg("%s: %s", match_text(&m), ofperr_name(error));
			assert_match_equal(&m, &back);
			n11++;
		}
		buf_done(&b);
	}
	assert_true(n10 > 100 && n11 > 100);
}

static void test_vectors(void **state)
{
	struct buf b = BUF_INIT;
	struct match m = parsed_match("tcp,in_port=1,dl_vlan=5,nw_src=10.0.0.0/8,tp_dst=80");
	nx_match_encode(&b, 0, &m, 0, 0);
	assert_hex(&b, "000000020001 000006020800 00000904 10051fff 00000f08 0a000000 ff000000 "
		       "00000c0106 000014020050");
	buf_clear(&b);
	ofp11_match_encode(&b, OFP13, &m);
	assert_hex(&b, "0001 002f 8000000400000001 80000a020800 80000c021005 80001708 0a000000 "
		       "ff000000 8000140106 80001c020050"
		       " 00");
	buf_clear(&b);
	ofp10_match_encode(&b, &m);
	assert_hex(&b, "0038184c 0001 000000000000 000000000000 0005 00 00 0800 00 06 0000 "
		       "0a000000 00000000 0000 0050");
	buf_done(&b);
}

static void test_bad_nxm(void **state)
{
	static const struct {
		const char *hex;
		int error;
	} cases[] = {
		{"", 0},
		{"00000002 0001", 0},
		{"00000002 00", OFPBMC_BAD_LEN},
		{"000000", OFPBMC_BAD_LEN},
		{"00000003 000100", OFPBMC_BAD_FIELD},	// not its length
		{"00000104 0001ffff", 0},		// mask of all ones is none
		{"00000104 0000fffe", OFPBMC_BAD_MASK}, // not maskable
		{"7fff0002 0001", OFPBMC_BAD_FIELD},
		{"00000e04 0a000001", OFPBMC_BAD_PREREQ}, // nw_src without ip
		{"00000602 0800 00000e04 0a000001", 0},
		{"00000602 0800 00000602 0800", OFPBMC_DUP_FIELD},
		{"00000602 0800 00000f08 0a000001 ffffff00", OFPBMC_BAD_WILDCARDS},
		{"00000602 0800 00000f08 0a000000 ffffff00", 0},
		{"00000602 0800 00000a01 03", OFPBMC_BAD_VALUE}, // TOS with ECN bits
		{"80000004 00012345", OFPBMC_BAD_VALUE},	 // a port between 16 and 32 bits
		{"80000004 fffffffe", 0},
		{"00013c08 0000000000000001",
		 OFPBMC_BAD_FIELD}, // a cookie, where there is none to match
		{"ffff0004 0001", OFPBMC_BAD_LEN},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = from_hex(cases[i].hex);
		struct match m;
		int error = nx_match_decode(cursor_make(b.data, b.len), true, &m, NULL, NULL);
		if (error != cases[i].error)
			fail_msg("%s: %s, not %s", cases[i].hex, ofperr_name(error),
				 ofperr_name(cases[i].error));
		// Unknown fields are stepped over where that is asked for.
		if (error == OFPBMC_BAD_FIELD && i == 7)
			assert_int_equal(
				nx_match_decode(cursor_make(b.data, b.len), false, &m, NULL, NULL),
				0);
		buf_done(&b);
	}
}

static void test_bad_frames(void **state)
{
	static const struct {
		const char *hex;
		int error;
	} cases[] = {
		{"0001 0004 00000000", 0},
		{"0001 0003 00000000", OFPBMC_BAD_LEN},
		{"0001 0005 00000000", OFPBMC_BAD_LEN},
		{"0001 0010 00000000", OFPBMC_BAD_LEN}, // longer than what is there
		{"0001", OFPBMC_BAD_LEN},
		{"0000 0058 00000000", OFPBMC_BAD_LEN},
		{"0000 0057 00000000", OFPBMC_BAD_LEN},
		{"0002 0004 00000000", OFPBMC_BAD_TYPE},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = from_hex(cases[i].hex);
		struct cursor c = cursor_make(b.data, b.len);
		struct match m;
		int error = ofp11_match_decode(&c, true, &m, NULL);
		if (error != cases[i].error)
			fail_msg("%s: %s", cases[i].hex, ofperr_name(error));
		buf_done(&b);
	}
}

// Each field's header leads back to the field, in every version.
static void test_field_headers(void **state)
{
	for (int i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = field_get((enum field_id)i), *back;
		if (!f->nxm_version && !f->oxm_version)
			continue;
		for (uint8_t version = 0; version <= OFP15; version++)
			for (int masked = 0; masked < 2; masked++) {
				struct buf b = BUF_INIT;
				bool was_masked;
				nx_header_encode(&b, version, f, masked);
				struct cursor c = cursor_make(b.data, b.len);
				assert_int_equal(nx_header_decode(&c, &back, &was_masked), 0);
				assert_ptr_equal(back, f);
				assert_int_equal(was_masked, masked);
				assert_int_equal(cursor_left(&c), 0);
				buf_done(&b);
			}
	}
}

static void test_ports(void **state)
{
	uint32_t port;
	for (uint32_t p = 0; p <= 0xffff; p++) {
		assert_int_equal(ofp11_port_decode(ofp11_port_encode(p), &port), 0);
		assert_int_equal(port, p);
	}
	assert_int_equal(ofp11_port_encode(OFPP_LOCAL), 0xfffffffe);
	assert_int_equal(ofp11_port_decode(0xff00, &port), OFPBAC_BAD_OUT_PORT);
	assert_int_equal(ofp11_port_decode(0xfffffeff, &port), OFPBAC_BAD_OUT_PORT);
}

// The 1.0 structure says what it says, and what has no prerequisite does not count.
static void test_normalised_10(void **state)
{
	struct match m = parsed_match("nw_src=10.0.0.1,tp_dst=80"), back;
	struct buf b = BUF_INIT;
	ofp10_match_encode(&b, &m);
	struct cursor c = cursor_make(b.data, b.len);
	assert_int_equal(ofp10_match_decode(&c, &back), 0);
	struct match any;
	match_init_any(&any);
	assert_int_equal(back.mask.tp_dst, 0xffff); // as it was sent
	match_normalize(&back);
	assert_match_equal(&back, &any);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_find_rows),
		cmocka_unit_test(test_nxm_round_trip),
		cmocka_unit_test(test_oxm_round_trip),
		cmocka_unit_test(test_fixed_round_trip),
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_bad_nxm),
		cmocka_unit_test(test_bad_frames),
		cmocka_unit_test(test_field_headers),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_normalised_10),
	};
	random_seed(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
