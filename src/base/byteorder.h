/* SPDX-License-Identifier: Apache-2.0 */
// Integers in network byte order carry it in their type's name. Unaligned access goes through get_*
// and put_*.
#pragma once
#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t be16_t;
typedef uint32_t be32_t;
typedef uint64_t be64_t;

#define BE16(constant) ((be16_t)__builtin_bswap16(constant))
#define BE32(constant) ((be32_t)__builtin_bswap32(constant))
#define BE64(constant) ((be64_t)__builtin_bswap64(constant))
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "big-endian hosts are not supported"
#endif

// Host value of big-endian bytes at an address of any alignment, and back.
static inline uint16_t get_be16(const void *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static inline uint32_t get_be32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t get_be64(const void *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static inline void put_be16(void *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_be32(void *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_be64(void *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}
