/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "flow/field.h"

const char *field_header_name(const struct field *f)
{
	if (f->nxm_name)
		return f->nxm_name;
	if (f->id == FIELD_ACTSET_OUTPUT)
		return "ONFOXM_ET_ACTSET_OUTPUT";
	return f->oxm_name;
}

// "]", "n]" or "a..b]" after the bracket; bits in *start and *end, -1 for all. NULL when it is none
// of them, else what follows.
static const char *scan_bits(const char *s, long *start, long *end)
{
	char *tail;
	*start = *end = -1;
	if (*s == ']')
		return s + 1;
	*start = *end = strtol(s, &tail, 10);
	if (tail == s)
		return NULL;
	s = tail;
	if (s[0] == '.' && s[1] == '.') {
		s += 2;
		*end = strtol(s, &tail, 10);
		if (tail == s)
			return NULL;
		s = tail;
	}
	return *s == ']' ? s + 1 : NULL;
}

struct error *subfield_parse(const char **text, struct subfield *sf)
{
	const char *s = *text;
	size_t n = strcspn(s, "[-");
	const struct field *f = field_find_any_name(s, n);
	if (!f)
		return error_new("%s: unknown field `%.*s'", s, (int)n, s);
	*sf = (struct subfield){.field = f, .offset = 0, .n_bits = f->n_bits};
	*text = s + n;
	if (s[n] != '[')
		return NULL;
	long start, end;
	bool all = s[n + 1] == ']';
	const char *after = scan_bits(s + n + 1, &start, &end);
	if (!after)
		return error_new("%s: syntax error expecting [] or [<bit>] or [<start>..<end>]", s);
	*text = after;
	if (all)
		return NULL;
	if (start > end)
		return error_new("%s: starting bit %ld is after ending bit %ld", s, start, end);
	if (start < 0 || start >= f->n_bits)
		return error_new(
			"%s: starting bit %ld is not valid because field is only %u bits wide", s,
			start, f->n_bits);
	if (end >= f->n_bits)
		return error_new(
			"%s: ending bit %ld is not valid because field is only %u bits wide", s,
			end, f->n_bits);
	sf->offset = (uint16_t)start;
	sf->n_bits = (uint16_t)(end - start + 1);
	return NULL;
}

void subfield_format(const struct subfield *sf, struct str *s)
{
	const char *name = field_header_name(sf->field);
	str_add(s, name ? name : sf->field->name);
	if (!sf->offset && sf->n_bits == sf->field->n_bits)
		str_add(s, "[]");
	else if (sf->n_bits == 1)
		str_addf(s, "[%u]", sf->offset);
	else
		str_addf(s, "[%d..%d]", sf->offset, sf->offset + sf->n_bits - 1);
}

static bool bit_get(const union field_value *v, unsigned int n_bytes, unsigned int bit)
{
	return v->b[n_bytes - 1 - bit / 8] >> bit % 8 & 1;
}

static void bit_set(union field_value *v, unsigned int n_bytes, unsigned int bit, bool on)
{
	uint8_t *p = &v->b[n_bytes - 1 - bit / 8];
	*p = (uint8_t)((*p & ~(1u << bit % 8)) | (unsigned int)on << bit % 8);
}

void subfield_copy_value(const union field_value *src, const struct subfield *src_sf,
			 union field_value *dst, const struct subfield *dst_sf)
{
	unsigned int n = src_sf->n_bits < dst_sf->n_bits ? src_sf->n_bits : dst_sf->n_bits;
	if (!((src_sf->offset | dst_sf->offset | n) % 8)) {
		memmove(dst->b + dst_sf->field->n_bytes - (dst_sf->offset + n) / 8,
			src->b + src_sf->field->n_bytes - (src_sf->offset + n) / 8, n / 8);
		return;
	}
	for (unsigned int i = 0; i < n; i++)
		bit_set(dst, dst_sf->field->n_bytes, dst_sf->offset + i,
			bit_get(src, src_sf->field->n_bytes, src_sf->offset + i));
}

void subfield_put_bits(const struct subfield *sf, const uint8_t *number, size_t n,
		       union field_value *v)
{
	for (unsigned int i = 0; i < sf->n_bits; i++)
		bit_set(v, sf->field->n_bytes, sf->offset + i,
			i < 8 * n && number[n - 1 - i / 8] >> i % 8 & 1);
}

void subfield_take_bits(const struct subfield *sf, const union field_value *v, uint8_t *number,
			size_t n)
{
	memset(number, 0, n);
	for (unsigned int i = 0; i < sf->n_bits && i < 8 * n; i++)
		number[n - 1 - i / 8] |=
			(uint8_t)(bit_get(v, sf->field->n_bytes, sf->offset + i) << i % 8);
}

uint64_t subfield_get_u64(const struct subfield *sf, const struct flow *flow)
{
	union field_value v;
	uint64_t x = 0;
	field_get_value(sf->field, flow, &v);
	for (unsigned int i = sf->n_bits < 64 ? sf->n_bits : 64; i-- > 0;)
		x = x << 1 | bit_get(&v, sf->field->n_bytes, sf->offset + i);
	return x;
}

void subfield_set_u64(const struct subfield *sf, uint64_t x, struct flow *flow)
{
	union field_value v;
	field_get_value(sf->field, flow, &v);
	for (unsigned int i = 0; i < sf->n_bits; i++)
		bit_set(&v, sf->field->n_bytes, sf->offset + i, i < 64 && x >> i & 1);
	field_set_value(sf->field, &v, flow);
}

void subfield_mask(const struct subfield *sf, union field_value *mask)
{
	memset(mask, 0, sizeof(*mask));
	for (unsigned int i = 0; i < sf->n_bits; i++)
		bit_set(mask, sf->field->n_bytes, sf->offset + i, true);
}

void subfield_copy(const struct subfield *src, const struct subfield *dst, const struct flow *from,
		   struct flow *to)
{
	union field_value in, out;
	field_get_value(src->field, from, &in);
	field_get_value(dst->field, to, &out);
	subfield_copy_value(&in, src, &out, dst);
	field_set_value(dst->field, &out, to);
}
