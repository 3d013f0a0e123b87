/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/assign.h"

#include <stdlib.h>

#include "dp/user/user.h"

struct dp_thread *assignment_thread_on(const struct assignment *a, unsigned int core)
{
	VEC_FOREACH (&a->threads, i)
		if (a->threads.v[i]->core == core)
			return a->threads.v[i];
	return NULL;
}

uint64_t assignment_load(const struct dp_rxq *q)
{
	uint64_t sum = 0;
	for (unsigned int i = 0; i < POLL_WINDOWS; i++)
		sum += __atomic_load_n(&q->window[i], __ATOMIC_RELAXED);
	return sum;
}

void assignment_collect(struct dp_user *dp, struct assignment *a)
{
	for (uint32_t i = 0; i < dp->ports_end; i++) {
		for (unsigned int k = 0; dp->ports[i] && k < dp->ports[i]->n_rxqs; k++) {
			struct dp_rxq *q = &dp->ports[i]->rxqs[k];
			q->next_thread = NULL;
			if (q->polled)
				vec_push(&a->queues, q);
		}
	}
}

static int by_load(const void *a, const void *b)
{
	const struct dp_rxq *x = *(struct dp_rxq *const *)a, *y = *(struct dp_rxq *const *)b;
	uint64_t p = assignment_load(x), q = assignment_load(y);
	if (p != q)
		return p < q ? 1 : -1;
	if (x->port->number != y->port->number)
		return x->port->number < y->port->number ? -1 : 1;
	return x < y ? -1 : x > y;
}

static struct dp_thread *pick(const struct assignment *a, enum dp_rxq_assign how,
                              unsigned int *turn)
{
	unsigned int n = 0;
	VEC_FOREACH (&a->threads, i)
		n += !a->threads.v[i]->isolated;
	bool any = !n; // better served by one that is isolated than by none
	n = n ? n : (unsigned int)a->threads.n;
	// To and fro, so that the largest and the smallest come together.
	unsigned int at = *turn % (2 * n),
	             wanted = how == DP_ASSIGN_CYCLES && at >= n ? 2 * n - 1 - at : at % n;
	struct dp_thread *best = NULL;
	VEC_FOREACH (&a->threads, i) {
		struct dp_thread *t = a->threads.v[i];
		if (!any && t->isolated)
			continue;
		if (how == DP_ASSIGN_GROUP && (!best || t->planned < best->planned))
			best = t;
		if (how != DP_ASSIGN_GROUP && !wanted--)
			best = t;
	}
	++*turn;
	return best;
}

void assignment_plan(struct dp_user *dp, struct assignment *a)
{
	unsigned int turn = 0;
	VEC_FOREACH (&a->threads, i) {
		a->threads.v[i]->isolated = false;
		a->threads.v[i]->planned = 0;
	}
	VEC_FOREACH (&a->queues, i) {
		struct dp_rxq *q = a->queues.v[i];
		q->next_thread = q->pinned_core >= 0
		                         ? assignment_thread_on(a, (unsigned int)q->pinned_core)
		                         : NULL;
		if (q->next_thread && dp->settings.rxq_isolate)
			q->next_thread->isolated = true;
		if (q->next_thread)
			q->next_thread->planned += assignment_load(q) + 1;
	}
	if (dp->settings.assign != DP_ASSIGN_ROUND_ROBIN && a->queues.n)
		qsort(a->queues.v, a->queues.n, sizeof(a->queues.v[0]), by_load);
	VEC_FOREACH (&a->queues, i) {
		struct dp_rxq *q = a->queues.v[i];
		if (q->next_thread)
			continue;
		q->next_thread = pick(a, dp->settings.assign, &turn);
		q->next_thread->planned += assignment_load(q) + 1;
	}
}
