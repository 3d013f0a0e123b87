/* SPDX-License-Identifier: Apache-2.0 */
// Headers from frames: against known frames, against a second, slow extractor on mutilated ones, at
// every truncation.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/str.h"
#include "flow/compose.h"
#include "flow/flow.h"
#include "flow/match.h"
#include "packet/checksum.h"
#include "packet/headers.h"
#include "random_flow.h"

// The slow one reads single bytes by absolute offset and asks about the end of each before it does;
// -1 is beyond the end.
struct frame {
	const uint8_t *p;
	int n;
};

static int byte(const struct frame *f, int at)
{
	return at >= 0 && at < f->n ? f->p[at] : -1;
}

static int word(const struct frame *f, int at)
{
	return byte(f, at) < 0 || byte(f, at + 1) < 0 ? -1 : byte(f, at) << 8 | byte(f, at + 1);
}

static void copy(const struct frame *f, int at, void *out, int n)
{
	for (int i = 0; i < n; i++)
		((uint8_t *)out)[i] = (uint8_t)byte(f, at + i);
}

static void slow_nd(const struct frame *f, int at, struct flow *o)
{
	static const uint8_t none[6];
	if (byte(f, at + 15) < 0)
		return;
	copy(f, at, &o->nd_target, 16);
	copy(f, at - 4, &o->nd_reserved, 4);
	bool first = true;
	for (at += 16; byte(f, at + 7) >= 0; at += 8 * byte(f, at + 1)) {
		int type = byte(f, at), len = 8 * byte(f, at + 1);
		if (!len || byte(f, at + len - 1) < 0)
			return;
		if (first)
			o->nd_options_type = (uint8_t)type;
		first = false;
		uint8_t *mac = type == 1 ? o->arp_sha : o->arp_tha;
		if ((type != 1 && type != 2) || len != 8)
			continue;
		if (memcmp(mac, none, 6)) {
			memset(&o->nd_target, 0, 16);
			o->nd_reserved = o->nd_options_type = 0;
			memset(o->arp_sha, 0, 6);
			memset(o->arp_tha, 0, 6);
			return;
		}
		copy(f, at + 2, mac, 6);
	}
}

static void slow_l4(const struct frame *f, int at, struct flow *o)
{
	int proto = o->nw_proto;
	if (proto == 6) {
		int len = byte(f, at + 12) < 0 ? 0 : byte(f, at + 12) >> 4 << 2;
		if (byte(f, at + 19) < 0 || len < 20 || byte(f, at + len - 1) < 0)
			return;
		o->tcp_flags = htobe16((uint16_t)(word(f, at + 12) & 0xfff));
	} else if (proto == 17 ? byte(f, at + 7) < 0 : proto == 132 ? byte(f, at + 11) < 0 : true) {
		if ((proto != 1 && proto != 2 && proto != 58) || byte(f, at + 7) < 0)
			return;
		o->tp_src = htobe16((uint16_t)byte(f, at));
		o->tp_dst = htobe16((uint16_t)byte(f, at + 1));
		if (proto == 2)
			copy(f, at + 4, &o->igmp_group, 4);
		if (proto == 58 && (byte(f, at) == 135 || byte(f, at) == 136) && !byte(f, at + 1))
			slow_nd(f, at + 8, o);
		return;
	}
	o->tp_src = htobe16((uint16_t)word(f, at));
	o->tp_dst = htobe16((uint16_t)word(f, at + 2));
}

static void slow_ipv4(struct frame f, int at, struct flow *o)
{
	int ihl = 4 * (byte(&f, at) & 15), total = word(&f, at + 2), frag = word(&f, at + 6);
	if (byte(&f, at + 19) < 0 || ihl < 20 || byte(&f, at + ihl - 1) < 0 || total < ihl ||
	    at + total > f.n || f.n - at - total > 65535)
		return;
	f.n = at + total;
	o->nw_tos = (uint8_t)byte(&f, at + 1);
	o->nw_ttl = (uint8_t)byte(&f, at + 8);
	o->nw_proto = (uint8_t)byte(&f, at + 9);
	copy(&f, at + 12, &o->nw_src, 4);
	copy(&f, at + 16, &o->nw_dst, 4);
	if (frag & 0x3fff)
		o->nw_frag = frag & 0x1fff ? 3 : 1;
	if (!(frag & 0x1fff))
		slow_l4(&f, at + ihl, o);
}

static void slow_ipv6(struct frame f, int at, struct flow *o)
{
	int payload = word(&f, at + 4), next = byte(&f, at + 6), frag = 0, ext = at + 40;
	if (byte(&f, at + 39) < 0 || ext + payload > f.n || f.n - ext - payload > 65535)
		return;
	f.n = ext + payload;
	copy(&f, at + 8, &o->ipv6_src, 16);
	copy(&f, at + 24, &o->ipv6_dst, 16);
	while (next == 0 || next == 43 || next == 60 || next == 51 || next == 44) {
		int len = next == 44   ? 8
			  : next == 51 ? 4 * (byte(&f, ext + 1) + 2)
				       : 8 * (byte(&f, ext + 1) + 1);
		if (byte(&f, ext + 7) < 0 || byte(&f, ext + len - 1) < 0)
			return;
		bool is_frag = next == 44;
		int offset = word(&f, ext + 2);
		next = byte(&f, ext);
		ext += len;
		if (is_frag && offset)
			frag = 1;
		if (is_frag && offset & 0xfff8) {
			frag = 3;
			next = 44;
			break;
		}
	}
	o->nw_tos = (uint8_t)(word(&f, at) >> 4);
	o->ipv6_label = htobe32((uint32_t)((byte(&f, at + 1) & 15) << 16 | word(&f, at + 2)));
	o->nw_ttl = (uint8_t)byte(&f, at + 7);
	o->nw_proto = (uint8_t)next;
	o->nw_frag = (uint8_t)frag;
	if (frag != 3)
		slow_l4(&f, ext, o);
}

static void slow_extract(const uint8_t *p, int n, int max_vlans, struct flow *o)
{
	struct frame f = {p, n};
	if (n < 14)
		return;
	copy(&f, 0, o->dl_dst, 6);
	copy(&f, 6, o->dl_src, 6);
	int at = 12, type = word(&f, at);
	for (int i = 0;
	     i < max_vlans && (type == 0x8100 || type == 0x88a8) && byte(&f, at + 5) >= 0; i++) {
		o->vlan[i].tpid = htobe16((uint16_t)type);
		o->vlan[i].tci = htobe16((uint16_t)(word(&f, at + 2) | 0x1000));
		at += 4;
		type = word(&f, at);
	}
	at += 2;
	if (type < 0x600) {
		bool snap = word(&f, at) == 0xaaaa && byte(&f, at + 2) == 3 &&
			    byte(&f, at + 3) == 0 && word(&f, at + 4) == 0 &&
			    word(&f, at + 6) >= 0x600;
		type = snap ? word(&f, at + 6) : 0x5ff;
		at += 8;
	}
	o->dl_type = htobe16((uint16_t)type);
	if (type == 0x800)
		slow_ipv4(f, at, o);
	else if (type == 0x86dd)
		slow_ipv6(f, at, o);
	for (int i = 0;
	     (type == 0x8847 || type == 0x8848) && i < 3 && byte(&f, at + 4 * i + 3) >= 0; i++) {
		copy(&f, at + 4 * i, &o->mpls[i], 4);
		if (byte(&f, at + 4 * i + 2) & 1)
			break;
	}
	if ((type == 0x806 || type == 0x8035) && byte(&f, at + 27) >= 0 && word(&f, at) == 1 &&
	    word(&f, at + 2) == 0x800 && word(&f, at + 4) == 0x604) {
		o->nw_proto = word(&f, at + 6) < 256 ? (uint8_t)word(&f, at + 6) : 0;
		copy(&f, at + 8, o->arp_sha, 6);
		copy(&f, at + 14, &o->nw_src, 4);
		copy(&f, at + 18, o->arp_tha, 6);
		copy(&f, at + 24, &o->nw_dst, 4);
	}
}

// Each frame lies at the end of its own allocation, so that a sanitizer sees a byte too far.
static void check(const uint8_t *bytes, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);
	if (n)
		memcpy(p, bytes, n);
	for (unsigned int vlans = 0; vlans <= 2; vlans++) {
		struct flow fast = {.in_port = 3, .metadata = 5}, slow = fast;
		flow_extract_vlans(p, n, n, vlans, &fast);
		slow_extract(p, (int)n, (int)vlans, &slow);
		if (!flow_equal(&fast, &slow)) {
			struct str a = STR_INIT, b = STR_INIT, hex = STR_INIT;
			flow_format(&fast, NULL, &a, NULL, NULL);
			flow_format(&slow, NULL, &b, NULL, NULL);
			str_add_hex(&hex, p, n);
			fail_msg("%s\n fast %s\n slow %s", str_cstr(&hex), str_cstr(&a),
				 str_cstr(&b));
		}
	}
	free(p);
}

static void assert_flow(const char *hex, const char *want)
{
	struct buf b = BUF_INIT;
	struct error *error = packet_from_hex(hex, &b);
	assert_null(error);
	struct flow f = {.in_port = OFPP_NONE};
	flow_extract(b.data, b.len, b.len, &f);
	struct str s = STR_INIT;
	flow_format(&f, NULL, &s, NULL, NULL);
	assert_string_equal(str_cstr(&s), want);
	str_done(&s);
	check(b.data, b.len);
	buf_done(&b);
}

#define ETH "000000000002 000000000001 "

// What the established switch prints for these frames.
static void test_known(void **state)
{
	assert_flow("", "in_port=ANY,vlan_tci=0x0000,dl_src=00:00:00:00:00:00,dl_dst=00:00:00:00:"
			"00:00,dl_type=0x0000");
	assert_flow(ETH "1234", "in_port=ANY,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:"
				"00:00:00:02,dl_type=0x1234");
	assert_flow(ETH "0005 4242030000", "in_port=ANY,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,"
					   "dl_dst=00:00:00:00:00:02,dl_type=0x05ff");
	assert_flow(ETH "0800 4500002800010000 4006 f1cd 0a000001 7f000001 0001 0002 00000000 "
			"00000000 5012 2000 06de 0000",
		    "tcp,in_port=ANY,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:"
		    "00:02,nw_src=10.0.0.1,"
		    "nw_dst=127.0.0.1,nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,tp_src=1,tp_dst=2,tcp_"
		    "flags=syn|ack");
	// An IPv4 total length beyond the frame: nothing of the header is believed.
	assert_flow(ETH "0800 450000ff00010000 4006 f1cd 0a000001 7f000001 0001 0002 00000000 "
			"00000000 5012 2000 06de 0000",
		    "ip,in_port=ANY,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:"
		    "02,nw_src=0.0.0.0,"
		    "nw_dst=0.0.0.0,nw_proto=0,nw_tos=0,nw_ecn=0,nw_ttl=0,nw_frag=no");
	assert_flow(
		ETH
		"8100 6005 0800 4500001c00010000 4011 f1cd 0a000001 7f000001 0035 0036 0008 0000",
		"udp,in_port=ANY,dl_vlan=5,dl_vlan_pcp=3,vlan_tci1=0x0000,dl_src=00:00:00:00:00:01,"
		"dl_dst=00:00:00:00:00:02,nw_src=10.0.0.1,nw_dst=127.0.0.1,nw_tos=0,nw_ecn=0,nw_"
		"ttl=64,nw_frag=no,"
		"tp_src=53,tp_dst=54");
	assert_flow(ETH "0806 0001 0800 06 04 0002 0000000000aa 01020304 0000000000bb 05060708",
		    "arp,in_port=ANY,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:"
		    "00:02,arp_spa=1.2.3.4,"
		    "arp_tpa=5.6.7.8,arp_op=2,arp_sha=00:00:00:00:00:aa,arp_tha=00:00:00:00:00:bb");
	assert_flow(ETH "8847 00005040 00006140",
		    "mpls,in_port=ANY,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:"
		    "00:02,mpls_label=5,mpls_tc=0,"
		    "mpls_ttl=64,mpls_bos=0,mpls_lse1=24896");
	assert_flow(ETH "86dd 60000000 0018 3a ff fe8000000000000000fc00fffe000001 "
			"ff020000000000000000000000000001 "
			"8700 7ca9 00000000 fe800000000000000000000000000001",
		    "icmp6,in_port=ANY,vlan_tci=0x0000,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:"
		    "00:02,"
		    "ipv6_src=fe80::fc:ff:fe00:1,ipv6_dst=ff02::1,ipv6_label=0x00000,nw_tos=0,nw_"
		    "ecn=0,nw_ttl=255,nw_frag=no,"
		    "icmp_type=135,icmp_code=0,nd_target=fe80::1,nd_sll=00:00:00:00:00:00,nd_tll="
		    "00:00:00:00:00:00");
}

static uint32_t l4_sum(const uint8_t *frame, size_t n, const struct flow *f)
{
	size_t l3 = 14;
	while (frame[l3 - 2] == 0x81 || (frame[l3 - 2] == 0x88 && frame[l3 - 1] == 0xa8))
		l3 += 4;
	if (f->dl_type == BE16(ETHERTYPE_IPV4)) {
		assert_int_equal(csum(frame + l3, 20), 0);
		bool pseudo = f->nw_proto == IP_PROTO_TCP || f->nw_proto == IP_PROTO_UDP;
		return csum_add(pseudo ? csum_pseudo4(f->nw_src, f->nw_dst, f->nw_proto,
						      (uint16_t)(n - l3 - 20))
				       : 0,
				frame + l3 + 20, n - l3 - 20);
	}
	size_t l4 = l3 + 40 + (f->nw_frag ? 8 : 0);
	return csum_add(csum_pseudo6(&f->ipv6_src, &f->ipv6_dst, f->nw_proto, (uint32_t)(n - l4)),
			frame + l4, n - l4);
}

// What is composed from a flow gives the flow back, with right checksums; the slow extractor agrees
// at every truncation.
static void test_compose(void **state)
{
	random_seed(7);
	for (int round = 0; round < 3000; round++) {
		struct flow f, g = {0};
		struct buf b = BUF_INIT;
		random_flow(&f);
		memcpy(&g, &f, offsetof(struct flow, dl_dst));
		size_t payload = random_below(3) ? random_below(100) : 0;
		flow_compose(&f, NULL, payload, &b);
		flow_extract(b.data, b.len, b.len, &g);
		if (!flow_equal(&f, &g)) {
			struct str s = STR_INIT, t = STR_INIT;
			flow_format(&f, NULL, &s, NULL, NULL);
			flow_format(&g, NULL, &t, NULL, NULL);
			fail_msg("want %s\n got %s", str_cstr(&s), str_cstr(&t));
		}
		bool ip = f.dl_type == BE16(ETHERTYPE_IPV4) || f.dl_type == BE16(ETHERTYPE_IPV6);
		if (ip && !(f.nw_frag & FLOW_FRAG_LATER) && f.nw_proto != 89 &&
		    f.nw_proto != IP_PROTO_SCTP)
			assert_int_equal(csum_finish(l4_sum(b.data, b.len, &f)), 0);
		for (size_t n = 0; n <= b.len; n++)
			check(b.data, n);
		buf_done(&b);
	}
}

// Bytes changed at random, most of all lengths and types.
static void test_mutilated(void **state)
{
	random_seed(8);
	for (int round = 0; round < 60000; round++) {
		struct flow f;
		struct buf b = BUF_INIT;
		random_flow(&f);
		flow_compose(&f, NULL, random_below(60), &b);
		for (uint32_t i = 0, n = 1 + random_below(4); i < n; i++) {
			uint8_t *p = &b.data[12 + random_below((uint32_t)b.len - 12)];
			static const uint8_t nasty[] = {0,  1,	2,    6,    17,	  43,	44,   51,
							58, 60, 0x45, 0x46, 0x4f, 0x81, 0x88, 0xff};
			*p = random_below(2) ? nasty[random_below(sizeof(nasty))]
					     : (uint8_t)random_u32();
		}
		if (!random_below(4))
			buf_add_zeros(&b, random_below(200));
		check(b.data, b.len - random_below((uint32_t)b.len / 4));
		buf_done(&b);
	}
}

// Only the first bytes are at hand; the lengths are judged by the whole frame.
static void test_partly_readable(void **state)
{
	random_seed(9);
	for (int round = 0; round < 3000; round++) {
		struct flow f, whole = {0}, part = {0};
		struct buf b = BUF_INIT;
		random_flow(&f);
		flow_compose(&f, NULL, 1000, &b);
		size_t n = b.len > 200 ? 200 : b.len;
		uint8_t *p = malloc(n);
		memcpy(p, b.data, n);
		flow_extract(b.data, b.len, b.len, &whole);
		flow_extract(p, n, b.len, &part);
		assert_true(flow_equal(&whole, &part));
		for (n = 0; n < 100 && n < b.len;
		     n++) { // reads nothing beyond, whatever the result
			uint8_t *q = malloc(n + 1);
			memcpy(q + 1, b.data, n);
			flow_extract(q + 1, n, b.len, &part);
			free(q);
		}
		free(p);
		buf_done(&b);
	}
}

static void test_hex(void **state)
{
	struct buf b = BUF_INIT;
	assert_null(packet_from_hex(" 01 0aFF\n", &b));
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "\x01\x0a\xff", 3);
	struct error *error = packet_from_hex("01 2", &b);
	assert_string_equal(error_text(error), "2: trailing garbage in packet data");
	assert_int_equal(b.len, 3);
	error_free(error);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	  cmocka_unit_test(test_compose),
		cmocka_unit_test(test_mutilated), cmocka_unit_test(test_partly_readable),
		cmocka_unit_test(test_hex),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
