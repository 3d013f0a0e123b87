/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/field.h"

#include <string.h>

#include "packet/headers.h"

// A value as a number: fields of up to 16 bytes.
typedef unsigned __int128 wide;

static wide value_to_wide(const union field_value *v, unsigned int n)
{
	if (n == 16)
		return (wide)be64toh(v->in6.d[0]) << 64 | be64toh(v->in6.d[1]);
	uint64_t x;
	memcpy(&x, v->b, sizeof(x)); // what follows the value is shifted out
	return be64toh(x) >> (64 - 8 * n);
}

static void wide_to_value(wide x, union field_value *v, unsigned int n)
{
	if (n == 16) {
		v->in6.d[0] = htobe64((uint64_t)(x >> 64));
		v->in6.d[1] = htobe64((uint64_t)x);
		return;
	}
	uint64_t bytes = htobe64((uint64_t)x << (64 - 8 * n));
	memcpy(v->b, &bytes, sizeof(bytes));
}

static wide ones(unsigned int n_bits)
{
	return n_bits >= 128 ? ~(wide)0 : ((wide)1 << n_bits) - 1;
}

static void *member(const struct field *f, struct flow *flow)
{
	return (char *)flow + f->offset;
}

static const void *member_const(const struct field *f, const struct flow *flow)
{
	return (const char *)flow + f->offset;
}

static uint32_t load_host(const void *p, unsigned int size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return *(const uint16_t *)p;
	default:
		return *(const uint32_t *)p;
	}
}

static void store_host(void *p, unsigned int size, uint32_t v)
{
	switch (size) {
	case 1:
		*(uint8_t *)p = (uint8_t)v;
		break;
	case 2:
		*(uint16_t *)p = (uint16_t)v;
		break;
	default:
		*(uint32_t *)p = v;
	}
}

static uint32_t load_net(const void *p, unsigned int size)
{
	return size == 2 ? get_be16(p) : get_be32(p);
}

static void store_net(void *p, unsigned int size, uint32_t v)
{
	if (size == 2)
		put_be16(p, (uint16_t)v);
	else
		put_be32(p, v);
}

// The bits of a container that belong to the field, unshifted.
static uint32_t container_bits(const struct field *f)
{
	unsigned int n = f->n_bits < 8u * f->size ? f->n_bits : 8u * f->size;
	return (uint32_t)ones(n);
}

static uint16_t vlan_get(const struct field *f, uint16_t tci)
{
	if (f->id == FIELD_DL_VLAN)
		return tci & VLAN_VID_MASK;
	if (f->id == FIELD_VLAN_VID)
		return tci & (VLAN_VID_MASK | VLAN_CFI);
	return f->id == FIELD_VLAN_TCI ? tci : tci >> VLAN_PCP_SHIFT;
}

static void vlan_set(const struct field *f, uint16_t v, struct flow *flow)
{
	uint16_t tci = be16toh(flow->vlan[0].tci);
	if (f->id == FIELD_DL_VLAN)
		tci = v == 0xffff
			      ? 0
			      : (uint16_t)((tci & ~VLAN_VID_MASK) | (v & VLAN_VID_MASK) | VLAN_CFI);
	else if (f->id == FIELD_VLAN_VID)
		tci = (uint16_t)((tci & VLAN_PCP_MASK) | (v & (VLAN_VID_MASK | VLAN_CFI)));
	else if (f->id == FIELD_VLAN_TCI)
		tci = v;
	else
		tci = (uint16_t)((tci & VLAN_VID_MASK) | (v & 7) << VLAN_PCP_SHIFT | VLAN_CFI);
	flow_set_vlan_tci(flow, tci);
}

uint32_t ofp_port_to_32(uint32_t port)
{
	return port >= OFPP_MAX ? port | 0xffff0000 : port;
}

uint32_t ofp_port_from_32(uint32_t port)
{
	return port >= 0xffff0000 + OFPP_MAX ? port & 0xffff : port;
}

static bool has_option(const struct field *f, const struct flow *flow)
{
	return flow->tunnel.options >> f->option & 1;
}

static void option_get(const struct field *f, const struct flow *flow, union field_value *v)
{
	bool there = f->at && has_option(f, flow);
	for (unsigned int i = 0; i < f->n_bytes; i++)
		v->b[i] = there ? flow->options[f->at[i]] : 0;
}

static void option_put(const struct field *f, const union field_value *v, struct flow *flow)
{
	if (!f->at)
		return;
	flow_make_options(flow);
	flow->tunnel.options |= UINT64_C(1) << f->option;
	for (unsigned int i = 0; i < f->n_bytes; i++)
		flow->options[f->at[i]] = v->b[i];
}

void field_delete_option(const struct field *f, struct flow *flow)
{
	static const union field_value none;
	if (!has_option(f, flow))
		return;
	option_put(f, &none, flow);
	flow->tunnel.options &= ~(UINT64_C(1) << f->option);
}

void field_get_value(const struct field *f, const struct flow *flow, union field_value *v)
{
	const void *p = member_const(f, flow);
	const uint32_t *regs = p;
	wide x = 0;
	switch ((enum field_place)f->place) {
	case FIELD_PLACE_BYTES:
		memcpy(v->b, p, f->n_bytes);
		return;
	case FIELD_PLACE_HOST:
		x = load_host(p, f->size) >> f->shift & container_bits(f);
		break;
	case FIELD_PLACE_NET:
		x = load_net(p, f->size) >> f->shift & container_bits(f);
		break;
	case FIELD_PLACE_PORT:
		x = f->n_bytes == 2 ? *regs & 0xffff : ofp_port_to_32(*regs);
		break;
	case FIELD_PLACE_REGS:
		for (unsigned int i = 0; i < f->n_bytes / 4u; i++)
			x = x << 32 | regs[i];
		break;
	case FIELD_PLACE_VLAN:
		x = vlan_get(f, be16toh(flow->vlan[0].tci));
		break;
	case FIELD_PLACE_DSCP:
		x = flow->nw_tos & IP_DSCP_MASK;
		break;
	case FIELD_PLACE_OPTION:
		option_get(f, flow, v);
		return;
	}
	wide_to_value(x, v, f->n_bytes);
}

// Puts value bits where the field lies; nothing but these bits changes. Serves flows and masks
// alike: no rule of any protocol.
static void put_bits(const struct field *f, const union field_value *v, struct flow *flow)
{
	void *p = member(f, flow);
	uint32_t *regs = p;
	wide x = f->place == FIELD_PLACE_BYTES || f->place == FIELD_PLACE_OPTION
			 ? 0
			 : value_to_wide(v, f->n_bytes);
	uint32_t bits = container_bits(f) << f->shift, in = (uint32_t)x << f->shift & bits;
	switch ((enum field_place)f->place) {
	case FIELD_PLACE_BYTES:
		memcpy(p, v->b, f->n_bytes);
		break;
	case FIELD_PLACE_HOST:
		store_host(p, f->size, (load_host(p, f->size) & ~bits) | in);
		break;
	case FIELD_PLACE_NET:
		store_net(p, f->size, (load_net(p, f->size) & ~bits) | in);
		break;
	case FIELD_PLACE_PORT:
		*regs = ofp_port_from_32((uint32_t)x);
		break;
	case FIELD_PLACE_REGS:
		for (unsigned int i = f->n_bytes / 4u; i-- > 0; x >>= 32)
			regs[i] = (uint32_t)x;
		break;
	case FIELD_PLACE_VLAN:
		vlan_set(f, (uint16_t)x, flow);
		break;
	case FIELD_PLACE_DSCP:
		flow->nw_tos = (uint8_t)((x & IP_DSCP_MASK) | (flow->nw_tos & IP_ECN_MASK));
		break;
	case FIELD_PLACE_OPTION:
		option_put(f, v, flow);
		break;
	}
}

void field_set_value(const struct field *f, const union field_value *v, struct flow *flow)
{
	put_bits(f, v, flow);
}

void field_set_masked(const struct field *f, const union field_value *value,
		      const union field_value *mask, struct flow *flow)
{
	union field_value v;
	field_get_value(f, flow, &v);
	for (unsigned int i = 0; i < f->n_bytes; i++)
		v.b[i] = (uint8_t)((v.b[i] & ~mask->b[i]) | (value->b[i] & mask->b[i]));
	field_set_value(f, &v, flow);
}

void field_exact_mask(const struct field *f, union field_value *v)
{
	if (f->n_bits == 8u * f->n_bytes && f->id != FIELD_ARP_OP && f->id != FIELD_IP_DSCP) {
		memset(v->b, 0xff, f->n_bytes);
		return;
	}
	wide x = ones(f->n_bits);
	if (f->id == FIELD_VLAN_VID)
		x |= VLAN_CFI;
	else if (f->id == FIELD_IP_DSCP)
		x = IP_DSCP_MASK;
	else if (f->id == FIELD_ARP_OP)
		x = 0xff; // all that a flow keeps of it
	else if (f->id == FIELD_TUN_FLAGS)
		x = 0xffff; // flags that do not exist yet, too: what a match says about some is
			    // never the whole field
	wide_to_value(x, v, f->n_bytes);
}

unsigned int field_significant_bytes(const struct field *f, const union field_value *value,
				     const union field_value *mask)
{
	if (!f->variable_len)
		return f->n_bytes;
	unsigned int i = 0;
	while (i < f->n_bytes && !value->b[i] && !(mask && mask->b[i]))
		i++;
	return f->n_bytes - i;
}

bool field_mask_is_zero(const struct field *f, const union field_value *mask)
{
	for (unsigned int i = 0; i < f->n_bytes; i++)
		if (mask->b[i])
			return false;
	return true;
}

bool field_mask_is_exact(const struct field *f, const union field_value *mask)
{
	union field_value exact;
	if (f->id == FIELD_CT_STATE)
		return (be32toh(mask->be32) & 0xff) == 0xff; // all flags that there are
	field_exact_mask(f, &exact);
	for (unsigned int i = 0; i < f->n_bytes; i++)
		if ((mask->b[i] & exact.b[i]) != exact.b[i])
			return false;
	return true;
}

static bool is_small_in_be16(const struct field *f)
{
	return f->id == FIELD_ICMPV4_TYPE || f->id == FIELD_ICMPV4_CODE ||
	       f->id == FIELD_ICMPV6_TYPE || f->id == FIELD_ICMPV6_CODE || f->id == FIELD_TCP_FLAGS;
}

void field_unwildcard(const struct field *f, const union field_value *bits, struct flow *mask)
{
	union field_value exact;
	bool all = !bits || field_mask_is_exact(f, bits);
	if (all) {
		field_exact_mask(f, &exact);
		bits = &exact;
	}
	if (f->place == FIELD_PLACE_PORT) {
		if (!field_mask_is_zero(f, bits))
			*(uint32_t *)member(f, mask) = UINT32_MAX;
	} else if (f->place == FIELD_PLACE_VLAN) {
		uint16_t x = (uint16_t)value_to_wide(bits, f->n_bytes);
		if (f->id == FIELD_DL_VLAN && x)
			x = (x & VLAN_VID_MASK) | VLAN_CFI;
		else if ((f->id == FIELD_VLAN_PCP || f->id == FIELD_DL_VLAN_PCP) && x)
			x = (uint16_t)(x << VLAN_PCP_SHIFT) | VLAN_CFI;
		else if (f->id == FIELD_VLAN_VID)
			x &= VLAN_VID_MASK | VLAN_CFI;
		mask->vlan[0].tci |= htobe16(x);
	} else if (all && is_small_in_be16(f)) {
		// Containers are wider than these fields and hold nothing else: one mask for one
		// meaning.
		put_be16(member(f, mask), 0xffff);
	} else {
		union field_value now;
		field_get_value(f, mask, &now);
		for (unsigned int i = 0; i < f->n_bytes; i++)
			now.b[i] |= bits->b[i];
		put_bits(f, &now, mask);
	}
}

// What a prerequisite asks of the flow.
struct prereq {
	be16_t dl_type[2]; // either; 0: any
	uint8_t nw_proto;  // 0: any
	uint8_t icmp_type[2];
	bool not_later_frag;
};

static const struct prereq prereqs[] = {
	[PREREQ_ARP] = {.dl_type = {BE16(ETHERTYPE_ARP), BE16(ETHERTYPE_RARP)}},
	[PREREQ_IPV4] = {.dl_type = {BE16(ETHERTYPE_IPV4), BE16(ETHERTYPE_IPV4)}},
	[PREREQ_IPV6] = {.dl_type = {BE16(ETHERTYPE_IPV6), BE16(ETHERTYPE_IPV6)}},
	[PREREQ_IP_ANY] = {.dl_type = {BE16(ETHERTYPE_IPV4), BE16(ETHERTYPE_IPV6)}},
	[PREREQ_MPLS] = {.dl_type = {BE16(ETHERTYPE_MPLS), BE16(ETHERTYPE_MPLS_MCAST)}},
	[PREREQ_NSH] = {.dl_type = {BE16(ETHERTYPE_NSH), BE16(ETHERTYPE_NSH)}},
	[PREREQ_TCP] = {{BE16(ETHERTYPE_IPV4), BE16(ETHERTYPE_IPV6)}, IP_PROTO_TCP, {0}, true},
	[PREREQ_UDP] = {{BE16(ETHERTYPE_IPV4), BE16(ETHERTYPE_IPV6)}, IP_PROTO_UDP, {0}, true},
	[PREREQ_SCTP] = {{BE16(ETHERTYPE_IPV4), BE16(ETHERTYPE_IPV6)}, IP_PROTO_SCTP, {0}, true},
	[PREREQ_ICMPV4] = {{BE16(ETHERTYPE_IPV4), BE16(ETHERTYPE_IPV4)}, IP_PROTO_ICMP, {0}, true},
	[PREREQ_ICMPV6] = {{BE16(ETHERTYPE_IPV6), BE16(ETHERTYPE_IPV6)},
			   IP_PROTO_ICMPV6,
			   {0},
			   true},
	[PREREQ_ND] = {{BE16(ETHERTYPE_IPV6), BE16(ETHERTYPE_IPV6)},
		       IP_PROTO_ICMPV6,
		       {ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT},
		       true},
	[PREREQ_ND_SOLICIT] = {{BE16(ETHERTYPE_IPV6), BE16(ETHERTYPE_IPV6)},
			       IP_PROTO_ICMPV6,
			       {ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_SOLICIT},
			       true},
	[PREREQ_ND_ADVERT] = {{BE16(ETHERTYPE_IPV6), BE16(ETHERTYPE_IPV6)},
			      IP_PROTO_ICMPV6,
			      {ND_NEIGHBOR_ADVERT, ND_NEIGHBOR_ADVERT},
			      true},
	[PREREQ_CT] = {.dl_type = {0}},
};

void field_unwildcard_prereqs(const struct field *f, struct flow *mask)
{
	const struct prereq *p = &prereqs[f->prereq];
	if (f->prereq == PREREQ_NONE)
		return;
	if (f->prereq == PREREQ_CT) {
		mask->dl_type = 0xffff;
		mask->ct_state = UINT32_MAX;
		return;
	}
	mask->packet_type = UINT32_MAX;
	if (f->prereq == PREREQ_VLAN_VID)
		mask->vlan[0].tci |= BE16(VLAN_CFI);
	if (p->dl_type[0])
		mask->dl_type = 0xffff;
	if (p->nw_proto)
		mask->nw_proto = 0xff;
	if (p->not_later_frag)
		mask->nw_frag |= FLOW_FRAG_LATER;
	if (p->icmp_type[0])
		mask->tp_src = mask->tp_dst = 0xffff;
}

bool flow_has_connection(const struct flow *flow, const struct flow *mask)
{
	const uint32_t implied = FLOW_CT_NEW | FLOW_CT_ESTABLISHED | FLOW_CT_RELATED |
				 FLOW_CT_REPLY_DIR | FLOW_CT_SRC_NAT | FLOW_CT_DST_NAT;
	if (flow->ct_state & implied)
		return true;
	return flow->ct_state & FLOW_CT_TRACKED && !(flow->ct_state & FLOW_CT_INVALID) &&
	       (!mask || mask->ct_state & FLOW_CT_INVALID);
}

static bool ct_prereqs_ok(const struct field *f, const struct flow *flow, const struct flow *mask)
{
	be16_t want = f->id == FIELD_CT_NW_SRC || f->id == FIELD_CT_NW_DST ? BE16(ETHERTYPE_IPV4)
		      : f->id == FIELD_CT_IPV6_SRC || f->id == FIELD_CT_IPV6_DST
			      ? BE16(ETHERTYPE_IPV6)
			      : (be16_t)0;
	bool ports = f->id == FIELD_CT_TP_SRC || f->id == FIELD_CT_TP_DST;
	if (want && (flow->dl_type != want || (mask && mask->dl_type != 0xffff)))
		return false;
	if (ports && !flow->ct_nw_proto)
		return false;
	return flow_has_connection(flow, mask);
}

bool field_prereqs_ok(const struct field *f, const struct flow *flow, const struct flow *mask)
{
	const struct prereq *p = &prereqs[f->prereq];
	if (f->prereq == PREREQ_NONE)
		return true;
	if (f->prereq == PREREQ_CT)
		return ct_prereqs_ok(f, flow, mask);
	if (flow->packet_type)
		// Packets without Ethernet header still have the headers that their type says.
		if (f->prereq == PREREQ_ETHERNET || f->prereq == PREREQ_VLAN_VID)
			return false;
	if (f->prereq == PREREQ_VLAN_VID)
		return flow->vlan[0].tci & BE16(VLAN_CFI) &&
		       (!mask || mask->vlan[0].tci & BE16(VLAN_CFI));
	if (p->dl_type[0] && ((flow->dl_type != p->dl_type[0] && flow->dl_type != p->dl_type[1]) ||
			      (mask && mask->dl_type != 0xffff)))
		return false;
	if (p->nw_proto && (flow->nw_proto != p->nw_proto || (mask && mask->nw_proto != 0xff)))
		return false;
	// A match on ICMP in later fragments means nothing, but OpenFlow has it.
	bool icmp_of_match = mask && f->prereq >= PREREQ_ICMPV4 && f->prereq <= PREREQ_ND_ADVERT;
	if (p->not_later_frag && flow->nw_frag & FLOW_FRAG_LATER && !icmp_of_match)
		return false;
	if (p->icmp_type[0]) {
		if (flow->tp_src != htobe16(p->icmp_type[0]) &&
		    flow->tp_src != htobe16(p->icmp_type[1]))
			return false;
		// A code that is not matched on may be anything: the match means code 0 then.
		if (flow->tp_dst || (mask && mask->tp_src != 0xffff))
			return false;
	}
	return true;
}

bool field_value_is_valid(const struct field *f, const union field_value *v)
{
	if (f->place == FIELD_PLACE_OPTION)
		return true;
	wide x = value_to_wide(v, f->n_bytes);
	if (f->id == FIELD_IP_DSCP)
		return !(x & IP_ECN_MASK);
	if (f->id == FIELD_ARP_OP)
		return x <= 0xff;
	if (f->id == FIELD_DL_VLAN || f->id == FIELD_VLAN_VID)
		return x <= (VLAN_VID_MASK | VLAN_CFI);
	if (f->id == FIELD_NSH_MDTYPE)
		return x == 1 || x == 2;
	if (f->id == FIELD_CT_STATE)
		return x <= 0xff;
	if (f->id == FIELD_NSH_TTL)
		return x <= 63;
	if (f->place == FIELD_PLACE_PORT && f->n_bytes == 4)
		return x < OFPP_MAX || x >= 0xffff0000u + OFPP_MAX;
	return !(x & ~ones(f->n_bits));
}
