/* SPDX-License-Identifier: Apache-2.0 */
// Matches: text both ways against what the established tools print, random round trips, packed
// matches against unpacked ones.
#include "flow/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/str.h"
#include "packet/headers.h"
#include "random_flow.h"

static int port_number(void *arg, const char *name, uint32_t *port)
{
	if (strcmp(name, "eth0") && strcmp(name, "my port"))
		return -ENOENT;
	*port = strcmp(name, "eth0") ? 8 : 7;
	return 0;
}

static const char *port_name(void *arg, uint32_t port)
{
	return port == 7 ? "eth0" : port == 8 ? "my port" : NULL;
}

static void assert_match(const char *text, const char *want)
{
	struct match m;
	struct str s = STR_INIT;
	struct error *error = match_parse(&m, text, port_number, NULL);
	if (error)
		fail_msg("%s: %s", text, error_text(error));
	match_format(&m, &s, -1, NULL, NULL);
	assert_string_equal(str_cstr(&s), want);
	str_done(&s);
}

static void test_text(void **state)
{
	static const struct {
		const char *in, *out; // out NULL: the same
	} cases[] = {
		{"", NULL},
		{"ip,nw_src=10.0.0.0/8,tp_dst=80,tcp,in_port=1,vlan_tci=0x1000/"
		 "0x1000,dl_src=00:11:22:33:44:55",
		 "tcp,in_port=1,vlan_tci=0x1000/0x1000,dl_src=00:11:22:33:44:55,nw_src=10.0.0.0/"
		 "8,tp_dst=80"},
		{"ip,nw_src=1.2.3.4/255.0.255.0", "ip,nw_src=1.0.3.0/255.0.255.0"},
		{"dl_vlan=5", NULL},
		{"dl_vlan=0xffff", "vlan_tci=0x0000"},
		{"dl_vlan_pcp=3", NULL},
		{"vlan_vid=0x1005,vlan_pcp=3", "dl_vlan=5,dl_vlan_pcp=3"},
		{"vlan_vid=0x1000/0x1000", "vlan_tci=0x1000/0x1000"},
		{"vlan_tci=0", "vlan_tci=0x0000"},
		{"vlan_tci=0xf123", "dl_vlan=291,dl_vlan_pcp=7"},
		{"vlan_tci=0xe123/0xefff", "vlan_tci=0xe123/0xefff"},
		{"vlan_tci=0x1000/0x1fff", "dl_vlan=0"},
		{"vlan_tci=0,dl_vlan=5", "dl_vlan=5,dl_vlan_pcp=0"},
		{"dl_vlan=5,dl_vlan_pcp=*", "dl_vlan=5"},
		{"vlan_tci=0x1005,vlan_vid=*", "dl_vlan_pcp=0"},
		{"dl_vlan=5,vlan_vid=*", ""},
		{"ip,nw_tos=3", "ip,nw_tos=0"},
		{"ip,ip_dscp=5,nw_ecn=1", "ip,nw_tos=20,nw_ecn=1"},
		{"ip,ip_frag=not_later", "ip,nw_frag=not_later"},
		{"ip,ip_frag=yes", "ip,nw_frag=yes"},
		{"ip,ip_frag=first", "ip,nw_frag=first"},
		{"tcp,tcp_flags=+syn-ack", NULL},
		{"tcp,tcp_flags=0x12/0xfff", "tcp,tcp_flags=syn|ack"},
		{"tcp,tcp_flags=0xe00/0xe00", "tcp,tcp_flags=+[200]+[400]+[800]"},
		{"ct_state=+trk-new", "ct_state=-new+trk"},
		{"ct_state=trk|est", "ct_state=est|trk"},
		{"ct_state=0x21/0x23", "ct_state=+new-est+trk"},
		{"tcp,tcp_src=5/0xf", "tcp,tp_src=0x5/0xf"},
		{"ipv6,ipv6_src=fe80::1/ffff::ffff,ipv6_label=0xf/0xff",
		 "ipv6,ipv6_src=fe80::1/ffff::ffff,ipv6_label=0x0000f/0x000ff"},
		{"icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=00:00:00:00:00:01", NULL},
		{"arp,arp_op=1,arp_spa=1.2.3.4,arp_tpa=1.2.0.0/16,arp_sha=00:00:00:00:00:01",
		 "arp,arp_spa=1.2.3.4,arp_tpa=1.2.0.0/16,arp_op=1,arp_sha=00:00:00:00:00:01"},
		{"mpls,mpls_label=5,mpls_tc=3,mpls_bos=1,mpls_ttl=5",
		 "mpls,mpls_label=5,mpls_tc=3,mpls_ttl=5,mpls_bos=1"},
		{"dl_type=0x800,nw_proto=6", "tcp"},
		{"dl_type=0x1234", NULL},
		{"ip,nw_proto=2", NULL},
		{"in_port=LOCAL", NULL},
		{"in_port=65534", "in_port=LOCAL"},
		{"in_port=none", "in_port=ANY"},
		{"in_port=eth0", "in_port=7"},
		{"in_port=\"my port\"", "in_port=8"},
		{"in_port_oxm=CONTROLLER", "in_port=CONTROLLER"},
		{"reg0=5,reg1=0x10/0xff", "reg0=0x5,reg1=0x10/0xff"},
		{"reg0=010", "reg0=0x8"},
		{"reg0[0..7]=5,reg0[8..15]=6", "reg0=0x605/0xffff"},
		{"xreg0=5", "reg0=0,reg1=0x5"},
		{"xxreg1=0x5/0xff", "reg7=0x5/0xff"},
		{"xxreg0=0x112233445566778899aabbccddeeff00",
		 "reg0=0x11223344,reg1=0x55667788,reg2=0x99aabbcc,reg3=0xddeeff00"},
		{"tun_id=5/7,tun_src=1.2.3.4,tun_dst=1.0.0.0/8,tun_flags=oam",
		 "tun_id=0x5/0x7,tun_src=1.2.3.4,tun_dst=1.0.0.0/8,tun_flags=+oam"},
		{"ct_label=0x123456789abcdef0123", NULL},
		{"recirc_id=4,tcp,dp_hash=1/1,metadata=0x5/0xf",
		 "recirc_id=0x4,dp_hash=0x1/0x1,eth,tcp,metadata=0x5/0xf"},
		{"packet_type=(1,0x800),nw_src=1.2.3.4", NULL},
		{"eth", ""},
		{"dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", NULL},
		{"actset_output=LOCAL,conj_id=5,pkt_mark=0x5/0xf",
		 "pkt_mark=0x5/0xf,conj_id=5,actset_output=LOCAL"},
		{"ip tcp,,nw_src=1.2.3.4", "tcp,nw_src=1.2.3.4"},
		{"ip,nw_src=1.2.3.4,nw_src=*", "ip"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_match(cases[i].in, cases[i].out ? cases[i].out : cases[i].in);
}

static void test_errors(void **state)
{
	static const struct {
		const char *in, *error;
	} cases[] = {
		{"xxx=1", "unknown keyword xxx"},
		{"foo", "field foo missing value"},
		{"ip,nw_src=1.2.3", "1.2.3: invalid IP address"},
		{"ip,nw_src=", "0/0: invalid IP address"},
		{"ip,nw_src=1.2.3.4/33",
		 "1.2.3.4/33: IPv4 network prefix bits not between 0 and 32, inclusive"},
		{"ipv6,ipv6_src=::1/129",
		 "::1/129: IPv6 network prefix bits not between 0 and 128, inclusive"},
		{"ipv6,ipv6_src=zzz", "zzz: invalid IPv6 address"},
		{"dl_src=00:11", "00:11: invalid Ethernet address"},
		{"reg0=0x100000000", "0x100000000: value too large for 4-byte field reg0"},
		{"reg0=5/0x1ffffffff", "5/0x1ffffffff: mask too large for 4-byte field reg0"},
		{"reg0=5zz", "5zz: bad syntax for reg0 value"},
		{"reg0=5/", "5/: bad syntax for reg0 mask"},
		{"reg0=-1", "-1: value too large for 4-byte field reg0"},
		{"ct_state=+foo", "foo: unknown ct_state flag(s)"},
		{"ct_state=+trk-trk", "trk: Each ct_state flag can be specified only once"},
		{"tcp,tcp_flags=syn-ack", "syn-ack: unknown TCP flag(s)"},
		{"tcp,tcp_flags=0x1000", "0x1000: unknown TCP flag(s)"},
		{"tcp,tcp_flags=[3]", "[3]: unknown TCP flag(s)"},
		{"ip,ip_frag=maybe", "maybe: unknown fragment type (valid types are \"no\", "
				     "\"yes\", \"first\", \"later\", \"not_later\""},
		{"in_port=nosuch", "nosuch: invalid or unknown port for in_port"},
		{"in_port=70000", "70000: invalid or unknown port for in_port"},
		{"in_port_oxm=nosuch", "nosuch: port value out of range for in_port_oxm"},
		{"ct_zone=5/3", "5/3: invalid mask for field ct_zone"},
		{"packet_type=1", "1: bad syntax for packet type missing '('"},
		{"reg0[40]=1",
		 "reg0[40]: starting bit 40 is not valid because field is only 32 bits wide"},
		{"reg0[0..7]=256", "reg0[0..7]: value 0x100 does not fit into 8 bits"},
		{"reg0[7..3]=1", "reg0[7..3]: starting bit 7 is after ending bit 3"},
		{"foo[0]=1", "foo[0]: unknown field `foo'"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match m;
		struct error *error = match_parse(&m, cases[i].in, port_number, NULL);
		if (!error)
			fail_msg("%s was taken", cases[i].in);
		assert_string_equal(error_text(error), cases[i].error);
		error_free(error);
	}
}

static void test_names_and_priority(void **state)
{
	struct match m;
	struct str s = STR_INIT;
	assert_null(match_parse(&m, "in_port=7", NULL, NULL));
	match_format(&m, &s, 10, port_name, NULL);
	assert_string_equal(str_cstr(&s), "priority=10,in_port=eth0");
	str_clear(&s);
	assert_null(match_parse(&m, "in_port=8", NULL, NULL));
	match_format(&m, &s, 32768, port_name, NULL);
	assert_string_equal(str_cstr(&s), "in_port=\"my port\"");
	str_clear(&s);
	match_init_any(&m);
	match_format(&m, &s, 0, NULL, NULL);
	assert_string_equal(str_cstr(&s), "priority=0");
	str_done(&s);
}

static void test_ports(void **state)
{
	uint32_t port;
	static const struct {
		const char *text;
		uint32_t port;
	} good[] = {{"0", 0},
		    {"65279", 65279},
		    {"local", OFPP_LOCAL},
		    {"IN_PORT", OFPP_IN_PORT},
		    {"any", OFPP_NONE},
		    {"4294967294", OFPP_LOCAL},
		    {"65533", OFPP_CONTROLLER},
		    {"eth0", 7}};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(ofp_port_parse(good[i].text, port_number, NULL, &port));
		assert_int_equal(port, good[i].port);
	}
	static const char *const bad[] = {"",		"-1",	      "0xfffe", "65536",
					  "4294901759", "4294967296", "nosuch", "1x"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ofp_port_parse(bad[i], port_number, NULL, &port));
	for (port = 0; port <= 0xffff; port++)
		assert_int_equal(ofp_port_from_32(ofp_port_to_32(port)), port);
}

// Text of a random match, parsed, is the match.
static void test_round_trip(void **state)
{
	random_seed(11);
	for (int round = 0; round < 20000; round++) {
		struct match m, again;
		struct str s = STR_INIT;
		random_match(&m);
		if (m.mask.recirc_id) // then the text says "eth"
			m.mask.packet_type = UINT32_MAX;
		match_format(&m, &s, -1, NULL, NULL);
		struct error *error = match_parse(&again, str_cstr(&s), NULL, NULL);
		if (error)
			fail_msg("%s: %s", str_cstr(&s), error_text(error));
		if (!match_equal(&m, &again)) {
			struct str t = STR_INIT;
			match_format(&again, &t, -1, NULL, NULL);
			print_error("became %s\n", str_cstr(&t));
			fail_msg("%s", str_cstr(&s));
		}
		assert_false(match_normalize(&again));
		assert_true(match_equal(&m, &again));
		str_done(&s);
	}
}

static void test_normalize(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"nw_src=1.2.3.4", ""},
		{"ip,tp_src=5", "ip"},
		{"tcp,ipv6_src=::1", "tcp"},
		{"icmp6,nd_target=::1", "icmp6"},
		{"udp,tcp_flags=2", "udp"},
		{"tcp,mpls_label=3", "tcp"},
		{"icmp6,icmp_type=135,icmp_code=1,nd_target=::1",
		 "icmp6,icmp_type=135,icmp_code=1"},
		{"icmp6,icmp_type=136,nd_sll=00:00:00:00:00:01", "icmp6,icmp_type=136"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match m;
		struct str s = STR_INIT;
		assert_null(match_parse(&m, cases[i].in, NULL, NULL));
		assert_true(match_normalize(&m));
		match_format(&m, &s, -1, NULL, NULL);
		assert_string_equal(str_cstr(&s), cases[i].out);
		str_done(&s);
	}
}

// Any bytes: an error or a match that its own text gives again.
static void test_noise(void **state)
{
	static const char *const pieces[] = {
		"tcp",	  "ip", "=",	     ",",	 "/",		"nw_src",  "reg0",
		"[",	  "]",	"..",	     "1.2.3.4",	 "0x",		"5",	   "ct_state",
		"+trk",	  "-",	"|",	     "*",	 "(",		")",	   "vlan_tci",
		"dl_src", ":",	"::",	     "ipv6_src", "99999999999", "in_port", "LOCAL",
		" ",	  "\"", "tcp_flags", "[200]"};
	random_seed(12);
	for (int round = 0; round < 50000; round++) {
		struct str s = STR_INIT;
		struct match m;
		for (uint32_t i = 0, n = random_below(12); i < n; i++)
			str_add(&s, pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))]);
		error_free(match_parse(&m, str_cstr(&s), port_number, NULL));
		str_done(&s);
	}
}

static void test_minimatch(void **state)
{
	random_seed(13);
	for (int round = 0; round < 5000; round++) {
		struct match m, other, back;
		struct minimatch mini, mini2;
		random_match(&m);
		random_match(&other);
		minimatch_init(&mini, &m);
		minimatch_expand(&mini, &back);
		assert_true(match_equal(&m, &back));
		minimatch_init(&mini2, round & 1 ? &m : &other);
		assert_int_equal(minimatch_equal(&mini, &mini2),
				 match_equal(&m, round & 1 ? &m : &other));
		if (round & 1)
			assert_true(minimatch_hash(&mini, 5) == minimatch_hash(&mini2, 5));
		for (int i = 0; i < 20; i++) {
			struct flow f;
			random_flow(&f);
			if (i & 1) { // a flow that the match accepts, then with one byte changed
				for (unsigned int w = 0; w < FLOW_WORDS; w++)
					flow_words(&f)[w] =
						(flow_words(&f)[w] & ~flow_words(&m.mask)[w]) |
						flow_words(&m.flow)[w];
				assert_true(minimatch_accepts(&mini, &f));
				((uint8_t *)&f)[random_below(sizeof(f))] ^=
					(uint8_t)(1 << random_below(8));
			}
			assert_int_equal(minimatch_accepts(&mini, &f),
					 flow_equal_masked(&f, &m.flow, &m.mask));
		}
		minimatch_done(&mini);
		minimatch_done(&mini2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_names_and_priority),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_minimatch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
