/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"

const struct ofproto_command backer_commands[] = {
	{"dpctl/del-flows", "[dp]", 0, 1, dpctl_del_flows},
	{"dpctl/dump-dps", "", 0, 0, dpctl_dump_dps},
	{"dpctl/dump-flows", "[-m] [--names] [dp] [filter=..] [type=..] [pmd=..]", 0, 6, dpctl_dump_flows},
	{"dpctl/show", "[-s] [dp...]", 0, -1, dpctl_show},
	{"dpif-netdev/pmd-perf-show", "[-nh] [-it iter-history-len] [-ms ms-history-len] [-pmd core] [dp]", 0, 8, pmd_perf_show},
	{"dpif-netdev/pmd-rxq-rebalance", "[dp]", 0, 1, pmd_rxq_rebalance},
	{"dpif-netdev/pmd-rxq-show", "[-pmd core] [-secs secs] [dp]", 0, 5, pmd_rxq_show},
	{"dpif-netdev/pmd-sleep-show", "[dp]", 0, 1, pmd_sleep_show},
	{"dpif-netdev/pmd-stats-clear", "[-pmd core] [dp]", 0, 3, pmd_stats_clear},
	{"dpif-netdev/pmd-stats-show", "[-pmd core] [dp]", 0, 3, pmd_stats_show},
	{"dpif/dump-dps", "", 0, 0, dpif_dump_dps},
	{"dpif/dump-flows", "[-m] [--names | --no-names] bridge", 1, 3, dpif_dump_flows},
	{"dpif/show", "", 0, 0, dpif_show},
	{"fdb/add", "bridge port vlan mac", 4, 4, fdb_add},
	{"fdb/del", "bridge vlan mac", 3, 3, fdb_del},
	{"fdb/flush", "[bridge]", 0, 1, fdb_flush},
	{"fdb/show", "bridge", 1, 1, fdb_show},
	{"fdb/stats-clear", "[bridge]", 0, 1, fdb_stats_clear},
	{"fdb/stats-show", "bridge", 1, 1, fdb_stats_show},
	{"ofproto/trace", "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]", 1, -1, trace_command},
	{"ofproto/trace-packet-out",
	 "[-consistent] {[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet] actions", 2, -1,
	 trace_packet_out_command},
	{"revalidator/purge", "", 0, 0, revalidator_purge_command},
	{"revalidator/wait", "", 0, 0, revalidator_wait},
	{"upcall/set-flow-limit", "flow-limit-number", 1, 1, upcall_set_flow_limit},
	{"upcall/show", "", 0, 0, upcall_show},
	{NULL, NULL, 0, 0, NULL},
};
