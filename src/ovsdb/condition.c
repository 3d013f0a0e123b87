/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/condition.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static const char *const function_names[] = {
	[FUNC_EQ] = "==",
	[FUNC_NE] = "!=",
	[FUNC_LT] = "<",
	[FUNC_LE] = "<=",
	[FUNC_GT] = ">",
	[FUNC_GE] = ">=",
	[FUNC_INCLUDES] = "includes",
	[FUNC_EXCLUDES] = "excludes",
	[FUNC_TRUE] = "true",
	[FUNC_FALSE] = "false",
};

static struct db_error *function_from_json(enum db_function *function, const json_t *json)
{
	const char *name = json_string_value(json);
	for (int i = FUNC_EQ; i <= FUNC_EXCLUDES; i++)
		if (!strcmp(name, function_names[i])) {
			*function = (enum db_function)i;
			return NULL;
		}
	return db_error_new("unknown function", "No function named %s.", name);
}

static bool is_order(enum db_function function)
{
	return function >= FUNC_LT && function <= FUNC_GE;
}

// The type of the argument; shares the constraints of `type`.
static struct db_error *argument_type(const struct clause *c, const json_t *json,
				      struct column_type *type)
{
	*type = c->column->type;
	if (is_order(c->function)) {
		bool number = type->key.type == ATOM_INTEGER || type->key.type == ATOM_REAL;
		if (!column_type_is_optional_scalar(type) || !number) {
			char *text = column_type_to_english(type);
			struct db_error *error =
				db_error_syntax(json, NULL,
						"Type mismatch: \"%s\" operator may not be applied "
						"to column %s of type %s.",
						function_names[c->function], c->column->name, text);
			free(text);
			return error;
		}
		type->n_min = type->n_max = 1;
	} else if (c->function == FUNC_INCLUDES && !column_type_is_scalar(type)) {
		type->n_min = 0;
	} else if (c->function == FUNC_EXCLUDES && !column_type_is_scalar(type)) {
		type->n_min = 0;
		type->n_max = UINT_MAX;
	}
	return NULL;
}

static struct db_error *clause_from_json(struct clause *c, const struct table_schema *t,
					 const json_t *json, struct symtab *symtab)
{
	memset(c, 0, sizeof(*c));
	if (json_is_boolean(json)) {
		c->function = json_is_true(json) ? FUNC_TRUE : FUNC_FALSE;
		return NULL;
	}
	if (json_array_size(json) != 3 || !json_is_string(json_array_get(json, 0)) ||
	    !json_is_string(json_array_get(json, 1)))
		return db_error_syntax(json, NULL, "Parse error in condition.");
	const char *name = json_string_value(json_array_get(json, 0));
	c->column = table_schema_find_column(t, name);
	if (!c->column)
		return db_error_syntax(json, "unknown column", "No column %s in table %s.", name,
				       t->name);
	struct db_error *error = function_from_json(&c->function, json_array_get(json, 1));
	struct column_type type;
	if (!error)
		error = argument_type(c, json, &type);
	if (!error)
		error = datum_from_json(&c->arg, &type, json_array_get(json, 2), symtab);
	return db_error_at(error, "table %s, column %s", t->name, name);
}

static void clause_done(struct clause *c)
{
	if (c->column)
		datum_done(&c->arg);
}

void condition_done(struct condition *cond)
{
	VEC_FOREACH (&cond->clauses, i)
		clause_done(&cond->clauses.v[i]);
	vec_done(&cond->clauses);
}

struct db_error *condition_from_json(struct condition *cond, const struct table_schema *t,
				     const json_t *json, struct symtab *symtab)
{
	size_t i;
	json_t *element;
	*cond = (struct condition)CONDITION_INIT;
	if (!json_is_array(json) && json)
		return db_error_syntax(json, NULL, "array expected");
	json_array_foreach (json, i, element) {
		struct clause c;
		struct db_error *error = clause_from_json(&c, t, element, symtab);
		if (error) {
			condition_done(cond);
			return error;
		}
		vec_push(&cond->clauses, c);
	}
	return NULL;
}

json_t *condition_to_json(const struct condition *cond)
{
	json_t *json = json_array();
	VEC_FOREACH (&cond->clauses, i) {
		const struct clause *c = &cond->clauses.v[i];
		json_t *element;
		if (c->column) {
			element = json_array();
			json_array_append_new(element, json_string(c->column->name));
			json_array_append_new(element, json_string(function_names[c->function]));
			json_array_append_new(element, datum_to_json(&c->arg));
		} else {
			element = json_boolean(c->function == FUNC_TRUE);
		}
		json_array_append_new(json, element);
	}
	return json;
}

bool condition_equal(const struct condition *a, const struct condition *b)
{
	json_t *x = condition_to_json(a), *y = condition_to_json(b);
	bool equal = json_equal(x, y);
	json_decref(x);
	json_decref(y);
	return equal;
}

static bool order_matches(enum db_function function, const struct datum *field,
			  const struct datum *arg)
{
	if (!field->n)
		return false;
	int cmp = atom_compare(datum_key(field, 0), datum_key(arg, 0), arg->key_type);
	switch (function) {
	case FUNC_LT:
		return cmp < 0;
	case FUNC_LE:
		return cmp <= 0;
	case FUNC_GT:
		return cmp > 0;
	case FUNC_GE:
		return cmp >= 0;
	case FUNC_EQ:
	case FUNC_NE:
	case FUNC_INCLUDES:
	case FUNC_EXCLUDES:
	case FUNC_TRUE:
	case FUNC_FALSE:
		break;
	}
	return false;
}

static bool clause_matches(const struct clause *c, const struct datum *fields)
{
	const struct datum *field = c->column ? &fields[c->column->index] : NULL;
	switch (c->function) {
	case FUNC_EQ:
		return datum_equal(field, &c->arg);
	case FUNC_NE:
		return !datum_equal(field, &c->arg);
	case FUNC_LT:
	case FUNC_LE:
	case FUNC_GT:
	case FUNC_GE:
		return order_matches(c->function, field, &c->arg);
	case FUNC_INCLUDES:
		return datum_includes_all(&c->arg, field);
	case FUNC_EXCLUDES:
		return datum_excludes_all(&c->arg, field);
	case FUNC_TRUE:
		return true;
	case FUNC_FALSE:
		break;
	}
	return false;
}

bool condition_matches(const struct condition *cond, const struct datum *fields)
{
	VEC_FOREACH (&cond->clauses, i)
		if (!clause_matches(&cond->clauses.v[i], fields))
			return false;
	return true;
}

bool condition_matches_any(const struct condition *cond, const struct datum *fields)
{
	VEC_FOREACH (&cond->clauses, i)
		if (clause_matches(&cond->clauses.v[i], fields))
			return true;
	return !cond->clauses.n;
}

// The clause that fixes a column to one value; NULL if there is none.
static const struct clause *find_equal(const struct condition *cond, unsigned int column)
{
	VEC_FOREACH (&cond->clauses, i) {
		const struct clause *c = &cond->clauses.v[i];
		if (c->function == FUNC_EQ && c->column->index == column)
			return c;
		// A scalar includes a value when it equals it.
		if (c->function == FUNC_INCLUDES && c->column->index == column &&
		    column_type_is_scalar(&c->column->type))
			return c;
	}
	return NULL;
}

static bool find_by_index(const struct condition *cond, const struct db_table *t,
			  unsigned int number, struct row_list *out)
{
	const struct table_index *index = &t->schema->indexes[number];
	uint64_t hash = 0;
	for (unsigned int i = 0; i < index->n_columns; i++) {
		const struct clause *c = find_equal(cond, index->columns[i]->index);
		if (!c)
			return false;
		hash = datum_hash(&c->arg, hash);
	}
	for (struct db_row *row = db_index_first(t, number, hash); row;
	     row = db_index_next(row, number))
		if (condition_matches(cond, row->fields))
			vec_push(&out->rows, row);
	return true;
}

void condition_find_rows(const struct condition *cond, const struct db_table *t,
			 struct row_list *out)
{
	const struct clause *c = find_equal(cond, COLUMN_UUID);
	if (c) {
		struct db_row *row = db_table_find_row(t, &c->arg.one.uuid);
		if (row && condition_matches(cond, row->fields))
			vec_push(&out->rows, row);
		return;
	}
	for (unsigned int i = 0; i < t->schema->n_indexes; i++)
		if (find_by_index(cond, t, i, out))
			return;
	for (struct db_row *row = db_table_next_row(t, NULL); row; row = db_table_next_row(t, row))
		if (condition_matches(cond, row->fields))
			vec_push(&out->rows, row);
}
