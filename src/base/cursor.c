/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

#include <stdlib.h>

#include "base/alloc.h"

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

void buf_reserve(struct buf *b, size_t extra)
{
	if (b->cap - b->len >= extra)
		return;
	size_t cap = b->cap ? b->cap : 64;
	while (cap - b->len < extra)
		cap *= 2;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
}

void *buf_add_zeros(struct buf *b, size_t n)
{
	buf_reserve(b, n);
	void *p = b->data + b->len;
	if (n)
		memset(p, 0, n);
	b->len += n;
	return p;
}

void *buf_add(struct buf *b, const void *bytes, size_t n)
{
	buf_reserve(b, n);
	void *p = b->data + b->len;
	if (n)
		memcpy(p, bytes, n);
	b->len += n;
	return p;
}

void buf_add_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void buf_add_be16(struct buf *b, uint16_t v)
{
	v = htobe16(v);
	buf_add(b, &v, sizeof(v));
}

void buf_add_be32(struct buf *b, uint32_t v)
{
	v = htobe32(v);
	buf_add(b, &v, sizeof(v));
}

void buf_add_be64(struct buf *b, uint64_t v)
{
	v = htobe64(v);
	buf_add(b, &v, sizeof(v));
}

void buf_pad(struct buf *b, size_t from, size_t align)
{
	size_t over = (b->len - from) % align;
	if (over)
		buf_add_zeros(b, align - over);
}

void buf_consume(struct buf *b, size_t n)
{
	b->len -= n;
	memmove(b->data, b->data + n, b->len);
}
