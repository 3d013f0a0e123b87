/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/columns.h"

void column_set_done(struct column_set *set)
{
	vec_done(&set->c);
}

void column_set_add_all(struct column_set *set, const struct table_schema *t)
{
	for (unsigned int i = 0; i < t->n_columns; i++)
		vec_push(&set->c, t->columns[i]);
}

bool column_set_contains(const struct column_set *set, unsigned int index)
{
	VEC_FOREACH (&set->c, i)
		if (set->c.v[i]->index == index)
			return true;
	return false;
}

struct db_error *column_set_from_json(struct column_set *set, const struct table_schema *t,
				      const json_t *json)
{
	struct db_error *error = NULL;
	size_t i;
	json_t *name;
	*set = (struct column_set)COLUMN_SET_INIT;
	if (!json) {
		column_set_add_all(set, t);
		return NULL;
	}
	if (!json_is_array(json))
		return db_error_syntax(json, NULL, "array of distinct column names expected");
	json_array_foreach (json, i, name) {
		if (!json_is_string(name)) {
			error = db_error_syntax(json, NULL,
						"array of distinct column names expected");
			break;
		}
		const struct column_schema *c =
			table_schema_find_column(t, json_string_value(name));
		if (!c)
			error = db_error_at(db_error_syntax(json, NULL,
							    "%s is not a valid column name",
							    json_string_value(name)),
					    "table %s", t->name);
		else if (column_set_contains(set, c->index))
			error = db_error_syntax(json, NULL,
						"array of distinct column names expected");
		if (error)
			break;
		vec_push(&set->c, c);
	}
	if (error)
		column_set_done(set);
	return error;
}

json_t *column_set_row_to_json(const struct column_set *set, const struct datum *fields)
{
	json_t *json = json_object();
	VEC_FOREACH (&set->c, i)
		json_object_set_new_nocheck(json, set->c.v[i]->name,
					    datum_to_json(&fields[set->c.v[i]->index]));
	return json;
}

uint64_t column_set_hash(const struct column_set *set, const struct datum *fields)
{
	uint64_t hash = 0;
	VEC_FOREACH (&set->c, i)
		hash = datum_hash(&fields[set->c.v[i]->index], hash);
	return hash;
}

bool column_set_equal(const struct column_set *set, const struct datum *a, const struct datum *b)
{
	VEC_FOREACH (&set->c, i)
		if (!datum_equal(&a[set->c.v[i]->index], &b[set->c.v[i]->index]))
			return false;
	return true;
}
