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
	memset(&all, 0xff, sizeof(all));
	mask_from_flow(mask, layout, &all);
	mask->meta.layout = (uint16_t)(LAYOUT_LIVE | (LAYOUT_N - 1));
}

void key_to_flow(const struct dp_key *key, const struct dp_key *mask, uint32_t layout, struct flow *flow,
		 struct flow *flow_mask)
{
	struct place places[LAYOUT_MAX_PLACES];
	unsigned int n = layout_places(layout & (LAYOUT_N - 1), places);
	memset(flow, 0, sizeof(*flow));
	memset(flow_mask, 0, sizeof(*flow_mask));
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

uint32_t key_odd_header(const uint8_t *frame, uint32_t n, uint32_t wire_len, uint8_t scratch[KEY_HEADER_BYTES])
{
	struct flow flow;
	memset(&flow, 0, sizeof(flow));
	flow_extract(frame, n, wire_len, &flow);
	return key_of_flow(&flow, scratch);
}

uint32_t key_bare_header(const uint8_t *frame, uint32_t n, uint32_t wire_len, uint8_t scratch[KEY_HEADER_BYTES])
{
	struct flow flow;
	memset(&flow, 0, sizeof(flow));
	key_extract_bare(frame, n, wire_len, &flow);
	return key_of_flow(&flow, scratch) | LAYOUT_LIVE;
}

void key_extract_bare(const uint8_t *frame, uint32_t n, uint32_t wire_len, struct flow *flow)
{
	flow->packet_type = flow_bare_type(layout_load16(frame + 12));
	flow_extract(frame + ETH_HDR_BYTES, n - ETH_HDR_BYTES, wire_len - ETH_HDR_BYTES, flow);
}
