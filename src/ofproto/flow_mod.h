/* SPDX-License-Identifier: Apache-2.0 */
// Changes of a bridge's flow tables, by controllers, by timeouts and by the switch itself. Main
// thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "openflow/flow_mod.h"
#include "ofproto/internal.h"

// What can be said of the message without the tables: 0 or an enum ofperr. Completes the actions in
// place.
int flow_mod_check(struct ofproto *, struct ofp_flow_mod *, uint8_t version);
// Does what the message says: 0 or an enum ofperr, with the tables unchanged. `version`: of the
// connection, for what depends on it. Checks it first.
int flow_mod_apply(struct ofproto *, struct ofp_flow_mod *, uint8_t version);
// Which rules a request means, appended, borrowed: of that table (OFPTT_ALL: all visible ones), at
// least as specific as the match (strict: exactly it and the priority), with the cookie, with an
// action for that port. Hidden rules are left out.
struct flow_criteria {
	const struct match *match;
	int priority; // strict only
	bool strict;
	uint8_t table_id;
	be64_t cookie, cookie_mask;
	uint32_t out_port, out_group;
};
void flows_select(const struct ofproto *, const struct flow_criteria *, struct rule_vec *);

// Translation and timers have to hear that rules came, went or changed. Without effect while a
// journal is open.
void flows_changed(struct ofproto *);
// Removes rules that were selected, with news to controllers.
void flows_delete(struct ofproto *, const struct rule_vec *, enum ofp_flow_removed_reason);
// Timeouts changed: when to look next.
void flows_schedule_expiry(struct ofproto *);
// Removes all rules but those of the hidden table, without news to controllers, and makes the
// default flow if the bridge is to have one.
void flows_flush(struct ofproto *);
// The limit fell below what is there: what may be evicted goes.
void flows_enforce_limit(struct ofproto *, uint8_t table_id);
// A rule came or went: tells controllers that asked for it if the table passed a mark.
// table_messages.c.
void table_check_vacancy(struct ofproto *, uint8_t table_id);
void flows_init(struct ofproto *);
// Removes all rules without a word. Readers may still be there.
void flows_clear(struct ofproto *);
void flows_done(struct ofproto *); // a grace period after
void flows_add_own(struct ofproto *, const struct match *, int priority, enum rule_hidden);
void flows_remove_own(struct ofproto *, const struct match *,
		      int priority); // no such rule: no effect
// The hidden rule that makes the bridge a learning switch while its controllers are away.
void flows_set_fail_open(struct ofproto *, bool on);

// A learn action's flow: refreshed when it is there with the same actions, else added, unless the
// table has `limit` (0: any number) flows with its cookie, or is full: false.
bool flows_learn(struct ofproto *, const struct ofp_flow_mod *, uint32_t limit);
// Timeouts longer than these (seconds; 0: as they are) become these.
void flows_shorten_timeouts(struct ofproto *, struct rule *, uint16_t idle, uint16_t hard);
// Are the actions of a flow or a packet-out right for the match, and such that this switch carries
// out? 0 or an enum ofperr. Fills in what depends on the match, as ofpacts_check() does.
int actions_check_support(const void *actions, size_t n); // only the latter
int actions_check(void *actions, size_t n, const struct match *, uint8_t table_id, uint8_t version);
