/* SPDX-License-Identifier: Apache-2.0 */
// How queues are configured: a message of its own up to OpenFlow 1.3, a multipart message (queue
// description) since.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "openflow/header.h"

#define OFPQ_ALL 0xffffffffu

struct ofp_queue_config {
	uint32_t port, queue;
	uint16_t min_rate,
		max_rate; // in 1/1000; UINT16_MAX: not configured, above 1000: switched off
};
// `queue`: OFPQ_ALL for all; only 1.4 and later carry another.
int ofp_decode_queue_config_request(const struct ofp_msg *, uint32_t *port, uint32_t *queue);
void ofp_encode_queue_config_request(struct buf *, uint8_t version, uint32_t port, uint32_t queue,
				     uint32_t xid);

// Appends to an answer, which ofp_begin_reply() or ofp_replies_init() began with its request. Up
// to 1.3 all queues belong to the port of the request, which comes first.
void ofp_queue_config_reply_begin(struct buf *, const struct ofp_msg *request, uint32_t port);
void ofp_queue_config_put(struct buf *, uint8_t version, const struct ofp_queue_config *);
// Up to 1.3: the port that all of the queues of a reply belong to; the cursor moves behind it.
// Nothing happens since 1.4.
int ofp_queue_config_reply_port(const struct ofp_msg *, struct cursor *body, uint32_t *port);
// The next queue. `port` is what the function above gave. -ENODATA at the end, else 0 or an enum
// ofperr.
int ofp_queue_config_pull(struct cursor *, uint8_t version, uint32_t port,
			  struct ofp_queue_config *);
