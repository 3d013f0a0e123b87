/* SPDX-License-Identifier: Apache-2.0 */
// Role-based access control (ovsdb-server(7), 3.2 and 4.1.3): what a client with a role may change.
// The rules are in the database itself: table RBAC_Role maps the role and the name of a table to a
// row of permissions. Without that table, or without a role, everything is allowed; what no rule
// allows is not.
#pragma once
#include "ovsdb/store.h"

struct rbac_client {
	const char *role; // NULL or "": no restriction
	const char *id;	  // that the client has proved; NULL: none, and nothing is allowed
};

// What holds for a client and a table; valid while the rules do not change.
struct rbac {
	bool applies;
	const struct db_row *permissions; // NULL: no rule allows anything
	const struct rbac_client *client;
};

struct rbac rbac_find(const struct db *, const struct rbac_client *, const struct table_schema *);
// For a row with these columns: a new one, or one to be deleted.
bool rbac_may_insert_or_delete(const struct rbac *, const struct table_schema *,
			       const struct datum *fields);
// Changes of the row at all: the client is the one that the rules take it to belong to.
bool rbac_may_modify(const struct rbac *, const struct table_schema *, const struct datum *fields);
// Of a column from `old` to `new`.
bool rbac_may_update(const struct rbac *, const struct column_schema *, const struct datum *old,
		     const struct datum *new);
// Of a column by a mutation with this argument.
bool rbac_may_mutate(const struct rbac *, const struct column_schema *, const struct datum *arg);
struct db_error *rbac_error(const struct rbac *, const char *what,
			    const struct table_schema *) MUST_CHECK;
