/* SPDX-License-Identifier: Apache-2.0 */
// Tells controllers of flows that have passed a threshold of their stat_trigger. Looking at them
// goes in steps, in between which the main loop serves others. Main thread.
#pragma once

struct ofproto;

void flow_triggers_init(struct ofproto *);
void flow_triggers_done(struct ofproto *); // before the tables
// There may be rules with triggers now.
void flow_triggers_schedule(struct ofproto *);
