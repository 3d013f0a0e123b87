/* SPDX-License-Identifier: Apache-2.0 */
// Flow mods, and what is said of flows.
#include <errno.h>

#include "generator.h"

// Counters that are not known become zero where the version has no word for that.
static uint64_t known(bool can_say, uint64_t n)
{
	return n == UINT64_MAX && !can_say ? 0 : n;
}

static uint16_t flags_of(uint8_t version)
{
	return version >= OFP13 ? 0x1f : version == OFP12 ? 7 : 3;
}

static void any_mod(struct gen *g, struct ofp_flow_mod *fm)
{
	ofp_flow_mod_init(fm);
	fm->match = any_match(g);
	any_actions(g, true, &fm->actions);
	fm->command = (enum ofp_flow_mod_command)random_below(5);
	fm->priority = any_u16();
	fm->idle_timeout = any_u16();
	fm->hard_timeout = any_u16();
	fm->importance = any_u16();
	fm->flags = (uint16_t)any_bits(0x1f);
	fm->buffer_id = any_u32();
	fm->table_id = chance(2) ? OFPTT_ALL : (uint8_t)random_below(255);
	fm->new_cookie = any_u64();
	if (fm->command != OFPFC_ADD && chance(2)) {
		fm->cookie_mask = any_u64();
		fm->cookie = any_u64() & fm->cookie_mask;
	}
	if (fm->command >= OFPFC_DELETE) {
		fm->out_port = any_port();
		fm->out_group = chance(2) ? OFPG_ANY : any_u32();
	}
}

static void flow_mod(struct gen *g)
{
	struct ofp_flow_mod fm = {0}, got = {0};
	bool plain10 = g->version == OFP10 && !g->nx;
	any_mod(g, &fm);
	bool deletes = fm.command >= OFPFC_DELETE, adds = fm.command == OFPFC_ADD;
	ofp_encode_flow_mod(&g->out, &fm, g->protocol, any_u32());
	struct ofp_msg m = last_message(g, 0);
	int error = ofp_decode_flow_mod(&m, g->protocol, &got);
	if (error)
		differs(g, ofperr_name(error), 0, 1);
	SAME(g, fm.command, got.command);
	same_match(g, &fm.match, &got.match);
	same_actions(g, fm.actions.data, fm.actions.len, got.actions.data, got.actions.len);
	SAME(g, fm.priority, got.priority);
	SAME(g, fm.idle_timeout, got.idle_timeout);
	SAME(g, fm.hard_timeout, got.hard_timeout);
	SAME(g, fm.buffer_id, got.buffer_id);
	SAME(g, g->version >= OFP14 && adds ? fm.importance : 0, got.importance);
	SAME(g, fm.out_port, got.out_port);
	SAME(g, g->version > OFP10 ? fm.out_group : OFPG_ANY, got.out_group);
	uint16_t flags = fm.flags & flags_of(g->version);
	if (g->version < OFP12 && adds)
		flags |= OFPFF_RESET_COUNTS; // which they do
	SAME(g, flags, got.flags);
	if (g->protocol & (OFPROTO_10 | OFPROTO_NXM))
		SAME(g, OFPTT_ALL, got.table_id);
	else if (g->version == OFP10 || fm.table_id != OFPTT_ALL)
		SAME(g, fm.table_id, got.table_id);
	else // the first one stands for "any" where that can only be said of deletions
		SAME(g, deletes && g->version != OFP11 ? OFPTT_ALL : 0, got.table_id);
	SAME(g, plain10 ? 0 : fm.cookie_mask, got.cookie_mask);
	SAME(g, plain10 ? 0 : fm.cookie, got.cookie);
	if (adds || g->version == OFP10)
		SAME(g, fm.new_cookie, got.new_cookie);
	ofp_flow_mod_done(&fm);
	ofp_flow_mod_done(&got);
}

static uint8_t removed_reason(const struct gen *g, uint8_t reason)
{
	if (reason == OFPRR_METER_DELETE || reason == OFPRR_EVICTION)
		return g->version < OFP14 ? OFPRR_DELETE : reason;
	return reason == OFPRR_GROUP_DELETE && g->version < OFP11 ? OFPRR_DELETE : reason;
}

static void flow_removed(struct gen *g)
{
	bool plain10 = g->version == OFP10 && !g->nx;
	struct ofp_flow_removed fr = {.match = any_match(g),
				      .cookie = any_u64(),
				      .priority = any_u16(),
				      .reason = (uint8_t)random_below(6),
				      .table_id = (uint8_t)random_below(255),
				      .duration_s = any_u32(),
				      .duration_ns = any_ns(),
				      .idle_timeout = any_u16(),
				      .hard_timeout = any_u16(),
				      .packets = any_u64(),
				      .bytes = any_u64()},
				got;
	ofp_encode_flow_removed(&g->out, &fr, g->protocol);
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_flow_removed(&m, &got));
	same_match(g, &fr.match, &got.match);
	SAME(g, fr.cookie, got.cookie);
	SAME(g, fr.priority, got.priority);
	SAME(g, removed_reason(g, fr.reason), got.reason);
	SAME(g, plain10 ? 255 : fr.table_id, got.table_id);
	SAME(g, fr.duration_s, got.duration_s);
	SAME(g, fr.duration_ns, got.duration_ns);
	SAME(g, fr.idle_timeout, got.idle_timeout);
	SAME(g, g->version == OFP10 ? 0 : fr.hard_timeout, got.hard_timeout);
	SAME(g, known(!plain10, fr.packets), got.packets);
	SAME(g, known(!plain10, fr.bytes), got.bytes);
}

// --- Flow and aggregate statistics.

static void stats_request(struct gen *g, enum ofp_flows_kind kind)
{
	bool plain10 = g->version == OFP10 && !g->nx;
	be64_t mask = chance(2) ? any_u64() : 0;
	struct ofp_flow_stats_request r = {.kind = kind,
					   .match = any_match(g),
					   .cookie = any_u64() & mask,
					   .cookie_mask = mask,
					   .out_port = any_port(),
					   .out_group = chance(2) ? OFPG_ANY : any_u32(),
					   .table_id = any_u8()},
				      got;
	ofp_encode_flow_stats_request(&g->out, &r, g->protocol, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_flow_stats_request(&m, &got));
	SAME(g, kind, got.kind);
	same_match(g, &r.match, &got.match);
	SAME(g, plain10 ? 0 : r.cookie, got.cookie);
	SAME(g, plain10 ? 0 : r.cookie_mask, got.cookie_mask);
	SAME(g, r.out_port, got.out_port);
	SAME(g, g->version > OFP10 ? r.out_group : OFPG_ANY, got.out_group);
	SAME(g, r.table_id, got.table_id);
}

static void any_flow(struct gen *g, void *entry)
{
	struct ofp_flow_stats *f = entry;
	struct buf actions = BUF_INIT;
	*f = (struct ofp_flow_stats){.match = any_match(g),
				     .cookie = any_u64(),
				     .table_id = any_u8(),
				     .priority = any_u16(),
				     .idle_timeout = any_u16(),
				     .hard_timeout = any_u16(),
				     .importance = any_u16(),
				     .flags = (uint16_t)any_bits(0x1f),
				     .duration_s = any_u32(),
				     .duration_ns = any_ns(),
				     .idle_age = (int)random_below(70000) - 1,
				     .hard_age = (int)random_below(70000) - 1,
				     .packets = any_u64(),
				     .bytes = any_u64()};
	any_actions(g, true, &actions);
	f->actions = actions.data;
	f->actions_len = actions.len;
}

static int nx_age(const struct gen *g, int age)
{
	return !g->nx ? -1 : age < UINT16_MAX ? age : UINT16_MAX - 1;
}

static void same_flow(struct gen *g, const void *want, const void *have)
{
	const struct ofp_flow_stats *s = want, *got = have;
	bool all = g->nx || g->version == OFP15;
	same_match(g, &s->match, &got->match);
	same_actions(g, s->actions, s->actions_len, got->actions, got->actions_len);
	SAME(g, s->cookie, got->cookie);
	SAME(g, s->table_id, got->table_id);
	SAME(g, s->priority, got->priority);
	SAME(g, s->idle_timeout, got->idle_timeout);
	SAME(g, s->hard_timeout, got->hard_timeout);
	SAME(g, g->version >= OFP14 ? s->importance : 0, got->importance);
	SAME(g, g->version >= OFP13 ? s->flags : 0, got->flags);
	SAME(g, s->duration_s, got->duration_s);
	SAME(g, s->duration_ns, got->duration_ns);
	SAME(g, g->version == OFP15 ? s->idle_age : nx_age(g, s->idle_age), got->idle_age);
	SAME(g, nx_age(g, s->hard_age), got->hard_age);
	SAME(g, known(all, s->packets), got->packets);
	SAME(g, known(all, s->bytes), got->bytes);
}

static void flow_stats(struct gen *g)
{
	stats_request(g, OFP_FLOWS_WHOLE);
	check_reply(g, 0, any_flow, same_flow);
}

static void any_counters(struct gen *g, void *entry)
{
	*(struct ofp_flow_stats *)entry = (struct ofp_flow_stats){
		.match = any_match(g),
		.table_id = any_u8(),
		.reason = any_u8(),
		.priority = any_u16(),
		.duration_s = any_u32(),
		.duration_ns = any_ns(),
		.idle_age = (int)random_below(70000) - 1,
		.packets = any_u64(),
		.bytes = any_u64(),
	};
}

static void same_counters(struct gen *g, const void *want, const void *have)
{
	const struct ofp_flow_stats *s = want, *got = have;
	same_match(g, &s->match, &got->match);
	SAME(g, s->table_id, got->table_id);
	SAME(g, s->reason, got->reason);
	SAME(g, s->priority, got->priority);
	SAME(g, s->duration_s, got->duration_s);
	SAME(g, s->duration_ns, got->duration_ns);
	SAME(g, s->idle_age, got->idle_age);
	SAME(g, s->packets, got->packets);
	SAME(g, s->bytes, got->bytes);
	SAME(g, 0, got->actions_len);
}

static void flow_counters(struct gen *g)
{
	stats_request(g, OFP_FLOWS_COUNTERS);
	check_reply(g, 0, any_counters, same_counters);
}

// The news of a flow that passed a threshold.
static void flow_trigger(struct gen *g)
{
	struct ofp_flow_stats fs, got;
	struct buf actions = BUF_INIT;
	any_counters(g, &fs);
	ofp_encode_flow_trigger(&g->out, &fs);
	struct ofp_msg m = last_message(g, 0);
	SAME(g, OFPTYPE_FLOW_COUNTERS_REPLY, m.type);
	SAME(g, 0, m.xid);
	SAME(g, 0, ofp_flow_stats_pull(&m, &m.body, &actions, &got));
	same_counters(g, &fs, &got);
	SAME(g, -ENODATA, ofp_flow_stats_pull(&m, &m.body, &actions, &got));
	buf_done(&actions);
}

static void aggregate(struct gen *g)
{
	bool plain10 = g->version == OFP10 && !g->nx;
	struct buf request = BUF_INIT;
	struct ofp_aggregate a = {any_u64(), any_u64(), any_u32()}, got;
	struct ofp_msg m;
	stats_request(g, OFP_FLOWS_SUM);
	buf_add(&request, g->out.data, g->out.len);
	SAME(g, 0, ofp_msg_decode(request.data, request.len, &m));
	size_t at = g->out.len;
	ofp_encode_aggregate_reply(&g->out, &m, &a);
	m = last_message(g, at);
	SAME(g, 0, ofp_decode_aggregate_reply(&m, &got));
	SAME(g, known(!plain10, a.packets), got.packets);
	SAME(g, known(!plain10, a.bytes), got.bytes);
	SAME(g, a.flows, got.flows);
	buf_done(&request);
}

const struct family flow_families[] = {
	{"flow_mod", OFPROTO_ALL, flow_mod},
	{"flow_removed", WITH_NXM, flow_removed},
	{"flow_stats", WITH_NXM, flow_stats},
	{"flow_counters", OFPROTO_15, flow_counters},
	{"flow_trigger", OFPROTO_15, flow_trigger},
	{"aggregate", WITH_NXM, aggregate},
	{NULL, 0, NULL},
};
