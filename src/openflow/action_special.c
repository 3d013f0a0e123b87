/* SPDX-License-Identifier: Apache-2.0 */
// Actions that stand alone: conjunction, sample, check_pkt_larger, delete_field, and two that exist
// for tests.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openflow/action_row.h"

enum { V10 = OFP10, V15 = OFP15 };
enum { // wire subtypes
	NXAST_SAMPLE = 29,
	NXAST_CONJUNCTION = 34,
	NXAST_SAMPLE2 = 38,
	NXAST_SAMPLE3 = 41,
	NXAST_CHECK_PKT_LARGER = 49,
	NXAST_DELETE_FIELD = 50,
	NXAST_DEBUG_SLOW = 254,
	NXAST_DEBUG_RECIRC = 255,
};

// --- conjunction

enum { MIN_CLAUSES = 2, MAX_CLAUSES = 64 };

static struct ofpact_conjunction *add_conjunction(struct buf *out, uint32_t id, uint8_t clause,
						  uint8_t n)
{
	struct ofpact_conjunction *o = ofpact_add(out, OFPACT_CONJUNCTION, sizeof(*o));
	o->id = id;
	o->clause = clause;
	o->n_clauses = n;
	return o;
}

static int decode_conjunction(struct ofpact_decode *d)
{
	uint8_t clause = cursor_u8(&d->body), n = cursor_u8(&d->body);
	add_conjunction(d->out, cursor_be32(&d->body), clause, n);
	return n < MIN_CLAUSES || n > MAX_CLAUSES || clause >= n ? NXBAC_BAD_CONJUNCTION : 0;
}

static void encode_conjunction(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_conjunction *o = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_CONJUNCTION);
	buf_add_u8(b, o->clause);
	buf_add_u8(b, o->n_clauses);
	buf_add_be32(b, o->id);
	ofpact_put_end(b, at);
}

static void format_conjunction(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_conjunction *o = (const void *)a;
	str_mark(s, MARK_PAREN, "conjunction(");
	str_addf(s, "%u,%u/%u", o->id, o->clause + 1, o->n_clauses);
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_conjunction(struct ofpact_parse *p, char *arg)
{
	unsigned int clause, n;
	int end = 0;
	char *rest;
	long long id = strtoll(arg, &rest, 0);
	if (rest == arg || sscanf(rest, " , %u / %u %n", &clause, &n, &end) != 2 || rest[end] ||
	    id < INT32_MIN || id > UINT32_MAX)
		return error_new("\"conjunction\" syntax is \"conjunction(id,i/n)\"");
	if (n < MIN_CLAUSES)
		return error_new("conjunction must have at least 2 clauses");
	if (n > MAX_CLAUSES)
		return error_new("conjunction must have at most 64 clauses");
	if (!clause)
		return error_new("clause index must be positive");
	if (clause > n)
		return error_new("clause index must be less than or equal to number of clauses");
	add_conjunction(p->out, (uint32_t)id, (uint8_t)(clause - 1), (uint8_t)n);
	return NULL;
}

const struct ofpact_row ofpact_conjunction_row = {
	.name = "conjunction",
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_CONJUNCTION, V10, V15, 16,
					       false, decode_conjunction},
					      {0}},
	.words = (const struct ofpact_word[]){{"conjunction", parse_conjunction}, {0}},
	.encode = encode_conjunction,
	.format = format_conjunction,
};

// --- sample

static struct ofpact_sample *sample_body(struct ofpact_decode *d, enum ofpact_raw raw)
{
	struct ofpact_sample *o = ofpact_add(d->out, OFPACT_SAMPLE, sizeof(*o));
	o->h.raw = (uint8_t)raw;
	o->probability = cursor_be16(&d->body);
	o->collector_set_id = cursor_be32(&d->body);
	o->obs_domain_id = cursor_be32(&d->body);
	o->obs_point_id = cursor_be32(&d->body);
	o->sampling_port = OFPP_NONE;
	return o;
}

static int decode_sample(struct ofpact_decode *d)
{
	return sample_body(d, RAW_USUAL)->probability ? 0 : OFPBAC_BAD_ARGUMENT;
}

static int sample_port(struct ofpact_decode *d, enum ofpact_raw raw)
{
	struct ofpact_sample *o = sample_body(d, raw);
	o->sampling_port = cursor_be16(&d->body);
	if (raw == RAW_SAMPLE2) // had padding where the third form has a direction
		return o->probability ? 0 : OFPBAC_BAD_ARGUMENT;
	o->direction = cursor_u8(&d->body);
	if (!cursor_zeros(d->body))
		return NXBRC_MUST_BE_ZERO;
	return o->probability && o->direction <= SAMPLE_EGRESS ? 0 : OFPBAC_BAD_ARGUMENT;
}

static int decode_sample2(struct ofpact_decode *d)
{
	return sample_port(d, RAW_SAMPLE2);
}

static int decode_sample3(struct ofpact_decode *d)
{
	return sample_port(d, RAW_SAMPLE3);
}

static void encode_sample(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_sample *o = (const void *)a;
	bool third = a->raw == RAW_SAMPLE3 || o->direction;
	bool second = third || a->raw == RAW_SAMPLE2 || o->sampling_port != OFPP_NONE;
	size_t at = ofpact_put_nx(b, third ? NXAST_SAMPLE3 : second ? NXAST_SAMPLE2 : NXAST_SAMPLE);
	buf_add_be16(b, o->probability);
	buf_add_be32(b, o->collector_set_id);
	buf_add_be32(b, o->obs_domain_id);
	buf_add_be32(b, o->obs_point_id);
	if (second) {
		buf_add_be16(b, (uint16_t)o->sampling_port);
		buf_add_u8(b, o->direction);
	}
	ofpact_put_end(b, at);
}

static void format_sample(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_sample *o = (const void *)a;
	str_mark(s, MARK_PAREN, "sample(");
	text_add_number(s, "probability", o->probability);
	text_add_number(s, "collector_set_id", o->collector_set_id);
	text_add_number(s, "obs_domain_id", o->obs_domain_id);
	text_add_number(s, "obs_point_id", o->obs_point_id);
	if (o->sampling_port != OFPP_NONE) {
		str_mark(s, MARK_PARAM, "sampling_port=");
		text_format_port(t, o->sampling_port, s);
		str_addc(s, ',');
	}
	str_chomp(s, ',');
	if (o->direction) {
		str_addc(s, ',');
		str_mark(s, MARK_PARAM, o->direction == SAMPLE_INGRESS ? "ingress" : "egress");
	}
	str_mark(s, MARK_PAREN, ")");
}

static struct error *sample_key(struct ofpact_parse *p, struct ofpact_sample *o, const char *key,
				const char *value)
{
	if (!strcmp(key, "probability")) {
		struct error *e = text_u16(value, "probability", &o->probability);
		return e || o->probability ? e
					   : error_new("invalid probability value \"%s\"", value);
	}
	if (!strcmp(key, "collector_set_id"))
		return text_u32(value, &o->collector_set_id);
	if (!strcmp(key, "obs_domain_id"))
		return text_u32(value, &o->obs_domain_id);
	if (!strcmp(key, "obs_point_id"))
		return text_u32(value, &o->obs_point_id);
	if (!strcmp(key, "sampling_port"))
		return text_port(p->text, value, &o->sampling_port)
			       ? NULL
			       : error_new("%s: unknown port", value);
	if (!strcmp(key, "ingress"))
		o->direction = SAMPLE_INGRESS;
	else if (!strcmp(key, "egress"))
		o->direction = SAMPLE_EGRESS;
	else
		return error_new("invalid key \"%s\" in \"sample\" argument", key);
	return NULL;
}

static struct error *parse_sample(struct ofpact_parse *p, char *arg)
{
	struct ofpact_sample *o = ofpact_add(p->out, OFPACT_SAMPLE, sizeof(*o));
	char *key, *value;
	struct error *e = NULL;
	o->sampling_port = OFPP_NONE;
	while (!e && text_next_pair(&arg, &key, &value))
		e = sample_key(p, o, key, value);
	return e || o->probability
		       ? e
		       : error_new("non-zero \"probability\" must be specified on sample");
}

const struct ofpact_row ofpact_sample_row = {
	.name = "sample",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_SAMPLE, V10, V15, 24, false, decode_sample},
			{OFP_VENDOR_NX, NXAST_SAMPLE2, V10, V15, 32, false, decode_sample2},
			{OFP_VENDOR_NX, NXAST_SAMPLE3, V10, V15, 32, false, decode_sample3},
			{0},
		},
	.words = (const struct ofpact_word[]){{"sample", parse_sample}, {0}},
	.encode = encode_sample,
	.format = format_sample,
};

// --- check_pkt_larger

static int decode_check_pkt_larger(struct ofpact_decode *d)
{
	struct ofpact_check_pkt_larger *o = ofpact_add(d->out, OFPACT_CHECK_PKT_LARGER, sizeof(*o));
	o->pkt_len = cursor_be16(&d->body);
	o->dst.offset = cursor_be16(&d->body);
	o->dst.n_bits = 1;
	int error = nx_header_decode(&d->body, &o->dst.field, NULL);
	if (!error && !cursor_zeros(d->body))
		error = NXBRC_MUST_BE_ZERO;
	return error ? error : subfield_check_writable(&o->dst);
}

static void encode_check_pkt_larger(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_check_pkt_larger *o = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_CHECK_PKT_LARGER);
	buf_add_be16(b, o->pkt_len);
	buf_add_be16(b, o->dst.offset);
	nx_header_encode(b, 0, o->dst.field, false);
	buf_pad(b, at, 24);
	ofpact_put_end(b, at);
}

static void format_check_pkt_larger(const struct ofpact *a, const struct ofpact_text *t,
				    struct str *s)
{
	const struct ofpact_check_pkt_larger *o = (const void *)a;
	str_mark(s, MARK_PARAM, "check_pkt_larger(");
	str_addf(s, "%u)->", o->pkt_len);
	subfield_format(&o->dst, s);
}

static struct error *parse_check_pkt_larger(struct ofpact_parse *p, char *arg)
{
	struct ofpact_check_pkt_larger *o = ofpact_add(p->out, OFPACT_CHECK_PKT_LARGER, sizeof(*o));
	char *arrow = strstr(arg, "->");
	if (!arrow)
		return error_new("%s: missing `->'", arg);
	*arrow = '\0';
	if (arrow > arg && arrow[-1] == ')') // check_pkt_larger(1500)->reg0[0]
		arrow[-1] = '\0';
	const char *name = arrow + 2;
	struct error *e = *name ? text_subfield_whole(name, &o->dst)
				: error_new("%s)->: missing field name following `->'", arg);
	if (!e && o->dst.n_bits != 1)
		e = error_new("Only 1-bit destination field is allowed");
	return e ? e : text_u16(arg, "packet length", &o->pkt_len);
}

static int check_check_pkt_larger(struct ofpact *a, struct ofpact_check *c)
{
	return subfield_check_destination(&((struct ofpact_check_pkt_larger *)(void *)a)->dst, c);
}

const struct ofpact_row ofpact_check_pkt_larger_row = {
	.name = "check_pkt_larger",
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_CHECK_PKT_LARGER, V10, V15, 24,
					       true, decode_check_pkt_larger},
					      {0}},
	.words = (const struct ofpact_word[]){{"check_pkt_larger", parse_check_pkt_larger}, {0}},
	.encode = encode_check_pkt_larger,
	.format = format_check_pkt_larger,
	.check = check_check_pkt_larger,
};

// --- delete_field

static int decode_delete_field(struct ofpact_decode *d)
{
	struct ofpact_delete_field *o = ofpact_add(d->out, OFPACT_DELETE_FIELD, sizeof(*o));
	int error = nx_header_decode(&d->body, &o->field, NULL);
	return error || cursor_zeros(d->body) ? error : OFPBAC_BAD_ARGUMENT;
}

static void encode_delete_field(struct buf *b, uint8_t version, const struct ofpact *a)
{
	size_t at = ofpact_put_nx(b, NXAST_DELETE_FIELD);
	nx_header_encode(b, 0, ((const struct ofpact_delete_field *)(const void *)a)->field, false);
	buf_pad(b, at, 24);
	ofpact_put_end(b, at);
}

static void format_delete_field(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, "delete_field:");
	str_add(s, ((const struct ofpact_delete_field *)(const void *)a)->field->name);
}

static struct error *parse_delete_field(struct ofpact_parse *p, char *arg)
{
	struct ofpact_delete_field *o = ofpact_add(p->out, OFPACT_DELETE_FIELD, sizeof(*o));
	o->field = field_find(arg);
	return o->field ? NULL : error_new("unknown field `%s'", arg);
}

static int check_delete_field(struct ofpact *a, struct ofpact_check *c)
{
	// Only options of tunnels can be absent.
	return ((struct ofpact_delete_field *)(void *)a)->field->variable_len ? 0
									      : OFPBAC_BAD_ARGUMENT;
}

const struct ofpact_row ofpact_delete_field_row = {
	.name = "delete_field",
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_DELETE_FIELD, V10, V15, 24,
					       false, decode_delete_field},
					      {0}},
	.words = (const struct ofpact_word[]){{"delete_field", parse_delete_field}, {0}},
	.encode = encode_delete_field,
	.format = format_delete_field,
	.check = check_delete_field,
};

// --- debug_recirc, debug_slow

// For the tests of a switch that has been started for them.
static atomic_bool debug_enabled;

void ofpacts_enable_debug(void)
{
	debug_enabled = true;
}

static int decode_debug(struct ofpact_decode *d, enum ofpact_type type)
{
	if (!debug_enabled)
		return OFPBAC_BAD_VENDOR_TYPE;
	ofpact_add(d->out, type, sizeof(struct ofpact));
	return 0;
}

static int decode_recirc(struct ofpact_decode *d)
{
	return decode_debug(d, OFPACT_DEBUG_RECIRC);
}

static int decode_slow(struct ofpact_decode *d)
{
	return decode_debug(d, OFPACT_DEBUG_SLOW);
}

static void encode_debug(struct buf *b, uint8_t version, const struct ofpact *a)
{
	ofpact_put_end(b, ofpact_put_nx(b, a->type == OFPACT_DEBUG_RECIRC ? NXAST_DEBUG_RECIRC
									  : NXAST_DEBUG_SLOW));
}

static void format_debug(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_VALUE, a->type == OFPACT_DEBUG_RECIRC ? "debug_recirc" : "debug_slow");
}

static struct error *parse_recirc(struct ofpact_parse *p, char *arg)
{
	ofpact_add(p->out, OFPACT_DEBUG_RECIRC, sizeof(struct ofpact));
	return NULL;
}

static struct error *parse_slow(struct ofpact_parse *p, char *arg)
{
	ofpact_add(p->out, OFPACT_DEBUG_SLOW, sizeof(struct ofpact));
	return NULL;
}

const struct ofpact_row ofpact_debug_recirc_row = {
	.name = "debug_recirc",
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_DEBUG_RECIRC, V10, V15, 16,
					       false, decode_recirc},
					      {0}},
	.words = (const struct ofpact_word[]){{"debug_recirc", parse_recirc}, {0}},
	.encode = encode_debug,
	.format = format_debug,
};

const struct ofpact_row ofpact_debug_slow_row = {
	.name = "debug_slow",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_DEBUG_SLOW, V10, V15, 16, false, decode_slow}, {0}},
	.words = (const struct ofpact_word[]){{"debug_slow", parse_slow}, {0}},
	.encode = encode_debug,
	.format = format_debug,
};

// --- unroll_xlate, which translation makes: no message and no text brings it.

static void encode_unroll(struct buf *b, uint8_t version, const struct ofpact *a)
{
}

static void format_unroll(const struct ofpact *a_, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_unroll *a = (const void *)a_;
	str_mark(s, MARK_PAREN, "unroll_xlate(");
	str_mark(s, MARK_SPECIAL, "table=");
	str_addf(s, "%u, ", a->table);
	str_mark(s, MARK_PARAM, "cookie=");
	str_add_u64(s, be64toh(a->cookie));
	str_mark(s, MARK_PAREN, ")");
}

const struct ofpact_row ofpact_unroll_xlate_row = {
	.name = "unroll_xlate",
	.encode = encode_unroll,
	.format = format_unroll,
};
