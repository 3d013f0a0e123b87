/* SPDX-License-Identifier: Apache-2.0 */
// What the generated code says about a database: tables, columns, and where each column's members
// are in the row's struct. Everything here is const and lives as long as the program.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ovsdb/atom.h"

// How a column's value looks in C.
enum db_shape {
	DB_ONE,	     // one member
	DB_OPTIONAL, // one member; strings and references are NULL when missing, others have a
		     // count of 0 or 1
	DB_SET,	     // an array and a count
	DB_MAP,	     // two arrays and a count; a struct smap for strings to strings
};

struct db_table_class;

struct db_column {
	const char *name;
	enum db_shape shape;
	enum atom_type key, value; // value: ATOM_VOID unless it is a map
	uint16_t at;		   // offset of the member, the keys or the smap
	uint16_t value_at;	   // of a map's values
	uint16_t n_at;		   // of the count; 0 when there is none
	bool is_mutable, is_ephemeral;
	const struct db_table_class *key_ref, *value_ref; // the table that references go to
	const char *type_json;				  // <type> of RFC 7047, section 3.2
};

struct db_table_class {
	const char *name;
	unsigned int number;		 // its place in the database
	const struct db_column *columns; // in the order of their names
	unsigned int n_columns;
	size_t row_size;
	const char *const (*indexes)[4]; // names of columns, NULL after the last
	unsigned int n_indexes;
	bool is_root;
	unsigned int max_rows; // 0: no limit
};

struct db_class {
	const char *name;			    // of the database
	const char *version;			    // of the schema
	const struct db_table_class *const *tables; // in the order of their names
	unsigned int n_tables;
};

// NULL when there is none of that name.
const struct db_table_class *db_class_find_table(const struct db_class *, const char *name);
// -1 when there is none of that name.
int db_table_class_find_column(const struct db_table_class *, const char *name);
