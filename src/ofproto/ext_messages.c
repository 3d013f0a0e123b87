/* SPDX-License-Identifier: Apache-2.0 */
// Messages about queues' configuration and IPFIX, and telling other controllers of a request.
#include <stdlib.h>

#include "ofproto/conn.h"
#include "ofproto/controllers.h"

// --- Queues: no port has any yet.

int queue_config_request(struct conn *c, const struct ofp_msg *msg)
{
	uint32_t port, queue;
	int error = ofp_decode_queue_config_request(msg, &port, &queue);
	if (error)
		return error;
	if (port != OFPP_NONE && !ofport_find(c->ofproto, port))
		return OFPQOFC_BAD_PORT;
	if (queue != OFPQ_ALL)
		return NXQOFC_QUEUE_ERROR;
	struct buf b = BUF_INIT;
	size_t at = ofp_begin_reply(&b, msg);
	ofp_queue_config_reply_begin(&b, msg, port);
	ofp_end(&b, at);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}

int ipfix_stats_request(struct conn *c, const struct ofp_msg *msg)
{
	return NXST_NOT_CONFIGURED;
}

// --- Requestforward.

struct forward {
	const struct conn *except;
	const struct ofp_msg *msg;
	enum ofp_requestforward_reason reason;
};

// The request in the words of the receiver's version.
static void encode_request(struct buf *b, const struct ofp_msg *msg, uint8_t version)
{
	if (msg->type == OFPTYPE_GROUP_MOD) {
		struct ofp_group_mod gm;
		if (!ofp_decode_group_mod(msg, &gm))
			ofp_encode_group_mod(b, &gm, version, msg->xid);
		ofp_group_done(&gm.group);
	} else {
		struct ofp_meter_mod mm;
		if (!ofp_decode_meter_mod(msg, &mm))
			ofp_encode_meter_mod(b, &mm, version, msg->xid);
		ofp_meter_done(&mm.meter);
	}
}

static void forward_to(struct conn *c, const void *forward)
{
	const struct forward *f = forward;
	uint8_t version = ofconn_version(c->of);
	if (c == f->except || !conn_wants(c, OFPASYNC_REQUESTFORWARD, f->reason) ||
	    (f->msg->type == OFPTYPE_METER_MOD && version < OFP13))
		return;
	struct buf request = BUF_INIT, b = BUF_INIT;
	encode_request(&request, f->msg, version);
	if (request.len) {
		ofp_encode_requestforward(&b, version, request.data, request.len);
		conn_send_news(c, &b);
	}
	buf_done(&request);
	buf_done(&b);
}

void forward_request(struct conn *from, const struct ofp_msg *msg)
{
	struct forward f = {.except = from,
			    .msg = msg,
			    .reason = msg->type == OFPTYPE_GROUP_MOD ? OFPRFR_GROUP_MOD
								     : OFPRFR_METER_MOD};
	controllers_for_each_conn(from->ofproto->controllers, forward_to, &f);
}
