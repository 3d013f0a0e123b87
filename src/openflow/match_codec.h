/* SPDX-License-Identifier: Apache-2.0 */
// Matches on the wire: NXM and OXM (a list of TLVs, OpenFlow 1.2 and later and the Nicira
// extension), the fixed structures of OpenFlow 1.0 and 1.1. Ports are in the 16-bit numbering
// inside.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"
#include "flow/match.h"
#include "openflow/error.h"
#include "openflow/protocol.h"

enum { OFP10_MATCH_LEN = 40, OFP11_MATCH_LEN = 88 };

// --- NXM and OXM.

// Decodes exactly the bytes of the cursor as TLVs. `strict`: an unknown field is an error; else it
// is stepped over. `cookie` and `cookie_mask` (may be NULL: then a cookie is an error) take
// NXM_NX_COOKIE.
int nx_match_decode(struct cursor, bool strict, struct match *, be64_t *cookie,
		    be64_t *cookie_mask);
// Appends TLVs, no padding; the result is their length. A zero cookie_mask adds no cookie.
// `version`: 0 picks NXM headers, else the OXM ones of that version (NXM where there is none).
size_t nx_match_encode(struct buf *, uint8_t version, const struct match *, be64_t cookie,
		       be64_t cookie_mask);
// "NXM_OF_ETH_TYPE(0800), NXM_OF_IP_SRC_W(c0a80000/ffff0000)", "<any>".
void nx_match_format(struct cursor, struct str *);
// The OXM form of 1.2 and later: ofp_match header with its type and length, TLVs, padding to 8. The
// decoder accepts 1.1's fixed match as well, as the type says.
int ofp11_match_decode(struct cursor *, bool strict, struct match *, uint16_t *padded_len);
void ofp11_match_encode(struct buf *, uint8_t version, const struct match *);
// The same without 1.1's fixed match, for packets' metadata.
int ofp12_match_decode(struct cursor *, bool strict, struct match *);

// Options of tunnels now lie as the switch's table says (match_use_table()): 0 or an enum ofperr.
int ofp_match_use_options(struct match *, const struct option_table *);

// --- OpenFlow 1.0: 40 bytes.

// What the wildcards hide does not count. match_normalize() drops what has no meaning, as flow mods
// do.
int ofp10_match_decode(struct cursor *, struct match *);
// What 1.0 cannot say is left out.
void ofp10_match_encode(struct buf *, const struct match *);

// The protocols that can carry this match.
uint32_t match_usable_protocols(const struct match *);

// --- Port numbers.

// 32 bits of 1.1+ into the 16-bit numbering: 0 or OFPBAC_BAD_OUT_PORT.
int ofp11_port_decode(uint32_t wire, uint32_t *port);
uint32_t ofp11_port_encode(uint32_t port);
