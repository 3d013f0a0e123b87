/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rcu.h"

#include <stdlib.h>

#include "base/alloc.h"

struct deferred {
	struct rcu_head head;
	void (*free_cb)(void *);
	void *p;
};

static void run(struct rcu_head *head)
{
	struct deferred *d = caa_container_of(head, struct deferred, head);
	d->free_cb(d->p);
	free(d);
}

void rcu_free_later(void *p, void (*free_cb)(void *))
{
	if (!p)
		return;
	struct deferred *d = XNEW(struct deferred);
	d->free_cb = free_cb;
	d->p = p;
	urcu_qsbr_call_rcu(&d->head, run);
}

void rcu_synchronize(void)
{
	urcu_qsbr_synchronize_rcu();
}

void rcu_barrier_all(void)
{
	urcu_qsbr_barrier();
}
