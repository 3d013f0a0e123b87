/* SPDX-License-Identifier: Apache-2.0 */
// A change of queues, descriptors or MTU stops the device. That happens when the datapath opens
// queue 0 anew: no thread receives from it then, and those that send find it not running under
// their queue's lock.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "netdev/dpdk.h"
#include "netdev/dpdk_dev.h"
#include "netdev/mbuf.h"
#include "packet/pcap.h"

enum {
	FRAME_EXTRA = 26,
	AF_XDP_TRIES = 6,
	AF_XDP_PAUSE_US = 30000,
	TAKE_BACK_TRIES = 5,
	TAKE_BACK_PAUSE_US = 500
};

// The driver of AF_XDP takes back what was sent when it sends again. The kernel is done with the
// last of it soon, if the other end lives.
static void take_back_sent(struct dpdk_dev *dev)
{
	for (unsigned int i = 0; i < TAKE_BACK_TRIES; i++) {
		for (unsigned int q = 0; q < dev->n_txq; q++)
			(void)rte_eth_tx_burst(dev->port, (uint16_t)q, NULL, 0);
		if (rte_mempool_in_use_count(dev->pool) <= dev->kept)
			return;
		usleep(TAKE_BACK_PAUSE_US);
	}
}

void dpdk_halt(struct dpdk_dev *dev)
{
	if (!atomic_exchange(&dev->running, false))
		return;
	for (unsigned int i = 0; i < DPDK_MAX_TXQ; i++) {
		pthread_spin_lock(&dev->tx_lock[i]);
		pthread_spin_unlock(&dev->tx_lock[i]);
	}
	if (dev->kept)
		take_back_sent(dev);
	rte_eth_dev_stop(dev->port);
}

const char *dpdk_driver_words(char *log)
{
	const char *colon = strstr(log, "(): ");
	if (!*log)
		return NULL;
	log[strcspn(log, "\n")] = '\0';
	return colon && colon < log + strlen(log) ? colon + 4 : log;
}

// A pcap device that replays its file for ever keeps each of its frames as a packet.
static unsigned int replayed_frames(const char *devargs)
{
	unsigned int n = 0;
	if (!strstr(devargs, "infinite_rx=1"))
		return 0;
	for (const char *p = devargs; (p = strstr(p, "rx_pcap="));) {
		p += strlen("rx_pcap=");
		char *path = xasprintf("%.*s", (int)strcspn(p, ","), p);
		struct pcap_file *file;
		struct buf frame = BUF_INIT;
		bool end = false;
		struct error *e = pcap_file_open(path, &file);
		for (bool open = !e; open && !e && !end; n += !e && !end)
			e = pcap_file_read(file, &frame, NULL, &end);
		if (!e)
			pcap_file_close(file);
		error_free(e); // the driver will say it
		buf_done(&frame);
		free(path);
	}
	return n;
}

// The rings of AF_XDP are filled with packets that their driver forgets when it closes. Before a
// thread receives.
static unsigned int forgotten(const struct dpdk_dev *dev)
{
	bool forgets = dev->pool && !strcmp(dev->info.driver_name, "net_af_xdp");
	return forgets ? rte_mempool_in_use_count(dev->pool) : 0;
}

static struct error *make_pool(struct dpdk_dev *dev)
{
	unsigned int n = dev->up.n_rxq * dev->n_rxd + dev->n_txq * dev->n_txd + 2048;
	unsigned int replayed = replayed_frames(dev->devargs), room = MBUF_DATA_ROOM;
	unsigned int frame = (unsigned int)dev->up.mtu + FRAME_EXTRA;
	struct rte_mempool *old = dev->pool;
	unsigned int kept = forgotten(dev); // by a try that failed
	if (frame > room)
		room = (frame + 1023) / 1024 * 1024;
	// The other end of virtio_user maps the environment's memory, and no other.
	bool shared = !strcmp(dev->info.driver_name, "net_virtio_user");
	struct error *e = dpdk_pool_new(dev->up.name, n + replayed, room, shared, &dev->pool);
	if (!e && old)
		dpdk_pool_retire(old, kept);
	return e;
}

// What the device does by itself, and is asked for. A tap's driver does it in software too, and
// less of it.
static void choose_offloads(struct dpdk_dev *dev, uint64_t *offloads)
{
	static const struct {
		uint64_t offloads;
		unsigned int can;
	} all[] = {
		{RTE_ETH_TX_OFFLOAD_TCP_CKSUM, OFFLOAD_TCP_CHECKSUM},
		{RTE_ETH_TX_OFFLOAD_UDP_CKSUM, OFFLOAD_UDP_CHECKSUM},
		{RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
			 RTE_ETH_TX_OFFLOAD_MULTI_SEGS,
		 OFFLOAD_TCP4_SEGMENTS | OFFLOAD_TCP6_SEGMENTS},
	};
	uint64_t capa = strcmp(dev->info.driver_name, "net_tap") ? dev->info.tx_offload_capa : 0;
	dev->can = 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if ((capa & all[i].offloads) != all[i].offloads)
			continue;
		dev->can |= all[i].can;
		*offloads |= all[i].offloads;
	}
	if (dev->can & OFFLOAD_TCP4_SEGMENTS)
		*offloads |= capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
}

static int configure(struct dpdk_dev *dev, unsigned int n_txq)
{
	struct rte_eth_conf conf = {.rxmode.mtu = (uint32_t)dev->up.mtu,
				    .intr_conf.rxq = dev->wait.interrupts};
	conf.intr_conf.lsc = !dev->no_lsc && *dev->info.dev_flags & RTE_ETH_DEV_INTR_LSC;
	uint64_t rss = dev->info.flow_type_rss_offloads &
		       (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP);
	if (dev->up.n_rxq > 1 && rss) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = rss;
	}
	if (dev->info.max_mtu && conf.rxmode.mtu > dev->info.max_mtu)
		conf.rxmode.mtu = dev->info.max_mtu;
	conf.txmode.offloads = dev->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	choose_offloads(dev, &conf.txmode.offloads);
	int r = rte_eth_dev_configure(dev->port, (uint16_t)dev->up.n_rxq, (uint16_t)n_txq, &conf);
	__atomic_store_n(&dev->n_txq, r < 0 ? 0 : n_txq, __ATOMIC_RELAXED);
	return r;
}

static unsigned int wanted_txq(const struct dpdk_dev *dev)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int n = cpus < 1 ? 1 : (unsigned int)cpus + 1; // and the main thread
	n = n < DPDK_MAX_TXQ ? n : DPDK_MAX_TXQ;
	return n < dev->info.max_tx_queues ? n : dev->info.max_tx_queues;
}

static struct error *start_silently(struct dpdk_dev *dev)
{
	const char *name = dev->up.name;
	int r = configure(dev, wanted_txq(dev));
	if (r < 0) // some have as many one way as the other
		r = configure(dev, dev->up.n_rxq);
	if (r < 0)
		return error_errno(-r,
				   "%s: the device cannot be configured with %u receive queues and "
				   "an MTU of %d",
				   name, dev->up.n_rxq, dev->up.mtu);
	uint16_t rxd = (uint16_t)dev->n_rxd, txd = (uint16_t)dev->n_txd;
	rte_eth_dev_adjust_nb_rx_tx_desc(dev->port, &rxd, &txd);
	struct error *e = make_pool(dev);
	if (e)
		return error_wrap(e, "%s", name);
	int socket = rte_eth_dev_socket_id(dev->port);
	for (unsigned int q = 0; q < dev->n_txq && !r; q++)
		r = rte_eth_tx_queue_setup(dev->port, (uint16_t)q, txd, (unsigned int)socket, NULL);
	for (unsigned int q = 0; q < dev->up.n_rxq && !r; q++)
		r = rte_eth_rx_queue_setup(dev->port, (uint16_t)q, rxd, (unsigned int)socket, NULL,
					   dev->pool);
	if (r < 0)
		return error_errno(-r, "%s: the device refuses its queues", name);
	r = rte_eth_dev_start(dev->port);
	if (r < 0)
		return error_errno(-r, "%s: the device does not start", name);
	return NULL;
}

static struct error *try_start(struct dpdk_dev *dev)
{
	dpdk_log_start();
	struct error *e = start_silently(dev);
	char *log = dpdk_log_take();
	const char *words = dpdk_driver_words(log);
	struct error *more = e && words ? error_new("%s (%s)", error_text(e), words) : NULL;
	free(log);
	if (!more)
		return e;
	error_free(e);
	return more;
}

// First with receive interrupts. There is no way to know but to try. Not so with AF_XDP: its driver
// takes what a try has put into the kernel's rings for granted in the next one, whose rings are
// new; all packets then come in one and the same buffer.
static struct error *start_once(struct dpdk_dev *dev, bool is_xdp)
{
	bool quietly = is_xdp; // Interface.error has its words
	struct dpdk_fds before;
	dpdk_halt(dev);
	if (dev->reset)
		(void)rte_eth_dev_reset(dev->port); // where it fails, starting says why
	dev->reset = false;
	dpdk_fds_take(&before);
	dpdk_log_mute(quietly);
	dev->wait.interrupts = true;
	dev->wait.n_sockets = dev->wait.n_probed;
	struct error *e = try_start(dev);
	dpdk_log_mute(true); // having none is no error
	if (!e && rte_eth_dev_rx_intr_ctl_q_get_fd(dev->port, 0) < 0)
		dev->wait.interrupts = false;
	dpdk_log_mute(quietly);
	if (e && !is_xdp) {
		error_free(e);
		dev->wait.interrupts = false;
		e = try_start(dev);
	}
	dpdk_log_mute(false);
	dpdk_wait_add_sockets(&dev->wait, &before); // also those of a failed try, to be closed
	dev->kept = forgotten(dev);
	if (e)
		return e;
	(void)rte_eth_promiscuous_enable(dev->port); // a virtual device may have no such thing
	(void)rte_eth_allmulticast_enable(dev->port);
	dev->dirty = dev->up.restart = false;
	atomic_store(&dev->running, true);
	dpdk_refresh_link(&dev->up);
	netdev_changed(&dev->up); // its status did
	return NULL;
}

// A queue of AF_XDP that was closed stays busy for a while, and the driver cannot try again with
// what it opened.
struct error *dpdk_start_device(struct dpdk_dev *dev)
{
	bool is_xdp = !strcmp(dev->info.driver_name, "net_af_xdp");
	struct error *e = start_once(dev, is_xdp);
	bool busy = e && is_xdp;
	for (int tries = AF_XDP_TRIES; busy && e && tries; tries--) {
		struct error *again = dpdk_reattach(dev, AF_XDP_PAUSE_US);
		error_free(e);
		e = again ? again : start_once(dev, true);
		busy = !again;
	}
	return e;
}
