/* SPDX-License-Identifier: Apache-2.0 */
// Event counters for `coverage/show`. COUNTER(name) at file scope makes one; counter_inc(name) may
// be called by any thread. Not for the path of a packet: those counters live in arrays that each
// thread owns.
#pragma once
#include <stdint.h>

struct counter {
	const char *name;
	uint64_t total; // relaxed atomic
	// Owned by the main thread: rates, updated by counters_tick().
	uint64_t last, tick_delta, minute[60], minute_sum;
	unsigned int tick, minute_at;
};

// The linker collects the counters of the whole program in one section: no registration, no order.
#define COUNTER(NAME)                                                                              \
	static struct counter counter_##NAME = {.name = #NAME};                                    \
	static struct counter *const counter_##NAME##_entry                                        \
		__attribute__((used, section("sluice_counters"))) = &counter_##NAME

#define counter_add(NAME, n)                                                                       \
	((void)__atomic_fetch_add(&counter_##NAME.total, (n), __ATOMIC_RELAXED))
#define counter_inc(NAME) counter_add(NAME, 1)

struct str;
// Before counters are read or averaged, cb adds what is counted elsewhere. Main thread.
void counters_watch(void (*cb)(void *arg), void *arg);
void counters_unwatch(void (*cb)(void *arg), void *arg);
// Main thread, every five seconds: updates the averages that counters_format() shows.
void counters_tick(void);
// The text of `coverage/show`: averages of the last five seconds, minute and hour, and totals.
void counters_format(struct str *);
// The total of the counter with this name; -ENOENT if there is none.
int counters_read(const char *name, uint64_t *total);
