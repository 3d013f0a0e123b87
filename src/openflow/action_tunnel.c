/* SPDX-License-Identifier: Apache-2.0 */
// set_tunnel: the ID of the tunnel that the packet leaves through. From OpenFlow 1.2 on it goes out
// as set_field.
#include "openflow/action_row.h"

#include <string.h>

enum { V10 = OFP10, V15 = OFP15 };
enum { // wire subtypes
	NXAST_SET_TUNNEL = 2,
	NXAST_SET_TUNNEL64 = 9,
};

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
