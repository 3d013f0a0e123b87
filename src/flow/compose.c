/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/compose.h"

#include <ctype.h>
#include <string.h>

#include "packet/checksum.h"
#include "packet/headers.h"

struct payload {
	const void *bytes;
	size_t n;
};

static void add_payload(struct buf *b, const struct payload *p)
{
	if (p->bytes)
		buf_add(b, p->bytes, p->n);
	else
		buf_add_zeros(b, p->n);
}

static void compose_arp(const struct flow *f, struct buf *b)
{
	struct arp_eth_hdr arp = {
		.hrd = BE16(ARP_HRD_ETHERNET),
		.pro = BE16(ETHERTYPE_IPV4),
		.hln = 6,
		.pln = 4,
		.op = htobe16(f->nw_proto),
		.spa = f->nw_src,
		.tpa = f->nw_dst,
	};
	memcpy(arp.sha, f->arp_sha, 6);
	memcpy(arp.tha, f->arp_tha, 6);
	buf_add(b, &arp, sizeof(arp));
}

static void compose_mpls(const struct flow *f, struct buf *b)
{
	for (int i = 0; i < FLOW_MAX_MPLS; i++) {
		buf_add(b, &f->mpls[i], sizeof(f->mpls[i]));
		if (f->mpls[i] & BE32(MPLS_BOS_MASK))
			break;
	}
}

static void compose_nsh(const struct flow *f, struct buf *b)
{
	bool context = f->nsh.mdtype == 1;
	size_t words = (sizeof(struct nsh_hdr) + (context ? sizeof(f->nsh.context) : 0)) / 4;
	struct nsh_hdr nsh = {
		.ver_flags_ttl_len =
			htobe16((uint16_t)(f->nsh.flags << 12 | f->nsh.ttl << 6 | (int)words)),
		.md_type = f->nsh.mdtype,
		.next = f->nsh.np,
		.path = f->nsh.path_hdr,
	};
	buf_add(b, &nsh, sizeof(nsh));
	if (context)
		buf_add(b, f->nsh.context, sizeof(f->nsh.context));
}

// An option of a neighbour message, unless there is no address and it is not the one that comes
// first.
static void compose_lla(uint8_t type, uint8_t first, const uint8_t mac[6], struct buf *b)
{
	static const uint8_t none[6];
	if (!memcmp(mac, none, 6) && type != first)
		return;
	struct nd_lla_opt opt = {.type = type, .len = 1};
	memcpy(opt.mac, mac, 6);
	buf_add(b, &opt, sizeof(opt));
}

static void compose_icmp(const struct flow *f, const struct payload *p, struct buf *b)
{
	bool v6 = f->nw_proto == IP_PROTO_ICMPV6;
	uint8_t type = (uint8_t)be16toh(f->tp_src);
	struct icmp_hdr icmp = {.type = type, .code = (uint8_t)be16toh(f->tp_dst)};
	bool nd = v6 && !icmp.code && (type == ND_NEIGHBOR_SOLICIT || type == ND_NEIGHBOR_ADVERT);
	icmp.rest = nd ? f->nd_reserved : 0;
	buf_add(b, &icmp, sizeof(icmp));
	if (nd) {
		buf_add(b, &f->nd_target, sizeof(f->nd_target));
		compose_lla(ND_OPT_SOURCE_LLA, f->nd_options_type, f->arp_sha, b);
		compose_lla(ND_OPT_TARGET_LLA, f->nd_options_type, f->arp_tha, b);
	} else if (v6 ? type == 128 || type == 129
		      : type == ICMP_ECHO_REQUEST || type == ICMP_ECHO_REPLY) {
		add_payload(b, p);
	}
}

static void compose_tcp(const struct flow *f, const struct payload *p, struct buf *b)
{
	struct tcp_hdr tcp = {
		.src = f->tp_src,
		.dst = f->tp_dst,
		.offset_flags = BE16(5 << 12) | (f->tcp_flags & BE16(TCP_FLAGS_MASK)),
	};
	buf_add(b, &tcp, sizeof(tcp));
	if (!(f->tcp_flags & BE16(TCP_SYN | TCP_FIN | TCP_RST)))
		add_payload(b, p);
}

// The transport header and payload, without checksum.
static void compose_l4(const struct flow *f, const struct payload *p, struct buf *b)
{
	if (f->nw_frag & FLOW_FRAG_LATER) {
		add_payload(b, p);
	} else if (f->nw_proto == IP_PROTO_TCP) {
		compose_tcp(f, p, b);
	} else if (f->nw_proto == IP_PROTO_UDP) {
		struct udp_hdr udp = {f->tp_src, f->tp_dst, htobe16((uint16_t)(sizeof(udp) + p->n)),
				      0};
		buf_add(b, &udp, sizeof(udp));
		add_payload(b, p);
	} else if (f->nw_proto == IP_PROTO_SCTP) {
		struct sctp_hdr sctp = {.src = f->tp_src, .dst = f->tp_dst};
		buf_add(b, &sctp, sizeof(sctp));
		add_payload(b, p);
	} else if (f->nw_proto == IP_PROTO_ICMP || f->nw_proto == IP_PROTO_ICMPV6) {
		compose_icmp(f, p, b);
	} else if (f->nw_proto == IP_PROTO_IGMP) {
		struct igmp_hdr igmp = {
			.type = (uint8_t)be16toh(f->tp_src),
			.code = (uint8_t)be16toh(f->tp_dst),
			.group = f->igmp_group,
		};
		buf_add(b, &igmp, sizeof(igmp));
	} else {
		add_payload(b, p);
	}
}

// Fills in the checksum of the transport header at `l4`, the rest of the frame being its packet;
// `pseudo` is the pseudo header's sum.
static void finish_l4(const struct flow *f, uint8_t *l4, size_t n, uint32_t pseudo)
{
	size_t at;
	if (f->nw_frag & FLOW_FRAG_LATER)
		return;
	if (f->nw_proto == IP_PROTO_SCTP) {
		uint32_t crc = htole32(crc32c(0, l4, n));
		memcpy(l4 + offsetof(struct sctp_hdr, checksum), &crc, sizeof(crc));
		return;
	}
	if (f->nw_proto == IP_PROTO_TCP)
		at = offsetof(struct tcp_hdr, checksum);
	else if (f->nw_proto == IP_PROTO_UDP)
		at = offsetof(struct udp_hdr, checksum);
	else if (f->nw_proto == IP_PROTO_ICMPV6 || f->nw_proto == IP_PROTO_ICMP ||
		 f->nw_proto == IP_PROTO_IGMP)
		at = offsetof(struct icmp_hdr, checksum);
	else
		return;
	if (f->nw_proto == IP_PROTO_ICMP || f->nw_proto == IP_PROTO_IGMP)
		pseudo = 0;
	be16_t sum = csum_finish(csum_add(pseudo, l4, n));
	if (f->nw_proto == IP_PROTO_UDP && !sum)
		sum = 0xffff;
	memcpy(l4 + at, &sum, sizeof(sum));
}

static void compose_ipv4(const struct flow *f, const struct payload *p, struct buf *b)
{
	size_t start = b->len;
	struct ipv4_hdr ip = {
		.ver_ihl = 0x45,
		.tos = f->nw_tos,
		.ttl = f->nw_ttl,
		.proto = f->nw_proto,
		.src = f->nw_src,
		.dst = f->nw_dst,
	};
	if (f->nw_frag & FLOW_FRAG_ANY)
		ip.frag = f->nw_frag & FLOW_FRAG_LATER ? BE16(IPV4_FRAG_MF | 100)
						       : BE16(IPV4_FRAG_MF);
	buf_add(b, &ip, sizeof(ip));
	compose_l4(f, p, b);
	size_t n = b->len - start;
	ip.total_len = htobe16((uint16_t)n);
	ip.checksum = csum(&ip, sizeof(ip));
	memcpy(b->data + start, &ip, sizeof(ip));
	n -= sizeof(ip);
	finish_l4(f, b->data + start + sizeof(ip), n,
		  csum_pseudo4(f->nw_src, f->nw_dst, f->nw_proto, (uint16_t)n));
}

static void compose_ipv6(const struct flow *f, const struct payload *p, struct buf *b)
{
	size_t start = b->len, l4 = start + sizeof(struct ipv6_hdr);
	bool frag = f->nw_frag & FLOW_FRAG_ANY, later = f->nw_frag & FLOW_FRAG_LATER;
	struct ipv6_hdr ip = {
		.ver_tc_label = htobe32(6u << 28 | (uint32_t)f->nw_tos << 20) |
				(f->ipv6_label & BE32(0xfffff)),
		.next = frag ? IP_PROTO_FRAGMENT : f->nw_proto,
		.hop_limit = f->nw_ttl,
	};
	memcpy(ip.src, &f->ipv6_src, 16);
	memcpy(ip.dst, &f->ipv6_dst, 16);
	buf_add(b, &ip, sizeof(ip));
	if (frag) {
		struct ipv6_frag_hdr hdr = {
			.next = later ? IP_PROTO_NONE : f->nw_proto,
			.offset = later ? BE16(100 << 3 | IPV6_FRAG_MORE) : BE16(IPV6_FRAG_MORE),
		};
		buf_add(b, &hdr, sizeof(hdr));
		l4 += sizeof(hdr);
	}
	compose_l4(f, p, b);
	ip.payload_len = htobe16((uint16_t)(b->len - start - sizeof(ip)));
	memcpy(b->data + start, &ip, sizeof(ip));
	size_t n = b->len - l4;
	finish_l4(f, b->data + l4, n,
		  csum_pseudo6(&f->ipv6_src, &f->ipv6_dst, f->nw_proto, (uint32_t)n));
}

static void compose_l3(const struct flow *f, const struct payload *p, struct buf *b)
{
	switch (be16toh(f->dl_type)) {
	case ETHERTYPE_IPV4:
		compose_ipv4(f, p, b);
		break;
	case ETHERTYPE_IPV6:
		compose_ipv6(f, p, b);
		break;
	case ETHERTYPE_ARP:
	case ETHERTYPE_RARP:
		compose_arp(f, b);
		break;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MCAST:
		compose_mpls(f, b);
		add_payload(b, p);
		break;
	case ETHERTYPE_NSH:
		compose_nsh(f, b);
		add_payload(b, p);
		break;
	default:
		add_payload(b, p);
	}
}

void flow_compose(const struct flow *f, const void *bytes, size_t n, struct buf *b)
{
	struct payload p = {bytes, n};
	if (flow_is_bare(f)) {
		compose_l3(f, &p, b);
		return;
	}
	buf_add(b, f->dl_dst, 6);
	buf_add(b, f->dl_src, 6);
	for (int i = 0; i < FLOW_MAX_VLANS && f->vlan[i].tci & BE16(VLAN_CFI); i++) {
		be16_t tpid = f->vlan[i].tpid ? f->vlan[i].tpid : BE16(ETHERTYPE_VLAN_8021Q);
		buf_add(b, &tpid, sizeof(tpid));
		buf_add_be16(b, be16toh(f->vlan[i].tci) &
					~VLAN_CFI); // the flow's bit only says that there is a tag
	}
	if (be16toh(f->dl_type) < ETHERTYPE_MIN) { // 802.3: a length, and LLC that is not SNAP
		buf_add_be16(b, (uint16_t)n);
		add_payload(b, &p);
		return;
	}
	buf_add(b, &f->dl_type, sizeof(f->dl_type));
	compose_l3(f, &p, b);
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10
					    : -1;
}

struct error *packet_from_hex(const char *text, struct buf *b)
{
	size_t start = b->len;
	for (;;) {
		text += strspn(text, " \t\r\n");
		if (!*text)
			return NULL;
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			break;
		buf_add_u8(b, (uint8_t)(high << 4 | low));
		text += 2;
	}
	b->len = start;
	return error_new("%s: trailing garbage in packet data", text);
}
