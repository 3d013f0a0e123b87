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

// Which threads a queue may go to.
struct choice {
	bool any;	// also those that are isolated: better one of them than none
	bool near_only; // of the NUMA node `numa`
	unsigned int numa;
};

static bool is_eligible(const struct dp_thread *t, const struct choice *c)
{
	return (c->any || !t->isolated) && (!c->near_only || t->numa == c->numa);
}

static unsigned int count(const struct assignment *a, const struct choice *c)
{
	unsigned int n = 0;
	VEC_FOREACH (&a->threads, i)
		n += is_eligible(a->threads.v[i], c);
	return n;
}

// Memory of another node is far: a thread beside the device is taken, if there is one.
static struct choice choose(const struct assignment *a, const struct dp_rxq *q)
{
	struct choice c = {.near_only = q->numa >= 0, .numa = (unsigned int)q->numa};
	if (c.near_only && !count(a, &c))
		c.near_only = false;
	c.any = !count(a, &c);
	return c;
}

enum { NODES = 64 };
struct turns { // of the nodes; the first is of queues that may go anywhere
	unsigned int of[NODES + 1];
};

static struct dp_thread *pick(const struct assignment *a, const struct dp_rxq *q,
			      enum dp_rxq_assign how, struct turns *turns)
{
	struct choice c = choose(a, q);
	unsigned int *turn = &turns->of[c.near_only && c.numa < NODES ? c.numa + 1 : 0];
	unsigned int n = count(a, &c);
	// To and fro, so that the largest and the smallest come together.
	unsigned int at = *turn % (2 * n),
		     wanted = how == DP_ASSIGN_CYCLES && at >= n ? 2 * n - 1 - at : at % n;
	struct dp_thread *best = NULL;
	VEC_FOREACH (&a->threads, i) {
		struct dp_thread *t = a->threads.v[i];
		if (!is_eligible(t, &c))
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
	struct turns turns = {{0}};
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
		q->next_thread = pick(a, q, dp->settings.assign, &turns);
		q->next_thread->planned += assignment_load(q) + 1;
	}
}
