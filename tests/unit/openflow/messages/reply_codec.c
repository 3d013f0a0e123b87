/* SPDX-License-Identifier: Apache-2.0 */
#include "reply_codec.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

static void *copy(const void *p, size_t n)
{
	return n ? xmemdup(p, n) : NULL;
}

// --- Flows.

static void append_flow(struct ofp_replies *r, const struct ofp_msg *request, const void *entry)
{
	ofp_append_flow_stats(r, request, entry);
}

static int pull_flow(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	struct ofp_flow_stats *fs = entry;
	struct buf actions = BUF_INIT;
	int error = ofp_flow_stats_pull(m, body, &actions, fs);
	fs->actions = copy(actions.data, error ? 0 : actions.len);
	buf_done(&actions);
	return error;
}

static void done_flow(void *entry)
{
	free((void *)((struct ofp_flow_stats *)entry)->actions);
}

static void append_update(struct ofp_replies *r, const struct ofp_msg *request, const void *entry)
{
	ofp_append_flow_update(r, request->version, entry);
}

static int pull_update(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	struct ofp_flow_update *u = entry;
	struct buf actions = BUF_INIT;
	int error = ofp_flow_update_pull(m, body, &actions, u);
	u->actions = copy(actions.data, error ? 0 : actions.len);
	buf_done(&actions);
	return error;
}

static void done_update(void *entry)
{
	free((void *)((struct ofp_flow_update *)entry)->actions);
}

// --- Groups and meters. Counters of buckets and bands are pairs.

static void append_group(struct ofp_replies *r, const struct ofp_msg *request, const void *entry)
{
	ofp_append_group_desc(r, request, entry);
}

static int pull_group(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	int error = ofp_group_desc_pull(m, body, entry);
	if (error)
		ofp_group_done(entry);
	return error;
}

static void done_group(void *entry)
{
	ofp_group_done(entry);
}

static void append_group_stats(struct ofp_replies *r, const struct ofp_msg *request,
			       const void *entry)
{
	ofp_append_group_stats(r, request, entry);
}

static int pull_group_stats(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	struct ofp_group_stats *s = entry;
	struct cursor c;
	int error = ofp_group_stats_pull(m, body, s, &c);
	if (error)
		return error;
	struct ofp_bucket_stats *buckets = xcalloc(s->n_buckets + 1, sizeof(*buckets));
	for (size_t i = 0; i < s->n_buckets; i++) {
		buckets[i].packets = cursor_be64(&c);
		buckets[i].bytes = cursor_be64(&c);
	}
	s->buckets = buckets;
	return 0;
}

static void done_group_stats(void *entry)
{
	free((void *)((struct ofp_group_stats *)entry)->buckets);
}

static void append_meter(struct ofp_replies *r, const struct ofp_msg *request, const void *entry)
{
	ofp_append_meter_config(r, entry);
}

static int pull_meter(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	int error = ofp_meter_config_pull(body, entry);
	if (error)
		ofp_meter_done(entry);
	return error;
}

static void done_meter(void *entry)
{
	ofp_meter_done(entry);
}

static void append_meter_stats(struct ofp_replies *r, const struct ofp_msg *request,
			       const void *entry)
{
	ofp_append_meter_stats(r, entry);
}

static int pull_meter_stats(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	struct ofp_meter_stats *s = entry;
	struct cursor c;
	int error = ofp_meter_stats_pull(body, s, &c);
	if (error)
		return error;
	struct ofp_band_stats *bands = xcalloc(s->n_bands + 1, sizeof(*bands));
	for (size_t i = 0; i < s->n_bands; i++) {
		bands[i].packets = cursor_be64(&c);
		bands[i].bytes = cursor_be64(&c);
	}
	s->bands = bands;
	return 0;
}

static void done_meter_stats(void *entry)
{
	free((void *)((struct ofp_meter_stats *)entry)->bands);
}

// --- Ports and queues.

static void append_port(struct ofp_replies *r, const struct ofp_msg *request, const void *entry)
{
	ofp_append_port_desc(r, request, entry);
}

static int pull_port(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	return ofp_port_desc_pull(body, m->version, entry);
}

static void append_port_stats(struct ofp_replies *r, const struct ofp_msg *request,
			      const void *entry)
{
	ofp_append_port_stats(r, request, entry);
}

static int pull_port_stats(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	return ofp_port_stats_pull(body, m->version, entry);
}

static void append_queue_stats(struct ofp_replies *r, const struct ofp_msg *request,
			       const void *entry)
{
	ofp_append_queue_stats(r, request, entry);
}

static int pull_queue_stats(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	return ofp_queue_stats_pull(body, m->version, entry);
}

static void append_queue(struct ofp_replies *r, const struct ofp_msg *request, const void *entry)
{
	ofp_replies_begin_entry(r);
	ofp_queue_config_put(&r->buf, request->version, entry);
	ofp_replies_end_entry(r);
}

static int pull_queue(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	return ofp_queue_config_pull(body, m->version, OFPP_NONE, entry);
}

// --- Tables.

static void append_table_stats(struct ofp_replies *r, const struct ofp_msg *request,
			       const void *entry)
{
	ofp_append_table_stats(r, request, entry);
}

static int pull_table_stats(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	return ofp_table_stats_pull(body, m->version, entry);
}

static void append_features(struct ofp_replies *r, const struct ofp_msg *request, const void *entry)
{
	ofp_append_table_features(r, request, entry);
}

static int pull_features(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	return ofp_table_features_pull(body, m->version, true, entry);
}

static void append_table_desc(struct ofp_replies *r, const struct ofp_msg *request,
			      const void *entry)
{
	ofp_append_table_desc(r, entry);
}

static int pull_table_desc(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	return ofp_table_desc_pull(body, entry);
}

// --- IPFIX.

static void append_ipfix(struct ofp_replies *r, const struct ofp_msg *request, const void *entry)
{
	ofp_replies_begin_entry(r);
	ofp_ipfix_stats_put(&r->buf, entry);
	ofp_replies_end_entry(r);
}

static int pull_ipfix(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	if (!cursor_left(body))
		return -ENODATA;
	ofp_ipfix_stats_pull(body, entry);
	return 0;
}

// --- Controllers.

static void append_controller(struct ofp_replies *r, const struct ofp_msg *request,
			      const void *entry)
{
	ofp_append_controller_status(r, entry);
}

static int pull_controller(const struct ofp_msg *m, struct cursor *body, void *entry)
{
	return ofp_controller_status_pull(body, entry);
}

static const struct reply_codec codecs[] = {
	{OFPTYPE_FLOW_STATS_REPLY, sizeof(struct ofp_flow_stats), 0, append_flow, pull_flow,
	 done_flow},
	{OFPTYPE_FLOW_COUNTERS_REPLY, sizeof(struct ofp_flow_stats), 0, append_flow, pull_flow,
	 done_flow},
	{OFPTYPE_FLOW_MONITOR_STATS_REPLY, sizeof(struct ofp_flow_update), 0, append_update,
	 pull_update, done_update},
	{OFPTYPE_GROUP_DESC_STATS_REPLY, sizeof(struct ofp_group), 0, append_group, pull_group,
	 done_group},
	{OFPTYPE_GROUP_STATS_REPLY, sizeof(struct ofp_group_stats), 0, append_group_stats,
	 pull_group_stats, done_group_stats},
	{OFPTYPE_METER_CONFIG_STATS_REPLY, sizeof(struct ofp_meter), 0, append_meter, pull_meter,
	 done_meter},
	{OFPTYPE_METER_STATS_REPLY, sizeof(struct ofp_meter_stats), 0, append_meter_stats,
	 pull_meter_stats, done_meter_stats},
	{OFPTYPE_PORT_DESC_STATS_REPLY, sizeof(struct ofp_port_desc), 0, append_port, pull_port,
	 NULL},
	{OFPTYPE_PORT_STATS_REPLY, sizeof(struct ofp_port_stats), 0, append_port_stats,
	 pull_port_stats, NULL},
	{OFPTYPE_QUEUE_STATS_REPLY, sizeof(struct ofp_queue_stats), 0, append_queue_stats,
	 pull_queue_stats, NULL},
	{OFPTYPE_QUEUE_DESC_REPLY, sizeof(struct ofp_queue_config), 0, append_queue, pull_queue,
	 NULL},
	{OFPTYPE_TABLE_STATS_REPLY, sizeof(struct ofp_table_stats), 0, append_table_stats,
	 pull_table_stats, NULL},
	{OFPTYPE_TABLE_FEATURES_STATS_REPLY, sizeof(struct ofp_table_features), 1, append_features,
	 pull_features, NULL},
	{OFPTYPE_TABLE_DESC_REPLY, sizeof(struct ofp_table_desc), 1, append_table_desc,
	 pull_table_desc, NULL},
	{OFPTYPE_IPFIX_FLOW_STATS_REPLY, sizeof(struct ofp_ipfix_stats), 0, append_ipfix,
	 pull_ipfix, NULL},
	{OFPTYPE_CONTROLLER_STATUS_REPLY, sizeof(struct ofp_controller_status), 0,
	 append_controller, pull_controller, NULL},
};

const struct reply_codec *reply_codec_find(enum ofptype reply)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (codecs[i].type == reply)
			return &codecs[i];
	return NULL;
}
