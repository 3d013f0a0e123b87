/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ctl/ctl.h"

enum match { MATCH_NONE, MATCH_PREFIX, MATCH_WHOLE };

// Case does not matter, nor whether it is - or _.
static enum match match_name(const char *name, const char *typed)
{
	for (; *typed; name++, typed++) {
		char a = *name == '-' ? '_' : (char)tolower((unsigned char)*name);
		char b = *typed == '-' ? '_' : (char)tolower((unsigned char)*typed);

		if (a != b)
			return MATCH_NONE;
	}
	return *name ? MATCH_PREFIX : MATCH_WHOLE;
}

struct error *ctl_find_table(const struct db_class *class, const char *name,
			     const struct db_table_class **found)
{
	unsigned int n = 0;
	struct str matches = STR_INIT;
	struct error *error = NULL;

	*found = NULL;
	for (unsigned int i = 0; i < class->n_tables; i++) {
		enum match match = match_name(class->tables[i]->name, name);

		if (match == MATCH_NONE)
			continue;
		*found = class->tables[i];
		if (match == MATCH_WHOLE) {
			n = 1;
			break;
		}
		str_addf(&matches, "%s%s", n++ ? ", " : "", class->tables[i]->name);
	}
	if (!n)
		error = error_new("unknown table \"%s\"", name);
	else if (n > 1)
		error = error_new("\"%s\" matches multiple table names: %s", name,
				  str_cstr(&matches));
	str_done(&matches);
	return error;
}

struct error *ctl_find_column(const struct db_table_class *table, const char *name,
			      unsigned int *column)
{
	unsigned int n = 0;
	struct str matches = STR_INIT;
	struct error *error = NULL;

	for (unsigned int i = 0; i < table->n_columns; i++) {
		enum match match = match_name(table->columns[i].name, name);

		if (match == MATCH_NONE)
			continue;
		*column = i;
		if (match == MATCH_WHOLE) {
			n = 1;
			break;
		}
		str_addf(&matches, "%s%s", n++ ? ", " : "", table->columns[i].name);
	}
	if (!n)
		error = error_new("%s does not contain a column whose name matches \"%s\"",
				  table->name, name);
	else if (n > 1)
		error = error_new("%s contains more than one column whose name matches \"%s\": %s",
				  table->name, name, str_cstr(&matches));
	str_done(&matches);
	return error;
}

// --- Rows

void ctl_prepare_rows(struct ctl *ctl, const struct db_table_class *table)
{
	// Without any column of its own the table would have no rows to be found by UUID.
	ctl_monitor(ctl, table, 0);
	for (const struct ctl_row_id *id = ctl->program->row_ids; id->table; id++) {
		if (id->table != table)
			continue;
		ctl_monitor(ctl, id->named, id->name_column);
		if (id->ref_column >= 0)
			ctl_monitor(ctl, id->named, (unsigned int)id->ref_column);
	}
}

static bool column_is(const struct db_row *row, const struct db_table_class *table,
		      unsigned int column, const char *text)
{
	const struct datum *d = dbtxn_read(row, column);
	struct str s = STR_INIT;
	bool is;

	if (d->n != 1)
		return false;
	if (table->columns[column].key == ATOM_STRING)
		return !strcmp(atom_string(datum_key(d, 0)), text);
	atom_to_bare(datum_key(d, 0), table->columns[column].key, &s);
	is = !strcmp(str_cstr(&s), text);
	str_done(&s);
	return is;
}

static struct error *find_by_id(struct ctl *ctl, const struct ctl_row_id *id, const char *name,
				struct db_row **found)
{
	struct db_row *match = NULL;

	for (struct db_row *row = dbtxn_first(ctl->db, id->named); row; row = dbtxn_next(row)) {
		if (!column_is(row, id->named, id->name_column, name))
			continue;
		if (match)
			return error_new("multiple rows in %s match \"%s\"", id->named->name, name);
		match = row;
	}
	if (match && id->ref_column >= 0) {
		const struct datum *refs = dbtxn_read(match, (unsigned int)id->ref_column);

		match = refs->n == 1 ? dbtxn_find(ctl->db, id->table, &datum_key(refs, 0)->uuid)
				     : NULL;
	}
	*found = match;
	return NULL;
}

static struct db_row *find_only(struct ctl *ctl, const struct db_table_class *table)
{
	struct db_row *row = dbtxn_first(ctl->db, table);

	return row && !dbtxn_next(row) ? row : NULL;
}

static struct error *find_by_uuid_prefix(struct ctl *ctl, const struct db_table_class *table,
					 const char *name, struct db_row **found)
{
	size_t len = strlen(name);

	if (len < 4)
		return NULL;
	for (struct db_row *row = dbtxn_first(ctl->db, table); row; row = dbtxn_next(row)) {
		char text[UUID_TEXT_LEN + 1];

		snprintf(text, sizeof(text), UUID_FORMAT, UUID_ARGS(&row->uuid));
		if (strncasecmp(text, name, len))
			continue;
		if (*found)
			return error_new("%s contains 2 or more rows whose UUIDs begin with %s: at "
					 "least " UUID_FORMAT " and " UUID_FORMAT,
					 table->name, name, UUID_ARGS(&(*found)->uuid),
					 UUID_ARGS(&row->uuid));
		*found = row;
	}
	return NULL;
}

struct error *ctl_find_row(struct ctl_context *c, const struct db_table_class *table,
			   const char *name, bool must_exist, struct db_row **row)
{
	struct ctl *ctl = c->ctl;
	struct error *error = NULL;
	struct uuid uuid;

	*row = uuid_parse(name, &uuid) ? dbtxn_find(ctl->db, table, &uuid) : NULL;
	if (!*row && !strcmp(name, "."))
		*row = find_only(ctl, table);
	for (const struct ctl_row_id *id = ctl->program->row_ids; !*row && !error && id->table;
	     id++)
		if (id->table == table)
			error = find_by_id(ctl, id, name, row);
	if (!*row && !error)
		error = find_by_uuid_prefix(ctl, table, name, row);
	if (!*row && !error && must_exist)
		error = error_new("no row \"%s\" in table %s", name, table->name);
	return error;
}

// --- COLUMN[:KEY] OPERATOR VALUE

static int longest_operator(const char *const *operators, const char *s)
{
	int best = -1;
	size_t best_len = 0;

	for (int i = 0; operators[i]; i++) {
		size_t len = strlen(operators[i]);

		if (len > best_len && !strncmp(s, operators[i], len)) {
			best = i;
			best_len = len;
		}
	}
	return best;
}

static struct error *no_operator(const char *text, const char *const *operators)
{
	struct str s = STR_INIT;
	struct error *error;

	for (int i = 0; operators[i]; i++)
		str_addf(&s, "%s%s\"%s\"",
			 i && operators[2] ? ", "
			 : i		   ? " "
					   : "",
			 i && !operators[i + 1] ? "or " : "", operators[i]);
	error = error_new("%s: argument does not end in %s followed by a value.", text,
			  str_cstr(&s));
	str_done(&s);
	return error;
}

static struct error *parse_column(const struct db_table_class *table, const char *text,
				  const char **rest, struct ctl_argument *a)
{
	struct error *error;
	char *name;

	error = datum_text_token(rest, &name);
	if (error)
		return error;
	if (!*name)
		error = error_new("%s: missing column name", text);
	else
		error = ctl_find_column(table, name, &a->column);
	free(name);
	if (error || **rest != ':')
		return error;
	(*rest)++;
	return datum_text_token(rest, &a->key);
}

struct error *ctl_argument_column(const struct db_table_class *table, const char *text,
				  unsigned int *column)
{
	struct ctl_argument a = {0};
	const char *rest = text;
	struct error *error = parse_column(table, text, &rest, &a);

	*column = a.column;
	ctl_argument_done(&a);
	return error;
}

struct error *ctl_parse_argument(const struct db_table_class *table, const char *text,
				 const char *const *operators, struct ctl_argument *a)
{
	const char *rest = text;
	struct error *error;

	*a = (struct ctl_argument){.operator= - 1 };
	error = parse_column(table, text, &rest, a);
	if (error)
		goto failed;
	if (!operators) {
		if (!*rest)
			return NULL;
		error = error_new("%s: trailing garbage \"%s\" in argument", text, rest);
		goto failed;
	}
	a->operator= longest_operator(operators, rest);
	if (a->operator>= 0)
		a->value = rest + strlen(operators[a->operator]);
	if (a->value && *a->value)
		return NULL;
	error = no_operator(text, operators);
failed:
	ctl_argument_done(a);
	return error;
}

void ctl_argument_done(struct ctl_argument *a)
{
	free(a->key);
	a->key = NULL;
}
