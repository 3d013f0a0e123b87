/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/packet_out.h"

#include "base/log.h"
#include "openflow/error.h"
#include "openflow/flow_mod.h"
#include "ofproto/flow_mod.h"
#include "ofproto/group_mod.h"
#include "openflow/match_codec.h"

LOG_MODULE(packet_out);

enum { ETHERNET_HEADER = 14 };

bool packet_out_in_port_ok(uint32_t port)
{
	return port < OFPP_MAX || port == OFPP_LOCAL || port == OFPP_NONE ||
	       port == OFPP_CONTROLLER;
}

// `match` gets the packet's headers.
static int check(struct ofproto *p, struct ofp_packet_out *po, uint8_t version, bool groups,
		 struct match *match)
{
	if (po->buffer_id != OFP_NO_BUFFER)
		return OFPBRC_BUFFER_UNKNOWN;
	if (!packet_out_in_port_ok(po->metadata.flow.in_port))
		return OFPBRC_BAD_PORT;
	int error = ofp_match_use_options(&po->metadata, p->options);
	if (!error)
		error = ofpacts_use_options(po->actions.data, po->actions.len, p->options, NULL);
	if (error)
		return error;
	match_copy(match, &po->metadata);
	flow_extract(po->packet, po->packet_len, po->packet_len, &match->flow);
	memset(&match->mask, 0xff, sizeof(match->mask));
	error = actions_check(po->actions.data, po->actions.len, match, 0, version);
	if (!error)
		error = meters_check_actions(p, po->actions.data, po->actions.len);
	if (!error && groups)
		error = groups_check_actions(p, po->actions.data, po->actions.len);
	// OpenFlow 1.0 and 1.1 have no word for a frame that is none.
	if (!error && po->packet_len < ETHERNET_HEADER && !flow_is_bare(&match->flow))
		error = version < OFP12 ? OFPBRC_BAD_LEN : OFPBRC_BAD_PACKET;
	return error;
}

int packet_out_check(struct ofproto *p, struct ofp_packet_out *po, uint8_t version)
{
	struct match match;
	return check(p, po, version, false, &match);
}

int packet_out_apply(struct ofproto *p, struct ofp_packet_out *po, uint8_t version)
{
	struct match match;
	int error = check(p, po, version, true, &match);
	if (error)
		return error;
	snapshot_flush(p);
	struct error *e = backer_packet_out(p->backer, p, &match.flow, po->packet, po->packet_len,
					    po->actions.data, po->actions.len);
	if (e)
		log_warn_rl("bridge %s: packet-out: %s", p->name, error_text(e));
	error_free(e);
	return 0;
}
