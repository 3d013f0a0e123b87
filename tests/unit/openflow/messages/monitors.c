/* SPDX-License-Identifier: Apache-2.0 */
// Flow monitors: requests, and the news of changes.
#include "generator.h"

#include <errno.h>

static void monitor_request(struct gen *g)
{
	bool v14 = g->version >= OFP14;
	uint16_t own = v14 ? OFPFMF_OWN_14 : OFPFMF_OWN;
	struct ofp_flow_monitor_request r = {.id = any_u32(),
					     .command = v14 ? (uint8_t)random_below(3) : OFPFMC_ADD,
					     .flags = (uint16_t)(any_bits(0x1f) | OFPFMF_ADD |
								 (chance(2) ? own : 0)),
					     .out_port = any_port(),
					     .out_group = chance(2) ? OFPG_ANY : any_u32(),
					     .table_id = any_u8(),
					     .match = any_match(g)},
					got;
	ofp_encode_flow_monitor_request(&g->out, &r, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	int error = ofp_flow_monitor_request_pull(&m, &m.body, &got);
	if (error)
		differs(g, ofperr_name(error), 0, 1);
	SAME(g, r.id, got.id);
	SAME(g, r.command, got.command);
	SAME(g, r.flags, got.flags);
	SAME(g, r.out_port, got.out_port);
	SAME(g, v14 ? r.out_group : OFPG_ANY, got.out_group);
	SAME(g, r.table_id, got.table_id);
	same_match(g, &r.match, &got.match);
	SAME(g, -ENODATA, ofp_flow_monitor_request_pull(&m, &m.body, &got));

	size_t at = g->out.len;
	uint32_t id;
	ofp_encode_flow_monitor_cancel(&g->out, r.id, g->version, any_u32());
	m = last_message(g, at);
	if (v14) {
		SAME(g, 0, ofp_flow_monitor_request_pull(&m, &m.body, &got));
		SAME(g, OFPFMC_DELETE, got.command);
		SAME(g, r.id, got.id);
	} else {
		SAME(g, OFPTYPE_FLOW_MONITOR_CANCEL, m.type);
		SAME(g, 0, ofp_decode_flow_monitor_cancel(&m, &id));
		SAME(g, r.id, id);
	}
	for (int paused = 0; paused < 2; paused++) {
		at = g->out.len;
		ofp_encode_flow_monitor_paused(&g->out, paused, g->version);
		m = last_message(g, at);
		SAME(g, 0, m.xid);
		SAME(g,
		     v14      ? OFPTYPE_FLOW_MONITOR_STATS_REPLY
		     : paused ? OFPTYPE_FLOW_MONITOR_PAUSED
			      : OFPTYPE_FLOW_MONITOR_RESUMED,
		     m.type);
	}
}

static void any_update(struct gen *g, void *entry)
{
	struct ofp_flow_update *u = entry;
	struct buf actions = BUF_INIT;
	unsigned int first = g->version >= OFP14 ? OFPFME_INITIAL : OFPFME_ADDED,
		     last = g->version >= OFP14 ? OFPFME_RESUMED : OFPFME_ABBREV;
	u->event = (enum ofp_flow_update_event)(first + random_below(last - first + 1));
	if (u->event == OFPFME_ABBREV)
		u->xid = any_u32();
	if (u->event >= OFPFME_ABBREV)
		return;
	if (u->event == OFPFME_REMOVED)
		u->reason = (uint16_t)random_below(6);
	u->table_id = any_u8();
	u->priority = any_u16();
	u->idle_timeout = any_u16();
	u->hard_timeout = any_u16();
	u->cookie = any_u64();
	u->match = any_match(g);
	any_actions(g, g->version >= OFP13, &actions);
	u->actions = actions.data;
	u->actions_len = actions.len;
}

static void same_update(struct gen *g, const void *want, const void *have)
{
	const struct ofp_flow_update *u = want, *got = have;
	SAME(g, u->event, got->event);
	SAME(g, u->xid, got->xid);
	if (u->event >= OFPFME_ABBREV)
		return;
	SAME(g, u->reason, got->reason);
	SAME(g, u->table_id, got->table_id);
	SAME(g, u->priority, got->priority);
	SAME(g, u->idle_timeout, got->idle_timeout);
	SAME(g, u->hard_timeout, got->hard_timeout);
	SAME(g, u->cookie, got->cookie);
	same_match(g, &u->match, &got->match);
	same_actions(g, u->actions, u->actions_len, got->actions, got->actions_len);
}

static void monitor_updates(struct gen *g)
{
	struct ofp_flow_monitor_request r = {
		.flags = OFPFMF_ADD, .out_port = OFPP_NONE, .out_group = OFPG_ANY};
	match_init_any(&r.match);
	ofp_encode_flow_monitor_request(&g->out, &r, g->version, any_u32());
	check_reply(g, 0, any_update, same_update);
}

// 1.0's matches are the extension's there.
enum { MONITORED = OFPROTO_NXM | OFPROTO_11 | OFPROTO_12 | OFPROTO_13 | OFPROTO_14 | OFPROTO_15 };
const struct family monitor_families[] = {
	{"monitor_request", MONITORED, monitor_request},
	{"monitor_updates", MONITORED, monitor_updates},
	{NULL, 0, NULL},
};
