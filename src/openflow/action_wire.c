/* SPDX-License-Identifier: Apache-2.0 */
// Lists of actions and instructions to and from the wire. Each action has a type and a length; a
// vendor's action has its vendor and a subtype behind them. What an action looks like inside is its
// row's matter.
#include "openflow/action_row.h"

#include <assert.h>

enum { ACTION_VENDOR = 0xffff, HEADER = 4, NX_HEADER = 10 };
enum { // instructions of 1.1 and later
	OFPIT_GOTO_TABLE = 1,
	OFPIT_WRITE_METADATA = 2,
	OFPIT_WRITE_ACTIONS = 3,
	OFPIT_APPLY_ACTIONS = 4,
	OFPIT_CLEAR_ACTIONS = 5,
	OFPIT_METER = 6,
	OFPIT_STAT_TRIGGER = 7,
	OFPIT_N = 8,
	OFPIT_EXPERIMENTER = 0xffff,
};

static const struct ofpact_wire *wire_of(enum ofpact_type action, uint32_t vendor, uint16_t type,
					 uint8_t version)
{
	const struct ofpact_wire *w = ofpact_row(action)->wires;
	for (; w && w->decode; w++)
		if (w->type == type && w->vendor == vendor && version >= w->v_min &&
		    version <= w->v_max)
			return w;
	return NULL;
}

// Where to look first, for what there is most of. Whether it is there, its row says.
static enum ofpact_type likely_action(uint32_t vendor, uint16_t type)
{
	static const uint8_t standard[] = {[0] = OFPACT_OUTPUT,
					   [22] = OFPACT_GROUP,
					   [24] = OFPACT_DEC_TTL,
					   [25] = OFPACT_SET_FIELD};
	static const uint8_t nicira[] = {
		[1] = OFPACT_RESUBMIT,	[6] = OFPACT_REG_MOVE, [7] = OFPACT_SET_FIELD,
		[14] = OFPACT_RESUBMIT, [16] = OFPACT_LEARN,   [35] = OFPACT_CT,
		[36] = OFPACT_NAT};
	if (vendor == OFP_VENDOR_NX && type < sizeof(nicira))
		return (enum ofpact_type)nicira[type];
	return (enum ofpact_type)(!vendor && type < sizeof(standard) ? standard[type] : 0);
}

static const struct ofpact_wire *find_wire(uint32_t vendor, uint16_t type, uint8_t version)
{
	const struct ofpact_wire *likely =
		wire_of(likely_action(vendor, type), vendor, type, version);
	if (likely)
		return likely;
	for (int i = 0; i < OFPACT_N_TYPES; i++) {
		const struct ofpact_wire *w = wire_of((enum ofpact_type)i, vendor, type, version);
		if (w)
			return w;
	}
	return NULL;
}

static int decode_one(struct cursor *list, struct ofpact_decode *d)
{
	struct cursor peek = *list;
	uint32_t vendor = 0;
	uint16_t type = cursor_be16(&peek), len = cursor_be16(&peek);
	size_t header = HEADER;
	if (peek.bad)
		return OFPBAC_BAD_LEN;
	// What it is comes first, then whether it is long enough for that.
	if (type == ACTION_VENDOR) {
		vendor = cursor_be32(&peek);
		if (peek.bad)
			return OFPBAC_BAD_LEN;
		if (vendor != OFP_VENDOR_NX && vendor != OFP_VENDOR_ONF)
			return OFPBAC_BAD_VENDOR;
		type = cursor_be16(&peek);
		header = NX_HEADER;
		if (peek.bad)
			return OFPBAC_BAD_LEN;
	}
	const struct ofpact_wire *w = find_wire(vendor, type, d->version);
	if (!w)
		return vendor ? OFPBAC_BAD_VENDOR_TYPE : OFPBAC_BAD_TYPE;
	if (len < 8 || len % 8 || len > cursor_left(list) ||
	    (w->more ? len < w->len : len != w->len))
		return OFPBAC_BAD_LEN;
	struct cursor body = cursor_sub(list, len);
	cursor_skip(&body, header);
	d->body = body;
	int error = w->decode(d);
	return error ? error : d->body.bad ? OFPBAC_BAD_LEN : 0;
}

static int decode_list(struct cursor list, uint8_t version, struct buf *out, unsigned int depth)
{
	if (depth > OFPACT_MAX_DEPTH)
		return OFPBAC_TOO_MANY;
	buf_reserve(out, 3 * cursor_left(&list)); // what most lists need
	while (cursor_left(&list)) {
		struct ofpact_decode d = {.version = version, .out = out, .depth = depth};
		int error = decode_one(&list, &d);
		if (error)
			return error;
		if (out->len > UINT16_MAX)
			return OFPBAC_TOO_MANY;
	}
	return 0;
}

static int decode_and_verify(struct cursor list, uint8_t version, bool allow_instructions,
			     struct buf *out)
{
	size_t start = out->len;
	if (cursor_left(&list) % 8)
		return OFPBRC_BAD_LEN;
	int error = decode_list(list, version, out, 0);
	return error ? error
		     : ofpacts_verify(buf_from(out, start), out->len - start, version,
				      allow_instructions, NULL);
}

int ofpacts_decode(struct cursor list, uint8_t version, struct buf *out)
{
	return decode_and_verify(list, version, version == OFP10, out);
}

int ofpacts_decode_outside_flow(struct cursor list, uint8_t version, struct buf *out)
{
	return decode_and_verify(list, version, false, out);
}

int ofpacts_decode_nested(struct ofpact_decode *d, struct buf *list)
{
	return decode_list(d->body, d->version, list, d->depth + 1);
}

int ofpact_set_error(int error)
{
	if (error == OFPBMC_BAD_FIELD || error == OFPBMC_BAD_MASK)
		return OFPBAC_BAD_SET_TYPE;
	return error == OFPBMC_BAD_LEN ? OFPBAC_BAD_SET_LEN : error;
}

// --- Writing.

size_t ofpact_put(struct buf *b, uint16_t type)
{
	size_t at = b->len;
	buf_add_be16(b, type);
	buf_add_be16(b, 0);
	return at;
}

size_t ofpact_put_nx(struct buf *b, uint16_t subtype)
{
	size_t at = ofpact_put(b, ACTION_VENDOR);
	buf_add_be32(b, OFP_VENDOR_NX);
	buf_add_be16(b, subtype);
	return at;
}

void ofpact_put_end(struct buf *b, size_t at)
{
	buf_pad(b, at, 8);
	put_be16(b->data + at + 2, (uint16_t)(b->len - at));
}

void ofpacts_encode(struct buf *b, uint8_t version, const void *list, size_t n)
{
	OFPACT_FOREACH (a, list, n)
		ofpact_row(a->type)->encode(b, version, a);
}

uint16_t subfield_encode_bits(const struct subfield *sf)
{
	return (uint16_t)(sf->offset << 6 | (sf->n_bits - 1));
}

void subfield_decode_bits(uint16_t bits, struct subfield *sf)
{
	sf->offset = bits >> 6;
	sf->n_bits = (uint16_t)((bits & 63) + 1);
}

// --- Instructions.

struct instructions {
	struct cursor of[OFPIT_N]; // bodies
	bool has[OFPIT_N];
};

// 0: as long as what it holds.
static size_t exact_len(uint16_t type)
{
	if (type == OFPIT_WRITE_METADATA)
		return 24;
	return type == OFPIT_GOTO_TABLE || type == OFPIT_METER || type == OFPIT_CLEAR_ACTIONS ? 8
											      : 0;
}

static int read_instructions(struct cursor c, uint8_t version, struct instructions *in)
{
	*in = (struct instructions){0};
	if (cursor_left(&c) % 8)
		return OFPBIC_BAD_LEN;
	while (cursor_left(&c)) {
		struct cursor peek = c;
		uint16_t type = cursor_be16(&peek), len = cursor_be16(&peek);
		if (peek.bad || len < 8 || len % 8 || len > cursor_left(&c))
			return OFPBIC_BAD_LEN;
		struct cursor body = cursor_sub(&c, len);
		cursor_skip(&body, 4);
		if (type == OFPIT_EXPERIMENTER)
			return OFPBIC_BAD_EXPERIMENTER;
		if (type == 0 || type >= OFPIT_N)
			return OFPBIC_UNKNOWN_INST;
		if (exact_len(type) && len != exact_len(type))
			return OFPBIC_BAD_LEN;
		if (type == OFPIT_METER && version >= OFP15) // where it is an action
			return OFPBIC_UNKNOWN_INST;
		if (type == OFPIT_STAT_TRIGGER && version < OFP15)
			return OFPBIC_UNKNOWN_INST;
		if (in->has[type])
			return OFPBIC_DUP_INST;
		in->has[type] = true;
		in->of[type] = body;
	}
	return 0;
}

static int decode_write_actions(struct cursor body, uint8_t version, struct buf *out)
{
	size_t at = out->len;
	cursor_skip(&body, 4);
	ofpact_add(out, OFPACT_WRITE_ACTIONS, sizeof(struct ofpact_nest));
	int error = decode_list(body, version, out, 1);
	struct ofpact_nest *nest = (void *)(out->data + at);
	nest->raw_len = (uint32_t)(out->len - at - sizeof(*nest));
	nest->h.len = (uint16_t)(out->len - at);
	if (error)
		return error;
	error = ofpacts_verify_in(nest + 1, nest->raw_len, version, false, OFPACT_WRITE_ACTIONS,
				  NULL);
	return error ? error : ofpacts_check_set(nest + 1, nest->raw_len);
}

int ofpacts_decode_instructions(struct cursor c, uint8_t version, struct buf *out)
{
	struct instructions in;
	size_t start = out->len;
	if (version == OFP10)
		return ofpacts_decode(c, version, out);
	int error = read_instructions(c, version, &in);
	if (error)
		return error;
	if (in.has[OFPIT_METER]) {
		struct ofpact_meter *m = ofpact_add(out, OFPACT_METER, sizeof(*m));
		m->meter_id = cursor_be32(&in.of[OFPIT_METER]);
	}
	if (in.has[OFPIT_APPLY_ACTIONS]) {
		struct cursor body = in.of[OFPIT_APPLY_ACTIONS];
		cursor_skip(&body, 4);
		error = decode_list(body, version, out, 0);
	}
	if (!error && in.has[OFPIT_CLEAR_ACTIONS])
		ofpact_add(out, OFPACT_CLEAR_ACTIONS, sizeof(struct ofpact));
	if (!error && in.has[OFPIT_WRITE_ACTIONS])
		error = decode_write_actions(in.of[OFPIT_WRITE_ACTIONS], version, out);
	if (error)
		return error;
	if (in.has[OFPIT_WRITE_METADATA]) {
		struct cursor body = in.of[OFPIT_WRITE_METADATA];
		struct ofpact_metadata *m = ofpact_add(out, OFPACT_WRITE_METADATA, sizeof(*m));
		cursor_skip(&body, 4);
		cursor_copy(&body, &m->value, 8);
		cursor_copy(&body, &m->mask, 8);
	}
	if (in.has[OFPIT_STAT_TRIGGER])
		error = ofpact_stat_trigger_decode(in.of[OFPIT_STAT_TRIGGER], out);
	if (error)
		return error;
	if (in.has[OFPIT_GOTO_TABLE]) {
		struct ofpact_goto_table *g = ofpact_add(out, OFPACT_GOTO_TABLE, sizeof(*g));
		g->table = cursor_u8(&in.of[OFPIT_GOTO_TABLE]);
	}
	return out->len > UINT16_MAX ? OFPBAC_TOO_MANY
				     : ofpacts_verify(buf_from(out, start), out->len - start,
						      version, true, NULL);
}

static void put_nested(struct buf *b, uint16_t type, uint8_t version, const void *list, size_t n)
{
	size_t at = b->len;
	buf_add_be16(b, type);
	buf_add_be16(b, 0);
	buf_add_be32(b, 0);
	ofpacts_encode(b, version, list, n);
	put_be16(b->data + at + 2, (uint16_t)(b->len - at));
}

static void put_instruction(struct buf *b, uint8_t version, const struct ofpact *a)
{
	size_t at = b->len;
	const struct ofpact_nest *nest = (const void *)a;
	const struct ofpact_metadata *m = (const void *)a;
	const struct ofpact_goto_table *g = (const void *)a;
	if (a->type == OFPACT_METER) {
		if (version >= OFP13) {
			ofpact_put(b, OFPIT_METER);
			buf_add_be32(b, ((const struct ofpact_meter *)(const void *)a)->meter_id);
			ofpact_put_end(b, at);
		}
		return;
	}
	if (a->type == OFPACT_STAT_TRIGGER) {
		if (version >= OFP15) {
			ofpact_put(b, OFPIT_STAT_TRIGGER);
			ofpact_stat_trigger_encode(b, a);
			ofpact_put_end(b, at);
		}
		return;
	}
	if (a->type == OFPACT_WRITE_ACTIONS) {
		if (nest->raw_len) // nothing to write is written as nothing
			put_nested(b, OFPIT_WRITE_ACTIONS, version, nest + 1, nest->raw_len);
		return;
	}
	if (a->type == OFPACT_CLEAR_ACTIONS) {
		ofpact_put(b, OFPIT_CLEAR_ACTIONS);
		buf_add_be32(b, 0);
	} else if (a->type == OFPACT_WRITE_METADATA) {
		ofpact_put(b, OFPIT_WRITE_METADATA);
		buf_add_be32(b, 0);
		buf_add(b, &m->value, 8);
		buf_add(b, &m->mask, 8);
	} else {
		assert(a->type == OFPACT_GOTO_TABLE);
		ofpact_put(b, OFPIT_GOTO_TABLE);
		buf_add_u8(b, g->table);
		buf_add_zeros(b, 3);
	}
	ofpact_put_end(b, at);
}

static enum ofpact_instruction instruction_of(const struct ofpact *a, uint8_t version)
{
	enum ofpact_instruction inst = ofpact_row(a->type)->instruction;
	return inst == INST_METER && version >= OFP15 ? INST_APPLY : inst;
}

void ofpacts_encode_instructions(struct buf *b, uint8_t version, const void *list, size_t n)
{
	if (version == OFP10) {
		ofpacts_encode(b, version, list, n);
		return;
	}
	const uint8_t *p = list, *end = n ? p + n : p; // an empty list may be NULL
	while (p < end) {
		const struct ofpact *a = (const void *)p;
		const uint8_t *applied = p;
		for (; p < end && instruction_of((const void *)p, version) == INST_APPLY;
		     p += ofpact_size((const void *)p))
			;
		if (p > applied) {
			put_nested(b, OFPIT_APPLY_ACTIONS, version, applied, (size_t)(p - applied));
			continue;
		}
		put_instruction(b, version, a);
		p += ofpact_size(a);
	}
}
