/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/locate.h"

#include "base/cursor.h"

static void locate_l4(struct locus *l, uint32_t at, uint32_t end)
{
	static const uint8_t least[256] = {
		[IP_PROTO_TCP] = TCP_HDR_BYTES,	  [IP_PROTO_UDP] = UDP_HDR_BYTES,
		[IP_PROTO_SCTP] = SCTP_HDR_BYTES, [IP_PROTO_ICMP] = ICMP_HDR_BYTES,
		[IP_PROTO_IGMP] = IGMP_HDR_BYTES, [IP_PROTO_ICMPV6] = ICMPV6_HDR_BYTES,
	};
	if (!least[l->proto] || at > end || end - at < least[l->proto] || at > UINT16_MAX)
		return;
	l->l4 = (uint16_t)at;
	l->l4_len = (uint16_t)(end - at);
}

static void locate_ipv4(const uint8_t *frame, uint32_t n, uint32_t wire_len, uint32_t at,
			struct locus *l)
{
	const struct ipv4_hdr *ip = (const void *)(frame + at);
	if (n - at < IPV4_HDR_BYTES || ip->ver_ihl >> 4 != 4)
		return;
	uint32_t header = (ip->ver_ihl & 15u) * 4, total = be16toh(ip->total_len);
	if (header < IPV4_HDR_BYTES || header > n - at || total < header || total > wire_len - at)
		return;
	l->l3_kind = LAYOUT_L3_IPV4;
	l->proto = ip->proto;
	if (!(ip->frag & BE16(IPV4_FRAG_OFFSET)))
		locate_l4(l, at + header, at + total < n ? at + total : n);
}

static void locate_ipv6(const uint8_t *frame, uint32_t n, uint32_t wire_len, uint32_t at,
			struct locus *l)
{
	const struct ipv6_hdr *ip = (const void *)(frame + at);
	if (n - at < IPV6_HDR_BYTES || frame[at] >> 4 != 6 ||
	    be16toh(ip->payload_len) > wire_len - at - IPV6_HDR_BYTES)
		return;
	l->l3_kind = LAYOUT_L3_IPV6;
	l->proto = ip->next;
	uint32_t end = at + IPV6_HDR_BYTES + be16toh(ip->payload_len);
	if (end > n)
		end = n;
	uint32_t next_at = at + IPV6_HDR_BYTES;
	while (ipv6_is_extension(l->proto)) {
		if (end - next_at < 8)
			return;
		const uint8_t *ext = frame + next_at;
		uint32_t len = ipv6_extension_bytes(l->proto, ext[1]);
		if (l->proto == IP_PROTO_FRAGMENT && get_be16(ext + 2) & IPV6_FRAG_OFFSET)
			return;
		if (len > end - next_at)
			return;
		l->routed |= l->proto == IP_PROTO_ROUTING;
		l->proto = ext[0];
		next_at += len;
	}
	locate_l4(l, next_at, end);
}

void locate(const uint8_t *frame, uint32_t n, uint32_t wire_len, struct locus *l)
{
	*l = (struct locus){.type_at = 12};
	if (n < ETH_HDR_BYTES)
		return;
	uint32_t at = ETH_HDR_BYTES;
	for (int i = 0;
	     i < FLOW_MAX_VLANS && layout_is_tpid(layout_load16(frame + at - 2)) && n >= at + 4;
	     i++)
		at += 4;
	be16_t type = layout_load16(frame + at - 2);
	if (be16toh(type) < ETHERTYPE_MIN) { // 802.2; SNAP of OUI 0 carries a type
		static const uint8_t snap[6] = {
			LLC_SNAP_SAP, LLC_SNAP_SAP, LLC_CONTROL_UI, 0, 0, 0};
		if (n < at + sizeof(struct llc_snap_hdr) || memcmp(frame + at, snap, sizeof(snap)))
			return;
		at += sizeof(struct llc_snap_hdr);
		type = layout_load16(frame + at - 2);
		if (be16toh(type) < ETHERTYPE_MIN)
			return;
	}
	l->type_at = (uint16_t)(at - 2);
	l->l3 = (uint16_t)at;
	if (type == BE16(ETHERTYPE_IPV4))
		locate_ipv4(frame, n, wire_len, at, l);
	else if (type == BE16(ETHERTYPE_IPV6))
		locate_ipv6(frame, n, wire_len, at, l);
	else if ((type == BE16(ETHERTYPE_MPLS) || type == BE16(ETHERTYPE_MPLS_MCAST)) &&
		 n >= at + MPLS_HDR_BYTES)
		l->l3_kind = LAYOUT_L3_MPLS1;
	else if ((type == BE16(ETHERTYPE_ARP) || type == BE16(ETHERTYPE_RARP)) &&
		 n >= at + sizeof(struct arp_eth_hdr) && !memcmp(frame + at, "\0\1\10\0\6\4", 6))
		l->l3_kind = LAYOUT_L3_ARP;
}
