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
