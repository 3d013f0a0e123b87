/* SPDX-License-Identifier: Apache-2.0 */
// A map from string to string as a sorted array: what OVSDB columns such as other_config are. All
// zero is a valid empty map.
//
// Maps inside a replica's rows are read-only views; the functions that change a map are for maps
// that the caller built.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

struct smap_pair {
	const char *key, *value;
};

struct smap {
	struct smap_pair *v; // sorted by strcmp() of the keys, which are unique
	size_t n, cap;
};

#define SMAP_INIT                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}
#define SMAP_FOREACH(smap, pair)                                                                   \
	for (const struct smap_pair *pair = (smap)->v, *pair##_end_ = pair + (smap)->n;            \
	     pair < pair##_end_; pair++)

// Frees the contents; the map is empty and usable again.
void smap_done(struct smap *);
// Puts copies in; replaces the value of a key that is there.
void smap_set(struct smap *, const char *key, const char *value);
void smap_setf(struct smap *, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
// False when the key was not there.
bool smap_remove(struct smap *, const char *key);
void smap_copy(struct smap *to, const struct smap *from); // replaces what was in `to`
bool smap_equal(const struct smap *, const struct smap *);

// NULL when there is none. Borrowed, as those below.
const char *smap_find(const struct smap *, const char *key);
const char *smap_get(const struct smap *, const char *key, const char *otherwise);
// "true" and "false" in any case; anything else is `otherwise`.
bool smap_get_bool(const struct smap *, const char *key, bool otherwise);
// Numbers as strtol(3) with base 0 takes them; `otherwise` when missing, not a number, or outside
// the type.
int smap_get_int(const struct smap *, const char *key, int otherwise);
unsigned int smap_get_uint(const struct smap *, const char *key, unsigned int otherwise);
int64_t smap_get_i64(const struct smap *, const char *key, int64_t otherwise);
uint64_t smap_get_u64(const struct smap *, const char *key, uint64_t otherwise);
double smap_get_double(const struct smap *, const char *key, double otherwise);
// False, with *out zero, when missing or not a UUID.
bool smap_get_uuid(const struct smap *, const char *key, struct uuid *out);
// For those who must tell a bad value from a missing one: 0, -ENOENT, -EINVAL (not a number) or
// -ERANGE (outside min..max); *out only changes with 0.
int smap_read_i64(const struct smap *, const char *key, int64_t min, int64_t max, int64_t *out);
int smap_read_bool(const struct smap *, const char *key, bool *out);
