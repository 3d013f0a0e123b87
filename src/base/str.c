/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void str_init(struct str *s)
{
	*s = (struct str)STR_INIT;
}

void str_done(struct str *s)
{
	free(s->s);
	str_init(s);
}

void str_clear(struct str *s)
{
	str_truncate(s, 0);
}

const char *str_cstr(const struct str *s)
{
	return s->s ? s->s : "";
}

char *str_take(struct str *s)
{
	char *p = s->s ? s->s : xstrdup("");
	str_init(s);
	return p;
}

void str_truncate(struct str *s, size_t len)
{
	if (len < s->len) {
		s->len = len;
		s->s[len] = '\0';
	}
}

void str_reserve(struct str *s, size_t extra)
{
	if (s->len + extra < s->cap)
		return;
	size_t cap = s->cap ? s->cap : 32;
	while (cap <= s->len + extra)
		cap *= 2;
	s->s = xrealloc(s->s, cap);
	s->s[s->len] = '\0';
	s->cap = cap;
}

void str_addn(struct str *s, const char *p, size_t n)
{
	if (s->len + n >= s->cap)
		str_reserve(s, n);
	char *to = s->s + s->len;
	if (n > 8) {
		memcpy(to, p, n);
	} else if (n >= 4) { // not worth a call: two halves, which may overlap
		memcpy(to, p, 4);
		memcpy(to + n - 4, p + n - 4, 4);
	} else {
		for (size_t i = 0; i < n; i++)
			to[i] = p[i];
	}
	s->len += n;
	s->s[s->len] = '\0';
}

void str_add_marked(struct str *s, enum str_mark mark, const char *word, size_t n)
{
	str_mark_begin(s, mark);
	str_addn(s, word, n);
	str_mark_end(s);
}

void str_mark_name(struct str *s, const char *name)
{
	str_mark_begin(s, MARK_PARAM);
	str_add(s, name);
	str_addc(s, '=');
	str_mark_end(s);
}

void str_add_repeat(struct str *s, char c, size_t n)
{
	str_reserve(s, n);
	memset(s->s + s->len, c, n);
	s->len += n;
	s->s[s->len] = '\0';
}

void str_addv(struct str *s, const char *format, va_list args)
{
	str_reserve(s, 0);
	va_list again;
	va_copy(again, args);
	size_t room = s->cap - s->len;
	int n = vsnprintf(s->s + s->len, room, format, args);
	if (n > 0 && (size_t)n >= room) {
		str_reserve(s, (size_t)n);
		vsnprintf(s->s + s->len, s->cap - s->len, format, again);
	}
	va_end(again);
	if (n > 0)
		s->len += (size_t)n;
}

void str_addf(struct str *s, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	str_addv(s, format, args);
	va_end(args);
}

void str_add_hex(struct str *s, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = bytes;
	str_reserve(s, 2 * n);
	for (size_t i = 0; i < n; i++) {
		s->s[s->len++] = digits[p[i] >> 4];
		s->s[s->len++] = digits[p[i] & 15];
	}
	s->s[s->len] = '\0';
}

void str_add_be_number(struct str *s, const uint8_t *p, size_t n)
{
	while (n && !*p)
		p++, n--;
	if (!n) {
		str_addc(s, '0');
		return;
	}
	str_addf(s, "0x%x", *p);
	str_add_hex(s, p + 1, n - 1);
}

void str_add_u64(struct str *s, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	str_addn(s, p, (size_t)(digits + sizeof(digits) - p));
}

void str_add_0x(struct str *s, uint64_t v)
{
	char digits[16], *p = digits + sizeof(digits);
	if (!v) {
		str_addc(s, '0');
		return;
	}
	for (; v; v >>= 4)
		*--p = "0123456789abcdef"[v & 15];
	str_addn(s, "0x", 2);
	str_addn(s, p, (size_t)(digits + sizeof(digits) - p));
}

bool str_chomp(struct str *s, char c)
{
	if (!s->len || s->s[s->len - 1] != c)
		return false;
	str_truncate(s, s->len - 1);
	return true;
}

int parse_u64(const char *s, int base, uint64_t *out)
{
	if (!isalnum((unsigned char)*s))
		return -EINVAL;
	char *end;
	errno = 0;
	unsigned long long v = strtoull(s, &end, base);
	if (errno)
		return -errno;
	if (end == s || *end)
		return -EINVAL;
	*out = v;
	return 0;
}

static int parse_bounded(const char *s, int base, uint64_t max, uint64_t *out)
{
	uint64_t v;
	int error = parse_u64(s, base, &v);
	if (error)
		return error;
	if (v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

int parse_u32(const char *s, int base, uint32_t *out)
{
	uint64_t v;
	int error = parse_bounded(s, base, UINT32_MAX, &v);
	if (!error)
		*out = (uint32_t)v;
	return error;
}

int parse_u16(const char *s, int base, uint16_t *out)
{
	uint64_t v;
	int error = parse_bounded(s, base, UINT16_MAX, &v);
	if (!error)
		*out = (uint16_t)v;
	return error;
}

int parse_u8(const char *s, int base, uint8_t *out)
{
	uint64_t v;
	int error = parse_bounded(s, base, UINT8_MAX, &v);
	if (!error)
		*out = (uint8_t)v;
	return error;
}

int parse_i64(const char *s, int base, int64_t *out)
{
	if (!*s || isspace((unsigned char)*s))
		return -EINVAL;
	char *end;
	errno = 0;
	long long v = strtoll(s, &end, base);
	if (errno)
		return -errno;
	if (end == s || *end)
		return -EINVAL;
	*out = v;
	return 0;
}

int parse_double(const char *s, double *out)
{
	if (!*s || isspace((unsigned char)*s))
		return -EINVAL;
	char *end;
	errno = 0;
	double v = strtod(s, &end);
	if (errno)
		return -errno;
	if (end == s || *end)
		return -EINVAL;
	*out = v;
	return 0;
}
