/* SPDX-License-Identifier: Apache-2.0 */
// get, list, find, and the conditions of find and wait-until.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "cmd/ctl/ctl.h"
#include "cmd/ctl/ctl_internal.h"

// Column -1 is the row's UUID.
static int column_number(const struct db_table_class *table, const char *name, struct error **error)
{
	unsigned int column = 0;

	if (!strcasecmp(name, "_uuid"))
		return -1;
	*error = ctl_find_column(table, name, &column);
	return (int)column;
}

// --- get

struct error *ctl_prepare_get(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct error *error = NULL;

	if (ctl_option(c, "--id") && ctl_option(c, "--if-exists"))
		return error_new("--if-exists and --id may not be specified together");
	error = ctl_prepare_table(c, &table);
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

static struct error *get_key(struct ctl_context *c, const struct db_table_class *table,
			     struct db_row *row, const struct ctl_argument *a)
{
	const struct column_type *type = ctl_column_type(c, table, a->column);
	const struct datum *d = dbtxn_read(row, a->column);
	union atom key;
	struct error *error;
	size_t at;

	if (!column_type_is_map(type))
		return error_new("cannot specify key to get for non-map column %s",
				 table->columns[a->column].name);
	error = atom_from_text(&key, NULL, &type->key, a->key, &c->ctl->symtab);
	if (error)
		return error;
	at = datum_find(d, &key);
	if (at != SIZE_MAX)
		atom_to_text(datum_value(d, at), type->value.type, &c->output);
	else if (!ctl_option(c, "--if-exists"))
		error = error_new("no key \"%s\" in %s record \"%s\" column %s", a->key,
				  table->name, c->argv[2], table->columns[a->column].name);
	atom_done(&key, type->key.type);
	return error;
}

static struct error *get_argument(struct ctl_context *c, const struct db_table_class *table,
				  struct db_row *row, const char *text)
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
		datum_to_text(dbtxn_read(row, a.column), ctl_column_type(c, table, a.column),
			      &c->output);
	ctl_argument_done(&a);
	return error;
}

struct error *ctl_check_id(const char *id)
{
	return *id == '@' ? NULL : error_new("row id \"%s\" does not begin with \"@\"", id);
}

// Names an existing row.
static struct error *name_row(struct ctl_context *c, const char *id, const struct db_row *row)
{
	struct error *error = ctl_check_id(id);
	struct symbol *symbol;

	if (error)
		return error;
	symbol = symtab_find(&c->ctl->symtab, id);
	if (symbol && symbol->created)
		return error_new("row id \"%s\" may only be specified on one --id option", id);
	if (symbol)
		return error_new(
			"row id \"%s\" specified on \"get\" command was used before it was defined",
			id);
	symbol = symtab_get(&c->ctl->symtab, id);
	symbol->uuid = row->uuid;
	symbol->created = symbol->strong_ref = true;
	return NULL;
}

struct error *ctl_run_get(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct db_row *row;
	struct error *error = ctl_argument_row(c, &table, &row);
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

static struct error *columns_named(const struct db_table_class *table, const char *names,
				   struct columns *columns)
{
	char *copy = xstrdup(names), *save = NULL;
	struct error *error = NULL;

	for (char *name = strtok_r(copy, ", ", &save); name && !error;
	     name = strtok_r(NULL, ", ", &save)) {
		int column = column_number(table, name, &error);

		if (!error)
			columns_add(columns, column);
	}
	free(copy);
	if (!error && !columns->n)
		error = error_new("must specify at least one column name");
	return error;
}

static struct error *columns_wanted(struct ctl_context *c, const struct db_table_class *table,
				    struct columns *columns)
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

struct error *ctl_prepare_list(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct error *error = ctl_prepare_table(c, &table);
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

static void start_table(struct ctl_context *c, const struct db_table_class *table,
			const struct columns *columns)
{
	c->table = XNEW(struct text_table);
	for (size_t i = 0; i < columns->n; i++)
		text_table_add_column(
			c->table, columns->v[i] < 0 ? "_uuid" : table->columns[columns->v[i]].name);
}

static void add_row(struct ctl_context *c, const struct db_table_class *table,
		    const struct columns *columns, struct db_row *row,
		    const struct column_type *uuid_type)
{
	for (size_t i = 0; i < columns->n; i++) {
		unsigned int column = (unsigned int)columns->v[i];

		if (columns->v[i] < 0) {
			struct datum uuid;

			datum_init_uuid(&uuid, &row->uuid);
			text_table_add_datum(c->table, &uuid, uuid_type);
			datum_done(&uuid);
		} else {
			text_table_add_datum(c->table, dbtxn_read(row, column),
					     ctl_column_type(c, table, column));
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

struct error *ctl_run_list(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct columns columns;
	struct error *error = ctl_argument_table(c, &table);

	if (!error)
		error = columns_wanted(c, table, &columns);
	if (error)
		return error;
	start_table(c, table, &columns);
	if (c->argc == 2)
		for (struct db_row *row = dbtxn_first(c->ctl->db, table); row;
		     row = dbtxn_next(row))
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

struct error *ctl_prepare_conditions(struct ctl_context *c, int first)
{
	const struct db_table_class *table;
	struct error *error = ctl_argument_table(c, &table);

	for (int i = first; !error && i < c->argc; i++) {
		unsigned int column;

		error = ctl_argument_column(table, c->argv[i], &column);
		if (!error)
			ctl_monitor(c->ctl, table, column);
	}
	return error;
}

struct error *ctl_conditions_hold(struct ctl_context *c, struct db_row *row, int first, bool *hold)
{
	struct error *error = NULL;

	*hold = true;
	for (int i = first; !error && *hold && i < c->argc; i++)
		error = ctl_condition_holds(c, row, c->argv[i], hold);
	return error;
}

struct error *ctl_prepare_find(struct ctl_context *c)
{
	struct error *error = ctl_prepare_list(c);

	return error ? error : ctl_prepare_conditions(c, 2);
}

struct error *ctl_run_find(struct ctl_context *c)
{
	const struct db_table_class *table;
	struct columns columns;
	struct error *error = ctl_argument_table(c, &table);

	if (!error)
		error = columns_wanted(c, table, &columns);
	if (error)
		return error;
	start_table(c, table, &columns);
	for (struct db_row *row = dbtxn_first(c->ctl->db, table); row && !error;
	     row = dbtxn_next(row)) {
		bool hold;

		error = ctl_conditions_hold(c, row, 2, &hold);
		if (!error && hold)
			add_row(c, table, &columns, row, uuid_column_type());
	}
	free(columns.v);
	return error;
}
