/* SPDX-License-Identifier: Apache-2.0 */
// The client's choice of columns, and its rows as the outside sees them: without placeholders.
#include "base/alloc.h"
#include "dbclient/client_internal.h"

void dbclient_monitor_column(struct dbclient *c, const struct db_table_class *class,
			     unsigned int column, enum db_monitor mode)
{
	replica_monitor(&c->replica, class, column, mode);
}

void dbclient_monitor_table(struct dbclient *c, const struct db_table_class *class,
			    enum db_monitor mode)
{
	for (unsigned int i = 0; i < class->n_columns; i++)
		if (!table_monitors(replica_table(&c->replica, class), i))
			replica_monitor(&c->replica, class, i, mode);
}

static struct db_row *next_present(const struct db_table *t, size_t at)
{
	struct db_row *row;

	while ((row = row_table_next(&t->rows, &at)) && !row->present)
		;
	return row;
}

struct db_row *dbclient_first(const struct dbclient *c, const struct db_table_class *class)
{
	return next_present(replica_table(&c->replica, class), 0);
}

struct db_row *dbclient_next(const struct db_row *row)
{
	return next_present(row->table, row_table_slot(&row->table->rows, row) + 1);
}

struct db_row *dbclient_find(const struct dbclient *c, const struct db_table_class *class,
			     const struct uuid *uuid)
{
	struct db_row *row = row_table_find(&replica_table(&c->replica, class)->rows, uuid);

	return row && row->present ? row : NULL;
}

size_t dbclient_count(const struct dbclient *c, const struct db_table_class *class)
{
	const struct db_table *t = replica_table(&c->replica, class);

	return t->rows.n - t->n_placeholders;
}

// Rows that came and went between two looks are in the list as DB_SAME.
static struct db_row *skip_ghosts(struct db_row *row)
{
	while (row && row->change == DB_SAME)
		row = row->next_changed;
	return row;
}

struct db_row *dbclient_first_changed(const struct dbclient *c, const struct db_table_class *class)
{
	return skip_ghosts(replica_table(&c->replica, class)->changed);
}

struct db_row *dbclient_next_changed(const struct db_row *row)
{
	return skip_ghosts(row->next_changed);
}

bool dbclient_any_changed(const struct dbclient *c, const struct db_table_class *class)
{
	return dbclient_first_changed(c, class);
}

void dbclient_changes_done(struct dbclient *c)
{
	replica_changes_done(&c->replica);
}
