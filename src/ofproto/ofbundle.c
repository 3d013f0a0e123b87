/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/ofbundle.h"

#include <stdlib.h>

#include "base/clock.h"
#include "ofproto/flow_mod.h"
#include "ofproto/group_mod.h"
#include "ofproto/journal.h"
#include "ofproto/packet_out.h"

enum {
	MAX_BUNDLES = 16,	       // of one connection
	MAX_BYTES = 512 * 1024 * 1024, // of all their messages together
	CAPABILITIES = OFPBF_ATOMIC | OFPBF_ORDERED,
};

struct ofbundle {
	uint32_t id;
	uint16_t flags;
	bool closed;
	int64_t used; // clock_ms()
	uint8_t version;
	uint32_t xid;	     // of the message that opened it
	struct buf messages; // whole, one after the other, already found to be well formed
};

struct ofbundles {
	struct conn *conn;
	VEC(struct ofbundle *) list;
	size_t bytes;
	struct loop_timer idle;
};

// --- Life.

static void expire(void *);

struct ofbundles *ofbundles_new(struct conn *c)
{
	struct ofbundles *bs = XNEW(struct ofbundles);
	bs->conn = c;
	loop_timer_init(&bs->idle, c->ofproto->system->loop, expire, bs);
	return bs;
}

static struct ofbundle *find(const struct ofbundles *bs, uint32_t id)
{
	VEC_FOREACH (&bs->list, i)
		if (bs->list.v[i]->id == id)
			return bs->list.v[i];
	return NULL;
}

static void discard(struct ofbundles *bs, struct ofbundle *b)
{
	VEC_FOREACH (&bs->list, i)
		if (bs->list.v[i] == b) {
			vec_swap_remove(&bs->list, i);
			break;
		}
	bs->bytes -= b->messages.len;
	buf_done(&b->messages);
	free(b);
}

void ofbundles_clear(struct ofbundles *bs)
{
	while (bs->list.n)
		discard(bs, vec_last(&bs->list));
	loop_timer_cancel(&bs->idle);
}

void ofbundles_free(struct ofbundles *bs)
{
	if (!bs)
		return;
	ofbundles_clear(bs);
	vec_done(&bs->list);
	free(bs);
}

// When it goes away if nothing is added to it.
static int64_t deadline(const struct ofbundles *bs, const struct ofbundle *b)
{
	return b->used + bs->conn->ofproto->system->bundle_timeout_ms;
}

static void schedule(struct ofbundles *bs)
{
	int64_t first = INT64_MAX;
	VEC_FOREACH (&bs->list, i)
		if (deadline(bs, bs->list.v[i]) < first)
			first = deadline(bs, bs->list.v[i]);
	if (first == INT64_MAX)
		loop_timer_cancel(&bs->idle);
	else if (!loop_timer_is_set(&bs->idle))
		loop_timer_set(&bs->idle, first);
}

static void expire(void *bs_)
{
	struct ofbundles *bs = bs_;
	int64_t now = clock_ms();
	for (size_t i = bs->list.n; i--;) {
		struct ofbundle *b = bs->list.v[i];
		if (deadline(bs, b) > now)
			continue;
		// The error's request is what opened the bundle.
		struct ofp_bundle_control open = {
			.bundle_id = b->id, .type = OFPBCT_OPEN_REQUEST, .flags = b->flags};
		struct buf request = BUF_INIT;
		ofp_encode_bundle_control(&request, &open, b->version, b->xid);
		conn_send_error(bs->conn, OFPBFC_TIMEOUT, request.data, request.len);
		buf_done(&request);
		discard(bs, b);
	}
	schedule(bs);
}

static struct ofbundle *open_bundle(struct ofbundles *bs, uint32_t id, uint16_t flags,
				    const struct ofp_msg *msg)
{
	struct ofbundle *b = XNEW(struct ofbundle);
	b->id = id;
	b->flags = flags;
	b->version = msg->version;
	b->xid = msg->xid;
	b->used = clock_ms();
	vec_push(&bs->list, b);
	schedule(bs);
	return b;
}

// --- Carrying out.

static int port_mod_in_bundle(struct conn *c, const struct ofp_msg *m)
{
	return conn_handle(c, m);
}

static int carry_out(struct conn *c, const struct ofp_msg *m)
{
	struct ofproto *p = c->ofproto;
	struct ofp_group_mod gm;
	int error;
	p->acting_xid = m->xid;
	if (m->type == OFPTYPE_FLOW_MOD) {
		error = ofp_decode_flow_mod(m, c->protocol, &c->fm);
		return error ? error : flow_mod_apply(p, &c->fm, m->version);
	}
	if (m->type == OFPTYPE_GROUP_MOD) {
		error = ofp_decode_group_mod(m, &gm);
		if (!error)
			error = group_mod_apply(p, &gm);
		ofp_group_done(&gm.group);
		return error;
	}
	return 0; // what is not about tables comes after them
}

// Packets and ports wait until the tables are as they will be. What can be wrong with them was
// looked at before.
static void carry_out_late(struct conn *c, const struct ofp_msg *m)
{
	int error = 0;
	if (m->type == OFPTYPE_PORT_MOD)
		error = port_mod_in_bundle(c, m);
	else if (m->type == OFPTYPE_PACKET_OUT && !(error = ofp_decode_packet_out(m, &c->po)))
		error = packet_out_apply(c->ofproto, &c->po, m->version);
	if (error)
		conn_send_error(c, error, m->data, m->len);
}

static int for_each_message(const struct ofbundle *b, struct conn *c,
			    int (*cb)(struct conn *, const struct ofp_msg *),
			    struct ofp_msg *failed)
{
	const uint8_t *bytes = b->messages.data;
	for (size_t at = 0, n; at < b->messages.len; at += n) {
		n = ofp_length(bytes + at);
		struct ofp_bundle_add ba;
		struct ofp_msg inner;
		int error = ofp_msg_decode(bytes + at, n, failed);
		if (!error)
			error = ofp_decode_bundle_add(failed, &ba);
		if (!error)
			error = ofp_msg_decode(ba.msg, ba.len, &inner);
		if (!error)
			error = cb(c, &inner);
		if (error)
			return error;
	}
	return 0;
}

static int late(struct conn *c, const struct ofp_msg *m)
{
	carry_out_late(c, m);
	return 0;
}

static int commit(struct conn *c, struct ofbundle *b)
{
	struct ofproto *p = c->ofproto;
	struct ofp_msg m;
	journal_begin(p);
	int error = for_each_message(b, c, carry_out, &m);
	if (error) {
		journal_rollback(p);
		conn_send_error(c, error, m.data, m.len);
	} else {
		journal_commit(p);
		(void)for_each_message(b, c, late, &m);
	}
	flows_changed(p);
	return error ? OFPBFC_MSG_FAILED : 0;
}

// --- Messages.

static int on_open(struct ofbundles *bs, const struct ofp_bundle_control *bc,
		   const struct ofp_msg *msg)
{
	struct ofbundle *b = find(bs, bc->bundle_id);
	if (b) {
		discard(bs, b);
		return OFPBFC_BAD_ID;
	}
	if (bc->flags & ~CAPABILITIES)
		return OFPBFC_BAD_FLAGS;
	if (bs->list.n >= MAX_BUNDLES)
		return OFPBFC_OUT_OF_BUNDLES;
	open_bundle(bs, bc->bundle_id, bc->flags, msg);
	return 0;
}

static int on_close(struct ofbundles *bs, const struct ofp_bundle_control *bc)
{
	struct ofbundle *b = find(bs, bc->bundle_id);
	if (!b)
		return OFPBFC_BAD_ID;
	int error = b->closed ? OFPBFC_BUNDLE_CLOSED : b->flags != bc->flags ? OFPBFC_BAD_FLAGS : 0;
	b->closed = true;
	b->used = clock_ms();
	if (error)
		discard(bs, b);
	return error;
}

static int on_commit(struct ofbundles *bs, const struct ofp_bundle_control *bc)
{
	struct ofbundle *b = find(bs, bc->bundle_id);
	if (!b)
		return OFPBFC_BAD_ID;
	int error = b->flags != bc->flags ? OFPBFC_BAD_FLAGS : commit(bs->conn, b);
	discard(bs, b);
	return error;
}

static int on_discard(struct ofbundles *bs, const struct ofp_bundle_control *bc)
{
	struct ofbundle *b = find(bs, bc->bundle_id);
	if (!b)
		return OFPBFC_BAD_ID;
	discard(bs, b);
	return 0;
}

static int control(struct ofbundles *bs, const struct ofp_bundle_control *bc,
		   const struct ofp_msg *msg)
{
	switch (bc->type) {
	case OFPBCT_OPEN_REQUEST:
		return on_open(bs, bc, msg);
	case OFPBCT_CLOSE_REQUEST:
		return on_close(bs, bc);
	case OFPBCT_COMMIT_REQUEST:
		return on_commit(bs, bc);
	case OFPBCT_DISCARD_REQUEST:
		return on_discard(bs, bc);
	}
	return OFPBFC_BAD_TYPE;
}

int bundle_control(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_bundle_control bc;
	int error = ofp_decode_bundle_control(msg, &bc);
	if (!error)
		error = control(c->bundles, &bc, msg);
	if (error)
		return error;
	struct ofp_bundle_control reply = {.bundle_id = bc.bundle_id, .type = bc.type + 1};
	struct buf b = BUF_INIT;
	ofp_encode_bundle_control(&b, &reply, msg->version, msg->xid);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}

// Is the message inside one that could be carried out, as far as can be told without the tables?
static int check_inner(struct conn *c, const struct ofp_bundle_add *ba)
{
	struct ofp_msg m;
	struct ofp_group_mod gm;
	struct ofp_port_mod pm;
	int error = ofp_msg_decode(ba->msg, ba->len, &m);
	if (error)
		return error;
	if (m.type == OFPTYPE_FLOW_MOD) {
		error = ofp_decode_flow_mod(&m, c->protocol, &c->fm);
		return error ? error : flow_mod_check(c->ofproto, &c->fm, m.version);
	}
	if (m.type == OFPTYPE_PACKET_OUT) {
		error = ofp_decode_packet_out(&m, &c->po);
		return error ? error : packet_out_check(c->ofproto, &c->po, m.version);
	}
	if (m.type == OFPTYPE_PORT_MOD)
		return ofp_decode_port_mod(&m, true, &pm);
	error = ofp_decode_group_mod(&m, &gm);
	ofp_group_done(&gm.group);
	return error;
}

int bundle_add(struct conn *c, const struct ofp_msg *msg)
{
	struct ofbundles *bs = c->bundles;
	struct ofp_bundle_add ba;
	int error = ofp_decode_bundle_add(msg, &ba);
	if (!error)
		error = check_inner(c, &ba);
	if (error)
		return error;
	struct ofbundle *b = find(bs, ba.bundle_id);
	if (!b && bs->list.n >= MAX_BUNDLES)
		return OFPBFC_OUT_OF_BUNDLES;
	if (!b)
		b = open_bundle(bs, ba.bundle_id, ba.flags, msg);
	error = b->closed ? OFPBFC_BUNDLE_CLOSED : b->flags != ba.flags ? OFPBFC_BAD_FLAGS : 0;
	if (!error && bs->bytes + msg->len > MAX_BYTES)
		error = OFPBFC_MSG_TOO_MANY;
	if (error) {
		discard(bs, b);
		return error;
	}
	buf_add(&b->messages, msg->data, msg->len);
	bs->bytes += msg->len;
	b->used = clock_ms();
	return 0;
}

int bundle_features_request(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_bundle_features asked, f = {.flags = CAPABILITIES};
	int error = ofp_decode_bundle_features(msg, &asked);
	// No bundle waits for its time: there are no bounds to set.
	if (!error && asked.flags & OFPBF_TIME_SET_SCHED)
		error = OFPBRC_MULTIPART_BAD_SCHED;
	if (error)
		return error;
	struct buf b = BUF_INIT;
	ofp_encode_bundle_features_reply(&b, msg, &f);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}
