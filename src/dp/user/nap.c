/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/nap.h"

#include <rte_cycles.h>
#include <rte_epoll.h>
#include <rte_pause.h>
#include <time.h>

#include "dp/user/out.h"

enum {
	QUIET_PER_SECOND = 1000, // a millisecond
	PATIENT_US = 2000,
	MAX_EVENTS = 16,
	SPURIOUS_MAX = 200,
	LOOK_MS = 1000, // statistics get on while nothing happens
};

void nap_init(struct nap *p, uint64_t now)
{
	*p = (struct nap){.hz = rte_get_tsc_hz(), .last_burst = now, .last_packet = now};
}

static void slept(struct dp_thread *t, uint64_t *clock)
{
	uint64_t now = rte_rdtsc();
	dp_stat_add(&t->stats.naps, 1);
	dp_stat_add(&t->stats.nap_cycles, now - *clock);
	*clock = now;
}

static void disarm(struct nap *p, const struct poll_list *list)
{
	for (unsigned int i = 0; p->armed && i < list->n; i++)
		(void)netdev_rxq_arm(list->of[i]->netdev_rxq, false);
	p->armed = false;
}

static bool arm(const struct poll_list *list)
{
	for (unsigned int i = 0; i < list->n; i++) {
		if (netdev_rxq_arm(list->of[i]->netdev_rxq, true))
			continue;
		while (i-- > 0)
			(void)netdev_rxq_arm(list->of[i]->netdev_rxq, false);
		return false;
	}
	return true;
}

// Until a device or the main thread has something. The queues were looked at since they were armed.
static void wait(struct nap *p, struct dp_thread *t, uint64_t *clock)
{
	struct rte_epoll_event events[MAX_EVENTS];
	uint64_t before = *clock;
	out_flush(t); // who has time to sleep has time to send
	rcu_offline();
	(void)rte_epoll_wait(t->epoll_fd, events, MAX_EVENTS, LOOK_MS);
	rcu_online();
	dp_thread_drain_wake(t);
	slept(t, clock);
	// A device that says there is something when there is nothing would keep us awake for ever.
	if (*clock - before > p->hz / 10)
		p->spurious = 0;
	else if (++p->spurious > SPURIOUS_MAX)
		p->no_wait_until = *clock + p->hz;
}

static void nap(struct nap *p, struct dp_thread *t, unsigned int max, uint64_t *clock)
{
	uint64_t before = *clock;
	p->us = p->us < max ? p->us + 1 : max;
	// The kernel takes a while to wake us, which is part of what a packet waits.
	unsigned int us = p->us > 2 * p->overshoot_us ? p->us - p->overshoot_us : (p->us + 1) / 2;
	struct timespec time = {.tv_nsec = (long)us * 1000};
	out_flush(t);
	rcu_offline();
	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
	rcu_online();
	slept(t, clock);
	uint64_t took_us = (*clock - before) * 1000000 / p->hz,
		 over = took_us > us ? took_us - us : 0;
	if (over < p->us) // else we were not late, but had no core
		p->overshoot_us = (unsigned int)((7 * p->overshoot_us + over + 7) / 8);
}

void nap_after(struct nap *p, struct dp_thread *t, const struct poll_list *list, unsigned int most,
	       uint64_t *clock)
{
	unsigned int max = __atomic_load_n(&t->sleep_us, __ATOMIC_RELAXED);
	uint64_t quiet = p->hz / QUIET_PER_SECOND;
	if (most) {
		disarm(p, list);
		p->last_packet = *clock;
		p->spurious = 0;
	}
	if (most >= BURST / 2) {
		p->last_burst = *clock;
		p->us = 0;
	}
	if (most)
		return;
	if (!max || *clock - p->last_burst < quiet) {
		disarm(p, list);
		rte_pause();
		return;
	}
	if (list->can_wait && *clock - p->last_packet >= quiet && *clock >= p->no_wait_until) {
		if (p->armed)
			wait(p, t, clock);
		else if (arm(list))
			p->armed = true; // look once more: a packet may have come just before
		else
			p->no_wait_until = *clock + p->hz;
		return;
	}
	disarm(p, list);
	bool patient =
		list->patient && max == DP_SLEEP_DEFAULT_US && *clock - p->last_packet >= p->hz;
	nap(p, t, patient ? PATIENT_US : max, clock);
}
