/* SPDX-License-Identifier: Apache-2.0 */
#include "dbclient/row_table.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "dbclient/dbclient.h"

static size_t home(const struct row_table *t, const struct uuid *uuid)
{
	return hash_u64(uuid->part[0]) & (t->n_slots - 1);
}

void row_table_done(struct row_table *t)
{
	free(t->slots);
	*t = (struct row_table){0};
}

// The slot with the UUID, or the empty one where it would go. There is always an empty one.
static size_t find_slot(const struct row_table *t, const struct uuid *uuid)
{
	size_t i = home(t, uuid);

	while (t->slots[i] && !uuid_equal(&t->slots[i]->uuid, uuid))
		i = (i + 1) & (t->n_slots - 1);
	return i;
}

struct db_row *row_table_find(const struct row_table *t, const struct uuid *uuid)
{
	return t->n_slots ? t->slots[find_slot(t, uuid)] : NULL;
}

static void grow(struct row_table *t)
{
	struct row_table bigger = {.n = t->n, .n_slots = t->n_slots ? 2 * t->n_slots : 8};

	bigger.slots = xcalloc(bigger.n_slots, sizeof(struct db_row *));
	for (size_t i = 0; i < t->n_slots; i++)
		if (t->slots[i])
			bigger.slots[find_slot(&bigger, &t->slots[i]->uuid)] = t->slots[i];
	free(t->slots);
	*t = bigger;
}

void row_table_add(struct row_table *t, struct db_row *row)
{
	if (4 * (t->n + 1) > 3 * t->n_slots)
		grow(t);
	t->slots[find_slot(t, &row->uuid)] = row;
	t->n++;
}

void row_table_remove(struct row_table *t, const struct db_row *row)
{
	size_t hole = find_slot(t, &row->uuid), mask = t->n_slots - 1;

	// Moves back what was pushed past the hole, so that no mark of deletion is needed.
	for (size_t i = (hole + 1) & mask; t->slots[i]; i = (i + 1) & mask) {
		size_t h = home(t, &t->slots[i]->uuid);

		if (((i - h) & mask) >= ((i - hole) & mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = NULL;
	t->n--;
}

struct db_row *row_table_next(const struct row_table *t, size_t *at)
{
	while (*at < t->n_slots) {
		struct db_row *row = t->slots[(*at)++];

		if (row)
			return row;
	}
	return NULL;
}

size_t row_table_slot(const struct row_table *t, const struct db_row *row)
{
	return find_slot(t, &row->uuid);
}
