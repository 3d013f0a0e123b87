/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/cache.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

void cache_init(struct cache *c)
{
	// Zeroed, and memory only where packets need it.
	size_t bytes = CACHE_BUCKETS * sizeof(struct cache_bucket);
	c->buckets = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->buckets == MAP_FAILED) {
		fprintf(stderr, "out of memory for a flow cache of %zu bytes\n", bytes);
		abort();
	}
	madvise(c->buckets, bytes, MADV_HUGEPAGE);
}

void cache_done(struct cache *c)
{
	munmap(c->buckets, CACHE_BUCKETS * sizeof(struct cache_bucket));
	c->buckets = NULL;
}

void cache_insert(struct cache *c, uint64_t hash, uint32_t flow)
{
	struct cache_bucket *b = cache_bucket(c, hash);
	uint16_t signature = cache_signature(hash);
	unsigned int at = (unsigned int)(hash >> 40) % CACHE_WAYS; // the one to go when the bucket is full
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
