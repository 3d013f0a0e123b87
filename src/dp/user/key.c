/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/key.h"

enum { LABEL_BITS = 0x000fffff, TCLASS_BITS = 0x0ff0, FLAGS_BITS = TCP_FLAGS_MASK };

static void put_bits16(uint8_t *p, uint16_t bits)
{
	put_be16(p, get_be16(p) | bits);
}

// Writes flow bits, of a key or a mask, where the place says.
static void place_write(const struct place *place, const struct flow *flow, struct dp_key *key)
{
	const uint8_t *from = (const uint8_t *)flow + place->flow_at;
	uint8_t *to = (uint8_t *)key + place->key_at;
	switch ((enum place_how)place->how) {
	case PLACE_BYTES:
		memcpy(to, from, place->n);
		break;
	case PLACE_TCI:
		put_bits16(to, get_be16(from) & ~FLOW_VLAN_CFI);
		break;
	case PLACE_LABEL:
		put_be32(to, get_be32(to) | (get_be32(from) & LABEL_BITS));
		break;
	case PLACE_TCLASS:
		put_bits16(to, (uint16_t)(*from << 4));
		break;
	case PLACE_FLAGS:
		put_bits16(to, get_be16(from) & FLAGS_BITS);
		break;
	case PLACE_PACKET_TYPE:
		put_bits16(to, (uint16_t)get_be32(from));
		break;
	case PLACE_FRAG:
		key->meta.layout |= (uint16_t)((*from & 3) << LAYOUT_FRAG_SHIFT);
		break;
	case PLACE_ABSENT:
		break;
	}
}

// Reads them back.
static void place_read(const struct place *place, const struct dp_key *key, struct flow *flow)
{
	const uint8_t *from = (const uint8_t *)key + place->key_at;
	uint8_t *to = (uint8_t *)flow + place->flow_at;
	switch ((enum place_how)place->how) {
	case PLACE_BYTES:
		memcpy(to, from, place->n);
		break;
	case PLACE_TCI:
		put_be16(to, get_be16(from) & ~FLOW_VLAN_CFI);
		break;
	case PLACE_LABEL:
		put_be32(to, get_be32(from) & LABEL_BITS);
		break;
	case PLACE_TCLASS:
		*to = (uint8_t)((get_be16(from) & TCLASS_BITS) >> 4);
		break;
	case PLACE_FLAGS:
		put_be16(to, get_be16(from) & FLAGS_BITS);
		break;
	case PLACE_PACKET_TYPE:
		put_be32(to, get_be16(from));
		break;
	case PLACE_FRAG:
		*to = (uint8_t)((key->meta.layout & LAYOUT_FRAG) >> LAYOUT_FRAG_SHIFT);
		break;
	case PLACE_ABSENT:
		break;
	}
}

static bool any_bits(const uint8_t *p, unsigned int n)
{
	uint8_t any = 0;
	for (unsigned int i = 0; i < n; i++)
		any |= p[i];
	return any;
}

void key_from_flow(struct dp_key *key, const struct flow *flow)
{
	struct place places[LAYOUT_MAX_PLACES];
	uint32_t layout = layout_from_flow(flow);
	unsigned int n = layout_places(layout, places);
	memset(key, 0, sizeof(*key));
	for (unsigned int i = 0; i < n; i++)
		place_write(&places[i], flow, key);
	key->meta.layout = (uint16_t)(layout | LAYOUT_LIVE);
}

void mask_from_flow(struct dp_key *mask, uint32_t layout, const struct flow *flow_mask)
{
	struct place places[LAYOUT_MAX_PLACES];
	unsigned int n = layout_places(layout & (LAYOUT_N - 1), places);
	memset(mask, 0, sizeof(*mask));
	mask->meta.layout = LAYOUT_LIVE | LAYOUT_BARE;
	for (unsigned int i = 0; i < n; i++) {
		if (!any_bits((const uint8_t *)flow_mask + places[i].flow_at, places[i].n))
			continue;
		place_write(&places[i], flow_mask, mask);
		mask->meta.layout |= places[i].layout_bits;
	}
}

void mask_exact(struct dp_key *mask, uint32_t layout)
{
	struct flow all;
	memset(&all, 0xff, offsetof(struct flow, options));
	mask_from_flow(mask, layout, &all);
	mask->meta.layout = (uint16_t)(LAYOUT_LIVE | (LAYOUT_N - 1));
}

void key_to_flow(const struct dp_key *key, const struct dp_key *mask, uint32_t layout,
		 struct flow *flow, struct flow *flow_mask)
{
	struct place places[LAYOUT_MAX_PLACES];
	unsigned int n = layout_places(layout & (LAYOUT_N - 1), places);
	flow_clear(flow);
	flow_clear(flow_mask);
	for (unsigned int i = 0; i < n; i++) {
		place_read(&places[i], key, flow);
		place_read(&places[i], mask, flow_mask);
	}
	if (layout & LAYOUT_BARE)
		flow->packet_type |= BE32(1 << 16);
	if (mask->meta.layout & LAYOUT_BARE)
		flow_mask->packet_type = UINT32_MAX;
	// The number of tags is in the layout; a flow says it with the CFI bits.
	static const unsigned int tag[FLOW_MAX_VLANS] = {LAYOUT_VLAN0, LAYOUT_VLAN1};
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++) {
		if (!(mask->meta.layout & tag[i]))
			continue;
		flow_mask->vlan[i].tci |= BE16(FLOW_VLAN_CFI);
		if (layout & tag[i])
			flow->vlan[i].tci |= BE16(FLOW_VLAN_CFI);
	}
}

static uint32_t key_of_flow(const struct flow *flow, uint8_t scratch[KEY_HEADER_BYTES])
{
	struct dp_key key;
	key_from_flow(&key, flow);
	memcpy(scratch, key.header, KEY_HEADER_BYTES);
	return key.meta.layout & (LAYOUT_N - 1);
}

// An IP packet in a frame: where its headers begin, and where what can be read of it ends.
struct folded {
	uint32_t l3, l3_bytes, l4, end;
	uint8_t proto, frag; // frag: as in struct flow
};

static bool fold_ipv4(const uint8_t *p, uint32_t n, uint32_t wire_len, struct folded *f)
{
	if (n < f->l3 + IPV4_HDR_BYTES || p[f->l3] >> 4 != 4)
		return false;
	uint32_t header = (p[f->l3] & 15u) * 4, total = get_be16(p + f->l3 + 2),
		 left = wire_len - f->l3;
	if (header < IPV4_HDR_BYTES || header > n - f->l3 || total < header || total > left ||
	    left - total > LAYOUT_MAX_PADDING)
		return false;
	be16_t frag = layout_load16(p + f->l3 + 6);
	if (frag & BE16(IPV4_FRAG_MF | IPV4_FRAG_OFFSET))
		f->frag = FLOW_FRAG_ANY | (frag & BE16(IPV4_FRAG_OFFSET) ? FLOW_FRAG_LATER : 0);
	f->l3_bytes = IPV4_HDR_BYTES;
	f->l4 = f->l3 + header;
	f->end = total < n - f->l3 ? f->l3 + total : n;
	f->proto = p[f->l3 + 9];
	return true;
}

static bool fold_ipv6(const uint8_t *p, uint32_t n, uint32_t wire_len, struct folded *f)
{
	if (n < f->l3 + IPV6_HDR_BYTES || p[f->l3] >> 4 != 6)
		return false;
	uint32_t total = get_be16(p + f->l3 + 4) + IPV6_HDR_BYTES, left = wire_len - f->l3;
	if (total > left || left - total > LAYOUT_MAX_PADDING)
		return false;
	f->l3_bytes = IPV6_HDR_BYTES;
	f->l4 = f->l3 + IPV6_HDR_BYTES;
	f->end = total < n - f->l3 ? f->l3 + total : n;
	f->proto = p[f->l3 + 6];
	while (!(f->frag & FLOW_FRAG_LATER) && ipv6_is_extension(f->proto)) {
		const uint8_t *ext = p + f->l4;
		if (f->end - f->l4 < 8)
			return false;
		uint32_t len = ipv6_extension_bytes(f->proto, ext[1]);
		if (len > f->end - f->l4)
			return false;
		bool fragment = f->proto == IP_PROTO_FRAGMENT && layout_load16(ext + 2);
		f->proto = ext[0];
		if (fragment)
			f->frag = FLOW_FRAG_ANY;
		if (fragment && layout_load16(ext + 2) & BE16(IPV6_FRAG_OFFSET)) {
			f->frag |= FLOW_FRAG_LATER;
			f->proto = IP_PROTO_FRAGMENT;
		}
		f->l4 += len;
	}
	return true;
}

// The frame without IP options and extension headers, when that is a regular one. Else LAYOUT_ODD.
static uint32_t fold(const uint8_t *p, uint32_t n, uint32_t wire_len,
		     uint8_t scratch[KEY_HEADER_BYTES])
{
	be16_t type = 0;
	uint32_t layout = layout_classify_tags(p, n, &type);
	if (layout == LAYOUT_ODD)
		return LAYOUT_ODD;
	struct folded f = {.l3 = layout_l3_offset(layout)};
	bool v4 = type == BE16(ETHERTYPE_IPV4), v6 = type == BE16(ETHERTYPE_IPV6);
	if (!(v4 && fold_ipv4(p, n, wire_len, &f)) && !(v6 && fold_ipv6(p, n, wire_len, &f)))
		return LAYOUT_ODD;
	uint32_t have = f.end - f.l4, l4 = 0;
	if (!(f.frag & FLOW_FRAG_LATER))
		l4 = layout_classify_l4(p + f.l4, f.proto, v6, have);
	if (l4 == LAYOUT_ODD)
		return LAYOUT_ODD;
	uint32_t at = f.l3 + f.l3_bytes, room = KEY_HEADER_BYTES - at;
	memset(scratch, 0, KEY_HEADER_BYTES);
	memcpy(scratch, p, at);
	memcpy(scratch + at, p + f.l4, have < room ? have : room);
	if (v6)
		scratch[f.l3 + 6] = f.proto;
	uint32_t l3 = v4 ? LAYOUT_L3_IPV4 : LAYOUT_L3_IPV6;
	return layout | (uint32_t)f.frag << LAYOUT_FRAG_SHIFT | l3 << LAYOUT_L3_SHIFT | l4;
}

uint32_t key_odd_header(const uint8_t *frame, uint32_t n, uint32_t wire_len,
			uint8_t scratch[KEY_HEADER_BYTES])
{
	uint32_t layout = fold(frame, n, wire_len, scratch);
	if (layout != LAYOUT_ODD)
		return layout;
	struct flow flow;
	flow_clear(&flow);
	flow_extract(frame, n, wire_len, &flow);
	return key_of_flow(&flow, scratch);
}

uint32_t key_bare_header(const uint8_t *frame, uint32_t n, uint32_t wire_len,
			 uint8_t scratch[KEY_HEADER_BYTES])
{
	struct flow flow;
	flow_clear(&flow);
	key_extract_bare(frame, n, wire_len, &flow);
	return key_of_flow(&flow, scratch) | LAYOUT_LIVE;
}

void key_extract_bare(const uint8_t *frame, uint32_t n, uint32_t wire_len, struct flow *flow)
{
	flow->packet_type = flow_bare_type(layout_load16(frame + 12));
	flow_extract(frame + ETH_HDR_BYTES, n - ETH_HDR_BYTES, wire_len - ETH_HDR_BYTES, flow);
}
