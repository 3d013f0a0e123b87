/* SPDX-License-Identifier: Apache-2.0 */
// hw-offload=true: network cards carry out the megaflows that they can (rte_forward.h), and mark
// the packets of the others with the megaflow's number, which saves looking for it (rte_rule.h).
// Main thread.
//
// Nothing depends on a mark: a marked packet is compared with the megaflow all the same. So rules
// follow the megaflows at leisure: every second some of the table is looked at; megaflows that got
// packets get rules, and rules of those that are gone go. Rules that forward go before their
// megaflow changes, at once; what they counted is added to the main thread's counters every second,
// and when they go, so that statistics and ageing know nothing of cards. Cards that refuse the
// first rules are not asked again until the port is opened anew.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "dp/dp.h"

struct dp_port;
struct dp_user;
struct megaflow;
struct str;

struct hw_offload;

struct hw_offload *hw_offload_new(struct dp_user *);
void hw_offload_free(struct hw_offload *); // all rules go
// From now on, or not any more.
void hw_offload_enable(struct hw_offload *, bool on);
// Before the port's device stops: its rules go.
void hw_offload_port_stops(struct hw_offload *, const struct dp_port *);
// A rule for it is in a card.
enum dp_offloaded hw_offload_of(const struct hw_offload *, const struct megaflow *);
// Before its actions change or it goes.
void hw_offload_flow_changes(struct hw_offload *, const struct megaflow *);
void hw_offload_flush(struct hw_offload *); // before all go
// Of dpctl/offload-stats-show.
void hw_offload_format(const struct hw_offload *, struct str *);
