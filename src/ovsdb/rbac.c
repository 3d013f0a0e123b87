/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/rbac.h"

#include <string.h>

// A column of a row, if it is there and has these types.
static const struct datum *find_value(const struct db_row *row, const char *name,
				      enum atom_type key, enum atom_type value)
{
	const struct column_schema *c = table_schema_find_column(row->table->schema, name);
	if (!c || c->type.key.type != key || c->type.value.type != value)
		return NULL;
	return &row->fields[c->index];
}

static const struct db_row *find_role(const struct db_table *roles, const char *role)
{
	for (struct db_row *row = db_table_next_row(roles, NULL); row;
	     row = db_table_next_row(roles, row)) {
		const struct datum *name = find_value(row, "name", ATOM_STRING, ATOM_VOID);
		if (name && name->n == 1 && !strcmp(atom_string(datum_key(name, 0)), role))
			return row;
	}
	return NULL;
}

static const struct db_row *find_permissions(const struct db_row *role, const char *table)
{
	const struct column_schema *c =
		table_schema_find_column(role->table->schema, "permissions");
	const struct datum *map = find_value(role, "permissions", ATOM_STRING, ATOM_UUID);
	if (!map || !base_type_is_ref(&c->type.value))
		return NULL;
	const struct db_table *target = db_table_of(role->table->db, c->type.value.ref.table);
	for (size_t i = 0; i < map->n; i++)
		if (!strcmp(atom_string(datum_key(map, i)), table))
			return db_table_find_row(target, &datum_value(map, i)->uuid);
	return NULL;
}

struct rbac rbac_find(const struct db *db, const struct rbac_client *client,
		      const struct table_schema *table)
{
	struct rbac r = {.client = client};
	const struct db_table *roles =
		client && client->role && *client->role ? db_find_table(db, "RBAC_Role") : NULL;
	if (!roles)
		return r;
	r.applies = true;
	const struct db_row *role = client->id ? find_role(roles, client->role) : NULL;
	r.permissions = role ? find_permissions(role, table->name) : NULL;
	return r;
}

// Parts "COLUMN" or "COLUMN:KEY"; *key is NULL where there is none. False when it is another
// column.
static bool names_column(const char *text, const char *column, const char **key)
{
	size_t n = strlen(column);
	if (strncmp(text, column, n) || (text[n] && text[n] != ':'))
		return false;
	*key = text[n] ? text + n + 1 : NULL;
	return true;
}

static bool is_client(const struct rbac *r, const struct column_schema *c, const struct datum *d,
		      const char *key)
{
	if (c->type.key.type != ATOM_STRING)
		return false;
	if (key) {
		const char *value =
			c->type.value.type == ATOM_STRING ? datum_find_string(d, key) : NULL;
		return value && !strcmp(value, r->client->id);
	}
	return !column_type_is_map(&c->type) && d->n == 1 &&
	       !strcmp(atom_string(datum_key(d, 0)), r->client->id);
}

bool rbac_may_modify(const struct rbac *r, const struct table_schema *t, const struct datum *fields)
{
	if (!r->applies)
		return true;
	const struct datum *rules =
		r->permissions ? find_value(r->permissions, "authorization", ATOM_STRING, ATOM_VOID)
			       : NULL;
	for (size_t i = 0; rules && i < rules->n; i++) {
		const char *rule = atom_string(datum_key(rules, i)), *key;
		if (!*rule)
			return true; // all rows
		for (unsigned int j = N_STD_COLUMNS; j < t->n_columns; j++)
			if (names_column(rule, t->columns[j]->name, &key) &&
			    is_client(r, t->columns[j], &fields[j], key))
				return true;
	}
	return false;
}

bool rbac_may_insert_or_delete(const struct rbac *r, const struct table_schema *t,
			       const struct datum *fields)
{
	if (!r->applies)
		return true;
	const struct datum *d = r->permissions ? find_value(r->permissions, "insert_delete",
							    ATOM_BOOLEAN, ATOM_VOID)
					       : NULL;
	return d && d->n == 1 && datum_key(d, 0)->boolean && rbac_may_modify(r, t, fields);
}

// The column as a whole (key NULL), or one of its keys.
static bool may_change(const struct rbac *r, const struct column_schema *c, const char *key)
{
	const struct datum *rules =
		r->permissions ? find_value(r->permissions, "update", ATOM_STRING, ATOM_VOID)
			       : NULL;
	for (size_t i = 0; rules && i < rules->n; i++) {
		const char *of;
		if (!names_column(atom_string(datum_key(rules, i)), c->name, &of))
			continue;
		if (!of || (key && !strcmp(of, key)))
			return true;
	}
	return false;
}

static bool may_change_keys(const struct rbac *r, const struct column_schema *c,
			    const struct datum *keys)
{
	if (may_change(r, c, NULL))
		return true;
	if (keys->key_type != ATOM_STRING || !column_type_is_map(&c->type))
		return false;
	for (size_t i = 0; i < keys->n; i++)
		if (!may_change(r, c, atom_string(datum_key(keys, i))))
			return false;
	return true;
}

bool rbac_may_update(const struct rbac *r, const struct column_schema *c, const struct datum *old,
		     const struct datum *new)
{
	if (!r->applies)
		return true;
	if (!column_type_is_map(&c->type))
		return may_change(r, c, NULL);
	struct datum diff;
	datum_diff(&diff, old, new);
	bool may = may_change_keys(r, c, &diff);
	datum_done(&diff);
	return may;
}

bool rbac_may_mutate(const struct rbac *r, const struct column_schema *c, const struct datum *arg)
{
	return !r->applies || may_change_keys(r, c, arg);
}

struct db_error *rbac_error(const struct rbac *r, const char *what, const struct table_schema *t)
{
	return db_error_new("permission error",
			    "RBAC rules for client \"%s\" role \"%s\" prohibit %s table \"%s\".",
			    r->client->id ? r->client->id : "(null)", r->client->role, what,
			    t->name);
}
