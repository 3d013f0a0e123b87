/* SPDX-License-Identifier: Apache-2.0 */
// The headers of datapath keys as rows over struct flow: internal to dpkey_*.c.
#pragma once
#include "flow/dpact_headers.h"
#include "flow/flow.h"

#define ROW(MEMBER, NAME, KIND)                                                                    \
	{                                                                                          \
		NAME, DPFIELD_##KIND, offsetof(struct flow, MEMBER)                                \
	}

static const struct dpfield key_ethernet[] = {
	ROW(dl_src, "src", MAC), ROW(dl_dst, "dst", MAC), {0}};
static const struct dpfield key_ipv4[] = {
	ROW(nw_src, "src", IPV4),
	ROW(nw_dst, "dst", IPV4),
	ROW(nw_proto, "proto", U8_DEC),
	ROW(nw_tos, "tos", U8_HEX),
	ROW(nw_ttl, "ttl", U8_DEC),
	ROW(nw_frag, "frag", FRAG),
	{0},
};
static const struct dpfield key_ipv6[] = {
	ROW(ipv6_src, "src", IPV6),	      ROW(ipv6_dst, "dst", IPV6),
	ROW(ipv6_label, "label", BE32_LABEL), ROW(nw_proto, "proto", U8_DEC),
	ROW(nw_tos, "tclass", U8_HEX),	      ROW(nw_ttl, "hlimit", U8_DEC),
	ROW(nw_frag, "frag", FRAG),	      {0},
};
static const struct dpfield key_ports[] = {
	ROW(tp_src, "src", BE16_DEC), ROW(tp_dst, "dst", BE16_DEC), {0}};
static const struct dpfield key_icmp[] = {
	ROW(tp_src, "type", BE16_BYTE), ROW(tp_dst, "code", BE16_BYTE), {0}};
static const struct dpfield key_arp[] = {
	ROW(nw_src, "sip", IPV4), ROW(nw_dst, "tip", IPV4), ROW(nw_proto, "op", U8_DEC),
	ROW(arp_sha, "sha", MAC), ROW(arp_tha, "tha", MAC), {0},
};
static const struct dpfield key_nd[] = {
	ROW(nd_target, "target", IPV6),
	ROW(arp_sha, "sll", MAC),
	ROW(arp_tha, "tll", MAC),
	{0},
};
static const struct dpfield key_nd_ext[] = {
	ROW(nd_reserved, "nd_reserved", BE32_HEX),
	ROW(nd_options_type, "nd_options_type", U8_DEC),
	{0},
};
#define NSH_ROW(MEMBER, BYTE, NAME, KIND)                                                          \
	{                                                                                          \
		NAME, DPFIELD_NSH_##KIND, offsetof(struct flow, nsh.MEMBER) + (BYTE)               \
	}
static const struct dpfield key_nsh[] = {
	NSH_ROW(flags, 0, "flags", U8),
	NSH_ROW(ttl, 0, "ttl", U8),
	NSH_ROW(mdtype, 0, "mdtype", U8),
	NSH_ROW(np, 0, "np", U8),
	NSH_ROW(path_hdr, 0, "spi", SPI),
	NSH_ROW(path_hdr, 3, "si", U8),
	NSH_ROW(context, 0, "c1", BE32),
	NSH_ROW(context, 4, "c2", BE32),
	NSH_ROW(context, 8, "c3", BE32),
	NSH_ROW(context, 12, "c4", BE32),
	{0},
};
#undef NSH_ROW
static const struct dpfield key_ct_tuple4[] = {
	ROW(ct_nw_src, "src", IPV4),	    ROW(ct_nw_dst, "dst", IPV4),
	ROW(ct_nw_proto, "proto", U8_DEC),  ROW(ct_tp_src, "tp_src", BE16_DEC),
	ROW(ct_tp_dst, "tp_dst", BE16_DEC), {0},
};
static const struct dpfield key_ct_tuple6[] = {
	ROW(ct_ipv6_src, "src", IPV6),	    ROW(ct_ipv6_dst, "dst", IPV6),
	ROW(ct_nw_proto, "proto", U8_DEC),  ROW(ct_tp_src, "tp_src", BE16_DEC),
	ROW(ct_tp_dst, "tp_dst", BE16_DEC), {0},
};
#undef ROW
