/* SPDX-License-Identifier: Apache-2.0 */
// Messages about the table of tunnel options, about queues' configuration and IPFIX, and telling
// other controllers of a request.
#include <stdlib.h>

#include "ofproto/conn.h"
#include "ofproto/controllers.h"

enum { TUNNEL_OPTIONS_SPACE = 256 }; // bytes of all options together

// --- Tunnel options.

static int map_index(const struct ofproto *p, const struct ofp_tlv_map *m)
{
	VEC_FOREACH (&p->tlv_maps, i)
		if (p->tlv_maps.v[i].option_class == m->option_class &&
		    p->tlv_maps.v[i].option_type == m->option_type)
			return (int)i;
	return -1;
}

static bool field_is_mapped(const struct ofproto *p, uint16_t index)
{
	VEC_FOREACH (&p->tlv_maps, i)
		if (p->tlv_maps.v[i].index == index)
			return true;
	return false;
}

static unsigned int space_used(const struct ofproto *p)
{
	unsigned int n = 0;
	VEC_FOREACH (&p->tlv_maps, i)
		n += p->tlv_maps.v[i].option_len;
	return n;
}

static int check_map(const struct ofproto *p, const struct ofp_tlv_map *m)
{
	if (!m->option_len)
		return NXTTMFC_BAD_OPT_LEN;
	if (field_is_mapped(p, m->index))
		return NXTTMFC_ALREADY_MAPPED;
	if (map_index(p, m) >= 0)
		return NXTTMFC_DUP_ENTRY;
	return space_used(p) + m->option_len > TUNNEL_OPTIONS_SPACE ? NXTTMFC_TABLE_FULL : 0;
}

// All of them, or none.
static int add_maps(struct ofproto *p, const struct ofp_tlv_table_mod *tm)
{
	size_t before = p->tlv_maps.n;
	VEC_FOREACH (&tm->maps, i) {
		int error = check_map(p, &tm->maps.v[i]);
		if (error) {
			p->tlv_maps.n = before;
			return error;
		}
		vec_push(&p->tlv_maps, tm->maps.v[i]);
	}
	return 0;
}

static void delete_maps(struct ofproto *p, const struct ofp_tlv_table_mod *tm)
{
	VEC_FOREACH (&tm->maps, i) {
		int at = map_index(p, &tm->maps.v[i]);
		if (at >= 0)
			vec_remove(&p->tlv_maps, (size_t)at);
	}
}

int tlv_table_mod(struct conn *c, const struct ofp_msg *msg)
{
	struct ofproto *p = c->ofproto;
	struct ofp_tlv_table_mod tm;
	int error = ofp_decode_tlv_table_mod(msg, &tm);
	if (!error && tm.command == NXTTMC_ADD)
		error = add_maps(p, &tm);
	else if (!error && tm.command == NXTTMC_DELETE)
		delete_maps(p, &tm);
	else if (!error)
		vec_clear(&p->tlv_maps);
	ofp_tlv_table_mod_done(&tm);
	return error;
}

int tlv_table_request(struct conn *c, const struct ofp_msg *msg)
{
	const struct ofproto *p = c->ofproto;
	struct ofp_tlv_table t = {.max_space = TUNNEL_OPTIONS_SPACE,
	                          .max_fields = OFP_N_TUN_METADATA};
	VEC_FOREACH (&p->tlv_maps, i)
		vec_push(&t.maps, p->tlv_maps.v[i]);
	struct buf b = BUF_INIT;
	ofp_encode_tlv_table_reply(&b, msg, &t);
	conn_send(c, &b);
	buf_done(&b);
	ofp_tlv_table_done(&t);
	return 0;
}

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
		conn_send(c, &b);
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
