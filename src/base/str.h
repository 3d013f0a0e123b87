/* SPDX-License-Identifier: Apache-2.0 */
// A string that grows. All zero is a valid empty string; `s` is NULL until something was added, use
// str_cstr() to read it.
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// What a word is to the reader of a flow, for whom a terminal may show it in a colour.
enum str_mark {
	MARK_ACTIONS, // the word that begins the actions
	MARK_DROP,
	MARK_LEARN,
	MARK_PARAM, // the name of a value: "nw_src="
	MARK_PAREN, // what goes around arguments: "ct(" and ")"
	MARK_SPECIAL,
	MARK_VALUE, // says something without a name: "tcp"
	N_MARKS,
};
struct str_style { // what is written around marked words
	const char *before[N_MARKS], *after;
};

struct str {
	char *s; // NUL-terminated when not NULL
	size_t len, cap;
	const struct str_style *style; // borrowed; NULL: marked words are as plain as others
};

#define STR_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}

void str_init(struct str *);
// Frees the contents; the string is empty, usable again and without a style.
void str_done(struct str *);
void str_clear(struct str *);
// Borrowed; "" when empty; valid until the next change.
const char *str_cstr(const struct str *);
// The caller owns the result (free()); the string is empty afterwards. Never NULL.
char *str_take(struct str *);
void str_truncate(struct str *, size_t len);
void str_reserve(struct str *, size_t extra);
void str_addn(struct str *, const char *, size_t n);
static inline void str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}
static inline void str_addc(struct str *s, char c)
{
	if (s->len + 1 >= s->cap)
		str_reserve(s, 1);
	s->s[s->len++] = c;
	s->s[s->len] = '\0';
}
// What is added between these two is marked. In a string without a style it costs nothing.
static inline void str_mark_begin(struct str *s, enum str_mark mark)
{
	if (__builtin_expect(s->style != NULL, 0))
		str_add(s, s->style->before[mark]);
}
static inline void str_mark_end(struct str *s)
{
	if (__builtin_expect(s->style != NULL, 0))
		str_add(s, s->style->after);
}
void str_add_marked(struct str *, enum str_mark, const char *word, size_t n);
static inline void str_mark(struct str *s, enum str_mark mark, const char *word)
{
	str_add_marked(s, mark, word, strlen(word));
}
// "name=", marked as the name of a value.
void str_mark_name(struct str *, const char *name);
void str_add_repeat(struct str *, char, size_t n);
void str_addf(struct str *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_addv(struct str *, const char *format, va_list) __attribute__((format(printf, 2, 0)));
// Numbers without a format's cost: decimal; hexadecimal behind "0x", but zero is "0", as with
// "%#x".
void str_add_u64(struct str *, uint64_t);
void str_add_0x(struct str *, uint64_t);
void str_add_hex(struct str *, const void *bytes, size_t n);
// A number of n bytes in network order: "0x1f", "0".
void str_add_be_number(struct str *, const uint8_t *bytes, size_t n);
// Removes one trailing `c`, if it is there.
bool str_chomp(struct str *, char c);

// Parsing helpers that demand the whole of `s` to be a number in range. 0, or -EINVAL or -ERANGE
// with *out untouched. `base` as in strtoull(3): 0 takes 0x and octal prefixes. No sign is accepted
// by the unsigned ones.
int parse_u64(const char *s, int base, uint64_t *out);
int parse_u32(const char *s, int base, uint32_t *out);
int parse_u16(const char *s, int base, uint16_t *out);
int parse_u8(const char *s, int base, uint8_t *out);
int parse_i64(const char *s, int base, int64_t *out);
int parse_double(const char *s, double *out);
