/* SPDX-License-Identifier: Apache-2.0 */
// Actions on options of tunnels: what tun_metadata0..63 are in them depends on the switch's table
// of options.
#include "openflow/action_row.h"

#include <string.h>

#include "flow/options.h"

struct bind {
	const struct option_table *table;
	uint64_t fields;
};

static int bind_field(struct bind *b, const struct field **f)
{
	if (!*f || (*f)->place != FIELD_PLACE_OPTION)
		return 0;
	const struct field *row = option_table_field(b->table, (*f)->option);
	if (!row)
		return NXFMFC_INVALID_TLV_FIELD;
	b->fields |= UINT64_C(1) << row->option;
	if (*f != row)
		*f = row; // rules that have it already are not written to
	return 0;
}

static int bind_subfield(struct bind *b, struct subfield *sf)
{
	const struct field *before = sf->field;
	int error = bind_field(b, &sf->field);
	return error || sf->field == before ? error : subfield_check_range(sf);
}

static int bind_set_field(struct bind *b, struct ofpact_set_field *sf)
{
	unsigned int room = ofpact_set_field_room(sf->field), old = sf->field->n_bytes;
	int error = bind_field(b, &sf->field);
	unsigned int n = sf->field->n_bytes;
	if (error || n == old)
		return error;
	uint8_t *value = (uint8_t *)sf->bytes, *mask = (uint8_t *)(sf->bytes + room);
	bool whole = true; // a mask of ones, or none
	for (unsigned int i = 0; i < old; i++)
		whole &= mask[i] == 0xff;
	for (unsigned int i = 0; i < old - n; i++)
		if (value[i] || (mask[i] && !whole))
			return OFPBAC_BAD_SET_LEN;
	memmove(value, value + old - n, n);
	memmove(mask, mask + old - n, n);
	memset(value + n, 0, old - n);
	memset(mask + n, 0, old - n);
	return 0;
}

static int bind_learn(struct bind *b, struct ofpact_learn *l)
{
	int error = bind_subfield(b, &l->result_dst);
	for (unsigned int i = 0; !error && i < l->n_specs; i++) {
		error = bind_subfield(b, &l->specs[i].src);
		if (!error)
			error = bind_subfield(b, &l->specs[i].dst);
	}
	return error;
}

static int bind_list(struct bind *b, void *list, size_t n);

static int bind_action(struct bind *b, struct ofpact *a)
{
	size_t n;
	const struct ofpact *nested = ofpact_nested(a, &n);
	int error = nested ? bind_list(b, (void *)(uintptr_t)nested, n) : 0;
	if (error)
		return error;
	switch ((int)a->type) {
	case OFPACT_OUTPUT_REG:
		return bind_subfield(b, &((struct ofpact_output_reg *)(void *)a)->src);
	case OFPACT_SET_FIELD:
		return bind_set_field(b, (void *)a);
	case OFPACT_STACK_PUSH:
	case OFPACT_STACK_POP:
		return bind_subfield(b, &((struct ofpact_stack *)(void *)a)->subfield);
	case OFPACT_REG_MOVE:
		error = bind_subfield(b, &((struct ofpact_reg_move *)(void *)a)->src);
		return error ? error
			     : bind_subfield(b, &((struct ofpact_reg_move *)(void *)a)->dst);
	case OFPACT_BUNDLE:
		return bind_subfield(b, &((struct ofpact_bundle *)(void *)a)->dst);
	case OFPACT_MULTIPATH:
		return bind_subfield(b, &((struct ofpact_multipath *)(void *)a)->dst);
	case OFPACT_LEARN:
		return bind_learn(b, (void *)a);
	case OFPACT_CT:
		return bind_subfield(b, &((struct ofpact_ct *)(void *)a)->zone_src);
	case OFPACT_CHECK_PKT_LARGER:
		return bind_subfield(b, &((struct ofpact_check_pkt_larger *)(void *)a)->dst);
	case OFPACT_DELETE_FIELD:
		return bind_field(b, &((struct ofpact_delete_field *)(void *)a)->field);
	}
	return 0;
}

static int bind_list(struct bind *b, void *list, size_t n)
{
	for (size_t at = 0; at < n;) {
		struct ofpact *a = (void *)((uint8_t *)list + at);
		int error = bind_action(b, a);
		if (error)
			return error;
		at += ofpact_size(a);
	}
	return 0;
}

int ofpacts_use_options(void *list, size_t n, const struct option_table *table, uint64_t *fields)
{
	struct bind b = {.table = table};
	int error = bind_list(&b, list, n);
	if (fields)
		*fields |= b.fields;
	return error;
}
