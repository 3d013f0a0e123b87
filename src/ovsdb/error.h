/* SPDX-License-Identifier: Apache-2.0 */
// An error of the database protocol (RFC 7047 section 3.1, <error>): a tag that programs compare,
// details for people, and the JSON that caused it. NULL means success. Who gets one owns it.
#pragma once
#include <jansson.h>

#include "base/error.h"
#include "ovsdb/json.h"

struct db_error;

// `tag` is a literal or lives as long as the process: "constraint violation", "timed out", ...
struct db_error *db_error_new(const char *tag, const char *format, ...)
	__attribute__((format(printf, 2, 3))) MUST_CHECK;
// The same without details, as for "aborted".
struct db_error *db_error_bare(const char *tag) MUST_CHECK;
// With the JSON (borrowed, may be NULL) that was wrong. A NULL tag means "syntax error".
struct db_error *db_error_syntax(const json_t *json, const char *tag, const char *format, ...)
	__attribute__((format(printf, 3, 4))) MUST_CHECK;
// "I/O error" with a positive or negative errno; EOF is "unexpected end of file".
struct db_error *db_error_io(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3))) MUST_CHECK;
// Puts "context: " before the details of `cause`, which it takes. NULL stays NULL.
struct db_error *db_error_wrap(struct db_error *cause, const char *format, ...)
	__attribute__((format(printf, 2, 3))) MUST_CHECK;
// Puts " (context)" behind the details of `cause`, which it takes: where in the database it was.
// NULL stays NULL.
struct db_error *db_error_at(struct db_error *cause, const char *format, ...)
	__attribute__((format(printf, 2, 3))) MUST_CHECK;
void db_error_free(struct db_error *);
struct db_error *db_error_clone(const struct db_error *);

const char *db_error_tag(const struct db_error *);     // "I/O error" where no other
const char *db_error_details(const struct db_error *); // may be NULL
// {"error": tag, "details": ..., "syntax": ..., "io-error": ...}
json_t *db_error_to_json(const struct db_error *);
// `syntax "...": tag: details (errno text)`. Owned by the caller.
char *db_error_to_text(const struct db_error *);
// Takes a protocol error, gives one for people; NULL stays NULL.
struct error *db_error_to_error(struct db_error *) MUST_CHECK;
