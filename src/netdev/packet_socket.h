/* SPDX-License-Identifier: Apache-2.0 */
// Frames of a kernel device through a packet socket, packet(7), with vnet headers, so that frames
// that the kernel has not segmented or checksummed pass as they are.
#pragma once
#include "base/error.h"
#include "netdev/burst.h"

// A socket that sends; it receives nothing yet.
struct error *packet_socket_open(const char *name, int ifindex, int *fd) MUST_CHECK;
// From now on all frames that arrive at the device, and none that leave it, are received, in
// promiscuous mode.
struct error *packet_socket_receive(const char *name, int ifindex, int fd) MUST_CHECK;
// Frames that were lost since the last call because nobody took them in time.
unsigned int packet_socket_take_drops(int fd);
// Closes it from a thread of its own: the kernel takes milliseconds, and a switch has many ports.
void packet_socket_close(int fd);

struct packet_rx; // what receiving needs; belongs to the queue's thread
struct packet_rx *packet_rx_new(void);
void packet_rx_free(struct packet_rx *);
// Up to n packets. *bad counts frames that had to be dropped. A device that is down or gone gives
// none.
unsigned int packet_rx_burst(struct packet_rx *, int fd, struct rte_mbuf **, unsigned int n,
			     unsigned int *bad);
// Sends n packets and frees them. The number that the kernel took. Any thread: the kernel orders
// them.
unsigned int packet_tx_burst(int fd, struct rte_mbuf **, unsigned int n);
