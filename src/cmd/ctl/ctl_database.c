/* SPDX-License-Identifier: Apache-2.0 */
// The commands that work on any table. Those that only ask are in ctl_query.c.
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cmd/ctl/ctl.h"
#include "cmd/ctl/ctl_internal.h"

LOG_MODULE(db_ctl_base);

static const char *const assignment[] = {"=", NULL};

struct error *ctl_argument_table(struct ctl_context *c, const struct db_table_class **table)
{
	return ctl_find_table(c->ctl->program->database, c->argv[1], table);
}

struct error *ctl_argument_row(struct ctl_context *c, const struct db_table_class **table,
			       struct db_row **row)
{
	struct error *error = ctl_argument_table(c, table);

	*row = NULL;
	return error ? error
		     : ctl_find_row(c, *table, c->argv[2], !ctl_option(c, "--if-exists"), row);
}

struct error *ctl_prepare_table(struct ctl_context *c, const struct db_table_class **table)
{
	struct error *error = ctl_argument_table(c, table);

	if (!error)
		ctl_prepare_rows(c->ctl, *table);
	return error;
}

static struct error *check_mutable(const struct db_table_class *table, unsigned int column)
{
	if (table->columns[column].is_mutable)
		return NULL;
	return error_new("cannot modify read-only column %s in table %s",
			 table->columns[column].name, table->name);
}

// --- set

struct error *ctl_prepare_argument(struct ctl *ctl, const struct db_table_class *table,
				   const char *text)
{
	unsigned int column;
	struct error *error = ctl_argument_column(table, text, &column);

	if (!error)
		ctl_monitor(ctl, table, column);
	return error;
}

static struct error *prepare_set(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct error *error = ctl_prepare_table(c, &table);

	for (int i = 3; !error && i < c->argc; i++)
		error = ctl_prepare_argument(c->ctl, table, c->argv[i]);
	return error;
}

static struct error *set_key(struct ctl_context *c, struct db_row *row,
			     const struct ctl_argument *a, const struct column_type *type)
{
	union atom key, value;
	struct datum d;
	struct error *error = atom_from_text(&key, NULL, &type->key, a->key, &c->ctl->symtab);

	if (error)
		return error;
	error = atom_from_text(&value, NULL, &type->value, a->value, &c->ctl->symtab);
	if (error) {
		atom_done(&key, type->key.type);
		return error;
	}
	datum_init_empty(&d, type->key.type, type->value.type);
	datum_push(&d, &key, &value);
	dbtxn_add(c->ctl->txn, row, a->column, &d);
	datum_done(&d);
	return NULL;
}

struct error *ctl_set_argument(struct ctl_context *c, struct db_row *row, const char *text,
			       bool is_new)
{
	const struct db_table_class *table = dbclient_row_class(row);
	const struct column_type *type;
	struct ctl_argument a;
	struct datum value;
	struct error *error = ctl_parse_argument(table, text, assignment, &a);

	if (error)
		return error;
	type = ctl_column_type(c, table, a.column);
	if (!is_new)
		error = check_mutable(table, a.column);
	if (!error && a.key && !column_type_is_map(type))
		error = error_new("cannot specify key to set for non-map column %s",
				  table->columns[a.column].name);
	if (!error && a.key) {
		error = set_key(c, row, &a, type);
	} else if (!error) {
		error = datum_from_text(&value, type, a.value, &c->ctl->symtab);
		if (!error)
			dbtxn_write(c->ctl->txn, row, a.column, &value);
	}
	ctl_argument_done(&a);
	c->ctl->database_changed = true;
	return error;
}

static struct error *run_set(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct db_row *row;
	struct error *error = ctl_argument_row(c, &table, &row);

	for (int i = 3; row && !error && i < c->argc; i++)
		error = ctl_set_argument(c, row, c->argv[i], false);
	return error;
}

// --- add, remove, clear

// The column of the third argument; -1, to be set, is no column.
static struct error *find_mutable_column(struct ctl_context *c, const struct db_table_class *table,
					 const char *name, unsigned int *column)
{
	struct error *error = ctl_find_column(table, name, column);

	return error ? error : check_mutable(table, *column);
}

static struct error *prepare_columns(struct ctl_context *c, int first, int end)
{
	const struct db_table_class *table;
	struct error *error = ctl_prepare_table(c, &table);

	for (int i = first; !error && i < end; i++) {
		unsigned int column;

		error = ctl_find_column(table, c->argv[i], &column);
		if (!error)
			ctl_monitor(c->ctl, table, column);
	}
	return error;
}

static struct error *prepare_column(struct ctl_context *c)
{
	return prepare_columns(c, 3, 4);
}

// As many values as one likes, at least one.
static struct column_type any_number(const struct column_type *type)
{
	struct column_type any = *type;

	any.n_min = 1;
	any.n_max = UINT_MAX;
	return any;
}

static struct error *run_add(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct db_row *row;
	unsigned int column;
	struct error *error = ctl_argument_row(c, &table, &row);
	struct column_type type;

	if (error || !row)
		return error;
	error = find_mutable_column(c, table, c->argv[3], &column);
	if (error)
		return error;
	type = any_number(ctl_column_type(c, table, column));
	for (int i = 4; i < c->argc && !error; i++) {
		struct datum d;

		error = datum_from_text(&d, &type, c->argv[i], &c->ctl->symtab);
		if (error)
			break;
		dbtxn_add(c->ctl->txn, row, column, &d);
		datum_done(&d);
	}
	c->ctl->database_changed = true;
	return error;
}

// Keys, or for a map key=value too. *keys gets those that are to go.
static struct error *parse_removal(struct ctl_context *c, const struct column_type *type,
				   const struct datum *present, const char *text,
				   struct datum *keys)
{
	struct column_type any = any_number(type);
	struct datum d;
	struct error *error = datum_from_text(&d, &any, text, &c->ctl->symtab);

	if (error && column_type_is_map(type)) {
		error_free(error);
		base_type_init(&any.value, ATOM_VOID);
		error = datum_from_text(&d, &any, text, &c->ctl->symtab);
	}
	if (error)
		return error;
	datum_init_empty(keys, type->key.type, ATOM_VOID);
	for (size_t i = 0; i < d.n; i++)
		if (!column_type_is_map(&any) ||
		    datum_contains_pair(present, datum_key(&d, i), datum_value(&d, i)))
			datum_put(keys, datum_key(&d, i), NULL);
	datum_done(&d);
	return NULL;
}

static struct error *remove_values(struct ctl_context *c, struct db_row *row, unsigned int column,
				   const char *text)
{
	const struct column_type *type = ctl_column_type(c, dbclient_row_class(row), column);
	struct datum keys;
	struct error *error = parse_removal(c, type, dbtxn_read(row, column), text, &keys);

	if (error)
		return error;
	dbtxn_remove(c->ctl->txn, row, column, &keys);
	datum_done(&keys);
	return NULL;
}

static struct error *check_number_left(struct ctl_context *c, const struct db_row *row,
				       unsigned int column)
{
	const struct db_table_class *table = dbclient_row_class(row);
	const struct column_type *type = ctl_column_type(c, table, column);
	const struct datum *left = dbtxn_read(row, column);

	if (left->n >= type->n_min)
		return NULL;
	return error_new(
		"\"remove\" operation would put %u values in column %s of table %s but the minimum "
		"number is %u",
		left->n, table->columns[column].name, table->name, type->n_min);
}

static struct error *run_remove(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct db_row *row;
	unsigned int column;
	struct error *error = ctl_argument_row(c, &table, &row);

	if (error || !row)
		return error;
	error = find_mutable_column(c, table, c->argv[3], &column);
	for (int i = 4; i < c->argc && !error; i++)
		error = remove_values(c, row, column, c->argv[i]);
	if (!error)
		error = check_number_left(c, row, column);
	c->ctl->database_changed = true;
	return error;
}

static struct error *prepare_clear(struct ctl_context *c)
{
	return prepare_columns(c, 3, c->argc);
}

static struct error *run_clear(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct db_row *row;
	struct error *error = ctl_argument_row(c, &table, &row);

	for (int i = 3; row && !error && i < c->argc; i++) {
		const struct column_type *type;
		unsigned int column;
		struct datum empty;

		error = find_mutable_column(c, table, c->argv[i], &column);
		if (error)
			break;
		type = ctl_column_type(c, table, column);
		if (type->n_min)
			return error_new("\"clear\" operation cannot be applied to column %s of "
					 "table %s, which is not "
					 "allowed to be empty",
					 table->columns[column].name, table->name);
		datum_init_empty(&empty, type->key.type, type->value.type);
		dbtxn_write(c->ctl->txn, row, column, &empty);
	}
	c->ctl->database_changed = true;
	return error;
}

// --- create and destroy

static struct error *prepare_create(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct error *error = ctl_argument_table(c, &table);

	if (error)
		return error;
	if (!ctl_option(c, "--id") && !table->is_root)
		log_warn("applying \"create\" command to table %s without --id option will have no "
			 "effect",
			 table->name);
	ctl_prepare_rows(c->ctl, table);
	return NULL;
}

static struct error *insert_row(struct ctl_context *c, const struct db_table_class *table,
				struct db_row **row)
{
	const char *id = ctl_option(c, "--id");
	struct uuid uuid;
	struct symbol *symbol;
	struct error *error;

	if (!id) {
		*row = dbtxn_insert(c->ctl->txn, table);
		return NULL;
	}
	if (uuid_parse(id, &uuid)) {
		*row = dbtxn_insert_uuid(c->ctl->txn, table, &uuid);
		return NULL;
	}
	error = ctl_check_id(id);
	if (error)
		return error;
	symbol = symtab_get(&c->ctl->symtab, id);
	if (symbol->created)
		return error_new("row id \"%s\" may only be specified on one --id option", id);
	symbol->created = true;
	symbol->strong_ref |= table->is_root;
	*row = dbtxn_insert_as(c->ctl->txn, table, &symbol->uuid);
	return NULL;
}

static struct error *run_create(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct error *error = ctl_argument_table(c, &table);

	c->ctl->database_changed = true;
	if (!error)
		error = insert_row(c, table, &c->created);
	for (int i = 2; !error && i < c->argc; i++)
		error = ctl_set_argument(c, c->created, c->argv[i], true);
	if (!error)
		str_addf(&c->output, UUID_FORMAT "\n", UUID_ARGS(&c->created->uuid));
	return error;
}

// The UUID that the database chose.
static void after_create(struct ctl_context *c)
{
	struct uuid uuid;

	if (!c->created || !dbtxn_inserted_uuid(c->ctl->txn, c->created, &uuid))
		return;
	str_clear(&c->output);
	str_addf(&c->output, UUID_FORMAT "\n", UUID_ARGS(&uuid));
}

static struct error *prepare_destroy(struct ctl_context *c)
{
	const struct db_table_class *table;

	return ctl_prepare_table(c, &table);
}

static void destroy_all(struct ctl_context *c, const struct db_table_class *table)
{
	struct db_row *next;

	for (struct db_row *row = dbtxn_first(c->ctl->db, table); row; row = next) {
		next = dbtxn_next(row);
		dbtxn_delete(c->ctl->txn, row);
	}
}

static struct error *run_destroy(struct ctl_context *c)
{
	const struct db_table_class *table;
	bool all = ctl_option(c, "--all"), if_exists = ctl_option(c, "--if-exists");
	struct error *error = ctl_argument_table(c, &table);

	if (error)
		return error;
	if (all && c->argc > 2)
		return error_new("--all and records argument should not be specified together");
	if (all && if_exists)
		return error_new("--all and --if-exists should not be specified together");
	if (!all && c->argc == 2)
		log_warn("either --all or records argument should be specified");
	c->ctl->database_changed = true;
	if (all)
		destroy_all(c, table);
	for (int i = 2; !error && i < c->argc; i++) {
		struct db_row *row;

		error = ctl_find_row(c, table, c->argv[i], !if_exists, &row);
		if (row && !error)
			dbtxn_delete(c->ctl->txn, row);
	}
	return error;
}

// --- wait-until and comment

static struct error *prepare_wait_until(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct error *error = ctl_prepare_table(c, &table);

	return error ? error : ctl_prepare_conditions(c, 3);
}

static struct error *run_wait_until(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct db_row *row;
	bool hold = false;
	struct error *error = ctl_argument_table(c, &table);

	if (!error)
		error = ctl_find_row(c, table, c->argv[2], false, &row);
	if (!error && row)
		error = ctl_conditions_hold(c, row, 3, &hold);
	c->try_again = !hold;
	return error;
}

// It is in the transaction's comment already, as all commands are.
static struct error *do_nothing(struct ctl_context *c)
{
	return NULL;
}

const struct ctl_command ctl_database_commands[] = {
	{"comment", 0, INT_MAX, "*ARG", do_nothing, do_nothing, NULL, ""},
	{"get", 2, INT_MAX, "!TABLE !RECORD *COLUMN?:KEY", ctl_prepare_get, ctl_run_get, NULL,
	 "--if-exists,--id="},
	{"list", 1, INT_MAX, "!TABLE *RECORD", ctl_prepare_list, ctl_run_list, NULL,
	 "--if-exists,--columns="},
	{"find", 1, INT_MAX, "!TABLE *COLUMN?:KEY=VALUE", ctl_prepare_find, ctl_run_find, NULL,
	 "--columns="},
	{"set", 3, INT_MAX, "!TABLE !RECORD +COLUMN?:KEY=VALUE", prepare_set, run_set, NULL,
	 "--if-exists"},
	{"add", 4, INT_MAX, "!TABLE !RECORD !COLUMN +?KEY=VALUE", prepare_column, run_add, NULL,
	 "--if-exists"},
	{"remove", 4, INT_MAX, "!TABLE !RECORD !COLUMN +KEY|VALUE|KEY=VALUE", prepare_column,
	 run_remove, NULL, "--if-exists"},
	{"clear", 3, INT_MAX, "!TABLE !RECORD +COLUMN", prepare_clear, run_clear, NULL,
	 "--if-exists"},
	{"create", 2, INT_MAX, "!TABLE +COLUMN?:KEY=VALUE", prepare_create, run_create,
	 after_create, "--id="},
	{"destroy", 1, INT_MAX, "!TABLE *RECORD", prepare_destroy, run_destroy, NULL,
	 "--if-exists,--all"},
	{"wait-until", 2, INT_MAX, "!TABLE !RECORD *COLUMN?:KEY=VALUE", prepare_wait_until,
	 run_wait_until, NULL, ""},
	{0},
};
