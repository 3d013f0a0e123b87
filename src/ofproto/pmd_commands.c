/* SPDX-License-Identifier: Apache-2.0 */
// dpif-netdev/pmd-*: the polling threads of a datapath.
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "dp/dp.h"
#include "ofproto/backer_internal.h"

LOG_MODULE(pmd_perf);

static bool finish(struct error *e, struct str *out)
{
	if (!e)
		return true;
	str_clear(out);
	str_add(out, error_text(e));
	error_free(e);
	return false;
}

struct number_option {
	const char *name, *what;
	uint32_t max;
};

// The options that commands have in common, and the datapath. NULL: wrong, which `out` then says.
static struct backer *arguments(struct ofproto_system *system, int argc, const char *argv[],
				struct dp_pmd_query *query, struct str *out)
{
	static const struct number_option options[] = {
		{"-pmd", "the number of a core", DP_MAX_CORES - 1},
		{"-secs", "a number of seconds", UINT32_MAX},
		{"-it", "a number of iterations", UINT32_MAX},
		{"-ms", "a number of milliseconds", UINT32_MAX},
	};
	enum { N = sizeof(options) / sizeof(options[0]) };
	const char *dp = NULL;
	*query = (struct dp_pmd_query){.core = -1};
	for (int i = 1; i < argc; i++) {
		uint32_t number;
		size_t k = 0;
		while (k < N && strcmp(argv[i], options[k].name))
			k++;
		if (k == N) {
			bool nh = !strcmp(argv[i], "-nh");
			query->no_histograms |= nh;
			dp = nh ? dp : argv[i];
			continue;
		}
		if (++i == argc || parse_u32(argv[i], 10, &number) || number > options[k].max) {
			str_addf(out, "%s needs %s", options[k].name, options[k].what);
			return NULL;
		}
		query->core = k == 0 ? (int)number : query->core;
		query->seconds = k == 1 ? number : query->seconds;
		number = number < DP_PERF_HISTORY ? number : DP_PERF_HISTORY;
		query->n_turns = k == 2 ? number : query->n_turns;
		query->n_ms = k == 3 ? number : query->n_ms;
	}
	return dp_command_backer(system, dp, out);
}

static bool show(enum dp_pmd_text what, struct ofproto_system *system, int argc, const char *argv[],
		 struct str *out)
{
	struct dp_pmd_query query;
	struct backer *b = arguments(system, argc, argv, &query, out);
	return b && finish(dp_pmd_format(b->dp, what, &query, out), out);
}

bool pmd_stats_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return show(DP_PMD_STATS, system, argc, argv, out);
}

bool pmd_perf_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return show(DP_PMD_PERF, system, argc, argv, out);
}

bool pmd_rxq_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return show(DP_PMD_RXQS, system, argc, argv, out);
}

bool pmd_sleep_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return show(DP_PMD_SLEEP, system, argc, argv, out);
}

bool dpctl_offload_stats_show(struct ofproto_system *system, int argc, const char *argv[],
			      struct str *out)
{
	struct dp_pmd_query query;
	struct backer *b = arguments(system, argc, argv, &query, out);
	if (!b)
		return false;
	struct error *e = dp_pmd_format(b->dp, DP_PMD_OFFLOADS, &query, out);
	if (e)
		str_add(out, "ovs-vswitchd: retrieving offload statistics (Invalid argument)");
	bool ok = !e;
	error_free(e);
	return ok;
}

bool pmd_rxq_rebalance(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct backer *b = dp_command_backer(system, argc > 1 ? argv[1] : NULL, out);
	if (!b || !finish(dp_pmd_rebalance(b->dp), out))
		return false;
	str_add(out, "pmd rxq rebalance requested.\n");
	return true;
}

bool pmd_stats_clear(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct dp_pmd_query query;
	struct backer *b = arguments(system, argc, argv, &query, out);
	if (b)
		dp_pmd_stats_clear(b->dp, query.core);
	return b != NULL;
}

// False: no option, or without its number.
static bool perf_log_option(const char *name, const char *value, struct dp_perf_log *log)
{
	const struct {
		const char *name;
		uint32_t *to, max;
	} numbers[] = {
		{"-b", &log->before, DP_PERF_LOG_AROUND_MAX},
		{"-a", &log->after, DP_PERF_LOG_AROUND_MAX},
		{"-us", &log->us, UINT32_MAX},
		{"-q", &log->qlen, UINT32_MAX},
	};
	uint32_t number;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(name, numbers[i].name))
			continue;
		if (!value || parse_u32(value, 10, &number) || number > numbers[i].max)
			return false;
		*numbers[i].to = number;
		return true;
	}
	return false;
}

bool pmd_perf_log_set(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct backers *bs = ofproto_system_backers(system);
	struct dp_perf_log log = bs->perf_log;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "on") || !strcmp(argv[i], "off")) {
			log.on = !strcmp(argv[i], "on");
		} else if (!strcmp(argv[i], "-e") || !strcmp(argv[i], "-ne")) {
			log.extend = !strcmp(argv[i], "-e");
		} else if (perf_log_option(argv[i], i + 1 < argc ? argv[i + 1] : NULL, &log)) {
			i++;
		} else {
			str_addf(out,
				 "Usage: ovs-appctl %s [on|off] [-b before] [-a after] [-e|-ne] "
				 "[-us usec] [-q qlen]\n",
				 argv[0]);
			return false;
		}
	}
	bs->perf_log = log;
	VEC_FOREACH (&bs->v, i)
		(void)dp_pmd_perf_log(bs->v.v[i]->dp, &log);
	log_info("pmd-perf-log-set: %s, before=%u, after=%u, extend=%s, us_thr=%u, q_thr=%u",
		 log.on ? "on" : "off", log.before, log.after, log.extend ? "true" : "false",
		 log.us, log.qlen);
	return true;
}
