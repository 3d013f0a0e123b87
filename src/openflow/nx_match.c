/* SPDX-License-Identifier: Apache-2.0 */
// Matches as lists of entries. A reader applies a field only after the fields that make it
// meaningful (dl_type before nw_src), so the writer goes from the outer headers to the inner ones.
#include <string.h>

#include "base/str.h"
#include "openflow/match_codec.h"
#include "openflow/nx_entry.h"

// --- Reading.

static bool is_wild(const struct field *f, const struct flow *mask)
{
	union field_value v;
	if (!field_may_be_set(f, mask))
		return true;
	if (f->place == FIELD_PLACE_OPTION)
		return false;
	field_get_value(f, mask, &v);
	return field_mask_is_zero(f, &v);
}

static int set_port(struct match *m, const struct field *f, const union field_value *value)
{
	uint32_t port;
	if (ofp11_port_decode(be32toh(value->be32), &port))
		return OFPBMC_BAD_VALUE;
	uint32_t *in_flow = f->id == FIELD_IN_PORT_OXM ? &m->flow.in_port : &m->flow.actset_output;
	uint32_t *in_mask = f->id == FIELD_IN_PORT_OXM ? &m->mask.in_port : &m->mask.actset_output;
	if (*in_mask)
		return OFPBMC_DUP_FIELD;
	*in_flow = port;
	*in_mask = UINT32_MAX;
	return 0;
}

struct entries_decode {
	struct match *match;
	be64_t *cookie, *cookie_mask; // both or none
	bool strict;
	bool of_ethernet; // a field was of packets that begin with Ethernet; their type is known
};

static int apply(struct entries_decode *d, const struct field *f, const union field_value *value,
		 const union field_value *mask, bool masked)
{
	struct match *m = d->match;
	if (f->id == FIELD_IN_PORT_OXM || f->id == FIELD_ACTSET_OUTPUT)
		return mask->be32 ? set_port(m, f, value) : 0;
	if (d->strict && !field_prereqs_ok(f, &m->flow, &m->mask))
		return OFPBMC_BAD_PREREQ;
	if (!is_wild(f, &m->mask) || (f->id == FIELD_PACKET_TYPE && d->of_ethernet))
		return OFPBMC_DUP_FIELD;
	d->of_ethernet |= f->prereq != PREREQ_NONE;
	if (f->place == FIELD_PLACE_OPTION)
		return match_set_option(m, f, value, masked ? mask : NULL) ? OFPBMC_BAD_LEN : 0;
	if (f->id == FIELD_CT_STATE) { // flags that there are not yet are nobody's to match
		union field_value known = {.be32 = mask->be32 & BE32(0xff)};
		match_set(m, f, value, &known);
	} else {
		match_set(m, f, value, mask);
	}
	return 0;
}

static int decode_entry(struct cursor *c, struct entries_decode *d)
{
	const struct field *f;
	union field_value value, mask;
	bool masked;
	int error = nx_match_entry_decode(c, d->cookie, &f, &value, &mask, &masked);
	if (error)
		return error;
	if (f)
		return apply(d, f, &value, &mask, masked);
	if (*d->cookie_mask)
		return OFPBMC_DUP_FIELD;
	*d->cookie = value.be64;
	*d->cookie_mask = mask.be64;
	return 0;
}

int nx_match_decode(struct cursor c, bool strict, struct match *m, be64_t *cookie,
		    be64_t *cookie_mask)
{
	struct entries_decode d = {.match = m, .strict = strict};
	match_init_any(m);
	if (cookie && cookie_mask) {
		*cookie = *cookie_mask = 0;
		d.cookie = cookie;
		d.cookie_mask = cookie_mask;
	}
	while (cursor_left(&c)) {
		int error = decode_entry(&c, &d);
		if (error && (strict || error != OFPBMC_BAD_FIELD))
			return error;
	}
	return 0;
}

int ofp_match_use_options(struct match *m, const struct option_table *table)
{
	return match_use_table(m, table) ? NXFMFC_INVALID_TLV_FIELD : 0;
}

// --- Writing.

enum { DL_IP = 0x0800, DL_ARP = 0x0806, DL_RARP = 0x8035 };
enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMPV6 = 58, PROTO_SCTP = 132 };

static const uint8_t fields_before_ports[] = {FIELD_DP_HASH, FIELD_RECIRC_ID, FIELD_CONJ_ID};
static const uint8_t fields_before_vlan[] = {FIELD_ETH_SRC, FIELD_ETH_DST, FIELD_ETH_TYPE};
static const uint8_t fields_mpls[] = {FIELD_MPLS_TC, FIELD_MPLS_BOS, FIELD_MPLS_TTL,
				      FIELD_MPLS_LABEL};
static const uint8_t fields_ip[] = {FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_IPV6_SRC, FIELD_IPV6_DST,
				    FIELD_IP_FRAG};
static const uint8_t fields_l3[] = {FIELD_IP_ECN, FIELD_IP_TTL, FIELD_IPV6_LABEL, FIELD_IP_PROTO};
static const uint8_t fields_arp[] = {FIELD_ARP_OP, FIELD_ARP_SPA, FIELD_ARP_TPA, FIELD_ARP_SHA,
				     FIELD_ARP_THA};
static const uint8_t fields_tcp[] = {FIELD_TCP_SRC, FIELD_TCP_DST, FIELD_TCP_FLAGS};
static const uint8_t fields_udp[] = {FIELD_UDP_SRC, FIELD_UDP_DST};
static const uint8_t fields_sctp[] = {FIELD_SCTP_SRC, FIELD_SCTP_DST};
static const uint8_t fields_icmpv4[] = {FIELD_ICMPV4_TYPE, FIELD_ICMPV4_CODE};
static const uint8_t fields_icmpv6[] = {
	FIELD_ICMPV6_TYPE,     FIELD_ICMPV6_CODE, FIELD_ND_RESERVED, FIELD_ND_TARGET,
	FIELD_ND_OPTIONS_TYPE, FIELD_ND_SLL,	  FIELD_ND_TLL,
};
// Its TTL and TOS have no header: no message can say them.
static const uint8_t fields_tunnel[] = {
	FIELD_TUN_ID,	      FIELD_TUN_FLAGS,	      FIELD_TUN_SRC,	    FIELD_TUN_DST,
	FIELD_TUN_IPV6_SRC,   FIELD_TUN_IPV6_DST,     FIELD_TUN_GBP_ID,	    FIELD_TUN_GBP_FLAGS,
	FIELD_TUN_ERSPAN_IDX, FIELD_TUN_ERSPAN_VER,   FIELD_TUN_ERSPAN_DIR, FIELD_TUN_ERSPAN_HWID,
	FIELD_TUN_GTPU_FLAGS, FIELD_TUN_GTPU_MSGTYPE,
};
static const uint8_t fields_nsh[] = {
	FIELD_NSH_FLAGS, FIELD_NSH_TTL, FIELD_NSH_MDTYPE, FIELD_NSH_NP, FIELD_NSH_SPI,
	FIELD_NSH_SI,	 FIELD_NSH_C1,	FIELD_NSH_C2,	  FIELD_NSH_C3, FIELD_NSH_C4,
};
static const uint8_t fields_regs[] = {
	FIELD_REG0,  FIELD_REG1,  FIELD_REG2,  FIELD_REG3,  FIELD_REG4,	 FIELD_REG5,
	FIELD_REG6,  FIELD_REG7,  FIELD_REG8,  FIELD_REG9,  FIELD_REG10, FIELD_REG11,
	FIELD_REG12, FIELD_REG13, FIELD_REG14, FIELD_REG15,
};
static const uint8_t fields_xregs[] = {
	// OpenFlow 1.5 has registers of its own
	FIELD_XREG0, FIELD_XREG1, FIELD_XREG2, FIELD_XREG3,
	FIELD_XREG4, FIELD_XREG5, FIELD_XREG6, FIELD_XREG7,
};
static const uint8_t fields_conntrack[] = {
	FIELD_CT_STATE,	   FIELD_CT_ZONE,   FIELD_CT_MARK,     FIELD_CT_LABEL,
	FIELD_CT_NW_SRC,   FIELD_CT_NW_DST, FIELD_CT_IPV6_SRC, FIELD_CT_IPV6_DST,
	FIELD_CT_NW_PROTO, FIELD_CT_TP_SRC, FIELD_CT_TP_DST,
};

static void put_list(struct buf *b, uint8_t version, const struct match *m, const uint8_t *ids,
		     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = field_get(ids[i]);
		union field_value mask, value;
		if (!field_may_be_set(f, &m->mask))
			continue;
		field_get_value(f, &m->mask, &mask);
		if (field_mask_is_zero(f, &mask) || !field_prereqs_ok(f, &m->flow, &m->mask))
			continue;
		field_get_value(f, &m->flow, &value);
		nx_entry_encode(b, version, f, &value, &mask);
	}
}

static void put_one(struct buf *b, uint8_t version, const struct match *m, enum field_id id)
{
	uint8_t ids[] = {(uint8_t)id};
	put_list(b, version, m, ids, 1);
}

static void put_options(struct buf *b, uint8_t version, const struct match *m)
{
	for (uint64_t map = m->mask.tunnel.options; map; map &= map - 1) {
		struct field space;
		unsigned int i = (unsigned int)__builtin_ctzll(map);
		const struct field *f =
			match_field(m, field_get((enum field_id)(FIELD_TUN_METADATA0 + i)), &space);
		union field_value mask_space, value;
		if (!f)
			continue;
		const union field_value *mask = match_option_mask(m, f, &mask_space);
		field_get_value(f, &m->flow, &value);
		nx_header_encode(b, version, f, mask);
		buf_add(b, value.b, f->n_bytes);
		if (mask)
			buf_add(b, mask->b, f->n_bytes);
	}
}

static void put_ports(struct buf *b, uint8_t version, const struct match *m)
{
	union field_value v = {0};
	if (m->mask.in_port && version >= OFP12) {
		v.be32 = htobe32(ofp11_port_encode(m->flow.in_port));
		nx_entry_encode(b, version, field_get(FIELD_IN_PORT_OXM), &v, NULL);
	} else if (m->mask.in_port) {
		v.be16 = htobe16((uint16_t)m->flow.in_port);
		nx_entry_encode(b, version, field_get(FIELD_IN_PORT), &v, NULL);
	}
	if (m->mask.actset_output) {
		v.be32 = htobe32(ofp11_port_encode(m->flow.actset_output));
		nx_entry_encode(b, version, field_get(FIELD_ACTSET_OUTPUT), &v, NULL);
	}
}

static void put_vlan(struct buf *b, uint8_t version, const struct match *m)
{
	be16_t tci = m->flow.vlan[0].tci, tci_mask = m->mask.vlan[0].tci;
	union field_value v = {0}, mask = {0};
	if (!tci_mask)
		return;
	if (version < OFP12) {
		v.be16 = tci;
		mask.be16 = tci_mask;
		nx_entry_encode(b, version, field_get(FIELD_VLAN_TCI), &v, &mask);
		return;
	}
	v.be16 = tci & BE16(0x1fff);
	mask.be16 = tci_mask & BE16(0x1fff);
	if (mask.be16)
		nx_entry_encode(b, version, field_get(FIELD_VLAN_VID), &v, &mask);
	if (v.be16 && tci_mask & BE16(0xe000)) {
		union field_value pcp = {.u8 = (uint8_t)(be16toh(tci) >> 13)};
		nx_entry_encode(b, version, field_get(FIELD_VLAN_PCP), &pcp, NULL);
	}
}

static void put_dscp(struct buf *b, uint8_t version, const struct match *m)
{
	if (!(m->mask.nw_tos & 0xfc) ||
	    !field_prereqs_ok(field_get(FIELD_IP_DSCP), &m->flow, &m->mask))
		return;
	union field_value v = {.u8 = m->flow.nw_tos & 0xfc};
	if (version >= OFP12)
		v.u8 >>= 2;
	nx_entry_encode(b, version,
			field_get(version >= OFP12 ? FIELD_IP_DSCP_SHIFTED : FIELD_IP_DSCP), &v,
			NULL);
}

static bool any_bit(const void *p, size_t n)
{
	const uint8_t *bytes = p;
	uint64_t bits = 0, word;
	for (; n >= sizeof(word); bytes += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		bits |= word;
	}
	while (n--)
		bits |= *bytes++;
	return bits;
}

#define PUT(IDS) put_list(b, version, m, IDS, sizeof(IDS))

// Headers behind the network's: those that the protocol has, for all others want another one.
static void put_l4(struct buf *b, uint8_t version, const struct match *m)
{
	bool ipv4 = m->flow.dl_type == BE16(DL_IP);
	if (!m->mask.nw_proto)
		return;
	switch (m->flow.nw_proto) {
	case PROTO_TCP:
		PUT(fields_tcp);
		break;
	case PROTO_UDP:
		PUT(fields_udp);
		break;
	case PROTO_SCTP:
		PUT(fields_sctp);
		break;
	case PROTO_ICMP:
		if (ipv4)
			PUT(fields_icmpv4);
		break;
	case PROTO_ICMPV6:
		if (!ipv4)
			PUT(fields_icmpv6);
		break;
	}
}

static void put_l3(struct buf *b, uint8_t version, const struct match *m)
{
	be16_t type = m->flow.dl_type;
	if (type == BE16(DL_ARP) || type == BE16(DL_RARP)) {
		PUT(fields_arp);
		return;
	}
	PUT(fields_l3);
	put_l4(b, version, m);
}

static bool has_conntrack(const struct flow *w)
{
	return w->ct_state || w->ct_zone || w->ct_mark || w->ct_label.d[0] || w->ct_label.d[1] ||
	       w->ct_nw_proto || w->ct_nw_src || w->ct_nw_dst || w->ct_tp_src || w->ct_tp_dst ||
	       any_bit(&w->ct_ipv6_src, 16) || any_bit(&w->ct_ipv6_dst, 16);
}

size_t nx_match_encode(struct buf *b, uint8_t version, const struct match *m, be64_t cookie,
		       be64_t cookie_mask)
{
	size_t start = b->len;
	const struct flow *w = &m->mask;
	// Fields of Ethernet say of themselves which type of packet it is.
	if (w->packet_type &&
	    (m->flow.packet_type ||
	     !(w->dl_type || w->vlan[0].tci || any_bit(w->dl_src, 6) || any_bit(w->dl_dst, 6))))
		put_one(b, version, m, FIELD_PACKET_TYPE);
	if (w->dp_hash | w->recirc_id | w->conj_id)
		PUT(fields_before_ports);
	put_ports(b, version, m);
	PUT(fields_before_vlan);
	put_vlan(b, version, m);
	if (w->dl_type && w->mpls[0])
		PUT(fields_mpls);
	if (w->dl_type)
		PUT(fields_ip);
	put_dscp(b, version, m);
	if (w->dl_type) // without it, nothing is known to be there
		put_l3(b, version, m);
	if (any_bit(&m->mask.tunnel, sizeof(m->mask.tunnel)))
		put_list(b, version, m, fields_tunnel, sizeof(fields_tunnel));
	if (m->mask.tunnel.options)
		put_options(b, version, m);
	if (any_bit(&m->mask.nsh, sizeof(m->mask.nsh)))
		put_list(b, version, m, fields_nsh, sizeof(fields_nsh));
	if (!any_bit(m->mask.regs, sizeof(m->mask.regs)))
		;
	else if (version < OFP15)
		put_list(b, version, m, fields_regs, sizeof(fields_regs));
	else
		put_list(b, version, m, fields_xregs, sizeof(fields_xregs));
	if (w->pkt_mark)
		put_one(b, version, m, FIELD_PKT_MARK);
	if (has_conntrack(w))
		PUT(fields_conntrack);
	if (w->metadata)
		put_one(b, version, m, FIELD_METADATA);
	if (cookie_mask) {
		bool masked = cookie_mask != UINT64_MAX;
		buf_add_be32(b, masked ? NXM_NX_COOKIE_W : NXM_NX_COOKIE);
		buf_add_be64(b, be64toh(cookie & cookie_mask));
		if (masked)
			buf_add_be64(b, be64toh(cookie_mask));
	}
	return b->len - start;
}

// --- Text.

void nx_match_format(struct cursor c, struct str *s)
{
	if (!cursor_left(&c))
		str_add(s, "<any>");
	for (bool first = true; cursor_left(&c) && !c.bad; first = false) {
		str_add(s, first ? "" : ", ");
		nx_entry_format(&c, s);
	}
}
