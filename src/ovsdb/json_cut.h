/* SPDX-License-Identifier: Apache-2.0 */
// Takes a JSON object or array in text form apart into its members, which stay text: what is large
// is then parsed piece by piece, and never lies in memory as a tree at once. Only brackets, quotes,
// commas and colons are looked at; what lies between is for the parser to judge.
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct json_piece {
	const char *p;
	size_t n;
};

struct json_cut {
	const char *p, *end;
	char close; // '}' or ']'; 0: at the end
	bool first, bad;
};

// Begins at the opening bracket, white space before it allowed.
void json_cut_init(struct json_cut *, struct json_piece text);
// The next member; false at the end or when the text is bad. `name` is the inside of the quotes,
// NULL for arrays.
bool json_cut_next(struct json_cut *, struct json_piece *name, struct json_piece *value);
// After the last one: nothing was wrong, and nothing but white space follows.
bool json_cut_is_good(const struct json_cut *);
// Names in this protocol have no escapes; one with them is equal to nothing.
bool json_piece_equal(struct json_piece, const char *);
// Parses a piece of any type; NULL when it is no JSON.
json_t *json_piece_parse(struct json_piece);
