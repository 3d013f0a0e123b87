/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rcu.h"
#include "base/vec.h"
#include "loop/libevent.h"

// libevent waits for descriptors; timers are ours, in a binary heap by deadline, because they run
// on a clock that can be warped.
//
// libevent itself allows its events to be freed from inside callbacks, its own included, so
// descriptors, signals and wake-ups need no deferral of ours. Timers are taken off the heap before
// they fire, and the heap is looked at anew after each.
struct attached {
	const void *key;
	void *object;
};

struct loop {
	struct event_base *base;
	struct loop_timer **heap;
	uint32_t n_timers, heap_cap;
	struct loop_defer *deferred;	   // first of the list
	struct loop_defer **deferred_tail; // where the next goes
	struct loop_defer *running;	   // those of this round
	bool stopped;			   // relaxed atomic: loop_stop() may come from elsewhere
	struct loop_wake *stop_wake;
	struct event *timeout; // ends a wait
	VEC(struct attached) attached;
	bool uses_rcu, offline;
};

struct loop_fd {
	struct loop *loop;
	struct event *event;
	int fd, events;
	loop_fd_cb *cb;
	void *arg;
};

struct loop_wake {
	struct loop_fd *fd;
	loop_cb *cb;
	void *arg;
};

struct loop_signal {
	struct loop *loop;
	struct event *event;
	loop_signal_cb *cb;
	void *arg;
};

static void on_stop(void *arg)
{
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

void loop_enter(struct loop *loop)
{
	if (loop->offline) {
		loop->offline = false;
		rcu_online();
	}
}

struct loop *loop_new(void)
{
	struct loop *loop = XNEW(struct loop);
	struct event_config *config = event_config_new();
	// Deadlines are ours and in milliseconds: the coarse clock is enough for libevent's own.
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	loop->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!loop->base)
		abort();
	loop->timeout = evtimer_new(loop->base, on_timeout, NULL);
	loop->deferred_tail = &loop->deferred;
	loop->stop_wake = loop_wake_new(loop, on_stop, NULL);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop_wake_free(loop->stop_wake);
	assert(!loop->n_timers);
	free(loop->heap);
	vec_done(&loop->attached);
	event_free(loop->timeout);
	event_base_free(loop->base);
	free(loop);
}

void loop_use_rcu(struct loop *loop)
{
	loop->uses_rcu = true;
}

void loop_attach(struct loop *loop, const void *key, void *object)
{
	VEC_FOREACH (&loop->attached, i)
		if (loop->attached.v[i].key == key) {
			loop->attached.v[i].object = object;
			return;
		}
	vec_push(&loop->attached, ((struct attached){key, object}));
}

void *loop_find_attached(const struct loop *loop, const void *key)
{
	VEC_FOREACH (&loop->attached, i)
		if (loop->attached.v[i].key == key)
			return loop->attached.v[i].object;
	return NULL;
}

// --- Timers

static void heap_place(struct loop *loop, struct loop_timer *t, uint32_t at)
{
	loop->heap[at - 1] = t;
	t->heap_at = at;
}

static void heap_up(struct loop *loop, uint32_t at)
{
	struct loop_timer *t = loop->heap[at - 1];
	while (at > 1 && loop->heap[at / 2 - 1]->deadline > t->deadline) {
		heap_place(loop, loop->heap[at / 2 - 1], at);
		at /= 2;
	}
	heap_place(loop, t, at);
}

static void heap_down(struct loop *loop, uint32_t at)
{
	struct loop_timer *t = loop->heap[at - 1];
	for (;;) {
		uint32_t child = 2 * at;
		if (child > loop->n_timers)
			break;
		if (child < loop->n_timers &&
		    loop->heap[child]->deadline < loop->heap[child - 1]->deadline)
			child++;
		if (loop->heap[child - 1]->deadline >= t->deadline)
			break;
		heap_place(loop, loop->heap[child - 1], at);
		at = child;
	}
	heap_place(loop, t, at);
}

void loop_timer_init(struct loop_timer *t, struct loop *loop, loop_cb *cb, void *arg)
{
	*t = (struct loop_timer){.loop = loop, .cb = cb, .arg = arg, .deadline = INT64_MAX};
}

void loop_timer_cancel(struct loop_timer *t)
{
	if (!t->heap_at)
		return;
	struct loop *loop = t->loop;
	uint32_t at = t->heap_at;
	struct loop_timer *last = loop->heap[--loop->n_timers];
	t->heap_at = 0;
	t->deadline = INT64_MAX;
	if (last == t)
		return;
	heap_place(loop, last, at);
	heap_up(loop, at);
	heap_down(loop, last->heap_at);
}

void loop_timer_set(struct loop_timer *t, int64_t deadline)
{
	struct loop *loop = t->loop;
	if (t->heap_at && t->deadline == deadline)
		return;
	loop_timer_cancel(t);
	if (loop->n_timers == loop->heap_cap) {
		loop->heap_cap = loop->heap_cap ? 2 * loop->heap_cap : 16;
		loop->heap = xrealloc(loop->heap, loop->heap_cap * sizeof(*loop->heap));
	}
	t->deadline = deadline;
	loop->n_timers++;
	heap_place(loop, t, loop->n_timers);
	heap_up(loop, loop->n_timers);
}

void loop_timer_set_in(struct loop_timer *t, int64_t ms)
{
	loop_timer_set(t, clock_ms() + ms);
}

bool loop_timer_is_set(const struct loop_timer *t)
{
	return t->heap_at != 0;
}

// Fires the timers that were due when this began: one that sets itself again for now waits for the
// next iteration.
static void run_timers(struct loop *loop)
{
	int64_t now = clock_ms();
	uint32_t budget = loop->n_timers;
	while (budget-- && loop->n_timers && loop->heap[0]->deadline <= now) {
		struct loop_timer *t = loop->heap[0];
		loop_timer_cancel(t);
		t->cb(t->arg);
	}
}

// --- Deferred calls

void loop_defer(struct loop *loop, struct loop_defer *d, loop_cb *cb, void *arg)
{
	if (d->prev)
		return;
	*d = (struct loop_defer){.loop = loop, .cb = cb, .arg = arg, .prev = loop->deferred_tail};
	*loop->deferred_tail = d;
	loop->deferred_tail = &d->next;
}

static void defer_unlink(struct loop_defer *d)
{
	*d->prev = d->next;
	if (d->next)
		d->next->prev = d->prev;
	else if (d->loop->deferred_tail == &d->next)
		d->loop->deferred_tail = d->prev;
	d->prev = NULL;
	d->next = NULL;
}

void loop_defer_cancel(struct loop_defer *d)
{
	if (d->prev)
		defer_unlink(d);
}

static void run_deferred(struct loop *loop)
{
	if (!loop->deferred)
		return;
	// What is deferred from now on belongs to the next round.
	loop->running = loop->deferred;
	loop->running->prev = &loop->running;
	loop->deferred = NULL;
	loop->deferred_tail = &loop->deferred;
	while (loop->running) {
		struct loop_defer *d = loop->running;
		defer_unlink(d);
		d->cb(d->arg);
	}
}

// --- Iterations

static int64_t wait_limit(const struct loop *loop, int64_t limit)
{
	if (loop->deferred || __atomic_load_n(&loop->stopped, __ATOMIC_RELAXED))
		return 0;
	if (!loop->n_timers)
		return limit;
	int64_t until = loop->heap[0]->deadline - clock_ms();
	if (until <= 0)
		return 0;
	// A stopped clock never gets there by itself.
	if (clock_stopped())
		return limit;
	return limit < 0 || until < limit ? until : limit;
}

void loop_run_once(struct loop *loop, int64_t max_wait_ms)
{
	int64_t wait = wait_limit(loop, max_wait_ms);
	if (wait > 0) {
		struct timeval tv = {.tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000};
		evtimer_add(loop->timeout, &tv);
	}
	if (loop->uses_rcu) {
		loop->offline = true;
		rcu_offline();
	}
	event_base_loop(loop->base, wait ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
	loop_enter(loop);
	run_timers(loop);
	run_deferred(loop);
}

void loop_run(struct loop *loop)
{
	__atomic_store_n(&loop->stopped, false, __ATOMIC_RELAXED);
	while (!__atomic_load_n(&loop->stopped, __ATOMIC_RELAXED))
		loop_run_once(loop, -1);
}

void loop_stop(struct loop *loop)
{
	__atomic_store_n(&loop->stopped, true, __ATOMIC_RELAXED);
	loop_wake(loop->stop_wake);
}

void loop_clock_changed(struct loop *loop)
{
	loop_wake(loop->stop_wake);
}

// --- Descriptors

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
	struct loop_fd *f = arg;
	loop_enter(f->loop);
	f->cb(f->arg, fd, (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0));
}

static void fd_assign(struct loop_fd *f)
{
	if (f->event)
		event_free(f->event);
	f->event = NULL;
	if (!f->events)
		return;
	short what = EV_PERSIST;
	what |= f->events & LOOP_READ ? EV_READ : 0;
	what |= f->events & LOOP_WRITE ? EV_WRITE : 0;
	f->event = event_new(f->loop->base, f->fd, what, on_fd, f);
	if (!f->event || event_add(f->event, NULL))
		abort();
}

struct loop_fd *loop_fd_add(struct loop *loop, int fd, int events, loop_fd_cb *cb, void *arg)
{
	struct loop_fd *f = XNEW(struct loop_fd);
	*f = (struct loop_fd){.loop = loop, .fd = fd, .events = events, .cb = cb, .arg = arg};
	fd_assign(f);
	return f;
}

void loop_fd_set_events(struct loop_fd *f, int events)
{
	if (f->events == events)
		return;
	f->events = events;
	fd_assign(f);
}

void loop_fd_remove(struct loop_fd *f)
{
	if (!f)
		return;
	f->events = 0;
	fd_assign(f);
	free(f);
}

// --- Wake-ups from other threads

static void on_wake(void *arg, int fd, int events)
{
	struct loop_wake *w = arg;
	eventfd_t n;
	(void)eventfd_read(fd, &n);
	w->cb(w->arg);
}

struct loop_wake *loop_wake_new(struct loop *loop, loop_cb *cb, void *arg)
{
	struct loop_wake *w = XNEW(struct loop_wake);
	w->cb = cb;
	w->arg = arg;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		abort();
	w->fd = loop_fd_add(loop, fd, LOOP_READ, on_wake, w);
	return w;
}

void loop_wake(struct loop_wake *w)
{
	(void)eventfd_write(w->fd->fd, 1);
}

void loop_wake_free(struct loop_wake *w)
{
	if (!w)
		return;
	int fd = w->fd->fd;
	loop_fd_remove(w->fd);
	close(fd);
	free(w);
}

// --- Signals

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct loop_signal *s = arg;
	loop_enter(s->loop);
	s->cb(s->arg, number);
}

struct loop_signal *loop_signal_add(struct loop *loop, int number, loop_signal_cb *cb, void *arg)
{
	struct loop_signal *s = XNEW(struct loop_signal);
	*s = (struct loop_signal){.loop = loop, .cb = cb, .arg = arg};
	s->event = evsignal_new(loop->base, number, on_signal, s);
	if (!s->event || event_add(s->event, NULL))
		abort();
	return s;
}

void loop_signal_remove(struct loop_signal *s)
{
	if (!s)
		return;
	event_free(s->event);
	free(s);
}
