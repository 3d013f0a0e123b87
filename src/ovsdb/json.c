/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

// The depth of what is not indented at all.
enum { COMPACT = -1 };

static void write_json(const json_t *json, int depth, struct str *out);

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void new_line(int depth, struct str *out)
{
	if (depth == COMPACT)
		return;
	str_addc(out, '\n');
	str_add_repeat(out, ' ', 2 * (size_t)depth);
}

static int inside(int depth)
{
	return depth == COMPACT ? COMPACT : depth + 1;
}

static void write_object(const json_t *json, int depth, struct str *out)
{
	const char **names = xcalloc(json_object_size(json) + 1, sizeof(*names)), *name;
	size_t n = 0;
	json_t *value;
	json_object_foreach ((json_t *)json, name, value)
		names[n++] = name;
	qsort(names, n, sizeof(*names), compare_names);
	str_addc(out, '{');
	if (!n)
		new_line(inside(depth), out); // as it is printed elsewhere
	for (size_t i = 0; i < n; i++) {
		if (i)
			str_addc(out, ',');
		new_line(inside(depth), out);
		db_json_add_string(out, names[i], strlen(names[i]));
		str_add(out, depth == COMPACT ? ":" : ": ");
		write_json(json_object_get(json, names[i]), inside(depth), out);
	}
	str_addc(out, '}');
	free(names);
}

static void write_array(const json_t *json, int depth, struct str *out)
{
	str_addc(out, '[');
	for (size_t i = 0; i < json_array_size(json); i++) {
		if (i)
			str_addc(out, ',');
		new_line(inside(depth), out);
		write_json(json_array_get(json, i), inside(depth), out);
	}
	str_addc(out, ']');
}

static void write_json(const json_t *json, int depth, struct str *out)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		write_object(json, depth, out);
		break;
	case JSON_ARRAY:
		write_array(json, depth, out);
		break;
	case JSON_STRING:
		db_json_add_string(out, json_string_value(json), json_string_length(json));
		break;
	case JSON_INTEGER:
		str_addf(out, "%lld", (long long)json_integer_value(json));
		break;
	case JSON_REAL:
		db_json_add_real(out, json_real_value(json));
		break;
	case JSON_TRUE:
		str_add(out, "true");
		break;
	case JSON_FALSE:
		str_add(out, "false");
		break;
	case JSON_NULL:
		str_add(out, "null");
		break;
	}
}

char *db_json_text(const json_t *json)
{
	struct str s = STR_INIT;
	write_json(json, COMPACT, &s);
	return str_take(&s);
}

void db_json_pretty(const json_t *json, struct str *out)
{
	write_json(json, 0, out);
}

// Doubles hold integers exactly up to 2^53.
static bool is_whole(double real)
{
	return real == floor(real) && fabs(real) < 0x1p53;
}

json_t *db_json_real(double real)
{
	return is_whole(real) ? json_integer((json_int_t)real) : json_real(real);
}

void db_json_add_real(struct str *out, double real)
{
	if (is_whole(real))
		str_addf(out, "%lld", (long long)real);
	else
		str_addf(out, "%.15g", real);
}

void db_json_add_integer(struct str *out, int64_t value)
{
	char text[24], *p = text + sizeof(text);
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
	do {
		*--p = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (value < 0)
		*--p = '-';
	str_addn(out, p, (size_t)(text + sizeof(text) - p));
}

void db_json_add_string(struct str *out, const char *s, size_t n)
{
	static const char escapes[32] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
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
