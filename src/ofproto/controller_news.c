/* SPDX-License-Identifier: Apache-2.0 */
// Asynchronous messages of a bridge to all of its controllers that want them. What they hear of
// each other is controller_status.c.
#include "ofproto/conn.h"
#include "ofproto/controllers.h"
#include "ofproto/packet_in.h"

struct port_news {
	const struct ofp_port_status *status;
	const struct conn *by;
};

static void send_port_status(struct conn *c, const void *news_)
{
	const struct port_news *news = news_;
	// Before OpenFlow 1.5 who changes a port knows.
	if ((c == news->by && ofconn_version(c->of) < OFP15) ||
	    !conn_wants(c, OFPASYNC_PORT_STATUS, news->status->reason))
		return;
	struct buf b = BUF_INIT;
	ofp_encode_port_status(&b, news->status, ofconn_version(c->of));
	conn_send_news(c, &b);
	buf_done(&b);
}

void controllers_port_status(struct controllers *cs, const struct ofp_port_status *status,
			     const struct conn *by)
{
	struct port_news news = {.status = status, .by = by};
	controllers_for_each_conn(cs, send_port_status, &news);
}

static void send_table_status(struct conn *c, const void *ts_)
{
	const struct ofp_table_status *ts = ts_;
	uint8_t version = ofconn_version(c->of);
	if (version < OFP14 || !conn_wants(c, OFPASYNC_TABLE_STATUS, ts->reason))
		return;
	struct buf b = BUF_INIT;
	ofp_encode_table_status(&b, ts, version);
	conn_send_news(c, &b);
	buf_done(&b);
}

void controllers_table_status(struct controllers *cs, const struct ofp_table_status *ts)
{
	controllers_for_each_conn(cs, send_table_status, ts);
}

static void send_flow_removed(struct conn *c, const void *fr_)
{
	const struct ofp_flow_removed *fr = fr_;
	if (!conn_wants(c, OFPASYNC_FLOW_REMOVED, fr->reason))
		return;
	struct buf b = BUF_INIT;
	ofp_encode_flow_removed(&b, fr, c->protocol);
	conn_send_news(c, &b);
	buf_done(&b);
}

void controllers_flow_removed(struct controllers *cs, const struct ofp_flow_removed *fr)
{
	controllers_for_each_conn(cs, send_flow_removed, fr);
}

static void send_flow_trigger(struct conn *c, const void *fs)
{
	if (ofconn_version(c->of) < OFP15 ||
	    !conn_wants(c, OFPASYNC_FLOW_STATS, OFPFSR_STAT_TRIGGER))
		return;
	struct buf b = BUF_INIT;
	ofp_encode_flow_trigger(&b, fs);
	conn_send_news(c, &b);
	buf_done(&b);
}

void controllers_flow_trigger(struct controllers *cs, const struct ofp_flow_stats *fs)
{
	controllers_for_each_conn(cs, send_flow_trigger, fs);
}

static void send_packet_in(struct conn *c, const void *pin)
{
	conn_packet_in(c, pin);
}

void controllers_packet_in(struct controllers *cs, const struct packet_in *pin)
{
	controllers_for_each_conn(cs, send_packet_in, pin);
}
