/* SPDX-License-Identifier: Apache-2.0 */
#include "dbclient/smap.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"

// The place of `key`, or where it would go.
static size_t find_place(const struct smap *m, const char *key, bool *found)
{
	size_t low = 0, high = m->n;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(key, m->v[middle].key);

		if (!order) {
			*found = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

void smap_done(struct smap *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free((char *)m->v[i].key);
		free((char *)m->v[i].value);
	}
	free(m->v);
	*m = (struct smap)SMAP_INIT;
}

static void take_value(struct smap *m, const char *key, char *value)
{
	bool found;
	size_t at = find_place(m, key, &found);

	if (found) {
		free((char *)m->v[at].value);
		m->v[at].value = value;
		return;
	}
	if (m->n == m->cap) {
		m->cap = m->cap ? 2 * m->cap : 4;
		m->v = xrealloc(m->v, m->cap * sizeof(*m->v));
	}
	memmove(&m->v[at + 1], &m->v[at], (m->n - at) * sizeof(*m->v));
	m->v[at] = (struct smap_pair){xstrdup(key), value};
	m->n++;
}

void smap_set(struct smap *m, const char *key, const char *value)
{
	take_value(m, key, xstrdup(value));
}

void smap_setf(struct smap *m, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	take_value(m, key, xvasprintf(format, args));
	va_end(args);
}

bool smap_remove(struct smap *m, const char *key)
{
	bool found;
	size_t at = find_place(m, key, &found);

	if (!found)
		return false;
	free((char *)m->v[at].key);
	free((char *)m->v[at].value);
	m->n--;
	memmove(&m->v[at], &m->v[at + 1], (m->n - at) * sizeof(*m->v));
	return true;
}

void smap_copy(struct smap *to, const struct smap *from)
{
	struct smap copy = SMAP_INIT;

	if (from->n) {
		copy.v = xmalloc(from->n * sizeof(*copy.v));
		copy.n = copy.cap = from->n;
		for (size_t i = 0; i < from->n; i++)
			copy.v[i] = (struct smap_pair){xstrdup(from->v[i].key),
						       xstrdup(from->v[i].value)};
	}
	smap_done(to);
	*to = copy;
}

bool smap_equal(const struct smap *a, const struct smap *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].key, b->v[i].key) || strcmp(a->v[i].value, b->v[i].value))
			return false;
	return true;
}

const char *smap_find(const struct smap *m, const char *key)
{
	bool found;
	size_t at = find_place(m, key, &found);

	return found ? m->v[at].value : NULL;
}

const char *smap_get(const struct smap *m, const char *key, const char *otherwise)
{
	const char *value = smap_find(m, key);

	return value ? value : otherwise;
}

int smap_read_bool(const struct smap *m, const char *key, bool *out)
{
	const char *value = smap_find(m, key);

	if (!value)
		return -ENOENT;
	if (!strcasecmp(value, "true"))
		*out = true;
	else if (!strcasecmp(value, "false"))
		*out = false;
	else
		return -EINVAL;
	return 0;
}

int smap_read_i64(const struct smap *m, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const char *value = smap_find(m, key);
	int64_t number;
	int error;

	if (!value)
		return -ENOENT;
	error = parse_i64(value, 0, &number);
	if (error)
		return error;
	if (number < min || number > max)
		return -ERANGE;
	*out = number;
	return 0;
}

bool smap_get_bool(const struct smap *m, const char *key, bool otherwise)
{
	smap_read_bool(m, key, &otherwise);
	return otherwise;
}

int64_t smap_get_i64(const struct smap *m, const char *key, int64_t otherwise)
{
	smap_read_i64(m, key, INT64_MIN, INT64_MAX, &otherwise);
	return otherwise;
}

int smap_get_int(const struct smap *m, const char *key, int otherwise)
{
	int64_t number = otherwise;

	smap_read_i64(m, key, INT_MIN, INT_MAX, &number);
	return (int)number;
}

unsigned int smap_get_uint(const struct smap *m, const char *key, unsigned int otherwise)
{
	int64_t number = otherwise;

	smap_read_i64(m, key, 0, UINT_MAX, &number);
	return (unsigned int)number;
}

uint64_t smap_get_u64(const struct smap *m, const char *key, uint64_t otherwise)
{
	const char *value = smap_find(m, key);

	if (value)
		parse_u64(value, 0, &otherwise);
	return otherwise;
}

double smap_get_double(const struct smap *m, const char *key, double otherwise)
{
	const char *value = smap_find(m, key);

	if (value)
		parse_double(value, &otherwise);
	return otherwise;
}

bool smap_get_uuid(const struct smap *m, const char *key, struct uuid *out)
{
	const char *value = smap_find(m, key);

	*out = (struct uuid){0};
	return value && uuid_parse(value, out);
}
