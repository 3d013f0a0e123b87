/* SPDX-License-Identifier: Apache-2.0 */
// Packet types: encap puts a header in front of the packet, decap takes the outermost one off;
// dec_nsh_ttl. Properties of encap say what the new header is like. On the wire a property has a
// class, a type and a length; they are padded to 8 bytes.
#include "openflow/action_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { V13 = OFP13, V15 = OFP15 };
enum { // wire subtypes
	NXAST_ENCAP = 46,
	NXAST_DECAP = 47,
	NXAST_DEC_NSH_TTL = 48,
};
enum { PROP_HEADER = 4, TLV_HEADER = 4, MD_TYPE_LEN = 5, MAX_TLV = 124 };

static const struct {
	const char *name;
	uint32_t packet_type;
} headers[] = {
	{"ethernet", PACKET_TYPE_ETH},
	{"nsh", PACKET_TYPE_NSH},
	{"mpls", PACKET_TYPE_MPLS},
	{"mpls_mc", PACKET_TYPE_MPLS_MC},
};
enum { N_HEADERS = sizeof(headers) / sizeof(headers[0]) };

static struct ofpact_encap *add_encap(struct buf *out)
{
	return ofpact_add(out, OFPACT_ENCAP, sizeof(struct ofpact_encap));
}

// `padding`: what stands behind the n bytes as far as the property's length goes; NULL: zeros.
static void add_prop(struct buf *out, size_t at, uint8_t type, const void *data, size_t n,
		     const uint8_t *padding)
{
	size_t padded = (PROP_HEADER + n + 7) & ~(size_t)7;
	struct ofpact_encap_prop *p = buf_add_zeros(out, padded);
	p->class_ = ED_NSH_CLASS;
	p->type = type;
	p->len = (uint8_t)n;
	memcpy(p->data, data, n);
	if (padding)
		memcpy(p->data + n, padding, padded - PROP_HEADER - n);
	struct ofpact_encap *o = (void *)(out->data + at);
	o->n_props++;
	o->h.len = (uint16_t)(out->len - at);
}

const struct ofpact_encap_prop *ofpact_encap_next_prop(const struct ofpact_encap *o,
						       const struct ofpact_encap_prop *p)
{
	const uint8_t *next = p ? (const uint8_t *)p + ((sizeof(*p) + p->len + 7u) & ~7u)
				: o->props + (-sizeof(*o) & 7u);
	return next < (const uint8_t *)o + o->h.len ? (const void *)next : NULL;
}

// --- Wire.

static int decode_prop(struct ofpact_decode *d, size_t at)
{
	struct cursor *c = &d->body;
	if (cursor_left(c) < PROP_HEADER)
		return OFPBAC_BAD_LEN;
	uint16_t class = cursor_be16(c);
	uint8_t type = cursor_u8(c), len = cursor_u8(c);
	size_t padded = (len + 7u) & ~7u;
	if (len < PROP_HEADER || cursor_left(c) + PROP_HEADER < padded)
		return OFPBAC_BAD_LEN;
	if (class != ED_NSH_CLASS)
		return NXBAC_UNKNOWN_ED_PROP;
	struct cursor body = cursor_sub(c, padded - PROP_HEADER);
	if (type == ED_NSH_MD_TYPE) {
		uint8_t md_type = cursor_u8(&body);
		if (padded != 8)
			return NXBAC_BAD_ED_PROP;
		add_prop(d->out, at, type, &md_type, 1, NULL);
		return 0;
	}
	if (type != ED_NSH_TLV)
		return NXBAC_UNKNOWN_ED_PROP;
	uint8_t data[TLV_HEADER + UINT8_MAX];
	cursor_copy(&body, data, TLV_HEADER);
	size_t n = data[3];
	if (body.bad || padded != ((PROP_HEADER + TLV_HEADER + n + 7) & ~(size_t)7))
		return NXBAC_BAD_ED_PROP;
	cursor_copy(&body, data + TLV_HEADER, n);
	add_prop(d->out, at, type, data, TLV_HEADER + n, body.p);
	return 0;
}

static int decode_encap(struct ofpact_decode *d)
{
	size_t at = d->out->len;
	struct ofpact_encap *o = add_encap(d->out);
	o->hdr_size = cursor_be16(&d->body);
	o->packet_type = cursor_be32(&d->body);
	bool known = false;
	for (int i = 0; i < N_HEADERS; i++)
		known |= headers[i].packet_type == o->packet_type;
	int error = known ? 0 : NXBAC_BAD_HEADER_TYPE;
	while (!error && cursor_left(&d->body))
		error = decode_prop(d, at);
	return error;
}

static void encode_encap(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_encap *o = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_ENCAP);
	buf_add_be16(b, o->hdr_size);
	buf_add_be32(b, o->packet_type);
	for (const struct ofpact_encap_prop *p = NULL; (p = ofpact_encap_next_prop(o, p));) {
		buf_add_be16(b, p->class_);
		buf_add_u8(b, p->type);
		buf_add_u8(b, p->type == ED_NSH_MD_TYPE
				      ? MD_TYPE_LEN
				      : (uint8_t)((PROP_HEADER + p->len + 7u) & ~7u));
		buf_add(b, p->data, ((PROP_HEADER + p->len + 7u) & ~7u) - PROP_HEADER);
	}
	ofpact_put_end(b, at);
}

// --- Text.

static void format_prop(const struct ofpact_encap_prop *p, struct str *s)
{
	if (p->type == ED_NSH_MD_TYPE) {
		str_addf(s, "md_type=%u", p->data[0]);
		return;
	}
	str_addf(s, "tlv(0x%04x,%u,0x", get_be16(p->data), p->data[2]);
	str_add_hex(s, p->data + TLV_HEADER, p->data[3]);
	str_addc(s, ')');
}

static void format_encap(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_encap *o = (const void *)a;
	str_mark(s, MARK_PAREN, "encap(");
	for (int i = 0; i < N_HEADERS; i++)
		if (headers[i].packet_type == o->packet_type)
			str_add(s, headers[i].name);
	for (const struct ofpact_encap_prop *p = NULL, *first = NULL;
	     (p = ofpact_encap_next_prop(o, p)); first = p) {
		if (first)
			str_addc(s, ',');
		else
			str_mark(s, MARK_PAREN, "(");
		format_prop(p, s);
	}
	if (o->n_props)
		str_mark(s, MARK_PAREN, ")");
	str_mark(s, MARK_PAREN, ")");
}

// "0x1000,10,0x1234"
static struct error *parse_tlv(struct buf *out, size_t at, const char *text)
{
	uint8_t data[TLV_HEADER + UINT8_MAX];
	char *end;
	unsigned long class = strtoul(text, &end, 0), type = 0;
	bool ok = end != text && *end == ',' && class <= UINT16_MAX;
	const char *s = end + 1;
	if (ok) {
		type = strtoul(s, &end, 10);
		ok = end != s && *end == ',' && type <= UINT8_MAX;
		s = end + 1;
	}
	struct buf bytes = BUF_INIT;
	if (ok) {
		const char *rest = !strncmp(s, "0x", 2) ? text_hex_bytes(s + 2, &bytes) : NULL;
		ok = rest && !*rest && bytes.len && bytes.len <= MAX_TLV;
	}
	if (ok) {
		put_be16(data, (uint16_t) class);
		data[2] = (uint8_t)type;
		data[3] = (uint8_t)bytes.len;
		memcpy(data + TLV_HEADER, bytes.data, bytes.len);
		add_prop(out, at, ED_NSH_TLV, data, TLV_HEADER + bytes.len, NULL);
	}
	buf_done(&bytes);
	return ok ? NULL : error_new("Invalid NSH TLV header: %s", text);
}

static struct error *parse_prop(struct buf *out, size_t at, const char *key, const char *value)
{
	uint8_t md_type;
	if (!strcmp(key, "tlv"))
		return parse_tlv(out, at, value);
	if (strcmp(key, "md_type"))
		return error_new("Invalid property: %s", key);
	if (!*value)
		return error_new("Value missing for encap property");
	if (!text_is_u8(value, &md_type))
		return error_new("invalid md_type \"%s\"", value);
	if (md_type != NSH_MD1 && md_type != NSH_MD2)
		return error_new("invalid md_type");
	add_prop(out, at, ED_NSH_MD_TYPE, &md_type, 1, NULL);
	return NULL;
}

static struct error *parse_encap(struct ofpact_parse *p, char *arg)
{
	size_t at = p->out->len;
	struct ofpact_encap *o = add_encap(p->out);
	char *key, *value;
	*p->protocols &= OFPROTO_13 | OFPROTO_14 | OFPROTO_15;
	if (!text_next_pair(&arg, &key, &value))
		return error_new("Missing encap hdr: %s", arg);
	int i = 0;
	while (i < N_HEADERS && strcmp(headers[i].name, key))
		i++;
	if (i == N_HEADERS)
		return error_new("Encap hdr not supported: %s", value);
	o->packet_type = headers[i].packet_type;
	struct error *e = NULL;
	char *props = value;
	while (!e && text_next_pair(&props, &key, &value))
		e = p->out->len - at > UINT16_MAX - 512 ? error_new("input too big")
							: parse_prop(p->out, at, key, value);
	return e;
}

static bool is_ip(const struct flow *f)
{
	return f->dl_type == BE16(0x0800) || f->dl_type == BE16(0x86dd);
}

static int check_encap(struct ofpact *a, struct ofpact_check *c)
{
	struct flow *f = &c->match->flow;
	const struct ofpact_encap *o = (const void *)a;
	uint32_t type = o->packet_type;
	for (const struct ofpact_encap_prop *p = NULL; (p = ofpact_encap_next_prop(o, p));)
		if (p->type == ED_NSH_MD_TYPE && p->data[0] != NSH_MD1 && p->data[0] != NSH_MD2)
			return NXBAC_BAD_ED_PROP;
	f->packet_type = htobe32(type);
	if (type >> 16 == 1)
		f->dl_type = htobe16((uint16_t)type);
	if (!is_ip(f))
		f->nw_proto = 0;
	return 0;
}

const struct ofpact_row ofpact_encap_row = {
	.name = "encap",
	.place = SET_ENCAP,
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_ENCAP, V13, V15, 16, true, decode_encap}, {0}},
	.words = (const struct ofpact_word[]){{"encap", parse_encap}, {0}},
	.encode = encode_encap,
	.format = format_encap,
	.check = check_encap,
};

// --- decap

static int decode_decap(struct ofpact_decode *d)
{
	struct ofpact_decap *o = ofpact_add(d->out, OFPACT_DECAP, sizeof(*o));
	cursor_skip(&d->body, 2);
	o->packet_type = cursor_be32(&d->body);
	return cursor_left(&d->body) ? NXBAC_UNKNOWN_ED_PROP : 0; // there are none yet
}

static void encode_decap(struct buf *b, uint8_t version, const struct ofpact *a)
{
	size_t at = ofpact_put_nx(b, NXAST_DECAP);
	buf_add_zeros(b, 2);
	buf_add_be32(b, ((const struct ofpact_decap *)(const void *)a)->packet_type);
	ofpact_put_end(b, at);
}

static void format_decap(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	uint32_t type = ((const struct ofpact_decap *)(const void *)a)->packet_type;
	str_mark(s, MARK_PAREN, "decap(");
	if (type != PACKET_TYPE_USE_NEXT_PROTO)
		str_addf(s, "packet_type(ns=%u,type=%#x)", type >> 16, type & 0xffff);
	str_mark(s, MARK_PAREN, ")");
}

static struct error *packet_type_part(char **arg, const char *name, uint16_t *part)
{
	char *key, *value;
	if (!text_next_pair(arg, &key, &value) || strcmp(key, name))
		return error_new("Missing packet_type attribute %s", name);
	return text_u16(value, name, part);
}

// "ns=N,type=N", in this order.
static struct error *parse_packet_type(struct ofpact_decap *o, char *arg)
{
	uint16_t ns = 0, type = 0;
	struct error *e = packet_type_part(&arg, "ns", &ns);
	if (!e)
		e = ns >= UINT8_MAX ? error_new("Unsupported ns value: %u", ns)
				    : packet_type_part(&arg, "type", &type);
	o->packet_type = (uint32_t)ns << 16 | type;
	return e;
}

static struct error *parse_decap(struct ofpact_parse *p, char *arg)
{
	struct ofpact_decap *o = ofpact_add(p->out, OFPACT_DECAP, sizeof(*o));
	char *key, *value;
	struct error *e = NULL;
	o->packet_type = PACKET_TYPE_USE_NEXT_PROTO;
	while (!e && text_next_pair(&arg, &key, &value))
		e = !strcmp(key, "packet_type") ? parse_packet_type(o, value)
						: error_new("Invalid decap argument: %s", key);
	return e;
}

static int check_decap(struct ofpact *a, struct ofpact_check *c)
{
	struct flow *f = &c->match->flow;
	if (!f->packet_type) {
		f->packet_type = htobe32(1u << 16 | be16toh(f->dl_type));
		return 0;
	}
	// What comes to light is known only when it is there.
	f->packet_type = UINT32_MAX;
	f->dl_type = UINT16_MAX;
	return 0;
}

const struct ofpact_row ofpact_decap_row = {
	.name = "decap",
	.place = SET_DECAP,
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_DECAP, V13, V15, 16, true, decode_decap}, {0}},
	.words = (const struct ofpact_word[]){{"decap", parse_decap}, {0}},
	.encode = encode_decap,
	.format = format_decap,
	.check = check_decap,
};

// --- dec_nsh_ttl

static int decode_dec_ttl(struct ofpact_decode *d)
{
	ofpact_add(d->out, OFPACT_DEC_NSH_TTL, sizeof(struct ofpact));
	return 0;
}

static void encode_dec_ttl(struct buf *b, uint8_t version, const struct ofpact *a)
{
	ofpact_put_end(b, ofpact_put_nx(b, NXAST_DEC_NSH_TTL));
}

static void format_dec_ttl(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_VALUE, "dec_nsh_ttl");
}

static struct error *parse_dec_ttl(struct ofpact_parse *p, char *arg)
{
	ofpact_add(p->out, OFPACT_DEC_NSH_TTL, sizeof(struct ofpact));
	return NULL;
}

static int check_dec_ttl(struct ofpact *a, struct ofpact_check *c)
{
	const struct flow *f = &c->match->flow;
	if (f->packet_type != htobe32(PACKET_TYPE_NSH) && f->dl_type != BE16(0x894f))
		ofpact_inconsistent(c);
	return 0;
}

const struct ofpact_row ofpact_dec_nsh_ttl_row = {
	.name = "dec_nsh_ttl",
	.place = SET_DEC_NSH_TTL,
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_DEC_NSH_TTL, V13, V15, 16,
					       false, decode_dec_ttl},
					      {0}},
	.words = (const struct ofpact_word[]){{"dec_nsh_ttl", parse_dec_ttl}, {0}},
	.encode = encode_dec_ttl,
	.format = format_dec_ttl,
	.check = check_dec_ttl,
};
