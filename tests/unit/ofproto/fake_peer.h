/* SPDX-License-Identifier: Apache-2.0 */
// What the peer of a fake connection says and hears, in tests that fail when it hears something
// else.
#pragma once
#include "fake_bridge.h"

void say(struct ofconn *, struct buf *); // which is given back
struct ofp_msg
hear(struct ofconn *); // the next message that the peer was sent, until the next call
void hear_error(struct ofconn *, int expected);
void ask(struct ofconn *, enum ofptype, uint32_t xid); // a request without a body
void ask_role(struct ofconn *, const struct ofp_role_request *);
struct ofp_role_request hear_role_reply(struct ofconn *);
void want_role(struct ofconn *, enum ofp_role, uint64_t generation);
void hear_role(struct ofconn *, enum ofp_role);
