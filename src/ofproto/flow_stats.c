/* SPDX-License-Identifier: Apache-2.0 */
// Reading the tables. A dump of many flows is not built as a whole: the rules are referenced when
// the request comes, so the answer is one moment's tables, and turned into messages as fast as the
// peer takes them.
#include "ofproto/conn.h"

#include <stdlib.h>

#include "base/clock.h"
#include "ofproto/flow_mod.h"
#include "openflow/match_codec.h"

struct flow_dump {
	struct rule_vec rules; // references
	size_t next;
	uint8_t *request_bytes; // what `request` borrows from
	struct ofp_msg request;
	struct ofp_replies replies;
};

static int select_for(struct conn *c, const struct ofp_msg *msg, struct rule_vec *rules)
{
	struct ofp_flow_stats_request request;
	int error = ofp_decode_flow_stats_request(msg, &request);
	if (error)
		return error;
	if (request.table_id != OFPTT_ALL && request.table_id >= OFPROTO_N_TABLES)
		return OFPBRC_BAD_TABLE_ID;
	error = ofp_match_use_options(&request.match, c->ofproto->options);
	if (error)
		return error;
	struct flow_criteria criteria = {
		.match = &request.match,
		.table_id = request.table_id,
		.cookie = request.cookie,
		.cookie_mask = request.cookie_mask,
		.out_port = request.out_port,
		.out_group = request.out_group,
	};
	backer_push_stats(c->ofproto->backer);
	flows_select(c->ofproto, &criteria, rules);
	return 0;
}

static void append(struct flow_dump *d, const struct rule *r, int64_t now)
{
	struct ofp_flow_stats fs; // not cleared first: matches are large
	rule_describe(r, now, &fs);
	ofp_append_flow_stats(&d->replies, &d->request, &fs);
}

void flow_dump_free(struct flow_dump *d)
{
	if (!d)
		return;
	VEC_FOREACH (&d->rules, i)
		rule_unref(d->rules.v[i]);
	vec_done(&d->rules);
	ofp_replies_done(&d->replies);
	free(d->request_bytes);
	free(d);
}

void flow_dump_continue(struct conn *c)
{
	struct flow_dump *d = c->dump;
	int64_t now = clock_ms();
	while (d->next < d->rules.n) {
		append(d, d->rules.v[d->next++], now);
		if (d->replies.begin && conn_send_replies(c, &d->replies, false))
			return; // on with `drained`
	}
	conn_send_replies(c, &d->replies, true);
	flow_dump_free(d);
	c->dump = NULL;
}

int flow_stats_request(struct conn *c, const struct ofp_msg *msg)
{
	struct flow_dump *d = XNEW(struct flow_dump);
	d->request_bytes = xmemdup(msg->data, msg->len);
	d->request = *msg;
	d->request.data = d->request_bytes;
	d->request.body =
		cursor_make(d->request_bytes + (msg->body.p - msg->data), cursor_left(&msg->body));
	ofp_replies_init(&d->replies, &d->request);
	int error = select_for(c, msg, &d->rules);
	if (error) {
		vec_clear(&d->rules);
		flow_dump_free(d);
		return error;
	}
	VEC_FOREACH (&d->rules, i)
		rule_ref(d->rules.v[i]);
	c->dump = d;
	flow_dump_continue(c);
	return 0;
}

int aggregate_stats_request(struct conn *c, const struct ofp_msg *msg)
{
	struct rule_vec rules = {0};
	int error = select_for(c, msg, &rules);
	if (!error) {
		struct ofp_aggregate total = {.flows = (uint32_t)rules.n};
		VEC_FOREACH (&rules, i) {
			struct rule_counts n = rule_counts(rules.v[i]);
			total.packets += n.packets;
			total.bytes += n.bytes;
		}
		struct buf b = BUF_INIT;
		ofp_encode_aggregate_reply(&b, msg, &total);
		conn_send(c, &b);
		buf_done(&b);
	}
	vec_done(&rules);
	return error;
}
