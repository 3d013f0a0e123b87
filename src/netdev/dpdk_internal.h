/* SPDX-License-Identifier: Apache-2.0 */
// What dpdk_text.c asks of devices. Main thread.
#pragma once
#include <stdint.h>

struct netdev;
struct rte_mempool;

// The pool that its packets come from; NULL: it is none of DPDK's, or has no device.
struct rte_mempool *netdev_dpdk_pool(const struct netdev *);
struct rte_mempool *netdev_vhost_pool(const struct netdev *); // for netdev_dpdk_pool()
uint16_t netdev_dpdk_port(const struct netdev *);	      // RTE_MAX_ETHPORTS: none
