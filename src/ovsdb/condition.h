/* SPDX-License-Identifier: Apache-2.0 */
// Conditions (RFC 7047 section 5.1, <condition>): which rows an operation or a monitor means.
#pragma once
#include "ovsdb/store.h"

enum db_function {
	FUNC_EQ,
	FUNC_NE,
	FUNC_LT,
	FUNC_LE,
	FUNC_GT,
	FUNC_GE,
	FUNC_INCLUDES,
	FUNC_EXCLUDES,
	FUNC_TRUE,
	FUNC_FALSE
};

struct clause {
	enum db_function function;
	const struct column_schema *column; // NULL for true and false
	struct datum arg;
};

struct condition {
	VEC(struct clause) clauses;
};

#define CONDITION_INIT                                                                             \
	{                                                                                          \
		0                                                                                  \
	}

// <condition>s joined by "and", as in "where"; `json` is an array. On error the condition is empty.
struct db_error *condition_from_json(struct condition *, const struct table_schema *,
				     const json_t *, struct symtab *) MUST_CHECK;
json_t *condition_to_json(const struct condition *);
void condition_done(struct condition *);
// All clauses are true.
bool condition_matches(const struct condition *, const struct datum *fields);
// Some clause is true, or there is none: the conditions of monitors.
bool condition_matches_any(const struct condition *, const struct datum *fields);
bool condition_equal(const struct condition *, const struct condition *);

struct row_list {
	VEC(struct db_row *) rows;
};

// The rows that match, without a scan where the clauses name a UUID or all columns of an index.
// Appends.
void condition_find_rows(const struct condition *, const struct db_table *, struct row_list *);
