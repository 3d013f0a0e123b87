/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netdev/vnet.h"

enum { TUN_USO4 = 0x20, TUN_USO6 = 0x40 }; // TUN_F_USO*, which older headers lack

struct error *tun_open(const char *name, int *out)
{
	if (strlen(name) >= IFNAMSIZ)
		return error_errno(ENAMETOOLONG, "%s: a device's name has at most %d characters",
				   name, IFNAMSIZ - 1);
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_errno(errno, "/dev/net/tun");
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	struct error *e = NULL;
	int header = sizeof(struct virtio_net_hdr);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		e = error_errno(errno, "%s: creating the tap", name);
	else if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		e = error_errno(errno, "%s: vnet headers", name);
	if (e) {
		close(fd);
		return e;
	}
	// What the kernel may leave to us. An older one does not know UDP segmentation; without any
	// it does all the work itself.
	unsigned long offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	if (ioctl(fd, TUNSETOFFLOAD, offloads | TUN_USO4 | TUN_USO6) < 0)
		(void)ioctl(fd, TUNSETOFFLOAD, offloads);
	*out = fd;
	return NULL;
}

void tun_set_persistent(int fd, bool persistent)
{
	(void)ioctl(fd, TUNSETPERSIST, persistent ? 1 : 0);
}

static bool is_own_netns(int netns)
{
	struct stat own, other;
	return !stat("/proc/thread-self/ns/net", &own) && !fstat(netns, &other) &&
	       own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

bool tun_whereabouts(int fd, char name[IFNAMSIZ], int *netns)
{
	struct ifreq ifr = {.ifr_flags = 0};
	*netns = -1;
	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return false;
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	*netns = ioctl(fd, TUNGETDEVNETNS);
	if (*netns >= 0 && is_own_netns(*netns)) {
		close(*netns);
		*netns = -1;
	}
	return true;
}

int tun_rx_burst(struct burst *b, int fd, struct rte_mbuf **packets, unsigned int n,
		 unsigned int *bad)
{
	n = burst_begin(b, n);
	unsigned int used = 0, n_packets = 0;
	bool gone = false;
	while (used < n) {
		ssize_t r = readv(fd, b->iov[used], 3);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			gone = r < 0 && errno == EBADFD;
			break;
		}
		struct rte_mbuf *m = burst_packet(b, used++, (size_t)r, 0);
		if (m)
			packets[n_packets++] = m;
		else
			++*bad;
	}
	burst_end(b, used);
	return gone && !n_packets ? -ENODEV : (int)n_packets;
}

enum { PIECES_MAX = 64 };

static bool send_one(int fd, const struct rte_mbuf *m)
{
	struct virtio_net_hdr vnet;
	struct iovec iov[PIECES_MAX];
	if (m->nb_segs + 1u > PIECES_MAX)
		return false;
	vnet_encode(m, &vnet);
	int n = 0;
	iov[n++] = (struct iovec){&vnet, sizeof(vnet)};
	for (; m; m = m->next)
		iov[n++] = (struct iovec){rte_pktmbuf_mtod(m, void *), m->data_len};
	ssize_t r;
	do {
		r = writev(fd, iov, n);
	} while (r < 0 && errno == EINTR);
	return r >= 0;
}

unsigned int tun_tx_burst(int fd, struct rte_mbuf **packets, unsigned int n)
{
	unsigned int sent = 0;
	for (unsigned int i = 0; i < n; i++)
		sent += send_one(fd, packets[i]);
	rte_pktmbuf_free_bulk(packets, n);
	return sent;
}
