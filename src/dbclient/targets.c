/* SPDX-License-Identifier: Apache-2.0 */
#include "dbclient/targets.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"

// "unix:", "tcp:", "pssl:" and so on.
static bool begins_target(const char *s)
{
	const char *p = s;
	while (isalpha((unsigned char)*p))
		p++;
	return p > s && *p == ':';
}

static const char *end_of_target(const char *s)
{
	while (*s && !(*s == ',' && (!s[1] || s[1] == ',' || begins_target(s + 1))))
		s++;
	return s;
}

void targets_init(struct targets *t, const char *text)
{
	*t = (struct targets){0};
	for (const char *p = text + strspn(text, ","); *p; p += strspn(p, ",")) {
		const char *end = end_of_target(p);
		t->v = xrealloc(t->v, (t->n + 1) * sizeof(char *));
		t->v[t->n++] = xstrndup(p, (size_t)(end - p));
		p = end;
	}
}

void targets_done(struct targets *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
	*t = (struct targets){0};
}

void targets_shuffle(struct targets *t)
{
	for (size_t i = t->n; i > 1; i--) {
		size_t j = random_below((uint32_t)i);
		char *target = t->v[i - 1];
		t->v[i - 1] = t->v[j];
		t->v[j] = target;
	}
}
