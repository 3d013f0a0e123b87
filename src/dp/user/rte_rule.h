/* SPDX-License-Identifier: Apache-2.0 */
// A megaflow as a rule of rte_flow: the pattern of what it matches, and what the card is to do with
// such a packet: mark it with a number, and spread it over the receive queues as ever (partial
// offload). The megaflow decides in the end: a rule that matches more than it does harm to nothing.
#pragma once
#include <rte_flow.h>
#include <stdbool.h>

#include "flow/flow.h"

enum { RTE_RULE_ITEMS = 6, RTE_RULE_QUEUES = 64 };

struct rte_rule { // refers to itself: not to be copied
	struct rte_flow_item items[RTE_RULE_ITEMS];
	struct rte_flow_action actions[3];
	unsigned int n_items;
	bool tagged;
	struct {
		struct rte_flow_item_eth eth;
		struct rte_flow_item_vlan vlan;
		union {
			struct rte_flow_item_ipv4 ipv4;
			struct rte_flow_item_ipv6 ipv6;
		};
		union {
			struct rte_flow_item_tcp tcp;
			struct rte_flow_item_udp udp;
			struct rte_flow_item_sctp sctp;
			struct rte_flow_item_icmp icmp;
		};
	} spec, mask;
	struct rte_flow_action_mark mark;
	struct rte_flow_action_rss rss;
	uint16_t queues[RTE_RULE_QUEUES];
};

// `mask`: the bits of `key` that count. False: no card is told of such a megaflow, as it looks at
// what no pattern says (recirculation, connection tracking, labels, addresses in ARP and ND, ...).
bool rte_rule_of_flow(struct rte_rule *, const struct flow *key, const struct flow *mask,
		      uint32_t mark, unsigned int n_queues);
// Has its pattern match no more than the megaflow does, for rules after which nobody looks again
// (rte_forward.h). False: it cannot be said.
bool rte_rule_make_exact(struct rte_rule *, const struct flow *key, const struct flow *mask);
