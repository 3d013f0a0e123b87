/* SPDX-License-Identifier: Apache-2.0 */
// JSON as the protocol's programs print it: members sorted, reals with 15 digits.
#pragma once
#include <jansson.h>

#include "base/str.h"

// One line without blanks. Owned by the caller.
char *db_json_text(const json_t *);
// One member or element per line, indented by 2, closing brackets behind the last; no newline at
// the end.
void db_json_pretty(const json_t *, struct str *);
// A real number; one without a fraction is written as an integer, which the protocol does not tell
// apart.
json_t *db_json_real(double);

// Straight to text what need not be an object first: a quoted string, a number as db_json_real()
// makes it.
void db_json_add_string(struct str *, const char *, size_t n);
void db_json_add_real(struct str *, double);
void db_json_add_integer(struct str *, int64_t);
