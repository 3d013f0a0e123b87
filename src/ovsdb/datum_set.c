/* SPDX-License-Identifier: Apache-2.0 */
// Sets and maps as operands: union, subtraction, difference. A large operand is merged in one pass
// over both, a small one is looked up element by element, so that adding one member to a large set
// costs one move of memory.
#include <stdlib.h>

#include "ovsdb/datum.h"

bool datum_contains_pair(const struct datum *d, const union atom *key, const union atom *value)
{
	size_t i = datum_find(d, key);
	if (i == SIZE_MAX)
		return false;
	return d->value_type == ATOM_VOID || !value ||
	       atom_equal(datum_value(d, i), value, d->value_type);
}

static const union atom *value_of(const struct datum *d, size_t i)
{
	return d->value_type != ATOM_VOID ? datum_value(d, i) : NULL;
}

bool datum_includes_all(const struct datum *small, const struct datum *large)
{
	if (small->n > large->n)
		return false;
	for (size_t i = 0; i < small->n; i++)
		if (!datum_contains_pair(large, datum_key(small, i), value_of(small, i)))
			return false;
	return true;
}

bool datum_excludes_all(const struct datum *a, const struct datum *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (datum_contains_pair(b, datum_key(a, i), value_of(a, i)))
			return false;
	return true;
}

// Appends a copy of element i of `from`, whose key is larger than all in `to`.
static void append(struct datum *to, const struct datum *from, size_t i)
{
	union atom key, value;
	atom_copy(&key, datum_key(from, i), from->key_type);
	if (to->value_type == ATOM_VOID) {
		datum_push(to, &key, NULL);
		return;
	}
	atom_copy(&value, datum_value(from, i), from->value_type);
	datum_push(to, &key, &value);
}

static bool is_much_smaller(const struct datum *b, const struct datum *a)
{
	return b->n <= 4 || b->n < a->n / 16;
}

static void union_merged(struct datum *a, const struct datum *b, bool replace)
{
	struct datum out;
	datum_init_empty(&out, a->key_type, a->value_type);
	size_t i = 0, j = 0;
	while (i < a->n || j < b->n) {
		int cmp = i >= a->n   ? 1
			  : j >= b->n ? -1
				      : atom_compare(datum_key(a, i), datum_key(b, j), a->key_type);
		if (cmp < 0)
			append(&out, a, i++);
		else if (cmp > 0)
			append(&out, b, j++);
		else if (replace)
			append(&out, b, j++), i++;
		else
			append(&out, a, i++), j++;
	}
	datum_swap(a, &out);
	datum_done(&out);
}

void datum_union(struct datum *a, const struct datum *b, bool replace)
{
	if (!is_much_smaller(b, a)) {
		union_merged(a, b, replace);
		return;
	}
	for (size_t i = 0; i < b->n; i++)
		if (replace || datum_find(a, datum_key(b, i)) == SIZE_MAX)
			datum_put(a, datum_key(b, i), value_of(b, i));
}

static bool is_subtracted(const struct datum *a, size_t i, const struct datum *b, size_t j)
{
	return b->value_type == ATOM_VOID ||
	       atom_equal(datum_value(a, i), datum_value(b, j), a->value_type);
}

void datum_subtract(struct datum *a, const struct datum *b)
{
	if (is_much_smaller(b, a)) {
		for (size_t j = 0; j < b->n; j++) {
			size_t i = datum_find(a, datum_key(b, j));
			if (i != SIZE_MAX && is_subtracted(a, i, b, j))
				datum_remove_at(a, i);
		}
		return;
	}
	struct datum out;
	datum_init_empty(&out, a->key_type, a->value_type);
	for (size_t i = 0; i < a->n; i++) {
		size_t j = datum_find(b, datum_key(a, i));
		if (j == SIZE_MAX || !is_subtracted(a, i, b, j))
			append(&out, a, i);
	}
	datum_swap(a, &out);
	datum_done(&out);
}

void datum_diff(struct datum *diff, const struct datum *old, const struct datum *new)
{
	datum_init_empty(diff, new->key_type, new->value_type);
	size_t i = 0, j = 0;
	while (i < old->n || j < new->n) {
		int cmp = i >= old->n	? 1
			  : j >= new->n ? -1
					: atom_compare(datum_key(old, i), datum_key(new, j),
						       new->key_type);
		if (cmp < 0) {
			append(diff, old, i++);
		} else if (cmp > 0) {
			append(diff, new, j++);
		} else {
			if (new->value_type != ATOM_VOID &&
			    !atom_equal(datum_value(old, i), datum_value(new, j), new->value_type))
				append(diff, new, j);
			i++, j++;
		}
	}
}

void datum_apply_diff(struct datum *d, const struct datum *diff)
{
	bool map = d->value_type != ATOM_VOID;
	if (!is_much_smaller(diff, d)) {
		struct datum out;
		datum_init_empty(&out, d->key_type, d->value_type);
		size_t i = 0, j = 0;
		while (i < d->n || j < diff->n) {
			int cmp = i >= d->n	 ? 1
				  : j >= diff->n ? -1
						 : atom_compare(datum_key(d, i), datum_key(diff, j),
								d->key_type);
			if (cmp < 0) {
				append(&out, d, i++);
			} else if (cmp > 0) {
				append(&out, diff, j++);
			} else {
				if (map && !atom_equal(datum_value(d, i), datum_value(diff, j),
						       d->value_type))
					append(&out, diff, j);
				i++, j++;
			}
		}
		datum_swap(d, &out);
		datum_done(&out);
		return;
	}
	for (size_t j = 0; j < diff->n; j++) {
		size_t i = datum_find(d, datum_key(diff, j));
		if (i == SIZE_MAX ||
		    (map && !atom_equal(datum_value(d, i), datum_value(diff, j), d->value_type)))
			datum_put(d, datum_key(diff, j), value_of(diff, j));
		else
			datum_remove_at(d, i);
	}
}
