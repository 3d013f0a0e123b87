/* SPDX-License-Identifier: Apache-2.0 */
// Matches and flows as text, in the order in which ovs-ofctl dump-flows and ofproto/trace have
// always shown them.
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "flow/match.h"
#include "packet/address.h"
#include "packet/headers.h"

// What is being printed.
struct out {
	struct str *s;
	const struct flow *f, *m;
	const struct match *match; // where its options are; NULL: of none it is known
};

static void add_u32(struct out *o, const char *name, uint32_t v, uint32_t mask)
{
	if (!mask)
		return;
	str_mark_name(o->s, name);
	str_add_0x(o->s, v);
	if (mask != UINT32_MAX) {
		str_addc(o->s, '/');
		str_add_0x(o->s, mask);
	}
	str_addc(o->s, ',');
}

static void add_be64(struct out *o, const char *name, be64_t v, be64_t mask)
{
	if (!mask)
		return;
	str_mark_name(o->s, name);
	str_add_0x(o->s, be64toh(v));
	if (mask != UINT64_MAX) {
		str_addc(o->s, '/');
		str_add_0x(o->s, be64toh(mask));
	}
	str_addc(o->s, ',');
}

// Decimal when exact, else hexadecimal.
static void add_be16(struct out *o, const char *name, be16_t v, be16_t mask)
{
	if (!mask)
		return;
	str_mark_name(o->s, name);
	if (mask == 0xffff) {
		str_add_u64(o->s, be16toh(v));
		str_addc(o->s, ',');
		return;
	}
	str_addf(o->s, "0x%x/0x%x,", be16toh(v), be16toh(mask));
}

static void add_number(struct out *o, const char *name, uint32_t v)
{
	str_mark_name(o->s, name);
	str_add_u64(o->s, v);
	str_addc(o->s, ',');
}

// With "0x" even when it is zero.
static void add_hex(struct out *o, const char *name, uint32_t v, uint32_t mask)
{
	if (!mask)
		return;
	str_mark_name(o->s, name);
	str_addf(o->s, mask == UINT32_MAX ? "0x%x," : "0x%x/0x%x,", v, mask);
}

static bool is_zero(const void *p, size_t n)
{
	for (const uint8_t *b = p; n--; b++)
		if (*b)
			return false;
	return true;
}

static void add_mac(struct out *o, const char *name, const uint8_t v[6], const uint8_t mask[6])
{
	if (is_zero(mask, 6))
		return;
	str_mark_name(o->s, name);
	mac_format_masked(o->s, v, mask);
	str_addc(o->s, ',');
}

static void add_ipv4(struct out *o, const char *name, be32_t v, be32_t mask)
{
	if (!mask)
		return;
	str_mark_name(o->s, name);
	ipv4_format_masked(o->s, v, mask);
	str_addc(o->s, ',');
}

static void add_ipv6(struct out *o, const char *name, const union flow_in6 *v,
		     const union flow_in6 *mask)
{
	if (!(mask->d[0] | mask->d[1]))
		return;
	str_mark_name(o->s, name);
	ipv6_format_masked(o->s, v->b, mask->b);
	str_addc(o->s, ',');
}

// A field by its row.
static void add_field(struct out *o, const char *name, enum field_id id)
{
	const struct field *f = field_get(id);
	union field_value value, mask;
	if (!field_may_be_set(f, o->m))
		return;
	field_get_value(f, o->m, &mask);
	if (field_mask_is_zero(f, &mask))
		return;
	field_get_value(f, o->f, &value);
	str_mark_name(o->s, name);
	field_format_value(f, &value, &mask, NULL, NULL, o->s);
	str_addc(o->s, ',');
}

static void add_conntrack(struct out *o)
{
	const struct flow *f = o->f, *m = o->m;
	add_field(o, "ct_state", FIELD_CT_STATE);
	if (m->ct_zone)
		add_number(o, "ct_zone", f->ct_zone);
	add_u32(o, "ct_mark", f->ct_mark, m->ct_mark);
	add_field(o, "ct_label", FIELD_CT_LABEL);
	add_ipv4(o, "ct_nw_src", f->ct_nw_src, m->ct_nw_src);
	add_ipv6(o, "ct_ipv6_src", &f->ct_ipv6_src, &m->ct_ipv6_src);
	add_ipv4(o, "ct_nw_dst", f->ct_nw_dst, m->ct_nw_dst);
	add_ipv6(o, "ct_ipv6_dst", &f->ct_ipv6_dst, &m->ct_ipv6_dst);
	if (m->ct_nw_proto)
		add_number(o, "ct_nw_proto", f->ct_nw_proto);
	add_be16(o, "ct_tp_src", f->ct_tp_src, m->ct_tp_src);
	add_be16(o, "ct_tp_dst", f->ct_tp_dst, m->ct_tp_dst);
}

static void add_options(struct out *o)
{
	for (uint64_t map = o->match ? o->m->tunnel.options : 0; map; map &= map - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(map);
		struct field space;
		const struct field *f = match_field(
			o->match, field_get((enum field_id)(FIELD_TUN_METADATA0 + i)), &space);
		union field_value value, mask_space;
		if (!f)
			continue;
		str_add(o->s, f->name);
		const union field_value *mask = match_option_mask(o->match, f, &mask_space);
		if (!(o->f->tunnel.options >> i & 1)) {
			str_add(o->s, "=NP"); // it is not there
		} else if (!mask || !field_mask_is_zero(f, mask)) {
			field_get_value(f, o->f, &value);
			str_addc(o->s, '=');
			field_format_value(f, &value, mask, NULL, NULL, o->s);
		}
		str_addc(o->s, ',');
	}
}

static void add_tunnel(struct out *o)
{
	const struct flow_tunnel *f = &o->f->tunnel, *m = &o->m->tunnel;
	add_be64(o, "tun_id", f->id, m->id);
	add_ipv4(o, "tun_src", f->ip_src, m->ip_src);
	add_ipv4(o, "tun_dst", f->ip_dst, m->ip_dst);
	add_ipv6(o, "tun_ipv6_src", &f->ipv6_src, &m->ipv6_src);
	add_ipv6(o, "tun_ipv6_dst", &f->ipv6_dst, &m->ipv6_dst);
	add_be16(o, "tun_gbp_id", f->gbp_id, m->gbp_id);
	if (m->gbp_flags)
		str_addf(o->s, "tun_gbp_flags=%#x,", f->gbp_flags);
	add_field(o, "tun_erspan_ver", FIELD_TUN_ERSPAN_VER);
	add_field(o, "tun_erspan_idx", FIELD_TUN_ERSPAN_IDX);
	add_field(o, "tun_erspan_dir", FIELD_TUN_ERSPAN_DIR);
	add_field(o, "tun_erspan_hwid", FIELD_TUN_ERSPAN_HWID);
	add_field(o, "tun_gtpu_flags", FIELD_TUN_GTPU_FLAGS);
	add_field(o, "tun_gtpu_msgtype", FIELD_TUN_GTPU_MSGTYPE);
	if (m->tos) {
		str_mark_name(o->s, "tun_tos");
		str_addf(o->s, "%x,", f->tos);
	}
	if (m->ttl)
		add_number(o, "tun_ttl", f->ttl);
	if (m->flags & FLOW_TNL_OAM) {
		str_mark_name(o->s, "tun_flags");
		str_add(o->s, f->flags & FLOW_TNL_OAM ? "+oam," : "-oam,");
	}
	if (m->options)
		add_options(o);
}

// Megaflows say that their packets have an Ethernet header.
static bool says_ethernet(const struct flow *m)
{
	return m->packet_type || m->dl_type || m->vlan[0].tci || !is_zero(m->dl_src, 6) ||
	       !is_zero(m->dl_dst, 6);
}

// The word that stands for dl_type and nw_proto together. The flags say which of the two it covers.
static void add_type(struct out *o, bool *skip_type, bool *skip_proto)
{
	static const struct {
		uint16_t dl_type;
		const char *name;
		struct {
			uint8_t proto;
			const char *name;
		} l4[4];
	} types[] = {
		{ETHERTYPE_IPV4,
		 "ip",
		 {{IP_PROTO_ICMP, "icmp"},
		  {IP_PROTO_TCP, "tcp"},
		  {IP_PROTO_UDP, "udp"},
		  {IP_PROTO_SCTP, "sctp"}}},
		{ETHERTYPE_IPV6,
		 "ipv6",
		 {{IP_PROTO_ICMPV6, "icmp6"},
		  {IP_PROTO_TCP, "tcp6"},
		  {IP_PROTO_UDP, "udp6"},
		  {IP_PROTO_SCTP, "sctp6"}}},
		{ETHERTYPE_ARP, "arp", {{0}}},
		{ETHERTYPE_RARP, "rarp", {{0}}},
		{ETHERTYPE_MPLS, "mpls", {{0}}},
		{ETHERTYPE_MPLS_MCAST, "mplsm", {{0}}},
	};
	*skip_type = *skip_proto = false;
	if (o->m->packet_type && o->f->packet_type) { // which is the type of what follows, too;
						      // only megaflows say it twice
		str_add(o->s, "packet_type=");
		packet_type_format(o->f->packet_type, o->s);
		str_add(o->s, ",");
		*skip_type = be32toh(o->f->packet_type) >> 16 == 1 && !o->m->recirc_id;
		if (*skip_type)
			return;
	} else if (o->m->recirc_id && says_ethernet(o->m)) {
		str_add(o->s, "eth,");
	}
	for (size_t i = 0; o->m->dl_type && i < sizeof(types) / sizeof(types[0]); i++) {
		if (o->f->dl_type != htobe16(types[i].dl_type))
			continue;
		const char *name = types[i].name;
		*skip_type = true;
		for (size_t j = 0; o->m->nw_proto && j < 4 && types[i].l4[j].name; j++)
			if (types[i].l4[j].proto == o->f->nw_proto) {
				name = types[i].l4[j].name;
				*skip_proto = true;
			}
		str_mark(o->s, MARK_VALUE, name);
		str_addc(o->s, ',');
		return;
	}
}

static void add_vlan(struct out *o, unsigned int i)
{
	uint16_t tci = be16toh(o->f->vlan[i].tci), mask = be16toh(o->m->vlan[i].tci);
	uint16_t vid = mask & VLAN_VID_MASK, pcp = mask & VLAN_PCP_MASK;
	static const char *const vid_names[] = {"dl_vlan", "dl_vlan1"},
				 *const pcp_names[] = {"dl_vlan_pcp", "dl_vlan_pcp1"},
				 *const tci_names[] = {"vlan_tci", "vlan_tci1"};
	if (!mask)
		return;
	if (tci & mask & VLAN_CFI && (vid || pcp) && (!vid || vid == VLAN_VID_MASK) &&
	    (!pcp || pcp == VLAN_PCP_MASK)) {
		if (vid) {
			add_number(o, vid_names[i], tci & VLAN_VID_MASK);
		}
		if (pcp)
			add_number(o, pcp_names[i], tci >> VLAN_PCP_SHIFT);
	} else {
		str_mark_name(o->s, tci_names[i]);
		str_addf(o->s, mask == 0xffff ? "0x%04x," : "0x%04x/0x%04x,", tci, mask);
	}
}

static void add_l2(struct out *o, bool skip_type, ofp_port_name_cb *port_name, void *arg)
{
	if (o->m->in_port) {
		str_mark_name(o->s, "in_port");
		ofp_port_format(o->f->in_port, port_name, arg, o->s);
		str_addc(o->s, ',');
	}
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++)
		add_vlan(o, i);
	if (!(o->m->packet_type && o->f->packet_type)) {
		add_mac(o, "dl_src", o->f->dl_src, o->m->dl_src);
		add_mac(o, "dl_dst", o->f->dl_dst, o->m->dl_dst);
	}
	if (!skip_type && o->m->dl_type) {
		str_mark_name(o->s, "dl_type");
		str_addf(o->s, "0x%04x,", be16toh(o->f->dl_type));
	}
}

static void add_mpls(struct out *o)
{
	add_field(o, "mpls_label", FIELD_MPLS_LABEL);
	add_field(o, "mpls_tc", FIELD_MPLS_TC);
	add_field(o, "mpls_ttl", FIELD_MPLS_TTL);
	add_field(o, "mpls_bos", FIELD_MPLS_BOS);
	for (unsigned int i = 1; i < FLOW_MAX_MPLS; i++) {
		char name[16] = "mpls_lse?";
		name[8] = (char)('0' + i);
		if (o->m->mpls[i] == UINT32_MAX)
			add_number(o, name, be32toh(o->f->mpls[i]));
		else
			add_u32(o, name, be32toh(o->f->mpls[i]), be32toh(o->m->mpls[i]));
	}
}

static void add_nsh(struct out *o)
{
	const struct flow *f = o->f, *m = o->m;
	const struct field *flags = field_get(FIELD_NSH_FLAGS);
	uint32_t path_mask = be32toh(m->nsh.path_hdr);
	if (m->nsh.flags && m->nsh.flags != 0xff) {
		str_mark_name(o->s, flags->name);
		str_addf(o->s, "0x%02x/0x%02x,", f->nsh.flags, m->nsh.flags);
	} else {
		add_field(o, flags->name, FIELD_NSH_FLAGS);
	}
	add_field(o, "nsh_ttl", FIELD_NSH_TTL);
	add_field(o, "nsh_mdtype", FIELD_NSH_MDTYPE);
	add_field(o, "nsh_np", FIELD_NSH_NP);
	if (path_mask >> 8)
		add_hex(o, "nsh_spi", be32toh(f->nsh.path_hdr) >> 8, UINT32_MAX);
	add_field(o, "nsh_si", FIELD_NSH_SI);
	for (unsigned int i = 0; f->nsh.mdtype == 1 && i < 4; i++) {
		uint32_t v = be32toh(f->nsh.context[i]), mask = be32toh(m->nsh.context[i]);
		char name[8] = "nsh_c?";
		name[5] = (char)('1' + i);
		add_hex(o, name, v, mask);
	}
}

static void add_l3(struct out *o, bool skip_proto)
{
	const struct flow *f = o->f, *m = o->m;
	if (f->dl_type == BE16(ETHERTYPE_NSH))
		add_nsh(o);
	bool typed = m->dl_type || (m->packet_type && f->packet_type);
	bool arp =
		typed && (f->dl_type == BE16(ETHERTYPE_ARP) || f->dl_type == BE16(ETHERTYPE_RARP));
	if (typed && f->dl_type == BE16(ETHERTYPE_IPV6)) {
		add_ipv6(o, "ipv6_src", &f->ipv6_src, &m->ipv6_src);
		add_ipv6(o, "ipv6_dst", &f->ipv6_dst, &m->ipv6_dst);
		if (m->ipv6_label) {
			str_mark_name(o->s, "ipv6_label");
			str_addf(o->s,
				 m->ipv6_label == BE32(0xfffff) ? "0x%05x," : "0x%05x/0x%05x,",
				 be32toh(f->ipv6_label), be32toh(m->ipv6_label));
		}
	} else {
		add_ipv4(o, arp ? "arp_spa" : "nw_src", f->nw_src, m->nw_src);
		add_ipv4(o, arp ? "arp_tpa" : "nw_dst", f->nw_dst, m->nw_dst);
	}
	if (!skip_proto && m->nw_proto)
		add_number(o, arp ? "arp_op" : "nw_proto", f->nw_proto);
	if (arp) {
		add_mac(o, "arp_sha", f->arp_sha, m->arp_sha);
		add_mac(o, "arp_tha", f->arp_tha, m->arp_tha);
	}
	if (m->nw_tos & IP_DSCP_MASK)
		add_number(o, "nw_tos", f->nw_tos & IP_DSCP_MASK);
	if (m->nw_tos & IP_ECN_MASK)
		add_number(o, "nw_ecn", f->nw_tos & IP_ECN_MASK);
	if (m->nw_ttl)
		add_number(o, "nw_ttl", f->nw_ttl);
	add_mpls(o);
	if (m->nw_frag & 3) {
		str_mark_name(o->s, "nw_frag");
		str_add(o->s, frag_name(f->nw_frag, m->nw_frag));
		str_addc(o->s, ',');
	}
}

static void add_l4(struct out *o)
{
	const struct flow *f = o->f, *m = o->m;
	bool icmp4 = f->dl_type == BE16(ETHERTYPE_IPV4) && f->nw_proto == IP_PROTO_ICMP;
	bool icmp6 = f->dl_type == BE16(ETHERTYPE_IPV6) && f->nw_proto == IP_PROTO_ICMPV6;
	if (icmp4 || icmp6) {
		add_be16(o, "icmp_type", f->tp_src, m->tp_src);
		add_be16(o, "icmp_code", f->tp_dst, m->tp_dst);
	} else {
		add_be16(o, "tp_src", f->tp_src, m->tp_src);
		add_be16(o, "tp_dst", f->tp_dst, m->tp_dst);
	}
	if (icmp6) {
		add_ipv6(o, "nd_target", &f->nd_target, &m->nd_target);
		add_mac(o, "nd_sll", f->arp_sha, m->arp_sha);
		add_mac(o, "nd_tll", f->arp_tha, m->arp_tha);
		add_field(o, "nd_reserved", FIELD_ND_RESERVED);
		add_field(o, "nd_options_type", FIELD_ND_OPTIONS_TYPE);
	}
	if (f->nw_proto == IP_PROTO_TCP)
		add_field(o, "tcp_flags", FIELD_TCP_FLAGS);
}

static void format(const struct flow *f, const struct flow *m, const struct match *match,
		   struct str *s, int priority, ofp_port_name_cb *port_name, void *arg)
{
	struct out o = {s, f, m, match};
	size_t start = s->len;
	bool skip_type, skip_proto;
	if (priority >= 0 && priority != 32768) {
		str_mark(s, MARK_SPECIAL, "priority=");
		str_add_u64(s, (uint64_t)priority);
		str_addc(s, ',');
	}
	add_u32(&o, "pkt_mark", f->pkt_mark, m->pkt_mark);
	add_u32(&o, "recirc_id", f->recirc_id, m->recirc_id);
	add_u32(&o, "dp_hash", f->dp_hash, m->dp_hash);
	if (m->conj_id) {
		str_mark(s, MARK_PARAM, "conj_id");
		str_addf(s, "=%" PRIu32 ",", f->conj_id);
	}
	if (m->skb_priority)
		add_u32(&o, "skb_priority", f->skb_priority, UINT32_MAX);
	if (m->actset_output) {
		str_mark_name(s, "actset_output");
		ofp_port_format(f->actset_output, port_name, arg, s);
		str_addc(s, ',');
	}
	add_conntrack(&o);
	add_type(&o, &skip_type, &skip_proto);
	for (int i = 0; i < FLOW_N_REGS; i++)
		if (m->regs[i]) {
			char name[8] = "reg";
			name[3] = (char)(i < 10 ? '0' + i : '1');
			name[4] = (char)(i < 10 ? '\0' : '0' + i - 10);
			add_u32(&o, name, f->regs[i], m->regs[i]);
		}
	add_tunnel(&o);
	add_be64(&o, "metadata", f->metadata, m->metadata);
	add_l2(&o, skip_type, port_name, arg);
	add_l3(&o, skip_proto);
	add_l4(&o);
	if (s->len > start)
		str_chomp(s, ',');
}

void match_format(const struct match *m, struct str *s, int priority, ofp_port_name_cb *port_name,
		  void *arg)
{
	format(&m->flow, &m->mask, m, s, priority, port_name, arg);
}

void flow_format(const struct flow *f, const struct option_table *table, struct str *s,
		 ofp_port_name_cb *port_name, void *arg)
{
	struct match m;
	struct flow mask;
	flow_mask_for_packet(f, &mask);
	// What says nothing about a packet when it is zero.
	mask.tunnel.id |= f->tunnel.id ? UINT64_MAX : 0; // of a tunnel yet to be gone through
	mask.in_port &= f->in_port ? UINT32_MAX : 0;
	mask.skb_priority &= f->skb_priority ? UINT32_MAX : 0;
	mask.pkt_mark &= f->pkt_mark ? UINT32_MAX : 0;
	mask.recirc_id &= f->recirc_id ? UINT32_MAX : 0;
	mask.dp_hash &= f->dp_hash ? UINT32_MAX : 0;
	mask.conj_id &= f->conj_id ? UINT32_MAX : 0;
	mask.ct_state &= f->ct_state ? UINT32_MAX : 0;
	mask.ct_zone &= f->ct_zone ? UINT16_MAX : 0;
	mask.ct_mark &= f->ct_mark ? UINT32_MAX : 0;
	mask.metadata &= f->metadata ? UINT64_MAX : 0;
	mask.actset_output = 0;
	mask.nd_reserved &= f->nd_reserved ? UINT32_MAX : 0;
	mask.nd_options_type = 0; // the addresses tell
	if (is_zero(&f->ct_label, sizeof(f->ct_label)))
		memset(&mask.ct_label, 0, sizeof(mask.ct_label));
	for (int i = 0; i < FLOW_N_REGS; i++)
		mask.regs[i] &= f->regs[i] ? UINT32_MAX : 0;
	m.table = table;
	flow_copy(&m.flow, f);
	flow_copy(&m.mask, &mask);
	format(f, &mask, table ? &m : NULL, s, -1, port_name, arg);
}
