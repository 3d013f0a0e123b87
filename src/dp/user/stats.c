/* SPDX-License-Identifier: Apache-2.0 */
// Statistics of the userspace datapath, and the text of dpif-netdev/pmd-stats-show.
#include "base/str.h"
#include "dp/user/user.h"

enum { STATS_WORDS = sizeof(struct dp_thread_stats) / sizeof(uint64_t) };

static void add_stats(struct dp_thread_stats *sum, const struct dp_thread *t, bool since_clear)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *now = (const uint64_t *)&t->stats, *cleared = (const uint64_t *)&t->cleared;
	for (unsigned int i = 0; i < STATS_WORDS; i++)
		to[i] += __atomic_load_n(&now[i], __ATOMIC_RELAXED) - (since_clear ? cleared[i] : 0);
}

static void add_all(const struct dp_user *dp, struct dp_thread_stats *sum, bool since_clear)
{
	add_stats(sum, dp->main, since_clear);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		add_stats(sum, dp->threads[i], since_clear);
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
	str_addf(s, "  avg. datapath passes per packet: %.2f\n", ratio(st->received + st->recirculated, st->received));
	str_add(s, "  phwol hits: 0\n  mfex opt hits: 0\n  simple match hits: 0\n");
	str_addf(s, "  emc hits: %ju\n", (uintmax_t)st->cache_hits);
	str_add(s, "  smc hits: 0\n");
	str_addf(s, "  megaflow hits: %ju\n", (uintmax_t)st->megaflow_hits);
	str_addf(s, "  avg. subtable lookups per megaflow hit: %.2f\n", ratio(st->probes, st->megaflow_hits));
	str_addf(s, "  miss with success upcall: %ju\n", (uintmax_t)st->misses);
	str_addf(s, "  miss with failed upcall: %ju\n", (uintmax_t)st->failed_misses);
	str_addf(s, "  avg. packets per output batch: %.2f\n", ratio(st->tx_packets, st->tx_batches));
}

// "main thread" stands for all threads that do not poll.
struct error *dp_user_pmd_stats_format(struct dp *base, struct str *s)
{
	const struct dp_user *dp = (const struct dp_user *)(const void *)base;
	struct dp_thread_stats sum = {0};
	add_all(dp, &sum, true);
	format_block(s, "main thread", &sum);
	return NULL;
}

static void clear(struct dp_thread *t)
{
	t->cleared = (struct dp_thread_stats){0};
	struct dp_thread_stats now = {0};
	add_stats(&now, t, false);
	t->cleared = now;
}

void dp_user_pmd_stats_clear(struct dp *base)
{
	struct dp_user *dp = (struct dp_user *)(void *)base;
	clear(dp->main);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		clear(dp->threads[i]);
}
