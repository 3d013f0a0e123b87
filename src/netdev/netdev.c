/* SPDX-License-Identifier: Apache-2.0 */
// The list of open devices, and what all types have in common. Devices of the kernel belong to the
// process, so the list does too.
#include "netdev/netdev.h"

#include <errno.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "netdev/class.h"
#include "netdev/rtnl.h"

struct watcher {
	struct loop *loop;
	loop_cb *cb;
	void *arg;
	struct loop_defer due;
};

// Owned by the main thread.
static struct {
	struct netdev *first; // by name
	enum netdev_dummy dummy;
	uint64_t seq;
	VEC(struct watcher *) watchers;
	struct rtnl_watch *rtnl;
	unsigned int rtnl_users;
	char *rtnl_problem;
} all;

static const struct netdev_class *const classes[] = {
	&netdev_dpdk_class,	    &netdev_afxdp_class,    &netdev_vhost_server_class,
	&netdev_vhost_client_class, &netdev_dummy_class,    &netdev_dummy_internal_class,
	&netdev_dummy_pmd_class,    &netdev_internal_class, &netdev_patch_class,
	&netdev_system_class,	    &netdev_tap_class,
};
enum { N_CLASSES = sizeof(classes) / sizeof(*classes) };

void netdev_enable_dummy(enum netdev_dummy dummy)
{
	all.dummy = dummy;
}

static bool is_dummy(const char *type)
{
	return !strncmp(type, "dummy", 5);
}

const char *const *netdev_types(void)
{
	static const char *types[N_CLASSES + 1];
	size_t n = 0;
	for (size_t i = 0; i < N_CLASSES; i++)
		if (all.dummy != NETDEV_DUMMY_NONE || !is_dummy(classes[i]->type))
			types[n++] = classes[i]->type;
	types[n] = NULL;
	return types;
}

static const struct netdev_class *class_find(const char *type)
{
	if (all.dummy == NETDEV_DUMMY_NONE && is_dummy(type))
		return NULL;
	if (all.dummy >= NETDEV_DUMMY_SYSTEM && !strcmp(type, "system"))
		return &netdev_dummy_class;
	if (all.dummy == NETDEV_DUMMY_OVERRIDE && !strcmp(type, "tap"))
		return &netdev_dummy_class;
	if (all.dummy == NETDEV_DUMMY_OVERRIDE && !strcmp(type, "internal"))
		return &netdev_dummy_internal_class;
	for (size_t i = 0; i < N_CLASSES; i++)
		if (!strcmp(classes[i]->type, type))
			return classes[i];
	return NULL;
}

// --- Watching

static void tell_watchers(void)
{
	VEC_FOREACH (&all.watchers, i) {
		struct watcher *w = all.watchers.v[i];
		loop_defer(w->loop, &w->due, w->cb, w->arg);
	}
}

static void on_link_changed(void *arg, const struct rtnl_link *link)
{
	for (struct netdev *dev = all.first, *next; dev; dev = next) {
		next = dev->next;
		netdev_linux_link_event(dev, link->ifindex, link);
	}
	if (!netdev_find(link->name))
		tell_watchers();
}

static void on_link_removed(void *arg, int ifindex, const char *name)
{
	for (struct netdev *dev = all.first, *next; dev; dev = next) {
		next = dev->next;
		netdev_linux_link_event(dev, ifindex, NULL);
	}
}

static void on_links_lost(void *arg)
{
	for (struct netdev *dev = all.first, *next; dev; dev = next) {
		next = dev->next;
		struct rtnl_link link;
		int ifindex = netdev_ifindex(dev);
		if (!ifindex)
			continue;
		int r = rtnl_link_get(RTNL_HERE, dev->name, &link);
		if (!r && link.ifindex == ifindex)
			netdev_linux_link_event(dev, ifindex, &link);
		else if (!r || r == -ENODEV)
			netdev_linux_link_event(dev, ifindex, NULL);
	}
	tell_watchers();
}

static void rtnl_use(struct loop *loop)
{
	static const struct rtnl_watch_callbacks callbacks = {on_link_changed, on_link_removed,
							      on_links_lost};
	if (all.rtnl_users++)
		return;
	int r = rtnl_watch_new(loop, &callbacks, NULL, &all.rtnl);
	if (r < 0)
		all.rtnl_problem = xstrdup(strerror(-r));
}

static void rtnl_unuse(void)
{
	if (--all.rtnl_users)
		return;
	rtnl_watch_free(all.rtnl);
	all.rtnl = NULL;
	free(all.rtnl_problem);
	all.rtnl_problem = NULL;
}

void netdev_watch(struct loop *loop, loop_cb *cb, void *arg)
{
	struct watcher *w = XNEW(struct watcher);
	*w = (struct watcher){.loop = loop, .cb = cb, .arg = arg};
	vec_push(&all.watchers, w);
	rtnl_use(loop);
}

void netdev_unwatch(loop_cb *cb, void *arg)
{
	VEC_FOREACH (&all.watchers, i) {
		struct watcher *w = all.watchers.v[i];
		if (w->cb != cb || w->arg != arg)
			continue;
		loop_defer_cancel(&w->due);
		free(w);
		vec_remove(&all.watchers, i);
		rtnl_unuse();
		break;
	}
	if (!all.watchers.n)
		vec_done(&all.watchers);
}

const char *netdev_watch_problem(void)
{
	return all.rtnl_problem;
}

void netdev_changed(struct netdev *dev)
{
	dev->change_seq = ++all.seq;
	tell_watchers();
}

void netdev_update(struct netdev *dev, const struct netdev_state *s)
{
	if (dev->mtu == s->mtu && dev->up == s->up && dev->carrier == s->carrier &&
	    !memcmp(dev->mac, s->mac, 6))
		return;
	if (dev->carrier != s->carrier && dev->listed)
		dev->carrier_resets++;
	dev->mtu = s->mtu;
	dev->up = s->up;
	dev->carrier = s->carrier;
	memcpy(dev->mac, s->mac, 6);
	netdev_changed(dev);
}

// --- The list

static void list_add(struct netdev *dev)
{
	struct netdev **at = &all.first;
	while (*at && strcmp((*at)->name, dev->name) < 0)
		at = &(*at)->next;
	dev->next = *at;
	*at = dev;
	dev->listed = true;
}

static void list_remove(struct netdev *dev)
{
	struct netdev **at = &all.first;
	while (*at && *at != dev)
		at = &(*at)->next;
	if (*at)
		*at = dev->next;
	dev->listed = false;
}

void netdev_set_gone(struct netdev *dev)
{
	if (dev->gone)
		return;
	dev->gone = true;
	if (dev->carrier)
		dev->carrier_resets++;
	dev->carrier = dev->up = false;
	list_remove(dev);
	netdev_changed(dev);
}

struct netdev *netdev_find(const char *name)
{
	for (struct netdev *dev = all.first; dev; dev = dev->next)
		if (!strcmp(dev->name, name))
			return dev;
	return NULL;
}

struct netdev *netdev_next(const struct netdev *dev)
{
	return dev ? dev->next : all.first;
}

struct error *netdev_open(struct loop *loop, const char *name, const char *type,
			  struct netdev **out)
{
	type = *type ? type : "system";
	const struct netdev_class *class = class_find(type);
	if (!class)
		return error_errno(EAFNOSUPPORT, "could not create netdev %s of unknown type %s",
				   name, type);
	struct netdev *dev = netdev_find(name);
	if (dev && strcmp(dev->type, type))
		return error_errno(EEXIST, "%s is open already with type %s, not %s", name,
				   dev->type, type);
	if (dev) {
		*out = netdev_ref(dev);
		return NULL;
	}
	dev = xcalloc(1, class->size);
	dev->class = class;
	dev->type = class->type;
	for (size_t i = 0; i < N_CLASSES; i++)
		if (!strcmp(classes[i]->type, type))
			dev->type = classes[i]->type;
	dev->name = xstrdup(name);
	dev->loop = loop;
	dev->refs = 1;
	dev->n_rxq = class->rxq_size ? 1 : 0;
	dev->change_seq = ++all.seq;
	// From before the device is looked at, so that no change is missed.
	rtnl_use(loop);
	struct error *e = class->open(dev);
	if (e) {
		rtnl_unuse();
		free(dev->name);
		free(dev);
		return e;
	}
	list_add(dev);
	*out = dev;
	return NULL;
}

struct netdev *netdev_ref(struct netdev *dev)
{
	dev->refs++;
	return dev;
}

void netdev_unref(struct netdev *dev)
{
	if (!dev || --dev->refs)
		return;
	list_remove(dev);
	dev->class->close(dev);
	rtnl_unuse();
	free(dev->name);
	free(dev);
}

void netdev_leave(struct netdev *dev)
{
	dev->leave = true;
}

// --- What a device is

const char *netdev_name(const struct netdev *dev)
{
	return dev->name;
}

const char *netdev_type(const struct netdev *dev)
{
	return dev->type;
}

const char *netdev_option_find(struct netdev_options options, const char *key)
{
	for (unsigned int i = 0; i < options.n; i++)
		if (!strcmp(options.v[i].key, key))
			return options.v[i].value;
	return NULL;
}

static char *join_names(const char *const *names)
{
	char *text = xstrdup("");
	for (size_t i = 0; names && names[i]; i++) {
		char *more = xasprintf("%s%s%s", text, i ? ", " : "", names[i]);
		free(text);
		text = more;
	}
	return text;
}

void netdev_complain_unknown(const struct netdev *dev, struct netdev_options options,
			     const char *const *known,
			     void (*complain)(void *arg, const char *text), void *arg)
{
	for (unsigned int i = 0; i < options.n; i++) {
		size_t k = 0;
		while (known && known[k] && strcmp(known[k], options.v[i].key))
			k++;
		if (known && known[k])
			continue;
		char *names = join_names(known);
		char *text =
			known ? xasprintf("options:%s is not known for type \"%s\", which has: %s",
					  options.v[i].key, dev->type, names)
			      : xasprintf("options:%s is not known: type \"%s\" has no options",
					  options.v[i].key, dev->type);
		complain(arg, text);
		free(text);
		free(names);
	}
}

struct error *netdev_set_options(struct netdev *dev, struct netdev_options options,
				 void (*complain)(void *arg, const char *text), void *arg)
{
	if (dev->class->set_options)
		return dev->class->set_options(dev, options, complain, arg);
	netdev_complain_unknown(dev, options, NULL, complain, arg);
	return NULL;
}

bool netdev_wants_restart(const struct netdev *dev)
{
	return dev->restart;
}

struct error *netdev_set_mac(struct netdev *dev, const uint8_t mac[6])
{
	return memcmp(dev->mac, mac, 6) ? dev->class->set_mac(dev, mac) : NULL;
}

int netdev_get_mac(const struct netdev *dev, uint8_t mac[6])
{
	memcpy(mac, dev->mac, 6);
	return dev->gone ? -ENODEV : 0;
}

struct error *netdev_set_mtu(struct netdev *dev, int mtu)
{
	if (!dev->class->set_mtu)
		return error_errno(EOPNOTSUPP, "%s: type \"%s\" has no MTU", dev->name, dev->type);
	return dev->mtu == mtu ? NULL : dev->class->set_mtu(dev, mtu);
}

int netdev_get_mtu(const struct netdev *dev)
{
	return dev->gone ? 0 : dev->mtu;
}

struct error *netdev_set_up(struct netdev *dev, bool up)
{
	return dev->up == up ? NULL : dev->class->set_up(dev, up);
}

bool netdev_is_up(const struct netdev *dev)
{
	return dev->up;
}

bool netdev_carrier(const struct netdev *dev)
{
	return dev->carrier;
}

bool netdev_is_gone(const struct netdev *dev)
{
	return dev->gone;
}

uint64_t netdev_carrier_resets(const struct netdev *dev)
{
	return dev->carrier_resets;
}

int netdev_ifindex(const struct netdev *dev)
{
	return dev->class->get_ifindex ? dev->class->get_ifindex(dev) : 0;
}

void netdev_get_features(const struct netdev *dev, struct netdev_features *f)
{
	*f = (struct netdev_features){0};
	if (dev->class->get_features && !dev->gone)
		dev->class->get_features(dev, f);
}

void netdev_get_stats(const struct netdev *dev, struct netdev_stats *s)
{
	memset(s, 0xff, sizeof(*s));
	dev->class->get_stats(dev, s);
}

void netdev_get_config(const struct netdev *dev,
		       void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	if (dev->class->get_config)
		dev->class->get_config(dev, cb, arg);
}

void netdev_get_counters(const struct netdev *dev,
			 void (*cb)(void *arg, const char *name, uint64_t value), void *arg)
{
	if (dev->class->get_counters && !dev->gone)
		dev->class->get_counters(dev, cb, arg);
}

void netdev_get_status(const struct netdev *dev,
		       void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	if (dev->class->get_status)
		dev->class->get_status(dev, cb, arg);
}

uint64_t netdev_change_seq(const struct netdev *dev)
{
	return dev->change_seq;
}

// --- Queues

bool netdev_has_queues(const struct netdev *dev)
{
	return dev->class->rxq_size;
}

unsigned int netdev_n_rxq(const struct netdev *dev)
{
	return dev->n_rxq;
}

struct error *netdev_rxq_open(struct netdev *dev, unsigned int queue, struct netdev_rxq **out)
{
	if (queue >= dev->n_rxq)
		return error_errno(EINVAL, "%s has no receive queue %u", dev->name, queue);
	struct netdev_rxq *rxq = xcalloc(1, dev->class->rxq_size);
	*rxq = (struct netdev_rxq){.dev = dev, .queue = queue, .fd = -1};
	struct error *e = dev->class->rxq_open(rxq);
	if (e) {
		free(rxq);
		return e;
	}
	netdev_ref(dev);
	*out = rxq;
	return NULL;
}

void netdev_rxq_close(struct netdev_rxq *rxq)
{
	if (!rxq)
		return;
	rxq->dev->class->rxq_close(rxq);
	netdev_unref(rxq->dev);
	free(rxq);
}

int netdev_numa(const struct netdev *dev)
{
	return dev->class->get_numa ? dev->class->get_numa(dev) : -1;
}

int netdev_rxq_fd(const struct netdev_rxq *rxq)
{
	return rxq->fd;
}

bool netdev_rxq_wait(struct netdev_rxq *rxq, int epoll_fd)
{
	return rxq->dev->class->rxq_wait && rxq->dev->class->rxq_wait(rxq, epoll_fd);
}

void netdev_rxq_forget_wait(struct netdev_rxq *rxq, int epoll_fd)
{
	rxq->dev->class->rxq_forget_wait(rxq, epoll_fd);
}

bool netdev_rxq_arm(struct netdev_rxq *rxq, bool on)
{
	return rxq->dev->class->rxq_arm(rxq, on);
}

bool netdev_rxq_is_fed_from_outside(const struct netdev_rxq *rxq)
{
	const struct netdev_class *class = rxq->dev->class;
	return !class->rxq_is_fed_from_outside || class->rxq_is_fed_from_outside(rxq);
}

uint32_t netdev_rxq_fill(const struct netdev_rxq *rxq)
{
	return rxq->dev->class->rxq_fill ? rxq->dev->class->rxq_fill(rxq) : 0;
}

unsigned int netdev_n_txq(const struct netdev *dev)
{
	return dev->class->n_txq ? dev->class->n_txq(dev) : 1;
}

int netdev_rx_burst(struct netdev_rxq *rxq, struct rte_mbuf **packets, unsigned int n)
{
	return rxq->dev->class->rx_burst(rxq, packets, n);
}

unsigned int netdev_tx_burst(struct netdev *dev, unsigned int thread, struct rte_mbuf **packets,
			     unsigned int n)
{
	if (dev->class->tx_burst)
		return dev->class->tx_burst(dev, thread, packets, n);
	rte_pktmbuf_free_bulk(packets, n);
	return 0;
}
