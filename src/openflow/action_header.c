/* SPDX-License-Identifier: Apache-2.0 */
// Actions that change one header field each: those of OpenFlow 1.0 and 1.1. From 1.2 on they go out
// as set_field.
#include "openflow/action_row.h"

#include <stdlib.h>
#include <string.h>

#include "packet/address.h"

enum { V10 = OFP10, V11 = OFP11, V15 = OFP15 };
enum { // wire types; those above TP differ between 1.0 and 1.1
	OFPAT10_SET_DL_SRC = 4,
	OFPAT10_SET_DL_DST = 5,
	OFPAT10_SET_NW_SRC = 6,
	OFPAT10_SET_NW_DST = 7,
	OFPAT10_SET_NW_TOS = 8,
	OFPAT10_SET_TP_SRC = 9,
	OFPAT10_SET_TP_DST = 10,
	OFPAT11_SET_DL_SRC = 3,
	OFPAT11_SET_DL_DST = 4,
	OFPAT11_SET_NW_SRC = 5,
	OFPAT11_SET_NW_DST = 6,
	OFPAT11_SET_NW_TOS = 7,
	OFPAT11_SET_NW_ECN = 8,
	OFPAT11_SET_TP_SRC = 9,
	OFPAT11_SET_TP_DST = 10,
	OFPAT11_SET_NW_TTL = 23,
	OFPAT11_DEC_NW_TTL = 24,
	NXAST_SET_TUNNEL = 2,
	NXAST_SET_TUNNEL64 = 9,
	NXAST_DEC_TTL = 18,
	NXAST_DEC_TTL_CNT_IDS = 21,
};
enum { DL_IP = 0x0800, DL_IPV6 = 0x86dd, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_SCTP = 132 };

static bool is_ip_any(const struct match *m)
{
	return m->flow.dl_type == BE16(DL_IP) || m->flow.dl_type == BE16(DL_IPV6);
}

static int check_ip_any(struct ofpact *a, struct ofpact_check *c)
{
	if (!is_ip_any(c->match))
		ofpact_inconsistent(c);
	return 0;
}

static int check_ipv4(struct ofpact *a, struct ofpact_check *c)
{
	if (c->match->flow.dl_type != BE16(DL_IP))
		ofpact_inconsistent(c);
	return 0;
}

// --- Ethernet addresses

static int decode_mac(struct ofpact_decode *d, enum ofpact_type type)
{
	struct ofpact_mac *m = ofpact_add(d->out, type, sizeof(*m));
	cursor_copy(&d->body, m->mac, 6);
	return 0;
}

static int decode_eth_src(struct ofpact_decode *d)
{
	return decode_mac(d, OFPACT_SET_ETH_SRC);
}

static int decode_eth_dst(struct ofpact_decode *d)
{
	return decode_mac(d, OFPACT_SET_ETH_DST);
}

static void encode_mac(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_mac *m = (const void *)a;
	bool src = a->type == OFPACT_SET_ETH_SRC;
	if (version >= OFP12) {
		union field_value v = {0};
		memcpy(v.mac, m->mac, 6);
		ofpact_put_set_field(b, version, field_get(src ? FIELD_ETH_SRC : FIELD_ETH_DST), &v,
				     NULL);
		return;
	}
	size_t at = ofpact_put(
		b, (uint16_t)(version == OFP10 ? (src ? OFPAT10_SET_DL_SRC : OFPAT10_SET_DL_DST)
					       : (src ? OFPAT11_SET_DL_SRC : OFPAT11_SET_DL_DST)));
	buf_add(b, m->mac, 6);
	buf_add_zeros(b, 6);
	ofpact_put_end(b, at);
}

static void format_mac(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const uint8_t *m = ((const struct ofpact_mac *)(const void *)a)->mac;
	str_mark(s, MARK_PARAM, a->type == OFPACT_SET_ETH_SRC ? "mod_dl_src:" : "mod_dl_dst:");
	mac_format(s, m);
}

static struct error *parse_eth_src(struct ofpact_parse *p, char *arg)
{
	struct ofpact_mac *m = ofpact_add(p->out, OFPACT_SET_ETH_SRC, sizeof(*m));
	return text_mac(arg, m->mac);
}

static struct error *parse_eth_dst(struct ofpact_parse *p, char *arg)
{
	struct ofpact_mac *m = ofpact_add(p->out, OFPACT_SET_ETH_DST, sizeof(*m));
	return text_mac(arg, m->mac);
}

const struct ofpact_row ofpact_set_eth_src_row = {
	.name = "mod_dl_src",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_SET_DL_SRC, V10, V10, 16, false, decode_eth_src},
			{0, OFPAT11_SET_DL_SRC, V11, V15, 16, false, decode_eth_src},
			{0},
		},
	.words = (const struct ofpact_word[]){{"mod_dl_src", parse_eth_src}, {0}},
	.encode = encode_mac,
	.format = format_mac,
};

const struct ofpact_row ofpact_set_eth_dst_row = {
	.name = "mod_dl_dst",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_SET_DL_DST, V10, V10, 16, false, decode_eth_dst},
			{0, OFPAT11_SET_DL_DST, V11, V15, 16, false, decode_eth_dst},
			{0},
		},
	.words = (const struct ofpact_word[]){{"mod_dl_dst", parse_eth_dst}, {0}},
	.encode = encode_mac,
	.format = format_mac,
};

// --- IPv4 addresses

static int decode_ipv4(struct ofpact_decode *d, enum ofpact_type type)
{
	struct ofpact_ipv4 *o = ofpact_add(d->out, type, sizeof(*o));
	cursor_copy(&d->body, &o->ip, 4);
	return 0;
}

static int decode_ipv4_src(struct ofpact_decode *d)
{
	return decode_ipv4(d, OFPACT_SET_IPV4_SRC);
}

static int decode_ipv4_dst(struct ofpact_decode *d)
{
	return decode_ipv4(d, OFPACT_SET_IPV4_DST);
}

static void encode_ipv4(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_ipv4 *o = (const void *)a;
	bool src = a->type == OFPACT_SET_IPV4_SRC;
	if (version >= OFP12) {
		union field_value v = {.be32 = o->ip};
		ofpact_put_set_field(b, version, field_get(src ? FIELD_IPV4_SRC : FIELD_IPV4_DST),
				     &v, NULL);
		return;
	}
	size_t at = ofpact_put(
		b, (uint16_t)(version == OFP10 ? (src ? OFPAT10_SET_NW_SRC : OFPAT10_SET_NW_DST)
					       : (src ? OFPAT11_SET_NW_SRC : OFPAT11_SET_NW_DST)));
	buf_add(b, &o->ip, 4);
	ofpact_put_end(b, at);
}

static void format_ipv4(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, a->type == OFPACT_SET_IPV4_SRC ? "mod_nw_src:" : "mod_nw_dst:");
	ipv4_format(s, ((const struct ofpact_ipv4 *)(const void *)a)->ip);
}

static struct error *parse_ipv4_src(struct ofpact_parse *p, char *arg)
{
	struct ofpact_ipv4 *o = ofpact_add(p->out, OFPACT_SET_IPV4_SRC, sizeof(*o));
	return text_ipv4(arg, &o->ip);
}

static struct error *parse_ipv4_dst(struct ofpact_parse *p, char *arg)
{
	struct ofpact_ipv4 *o = ofpact_add(p->out, OFPACT_SET_IPV4_DST, sizeof(*o));
	return text_ipv4(arg, &o->ip);
}

const struct ofpact_row ofpact_set_ipv4_src_row = {
	.name = "mod_nw_src",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_SET_NW_SRC, V10, V10, 8, false, decode_ipv4_src},
			{0, OFPAT11_SET_NW_SRC, V11, V15, 8, false, decode_ipv4_src},
			{0},
		},
	.words = (const struct ofpact_word[]){{"mod_nw_src", parse_ipv4_src}, {0}},
	.encode = encode_ipv4,
	.format = format_ipv4,
	.check = check_ipv4,
};

const struct ofpact_row ofpact_set_ipv4_dst_row = {
	.name = "mod_nw_dst",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_SET_NW_DST, V10, V10, 8, false, decode_ipv4_dst},
			{0, OFPAT11_SET_NW_DST, V11, V15, 8, false, decode_ipv4_dst},
			{0},
		},
	.words = (const struct ofpact_word[]){{"mod_nw_dst", parse_ipv4_dst}, {0}},
	.encode = encode_ipv4,
	.format = format_ipv4,
	.check = check_ipv4,
};

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

// --- Transport ports

static int decode_l4(struct ofpact_decode *d, enum ofpact_type type)
{
	struct ofpact_l4_port *o = ofpact_add(d->out, type, sizeof(*o));
	o->port = cursor_be16(&d->body);
	return 0;
}

static int decode_l4_src(struct ofpact_decode *d)
{
	return decode_l4(d, OFPACT_SET_L4_SRC_PORT);
}

static int decode_l4_dst(struct ofpact_decode *d)
{
	return decode_l4(d, OFPACT_SET_L4_DST_PORT);
}

static enum field_id l4_field(uint8_t proto, bool src)
{
	if (proto == PROTO_UDP)
		return src ? FIELD_UDP_SRC : FIELD_UDP_DST;
	if (proto == PROTO_SCTP)
		return src ? FIELD_SCTP_SRC : FIELD_SCTP_DST;
	return src ? FIELD_TCP_SRC : FIELD_TCP_DST;
}

static void encode_l4(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_l4_port *o = (const void *)a;
	bool src = a->type == OFPACT_SET_L4_SRC_PORT;
	if (version >= OFP12 && o->flow_ip_proto) {
		union field_value v = {.be16 = htobe16(o->port)};
		ofpact_put_set_field(b, version, field_get(l4_field(o->flow_ip_proto, src)), &v,
				     NULL);
		return;
	}
	size_t at = ofpact_put(b, src ? OFPAT10_SET_TP_SRC : OFPAT10_SET_TP_DST);
	buf_add_be16(b, o->port);
	ofpact_put_end(b, at);
}

static void format_l4(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, a->type == OFPACT_SET_L4_SRC_PORT ? "mod_tp_src:" : "mod_tp_dst:");
	str_add_u64(s, ((const struct ofpact_l4_port *)(const void *)a)->port);
}

static struct error *parse_l4_src(struct ofpact_parse *p, char *arg)
{
	struct ofpact_l4_port *o = ofpact_add(p->out, OFPACT_SET_L4_SRC_PORT, sizeof(*o));
	return text_u16(arg, "source port", &o->port);
}

static struct error *parse_l4_dst(struct ofpact_parse *p, char *arg)
{
	struct ofpact_l4_port *o = ofpact_add(p->out, OFPACT_SET_L4_DST_PORT, sizeof(*o));
	return text_u16(arg, "destination port", &o->port);
}

static int check_l4(struct ofpact *a, struct ofpact_check *c)
{
	const struct flow *f = &c->match->flow;
	bool ports =
		f->nw_proto == PROTO_TCP || f->nw_proto == PROTO_UDP || f->nw_proto == PROTO_SCTP;
	if (!is_ip_any(c->match) || f->nw_frag & FLOW_FRAG_LATER || !ports)
		ofpact_inconsistent(c);
	((struct ofpact_l4_port *)(void *)a)->flow_ip_proto = ports ? f->nw_proto : 0;
	return 0;
}

const struct ofpact_row ofpact_set_l4_src_port_row = {
	.name = "mod_tp_src",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_SET_TP_SRC, V10, V15, 8, false, decode_l4_src}, {0}},
	.words = (const struct ofpact_word[]){{"mod_tp_src", parse_l4_src}, {0}},
	.encode = encode_l4,
	.format = format_l4,
	.check = check_l4,
};

const struct ofpact_row ofpact_set_l4_dst_port_row = {
	.name = "mod_tp_dst",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_SET_TP_DST, V10, V15, 8, false, decode_l4_dst}, {0}},
	.words = (const struct ofpact_word[]){{"mod_tp_dst", parse_l4_dst}, {0}},
	.encode = encode_l4,
	.format = format_l4,
	.check = check_l4,
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

// --- set_tunnel

static struct ofpact_tunnel *add_tunnel(struct buf *out, uint64_t id, enum ofpact_raw raw)
{
	struct ofpact_tunnel *o = ofpact_add(out, OFPACT_SET_TUNNEL, sizeof(*o));
	o->tun_id = id;
	o->h.raw = (uint8_t)raw;
	return o;
}

static int decode_tunnel(struct ofpact_decode *d)
{
	cursor_skip(&d->body, 2);
	add_tunnel(d->out, cursor_be32(&d->body), RAW_USUAL);
	return 0;
}

static int decode_tunnel64(struct ofpact_decode *d)
{
	cursor_skip(&d->body, 6);
	add_tunnel(d->out, cursor_be64(&d->body), RAW_SET_TUNNEL64);
	return 0;
}

static void encode_tunnel(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_tunnel *o = (const void *)a;
	size_t at;
	if (version >= OFP12) {
		union field_value v = {.be64 = htobe64(o->tun_id)};
		ofpact_put_set_field(b, version, field_get(FIELD_TUN_ID), &v, NULL);
		return;
	}
	if (o->tun_id <= UINT32_MAX && a->raw != RAW_SET_TUNNEL64) {
		at = ofpact_put_nx(b, NXAST_SET_TUNNEL);
		buf_add_zeros(b, 2);
		buf_add_be32(b, (uint32_t)o->tun_id);
	} else {
		at = ofpact_put_nx(b, NXAST_SET_TUNNEL64);
		buf_add_zeros(b, 6);
		buf_add_be64(b, o->tun_id);
	}
	ofpact_put_end(b, at);
}

static void format_tunnel(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_tunnel *o = (const void *)a;
	bool wide = o->tun_id > UINT32_MAX || a->raw == RAW_SET_TUNNEL64;
	str_mark(s, MARK_PARAM, wide ? "set_tunnel64:" : "set_tunnel:");
	str_add_0x(s, o->tun_id);
}

static struct error *parse_tunnel(struct ofpact_parse *p, char *arg)
{
	bool wide = p->word[strlen(p->word) - 1] == '4';
	return text_u64(arg, &add_tunnel(p->out, 0, wide ? RAW_SET_TUNNEL64 : RAW_USUAL)->tun_id);
}

const struct ofpact_row ofpact_set_tunnel_row = {
	.name = "set_tunnel",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_SET_TUNNEL, V10, V15, 16, false, decode_tunnel},
			{OFP_VENDOR_NX, NXAST_SET_TUNNEL64, V10, V15, 24, false, decode_tunnel64},
			{0},
		},
	.words = (const struct ofpact_word[]){{"set_tunnel", parse_tunnel},
					      {"set_tunnel64", parse_tunnel},
					      {0}},
	.encode = encode_tunnel,
	.format = format_tunnel,
};
