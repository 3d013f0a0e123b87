/* SPDX-License-Identifier: Apache-2.0 */
// Actions that choose by a hash of the packet: multipath stores the number of a link in a field,
// bundle outputs to one of several ports, bundle_load stores that port in a field.
#include "openflow/action_row.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

enum { V10 = OFP10, V15 = OFP15 };
enum { // wire subtypes
	NXAST_MULTIPATH = 10,
	NXAST_BUNDLE = 12,
	NXAST_BUNDLE_LOAD = 13,
};
enum { NXM_OF_IN_PORT = 0x00000002, MAX_MEMBERS = 2048 };

static const char *const fields_names[HASH_FIELDS_N] = {
	[HASH_FIELDS_ETH_SRC] = "eth_src",
	[HASH_FIELDS_SYMMETRIC_L4] = "symmetric_l4",
	[HASH_FIELDS_SYMMETRIC_L3L4] = "symmetric_l3l4",
	[HASH_FIELDS_SYMMETRIC_L3L4_UDP] = "symmetric_l3l4+udp",
	[HASH_FIELDS_NW_SRC] = "nw_src",
	[HASH_FIELDS_NW_DST] = "nw_dst",
	[HASH_FIELDS_SYMMETRIC_L3] = "symmetric_l3",
};
static const char *const multipath_names[MULTIPATH_N_ALGORITHMS] = {"modulo_n", "hash_threshold",
								    "hrw", "iter_hash"};
static const char *const bundle_names[BUNDLE_N_ALGORITHMS] = {"active_backup", "hrw"};

// Its place in the table; -1: it is not there.
static int name_find(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcasecmp(names[i], name))
			return i;
	return -1;
}

static void put_dst(struct buf *b, const struct subfield *dst)
{
	buf_add_be16(b, subfield_encode_bits(dst));
	nx_header_encode(b, 0, dst->field, false);
}

// --- multipath

static int decode_multipath(struct ofpact_decode *d)
{
	struct ofpact_multipath *o = ofpact_add(d->out, OFPACT_MULTIPATH, sizeof(*o));
	o->fields = cursor_be16(&d->body);
	o->basis = cursor_be16(&d->body);
	cursor_skip(&d->body, 2);
	o->algorithm = cursor_be16(&d->body);
	o->max_link = cursor_be16(&d->body);
	o->arg = cursor_be32(&d->body);
	cursor_skip(&d->body, 2);
	uint16_t bits = cursor_be16(&d->body);
	int error = nx_destination_decode(&d->body, &o->dst.field);
	if (error)
		return error;
	subfield_decode_bits(bits, &o->dst);
	if (o->fields >= HASH_FIELDS_N || o->algorithm >= MULTIPATH_N_ALGORITHMS)
		return OFPBAC_BAD_ARGUMENT;
	if (o->dst.n_bits < 16 && (1u << o->dst.n_bits) < o->max_link + 1u)
		return OFPBAC_BAD_ARGUMENT;
	return subfield_check_writable(&o->dst);
}

static void encode_multipath(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_multipath *o = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_MULTIPATH);
	buf_add_be16(b, o->fields);
	buf_add_be16(b, o->basis);
	buf_add_zeros(b, 2);
	buf_add_be16(b, o->algorithm);
	buf_add_be16(b, o->max_link);
	buf_add_be32(b, o->arg);
	buf_add_zeros(b, 2);
	put_dst(b, &o->dst);
	ofpact_put_end(b, at);
}

static void format_multipath(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_multipath *o = (const void *)a;
	str_mark(s, MARK_PAREN, "multipath(");
	str_addf(s, "%s,%u,%s,%d,%u,", fields_names[o->fields], o->basis,
		 multipath_names[o->algorithm], o->max_link + 1, o->arg);
	subfield_format(&o->dst, s);
	str_mark(s, MARK_PAREN, ")");
}

static struct error *multipath_words(struct ofpact_multipath *o, const char *whole, char *arg)
{
	char *save = NULL, *word[6];
	for (int i = 0; i < 6; i++) {
		word[i] = strtok_r(i ? NULL : arg, ", ", &save);
		if (!word[i])
			return error_new("%s: not enough arguments to multipath action", whole);
	}
	int fields = name_find(fields_names, HASH_FIELDS_N, word[0]);
	int algorithm = name_find(multipath_names, MULTIPATH_N_ALGORITHMS, word[2]);
	int n_links = atoi(word[3]);
	if (fields < 0)
		return error_new("%s: unknown fields `%s'", whole, word[0]);
	if (algorithm < 0)
		return error_new("%s: unknown algorithm `%s'", whole, word[2]);
	if (n_links < 1 || n_links > 65536)
		return error_new("%s: n_links %d is not in valid range 1 to 65536", whole, n_links);
	o->fields = (uint16_t)fields;
	o->basis = (uint16_t)atoi(word[1]);
	o->algorithm = (uint16_t)algorithm;
	o->max_link = (uint16_t)(n_links - 1);
	o->arg = (uint32_t)atoi(word[4]);
	const char *end = word[5];
	struct error *e = subfield_parse(&end, &o->dst);
	if (!e && *end)
		e = error_new("unexpected input following field syntax");
	if (!e)
		e = text_short_header(whole, word[5], o->dst.field);
	if (!e && o->dst.n_bits < 16 && n_links > 1 << o->dst.n_bits)
		e = error_new("%s: %d-bit destination field has %u possible values, less than "
			      "specified n_links %d",
			      whole, o->dst.n_bits, 1u << o->dst.n_bits, n_links);
	return e;
}

static struct error *parse_multipath(struct ofpact_parse *p, char *arg)
{
	struct ofpact_multipath *o = ofpact_add(p->out, OFPACT_MULTIPATH, sizeof(*o));
	char *whole = xstrdup(arg);
	struct error *e = multipath_words(o, whole, arg);
	free(whole);
	return e;
}

static int check_multipath(struct ofpact *a, struct ofpact_check *c)
{
	return subfield_check_destination(&((struct ofpact_multipath *)(void *)a)->dst, c);
}

const struct ofpact_row ofpact_multipath_row = {
	.name = "multipath",
	.wires = (const struct ofpact_wire[]){{OFP_VENDOR_NX, NXAST_MULTIPATH, V10, V15, 32, false,
					       decode_multipath},
					      {0}},
	.words = (const struct ofpact_word[]){{"multipath", parse_multipath}, {0}},
	.encode = encode_multipath,
	.format = format_multipath,
	.check = check_multipath,
};

// --- bundle, bundle_load

static struct ofpact_bundle *add_bundle(struct buf *out, uint16_t n)
{
	struct ofpact_bundle *o =
		ofpact_add(out, OFPACT_BUNDLE, sizeof(*o) + n * sizeof(o->members[0]));
	o->n_members = n;
	return o;
}

static bool may_be_member(uint32_t port, uint32_t max_ports)
{
	return port < max_ports || port == OFPP_NONE ||
	       (port >= OFPP_IN_PORT && port != OFPP_CONTROLLER);
}

static bool is_known(const struct ofpact_bundle *o)
{
	return o->fields < HASH_FIELDS_N && o->algorithm < BUNDLE_N_ALGORITHMS;
}

static int bundle_dst(struct ofpact_decode *d, uint16_t bits, struct subfield *dst)
{
	int error = nx_destination_decode(&d->body, &dst->field);
	subfield_decode_bits(bits, dst);
	return error;
}

static int bundle_body(struct ofpact_decode *d, bool load)
{
	struct ofpact_bundle head = {.algorithm = cursor_be16(&d->body)};
	int error = 0;
	head.fields = cursor_be16(&d->body);
	head.basis = cursor_be16(&d->body);
	uint32_t member_type = cursor_be32(&d->body);
	uint16_t n = cursor_be16(&d->body), bits = cursor_be16(&d->body);
	if (load)
		error = bundle_dst(d, bits, &head.dst);
	else if (bits | cursor_be32(&d->body) || member_type != NXM_OF_IN_PORT)
		error = OFPBAC_BAD_ARGUMENT;
	if (error && load)
		return error;
	bool zeros = cursor_zeros(cursor_sub(&d->body, 4));
	// What it would take up is asked for before what it says. Of bundle_load what is reserved
	// does not count, and how it chooses can be printed although it is unknown: check_bundle()
	// refuses it.
	if (cursor_left(&d->body) < 2u * n)
		return OFPBAC_BAD_LEN;
	if (error || n > MAX_MEMBERS || (load ? head.dst.n_bits < 16 : !zeros || !is_known(&head)))
		return OFPBAC_BAD_ARGUMENT;
	struct ofpact_bundle *o = add_bundle(d->out, n);
	o->fields = head.fields;
	o->basis = head.basis;
	o->algorithm = head.algorithm;
	o->dst = head.dst;
	error = load ? subfield_check_writable(&o->dst) : 0;
	for (uint16_t i = 0; !error && i < n; i++) {
		o->members[i] = cursor_be16(&d->body);
		if (!may_be_member(o->members[i], OFPP_MAX))
			error = OFPBAC_BAD_OUT_PORT;
	}
	return error;
}

static int decode_bundle(struct ofpact_decode *d)
{
	return bundle_body(d, false);
}

static int decode_bundle_load(struct ofpact_decode *d)
{
	return bundle_body(d, true);
}

static void encode_bundle(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_bundle *o = (const void *)a;
	bool load = o->dst.field;
	size_t at = ofpact_put_nx(b, load ? NXAST_BUNDLE_LOAD : NXAST_BUNDLE);
	buf_add_be16(b, o->algorithm);
	buf_add_be16(b, o->fields);
	buf_add_be16(b, o->basis);
	buf_add_be32(b, NXM_OF_IN_PORT);
	buf_add_be16(b, o->n_members);
	if (load)
		put_dst(b, &o->dst);
	else
		buf_add_zeros(b, 6);
	buf_add_zeros(b, 4);
	for (unsigned int i = 0; i < o->n_members; i++)
		buf_add_be16(b, (uint16_t)o->members[i]);
	ofpact_put_end(b, at);
}

static void format_bundle(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_bundle *o = (const void *)a;
	str_mark(s, MARK_PAREN, o->dst.field ? "bundle_load(" : "bundle(");
	str_addf(s, "%s,%u,%s,ofport,",
		 o->fields < HASH_FIELDS_N ? fields_names[o->fields] : "<unknown>", o->basis,
		 o->algorithm < BUNDLE_N_ALGORITHMS ? bundle_names[o->algorithm] : "<unknown>");
	if (o->dst.field) {
		subfield_format(&o->dst, s);
		str_addc(s, ',');
	}
	str_mark(s, MARK_PARAM, "members:");
	for (unsigned int i = 0; i < o->n_members; i++) {
		if (i)
			str_addc(s, ',');
		text_format_port(t, o->members[i], s);
	}
	str_mark(s, MARK_PAREN, ")");
}

struct bundle_words {
	const char *word[5]; // fields, basis, algorithm, member type, destination
	const char *delimiter;
	uint32_t members[MAX_MEMBERS];
	uint16_t n;
};

static struct error *bundle_members(struct bundle_words *w, struct ofpact_parse *p,
				    const char *whole, char **save)
{
	for (char *member; (member = strtok_r(NULL, ", []", save));) {
		if (w->n == MAX_MEMBERS)
			return error_new("%s: too many members", whole);
		if (!text_port(p->text, member, &w->members[w->n++]))
			return error_new("%s: bad port number", member);
	}
	return NULL;
}

static struct error *finish_bundle(const struct bundle_words *w, struct ofpact_parse *p,
				   const char *whole, bool load)
{
	int fields = name_find(fields_names, HASH_FIELDS_N, w->word[0]);
	int algorithm = name_find(bundle_names, BUNDLE_N_ALGORITHMS, w->word[2]);
	if (fields < 0)
		return error_new("%s: unknown fields `%s'", whole, w->word[0]);
	if (algorithm < 0)
		return error_new("%s: unknown algorithm `%s'", whole, w->word[2]);
	if (strcasecmp(w->word[3], "ofport"))
		return error_new("%s: unknown member_type `%s'", whole, w->word[3]);
	struct ofpact_bundle *o = add_bundle(p->out, w->n);
	o->fields = (uint16_t)fields;
	o->basis = (uint16_t)atoi(w->word[1]);
	o->algorithm = (uint16_t)algorithm;
	memcpy(o->members, w->members, w->n * sizeof(o->members[0]));
	if (!load)
		return NULL;
	const char *end = w->word[4];
	struct error *e = subfield_parse(&end, &o->dst);
	if (!e && *end)
		e = error_new("unexpected input following field syntax");
	return e ? e : text_short_header(whole, w->word[4], o->dst.field);
}

static struct error *parse_members(struct ofpact_parse *p, char *arg, bool load)
{
	struct bundle_words *w = xmalloc(sizeof(*w));
	char *whole = xstrdup(arg), *save = NULL;
	struct error *e = NULL;
	w->n = 0;
	for (int i = 0; i < (load ? 5 : 4); i++)
		w->word[i] = strtok_r(i ? NULL : arg, ", ", &save);
	w->delimiter = strtok_r(NULL, ": ", &save);
	if (!w->delimiter ||
	    (strcasecmp(w->delimiter, "members") && strcasecmp(w->delimiter, "slaves")))
		e = w->delimiter
			    ? error_new(
				      "%s: missing member delimiter, expected `members', got `%s'",
				      whole, w->delimiter)
			    : error_new("%s: not enough arguments to bundle action", whole);
	if (!e)
		e = bundle_members(w, p, whole, &save);
	if (!e)
		e = finish_bundle(w, p, whole, load);
	free(whole);
	free(w);
	return e;
}

static struct error *parse_bundle(struct ofpact_parse *p, char *arg)
{
	return parse_members(p, arg, false);
}

static struct error *parse_bundle_load(struct ofpact_parse *p, char *arg)
{
	return parse_members(p, arg, true);
}

static int check_bundle(struct ofpact *a, struct ofpact_check *c)
{
	const struct ofpact_bundle *o = (const void *)a;
	int error = o->dst.field ? subfield_check_destination(&o->dst, c) : 0;
	if (!error && !is_known(o))
		error = OFPBAC_BAD_ARGUMENT;
	for (unsigned int i = 0; !error && i < o->n_members; i++)
		if (!may_be_member(o->members[i], c->max_ports))
			error = OFPBAC_BAD_OUT_PORT;
	return error;
}

const struct ofpact_row ofpact_bundle_row = {
	.name = "bundle",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_BUNDLE, V10, V15, 32, true, decode_bundle},
			{OFP_VENDOR_NX, NXAST_BUNDLE_LOAD, V10, V15, 32, true, decode_bundle_load},
			{0},
		},
	.words = (const struct ofpact_word[]){{"bundle", parse_bundle},
					      {"bundle_load", parse_bundle_load},
					      {0}},
	.encode = encode_bundle,
	.format = format_bundle,
	.check = check_bundle,
};
