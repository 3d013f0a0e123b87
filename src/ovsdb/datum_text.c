/* SPDX-License-Identifier: Apache-2.0 */
// The text form of sets and maps, "Database Values" of ovs-vsctl(8).
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ovsdb/datum.h"

bool datum_text_is_delimiter(unsigned char c)
{
	return c && strchr(":=, []{}!<>", c);
}

struct error *datum_text_token(const char **s, char **token)
{
	const char *p = *s;
	*token = NULL;
	if (*p == '"') {
		for (p++; *p != '"'; p++) {
			if (*p == '\\' && !*++p)
				return error_new("%s: backslash at end of argument", *s);
			if (!*p)
				return error_new("%s: quoted string extends past end of argument",
						 *s);
		}
		p++;
	} else {
		while (*p && !datum_text_is_delimiter((unsigned char)*p))
			p++;
	}
	*token = xstrndup(*s, (size_t)(p - *s));
	*s = p;
	return NULL;
}

static const char *skip_blanks(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

static struct error *token_atom(const char **s, const struct base_type *base, union atom *a,
				int64_t *range_end, struct symtab *symtab)
{
	char *token;
	struct error *error = datum_text_token(s, &token);
	if (!error)
		error = atom_from_text(a, range_end, base, token, symtab);
	free(token);
	return error;
}

static struct error *read_element(struct datum *d, const char **s, const struct column_type *type,
				  struct symtab *symtab)
{
	bool map = column_type_is_map(type);
	bool range = !map && type->key.type == ATOM_INTEGER;
	union atom key, value;
	int64_t last = 0;
	const char *p = *s;
	struct error *error = token_atom(&p, &type->key, &key, range ? &last : NULL, symtab);
	if (error)
		return error;
	if (range) {
		for (union atom a = key; a.integer < last; a.integer++)
			datum_push(d, &(union atom){.integer = a.integer}, NULL);
		datum_push(d, &(union atom){.integer = last}, NULL);
	} else if (map) {
		p = skip_blanks(p);
		if (*p != '=') {
			atom_done(&key, type->key.type);
			return error_new("%s: syntax error at \"%c\" expecting \"=\"", *s, *p);
		}
		p = skip_blanks(p + 1);
		error = token_atom(&p, &type->value, &value, NULL, symtab);
		if (error) {
			atom_done(&key, type->key.type);
			return error;
		}
		datum_push(d, &key, &value);
	} else {
		datum_push(d, &key, NULL);
	}
	*s = p;
	return NULL;
}

// Elements up to `end`, which is 0 without brackets. `whole` is the text for messages.
static struct error *read_elements(struct datum *d, const char **s, char end,
				   const struct column_type *type, const char *whole,
				   struct symtab *symtab)
{
	const char *p = skip_blanks(*s);
	while (*p && *p != end) {
		if (datum_text_is_delimiter((unsigned char)*p)) {
			char *english = column_type_to_english(type);
			struct error *error =
				error_new("%s: unexpected \"%c\" parsing %s", whole, *p, english);
			free(english);
			return error;
		}
		struct error *error = read_element(d, &p, type, symtab);
		if (error)
			return error;
		p = skip_blanks(p);
		if (*p == ',')
			p = skip_blanks(p + 1);
	}
	*s = p;
	return NULL;
}

static struct error *check_number(const struct datum *d, const struct column_type *type,
				  const char *s)
{
	const char *what = column_type_is_map(type) ? "pair" : "value";
	if (d->n < type->n_min)
		return error_new("%s: %u %s(s) specified but the minimum number is %u", s, d->n,
				 what, type->n_min);
	if (d->n > type->n_max)
		return error_new("%s: %u %s(s) specified but the maximum number is %u", s, d->n,
				 what, type->n_max);
	return NULL;
}

struct error *datum_from_text(struct datum *d, const struct column_type *type, const char *s,
			      struct symtab *symtab)
{
	bool map = column_type_is_map(type);
	const char *p = skip_blanks(s);
	char end = 0;
	if (!*p)
		return error_new("use \"%s\" to specify the empty %s", map ? "{}" : "[]",
				 map ? "map" : "set");
	datum_init_empty(d, type->key.type, type->value.type);
	if (*p == (map ? '{' : '[')) {
		end = map ? '}' : ']';
		p++;
	}
	struct error *error = read_elements(d, &p, end, type, s, symtab);
	if (!error && end) {
		if (*p != end)
			error = error_new("%s: missing \"%c\" at end of data", s, end);
		else
			p = skip_blanks(p + 1);
	}
	if (!error && *p)
		error = error_new("%s: trailing garbage after \"%c\"", s, end);
	if (!error)
		error = check_number(d, type, s);
	if (!error && !datum_sort(d))
		error = error_new("%s: %s contains duplicate %s", s, map ? "map" : "set",
				  map ? "key" : "value");
	if (error)
		datum_done(d);
	return error;
}

void datum_to_text(const struct datum *d, const struct column_type *type, struct str *out)
{
	bool map = d->value_type != ATOM_VOID;
	if (map)
		str_addc(out, '{');
	else if (type->n_max > 1 || !d->n)
		str_addc(out, '[');
	for (size_t i = 0; i < d->n; i++) {
		if (i)
			str_add(out, ", ");
		atom_to_text(datum_key(d, i), d->key_type, out);
		if (map) {
			str_addc(out, '=');
			atom_to_text(datum_value(d, i), d->value_type, out);
		}
	}
	if (map)
		str_addc(out, '}');
	else if (type->n_max > 1 || !d->n)
		str_addc(out, ']');
}

void datum_to_bare(const struct datum *d, struct str *out)
{
	for (size_t i = 0; i < d->n; i++) {
		if (i)
			str_addc(out, ' ');
		atom_to_bare(datum_key(d, i), d->key_type, out);
		if (d->value_type != ATOM_VOID) {
			str_addc(out, '=');
			atom_to_bare(datum_value(d, i), d->value_type, out);
		}
	}
}
