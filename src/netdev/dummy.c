/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/dummy.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "netdev/class.h"
#include "netdev/mbuf.h"
#include "netdev/vnet.h"
#include "packet/pcap.h"

enum { QUEUE_MAX = 100, N_QUEUES_MAX = 64, MTU = 1500, FRAME_EXTRA = 18 };

struct frame { // waits to be received
	struct frame *next;
	size_t n;
	uint8_t bytes[];
};

struct dummy_rxq {
	struct netdev_rxq up;
	struct dummy_rxq *next; // of the device's open queues
	// Guarded by the device's lock.
	struct frame *first, **last;
	unsigned int n;
};

struct dummy {
	struct netdev up;
	pthread_mutex_t lock;
	// Guarded by `lock`.
	struct dummy_rxq *queues;
	struct netdev_stats stats;
	struct pcap_file *tx_pcap, *rx_pcap;
	struct netdev_dummy_link *link; // NULL: none
	// Owned by the main thread.
	char *tx_path, *rx_path, *link_target; // as in the options
	bool link_passive;
	int ifindex;
};

// Main's, set once before the first device is opened.
static const struct netdev_dummy_link_ops *link_ops;
static void *link_arg;

void netdev_dummy_set_links(const struct netdev_dummy_link_ops *ops, void *arg)
{
	link_ops = ops;
	link_arg = arg;
}

static struct dummy *cast(const struct netdev *dev)
{
	return (struct dummy *)dev;
}

static struct error *dummy_open(struct netdev *dev)
{
	static unsigned int next_mac; // deterministic: the n-th dummy of the process
	unsigned int n = next_mac++;
	const uint8_t mac[6] = {0xaa, 0x55, 0xaa, 0x55, (uint8_t)(n >> 8), (uint8_t)n};
	memcpy(dev->mac, mac, 6);
	dev->mtu = MTU;
	dev->up = dev->carrier = true;
	pthread_mutex_init(&cast(dev)->lock, NULL);
	return NULL;
}

static void close_link(struct dummy *dummy)
{
	pthread_mutex_lock(&dummy->lock);
	struct netdev_dummy_link *link = dummy->link;
	dummy->link = NULL;
	pthread_mutex_unlock(&dummy->lock);
	if (link)
		link_ops->close(link);
	free(dummy->link_target);
	dummy->link_target = NULL;
}

static void dummy_close(struct netdev *dev)
{
	struct dummy *dummy = cast(dev);
	close_link(dummy);
	if (dummy->rx_pcap != dummy->tx_pcap)
		pcap_file_close(dummy->rx_pcap);
	pcap_file_close(dummy->tx_pcap);
	free(dummy->tx_path);
	free(dummy->rx_path);
	pthread_mutex_destroy(&dummy->lock);
}

bool netdev_is_dummy(const struct netdev *dev)
{
	return dev->class == &netdev_dummy_class || dev->class == &netdev_dummy_internal_class ||
	       dev->class == &netdev_dummy_pmd_class;
}

// --- Options

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static struct error *set_captures(struct dummy *dummy, const char *tx, const char *rx)
{
	if (same(tx, dummy->tx_path) && same(rx, dummy->rx_path))
		return NULL;
	struct pcap_file *new_tx = NULL, *new_rx = NULL;
	struct error *e = tx ? pcap_file_append(tx, &new_tx) : NULL;
	if (!e && rx && same(rx, tx))
		new_rx = new_tx;
	else if (!e && rx)
		e = pcap_file_append(rx, &new_rx);
	if (e) {
		pcap_file_close(new_tx);
		return e;
	}
	pthread_mutex_lock(&dummy->lock);
	struct pcap_file *old_tx = dummy->tx_pcap, *old_rx = dummy->rx_pcap;
	dummy->tx_pcap = new_tx;
	dummy->rx_pcap = new_rx;
	pthread_mutex_unlock(&dummy->lock);
	pcap_file_close(old_tx);
	if (old_rx != old_tx)
		pcap_file_close(old_rx);
	free(dummy->tx_path);
	free(dummy->rx_path);
	dummy->tx_path = xstrdup_null(tx);
	dummy->rx_path = xstrdup_null(rx);
	return NULL;
}

static struct error *set_link(struct dummy *dummy, const char *active, const char *passive)
{
	const char *target = active ? active : passive;
	if (active && passive)
		return error_errno(EINVAL,
				   "%s: both options:stream=%s and options:pstream=%s are given: "
				   "only one is possible",
				   dummy->up.name, active, passive);
	if (same(target, dummy->link_target) && dummy->link_passive == !active)
		return NULL;
	close_link(dummy);
	if (!target)
		return NULL;
	struct netdev_dummy_link *link = NULL;
	struct error *e = link_ops
				  ? link_ops->open(link_arg, dummy->up.name, target, !active, &link)
				  : error_errno(EOPNOTSUPP, "%s: dummies cannot be connected here",
						dummy->up.name);
	if (e)
		return error_wrap(e, "%s: options:%s", dummy->up.name,
				  active ? "stream" : "pstream");
	dummy->link_target = xstrdup(target);
	dummy->link_passive = !active;
	pthread_mutex_lock(&dummy->lock);
	dummy->link = link;
	pthread_mutex_unlock(&dummy->lock);
	return NULL;
}

static unsigned int number_option(const struct netdev *dev, struct netdev_options options,
				  const char *key, unsigned int min, unsigned int max,
				  unsigned int otherwise,
				  void (*complain)(void *arg, const char *text), void *arg)
{
	const char *text = netdev_option_find(options, key);
	uint32_t value;
	if (!text)
		return otherwise;
	if (!parse_u32(text, 0, &value) && value >= min && value <= max)
		return value;
	char *why = xasprintf("options:%s is \"%s\": a number from %u to %u is wanted; %u is used",
			      key, text, min, max, otherwise);
	complain(arg, why);
	free(why);
	return otherwise;
}

static struct error *dummy_set_options(struct netdev *dev, struct netdev_options options,
				       void (*complain)(void *arg, const char *text), void *arg)
{
	static const char *const known[] = {"ifindex",	"n_rxq",  "n_txq",   "pcap", "pstream",
					    "rxq_pcap", "stream", "tx_pcap", NULL};
	netdev_complain_unknown(dev, options, known, complain, arg);
	const char *both = netdev_option_find(options, "pcap");
	const char *tx = netdev_option_find(options, "tx_pcap"),
		   *rx = netdev_option_find(options, "rxq_pcap");
	int ifindex = (int)number_option(dev, options, "ifindex", 0, INT32_MAX, 0, complain, arg);
	if (ifindex != cast(dev)->ifindex)
		netdev_changed(dev);
	cast(dev)->ifindex = ifindex;
	if (dev->class == &netdev_dummy_pmd_class)
		dev->n_rxq =
			number_option(dev, options, "n_rxq", 1, N_QUEUES_MAX, 1, complain, arg);
	struct error *e = set_captures(cast(dev), both ? both : tx, both ? both : rx);
	return e ? e
		 : set_link(cast(dev), netdev_option_find(options, "stream"),
			    netdev_option_find(options, "pstream"));
}

static struct error *dummy_set_mac(struct netdev *dev, const uint8_t mac[6])
{
	memcpy(dev->mac, mac, 6);
	netdev_changed(dev);
	return NULL;
}

static struct error *dummy_set_mtu(struct netdev *dev, int mtu)
{
	if (mtu < 68 || mtu > 65535)
		return error_errno(EINVAL, "%s: an MTU of %d: from 68 to 65535 is possible",
				   dev->name, mtu);
	dev->mtu = mtu;
	netdev_changed(dev);
	return NULL;
}

static struct error *dummy_set_up(struct netdev *dev, bool up)
{
	if (dev->up != up)
		dev->carrier_resets++;
	dev->up = dev->carrier = up;
	netdev_changed(dev);
	return NULL;
}

static int dummy_ifindex(const struct netdev *dev)
{
	return cast(dev)->ifindex;
}

static void dummy_stats(const struct netdev *dev, struct netdev_stats *s)
{
	struct dummy *dummy = cast(dev);
	pthread_mutex_lock(&dummy->lock);
	s->rx_packets = dummy->stats.rx_packets;
	s->tx_packets = dummy->stats.tx_packets;
	s->rx_bytes = dummy->stats.rx_bytes;
	s->tx_bytes = dummy->stats.tx_bytes;
	s->rx_dropped = dummy->stats.rx_dropped;
	s->tx_dropped = dummy->stats.tx_dropped;
	pthread_mutex_unlock(&dummy->lock);
}

// --- Queues

static struct error *dummy_rxq_open(struct netdev_rxq *up)
{
	struct dummy_rxq *rxq = (struct dummy_rxq *)up;
	struct dummy *dummy = cast(up->dev);
	up->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (up->fd < 0)
		return error_errno(errno, "%s: eventfd", up->dev->name);
	rxq->last = &rxq->first;
	pthread_mutex_lock(&dummy->lock);
	rxq->next = dummy->queues;
	dummy->queues = rxq;
	pthread_mutex_unlock(&dummy->lock);
	return NULL;
}

static struct frame *queue_take(struct dummy_rxq *rxq)
{
	struct frame *frame = rxq->first;
	if (frame) {
		rxq->first = frame->next;
		rxq->n--;
		if (!rxq->first)
			rxq->last = &rxq->first;
	}
	return frame;
}

static void dummy_rxq_close(struct netdev_rxq *up)
{
	struct dummy_rxq *rxq = (struct dummy_rxq *)up;
	struct dummy *dummy = cast(up->dev);
	pthread_mutex_lock(&dummy->lock);
	struct dummy_rxq **at = &dummy->queues;
	while (*at != rxq)
		at = &(*at)->next;
	*at = rxq->next;
	pthread_mutex_unlock(&dummy->lock);
	for (struct frame *frame; (frame = queue_take(rxq));)
		free(frame);
	close(up->fd);
}

static void capture(struct pcap_file *file, const void *frame, size_t n)
{
	// A capture that cannot be written is no reason to lose the packet; its reader sees that it
	// ends.
	if (file)
		error_free(pcap_file_write(file, frame, n, n, clock_wall_ms() * 1000));
}

static void queue_put(struct dummy *dummy, struct dummy_rxq *rxq, const void *bytes, size_t n,
		      size_t pad_to)
{
	size_t len = pad_to > n ? pad_to : n;
	struct frame *frame = xcalloc(1, sizeof(*frame) + len);
	memcpy(frame->bytes, bytes, n);
	frame->n = len;
	pthread_mutex_lock(&dummy->lock);
	if (rxq->n >= QUEUE_MAX) {
		dummy->stats.rx_dropped++;
		free(frame);
	} else {
		*rxq->last = frame;
		rxq->last = &frame->next;
		rxq->n++;
		dummy->stats.rx_packets++;
		dummy->stats.rx_bytes += len;
		capture(dummy->rx_pcap, frame->bytes, len);
	}
	pthread_mutex_unlock(&dummy->lock);
	uint64_t one = 1;
	(void)!write(rxq->up.fd, &one, sizeof(one));
}

int netdev_dummy_receive(const char *name, unsigned int queue, const void *frame, size_t n,
			 size_t pad_to)
{
	struct netdev *dev = netdev_find(name);
	if (!dev || !netdev_is_dummy(dev))
		return -ENOENT;
	if (queue >= dev->n_rxq || n > MBUF_MAX_FRAME || pad_to > MBUF_MAX_FRAME)
		return -EINVAL;
	for (struct dummy_rxq *rxq = cast(dev)->queues; rxq; rxq = rxq->next)
		if (rxq->up.queue == queue)
			queue_put(cast(dev), rxq, frame, n, pad_to);
	return 0;
}

static int dummy_rx(struct netdev_rxq *up, struct rte_mbuf **packets, unsigned int n)
{
	struct dummy_rxq *rxq = (struct dummy_rxq *)up;
	struct dummy *dummy = cast(up->dev);
	unsigned int got = 0;
	pthread_mutex_lock(&dummy->lock);
	while (got < n && rxq->first) {
		struct frame *frame = queue_take(rxq);
		packets[got] = mbuf_from_bytes(frame->bytes, frame->n);
		if (packets[got])
			got++;
		else
			dummy->stats.rx_dropped++;
		free(frame);
	}
	uint64_t count;
	if (!rxq->first)
		(void)!read(up->fd, &count, sizeof(count));
	pthread_mutex_unlock(&dummy->lock);
	return (int)got;
}

static void send_one(struct dummy *dummy, struct rte_mbuf *m)
{
	vnet_finish_checksum(m);
	uint8_t *copy = m->nb_segs > 1 ? xmalloc(m->pkt_len) : NULL;
	const void *bytes = rte_pktmbuf_read(m, 0, m->pkt_len, copy);
	capture(dummy->tx_pcap, bytes, m->pkt_len);
	if (dummy->link && !link_ops->send(dummy->link, bytes, m->pkt_len))
		dummy->stats.tx_dropped++;
	free(copy);
	dummy->stats.tx_packets++;
	dummy->stats.tx_bytes += m->pkt_len;
}

static unsigned int dummy_tx(struct netdev *dev, unsigned int thread, struct rte_mbuf **packets,
			     unsigned int n)
{
	struct dummy *dummy = cast(dev);
	unsigned int sent = 0;
	pthread_mutex_lock(&dummy->lock);
	for (unsigned int i = 0; i < n; i++) {
		struct rte_mbuf *m = packets[i];
		bool large = m->pkt_len > (uint32_t)dev->mtu + FRAME_EXTRA &&
			     !(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
		if (large || !dev->up) {
			dummy->stats.tx_dropped++;
			continue;
		}
		send_one(dummy, m);
		sent++;
	}
	pthread_mutex_unlock(&dummy->lock);
	rte_pktmbuf_free_bulk(packets, n);
	return sent;
}

int netdev_dummy_set_admin_state(const char *name, bool up)
{
	struct netdev *dev = name ? netdev_find(name) : NULL;
	if (name && (!dev || !netdev_is_dummy(dev)))
		return -ENOENT;
	if (dev) {
		error_free(netdev_set_up(dev, up));
		return 0;
	}
	while ((dev = netdev_next(dev)))
		if (netdev_is_dummy(dev))
			error_free(netdev_set_up(dev, up));
	return 0;
}

void netdev_dummy_conn_state(const char *name, struct str *text)
{
	if (name) {
		struct netdev *dev = netdev_find(name);
		struct dummy *dummy = dev && netdev_is_dummy(dev) ? cast(dev) : NULL;
		bool connects = dummy && dummy->link && !dummy->link_passive;
		str_addf(text, "%s: %s\n", name,
			 !connects			       ? "unknown"
			 : link_ops->is_connected(dummy->link) ? "connected"
							       : "disconnected");
		return;
	}
	for (struct netdev *dev = netdev_next(NULL); dev; dev = netdev_next(dev))
		if (netdev_is_dummy(dev) && cast(dev)->link && !cast(dev)->link_passive)
			netdev_dummy_conn_state(dev->name, text);
}

#define DUMMY_CLASS                                                                                \
	.size = sizeof(struct dummy), .rxq_size = sizeof(struct dummy_rxq), .open = dummy_open,    \
	.close = dummy_close, .set_options = dummy_set_options, .set_mac = dummy_set_mac,          \
	.set_mtu = dummy_set_mtu, .set_up = dummy_set_up, .get_ifindex = dummy_ifindex,            \
	.get_stats = dummy_stats, .rxq_open = dummy_rxq_open, .rxq_close = dummy_rxq_close,        \
	.rx_burst = dummy_rx, .tx_burst = dummy_tx

const struct netdev_class netdev_dummy_class = {DUMMY_CLASS, .type = "dummy"};
const struct netdev_class netdev_dummy_internal_class = {DUMMY_CLASS, .type = "dummy-internal"};
const struct netdev_class netdev_dummy_pmd_class = {DUMMY_CLASS, .type = "dummy-pmd"};
