/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/rte_rule.h"

#include <rte_ethdev.h>
#include <string.h>

#include "base/byteorder.h"
#include "packet/headers.h"

static void add_item(struct rte_rule *r, enum rte_flow_item_type type, const void *spec,
		     const void *mask)
{
	r->items[r->n_items++] = (struct rte_flow_item){.type = type, .spec = spec, .mask = mask};
}

static bool is_zero(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

// What is left of the mask when all that patterns can say is taken out.
static bool all_said(const struct flow *key, const struct flow *mask)
{
	struct flow rest = *mask;
	rest.in_port = 0;     // the rule is of one port
	rest.recirc_id = 0;   // checked by the caller: it is a packet from the wire
	rest.packet_type = 0; // checked by the caller, too: there is only Ethernet
	memset(rest.dl_dst, 0, 6);
	memset(rest.dl_src, 0, 6);
	rest.dl_type = 0;
	rest.vlan[0].tci = rest.vlan[0].tpid = 0;
	if (!(key->vlan[1].tci &
	      htons(FLOW_VLAN_CFI))) // the type behind the tags says that there are no more
		rest.vlan[1].tci &= ~htons(FLOW_VLAN_CFI);
	rest.nw_src = rest.nw_dst = 0;
	memset(&rest.ipv6_src, 0, sizeof(rest.ipv6_src));
	memset(&rest.ipv6_dst, 0, sizeof(rest.ipv6_dst));
	rest.nw_frag = rest.nw_tos = rest.nw_ttl = rest.nw_proto = 0;
	rest.tp_src = rest.tp_dst = 0;
	return is_zero(
		&rest,
		FLOW_WORDS *
			sizeof(uint64_t)); // without options of tunnels, which are zero as well
}

static void add_ethernet(struct rte_rule *r, const struct flow *key, const struct flow *mask)
{
	memcpy(r->spec.eth.hdr.dst_addr.addr_bytes, key->dl_dst, 6);
	memcpy(r->spec.eth.hdr.src_addr.addr_bytes, key->dl_src, 6);
	memcpy(r->mask.eth.hdr.dst_addr.addr_bytes, mask->dl_dst, 6);
	memcpy(r->mask.eth.hdr.src_addr.addr_bytes, mask->dl_src, 6);
	bool tagged =
		mask->vlan[0].tci & htons(FLOW_VLAN_CFI) && key->vlan[0].tci & htons(FLOW_VLAN_CFI);
	if (!tagged) {
		r->spec.eth.hdr.ether_type = key->dl_type;
		r->mask.eth.hdr.ether_type = mask->dl_type;
	}
	r->tagged = tagged;
	add_item(r, RTE_FLOW_ITEM_TYPE_ETH, &r->spec.eth, &r->mask.eth);
	if (!tagged)
		return;
	r->spec.vlan.hdr.vlan_tci = key->vlan[0].tci & ~htons(FLOW_VLAN_CFI);
	r->mask.vlan.hdr.vlan_tci = mask->vlan[0].tci & ~htons(FLOW_VLAN_CFI);
	r->spec.vlan.hdr.eth_proto = key->dl_type;
	r->mask.vlan.hdr.eth_proto = mask->dl_type;
	add_item(r, RTE_FLOW_ITEM_TYPE_VLAN, &r->spec.vlan, &r->mask.vlan);
}

static void add_ipv4(struct rte_rule *r, const struct flow *key, const struct flow *mask)
{
	struct rte_ipv4_hdr *spec = &r->spec.ipv4.hdr, *m = &r->mask.ipv4.hdr;
	spec->src_addr = key->nw_src & mask->nw_src;
	spec->dst_addr = key->nw_dst & mask->nw_dst;
	spec->next_proto_id = key->nw_proto & mask->nw_proto;
	spec->type_of_service = key->nw_tos & mask->nw_tos;
	spec->time_to_live = key->nw_ttl & mask->nw_ttl;
	m->src_addr = mask->nw_src;
	m->dst_addr = mask->nw_dst;
	m->next_proto_id = mask->nw_proto;
	m->type_of_service = mask->nw_tos;
	m->time_to_live = mask->nw_ttl;
	add_item(r, RTE_FLOW_ITEM_TYPE_IPV4, &r->spec.ipv4, &r->mask.ipv4);
}

static void add_ipv6(struct rte_rule *r, const struct flow *key, const struct flow *mask)
{
	struct rte_ipv6_hdr *spec = &r->spec.ipv6.hdr, *m = &r->mask.ipv6.hdr;
	memcpy(spec->src_addr, &key->ipv6_src, 16);
	memcpy(spec->dst_addr, &key->ipv6_dst, 16);
	memcpy(m->src_addr, &mask->ipv6_src, 16);
	memcpy(m->dst_addr, &mask->ipv6_dst, 16);
	for (unsigned int i = 0; i < 16; i++) {
		spec->src_addr[i] &= m->src_addr[i];
		spec->dst_addr[i] &= m->dst_addr[i];
	}
	spec->proto = key->nw_proto & mask->nw_proto;
	spec->hop_limits = key->nw_ttl & mask->nw_ttl;
	spec->vtc_flow = htonl((uint32_t)(key->nw_tos & mask->nw_tos) << 20);
	m->proto = mask->nw_proto;
	m->hop_limits = mask->nw_ttl;
	m->vtc_flow = htonl((uint32_t)mask->nw_tos << 20);
	add_item(r, RTE_FLOW_ITEM_TYPE_IPV6, &r->spec.ipv6, &r->mask.ipv6);
}

// False: ports that no item has a place for.
static bool add_l4(struct rte_rule *r, const struct flow *key, const struct flow *mask)
{
	bool known = mask->nw_proto == 0xff, ports = mask->tp_src || mask->tp_dst;
	be16_t src = key->tp_src & mask->tp_src, dst = key->tp_dst & mask->tp_dst;
	if (!ports)
		return true;
	if (!known)
		return false;
	switch (key->nw_proto) {
	case IP_PROTO_TCP:
		r->spec.tcp.hdr = (struct rte_tcp_hdr){.src_port = src, .dst_port = dst};
		r->mask.tcp.hdr =
			(struct rte_tcp_hdr){.src_port = mask->tp_src, .dst_port = mask->tp_dst};
		add_item(r, RTE_FLOW_ITEM_TYPE_TCP, &r->spec.tcp, &r->mask.tcp);
		return true;
	case IP_PROTO_UDP:
		r->spec.udp.hdr = (struct rte_udp_hdr){.src_port = src, .dst_port = dst};
		r->mask.udp.hdr =
			(struct rte_udp_hdr){.src_port = mask->tp_src, .dst_port = mask->tp_dst};
		add_item(r, RTE_FLOW_ITEM_TYPE_UDP, &r->spec.udp, &r->mask.udp);
		return true;
	case IP_PROTO_SCTP:
		r->spec.sctp.hdr = (struct rte_sctp_hdr){.src_port = src, .dst_port = dst};
		r->mask.sctp.hdr =
			(struct rte_sctp_hdr){.src_port = mask->tp_src, .dst_port = mask->tp_dst};
		add_item(r, RTE_FLOW_ITEM_TYPE_SCTP, &r->spec.sctp, &r->mask.sctp);
		return true;
	case IP_PROTO_ICMP:
		r->spec.icmp.hdr = (struct rte_icmp_hdr){.icmp_type = (uint8_t)ntohs(src),
							 .icmp_code = (uint8_t)ntohs(dst)};
		r->mask.icmp.hdr = (struct rte_icmp_hdr){.icmp_type = (uint8_t)ntohs(mask->tp_src),
							 .icmp_code = (uint8_t)ntohs(mask->tp_dst)};
		add_item(r, RTE_FLOW_ITEM_TYPE_ICMP, &r->spec.icmp, &r->mask.icmp);
		return true;
	default:
		return false;
	}
}

static bool looks_at_ip(const struct flow *mask)
{
	return mask->nw_proto || mask->nw_tos || mask->nw_ttl || mask->nw_frag || mask->nw_src ||
	       mask->nw_dst || mask->tp_src || mask->tp_dst || !is_zero(&mask->ipv6_src, 16) ||
	       !is_zero(&mask->ipv6_dst, 16);
}

// False: it cannot be said.
static bool add_l3(struct rte_rule *r, const struct flow *key, const struct flow *mask)
{
	if (!looks_at_ip(mask))
		return true;
	if (mask->dl_type != 0xffff ||
	    key->nw_frag & mask->nw_frag) // fragments are left to the switch
		return false;
	if (key->dl_type == htons(ETHERTYPE_IPV4))
		add_ipv4(r, key, mask);
	else if (key->dl_type == htons(ETHERTYPE_IPV6))
		add_ipv6(r, key, mask);
	else
		return false;
	return add_l4(r, key, mask);
}

bool rte_rule_of_flow(struct rte_rule *r, const struct flow *key, const struct flow *mask,
		      uint32_t mark, unsigned int n_queues)
{
	memset(r, 0, sizeof(*r));
	if (!n_queues || n_queues > RTE_RULE_QUEUES || key->recirc_id & mask->recirc_id ||
	    flow_is_bare(key) || !all_said(key, mask))
		return false;
	add_ethernet(r, key, mask);
	if (!add_l3(r, key, mask))
		return false;
	add_item(r, RTE_FLOW_ITEM_TYPE_END, NULL, NULL);
	for (unsigned int q = 0; q < n_queues; q++)
		r->queues[q] = (uint16_t)q;
	r->mark.id = mark;
	r->rss = (struct rte_flow_action_rss){.queue_num = n_queues,
					      .queue = r->queues,
					      .types = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP |
						       RTE_ETH_RSS_UDP};
	r->actions[0] =
		(struct rte_flow_action){.type = RTE_FLOW_ACTION_TYPE_MARK, .conf = &r->mark};
	r->actions[1] = (struct rte_flow_action){.type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &r->rss};
	r->actions[2] = (struct rte_flow_action){.type = RTE_FLOW_ACTION_TYPE_END};
	return true;
}

// That there is no tag, or which kind it has.
static bool make_tags_exact(struct rte_rule *r, const struct flow *key, const struct flow *mask)
{
	bool known_type = mask->dl_type == 0xffff;
	if (mask->vlan[0].tci && !(mask->vlan[0].tci & htons(FLOW_VLAN_CFI)))
		return false; // bits of a tag that may be there or not
	if (r->tagged && mask->vlan[0].tpid) {
		r->spec.eth.hdr.ether_type = key->vlan[0].tpid;
		r->mask.eth.hdr.ether_type = mask->vlan[0].tpid;
	}
	if (!r->tagged && mask->vlan[0].tci && !known_type)
		r->mask.eth.has_vlan = 1;
	if (r->tagged && mask->vlan[1].tci && !known_type)
		r->mask.vlan.has_more_vlan = 1;
	return true;
}

bool rte_rule_make_exact(struct rte_rule *r, const struct flow *key, const struct flow *mask)
{
	if (!make_tags_exact(r, key, mask))
		return false;
	// No item, or no fragment. (With an extension header IPv6 has another protocol there, so a
	// rule about the protocol matches less.)
	if (mask->nw_frag && key->dl_type == htons(ETHERTYPE_IPV4))
		r->mask.ipv4.hdr.fragment_offset =
			htons(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
	else if (mask->nw_frag && key->dl_type == htons(ETHERTYPE_IPV6))
		r->mask.ipv6.has_frag_ext = 1;
	// Of ports and the like without an item for them nothing is left: see add_l4().
	return true;
}
