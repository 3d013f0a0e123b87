/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/dpdk_text.h"

#include <errno.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_mempool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"
#include "netdev/class.h"
#include "netdev/dpdk_internal.h"
#include "netdev/mbuf.h"

// DPDK writes to files.
static void written(void (*write)(FILE *, const void *arg), const void *arg, struct str *out)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	if (!f)
		return;
	write(f, arg);
	fclose(f);
	str_addn(out, text, n);
	free(text);
}

static void lcores(FILE *f, const void *arg)
{
	rte_lcore_dump(f);
}

static void logs(FILE *f, const void *arg)
{
	rte_log_dump(f);
}

static void malloc_stats(FILE *f, const void *arg)
{
	rte_malloc_dump_stats(f, NULL);
}

static void mempool(FILE *f, const void *pool)
{
	if (pool)
		rte_mempool_dump(f, (struct rte_mempool *)(uintptr_t)pool);
	else
		rte_mempool_list_dump(f);
}

void dpdk_text_lcores(struct str *out)
{
	if (mbuf_pool())
		written(lcores, NULL, out);
}

void dpdk_text_logs(struct str *out)
{
	written(logs, NULL, out);
}

void dpdk_text_malloc(struct str *out)
{
	if (mbuf_pool())
		written(malloc_stats, NULL, out);
}

struct error *dpdk_set_log(const char *text)
{
	static const char *const levels[] = {"disabled", "emergency", "alert", "critical", "error",
					     "warning",	 "notice",    "info",  "debug"};
	enum { N = sizeof(levels) / sizeof(levels[0]) };
	const char *colon = strrchr(text, ':'), *name = colon ? colon + 1 : text;
	uint32_t level = 0, number;
	while (level < N && strcasecmp(levels[level], name))
		level++;
	if (level == N && !parse_u32(name, 10, &number) && number < N)
		level = number;
	if (level == N)
		return error_new("invalid log level: '%s' (a number up to %d, or: disabled, "
				 "emergency, alert, critical, error, warning, notice, "
				 "info, debug)",
				 name, N - 1);
	if (!colon) {
		rte_log_set_global_level(level);
		return NULL;
	}
	char *pattern = xasprintf("%.*s", (int)(colon - text), text);
	int r = rte_log_set_level_pattern(pattern, level);
	free(pattern);
	return r < 0 ? error_new("cannot set the log level for '%s'", text) : NULL;
}

// Its port in DPDK; NULL with an error: none of DPDK's.
static struct error *find(const char *name, struct netdev **out)
{
	*out = netdev_find(name);
	if (*out && netdev_dpdk_pool(*out))
		return NULL;
	*out = NULL;
	return error_new("Not a DPDK Interface");
}

struct error *dpdk_text_mempool(const char *name, struct str *out)
{
	struct netdev *dev = NULL;
	struct error *e = name ? find(name, &dev) : NULL;
	if (e)
		return e;
	if (mbuf_pool())
		written(mempool, dev ? netdev_dpdk_pool(dev) : NULL, out);
	return NULL;
}

struct error *dpdk_set_admin_state(const char *name, const char *state)
{
	struct netdev *dev;
	bool up = !strcasecmp(state, "up");
	if (!up && strcasecmp(state, "down"))
		return error_new("Invalid Admin State");
	if (name) {
		struct error *e = find(name, &dev);
		return e ? e : netdev_set_up(dev, up);
	}
	for (dev = netdev_next(NULL); dev; dev = netdev_next(dev)) {
		struct error *e = netdev_dpdk_pool(dev) ? netdev_set_up(dev, up) : NULL;
		if (e)
			return e;
	}
	return NULL;
}

struct error *dpdk_detach(const char *device)
{
	uint16_t port;
	struct rte_eth_dev_info info;
	if (!mbuf_pool() ||
	    (rte_eth_dev_get_port_by_name(device, &port) &&
	     rte_eth_dev_get_port_by_name(device + (!strncmp(device, "0000:", 5) ? 5 : 0), &port)))
		return error_new("Device '%s' not found in DPDK", device);
	for (const struct netdev *dev = netdev_next(NULL); dev; dev = netdev_next(dev))
		if (netdev_dpdk_port(dev) == port)
			return error_new("Device '%s' is being used by interface '%s'. Remove it "
					 "before detaching",
					 device, netdev_name(dev));
	if (rte_eth_dev_info_get(port, &info) < 0 || rte_eth_dev_close(port) < 0 ||
	    rte_dev_remove(info.device) < 0)
		return error_new("Device '%s' can not be detached", device);
	return NULL;
}
