/* SPDX-License-Identifier: Apache-2.0 */
// Devices of the kernel: "system" is any device that exists, seen through a packet socket; "tap"
// and "internal" are taps whose fd we hold. A packet that the host sends into a tap is one that the
// switch receives, so their counters are swapped. A tap may be renamed and moved to another network
// namespace, as is done with the internal ports of DHCP agents and containers: the fd stays with
// it, and leads to where it is.
#include <errno.h>
#include <linux/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/vec.h"
#include "netdev/class.h"
#include "netdev/ethtool.h"
#include "netdev/packet_socket.h"
#include "netdev/rtnl.h"
#include "netdev/tun.h"

struct linux_dev {
	struct netdev up;
	// Immutable after open.
	int fd; // both ways
	// Main thread.
	int ifindex; // in our namespace under the name that we know it by; 0: it is away
	// Relaxed atomics, counted by the threads of the datapath.
	uint64_t rx_bad, tx_dropped;
};

struct linux_rxq {
	struct netdev_rxq up;
	struct packet_rx *packet; // system
	struct burst *tap;	  // tap
};

static struct linux_dev *cast(const struct netdev *dev)
{
	return (struct linux_dev *)dev;
}

static struct linux_rxq *cast_rxq(struct netdev_rxq *rxq)
{
	return (struct linux_rxq *)rxq;
}

static void take_link(struct netdev *dev, const struct rtnl_link *link)
{
	struct netdev_state state = {
		.mtu = link->mtu,
		.up = link->flags & IFF_UP,
		.carrier = link->carrier && link->flags & IFF_UP,
	};
	if (link->has_mac)
		memcpy(state.mac, link->mac, 6);
	netdev_update(dev, &state);
}

// The device's link, and the namespace that it is in, to be given to leave(). Negative errno: there
// is none any more.
static int find_link(const struct netdev *dev, struct rtnl_link *link, int *netns)
{
	char name[IFNAMSIZ];
	int ifindex = cast(dev)->ifindex;
	*netns = RTNL_HERE;
	if (!ifindex)
		return tun_whereabouts(cast(dev)->fd, name, netns)
			       ? rtnl_link_get(*netns, name, link)
			       : -ENODEV;
	int r = rtnl_link_get(RTNL_HERE, dev->name, link);
	return r ? r : link->ifindex == ifindex ? 0 : -ENODEV;
}

static void leave(int netns)
{
	if (netns != RTNL_HERE)
		close(netns);
}

// After a change of ours, without waiting for the kernel to tell.
static void refresh(struct netdev *dev)
{
	struct rtnl_link link;
	int netns;
	if (!find_link(dev, &link, &netns))
		take_link(dev, &link);
	leave(netns);
}

static struct error *system_open(struct netdev *dev)
{
	struct rtnl_link link;
	int r = rtnl_link_get(RTNL_HERE, dev->name, &link);
	if (r < 0)
		return error_errno(r, "%s", dev->name);
	cast(dev)->ifindex = link.ifindex;
	struct error *e = packet_socket_open(dev->name, link.ifindex, &cast(dev)->fd);
	if (!e)
		take_link(dev, &link);
	return e;
}

static struct error *tap_open(struct netdev *dev)
{
	struct error *e = tun_open(dev->name, &cast(dev)->fd);
	if (e)
		return e;
	struct rtnl_link link;
	int r = rtnl_link_get(RTNL_HERE, dev->name, &link);
	if (r < 0) {
		close(cast(dev)->fd);
		return error_errno(r, "%s", dev->name);
	}
	cast(dev)->ifindex = link.ifindex;
	take_link(dev, &link);
	return NULL;
}

static void system_close(struct netdev *dev)
{
	packet_socket_close(cast(dev)->fd);
}

static void tap_close(struct netdev *dev)
{
	close(cast(dev)->fd);
}

// --- Internal devices
//
// The kernel takes some 20 ms to remove a device, in which the main thread would stand still, but
// no longer for two hundred of them at once. So those that are closed are removed together: by
// netdev_settle(), or at the end of the iteration of the loop.

struct doomed {
	int fd, ifindex;
	char name[IFNAMSIZ];
};

// Of the main thread.
static struct {
	VEC(struct doomed) v;
	struct loop_defer due;
} doomed;

// In a group of their own, of a number that nobody else has. Devices that are no longer what they
// were are left to close().
static void remove_together(void)
{
	uint32_t group = random_u32() | UINT32_C(1) << 30;
	unsigned int n = 0;
	VEC_FOREACH (&doomed.v, i) {
		const struct doomed *d = &doomed.v.v[i];
		struct rtnl_link link;
		if (!rtnl_link_get(RTNL_HERE, d->name, &link) && link.ifindex == d->ifindex &&
		    !strcmp(link.kind, "tun"))
			n += !rtnl_link_set_group(d->ifindex, group);
	}
	if (n)
		(void)rtnl_group_remove(group);
}

static void remove_doomed(void *arg)
{
	loop_defer_cancel(&doomed.due);
	if (doomed.v.n > 1)
		remove_together();
	VEC_FOREACH (&doomed.v, i)
		close(doomed.v.v[i].fd);
	vec_done(&doomed.v);
}

void netdev_settle(void)
{
	if (doomed.v.n)
		remove_doomed(NULL);
}

// An internal device outlives us if we crash: its addresses and routes are there when we are back.
static struct error *internal_open(struct netdev *dev)
{
	VEC_FOREACH (&doomed.v, i)
		if (!strcmp(doomed.v.v[i].name, dev->name)) {
			netdev_settle();
			break;
		}
	struct error *e = tap_open(dev);
	if (!e)
		tun_set_persistent(cast(dev)->fd, true);
	return e;
}

static void internal_close(struct netdev *dev)
{
	if (dev->leave) {
		close(cast(dev)->fd);
		return;
	}
	tun_set_persistent(cast(dev)->fd,
			   false); // it goes also if we end before the loop gets to it
	struct doomed *d = vec_extend(&doomed.v);
	*d = (struct doomed){.fd = cast(dev)->fd, .ifindex = cast(dev)->ifindex};
	snprintf(d->name, sizeof(d->name), "%s", dev->name);
	loop_defer(dev->loop, &doomed.due, remove_doomed, NULL);
}

static bool is_tap(const struct netdev *dev)
{
	return dev->class->close == tap_close || dev->class->close == internal_close;
}

// A tap left our namespace or got another name, or came back, or was deleted.
static void tap_moved(struct netdev *dev)
{
	char name[IFNAMSIZ];
	struct rtnl_link link;
	int netns;
	cast(dev)->ifindex = 0;
	if (!tun_whereabouts(cast(dev)->fd, name, &netns)) {
		netdev_set_gone(dev);
		return;
	}
	if (netns == RTNL_HERE && !strcmp(name, dev->name) &&
	    !rtnl_link_get(RTNL_HERE, name, &link))
		cast(dev)->ifindex = link.ifindex;
	leave(netns);
	refresh(dev);
}

void netdev_linux_link_event(struct netdev *dev, int ifindex, const struct rtnl_link *link)
{
	if ((!is_tap(dev) && dev->class->close != system_close) || dev->gone)
		return;
	bool ours = cast(dev)->ifindex == ifindex, named = link && !strcmp(link->name, dev->name);
	if (ours && named)
		take_link(dev, link);
	else if (is_tap(dev) && (ours || (named && !cast(dev)->ifindex)))
		tap_moved(dev);
	else if (ours)
		netdev_set_gone(dev); // deleted, moved to another namespace, or renamed
}

static struct error *checked(struct netdev *dev, int r, const char *what)
{
	if (r < 0)
		return error_errno(r, "%s: %s", dev->name, what);
	refresh(dev);
	return NULL;
}

// Some drivers change their MAC only while they are down.
static int change_mac(int netns, const struct rtnl_link *link, const uint8_t mac[6])
{
	int r = rtnl_link_set_mac(netns, link->ifindex, mac);
	if (r == -EBUSY && link->flags & IFF_UP && !rtnl_link_set_up(netns, link->ifindex, false)) {
		r = rtnl_link_set_mac(netns, link->ifindex, mac);
		int again = rtnl_link_set_up(netns, link->ifindex, true);
		r = r < 0 ? r : again;
	}
	return r;
}

static struct error *set_mac(struct netdev *dev, const uint8_t mac[6])
{
	struct rtnl_link link;
	int netns, r = find_link(dev, &link, &netns);
	r = r ? r : change_mac(netns, &link, mac);
	leave(netns);
	return checked(dev, r, "setting the MAC address");
}

static struct error *set_mtu(struct netdev *dev, int mtu)
{
	struct rtnl_link link;
	int netns, r = find_link(dev, &link, &netns);
	r = r ? r : rtnl_link_set_mtu(netns, link.ifindex, mtu);
	leave(netns);
	return checked(dev, r, "setting the MTU");
}

static struct error *set_up(struct netdev *dev, bool up)
{
	struct rtnl_link link;
	int netns, r = find_link(dev, &link, &netns);
	r = r ? r : rtnl_link_set_up(netns, link.ifindex, up);
	leave(netns);
	return checked(dev, r, up ? "setting it up" : "setting it down");
}

static int get_ifindex(const struct netdev *dev)
{
	return dev->gone ? 0 : cast(dev)->ifindex;
}

static void get_features(const struct netdev *dev, struct netdev_features *f)
{
	ethtool_get_features(dev->name, f);
}

static void get_status(const struct netdev *dev,
		       void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	if (!dev->gone)
		ethtool_get_driver(dev->name, cb, arg);
}

// False: there is no such device any more.
static bool kernel_stats(const struct netdev *dev, struct netdev_stats *s, struct rtnl_link *out)
{
	struct rtnl_link link;
	int netns, r = find_link(dev, &link, &netns);
	leave(netns);
	if (r || !link.has_stats)
		return false;
	*out = link;
	const struct rtnl_link_stats64 *k = &link.stats;
	*s = (struct netdev_stats){
		.rx_packets = k->rx_packets,
		.tx_packets = k->tx_packets,
		.rx_bytes = k->rx_bytes,
		.tx_bytes = k->tx_bytes,
		.rx_errors = k->rx_errors,
		.tx_errors = k->tx_errors,
		.rx_dropped = k->rx_dropped + __atomic_load_n(&cast(dev)->rx_bad, __ATOMIC_RELAXED),
		.tx_dropped =
			k->tx_dropped + __atomic_load_n(&cast(dev)->tx_dropped, __ATOMIC_RELAXED),
		.multicast = k->multicast,
		.collisions = k->collisions,
		.rx_length_errors = k->rx_length_errors,
		.rx_over_errors = k->rx_over_errors,
		.rx_crc_errors = k->rx_crc_errors,
		.rx_frame_errors = k->rx_frame_errors,
		.rx_fifo_errors = k->rx_fifo_errors,
		.rx_missed_errors = k->rx_missed_errors,
		.tx_aborted_errors = k->tx_aborted_errors,
		.tx_carrier_errors = k->tx_carrier_errors,
		.tx_fifo_errors = k->tx_fifo_errors,
		.tx_heartbeat_errors = k->tx_heartbeat_errors,
		.tx_window_errors = k->tx_window_errors,
	};
	return true;
}

static void system_stats(const struct netdev *dev, struct netdev_stats *s)
{
	struct rtnl_link link;
	uint64_t lost = packet_socket_take_drops(cast(dev)->fd);
	if (lost)
		__atomic_fetch_add(&cast(dev)->rx_bad, lost, __ATOMIC_RELAXED);
	kernel_stats(dev, s, &link);
}

// Nobody tells us what happens in other namespaces: we see it when we look.
static void look_after(const struct netdev *dev_, const struct rtnl_link *link)
{
	struct netdev *dev = (struct netdev *)(uintptr_t)dev_;
	if (link)
		take_link(dev, link);
	else
		tap_moved(dev);
}

static void tap_stats(const struct netdev *dev, struct netdev_stats *s)
{
	struct rtnl_link link;
	bool known = kernel_stats(dev, s, &link);
	if (!cast(dev)->ifindex)
		look_after(dev, known ? &link : NULL);
	if (!known)
		return;
	const struct rtnl_link_stats64 *k = &link.stats;
	s->rx_packets = k->tx_packets;
	s->tx_packets = k->rx_packets;
	s->rx_bytes = k->tx_bytes;
	s->tx_bytes = k->rx_bytes;
	s->rx_errors = k->tx_errors;
	s->tx_errors = k->rx_errors;
	s->rx_dropped = k->tx_dropped + __atomic_load_n(&cast(dev)->rx_bad, __ATOMIC_RELAXED);
	s->tx_dropped = k->rx_dropped + __atomic_load_n(&cast(dev)->tx_dropped, __ATOMIC_RELAXED);
	s->multicast = 0;
	s->rx_length_errors = s->rx_over_errors = s->rx_crc_errors = s->rx_frame_errors =
		s->rx_fifo_errors = 0;
	s->rx_missed_errors = 0;
}

static struct error *system_rxq_open(struct netdev_rxq *rxq)
{
	rxq->fd = cast(rxq->dev)->fd;
	struct error *e = packet_socket_receive(rxq->dev->name, cast(rxq->dev)->ifindex, rxq->fd);
	if (!e)
		cast_rxq(rxq)->packet = packet_rx_new();
	return e;
}

// The socket goes on receiving until the device is closed, which follows at once; what comes is
// lost.
static void system_rxq_close(struct netdev_rxq *rxq)
{
	packet_rx_free(cast_rxq(rxq)->packet);
}

static struct error *tap_rxq_open(struct netdev_rxq *rxq)
{
	rxq->fd = cast(rxq->dev)->fd;
	cast_rxq(rxq)->tap = XNEW(struct burst);
	burst_init(cast_rxq(rxq)->tap);
	return NULL;
}

static void tap_rxq_close(struct netdev_rxq *rxq)
{
	free(cast_rxq(rxq)->tap);
}

static int system_rx(struct netdev_rxq *rxq, struct rte_mbuf **packets, unsigned int n)
{
	unsigned int bad = 0,
		     got = packet_rx_burst(cast_rxq(rxq)->packet, rxq->fd, packets, n, &bad);
	if (bad)
		__atomic_fetch_add(&cast(rxq->dev)->rx_bad, bad, __ATOMIC_RELAXED);
	return (int)got;
}

static int tap_rx(struct netdev_rxq *rxq, struct rte_mbuf **packets, unsigned int n)
{
	unsigned int bad = 0;
	int got = tun_rx_burst(cast_rxq(rxq)->tap, rxq->fd, packets, n, &bad);
	if (bad)
		__atomic_fetch_add(&cast(rxq->dev)->rx_bad, bad, __ATOMIC_RELAXED);
	return got;
}

static unsigned int count_tx(struct netdev *dev, unsigned int sent, unsigned int n)
{
	if (sent < n)
		__atomic_fetch_add(&cast(dev)->tx_dropped, n - sent, __ATOMIC_RELAXED);
	return sent;
}

static unsigned int system_tx(struct netdev *dev, unsigned int thread, struct rte_mbuf **packets,
			      unsigned int n)
{
	return count_tx(dev, packet_tx_burst(cast(dev)->fd, packets, n), n);
}

static unsigned int tap_tx(struct netdev *dev, unsigned int thread, struct rte_mbuf **packets,
			   unsigned int n)
{
	return count_tx(dev, tun_tx_burst(cast(dev)->fd, packets, n), n);
}

#define LINUX_CLASS                                                                                \
	.size = sizeof(struct linux_dev), .rxq_size = sizeof(struct linux_rxq),                    \
	.set_mac = set_mac, .set_mtu = set_mtu, .set_up = set_up, .get_ifindex = get_ifindex,      \
	.get_features = get_features, .get_status = get_status
#define TAP_CLASS                                                                                  \
	LINUX_CLASS, .get_stats = tap_stats, .rxq_open = tap_rxq_open, .rxq_close = tap_rxq_close, \
		     .rx_burst = tap_rx, .tx_burst = tap_tx

const struct netdev_class netdev_system_class = {
	LINUX_CLASS,
	.type = "system",
	.open = system_open,
	.close = system_close,
	.get_stats = system_stats,
	.rxq_open = system_rxq_open,
	.rxq_close = system_rxq_close,
	.rx_burst = system_rx,
	.tx_burst = system_tx,
};
const struct netdev_class netdev_tap_class = {TAP_CLASS, .type = "tap", .open = tap_open,
					      .close = tap_close};
const struct netdev_class netdev_internal_class = {
	TAP_CLASS,
	.type = "internal",
	.open = internal_open,
	.close = internal_close,
};
