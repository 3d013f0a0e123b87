/* SPDX-License-Identifier: Apache-2.0 */
// Changing packets: header fields with their checksums, tags and labels. Checksums are updated
// incrementally (RFC 1624); those that a device will complete (RTE_MBUF_F_TX_*_CKSUM: the field
// holds the sum of the pseudo header) are adjusted only for what the pseudo header covers. A field
// of a header that is not there is left alone.
//
// The packet must be the caller's alone, see packet_writable().
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "flow/dpact.h"

struct rte_mbuf;

// n sets, side by side in a list: all but DPH_PRIORITY, _MARK and _TUNNEL.
void rewrite_set(struct rte_mbuf *, const struct dpact_set *, unsigned int n);
// A higher drop precedence by so many levels, for IP packets of the classes of assured forwarding
// (RFC 2597: AF11 to AF43); others stay as they are.
void rewrite_drop_precedence(struct rte_mbuf *, uint8_t levels);
// False: no room in front.
bool rewrite_push_vlan(struct rte_mbuf *, be16_t tpid, be16_t tci);
void rewrite_pop_vlan(struct rte_mbuf *);
bool rewrite_push_mpls(struct rte_mbuf *, be16_t ethertype, be32_t lse);
void rewrite_pop_mpls(struct rte_mbuf *, be16_t ethertype);
