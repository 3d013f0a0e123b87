/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/prop.h"

#include "openflow/error.h"

int prop_pull(struct cursor *c, uint64_t *type, struct cursor *value)
{
	struct cursor peek = *c;
	uint16_t short_type = cursor_be16(&peek), len = cursor_be16(&peek);
	size_t padded = (len + 7u) & ~7u;
	*type = short_type;
	if (peek.bad || len < 4 || padded > cursor_left(c))
		return OFPBPC_BAD_LEN;
	*value = cursor_sub(c, padded);
	value->end = value->p + len;
	cursor_skip(value, 4);
	if (short_type != OFPPROP_EXPERIMENTER)
		return 0;
	uint32_t vendor = cursor_be32(value), vendor_type = cursor_be32(value);
	*type = OFPPROP_EXP(vendor, vendor_type);
	if (value->bad)
		return OFPBPC_BAD_LEN;
	return vendor ? 0 : OFPBPC_BAD_EXPERIMENTER;
}

int prop_unknown(uint64_t type)
{
	return type >> 32 ? OFPBPC_BAD_EXP_TYPE : OFPBPC_BAD_TYPE;
}

int prop_u16(struct cursor value, uint16_t *out)
{
	if (cursor_left(&value) < 2)
		return OFPBPC_BAD_LEN;
	*out = cursor_be16(&value);
	return 0;
}

int prop_u32(struct cursor value, uint32_t *out)
{
	if (cursor_left(&value) != 4)
		return OFPBPC_BAD_LEN;
	*out = cursor_be32(&value);
	return 0;
}

size_t prop_begin(struct buf *b, uint16_t type)
{
	size_t at = b->len;
	buf_add_be16(b, type);
	buf_add_be16(b, 0);
	return at;
}

void prop_end(struct buf *b, size_t at)
{
	put_be16(b->data + at + 2, (uint16_t)(b->len - at));
	buf_pad(b, at, 8);
}

void prop_put_u16(struct buf *b, uint16_t type, uint16_t value)
{
	size_t at = prop_begin(b, type);
	buf_add_be16(b, value);
	buf_add_be16(b, 0); // its padding counts
	prop_end(b, at);
}

void prop_put_u32(struct buf *b, uint16_t type, uint32_t value)
{
	size_t at = prop_begin(b, type);
	buf_add_be32(b, value);
	prop_end(b, at);
}
