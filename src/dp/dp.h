/* SPDX-License-Identifier: Apache-2.0 */
// The datapath interface: ports, megaflows, upcalls, packet execution. One table of functions,
// implementations in dp/user and dp/kernel. A datapath knows nothing of OpenFlow or OVSDB; its
// language is flow/ (struct flow as key and mask, action lists).
//
// Threads: all functions are called by the main thread, which is registered with RCU. Upcalls come
// from the datapath's own threads, also registered, and for the dummy datapath from the main
// thread.
//
// Life of a megaflow: an upcall's result installs it with a `cookie`; dp_flow_dump() shows it;
// dp_flow_del() unlinks it; after a grace period, when its counters are final, `flow_gone` gives
// the cookie back with them, in the main thread, exactly once.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/error.h"
#include "base/uuid.h"
#include "flow/dpact.h"
#include "flow/flow.h"
#include "loop/loop.h"

struct dp;
struct netdev;
struct str;
#define DP_PORT_NONE UINT32_MAX

struct dp_flow_stats {
	uint64_t packets, bytes;
	int64_t used; // of clock_ms(); 0: never
	uint16_t tcp_flags;
};

enum dp_upcall_type {
	DP_UPCALL_MISS,	  // no megaflow matched: translate, and say what to install
	DP_UPCALL_ACTION, // a userspace action: `userdata` is the action's
};

struct dp_upcall {
	enum dp_upcall_type type;
	const struct flow *key; // of the packet, in_port a datapath port
	const uint8_t *frame;	// the whole frame, contiguous
	size_t frame_len;
	const uint8_t *userdata;
	size_t userdata_len;
	bool no_megaflow; // do not install one: those that packets like this made were never used
			  // again
	int64_t now;	  // clock_ms(), as of the burst
};

// The datapath owns the memory; `actions` and `mask` arrive empty, the first with room from earlier
// use.
struct dp_upcall_result {
	struct buf actions; // executed on the packet whatever `install` says
	struct flow mask;   // bits of the key that the actions depend on
	bool install;
	void *cookie; // with install: becomes the megaflow's
};

struct dp_callbacks {
	// In the thread that got the packet. Must be quick and take no lock for long. For
	// DP_UPCALL_ACTION only `upcall` counts. 0, or negative errno: the packet is dropped and
	// counted (DP_DROP_UPCALL). The packet itself is not counted into the megaflow that it
	// makes: who answers the upcall has counted it.
	int (*upcall)(void *arg, const struct dp_upcall *, struct dp_upcall_result *);
	// Main thread: final counters of a megaflow that is gone (or was never installed because
	// another thread was first: counters are then zero). The cookie is the caller's again.
	void (*flow_gone)(void *arg, void *cookie, const struct dp_flow_stats *);
};

struct dp_flow { // what a dump shows; valid during the callback
	const struct uuid *ufid;
	const struct flow *key, *mask;
	const void *actions;
	size_t actions_len;
	struct dp_flow_stats stats; // summed over threads
	enum dp_offloaded {
		DP_OFFLOADED_NOT,
		DP_OFFLOADED_PARTIALLY, // a network card marks its packets
		DP_OFFLOADED,		// a network card does all
	} offloaded;
	void *cookie;
};

struct dp_stats {
	uint64_t n_hit, n_missed, n_lost, n_flows, n_mask_hit, n_cache_hit;
	uint32_t n_masks;
	uint64_t drops[DP_DROP_N_REASONS];
};

enum { DP_MAX_CORES = 1024, DP_SLEEP_DEFAULT_US = 100, DP_SLEEP_MAX_US = 10000 };
enum dp_rxq_assign { DP_ASSIGN_CYCLES, DP_ASSIGN_GROUP, DP_ASSIGN_ROUND_ROBIN };
struct dp_auto_lb { // when queues move to other threads by themselves
	bool on;
	unsigned int interval_minutes; // between two moves
	unsigned int load_percent;     // only while a thread is so busy
	unsigned int
		improvement_percent; // and the variance of the threads' loads gets less by so much
};
struct dp_settings {			       // of polling threads: Open_vSwitch.other_config
	uint64_t pmd_cores[DP_MAX_CORES / 64]; // pmd-cpu-mask; none: one core per NUMA node
	enum dp_rxq_assign assign;	       // pmd-rxq-assign
	bool rxq_isolate;     // pmd-rxq-isolate: cores that queues are pinned to serve no others
	bool hw_offload;      // hw-offload: cards mark the packets of megaflows
	bool perf_metrics;    // pmd-perf-metrics: each turn of a polling thread is recorded
	uint32_t tx_flush_us; // tx-flush-interval: how long packets may wait for others that go the
			      // same way
	uint32_t cache_one_in; // emc-insert-inv-prob: one packet in so many that is not found in
			       // the flow cache goes into it; 0: none
	struct dp_auto_lb auto_lb;	      // pmd-auto-lb*
	uint16_t pmd_sleep_us;		      // pmd-sleep-max: the longest nap; 0: none
	uint16_t core_sleep_us[DP_MAX_CORES]; // of one core; UINT16_MAX: as the others
};

enum { DP_METER_MAX_BANDS = 8 };
struct dp_meter_band {
	bool remark; // its packets get a higher drop precedence (those of an AF class), and go on;
		     // else they are dropped
	uint8_t prec_level; // by how much
	uint32_t rate;	    // per second
	uint32_t burst;	    // 0: as much as `rate`
};
struct dp_meter_config {
	bool packets; // `rate` and `burst` are packets; else kilobits
	unsigned int n_bands;
	struct dp_meter_band bands[DP_METER_MAX_BANDS];
};
struct dp_meter_stats {
	uint64_t packets, bytes; // that came
	struct {
		uint64_t packets, bytes; // that exceeded it
	} band[DP_METER_MAX_BANDS];
};

struct dp_port_info {
	uint32_t port;
	const char *name, *type; // borrowed until the next change of ports
	struct netdev *netdev;
};

// `type`: "netdev" (userspace), "dummy" (userspace, in the main thread), "system" (kernel: an error
// says that it does not exist here). `name`: "ovs-netdev". The datapath lives until dp_close().
struct error *dp_open(struct loop *main_loop, const char *type, const char *name,
		      const struct dp_callbacks *, void *arg, struct dp **) MUST_CHECK;
void dp_close(
	struct dp *); // all ports and flows go; flow_gone is called for each before it returns
const char *dp_type(const struct dp *);
const char *dp_name(const struct dp *);

// Takes a reference to the netdev. *port: the wanted number or DP_PORT_NONE for any; then the
// number it got.
struct error *dp_port_add(struct dp *, struct netdev *, uint32_t *port) MUST_CHECK;
int dp_port_del(struct dp *, uint32_t port); // -ENOENT
// The netdev's MTU, queues or features changed: take it out of service and in again where needed.
struct error *dp_port_reconfigure(struct dp *, uint32_t port) MUST_CHECK;
int dp_port_find(const struct dp *, const char *name, struct dp_port_info *); // -ENOENT
void dp_port_dump(const struct dp *, void (*cb)(void *arg, const struct dp_port_info *), void *arg);

// Installs or replaces (by key and mask) a megaflow by hand (dpctl/add-flow); revalidation uses
// dp_flow_modify.
struct error *dp_flow_put(struct dp *, const struct flow *key, const struct flow *mask,
			  const void *actions, size_t n, void *cookie,
			  struct uuid *ufid) MUST_CHECK;
// Gives a megaflow new actions; its mask and counters stay. -ENOENT.
int dp_flow_modify(struct dp *, const struct uuid *ufid, const void *actions, size_t n);
int dp_flow_del(struct dp *, const struct uuid *ufid); // -ENOENT; counters come through flow_gone
void dp_flow_flush(struct dp *);
// Resumable: *position starts at 0; shows at most `max` flows; false when there are no more. Flows
// may come and go between calls: one that stays is shown exactly once per round. The callback may
// delete or modify the flow it is shown.
bool dp_flow_dump(struct dp *, uint64_t *position, unsigned int max,
		  void (*cb)(void *arg, const struct dp_flow *), void *arg);

// Runs actions on a packet that comes from ofproto (packet-out, or a buffered packet). key->in_port
// is a datapath port or DP_PORT_NONE. Main thread or inside an upcall.
struct error *dp_execute(struct dp *, const struct flow *key, const void *frame, size_t n,
			 const void *actions, size_t actions_len) MUST_CHECK;

// What the hash action (struct dpact_hash) would give for a packet with these headers; 0: not
// known.
uint32_t dp_packet_hash(const struct dp *, const struct flow *, uint32_t algorithm, uint32_t basis);

// Meters of meter actions, by ids of the caller's choice. An action with a meter that does not
// exist does nothing. Setting one that exists starts it anew, with full buckets and counters of
// zero.
int dp_meter_set(struct dp *, uint32_t id,
		 const struct dp_meter_config *); // -EOPNOTSUPP: the type has no meters
int dp_meter_del(struct dp *, uint32_t id);	  // -ENOENT
int dp_meter_get(const struct dp *, uint32_t id, struct dp_meter_stats *); // -ENOENT

void dp_get_stats(const struct dp *, struct dp_stats *);
// --- Polling threads, of datapaths that have them; others ignore settings, and text is an error.

void dp_settings_init(struct dp_settings *); // the defaults
// Hexadecimal digits, with or without 0x; "50" or "50,CORE:60,...". False: malformed, and nothing
// changed but pmd_cores.
bool dp_parse_cores(const char *mask, struct dp_settings *);
bool dp_parse_sleep(const char *text, struct dp_settings *);
// "QUEUE:CORE,..."; calls cb, which may be NULL, for each pair. False: malformed, and cb was not
// called.
bool dp_parse_affinity(const char *text,
		       void (*cb)(void *arg, unsigned int queue, unsigned int core), void *arg);
unsigned int dp_n_cores(void);
bool dp_core_exists(unsigned int core); // and is online
bool dp_polls_on(const struct dp_settings *,
		 unsigned int core); // where there are queues to be polled
void dp_configure(struct dp *, const struct dp_settings *);
// "QUEUE:CORE,...": queues that are served by the polling thread of that core, if there is one.
// NULL: none. -ENOENT.
int dp_port_set_affinity(struct dp *, uint32_t port, const char *affinity);
struct dp_port_options { // Interface.other_config
	bool spread_tx; // tx-steering=hash: flows go to all transmit queues, not each thread to one
	bool no_cache;	// emc-enable=false: its packets do not go into the flow cache
};
// Which ports have packets that no megaflow matches. Calls cb for each port.
struct dp_port_misses {
	const char *name;  // borrowed during the call
	uint64_t misses;   // since it was added
	uint64_t refused;  // of them, that were dropped, as others had their turn: DP_DROP_BUDGET
	uint64_t recent;   // since somebody last asked
	int64_t recent_ms; // so long ago; 0: nobody has
};
void dp_port_misses(struct dp *, void (*cb)(void *arg, const struct dp_port_misses *), void *arg);
int dp_port_set_options(struct dp *, uint32_t port, const struct dp_port_options *); // -ENOENT
// Assigns queues to polling threads anew.
struct error *dp_pmd_rebalance(struct dp *) MUST_CHECK;
// What the log is to be told of turns of polling threads: dpif-netdev/pmd-perf-log-set. While
// pmd-perf-metrics is on.
enum { DP_PERF_LOG_AROUND_MAX = 500, DP_PERF_HISTORY = 1024 };
struct dp_perf_log {
	bool on, extend;
	unsigned int before, after; // turns that are shown with it
	uint32_t us, qlen;	    // from where on one is suspicious
};
void dp_perf_log_init(struct dp_perf_log *);		      // the defaults; off
int dp_pmd_perf_log(struct dp *, const struct dp_perf_log *); // -EOPNOTSUPP
// What dpif-netdev/pmd-*-show print.
enum dp_pmd_text { DP_PMD_STATS, DP_PMD_PERF, DP_PMD_RXQS, DP_PMD_SLEEP, DP_PMD_OFFLOADS };
struct dp_pmd_query {
	int core;	      // of that thread only; -1: of all
	unsigned int seconds; // of the load history, rounded up to what is kept; 0: all of it
	bool no_histograms;   // of DP_PMD_PERF
	unsigned int n_turns,
		n_ms; // of DP_PMD_PERF: how much of the histories, at most DP_PERF_HISTORY
};
struct error *dp_pmd_format(struct dp *, enum dp_pmd_text, const struct dp_pmd_query *,
			    struct str *) MUST_CHECK;
void dp_pmd_stats_clear(struct dp *, int core); // -1: of all threads
// Variants of the code that each packet runs through, for several instruction sets: the text of
// dpif-netdev/dpif-impl-get, subtable-lookup-info-get and miniflow-parser-get, and the choice of
// another one.
enum dp_variant_of { DP_VARIANT_IMPL, DP_VARIANT_SEARCH, DP_VARIANT_PARSER };
struct dp_variant_choice {
	const char *name;
	int core;	   // of a parser: of that polling thread; -1: all
	uint32_t priority; // of a search
};
struct error *dp_variant_format(struct dp *, enum dp_variant_of, struct str *) MUST_CHECK;
struct error *dp_variant_choose(struct dp *, enum dp_variant_of, const struct dp_variant_choice *,
				struct str *reply) MUST_CHECK;
// Appends the types that exist here, separated by NULL at the end: Open_vSwitch.datapath_types.
const char *const *dp_types(void);
// Makes the type "dummy" exist (--enable-dummy). Before the first dp_open().
void dp_enable_dummy(void);
