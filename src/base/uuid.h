/* SPDX-License-Identifier: Apache-2.0 */
// UUIDs, RFC 4122 version 4.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct uuid {
	uint32_t part[4]; // most significant first, host order
};

enum { UUID_TEXT_LEN = 36 };
#define UUID_FORMAT "%08x-%04x-%04x-%04x-%04x%08x"
#define UUID_ARGS(u)                                                                               \
	(u)->part[0], (u)->part[1] >> 16, (u)->part[1] & 0xffff, (u)->part[2] >> 16,               \
		(u)->part[2] & 0xffff, (u)->part[3]

// From a generator seeded once per process by the kernel.
struct uuid uuid_random(void);
// The whole of `s` must be a UUID; false otherwise, with *out zero.
bool uuid_parse(const char *s, struct uuid *out);
// The first 36 characters of `s` must be one; what follows is not looked at.
bool uuid_parse_prefix(const char *s, struct uuid *out);

// As UUID_FORMAT does, faster; with a NUL at the end.
void uuid_format(const struct uuid *, char out[UUID_TEXT_LEN + 1]);

static inline bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static inline bool uuid_is_zero(const struct uuid *u)
{
	return !(u->part[0] | u->part[1] | u->part[2] | u->part[3]);
}

// Orders as the text does.
static inline int uuid_compare(const struct uuid *a, const struct uuid *b)
{
	for (int i = 0; i < 4; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	return 0;
}
