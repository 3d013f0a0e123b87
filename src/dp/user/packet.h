/* SPDX-License-Identifier: Apache-2.0 */
// Copies of packets. A packet that will not change any more may be shared by reference
// (rte_pktmbuf_refcnt_update): devices only read what they send. One that changes later is copied:
// its first segment, where all headers are; what follows is attached.
#pragma once
#include <stdint.h>

#include "netdev/mbuf.h"

struct dp_meta;

// At most max_len bytes of it, with its metadata; NULL: the pool is empty.
struct rte_mbuf *packet_copy(const struct rte_mbuf *, uint32_t max_len);
// The packet itself when nobody else has it, else a copy, and the reference is given up; NULL: the
// pool is empty, and it was freed.
struct rte_mbuf *packet_writable(struct rte_mbuf *);
// One more reference.
static inline struct rte_mbuf *packet_share(struct rte_mbuf *m)
{
	rte_pktmbuf_refcnt_update(m, 1);
	return m;
}
void packet_set_meta(struct rte_mbuf *, const struct dp_meta *);
void packet_get_meta(struct rte_mbuf *, struct dp_meta *); // the layout apart
struct flow;
// The headers, and whether there is an Ethernet header: packet_type.
void packet_extract(struct rte_mbuf *, struct flow *);
// Bytes of the frame in front of the packet: those of the blank Ethernet header of one that has
// none.
static inline uint32_t packet_blank_bytes(struct rte_mbuf *m)
{
	return mbuf_meta(m)->bare ? 14 : 0;
}
// Is it, with its VLAN tags, larger than the MTU that `max_frame` (MTU and Ethernet header) stands
// for? It is longer than max_frame.
bool packet_is_too_large(const struct rte_mbuf *, uint32_t max_frame);
// Bytes of the frame, or of each of the frames that it will be cut into.
uint32_t packet_wire_len(const struct rte_mbuf *);
// The whole frame as one piece; `room` holds pkt_len bytes and is used only when it is in several.
const uint8_t *packet_linear(const struct rte_mbuf *, void *room);
