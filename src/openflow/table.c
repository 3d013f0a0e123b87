/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/table.h"

#include <errno.h>
#include <string.h>

#include "flow/field.h"

enum { NAME_LEN = 32, WILDCARDS_10 = 0x3fffff, CONTINUE_11 = 1, INSTRUCTIONS_11 = 0x3f, FEATURES_LEN = 64 };

static void put_name(struct buf *b, const char *name)
{
	memcpy(buf_add_zeros(b, NAME_LEN), name, strnlen(name, NAME_LEN - 1));
}

// --- Counters.

static void put_counters(struct buf *b, const struct ofp_table_stats *s)
{
	buf_add_be32(b, s->max_entries);
	buf_add_be32(b, s->active_count);
	buf_add_be64(b, s->lookup_count);
	buf_add_be64(b, s->matched_count);
}

void ofp_append_table_stats(struct ofp_replies *r, const struct ofp_msg *request, const struct ofp_table_stats *s)
{
	struct buf *b = &r->buf;
	ofp_replies_begin_entry(r);
	buf_add_u8(b, s->table_id);
	if (request->version == OFP10) {
		buf_add_zeros(b, 3);
		put_name(b, s->name);
		buf_add_be32(b, WILDCARDS_10);
		put_counters(b, s);
	} else if (request->version == OFP11) {
		buf_add_zeros(b, 7);
		put_name(b, s->name);
		buf_add_zeros(b, 24); // what it can match and do: not said; a miss goes to the controller
		put_counters(b, s);
	} else if (request->version == OFP12) {
		buf_add_zeros(b, 7);
		put_name(b, s->name);
		buf_add_zeros(b, 40);
		buf_add_be64(b, UINT64_MAX); // metadata
		buf_add_be64(b, UINT64_MAX);
		buf_add_zeros(b, 8);
		put_counters(b, s);
	} else {
		buf_add_zeros(b, 3);
		buf_add_be32(b, s->active_count);
		buf_add_be64(b, s->lookup_count);
		buf_add_be64(b, s->matched_count);
	}
	ofp_replies_end_entry(r);
}

// What 1.1 and 1.2 say about the table between its name and its size.
static void skip_features(struct cursor *c, uint8_t version, struct ofp_table_stats *s)
{
	if (version == OFP12) {
		cursor_skip(c, 40);
		cursor_copy(c, &s->metadata_match, 8);
		cursor_copy(c, &s->metadata_write, 8);
		cursor_skip(c, 4);
	} else {
		cursor_skip(c, 20);
	}
	s->config = cursor_be32(c);
}

int ofp_table_stats_pull(struct cursor *c, uint8_t version, struct ofp_table_stats *s)
{
	if (!cursor_left(c))
		return -ENODATA;
	*s = (struct ofp_table_stats){.table_id = cursor_u8(c)};
	if (version >= OFP13) {
		cursor_skip(c, 3);
	} else {
		cursor_skip(c, version == OFP10 ? 3 : 7);
		cursor_copy(c, s->name, NAME_LEN);
		if (version == OFP10)
			s->wildcards = cursor_be32(c);
		else
			skip_features(c, version, s);
		s->max_entries = cursor_be32(c);
	}
	s->active_count = cursor_be32(c);
	s->lookup_count = cursor_be64(c);
	s->matched_count = cursor_be64(c);
	return c->bad ? OFPBRC_BAD_LEN : 0;
}

// --- Features.

enum { // property types
	PROP_INSTRUCTIONS = 0,
	PROP_NEXT_TABLES = 2,
	PROP_WRITE_ACTIONS = 4,
	PROP_APPLY_ACTIONS = 6,
	PROP_MATCH = 8,
	PROP_WILDCARDS = 10,
	PROP_WRITE_SETFIELD = 12,
	PROP_APPLY_SETFIELD = 14,
};

static size_t prop_begin(struct buf *b, uint16_t type)
{
	size_t at = b->len;
	buf_add_be16(b, type);
	buf_add_be16(b, 0);
	return at;
}

static void prop_end(struct buf *b, size_t at)
{
	put_be16(b->data + at + 2, (uint16_t)(b->len - at));
	buf_pad(b, at, 8);
}

// Instructions and actions are named by type and a length of 4.
static void put_ids(struct buf *b, uint16_t type, const uint8_t *ids, size_t n)
{
	size_t at = prop_begin(b, type);
	for (size_t i = 0; i < n; i++) {
		buf_add_be16(b, ids[i]);
		buf_add_be16(b, 4);
	}
	prop_end(b, at);
}

static void put_fields(struct buf *b, uint16_t type, uint8_t version, bool writable)
{
	size_t at = prop_begin(b, type);
	for (int i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = field_get((enum field_id)i);
		bool oxm = f->oxm_version && version >= f->oxm_version;
		uint32_t header = oxm ? f->oxm : f->nxm;
		bool maskable = type == PROP_MATCH && f->maskable == FIELD_FULLY_MASKABLE;
		if ((!oxm && !f->nxm_version) || header >> 16 == 0xffff || (writable && !f->writable))
			continue;
		buf_add_be32(b, header | (maskable ? 1u << 8 : 0) | (uint32_t)f->n_bytes * (maskable ? 2 : 1));
	}
	prop_end(b, at);
}

void ofp_append_table_features(struct ofp_replies *r, const struct ofp_msg *request, const struct ofp_table_features *f)
{
	static const uint8_t instructions[] = {4, 5, 3, 2, 1};			 // goto_table last
	static const uint8_t actions[] = {0, 25, 18, 17, 23, 24, 21};	 // output, set_field, vlan, ttl, queue
	struct buf *b = &r->buf;
	bool last = f->table_id + 1 >= f->n_tables;
	ofp_replies_begin_entry(r);
	size_t start = b->len;
	buf_add_be16(b, 0);
	buf_add_u8(b, f->table_id);
	buf_add_zeros(b, 5);
	put_name(b, f->name);
	buf_add(b, &f->metadata_match, 8);
	buf_add(b, &f->metadata_write, 8);
	buf_add_be32(b, f->config);
	buf_add_be32(b, f->max_entries);
	put_ids(b, PROP_INSTRUCTIONS, instructions, sizeof(instructions) - (last ? 1 : 0));
	size_t at = prop_begin(b, PROP_NEXT_TABLES);
	for (unsigned int i = f->table_id + 1u; i < f->n_tables; i++)
		buf_add_u8(b, (uint8_t)i);
	prop_end(b, at);
	put_ids(b, PROP_WRITE_ACTIONS, actions, sizeof(actions));
	put_ids(b, PROP_APPLY_ACTIONS, actions, sizeof(actions));
	put_fields(b, PROP_MATCH, request->version, false);
	put_fields(b, PROP_WILDCARDS, request->version, false);
	put_fields(b, PROP_WRITE_SETFIELD, request->version, true);
	put_fields(b, PROP_APPLY_SETFIELD, request->version, true);
	put_be16(b->data + start, (uint16_t)(b->len - start));
	ofp_replies_end_entry(r);
}

static int read_property(struct cursor *c, struct ofp_table_features *f)
{
	struct cursor peek = *c;
	uint16_t type = cursor_be16(&peek), len = cursor_be16(&peek);
	size_t padded = (len + 7u) & ~7u;
	if (peek.bad || len < 4 || padded > cursor_left(c))
		return OFPBPC_BAD_LEN;
	struct cursor v = cursor_sub(c, padded);
	cursor_skip(&v, 4);
	v.end = v.p + (len - 4);
	if (type != PROP_NEXT_TABLES)
		return 0;
	while (cursor_left(&v))
		f->n_tables = cursor_u8(&v) + 1;
	return 0;
}

int ofp_table_features_pull(struct cursor *c, uint8_t version, struct ofp_table_features *f)
{
	if (!cursor_left(c))
		return -ENODATA;
	struct cursor peek = *c;
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < FEATURES_LEN || len % 8 || len > cursor_left(c))
		return OFPBPC_BAD_LEN;
	struct cursor body = cursor_sub(c, len);
	cursor_skip(&body, 2);
	*f = (struct ofp_table_features){.table_id = cursor_u8(&body)};
	cursor_skip(&body, 5);
	cursor_copy(&body, f->name, NAME_LEN);
	cursor_copy(&body, &f->metadata_match, 8);
	cursor_copy(&body, &f->metadata_write, 8);
	f->config = cursor_be32(&body);
	f->max_entries = cursor_be32(&body);
	f->n_tables = (uint8_t)(f->table_id + 1);
	while (cursor_left(&body)) {
		int error = read_property(&body, f);
		if (error)
			return error;
	}
	return 0;
}

bool ofp_table_features_request_is_query(const struct ofp_msg *m)
{
	return !cursor_left(&m->body);
}
