/* SPDX-License-Identifier: Apache-2.0 */
// The packet of the userspace datapath: struct rte_mbuf, whichever port it came from, with our
// metadata in its private area. Offload requests use DPDK's own fields: ol_flags
// (RTE_MBUF_F_TX_TCP_SEG, _TCP_CKSUM, _UDP_CKSUM, _IPV4, _IPV6; RX_*_CKSUM_*), l2_len, l3_len,
// l4_len, tso_segsz. A packet with a partial checksum (virtio's NEEDS_CSUM) carries
// RTE_MBUF_F_TX_*_CKSUM and the pseudo-header sum in its checksum field from the moment it is
// received; l2_len + l3_len is where its L4 header starts, so who makes the Ethernet header longer
// or shorter adds to l2_len. The first segment holds at least the first MBUF_HEADERS bytes of the
// frame (or all of it), so header access never crosses segments. A second segment, if any, is a
// large external buffer: a 64 KB frame is a chain of two.
#pragma once
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum {
	MBUF_HEADERS = 256,
	MBUF_DATA_ROOM = 2048,
	MBUF_BIG_ROOM = 65536,				     // of an external buffer
	MBUF_MAX_FRAME = MBUF_DATA_ROOM + MBUF_BIG_ROOM - 1, // one segment's length has 16 bits
};

struct mbuf_meta { // in the private area; written by the datapath thread that owns the packet
	uint32_t in_port;
	uint32_t recirc_id, dp_hash, skb_priority, pkt_mark;
	uint16_t layout;	       // dp/user/key.h
	uint16_t l3_offset, l4_offset; // from the start of the frame; 0: none
	uint16_t bare; // not 0: the packet has no Ethernet header; the one in the frame is a blank
	uint64_t reserved[4];
} __attribute__((aligned(16)));

static inline struct mbuf_meta *mbuf_meta(struct rte_mbuf *m)
{
	return (struct mbuf_meta *)rte_mbuf_to_priv(m);
}

// Starts DPDK's environment without hugepages, PCI or drivers, once; later calls do nothing. Main
// thread, after daemonizing (it starts a thread). Keeps the thread's CPU affinity. An error names
// what to change.
struct error *mbuf_env_start(void) MUST_CHECK;
// Gives the calling thread caches of its own in the pools, which make taking and freeing packets
// cheap; a thread that polls ports calls it first, and mbuf_thread_stop() last. It works without,
// slower. After mbuf_env_start(). Not for the main thread, which has them.
void mbuf_thread_start(void);
void mbuf_thread_stop(void);
// The pool all ports without one of their own draw on; NULL before mbuf_env_start(). MBUF_DATA_ROOM
// bytes of data behind the usual headroom; larger frames are chains. Any thread.
struct rte_mempool *mbuf_pool(void);
// A packet with a copy of the frame (chained when needed), its metadata zero; NULL when the pool is
// empty or the frame is longer than MBUF_MAX_FRAME. Any thread.
struct rte_mbuf *mbuf_from_bytes(const void *frame, size_t n);

// For receiving into: takes exactly n bare packets (of mbuf_pool(), not reset) and n external
// buffers of MBUF_BIG_ROOM bytes, or nothing and false. Any thread.
bool mbuf_take_bare(struct rte_mbuf **bare, void **big, unsigned int n);
// Give back those that were not used. mbuf_give_big() skips NULL.
void mbuf_give_bare(struct rte_mbuf **bare, unsigned int n);
void mbuf_give_big(void **big, unsigned int n);
// Makes a packet of `len` bytes out of a bare one whose data (behind the usual headroom) was
// filled, and of the external buffer, which holds what did not fit into MBUF_DATA_ROOM. *big is
// NULL afterwards when it became part of the packet; else it is still the caller's. Metadata and
// offload fields are zero. NULL (and `bare` is freed) when the pool is empty.
struct rte_mbuf *mbuf_finish_bare(struct rte_mbuf *bare, void **big, uint32_t len);
static inline void *mbuf_bare_data(struct rte_mbuf *bare)
{
	return (char *)bare->buf_addr + RTE_PKTMBUF_HEADROOM;
}
