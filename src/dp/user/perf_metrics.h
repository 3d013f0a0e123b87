/* SPDX-License-Identifier: Apache-2.0 */
// pmd-perf-metrics=true: what each turn of a polling thread over its queues did, as histograms, and
// as histories of the last turns and of the last milliseconds; and supervision, which tells the log
// what was around a turn that took too long or met a full queue of a guest.
//
// The thread writes, the main thread reads and clears; both under a lock, which the thread takes
// once in a turn. While recording is off it costs one look at a pointer.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "dp/dp.h"

struct dp_thread;
struct dp_user;
struct perf_metrics;
struct str;

// What counters of the thread were when the turn began.
struct perf_mark {
	uint64_t received, batches, upcalls, upcall_cycles;
};

// Main thread.
void perf_metrics_enable(struct dp_thread *, bool on);
void perf_metrics_clear(struct dp_thread *);
void perf_metrics_done(struct dp_thread *); // it has ended
// `n_turns`, `n_ms`: how much of the histories.
void perf_metrics_format(const struct dp_thread *, bool histograms, unsigned int n_turns,
			 unsigned int n_ms, struct str *);
void perf_metrics_supervise(struct dp_thread *, const struct dp_perf_log *);
// Logs what supervision of any thread found.
void perf_metrics_report(struct dp_user *);

// The thread.
void perf_metrics_begin(const struct dp_thread *, struct perf_mark *);
// A turn that took so many cycles until `now`; `qlen`: the most packets that waited in a queue of a
// guest.
void perf_metrics_end(struct perf_metrics *, struct dp_thread *, const struct perf_mark *,
		      uint64_t cycles, uint64_t now, uint32_t qlen);
