/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/packet_hash.h"

#include "base/hash.h"
#include "dp/user/packet.h"
#include "flow/flow.h"
#include "packet/headers.h"

// In this order; all zero where the packet has none. Symmetric: source and destination added up.
struct hashed {
	union flow_in6 address[2];
	be16_t port[2];
	be16_t dl_type;
	uint8_t proto, pad;
	uint8_t mac[2][6];
};

static uint32_t finish(const struct hashed *h, uint32_t basis)
{
	uint32_t hash = (uint32_t)(hash_bytes(h, sizeof(*h), basis) >> 32);
	return hash ? hash : 1;
}

uint32_t packet_hash(struct rte_mbuf *m, uint32_t algorithm, uint32_t basis)
{
	struct flow f;
	struct hashed h;
	memset(&f, 0, sizeof(f));
	memset(&h, 0, sizeof(h));
	packet_extract(m, &f);
	h.dl_type = f.dl_type;
	if (f.dl_type == BE16(ETHERTYPE_IPV4)) {
		h.address[0].w[0] = f.nw_src;
		h.address[1].w[0] = f.nw_dst;
	} else if (f.dl_type == BE16(ETHERTYPE_IPV6)) {
		h.address[0] = f.ipv6_src;
		h.address[1] = f.ipv6_dst;
	} else {
		memcpy(h.mac[0], f.dl_src, 6);
		memcpy(h.mac[1], f.dl_dst, 6);
	}
	if (f.dl_type == BE16(ETHERTYPE_IPV4) || f.dl_type == BE16(ETHERTYPE_IPV6)) {
		h.proto = f.nw_proto;
		// All fragments of a packet go one way, and only the first has ports.
		if (!f.nw_frag && (f.nw_proto == IP_PROTO_TCP || f.nw_proto == IP_PROTO_UDP || f.nw_proto == IP_PROTO_SCTP)) {
			h.port[0] = f.tp_src;
			h.port[1] = f.tp_dst;
		}
	}
	if (algorithm == 1) { // what both directions share
		for (int i = 0; i < 2; i++)
			h.address[0].d[i] ^= h.address[1].d[i];
		for (int i = 0; i < 6; i++)
			h.mac[0][i] ^= h.mac[1][i];
		h.port[0] ^= h.port[1];
		memset(&h.address[1], 0, sizeof(h.address[1]));
		memset(h.mac[1], 0, sizeof(h.mac[1]));
		h.port[1] = 0;
	}
	return finish(&h, basis);
}
