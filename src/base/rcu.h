/* SPDX-License-Identifier: Apache-2.0 */
// RCU for the switch: liburcu's QSBR flavour, where readers cost nothing and each registered thread
// promises to pass through a quiescent state often. A thread registers once, calls rcu_quiescent()
// between units of work (a burst, a loop iteration), and goes offline around anything that blocks.
// What other threads can see dies in three steps: unlink, grace period, free.
//
//	rcu_assign(&table->rules, new);		publish a complete object
//	p = rcu_get(&table->rules);		read it, valid until this thread's next
//rcu_quiescent()
//	rcu_free_later(old, old_free);		after unlinking: freed by the reclaimer thread after
//a grace period
#pragma once
#include <stddef.h>
#include <urcu/urcu-qsbr.h>

#define rcu_get(pp)	      __atomic_load_n(pp, __ATOMIC_CONSUME)
#define rcu_assign(pp, value) __atomic_store_n(pp, value, __ATOMIC_RELEASE)

// liburcu is not built with ThreadSanitizer, which would otherwise not see that a grace period
// orders things.
#if defined(__SANITIZE_THREAD__)
#define RCU_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_TSAN 1
#endif
#endif
#ifdef RCU_TSAN
#include <sanitizer/tsan_interface.h>
extern char rcu_tsan_point;
#define rcu_tsan_release() __tsan_release(&rcu_tsan_point) // what this thread did
#define rcu_tsan_acquire() __tsan_acquire(&rcu_tsan_point) // is seen by this one
#else
#define rcu_tsan_release() ((void)0)
#define rcu_tsan_acquire() ((void)0)
#endif

static inline void rcu_register(void)
{
	urcu_qsbr_register_thread();
}

static inline void rcu_unregister(void)
{
	rcu_tsan_release();
	urcu_qsbr_unregister_thread();
}

static inline void rcu_quiescent(void)
{
	rcu_tsan_release();
	urcu_qsbr_quiescent_state();
}

// Around a call that may sleep: while offline the thread must not hold any pointer got by
// rcu_get().
static inline void rcu_offline(void)
{
	rcu_tsan_release();
	urcu_qsbr_thread_offline();
}

static inline void rcu_online(void)
{
	urcu_qsbr_thread_online();
}

// Calls free_cb(p) after all threads that could see `p` have passed a quiescent state. From any
// registered thread; free_cb runs in liburcu's reclaimer thread and must not block for long. May
// not be called before daemonizing (it starts that thread).
void rcu_free_later(void *p, void (*free_cb)(void *));
// Waits for a grace period in the calling thread, which must not hold RCU pointers.
void rcu_synchronize(void);
// Waits until all that was given to rcu_free_later() is freed: before exit, so that leak checkers
// see a clean end.
void rcu_barrier_all(void);
