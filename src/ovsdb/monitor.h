/* SPDX-License-Identifier: Apache-2.0 */
// What a client asked to be told of (RFC 7047 section 4.1.5, and the extensions of ovsdb-server(7):
// monitor_cond, monitor_cond_since), and how changes read: <table-updates> or <table-updates2>.
#pragma once
#include "ovsdb/condition.h"
#include "ovsdb/txn.h"

enum monitor_version {
	MONITOR_V1, // monitor, update
	MONITOR_V2, // monitor_cond, update2
	MONITOR_V3, // monitor_cond_since, update3
};

enum {
	SELECT_INITIAL = 1,
	SELECT_INSERT = 2,
	SELECT_DELETE = 4,
	SELECT_MODIFY = 8,
	SELECT_ALL = 15
};

struct monitor_column {
	const struct column_schema *column;
	int select;
};

struct monitor_table {
	const struct db_table *table;
	VEC(struct monitor_column) columns;
	int select; // of all columns together
	struct condition condition;
};

struct monitor_spec {
	struct db *db;
	enum monitor_version version;
	VEC(struct monitor_table) tables;
};

struct db_error *monitor_spec_from_json(struct db *, enum monitor_version, const json_t *requests,
					struct monitor_spec **) MUST_CHECK;
struct monitor_spec *monitor_spec_clone(const struct monitor_spec *);
void monitor_spec_free(struct monitor_spec *);
// One text per meaning: monitors with equal keys get equal updates. Owned by the caller.
char *monitor_spec_key(const struct monitor_spec *);
struct monitor_table *monitor_spec_find_table(const struct monitor_spec *,
					      const struct db_table *); // NULL: not monitored
// Gives tables new conditions, as monitor_cond_change asks.
struct db_error *monitor_spec_change(struct monitor_spec *, const json_t *requests) MUST_CHECK;

// The following append JSON as text.

// The present contents: what the reply carries.
void monitor_initial(const struct monitor_spec *, struct str *);
// What a prepared transaction changes; false, and nothing appended, when it is nothing to this
// monitor.
bool monitor_update(const struct monitor_spec *, const struct db_txn *, struct str *);
// What a change of conditions from `before` means for the contents; false when it is nothing.
bool monitor_condition_update(const struct monitor_spec *before, const struct monitor_spec *after,
			      struct str *);

// --- Changes put off: for a client that does not take its updates, the rows that changed and what
// it knows of them. However many transactions there are, it holds each row once.

struct monitor_backlog;
struct monitor_backlog *monitor_backlog_new(void);
void monitor_backlog_free(struct monitor_backlog *); // NULL is allowed
// Before the transaction is committed.
void monitor_backlog_add(struct monitor_backlog *, const struct monitor_spec *,
			 const struct db_txn *);
// The columns that the client knows of a row, to be changed: the present ones when nothing was
// noted of it yet. NULL: it knows of no such row.
struct datum **monitor_backlog_row(struct monitor_backlog *, const struct db_table *,
				   const struct uuid *);
// The difference between what the client knows and the present; false when it is nothing. Empties
// the backlog.
bool monitor_backlog_take(struct monitor_backlog *, const struct monitor_spec *, struct str *);
