/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/datum.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

static_assert(sizeof(struct datum) == 24, "a datum is 24 bytes");

void datum_init_empty(struct datum *d, enum atom_type key, enum atom_type value)
{
	memset(d, 0, sizeof(*d));
	d->key_type = key;
	d->value_type = value;
}

void datum_init_default(struct datum *d, const struct column_type *type)
{
	datum_init_empty(d, type->key.type, type->value.type);
	if (!type->n_min)
		return;
	union atom key, value;
	atom_init_default(&key, type->key.type);
	atom_init_default(&value, type->value.type);
	datum_push(d, &key, column_type_is_map(type) ? &value : NULL);
}

static void init_one(struct datum *d, enum atom_type type)
{
	datum_init_empty(d, type, ATOM_VOID);
	d->n = 1;
}

void datum_init_uuid(struct datum *d, const struct uuid *uuid)
{
	init_one(d, ATOM_UUID);
	d->one.uuid = *uuid;
}

void datum_init_string(struct datum *d, const char *s)
{
	init_one(d, ATOM_STRING);
	atom_init_string(&d->one, s);
}

void datum_init_integer(struct datum *d, int64_t v)
{
	init_one(d, ATOM_INTEGER);
	d->one.integer = v;
}

void datum_init_boolean(struct datum *d, bool v)
{
	init_one(d, ATOM_BOOLEAN);
	d->one.boolean = v;
}

void datum_copy(struct datum *d, const struct datum *from)
{
	*d = *from;
	if (d->has_body)
		d->body->refs++;
	else if (d->n)
		atom_copy(&d->one, &from->one, d->key_type);
}

static void free_atoms(const union atom *v, size_t n, enum atom_type type)
{
	if (type == ATOM_STRING)
		for (size_t i = 0; i < n; i++)
			atom_done((union atom *)&v[i], type);
}

static void release(struct datum *d)
{
	if (!d->has_body) {
		if (d->n)
			atom_done(&d->one, d->key_type);
	} else if (!--d->body->refs) {
		free_atoms(datum_keys(d), d->n, d->key_type);
		if (d->value_type != ATOM_VOID)
			free_atoms(datum_values(d), d->n, d->value_type);
		free(d->body);
	}
}

void datum_done(struct datum *d)
{
	release(d);
	d->n = 0;
	d->has_body = false;
	memset(&d->one, 0, sizeof(d->one));
}

void datum_swap(struct datum *a, struct datum *b)
{
	struct datum t = *a;
	*a = *b;
	*b = t;
}

static struct datum_body *body_new(const struct datum *d, uint32_t cap)
{
	size_t arrays = d->value_type != ATOM_VOID ? 2 : 1;
	struct datum_body *body = xmalloc(sizeof(*body) + arrays * cap * sizeof(union atom));
	body->refs = 1;
	body->cap = cap;
	return body;
}

static void copy_atoms(union atom *to, const union atom *from, size_t n, enum atom_type type)
{
	memcpy(to, from, n * sizeof(*to));
	if (type != ATOM_STRING)
		return;
	for (size_t i = 0; i < n; i++)
		if (to[i].is_heap)
			to[i].string->refs++;
}

// Makes the datum the only owner of its contents, with room for `cap` elements.
static void own(struct datum *d, uint32_t cap)
{
	if (d->has_body ? d->body->refs == 1 && d->body->cap >= cap
			: cap <= 1 && d->value_type == ATOM_VOID)
		return;
	struct datum_body *body = body_new(d, cap);
	bool map = d->value_type != ATOM_VOID;
	if (d->has_body && d->body->refs > 1) {
		copy_atoms(body->v, datum_keys(d), d->n, d->key_type);
		if (map)
			copy_atoms(body->v + cap, datum_values(d), d->n, d->value_type);
		d->body->refs--;
	} else {
		if (d->n)
			memcpy(body->v, datum_keys(d), d->n * sizeof(union atom));
		if (d->n && map)
			memcpy(body->v + cap, datum_values(d), d->n * sizeof(union atom));
		if (d->has_body)
			free(d->body);
	}
	d->body = body;
	d->has_body = true;
}

static uint32_t grown(const struct datum *d)
{
	if (!d->has_body)
		return d->value_type == ATOM_VOID ? (d->n ? 4 : 1) : 1;
	return d->n < d->body->cap ? d->body->cap : d->body->cap < 4 ? 4 : 2 * d->body->cap;
}

static union atom *key_at(struct datum *d, size_t i)
{
	return (union atom *)datum_key(d, i);
}

static union atom *value_at(struct datum *d, size_t i)
{
	return (union atom *)datum_value(d, i);
}

union atom *datum_edit_key(struct datum *d, size_t i)
{
	own(d, d->n);
	return key_at(d, i);
}

union atom *datum_edit_value(struct datum *d, size_t i)
{
	own(d, d->n);
	return value_at(d, i);
}

void datum_push(struct datum *d, union atom *key, union atom *value)
{
	own(d, grown(d));
	uint32_t i = d->n++;
	*key_at(d, i) = *key;
	if (value)
		*value_at(d, i) = *value;
}

// --- Order.

bool datum_is_default(const struct datum *d, const struct column_type *type)
{
	if (d->n != type->n_min)
		return false;
	for (size_t i = 0; i < d->n; i++) {
		if (!atom_is_default(datum_key(d, i), d->key_type))
			return false;
		if (d->value_type != ATOM_VOID &&
		    !atom_is_default(datum_value(d, i), d->value_type))
			return false;
	}
	return true;
}

static int compare_atoms(const union atom *a, const union atom *b, size_t n, enum atom_type type)
{
	for (size_t i = 0; i < n; i++) {
		int cmp = atom_compare(&a[i], &b[i], type);
		if (cmp)
			return cmp;
	}
	return 0;
}

int datum_compare(const struct datum *a, const struct datum *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	if (!a->n || (a->has_body && b->has_body && a->body == b->body))
		return 0;
	int cmp = compare_atoms(datum_keys(a), datum_keys(b), a->n, a->key_type);
	if (cmp || a->value_type == ATOM_VOID)
		return cmp;
	return compare_atoms(datum_values(a), datum_values(b), a->n, a->value_type);
}

bool datum_equal(const struct datum *a, const struct datum *b)
{
	return !datum_compare(a, b);
}

uint64_t datum_hash(const struct datum *d, uint64_t seed)
{
	uint64_t h = hash_combine(seed, d->n);
	for (size_t i = 0; i < d->n; i++)
		h = atom_hash(datum_key(d, i), d->key_type, h);
	for (size_t i = 0; i < d->n && d->value_type != ATOM_VOID; i++)
		h = atom_hash(datum_value(d, i), d->value_type, h);
	return h;
}

struct pair {
	union atom key, value;
	uint32_t at; // its place before sorting: equal keys keep their order
};

static int compare_pairs(const void *a_, const void *b_, void *type)
{
	const struct pair *a = a_, *b = b_;
	int cmp = atom_compare(&a->key, &b->key, *(enum atom_type *)type);
	return cmp ? cmp : (a->at > b->at) - (a->at < b->at);
}

static bool is_sorted(const struct datum *d, bool *duplicate)
{
	bool sorted = true;
	*duplicate = false;
	for (size_t i = 1; i < d->n; i++) {
		int cmp = atom_compare(datum_key(d, i - 1), datum_key(d, i), d->key_type);
		if (cmp > 0)
			sorted = false;
		else if (!cmp)
			*duplicate = true;
	}
	return sorted;
}

static bool sort(struct datum *d)
{
	bool duplicate, map = d->value_type != ATOM_VOID;
	if (is_sorted(d, &duplicate))
		return !duplicate;
	own(d, d->n);
	struct pair *pairs = xcalloc(d->n, sizeof(*pairs));
	for (uint32_t i = 0; i < d->n; i++) {
		pairs[i].key = *key_at(d, i);
		if (map)
			pairs[i].value = *value_at(d, i);
		pairs[i].at = i;
	}
	enum atom_type type = d->key_type;
	qsort_r(pairs, d->n, sizeof(*pairs), compare_pairs, &type);
	for (uint32_t i = 0; i < d->n; i++) {
		*key_at(d, i) = pairs[i].key;
		if (map)
			*value_at(d, i) = pairs[i].value;
	}
	free(pairs);
	is_sorted(d, &duplicate);
	return !duplicate;
}

bool datum_sort(struct datum *d)
{
	return sort(d);
}

void datum_sort_unique(struct datum *d)
{
	if (sort(d))
		return;
	own(d, d->n);
	uint32_t n = 1;
	for (uint32_t i = 1; i < d->n; i++) {
		bool map = d->value_type != ATOM_VOID;
		if (atom_equal(key_at(d, i), key_at(d, n - 1), d->key_type)) {
			atom_done(key_at(d, i), d->key_type);
			if (map)
				atom_done(value_at(d, i), d->value_type);
			continue;
		}
		*key_at(d, n) = *key_at(d, i);
		if (map)
			*value_at(d, n) = *value_at(d, i);
		n++;
	}
	d->n = n;
}

// The first index whose key is not less than `key`; *found says whether it is equal.
static size_t lower_bound(const struct datum *d, const union atom *key, bool *found)
{
	size_t low = 0, high = d->n;
	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int cmp = atom_compare(datum_key(d, mid), key, d->key_type);
		if (!cmp) {
			*found = true;
			return mid;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t datum_find(const struct datum *d, const union atom *key)
{
	bool found;
	size_t i = lower_bound(d, key, &found);
	return found ? i : SIZE_MAX;
}

const char *datum_find_string(const struct datum *d, const char *key)
{
	size_t low = 0, high = d->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int cmp = strcmp(atom_string(datum_key(d, mid)), key);
		if (!cmp)
			return atom_string(datum_value(d, mid));
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

// Opens a gap at index i, which the caller fills.
static void open_gap(struct datum *d, size_t i)
{
	own(d, grown(d));
	size_t n = (d->n - i) * sizeof(union atom);
	memmove(key_at(d, i) + 1, key_at(d, i), n);
	if (d->value_type != ATOM_VOID)
		memmove(value_at(d, i) + 1, value_at(d, i), n);
	d->n++;
}

void datum_put(struct datum *d, const union atom *key, const union atom *value)
{
	bool found, map = d->value_type != ATOM_VOID;
	size_t i = lower_bound(d, key, &found);
	if (found && !map)
		return;
	if (found) {
		own(d, d->n);
		atom_done(value_at(d, i), d->value_type);
	} else {
		open_gap(d, i);
		atom_copy(key_at(d, i), key, d->key_type);
	}
	if (map)
		atom_copy(value_at(d, i), value, d->value_type);
}

void datum_remove_at(struct datum *d, size_t i)
{
	own(d, d->n);
	bool map = d->value_type != ATOM_VOID;
	atom_done(key_at(d, i), d->key_type);
	if (map)
		atom_done(value_at(d, i), d->value_type);
	d->n--;
	size_t n = (d->n - i) * sizeof(union atom);
	memmove(key_at(d, i), key_at(d, i) + 1, n);
	if (map)
		memmove(value_at(d, i), value_at(d, i) + 1, n);
}

size_t datum_memory(const struct datum *d)
{
	size_t total = 0;
	if (d->has_body)
		total += sizeof(*d->body) +
			 d->body->cap * sizeof(union atom) * (d->value_type != ATOM_VOID ? 2 : 1);
	for (size_t i = 0; i < d->n; i++) {
		const union atom *key = datum_key(d, i), *value = datum_value(d, i);
		if (d->key_type == ATOM_STRING && key->is_heap)
			total += sizeof(*key->string) + key->string->len + 1;
		if (d->value_type == ATOM_STRING && value->is_heap)
			total += sizeof(*value->string) + value->string->len + 1;
	}
	return total;
}

// --- JSON.

struct db_error *datum_check(const struct datum *d, const struct column_type *type)
{
	struct db_error *error = NULL;
	for (size_t i = 0; i < d->n && !error; i++) {
		error = atom_check(datum_key(d, i), &type->key);
		if (!error && column_type_is_map(type))
			error = atom_check(datum_value(d, i), &type->value);
	}
	if (!error && (d->n < type->n_min || d->n > type->n_max))
		error = db_error_new("constraint violation",
				     "%u values when type requires between %u and %u", d->n,
				     type->n_min, type->n_max);
	return error;
}

// The array behind ["set", ...] or ["map", ...]; NULL if the JSON is not that.
static json_t *unwrap(const json_t *json, const char *class)
{
	const char *name = json_string_value(json_array_get(json, 0));
	return json_array_size(json) == 2 && name && !strcmp(name, class) ? json_array_get(json, 1)
									  : NULL;
}

static bool is_class(const json_t *json, const char *class)
{
	const char *name = json_string_value(json_array_get(json, 0));
	return name && !strcmp(name, class);
}

static struct db_error *wrong_count(const json_t *json, const char *class,
				    const struct column_type *type, size_t n)
{
	if (type->n_min == 1 && type->n_max == 1)
		return db_error_syntax(json, NULL,
				       "%s must have exactly one member but %zu are present", class,
				       n);
	return db_error_syntax(json, NULL, "%s must have %u to %u members but %zu are present",
			       class, type->n_min, type->n_max, n);
}

static struct db_error *element_from_json(struct datum *d, const struct column_type *type,
					  const json_t *json, struct symtab *symtab)
{
	union atom key, value;
	if (!column_type_is_map(type)) {
		struct db_error *error = atom_from_json(&key, &type->key, json, symtab);
		if (!error)
			datum_push(d, &key, NULL);
		return error;
	}
	if (json_array_size(json) != 2)
		return db_error_syntax(json, NULL, "expected 2-element array");
	struct db_error *error = atom_from_json(&key, &type->key, json_array_get(json, 0), symtab);
	if (error)
		return error;
	error = atom_from_json(&value, &type->value, json_array_get(json, 1), symtab);
	if (error)
		atom_done(&key, type->key.type);
	else
		datum_push(d, &key, &value);
	return error;
}

static struct db_error *from_json(struct datum *d, const struct column_type *type,
				  const json_t *json, struct symtab *symtab, bool check_count)
{
	bool map = column_type_is_map(type);
	const char *class = map ? "map" : "set";
	datum_init_empty(d, type->key.type, type->value.type);
	if (!map && !is_class(json, "set"))
		return element_from_json(d, type, json, symtab);
	const json_t *elements = unwrap(json, class);
	if (!json_is_array(elements))
		return db_error_syntax(json, NULL, "expected [\"%s\", <array>]", class);
	size_t n = json_array_size(elements);
	if (check_count && (n < type->n_min || n > type->n_max))
		return wrong_count(json, class, type, n);
	struct db_error *error = NULL;
	if (n > 1 || map)
		own(d, (uint32_t)n);
	for (size_t i = 0; i < n && !error; i++)
		error = element_from_json(d, type, json_array_get(elements, i), symtab);
	if (!error && !datum_sort(d))
		error = db_error_new("ovsdb error",
				     map ? "map contains duplicate key" : "set contains duplicate");
	if (error)
		datum_done(d);
	return error;
}

struct db_error *datum_from_json(struct datum *d, const struct column_type *type,
				 const json_t *json, struct symtab *symtab)
{
	return from_json(d, type, json, symtab, true);
}

struct db_error *datum_from_json_any_size(struct datum *d, const struct column_type *type,
					  const json_t *json, struct symtab *symtab)
{
	return from_json(d, type, json, symtab, false);
}

json_t *datum_to_json(const struct datum *d)
{
	bool map = d->value_type != ATOM_VOID;
	if (d->n == 1 && !map)
		return atom_to_json(datum_key(d, 0), d->key_type);
	json_t *elements = json_array(), *json = json_array();
	for (size_t i = 0; i < d->n; i++) {
		json_t *key = atom_to_json(datum_key(d, i), d->key_type);
		if (map) {
			json_t *pair = json_array();
			json_array_append_new(pair, key);
			json_array_append_new(pair, atom_to_json(datum_value(d, i), d->value_type));
			key = pair;
		}
		json_array_append_new(elements, key);
	}
	json_array_append_new(json, json_string_nocheck(map ? "map" : "set"));
	json_array_append_new(json, elements);
	return json;
}

void datum_add_json(const struct datum *d, struct str *out)
{
	bool map = d->value_type != ATOM_VOID;
	if (d->n == 1 && !map) {
		atom_add_json(datum_key(d, 0), d->key_type, out);
		return;
	}
	str_add(out, map ? "[\"map\",[" : "[\"set\",[");
	for (size_t i = 0; i < d->n; i++) {
		if (i)
			str_addc(out, ',');
		if (map)
			str_addc(out, '[');
		atom_add_json(datum_key(d, i), d->key_type, out);
		if (map) {
			str_addc(out, ',');
			atom_add_json(datum_value(d, i), d->value_type, out);
			str_addc(out, ']');
		}
	}
	str_add(out, "]]");
}
