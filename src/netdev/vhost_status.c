/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/vhost_status.h"

#include <inttypes.h>
#include <rte_vhost.h>
#include <stdio.h>

static void number(const char *key, int64_t value,
		   void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	char text[24];
	snprintf(text, sizeof(text), "%" PRId64, value);
	cb(arg, key, text);
}

void vhost_status(int vid, bool client, const char *socket, unsigned int n_rxq,
		  void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	cb(arg, "mode", client ? "client" : "server");
	cb(arg, "status", vid < 0 ? "disconnected" : "connected");
	if (socket)
		cb(arg, "socket", socket);
	if (vid < 0)
		return;
	uint64_t features;
	uint16_t mtu, rings = rte_vhost_get_vring_num(vid);
	char key[32], text[24];
	if (!rte_vhost_get_negotiated_features(vid, &features)) {
		snprintf(text, sizeof(text), "0x%016" PRIx64, features);
		cb(arg, "features", text);
	}
	if (!rte_vhost_get_mtu(vid, &mtu))
		number("mtu", mtu, cb, arg);
	int numa = rte_vhost_get_numa_node(vid);
	if (numa >= 0)
		number("numa", numa, cb, arg);
	number("num_of_vrings", rings, cb, arg);
	for (uint16_t i = 0; i < rings; i++) {
		struct rte_vhost_vring ring;
		if (rte_vhost_get_vhost_vring(vid, i, &ring))
			continue;
		snprintf(key, sizeof(key), "vring_%u_size", i);
		number(key, ring.size, cb, arg);
	}
	number("n_rxq", n_rxq, cb, arg);
}
