/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/user.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "dp/user/balance.h"
#include "dp/user/burst.h"
#include "dp/user/drops.h"
#include "dp/user/encap.h"
#include "dp/user/hw_offload.h"
#include "dp/user/packet_hash.h"
#include "dp/user/packet.h"
#include "dp/user/perf_metrics.h"
#include "dp/user/program.h"

static struct dp_user *user(const struct dp *dp)
{
	return (struct dp_user *)(uintptr_t)dp;
}

int dp_user_upcall(struct dp_user *dp, const struct dp_upcall *up, struct dp_upcall_result *result)
{
	return dp->callbacks->upcall(dp->arg, up, result);
}

// --- Life.

static void wake_flows(void *arg) // any thread
{
	struct dp_user *dp = arg;
	loop_wake(dp->flows_wake);
}

static void flow_gone(void *arg, void *cookie, const struct dp_flow_stats *stats)
{
	struct dp_user *dp = arg;
	dp->callbacks->flow_gone(dp->arg, cookie, stats);
}

static void reap(void *arg)
{
	struct dp_user *dp = arg;
	flow_table_reap(dp->flows);
}

static void queue_failed(void *arg)
{
	struct dp_user *dp = arg;
	if (!loop_timer_is_set(&dp->failed_timer))
		loop_timer_set_in(&dp->failed_timer, 1000);
}

static void report_perf(void *arg)
{
	perf_metrics_report(arg);
}

static void retry(void *arg)
{
	dp_user_retry_queues(arg);
}

static void user_close(struct dp *base)
{
	struct dp_user *dp = user(base);
	for (uint32_t i = 0; i < dp->ports_end; i++)
		if (dp->ports[i])
			(void)dp_user_port_del(base, i);
	drops_unwatch(dp);
	while (dp->n_threads)
		dp_user_remove_thread(dp, dp->n_threads - 1);
	vec_done(&dp->spare_counters);
	hw_offload_free(dp->offload);
	loop_timer_cancel(&dp->failed_timer);
	loop_defer_cancel(&dp->poll_due);
	loop_timer_cancel(&dp->balance.timer);
	flow_table_free(dp->flows);
	dp_thread_free(dp->main);
	meter_table_free(dp->meters);
	loop_wake_free(dp->flows_wake);
	loop_wake_free(dp->failed_wake);
	loop_wake_free(dp->perf_wake);
	free(dp->ports);
	free(dp);
}

// --- Flows.

static struct error *flow_put(struct dp *base, const struct flow *key, const struct flow *mask,
			      const void *actions, size_t n, void *cookie, struct uuid *ufid)
{
	struct dp_user *dp = user(base);
	struct dp_key k, m;
	struct megaflow *f;
	if (flow_has_tunnel(key) || key->tunnel.id || key->tunnel.options)
		return error_errno(EOPNOTSUPP, "the userspace datapath has no tunnels yet");
	key_from_flow(&k, key);
	mask_from_flow(&m, k.meta.layout, mask);
	struct flow_new new = {
		.key = &k,
		.mask = &m,
		.full_layout = k.meta.layout,
		.actions = actions,
		.actions_len = n,
		.cookie = cookie,
		.replace = true,
	};
	hw_offload_flush(dp->offload); // one of its rules may forward what has other actions now
	struct error *e = flow_table_put(dp->flows, &new, &f);
	if (!e && ufid)
		*ufid = megaflow_ufid(dp->flows, f);
	return e;
}

static int flow_modify(struct dp *base, const struct uuid *ufid, const void *actions, size_t n)
{
	struct dp_user *dp = user(base);
	struct megaflow *f = flow_table_find(dp->flows, ufid);
	if (!f)
		return -ENOENT;
	hw_offload_flow_changes(dp->offload, f);
	struct error *e = flow_table_modify(dp->flows, f, actions, n);
	int code = error_code(e);
	bool bad = e;
	error_free(e);
	return bad ? (code ? -code : -EINVAL) : 0;
}

static int flow_del(struct dp *base, const struct uuid *ufid)
{
	struct dp_user *dp = user(base);
	struct megaflow *f = flow_table_find(dp->flows, ufid);
	if (!f)
		return -ENOENT;
	hw_offload_flow_changes(dp->offload, f);
	flow_table_remove(dp->flows, f);
	return 0;
}

static void flow_flush(struct dp *base)
{
	hw_offload_flush(user(base)->offload);
	flow_table_flush(user(base)->flows);
}

static void show(struct dp_user *dp, const struct megaflow *f,
		 void (*cb)(void *arg, const struct dp_flow *), void *arg)
{
	struct dp_key key;
	struct flow flow, mask;
	struct uuid ufid = megaflow_ufid(dp->flows, f);
	megaflow_key(f, &key);
	key_to_flow(&key, &f->subtable->mask, f->full_layout, &flow, &mask);
	const struct program *p = f->program;
	struct dp_flow shown = {
		.ufid = &ufid,
		.key = &flow,
		.mask = &mask,
		.actions = p->actions,
		.actions_len = p->actions_len,
		.cookie = f->cookie,
	};
	flow_table_get_stats(dp->flows, f, &shown.stats);
	shown.offloaded = hw_offload_of(dp->offload, f);
	cb(arg, &shown);
}

static bool flow_dump(struct dp *base, uint64_t *position, unsigned int max,
		      void (*cb)(void *arg, const struct dp_flow *), void *arg)
{
	struct dp_user *dp = user(base);
	for (unsigned int i = 0; i < max; i++) {
		struct megaflow *f = flow_table_next(dp->flows, position);
		if (!f)
			return false;
		show(dp, f, cb, arg);
	}
	return true;
}

// --- Packets from above.

static struct dp_thread *current_thread(struct dp_user *dp)
{
	struct dp_thread *t = dp_thread_self();
	return t && t->dp == dp ? t : dp->main;
}

static struct error *execute(struct dp *base, const struct flow *key, const void *frame, size_t n,
			     const void *actions, size_t actions_len)
{
	struct dp_user *dp = user(base);
	struct dp_thread *t = current_thread(dp);
	struct error *e = program_check(actions, actions_len);
	if (e)
		return e;
	if (n < ETH_HDR_BYTES && !flow_is_bare(key))
		return error_errno(EINVAL, "a packet of %zu bytes is no Ethernet frame", n);
	struct rte_mbuf *m = mbuf_from_bytes(frame, n);
	if (m && flow_is_bare(key) && !encap_blank(m, flow_ethertype_of(key->packet_type))) {
		rte_pktmbuf_free(m);
		m = NULL;
	}
	if (!m)
		return error_errno(ENOBUFS, "no room for a packet of %zu bytes", n);
	struct mbuf_meta *meta = mbuf_meta(m);
	meta->in_port = key->in_port;
	meta->recirc_id = key->recirc_id;
	meta->dp_hash = key->dp_hash;
	meta->skb_priority = key->skb_priority;
	meta->pkt_mark = key->pkt_mark;
	bool nested = t->busy;
	t->busy = true;
	if (!nested)
		dp_thread_look_at_clock(t);
	program_interpret(t, m, actions, actions_len);
	if (!nested) {
		burst_finish(t);
		t->busy = false;
	}
	return NULL;
}

// --- Meters.

static void user_meter_set(struct dp *dp, uint32_t id, const struct dp_meter_config *config)
{
	meter_set(user(dp)->meters, id, config);
}

static int user_meter_del(struct dp *dp, uint32_t id)
{
	return meter_del(user(dp)->meters, id);
}

static int user_meter_get(const struct dp *dp, uint32_t id, struct dp_meter_stats *stats)
{
	return meter_get(user(dp)->meters, id, stats);
}

static const struct dp_ops ops = {
	.close = user_close,
	.port_add = dp_user_port_add,
	.port_del = dp_user_port_del,
	.port_reconfigure = dp_user_port_reconfigure,
	.port_find = dp_user_port_find,
	.port_dump = dp_user_port_dump,
	.flow_put = flow_put,
	.flow_modify = flow_modify,
	.flow_del = flow_del,
	.flow_flush = flow_flush,
	.flow_dump = flow_dump,
	.execute = execute,
	.packet_hash = packet_hash_flow,
	.get_stats = dp_user_get_stats,
	.meter_set = user_meter_set,
	.meter_del = user_meter_del,
	.meter_get = user_meter_get,
	.configure = dp_user_configure,
	.port_set_affinity = dp_user_port_set_affinity,
	.port_misses = dp_user_port_misses,
	.port_set_options = dp_user_port_set_options,
	.pmd_rebalance = dp_user_pmd_rebalance,
	.pmd_format = dp_user_pmd_format,
	.pmd_perf_log = dp_user_pmd_perf_log,
	.pmd_stats_clear = dp_user_pmd_stats_clear,
	.variant_format = dp_user_variant_format,
	.variant_choose = dp_user_variant_choose,
};

struct error *dp_user_open(struct loop *loop, const struct dp_callbacks *callbacks, void *arg,
			   bool in_main, struct dp **out)
{
	struct error *e = mbuf_env_start();
	if (e)
		return e;
	struct dp_user *dp = XNEW(struct dp_user);
	dp->base.ops = &ops;
	dp->loop = loop;
	dp->callbacks = callbacks;
	dp->arg = arg;
	dp->in_main = in_main;
	dp_settings_init(&dp->settings);
	dp->flows_wake = loop_wake_new(loop, reap, dp);
	dp->failed_wake = loop_wake_new(loop, queue_failed, dp);
	dp->perf_wake = loop_wake_new(loop, report_perf, dp);
	dp_perf_log_init(&dp->perf_log);
	balance_init(dp);
	dp->offload = hw_offload_new(dp);
	loop_timer_init(&dp->failed_timer, loop, retry, dp);
	dp->ports = xcalloc(DP_MAX_PORTS, sizeof(*dp->ports));
	dp->flows = flow_table_new(wake_flows, flow_gone, dp);
	variant_priorities_init(dp);
	dp->meters = meter_table_new();
	dp->main = dp_thread_new(dp, DP_THREAD_MAIN, 0);
	drops_watch(dp);
	*out = &dp->base;
	return NULL;
}
