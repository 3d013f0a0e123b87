/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/mutation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum arith_error { ARITH_OK, ARITH_RANGE, ARITH_ZERO };

struct mutator_row {
	const char *name;
	enum arith_error (*integer)(int64_t *, int64_t); // NULL for insert and delete
	enum arith_error (*real)(double *, double);	 // NULL where reals have none
};

static enum arith_error overflow(bool yes)
{
	return yes ? ARITH_RANGE : ARITH_OK;
}

static enum arith_error integer_add(int64_t *x, int64_t y)
{
	return overflow(__builtin_add_overflow(*x, y, x));
}

static enum arith_error integer_subtract(int64_t *x, int64_t y)
{
	return overflow(__builtin_sub_overflow(*x, y, x));
}

static enum arith_error integer_multiply(int64_t *x, int64_t y)
{
	return overflow(__builtin_mul_overflow(*x, y, x));
}

static enum arith_error check_divisor(int64_t x, int64_t y)
{
	if (!y)
		return ARITH_ZERO;
	return overflow(x == INT64_MIN && y == -1);
}

static enum arith_error integer_divide(int64_t *x, int64_t y)
{
	enum arith_error error = check_divisor(*x, y);
	if (!error)
		*x /= y;
	return error;
}

static enum arith_error integer_modulo(int64_t *x, int64_t y)
{
	enum arith_error error = check_divisor(*x, y);
	if (!error)
		*x %= y;
	return error;
}

static enum arith_error check_real(double x)
{
	return isfinite(x) ? ARITH_OK : ARITH_RANGE;
}

static enum arith_error real_add(double *x, double y)
{
	return check_real(*x += y);
}

static enum arith_error real_subtract(double *x, double y)
{
	return check_real(*x -= y);
}

static enum arith_error real_multiply(double *x, double y)
{
	return check_real(*x *= y);
}

static enum arith_error real_divide(double *x, double y)
{
	return y == 0 ? ARITH_ZERO : check_real(*x /= y);
}

static const struct mutator_row mutators[] = {
	[MUT_ADD] = {"+=", integer_add, real_add},
	[MUT_SUBTRACT] = {"-=", integer_subtract, real_subtract},
	[MUT_MULTIPLY] = {"*=", integer_multiply, real_multiply},
	[MUT_DIVIDE] = {"/=", integer_divide, real_divide},
	[MUT_MODULO] = {"%=", integer_modulo, NULL},
	[MUT_INSERT] = {"insert", NULL, NULL},
	[MUT_DELETE] = {"delete", NULL, NULL},
};

// --- From JSON.

static struct db_error *mutator_from_json(enum mutator *mutator, const json_t *json)
{
	const char *name = json_string_value(json);
	for (int i = MUT_ADD; i <= MUT_DELETE; i++)
		if (!strcmp(name, mutators[i].name)) {
			*mutator = (enum mutator)i;
			return NULL;
		}
	return db_error_new("unknown mutator", "No mutator named %s.", name);
}

static struct db_error *type_mismatch(const struct mutation *m, const json_t *json)
{
	char *text = column_type_to_english(&m->column->type);
	struct db_error *error = db_error_syntax(
		json, NULL,
		"Type mismatch: \"%s\" operator may not be applied to column %s of type %s.",
		mutators[m->mutator].name, m->column->name, text);
	free(text);
	return error;
}

static struct db_error *arith_argument(struct mutation *m, const json_t *json,
				       struct symtab *symtab)
{
	const struct column_type *type = &m->column->type;
	bool possible = type->key.type == ATOM_INTEGER
				? mutators[m->mutator].integer != NULL
				: type->key.type == ATOM_REAL && mutators[m->mutator].real;
	if (column_type_is_map(type) || !possible)
		return type_mismatch(m, json);
	// The constraints hold for results, not for operands.
	struct column_type arg;
	column_type_init_scalar(&arg, type->key.type);
	return datum_from_json(&m->arg, &arg, json_array_get(json, 2), symtab);
}

static struct db_error *set_argument(struct mutation *m, const json_t *json, struct symtab *symtab)
{
	struct column_type type = m->column->type;
	const json_t *arg = json_array_get(json, 2);
	if (column_type_is_scalar(&type))
		return type_mismatch(m, json);
	type.n_min = 0;
	if (m->mutator == MUT_INSERT)
		return datum_from_json(&m->arg, &type, arg, symtab);
	type.n_max = UINT_MAX;
	struct db_error *error = datum_from_json(&m->arg, &type, arg, symtab);
	if (!error || !column_type_is_map(&type))
		return error;
	// Pairs, or else keys alone.
	db_error_free(error);
	base_type_init(&type.value, ATOM_VOID);
	return datum_from_json(&m->arg, &type, arg, symtab);
}

static struct db_error *mutation_from_json(struct mutation *m, const struct table_schema *t,
					   const json_t *json, struct symtab *symtab)
{
	memset(m, 0, sizeof(*m));
	if (json_array_size(json) != 3 || !json_is_string(json_array_get(json, 0)) ||
	    !json_is_string(json_array_get(json, 1)))
		return db_error_syntax(json, NULL, "Parse error in mutation.");
	const char *name = json_string_value(json_array_get(json, 0));
	m->column = table_schema_find_column(t, name);
	if (!m->column)
		return db_error_syntax(json, "unknown column", "No column %s in table %s.", name,
				       t->name);
	if (!m->column->mutable)
		return db_error_syntax(json, "constraint violation",
				       "Cannot mutate immutable column %s in table %s.", name,
				       t->name);
	struct db_error *error = mutator_from_json(&m->mutator, json_array_get(json, 1));
	if (error)
		return error;
	error = mutators[m->mutator].integer ? arith_argument(m, json, symtab)
					     : set_argument(m, json, symtab);
	return db_error_at(error, "table %s, column %s", t->name, name);
}

void mutations_done(struct mutation_list *list)
{
	VEC_FOREACH (&list->m, i)
		datum_done(&list->m.v[i].arg);
	vec_done(&list->m);
}

struct db_error *mutations_from_json(struct mutation_list *list, const struct table_schema *t,
				     const json_t *json, struct symtab *symtab)
{
	size_t i;
	json_t *element;
	*list = (struct mutation_list){0};
	json_array_foreach (json, i, element) {
		struct mutation m;
		struct db_error *error = mutation_from_json(&m, t, element, symtab);
		if (error) {
			mutations_done(list);
			return error;
		}
		vec_push(&list->m, m);
	}
	return NULL;
}

// --- Application.

static struct db_error *arith_failed(const struct mutation *m, enum arith_error error)
{
	if (error == ARITH_ZERO)
		return db_error_new("domain error", "Division by zero.");
	return db_error_new("range error", "Result of \"%s\" operation is out of range.",
			    mutators[m->mutator].name);
}

static struct db_error *apply_arith(const struct mutation *m, struct datum *d)
{
	const union atom *arg = datum_key(&m->arg, 0);
	for (size_t i = 0; i < d->n; i++) {
		union atom *atom = datum_edit_key(d, i);
		enum arith_error failed =
			d->key_type == ATOM_INTEGER
				? mutators[m->mutator].integer(&atom->integer, arg->integer)
				: mutators[m->mutator].real(&atom->real, arg->real);
		if (failed)
			return arith_failed(m, failed);
		struct db_error *error = atom_check(atom, &m->column->type.key);
		if (error)
			return error;
	}
	if (!datum_sort(d))
		return db_error_new("constraint violation",
				    "Result of \"%s\" operation contains duplicates.",
				    mutators[m->mutator].name);
	return NULL;
}

static struct db_error *check_count(const struct mutation *m, const struct datum *d)
{
	const struct column_type *type = &m->column->type;
	if (d->n >= type->n_min && d->n <= type->n_max)
		return NULL;
	char *text = column_type_to_english(type);
	struct db_error *error = db_error_new("constraint violation",
					      "Attempted to store %u elements in %s.", d->n, text);
	free(text);
	return error;
}

struct db_error *mutations_apply(const struct mutation_list *list, struct db_txn *txn,
				 struct db_row *row)
{
	VEC_FOREACH (&list->m, i) {
		const struct mutation *m = &list->m.v[i];
		struct db_error *error = NULL;
		struct datum d;
		datum_copy(&d, &row->fields[m->column->index]);
		if (mutators[m->mutator].integer)
			error = apply_arith(m, &d);
		else if (m->mutator == MUT_INSERT)
			datum_union(&d, &m->arg, false);
		else
			datum_subtract(&d, &m->arg);
		if (!error && !mutators[m->mutator].integer)
			error = check_count(m, &d);
		if (error) {
			datum_done(&d);
			return db_error_at(error, "table %s, column %s, row " UUID_FORMAT,
					   row->table->schema->name, m->column->name,
					   UUID_ARGS(&row->uuid));
		}
		db_txn_set(txn, row, m->column->index, &d);
	}
	return NULL;
}
