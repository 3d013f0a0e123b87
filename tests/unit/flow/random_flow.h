/* SPDX-License-Identifier: Apache-2.0 */
// Random flows and matches for tests, from the generator of base/random.h.
#pragma once
#include "flow/match.h"

// The headers of a packet that can exist: what flow_extract() could give. Metadata is random too.
void random_flow(struct flow *);
// A match that text can carry: fields whose prerequisites it has itself, with masks of all kinds.
void random_match(struct match *);
