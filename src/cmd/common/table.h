/* SPDX-License-Identifier: Apache-2.0 */
// Tables as ovs-vsctl and ovsdb-client print them: formats table, list, html, csv, json; data
// string, bare, json.
#pragma once
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/vec.h"
#include "ovsdb/datum.h"

enum text_table_format {
	TEXT_TABLE_TABLE,
	TEXT_TABLE_LIST,
	TEXT_TABLE_HTML,
	TEXT_TABLE_CSV,
	TEXT_TABLE_JSON
};
enum text_table_data { TEXT_TABLE_STRING, TEXT_TABLE_BARE, TEXT_TABLE_JSON_DATA };

struct text_table_style {
	enum text_table_format format;
	enum text_table_data data;
	bool no_headings;
	bool pretty;	      // JSON with line breaks
	bool timestamp;	      // put the time before the caption (for tables that ask for it)
	int max_column_width; // 0: no limit
	bool any_printed;     // a blank line parts tables
};

// What the options below begin with: format table, data string.
#define TEXT_TABLE_STYLE_INIT                                                                      \
	{                                                                                          \
		0                                                                                  \
	}

// One cell: text, or a datum and its type, or JSON.
struct text_table_cell {
	char *text;			// NULL unless the cell is text
	json_t *json;			// NULL unless the cell is JSON
	struct datum datum;		// when `type` is set
	const struct column_type *type; // borrowed
};

struct text_table {
	char *caption; // NULL: none
	VEC(char *) headings;
	VEC(struct text_table_cell) cells; // row by row
	bool timestamp;			   // print the time when the style wants it
};

#define TEXT_TABLE_INIT                                                                            \
	{                                                                                          \
		0                                                                                  \
	}

void text_table_done(struct text_table *);
void text_table_set_caption(struct text_table *, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
// All columns are added before the first cell.
void text_table_add_column(struct text_table *, const char *heading);
// Cells fill rows from left to right; a row is full when it has as many as there are columns.
void text_table_add_text(struct text_table *, const char *);
void text_table_add_empty(struct text_table *); // shows nothing; null in JSON
// Shares the datum; the type must outlive the table.
void text_table_add_datum(struct text_table *, const struct datum *, const struct column_type *);
void text_table_add_json(struct text_table *, json_t *); // takes
size_t text_table_n_rows(const struct text_table *);
void text_table_print(const struct text_table *, struct text_table_style *, FILE *);
void text_table_format(const struct text_table *, struct text_table_style *, struct str *);
// What one cell shows in the style. Appends.
void text_table_cell_text(const struct text_table_cell *, const struct text_table_style *,
			  struct str *);

// --- Command-line options: -f --format -d --data --no-headings --pretty --bare --max-column-width
// --timestamp

enum {
	TEXT_TABLE_OPT_NO_HEADINGS = 0x1000,
	TEXT_TABLE_OPT_PRETTY,
	TEXT_TABLE_OPT_BARE,
	TEXT_TABLE_OPT_MAX_COLUMN_WIDTH,
	TEXT_TABLE_OPT_TIMESTAMP,
};

// Add "f:d:" to the short options. ovs-vsctl has no --timestamp.
#define TEXT_TABLE_LONG_OPTIONS                                                                    \
	{"format", required_argument, NULL, 'f'}, {"data", required_argument, NULL, 'd'},          \
		{"no-headings", no_argument, NULL, TEXT_TABLE_OPT_NO_HEADINGS},                    \
		{"pretty", no_argument, NULL, TEXT_TABLE_OPT_PRETTY},                              \
		{"bare", no_argument, NULL, TEXT_TABLE_OPT_BARE},                                  \
	{                                                                                          \
		"max-column-width", required_argument, NULL, TEXT_TABLE_OPT_MAX_COLUMN_WIDTH       \
	}
#define TEXT_TABLE_TIMESTAMP_OPTION                                                                \
	{                                                                                          \
		"timestamp", no_argument, NULL, TEXT_TABLE_OPT_TIMESTAMP                           \
	}

// *handled says whether the option is one of these. An error is one of its argument.
struct error *text_table_parse_option(struct text_table_style *, int option, const char *argument,
				      bool *handled) MUST_CHECK;
