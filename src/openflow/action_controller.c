/* SPDX-License-Identifier: Apache-2.0 */
// controller: sends the packet to controllers, with more to say than an output to OFPP_CONTROLLER
// can. What that can say goes out as the first extension, which has a reason and an ID; userdata,
// pause and a meter are properties of the second one.
#include "openflow/action_row.h"

#include <string.h>

#include "openflow/packet_io.h"
#include "openflow/prop.h"

enum { V10 = OFP10, V15 = OFP15 };
enum { NO_METER = 0 };
enum { // wire subtypes
	NXAST_CONTROLLER = 20,
	NXAST_CONTROLLER2 = 37,
};

static struct ofpact_controller *add_controller(struct buf *out, const void *userdata, size_t n)
{
	struct ofpact_controller *o = ofpact_add(out, OFPACT_CONTROLLER, sizeof(*o) + n);
	o->max_len = UINT16_MAX;
	o->reason = OFPR_ACTION;
	o->meter_id = NO_METER;
	o->userdata_len = (uint16_t)n;
	if (n)
		memcpy(o->userdata, userdata, n);
	return o;
}

static int decode_controller(struct ofpact_decode *d)
{
	struct ofpact_controller *o = add_controller(d->out, NULL, 0);
	o->max_len = cursor_be16(&d->body);
	o->controller_id = cursor_be16(&d->body);
	o->reason = cursor_u8(&d->body);
	return 0;
}

enum { // properties of NXAST_CONTROLLER2
	NXAC2_MAX_LEN = 0,
	NXAC2_CONTROLLER_ID = 1,
	NXAC2_REASON = 2,
	NXAC2_USERDATA = 3,
	NXAC2_PAUSE = 4,
	NXAC2_METER_ID = 5,
};

static int controller_property(struct ofpact_controller *o, uint64_t type, struct cursor *value,
			       struct cursor *userdata)
{
	switch (type) {
	case NXAC2_MAX_LEN:
		o->max_len = cursor_be16(value);
		return 0;
	case NXAC2_CONTROLLER_ID:
		o->controller_id = cursor_be16(value);
		return 0;
	case NXAC2_REASON:
		o->reason = cursor_u8(value);
		return 0;
	case NXAC2_USERDATA:
		*userdata = *value;
		return 0;
	case NXAC2_PAUSE:
		o->pause = true;
		return 0;
	case NXAC2_METER_ID:
		o->meter_id = cursor_be32(value);
		return 0;
	}
	return prop_unknown(type);
}

static int decode_controller2(struct ofpact_decode *d)
{
	if (!cursor_zeros(cursor_sub(&d->body, 6)))
		return NXBRC_MUST_BE_ZERO;
	struct ofpact_controller o = {
		.max_len = UINT16_MAX, .reason = OFPR_ACTION, .meter_id = NO_METER};
	struct cursor userdata = {0};
	while (cursor_left(&d->body)) {
		uint64_t type;
		struct cursor value;
		int error = prop_pull(&d->body, &type, &value);
		if (!error)
			error = controller_property(&o, type, &value, &userdata);
		if (error || value.bad)
			return error ? error : OFPBPC_BAD_LEN;
	}
	struct ofpact_controller *added =
		add_controller(d->out, userdata.p, cursor_left(&userdata));
	added->h.raw = RAW_CONTROLLER2;
	added->max_len = o.max_len;
	added->controller_id = o.controller_id;
	added->reason = o.reason;
	added->pause = o.pause;
	added->meter_id = o.meter_id;
	return 0;
}

static void put_property(struct buf *b, uint16_t type, const void *value, size_t n)
{
	size_t at = b->len;
	buf_add_be16(b, type);
	buf_add_be16(b, (uint16_t)(4 + n));
	buf_add(b, value, n);
	buf_pad(b, at, 8);
}

static void put_property_u16(struct buf *b, uint16_t type, uint16_t value)
{
	be16_t v[2] = {htobe16(value), 0}; // its padding counts
	put_property(b, type, v, sizeof(v));
}

static void put_controller2(struct buf *b, const struct ofpact_controller *o)
{
	size_t at = ofpact_put_nx(b, NXAST_CONTROLLER2);
	buf_add_zeros(b, 6);
	if (o->max_len != UINT16_MAX)
		put_property_u16(b, NXAC2_MAX_LEN, o->max_len);
	if (o->controller_id)
		put_property_u16(b, NXAC2_CONTROLLER_ID, o->controller_id);
	if (o->reason != OFPR_ACTION)
		put_property(b, NXAC2_REASON, &o->reason, 1);
	if (o->userdata_len)
		put_property(b, NXAC2_USERDATA, o->userdata, o->userdata_len);
	if (o->pause)
		put_property(b, NXAC2_PAUSE, NULL, 0);
	if (o->meter_id != NO_METER) {
		be32_t id = htobe32(o->meter_id);
		put_property(b, NXAC2_METER_ID, &id, 4);
	}
	ofpact_put_end(b, at);
}

static void encode_controller(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_controller *o = (const void *)a;
	if (a->raw == RAW_CONTROLLER2 || o->userdata_len || o->pause || o->meter_id != NO_METER) {
		put_controller2(b, o);
		return;
	}
	size_t at = ofpact_put_nx(b, NXAST_CONTROLLER);
	buf_add_be16(b, o->max_len);
	buf_add_be16(b, o->controller_id);
	buf_add_u8(b, o->reason);
	ofpact_put_end(b, at);
}

static void format_controller(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_controller *o = (const void *)a;
	if (o->reason == OFPR_ACTION && !o->controller_id && !o->userdata_len && !o->pause &&
	    o->meter_id == NO_METER) {
		str_addf(s, "CONTROLLER:%u", o->max_len);
		return;
	}
	str_mark(s, MARK_PAREN, "controller(");
	if (o->reason >= OFPR_N_REASONS) {
		text_add_number(s, "reason", o->reason);
	} else if (o->reason != OFPR_ACTION) {
		str_mark(s, MARK_PARAM, "reason=");
		str_add(s, ofp_packet_in_reason_name(o->reason));
		str_addc(s, ',');
	}
	if (o->max_len != UINT16_MAX)
		text_add_number(s, "max_len", o->max_len);
	if (o->controller_id)
		text_add_number(s, "id", o->controller_id);
	if (o->userdata_len) {
		str_mark(s, MARK_PARAM, "userdata=");
		text_format_hex_bytes(s, o->userdata, o->userdata_len);
		str_addc(s, ',');
	}
	if (o->pause) {
		str_mark(s, MARK_VALUE, "pause");
		str_addc(s, ',');
	}
	if (o->meter_id != NO_METER)
		text_add_number(s, "meter_id", o->meter_id);
	str_chomp(s, ',');
	str_mark(s, MARK_PAREN, ")");
}

static struct error *controller_key(struct ofpact_controller *o, const char **userdata,
				    const char *key, const char *value)
{
	if (!strcmp(key, "reason"))
		return ofp_packet_in_reason_parse(value, &o->reason)
			       ? NULL
			       : error_new("unknown reason \"%s\"", value);
	if (!strcmp(key, "max_len"))
		return text_u16(value, "max_len", &o->max_len);
	if (!strcmp(key, "id"))
		return text_u16(value, "id", &o->controller_id);
	if (!strcmp(key, "userdata")) {
		*userdata = value;
		return NULL;
	}
	if (!strcmp(key, "pause")) {
		o->pause = true;
		return NULL;
	}
	if (!strcmp(key, "meter_id"))
		return text_u32(value, &o->meter_id);
	return error_new("unknown key \"%s\" parsing controller action", key);
}

// What says nothing special is an output.
static void add_plain(struct buf *out, uint16_t max_len)
{
	struct ofpact_output *o = ofpact_add(out, OFPACT_OUTPUT, sizeof(*o));
	o->port = OFPP_CONTROLLER;
	o->max_len = max_len;
}

static struct error *parse_controller(struct ofpact_parse *p, char *arg)
{
	if (!*arg) {
		add_plain(p->out, UINT16_MAX);
		return NULL;
	}
	uint16_t max_len;
	if (!arg[strspn(arg, "0123456789")]) {
		struct error *e = text_u16(arg, "max_len", &max_len);
		if (!e)
			add_plain(p->out, max_len);
		return e;
	}
	struct ofpact_controller o = {
		.max_len = UINT16_MAX, .reason = OFPR_ACTION, .meter_id = NO_METER};
	struct buf userdata = BUF_INIT;
	struct error *e = NULL;
	const char *hex = NULL;
	char *key, *value;
	while (!e && text_next_pair(&arg, &key, &value))
		e = controller_key(&o, &hex, key, value);
	if (!e && hex) {
		const char *end = text_hex_bytes(hex, &userdata);
		if (!end || *end)
			e = error_new("bad hex digit in `controller' action `userdata'");
	}
	if (!e && o.reason == OFPR_ACTION && !o.controller_id && !userdata.len && !o.pause &&
	    o.meter_id == NO_METER) {
		add_plain(p->out, o.max_len);
	} else if (!e) {
		struct ofpact_controller *a = add_controller(p->out, userdata.data, userdata.len);
		a->max_len = o.max_len;
		a->controller_id = o.controller_id;
		a->reason = o.reason;
		a->pause = o.pause;
		a->meter_id = o.meter_id;
	}
	buf_done(&userdata);
	return e;
}

static int check_controller(struct ofpact *a, struct ofpact_check *c)
{
	return ((struct ofpact_controller *)(void *)a)->reason < OFPR_N_REASONS ? 0
										: NXBRC_BAD_REASON;
}

const struct ofpact_row ofpact_controller_row = {
	.name = "controller",
	.place = SET_FORBIDDEN,
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_CONTROLLER, V10, V15, 16, false, decode_controller},
			{OFP_VENDOR_NX, NXAST_CONTROLLER2, V10, V15, 16, true, decode_controller2},
			{0},
		},
	.words = (const struct ofpact_word[]){{"controller", parse_controller}, {0}},
	.encode = encode_controller,
	.format = format_controller,
	.check = check_controller,
};
