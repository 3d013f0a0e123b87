/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/match.h"

#include <string.h>

#include "packet/headers.h"

void match_init_any(struct match *m)
{
	memset(m, 0, sizeof(*m));
}

bool match_equal(const struct match *a, const struct match *b)
{
	return flow_equal(&a->flow, &b->flow) && flow_equal(&a->mask, &b->mask);
}

// Takes out of the match what it said about the field.
static void forget(struct match *m, const struct field *f)
{
	if (!field_may_be_set(f, &m->mask))
		return;
	struct flow all = {0};
	field_unwildcard(f, NULL, &all);
	uint64_t *value = flow_words(&m->flow), *mask = flow_words(&m->mask);
	const uint64_t *gone = flow_words_const(&all);
	for (unsigned int i = 0; i < FLOW_WORDS; i++) {
		value[i] &= ~gone[i];
		mask[i] &= ~gone[i];
	}
}

// The outer tag's fields share bits, and "no tag" is a value of them.
static void set_vlan(struct match *m, const struct field *f, uint16_t value, uint16_t mask)
{
	uint16_t bits = mask, drop = 0xffff;
	if (f->id == FIELD_DL_VLAN) {
		bits = VLAN_CFI | VLAN_VID_MASK;
		drop = bits;
		if (value == 0xffff) { // OpenFlow 1.0's way to say "no tag"
			bits = drop = 0xffff;
			value = 0;
		} else {
			value |= VLAN_CFI;
		}
	} else if (f->id == FIELD_VLAN_VID) {
		bits &= VLAN_CFI | VLAN_VID_MASK;
		drop = VLAN_CFI | VLAN_VID_MASK;
	} else if (f->id == FIELD_VLAN_PCP || f->id == FIELD_DL_VLAN_PCP) {
		bits = VLAN_CFI | VLAN_PCP_MASK;
		drop = bits;
		value = (uint16_t)(value << VLAN_PCP_SHIFT) | VLAN_CFI;
	}
	struct flow_vlan *v = &m->flow.vlan[0], *w = &m->mask.vlan[0];
	w->tci = (w->tci & htobe16((uint16_t)~drop)) | htobe16(bits);
	v->tci = ((v->tci & htobe16((uint16_t)~drop)) | htobe16(value)) & w->tci;
}

// The tag's presence stays part of the match as long as another part of the tag is.
static void forget_vlan(struct match *m, const struct field *f)
{
	uint16_t mask = be16toh(m->mask.vlan[0].tci);
	uint16_t drop = f->id == FIELD_VLAN_TCI				       ? 0xffff
			: f->id == FIELD_DL_VLAN || f->id == FIELD_VLAN_VID ? VLAN_VID_MASK
									       : VLAN_PCP_MASK;
	mask &= (uint16_t)~drop;
	if (!(mask & (VLAN_VID_MASK | VLAN_PCP_MASK)))
		mask = 0;
	m->mask.vlan[0].tci = htobe16(mask);
	m->flow.vlan[0].tci &= htobe16(mask);
}

// Most fields lie in a flow as they are, alone: addresses, registers, metadata.
static bool set_plain(struct match *m, const struct field *f, const union field_value *value, const union field_value *mask)
{
	uint8_t *to = (uint8_t *)&m->flow + f->offset, *to_mask = (uint8_t *)&m->mask + f->offset;
	if (f->place == FIELD_PLACE_BYTES && f->id != FIELD_PACKET_TYPE) {
		for (unsigned int i = 0; i < f->n_bytes; i++) {
			to[i] = value->b[i] & mask->b[i];
			to_mask[i] = mask->b[i];
		}
		return true;
	}
	if (f->place != FIELD_PLACE_HOST || f->size != 4 || f->n_bytes != 4 || f->n_bits != 32 || f->id == FIELD_CT_STATE)
		return false;
	uint32_t v = be32toh(value->be32 & mask->be32), w = be32toh(mask->be32);
	memcpy(to, &v, sizeof(v));
	memcpy(to_mask, &w, sizeof(w));
	return true;
}

void match_set(struct match *m, const struct field *f, const union field_value *value, const union field_value *mask)
{
	union field_value exact, v = *value;
	if (!mask) {
		field_exact_mask(f, &exact);
		mask = &exact;
	}
	if (f->place == FIELD_PLACE_VLAN && field_mask_is_zero(f, mask)) {
		forget_vlan(m, f);
		return;
	}
	if (f->place == FIELD_PLACE_VLAN) {
		set_vlan(m, f, f->n_bytes == 2 ? be16toh(v.be16) : v.u8 & 7,
			 f->n_bytes == 2 ? be16toh(mask->be16) : mask->u8);
		return;
	}
	if (set_plain(m, f, value, mask))
		return;
	forget(m, f);
	for (unsigned int i = 0; i < f->n_bytes; i++)
		v.b[i] &= mask->b[i];
	field_unwildcard(f, mask, &m->mask);
	if (!field_mask_is_zero(f, mask))
		field_set_value(f, &v, &m->flow);
	if (f->id == FIELD_PACKET_TYPE && be32toh(v.be32) >> 16 == 1) {
		// A packet that begins with a layer 3 header: its type is that header's Ethernet type.
		m->flow.dl_type = htobe16((uint16_t)be32toh(v.be32));
		m->mask.dl_type = 0xffff;
	}
}

// What a match of these types can say, as a mask.
static void sayable(const struct flow *f, struct flow *may)
{
	bool v4 = f->dl_type == BE16(ETHERTYPE_IPV4), v6 = f->dl_type == BE16(ETHERTYPE_IPV6);
	bool arp = f->dl_type == BE16(ETHERTYPE_ARP) || f->dl_type == BE16(ETHERTYPE_RARP);
	if (v4 || v6 || arp)
		may->nw_proto = 0xff;
	if (v4 || arp)
		may->nw_src = may->nw_dst = UINT32_MAX;
	if (v4 || v6)
		may->nw_tos = may->nw_ttl = may->nw_frag = 0xff;
	if (v6) {
		memset(&may->ipv6_src, 0xff, sizeof(may->ipv6_src));
		memset(&may->ipv6_dst, 0xff, sizeof(may->ipv6_dst));
		may->ipv6_label = UINT32_MAX;
	}
	bool icmp6 = v6 && f->nw_proto == IP_PROTO_ICMPV6;
	bool tcp = (v4 || v6) && f->nw_proto == IP_PROTO_TCP;
	if (tcp || icmp6 || (v4 && f->nw_proto == IP_PROTO_ICMP) ||
	    ((v4 || v6) && (f->nw_proto == IP_PROTO_UDP || f->nw_proto == IP_PROTO_SCTP)))
		may->tp_src = may->tp_dst = 0xffff;
	if (tcp)
		may->tcp_flags = 0xffff;
	bool solicit = icmp6 && f->tp_src == BE16(ND_NEIGHBOR_SOLICIT) && !f->tp_dst;
	bool advert = icmp6 && f->tp_src == BE16(ND_NEIGHBOR_ADVERT) && !f->tp_dst;
	if (arp || solicit)
		memset(may->arp_sha, 0xff, 6);
	if (arp || advert)
		memset(may->arp_tha, 0xff, 6);
	if (solicit || advert) {
		memset(&may->nd_target, 0xff, sizeof(may->nd_target));
		may->nd_reserved = UINT32_MAX;
		may->nd_options_type = UINT8_MAX;
	}
	if (f->dl_type == BE16(ETHERTYPE_MPLS) || f->dl_type == BE16(ETHERTYPE_MPLS_MCAST))
		memset(may->mpls, 0xff, sizeof(may->mpls));
	if (f->dl_type == BE16(ETHERTYPE_NSH))
		memset(&may->nsh, 0xff, sizeof(may->nsh));
	if (!f->packet_type) {
		memset(may->dl_src, 0xff, 6);
		memset(may->dl_dst, 0xff, 6);
	}
}

// "icmp,tp_src=1/35" can be written, but nothing else can say it: types and codes are single bytes that match as a whole.
static void widen_icmp(struct match *m)
{
	const struct flow *f = &m->flow;
	if (!(f->dl_type == BE16(ETHERTYPE_IPV4) && f->nw_proto == IP_PROTO_ICMP) &&
	    !(f->dl_type == BE16(ETHERTYPE_IPV6) && f->nw_proto == IP_PROTO_ICMPV6))
		return;
	be16_t *value[] = {&m->flow.tp_src, &m->flow.tp_dst}, *mask[] = {&m->mask.tp_src, &m->mask.tp_dst};
	for (int i = 0; i < 2; i++)
		if (*mask[i] && *mask[i] != 0xffff) {
			*mask[i] = *mask[i] & BE16(0xff) ? 0xffff : 0;
			*value[i] &= *mask[i] & BE16(0xff);
		}
}

void match_imply_ethernet(struct match *m)
{
	static const struct flow none;
	const size_t at = offsetof(struct flow, dl_dst);
	m->flow.bare = m->mask.bare = 0;
	if (!m->mask.packet_type && memcmp((const char *)&m->mask + at, (const char *)&none + at, sizeof(none) - at) != 0)
		m->mask.bare = UINT16_MAX;
}

bool match_normalize(struct match *m)
{
	struct flow may;
	widen_icmp(m);
	memset(&may, 0xff, sizeof(may));
	may.nw_proto = may.nw_tos = may.nw_ttl = may.nw_frag = 0;
	may.nw_src = may.nw_dst = may.ipv6_label = 0;
	may.tp_src = may.tp_dst = may.tcp_flags = 0;
	memset(&may.ipv6_src, 0, sizeof(may.ipv6_src));
	memset(&may.ipv6_dst, 0, sizeof(may.ipv6_dst));
	memset(&may.nd_target, 0, sizeof(may.nd_target));
	may.nd_reserved = may.nd_options_type = 0;
	memset(may.arp_sha, 0, 6);
	memset(may.arp_tha, 0, 6);
	memset(may.mpls, 0, sizeof(may.mpls));
	memset(&may.nsh, 0, sizeof(may.nsh));
	memset(may.dl_src, 0, 6);
	memset(may.dl_dst, 0, 6);
	sayable(&m->flow, &may);
	uint64_t *value = flow_words(&m->flow), *mask = flow_words(&m->mask), changed = 0;
	const uint64_t *keep = flow_words_const(&may);
	for (unsigned int i = 0; i < FLOW_WORDS; i++) {
		changed |= mask[i] & ~keep[i];
		mask[i] &= keep[i];
		value[i] &= keep[i];
	}
	return changed;
}
