/* SPDX-License-Identifier: Apache-2.0 */
// Headers in front of the whole packet: Ethernet, NSH (RFC 8300), MPLS. A packet without an
// Ethernet header has a blank one in its frame all the same (zeros, and the type of what follows),
// and mbuf_meta.bare says so: whoever reads or changes what lies behind it need not know. So taking
// an Ethernet header off, and putting it on again, moves nothing.
//
// The packet must be the caller's alone, see packet_writable().
#pragma once
#include <stdbool.h>

#include "flow/dpact.h"

struct rte_mbuf;

// One of DPACT_PUSH_ETH, _POP_ETH, _PUSH_NSH, _POP_NSH and _ADD_MPLS. *m may become another one,
// with its metadata. False: it could not be done, and the packet is to be dropped for the reason.
bool encap_run(struct rte_mbuf **m, const struct dpact *, enum dp_drop_reason *reason);
// A label was taken off. When the packet was bare and its type is now that of bridged Ethernet,
// 0x6558, what the label hid is a frame.
void encap_popped_mpls(struct rte_mbuf *);
// Puts a blank header in front of a packet that has none. False: no room.
bool encap_blank(struct rte_mbuf *, be16_t type);
