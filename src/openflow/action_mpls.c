/* SPDX-License-Identifier: Apache-2.0 */
// MPLS labels: pushed and popped, and the fields of the outermost label. OpenFlow 1.0 has them as
// Nicira's extensions; from 1.2 on label and traffic class go out as set_field.
#include "openflow/action_row.h"

enum { V10 = OFP10, V11 = OFP11, V15 = OFP15 };
enum { // wire types
	OFPAT11_SET_MPLS_LABEL = 13,
	OFPAT11_SET_MPLS_TC = 14,
	OFPAT11_SET_MPLS_TTL = 15,
	OFPAT11_DEC_MPLS_TTL = 16,
	OFPAT11_PUSH_MPLS = 19,
	OFPAT11_POP_MPLS = 20,
	NXAST_PUSH_MPLS = 23,
	NXAST_POP_MPLS = 24,
	NXAST_SET_MPLS_TTL = 25,
	NXAST_DEC_MPLS_TTL = 26,
	NXAST_SET_MPLS_LABEL = 30,
	NXAST_SET_MPLS_TC = 31,
};
enum { DL_MPLS = 0x8847, DL_MPLS_MC = 0x8848, MAX_LABEL = 0xfffff };

static size_t put(struct buf *b, uint8_t version, uint16_t of11, uint16_t nx)
{
	return version == OFP10 ? ofpact_put_nx(b, nx) : ofpact_put(b, of11);
}

// The extensions have padding where OpenFlow's own actions have nothing.
static void skip_pad(struct ofpact_decode *d, size_t n)
{
	if (d->version == OFP10)
		cursor_skip(&d->body, n);
}

static int check_mpls(struct ofpact *a, struct ofpact_check *c)
{
	if (!match_is_mpls(c->match))
		ofpact_inconsistent(c);
	return 0;
}

// --- set_mpls_label

static int decode_label(struct ofpact_decode *d)
{
	struct ofpact_mpls_label *o = ofpact_add(d->out, OFPACT_SET_MPLS_LABEL, sizeof(*o));
	skip_pad(d, 2);
	o->label = cursor_be32(&d->body);
	return 0;
}

static void encode_label(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_mpls_label *o = (const void *)a;
	if (version >= OFP12) {
		union field_value v = {.be32 = htobe32(o->label)};
		ofpact_put_set_field(b, version, field_get(FIELD_MPLS_LABEL), &v, NULL);
		return;
	}
	size_t at = put(b, version, OFPAT11_SET_MPLS_LABEL, NXAST_SET_MPLS_LABEL);
	if (version == OFP10)
		buf_add_zeros(b, 2);
	buf_add_be32(b, o->label);
	ofpact_put_end(b, at);
}

static void format_label(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PAREN, "set_mpls_label(");
	str_add_u64(s, ((const struct ofpact_mpls_label *)(const void *)a)->label);
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_label(struct ofpact_parse *p, char *arg)
{
	struct ofpact_mpls_label *o = ofpact_add(p->out, OFPACT_SET_MPLS_LABEL, sizeof(*o));
	if (!*arg)
		return error_new("set_mpls_label: expected label.");
	struct error *e = text_u32(arg, &o->label);
	return !e && o->label > MAX_LABEL ? error_new("%s: not a valid MPLS label", arg) : e;
}

const struct ofpact_row ofpact_set_mpls_label_row = {
	.name = "set_mpls_label",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_SET_MPLS_LABEL, V11, V15, 8, false, decode_label},
			{OFP_VENDOR_NX, NXAST_SET_MPLS_LABEL, V10, V10, 16, false, decode_label},
			{0},
		},
	.words = (const struct ofpact_word[]){{"set_mpls_label", parse_label}, {0}},
	.encode = encode_label,
	.format = format_label,
	.check = check_mpls,
};

// --- set_mpls_tc, set_mpls_ttl

static uint8_t u8_value(const struct ofpact *a)
{
	return ((const struct ofpact_u8 *)(const void *)a)->value;
}

static int decode_u8(struct ofpact_decode *d, enum ofpact_type type, uint8_t max)
{
	struct ofpact_u8 *o = ofpact_add(d->out, type, sizeof(*o));
	o->value = cursor_u8(&d->body);
	return o->value > max ? OFPBAC_BAD_ARGUMENT : 0;
}

static void put_u8(struct buf *b, uint8_t version, uint16_t of11, uint16_t nx, uint8_t value)
{
	size_t at = put(b, version, of11, nx);
	buf_add_u8(b, value);
	ofpact_put_end(b, at);
}

static struct error *parse_number(struct ofpact_parse *p, const char *arg, enum ofpact_type type,
				  const char *name, const char *what)
{
	struct ofpact_u8 *o = ofpact_add(p->out, type, sizeof(*o));
	if (!*arg)
		return error_new("%s: expected %s.", name, what);
	if (parse_u8(arg, 0, &o->value))
		return error_new("invalid MPLS %s \"%s\"",
				 type == OFPACT_SET_MPLS_TC ? "TC" : "TTL", arg);
	if (type == OFPACT_SET_MPLS_TC && o->value > 7)
		return error_new("%s: not a valid MPLS TC", arg);
	return NULL;
}

static int decode_tc(struct ofpact_decode *d)
{
	return decode_u8(d, OFPACT_SET_MPLS_TC, UINT8_MAX);
}

static void encode_tc(struct buf *b, uint8_t version, const struct ofpact *a)
{
	union field_value v = {.u8 = u8_value(a)};
	if (version >= OFP12)
		ofpact_put_set_field(b, version, field_get(FIELD_MPLS_TC), &v, NULL);
	else
		put_u8(b, version, OFPAT11_SET_MPLS_TC, NXAST_SET_MPLS_TC, v.u8);
}

static void format_tc(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PAREN, "set_mpls_tc(");
	str_add_u64(s, u8_value(a));
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_tc(struct ofpact_parse *p, char *arg)
{
	return parse_number(p, arg, OFPACT_SET_MPLS_TC, "set_mpls_tc", "tc");
}

const struct ofpact_row ofpact_set_mpls_tc_row = {
	.name = "set_mpls_tc",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_SET_MPLS_TC, V11, V15, 8, false, decode_tc},
			{OFP_VENDOR_NX, NXAST_SET_MPLS_TC, V10, V10, 16, false, decode_tc},
			{0},
		},
	.words = (const struct ofpact_word[]){{"set_mpls_tc", parse_tc}, {0}},
	.encode = encode_tc,
	.format = format_tc,
	.check = check_mpls,
};

static int decode_ttl(struct ofpact_decode *d)
{
	return decode_u8(d, OFPACT_SET_MPLS_TTL, UINT8_MAX);
}

static void encode_ttl(struct buf *b, uint8_t version, const struct ofpact *a)
{
	put_u8(b, version, OFPAT11_SET_MPLS_TTL, NXAST_SET_MPLS_TTL, u8_value(a));
}

static void format_ttl(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PAREN, "set_mpls_ttl(");
	str_add_u64(s, u8_value(a));
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_ttl(struct ofpact_parse *p, char *arg)
{
	return parse_number(p, arg, OFPACT_SET_MPLS_TTL, "set_mpls_ttl", "ttl");
}

const struct ofpact_row ofpact_set_mpls_ttl_row = {
	.name = "set_mpls_ttl",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_SET_MPLS_TTL, V11, V15, 8, false, decode_ttl},
			{OFP_VENDOR_NX, NXAST_SET_MPLS_TTL, V10, V10, 16, false, decode_ttl},
			{0},
		},
	.words = (const struct ofpact_word[]){{"set_mpls_ttl", parse_ttl}, {0}},
	.encode = encode_ttl,
	.format = format_ttl,
	.check = check_mpls,
};

// --- dec_mpls_ttl

static int decode_dec_ttl(struct ofpact_decode *d)
{
	ofpact_add(d->out, OFPACT_DEC_MPLS_TTL, sizeof(struct ofpact));
	return 0;
}

static void encode_dec_ttl(struct buf *b, uint8_t version, const struct ofpact *a)
{
	size_t at = put(b, version, OFPAT11_DEC_MPLS_TTL, NXAST_DEC_MPLS_TTL);
	if (version != OFP10)
		buf_add_zeros(b, 4);
	ofpact_put_end(b, at);
}

static void format_dec_ttl(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_VALUE, "dec_mpls_ttl");
}

static struct error *parse_dec_ttl(struct ofpact_parse *p, char *arg)
{
	ofpact_add(p->out, OFPACT_DEC_MPLS_TTL, sizeof(struct ofpact));
	return NULL;
}

const struct ofpact_row ofpact_dec_mpls_ttl_row = {
	.name = "dec_mpls_ttl",
	.place = SET_DEC_MPLS_TTL,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_DEC_MPLS_TTL, V11, V15, 8, false, decode_dec_ttl},
			{OFP_VENDOR_NX, NXAST_DEC_MPLS_TTL, V10, V10, 16, false, decode_dec_ttl},
			{0},
		},
	.words = (const struct ofpact_word[]){{"dec_mpls_ttl", parse_dec_ttl}, {0}},
	.encode = encode_dec_ttl,
	.format = format_dec_ttl,
	.check = check_mpls,
};

// --- push_mpls, pop_mpls

static be16_t ethertype_of(const struct ofpact *a)
{
	return ((const struct ofpact_mpls_type *)(const void *)a)->ethertype;
}

static int decode_type(struct ofpact_decode *d, enum ofpact_type type)
{
	struct ofpact_mpls_type *o = ofpact_add(d->out, type, sizeof(*o));
	uint16_t dl_type = cursor_be16(&d->body);
	o->ethertype = htobe16(dl_type);
	return type == OFPACT_PUSH_MPLS && dl_type != DL_MPLS && dl_type != DL_MPLS_MC
		       ? OFPBAC_BAD_ARGUMENT
		       : 0;
}

static int decode_push(struct ofpact_decode *d)
{
	return decode_type(d, OFPACT_PUSH_MPLS);
}

static int decode_pop(struct ofpact_decode *d)
{
	return decode_type(d, OFPACT_POP_MPLS);
}

static void encode_type(struct buf *b, uint8_t version, const struct ofpact *a)
{
	bool push = a->type == OFPACT_PUSH_MPLS;
	size_t at = put(b, version, push ? OFPAT11_PUSH_MPLS : OFPAT11_POP_MPLS,
			push ? NXAST_PUSH_MPLS : NXAST_POP_MPLS);
	buf_add_be16(b, be16toh(ethertype_of(a)));
	ofpact_put_end(b, at);
}

static void format_type(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, a->type == OFPACT_PUSH_MPLS ? "push_mpls:" : "pop_mpls:");
	str_addf(s, "0x%04x", be16toh(ethertype_of(a)));
}

static struct error *parse_type(struct ofpact_parse *p, const char *arg, enum ofpact_type type)
{
	struct ofpact_mpls_type *o = ofpact_add(p->out, type, sizeof(*o));
	uint16_t dl_type = 0;
	struct error *e =
		text_u16(arg, type == OFPACT_PUSH_MPLS ? "push_mpls" : "pop_mpls", &dl_type);
	o->ethertype = htobe16(dl_type);
	return e;
}

static struct error *parse_push(struct ofpact_parse *p, char *arg)
{
	return parse_type(p, arg, OFPACT_PUSH_MPLS);
}

static struct error *parse_pop(struct ofpact_parse *p, char *arg)
{
	return parse_type(p, arg, OFPACT_POP_MPLS);
}

static int check_push(struct ofpact *a, struct ofpact_check *c)
{
	struct flow *f = &c->match->flow;
	if (f->packet_type)
		ofpact_inconsistent(c);
	// What is behind a label is not known any more.
	f->dl_type = ethertype_of(a);
	f->nw_proto = 0;
	return 0;
}

static int check_pop(struct ofpact *a, struct ofpact_check *c)
{
	struct flow *f = &c->match->flow;
	if (f->packet_type || !match_is_mpls(c->match))
		ofpact_inconsistent(c);
	f->dl_type = ethertype_of(a);
	return 0;
}

const struct ofpact_row ofpact_push_mpls_row = {
	.name = "push_mpls",
	.place = SET_PUSH_MPLS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_PUSH_MPLS, V11, V15, 8, false, decode_push},
			{OFP_VENDOR_NX, NXAST_PUSH_MPLS, V10, V10, 16, false, decode_push},
			{0},
		},
	.words = (const struct ofpact_word[]){{"push_mpls", parse_push}, {0}},
	.encode = encode_type,
	.format = format_type,
	.check = check_push,
};

const struct ofpact_row ofpact_pop_mpls_row = {
	.name = "pop_mpls",
	.place = SET_POP_MPLS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_POP_MPLS, V11, V15, 8, false, decode_pop},
			{OFP_VENDOR_NX, NXAST_POP_MPLS, V10, V10, 16, false, decode_pop},
			{0},
		},
	.words = (const struct ofpact_word[]){{"pop_mpls", parse_pop}, {0}},
	.encode = encode_type,
	.format = format_type,
	.check = check_pop,
};
