/* SPDX-License-Identifier: Apache-2.0 */
// What find and wait-until ask of a column: COLUMN[:KEY] OPERATOR VALUE. Both sides are sets; a
// missing key is the empty set for the set operators, and never holds for the others.
#include "cmd/ctl/ctl.h"

static bool is_equal(const struct datum *a, const struct datum *b)
{
	return datum_equal(a, b);
}

static bool is_not_equal(const struct datum *a, const struct datum *b)
{
	return !datum_equal(a, b);
}

static bool is_less(const struct datum *a, const struct datum *b)
{
	return datum_compare(a, b) < 0;
}

static bool is_greater(const struct datum *a, const struct datum *b)
{
	return datum_compare(a, b) > 0;
}

static bool is_at_most(const struct datum *a, const struct datum *b)
{
	return datum_compare(a, b) <= 0;
}

static bool is_at_least(const struct datum *a, const struct datum *b)
{
	return datum_compare(a, b) >= 0;
}

static bool is_subset(const struct datum *a, const struct datum *b)
{
	return datum_includes_all(a, b);
}

static bool is_proper_subset(const struct datum *a, const struct datum *b)
{
	return a->n < b->n && datum_includes_all(a, b);
}

static bool is_superset(const struct datum *a, const struct datum *b)
{
	return datum_includes_all(b, a);
}

static bool is_proper_superset(const struct datum *a, const struct datum *b)
{
	return a->n > b->n && datum_includes_all(b, a);
}

static bool is_disjoint(const struct datum *a, const struct datum *b)
{
	return datum_excludes_all(a, b);
}

static const struct {
	bool (*holds)(const struct datum *column, const struct datum *value);
	bool is_set;
} operators[] = {
	{is_equal, false},	    {is_not_equal, false}, {is_less, false},
	{is_greater, false},	    {is_at_most, false},   {is_at_least, false},
	{is_equal, true},	    {is_not_equal, true},  {is_proper_subset, true},
	{is_proper_superset, true}, {is_subset, true},	   {is_superset, true},
	{is_subset, true},	    {is_disjoint, true},
};

static const char *const operator_names[] = {
	"=",   "!=",  "<",    ">",    "<=",   ">=",	  "{=}", "{!=}",
	"{<}", "{>}", "{<=}", "{>=}", "{in}", "{not-in}", NULL,
};

_Static_assert(sizeof(operators) / sizeof(operators[0]) + 1 ==
		       sizeof(operator_names) / sizeof(operator_names[0]),
	       "a name for each operator");

// The value of the key in the map `d` as a set of one or none.
static void pick_value(struct datum *out, const struct datum *d, const struct column_type *type,
		       const union atom *key)
{
	size_t at = datum_find(d, key);

	datum_init_empty(out, type->value.type, ATOM_VOID);
	if (at != SIZE_MAX) {
		union atom value;

		atom_copy(&value, datum_value(d, at), type->value.type);
		datum_push(out, &value, NULL);
	}
}

static struct error *key_condition(struct ctl_context *c, const struct datum *d,
				   const struct column_type *type, const struct ctl_argument *a,
				   bool *holds)
{
	struct column_type value_type = {.key = type->value, .n_min = 0, .n_max = UINT_MAX};
	struct datum value, picked;
	union atom key;
	struct error *error;

	base_type_init(&value_type.value, ATOM_VOID);
	error = atom_from_text(&key, NULL, &type->key, a->key, &c->ctl->symtab);
	if (error)
		return error;
	error = datum_from_text(&value, &value_type, a->value, &c->ctl->symtab);
	if (!error) {
		pick_value(&picked, d, type, &key);
		*holds = (picked.n || operators[a->operator].is_set) &&
			 operators[a->operator].holds(&picked, &value);
		datum_done(&picked);
		datum_done(&value);
	}
	atom_done(&key, type->key.type);
	return error;
}

struct error *ctl_condition_holds(struct ctl_context *c, struct db_row *row, const char *text,
				  bool *holds)
{
	const struct db_table_class *table = dbclient_row_class(row);
	const struct column_type *type;
	const struct datum *d;
	struct ctl_argument a;
	struct error *error = ctl_parse_argument(table, text, operator_names, &a);
	struct datum value;

	if (error)
		return error;
	d = dbtxn_read(row, a.column);
	type = dbclient_column_type(c->ctl->db, table, a.column);
	if (a.key && !column_type_is_map(type)) {
		error = error_new("cannot specify key to check for non-map column %s",
				  table->columns[a.column].name);
	} else if (a.key) {
		error = key_condition(c, d, type, &a, holds);
	} else {
		error = datum_from_text(&value, type, a.value, &c->ctl->symtab);
		if (!error) {
			*holds = operators[a.operator].holds(d, &value);
			datum_done(&value);
		}
	}
	ctl_argument_done(&a);
	return error;
}
