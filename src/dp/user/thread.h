/* SPDX-License-Identifier: Apache-2.0 */
// The threads of the userspace datapath and what each owns: its receive queues, flow cache,
// counters, output batches.
//
// Event-driven threads sleep in epoll over the fds of their queues; an idle switch uses no CPU.
// They wake, go online for RCU, and take bursts from the queues that are ready, in turns, with a
// bound per turn; a queue whose packets mostly miss gets shorter turns, so that its upcalls do not
// starve the others. The main thread is one of them in a wider sense: it runs the queues of dummy
// ports from the event loop, and dp_execute(). Threads that poll (poll.h) are the third kind: they
// run dp_thread_turn() over their queues without epoll.
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/vec.h"
#include "dp/dp.h"
#include "dp/user/budget.h"
#include "dp/user/cache.h"
#include "dp/user/flow_table.h"
#include "netdev/mbuf.h"
#include "netdev/netdev.h"

enum { POLL_WINDOWS = 6, POLL_WINDOW_SECONDS = 10 };
enum { BURST = 32, DP_MAX_PORTS = 65536, DP_MAX_RECIRCULATIONS = 8 };

struct dp_user;
struct dp_port;

struct dp_rxq { // owned by main; the thread sees it through epoll or its list, under RCU
	struct dp_port *port;
	struct netdev_rxq *netdev_rxq;
	struct dp_thread *thread;
	int fd;			 // -1: to be polled
	struct loop_fd *loop_fd; // of the main thread's queues
	// Of queues that are polled.
	bool polled;		       // a polling thread is to serve it
	bool can_wait;		       // the thread's epoll knows of its packets, when it is armed
	int numa;		       // node of its device; -1: not known
	int pinned_core;	       // that it should be served by; -1: any
	struct dp_thread *next_thread; // while queues are assigned
	// Written by the thread.
	uint64_t cycles, window_start,
		window[POLL_WINDOWS]; // spent on bursts that had packets: in all, per ten seconds
	uint64_t misses, refused; // packets that no megaflow matched, or that were not looked up;
				  // of them, dropped for the budget
	uint32_t burst;		  // packets to take at once
	bool resting;		  // of an event-driven thread: see rest()
	bool failed;		  // the device gave an error: rests until the next second
	struct budget budget;
};

// Packets of a burst for one port, per thread.
struct out_batch {
	struct netdev *netdev;
	uint32_t max_frame; // MTU and Ethernet header; UINT32_MAX: any
	uint32_t n;
	struct out_batch *next; // of those that hold packets
	bool spread;		// over the transmit queues, by flow
	struct rte_mbuf *packets[BURST];
};

struct packet_list {
	VEC(struct rte_mbuf *) of;
};

struct dp_thread_stats { // written by the thread
	uint64_t received, recirculated, marked_hits, cache_hits, megaflow_hits, probes, misses,
		failed_misses, tx_packets, tx_batches, idle_cycles, busy_cycles, // without naps
		naps, nap_cycles, turns, busy_turns, upcall_cycles, rx_batches, rests,
		drops[DP_DROP_N_REASONS];
};

// The packets of one burst, side by side.
struct dp_burst {
	struct dp_meta meta[BURST];
	uint8_t scratch[BURST][KEY_HEADER_BYTES];
	struct rte_mbuf *packet[BURST];
	const uint8_t *header[BURST];
	uint64_t hash[BURST];
	const struct layout_index *index[BURST];
	struct megaflow *candidate[BURST];
	unsigned int n;
};

enum dp_thread_kind { DP_THREAD_MAIN, DP_THREAD_EVENT, DP_THREAD_POLL };

struct dp_mask_memo { // what the mask of the last upcall was for this datapath: the next one's is
		      // the same most of the time
	struct flow flow_mask;
	struct dp_key mask;
	uint64_t hash;	 // flow_mask_hash(); 0: nothing yet
	uint32_t layout; // they are for
};

struct dp_thread {
	// Immutable.
	enum dp_thread_kind kind;
	unsigned int id; // 0: main; the number of its send queue
	struct dp_user *dp;
	struct flow_table *flows;
	struct flow_counters *counters;
	pthread_t pthread;
	int epoll_fd, wake_fd;
	unsigned int core, numa; // of a polling thread
	// Set by main.
	atomic_bool stop;
	struct out_batch **out; // RCU: by port number, NULL: no such port
	uint32_t out_version;	// atomic; counts changes of `out`
	unsigned int n_queues;
	struct perf_metrics *perf,
		*perf_on; // RCU: what pmd-perf-metrics records; perf_on is NULL while it is off
	struct poll_list *polled;      // RCU: its queues, unless it is the main thread; NULL: none
	const struct variant *variant; // atomic (relaxed)
	unsigned int sleep_us;	       // the longest nap; read by the thread
	uint64_t hold_cycles;  // relaxed atomic: how long packets may stay in output batches; 0:
			       // until the burst ends
	uint32_t cache_one_in; // relaxed atomic: dp_settings
	bool isolated;	       // serves only queues that are pinned to it
	uint64_t planned;      // load, while queues are assigned
	int64_t cleared_ms;    // when it started, or its statistics were cleared
	struct dp_thread_stats cleared; // what pmd-stats-clear leaves out
	// The thread's.
	struct dp_thread_stats stats;
	unsigned int window_next;
	uint64_t window_total[POLL_WINDOWS], window_busy[POLL_WINDOWS]; // cycles per ten seconds
	struct cache cache;
	struct out_batch *active; // batches with packets
	uint64_t flush_at;	  // when they are to be sent, if they may wait; 0: none waits
	uint32_t out_seen;	  // out_version when they were last looked at
	uint32_t random;	  // of may_cache()
	bool busy;		  // in a burst: what dp_execute() sends goes with it
	unsigned int depth;	  // of recirculation
	int64_t now_ms;		  // clock_ms() of this burst
	uint32_t now;		  // the same as the flow table's time
	struct dp_rxq *queue;	  // that the burst came from; NULL: none
	struct budget_epoch epoch;
	uint64_t cycles_per_ms;
	struct packet_list recirculated, recirculated_spare;
	struct dp_upcall_result result; // reused
	struct buf frame;		// for packets in pieces
	struct dp_mask_memo memo;
	struct dp_burst burst;
};

struct dp_thread *dp_thread_new(struct dp_user *, enum dp_thread_kind, unsigned int id);
// Waits until it has ended. All its queues are gone.
void dp_thread_end(struct dp_thread *);
void dp_thread_free(struct dp_thread *);
struct error *dp_thread_start(struct dp_thread *) MUST_CHECK;
// The body of a thread says who it is; the calling thread, NULL: it is none of a datapath's.
void dp_thread_enter(struct dp_thread *);
struct dp_thread *dp_thread_self(void);
// Main thread. The queue is the thread's from now on; after remove and a grace period it is not.
struct error *dp_thread_add_queue(struct dp_thread *, struct dp_rxq *) MUST_CHECK;
void dp_thread_remove_queue(struct dp_thread *, struct dp_rxq *);
// Main thread: if the queue failed, waits for its packets again.
void dp_thread_retry_queue(struct dp_thread *, struct dp_rxq *);
// The thread, after it woke: whoever wakes it from now on is noticed.
void dp_thread_drain_wake(struct dp_thread *);
// Takes one burst from the queue and sends what comes of it. The number of packets; negative errno:
// the device failed.
int dp_thread_turn(struct dp_thread *, struct dp_rxq *);

// The time of what is handled next.
static inline void dp_thread_look_at_clock(struct dp_thread *t)
{
	t->now_ms = clock_ms();
	t->now = flow_table_time(t->flows, t->now_ms);
}

// One writer, any reader.
static inline void dp_stat_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void dp_thread_drop(struct dp_thread *t, struct rte_mbuf *m,
				  enum dp_drop_reason reason)
{
	dp_stat_add(&t->stats.drops[reason], 1);
	rte_pktmbuf_free(m);
}
