/* SPDX-License-Identifier: Apache-2.0 */
// Actions that set any field of the table: set_field and load.
//
// A masked set goes out as Nicira's loads, one per run of mask bits, before OpenFlow 1.5, which has
// masks itself. OpenFlow 1.0 and 1.1 have actions of their own for what they can match; set_field
// turns into those.
#include "openflow/action_row.h"

#include <string.h>

#include "base/alloc.h"

enum { V10 = OFP10, V12 = OFP12, V14 = OFP14, V15 = OFP15 };
enum { // wire types
	OFPAT12_SET_FIELD = 25,
	NXAST_REG_LOAD = 7,
	NXAST_REG_LOAD2 = 33,
};
enum { VLAN_PRESENT = 0x1000, VID_MASK = 0xfff };

// --- Bits of a field's value. Bit 0 is the lowest of the last byte.

static bool bit_get(const struct field *f, const union field_value *v, unsigned int i)
{
	return v->b[f->n_bytes - 1 - i / 8] >> i % 8 & 1;
}

static void bit_set(const struct field *f, union field_value *v, unsigned int i, bool on)
{
	uint8_t *b = &v->b[f->n_bytes - 1 - i / 8];
	*b = (uint8_t)((*b & ~(1 << i % 8)) | on << i % 8);
}

static void bits_set(const struct field *f, union field_value *v, unsigned int offset,
		     unsigned int n, uint64_t bits)
{
	// Byte by byte where it can.
	for (unsigned int i = 0; i < n;) {
		if ((offset + i) % 8 == 0 && n - i >= 8) {
			v->b[f->n_bytes - 1 - (offset + i) / 8] = i < 64 ? (uint8_t)(bits >> i) : 0;
			i += 8;
		} else {
			bit_set(f, v, offset + i, i < 64 && bits >> i & 1);
			i++;
		}
	}
}

static uint64_t bits_get(const struct field *f, const union field_value *v, unsigned int offset,
			 unsigned int n)
{
	uint64_t bits = 0;
	for (unsigned int i = 0; i < n; i++)
		bits |= (uint64_t)bit_get(f, v, offset + i) << i;
	return bits;
}

// The next run of mask bits at or after *offset, at most 64 long; false: none left. The caller adds
// *n to *offset to go on.
static bool next_run(const struct ofpact_set_field *sf, unsigned int *offset, unsigned int *n)
{
	unsigned int end = sf->field->n_bits;
	const union field_value *mask = ofpact_set_field_mask(sf);
	while (*offset < end && !bit_get(sf->field, mask, *offset))
		++*offset;
	for (*n = 0; *offset + *n < end && *n < 64 && bit_get(sf->field, mask, *offset + *n); ++*n)
		;
	return *n;
}

// "The whole field" is a mask of ones only, those behind the field's bits, too; a mask of just its
// bits is one that somebody gave.
static void whole_mask(const struct field *f, union field_value *mask)
{
	memset(mask->b, 0xff, f->n_bytes);
}

static bool mask_is_exact(const struct field *f, const union field_value *mask)
{
	for (unsigned int i = 0; i < f->n_bytes; i++)
		if (mask->b[i] != 0xff)
			return false;
	return true;
}

uint32_t field_protocols(const struct field *f, enum field_fixed needed)
{
	if (!f->nxm_version && !f->oxm_version && !f->fixed_1_0)
		return OFPROTO_NONE; // nothing in any version stands for it
	return OFPROTO_NXM_OXM_ANY | (f->fixed_1_0 >= needed ? OFPROTO_10_ANY : 0) |
	       (f->fixed_1_1 >= needed ? OFPROTO_11 : 0);
}

// --- set_field, load

static struct ofpact_set_field *add_set_field(struct buf *out, const struct field *f,
					      enum ofpact_raw raw)
{
	struct ofpact_set_field *sf =
		ofpact_add(out, OFPACT_SET_FIELD,
			   sizeof(*sf) + 2 * ofpact_set_field_room(f) * sizeof(sf->bytes[0]));
	sf->field = f;
	sf->h.raw = (uint8_t)raw;
	return sf;
}

static union field_value *value_of(struct ofpact_set_field *sf)
{
	return (void *)sf->bytes;
}

static union field_value *mask_of(struct ofpact_set_field *sf)
{
	return (void *)(sf->bytes + ofpact_set_field_room(sf->field));
}

static int decode_oxm(struct ofpact_decode *d, bool may_mask, enum ofpact_raw raw)
{
	const struct field *f;
	union field_value value, mask;
	struct cursor peek = d->body;
	bool masked;
	int error = nx_header_decode(&peek, &f, &masked);
	if (error == OFPBMC_BAD_FIELD)
		return f ? OFPBAC_BAD_SET_LEN : OFPBAC_BAD_SET_TYPE;
	if (!error)
		error = nx_entry_decode(&d->body, &f, &value, may_mask ? &mask : NULL);
	if (error)
		return error == OFPBMC_BAD_MASK ? OFPBAC_BAD_SET_MASK : error;
	if (!masked)
		whole_mask(f, &mask);
	if (!cursor_zeros(d->body) || f->id == FIELD_IN_PORT_OXM || !f->writable ||
	    !field_value_is_valid(f, &value))
		return OFPBAC_BAD_SET_ARGUMENT;
	if (f->id == FIELD_VLAN_VID && raw == RAW_USUAL &&
	    (!(value.be16 & BE16(VLAN_PRESENT)) || !(mask.be16 & BE16(VLAN_PRESENT))))
		return OFPBAC_BAD_SET_ARGUMENT;
	struct ofpact_set_field *sf = add_set_field(d->out, f, raw);
	memcpy(value_of(sf)->b, value.b, f->n_bytes);
	memcpy(mask_of(sf)->b, mask.b, f->n_bytes);
	return 0;
}

static int decode_set_field(struct ofpact_decode *d)
{
	return decode_oxm(d, d->version >= OFP15, RAW_USUAL);
}

static int decode_reg_load2(struct ofpact_decode *d)
{
	return decode_oxm(d, true, RAW_REG_LOAD2);
}

static int decode_reg_load(struct ofpact_decode *d)
{
	uint16_t bits = cursor_be16(&d->body);
	unsigned int offset = bits >> 6, n = (bits & 63u) + 1;
	const struct field *f;
	int error = nx_destination_decode(&d->body, &f);
	uint64_t value = cursor_be64(&d->body);
	if (error)
		return error;
	if (offset + n > f->n_bits)
		return OFPBAC_BAD_SET_LEN;
	if (!f->writable)
		return OFPBAC_BAD_SET_ARGUMENT;
	if (n < 64 && value >> n)
		return OFPBAC_BAD_ARGUMENT;
	struct ofpact_set_field *sf = add_set_field(d->out, f, RAW_REG_LOAD);
	bits_set(f, value_of(sf), offset, n, value);
	bits_set(f, mask_of(sf), offset, n, UINT64_MAX);
	return 0;
}

void ofpact_put_set_field(struct buf *b, uint8_t version, const struct field *f,
			  const union field_value *value, const union field_value *mask)
{
	size_t at = ofpact_put(b, OFPAT12_SET_FIELD);
	nx_value_encode(b, version, f, value, mask);
	ofpact_put_end(b, at);
}

void ofpact_put_reg_load(struct buf *b, const struct field *f, uint16_t offset, uint16_t n_bits,
			 uint64_t value)
{
	size_t at = ofpact_put_nx(b, NXAST_REG_LOAD);
	buf_add_be16(b, (uint16_t)(offset << 6 | (n_bits - 1)));
	nx_header_encode(b, 0, f, false);
	buf_add_be64(b, value);
	ofpact_put_end(b, at);
}

static void encode_loads(struct buf *b, const struct ofpact_set_field *sf)
{
	const struct field *f = sf->field;
	const union field_value *value = ofpact_set_field_value(sf),
				*mask = ofpact_set_field_mask(sf);
	if (nx_header_is_long(f) || f->variable_len || sf->h.raw == RAW_REG_LOAD2) {
		size_t at = ofpact_put_nx(b, NXAST_REG_LOAD2);
		nx_value_encode(b, 0, f, value, mask_is_exact(f, mask) ? NULL : mask);
		ofpact_put_end(b, at);
		return;
	}
	for (unsigned int offset = 0, n; next_run(sf, &offset, &n); offset += n)
		ofpact_put_reg_load(b, f, (uint16_t)offset, (uint16_t)n,
				    bits_get(f, value, offset, n));
}

// --- The actions of 1.0 and 1.1 that do the same.

union legacy {
	struct ofpact h;
	struct ofpact_vlan_vid vid;
	struct ofpact_vlan_pcp pcp;
	struct ofpact_mac ethernet;
	struct ofpact_ipv4 ipv4;
	struct ofpact_u8 ip;
	struct ofpact_l4_port l4;
};

static void put_legacy(struct buf *b, uint8_t version, enum ofpact_type type, union legacy *a)
{
	a->h.type = (uint8_t)type;
	a->h.len = sizeof(*a);
	ofpact_row(type)->encode(b, version, &a->h);
}

// A TCI is VID and priority, which make a tag where there is none, or no tag.
static void put_tci(struct buf *b, uint8_t version, uint16_t tci, bool flow_has_vlan)
{
	union legacy vid = {.vid = {.vid = tci & VID_MASK,
				    .push_if_needed = true,
				    .flow_has_vlan = flow_has_vlan}};
	union legacy pcp = {.pcp = {.pcp = (uint8_t)(tci >> 13), .flow_has_vlan = true}};
	if (!(tci & VLAN_PRESENT)) {
		put_legacy(b, version, OFPACT_STRIP_VLAN, &(union legacy){0});
		return;
	}
	put_legacy(b, version, OFPACT_SET_VLAN_VID, &vid);
	put_legacy(b, version, OFPACT_SET_VLAN_PCP, &pcp);
}

// False: there is none.
static bool fill_legacy(const struct field *f, const union field_value *v, enum ofpact_type *type,
			union legacy *a)
{
	switch ((int)f->id) {
	case FIELD_DL_VLAN:
	case FIELD_VLAN_VID:
		*type = OFPACT_SET_VLAN_VID;
		a->vid.vid = be16toh(v->be16) & VID_MASK;
		return true;
	case FIELD_DL_VLAN_PCP:
	case FIELD_VLAN_PCP:
		*type = OFPACT_SET_VLAN_PCP;
		a->pcp.pcp = v->u8;
		return true;
	case FIELD_ETH_SRC:
	case FIELD_ETH_DST:
		*type = f->id == FIELD_ETH_SRC ? OFPACT_SET_ETH_SRC : OFPACT_SET_ETH_DST;
		memcpy(a->ethernet.mac, v->mac, 6);
		return true;
	case FIELD_IPV4_SRC:
	case FIELD_IPV4_DST:
		*type = f->id == FIELD_IPV4_SRC ? OFPACT_SET_IPV4_SRC : OFPACT_SET_IPV4_DST;
		a->ipv4.ip = v->be32;
		return true;
	case FIELD_IP_DSCP_SHIFTED:
	case FIELD_IP_DSCP:
		*type = OFPACT_SET_IP_DSCP;
		a->ip.value = (uint8_t)(f->id == FIELD_IP_DSCP ? v->u8 & 0xfc : v->u8 << 2);
		return true;
	case FIELD_IP_ECN:
		*type = OFPACT_SET_IP_ECN;
		a->ip.value = v->u8 & 3;
		return true;
	case FIELD_TCP_SRC:
	case FIELD_UDP_SRC:
	case FIELD_TCP_DST:
	case FIELD_UDP_DST:
		*type = f->id == FIELD_TCP_SRC || f->id == FIELD_UDP_SRC ? OFPACT_SET_L4_SRC_PORT
									 : OFPACT_SET_L4_DST_PORT;
		a->l4.port = be16toh(v->be16);
		return true;
	}
	return false;
}

static bool encode_legacy(struct buf *b, uint8_t version, const struct ofpact_set_field *sf)
{
	const union field_value *v = ofpact_set_field_value(sf);
	union legacy a = {0};
	enum ofpact_type type;
	if (sf->field->id == FIELD_VLAN_TCI) {
		put_tci(b, version, be16toh(v->be16), sf->flow_has_vlan);
		return true;
	}
	if (!fill_legacy(sf->field, v, &type, &a))
		return false;
	put_legacy(b, version, type, &a);
	return true;
}

static void encode_set_field(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_set_field *sf = (const void *)a;
	const union field_value *value = ofpact_set_field_value(sf),
				*mask = ofpact_set_field_mask(sf);
	bool exact = mask_is_exact(sf->field, mask);
	if (!field_has_header(sf->field))
		encode_legacy(b, version, sf);
	else if (version >= OFP15)
		ofpact_put_set_field(b, version, sf->field, value, exact ? NULL : mask);
	else if (a->raw != RAW_USUAL || !exact)
		encode_loads(b, sf);
	else if (version >= OFP12)
		ofpact_put_set_field(b, version, sf->field, value, NULL);
	else if (!encode_legacy(b, version, sf))
		encode_loads(b, sf);
}

static void format_load(const struct ofpact_set_field *sf, struct str *s)
{
	bool first = true;
	for (unsigned int offset = 0, n; next_run(sf, &offset, &n); offset += n) {
		struct subfield dst = {sf->field, (uint16_t)offset, (uint16_t)n};
		if (!first)
			str_addc(s, ',');
		str_mark(s, MARK_SPECIAL, "load:");
		str_add_0x(s, bits_get(sf->field, ofpact_set_field_value(sf), offset, n));
		str_mark(s, MARK_SPECIAL, "->");
		subfield_format(&dst, s);
		first = false;
	}
}

// All the bits that the field has, but not the bytes in which it goes out: somebody gave this mask.
static void format_narrow_mask(const struct ofpact_set_field *sf, struct str *s)
{
	const uint8_t *p = ofpact_set_field_mask(sf)->b, *end = p + sf->field->n_bytes;
	while (p < end - 1 && !*p)
		p++;
	str_addf(s, "/0x%x", *p++);
	str_add_hex(s, p, (size_t)(end - p));
}

static void format_set_field(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_set_field *sf = (const void *)a;
	if (a->raw == RAW_REG_LOAD) {
		format_load(sf, s);
		return;
	}
	const union field_value *value = ofpact_set_field_value(sf),
				*mask = ofpact_set_field_mask(sf);
	// There is one flag of tunnels: a mask that has it has all.
	bool exact = mask_is_exact(sf->field, mask) ||
		     (sf->field->id == FIELD_TUN_FLAGS && mask->be16 & BE16(1));
	str_mark(s, MARK_SPECIAL, "set_field:");
	bool port = sf->field->place == FIELD_PLACE_PORT &&
		    !exact; // parts of a port's number have no name
	if (sf->field->id == FIELD_TUN_FLAGS && !exact && mask->be16)
		str_add(s, "0/0"); // only bits that are no flags
	else if (port)
		str_addf(s, "%u", be16toh(value->be16));
	else
		field_format_value(sf->field, value, exact ? NULL : mask, t ? t->port_name : NULL,
				   t ? t->arg : NULL, s);
	if (port || (!exact && field_mask_is_exact(sf->field, mask)))
		format_narrow_mask(sf, s);
	str_mark(s, MARK_SPECIAL, "->");
	str_add(s, sf->field->name);
}

// "value->destination": the destination, and *arg cut before the arrow.
static struct error *split_arrow(char *arg, char **destination)
{
	char *arrow = strstr(arg, "->");
	if (!arrow)
		return error_new("%s: missing `->'", arg);
	if (!arrow[2])
		return error_new("%s: missing field name following `->'", arg);
	*arrow = '\0';
	*destination = arrow + 2;
	return NULL;
}

// split_arrow() taken back.
static void join_arrow(char *destination)
{
	destination[-2] = '-';
}

static struct error *parse_set_field(struct ofpact_parse *p, char *arg)
{
	char *name;
	struct error *e = split_arrow(arg, &name);
	if (e)
		return e;
	const struct field *f = field_find(name);
	if (!f)
		return error_new("%s is not a valid OXM field name", name);
	if (!f->writable)
		return error_new("%s is read-only", name);
	union field_value value, mask;
	memset(&value, 0, sizeof(value));
	memset(&mask, 0, sizeof(mask));
	e = field_parse_value(f, arg, &value, &mask);
	if (e)
		return e;
	if (!field_value_is_valid(f, &value))
		return error_new("%s is not a valid value for field %s", arg, name);
	if (field_mask_is_exact(f, &mask))
		whole_mask(f, &mask);
	struct ofpact_set_field *sf = add_set_field(p->out, f, RAW_USUAL);
	// Bits outside of the mask would make a message that no switch takes.
	for (int i = 0; i < f->n_bytes; i++)
		value_of(sf)->b[i] = value.b[i] & mask.b[i];
	memcpy(mask_of(sf)->b, mask.b, f->n_bytes);
	*p->protocols &= field_protocols(f, FIELD_FIXED_EXACT);
	return NULL;
}

static struct error *parse_load(struct ofpact_parse *p, char *arg)
{
	char *name;
	struct subfield dst = {0};
	union field_value v = {0};
	bool fits;
	struct error *e = split_arrow(arg, &name);
	if (!e)
		e = text_subfield_whole(name, &dst);
	if (e)
		return e;
	const char *number = arg;
	bool parsed = number_scan(&number, v.b, dst.field->n_bytes, &fits) && !*number && fits;
	join_arrow(name); // for the messages
	if (!parsed)
		return error_new("%s: cannot parse integer value", arg);
	if (!text_number_fits(v.b, dst.field->n_bytes, dst.n_bits))
		return text_does_not_fit(arg, dst.field, &v, dst.n_bits);
	if (!dst.field->writable)
		return error_new("%s is read-only", dst.field->name);
	ofpact_add_load(p->out, &dst, v.b, dst.field->n_bytes);
	return NULL;
}

static int check_set_field(struct ofpact *a, struct ofpact_check *c)
{
	struct ofpact_set_field *sf = (void *)a;
	struct match *m = c->match;
	// Setting a VLAN ID needs a tag, although matching on one does not.
	if (!field_prereqs_ok(sf->field, &m->flow, NULL) ||
	    (sf->field->id == FIELD_VLAN_VID && !match_has_vlan(m))) {
		if (c->why)
			*c->why = xasprintf("set_field %s lacks correct prerequisites",
					    sf->field->name);
		return OFPBAC_MATCH_INCONSISTENT;
	}
	sf->flow_has_vlan = match_has_vlan(m);
	if (sf->field->id == FIELD_VLAN_TCI) { // makes or removes the tag
		m->flow.vlan[0].tci = ofpact_set_field_value(sf)->be16;
		m->mask.vlan[0].tci = 0xffff;
	}
	return 0;
}

const struct ofpact_row ofpact_set_field_row = {
	.name = "set_field",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT12_SET_FIELD, V12, V15, 8, true, decode_set_field},
			{OFP_VENDOR_NX, NXAST_REG_LOAD, V10, V14, 24, false, decode_reg_load},
			{OFP_VENDOR_NX, NXAST_REG_LOAD2, V10, V14, 16, true, decode_reg_load2},
			{0},
		},
	.words = (const struct ofpact_word[]){{"set_field", parse_set_field},
					      {"load", parse_load},
					      {0}},
	.encode = encode_set_field,
	.format = format_set_field,
	.check = check_set_field,
};

void ofpact_add_load(struct buf *out, const struct subfield *dst, const uint8_t *number, size_t n)
{
	struct ofpact_set_field *sf = add_set_field(out, dst->field, RAW_REG_LOAD);
	union field_value mask;
	subfield_put_bits(dst, number, n, value_of(sf));
	subfield_mask(dst, &mask);
	memcpy(mask_of(sf)->b, mask.b, dst->field->n_bytes);
}
