/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/match.h"

#include <errno.h>
#include <string.h>

#include "flow/options.h"
#include "packet/headers.h"

void match_init_any(struct match *m)
{
	flow_clear(&m->flow);
	flow_clear(&m->mask);
	m->table = NULL;
}

void match_copy(struct match *to, const struct match *from)
{
	flow_copy(&to->flow, &from->flow);
	flow_copy(&to->mask, &from->mask);
	to->table = from->table;
	if (from->mask.tunnel.options && !from->table) {
		to->options_masked = from->options_masked;
		memcpy(to->option_start, from->option_start, sizeof(to->option_start));
		memcpy(to->option_len, from->option_len, sizeof(to->option_len));
	}
}

// Matches that have put their options themselves may have put them in another order.
static bool options_equal(const struct match *a, const struct match *b)
{
	for (uint64_t map = a->mask.tunnel.options; map; map &= map - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(map), n = a->option_len[i];
		if (n != b->option_len[i] || (a->options_masked ^ b->options_masked) >> i & 1 ||
		    memcmp(a->flow.options + a->option_start[i],
			   b->flow.options + b->option_start[i], n) ||
		    memcmp(a->mask.options + a->option_start[i],
			   b->mask.options + b->option_start[i], n))
			return false;
	}
	return true;
}

bool match_equal(const struct match *a, const struct match *b)
{
	if (a->table || b->table || !a->mask.tunnel.options)
		return flow_equal(&a->flow, &b->flow) && flow_equal(&a->mask, &b->mask);
	return !memcmp(&a->flow, &b->flow, offsetof(struct flow, options)) &&
	       !memcmp(&a->mask, &b->mask, offsetof(struct flow, options)) && options_equal(a, b);
}

// --- Options of tunnels.

_Static_assert(FLOW_OPTIONS_BYTES == 256, "an option's place is a byte");
static const uint8_t places[FLOW_OPTIONS_BYTES] = {
#define EIGHT(N) (N), (N) + 1, (N) + 2, (N) + 3, (N) + 4, (N) + 5, (N) + 6, (N) + 7
#define BYTES64(N)                                                                                 \
	EIGHT(N), EIGHT((N) + 8), EIGHT((N) + 16), EIGHT((N) + 24), EIGHT((N) + 32),               \
		EIGHT((N) + 40), EIGHT((N) + 48), EIGHT((N) + 56)
	BYTES64(0),
	BYTES64(64),
	BYTES64(128),
	BYTES64(192),
#undef EIGHT
#undef BYTES64
};

const struct field *match_field(const struct match *m, const struct field *f, struct field *space)
{
	if (f->place != FIELD_PLACE_OPTION || f->at)
		return f;
	if (m->table)
		return option_table_field(m->table, f->option);
	if (!(m->mask.tunnel.options >> f->option & 1))
		return NULL;
	*space = *f;
	space->n_bytes = m->option_len[f->option];
	space->n_bits = (uint16_t)(8 * space->n_bytes);
	space->at = places + m->option_start[f->option];
	return space;
}

unsigned int match_options_size(const struct match *m)
{
	unsigned int n = 0;
	for (uint64_t map = m->mask.tunnel.options; map; map &= map - 1)
		n += m->option_len[__builtin_ctzll(map)];
	return n;
}

const union field_value *match_option_mask(const struct match *m, const struct field *row,
					   union field_value *space)
{
	field_get_value(row, &m->mask, space);
	bool exact = m->table ? row->n_bytes && field_mask_is_exact(row, space)
			      : !(m->options_masked >> row->option & 1);
	return exact ? NULL : space;
}

static void forget_option(struct match *m, const struct field *f)
{
	field_delete_option(f, &m->flow);
	field_delete_option(f, &m->mask);
}

// The field's row in the match, new when it has none. NULL: no room, or not mapped.
static const struct field *place_option(struct match *m, const struct field *f, unsigned int n,
					struct field *space)
{
	const struct field *row = match_field(m, f, space);
	if (row || m->table)
		return row;
	unsigned int used = match_options_size(m);
	if (used + n > FLOW_OPTIONS_BYTES)
		return NULL;
	*space = *f;
	space->n_bytes = (uint8_t)n;
	space->n_bits = (uint16_t)(8 * n);
	space->at = places + used;
	m->option_start[f->option] = (uint8_t)used;
	m->option_len[f->option] = (uint8_t)n;
	return space;
}

// The last `to` bytes of a value of `from` bytes, or it with zeros before. False: the others are
// not zero.
static bool fit_value(const union field_value *v, unsigned int from, union field_value *out,
		      unsigned int to)
{
	unsigned int n = from < to ? from : to;
	memset(out->b, 0, to);
	memcpy(out->b + to - n, v->b + from - n, n);
	for (unsigned int i = 0; i < from - n; i++)
		if (v->b[i])
			return false;
	return true;
}

// mask NULL: exact, however long the option is.
static int set_option(struct match *m, const struct field *f, const union field_value *value,
		      const union field_value *mask)
{
	struct field space;
	bool exact = !mask;
	const struct field *row =
		place_option(m, f, field_significant_bytes(f, value, mask), &space);
	union field_value v, bits;
	if (!row)
		return m->table ? -ENOENT : -ENOSPC;
	bool fits = fit_value(value, f->n_bytes, &v, row->n_bytes);
	if (exact)
		field_exact_mask(row, &bits);
	else
		fits = fit_value(mask, f->n_bytes, &bits,
				 row->n_bytes); // the value has no bits but those of the mask
	if (!fits && m->table)
		return -ERANGE;
	for (unsigned int i = 0; i < row->n_bytes; i++)
		v.b[i] &= bits.b[i];
	forget_option(m, row);
	m->options_masked =
		(m->options_masked & ~(UINT64_C(1) << f->option)) | (uint64_t)!exact << f->option;
	field_set_value(row, &bits, &m->mask);
	field_set_value(row, &v, &m->flow);
	return 0;
}

int match_set_option(struct match *m, const struct field *f, const union field_value *value,
		     const union field_value *mask)
{
	return set_option(m, f, value, mask && field_mask_is_exact(f, mask) ? NULL : mask);
}

int match_use_table(struct match *m, const struct option_table *table)
{
	struct match old;
	if (!m->mask.tunnel.options || (table && m->table == table)) {
		m->table = table;
		return 0;
	}
	if (!table)
		return -ENOENT;
	match_copy(&old, m);
	m->table = table;
	m->flow.tunnel.options = m->mask.tunnel.options = 0;
	for (uint64_t map = old.mask.tunnel.options; map; map &= map - 1) {
		struct field space;
		const struct field *f = match_field(
			&old,
			field_get((enum field_id)(FIELD_TUN_METADATA0 + __builtin_ctzll(map))),
			&space);
		union field_value v, mask_space;
		const union field_value *mask = match_option_mask(&old, f, &mask_space);
		field_get_value(f, &old.flow, &v);
		// By number: its place is the table's now.
		struct field unplaced = *f;
		unplaced.at = NULL;
		int error = set_option(m, &unplaced, &v, mask);
		if (error)
			return error;
	}
	return 0;
}

// Takes out of the match what it said about the field.
static void forget(struct match *m, const struct field *f)
{
	if (!field_may_be_set(f, &m->mask))
		return;
	struct flow all;
	flow_clear(&all);
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
	uint16_t drop = f->id == FIELD_VLAN_TCI				    ? 0xffff
			: f->id == FIELD_DL_VLAN || f->id == FIELD_VLAN_VID ? VLAN_VID_MASK
									    : VLAN_PCP_MASK;
	mask &= (uint16_t)~drop;
	if (!(mask & (VLAN_VID_MASK | VLAN_PCP_MASK)))
		mask = 0;
	m->mask.vlan[0].tci = htobe16(mask);
	m->flow.vlan[0].tci &= htobe16(mask);
}

// Most fields lie in a flow as they are, alone: addresses, registers, metadata.
static bool set_plain(struct match *m, const struct field *f, const union field_value *value,
		      const union field_value *mask)
{
	uint8_t *to = (uint8_t *)&m->flow + f->offset, *to_mask = (uint8_t *)&m->mask + f->offset;
	if (f->place == FIELD_PLACE_BYTES && f->id != FIELD_PACKET_TYPE) {
		for (unsigned int i = 0; i < f->n_bytes; i++) {
			to[i] = value->b[i] & mask->b[i];
			to_mask[i] = mask->b[i];
		}
		return true;
	}
	if (f->place != FIELD_PLACE_HOST || f->size != 4 || f->n_bytes != 4 || f->n_bits != 32 ||
	    f->id == FIELD_CT_STATE)
		return false;
	uint32_t v = be32toh(value->be32 & mask->be32), w = be32toh(mask->be32);
	memcpy(to, &v, sizeof(v));
	memcpy(to_mask, &w, sizeof(w));
	return true;
}

void match_set(struct match *m, const struct field *f, const union field_value *value,
	       const union field_value *mask)
{
	if (f->place == FIELD_PLACE_OPTION) {
		(void)!!match_set_option(m, f, value, mask);
		return;
	}
	union field_value exact, v;
	memcpy(v.b, value->b, f->n_bytes);
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
		// A packet that begins with a layer 3 header: its type is that header's Ethernet
		// type.
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

// "icmp,tp_src=1/35" can be written, but nothing else can say it: types and codes are single bytes
// that match as a whole.
static void widen_icmp(struct match *m)
{
	const struct flow *f = &m->flow;
	if (!(f->dl_type == BE16(ETHERTYPE_IPV4) && f->nw_proto == IP_PROTO_ICMP) &&
	    !(f->dl_type == BE16(ETHERTYPE_IPV6) && f->nw_proto == IP_PROTO_ICMPV6))
		return;
	be16_t *value[] = {&m->flow.tp_src, &m->flow.tp_dst},
	       *mask[] = {&m->mask.tp_src, &m->mask.tp_dst};
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
	if (!m->mask.packet_type && memcmp((const char *)&m->mask + at, (const char *)&none + at,
					   offsetof(struct flow, options) - at) != 0)
		m->mask.bare = UINT16_MAX;
}

bool match_normalize(struct match *m)
{
	struct flow may;
	widen_icmp(m);
	memset(&may, 0xff, offsetof(struct flow, options));
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
