/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/packet.h"

#include "dp/user/key.h"

static bool attach_rest(struct rte_mbuf *copy, const struct rte_mbuf *from, uint32_t left)
{
	struct rte_mbuf *last = copy;
	for (const struct rte_mbuf *s = from->next; s && left; s = s->next) {
		struct rte_mbuf *piece = rte_pktmbuf_alloc(mbuf_pool());
		if (!piece)
			return false;
		rte_pktmbuf_attach(piece, (struct rte_mbuf *)(uintptr_t)s);
		if (piece->data_len > left)
			piece->data_len = (uint16_t)left;
		piece->pkt_len = piece->data_len;
		piece->nb_segs = 1;
		piece->next = NULL;
		left -= piece->data_len;
		last->next = piece;
		last = piece;
		copy->nb_segs++;
		copy->pkt_len += piece->data_len;
	}
	return true;
}

struct rte_mbuf *packet_copy(const struct rte_mbuf *from, uint32_t max_len)
{
	uint32_t len = from->pkt_len < max_len ? from->pkt_len : max_len;
	uint32_t first = from->data_len < len ? from->data_len : len;
	struct rte_mbuf *copy = rte_pktmbuf_alloc(mbuf_pool());
	if (!copy)
		return NULL;
	if (rte_pktmbuf_tailroom(copy) < first) { // from a device with larger buffers than ours
		rte_pktmbuf_free(copy);
		copy = rte_pktmbuf_copy(from, mbuf_pool(), 0, len);
		if (!copy)
			return NULL;
	} else {
		memcpy(rte_pktmbuf_mtod(copy, void *), rte_pktmbuf_mtod(from, const void *), first);
		copy->data_len = (uint16_t)first;
		copy->pkt_len = first;
		copy->ol_flags = from->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
		copy->tx_offload = from->tx_offload;
		copy->packet_type = from->packet_type;
		copy->hash = from->hash;
		copy->port = from->port;
		if (!attach_rest(copy, from, len - first)) {
			rte_pktmbuf_free(copy);
			return NULL;
		}
	}
	*mbuf_meta(copy) = *mbuf_meta((struct rte_mbuf *)(uintptr_t)from);
	return copy;
}

struct rte_mbuf *packet_writable(struct rte_mbuf *m)
{
	if (rte_mbuf_refcnt_read(m) == 1 && !RTE_MBUF_CLONED(m))
		return m;
	struct rte_mbuf *copy = packet_copy(m, UINT32_MAX);
	rte_pktmbuf_free(m);
	return copy;
}

void packet_set_meta(struct rte_mbuf *m, const struct dp_meta *meta)
{
	struct mbuf_meta *to = mbuf_meta(m);
	to->in_port = meta->in_port;
	to->recirc_id = meta->recirc_id;
	to->dp_hash = meta->dp_hash;
	to->skb_priority = meta->skb_priority;
	to->pkt_mark = meta->pkt_mark;
	to->bare = (meta->layout & LAYOUT_BARE) != 0;
}

void packet_get_meta(struct rte_mbuf *m, struct dp_meta *meta)
{
	const struct mbuf_meta *from = mbuf_meta(m);
	*meta = (struct dp_meta){
		.in_port = from->in_port,
		.recirc_id = from->recirc_id,
		.dp_hash = from->dp_hash,
		.skb_priority = from->skb_priority,
		.pkt_mark = from->pkt_mark,
	};
}

bool packet_is_too_large(const struct rte_mbuf *m, uint32_t max_frame)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t tags = 0;
	while (tags < FLOW_MAX_VLANS && layout_is_tpid(layout_load16(frame + 12 + 4 * tags)))
		tags++;
	return packet_wire_len(m) > max_frame + 4 * tags;
}

uint32_t packet_wire_len(const struct rte_mbuf *m)
{
	uint32_t cut = m->l2_len + m->l3_len + m->l4_len + (uint32_t)m->tso_segsz;
	if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG) && cut < m->pkt_len)
		return cut;
	return m->pkt_len;
}

void packet_extract(struct rte_mbuf *m, struct flow *flow)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	if (mbuf_meta(m)->bare) {
		key_extract_bare(frame, m->data_len, m->pkt_len, flow);
		return;
	}
	flow->packet_type = 0;
	flow_extract(frame, m->data_len, m->pkt_len, flow);
}

const uint8_t *packet_linear(const struct rte_mbuf *m, void *room)
{
	return rte_pktmbuf_read(m, 0, m->pkt_len, room);
}
