/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "flow/dpact.h"
#include "flow/dpkey_fields.h"
#include "flow/field.h"
#include "packet/headers.h"

struct out {
	struct str *s;
	const struct flow *f, *m;
	bool verbose, exact; // exact: no mask was given
};

// "name(" fields "),", or nothing when all of them are left out.
static void add_fields(struct out *o, const char *name, const struct dpfield *fields)
{
	size_t start = o->s->len;
	str_addf(o->s, "%s(", name);
	if (dpfields_format(o->s, fields, o->f, o->m, o->verbose))
		str_add(o->s, "),");
	else
		str_truncate(o->s, start);
}

static void add_u32(struct out *o, const char *name, uint32_t v, uint32_t mask, uint32_t max)
{
	if (!mask && !o->verbose)
		return;
	str_addf(o->s, "%s(%#" PRIx32, name, v);
	if (mask != max)
		str_addf(o->s, "/%#" PRIx32, mask);
	str_add(o->s, "),");
}

static void add_tunnel(struct out *o)
{
	const struct flow_tunnel *f = &o->f->tunnel;
	static const struct flow_tunnel none;
	if (!memcmp(f, &none, sizeof(none)))
		return;
	// What the header does not have is not shown: the mask of it says nothing.
	struct flow_tunnel m = o->m->tunnel;
	if (f->ip_dst || f->ip_src) {
		memset(&m.ipv6_src, 0, sizeof(m.ipv6_src));
		memset(&m.ipv6_dst, 0, sizeof(m.ipv6_dst));
	} else {
		m.ip_src = m.ip_dst = 0;
	}
	m.options = f->options ? m.options : 0;
	m.tos = f->tos ? m.tos : 0;
	m.tp_src = f->tp_src ? m.tp_src : 0;
	m.tp_dst = f->tp_dst ? m.tp_dst : 0;
	m.id = f->flags & FLOW_TNL_KEY || f->id ? m.id : 0;
	if (!f->gbp_id && !f->gbp_flags)
		m.gbp_id = 0, m.gbp_flags = 0;
	size_t start = o->s->len;
	str_add(o->s, "tunnel(");
	size_t inside = o->s->len;
	dptunnel_format(o->s, f, &m, o->f->options, o->m->options, false);
	if (o->s->len > inside)
		str_add(o->s, "),");
	else
		str_truncate(o->s, start);
}

static void add_ct_state(struct out *o)
{
	uint32_t f = o->f->ct_state, m = o->m->ct_state & 0xff;
	if (!m && !o->verbose)
		return;
	str_add(o->s, "ct_state(");
	if (!o->verbose) {
		flags_format(o->s, ct_state_flag_names, f, m, 0x1ff); // always with signs
	} else {
		str_addf(o->s, "%#" PRIx32, f);
		if (!o->exact)
			str_addf(o->s, "/%#" PRIx32, m);
	}
	str_add(o->s, "),");
}

static void add_hex128(struct str *s, const union flow_in6 *v)
{
	uint64_t high = be64toh(v->d[0]), low = be64toh(v->d[1]);
	if (high)
		str_addf(s, "0x%" PRIx64 "%016" PRIx64, high, low);
	else
		str_addf(s, "%#" PRIx64, low);
}

static void add_ct_label(struct out *o)
{
	const union flow_in6 *m = &o->m->ct_label;
	if (!(m->d[0] | m->d[1]) && !o->verbose)
		return;
	str_add(o->s, "ct_label(");
	add_hex128(o->s, &o->f->ct_label);
	if ((m->d[0] & m->d[1]) != UINT64_MAX) {
		str_addc(o->s, '/');
		add_hex128(o->s, m);
	}
	str_add(o->s, "),");
}

static void add_metadata(struct out *o, dp_port_name_cb *port_name, void *arg)
{
	const struct flow *f = o->f, *m = o->m;
	add_u32(o, "skb_priority", f->skb_priority, m->skb_priority, UINT32_MAX);
	add_tunnel(o);
	add_u32(o, "skb_mark", f->pkt_mark, m->pkt_mark, UINT32_MAX);
	add_ct_state(o);
	add_u32(o, "ct_zone", f->ct_zone, m->ct_zone, UINT16_MAX);
	add_u32(o, "ct_mark", f->ct_mark, m->ct_mark, UINT32_MAX);
	add_ct_label(o);
	if (f->ct_nw_proto && f->dl_type == BE16(ETHERTYPE_IPV6))
		add_fields(o, "ct_tuple6", key_ct_tuple6);
	else if (f->ct_nw_proto)
		add_fields(o, "ct_tuple4", key_ct_tuple4);
	add_u32(o, "recirc_id", f->recirc_id, m->recirc_id, UINT32_MAX);
	add_u32(o, "dp_hash", f->dp_hash, m->dp_hash, UINT32_MAX);
	if (m->in_port || o->verbose) {
		const char *name = port_name ? port_name(arg, f->in_port) : NULL;
		if (name)
			str_addf(o->s, "in_port(%s),", name);
		else
			str_addf(o->s, "in_port(%" PRIu32 "),", f->in_port);
	}
	if (m->packet_type) {
		str_addf(o->s, "packet_type(ns=%u,id=%#x),", be32toh(f->packet_type) >> 16,
			 be32toh(f->packet_type) & 0xffff);
	} else if (o->verbose) {
		str_addf(o->s, "packet_type(ns=%u/0,id=%#x/0),", be32toh(f->packet_type) >> 16,
			 be32toh(f->packet_type) & 0xffff);
	}
}

static void add_ethernet(struct out *o)
{
	size_t start = o->s->len;
	if (o->f->packet_type)
		return;
	add_fields(o, "eth", key_ethernet);
	if (o->s->len == start && !o->m->packet_type)
		str_add(o->s, "eth(),"); // something must say that there is such a header
}

// The tag and its "encap(" when there is one. True: the caller closes.
static bool add_vlan(struct out *o, unsigned int i)
{
	const struct flow_vlan *f = &o->f->vlan[i], *m = &o->m->vlan[i];
	if (!(f->tci & BE16(VLAN_CFI)))
		return false;
	// A datapath that keeps keys masked, and tells tags apart by their number alone, has no
	// TPID.
	str_addf(o->s, "eth_type(0x%04x),", f->tpid ? be16toh(f->tpid) : ETHERTYPE_VLAN_8021Q);
	if (o->verbose || m->tci & ~BE16(VLAN_CFI)) {
		str_add(o->s, "vlan(");
		dpvlan_format(o->s, be16toh(f->tci), be16toh(m->tci), o->verbose);
		str_add(o->s, "),");
	}
	str_add(o->s, "encap(");
	return true;
}

static void add_eth_type(struct out *o, bool tagged)
{
	if (be16toh(o->f->dl_type) >= ETHERTYPE_MIN)
		str_addf(o->s, "eth_type(0x%04x),", be16toh(o->f->dl_type));
	else if (!tagged)
		str_add(o->s, "eth_type(0/0xffff),"); // an 802.3 length: there is no type
}

// Entries up to the bottom of the stack, or to the last one that anything is known of.
static unsigned int count_mpls(const struct flow *f, const struct flow *m)
{
	unsigned int n = 0, known = 1;
	for (unsigned int i = 0; i < FLOW_MAX_MPLS; i++)
		if (m->mpls[i])
			known = i + 1;
	while (n < FLOW_MAX_MPLS)
		if (f->mpls[n++] & BE32(MPLS_BOS_MASK) ||
		    (n >= known && !(m->mpls[n - 1] & BE32(MPLS_BOS_MASK))))
			break;
	return n;
}

static void add_mpls(struct out *o)
{
	bool any = o->verbose, exact = true;
	unsigned int n = count_mpls(o->f, o->m);
	for (unsigned int i = 0; i < n; i++) {
		any |= o->m->mpls[i] != 0;
		exact &= o->m->mpls[i] == UINT32_MAX;
	}
	if (!any)
		return;
	str_add(o->s, "mpls(");
	for (unsigned int i = 0; i < n; i++) {
		uint32_t mask = be32toh(o->m->mpls[i]);
		if (i)
			str_addc(o->s, ',');
		dpmpls_format(o->s, be32toh(o->f->mpls[i]), exact ? UINT32_MAX : mask);
	}
	str_add(o->s, "),");
}

static void add_nsh(struct out *o)
{
	struct out all = *o;
	struct flow mask = *o->m;
	// What is hidden is left out in any case, and without a mask the context of a type that has
	// none.
	all.verbose = false;
	all.m = &mask;
	if (o->exact && o->f->nsh.mdtype != 1)
		memset(mask.nsh.context, 0, sizeof(mask.nsh.context));
	add_fields(&all, "nsh", key_nsh);
}

static void add_tcp_flags(struct out *o)
{
	uint32_t flags = be16toh(o->f->tcp_flags), mask = be16toh(o->m->tcp_flags);
	if (!(mask & TCP_FLAGS_MASK) && !o->verbose)
		return;
	str_add(o->s, "tcp_flags(");
	if (mask & TCP_FLAGS_MASK)
		flags_format(o->s, tcp_flag_names, flags, mask, TCP_FLAGS_MASK);
	else
		str_add(o->s, "0/0");
	str_add(o->s, "),");
}

static void add_l4(struct out *o)
{
	const struct flow *f = o->f;
	bool v4 = f->dl_type == BE16(ETHERTYPE_IPV4);
	if (f->nw_frag & FLOW_FRAG_LATER)
		return;
	if (f->nw_proto == IP_PROTO_TCP) {
		add_fields(o, "tcp", key_ports);
		add_tcp_flags(o);
	} else if (f->nw_proto == IP_PROTO_UDP) {
		add_fields(o, "udp", key_ports);
	} else if (f->nw_proto == IP_PROTO_SCTP) {
		add_fields(o, "sctp", key_ports);
	} else if (v4 && f->nw_proto == IP_PROTO_ICMP) {
		add_fields(o, "icmp", key_icmp);
	} else if (!v4 && f->nw_proto == IP_PROTO_ICMPV6) {
		add_fields(o, "icmpv6", key_icmp);
		if (flow_is_nd(f)) {
			add_fields(o, "nd", key_nd);
			if (!o->exact || f->nd_reserved || f->nd_options_type)
				add_fields(o, "nd_ext", key_nd_ext);
		}
	}
}

static void add_l3(struct out *o)
{
	switch (be16toh(o->f->dl_type)) {
	case ETHERTYPE_IPV4:
		add_fields(o, "ipv4", key_ipv4);
		add_l4(o);
		break;
	case ETHERTYPE_IPV6:
		add_fields(o, "ipv6", key_ipv6);
		add_l4(o);
		break;
	case ETHERTYPE_ARP:
	case ETHERTYPE_RARP:
		add_fields(o, "arp", key_arp);
		break;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MCAST:
		add_mpls(o);
		break;
	case ETHERTYPE_NSH:
		add_nsh(o);
		break;
	}
}

void dpkey_format(struct str *s, const struct flow *key, const struct flow *mask,
		  dp_port_name_cb *port_name, void *arg, bool verbose)
{
	struct flow ones;
	struct out o = {s, key, mask ? mask : &ones, verbose, !mask};
	if (!mask)
		memset(&ones, 0xff, sizeof(ones));
	unsigned int tags = 0;
	add_metadata(&o, port_name, arg);
	add_ethernet(&o);
	while (tags < FLOW_MAX_VLANS && add_vlan(&o, tags))
		tags++;
	add_eth_type(&o, tags);
	add_l3(&o);
	str_chomp(s, ',');
	str_add_repeat(s, ')', tags);
}
