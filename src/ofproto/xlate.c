/* SPDX-License-Identifier: Apache-2.0 */
// Translation's frame: it sets the stage, walks from table to table, and tidies up the mask. A
// translation works on two flows: `flow`, which the tables see and the actions change at once, and
// `base`, which the datapath's packet is like after the actions given so far. Only an output makes
// the difference between them into datapath actions (xlate_commit.c). So a change that is undone
// before an output costs nothing, and what clone() and patch ports do to the packet is undone by
// putting `flow` back.
//
// The mask only ever grows: who looks at a bit of the packet, or writes to it, sets the bit. Bits
// that were written and then looked at make the mask narrower than it need be, never too wide.
#include "ofproto/xlate.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rcu.h"
#include "base/str.h"
#include "flow/options.h"
#include "ofproto/backer_internal.h"
#include "ofproto/group.h"
#include "ofproto/learned.h"
#include "ofproto/ofproto.h"
#include "ofproto/xlate_ctx.h"
#include "openflow/packet_io.h"
#include "openflow/port.h"

enum { MAX_ACTIONS_BYTES = 64 * 1024 };

const char *xlate_strerror(enum xlate_error error)
{
	switch (error) {
	case XLATE_OK:
		return "OK";
	case XLATE_TOO_DEEP:
		return "Recursion too deep";
	case XLATE_TOO_MANY_RESUBMITS:
		return "Too many resubmits";
	case XLATE_STACK_TOO_DEEP:
		return "Stack too deep";
	case XLATE_NO_RECIRC_CONTEXT:
		return "No recirculation context";
	case XLATE_TOO_MANY_MPLS_LABELS:
		return "Too many MPLS labels";
	case XLATE_INVALID_PORT:
		return "No such port";
	case XLATE_UNSUPPORTED_PACKET_TYPE:
		return "Unsupported packet type";
	case XLATE_BRIDGE_NOT_FOUND:
		return "Bridge not found";
	case XLATE_TOO_MANY_RECIRCS:
		return "Too many recirculation contexts";
	case XLATE_INVALID_OPTIONS:
		return "Invalid tunnel metadata";
	case XLATE_NO_RECIRC_SUPPORT:
		return "Recirculation not supported";
	}
	return "Unknown error";
}

void xlate_out_init(struct xlate_out *out, struct buf *actions, struct flow *mask)
{
	out->actions = actions;
	out->mask = mask;
	out->error = XLATE_OK;
	out->drop_reason = DP_DROP_NO_ACTIONS;
	out->each_packet = false;
	out->ofproto = NULL;
	out->rules = out->inline_rules;
	out->credits = out->inline_credits;
	out->n_rules = out->n_credits = 0;
	out->cap_rules = XLATE_INLINE_RULES;
	out->cap_credits = XLATE_INLINE_CREDITS;
}

void xlate_credit_done(struct xlate_credit *c)
{
	switch ((enum xlate_credit_kind)c->kind) {
	case XLATE_CREDIT_PATCH_TX:
	case XLATE_CREDIT_PATCH_RX:
		patch_counters_unref(c->patch);
		break;
	case XLATE_CREDIT_GROUP:
		group_unref(c->group);
		break;
	case XLATE_CREDIT_LEARNED:
		learned_unref(c->learned);
		break;
	case XLATE_CREDIT_RECIRC:
		recirc_unref(c->recirc);
		break;
	case XLATE_CREDIT_MAC:
	case XLATE_CREDIT_MISS:
		break;
	}
}

void xlate_out_done(struct xlate_out *out)
{
	for (unsigned int i = 0; i < out->n_rules; i++)
		rule_unref(out->rules[i]);
	for (unsigned int i = 0; i < out->n_credits; i++)
		xlate_credit_done(&out->credits[i]);
	if (out->rules != out->inline_rules)
		free(out->rules);
	if (out->credits != out->inline_credits)
		free(out->credits);
	out->n_rules = out->n_credits = 0;
	out->rules = out->inline_rules;
	out->credits = out->inline_credits;
}

// An array that began as part of its owner moves to the heap when it grows.
static void *grow(void *v, const void *inline_v, unsigned int *cap, size_t size)
{
	unsigned int n = *cap;
	*cap *= 2;
	if (v != inline_v)
		return xrealloc(v, *cap * size);
	void *new = xmalloc(*cap * size);
	memcpy(new, v, n * size);
	return new;
}

static void add_rule(struct xlate_out *out, struct rule *rule)
{
	if (!rule_try_ref(rule))
		return;
	if (out->n_rules == out->cap_rules)
		out->rules =
			grow(out->rules, out->inline_rules, &out->cap_rules, sizeof(*out->rules));
	out->rules[out->n_rules++] = rule;
}

void xlate_add_credit(struct xlate_ctx *ctx, const struct xlate_credit *credit)
{
	struct xlate_out *out = ctx->out;
	if (out->n_credits == out->cap_credits)
		out->credits = grow(out->credits, out->inline_credits, &out->cap_credits,
				    sizeof(*out->credits));
	out->credits[out->n_credits++] = *credit;
}

// The packets of a megaflow say where their sender is, as those of upcalls do: it may have come
// back to where it was before, or have been forgotten.
static void credit_mac(struct backer *backer, const struct xlate_credit *c, int64_t used)
{
	const struct xlate_bridge *bridge =
		xlate_snapshot_bridge(backer_snapshot(backer), c->ofproto_id);
	const struct xlate_port *port = bridge ? xlate_bridge_port(bridge, c->port) : NULL;
	struct mac_entry e;
	if (!port || !port->bundle)
		return;
	bool known = mac_table_lookup(bridge->macs, c->mac, c->vlan, &e);
	if (known && (e.port == c->port || e.used >= used))
		mac_table_touch(bridge->macs, c->mac, c->vlan, c->port, used);
	else if (mac_table_learn(bridge->macs, c->mac, c->vlan, c->port, used) == MAC_CHANGED)
		xlate_changed(backer, XLATE_CHANGE_MAC);
}

static void credit_one(struct backer *backer, const struct xlate_credit *c, uint64_t packets,
		       uint64_t bytes, int64_t used, uint16_t tcp_flags)
{
	switch ((enum xlate_credit_kind)c->kind) {
	case XLATE_CREDIT_PATCH_TX:
		__atomic_fetch_add(&c->patch->tx_packets, packets, __ATOMIC_RELAXED);
		__atomic_fetch_add(&c->patch->tx_bytes, bytes, __ATOMIC_RELAXED);
		break;
	case XLATE_CREDIT_PATCH_RX:
		__atomic_fetch_add(&c->patch->rx_packets, packets, __ATOMIC_RELAXED);
		__atomic_fetch_add(&c->patch->rx_bytes, bytes, __ATOMIC_RELAXED);
		break;
	case XLATE_CREDIT_MAC:
		credit_mac(backer, c, used);
		break;
	case XLATE_CREDIT_LEARNED:
		learned_credit(backer->backers->system, c->learned, tcp_flags);
		break;
	case XLATE_CREDIT_GROUP:
		group_credit(c->group, c->port, packets, bytes);
		break;
	case XLATE_CREDIT_RECIRC:
		break;
	case XLATE_CREDIT_MISS: {
		const struct xlate_bridge *bridge =
			xlate_snapshot_bridge(backer_snapshot(backer), c->ofproto_id);
		if (bridge)
			ofproto_table_credit_miss(bridge->ofproto, (uint8_t)c->port, packets);
		break;
	}
	}
}

void xlate_credit(struct backer *backer, struct rule *const *rules, unsigned int n_rules,
		  const struct xlate_credit *credits, unsigned int n_credits, uint64_t packets,
		  uint64_t bytes, int64_t used, uint16_t tcp_flags)
{
	for (unsigned int i = 0; i < n_rules; i++)
		rule_credit(rules[i], packets, bytes, used);
	for (unsigned int i = 0; i < n_credits; i++)
		credit_one(backer, &credits[i], packets, bytes, used, tcp_flags);
}

void xlate_fail(struct xlate_ctx *ctx, enum xlate_error error)
{
	if (!ctx->out->error)
		ctx->out->error = error;
	ctx->exit = true;
}

// --- Tables.

static void report_rule(struct xlate_ctx *ctx, const struct rule *rule)
{
	struct match match;
	struct str s = STR_INIT;
	rule_match(rule, &match);
	match_format(&match, &s, -1, NULL, NULL);
	if (s.len)
		str_add(&s, ", ");
	str_addf(&s, "priority %d", rule->cls.priority);
	be64_t cookie = __atomic_load_n(&rule->cookie, __ATOMIC_RELAXED);
	if (cookie)
		str_addf(&s, ", cookie 0x%llx", (unsigned long long)be64toh(cookie));
	ctx->node =
		xlate_trace_add(ctx->node, TRACE_TABLE, "%2u. %s", rule->table_id, str_cstr(&s));
	str_done(&s);
}

static void report_visit(struct xlate_ctx *ctx, uint8_t table_id, const struct rule *rule)
{
	struct xlate_trace *trace = ctx->in->trace;
	if (trace->visits.n < TRACE_MAX_VISITS)
		vec_push(&trace->visits, ((struct xlate_visit){.ofproto = ctx->bridge->ofproto,
							       .table_id = table_id,
							       .flow = ctx->flow,
							       .rule = rule}));
}

// First fragments show their ports, later ones do not: in the tables, all fragments are without,
// but in the mode "nx-match".
static struct rule *look_up(struct xlate_ctx *ctx, uint32_t in_port, uint8_t table_id)
{
	struct flow *flow = &ctx->flow;
	uint32_t old_in_port = flow->in_port;
	be16_t tp_src = flow->tp_src, tp_dst = flow->tp_dst, mask_src = ctx->mask->tp_src,
	       mask_dst = ctx->mask->tp_dst;
	bool fragment = flow->nw_frag & FLOW_FRAG_ANY && ctx->bridge->frag != OFP_FRAG_NX_MATCH;
	flow->in_port = in_port;
	flow->bare = flow_is_bare(flow);
	if (fragment)
		flow->tp_src = flow->tp_dst = 0;
	struct rule *rule = ofproto_table_lookup(ctx->bridge->ofproto, table_id, flow, ctx->mask);
	if (ctx->in->trace)
		report_visit(ctx, table_id, rule);
	flow->in_port = old_in_port;
	flow->bare = 0;
	if (fragment) {
		flow->tp_src = tp_src;
		flow->tp_dst = tp_dst;
		ctx->mask->tp_src = mask_src;
		ctx->mask->tp_dst = mask_dst;
	}
	return rule;
}

static void table_miss(struct xlate_ctx *ctx, uint32_t in_port, uint8_t table_id, bool miss_counts)
{
	const struct xlate_port *port = xlate_bridge_port(ctx->bridge, in_port);
	struct xlate_credit credit = {
		.kind = XLATE_CREDIT_MISS, .port = table_id, .ofproto_id = ctx->bridge->id};
	xlate_add_credit(ctx, &credit);
	enum table_miss miss = TABLE_MISS_DROP;
	if (miss_counts)
		miss = ofproto_table_miss(ctx->bridge->ofproto, table_id);
	if (miss == TABLE_MISS_DEFAULT)
		miss = ctx->bridge->default_miss;
	if (ctx->node)
		ctx->node = xlate_trace_add(ctx->node, TRACE_TABLE, "%2u. No match.", table_id);
	switch (miss) {
	case TABLE_MISS_CONTINUE:
		if (table_id + 1 < XLATE_TABLE_INTERNAL)
			xlate_table(ctx, in_port, (uint8_t)(table_id + 1), true);
		break;
	case TABLE_MISS_CONTROLLER:
		// A port that receives nothing has nothing to tell either.
		if (!ctx->exit && (!port || !(port->config & OFPPC_NO_PACKET_IN))) {
			XLATE_REPORT(ctx, TRACE_ACTION, "CONTROLLER:65535");
			xlate_controller(ctx,
					 &(struct xlate_to_controller){.reason = OFPR_IMPLICIT_MISS,
								       .max_len = UINT16_MAX,
								       .meter_id = UINT32_MAX});
			break;
		}
		XLATE_REPORT(ctx, TRACE_ACTION, "drop");
		break;
	case TABLE_MISS_DROP:
	case TABLE_MISS_DEFAULT:
		XLATE_REPORT(ctx, TRACE_ACTION, "drop");
		break;
	}
}

bool xlate_within_limits(struct xlate_ctx *ctx)
{
	if (ctx->depth >= ctx->bridge->max_depth) {
		XLATE_REPORT(ctx, TRACE_ERROR, "over max translation depth %u",
			     ctx->bridge->max_depth);
		xlate_fail(ctx, XLATE_TOO_DEEP);
	} else if (ctx->resubmits >= ctx->bridge->max_resubmits) {
		XLATE_REPORT(ctx, TRACE_ERROR, "over %u resubmit actions",
			     ctx->bridge->max_resubmits);
		xlate_fail(ctx, XLATE_TOO_MANY_RESUBMITS);
	} else if (ctx->out->actions->len > MAX_ACTIONS_BYTES) {
		XLATE_REPORT(ctx, TRACE_ERROR, "resubmits yielded over 64 kB of actions");
		xlate_fail(ctx, XLATE_TOO_MANY_RESUBMITS);
	}
	return !ctx->out->error;
}

static void drop_fragment(struct xlate_ctx *ctx, uint8_t table_id)
{
	if (!ctx->node)
		return;
	ctx->node = xlate_trace_add(
		ctx->node, TRACE_TABLE,
		"%2u. Packets are IP fragments and the fragment handling mode is \"drop\".",
		table_id);
	XLATE_REPORT(ctx, TRACE_ACTION, "drop");
}

void xlate_table(struct xlate_ctx *ctx, uint32_t in_port, uint8_t table_id, bool miss_counts)
{
	if (!xlate_within_limits(ctx))
		return;
	const struct rule *old_rule = ctx->rule;
	be64_t old_cookie = ctx->cookie;
	struct xlate_trace_node *old_node = ctx->node;
	uint8_t old_table = ctx->table_id;
	ctx->table_id = table_id;
	ctx->depth++;
	ctx->resubmits++;

	bool drop = ctx->bridge->frag == OFP_FRAG_DROP && ctx->flow.nw_frag & FLOW_FRAG_ANY;
	struct rule *rule = drop ? NULL : look_up(ctx, in_port, table_id);
	ctx->rule = rule;
	ctx->cookie = rule ? __atomic_load_n(&rule->cookie, __ATOMIC_RELAXED) : 0;
	if (rule) {
		add_rule(ctx->out, rule);
		if (ctx->node)
			report_rule(ctx, rule);
		const struct rule_actions *actions = rcu_get(&rule->actions);
		if (actions->len)
			xlate_actions(ctx, actions->list, actions->len);
		else
			XLATE_REPORT(ctx, TRACE_ACTION, "drop");
	} else if (drop) {
		drop_fragment(ctx, table_id);
	} else {
		table_miss(ctx, in_port, table_id, miss_counts);
	}

	ctx->depth--;
	ctx->table_id = old_table;
	ctx->node = old_node;
	ctx->rule = old_rule;
	if (ctx->depth || ctx->packet_out) // the action set is the first rule's
		ctx->cookie = old_cookie;
}

// --- The action set.

void xlate_run_action_set(struct xlate_ctx *ctx)
{
	if (!ctx->action_set.len || ctx->out->error)
		return;
	struct xlate_trace_node *old_node = ctx->node;
	if (old_node && old_node->last && old_node->last == old_node->first &&
	    old_node->last->kind == TRACE_TABLE)
		ctx->node = old_node->last;
	if (ctx->node)
		ctx->node = xlate_trace_add(ctx->node, TRACE_TABLE, "--. Executing action set:");
	struct buf list = BUF_INIT;
	ofpacts_order_set(ctx->action_set.data, ctx->action_set.len, &list);
	buf_clear(&ctx->action_set); // should this be frozen, what is left of it is in `list`
	if (list.len) {
		ctx->in_action_set = true;
		ctx->exit = false;
		xlate_actions(ctx, list.data, list.len);
		ctx->in_action_set = false;
	} else { // a set without output drops the packet
		XLATE_REPORT(ctx, TRACE_ACTION, "drop");
	}
	buf_done(&list);
	ctx->node = old_node;
}

void xlate_end_pipeline(struct xlate_ctx *ctx)
{
	if (!ctx->freeze.on)
		xlate_run_action_set(ctx);
	if (ctx->freeze.on)
		xlate_freeze_finish(ctx);
}

// OFPPC_NO_RECV is about all packets but those of the spanning tree protocol, OFPPC_NO_RECV_STP
// about these.
static bool is_deaf(struct xlate_ctx *ctx, const struct xlate_port *in_port)
{
	static const uint8_t stp[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};
	uint32_t config = in_port->config & (OFPPC_NO_RECV | OFPPC_NO_RECV_STP);
	if (!config)
		return false;
	memset(ctx->mask->dl_dst, 0xff, sizeof(ctx->mask->dl_dst));
	return config &
	       (memcmp(ctx->flow.dl_dst, stp, sizeof(stp)) ? OFPPC_NO_RECV : OFPPC_NO_RECV_STP);
}

void xlate_bridge_pipeline(struct xlate_ctx *ctx, const struct xlate_port *in_port)
{
	struct xlate_trace_node *old_node = ctx->node;
	if (ctx->node)
		ctx->node = xlate_trace_add(ctx->node, TRACE_BRIDGE, "bridge(\"%s\")",
					    ctx->bridge->name);
	// The rule is found and counted, but nothing is done, when the port must not receive or is
	// only there for a mirror.
	bool mirror_out = in_port && in_port->bundle && in_port->bundle->mirror_out;
	bool deaf = in_port && (mirror_out || is_deaf(ctx, in_port));
	ctx->exit = deaf;
	if (in_port && !deaf)
		xlate_mirror_ingress(ctx, in_port);
	xlate_table(ctx, ctx->flow.in_port, 0, true);
	if (mirror_out && ctx->node && ctx->node->last)
		xlate_trace_add(ctx->node->last, TRACE_ERROR,
				"dropping packet received on port %s, which is reserved "
				"exclusively for mirroring",
				in_port->name);
	if (!deaf)
		xlate_end_pipeline(ctx);
	ctx->node = old_node;
}

// --- The whole.

static bool is_ip(be16_t dl_type)
{
	return dl_type == BE16(0x0800) || dl_type == BE16(0x86dd);
}

// What every megaflow matches on.
static void mask_begin(struct flow *mask, const struct flow *flow)
{
	mask->in_port = UINT32_MAX;
	mask->recirc_id = UINT32_MAX;
	mask->packet_type = UINT32_MAX;
	mask->dl_type = UINT16_MAX;
	if (is_ip(flow->dl_type))
		mask->nw_frag |= FLOW_FRAG_ANY | FLOW_FRAG_LATER;
}

// Bits that no packet brings along, and relations between fields that masks must keep.
static void mask_finish(struct flow *mask, const struct flow *flow)
{
	mask->metadata = 0;
	if (!flow_has_tunnel(flow))
		memset(&mask->tunnel, 0,
		       sizeof(mask->tunnel)); // as the port says, which always counts
	memset(mask->regs, 0, sizeof(mask->regs));
	mask->conj_id = 0;
	mask->actset_output = 0;
	mask->bare = 0; // packet_type says it
	if (flow->dl_type != BE16(0x8847) && flow->dl_type != BE16(0x8848))
		memset(mask->mpls, 0, sizeof(mask->mpls)); // labels that actions put there
	if (flow->dl_type != BE16(0x894f))
		memset(&mask->nsh, 0, sizeof(mask->nsh));
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++)
		if (mask->vlan[i].tci)
			mask->vlan[i].tci |= BE16(FLOW_VLAN_CFI);
	bool icmp = (flow->dl_type == BE16(0x0800) && flow->nw_proto == 1) ||
		    (flow->dl_type == BE16(0x86dd) && flow->nw_proto == 58);
	if (icmp) { // type and code are 8 bits
		mask->tp_src &= BE16(0xff);
		mask->tp_dst &= BE16(0xff);
	}
}

// other_config:vlan-limit: what is behind so many tags is payload, of the type that the next tag
// has. Whether there is one more is looked at in any case, or the types of two packets could be
// taken for the same.
void xlate_limit_vlans(struct xlate_ctx *ctx)
{
	unsigned int limit = ctx->bridge->vlan_limit;
	if (limit >= FLOW_MAX_VLANS)
		return;
	ctx->mask->vlan[limit].tci |= BE16(FLOW_VLAN_CFI);
	if (!(ctx->flow.vlan[limit].tci & BE16(FLOW_VLAN_CFI)))
		return;
	ctx->mask->vlan[limit].tpid = UINT16_MAX;
	ctx->flow.dl_type = ctx->flow.vlan[limit].tpid;
	memset(&ctx->flow.vlan[limit], 0, (FLOW_MAX_VLANS - limit) * sizeof(ctx->flow.vlan[0]));
	memset(ctx->flow.mpls, 0, sizeof(ctx->flow.mpls));
	memset(&ctx->flow.nw_src, 0,
	       offsetof(struct flow, options) - offsetof(struct flow, nw_src));
	flow_copy(&ctx->base, &ctx->flow);
}

// Finds the bridge and the port that the packet came in through. False: there is none.
static bool find_entry(struct xlate_ctx *ctx, const struct xlate_port **in_port)
{
	const struct xlate_in *in = ctx->in;
	if (in->ofproto) {
		ctx->bridge = xlate_snapshot_bridge(ctx->snapshot, ofproto_id(in->ofproto));
		if (!ctx->bridge)
			return false;
		*in_port = xlate_bridge_port(ctx->bridge, in->flow->in_port);
		return true;
	}
	*in_port = xlate_snapshot_dp_port(ctx->snapshot, in->flow->in_port);
	if (!*in_port)
		return false;
	ctx->bridge = (*in_port)->bridge;
	ctx->flow.in_port = (*in_port)->ofp_port;
	return true;
}

// The options of a datapath's packet become what the bridge's table says. False: the packet has one
// that it must not have.
static bool take_options(struct xlate_ctx *ctx)
{
	if (!ctx->in->flow->tunnel.options || ctx->in->ofproto)
		return true;
	ctx->mask->tunnel.options = UINT64_MAX; // how long they are together, at least
	memset(ctx->mask->options, 0, sizeof(ctx->mask->options));
	bool ok = options_to_fields(ofproto_options(ctx->bridge->ofproto), &ctx->flow);
	flow_copy(&ctx->base, &ctx->flow);
	return ok;
}

static void ctx_init(struct xlate_ctx *ctx, const struct xlate_in *in, struct xlate_out *out)
{
	ctx->in = in;
	ctx->out = out;
	ctx->snapshot = backer_snapshot(in->backer);
	ctx->bridge = NULL;
	ctx->mask = out->mask;
	flow_copy(&ctx->flow, in->flow);
	flow_copy(&ctx->base, in->flow);
	ctx->rule = NULL;
	ctx->cookie = UINT64_MAX;
	ctx->table_id = 0;
	ctx->exit = ctx->in_group = ctx->in_action_set = ctx->packet_out = false;
	ctx->depth = ctx->resubmits = 0;
	ctx->pending = XLATE_NOTHING;
	ctx->md2_len = 0;
	ctx->irreversible = 0;
	ctx->wrapped = false;
	ctx->last = true;
	ctx->behind_mpls = ctx->hashed = false;
	ctx->conntracked = in->flow->ct_state;
	ctx->hash_algorithm = ctx->hash_basis = 0;
	memset(&ctx->freeze, 0, sizeof(ctx->freeze));
	ctx->mirrored = 0;
	ctx->snaplen = 0;
	ctx->action_set = (struct buf)BUF_INIT;
	ctx->stack = NULL;
	ctx->stack_n = ctx->stack_cap = 0;
	ctx->node = in->trace ? &in->trace->root : NULL;
	ctx->flow.actset_output = OFPP_UNSET;
}

static void run_packet_out(struct xlate_ctx *ctx, const struct xlate_port *in_port)
{
	struct xlate_trace_node *old_node = ctx->node;
	if (ctx->node)
		ctx->node = xlate_trace_add(ctx->node, TRACE_BRIDGE, "bridge(\"%s\")",
					    ctx->bridge->name);
	ctx->packet_out = ctx->in->packet_out;
	// What a port must not receive does not come from it either when a controller says so.
	if (!in_port || !is_deaf(ctx, in_port)) {
		xlate_actions(ctx, ctx->in->actions, ctx->in->actions_len);
		xlate_end_pipeline(ctx);
	}
	ctx->node = old_node;
}

// The context of a packet that comes back, and a reference to it, as what is made of the packet
// depends on it. `known`: the port through which it came first is there.
static const struct frozen *find_frozen(struct xlate_ctx *ctx, bool known)
{
	const struct xlate_in *in = ctx->in;
	struct recirc *r = recirc_find(in->backer->recircs, in->flow->recirc_id);
	if (r && recirc_try_ref(r)) {
		xlate_add_credit(ctx,
				 &(struct xlate_credit){.kind = XLATE_CREDIT_RECIRC, .recirc = r});
		if (!known && in->flow->in_port != DP_PORT_NONE)
			ctx->out->error = XLATE_INVALID_PORT;
		return &r->frozen;
	}
	if (ctx->node && ctx->bridge)
		ctx->node = xlate_trace_add(ctx->node, TRACE_BRIDGE, "bridge(\"%s\")",
					    ctx->bridge->name);
	XLATE_REPORT(ctx, TRACE_ERROR, "Recirculation context not found for ID %x",
		     in->flow->recirc_id);
	ctx->out->error = XLATE_NO_RECIRC_CONTEXT;
	return NULL;
}

// Of a packet that is counted elsewhere.
static void learn(const struct xlate_in *in, const struct xlate_out *out)
{
	for (unsigned int i = 0; i < out->n_credits; i++)
		if (out->credits[i].kind == XLATE_CREDIT_LEARNED)
			learned_credit(in->backer->backers->system, out->credits[i].learned,
				       be16toh(in->flow->tcp_flags));
}

void xlate_translate(const struct xlate_in *in, struct xlate_out *out)
{
	struct xlate_ctx ctx;
	const struct xlate_port *in_port = NULL;
	size_t actions_before = out->actions->len;
	ctx_init(&ctx, in, out);
	mask_begin(out->mask, in->flow);

	const struct frozen *frozen = in->frozen;
	bool known = find_entry(&ctx, &in_port);
	if (in->flow->recirc_id && !frozen)
		frozen = find_frozen(&ctx, known);
	if (out->error)
		goto done;
	if (frozen) {
		(void)xlate_thaw(&ctx, frozen);
	} else if (!known) {
		out->error = XLATE_INVALID_PORT;
	} else if (!take_options(&ctx)) {
		XLATE_REPORT(&ctx, TRACE_ERROR,
			     "the packet's tunnel options are not those of the bridge");
		out->error = XLATE_INVALID_OPTIONS;
	} else {
		out->ofproto = ctx.bridge->ofproto;
		xlate_limit_vlans(&ctx);
		if (in->actions)
			run_packet_out(&ctx, in_port);
		else
			xlate_bridge_pipeline(&ctx, in_port);
	}
done:
	buf_done(&ctx.action_set);
	free(ctx.stack);
	xlate_mask_merge(&ctx, out->mask);
	xlate_unwrap_last_clone(&ctx, actions_before);
	if (out->error) {
		out->actions->len = actions_before;
		out->drop_reason = DP_DROP_TRANSLATION;
	}
	mask_finish(out->mask, in->flow);
	if (in->flow->tunnel.options && !in->ofproto && ctx.bridge)
		options_mask_to_key(ofproto_options(ctx.bridge->ofproto), in->flow, out->mask);
	if (in->credit)
		xlate_credit(in->backer, out->rules, out->n_rules, out->credits, out->n_credits, 1,
			     in->frame_len, xlate_now(in), be16toh(in->flow->tcp_flags));
	else if (in->may_learn)
		learn(in, out);
	if (in->trace)
		flow_copy(&in->trace->final, &ctx.flow);
}
