/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/encap.h"

#include "dp/user/layout.h"
#include "dp/user/packet.h"

enum { NSH_P_IPV4 = 1, NSH_P_IPV6 = 2, NSH_P_ETHERNET = 3, NSH_P_NSH = 4 };
enum { L2_LEN_MAX = 127 }; // what the packet's offload fields can say

static void blank(uint8_t *frame, be16_t type)
{
	memset(frame, 0, 12);
	memcpy(frame + 12, &type, sizeof(type));
}

// Room for n bytes in front of the packet: its headroom, or else a segment of its own, in which the
// frame's headers lie together.
static uint8_t *prepend(struct rte_mbuf **m, uint32_t n)
{
	uint8_t *at = (uint8_t *)rte_pktmbuf_prepend(*m, (uint16_t)n);
	if (at)
		return at;
	struct rte_mbuf *old = *m, *new = rte_pktmbuf_alloc(mbuf_pool());
	uint32_t move = old->data_len < MBUF_HEADERS ? old->data_len : MBUF_HEADERS;
	if (!new || rte_pktmbuf_tailroom(new) < n + move) {
		rte_pktmbuf_free(new);
		return NULL;
	}
	uint8_t *data = rte_pktmbuf_mtod(new, uint8_t *);
	memcpy(data + n, rte_pktmbuf_mtod(old, const uint8_t *), move);
	rte_pktmbuf_adj(old, (uint16_t)move);
	new->data_len = (uint16_t)(n + move);
	new->pkt_len = new->data_len + old->pkt_len;
	new->ol_flags = old->ol_flags & ~(RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
	new->tx_offload = old->tx_offload;
	new->packet_type = old->packet_type;
	new->hash = old->hash;
	new->port = old->port;
	*mbuf_meta(new) = *mbuf_meta(old);
	if (old->data_len || old->next) {
		new->next = old;
		new->nb_segs = (uint16_t)(old->nb_segs + 1);
	} else {
		rte_pktmbuf_free(old);
	}
	*m = new;
	return data;
}

// The L2 header of what a device is to complete got longer. False: by more than can be said.
static bool lengthen_l2(struct rte_mbuf *m, int n)
{
	if (!(m->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK))
		return true;
	int len = (int)m->l2_len + n;
	if (len < 0 || len > L2_LEN_MAX)
		return false;
	m->l2_len = (uint64_t)len & L2_LEN_MAX;
	return true;
}

// A header in front of the packet, behind a blank Ethernet header. Its place; NULL: no room.
static uint8_t *put_in_front(struct rte_mbuf **m, uint32_t n, be16_t type)
{
	uint32_t more = n + (mbuf_meta(*m)->bare ? 0 : ETH_HDR_BYTES);
	if (!lengthen_l2(*m, (int)more))
		return NULL;
	uint8_t *frame = prepend(m, more);
	if (!frame)
		return NULL;
	blank(frame, type);
	mbuf_meta(*m)->bare = 1;
	return frame + ETH_HDR_BYTES;
}

bool encap_blank(struct rte_mbuf *m, be16_t type)
{
	uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(m, ETH_HDR_BYTES);
	if (!frame)
		return false;
	blank(frame, type);
	mbuf_meta(m)->bare = 1;
	return true;
}

static be16_t type_of(const struct rte_mbuf *m)
{
	return layout_load16(rte_pktmbuf_mtod(m, const uint8_t *) + 12);
}

// Takes n bytes off that follow the first `keep` of the frame.
static void cut_out(struct rte_mbuf *m, uint32_t keep, uint32_t n)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	memmove(frame + n, frame, keep);
	rte_pktmbuf_adj(m, (uint16_t)n);
	lengthen_l2(m, -(int)n);
}

// With its tags, and with LLC and SNAP.
static bool pop_eth(struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	if (mbuf_meta(m)->bare)
		return false;
	uint32_t end = ETH_HDR_BYTES;
	for (int i = 0; i < FLOW_MAX_VLANS && layout_is_tpid(layout_load16(frame + end - 2)) &&
			m->data_len >= end + 4;
	     i++)
		end += 4;
	static const uint8_t snap[6] = {LLC_SNAP_SAP, LLC_SNAP_SAP, LLC_CONTROL_UI, 0, 0, 0};
	bool is_length = get_be16(frame + end - 2) < ETHERTYPE_MIN;
	if (is_length && m->data_len >= end + sizeof(struct llc_snap_hdr) &&
	    !memcmp(frame + end, snap, sizeof(snap)) && get_be16(frame + end + 6) >= ETHERTYPE_MIN)
		end += sizeof(struct llc_snap_hdr);
	be16_t type = layout_load16(frame + end - 2);
	if (end > ETH_HDR_BYTES)
		cut_out(m, ETH_HDR_BYTES, end - ETH_HDR_BYTES);
	blank(rte_pktmbuf_mtod(m, uint8_t *), type);
	mbuf_meta(m)->bare = 1;
	return true;
}

static bool push_eth(struct rte_mbuf *m, const struct dpact_push_eth *a)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	if (!mbuf_meta(m)->bare)
		return false;
	memcpy(frame, a->dst, 6);
	memcpy(frame + 6, a->src, 6);
	mbuf_meta(m)->bare = 0;
	return true;
}

// What NSH calls the packet; 0: it has no name for it.
static uint8_t next_protocol(struct rte_mbuf *m)
{
	if (!mbuf_meta(m)->bare)
		return NSH_P_ETHERNET;
	switch (be16toh(type_of(m))) {
	case ETHERTYPE_IPV4:
		return NSH_P_IPV4;
	case ETHERTYPE_IPV6:
		return NSH_P_IPV6;
	case ETHERTYPE_NSH:
		return NSH_P_NSH;
	}
	return 0;
}

static bool push_nsh(struct rte_mbuf **m, const struct dpact_push_nsh *a,
		     enum dp_drop_reason *reason)
{
	uint8_t next = next_protocol(*m);
	uint32_t len = sizeof(struct nsh_hdr) + a->md_len;
	if (!next)
		return false;
	uint8_t *at = put_in_front(m, len, BE16(ETHERTYPE_NSH));
	if (!at) {
		*reason = DP_DROP_NO_BUFFER;
		return false;
	}
	struct nsh_hdr nsh = {
		.ver_flags_ttl_len = htobe16((uint16_t)((unsigned int)a->flags << 12 |
							(unsigned int)a->ttl << 6 | len / 4)),
		.md_type = a->mdtype,
		.next = next,
		.path = a->path_hdr,
	};
	memcpy(at, &nsh, sizeof(nsh));
	memcpy(at + sizeof(nsh), a->md, a->md_len);
	return true;
}

// The length of the header, if it is one and all of it can be read; 0: not so.
static uint32_t nsh_length(const struct rte_mbuf *m, const uint8_t *at)
{
	uint32_t left = m->data_len - ETH_HDR_BYTES;
	if (left < sizeof(struct nsh_hdr))
		return 0;
	uint32_t len = 4u * (get_be16(at) & NSH_LEN_MASK);
	return get_be16(at) & NSH_VERSION_MASK || len < sizeof(struct nsh_hdr) || len > left ? 0
											     : len;
}

static bool pop_nsh(struct rte_mbuf *m)
{
	static const uint16_t types[] = {[NSH_P_IPV4] = ETHERTYPE_IPV4,
					 [NSH_P_IPV6] = ETHERTYPE_IPV6,
					 [NSH_P_NSH] = ETHERTYPE_NSH};
	const uint8_t *nsh = rte_pktmbuf_mtod(m, const uint8_t *) + ETH_HDR_BYTES;
	uint32_t len =
		mbuf_meta(m)->bare && type_of(m) == BE16(ETHERTYPE_NSH) ? nsh_length(m, nsh) : 0;
	if (!len)
		return false;
	uint8_t next = nsh[3];
	if (next < NSH_P_IPV4 || next > NSH_P_NSH)
		return false;
	if (next == NSH_P_ETHERNET) { // in front of the inner header, no blank is needed
		if (m->data_len < ETH_HDR_BYTES + len + ETH_HDR_BYTES)
			return false;
		cut_out(m, 0, ETH_HDR_BYTES + len);
		mbuf_meta(m)->bare = 0;
		return true;
	}
	cut_out(m, 0, len);
	blank(rte_pktmbuf_mtod(m, uint8_t *), htobe16(types[next]));
	return true;
}

void encap_popped_mpls(struct rte_mbuf *m)
{
	if (!mbuf_meta(m)->bare || type_of(m) != BE16(ETHERTYPE_TEB) ||
	    m->data_len < 2 * ETH_HDR_BYTES)
		return;
	cut_out(m, 0, ETH_HDR_BYTES);
	mbuf_meta(m)->bare = 0;
}

bool encap_run(struct rte_mbuf **m, const struct dpact *a, enum dp_drop_reason *reason)
{
	*reason = DP_DROP_DECAP;
	switch ((int)a->type) {
	case DPACT_PUSH_ETH:
		return push_eth(*m, (const struct dpact_push_eth *)a);
	case DPACT_POP_ETH:
		return pop_eth(*m);
	case DPACT_PUSH_NSH:
		return push_nsh(m, (const struct dpact_push_nsh *)a, reason);
	case DPACT_POP_NSH:
		return pop_nsh(*m);
	case DPACT_ADD_MPLS: {
		const struct dpact_push_mpls *push = (const struct dpact_push_mpls *)a;
		uint8_t *at = put_in_front(m, MPLS_HDR_BYTES, push->ethertype);
		if (at)
			memcpy(at, &push->lse, MPLS_HDR_BYTES);
		*reason = DP_DROP_NO_BUFFER;
		return at;
	}
	}
	return false;
}
