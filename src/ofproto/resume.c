/* SPDX-License-Identifier: Apache-2.0 */
// The controller may have changed the packet and its metadata, and it may have made all of it up:
// nothing is believed that a packet-out could not say as well. A continuation is good for the
// bridge that made it, as long as that lives.
#include "ofproto/resume.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "ofproto/conn.h"
#include "ofproto/flow_mod.h"
#include "ofproto/internal.h"
#include "ofproto/packet_out.h"
#include "ofproto/recirc.h"
#include "openflow/error.h"
#include "openflow/match_codec.h"
#include "openflow/packet_io.h"

LOG_MODULE(resume);

enum { ETHERNET_HEADER = 14 };

void resume_describe(const struct ofproto *p, const struct frozen *f, struct ofp_continuation *c)
{
	*c = (struct ofp_continuation){
		.bridge = p->uuid,
		.mirrored = f->h.mirrored,
		.conntracked = f->h.conntracked,
		.in_action_set = f->h.in_action_set,
		.in_group = f->h.in_group,
		.packet_out = f->h.packet_out,
		.n_stack = f->n_stack,
	};
	if (f->n_stack)
		c->stack = xmemdup(f->stack, f->n_stack * sizeof(f->stack[0]));
	if (f->actions_len)
		buf_add(&c->actions, f->actions, f->actions_len);
	if (f->action_set_len)
		buf_add(&c->action_set, f->action_set, f->action_set_len);
}

// As for packets-out and buckets, but the packet may well have become another one than the actions
// were made for.
static int check_list(struct buf *list, const struct flow *flow)
{
	struct match match = {.flow = *flow};
	memset(&match.mask, 0xff, sizeof(match.mask));
	int error = ofpacts_check(list->data, list->len, &match, OFPP_MAX, 0, OFPROTO_N_TABLES,
				  OFP10, NULL);
	if (error && error != OFPBAC_MATCH_INCONSISTENT)
		return error;
	return actions_check_support(list->data, list->len);
}

static void frozen_of(const struct ofproto *p, const struct ofp_continuation *c,
		      const struct flow *flow, struct frozen *f)
{
	memset(f, 0, sizeof(*f));
	f->h.ofproto_id = p->id;
	f->h.mirrored = c->mirrored;
	f->h.tunnel = flow->tunnel;
	f->options = flow->options;
	f->options_len = flow->tunnel.options ? sizeof(flow->options) : 0;
	f->h.metadata = flow->metadata;
	memcpy(f->h.regs, flow->regs, sizeof(f->h.regs));
	f->h.in_port = flow->in_port;
	f->h.table_id = FROZEN_NO_TABLE;
	f->h.conntracked = c->conntracked;
	f->h.in_action_set = c->in_action_set;
	f->h.in_group = c->in_group;
	f->h.packet_out = c->packet_out;
	f->stack = c->stack;
	f->n_stack = c->n_stack;
	f->actions = c->actions.data;
	f->actions_len = c->actions.len;
	f->action_set = c->action_set.data;
	f->action_set_len = c->action_set.len;
}

static int use_options(const struct ofproto *p, struct ofp_packet_in *pin,
		       struct ofp_continuation *c)
{
	int error = ofp_match_use_options(&pin->metadata, p->options);
	if (!error)
		error = ofpacts_use_options(c->actions.data, c->actions.len, p->options, NULL);
	return error ? error
		     : ofpacts_use_options(c->action_set.data, c->action_set.len, p->options, NULL);
}

static int go_on(struct ofproto *p, struct ofp_packet_in *pin, struct ofp_continuation *c)
{
	struct flow flow;
	struct frozen f;
	int error = use_options(p, pin, c);
	if (error)
		return error;
	flow_copy(&flow, &pin->metadata.flow);
	if (!uuid_equal(&c->bridge, &p->uuid))
		return NXR_STALE;
	if (!packet_out_in_port_ok(flow.in_port))
		return OFPBRC_BAD_PORT;
	if (pin->packet_len < ETHERNET_HEADER)
		return OFPBRC_BAD_PACKET;
	flow.recirc_id = flow.dp_hash = 0;
	flow.packet_type = 0;
	flow_extract(pin->packet, pin->packet_len, pin->packet_len, &flow);
	error = check_list(&c->actions, &flow);
	if (!error)
		error = check_list(&c->action_set, &flow);
	if (error)
		return error;
	frozen_of(p, c, &flow, &f);
	snapshot_flush(p);
	struct error *e = backer_resume(p->backer, p, &flow, pin->packet, pin->packet_len, &f);
	if (e)
		log_warn_rl("bridge %s: resumed packet: %s", p->name, error_text(e));
	error_free(e);
	return 0;
}

int resume_request(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_packet_in pin;
	struct ofp_continuation paused = {.stack = NULL};
	int error = ofp_decode_resume(msg, &pin);
	if (!error && !pin.has_continuation)
		error = NXR_STALE;
	if (!error)
		error = ofp_continuation_decode(pin.continuation, msg->version, false, &paused);
	if (!error)
		error = go_on(c->ofproto, &pin, &paused);
	ofp_continuation_done(&paused);
	return error;
}
