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
			if (*p == '\\')
				p++;
			if (!*p)
				return error_new("missing quote at end of quoted string");
		}
		p++;
	} else {
		while (*p && !datum_text_is_delimiter((unsigned char)*p))
			p++;
		if (p == *s)
			return error_new("%s: unexpected \"%c\" parsing", *s, *p);
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

static struct error *token_atom(const char **s, const struct base_type *base, union atom *a, int64_t *range_end,
				struct symtab *symtab)
{
	const char *p = *s;
	if (*p != '"' && (!*p || datum_text_is_delimiter((unsigned char)*p)))
		return error_new("%s: unexpected \"%c\" parsing %s", p, *p, atom_type_name(base->type));
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
	bool range = !map && type->key.type == ATOM_INTEGER && type->n_max > 1;
	union atom key, value;
	int64_t last = 0;
	const char *p = skip_blanks(*s);
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

static char closing_bracket(const char **p, const struct column_type *type)
{
	char open = **p;
	if (open == '[' || open == '{') {
		(*p)++;
		return open == '[' ? ']' : '}';
	}
	return 0;
}

static struct error *read_elements(struct datum *d, const char **s, char end, const struct column_type *type,
				   struct symtab *symtab)
{
	const char *p = *s;
	for (p = skip_blanks(p); *p && *p != end;) {
		if (d->n && *p == ',')
			p = skip_blanks(p + 1);
		if (end && *p == end)
			break;
		struct error *error = read_element(d, &p, type, symtab);
		if (error)
			return error;
		p = skip_blanks(p);
	}
	*s = p;
	return NULL;
}

struct error *datum_from_text(struct datum *d, const struct column_type *type, const char *s,
			      struct symtab *symtab)
{
	bool map = column_type_is_map(type);
	datum_init_empty(d, type->key.type, type->value.type);
	const char *p = skip_blanks(s);
	char end = closing_bracket(&p, type);
	struct error *error = read_elements(d, &p, end, type, symtab);
	if (!error && end) {
		if (*p != end)
			error = error_new("%s: missing \"%c\" at end of data", s, end);
		else
			p = skip_blanks(p + 1);
	}
	if (!error && *p)
		error = error_new("%s: trailing garbage after %s", s, map ? "map" : "set");
	if (!error && d->n < type->n_min)
		error = error_new("%s: %s", s, "value required");
	if (!error && d->n > type->n_max)
		error = error_new("%s: too many values", s);
	if (!error && !datum_sort(d))
		error = error_new("%s: %s contains duplicate %s", s, map ? "map" : "set", map ? "key" : "value");
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
