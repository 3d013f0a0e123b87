/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/bundle.h"

#include "openflow/prop.h"

bool ofp_version_has_bundles(uint8_t version)
{
	return version >= OFP13;
}

int ofp_decode_bundle_control(const struct ofp_msg *m, struct ofp_bundle_control *bc)
{
	struct cursor c = m->body;
	bc->bundle_id = cursor_be32(&c);
	bc->type = cursor_be16(&c);
	bc->flags = cursor_be16(&c);
	return 0;
}

void ofp_encode_bundle_control(struct buf *b, const struct ofp_bundle_control *bc, uint8_t version,
			       uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_BUNDLE_CONTROL, version < OFP14, version, xid);
	buf_add_be32(b, bc->bundle_id);
	buf_add_be16(b, bc->type);
	buf_add_be16(b, bc->flags);
	ofp_end(b, at);
}

static bool may_be_in_bundle(enum ofptype type)
{
	return type == OFPTYPE_FLOW_MOD || type == OFPTYPE_GROUP_MOD || type == OFPTYPE_PORT_MOD ||
	       type == OFPTYPE_PACKET_OUT;
}

int ofp_decode_bundle_add(const struct ofp_msg *m, struct ofp_bundle_add *ba)
{
	struct cursor c = m->body;
	ba->bundle_id = cursor_be32(&c);
	cursor_skip(&c, 2);
	ba->flags = cursor_be16(&c);
	ba->msg = c.p;
	if (cursor_left(&c) < sizeof(struct ofp_header))
		return OFPBFC_MSG_BAD_LEN;
	if (c.p[0] != m->version)
		return OFPBFC_BAD_VERSION;
	size_t n = ofp_length(c.p);
	if (n < sizeof(struct ofp_header) || n > cursor_left(&c))
		return OFPBFC_MSG_BAD_LEN;
	ba->len = n;
	if (ofp_xid(c.p) != m->xid)
		return OFPBFC_MSG_BAD_XID;
	struct ofp_msg inner;
	if (ofp_msg_decode(c.p, n, &inner) || !may_be_in_bundle(inner.type))
		return OFPBFC_MSG_UNSUP;
	ba->type = inner.type;
	return 0;
}

bool ofp_encode_bundle_add(struct buf *b, uint32_t bundle_id, uint16_t flags, const void *msg,
			   size_t n)
{
	uint8_t version = *(const uint8_t *)msg;
	size_t at =
		ofp_begin(b, OFPTYPE_BUNDLE_ADD_MESSAGE, version < OFP14, version, ofp_xid(msg));
	buf_add_be32(b, bundle_id);
	buf_add_be16(b, 0);
	buf_add_be16(b, flags);
	buf_add(b, msg, n);
	return ofp_end(b, at);
}

// --- Features.

enum { PROP_TIME = 1, PROP_TIME_LEN = 68 }; // behind type and length

static struct ofp_time pull_time(struct cursor *c)
{
	struct ofp_time t = {.s = cursor_be64(c)};
	t.ns = cursor_be32(c);
	cursor_skip(c, 4);
	return t;
}

static int pull_bundle_time(struct cursor value, struct ofp_bundle_time *t)
{
	if (cursor_left(&value) != PROP_TIME_LEN)
		return OFPBPC_BAD_LEN;
	cursor_skip(&value, 4);
	t->accuracy = pull_time(&value);
	t->max_future = pull_time(&value);
	t->max_past = pull_time(&value);
	t->timestamp = pull_time(&value);
	return 0;
}

int ofp_decode_bundle_features(const struct ofp_msg *m, struct ofp_bundle_features *f)
{
	struct cursor c = m->body;
	bool request = m->type == OFPTYPE_BUNDLE_FEATURES_REQUEST;
	*f = (struct ofp_bundle_features){.flags = request ? cursor_be32(&c) : cursor_be16(&c)};
	cursor_skip(&c, request ? 4 : 6);
	while (cursor_left(&c)) {
		uint64_t type;
		struct cursor value;
		int error = prop_pull(&c, &type, &value);
		if (!error && type != PROP_TIME)
			error = request ? prop_unknown(type) : 0;
		else if (!error)
			error = f->has_time ? OFPBPC_DUP_TYPE : pull_bundle_time(value, &f->time);
		if (error)
			return error;
		f->has_time |= type == PROP_TIME;
	}
	// The flags are about the property.
	if (request && (f->flags & ~(uint32_t)(OFPBF_TIMESTAMP | OFPBF_TIME_SET_SCHED) ||
			(f->flags && !f->has_time)))
		return OFPBFC_BAD_FLAGS;
	return c.bad ? OFPBRC_BAD_LEN : 0;
}

static void put_time(struct buf *b, const struct ofp_time *t)
{
	buf_add_be64(b, t->s);
	buf_add_be32(b, t->ns);
	buf_add_be32(b, 0);
}

static void put_bundle_time(struct buf *b, const struct ofp_bundle_features *f)
{
	if (!f->has_time)
		return;
	size_t at = prop_begin(b, PROP_TIME);
	buf_add_be32(b, 0);
	put_time(b, &f->time.accuracy);
	put_time(b, &f->time.max_future);
	put_time(b, &f->time.max_past);
	put_time(b, &f->time.timestamp);
	prop_end(b, at);
}

void ofp_encode_bundle_features_request(struct buf *b, const struct ofp_bundle_features *f,
					uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_BUNDLE_FEATURES_REQUEST, false, OFP15, xid);
	buf_add_be32(b, f->flags);
	buf_add_be32(b, 0);
	put_bundle_time(b, f);
	ofp_end(b, at);
}

void ofp_encode_bundle_features_reply(struct buf *b, const struct ofp_msg *request,
				      const struct ofp_bundle_features *f)
{
	size_t at = ofp_begin_reply(b, request);
	buf_add_be16(b, (uint16_t)f->flags);
	buf_add_zeros(b, 6);
	put_bundle_time(b, f);
	ofp_end(b, at);
}

// --- Requestforward.

int ofp_decode_requestforward(const struct ofp_msg *m, struct ofp_requestforward *rf)
{
	struct cursor c = m->body;
	if (cursor_left(&c) < sizeof(struct ofp_header))
		return OFPBFC_MSG_BAD_LEN;
	size_t n = ofp_length(c.p);
	if (n < sizeof(struct ofp_header) || n > cursor_left(&c))
		return OFPBFC_MSG_BAD_LEN;
	if (c.p[0] != m->version)
		return OFPBRC_BAD_VERSION;
	int error = ofp_msg_decode(c.p, n, &rf->request);
	if (error)
		return error;
	if (rf->request.type == OFPTYPE_GROUP_MOD)
		rf->reason = OFPRFR_GROUP_MOD;
	else if (rf->request.type == OFPTYPE_METER_MOD)
		rf->reason = OFPRFR_METER_MOD;
	else
		return OFPBFC_MSG_UNSUP;
	return 0;
}

void ofp_encode_requestforward(struct buf *b, uint8_t version, const void *request, size_t n)
{
	size_t at = ofp_begin(b, OFPTYPE_REQUESTFORWARD, version < OFP14, version, 0);
	buf_add(b, request, n);
	ofp_end(b, at);
}
