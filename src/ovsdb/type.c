/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/type.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ovsdb/datum.h"
#include "ovsdb/fields.h"

void base_type_init(struct base_type *base, enum atom_type type)
{
	memset(base, 0, sizeof(*base));
	base->type = type;
	switch (type) {
	case ATOM_INTEGER:
		base->integer.min = INT64_MIN;
		base->integer.max = INT64_MAX;
		break;
	case ATOM_REAL:
		base->real.min = -DBL_MAX;
		base->real.max = DBL_MAX;
		break;
	case ATOM_STRING:
		base->string.max_len = UINT_MAX;
		break;
	case ATOM_BOOLEAN:
	case ATOM_UUID:
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
}

void base_type_copy(struct base_type *to, const struct base_type *from)
{
	*to = *from;
	if (from->enumeration) {
		to->enumeration = xmalloc(sizeof(*to->enumeration));
		datum_copy(to->enumeration, from->enumeration);
	}
	if (from->type == ATOM_UUID) {
		to->ref.table_name = xstrdup_null(from->ref.table_name);
		to->ref.table = NULL;
	}
}

void base_type_done(struct base_type *base)
{
	if (base->enumeration) {
		datum_done(base->enumeration);
		free(base->enumeration);
	}
	if (base->type == ATOM_UUID)
		free(base->ref.table_name);
	memset(base, 0, sizeof(*base));
}

bool base_type_is_valid(const struct base_type *base)
{
	switch (base->type) {
	case ATOM_INTEGER:
		return base->integer.min <= base->integer.max;
	case ATOM_REAL:
		return base->real.min <= base->real.max;
	case ATOM_STRING:
		return base->string.min_len <= base->string.max_len;
	case ATOM_BOOLEAN:
	case ATOM_UUID:
	case ATOM_VOID:
		return true;
	case ATOM_N_TYPES:
		break;
	}
	return false;
}

bool base_type_has_constraints(const struct base_type *base)
{
	if (base->enumeration)
		return true;
	switch (base->type) {
	case ATOM_INTEGER:
		return base->integer.min != INT64_MIN || base->integer.max != INT64_MAX;
	case ATOM_REAL:
		return base->real.min != -DBL_MAX || base->real.max != DBL_MAX;
	case ATOM_STRING:
		return base->string.min_len || base->string.max_len != UINT_MAX;
	case ATOM_UUID:
		return base->ref.table_name;
	case ATOM_BOOLEAN:
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return false;
}

// --- From JSON.

static struct db_error *type_from_json(enum atom_type *type, const json_t *json)
{
	if (!json_is_string(json))
		return db_error_syntax(json, NULL, "atomic-type expected");
	if (!atom_type_find(json_string_value(json), type))
		return db_error_syntax(json, NULL, "\"%s\" is not an atomic-type",
				       json_string_value(json));
	return NULL;
}

static struct db_error *length_from_json(unsigned int *out, const json_t *json, const char *name)
{
	if (!json)
		return NULL;
	json_int_t v = json_is_integer(json) ? json_integer_value(json)
					     : (json_int_t)json_real_value(json);
	if (v < 0 || v > UINT_MAX)
		return db_error_syntax(json, NULL, "%s out of valid range 0 to %u", name, UINT_MAX);
	*out = (unsigned int)v;
	return NULL;
}

static struct db_error *enumeration_from_json(struct base_type *base, const json_t *json)
{
	struct column_type type = {.n_min = 1, .n_max = UINT_MAX};
	base_type_init(&type.key, base->type);
	struct datum *datum = xmalloc(sizeof(*datum));
	struct db_error *error = datum_from_json(datum, &type, json, NULL);
	if (error)
		free(datum);
	else
		base->enumeration = datum;
	return error;
}

static struct db_error *integer_members(struct base_type *base, struct fields *f)
{
	const json_t *min = fields_get(f, "minInteger", FIELD_INTEGER | FIELD_OPTIONAL);
	const json_t *max = fields_get(f, "maxInteger", FIELD_INTEGER | FIELD_OPTIONAL);
	if (min)
		base->integer.min = (int64_t)json_number_value(min);
	if (min && json_is_integer(min))
		base->integer.min = json_integer_value(min);
	if (max)
		base->integer.max = json_is_integer(max) ? json_integer_value(max)
							 : (int64_t)json_real_value(max);
	return base->integer.min > base->integer.max
		       ? db_error_syntax(f->json, NULL, "minInteger exceeds maxInteger")
		       : NULL;
}

static struct db_error *real_members(struct base_type *base, struct fields *f)
{
	const json_t *min = fields_get(f, "minReal", FIELD_NUMBER | FIELD_OPTIONAL);
	const json_t *max = fields_get(f, "maxReal", FIELD_NUMBER | FIELD_OPTIONAL);
	if (min)
		base->real.min = json_number_value(min);
	if (max)
		base->real.max = json_number_value(max);
	return base->real.min > base->real.max
		       ? db_error_syntax(f->json, NULL, "minReal exceeds maxReal")
		       : NULL;
}

static struct db_error *string_members(struct base_type *base, struct fields *f)
{
	const json_t *min = fields_get(f, "minLength", FIELD_INTEGER | FIELD_OPTIONAL);
	const json_t *max = fields_get(f, "maxLength", FIELD_INTEGER | FIELD_OPTIONAL);
	struct db_error *error = length_from_json(&base->string.min_len, min, "minLength");
	if (!error)
		error = length_from_json(&base->string.max_len, max, "maxLength");
	if (!error && base->string.min_len > base->string.max_len)
		error = db_error_syntax(f->json, NULL, "minLength exceeds maxLength");
	return error;
}

static struct db_error *ref_members(struct base_type *base, struct fields *f)
{
	const json_t *table = fields_get(f, "refTable", FIELD_ID | FIELD_OPTIONAL);
	if (!table)
		return NULL;
	base->ref.table_name = xstrdup(json_string_value(table));
	const json_t *kind = fields_get(f, "refType", FIELD_ID | FIELD_OPTIONAL);
	if (!kind)
		return NULL;
	if (!strcmp(json_string_value(kind), "weak"))
		base->ref.kind = REF_WEAK;
	else if (strcmp(json_string_value(kind), "strong"))
		return db_error_syntax(f->json, NULL,
				       "refType must be \"strong\" or \"weak\" (not \"%s\")",
				       json_string_value(kind));
	return NULL;
}

static struct db_error *base_members(struct base_type *base, struct fields *f)
{
	const json_t *type = fields_get(f, "type", FIELD_STRING);
	if (!type)
		return NULL;
	enum atom_type atomic;
	struct db_error *error = type_from_json(&atomic, type);
	if (error)
		return error;
	base_type_init(base, atomic);
	const json_t *choices = fields_get(f, "enum", FIELD_ANY | FIELD_OPTIONAL);
	if (choices)
		return enumeration_from_json(base, choices);
	switch (atomic) {
	case ATOM_INTEGER:
		return integer_members(base, f);
	case ATOM_REAL:
		return real_members(base, f);
	case ATOM_STRING:
		return string_members(base, f);
	case ATOM_UUID:
		return ref_members(base, f);
	case ATOM_BOOLEAN:
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return NULL;
}

struct db_error *base_type_from_json(struct base_type *base, const json_t *json)
{
	base_type_init(base, ATOM_VOID);
	if (json_is_string(json)) {
		enum atom_type type;
		struct db_error *error = type_from_json(&type, json);
		if (!error)
			base_type_init(base, type);
		return error;
	}
	struct fields f;
	fields_init(&f, json, "ovsdb type");
	struct db_error *error = base_members(base, &f);
	struct db_error *other = fields_done(&f);
	if (error)
		db_error_free(other);
	else
		error = other;
	if (error)
		base_type_done(base);
	return error;
}

json_t *base_type_to_json(const struct base_type *base)
{
	if (!base_type_has_constraints(base))
		return json_string(atom_type_name(base->type));
	json_t *json = json_object();
	json_object_set_new(json, "type", json_string(atom_type_name(base->type)));
	if (base->enumeration) {
		json_object_set_new(json, "enum", datum_to_json(base->enumeration));
		return json;
	}
	switch (base->type) {
	case ATOM_INTEGER:
		if (base->integer.min != INT64_MIN)
			json_object_set_new(json, "minInteger", json_integer(base->integer.min));
		if (base->integer.max != INT64_MAX)
			json_object_set_new(json, "maxInteger", json_integer(base->integer.max));
		break;
	case ATOM_REAL:
		if (base->real.min != -DBL_MAX)
			json_object_set_new(json, "minReal", db_json_real(base->real.min));
		if (base->real.max != DBL_MAX)
			json_object_set_new(json, "maxReal", db_json_real(base->real.max));
		break;
	case ATOM_STRING:
		if (base->string.min_len)
			json_object_set_new(json, "minLength", json_integer(base->string.min_len));
		if (base->string.max_len != UINT_MAX)
			json_object_set_new(json, "maxLength", json_integer(base->string.max_len));
		break;
	case ATOM_UUID:
		json_object_set_new(json, "refTable", json_string(base->ref.table_name));
		if (base->ref.kind == REF_WEAK)
			json_object_set_new(json, "refType", json_string("weak"));
		break;
	case ATOM_BOOLEAN:
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return json;
}

// --- Column types.

void column_type_init_scalar(struct column_type *t, enum atom_type type)
{
	memset(t, 0, sizeof(*t));
	base_type_init(&t->key, type);
	base_type_init(&t->value, ATOM_VOID);
	t->n_min = t->n_max = 1;
}

void column_type_copy(struct column_type *to, const struct column_type *from)
{
	base_type_copy(&to->key, &from->key);
	base_type_copy(&to->value, &from->value);
	to->n_min = from->n_min;
	to->n_max = from->n_max;
}

void column_type_done(struct column_type *t)
{
	base_type_done(&t->key);
	base_type_done(&t->value);
}

static struct db_error *count_from_json(unsigned int *out, const json_t *json)
{
	if (!json)
		return NULL;
	json_int_t v = json_is_integer(json) ? json_integer_value(json) : -1;
	if (v < 0 || v > UINT_MAX)
		return db_error_syntax(json, NULL, "bad min or max value");
	*out = (unsigned int)v;
	return NULL;
}

static struct db_error *column_members(struct column_type *t, struct fields *f)
{
	const json_t *key = fields_get(f, "key", FIELD_STRING | FIELD_OBJECT);
	const json_t *value = fields_get(f, "value", FIELD_STRING | FIELD_OBJECT | FIELD_OPTIONAL);
	const json_t *min = fields_get(f, "min", FIELD_INTEGER | FIELD_OPTIONAL);
	const json_t *max = fields_get(f, "max", FIELD_INTEGER | FIELD_STRING | FIELD_OPTIONAL);
	if (fields_has_error(f))
		return NULL;
	struct db_error *error = base_type_from_json(&t->key, key);
	if (!error && value)
		error = base_type_from_json(&t->value, value);
	if (!error)
		error = count_from_json(&t->n_min, min);
	if (!error && max && json_is_string(max) && !strcmp(json_string_value(max), "unlimited"))
		t->n_max = UINT_MAX;
	else if (!error)
		error = count_from_json(&t->n_max, max);
	return error;
}

struct db_error *column_type_from_json(struct column_type *t, const json_t *json)
{
	memset(t, 0, sizeof(*t));
	t->n_min = t->n_max = 1;
	if (json_is_string(json))
		return base_type_from_json(&t->key, json);
	struct fields f;
	fields_init(&f, json, "ovsdb type");
	struct db_error *error = column_members(t, &f);
	struct db_error *other = fields_done(&f);
	if (error)
		db_error_free(other);
	else
		error = other;
	if (!error && (t->n_min > 1 || t->n_max < 1 || t->n_min > t->n_max))
		error = db_error_syntax(json, NULL, "ovsdb type fails constraint checks");
	if (error)
		column_type_done(t);
	return error;
}

json_t *column_type_to_json(const struct column_type *t)
{
	if (column_type_is_scalar(t) && !base_type_has_constraints(&t->key))
		return base_type_to_json(&t->key);
	json_t *json = json_object();
	json_object_set_new(json, "key", base_type_to_json(&t->key));
	if (column_type_is_map(t))
		json_object_set_new(json, "value", base_type_to_json(&t->value));
	if (t->n_min != 1)
		json_object_set_new(json, "min", json_integer(t->n_min));
	if (t->n_max == UINT_MAX)
		json_object_set_new(json, "max", json_string("unlimited"));
	else if (t->n_max != 1)
		json_object_set_new(json, "max", json_integer(t->n_max));
	return json;
}

char *column_type_to_english(const struct column_type *t)
{
	const char *key = atom_type_name(t->key.type), *value = atom_type_name(t->value.type);
	struct str s = STR_INIT;
	if (column_type_is_scalar(t))
		return xstrdup(key);
	str_add(&s, column_type_is_map(t) ? "map" : "set");
	str_add(&s, " of ");
	if (t->n_max != UINT_MAX) {
		if (t->n_min)
			str_addf(&s, "%u to %u ", t->n_min, t->n_max);
		else
			str_addf(&s, "up to %u ", t->n_max);
	} else if (t->n_min) {
		str_addf(&s, "%u or more ", t->n_min);
	}
	if (column_type_is_map(t))
		str_addf(&s, "(%s, %s) pairs", key, value);
	else
		str_addf(&s, "%ss", key);
	return str_take(&s);
}
