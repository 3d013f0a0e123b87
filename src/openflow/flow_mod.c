/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/flow_mod.h"

#include <string.h>

#include "openflow/match_codec.h"
#include "openflow/oxs.h"

enum { EMERG_10 = 1 << 2 };

void ofp_flow_mod_init(struct ofp_flow_mod *fm)
{
	struct buf actions = fm->actions;
	buf_clear(&actions);
	memset(fm, 0, offsetof(struct ofp_flow_mod, actions));
	fm->actions = actions;
	match_init_any(&fm->match);
	fm->priority = OFP_DEFAULT_PRIORITY;
	fm->table_id = OFPTT_ALL;
	fm->buffer_id = OFP_NO_BUFFER;
	fm->out_port = OFPP_NONE;
	fm->out_group = OFPG_ANY;
}

void ofp_flow_mod_done(struct ofp_flow_mod *fm)
{
	buf_done(&fm->actions);
}

static bool is_delete(const struct ofp_flow_mod *fm)
{
	return fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
}

static uint16_t flags_of_version(uint8_t version)
{
	uint16_t flags = OFPFF_SEND_FLOW_REM | OFPFF_CHECK_OVERLAP;
	if (version >= OFP12)
		flags |= OFPFF_RESET_COUNTS;
	if (version >= OFP13)
		flags |= OFPFF_NO_PKT_COUNTS | OFPFF_NO_BYT_COUNTS;
	return flags;
}

static int decode_flags(struct ofp_flow_mod *fm, uint16_t wire, uint8_t version)
{
	uint16_t known = flags_of_version(version);
	fm->flags = wire & known;
	if (version == OFP10 && wire & EMERG_10)
		fm->flags |= OFPFF_EMERG;
	if (wire & ~(known | (version == OFP10 ? EMERG_10 : 0)))
		return OFPFMFC_BAD_FLAGS;
	// Before 1.2 adding a flow always resets the counters of the one it replaces.
	if (version < OFP12 && fm->command == OFPFC_ADD)
		fm->flags |= OFPFF_RESET_COUNTS;
	if (!(fm->flags & OFPFF_EMERG))
		return 0;
	return fm->hard_timeout || fm->idle_timeout ? OFPFMFC_BAD_EMERG_TIMEOUT
						    : OFPFMFC_TABLE_FULL;
}

// --- 1.0 and Nicira's.

// The table stands beside the command in 1.0 when that was agreed on, and always where a table is
// part of a flow mod.
static int decode_command(struct ofp_flow_mod *fm, uint16_t wire, enum ofp_protocol protocol,
			  uint8_t version)
{
	uint16_t command = wire;
	if (protocol & OFPROTO_TID || version > OFP10) {
		command = wire & 0xff;
		fm->table_id = wire >> 8;
	}
	if (command > OFPFC_DELETE_STRICT)
		return OFPFMFC_BAD_COMMAND;
	fm->command = (enum ofp_flow_mod_command)command;
	return 0;
}

static int decode10(struct cursor *c, enum ofp_protocol protocol, struct ofp_flow_mod *fm)
{
	struct cursor peek = *c;
	bool exact = !(cursor_be32(&peek) & 0x3fffff);
	int error = ofp10_match_decode(c, &fm->match);
	match_normalize(&fm->match);
	cursor_copy(c, &fm->new_cookie, 8);
	uint16_t command = cursor_be16(c);
	fm->idle_timeout = cursor_be16(c);
	fm->hard_timeout = cursor_be16(c);
	fm->priority = cursor_be16(c);
	fm->buffer_id = cursor_be32(c);
	fm->out_port = cursor_be16(c);
	uint16_t flags = cursor_be16(c);
	// A match without any wildcard beats all others.
	if (exact)
		fm->priority = UINT16_MAX;
	fm->flags = flags;
	return error ? error : decode_command(fm, command, protocol, OFP10);
}

static int decode_nx(struct cursor *c, uint8_t version, enum ofp_protocol protocol,
		     struct ofp_flow_mod *fm)
{
	cursor_copy(c, &fm->new_cookie, 8);
	uint16_t command = cursor_be16(c);
	fm->idle_timeout = cursor_be16(c);
	fm->hard_timeout = cursor_be16(c);
	fm->priority = cursor_be16(c);
	fm->buffer_id = cursor_be32(c);
	fm->out_port = cursor_be16(c);
	uint16_t flags = cursor_be16(c), match_len = cursor_be16(c);
	cursor_skip(c, 6);
	struct cursor match = cursor_sub(c, (match_len + 7u) & ~7u);
	if (match.bad)
		return OFPBMC_BAD_LEN;
	match.end = match.p + match_len;
	int error = nx_match_decode(match, true, &fm->match, &fm->cookie, &fm->cookie_mask);
	if (!error)
		error = decode_command(fm, command, protocol, version);
	if (!error && fm->command == OFPFC_ADD && fm->cookie_mask)
		error = NXBRC_NXM_INVALID;
	fm->flags = flags;
	return error;
}

// --- 1.1 and later.

static int decode11(struct cursor *c, uint8_t version, struct ofp_flow_mod *fm)
{
	be64_t cookie, cookie_mask;
	cursor_copy(c, &cookie, 8);
	cursor_copy(c, &cookie_mask, 8);
	fm->table_id = cursor_u8(c);
	uint8_t command = cursor_u8(c);
	fm->idle_timeout = cursor_be16(c);
	fm->hard_timeout = cursor_be16(c);
	fm->priority = cursor_be16(c);
	fm->buffer_id = cursor_be32(c);
	uint32_t out_port = cursor_be32(c);
	uint32_t out_group = cursor_be32(c);
	uint16_t flags = cursor_be16(c);
	uint16_t importance = cursor_be16(c);
	fm->importance = version >= OFP14 && command == OFPFC_ADD ? importance : 0;
	fm->command = (enum ofp_flow_mod_command)command;
	int error = ofp11_match_decode(c, true, &fm->match, NULL);
	if (error)
		return error;

	bool modify = command == OFPFC_MODIFY || command == OFPFC_MODIFY_STRICT;
	fm->new_cookie = UINT64_MAX;
	if (command == OFPFC_ADD || (version == OFP11 && modify && !cookie_mask)) {
		// In 1.1 a modification that names no cookie adds the flow when there is none.
		fm->new_cookie = cookie;
	} else {
		fm->cookie = cookie;
		fm->cookie_mask = cookie_mask;
	}
	if (fm->table_id == OFPTT_ALL && (version == OFP11 || !is_delete(fm)))
		return OFPFMFC_BAD_TABLE_ID;
	if (is_delete(fm))
		fm->out_group = out_group;
	fm->flags = flags;
	error = ofp11_port_decode(out_port, &fm->out_port);
	if (!error && command > OFPFC_DELETE_STRICT)
		error = OFPFMFC_BAD_COMMAND;
	return error;
}

int ofp_decode_flow_mod(const struct ofp_msg *m, enum ofp_protocol protocol,
			struct ofp_flow_mod *fm)
{
	struct cursor c = m->body;
	int error;
	ofp_flow_mod_init(fm);
	if (m->nx)
		error = decode_nx(&c, m->version, protocol, fm);
	else if (m->version == OFP10)
		error = decode10(&c, protocol, fm);
	else
		error = decode11(&c, m->version, fm);
	if (!error && c.bad)
		error = OFPBRC_BAD_LEN;
	if (error)
		return error;
	// From 1.1 on a modification leaves the cookie, whatever it says.
	fm->modify_cookie = (m->version == OFP10 || m->nx) && fm->new_cookie != UINT64_MAX;
	error = ofpacts_decode_instructions(c, m->version, &fm->actions);
	return error ? error : decode_flags(fm, fm->flags, m->version);
}

// --- Encoding.

static uint16_t command_with_table(const struct ofp_flow_mod *fm, enum ofp_protocol protocol)
{
	return protocol & OFPROTO_TID ? (uint16_t)(fm->table_id << 8 | fm->command)
				      : (uint16_t)fm->command;
}

static void encode10(struct buf *b, const struct ofp_flow_mod *fm, enum ofp_protocol protocol,
		     uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_FLOW_MOD, false, OFP10, xid);
	ofp10_match_encode(b, &fm->match);
	buf_add(b, &fm->new_cookie, 8);
	buf_add_be16(b, command_with_table(fm, protocol));
	buf_add_be16(b, fm->idle_timeout);
	buf_add_be16(b, fm->hard_timeout);
	buf_add_be16(b, fm->priority);
	buf_add_be32(b, fm->buffer_id);
	buf_add_be16(b, (uint16_t)fm->out_port);
	buf_add_be16(b, fm->flags & flags_of_version(OFP10));
	ofpacts_encode(b, OFP10, fm->actions.data, fm->actions.len);
	ofp_end(b, at);
}

static void encode_nx(struct buf *b, const struct ofp_flow_mod *fm, enum ofp_protocol protocol,
		      uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_FLOW_MOD, true, OFP10, xid), match_len_at;
	buf_add(b, &fm->new_cookie, 8);
	buf_add_be16(b, command_with_table(fm, protocol));
	buf_add_be16(b, fm->idle_timeout);
	buf_add_be16(b, fm->hard_timeout);
	buf_add_be16(b, fm->priority);
	buf_add_be32(b, fm->buffer_id);
	buf_add_be16(b, (uint16_t)fm->out_port);
	buf_add_be16(b, fm->flags & flags_of_version(OFP10));
	match_len_at = b->len;
	buf_add_zeros(b, 8);
	size_t n = nx_match_encode(b, 0, &fm->match, fm->cookie, fm->cookie_mask);
	put_be16(b->data + match_len_at, (uint16_t)n);
	buf_pad(b, at, 8);
	ofpacts_encode(b, OFP10, fm->actions.data, fm->actions.len);
	ofp_end(b, at);
}

static void encode11(struct buf *b, const struct ofp_flow_mod *fm, uint8_t version, uint32_t xid)
{
	bool modify = fm->command == OFPFC_MODIFY || fm->command == OFPFC_MODIFY_STRICT;
	bool adds = fm->command == OFPFC_ADD || (modify && !fm->cookie_mask && version == OFP11);
	be64_t cookie = adds ? fm->new_cookie : fm->cookie & fm->cookie_mask;
	uint8_t table = fm->table_id;
	if (table == OFPTT_ALL && (version == OFP11 || !is_delete(fm)))
		table = 0;
	size_t at = ofp_begin(b, OFPTYPE_FLOW_MOD, false, version, xid);
	buf_add(b, &cookie, 8);
	buf_add_be64(b, adds ? 0 : be64toh(fm->cookie_mask));
	buf_add_u8(b, table);
	buf_add_u8(b, (uint8_t)fm->command);
	buf_add_be16(b, fm->idle_timeout);
	buf_add_be16(b, fm->hard_timeout);
	buf_add_be16(b, fm->priority);
	buf_add_be32(b, fm->buffer_id);
	buf_add_be32(b, ofp11_port_encode(fm->out_port));
	buf_add_be32(b, fm->out_group);
	buf_add_be16(b, fm->flags & flags_of_version(version));
	buf_add_be16(b, version >= OFP14 ? fm->importance : 0);
	ofp11_match_encode(b, version, &fm->match);
	ofpacts_encode_instructions(b, version, fm->actions.data, fm->actions.len);
	ofp_end(b, at);
}

void ofp_encode_flow_mod(struct buf *b, const struct ofp_flow_mod *fm, enum ofp_protocol protocol,
			 uint32_t xid)
{
	uint8_t version = ofp_protocol_version(protocol);
	if (ofp_protocol_uses_nxm(protocol))
		encode_nx(b, fm, protocol, xid);
	else if (version == OFP10)
		encode10(b, fm, protocol, xid);
	else
		encode11(b, fm, version, xid);
}

// --- Flow removed.

static int decode_removed15(struct cursor *c, struct ofp_flow_removed *fr)
{
	fr->table_id = cursor_u8(c);
	fr->reason = cursor_u8(c);
	fr->priority = cursor_be16(c);
	fr->idle_timeout = cursor_be16(c);
	fr->hard_timeout = cursor_be16(c);
	cursor_copy(c, &fr->cookie, 8);
	int error = ofp11_match_decode(c, true, &fr->match, NULL);
	if (error)
		return error;
	struct oxs stats;
	error = oxs_read(c, &stats);
	fr->duration_s = stats.duration_s;
	fr->duration_ns = stats.duration_ns;
	fr->packets = stats.packets;
	fr->bytes = stats.bytes;
	return error;
}

static void encode_removed15(struct buf *b, const struct ofp_flow_removed *fr, uint8_t reason)
{
	struct oxs stats;
	oxs_init(&stats);
	oxs_add_duration(&stats, fr->duration_s, fr->duration_ns);
	oxs_add_traffic(&stats, fr->packets, fr->bytes);
	size_t at = ofp_begin(b, OFPTYPE_FLOW_REMOVED, false, OFP15, 0);
	buf_add_u8(b, fr->table_id);
	buf_add_u8(b, reason);
	buf_add_be16(b, fr->priority);
	buf_add_be16(b, fr->idle_timeout);
	buf_add_be16(b, fr->hard_timeout);
	buf_add(b, &fr->cookie, 8);
	ofp11_match_encode(b, OFP15, &fr->match);
	oxs_put(b, &stats);
	ofp_end(b, at);
}

int ofp_decode_flow_removed(const struct ofp_msg *m, struct ofp_flow_removed *fr)
{
	struct cursor c = m->body;
	int error = 0;
	*fr = (struct ofp_flow_removed){.table_id = 255};
	if (!m->nx && m->version >= OFP15)
		return decode_removed15(&c, fr);
	if (!m->nx && m->version == OFP10)
		error = ofp10_match_decode(&c, &fr->match);
	cursor_copy(&c, &fr->cookie, 8);
	fr->priority = cursor_be16(&c);
	fr->reason = cursor_u8(&c);
	uint8_t table = cursor_u8(&c);
	fr->duration_s = cursor_be32(&c);
	fr->duration_ns = cursor_be32(&c);
	fr->idle_timeout = cursor_be16(&c);
	if (!m->nx && m->version == OFP10) {
		cursor_skip(&c, 2);
		fr->packets = cursor_be64(&c);
		fr->bytes = cursor_be64(&c);
	} else if (m->nx) {
		fr->table_id = (uint8_t)(table - 1);
		uint16_t match_len = cursor_be16(&c);
		fr->packets = cursor_be64(&c);
		fr->bytes = cursor_be64(&c);
		struct cursor match = cursor_sub(&c, (match_len + 7u) & ~7u);
		if (match.bad)
			return OFPBMC_BAD_LEN;
		match.end = match.p + match_len;
		error = nx_match_decode(match, true, &fr->match, NULL, NULL);
		if (!error && cursor_left(&c))
			error = OFPBRC_BAD_LEN;
	} else {
		fr->table_id = table;
		fr->hard_timeout = cursor_be16(&c);
		fr->packets = cursor_be64(&c);
		fr->bytes = cursor_be64(&c);
		error = ofp11_match_decode(&c, true, &fr->match, NULL);
	}
	return error ? error : c.bad ? OFPBRC_BAD_LEN : 0;
}

// 1.3 and before have fewer reasons.
static uint8_t removed_reason(uint8_t reason, uint8_t version)
{
	if (reason == OFPRR_METER_DELETE && version < OFP14)
		return OFPRR_DELETE;
	if (reason == OFPRR_EVICTION && version < OFP14)
		return OFPRR_DELETE;
	return reason == OFPRR_GROUP_DELETE && version < OFP11 ? OFPRR_DELETE : reason;
}

void ofp_encode_flow_removed(struct buf *b, const struct ofp_flow_removed *fr,
			     enum ofp_protocol protocol)
{
	uint8_t version = ofp_protocol_version(protocol),
		reason = removed_reason(fr->reason, version);
	bool nx = ofp_protocol_uses_nxm(protocol);
	if (version >= OFP15) {
		encode_removed15(b, fr, reason);
		return;
	}
	size_t at = ofp_begin(b, OFPTYPE_FLOW_REMOVED, nx, version, 0), match_len_at = 0;
	if (!nx && version == OFP10)
		ofp10_match_encode(b, &fr->match);
	buf_add(b, &fr->cookie, 8);
	buf_add_be16(b, fr->priority);
	buf_add_u8(b, reason);
	buf_add_u8(b, nx ? (uint8_t)(fr->table_id + 1) : version == OFP10 ? 0 : fr->table_id);
	buf_add_be32(b, fr->duration_s);
	buf_add_be32(b, fr->duration_ns);
	buf_add_be16(b, fr->idle_timeout);
	match_len_at = b->len;
	buf_add_be16(b, !nx && version != OFP10 ? fr->hard_timeout : 0);
	buf_add_be64(b, fr->packets == UINT64_MAX && !nx && version == OFP10 ? 0 : fr->packets);
	buf_add_be64(b, fr->bytes == UINT64_MAX && !nx && version == OFP10 ? 0 : fr->bytes);
	if (nx) {
		size_t n = nx_match_encode(b, 0, &fr->match, 0, 0);
		put_be16(b->data + match_len_at, (uint16_t)n);
		buf_pad(b, at, 8);
	} else if (version != OFP10) {
		ofp11_match_encode(b, version, &fr->match);
	}
	ofp_end(b, at);
}
