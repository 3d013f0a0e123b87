/* SPDX-License-Identifier: Apache-2.0 */
// The field table: every row, its names, its place in a flow, its text; subfields.
#include "flow/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/str.h"
#include "flow/match.h"
#include "packet/headers.h"
#include "random_flow.h"

static void test_rows(void **state)
{
	for (int id = 0; id < FIELD_N_IDS; id++) {
		const struct field *f = field_get((enum field_id)id);
		assert_int_equal(f->id, id);
		assert_ptr_equal(field_find(f->name), f);
		if (f->extra_name)
			assert_ptr_equal(field_find(f->extra_name), f);
		assert_true(f->n_bits && f->n_bits <= 8 * f->n_bytes &&
			    f->n_bytes <= FIELD_MAX_BYTES);
		assert_true(f->offset + f->size <= sizeof(struct flow));
		if (f->nxm_name) {
			assert_ptr_equal(field_find_any_name(f->nxm_name, strlen(f->nxm_name)), f);
			assert_null(field_find(f->nxm_name));
			assert_int_equal(f->nxm_version, 1);
		}
		if (f->oxm_name) {
			assert_ptr_equal(field_find_any_name(f->oxm_name, strlen(f->oxm_name)), f);
			assert_true(f->oxm_version >= 3 && f->oxm_version <= 6);
		}
		for (int other = 0; other < id; other++) {
			const struct field *g = field_get((enum field_id)other);
			assert_false(f->nxm_version && g->nxm_version && f->nxm == g->nxm);
			assert_false(f->oxm_version && g->oxm_version && f->oxm == g->oxm);
		}
	}
	static const char *const none[] = {"",	    "a",     "zzz",	"reg",	      "reg16",
					   "reg1x", "nw_sr", "nw_srcc", "NXM_NX_REG0"};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(field_find(none[i]));
	assert_ptr_equal(field_find_any_name("ONFOXM_ET_TCP_FLAGS", 19),
			 field_get(FIELD_TCP_FLAGS));
	assert_ptr_equal(field_find_n("reg10", 4), field_get(FIELD_REG1));
}

// What is set can be read; a mask reads as the exact mask; other fields stay.
static void test_get_set(void **state)
{
	random_seed(21);
	for (int round = 0; round < 20000; round++) {
		const struct field *f = field_get((enum field_id)random_below(FIELD_N_IDS));
		struct flow flow, before, mask;
		union field_value v = {{0}}, got, exact;
		random_flow(&flow);
		flow.vlan[0] = (struct flow_vlan){BE16(0x8100), BE16(0x5123)};
		before = flow;
		if (f->place == FIELD_PLACE_OPTION)
			continue; // test_options.c
		field_exact_mask(f, &exact);
		random_bytes(&v, f->n_bytes);
		for (unsigned int i = 0; i < f->n_bytes; i++)
			v.b[i] &= exact.b[i];
		if (!field_value_is_valid(f, &v))
			continue;
		field_set_value(f, &v, &flow);
		field_get_value(f, &flow, &got);
		if (f->id == FIELD_VLAN_TCI && !(v.be16 & BE16(VLAN_CFI)))
			assert_int_equal(flow.vlan[0].tpid, 0);
		assert_memory_equal(got.b, v.b, f->n_bytes);

		memset(&mask, 0xff, sizeof(mask));
		field_get_value(f, &mask, &got);
		if (f->id != FIELD_ARP_OP)
			assert_memory_equal(got.b, exact.b, f->n_bytes);
		memset(&mask, 0, sizeof(mask));
		field_unwildcard(f, NULL, &mask);
		field_get_value(f, &mask, &got);
		assert_true(field_mask_is_exact(f, &got));
		assert_false(field_mask_is_zero(f, &got));
		if (f->place != FIELD_PLACE_VLAN)
			assert_true(({
				bool same = true;
				for (unsigned int w = 0; w < FLOW_WORDS; w++)
					same &= !((flow_words(&flow)[w] ^ flow_words(&before)[w]) &
						  ~flow_words(&mask)[w]);
				same;
			}));
	}
}

static void test_set_masked(void **state)
{
	struct flow f = {0};
	union field_value v = {.be32 = BE32(0x12345678)}, m = {.be32 = BE32(0x00ff00f0)}, got;
	const struct field *reg = field_get(FIELD_REG3);
	f.regs[3] = 0xaaaaaaaa;
	field_set_masked(reg, &v, &m, &f);
	assert_int_equal(f.regs[3], 0xaa34aa7a);
	const struct field *x = field_get(FIELD_XREG1);
	field_get_value(x, &f, &got);
	assert_int_equal(be64toh(got.be64), 0xaa34aa7a);
	v.u8 = 5;
	field_set_value(field_get(FIELD_VLAN_PCP), &v, &f); // makes a tag
	assert_int_equal(f.vlan[0].tci, BE16(0xb000));
	assert_int_equal(f.vlan[0].tpid, BE16(0x8100));
	v.be16 = BE16(0xffff);
	field_set_value(field_get(FIELD_DL_VLAN), &v, &f); // takes it away
	assert_int_equal(f.vlan[0].tci, 0);
	assert_int_equal(f.vlan[0].tpid, 0);
	f.nw_tos = 3;
	v.u8 = 0x15;
	field_set_value(field_get(FIELD_IP_DSCP_SHIFTED), &v, &f);
	assert_int_equal(f.nw_tos, 0x57);
	v.be32 = BE32(0xfffffffe);
	field_set_value(field_get(FIELD_IN_PORT_OXM), &v, &f);
	assert_int_equal(f.in_port, OFPP_LOCAL);
	field_get_value(field_get(FIELD_IN_PORT), &f, &got);
	assert_int_equal(got.be16, BE16(OFPP_LOCAL));
}

static void test_prereqs(void **state)
{
	random_seed(22);
	for (int round = 0; round < 5000; round++) {
		struct flow f, mask = {0}, all;
		random_flow(&f);
		memset(&all, 0xff, sizeof(all));
		for (int id = 0; id < FIELD_N_IDS; id++) {
			const struct field *row = field_get((enum field_id)id);
			bool ok = field_prereqs_ok(row, &f, NULL);
			// Matches may speak of ICMP in later fragments, actions may not.
			bool icmp = row->prereq >= PREREQ_ICMPV4 && row->prereq <= PREREQ_ND_ADVERT;
			if (!(icmp && f.nw_frag & FLOW_FRAG_LATER))
				assert_int_equal(field_prereqs_ok(row, &f, &all), ok);
			if (!ok || row->prereq == PREREQ_CT)
				continue;
			memset(&mask, 0, sizeof(mask));
			field_unwildcard_prereqs(row, &mask);
			assert_true(field_prereqs_ok(row, &f, &mask)); // these bits are enough
		}
	}
	struct flow tcp = {.dl_type = BE16(ETHERTYPE_IPV4), .nw_proto = IP_PROTO_TCP}, none = {0};
	assert_true(field_prereqs_ok(field_get(FIELD_TCP_SRC), &tcp, NULL));
	assert_false(field_prereqs_ok(field_get(FIELD_TCP_SRC), &tcp, &none));
	assert_false(field_prereqs_ok(field_get(FIELD_UDP_SRC), &tcp, NULL));
	assert_false(field_prereqs_ok(field_get(FIELD_IPV6_SRC), &tcp, NULL));
	tcp.nw_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	assert_false(field_prereqs_ok(field_get(FIELD_TCP_SRC), &tcp, NULL));
	assert_true(field_prereqs_ok(field_get(FIELD_IPV4_SRC), &tcp, NULL));
	assert_false(field_prereqs_ok(field_get(FIELD_VLAN_PCP), &tcp, NULL));
	assert_true(field_prereqs_ok(field_get(FIELD_REG0), &none, &none));
}

// Values of every row as text and back.
static void test_value_text(void **state)
{
	random_seed(23);
	for (int round = 0; round < 30000; round++) {
		const struct field *f = field_get((enum field_id)random_below(FIELD_N_IDS));
		union field_value v, m, v2, m2;
		field_exact_mask(f, &m);
		random_bytes(&v, sizeof(v));
		if (f->maskable == FIELD_FULLY_MASKABLE && random_below(2))
			for (unsigned int i = 0; i < f->n_bytes; i++)
				m.b[i] &= (uint8_t)random_u32();
		if (f->format == FORMAT_FRAG)
			m.u8 = 3;
		for (unsigned int i = 0; i < f->n_bytes; i++)
			v.b[i] &= m.b[i];
		if (f->place == FIELD_PLACE_PORT || f->format == FORMAT_FRAG) {
			memset(&v, 0, sizeof(v));
			v.b[f->n_bytes - 1] = f->format == FORMAT_FRAG ? 1 : (uint8_t)random_u32();
		}
		if (f->format == FORMAT_CT_STATE)
			v.be32 &= BE32(0xff), m.be32 &= BE32(0xff);
		if (f->format == FORMAT_TUN_FLAGS)
			v.be16 &= BE16(1), m.be16 = random_below(2) ? BE16(1) : UINT16_MAX;
		if (field_mask_is_zero(f, &m))
			continue;
		struct str s = STR_INIT;
		field_format_value(f, &v, &m, NULL, NULL, &s);
		struct error *error = field_parse_value(f, str_cstr(&s), &v2, &m2);
		if (error)
			fail_msg("%s: %s", f->name, error_text(error));
		if (memcmp(v.b, v2.b, f->n_bytes))
			fail_msg("%s=%s: value", f->name, str_cstr(&s));
		if (field_mask_is_exact(f, &m) ? !field_mask_is_exact(f, &m2)
					       : memcmp(m.b, m2.b, f->n_bytes))
			fail_msg("%s=%s: mask", f->name, str_cstr(&s));
		str_done(&s);
	}
}

static void assert_value(const char *field, const char *in, const char *out)
{
	union field_value v, m;
	struct str s = STR_INIT;
	const struct field *f = field_find(field);
	struct error *error = field_parse_value(f, in, &v, &m);
	if (error)
		fail_msg("%s", error_text(error));
	field_format_value(f, &v, &m, NULL, NULL, &s);
	assert_string_equal(str_cstr(&s), out);
	str_done(&s);
}

static void test_known_text(void **state)
{
	assert_value("vlan_vid", "0x1005", "4101");
	assert_value("vlan_vid", "0x1005/0x1005", "4101/0x1005");
	assert_value("reg0", "0", "0");
	assert_value("vlan_tci", "0x5/0xff", "0x5/0xff");
	assert_value("xxreg0", "0x10/0xffffffffffffffffffffffffffffffff", "0x10");
	assert_value("nw_src", "10.0.0.0/255.255.0.0", "10.0.0.0/16");
	assert_value("in_port", "local", "LOCAL");
	assert_value("in_port_oxm", "3", "3");
	assert_value("reg1", "*", "ANY");
	assert_value("packet_type", "(1,0x800)", "(1,0x800)");
	assert_value("tun_flags", "oam", "oam");
	assert_value("tun_flags", "+oam", "+oam");
}

static void test_subfield_text(void **state)
{
	static const struct {
		const char *in, *out, *rest;
	} good[] = {
		{"reg0", "NXM_NX_REG0[]", ""},
		{"NXM_NX_REG0[]", "NXM_NX_REG0[]", ""},
		{"reg0[0..31],x", "NXM_NX_REG0[]", ",x"},
		{"NXM_OF_VLAN_TCI[0..11]->", "NXM_OF_VLAN_TCI[0..11]", "->"},
		{"reg0->", "NXM_NX_REG0[]", "->"},
		{"OXM_OF_METADATA[3])", "OXM_OF_METADATA[3]", ")"},
		{"xreg0", "OXM_OF_PKT_REG0[]", ""},
		{"eth_dst[0..31]", "NXM_OF_ETH_DST[0..31]", ""},
		{"actset_output[0..15]", "ONFOXM_ET_ACTSET_OUTPUT[0..15]", ""},
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *s = good[i].in;
		struct subfield sf;
		struct str out = STR_INIT;
		assert_null(subfield_parse(&s, &sf));
		assert_string_equal(s, good[i].rest);
		subfield_format(&sf, &out);
		assert_string_equal(str_cstr(&out), good[i].out);
		str_done(&out);
	}
	static const struct {
		const char *in, *error;
	} bad[] = {
		{"FOO[]", "FOO[]: unknown field `FOO'"},
		{"[]", "[]: unknown field `'"},
		{"reg0[", "reg0[: syntax error expecting [] or [<bit>] or [<start>..<end>]"},
		{"reg0[5..", "reg0[5..: syntax error expecting [] or [<bit>] or [<start>..<end>]"},
		{"reg0[a]", "reg0[a]: syntax error expecting [] or [<bit>] or [<start>..<end>]"},
		{"reg0[5..3]", "reg0[5..3]: starting bit 5 is after ending bit 3"},
		{"reg0[-1]",
		 "reg0[-1]: starting bit -1 is not valid because field is only 32 bits wide"},
		{"reg0[5..40]",
		 "reg0[5..40]: ending bit 40 is not valid because field is only 32 bits wide"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *s = bad[i].in;
		struct subfield sf;
		struct error *error = subfield_parse(&s, &sf);
		assert_non_null(error);
		assert_string_equal(error_text(error), bad[i].error);
		error_free(error);
	}
}

// Bit by bit against shifts of 128-bit numbers.
static void test_subfield_bits(void **state)
{
	random_seed(24);
	for (int round = 0; round < 20000; round++) {
		const struct field *f = field_get(FIELD_XXREG0), *g = field_get(FIELD_XXREG2);
		struct flow flow, copy;
		random_flow(&flow);
		random_bytes(flow.regs, sizeof(flow.regs));
		uint16_t n = (uint16_t)(1 + random_below(128)),
			 from = (uint16_t)random_below(129u - n),
			 to = (uint16_t)random_below(129u - n);
		struct subfield src = {f, from, n}, dst = {g, to, n};
		unsigned __int128 x = 0, y = 0,
				  ones = n == 128 ? ~(unsigned __int128)0
						  : ((unsigned __int128)1 << n) - 1;
		for (int i = 0; i < 4; i++) {
			x = x << 32 | flow.regs[i];
			y = y << 32 | flow.regs[8 + i];
		}
		assert_true(subfield_get_u64(&src, &flow) == (uint64_t)(x >> from & ones));
		copy = flow;
		subfield_copy(&src, &dst, &flow, &copy);
		y = (y & ~(ones << to)) | (x >> from & ones) << to;
		for (int i = 4; i-- > 0; y >>= 32)
			assert_int_equal(copy.regs[8 + i], (uint32_t)y);
		if (n <= 64) {
			uint64_t v = random_u64() & (uint64_t)ones;
			subfield_set_u64(&dst, v, &copy);
			assert_true(subfield_get_u64(&dst, &copy) == v);
		}
		union field_value mask;
		subfield_mask(&src, &mask);
		assert_true(((unsigned __int128)be64toh(mask.in6.d[0]) << 64 |
			     be64toh(mask.in6.d[1])) == ones << from);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	      cmocka_unit_test(test_get_set),
		cmocka_unit_test(test_set_masked),    cmocka_unit_test(test_prereqs),
		cmocka_unit_test(test_value_text),    cmocka_unit_test(test_known_text),
		cmocka_unit_test(test_subfield_text), cmocka_unit_test(test_subfield_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
