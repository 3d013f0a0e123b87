/* SPDX-License-Identifier: Apache-2.0 */
// Packets that a controller sends through the switch. Main thread.
#pragma once
#include <stdint.h>

#include "ofproto/internal.h"
#include "openflow/packet_io.h"

// May a packet say that it comes from there?
bool packet_out_in_port_ok(uint32_t port);
// What can be wrong with it, except that groups may be missing: 0 or an enum ofperr. Completes the
// actions in place.
int packet_out_check(struct ofproto *, struct ofp_packet_out *, uint8_t version);
// Checks and executes: 0 or an enum ofperr. Completes the actions in place.
int packet_out_apply(struct ofproto *, struct ofp_packet_out *, uint8_t version);
