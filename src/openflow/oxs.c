/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/oxs.h"

#include "openflow/error.h"

enum { OXS_CLASS = 0x8002, OXS_EXPERIMENTER = 0xffff, OXS_MASKED = 1 << 8 };

void oxs_init(struct oxs *s)
{
	memset(s, 0xff, sizeof(*s));
	s->has = 0;
}

void oxs_add_duration(struct oxs *s, uint32_t sec, uint32_t ns)
{
	s->has |= 1u << OXS_DURATION;
	s->duration_s = sec;
	s->duration_ns = ns;
}

void oxs_add_idle(struct oxs *s, int seconds)
{
	if (seconds < 0)
		return;
	s->has |= 1u << OXS_IDLE_TIME;
	s->idle_s = (uint32_t)seconds;
	s->idle_ns = 0;
}

void oxs_add_traffic(struct oxs *s, uint64_t packets, uint64_t bytes)
{
	s->has |= (packets != UINT64_MAX ? 1u << OXS_PACKET_COUNT : 0) |
		  (bytes != UINT64_MAX ? 1u << OXS_BYTE_COUNT : 0);
	s->packets = packets;
	s->bytes = bytes;
}

void oxs_add_flows(struct oxs *s, uint32_t n)
{
	s->has |= 1u << OXS_FLOW_COUNT;
	s->flows = n;
}

static void oxs_header(struct buf *b, enum oxs_field field, uint32_t len)
{
	buf_add_be32(b, (uint32_t)OXS_CLASS << 16 | (uint32_t)field << 9 | len);
}

void oxs_put(struct buf *b, const struct oxs *s)
{
	size_t at = b->len;
	buf_add_be32(b, 0);
	if (oxs_has(s, OXS_DURATION)) {
		oxs_header(b, OXS_DURATION, 8);
		buf_add_be32(b, s->duration_s);
		buf_add_be32(b, s->duration_ns);
	}
	if (oxs_has(s, OXS_IDLE_TIME)) {
		oxs_header(b, OXS_IDLE_TIME, 8);
		buf_add_be32(b, s->idle_s);
		buf_add_be32(b, s->idle_ns);
	}
	if (oxs_has(s, OXS_PACKET_COUNT)) {
		oxs_header(b, OXS_PACKET_COUNT, 8);
		buf_add_be64(b, s->packets);
	}
	if (oxs_has(s, OXS_BYTE_COUNT)) {
		oxs_header(b, OXS_BYTE_COUNT, 8);
		buf_add_be64(b, s->bytes);
	}
	if (oxs_has(s, OXS_FLOW_COUNT)) {
		oxs_header(b, OXS_FLOW_COUNT, 4);
		buf_add_be32(b, s->flows);
	}
	put_be16(b->data + at + 2, (uint16_t)(b->len - at));
	buf_pad(b, at, 8);
}

// The length is part of what a statistic is, and none has a mask.
static bool is_known(uint32_t header)
{
	uint32_t field = header >> 9 & 0x7f;
	if (header >> 16 != OXS_CLASS || header & OXS_MASKED || field > OXS_BYTE_COUNT ||
	    field == OXS_FLOW_COUNT - 1)
		return false;
	return (header & 0xff) == (field == OXS_FLOW_COUNT ? 4 : 8);
}

static void read_field(enum oxs_field field, struct cursor *v, struct oxs *s)
{
	s->has |= 1u << field;
	switch (field) {
	case OXS_DURATION:
		s->duration_s = cursor_be32(v);
		s->duration_ns = cursor_be32(v);
		break;
	case OXS_IDLE_TIME:
		s->idle_s = cursor_be32(v);
		s->idle_ns = cursor_be32(v);
		break;
	case OXS_FLOW_COUNT:
		s->flows = cursor_be32(v);
		break;
	case OXS_PACKET_COUNT:
		s->packets = cursor_be64(v);
		break;
	case OXS_BYTE_COUNT:
		s->bytes = cursor_be64(v);
		break;
	}
}

static int read_list(struct cursor *c, bool strict, struct oxs *s)
{
	oxs_init(s);
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
		uint32_t header = cursor_be32(&body);
		enum oxs_field field = (enum oxs_field)(header >> 9 & 0x7f);
		struct cursor v = cursor_sub(&body, header & 0xff);
		// An experimenter's says first whose it is.
		if (v.bad || (header >> 16 == OXS_EXPERIMENTER && cursor_left(&v) < 4))
			return OFPBMC_BAD_LEN;
		if (!is_known(header)) {
			if (strict)
				return OFPBMC_BAD_FIELD;
			continue;
		}
		if (strict && oxs_has(s, field))
			return OFPBMC_DUP_FIELD;
		read_field(field, &v, s);
	}
	return body.bad ? OFPBMC_BAD_LEN : 0;
}

int oxs_read(struct cursor *c, struct oxs *s)
{
	return read_list(c, false, s);
}

int oxs_read_all_known(struct cursor *c, struct oxs *s)
{
	return read_list(c, true, s);
}
