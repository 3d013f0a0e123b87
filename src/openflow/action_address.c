/* SPDX-License-Identifier: Apache-2.0 */
// Actions that set an Ethernet or IPv4 address: those of OpenFlow 1.0 and 1.1. From 1.2 on they go
// out as set_field.
#include "openflow/action_row.h"

#include <string.h>

#include "packet/address.h"
#include "packet/headers.h"

enum { V10 = OFP10, V11 = OFP11, V15 = OFP15 };
enum { // wire types
	OFPAT10_SET_DL_SRC = 4,
	OFPAT10_SET_DL_DST = 5,
	OFPAT10_SET_NW_SRC = 6,
	OFPAT10_SET_NW_DST = 7,
	OFPAT11_SET_DL_SRC = 3,
	OFPAT11_SET_DL_DST = 4,
	OFPAT11_SET_NW_SRC = 5,
	OFPAT11_SET_NW_DST = 6,
};

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

static int check_ipv4(struct ofpact *a, struct ofpact_check *c)
{
	if (c->match->flow.dl_type != BE16(ETHERTYPE_IPV4))
		ofpact_inconsistent(c);
	return 0;
}

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
