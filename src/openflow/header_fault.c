/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/header_fault.h"

#include <inttypes.h>

#include "base/cursor.h"
#include "openflow/error.h"
#include "openflow/header.h"

enum { VENDOR_MSG = 4, STATS_VENDOR = 0xffff };

bool ofp_msg_explain_unknown(const void *msg, size_t n, int error, struct str *s)
{
	if (error != OFPBRC_BAD_TYPE && error != OFPBRC_BAD_STAT && error != OFPBRC_BAD_VENDOR &&
	    error != OFPBRC_BAD_SUBTYPE)
		return false;
	struct cursor c = cursor_make(msg, n);
	uint8_t version = cursor_u8(&c), type = cursor_u8(&c);
	cursor_skip(&c, sizeof(struct ofp_header) - 2);
	uint16_t stat = 0;
	if (type != VENDOR_MSG && error != OFPBRC_BAD_TYPE) {
		stat = cursor_be16(&c);
		cursor_skip(&c, version == OFP10 ? 2 : 6);
	}
	bool vendors = type == VENDOR_MSG || stat == STATS_VENDOR;
	uint32_t vendor = vendors ? cursor_be32(&c) : 0;
	if (error == OFPBRC_BAD_VENDOR) {
		str_addf(s, "OpenFlow message has unknown vendor %#" PRIx32, vendor);
		return true;
	}
	str_addf(s, "unknown OpenFlow message (version %u, type %u", version, type);
	if (type != VENDOR_MSG && error != OFPBRC_BAD_TYPE)
		str_addf(s, ", stat %u", stat);
	if (vendors)
		str_addf(s, ", vendor %#" PRIx32 ", subtype %" PRIu32, vendor, cursor_be32(&c));
	str_addc(s, ')');
	return true;
}
