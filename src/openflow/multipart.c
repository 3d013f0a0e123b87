/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/multipart.h"

#include "base/alloc.h"
#include "openflow/error.h"

static struct ofp_msg keep(const struct ofp_msg *m)
{
	struct ofp_msg kept = *m;
	kept.data = xmemdup(m->data, m->len);
	kept.body = cursor_make(kept.data + (m->body.p - m->data), cursor_left(&m->body));
	return kept;
}

void multipart_done(struct multipart *mp)
{
	VEC_FOREACH (&mp->parts, i)
		free((void *)mp->parts.v[i].data);
	vec_done(&mp->parts);
	mp->bytes = 0;
}

void multiparts_clear(struct multiparts *ms)
{
	VEC_FOREACH (&ms->unfinished, i)
		multipart_done(&ms->unfinished.v[i]);
	vec_done(&ms->unfinished);
	ms->bytes = 0;
}

static struct multipart take(struct multiparts *ms, size_t i)
{
	struct multipart mp = ms->unfinished.v[i];
	ms->bytes -= mp.bytes;
	vec_remove(&ms->unfinished, i); // the others keep their order: that of their ends
	return mp;
}

static int find(const struct multiparts *ms, uint32_t xid)
{
	VEC_FOREACH (&ms->unfinished, i)
		if (ms->unfinished.v[i].xid == xid)
			return (int)i;
	return -1;
}

static bool is_empty(const struct ofp_msg *m)
{
	return !cursor_left(&m->body);
}

// Takes the part in. A part that says nothing gives way to the next.
static void add_part(struct multipart *mp, const struct ofp_msg *m)
{
	if (mp->parts.n && is_empty(m) && !is_empty(&mp->parts.v[0]))
		return;
	if (mp->parts.n && is_empty(&mp->parts.v[0]))
		multipart_done(mp);
	vec_push(&mp->parts, keep(m));
	mp->bytes += m->len;
}

bool multiparts_want(const struct multiparts *ms, const void *msg, size_t n)
{
	enum { REQUEST = 18, FLAGS_AT = 10 };
	const uint8_t *p = msg;
	return n >= FLAGS_AT + 2 && p[0] >= OFP13 && p[1] == REQUEST &&
	       (ms->unfinished.n || get_be16(p + FLAGS_AT) & OFPMPF_MORE);
}

// The part that is the only one with a body may have any length until then.
static int check_whole(const struct multipart *mp)
{
	struct ofp_msg m;
	const struct ofp_msg *first = &mp->parts.v[0];
	return is_empty(first) ? ofp_msg_decode(first->data, first->len, &m) : 0;
}

int multiparts_add(struct multiparts *ms, const void *msg, size_t n, int64_t now,
		   struct multipart *whole)
{
	struct ofp_msg m;
	*whole = (struct multipart){0};
	int error = ofp_msg_identify(msg, n, &m);
	if (error)
		return error;
	bool more = m.mp_flags & OFPMPF_MORE;
	int i = find(ms, m.xid);
	if (i >= 0 && ms->unfinished.v[i].raw != m.raw)
		return OFPBRC_BAD_STAT;
	error = is_empty(&m) ? 0 : ofp_msg_decode(msg, n, &m);
	if (error)
		return error;
	struct multipart mp = {.xid = m.xid, .raw = m.raw};
	if (i >= 0)
		mp = take(ms, (size_t)i);
	else if (more && ms->unfinished.n >= MULTIPART_MAX_REQUESTS)
		return OFPBRC_MULTIPART_BUFFER_OVERFLOW;
	if (ms->bytes + mp.bytes + m.len > MULTIPART_MAX_BYTES) {
		multipart_done(&mp);
		return OFPBRC_MULTIPART_BUFFER_OVERFLOW;
	}
	add_part(&mp, &m);
	if (more) {
		mp.deadline = now + MULTIPART_WAIT_MS;
		ms->bytes += mp.bytes;
		vec_push(&ms->unfinished, mp);
		return 0;
	}
	error = check_whole(&mp);
	if (error)
		multipart_done(&mp);
	else
		*whole = mp;
	return error;
}

int64_t multiparts_deadline(const struct multiparts *ms)
{
	return ms->unfinished.n ? ms->unfinished.v[0].deadline : INT64_MAX;
}

bool multiparts_expired(struct multiparts *ms, int64_t now, struct multipart *mp)
{
	if (now < multiparts_deadline(ms))
		return false;
	*mp = take(ms, 0);
	return true;
}
