/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/queue_config.h"

#include <errno.h>

#include "flow/flow.h"
#include "openflow/match_codec.h"
#include "openflow/prop.h"

enum { PROP_MIN_RATE = 1, PROP_MAX_RATE = 2, QUEUE10_LEN = 8, QUEUE12_LEN = 16, PROP10_LEN = 16 };

static int pull_port(struct cursor *c, uint8_t version, uint32_t *port)
{
	if (version != OFP10)
		return ofp11_port_decode(cursor_be32(c), port);
	*port = cursor_be16(c);
	return 0;
}

static void put_port(struct buf *b, uint8_t version, uint32_t port)
{
	if (version == OFP10)
		buf_add_be16(b, (uint16_t)port);
	else
		buf_add_be32(b, ofp11_port_encode(port));
}

int ofp_decode_queue_config_request(const struct ofp_msg *m, uint32_t *port, uint32_t *queue)
{
	struct cursor c = m->body;
	int error = pull_port(&c, m->version, port);
	*queue = m->version >= OFP14 ? cursor_be32(&c) : OFPQ_ALL;
	// A description may be asked for of any port; it then says nothing.
	if (!error && m->version < OFP14 && *port >= OFPP_MAX &&
	    (m->version == OFP10 || *port != OFPP_NONE))
		error = OFPQOFC_BAD_PORT;
	return error;
}

void ofp_encode_queue_config_request(struct buf *b, uint8_t version, uint32_t port, uint32_t queue,
				     uint32_t xid)
{
	bool multipart = version >= OFP14;
	size_t at = ofp_begin(
		b, multipart ? OFPTYPE_QUEUE_DESC_REQUEST : OFPTYPE_QUEUE_GET_CONFIG_REQUEST, false,
		version, xid);
	put_port(b, version, port);
	if (multipart)
		buf_add_be32(b, queue);
	else
		buf_add_zeros(b, version == OFP10 ? 2 : 4);
	ofp_end(b, at);
}

// --- Replies.

void ofp_queue_config_reply_begin(struct buf *b, const struct ofp_msg *request, uint32_t port)
{
	if (request->version >= OFP14)
		return;
	put_port(b, request->version, port);
	buf_add_zeros(b, request->version == OFP10 ? 6 : 4);
}

static void put_rate(struct buf *b, uint8_t version, uint16_t type, uint16_t rate)
{
	if (rate == UINT16_MAX)
		return;
	size_t at = prop_begin(b, type);
	if (version < OFP14)
		buf_add_be32(b, 0);
	buf_add_be16(b, rate);
	buf_add_be16(b, 0);
	if (version < OFP14)
		buf_add_be32(b, 0);
	prop_end(b, at);
}

void ofp_queue_config_put(struct buf *b, uint8_t version, const struct ofp_queue_config *q)
{
	size_t at = b->len, len_at;
	if (version >= OFP14)
		put_port(b, version, q->port);
	buf_add_be32(b, q->queue);
	if (version == OFP12 || version == OFP13)
		put_port(b, version, q->port);
	len_at = b->len;
	buf_add_zeros(b, version <= OFP11 ? 4 : 8);
	put_rate(b, version, PROP_MIN_RATE, q->min_rate);
	put_rate(b, version, PROP_MAX_RATE, q->max_rate);
	put_be16(b->data + len_at, (uint16_t)(b->len - at));
}

int ofp_queue_config_reply_port(const struct ofp_msg *m, struct cursor *body, uint32_t *port)
{
	*port = OFPP_NONE;
	if (m->version >= OFP14)
		return 0;
	int error = pull_port(body, m->version, port);
	cursor_skip(body, m->version == OFP10 ? 6 : 4);
	return cursor_left(body) ? error : 0; // of nothing, any port's configuration can be said
}

static int pull_old_property(struct cursor *c, struct ofp_queue_config *q)
{
	struct cursor peek = *c;
	uint16_t type = cursor_be16(&peek), len = cursor_be16(&peek);
	if (peek.bad || len < 8 || len > cursor_left(c) || len % 8)
		return OFPBRC_BAD_LEN;
	struct cursor value = cursor_sub(c, len);
	cursor_skip(&value, 8);
	if (type != PROP_MIN_RATE && type != PROP_MAX_RATE)
		return 0;
	if (len != PROP10_LEN)
		return OFPBRC_BAD_LEN;
	*(type == PROP_MIN_RATE ? &q->min_rate : &q->max_rate) = cursor_be16(&value);
	return 0;
}

static int pull_property(struct cursor *c, struct ofp_queue_config *q)
{
	uint64_t type;
	struct cursor value;
	int error = prop_pull(c, &type, &value);
	if (error || (type != PROP_MIN_RATE && type != PROP_MAX_RATE))
		return error;
	if (cursor_left(&value) < 2)
		return OFPBPC_BAD_LEN;
	*(type == PROP_MIN_RATE ? &q->min_rate : &q->max_rate) = cursor_be16(&value);
	return 0;
}

int ofp_queue_config_pull(struct cursor *c, uint8_t version, uint32_t port,
			  struct ofp_queue_config *q)
{
	size_t head = version <= OFP11 ? QUEUE10_LEN : QUEUE12_LEN;
	int error = 0;
	struct cursor peek = *c;
	if (!cursor_left(c))
		return -ENODATA;
	*q = (struct ofp_queue_config){
		.port = port, .min_rate = UINT16_MAX, .max_rate = UINT16_MAX};
	uint32_t first = cursor_be32(&peek), second = head == QUEUE12_LEN ? cursor_be32(&peek) : 0;
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || cursor_left(c) < head)
		return OFPBRC_BAD_LEN;
	q->queue = version >= OFP14 ? second : first;
	if (version >= OFP14 && (error = ofp11_port_decode(first, &q->port)))
		return error;
	if (len < head || len > cursor_left(c) || len % 8)
		return OFPBRC_BAD_LEN;
	struct cursor body = cursor_sub(c, len);
	cursor_skip(&body, head);
	while (!error && cursor_left(&body))
		error = version >= OFP14 ? pull_property(&body, q) : pull_old_property(&body, q);
	return error;
}
