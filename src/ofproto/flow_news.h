/* SPDX-License-Identifier: Apache-2.0 */
// What controllers hear of changes of flow tables: flow-removed messages, for the rules that were
// made so, and flow monitors, by which a controller asks to hear of every change.
//
// Main thread.
#pragma once
#include "ofproto/internal.h"
#include "openflow/flow_mod.h"
#include "openflow/flow_monitor.h"

// A rule was added or modified; `old` (may be NULL): the actions that it had.
void flow_news_changed(struct ofproto *, struct rule *, enum ofp_flow_update_event,
		       const struct rule_actions *old);
// It was removed.
void flow_news_removed(struct ofproto *, const struct rule *, enum ofp_flow_removed_reason);
