/* SPDX-License-Identifier: Apache-2.0 */
// The rows of a table by UUID: open addressing with linear probing, eight bytes a slot. UUIDs are
// random, so that their first word is the hash. Rows move when the table grows or one is removed:
// do not do either while iterating.
#pragma once
#include <stddef.h>

#include "base/uuid.h"

struct db_row;

struct row_table {
	struct db_row **slots;
	size_t n, n_slots; // n_slots: 0 or a power of two
};

void row_table_done(struct row_table *); // not the rows
struct db_row *row_table_find(const struct row_table *, const struct uuid *);
// The UUID must not be there.
void row_table_add(struct row_table *, struct db_row *);
// It must be there.
void row_table_remove(struct row_table *, const struct db_row *);
// The first row at or after slot *at, which moves behind it; NULL at the end. Start with 0.
struct db_row *row_table_next(const struct row_table *, size_t *at);
// The slot of a row that is there.
size_t row_table_slot(const struct row_table *, const struct db_row *);
