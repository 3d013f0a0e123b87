/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/atom.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "ovsdb/schema.h"

static_assert(sizeof(union atom) == 16, "an atom is 16 bytes");
static_assert(offsetof(union atom, is_heap) == 15, "the mark is the last byte of the text");

static const char *const type_names[ATOM_N_TYPES] = {
	[ATOM_VOID] = "void",	    [ATOM_INTEGER] = "integer", [ATOM_REAL] = "real",
	[ATOM_BOOLEAN] = "boolean", [ATOM_STRING] = "string",	[ATOM_UUID] = "uuid",
};

const char *atom_type_name(enum atom_type type)
{
	return type_names[type];
}

bool atom_type_find(const char *name, enum atom_type *type)
{
	for (int i = ATOM_INTEGER; i < ATOM_N_TYPES; i++)
		if (!strcmp(name, type_names[i])) {
			*type = i;
			return true;
		}
	return false;
}

void atom_init_stringn(union atom *a, const char *s, size_t n)
{
	memset(a, 0, sizeof(*a));
	if (n < sizeof(a->text)) {
		memcpy(a->text, s, n);
		return;
	}
	a->string = xmalloc(sizeof(struct atom_string) + n + 1);
	a->string->refs = 1;
	a->string->len = (uint32_t)n;
	memcpy(a->string->s, s, n);
	a->string->s[n] = '\0';
	a->is_heap = 1;
}

void atom_init_string(union atom *a, const char *s)
{
	atom_init_stringn(a, s, strlen(s));
}

size_t atom_string_length(const union atom *a)
{
	return a->is_heap ? a->string->len : strlen(a->text);
}

void atom_init_default(union atom *a, enum atom_type type)
{
	// Zero bytes are the default of each type.
	memset(a, 0, sizeof(*a));
}

bool atom_is_default(const union atom *a, enum atom_type type)
{
	switch (type) {
	case ATOM_INTEGER:
		return !a->integer;
	case ATOM_REAL:
		return a->real == 0;
	case ATOM_BOOLEAN:
		return !a->boolean;
	case ATOM_STRING:
		return !*atom_string(a);
	case ATOM_UUID:
		return uuid_is_zero(&a->uuid);
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return true;
}

void atom_copy(union atom *a, const union atom *from, enum atom_type type)
{
	*a = *from;
	if (type == ATOM_STRING && a->is_heap)
		a->string->refs++;
}

void atom_done(union atom *a, enum atom_type type)
{
	if (type == ATOM_STRING && a->is_heap && !--a->string->refs)
		free(a->string);
}

int atom_compare(const union atom *a, const union atom *b, enum atom_type type)
{
	switch (type) {
	case ATOM_INTEGER:
		return (a->integer > b->integer) - (a->integer < b->integer);
	case ATOM_REAL:
		return (a->real > b->real) - (a->real < b->real);
	case ATOM_BOOLEAN:
		return a->boolean - b->boolean;
	case ATOM_STRING:
		if (a->is_heap && b->is_heap && a->string == b->string)
			return 0;
		return strcmp(atom_string(a), atom_string(b));
	case ATOM_UUID:
		return uuid_compare(&a->uuid, &b->uuid);
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return 0;
}

bool atom_equal(const union atom *a, const union atom *b, enum atom_type type)
{
	return !atom_compare(a, b, type);
}

uint64_t atom_hash(const union atom *a, enum atom_type type, uint64_t seed)
{
	switch (type) {
	case ATOM_INTEGER:
		return hash_combine(seed, (uint64_t)a->integer);
	case ATOM_REAL: {
		double d = a->real == 0 ? 0 : a->real; // -0.0 equals 0.0
		return hash_bytes(&d, sizeof(d), seed);
	}
	case ATOM_BOOLEAN:
		return hash_combine(seed, a->boolean);
	case ATOM_STRING:
		return hash_bytes(atom_string(a), atom_string_length(a), seed);
	case ATOM_UUID:
		return hash_bytes(&a->uuid, sizeof(a->uuid), seed);
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return seed;
}

// --- Constraints.

static struct db_error *check_enumeration(const union atom *a, const struct base_type *base)
{
	if (datum_find(base->enumeration, a) != SIZE_MAX)
		return NULL;
	struct column_type type = {.key = {.type = base->type}, .n_max = UINT_MAX};
	struct str value = STR_INIT, choices = STR_INIT;
	atom_to_text(a, base->type, &value);
	datum_to_text(base->enumeration, &type, &choices);
	struct db_error *error =
		db_error_new("constraint violation", "%s is not one of the allowed values (%s)",
			     str_cstr(&value), str_cstr(&choices));
	str_done(&value);
	str_done(&choices);
	return error;
}

static struct db_error *check_integer(int64_t v, int64_t min, int64_t max)
{
	if (v >= min && v <= max)
		return NULL;
	if (min != INT64_MIN && max != INT64_MAX)
		return db_error_new("constraint violation",
				    "%lld is not in the valid range %lld to %lld (inclusive)",
				    (long long)v, (long long)min, (long long)max);
	if (min != INT64_MIN)
		return db_error_new("constraint violation",
				    "%lld is less than minimum allowed value %lld", (long long)v,
				    (long long)min);
	return db_error_new("constraint violation",
			    "%lld is greater than maximum allowed value %lld", (long long)v,
			    (long long)max);
}

static struct db_error *check_real(double v, double min, double max)
{
	if (v >= min && v <= max)
		return NULL;
	if (min != -DBL_MAX && max != DBL_MAX)
		return db_error_new("constraint violation",
				    "%.*g is not in the valid range %.*g to %.*g (inclusive)",
				    DBL_DIG, v, DBL_DIG, min, DBL_DIG, max);
	if (min != -DBL_MAX)
		return db_error_new("constraint violation",
				    "%.*g is less than minimum allowed value %.*g", DBL_DIG, v,
				    DBL_DIG, min);
	return db_error_new("constraint violation",
			    "%.*g is greater than maximum allowed value %.*g", DBL_DIG, v, DBL_DIG,
			    max);
}

static size_t utf8_length(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static struct db_error *check_string(const char *s, const struct base_type *base)
{
	if (!base->string.min_len && base->string.max_len == UINT_MAX)
		return NULL;
	size_t n = utf8_length(s);
	if (n < base->string.min_len)
		return db_error_new("constraint violation",
				    "\"%s\" length %zu is less than minimum allowed length %u", s,
				    n, base->string.min_len);
	if (n > base->string.max_len)
		return db_error_new("constraint violation",
				    "\"%s\" length %zu is greater than maximum allowed length %u",
				    s, n, base->string.max_len);
	return NULL;
}

struct db_error *atom_check(const union atom *a, const struct base_type *base)
{
	if (base->enumeration)
		return check_enumeration(a, base);
	switch (base->type) {
	case ATOM_INTEGER:
		return check_integer(a->integer, base->integer.min, base->integer.max);
	case ATOM_REAL:
		return check_real(a->real, base->real.min, base->real.max);
	case ATOM_STRING:
		return check_string(atom_string(a), base);
	case ATOM_BOOLEAN:
	case ATOM_UUID:
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return NULL;
}

// --- JSON.

static void note_reference(struct symbol *symbol, const struct base_type *base)
{
	if (base_type_is_strong_ref(base))
		symbol->strong_ref = true;
	else if (base_type_is_weak_ref(base))
		symbol->weak_ref = true;
}

static struct db_error *uuid_from_json(struct uuid *uuid, const struct base_type *base,
				       const json_t *json, struct symtab *symtab)
{
	const char *kind = json_string_value(json_array_get(json, 0));
	const char *text = json_string_value(json_array_get(json, 1));
	if (json_array_size(json) == 2 && kind && text) {
		if (!strcmp(kind, "uuid")) {
			if (uuid_parse(text, uuid))
				return NULL;
			return db_error_syntax(json, NULL, "\"%s\" is not a valid UUID", text);
		}
		if (!strcmp(kind, "named-uuid") && symtab) {
			if (!db_is_valid_id(text))
				return db_error_syntax(json, NULL,
						       "named-uuid string is not a valid <id>");
			struct symbol *symbol = symtab_get(symtab, text);
			note_reference(symbol, base);
			*uuid = symbol->uuid;
			return NULL;
		}
	}
	return db_error_syntax(json, NULL, "expected [\"uuid\", <string>]");
}

static bool integer_from_json(const json_t *json, int64_t *out)
{
	if (json_is_integer(json)) {
		*out = json_integer_value(json);
		return true;
	}
	double d = json_real_value(json);
	if (!json_is_real(json) || d != floor(d) || d < -0x1p63 || d >= 0x1p63)
		return false;
	*out = (int64_t)d;
	return true;
}

static struct db_error *read_json(union atom *a, const struct base_type *base, const json_t *json,
				  struct symtab *symtab)
{
	switch (base->type) {
	case ATOM_INTEGER:
		if (integer_from_json(json, &a->integer))
			return NULL;
		break;
	case ATOM_REAL:
		if (json_is_number(json)) {
			a->real = json_number_value(json);
			return NULL;
		}
		break;
	case ATOM_BOOLEAN:
		if (json_is_boolean(json)) {
			a->boolean = json_is_true(json);
			return NULL;
		}
		break;
	case ATOM_STRING:
		if (json_is_string(json)) {
			atom_init_stringn(a, json_string_value(json), json_string_length(json));
			return NULL;
		}
		break;
	case ATOM_UUID:
		return uuid_from_json(&a->uuid, base, json, symtab);
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return db_error_syntax(json, NULL, "expected %s", atom_type_name(base->type));
}

struct db_error *atom_from_json(union atom *a, const struct base_type *base, const json_t *json,
				struct symtab *symtab)
{
	memset(a, 0, sizeof(*a));
	struct db_error *error = read_json(a, base, json, symtab);
	if (error)
		return error;
	error = atom_check(a, base);
	if (error)
		atom_done(a, base->type);
	return error;
}

json_t *atom_to_json(const union atom *a, enum atom_type type)
{
	char text[UUID_TEXT_LEN + 1];
	switch (type) {
	case ATOM_INTEGER:
		return json_integer(a->integer);
	case ATOM_REAL:
		return db_json_real(a->real);
	case ATOM_BOOLEAN:
		return json_boolean(a->boolean);
	case ATOM_STRING:
		return json_stringn_nocheck(atom_string(a), atom_string_length(a));
	case ATOM_UUID:
		uuid_format(&a->uuid, text);
		json_t *json = json_array();
		json_array_append_new(json, json_string_nocheck("uuid"));
		json_array_append_new(json, json_string_nocheck(text));
		return json;
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return json_null();
}

void atom_add_json(const union atom *a, enum atom_type type, struct str *out)
{
	switch (type) {
	case ATOM_STRING:
		db_json_add_string(out, atom_string(a), atom_string_length(a));
		break;
	case ATOM_UUID: {
		char text[UUID_TEXT_LEN + 1];
		uuid_format(&a->uuid, text);
		str_add(out, "[\"uuid\",\"");
		str_addn(out, text, UUID_TEXT_LEN);
		str_add(out, "\"]");
		break;
	}
	case ATOM_REAL:
		db_json_add_real(out, a->real);
		break;
	case ATOM_INTEGER:
		db_json_add_integer(out, a->integer);
		break;
	case ATOM_BOOLEAN:
		str_add(out, a->boolean ? "true" : "false");
		break;
	case ATOM_VOID:
	case ATOM_N_TYPES:
		str_add(out, "null");
		break;
	}
}
