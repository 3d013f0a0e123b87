/* SPDX-License-Identifier: Apache-2.0 */
// What is in a database file that may be damaged. Opening a database ends at the first record that
// is no good; this goes on behind it: it looks for the next record whose checksum is right, and
// replays all that can be replayed, so that a repair loses only what is broken and what was built
// on it.
//
// A record says which columns of a row changed, not whether the row is new. So a row whose
// insertion was lost may come back with only the columns that were changed later.
#pragma once
#include "base/str.h"
#include "base/vec.h"
#include "ovsdb/schema.h"

enum salvage_kind {
	SALVAGE_RECORD, // header, length and checksum are right
	SALVAGE_DAMAGE,
	SALVAGE_TORN, // the beginning of a record at the end of the file, as a crash leaves it
};

struct salvage_piece {
	enum salvage_kind kind;
	size_t at, size; // bytes of the file, the header included
	size_t json;	 // a record's length without the header
	char *why;	 // what is wrong with it; NULL: nothing
};

struct salvage {
	const char *data; // borrowed
	size_t size;
	VEC(struct salvage_piece) pieces; // they cover the file, in order
	bool schema_lost;		  // after salvage_replay(): the fallback was used
};

// Where the first record begins whose checksum is right; `n` if there is none.
size_t salvage_find_record(const char *, size_t n);
// Takes the bytes of a file apart.
void salvage_init(struct salvage *, const char *data, size_t size);
void salvage_done(struct salvage *);
// Replays the records and says of each that cannot be applied why. The schema of the first record
// is used, or `schema` when that one is lost (may be NULL: then it is an error).
struct db_error *salvage_replay(struct salvage *, const struct db_schema *schema) MUST_CHECK;
size_t salvage_count(const struct salvage *, bool good);
