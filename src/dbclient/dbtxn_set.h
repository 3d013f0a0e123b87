/* SPDX-License-Identifier: Apache-2.0 */
// What the generated setters call. Each records the new value of a column of `row`, which is in the
// replica or was inserted by the same transaction; values are copied. References are to such rows
// too. `n` of sets must fit the column's type.
//
// What is equal to the value in the replica causes no operation.
#pragma once
#include "dbclient/dbclient.h"

// A NULL string or reference empties an optional column.
void dbtxn_set_string(struct dbtxn *, struct db_row *, unsigned int column, const char *);
void dbtxn_set_int(struct dbtxn *, struct db_row *, unsigned int column, int64_t);
void dbtxn_set_real(struct dbtxn *, struct db_row *, unsigned int column, double);
void dbtxn_set_bool(struct dbtxn *, struct db_row *, unsigned int column, bool);
void dbtxn_set_ref(struct dbtxn *, struct db_row *, unsigned int column, struct db_row *);

// Sets, also optional columns. In any order; duplicates count once.
void dbtxn_set_strings(struct dbtxn *, struct db_row *, unsigned int column, const char *const *,
		       size_t n);
void dbtxn_set_ints(struct dbtxn *, struct db_row *, unsigned int column, const int64_t *,
		    size_t n);
void dbtxn_set_reals(struct dbtxn *, struct db_row *, unsigned int column, const double *,
		     size_t n);
void dbtxn_set_bools(struct dbtxn *, struct db_row *, unsigned int column, const bool *, size_t n);
void dbtxn_set_refs(struct dbtxn *, struct db_row *, unsigned int column, struct db_row *const *,
		    size_t n);

// Maps, whole.
void dbtxn_set_smap(struct dbtxn *, struct db_row *, unsigned int column, const struct smap *);
void dbtxn_set_string_int_map(struct dbtxn *, struct db_row *, unsigned int column,
			      const char *const *keys, const int64_t *values, size_t n);
void dbtxn_set_int_int_map(struct dbtxn *, struct db_row *, unsigned int column,
			   const int64_t *keys, const int64_t *values, size_t n);
void dbtxn_set_string_ref_map(struct dbtxn *, struct db_row *, unsigned int column,
			      const char *const *keys, struct db_row *const *values, size_t n);
void dbtxn_set_int_ref_map(struct dbtxn *, struct db_row *, unsigned int column,
			   const int64_t *keys, struct db_row *const *values, size_t n);

// Single elements, sent as mutations: they do not conflict with what others do to the rest of the
// set or map.
void dbtxn_add_string(struct dbtxn *, struct db_row *, unsigned int column, const char *);
void dbtxn_remove_string(struct dbtxn *, struct db_row *, unsigned int column, const char *);
void dbtxn_add_int(struct dbtxn *, struct db_row *, unsigned int column, int64_t);
void dbtxn_remove_int(struct dbtxn *, struct db_row *, unsigned int column, int64_t);
void dbtxn_add_ref(struct dbtxn *, struct db_row *, unsigned int column, struct db_row *);
void dbtxn_remove_ref(struct dbtxn *, struct db_row *, unsigned int column, struct db_row *);
void dbtxn_put_string(struct dbtxn *, struct db_row *, unsigned int column, const char *key,
		      const char *value);
void dbtxn_drop_string(struct dbtxn *, struct db_row *, unsigned int column, const char *key);
