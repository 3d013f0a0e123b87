/* SPDX-License-Identifier: Apache-2.0 */
// The userspace datapath: ties ports, threads and the flow table together behind dp/dp_ops.h.
#pragma once
#include "dp/dp_ops.h"
#include "dp/user/thread.h"

enum { DP_MAX_THREADS = 2 }; // event-driven; no more than there are cores

struct dp_port { // main; threads see `number` through their queues
	uint32_t number;
	struct netdev *netdev; // a reference
	struct dp_rxq *rxqs;
	unsigned int n_rxqs;
};

struct dp_user { // all main's, but what thread.h and flow_table.h say
	struct dp base;
	struct loop *loop;
	const struct dp_callbacks *callbacks;
	void *arg;
	bool in_main; // no threads: the dummy datapath
	struct flow_table *flows;
	struct loop_wake *flows_wake;  // flow_table_reap() has work
	struct loop_wake *failed_wake; // a queue failed
	struct loop_timer failed_timer;
	struct dp_thread *main, *threads[DP_MAX_THREADS];
	unsigned int n_threads;	  // that exist; they start with the first port that needs them
	struct dp_port **ports;	  // by number
	uint32_t ports_end;	  // above the highest number in use
};

struct error *dp_user_open(struct loop *, const struct dp_callbacks *, void *arg, bool in_main, struct dp **) MUST_CHECK;
// Any thread of the datapath.
int dp_user_upcall(struct dp_user *, const struct dp_upcall *, struct dp_upcall_result *);

// user/port.c: the port functions of dp_ops.
struct error *dp_user_port_add(struct dp *, struct netdev *, uint32_t *port) MUST_CHECK;
int dp_user_port_del(struct dp *, uint32_t port);
struct error *dp_user_port_reconfigure(struct dp *, uint32_t port) MUST_CHECK;
int dp_user_port_find(const struct dp *, const char *name, struct dp_port_info *);
void dp_user_port_dump(const struct dp *, void (*cb)(void *arg, const struct dp_port_info *), void *arg);
// Puts queues that failed to work again: they may have recovered.
void dp_user_retry_queues(struct dp_user *);

// user/stats.c
void dp_user_get_stats(const struct dp *, struct dp_stats *);
struct error *dp_user_pmd_stats_format(struct dp *, struct str *) MUST_CHECK;
void dp_user_pmd_stats_clear(struct dp *);
