/* SPDX-License-Identifier: Apache-2.0 */
// One value of an atomic type (RFC 7047, <atom>), 16 bytes. Strings of up to 15 bytes lie inside
// it; longer ones are shared and counted. Counts are not atomic: an atom and its copies belong to
// one thread. An atom may be moved with memcpy().
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/uuid.h"
#include "ovsdb/error.h"
#include "ovsdb/symtab.h"

enum atom_type {
	ATOM_VOID,
	ATOM_INTEGER,
	ATOM_REAL,
	ATOM_BOOLEAN,
	ATOM_STRING,
	ATOM_UUID,
	ATOM_N_TYPES
};

struct atom_string {
	uint32_t refs;
	uint32_t len;
	char s[];
};

union atom {
	int64_t integer;
	double real;
	bool boolean;
	struct uuid uuid;
	char text[16]; // a string when text[15] is 0
	struct {
		struct atom_string *string; // a string when is_heap is set
		char unused[7];
		char is_heap; // the same byte as text[15]
	};
};

// "integer", "real", "boolean", "string", "uuid"; "void".
const char *atom_type_name(enum atom_type);
bool atom_type_find(const char *name, enum atom_type *);

// The text of a string atom: valid while this very atom stays unchanged and in its place.
static inline const char *atom_string(const union atom *a)
{
	return a->is_heap ? a->string->s : a->text;
}

size_t atom_string_length(const union atom *);
void atom_init_string(union atom *, const char *);
void atom_init_stringn(union atom *, const char *, size_t n); // n < 4 GiB, no NUL inside
// 0, 0.0, false, "" or the zero UUID.
void atom_init_default(union atom *, enum atom_type);
bool atom_is_default(const union atom *, enum atom_type);
// Shares what is shareable.
void atom_copy(union atom *, const union atom *from, enum atom_type);
void atom_done(union atom *, enum atom_type);
// Orders integers, reals and booleans by value, strings by byte, UUIDs as their text.
int atom_compare(const union atom *, const union atom *, enum atom_type);
bool atom_equal(const union atom *, const union atom *, enum atom_type);
uint64_t atom_hash(const union atom *, enum atom_type, uint64_t seed);

struct base_type;
// Checks what the type demands (enum, ranges, lengths); the reference of a UUID is checked by the
// transaction.
struct db_error *atom_check(const union atom *, const struct base_type *) MUST_CHECK;
// Reads and checks. `symtab` NULL: a named-uuid is an error. On error the atom is not initialised.
struct db_error *atom_from_json(union atom *, const struct base_type *, const json_t *,
				struct symtab *) MUST_CHECK;
json_t *atom_to_json(const union atom *, enum atom_type);
// The same JSON as text.
void atom_add_json(const union atom *, enum atom_type, struct str *);

// --- The text form of ovs-vsctl(8), "Database Values".

// Reads and checks one value: 1, 1.5, true, yes, on, word, "quoted string", UUID, @name. With
// `range_end` not NULL an integer may be a range FIRST-LAST: *range_end gets LAST, or FIRST where
// there was none. On error the atom is not initialised.
struct error *atom_from_text(union atom *, int64_t *range_end, const struct base_type *,
			     const char *, struct symtab *) MUST_CHECK;
// Quotes strings that would be read as something else.
void atom_to_text(const union atom *, enum atom_type, struct str *);
// The same but strings are never quoted.
void atom_to_bare(const union atom *, enum atom_type, struct str *);
// True if a string can not stand without quotes.
bool atom_text_needs_quotes(const char *);
