/* SPDX-License-Identifier: Apache-2.0 */
#include "dbclient/replica_members.h"

#include <stdlib.h>

#include "base/alloc.h"

static void *member(struct db_row *row, uint16_t at)
{
	return (char *)row + at;
}

static const struct db_column *column_of(const struct db_row *row, unsigned int column)
{
	return &row->table->class->columns[column];
}

static bool is_smap(const struct db_column *c)
{
	return c->shape == DB_MAP && c->key == ATOM_STRING && c->value == ATOM_STRING;
}

static size_t c_size(enum atom_type type)
{
	return type == ATOM_BOOLEAN ? sizeof(bool)
	       : type == ATOM_REAL  ? sizeof(double)
				    : sizeof(int64_t);
}

static struct db_row *find_present(struct db_row *from, const struct db_table_class *class,
				   const struct uuid *uuid)
{
	struct db_table *t = replica_table(from->table->replica, class);
	struct db_row *row = row_table_find(&t->rows, uuid);

	return row && row->present ? row : NULL;
}

// Writes one atom in its C form. False when it is a reference to a row that is not there.
static bool put_atom(struct db_row *row, void *to, const union atom *a, enum atom_type type,
		     const struct db_table_class *ref)
{
	switch (type) {
	case ATOM_INTEGER:
		*(int64_t *)to = a->integer;
		break;
	case ATOM_REAL:
		*(double *)to = a->real;
		break;
	case ATOM_BOOLEAN:
		*(bool *)to = a->boolean;
		break;
	case ATOM_STRING:
		*(const char **)to = atom_string(a);
		break;
	case ATOM_UUID: {
		struct db_row *target = find_present(row, ref, &a->uuid);

		*(struct db_row **)to = target;
		return target;
	}
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return true;
}

static void fill_smap(struct smap *m, const struct datum *d)
{
	if (!d->n)
		return;
	m->v = xmalloc(d->n * sizeof(*m->v));
	for (size_t i = 0; i < d->n; i++)
		m->v[i] = (struct smap_pair){atom_string(datum_key(d, i)),
					     atom_string(datum_value(d, i))};
	m->n = d->n;
}

// Sets and maps. Elements whose row is not there are left out.
static void fill_arrays(struct db_row *row, const struct db_column *c, const struct datum *d)
{
	size_t key_size = c_size(c->key), value_size = c_size(c->value), n = 0;
	char *keys, *values = NULL;

	if (!d->n)
		return;
	keys = xmalloc(d->n * key_size);
	if (c->shape == DB_MAP)
		values = xmalloc(d->n * value_size);
	for (size_t i = 0; i < d->n; i++)
		if (put_atom(row, keys + n * key_size, datum_key(d, i), c->key, c->key_ref) &&
		    (!values || put_atom(row, values + n * value_size, datum_value(d, i), c->value,
					 c->value_ref)))
			n++;
	*(void **)member(row, c->at) = keys;
	if (values)
		*(void **)member(row, c->value_at) = values;
	*(size_t *)member(row, c->n_at) = n;
}

void members_clear(struct db_row *row, unsigned int column)
{
	const struct db_column *c = column_of(row, column);
	void *at = member(row, c->at);

	switch (c->shape) {
	case DB_ONE:
	case DB_OPTIONAL:
		memset(at, 0, c_size(c->key));
		if (c->n_at)
			*(size_t *)member(row, c->n_at) = 0;
		break;
	case DB_MAP:
		if (is_smap(c)) {
			free(((struct smap *)at)->v);
			*(struct smap *)at = (struct smap)SMAP_INIT;
			break;
		}
		free(*(void **)member(row, c->value_at));
		*(void **)member(row, c->value_at) = NULL;
		// fall through
	case DB_SET:
		free(*(void **)at);
		*(void **)at = NULL;
		*(size_t *)member(row, c->n_at) = 0;
		break;
	}
}

void members_fill(struct db_row *row, unsigned int column)
{
	const struct db_column *c = column_of(row, column);
	const struct datum *d = row_datum(row, column);

	switch (c->shape) {
	case DB_ONE:
	case DB_OPTIONAL:
		if (!d->n)
			break;
		put_atom(row, member(row, c->at), datum_key(d, 0), c->key, c->key_ref);
		if (c->n_at)
			*(size_t *)member(row, c->n_at) = 1;
		break;
	case DB_SET:
		fill_arrays(row, c, d);
		break;
	case DB_MAP:
		if (is_smap(c))
			fill_smap(member(row, c->at), d);
		else
			fill_arrays(row, c, d);
		break;
	}
}

static void add_ref(struct db_row *from, const struct db_table_class *class,
		    const struct uuid *uuid)
{
	struct db_table *t = replica_table(from->table->replica, class);
	struct db_row *to;

	if (!table_is_monitored(t))
		return;
	to = row_table_find(&t->rows, uuid);
	if (!to) {
		to = row_new(t, uuid, true);
		row_table_add(&t->rows, to);
		t->n_placeholders++;
	}
	if (to->n_referrers == to->cap_referrers) {
		to->cap_referrers = to->cap_referrers ? 2 * to->cap_referrers : 1;
		to->referrers =
			xrealloc(to->referrers, to->cap_referrers * sizeof(struct db_row *));
	}
	to->referrers[to->n_referrers++] = from;
}

static void remove_ref(struct db_row *from, const struct db_table_class *class,
		       const struct uuid *uuid)
{
	struct db_table *t = replica_table(from->table->replica, class);
	struct db_row *to = row_table_find(&t->rows, uuid);

	if (!to)
		return;
	for (size_t i = to->n_referrers; i-- > 0;) {
		if (to->referrers[i] != from)
			continue;
		to->referrers[i] = to->referrers[--to->n_referrers];
		break;
	}
	if (!to->n_referrers && !to->present) {
		row_table_remove(&t->rows, to);
		t->n_placeholders--;
		row_free(to);
	}
}

static void
change_pair(struct db_row *row, const struct db_column *c, const struct datum *d, size_t i,
	    void (*change)(struct db_row *, const struct db_table_class *, const struct uuid *))
{
	if (c->key_ref)
		change(row, c->key_ref, &datum_key(d, i)->uuid);
	if (c->value_ref)
		change(row, c->value_ref, &datum_value(d, i)->uuid);
}

void refs_change(struct db_row *row, unsigned int column, const struct datum *old,
		 const struct datum *new)
{
	const struct db_column *c = column_of(row, column);
	size_t n_old = old ? old->n : 0, n_new = new ? new->n : 0, i = 0, j = 0;

	// Both are sorted by key: what they have in common costs one comparison each.
	while (i < n_old || j < n_new) {
		int order = i == n_old ? 1
			    : j == n_new
				    ? -1
				    : atom_compare(datum_key(old, i), datum_key(new, j), c->key);

		if (!order && c->value != ATOM_VOID &&
		    !atom_equal(datum_value(old, i), datum_value(new, j), c->value)) {
			change_pair(row, c, new, j, add_ref);
			change_pair(row, c, old, i, remove_ref);
		} else if (order < 0) {
			change_pair(row, c, old, i, remove_ref);
		} else if (order > 0) {
			change_pair(row, c, new, j, add_ref);
		}
		i += order <= 0;
		j += order >= 0;
	}
}
