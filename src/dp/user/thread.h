/* SPDX-License-Identifier: Apache-2.0 */
// The threads of the userspace datapath and what each owns: its receive queues, flow cache, counters, output batches.
//
// Event-driven threads sleep in epoll over the fds of their queues; an idle switch uses no CPU. They wake, go online for RCU, and
// take bursts from the queues that are ready, in turns, with a bound per turn; a queue whose packets mostly miss gets
// shorter turns, so that its upcalls do not starve the others. The main thread is one of them in a wider sense: it runs the queues
// of dummy ports from the event loop, and dp_execute(). Threads that poll (DPDK) will be the third kind: they run dp_thread_turn() over
// their queues without epoll.
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "base/cursor.h"
#include "base/vec.h"
#include "dp/dp.h"
#include "dp/user/cache.h"
#include "dp/user/flow_table.h"
#include "netdev/mbuf.h"
#include "netdev/netdev.h"

enum { BURST = 32, DP_MAX_PORTS = 65536, DP_MAX_RECIRCULATIONS = 8 };

struct dp_user;
struct dp_port;

struct dp_rxq { // owned by main; the thread sees it through epoll, under RCU
	struct dp_port *port;
	struct netdev_rxq *netdev_rxq;
	struct dp_thread *thread;
	int fd;
	struct loop_fd *loop_fd; // of the main thread's queues
	// Written by the thread.
	uint32_t burst; // packets to take at once
	bool failed;	// the device gave an error: rests until the next second
};

// Packets of a burst for one port, per thread.
struct out_batch {
	struct netdev *netdev;
	uint32_t max_frame; // MTU and Ethernet header; UINT32_MAX: any
	uint32_t n;
	struct out_batch *next; // of those that hold packets
	struct rte_mbuf *packets[BURST];
};

struct packet_list {
	VEC(struct rte_mbuf *) of;
};

struct dp_thread_stats { // written by the thread
	uint64_t received, recirculated, cache_hits, megaflow_hits, probes, misses, failed_misses, tx_packets, tx_batches,
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

enum dp_thread_kind { DP_THREAD_MAIN, DP_THREAD_EVENT };

struct dp_thread {
	// Immutable.
	enum dp_thread_kind kind;
	unsigned int id; // 0: main; the number of its send queue
	struct dp_user *dp;
	struct flow_table *flows;
	struct flow_counters *counters;
	pthread_t pthread;
	int epoll_fd, wake_fd;
	// Set by main.
	atomic_bool stop;
	struct out_batch **out; // RCU: by port number, NULL: no such port
	unsigned int n_queues;
	struct dp_thread_stats cleared; // what pmd-stats-clear leaves out
	// The thread's.
	struct dp_thread_stats stats;
	struct cache cache;
	struct out_batch *active; // batches with packets
	bool busy;		  // in a burst: what dp_execute() sends goes with it
	unsigned int depth;	  // of recirculation
	uint32_t now;		  // flow_table_now() of this burst
	struct packet_list recirculated, recirculated_spare;
	struct dp_upcall_result result; // reused
	struct buf frame;		// for packets in pieces
	struct dp_burst burst;
};

struct dp_thread *dp_thread_new(struct dp_user *, enum dp_thread_kind, unsigned int id);
// Stops it. All its queues are gone.
void dp_thread_free(struct dp_thread *);
struct error *dp_thread_start(struct dp_thread *) MUST_CHECK;
// Main thread. The queue is the thread's from now on; after remove and a grace period it is not.
struct error *dp_thread_add_queue(struct dp_thread *, struct dp_rxq *) MUST_CHECK;
void dp_thread_remove_queue(struct dp_thread *, struct dp_rxq *);
// Main thread: if the queue failed, waits for its packets again.
void dp_thread_retry_queue(struct dp_thread *, struct dp_rxq *);
// Takes one burst from the queue and sends what comes of it. The number of packets; negative errno: the device failed.
int dp_thread_turn(struct dp_thread *, struct dp_rxq *);

// One writer, any reader.
static inline void dp_stat_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static inline void dp_thread_drop(struct dp_thread *t, struct rte_mbuf *m, enum dp_drop_reason reason)
{
	dp_stat_add(&t->stats.drops[reason], 1);
	rte_pktmbuf_free(m);
}
