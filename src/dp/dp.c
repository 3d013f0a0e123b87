/* SPDX-License-Identifier: Apache-2.0 */
// Datapath types and the dispatch to them.
#include "dp/dp.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dp/dp_ops.h"
#include "dp/user/user.h"

struct type {
	const char *name;
	struct error *(*open)(struct loop *, const struct dp_callbacks *, void *arg, bool in_main,
			      struct dp **);
	bool in_main; // no threads
};

static struct error *open_system(struct loop *loop, const struct dp_callbacks *callbacks, void *arg,
				 bool in_main, struct dp **dp)
{
	return error_errno(EOPNOTSUPP,
			   "the kernel datapath is not available: this build does not have it");
}

static const struct type types[] = {
	{"netdev", dp_user_open, false},
	{"dummy", dp_user_open, true},
	{"system", open_system, false},
};

// Set by --enable-dummy, once, before any datapath is opened.
static atomic_bool dummy_enabled;

void dp_enable_dummy(void)
{
	dummy_enabled = true;
}

const char *const *dp_types(void)
{
	static const char *const without[] = {"netdev", NULL}, *const with[] = {"dummy", "netdev",
										NULL};
	return dummy_enabled ? with : without;
}

struct error *dp_open(struct loop *main_loop, const char *type, const char *name,
		      const struct dp_callbacks *callbacks, void *arg, struct dp **dp)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i].name, type) || (types[i].in_main && !dummy_enabled))
			continue;
		struct error *e = types[i].open(main_loop, callbacks, arg, types[i].in_main, dp);
		if (e)
			return e;
		(*dp)->type = xstrdup(type);
		(*dp)->name = xstrdup(name);
		return NULL;
	}
	return error_errno(EAFNOSUPPORT, "datapath type %s is not known", type);
}

void dp_close(struct dp *dp)
{
	if (!dp)
		return;
	free(dp->type);
	free(dp->name);
	dp->ops->close(dp);
}

const char *dp_type(const struct dp *dp)
{
	return dp->type;
}

const char *dp_name(const struct dp *dp)
{
	return dp->name;
}

struct error *dp_port_add(struct dp *dp, struct netdev *netdev, uint32_t *port)
{
	return dp->ops->port_add(dp, netdev, port);
}

int dp_port_del(struct dp *dp, uint32_t port)
{
	return dp->ops->port_del(dp, port);
}

struct error *dp_port_reconfigure(struct dp *dp, uint32_t port)
{
	return dp->ops->port_reconfigure(dp, port);
}

int dp_port_find(const struct dp *dp, const char *name, struct dp_port_info *info)
{
	return dp->ops->port_find(dp, name, info);
}

void dp_port_dump(const struct dp *dp, void (*cb)(void *arg, const struct dp_port_info *),
		  void *arg)
{
	dp->ops->port_dump(dp, cb, arg);
}

struct error *dp_flow_put(struct dp *dp, const struct flow *key, const struct flow *mask,
			  const void *actions, size_t n, void *cookie, struct uuid *ufid)
{
	return dp->ops->flow_put(dp, key, mask, actions, n, cookie, ufid);
}

int dp_flow_modify(struct dp *dp, const struct uuid *ufid, const void *actions, size_t n)
{
	return dp->ops->flow_modify(dp, ufid, actions, n);
}

int dp_flow_del(struct dp *dp, const struct uuid *ufid)
{
	return dp->ops->flow_del(dp, ufid);
}

void dp_flow_flush(struct dp *dp)
{
	dp->ops->flow_flush(dp);
}

bool dp_flow_dump(struct dp *dp, uint64_t *position, unsigned int max,
		  void (*cb)(void *arg, const struct dp_flow *), void *arg)
{
	return dp->ops->flow_dump(dp, position, max, cb, arg);
}

struct error *dp_execute(struct dp *dp, const struct flow *key, const void *frame, size_t n,
			 const void *actions, size_t actions_len)
{
	return dp->ops->execute(dp, key, frame, n, actions, actions_len);
}

uint32_t dp_packet_hash(const struct dp *dp, const struct flow *flow, uint32_t algorithm,
			uint32_t basis)
{
	return dp->ops->packet_hash ? dp->ops->packet_hash(flow, algorithm, basis) : 0;
}

int dp_meter_set(struct dp *dp, uint32_t id, const struct dp_meter_config *config)
{
	if (!dp->ops->meter_set)
		return -EOPNOTSUPP;
	dp->ops->meter_set(dp, id, config);
	return 0;
}

int dp_meter_del(struct dp *dp, uint32_t id)
{
	return dp->ops->meter_del ? dp->ops->meter_del(dp, id) : -ENOENT;
}

int dp_meter_get(const struct dp *dp, uint32_t id, struct dp_meter_stats *stats)
{
	return dp->ops->meter_get ? dp->ops->meter_get(dp, id, stats) : -ENOENT;
}

void dp_get_stats(const struct dp *dp, struct dp_stats *stats)
{
	dp->ops->get_stats(dp, stats);
}

static struct error *no_threads(const struct dp *dp)
{
	return error_new("datapath %s has no threads of its own", dp->name);
}

struct error *dp_pmd_format(struct dp *dp, enum dp_pmd_text what, const struct dp_pmd_query *query,
			    struct str *s)
{
	return dp->ops->pmd_format ? dp->ops->pmd_format(dp, what, query, s) : no_threads(dp);
}

struct error *dp_pmd_rebalance(struct dp *dp)
{
	return dp->ops->pmd_rebalance ? dp->ops->pmd_rebalance(dp) : no_threads(dp);
}

void dp_configure(struct dp *dp, const struct dp_settings *settings)
{
	if (dp->ops->configure)
		dp->ops->configure(dp, settings);
}

int dp_port_set_affinity(struct dp *dp, uint32_t port, const char *affinity)
{
	return dp->ops->port_set_affinity ? dp->ops->port_set_affinity(dp, port, affinity) : 0;
}

void dp_port_misses(struct dp *dp, void (*cb)(void *arg, const struct dp_port_misses *), void *arg)
{
	if (dp->ops->port_misses)
		dp->ops->port_misses(dp, cb, arg);
}

int dp_port_set_options(struct dp *dp, uint32_t port, const struct dp_port_options *options)
{
	return dp->ops->port_set_options ? dp->ops->port_set_options(dp, port, options) : 0;
}

void dp_perf_log_init(struct dp_perf_log *log)
{
	*log = (struct dp_perf_log){.before = 5, .after = 5, .us = 250, .qlen = 128};
}

int dp_pmd_perf_log(struct dp *dp, const struct dp_perf_log *log)
{
	if (!dp->ops->pmd_perf_log)
		return -EOPNOTSUPP;
	dp->ops->pmd_perf_log(dp, log);
	return 0;
}

void dp_pmd_stats_clear(struct dp *dp, int core)
{
	if (dp->ops->pmd_stats_clear)
		dp->ops->pmd_stats_clear(dp, core);
}

struct error *dp_variant_format(struct dp *dp, enum dp_variant_of what, struct str *s)
{
	return dp->ops->variant_format ? dp->ops->variant_format(dp, what, s) : no_threads(dp);
}

struct error *dp_variant_choose(struct dp *dp, enum dp_variant_of what,
				const struct dp_variant_choice *choice, struct str *reply)
{
	return dp->ops->variant_choose ? dp->ops->variant_choose(dp, what, choice, reply)
				       : no_threads(dp);
}
