/* SPDX-License-Identifier: Apache-2.0 */
// Column types (RFC 7047, <type> and <base-type>).
#pragma once
#include <limits.h>

#include "ovsdb/atom.h"

struct datum;
struct table_schema;

enum ref_kind { REF_STRONG, REF_WEAK };

struct base_type {
	enum atom_type type;
	struct datum *enumeration; // the allowed values, or NULL
	union {
		struct {
			int64_t min, max; // INT64_MIN, INT64_MAX: no bound
		} integer;
		struct {
			double min, max; // -DBL_MAX, DBL_MAX: no bound
		} real;
		struct {
			unsigned int min_len, max_len; // characters; 0, UINT_MAX: no bound
		} string;
		struct {
			char *table_name;	    // NULL: any UUID
			struct table_schema *table; // resolved by the schema
			enum ref_kind kind;
		} ref;
	};
};

struct column_type {
	struct base_type key;
	struct base_type value; // ATOM_VOID unless it is a map
	unsigned int n_min;	// 0 or 1
	unsigned int n_max;	// UINT_MAX: no limit
};

// Without constraints.
void base_type_init(struct base_type *, enum atom_type);
void base_type_copy(struct base_type *, const struct base_type *);
void base_type_done(struct base_type *);
bool base_type_is_valid(const struct base_type *);
bool base_type_has_constraints(const struct base_type *);
struct db_error *base_type_from_json(struct base_type *, const json_t *) MUST_CHECK;
json_t *base_type_to_json(const struct base_type *);
static inline bool base_type_is_ref(const struct base_type *b)
{
	return b->type == ATOM_UUID && b->ref.table_name;
}
static inline bool base_type_is_strong_ref(const struct base_type *b)
{
	return base_type_is_ref(b) && b->ref.kind == REF_STRONG;
}
static inline bool base_type_is_weak_ref(const struct base_type *b)
{
	return base_type_is_ref(b) && b->ref.kind == REF_WEAK;
}

// Exactly one value, no constraint.
void column_type_init_scalar(struct column_type *, enum atom_type);
void column_type_copy(struct column_type *, const struct column_type *);
void column_type_done(struct column_type *);
struct db_error *column_type_from_json(struct column_type *, const json_t *) MUST_CHECK;
json_t *column_type_to_json(const struct column_type *);
// "set of up to 2 integers". Owned by the caller.
char *column_type_to_english(const struct column_type *);

static inline bool column_type_is_map(const struct column_type *t)
{
	return t->value.type != ATOM_VOID;
}
static inline bool column_type_is_set(const struct column_type *t)
{
	return t->value.type == ATOM_VOID && (t->n_min != 1 || t->n_max != 1);
}
static inline bool column_type_is_scalar(const struct column_type *t)
{
	return t->value.type == ATOM_VOID && t->n_min == 1 && t->n_max == 1;
}
static inline bool column_type_is_optional(const struct column_type *t)
{
	return t->value.type == ATOM_VOID && !t->n_min && t->n_max == 1;
}
static inline bool column_type_is_optional_scalar(const struct column_type *t)
{
	return t->value.type == ATOM_VOID && t->n_max == 1;
}
// Its changes are written as differences, in files and in updates of the second kind: a map of at
// most one pair is not.
static inline bool column_type_is_composite(const struct column_type *t)
{
	return t->n_max > 1;
}
