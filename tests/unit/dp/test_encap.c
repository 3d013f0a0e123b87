/* SPDX-License-Identifier: Apache-2.0 */
// Headers in front of packets, against the naive way, in which a packet without an Ethernet header
// has none: random lists of pushes and pops on frames that are sound, cut off at any byte, or lie.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/rcu.h"
#include "base/str.h"
#include "dp/user/encap.h"
#include "dp/user/packet.h"
#include "dp_fixture.h"
#include "packet/headers.h"

enum { MAX = 4096, BARE = 1 << 16, OUT_MAX = 16 };

static struct fixture f;

struct packet {
	uint8_t b[MAX];
	size_t n;
	uint32_t type; // 0: Ethernet; else BARE and a type
	bool gone;
};

struct sent_frames {
	struct packet v[OUT_MAX];
	unsigned int n;
} want;

// --- The naive way.

static void prepend(struct packet *p, const void *bytes, size_t n)
{
	memmove(p->b + n, p->b, p->n);
	memcpy(p->b, bytes, n);
	p->n += n;
}

static void strip(struct packet *p, size_t n)
{
	p->n -= n;
	memmove(p->b, p->b + n, p->n);
}

static bool is_tpid(unsigned int type)
{
	return type == 0x8100 || type == 0x88a8;
}

// Behind the type: with tags, and LLC and SNAP.
static size_t ethernet_len(const struct packet *p)
{
	size_t at = 14;
	for (int i = 0; i < 2 && is_tpid(get_be16(p->b + at - 2)) && p->n >= at + 4; i++)
		at += 4;
	if (get_be16(p->b + at - 2) < 0x600 && p->n >= at + 8 &&
	    !memcmp(p->b + at, "\xaa\xaa\x03\0\0\0", 6) && get_be16(p->b + at + 6) >= 0x600)
		at += 8;
	return at;
}

static void pop_eth(struct packet *p)
{
	size_t at = ethernet_len(p);
	p->type = BARE | get_be16(p->b + at - 2);
	strip(p, at);
}

static void push_eth(struct packet *p, const struct dpact_push_eth *a)
{
	uint8_t h[14];
	memcpy(h, a->dst, 6);
	memcpy(h + 6, a->src, 6);
	put_be16(h + 12, (uint16_t)p->type);
	prepend(p, h, 14);
	p->type = 0;
}

static void push_nsh(struct packet *p, const struct dpact_push_nsh *a)
{
	uint8_t h[8 + DP_NSH_MAX_MD];
	unsigned int np = p->type == 0		       ? 3
			  : p->type == (BARE | 0x0800) ? 1
			  : p->type == (BARE | 0x86dd) ? 2
			  : p->type == (BARE | 0x894f) ? 4
						       : 0;
	size_t len = 8u + a->md_len;
	p->gone = !np;
	put_be16(h, (uint16_t)(a->flags << 12 | a->ttl << 6 | (int)(len / 4)));
	h[2] = a->mdtype;
	h[3] = (uint8_t)np;
	memcpy(h + 4, &a->path_hdr, 4);
	memcpy(h + 8, a->md, a->md_len);
	prepend(p, h, len);
	p->type = BARE | 0x894f;
}

// 0: there is none, or not all of it.
static size_t nsh_len(const uint8_t *h, size_t n)
{
	size_t len = n < 8 ? 0 : 4u * (h[1] & 0x3f);
	return len < 8 || len > n || h[0] >> 6 ? 0 : len;
}

static void pop_nsh(struct packet *p)
{
	static const uint32_t types[] = {0, BARE | 0x0800, BARE | 0x86dd, 0, BARE | 0x894f};
	size_t len = p->type == (BARE | 0x894f) ? nsh_len(p->b, p->n) : 0;
	unsigned int np = p->b[3];
	if (!len || np < 1 || np > 4 || (np == 3 && p->n < len + 14)) {
		p->gone = true;
		return;
	}
	strip(p, len);
	p->type = types[np];
}

static void pop_mpls(struct packet *p, be16_t type)
{
	size_t at = p->type ? 0 : ethernet_len(p);
	if (p->n < at + 4 || (p->type ? p->type & 0xffff : get_be16(p->b + at - 2)) != 0x8847)
		return;
	if (!p->type) { // behind an Ethernet header, which stays
		memmove(p->b + at, p->b + at + 4, p->n - at - 4);
		memcpy(p->b + at - 2, &type, 2);
		p->n -= 4;
		return;
	}
	strip(p, 4);
	p->type = type == BE16(0x6558) && p->n >= 14 ? 0 : BARE | be16toh(type);
}

static void set_nsh(struct packet *p, const struct dpk_nsh *key, const struct dpk_nsh *mask)
{
	uint8_t *h = p->b;
	size_t at = 0;
	unsigned int type = p->type & 0xffff;
	if (!p->type) {
		at = ethernet_len(p);
		type = get_be16(h + at - 2);
	}
	h += at;
	size_t len = type == 0x894f ? nsh_len(h, p->n - at) : 0;
	if (!len)
		return;
	unsigned int flags = h[0] >> 4 & 3, ttl = (get_be16(h) >> 6) & 63;
	flags = (flags & ~(unsigned int)mask->flags) | key->flags;
	ttl = (ttl & ~(unsigned int)mask->ttl) | key->ttl;
	put_be16(h, (uint16_t)((get_be16(h) & 0xc03f) | (flags & 3) << 12 | (ttl & 63) << 6));
	for (int i = 0; i < 4; i++)
		h[4 + i] = (uint8_t)((h[4 + i] & ~((const uint8_t *)&mask->path_hdr)[i]) |
				     ((const uint8_t *)&key->path_hdr)[i]);
	for (int i = 0; i < 16 && (h[2] & 15) == 1 && len == 24; i++)
		h[8 + i] = (uint8_t)((h[8 + i] & ~((const uint8_t *)mask->context)[i]) |
				     ((const uint8_t *)key->context)[i]);
}

static void naive(struct packet p, const void *actions, size_t n)
{
	DPACT_FOREACH (a, actions, n) {
		switch (a->type) {
		case DPACT_OUTPUT:
			if (!p.type)
				want.v[want.n++] = p;
			break;
		case DPACT_CLONE:
			naive(p, (const uint8_t *)a + sizeof(*a), a->len - sizeof(*a));
			break;
		case DPACT_POP_ETH:
			if (p.type)
				return;
			pop_eth(&p);
			break;
		case DPACT_PUSH_ETH:
			if (!p.type)
				return;
			push_eth(&p, (const void *)a);
			break;
		case DPACT_PUSH_NSH:
			push_nsh(&p, (const void *)a);
			break;
		case DPACT_POP_NSH:
			pop_nsh(&p);
			break;
		case DPACT_ADD_MPLS: {
			const struct dpact_push_mpls *push = (const void *)a;
			prepend(&p, &push->lse, 4);
			p.type = BARE | be16toh(push->ethertype);
			break;
		}
		case DPACT_POP_MPLS:
			pop_mpls(&p, ((const struct dpact_pop_mpls *)a)->ethertype);
			break;
		case DPACT_SET: {
			const struct dpact_set *set = (const void *)a;
			set_nsh(&p, &set->key.nsh, &set->mask.nsh);
			break;
		}
		}
		if (p.gone)
			return;
	}
}

// --- Random lists and frames.

static void add_set(struct buf *b)
{
	struct dpact_set *s = dpact_add(b, DPACT_SET, sizeof(*s));
	s->header = DPH_NSH;
	random_bytes(&s->mask.nsh, sizeof(s->mask.nsh));
	random_bytes(&s->key.nsh, sizeof(s->key.nsh));
	for (size_t i = 0; i < sizeof(s->key.nsh); i++)
		((uint8_t *)&s->key.nsh)[i] &= ((const uint8_t *)&s->mask.nsh)[i];
}

static void add_push_nsh(struct buf *b)
{
	bool md1 = random_below(2);
	uint16_t len = md1 ? 16 : (uint16_t)(4 * random_below(random_below(4) ? 4 : 63));
	struct dpact_push_nsh *a = dpact_add(b, DPACT_PUSH_NSH, sizeof(*a) + len);
	a->path_hdr = random_u32();
	a->flags = (uint8_t)random_below(4);
	a->ttl = (uint8_t)random_below(64);
	a->mdtype = md1 ? 1 : 2;
	a->md_len = len;
	random_bytes(a->md, len);
}

static void random_list(struct buf *b, unsigned int depth)
{
	static const be16_t types[] = {BE16(0x0800), BE16(0x6558), BE16(0x8847), BE16(0x894f),
				       BE16(0x8100)};
	for (unsigned int i = random_below(8); i; i--) {
		switch (random_below(12)) {
		case 0:
		case 1: {
			struct dpact_push_eth *a = dpact_add(b, DPACT_PUSH_ETH, sizeof(*a));
			random_bytes(a->src, 12);
			break;
		}
		case 2:
		case 3:
			dpact_add(b, DPACT_POP_ETH, sizeof(struct dpact));
			break;
		case 4:
		case 5:
			add_push_nsh(b);
			break;
		case 6:
			dpact_add(b, DPACT_POP_NSH, sizeof(struct dpact));
			break;
		case 7: {
			struct dpact_push_mpls *a = dpact_add(b, DPACT_ADD_MPLS, sizeof(*a));
			a->lse = random_u32();
			a->ethertype = BE16(0x8847);
			break;
		}
		case 8: {
			struct dpact_pop_mpls *a = dpact_add(b, DPACT_POP_MPLS, sizeof(*a));
			a->ethertype = types[random_below(5)];
			break;
		}
		case 9:
			add_set(b);
			break;
		case 10:
			dpact_add_output(b, 2);
			break;
		default:
			if (depth < 2) {
				size_t at = dpact_nest_begin(b, DPACT_CLONE,
							     sizeof(struct dpact_nested));
				random_list(b, depth + 1);
				assert_true(dpact_nest_end(b, at));
			}
		}
	}
	if (!depth)
		dpact_add_output(b, 2);
}

// An Ethernet frame: with tags, NSH that holds all sorts of things, or something else; whole, or
// cut off, or with a byte that lies.
static size_t random_frame(uint8_t *b)
{
	static const uint16_t types[] = {0x0800, 0x86dd, 0x894f, 0x894f, 0x894f, 0x1234, 0x0040};
	size_t n = 12;
	random_bytes(b, 400);
	for (unsigned int i = random_below(6) ? 0 : random_below(3); i; i--, n += 4)
		put_be16(b + n, random_below(2) ? 0x8100 : 0x88a8);
	unsigned int type = types[random_below(7)];
	put_be16(b + n, (uint16_t)type);
	n += 2;
	if (type == 0x0040 && random_below(2)) {
		memcpy(b + n, "\xaa\xaa\x03\0\0\0\x89\x4f", 8);
		n += 8;
		type = 0x894f;
	}
	size_t start = n;
	while (type == 0x894f) {
		unsigned int md = random_below(3), words = md == 1 ? 6 : 2 + random_below(6),
			     np = 1 + random_below(5);
		put_be16(b + n, (uint16_t)((random_u32() & 0x3fc0) | words));
		b[n + 2] = (uint8_t)md;
		b[n + 3] = (uint8_t)np;
		n += 4 * words;
		if (np != 4 || n > 200)
			type = 0;
	}
	n += random_below(60);
	if (!random_below(3) && n > start)
		n = start + random_below((uint32_t)(n - start)); // at every byte, in time
	if (!random_below(4))
		b[start + random_below(8)] = (uint8_t)random_u32();
	return n < 14 ? 14 : n;
}

static void expect(const struct buf *list, const uint8_t *frame, size_t n)
{
	for (unsigned int i = 0; i < want.n; i++) {
		struct sent s;
		struct str text = STR_INIT;
		assert_true(fake_netdev_pop(f.port[2], &s));
		if (s.len != want.v[i].n || memcmp(s.data, want.v[i].b, s.len)) {
			dpact_format(&text, list->data, list->len, NULL, NULL);
			str_add(&text, "\nframe ");
			str_add_hex(&text, frame, n);
			str_add(&text, "\nwant  ");
			str_add_hex(&text, want.v[i].b, want.v[i].n);
			str_add(&text, "\ngot   ");
			str_add_hex(&text, s.data, s.len);
			fail_msg("%s", str_cstr(&text));
		}
		sent_done(&s);
	}
	assert_int_equal(fake_netdev_n_sent(f.port[2]), 0);
}

static void test_random_lists(void **state)
{
	unsigned long n_sent = 0;
	for (int i = 0; i < 60000; i++) {
		struct packet p = {0};
		struct buf list = BUF_INIT;
		struct flow key = {.in_port = 1};
		random_list(&list, 0);
		p.n = random_frame(p.b);
		want.n = 0;
		naive(p, list.data, list.len);
		n_sent += want.n;
		// From outside, so that sanitizers see a byte too far, and through a megaflow.
		assert_null(dp_execute(f.dp, &key, p.b, p.n, list.data, list.len));
		expect(&list, p.b, p.n);
		if (i % 4 == 0) {
			buf_clear(&f.actions);
			buf_add(&f.actions, list.data, list.len);
			f.install = true;
			memset(&f.mask, 0, sizeof(f.mask));
			fake_netdev_push_bytes(f.port[1], p.b, p.n);
			fixture_run(&f);
			expect(&list, p.b, p.n);
			dp_flow_flush(f.dp);
		}
		buf_done(&list);
	}
	assert_in_range(n_sent, 10000, 1000000);
}

// Headers that do not fit in front of a packet get a segment of their own; what is said of the
// packet goes with it.
static void test_no_room(void **state)
{
	uint8_t frame[2000], room[8192];
	struct buf list = BUF_INIT;
	random_bytes(frame, sizeof(frame));
	put_be16(frame + 12, 0x1234);
	for (size_t n = 14; n <= sizeof(frame); n += 331) {
		struct packet p = {.n = n};
		memcpy(p.b, frame, n);
		struct rte_mbuf *m = mbuf_from_bytes(frame, n);
		mbuf_meta(m)->pkt_mark = 7;
		for (int i = 0; i < 6; i++) {
			enum dp_drop_reason reason;
			buf_clear(&list);
			struct dpact_push_nsh *a =
				dpact_add(&list, DPACT_PUSH_NSH, sizeof(*a) + 100);
			a->mdtype = 2;
			a->md_len = 100;
			random_bytes(a->md, 100);
			assert_true(encap_run(&m, &a->h, &reason));
			push_nsh(&p, a);
			struct dpact_push_eth *e = dpact_add(&list, DPACT_PUSH_ETH, sizeof(*e));
			assert_true(encap_run(&m, &e->h, &reason));
			push_eth(&p, e);
			assert_int_equal(m->pkt_len, p.n);
			assert_memory_equal(packet_linear(m, room), p.b, p.n);
			assert_int_equal(mbuf_meta(m)->pkt_mark, 7);
			assert_true(m->data_len >= MBUF_HEADERS || m->data_len == m->pkt_len);
			rte_mbuf_sanity_check(m, 1);
		}
		rte_pktmbuf_free(m);
	}
	buf_done(&list);
}

// What the device is to complete lies further back; when that cannot be said any more, the header
// is not pushed.
static void test_offloads(void **state)
{
	uint8_t frame[100] = {[12] = 8};
	struct rte_mbuf *m = mbuf_from_bytes(frame, sizeof(frame));
	struct buf list = BUF_INIT;
	enum dp_drop_reason reason;
	m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
	m->l2_len = 14;
	struct dpact_push_nsh *a = dpact_add(&list, DPACT_PUSH_NSH, sizeof(*a) + 16);
	a->mdtype = 1;
	a->md_len = 16;
	for (unsigned int want_len = 14 + 14 + 24; want_len <= 127; want_len += 24) {
		assert_true(encap_run(&m, &a->h, &reason));
		assert_int_equal(m->l2_len, want_len);
	}
	assert_false(encap_run(&m, &a->h, &reason));
	assert_int_equal(reason, DP_DROP_NO_BUFFER);
	rte_pktmbuf_free(m);
	buf_done(&list);
}

// A list that no packet could run through is refused.
static void test_checks(void **state)
{
	struct buf list = BUF_INIT;
	struct flow key = {.in_port = 1};
	uint8_t frame[60] = {0};
	struct dpact_push_nsh *a = dpact_add(&list, DPACT_PUSH_NSH, sizeof(*a) + 16);
	static const struct {
		uint8_t flags, ttl, mdtype;
		uint16_t md_len;
	} bad[] = {{4, 0, 1, 16}, {0, 64, 1, 16}, {0, 0, 1, 12}, {0, 0, 2, 3}, {0, 0, 2, 252}};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a->flags = bad[i].flags;
		a->ttl = bad[i].ttl;
		a->mdtype = bad[i].mdtype;
		a->md_len = bad[i].md_len;
		struct error *e = dp_execute(f.dp, &key, frame, sizeof(frame), list.data, list.len);
		assert_non_null(e);
		error_free(e);
	}
	buf_done(&list);
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
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_lists),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_offloads),
		cmocka_unit_test(test_checks),
	};
	rcu_register();
	random_seed(1);
	int failed = cmocka_run_group_tests(tests, setup, teardown);
	rcu_barrier_all();
	rcu_unregister();
	return failed;
}
