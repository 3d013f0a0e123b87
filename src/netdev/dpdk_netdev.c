/* SPDX-License-Identifier: Apache-2.0 */
// Type "dpdk": an Ethernet device of DPDK, named by options:dpdk-devargs. Only that device is
// probed; it is detached with the port. Type "afxdp": a device of the kernel, by its name, through
// DPDK's AF_XDP driver.
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "netdev/dpdk.h"
#include "netdev/dpdk_dev.h"
#include "netdev/dpdk_internal.h"
#include "netdev/mbuf.h"

enum { DESCRIPTORS = 2048, DESCRIPTORS_MAX = 4096 };

// --- Life.

// DPDK's interrupt thread.
static int on_event(uint16_t port, enum rte_eth_event_type type, void *dev_, void *unused)
{
	struct dpdk_dev *dev = dev_;
	if (type == RTE_ETH_EVENT_INTR_RMV)
		atomic_store(&dev->removed, true);
	if (type == RTE_ETH_EVENT_INTR_RESET)
		atomic_store(&dev->reset_wanted, true);
	loop_wake(dev->event);
	return 0;
}

static const enum rte_eth_event_type events[] = {RTE_ETH_EVENT_INTR_LSC, RTE_ETH_EVENT_INTR_RMV,
						 RTE_ETH_EVENT_INTR_RESET};
enum { N_EVENTS = sizeof(events) / sizeof(events[0]) };

// The main thread, after that.
static void device_event(void *dev_)
{
	struct dpdk_dev *dev = dev_;
	if (atomic_load(&dev->removed)) {
		netdev_set_gone(&dev->up);
		return;
	}
	if (atomic_exchange(&dev->reset_wanted, false)) {
		dev->dirty = dev->up.restart = dev->reset = true;
		netdev_changed(&dev->up);
	}
	dpdk_refresh_link(&dev->up);
}

// Not every driver tells.
enum { LINK_MS = 1000 };

static void look_at_link(void *dev_)
{
	struct dpdk_dev *dev = dev_;
	dpdk_refresh_link(&dev->up);
	loop_timer_set_in(&dev->link_timer, LINK_MS);
}

static struct error *dpdk_open(struct netdev *up)
{
	struct dpdk_dev *dev = dpdk_cast(up);
	struct error *e = mbuf_env_start();
	if (e)
		return e;
	dev->port = RTE_MAX_ETHPORTS;
	dev->event = loop_wake_new(up->loop, device_event, dev);
	loop_timer_init(&dev->link_timer, up->loop, look_at_link, dev);
	loop_timer_set_in(&dev->link_timer, LINK_MS);
	dev->n_rxd = dev->n_txd = DESCRIPTORS;
	up->mtu = RTE_ETHER_MTU;
	up->up = true;
	for (unsigned int i = 0; i < DPDK_MAX_TXQ; i++)
		pthread_spin_init(&dev->tx_lock[i], PTHREAD_PROCESS_PRIVATE);
	return NULL;
}

// The device goes with the last of its ports.
static void remove_device(struct dpdk_dev *dev)
{
	uint16_t other;
	rte_eth_dev_close(dev->port);
	RTE_ETH_FOREACH_DEV_OF (other, dev->info.device)
		return;
	rte_dev_remove(dev->info.device);
}

static void detach(struct dpdk_dev *dev)
{
	if (dev->port == RTE_MAX_ETHPORTS)
		return;
	dpdk_halt(dev);
	for (unsigned int i = 0; i < N_EVENTS; i++)
		rte_eth_dev_callback_unregister(dev->port, events[i], on_event, dev);
	struct dpdk_fds before;
	dpdk_fds_take(&before);
	if (!dev->borrowed)
		remove_device(dev);
	dpdk_wait_add_sockets(&dev->wait, &before); // closing opens some too
	dpdk_wait_close_forgotten(&dev->wait);
	dpdk_pool_retire(dev->pool, dev->kept);
	dev->pool = NULL;
	dev->port = RTE_MAX_ETHPORTS;
}

static void dpdk_close(struct netdev *up)
{
	struct dpdk_dev *dev = dpdk_cast(up);
	detach(dev);
	for (unsigned int i = 0; i < DPDK_MAX_TXQ; i++)
		pthread_spin_destroy(&dev->tx_lock[i]);
	loop_timer_cancel(&dev->link_timer);
	loop_wake_free(dev->event);
	free(dev->devargs);
}

// --- Options.

static struct error *probe_error(const char *devargs, int r, char *log)
{
	const char *why = strerror(r);
	if (r == EFAULT) {
		why = "there is no driver of that name";
	} else if (*log && r != ENODEV && r != ENOENT) {
		why = dpdk_driver_words(log);
	} else if (r == ENODEV || r == ENOENT) {
		why = "no such device, or no driver for it is bound: see dpdk-devbind.py --status";
	} else if (r == EINVAL) {
		why = "the device arguments are not what its driver takes";
	}
	struct error *e = error_new("Error attaching device '%s' to DPDK (%s)", devargs, why);
	free(log);
	return e;
}

static bool in_use(uint16_t port)
{
	const struct netdev *dev = netdev_next(NULL);
	while (dev && netdev_dpdk_port(dev) != port)
		dev = netdev_next(dev);
	return dev;
}

// "class=eth,mac=..." finds a port of any device that is there; "...,representor=..." one of
// several of a device.
static bool is_class(const char *devargs)
{
	return !strncmp(devargs, "class=", 6);
}

static bool is_one_of_several(const char *devargs)
{
	return is_class(devargs) || strstr(devargs, ",representor=");
}

// The port that is there already for the device; RTE_MAX_ETHPORTS: none.
static uint16_t find_port(const char *devargs, bool probed)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	struct rte_dev_iterator iterator;
	uint16_t port;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(devargs, ","), devargs);
	if (!is_one_of_several(devargs) && !rte_eth_dev_get_port_by_name(name, &port))
		return port;
	if (!is_one_of_several(devargs) && !probed)
		return RTE_MAX_ETHPORTS;
	dpdk_log_mute(true); // a driver that is not loaded yet is no error
	bool any = false;
	RTE_ETH_FOREACH_MATCHING_DEV (port, devargs, &iterator) {
		rte_eth_iterator_cleanup(&iterator);
		any = true;
		break;
	}
	dpdk_log_mute(false);
	return any ? port : RTE_MAX_ETHPORTS;
}

static struct error *check_class(const char *devargs)
{
	struct rte_ether_addr mac;
	if (!strncmp(devargs, "class=eth,mac=", 14) && !rte_ether_unformat_addr(devargs + 14, &mac))
		return NULL;
	return error_new("Error attaching device '%s' to DPDK (of classes there is "
			 "\"class=eth,mac=XX:XX:XX:XX:XX:XX\")",
			 devargs);
}

static struct error *probe(struct dpdk_dev *dev, const char *devargs)
{
	if (is_class(devargs))
		return error_errno(ENODEV,
				   "Error attaching device '%s' to DPDK (no device with this MAC "
				   "address is there: devices that are "
				   "found by it have to be named by another port, or in "
				   "other_config:dpdk-extra)",
				   devargs);
	struct error *e = dpdk_load_driver(devargs);
	if (e)
		return e;
	dpdk_log_start();
	int r = rte_dev_probe(devargs);
	char *log = dpdk_log_take();
	if (r < 0)
		return probe_error(devargs, -r, log);
	free(log);
	dev->port = find_port(devargs, true);
	if (dev->port != RTE_MAX_ETHPORTS)
		return NULL;
	return error_new("Error attaching device '%s' to DPDK (%s)", devargs,
			 is_one_of_several(devargs) ? "it has no such representor"
						    : "it is no network device");
}

static struct error *attach(struct dpdk_dev *dev, const char *devargs)
{
	struct error *e = is_class(devargs) ? check_class(devargs) : NULL;
	if (e)
		return e;
	struct dpdk_fds before;
	dpdk_fds_take(&before);
	uint16_t port = find_port(devargs, false);
	if (port != RTE_MAX_ETHPORTS && in_use(port))
		return error_errno(EBUSY, "DPDK device '%s' is in use by another port", devargs);
	dev->port = port;
	dev->borrowed = port != RTE_MAX_ETHPORTS;
	e = dev->borrowed ? NULL : probe(dev, devargs);
	if (e)
		return e;
	dev->wait = (struct dpdk_wait){.port = dev->port};
	dpdk_wait_add_sockets(&dev->wait, &before);
	dev->wait.n_probed = dev->wait.n_sockets;
	int r = rte_eth_dev_info_get(dev->port, &dev->info);
	if (r < 0)
		return error_errno(-r, "DPDK device '%s' does not say what it is", devargs);
	for (unsigned int i = 0; i < N_EVENTS; i++)
		(void)rte_eth_dev_callback_register(dev->port, events[i], on_event, dev);
	return NULL;
}

struct error *dpdk_reattach(struct dpdk_dev *dev, unsigned int pause_us)
{
	detach(dev);
	usleep(pause_us);
	struct error *e = attach(dev, dev->devargs);
	if (e)
		detach(dev);
	dev->dirty = true;
	return e;
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
	char *why = xasprintf("options:%s is \"%s\": a number from %u to %u is wanted; %u is used",
			      n.key, text, n.min, n.max, n.otherwise);
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

static bool bool_option(struct netdev_options options, const char *key, bool otherwise,
			void (*complain)(void *arg, const char *text), void *arg)
{
	const char *text = netdev_option_find(options, key);
	if (!text || !strcmp(text, "true") || !strcmp(text, "false"))
		return text ? *text == 't' : otherwise;
	char *why = xasprintf("options:%s is \"%s\": true or false is wanted; %s is used", key,
			      text, otherwise ? "true" : "false");
	complain(arg, why);
	free(why);
	return otherwise;
}

// Pause frames (IEEE 802.3, annex 31B). The device is asked only by those who asked us.
static void set_flow_control(struct dpdk_dev *dev, struct netdev_options options,
			     void (*complain)(void *arg, const char *text), void *arg)
{
	static const char *const keys[] = {"rx-flow-ctrl", "tx-flow-ctrl", "flow-ctrl-autoneg"};
	static const enum rte_eth_fc_mode modes[] = {RTE_ETH_FC_NONE, RTE_ETH_FC_RX_PAUSE,
						     RTE_ETH_FC_TX_PAUSE, RTE_ETH_FC_FULL};
	unsigned int wanted = 0;
	bool asked = false;
	for (unsigned int i = 0; i < 3; i++) {
		asked |= netdev_option_find(options, keys[i]) != NULL;
		wanted |= (unsigned int)bool_option(options, keys[i], false, complain, arg) << i;
	}
	if (wanted == dev->flow_control || (!asked && !dev->flow_control))
		return;
	struct rte_eth_fc_conf conf;
	int r = rte_eth_dev_flow_ctrl_get(dev->port, &conf);
	if (!r) {
		conf.mode = modes[wanted & 3];
		conf.autoneg = wanted >> 2;
		r = rte_eth_dev_flow_ctrl_set(dev->port, &conf);
	}
	if (r < 0) {
		char *why = xasprintf("options:rx-flow-ctrl, tx-flow-ctrl, flow-ctrl-autoneg: "
				      "driver %s does not set flow control (%s)",
				      dev->info.driver_name, strerror(-r));
		complain(arg, why);
		free(why);
	}
	dev->flow_control = wanted;
}

// Of a virtual function, which its representor stands for.
static void set_vf_mac(struct dpdk_dev *dev, const char *text,
		       void (*complain)(void *arg, const char *text), void *arg)
{
	struct rte_ether_addr mac;
	char *why = NULL;
	int r;
	if (!text)
		return;
	if (!(*dev->info.dev_flags & RTE_ETH_DEV_REPRESENTOR))
		why = xstrdup("options:dpdk-vf-mac has no effect: the device is no representor of "
			      "a virtual function");
	else if (rte_ether_unformat_addr(text, &mac) || !rte_is_valid_assigned_ether_addr(&mac))
		why = xasprintf("options:dpdk-vf-mac is \"%s\": the Ethernet address of a station "
				"is wanted, like 00:11:22:33:44:55",
				text);
	else if ((r = rte_eth_dev_default_mac_addr_set(dev->port, &mac)) < 0)
		why = xasprintf("options:dpdk-vf-mac: driver %s does not set it (%s)",
				dev->info.driver_name, strerror(-r));
	if (why)
		complain(arg, why);
	free(why);
}

static struct error *use_device(struct dpdk_dev *dev, const char *devargs)
{
	if (dev->devargs && strcmp(dev->devargs, devargs))
		return error_errno(EAGAIN, "%s: another device is asked for", dev->up.name);
	if (dev->port != RTE_MAX_ETHPORTS)
		return NULL;
	struct error *e = attach(dev, devargs);
	if (e) {
		detach(dev);
		return e;
	}
	free(dev->devargs);
	dev->devargs = xstrdup(devargs);
	dev->dirty = true;
	dpdk_refresh_link(&dev->up);
	return NULL;
}

// The sockets of these drivers are opened once.
static bool can_restart(const struct dpdk_dev *dev)
{
	return strcmp(dev->info.driver_name, "net_af_xdp") &&
	       strcmp(dev->info.driver_name, "net_af_packet");
}

static struct error *set_queues(struct dpdk_dev *dev, struct netdev_options options,
				void (*complain)(void *arg, const char *text), void *arg)
{
	unsigned int rxq_max =
		dev->info.max_rx_queues < DPDK_MAX_RXQ ? dev->info.max_rx_queues : DPDK_MAX_RXQ;
	unsigned int n_rxq = number_option(
		options, (struct number){"n_rxq", 1, rxq_max ? rxq_max : 1, 1}, complain, arg);
	unsigned int n_rxd = number_option(
		options, (struct number){"n_rxq_desc", 1, DESCRIPTORS_MAX, DESCRIPTORS}, complain,
		arg);
	unsigned int n_txd = number_option(
		options, (struct number){"n_txq_desc", 1, DESCRIPTORS_MAX, DESCRIPTORS}, complain,
		arg);
	bool differ = n_rxq != dev->up.n_rxq || n_rxd != dev->n_rxd || n_txd != dev->n_txd;
	if (differ && atomic_load(&dev->running) && !can_restart(dev))
		return error_errno(EAGAIN, "%s: the device is to be opened anew", dev->up.name);
	set_number(dev, &dev->up.n_rxq, n_rxq);
	set_number(dev, &dev->n_rxd, n_rxd);
	set_number(dev, &dev->n_txd, n_txd);
	return NULL;
}

static struct error *dpdk_set_options(struct netdev *up, struct netdev_options options,
				      void (*complain)(void *arg, const char *text), void *arg)
{
	static const char *const known[] = {
		"dpdk-devargs", "dpdk-lsc-interrupt", "dpdk-vf-mac", "flow-ctrl-autoneg",
		"n_rxq",	"n_rxq_desc",	      "n_txq_desc",  "rx-flow-ctrl",
		"rx-steering",	"tx-flow-ctrl",	      NULL};
	struct dpdk_dev *dev = dpdk_cast(up);
	netdev_complain_unknown(up, options, known, complain, arg);
	const char *devargs = netdev_option_find(options, "dpdk-devargs");
	if (!devargs || !*devargs)
		return error_errno(EINVAL,
				   "'%s' is missing 'options:dpdk-devargs'. The old "
				   "'dpdk<port_id>' names are not supported",
				   up->name);
	struct error *e = use_device(dev, devargs);
	if (e)
		return e;
	bool no_lsc = !bool_option(options, "dpdk-lsc-interrupt", true, complain, arg);
	dev->dirty |= no_lsc != dev->no_lsc;
	up->restart |= no_lsc != dev->no_lsc;
	dev->no_lsc = no_lsc;
	set_flow_control(dev, options, complain, arg);
	set_vf_mac(dev, netdev_option_find(options, "dpdk-vf-mac"), complain, arg);
	const char *steering = netdev_option_find(options, "rx-steering");
	if (steering && strcmp(steering, "rss"))
		complain(arg, "options:rx-steering is to be rss, which is used: there is no queue "
			      "of its own for LACP");
	return set_queues(dev, options, complain, arg);
}

// The driver tries the kernel's modes from the fastest on; all that can be asked of it is to copy.
static struct error *afxdp_set_options(struct netdev *up, struct netdev_options options,
				       void (*complain)(void *arg, const char *text), void *arg)
{
	static const char *const known[] = {"n_rxq",	       "n_rxq_desc", "n_txq_desc",
					    "use-need-wakeup", "xdp-mode",   NULL};
	struct dpdk_dev *dev = dpdk_cast(up);
	netdev_complain_unknown(up, options, known, complain, arg);
	if (!if_nametoindex(up->name))
		return error_errno(
			ENODEV,
			"%s: a port of type afxdp has the name of a network device of the host",
			up->name);
	const char *mode = netdev_option_find(options, "xdp-mode");
	bool copy = mode && !strcmp(mode, "native");
	if (mode && !copy && strcmp(mode, "best-effort"))
		complain(arg,
			 "options:xdp-mode is to be best-effort or native; best-effort is used");
	if (!bool_option(options, "use-need-wakeup", true, complain, arg))
		complain(arg, "options:use-need-wakeup=false is ignored: the kernel is always "
			      "asked to say when it wants to be woken");
	unsigned int n_rxq =
		number_option(options, (struct number){"n_rxq", 1, DPDK_MAX_RXQ, 1}, complain, arg);
	char *devargs = xasprintf("net_af_xdp_%s,iface=%s,queue_count=%u%s", up->name, up->name,
				  n_rxq, copy ? ",force_copy=1" : "");
	struct error *e = use_device(dev, devargs);
	free(devargs);
	return e ? e : set_queues(dev, options, complain, arg);
}

static int afxdp_ifindex(const struct netdev *up)
{
	return (int)if_nametoindex(up->name);
}

// --- What a device is.

static struct error *dpdk_set_mac(struct netdev *up, const uint8_t mac[6])
{
	struct rte_ether_addr address;
	memcpy(address.addr_bytes, mac, 6);
	int r = rte_eth_dev_default_mac_addr_set(dpdk_cast(up)->port, &address);
	if (r < 0)
		return error_errno(-r, "%s: setting the MAC address", up->name);
	dpdk_refresh_link(up);
	return NULL;
}

// What rte_eth_dev_configure() will take.
static int mtu_max(const struct rte_eth_dev_info *info)
{
	enum { MOST = 9702 }; // jumbo frames of the largest kind there is
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN,
		 most = info->max_mtu ? info->max_mtu : UINT16_MAX;
	bool own = info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu;
	if (!own && info->max_rx_pktlen > overhead && info->max_rx_pktlen - overhead < most)
		most = info->max_rx_pktlen - overhead;
	return most < MOST ? (int)most : MOST;
}

static struct error *dpdk_set_mtu(struct netdev *up, int mtu)
{
	struct dpdk_dev *dev = dpdk_cast(up);
	int most = mtu_max(&dev->info);
	if (mtu < RTE_ETHER_MIN_MTU || mtu > most)
		return error_errno(EINVAL, "%s: an MTU of %d: from %d to %d is possible", up->name,
				   mtu, RTE_ETHER_MIN_MTU, most);
	if (atomic_load(&dev->running) && !can_restart(dev)) {
		int r = rte_eth_dev_set_mtu(dev->port, (uint16_t)mtu);
		if (r < 0)
			return error_errno(-r, "%s: setting the MTU to %d", up->name, mtu);
	} else {
		dev->dirty = up->restart = true;
	}
	up->mtu = mtu;
	netdev_changed(up);
	return NULL;
}

static struct error *dpdk_set_up(struct netdev *up, bool is_up)
{
	int r = is_up ? rte_eth_dev_set_link_up(dpdk_cast(up)->port)
		      : rte_eth_dev_set_link_down(dpdk_cast(up)->port);
	if (r < 0 && r != -ENOTSUP)
		return error_errno(-r, "%s: setting the link", up->name);
	up->up = is_up;
	netdev_changed(up);
	dpdk_refresh_link(up);
	return NULL;
}

static int dpdk_numa(const struct netdev *up)
{
	const struct dpdk_dev *dev = dpdk_cast(up);
	return dev->port == RTE_MAX_ETHPORTS ? -1 : rte_eth_dev_socket_id(dev->port);
}

static bool is_dpdk(const struct netdev *up)
{
	return up->class == &netdev_dpdk_class || up->class == &netdev_afxdp_class;
}

struct rte_mempool *netdev_dpdk_pool(const struct netdev *up)
{
	return is_dpdk(up) ? dpdk_cast(up)->pool : netdev_vhost_pool(up);
}

int netdev_flow_port(const struct netdev *up)
{
	return is_dpdk(up) && dpdk_cast(up)->port != RTE_MAX_ETHPORTS ? dpdk_cast(up)->port : -1;
}

uint16_t netdev_dpdk_port(const struct netdev *up)
{
	return is_dpdk(up) ? dpdk_cast(up)->port : RTE_MAX_ETHPORTS;
}

// clang-format off
#define DPDK_CLASS .size = sizeof(struct dpdk_dev), .rxq_size = sizeof(struct netdev_rxq), .open = dpdk_open, .close = dpdk_close, \
	.set_mac = dpdk_set_mac, .set_mtu = dpdk_set_mtu, .set_up = dpdk_set_up, .get_numa = dpdk_numa, .get_features = dpdk_features, .get_stats = dpdk_stats, \
	.get_config = dpdk_config, .get_counters = dpdk_counters, .get_status = dpdk_status, .rxq_open = dpdk_rxq_open, \
	.rxq_close = dpdk_rxq_close, .rxq_wait = dpdk_rxq_wait, .rxq_forget_wait = dpdk_rxq_forget_wait, .rxq_arm = dpdk_rxq_arm, \
	.rxq_is_fed_from_outside = dpdk_rxq_is_fed_from_outside, .rx_burst = dpdk_rx, .n_txq = dpdk_n_txq, .tx_burst = dpdk_tx
// clang-format on

const struct netdev_class netdev_dpdk_class = {
	.type = "dpdk", .set_options = dpdk_set_options, DPDK_CLASS};
const struct netdev_class netdev_afxdp_class = {.type = "afxdp",
						.set_options = afxdp_set_options,
						.get_ifindex = afxdp_ifindex,
						DPDK_CLASS};
