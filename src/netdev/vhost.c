/* SPDX-License-Identifier: Apache-2.0 */
// Guests over vhost-user, with DPDK's library for the protocol and the rings.
//
// The library has a thread of its own, which tells us when a guest comes and goes. It must not take
// a guest away while a thread of the datapath is in its rings: after `vid` is gone it waits for a
// grace period. So the main thread is offline for RCU whenever it waits for the library. A guest
// that has more rings than we have queues, or fewer, makes the main thread take the port out of
// service and in again.
#include "netdev/vhost.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <rte_ether.h>
#include <rte_vhost.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/random.h"
#include "base/rcu.h"
#include "base/str.h"
#include "netdev/class.h"
#include "netdev/dpdk.h"
#include "netdev/dpdk_internal.h"
#include "netdev/mbuf.h"
#include "netdev/offload.h"
#include "netdev/vhost_status.h"
#include "netdev/vnet.h"

enum { QUEUES_MAX = 64, N_PACKETS = 2048, RETRIES_MAX = 32, RETRIES = 8 };

struct vhost_rxq {
	struct netdev_rxq up;
	// Under the lock.
	int epoll_fd, kick_fd; // -1: none
	// Of the queue's thread.
	uint64_t packets, bytes;
};

struct vhost_dev {
	struct netdev up;
	// Owned by the main thread.
	bool client;
	char *path; // NULL: not known to the library
	struct rte_mempool *pool;
	struct loop_wake *changed;
	unsigned int retries; // relaxed atomic
	int numa;	      // when its queues were opened last
	// Under the lock of `vhost`.
	struct vhost_dev *next;
	struct vhost_rxq *rxqs[QUEUES_MAX];
	bool tx_enabled[QUEUES_MAX];
	unsigned int n_pairs;
	atomic_bool enabled; // as the port is up; written by main, read by any
	// Written by the library's thread, read by any.
	atomic_int vid;	  // -1: no guest
	atomic_uint can;  // enum offload, of the guest
	atomic_uint n_tx; // queues that the guest receives from
	_Atomic uint8_t tx_queue[QUEUES_MAX];
	// Relaxed atomics.
	uint64_t rx_packets, rx_bytes; // of queues that are closed
	uint64_t tx_packets, tx_bytes, tx_dropped, tx_retries;
	struct offload_counts offloads;
};

// The library knows devices by the paths of their sockets.
static struct {
	pthread_mutex_t lock;
	struct vhost_dev *first; // under the lock
	// Owned by the main thread.
	char *sock_dir;
	bool iommu, postcopy, no_tso;
} vhost = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct vhost_dev *cast(const struct netdev *dev)
{
	return (struct vhost_dev *)(uintptr_t)dev;
}

static void count(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static uint64_t tso_features(void)
{
	return 1ull << VIRTIO_NET_F_HOST_TSO4 | 1ull << VIRTIO_NET_F_HOST_TSO6 |
	       1ull << VIRTIO_NET_F_HOST_ECN;
}

// What guests are offered when they connect next.
static unsigned int change_tso(bool no_tso)
{
	unsigned int n = 0;
	for (struct vhost_dev *dev = vhost.first; dev;
	     dev = dev->next) { // only main changes the list and the paths
		if (!dev->path)
			continue;
		if (no_tso)
			rte_vhost_driver_disable_features(dev->path, tso_features());
		else
			rte_vhost_driver_enable_features(dev->path, tso_features());
		n += atomic_load(&dev->vid) >= 0;
	}
	return n;
}

unsigned int vhost_configure(const struct vhost_settings *s)
{
	unsigned int late = s->no_tso == vhost.no_tso ? 0 : change_tso(s->no_tso);
	free(vhost.sock_dir);
	vhost.sock_dir = xstrdup_null(s->sock_dir);
	vhost.iommu = s->iommu;
	vhost.postcopy = s->postcopy;
	vhost.no_tso = s->no_tso;
	return late;
}

// --- What the library's thread tells.

// With the lock held; NULL: not ours any more.
static struct vhost_dev *find(int vid)
{
	char path[PATH_MAX];
	struct vhost_dev *dev = vhost.first;
	if (rte_vhost_get_ifname(vid, path, sizeof(path)))
		return NULL;
	while (dev && (!dev->path || strcmp(dev->path, path)))
		dev = dev->next;
	return dev;
}

static void unwatch_kicks(struct vhost_rxq *rxq)
{
	if (rxq->epoll_fd >= 0 && rxq->kick_fd >= 0)
		epoll_ctl(rxq->epoll_fd, EPOLL_CTL_DEL, rxq->kick_fd, NULL);
	rxq->kick_fd = -1;
}

// Edge-triggered: nobody reads the counter of a kick.
static void watch_kicks(struct vhost_rxq *rxq, int vid)
{
	struct rte_vhost_vring ring;
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	if (rxq->epoll_fd < 0 || vid < 0 ||
	    rte_vhost_get_vhost_vring(vid, (uint16_t)(2 * rxq->up.queue + 1), &ring) ||
	    ring.kickfd < 0)
		return;
	if (!epoll_ctl(rxq->epoll_fd, EPOLL_CTL_ADD, ring.kickfd, &event))
		rxq->kick_fd = ring.kickfd;
}

static unsigned int offloads_of(uint64_t features)
{
	unsigned int can = 0;
	if (!(features & 1ull << VIRTIO_NET_F_GUEST_CSUM))
		return 0;
	can |= OFFLOAD_TCP_CHECKSUM | OFFLOAD_UDP_CHECKSUM;
	can |= features & 1ull << VIRTIO_NET_F_GUEST_TSO4 ? OFFLOAD_TCP4_SEGMENTS : 0;
	can |= features & 1ull << VIRTIO_NET_F_GUEST_TSO6 ? OFFLOAD_TCP6_SEGMENTS : 0;
	return can;
}

static void spread_tx(struct vhost_dev *dev)
{
	unsigned int n = 0;
	for (unsigned int q = 0; q < QUEUES_MAX; q++)
		if (dev->tx_enabled[q])
			atomic_store(&dev->tx_queue[n++], (uint8_t)q);
	atomic_store(&dev->n_tx, n);
}

static int new_device(int vid)
{
	uint64_t features = 0;
	pthread_mutex_lock(&vhost.lock);
	struct vhost_dev *dev = find(vid);
	if (dev) {
		rte_vhost_get_negotiated_features(vid, &features);
		unsigned int pairs = rte_vhost_get_vring_num(vid) / 2;
		dev->n_pairs = pairs < 1 ? 1 : pairs > QUEUES_MAX ? QUEUES_MAX : pairs;
		atomic_store(&dev->can, offloads_of(features));
		for (unsigned int q = 0; q < QUEUES_MAX; q++)
			if (dev->rxqs[q])
				watch_kicks(dev->rxqs[q], vid);
		atomic_store(&dev->vid, vid);
		loop_wake(dev->changed);
	}
	pthread_mutex_unlock(&vhost.lock);
	return dev ? 0 : -1;
}

static void destroy_device(int vid)
{
	pthread_mutex_lock(&vhost.lock);
	struct vhost_dev *dev = find(vid);
	if (dev) {
		atomic_store(&dev->vid, -1);
		for (unsigned int q = 0; q < QUEUES_MAX; q++)
			if (dev->rxqs[q])
				unwatch_kicks(dev->rxqs[q]);
		loop_wake(dev->changed);
	}
	pthread_mutex_unlock(&vhost.lock);
	rcu_synchronize();
}

static int vring_state_changed(int vid, uint16_t ring, int enable)
{
	unsigned int queue = ring / 2;
	pthread_mutex_lock(&vhost.lock);
	struct vhost_dev *dev = find(vid);
	if (dev && !(ring & 1) && queue < QUEUES_MAX) {
		dev->tx_enabled[queue] = enable;
		spread_tx(dev);
	}
	pthread_mutex_unlock(&vhost.lock);
	return 0;
}

// The rings of the next guest are off until it says otherwise. (A guest that only changes its
// memory goes and comes without this.)
static void destroy_connection(int vid)
{
	pthread_mutex_lock(&vhost.lock);
	struct vhost_dev *dev = find(vid);
	if (dev) {
		memset(dev->tx_enabled, 0, sizeof(dev->tx_enabled));
		spread_tx(dev);
	}
	pthread_mutex_unlock(&vhost.lock);
}

static const struct rte_vhost_device_ops callbacks = {
	.destroy_connection = destroy_connection,
	.new_device = new_device,
	.destroy_device = destroy_device,
	.vring_state_changed = vring_state_changed,
};

// Where the guest's memory is.
static int vhost_numa(const struct netdev *up)
{
	pthread_mutex_lock(&vhost.lock);
	int vid = atomic_load(&cast(up)->vid), node = vid < 0 ? -1 : rte_vhost_get_numa_node(vid);
	pthread_mutex_unlock(&vhost.lock);
	return node;
}

// The main thread, after that.
static void guest_changed(void *arg)
{
	struct vhost_dev *dev = arg;
	struct netdev *up = &dev->up;
	pthread_mutex_lock(&vhost.lock);
	unsigned int pairs = dev->n_pairs;
	bool connected = atomic_load(&dev->vid) >= 0;
	pthread_mutex_unlock(&vhost.lock);
	int numa = vhost_numa(up);
	if (connected && (pairs != up->n_rxq || numa != dev->numa)) {
		up->n_rxq = pairs;
		dev->numa = numa;
		up->restart = true; // and its queues may be better off with other threads
	}
	struct netdev_state state = {.mtu = up->mtu, .up = up->up, .carrier = connected && up->up};
	memcpy(state.mac, up->mac, 6);
	netdev_update(up, &state);
	netdev_changed(up); // its status did
}

// --- Opening.

static struct error *vhost_open(struct netdev *up)
{
	struct vhost_dev *dev = cast(up);
	struct error *e = mbuf_env_start();
	if (!e)
		e = dpdk_pool_new(up->name, N_PACKETS, MBUF_DATA_ROOM, false, &dev->pool);
	if (e)
		return e;
	dev->client = !strcmp(up->class->type, "dpdkvhostuserclient");
	dev->retries = RETRIES;
	dev->numa = -1;
	atomic_store(&dev->vid, -1);
	random_bytes(up->mac, 6);
	up->mac[0] = (uint8_t)((up->mac[0] & ~1) | 2); // unicast, locally administered
	up->mtu = RTE_ETHER_MTU;
	up->up = true;
	atomic_store(&dev->enabled, true);
	dev->changed = loop_wake_new(up->loop, guest_changed, dev);
	pthread_mutex_lock(&vhost.lock);
	dev->next = vhost.first;
	vhost.first = dev;
	pthread_mutex_unlock(&vhost.lock);
	return NULL;
}

static void unregister(struct vhost_dev *dev)
{
	if (!dev->path)
		return;
	rcu_offline();
	rte_vhost_driver_unregister(dev->path);
	rcu_online();
	pthread_mutex_lock(&vhost.lock);
	free(dev->path);
	dev->path = NULL;
	pthread_mutex_unlock(&vhost.lock);
}

static void vhost_close(struct netdev *up)
{
	struct vhost_dev *dev = cast(up);
	unregister(dev);
	pthread_mutex_lock(&vhost.lock);
	struct vhost_dev **at = &vhost.first;
	while (*at != dev)
		at = &(*at)->next;
	*at = dev->next;
	pthread_mutex_unlock(&vhost.lock);
	loop_wake_free(dev->changed);
	dpdk_pool_retire(dev->pool, 0);
}

// A socket that nobody listens on was left behind by a process that died.
static struct error *remove_stale(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (access(path, F_OK))
		return NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = connect(fd, (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (r == ECONNREFUSED)
		return unlink(path) ? error_errno(errno, "%s cannot be removed", path) : NULL;
	if (!r || r == EAGAIN)
		return error_errno(EADDRINUSE,
				   "socket %s belongs to another process, which listens on it",
				   path);
	return error_errno(EEXIST, "%s is no socket, and in the way of one", path);
}

static struct error *check_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? xasprintf("%.*s", (int)(slash - path) + 1, path) : xstrdup(".");
	struct error *e = NULL;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		e = error_errno(ENAMETOOLONG, "the path of a socket has at most %zu characters: %s",
				sizeof(((struct sockaddr_un *)0)->sun_path) - 1, path);
	else if (access(directory, F_OK))
		e = error_errno(errno, "vhost-user socket directory %s", directory);
	free(directory);
	return e;
}

static struct error *register_path(struct vhost_dev *dev, char *path)
{
	uint64_t flags = dev->client ? RTE_VHOST_USER_CLIENT : 0,
		 without = 1ull << VIRTIO_NET_F_HOST_UFO | 1ull << VIRTIO_NET_F_GUEST_UFO;
	if (dev->client && vhost.iommu)
		flags |= RTE_VHOST_USER_IOMMU_SUPPORT;
	if (dev->client && vhost.postcopy)
		flags |= RTE_VHOST_USER_POSTCOPY_SUPPORT;
	if (vhost.no_tso)
		without |= tso_features();
	pthread_mutex_lock(&vhost.lock);
	dev->path = path;
	pthread_mutex_unlock(&vhost.lock);
	dpdk_log_start();
	rcu_offline();
	int r = rte_vhost_driver_register(path, flags);
	if (!r) {
		r = rte_vhost_driver_callback_register(path, &callbacks);
		r = r ? r : rte_vhost_driver_disable_features(path, without);
		r = r ? r : rte_vhost_driver_start(path);
		if (r)
			rte_vhost_driver_unregister(path);
	}
	rcu_online();
	char *log = dpdk_log_take();
	if (r) {
		pthread_mutex_lock(&vhost.lock);
		dev->path = NULL;
		pthread_mutex_unlock(&vhost.lock);
	}
	log[strcspn(log, "\n")] = '\0';
	struct error *e =
		r ? error_new("%s: vhost-user socket device setup failure for socket %s%s%s%s",
			      dev->up.name, path, *log ? " (" : "", log, *log ? ")" : "")
		  : NULL;
	free(log);
	return e;
}

static struct error *attach(struct vhost_dev *dev, const char *wanted)
{
	char *path = xstrdup(wanted);
	struct error *e = dev->client && access(path, F_OK) ? NULL : check_path(path);
	if (!e && !dev->client)
		e = remove_stale(path);
	if (!e)
		e = register_path(dev, path);
	if (e)
		free(path);
	return e;
}

static void set_retries(struct vhost_dev *dev, struct netdev_options options,
			void (*complain)(void *arg, const char *text), void *arg)
{
	const char *text = netdev_option_find(options, "tx-retries-max");
	uint32_t value = RETRIES;
	if (text && (parse_u32(text, 10, &value) || value > RETRIES_MAX)) {
		char *why = xasprintf("options:tx-retries-max is \"%s\": a number from 0 to %d is "
				      "wanted; %d is used",
				      text, RETRIES_MAX, RETRIES);
		complain(arg, why);
		free(why);
		value = RETRIES;
	}
	__atomic_store_n(&dev->retries, value, __ATOMIC_RELAXED);
}

static struct error *server_set_options(struct netdev *up, struct netdev_options options,
					void (*complain)(void *arg, const char *text), void *arg)
{
	static const char *const known[] = {"tx-retries-max", NULL};
	struct vhost_dev *dev = cast(up);
	netdev_complain_unknown(up, options, known, complain, arg);
	set_retries(dev, options, complain, arg);
	if (dev->path)
		return NULL;
	if (strpbrk(up->name, "/\\"))
		return error_errno(EINVAL,
				   "\"%s\" is not a valid name for a vhost-user port. A valid name "
				   "must not include '/' or '\\'",
				   up->name);
	char *directory = dir_resolve(dir_run(), vhost.sock_dir ? vhost.sock_dir : ""),
	     *path = xasprintf("%s%s%s", directory,
			       directory[strlen(directory) - 1] == '/' ? "" : "/", up->name);
	struct error *e = attach(dev, path);
	free(path);
	free(directory);
	return e;
}

static struct error *client_set_options(struct netdev *up, struct netdev_options options,
					void (*complain)(void *arg, const char *text), void *arg)
{
	static const char *const known[] = {"tx-retries-max", "vhost-server-path", NULL};
	struct vhost_dev *dev = cast(up);
	netdev_complain_unknown(up, options, known, complain, arg);
	set_retries(dev, options, complain, arg);
	const char *path = netdev_option_find(options, "vhost-server-path");
	if (!path || !*path)
		return error_errno(EINVAL,
				   "%s: options:vhost-server-path is missing: the socket that the "
				   "virtual machine listens on",
				   up->name);
	if (dev->path && !strcmp(dev->path, path))
		return NULL;
	unregister(dev);
	return attach(dev, path);
}

// --- What it is.

static struct error *vhost_set_mac(struct netdev *up, const uint8_t mac[6])
{
	memcpy(up->mac, mac, 6);
	netdev_changed(up);
	return NULL;
}

static struct error *vhost_set_mtu(struct netdev *up, int mtu)
{
	enum { MOST = 9702 };
	if (mtu < RTE_ETHER_MIN_MTU || mtu > MOST)
		return error_errno(EINVAL, "%s: an MTU of %d: from %d to %d is possible", up->name,
				   mtu, RTE_ETHER_MIN_MTU, MOST);
	up->mtu = mtu;
	netdev_changed(up);
	return NULL;
}

static struct error *vhost_set_up(struct netdev *up, bool is_up)
{
	up->up = is_up;
	atomic_store(&cast(up)->enabled, is_up);
	guest_changed(cast(up));
	return NULL;
}

static void vhost_stats(const struct netdev *up, struct netdev_stats *s)
{
	struct vhost_dev *dev = cast(up);
	s->rx_packets = dev->rx_packets;
	s->rx_bytes = dev->rx_bytes;
	for (unsigned int q = 0; q < QUEUES_MAX; q++) {
		s->rx_packets += dev->rxqs[q]
					 ? __atomic_load_n(&dev->rxqs[q]->packets, __ATOMIC_RELAXED)
					 : 0;
		s->rx_bytes +=
			dev->rxqs[q] ? __atomic_load_n(&dev->rxqs[q]->bytes, __ATOMIC_RELAXED) : 0;
	}
	s->rx_dropped = s->rx_errors = s->tx_errors = 0;
	s->tx_packets = __atomic_load_n(&dev->tx_packets, __ATOMIC_RELAXED);
	s->tx_bytes = __atomic_load_n(&dev->tx_bytes, __ATOMIC_RELAXED);
	s->tx_dropped = __atomic_load_n(&dev->tx_dropped, __ATOMIC_RELAXED);
}

struct rte_mempool *netdev_vhost_pool(const struct netdev *up)
{
	return up->class == &netdev_vhost_server_class || up->class == &netdev_vhost_client_class
		       ? cast(up)->pool
		       : NULL;
}

static void vhost_config(const struct netdev *up,
			 void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	char text[24];
	snprintf(text, sizeof(text), "%u", up->n_rxq);
	cb(arg, "configured_rx_queues", text);
	snprintf(text, sizeof(text), "%u", up->n_rxq);
	cb(arg, "configured_tx_queues", text);
	snprintf(text, sizeof(text), "%d", up->mtu);
	cb(arg, "mtu", text);
}

static void vhost_counters(const struct netdev *up,
			   void (*cb)(void *arg, const char *name, uint64_t value), void *arg)
{
	const struct vhost_dev *dev = cast(up);
	cb(arg, "ovs_tx_retries", __atomic_load_n(&dev->tx_retries, __ATOMIC_RELAXED));
	cb(arg, "ovs_tx_failure_drops", __atomic_load_n(&dev->tx_dropped, __ATOMIC_RELAXED));
	offload_counts_show(&dev->offloads, cb, arg);
}

static void vhost_get_status(const struct netdev *up,
			     void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	const struct vhost_dev *dev = cast(up);
	pthread_mutex_lock(&vhost.lock); // the guest does not go meanwhile
	vhost_status(atomic_load(&dev->vid), dev->client, dev->path, up->n_rxq, cb, arg);
	pthread_mutex_unlock(&vhost.lock);
}

// --- Queues.

static struct error *vhost_rxq_open(struct netdev_rxq *up)
{
	struct vhost_rxq *rxq = (struct vhost_rxq *)up;
	rxq->epoll_fd = rxq->kick_fd = -1;
	up->dev->restart = false;
	pthread_mutex_lock(&vhost.lock);
	cast(up->dev)->rxqs[up->queue] = rxq;
	pthread_mutex_unlock(&vhost.lock);
	return NULL;
}

static void vhost_rxq_close(struct netdev_rxq *up)
{
	struct vhost_rxq *rxq = (struct vhost_rxq *)up;
	struct vhost_dev *dev = cast(up->dev);
	pthread_mutex_lock(&vhost.lock);
	unwatch_kicks(rxq);
	dev->rxqs[up->queue] = NULL;
	pthread_mutex_unlock(&vhost.lock);
	dev->rx_packets += rxq->packets;
	dev->rx_bytes += rxq->bytes;
}

static bool vhost_rxq_wait(struct netdev_rxq *up, int epoll_fd)
{
	struct vhost_rxq *rxq = (struct vhost_rxq *)up;
	pthread_mutex_lock(&vhost.lock);
	rxq->epoll_fd = epoll_fd;
	watch_kicks(rxq, atomic_load(&cast(up->dev)->vid));
	pthread_mutex_unlock(&vhost.lock);
	return true;
}

static void vhost_rxq_forget_wait(struct netdev_rxq *up, int epoll_fd)
{
	struct vhost_rxq *rxq = (struct vhost_rxq *)up;
	pthread_mutex_lock(&vhost.lock);
	unwatch_kicks(rxq);
	rxq->epoll_fd = -1;
	pthread_mutex_unlock(&vhost.lock);
}

static bool vhost_rxq_arm(struct netdev_rxq *up, bool on)
{
	int vid = atomic_load(&cast(up->dev)->vid);
	// Without a guest there is nothing to wait for; a ring that the guest does not use refuses.
	if (vid >= 0)
		(void)rte_vhost_enable_guest_notification(vid, (uint16_t)(2 * up->queue + 1), on);
	return true;
}

// What the library read from a guest is the guest's word.
static inline bool received(struct rte_mbuf *m)
{
	if (__builtin_expect(!offload_concerns(m->ol_flags), 1))
		return true;
	if (!(m->ol_flags & (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6)) && m->l2_len < m->data_len)
		m->ol_flags |= *rte_pktmbuf_mtod_offset(m, const uint8_t *, m->l2_len) >> 4 == 6
				       ? RTE_MBUF_F_TX_IPV6
				       : RTE_MBUF_F_TX_IPV4;
	m->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
	if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_SCTP_CKSUM)
		vnet_finish_sctp(m);
	struct offload_plan plan;
	return !(m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) ||
	       offload_plan(m, true, &plan);
}

static int vhost_rx(struct netdev_rxq *up, struct rte_mbuf **packets, unsigned int n)
{
	struct vhost_rxq *rxq = (struct vhost_rxq *)up;
	struct vhost_dev *dev = cast(up->dev);
	int vid = atomic_load_explicit(&dev->vid, memory_order_acquire);
	if (vid < 0 || !atomic_load_explicit(&dev->enabled, memory_order_relaxed))
		return 0;
	unsigned int got = rte_vhost_dequeue_burst(vid, (uint16_t)(2 * up->queue + 1), dev->pool,
						   packets, (uint16_t)n),
		     kept = 0;
	uint64_t bytes = 0;
	for (unsigned int i = 0; i < got; i++) {
		bytes += packets[i]->pkt_len;
		if (received(packets[i]))
			packets[kept++] = packets[i];
		else
			rte_pktmbuf_free(packets[i]);
	}
	__atomic_store_n(&rxq->packets, rxq->packets + got, __ATOMIC_RELAXED);
	__atomic_store_n(&rxq->bytes, rxq->bytes + bytes, __ATOMIC_RELAXED);
	return (int)kept;
}

static uint32_t vhost_rxq_fill(const struct netdev_rxq *up)
{
	int vid = atomic_load_explicit(&cast(up->dev)->vid, memory_order_acquire);
	return vid < 0 ? 0 : rte_vhost_rx_queue_count(vid, (uint16_t)(2 * up->queue + 1));
}

static unsigned int vhost_n_txq(const struct netdev *up)
{
	return atomic_load_explicit(&cast(up)->n_tx, memory_order_relaxed);
}

static unsigned int enqueue(struct vhost_dev *dev, unsigned int thread, struct rte_mbuf **packets,
			    unsigned int n)
{
	unsigned int sent = 0, retries = 0, most = __atomic_load_n(&dev->retries, __ATOMIC_RELAXED);
	int vid = atomic_load_explicit(&dev->vid, memory_order_acquire);
	unsigned int n_tx = atomic_load_explicit(&dev->n_tx, memory_order_relaxed);
	if (vid < 0 || !n_tx || !atomic_load_explicit(&dev->enabled, memory_order_relaxed))
		return 0;
	uint16_t ring = (uint16_t)(2 * atomic_load_explicit(&dev->tx_queue[thread % n_tx],
							    memory_order_relaxed));
	while (sent < n) {
		unsigned int k =
			rte_vhost_enqueue_burst(vid, ring, packets + sent, (uint16_t)(n - sent));
		sent += k;
		if (!k || (sent < n && retries++ == most))
			break;
	}
	if (retries)
		count(&dev->tx_retries, retries < most ? retries : most);
	return sent;
}

static unsigned int send_all(void *device, unsigned int thread, struct rte_mbuf **packets,
			     unsigned int n)
{
	struct vhost_dev *dev = device;
	unsigned int sent = enqueue(dev, thread, packets, n);
	uint64_t bytes = 0;
	for (unsigned int i = 0; i < sent; i++)
		bytes += packets[i]->pkt_len;
	rte_pktmbuf_free_bulk(packets, n); // the library copied them
	count(&dev->tx_packets, sent);
	count(&dev->tx_bytes, bytes);
	if (sent < n)
		count(&dev->tx_dropped, n - sent);
	return sent;
}

static unsigned int vhost_tx(struct netdev *up, unsigned int thread, struct rte_mbuf **packets,
			     unsigned int n)
{
	struct vhost_dev *dev = cast(up);
	uint64_t flags = 0;
	for (unsigned int i = 0; i < n; i++)
		flags |= packets[i]->ol_flags;
	if (__builtin_expect(!offload_concerns(flags), 1))
		return send_all(dev, thread, packets, n);
	return offload_tx(dev, thread, packets, n,
			  atomic_load_explicit(&dev->can, memory_order_relaxed), mbuf_pool(),
			  &dev->offloads, send_all);
}

#define VHOST_CLASS(TYPE, SET_OPTIONS)                                                             \
	{                                                                                          \
		.type = TYPE, .size = sizeof(struct vhost_dev),                                    \
		.rxq_size = sizeof(struct vhost_rxq), .open = vhost_open, .close = vhost_close,    \
		.set_options = SET_OPTIONS, .set_mac = vhost_set_mac, .set_mtu = vhost_set_mtu,    \
		.set_up = vhost_set_up, .get_numa = vhost_numa, .get_stats = vhost_stats,          \
		.get_config = vhost_config, .get_counters = vhost_counters,                        \
		.get_status = vhost_get_status, .rxq_open = vhost_rxq_open,                        \
		.rxq_close = vhost_rxq_close, .rxq_wait = vhost_rxq_wait,                          \
		.rxq_forget_wait = vhost_rxq_forget_wait, .rxq_arm = vhost_rxq_arm,                \
		.rx_burst = vhost_rx, .tx_burst = vhost_tx, .rxq_fill = vhost_rxq_fill,            \
		.n_txq = vhost_n_txq,                                                              \
	}

const struct netdev_class netdev_vhost_server_class =
	VHOST_CLASS("dpdkvhostuser", server_set_options);
const struct netdev_class netdev_vhost_client_class =
	VHOST_CLASS("dpdkvhostuserclient", client_set_options);
