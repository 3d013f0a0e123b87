/* SPDX-License-Identifier: Apache-2.0 */
// The main thread's side of packet_in.h: where packets for controllers wait until the loop delivers
// them.
#pragma once
#include <stdint.h>

struct ofproto_system;
struct packet_in_inbox;

struct packet_in_inbox *packet_in_inbox_new(struct ofproto_system *);
// No thread may give packets away any more; all bridges must be removed.
void packet_in_inbox_free(struct packet_in_inbox *);
void packet_in_inbox_add(struct packet_in_inbox *, uint64_t ofproto_id);
void packet_in_inbox_remove(struct packet_in_inbox *, uint64_t ofproto_id);
