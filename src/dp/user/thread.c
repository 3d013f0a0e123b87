/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/thread.h"

#include <errno.h>
#include <poll.h>
#include <rte_cycles.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "dp/user/burst.h"
#include "dp/user/out.h"
#include "dp/user/perf_metrics.h"
#include "dp/user/poll.h"
#include "dp/user/user.h"

enum {
	TURNS = 4,     // that a queue gets at most before the others are looked at anew
	MIN_BURST = 4, // of a queue whose packets miss
	MAX_READY = 64,
};

// Who runs: asked for by upcalls, which come back into the datapath.
static _Thread_local struct dp_thread *self;

void dp_thread_enter(struct dp_thread *t)
{
	self = t;
}

struct dp_thread *dp_thread_self(void)
{
	return self;
}

struct dp_thread *dp_thread_new(struct dp_user *dp, enum dp_thread_kind kind, unsigned int id)
{
	struct dp_thread *t = xaligned_alloc(64, (sizeof(*t) + 63) & ~(size_t)63);
	t->kind = kind;
	t->id = id;
	t->dp = dp;
	t->flows = dp->flows;
	t->epoch.number = 1;
	t->cycles_per_ms = rte_get_tsc_hz() / 1000;
	t->variant = dp->variant ? dp->variant : variant_best();
	t->counters = dp->spare_counters.n ? dp->spare_counters.v[--dp->spare_counters.n]
					   : flow_counters_new(dp->flows);
	t->epoll_fd = t->wake_fd = -1;
	t->cleared_ms = clock_ms();
	t->cache_one_in = 1;
	t->out = xcalloc(DP_MAX_PORTS, sizeof(*t->out));
	cache_init(&t->cache);
	return t;
}

void dp_thread_end(struct dp_thread *t)
{
	if (t->pthread) {
		uint64_t one = 1;
		atomic_store(&t->stop, true);
		if (write(t->wake_fd, &one, sizeof(one)) == sizeof(one)) {
			rcu_offline(); // it may wait for a grace period
			pthread_join(t->pthread, NULL);
			rcu_online();
		}
	}
	t->pthread = 0;
}

void dp_thread_free(struct dp_thread *t)
{
	if (!t)
		return;
	dp_thread_end(t);
	if (t->epoll_fd >= 0)
		close(t->epoll_fd);
	if (t->wake_fd >= 0)
		close(t->wake_fd);
	poll_done(t);
	perf_metrics_done(t);
	cache_done(&t->cache);
	vec_done(&t->recirculated.of);
	vec_done(&t->recirculated_spare.of);
	buf_done(&t->result.actions);
	buf_done(&t->frame);
	free(t->out);
	free(t);
}

// --- Receiving.

int dp_thread_turn(struct dp_thread *t, struct dp_rxq *q)
{
	struct rte_mbuf *packets[BURST];
	struct dp_meta fresh = {.in_port = q->port->number};
	if (__builtin_expect(budget_rests(&q->budget), 0))
		return 0;
	int n = netdev_rx_burst(q->netdev_rxq, packets, q->burst);
	if (n <= 0)
		return n;
	budget_busy(&q->budget, &t->epoch);
	t->queue = q;
	unsigned int missed = burst_process(t, packets, (unsigned int)n, &fresh);
	t->queue = NULL;
	if (2 * missed > (unsigned int)n)
		q->burst = q->burst / 2 > MIN_BURST ? q->burst / 2 : MIN_BURST;
	else if (q->burst < BURST)
		q->burst *= 2;
	return n;
}

void dp_thread_drain_wake(struct dp_thread *t)
{
	uint64_t count;
	(void)!read(t->wake_fd, &count, sizeof(count));
}

// A queue that used up its share of the time for misses is not looked at until it has some again;
// its packets wait in the socket, which is the kernel's to bound. The thread finds it again in its
// list, as it may not keep it while it is quiescent.
static void rest(struct dp_thread *t, struct dp_rxq *q)
{
	struct epoll_event nothing = {.events = 0, .data.ptr = q};
	if (!budget_in_debt(&q->budget) || epoll_ctl(t->epoll_fd, EPOLL_CTL_MOD, q->fd, &nothing))
		return;
	q->resting = true;
	dp_stat_add(&t->stats.rests, 1);
}

// Whether any queue still rests.
static bool end_rests(struct dp_thread *t)
{
	const struct poll_list *list = rcu_get(&t->polled);
	bool any = false;
	for (unsigned int i = 0; list && i < list->n; i++) {
		struct dp_rxq *q = list->of[i];
		if (!q->resting)
			continue;
		(void)budget_ask(&q->budget, &t->epoch, rte_rdtsc(), t->cycles_per_ms);
		if (budget_in_debt(&q->budget)) {
			any = true;
			continue;
		}
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = q};
		q->resting = false;
		(void)epoll_ctl(t->epoll_fd, EPOLL_CTL_MOD, q->fd,
				&event); // one that failed is not there
	}
	return any;
}

static void fail(struct dp_thread *t, struct dp_rxq *q)
{
	epoll_ctl(t->epoll_fd, EPOLL_CTL_DEL, q->fd, NULL);
	__atomic_store_n(&q->failed, true, __ATOMIC_RELEASE);
	loop_wake(t->dp->failed_wake);
}

// Some packets from each queue that is ready, a burst at a time, so that none waits long.
static void serve(struct dp_thread *t, struct epoll_event *ready, int n)
{
	int n_left = n;
	for (int turn = 0; turn < TURNS && n_left; turn++) {
		for (int i = 0; i < n; i++) {
			struct dp_rxq *q = ready[i].data.ptr;
			if (!q || (q->resting && !(ready[i].events & (EPOLLERR | EPOLLHUP))))
				continue;
			uint32_t wanted = q->burst;
			int got = dp_thread_turn(t, q);
			if (got < 0 || (!got && !turn && ready[i].events & (EPOLLERR | EPOLLHUP)))
				fail(t, q); // or it would be ready for ever
			if (t->kind == DP_THREAD_EVENT)
				rest(t, q);
			if (got < (int)wanted || q->resting) {
				ready[i].data.ptr = NULL;
				n_left--;
			}
		}
	}
}

static void *run(void *arg)
{
	struct dp_thread *t = arg;
	struct epoll_event ready[MAX_READY];
	dp_thread_enter(t);
	rcu_register();
	mbuf_thread_start();
	while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
		// Queues come out of epoll only while this thread is online, and are forgotten
		// before it is quiescent: who removed one from epoll and waited for a grace period
		// knows that this thread has it no more.
		bool resting = end_rests(t);
		int n = epoll_wait(t->epoll_fd, ready, MAX_READY, 0);
		if (n > 0) {
			serve(t, ready, n);
			out_turn(t);
			rcu_quiescent();
			continue;
		}
		out_flush(t);
		struct pollfd sleep = {.fd = t->epoll_fd, .events = POLLIN};
		rcu_offline();
		poll(&sleep, 1, resting ? 1 : -1);
		rcu_online();
	}
	out_flush(t);
	mbuf_thread_stop();
	rcu_unregister();
	return NULL;
}

struct error *dp_thread_start(struct dp_thread *t)
{
	bool polls = t->kind == DP_THREAD_POLL;
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event wake = {.events = EPOLLIN};
	if (t->epoll_fd < 0 || t->wake_fd < 0 ||
	    epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, t->wake_fd, &wake))
		return error_errno(errno, "cannot make the file descriptors of a datapath thread");
	int r = pthread_create(&t->pthread, NULL, polls ? poll_run : run, t);
	if (r) {
		t->pthread = 0;
		return error_errno(r, "cannot start a datapath thread");
	}
	char name[16];
	snprintf(name, sizeof(name), polls ? "pmd-c%02u" : "datapath%u", polls ? t->core : t->id);
	pthread_setname_np(t->pthread, name);
	return NULL;
}

// --- The main thread's queues, in its loop.

static void main_queue_ready(void *arg, int fd, int events)
{
	struct dp_rxq *q = arg;
	int n = 1;
	for (int turn = 0; turn < TURNS && n > 0; turn++)
		n = dp_thread_turn(q->thread, q);
	if (n < 0) {
		loop_fd_set_events(q->loop_fd, 0);
		q->failed = true;
		loop_wake(q->thread->dp->failed_wake);
	}
}

struct error *dp_thread_add_queue(struct dp_thread *t, struct dp_rxq *q)
{
	if (t->kind == DP_THREAD_MAIN) {
		q->loop_fd = loop_fd_add(t->dp->loop, q->fd, LOOP_READ, main_queue_ready, q);
	} else {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = q};
		if (epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, q->fd, &event))
			return error_errno(errno, "port %s: cannot wait for packets",
					   netdev_name(q->port->netdev));
	}
	q->thread = t;
	t->n_queues++;
	if (t->kind == DP_THREAD_EVENT)
		poll_list_add(t, q);
	return NULL;
}

void dp_thread_remove_queue(struct dp_thread *t, struct dp_rxq *q)
{
	if (t->kind == DP_THREAD_MAIN) {
		loop_fd_remove(q->loop_fd);
	} else if (t->kind == DP_THREAD_EVENT) {
		epoll_ctl(t->epoll_fd, EPOLL_CTL_DEL, q->fd, NULL);
		poll_list_remove(t, q);
	} else if (q->can_wait) {
		netdev_rxq_forget_wait(q->netdev_rxq, t->epoll_fd);
	}
	q->can_wait = false;
	q->loop_fd = NULL;
	q->thread = NULL;
	q->polled = false;
	t->n_queues--;
}

void dp_thread_retry_queue(struct dp_thread *t, struct dp_rxq *q)
{
	if (!__atomic_exchange_n(&q->failed, false, __ATOMIC_ACQUIRE))
		return;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = q};
	if (t->kind == DP_THREAD_MAIN)
		loop_fd_set_events(q->loop_fd, LOOP_READ);
	else if (t->kind == DP_THREAD_EVENT)
		epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, q->fd, &event);
}
