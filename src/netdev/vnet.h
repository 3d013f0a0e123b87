/* SPDX-License-Identifier: Apache-2.0 */
// The virtio network header that taps and packet sockets put before a frame, and its meaning in a
// packet's ol_flags: partial checksums and segmentation (virtio 1.2, section 5.1.6). Host byte
// order, as the kernel uses on this machine.
#pragma once
#include <linux/virtio_net.h>
#include <rte_mbuf.h>
#include <stdbool.h>

// Offload fields of a received packet from its header. `shift`: bytes that were put into the
// Ethernet header since (a VLAN tag). The header is the kernel's, but what lies behind it is the
// sender's: false when they contradict each other. Any thread.
bool vnet_decode(struct rte_mbuf *, const struct virtio_net_hdr *, unsigned int shift);
// The header for sending. Any thread.
void vnet_encode(const struct rte_mbuf *, struct virtio_net_hdr *);
// Completes a partial checksum in software, for a port or reader that takes only finished frames.
// Segmentation is not done: the frame stays large. Nothing happens to other packets. Any thread.
void vnet_finish_checksum(struct rte_mbuf *);
// The same for SCTP, whose checksum is a CRC: no port of ours takes it unfinished, so who receives
// such a packet finishes it.
void vnet_finish_sctp(struct rte_mbuf *);
