/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/burst.h"

#include <string.h>

#include "base/byteorder.h"
#include "netdev/vnet.h"
#include "packet/headers.h"

enum { WANT_MIN = 4 };

void burst_init(struct burst *b)
{
	memset(b, 0, sizeof(*b));
	b->want = WANT_MIN;
	for (unsigned int i = 0; i < BURST_MAX; i++) {
		b->iov[i][0] = (struct iovec){&b->vnet[i], sizeof(b->vnet[i])};
		b->iov[i][1].iov_len = MBUF_DATA_ROOM;
		b->iov[i][2].iov_len = MBUF_BIG_ROOM - 1;
	}
}

unsigned int burst_begin(struct burst *b, unsigned int n)
{
	n = n < b->want ? n : b->want;
	n = n < BURST_MAX ? n : BURST_MAX;
	while (n && !mbuf_take_bare(b->bare, b->big, n))
		n /= 2;
	for (unsigned int i = 0; i < n; i++) {
		b->iov[i][1].iov_base = mbuf_bare_data(b->bare[i]);
		b->iov[i][2].iov_base = b->big[i];
	}
	b->n = n;
	return n;
}

static bool restore_tag(struct rte_mbuf *m, uint32_t tag)
{
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, ETH_VLAN_HDR_BYTES);
	if (!p)
		return false;
	memmove(p, p + ETH_VLAN_HDR_BYTES, 12);
	put_be32(p + 12, tag);
	return true;
}

struct rte_mbuf *burst_packet(struct burst *b, unsigned int i, size_t bytes, uint32_t tag)
{
	size_t len = bytes - sizeof(struct virtio_net_hdr);
	if (bytes < sizeof(struct virtio_net_hdr) + ETH_HDR_BYTES || len > MBUF_MAX_FRAME) {
		mbuf_give_bare(&b->bare[i], 1);
		return NULL;
	}
	struct rte_mbuf *m = mbuf_finish_bare(b->bare[i], &b->big[i], (uint32_t)len);
	if (!m)
		return NULL;
	const struct virtio_net_hdr *h = &b->vnet[i];
	if (tag && !restore_tag(m, tag))
		goto bad;
	if ((h->flags || h->gso_type) && !vnet_decode(m, h, tag ? ETH_VLAN_HDR_BYTES : 0))
		goto bad;
	return m;

bad:
	rte_pktmbuf_free(m);
	return NULL;
}

void burst_end(struct burst *b, unsigned int used)
{
	if (used < b->n)
		mbuf_give_bare(b->bare + used, b->n - used);
	mbuf_give_big(b->big, b->n);
	if (used == b->want && b->want < BURST_MAX)
		b->want *= 2;
	else if (used < b->want / 4)
		b->want = b->want / 2 < WANT_MIN ? WANT_MIN : b->want / 2;
}
