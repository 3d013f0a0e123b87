/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/nx_entry.h"

#include <string.h>

#include "base/str.h"

enum { CLASS_EXPERIMENTER = 0xffff, HEADER_MASKED = 1 << 8 };
// ONF's extensions to 1.3: what became a field of its own in 1.5.
enum { ONF_EXPERIMENTER = 0x4f4e4600 };

static uint32_t onf_header(const struct field *f)
{
	return (uint32_t)CLASS_EXPERIMENTER << 16 | (uint32_t)f->onf << 9;
}

static bool has_header(const struct field *f, uint32_t header, uint32_t experimenter)
{
	return (f->nxm_version && f->nxm == header &&
		experimenter == (header >> 16 == CLASS_EXPERIMENTER ? f->oxm_experimenter : 0)) ||
	       (f->oxm_version && f->oxm == header && !experimenter) ||
	       (f->onf && onf_header(f) == header && experimenter == ONF_EXPERIMENTER);
}

// The rows by class and number, plus one; 0: none. test_match_codec compares it with the rows.
// clang-format off
static const uint8_t nxm_of[128] = {
	[0] = FIELD_IN_PORT + 1, [1] = FIELD_ETH_DST + 1, [2] = FIELD_ETH_SRC + 1, [3] = FIELD_ETH_TYPE + 1,
	[4] = FIELD_VLAN_TCI + 1, [5] = FIELD_IP_DSCP + 1, [6] = FIELD_IP_PROTO + 1, [7] = FIELD_IPV4_SRC + 1,
	[8] = FIELD_IPV4_DST + 1, [9] = FIELD_TCP_SRC + 1, [10] = FIELD_TCP_DST + 1, [11] = FIELD_UDP_SRC + 1,
	[12] = FIELD_UDP_DST + 1, [13] = FIELD_ICMPV4_TYPE + 1, [14] = FIELD_ICMPV4_CODE + 1, [15] = FIELD_ARP_OP + 1,
	[16] = FIELD_ARP_SPA + 1, [17] = FIELD_ARP_TPA + 1,
};
static const uint8_t nxm_nx[128] = {
	[0] = FIELD_REG0 + 1, [1] = FIELD_REG1 + 1, [2] = FIELD_REG2 + 1, [3] = FIELD_REG3 + 1, [4] = FIELD_REG4 + 1,
	[5] = FIELD_REG5 + 1, [6] = FIELD_REG6 + 1, [7] = FIELD_REG7 + 1, [8] = FIELD_REG8 + 1, [9] = FIELD_REG9 + 1,
	[10] = FIELD_REG10 + 1, [11] = FIELD_REG11 + 1, [12] = FIELD_REG12 + 1, [13] = FIELD_REG13 + 1,
	[14] = FIELD_REG14 + 1, [15] = FIELD_REG15 + 1, [16] = FIELD_TUN_ID + 1, [17] = FIELD_ARP_SHA + 1,
	[18] = FIELD_ARP_THA + 1, [19] = FIELD_IPV6_SRC + 1, [20] = FIELD_IPV6_DST + 1, [21] = FIELD_ICMPV6_TYPE + 1,
	[22] = FIELD_ICMPV6_CODE + 1, [23] = FIELD_ND_TARGET + 1, [24] = FIELD_ND_SLL + 1, [25] = FIELD_ND_TLL + 1,
	[26] = FIELD_IP_FRAG + 1, [27] = FIELD_IPV6_LABEL + 1, [28] = FIELD_IP_ECN + 1, [29] = FIELD_IP_TTL + 1,
	[30] = FIELD_MPLS_TTL + 1, [31] = FIELD_TUN_SRC + 1, [32] = FIELD_TUN_DST + 1, [33] = FIELD_PKT_MARK + 1,
	[34] = FIELD_TCP_FLAGS + 1, [35] = FIELD_DP_HASH + 1, [36] = FIELD_RECIRC_ID + 1, [37] = FIELD_CONJ_ID + 1,
	[38] = FIELD_TUN_GBP_ID + 1, [39] = FIELD_TUN_GBP_FLAGS + 1, [104] = FIELD_TUN_FLAGS + 1,
	[105] = FIELD_CT_STATE + 1, [106] = FIELD_CT_ZONE + 1, [107] = FIELD_CT_MARK + 1, [108] = FIELD_CT_LABEL + 1,
	[109] = FIELD_TUN_IPV6_SRC + 1, [110] = FIELD_TUN_IPV6_DST + 1, [111] = FIELD_XXREG0 + 1,
	[112] = FIELD_XXREG1 + 1, [113] = FIELD_XXREG2 + 1, [114] = FIELD_XXREG3 + 1, [119] = FIELD_CT_NW_PROTO + 1,
	[120] = FIELD_CT_NW_SRC + 1, [121] = FIELD_CT_NW_DST + 1, [122] = FIELD_CT_IPV6_SRC + 1,
	[123] = FIELD_CT_IPV6_DST + 1, [124] = FIELD_CT_TP_SRC + 1, [125] = FIELD_CT_TP_DST + 1,
};
static const uint8_t oxm_of[128] = {
	[0] = FIELD_IN_PORT_OXM + 1, [2] = FIELD_METADATA + 1, [3] = FIELD_ETH_DST + 1, [4] = FIELD_ETH_SRC + 1,
	[5] = FIELD_ETH_TYPE + 1, [6] = FIELD_VLAN_VID + 1, [7] = FIELD_VLAN_PCP + 1, [8] = FIELD_IP_DSCP_SHIFTED + 1,
	[9] = FIELD_IP_ECN + 1, [10] = FIELD_IP_PROTO + 1, [11] = FIELD_IPV4_SRC + 1, [12] = FIELD_IPV4_DST + 1,
	[13] = FIELD_TCP_SRC + 1, [14] = FIELD_TCP_DST + 1, [15] = FIELD_UDP_SRC + 1, [16] = FIELD_UDP_DST + 1,
	[17] = FIELD_SCTP_SRC + 1, [18] = FIELD_SCTP_DST + 1, [19] = FIELD_ICMPV4_TYPE + 1,
	[20] = FIELD_ICMPV4_CODE + 1, [21] = FIELD_ARP_OP + 1, [22] = FIELD_ARP_SPA + 1, [23] = FIELD_ARP_TPA + 1,
	[24] = FIELD_ARP_SHA + 1, [25] = FIELD_ARP_THA + 1, [26] = FIELD_IPV6_SRC + 1, [27] = FIELD_IPV6_DST + 1,
	[28] = FIELD_IPV6_LABEL + 1, [29] = FIELD_ICMPV6_TYPE + 1, [30] = FIELD_ICMPV6_CODE + 1,
	[31] = FIELD_ND_TARGET + 1, [32] = FIELD_ND_SLL + 1, [33] = FIELD_ND_TLL + 1, [34] = FIELD_MPLS_LABEL + 1,
	[35] = FIELD_MPLS_TC + 1, [36] = FIELD_MPLS_BOS + 1, [38] = FIELD_TUN_ID + 1, [42] = FIELD_TCP_FLAGS + 1,
	[43] = FIELD_ACTSET_OUTPUT + 1, [44] = FIELD_PACKET_TYPE + 1,
};
static const uint8_t oxm_pkt_reg[128] = {
	[0] = FIELD_XREG0 + 1, [1] = FIELD_XREG1 + 1, [2] = FIELD_XREG2 + 1, [3] = FIELD_XREG3 + 1,
	[4] = FIELD_XREG4 + 1, [5] = FIELD_XREG5 + 1, [6] = FIELD_XREG6 + 1, [7] = FIELD_XREG7 + 1,
};
static const uint8_t ericoxm_of[128] = {
	[1] = FIELD_ND_RESERVED + 1, [2] = FIELD_ND_OPTIONS_TYPE + 1,
};
// clang-format on

enum { NXM_NX_TUN_METADATA0 = 40 }; // and 63 more

const struct field *nx_field_find(uint32_t header, uint32_t experimenter)
{
	unsigned int number = header >> 9 & 127, at = 0;
	switch (header >> 16) {
	case 0:
		at = nxm_of[number];
		break;
	case 1:
		if (number >= NXM_NX_TUN_METADATA0 &&
		    number < NXM_NX_TUN_METADATA0 + FLOW_N_OPTIONS)
			return field_get((enum field_id)(FIELD_TUN_METADATA0 + number -
							 NXM_NX_TUN_METADATA0));
		at = nxm_nx[number];
		break;
	case 0x8000:
		at = oxm_of[number];
		break;
	case 0x8001:
		at = oxm_pkt_reg[number];
		break;
	case 0x1000:
		at = ericoxm_of[number];
		break;
	case CLASS_EXPERIMENTER: // few, and seldom
		for (int i = 0; i < FIELD_N_IDS; i++)
			if (has_header(field_get((enum field_id)i), header & ~0x1ffu, experimenter))
				return field_get((enum field_id)i);
		break;
	}
	return at ? field_get((enum field_id)(at - 1)) : NULL;
}

struct entry_header {
	uint32_t header;	   // as on the wire
	uint32_t experimenter;	   // 0: none
	const struct field *field; // NULL: unknown
	bool masked;
	size_t payload; // bytes that follow
};

static int header_read(struct cursor *c, struct entry_header *h)
{
	*h = (struct entry_header){.header = cursor_be32(c)};
	h->payload = h->header & 0xff;
	h->masked = h->header & HEADER_MASKED;
	if (c->bad)
		return OFPBMC_BAD_LEN;
	if (h->header >> 16 == CLASS_EXPERIMENTER) {
		h->experimenter = cursor_be32(c);
		if (h->payload < 4)
			return OFPBMC_BAD_LEN;
		h->payload -= 4;
	}
	if (c->bad)
		return OFPBMC_BAD_LEN;
	h->field = nx_field_find(h->header, h->experimenter);
	return 0;
}

// Only actions may write parts of any field. All or nothing is said with bytes, not with the bits
// that the field has.
static bool mask_is_valid(const struct entry_header *h, const union field_value *mask)
{
	uint8_t all = 0xff, any = 0;
	if (!h->masked || h->field->maskable != FIELD_NOT_MASKABLE)
		return true;
	for (unsigned int i = 0; i < h->field->n_bytes; i++) {
		all &= mask->b[i];
		any |= mask->b[i];
	}
	return all == 0xff || !any;
}

static bool is_cookie(uint32_t header)
{
	return header == NXM_NX_COOKIE || header == NXM_NX_COOKIE_W;
}

// The length is part of what a field's header is; but options have values of any length, as if they
// had leading zeros.
static bool width_is_right(const struct field *f, size_t width)
{
	return f->variable_len ? width <= f->n_bytes : width == f->n_bytes;
}

// A whole entry up to its meaning: what kind of bytes they are comes before what they say.
static int entry_read(struct cursor *c, bool may_be_cookie, struct entry_header *h,
		      union field_value *value, union field_value *mask)
{
	int error = header_read(c, h);
	if (error)
		return error;
	struct cursor payload = cursor_sub(c, h->payload), check = payload;
	if (payload.bad)
		return OFPBMC_BAD_LEN;
	size_t width = h->masked ? h->payload / 2 : h->payload;
	for (size_t i = 0; h->masked && i < width; i++)
		if (check.p[i] & ~check.p[width + i])
			return OFPBMC_BAD_WILDCARDS;
	if (h->field && !width_is_right(h->field, width))
		h->field = NULL;
	if (!h->field && !(may_be_cookie && is_cookie(h->header)))
		return OFPBMC_BAD_FIELD;
	size_t room = h->field && h->field->variable_len ? sizeof(*value) : FIELD_USUAL_BYTES;
	memset(value, 0, room);
	memset(mask, 0, room);
	if (!h->field)
		width = 8;
	size_t skip = h->field ? h->field->n_bytes - width : 0;
	cursor_copy(&payload, value->b + skip, width);
	if (h->masked)
		cursor_copy(&payload, mask->b + skip, width);
	else if (h->field)
		field_exact_mask(h->field, mask);
	else
		mask->be64 = UINT64_MAX;
	return 0;
}

static int check_value(const struct field *f, const union field_value *value)
{
	if (f->id == FIELD_IN_PORT_OXM || f->id == FIELD_ACTSET_OUTPUT)
		return 0;
	return field_value_is_valid(f, value) ? 0 : OFPBMC_BAD_VALUE;
}

int nx_match_entry_decode(struct cursor *c, bool may_be_cookie, const struct field **field,
			  union field_value *value, union field_value *mask, bool *masked)
{
	struct entry_header h;
	int error = entry_read(c, may_be_cookie, &h, value, mask);
	*field = h.field;
	*masked = h.masked;
	if (error || !h.field)
		return error;
	return mask_is_valid(&h, mask) ? check_value(h.field, value) : OFPBMC_BAD_MASK;
}

int nx_entry_decode(struct cursor *c, const struct field **field, union field_value *value,
		    union field_value *mask)
{
	struct entry_header h;
	union field_value mask_space;
	int error = entry_read(c, false, &h, value, mask ? mask : &mask_space);
	*field = h.field;
	if (error)
		return error;
	return h.masked && !mask ? OFPBMC_BAD_MASK : 0;
}

int nx_header_decode(struct cursor *c, const struct field **field, bool *masked)
{
	struct entry_header h;
	int error = header_read(c, &h);
	*field = h.field;
	if (error)
		return error;
	if (!h.field || !width_is_right(h.field, h.masked ? h.payload / 2 : h.payload))
		return OFPBMC_BAD_FIELD;
	if (masked)
		*masked = h.masked;
	return h.masked && !masked ? OFPBMC_BAD_MASK : 0;
}

int nx_destination_decode(struct cursor *c, const struct field **field)
{
	uint32_t header = cursor_be32(c);
	unsigned int width = header & HEADER_MASKED ? (header & 0xff) / 2 : header & 0xff;
	*field = nx_field_find(header, 0);
	return *field && width_is_right(*field, width) ? 0 : OFPBAC_BAD_SET_TYPE;
}

static bool uses_oxm(const struct field *f, uint8_t version)
{
	return f->oxm_version && (!f->nxm_version || (version && version >= f->oxm_version));
}

bool nx_header_is_long(const struct field *f)
{
	return f->oxm_experimenter || (f->onf && !f->nxm_version);
}

// Of a field with values of n bytes.
static size_t header_put(uint8_t *to, uint8_t version, const struct field *f, bool masked,
			 unsigned int n)
{
	uint32_t header = uses_oxm(f, version) ? f->oxm : f->nxm,
		 experimenter_id = f->oxm_experimenter;
	if (f->onf && version < f->oxm_version && (version >= OFP13 || !f->nxm_version)) {
		header = onf_header(f);
		experimenter_id = ONF_EXPERIMENTER;
	}
	size_t payload = n * (masked ? 2u : 1u);
	bool experimenter = header >> 16 == CLASS_EXPERIMENTER;
	if (experimenter)
		payload += 4;
	put_be32(to, header | (masked ? HEADER_MASKED : 0) | (uint32_t)payload);
	if (experimenter)
		put_be32(to + 4, experimenter_id);
	return experimenter ? 8 : 4;
}

void nx_header_encode(struct buf *b, uint8_t version, const struct field *f, bool masked)
{
	uint8_t header[8];
	buf_add(b, header, header_put(header, version, f, masked, f->n_bytes));
}

void nx_value_encode(struct buf *b, uint8_t version, const struct field *f,
		     const union field_value *value, const union field_value *mask)
{
	uint8_t header[8];
	unsigned int n = field_significant_bytes(f, value, mask), skip = f->n_bytes - n;
	buf_add(b, header, header_put(header, version, f, mask, n));
	buf_add(b, value->b + skip, n);
	if (mask)
		buf_add(b, mask->b + skip, n);
}

void nx_entry_encode(struct buf *b, uint8_t version, const struct field *f,
		     const union field_value *value, const union field_value *mask)
{
	bool masked = false;
	if (mask) {
		union field_value exact;
		field_exact_mask(f, &exact);
		masked = memcmp(mask->b, exact.b, f->n_bytes) != 0;
	}
	if (f->id == FIELD_CT_STATE && mask && mask->be32 == UINT32_MAX) {
		// All flags that there are: those that do not exist yet are nobody's to match.
		nx_header_encode(b, version, f, true);
		buf_add_be32(b, be32toh(value->be32) & 0xff);
		buf_add_be32(b, 0xff);
		return;
	}
	uint8_t entry[8 + 2 * FIELD_MAX_BYTES];
	size_t n = header_put(entry, version, f, masked, f->n_bytes);
	memcpy(entry + n, value->b, f->n_bytes);
	n += f->n_bytes;
	if (masked) {
		memcpy(entry + n, mask->b, f->n_bytes);
		n += f->n_bytes;
	}
	buf_add(b, entry, n);
}

static void format_bytes(struct cursor *c, size_t n, struct str *s)
{
	while (n--)
		str_addf(s, "%02x", cursor_u8(c));
}

void nx_entry_format(struct cursor *c, struct str *s)
{
	struct cursor peek = *c;
	const struct field *f;
	bool masked;
	uint32_t header = cursor_be32(&peek);
	if (header == NXM_NX_COOKIE || header == NXM_NX_COOKIE_W) {
		*c = peek;
		masked = header == NXM_NX_COOKIE_W;
		str_addf(s, "NXM_NX_COOKIE%s(", masked ? "_W" : "");
	} else if (nx_header_decode(c, &f, &masked)) { // as many bytes as it says
		str_addf(s, "%u:%u(", header >> 16, header >> 9 & 0x7f);
		*c = peek;
		format_bytes(c, header & 0xff, s);
		str_addc(s, ')');
		return;
	} else {
		bool onf = header >> 16 == CLASS_EXPERIMENTER && f->onf;
		const char *name = onf ? f->oxm_name + 7
				   : header >> 31 && header >> 16 != CLASS_EXPERIMENTER
					   ? f->oxm_name
					   : field_header_name(f);
		str_addf(s, "%s%s%s(", onf ? "ONFOXM_ET_" : "", name, masked ? "_W" : "");
	}
	size_t n = header == NXM_NX_COOKIE || header == NXM_NX_COOKIE_W ? 8
		   : f->variable_len ? (header & 0xff) / (masked ? 2 : 1)
				     : f->n_bytes;
	format_bytes(c, n, s);
	if (masked) {
		str_addc(s, '/');
		format_bytes(c, n, s);
	}
	str_addc(s, ')');
}
