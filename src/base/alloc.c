/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p)
{
	if (p)
		return p;
	static const char message[] = "virtual memory exhausted\n";
	fwrite(message, 1, sizeof(message) - 1, stderr);
	abort();
}

void *xmalloc(size_t size)
{
	return check(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
	return check(n && size ? calloc(n, size) : calloc(1, 1));
}

void *xrealloc(void *p, size_t size)
{
	return check(realloc(p, size ? size : 1));
}

void *xmemdup(const void *p, size_t size)
{
	void *copy = xmalloc(size);
	if (size)
		memcpy(copy, p, size);
	return copy;
}

char *xstrdup(const char *s)
{
	return check(strdup(s));
}

char *xstrdup_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	return check(strndup(s, n));
}

char *xvasprintf(const char *format, va_list args)
{
	char *s;
	return vasprintf(&s, format, args) < 0 ? check(NULL) : s;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *s = xvasprintf(format, args);
	va_end(args);
	return s;
}

void *xaligned_alloc(size_t align, size_t size)
{
	size_t rounded = (size + align - 1) & ~(align - 1);
	if (rounded < size)
		check(NULL);
	void *p = check(aligned_alloc(align, rounded ? rounded : align));
	memset(p, 0, rounded);
	return p;
}
