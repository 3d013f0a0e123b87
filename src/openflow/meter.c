/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/meter.h"

#include <errno.h>

enum { BAND_LEN = 16, STATS_LEN = 40, BAND_STATS_LEN = 16 };

void ofp_meter_done(struct ofp_meter *m)
{
	vec_done(&m->bands);
}

// --- Meters and their bands.

static int pull_band(struct cursor *c, struct ofp_meter *m)
{
	struct ofp_meter_band band = {.type = cursor_be16(c)};
	uint16_t len = cursor_be16(c);
	if (c->bad || len < 12 || (size_t)len - 4 > cursor_left(c))
		return OFPBRC_BAD_LEN;
	struct cursor body = cursor_sub(c, len - 4u);
	band.rate = cursor_be32(&body);
	band.burst_size = cursor_be32(&body);
	if (len != BAND_LEN)
		return OFPBRC_BAD_LEN;
	if (band.type != OFPMBT_DROP && band.type != OFPMBT_DSCP_REMARK)
		return OFPMMFC_BAD_BAND;
	if (band.type == OFPMBT_DSCP_REMARK)
		band.prec_level = cursor_u8(&body);
	vec_push(&m->bands, band);
	return 0;
}

static int pull_bands(struct cursor c, struct ofp_meter *m)
{
	while (cursor_left(&c)) {
		int error = pull_band(&c, m);
		if (error)
			return error;
	}
	return 0;
}

static void put_bands(struct buf *b, const struct ofp_meter *m)
{
	VEC_FOREACH (&m->bands, i) {
		const struct ofp_meter_band *band = &m->bands.v[i];
		buf_add_be16(b, band->type);
		buf_add_be16(b, BAND_LEN);
		buf_add_be32(b, band->rate);
		buf_add_be32(b, band->burst_size);
		buf_add_u8(b, band->type == OFPMBT_DSCP_REMARK ? band->prec_level : 0);
		buf_add_zeros(b, 3);
	}
}

int ofp_decode_meter_mod(const struct ofp_msg *msg, struct ofp_meter_mod *mm)
{
	struct cursor c = msg->body;
	*mm = (struct ofp_meter_mod){0};
	uint16_t command = cursor_be16(&c);
	mm->meter.flags = cursor_be16(&c);
	mm->meter.meter_id = cursor_be32(&c);
	if (command > OFPMC_DELETE)
		return OFPMMFC_BAD_COMMAND;
	mm->command = (enum ofp_meter_command)command;
	if (mm->command == OFPMC_DELETE) {
		mm->meter.flags = 0;
		return 0;
	}
	if (mm->meter.flags & OFPMF_KBPS && mm->meter.flags & OFPMF_PKTPS)
		return OFPMMFC_BAD_FLAGS;
	return pull_bands(c, &mm->meter);
}

void ofp_encode_meter_mod(struct buf *b, const struct ofp_meter_mod *mm, uint8_t version,
			  uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_METER_MOD, false, version, xid);
	buf_add_be16(b, (uint16_t)mm->command);
	buf_add_be16(b, mm->meter.flags);
	buf_add_be32(b, mm->meter.meter_id);
	put_bands(b, &mm->meter);
	ofp_end(b, at);
}

// --- Reading.

void ofp_encode_meter_request(struct buf *b, enum ofptype type, uint32_t meter_id, uint8_t version,
			      uint32_t xid)
{
	size_t at = ofp_begin(b, type, false, version, xid);
	if (type != OFPTYPE_METER_FEATURES_STATS_REQUEST) {
		buf_add_be32(b, meter_id);
		buf_add_be32(b, 0);
	}
	ofp_end(b, at);
}

int ofp_decode_meter_request(const struct ofp_msg *m, uint32_t *meter_id)
{
	struct cursor c = m->body;
	*meter_id = cursor_be32(&c);
	return 0;
}

void ofp_append_meter_config(struct ofp_replies *r, const struct ofp_meter *m)
{
	ofp_replies_begin_entry(r);
	size_t at = r->buf.len;
	buf_add_be16(&r->buf, 0);
	buf_add_be16(&r->buf, m->flags);
	buf_add_be32(&r->buf, m->meter_id);
	put_bands(&r->buf, m);
	put_be16(r->buf.data + at, (uint16_t)(r->buf.len - at));
	ofp_replies_end_entry(r);
}

int ofp_meter_config_pull(struct cursor *body, struct ofp_meter *m)
{
	*m = (struct ofp_meter){0};
	if (!cursor_left(body))
		return -ENODATA;
	struct cursor peek = *body;
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < 8 || len > cursor_left(body))
		return OFPBRC_BAD_LEN;
	struct cursor c = cursor_sub(body, len);
	cursor_skip(&c, 2);
	m->flags = cursor_be16(&c);
	m->meter_id = cursor_be32(&c);
	return pull_bands(c, m);
}

void ofp_append_meter_stats(struct ofp_replies *r, const struct ofp_meter_stats *s)
{
	struct buf *b = &r->buf;
	ofp_replies_begin_entry(r);
	buf_add_be32(b, s->meter_id);
	buf_add_be16(b, (uint16_t)(STATS_LEN + s->n_bands * BAND_STATS_LEN));
	buf_add_zeros(b, 6);
	buf_add_be32(b, s->flow_count);
	buf_add_be64(b, s->packets);
	buf_add_be64(b, s->bytes);
	buf_add_be32(b, s->duration_s);
	buf_add_be32(b, s->duration_ns);
	for (size_t i = 0; i < s->n_bands; i++) {
		buf_add_be64(b, s->bands[i].packets);
		buf_add_be64(b, s->bands[i].bytes);
	}
	ofp_replies_end_entry(r);
}

int ofp_meter_stats_pull(struct cursor *body, struct ofp_meter_stats *s, struct cursor *bands)
{
	if (!cursor_left(body))
		return -ENODATA;
	struct cursor peek = *body;
	cursor_skip(&peek, 4);
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < STATS_LEN || (len - STATS_LEN) % BAND_STATS_LEN ||
	    len > cursor_left(body))
		return OFPBRC_BAD_LEN;
	struct cursor c = cursor_sub(body, len);
	*s = (struct ofp_meter_stats){.meter_id = cursor_be32(&c)};
	cursor_skip(&c, 8);
	s->flow_count = cursor_be32(&c);
	s->packets = cursor_be64(&c);
	s->bytes = cursor_be64(&c);
	s->duration_s = cursor_be32(&c);
	s->duration_ns = cursor_be32(&c);
	s->n_bands = cursor_left(&c) / BAND_STATS_LEN;
	*bands = c;
	return 0;
}

void ofp_encode_meter_features_reply(struct buf *b, const struct ofp_msg *request,
				     const struct ofp_meter_features *f)
{
	size_t at = ofp_begin_reply(b, request);
	buf_add_be32(b, f->max_meters);
	buf_add_be32(b, f->band_types);
	buf_add_be32(b, f->capabilities);
	buf_add_u8(b, f->max_bands);
	buf_add_u8(b, f->max_color);
	buf_add_be16(b, 0);
	ofp_end(b, at);
}

int ofp_decode_meter_features(const struct ofp_msg *m, struct ofp_meter_features *f)
{
	struct cursor c = m->body;
	f->max_meters = cursor_be32(&c);
	f->band_types = cursor_be32(&c);
	f->capabilities = cursor_be32(&c);
	f->max_bands = cursor_u8(&c);
	f->max_color = cursor_u8(&c);
	return c.bad ? OFPBRC_BAD_LEN : 0;
}
