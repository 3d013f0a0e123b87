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
		if (bits == drop && !(value & drop)) // no tag, so no priority either
			bits = 0xffff, value = 0;
	} else if (f->id == FIELD_VLAN_PCP || f->id == FIELD_DL_VLAN_PCP) {
		bits = VLAN_CFI | VLAN_PCP_MASK;
		drop = bits;
		value = (uint16_t)(value << VLAN_PCP_SHIFT) | VLAN_CFI;
	}
	struct flow_vlan *v = &m->flow.vlan[0], *w = &m->mask.vlan[0];
	w->tci = (w->tci & htobe16((uint16_t)~drop)) | htobe16(bits);
	v->tci = ((v->tci & htobe16((uint16_t)~drop)) | htobe16(value)) & w->tci;
}

void match_set(struct match *m, const struct field *f, const union field_value *value, const union field_value *mask)
{
	union field_value exact, v = *value;
	if (!mask) {
		field_exact_mask(f, &exact);
		mask = &exact;
	}
	if (f->place == FIELD_PLACE_VLAN && !field_mask_is_zero(f, mask)) {
		set_vlan(m, f, f->n_bytes == 2 ? be16toh(v.be16) : v.u8 & 7,
			 f->n_bytes == 2 ? be16toh(mask->be16) : mask->u8);
		return;
	}
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
