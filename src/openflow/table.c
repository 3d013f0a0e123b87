/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/table.h"

#include <errno.h>
#include <string.h>

enum { NAME_LEN = 32 };

void ofp_append_table_stats(struct ofp_replies *r, const struct ofp_msg *request,
			    const struct ofp_table_stats *s)
{
	struct buf *b = &r->buf;
	uint8_t version = request->version;
	ofp_replies_begin_entry(r);
	buf_add_u8(b, s->features.table_id);
	buf_add_zeros(b, version == OFP11 || version == OFP12 ? 7 : 3);
	if (version < OFP13) {
		memcpy(buf_add_zeros(b, NAME_LEN), s->features.name,
		       strnlen(s->features.name, NAME_LEN - 1));
		if (version == OFP10)
			buf_add_be32(b, ofp_table_features_wildcards10(&s->features));
		else
			ofp_table_features_put_old(b, version, &s->features);
		buf_add_be32(b, s->features.max_entries);
	}
	buf_add_be32(b, s->active_count);
	buf_add_be64(b, s->lookup_count);
	buf_add_be64(b, s->matched_count);
	ofp_replies_end_entry(r);
}

int ofp_table_stats_pull(struct cursor *c, uint8_t version, struct ofp_table_stats *s)
{
	if (!cursor_left(c))
		return -ENODATA;
	memset(s, 0, sizeof(*s));
	s->features.table_id = cursor_u8(c);
	s->features.eviction = s->features.vacancy = OFPTABLE_SAME;
	cursor_skip(c, version == OFP11 || version == OFP12 ? 7 : 3);
	if (version < OFP13) {
		cursor_copy(c, s->features.name, NAME_LEN);
		if (version == OFP10)
			ofp_table_features_from_wildcards10(cursor_be32(c), &s->features);
		else
			ofp_table_features_pull_old(c, version, &s->features);
		s->features.has_properties = true;
		s->features.max_entries = cursor_be32(c);
	}
	s->active_count = cursor_be32(c);
	s->lookup_count = cursor_be64(c);
	s->matched_count = cursor_be64(c);
	return c->bad ? OFPBRC_BAD_LEN : 0;
}
