/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/controller_status.h"

#include <errno.h>

#include "openflow/prop.h"

enum { FIXED_LEN = 16, URI_MAX = 1000, PROP_URI = 0 };

static int pull_properties(struct cursor *c, struct ofp_controller_status *cs)
{
	while (cursor_left(c)) {
		uint64_t type;
		struct cursor value;
		int error = prop_pull(c, &type, &value);
		if (error)
			return error;
		if (type != PROP_URI)
			continue;
		cs->uri = (const char *)value.p;
		cs->uri_len = cursor_left(&value);
	}
	return 0;
}

int ofp_controller_status_pull(struct cursor *c, struct ofp_controller_status *cs)
{
	if (!cursor_left(c))
		return -ENODATA;
	struct cursor peek = *c;
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < FIXED_LEN || len > cursor_left(c))
		return OFPBRC_BAD_LEN;
	struct cursor entry = cursor_sub(c, len);
	cursor_skip(&entry, 2);
	*cs = (struct ofp_controller_status){.short_id = cursor_be16(&entry)};
	uint32_t role = cursor_be32(&entry);
	cs->reason = cursor_u8(&entry);
	cs->channel = cursor_u8(&entry);
	cursor_skip(&entry, 6);
	if (role > OFPCR_SECONDARY)
		return OFPRRFC_BAD_ROLE;
	cs->role = (enum ofp_role)role;
	return pull_properties(&entry, cs);
}

static void put(struct buf *b, const struct ofp_controller_status *cs)
{
	size_t at = b->len;
	buf_add_be16(b, 0);
	buf_add_be16(b, cs->short_id);
	buf_add_be32(b, cs->role);
	buf_add_u8(b, cs->reason);
	buf_add_u8(b, cs->channel);
	buf_add_zeros(b, 6);
	if (cs->uri) {
		size_t prop = prop_begin(b, PROP_URI);
		buf_add(b, cs->uri, cs->uri_len < URI_MAX ? cs->uri_len : URI_MAX);
		prop_end(b, prop);
	}
	put_be16(b->data + at, (uint16_t)(b->len - at));
}

void ofp_append_controller_status(struct ofp_replies *r, const struct ofp_controller_status *cs)
{
	ofp_replies_begin_entry(r);
	put(&r->buf, cs);
	ofp_replies_end_entry(r);
}

void ofp_encode_controller_status(struct buf *b, const struct ofp_controller_status *cs)
{
	size_t at = ofp_begin(b, OFPTYPE_CONTROLLER_STATUS, false, OFP15, 0);
	put(b, cs);
	ofp_end(b, at);
}
