/* SPDX-License-Identifier: Apache-2.0 */
// The text of dpif-netdev/pmd-perf-show.
#include "base/str.h"
#include "dp/user/user.h"

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static double per(uint64_t amount, uint64_t n)
{
	return n ? (double)amount / (double)n : 0;
}

static void format_hits(const struct dp_thread_stats *st, uint64_t passes, double us, struct str *s)
{
	static const char *const others[] = {
		"PHWOL hits:     ", "MFEX Opt hits:  ", "Simple Match hits:"};
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t n = i ? 0 : st->marked_hits;
		str_addf(s, "  - %s %*ju  (%5.1f %%)\n", others[i], i < 2 ? 13 : 12, (uintmax_t)n,
			 percent(n, passes));
	}
	str_addf(s, "  - EMC hits:       %14ju  (%5.1f %%)\n", (uintmax_t)st->cache_hits,
		 percent(st->cache_hits, passes));
	str_addf(s, "  - SMC hits:       %14ju  (%5.1f %%)\n", (uintmax_t)0, 0.0);
	str_addf(s, "  - Megaflow hits:  %14ju  (%5.1f %%, %.2f subtbl lookups/hit)\n",
		 (uintmax_t)st->megaflow_hits, percent(st->megaflow_hits, passes),
		 per(st->probes, st->megaflow_hits));
	str_addf(s, "  - Upcalls:        %14ju  (%5.1f %%, %.1f us/upcall)\n",
		 (uintmax_t)st->misses, percent(st->misses, passes), us);
	str_addf(s, "  - Lost upcalls:   %14ju  (%5.1f %%)\n", (uintmax_t)st->failed_misses,
		 percent(st->failed_misses, passes));
}

static void format_packets(const struct dp_thread_stats *st, double seconds, uint64_t hz,
			   struct str *s)
{
	if (!st->received) {
		str_addf(s, "  Rx packets:       %14d\n", 0);
	} else {
		uint64_t passes = st->received + st->recirculated,
			 upcalls = st->misses + st->failed_misses;
		str_addf(s, "  Rx packets:       %14ju  (%.0f Kpps, %.0f cycles/pkt)\n",
			 (uintmax_t)st->received, (double)st->received / seconds / 1000,
			 per(st->busy_cycles, st->received));
		str_addf(s, "  Datapath passes:  %14ju  (%.2f passes/pkt)\n", (uintmax_t)passes,
			 per(passes, st->received));
		format_hits(st, passes, per(st->upcall_cycles, upcalls) * 1000000 / (double)hz, s);
	}
	str_addf(s, "  Tx packets:       %14ju", (uintmax_t)st->tx_packets);
	if (st->tx_packets)
		str_addf(s, "  (%.0f Kpps)\n  Tx batches:       %14ju  (%.2f pkts/batch)",
			 (double)st->tx_packets / seconds / 1000, (uintmax_t)st->tx_batches,
			 per(st->tx_packets, st->tx_batches));
	str_add(s, st->tx_packets ? "\n" : "\n\n");
}

void dp_thread_perf_format(const struct dp_thread *t, int64_t now_ms, uint64_t hz, struct str *s)
{
	struct dp_thread_stats st = {0};
	dp_thread_stats_add(&st, t, true);
	double seconds = now_ms > t->cleared_ms ? (double)(now_ms - t->cleared_ms) / 1000 : 0.001;
	uint64_t used = st.busy_cycles + st.idle_cycles;
	str_addf(s, "  Iterations:       %14ju  (%.2f us/it)\n", (uintmax_t)st.turns,
		 st.turns ? seconds * 1000000 / (double)st.turns : 0);
	str_addf(s, "  - Used TSC cycles:%14ju  (%5.1f %% of total cycles)\n", (uintmax_t)used,
		 100.0 * (double)used / ((double)hz * seconds));
	str_addf(s, "  - idle iterations:%14ju  (%5.1f %% of used cycles)\n",
		 (uintmax_t)(st.turns - st.busy_turns), percent(st.idle_cycles, used));
	str_addf(s, "  - busy iterations:%14ju  (%5.1f %% of used cycles)\n",
		 (uintmax_t)st.busy_turns, percent(st.busy_cycles, used));
	str_addf(s, "  - sleep iterations:%13ju  (%5.1f %% of iterations)\n", (uintmax_t)st.naps,
		 percent(st.naps, st.turns));
	uint64_t slept_us = (uint64_t)((double)st.nap_cycles * 1000000 / (double)hz);
	str_addf(s, "  Sleep time (us):  %14ju  (%.0f us/iteration avg.)\n", (uintmax_t)slept_us,
		 per(slept_us, st.naps));
	format_packets(&st, seconds, hz, s);
}
