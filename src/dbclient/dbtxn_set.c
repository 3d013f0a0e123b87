/* SPDX-License-Identifier: Apache-2.0 */
#include "dbclient/dbtxn_set.h"

#include "dbclient/dbtxn_datum.h"

static void set_one(struct dbtxn *txn, struct db_row *row, unsigned int column, union atom *a,
		    enum atom_type type)
{
	struct datum d;

	datum_init_empty(&d, type, ATOM_VOID);
	datum_push(&d, a, NULL);
	dbtxn_write(txn, row, column, &d);
}

static void set_none(struct dbtxn *txn, struct db_row *row, unsigned int column,
		     enum atom_type type)
{
	struct datum d;

	datum_init_empty(&d, type, ATOM_VOID);
	dbtxn_write(txn, row, column, &d);
}

void dbtxn_set_string(struct dbtxn *txn, struct db_row *row, unsigned int column, const char *v)
{
	union atom a;

	if (!v) {
		set_none(txn, row, column, ATOM_STRING);
		return;
	}
	atom_init_string(&a, v);
	set_one(txn, row, column, &a, ATOM_STRING);
}

void dbtxn_set_int(struct dbtxn *txn, struct db_row *row, unsigned int column, int64_t v)
{
	set_one(txn, row, column, &(union atom){.integer = v}, ATOM_INTEGER);
}

void dbtxn_set_real(struct dbtxn *txn, struct db_row *row, unsigned int column, double v)
{
	set_one(txn, row, column, &(union atom){.real = v}, ATOM_REAL);
}

void dbtxn_set_bool(struct dbtxn *txn, struct db_row *row, unsigned int column, bool v)
{
	set_one(txn, row, column, &(union atom){.boolean = v}, ATOM_BOOLEAN);
}

void dbtxn_set_ref(struct dbtxn *txn, struct db_row *row, unsigned int column, struct db_row *v)
{
	if (v)
		set_one(txn, row, column, &(union atom){.uuid = v->uuid}, ATOM_UUID);
	else
		set_none(txn, row, column, ATOM_UUID);
}

// --- Sets and maps: parallel C arrays, one atom at a time

static void atom_of_string(union atom *a, const void *array, size_t i)
{
	atom_init_string(a, ((const char *const *)array)[i]);
}

static void atom_of_int(union atom *a, const void *array, size_t i)
{
	*a = (union atom){.integer = ((const int64_t *)array)[i]};
}

static void atom_of_real(union atom *a, const void *array, size_t i)
{
	*a = (union atom){.real = ((const double *)array)[i]};
}

static void atom_of_bool(union atom *a, const void *array, size_t i)
{
	*a = (union atom){.boolean = ((const bool *)array)[i]};
}

static void atom_of_ref(union atom *a, const void *array, size_t i)
{
	*a = (union atom){.uuid = ((struct db_row *const *)array)[i]->uuid};
}

typedef void atom_maker(union atom *, const void *array, size_t i);

static void set_array(struct dbtxn *txn, struct db_row *row, unsigned int column, size_t n,
		      enum atom_type key_type, atom_maker *make_key, const void *keys,
		      enum atom_type value_type, atom_maker *make_value, const void *values)
{
	struct datum d;

	datum_init_empty(&d, key_type, value_type);
	for (size_t i = 0; i < n; i++) {
		union atom key, value;

		make_key(&key, keys, i);
		if (make_value)
			make_value(&value, values, i);
		datum_push(&d, &key, make_value ? &value : NULL);
	}
	datum_sort_unique(&d);
	dbtxn_write(txn, row, column, &d);
}

void dbtxn_set_strings(struct dbtxn *txn, struct db_row *row, unsigned int column,
		       const char *const *v, size_t n)
{
	set_array(txn, row, column, n, ATOM_STRING, atom_of_string, v, ATOM_VOID, NULL, NULL);
}

void dbtxn_set_ints(struct dbtxn *txn, struct db_row *row, unsigned int column, const int64_t *v,
		    size_t n)
{
	set_array(txn, row, column, n, ATOM_INTEGER, atom_of_int, v, ATOM_VOID, NULL, NULL);
}

void dbtxn_set_reals(struct dbtxn *txn, struct db_row *row, unsigned int column, const double *v,
		     size_t n)
{
	set_array(txn, row, column, n, ATOM_REAL, atom_of_real, v, ATOM_VOID, NULL, NULL);
}

void dbtxn_set_bools(struct dbtxn *txn, struct db_row *row, unsigned int column, const bool *v,
		     size_t n)
{
	set_array(txn, row, column, n, ATOM_BOOLEAN, atom_of_bool, v, ATOM_VOID, NULL, NULL);
}

void dbtxn_set_refs(struct dbtxn *txn, struct db_row *row, unsigned int column,
		    struct db_row *const *v, size_t n)
{
	set_array(txn, row, column, n, ATOM_UUID, atom_of_ref, v, ATOM_VOID, NULL, NULL);
}

void dbtxn_set_smap(struct dbtxn *txn, struct db_row *row, unsigned int column,
		    const struct smap *m)
{
	struct datum d;

	datum_init_empty(&d, ATOM_STRING, ATOM_STRING);
	SMAP_FOREACH (m, pair) {
		union atom key, value;

		atom_init_string(&key, pair->key);
		atom_init_string(&value, pair->value);
		datum_push(&d, &key, &value);
	}
	datum_sort_unique(&d);
	dbtxn_write(txn, row, column, &d);
}

void dbtxn_set_string_int_map(struct dbtxn *txn, struct db_row *row, unsigned int column,
			      const char *const *keys, const int64_t *values, size_t n)
{
	set_array(txn, row, column, n, ATOM_STRING, atom_of_string, keys, ATOM_INTEGER, atom_of_int,
		  values);
}

void dbtxn_set_int_int_map(struct dbtxn *txn, struct db_row *row, unsigned int column,
			   const int64_t *keys, const int64_t *values, size_t n)
{
	set_array(txn, row, column, n, ATOM_INTEGER, atom_of_int, keys, ATOM_INTEGER, atom_of_int,
		  values);
}

void dbtxn_set_string_ref_map(struct dbtxn *txn, struct db_row *row, unsigned int column,
			      const char *const *keys, struct db_row *const *values, size_t n)
{
	set_array(txn, row, column, n, ATOM_STRING, atom_of_string, keys, ATOM_UUID, atom_of_ref,
		  values);
}

void dbtxn_set_int_ref_map(struct dbtxn *txn, struct db_row *row, unsigned int column,
			   const int64_t *keys, struct db_row *const *values, size_t n)
{
	set_array(txn, row, column, n, ATOM_INTEGER, atom_of_int, keys, ATOM_UUID, atom_of_ref,
		  values);
}

// --- Single elements

typedef void mutation(struct dbtxn *, struct db_row *, unsigned int column, const struct datum *);

// Takes the atom.
static void mutate_one(struct dbtxn *txn, struct db_row *row, unsigned int column, union atom *a,
		       enum atom_type type, mutation *mutate)
{
	struct datum d;

	datum_init_empty(&d, type, ATOM_VOID);
	datum_push(&d, a, NULL);
	mutate(txn, row, column, &d);
	datum_done(&d);
}

void dbtxn_add_string(struct dbtxn *txn, struct db_row *row, unsigned int column, const char *v)
{
	union atom a;

	atom_init_string(&a, v);
	mutate_one(txn, row, column, &a, ATOM_STRING, dbtxn_add);
}

void dbtxn_remove_string(struct dbtxn *txn, struct db_row *row, unsigned int column, const char *v)
{
	union atom a;

	atom_init_string(&a, v);
	mutate_one(txn, row, column, &a, ATOM_STRING, dbtxn_remove);
}

void dbtxn_add_int(struct dbtxn *txn, struct db_row *row, unsigned int column, int64_t v)
{
	mutate_one(txn, row, column, &(union atom){.integer = v}, ATOM_INTEGER, dbtxn_add);
}

void dbtxn_remove_int(struct dbtxn *txn, struct db_row *row, unsigned int column, int64_t v)
{
	mutate_one(txn, row, column, &(union atom){.integer = v}, ATOM_INTEGER, dbtxn_remove);
}

void dbtxn_add_ref(struct dbtxn *txn, struct db_row *row, unsigned int column, struct db_row *v)
{
	mutate_one(txn, row, column, &(union atom){.uuid = v->uuid}, ATOM_UUID, dbtxn_add);
}

void dbtxn_remove_ref(struct dbtxn *txn, struct db_row *row, unsigned int column, struct db_row *v)
{
	mutate_one(txn, row, column, &(union atom){.uuid = v->uuid}, ATOM_UUID, dbtxn_remove);
}

void dbtxn_put_string(struct dbtxn *txn, struct db_row *row, unsigned int column, const char *key,
		      const char *value)
{
	union atom k, v;
	struct datum d;

	atom_init_string(&k, key);
	atom_init_string(&v, value);
	datum_init_empty(&d, ATOM_STRING, ATOM_STRING);
	datum_push(&d, &k, &v);
	dbtxn_add(txn, row, column, &d);
	datum_done(&d);
}

void dbtxn_drop_string(struct dbtxn *txn, struct db_row *row, unsigned int column, const char *key)
{
	dbtxn_remove_string(txn, row, column, key);
}
