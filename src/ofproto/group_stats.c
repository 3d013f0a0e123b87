/* SPDX-License-Identifier: Apache-2.0 */
// Messages about groups.
#include "ofproto/conn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "ofproto/group.h"
#include "ofproto/group_mod.h"

int group_mod(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_group_mod gm;
	int error = ofp_decode_group_mod(msg, &gm);
	if (!error)
		error = group_mod_apply(c->ofproto, &gm);
	if (!error)
		forward_request(c, msg);
	ofp_group_done(&gm.group);
	return error;
}

struct dump {
	const struct ofproto *ofproto;
	const struct ofp_msg *request;
	struct ofp_replies replies;
};

static void append_stats(void *dump_, const struct group *g)
{
	struct dump *d = dump_;
	int64_t age = clock_ms() - g->created;
	struct group_counts total = group_counts(&g->total);
	struct ofp_bucket_stats *buckets = xcalloc(g->g.buckets.n + 1, sizeof(*buckets));
	VEC_FOREACH (&g->g.buckets, i) {
		struct group_counts n = group_counts(&g->buckets[i]);
		buckets[i] = (struct ofp_bucket_stats){n.packets, n.bytes};
	}
	struct ofp_group_stats s = {
		.group_id = g->g.group_id,
		.ref_count = group_count_references(d->ofproto, g->g.group_id),
		.duration_s = (uint32_t)(age / 1000),
		.duration_ns = (uint32_t)(age % 1000) * 1000000,
		.packets = total.packets,
		.bytes = total.bytes,
		.buckets = buckets,
		.n_buckets = g->g.buckets.n,
	};
	ofp_append_group_stats(&d->replies, d->request, &s);
	free(buckets);
}

static void append_desc(void *dump_, const struct group *g)
{
	struct dump *d = dump_;
	ofp_append_group_desc(&d->replies, d->request, &g->g);
}

static int dump(struct conn *c, const struct ofp_msg *msg,
		void (*append)(void *, const struct group *))
{
	struct dump d = {.ofproto = c->ofproto, .request = msg};
	uint32_t id;
	int error = ofp_decode_group_request(msg, &id);
	if (error)
		return error;
	ofp_replies_init(&d.replies, msg);
	const struct group *one = id <= OFPG_MAX ? group_find(&c->ofproto->groups, id) : NULL;
	if (one)
		append(&d, one);
	else if (id == OFPG_ALL)
		group_for_each(&c->ofproto->groups, append, &d);
	conn_send_replies(c, &d.replies, true);
	ofp_replies_done(&d.replies);
	return 0;
}

int group_stats_request(struct conn *c, const struct ofp_msg *msg)
{
	backer_push_stats(c->ofproto->backer);
	return dump(c, msg, append_stats);
}

int group_desc_request(struct conn *c, const struct ofp_msg *msg)
{
	return dump(c, msg, append_desc);
}

int group_features_request(struct conn *c, const struct ofp_msg *msg)
{
	enum { SELECT_WEIGHT = 1, SELECT_LIVENESS = 2, CHAINING = 4 };
	// By each version's numbers: what an action of a bucket can be.
	uint32_t actions = msg->version == OFP10   ? 0x00000fff
			   : msg->version == OFP11 ? 0x01ffe7ff
						   : 0x03ff8001;
	struct ofp_group_features f = {.types = 0xf,
				       .capabilities = SELECT_WEIGHT | SELECT_LIVENESS | CHAINING};
	for (int i = 0; i < OFPGT_N; i++) {
		f.max_groups[i] = OFPG_MAX;
		f.actions[i] = actions;
	}
	struct buf b = BUF_INIT;
	ofp_encode_group_features_reply(&b, msg, &f);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}
