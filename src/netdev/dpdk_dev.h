/* SPDX-License-Identifier: Apache-2.0 */
// An Ethernet device of DPDK as a port: what dpdk_netdev.c (opening, options), dpdk_start.c,
// dpdk_queue.c (packets) and dpdk_status.c share.
#pragma once
#include <pthread.h>
#include <rte_ethdev.h>
#include <stdatomic.h>

#include "netdev/class.h"
#include "netdev/dpdk_wait.h"
#include "netdev/offload.h"

enum { DPDK_MAX_TXQ = 32, DPDK_MAX_RXQ = 64 };

struct dpdk_dev {
	struct netdev up;
	// Owned by the main thread.
	char *devargs; // NULL: none yet
	uint16_t port; // RTE_MAX_ETHPORTS: none
	unsigned int n_rxd, n_txd;
	bool dirty;		   // options that need a restart
	bool reset;		   // before it is started again
	bool borrowed;		   // it was there before us, and stays
	bool no_lsc;		   // dpdk-lsc-interrupt=false
	unsigned int flow_control; // bits: receive, transmit, autonegotiation
	struct loop_wake *event;   // something happened to the device
	struct loop_timer link_timer;
	atomic_bool removed, reset_wanted; // set by DPDK's interrupt thread
	struct dpdk_wait wait;
	struct rte_eth_dev_info info;
	struct rte_mempool *pool;
	unsigned int kept; // of its packets, that the driver never gives back
	// Set by main while not running.
	unsigned int n_txq; // relaxed atomic
	unsigned int can;   // enum offload
	atomic_bool running;
	// Relaxed atomics.
	uint64_t tx_dropped;
	struct offload_counts offloads;
	pthread_spinlock_t tx_lock[DPDK_MAX_TXQ];
};

static inline struct dpdk_dev *dpdk_cast(const struct netdev *dev)
{
	return (struct dpdk_dev *)(uintptr_t)dev;
}

// dpdk_netdev.c: detaches the device, pauses, and attaches it again.
struct error *dpdk_reattach(struct dpdk_dev *, unsigned int pause_us) MUST_CHECK;
// dpdk_start.c: makes it what options and MTU ask for, and starts it. It was started before, or
// not.
struct error *dpdk_start_device(struct dpdk_dev *) MUST_CHECK;
void dpdk_halt(struct dpdk_dev *); // nobody sends after it
// The first line of what the driver said, without its name; NULL: nothing.
const char *dpdk_driver_words(char *log);

// dpdk_queue.c, dpdk_status.c: functions of the class.
struct error *dpdk_rxq_open(struct netdev_rxq *) MUST_CHECK;
void dpdk_rxq_close(struct netdev_rxq *);
bool dpdk_rxq_wait(struct netdev_rxq *, int epoll_fd);
void dpdk_rxq_forget_wait(struct netdev_rxq *, int epoll_fd);
bool dpdk_rxq_arm(struct netdev_rxq *, bool on);
bool dpdk_rxq_is_fed_from_outside(const struct netdev_rxq *);
int dpdk_rx(struct netdev_rxq *, struct rte_mbuf **, unsigned int n);
unsigned int dpdk_n_txq(const struct netdev *);
unsigned int dpdk_tx(struct netdev *, unsigned int thread, struct rte_mbuf **, unsigned int n);
void dpdk_refresh_link(struct netdev *);
void dpdk_features(const struct netdev *, struct netdev_features *);
void dpdk_stats(const struct netdev *, struct netdev_stats *);
void dpdk_counters(const struct netdev *, void (*cb)(void *arg, const char *name, uint64_t value),
		   void *arg);
void dpdk_status(const struct netdev *, void (*cb)(void *arg, const char *key, const char *value),
		 void *arg);
void dpdk_config(const struct netdev *, void (*cb)(void *arg, const char *key, const char *value),
		 void *arg);
