/* SPDX-License-Identifier: Apache-2.0 */
// OpenFlow bundles of a connection: messages that are kept, and carried out together, or not at
// all, at a word. (Not to be taken for struct bundle, which is a port or bond of NORMAL.)
//
// Main thread.
#pragma once
#include "ofproto/conn.h"

struct ofbundles;
struct ofbundles *ofbundles_new(struct conn *);
void ofbundles_free(struct ofbundles *); // NULL is allowed
// Forgets all of them: a new connection begins.
void ofbundles_clear(struct ofbundles *);
// Handlers of messages.
int bundle_control(struct conn *, const struct ofp_msg *);
int bundle_add(struct conn *, const struct ofp_msg *);
int bundle_features_request(struct conn *, const struct ofp_msg *);
