/* SPDX-License-Identifier: Apache-2.0 */
// DPDK's environment as its user sets it up, and its drivers. Main thread.
//
// Without any setting the environment starts in a small form with the first userspace bridge
// (mbuf.h): no hugepages, no drivers. Ports of type "dpdk" work in that form too, with every
// virtual device; what they need of memory and drivers comes with them. Devices on a bus that do
// DMA want hugepages, so `init`.
#pragma once
#include <stdbool.h>

#include "base/error.h"

struct rte_mempool;
struct str;

struct dpdk_settings { // Open_vSwitch.other_config; NULL: not set. Borrowed during the call.
	bool init;     // dpdk-init: true or try
	const char *lcore_mask, *socket_mem, *socket_limit, *hugepage_dir, *alloc_mem, *extra;
};

// Starts the environment with hugepages and the settings, if `init` asks for it and none has
// started yet; where that is not possible it starts in the small form, and *warning (the caller's)
// says why. Called again it does nothing, but may warn that a setting came too late. An error: no
// environment works.
struct error *dpdk_start(const struct dpdk_settings *, char **warning) MUST_CHECK;
// Where the lines go that DPDK and its drivers log, with RTE_LOG_*; at most some hundred in ten
// seconds. Before the environment starts. The sink is called by any thread.
void dpdk_log_to(void (*sink)(int level, const char *line));
bool dpdk_is_initialized(void);	     // a user asked for it, and it runs
const char *dpdk_version_text(void); // "DPDK 22.11.7"

// --- For dpdk_netdev.c and mbuf.c.

bool dpdk_has_hugepages(void);
// The arguments for rte_eal_init(), as the user wants them; false: start in the small form.
bool dpdk_wants_hugepages(void);
bool dpdk_pins_main(void); // the main thread stays on the cores of lcore_mask
char **dpdk_eal_arguments(char *program, int *n); // the array is the caller's, its strings stay
// What DPDK and its drivers log between the two. The text is the caller's. (mbuf.c)
void dpdk_log_start(void);
char *dpdk_log_take(void);
void dpdk_log_mute(bool mute); // what is said now is for nobody
// Loads the driver for a device, "net_pcap0,..." or "0000:00:19.0".
struct error *dpdk_load_driver(const char *devargs) MUST_CHECK;
// A pool of at least n packets with room for `room` bytes, as mbuf_pool()'s are, in memory of its
// own where there are no hugepages, unless it is to be `shared` with other processes, for which
// little is set aside.
struct error *dpdk_pool_new(const char *name, unsigned int n, unsigned int room, bool shared,
			    struct rte_mempool **) MUST_CHECK;
// Frees it when the last packet has come back, but for `kept` that nobody has any more.
void dpdk_pool_retire(struct rte_mempool *, unsigned int kept);
