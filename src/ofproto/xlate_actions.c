/* SPDX-License-Identifier: Apache-2.0 */
// What each OpenFlow action does to a translation: the table parallel to that of openflow/action.h.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ofproto/meters.h"
#include "ofproto/xlate_ctx.h"
#include "openflow/packet_io.h"

enum { MAX_STACK_WORDS = 64 * 1024 / 8, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_SCTP = 132 };

// False: the rest of the list is not run.
typedef bool action_fn(struct xlate_ctx *, const void *action);

static bool has_vlan(const struct xlate_ctx *ctx)
{
	return ctx->flow.vlan[0].tci & BE16(FLOW_VLAN_CFI);
}

static bool is_ipv4(const struct xlate_ctx *ctx)
{
	return ctx->flow.dl_type == BE16(0x0800);
}

static bool is_ip_any(const struct xlate_ctx *ctx)
{
	return is_ipv4(ctx) || ctx->flow.dl_type == BE16(0x86dd);
}

static bool do_output(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_output *a = action;
	xlate_output(ctx, a->port, a->max_len);
	return true;
}

static bool do_controller(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_controller *a = action;
	if (a->pause) {
		ctx->freeze.pause = a;
		xlate_freeze_after(ctx);
		return true;
	}
	xlate_controller(ctx, &(struct xlate_to_controller){.reason = a->reason,
							    .max_len = a->max_len,
							    .controller_id = a->controller_id,
							    .meter_id = a->meter_id ? a->meter_id
										    : UINT32_MAX,
							    .userdata = a->userdata,
							    .userdata_len = a->userdata_len});
	return true;
}

static void output_on_queue(struct xlate_ctx *ctx, uint32_t port, uint32_t queue)
{
	uint32_t old = ctx->flow.skb_priority;
	ctx->mask->skb_priority = UINT32_MAX;
	ctx->flow.skb_priority = queue;
	xlate_output(ctx, port, 0);
	ctx->flow.skb_priority = old;
}

static bool do_enqueue(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_enqueue *a = action;
	output_on_queue(ctx, a->port, a->queue);
	return true;
}

// --- Subfields.

void xlate_unwildcard_subfield(struct xlate_ctx *ctx, const struct subfield *sf)
{
	union field_value bits;
	subfield_mask(sf, &bits);
	field_unwildcard(sf->field, &bits, ctx->mask);
}

// Does the packet have the field? That is looked at, too.
static bool field_is_there(struct xlate_ctx *ctx, const struct field *field)
{
	field_unwildcard_prereqs(field, ctx->mask);
	return field_prereqs_ok(field, &ctx->flow, NULL);
}

static void report_subfield(struct xlate_ctx *ctx, const struct subfield *sf)
{
	if (!ctx->node)
		return;
	struct str s = STR_INIT;
	subfield_format(sf, &s);
	str_add(&s, " is now ");
	if (sf->n_bits == sf->field->n_bits) {
		union field_value v;
		field_get_value(sf->field, &ctx->flow, &v);
		field_format_value(sf->field, &v, NULL, NULL, NULL, &s);
	} else {
		str_addf(&s, "%#llx", (unsigned long long)subfield_get_u64(sf, &ctx->flow));
	}
	XLATE_REPORT(ctx, TRACE_DETAIL, "%s", str_cstr(&s));
	str_done(&s);
}

void xlate_set_subfield(struct xlate_ctx *ctx, const struct subfield *sf, uint64_t value)
{
	if (!field_is_there(ctx, sf->field))
		return;
	xlate_unwildcard_subfield(ctx, sf);
	subfield_set_u64(sf, value, &ctx->flow);
	report_subfield(ctx, sf);
}

static bool do_output_reg(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_output_reg *a = action;
	xlate_unwildcard_subfield(ctx, &a->src);
	uint64_t port = subfield_get_u64(&a->src, &ctx->flow);
	if (port <= UINT16_MAX) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "output port is %llu", (unsigned long long)port);
		xlate_output(ctx, (uint32_t)port, a->max_len);
	} else {
		XLATE_REPORT(ctx, TRACE_WARN, "output port %llu is out of range",
			     (unsigned long long)port);
	}
	return true;
}

static bool do_set_field(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_set_field *a = action;
	if (!field_is_there(ctx, a->field)) {
		XLATE_REPORT(ctx, TRACE_WARN, "unmet prerequisites for %s, set_field ignored",
			     a->field->name);
		return true;
	}
	const union field_value *mask = ofpact_set_field_mask(a);
	field_unwildcard(a->field, mask, ctx->mask);
	bool had_vlan = has_vlan(ctx);
	field_set_masked(a->field, ofpact_set_field_value(a), mask, &ctx->flow);
	if (has_vlan(ctx) != had_vlan) // VLAN fields may make a tag, or take it away
		xlate_unwildcard_vlans(ctx);
	return true;
}

static bool do_reg_move(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_reg_move *a = action;
	if (!field_is_there(ctx, a->src.field) || !field_is_there(ctx, a->dst.field))
		return true;
	xlate_unwildcard_subfield(ctx, &a->src);
	xlate_unwildcard_subfield(ctx, &a->dst);
	struct flow from;
	flow_copy(&from, &ctx->flow);
	bool had_vlan = has_vlan(ctx);
	subfield_copy(&a->src, &a->dst, &from, &ctx->flow);
	if (has_vlan(ctx) != had_vlan)
		xlate_unwildcard_vlans(ctx);
	report_subfield(ctx, &a->dst);
	return true;
}

// The stack holds a subfield in pieces of up to 64 bits, the lowest on top, and above them their
// number.
static bool push_word(struct xlate_ctx *ctx, uint64_t word)
{
	if (ctx->stack_n >= MAX_STACK_WORDS) {
		XLATE_REPORT(ctx, TRACE_ERROR, "resubmits yielded over 64 kB of stack");
		xlate_fail(ctx, XLATE_STACK_TOO_DEEP);
		return false;
	}
	if (ctx->stack_n == ctx->stack_cap) {
		ctx->stack_cap = ctx->stack_cap ? 2 * ctx->stack_cap : 16;
		ctx->stack = xrealloc(ctx->stack, ctx->stack_cap * sizeof(*ctx->stack));
	}
	ctx->stack[ctx->stack_n++] = word;
	return true;
}

static struct subfield piece_of(const struct subfield *sf, unsigned int from)
{
	unsigned int n = sf->n_bits - from;
	return (struct subfield){.field = sf->field,
				 .offset = (uint16_t)(sf->offset + from),
				 .n_bits = (uint16_t)(n > 64 ? 64 : n)};
}

static bool do_stack_push(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_stack *a = action;
	xlate_unwildcard_subfield(ctx, &a->subfield);
	unsigned int n = (a->subfield.n_bits + 63u) / 64;
	for (unsigned int i = n; i-- > 0;) {
		struct subfield piece = piece_of(&a->subfield, i * 64);
		if (!push_word(ctx, subfield_get_u64(&piece, &ctx->flow)))
			return false;
	}
	return push_word(ctx, n);
}

// The low bits of what was pushed go in; bits that were not pushed are zero.
static bool do_stack_pop(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_stack *a = action;
	if (!ctx->stack_n) {
		XLATE_REPORT(ctx, TRACE_ERROR, "stack underflow");
		return true;
	}
	unsigned int n = (unsigned int)ctx->stack[--ctx->stack_n];
	bool there = field_is_there(ctx, a->subfield.field);
	if (there)
		xlate_unwildcard_subfield(ctx, &a->subfield);
	for (unsigned int from = 0; there && from < a->subfield.n_bits; from += 64) {
		unsigned int i = from / 64;
		uint64_t word = i < n ? ctx->stack[ctx->stack_n - 1 - i] : 0;
		struct subfield piece = piece_of(&a->subfield, from);
		subfield_set_u64(&piece, word, &ctx->flow);
	}
	ctx->stack_n -= n;
	if (there)
		report_subfield(ctx, &a->subfield);
	return true;
}

// Whether the option was there is looked at: the packet goes on without it.
static bool do_delete_field(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_delete_field *a = action;
	XLATE_REPORT(ctx, TRACE_DETAIL, "delete %s", a->field->name);
	field_unwildcard(a->field, NULL, ctx->mask);
	field_delete_option(a->field, &ctx->flow);
	return true;
}

// --- VLAN tags.

static void push_vlan(struct xlate_ctx *ctx, be16_t tpid, uint16_t tci)
{
	xlate_unwildcard_vlans(ctx);
	memmove(&ctx->flow.vlan[1], &ctx->flow.vlan[0],
		(FLOW_MAX_VLANS - 1) * sizeof(ctx->flow.vlan[0]));
	ctx->flow.vlan[0].tpid = tpid;
	ctx->flow.vlan[0].tci = htobe16((uint16_t)(tci | FLOW_VLAN_CFI));
}

static void set_vlan_bits(struct xlate_ctx *ctx, uint16_t bits, uint16_t value, bool push_if_needed)
{
	ctx->mask->vlan[0].tci |= htobe16((uint16_t)(bits | FLOW_VLAN_CFI));
	if (has_vlan(ctx)) {
		uint16_t tci = be16toh(ctx->flow.vlan[0].tci);
		ctx->flow.vlan[0].tci = htobe16((uint16_t)((tci & ~bits) | value));
	} else if (push_if_needed) {
		push_vlan(ctx, BE16(0x8100), value);
	}
}

static bool do_set_vlan_vid(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_vlan_vid *a = action;
	set_vlan_bits(ctx, 0x0fff, a->vid & 0xfff, a->push_if_needed);
	return true;
}

static bool do_set_vlan_pcp(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_vlan_pcp *a = action;
	set_vlan_bits(ctx, 0xe000, (uint16_t)((a->pcp & 7) << 13), a->push_if_needed);
	return true;
}

static bool do_strip_vlan(struct xlate_ctx *ctx, const void *action)
{
	(void)action;
	xlate_unwildcard_vlans(ctx);
	if (has_vlan(ctx)) {
		memmove(&ctx->flow.vlan[0], &ctx->flow.vlan[1],
			(FLOW_MAX_VLANS - 1) * sizeof(ctx->flow.vlan[0]));
		memset(&ctx->flow.vlan[FLOW_MAX_VLANS - 1], 0, sizeof(ctx->flow.vlan[0]));
	}
	return true;
}

// OpenFlow 1.3.3, 5.11.1 would have the new tag take VID and priority of the one that was
// outermost; this switch has always pushed an empty one.
static bool do_push_vlan(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_push_vlan *a = action;
	push_vlan(ctx, a->ethertype, 0);
	return true;
}

// --- Header fields.

static bool do_set_eth_src(struct xlate_ctx *ctx, const void *action)
{
	memset(ctx->mask->dl_src, 0xff, 6);
	memcpy(ctx->flow.dl_src, ((const struct ofpact_mac *)action)->mac, 6);
	return true;
}

static bool do_set_eth_dst(struct xlate_ctx *ctx, const void *action)
{
	memset(ctx->mask->dl_dst, 0xff, 6);
	memcpy(ctx->flow.dl_dst, ((const struct ofpact_mac *)action)->mac, 6);
	return true;
}

static bool do_set_ipv4_src(struct xlate_ctx *ctx, const void *action)
{
	if (is_ipv4(ctx)) {
		ctx->mask->nw_src = UINT32_MAX;
		ctx->flow.nw_src = ((const struct ofpact_ipv4 *)action)->ip;
	}
	return true;
}

static bool do_set_ipv4_dst(struct xlate_ctx *ctx, const void *action)
{
	if (is_ipv4(ctx)) {
		ctx->mask->nw_dst = UINT32_MAX;
		ctx->flow.nw_dst = ((const struct ofpact_ipv4 *)action)->ip;
	}
	return true;
}

static void set_tos_bits(struct xlate_ctx *ctx, uint8_t bits, uint8_t value)
{
	if (is_ip_any(ctx)) {
		ctx->mask->nw_tos |= bits;
		ctx->flow.nw_tos = (uint8_t)((ctx->flow.nw_tos & ~bits) | (value & bits));
	}
}

static bool do_set_ip_dscp(struct xlate_ctx *ctx, const void *action)
{
	set_tos_bits(ctx, 0xfc, ((const struct ofpact_u8 *)action)->value);
	return true;
}

static bool do_set_ip_ecn(struct xlate_ctx *ctx, const void *action)
{
	set_tos_bits(ctx, 0x03, ((const struct ofpact_u8 *)action)->value);
	return true;
}

static bool do_set_ip_ttl(struct xlate_ctx *ctx, const void *action)
{
	if (is_ip_any(ctx)) {
		ctx->mask->nw_ttl = UINT8_MAX;
		ctx->flow.nw_ttl = ((const struct ofpact_u8 *)action)->value;
	}
	return true;
}

static bool has_ports(struct xlate_ctx *ctx)
{
	if (!is_ip_any(ctx) || ctx->flow.nw_frag & FLOW_FRAG_LATER)
		return false;
	ctx->mask->nw_proto = UINT8_MAX;
	return ctx->flow.nw_proto == PROTO_TCP || ctx->flow.nw_proto == PROTO_UDP ||
	       ctx->flow.nw_proto == PROTO_SCTP;
}

static bool do_set_l4_src_port(struct xlate_ctx *ctx, const void *action)
{
	if (has_ports(ctx)) {
		ctx->mask->tp_src = UINT16_MAX;
		ctx->flow.tp_src = htobe16(((const struct ofpact_l4_port *)action)->port);
	}
	return true;
}

static bool do_set_l4_dst_port(struct xlate_ctx *ctx, const void *action)
{
	if (has_ports(ctx)) {
		ctx->mask->tp_dst = UINT16_MAX;
		ctx->flow.tp_dst = htobe16(((const struct ofpact_l4_port *)action)->port);
	}
	return true;
}

// A packet that must not live on goes to the controllers instead, and the list ends.
static bool do_dec_ttl(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_dec_ttl *a = action;
	if (!is_ip_any(ctx))
		return true;
	ctx->mask->nw_ttl = UINT8_MAX;
	if (ctx->flow.nw_ttl > 1) {
		ctx->flow.nw_ttl--;
		return true;
	}
	XLATE_REPORT(ctx, TRACE_WARN, "%s decrement TTL exception", is_ipv4(ctx) ? "IPv4" : "IPv6");
	struct xlate_to_controller to = {
		.reason = OFPR_INVALID_TTL, .max_len = UINT16_MAX, .meter_id = UINT32_MAX};
	for (unsigned int i = 0; i < a->n_controllers; i++) {
		to.controller_id = a->controllers[i];
		xlate_controller(ctx, &to);
	}
	if (!a->n_controllers)
		xlate_controller(ctx, &to);
	return false;
}

static bool do_set_tunnel(struct xlate_ctx *ctx, const void *action)
{
	ctx->flow.tunnel.id = htobe64(((const struct ofpact_tunnel *)action)->tun_id);
	return true;
}

static bool do_set_queue(struct xlate_ctx *ctx, const void *action)
{
	ctx->mask->skb_priority = UINT32_MAX;
	ctx->flow.skb_priority = ((const struct ofpact_queue *)action)->queue;
	return true;
}

static bool do_pop_queue(struct xlate_ctx *ctx, const void *action)
{
	(void)action;
	ctx->mask->skb_priority = UINT32_MAX;
	if (ctx->flow.skb_priority == ctx->in->flow->skb_priority)
		return true;
	ctx->flow.skb_priority = ctx->in->flow->skb_priority;
	XLATE_REPORT(ctx, TRACE_DETAIL, "queue = %#x", ctx->flow.skb_priority);
	return true;
}

// --- Control.

static bool do_resubmit(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_resubmit *a = action;
	uint32_t in_port = a->in_port == OFPP_IN_PORT ? ctx->flow.in_port : a->in_port;
	xlate_table(ctx, in_port, a->table == 255 ? ctx->table_id : a->table, false);
	return true;
}

static bool do_group(struct xlate_ctx *ctx, const void *action)
{
	xlate_group(ctx, ((const struct ofpact_group *)action)->group_id);
	return true;
}

static bool do_meter(struct xlate_ctx *ctx, const void *action)
{
	uint32_t id;
	if (!ofproto_meter_lookup(ctx->bridge->ofproto,
				  ((const struct ofpact_meter *)action)->meter_id, &id))
		return true;
	xlate_commit(ctx);
	ctx->irreversible++;
	((struct dpact_meter *)dpact_add(ctx->out->actions, DPACT_METER,
					 sizeof(struct dpact_meter)))
		->id = id;
	return true;
}

static bool do_note(struct xlate_ctx *ctx, const void *action)
{
	(void)ctx;
	(void)action;
	return true;
}

static bool do_exit(struct xlate_ctx *ctx, const void *action)
{
	(void)action;
	ctx->exit = true;
	return false;
}

static void report_action_set(struct xlate_ctx *ctx, const char *verb)
{
	if (!ctx->node)
		return;
	struct buf ordered = BUF_INIT;
	struct str s = STR_INIT;
	ofpacts_order_set(ctx->action_set.data, ctx->action_set.len, &ordered);
	ofpacts_format(ordered.data, ordered.len, &(struct ofpact_text){0}, &s);
	if (ordered.len)
		XLATE_REPORT(ctx, TRACE_DETAIL, "action set %s: %s", verb, str_cstr(&s));
	else
		XLATE_REPORT(ctx, TRACE_DETAIL, "action set %s empty", verb);
	str_done(&s);
	buf_done(&ordered);
}

static bool do_clear_actions(struct xlate_ctx *ctx, const void *action)
{
	(void)action;
	report_action_set(ctx, "was");
	buf_clear(&ctx->action_set);
	ctx->flow.actset_output = OFPP_UNSET;
	return true;
}

static bool do_write_actions(struct xlate_ctx *ctx, const void *action)
{
	size_t n;
	const struct ofpact *list = ofpact_nest_actions(action, &n);
	buf_add(&ctx->action_set, list, n);
	OFPACT_FOREACH (a, list, n)
		if (a->type == OFPACT_OUTPUT)
			ctx->flow.actset_output =
				((const struct ofpact_output *)(const void *)a)->port;
	report_action_set(ctx, "is");
	return true;
}

static bool do_write_metadata(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_metadata *a = action;
	ctx->flow.metadata = (ctx->flow.metadata & ~a->mask) | (a->value & a->mask);
	return true;
}

// It is about the flow's counters: see triggers.h.
static bool do_stat_trigger(struct xlate_ctx *ctx, const void *action)
{
	(void)ctx;
	(void)action;
	return true;
}

static bool do_goto_table(struct xlate_ctx *ctx, const void *action)
{
	xlate_table(ctx, ctx->flow.in_port, ((const struct ofpact_goto_table *)action)->table,
		    true);
	return true;
}

static action_fn *const action_rows[OFPACT_N_TYPES] = {
	[OFPACT_OUTPUT] = do_output,
	[OFPACT_CONTROLLER] = do_controller,
	[OFPACT_ENQUEUE] = do_enqueue,
	[OFPACT_OUTPUT_REG] = do_output_reg,
	[OFPACT_SET_FIELD] = do_set_field,
	[OFPACT_STACK_PUSH] = do_stack_push,
	[OFPACT_STACK_POP] = do_stack_pop,
	[OFPACT_REG_MOVE] = do_reg_move,
	[OFPACT_SET_VLAN_VID] = do_set_vlan_vid,
	[OFPACT_SET_VLAN_PCP] = do_set_vlan_pcp,
	[OFPACT_STRIP_VLAN] = do_strip_vlan,
	[OFPACT_PUSH_VLAN] = do_push_vlan,
	[OFPACT_SET_ETH_SRC] = do_set_eth_src,
	[OFPACT_SET_ETH_DST] = do_set_eth_dst,
	[OFPACT_SET_IPV4_SRC] = do_set_ipv4_src,
	[OFPACT_SET_IPV4_DST] = do_set_ipv4_dst,
	[OFPACT_SET_IP_DSCP] = do_set_ip_dscp,
	[OFPACT_SET_IP_ECN] = do_set_ip_ecn,
	[OFPACT_SET_IP_TTL] = do_set_ip_ttl,
	[OFPACT_SET_L4_SRC_PORT] = do_set_l4_src_port,
	[OFPACT_SET_L4_DST_PORT] = do_set_l4_dst_port,
	[OFPACT_DEC_TTL] = do_dec_ttl,
	[OFPACT_SET_TUNNEL] = do_set_tunnel,
	[OFPACT_GROUP] = do_group,
	[OFPACT_SET_QUEUE] = do_set_queue,
	[OFPACT_POP_QUEUE] = do_pop_queue,
	[OFPACT_RESUBMIT] = do_resubmit,
	[OFPACT_METER] = do_meter,
	[OFPACT_NOTE] = do_note,
	[OFPACT_DELETE_FIELD] = do_delete_field,
	[OFPACT_EXIT] = do_exit,
	[OFPACT_CLONE] = xlate_do_clone,
	[OFPACT_ENCAP] = xlate_do_encap,
	[OFPACT_DECAP] = xlate_do_decap,
	[OFPACT_DEC_NSH_TTL] = xlate_do_dec_nsh_ttl,
	[OFPACT_OUTPUT_TRUNC] = xlate_do_output_trunc,
	[OFPACT_BUNDLE] = xlate_do_bundle,
	[OFPACT_MULTIPATH] = xlate_do_multipath,
	[OFPACT_SET_MPLS_LABEL] = xlate_do_set_mpls_label,
	[OFPACT_SET_MPLS_TC] = xlate_do_set_mpls_tc,
	[OFPACT_SET_MPLS_TTL] = xlate_do_set_mpls_ttl,
	[OFPACT_DEC_MPLS_TTL] = xlate_do_dec_mpls_ttl,
	[OFPACT_PUSH_MPLS] = xlate_do_push_mpls,
	[OFPACT_POP_MPLS] = xlate_do_pop_mpls,
	[OFPACT_CONJUNCTION] = xlate_do_conjunction,
	[OFPACT_SAMPLE] = xlate_do_sample,
	[OFPACT_CT_CLEAR] = xlate_do_ct_clear,
	[OFPACT_LEARN] = xlate_do_learn,
	[OFPACT_FIN_TIMEOUT] = xlate_do_fin_timeout,
	[OFPACT_CLEAR_ACTIONS] = do_clear_actions,
	[OFPACT_WRITE_ACTIONS] = do_write_actions,
	[OFPACT_WRITE_METADATA] = do_write_metadata,
	[OFPACT_STAT_TRIGGER] = do_stat_trigger,
	[OFPACT_GOTO_TABLE] = do_goto_table,
	[OFPACT_DEBUG_RECIRC] = xlate_do_debug_recirc,
	[OFPACT_DEBUG_SLOW] = xlate_do_debug_slow,
	[OFPACT_UNROLL_XLATE] = xlate_do_unroll,
};

bool xlate_knows_action(enum ofpact_type type)
{
	return action_rows[type] || type == OFPACT_CHECK_PKT_LARGER;
}

static void report_action(struct xlate_ctx *ctx, const struct ofpact *a)
{
	struct str s = STR_INIT;
	ofpacts_format(a, ofpact_size(a), &(struct ofpact_text){0}, &s);
	XLATE_REPORT(ctx, TRACE_ACTION, "%s", str_cstr(&s));
	str_done(&s);
}

static void run_actions(struct xlate_ctx *ctx, const void *list, size_t n)
{
	const bool last = ctx->last;
	const uint8_t *end = (const uint8_t *)list + n;
	OFPACT_FOREACH (a, list, n) {
		const uint8_t *next = (const uint8_t *)a + ofpact_size(a);
		if (ctx->behind_mpls && !ctx->exit && xlate_needs_inner_headers(ctx, a))
			xlate_freeze_begin(ctx);
		if (ctx->exit) {
			if (ctx->freeze.on)
				xlate_freeze_rest(ctx, a, end);
			return;
		}
		ctx->last = last && next == end && !ctx->action_set.len;
		if (ctx->node)
			report_action(ctx, a);
		if (a->type == OFPACT_CHECK_PKT_LARGER) {
			xlate_check_pkt_larger(ctx, (const void *)a, next, (size_t)(end - next));
			return;
		}
		bool go_on = action_rows[a->type](ctx, a);
		if (ctx->freeze.on && !ctx->freeze.unwinding) {
			xlate_freeze_rest(ctx, ctx->freeze.past ? (const void *)next : a, end);
			return;
		}
		if (!go_on)
			return;
	}
}

void xlate_actions(struct xlate_ctx *ctx, const void *list, size_t n)
{
	const bool last = ctx->last;
	run_actions(ctx, list, n);
	ctx->last = last;
}
