/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/drops.h"

#include "base/counter.h"
#include "dp/user/user.h"

// Names that monitoring of stock switches knows, where there is one.
COUNTER(drop_action_of_pipeline);
COUNTER(drop_action_translation);
COUNTER(datapath_drop_invalid_port);
COUNTER(datapath_drop_tx);
COUNTER(datapath_drop_upcall_error);
COUNTER(datapath_drop_upcall_budget);
COUNTER(datapath_drop_mtu);
COUNTER(datapath_drop_rx_invalid_packet);
COUNTER(datapath_drop_recirc_error);
COUNTER(datapath_drop_meter);
COUNTER(datapath_drop_no_buffer);
COUNTER(datapath_drop_nsh_decap_error);

static struct counter *const counters[DP_DROP_N_REASONS] = {
	[DP_DROP_NO_ACTIONS] = &counter_drop_action_of_pipeline,
	[DP_DROP_TRANSLATION] = &counter_drop_action_translation,
	[DP_DROP_NO_PORT] = &counter_datapath_drop_invalid_port,
	[DP_DROP_TX] = &counter_datapath_drop_tx,
	[DP_DROP_UPCALL] = &counter_datapath_drop_upcall_error,
	[DP_DROP_BUDGET] = &counter_datapath_drop_upcall_budget,
	[DP_DROP_MTU] = &counter_datapath_drop_mtu,
	[DP_DROP_MALFORMED] = &counter_datapath_drop_rx_invalid_packet,
	[DP_DROP_RECIRC] = &counter_datapath_drop_recirc_error,
	[DP_DROP_METER] = &counter_datapath_drop_meter,
	[DP_DROP_DECAP] = &counter_datapath_drop_nsh_decap_error,
	[DP_DROP_NO_BUFFER] = &counter_datapath_drop_no_buffer,
};

static void add_up(void *arg)
{
	struct dp_user *dp = arg;
	struct dp_stats now;
	dp_user_get_stats(&dp->base, &now);
	for (unsigned int i = 0; i < DP_DROP_N_REASONS; i++) {
		__atomic_fetch_add(&counters[i]->total, now.drops[i] - dp->drops_shown[i],
				   __ATOMIC_RELAXED);
		dp->drops_shown[i] = now.drops[i];
	}
}

void drops_watch(struct dp_user *dp)
{
	counters_watch(add_up, dp);
}

void drops_unwatch(struct dp_user *dp)
{
	add_up(dp);
	counters_unwatch(add_up, dp);
}
