/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "flow/dpact.h"
#include "flow/dpkey_fields.h"
#include "flow/field.h"
#include "packet/headers.h"

struct parser {
	struct flow *key, *mask;
	dp_port_number_cb *port_number;
	void *arg;
	unsigned int tags; // VLAN tags whose "encap(" is open
	be16_t pending;	   // an eth_type() that is a TPID if a vlan() or encap() follows, else the
			   // frame's type
	bool has_type;
	uint32_t seen; // rows
};

// Each row's function reads what stands after "name(", up to and over ")".
struct row {
	const char *name;
	const struct dpfield *fields; // the whole of it, when not NULL
	bool (*parse)(struct parser *, const char **text);
	// The frames that have such a header: either type, and this protocol. 0: all.
	uint16_t dl_type[2];
	uint8_t nw_proto;
};

static bool parse_u32(const char **text, uint64_t max, uint32_t *value, uint32_t *mask)
{
	uint64_t v, m;
	if (!dptext_masked(text, max, &v, &m) || !dptext_literal(text, ")"))
		return false;
	*value = (uint32_t)v;
	*mask = (uint32_t)m;
	return true;
}

static bool parse_priority(struct parser *p, const char **text)
{
	return parse_u32(text, UINT32_MAX, &p->key->skb_priority, &p->mask->skb_priority);
}

static bool parse_mark(struct parser *p, const char **text)
{
	return parse_u32(text, UINT32_MAX, &p->key->pkt_mark, &p->mask->pkt_mark);
}

static bool parse_recirc_id(struct parser *p, const char **text)
{
	return parse_u32(text, UINT32_MAX, &p->key->recirc_id, &p->mask->recirc_id);
}

static bool parse_dp_hash(struct parser *p, const char **text)
{
	return parse_u32(text, UINT32_MAX, &p->key->dp_hash, &p->mask->dp_hash);
}

static bool parse_ct_mark(struct parser *p, const char **text)
{
	return parse_u32(text, UINT32_MAX, &p->key->ct_mark, &p->mask->ct_mark);
}

static bool parse_ct_zone(struct parser *p, const char **text)
{
	uint32_t v, m;
	if (!parse_u32(text, UINT16_MAX, &v, &m))
		return false;
	p->key->ct_zone = (uint16_t)v;
	p->mask->ct_zone = (uint16_t)m;
	return true;
}

static bool parse_flags(const char **text, const struct flag_name *names, uint32_t known,
			uint32_t *flags, uint32_t *mask)
{
	struct error *error = flags_parse(text, ")", names, known, "", flags, mask);
	bool ok = !error && dptext_literal(text, ")");
	error_free(error);
	return ok;
}

static bool parse_ct_state(struct parser *p, const char **text)
{
	return parse_flags(text, ct_state_flag_names, 0xff, &p->key->ct_state, &p->mask->ct_state);
}

static bool parse_tcp_flags(struct parser *p, const char **text)
{
	uint32_t flags, mask;
	if (!parse_flags(text, tcp_flag_names, TCP_FLAGS_MASK, &flags, &mask))
		return false;
	p->key->tcp_flags = htobe16((uint16_t)flags);
	p->mask->tcp_flags = htobe16((uint16_t)mask);
	return true;
}

static bool parse_ct_label(struct parser *p, const char **text)
{
	char copy[80];
	size_t n = strcspn(*text, ")");
	union field_value value, mask;
	if (n >= sizeof(copy) || !(*text)[n])
		return false;
	memcpy(copy, *text, n);
	copy[n] = '\0';
	struct error *error = field_parse_value(field_get(FIELD_CT_LABEL), copy, &value, &mask);
	bool ok = !error;
	error_free(error);
	p->key->ct_label = value.in6;
	p->mask->ct_label = mask.in6;
	*text += n + 1;
	return ok;
}

static bool parse_tunnel(struct parser *p, const char **text)
{
	return dptunnel_parse(text, &p->key->tunnel, &p->mask->tunnel, p->key->options,
			      p->mask->options);
}

static bool parse_in_port(struct parser *p, const char **text)
{
	uint64_t v, m;
	const char *s = *text;
	if (dptext_masked(&s, UINT32_MAX, &v, &m) && dptext_literal(&s, ")")) {
		p->key->in_port = (uint32_t)v;
		p->mask->in_port = (uint32_t)m;
		*text = s;
		return true;
	}
	char name[64];
	size_t n = strcspn(*text, ")");
	if (!p->port_number || !n || n >= sizeof(name) || !(*text)[n])
		return false;
	memcpy(name, *text, n);
	name[n] = '\0';
	p->mask->in_port = UINT32_MAX;
	*text += n + 1;
	return !p->port_number(p->arg, name, &p->key->in_port);
}

static bool parse_packet_type(struct parser *p, const char **text)
{
	uint64_t ns, id, ns_mask, id_mask;
	if (!dptext_literal(text, "ns=") || !dptext_masked(text, UINT16_MAX, &ns, &ns_mask) ||
	    !dptext_literal(text, ",id=") || !dptext_masked(text, UINT16_MAX, &id, &id_mask) ||
	    !dptext_literal(text, ")"))
		return false;
	p->key->packet_type = htobe32((uint32_t)(ns << 16 | id));
	p->mask->packet_type = htobe32((uint32_t)(ns_mask << 16 | id_mask));
	return true;
}

static bool parse_eth_type(struct parser *p, const char **text)
{
	uint64_t v, m;
	if (!dptext_masked(text, UINT16_MAX, &v, &m) || !dptext_literal(text, ")"))
		return false;
	p->pending = htobe16((uint16_t)v);
	p->has_type = true;
	p->key->dl_type = v < ETHERTYPE_MIN ? BE16(FLOW_DL_TYPE_NONE) : p->pending;
	p->mask->dl_type = 0xffff;
	return m == UINT16_MAX || !m;
}

// The eth_type() before it was a tag's. False when there was none, or there are too many tags.
static bool begin_tag(struct parser *p)
{
	if (!p->has_type || p->tags == FLOW_MAX_VLANS)
		return false;
	p->key->vlan[p->tags].tpid = p->pending;
	p->mask->vlan[p->tags].tpid = 0xffff;
	return true;
}

static bool parse_vlan(struct parser *p, const char **text)
{
	uint16_t tci, mask;
	if (!begin_tag(p) || !dpvlan_parse(text, &tci, &mask))
		return false;
	p->key->vlan[p->tags].tci = htobe16(tci);
	p->mask->vlan[p->tags].tci = htobe16(mask);
	return true;
}

static bool parse_encap(struct parser *p, const char **text)
{
	if (!begin_tag(p))
		return false;
	if (!p->key->vlan[p->tags].tci) { // without vlan(): any tag
		p->key->vlan[p->tags].tci = BE16(VLAN_CFI);
		p->mask->vlan[p->tags].tci = 0;
	}
	p->tags++;
	p->has_type = false;
	p->key->dl_type = BE16(FLOW_DL_TYPE_NONE); // unless an inner eth_type() says otherwise
	return true;
}

static bool parse_mpls(struct parser *p, const char **text)
{
	for (unsigned int i = 0; i < FLOW_MAX_MPLS; i++) {
		uint32_t lse, mask;
		if (!dpmpls_parse(text, &lse, &mask))
			return false;
		p->key->mpls[i] = htobe32(lse);
		p->mask->mpls[i] = htobe32(mask);
		if (dptext_literal(text, ")"))
			return true;
		if (!dptext_literal(text, ","))
			return false;
	}
	return false;
}

#define IPV4                                                                                       \
	{                                                                                          \
		ETHERTYPE_IPV4, ETHERTYPE_IPV4                                                     \
	}
#define IPV6                                                                                       \
	{                                                                                          \
		ETHERTYPE_IPV6, ETHERTYPE_IPV6                                                     \
	}
#define IP                                                                                         \
	{                                                                                          \
		ETHERTYPE_IPV4, ETHERTYPE_IPV6                                                     \
	}
static const struct row rows[] = {
	{"skb_priority(", NULL, parse_priority, {0}, 0},
	{"tunnel(", NULL, parse_tunnel, {0}, 0},
	{"skb_mark(", NULL, parse_mark, {0}, 0},
	{"ct_state(", NULL, parse_ct_state, {0}, 0},
	{"ct_zone(", NULL, parse_ct_zone, {0}, 0},
	{"ct_mark(", NULL, parse_ct_mark, {0}, 0},
	{"ct_label(", NULL, parse_ct_label, {0}, 0},
	{"ct_tuple4(", key_ct_tuple4, NULL, {0}, 0},
	{"ct_tuple6(", key_ct_tuple6, NULL, {0}, 0},
	{"recirc_id(", NULL, parse_recirc_id, {0}, 0},
	{"dp_hash(", NULL, parse_dp_hash, {0}, 0},
	{"in_port(", NULL, parse_in_port, {0}, 0},
	{"packet_type(", NULL, parse_packet_type, {0}, 0},
	{"eth(", key_ethernet, NULL, {0}, 0},
	{"eth_type(", NULL, parse_eth_type, {0}, 0},
	{"vlan(", NULL, parse_vlan, {0}, 0},
	{"encap(", NULL, parse_encap, {0}, 0},
	{"mpls(", NULL, parse_mpls, {ETHERTYPE_MPLS, ETHERTYPE_MPLS_MCAST}, 0},
	{"ipv4(", key_ipv4, NULL, IPV4, 0},
	{"ipv6(", key_ipv6, NULL, IPV6, 0},
	{"tcp(", key_ports, NULL, IP, IP_PROTO_TCP},
	{"tcp_flags(", NULL, parse_tcp_flags, IP, IP_PROTO_TCP},
	{"udp(", key_ports, NULL, IP, IP_PROTO_UDP},
	{"sctp(", key_ports, NULL, IP, IP_PROTO_SCTP},
	{"icmp(", key_icmp, NULL, IPV4, IP_PROTO_ICMP},
	{"icmpv6(", key_icmp, NULL, IPV6, IP_PROTO_ICMPV6},
	{"arp(", key_arp, NULL, {ETHERTYPE_ARP, ETHERTYPE_RARP}, 0},
	{"nd(", key_nd, NULL, IPV6, IP_PROTO_ICMPV6},
	{"nd_ext(", key_nd_ext, NULL, IPV6, IP_PROTO_ICMPV6},
	{"nsh(", key_nsh, NULL, {ETHERTYPE_NSH, ETHERTYPE_NSH}, 0},
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };
_Static_assert(N_ROWS <= 32, "rows seen are a 32-bit map");

// Without an Ethernet header, the type of the packet is that of what follows.
static struct error *finish_packet_type(struct flow *key, struct flow *mask, bool has_type)
{
	uint32_t ns = be32toh(key->packet_type) >> 16;
	if (!key->packet_type)
		return NULL;
	if (ns != 1)
		return error_new("packet_type(ns=%u,id=%#x): a packet has an Ethernet header "
				 "(ns=0,id=0), or begins with that of an Ethernet "
				 "type (ns=1)",
				 ns, be32toh(key->packet_type) & 0xffff);
	key->packet_type = flow_bare_type(flow_ethertype_of(key->packet_type));
	be16_t type = flow_ethertype_of(key->packet_type);
	if (has_type && key->dl_type != type)
		return error_new("eth_type(0x%04x) does not belong to a packet of type %#x",
				 be16toh(key->dl_type), be16toh(type));
	key->dl_type = type;
	mask->dl_type = 0xffff;
	return NULL;
}

// Every header that was given belongs to such a packet.
static struct error *check_headers(const struct flow *key, uint32_t seen)
{
	for (unsigned int i = 0; i < N_ROWS; i++) {
		const struct row *row = &rows[i];
		uint16_t type = be16toh(key->dl_type);
		if (!(seen >> i & 1))
			continue;
		bool l2 = row->fields == key_ethernet || row->parse == parse_vlan ||
			  row->parse == parse_encap;
		if (l2 && flow_is_bare(key))
			return error_new("%.*s does not belong to a packet without Ethernet header",
					 (int)strlen(row->name) - 1, row->name);
		if (!row->dl_type[0])
			continue;
		if ((type != row->dl_type[0] && type != row->dl_type[1]) ||
		    (row->nw_proto && key->nw_proto != row->nw_proto))
			return error_new("%.*s does not belong to a packet of this type",
					 (int)strlen(row->name) - 1, row->name);
	}
	return NULL;
}

static bool parse_one(struct parser *p, const char **text)
{
	for (unsigned int i = 0; i < N_ROWS; i++) {
		const char *s = *text;
		if (!dptext_literal(&s, rows[i].name))
			continue;
		if (rows[i].fields ? !dpfields_parse(&s, rows[i].fields, p->key, p->mask)
				   : !rows[i].parse(p, &s))
			return false;
		p->seen |= UINT32_C(1) << i;
		*text = s;
		return true;
	}
	return false;
}

static void skip_ufid(const char **text)
{
	if (dptext_literal(text, "ufid:"))
		while (isxdigit((unsigned char)**text) || **text == '-')
			++*text;
}

struct error *dpkey_parse(const char *text, struct flow *key, struct flow *mask,
			  dp_port_number_cb *port_number, void *arg)
{
	struct flow unused;
	struct parser p = {key, mask ? mask : &unused, port_number, arg, 0, 0, false, 0};
	unsigned int open = 0;
	flow_clear(p.key);
	flow_clear(p.mask);
	p.mask->recirc_id = UINT32_MAX;
	skip_ufid(&text);
	for (;;) {
		text += strspn(text, ", \t\r\n");
		if (!*text)
			break;
		if (open && *text == ')') {
			open--;
			text++;
			continue;
		}
		unsigned int tags = p.tags;
		if (!parse_one(&p, &text))
			return error_new("syntax error at %s", text);
		open += p.tags - tags;
	}
	if (open)
		return error_new("syntax error at end of input: missing \")\"");
	struct error *error = finish_packet_type(p.key, p.mask, p.has_type);
	if (!error)
		error = check_headers(key, p.seen);
	if (error)
		return error;
	if (p.tags < FLOW_MAX_VLANS &&
	    (p.mask->dl_type || p.tags)) // what is not written is not there
		p.mask->vlan[p.tags] = (struct flow_vlan){0xffff, 0xffff};
	return NULL;
}
