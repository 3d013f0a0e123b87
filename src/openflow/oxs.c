/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/oxs.h"

#include "openflow/error.h"

enum {
	OXS_DURATION = 0,
	OXS_IDLE_TIME = 1,
	OXS_FLOW_COUNT = 3,
	OXS_PACKET_COUNT = 4,
	OXS_BYTE_COUNT = 5
};
enum { OXS_CLASS = 0x8002, OXS_EXPERIMENTER = 0xffff, OXS_MASKED = 1 << 8 };

static void oxs_header(struct buf *b, uint32_t field, uint32_t len)
{
	buf_add_be32(b, (uint32_t)OXS_CLASS << 16 | field << 9 | len);
}

void oxs_put(struct buf *b, const struct oxs *s)
{
	size_t at = b->len;
	buf_add_be32(b, 0);
	if (s->has_duration) {
		oxs_header(b, OXS_DURATION, 8);
		buf_add_be32(b, s->duration_s);
		buf_add_be32(b, s->duration_ns);
	}
	if (s->idle_age >= 0) {
		oxs_header(b, OXS_IDLE_TIME, 8);
		buf_add_be32(b, (uint32_t)s->idle_age);
		buf_add_be32(b, 0);
	}
	if (s->packets != UINT64_MAX) {
		oxs_header(b, OXS_PACKET_COUNT, 8);
		buf_add_be64(b, s->packets);
	}
	if (s->bytes != UINT64_MAX) {
		oxs_header(b, OXS_BYTE_COUNT, 8);
		buf_add_be64(b, s->bytes);
	}
	if (s->has_flows) {
		oxs_header(b, OXS_FLOW_COUNT, 4);
		buf_add_be32(b, s->flows);
	}
	put_be16(b->data + at + 2, (uint16_t)(b->len - at));
	buf_pad(b, at, 8);
}

static bool oxs_length_ok(uint32_t field, uint32_t len)
{
	return field > OXS_BYTE_COUNT || len == (field == OXS_FLOW_COUNT ? 4 : 8);
}

int oxs_read(struct cursor *c, struct oxs *s)
{
	*s = (struct oxs){.idle_age = -1,
			  .packets = UINT64_MAX,
			  .bytes = UINT64_MAX,
			  .flows = UINT32_MAX,
			  .duration_s = UINT32_MAX,
			  .duration_ns = UINT32_MAX};
	struct cursor peek = *c;
	cursor_skip(&peek, 2);
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < 4)
		return OFPBMC_BAD_LEN;
	struct cursor body = cursor_sub(c, (len + 7u) & ~7u);
	if (body.bad)
		return OFPBMC_BAD_LEN;
	cursor_skip(&body, 4);
	body.end = body.p + (len - 4);
	while (cursor_left(&body)) {
		uint32_t header = cursor_be32(&body), field = header >> 9 & 0x7f;
		struct cursor v = cursor_sub(&body, header & 0xff);
		// An experimenter's says first whose it is.
		if (v.bad || (header >> 16 == OXS_EXPERIMENTER && cursor_left(&v) < 4))
			return OFPBMC_BAD_LEN;
		if (header >> 16 != OXS_CLASS)
			continue;
		// The length is part of what a statistic is, and none has a mask.
		if (header & OXS_MASKED || !oxs_length_ok(field, header & 0xff))
			continue;
		if (field == OXS_DURATION) {
			s->duration_s = cursor_be32(&v);
			s->duration_ns = cursor_be32(&v);
		} else if (field == OXS_IDLE_TIME) {
			s->idle_age = (int)cursor_be32(&v);
		} else if (field == OXS_FLOW_COUNT) {
			s->flows = cursor_be32(&v);
		} else if (field == OXS_PACKET_COUNT) {
			s->packets = cursor_be64(&v);
		} else if (field == OXS_BYTE_COUNT) {
			s->bytes = cursor_be64(&v);
		}
	}
	return body.bad ? OFPBMC_BAD_LEN : 0;
}
