/* SPDX-License-Identifier: Apache-2.0 */
// Any OpenFlow message as text, as `ovs-ofctl` and `ovs-vswitchd` show it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "openflow/action.h"
#include "openflow/flow_mod.h"
#include "openflow/header.h"

struct ofp_print_options {
	struct ofpact_text text; // names of ports; all NULL: numbers
	int verbosity;		 // as many -m as were given
	bool no_stats;		 // flows without duration and counters
};
// Appends the text, which ends in a newline. Never fails: what is wrong with the message is said in
// the text. NULL options: all 0.
void ofp_print(struct str *, const void *msg, size_t n, const struct ofp_print_options *);
// One flow, "cookie=0x0, duration=8.3s, ... actions=drop", no newline.
void ofp_print_flow_stats(struct str *, const struct ofp_flow_stats *,
			  const struct ofp_print_options *);
// "in_port=1 (via action) data_len=60 (unbuffered)..." helper: an Ethernet frame as
// "tcp,vlan_tci=0x0000,..."
void ofp_print_packet(struct str *, const void *frame, size_t n);
// The same for a table features reply that was put together from several messages: one header, all
// bodies; `n` may be above 64 KB.
void ofp_print_table_features(struct str *, const void *msg, size_t n);
