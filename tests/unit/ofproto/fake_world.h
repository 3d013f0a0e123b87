/* SPDX-License-Identifier: Apache-2.0 */
// Two bridges on a fake datapath, for tests of translation. br0: ports p1 (1), p2 (2), p3 (3,
// access VLAN 10), pp (9, a patch port to br1), LOCAL; br1: qq (1, to br0), p4 (2), LOCAL. Datapath
// ports: 1, 2, 3, 100; 4, 101.
#pragma once
#include "base/str.h"
#include "fake_dp.h"
#include "loop/loop.h"
#include "ofproto/backer_internal.h"
#include "ofproto/group.h"
#include "ofproto/table.h"
#include "ofproto/xlate.h"

struct ofproto {
	uint64_t id;
	const char *name;
	struct tables tables;
	const struct option_table *options;
	struct group_table groups;
	struct mac_table *macs;
	struct xlate_bundle_config bundles[8];
	struct xlate_port_config ports[8];
	unsigned int n_ports;
	struct xlate_bridge_config config;
};

struct world {
	struct loop *loop;
	struct backers *backers;
	struct backer *backer;
	struct ofproto br0, br1;
};

struct fake_packet_in { // the last one
	unsigned int n;
	uint64_t ofproto_id;
	uint8_t reason;
	uint16_t max_len, controller_id;
};
extern struct fake_packet_in fake_packet_in;

void world_init(struct world *);
void world_done(struct world *);
void world_publish(struct world *, struct ofproto *); // after changes of ports or bundles
// "table=1,priority=5,MATCH actions=..." with defaults as in ovs-ofctl. Replaces the rule that is
// there.
void world_add_flow(struct world *, struct ofproto *, const char *text);
bool world_try_flow(struct world *, struct ofproto *,
		    const char *text);			  // false: the actions do not fit the match
void world_add_group(struct ofproto *, const char *text); // as ovs-ofctl add-group has it
void world_del_flows(struct world *, struct ofproto *);
struct rule *world_rule(const struct ofproto *, uint8_t table_id, const char *match, int priority);
struct xlate_bundle_config *world_bundle(struct ofproto *, const char *name);
void world_trace(struct world *, const struct flow *, struct str *);
// The flow in the terms of OpenFlow: "in_port=1,tcp".
void world_flow(const char *text, struct flow *);
// The key that the datapath would have for it, when it came in through br0.
void world_key(const struct world *, const char *text, struct flow *);
// Translates in br0, without side effects; the megaflow's match and actions as text, "MATCH ->
// ACTIONS".
void world_translate(struct world *, const struct flow *, struct flow *mask, struct buf *actions);
