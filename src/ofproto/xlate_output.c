/* SPDX-License-Identifier: Apache-2.0 */
// Outputs: to ports of the datapath, through patch ports into other bridges, to controllers.
#include <stdlib.h>
#include <string.h>

#include "dp/dp.h"
#include "ofproto/meters.h"
#include "ofproto/xlate_ctx.h"
#include "openflow/packet_io.h"
#include "openflow/port.h"

// The packet goes on in the bridge at the other end, which sees it as if it had just come in:
// without registers, metadata or an action set. What that bridge does to the packet does not come
// back.
static void enter_peer(struct xlate_ctx *ctx, const struct xlate_port *port,
		       const struct xlate_port *peer)
{
	struct xlate_scope scope;
	struct buf set = ctx->action_set;
	const struct xlate_bridge *bridge = ctx->bridge;
	const struct rule *rule = ctx->rule;
	uint64_t *stack = ctx->stack;
	unsigned int stack_n = ctx->stack_n, stack_cap = ctx->stack_cap;
	uint8_t table_id = ctx->table_id;
	uint64_t mirrored = ctx->mirrored;
	bool exit = ctx->exit, in_action_set = ctx->in_action_set, in_group = ctx->in_group,
	     packet_out = ctx->packet_out;
	bool conntracked = ctx->conntracked, behind_mpls = ctx->behind_mpls;

	xlate_scope_begin(ctx, &scope, NULL, 0);
	ctx->bridge = peer->bridge;
	ctx->action_set = (struct buf)BUF_INIT;
	ctx->stack = NULL;
	ctx->stack_n = ctx->stack_cap = 0;
	ctx->mirrored = 0; // the mirrors of the other bridge
	ctx->in_action_set = ctx->in_group = ctx->packet_out = false;
	ctx->flow.in_port = peer->ofp_port;
	ctx->flow.metadata = 0;
	memset(ctx->flow.regs, 0, sizeof(ctx->flow.regs));
	memset(&ctx->flow.tunnel, 0, sizeof(ctx->flow.tunnel));
	ctx->flow.actset_output = OFPP_UNSET;
	if (port->patch)
		xlate_add_credit(ctx,
				 &(struct xlate_credit){.kind = XLATE_CREDIT_PATCH_TX,
							.patch = patch_counters_ref(port->patch)});
	if (peer->patch)
		xlate_add_credit(ctx,
				 &(struct xlate_credit){.kind = XLATE_CREDIT_PATCH_RX,
							.patch = patch_counters_ref(peer->patch)});
	ctx->depth++;
	xlate_bridge_pipeline(ctx, peer);
	ctx->depth--;

	buf_done(&ctx->action_set);
	free(ctx->stack);
	xlate_scope_end(ctx, &scope);
	ctx->action_set = set;
	ctx->bridge = bridge;
	ctx->rule = rule;
	ctx->stack = stack;
	ctx->stack_n = stack_n;
	ctx->stack_cap = stack_cap;
	ctx->table_id = table_id;
	ctx->mirrored = mirrored;
	ctx->in_action_set = in_action_set;
	ctx->in_group = in_group;
	ctx->packet_out = packet_out;
	ctx->conntracked = conntracked;
	ctx->behind_mpls = behind_mpls;
	if (!ctx->out->error)
		ctx->exit = exit;
}

// Protected ports do not talk to one another, whoever asks for the output.
static bool is_between_protected(const struct xlate_ctx *ctx, const struct xlate_port *port)
{
	if (!port->bundle || !port->bundle->c.protected_)
		return false;
	const struct xlate_port *in = xlate_bridge_port(ctx->bridge, ctx->flow.in_port);
	return in && in->bundle && in->bundle->c.protected_;
}

void xlate_output_port(struct xlate_ctx *ctx, const struct xlate_port *port)
{
	if (ctx->out->error)
		return;
	if (!port) {
		XLATE_REPORT(ctx, TRACE_WARN, "Nonexistent output port");
		ctx->out->drop_reason = DP_DROP_NO_PORT;
		return;
	}
	if (port->config & OFPPC_NO_FWD) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "OFPPC_NO_FWD set, skipping output");
		return;
	}
	if (is_between_protected(ctx, port)) {
		XLATE_REPORT(ctx, TRACE_WARN, "Flow is between protected ports, skipping output.");
		return;
	}
	if (flow_is_bare(&ctx->flow)) {
		XLATE_REPORT(ctx, TRACE_WARN,
			     "Trying to send non-Ethernet packet through legacy L2 port. Dropping "
			     "packet.");
		return;
	}
	if (port->dp_port != DP_PORT_NONE) {
		xlate_commit(ctx);
		if (ctx->snaplen)
			((struct dpact_trunc *)dpact_add(ctx->out->actions, DPACT_TRUNC,
							 sizeof(struct dpact_trunc)))
				->max_len = ctx->snaplen;
		dpact_add_output(ctx->out->actions, port->dp_port);
		xlate_mirror_egress(ctx, port);
		return;
	}
	const struct xlate_bridge *bridge =
		port->peer ? xlate_snapshot_bridge(ctx->snapshot, port->peer) : NULL;
	const struct xlate_port *peer = bridge ? xlate_bridge_port(bridge, port->peer_port) : NULL;
	if (peer)
		enter_peer(ctx, port, peer);
	else
		XLATE_REPORT(ctx, TRACE_WARN, "Nonexistent output port");
}

static void output_all(struct xlate_ctx *ctx, uint32_t except_config)
{
	const struct xlate_bridge *bridge = ctx->bridge;
	ctx->last = false; // of several outputs; who runs the list sets it anew
	for (unsigned int i = 0; i < bridge->n_ports; i++) {
		const struct xlate_port *port = &bridge->ports[i];
		if (port->ofp_port != ctx->flow.in_port && !(port->config & except_config))
			xlate_output_port(ctx, port);
	}
}

static uint8_t controller_reason(const struct xlate_ctx *ctx)
{
	if (ctx->packet_out) // whatever way it took from there
		return OFPR_PACKET_OUT;
	if (ctx->in_group)
		return OFPR_GROUP;
	return ctx->in_action_set ? OFPR_ACTION_SET : OFPR_ACTION;
}

void xlate_output(struct xlate_ctx *ctx, uint32_t ofp_port, uint16_t max_len)
{
	switch (ofp_port) {
	case OFPP_IN_PORT:
		xlate_output_port(ctx, xlate_bridge_port(ctx->bridge, ctx->flow.in_port));
		break;
	case OFPP_TABLE:
		xlate_table(ctx, ctx->flow.in_port, 0, true);
		break;
	case OFPP_NORMAL:
		ctx->last = false;
		xlate_normal(ctx);
		break;
	case OFPP_FLOOD:
		output_all(ctx, OFPPC_NO_FLOOD);
		break;
	case OFPP_ALL:
		output_all(ctx, 0);
		break;
	case OFPP_CONTROLLER:
		xlate_controller(ctx,
				 &(struct xlate_to_controller){.reason = controller_reason(ctx),
							       .max_len = max_len,
							       .meter_id = UINT32_MAX});
		break;
	case OFPP_NONE:
	case OFPP_UNSET:
		break;
	case OFPP_LOCAL:
	default:
		if (ofp_port == ctx->flow.in_port)
			XLATE_REPORT(ctx, TRACE_WARN, "skipping output to input port");
		else
			xlate_output_port(ctx, xlate_bridge_port(ctx->bridge, ofp_port));
		break;
	}
}

static bool is_table_miss_rule(const struct rule *rule)
{
	return rule && rule->cls.priority == 0 && !minimatch_n_words(&rule->cls.match);
}

static void put_controller(struct xlate_ctx *ctx, const struct xlate_to_controller *to)
{
	const struct flow_tunnel *now = &ctx->flow.tunnel, *old = &ctx->in->flow->tunnel;
	struct xlate_userdata head = {
		.kind = XLATE_USERDATA_CONTROLLER,
		.reason = to->reason == OFPR_ACTION && is_table_miss_rule(ctx->rule)
				  ? OFPR_EXPLICIT_MISS
				  : to->reason,
		.table_id = ctx->table_id,
		.dont_send = ctx->in->trace && !ctx->in->may_learn,
		.max_len = to->max_len,
		.controller_id = to->controller_id,
		.ofp_in_port = ctx->flow.in_port,
		.ofproto_id = ctx->bridge->id,
		.cookie = to->reason == OFPR_IMPLICIT_MISS ? 0 : ctx->cookie,
		.metadata = ctx->flow.metadata,
		.tun_id = now->id,
		.tun_src = now->ip_src,
		.tun_dst = now->ip_dst,
		.tun_id_set = now->id != old->id,
		.tun_ends_set = now->ip_src != old->ip_src || now->ip_dst != old->ip_dst,
		.userdata_len = (uint16_t)to->userdata_len,
		.recirc_id = to->recirc_id,
	};
	memcpy(head.regs, ctx->flow.regs, sizeof(head.regs));
	struct dpact_userspace *a = dpact_add(ctx->out->actions, DPACT_USERSPACE,
					      sizeof(*a) + sizeof(head) + to->userdata_len);
	a->userdata_len = (uint16_t)(sizeof(head) + to->userdata_len);
	memcpy(a->userdata, &head, sizeof(head));
	if (to->userdata_len)
		memcpy(a->userdata + sizeof(head), to->userdata, to->userdata_len);
}

// What exceeds the controller's meter is only kept from the controller.
void xlate_controller(struct xlate_ctx *ctx, const struct xlate_to_controller *to)
{
	uint32_t meter;
	if (ctx->out->error)
		return;
	xlate_commit(ctx);
	if (!ofproto_meter_lookup(ctx->bridge->ofproto,
				  to->meter_id == UINT32_MAX ? OFPM_CONTROLLER : to->meter_id,
				  &meter)) {
		put_controller(ctx, to);
		return;
	}
	struct buf *b = ctx->out->actions;
	size_t at = b->len;
	dpact_add(b, DPACT_CLONE, sizeof(struct dpact_nested));
	((struct dpact_meter *)dpact_add(b, DPACT_METER, sizeof(struct dpact_meter)))->id = meter;
	put_controller(ctx, to);
	((struct dpact *)(void *)(b->data + at))->len = (uint16_t)(b->len - at);
}
