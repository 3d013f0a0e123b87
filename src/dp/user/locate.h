/* SPDX-License-Identifier: Apache-2.0 */
// Where the headers of a frame lie, for those who change them. Unlike a layout it follows options,
// extension headers and labels. A header that is cut off, or that lies about its length, is not
// there.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "dp/user/layout.h"

struct locus {
	enum layout_l3 l3_kind; // MPLS1 for any labels
	uint16_t type_at;	// of the last Ethernet type
	uint16_t l3;		// offset; 0: there is nothing behind the Ethernet header
	uint16_t l4;		// offset; 0: none that can be changed
	uint8_t proto;		// of IP
	bool routed;	 // IPv6 with a routing header: the destination is not in the checksum
	uint16_t l4_len; // bytes of L4 that can be read, from `l4`
};

// `n` bytes can be read at `frame`, which is `wire_len` bytes long.
void locate(const uint8_t *frame, uint32_t n, uint32_t wire_len, struct locus *);
