/* SPDX-License-Identifier: Apache-2.0 */
// Frames of a kernel device through a packet socket, packet(7), with vnet headers, so that frames that the kernel has not segmented
// or checksummed pass as they are.
#pragma once
#include "base/error.h"
#include "netdev/burst.h"

// A socket for sending only, or for receiving too. All frames that arrive at the device, none that leave it, are received, in
// promiscuous mode.
struct error *packet_socket_open(const char *name, int ifindex, bool receive, int *fd) MUST_CHECK;

struct packet_rx; // what receiving needs; belongs to the queue's thread
struct packet_rx *packet_rx_new(void);
void packet_rx_free(struct packet_rx *);
// Up to n packets. *bad counts frames that had to be dropped. A device that is down or gone gives none.
unsigned int packet_rx_burst(struct packet_rx *, int fd, struct rte_mbuf **, unsigned int n, unsigned int *bad);
// Sends n packets and frees them. The number that the kernel took. Any thread: the kernel orders them.
unsigned int packet_tx_burst(int fd, struct rte_mbuf **, unsigned int n);
