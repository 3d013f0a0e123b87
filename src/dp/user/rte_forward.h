/* SPDX-License-Identifier: Apache-2.0 */
// A megaflow that a card carries out by itself (full offload): its actions as those of rte_flow.
// Together with a pattern that matches what the megaflow does and nothing else: rte_rule_of_flow()
// with `exact`.
#pragma once
#include <rte_flow.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RTE_FORWARD_ACTIONS = 20 };

struct rte_forward { // refers to itself: not to be copied
	struct rte_flow_attr attr;
	struct rte_flow_action actions[RTE_FORWARD_ACTIONS];
	unsigned int n;
	bool forwards;	   // to out_port; else packets are dropped
	uint32_t out_port; // of the datapath
	union {
		struct rte_flow_action_count count;
		struct rte_flow_action_set_mac mac;
		struct rte_flow_action_set_ipv4 ipv4;
		struct rte_flow_action_set_ipv6 ipv6;
		struct rte_flow_action_set_ttl ttl;
		struct rte_flow_action_set_dscp dscp;
		struct rte_flow_action_set_tp tp;
		struct rte_flow_action_of_push_vlan push_vlan;
		struct rte_flow_action_of_set_vlan_vid vid;
		struct rte_flow_action_of_set_vlan_pcp pcp;
		struct rte_flow_action_ethdev ethdev;
		struct rte_flow_action_port_id port_id;
	} conf[RTE_FORWARD_ACTIONS];
};

// `actions`: dpact.h's. `device_of`: the number under which rte_flow knows the device of a datapath
// port; -1: it is none of DPDK's. NULL: a card can do it; else why not.
const char *rte_forward_of_actions(struct rte_forward *, const void *actions, size_t len,
				   int (*device_of)(void *arg, uint32_t port), void *arg);
// Names the port in the older way, which some drivers want. False: nothing to change.
bool rte_forward_by_port_id(struct rte_forward *);
