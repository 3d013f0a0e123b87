/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/poll.h"

#include <errno.h>
#include <poll.h>
#include <rte_cycles.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/str.h"
#include "dp/user/assign.h"
#include "dp/user/balance.h"
#include "dp/user/cores.h"
#include "dp/user/hw_offload.h"
#include "dp/user/nap.h"
#include "dp/user/out.h"
#include "dp/user/perf_metrics.h"
#include "dp/user/user.h"

// --- The thread.

struct window { // of the load history that is open
	uint64_t hz, end, busy, total;
};

static void poll_failed(struct dp_thread *t, struct dp_rxq *q)
{
	__atomic_store_n(&q->failed, true, __ATOMIC_RELEASE);
	loop_wake(t->dp->failed_wake);
}

// One burst from each queue. The largest.
static unsigned int poll_queues(struct dp_thread *t, const struct poll_list *list, uint64_t *clock)
{
	unsigned int most = 0, batches = 0;
	for (unsigned int i = 0; i < list->n; i++) {
		struct dp_rxq *q = list->of[i];
		if (__builtin_expect(__atomic_load_n(&q->failed, __ATOMIC_RELAXED), 0))
			continue;
		int n = dp_thread_turn(t, q);
		uint64_t now = rte_rdtsc(), spent = now - *clock;
		*clock = now;
		if (n > 0) {
			dp_stat_add(&q->cycles, spent);
			dp_stat_add(&t->stats.busy_cycles, spent);
			batches++;
			most = (unsigned int)n > most ? (unsigned int)n : most;
		} else {
			dp_stat_add(&t->stats.idle_cycles, spent);
			if (n < 0)
				poll_failed(t, q);
		}
	}
	if (batches)
		dp_stat_add(&t->stats.rx_batches, batches);
	return most;
}

// The same, recorded.
static unsigned int poll_and_record(struct dp_thread *t, struct perf_metrics *perf,
				    const struct poll_list *list, uint64_t *clock)
{
	struct perf_mark mark;
	uint64_t start = *clock;
	uint32_t qlen = 0;
	for (unsigned int i = 0; i < list->n; i++) {
		uint32_t waiting = netdev_rxq_fill(list->of[i]->netdev_rxq);
		qlen = waiting > qlen ? waiting : qlen;
	}
	perf_metrics_begin(t, &mark);
	unsigned int most = poll_queues(t, list, clock);
	perf_metrics_end(perf, t, &mark, *clock - start, *clock, qlen);
	return most;
}

// Every ten seconds the work of each queue goes into its history.
static void end_window(struct dp_thread *t, const struct poll_list *list, struct window *w,
		       uint64_t now)
{
	unsigned int at = t->window_next;
	uint64_t total = t->stats.busy_cycles + t->stats.idle_cycles + t->stats.nap_cycles;
	for (unsigned int i = 0; i < list->n; i++) {
		struct dp_rxq *q = list->of[i];
		__atomic_store_n(&q->window[at], q->cycles - q->window_start, __ATOMIC_RELAXED);
		q->window_start = q->cycles;
	}
	__atomic_store_n(&t->window_total[at], total - w->total, __ATOMIC_RELAXED);
	__atomic_store_n(&t->window_busy[at], t->stats.busy_cycles - w->busy, __ATOMIC_RELAXED);
	w->total = total;
	w->busy = t->stats.busy_cycles;
	t->window_next = (at + 1) % POLL_WINDOWS;
	w->end = now + POLL_WINDOW_SECONDS * w->hz;
}

static void wait_for_queues(struct dp_thread *t, uint64_t *clock)
{
	struct pollfd fd = {.fd = t->wake_fd, .events = POLLIN};
	rcu_offline();
	poll(&fd, 1, -1);
	dp_thread_drain_wake(t);
	rcu_online();
	*clock = rte_rdtsc();
}

static void pin(unsigned int core)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	// A container may not have the core: the thread then runs where it may.
	(void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	prctl(PR_SET_TIMERSLACK, 1000ul);
}

void *poll_run(void *arg)
{
	struct dp_thread *t = arg;
	pin(t->core);
	dp_thread_enter(t);
	rcu_register();
	mbuf_thread_start();
	uint64_t clock = rte_rdtsc();
	struct nap n;
	struct window w = {.hz = rte_get_tsc_hz()};
	w.end = clock + POLL_WINDOW_SECONDS * w.hz;
	nap_init(&n, clock);
	while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
		const struct poll_list *list = rcu_get(&t->polled);
		if (!list || !list->n) {
			out_flush(t);
			wait_for_queues(t, &clock);
			continue;
		}
		struct perf_metrics *perf = rcu_get(&t->perf_on);
		unsigned int most = __builtin_expect(!perf, 1)
					    ? poll_queues(t, list, &clock)
					    : poll_and_record(t, perf, list, &clock);
		dp_stat_add(&t->stats.turns, 1);
		dp_stat_add(&t->stats.busy_turns, most > 0);
		if (clock >= w.end)
			end_window(t, list, &w, clock);
		nap_after(&n, t, list, most, &clock);
		out_turn(t);
		rcu_quiescent();
	}
	out_flush(t);
	mbuf_thread_stop();
	rcu_unregister();
	return NULL;
}

// The same list without `out`, and with `in`.
static void replace_list(struct dp_thread *t, const struct dp_rxq *out, struct dp_rxq *in)
{
	struct poll_list *old = t->polled, *list;
	unsigned int n = old ? old->n : 0;
	list = xcalloc(1, sizeof(*list) + (n + 1) * sizeof(list->of[0]));
	for (unsigned int i = 0; i < n; i++)
		if (old->of[i] != out)
			list->of[list->n++] = old->of[i];
	if (in)
		list->of[list->n++] = in;
	rcu_assign(&t->polled, list);
	rcu_free_later(old, free);
}

void poll_list_add(struct dp_thread *t, struct dp_rxq *q)
{
	replace_list(t, NULL, q);
}

void poll_list_remove(struct dp_thread *t, struct dp_rxq *q)
{
	replace_list(t, q, NULL);
}

void poll_done(struct dp_thread *t)
{
	free(t->polled);
}

// --- Who serves what.

// Gives the thread those of its planned queues that are its already, or all.
static void publish(const struct assignment *a, struct dp_thread *t, bool all)
{
	struct poll_list *list = xcalloc(1, sizeof(*list) + a->queues.n * sizeof(list->of[0])),
			 *old = t->polled;
	list->can_wait = list->patient = true;
	VEC_FOREACH (&a->queues, i) {
		struct dp_rxq *q = a->queues.v[i];
		if (q->next_thread != t || (!all && q->thread != t))
			continue;
		list->of[list->n++] = q;
		list->can_wait &= q->can_wait;
		list->patient &= q->can_wait || !netdev_rxq_is_fed_from_outside(q->netdev_rxq);
	}
	t->n_queues = list->n;
	rcu_assign(&t->polled, list);
	rcu_free_later(old, free);
	uint64_t one = 1;
	(void)!write(t->wake_fd, &one, sizeof(one));
}

// To the thread that is to serve it; the one that had it has forgotten it.
static void hand_over(struct dp_rxq *q)
{
	if (q->thread == q->next_thread)
		return;
	if (q->can_wait)
		netdev_rxq_forget_wait(q->netdev_rxq, q->thread->epoll_fd);
	q->thread = q->next_thread;
	q->can_wait = q->thread && netdev_rxq_wait(q->netdev_rxq, q->thread->epoll_fd);
}

static struct error *start_missing(struct dp_user *dp, const uint64_t *cores)
{
	for (unsigned int core = 0; core < DP_MAX_CORES; core++) {
		struct assignment now = {0};
		if (!cores_has(cores, core))
			continue;
		for (unsigned int i = 0; i < dp->n_threads; i++)
			if (dp->threads[i]->kind == DP_THREAD_POLL)
				vec_push(&now.threads, dp->threads[i]);
		bool there = assignment_thread_on(&now, core);
		vec_done(&now.threads);
		struct error *e = there ? NULL : dp_user_add_thread(dp, DP_THREAD_POLL, core);
		if (e)
			return e;
	}
	return NULL;
}

// Those whose core is not wanted any more. They serve nothing now.
static void stop_surplus(struct dp_user *dp, const uint64_t *cores)
{
	for (unsigned int i = dp->n_threads; i-- > 0;)
		if (dp->threads[i]->kind == DP_THREAD_POLL &&
		    !cores_has(cores, dp->threads[i]->core))
			dp_user_remove_thread(dp, i);
}

void dp_user_tell_thread(const struct dp_user *dp, struct dp_thread *t)
{
	uint64_t hold =
		t->kind == DP_THREAD_MAIN ? 0 : dp->settings.tx_flush_us * t->cycles_per_ms / 1000;
	__atomic_store_n(&t->hold_cycles, hold, __ATOMIC_RELAXED);
	__atomic_store_n(&t->cache_one_in, dp->settings.cache_one_in, __ATOMIC_RELAXED);
	perf_metrics_enable(t, t->kind == DP_THREAD_POLL && dp->settings.perf_metrics);
}

static void set_sleep(const struct dp_user *dp, struct dp_thread *t)
{
	uint16_t own = dp->settings.core_sleep_us[t->core];
	__atomic_store_n(&t->sleep_us, own == UINT16_MAX ? dp->settings.pmd_sleep_us : own,
			 __ATOMIC_RELAXED);
}

struct error *poll_update(struct dp_user *dp)
{
	struct assignment a = {0};
	uint64_t cores[DP_MAX_CORES / 64] = {0};
	assignment_collect(dp, &a);
	if (a.queues.n)
		cores_choose(&dp->settings, cores);
	struct error *e = start_missing(dp, cores);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		if (dp->threads[i]->kind == DP_THREAD_POLL &&
		    cores_has(cores, dp->threads[i]->core))
			vec_push(&a.threads, dp->threads[i]);
	if (a.queues.n && a.threads.n)
		assignment_plan(dp, &a);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		if (dp->threads[i]->kind == DP_THREAD_POLL)
			publish(&a, dp->threads[i], false);
	bool moved = false;
	VEC_FOREACH (&a.queues, i)
		moved |= a.queues.v[i]->thread &&
			 a.queues.v[i]->thread != a.queues.v[i]->next_thread;
	if (moved)
		rcu_synchronize();
	VEC_FOREACH (&a.queues, i)
		hand_over(a.queues.v[i]);
	VEC_FOREACH (&a.threads, i) {
		set_sleep(dp, a.threads.v[i]);
		publish(&a, a.threads.v[i], true);
	}
	stop_surplus(dp, cores);
	vec_done(&a.queues);
	vec_done(&a.threads);
	return e;
}

static void update_due(void *arg)
{
	error_free(poll_update(arg));
}

void poll_update_soon(struct dp_user *dp)
{
	loop_defer(dp->loop, &dp->poll_due, update_due, dp);
}

// --- Settings.

void dp_user_configure(struct dp *base, const struct dp_settings *s)
{
	struct dp_user *dp = (struct dp_user *)(void *)base;
	if (!memcmp(&dp->settings, s, sizeof(*s)))
		return;
	dp->settings = *s;
	dp->ever_held |= s->tx_flush_us > 0;
	dp_user_tell_thread(dp, dp->main);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		dp_user_tell_thread(dp, dp->threads[i]);
	balance_update(dp);
	hw_offload_enable(dp->offload, s->hw_offload);
	error_free(poll_update(
		dp)); // threads that could not be started are tried again with the next port
}

struct pin {
	unsigned int queue;
	int core;
};

static void find_pin(void *pin_, unsigned int queue, unsigned int core)
{
	struct pin *pin = pin_;
	if (queue == pin->queue && pin->core < 0)
		pin->core = (int)core;
}

// The core of a queue in "queue:core,queue:core"; -1: not there.
static int pinned_core(const char *affinity, unsigned int queue)
{
	struct pin pin = {queue, -1};
	if (affinity)
		(void)dp_parse_affinity(affinity, find_pin, &pin);
	return pin.core;
}

void poll_pin(struct dp_port *port)
{
	for (unsigned int i = 0; i < port->n_rxqs; i++)
		port->rxqs[i].pinned_core = pinned_core(port->affinity, i);
}

int dp_user_port_set_affinity(struct dp *base, uint32_t number, const char *affinity)
{
	struct dp_user *dp = (struct dp_user *)(void *)base;
	struct dp_port *port = number < DP_MAX_PORTS ? dp->ports[number] : NULL;
	if (!port)
		return -ENOENT;
	if (!strcmp(port->affinity ? port->affinity : "", affinity ? affinity : ""))
		return 0;
	free(port->affinity);
	port->affinity = xstrdup_null(affinity);
	poll_pin(port);
	error_free(poll_update(dp));
	return 0;
}

struct error *dp_user_pmd_rebalance(struct dp *base)
{
	return poll_update((struct dp_user *)(void *)base);
}
