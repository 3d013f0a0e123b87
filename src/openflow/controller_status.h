/* SPDX-License-Identifier: Apache-2.0 */
// What a switch says of its controllers (OpenFlow 1.5 only): OFPT_CONTROLLER_STATUS, which comes
// unasked, and the multipart reply OFPMP_CONTROLLER_STATUS. Both hold struct ofp_controller_status
// of OpenFlow 1.5.1, section 7.3.5.20.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "openflow/header.h"
#include "openflow/session.h"

enum ofp_controller_reason {
	OFPCSR_REQUEST, // in replies
	OFPCSR_CHANNEL_STATUS,
	OFPCSR_ROLE,
	OFPCSR_CONTROLLER_ADDED,
	OFPCSR_CONTROLLER_REMOVED,
	OFPCSR_SHORT_ID,
	OFPCSR_EXPERIMENTER,
	OFPCSR_N
};
enum ofp_channel_status { OFPCT_STATUS_UP, OFPCT_STATUS_DOWN };

struct ofp_controller_status {
	uint16_t short_id; // OFPCID_UNDEFINED: none
	enum ofp_role role;
	uint8_t reason, channel; // enum ofp_controller_reason, enum ofp_channel_status
	const char *uri; // "tcp:192.0.2.1:6653"; no NUL at its end; NULL: the message has none.
			 // Decoded ones point into the message.
	size_t uri_len;	 // at most 1000 are sent
};

// The next one of a reply, or the one of a status message. Properties but the URI are passed over.
// -ENODATA at the end, else 0 or an enum ofperr.
int ofp_controller_status_pull(struct cursor *, struct ofp_controller_status *);
void ofp_append_controller_status(struct ofp_replies *, const struct ofp_controller_status *);
void ofp_encode_controller_status(struct buf *, const struct ofp_controller_status *); // xid 0
