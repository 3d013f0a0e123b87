/* SPDX-License-Identifier: Apache-2.0 */
// The value of a column: a set of atoms or a map from atoms to atoms, sorted by key, keys distinct.
// 24 bytes; a set of one lies inside it, anything larger in a body that copies share until one of
// them changes. It knows the types of its atoms, so that only reading needs the column's type.
// Copies belong to one thread. May be moved with memcpy().
#pragma once
#include "ovsdb/type.h"

struct datum_body {
	uint32_t refs;
	uint32_t cap;	// in pairs or atoms
	union atom v[]; // `cap` keys; in a map followed by `cap` values
};

struct datum {
	uint32_t n;
	uint8_t key_type;   // enum atom_type
	uint8_t value_type; // ATOM_VOID in a set
	bool has_body;
	union {
		union atom one; // the key of a set with n == 1 and no body
		struct datum_body *body;
	};
};

static inline const union atom *datum_keys(const struct datum *d)
{
	return d->has_body ? d->body->v : &d->one;
}
static inline const union atom *datum_values(const struct datum *d)
{
	return d->has_body ? d->body->v + d->body->cap : NULL;
}
static inline const union atom *datum_key(const struct datum *d, size_t i)
{
	return datum_keys(d) + i;
}
static inline const union atom *datum_value(const struct datum *d, size_t i)
{
	return datum_values(d) + i;
}

// Empty, of these types; ATOM_VOID values for a set.
void datum_init_empty(struct datum *, enum atom_type key, enum atom_type value);
// The default of the type: empty, or with one default atom where at least one is demanded.
void datum_init_default(struct datum *, const struct column_type *);
// Sets of one atom. The uuid, integer and boolean forms are for values; the string is copied.
void datum_init_uuid(struct datum *, const struct uuid *);
void datum_init_string(struct datum *, const char *);
void datum_init_integer(struct datum *, int64_t);
void datum_init_boolean(struct datum *, bool);
void datum_copy(struct datum *, const struct datum *from); // cheap: shares
void datum_done(struct datum *);
void datum_swap(struct datum *, struct datum *);

bool datum_is_default(const struct datum *, const struct column_type *);
bool datum_equal(const struct datum *, const struct datum *);
// By number of elements, then keys, then values.
int datum_compare(const struct datum *, const struct datum *);
uint64_t datum_hash(const struct datum *, uint64_t seed);

// The index of a key; SIZE_MAX if there is none. `key` has the datum's key type.
size_t datum_find(const struct datum *, const union atom *key);
// The value for a string key of a map of strings; NULL if there is none. Borrowed, valid while the
// datum is unchanged.
const char *datum_find_string(const struct datum *, const char *key);
bool datum_contains_pair(const struct datum *, const union atom *key, const union atom *value);
bool datum_includes_all(const struct datum *small, const struct datum *large);
bool datum_excludes_all(const struct datum *, const struct datum *);

// Appends without sorting and takes the atoms (value NULL in a set); datum_sort() must follow.
void datum_push(struct datum *, union atom *key, union atom *value);
// Sorts by key. Returns false if a key was there twice; all of them are kept then and the datum is
// fit only for datum_done().
bool datum_sort(struct datum *);
// Sorts and keeps the first of equal keys.
void datum_sort_unique(struct datum *);
// Adds or, for a key that is there, replaces the value. Copies the atoms.
void datum_put(struct datum *, const union atom *key, const union atom *value);
void datum_remove_at(struct datum *, size_t i);
// The single value of a set of one, or the value of entry i, to be changed in place; unshares. Keys
// must stay sorted.
union atom *datum_edit_key(struct datum *, size_t i);
union atom *datum_edit_value(struct datum *, size_t i);
// a := a | b. For a map: keys of b that a has keep a's value, or take b's with `replace`.
void datum_union(struct datum *a, const struct datum *b, bool replace);
// a := a - b. b's keys; when b is a map only pairs that are equal are removed.
void datum_subtract(struct datum *a, const struct datum *b);
// The difference as update2 notifications and database files carry it: what is in only one of them,
// and for keys of both with different values the new pair. Applying it to `old` gives `new`.
void datum_diff(struct datum *diff, const struct datum *old, const struct datum *new);
// d := d with the difference applied.
void datum_apply_diff(struct datum *d, const struct datum *diff);
// Bytes of heap, shared ones counted in full.
size_t datum_memory(const struct datum *);

// Checks atoms and number against the type.
struct db_error *datum_check(const struct datum *, const struct column_type *) MUST_CHECK;
// Reads <value> of RFC 7047. On error the datum is not initialised.
struct db_error *datum_from_json(struct datum *, const struct column_type *, const json_t *,
				 struct symtab *) MUST_CHECK;
// The same without a check of the number of elements: differences, and keys to delete.
struct db_error *datum_from_json_any_size(struct datum *, const struct column_type *,
					  const json_t *, struct symtab *) MUST_CHECK;
json_t *datum_to_json(const struct datum *);
// The same JSON as text.
void datum_add_json(const struct datum *, struct str *);

// --- The text form of ovs-vsctl(8), "Database Values".

// Reads `value`, `a, b`, `[a, b]`, `{k=v, ...}`. On error the datum is not initialised.
struct error *datum_from_text(struct datum *, const struct column_type *, const char *,
			      struct symtab *) MUST_CHECK;
void datum_to_text(const struct datum *, const struct column_type *, struct str *);
// Without brackets, braces and quotes; items parted by blanks.
void datum_to_bare(const struct datum *, struct str *);

// Cuts one word of the text form off *s: a quoted string, or what runs up to a delimiter, which may
// be nothing.
struct error *datum_text_token(const char **s, char **token) MUST_CHECK;
bool datum_text_is_delimiter(unsigned char);
