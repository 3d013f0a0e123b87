/* SPDX-License-Identifier: Apache-2.0 */
// "patch": one end of a cable between two bridges. It has no packets of its own: translation goes
// on at the peer.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "netdev/class.h"

struct patch {
	struct netdev up;
	char *peer; // NULL: not set yet
};

static struct patch *cast(const struct netdev *dev)
{
	return (struct patch *)dev;
}

static struct error *patch_open(struct netdev *dev)
{
	random_bytes(dev->mac, 6);
	dev->mac[0] = (uint8_t)((dev->mac[0] & ~1) | 2); // unicast, locally administered
	dev->up = dev->carrier = true;
	return NULL;
}

static void patch_close(struct netdev *dev)
{
	free(cast(dev)->peer);
}

static struct error *patch_set_options(struct netdev *dev, struct netdev_options options,
				       void (*complain)(void *arg, const char *text), void *arg)
{
	static const char *const known[] = {"peer", NULL};
	netdev_complain_unknown(dev, options, known, complain, arg);
	const char *peer = netdev_option_find(options, "peer");
	if (!peer || !*peer)
		return error_errno(EINVAL, "%s: patch type requires valid 'peer' argument",
				   dev->name);
	if (!strcmp(peer, dev->name))
		return error_errno(EINVAL, "%s: patch peer must not be self", dev->name);
	if (cast(dev)->peer && !strcmp(cast(dev)->peer, peer))
		return NULL;
	free(cast(dev)->peer);
	cast(dev)->peer = xstrdup(peer);
	netdev_changed(dev);
	return NULL;
}

static struct error *patch_set_mac(struct netdev *dev, const uint8_t mac[6])
{
	memcpy(dev->mac, mac, 6);
	netdev_changed(dev);
	return NULL;
}

static struct error *patch_set_up(struct netdev *dev, bool up)
{
	dev->up = up;
	netdev_changed(dev);
	return NULL;
}

// Counted by the switch, which alone sees the packets.
static void patch_stats(const struct netdev *dev, struct netdev_stats *s)
{
	s->rx_packets = s->tx_packets = s->rx_bytes = s->tx_bytes = 0;
}

const char *netdev_patch_peer(const struct netdev *dev)
{
	return dev->class == &netdev_patch_class ? cast(dev)->peer : NULL;
}

static void patch_config(const struct netdev *dev,
			 void (*cb)(void *arg, const char *key, const char *value), void *arg)
{
	if (cast(dev)->peer)
		cb(arg, "peer", cast(dev)->peer);
}

const struct netdev_class netdev_patch_class = {
	.type = "patch",
	.size = sizeof(struct patch),
	.open = patch_open,
	.close = patch_close,
	.set_options = patch_set_options,
	.set_mac = patch_set_mac,
	.set_up = patch_set_up,
	.get_stats = patch_stats,
	.get_config = patch_config,
};
