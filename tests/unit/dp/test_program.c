/* SPDX-License-Identifier: Apache-2.0 */
// Actions on packets: compiled programs and interpreted lists against the naive way, byte for byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/rcu.h"
#include "base/str.h"
#include "dp/user/layout.h"
#include "dp/user/locate.h"
#include "dp/user/packet_hash.h"
#include "dp/user/program.h"
#include "dp_fixture.h"
#include "frames.h"
#include "naive.h"
#include "packet/checksum.h"

static struct fixture f;

static void *add(struct buf *b, unsigned int type, size_t len)
{
	struct dpact *a = buf_add_zeros(b, (len + 7) & ~(size_t)7);
	a->type = (uint16_t)type;
	a->len = (uint16_t)len;
	return a;
}

static void add_output(struct buf *b, uint32_t port)
{
	((struct dpact_output *)add(b, DPACT_OUTPUT, sizeof(struct dpact_output)))->port = port;
}

static void random_field(void *key, void *mask, size_t n)
{
	uint8_t *k = key, *m = mask;
	unsigned int kind = random_below(3);
	for (size_t i = 0; i < n; i++) {
		m[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (uint8_t)random_below(256);
		k[i] = (uint8_t)(random_below(4) ? random_below(256) : 0x10) & m[i];
	}
}

static struct dpact_set *add_set(struct buf *b, enum dpact_header header)
{
	struct dpact_set *s = add(b, DPACT_SET, sizeof(*s));
	s->header = header;
	return s;
}

static void random_set(struct buf *b)
{
	static const uint8_t headers[] = {DPH_ETHERNET, DPH_IPV4, DPH_IPV4, DPH_IPV6, DPH_IPV6,
					  DPH_TCP,	DPH_UDP,  DPH_SCTP, DPH_ICMP, DPH_ICMPV6,
					  DPH_ARP,	DPH_ND,	  DPH_MPLS};
	struct dpact_set *s = add_set(b, headers[random_below(sizeof(headers))]);
	union dpk *k = &s->key, *m = &s->mask;
#define FIELD(MEMBER) random_field(&k->MEMBER, &m->MEMBER, sizeof(k->MEMBER))
	switch (s->header) {
	case DPH_ETHERNET:
		FIELD(ethernet.src);
		FIELD(ethernet.dst);
		break;
	case DPH_IPV4:
		FIELD(ipv4.src);
		FIELD(ipv4.dst);
		FIELD(ipv4.tos);
		FIELD(ipv4.ttl);
		break;
	case DPH_IPV6:
		FIELD(ipv6.src);
		FIELD(ipv6.dst);
		FIELD(ipv6.tclass);
		FIELD(ipv6.hlimit);
		FIELD(ipv6.label);
		k->ipv6.label &= BE32(0xfffff);
		m->ipv6.label &= BE32(0xfffff);
		break;
	case DPH_ARP:
		FIELD(arp.sip);
		FIELD(arp.tip);
		FIELD(arp.op);
		FIELD(arp.sha);
		FIELD(arp.tha);
		break;
	case DPH_ND:
		FIELD(nd.target);
		FIELD(nd.sll);
		FIELD(nd.tll);
		break;
	case DPH_MPLS:
		FIELD(mpls.lse);
		break;
	case DPH_ICMP:
	case DPH_ICMPV6:
		// Only codes: another type could make another message of it, and the next action
		// means another header.
		FIELD(icmp.code);
		break;
	default:
		FIELD(ports.src);
		FIELD(ports.dst);
	}
#undef FIELD
}

static void random_push_vlan(struct buf *b)
{
	struct dpact_push_vlan *p = add(b, DPACT_PUSH_VLAN, sizeof(*p));
	p->tpid = random_below(2) ? BE16(0x8100) : BE16(0x88a8);
	p->tci = htobe16((uint16_t)(0x1000 | random_below(0x10000)));
}

// What has one straight line, and what has not.
static void random_actions(struct buf *b, bool straight, unsigned int depth)
{
	for (unsigned int i = random_below(straight ? 4 : 6); i; i--) {
		switch (random_below(straight ? 4 : 12)) {
		case 0:
		case 1:
			random_set(b);
			break;
		case 2:
			random_push_vlan(b);
			break;
		case 3:
			add(b, DPACT_POP_VLAN, sizeof(struct dpact));
			break;
		case 4:
		case 5:
			add_output(b, 1 + random_below(FIXTURE_PORTS));
			break;
		case 6: {
			struct dpact_push_mpls *p = add(b, DPACT_PUSH_MPLS, sizeof(*p));
			p->ethertype = BE16(0x8847);
			p->lse = random_u32();
			break;
		}
		case 7: {
			struct dpact_pop_mpls *p = add(b, DPACT_POP_MPLS, sizeof(*p));
			p->ethertype = BE16(0x88cc); // so that nothing behind it is taken for a
						     // header with checksums
			break;
		}
		case 8: {
			struct dpact_trunc *t = add(b, DPACT_TRUNC, sizeof(*t));
			t->max_len = 14 + random_below(100);
			break;
		}
		default: {
			if (depth > 2)
				break;
			size_t at = b->len;
			unsigned int kind = random_below(3);
			if (kind == 2) {
				struct dpact_check_pkt_len *c =
					add(b, DPACT_CHECK_PKT_LEN, sizeof(*c));
				c->pkt_len = (uint16_t)random_below(150);
				size_t greater = b->len;
				random_actions(b, false, depth + 1);
				((struct dpact_check_pkt_len *)(void *)(b->data + at))
					->greater_len = (uint16_t)(b->len - greater);
			} else if (kind == 1) {
				struct dpact_sample *s = add(b, DPACT_SAMPLE, sizeof(*s));
				s->probability = random_below(2) ? UINT32_MAX : 0;
			} else {
				add(b, DPACT_CLONE, sizeof(struct dpact_nested));
			}
			random_actions(b, false, depth + 1);
			((struct dpact *)(void *)(b->data + at))->len = (uint16_t)(b->len - at);
		}
		}
	}
	if (straight)
		add_output(b, 1 + random_below(FIXTURE_PORTS));
}

static void print_bytes(const char *what, const uint8_t *p, size_t n)
{
	struct str s = STR_INIT;
	str_add_hex(&s, p, n);
	print_error("%s (%zu) %s\n", what, n, str_cstr(&s));
	str_done(&s);
}

static void expect(struct naive *want, const uint8_t *frame, size_t n)
{
	for (unsigned int i = 0; i < want->n_out; i++) {
		struct naive_out *o = &want->out[i];
		struct sent s;
		assert_true(fake_netdev_pop(f.port[o->port], &s));
		if (s.len != o->n || memcmp(s.data, o->frame, o->n)) {
			print_bytes("frame", frame, n);
			print_bytes("want", o->frame, o->n);
			print_bytes("got", s.data, s.len);
			fail();
		}
		sent_done(&s);
	}
	for (uint32_t p = 1; p <= FIXTURE_PORTS; p++)
		assert_int_equal(fake_netdev_n_sent(f.port[p]), 0);
}

static void one_random(bool straight)
{
	uint8_t frame[FRAME_MAX];
	static struct naive want;
	struct buf list = BUF_INIT;
	size_t n;
	do
		n = frame_random(frame);
	while (!naive_can(frame, n));
	random_actions(&list, straight, 0);
	naive_run(&want, frame, n, list.data, list.len);
	// First the miss, then a hit on what it installed, then by hand.
	buf_clear(&f.actions);
	buf_add(&f.actions, list.data, list.len);
	f.install = true;
	memset(&f.mask, 0, sizeof(f.mask));
	for (int i = 0; i < 2; i++) {
		fake_netdev_push_bytes(f.port[1], frame, n);
		fixture_run(&f);
		expect(&want, frame, n);
	}
	struct flow key = {.in_port = DP_PORT_NONE};
	assert_null(dp_execute(f.dp, &key, frame, n, list.data, list.len));
	expect(&want, frame, n);
	dp_flow_flush(f.dp);
	buf_done(&list);
}

static void test_straight_programs(void **state)
{
	unsigned int before = f.n_misses;
	for (int i = 0; i < 20000; i++)
		one_random(true);
	assert_int_equal(f.n_misses - before, 20000);
}

static void test_interpreted_lists(void **state)
{
	for (int i = 0; i < 20000; i++)
		one_random(false);
}

// Hostile frames: nothing is read or written outside of them (sanitizers look), and the rest still
// works.
static void test_hostile_frames(void **state)
{
	uint8_t frame[FRAME_MAX];
	for (int i = 0; i < 30000; i++) {
		size_t n = frame_random(frame);
		for (unsigned int m = 1 + random_below(4); m; m--)
			n = frame_mutate(frame, n);
		struct buf list = BUF_INIT;
		random_actions(&list, random_below(2), 0);
		struct flow key = {.in_port = 1};
		assert_null(dp_execute(f.dp, &key, frame, n, list.data, list.len));
		buf_done(&list);
		for (uint32_t p = 1; p <= FIXTURE_PORTS; p++) {
			struct sent s;
			while (fake_netdev_pop(f.port[p], &s))
				sent_done(&s);
		}
	}
}

// A later fragment has no ports to set; an address of a first one is in its checksum.
static void test_fragments(void **state)
{
	uint8_t frame[60] = {[12] = 8,	[14] = 0x45, [17] = 46, [20] = 0x20, [23] = 17,
			     [26] = 10, [30] = 10,   [34] = 1,	[40] = 0x12};
	struct buf list = BUF_INIT;
	struct dpact_set *s = add_set(&list, DPH_IPV4);
	s->key.ipv4.src = BE32(0x0a000005);
	s->mask.ipv4.src = UINT32_MAX;
	s = add_set(&list, DPH_UDP);
	s->key.ports.src = BE16(7);
	s->mask.ports.src = 0xffff;
	add_output(&list, 2);
	struct flow key = {.in_port = 1};
	for (int later = 0; later < 2; later++) {
		struct sent sent;
		frame[21] = (uint8_t)later;
		frame_fix_checksums(frame, 60);
		assert_null(dp_execute(f.dp, &key, frame, 60, list.data, list.len));
		assert_true(fake_netdev_pop(f.port[2], &sent));
		assert_int_equal(sent.data[29], 5);
		assert_int_equal(csum(sent.data + 14, 20), 0);
		assert_int_equal(get_be16(sent.data + 34), later ? 0x100 : 7);
		be16_t want, was;
		memcpy(&was, frame + 40, 2);
		want = later ? was
			     : csum_update16(csum_update32(was, 0x0000000a, BE32(0x0a000005)),
					     BE16(0x100), BE16(7));
		assert_memory_equal(sent.data + 40, &want, 2);
		sent_done(&sent);
	}
	buf_done(&list);
}

// The checksum field of a packet whose checksum is still to be made holds the sum of the pseudo
// header: it follows addresses, not ports.
static void partial(bool v6, uint8_t proto, uint64_t ol_flags)
{
	uint8_t frame[100] = {0};
	size_t l3 = 14, l4 = l3 + (v6 ? 40 : 20), n = l4 + 20, field = l4 + (proto == 6 ? 16 : 6);
	put_be16(frame + 12, v6 ? 0x86dd : 0x0800);
	frame[14] = v6 ? 0x60 : 0x45;
	put_be16(frame + 14 + (v6 ? 4 : 2), v6 ? 20 : 40);
	frame[14 + (v6 ? 6 : 9)] = proto;
	random_bytes(frame + l3 + (v6 ? 8 : 12), v6 ? 32 : 8);
	frame[l4 + 12] = 0x50;
	frame_fix_checksums(frame, n); // of IPv4's header
	be16_t pseudo = (be16_t)~csum_finish(
		v6 ? csum_pseudo6(frame + l3 + 8, frame + l3 + 24, proto, 20)
		   : csum_pseudo4(((struct ipv4_hdr *)(frame + l3))->src,
				  ((struct ipv4_hdr *)(frame + l3))->dst, proto, 20));
	memcpy(frame + field, &pseudo, 2);
	struct buf list = BUF_INIT;
	struct dpact_set *s = add_set(&list, v6 ? DPH_IPV6 : DPH_IPV4);
	random_field(&s->key, &s->mask, v6 ? 32 : 8);
	s = add_set(&list, proto == 6 ? DPH_TCP : DPH_UDP);
	random_field(&s->key.ports, &s->mask.ports, 4);
	random_push_vlan(&list);
	add_output(&list, 3);
	buf_clear(&f.actions);
	buf_add(&f.actions, list.data, list.len);
	memset(&f.mask, 0, sizeof(f.mask));
	for (int i = 0; i < 2; i++) { // miss and hit
		struct rte_mbuf *m = mbuf_from_bytes(frame, n);
		struct sent sent;
		m->ol_flags |= ol_flags;
		m->l2_len = 14;
		m->l3_len = v6 ? 40 : 20;
		fake_netdev_push(f.port[1], 0, m);
		fixture_run(&f);
		assert_true(fake_netdev_pop(f.port[3], &sent));
		const uint8_t *ip = sent.data + 18;
		pseudo = (be16_t)~csum_finish(v6 ? csum_pseudo6(ip + 8, ip + 24, proto, 20)
						 : csum_pseudo4(((const struct ipv4_hdr *)ip)->src,
								((const struct ipv4_hdr *)ip)->dst,
								proto, 20));
		be16_t got;
		memcpy(&got, sent.data + field + 4, 2);
		// 0 and 0xffff are the same sum.
		assert_int_equal(got == 0xffff ? 0 : got, pseudo == 0xffff ? 0 : pseudo);
		assert_int_equal(sent.ol_flags & ol_flags, ol_flags);
		assert_int_equal(sent.l2_len, 18);
		if (!v6)
			assert_int_equal(csum(ip, 20), 0);
		sent_done(&sent);
	}
	dp_flow_flush(f.dp);
	buf_done(&list);
}

static void test_partial_checksums(void **state)
{
	f.install = true;
	for (int i = 0; i < 200; i++) {
		partial(i % 2, IP_PROTO_TCP, RTE_MBUF_F_TX_TCP_CKSUM);
		partial(i % 2, IP_PROTO_UDP, RTE_MBUF_F_TX_UDP_CKSUM);
		partial(i % 2, IP_PROTO_TCP, RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG);
	}
}

// A 60 KB packet of the kernel's: its headers change, for one of three outputs; MTUs do not matter
// to it.
static void test_large_packet(void **state)
{
	enum { N = 60000 };
	uint8_t *frame = calloc(1, N);
	memcpy(frame, "\1\2\3\4\5\6\7\10\11\12\13\14\10\0\105", 15);
	put_be16(frame + 16, N - 14);
	frame[23] = 6;
	frame[46] = 0x50;
	for (int i = 54; i < N; i++)
		frame[i] = (uint8_t)(i * 7);
	frame_fix_checksums(frame, 34);
	buf_clear(&f.actions);
	add_output(&f.actions, 2);
	struct dpact_set *s = add_set(&f.actions, DPH_TCP);
	s->key.ports.dst = BE16(99);
	s->mask.ports.dst = 0xffff;
	add_output(&f.actions, 3);
	add_output(&f.actions, 4);
	f.install = true;
	memset(&f.mask, 0, sizeof(f.mask));
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *m = mbuf_from_bytes(frame, N);
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM;
		m->tso_segsz = 1400;
		fake_netdev_push(f.port[1], 0, m);
		fixture_run(&f);
		for (uint32_t p = 2; p <= 4; p++) {
			struct sent sent;
			assert_true(fake_netdev_pop(f.port[p], &sent));
			assert_int_equal(sent.len, N);
			assert_int_equal(get_be16(sent.data + 36), p == 2 ? 0 : 99);
			assert_memory_equal(sent.data + 54, frame + 54, N - 54);
			sent_done(&sent);
		}
		assert_int_equal(f.frame.len, N); // the upcall saw it in one piece
		assert_memory_equal(f.frame.data, frame, N);
	}
	// The same without segmentation offload is too large for the ports.
	uint64_t before = fixture_stats(&f).drops[DP_DROP_MTU];
	fake_netdev_push_bytes(f.port[1], frame, N);
	fixture_run(&f);
	assert_int_equal(fixture_stats(&f).drops[DP_DROP_MTU] - before, 3);
	dp_flow_flush(f.dp);
	free(frame);
}

// Copies that are made wait in the pool again afterwards.
static void test_no_packet_is_lost(void **state)
{
	fixture_settle(&f);
	assert_int_equal(rte_mempool_in_use_count(mbuf_pool()), 0);
}

static void check_refused(const struct buf *list, const char *text)
{
	struct error *e = program_check(list->data, list->len);
	assert_non_null(e);
	assert_string_equal(error_text(e), text);
	error_free(e);
}

static void test_bad_lists(void **state)
{
	struct buf b = BUF_INIT;
	add(&b, DPACT_METER, 8);
	check_refused(&b, "datapath action 10 is 8 bytes long: Invalid argument");
	buf_clear(&b);
	add(&b, 99, 8);
	check_refused(&b, "datapath action 99 is not known: Operation not supported");
	buf_clear(&b);
	add(&b, DPACT_OUTPUT, 8);
	check_refused(&b, "datapath action 0 is 8 bytes long: Invalid argument");
	buf_clear(&b);
	add_output(&b, 1);
	b.data[2] = 200;
	check_refused(&b, "an action reaches beyond its list: Invalid argument");
	buf_clear(&b);
	add_set(&b, DPH_TUNNEL);
	check_refused(&b, "the userspace datapath has no tunnels yet: Operation not supported");
	buf_clear(&b);
	struct dpact_userspace *u = add(&b, DPACT_USERSPACE, 24);
	u->userdata_len = 24;
	check_refused(&b, "userdata is longer than its action: Invalid argument");
	buf_clear(&b);
	for (int i = 0; i < 20; i++)
		add(&b, DPACT_CLONE, sizeof(struct dpact_nested));
	for (int i = 0; i < 20; i++)
		((struct dpact *)(void *)(b.data + 8 * i))->len = (uint16_t)(8 * (20 - i));
	check_refused(&b, "actions are nested too deep: Invalid argument");
	buf_clear(&b);
	struct dpact_check_pkt_len *c = add(&b, DPACT_CHECK_PKT_LEN, sizeof(*c));
	c->greater_len = 8;
	check_refused(&b, "check_pkt_len's lists do not add up: Invalid argument");
	buf_done(&b);
	// Random bytes never lead outside of the list.
	for (int i = 0; i < 100000; i++) {
		uint64_t words[8];
		random_bytes(words, sizeof(words));
		for (int w = 0; w < 8; w++)
			if (random_below(2))
				words[w] = random_below(DPACT_N_TYPES) | random_below(64) << 16;
		size_t n = random_below(9) * 8;
		uint8_t *list = malloc(n ? n : 1);
		memcpy(list, words, n);
		error_free(program_check(list, n));
		free(list);
	}
}

static void test_shapes(void **state)
{
	struct program_set *set = program_set_new();
	struct program *p, *same;
	struct buf b = BUF_INIT;
	assert_null(program_set_get(set, b.data, 0, &p));
	assert_int_equal(p->shape, PROGRAM_DROP);
	program_set_put(set, p);
	add_output(&b, 5);
	assert_null(program_set_get(set, b.data, b.len, &p));
	assert_int_equal(p->shape, PROGRAM_OUTPUT);
	assert_int_equal(p->port, 5);
	assert_null(program_set_get(set, b.data, b.len, &same));
	assert_ptr_equal(p, same);
	program_set_put(set, p);
	program_set_put(set, p);
	add_output(&b, 6);
	assert_null(program_set_get(set, b.data, b.len, &p));
	assert_int_equal(p->shape, PROGRAM_GENERAL);
	program_set_put(set, p);
	buf_clear(&b);
	add(&b, DPACT_POP_VLAN, sizeof(struct dpact));
	add_set(&b, DPH_ETHERNET);
	add_output(&b, 6);
	assert_null(program_set_get(set, b.data, b.len, &p));
	assert_int_equal(p->shape, PROGRAM_REWRITE);
	assert_int_equal(p->n_steps, 2);
	program_set_put(set, p);
	buf_clear(&b);
	add_set(&b, DPH_MARK);
	add_output(&b, 6);
	assert_null(program_set_get(set, b.data, b.len, &p));
	assert_int_equal(p->shape, PROGRAM_GENERAL);
	program_set_put(set, p);
	buf_done(&b);
	rcu_barrier_all();
	program_set_free(set);
}

// What an earlier test left, when it failed.
static int drain(void **state)
{
	for (uint32_t p = 1; p <= FIXTURE_PORTS; p++) {
		struct sent s;
		while (fake_netdev_pop(f.port[p], &s))
			sent_done(&s);
	}
	dp_flow_flush(f.dp);
	return 0;
}

// The hash read straight from regular frames is that of their headers, on any frame; symmetric ones
// do not care who sends.
static void test_hash(void **state)
{
	enum { N = 200000 };
	unsigned int n_regular = 0;
	for (unsigned int i = 0; i < N; i++) {
		uint8_t frame[FRAME_MAX];
		size_t n = frame_random(frame);
		if (random_below(2))
			n = frame_mutate(frame, n);
		struct rte_mbuf *m = mbuf_from_bytes(frame, n);
		assert_non_null(m);
		struct flow flow, back;
		memset(&flow, 0, sizeof(flow));
		flow_extract(frame, n, n, &flow);
		uint32_t algorithm = random_below(2), basis = random_below(3),
			 hash = packet_hash(m, algorithm, basis);
		assert_int_equal(hash, packet_hash_flow(&flow, algorithm, basis));
		assert_int_not_equal(hash, 0);
		n_regular += layout_classify(frame, (uint32_t)n, (uint32_t)n) != LAYOUT_ODD;
		back = flow;
		back.nw_src = flow.nw_dst;
		back.nw_dst = flow.nw_src;
		back.ipv6_src = flow.ipv6_dst;
		back.ipv6_dst = flow.ipv6_src;
		back.tp_src = flow.tp_dst;
		back.tp_dst = flow.tp_src;
		memcpy(back.dl_src, flow.dl_dst, 6);
		memcpy(back.dl_dst, flow.dl_src, 6);
		assert_int_equal(packet_hash_flow(&back, 1, basis),
				 packet_hash_flow(&flow, 1, basis));
		rte_pktmbuf_free(m);
	}
	assert_true(n_regular > N / 4 && n_regular < N);
}

static int setup(void **state)
{
	fixture_init(&f, "dummy", "dummy");
	return 0;
}

static int teardown(void **state)
{
	fixture_done(&f);
	return 0;
}

int main(void)
{
	random_seed(3);
	rcu_register();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_bad_lists, drain),
		cmocka_unit_test_setup(test_shapes, drain),
		cmocka_unit_test_setup(test_fragments, drain),
		cmocka_unit_test_setup(test_straight_programs, drain),
		cmocka_unit_test_setup(test_interpreted_lists, drain),
		cmocka_unit_test_setup(test_hostile_frames, drain),
		cmocka_unit_test_setup(test_partial_checksums, drain),
		cmocka_unit_test_setup(test_hash, drain),
		cmocka_unit_test_setup(test_large_packet, drain),
		cmocka_unit_test_setup(test_no_packet_is_lost, drain),
	};
	int failed = cmocka_run_group_tests(tests, setup, teardown);
	rcu_barrier_all();
	rcu_unregister();
	return failed;
}
