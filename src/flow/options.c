/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { UNIT = 4, N_UNITS = FLOW_OPTIONS_BYTES / UNIT, HEADER = 4, TYPE_CRITICAL = 0x80 };
_Static_assert(N_UNITS == 64, "units in use are a 64-bit map");

struct row {
	struct field field;
	struct option_map map;
	uint64_t units; // of flow.options; not always next to each other, as others came and went
	uint8_t at[FLOW_OPTION_MAX];
};

struct option_table {
	uint64_t mapped, units;
	struct row rows[FLOW_N_OPTIONS];
};

struct option_table *option_table_new(void)
{
	return XNEW(struct option_table);
}

void option_table_free(struct option_table *t)
{
	free(t);
}

static struct row *find_row(struct option_table *t, uint16_t option_class, uint8_t type)
{
	for (uint64_t map = t ? t->mapped : 0; map; map &= map - 1) {
		struct row *row = &t->rows[__builtin_ctzll(map)];
		if (row->map.option_class == option_class && row->map.option_type == type)
			return row;
	}
	return NULL;
}

enum option_error option_table_add(struct option_table *t, const struct option_map *m)
{
	if (m->option_len % UNIT || m->option_len > FLOW_OPTION_MAX)
		return OPTION_BAD_LEN;
	if (t->mapped >> m->index & 1)
		return OPTION_ALREADY_MAPPED;
	if (find_row(t, m->option_class, m->option_type))
		return OPTION_DUPLICATE;
	if (m->option_len / UNIT > N_UNITS - __builtin_popcountll(t->units))
		return OPTION_FULL;
	struct row *row = &t->rows[m->index];
	*row = (struct row){.field = *field_get((enum field_id)(FIELD_TUN_METADATA0 + m->index)),
			    .map = *m};
	row->field.n_bytes = m->option_len;
	row->field.n_bits = (uint16_t)(8 * m->option_len);
	row->field.at = row->at;
	for (unsigned int i = 0; i < m->option_len; i += UNIT) {
		unsigned int unit = (unsigned int)__builtin_ctzll(~(t->units | row->units));
		row->units |= UINT64_C(1) << unit;
		for (unsigned int j = 0; j < UNIT; j++)
			row->at[i + j] = (uint8_t)(UNIT * unit + j);
	}
	t->units |= row->units;
	t->mapped |= UINT64_C(1) << m->index;
	return OPTION_OK;
}

void option_table_delete(struct option_table *t, uint64_t fields)
{
	for (fields &= t->mapped; fields; fields &= fields - 1) {
		const struct row *row = &t->rows[__builtin_ctzll(fields)];
		t->units &= ~row->units;
		t->mapped &= ~(UINT64_C(1) << row->map.index);
	}
}

bool option_table_get(const struct option_table *t, unsigned int index, struct option_map *m)
{
	if (!t || index >= FLOW_N_OPTIONS || !(t->mapped >> index & 1))
		return false;
	*m = t->rows[index].map;
	return true;
}

uint64_t option_table_mapped(const struct option_table *t)
{
	return t ? t->mapped : 0;
}

const struct field *option_table_field(const struct option_table *t, unsigned int option)
{
	return option_table_mapped(t) >> option & 1 ? &t->rows[option].field : NULL;
}

// --- As in the header.

// Steps over one option of a list of n bytes: its header's place, or -1 at the end, or -2 when it
// is longer than the list.
static int next_option(const uint8_t *list, size_t n, size_t *at, uint16_t *option_class,
		       uint8_t *type, unsigned int *len)
{
	if (*at == n)
		return -1;
	if (n - *at < HEADER)
		return -2;
	const uint8_t *p = list + *at;
	size_t start = *at;
	*option_class = get_be16(p);
	*type = p[2];
	*len = (p[3] & 0x1fu) * UNIT;
	if (*len > n - start - HEADER)
		return -2;
	*at = start + HEADER + *len;
	return (int)start;
}

static size_t raw_size(const struct flow *f)
{
	return f->tunnel.options > N_UNITS ? FLOW_OPTIONS_BYTES : (size_t)f->tunnel.options * UNIT;
}

bool options_to_fields(const struct option_table *t, struct flow *flow)
{
	uint8_t raw[FLOW_OPTIONS_BYTES], type;
	size_t n = raw_size(flow), at = 0;
	uint16_t option_class;
	unsigned int len;
	int start;
	memcpy(raw, flow->options, n);
	flow->tunnel.options = 0;
	while ((start = next_option(raw, n, &at, &option_class, &type, &len)) >= 0) {
		const struct row *row = find_row((struct option_table *)t, option_class, type);
		union field_value v;
		if (!row && type & TYPE_CRITICAL)
			return false;
		if (!row)
			continue;
		if (row->map.option_len != len)
			return false;
		memcpy(v.b, raw + start + HEADER, len);
		field_set_value(&row->field, &v, flow);
	}
	return start == -1;
}

void options_mask_to_key(const struct option_table *t, const struct flow *key, struct flow *mask)
{
	struct flow fields;
	size_t n = raw_size(key), at = 0;
	uint16_t option_class;
	uint8_t type;
	unsigned int len;
	int start;
	flow_copy(&fields, mask);
	mask->tunnel.options = n ? UINT64_MAX : 0;
	memset(mask->options, 0, sizeof(mask->options));
	while ((start = next_option(key->options, n, &at, &option_class, &type, &len)) >= 0) {
		const struct row *row = find_row((struct option_table *)t, option_class, type);
		union field_value v;
		memset(mask->options + start, 0xff, HEADER);
		if (!row || row->map.option_len != len)
			continue;
		field_get_value(&row->field, &fields, &v);
		memcpy(mask->options + start + HEADER, v.b, len);
	}
}
