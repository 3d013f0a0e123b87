/* SPDX-License-Identifier: Apache-2.0 */
// hw-offload=true: network cards mark the packets of busy megaflows with the megaflow's number, which saves looking for it
// (rte_rule.h). Main thread.
//
// Nothing depends on a rule: a marked packet is compared with the megaflow all the same. So rules follow the megaflows at leisure: every
// second some of the table is looked at; megaflows that got packets get rules, and rules of those that are gone go. Cards that refuse the
// first rules are not asked again until the port is opened anew.
#pragma once
#include <stdbool.h>
#include <stdint.h>

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
bool hw_offload_has(const struct hw_offload *, const struct megaflow *); // a rule for it is in a card
// Of dpctl/offload-stats-show.
void hw_offload_format(const struct hw_offload *, struct str *);
