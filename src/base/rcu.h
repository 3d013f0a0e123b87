/* SPDX-License-Identifier: Apache-2.0 */
// RCU for the switch: liburcu's QSBR flavour, where readers cost nothing and each registered thread promises to pass through a
// quiescent state often. A thread registers once, calls rcu_quiescent() between units of work (a burst, a loop iteration), and
// goes offline around anything that blocks. What other threads can see dies in three steps: unlink, grace period, free.
//
//	rcu_assign(&table->rules, new);		publish a complete object
//	p = rcu_get(&table->rules);		read it, valid until this thread's next rcu_quiescent()
//	rcu_free_later(old, old_free);		after unlinking: freed by the reclaimer thread after a grace period
#pragma once
#include <stddef.h>
#include <urcu/urcu-qsbr.h>

#define rcu_get(pp) __atomic_load_n(pp, __ATOMIC_CONSUME)
#define rcu_assign(pp, value) __atomic_store_n(pp, value, __ATOMIC_RELEASE)

static inline void rcu_register(void)
{
	urcu_qsbr_register_thread();
}

static inline void rcu_unregister(void)
{
	urcu_qsbr_unregister_thread();
}

static inline void rcu_quiescent(void)
{
	urcu_qsbr_quiescent_state();
}

// Around a call that may sleep: while offline the thread must not hold any pointer got by rcu_get().
static inline void rcu_offline(void)
{
	urcu_qsbr_thread_offline();
}

static inline void rcu_online(void)
{
	urcu_qsbr_thread_online();
}

// Calls free_cb(p) after all threads that could see `p` have passed a quiescent state. From any registered thread; free_cb runs
// in liburcu's reclaimer thread and must not block for long. May not be called before daemonizing (it starts that thread).
void rcu_free_later(void *p, void (*free_cb)(void *));
// Waits for a grace period in the calling thread, which must not hold RCU pointers.
void rcu_synchronize(void);
// Waits until all that was given to rcu_free_later() is freed: before exit, so that leak checkers see a clean end.
void rcu_barrier_all(void);
