/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/offload.h"

#include <string.h>

#include "netdev/mbuf.h"
#include "netdev/vnet.h"
#include "packet/checksum.h"
#include "packet/headers.h"

enum {
	HEADERS_MAX = 192,
	SEGMENT_MIN = 48, // the least that Linux sends
	BATCH = 32,
	IPV4_MIN = 20,
	IPV6_BYTES = 40,
	TCP_MIN = 20,
	UDP_BYTES = 8,
	TCP_CHECKSUM_AT = 16,
	UDP_CHECKSUM_AT = 6,
};

static void count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

void offload_counts_show(const struct offload_counts *c,
			 void (*cb)(void *arg, const char *name, uint64_t value), void *arg)
{
	cb(arg, "tx_software_checksums", __atomic_load_n(&c->checksums, __ATOMIC_RELAXED));
	cb(arg, "tx_software_segmented", __atomic_load_n(&c->segmented, __ATOMIC_RELAXED));
	cb(arg, "tx_software_segments", __atomic_load_n(&c->segments, __ATOMIC_RELAXED));
	cb(arg, "tx_software_offload_drops", __atomic_load_n(&c->failed, __ATOMIC_RELAXED));
}

// --- Segments.

bool offload_plan(const struct rte_mbuf *m, bool checksum, struct offload_plan *p)
{
	unsigned int headers = m->l2_len + m->l3_len + m->l4_len;
	*p = (struct offload_plan){
		.packet = m, .headers = headers, .size = m->tso_segsz, .checksum = checksum};
	p->udp = m->ol_flags & RTE_MBUF_F_TX_UDP_SEG;
	if (headers > m->data_len || headers > HEADERS_MAX || headers >= m->pkt_len ||
	    p->size < SEGMENT_MIN || m->l2_len < ETH_HDR_BYTES ||
	    m->l4_len < (p->udp ? UDP_BYTES : TCP_MIN))
		return false;
	unsigned int version = *rte_pktmbuf_mtod_offset(m, const uint8_t *, m->l2_len) >> 4;
	p->ipv6 = version == 6;
	if (version == 4 ? m->l3_len < IPV4_MIN : version != 6 || m->l3_len < IPV6_BYTES)
		return false;
	p->payload = m->pkt_len - headers;
	p->n = (p->payload + p->size - 1) / p->size;
	return true;
}

// Appends bytes of the original to a chain that begins with `first`.
static bool append(struct rte_mbuf *first, const struct rte_mbuf *from, unsigned int offset,
		   unsigned int n, struct rte_mempool *pool)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(first);
	while (from && offset >= from->data_len) {
		offset -= from->data_len;
		from = from->next;
	}
	while (n && from) {
		if (!rte_pktmbuf_tailroom(last)) {
			struct rte_mbuf *more = rte_pktmbuf_alloc(pool);
			if (!more)
				return false;
			last->next = more;
			last = more;
			first->nb_segs++;
		}
		unsigned int k = from->data_len - offset, room = rte_pktmbuf_tailroom(last);
		k = k < n ? k : n;
		k = k < room ? k : room;
		memcpy(rte_pktmbuf_mtod_offset(last, void *, last->data_len),
		       rte_pktmbuf_mtod_offset(from, const void *, offset), k);
		last->data_len = (uint16_t)(last->data_len + k);
		first->pkt_len += k;
		n -= k;
		offset += k;
		if (offset == from->data_len) {
			from = from->next;
			offset = 0;
		}
	}
	return !n;
}

// Lengths and identification; the partial sum of the pseudo header.
static be16_t fix_l3(const struct offload_plan *p, uint8_t *l3, unsigned int i, unsigned int l3_len,
		     unsigned int l4_bytes)
{
	uint8_t proto = p->udp ? IP_PROTO_UDP : IP_PROTO_TCP;
	if (p->ipv6) {
		put_be16(l3 + 4, (uint16_t)(l3_len - IPV6_BYTES + l4_bytes));
		return (be16_t)~csum_finish(csum_pseudo6(l3 + 8, l3 + 24, proto, l4_bytes));
	}
	be32_t src, dst;
	memcpy(&src, l3 + 12, 4);
	memcpy(&dst, l3 + 16, 4);
	put_be16(l3 + 2, (uint16_t)(l3_len + l4_bytes));
	put_be16(l3 + 4, (uint16_t)(get_be16(l3 + 4) + i));
	memset(l3 + 10, 0, 2);
	be16_t sum = csum(l3, l3_len);
	memcpy(l3 + 10, &sum, 2);
	return (be16_t)~csum_finish(csum_pseudo4(src, dst, proto, (uint16_t)l4_bytes));
}

// FIN and PSH belong to the last segment, CWR to the first (RFC 3168, section 6.1.2).
static void fix_tcp(const struct offload_plan *p, uint8_t *tcp, unsigned int i)
{
	put_be32(tcp + 4, get_be32(tcp + 4) + i * p->size);
	if (i + 1 < p->n)
		tcp[13] = (uint8_t)(tcp[13] & ~(TCP_FIN | TCP_PSH));
	if (i)
		tcp[13] = (uint8_t)(tcp[13] & ~TCP_CWR);
}

struct rte_mbuf *offload_segment(const struct offload_plan *p, unsigned int i,
				 struct rte_mempool *pool)
{
	const struct rte_mbuf *from = p->packet;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	if (!m)
		return NULL;
	unsigned int n = i + 1 < p->n ? p->size : p->payload - i * p->size;
	if (!append(m, from, 0, p->headers, pool) || m->nb_segs > 1 ||
	    !append(m, from, p->headers + i * p->size, n, pool)) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	*mbuf_meta(m) = *mbuf_meta((struct rte_mbuf *)(uintptr_t)from);
	uint8_t *l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, from->l2_len), *l4 = l3 + from->l3_len;
	be16_t pseudo = fix_l3(p, l3, i, from->l3_len, from->l4_len + n);
	if (p->udp)
		put_be16(l4 + 4, (uint16_t)(from->l4_len + n));
	else
		fix_tcp(p, l4, i);
	memcpy(l4 + (p->udp ? UDP_CHECKSUM_AT : TCP_CHECKSUM_AT), &pseudo, 2);
	m->l2_len = from->l2_len;
	m->l3_len = from->l3_len;
	m->l4_len = from->l4_len;
	m->ol_flags |= p->udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM;
	m->ol_flags |= p->ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4;
	if (p->checksum)
		vnet_finish_checksum(m);
	return m;
}

// --- Sending.

struct tx {
	void *device;
	unsigned int thread, can, n;
	struct rte_mempool *pool;
	struct offload_counts *counts;
	offload_send *send;
	struct rte_mbuf *batch[BATCH];
};

static unsigned int flush(struct tx *tx)
{
	unsigned int n = tx->n;
	tx->n = 0;
	return n ? tx->send(tx->device, tx->thread, tx->batch, n) : 0;
}

// How many of earlier packets that sent.
static unsigned int add(struct tx *tx, struct rte_mbuf *m)
{
	unsigned int sent = tx->n == BATCH ? flush(tx) : 0;
	tx->batch[tx->n++] = m;
	return sent;
}

// Whether all its segments went out.
static bool send_segments(struct tx *tx, struct rte_mbuf *m, bool checksum)
{
	struct offload_plan plan;
	bool ok = offload_plan(m, checksum, &plan);
	unsigned int sent = 0;
	for (unsigned int i = 0; ok && i < plan.n; i++) {
		struct rte_mbuf *segment = offload_segment(&plan, i, tx->pool);
		if (segment)
			sent += add(tx, segment);
		ok = segment;
	}
	sent += flush(tx);
	if (ok) {
		count(&tx->counts->segmented, 1);
		count(&tx->counts->segments, plan.n);
	} else {
		count(&tx->counts->failed, 1);
	}
	rte_pktmbuf_free(m);
	return ok && sent == plan.n;
}

static struct rte_mbuf *finish_checksum(struct tx *tx, struct rte_mbuf *m)
{
	if (rte_mbuf_refcnt_read(m) > 1 || RTE_MBUF_CLONED(m)) {
		struct rte_mbuf *own = rte_pktmbuf_copy(m, tx->pool, 0, UINT32_MAX);
		if (own)
			*mbuf_meta(own) = *mbuf_meta(m);
		rte_pktmbuf_free(m);
		m = own;
	}
	count(m ? &tx->counts->checksums : &tx->counts->failed, 1);
	if (m)
		vnet_finish_checksum(m);
	return m;
}

static bool does_segments(const struct rte_mbuf *m, unsigned int can)
{
	if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG)
		return can & OFFLOAD_UDP_SEGMENTS;
	return can &
	       (m->ol_flags & RTE_MBUF_F_TX_IPV6 ? OFFLOAD_TCP6_SEGMENTS : OFFLOAD_TCP4_SEGMENTS);
}

unsigned int offload_tx(void *device, unsigned int thread, struct rte_mbuf **packets,
			unsigned int n, unsigned int can, struct rte_mempool *pool,
			struct offload_counts *counts, offload_send *send)
{
	struct tx tx = {.device = device,
			.thread = thread,
			.can = can,
			.pool = pool,
			.counts = counts,
			.send = send};
	unsigned int sent = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = packets[i];
		uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
		bool udp = l4 == RTE_MBUF_F_TX_UDP_CKSUM || m->ol_flags & RTE_MBUF_F_TX_UDP_SEG;
		bool checksum = !(can & (udp ? OFFLOAD_UDP_CHECKSUM : OFFLOAD_TCP_CHECKSUM));
		if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG) &&
		    !does_segments(m, can)) {
			sent += flush(&tx);
			sent += send_segments(&tx, m, checksum);
			continue;
		}
		if (l4 && checksum)
			m = finish_checksum(&tx, m);
		if (m)
			sent += add(&tx, m);
	}
	return sent + flush(&tx);
}
