/* SPDX-License-Identifier: Apache-2.0 */
// Reading flow tables: requests, and the answers, which for large tables are many messages of many
// flows.
#include <errno.h>
#include <string.h>

#include "openflow/flow_mod.h"
#include "openflow/match_codec.h"
#include "openflow/oxs.h"

// --- Requests.

int ofp_decode_flow_stats_request(const struct ofp_msg *m, struct ofp_flow_stats_request *r)
{
	struct cursor c = m->body;
	int error = 0;
	*r = (struct ofp_flow_stats_request){
		.kind = m->type == OFPTYPE_AGGREGATE_STATS_REQUEST ? OFP_FLOWS_SUM
			: m->type == OFPTYPE_FLOW_COUNTERS_REQUEST ? OFP_FLOWS_COUNTERS
								   : OFP_FLOWS_WHOLE,
		.out_group = OFPG_ANY};
	if (m->nx) {
		r->out_port = cursor_be16(&c);
		uint16_t match_len = cursor_be16(&c);
		r->table_id = cursor_u8(&c);
		cursor_skip(&c, 3);
		struct cursor match = cursor_sub(&c, (match_len + 7u) & ~7u);
		if (match.bad)
			return OFPBMC_BAD_LEN;
		match.end = match.p + match_len;
		error = nx_match_decode(match, true, &r->match, &r->cookie, &r->cookie_mask);
		if (!error && cursor_left(&c))
			error = OFPBRC_BAD_LEN;
	} else if (m->version == OFP10) {
		error = ofp10_match_decode(&c, &r->match);
		r->table_id = cursor_u8(&c);
		cursor_skip(&c, 1);
		r->out_port = cursor_be16(&c);
	} else {
		r->table_id = cursor_u8(&c);
		cursor_skip(&c, 3);
		error = ofp11_port_decode(cursor_be32(&c), &r->out_port);
		r->out_group = cursor_be32(&c);
		cursor_skip(&c, 4);
		cursor_copy(&c, &r->cookie, 8);
		cursor_copy(&c, &r->cookie_mask, 8);
		if (!error)
			error = ofp11_match_decode(&c, true, &r->match, NULL);
	}
	return error ? error : c.bad ? OFPBRC_BAD_LEN : 0;
}

void ofp_encode_flow_stats_request(struct buf *b, const struct ofp_flow_stats_request *r,
				   enum ofp_protocol protocol, uint32_t xid)
{
	static const enum ofptype types[] = {
		[OFP_FLOWS_WHOLE] = OFPTYPE_FLOW_STATS_REQUEST,
		[OFP_FLOWS_COUNTERS] = OFPTYPE_FLOW_COUNTERS_REQUEST,
		[OFP_FLOWS_SUM] = OFPTYPE_AGGREGATE_STATS_REQUEST,
	};
	uint8_t version = ofp_protocol_version(protocol);
	bool nx = ofp_protocol_uses_nxm(protocol);
	size_t at = ofp_begin(b, types[r->kind], nx, version, xid);
	if (nx) {
		buf_add_be16(b, (uint16_t)r->out_port);
		size_t match_len_at = b->len;
		buf_add_be16(b, 0);
		buf_add_u8(b, r->table_id);
		buf_add_zeros(b, 3);
		size_t n = nx_match_encode(b, 0, &r->match, r->cookie, r->cookie_mask);
		put_be16(b->data + match_len_at, (uint16_t)n);
		buf_pad(b, at, 8);
	} else if (version == OFP10) {
		ofp10_match_encode(b, &r->match);
		buf_add_u8(b, r->table_id);
		buf_add_u8(b, 0);
		buf_add_be16(b, (uint16_t)r->out_port);
	} else {
		buf_add_u8(b, r->table_id);
		buf_add_zeros(b, 3);
		buf_add_be32(b, ofp11_port_encode(r->out_port));
		buf_add_be32(b, r->out_group);
		buf_add_be32(b, 0);
		buf_add_be64(b, be64toh(r->cookie & r->cookie_mask));
		buf_add(b, &r->cookie_mask, 8);
		ofp11_match_encode(b, version, &r->match);
	}
	ofp_end(b, at);
}

// --- Flow replies: writing.

static uint64_t unknown_to_zero(uint64_t n)
{
	return n == UINT64_MAX ? 0 : n;
}

static void put10(struct buf *b, const struct ofp_flow_stats *fs)
{
	buf_add_be16(b, 0);
	buf_add_u8(b, fs->table_id);
	buf_add_u8(b, 0);
	ofp10_match_encode(b, &fs->match);
	buf_add_be32(b, fs->duration_s);
	buf_add_be32(b, fs->duration_ns);
	buf_add_be16(b, fs->priority);
	buf_add_be16(b, fs->idle_timeout);
	buf_add_be16(b, fs->hard_timeout);
	buf_add_zeros(b, 6);
	buf_add(b, &fs->cookie, 8);
	buf_add_be64(b, unknown_to_zero(fs->packets));
	buf_add_be64(b, unknown_to_zero(fs->bytes));
	ofpacts_encode(b, OFP10, fs->actions, fs->actions_len);
}

// Ages go out plus one, so that 0 can say "not known".
static uint16_t age_to_wire(int age)
{
	return age < 0 ? 0 : age < UINT16_MAX ? (uint16_t)(age + 1) : UINT16_MAX;
}

static void put_nx(struct buf *b, const struct ofp_flow_stats *fs)
{
	size_t at = b->len;
	buf_add_be16(b, 0);
	buf_add_u8(b, fs->table_id);
	buf_add_u8(b, 0);
	buf_add_be32(b, fs->duration_s);
	buf_add_be32(b, fs->duration_ns);
	buf_add_be16(b, fs->priority);
	buf_add_be16(b, fs->idle_timeout);
	buf_add_be16(b, fs->hard_timeout);
	buf_add_be16(b, 0); // match length
	buf_add_be16(b, age_to_wire(fs->idle_age));
	buf_add_be16(b, age_to_wire(fs->hard_age));
	buf_add(b, &fs->cookie, 8);
	buf_add_be64(b, fs->packets);
	buf_add_be64(b, fs->bytes);
	size_t n = nx_match_encode(b, 0, &fs->match, 0, 0);
	put_be16(b->data + at + 18, (uint16_t)n);
	buf_pad(b, at, 8);
	ofpacts_encode(b, OFP10, fs->actions, fs->actions_len);
}

static uint16_t flags_for(uint16_t flags, uint8_t version)
{
	return version >= OFP13 ? flags & 0x1f : 0;
}

static void put11(struct buf *b, uint8_t version, const struct ofp_flow_stats *fs)
{
	buf_add_be16(b, 0);
	buf_add_u8(b, fs->table_id);
	buf_add_u8(b, 0);
	buf_add_be32(b, fs->duration_s);
	buf_add_be32(b, fs->duration_ns);
	buf_add_be16(b, fs->priority);
	buf_add_be16(b, fs->idle_timeout);
	buf_add_be16(b, fs->hard_timeout);
	buf_add_be16(b, flags_for(fs->flags, version));
	buf_add_be16(b, version >= OFP14 ? fs->importance : 0);
	buf_add_be16(b, 0);
	buf_add(b, &fs->cookie, 8);
	buf_add_be64(b, unknown_to_zero(fs->packets));
	buf_add_be64(b, unknown_to_zero(fs->bytes));
	ofp11_match_encode(b, version, &fs->match);
	ofpacts_encode_instructions(b, version, fs->actions, fs->actions_len);
}

static void put_stats15(struct buf *b, const struct ofp_flow_stats *fs)
{
	struct oxs stats;
	oxs_init(&stats);
	oxs_add_duration(&stats, fs->duration_s, fs->duration_ns);
	oxs_add_idle(&stats, fs->idle_age);
	oxs_add_traffic(&stats, fs->packets, fs->bytes);
	oxs_put(b, &stats);
}

static void put15(struct buf *b, const struct ofp_flow_stats *fs)
{
	buf_add_be16(b, 0);
	buf_add_be16(b, 0);
	buf_add_u8(b, fs->table_id);
	buf_add_u8(b, 0);
	buf_add_be16(b, fs->priority);
	buf_add_be16(b, fs->idle_timeout);
	buf_add_be16(b, fs->hard_timeout);
	buf_add_be16(b, flags_for(fs->flags, OFP15));
	buf_add_be16(b, fs->importance);
	buf_add(b, &fs->cookie, 8);
	ofp11_match_encode(b, OFP15, &fs->match);
	put_stats15(b, fs);
	ofpacts_encode_instructions(b, OFP15, fs->actions, fs->actions_len);
}

static void put_counters(struct buf *b, const struct ofp_flow_stats *fs)
{
	buf_add_be16(b, 0);
	buf_add_be16(b, 0);
	buf_add_u8(b, fs->table_id);
	buf_add_u8(b, fs->reason);
	buf_add_be16(b, fs->priority);
	ofp11_match_encode(b, OFP15, &fs->match);
	put_stats15(b, fs);
}

void ofp_append_flow_stats(struct ofp_replies *r, const struct ofp_msg *request,
			   const struct ofp_flow_stats *fs)
{
	ofp_replies_begin_entry(r);
	size_t at = r->buf.len;
	if (request->nx)
		put_nx(&r->buf, fs);
	else if (request->type == OFPTYPE_FLOW_COUNTERS_REQUEST)
		put_counters(&r->buf, fs);
	else if (request->version == OFP10)
		put10(&r->buf, fs);
	else if (request->version < OFP15)
		put11(&r->buf, request->version, fs);
	else
		put15(&r->buf, fs);
	put_be16(r->buf.data + at, (uint16_t)(r->buf.len - at));
	ofp_replies_end_entry(r);
}

void ofp_encode_flow_trigger(struct buf *b, const struct ofp_flow_stats *fs)
{
	size_t at = ofp_begin(b, OFPTYPE_FLOW_COUNTERS_REPLY, false, OFP15, 0), entry = b->len;
	put_counters(b, fs);
	put_be16(b->data + entry, (uint16_t)(b->len - entry));
	ofp_end(b, at);
}

// --- Flow replies: reading.

enum { HEAD10_LEN = 88, NX_HEAD_LEN = 48, HEAD11_LEN = 48, HEAD15_LEN = 24, COUNTERS_HEAD_LEN = 8 };

static int read_nx(struct cursor *c, uint16_t len, struct ofp_flow_stats *fs)
{
	fs->duration_s = cursor_be32(c);
	fs->duration_ns = cursor_be32(c);
	fs->priority = cursor_be16(c);
	fs->idle_timeout = cursor_be16(c);
	fs->hard_timeout = cursor_be16(c);
	uint16_t match_len = cursor_be16(c);
	fs->idle_age = cursor_be16(c) - 1;
	fs->hard_age = cursor_be16(c) - 1;
	cursor_copy(c, &fs->cookie, 8);
	fs->packets = cursor_be64(c);
	fs->bytes = cursor_be64(c);
	if (NX_HEAD_LEN + ((match_len + 7u) & ~7u) > len)
		return OFPBRC_BAD_LEN;
	struct cursor match = cursor_sub(c, (match_len + 7u) & ~7u);
	if (match.bad)
		return OFPBMC_BAD_LEN;
	match.end = match.p + match_len;
	return nx_match_decode(match, true, &fs->match, NULL, NULL);
}

static int read10(struct cursor *c, struct ofp_flow_stats *fs)
{
	int error = ofp10_match_decode(c, &fs->match);
	fs->duration_s = cursor_be32(c);
	fs->duration_ns = cursor_be32(c);
	fs->priority = cursor_be16(c);
	fs->idle_timeout = cursor_be16(c);
	fs->hard_timeout = cursor_be16(c);
	cursor_skip(c, 6);
	cursor_copy(c, &fs->cookie, 8);
	fs->packets = cursor_be64(c);
	fs->bytes = cursor_be64(c);
	return error;
}

static int check_flags(uint16_t flags, uint8_t version)
{
	return version >= OFP13 && flags != flags_for(flags, version) ? OFPFMFC_BAD_FLAGS : 0;
}

static int read11(struct cursor *c, uint8_t version, struct ofp_flow_stats *fs)
{
	fs->duration_s = cursor_be32(c);
	fs->duration_ns = cursor_be32(c);
	fs->priority = cursor_be16(c);
	fs->idle_timeout = cursor_be16(c);
	fs->hard_timeout = cursor_be16(c);
	uint16_t flags = cursor_be16(c), importance = cursor_be16(c);
	fs->flags = flags_for(flags, version);
	fs->importance = version >= OFP14 ? importance : 0;
	cursor_skip(c, 2);
	cursor_copy(c, &fs->cookie, 8);
	fs->packets = cursor_be64(c);
	fs->bytes = cursor_be64(c);
	int error = ofp11_match_decode(c, true, &fs->match, NULL);
	return error ? error : check_flags(flags, version);
}

static int read_stats15(struct cursor *c, struct ofp_flow_stats *fs)
{
	struct oxs stats;
	int error = oxs_read(c, &stats);
	fs->duration_s = stats.duration_s;
	fs->duration_ns = stats.duration_ns;
	fs->idle_age = (int)stats.idle_s;
	fs->packets = stats.packets;
	fs->bytes = stats.bytes;
	return error;
}

static int read15(struct cursor *c, struct ofp_flow_stats *fs)
{
	fs->table_id = cursor_u8(c);
	cursor_skip(c, 1);
	fs->priority = cursor_be16(c);
	fs->idle_timeout = cursor_be16(c);
	fs->hard_timeout = cursor_be16(c);
	uint16_t flags = cursor_be16(c);
	fs->flags = flags_for(flags, OFP15);
	fs->importance = cursor_be16(c);
	cursor_copy(c, &fs->cookie, 8);
	int error = ofp11_match_decode(c, true, &fs->match, NULL);
	if (!error)
		error = check_flags(flags, OFP15);
	if (error)
		return error;
	return read_stats15(c, fs);
}

static int read_counters(struct cursor *c, struct ofp_flow_stats *fs)
{
	fs->table_id = cursor_u8(c);
	fs->reason = cursor_u8(c);
	fs->priority = cursor_be16(c);
	int error = ofp11_match_decode(c, true, &fs->match, NULL);
	return error ? error : read_stats15(c, fs);
}

// What comes before the match of a version that has one of its own length.
static size_t head_len(const struct ofp_msg *m)
{
	if (m->nx)
		return NX_HEAD_LEN;
	if (m->type == OFPTYPE_FLOW_COUNTERS_REPLY)
		return COUNTERS_HEAD_LEN;
	return m->version == OFP10 ? HEAD10_LEN : m->version < OFP15 ? HEAD11_LEN : HEAD15_LEN;
}

int ofp_flow_stats_pull(const struct ofp_msg *m, struct cursor *body, struct buf *actions,
			struct ofp_flow_stats *fs)
{
	if (!cursor_left(body))
		return -ENODATA;
	buf_clear(actions);
	*fs = (struct ofp_flow_stats){.idle_age = -1, .hard_age = -1};
	bool counters = m->type == OFPTYPE_FLOW_COUNTERS_REPLY;
	bool has_instructions = !m->nx && m->version > OFP10 && !counters;
	struct cursor c = *body;
	uint16_t len = cursor_be16(&c);
	if (cursor_left(body) < head_len(m) || len < head_len(m))
		return OFPBRC_BAD_LEN;
	int error;
	if (m->nx || m->version < OFP15) {
		fs->table_id = cursor_u8(&c);
		cursor_skip(&c, 1);
	} else {
		cursor_skip(&c, 2);
	}
	if (counters)
		error = read_counters(&c, fs);
	else if (m->nx)
		error = read_nx(&c, len, fs);
	else if (m->version == OFP10)
		error = read10(&c, fs);
	else if (m->version < OFP15)
		error = read11(&c, m->version, fs);
	else
		error = read15(&c, fs);
	if (error)
		return error;
	// The match may be longer than the entry says that it is; then it is the actions that do
	// not fit.
	size_t used = (size_t)(c.p - body->p);
	if (c.bad || used > len || len > cursor_left(body) || (len - used) % 8 ||
	    (counters && used != len))
		return has_instructions ? OFPBIC_BAD_LEN : OFPBRC_BAD_LEN;
	cursor_skip(body, used);
	if (counters)
		return 0;
	error = ofpacts_decode_instructions(cursor_sub(body, len - used), m->version, actions);
	fs->actions = actions->data;
	fs->actions_len = actions->len;
	return error;
}

// --- Aggregates.

int ofp_decode_aggregate_reply(const struct ofp_msg *m, struct ofp_aggregate *a)
{
	struct cursor c = m->body;
	if (m->version >= OFP15 && !m->nx) {
		struct oxs stats;
		int error = oxs_read(&c, &stats);
		*a = (struct ofp_aggregate){stats.packets, stats.bytes, stats.flows};
		return error;
	}
	a->packets = cursor_be64(&c);
	a->bytes = cursor_be64(&c);
	a->flows = cursor_be32(&c);
	return c.bad ? OFPBRC_BAD_LEN : 0;
}

void ofp_encode_aggregate_reply(struct buf *b, const struct ofp_msg *request,
				const struct ofp_aggregate *a)
{
	size_t at = ofp_begin_reply(b, request);
	if (request->version >= OFP15 && !request->nx) {
		struct oxs stats;
		oxs_init(&stats);
		oxs_add_traffic(&stats, a->packets, a->bytes);
		oxs_add_flows(&stats, a->flows);
		oxs_put(b, &stats);
	} else {
		bool plain10 = request->version == OFP10 && !request->nx;
		buf_add_be64(b, plain10 ? unknown_to_zero(a->packets) : a->packets);
		buf_add_be64(b, plain10 ? unknown_to_zero(a->bytes) : a->bytes);
		buf_add_be32(b, a->flows);
		buf_add_be32(b, 0);
	}
	ofp_end(b, at);
}
