/* SPDX-License-Identifier: Apache-2.0 */
// Receiving frames of any size into packets: each frame is offered a vnet header, a bare packet and
// an external buffer. What taps and packet sockets have in common. Belongs to the thread of its
// queue.
#pragma once
#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "netdev/mbuf.h"

enum { BURST_MAX = 32 };

struct burst {
	struct rte_mbuf *bare[BURST_MAX];
	void *big[BURST_MAX];
	struct virtio_net_hdr vnet[BURST_MAX];
	struct iovec iov[BURST_MAX][3];
	unsigned int n;	   // slots prepared now
	unsigned int want; // how many to prepare the next time
};

void burst_init(struct burst *);
// Prepares up to n slots; how many. 0: no packets left in the pool.
unsigned int burst_begin(struct burst *, unsigned int n);
// Slot i received `bytes`, the vnet header included. A packet, or NULL when it is no frame, or
// contradicts its header. `tag` is a VLAN tag that the kernel took out (TPID << 16 | TCI); 0: none.
struct rte_mbuf *burst_packet(struct burst *, unsigned int i, size_t bytes, uint32_t tag);
// Slots from `used` on received nothing. Gives back what is left over.
void burst_end(struct burst *, unsigned int used);
