/* SPDX-License-Identifier: Apache-2.0 */
// Which polling thread is to serve which receive queue: a plan, which poll.c carries out and
// balance.c compares with what is. Main thread.
#pragma once
#include "base/vec.h"
#include "dp/user/thread.h"

struct assignment {
	VEC(struct dp_rxq *) queues;
	VEC(struct dp_thread *) threads;
};

// All queues that are to be polled; their next_thread is none yet.
void assignment_collect(struct dp_user *, struct assignment *);
// NULL: none on that core.
struct dp_thread *assignment_thread_on(const struct assignment *, unsigned int core);
// Sets next_thread of each queue, as the settings say: pinned queues first; the others by load, or
// in turn. Also the threads' `isolated` and `planned`.
void assignment_plan(struct dp_user *, struct assignment *);
uint64_t assignment_load(const struct dp_rxq *); // cycles in its history
