/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/packet_io.h"

#include <string.h>
#include <strings.h>

#include "openflow/continuation.h"
#include "openflow/match_codec.h"
#include "openflow/prop.h"

static const char *const reason_names[OFPR_N_REASONS] = {
	[OFPR_NO_MATCH] = "no_match",
	[OFPR_ACTION] = "action",
	[OFPR_INVALID_TTL] = "invalid_ttl",
	[OFPR_ACTION_SET] = "action_set",
	[OFPR_GROUP] = "group",
	[OFPR_PACKET_OUT] = "packet_out",
	// The last two never leave the switch.
	[OFPR_EXPLICIT_MISS] = "",
	[OFPR_IMPLICIT_MISS] = "",
};

const char *ofp_packet_in_reason_name(uint8_t reason)
{
	return reason < OFPR_N_REASONS ? reason_names[reason] : "unknown";
}

bool ofp_packet_in_reason_parse(const char *s, uint8_t *reason)
{
	for (uint8_t i = 0; i < OFPR_N_REASONS; i++)
		if (!strcasecmp(reason_names[i], s)) {
			*reason = i;
			return true;
		}
	return false;
}

uint8_t ofp_packet_in_reason_encode(uint8_t reason, uint8_t version)
{
	switch ((enum ofp_packet_in_reason)reason) {
	case OFPR_IMPLICIT_MISS:
		return OFPR_NO_MATCH;
	case OFPR_EXPLICIT_MISS:
		return version < OFP13 ? OFPR_ACTION : OFPR_NO_MATCH;
	case OFPR_ACTION_SET:
	case OFPR_GROUP:
	case OFPR_PACKET_OUT:
		return version < OFP14 ? OFPR_ACTION : reason;
	case OFPR_NO_MATCH:
	case OFPR_ACTION:
	case OFPR_INVALID_TTL:
	case OFPR_N_REASONS:
		break;
	}
	return reason;
}

// --- Packet in.

enum { // properties of NXT_PACKET_IN2
	NXPINT_PACKET = 0,
	NXPINT_FULL_LEN = 1,
	NXPINT_BUFFER_ID = 2,
	NXPINT_TABLE_ID = 3,
	NXPINT_COOKIE = 4,
	NXPINT_REASON = 5,
	NXPINT_METADATA = 6,
	NXPINT_USERDATA = 7,
	NXPINT_CONTINUATION = 8,
};
enum { NXT_PACKET_IN2 = 30 };

// A length beyond 16 bits (segmentation offload) is not cut to its lowest ones: the packet would
// seem to be shorter than the part that is sent.
static uint16_t total_len16(const struct ofp_packet_in *pin)
{
	return pin->total_len < UINT16_MAX ? (uint16_t)pin->total_len : UINT16_MAX;
}

static bool encode_standard(struct buf *b, const struct ofp_packet_in *pin, uint8_t version,
			    uint8_t reason)
{
	uint32_t in_port = pin->metadata.flow.in_port;
	size_t at = ofp_begin(b, OFPTYPE_PACKET_IN, false, version, 0);
	buf_add_be32(b, pin->buffer_id);
	if (version == OFP11) {
		buf_add_be32(b, ofp11_port_encode(in_port));
		buf_add_be32(b, ofp11_port_encode(in_port));
	}
	buf_add_be16(b, total_len16(pin));
	if (version == OFP10)
		buf_add_be16(b, (uint16_t)in_port);
	buf_add_u8(b, reason);
	buf_add_u8(b, version == OFP10 ? 0 : pin->table_id);
	if (version >= OFP13)
		buf_add(b, &pin->cookie, 8);
	if (version >= OFP12) {
		ofp11_match_encode(b, version, &pin->metadata);
		buf_add_zeros(b, 2);
	}
	buf_add(b, pin->packet, pin->packet_len);
	return ofp_end(b, at);
}

static bool encode_nx(struct buf *b, const struct ofp_packet_in *pin, uint8_t version,
		      uint8_t reason)
{
	size_t at = ofp_begin(b, OFPTYPE_PACKET_IN, true, version, 0);
	buf_add_be32(b, pin->buffer_id);
	buf_add_be16(b, total_len16(pin));
	buf_add_u8(b, reason);
	buf_add_u8(b, pin->table_id);
	buf_add(b, &pin->cookie, 8);
	size_t match_len_at = b->len;
	buf_add_zeros(b, 8);
	size_t n = nx_match_encode(b, 0, &pin->metadata, 0, 0);
	put_be16(b->data + match_len_at, (uint16_t)n);
	buf_pad(b, at, 8);
	buf_add_zeros(b, 2);
	buf_add(b, pin->packet, pin->packet_len);
	return ofp_end(b, at);
}

static void put_u8(struct buf *b, uint16_t type, uint8_t v)
{
	size_t at = prop_begin(b, type);
	buf_add_u8(b, v);
	prop_end(b, at);
}

static void prop_bytes(struct buf *b, uint16_t type, const void *p, size_t n)
{
	size_t at = prop_begin(b, type);
	buf_add(b, p, n);
	prop_end(b, at);
}

static bool encode_nx2(struct buf *b, const struct ofp_packet_in *pin, uint8_t version,
		       uint8_t reason)
{
	size_t at = ofp_begin_subtype(b, NXT_PACKET_IN2, version, 0);
	// What does not fit into a message with all the rest is cut off; FULL_LEN tells.
	size_t room = OFP_MAX_LEN - 2048 - pin->userdata_len,
	       n = pin->packet_len < room ? pin->packet_len : room;
	prop_bytes(b, NXPINT_PACKET, pin->packet, n);
	if (pin->total_len != n)
		prop_put_u32(b, NXPINT_FULL_LEN, (uint32_t)pin->total_len);
	if (pin->buffer_id != OFP_NO_BUFFER)
		prop_put_u32(b, NXPINT_BUFFER_ID, pin->buffer_id);
	put_u8(b, NXPINT_TABLE_ID, pin->table_id);
	if (pin->cookie != UINT64_MAX) {
		size_t cookie = prop_begin(b, NXPINT_COOKIE);
		buf_add_be32(b, 0);
		buf_add(b, &pin->cookie, 8);
		prop_end(b, cookie);
	}
	put_u8(b, NXPINT_REASON, reason);
	size_t metadata = prop_begin(b, NXPINT_METADATA);
	nx_match_encode(b, version < OFP12 ? OFP12 : version, &pin->metadata, 0, 0);
	prop_end(b, metadata);
	if (pin->paused) {
		size_t continuation = prop_begin(b, NXPINT_CONTINUATION);
		buf_add_be32(b, 0);
		ofp_continuation_encode(b, pin->paused, version);
		prop_end(b, continuation);
	}
	if (pin->userdata_len)
		prop_bytes(b, NXPINT_USERDATA, pin->userdata, pin->userdata_len);
	// A packet that goes on must be whole.
	bool fits = b->len - at <= OFP_MAX_LEN && (!pin->paused || n == pin->total_len);
	if (fits)
		return ofp_end(b, at);
	b->len = at;
	return false;
}

bool ofp_encode_packet_in(struct buf *b, const struct ofp_packet_in *whole,
			  enum ofp_protocol protocol, enum ofp_packet_in_format format)
{
	uint8_t version = ofp_protocol_version(protocol);
	uint8_t reason = ofp_packet_in_reason_encode(whole->reason,
						     format == OFP_PIN_NXT2 ? OFP14 : version);
	struct ofp_packet_in pin = *whole;
	size_t room = OFP_MAX_LEN - 1024;
	if (pin.packet_len > room)
		pin.packet_len = room;
	switch (format) {
	case OFP_PIN_STANDARD:
		return encode_standard(b, &pin, version, reason);
	case OFP_PIN_NXT:
		return encode_nx(b, &pin, version, reason);
	case OFP_PIN_NXT2:
		return encode_nx2(b, &pin, version, reason);
	}
	return false;
}

static int take_packet(struct cursor *c, struct ofp_packet_in *pin)
{
	pin->packet_len = cursor_left(c);
	pin->packet = cursor_take(c, pin->packet_len);
	return c->bad ? OFPBRC_BAD_LEN : 0;
}

static int decode_nx(struct cursor *c, struct ofp_packet_in *pin)
{
	pin->buffer_id = cursor_be32(c);
	pin->total_len = cursor_be16(c);
	pin->reason = cursor_u8(c);
	pin->table_id = cursor_u8(c);
	cursor_copy(c, &pin->cookie, 8);
	pin->have_cookie = true;
	uint16_t match_len = cursor_be16(c);
	cursor_skip(c, 6);
	struct cursor match = cursor_sub(c, (match_len + 7u) & ~7u);
	if (match.bad)
		return OFPBMC_BAD_LEN;
	match.end = match.p + match_len;
	int error = nx_match_decode(match, false, &pin->metadata, NULL, NULL);
	cursor_skip(c, 2);
	return error ? error : take_packet(c, pin);
}

static int nx2_property(struct ofp_packet_in *pin, uint64_t type, struct cursor v, bool strict,
			struct cursor *continuation)
{
	uint32_t n;
	int error = 0;
	switch (type) {
	case NXPINT_PACKET:
		pin->packet_len = cursor_left(&v);
		pin->packet = v.p;
		return 0;
	case NXPINT_FULL_LEN:
		error = prop_u32(v, &n);
		pin->total_len = error ? 0 : n;
		return error;
	case NXPINT_BUFFER_ID:
		return prop_u32(v, &pin->buffer_id);
	case NXPINT_TABLE_ID:
		pin->table_id = cursor_u8(&v);
		break;
	case NXPINT_COOKIE:
		if (cursor_left(&v) != 12)
			return OFPBPC_BAD_LEN;
		cursor_skip(&v, 4);
		cursor_copy(&v, &pin->cookie, 8);
		pin->have_cookie = true;
		break;
	case NXPINT_REASON:
		pin->reason = cursor_u8(&v);
		break;
	case NXPINT_METADATA:
		return nx_match_decode(v, strict, &pin->metadata, NULL, NULL);
	case NXPINT_USERDATA:
		pin->userdata_len = cursor_left(&v);
		pin->userdata = v.p;
		return 0;
	case NXPINT_CONTINUATION:
		cursor_skip(&v, 4);
		*continuation = v;
		break;
	default:
		return strict ? prop_unknown(type) : 0;
	}
	return v.bad ? OFPBPC_BAD_LEN : 0;
}

static int decode_nx2(struct cursor *c, bool strict, struct ofp_packet_in *pin)
{
	pin->cookie = UINT64_MAX;
	struct cursor continuation = {0};
	while (cursor_left(c)) {
		uint64_t type;
		struct cursor v;
		int error = prop_pull(c, &type, &v);
		if (!error)
			error = nx2_property(pin, type, v, strict, &continuation);
		if (error)
			return error;
	}
	if (!pin->packet_len)
		return OFPBRC_BAD_LEN;
	if (!pin->total_len)
		pin->total_len = pin->packet_len;
	if (pin->total_len < pin->packet_len)
		return OFPBRC_BAD_LEN;
	pin->continuation = continuation;
	pin->has_continuation = continuation.p;
	return 0;
}

bool ofp_encode_resume(struct buf *b, const struct ofp_msg *packet_in, uint32_t xid)
{
	struct cursor c = packet_in->body;
	bool waits = false;
	if (strcmp(ofp_msg_name(packet_in), "NXT_PACKET_IN2"))
		return false;
	size_t at = ofp_begin(b, OFPTYPE_RESUME, true, packet_in->version, xid);
	while (cursor_left(&c)) {
		uint64_t type;
		struct cursor v;
		const uint8_t *start = c.p;
		if (prop_pull(&c, &type, &v))
			break;
		waits |= type == NXPINT_CONTINUATION;
		if (type != NXPINT_FULL_LEN && type != NXPINT_BUFFER_ID && type != NXPINT_USERDATA)
			buf_add(b, start, (size_t)(c.p - start));
	}
	if (!waits)
		b->len = at;
	return waits && ofp_end(b, at);
}

static int decode_standard(struct cursor *c, uint8_t version, struct ofp_packet_in *pin)
{
	int error = 0;
	pin->buffer_id = cursor_be32(c);
	if (version == OFP11) {
		error = ofp11_port_decode(cursor_be32(c), &pin->metadata.flow.in_port);
		cursor_skip(c, 4);
	}
	pin->total_len = cursor_be16(c);
	if (version == OFP10)
		pin->metadata.flow.in_port = cursor_be16(c);
	pin->reason = cursor_u8(c);
	uint8_t table_id = cursor_u8(c);
	pin->table_id = version == OFP10 ? 0 : table_id; // padding in 1.0
	if (version >= OFP13) {
		cursor_copy(c, &pin->cookie, 8);
		pin->have_cookie = true;
	}
	if (version >= OFP12) {
		error = ofp12_match_decode(c, false, &pin->metadata);
		cursor_skip(c, 2);
	} else {
		pin->metadata.mask.in_port = UINT32_MAX;
	}
	return error ? error : take_packet(c, pin);
}

static void packet_in_init(struct ofp_packet_in *pin)
{
	memset(pin, 0, sizeof(*pin));
	match_init_any(&pin->metadata);
	pin->buffer_id = OFP_NO_BUFFER;
	pin->cookie = UINT64_MAX;
}

int ofp_decode_packet_in(const struct ofp_msg *m, struct ofp_packet_in *pin)
{
	struct cursor c = m->body;
	packet_in_init(pin);
	if (!m->nx)
		return decode_standard(&c, m->version, pin);
	return strcmp(ofp_msg_name(m), "NXT_PACKET_IN") ? decode_nx2(&c, false, pin)
							: decode_nx(&c, pin);
}

int ofp_decode_resume(const struct ofp_msg *m, struct ofp_packet_in *pin)
{
	struct cursor c = m->body;
	packet_in_init(pin);
	return decode_nx2(&c, true, pin);
}

// --- Packet out.

void ofp_packet_out_done(struct ofp_packet_out *po)
{
	buf_done(&po->actions);
}

bool ofp_packet_out_may_say(enum field_id id)
{
	if (id == FIELD_TUN_TTL || id == FIELD_TUN_TOS)
		return false;
	return id == FIELD_PACKET_TYPE || id == FIELD_METADATA || id == FIELD_IN_PORT ||
	       id == FIELD_IN_PORT_OXM || (id >= FIELD_TUN_ID && id <= FIELD_TUN_METADATA63) ||
	       (id >= FIELD_REG0 && id <= FIELD_XXREG3);
}

static bool only_pipeline_fields(const struct match *m)
{
	for (unsigned int i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = field_get((enum field_id)i);
		union field_value mask;
		if (ofp_packet_out_may_say(f->id))
			continue;
		memset(&mask, 0, sizeof(mask));
		field_get_value(f, &m->mask, &mask);
		if (!field_mask_is_zero(f, &mask))
			return false;
	}
	return true;
}

static bool in_port_ok(uint32_t port)
{
	return port < OFPP_MAX || port == OFPP_LOCAL || port == OFPP_NONE ||
	       port == OFPP_CONTROLLER;
}

int ofp_decode_packet_out(const struct ofp_msg *m, struct ofp_packet_out *po)
{
	struct cursor c = m->body;
	uint16_t actions_len;
	int error = 0;
	buf_clear(&po->actions);
	po->packet = NULL;
	po->packet_len = 0;
	match_init_any(&po->metadata);
	po->metadata.mask.in_port = UINT32_MAX;
	po->buffer_id = cursor_be32(&c);
	if (m->version == OFP10) {
		po->metadata.flow.in_port = cursor_be16(&c);
		actions_len = cursor_be16(&c);
	} else if (m->version < OFP15) {
		if (ofp11_port_decode(cursor_be32(&c), &po->metadata.flow.in_port))
			return OFPBAC_BAD_OUT_PORT;
		actions_len = cursor_be16(&c);
		cursor_skip(&c, 6);
	} else {
		actions_len = cursor_be16(&c);
		cursor_skip(&c, 2);
		error = ofp12_match_decode(&c, false, &po->metadata);
		if (!only_pipeline_fields(&po->metadata)) // even if what follows is wrong, too
			error = OFPBRC_PIPELINE_FIELDS_ONLY;
		if (!error && !po->metadata.mask.in_port)
			error = OFPBRC_BAD_PORT;
	}
	if (error)
		return error;
	struct cursor actions = cursor_sub(&c, actions_len);
	if (c.bad || actions.bad || actions_len % 8)
		return OFPBRC_BAD_LEN;
	error = ofpacts_decode_outside_flow(actions, m->version, &po->actions);
	if (error)
		return error;
	if (!in_port_ok(po->metadata.flow.in_port))
		return OFPBRC_BAD_PORT;
	if (po->buffer_id == OFP_NO_BUFFER) {
		po->packet_len = cursor_left(&c);
		po->packet = cursor_take(&c, po->packet_len);
	}
	return 0;
}

void ofp_encode_packet_out(struct buf *b, const struct ofp_packet_out *po,
			   enum ofp_protocol protocol, uint32_t xid)
{
	uint8_t version = ofp_protocol_version(protocol);
	uint32_t in_port = po->metadata.flow.in_port;
	size_t at = ofp_begin(b, OFPTYPE_PACKET_OUT, false, version, xid), len_at;
	buf_add_be32(b, po->buffer_id);
	if (version == OFP10)
		buf_add_be16(b, (uint16_t)in_port);
	else if (version < OFP15)
		buf_add_be32(b, ofp11_port_encode(in_port));
	len_at = b->len;
	buf_add_zeros(b, version == OFP10 ? 2 : version < OFP15 ? 8 : 4);
	if (version >= OFP15)
		ofp11_match_encode(b, version, &po->metadata);
	size_t actions_at = b->len;
	ofpacts_encode(b, version, po->actions.data, po->actions.len);
	put_be16(b->data + len_at, (uint16_t)(b->len - actions_at));
	if (po->buffer_id == OFP_NO_BUFFER)
		buf_add(b, po->packet, po->packet_len);
	ofp_end(b, at);
}
