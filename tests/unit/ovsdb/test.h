/* SPDX-License-Identifier: Apache-2.0 */
// What the tests of src/ovsdb share.
#pragma once
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/str.h"
#include "ovsdb/execute.h"

// JSON with ' for ".
static inline json_t *parse(const char *text)
{
	char *copy = xstrdup(text);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json_error_t why;
	json_t *json = json_loads(copy, JSON_DECODE_ANY, &why);
	if (!json)
		fail_msg("%s: %s", copy, why.text);
	free(copy);
	return json;
}

// Makes ' of " and \\" in place, so that expectations are easy to read.
static inline void plain_quotes(char *s)
{
	char *out = s;
	for (; *s; s++) {
		if (s[0] == '\\' && s[1] == '"')
			s++;
		*out++ = *s == '"' ? '\'' : *s;
	}
	*out = '\0';
}

// Fails with the error's text, if there is one.
static inline void succeed(struct db_error *error)
{
	if (error)
		fail_msg("%s", db_error_to_text(error));
}

// The error must be there; its text is compared with ' for ".
static inline void expect_error(struct db_error *error, const char *text)
{
	assert_non_null(error);
	char *actual = db_error_to_text(error);
	plain_quotes(actual);
	assert_string_equal(actual, text);
	free(actual);
	db_error_free(error);
}

static inline struct db_schema *parse_schema(const char *text)
{
	struct db_schema *schema;
	json_t *json = parse(text);
	succeed(db_schema_from_json(json, &schema));
	json_decref(json);
	return schema;
}

static inline void parse_type(struct column_type *type, const char *text)
{
	json_t *json = parse(text);
	succeed(column_type_from_json(type, json));
	json_decref(json);
}

static inline struct db_error *try_datum(struct datum *d, const struct column_type *type,
					 const char *text)
{
	json_t *json = parse(text);
	struct db_error *error = datum_from_json(d, type, json, NULL);
	json_decref(json);
	return error;
}

// The datum as JSON with ' for ".
static inline char *datum_text(const struct datum *d)
{
	json_t *json = datum_to_json(d);
	char *text = db_json_text(json);
	plain_quotes(text);
	json_decref(json);
	return text;
}

static inline void expect_datum(const struct datum *d, const char *text)
{
	char *actual = datum_text(d);
	assert_string_equal(actual, text);
	free(actual);
	struct str direct = STR_INIT;
	datum_add_json(d, &direct);
	plain_quotes(direct.s);
	assert_string_equal(direct.s, text);
	str_done(&direct);
}
