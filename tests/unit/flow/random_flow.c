/* SPDX-License-Identifier: Apache-2.0 */
#include "random_flow.h"

#include <string.h>

#include "base/random.h"
#include "packet/headers.h"

static bool one_in(uint32_t n)
{
	return !random_below(n);
}

static uint32_t some_u32(void)
{
	return one_in(4) ? 0 : one_in(4) ? UINT32_MAX : one_in(2) ? random_below(16) : random_u32();
}

static void some_address6(union flow_in6 *a)
{
	random_bytes(a, sizeof(*a));
	if (one_in(2))
		a->d[random_below(2)] = 0;
}

static void random_l4(struct flow *f)
{
	static const uint8_t protos[] = {IP_PROTO_TCP,
					 IP_PROTO_UDP,
					 IP_PROTO_SCTP,
					 IP_PROTO_ICMP,
					 IP_PROTO_ICMPV6,
					 IP_PROTO_IGMP,
					 89};
	f->nw_proto = protos[random_below(sizeof(protos))];
	if (f->dl_type == BE16(ETHERTYPE_IPV4) && f->nw_proto == IP_PROTO_ICMPV6)
		f->nw_proto = IP_PROTO_ICMP;
	if (f->dl_type == BE16(ETHERTYPE_IPV6) &&
	    (f->nw_proto == IP_PROTO_ICMP || f->nw_proto == IP_PROTO_IGMP))
		f->nw_proto = IP_PROTO_ICMPV6;
	f->nw_frag = one_in(4) ? (one_in(2) ? FLOW_FRAG_ANY : FLOW_FRAG_ANY | FLOW_FRAG_LATER) : 0;
	if (f->nw_frag & FLOW_FRAG_LATER) {
		if (f->dl_type == BE16(ETHERTYPE_IPV6))
			f->nw_proto = IP_PROTO_FRAGMENT;
		return;
	}
	if (f->nw_proto == 89)
		return;
	f->tp_src = (be16_t)random_u32();
	f->tp_dst = (be16_t)random_u32();
	if (f->nw_proto == IP_PROTO_TCP)
		f->tcp_flags = (be16_t)random_u32() & BE16(TCP_FLAGS_MASK);
	if (f->nw_proto == IP_PROTO_IGMP)
		f->igmp_group = random_u32();
	if (f->nw_proto == IP_PROTO_ICMP || f->nw_proto == IP_PROTO_ICMPV6 ||
	    f->nw_proto == IP_PROTO_IGMP) {
		f->tp_src = htobe16((uint16_t)random_below(256));
		f->tp_dst = htobe16((uint16_t)random_below(3));
	}
	if (f->nw_proto == IP_PROTO_ICMPV6 && one_in(2)) {
		f->tp_src = one_in(2) ? BE16(ND_NEIGHBOR_SOLICIT) : BE16(ND_NEIGHBOR_ADVERT);
		f->tp_dst = 0;
	}
	if (flow_is_nd(f)) {
		some_address6(&f->nd_target);
		random_bytes(f->arp_sha, 6 * random_below(2));
		random_bytes(f->arp_tha, 6 * random_below(2));
		f->nd_reserved = random_u32();
		static const uint8_t none[6];
		f->nd_options_type = memcmp(f->arp_sha, none, 6)   ? 1
				     : memcmp(f->arp_tha, none, 6) ? 2
								   : 0;
	}
}

static void random_l3(struct flow *f)
{
	static const uint16_t types[] = {ETHERTYPE_IPV4,   ETHERTYPE_IPV4,	 ETHERTYPE_IPV6,
					 ETHERTYPE_IPV6,   ETHERTYPE_ARP,	 ETHERTYPE_RARP,
					 ETHERTYPE_MPLS,   ETHERTYPE_MPLS_MCAST, 0x88b5,
					 FLOW_DL_TYPE_NONE};
	f->dl_type = htobe16(types[random_below(10)]);
	if (f->dl_type == BE16(ETHERTYPE_IPV4)) {
		f->nw_src = random_u32();
		f->nw_dst = random_u32();
	} else if (f->dl_type == BE16(ETHERTYPE_IPV6)) {
		some_address6(&f->ipv6_src);
		some_address6(&f->ipv6_dst);
		f->ipv6_label = random_u32() & BE32(0xfffff);
	} else if (f->dl_type == BE16(ETHERTYPE_ARP) || f->dl_type == BE16(ETHERTYPE_RARP)) {
		f->nw_src = random_u32();
		f->nw_dst = random_u32();
		f->nw_proto = (uint8_t)random_below(5);
		random_bytes(f->arp_sha, 6);
		random_bytes(f->arp_tha, 6);
		return;
	} else {
		uint32_t n = 1 + random_below(FLOW_MAX_MPLS);
		if (f->dl_type == BE16(ETHERTYPE_MPLS) || f->dl_type == BE16(ETHERTYPE_MPLS_MCAST))
			for (uint32_t i = 0; i < n; i++) {
				f->mpls[i] = random_u32() & ~BE32(MPLS_BOS_MASK);
				if (i == n - 1)
					f->mpls[i] |= BE32(MPLS_BOS_MASK);
			}
		return;
	}
	f->nw_tos = (uint8_t)random_u32();
	f->nw_ttl = (uint8_t)random_u32();
	random_l4(f);
}

void random_flow(struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->metadata = one_in(2) ? random_u64() : 0;
	for (int i = 0; i < FLOW_N_REGS; i++)
		f->regs[i] = one_in(4) ? some_u32() : 0;
	f->skb_priority = some_u32();
	f->pkt_mark = some_u32();
	f->dp_hash = some_u32();
	f->in_port = random_below(OFPP_MAX);
	f->recirc_id = some_u32();
	f->ct_state = one_in(3) ? random_below(256) : 0;
	f->ct_mark = some_u32();
	f->ct_zone = (uint16_t)some_u32();
	some_address6(&f->ct_label);
	random_bytes(f->dl_dst, 6);
	random_bytes(f->dl_src, 6);
	for (uint32_t i = 0, n = random_below(FLOW_MAX_VLANS + 1); i < n; i++)
		f->vlan[i] = (struct flow_vlan){one_in(3) ? BE16(ETHERTYPE_VLAN_8021AD)
							  : BE16(ETHERTYPE_VLAN_8021Q),
						(be16_t)random_u32() | BE16(VLAN_CFI)};
	random_l3(f);
}

static void random_mask(const struct field *f, union field_value *mask)
{
	field_exact_mask(f, mask);
	if (f->maskable == FIELD_NOT_MASKABLE || one_in(2))
		return;
	for (unsigned int i = 0; i < f->n_bytes; i++)
		mask->b[i] &= (uint8_t)random_u32();
	if (f->format == FORMAT_CT_STATE)
		mask->be32 &= BE32(0xff);
	if (f->format == FORMAT_FRAG)
		mask->u8 = (uint8_t)(1 + random_below(3));
}

void random_match(struct match *m)
{
	struct flow f;
	random_flow(&f);
	f.tunnel.id = random_u64();
	f.tunnel.ip_src = random_u32();
	f.tunnel.ip_dst = random_u32();
	match_init_any(m);
	uint32_t density = 1 + random_below(12);
	if (be16toh(f.dl_type) != FLOW_DL_TYPE_NONE) {
		union field_value v;
		field_get_value(field_get(FIELD_ETH_TYPE), &f, &v);
		match_set(m, field_get(FIELD_ETH_TYPE), &v, NULL);
		field_get_value(field_get(FIELD_IP_PROTO), &f, &v);
		if ((f.dl_type == BE16(ETHERTYPE_IPV4) || f.dl_type == BE16(ETHERTYPE_IPV6)) &&
		    !one_in(4))
			match_set(m, field_get(FIELD_IP_PROTO), &v, NULL);
	}
	for (int id = 0; id < FIELD_N_IDS; id++) {
		const struct field *row = field_get((enum field_id)id);
		union field_value v, mask;
		if (!one_in(density) || row->place == FIELD_PLACE_OPTION ||
		    id == FIELD_PACKET_TYPE || row->prereq == PREREQ_CT ||
		    id == FIELD_IN_PORT_OXM || id == FIELD_ETH_TYPE || id == FIELD_TUN_GBP_FLAGS ||
		    !field_prereqs_ok(row, &m->flow, &m->mask))
			continue;
		field_get_value(row, &f, &v);
		random_mask(row, &mask);
		if (row->format == FORMAT_FRAG && v.u8 != FLOW_FRAG_ANY &&
		    !(mask.u8 == FLOW_FRAG_LATER && !v.u8))
			mask.u8 = 3; // "no" and "later" have one mask each
		if (!field_mask_is_zero(row, &mask))
			match_set(m, row, &v, &mask);
	}
}
