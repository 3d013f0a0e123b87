/* SPDX-License-Identifier: Apache-2.0 */
#include "message_again.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "openflow/continuation.h"
#include "reply_codec.h"

static enum ofp_protocol protocol_of(const struct ofp_msg *m)
{
	return m->nx ? OFPROTO_NXM : ofp_protocol_of_version(m->version);
}

// The extension's forms of what also has a standard one are written in 1.0 only.
static bool cannot_write(const struct ofp_msg *m)
{
	return m->nx && m->version != OFP10;
}

// What the reply answers.
static struct ofp_msg request_of(const struct ofp_msg *m)
{
	struct ofp_msg request = *m;
	request.type = m->type - 1;
	return request;
}

// --- The connection and the switch.

static bool hello(const struct ofp_msg *m, struct buf *b)
{
	uint32_t versions;
	(void)ofp_decode_hello(m, &versions); // says what it can in any case
	versions &= OFP_VERSIONS_ALL;
	if (versions)
		ofp_encode_hello(b, versions, m->xid);
	return versions;
}

static bool error(const struct ofp_msg *m, struct buf *b)
{
	struct cursor payload;
	int error = ofp_decode_error(m, &payload);
	struct ofp_msg request;
	if (!error || ofp_msg_identify(payload.p, cursor_left(&payload), &request) ||
	    request.version != m->version)
		return false;
	ofp_encode_error(b, error, payload.p, cursor_left(&payload));
	return true;
}

static bool features(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_features f;
	struct ofp_port_desc ports[20];
	size_t n = 0;
	if (ofp_decode_features(m, &f))
		return false;
	while (f.has_ports && n < 20 && !ofp_port_desc_pull(&f.ports, m->version, &ports[n]))
		n++;
	ofp_encode_features(b, &f, m->version, m->xid, ports, n);
	return true;
}

static bool config(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_config c;
	if (ofp_decode_config(m, &c))
		return false;
	ofp_encode_config(b, m->type, &c, m->version, m->xid);
	return true;
}

static bool desc(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_msg request = request_of(m);
	struct ofp_desc d;
	if (ofp_decode_desc(m, &d))
		return false;
	ofp_encode_desc_reply(b, &request, &d);
	return true;
}

static bool role(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_role_request r;
	if (ofp_decode_role(m, &r))
		return false;
	struct ofp_msg request = request_of(m);
	if (m->type == OFPTYPE_ROLE_REPLY)
		ofp_encode_role_reply(b, &request, &r);
	else
		ofp_encode_role_request(b, &r, m->version, m->xid);
	return true;
}

static bool get_async(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_async_config a = {.primary = {0}};
	if (ofp_decode_set_async(m, &a) || m->type != OFPTYPE_GET_ASYNC_REPLY)
		return false;
	struct ofp_msg request = request_of(m);
	ofp_encode_get_async_reply(b, &request, &a);
	return true;
}

static bool set_flow_format(const struct ofp_msg *m, struct buf *b)
{
	bool nxm;
	if (ofp_decode_set_flow_format(m, &nxm))
		return false;
	ofp_encode_set_flow_format(b, nxm, m->version, m->xid);
	return true;
}

static bool mod_table_id(const struct ofp_msg *m, struct buf *b)
{
	bool on;
	if (ofp_decode_flow_mod_table_id(m, &on))
		return false;
	ofp_encode_flow_mod_table_id(b, on, m->version, m->xid);
	return true;
}

static bool packet_in_format(const struct ofp_msg *m, struct buf *b)
{
	enum ofp_packet_in_format f;
	if (ofp_decode_set_packet_in_format(m, &f))
		return false;
	ofp_encode_set_packet_in_format(b, f, m->version, m->xid);
	return true;
}

static bool controller_id(const struct ofp_msg *m, struct buf *b)
{
	uint16_t id;
	if (ofp_decode_set_controller_id(m, &id))
		return false;
	ofp_encode_set_controller_id(b, id, m->version, m->xid);
	return true;
}

// --- Changes.

static bool group_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_group_mod gm;
	int error = ofp_decode_group_mod(m, &gm);
	if (!error)
		ofp_encode_group_mod(b, &gm, m->version, m->xid);
	ofp_group_done(&gm.group);
	return !error;
}

static bool meter_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_meter_mod mm;
	int error = ofp_decode_meter_mod(m, &mm);
	if (!error)
		ofp_encode_meter_mod(b, &mm, m->version, m->xid);
	ofp_meter_done(&mm.meter);
	return !error;
}

static bool table_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_table_mod tm;
	if (ofp_decode_table_mod(m, &tm))
		return false;
	ofp_encode_table_mod(b, &tm, m->version, m->xid);
	return true;
}

static bool port_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_port_mod pm;
	if (ofp_decode_port_mod(m, false, &pm))
		return false;
	ofp_encode_port_mod(b, &pm, m->version, m->xid);
	return true;
}

static bool tlv_table_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_tlv_table_mod tm;
	int error = ofp_decode_tlv_table_mod(m, &tm);
	if (!error)
		ofp_encode_tlv_table_mod(b, &tm, m->version, m->xid);
	ofp_tlv_table_mod_done(&tm);
	return !error;
}

static bool ct_flush(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_ct_match match;
	if (ofp_decode_ct_flush(m, &match))
		return false;
	ofp_encode_ct_flush(b, &match, m->version, m->xid);
	return true;
}

static bool ct_flush_zone(const struct ofp_msg *m, struct buf *b)
{
	uint16_t zone;
	if (ofp_decode_ct_flush_zone(m, &zone))
		return false;
	ofp_encode_ct_flush_zone(b, zone, m->version, m->xid);
	return true;
}

static bool bundle_control(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_bundle_control bc;
	if (ofp_decode_bundle_control(m, &bc))
		return false;
	ofp_encode_bundle_control(b, &bc, m->version, m->xid);
	return true;
}

static bool bundle_add(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_bundle_add ba;
	return !ofp_decode_bundle_add(m, &ba) &&
	       ofp_encode_bundle_add(b, ba.bundle_id, ba.flags, ba.msg, ba.len);
}

// --- News.

static bool packet_in(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_packet_in pin;
	struct ofp_continuation paused = {.stack = NULL};
	if (ofp_decode_packet_in(m, &pin))
		return false;
	enum ofp_packet_in_format format = !m->nx ? OFP_PIN_STANDARD
					   : strcmp(ofp_msg_name(m), "NXT_PACKET_IN") ? OFP_PIN_NXT2
										      : OFP_PIN_NXT;
	int error = 0;
	if (pin.has_continuation) {
		error = ofp_continuation_decode(pin.continuation, m->version, false, &paused);
		pin.paused = &paused;
	}
	bool written = !error &&
		       ofp_encode_packet_in(b, &pin, ofp_protocol_of_version(m->version), format);
	ofp_continuation_done(&paused);
	return written;
}

static bool packet_out(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_packet_out po = {.buffer_id = 0};
	int error = ofp_decode_packet_out(m, &po);
	if (!error)
		ofp_encode_packet_out(b, &po, protocol_of(m), m->xid);
	ofp_packet_out_done(&po);
	return !error;
}

static bool flow_removed(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_flow_removed fr;
	if (ofp_decode_flow_removed(m, &fr) || cannot_write(m))
		return false;
	ofp_encode_flow_removed(b, &fr, protocol_of(m));
	return true;
}

static bool port_status(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_port_status ps;
	if (ofp_decode_port_status(m, &ps))
		return false;
	ofp_encode_port_status(b, &ps, m->version);
	return true;
}

static bool table_status(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_table_status ts;
	if (ofp_decode_table_status(m, &ts))
		return false;
	ofp_encode_table_status(b, &ts, m->version);
	return true;
}

static bool requestforward(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_requestforward rf;
	if (ofp_decode_requestforward(m, &rf))
		return false;
	ofp_encode_requestforward(b, m->version, rf.request.data, rf.request.len);
	return true;
}

// --- Questions.

static bool flow_stats_request(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_flow_stats_request r;
	if (ofp_decode_flow_stats_request(m, &r) || cannot_write(m))
		return false;
	ofp_encode_flow_stats_request(b, &r, protocol_of(m), m->xid);
	return true;
}

static bool port_request(const struct ofp_msg *m, struct buf *b)
{
	uint32_t port;
	bool stats = m->type == OFPTYPE_PORT_STATS_REQUEST;
	if (stats ? ofp_decode_port_stats_request(m, &port)
		  : ofp_decode_port_desc_request(m, &port))
		return false;
	if (stats)
		ofp_encode_port_stats_request(b, m->version, port, m->xid);
	else
		ofp_encode_port_desc_request(b, m->version, port, m->xid);
	return true;
}

static bool queue_request(const struct ofp_msg *m, struct buf *b)
{
	uint32_t port, queue;
	bool stats = m->type == OFPTYPE_QUEUE_STATS_REQUEST;
	if (stats ? ofp_decode_queue_stats_request(m, &port, &queue)
		  : ofp_decode_queue_config_request(m, &port, &queue))
		return false;
	if (stats)
		ofp_encode_queue_stats_request(b, m->version, port, queue, m->xid);
	else
		ofp_encode_queue_config_request(b, m->version, port, queue, m->xid);
	return true;
}

static bool group_request(const struct ofp_msg *m, struct buf *b)
{
	uint32_t id;
	if (ofp_decode_group_request(m, &id))
		return false;
	ofp_encode_group_request(b, m->type, id, m->version, m->xid);
	return true;
}

static bool meter_request(const struct ofp_msg *m, struct buf *b)
{
	uint32_t id;
	if (ofp_decode_meter_request(m, &id))
		return false;
	ofp_encode_meter_request(b, m->type, id, m->version, m->xid);
	return true;
}

// The first of those that may stand in a message.
static bool monitor_request(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_flow_monitor_request r;
	struct cursor body = m->body;
	bool first = !ofp_flow_monitor_request_pull(m, &body, &r);
	if (first)
		ofp_encode_flow_monitor_request(b, &r, m->version, m->xid);
	return first;
}

static bool monitor_cancel(const struct ofp_msg *m, struct buf *b)
{
	uint32_t id;
	if (ofp_decode_flow_monitor_cancel(m, &id))
		return false;
	ofp_encode_flow_monitor_cancel(b, id, m->version, m->xid);
	return true;
}

// --- Answers that are one message.

static bool aggregate(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_msg request = request_of(m);
	struct ofp_aggregate a;
	if (ofp_decode_aggregate_reply(m, &a))
		return false;
	ofp_encode_aggregate_reply(b, &request, &a);
	return true;
}

static bool group_features(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_msg request = request_of(m);
	struct ofp_group_features f;
	if (ofp_decode_group_features(m, &f))
		return false;
	ofp_encode_group_features_reply(b, &request, &f);
	return true;
}

static bool meter_features(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_msg request = request_of(m);
	struct ofp_meter_features f;
	if (ofp_decode_meter_features(m, &f))
		return false;
	ofp_encode_meter_features_reply(b, &request, &f);
	return true;
}

static bool tlv_table(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_msg request = request_of(m);
	struct ofp_tlv_table t;
	int error = ofp_decode_tlv_table_reply(m, &t);
	if (!error)
		ofp_encode_tlv_table_reply(b, &request, &t);
	ofp_tlv_table_done(&t);
	return !error;
}

static bool queue_config(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_msg request = request_of(m);
	struct cursor body = m->body;
	struct ofp_queue_config q;
	uint32_t port;
	int error = ofp_queue_config_reply_port(m, &body, &port);
	if (error)
		return false;
	size_t at = ofp_begin_reply(b, &request);
	ofp_queue_config_reply_begin(b, &request, port);
	while (!(error = ofp_queue_config_pull(&body, m->version, port, &q)))
		ofp_queue_config_put(b, m->version, &q);
	return ofp_end(b, at) && error == -ENODATA;
}

static bool ipfix_bridge(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_msg request = request_of(m);
	struct cursor body = m->body;
	struct ofp_ipfix_stats s;
	size_t at = ofp_begin_reply(b, &request);
	ofp_ipfix_stats_pull(&body, &s);
	ofp_ipfix_stats_put(b, &s);
	return ofp_end(b, at);
}

static bool controller_status(const struct ofp_msg *m, struct buf *b)
{
	struct cursor body = m->body;
	struct ofp_controller_status cs;
	if (ofp_controller_status_pull(&body, &cs))
		return false;
	ofp_encode_controller_status(b, &cs);
	return true;
}

static bool bundle_features(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_msg request = request_of(m);
	struct ofp_bundle_features f;
	if (ofp_decode_bundle_features(m, &f))
		return false;
	if (m->type == OFPTYPE_BUNDLE_FEATURES_REQUEST)
		ofp_encode_bundle_features_request(b, &f, m->xid);
	else
		ofp_encode_bundle_features_reply(b, &request, &f);
	return true;
}

static const struct {
	enum ofptype type;
	bool (*again)(const struct ofp_msg *, struct buf *);
} families[] = {
	{OFPTYPE_HELLO, hello},
	{OFPTYPE_ERROR, error},
	{OFPTYPE_FEATURES_REPLY, features},
	{OFPTYPE_SET_CONFIG, config},
	{OFPTYPE_GET_CONFIG_REPLY, config},
	{OFPTYPE_DESC_STATS_REPLY, desc},
	{OFPTYPE_ROLE_REQUEST, role},
	{OFPTYPE_ROLE_REPLY, role},
	{OFPTYPE_GET_ASYNC_REPLY, get_async},
	{OFPTYPE_SET_ASYNC_CONFIG, get_async},
	{OFPTYPE_SET_FLOW_FORMAT, set_flow_format},
	{OFPTYPE_FLOW_MOD_TABLE_ID, mod_table_id},
	{OFPTYPE_SET_PACKET_IN_FORMAT, packet_in_format},
	{OFPTYPE_SET_CONTROLLER_ID, controller_id},
	{OFPTYPE_GROUP_MOD, group_mod},
	{OFPTYPE_METER_MOD, meter_mod},
	{OFPTYPE_TABLE_MOD, table_mod},
	{OFPTYPE_PORT_MOD, port_mod},
	{OFPTYPE_TLV_TABLE_MOD, tlv_table_mod},
	{OFPTYPE_CT_FLUSH, ct_flush},
	{OFPTYPE_CT_FLUSH_ZONE, ct_flush_zone},
	{OFPTYPE_BUNDLE_CONTROL, bundle_control},
	{OFPTYPE_BUNDLE_ADD_MESSAGE, bundle_add},
	{OFPTYPE_PACKET_IN, packet_in},
	{OFPTYPE_PACKET_OUT, packet_out},
	{OFPTYPE_FLOW_REMOVED, flow_removed},
	{OFPTYPE_PORT_STATUS, port_status},
	{OFPTYPE_TABLE_STATUS, table_status},
	{OFPTYPE_REQUESTFORWARD, requestforward},
	{OFPTYPE_FLOW_STATS_REQUEST, flow_stats_request},
	{OFPTYPE_AGGREGATE_STATS_REQUEST, flow_stats_request},
	{OFPTYPE_FLOW_COUNTERS_REQUEST, flow_stats_request},
	{OFPTYPE_PORT_STATS_REQUEST, port_request},
	{OFPTYPE_PORT_DESC_STATS_REQUEST, port_request},
	{OFPTYPE_QUEUE_STATS_REQUEST, queue_request},
	{OFPTYPE_QUEUE_GET_CONFIG_REQUEST, queue_request},
	{OFPTYPE_QUEUE_DESC_REQUEST, queue_request},
	{OFPTYPE_GROUP_STATS_REQUEST, group_request},
	{OFPTYPE_GROUP_DESC_STATS_REQUEST, group_request},
	{OFPTYPE_METER_STATS_REQUEST, meter_request},
	{OFPTYPE_METER_CONFIG_STATS_REQUEST, meter_request},
	{OFPTYPE_FLOW_MONITOR_STATS_REQUEST, monitor_request},
	{OFPTYPE_FLOW_MONITOR_CANCEL, monitor_cancel},
	{OFPTYPE_AGGREGATE_STATS_REPLY, aggregate},
	{OFPTYPE_GROUP_FEATURES_STATS_REPLY, group_features},
	{OFPTYPE_METER_FEATURES_STATS_REPLY, meter_features},
	{OFPTYPE_TLV_TABLE_REPLY, tlv_table},
	{OFPTYPE_QUEUE_GET_CONFIG_REPLY, queue_config},
	{OFPTYPE_IPFIX_BRIDGE_STATS_REPLY, ipfix_bridge},
	{OFPTYPE_CONTROLLER_STATUS, controller_status},
	{OFPTYPE_BUNDLE_FEATURES_REQUEST, bundle_features},
	{OFPTYPE_BUNDLE_FEATURES_REPLY, bundle_features},
};

// Each entry again, as long as they decode.
static bool entries_again(const struct ofp_msg *m, const struct reply_codec *codec, struct buf *b)
{
	struct ofp_msg request = request_of(m);
	struct cursor body = m->body;
	struct ofp_replies r;
	uint8_t *entry = xcalloc(1, codec->size);
	unsigned int n = 0;
	int error;
	ofp_replies_init(&r, &request);
	for (; !(error = codec->pull(m, &body, entry)); n++) {
		codec->append(&r, &request, entry);
		if (codec->done)
			codec->done(entry);
	}
	ofp_replies_finish(&r);
	if (n >= codec->at_least)
		buf_add(b, r.buf.data, r.buf.len);
	ofp_replies_done(&r);
	free(entry);
	return error == -ENODATA && n >= codec->at_least;
}

bool message_again(const struct ofp_msg *m, struct buf *b)
{
	const struct reply_codec *codec = reply_codec_find(m->type);
	if (codec)
		return entries_again(m, codec, b);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i].type == m->type)
			return families[i].again(m, b);
	return false;
}
