/* SPDX-License-Identifier: Apache-2.0 */
// IGMP and MLD messages as they lie in Ethernet frames: what they say about groups.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mcast_event {
	MCAST_JOIN,  // the sender wants the group
	MCAST_LEAVE, // the sender no longer wants it
	MCAST_QUERY, // the sender is a multicast router; `group` is zeroes
};
// Calls cb with each thing that the frame says, in order. False: not a whole, well-formed message
// with the right checksum; what stood in front of the fault was reported. Groups that are none, and
// queries from nobody (0.0.0.0, ::), are left out.
bool mcast_message_parse(const void *frame, size_t n,
			 void (*cb)(void *arg, enum mcast_event, const uint8_t group[16]),
			 void *arg);
