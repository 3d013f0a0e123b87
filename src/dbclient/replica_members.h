/* SPDX-License-Identifier: Apache-2.0 */
// The C members of row structs, made from datums, and the bookkeeping of references between rows.
// Internal to the replica.
#pragma once
#include "dbclient/replica.h"

// Frees what the column's members own and makes them empty.
void members_clear(struct db_row *, unsigned int column);
// Makes the members from the datum (cleared before). Strings are borrowed from it.
void members_fill(struct db_row *, unsigned int column);

static inline bool column_has_refs(const struct db_column *c)
{
	return c->key_ref || c->value_ref;
}
// The column goes from `old` to `new` (either NULL: nothing): enters and removes the row as a
// referrer.
void refs_change(struct db_row *, unsigned int column, const struct datum *old,
		 const struct datum *new);
