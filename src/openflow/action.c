/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/action.h"

#include "openflow/action_row.h"

static const struct ofpact_row *const rows[OFPACT_N_TYPES] = {
	[OFPACT_OUTPUT] = &ofpact_output_row,
	[OFPACT_CONTROLLER] = &ofpact_controller_row,
	[OFPACT_ENQUEUE] = &ofpact_enqueue_row,
	[OFPACT_OUTPUT_REG] = &ofpact_output_reg_row,
	[OFPACT_SET_FIELD] = &ofpact_set_field_row,
	[OFPACT_STACK_PUSH] = &ofpact_stack_push_row,
	[OFPACT_STACK_POP] = &ofpact_stack_pop_row,
	[OFPACT_REG_MOVE] = &ofpact_reg_move_row,
	[OFPACT_SET_VLAN_VID] = &ofpact_set_vlan_vid_row,
	[OFPACT_SET_VLAN_PCP] = &ofpact_set_vlan_pcp_row,
	[OFPACT_STRIP_VLAN] = &ofpact_strip_vlan_row,
	[OFPACT_PUSH_VLAN] = &ofpact_push_vlan_row,
	[OFPACT_SET_ETH_SRC] = &ofpact_set_eth_src_row,
	[OFPACT_SET_ETH_DST] = &ofpact_set_eth_dst_row,
	[OFPACT_SET_IPV4_SRC] = &ofpact_set_ipv4_src_row,
	[OFPACT_SET_IPV4_DST] = &ofpact_set_ipv4_dst_row,
	[OFPACT_SET_IP_DSCP] = &ofpact_set_ip_dscp_row,
	[OFPACT_SET_IP_ECN] = &ofpact_set_ip_ecn_row,
	[OFPACT_SET_IP_TTL] = &ofpact_set_ip_ttl_row,
	[OFPACT_SET_L4_SRC_PORT] = &ofpact_set_l4_src_port_row,
	[OFPACT_SET_L4_DST_PORT] = &ofpact_set_l4_dst_port_row,
	[OFPACT_DEC_TTL] = &ofpact_dec_ttl_row,
	[OFPACT_SET_TUNNEL] = &ofpact_set_tunnel_row,
	[OFPACT_GROUP] = &ofpact_group_row,
	[OFPACT_SET_QUEUE] = &ofpact_set_queue_row,
	[OFPACT_POP_QUEUE] = &ofpact_pop_queue_row,
	[OFPACT_RESUBMIT] = &ofpact_resubmit_row,
	[OFPACT_NOTE] = &ofpact_note_row,
	[OFPACT_EXIT] = &ofpact_exit_row,
	[OFPACT_CLONE] = &ofpact_clone_row,
	[OFPACT_CLEAR_ACTIONS] = &ofpact_clear_actions_row,
	[OFPACT_WRITE_ACTIONS] = &ofpact_write_actions_row,
	[OFPACT_WRITE_METADATA] = &ofpact_write_metadata_row,
	[OFPACT_GOTO_TABLE] = &ofpact_goto_table_row,
};

const struct ofpact_row *ofpact_row(enum ofpact_type type)
{
	return rows[type];
}

const char *ofpact_name(enum ofpact_type type)
{
	return rows[type]->name;
}

void *ofpact_add(struct buf *b, enum ofpact_type type, size_t len)
{
	struct ofpact *a = buf_add_zeros(b, (len + 7) & ~(size_t)7);
	a->type = (uint8_t)type;
	a->len = (uint16_t)len;
	return a;
}

bool ofpacts_output_to(const void *list, size_t n, uint32_t port)
{
	OFPACT_FOREACH(a, list, n)
	{
		const struct ofpact_nest *nest = (const void *)a;
		if (a->type == OFPACT_OUTPUT && ((const struct ofpact_output *)(const void *)a)->port == port)
			return true;
		if (a->type == OFPACT_ENQUEUE && ((const struct ofpact_enqueue *)(const void *)a)->port == port)
			return true;
		if (a->type == OFPACT_CONTROLLER && port == OFPP_CONTROLLER)
			return true;
		if ((a->type == OFPACT_CLONE || a->type == OFPACT_WRITE_ACTIONS) &&
		    ofpacts_output_to(nest + 1, nest->raw_len, port))
			return true;
	}
	return false;
}

bool ofpacts_each_group(const void *list, size_t n, bool (*cb)(void *arg, uint32_t group_id), void *arg)
{
	OFPACT_FOREACH(a, list, n)
	{
		const struct ofpact_nest *nest = (const void *)a;
		if (a->type == OFPACT_GROUP && cb(arg, ((const struct ofpact_group *)(const void *)a)->group_id))
			return true;
		if ((a->type == OFPACT_CLONE || a->type == OFPACT_WRITE_ACTIONS) &&
		    ofpacts_each_group(nest + 1, nest->raw_len, cb, arg))
			return true;
	}
	return false;
}

// --- Action sets.

static const struct ofpact *last_at(const void *set, size_t n, enum ofpact_set_place place)
{
	const struct ofpact *found = NULL;
	OFPACT_FOREACH(a, set, n)
	if (rows[a->type]->place == place)
		found = a;
	return found;
}

static void copy(struct buf *list, const struct ofpact *a)
{
	if (a)
		buf_add(list, a, ofpact_size(a));
}

void ofpacts_order_set(const void *set, size_t n, struct buf *list)
{
	const struct ofpact *output = last_at(set, n, SET_GROUP);
	if (!output)
		output = last_at(set, n, SET_OUTPUT);
	if (!output)
		output = last_at(set, n, SET_RESUBMIT);
	if (!output)
		return;
	copy(list, last_at(set, n, SET_POP_VLAN));
	copy(list, last_at(set, n, SET_PUSH_VLAN));
	copy(list, last_at(set, n, SET_TTL));
	OFPACT_FOREACH(a, set, n)
	if (rows[a->type]->place == SET_SETS)
		copy(list, a);
	copy(list, last_at(set, n, SET_QOS));
	copy(list, output);
}

int ofpacts_check_set(const void *list, size_t n)
{
	OFPACT_FOREACH(a, list, n)
	if (rows[a->type]->place == SET_FORBIDDEN)
		return OFPBAC_BAD_TYPE;
	return 0;
}
