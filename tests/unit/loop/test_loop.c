/* SPDX-License-Identifier: Apache-2.0 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "loop/loop.h"

struct probe {
	struct loop *loop;
	struct loop_timer timer;
	struct loop_defer defer;
	int64_t fired_at;
	int count;
};

static void on_fire(void *arg)
{
	struct probe *p = arg;
	p->fired_at = clock_ms();
	p->count++;
}

static void test_timers_fire_in_order(void **state)
{
	enum { N = 200 };
	struct loop *loop = loop_new();
	static struct probe probes[N];
	int64_t start = clock_ms();
	for (int i = 0; i < N; i++) {
		probes[i] = (struct probe){.loop = loop};
		loop_timer_init(&probes[i].timer, loop, on_fire, &probes[i]);
		loop_timer_set(&probes[i].timer, start + random_below(30));
	}
	for (int i = 0; i < N; i += 3)
		loop_timer_cancel(&probes[i].timer);
	for (int i = 1; i < N; i += 3)
		loop_timer_set(&probes[i].timer, start + random_below(30));
	while (clock_ms() < start + 50)
		loop_run_once(loop, 5);
	for (int i = 0; i < N; i++)
		assert_int_equal(probes[i].count, i % 3 != 0);
	loop_free(loop);
}

static void on_again(void *arg)
{
	struct probe *p = arg;
	if (++p->count < 5)
		loop_defer(p->loop, &p->defer, on_again, p);
}

static void test_defer_runs_once_a_round(void **state)
{
	struct loop *loop = loop_new();
	struct probe a = {.loop = loop}, b = {.loop = loop};
	loop_defer(loop, &a.defer, on_again, &a);
	loop_defer(loop, &a.defer, on_again, &a);
	loop_defer(loop, &b.defer, on_again, &b);
	loop_defer_cancel(&b.defer);
	for (int i = 1; i <= 5; i++) {
		loop_run_once(loop, 0);
		assert_int_equal(a.count, i);
	}
	assert_int_equal(b.count, 0);
	loop_free(loop);
}

static void *waker(void *arg)
{
	loop_wake(arg);
	return NULL;
}

static void test_wake_from_another_thread(void **state)
{
	struct loop *loop = loop_new();
	struct probe p = {0};
	struct loop_wake *w = loop_wake_new(loop, on_fire, &p);
	pthread_t t;
	pthread_create(&t, NULL, waker, w);
	while (!p.count)
		loop_run_once(loop, 1000);
	pthread_join(t, NULL);
	loop_wake_free(w);
	loop_free(loop);
}

static struct loop_fd *self;

static void on_pipe(void *arg, int fd, int events)
{
	struct probe *p = arg;
	p->count++;
	loop_fd_remove(self); // from inside its own callback
}

static void test_fd_may_remove_itself(void **state)
{
	struct loop *loop = loop_new();
	struct probe p = {0};
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	self = loop_fd_add(loop, fds[0], LOOP_READ, on_pipe, &p);
	assert_int_equal(write(fds[1], "x", 1), 1);
	loop_run_once(loop, 100);
	loop_run_once(loop, 0);
	assert_int_equal(p.count, 1);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

static void on_signal(void *arg, int number)
{
	loop_stop(arg);
}

static void test_signal_stops_the_loop(void **state)
{
	struct loop *loop = loop_new();
	struct loop_signal *s = loop_signal_add(loop, SIGUSR1, on_signal, loop);
	raise(SIGUSR1);
	loop_run(loop);
	loop_signal_remove(s);
	loop_free(loop);
}

static void test_warp(void **state) // last: the clock stays stopped
{
	struct loop *loop = loop_new();
	struct probe p = {0};
	clock_stop();
	loop_timer_init(&p.timer, loop, on_fire, &p);
	loop_timer_set_in(&p.timer, 3600 * 1000);
	loop_run_once(loop, 10);
	assert_int_equal(p.count, 0);
	clock_warp(3600 * 1000);
	loop_clock_changed(loop);
	loop_run_once(loop, 1000);
	assert_int_equal(p.count, 1);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_fire_in_order),
		cmocka_unit_test(test_defer_runs_once_a_round),
		cmocka_unit_test(test_wake_from_another_thread),
		cmocka_unit_test(test_fd_may_remove_itself),
		cmocka_unit_test(test_signal_stops_the_loop),
		cmocka_unit_test(test_warp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
