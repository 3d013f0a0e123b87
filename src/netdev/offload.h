/* SPDX-License-Identifier: Apache-2.0 */
// What a sender left to the device and the device cannot do, done here: checksums are completed,
// and TCP and UDP packets that are larger than a frame are cut into frames (generic segmentation
// offload; TCP over IPv4 and IPv6, UDP as UDP_SEGMENT of udp(7) does). Any thread.
#pragma once
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

struct rte_mempool;

enum offload { // what a device does by itself
	OFFLOAD_TCP_CHECKSUM = 1 << 0,
	OFFLOAD_UDP_CHECKSUM = 1 << 1,
	OFFLOAD_TCP4_SEGMENTS = 1 << 2,
	OFFLOAD_TCP6_SEGMENTS = 1 << 3,
	OFFLOAD_UDP_SEGMENTS = 1 << 4,
	OFFLOAD_ALL = (1 << 5) - 1,
};

struct offload_counts {	    // relaxed atomics
	uint64_t checksums, // packets whose checksum was completed
		segmented,  // packets that were cut
		segments,   // into so many
		failed; // packets that could not be: no memory, or their headers are not what they
			// say
};

// Their names in Interface.statistics.
void offload_counts_show(const struct offload_counts *,
			 void (*cb)(void *arg, const char *name, uint64_t value), void *arg);

// Whether packets with these flags (the union of a burst's ol_flags) may need anything.
static inline bool offload_concerns(uint64_t ol_flags)
{
	return ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG);
}

typedef unsigned int offload_send(void *device, unsigned int thread, struct rte_mbuf **,
				  unsigned int n);
// Sends n packets through `send`, which takes all it gets, and of which the result is how many went
// out; here it is how many of the n did. They keep their order. Those that are not the caller's
// alone are copied before they are changed. Segments come from `pool`.
unsigned int offload_tx(void *device, unsigned int thread, struct rte_mbuf **, unsigned int n,
			unsigned int can, struct rte_mempool *pool, struct offload_counts *,
			offload_send *send);

// Cuts a packet with TCP_SEG or UDP_SEG into frames, of which `i` counts from 0; NULL: no memory.
// `plan` comes from offload_plan().
struct offload_plan {
	const struct rte_mbuf *packet;
	unsigned int headers, payload, size,
		n;		  // bytes of headers and payload; bytes per segment; segments
	bool ipv6, udp, checksum; // checksums are to be completed
};
// False: it is none that can be cut.
bool offload_plan(const struct rte_mbuf *, bool checksum, struct offload_plan *);
struct rte_mbuf *offload_segment(const struct offload_plan *, unsigned int i,
				 struct rte_mempool *pool);
