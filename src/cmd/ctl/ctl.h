/* SPDX-License-Identifier: Apache-2.0 */
// The frame of programs that change an OVSDB database from the command line (ovs-vsctl, vtep-ctl):
// several commands in one transaction, tried again when somebody else changed what it relied on,
// and the generic commands that work on any table (ctl_database.c). The program brings its own
// commands as rows of a table.
#pragma once
#include "base/str.h"
#include "cmd/common/table.h"
#include "dbclient/dbclass.h"
#include "dbclient/dbclient.h"
#include "dbclient/dbtxn_datum.h"

struct ctl_context;

struct ctl_command {
	const char *name;
	int min_args, max_args; // INT_MAX: any number
	const char *arguments;	// for --commands and completion: "!BRIDGE ?KEY"
	// Says which columns the command uses. Runs once, before the database is there.
	struct error *(*prepare)(struct ctl_context *);
	// Adds to the transaction and to the output. Runs again when the transaction must be
	// repeated. Any error is final; to wait for a change instead, set context->try_again.
	struct error *(*run)(struct ctl_context *);
	// After the commit. May be NULL.
	void (*after)(struct ctl_context *);
	const char *options; // "--if-exists,--id=": those with = need a value
};

// How a user may name a row of `table`, besides its UUID.
struct ctl_row_id {
	const struct db_table_class *table;
	const struct db_table_class
		*named; // the table that has the name: `table` itself, or one that refers to it
	unsigned int name_column; // in `named`
	int ref_column;		  // of `named`, that refers to `table`; -1 when `named` is `table`
};

// What "show" prints of a table: a line with the name, then columns that differ from their default,
// and rows they refer to.
enum { CTL_SHOW_MAX = 4 };
struct ctl_show {
	const struct db_table_class *table;
	int name_column;	   // -1: the UUID
	int columns[CTL_SHOW_MAX]; // ends with -1 if shorter
};

struct ctl_program {
	const char *description;
	const struct db_class *database;
	const struct ctl_command *commands; // its own; ends with a NULL name
	const struct ctl_row_id *row_ids;   // ends with a NULL table
	const struct ctl_show *show;	    // the first is where it begins; ends with a NULL table
};

// What the commands of one run share.
struct ctl {
	const struct ctl_program *program;
	struct dbclient *db;
	struct dbtxn *txn;     // open while commands run
	struct symtab symtab;  // @names, anew for each try
	void *data;	       // the program's own
	int exit_status;       // not 0: stop now, without a commit
	bool database_changed; // by a generic command since this was last cleared: caches of rows
			       // are out of date
};

struct ctl_context {
	struct ctl *ctl;
	const struct ctl_command *command;
	int argc; // argv[0] is the command's name
	char **argv;
	struct smap options;
	struct str output;
	struct text_table *table; // shown instead of the output
	bool try_again;
	struct db_row *created; // by this command
};

static inline const char *ctl_option(const struct ctl_context *c, const char *name)
{
	return smap_find(&c->options, name);
}

// --- ctl_parse.c

// The commands that every program has; ends with a NULL name.
extern const struct ctl_command ctl_database_commands[];
const struct ctl_command *ctl_find_command(const struct ctl_program *, const char *name);

struct ctl_commands {
	struct ctl_context *v;
	size_t n;
};
// Splits at "--". `options` were found among the program's own and belong to the first command.
// argv is borrowed.
struct error *ctl_parse_commands(struct ctl *, int argc, char *argv[], const struct smap *options,
				 struct ctl_commands *) MUST_CHECK;
void ctl_commands_done(struct ctl_commands *);
// Calls back for each distinct option of a command: its name without "=" and whether it needs a
// value.
void ctl_foreach_option(const struct ctl_program *,
			void (*)(void *arg, const char *name, bool has_value), void *arg);
// --commands.
void ctl_print_commands(const struct ctl_program *);

// --- ctl_names.c: tables, columns and rows as users name them

struct error *ctl_find_table(const struct db_class *, const char *name,
			     const struct db_table_class **) MUST_CHECK;
struct error *ctl_find_column(const struct db_table_class *, const char *name,
			      unsigned int *column) MUST_CHECK;
// *row is NULL when there is none; that is an error with `must_exist`.
struct error *ctl_find_row(struct ctl_context *, const struct db_table_class *, const char *name,
			   bool must_exist, struct db_row **) MUST_CHECK;
// Monitors what ctl_find_row() needs.
void ctl_prepare_rows(struct ctl *, const struct db_table_class *);

// One argument "COLUMN[:KEY]" with, where `operators` (NULL at the end) is not NULL, an operator
// and a value.
struct ctl_argument {
	unsigned int column;
	char *key;	   // NULL when there is none
	int operator;	   // its place among `operators`
	const char *value; // borrowed from the text
};
struct error *ctl_parse_argument(const struct db_table_class *, const char *text,
				 const char *const *operators, struct ctl_argument *) MUST_CHECK;
// Only the column that it names: what follows is looked at when the command runs.
struct error *ctl_argument_column(const struct db_table_class *, const char *text,
				  unsigned int *column) MUST_CHECK;
void ctl_argument_done(struct ctl_argument *);

// --- ctl_condition.c

// COLUMN[:KEY] OPERATOR VALUE; the column is monitored already.
struct error *ctl_condition_holds(struct ctl_context *, struct db_row *, const char *text,
				  bool *holds) MUST_CHECK;

// --- ctl_database.c

// Sets COLUMN[:KEY]=VALUE of a row.
struct error *ctl_set_argument(struct ctl_context *, struct db_row *, const char *text,
			       bool is_new) MUST_CHECK;
// Monitors the column that it names.
struct error *ctl_prepare_argument(struct ctl *, const struct db_table_class *,
				   const char *text) MUST_CHECK;
static inline void ctl_monitor(struct ctl *ctl, const struct db_table_class *table,
			       unsigned int column)
{
	dbclient_monitor_column(ctl->db, table, column, DB_READ);
}

// --- ctl_show.c

struct error *ctl_prepare_show(struct ctl_context *) MUST_CHECK;
struct error *ctl_run_show(struct ctl_context *) MUST_CHECK;

// --- ctl_run.c

// One try: runs all commands in a new transaction, which stays open. *again: some command waits for
// the database to change.
struct error *ctl_run_commands(struct ctl *, struct ctl_commands *, bool *again) MUST_CHECK;
// Text, with --oneline on one line, or the table.
void ctl_print_output(const struct ctl_context *, bool oneline, struct text_table_style *);
// As the programs that parse our log expect it.
void ctl_log_transaction_error(const char *text);
// The end by --timeout: the exit status is that of the signal, which callers look for.
void ctl_die_of_alarm(void) __attribute__((noreturn));
// The command line for the comment in the database's log: words quoted where they must be.
char *ctl_join_arguments(char *argv[]);
// The program that runs us, from /proc; "" when that is not to be known.
char *ctl_parent_name(void);
