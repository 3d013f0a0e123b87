/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

// While stopped, `frozen` holds the time; otherwise `offset` is added to the real one.
static atomic_bool stopped;
static _Atomic int64_t frozen, offset;

uint64_t clock_real_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int64_t clock_real_ms(void)
{
	return (int64_t)(clock_real_ns() / 1000000);
}

int64_t clock_ms(void)
{
	return atomic_load_explicit(&stopped, memory_order_relaxed)
		       ? atomic_load_explicit(&frozen, memory_order_relaxed)
		       : clock_real_ms() + atomic_load_explicit(&offset, memory_order_relaxed);
}

int64_t clock_wall_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + clock_ms() - clock_real_ms();
}

void clock_stop(void)
{
	if (atomic_load(&stopped))
		return;
	atomic_store(&frozen, clock_ms());
	atomic_store(&stopped, true);
}

bool clock_stopped(void)
{
	return atomic_load(&stopped);
}

void clock_warp(int64_t ms)
{
	if (atomic_load(&stopped))
		atomic_fetch_add(&frozen, ms);
	else
		atomic_fetch_add(&offset, ms);
}
