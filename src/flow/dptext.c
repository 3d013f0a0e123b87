/* SPDX-License-Identifier: Apache-2.0 */
// Tunnel, MPLS and VLAN parts of datapath keys and actions.
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "flow/dpact_headers.h"
#include "flow/field.h"
#include "packet/headers.h"

static const struct flag_name flag_names[] = {
	{FLOW_TNL_DF, "df"}, {FLOW_TNL_CSUM, "csum"}, {FLOW_TNL_KEY, "key"}, {FLOW_TNL_OAM, "oam"},
	{0, NULL},
};
enum { ALL_FLAGS = FLOW_TNL_DF | FLOW_TNL_CSUM | FLOW_TNL_KEY | FLOW_TNL_OAM };

// A header to be set shows what is not zero, and what every tunnel has.
static void set_mask(const struct flow_tunnel *key, struct flow_tunnel *mask)
{
	const uint8_t *in = (const void *)key;
	uint8_t *out = (void *)mask;
	memset(mask, 0, sizeof(*mask));
	for (const struct dpfield *f = dpact_tunnel_fields; f->name; f++)
		for (unsigned int i = 0; i < dpfield_size(f->kind); i++)
			if (in[f->offset + i]) {
				memset(out + f->offset, 0xff, dpfield_size(f->kind));
				break;
			}
	mask->ttl = 0xff;
	mask->flags = UINT16_MAX;
	if (key->gbp_id || key->gbp_flags)
		mask->gbp_id = 0xffff;
}

void dptunnel_format(struct str *s, const struct flow_tunnel *key, const struct flow_tunnel *mask,
		     const uint8_t *options, const uint8_t *options_mask, bool verbose)
{
	struct flow_tunnel mine;
	if (!mask) {
		set_mask(key, &mine);
		mask = &mine;
		verbose = false;
	}
	if (dpfields_format(s, dpact_tunnel_fields, key, mask, verbose))
		str_addc(s, ',');
	if (mask->gbp_id || mask->gbp_flags)
		str_addf(s, "vxlan(gbp(id=%u,flags=%#x)),", be16toh(key->gbp_id), key->gbp_flags);
	if (options && key->options && mask->options) {
		dpoptions_format(s, options, options_mask, (size_t)key->options * 4);
		str_addc(s, ',');
	}
	if (verbose || mask->flags & ALL_FLAGS) {
		str_add(s, "flags(");
		if (key->flags || (mask->flags & ALL_FLAGS) != ALL_FLAGS)
			flags_format(s, flag_names, key->flags, mask->flags & ALL_FLAGS, ALL_FLAGS);
		str_add(s, ")");
	}
	str_chomp(s, ',');
}

static bool parse_gbp(const char **text, struct flow_tunnel *key, struct flow_tunnel *mask)
{
	uint64_t id, flags;
	if (!dptext_literal(text, "id=") || !dptext_number(text, UINT16_MAX, &id) ||
	    !dptext_literal(text, ",flags=") || !dptext_number(text, UINT8_MAX, &flags) ||
	    !dptext_literal(text, "))"))
		return false;
	key->gbp_id = htobe16((uint16_t)id);
	key->gbp_flags = (uint8_t)flags;
	mask->gbp_id = 0xffff;
	mask->gbp_flags = 0xff;
	return true;
}

static bool parse_flags(const char **text, struct flow_tunnel *key, struct flow_tunnel *mask)
{
	uint32_t flags, bits;
	struct error *error =
		flags_parse(text, ")", flag_names, ALL_FLAGS, "tunnel", &flags, &bits);
	bool ok = !error && dptext_literal(text, ")");
	error_free(error);
	key->flags = (uint16_t)flags;
	mask->flags = (uint16_t)bits;
	return ok;
}

// What the mask hides is not part of the key: whether there is a tunnel at all is seen from its
// bits.
static void keep_masked(struct flow_tunnel *key, const struct flow_tunnel *mask)
{
	uint8_t *k = (void *)key;
	const uint8_t *m = (const void *)mask;
	for (size_t i = 0; i < sizeof(*key); i++)
		k[i] &= m[i];
}

static bool parse_options(const char **text, struct flow_tunnel *key, struct flow_tunnel *mask,
			  uint8_t *options, uint8_t *options_mask)
{
	size_t n;
	uint8_t unused[FLOW_OPTIONS_BYTES];
	if (!options || !dpoptions_parse(text, options, options_mask ? options_mask : unused, &n))
		return false;
	key->options = n / 4;
	mask->options = UINT64_MAX;
	return true;
}

bool dptunnel_parse(const char **text, struct flow_tunnel *key, struct flow_tunnel *mask,
		    uint8_t *options, uint8_t *options_mask)
{
	struct flow_tunnel unused;
	bool masked = mask;
	if (!masked)
		mask = &unused;
	memset(mask, 0, sizeof(*mask));
	for (;;) {
		*text += strspn(*text, ", ");
		if (dptext_literal(text, ")")) {
			if (masked)
				keep_masked(key, mask);
			return true;
		}
		if (dptext_literal(text, "flags(")) {
			if (!parse_flags(text, key, mask))
				return false;
		} else if (dptext_literal(text, "vxlan(gbp(")) {
			if (!parse_gbp(text, key, mask))
				return false;
		} else if (dptext_literal(text, "geneve(")) {
			if (!parse_options(text, key, mask, options, options_mask))
				return false;
		} else {
			// One simple field at a time: the rows' parser wants the closing
			// parenthesis.
			char one[128];
			size_t n = strcspn(*text, ",)");
			if (!n || n > sizeof(one) - 2)
				return false;
			memcpy(one, *text, n);
			memcpy(one + n, ")", 2);
			const char *s = one;
			if (!dpfields_parse(&s, dpact_tunnel_fields, key, mask))
				return false;
			*text += n;
		}
	}
}

void dpmpls_format(struct str *s, uint32_t lse, uint32_t mask)
{
	unsigned int label = lse >> MPLS_LABEL_SHIFT, tc = (lse & MPLS_TC_MASK) >> MPLS_TC_SHIFT;
	unsigned int ttl = lse & MPLS_TTL_MASK, bos = (lse & MPLS_BOS_MASK) >> MPLS_BOS_SHIFT;
	if (mask == UINT32_MAX)
		str_addf(s, "label=%u,tc=%u,ttl=%u,bos=%u", label, tc, ttl, bos);
	else
		str_addf(s, "label=%u/0x%x,tc=%u/%x,ttl=%u/0x%x,bos=%u/%x", label,
			 mask >> MPLS_LABEL_SHIFT, tc, (mask & MPLS_TC_MASK) >> MPLS_TC_SHIFT, ttl,
			 mask & MPLS_TTL_MASK, bos, (mask & MPLS_BOS_MASK) >> MPLS_BOS_SHIFT);
}

bool dpmpls_parse(const char **text, uint32_t *lse, uint32_t *mask)
{
	static const struct {
		const char *name;
		unsigned int max, shift;
	} parts[] = {
		{"label=", 0xfffff, MPLS_LABEL_SHIFT},
		{"tc=", 7, MPLS_TC_SHIFT},
		{"ttl=", 255, 0},
		{"bos=", 1, MPLS_BOS_SHIFT},
	};
	*lse = *mask = 0;
	for (size_t i = 0; i < 4; i++) {
		uint64_t v, m;
		if (i && !dptext_literal(text, ",")) // trailing parts may be missing
			return true;
		if (!dptext_literal(text, parts[i].name) ||
		    !dptext_masked(text, parts[i].max, &v, &m))
			return false;
		*lse |= (uint32_t)v << parts[i].shift;
		*mask |= (uint32_t)m << parts[i].shift;
	}
	return true;
}

void dpvlan_format(struct str *s, uint16_t tci, uint16_t mask, bool verbose)
{
	unsigned int vid = tci & VLAN_VID_MASK, vid_mask = mask & VLAN_VID_MASK;
	unsigned int pcp = tci >> VLAN_PCP_SHIFT, pcp_mask = mask >> VLAN_PCP_SHIFT;
	if (verbose || vid || vid_mask) {
		str_addf(s, "vid=%u", vid);
		if (vid_mask != VLAN_VID_MASK)
			str_addf(s, "/0x%x", vid_mask);
		str_addc(s, ',');
	}
	if (verbose || pcp || pcp_mask) {
		str_addf(s, "pcp=%u", pcp);
		if (pcp_mask != 7)
			str_addf(s, "/0x%x", pcp_mask);
		str_addc(s, ',');
	}
	if (!(tci & VLAN_CFI))
		str_add(s, "cfi=0");
	str_chomp(s, ',');
}

bool dpvlan_parse(const char **text, uint16_t *tci, uint16_t *mask)
{
	uint64_t v, m;
	*tci = *mask = VLAN_CFI;
	for (;;) {
		*text += strspn(*text, ", ");
		if (dptext_literal(text, ")")) {
			if (*mask == VLAN_CFI)
				*mask = 0; // any tag; that there is one is said by its type
			return true;
		}
		if (dptext_literal(text, "vid=")) {
			if (!dptext_masked(text, VLAN_VID_MASK, &v, &m))
				return false;
			*tci |= (uint16_t)v;
			*mask |= (uint16_t)m;
		} else if (dptext_literal(text, "pcp=")) {
			if (!dptext_masked(text, 7, &v, &m))
				return false;
			*tci |= (uint16_t)(v << VLAN_PCP_SHIFT);
			*mask |= (uint16_t)(m << VLAN_PCP_SHIFT);
		} else if (dptext_literal(text, "cfi=")) {
			if (!dptext_masked(text, 1, &v, &m))
				return false;
			*tci = (uint16_t)((*tci & ~VLAN_CFI) | (v ? VLAN_CFI : 0));
		} else {
			return false;
		}
	}
}
