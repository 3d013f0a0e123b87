/* SPDX-License-Identifier: Apache-2.0 */
// Packets that wait at a controller, after controller(pause): what goes with them, and how they go
// on. Main thread.
#pragma once
#include "openflow/continuation.h"

struct conn;
struct frozen;
struct ofp_msg;
struct ofproto;

// What a packet that stopped there says in its packet-in. To be freed with ofp_continuation_done().
void resume_describe(const struct ofproto *, const struct frozen *, struct ofp_continuation *);
// NXT_RESUME: the packet, as it is now, goes on. 0 or an enum ofperr.
int resume_request(struct conn *, const struct ofp_msg *);
