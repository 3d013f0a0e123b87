/* SPDX-License-Identifier: Apache-2.0 */
// The text form of atoms: what a user types after ovs-vsctl and what it prints.
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "ovsdb/atom.h"
#include "ovsdb/type.h"

// Decimal only, as it says in the manual. *rest points behind the number.
static bool scan_integer(const char *s, int64_t *out, char **rest)
{
	errno = 0;
	long long v = strtoll(s, rest, 10);
	*out = v;
	return *rest != s && !errno;
}

enum { RANGE_MAX = 4096 };

static struct error *integer_from_text(union atom *a, int64_t *range_end, const char *s)
{
	char *rest;
	int64_t last;
	if (!scan_integer(s, &a->integer, &rest))
		goto bad;
	last = a->integer;
	if (*rest == '-' && range_end && !scan_integer(rest + 1, &last, &rest))
		goto bad;
	if (*rest)
		goto bad;
	if (last < a->integer)
		return error_new("\"%s\" is not a valid range. Range end cannot be before start.",
				 s);
	if (range_end)
		*range_end = last;
	return NULL;
bad:
	return error_new("\"%s\" is not a valid integer or range", s);
}

static struct error *boolean_from_text(union atom *a, const char *s)
{
	static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no",
										    "off", "0"};
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcmp(s, yes[i]) || !strcmp(s, no[i])) {
			a->boolean = !strcmp(s, yes[i]);
			return NULL;
		}
	}
	return error_new("\"%s\" is not a valid boolean (use \"true\" or \"false\")", s);
}

static struct error *string_from_text(union atom *a, const char *s)
{
	if (!*s)
		return error_new("An empty string is not valid as input; use \"\" to represent the "
				 "empty string");
	if (*s != '"') {
		atom_init_string(a, s);
		return NULL;
	}
	size_t n = strlen(s);
	if (n < 2 || s[n - 1] != '"')
		return error_new("%s: missing quote at end of quoted string", s);
	for (const char *p = s + 1; *p; p += *p == '\\' ? 2 : 1)
		if (*p == '\\' && !strchr("\"\\/bfnrtu", p[1]))
			return error_new("%s: bad escape \\%c", s, p[1]);
	json_error_t why;
	json_t *json = json_loadb(s, n, JSON_DECODE_ANY, &why);
	if (!json)
		return error_new("%s: %s", s, why.text);
	atom_init_string(a, json_string_value(json));
	json_decref(json);
	return NULL;
}

static struct error *uuid_from_text(union atom *a, const struct base_type *base, const char *s,
				    struct symtab *symtab)
{
	if (*s == '@' && symtab) {
		struct symbol *symbol = symtab_get(symtab, s);
		a->uuid = symbol->uuid;
		if (base_type_is_strong_ref(base))
			symbol->strong_ref = true;
		else if (base_type_is_weak_ref(base))
			symbol->weak_ref = true;
		return NULL;
	}
	return uuid_parse(s, &a->uuid) ? NULL : error_new("\"%s\" is not a valid UUID", s);
}

static struct error *read_text(union atom *a, int64_t *range_end, const struct base_type *base,
			       const char *s, struct symtab *symtab)
{
	switch (base->type) {
	case ATOM_INTEGER:
		return integer_from_text(a, range_end, s);
	case ATOM_REAL:
		if (!parse_double(s, &a->real))
			return NULL;
		return error_new("\"%s\" is not a valid real number", s);
	case ATOM_BOOLEAN:
		return boolean_from_text(a, s);
	case ATOM_STRING:
		return string_from_text(a, s);
	case ATOM_UUID:
		return uuid_from_text(a, base, s, symtab);
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
	return error_new("\"%s\": a value of no type", s);
}

struct error *atom_from_text(union atom *a, int64_t *range_end, const struct base_type *base,
			     const char *s, struct symtab *symtab)
{
	memset(a, 0, sizeof(*a));
	struct error *error = read_text(a, range_end, base, s, symtab);
	if (error)
		return error;
	struct db_error *violation = atom_check(a, base);
	if (!violation && range_end && base->type == ATOM_INTEGER && *range_end != a->integer) {
		union atom last = {.integer = *range_end};
		violation = atom_check(&last, base);
	}
	if (!violation && range_end && base->type == ATOM_INTEGER &&
	    (uint64_t)*range_end - (uint64_t)a->integer >= RANGE_MAX)
		violation = db_error_new("constraint violation",
					 "Range \"%s\" is too big. Maximum allowed size is %d.", s,
					 RANGE_MAX);
	if (!violation)
		return NULL;
	atom_done(a, base->type);
	return db_error_to_error(violation);
}

bool atom_text_needs_quotes(const char *s)
{
	struct uuid uuid;
	if (!isalpha((unsigned char)*s) && *s != '_')
		return true;
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-.", *p))
			return true;
	return !strcmp(s, "true") || !strcmp(s, "false") || uuid_parse(s, &uuid);
}

void atom_to_bare(const union atom *a, enum atom_type type, struct str *out)
{
	switch (type) {
	case ATOM_INTEGER:
		str_addf(out, "%lld", (long long)a->integer);
		break;
	case ATOM_REAL:
		str_addf(out, "%.*g", DBL_DIG, a->real);
		break;
	case ATOM_BOOLEAN:
		str_add(out, a->boolean ? "true" : "false");
		break;
	case ATOM_STRING:
		str_addn(out, atom_string(a), atom_string_length(a));
		break;
	case ATOM_UUID:
		str_addf(out, UUID_FORMAT, UUID_ARGS(&a->uuid));
		break;
	case ATOM_VOID:
	case ATOM_N_TYPES:
		break;
	}
}

void atom_to_text(const union atom *a, enum atom_type type, struct str *out)
{
	if (type != ATOM_STRING || !atom_text_needs_quotes(atom_string(a))) {
		atom_to_bare(a, type, out);
		return;
	}
	json_t *json = atom_to_json(a, type);
	char *text = db_json_text(json);
	str_add(out, text);
	free(text);
	json_decref(json);
}
