/* SPDX-License-Identifier: Apache-2.0 */
// A database with its file: opening replays the records, committing appends one. What wants to know
// of changes is its observer. No loop and no clients here: ovsdb-tool uses it, too.
#pragma once
#include "dbserver/journal.h"
#include "ovsdb/execute.h"

struct database_observer {
	// The transaction is written and about to be final: old and new columns can be seen.
	void (*changed)(void *arg, const struct db_txn *);
	// It is final.
	void (*committed)(void *arg);
	void *arg;
};

struct database {
	struct db *db;
	struct journal *journal; // NULL: only in memory
	char *path;		 // NULL: only in memory
	struct database_observer observer;
	int64_t compacted_at;	// ms of clock_ms()
	int64_t compacted_size; // bytes then
	size_t n_transactions;
	bool whole_columns; // write sets and maps whole, not as differences
	char *problem;	    // why nothing can be written; NULL when it can
};

// Makes a new file with a schema and nothing else.
struct db_error *database_create(const char *path, const struct db_schema *) MUST_CHECK;
// Opens and replays. Writable ones take the lock; damage at the end of the file is cut off and told
// in *warning (owned by the caller, else NULL). Read-only ones end at the damage.
struct db_error *database_open(const char *path, bool writable, struct database **,
			       char **warning) MUST_CHECK;
// The same under another schema: columns that are not in it are dropped.
struct db_error *database_open_converting(const char *path, const struct db_schema *,
					  struct database **, char **warning) MUST_CHECK;
// Without a file. Takes the schema.
struct database *database_new(struct db_schema *);
void database_free(struct database *);
static inline const char *database_name(const struct database *d)
{
	return d->db->schema->name;
}

// Writes a prepared transaction and makes it final, or undoes it when writing fails. Waits for the
// disk when it is to be durable. After a failure the database can only be read: `problem` says why.
// Each commit tries again, unless the journal is suspect.
struct db_error *database_commit(struct database *, struct db_txn *) MUST_CHECK;
// Rewrites the file as a schema and one record. `comment` is put into it.
struct db_error *database_compact(struct database *, const char *comment) MUST_CHECK;
// While there is a problem: whether it is over. What was lost is written anew.
void database_heal(struct database *);
// True when the file has grown so much, or so much time has passed, that it should be compacted.
bool database_wants_compaction(const struct database *);
// Gives the database another schema, in memory and file; rows must fit it. Replaces d->db: when
// nothing can go wrong any more, `forget` is called, for who has pointers into the old one.
struct db_error *database_convert(struct database *, const struct db_schema *,
				  void (*forget)(void *arg), void *arg) MUST_CHECK;
// The schema of a file, without reading further. Owned by the caller.
struct db_error *database_read_schema(const char *path, struct db_schema **) MUST_CHECK;

// --- Records, for whoever reads files without a database.

// A record that is a schema: the first, and later ones where the database was converted.
bool db_record_is_schema(const json_t *);
// Does what the record says; a schema puts a converted database in place of *db.
struct db_error *database_replay_record(struct db **db, const json_t *) MUST_CHECK;
