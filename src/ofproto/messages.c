/* SPDX-License-Identifier: Apache-2.0 */
// What each OpenFlow message does: one row per message. A handler returns 0 or an enum ofperr,
// which is sent as an answer.
#include "ofproto/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/version.h"
#include "ofproto/controller_status.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_mod.h"
#include "ofproto/flow_monitors.h"
#include "ofproto/ofbundle.h"
#include "ofproto/packet_out.h"
#include "ofproto/resume.h"

// --- The switch as a whole.

static int features_request(struct conn *c, const struct ofp_msg *msg)
{
	const struct ofproto *p = c->ofproto;
	struct ofp_features f = {
		.datapath_id = p->datapath_id,
		.n_tables = OFPROTO_N_TABLES - 1,
		.capabilities = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS |
				OFPC_QUEUE_STATS | OFPC_GROUP_STATS | OFPC_ARP_MATCH_IP |
				OFPC_BUNDLES,
	};
	struct ofp_port_desc *ports = xcalloc(p->ports.n, sizeof(*ports));
	VEC_FOREACH (&p->ports, i)
		ofport_describe(p->ports.v[i], &ports[i]);
	struct buf b = BUF_INIT;
	ofp_encode_features(&b, &f, msg->version, msg->xid, ports, p->ports.n);
	conn_send(c, &b);
	buf_done(&b);
	free(ports);
	return 0;
}

static int get_config_request(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_config config = {
		.frag = c->ofproto->frag,
		.miss_send_len = c->miss_send_len,
		.invalid_ttl_to_controller =
			(c->async.primary[OFPASYNC_PACKET_IN] >> OFPR_INVALID_TTL) & 1,
	};
	struct buf b = BUF_INIT;
	ofp_encode_config(&b, OFPTYPE_GET_CONFIG_REPLY, &config, msg->version, msg->xid);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}

// Fragments are not put together: who asks for it changes nothing, and is told so when he asks.
static void set_frag(struct ofproto *p, enum ofp_frag_mode frag)
{
	if (frag == OFP_FRAG_REASM || frag == p->frag)
		return;
	p->frag = frag;
	snapshot_invalidate(p);
}

static int set_config(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_config config;
	int error = ofp_decode_config(msg, &config);
	if (error)
		return error;
	set_frag(c->ofproto, config.frag);
	if (config.invalid_ttl_to_controller >= 0) {
		uint32_t bit = 1u << OFPR_INVALID_TTL;
		uint32_t *mask = &c->async.primary[OFPASYNC_PACKET_IN];
		*mask = config.invalid_ttl_to_controller ? *mask | bit : *mask & ~bit;
	}
	c->miss_send_len = config.miss_send_len;
	controllers_wishes_changed(c->owner);
	return 0;
}

static int barrier_request(struct conn *c, const struct ofp_msg *msg)
{
	struct buf b = BUF_INIT;
	backer_settle_if_quick(ofproto_backer(c->ofproto));
	ofp_encode_simple(&b, OFPTYPE_BARRIER_REPLY, msg->version, msg->xid);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}

static int ignore(struct conn *c, const struct ofp_msg *msg)
{
	return 0;
}

static int second_hello(struct conn *c, const struct ofp_msg *msg)
{
	return OFPBRC_BAD_TYPE;
}

static void set_text(char *out, size_t n, const char *configured, const char *otherwise)
{
	snprintf(out, n, "%s", configured ? configured : otherwise);
}

static int desc_stats_request(struct conn *c, const struct ofp_msg *msg)
{
	const struct ofproto *p = c->ofproto;
	struct ofp_desc d = {0};
	set_text(d.mfr, sizeof(d.mfr), p->mfr_desc, "Nicira, Inc.");
	set_text(d.hw, sizeof(d.hw), p->hw_desc, "Open vSwitch");
	set_text(d.sw, sizeof(d.sw), p->sw_desc, OVS_COMPAT_VERSION);
	set_text(d.serial, sizeof(d.serial), p->serial_desc, "None");
	set_text(d.dp, sizeof(d.dp), p->dp_desc, "None");
	struct buf b = BUF_INIT;
	ofp_encode_desc_reply(&b, msg, &d);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}

// --- Flows and packets.

static int flow_mod(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_flow_mod *fm = &c->fm;
	int error = ofp_decode_flow_mod(msg, c->protocol, fm);
	return error ? error : flow_mod_apply(c->ofproto, fm, msg->version);
}

static int packet_out(struct conn *c, const struct ofp_msg *msg)
{
	int error = ofp_decode_packet_out(msg, &c->po);
	return error ? error : packet_out_apply(c->ofproto, &c->po, msg->version);
}

// --- Ports.

static int empty_reply(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_replies r = {0};
	ofp_replies_init(&r, msg);
	conn_send_replies(c, &r, true);
	ofp_replies_done(&r);
	return 0;
}

static void append_port_desc(struct ofp_replies *r, const struct ofp_msg *msg,
			     const struct ofport *port)
{
	struct ofp_port_desc d;
	ofport_describe(port, &d);
	ofp_append_port_desc(r, msg, &d);
}

static void append_port_stats(struct ofp_replies *r, const struct ofp_msg *msg,
			      const struct ofport *port)
{
	struct netdev_stats n;
	ofproto_port_get_stats(port->ofproto, port->ofp_port, &n);
	int64_t age = clock_ms() - port->created;
	struct ofp_port_stats s = {
		.port_no = port->ofp_port,
		.rx_packets = n.rx_packets,
		.tx_packets = n.tx_packets,
		.rx_bytes = n.rx_bytes,
		.tx_bytes = n.tx_bytes,
		.rx_dropped = n.rx_dropped,
		.tx_dropped = n.tx_dropped,
		.rx_errors = n.rx_errors,
		.tx_errors = n.tx_errors,
		.rx_frame_err = n.rx_frame_errors,
		.rx_over_err = n.rx_over_errors,
		.rx_crc_err = n.rx_crc_errors,
		.collisions = n.collisions,
		.duration_s = (uint32_t)(age / 1000),
		.duration_ns = (uint32_t)(age % 1000) * 1000000,
	};
	ofp_append_port_stats(r, msg, &s);
}

typedef void append_port_cb(struct ofp_replies *, const struct ofp_msg *, const struct ofport *);

// One port, or with OFPP_NONE all of them, the bridge's own first.
static int reply_ports(struct conn *c, const struct ofp_msg *msg, uint32_t number,
		       append_port_cb *append)
{
	const struct ofproto *p = c->ofproto;
	struct ofp_replies r = {0};
	ofp_replies_init(&r, msg);
	const struct ofport *local = ofport_find(p, OFPP_LOCAL);
	if (local && (number == OFPP_NONE || number == OFPP_LOCAL))
		append(&r, msg, local);
	VEC_FOREACH (&p->ports, i)
		if (p->ports.v[i] != local &&
		    (number == OFPP_NONE || number == p->ports.v[i]->ofp_port))
			append(&r, msg, p->ports.v[i]);
	conn_send_replies(c, &r, true);
	ofp_replies_done(&r);
	return 0;
}

static int port_desc_stats_request(struct conn *c, const struct ofp_msg *msg)
{
	uint32_t number;
	int error = ofp_decode_port_desc_request(msg, &number);
	return error ? error : reply_ports(c, msg, number, append_port_desc);
}

static int port_stats_request(struct conn *c, const struct ofp_msg *msg)
{
	uint32_t number;
	int error = ofp_decode_port_stats_request(msg, &number);
	if (error)
		return error;
	backer_push_stats(c->ofproto->backer);
	return reply_ports(c, msg, number, append_port_stats);
}

// No port has queues yet: all of them are none, any one is unknown.
static int queue_stats_request(struct conn *c, const struct ofp_msg *msg)
{
	uint32_t number, queue;
	int error = ofp_decode_queue_stats_request(msg, &number, &queue);
	if (error)
		return error;
	if (number != OFPP_NONE && !ofport_find(c->ofproto, number))
		return OFPQOFC_BAD_PORT;
	if (queue != UINT32_MAX)
		return OFPQOFC_BAD_QUEUE;
	return empty_reply(c, msg);
}

static int port_mod(struct conn *c, const struct ofp_msg *msg)
{
	enum {
		CHANGEABLE = OFPPC_PORT_DOWN | OFPPC_NO_STP | OFPPC_NO_RECV | OFPPC_NO_RECV_STP |
			     OFPPC_NO_FLOOD | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN,
	};
	struct ofp_port_mod pm;
	int error = ofp_decode_port_mod(msg, true, &pm);
	if (error)
		return error;
	struct ofport *port = ofport_find(c->ofproto, pm.port_no);
	if (!port)
		return OFPPMFC_BAD_PORT;
	if (memcmp(port->mac, pm.hw_addr, sizeof(port->mac)))
		return OFPPMFC_BAD_HW_ADDR;
	uint32_t mask = pm.mask & CHANGEABLE;
	ofport_set_config(port, (port->config & ~mask) | (pm.config & mask));
	return 0;
}

// --- Roles and asynchronous messages.

static int role_request(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_role_request request, reply;
	int error = ofp_decode_role(msg, &request);
	if (!error)
		error = controllers_set_role(c->owner, c, &request, &reply);
	if (error)
		return error;
	struct buf b = BUF_INIT;
	ofp_encode_role_reply(&b, msg, &reply);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}

static int get_async_request(struct conn *c, const struct ofp_msg *msg)
{
	struct buf b = BUF_INIT;
	ofp_encode_get_async_reply(&b, msg, &c->async);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}

static int set_async_config(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_async_config async = c->async;
	int error = ofp_decode_set_async(msg, &async);
	if (error)
		return error;
	c->async = async;
	if (c->service && !c->miss_send_len) // who asks for news wants them
		c->miss_send_len = CONN_MISS_SEND_LEN;
	controllers_wishes_changed(c->owner);
	return 0;
}

// --- Settings of Nicira's extensions.

static int set_flow_format(struct conn *c, const struct ofp_msg *msg)
{
	bool nxm;
	int error = ofp_decode_set_flow_format(msg, &nxm);
	if (!error)
		c->protocol = ofp_protocol_set_tid(nxm ? OFPROTO_NXM : OFPROTO_10,
						   ofp_protocol_has_tid(c->protocol));
	return error;
}

static int flow_mod_table_id(struct conn *c, const struct ofp_msg *msg)
{
	bool on;
	int error = ofp_decode_flow_mod_table_id(msg, &on);
	if (!error)
		c->protocol = ofp_protocol_set_tid(c->protocol, on);
	return error;
}

static int set_packet_in_format(struct conn *c, const struct ofp_msg *msg)
{
	return ofp_decode_set_packet_in_format(msg, &c->packet_in_format);
}

static int set_controller_id(struct conn *c, const struct ofp_msg *msg)
{
	int error = ofp_decode_set_controller_id(msg, &c->controller_id);
	controllers_wishes_changed(c->owner);
	return error;
}

// --- Connections.

// No datapath of ours tracks any yet, and rules with ct are refused: what is to be forgotten is not
// there.
static int ct_flush(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_ct_match match;
	return ofp_decode_ct_flush(msg, &match);
}

static int ct_flush_zone(struct conn *c, const struct ofp_msg *msg)
{
	uint16_t zone;
	return ofp_decode_ct_flush_zone(msg, &zone);
}

// --- The table.

enum {
	NOT_SECONDARY = 1, // refused from a connection in the secondary role: it
			   // changes the switch
	PARTS = 2,	   // may come in several parts that say something
};

static const struct {
	int (*handle)(struct conn *, const struct ofp_msg *);
	unsigned int flags;
} messages[OFPTYPE_N] = {
	[OFPTYPE_HELLO] = {second_hello, 0},
	[OFPTYPE_ERROR] = {ignore, 0},	      // an error would be answered by an error, and so on
	[OFPTYPE_ECHO_REQUEST] = {ignore, 0}, // ofconn has answered it
	[OFPTYPE_ECHO_REPLY] = {ignore, 0},
	[OFPTYPE_FLOW_AGE] = {ignore, 0},
	[OFPTYPE_FEATURES_REQUEST] = {features_request, 0},
	[OFPTYPE_GET_CONFIG_REQUEST] = {get_config_request, 0},
	[OFPTYPE_SET_CONFIG] = {set_config, 0},
	[OFPTYPE_BARRIER_REQUEST] = {barrier_request, 0},
	[OFPTYPE_FLOW_MOD] = {flow_mod, NOT_SECONDARY},
	[OFPTYPE_PACKET_OUT] = {packet_out, NOT_SECONDARY},
	[OFPTYPE_RESUME] = {resume_request, NOT_SECONDARY},
	[OFPTYPE_PORT_MOD] = {port_mod, NOT_SECONDARY},
	[OFPTYPE_ROLE_REQUEST] = {role_request, 0},
	[OFPTYPE_GET_ASYNC_REQUEST] = {get_async_request, 0},
	[OFPTYPE_SET_ASYNC_CONFIG] = {set_async_config, 0},
	[OFPTYPE_DESC_STATS_REQUEST] = {desc_stats_request, 0},
	[OFPTYPE_FLOW_STATS_REQUEST] = {flow_stats_request, 0},
	[OFPTYPE_FLOW_COUNTERS_REQUEST] = {flow_stats_request, 0},
	[OFPTYPE_AGGREGATE_STATS_REQUEST] = {aggregate_stats_request, 0},
	[OFPTYPE_TLV_TABLE_MOD] = {tlv_table_mod, NOT_SECONDARY},
	[OFPTYPE_TLV_TABLE_REQUEST] = {tlv_table_request, 0},
	[OFPTYPE_QUEUE_GET_CONFIG_REQUEST] = {queue_config_request, 0},
	[OFPTYPE_QUEUE_DESC_REQUEST] = {queue_config_request, 0},
	[OFPTYPE_IPFIX_BRIDGE_STATS_REQUEST] = {ipfix_stats_request, 0},
	[OFPTYPE_IPFIX_FLOW_STATS_REQUEST] = {ipfix_stats_request, 0},
	[OFPTYPE_CT_FLUSH] = {ct_flush, NOT_SECONDARY},
	[OFPTYPE_CT_FLUSH_ZONE] = {ct_flush_zone, NOT_SECONDARY},
	[OFPTYPE_TABLE_MOD] = {table_mod, NOT_SECONDARY},
	[OFPTYPE_TABLE_DESC_REQUEST] = {table_desc_request, 0},
	[OFPTYPE_TABLE_STATS_REQUEST] = {table_stats_request, 0},
	[OFPTYPE_TABLE_FEATURES_STATS_REQUEST] = {table_features_request, PARTS},
	[OFPTYPE_PORT_STATS_REQUEST] = {port_stats_request, 0},
	[OFPTYPE_PORT_DESC_STATS_REQUEST] = {port_desc_stats_request, 0},
	[OFPTYPE_QUEUE_STATS_REQUEST] = {queue_stats_request, 0},
	[OFPTYPE_GROUP_STATS_REQUEST] = {group_stats_request, 0},
	[OFPTYPE_GROUP_DESC_STATS_REQUEST] = {group_desc_request, 0},
	[OFPTYPE_GROUP_FEATURES_STATS_REQUEST] = {group_features_request, 0},
	[OFPTYPE_GROUP_MOD] = {group_mod, NOT_SECONDARY},
	[OFPTYPE_METER_MOD] = {meter_mod, NOT_SECONDARY},
	[OFPTYPE_METER_FEATURES_STATS_REQUEST] = {meter_features_request, 0},
	[OFPTYPE_METER_STATS_REQUEST] = {meter_request, 0},
	[OFPTYPE_METER_CONFIG_STATS_REQUEST] = {meter_request, 0},
	[OFPTYPE_BUNDLE_CONTROL] = {bundle_control, NOT_SECONDARY},
	[OFPTYPE_BUNDLE_ADD_MESSAGE] = {bundle_add, NOT_SECONDARY},
	[OFPTYPE_FLOW_MONITOR_STATS_REQUEST] = {flow_monitor_request, PARTS},
	[OFPTYPE_FLOW_MONITOR_CANCEL] = {flow_monitor_cancel, 0},
	[OFPTYPE_CONTROLLER_STATUS_REQUEST] = {controller_status_request, 0},
	[OFPTYPE_BUNDLE_FEATURES_REQUEST] = {bundle_features_request, 0},
	[OFPTYPE_SET_FLOW_FORMAT] = {set_flow_format, 0},
	[OFPTYPE_FLOW_MOD_TABLE_ID] = {flow_mod_table_id, 0},
	[OFPTYPE_SET_PACKET_IN_FORMAT] = {set_packet_in_format, 0},
	[OFPTYPE_SET_CONTROLLER_ID] = {set_controller_id, 0},
};

int conn_handle(struct conn *c, const struct ofp_msg *msg)
{
	if (!messages[msg->type].handle)
		return ofp_msg_is_stats_request(msg) ? OFPBRC_BAD_STAT : OFPBRC_BAD_TYPE;
	if (c->n_parts > 1 && !(messages[msg->type].flags & PARTS))
		return OFPBRC_BAD_STAT;
	if (c->role == OFPCR_SECONDARY && messages[msg->type].flags & NOT_SECONDARY)
		return OFPBRC_IS_SECONDARY;
	return messages[msg->type].handle(c, msg);
}
