/* SPDX-License-Identifier: Apache-2.0 */
// Database, table and column schemas (RFC 7047 section 3.2).
#pragma once
#include <stdbool.h>
#include <uthash.h>

#include "ovsdb/datum.h"

struct column_schema {
	char *name;
	unsigned int index; // its place in a row: 0 _uuid, 1 _version, then by name
	bool mutable;
	bool persistent; // written to the file: not ephemeral, and not _version
	struct column_type type;
	UT_hash_handle hh;
};

enum { COLUMN_UUID, COLUMN_VERSION, N_STD_COLUMNS };

// Columns whose values together are distinct in each row.
struct table_index {
	struct column_schema **columns; // in the order of the schema
	unsigned int n_columns;
};

struct table_schema {
	char *name;
	unsigned int number; // its place in the database schema
	bool mutable;	     // some column can change after the insert
	bool is_root; // rows live without being referenced; true in each table when no table has
		      // the mark
	bool is_root_marked;   // what the schema says
	unsigned int max_rows; // UINT_MAX: no limit
	struct column_schema **columns;
	unsigned int n_columns;
	struct table_index *indexes;
	unsigned int n_indexes;
	struct column_schema *by_name;
	UT_hash_handle hh;
};

struct db_schema {
	char *name;
	char *version;		      // "" when there is none
	char *cksum;		      // "" when there is none
	struct table_schema **tables; // by name, ascending
	unsigned int n_tables;
	struct table_schema *by_name;
};

// Reads <database-schema>; the result is owned by the caller.
struct db_error *db_schema_from_json(const json_t *, struct db_schema **) MUST_CHECK;
struct db_error *db_schema_from_file(const char *path, struct db_schema **) MUST_CHECK;
json_t *db_schema_to_json(const struct db_schema *);
void db_schema_free(struct db_schema *);
struct db_schema *db_schema_clone(const struct db_schema *);
bool db_schema_equal(const struct db_schema *, const struct db_schema *);
// NULL if there is none.
struct table_schema *db_schema_find_table(const struct db_schema *, const char *name);
struct column_schema *table_schema_find_column(const struct table_schema *, const char *name);
// With `default_is_root`, isRoot is written only where it differs from the default.
json_t *table_schema_to_json(const struct table_schema *, bool default_is_root);
json_t *column_schema_to_json(const struct column_schema *);
// True for x.y.z with numbers.
bool db_version_is_valid(const char *);
// <id> of RFC 7047: a letter or underscore, then letters, digits, underscores.
bool db_is_valid_id(const char *);
