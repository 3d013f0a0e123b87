/* SPDX-License-Identifier: Apache-2.0 */
// Packets on their way to controllers. Any thread gives them away here; the main thread sends them,
// to each controller in its version and format, as its roles, asynchronous configuration,
// controller id and rate limit allow.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byteorder.h"
#include "flow/flow.h"

struct ofproto;
struct ofproto_system;
struct recirc;

struct packet_in {
	uint8_t reason; // enum ofp_packet_in_reason (openflow/packet_io.h)
	uint8_t table_id;
	uint16_t controller_id;
	uint16_t max_len; // of the frame to send; 0xffff: all of it (OFPCML_NO_BUFFER)
	be64_t cookie;	  // of the rule; all ones: none
	uint32_t ofp_in_port;
	struct flow metadata; // registers, metadata, tunnel, ct fields, pkt_mark, as the action saw
			      // them; the rest is not looked at
	const uint8_t *frame;
	size_t frame_len;
	const uint8_t *userdata; // of controller(userdata=...)
	size_t userdata_len;
	struct recirc *paused; // the packet waits: where it goes on; NULL: it does not
};

// Copies everything (and takes a reference of its own to `paused`) into the queue of the bridge and
// wakes the main loop. False: the queue is full or the bridge gone, the packet is dropped and
// counted. Any registered thread. `ofproto_id` is looked up, so it may belong to a bridge that
// went.
bool packet_in_enqueue(struct ofproto_system *, uint64_t ofproto_id, const struct packet_in *);
