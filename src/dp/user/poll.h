/* SPDX-License-Identifier: Apache-2.0 */
// Polling threads: they serve the receive queues that have no fd. One per chosen core (cores.h),
// pinned to it; they exist while there are such queues.
//
// An idle one sleeps (nap.h), up to pmd-sleep-max; one that has no queue at all waits for an fd.
#pragma once
#include "base/error.h"
#include "dp/user/thread.h"

struct dp_user;

struct poll_list { // RCU; what a polling thread serves
	unsigned int n;
	bool can_wait; // all devices can wake the thread
	bool patient;  // those that cannot get their packets from nobody who would wait for an
		       // answer
	struct dp_rxq *of[];
};

// The body of a polling thread.
void *poll_run(void *thread);
// Makes threads and their queues what settings and ports ask for. A queue leaves its old thread,
// with a grace period, before it comes to another. After a port's queues were stopped the caller
// waits for a grace period before it closes them. Main thread.
struct error *poll_update(struct dp_user *) MUST_CHECK;
// The same from the main loop, soon. Threads that cannot be started are tried again with the next
// change.
void poll_update_soon(struct dp_user *);
// One queue more, or less, of an event-driven thread.
void poll_list_add(struct dp_thread *, struct dp_rxq *);
void poll_list_remove(struct dp_thread *, struct dp_rxq *);
// Frees the list of a thread that has ended.
void poll_done(struct dp_thread *);

// dp.h's.
void dp_user_configure(struct dp *, const struct dp_settings *);
int dp_user_port_set_affinity(struct dp *, uint32_t port, const char *affinity);
struct error *dp_user_pmd_rebalance(struct dp *) MUST_CHECK;
