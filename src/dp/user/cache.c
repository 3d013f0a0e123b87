/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/cache.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { GROWTH = 4, MISSING = 8, PROBES = 4 };

// Zeros, and memory only where packets need it. NULL: there is none.
static struct cache_bucket *map(uint32_t n_buckets)
{
	size_t bytes = n_buckets * sizeof(struct cache_bucket);
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

void cache_init(struct cache *c)
{
	*c = (struct cache){.buckets = map(CACHE_MIN_BUCKETS), .mask = CACHE_MIN_BUCKETS - 1};
	if (!c->buckets) {
		fprintf(stderr, "out of memory for a flow cache\n");
		abort();
	}
}

void cache_done(struct cache *c)
{
	munmap(c->buckets, (c->mask + UINT64_C(1)) * sizeof(struct cache_bucket));
	c->buckets = NULL;
}

static void grow(struct cache *c)
{
	uint32_t n = c->mask + 1,
		 wanted = n * GROWTH < CACHE_MAX_BUCKETS ? n * GROWTH : CACHE_MAX_BUCKETS;
	struct cache_bucket *more = wanted > n ? map(wanted) : NULL;
	if (!more)
		return;
	munmap(c->buckets, n * sizeof(struct cache_bucket));
	c->buckets = more;
	c->mask = wanted - 1;
}

void cache_note_insert(struct cache *c, uint64_t packets, uint64_t probes)
{
	if (++c->inserted <= c->mask * CACHE_WAYS)
		return;
	if ((uint64_t)c->inserted * MISSING > packets - c->packets &&
	    probes - c->probes >= (uint64_t)c->inserted * PROBES)
		grow(c);
	c->inserted = 0;
	c->packets = packets;
	c->probes = probes;
}

void cache_insert(struct cache *c, uint64_t hash, uint32_t flow)
{
	struct cache_bucket *b = cache_bucket(c, hash);
	uint16_t signature = cache_signature(hash);
	unsigned int at =
		(unsigned int)(hash >> 40) % CACHE_WAYS; // the one to go when the bucket is full
	bool found = false;
	for (unsigned int i = 0; i < CACHE_WAYS && !found; i++) {
		if (b->signature[i] == signature) {
			at = i;
			found = true;
		}
	}
	for (unsigned int i = 0; i < CACHE_WAYS && !found; i++) {
		if (!b->signature[i]) {
			at = i;
			found = true;
		}
	}
	b->signature[at] = signature;
	b->flow[at] = flow;
}
