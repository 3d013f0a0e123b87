/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "openflow/header_fault.h"
#include "ofproto/controller_status.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_monitors.h"
#include "ofproto/ofbundle.h"
#include "ofproto/packet_in.h"
#include "ofproto/recirc.h"
#include "ofproto/resume.h"

LOG_MODULE(connmgr);
LOG_MODULE_AS(messages_log, "ofp_msgs");
LOG_MODULE_AS(vconn_log, "vconn");
COUNTER(ofproto_packet_in_too_large); // with all that it would go on with
COUNTER(ofproto_packet_in_backlogged);
COUNTER(ofconn_reads_too_slowly);

enum {
	QUEUE_SIZE = 100,
	NEWS_BACKLOG =
		64 << 20, // bytes that wait for a peer: whoever lets so much lie does not read
};

// --- A connection's state, renewed at each (re)connection.

static void reset(struct conn *c)
{
	uint8_t version = ofconn_version(c->of);
	c->role = OFPCR_EQUAL;
	c->protocol = ofp_protocol_of_version(version ? version : OFP10);
	c->packet_in_format = OFP_PIN_STANDARD;
	c->controller_id = 0;
	c->short_id = OFPCID_UNDEFINED;
	c->hopeless = false;
	c->miss_send_len = c->service ? 0 : CONN_MISS_SEND_LEN;
	memset(&c->async, 0, sizeof(c->async));
	if (c->async_wanted)
		ofp_async_default(&c->async, version ? version : OFP10);
	packet_in_queue_flush(c->packet_ins);
	loop_timer_cancel(&c->packet_in_timer);
	flow_dump_free(c->dump);
	c->dump = NULL;
	multiparts_clear(&c->multiparts);
	loop_timer_cancel(&c->multipart_timer);
	flow_monitors_clear(c->monitors);
	ofbundles_clear(c->bundles);
	ofconn_set_reading(c->of, true);
}

static void on_connected(void *c_)
{
	struct conn *c = c_;
	reset(c);
	controllers_connected(c->owner, c);
}

static void on_closed(void *c_, int error)
{
	struct conn *c = c_;
	controller_status_goes(c);
	reset(c);
	controllers_disconnected(c->owner, c, error);
}

// --- Messages.

// Carries out a request, of one part or more.
static void handle(struct conn *c, const struct ofp_msg *parts, size_t n)
{
	c->parts = parts;
	c->n_parts = n;
	c->part = 0;
	c->ofproto->acting = c;
	c->ofproto->acting_xid = parts->xid;
	int error = conn_handle(c, parts);
	c->ofproto->acting = NULL;
	if (error)
		conn_send_error(c, error, parts[c->part].data, parts[c->part].len);
}

static void schedule_multiparts(struct conn *c)
{
	int64_t deadline = multiparts_deadline(&c->multiparts);
	if (deadline != INT64_MAX)
		loop_timer_set(&c->multipart_timer, deadline);
}

static void multiparts_late(void *c_)
{
	struct conn *c = c_;
	struct multipart late;
	while (multiparts_expired(&c->multiparts, clock_ms(), &late)) {
		const struct ofp_msg *first = &late.parts.v[0];
		conn_send_error(c, OFPBRC_MULTIPART_REQUEST_TIMEOUT, first->data, first->len);
		multipart_done(&late);
	}
	schedule_multiparts(c);
}

static int handle_part(struct conn *c, const uint8_t *bytes, size_t n)
{
	struct multipart whole;
	int error = multiparts_add(&c->multiparts, bytes, n, clock_ms(), &whole);
	schedule_multiparts(c);
	if (!error && whole.parts.n)
		handle(c, whole.parts.v, whole.parts.n);
	multipart_done(&whole);
	return error;
}

static int handle_bytes(struct conn *c, const uint8_t *bytes, size_t n)
{
	struct ofp_msg msg;
	if (multiparts_want(&c->multiparts, bytes, n))
		return handle_part(c, bytes, n);
	int error = ofp_msg_decode(bytes, n, &msg);
	if (!error)
		handle(c, &msg, 1);
	return error;
}

static void on_message(void *c_, const uint8_t *bytes, size_t n)
{
	struct conn *c = c_;
	int error = handle_bytes(c, bytes, n);
	if (error)
		conn_send_error(c, error, bytes, n);
	// Answers keep the order of their requests: while one is under way, no further one is read.
	if (c->dump)
		ofconn_set_reading(c->of, false);
}

static void on_drained(void *c_)
{
	struct conn *c = c_;
	flow_monitors_drained(c->monitors);
	if (!c->dump)
		return;
	flow_dump_continue(c);
	if (!c->dump)
		ofconn_set_reading(c->of, true);
}

static void on_other_version(void *c_, uint8_t version)
{
	const struct conn *c = c_;
	log_as_rl(&vconn_log, LVL_ERR, "%s: received OpenFlow version 0x%02x != expected %02x",
		  ofconn_name(c->of), version, ofconn_version(c->of));
}

static const struct ofconn_callbacks callbacks = {.connected = on_connected,
						  .message = on_message,
						  .other_version = on_other_version,
						  .closed = on_closed,
						  .drained = on_drained};

// --- Life.

static void send_packet_ins(void *c_);

static void apply_limits(struct conn *c, const struct conn_options *o)
{
	packet_in_queue_configure(c->packet_ins, (unsigned int)o->rate_limit,
				  (unsigned int)o->burst_limit);
	c->max_backlog = o->queue_size > 0 ? (unsigned int)o->queue_size : QUEUE_SIZE;
}

static struct conn *conn_new(struct controllers *owner, struct ofproto *p,
			     const struct conn_options *o)
{
	struct conn *c = XNEW(struct conn);
	c->owner = owner;
	c->ofproto = p;
	c->service = o->service;
	c->visitor = o->visitor;
	c->async_wanted = o->async_wanted;
	c->packet_ins =
		packet_in_queue_new((unsigned int)o->rate_limit, (unsigned int)o->burst_limit);
	apply_limits(c, o);
	c->monitors = flow_monitors_new(c);
	c->bundles = ofbundles_new(c);
	loop_timer_init(&c->packet_in_timer, p->system->loop, send_packet_ins, c);
	loop_timer_init(&c->multipart_timer, p->system->loop, multiparts_late, c);
	return c;
}

struct error *conn_connect(struct controllers *owner, struct ofproto *p, const char *target,
			   const struct ofconn_options *of_options, const struct conn_options *o,
			   struct conn **out)
{
	struct conn *c = conn_new(owner, p, o);
	struct error *e =
		ofconn_connect(p->system->loop, target, of_options, &callbacks, c, &c->of);
	if (e) {
		conn_free(c);
		return e;
	}
	reset(c);
	*out = c;
	return NULL;
}

struct conn *conn_accept(struct controllers *owner, struct ofproto *p, struct stream *stream,
			 const struct ofconn_options *of_options, const struct conn_options *o)
{
	struct conn *c = conn_new(owner, p, o);
	c->of = ofconn_accept(p->system->loop, stream, of_options, &callbacks, c);
	reset(c);
	return c;
}

void conn_free(struct conn *c)
{
	if (!c)
		return;
	ofconn_free(c->of);
	loop_timer_cancel(&c->packet_in_timer);
	loop_timer_cancel(&c->multipart_timer);
	multiparts_clear(&c->multiparts);
	packet_in_queue_free(c->packet_ins);
	flow_dump_free(c->dump);
	flow_monitors_free(c->monitors);
	ofbundles_free(c->bundles);
	ofp_flow_mod_done(&c->fm);
	ofp_packet_out_done(&c->po);
	free(c);
}

void conn_configure(struct conn *c, const struct ofconn_options *of_options,
		    const struct conn_options *o)
{
	ofconn_set_options(c->of, of_options);
	apply_limits(c, o);
	if (c->async_wanted != o->async_wanted) {
		c->async_wanted = o->async_wanted;
		conn_reconnect(c);
	}
}

void conn_reconnect(struct conn *c)
{
	controller_status_goes(c);
	c->role = OFPCR_EQUAL;
	c->short_id = OFPCID_UNDEFINED;
	ofconn_force_reconnect(c->of);
}

// --- Sending.

void conn_send(struct conn *c, struct buf *b)
{
	flow_monitors_flush(c->monitors);
	ofconn_send(c->of, b->data, b->len);
	buf_clear(b);
}

void conn_send_news(struct conn *c, struct buf *b)
{
	if (ofconn_backlog(c->of) <= NEWS_BACKLOG) {
		conn_send(c, b);
		return;
	}
	buf_clear(b);
	if (c->hopeless)
		return;
	c->hopeless = true;
	counter_inc(ofconn_reads_too_slowly);
	log_warn("%s<->%s: %zu MB wait to be read by the controller, closing the connection",
		 c->ofproto->name, ofconn_name(c->of), ofconn_backlog(c->of) >> 20);
	ofconn_give_up(c->of, ENOBUFS);
}

static void log_unknown(const void *request, size_t n, int error)
{
	struct str why = STR_INIT;
	if (ofp_msg_explain_unknown(request, n, error, &why))
		log_as_rl(&messages_log, LVL_WARN, "%s", str_cstr(&why));
	str_done(&why);
}

void conn_send_error(struct conn *c, int error, const void *request, size_t n)
{
	struct buf b = BUF_INIT;
	struct ofp_msg msg;
	int unknown = ofp_msg_decode(request, n, &msg);
	const char *what = unknown ? "invalid" : ofp_msg_name(&msg);
	log_unknown(request, n, unknown);
	log_info_rl("%s<->%s: sending %s error reply to %s message", c->ofproto->name,
		    ofconn_name(c->of), ofperr_name(error), what);
	ofp_encode_error(&b, error, request, n);
	conn_send(c, &b);
	buf_done(&b);
}

bool conn_send_replies(struct conn *c, struct ofp_replies *r, bool finish)
{
	if (finish) {
		ofp_replies_finish(r);
		conn_send(c, &r->buf);
	} else if (r->begin) {
		ofconn_send(c->of, r->buf.data, r->begin);
		ofp_replies_taken(r, r->begin);
	}
	return ofconn_backlog(c->of) > OFCONN_HIGH;
}

bool conn_wants(const struct conn *c, enum ofp_async kind, unsigned int reason)
{
	if (!ofconn_is_connected(c->of) || (c->service && !c->miss_send_len))
		return false;
	const uint32_t *masks = c->role == OFPCR_SECONDARY ? c->async.secondary : c->async.primary;
	return reason < 32 && masks[kind] & 1u << reason;
}

// --- Packets to the controller.

static void send_packet_in(void *c_, const void *msg, size_t n)
{
	struct conn *c = c_;
	if (!ofconn_backlog(c->of))
		c->n_backlog = 0;
	if (c->n_backlog >= c->max_backlog) {
		counter_inc(ofproto_packet_in_backlogged);
		return;
	}
	c->n_backlog++;
	ofconn_send(c->of, msg, n);
}

static void schedule_packet_ins(struct conn *c, int64_t now)
{
	int64_t deadline = packet_in_queue_deadline(c->packet_ins, now);
	if (deadline != INT64_MAX)
		loop_timer_set(&c->packet_in_timer, deadline);
}

static void send_packet_ins(void *c_)
{
	struct conn *c = c_;
	int64_t now = clock_ms();
	packet_in_queue_run(c->packet_ins, now, send_packet_in, c);
	schedule_packet_ins(c, now);
}

// The members of the flow that describe the packet's way, not its headers: those a packet-in
// carries besides the packet.
static void set_metadata(const struct packet_in *pin, const struct option_table *table,
			 struct match *m)
{
	match_init_any(m);
	uint64_t *value = flow_words(&m->flow), *mask = flow_words(&m->mask);
	const uint64_t *from = flow_words_const(&pin->metadata);
	for (unsigned int i = 0; i < FLOW_STAGE_METADATA_END; i++) {
		value[i] = from[i];
		mask[i] = from[i] ? UINT64_MAX : 0;
	}
	if (pin->metadata.tunnel.options) {
		struct flow options;
		flow_copy(&options, &pin->metadata);
		if (!options_to_fields(table, &options))
			options.tunnel.options = 0;
		m->table = table;
		m->flow.tunnel.options = m->mask.tunnel.options = options.tunnel.options;
		memcpy(m->flow.options, options.options, sizeof(m->flow.options));
		memset(m->mask.options, 0xff, sizeof(m->mask.options));
	}
	// Words are coarser than fields: what is not sent, or has no value here, is taken out
	// again.
	m->flow.skb_priority = m->flow.dp_hash = m->flow.recirc_id = m->flow.conj_id =
		m->flow.actset_output = 0;
	m->mask.skb_priority = m->mask.dp_hash = m->mask.recirc_id = m->mask.conj_id =
		m->mask.actset_output = 0;
	m->mask.packet_type =
		m->flow.packet_type ? UINT32_MAX : 0; // an Ethernet frame goes without saying
	struct flow_tunnel *t = &m->mask.tunnel;
	const struct flow_tunnel *v = &m->flow.tunnel;
	t->ip_dst = v->ip_dst ? UINT32_MAX : 0;
	t->ip_src = v->ip_src ? UINT32_MAX : 0;
	t->gbp_id = v->gbp_id ? UINT16_MAX : 0;
	t->gbp_flags = v->gbp_flags ? UINT8_MAX : 0;
	for (int i = 0; i < FLOW_N_REGS; i++)
		m->mask.regs[i] = m->flow.regs[i] ? UINT32_MAX : 0;
	m->mask.pkt_mark = m->flow.pkt_mark ? UINT32_MAX : 0;
	m->mask.ct_state = m->flow.ct_state ? UINT32_MAX : 0;
	m->mask.ct_mark = m->flow.ct_mark ? UINT32_MAX : 0;
	m->mask.ct_zone = m->flow.ct_zone ? UINT16_MAX : 0;
	m->flow.ct_nw_proto = m->mask.ct_nw_proto = 0;
	m->flow.ct_pad = m->mask.ct_pad = 0;
	m->flow.pad0 = m->mask.pad0 = 0;
	m->flow.in_port = pin->ofp_in_port;
	m->mask.in_port = UINT32_MAX;
}

void conn_packet_in(struct conn *c, const struct packet_in *pin)
{
	uint8_t version = ofconn_version(c->of);
	if (pin->controller_id != c->controller_id ||
	    (pin->reason == OFPR_IMPLICIT_MISS && version >= OFP13))
		return;
	uint8_t reason = ofp_packet_in_reason_encode(pin->reason, version);
	// Whatever a version calls it, a miss is sent to who wants misses.
	bool miss = pin->reason == OFPR_IMPLICIT_MISS || pin->reason == OFPR_EXPLICIT_MISS;
	if (!conn_wants(c, OFPASYNC_PACKET_IN, miss ? OFPR_NO_MATCH : reason))
		return;
	struct ofp_packet_in out = {
		.packet = pin->frame,
		.packet_len =
			pin->frame_len, // there are no buffers, so the controller gets all of it
		.total_len = pin->frame_len,
		.buffer_id = OFP_NO_BUFFER,
		.reason = reason,
		.table_id = pin->table_id,
		.have_cookie = pin->cookie != UINT64_MAX,
		.cookie = pin->cookie,
		.userdata = pin->userdata,
		.userdata_len = pin->userdata_len,
	};
	set_metadata(pin, c->ofproto->options, &out.metadata);
	struct buf msg = BUF_INIT;
	struct ofp_continuation paused = {.stack = NULL};
	if (pin->paused) {
		resume_describe(c->ofproto, &pin->paused->frozen, &paused);
		out.paused = &paused;
	}
	bool fits = ofp_encode_packet_in(&msg, &out, c->protocol, c->packet_in_format);
	ofp_continuation_done(&paused);
	if (!fits) {
		counter_inc(ofproto_packet_in_too_large);
		buf_done(&msg);
		return;
	}
	int64_t now = clock_ms();
	packet_in_queue_add(c->packet_ins, pin->ofp_in_port, msg.data, msg.len, now, send_packet_in,
			    c);
	schedule_packet_ins(c, now);
	buf_done(&msg);
}
