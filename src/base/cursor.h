/* SPDX-License-Identifier: Apache-2.0 */
// Bounded reading and writing of bytes.
//
// A `struct cursor` reads bytes that came from outside. Reading past the end yields zeroes and sets
// `bad`, which never goes away by itself: a decoder reads all that it wants and checks once. A
// `struct buf` is a byte buffer that grows.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/byteorder.h"

struct cursor {
	const uint8_t *p, *end; // what is left
	bool bad;		// something was read past the end
};

static inline struct cursor cursor_make(const void *bytes, size_t n)
{
	return (struct cursor){.p = bytes, .end = (const uint8_t *)bytes + n};
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

// The next n bytes, borrowed, and steps over them; NULL and `bad` when there are fewer. With n 0
// never NULL unless bytes was.
static inline const void *cursor_take(struct cursor *c, size_t n)
{
	if (c->bad || cursor_left(c) < n) {
		c->bad = true;
		c->p = c->end;
		return NULL;
	}
	const void *p = c->p;
	c->p += n;
	return p;
}

static inline void cursor_skip(struct cursor *c, size_t n)
{
	(void)cursor_take(c, n);
}

// A cursor over the next n bytes, which this one steps over; empty and bad when there are fewer.
static inline struct cursor cursor_sub(struct cursor *c, size_t n)
{
	const void *p = cursor_take(c, n);
	return p ? cursor_make(p, n) : (struct cursor){.p = c->end, .end = c->end, .bad = true};
}

// Nothing but zeroes is left.
static inline bool cursor_zeros(struct cursor c)
{
	while (c.p < c.end)
		if (*c.p++)
			return false;
	return true;
}

// Copies n bytes, zeroes when there are fewer.
static inline void cursor_copy(struct cursor *c, void *out, size_t n)
{
	const void *p = cursor_take(c, n);
	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);
	return p ? *p : 0;
}

// Big-endian on the wire, host order in the result.
static inline uint16_t cursor_be16(struct cursor *c)
{
	const void *p = cursor_take(c, 2);
	return p ? get_be16(p) : 0;
}

static inline uint32_t cursor_be32(struct cursor *c)
{
	const void *p = cursor_take(c, 4);
	return p ? get_be32(p) : 0;
}

static inline uint64_t cursor_be64(struct cursor *c)
{
	const void *p = cursor_take(c, 8);
	return p ? get_be64(p) : 0;
}

// All zero is a valid empty buffer.
struct buf {
	uint8_t *data;
	size_t len, cap;
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		0                                                                                  \
	}

// Frees the contents; the buffer is empty and usable again.
void buf_done(struct buf *);
void buf_reserve(struct buf *, size_t extra);
// n zeroed bytes at the end; the pointer is valid until the next change.
void *buf_add_zeros(struct buf *, size_t n);
// What a message is made of, many times over: where there is room, nothing is called.
static inline void *buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (b->cap - b->len < n)
		buf_reserve(b, n);
	void *p = b->data + b->len;
	if (n)
		memcpy(p, bytes, n);
	b->len += n;
	return p;
}
static inline void buf_add_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, sizeof(v));
}
// Host order in, big-endian out.
static inline void buf_add_be16(struct buf *b, uint16_t v)
{
	v = htobe16(v);
	buf_add(b, &v, sizeof(v));
}
static inline void buf_add_be32(struct buf *b, uint32_t v)
{
	v = htobe32(v);
	buf_add(b, &v, sizeof(v));
}
static inline void buf_add_be64(struct buf *b, uint64_t v)
{
	v = htobe64(v);
	buf_add(b, &v, sizeof(v));
}
// Zeroes up to a length that is a multiple of `align`, counted from offset `from`.
void buf_pad(struct buf *, size_t from, size_t align);
// Removes n bytes at the front.
void buf_consume(struct buf *, size_t n);
// What stands from `at` on; NULL when the buffer has never held anything.
static inline const void *buf_from(const struct buf *b, size_t at)
{
	return b->data ? b->data + at : NULL;
}
static inline void buf_clear(struct buf *b)
{
	b->len = 0;
}
