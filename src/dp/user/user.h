/* SPDX-License-Identifier: Apache-2.0 */
// The userspace datapath: ties ports, threads and the flow table together behind dp/dp_ops.h.
#pragma once
#include "dp/dp_ops.h"
#include "base/vec.h"
#include "dp/user/meter.h"
#include "dp/user/poll.h"
#include "dp/user/thread.h"

enum {
	DP_MAX_EVENT_THREADS = 2, // no more than there are cores
	DP_MAX_THREADS = 64,
};

struct dp_port { // main; threads see `number` through their queues
	uint32_t number;
	struct netdev *netdev; // a reference
	struct dp_rxq *rxqs;
	unsigned int n_rxqs;
	char *affinity;			// pmd-rxq-affinity; NULL: none
	uint64_t misses, refused;	// of queues that are closed
	uint64_t misses_shown;		// by dp_user_port_misses()
	struct dp_port_options options; // no_cache: relaxed atomic, read by threads
};

struct dp_user { // all main's, but what thread.h and flow_table.h say
	struct dp base;
	struct loop *loop;
	const struct dp_callbacks *callbacks;
	void *arg;
	bool in_main; // no threads: the dummy datapath
	struct flow_table *flows;
	struct meter_table *meters;
	struct loop_wake *flows_wake;  // flow_table_reap() has work
	struct loop_wake *failed_wake; // a queue failed
	struct loop_timer failed_timer;
	struct loop_wake *perf_wake; // perf_metrics_report() has work
	struct dp_perf_log perf_log;
	struct loop_defer
		poll_due; // poll_update(), when who added a port has said what the port is for
	struct dp_thread *main, *threads[DP_MAX_THREADS];
	unsigned int n_threads; // that exist; they start with the first port that needs them
	unsigned int n_event_threads;
	struct dp_settings settings;
	int64_t misses_shown_ms; // when dp_user_port_misses() was last asked; 0: never
	bool ever_held;		 // packets, for tx_flush_us: see out.h
	struct hw_offload *offload;
	const struct variant *variant; // of threads to come; NULL: the best
	uint8_t search_priority[8];    // of the searches in subtables; the first is the
				       // autovalidator's
	struct {
		struct loop_timer timer;
		unsigned int minutes;		    // since queues were last moved
	} balance;				    // balance.h
	uint64_t drops_shown[DP_DROP_N_REASONS];    // drops.h
	struct dp_thread_stats departed;	    // sums of threads that ended
	VEC(struct flow_counters *) spare_counters; // of threads that ended: their sums still count
	struct dp_port **ports;			    // by number
	uint32_t ports_end;			    // above the highest number in use
};

struct error *dp_user_open(struct loop *, const struct dp_callbacks *, void *arg, bool in_main,
			   struct dp **) MUST_CHECK;
// Any thread of the datapath.
int dp_user_upcall(struct dp_user *, const struct dp_upcall *, struct dp_upcall_result *);

// user/port.c. A thread learns of all ports before it starts, and forgets them when it has ended.
// It has no queues.
struct error *dp_user_add_thread(struct dp_user *, enum dp_thread_kind,
				 unsigned int core) MUST_CHECK;
void dp_user_remove_thread(struct dp_user *, unsigned int index);
// What threads have of the settings, after these changed.
void dp_user_tell_thread(const struct dp_user *, struct dp_thread *);
// poll.c: each queue's pinned_core, from the port's affinity.
void poll_pin(struct dp_port *);

// user/port.c: the port functions of dp_ops.
struct error *dp_user_port_add(struct dp *, struct netdev *, uint32_t *port) MUST_CHECK;
int dp_user_port_del(struct dp *, uint32_t port);
struct error *dp_user_port_reconfigure(struct dp *, uint32_t port) MUST_CHECK;
int dp_user_port_find(const struct dp *, const char *name, struct dp_port_info *);
void dp_user_port_dump(const struct dp *, void (*cb)(void *arg, const struct dp_port_info *),
		       void *arg);
void dp_user_port_misses(struct dp *, void (*cb)(void *arg, const struct dp_port_misses *),
			 void *arg);
int dp_user_port_set_options(struct dp *, uint32_t port, const struct dp_port_options *);
// Puts queues that failed to work again: they may have recovered.
void dp_user_retry_queues(struct dp_user *);

// user/stats.c
void dp_user_get_stats(const struct dp *, struct dp_stats *);
struct error *dp_user_pmd_format(struct dp *, enum dp_pmd_text, const struct dp_pmd_query *,
				 struct str *) MUST_CHECK;
// user/perf.c: of one thread, of dpif-netdev/pmd-perf-show.
void dp_thread_perf_format(const struct dp_thread *, int64_t now_ms, uint64_t hz, struct str *);
void dp_thread_stats_add(struct dp_thread_stats *sum, const struct dp_thread *, bool since_clear);
// The polling threads by core, one after the other. `core`: that one only; -1: all. NULL begins and
// ends.
struct dp_thread *dp_user_next_poller(const struct dp_user *, int core,
				      const struct dp_thread *after);
void dp_user_pmd_stats_clear(struct dp *, int core);
void dp_user_pmd_perf_log(struct dp *, const struct dp_perf_log *);

// user/variant_choice.c
void variant_priorities_init(struct dp_user *);
struct error *dp_user_variant_format(struct dp *, enum dp_variant_of, struct str *) MUST_CHECK;
struct error *dp_user_variant_choose(struct dp *, enum dp_variant_of,
				     const struct dp_variant_choice *,
				     struct str *reply) MUST_CHECK;
