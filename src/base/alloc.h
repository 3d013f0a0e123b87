/* SPDX-License-Identifier: Apache-2.0 */
// Heap memory that is always there: each function ends the process with a message when memory
// cannot be had, so no caller checks. The datapath does not use it in the path of a packet; it
// draws on sized pools.
#pragma once
#include <stdarg.h>
#include <stddef.h>

// Never NULL, also for a size of 0. Free with free().
void *xmalloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2)));
void *xrealloc(void *p, size_t size) __attribute__((alloc_size(2)));
void *xmemdup(const void *p, size_t size) __attribute__((malloc, alloc_size(2)));
char *xstrdup(const char *s) __attribute__((malloc));
// NULL stays NULL.
char *xstrdup_null(const char *s);
char *xstrndup(const char *s, size_t n) __attribute__((malloc));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), malloc));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0), malloc));
// Aligned to `align` (a power of two) and zeroed. Free with free().
void *xaligned_alloc(size_t align, size_t size) __attribute__((malloc, alloc_size(2)));

#define XNEW(type) ((type *)xcalloc(1, sizeof(type)))
