/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int request(const char *name, void *data)
{
	struct ifreq ifr = {.ifr_data = data};
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	int r = ioctl(fd, SIOCETHTOOL, &ifr);
	close(fd);
	return r;
}

enum { MAX_WORDS = 16 };
struct settings { // the masks of link modes follow the header: supported, advertised, the peer's
	struct ethtool_link_settings header;
	uint32_t masks[3 * MAX_WORDS];
};

static bool get_settings(const char *name, struct settings *s)
{
	*s = (struct settings){.header.cmd = ETHTOOL_GLINKSETTINGS};
	if (request(name, s) < 0 || s->header.link_mode_masks_nwords >= 0)
		return false;
	// The first answer says, negative, how many words a mask has.
	int8_t words = (int8_t)-s->header.link_mode_masks_nwords;
	if (words > MAX_WORDS)
		return false;
	*s = (struct settings){
		.header = {.cmd = ETHTOOL_GLINKSETTINGS, .link_mode_masks_nwords = words}};
	return request(name, s) == 0 && s->header.link_mode_masks_nwords == words;
}

static const struct mode {
	uint8_t bit; // ETHTOOL_LINK_MODE_*
	uint32_t speed;
	uint32_t feature;
} modes[] = {
	{ETHTOOL_LINK_MODE_10baseT_Half_BIT, 10, NETDEV_F_10MB_HD},
	{ETHTOOL_LINK_MODE_10baseT_Full_BIT, 10, NETDEV_F_10MB_FD},
	{ETHTOOL_LINK_MODE_100baseT_Half_BIT, 100, NETDEV_F_100MB_HD},
	{ETHTOOL_LINK_MODE_100baseT_Full_BIT, 100, NETDEV_F_100MB_FD},
	{ETHTOOL_LINK_MODE_1000baseT_Half_BIT, 1000, NETDEV_F_1GB_HD},
	{ETHTOOL_LINK_MODE_1000baseT_Full_BIT, 1000, NETDEV_F_1GB_FD},
	{ETHTOOL_LINK_MODE_1000baseKX_Full_BIT, 1000, NETDEV_F_1GB_FD},
	{ETHTOOL_LINK_MODE_1000baseX_Full_BIT, 1000, NETDEV_F_1GB_FD},
	{ETHTOOL_LINK_MODE_10000baseT_Full_BIT, 10000, NETDEV_F_10GB_FD},
	{ETHTOOL_LINK_MODE_10000baseKX4_Full_BIT, 10000, NETDEV_F_10GB_FD},
	{ETHTOOL_LINK_MODE_10000baseKR_Full_BIT, 10000, NETDEV_F_10GB_FD},
	{ETHTOOL_LINK_MODE_10000baseCR_Full_BIT, 10000, NETDEV_F_10GB_FD},
	{ETHTOOL_LINK_MODE_10000baseSR_Full_BIT, 10000, NETDEV_F_10GB_FD},
	{ETHTOOL_LINK_MODE_10000baseLR_Full_BIT, 10000, NETDEV_F_10GB_FD},
	{ETHTOOL_LINK_MODE_2500baseX_Full_BIT, 2500, NETDEV_F_OTHER},
	{ETHTOOL_LINK_MODE_25000baseCR_Full_BIT, 25000, NETDEV_F_OTHER},
	{ETHTOOL_LINK_MODE_25000baseKR_Full_BIT, 25000, NETDEV_F_OTHER},
	{ETHTOOL_LINK_MODE_25000baseSR_Full_BIT, 25000, NETDEV_F_OTHER},
	{ETHTOOL_LINK_MODE_40000baseKR4_Full_BIT, 40000, NETDEV_F_40GB_FD},
	{ETHTOOL_LINK_MODE_40000baseCR4_Full_BIT, 40000, NETDEV_F_40GB_FD},
	{ETHTOOL_LINK_MODE_40000baseSR4_Full_BIT, 40000, NETDEV_F_40GB_FD},
	{ETHTOOL_LINK_MODE_40000baseLR4_Full_BIT, 40000, NETDEV_F_40GB_FD},
	{ETHTOOL_LINK_MODE_50000baseCR2_Full_BIT, 50000, NETDEV_F_OTHER},
	{ETHTOOL_LINK_MODE_50000baseKR2_Full_BIT, 50000, NETDEV_F_OTHER},
	{ETHTOOL_LINK_MODE_50000baseSR2_Full_BIT, 50000, NETDEV_F_OTHER},
	{ETHTOOL_LINK_MODE_100000baseKR4_Full_BIT, 100000, NETDEV_F_100GB_FD},
	{ETHTOOL_LINK_MODE_100000baseSR4_Full_BIT, 100000, NETDEV_F_100GB_FD},
	{ETHTOOL_LINK_MODE_100000baseCR4_Full_BIT, 100000, NETDEV_F_100GB_FD},
	{ETHTOOL_LINK_MODE_100000baseLR4_ER4_Full_BIT, 100000, NETDEV_F_100GB_FD},
	{ETHTOOL_LINK_MODE_TP_BIT, 0, NETDEV_F_COPPER},
	{ETHTOOL_LINK_MODE_FIBRE_BIT, 0, NETDEV_F_FIBER},
	{ETHTOOL_LINK_MODE_Autoneg_BIT, 0, NETDEV_F_AUTONEG},
	{ETHTOOL_LINK_MODE_Pause_BIT, 0, NETDEV_F_PAUSE},
	{ETHTOOL_LINK_MODE_Asym_Pause_BIT, 0, NETDEV_F_PAUSE_ASYM},
};

static uint32_t features_of(const uint32_t *mask, int words, uint64_t *max_speed)
{
	uint32_t features = 0;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		const struct mode *mode = &modes[i];
		if (mode->bit / 32 >= words || !(mask[mode->bit / 32] >> mode->bit % 32 & 1))
			continue;
		features |= mode->feature;
		if (max_speed && mode->speed > *max_speed)
			*max_speed = mode->speed;
	}
	return features;
}

static uint32_t feature_of_speed(uint32_t speed, bool full)
{
	switch (speed) {
	case 10:
		return full ? NETDEV_F_10MB_FD : NETDEV_F_10MB_HD;
	case 100:
		return full ? NETDEV_F_100MB_FD : NETDEV_F_100MB_HD;
	case 1000:
		return full ? NETDEV_F_1GB_FD : NETDEV_F_1GB_HD;
	case 10000:
		return NETDEV_F_10GB_FD;
	case 40000:
		return NETDEV_F_40GB_FD;
	case 100000:
		return NETDEV_F_100GB_FD;
	case 1000000:
		return NETDEV_F_1TB_FD;
	default:
		return NETDEV_F_OTHER;
	}
}

void ethtool_get_features(const char *name, struct netdev_features *f)
{
	*f = (struct netdev_features){0};
	struct settings s;
	if (!get_settings(name, &s))
		return;
	int words = s.header.link_mode_masks_nwords;
	f->supported = features_of(s.masks, words, &f->max_speed);
	f->advertised = features_of(s.masks + words, words, NULL);
	f->peer = features_of(s.masks + 2 * words, words, NULL);
	if (s.header.speed && s.header.speed != (uint32_t)SPEED_UNKNOWN) {
		f->current_speed = s.header.speed;
		f->current = feature_of_speed(s.header.speed, s.header.duplex != DUPLEX_HALF);
	}
	f->current |= s.header.port == PORT_TP	    ? NETDEV_F_COPPER
		      : s.header.port == PORT_FIBRE ? NETDEV_F_FIBER
						    : 0;
	f->current |= s.header.autoneg == AUTONEG_ENABLE ? NETDEV_F_AUTONEG : 0;
}

void ethtool_get_driver(const char *name, void (*cb)(void *arg, const char *key, const char *value),
			void *arg)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	if (request(name, &info) < 0)
		return;
	char text[ETHTOOL_FWVERS_LEN + 1];
	snprintf(text, sizeof(text), "%.*s", (int)sizeof(info.driver), info.driver);
	cb(arg, "driver_name", text);
	snprintf(text, sizeof(text), "%.*s", (int)sizeof(info.version), info.version);
	cb(arg, "driver_version", text);
	snprintf(text, sizeof(text), "%.*s", (int)sizeof(info.fw_version), info.fw_version);
	cb(arg, "firmware_version", text);
}
