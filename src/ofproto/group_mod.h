/* SPDX-License-Identifier: Apache-2.0 */
// What messages about groups do to a bridge. Main thread.
#pragma once
#include "ofproto/internal.h"
#include "openflow/group.h"

// 0 or an enum ofperr, with nothing changed. Takes what it needs out of the message's group.
int group_mod_apply(struct ofproto *, struct ofp_group_mod *);
// Do all groups that the actions name exist? 0 or OFPBAC_BAD_OUT_GROUP.
int groups_check_actions(const struct ofproto *, const void *list, size_t n);
// Removes all of them, not the flows that use them: those must be gone.
void groups_flush(struct ofproto *);
// Which of tun_metadata0..63 they work with, a bit for each.
uint64_t groups_options(const struct ofproto *);
// How many flows use the group.
unsigned int group_count_references(const struct ofproto *, uint32_t group_id);
