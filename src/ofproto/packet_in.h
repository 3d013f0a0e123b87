/* SPDX-License-Identifier: Apache-2.0 */
// Packets on their way to controllers. Any thread gives them away here; the main thread sends them, to each controller in its
// version and format, as its roles, asynchronous configuration, controller id and rate limit allow.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byteorder.h"
#include "flow/flow.h"

struct ofproto;
struct ofproto_system;

enum packet_in_reason { // the numbers of OpenFlow 1.4 and later; earlier versions get what they have
	PACKET_IN_NO_MATCH = 0,	      // table miss without a rule (1.0 to 1.2), or a table-miss flow
	PACKET_IN_ACTION = 1,
	PACKET_IN_INVALID_TTL = 2,
	PACKET_IN_ACTION_SET = 3,
	PACKET_IN_GROUP = 4,
	PACKET_IN_PACKET_OUT = 5,
	PACKET_IN_EXPLICIT_MISS = 6, // a miss that goes to the controller because the table's configuration says so: 1.3 table-miss
	PACKET_IN_IMPLICIT_MISS = 7, // a miss without any table-miss flow: only sent where the version says so
};

struct packet_in {
	uint8_t reason; // enum packet_in_reason
	uint8_t table_id;
	uint16_t controller_id;
	uint16_t max_len; // of the frame to send; 0xffff: all of it (OFPCML_NO_BUFFER)
	be64_t cookie;	  // of the rule; all ones: none
	uint32_t ofp_in_port;
	struct flow metadata; // registers, metadata, tunnel, ct fields, pkt_mark, as the action saw them; the rest is not looked at
	const uint8_t *frame;
	size_t frame_len;
	const uint8_t *userdata; // of controller(userdata=...)
	size_t userdata_len;
};

// Copies everything into the queue of the bridge and wakes the main loop. False: the queue is full or the bridge gone, the packet
// is dropped and counted. Any registered thread. `ofproto_id` is looked up, so it may belong to a bridge that went.
bool packet_in_enqueue(struct ofproto_system *, uint64_t ofproto_id, const struct packet_in *);
