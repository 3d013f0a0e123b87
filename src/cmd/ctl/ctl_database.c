/* SPDX-License-Identifier: Apache-2.0 */
// The commands that work on any table: get, list, find, set, add, remove, clear, create, destroy, wait-until, comment.
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cmd/ctl/ctl.h"

LOG_MODULE(db_ctl_base);

static const char *const assignment[] = {"=", NULL};

// Column -1 is the row's UUID.
static int column_number(const struct db_table_class *table, const char *name, struct error **error)
{
	unsigned int column = 0;

	if (!strcasecmp(name, "_uuid"))
		return -1;
	*error = ctl_find_column(table, name, &column);
	return (int)column;
}

// The table of a command's first argument; by the time a command runs, its name was found once.
static struct error *find_table(struct ctl_context *c, const struct db_table_class **table)
{
	return ctl_find_table(c->ctl->program->database, c->argv[1], table);
}

// The table and the row of the first two arguments. *row is NULL if it is not there and need not be.
static struct error *find_table_row(struct ctl_context *c, const struct db_table_class **table, struct db_row **row)
{
	struct error *error = find_table(c, table);

	*row = NULL;
	return error ? error : ctl_find_row(c, *table, c->argv[2], !ctl_option(c, "--if-exists"), row);
}

static struct error *prepare_table(struct ctl_context *c, const struct db_table_class **table)
{
	struct error *error = find_table(c, table);

	if (!error)
		ctl_prepare_rows(c->ctl, *table);
	return error;
}

static struct error *check_mutable(const struct db_table_class *table, unsigned int column)
{
	if (table->columns[column].is_mutable)
		return NULL;
	return error_new("cannot modify read-only column %s in table %s", table->columns[column].name, table->name);
}

static const struct column_type *type_of(const struct ctl_context *c, const struct db_table_class *table,
					 unsigned int column)
{
	return dbclient_column_type(c->ctl->db, table, column);
}

// --- get

static struct error *prepare_get(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct error *error = NULL;

	if (ctl_option(c, "--id") && ctl_option(c, "--if-exists"))
		return error_new("--if-exists and --id may not be specified together");
	error = prepare_table(c, &table);
	for (int i = 3; !error && i < c->argc; i++) {
		struct ctl_argument a;

		if (!strcasecmp(c->argv[i], "_uuid"))
			continue;
		error = ctl_parse_argument(table, c->argv[i], NULL, &a);
		if (!error) {
			ctl_monitor(c->ctl, table, a.column);
			ctl_argument_done(&a);
		}
	}
	return error;
}

static struct error *get_key(struct ctl_context *c, const struct db_table_class *table, struct db_row *row,
			     const struct ctl_argument *a)
{
	const struct column_type *type = type_of(c, table, a->column);
	const struct datum *d = dbtxn_read(row, a->column);
	union atom key;
	struct error *error;
	size_t at;

	if (!column_type_is_map(type))
		return error_new("cannot specify key to get for non-map column %s", table->columns[a->column].name);
	error = atom_from_text(&key, NULL, &type->key, a->key, &c->ctl->symtab);
	if (error)
		return error;
	at = datum_find(d, &key);
	if (at != SIZE_MAX)
		atom_to_text(datum_value(d, at), type->value.type, &c->output);
	else if (!ctl_option(c, "--if-exists"))
		error = error_new("no key \"%s\" in %s record \"%s\" column %s", a->key, table->name, c->argv[2],
				  table->columns[a->column].name);
	atom_done(&key, type->key.type);
	return error;
}

static struct error *get_argument(struct ctl_context *c, const struct db_table_class *table, struct db_row *row,
				  const char *text)
{
	struct ctl_argument a;
	struct error *error;

	if (!strcasecmp(text, "_uuid")) {
		str_addf(&c->output, UUID_FORMAT, UUID_ARGS(&row->uuid));
		return NULL;
	}
	error = ctl_parse_argument(table, text, NULL, &a);
	if (error)
		return error;
	if (a.key)
		error = get_key(c, table, row, &a);
	else
		datum_to_text(dbtxn_read(row, a.column), type_of(c, table, a.column), &c->output);
	ctl_argument_done(&a);
	return error;
}

static struct error *check_id(const char *id)
{
	return *id == '@' ? NULL : error_new("row id \"%s\" does not begin with \"@\"", id);
}

// Names an existing row.
static struct error *name_row(struct ctl_context *c, const char *id, const struct db_row *row)
{
	struct error *error = check_id(id);
	struct symbol *symbol;

	if (error)
		return error;
	symbol = symtab_find(&c->ctl->symtab, id);
	if (symbol && symbol->created)
		return error_new("row id \"%s\" may only be specified on one --id option", id);
	if (symbol)
		return error_new("row id \"%s\" specified on \"get\" command was used before it was defined", id);
	symbol = symtab_get(&c->ctl->symtab, id);
	symbol->uuid = row->uuid;
	symbol->created = symbol->strong_ref = true;
	return NULL;
}

static struct error *run_get(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct db_row *row;
	struct error *error = find_table_row(c, &table, &row);
	const char *id = ctl_option(c, "--id");

	if (error || !row)
		return error;
	if (id)
		error = name_row(c, id, row);
	for (int i = 3; !error && i < c->argc; i++) {
		error = get_argument(c, table, row, c->argv[i]);
		str_addc(&c->output, '\n');
	}
	return error;
}

// --- list and find

struct columns {
	int *v; // -1: the UUID
	size_t n;
};

static void columns_add(struct columns *columns, int column)
{
	columns->v = xrealloc(columns->v, (columns->n + 1) * sizeof(int));
	columns->v[columns->n++] = column;
}

static struct error *columns_named(const struct db_table_class *table, const char *names, struct columns *columns)
{
	char *copy = xstrdup(names), *save = NULL;
	struct error *error = NULL;

	for (char *name = strtok_r(copy, ", ", &save); name && !error; name = strtok_r(NULL, ", ", &save)) {
		int column = column_number(table, name, &error);

		if (!error)
			columns_add(columns, column);
	}
	free(copy);
	if (!error && !columns->n)
		error = error_new("must specify at least one column name");
	return error;
}

static struct error *columns_wanted(struct ctl_context *c, const struct db_table_class *table, struct columns *columns)
{
	const char *names = ctl_option(c, "--columns");
	struct error *error;

	*columns = (struct columns){0};
	if (names) {
		error = columns_named(table, names, columns);
		if (error)
			free(columns->v);
		return error;
	}
	for (int i = -1; i < (int)table->n_columns; i++)
		columns_add(columns, i);
	return NULL;
}

static struct error *prepare_list(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct error *error = prepare_table(c, &table);
	struct columns columns;

	if (!error)
		error = columns_wanted(c, table, &columns);
	if (error)
		return error;
	for (size_t i = 0; i < columns.n; i++)
		if (columns.v[i] >= 0)
			ctl_monitor(c->ctl, table, (unsigned int)columns.v[i]);
	free(columns.v);
	return NULL;
}

static void start_table(struct ctl_context *c, const struct db_table_class *table, const struct columns *columns)
{
	c->table = XNEW(struct text_table);
	for (size_t i = 0; i < columns->n; i++)
		text_table_add_column(c->table, columns->v[i] < 0 ? "_uuid" : table->columns[columns->v[i]].name);
}

static void add_row(struct ctl_context *c, const struct db_table_class *table, const struct columns *columns,
		    struct db_row *row, const struct column_type *uuid_type)
{
	for (size_t i = 0; i < columns->n; i++) {
		unsigned int column = (unsigned int)columns->v[i];

		if (columns->v[i] < 0) {
			struct datum uuid;

			datum_init_uuid(&uuid, &row->uuid);
			text_table_add_datum(c->table, &uuid, uuid_type);
			datum_done(&uuid);
		} else {
			text_table_add_datum(c->table, dbtxn_read(row, column), type_of(c, table, column));
		}
	}
}

// Cells point to it until the table is printed.
static const struct column_type *uuid_column_type(void)
{
	static struct column_type type;

	column_type_init_scalar(&type, ATOM_UUID);
	return &type;
}

static struct error *run_list(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct columns columns;
	struct error *error = find_table(c, &table);

	if (!error)
		error = columns_wanted(c, table, &columns);
	if (error)
		return error;
	start_table(c, table, &columns);
	if (c->argc == 2)
		for (struct db_row *row = dbtxn_first(c->ctl->db, table); row; row = dbtxn_next(row))
			add_row(c, table, &columns, row, uuid_column_type());
	for (int i = 2; i < c->argc && !error; i++) {
		struct db_row *row;

		error = ctl_find_row(c, table, c->argv[i], !ctl_option(c, "--if-exists"), &row);
		if (row && !error)
			add_row(c, table, &columns, row, uuid_column_type());
	}
	free(columns.v);
	return error;
}

static struct error *prepare_conditions(struct ctl_context *c, int first)
{
	const struct db_table_class *table;
	struct error *error = find_table(c, &table);

	for (int i = first; !error && i < c->argc; i++) {
		unsigned int column;

		error = ctl_condition_column(table, c->argv[i], &column);
		if (!error)
			ctl_monitor(c->ctl, table, column);
	}
	return error;
}

static struct error *conditions_hold(struct ctl_context *c, struct db_row *row, int first, bool *hold)
{
	struct error *error = NULL;

	*hold = true;
	for (int i = first; !error && *hold && i < c->argc; i++)
		error = ctl_condition_holds(c, row, c->argv[i], hold);
	return error;
}

static struct error *prepare_find(struct ctl_context *c)
{
	struct error *error = prepare_list(c);

	return error ? error : prepare_conditions(c, 2);
}

static struct error *run_find(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct columns columns;
	struct error *error = find_table(c, &table);

	if (!error)
		error = columns_wanted(c, table, &columns);
	if (error)
		return error;
	start_table(c, table, &columns);
	for (struct db_row *row = dbtxn_first(c->ctl->db, table); row && !error; row = dbtxn_next(row)) {
		bool hold;

		error = conditions_hold(c, row, 2, &hold);
		if (!error && hold)
			add_row(c, table, &columns, row, uuid_column_type());
	}
	free(columns.v);
	return error;
}

// --- set

struct error *ctl_prepare_argument(struct ctl *ctl, const struct db_table_class *table, const char *text)
{
	struct ctl_argument a;
	struct error *error = ctl_parse_argument(table, text, assignment, &a);

	if (error)
		return error;
	ctl_monitor(ctl, table, a.column);
	ctl_argument_done(&a);
	return NULL;
}

static struct error *prepare_set(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct error *error = prepare_table(c, &table);

	for (int i = 3; !error && i < c->argc; i++) {
		struct ctl_argument a;

		error = ctl_parse_argument(table, c->argv[i], assignment, &a);
		if (error)
			break;
		ctl_monitor(c->ctl, table, a.column);
		error = check_mutable(table, a.column);
		ctl_argument_done(&a);
	}
	return error;
}

static struct error *set_key(struct ctl_context *c, struct db_row *row, const struct ctl_argument *a,
			     const struct column_type *type)
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

struct error *ctl_set_argument(struct ctl_context *c, struct db_row *row, const char *text, bool is_new)
{
	const struct db_table_class *table = dbclient_row_class(row);
	const struct column_type *type;
	struct ctl_argument a;
	struct datum value;
	struct error *error = ctl_parse_argument(table, text, assignment, &a);

	if (error)
		return error;
	type = type_of(c, table, a.column);
	if (!is_new)
		error = check_mutable(table, a.column);
	if (!error && a.key && !column_type_is_map(type))
		error = error_new("cannot specify key to set for non-map column %s", table->columns[a.column].name);
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
	struct error *error = find_table_row(c, &table, &row);

	for (int i = 3; row && !error && i < c->argc; i++)
		error = ctl_set_argument(c, row, c->argv[i], false);
	return error;
}

// --- add, remove, clear

// The column of the third argument; -1, to be set, is no column.
static struct error *find_mutable_column(struct ctl_context *c, const struct db_table_class *table, const char *name,
					 unsigned int *column)
{
	struct error *error = ctl_find_column(table, name, column);

	return error ? error : check_mutable(table, *column);
}

static struct error *prepare_columns(struct ctl_context *c, int first, int end)
{
	const struct db_table_class *table;
	struct error *error = prepare_table(c, &table);

	for (int i = first; !error && i < end; i++) {
		unsigned int column;

		error = find_mutable_column(c, table, c->argv[i], &column);
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
	struct error *error = find_table_row(c, &table, &row);
	struct column_type type;

	if (error || !row)
		return error;
	error = find_mutable_column(c, table, c->argv[3], &column);
	if (error)
		return error;
	type = any_number(type_of(c, table, column));
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
static struct error *parse_removal(struct ctl_context *c, const struct column_type *type, const struct datum *present,
				   const char *text, struct datum *keys)
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
		if (!column_type_is_map(&any) || datum_contains_pair(present, datum_key(&d, i), datum_value(&d, i)))
			datum_put(keys, datum_key(&d, i), NULL);
	datum_done(&d);
	return NULL;
}

static struct error *remove_values(struct ctl_context *c, struct db_row *row, unsigned int column, const char *text)
{
	const struct db_table_class *table = dbclient_row_class(row);
	const struct column_type *type = type_of(c, table, column);
	const struct datum *present = dbtxn_read(row, column);
	struct datum keys;
	size_t n_left = present->n;
	struct error *error = parse_removal(c, type, present, text, &keys);

	if (error)
		return error;
	for (size_t i = 0; i < keys.n; i++)
		n_left -= datum_find(present, datum_key(&keys, i)) != SIZE_MAX;
	if (n_left < type->n_min)
		error = error_new("\"remove\" operation would put %zu values in column %s of table %s but the minimum "
				  "number is %u",
				  n_left, table->columns[column].name, table->name, type->n_min);
	else
		dbtxn_remove(c->ctl->txn, row, column, &keys);
	datum_done(&keys);
	return error;
}

static struct error *run_remove(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct db_row *row;
	unsigned int column;
	struct error *error = find_table_row(c, &table, &row);

	if (error || !row)
		return error;
	error = find_mutable_column(c, table, c->argv[3], &column);
	for (int i = 4; i < c->argc && !error; i++)
		error = remove_values(c, row, column, c->argv[i]);
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
	struct error *error = find_table_row(c, &table, &row);

	for (int i = 3; row && !error && i < c->argc; i++) {
		const struct column_type *type;
		unsigned int column;
		struct datum empty;

		error = find_mutable_column(c, table, c->argv[i], &column);
		if (error)
			break;
		type = type_of(c, table, column);
		if (type->n_min)
			return error_new("\"clear\" operation cannot be applied to column %s of table %s, which is not "
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
	struct error *error = find_table(c, &table);

	if (error)
		return error;
	if (!ctl_option(c, "--id") && !table->is_root)
		log_warn("applying \"create\" command to table %s without --id option will have no effect",
			 table->name);
	ctl_prepare_rows(c->ctl, table);
	for (int i = 2; !error && i < c->argc; i++)
		error = ctl_prepare_argument(c->ctl, table, c->argv[i]);
	return error;
}

static struct error *insert_row(struct ctl_context *c, const struct db_table_class *table, struct db_row **row)
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
	error = check_id(id);
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
	struct error *error = find_table(c, &table);

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

	return prepare_table(c, &table);
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
	struct error *error = find_table(c, &table);

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
	struct error *error = prepare_table(c, &table);

	return error ? error : prepare_conditions(c, 3);
}

static struct error *run_wait_until(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct db_row *row;
	bool hold = false;
	struct error *error = find_table(c, &table);

	if (!error)
		error = ctl_find_row(c, table, c->argv[2], false, &row);
	if (!error && row)
		error = conditions_hold(c, row, 3, &hold);
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
	{"get", 2, INT_MAX, "!TABLE !RECORD *COLUMN?:KEY", prepare_get, run_get, NULL, "--if-exists,--id="},
	{"list", 1, INT_MAX, "!TABLE *RECORD", prepare_list, run_list, NULL, "--if-exists,--columns="},
	{"find", 1, INT_MAX, "!TABLE *COLUMN?:KEY=VALUE", prepare_find, run_find, NULL, "--columns="},
	{"set", 3, INT_MAX, "!TABLE !RECORD +COLUMN?:KEY=VALUE", prepare_set, run_set, NULL, "--if-exists"},
	{"add", 4, INT_MAX, "!TABLE !RECORD !COLUMN +?KEY=VALUE", prepare_column, run_add, NULL, "--if-exists"},
	{"remove", 4, INT_MAX, "!TABLE !RECORD !COLUMN +KEY|VALUE|KEY=VALUE", prepare_column, run_remove, NULL,
	 "--if-exists"},
	{"clear", 3, INT_MAX, "!TABLE !RECORD +COLUMN", prepare_clear, run_clear, NULL, "--if-exists"},
	{"create", 2, INT_MAX, "!TABLE +COLUMN?:KEY=VALUE", prepare_create, run_create, after_create, "--id="},
	{"destroy", 1, INT_MAX, "!TABLE *RECORD", prepare_destroy, run_destroy, NULL, "--if-exists,--all"},
	{"wait-until", 2, INT_MAX, "!TABLE !RECORD *COLUMN?:KEY=VALUE", prepare_wait_until, run_wait_until, NULL, ""},
	{0},
};
