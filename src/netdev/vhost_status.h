/* SPDX-License-Identifier: Apache-2.0 */
// What Interface.status says of a vhost-user port.
#pragma once
#include <stdbool.h>

// `vid`: the guest's number in DPDK's library, -1: none. It must not go meanwhile.
void vhost_status(int vid, bool client, const char *socket, unsigned int n_rxq,
		  void (*cb)(void *arg, const char *key, const char *value), void *arg);
