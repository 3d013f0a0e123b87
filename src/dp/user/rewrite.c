/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/rewrite.h"

#include <rte_mbuf.h>

#include "dp/user/locate.h"
#include "packet/checksum.h"

// A frame with its headers found.
struct target {
	struct rte_mbuf *m;
	uint8_t *frame;
	struct locus at;
};

static struct target target_make(struct rte_mbuf *m)
{
	struct target t = {.m = m, .frame = rte_pktmbuf_mtod(m, uint8_t *)};
	locate(t.frame, m->data_len, m->pkt_len, &t.at);
	return t;
}

static bool is_partial(const struct rte_mbuf *m)
{
	return m->ol_flags &
	       (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG);
}

// Sets those bytes of the header that differ under the mask. `before` and `after` hold them for
// checksums.
static bool merge(uint8_t *field, const void *key, const void *mask, size_t n, uint8_t *before,
		  uint8_t *after)
{
	const uint8_t *k = key, *m = mask;
	memcpy(before, field, n);
	for (size_t i = 0; i < n; i++)
		after[i] = (uint8_t)((field[i] & ~m[i]) | k[i]);
	memcpy(field, after, n);
	return memcmp(before, after, n) != 0;
}

static void merge_plain(uint8_t *field, const void *key, const void *mask, size_t n)
{
	const uint8_t *k = key, *m = mask;
	for (size_t i = 0; i < n; i++)
		field[i] = (uint8_t)((field[i] & ~m[i]) | k[i]);
}

static void update_at(uint8_t *checksum, const uint8_t *before, const uint8_t *after, size_t n)
{
	be16_t sum = layout_load16(checksum);
	sum = csum_update(sum, before, after, n);
	memcpy(checksum, &sum, sizeof(sum));
}

static void update_udp(uint8_t *checksum, const uint8_t *before, const uint8_t *after, size_t n)
{
	if (!layout_load16(checksum)) // the sender made none
		return;
	update_at(checksum, before, after, n);
	if (!layout_load16(checksum))
		memset(checksum, 0xff, 2);
}

// The place of the L4 checksum that covers the IP addresses, or NULL.
static uint8_t *l4_checksum(const struct target *t)
{
	if (!t->at.l4)
		return NULL;
	uint8_t *l4 = t->frame + t->at.l4;
	if (t->at.proto == IP_PROTO_TCP)
		return l4 + offsetof(struct tcp_hdr, checksum);
	if (t->at.proto == IP_PROTO_UDP)
		return l4 + offsetof(struct udp_hdr, checksum);
	if (t->at.proto == IP_PROTO_ICMPV6 && t->at.l3_kind == LAYOUT_L3_IPV6)
		return l4 + offsetof(struct icmp_hdr, checksum);
	return NULL;
}

// An address of the pseudo header changed.
static void update_pseudo(const struct target *t, const uint8_t *before, const uint8_t *after,
			  size_t n)
{
	uint8_t *checksum = l4_checksum(t);
	if (!checksum)
		return;
	if (is_partial(t->m) &&
	    t->at.proto != IP_PROTO_ICMPV6) { // the sum itself, not its complement
		be16_t sum = (be16_t)~layout_load16(checksum);
		sum = (be16_t)~csum_update(sum, before, after, n);
		memcpy(checksum, &sum, sizeof(sum));
	} else if (t->at.proto == IP_PROTO_UDP) {
		update_udp(checksum, before, after, n);
	} else {
		update_at(checksum, before, after, n);
	}
}

static void set_ipv4(struct target *t, const struct dpk_ipv4 *key, const struct dpk_ipv4 *mask)
{
	if (t->at.l3_kind != LAYOUT_L3_IPV4)
		return;
	struct ipv4_hdr *ip = (void *)(t->frame + t->at.l3);
	uint8_t *checksum = (uint8_t *)&ip->checksum;
	uint8_t before[20], after[20];
	memcpy(before, ip, sizeof(before));
	uint8_t *raw = (uint8_t *)ip;
	merge_plain(raw + offsetof(struct ipv4_hdr, tos), &key->tos, &mask->tos, 1);
	merge_plain(raw + offsetof(struct ipv4_hdr, ttl), &key->ttl, &mask->ttl, 1);
	merge_plain(raw + offsetof(struct ipv4_hdr, src), &key->src, &mask->src, 4);
	merge_plain(raw + offsetof(struct ipv4_hdr, dst), &key->dst, &mask->dst, 4);
	memcpy(after, ip, sizeof(after));
	if (!(t->m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM))
		update_at(checksum, before, after, sizeof(after));
	if (memcmp(before + 12, after + 12, 8))
		update_pseudo(t, before + 12, after + 12, 8);
}

static void set_ipv6(struct target *t, const struct dpk_ipv6 *key, const struct dpk_ipv6 *mask)
{
	if (t->at.l3_kind != LAYOUT_L3_IPV6)
		return;
	struct ipv6_hdr *ip = (void *)(t->frame + t->at.l3);
	uint8_t before[16], after[16];
	if (merge(ip->src, &key->src, &mask->src, 16, before, after))
		update_pseudo(t, before, after, 16);
	if (merge(ip->dst, &key->dst, &mask->dst, 16, before, after) && !t->at.routed)
		update_pseudo(t, before, after, 16);
	uint32_t word = be32toh(ip->ver_tc_label);
	uint32_t bits = (uint32_t)mask->tclass << 20 | (be32toh(mask->label) & 0xfffff);
	uint32_t value = (uint32_t)key->tclass << 20 | (be32toh(key->label) & 0xfffff);
	ip->ver_tc_label = htobe32((word & ~bits) | value);
	merge_plain(&ip->hop_limit, &key->hlimit, &mask->hlimit, 1);
}

// The checksum covers the whole packet: what the new one is wrong by is what the old one was.
static void set_sctp_ports(struct target *t, const struct dpk_ports *key,
			   const struct dpk_ports *mask)
{
	struct rte_mbuf *m = t->m;
	const struct ipv4_hdr *ip4 = (const void *)(t->frame + t->at.l3);
	const struct ipv6_hdr *ip6 = (const void *)ip4;
	uint32_t end = t->at.l3 + (t->at.l3_kind == LAYOUT_L3_IPV4
					   ? be16toh(ip4->total_len)
					   : IPV6_HDR_BYTES + be16toh(ip6->payload_len));
	uint8_t *l4 = t->frame + t->at.l4;
	uint32_t stored, crc[2];
	memcpy(&stored, l4 + 8, 4);
	bool offloaded = is_partial(m);
	for (int pass = 0; pass < 2; pass++) {
		if (pass)
			merge_plain(l4, key, mask, sizeof(*key));
		memset(l4 + 8, 0, 4);
		crc[pass] = 0;
		uint32_t from = t->at.l4, left = offloaded ? 0 : end - from;
		for (const struct rte_mbuf *s = m; s && left; s = s->next) {
			if (from < s->data_len) {
				uint32_t n = s->data_len - from < left ? s->data_len - from : left;
				crc[pass] = crc32c(crc[pass],
						   rte_pktmbuf_mtod_offset(s, uint8_t *, from), n);
				left -= n;
				from = 0;
			} else {
				from -= s->data_len;
			}
		}
	}
	stored ^= htole32(crc[0]) ^ htole32(crc[1]);
	memcpy(l4 + 8, &stored, 4);
}

static void set_ports(struct target *t, uint8_t proto, const struct dpk_ports *key,
		      const struct dpk_ports *mask)
{
	if (!t->at.l4 || t->at.proto != proto ||
	    (t->at.l3_kind != LAYOUT_L3_IPV4 && t->at.l3_kind != LAYOUT_L3_IPV6))
		return;
	if (proto == IP_PROTO_SCTP) {
		set_sctp_ports(t, key, mask);
		return;
	}
	uint8_t *l4 = t->frame + t->at.l4, before[4], after[4];
	if (!merge(l4, key, mask, 4, before, after) || is_partial(t->m))
		return;
	if (proto == IP_PROTO_UDP)
		update_udp(l4 + offsetof(struct udp_hdr, checksum), before, after, 4);
	else
		update_at(l4 + offsetof(struct tcp_hdr, checksum), before, after, 4);
}

static void set_icmp(struct target *t, enum layout_l3 l3, uint8_t proto, const struct dpk_icmp *key,
		     const struct dpk_icmp *mask)
{
	if (!t->at.l4 || t->at.proto != proto || t->at.l3_kind != l3)
		return;
	uint8_t *l4 = t->frame + t->at.l4, before[2], after[2];
	if (merge(l4, key, mask, 2, before, after))
		update_at(l4 + offsetof(struct icmp_hdr, checksum), before, after, 2);
}

static void set_arp(struct target *t, const struct dpk_arp *key, const struct dpk_arp *mask)
{
	if (t->at.l3_kind != LAYOUT_L3_ARP)
		return;
	uint8_t *arp = t->frame + t->at.l3;
	merge_plain(arp + offsetof(struct arp_eth_hdr, op), &key->op, &mask->op, 2);
	merge_plain(arp + offsetof(struct arp_eth_hdr, sha), key->sha, mask->sha, 6);
	merge_plain(arp + offsetof(struct arp_eth_hdr, spa), &key->sip, &mask->sip, 4);
	merge_plain(arp + offsetof(struct arp_eth_hdr, tha), key->tha, mask->tha, 6);
	merge_plain(arp + offsetof(struct arp_eth_hdr, tpa), &key->tip, &mask->tip, 4);
}

static void set_nd(struct target *t, const struct dpk_nd *key, const struct dpk_nd *mask)
{
	const struct locus *l = &t->at;
	uint8_t *nd = t->frame + l->l4, *checksum = nd + offsetof(struct nd_msg, checksum),
		before[16], after[16];
	if (!l->l4 || l->proto != IP_PROTO_ICMPV6 || l->l3_kind != LAYOUT_L3_IPV6 ||
	    l->l4_len < ND_MSG_BYTES ||
	    (nd[0] != ND_NEIGHBOR_SOLICIT && nd[0] != ND_NEIGHBOR_ADVERT) || nd[1])
		return;
	if (merge(nd + offsetof(struct nd_msg, target), &key->target, &mask->target, 16, before,
		  after))
		update_at(checksum, before, after, 16);
	for (uint32_t at = ND_MSG_BYTES; at + 8 <= l->l4_len;) {
		uint32_t len = nd[at + 1] * 8u;
		if (!len || len > l->l4_len - at)
			return;
		bool sll = nd[at] == ND_OPT_SOURCE_LLA, tll = nd[at] == ND_OPT_TARGET_LLA;
		if ((sll || tll) && len == 8 &&
		    merge(nd + at + 2, sll ? key->sll : key->tll, sll ? mask->sll : mask->tll, 6,
			  before, after))
			update_at(checksum, before, after, 6);
		at += len;
	}
}

// Flags and time to live share a word with the length; the context is there with metadata type 1
// only.
static void set_nsh(struct target *t, const struct dpk_nsh *key, const struct dpk_nsh *mask)
{
	uint8_t *at = t->frame + t->at.l3;
	if (!t->at.l3 || layout_load16(t->frame + t->at.type_at) != BE16(ETHERTYPE_NSH) ||
	    t->m->data_len < t->at.l3 + sizeof(struct nsh_hdr))
		return;
	uint32_t base = get_be16(at), len = 4u * (base & NSH_LEN_MASK),
		 left = t->m->data_len - t->at.l3;
	if (base & NSH_VERSION_MASK || len < sizeof(struct nsh_hdr) || len > left)
		return;
	uint32_t bits = (mask->flags & 3u) << 12 | (mask->ttl & 63u) << 6,
		 value = (key->flags & 3u) << 12 | (key->ttl & 63u) << 6;
	put_be16(at, (uint16_t)((base & ~bits) | value));
	merge_plain(at + offsetof(struct nsh_hdr, path), &key->path_hdr, &mask->path_hdr, 4);
	if ((at[2] & 15) == 1 && len == sizeof(struct nsh_hdr) + sizeof(key->context))
		merge_plain(at + sizeof(struct nsh_hdr), key->context, mask->context,
			    sizeof(key->context));
}

static void set_nd_ext(struct target *t, const struct dpk_nd_ext *key,
		       const struct dpk_nd_ext *mask)
{
	const struct locus *l = &t->at;
	uint8_t *nd = t->frame + l->l4, *checksum = nd + offsetof(struct nd_msg, checksum),
		before[4], after[4];
	if (!l->l4 || l->proto != IP_PROTO_ICMPV6 || l->l3_kind != LAYOUT_L3_IPV6 ||
	    l->l4_len < ND_MSG_BYTES ||
	    (nd[0] != ND_NEIGHBOR_SOLICIT && nd[0] != ND_NEIGHBOR_ADVERT) || nd[1])
		return;
	if (merge(nd + 4, &key->reserved, &mask->reserved, 4, before, after))
		update_at(checksum, before, after, 4);
	if (l->l4_len < ND_MSG_BYTES + 8)
		return;
	memcpy(before, nd + ND_MSG_BYTES, 2); // a word of the checksum
	merge_plain(nd + ND_MSG_BYTES, &key->options_type, &mask->options_type, 1);
	memcpy(after, nd + ND_MSG_BYTES, 2);
	update_at(checksum, before, after, 2);
}

static void set_one(struct target *t, const struct dpact_set *set)
{
	const union dpk *key = &set->key, *mask = &set->mask;
	switch ((enum dpact_header)set->header) {
	case DPH_ETHERNET:
		merge_plain(t->frame, key->ethernet.dst, mask->ethernet.dst, 6);
		merge_plain(t->frame + 6, key->ethernet.src, mask->ethernet.src, 6);
		break;
	case DPH_IPV4:
		set_ipv4(t, &key->ipv4, &mask->ipv4);
		break;
	case DPH_IPV6:
		set_ipv6(t, &key->ipv6, &mask->ipv6);
		break;
	case DPH_TCP:
		set_ports(t, IP_PROTO_TCP, &key->ports, &mask->ports);
		break;
	case DPH_UDP:
		set_ports(t, IP_PROTO_UDP, &key->ports, &mask->ports);
		break;
	case DPH_SCTP:
		set_ports(t, IP_PROTO_SCTP, &key->ports, &mask->ports);
		break;
	case DPH_ICMP:
		set_icmp(t, LAYOUT_L3_IPV4, IP_PROTO_ICMP, &key->icmp, &mask->icmp);
		break;
	case DPH_ICMPV6:
		set_icmp(t, LAYOUT_L3_IPV6, IP_PROTO_ICMPV6, &key->icmp, &mask->icmp);
		break;
	case DPH_ARP:
		set_arp(t, &key->arp, &mask->arp);
		break;
	case DPH_ND:
		set_nd(t, &key->nd, &mask->nd);
		break;
	case DPH_ND_EXT:
		set_nd_ext(t, &key->nd_ext, &mask->nd_ext);
		break;
	case DPH_MPLS:
		if (t->at.l3_kind == LAYOUT_L3_MPLS1)
			merge_plain(t->frame + t->at.l3, &key->mpls.lse, &mask->mpls.lse, 4);
		break;
	case DPH_NSH:
		set_nsh(t, &key->nsh, &mask->nsh);
		break;
	case DPH_PRIORITY:
	case DPH_MARK:
	case DPH_TUNNEL:
	case DPH_N_HEADERS:
		break;
	}
}

// None moves a header: they are located once.
void rewrite_set(struct rte_mbuf *m, const struct dpact_set *set, unsigned int n)
{
	struct target t = target_make(m);
	const uint8_t *p = (const uint8_t *)set;
	for (; n; n--, p += dpact_size((const struct dpact *)(const void *)p))
		set_one(&t, (const struct dpact_set *)(const void *)p);
}

static bool read_tos(const struct target *t, uint8_t *tos)
{
	const struct ipv4_hdr *ip4 = (const void *)(t->frame + t->at.l3);
	const struct ipv6_hdr *ip6 = (const void *)ip4;
	if (t->at.l3_kind != LAYOUT_L3_IPV4 && t->at.l3_kind != LAYOUT_L3_IPV6)
		return false;
	*tos = t->at.l3_kind == LAYOUT_L3_IPV4 ? ip4->tos
					       : (uint8_t)(be32toh(ip6->ver_tc_label) >> 20);
	return true;
}

void rewrite_drop_precedence(struct rte_mbuf *m, uint8_t levels)
{
	// Of the byte: three bits of class, two of precedence, one that is zero, two of ECN.
	enum {
		CLASS_SHIFT = 5,
		PRECEDENCE_SHIFT = 3,
		PRECEDENCE = 3,
		PRECEDENCE_BITS = PRECEDENCE << PRECEDENCE_SHIFT,
		ZERO = 4
	};
	struct target t = target_make(m);
	uint8_t tos;
	if (!read_tos(&t, &tos))
		return;
	unsigned int class = tos >> CLASS_SHIFT, precedence = tos >> PRECEDENCE_SHIFT & PRECEDENCE;
	if (class < 1 || class > 4 || !precedence || tos & ZERO)
		return;
	precedence = precedence + levels < PRECEDENCE ? precedence + levels : PRECEDENCE;
	uint8_t bits = (uint8_t)(precedence << PRECEDENCE_SHIFT);
	struct dpk_ipv4 key4 = {.tos = bits}, mask4 = {.tos = PRECEDENCE_BITS};
	struct dpk_ipv6 key6 = {.tclass = bits}, mask6 = {.tclass = PRECEDENCE_BITS};
	set_ipv4(&t, &key4, &mask4); // each does nothing for the other's packets
	set_ipv6(&t, &key6, &mask6);
}

// --- Longer and shorter headers. Offsets for offloads are counted from the start of the frame.

static void l2_len_add(struct rte_mbuf *m, int n)
{
	if (m->ol_flags & (RTE_MBUF_F_TX_OFFLOAD_MASK))
		m->l2_len = (uint64_t)((int)m->l2_len + n) & 0x7f;
}

// Makes room for 4 bytes at an offset.
static uint8_t *insert4(struct rte_mbuf *m, uint32_t at)
{
	uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(m, 4);
	if (!frame)
		return NULL;
	memmove(frame, frame + 4, at);
	l2_len_add(m, 4);
	return frame + at;
}

static void remove4(struct rte_mbuf *m, uint32_t at)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	memmove(frame + 4, frame, at);
	rte_pktmbuf_adj(m, 4);
	l2_len_add(m, -4);
}

bool rewrite_push_vlan(struct rte_mbuf *m, be16_t tpid, be16_t tci)
{
	uint8_t *tag = insert4(m, 12);
	if (!tag)
		return false;
	memcpy(tag, &tpid, 2);
	tci &= BE16((be16_t)~FLOW_VLAN_CFI & 0xffff);
	memcpy(tag + 2, &tci, 2);
	return true;
}

void rewrite_pop_vlan(struct rte_mbuf *m)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	if (m->data_len >= ETH_HDR_BYTES + 4 && layout_is_tpid(layout_load16(frame + 12)))
		remove4(m, 12);
}

bool rewrite_push_mpls(struct rte_mbuf *m, be16_t ethertype, be32_t lse)
{
	struct target t = target_make(m);
	if (!t.at.l3) // nothing to label
		return true;
	uint8_t *label = insert4(m, t.at.l3);
	if (!label)
		return false;
	memcpy(label, &lse, 4);
	memcpy(label - 2, &ethertype, 2);
	return true;
}

void rewrite_pop_mpls(struct rte_mbuf *m, be16_t ethertype)
{
	struct target t = target_make(m);
	if (t.at.l3_kind != LAYOUT_L3_MPLS1)
		return;
	memcpy(t.frame + t.at.l3 - 2, &ethertype, 2);
	remove4(m, t.at.l3);
}
