/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/row_values.h"

void row_values_done(struct row_values *values)
{
	VEC_FOREACH (&values->v, i)
		datum_done(&values->v.v[i].datum);
	vec_done(&values->v);
}

struct db_error *row_values_from_json(struct row_values *values, const struct table_schema *t,
				      const json_t *json, struct symtab *symtab)
{
	const char *name;
	json_t *value;
	*values = (struct row_values){0};
	if (!json_is_object(json))
		return db_error_syntax(json, NULL, "row must be JSON object");
	json_object_foreach ((json_t *)json, name, value) {
		const struct column_schema *column = table_schema_find_column(t, name);
		struct datum datum;
		struct db_error *error =
			column ? db_error_at(datum_from_json(&datum, &column->type, value, symtab),
					     "table %s, column %s", t->name, name)
			       : db_error_syntax(json, "unknown column",
						 "No column %s in table %s.", name, t->name);
		if (error) {
			row_values_done(values);
			return error;
		}
		typeof(values->v.v) slot = vec_extend(&values->v);
		slot->column = column;
		slot->datum = datum;
	}
	return NULL;
}

bool row_values_contain(const struct row_values *values, unsigned int index)
{
	VEC_FOREACH (&values->v, i)
		if (values->v.v[i].column->index == index)
			return true;
	return false;
}
