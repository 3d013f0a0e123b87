/* SPDX-License-Identifier: Apache-2.0 */
// learn: adds a flow that is made after the packet. Each of its specifications copies a number, or
// bits of the packet, to what the new flow matches on, to a field that it loads, or to where it
// outputs.
//
// On the wire a specification is a header of 16 bits (where from, where to, how many bits), then
// the source (a field and an offset, or the number in 16-bit units) and the destination (a field
// and an offset, or nothing). A header of 0 ends them.
#include "openflow/action_row.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { V10 = OFP10, V15 = OFP15 };
enum { // wire subtypes
	NXAST_LEARN = 16,
	NXAST_LEARN2 = 45,
};
enum {
	SPEC_BITS = 0x3ff,
	SPEC_DST_SHIFT = 11,
	SPEC_DST = 3 << SPEC_DST_SHIFT,
	SPEC_IMMEDIATE = 1 << 13
};
enum { DEFAULT_PRIORITY = 32768, NO_TABLE = 255 };

static struct ofpact_learn *at_learn(const struct buf *b, size_t at)
{
	return (void *)(b->data + at);
}

// Appends a specification to the learn that ends the buffer. NULL: there are too many.
static struct ofpact_learn_spec *add_spec(struct buf *b, size_t at)
{
	if (b->len - at + sizeof(struct ofpact_learn_spec) > UINT16_MAX)
		return NULL;
	struct ofpact_learn_spec *spec = buf_add_zeros(b, sizeof(*spec));
	struct ofpact_learn *l = at_learn(b, at);
	l->h.len = (uint16_t)(b->len - at);
	l->n_specs++;
	return spec;
}

// --- Wire.

enum { SUBFIELD_LEN = 6 };

static int decode_subfield(struct cursor *c, uint16_t n_bits, struct subfield *sf)
{
	int error = nx_destination_decode(c, &sf->field);
	sf->offset = cursor_be16(c);
	sf->n_bits = n_bits;
	return error;
}

static int decode_spec(struct ofpact_decode *d, size_t at, uint16_t header)
{
	struct cursor *c = &d->body;
	unsigned int kind = (header & SPEC_DST) >> SPEC_DST_SHIFT, n = header & SPEC_BITS;
	bool immediate = header & SPEC_IMMEDIATE;
	if (kind > LEARN_OUTPUT || (kind == LEARN_OUTPUT && immediate))
		return OFPBAC_BAD_ARGUMENT;
	// All of it must be there before any of it counts.
	size_t wire = immediate ? 2 * ((n + 15u) / 16u) : SUBFIELD_LEN, bytes = (n + 7u) / 8u;
	if (cursor_left(c) < wire + (kind == LEARN_OUTPUT ? 0 : SUBFIELD_LEN))
		return OFPBAC_BAD_LEN;
	struct ofpact_learn_spec *spec = add_spec(d->out, at);
	if (!spec)
		return OFPBAC_TOO_MANY;
	spec->kind = (uint8_t)kind;
	spec->n_bits = (uint16_t)n;
	int error = 0;
	if (immediate) {
		if (bytes > sizeof(spec->value.b)) // more than any field has
			return OFPBAC_BAD_SET_LEN;
		cursor_skip(c, wire - bytes);
		cursor_copy(c, spec->value.b, bytes);
	} else {
		error = decode_subfield(c, spec->n_bits, &spec->src);
	}
	if (!error && kind != LEARN_OUTPUT)
		error = decode_subfield(c, spec->n_bits, &spec->dst);
	return error ? error : c->bad ? OFPBAC_BAD_LEN : 0;
}

static int decode_head(struct ofpact_decode *d, struct ofpact_learn *l, uint16_t known_flags)
{
	l->idle_timeout = cursor_be16(&d->body);
	l->hard_timeout = cursor_be16(&d->body);
	l->priority = cursor_be16(&d->body);
	cursor_copy(&d->body, &l->cookie, 8);
	uint16_t flags = cursor_be16(&d->body);
	l->table_id = cursor_u8(&d->body);
	bool padded = !cursor_u8(&d->body);
	l->fin_idle_timeout = cursor_be16(&d->body);
	l->fin_hard_timeout = cursor_be16(&d->body);
	l->flags = (uint8_t)flags;
	return flags & ~known_flags || l->table_id == NO_TABLE || !padded ? OFPBAC_BAD_ARGUMENT : 0;
}

static int decode_specs(struct ofpact_decode *d, size_t at)
{
	while (cursor_left(&d->body)) {
		uint16_t header = cursor_be16(&d->body);
		if (!header)
			break;
		int error = decode_spec(d, at, header);
		if (error)
			return error;
	}
	return cursor_zeros(d->body) ? 0 : OFPBAC_BAD_ARGUMENT;
}

static int decode_learn(struct ofpact_decode *d)
{
	size_t at = d->out->len;
	struct ofpact_learn *l = ofpact_add(d->out, OFPACT_LEARN, sizeof(*l));
	int error = decode_head(d, l, LEARN_SEND_FLOW_REM | LEARN_DELETE_LEARNED);
	return error ? error : decode_specs(d, at);
}

static int decode_learn2(struct ofpact_decode *d)
{
	size_t at = d->out->len;
	struct ofpact_learn *l = ofpact_add(d->out, OFPACT_LEARN, sizeof(*l));
	int error = decode_head(d, l, LEARN_FLAGS);
	l->h.raw = RAW_LEARN2;
	l->limit = cursor_be32(&d->body);
	l->result_dst.offset = cursor_be16(&d->body);
	if (cursor_be16(&d->body))
		return NXBAC_MUST_BE_ZERO;
	if (error)
		return error;
	if (l->flags & LEARN_WRITE_RESULT) {
		error = nx_header_decode(&d->body, &l->result_dst.field, NULL);
		if (error)
			return error;
		if (!l->result_dst.field->writable)
			return OFPBAC_BAD_SET_ARGUMENT;
		l->result_dst.n_bits = 1;
	} else if (l->result_dst.offset) {
		return OFPBAC_BAD_ARGUMENT;
	}
	return decode_specs(d, at);
}

static void encode_subfield(struct buf *b, const struct subfield *sf)
{
	nx_header_encode(b, 0, sf->field, false);
	buf_add_be16(b, sf->offset);
}

static void encode_spec(struct buf *b, const struct ofpact_learn_spec *spec)
{
	bool immediate = !spec->src.field;
	buf_add_be16(b, (uint16_t)(spec->n_bits | spec->kind << SPEC_DST_SHIFT |
				   (immediate ? SPEC_IMMEDIATE : 0)));
	if (immediate) {
		size_t bytes = (spec->n_bits + 7u) / 8u, wire = 2 * ((spec->n_bits + 15u) / 16u);
		buf_add_zeros(b, wire - bytes);
		buf_add(b, spec->value.b, bytes);
	} else {
		encode_subfield(b, &spec->src);
	}
	if (spec->kind != LEARN_OUTPUT)
		encode_subfield(b, &spec->dst);
}

static void encode_learn(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_learn *l = (const void *)a;
	bool second = l->h.raw == RAW_LEARN2 || l->limit || l->flags & LEARN_WRITE_RESULT;
	size_t at = ofpact_put_nx(b, second ? NXAST_LEARN2 : NXAST_LEARN);
	buf_add_be16(b, l->idle_timeout);
	buf_add_be16(b, l->hard_timeout);
	buf_add_be16(b, l->priority);
	buf_add(b, &l->cookie, 8);
	buf_add_be16(b, l->flags);
	buf_add_u8(b, l->table_id);
	buf_add_u8(b, 0);
	buf_add_be16(b, l->fin_idle_timeout);
	buf_add_be16(b, l->fin_hard_timeout);
	if (second) {
		buf_add_be32(b, l->limit);
		buf_add_be16(b, l->result_dst.offset);
		buf_add_be16(b, 0);
		if (l->flags & LEARN_WRITE_RESULT)
			nx_header_encode(b, 0, l->result_dst.field, false);
	}
	for (unsigned int i = 0; i < l->n_specs; i++)
		encode_spec(b, &l->specs[i]);
	ofpact_put_end(b, at);
}

// --- Text.

static bool whole_field(const struct subfield *sf)
{
	return !sf->offset && sf->n_bits == sf->field->n_bits;
}

// The number as a value of the destination, which it fills.
static void spec_field_value(const struct ofpact_learn_spec *spec, union field_value *v)
{
	size_t bytes = (spec->n_bits + 7u) / 8u, n = spec->dst.field->n_bytes;
	memset(v, 0, sizeof(*v));
	if (bytes <= n)
		memcpy(v->b + n - bytes, spec->value.b, bytes);
}

// What is matched is the name of what it is compared with.
static void add_destination(struct str *s, const struct subfield *dst, const char *behind)
{
	str_mark_begin(s, MARK_PARAM);
	subfield_format(dst, s);
	str_add(s, behind);
	str_mark_end(s);
}

static void format_spec(const struct ofpact_learn_spec *spec, const struct ofpact_text *t,
			struct str *s)
{
	size_t bytes = (spec->n_bits + 7u) / 8u;
	if (spec->kind == LEARN_OUTPUT) {
		str_mark(s, MARK_SPECIAL, "output:");
		subfield_format(&spec->src, s);
	} else if (spec->kind == LEARN_LOAD) {
		str_mark(s, MARK_SPECIAL, "load:");
		if (spec->src.field)
			subfield_format(&spec->src, s);
		else
			str_add_be_number(s, spec->value.b, bytes);
		str_mark(s, MARK_SPECIAL, "->");
		subfield_format(&spec->dst, s);
	} else if (spec->src.field) {
		add_destination(s, &spec->dst, "");
		if (spec->src.field != spec->dst.field || spec->src.offset != spec->dst.offset) {
			str_mark(s, MARK_PARAM, "=");
			subfield_format(&spec->src, s);
		}
	} else if (whole_field(&spec->dst)) {
		union field_value v;
		spec_field_value(spec, &v);
		str_mark_name(s, spec->dst.field->name);
		field_format_value(spec->dst.field, &v, NULL, t ? t->port_name : NULL,
				   t ? t->arg : NULL, s);
	} else {
		add_destination(s, &spec->dst, "=");
		str_add_be_number(s, spec->value.b, bytes);
	}
}

static void add_word(struct str *s, enum str_mark mark, const char *word)
{
	str_addc(s, ',');
	str_mark(s, mark, word);
}

static void add_number(struct str *s, const char *name, uint64_t number)
{
	add_word(s, MARK_PARAM, name);
	str_add_u64(s, number);
}

static void format_learn(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_learn *l = (const void *)a;
	str_mark(s, MARK_LEARN, "learn(");
	str_mark(s, MARK_SPECIAL, "table=");
	ofp_table_format(t, l->table_id, s);
	if (l->idle_timeout)
		add_number(s, "idle_timeout=", l->idle_timeout);
	if (l->hard_timeout)
		add_number(s, "hard_timeout=", l->hard_timeout);
	if (l->fin_idle_timeout)
		add_number(s, "fin_idle_timeout=", l->fin_idle_timeout);
	if (l->fin_hard_timeout) {
		str_mark(s, MARK_PARAM, ",fin_hard_timeout=");
		str_add_u64(s, l->fin_hard_timeout);
	}
	if (l->priority != DEFAULT_PRIORITY) {
		str_mark(s, MARK_SPECIAL, ",priority=");
		str_add_u64(s, l->priority);
	}
	if (l->flags & LEARN_SEND_FLOW_REM)
		add_word(s, MARK_VALUE, "send_flow_rem");
	if (l->flags & LEARN_DELETE_LEARNED)
		add_word(s, MARK_VALUE, "delete_learned");
	if (l->cookie) {
		add_word(s, MARK_PARAM, "cookie=");
		str_add_0x(s, be64toh(l->cookie));
	}
	if (l->limit)
		add_number(s, "limit=", l->limit);
	if (l->flags & LEARN_WRITE_RESULT) {
		add_word(s, MARK_PARAM, "result_dst=");
		subfield_format(&l->result_dst, s);
	}
	for (unsigned int i = 0; i < l->n_specs; i++) {
		str_addc(s, ',');
		format_spec(&l->specs[i], t, s);
	}
	str_mark(s, MARK_LEARN, ")");
}

// The low n_bits of a number of `size` bytes.
static void spec_set_value(struct ofpact_learn_spec *spec, const uint8_t *number, size_t size)
{
	size_t bytes = (spec->n_bits + 7u) / 8u;
	if (bytes <= size)
		memcpy(spec->value.b, number + size - bytes, bytes);
	else
		memcpy(spec->value.b + bytes - size, number, size);
}

// "field->field"
static struct error *parse_load_field(const char *arg, struct ofpact_learn_spec *spec)
{
	const char *s = arg;
	struct error *e = text_subfield(&s, &spec->src);
	if (!e)
		e = text_short_header(arg, spec->src.field->name, spec->src.field);
	if (e)
		return e;
	if (strncmp(s, "->", 2))
		return error_new("%s: missing `->' following source", arg);
	e = text_subfield_whole(s + 2, &spec->dst);
	if (!e)
		e = text_short_header(arg, spec->dst.field->name, spec->dst.field);
	if (e)
		return e;
	if (spec->src.n_bits != spec->dst.n_bits)
		return error_new("%s: source field is %u bits wide but destination is %u bits wide",
				 arg, spec->src.n_bits, spec->dst.n_bits);
	spec->n_bits = spec->src.n_bits;
	return NULL;
}

// "value->field" or "field->field".
static struct error *parse_load(const char *arg, struct ofpact_learn_spec *spec)
{
	const char *arrow = strstr(arg, "->"), *end = arg;
	union field_value v = {0};
	bool fits;
	spec->kind = LEARN_LOAD;
	if (!arrow)
		return error_new("load: missing `->' in `%s'", arg);
	if (arrow == arg)
		return error_new("load: missing source before `->' in `%s'", arg);
	if (!number_scan(&end, v.b, sizeof(v.b), &fits) || !fits)
		return parse_load_field(arg, spec);
	if (end != arrow)
		return error_new("load: garbage before `->' in `%s'", arg);
	struct error *e = text_subfield_whole(arrow + 2, &spec->dst);
	if (!e)
		e = text_short_header(arg, spec->dst.field->name, spec->dst.field);
	if (e)
		return e;
	spec->n_bits = spec->dst.n_bits;
	if (!text_number_fits(v.b, sizeof(v.b), spec->n_bits))
		return error_new("%s: value does not fit into %u bits", arg, spec->n_bits);
	spec_set_value(spec, v.b, sizeof(v.b));
	return NULL;
}

// The value of a match as a number: why not, when it is none.
static struct error *parse_immediate(struct ofpact_parse *p, const char *whole, const char *value,
				     struct ofpact_learn_spec *spec)
{
	const struct field *f = spec->dst.field;
	union field_value v, mask;
	const char *s = value;
	spec->n_bits = spec->dst.n_bits;
	if (whole_field(&spec->dst)) {
		struct error *e =
			field_parse_value_ports(f, value, p->text ? p->text->port_number : NULL,
						p->text ? p->text->arg : NULL, &v, &mask);
		if (e)
			return e;
		if (!field_mask_is_exact(f, &mask))
			return error_new("%s: wildcards not allowed here", value);
		spec_set_value(spec, v.b, f->n_bytes);
		return NULL;
	}
	bool fits;
	if (!number_scan(&s, v.b, f->n_bytes, &fits) || *s || !fits)
		return error_new("%s: cannot parse integer value", whole);
	if (!text_number_fits(v.b, f->n_bytes, spec->n_bits))
		return text_does_not_fit(whole, f, &v, spec->n_bits);
	spec_set_value(spec, v.b, f->n_bytes);
	return NULL;
}

static struct error *parse_match(struct ofpact_parse *p, const char *whole, const char *name,
				 const char *value, struct ofpact_learn_spec *spec)
{
	const char *s = name;
	struct error *e = subfield_parse(&s, &spec->dst);
	if (e) {
		error_free(e);
		return error_new("%s: unknown keyword %s", whole, name);
	}
	spec->kind = LEARN_MATCH;
	spec->n_bits = spec->dst.n_bits;
	if (*s)
		return error_new("%s: unknown keyword %s", whole, name);
	e = text_short_header(whole, name, spec->dst.field);
	if (e)
		return e;
	if (!*value) {
		spec->src = spec->dst;
		return NULL;
	}
	s = value;
	e = subfield_parse(&s, &spec->src);
	if (!e && !*s) {
		if (spec->src.n_bits != spec->dst.n_bits)
			return error_new("%s: bit widths of %s (%u) and %s (%u) differ", whole,
					 name, spec->src.n_bits, value, spec->dst.n_bits);
		return text_short_header(whole, value, spec->src.field);
	}
	if (!e)
		e = error_new("unexpected input following field syntax");
	memset(&spec->src, 0, sizeof(spec->src));
	struct error *worse = parse_immediate(p, whole, value, spec);
	if (worse) {
		struct error *both =
			error_new("%s: %s value %s cannot be parsed as a subfield (%s) or an "
				  "immediate value (%s)",
				  whole, name, value, error_text(e), error_text(worse));
		error_free(worse);
		error_free(e);
		return both;
	}
	error_free(e);
	return NULL;
}

static struct error *parse_spec(struct ofpact_parse *p, size_t at, const char *whole,
				const char *name, const char *value)
{
	struct ofpact_learn_spec *spec = add_spec(p->out, at);
	if (!spec)
		return error_new("input too big");
	if (!strcmp(name, "load"))
		return parse_load(value, spec);
	if (strcmp(name, "output"))
		return parse_match(p, whole, name, value, spec);
	struct error *e = text_subfield_whole(value, &spec->src);
	spec->kind = LEARN_OUTPUT;
	spec->n_bits = spec->src.n_bits;
	return e ? e : text_short_header(whole, value, spec->src.field);
}

static struct error *parse_result_dst(struct ofpact_learn *l, const char *value)
{
	l->flags |= LEARN_WRITE_RESULT;
	struct error *e = text_subfield_whole(value, &l->result_dst);
	if (!e && l->result_dst.n_bits != 1)
		e = error_new("result_dst in 'learn' action must be a single bit");
	return e;
}

static struct error *parse_table(struct ofpact_learn *l, const struct ofpact_text *t,
				 const char *whole, const char *value)
{
	if (!ofp_table_parse(t, value, &l->table_id))
		return error_new("unknown table \"%s\"", value);
	return l->table_id == NO_TABLE
		       ? error_new("%s: table id 255 not valid for `learn' action", whole)
		       : NULL;
}

static struct error *parse_key(struct ofpact_parse *p, size_t at, const char *whole,
			       const char *name, const char *value)
{
	struct ofpact_learn *l = at_learn(p->out, at);
	if (!strcmp(name, "table"))
		return parse_table(l, p->text, whole, value);
	if (!strcmp(name, "priority"))
		return text_u16(value, "priority", &l->priority);
	if (!strcmp(name, "idle_timeout"))
		return text_u16(value, "idle_timeout", &l->idle_timeout);
	if (!strcmp(name, "hard_timeout"))
		return text_u16(value, "hard_timeout", &l->hard_timeout);
	if (!strcmp(name, "fin_idle_timeout"))
		return text_u16(value, "fin_idle_timeout", &l->fin_idle_timeout);
	if (!strcmp(name, "fin_hard_timeout"))
		return text_u16(value, "fin_hard_timeout", &l->fin_hard_timeout);
	if (!strcmp(name, "cookie"))
		return text_be64(value, &l->cookie);
	if (!strcmp(name, "limit"))
		return text_u32(value, &l->limit);
	if (!strcmp(name, "result_dst"))
		return parse_result_dst(l, value);
	if (!strcmp(name, "send_flow_rem"))
		l->flags |= LEARN_SEND_FLOW_REM;
	else if (!strcmp(name, "delete_learned"))
		l->flags |= LEARN_DELETE_LEARNED;
	else
		return parse_spec(p, at, whole, name, value);
	return NULL;
}

static struct error *parse_learn(struct ofpact_parse *p, char *arg)
{
	size_t at = p->out->len;
	struct ofpact_learn *l = ofpact_add(p->out, OFPACT_LEARN, sizeof(*l));
	char *whole = xstrdup(arg), *key, *value;
	struct error *e = NULL;
	l->priority = DEFAULT_PRIORITY;
	l->table_id = 1;
	while (!e && text_next_pair(&arg, &key, &value))
		e = parse_key(p, at, whole, key, value);
	free(whole);
	return e;
}

// --- Whether it makes sense: the new flow's match is built up as the specifications say.

void ofpact_learn_set_match(const struct ofpact_learn_spec *spec, const union field_value *number,
			    struct match *m)
{
	size_t bytes = (spec->n_bits + 7u) / 8u;
	union field_value v, mask;
	const struct field *f = spec->dst.field;
	field_get_value(f, &m->flow, &v);
	field_get_value(f, &m->mask, &mask);
	subfield_put_bits(&spec->dst, number->b, bytes, &v);
	union field_value bits;
	subfield_mask(&spec->dst, &bits);
	if (whole_field(&spec->dst)) // VLAN and the like know which bits are theirs
		field_exact_mask(f, &bits);
	for (unsigned int i = 0; i < f->n_bytes; i++)
		mask.b[i] |= bits.b[i];
	match_set(m, f, &v, &mask);
}

static int check_learn(struct ofpact *a, struct ofpact_check *c)
{
	const struct ofpact_learn *l = (const void *)a;
	struct match made;
	struct ofpact_check of_made = *c;
	match_init_any(&made);
	of_made.match = &made;
	int error =
		l->flags & LEARN_WRITE_RESULT ? subfield_check_destination(&l->result_dst, c) : 0;
	for (unsigned int i = 0; !error && i < l->n_specs; i++) {
		const struct ofpact_learn_spec *spec = &l->specs[i];
		if (spec->src.field)
			error = subfield_check_source(&spec->src, c);
		if (error || spec->kind == LEARN_OUTPUT)
			continue;
		if (spec->kind == LEARN_LOAD) {
			error = subfield_check_destination(&spec->dst, &of_made);
			continue;
		}
		error = subfield_check_source(&spec->dst, &of_made);
		if (!error && !spec->src.field)
			ofpact_learn_set_match(spec, &spec->value, &made);
	}
	return error;
}

const struct ofpact_row ofpact_learn_row = {
	.name = "learn",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_LEARN, V10, V15, 32, true, decode_learn},
			{OFP_VENDOR_NX, NXAST_LEARN2, V10, V15, 40, true, decode_learn2},
			{0},
		},
	.words = (const struct ofpact_word[]){{"learn", parse_learn}, {0}},
	.encode = encode_learn,
	.format = format_learn,
	.check = check_learn,
};
