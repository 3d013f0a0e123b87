/* SPDX-License-Identifier: Apache-2.0 */
// The packet of the userspace datapath: struct rte_mbuf, whichever port it came from, with our metadata in its private area.
// Offload requests use DPDK's own fields: ol_flags (RTE_MBUF_F_TX_TCP_SEG, _TCP_CKSUM, _UDP_CKSUM, _IPV4, _IPV6; RX_*_CKSUM_*),
// l2_len, l3_len, l4_len, tso_segsz. A packet with a partial checksum (virtio's NEEDS_CSUM) carries RTE_MBUF_F_TX_*_CKSUM and the
// pseudo-header sum in its checksum field from the moment it is received. The first segment holds at least the first
// MBUF_HEADERS bytes of the frame (or all of it), so header access never crosses segments.
#pragma once
#include <rte_mbuf.h>
#include <stdint.h>

#include "base/error.h"

enum { MBUF_HEADERS = 256, MBUF_DATA_ROOM = 2048 };

struct mbuf_meta { // in the private area; written by the datapath thread that owns the packet
	uint32_t in_port;
	uint32_t recirc_id, dp_hash, skb_priority, pkt_mark;
	uint16_t layout;	       // dp/user/key.h
	uint16_t l3_offset, l4_offset; // from the start of the frame; 0: none
	uint16_t cutlen;	       // trunc: bytes to cut off at the next output
	uint64_t reserved[4];
} __attribute__((aligned(16)));

static inline struct mbuf_meta *mbuf_meta(struct rte_mbuf *m)
{
	return (struct mbuf_meta *)rte_mbuf_to_priv(m);
}

// Starts DPDK's environment without hugepages, PCI or drivers, once; later calls do nothing. Main thread. Keeps the thread's CPU
// affinity. An error names what to change.
struct error *mbuf_env_start(void) MUST_CHECK;
// The pool all ports without one of their own draw on; NULL before mbuf_env_start(). MBUF_DATA_ROOM bytes of data behind the
// usual headroom; larger frames are chains. Any thread.
struct rte_mempool *mbuf_pool(void);
// A packet with a copy of the frame (chained when needed), or NULL when the pool is empty. Any thread.
struct rte_mbuf *mbuf_from_bytes(const void *frame, size_t n);
