/* SPDX-License-Identifier: Apache-2.0 */
// Actions on the IP header: DSCP, ECN and TTL as OpenFlow 1.0 and 1.1 set them, which go out as
// set_field from 1.2 on, and dec_ttl.
#include "openflow/action_row.h"

#include <stdlib.h>
#include <string.h>

enum { V10 = OFP10, V11 = OFP11, V15 = OFP15 };
enum { // wire types
	OFPAT10_SET_NW_TOS = 8,
	OFPAT11_SET_NW_TOS = 7,
	OFPAT11_SET_NW_ECN = 8,
	OFPAT11_SET_NW_TTL = 23,
	OFPAT11_DEC_NW_TTL = 24,
	NXAST_DEC_TTL = 18,
	NXAST_DEC_TTL_CNT_IDS = 21,
};

static int check_ip_any(struct ofpact *a, struct ofpact_check *c)
{
	if (!match_is_ip(c->match))
		ofpact_inconsistent(c);
	return 0;
}

// --- DSCP, ECN, TTL

static int decode_u8(struct ofpact_decode *d, enum ofpact_type type, uint8_t bad_bits)
{
	struct ofpact_u8 *o = ofpact_add(d->out, type, sizeof(*o));
	o->value = cursor_u8(&d->body);
	return o->value & bad_bits ? OFPBAC_BAD_ARGUMENT : 0;
}

static uint8_t u8_value(const struct ofpact *a)
{
	return ((const struct ofpact_u8 *)(const void *)a)->value;
}

static void put_u8(struct buf *b, uint16_t type, uint8_t value)
{
	size_t at = ofpact_put(b, type);
	buf_add_u8(b, value);
	ofpact_put_end(b, at);
}

static int decode_dscp(struct ofpact_decode *d)
{
	return decode_u8(d, OFPACT_SET_IP_DSCP, 3);
}

static void encode_dscp(struct buf *b, uint8_t version, const struct ofpact *a)
{
	if (version < OFP12) {
		put_u8(b, version == OFP10 ? OFPAT10_SET_NW_TOS : OFPAT11_SET_NW_TOS, u8_value(a));
		return;
	}
	union field_value v = {.u8 = u8_value(a) >> 2};
	ofpact_put_set_field(b, version, field_get(FIELD_IP_DSCP_SHIFTED), &v, NULL);
}

static void format_dscp(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, "mod_nw_tos:");
	str_add_u64(s, u8_value(a));
}

static struct error *parse_u8_action(struct ofpact_parse *p, char *arg, enum ofpact_type type,
				     const char *what, uint8_t bad_bits)
{
	struct ofpact_u8 *o = ofpact_add(p->out, type, sizeof(*o));
	struct error *e = text_u8(arg, what, &o->value);
	if (!e && o->value & bad_bits)
		e = error_new("%s: not a valid %s", arg, what);
	return e;
}

static struct error *parse_dscp(struct ofpact_parse *p, char *arg)
{
	return parse_u8_action(p, arg, OFPACT_SET_IP_DSCP, "TOS", 3);
}

const struct ofpact_row ofpact_set_ip_dscp_row = {
	.name = "mod_nw_tos",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_SET_NW_TOS, V10, V10, 8, false, decode_dscp},
			{0, OFPAT11_SET_NW_TOS, V11, V15, 8, false, decode_dscp},
			{0},
		},
	.words = (const struct ofpact_word[]){{"mod_nw_tos", parse_dscp}, {0}},
	.encode = encode_dscp,
	.format = format_dscp,
	.check = check_ip_any,
};

static int decode_ecn(struct ofpact_decode *d)
{
	return decode_u8(d, OFPACT_SET_IP_ECN, 0xfc);
}

static void encode_ecn(struct buf *b, uint8_t version, const struct ofpact *a)
{
	union field_value v = {.u8 = u8_value(a)};
	if (version == OFP10)
		ofpact_put_reg_load(b, field_get(FIELD_IP_ECN), 0, 2, u8_value(a));
	else if (version == OFP11)
		put_u8(b, OFPAT11_SET_NW_ECN, u8_value(a));
	else
		ofpact_put_set_field(b, version, field_get(FIELD_IP_ECN), &v, NULL);
}

static void format_ecn(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, "mod_nw_ecn:");
	str_add_u64(s, u8_value(a));
}

static struct error *parse_ecn(struct ofpact_parse *p, char *arg)
{
	return parse_u8_action(p, arg, OFPACT_SET_IP_ECN, "ECN", 0xfc);
}

const struct ofpact_row ofpact_set_ip_ecn_row = {
	.name = "mod_nw_ecn",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_SET_NW_ECN, V11, V15, 8, false, decode_ecn}, {0}},
	.words = (const struct ofpact_word[]){{"mod_nw_ecn", parse_ecn}, {0}},
	.encode = encode_ecn,
	.format = format_ecn,
	.check = check_ip_any,
};

static int decode_ttl(struct ofpact_decode *d)
{
	return decode_u8(d, OFPACT_SET_IP_TTL, 0);
}

static void encode_ttl(struct buf *b, uint8_t version, const struct ofpact *a)
{
	if (version == OFP10)
		ofpact_put_reg_load(b, field_get(FIELD_IP_TTL), 0, 8, u8_value(a));
	else
		put_u8(b, OFPAT11_SET_NW_TTL, u8_value(a));
}

static void format_ttl(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, "mod_nw_ttl:");
	str_add_u64(s, u8_value(a));
}

static struct error *parse_ttl(struct ofpact_parse *p, char *arg)
{
	return parse_u8_action(p, arg, OFPACT_SET_IP_TTL, "TTL", 0);
}

const struct ofpact_row ofpact_set_ip_ttl_row = {
	.name = "mod_nw_ttl",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_SET_NW_TTL, V11, V15, 8, false, decode_ttl}, {0}},
	.words = (const struct ofpact_word[]){{"mod_nw_ttl", parse_ttl}, {0}},
	.encode = encode_ttl,
	.format = format_ttl,
	.check = check_ip_any,
};

// --- dec_ttl

static struct ofpact_dec_ttl *add_dec_ttl(struct buf *out, uint16_t n)
{
	struct ofpact_dec_ttl *o = ofpact_add(out, OFPACT_DEC_TTL, sizeof(*o) + 2u * n);
	o->n_controllers = n;
	return o;
}

static int decode_dec_ttl(struct ofpact_decode *d)
{
	add_dec_ttl(d->out, 1);
	return 0;
}

static int decode_dec_ttl_ids(struct ofpact_decode *d)
{
	uint16_t n = cursor_be16(&d->body);
	if (!cursor_zeros(cursor_sub(&d->body, 4)))
		return NXBRC_MUST_BE_ZERO;
	if (cursor_left(&d->body) < 2u * n)
		return OFPBAC_BAD_LEN;
	struct ofpact_dec_ttl *o = add_dec_ttl(d->out, n);
	o->h.raw = RAW_DEC_TTL_IDS;
	for (uint16_t i = 0; i < n; i++)
		o->controllers[i] = cursor_be16(&d->body);
	return 0;
}

static void encode_dec_ttl(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_dec_ttl *o = (const void *)a;
	size_t at;
	if (a->raw == RAW_DEC_TTL_IDS || o->n_controllers != 1 || o->controllers[0]) {
		at = ofpact_put_nx(b, NXAST_DEC_TTL_CNT_IDS);
		buf_add_be16(b, o->n_controllers);
		buf_add_zeros(b, 4);
		for (uint16_t i = 0; i < o->n_controllers; i++)
			buf_add_be16(b, o->controllers[i]);
	} else if (version == OFP10) {
		at = ofpact_put_nx(b, NXAST_DEC_TTL);
	} else {
		at = ofpact_put(b, OFPAT11_DEC_NW_TTL);
		buf_add_zeros(b, 4);
	}
	ofpact_put_end(b, at);
}

static void format_dec_ttl(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_dec_ttl *o = (const void *)a;
	str_mark(s, MARK_PAREN, "dec_ttl");
	if (a->raw != RAW_DEC_TTL_IDS)
		return;
	str_mark(s, MARK_PAREN, "(");
	for (uint16_t i = 0; i < o->n_controllers; i++)
		str_addf(s, "%s%u", i ? "," : "", o->controllers[i]);
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_dec_ttl(struct ofpact_parse *p, char *arg)
{
	uint16_t ids[256], n = 0;
	char *save = NULL;
	for (char *w = strtok_r(arg, ", ", &save); w && n < 256; w = strtok_r(NULL, ", ", &save))
		ids[n++] = (uint16_t)atoi(w);
	struct ofpact_dec_ttl *o = add_dec_ttl(p->out, n ? n : 1);
	if (n) {
		o->h.raw = RAW_DEC_TTL_IDS;
		memcpy(o->controllers, ids, 2u * n);
	}
	return NULL;
}

const struct ofpact_row ofpact_dec_ttl_row = {
	.name = "dec_ttl",
	.place = SET_DEC_TTL,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_DEC_NW_TTL, V11, V15, 8, false, decode_dec_ttl},
			{OFP_VENDOR_NX, NXAST_DEC_TTL, V10, V10, 16, false, decode_dec_ttl},
			{OFP_VENDOR_NX, NXAST_DEC_TTL_CNT_IDS, V10, V15, 16, true,
			 decode_dec_ttl_ids},
			{0},
		},
	.words = (const struct ofpact_word[]){{"dec_ttl", parse_dec_ttl}, {0}},
	.encode = encode_dec_ttl,
	.format = format_dec_ttl,
	.check = check_ip_any,
};
