/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/vnet.h"

#include <string.h>

#include "base/byteorder.h"
#include "packet/checksum.h"
#include "packet/headers.h"

enum { GSO_UDP_L4 = 5 }; // VIRTIO_NET_HDR_GSO_UDP_L4, which older headers lack
enum {
	TCP_CHECKSUM_AT = 16,
	UDP_CHECKSUM_AT = 6,
	SCTP_CHECKSUM_AT = 8,
	TCP_OFFSET_AT = 12,
	TCP_FLAGS_AT = 13
};

// Reads within the first segment, which holds all headers.
static const uint8_t *header_at(const struct rte_mbuf *m, unsigned int offset, unsigned int n)
{
	return offset + n <= m->data_len ? rte_pktmbuf_mtod_offset(m, const uint8_t *, offset)
					 : NULL;
}

// The length of the Ethernet header with its tags, and the type behind them; 0: the frame is too
// short.
static unsigned int l2_length(const struct rte_mbuf *m, uint16_t *type)
{
	unsigned int at = 12;
	for (;;) {
		const uint8_t *p = header_at(m, at, 2);
		if (!p)
			return 0;
		*type = get_be16(p);
		if (*type != ETHERTYPE_VLAN_8021Q && *type != ETHERTYPE_VLAN_8021AD)
			return at + 2;
		at += 4;
	}
}

// The sum over the frame from `offset` on, across segments of any length.
static uint32_t sum_from(const struct rte_mbuf *m, unsigned int offset)
{
	uint32_t sum = 0;
	bool odd = false;
	for (; m; m = m->next) {
		if (offset >= m->data_len) {
			offset -= m->data_len;
			continue;
		}
		unsigned int n = m->data_len - offset;
		uint32_t part = csum_add(0, rte_pktmbuf_mtod_offset(m, const void *, offset), n);
		part = (part & 0xffff) + (part >> 16);
		part = (part & 0xffff) + (part >> 16);
		if (odd) // its first byte is the second of a word
			part = (part & 0xff) << 8 | part >> 8;
		sum = csum_add16((sum & 0xffff) + (sum >> 16), (be16_t)part);
		odd ^= n & 1;
		offset = 0;
	}
	return sum;
}

static void finish(struct rte_mbuf *m, unsigned int start, unsigned int at, bool udp)
{
	uint8_t *field = rte_pktmbuf_mtod_offset(m, uint8_t *, start + at);
	be16_t sum = csum_finish(sum_from(m, start));
	if (udp && !sum)
		sum = 0xffff;
	memcpy(field, &sum, 2);
}

bool vnet_decode(struct rte_mbuf *m, const struct virtio_net_hdr *h, unsigned int shift)
{
	if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return h->gso_type == VIRTIO_NET_HDR_GSO_NONE;
	unsigned int start = h->csum_start + shift;
	uint16_t type = 0;
	unsigned int l2 = l2_length(m, &type);
	if (!l2 || start <= l2 || l2 > 127 || start - l2 > 511 ||
	    !header_at(m, start + h->csum_offset, 2))
		return false;
	if (h->csum_offset != TCP_CHECKSUM_AT && h->csum_offset != UDP_CHECKSUM_AT) {
		finish(m, start, h->csum_offset,
		       false); // nothing in a packet says how to ask for this one
		return h->gso_type == VIRTIO_NET_HDR_GSO_NONE;
	}
	bool udp = h->csum_offset == UDP_CHECKSUM_AT;
	m->l2_len = l2 & 127;
	m->l3_len = (start - l2) & 511;
	m->ol_flags |= udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM;
	if (type == ETHERTYPE_IPV4)
		m->ol_flags |= RTE_MBUF_F_TX_IPV4;
	else if (type == ETHERTYPE_IPV6)
		m->ol_flags |= RTE_MBUF_F_TX_IPV6;
	const uint8_t *offset = udp ? NULL : header_at(m, start + TCP_OFFSET_AT, 1);
	unsigned int l4 = udp ? 8 : offset ? (*offset >> 4) * 4u : 0;
	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		m->l4_len = l4 & 255;
		return true;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		if (udp || l4 < 20 || !h->gso_size)
			return false;
		m->ol_flags |= RTE_MBUF_F_TX_TCP_SEG;
		break;
	case GSO_UDP_L4:
		if (!udp || !h->gso_size)
			return false;
		m->ol_flags |= RTE_MBUF_F_TX_UDP_SEG;
		break;
	default:
		return false;
	}
	m->l4_len = l4 & 255;
	m->tso_segsz = h->gso_size;
	return true;
}

void vnet_encode(const struct rte_mbuf *m, struct virtio_net_hdr *h)
{
	*h = (struct virtio_net_hdr){0};
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	if (l4 != RTE_MBUF_F_TX_TCP_CKSUM && l4 != RTE_MBUF_F_TX_UDP_CKSUM)
		return;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = (uint16_t)(m->l2_len + m->l3_len);
	h->csum_offset = l4 == RTE_MBUF_F_TX_UDP_CKSUM ? UDP_CHECKSUM_AT : TCP_CHECKSUM_AT;
	if (m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) {
		h->gso_type = m->ol_flags & RTE_MBUF_F_TX_IPV6 ? VIRTIO_NET_HDR_GSO_TCPV6
							       : VIRTIO_NET_HDR_GSO_TCPV4;
		const uint8_t *flags = header_at(m, h->csum_start + (unsigned int)TCP_FLAGS_AT, 1);
		if (flags && *flags & TCP_CWR)
			h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	} else if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG) {
		h->gso_type = GSO_UDP_L4;
	} else {
		return;
	}
	h->gso_size = m->tso_segsz;
	h->hdr_len = (uint16_t)(h->csum_start + m->l4_len);
}

void vnet_finish_checksum(struct rte_mbuf *m)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	if (l4 != RTE_MBUF_F_TX_TCP_CKSUM && l4 != RTE_MBUF_F_TX_UDP_CKSUM)
		return;
	bool udp = l4 == RTE_MBUF_F_TX_UDP_CKSUM;
	unsigned int start = m->l2_len + m->l3_len, at = udp ? UDP_CHECKSUM_AT : TCP_CHECKSUM_AT;
	if (header_at(m, start + at, 2))
		finish(m, start, at, udp);
	m->ol_flags &= ~RTE_MBUF_F_TX_L4_MASK;
}

void vnet_finish_sctp(struct rte_mbuf *m)
{
	unsigned int start = m->l2_len + m->l3_len, offset = start;
	m->ol_flags &= ~RTE_MBUF_F_TX_L4_MASK;
	if (!header_at(m, start, SCTP_CHECKSUM_AT + 4))
		return;
	uint8_t *field = rte_pktmbuf_mtod_offset(m, uint8_t *, start + SCTP_CHECKSUM_AT);
	memset(field, 0, 4);
	uint32_t crc = 0;
	for (const struct rte_mbuf *s = m; s; s = s->next) {
		unsigned int skip = offset < s->data_len ? offset : s->data_len;
		crc = crc32c(crc, rte_pktmbuf_mtod_offset(s, const void *, skip),
			     s->data_len - skip);
		offset -= skip;
	}
	uint32_t little = htole32(crc);
	memcpy(field, &little, 4);
}
