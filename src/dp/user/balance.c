/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/balance.h"

#include <stdlib.h>

#include "dp/user/assign.h"
#include "dp/user/user.h"

enum { MINUTE_MS = 60000 };

static double variance(const uint64_t *loads, unsigned int n)
{
	double sum = 0, squares = 0;
	for (unsigned int i = 0; i < n; i++) {
		sum += (double)loads[i];
		squares += (double)loads[i] * (double)loads[i];
	}
	return n ? squares / n - sum / n * (sum / n) : 0;
}

unsigned int balance_improvement(const uint64_t *now, const uint64_t *planned, unsigned int n)
{
	double before = variance(now, n), after = variance(planned, n);
	return before > after && before > 0 ? (unsigned int)((before - after) * 100 / before) : 0;
}

// Naps excluded: a thread that never rests is at 100%.
static bool is_busy(const struct dp_thread *t, unsigned int percent)
{
	uint64_t total = 0, busy = 0;
	for (unsigned int i = 0; i < POLL_WINDOWS; i++) {
		total += __atomic_load_n(&t->window_total[i], __ATOMIC_RELAXED);
		busy += __atomic_load_n(&t->window_busy[i], __ATOMIC_RELAXED);
	}
	return total && busy * 100 >= total * percent;
}

static unsigned int improvement(struct dp_user *dp)
{
	struct assignment a = {0};
	uint64_t now[DP_MAX_THREADS], planned[DP_MAX_THREADS];
	for (unsigned int i = 0; i < dp->n_threads; i++)
		if (dp->threads[i]->kind == DP_THREAD_POLL)
			vec_push(&a.threads, dp->threads[i]);
	assignment_collect(dp, &a);
	if (a.queues.n && a.threads.n)
		assignment_plan(dp, &a);
	VEC_FOREACH (&a.threads, i) {
		now[i] = planned[i] = 0;
		VEC_FOREACH (&a.queues, k) {
			const struct dp_rxq *q = a.queues.v[k];
			now[i] += q->thread == a.threads.v[i] ? assignment_load(q) : 0;
			planned[i] += q->next_thread == a.threads.v[i] ? assignment_load(q) : 0;
		}
	}
	unsigned int percent = balance_improvement(now, planned, (unsigned int)a.threads.n);
	vec_done(&a.queues);
	vec_done(&a.threads);
	return percent;
}

static void minute(void *arg)
{
	struct dp_user *dp = arg;
	const struct dp_auto_lb *s = &dp->settings.auto_lb;
	bool busy = false;
	loop_timer_set_in(&dp->balance.timer, MINUTE_MS);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		busy |= dp->threads[i]->kind == DP_THREAD_POLL && dp->threads[i]->n_queues > 1 &&
			is_busy(dp->threads[i], s->load_percent);
	if (++dp->balance.minutes < s->interval_minutes || !busy)
		return;
	dp->balance.minutes = 0;
	if (improvement(dp) >= s->improvement_percent)
		error_free(dp_user_pmd_rebalance(
			&dp->base)); // no threads are started by it, which is all that can fail
}

void balance_init(struct dp_user *dp)
{
	loop_timer_init(&dp->balance.timer, dp->loop, minute, dp);
}

void balance_update(struct dp_user *dp)
{
	// In turn, nothing depends on load.
	bool wanted = dp->settings.auto_lb.on && dp->settings.assign != DP_ASSIGN_ROUND_ROBIN;
	if (!wanted)
		loop_timer_cancel(&dp->balance.timer);
	else if (!loop_timer_is_set(&dp->balance.timer))
		loop_timer_set_in(&dp->balance.timer, MINUTE_MS);
}
