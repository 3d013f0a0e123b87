/* SPDX-License-Identifier: Apache-2.0 */
// Actions that steer translation: resubmit, clone, exit, note; and the instructions that have a
// place in a list of actions.
#include "openflow/action_row.h"

#include <string.h>
#include <strings.h>

enum { V10 = OFP10, V15 = OFP15 };
enum { // wire subtypes
	NXAST_RESUBMIT = 1,
	NXAST_NOTE = 8,
	NXAST_RESUBMIT_TABLE = 14,
	NXAST_EXIT = 17,
	NXAST_WRITE_METADATA = 22,
	NXAST_CLONE = 42,
	NXAST_RESUBMIT_TABLE_CT = 44,
};
enum { OFPAT15_METER = 29 };
enum { TABLE_CURRENT = 255 };
enum { MAX_METER = 0xffff0000u };

// --- resubmit

static struct ofpact_resubmit *add_resubmit(struct buf *out, uint32_t in_port, uint8_t table)
{
	struct ofpact_resubmit *r = ofpact_add(out, OFPACT_RESUBMIT, sizeof(*r));
	r->in_port = in_port;
	r->table = table;
	return r;
}

static int decode_resubmit(struct ofpact_decode *d)
{
	add_resubmit(d->out, cursor_be16(&d->body), TABLE_CURRENT)->h.raw = RAW_RESUBMIT;
	return 0;
}

static int resubmit_table(struct ofpact_decode *d, bool ct)
{
	struct ofpact_resubmit *r = add_resubmit(d->out, cursor_be16(&d->body), 0);
	r->table = cursor_u8(&d->body);
	r->with_ct_orig = ct;
	for (int i = 0; i < 3; i++)
		if (cursor_u8(&d->body))
			return OFPBAC_BAD_ARGUMENT;
	return 0;
}

static int decode_resubmit_table(struct ofpact_decode *d)
{
	return resubmit_table(d, false);
}

static int decode_resubmit_ct(struct ofpact_decode *d)
{
	return resubmit_table(d, true);
}

// `plain`: the first form of the action, which has no table.
static void put_resubmit(struct buf *b, uint32_t in_port, uint8_t table, bool ct, bool plain)
{
	size_t at = ofpact_put_nx(b, ct	     ? NXAST_RESUBMIT_TABLE_CT
				     : plain ? NXAST_RESUBMIT
					     : NXAST_RESUBMIT_TABLE);
	buf_add_be16(b, (uint16_t)in_port);
	buf_add_u8(b, plain ? 0 : table);
	ofpact_put_end(b, at);
}

static void encode_resubmit(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_resubmit *r = (const void *)a;
	put_resubmit(b, r->in_port, r->table, r->with_ct_orig, a->raw == RAW_RESUBMIT);
}

static void format_resubmit(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_resubmit *r = (const void *)a;
	ofp_port_name_cb *port_name = t ? t->port_name : NULL;
	void *arg = t ? t->arg : NULL;
	if (r->in_port != OFPP_IN_PORT && r->table == TABLE_CURRENT && !r->with_ct_orig) {
		str_mark(s, MARK_SPECIAL, "resubmit:");
		ofp_port_format(r->in_port, port_name, arg, s);
		return;
	}
	str_mark(s, MARK_PAREN, "resubmit(");
	if (r->in_port != OFPP_IN_PORT)
		ofp_port_format(r->in_port, port_name, arg, s);
	str_addc(s, ',');
	if (r->table != TABLE_CURRENT)
		ofp_table_format(t, r->table, s);
	str_add(s, r->with_ct_orig ? ",ct" : "");
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_resubmit(struct ofpact_parse *p, char *arg)
{
	struct ofpact_resubmit *r = add_resubmit(p->out, OFPP_IN_PORT, TABLE_CURRENT);
	char *port = strsep(&arg, ","), *table = arg ? strsep(&arg, ",") : NULL;
	if (port && *port &&
	    !ofp_port_parse(port, p->text ? p->text->port_number : NULL,
			    p->text ? p->text->arg : NULL, &r->in_port))
		return error_new("%s: resubmit to unknown port", port);
	if (table && *table && !ofp_table_parse(p->text, table, &r->table))
		return error_new("%s: resubmit to unknown table", table);
	const char *more = arg ? strsep(&arg, ",") : NULL;
	if (more && *more) {
		if (strcasecmp(more, "ct"))
			return error_new("%s: unknown parameter", more);
		r->with_ct_orig = true;
	}
	if (r->in_port == OFPP_IN_PORT && r->table == TABLE_CURRENT)
		return error_new(
			"at least one \"in_port\" or \"table\" must be specified on resubmit");
	return NULL;
}

static int check_resubmit(struct ofpact *a, struct ofpact_check *c)
{
	const struct ofpact_resubmit *r = (const void *)a;
	return r->with_ct_orig && !flow_has_connection(&c->match->flow, &c->match->mask)
		       ? OFPBAC_MATCH_INCONSISTENT
		       : 0;
}

const struct ofpact_row ofpact_resubmit_row = {
	.name = "resubmit",
	.place = SET_RESUBMIT,
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_RESUBMIT, V10, V15, 16, false, decode_resubmit},
			{OFP_VENDOR_NX, NXAST_RESUBMIT_TABLE, V10, V15, 16, false,
			 decode_resubmit_table},
			{OFP_VENDOR_NX, NXAST_RESUBMIT_TABLE_CT, V10, V15, 16, false,
			 decode_resubmit_ct},
			{0},
		},
	.words = (const struct ofpact_word[]){{"resubmit", parse_resubmit}, {0}},
	.encode = encode_resubmit,
	.format = format_resubmit,
	.check = check_resubmit,
};

// --- note

static struct ofpact_note *add_note(struct buf *out, const void *data, size_t n)
{
	struct ofpact_note *o = ofpact_add(out, OFPACT_NOTE, sizeof(*o) + n);
	o->n = (uint16_t)n;
	if (n)
		memcpy(o->data, data, n);
	return o;
}

static int decode_note(struct ofpact_decode *d)
{
	size_t n = cursor_left(&d->body);
	add_note(d->out, cursor_take(&d->body, n), n);
	return 0;
}

static void encode_note(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_note *o = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_NOTE);
	buf_add(b, o->data, o->n);
	if (!o->n)
		buf_add_zeros(b, 6);
	ofpact_put_end(b, at);
}

static void format_note(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_note *o = (const void *)a;
	str_mark(s, MARK_PARAM, "note:");
	text_format_hex_bytes(s, o->data, o->n);
}

static struct error *parse_note(struct ofpact_parse *p, char *arg)
{
	struct buf bytes = BUF_INIT;
	const char *end = text_hex_bytes(arg, &bytes);
	struct error *e = !end || *end ? error_new("bad hex digit in `note' argument") : NULL;
	if (!e && bytes.len > 60000)
		e = error_new("note is too long");
	if (!e)
		add_note(p->out, bytes.data, bytes.len);
	buf_done(&bytes);
	return e;
}

const struct ofpact_row ofpact_note_row = {
	.name = "note",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_NOTE, V10, V15, 16, true, decode_note}, {0}},
	.words = (const struct ofpact_word[]){{"note", parse_note}, {0}},
	.encode = encode_note,
	.format = format_note,
};

// --- exit

static int decode_exit(struct ofpact_decode *d)
{
	ofpact_add(d->out, OFPACT_EXIT, sizeof(struct ofpact));
	return 0;
}

static void encode_exit(struct buf *b, uint8_t version, const struct ofpact *a)
{
	ofpact_put_end(b, ofpact_put_nx(b, NXAST_EXIT));
}

static void format_exit(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_SPECIAL, "exit");
}

static struct error *parse_exit(struct ofpact_parse *p, char *arg)
{
	ofpact_add(p->out, OFPACT_EXIT, sizeof(struct ofpact));
	return NULL;
}

const struct ofpact_row ofpact_exit_row = {
	.name = "exit",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_EXIT, V10, V15, 16, false, decode_exit}, {0}},
	.words = (const struct ofpact_word[]){{"exit", parse_exit}, {0}},
	.encode = encode_exit,
	.format = format_exit,
};

// --- clone, write_actions: lists inside

static void close_nest(struct buf *out, size_t at)
{
	struct ofpact_nest *nest = (void *)(out->data + at);
	nest->raw_len = (uint32_t)(out->len - at - sizeof(*nest));
	nest->h.len = (uint16_t)(out->len - at);
}

static int decode_clone(struct ofpact_decode *d)
{
	size_t at = d->out->len;
	cursor_skip(&d->body, 6);
	ofpact_add(d->out, OFPACT_CLONE, sizeof(struct ofpact_nest));
	int error = ofpacts_decode_nested(d, d->out);
	close_nest(d->out, at);
	struct ofpact_nest *nest = (void *)(d->out->data + at);
	return error ? error : ofpacts_verify(nest + 1, nest->raw_len, d->version, false, NULL);
}

static void encode_clone(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_nest *nest = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_CLONE);
	buf_add_zeros(b, 6);
	ofpacts_encode(b, version, nest + 1, nest->raw_len);
	ofpact_put_end(b, at);
}

static void format_clone(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_nest *nest = (const void *)a;
	str_mark(s, MARK_PAREN, "clone(");
	ofpacts_format(nest + 1, nest->raw_len, t, s);
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_nest(struct ofpact_parse *p, char *arg, enum ofpact_type type)
{
	size_t at = p->out->len;
	ofpact_add(p->out, type, sizeof(struct ofpact_nest));
	struct error *e = ofpacts_parse_nested(p, arg, (int)type);
	if (!e && p->out->len > UINT16_MAX)
		e = error_new("input too big");
	if (!e)
		close_nest(p->out, at);
	return e;
}

static struct error *parse_clone(struct ofpact_parse *p, char *arg)
{
	return parse_nest(p, arg, OFPACT_CLONE);
}

static int check_nest(struct ofpact *a, struct ofpact_check *c)
{
	struct ofpact_nest *nest = (void *)a;
	return ofpact_check_nested(nest + 1, nest->raw_len, c);
}

const struct ofpact_row ofpact_clone_row = {
	.name = "clone",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_CLONE, V10, V15, 16, true, decode_clone}, {0}},
	.words = (const struct ofpact_word[]){{"clone", parse_clone}, {0}},
	.encode = encode_clone,
	.format = format_clone,
	.check = check_nest,
};

static void encode_nothing(struct buf *b, uint8_t version, const struct ofpact *a)
{
	// An instruction is not an action: action_wire.c writes it where the version has
	// instructions.
}

static void format_write_actions(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_nest *nest = (const void *)a;
	str_mark(s, MARK_PAREN, "write_actions(");
	ofpacts_format(nest + 1, nest->raw_len, t, s);
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_write_actions(struct ofpact_parse *p, char *arg)
{
	return parse_nest(p, arg, OFPACT_WRITE_ACTIONS);
}

// When a set is run, the packet may be another one: nothing can be said about what fits.
static int check_write_actions(struct ofpact *a, struct ofpact_check *c)
{
	uint32_t protocols = *c->protocols;
	struct ofpact_check inner = *c;
	inner.protocols = &protocols;
	return check_nest(a, &inner);
}

const struct ofpact_row ofpact_write_actions_row = {
	.name = "write_actions",
	.instruction = INST_WRITE,
	.words = (const struct ofpact_word[]){{"write_actions", parse_write_actions}, {0}},
	.encode = encode_nothing,
	.format = format_write_actions,
	.check = check_write_actions,
};

// --- clear_actions

static void format_clear(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_VALUE, "clear_actions");
}

static struct error *parse_clear(struct ofpact_parse *p, char *arg)
{
	ofpact_add(p->out, OFPACT_CLEAR_ACTIONS, sizeof(struct ofpact));
	return NULL;
}

const struct ofpact_row ofpact_clear_actions_row = {
	.name = "clear_actions",
	.instruction = INST_CLEAR,
	.words = (const struct ofpact_word[]){{"clear_actions", parse_clear}, {0}},
	.encode = encode_nothing,
	.format = format_clear,
};

// --- write_metadata

static int decode_metadata(struct ofpact_decode *d)
{
	struct ofpact_metadata *m = ofpact_add(d->out, OFPACT_WRITE_METADATA, sizeof(*m));
	for (int i = 0; i < 6; i++)
		if (cursor_u8(&d->body))
			return NXBRC_MUST_BE_ZERO;
	cursor_copy(&d->body, &m->value, 8);
	cursor_copy(&d->body, &m->mask, 8);
	return 0;
}

static void encode_metadata(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_metadata *m = (const void *)a;
	if (version != OFP10)
		return;
	size_t at = ofpact_put_nx(b, NXAST_WRITE_METADATA);
	buf_add_zeros(b, 6);
	buf_add(b, &m->value, 8);
	buf_add(b, &m->mask, 8);
	ofpact_put_end(b, at);
}

static void format_metadata(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_metadata *m = (const void *)a;
	str_mark(s, MARK_PARAM, "write_metadata:");
	str_add_0x(s, be64toh(m->value));
	if (m->mask != UINT64_MAX) {
		str_addc(s, '/');
		str_add_0x(s, be64toh(m->mask));
	}
}

static struct error *parse_metadata(struct ofpact_parse *p, char *arg)
{
	struct ofpact_metadata *m = ofpact_add(p->out, OFPACT_WRITE_METADATA, sizeof(*m));
	uint64_t value, mask = UINT64_MAX;
	char *slash = strchr(arg, '/');
	*p->protocols &= OFPROTO_NXM_ANY | OFPROTO_11 | OFPROTO_OXM_ANY;
	if (slash)
		*slash++ = '\0';
	struct error *e = slash ? text_u64(slash, &mask) : NULL;
	if (!e)
		e = text_u64(arg, &value);
	if (e)
		return e;
	m->value = htobe64(value);
	m->mask = htobe64(mask);
	return NULL;
}

const struct ofpact_row ofpact_write_metadata_row = {
	.name = "write_metadata",
	.instruction = INST_METADATA,
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_WRITE_METADATA, V10, V15, 32,
					       false, decode_metadata},
					      {0}},
	.words = (const struct ofpact_word[]){{"write_metadata", parse_metadata}, {0}},
	.encode = encode_metadata,
	.format = format_metadata,
};

// --- meter: an instruction from OpenFlow 1.3 on, an action in 1.5

static int decode_meter(struct ofpact_decode *d)
{
	struct ofpact_meter *m = ofpact_add(d->out, OFPACT_METER, sizeof(*m));
	m->meter_id = cursor_be32(&d->body);
	return 0;
}

static void encode_meter(struct buf *b, uint8_t version, const struct ofpact *a)
{
	if (version < OFP15)
		return;
	size_t at = ofpact_put(b, OFPAT15_METER);
	buf_add_be32(b, ((const struct ofpact_meter *)(const void *)a)->meter_id);
	ofpact_put_end(b, at);
}

static void format_meter(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, "meter:");
	str_add_u64(s, ((const struct ofpact_meter *)(const void *)a)->meter_id);
}

static struct error *parse_meter(struct ofpact_parse *p, char *arg)
{
	struct ofpact_meter *m = ofpact_add(p->out, OFPACT_METER, sizeof(*m));
	*p->protocols &= OFPROTO_13 | OFPROTO_14 | OFPROTO_15;
	return text_u32(arg, &m->meter_id);
}

static int check_meter(struct ofpact *a, struct ofpact_check *c)
{
	uint32_t id = ((struct ofpact_meter *)(void *)a)->meter_id;
	return id && id <= MAX_METER ? 0 : OFPMMFC_INVALID_METER;
}

const struct ofpact_row ofpact_meter_row = {
	.name = "meter",
	.instruction = INST_METER,
	.wires = (const struct ofpact_wire[]){{0, OFPAT15_METER, V15, V15, 8, false, decode_meter},
					      {0}},
	.words = (const struct ofpact_word[]){{"meter", parse_meter}, {0}},
	.encode = encode_meter,
	.format = format_meter,
	.check = check_meter,
};

// --- goto_table

static void encode_goto(struct buf *b, uint8_t version, const struct ofpact *a)
{
	if (version == OFP10)
		put_resubmit(b, OFPP_IN_PORT,
			     ((const struct ofpact_goto_table *)(const void *)a)->table, false,
			     false);
}

static void format_goto(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, "goto_table:");
	ofp_table_format(t, ((const struct ofpact_goto_table *)(const void *)a)->table, s);
}

static struct error *parse_goto(struct ofpact_parse *p, char *arg)
{
	struct ofpact_goto_table *g = ofpact_add(p->out, OFPACT_GOTO_TABLE, sizeof(*g));
	return !ofp_table_parse(p->text, arg, &g->table) ? error_new("unknown table \"%s\"", arg)
							 : NULL;
}

static int check_goto(struct ofpact *a, struct ofpact_check *c)
{
	uint8_t table = ((struct ofpact_goto_table *)(void *)a)->table;
	if ((c->table_id != 255 && table <= c->table_id) ||
	    (c->n_tables != 255 && table >= c->n_tables))
		return OFPBIC_BAD_TABLE_ID;
	return 0;
}

const struct ofpact_row ofpact_goto_table_row = {
	.name = "goto_table",
	.instruction = INST_GOTO,
	.words = (const struct ofpact_word[]){{"goto_table", parse_goto}, {0}},
	.encode = encode_goto,
	.format = format_goto,
	.check = check_goto,
};
