/* SPDX-License-Identifier: Apache-2.0 */
// Flow monitors of one connection. A connection that does not read its news in time is told that
// they pause; when it has caught up, it gets what changed meanwhile, and that they go on.
//
// Main thread.
#pragma once
#include "ofproto/conn.h"
#include "openflow/flow_monitor.h"

struct flow_monitors;
struct flow_monitors *flow_monitors_new(struct conn *);
void flow_monitors_free(struct flow_monitors *); // NULL is allowed
// Forgets all of them: a new connection begins.
void flow_monitors_clear(struct flow_monitors *);
// Sends what has been gathered. Called before anything else is sent, so that messages keep their
// order.
void flow_monitors_flush(struct flow_monitors *);
// The peer has read what was waiting for it.
void flow_monitors_drained(struct flow_monitors *);
// Tells all connections of a bridge of a rule's change; `reason` of a removal; `old` (may be NULL):
// its former actions.
void flow_monitors_tell(struct ofproto *, const struct rule *, enum ofp_flow_update_event,
			uint16_t reason, const struct rule_actions *old);
// Handlers of messages.
int flow_monitor_request(struct conn *, const struct ofp_msg *);
int flow_monitor_cancel(struct conn *, const struct ofp_msg *);
