/* SPDX-License-Identifier: Apache-2.0 */
// The event loop, on libevent: file descriptors, timers, signals and wake-ups from other threads.
// It is the only place that waits. One loop belongs to one thread; only loop_wake() and loop_stop()
// may be called by others. A callback may add, change, remove or free anything, itself included:
// callbacks are collected first and looked up again before each is run.
//
// Timers run on base/clock, so `time/stop` and `time/warp` govern them.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_fd;
struct loop_wake;
struct loop_signal;

struct loop *loop_new(void);
// All that was added to it must be removed before.
void loop_free(struct loop *);
// The thread is registered with RCU: from now on it is offline while the loop waits, online in
// callbacks, and passes a quiescent state per iteration. No callback may keep an RCU pointer for
// the next one.
void loop_use_rcu(struct loop *);
// Runs until loop_stop().
void loop_run(struct loop *);
void loop_stop(struct loop *);
// Hangs an object of a higher layer on the loop, to be found again by `key`, the address of
// something of that layer. NULL takes it off; the loop never frees it.
void loop_attach(struct loop *, const void *key, void *object);
void *loop_find_attached(const struct loop *, const void *key); // or NULL
// One iteration; waits at most `max_wait_ms` (-1: until something happens).
void loop_run_once(struct loop *, int64_t max_wait_ms);

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_fd_cb(void *arg, int fd, int events);
// Level-triggered. The fd stays the caller's, who removes it from the loop before closing it.
struct loop_fd *loop_fd_add(struct loop *, int fd, int events, loop_fd_cb *, void *arg);
void loop_fd_set_events(struct loop_fd *, int events); // 0 pauses
void loop_fd_remove(struct loop_fd *);		       // NULL is allowed

typedef void loop_cb(void *arg);
// Embedded in its owner; zeroed memory plus loop_timer_init(). Cancel before freeing the memory.
struct loop_timer {
	struct loop *loop;
	loop_cb *cb;
	void *arg;
	int64_t deadline; // of clock_ms(); INT64_MAX when not set
	uint32_t heap_at; // place in the loop's heap, plus one; 0 when not set
};
void loop_timer_init(struct loop_timer *, struct loop *, loop_cb *, void *arg);
// Fires once, at or after `deadline` of clock_ms(). Setting again moves it.
void loop_timer_set(struct loop_timer *, int64_t deadline);
void loop_timer_set_in(struct loop_timer *, int64_t ms);
void loop_timer_cancel(struct loop_timer *);
bool loop_timer_is_set(const struct loop_timer *);

// Runs once, at the end of the current iteration (or the start of the next, if called from outside
// a callback).
struct loop_defer {
	loop_cb *cb;
	void *arg;
	struct loop *loop;
	struct loop_defer *next, **prev; // in the loop's list
};
void loop_defer(struct loop *, struct loop_defer *, loop_cb *,
		void *arg); // again while pending: no effect
void loop_defer_cancel(struct loop_defer *);

// A callback in this loop's thread that any thread can cause; several calls before it runs make
// one.
struct loop_wake *loop_wake_new(struct loop *, loop_cb *, void *arg);
void loop_wake(struct loop_wake *);
void loop_wake_free(struct loop_wake *);

typedef void loop_signal_cb(void *arg, int signal);
struct loop_signal *loop_signal_add(struct loop *, int signal, loop_signal_cb *, void *arg);
void loop_signal_remove(struct loop_signal *);

// Called after time/warp or time/stop: due timers fire in the next iteration. Loop thread.
void loop_clock_changed(struct loop *);
