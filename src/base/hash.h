/* SPDX-License-Identifier: Apache-2.0 */
// Hash functions for tables in memory (XXH3). Values differ between versions of the library: never
// store or send them.
#pragma once
#include <stdint.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, n, seed);
}

static inline uint64_t hash_string(const char *s, uint64_t seed)
{
	return hash_bytes(s, strlen(s), seed);
}

// A cheap mixer for integers (the finalizer of MurmurHash3).
static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

static inline uint64_t hash_combine(uint64_t a, uint64_t b)
{
	return hash_u64(a ^ (b + 0x9e3779b97f4a7c15ULL + (a << 6) + (a >> 2)));
}
