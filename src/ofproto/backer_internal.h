/* SPDX-License-Identifier: Apache-2.0 */
// What a backer is made of, for the files that make it up: backer.c, upcall.c, revalidate.c,
// *_commands.c, and for translation the pointer to the snapshot.
#pragma once
#include "base/rcu.h"
#include "base/vec.h"
#include "flow/match.h"
#include "ofproto/backer.h"
#include "ofproto/dp_features.h"
#include "ofproto/megaflow.h"
#include "ofproto/recirc.h"
#include "ofproto/xlate_snapshot.h"

struct patch_entry {
	uint64_t bridge;
	uint32_t ofp_port;
	struct patch_counters *counters;
};

struct by_hand { // a port that dpctl/add-if made
	char *name;
	VEC(struct netdev_option) options; // sorted; owned
};

struct revalidator { // main's
	struct loop_timer timer, mac_timer;
	struct loop_wake *wake;
	uint64_t position;	   // of the dump
	bool under_way;		   // a round
	uint64_t round_generation; // generation when the round began
	uint64_t settled;	   // every megaflow is at least of this generation
	int64_t round_start, round_end, last_push, mac_run;
	uint64_t quick_after_ns; // of clock_real_ns(): until then barriers do not wait for a round
	struct buf actions;	 // scratch
	unsigned int n_seen;	 // in this round
	// Statistics.
	unsigned int n_flows, max_flows, avg_flows_x16;
	int64_t duration_ms;
};

struct backer {
	// Immutable.
	struct backers *backers;
	char *type;
	struct dp *dp;
	struct megaflow_bases *bases;
	struct recirc_table *recircs;
	// Read by any thread under RCU; written by main.
	struct xlate_snapshot *snapshot;
	// Any thread (atomic).
	uint64_t generation;
	unsigned int n_megaflows;
	uint32_t *n_of_port; // megaflows by the low 16 bits of their in_port
	struct dp_features features;
	// Main.
	unsigned int users;
	bool closing;	     // the datapath goes, with all its megaflows
	uint32_t last_meter; // number given last to a meter in the datapath
	VEC(struct patch_entry) patches;
	bool is_by_hand;	       // dpctl/add-dp made it: no bridge is on it
	VEC(struct by_hand *) by_hand; // ports of no bridge
	struct revalidator reval;
};

// Counts a megaflow that comes (1) or goes (-1); how many there were.
static inline unsigned int backer_count_megaflow(struct backer *b, uint16_t in_port, int n)
{
	__atomic_fetch_add(&b->n_of_port[in_port], (uint32_t)n, __ATOMIC_RELAXED);
	return __atomic_fetch_add(&b->n_megaflows, (unsigned int)n, __ATOMIC_RELAXED);
}

static inline unsigned int backer_n_megaflows(const struct backer *b) // any thread
{
	return __atomic_load_n(&b->n_megaflows, __ATOMIC_RELAXED);
}

struct backers {
	struct ofproto_system *system;
	struct loop *loop;
	bool megaflows_disabled; // any thread (relaxed)
	struct dp_perf_log perf_log;
	bool ufids_disabled; // upcall/show says so, and that is all: see upcall_commands.c
	struct backer_settings settings; // its flow_limit is read by any thread (relaxed)
	VEC(struct backer *) v;
};

static inline const struct xlate_snapshot *backer_snapshot(const struct backer *b)
{
	return rcu_get(&((struct backer *)(uintptr_t)b)->snapshot);
}

// backer.c. A datapath that no bridge will use; backer_close() ends it.
struct error *backer_open_by_hand(struct backers *, const char *type, const char *name,
				  struct backer **) MUST_CHECK;
void by_hand_free(struct by_hand *);

// upcall.c: the datapath's callbacks. arg: the backer.
int upcall_handle(void *backer, const struct dp_upcall *, struct dp_upcall_result *);
// Replaces the actions of packets that must be seen one by one, where that can be metered. False:
// there is nothing to replace.
bool upcall_use_slow_path(struct buf *actions, const struct xlate_out *);
// Appends to `actions` what an empty list means: a drop with its reason.
// Counts and logs, at a limited rate, that a translation failed.
void upcall_count_error(const struct xlate_out *, uint32_t dp_port);
void upcall_finish_actions(const struct backer *, struct buf *actions, const struct xlate_out *);

// revalidate.c. Main.
void revalidator_init(struct backer *);
void revalidator_done(struct backer *);
// A change of rules, MACs or configuration: look at the megaflows soon. Any thread.
void revalidator_kick(struct backer *);
// A full round now: counters pushed, everything revalidated.
void revalidator_run_all(struct backer *);
void revalidator_purge(struct backer *); // deletes all megaflows
// Somebody will delete this flow by hand, or all of them: for the counters.
void revalidator_gone_by_hand(const struct dp_flow *);
void revalidator_all_gone_by_hand(struct backer *);
void revalidator_flow_gone(void *backer, void *cookie, const struct dp_flow_stats *);

// The commands, by file. argv[0] is the name; true: `out` is the reply, false: the error's text.
bool trace_command(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool trace_packet_out_command(struct ofproto_system *, int argc, const char *argv[],
			      struct str *out);
bool fdb_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool fdb_stats_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool fdb_stats_clear(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool fdb_flush(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool fdb_add(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool fdb_del(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool mdb_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool mdb_flush(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpif_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpif_dump_dps(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpif_dump_flows(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_dump_dps(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_dump_flows(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpif_show_dp_features(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpif_set_dp_features(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_cache_get_size(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_offload_stats_show(struct ofproto_system *, int argc, const char *argv[],
			      struct str *out);
bool qos_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool qos_show_types(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool ofproto_list_tunnels(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_add_dp(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_del_dp(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_add_if(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_set_if(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_del_if(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpif_dummy_change_port_number(struct ofproto_system *, int argc, const char *argv[],
				   struct str *out);
bool dpctl_cache_set_size(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool stp_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool stp_tcn(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool rstp_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool rstp_tcn(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool upcall_disable_ufid(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool upcall_enable_ufid(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_get_flow(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_add_flow(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_mod_flow(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_del_flow(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_add_flows(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_mod_flows(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_normalize_actions(struct ofproto_system *, int argc, const char *argv[],
			     struct str *out);
bool dpctl_parse_actions(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpctl_list_commands(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool upcall_disable_megaflows(struct ofproto_system *, int argc, const char *argv[],
			      struct str *out);
bool upcall_enable_megaflows(struct ofproto_system *, int argc, const char *argv[],
			     struct str *out);
bool dpctl_del_flows(struct ofproto_system *, int argc, const char *argv[], struct str *out);
// The datapath of that name, "ovs-netdev" or "netdev@ovs-netdev"; without a name the only one.
// NULL: there is none, which `out` then says.
struct backer *dp_command_backer(struct ofproto_system *, const char *name, struct str *out);
bool pmd_perf_log_set(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool pmd_perf_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpif_impl_get(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool dpif_impl_set(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool miniflow_parser_get(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool miniflow_parser_set(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool subtable_lookup_info_get(struct ofproto_system *, int argc, const char *argv[],
			      struct str *out);
bool subtable_lookup_prio_set(struct ofproto_system *, int argc, const char *argv[],
			      struct str *out);
bool pmd_rxq_rebalance(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool pmd_rxq_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool pmd_sleep_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool pmd_stats_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool pmd_stats_clear(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool upcall_show(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool upcall_set_flow_limit(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool revalidator_wait(struct ofproto_system *, int argc, const char *argv[], struct str *out);
bool revalidator_purge_command(struct ofproto_system *, int argc, const char *argv[],
			       struct str *out);

// trace_command.c: a packet's flow as text, "in_port=1,tcp,nw_src=10.0.0.1": a match without
// partial masks.
struct error *trace_parse_flow(const char *text, ofp_port_number_cb *, void *arg,
			       const struct option_table *, struct match *) MUST_CHECK;

bool dp_command_is_flag(const char *arg, const char *short_name, const char *long_name);
// dp_flow_dump.c: a line of a dump without its end. `more` adds what is not matched on and the
// rules that made it; `terse`: as dpif/dump-flows has it.
void dp_flow_format_stats(struct str *,
			  const struct dp_flow_stats *); // "packets:1, bytes:60, used:0.5s"
void dp_flow_format(struct str *, const struct backer *, const struct dp_flow *, bool more,
		    bool names, bool terse);

// dp_commands.c: names of datapath ports for text. arg: the struct dp.
const char *dp_text_port_name(void *dp, uint32_t port);
int dp_text_port_number(void *dp, const char *name, uint32_t *port);
// "controller(reason=1,...)" of our userspace actions.
bool xlate_userdata_format(void *arg, const void *userdata, size_t n, struct str *);
