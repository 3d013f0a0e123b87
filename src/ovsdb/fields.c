/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "ovsdb/schema.h"

void fields_init(struct fields *f, const json_t *json, const char *what, ...)
{
	va_list args;
	va_start(args, what);
	*f = (struct fields){.json = json, .what = xvasprintf(what, args)};
	va_end(args);
	if (!json_is_object(json))
		fields_error(f, "Object expected.");
}

void fields_error(struct fields *f, const char *format, ...)
{
	if (f->error)
		return;
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	const json_t *syntax = json_is_object(f->json) ? f->json : NULL;
	f->error = db_error_syntax(syntax, NULL, "Parsing %s failed: %s", f->what, text);
	free(text);
}

bool fields_has_error(const struct fields *f)
{
	return f->error != NULL;
}

static bool type_fits(const json_t *json, int types)
{
	switch (json_typeof(json)) {
	case JSON_NULL:
		return types & FIELD_NULL;
	case JSON_TRUE:
	case JSON_FALSE:
		return types & FIELD_BOOLEAN;
	case JSON_INTEGER:
		return types & FIELD_INTEGER;
	case JSON_REAL:
		return types & FIELD_REAL ||
		       (types & FIELD_INTEGER &&
			json_real_value(json) == floor(json_real_value(json)));
	case JSON_STRING:
		return types & FIELD_STRING ||
		       (types & FIELD_ID && db_is_valid_id(json_string_value(json)));
	case JSON_ARRAY:
		return types & FIELD_ARRAY;
	case JSON_OBJECT:
		return types & FIELD_OBJECT;
	}
	return false;
}

json_t *fields_get(struct fields *f, const char *name, int types)
{
	if (!json_is_object(f->json))
		return NULL;
	json_t *value = json_object_get(f->json, name);
	if (!value) {
		if (!(types & FIELD_OPTIONAL))
			fields_error(f, "Required '%s' member is missing.", name);
		return NULL;
	}
	if (f->n_seen < FIELDS_MAX)
		f->seen[f->n_seen++] = name;
	if (type_fits(value, types))
		return value;
	fields_error(f, "Type mismatch for member '%s'.", name);
	return NULL;
}

static bool was_seen(const struct fields *f, const char *name)
{
	for (unsigned int i = 0; i < f->n_seen; i++)
		if (!strcmp(f->seen[i], name))
			return true;
	return false;
}

static void check_unknown(struct fields *f)
{
	const char *unknown = NULL, *name;
	unsigned int n = 0;
	json_t *value;
	json_object_foreach ((json_t *)f->json, name, value)
		if (!was_seen(f, name)) {
			n++;
			if (!unknown || strcmp(name, unknown) < 0)
				unknown = name;
		}
	if (n > 1)
		fields_error(f,
			     "Member '%s' and %u other member%s are present but not allowed here.",
			     unknown, n - 1, n > 2 ? "s" : "");
	else if (n)
		fields_error(f, "Member '%s' is present but not allowed here.", unknown);
}

struct db_error *fields_done(struct fields *f)
{
	if (!f->error && json_is_object(f->json))
		check_unknown(f);
	free(f->what);
	struct db_error *error = f->error;
	*f = (struct fields){0};
	return error;
}
