/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/flow_monitor.h"

#include <errno.h>

#include "openflow/flow_mod.h"
#include "openflow/match_codec.h"

enum {
	NX_EVENT_ADDED,
	NX_EVENT_DELETED,
	NX_EVENT_MODIFIED,
	NX_EVENT_ABBREV
}; // of Nicira's and the ONF's form
enum { UPDATE_HEAD = 4, UPDATE_FULL = 24 };

// Nicira's flags are the first six of 1.4's in their order, except "own", which says the same
// as 1.4's "no abbreviation".
enum { NX_FLAGS = 0x3f, FLAGS14 = 0x5f, EVENTS = OFPFMF_ADD | OFPFMF_DELETE | OFPFMF_MODIFY };

static bool is14(const struct ofp_msg *m)
{
	return m->version >= OFP14;
}

// --- Requests.

static int pull_nx(struct cursor *c, struct ofp_flow_monitor_request *r)
{
	r->id = cursor_be32(c);
	r->flags = cursor_be16(c);
	r->out_port = cursor_be16(c);
	uint16_t match_len = cursor_be16(c);
	r->table_id = cursor_u8(c);
	bool zero = true;
	for (int i = 0; i < 5; i++)
		zero &= !cursor_u8(c);
	if (c->bad)
		return OFPBRC_BAD_LEN;
	if (r->flags & ~NX_FLAGS || !(r->flags & EVENTS))
		return OFPMOFC_BAD_FLAGS;
	if (!zero)
		return NXBRC_MUST_BE_ZERO;
	struct cursor match = cursor_sub(c, (match_len + 7u) & ~7u);
	if (match.bad)
		return OFPBMC_BAD_LEN;
	match.end = match.p + match_len;
	return nx_match_decode(match, true, &r->match, NULL, NULL);
}

static int pull_onf(struct cursor *c, struct ofp_flow_monitor_request *r)
{
	r->id = cursor_be32(c);
	r->flags = cursor_be16(c);
	cursor_skip(c, 2);
	uint32_t port = cursor_be32(c);
	r->table_id = cursor_u8(c);
	bool zero = true;
	for (int i = 0; i < 3; i++)
		zero &= !cursor_u8(c);
	if (c->bad)
		return OFPBRC_BAD_LEN;
	if (r->flags & ~NX_FLAGS || !(r->flags & EVENTS))
		return OFPMOFC_BAD_FLAGS;
	if (!zero)
		return NXBRC_MUST_BE_ZERO;
	int error = ofp11_port_decode(port, &r->out_port);
	return error ? error : ofp11_match_decode(c, true, &r->match, NULL);
}

static int pull14(struct cursor *c, struct ofp_flow_monitor_request *r)
{
	r->id = cursor_be32(c);
	uint32_t port = cursor_be32(c);
	r->out_group = cursor_be32(c);
	r->flags = cursor_be16(c);
	r->table_id = cursor_u8(c);
	uint8_t command = cursor_u8(c);
	if (c->bad)
		return OFPBRC_BAD_LEN;
	r->command = command;
	if (r->command == OFPFMC_DELETE)
		r->flags &= FLAGS14;
	else if (r->flags & ~FLAGS14 || !(r->flags & EVENTS))
		return OFPMOFC_BAD_FLAGS;
	int error = ofp11_port_decode(port, &r->out_port);
	if (error && r->command != OFPFMC_DELETE) // which is of the monitor's number alone
		return error;
	return ofp11_match_decode(c, true, &r->match, NULL);
}

int ofp_flow_monitor_request_pull(const struct ofp_msg *m, struct cursor *body,
				  struct ofp_flow_monitor_request *r)
{
	if (!cursor_left(body))
		return -ENODATA;
	*r = (struct ofp_flow_monitor_request){.out_group = OFPG_ANY};
	match_init_any(&r->match);
	return is14(m)		     ? pull14(body, r)
	       : m->version == OFP13 ? pull_onf(body, r)
				     : pull_nx(body, r);
}

void ofp_encode_flow_monitor_request(struct buf *b, const struct ofp_flow_monitor_request *r,
				     uint8_t version, uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_FLOW_MONITOR_STATS_REQUEST, version < OFP14, version, xid),
	       len_at, match_at;
	buf_add_be32(b, r->id);
	if (version >= OFP14) {
		buf_add_be32(b, ofp11_port_encode(r->out_port));
		buf_add_be32(b, r->out_group);
		buf_add_be16(b, r->flags & OFPFMF_OWN ? (r->flags & ~OFPFMF_OWN) | OFPFMF_OWN_14
						      : r->flags);
		buf_add_u8(b, r->table_id);
		buf_add_u8(b, r->command);
		ofp11_match_encode(b, version, &r->match);
	} else if (version == OFP13) {
		buf_add_be16(b, r->flags & NX_FLAGS);
		len_at = b->len;
		buf_add_be16(b, 0);
		buf_add_be32(b, ofp11_port_encode(r->out_port));
		buf_add_u8(b, r->table_id);
		buf_add_zeros(b, 3);
		match_at = b->len;
		ofp11_match_encode(b, version, &r->match);
		put_be16(b->data + len_at, (uint16_t)(b->len - match_at));
	} else {
		buf_add_be16(b, r->flags & NX_FLAGS);
		buf_add_be16(b, (uint16_t)r->out_port);
		len_at = b->len;
		buf_add_be16(b, 0);
		buf_add_u8(b, r->table_id);
		buf_add_zeros(b, 5);
		match_at = b->len;
		size_t n = nx_match_encode(b, 0, &r->match, 0, 0);
		put_be16(b->data + len_at, (uint16_t)n);
		buf_pad(b, match_at, 8);
	}
	ofp_end(b, at);
}

int ofp_decode_flow_monitor_cancel(const struct ofp_msg *m, uint32_t *id)
{
	struct cursor c = m->body;
	*id = cursor_be32(&c);
	return 0;
}

void ofp_encode_flow_monitor_cancel(struct buf *b, uint32_t id, uint8_t version, uint32_t xid)
{
	if (version >= OFP14) {
		struct ofp_flow_monitor_request r = {.id = id,
						     .command = OFPFMC_DELETE,
						     .out_port = OFPP_NONE,
						     .out_group = OFPG_ANY,
						     .table_id = OFPTT_ALL};
		match_init_any(&r.match);
		ofp_encode_flow_monitor_request(b, &r, version, xid);
		return;
	}
	size_t at = ofp_begin(b, OFPTYPE_FLOW_MONITOR_CANCEL, true, version, xid);
	buf_add_be32(b, id);
	ofp_end(b, at);
}

// --- Updates.

static int read_event(const struct ofp_msg *m, uint16_t wire, struct ofp_flow_update *u)
{
	static const enum ofp_flow_update_event old[] = {OFPFME_ADDED, OFPFME_REMOVED,
							 OFPFME_MODIFIED, OFPFME_ABBREV};
	if (is14(m)) {
		if (wire > OFPFME_RESUMED)
			return NXBRC_FM_BAD_EVENT;
		u->event = (enum ofp_flow_update_event)wire;
		return 0;
	}
	if (wire > NX_EVENT_ABBREV)
		return NXBRC_FM_BAD_EVENT;
	u->event = old[wire];
	return 0;
}

// A match that is longer than its entry is read for what is wrong with it first.
static int pull_match13(struct cursor *c, const uint8_t *end_of_message, struct match *match)
{
	const uint8_t *end = c->end;
	c->end = end_of_message;
	int error = ofp11_match_decode(c, true, match, NULL);
	bool beyond = c->p > end;
	if (beyond)
		c->p = end;
	c->end = end;
	return !error && beyond ? OFPBRC_BAD_LEN : error;
}

static int pull_full(const struct ofp_msg *m, struct cursor c, const uint8_t *end_of_message,
		     struct buf *actions, struct ofp_flow_update *u)
{
	uint16_t match_len = 0;
	if (is14(m)) {
		u->table_id = cursor_u8(&c);
		u->reason = cursor_u8(&c);
		u->idle_timeout = cursor_be16(&c);
		u->hard_timeout = cursor_be16(&c);
		u->priority = cursor_be16(&c);
		cursor_skip(&c, 4);
	} else {
		u->reason = cursor_be16(&c);
		u->priority = cursor_be16(&c);
		u->idle_timeout = cursor_be16(&c);
		u->hard_timeout = cursor_be16(&c);
		match_len = cursor_be16(&c);
		u->table_id = cursor_u8(&c);
		cursor_skip(&c, 1);
	}
	cursor_copy(&c, &u->cookie, 8);
	if (((match_len + 7u) & ~7u) > cursor_left(&c))
		return OFPBRC_BAD_LEN;
	int error;
	if (m->version >= OFP13) {
		error = pull_match13(&c, end_of_message, &u->match);
	} else {
		struct cursor match = cursor_sub(&c, (match_len + 7u) & ~7u);
		if (match.bad)
			return OFPBMC_BAD_LEN;
		match.end = match.p + match_len;
		error = nx_match_decode(match, true, &u->match, NULL, NULL);
	}
	if (!error && c.bad)
		error = OFPBRC_BAD_LEN;
	if (!error)
		error = m->version >= OFP13 ? ofpacts_decode_instructions(c, m->version, actions)
					    : ofpacts_decode(c, m->version, actions);
	u->actions = actions->data;
	u->actions_len = actions->len;
	return error;
}

int ofp_flow_update_pull(const struct ofp_msg *m, struct cursor *body, struct buf *actions,
			 struct ofp_flow_update *u)
{
	if (!cursor_left(body))
		return -ENODATA;
	buf_clear(actions);
	*u = (struct ofp_flow_update){0};
	struct cursor peek = *body;
	uint16_t len = cursor_be16(&peek), wire = cursor_be16(&peek);
	if (peek.bad || len % 8 || len > cursor_left(body))
		return OFPBRC_BAD_LEN;
	int error = read_event(m, wire, u);
	if (error)
		return error;
	if (len < UPDATE_HEAD)
		return OFPBRC_BAD_LEN;
	struct cursor c = cursor_sub(body, len);
	cursor_skip(&c, UPDATE_HEAD);
	if (u->event == OFPFME_ABBREV) {
		u->xid = cursor_be32(&c);
		return len == 8 ? 0 : OFPBRC_BAD_LEN;
	}
	if (u->event == OFPFME_PAUSED || u->event == OFPFME_RESUMED)
		return len == 8 ? 0 : OFPBRC_BAD_LEN;
	return len < UPDATE_FULL ? OFPBRC_BAD_LEN : pull_full(m, c, body->end, actions, u);
}

void ofp_flow_updates_init(struct ofp_replies *r, uint8_t version)
{
	struct ofp_msg request = {.version = version,
				  .nx = version < OFP14,
				  .type = OFPTYPE_FLOW_MONITOR_STATS_REQUEST};
	ofp_replies_init(r, &request);
}

static uint16_t event_to_wire(uint8_t version, enum ofp_flow_update_event event)
{
	static const uint16_t old[] = {
		[OFPFME_INITIAL] = NX_EVENT_ADDED,   [OFPFME_ADDED] = NX_EVENT_ADDED,
		[OFPFME_REMOVED] = NX_EVENT_DELETED, [OFPFME_MODIFIED] = NX_EVENT_MODIFIED,
		[OFPFME_ABBREV] = NX_EVENT_ABBREV,   [OFPFME_PAUSED] = NX_EVENT_ABBREV,
		[OFPFME_RESUMED] = NX_EVENT_ABBREV};
	return version >= OFP14 ? (uint16_t)event : old[event];
}

static void put_full(struct buf *b, uint8_t version, const struct ofp_flow_update *u)
{
	size_t match_len_at = 0;
	if (version >= OFP14) {
		buf_add_u8(b, u->table_id);
		buf_add_u8(b, (uint8_t)u->reason);
		buf_add_be16(b, u->idle_timeout);
		buf_add_be16(b, u->hard_timeout);
		buf_add_be16(b, u->priority);
		buf_add_be32(b, 0);
	} else {
		buf_add_be16(b, u->reason);
		buf_add_be16(b, u->priority);
		buf_add_be16(b, u->idle_timeout);
		buf_add_be16(b, u->hard_timeout);
		match_len_at = b->len;
		buf_add_be16(b, 0);
		buf_add_u8(b, u->table_id);
		buf_add_u8(b, 0);
	}
	buf_add(b, &u->cookie, 8);
	size_t match_at = b->len, n;
	if (version >= OFP13) {
		ofp11_match_encode(b, version, &u->match);
		n = b->len - match_at;
	} else {
		n = nx_match_encode(b, 0, &u->match, 0, 0);
		buf_pad(b, match_at, 8);
	}
	if (match_len_at)
		put_be16(b->data + match_len_at, (uint16_t)n);
	if (!u->actions_len)
		return;
	if (version < OFP13)
		ofpacts_encode(b, version, u->actions, u->actions_len);
	else
		ofpacts_encode_instructions(b, version, u->actions, u->actions_len);
}

void ofp_append_flow_update(struct ofp_replies *r, uint8_t version, const struct ofp_flow_update *u)
{
	struct buf *b = &r->buf;
	ofp_replies_begin_entry(r);
	size_t at = b->len;
	buf_add_be16(b, 0);
	buf_add_be16(b, event_to_wire(version, u->event));
	if (u->event == OFPFME_ABBREV || u->event == OFPFME_PAUSED || u->event == OFPFME_RESUMED)
		buf_add_be32(b, u->xid);
	else
		put_full(b, version, u);
	put_be16(b->data + at, (uint16_t)(b->len - at));
	ofp_replies_end_entry(r);
}

void ofp_encode_flow_monitor_paused(struct buf *b, bool paused, uint8_t version)
{
	if (version < OFP14) {
		ofp_end(b, ofp_begin(b,
				     paused ? OFPTYPE_FLOW_MONITOR_PAUSED
					    : OFPTYPE_FLOW_MONITOR_RESUMED,
				     true, version, 0));
		return;
	}
	struct ofp_replies r = {0};
	struct ofp_flow_update u = {.event = paused ? OFPFME_PAUSED : OFPFME_RESUMED};
	ofp_flow_updates_init(&r, version);
	ofp_append_flow_update(&r, version, &u);
	ofp_replies_finish(&r);
	buf_add(b, r.buf.data, r.buf.len);
	ofp_replies_done(&r);
}
