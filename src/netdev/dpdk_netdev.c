/* SPDX-License-Identifier: Apache-2.0 */
// Type "dpdk": an Ethernet device of DPDK, named by options:dpdk-devargs. Only that device is probed; it is detached with the port.
//
// A change of queues, descriptors or MTU stops the device. That happens when the datapath opens queue 0 anew: no thread receives
// from it then, and those that send find it not running under their queue's lock.
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_version.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "netdev/class.h"
#include "netdev/dpdk.h"
#include "netdev/dpdk_internal.h"
#include "netdev/dpdk_wait.h"
#include "netdev/mbuf.h"
#include "netdev/offload.h"
#include "packet/pcap.h"

enum { MAX_TXQ = 32, MAX_RXQ = 64, DESCRIPTORS = 2048, DESCRIPTORS_MAX = 4096, FRAME_EXTRA = 26 };

struct dpdk_dev {
	struct netdev up;
	// Owned by the main thread.
	char *devargs; // NULL: none yet
	uint16_t port; // RTE_MAX_ETHPORTS: none
	unsigned int n_rxd, n_txd;
	bool dirty; // options that need a restart
	struct dpdk_wait wait;
	struct rte_eth_dev_info info;
	struct rte_mempool *pool;
	// Set by main while not running.
	unsigned int n_txq;
	unsigned int can; // enum offload
	atomic_bool running;
	// Relaxed atomics.
	uint64_t tx_dropped;
	struct offload_counts offloads;
	pthread_spinlock_t tx_lock[MAX_TXQ];
};

static struct dpdk_dev *cast(const struct netdev *dev)
{
	return (struct dpdk_dev *)dev;
}

static struct error *dpdk_open(struct netdev *up)
{
	struct dpdk_dev *dev = cast(up);
	struct error *e = mbuf_env_start();
	if (e)
		return e;
	dev->port = RTE_MAX_ETHPORTS;
	dev->n_rxd = dev->n_txd = DESCRIPTORS;
	up->mtu = RTE_ETHER_MTU;
	up->up = true;
	for (unsigned int i = 0; i < MAX_TXQ; i++)
		pthread_spin_init(&dev->tx_lock[i], PTHREAD_PROCESS_PRIVATE);
	return NULL;
}

// Nobody sends after it.
static void halt(struct dpdk_dev *dev)
{
	if (!atomic_exchange(&dev->running, false))
		return;
	for (unsigned int i = 0; i < MAX_TXQ; i++) {
		pthread_spin_lock(&dev->tx_lock[i]);
		pthread_spin_unlock(&dev->tx_lock[i]);
	}
	rte_eth_dev_stop(dev->port);
}

static void detach(struct dpdk_dev *dev)
{
	if (dev->port == RTE_MAX_ETHPORTS)
		return;
	halt(dev);
	rte_eth_dev_close(dev->port);
	rte_dev_remove(dev->info.device);
	dpdk_pool_retire(dev->pool);
	dev->pool = NULL;
	dev->port = RTE_MAX_ETHPORTS;
}

static void dpdk_close(struct netdev *up)
{
	struct dpdk_dev *dev = cast(up);
	detach(dev);
	for (unsigned int i = 0; i < MAX_TXQ; i++)
		pthread_spin_destroy(&dev->tx_lock[i]);
	free(dev->devargs);
}

static void refresh_link(struct netdev *up)
{
	struct dpdk_dev *dev = cast(up);
	struct rte_eth_link link = {0};
	struct rte_ether_addr mac = {0};
	if (dev->port == RTE_MAX_ETHPORTS)
		return;
	rte_eth_link_get_nowait(dev->port, &link);
	rte_eth_macaddr_get(dev->port, &mac);
	struct netdev_state state = {.mtu = up->mtu, .up = up->up, .carrier = link.link_status};
	memcpy(state.mac, mac.addr_bytes, 6);
	netdev_update(up, &state);
}

// --- Options.

// The first line of what the driver said, without its name; NULL: nothing.
static const char *driver_words(char *log)
{
	const char *colon = strstr(log, "(): ");
	if (!*log)
		return NULL;
	log[strcspn(log, "\n")] = '\0';
	return colon && colon < log + strlen(log) ? colon + 4 : log;
}

static struct error *probe_error(const char *devargs, int r, char *log)
{
	const char *why = strerror(r);
	if (r == EFAULT) {
		why = "there is no driver of that name";
	} else if (*log && r != ENODEV && r != ENOENT) {
		why = driver_words(log);
	} else if (r == ENODEV || r == ENOENT) {
		why = "no such device, or no driver for it is bound: see dpdk-devbind.py --status";
	} else if (r == EINVAL) {
		why = "the device arguments are not what its driver takes";
	}
	struct error *e = error_new("Error attaching device '%s' to DPDK (%s)", devargs, why);
	free(log);
	return e;
}

static struct error *attach(struct dpdk_dev *dev, const char *devargs)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_dev_iterator iterator;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(devargs, ","), devargs);
	if (!rte_eth_dev_get_port_by_name(name, &dev->port)) {
		dev->port = RTE_MAX_ETHPORTS;
		return error_errno(EBUSY, "DPDK device '%s' is in use by another port", name);
	}
	dev->port = RTE_MAX_ETHPORTS;
	struct error *e = dpdk_load_driver(devargs);
	if (e)
		return e;
	struct dpdk_fds before;
	dpdk_fds_take(&before);
	dpdk_log_start();
	int r = rte_dev_probe(devargs);
	char *log = dpdk_log_take();
	if (r < 0)
		return probe_error(devargs, -r, log);
	free(log);
	if (rte_eth_dev_get_port_by_name(name, &dev->port)) {
		dev->port = RTE_MAX_ETHPORTS;
		uint16_t port;
		RTE_ETH_FOREACH_MATCHING_DEV (port, devargs, &iterator)
			dev->port = dev->port == RTE_MAX_ETHPORTS ? port : dev->port;
	}
	if (dev->port == RTE_MAX_ETHPORTS)
		return error_new("Error attaching device '%s' to DPDK (it is no network device)", devargs);
	dev->wait = (struct dpdk_wait){.port = dev->port};
	dpdk_wait_add_sockets(&dev->wait, &before);
	dev->wait.n_probed = dev->wait.n_sockets;
	r = rte_eth_dev_info_get(dev->port, &dev->info);
	if (r < 0)
		return error_errno(-r, "DPDK device '%s' does not say what it is", devargs);
	return NULL;
}

struct number {
	const char *key;
	unsigned int min, max, otherwise;
};

static unsigned int number_option(struct netdev_options options, struct number n,
				  void (*complain)(void *arg, const char *text), void *arg)
{
	const char *text = netdev_option_find(options, n.key);
	uint32_t value;
	if (!text)
		return n.otherwise;
	if (!parse_u32(text, 0, &value) && value >= n.min && value <= n.max)
		return value;
	char *why = xasprintf("options:%s is \"%s\": a number from %u to %u is wanted; %u is used", n.key, text, n.min, n.max,
			      n.otherwise);
	complain(arg, why);
	free(why);
	return n.otherwise;
}

static void set_number(struct dpdk_dev *dev, unsigned int *field, unsigned int value)
{
	if (*field != value) {
		*field = value;
		dev->dirty = dev->up.restart = true;
	}
}

static struct error *dpdk_set_options(struct netdev *up, struct netdev_options options,
				      void (*complain)(void *arg, const char *text), void *arg)
{
	static const char *const known[] = {"dpdk-devargs", "n_rxq", "n_rxq_desc", "n_txq_desc", NULL};
	struct dpdk_dev *dev = cast(up);
	netdev_complain_unknown(up, options, known, complain, arg);
	const char *devargs = netdev_option_find(options, "dpdk-devargs");
	if (!devargs || !*devargs)
		return error_errno(EINVAL, "'%s' is missing 'options:dpdk-devargs'. The old 'dpdk<port_id>' names are not supported",
				   up->name);
	if (dev->devargs && strcmp(dev->devargs, devargs))
		return error_errno(EAGAIN, "%s: another device is asked for", up->name);
	if (dev->port == RTE_MAX_ETHPORTS) {
		struct error *e = attach(dev, devargs);
		if (e) {
			detach(dev);
			return e;
		}
		free(dev->devargs);
		dev->devargs = xstrdup(devargs);
		dev->dirty = true;
		refresh_link(up);
	}
	unsigned int rxq_max = dev->info.max_rx_queues < MAX_RXQ ? dev->info.max_rx_queues : MAX_RXQ;
	set_number(dev, &up->n_rxq, number_option(options, (struct number){"n_rxq", 1, rxq_max ? rxq_max : 1, 1}, complain, arg));
	set_number(dev, &dev->n_rxd,
		   number_option(options, (struct number){"n_rxq_desc", 1, DESCRIPTORS_MAX, DESCRIPTORS}, complain, arg));
	set_number(dev, &dev->n_txd,
		   number_option(options, (struct number){"n_txq_desc", 1, DESCRIPTORS_MAX, DESCRIPTORS}, complain, arg));
	return NULL;
}

// --- Starting the device.

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

static struct error *make_pool(struct dpdk_dev *dev)
{
	unsigned int n = dev->up.n_rxq * dev->n_rxd + dev->n_txq * dev->n_txd + 2048;
	unsigned int replayed = replayed_frames(dev->devargs), room = MBUF_DATA_ROOM;
	unsigned int frame = (unsigned int)dev->up.mtu + FRAME_EXTRA;
	struct rte_mempool *old = dev->pool;
	if (frame > room)
		room = (frame + 1023) / 1024 * 1024;
	// The other end of virtio_user maps the environment's memory, and no other.
	bool shared = !strcmp(dev->info.driver_name, "net_virtio_user");
	struct error *e = dpdk_pool_new(dev->up.name, n + replayed, room, shared, &dev->pool);
	if (!e && old)
		dpdk_pool_retire(old);
	return e;
}

// What the device does by itself, and is asked for. A tap's driver does it in software too, and less of it.
static void choose_offloads(struct dpdk_dev *dev, uint64_t *offloads)
{
	static const struct {
		uint64_t offloads;
		unsigned int can;
	} all[] = {
		{RTE_ETH_TX_OFFLOAD_TCP_CKSUM, OFFLOAD_TCP_CHECKSUM},
		{RTE_ETH_TX_OFFLOAD_UDP_CKSUM, OFFLOAD_UDP_CHECKSUM},
		{RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS,
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
	struct rte_eth_conf conf = {.rxmode.mtu = (uint32_t)dev->up.mtu, .intr_conf.rxq = dev->wait.interrupts};
	uint64_t rss = dev->info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP);
	if (dev->up.n_rxq > 1 && rss) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = rss;
	}
	if (dev->info.max_mtu && conf.rxmode.mtu > dev->info.max_mtu)
		conf.rxmode.mtu = dev->info.max_mtu;
	conf.txmode.offloads = dev->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	choose_offloads(dev, &conf.txmode.offloads);
	int r = rte_eth_dev_configure(dev->port, (uint16_t)dev->up.n_rxq, (uint16_t)n_txq, &conf);
	dev->n_txq = r < 0 ? 0 : n_txq;
	return r;
}

static unsigned int wanted_txq(const struct dpdk_dev *dev)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int n = cpus < 1 ? 1 : (unsigned int)cpus + 1; // and the main thread
	n = n < MAX_TXQ ? n : MAX_TXQ;
	return n < dev->info.max_tx_queues ? n : dev->info.max_tx_queues;
}

static struct error *start_silently(struct dpdk_dev *dev)
{
	const char *name = dev->up.name;
	int r = configure(dev, wanted_txq(dev));
	if (r < 0) // some have as many one way as the other
		r = configure(dev, dev->up.n_rxq);
	if (r < 0)
		return error_errno(-r, "%s: the device cannot be configured with %u receive queues and an MTU of %d", name,
				   dev->up.n_rxq, dev->up.mtu);
	uint16_t rxd = (uint16_t)dev->n_rxd, txd = (uint16_t)dev->n_txd;
	rte_eth_dev_adjust_nb_rx_tx_desc(dev->port, &rxd, &txd);
	struct error *e = make_pool(dev);
	if (e)
		return error_wrap(e, "%s", name);
	int socket = rte_eth_dev_socket_id(dev->port);
	for (unsigned int q = 0; q < dev->n_txq && !r; q++)
		r = rte_eth_tx_queue_setup(dev->port, (uint16_t)q, txd, (unsigned int)socket, NULL);
	for (unsigned int q = 0; q < dev->up.n_rxq && !r; q++)
		r = rte_eth_rx_queue_setup(dev->port, (uint16_t)q, rxd, (unsigned int)socket, NULL, dev->pool);
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
	const char *words = driver_words(log);
	struct error *more = e && words ? error_new("%s (%s)", error_text(e), words) : NULL;
	free(log);
	if (!more)
		return e;
	error_free(e);
	return more;
}

// First with receive interrupts. There is no way to know but to try.
static struct error *start(struct dpdk_dev *dev)
{
	struct dpdk_fds before;
	halt(dev);
	dpdk_fds_take(&before);
	dev->wait.interrupts = true;
	dev->wait.n_sockets = dev->wait.n_probed;
	struct error *e = try_start(dev);
	if (!e && rte_eth_dev_rx_intr_ctl_q_get_fd(dev->port, 0) < 0) {
		rte_eth_dev_stop(dev->port);
		e = error_new("no interrupts");
	}
	if (e) {
		error_free(e);
		dev->wait.interrupts = false;
		e = try_start(dev);
	}
	if (e)
		return e;
	dpdk_wait_add_sockets(&dev->wait, &before);
	(void)rte_eth_promiscuous_enable(dev->port); // a virtual device may have no such thing
	(void)rte_eth_allmulticast_enable(dev->port);
	dev->dirty = dev->up.restart = false;
	atomic_store(&dev->running, true);
	refresh_link(&dev->up);
	return NULL;
}

// --- What a device is.

static struct error *dpdk_set_mac(struct netdev *up, const uint8_t mac[6])
{
	struct rte_ether_addr address;
	memcpy(address.addr_bytes, mac, 6);
	int r = rte_eth_dev_default_mac_addr_set(cast(up)->port, &address);
	if (r < 0)
		return error_errno(-r, "%s: setting the MAC address", up->name);
	refresh_link(up);
	return NULL;
}

// What rte_eth_dev_configure() will take.
static int mtu_max(const struct rte_eth_dev_info *info)
{
	enum { MOST = 9702 }; // jumbo frames of the largest kind there is
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN, most = info->max_mtu ? info->max_mtu : UINT16_MAX;
	bool own = info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu;
	if (!own && info->max_rx_pktlen > overhead && info->max_rx_pktlen - overhead < most)
		most = info->max_rx_pktlen - overhead;
	return most < MOST ? (int)most : MOST;
}

static struct error *dpdk_set_mtu(struct netdev *up, int mtu)
{
	int most = mtu_max(&cast(up)->info);
	if (mtu < RTE_ETHER_MIN_MTU || mtu > most)
		return error_errno(EINVAL, "%s: an MTU of %d: from %d to %d is possible", up->name, mtu, RTE_ETHER_MIN_MTU, most);
	up->mtu = mtu;
	cast(up)->dirty = up->restart = true;
	netdev_changed(up);
	return NULL;
}

static struct error *dpdk_set_up(struct netdev *up, bool is_up)
{
	int r = is_up ? rte_eth_dev_set_link_up(cast(up)->port) : rte_eth_dev_set_link_down(cast(up)->port);
	if (r < 0 && r != -ENOTSUP)
		return error_errno(-r, "%s: setting the link", up->name);
	up->up = is_up;
	netdev_changed(up);
	refresh_link(up);
	return NULL;
}

static void dpdk_features(const struct netdev *up, struct netdev_features *f)
{
	static const struct {
		uint32_t speed, feature;
	} speeds[] = {{10, NETDEV_F_10MB_FD}, {100, NETDEV_F_100MB_FD}, {1000, NETDEV_F_1GB_FD}, {10000, NETDEV_F_10GB_FD},
		      {40000, NETDEV_F_40GB_FD}, {100000, NETDEV_F_100GB_FD}};
	struct rte_eth_link link = {0};
	if (cast(up)->port == RTE_MAX_ETHPORTS || rte_eth_link_get_nowait(cast(up)->port, &link) < 0 ||
	    link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		return;
	f->current_speed = f->max_speed = link.link_speed;
	f->current = NETDEV_F_OTHER;
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (speeds[i].speed == link.link_speed)
			f->current = speeds[i].feature;
	f->current |= link.link_autoneg ? NETDEV_F_AUTONEG : 0;
}

static void dpdk_stats(const struct netdev *up, struct netdev_stats *s)
{
	const struct dpdk_dev *dev = cast(up);
	struct rte_eth_stats now;
	refresh_link((struct netdev *)(uintptr_t)up);
	if (dev->port == RTE_MAX_ETHPORTS || rte_eth_stats_get(dev->port, &now) < 0)
		return;
	s->rx_packets = now.ipackets;
	s->tx_packets = now.opackets;
	s->rx_bytes = now.ibytes;
	s->tx_bytes = now.obytes;
	s->rx_errors = now.ierrors;
	s->tx_errors = now.oerrors;
	s->rx_dropped = now.rx_nombuf + now.imissed;
	s->rx_missed_errors = now.imissed;
	s->tx_dropped = __atomic_load_n(&dev->tx_dropped, __ATOMIC_RELAXED);
}

static void dpdk_status(const struct netdev *up, void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	const struct dpdk_dev *dev = cast(up);
	const struct rte_eth_dev_info *info = &dev->info;
	if (dev->port == RTE_MAX_ETHPORTS)
		return;
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {
		{"port_no", dev->port},
		{"numa_id", rte_eth_dev_socket_id(dev->port)},
		{"min_rx_bufsize", info->min_rx_bufsize},
		{"max_rx_pktlen", (int64_t)up->mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN},
		{"max_rx_queues", info->max_rx_queues},
		{"max_tx_queues", info->max_tx_queues},
		{"max_mac_addrs", info->max_mac_addrs},
		{"max_hash_mac_addrs", info->max_hash_mac_addrs},
		{"max_vfs", info->max_vfs},
		{"max_vmdq_pools", info->max_vmdq_pools},
		{"n_rxq", up->n_rxq},
		{"n_txq", dev->n_txq},
		{"n_rxq_desc", dev->n_rxd},
		{"n_txq_desc", dev->n_txd},
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char text[24];
		snprintf(text, sizeof(text), "%" PRId64, numbers[i].value);
		cb(arg, numbers[i].key, text);
	}
	char text[128];
	cb(arg, "driver_name", info->driver_name);
	struct rte_eth_link link = {0};
	if (!rte_eth_link_get_nowait(dev->port, &link) && link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN) {
		snprintf(text, sizeof(text), link.link_speed < 1000 ? "%uMbps" : "%uGbps",
			 link.link_speed < 1000 ? link.link_speed : link.link_speed / 1000);
		cb(arg, "link_speed", text);
	}
	const struct rte_bus *bus = rte_bus_find_by_device(info->device);
	snprintf(text, sizeof(text), "bus_name=%s", bus ? rte_bus_name(bus) : "unknown");
	cb(arg, "bus_info", text);
	snprintf(text, sizeof(text), "%s %s", rte_version(), info->driver_name);
	cb(arg, "if_descr", text);
	cb(arg, "if_type", "6"); // ethernetCsmacd of RFC 2863
}

// --- Queues.

static struct error *dpdk_rxq_open(struct netdev_rxq *up)
{
	struct dpdk_dev *dev = cast(up->dev);
	up->fd = -1;
	if (dev->port == RTE_MAX_ETHPORTS)
		return error_errno(ENODEV, "%s: no device", up->dev->name);
	return dev->dirty || !dev->running ? start(dev) : NULL;
}

static void dpdk_rxq_close(struct netdev_rxq *up)
{
}

static bool dpdk_rxq_wait(struct netdev_rxq *up, int epoll_fd)
{
	return dpdk_wait_start(&cast(up->dev)->wait, up->queue, up->dev->n_rxq, epoll_fd);
}

static void dpdk_rxq_forget_wait(struct netdev_rxq *up, int epoll_fd)
{
	dpdk_wait_stop(&cast(up->dev)->wait, up->queue, epoll_fd);
}

static bool dpdk_rxq_arm(struct netdev_rxq *up, bool on)
{
	return dpdk_wait_arm(&cast(up->dev)->wait, up->queue, on);
}

// Those that read files or nothing.
static bool dpdk_rxq_is_fed_from_outside(const struct netdev_rxq *up)
{
	const struct dpdk_dev *dev = cast(up->dev);
	const char *driver = dev->info.driver_name;
	return strcmp(driver, "net_null") && (strcmp(driver, "net_pcap") || strstr(dev->devargs, "iface="));
}

static int dpdk_rx(struct netdev_rxq *up, struct rte_mbuf **packets, unsigned int n)
{
	const struct dpdk_dev *dev = cast(up->dev);
	return rte_eth_rx_burst(dev->port, (uint16_t)up->queue, packets, (uint16_t)n);
}

// What the device is to do by itself. Packets that somebody else has too are copied: drivers write into them. The number that is left; the
// others are freed.
static unsigned int prepare(struct dpdk_dev *dev, uint16_t queue, struct rte_mbuf **packets, unsigned int n)
{
	unsigned int kept = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = packets[i];
		if (offload_concerns(m->ol_flags) && (rte_mbuf_refcnt_read(m) > 1 || RTE_MBUF_CLONED(m))) {
			m = rte_pktmbuf_copy(packets[i], mbuf_pool(), 0, UINT32_MAX);
			rte_pktmbuf_free(packets[i]);
		}
		if (m && m->ol_flags & RTE_MBUF_F_TX_TCP_SEG && m->ol_flags & RTE_MBUF_F_TX_IPV4 &&
		    dev->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM)
			m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
		if (m && offload_concerns(m->ol_flags) && rte_eth_tx_prepare(dev->port, queue, &m, 1) != 1) {
			__atomic_fetch_add(&dev->offloads.failed, 1, __ATOMIC_RELAXED);
			rte_pktmbuf_free(m);
			m = NULL;
		}
		if (m)
			packets[kept++] = m;
	}
	return kept;
}

static unsigned int send_all(void *device, unsigned int thread, struct rte_mbuf **packets, unsigned int n)
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
		unsigned int k = rte_eth_tx_burst(dev->port, queue, packets + sent, (uint16_t)(good - sent));
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

static unsigned int dpdk_tx(struct netdev *up, unsigned int thread, struct rte_mbuf **packets, unsigned int n)
{
	struct dpdk_dev *dev = cast(up);
	uint64_t flags = 0;
	for (unsigned int i = 0; i < n; i++)
		flags |= packets[i]->ol_flags;
	if (__builtin_expect(!offload_concerns(flags), 1))
		return send_all(dev, thread, packets, n);
	return offload_tx(dev, thread, packets, n, dev->can, mbuf_pool(), &dev->offloads, send_all);
}

static void dpdk_counters(const struct netdev *up, void (*cb)(void *arg, const char *name, uint64_t value), void *arg)
{
	const struct dpdk_dev *dev = cast(up);
	offload_counts_show(&dev->offloads, cb, arg);
}

struct rte_mempool *netdev_dpdk_pool(const struct netdev *up)
{
	return up->class == &netdev_dpdk_class ? cast(up)->pool : netdev_vhost_pool(up);
}

uint16_t netdev_dpdk_port(const struct netdev *up)
{
	return up->class == &netdev_dpdk_class ? cast(up)->port : RTE_MAX_ETHPORTS;
}

static void dpdk_config(const struct netdev *up, void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	const struct dpdk_dev *dev = cast(up);
	const struct {
		const char *key;
		unsigned int value;
	} numbers[] = {
		{"configured_rx_queues", up->n_rxq},	     {"configured_rxq_descriptors", dev->n_rxd}, {"configured_tx_queues", dev->n_txq},
		{"configured_txq_descriptors", dev->n_txd}, {"mtu", (unsigned int)up->mtu},
	};
	char text[24];
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "%u", numbers[i].value);
		cb(arg, numbers[i].key, text);
	}
	cb(arg, "tx_tso_offload", dev->can & OFFLOAD_TCP4_SEGMENTS ? "true" : "false");
}

const struct netdev_class netdev_dpdk_class = {
	.type = "dpdk",
	.size = sizeof(struct dpdk_dev),
	.rxq_size = sizeof(struct netdev_rxq),
	.open = dpdk_open,
	.close = dpdk_close,
	.set_options = dpdk_set_options,
	.set_mac = dpdk_set_mac,
	.set_mtu = dpdk_set_mtu,
	.set_up = dpdk_set_up,
	.get_features = dpdk_features,
	.get_stats = dpdk_stats,
	.get_config = dpdk_config,
	.get_counters = dpdk_counters,
	.get_status = dpdk_status,
	.rxq_open = dpdk_rxq_open,
	.rxq_close = dpdk_rxq_close,
	.rxq_wait = dpdk_rxq_wait,
	.rxq_forget_wait = dpdk_rxq_forget_wait,
	.rxq_arm = dpdk_rxq_arm,
	.rxq_is_fed_from_outside = dpdk_rxq_is_fed_from_outside,
	.rx_burst = dpdk_rx,
	.tx_burst = dpdk_tx,
};
