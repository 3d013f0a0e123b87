/* SPDX-License-Identifier: Apache-2.0 */
// Packets to the controller and from it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "flow/match.h"
#include "openflow/action.h"
#include "openflow/header.h"
#include "openflow/session.h"

enum ofp_packet_in_reason {
	OFPR_NO_MATCH = 0, // a miss, in a table that has no table-miss flow (1.0 to 1.3: also
			   // table-miss flow)
	OFPR_ACTION = 1,   // a controller action
	OFPR_INVALID_TTL = 2,
	OFPR_ACTION_SET = 3, // 1.4 and later
	OFPR_GROUP = 4,
	OFPR_PACKET_OUT = 5,
	OFPR_EXPLICIT_MISS =
		6, // inside: a table-miss flow's controller action; goes out as NO_MATCH or ACTION
	OFPR_IMPLICIT_MISS = 7, // inside: no flow
	OFPR_N_REASONS,
};
const char *ofp_packet_in_reason_name(uint8_t reason);
// "action", "no_match", ... as in controller(reason=...).
bool ofp_packet_in_reason_parse(const char *, uint8_t *reason);
// What goes out in this version instead of what it has no number for.
uint8_t ofp_packet_in_reason_encode(uint8_t reason, uint8_t version);

struct ofp_continuation;
struct ofp_packet_in {
	const void *packet; // borrowed; already cut to what is to be sent
	size_t packet_len;
	size_t total_len; // of the packet as received; above 64 KB only NXT_PACKET_IN2 can say it
	uint32_t buffer_id;
	uint8_t reason, table_id;
	bool have_cookie;
	be64_t cookie;		 // all ones: not known
	struct match metadata;	 // in_port, tun_*, regs, metadata, pkt_mark, ct_*...
	const uint8_t *userdata; // NXT_PACKET_IN2 only
	size_t userdata_len;
	// NXT_PACKET_IN2 and NXT_RESUME: the packet waits for the controller.
	const struct ofp_continuation *paused; // to be encoded; NULL: it does not
	struct cursor continuation; // as decoded, borrowed: for ofp_continuation_decode()
	bool has_continuation;
};
// `format` picks the message where the version has more than one. xid 0.
// Packets that wait are sent as NXT_PACKET_IN2 only. False, and nothing appended: it does not fit
// into a message.
bool ofp_encode_packet_in(struct buf *, const struct ofp_packet_in *, enum ofp_protocol,
			  enum ofp_packet_in_format);
// NXT_RESUME for an NXT_PACKET_IN2 that has a continuation: its packet, metadata and continuation
// as they are. False: it has none.
bool ofp_encode_resume(struct buf *, const struct ofp_msg *packet_in, uint32_t xid);
int ofp_decode_packet_in(const struct ofp_msg *,
			 struct ofp_packet_in *); // borrows from the message
// The same for NXT_RESUME as a switch takes it: properties and fields that are not known are errors.
int ofp_decode_resume(const struct ofp_msg *, struct ofp_packet_in *);

struct ofp_packet_out {
	const void *packet; // borrowed from the message; NULL when it names a buffer
	size_t packet_len;
	uint32_t buffer_id;
	struct match metadata; // in_port at least; 1.5: what ofp_packet_out_may_say()
	struct buf actions;    // owned; kept from one decode to the next; zero the first time
};
void ofp_packet_out_done(struct ofp_packet_out *);
// What the stages of a pipeline tell each other (tunnel, metadata, registers). The headers are in
// the packet, and what the datapath or conntrack knows about it is not for the sender to say.
bool ofp_packet_out_may_say(enum field_id);
int ofp_decode_packet_out(const struct ofp_msg *, struct ofp_packet_out *);
void ofp_encode_packet_out(struct buf *, const struct ofp_packet_out *, enum ofp_protocol,
			   uint32_t xid);
