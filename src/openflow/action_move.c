/* SPDX-License-Identifier: Apache-2.0 */
// Actions that move bits between any fields of the table: move, and push and pop, which go through
// a stack that the packet has.
#include "openflow/action_row.h"

#include <string.h>

enum { V10 = OFP10, V14 = OFP14, V15 = OFP15 };
enum { // wire types
	OFPAT15_COPY_FIELD = 28,
	NXAST_REG_MOVE = 6,
	NXAST_STACK_PUSH = 27,
	NXAST_STACK_POP = 28,
};

// --- move

static int finish_move(struct ofpact_decode *d, struct ofpact_reg_move *m)
{
	int error = nx_header_decode(&d->body, &m->src.field, NULL);
	if (!error)
		error = nx_header_decode(&d->body, &m->dst.field, NULL);
	if (!error && !cursor_zeros(d->body))
		error = NXBRC_MUST_BE_ZERO;
	if (!error)
		error = subfield_check_range(&m->src);
	return error ? error : subfield_check_writable(&m->dst);
}

static int decode_move(struct ofpact_decode *d)
{
	struct ofpact_reg_move *m = ofpact_add(d->out, OFPACT_REG_MOVE, sizeof(*m));
	m->src.n_bits = m->dst.n_bits = cursor_be16(&d->body);
	m->src.offset = cursor_be16(&d->body);
	m->dst.offset = cursor_be16(&d->body);
	return finish_move(d, m);
}

static int decode_copy_field(struct ofpact_decode *d)
{
	struct ofpact_reg_move *m = ofpact_add(d->out, OFPACT_REG_MOVE, sizeof(*m));
	m->src.n_bits = m->dst.n_bits = cursor_be16(&d->body);
	m->src.offset = cursor_be16(&d->body);
	m->dst.offset = cursor_be16(&d->body);
	cursor_skip(&d->body, 2);
	return finish_move(d, m);
}

static void encode_move(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_reg_move *m = (const void *)a;
	size_t at = version >= OFP15 ? ofpact_put(b, OFPAT15_COPY_FIELD)
				     : ofpact_put_nx(b, NXAST_REG_MOVE);
	buf_add_be16(b, m->dst.n_bits);
	buf_add_be16(b, m->src.offset);
	buf_add_be16(b, m->dst.offset);
	if (version >= OFP15)
		buf_add_zeros(b, 2);
	nx_header_encode(b, version >= OFP15 ? version : 0, m->src.field, false);
	nx_header_encode(b, version >= OFP15 ? version : 0, m->dst.field, false);
	ofpact_put_end(b, at);
}

static void format_move(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_reg_move *m = (const void *)a;
	str_mark(s, MARK_SPECIAL, "move:");
	subfield_format(&m->src, s);
	str_mark(s, MARK_SPECIAL, "->");
	subfield_format(&m->dst, s);
}

static struct error *parse_move(struct ofpact_parse *p, char *arg)
{
	struct subfield src, dst;
	const char *at = arg;
	struct error *e = text_subfield(&at, &src);
	if (!e && strncmp(at, "->", 2))
		return error_new("%s: missing `->' following source", arg);
	if (e)
		return e;
	e = text_subfield_whole(at + 2, &dst);
	if (e)
		return e;
	if (src.n_bits != dst.n_bits)
		return error_new("%s: source field is %u bits wide but destination is %u bits wide",
				 arg, src.n_bits, dst.n_bits);
	struct ofpact_reg_move *m = ofpact_add(p->out, OFPACT_REG_MOVE, sizeof(*m));
	m->src = src;
	m->dst = dst;
	return NULL;
}

static int check_move(struct ofpact *a, struct ofpact_check *c)
{
	struct ofpact_reg_move *m = (void *)a;
	int error = subfield_check_source(&m->src, c);
	return error ? error : subfield_check_destination(&m->dst, c);
}

const struct ofpact_row ofpact_reg_move_row = {
	.name = "move",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT15_COPY_FIELD, V15, V15, 16, true, decode_copy_field},
			{OFP_VENDOR_NX, NXAST_REG_MOVE, V10, V14, 16, true, decode_move},
			{0},
		},
	.words = (const struct ofpact_word[]){{"move", parse_move}, {0}},
	.encode = encode_move,
	.format = format_move,
	.check = check_move,
};

// --- push, pop

static int decode_stack(struct ofpact_decode *d, enum ofpact_type type)
{
	struct ofpact_stack *o = ofpact_add(d->out, type, sizeof(*o));
	o->subfield.offset = cursor_be16(&d->body);
	int error = nx_header_decode(&d->body, &o->subfield.field, NULL);
	o->subfield.n_bits = cursor_be16(&d->body);
	if (!error && !cursor_zeros(d->body))
		error = NXBRC_MUST_BE_ZERO;
	if (error)
		return error;
	return type == OFPACT_STACK_POP ? subfield_check_writable(&o->subfield)
					: subfield_check_range(&o->subfield);
}

static int decode_push(struct ofpact_decode *d)
{
	return decode_stack(d, OFPACT_STACK_PUSH);
}

static int decode_pop(struct ofpact_decode *d)
{
	return decode_stack(d, OFPACT_STACK_POP);
}

static void encode_stack(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_stack *o = (const void *)a;
	size_t at =
		ofpact_put_nx(b, a->type == OFPACT_STACK_PUSH ? NXAST_STACK_PUSH : NXAST_STACK_POP);
	buf_add_be16(b, o->subfield.offset);
	nx_header_encode(b, 0, o->subfield.field, false);
	buf_add_be16(b, o->subfield.n_bits);
	buf_pad(b, at, 24);
	ofpact_put_end(b, at);
}

static void format_stack(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, a->type == OFPACT_STACK_PUSH ? "push:" : "pop:");
	subfield_format(&((const struct ofpact_stack *)(const void *)a)->subfield, s);
}

static struct error *parse_stack(struct ofpact_parse *p, const char *arg, enum ofpact_type type)
{
	struct ofpact_stack *o = ofpact_add(p->out, type, sizeof(*o));
	const char *end = arg;
	struct error *e = text_subfield(&end, &o->subfield);
	if (!e && *end)
		e = error_new("%s: trailing garbage following push or pop", end);
	return e;
}

static struct error *parse_push(struct ofpact_parse *p, char *arg)
{
	return parse_stack(p, arg, OFPACT_STACK_PUSH);
}

static struct error *parse_pop(struct ofpact_parse *p, char *arg)
{
	return parse_stack(p, arg, OFPACT_STACK_POP);
}

static int check_push(struct ofpact *a, struct ofpact_check *c)
{
	return subfield_check_source(&((struct ofpact_stack *)(void *)a)->subfield, c);
}

static int check_pop(struct ofpact *a, struct ofpact_check *c)
{
	return subfield_check_destination(&((struct ofpact_stack *)(void *)a)->subfield, c);
}

const struct ofpact_row ofpact_stack_push_row = {
	.name = "push",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_STACK_PUSH, V10, V15, 24, false, decode_push}, {0}},
	.words = (const struct ofpact_word[]){{"push", parse_push}, {0}},
	.encode = encode_stack,
	.format = format_stack,
	.check = check_push,
};

const struct ofpact_row ofpact_stack_pop_row = {
	.name = "pop",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_STACK_POP, V10, V15, 24, false, decode_pop}, {0}},
	.words = (const struct ofpact_word[]){{"pop", parse_pop}, {0}},
	.encode = encode_stack,
	.format = format_stack,
	.check = check_pop,
};
