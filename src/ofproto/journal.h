/* SPDX-License-Identifier: Apache-2.0 */
// Changes of a bridge's tables that take effect together or not at all (OpenFlow bundles). While a
// journal is open, flow_mod.c and group_mod.c write down what they change; news for controllers
// wait. In the end the journal is committed, and the news go out, or rolled back: every change is
// undone, the last one first, and nobody hears of it.
//
// Packets that miss meanwhile may see a part of the changes; what they leave in the datapath is
// looked at again right after, as after any change.
//
// Main thread.
#pragma once
#include <stdint.h>

#include "ofproto/internal.h"
#include "openflow/flow_mod.h"
#include "openflow/flow_monitor.h"

struct journal;

// There must be none open (they do not nest).
void journal_begin(struct ofproto *);
void journal_commit(struct ofproto *);
void journal_rollback(struct ofproto *);

// To be called by who changes something, whether or not a journal is open.

// The rule is in its table; *old (may be NULL) was there before and is no longer: its reference is
// taken.
void journal_rule_added(struct ofproto *, struct rule *, struct rule *old);
// Before a rule's actions, cookie or counters change, and after; `old`: its actions as they were.
void journal_rule_changes(struct ofproto *, struct rule *);
void journal_rule_changed(struct ofproto *, struct rule *, const struct rule_actions *old);
// The rule is out of its table; its reference is taken.
void journal_rule_removed(struct ofproto *, struct rule *, enum ofp_flow_removed_reason);
void journal_rules_removed(struct ofproto *, const struct rule_vec *, enum ofp_flow_removed_reason);
// Before a group is added, changed or removed.
void journal_group_changes(struct ofproto *, uint32_t group_id);
