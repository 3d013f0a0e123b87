/* SPDX-License-Identifier: Apache-2.0 */
// A list of distinct columns of a table.
#pragma once
#include "base/vec.h"
#include "ovsdb/schema.h"

struct column_set {
	VEC(const struct column_schema *) c;
};

#define COLUMN_SET_INIT                                                                            \
	{                                                                                          \
		0                                                                                  \
	}

void column_set_done(struct column_set *);
void column_set_add_all(struct column_set *, const struct table_schema *); // _uuid and _version too
bool column_set_contains(const struct column_set *, unsigned int index);
// An array of names; NULL: all. On error the set is empty.
struct db_error *column_set_from_json(struct column_set *, const struct table_schema *,
				      const json_t *) MUST_CHECK;
// {"column": value, ...} of the listed columns.
json_t *column_set_row_to_json(const struct column_set *, const struct datum *fields);
uint64_t column_set_hash(const struct column_set *, const struct datum *fields);
bool column_set_equal(const struct column_set *, const struct datum *a, const struct datum *b);
