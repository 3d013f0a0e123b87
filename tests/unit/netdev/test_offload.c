/* SPDX-License-Identifier: Apache-2.0 */
// Segmentation and checksums in software, against what the frames must look like.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <rte_mempool.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "netdev/mbuf.h"
#include "netdev/offload.h"
#include "packet/checksum.h"
#include "packet/headers.h"

enum { SEQUENCE = 0xfffff000, ID = 0xfff0, TCP_OPTIONS = 12 };

struct shape {
	bool ipv6, udp;
	unsigned int tags, payload, size;
};

static uint8_t payload_byte(unsigned int i)
{
	return (uint8_t)(i * 7 + i / 251);
}

// A packet as a guest or the kernel leaves it: pseudo-header sum only, larger than a frame.
static struct rte_mbuf *packet(const struct shape *s)
{
	unsigned int l2 = 14 + 4 * s->tags, l3 = s->ipv6 ? 40 : 20,
		     l4 = s->udp ? 8 : 20 + TCP_OPTIONS, n = l2 + l3 + l4 + s->payload;
	uint8_t *frame = calloc(1, n), *ip = frame + l2, *tp = ip + l3;
	memset(frame, 2, 12);
	for (unsigned int i = 0; i < s->tags; i++)
		put_be32(frame + 12 + 4 * i, 0x81000001u + i);
	put_be16(frame + l2 - 2, s->ipv6 ? 0x86dd : 0x0800);
	be16_t sum;
	if (s->ipv6) {
		ip[0] = 0x60;
		put_be16(ip + 4, (uint16_t)(l4 + s->payload));
		ip[6] = s->udp ? IP_PROTO_UDP : IP_PROTO_TCP;
		memset(ip + 8, 0xfd, 32);
		sum = (be16_t)~csum_finish(csum_pseudo6(ip + 8, ip + 24, ip[6], l4 + s->payload));
	} else {
		ip[0] = 0x45;
		put_be16(ip + 2, (uint16_t)(l3 + l4 + s->payload));
		put_be16(ip + 4, ID);
		ip[8] = 64;
		ip[9] = s->udp ? IP_PROTO_UDP : IP_PROTO_TCP;
		put_be32(ip + 12, 0x0a000001);
		put_be32(ip + 16, 0x0a000002);
		be16_t own = csum(ip, 20);
		memcpy(ip + 10, &own, 2);
		be32_t src, dst;
		memcpy(&src, ip + 12, 4);
		memcpy(&dst, ip + 16, 4);
		sum = (be16_t)~csum_finish(
			csum_pseudo4(src, dst, ip[9], (uint16_t)(l4 + s->payload)));
	}
	put_be32(tp, 0x12345678);
	if (s->udp) {
		put_be16(tp + 4, (uint16_t)(l4 + s->payload));
	} else {
		put_be32(tp + 4, SEQUENCE);
		tp[12] = (uint8_t)(l4 / 4 << 4);
		tp[13] = TCP_FIN | TCP_PSH | TCP_ACK | TCP_CWR;
	}
	memcpy(tp + (s->udp ? 6 : 16), &sum, 2);
	for (unsigned int i = 0; i < s->payload; i++)
		tp[l4 + i] = payload_byte(i);
	struct rte_mbuf *m = mbuf_from_bytes(frame, n);
	assert_non_null(m);
	free(frame);
	m->l2_len = l2;
	m->l3_len = l3 & 511;
	m->l4_len = l4 & 255;
	m->tso_segsz = (uint16_t)s->size;
	m->ol_flags |= s->ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
	m->ol_flags |= s->udp ? RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_UDP_SEG
			      : RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_TCP_SEG;
	return m;
}

struct capture {
	unsigned int n;
	struct rte_mbuf *frames[2048];
};

static unsigned int capture(void *c_, unsigned int thread, struct rte_mbuf **packets,
			    unsigned int n)
{
	struct capture *c = c_;
	assert_true(c->n + n <= 2048);
	memcpy(&c->frames[c->n], packets, n * sizeof(*packets));
	c->n += n;
	return n;
}

static void check_l4(const struct shape *s, uint8_t *ip, unsigned int l3, unsigned int l4_bytes)
{
	uint8_t proto = s->udp ? IP_PROTO_UDP : IP_PROTO_TCP;
	be32_t src, dst;
	memcpy(&src, ip + 12, 4);
	memcpy(&dst, ip + 16, 4);
	uint32_t sum = s->ipv6 ? csum_pseudo6(ip + 8, ip + 24, proto, l4_bytes)
			       : csum_pseudo4(src, dst, proto, (uint16_t)l4_bytes);
	assert_int_equal(csum_finish(csum_add(sum, ip + l3, l4_bytes)), 0);
}

static void check_segment(const struct shape *s, struct rte_mbuf *m, unsigned int i, unsigned int n,
			  unsigned int *at)
{
	unsigned int l2 = 14 + 4 * s->tags, l3 = s->ipv6 ? 40 : 20,
		     l4 = s->udp ? 8 : 20 + TCP_OPTIONS;
	uint8_t *copy = malloc(m->pkt_len), *frame = copy;
	memcpy(copy, rte_pktmbuf_read(m, 0, m->pkt_len, copy), m->pkt_len);
	unsigned int bytes = m->pkt_len - l2 - l3 - l4;
	uint8_t *ip = frame + l2, *tp = ip + l3;
	assert_false(offload_concerns(m->ol_flags));
	assert_true(i + 1 == n ? bytes >= 1 && bytes <= s->size : bytes == s->size);
	if (s->ipv6) {
		assert_int_equal(get_be16(ip + 4), l4 + bytes);
	} else {
		assert_int_equal(get_be16(ip + 2), l3 + l4 + bytes);
		assert_int_equal(get_be16(ip + 4), (uint16_t)(ID + i));
		assert_int_equal(csum(ip, 20), 0);
	}
	check_l4(s, ip, l3, l4 + bytes);
	assert_int_equal(get_be32(tp), 0x12345678);
	if (s->udp) {
		assert_int_equal(get_be16(tp + 4), 8 + bytes);
		assert_int_not_equal(get_be16(tp + 6), 0);
	} else {
		assert_int_equal(get_be32(tp + 4), (uint32_t)(SEQUENCE + *at));
		assert_int_equal(tp[13], TCP_ACK | (i ? 0 : TCP_CWR) |
						 (i + 1 == n ? TCP_FIN | TCP_PSH : 0));
	}
	for (unsigned int k = 0; k < bytes; k++)
		assert_int_equal(tp[l4 + k], payload_byte(*at + k));
	*at += bytes;
	free(copy);
	rte_pktmbuf_free(m);
}

static void test_segments(void **state)
{
	unsigned int before = rte_mempool_avail_count(mbuf_pool());
	srand(1);
	for (int round = 0; round < 400; round++) {
		struct shape s = {.ipv6 = rand() & 1,
				  .udp = rand() & 1,
				  .tags = (unsigned int)rand() % 3,
				  .payload = 1 + (unsigned int)rand() % 64000,
				  .size = 500 + (unsigned int)rand() % 4000};
		struct capture c = {0};
		struct offload_counts counts = {0};
		struct rte_mbuf *m = packet(&s);
		unsigned int n = (s.payload + s.size - 1) / s.size, at = 0;
		assert_int_equal(offload_tx(&c, 0, &m, 1, 0, mbuf_pool(), &counts, capture), 1);
		assert_int_equal(c.n, n);
		for (unsigned int i = 0; i < n; i++)
			check_segment(&s, c.frames[i], i, n, &at);
		assert_int_equal(at, s.payload);
		assert_int_equal(counts.segmented, 1);
		assert_int_equal(counts.segments, n);
	}
	assert_int_equal(rte_mempool_avail_count(mbuf_pool()), before);
}

static void test_order_and_sharing(void **state)
{
	struct shape large = {.payload = 3000, .size = 1000},
		     small = {.payload = 100, .size = 1000};
	struct capture c = {0};
	struct offload_counts counts = {0};
	struct rte_mbuf *packets[4] = {packet(&small), packet(&large), packet(&small),
				       packet(&small)};
	for (int i = 0; i < 4; i++)
		if (i != 1)
			packets[i]->ol_flags &= ~RTE_MBUF_F_TX_TCP_SEG;
	struct rte_mbuf *shared = packets[3];
	uint8_t before[154], room[154];
	memcpy(before, rte_pktmbuf_read(shared, 0, sizeof(before), room), sizeof(before));
	rte_mbuf_refcnt_update(shared, 1); // a port that does checksums has it too
	assert_int_equal(offload_tx(&c, 0, packets, 4, 0, mbuf_pool(), &counts, capture), 4);
	assert_int_equal(c.n, 6);
	assert_int_equal(counts.checksums, 3);
	static const uint32_t lengths[] = {166, 1066, 1066, 1066, 166, 166};
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(c.frames[i]->pkt_len, lengths[i]);
		assert_ptr_not_equal(c.frames[i], shared);
		rte_pktmbuf_free(c.frames[i]);
	}
	assert_memory_equal(rte_pktmbuf_read(shared, 0, sizeof(before), room), before,
			    sizeof(before));
	assert_true(shared->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM);
	rte_pktmbuf_free(shared);
}

static void test_able_devices_get_them_as_they_are(void **state)
{
	struct shape s = {.payload = 9000, .size = 1448};
	struct capture c = {0};
	struct offload_counts counts = {0};
	struct rte_mbuf *m = packet(&s), *sent = m;
	assert_int_equal(offload_tx(&c, 0, &m, 1, OFFLOAD_ALL, mbuf_pool(), &counts, capture), 1);
	assert_int_equal(c.n, 1);
	assert_ptr_equal(c.frames[0], sent);
	assert_true(sent->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
	rte_pktmbuf_free(sent);
	// One that does checksums but cannot cut gets frames whose checksum is still to be done.
	m = packet(&s);
	c.n = 0;
	assert_int_equal(
		offload_tx(&c, 0, &m, 1, OFFLOAD_TCP_CHECKSUM, mbuf_pool(), &counts, capture), 1);
	assert_int_equal(c.n, 7);
	for (unsigned int i = 0; i < c.n; i++) {
		assert_int_equal(c.frames[i]->ol_flags & RTE_MBUF_F_TX_L4_MASK,
				 RTE_MBUF_F_TX_TCP_CKSUM);
		rte_pktmbuf_free(c.frames[i]);
	}
}

// What a guest says of its packet need not be true.
static void test_lies(void **state)
{
	struct shape s = {.payload = 3000, .size = 1000};
	unsigned int before = rte_mempool_avail_count(mbuf_pool());
	for (int lie = 0; lie < 6; lie++) {
		struct capture c = {0};
		struct offload_counts counts = {0};
		struct rte_mbuf *m = packet(&s);
		if (lie == 0)
			m->tso_segsz = 0;
		if (lie == 1)
			m->tso_segsz = 1;
		if (lie == 2)
			m->l3_len = 511;
		if (lie == 3)
			m->l2_len = 3;
		if (lie == 4)
			m->l4_len = 0;
		if (lie == 5)
			*rte_pktmbuf_mtod_offset(m, uint8_t *, 14) = 0;
		assert_int_equal(offload_tx(&c, 0, &m, 1, 0, mbuf_pool(), &counts, capture), 0);
		assert_int_equal(c.n, 0);
		assert_int_equal(counts.failed, 1);
	}
	assert_int_equal(rte_mempool_avail_count(mbuf_pool()), before);
}

static int start(void **state)
{
	struct error *e = mbuf_env_start();
	return e ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_order_and_sharing),
		cmocka_unit_test(test_able_devices_get_them_as_they_are),
		cmocka_unit_test(test_lies),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
