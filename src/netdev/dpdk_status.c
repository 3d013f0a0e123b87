/* SPDX-License-Identifier: Apache-2.0 */
// What DPDK's devices say of themselves: link, statistics, status.
#include <inttypes.h>
#include <rte_bus.h>
#include <rte_version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "netdev/dpdk_dev.h"

void dpdk_refresh_link(struct netdev *up)
{
	struct dpdk_dev *dev = dpdk_cast(up);
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

void dpdk_features(const struct netdev *up, struct netdev_features *f)
{
	static const struct {
		uint32_t speed, feature;
	} speeds[] = {{10, NETDEV_F_10MB_FD},	 {100, NETDEV_F_100MB_FD},
		      {1000, NETDEV_F_1GB_FD},	 {10000, NETDEV_F_10GB_FD},
		      {40000, NETDEV_F_40GB_FD}, {100000, NETDEV_F_100GB_FD}};
	struct rte_eth_link link = {0};
	if (dpdk_cast(up)->port == RTE_MAX_ETHPORTS ||
	    rte_eth_link_get_nowait(dpdk_cast(up)->port, &link) < 0 ||
	    link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		return;
	f->current_speed = f->max_speed = link.link_speed;
	f->current = NETDEV_F_OTHER;
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (speeds[i].speed == link.link_speed)
			f->current = speeds[i].feature;
	f->current |= link.link_autoneg ? NETDEV_F_AUTONEG : 0;
}

void dpdk_stats(const struct netdev *up, struct netdev_stats *s)
{
	const struct dpdk_dev *dev = dpdk_cast(up);
	struct rte_eth_stats now;
	dpdk_refresh_link((struct netdev *)(uintptr_t)up);
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

void dpdk_status(const struct netdev *up, void (*cb)(void *arg, const char *key, const char *value),
		 void *arg)
{
	const struct dpdk_dev *dev = dpdk_cast(up);
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
	if (!rte_eth_link_get_nowait(dev->port, &link) &&
	    link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN) {
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

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);
	return n >= k && !strcmp(name + n - k, end);
}

// Of each queue, and what went wrong; those of sizes under their names of RFC 2819. The totals are
// known from elsewhere.
static bool is_wanted(const char *name, char renamed[RTE_ETH_XSTATS_NAME_SIZE])
{
	static const char *const totals[] = {"rx_missed_errors", "rx_errors", "tx_errors",
					     "rx_dropped", "tx_dropped"};
	unsigned int queue;
	int end = 0;
	snprintf(renamed, RTE_ETH_XSTATS_NAME_SIZE, "%s", name);
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++)
		if (!strcmp(name, totals[i]))
			return false;
	if (sscanf(name, "%*1[rt]x_size_%n", &end) == 0 && end) {
		const char *size = name + end;
		snprintf(renamed, RTE_ETH_XSTATS_NAME_SIZE, "%cx_%s%s", name[0],
			 strncmp(size, "64_", 3) ? "" : "1_to_", size);
		return true;
	}
	if (sscanf(name, "%*1[rt]x_q%u_", &queue) == 1)
		return true;
	return ends_with(name, "_errors") || ends_with(name, "_dropped") ||
	       strstr(name, "_management_") || strstr(name, "cast_packets");
}

static void show_extended(const struct dpdk_dev *dev,
			  void (*cb)(void *arg, const char *name, uint64_t value), void *arg)
{
	int n = dev->port == RTE_MAX_ETHPORTS ? 0 : rte_eth_xstats_get_names(dev->port, NULL, 0);
	if (n <= 0)
		return;
	struct rte_eth_xstat_name *names = xcalloc((size_t)n, sizeof(*names));
	struct rte_eth_xstat *values = xcalloc((size_t)n, sizeof(*values));
	char renamed[RTE_ETH_XSTATS_NAME_SIZE];
	bool ok = rte_eth_xstats_get_names(dev->port, names, (unsigned int)n) == n &&
		  rte_eth_xstats_get(dev->port, values, (unsigned int)n) == n;
	for (int i = 0; ok && i < n; i++)
		if (values[i].id < (uint64_t)n && is_wanted(names[values[i].id].name, renamed))
			cb(arg, renamed, values[i].value);
	free(names);
	free(values);
}

void dpdk_counters(const struct netdev *up, void (*cb)(void *arg, const char *name, uint64_t value),
		   void *arg)
{
	const struct dpdk_dev *dev = dpdk_cast(up);
	show_extended(dev, cb, arg);
	cb(arg, "ovs_tx_failure_drops", __atomic_load_n(&dev->tx_dropped, __ATOMIC_RELAXED));
	offload_counts_show(&dev->offloads, cb, arg);
}

void dpdk_config(const struct netdev *up, void (*cb)(void *arg, const char *key, const char *value),
		 void *arg)
{
	const struct dpdk_dev *dev = dpdk_cast(up);
	const struct {
		const char *key;
		unsigned int value;
	} numbers[] = {
		{"configured_rx_queues", up->n_rxq},  {"configured_rxq_descriptors", dev->n_rxd},
		{"configured_tx_queues", dev->n_txq}, {"configured_txq_descriptors", dev->n_txd},
		{"mtu", (unsigned int)up->mtu},
	};
	char text[24];
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		snprintf(text, sizeof(text), "%u", numbers[i].value);
		cb(arg, numbers[i].key, text);
	}
	cb(arg, "tx_tso_offload", dev->can & OFFLOAD_TCP4_SEGMENTS ? "true" : "false");
}
