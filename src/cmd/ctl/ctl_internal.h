/* SPDX-License-Identifier: Apache-2.0 */
// What the files of the generic database commands share.
#pragma once
#include "cmd/ctl/ctl.h"

// The table of a command's first argument.
struct error *ctl_argument_table(struct ctl_context *, const struct db_table_class **) MUST_CHECK;
// The table and the row of the first two arguments. *row is NULL if it is not there and, by
// --if-exists, need not be.
struct error *ctl_argument_row(struct ctl_context *, const struct db_table_class **,
			       struct db_row **row) MUST_CHECK;
// The table of the first argument, its rows monitored.
struct error *ctl_prepare_table(struct ctl_context *, const struct db_table_class **) MUST_CHECK;
// The arguments from `first` on are conditions: monitors what they look at; tells whether all of
// them hold for the row.
struct error *ctl_prepare_conditions(struct ctl_context *, int first) MUST_CHECK;
struct error *ctl_conditions_hold(struct ctl_context *, struct db_row *, int first,
				  bool *hold) MUST_CHECK;
// An error unless it begins with @.
struct error *ctl_check_id(const char *id) MUST_CHECK;

static inline const struct column_type *ctl_column_type(const struct ctl_context *c,
							const struct db_table_class *table,
							unsigned int column)
{
	return dbclient_column_type(c->ctl->db, table, column);
}

struct error *ctl_prepare_get(struct ctl_context *) MUST_CHECK;
struct error *ctl_run_get(struct ctl_context *) MUST_CHECK;
struct error *ctl_prepare_list(struct ctl_context *) MUST_CHECK;
struct error *ctl_run_list(struct ctl_context *) MUST_CHECK;
struct error *ctl_prepare_find(struct ctl_context *) MUST_CHECK;
struct error *ctl_run_find(struct ctl_context *) MUST_CHECK;
