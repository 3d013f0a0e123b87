/* SPDX-License-Identifier: Apache-2.0 */
// Datapath actions and keys as text: the established forms, random round trips, noise.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/str.h"
#include "flow/dpact.h"
#include "packet/headers.h"
#include "random_flow.h"

static int port_number(void *arg, const char *name, uint32_t *port)
{
	*port = 1;
	return strcmp(name, "p1") ? -ENOENT : 0;
}

static const char *port_name(void *arg, uint32_t port)
{
	return port == 1 ? "p1" : NULL;
}

static void assert_actions(const char *in, const char *want)
{
	struct buf b = BUF_INIT;
	struct str s = STR_INIT;
	struct error *error = dpact_parse(&b, in, port_number, NULL);
	if (error)
		fail_msg("%s", error_text(error));
	dpact_format(&s, b.data, b.len, NULL, NULL);
	assert_string_equal(str_cstr(&s), want);
	str_done(&s);
	buf_done(&b);
}

static void test_actions(void **state)
{
	static const char *const same[] = {
		"drop",
		"1",
		"1,2,3",
		"userspace(pid=0)",
		"userspace(pid=0,userdata(0102ff))",
		"set(eth(src=00:11:22:33:44:55,dst=00:11:22:33:44:66))",
		"set(eth(dst=00:11:22:33:44:66))",
		"set(eth(dst=01:00:00:00:00:00/01:00:00:00:00:00))",
		"set(ipv4(ttl=63))",
		"set(ipv4(src=1.2.3.4,dst=1.2.0.0/255.255.0.0,tos=0x4/0xfc,ttl=5))",
		"set(ipv6(src=::1,dst=::/ffff::,label=0x5,tclass=0x3,hlimit=6))",
		"set(ipv6(label=0x5/0xff))",
		"set(tcp(src=5,dst=6))",
		"set(udp(dst=6/0xff))",
		"set(sctp(src=1,dst=2))",
		"set(icmp(type=3))",
		"set(icmpv6(type=3,code=4))",
		"set(arp(sip=1.2.3.4,tip=2.3.4.5,op=1,sha=00:11:22:33:44:55))",
		"set(nd(target=::1,sll=00:11:22:33:44:55,tll=00:11:22:33:44:55))",
		"set(mpls(label=5,tc=3,ttl=64,bos=1))",
		"set(mpls(label=5/0xf,tc=0/0,ttl=0/0x0,bos=0/0))",
		"set(skb_mark(0x5))",
		"set(skb_mark(0x5/0xff))",
		"set(skb_priority(0x5/0x7))",
		"set(tunnel(tun_id=0x5,dst=2.2.2.2,ttl=64,tp_dst=4789,flags(df|key)))",
		"set(tunnel(tun_id=0x5,ipv6_src=::2,ipv6_dst=::1,ttl=64,vxlan(gbp(id=10,flags=0x1))"
		",flags(df|key)))",
		"push_vlan(vid=12,pcp=0)",
		"push_vlan(tpid=0x88a8,vid=12,pcp=3)",
		"push_vlan(vid=12,pcp=0,cfi=0)",
		"pop_vlan",
		"push_nsh(flags=3,ttl=63,mdtype=1,np=3,spi=0x1234,si=255,c1=0x0,c2=0x1,c3="
		"0xffffffff,c4=0x0)",
		"push_nsh(flags=0,ttl=1,mdtype=2,np=1,spi=0x0,si=0,md2=0x10000a0412345678)",
		"push_nsh(flags=0,ttl=1,mdtype=2,np=1,spi=0x0,si=0,md2=0)",
		"pop_nsh()",
		"pop_eth",
		"push_eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02)",
		"add_mpls(label=10,tc=3,ttl=64,bos=1,eth_type=0x8848)",
		"set(nsh(flags=0x01/0x01,ttl=62,spi=0x5,si=99,c1=0x5/0x0000000f))",
		"push_mpls(label=10,tc=3,ttl=64,bos=1,eth_type=0x8847)",
		"pop_mpls(eth_type=0x800)",
		"recirc(0x5)",
		"recirc(0)",
		"hash(l4(0)),recirc(0x1)",
		"hash(sym_l4(5))",
		"trunc(100),1",
		"meter(5),1",
		"sample(sample=9.7%,actions(1,2))",
		"clone(push_vlan(vid=12,pcp=0),2)",
		"clone(drop)",
		"clone(clone(1),2),3",
		"check_pkt_len(size=200,gt(4),le(5))",
		"check_pkt_len(size=200,gt(drop),le(drop))",
		"ct_clear",
		"set(ipv4(ttl=63)),push_vlan(vid=7,pcp=0),2",
	};
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_actions(same[i], same[i]);
	assert_actions("", "drop");
	assert_actions("p1 2", "1,2");
	assert_actions(",1,,2,", "1,2");
	assert_actions("pop_mpls(eth_type=0x0800)", "pop_mpls(eth_type=0x800)");
	assert_actions("clone()", "clone(drop)");
	assert_actions("userspace(pid=55)", "userspace(pid=0)");
}

static void test_bad_actions(void **state)
{
	static const char *const bad[] = {
		"foo",
		"1,foo",
		"1,drop",
		"drop,1",
		"1;2",
		"set(foo)",
		"set(foo(a=1))",
		"set(eth(src=xx))",
		"set(eth(src=1)",
		"push_vlan",
		"push_vlan(vid=5000,pcp=0)",
		"push_vlan(pcp=1)",
		"hash(foo(1))",
		"meter(x)",
		"recirc(0x100000000)",
		"sample(sample=50%)",
		"sample(sample=101%,actions(1))",
		"sample(sample=nan%,actions(1))",
		"clone(1",
		"clone(1))",
		"userspace",
		"userspace()",
		"userspace(pid=1,userdata(0))",
		"4294967295",
		"-1",
		"set(tcp(src=65536))",
		"check_pkt_len(size=65536,gt(1),le(2))",
		"check_pkt_len(size=5,gt(1))",
		"ct(commit)",
		"set(tunnel(flags(foo)))",
		("clone(clone(clone(clone(clone(clone(clone(clone(clone(clone(clone(clone(clone("
		 "clone(clone(clone(clone("
		 "1)))))))))))))))))"),
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b = BUF_INIT;
		dpact_add_output(&b, 9);
		size_t n = b.len;
		struct error *error = dpact_parse(&b, bad[i], NULL, NULL);
		if (!error)
			fail_msg("%s was taken", bad[i]);
		assert_true(!strncmp(error_text(error), "syntax error at ", 16));
		assert_int_equal(b.len, n);
		error_free(error);
		buf_done(&b);
	}
}

static bool format_userdata(void *arg, const void *data, size_t n, struct str *s)
{
	if (n != 3)
		return false;
	str_add(s, "three");
	return true;
}

static void test_callbacks(void **state)
{
	const struct dpact_text text = {.port_name = port_name, .userdata_format = format_userdata};
	struct buf b = BUF_INIT;
	struct str s = STR_INIT;
	dpact_add_output(&b, 1);
	dpact_add_userspace(&b, "abc", 3);
	dpact_add_userspace(&b, "ab", 2);
	dpact_format_text(&s, b.data, b.len, &text);
	assert_string_equal(str_cstr(&s),
			    "p1,userspace(pid=0,three),userspace(pid=0,userdata(6162))");
	str_done(&s);
	buf_done(&b);
	for (int i = 0; i < DP_DROP_N_REASONS; i++)
		assert_non_null(dp_drop_reason_name((enum dp_drop_reason)i));
}

// A nest that grew past what 16 bits can say is taken out whole.
static void test_too_long(void **state)
{
	struct buf b = BUF_INIT;
	dpact_add_output(&b, 1);
	size_t before = b.len,
	       start = dpact_nest_begin(&b, DPACT_CLONE, sizeof(struct dpact_nested));
	for (int i = 0; i < 5000; i++)
		dpact_add_output(&b, 1);
	assert_false(dpact_nest_end(&b, start));
	assert_int_equal(b.len, before);
	buf_done(&b);
}

static void assert_key(const char *in, const char *want, const char *want_verbose)
{
	struct flow key, mask;
	struct str s = STR_INIT;
	struct error *error = dpkey_parse(in, &key, &mask, port_number, NULL);
	if (error)
		fail_msg("%s", error_text(error));
	dpkey_format(&s, &key, &mask, NULL, NULL, false);
	assert_string_equal(str_cstr(&s), want);
	str_clear(&s);
	dpkey_format(&s, &key, &mask, port_name, NULL, true);
	if (want_verbose)
		assert_string_equal(str_cstr(&s), want_verbose);
	// The verbose form says all there is.
	struct flow key2, mask2;
	error = dpkey_parse(str_cstr(&s), &key2, &mask2, port_number, NULL);
	if (error)
		fail_msg("%s", error_text(error));
	assert_true(flow_equal(&key, &key2));
	assert_true(flow_equal(&mask, &mask2));
	str_done(&s);
}

#define NO_META                                                                                    \
	"skb_priority(0/0),skb_mark(0/0),ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/"      \
	"0),recirc_id(0),dp_hash(0/0),"

static void test_keys(void **state)
{
	assert_key("in_port(1),eth(),eth_type(0x0800),ipv4(frag=no)",
		   "recirc_id(0),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no)",
		   NO_META "in_port(p1),packet_type(ns=0/0,id=0/0),"
			   "eth(src=00:00:00:00:00:00/00:00:00:00:00:00,dst=00:00:00:00:00:00/"
			   "00:00:00:00:00:00),"
			   "eth_type(0x0800),ipv4(src=0.0.0.0/0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=0/"
			   "0,tos=0/0,ttl=0/0,frag=no)");
	assert_key("in_port(p1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(src=10.0.0.1/"
		   "255.0.0.0,proto=6,frag=no),"
		   "tcp(src=1/0,dst=80/0xf0),tcp_flags(+syn-ack)",
		   "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x0800),ipv4(src=10.0."
		   "0.1/255.0.0.0,proto=6,frag=no),"
		   "tcp(dst=80/0xf0),tcp_flags(+syn-ack)",
		   NULL);
	assert_key("in_port(1),eth(),eth_type(0x8100),vlan(vid=5,pcp=3/"
		   "0x0),encap(eth_type(0x0800),ipv4(frag=no))",
		   "recirc_id(0),in_port(1),eth(),eth_type(0x8100),vlan(vid=5,pcp=3/"
		   "0x0),encap(eth_type(0x0800),ipv4(frag=no))",
		   NULL);
	assert_key("in_port(1),eth(),eth_type(0x88a8),vlan(vid=5),encap(eth_type(0x8100),encap(eth_"
		   "type(0x0800),ipv4(frag=no)))",
		   "recirc_id(0),in_port(1),eth(),eth_type(0x88a8),vlan(vid=5),encap(eth_type("
		   "0x8100),encap(eth_type(0x0800),"
		   "ipv4(frag=no)))",
		   NULL);
	assert_key("in_port(1),eth(),eth_type(0x8100),vlan(vid=5),encap()",
		   "recirc_id(0),in_port(1),eth(),eth_type(0x8100),vlan(vid=5),encap()", NULL);
	assert_key(
		"in_port(1),packet_type(ns=1,id=0x894f),nsh(ttl=63,spi=0x1/0x00000f,si=254,c1=0x1)",
		"recirc_id(0),in_port(1),packet_type(ns=1,id=0x894f),eth_type(0x894f),nsh(ttl=63,"
		"spi=0x1/0x0000000f,si=254,c1=0x1)",
		NULL);
	assert_key("in_port(1),eth(),eth_type(0/0xffff)",
		   "recirc_id(0),in_port(1),eth(),eth_type(0/0xffff)", NULL);
	assert_key("in_port(1),eth(),eth_type(0x86dd),ipv6(src=fe80::/ffff::,label=0x5/"
		   "0xff,tclass=0x3/0xfc,proto=58,frag=first),"
		   "icmpv6(type=135,code=0),nd(target=::1,sll=00:00:00:00:00:01,tll=00:00:00:00:00:"
		   "00)",
		   "recirc_id(0),in_port(1),eth(),eth_type(0x86dd),ipv6(src=fe80::/"
		   "ffff::,label=0x5/0xff,proto=58,tclass=0x3/0xfc,"
		   "frag=first),icmpv6(type=135,code=0),nd(target=::1,sll=00:00:00:00:00:01,tll=00:"
		   "00:00:00:00:00)",
		   NULL);
	assert_key("in_port(1),eth(),eth_type(0x8847),mpls(label=5,tc=3,ttl=64,bos=0,label=6,tc=1,"
		   "ttl=2,bos=1)",
		   "recirc_id(0),in_port(1),eth(),eth_type(0x8847),mpls(label=5,tc=3,ttl=64,bos=0,"
		   "label=6,tc=1,ttl=2,bos=1)",
		   NULL);
	assert_key("recirc_id(0x5),dp_hash(0x5/0xff),skb_priority(0x3),skb_mark(0x4/"
		   "0xf),in_port(1),ct_state(+trk-new),ct_zone(5),"
		   "ct_mark(0x5/0xf),ct_label(0x5/0xff),eth(),eth_type(0x0806),arp(op=1)",
		   "skb_priority(0x3),skb_mark(0x4/"
		   "0xf),ct_state(-new+trk),ct_zone(0x5),ct_mark(0x5/0xf),ct_label(0x5/0xff),"
		   "recirc_id(0x5),dp_hash(0x5/0xff),in_port(1),eth(),eth_type(0x0806),arp(op=1)",
		   NULL);
	assert_key("in_port(1),ct_state(0x21/"
		   "0xff),ct_tuple4(src=1.2.3.4,dst=1.2.3.5,proto=6,tp_src=5,tp_dst=6),eth(),"
		   "eth_type(0x0800),ipv4(frag=no)",
		   "ct_state(+new-est-rel-rpl-inv+trk-snat-dnat),ct_tuple4(src=1.2.3.4,dst=1.2.3.5,"
		   "proto=6,tp_src=5,tp_dst=6),"
		   "recirc_id(0),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no)",
		   NULL);
	assert_key("tunnel(tun_id=0x5,src=1.2.3.4,dst=2.3.4.5,tos=0x3,ttl=64,tp_src=5,tp_dst=6,"
		   "flags(df|csum|key)),in_port(1),eth(),"
		   "eth_type(0x1234)",
		   "tunnel(tun_id=0x5,src=1.2.3.4,dst=2.3.4.5,tos=0x3,ttl=64,tp_src=5,tp_dst=6,"
		   "flags(df|csum|key)),recirc_id(0),"
		   "in_port(1),eth(),eth_type(0x1234)",
		   NULL);
}

// A datapath may keep only the bits that count.
static void test_masked_key(void **state)
{
	struct flow key = {.in_port = 1,
			   .dl_type = BE16(ETHERTYPE_IPV4),
			   .nw_proto = IP_PROTO_ICMP},
		    mask = {0};
	struct str s = STR_INIT;
	mask.in_port = mask.recirc_id = mask.packet_type = UINT32_MAX;
	mask.dl_type = 0xffff;
	mask.nw_proto = 0xff;
	mask.nw_frag = 3;
	key.vlan[0].tci = mask.vlan[0].tci = BE16(VLAN_CFI);
	key.tp_src = BE16(8);
	mask.tp_src = BE16(0xff); // the type's only byte
	dpkey_format(&s, &key, &mask, NULL, NULL, false);
	assert_string_equal(str_cstr(&s),
			    "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8100),"
			    "encap(eth_type(0x0800),ipv4(proto=1,frag=no),icmp(type=8))");
	str_clear(&s);
	key = (struct flow){.in_port = 1, .dl_type = BE16(ETHERTYPE_MPLS)};
	dpkey_format(&s, &key, &mask, NULL, NULL, false);
	assert_string_equal(str_cstr(&s),
			    "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8847)");
	str_clear(&s);
	mask.mpls[1] = BE32(0xfffff000);
	dpkey_format(&s, &key, &mask, NULL, NULL, false);
	assert_string_equal(str_cstr(&s),
			    "recirc_id(0),in_port(1),packet_type(ns=0,id=0),eth_type(0x8847),"
			    "mpls(label=0/0x0,tc=0/0,ttl=0/0x0,bos=0/0,label=0/0xfffff,tc=0/"
			    "0,ttl=0/0x0,bos=0/0)");
	str_done(&s);
}

static void test_bad_keys(void **state)
{
	static const struct {
		const char *in, *error;
	} bad[] = {
		{"foo(1)", "syntax error at foo(1)"},
		{"in_port(1),eth(foo=1)", "syntax error at eth(foo=1)"},
		{"in_port(1),eth(src=xx)", "syntax error at eth(src=xx)"},
		{"in_port(x)", "syntax error at in_port(x)"},
		{"in_port(1", "syntax error at in_port(1"},
		{"in_port(1),eth(),eth_type(0x8100),vlan(tci=0x0)",
		 "syntax error at vlan(tci=0x0)"},
		{"vlan(vid=5)", "syntax error at vlan(vid=5)"},
		{"eth_type(0x0800),ipv4(frag=2)", "syntax error at ipv4(frag=2)"},
		{"eth_type(0x8100),vlan(vid=5),encap(eth_type(0x0800)",
		 "syntax error at end of input: missing \")\""},
		{"eth_type(0x0800),ipv4(proto=6),udp(src=1)",
		 "udp does not belong to a packet of this type"},
		{"eth_type(0x86dd),ipv4(proto=6)", "ipv4 does not belong to a packet of this type"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct flow key, mask;
		struct error *error = dpkey_parse(bad[i].in, &key, &mask, NULL, NULL);
		if (!error)
			fail_msg("%s was taken", bad[i].in);
		assert_string_equal(error_text(error), bad[i].error);
		error_free(error);
	}
}

// Any packet's key, exact and with random masks, through the verbose form.
static void test_key_round_trip(void **state)
{
	random_seed(31);
	for (int round = 0; round < 20000; round++) {
		struct flow key, mask, key2, mask2;
		struct str s = STR_INIT, t = STR_INIT;
		random_flow(&key);
		key.metadata = 0;
		memset(key.regs, 0, sizeof(key.regs));
		flow_mask_for_packet(&key, &mask);
		if (round & 1) // masks of some headers
			for (size_t i = offsetof(struct flow, nw_src);
			     i < offsetof(struct flow, nw_frag); i++)
				((uint8_t *)&mask)[i] &= (uint8_t)random_u32();
		dpkey_format(&s, &key, &mask, NULL, NULL, true);
		struct error *error = dpkey_parse(str_cstr(&s), &key2, &mask2, NULL, NULL);
		if (error)
			fail_msg("%s: %s", str_cstr(&s), error_text(error));
		dpkey_format(&t, &key2, &mask2, NULL, NULL, true);
		assert_string_equal(str_cstr(&s), str_cstr(&t));
		key.igmp_group = 0; // has no text
		if (key.nw_proto == IP_PROTO_IGMP && key.dl_type == BE16(ETHERTYPE_IPV4))
			key.tp_src = key.tp_dst = 0;
		if (!flow_equal(&key, &key2))
			fail_msg("key changed: %s", str_cstr(&s));
		str_clear(&s);
		str_clear(&t);
		dpkey_format(&s, &key, &mask, NULL, NULL, false);
		assert_null(dpkey_parse(str_cstr(&s), &key2, &mask2, NULL, NULL));
		dpkey_format(&t, &key2, &mask2, NULL, NULL, false);
		assert_string_equal(str_cstr(&s), str_cstr(&t));
		str_clear(&s);
		dpkey_format(&s, &key, NULL, NULL, NULL, false);
		assert_null(dpkey_parse(str_cstr(&s), &key2, NULL, NULL, NULL));
		assert_true(flow_equal(&key, &key2));
		str_done(&s);
		str_done(&t);
	}
}

static void test_noise(void **state)
{
	static const char *const pieces[] = {
		"in_port(",   "eth(",	    "eth_type(",
		"0x8100",     "0x0800",	    "vlan(",
		"vid=5",      "encap(",	    ")",
		",",	      "ipv4(",	    "src=",
		"1.2.3.4",    "/",	    "frag=no",
		"frag=",      "tcp_flags(", "+syn",
		"tunnel(",    "flags(",	    "df",
		"mpls(",      "label=5",    "bos=1",
		"set(",	      "clone(",	    "drop",
		"1",	      "0x",	    "userspace(pid=0",
		"userdata(",  "ff",	    "sample(sample=5%,actions(",
		"push_vlan(", "=",	    "ct_label("};
	random_seed(32);
	for (int round = 0; round < 50000; round++) {
		struct str s = STR_INIT, t = STR_INIT;
		struct buf b = BUF_INIT;
		struct flow key, mask;
		for (uint32_t i = 0, n = random_below(14); i < n; i++)
			str_add(&s, pieces[random_below(sizeof(pieces) / sizeof(pieces[0]))]);
		error_free(dpkey_parse(str_cstr(&s), &key, &mask, port_number, NULL));
		struct error *error = dpact_parse(&b, str_cstr(&s), port_number, NULL);
		if (!error)
			dpact_format(&t, b.data, b.len, NULL, NULL);
		error_free(error);
		str_done(&s);
		str_done(&t);
		buf_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),	  cmocka_unit_test(test_bad_actions),
		cmocka_unit_test(test_callbacks), cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_keys),	  cmocka_unit_test(test_masked_key),
		cmocka_unit_test(test_bad_keys),  cmocka_unit_test(test_key_round_trip),
		cmocka_unit_test(test_noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
