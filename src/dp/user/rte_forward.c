/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/rte_forward.h"

#include <string.h>

#include "base/byteorder.h"
#include "flow/dpact.h"

enum { DSCP_SHIFT = 2, DSCP_MASK = 0xfc };
static const char too_many[] = "there are too many actions";

// The memory of what the action says; its type is set.
static void *add(struct rte_forward *f, enum rte_flow_action_type type)
{
	void *conf = &f->conf[f->n];
	f->actions[f->n++] = (struct rte_flow_action){.type = type, .conf = conf};
	return conf;
}

static bool is_full(const void *mask, size_t n)
{
	const uint8_t *p = mask;
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0xff)
			return false;
	return true;
}

static bool is_none(const void *mask, size_t n)
{
	const uint8_t *p = mask;
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

// A field that is set as a whole, or not at all. False: in part.
static bool set_field(struct rte_forward *f, enum rte_flow_action_type type, const void *value,
		      const void *mask, size_t n)
{
	if (is_none(mask, n))
		return true;
	if (is_full(mask, n))
		memcpy(add(f, type), value, n);
	return is_full(mask, n);
}

// Of TOS and traffic class cards can set the upper six bits.
static bool set_dscp(struct rte_forward *f, enum rte_flow_action_type type, uint8_t value,
		     uint8_t mask)
{
	if (mask == DSCP_MASK)
		((struct rte_flow_action_set_dscp *)add(f, type))->dscp = value >> DSCP_SHIFT;
	return !mask || mask == DSCP_MASK;
}

#define SET(TYPE, FIELD)                                                                           \
	set_field(f, RTE_FLOW_ACTION_TYPE_SET_##TYPE, &s->key.FIELD, &s->mask.FIELD,               \
		  sizeof(s->key.FIELD))

// False: a card cannot.
static bool translate_set(struct rte_forward *f, const struct dpact_set *s)
{
	switch ((enum dpact_header)s->header) {
	case DPH_ETHERNET:
		return SET(MAC_SRC, ethernet.src) && SET(MAC_DST, ethernet.dst);
	case DPH_IPV4:
		return SET(IPV4_SRC, ipv4.src) && SET(IPV4_DST, ipv4.dst) && SET(TTL, ipv4.ttl) &&
		       set_dscp(f, RTE_FLOW_ACTION_TYPE_SET_IPV4_DSCP, s->key.ipv4.tos,
				s->mask.ipv4.tos);
	case DPH_IPV6:
		return SET(IPV6_SRC, ipv6.src) && SET(IPV6_DST, ipv6.dst) &&
		       SET(TTL, ipv6.hlimit) &&
		       set_dscp(f, RTE_FLOW_ACTION_TYPE_SET_IPV6_DSCP, s->key.ipv6.tclass,
				s->mask.ipv6.tclass) &&
		       !s->mask.ipv6.label;
	case DPH_TCP:
	case DPH_UDP:
		return SET(TP_SRC, ports.src) && SET(TP_DST, ports.dst);
	case DPH_PRIORITY:
	case DPH_MARK:
	case DPH_SCTP:
	case DPH_ICMP:
	case DPH_ICMPV6:
	case DPH_ARP:
	case DPH_ND:
	case DPH_ND_EXT:
	case DPH_MPLS:
	case DPH_NSH:
	case DPH_TUNNEL:
	case DPH_N_HEADERS:
		break;
	}
	return false;
}

static void push_vlan(struct rte_forward *f, const struct dpact_push_vlan *push)
{
	uint16_t tci = be16toh(push->tci);
	((struct rte_flow_action_of_push_vlan *)add(f, RTE_FLOW_ACTION_TYPE_OF_PUSH_VLAN))
		->ethertype = push->tpid;
	((struct rte_flow_action_of_set_vlan_vid *)add(f, RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_VID))
		->vlan_vid = htobe16(tci & 0xfff);
	((struct rte_flow_action_of_set_vlan_pcp *)add(f, RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_PCP))
		->vlan_pcp = (uint8_t)(tci >> 13);
}

static const char *forward(struct rte_forward *f, uint32_t port, int device)
{
	if (f->forwards)
		return "packets go to more than one port";
	if (device < 0)
		return "packets go to a port that is no network card's";
	f->forwards = true;
	f->out_port = port;
	f->attr = (struct rte_flow_attr){.transfer = 1};
	((struct rte_flow_action_ethdev *)add(f, RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT))->port_id =
		(uint16_t)device;
	return NULL;
}

const char *rte_forward_of_actions(struct rte_forward *f, const void *actions, size_t len,
				   int (*device_of)(void *arg, uint32_t port), void *arg)
{
	enum { MOST_OF_ONE = 4 };
	const uint8_t *p = actions, *end = p + len;
	memset(f, 0, sizeof(*f));
	f->attr.ingress = 1;
	add(f, RTE_FLOW_ACTION_TYPE_COUNT);
	while (p < end) {
		const struct dpact *a = (const void *)p;
		const char *why = f->forwards ? "something happens after packets went out" : NULL;
		p += (a->len + 7u) & ~7u;
		if (f->n + MOST_OF_ONE + 2 > RTE_FORWARD_ACTIONS)
			return too_many;
		if (a->type == DPACT_OUTPUT) {
			uint32_t port = ((const struct dpact_output *)a)->port;
			why = forward(f, port, device_of(arg, port));
		} else if (a->type == DPACT_SET) {
			why = why || translate_set(f, (const void *)a)
				      ? why
				      : "a field is set that cards do not set, or in part";
		} else if (a->type == DPACT_PUSH_VLAN) {
			push_vlan(f, (const void *)a);
		} else if (a->type == DPACT_POP_VLAN) {
			add(f, RTE_FLOW_ACTION_TYPE_OF_POP_VLAN);
		} else if (a->type != DPACT_DROP) {
			why = "an action is none of a network card's";
		}
		if (why)
			return why;
	}
	if (!f->forwards)
		add(f, RTE_FLOW_ACTION_TYPE_DROP);
	f->actions[f->n] = (struct rte_flow_action){.type = RTE_FLOW_ACTION_TYPE_END};
	return NULL;
}

bool rte_forward_by_port_id(struct rte_forward *f)
{
	struct rte_flow_action *last = &f->actions[f->n - 1];
	if (last->type != RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT)
		return false;
	uint16_t port = f->conf[f->n - 1].ethdev.port_id;
	f->conf[f->n - 1].port_id = (struct rte_flow_action_port_id){.id = port};
	last->type = RTE_FLOW_ACTION_TYPE_PORT_ID;
	return true;
}
