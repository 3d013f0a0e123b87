/* SPDX-License-Identifier: Apache-2.0 */
// What a datapath type implements. The functions are those of dp.h, with the same contracts.
#pragma once
#include "dp/dp.h"

struct dp_ops {
	void (*close)(struct dp *);
	struct error *(*port_add)(struct dp *, struct netdev *, uint32_t *port);
	int (*port_del)(struct dp *, uint32_t port);
	struct error *(*port_reconfigure)(struct dp *, uint32_t port);
	int (*port_find)(const struct dp *, const char *name, struct dp_port_info *);
	void (*port_dump)(const struct dp *, void (*cb)(void *arg, const struct dp_port_info *),
			  void *arg);
	struct error *(*flow_put)(struct dp *, const struct flow *key, const struct flow *mask,
				  const void *actions, size_t n, void *cookie, struct uuid *ufid);
	int (*flow_modify)(struct dp *, const struct uuid *ufid, const void *actions, size_t n);
	int (*flow_del)(struct dp *, const struct uuid *ufid);
	void (*flow_flush)(struct dp *);
	bool (*flow_dump)(struct dp *, uint64_t *position, unsigned int max,
			  void (*cb)(void *arg, const struct dp_flow *), void *arg);
	struct error *(*execute)(struct dp *, const struct flow *key, const void *frame, size_t n,
				 const void *actions, size_t actions_len);
	uint32_t (*packet_hash)(const struct flow *, uint32_t algorithm,
				uint32_t basis); // NULL: not known
	void (*get_stats)(const struct dp *, struct dp_stats *);
	// NULL: the type has no meters.
	void (*meter_set)(struct dp *, uint32_t id, const struct dp_meter_config *);
	int (*meter_del)(struct dp *, uint32_t id);
	int (*meter_get)(const struct dp *, uint32_t id, struct dp_meter_stats *);
	// NULL: the type has no polling threads.
	void (*configure)(struct dp *, const struct dp_settings *);
	int (*port_set_affinity)(struct dp *, uint32_t port, const char *affinity);
	void (*port_misses)(struct dp *, void (*cb)(void *arg, const struct dp_port_misses *),
			    void *arg);
	int (*port_set_options)(struct dp *, uint32_t port, const struct dp_port_options *);
	struct error *(*pmd_rebalance)(struct dp *);
	struct error *(*pmd_format)(struct dp *, enum dp_pmd_text, const struct dp_pmd_query *,
				    struct str *);
	void (*pmd_perf_log)(struct dp *, const struct dp_perf_log *);
	void (*pmd_stats_clear)(struct dp *, int core);
	struct error *(*variant_format)(struct dp *, enum dp_variant_of, struct str *);
	struct error *(*variant_choose)(struct dp *, enum dp_variant_of,
					const struct dp_variant_choice *, struct str *reply);
};

struct dp { // the first member of each implementation's
	const struct dp_ops *ops;
	char *type, *name; // dp.c's
};
