/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/cookie_counts.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/alloc.h"

enum { MAX_COOKIES = 1024 }; // there may be as many as packets: then begin anew

struct key {
	be64_t cookie;
	uint64_t table_id; // as wide as the cookie: no padding that is hashed
};

struct cookie_count {
	struct key key;
	unsigned int n;
	UT_hash_handle hh;
};

static struct cookie_count *find(const struct cookie_counts *cc, uint8_t table_id, be64_t cookie)
{
	struct cookie_count *c;
	struct key key = {.cookie = cookie, .table_id = table_id};
	HASH_FIND(hh, cc->all, &key, sizeof(key), c);
	return c;
}

void cookie_counts_done(struct cookie_counts *cc)
{
	struct cookie_count *c, *next;
	HASH_ITER (hh, cc->all, c, next) {
		HASH_DEL(cc->all, c);
		free(c);
	}
}

bool cookie_counts_get(const struct cookie_counts *cc, uint8_t table_id, be64_t cookie,
		       unsigned int *n)
{
	const struct cookie_count *c = find(cc, table_id, cookie);
	*n = c ? c->n : 0;
	return c;
}

void cookie_counts_set(struct cookie_counts *cc, uint8_t table_id, be64_t cookie, unsigned int n)
{
	struct cookie_count *c = find(cc, table_id, cookie);
	if (!c) {
		if (HASH_COUNT(cc->all) == MAX_COOKIES)
			cookie_counts_done(cc);
		c = XNEW(struct cookie_count);
		c->key = (struct key){.cookie = cookie, .table_id = table_id};
		HASH_ADD(hh, cc->all, key, sizeof(c->key), c);
	}
	c->n = n;
}

void cookie_counts_add(struct cookie_counts *cc, uint8_t table_id, be64_t cookie, unsigned int n)
{
	struct cookie_count *c = cc->all ? find(cc, table_id, cookie) : NULL;
	if (c)
		c->n += n;
}
