/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "cmd/ctl/ctl.h"

static const struct ctl_show *find_show(const struct ctl_program *program,
					const struct db_table_class *table)
{
	for (const struct ctl_show *s = program->show; s->table; s++)
		if (s->table == table)
			return s;
	return NULL;
}

struct error *ctl_prepare_show(struct ctl_context *c)
{
	for (const struct ctl_show *s = c->ctl->program->show; s->table; s++) {
		if (s->name_column >= 0)
			ctl_monitor(c->ctl, s->table, (unsigned int)s->name_column);
		for (int i = 0; i < CTL_SHOW_MAX && s->columns[i] >= 0; i++)
			ctl_monitor(c->ctl, s->table, (unsigned int)s->columns[i]);
	}
	return NULL;
}

static void show_row(struct ctl_context *, const struct ctl_show *, struct db_row *, size_t level);

enum { INDENT = 4, MAX_LEVEL = 16 };

static void show_references(struct ctl_context *c, const struct ctl_show *s, const struct datum *d,
			    size_t level)
{
	for (size_t i = 0; i < d->n; i++) {
		struct db_row *row = dbtxn_find(c->ctl->db, s->table, &datum_key(d, i)->uuid);

		if (row)
			show_row(c, s, row, level);
	}
}

static void show_column(struct ctl_context *c, struct db_row *row, unsigned int column,
			size_t level)
{
	const struct db_table_class *table = dbclient_row_class(row);
	const struct db_column *class = &table->columns[column];
	const struct ctl_show *target =
		class->key_ref ? find_show(c->ctl->program, class->key_ref) : NULL;
	const struct datum *d = dbtxn_read(row, column);
	const struct column_type *type = dbclient_column_type(c->ctl->db, table, column);

	if (target) {
		show_references(c, target, d, level);
	} else if (!datum_is_default(d, type)) {
		str_add_repeat(&c->output, ' ', level * INDENT);
		str_addf(&c->output, "%s: ", class->name);
		datum_to_text(d, type, &c->output);
		str_addc(&c->output, '\n');
	}
}

static void show_row(struct ctl_context *c, const struct ctl_show *s, struct db_row *row,
		     size_t level)
{
	// References that go in a circle end here.
	if (level > MAX_LEVEL)
		return;
	str_add_repeat(&c->output, ' ', level * INDENT);
	if (s->name_column >= 0) {
		unsigned int column = (unsigned int)s->name_column;

		str_addf(&c->output, "%s ", s->table->name);
		datum_to_text(dbtxn_read(row, column),
			      dbclient_column_type(c->ctl->db, s->table, column), &c->output);
	} else {
		str_addf(&c->output, UUID_FORMAT, UUID_ARGS(&row->uuid));
	}
	str_addc(&c->output, '\n');
	for (int i = 0; i < CTL_SHOW_MAX && s->columns[i] >= 0; i++)
		show_column(c, row, (unsigned int)s->columns[i], level + 1);
}

struct error *ctl_run_show(struct ctl_context *c)
{
	const struct ctl_show *top = c->ctl->program->show;

	for (struct db_row *row = dbtxn_first(c->ctl->db, top->table); row; row = dbtxn_next(row))
		show_row(c, top, row, 0);
	return NULL;
}
