/* SPDX-License-Identifier: Apache-2.0 */
// Flows that packets make: what a learn action says of one packet, and what fin_timeout asks for.
// Tables belong to the main thread: others hand the wish over, and wait a little for it, so that
// the answer to the packet, when it comes, finds the flow.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "openflow/action.h"
#include "openflow/flow_mod.h"

struct learned;
struct learned_inbox;
struct ofproto_system;
struct rule;

// One inbox per system. Main thread; no other thread may hand anything over when it is freed.
struct learned_inbox *learned_inbox_new(struct ofproto_system *);
void learned_inbox_free(struct learned_inbox *);

// The flow that the action makes of this packet, with one reference. Any thread.
struct learned *learned_new(const struct ofpact_learn *, const struct flow *, uint64_t ofproto_id);
// `rule` shall not outlive a closed connection by more than the action's timeouts. Takes a
// reference to the rule, or gives NULL when it is going.
struct learned *learned_fin_timeout(const struct ofpact_fin_timeout *, struct rule *,
				    uint64_t ofproto_id);
struct learned *learned_ref(struct learned *);
void learned_unref(struct learned *); // NULL is allowed; any thread

const struct ofp_flow_mod *learned_flow_mod(const struct learned *);
// The wish is already carried out once: the next learned_credit() does nothing.
void learned_set_fresh(struct learned *);
// Makes the flow or refreshes it; or shortens the timeouts. Any thread: others than main wait for
// main, but not long. False: the table has as many flows of this kind as it may (only main knows
// for sure).
bool learned_apply(struct ofproto_system *, struct learned *);
// Packets of a megaflow with this wish were counted; `tcp_flags` of all of them. Main thread, or
// the one that translated the first.
void learned_credit(struct ofproto_system *, struct learned *, uint16_t tcp_flags);
