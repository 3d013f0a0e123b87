/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/action.h"

#include "openflow/action_row.h"

const struct ofpact_row *const ofpact_rows[OFPACT_N_TYPES] = {
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
	[OFPACT_OUTPUT_TRUNC] = &ofpact_output_trunc_row,
	[OFPACT_BUNDLE] = &ofpact_bundle_row,
	[OFPACT_MULTIPATH] = &ofpact_multipath_row,
	[OFPACT_SET_MPLS_LABEL] = &ofpact_set_mpls_label_row,
	[OFPACT_SET_MPLS_TC] = &ofpact_set_mpls_tc_row,
	[OFPACT_SET_MPLS_TTL] = &ofpact_set_mpls_ttl_row,
	[OFPACT_DEC_MPLS_TTL] = &ofpact_dec_mpls_ttl_row,
	[OFPACT_PUSH_MPLS] = &ofpact_push_mpls_row,
	[OFPACT_POP_MPLS] = &ofpact_pop_mpls_row,
	[OFPACT_LEARN] = &ofpact_learn_row,
	[OFPACT_FIN_TIMEOUT] = &ofpact_fin_timeout_row,
	[OFPACT_CONJUNCTION] = &ofpact_conjunction_row,
	[OFPACT_SAMPLE] = &ofpact_sample_row,
	[OFPACT_CT] = &ofpact_ct_row,
	[OFPACT_CT_CLEAR] = &ofpact_ct_clear_row,
	[OFPACT_NAT] = &ofpact_nat_row,
	[OFPACT_ENCAP] = &ofpact_encap_row,
	[OFPACT_DECAP] = &ofpact_decap_row,
	[OFPACT_DEC_NSH_TTL] = &ofpact_dec_nsh_ttl_row,
	[OFPACT_CHECK_PKT_LARGER] = &ofpact_check_pkt_larger_row,
	[OFPACT_DELETE_FIELD] = &ofpact_delete_field_row,
	[OFPACT_DEBUG_RECIRC] = &ofpact_debug_recirc_row,
	[OFPACT_DEBUG_SLOW] = &ofpact_debug_slow_row,
	[OFPACT_METER] = &ofpact_meter_row,
	[OFPACT_CLEAR_ACTIONS] = &ofpact_clear_actions_row,
	[OFPACT_WRITE_ACTIONS] = &ofpact_write_actions_row,
	[OFPACT_WRITE_METADATA] = &ofpact_write_metadata_row,
	[OFPACT_STAT_TRIGGER] = &ofpact_stat_trigger_row,
	[OFPACT_GOTO_TABLE] = &ofpact_goto_table_row,
	[OFPACT_UNROLL_XLATE] = &ofpact_unroll_xlate_row,
};

const char *ofpact_name(enum ofpact_type type)
{
	return ofpact_rows[type]->name;
}

void *ofpact_add(struct buf *b, enum ofpact_type type, size_t len)
{
	struct ofpact *a = buf_add_zeros(b, (len + 7) & ~(size_t)7);
	a->type = (uint8_t)type;
	a->len = (uint16_t)len;
	return a;
}

const struct ofpact *ofpact_nested(const struct ofpact *a, size_t *n)
{
	const struct ofpact_nest *nest = (const void *)a;
	const struct ofpact_ct *ct = (const void *)a;
	if (a->type == OFPACT_CLONE || a->type == OFPACT_WRITE_ACTIONS) {
		*n = nest->raw_len;
		return (const void *)(nest + 1);
	}
	if (a->type == OFPACT_CT) {
		*n = ct->raw_len;
		return (const void *)(ct + 1);
	}
	*n = 0;
	return NULL;
}

static bool outputs_to(const struct ofpact *a, uint32_t port)
{
	const struct ofpact_bundle *bundle = (const void *)a;
	switch ((int)a->type) {
	case OFPACT_OUTPUT:
		return ((const struct ofpact_output *)(const void *)a)->port == port;
	case OFPACT_OUTPUT_TRUNC:
		return ((const struct ofpact_output_trunc *)(const void *)a)->port == port;
	case OFPACT_ENQUEUE:
		return ((const struct ofpact_enqueue *)(const void *)a)->port == port;
	case OFPACT_CONTROLLER:
		return port == OFPP_CONTROLLER;
	case OFPACT_BUNDLE:
		for (unsigned int i = 0; !bundle->dst.field && i < bundle->n_members; i++)
			if (bundle->members[i] == port)
				return true;
	}
	return false;
}

bool ofpacts_output_to(const void *list, size_t n, uint32_t port)
{
	OFPACT_FOREACH (a, list, n) {
		size_t inner;
		const struct ofpact *nested = ofpact_nested(a, &inner);
		if (outputs_to(a, port) || (nested && ofpacts_output_to(nested, inner, port)))
			return true;
	}
	return false;
}

bool ofpacts_each_group(const void *list, size_t n, bool (*cb)(void *arg, uint32_t group_id),
			void *arg)
{
	OFPACT_FOREACH (a, list, n) {
		size_t inner;
		const struct ofpact *nested = ofpact_nested(a, &inner);
		if (a->type == OFPACT_GROUP &&
		    cb(arg, ((const struct ofpact_group *)(const void *)a)->group_id))
			return true;
		if (nested && ofpacts_each_group(nested, inner, cb, arg))
			return true;
	}
	return false;
}

// --- Action sets.

static const struct ofpact *last_at(const void *set, size_t n, enum ofpact_set_place place)
{
	const struct ofpact *found = NULL;
	OFPACT_FOREACH (a, set, n)
		if (ofpact_rows[a->type]->place == place)
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
	const struct ofpact *output = NULL;
	for (int place = SET_GROUP; !output && place <= SET_CT; place++)
		output = last_at(set, n, (enum ofpact_set_place)place);
	if (!output)
		return;
	for (int place = SET_POP_VLAN; place < SET_SETS; place++)
		copy(list, last_at(set, n, (enum ofpact_set_place)place));
	OFPACT_FOREACH (a, set, n)
		if (ofpact_rows[a->type]->place == SET_SETS)
			copy(list, a);
	copy(list, last_at(set, n, SET_QOS));
	copy(list, output);
}

int ofpacts_check_set(const void *list, size_t n)
{
	OFPACT_FOREACH (a, list, n)
		if (ofpact_rows[a->type]->place == SET_FORBIDDEN)
			return OFPBAC_BAD_TYPE;
	return 0;
}
