/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/dpdk_wait.h"

#include <dirent.h>
#include <errno.h>
#include <rte_epoll.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

enum { FDS = sizeof(((struct dpdk_fds *)0)->open) * 8 };

void dpdk_fds_take(struct dpdk_fds *fds)
{
	memset(fds, 0, sizeof(*fds));
	DIR *d = opendir("/proc/self/fd");
	for (const struct dirent *entry; d && (entry = readdir(d));) {
		uint32_t fd;
		if (!parse_u32(entry->d_name, 10, &fd) && fd < FDS && (int)fd != dirfd(d))
			fds->open[fd / 64] |= UINT64_C(1) << fd % 64;
	}
	if (d)
		closedir(d);
}

static int domain_of(int fd)
{
	int domain = 0;
	socklen_t n = sizeof(domain);
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) ? 0 : domain;
}

// The number of a map or program of BPF; 0: it is none.
static uint32_t bpf_id(int fd)
{
	char path[48], line[64];
	unsigned int id = 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	FILE *f = fopen(path, "r");
	while (f && !id && fgets(line, sizeof(line), f))
		if (sscanf(line, "map_id: %u", &id) != 1)
			(void)sscanf(line, "prog_id: %u", &id);
	if (f)
		fclose(f);
	return id;
}

// One of those, maybe under another descriptor's number: closing opens some anew.
static bool is_ours(const struct dpdk_wait *w, uint32_t id)
{
	bool ours = false;
	for (unsigned int i = 0; i < w->n_bpf; i++)
		ours |= id && w->bpf[i].id == id;
	return ours;
}

void dpdk_wait_close_forgotten(struct dpdk_wait *w)
{
	for (unsigned int i = 0; i < w->n_sockets; i++) {
		if (domain_of(w->sockets[i]) != AF_XDP)
			continue;
		close(w->sockets[i]);
	}
	for (unsigned int i = 0; i < w->n_bpf; i++)
		if (is_ours(w, bpf_id(w->bpf[i].fd)))
			close(w->bpf[i].fd);
	w->n_sockets = w->n_probed = w->n_bpf = 0;
}

void dpdk_wait_add_sockets(struct dpdk_wait *w, const struct dpdk_fds *before)
{
	struct dpdk_fds now;
	dpdk_fds_take(&now);
	for (int fd = 0; fd < (int)FDS; fd++) {
		uint64_t bit = UINT64_C(1) << fd % 64;
		int domain = 0;
		socklen_t n = sizeof(domain);
		if (!(now.open[fd / 64] & bit) || before->open[fd / 64] & bit)
			continue;
		uint32_t id = bpf_id(fd);
		if (id && w->n_bpf < DPDK_WAIT_BPF) {
			w->bpf[w->n_bpf].fd = fd;
			w->bpf[w->n_bpf++].id = id;
		}
		if (w->n_sockets == DPDK_WAIT_SOCKETS ||
		    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) ||
		    (domain != AF_PACKET && domain != AF_XDP))
			continue;
		w->sockets[w->n_sockets++] = fd;
	}
}

bool dpdk_wait_start(const struct dpdk_wait *w, unsigned int queue, unsigned int n_queues,
		     int epoll_fd)
{
	if (w->interrupts)
		return !rte_eth_dev_rx_intr_ctl_q(w->port, (uint16_t)queue, epoll_fd,
						  RTE_INTR_EVENT_ADD, NULL);
	struct epoll_event event = {
		.events = EPOLLIN}; // without data: rte_epoll_wait() has nothing to do for it
	return w->n_sockets == n_queues &&
	       !epoll_ctl(epoll_fd, EPOLL_CTL_ADD, w->sockets[queue], &event);
}

void dpdk_wait_stop(const struct dpdk_wait *w, unsigned int queue, int epoll_fd)
{
	if (w->interrupts)
		rte_eth_dev_rx_intr_ctl_q(w->port, (uint16_t)queue, epoll_fd, RTE_INTR_EVENT_DEL,
					  NULL);
	else
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, w->sockets[queue], NULL);
}

bool dpdk_wait_arm(const struct dpdk_wait *w, unsigned int queue, bool on)
{
	if (!w->interrupts)
		return true;
	int r = on ? rte_eth_dev_rx_intr_enable(w->port, (uint16_t)queue)
		   : rte_eth_dev_rx_intr_disable(w->port, (uint16_t)queue);
	return !r || r == -ENOTSUP; // with an fd that needs no arming
}
