/* SPDX-License-Identifier: Apache-2.0 */
// Reads the members of a JSON object, each once, and complains about missing, mistyped and unknown
// ones.
//
//	struct fields f;
//	fields_init(&f, json, "schema for table %s", name);
//	json_t *columns = fields_get(&f, "columns", FIELD_OBJECT);
//	struct db_error *error = fields_done(&f);
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "ovsdb/error.h"

enum {
	FIELD_NULL = 1,
	FIELD_BOOLEAN = 2,
	FIELD_INTEGER = 4, // reals without a fraction too
	FIELD_REAL = 8,
	FIELD_NUMBER = FIELD_INTEGER | FIELD_REAL,
	FIELD_STRING = 16,
	FIELD_ARRAY = 32,
	FIELD_OBJECT = 64,
	FIELD_ID = 128, // a string that is an <id>
	FIELD_ANY = FIELD_NULL | FIELD_BOOLEAN | FIELD_NUMBER | FIELD_STRING | FIELD_ARRAY |
		    FIELD_OBJECT,
	FIELD_OPTIONAL = 256,
};

enum { FIELDS_MAX = 24 };

struct fields {
	const json_t *json;
	char *what; // what is read, for messages
	struct db_error *error;
	const char *seen[FIELDS_MAX];
	unsigned int n_seen;
};

void fields_init(struct fields *, const json_t *, const char *what, ...)
	__attribute__((format(printf, 3, 4)));
// Borrowed; NULL when it is not there or wrong, which fields_done() tells. `name` must outlive the
// reading.
json_t *fields_get(struct fields *, const char *name, int types);
// Notes an error; the first one wins.
__attribute__((format(printf, 2, 3))) void fields_error(struct fields *, const char *format, ...);
bool fields_has_error(const struct fields *);
// The first error, or one about members that nobody asked for. Frees what the reading used.
struct db_error *fields_done(struct fields *) MUST_CHECK;
