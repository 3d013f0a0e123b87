/* SPDX-License-Identifier: Apache-2.0 */
// Packets of DPDK's devices.
#include <errno.h>
#include <string.h>

#include "netdev/dpdk_dev.h"
#include "netdev/mbuf.h"

struct error *dpdk_rxq_open(struct netdev_rxq *up)
{
	struct dpdk_dev *dev = dpdk_cast(up->dev);
	up->fd = -1;
	if (dev->port == RTE_MAX_ETHPORTS)
		return error_errno(ENODEV, "%s: no device", up->dev->name);
	return dev->dirty || !dev->running ? dpdk_start_device(dev) : NULL;
}

void dpdk_rxq_close(struct netdev_rxq *up)
{
}

bool dpdk_rxq_wait(struct netdev_rxq *up, int epoll_fd)
{
	return dpdk_wait_start(&dpdk_cast(up->dev)->wait, up->queue, up->dev->n_rxq, epoll_fd);
}

void dpdk_rxq_forget_wait(struct netdev_rxq *up, int epoll_fd)
{
	dpdk_wait_stop(&dpdk_cast(up->dev)->wait, up->queue, epoll_fd);
}

bool dpdk_rxq_arm(struct netdev_rxq *up, bool on)
{
	return dpdk_wait_arm(&dpdk_cast(up->dev)->wait, up->queue, on);
}

// Those that read files or nothing.
bool dpdk_rxq_is_fed_from_outside(const struct netdev_rxq *up)
{
	const struct dpdk_dev *dev = dpdk_cast(up->dev);
	const char *driver = dev->info.driver_name;
	return strcmp(driver, "net_null") &&
	       (strcmp(driver, "net_pcap") || strstr(dev->devargs, "iface="));
}

int dpdk_rx(struct netdev_rxq *up, struct rte_mbuf **packets, unsigned int n)
{
	const struct dpdk_dev *dev = dpdk_cast(up->dev);
	return rte_eth_rx_burst(dev->port, (uint16_t)up->queue, packets, (uint16_t)n);
}

// What the device is to do by itself. Packets that somebody else has too are copied: drivers write
// into them. The number that is left; the others are freed.
static unsigned int prepare(struct dpdk_dev *dev, uint16_t queue, struct rte_mbuf **packets,
			    unsigned int n)
{
	unsigned int kept = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = packets[i];
		if (offload_concerns(m->ol_flags) &&
		    (rte_mbuf_refcnt_read(m) > 1 || RTE_MBUF_CLONED(m))) {
			m = rte_pktmbuf_copy(packets[i], mbuf_pool(), 0, UINT32_MAX);
			rte_pktmbuf_free(packets[i]);
		}
		if (m && m->ol_flags & RTE_MBUF_F_TX_TCP_SEG && m->ol_flags & RTE_MBUF_F_TX_IPV4 &&
		    dev->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM)
			m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
		if (m && offload_concerns(m->ol_flags) &&
		    rte_eth_tx_prepare(dev->port, queue, &m, 1) != 1) {
			__atomic_fetch_add(&dev->offloads.failed, 1, __ATOMIC_RELAXED);
			rte_pktmbuf_free(m);
			m = NULL;
		}
		if (m)
			packets[kept++] = m;
	}
	return kept;
}

static unsigned int send_all(void *device, unsigned int thread, struct rte_mbuf **packets,
			     unsigned int n)
{
	struct dpdk_dev *dev = device;
	unsigned int good = n, sent = 0;
	pthread_spinlock_t *lock;
	if (__builtin_expect(!atomic_load_explicit(&dev->running, memory_order_acquire), 0))
		goto drop;
	uint16_t queue = (uint16_t)(thread % dev->n_txq);
	if (dev->can)
		good = prepare(dev, queue, packets, n);
	lock = &dev->tx_lock[queue];
	pthread_spin_lock(lock);
	while (sent < good && atomic_load_explicit(&dev->running, memory_order_relaxed)) {
		unsigned int k =
			rte_eth_tx_burst(dev->port, queue, packets + sent, (uint16_t)(good - sent));
		if (!k)
			break;
		sent += k;
	}
	pthread_spin_unlock(lock);
drop:
	if (__builtin_expect(sent < n, 0)) {
		rte_pktmbuf_free_bulk(packets + sent, good - sent);
		__atomic_fetch_add(&dev->tx_dropped, n - sent, __ATOMIC_RELAXED);
	}
	return sent;
}

unsigned int dpdk_n_txq(const struct netdev *up)
{
	return __atomic_load_n(&dpdk_cast(up)->n_txq, __ATOMIC_RELAXED);
}

unsigned int dpdk_tx(struct netdev *up, unsigned int thread, struct rte_mbuf **packets,
		     unsigned int n)
{
	struct dpdk_dev *dev = dpdk_cast(up);
	uint64_t flags = 0;
	for (unsigned int i = 0; i < n; i++)
		flags |= packets[i]->ol_flags;
	if (__builtin_expect(!offload_concerns(flags), 1))
		return send_all(dev, thread, packets, n);
	return offload_tx(dev, thread, packets, n, dev->can, mbuf_pool(), &dev->offloads, send_all);
}
