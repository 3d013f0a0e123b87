/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/packet_hash.h"

#include "base/hash.h"
#include "dp/user/layout.h"
#include "dp/user/packet.h"
#include "packet/headers.h"

// In this order; all zero where the packet has none. Symmetric: source and destination added up.
struct hashed {
	union flow_in6 address[2];
	be16_t port[2];
	be16_t dl_type;
	uint8_t proto, pad;
	uint8_t mac[2][6];
};

static uint32_t finish(struct hashed *h, uint32_t algorithm, uint32_t basis)
{
	if (algorithm == 1) { // what both directions share
		for (int i = 0; i < 2; i++)
			h->address[0].d[i] ^= h->address[1].d[i];
		for (int i = 0; i < 6; i++)
			h->mac[0][i] ^= h->mac[1][i];
		h->port[0] ^= h->port[1];
		memset(&h->address[1], 0, sizeof(h->address[1]));
		memset(h->mac[1], 0, sizeof(h->mac[1]));
		h->port[1] = 0;
	}
	uint32_t hash = (uint32_t)(hash_bytes(h, sizeof(*h), basis) >> 32);
	return hash ? hash : 1;
}

uint32_t packet_hash_flow(const struct flow *f, uint32_t algorithm, uint32_t basis)
{
	struct hashed h;
	memset(&h, 0, sizeof(h));
	h.dl_type = f->dl_type;
	if (f->dl_type == BE16(ETHERTYPE_IPV4)) {
		h.address[0].w[0] = f->nw_src;
		h.address[1].w[0] = f->nw_dst;
	} else if (f->dl_type == BE16(ETHERTYPE_IPV6)) {
		h.address[0] = f->ipv6_src;
		h.address[1] = f->ipv6_dst;
	} else {
		memcpy(h.mac[0], f->dl_src, 6);
		memcpy(h.mac[1], f->dl_dst, 6);
	}
	if (f->dl_type == BE16(ETHERTYPE_IPV4) || f->dl_type == BE16(ETHERTYPE_IPV6)) {
		h.proto = f->nw_proto;
		// All fragments of a packet go one way, and only the first has ports.
		if (!f->nw_frag && (f->nw_proto == IP_PROTO_TCP || f->nw_proto == IP_PROTO_UDP ||
				    f->nw_proto == IP_PROTO_SCTP)) {
			h.port[0] = f->tp_src;
			h.port[1] = f->tp_dst;
		}
	}
	return finish(&h, algorithm, basis);
}

// The same, straight from the bytes of a regular frame of IP.
static void hashed_from_frame(struct hashed *h, const uint8_t *frame, uint32_t layout)
{
	const uint8_t *l3 = frame + layout_l3_offset(layout),
		      *l4 = frame + layout_l4_offset(layout);
	memset(h, 0, sizeof(*h));
	if (layout_l3(layout) == LAYOUT_L3_IPV4) {
		h->dl_type = BE16(ETHERTYPE_IPV4);
		h->proto = l3[9];
		memcpy(&h->address[0], l3 + 12, 4);
		memcpy(&h->address[1], l3 + 16, 4);
	} else {
		h->dl_type = BE16(ETHERTYPE_IPV6);
		h->proto = l3[6];
		memcpy(h->address, l3 + 8, 32);
	}
	bool ports = layout_l4(layout) == LAYOUT_L4_PORTS || layout_l4(layout) == LAYOUT_L4_TCP;
	if (ports && !(layout & LAYOUT_FRAG))
		memcpy(h->port, l4, 4);
}

uint32_t packet_hash(struct rte_mbuf *m, uint32_t algorithm, uint32_t basis)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t layout =
		mbuf_meta(m)->bare ? LAYOUT_ODD : layout_classify(frame, m->data_len, m->pkt_len);
	if (layout != LAYOUT_ODD &&
	    (layout_l3(layout) == LAYOUT_L3_IPV4 || layout_l3(layout) == LAYOUT_L3_IPV6)) {
		struct hashed h;
		hashed_from_frame(&h, frame, layout);
		return finish(&h, algorithm, basis);
	}
	struct flow f;
	memset(&f, 0, sizeof(f));
	packet_extract(m, &f);
	return packet_hash_flow(&f, algorithm, basis);
}
