/* SPDX-License-Identifier: Apache-2.0 */
// Statistics of the userspace datapath, and the text of dpif-netdev/pmd-stats-show.
#include <rte_cycles.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "dp/user/hw_offload.h"
#include "dp/user/perf_metrics.h"
#include "dp/user/user.h"

enum { STATS_WORDS = sizeof(struct dp_thread_stats) / sizeof(uint64_t) };

void dp_thread_stats_add(struct dp_thread_stats *sum, const struct dp_thread *t, bool since_clear)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *now = (const uint64_t *)&t->stats, *cleared = (const uint64_t *)&t->cleared;
	for (unsigned int i = 0; i < STATS_WORDS; i++)
		to[i] +=
			__atomic_load_n(&now[i], __ATOMIC_RELAXED) - (since_clear ? cleared[i] : 0);
}

// All that ever was, or that no polling thread did since it was last cleared.
static void add_all(const struct dp_user *dp, struct dp_thread_stats *sum,
		    bool unpolled_since_clear)
{
	dp_thread_stats_add(sum, dp->main, unpolled_since_clear);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		if (!unpolled_since_clear || dp->threads[i]->kind == DP_THREAD_EVENT)
			dp_thread_stats_add(sum, dp->threads[i], unpolled_since_clear);
	const uint64_t *departed = (const uint64_t *)&dp->departed;
	for (unsigned int i = 0; !unpolled_since_clear && i < STATS_WORDS; i++)
		((uint64_t *)sum)[i] += departed[i];
}

void dp_user_get_stats(const struct dp *base, struct dp_stats *stats)
{
	const struct dp_user *dp = (const struct dp_user *)(const void *)base;
	struct dp_thread_stats sum = {0};
	add_all(dp, &sum, false);
	*stats = (struct dp_stats){
		.n_hit = sum.cache_hits + sum.megaflow_hits,
		.n_missed = sum.misses + sum.failed_misses,
		.n_lost = sum.failed_misses,
		.n_flows = flow_table_n_flows(dp->flows),
		.n_mask_hit = sum.probes,
		.n_cache_hit = sum.cache_hits,
		.n_masks = flow_table_n_masks(dp->flows),
	};
	memcpy(stats->drops, sum.drops, sizeof(stats->drops));
}

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void format_block(struct str *s, const char *title, const struct dp_thread_stats *st)
{
	str_addf(s, "%s:\n", title);
	str_addf(s, "  packets received: %ju\n", (uintmax_t)st->received);
	str_addf(s, "  packet recirculations: %ju\n", (uintmax_t)st->recirculated);
	str_addf(s, "  avg. datapath passes per packet: %.2f\n",
		 ratio(st->received + st->recirculated, st->received));
	str_addf(s, "  phwol hits: %ju\n  mfex opt hits: 0\n  simple match hits: 0\n",
		 (uintmax_t)st->marked_hits);
	str_addf(s, "  emc hits: %ju\n", (uintmax_t)st->cache_hits);
	str_add(s, "  smc hits: 0\n");
	str_addf(s, "  megaflow hits: %ju\n", (uintmax_t)st->megaflow_hits);
	str_addf(s, "  avg. subtable lookups per megaflow hit: %.2f\n",
		 ratio(st->probes, st->megaflow_hits));
	str_addf(s, "  miss with success upcall: %ju\n", (uintmax_t)st->misses);
	str_addf(s, "  miss with failed upcall: %ju\n", (uintmax_t)st->failed_misses);
	str_addf(s, "  avg. packets per output batch: %.2f\n",
		 ratio(st->tx_packets, st->tx_batches));
}

static void format_cycles(struct str *s, const struct dp_thread_stats *st)
{
	uint64_t total = st->idle_cycles + st->busy_cycles;
	if (!total)
		return;
	str_addf(s, "  idle cycles: %ju (%.2f%%)\n", (uintmax_t)st->idle_cycles,
		 100 * ratio(st->idle_cycles, total));
	str_addf(s, "  processing cycles: %ju (%.2f%%)\n", (uintmax_t)st->busy_cycles,
		 100 * ratio(st->busy_cycles, total));
	if (!st->received)
		return;
	str_addf(s, "  avg cycles per packet: %.2f (%ju/%ju)\n", ratio(total, st->received),
		 (uintmax_t)total, (uintmax_t)st->received);
	str_addf(s, "  avg processing cycles per packet: %.2f (%ju/%ju)\n",
		 ratio(st->busy_cycles, st->received), (uintmax_t)st->busy_cycles,
		 (uintmax_t)st->received);
}

struct dp_thread *dp_user_next_poller(const struct dp_user *dp, int core,
				      const struct dp_thread *after)
{
	struct dp_thread *next = NULL;
	for (unsigned int i = 0; i < dp->n_threads; i++) {
		struct dp_thread *t = dp->threads[i];
		if (t->kind == DP_THREAD_POLL && (core < 0 || t->core == (unsigned int)core) &&
		    (!after || t->core > after->core) && (!next || t->core < next->core))
			next = t;
	}
	return next;
}

static void format_title(char title[64], const struct dp_thread *t)
{
	snprintf(title, 64, "pmd thread numa_id %u core_id %u", t->numa, t->core);
}

// "main thread" stands for all threads that do not poll.
static void format_stats(const struct dp_user *dp, int core, struct str *s)
{
	char title[64];
	for (const struct dp_thread *t = NULL; (t = dp_user_next_poller(dp, core, t));) {
		struct dp_thread_stats one = {0};
		dp_thread_stats_add(&one, t, true);
		format_title(title, t);
		format_block(s, title, &one);
		format_cycles(s, &one);
	}
	if (core >= 0)
		return;
	struct dp_thread_stats sum = {0};
	add_all(dp, &sum, true);
	format_block(s, "main thread", &sum);
}

// Of the last n windows of a thread or of one of its queues.
static uint64_t sum_windows(const struct dp_thread *t, const uint64_t *windows, unsigned int n)
{
	uint64_t sum = 0;
	unsigned int next = __atomic_load_n(&t->window_next, __ATOMIC_RELAXED);
	for (unsigned int i = 1; i <= n; i++)
		sum += __atomic_load_n(&windows[(next + POLL_WINDOWS - i) % POLL_WINDOWS],
				       __ATOMIC_RELAXED);
	return sum;
}

static void format_share(struct str *s, uint64_t part, uint64_t total)
{
	if (total)
		str_addf(s, " %2u %%\n", (unsigned int)(100 * ratio(part, total) + 0.5));
	else
		str_add(s, " NOT AVAIL\n");
}

static void format_queues(struct str *s, const struct dp_user *dp, const struct dp_thread *t,
			  unsigned int n)
{
	uint64_t total = sum_windows(t, t->window_total, n),
		 rest = sum_windows(t, t->window_busy, n);
	for (uint32_t i = 0; i < dp->ports_end; i++) {
		for (unsigned int k = 0; dp->ports[i] && k < dp->ports[i]->n_rxqs; k++) {
			const struct dp_rxq *q = &dp->ports[i]->rxqs[k];
			if (q->thread != t)
				continue;
			uint64_t part = sum_windows(t, q->window, n);
			rest -= part < rest ? part : rest;
			str_addf(s, "  port: %-16s  queue-id: %2u (%s)   pmd usage:",
				 netdev_name(dp->ports[i]->netdev), k,
				 __atomic_load_n(&q->failed, __ATOMIC_RELAXED) ? "disabled"
									       : "enabled");
			format_share(s, part, total);
		}
	}
	str_add(s, "  overhead:");
	format_share(s, rest, total);
}

static void format_rxqs(const struct dp_user *dp, const struct dp_pmd_query *query, struct str *s)
{
	char title[64];
	unsigned int n = (query->seconds + POLL_WINDOW_SECONDS - 1) / POLL_WINDOW_SECONDS;
	n = !n || n > POLL_WINDOWS ? POLL_WINDOWS : n;
	str_addf(s, "Displaying last %u seconds pmd usage %%\n", n * POLL_WINDOW_SECONDS);
	for (const struct dp_thread *t = NULL; (t = dp_user_next_poller(dp, query->core, t));) {
		format_title(title, t);
		str_addf(s, "%s:\n  isolated : %s\n", title, t->isolated ? "true" : "false");
		format_queues(s, dp, t, n);
	}
}

static void format_sleep(const struct dp_user *dp, struct str *s)
{
	char title[64];
	str_addf(s, "Default max sleep: %4u us\n", dp->settings.pmd_sleep_us);
	for (const struct dp_thread *t = NULL; (t = dp_user_next_poller(dp, -1, t));) {
		format_title(title, t);
		str_addf(s, "%s:\n  max sleep: %4u us\n", title, t->sleep_us);
	}
}

static void format_perf(const struct dp_user *dp, const struct dp_pmd_query *query, struct str *s)
{
	char title[64];
	int64_t now = clock_ms(), wall = clock_wall_ms();
	time_t seconds = (time_t)(wall / 1000);
	struct tm tm;
	for (const struct dp_thread *t = NULL; (t = dp_user_next_poller(dp, query->core, t));) {
		gmtime_r(&seconds, &tm);
		strftime(title, sizeof(title), "%H:%M:%S", &tm);
		str_addf(s, "\nTime: %s.%03d\nMeasurement duration: %.3f s\n\n", title,
			 (int)(wall % 1000), (double)(now - t->cleared_ms) / 1000);
		format_title(title, t);
		str_addf(s, "%s:\n\n", title);
		dp_thread_perf_format(t, now, rte_get_tsc_hz(), s);
		perf_metrics_format(t, !query->no_histograms, query->n_turns, query->n_ms, s);
	}
}

struct error *dp_user_pmd_format(struct dp *base, enum dp_pmd_text what,
				 const struct dp_pmd_query *query, struct str *s)
{
	const struct dp_user *dp = (const struct dp_user *)(const void *)base;
	switch (what) {
	case DP_PMD_STATS:
		format_stats(dp, query->core, s);
		break;
	case DP_PMD_PERF:
		format_perf(dp, query, s);
		break;
	case DP_PMD_RXQS:
		format_rxqs(dp, query, s);
		break;
	case DP_PMD_SLEEP:
		format_sleep(dp, s);
		break;
	case DP_PMD_OFFLOADS:
		if (!dp->settings.hw_offload)
			return error_new("hw-offload is off");
		hw_offload_format(dp->offload, s);
		break;
	}
	return NULL;
}

static void clear(struct dp_thread *t)
{
	t->cleared = (struct dp_thread_stats){0};
	struct dp_thread_stats now = {0};
	dp_thread_stats_add(&now, t, false);
	t->cleared = now;
	t->cleared_ms = clock_ms();
	perf_metrics_clear(t);
}

void dp_user_pmd_stats_clear(struct dp *base, int core)
{
	struct dp_user *dp = (struct dp_user *)(void *)base;
	if (core < 0)
		clear(dp->main);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		if (core < 0 || (dp->threads[i]->kind == DP_THREAD_POLL &&
				 dp->threads[i]->core == (unsigned int)core))
			clear(dp->threads[i]);
}

void dp_user_pmd_perf_log(struct dp *base, const struct dp_perf_log *log)
{
	struct dp_user *dp = (struct dp_user *)(void *)base;
	dp->perf_log = *log;
	for (unsigned int i = 0; i < dp->n_threads; i++)
		perf_metrics_supervise(dp->threads[i], log);
}
