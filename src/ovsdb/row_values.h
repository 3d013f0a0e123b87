/* SPDX-License-Identifier: Apache-2.0 */
// A <row> of RFC 7047: the columns that it gives, with their values.
#pragma once
#include "base/vec.h"
#include "ovsdb/schema.h"

struct row_values {
	VEC(struct {
		const struct column_schema *column;
		struct datum datum;
	})
	v;
};

// On error there is nothing to free.
struct db_error *row_values_from_json(struct row_values *, const struct table_schema *,
				      const json_t *, struct symtab *) MUST_CHECK;
void row_values_done(struct row_values *);
bool row_values_contain(const struct row_values *, unsigned int column);
