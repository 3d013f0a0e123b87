/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

char *db_json_text(const json_t *json)
{
	char *s = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	char *copy = xstrdup(s ? s : "null");
	free(s);
	return copy;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void pretty(const json_t *json, unsigned int depth, struct str *out);

static void new_line(unsigned int depth, struct str *out)
{
	str_addc(out, '\n');
	str_add_repeat(out, ' ', 2 * (size_t)depth);
}

static void add_scalar(const json_t *json, struct str *out)
{
	char *text = db_json_text(json);
	str_add(out, text);
	free(text);
}

static void pretty_object(const json_t *json, unsigned int depth, struct str *out)
{
	const char **names = xcalloc(json_object_size(json) + 1, sizeof(*names)), *name;
	size_t n = 0;
	json_t *value;
	json_object_foreach ((json_t *)json, name, value)
		names[n++] = name;
	qsort(names, n, sizeof(*names), compare_names);
	str_addc(out, '{');
	if (!n)
		new_line(depth + 1, out); // as it is printed elsewhere
	for (size_t i = 0; i < n; i++) {
		json_t *key = json_string_nocheck(names[i]);
		if (i)
			str_addc(out, ',');
		new_line(depth + 1, out);
		add_scalar(key, out);
		str_add(out, ": ");
		pretty(json_object_get(json, names[i]), depth + 1, out);
		json_decref(key);
	}
	str_addc(out, '}');
	free(names);
}

static void pretty(const json_t *json, unsigned int depth, struct str *out)
{
	if (json_is_object(json)) {
		pretty_object(json, depth, out);
	} else if (json_is_array(json)) {
		str_addc(out, '[');
		for (size_t i = 0; i < json_array_size(json); i++) {
			if (i)
				str_addc(out, ',');
			new_line(depth + 1, out);
			pretty(json_array_get(json, i), depth + 1, out);
		}
		str_addc(out, ']');
	} else {
		add_scalar(json, out);
	}
}

void db_json_pretty(const json_t *json, struct str *out)
{
	pretty(json, 0, out);
}

json_t *db_json_real(double real)
{
	// Doubles hold integers exactly up to 2^53.
	if (real == floor(real) && fabs(real) < 9007199254740992.0)
		return json_integer((json_int_t)real);
	return json_real(real);
}

void db_json_add_string(struct str *out, const char *s, size_t n)
{
	static const char escapes[32] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	str_addc(out, '"');
	for (size_t i = 0, start = 0;; i++) {
		unsigned char c = i < n ? (unsigned char)s[i] : 0;
		if (i < n && c >= 0x20 && c != '"' && c != '\\')
			continue;
		str_addn(out, s + start, i - start);
		start = i + 1;
		if (i == n)
			break;
		str_addc(out, '\\');
		if (c >= 0x20)
			str_addc(out, (char)c);
		else if (escapes[c])
			str_addc(out, escapes[c]);
		else
			str_addf(out, "u%04x", c);
	}
	str_addc(out, '"');
}
