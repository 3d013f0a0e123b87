/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rcu.h"

#include <stdlib.h>

#include "base/alloc.h"

struct deferred {
	struct rcu_head head;
	void (*free_cb)(void *);
	void *p;
};

#ifdef RCU_TSAN
char rcu_tsan_point;
#endif

static void run(struct rcu_head *head)
{
	struct deferred *d = caa_container_of(head, struct deferred, head);
	rcu_tsan_acquire();
	d->free_cb(d->p);
	free(d);
	rcu_tsan_release();
}

void rcu_free_later(void *p, void (*free_cb)(void *))
{
	if (!p)
		return;
	struct deferred *d = XNEW(struct deferred);
	d->free_cb = free_cb;
	d->p = p;
	rcu_tsan_release();
	urcu_qsbr_call_rcu(&d->head, run);
}

void rcu_synchronize(void)
{
	rcu_tsan_release();
	urcu_qsbr_synchronize_rcu();
	rcu_tsan_acquire();
}

void rcu_barrier_all(void)
{
	rcu_tsan_release();
	urcu_qsbr_barrier();
	urcu_qsbr_barrier(); // what is freed may have given more
	rcu_tsan_acquire();
}
