/* SPDX-License-Identifier: Apache-2.0 */
// What ethtool(8) knows about a link. Main thread.
#pragma once
#include "netdev/netdev.h"

// All zero when the driver does not say.
void ethtool_get_features(const char *name, struct netdev_features *);
// Calls cb with driver_name, driver_version and firmware_version; not at all when the driver does
// not say.
void ethtool_get_driver(const char *name, void (*cb)(void *arg, const char *key, const char *value),
			void *arg);
