/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/group.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "openflow/match_codec.h"
#include "openflow/nx_entry.h"
#include "openflow/prop.h"

enum {
	BUCKET_HEADER = 16, // of 1.1 to 1.4
	BUCKET15_HEADER = 8,
	PROP_WEIGHT = 0,
	PROP_WATCH_PORT = 1,
	PROP_WATCH_GROUP = 2,
	NTR_VENDOR = 0x0000154d,
	NTR_SELECTION_METHOD = 1,
	NTR_HEADER = 40,
	STATS_HEADER = 32,
	STATS_DURATION = 8,
	MAX_FIELDS = 64,
};

static bool form15(uint8_t version)
{
	return version == OFP15 || version == OFP10;
}

// --- In memory.

void ofp_group_done(struct ofp_group *g)
{
	VEC_FOREACH (&g->buckets, i)
		free(g->buckets.v[i].actions);
	vec_done(&g->buckets);
	vec_done(&g->fields);
}

void ofp_bucket_copy(struct ofp_bucket *to, const struct ofp_bucket *from)
{
	*to = *from;
	to->actions = xmemdup(from->actions_len ? from->actions : "",
			      from->actions_len ? from->actions_len : 1);
}

void ofp_group_copy(struct ofp_group *to, const struct ofp_group *from)
{
	*to = *from;
	memset(&to->buckets, 0, sizeof(to->buckets));
	memset(&to->fields, 0, sizeof(to->fields));
	VEC_FOREACH (&from->buckets, i)
		ofp_bucket_copy(vec_extend(&to->buckets), &from->buckets.v[i]);
	VEC_FOREACH (&from->fields, i)
		vec_push(&to->fields, from->fields.v[i]);
}

const struct ofp_bucket *ofp_group_find_bucket(const struct ofp_group *g, uint32_t bucket_id)
{
	VEC_FOREACH (&g->buckets, i)
		if (g->buckets.v[i].bucket_id == bucket_id)
			return &g->buckets.v[i];
	return NULL;
}

bool ofp_group_add_field(struct ofp_group *g, const struct ofp_group_field *f)
{
	size_t at = g->fields.n;
	VEC_FOREACH (&g->fields, i)
		if (g->fields.v[i].field == f->field)
			return false;
	vec_push(&g->fields, *f);
	for (; at && g->fields.v[at - 1].field->id > f->field->id; at--)
		g->fields.v[at] = g->fields.v[at - 1];
	g->fields.v[at] = *f;
	return true;
}

// --- Buckets.

static struct ofp_bucket *add_bucket(struct ofp_group *g)
{
	struct ofp_bucket *b = vec_extend(&g->buckets);
	*b = (struct ofp_bucket){.bucket_id = (uint32_t)g->buckets.n - 1,
				 .weight = g->type == OFPGT_SELECT,
				 .watch_port = OFPP_NONE,
				 .watch_group = OFPG_ANY};
	return b;
}

static int decode_actions(struct cursor list, uint8_t version, struct ofp_bucket *b)
{
	struct buf actions = BUF_INIT;
	int error = ofpacts_decode_outside_flow(list, version, &actions);
	b->actions = actions.data;
	b->actions_len = actions.len;
	return error;
}

static int decode_watch_port(uint32_t wire, struct ofp_bucket *b)
{
	return ofp11_port_decode(wire, &b->watch_port) ? OFPGMFC_BAD_WATCH : 0;
}

static int decode_bucket11(struct cursor *c, uint8_t version, struct ofp_group *g)
{
	struct cursor peek = *c;
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < BUCKET_HEADER || len > cursor_left(c))
		return OFPGMFC_BAD_BUCKET;
	struct cursor body = cursor_sub(c, len);
	struct ofp_bucket *b = add_bucket(g);
	cursor_skip(&body, 2);
	b->weight = cursor_be16(&body);
	uint32_t watch_port = cursor_be32(&body);
	b->watch_group = cursor_be32(&body);
	cursor_skip(&body, 4);
	int error = decode_actions(body, version, b);
	return error ? error : decode_watch_port(watch_port, b);
}

static int decode_bucket_properties(struct cursor c, struct ofp_bucket *b)
{
	uint32_t watch_port = ofp11_port_encode(OFPP_NONE);
	while (cursor_left(&c)) {
		struct cursor body;
		uint64_t type;
		int error = prop_pull(&c, &type, &body);
		if (error)
			return error;
		if (type == PROP_WEIGHT)
			error = prop_u16(body, &b->weight);
		else if (type == PROP_WATCH_PORT)
			error = prop_u32(body, &watch_port);
		else if (type == PROP_WATCH_GROUP)
			error = prop_u32(body, &b->watch_group);
		else
			error = prop_unknown(type);
		if (error)
			return error;
	}
	return decode_watch_port(watch_port, b);
}

static int decode_bucket15(struct cursor *c, uint8_t version, struct ofp_group *g)
{
	struct cursor peek = *c;
	uint16_t len = cursor_be16(&peek), actions_len = cursor_be16(&peek);
	if (peek.bad || len < BUCKET15_HEADER || len > cursor_left(c) ||
	    actions_len > len - BUCKET15_HEADER)
		return OFPGMFC_BAD_BUCKET;
	struct cursor body = cursor_sub(c, len);
	struct ofp_bucket *b = add_bucket(g);
	cursor_skip(&body, 4);
	b->bucket_id = cursor_be32(&body);
	int error = decode_actions(cursor_sub(&body, actions_len), version, b);
	if (!error)
		error = decode_bucket_properties(body, b);
	return !error && b->bucket_id > OFPG_BUCKET_MAX ? OFPGMFC_BAD_BUCKET : error;
}

static int decode_buckets(struct cursor c, uint8_t version, struct ofp_group *g)
{
	int error = 0;
	while (!error && cursor_left(&c))
		error = form15(version) ? decode_bucket15(&c, version, g)
					: decode_bucket11(&c, version, g);
	return error;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static bool ids_are_unique(const struct ofp_group *g)
{
	bool unique = true;
	uint32_t *ids = xcalloc(g->buckets.n + 1, sizeof(*ids));
	VEC_FOREACH (&g->buckets, i)
		ids[i] = g->buckets.v[i].bucket_id;
	qsort(ids, g->buckets.n, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < g->buckets.n; i++)
		unique &= ids[i] != ids[i - 1];
	free(ids);
	return unique;
}

static void encode_bucket(struct buf *out, uint8_t version, enum ofp_group_type type,
			  const struct ofp_bucket *b)
{
	size_t at = out->len;
	buf_add_be16(out, 0);
	if (!form15(version)) {
		buf_add_be16(out, b->weight);
		buf_add_be32(out, ofp11_port_encode(b->watch_port));
		buf_add_be32(out, b->watch_group);
		buf_add_be32(out, 0);
		ofpacts_encode(out, version, b->actions, b->actions_len);
	} else {
		buf_add_be16(out, 0);
		buf_add_be32(out, b->bucket_id);
		size_t actions_at = out->len;
		ofpacts_encode(out, version, b->actions, b->actions_len);
		put_be16(out->data + at + 2, (uint16_t)(out->len - actions_at));
		if (b->weight || type == OFPGT_SELECT) {
			buf_add_be16(out, PROP_WEIGHT);
			buf_add_be16(out, 8);
			buf_add_be16(out, b->weight);
			buf_add_be16(out, 0);
		}
		if (b->watch_port != OFPP_NONE) {
			buf_add_be16(out, PROP_WATCH_PORT);
			buf_add_be16(out, 8);
			buf_add_be32(out, ofp11_port_encode(b->watch_port));
		}
		if (b->watch_group != OFPG_ANY) {
			buf_add_be16(out, PROP_WATCH_GROUP);
			buf_add_be16(out, 8);
			buf_add_be32(out, b->watch_group);
		}
	}
	put_be16(out->data + at, (uint16_t)(out->len - at));
}

// --- Properties of a group: how it selects.

// Fields that cannot be masked are looked at as a whole or not at all.
static bool mask_ok(const struct ofp_group_field *f)
{
	uint8_t ones = UINT8_MAX, zeros = 0;
	for (unsigned int i = 0; i < f->field->n_bytes; i++) {
		ones &= f->mask.b[i];
		zeros |= f->mask.b[i];
	}
	return f->field->maskable == FIELD_FULLY_MASKABLE || ones == UINT8_MAX || !zeros;
}

static int decode_fields(struct cursor c, struct ofp_group *g)
{
	while (cursor_left(&c)) {
		struct ofp_group_field f; // whose mask stands where values do
		int error = nx_entry_decode(&c, &f.field, &f.mask, NULL);
		if (error)
			return error;
		if (g->fields.n == MAX_FIELDS)
			return OFPBPC_BAD_VALUE;
		if (!ofp_group_add_field(g, &f))
			return OFPBMC_DUP_FIELD;
		if (!mask_ok(&f))
			return OFPBMC_BAD_MASK;
	}
	return 0;
}

static bool known_command(uint16_t command)
{
	return command <= OFPGC_INSERT_BUCKET || command == OFPGC_REMOVE_BUCKET ||
	       command == OFPGC_ADD_OR_MOD;
}

static int decode_selection_method(struct cursor body, uint16_t command, struct ofp_group *g)
{
	if (g->type >= OFPGT_N)
		return OFPGMFC_BAD_TYPE;
	if (g->type != OFPGT_SELECT)
		return OFPBPC_BAD_VALUE;
	if (!known_command(command))
		return OFPGMFC_BAD_COMMAND;
	if (command != OFPGC_ADD && command != OFPGC_MODIFY && command != OFPGC_ADD_OR_MOD)
		return OFPBPC_BAD_VALUE;
	cursor_skip(&body, 4);
	cursor_copy(&body, g->method, sizeof(g->method));
	g->method_param = cursor_be64(&body);
	if (body.bad)
		return OFPBPC_BAD_LEN;
	if (g->method[sizeof(g->method) - 1] ||
	    (strcmp(g->method, "hash") && strcmp(g->method, "dp_hash")))
		return OFPBPC_BAD_VALUE;
	if (strcmp(g->method, "hash") && cursor_left(&body))
		return OFPBPC_BAD_VALUE;
	return decode_fields(body, g);
}

static int decode_group_properties(struct cursor c, uint16_t command, struct ofp_group *g)
{
	while (cursor_left(&c)) {
		struct cursor body;
		uint64_t type;
		int error = prop_pull(&c, &type, &body);
		if (error)
			return error;
		if (type != OFPPROP_EXP(NTR_VENDOR, NTR_SELECTION_METHOD))
			return prop_unknown(type);
		if (g->method[0])
			return OFPBPC_DUP_TYPE;
		error = decode_selection_method(body, command, g);
		if (error)
			return error;
	}
	return 0;
}

static void encode_group_properties(struct buf *b, const struct ofp_group *g, uint8_t version)
{
	if (!g->method[0])
		return;
	size_t at = prop_begin(b, OFPPROP_EXPERIMENTER);
	buf_add_be32(b, NTR_VENDOR);
	buf_add_be32(b, NTR_SELECTION_METHOD);
	buf_add_be32(b, 0);
	buf_add(b, g->method, sizeof(g->method));
	buf_add_be64(b, g->method_param);
	VEC_FOREACH (&g->fields, i) {
		nx_header_encode(b, version, g->fields.v[i].field, false);
		buf_add(b, g->fields.v[i].mask.b, g->fields.v[i].field->n_bytes);
	}
	prop_end(b, at);
}

// --- group_mod

static int check_buckets(const struct ofp_group_mod *gm)
{
	const struct ofp_group *g = &gm->group;
	VEC_FOREACH (&g->buckets, i) {
		const struct ofp_bucket *b = &g->buckets.v[i];
		bool watches = b->watch_port != OFPP_NONE || b->watch_group != OFPG_ANY;
		if (b->weight && g->type != OFPGT_SELECT && gm->command != OFPGC_INSERT_BUCKET)
			return OFPGMFC_INVALID_GROUP;
		if (watches && g->type != OFPGT_FF && g->type != OFPGT_SELECT)
			return OFPGMFC_WATCH_UNSUPPORTED;
		if (!watches && g->type == OFPGT_FF)
			return OFPGMFC_INVALID_GROUP;
	}
	return 0;
}

static int check_group_mod(const struct ofp_group_mod *gm)
{
	const struct ofp_group *g = &gm->group;
	if (g->type == OFPGT_INDIRECT && g->buckets.n != 1 && gm->command != OFPGC_DELETE)
		return OFPGMFC_INVALID_GROUP;
	if (!known_command((uint16_t)gm->command))
		return OFPGMFC_BAD_COMMAND;
	if (gm->command == OFPGC_REMOVE_BUCKET && g->buckets.n)
		return OFPGMFC_BAD_BUCKET;
	return check_buckets(gm);
}

static int decode_mod15(struct cursor *c, uint8_t version, uint16_t command,
			struct ofp_group_mod *gm)
{
	size_t buckets_len = cursor_be16(c);
	cursor_skip(c, 2);
	gm->command_bucket_id = cursor_be32(c);
	struct cursor buckets = cursor_sub(c, buckets_len);
	bool changes_buckets = command == OFPGC_INSERT_BUCKET || command == OFPGC_REMOVE_BUCKET;
	if (!changes_buckets && gm->command_bucket_id != OFPG_BUCKET_ALL)
		return OFPGMFC_BAD_BUCKET;
	if (changes_buckets && gm->command_bucket_id > OFPG_BUCKET_MAX &&
	    gm->command_bucket_id < OFPG_BUCKET_FIRST)
		return OFPGMFC_BAD_BUCKET;
	if (command == OFPGC_INSERT_BUCKET && gm->command_bucket_id == OFPG_BUCKET_ALL)
		return OFPGMFC_BAD_BUCKET;
	if (c->bad)
		return OFPBRC_BAD_LEN;
	int error = decode_buckets(buckets, version, &gm->group);
	if (!error && !ids_are_unique(&gm->group))
		error = OFPGMFC_BAD_BUCKET;
	return error ? error : decode_group_properties(*c, command, &gm->group);
}

int ofp_decode_group_mod(const struct ofp_msg *m, struct ofp_group_mod *gm)
{
	struct cursor c = m->body;
	// The Nicira form is that of 1.5, in 1.0 with 1.0's actions.
	uint8_t form = m->nx && m->version != OFP10 ? OFP15 : m->version;
	memset(gm, 0, sizeof(*gm));
	uint16_t command = cursor_be16(&c);
	uint8_t type = cursor_u8(&c);
	cursor_skip(&c, 1);
	gm->group.group_id = cursor_be32(&c);
	gm->command_bucket_id = OFPG_BUCKET_ALL;
	if (c.bad)
		return OFPBRC_BAD_LEN;
	if (m->nx && m->version != OFP10)
		return OFPBRC_BAD_TYPE; // 1.5's form with another version's actions: nobody sends
					// it
	gm->command = command;
	gm->group.type = type;
	int error = form15(form) ? decode_mod15(&c, form, command, gm)
				 : decode_buckets(c, form, &gm->group);
	if (!error && command == OFPGC_DELETE && gm->group.buckets.n &&
	    (form == OFP13 || form == OFP14))
		error = OFPGMFC_INVALID_GROUP;
	if (!error && !ids_are_unique(&gm->group))
		error = OFPGMFC_BAD_BUCKET;
	if (!error && type >= OFPGT_N)
		error = OFPGMFC_BAD_TYPE;
	return error ? error : check_group_mod(gm);
}

void ofp_encode_group_mod(struct buf *b, const struct ofp_group_mod *gm, uint8_t version,
			  uint32_t xid)
{
	const struct ofp_group *g = &gm->group;
	size_t at = ofp_begin(b, OFPTYPE_GROUP_MOD, version == OFP10, version, xid);
	buf_add_be16(b, (uint16_t)gm->command);
	buf_add_u8(b, (uint8_t)g->type);
	buf_add_u8(b, 0);
	buf_add_be32(b, g->group_id);
	size_t len_at = b->len;
	if (form15(version)) {
		buf_add_be32(b, 0);
		buf_add_be32(b, gm->command_bucket_id);
	}
	size_t buckets_at = b->len;
	VEC_FOREACH (&g->buckets, i)
		encode_bucket(b, version, g->type, &g->buckets.v[i]);
	if (form15(version)) {
		put_be16(b->data + len_at, (uint16_t)(b->len - buckets_at));
		encode_group_properties(b, g, version);
	}
	ofp_end(b, at);
}

// --- Requests.

void ofp_encode_group_request(struct buf *b, enum ofptype type, uint32_t group_id, uint8_t version,
			      uint32_t xid)
{
	size_t at = ofp_begin(b, type, version == OFP10, version, xid);
	if (type == OFPTYPE_GROUP_STATS_REQUEST || form15(version)) {
		buf_add_be32(b, group_id);
		buf_add_be32(b, 0);
	}
	ofp_end(b, at);
}

int ofp_decode_group_request(const struct ofp_msg *m, uint32_t *group_id)
{
	struct cursor c = m->body;
	*group_id = cursor_left(&c) ? cursor_be32(&c) : OFPG_ALL;
	return c.bad ? OFPBRC_BAD_LEN : 0;
}

// --- Descriptions.

void ofp_append_group_desc(struct ofp_replies *r, const struct ofp_msg *request,
			   const struct ofp_group *g)
{
	uint8_t version = request->version;
	struct buf *b = &r->buf;
	ofp_replies_begin_entry(r);
	size_t at = b->len;
	buf_add_be16(b, 0);
	buf_add_u8(b, (uint8_t)g->type);
	buf_add_u8(b, 0);
	buf_add_be32(b, g->group_id);
	if (form15(version))
		buf_add_be64(b, 0);
	size_t buckets_at = b->len;
	VEC_FOREACH (&g->buckets, i)
		encode_bucket(b, version, g->type, &g->buckets.v[i]);
	if (form15(version)) {
		put_be16(b->data + at + 8, (uint16_t)(b->len - buckets_at));
		encode_group_properties(b, g, version);
	}
	put_be16(b->data + at, (uint16_t)(b->len - at));
	ofp_replies_end_entry(r);
}

int ofp_group_desc_pull(const struct ofp_msg *m, struct cursor *body, struct ofp_group *g)
{
	bool has15 = form15(m->version);
	memset(g, 0, sizeof(*g));
	if (!cursor_left(body))
		return -ENODATA;
	struct cursor peek = *body;
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < (has15 ? 16 : 8) || len > cursor_left(body))
		return OFPBRC_BAD_LEN;
	struct cursor c = cursor_sub(body, len);
	cursor_skip(&c, 2);
	uint8_t type = cursor_u8(&c);
	cursor_skip(&c, 1);
	g->group_id = cursor_be32(&c);
	g->type = type;
	if (!has15)
		return decode_buckets(c, m->version, g);
	size_t buckets_len = cursor_be16(&c);
	cursor_skip(&c, 6);
	struct cursor buckets = cursor_sub(&c, buckets_len);
	if (c.bad)
		return OFPBRC_BAD_LEN;
	int error = decode_buckets(buckets, m->version, g);
	if (!error && !ids_are_unique(g))
		error = OFPGMFC_BAD_BUCKET;
	return error ? error : decode_group_properties(c, OFPGC_ADD, g);
}

// --- Statistics.

static bool has_duration(uint8_t version)
{
	return version != OFP11 && version != OFP12;
}

void ofp_append_group_stats(struct ofp_replies *r, const struct ofp_msg *request,
			    const struct ofp_group_stats *s)
{
	struct buf *b = &r->buf;
	size_t len = STATS_HEADER + (has_duration(request->version) ? STATS_DURATION : 0) +
		     s->n_buckets * 16;
	if (len > UINT16_MAX)
		return;
	ofp_replies_begin_entry(r);
	buf_add_be16(b, (uint16_t)len);
	buf_add_be16(b, 0);
	buf_add_be32(b, s->group_id);
	buf_add_be32(b, s->ref_count);
	buf_add_be32(b, 0);
	buf_add_be64(b, s->packets);
	buf_add_be64(b, s->bytes);
	if (has_duration(request->version)) {
		buf_add_be32(b, s->duration_s);
		buf_add_be32(b, s->duration_ns);
	}
	for (size_t i = 0; i < s->n_buckets; i++) {
		buf_add_be64(b, s->buckets[i].packets);
		buf_add_be64(b, s->buckets[i].bytes);
	}
	ofp_replies_end_entry(r);
}

int ofp_group_stats_pull(const struct ofp_msg *m, struct cursor *body, struct ofp_group_stats *s,
			 struct cursor *buckets)
{
	size_t header = STATS_HEADER + (has_duration(m->version) ? STATS_DURATION : 0);
	*s = (struct ofp_group_stats){.duration_s = UINT32_MAX, .duration_ns = UINT32_MAX};
	if (!cursor_left(body))
		return -ENODATA;
	struct cursor peek = *body;
	uint16_t len = cursor_be16(&peek);
	size_t whole = len - (len - header) % 16; // what is no bucket is of the next entry
	if (peek.bad || cursor_left(body) < header || len < header || whole > cursor_left(body))
		return OFPBRC_BAD_LEN;
	struct cursor c = cursor_sub(body, whole);
	cursor_skip(&c, 4);
	s->group_id = cursor_be32(&c);
	s->ref_count = cursor_be32(&c);
	cursor_skip(&c, 4);
	s->packets = cursor_be64(&c);
	s->bytes = cursor_be64(&c);
	if (has_duration(m->version)) {
		s->duration_s = cursor_be32(&c);
		s->duration_ns = cursor_be32(&c);
	}
	s->n_buckets = cursor_left(&c) / 16;
	*buckets = c;
	return 0;
}

// --- Features.

void ofp_encode_group_features_reply(struct buf *b, const struct ofp_msg *request,
				     const struct ofp_group_features *f)
{
	size_t at = ofp_begin_reply(b, request);
	buf_add_be32(b, f->types);
	buf_add_be32(b, f->capabilities);
	for (int i = 0; i < OFPGT_N; i++)
		buf_add_be32(b, f->max_groups[i]);
	for (int i = 0; i < OFPGT_N; i++)
		buf_add_be32(b, f->actions[i]);
	ofp_end(b, at);
}

int ofp_decode_group_features(const struct ofp_msg *m, struct ofp_group_features *f)
{
	struct cursor c = m->body;
	f->types = cursor_be32(&c);
	f->capabilities = cursor_be32(&c);
	for (int i = 0; i < OFPGT_N; i++)
		f->max_groups[i] = cursor_be32(&c);
	for (int i = 0; i < OFPGT_N; i++)
		f->actions[i] = cursor_be32(&c);
	return c.bad ? OFPBRC_BAD_LEN : 0;
}
