/* SPDX-License-Identifier: Apache-2.0 */
#include "base/counter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"

COUNTER(coverage_show);

extern struct counter *const __start_sluice_counters[], *const __stop_sluice_counters[];

enum { TICKS_PER_MINUTE = 12, MAX_SOURCES = 8 };

// As with the counters themselves there is one of these per process.
static struct {
	void (*cb)(void *arg);
	void *arg;
} sources[MAX_SOURCES];

void counters_watch(void (*cb)(void *arg), void *arg)
{
	for (size_t i = 0; i < MAX_SOURCES; i++) {
		if (sources[i].cb)
			continue;
		sources[i].cb = cb;
		sources[i].arg = arg;
		return;
	}
	abort();
}

void counters_unwatch(void (*cb)(void *arg), void *arg)
{
	for (size_t i = 0; i < MAX_SOURCES; i++)
		if (sources[i].cb == cb && sources[i].arg == arg)
			sources[i].cb = NULL;
}

static void ask_sources(void)
{
	for (size_t i = 0; i < MAX_SOURCES; i++)
		if (sources[i].cb)
			sources[i].cb(sources[i].arg);
}

// Each tick is five seconds. `minute[]` holds the sums of the last 60 minutes, `minute_sum` gathers
// the current one.
void counters_tick(void)
{
	ask_sources();
	for (struct counter *const *c = __start_sluice_counters; c < __stop_sluice_counters; c++) {
		uint64_t total = __atomic_load_n(&(*c)->total, __ATOMIC_RELAXED);
		uint64_t delta = total - (*c)->last;
		(*c)->last = total;
		(*c)->tick_delta = delta;
		(*c)->minute_sum += delta;
		if (++(*c)->tick == TICKS_PER_MINUTE) {
			(*c)->minute[(*c)->minute_at++ % 60] = (*c)->minute_sum;
			(*c)->minute_sum = 0;
			(*c)->tick = 0;
		}
	}
}

static int by_name(const void *a, const void *b)
{
	const struct counter *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

void counters_format(struct str *s)
{
	counter_inc(coverage_show);
	ask_sources();
	size_t n = (size_t)(__stop_sluice_counters - __start_sluice_counters), zero = 0;
	struct counter **sorted = xmalloc(n * sizeof(*sorted));
	memcpy(sorted, __start_sluice_counters, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_name);
	uint64_t hash = 0;
	for (size_t i = 0; i < n; i++)
		if (__atomic_load_n(&sorted[i]->total, __ATOMIC_RELAXED))
			hash = hash_string(sorted[i]->name, hash);
	str_addf(s,
		 "Event coverage, avg rate over last: 5 seconds, last minute, last hour,  "
		 "hash=%08x:\n",
		 (uint32_t)hash);
	for (size_t i = 0; i < n; i++) {
		const struct counter *c = sorted[i];
		uint64_t total = __atomic_load_n(&c->total, __ATOMIC_RELAXED), hour = 0;
		if (!total) {
			zero++;
			continue;
		}
		for (int k = 0; k < 60; k++)
			hour += c->minute[k];
		uint64_t minute = c->minute_at ? c->minute[(c->minute_at - 1) % 60] : c->minute_sum;
		str_addf(s, "%-24s %5.1f/sec %9.3f/sec %13.4f/sec   total: %llu\n", c->name,
			 (double)c->tick_delta / 5, (double)minute / 60,
			 (double)(hour + c->minute_sum) / 3600, (unsigned long long)total);
	}
	str_addf(s, "%zu events never hit\n", zero);
	free(sorted);
}

int counters_read(const char *name, uint64_t *total)
{
	ask_sources();
	for (struct counter *const *c = __start_sluice_counters; c < __stop_sluice_counters; c++)
		if (!strcmp((*c)->name, name)) {
			*total = __atomic_load_n(&(*c)->total, __ATOMIC_RELAXED);
			return 0;
		}
	return -ENOENT;
}
