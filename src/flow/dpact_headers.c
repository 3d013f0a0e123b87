/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dpact_headers.h"

#define ROW(STRUCT, MEMBER, NAME, KIND)                                                            \
	{                                                                                          \
		NAME, DPFIELD_##KIND, offsetof(struct STRUCT, MEMBER)                              \
	}

static const struct dpfield ethernet[] = {
	ROW(dpk_ethernet, src, "src", MAC),
	ROW(dpk_ethernet, dst, "dst", MAC),
	{0},
};
static const struct dpfield ipv4[] = {
	ROW(dpk_ipv4, src, "src", IPV4),
	ROW(dpk_ipv4, dst, "dst", IPV4),
	ROW(dpk_ipv4, tos, "tos", U8_HEX),
	ROW(dpk_ipv4, ttl, "ttl", U8_DEC),
	{0},
};
static const struct dpfield ipv6[] = {
	ROW(dpk_ipv6, src, "src", IPV6),	   ROW(dpk_ipv6, dst, "dst", IPV6),
	ROW(dpk_ipv6, label, "label", BE32_LABEL), ROW(dpk_ipv6, tclass, "tclass", U8_HEX),
	ROW(dpk_ipv6, hlimit, "hlimit", U8_DEC),   {0},
};
static const struct dpfield ports[] = {
	ROW(dpk_ports, src, "src", BE16_DEC),
	ROW(dpk_ports, dst, "dst", BE16_DEC),
	{0},
};
static const struct dpfield icmp[] = {
	ROW(dpk_icmp, type, "type", U8_DEC),
	ROW(dpk_icmp, code, "code", U8_DEC),
	{0},
};
static const struct dpfield arp[] = {
	ROW(dpk_arp, sip, "sip", IPV4),	  ROW(dpk_arp, tip, "tip", IPV4),
	ROW(dpk_arp, op, "op", BE16_DEC), ROW(dpk_arp, sha, "sha", MAC),
	ROW(dpk_arp, tha, "tha", MAC),	  {0},
};
static const struct dpfield nd[] = {
	ROW(dpk_nd, target, "target", IPV6),
	ROW(dpk_nd, sll, "sll", MAC),
	ROW(dpk_nd, tll, "tll", MAC),
	{0},
};
static const struct dpfield nd_ext[] = {
	ROW(dpk_nd_ext, reserved, "nd_reserved", BE32_HEX),
	ROW(dpk_nd_ext, options_type, "nd_options_type", U8_DEC),
	{0},
};
const struct dpfield dpact_nsh_fields[] = {
	ROW(dpk_nsh, flags, "flags", NSH_U8),
	ROW(dpk_nsh, ttl, "ttl", NSH_U8),
	ROW(dpk_nsh, mdtype, "mdtype", NSH_U8),
	ROW(dpk_nsh, np, "np", NSH_U8),
	ROW(dpk_nsh, path_hdr, "spi", NSH_SPI),
	{"si", DPFIELD_NSH_U8, offsetof(struct dpk_nsh, path_hdr) + 3},
	ROW(dpk_nsh, context[0], "c1", NSH_BE32),
	ROW(dpk_nsh, context[1], "c2", NSH_BE32),
	ROW(dpk_nsh, context[2], "c3", NSH_BE32),
	ROW(dpk_nsh, context[3], "c4", NSH_BE32),
	{0},
};
// Without flags and options, which are nested.
const struct dpfield dpact_tunnel_fields[] = {
	ROW(flow_tunnel, id, "tun_id", BE64_HEX),     ROW(flow_tunnel, ip_src, "src", IPV4),
	ROW(flow_tunnel, ip_dst, "dst", IPV4),	      ROW(flow_tunnel, ipv6_src, "ipv6_src", IPV6),
	ROW(flow_tunnel, ipv6_dst, "ipv6_dst", IPV6), ROW(flow_tunnel, tos, "tos", U8_HEX),
	ROW(flow_tunnel, ttl, "ttl", U8_DEC),	      ROW(flow_tunnel, tp_src, "tp_src", BE16_DEC),
	ROW(flow_tunnel, tp_dst, "tp_dst", BE16_DEC), {0},
};

const struct dpact_header_row dpact_header_rows[DPH_N_HEADERS] = {
	[DPH_PRIORITY] = {"skb_priority", NULL},
	[DPH_MARK] = {"skb_mark", NULL},
	[DPH_ETHERNET] = {"eth", ethernet},
	[DPH_IPV4] = {"ipv4", ipv4},
	[DPH_IPV6] = {"ipv6", ipv6},
	[DPH_TCP] = {"tcp", ports},
	[DPH_UDP] = {"udp", ports},
	[DPH_SCTP] = {"sctp", ports},
	[DPH_ICMP] = {"icmp", icmp},
	[DPH_ICMPV6] = {"icmpv6", icmp},
	[DPH_ARP] = {"arp", arp},
	[DPH_ND] = {"nd", nd},
	[DPH_ND_EXT] = {"nd_ext", nd_ext},
	[DPH_MPLS] = {"mpls", NULL},
	[DPH_NSH] = {"nsh", dpact_nsh_fields},
	[DPH_TUNNEL] = {"tunnel", NULL},
};
