/* SPDX-License-Identifier: Apache-2.0 */
// What controllers are told of each other (OpenFlow 1.5): who is there, in which role. A controller
// is a peer that the configuration asks us to connect to, or who came to a listener that it asks
// for; who talks to the bridge's management socket is none. Nobody hears of himself, and nobody is
// told anything who did not ask for it in his asynchronous configuration. Main thread.
#pragma once
#include "openflow/controller_status.h"

struct conn;

// Something happened to `about`, whose channel is up or down; before DOWN it is still in its role.
void controller_status_news(const struct conn *about, enum ofp_controller_reason,
			    enum ofp_channel_status);
// It has come; it goes: which is no news of one that has not come.
void controller_status_came(struct conn *);
void controller_status_goes(struct conn *);
// Answers OFPMP_CONTROLLER_STATUS. 0 or an enum ofperr.
int controller_status_request(struct conn *, const struct ofp_msg *);
