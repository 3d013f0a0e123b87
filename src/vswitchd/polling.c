/* SPDX-License-Identifier: Apache-2.0 */
// The settings of polling threads: which there are, how they sleep, and which serves what.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "dp/dp.h"
#include "ofproto/backer.h"
#include "vswitchd/model.h"

static void check_cores(struct vswitchd *v, const char *mask, const struct dp_settings *s)
{
	struct str missing = STR_INIT;
	bool any = false;
	for (unsigned int core = 0; core < DP_MAX_CORES; core++) {
		if (!(s->pmd_cores[core / 64] >> core % 64 & 1))
			continue;
		any |= dp_core_exists(core);
		if (!dp_core_exists(core))
			str_addf(&missing, "%s%u", missing.len ? ", " : "", core);
	}
	if (missing.len || !any)
		settings_warn(v,
			      "Open_vSwitch: other_config:pmd-cpu-mask=\"%s\" %s%s%s: this host "
			      "has the cores 0 to %u%s",
			      mask,
			      missing.len ? "names cores that do not exist or are off line ("
					  : "names no core",
			      str_cstr(&missing), missing.len ? ")" : "", dp_n_cores() - 1,
			      any ? ""
				  : "; as if it was not set, there is one polling thread for each "
				    "NUMA node");
	str_done(&missing);
}

void polling_settings(struct vswitchd *v, struct dp_settings *s)
{
	const struct smap *other = &v->cfg->other_config;
	const char *mask = smap_find(other, "pmd-cpu-mask"),
		   *assign = smap_get(other, "pmd-rxq-assign", "cycles");
	const char *nap = smap_find(other, "pmd-sleep-max"), *nap_key = "pmd-sleep-max";
	dp_settings_init(s);
	if (mask && dp_parse_cores(mask, s)) // else settings_check() has warned
		check_cores(v, mask, s);
	if (!nap) {
		nap = smap_find(other, "pmd-maxsleep");
		nap_key = "pmd-maxsleep";
	}
	if (nap && !dp_parse_sleep(nap, s))
		settings_warn(v,
			      "Open_vSwitch: other_config:%s=\"%s\" is ignored: it should be "
			      "microseconds up to %d, or "
			      "\"50,CORE:60,...\"",
			      nap_key, nap, DP_SLEEP_MAX_US);
	s->assign = !strcmp(assign, "group")	    ? DP_ASSIGN_GROUP
		    : !strcmp(assign, "roundrobin") ? DP_ASSIGN_ROUND_ROBIN
						    : DP_ASSIGN_CYCLES;
	s->auto_lb = (struct dp_auto_lb){
		.on = smap_get_bool(other, "pmd-auto-lb", false),
		.interval_minutes = (unsigned int)setting_int("Open_vSwitch", other,
							      "pmd-auto-lb-rebal-interval", 1),
		.load_percent = (unsigned int)setting_int("Open_vSwitch", other,
							  "pmd-auto-lb-load-threshold", 95),
		.improvement_percent = (unsigned int)setting_int(
			"Open_vSwitch", other, "pmd-auto-lb-improvement-threshold", 25),
	};
	s->hw_offload = smap_get_bool(other, "hw-offload", false);
	s->perf_metrics = smap_get_bool(other, "pmd-perf-metrics", false);
	s->tx_flush_us = (uint32_t)setting_int("Open_vSwitch", other, "tx-flush-interval", 0);
	s->cache_one_in = (uint32_t)setting_int("Open_vSwitch", other, "emc-insert-inv-prob", 1);
	s->rxq_isolate = smap_get_bool(other, "pmd-rxq-isolate", true);
}

struct affinity_check {
	const struct iface *iface;
	const char *text;
	const struct dp_settings *settings;
	unsigned int n_rxq;
};

static void check_pin(void *check_, unsigned int queue, unsigned int core)
{
	const struct affinity_check *c = check_;
	struct vswitchd *v = c->iface->port->bridge->v;
	if (queue >= c->n_rxq)
		settings_warn(v,
			      "Interface %s: other_config:pmd-rxq-affinity=\"%s\" names queue %u: "
			      "its queues are 0 to %u",
			      c->iface->name, c->text, queue, c->n_rxq - 1);
	else if (!dp_polls_on(c->settings, core))
		settings_warn(v,
			      "Interface %s: other_config:pmd-rxq-affinity=\"%s\": there is no "
			      "polling thread on core %u for queue %u: "
			      "it should be a core of Open_vSwitch other_config:pmd-cpu-mask; "
			      "another thread serves the queue",
			      c->iface->name, c->text, core, queue);
}

static void set_options(const struct iface *i, struct dp *dp, uint32_t dp_port)
{
	const struct smap *other = i->row ? &i->row->other_config : NULL;
	struct dp_port_options o = {
		.spread_tx = other && !strcmp(smap_get(other, "tx-steering", "thread"), "hash"),
		.no_cache = other && !smap_get_bool(other, "emc-enable", true),
	};
	if (o.spread_tx && netdev_n_txq(i->netdev) == 1)
		settings_warn(i->port->bridge->v,
			      "Interface %s: other_config:tx-steering=hash has no effect: the "
			      "device has one transmit queue",
			      i->name);
	(void)dp_port_set_options(dp, dp_port, &o);
}

// Warns of what is not right. False: it is no affinity at all.
static bool check_affinity(const struct iface *i, const char *affinity)
{
	struct vswitchd *v = i->port->bridge->v;
	struct dp_settings settings;
	dp_settings_init(&settings);
	const char *mask = smap_find(&v->cfg->other_config, "pmd-cpu-mask");
	if (mask)
		(void)dp_parse_cores(mask, &settings);
	struct affinity_check check = {i, affinity, &settings, netdev_n_rxq(i->netdev)};
	bool good = dp_parse_affinity(affinity, check_pin, &check);
	if (!good)
		settings_warn(v,
			      "Interface %s: other_config:pmd-rxq-affinity=\"%s\" is ignored: it "
			      "should be pairs of a receive queue "
			      "and a core, like \"0:1,1:3\"",
			      i->name, affinity);
	return good;
}

void polling_set_port(const struct iface *i)
{
	const struct bridge *b = i->port->bridge;
	const struct backer *backer = backers_find(ofproto_system_backers(b->v->system),
						   ofproto_datapath_type(b->ofproto));
	const char *affinity = i->row ? smap_find(&i->row->other_config, "pmd-rxq-affinity") : NULL;
	struct ofproto_port_info info;
	if (!backer || ofproto_find_port(b->ofproto, i->ofp_port, &info) ||
	    info.dp_port == DP_PORT_NONE)
		return;
	set_options(i, backer_dp(backer), info.dp_port);
	if (affinity && !check_affinity(i, affinity))
		affinity = NULL;
	(void)dp_port_set_affinity(backer_dp(backer), info.dp_port, affinity);
}
