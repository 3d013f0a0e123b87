/* SPDX-License-Identifier: Apache-2.0 */
// How a device of DPDK can wake the thread that polls it: by its receive interrupts, or, where its
// driver keeps a packet socket per queue without telling, by that socket. Main thread but for
// arming.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { DPDK_WAIT_SOCKETS = 64, DPDK_WAIT_BPF = 64 };

struct dpdk_wait {
	uint16_t port;
	bool interrupts; // the device was configured with them
	int sockets[DPDK_WAIT_SOCKETS];
	unsigned int n_sockets, n_probed; // some are opened with the device, others when it starts
	// Maps and programs of BPF that the driver loaded, by their numbers in the kernel.
	struct {
		int fd;
		uint32_t id;
	} bpf[DPDK_WAIT_BPF];
	unsigned int n_bpf;
};

// Around whatever makes the driver open its sockets. The snapshot is the caller's memory.
struct dpdk_fds {
	uint64_t open[1024 / 64];
};
void dpdk_fds_take(struct dpdk_fds *);
// Adds the packet and XDP sockets that were opened since, and maps and programs of BPF.
void dpdk_wait_add_sockets(struct dpdk_wait *, const struct dpdk_fds *before);

// After the device was closed: closes what its driver and libxdp forgot: XDP sockets, which would
// keep their queues busy, maps and programs.
void dpdk_wait_close_forgotten(struct dpdk_wait *);

// As netdev_rxq_wait() and so on. A device with other than one socket per queue cannot be waited
// for.
bool dpdk_wait_start(const struct dpdk_wait *, unsigned int queue, unsigned int n_queues,
		     int epoll_fd);
void dpdk_wait_stop(const struct dpdk_wait *, unsigned int queue, int epoll_fd);
bool dpdk_wait_arm(const struct dpdk_wait *, unsigned int queue, bool on);
