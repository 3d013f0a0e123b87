/* SPDX-License-Identifier: Apache-2.0 */
// Network devices that can be ports of a bridge: one table of functions per type. "system" (any
// existing device, AF_PACKET), "tap", "internal" (a tap that the switch makes and removes),
// "dummy", "dummy-internal", "patch" (no packets of its own), "dpdk" (dpdk.h), "dpdkvhostuser" and
// "dpdkvhostuserclient" (vhost.h).
//
// Threads: everything is the main thread's but netdev_rx_burst() and netdev_tx_burst(), which
// belong to the thread that has the queue; packets are struct rte_mbuf with metadata as in
// netdev/mbuf.h.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "loop/loop.h"

struct netdev;
struct netdev_rxq;
struct rte_mbuf;
struct str;

// A sorted list of key-value pairs, as OVSDB's string maps are. Borrowed.
struct netdev_option {
	const char *key, *value;
};
struct netdev_options {
	const struct netdev_option *v;
	unsigned int n;
};

struct netdev_stats { // a value of UINT64_MAX: not supported
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped,
		tx_dropped, multicast, collisions, rx_length_errors, rx_over_errors, rx_crc_errors,
		rx_frame_errors, rx_fifo_errors, rx_missed_errors, tx_aborted_errors,
		tx_carrier_errors, tx_fifo_errors, tx_heartbeat_errors, tx_window_errors;
};

enum { // enum of OFPPF_* bits of OpenFlow 1.0, widened
	NETDEV_F_10MB_HD = 1 << 0,
	NETDEV_F_10MB_FD = 1 << 1,
	NETDEV_F_100MB_HD = 1 << 2,
	NETDEV_F_100MB_FD = 1 << 3,
	NETDEV_F_1GB_HD = 1 << 4,
	NETDEV_F_1GB_FD = 1 << 5,
	NETDEV_F_10GB_FD = 1 << 6,
	NETDEV_F_40GB_FD = 1 << 7,
	NETDEV_F_100GB_FD = 1 << 8,
	NETDEV_F_1TB_FD = 1 << 9,
	NETDEV_F_OTHER = 1 << 10,
	NETDEV_F_COPPER = 1 << 11,
	NETDEV_F_FIBER = 1 << 12,
	NETDEV_F_AUTONEG = 1 << 13,
	NETDEV_F_PAUSE = 1 << 14,
	NETDEV_F_PAUSE_ASYM = 1 << 15,
};
struct netdev_features {
	uint32_t current, advertised, supported, peer; // NETDEV_F_*
	uint64_t current_speed, max_speed;	       // Mbps; 0: unknown
};

// Which types are dummies too, for tests: see --enable-dummy of ovs-vswitchd(8). Before any device
// is opened.
enum netdev_dummy {
	NETDEV_DUMMY_NONE,     // the types "dummy*" do not exist
	NETDEV_DUMMY_ADD,      // "dummy", "dummy-internal", "dummy-pmd" exist
	NETDEV_DUMMY_SYSTEM,   // and "system" is one
	NETDEV_DUMMY_OVERRIDE, // and so are "system", "tap" and "internal"
};
void netdev_enable_dummy(enum netdev_dummy);

// Finds the open device of that name and type or opens it. The reference is the caller's. Types as
// above; "" is "system". error_code(): EAFNOSUPPORT for an unknown type, ENODEV for a system device
// that does not exist, EEXIST for a name that is open with another type.
struct error *netdev_open(struct loop *, const char *name, const char *type,
			  struct netdev **) MUST_CHECK;
struct netdev *netdev_ref(struct netdev *);
void netdev_unref(
	struct netdev *); // NULL is allowed; the last one closes (and removes an internal device)
// An internal device is not removed when it is closed, but left for the process that comes after
// us, with its addresses and routes. No effect on other types: a tap that we made always goes, one
// that was there before always stays.
void netdev_leave(struct netdev *);
// Internal devices are removed some time after their last reference is gone, at the end of the
// loop's iteration at the latest, many for the price of one. After this they are. Main thread.
void netdev_settle(void);
struct netdev *netdev_find(const char *name); // borrowed; NULL: none is open
struct netdev *
netdev_next(const struct netdev *); // of all that are open, by name; NULL begins and ends
const char *netdev_name(const struct netdev *);
const char *netdev_type(const struct netdev *);
const char *const *netdev_types(void); // NULL-terminated: Open_vSwitch.iface_types

// Applies options. Each key that is not known, or whose value is out of range, is reported through
// `complain` with what would be right, and left out; the result is an error only when the device
// cannot work.
struct error *netdev_set_options(struct netdev *, struct netdev_options,
				 void (*complain)(void *arg, const char *text),
				 void *arg) MUST_CHECK;
// Options or MTU changed in a way that takes effect when its queues are closed and opened:
// dp_port_reconfigure().
bool netdev_wants_restart(const struct netdev *);
struct error *netdev_set_mac(struct netdev *, const uint8_t mac[6]) MUST_CHECK;
int netdev_get_mac(const struct netdev *, uint8_t mac[6]);
struct error *netdev_set_mtu(struct netdev *, int mtu) MUST_CHECK;
int netdev_get_mtu(const struct netdev *); // 0: it has none
struct error *netdev_set_up(struct netdev *, bool up) MUST_CHECK;
bool netdev_is_up(const struct netdev *);
bool netdev_carrier(const struct netdev *);
// The device under it vanished: it will never pass a packet again. netdev_open() of the same name
// makes another one, as soon as there is a device again.
bool netdev_is_gone(const struct netdev *);
uint64_t netdev_carrier_resets(const struct netdev *);
int netdev_ifindex(const struct netdev *); // 0: none
void netdev_get_features(const struct netdev *, struct netdev_features *);
void netdev_get_stats(const struct netdev *, struct netdev_stats *);
// How it is set up, for dpif/show: calls cb for each pair, sorted.
void netdev_get_config(const struct netdev *,
		       void (*cb)(void *arg, const char *key, const char *value), void *arg);
// Counters of its type alone, beside those.
void netdev_get_counters(const struct netdev *,
			 void (*cb)(void *arg, const char *name, uint64_t value), void *arg);
// Interface.status: calls cb for each pair.
void netdev_get_status(const struct netdev *,
		       void (*cb)(void *arg, const char *key, const char *value), void *arg);
// The other end of a patch port, by name; NULL for other types or without a peer. Borrowed.
const char *netdev_patch_peer(const struct netdev *);
// Changes whenever link, MAC, MTU or flags change; compare to see whether to look.
uint64_t netdev_change_seq(const struct netdev *);
// Called in the main thread's loop when any device's seq changed (rtnetlink), or a system device
// appeared or vanished.
void netdev_watch(struct loop *, loop_cb *, void *arg);
void netdev_unwatch(loop_cb *, void *arg);
// What rtnetlink said when it could not be watched: changes of links are then not seen. NULL: it
// works. Borrowed.
const char *netdev_watch_problem(void);

// --- The datapath's side.

bool netdev_has_queues(const struct netdev *); // false: patch
unsigned int netdev_n_rxq(const struct netdev *);
// A receive queue, opened. netdev_rxq_fd() is -1 when it can only be polled.
struct error *netdev_rxq_open(struct netdev *, unsigned int queue, struct netdev_rxq **) MUST_CHECK;
void netdev_rxq_close(struct netdev_rxq *);
int netdev_flow_port(
	const struct netdev *); // the number under which rte_flow knows its device; -1: it is none
int netdev_numa(
	const struct netdev *); // the NUMA node that it is on, once it has queues; -1: not known
int netdev_rxq_fd(const struct netdev_rxq *);
// For a queue that can only be polled: the epoll fd (of rte_epoll_wait()) is to become ready when
// packets come to it while it is armed. False: the device has no way to tell. Main thread;
// netdev_rxq_forget_wait() before it is closed or waited for elsewhere.
bool netdev_rxq_wait(struct netdev_rxq *, int epoll_fd);
void netdev_rxq_forget_wait(struct netdev_rxq *, int epoll_fd);
// By the queue's thread. After arming, packets that came before may be waiting: look once more.
// False: it cannot be armed now.
bool netdev_rxq_arm(struct netdev_rxq *, bool on);
// Whether packets may come from somebody who waits for an answer, and not from a file or from this
// process.
bool netdev_rxq_is_fed_from_outside(const struct netdev_rxq *);
// How many packets wait in a queue of a guest; 0 where that is not known. By the queue's thread.
uint32_t netdev_rxq_fill(const struct netdev_rxq *);
// Up to n packets, owned by the caller; 0 when there are none; negative errno when the device
// failed.
int netdev_rx_burst(struct netdev_rxq *, struct rte_mbuf **, unsigned int n);
// The transmit queues that it has now; any thread. 0: a guest that is not there.
unsigned int netdev_n_txq(const struct netdev *);
// Takes all n packets. The number that was sent; the others were freed and counted in tx_dropped.
// Thread-safe per queue: queue `thread % n_txq` is shared under a lock where the device has fewer
// than threads.
unsigned int netdev_tx_burst(struct netdev *, unsigned int thread, struct rte_mbuf **,
			     unsigned int n);
