/* SPDX-License-Identifier: Apache-2.0 */
// A datapath of thirty lines for tests of what is above it: an array of megaflows, searched from
// end to end.
#pragma once
#include "base/str.h"
#include "dp/dp.h"

// A packet comes in: by the first megaflow that matches, or by an upcall, which may install one.
// Its actions as text, or "error". True when a megaflow was there already.
bool fake_dp_packet(struct dp *, const struct flow *key, size_t frame_len, struct str *actions);
unsigned int fake_dp_n_flows(const struct dp *);
// Called for each packet that dp_execute() gets.
extern void (*fake_dp_on_execute)(const struct flow *key, const void *actions, size_t n);
