/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/remotes_db.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

LOG_MODULE(ovsdb_remotes);

void wanted_remotes_done(struct wanted_remotes *wanted)
{
	VEC_FOREACH (&wanted->v, i) {
		free(wanted->v.v[i].target);
		session_config_done(&wanted->v.v[i].config);
	}
	vec_done(&wanted->v);
}

// --- Columns by name.

static const struct datum *find_value(const struct db_row *row, const char *column,
				      enum atom_type key, enum atom_type value)
{
	const struct column_schema *c = table_schema_find_column(row->table->schema, column);
	if (!c || c->type.key.type != key || c->type.value.type != value)
		return NULL;
	return &row->fields[c->index];
}

static const char *get_string(const struct db_row *row, const char *column)
{
	const struct datum *d = find_value(row, column, ATOM_STRING, ATOM_VOID);
	return d && d->n ? atom_string(datum_key(d, 0)) : NULL;
}

static int64_t get_integer(const struct db_row *row, const char *column, int64_t otherwise)
{
	const struct datum *d = find_value(row, column, ATOM_INTEGER, ATOM_VOID);
	return d && d->n ? datum_key(d, 0)->integer : otherwise;
}

static bool get_boolean(const struct db_row *row, const char *column)
{
	const struct datum *d = find_value(row, column, ATOM_BOOLEAN, ATOM_VOID);
	return d && d->n && datum_key(d, 0)->boolean;
}

// --- Reading.

struct db_column {
	struct served *served;
	const struct db_table *table; // NULL: the database has no schema yet
	const struct column_schema *column;
	const struct db_table *target_table; // NULL: the column holds the methods themselves
};

static struct error *parse(const struct server *server, const char *name, struct db_column *out)
{
	char *copy = xstrdup(name + 3), *rest = copy;
	const char *db = strsep(&rest, ","), *table = strsep(&rest, ","),
		   *column = strsep(&rest, ",");
	struct error *error = NULL;
	*out = (struct db_column){0};
	if (!column || rest) {
		error = error_new("\"%s\": invalid syntax", name);
	} else if (!(out->served = server_find(server, db))) {
		error = error_new("\"%s\": no database named %s", name, db);
	} else if (!out->served->available) {
		// A relay that has no schema yet: there is nothing in it.
	} else if (!(out->table = db_find_table(out->served->d->db, table))) {
		error = error_new("\"%s\": no table named %s", name, table);
	} else if (!(out->column = table_schema_find_column(out->table->schema, column))) {
		error = error_new("\"%s\": table \"%s\" has no column \"%s\"", name, table, column);
	} else {
		const struct base_type *key = &out->column->type.key;
		if (column_type_is_map(&out->column->type) ||
		    (key->type != ATOM_STRING && !(base_type_is_ref(key) && key->ref.table)))
			error = error_new(
				"\"%s\": table \"%s\" column \"%s\" is not a string or UUID", name,
				table, column);
		else if (key->type == ATOM_UUID)
			out->target_table = db_table_of(out->served->d->db, key->ref.table);
	}
	free(copy);
	return error;
}

// NULL when it is empty, or there already.
static struct wanted_remote *add_target(struct wanted_remotes *wanted, const char *target)
{
	if (!target || !*target)
		return NULL;
	VEC_FOREACH (&wanted->v, i)
		if (!strcmp(wanted->v.v[i].target, target))
			return NULL;
	vec_push(&wanted->v,
		 ((struct wanted_remote){xstrdup(target), session_config_default(target)}));
	return &vec_last(&wanted->v);
}

static void add_row(struct wanted_remotes *wanted, const struct db_row *row)
{
	struct wanted_remote *w = add_target(wanted, get_string(row, "target"));
	if (!w)
		return;
	struct session_config *c = &w->config;
	c->read_only = get_boolean(row, "read_only");
	c->probe_interval = get_integer(row, "inactivity_probe", c->probe_interval);
	c->max_backoff = get_integer(row, "max_backoff", c->max_backoff);
	const char *role = get_string(row, "role");
	if (role && *role)
		c->role = xstrdup(role);
	const struct datum *other = find_value(row, "other_config", ATOM_STRING, ATOM_STRING);
	const char *dscp = other ? datum_find_string(other, "dscp") : NULL;
	int64_t value;
	if (dscp && !parse_i64(dscp, 10, &value) && value >= 0 && value <= 63)
		c->dscp = (int)value;
	else if (dscp)
		log_warn_rl("%s: other_config:dscp=%s is not a number from 0 to 63", w->target,
			    dscp);
	if (c->probe_interval > 0 && c->probe_interval < 1000)
		c->probe_interval = 1000;
	if (c->max_backoff < 1000)
		c->max_backoff = 1000;
}

struct error *remotes_db_read(const struct server *server, const char *name,
			      struct wanted_remotes *wanted)
{
	struct db_column c;
	struct error *error = parse(server, name, &c);
	if (error || !c.table)
		return error;
	for (struct db_row *row = db_table_next_row(c.table, NULL); row;
	     row = db_table_next_row(c.table, row)) {
		const struct datum *d = &row->fields[c.column->index];
		for (size_t i = 0; i < d->n; i++) {
			if (!c.target_table) {
				(void)add_target(wanted, atom_string(datum_key(d, i)));
				continue;
			}
			const struct db_row *target =
				db_table_find_row(c.target_table, &datum_key(d, i)->uuid);
			if (target)
				add_row(wanted, target);
		}
	}
	return NULL;
}

struct error *remotes_db_read_string(const struct server *server, const char *name,
				     const char **out)
{
	struct db_column c;
	*out = NULL;
	struct error *error = parse(server, name, &c);
	if (error || !c.table)
		return error;
	if (c.target_table)
		return error_new(
			"\"%s\": table \"%s\" column \"%s\" is not string or set of strings", name,
			c.table->schema->name, c.column->name);
	for (struct db_row *row = db_table_next_row(c.table, NULL); row;
	     row = db_table_next_row(c.table, row)) {
		const struct datum *d = &row->fields[c.column->index];
		for (size_t i = 0; i < d->n; i++) {
			*out = atom_string(datum_key(d, i));
			if (**out)
				return NULL;
		}
	}
	*out = NULL;
	return NULL;
}

// --- Status.

static void put(struct datum *map, const char *key, const char *value)
{
	union atom k, v;
	atom_init_string(&k, key);
	atom_init_string(&v, value);
	datum_put(map, &k, &v);
	atom_done(&k, ATOM_STRING);
	atom_done(&v, ATOM_STRING);
}

static void put_number(struct datum *map, const char *key, int64_t value)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)value);
	put(map, key, text);
}

static void write_row(struct db_txn *txn, struct db_row *row, const struct remote_status *s)
{
	const struct table_schema *t = row->table->schema;
	const struct column_schema *c = table_schema_find_column(t, "is_connected");
	struct datum d;
	if (c && find_value(row, "is_connected", ATOM_BOOLEAN, ATOM_VOID)) {
		datum_init_boolean(&d, s->is_connected);
		db_txn_set(txn, row, c->index, &d);
	}
	c = table_schema_find_column(t, "status");
	if (!c || !find_value(row, "status", ATOM_STRING, ATOM_STRING))
		return;
	datum_init_empty(&d, ATOM_STRING, ATOM_STRING);
	if (s->state)
		put(&d, "state", s->state);
	if (s->last_error)
		put(&d, "last_error", strerror(s->last_error));
	if (s->locks_held)
		put_number(&d, "locks_held", (int64_t)s->locks_held);
	if (s->locks_waiting)
		put_number(&d, "locks_waiting", (int64_t)s->locks_waiting);
	if (s->sec_since_connect >= 0)
		put_number(&d, "sec_since_connect", s->sec_since_connect);
	if (s->sec_since_disconnect >= 0)
		put_number(&d, "sec_since_disconnect", s->sec_since_disconnect);
	if (s->n_connections > 1)
		put_number(&d, "n_connections", s->n_connections);
	if (s->bound_port)
		put_number(&d, "bound_port", s->bound_port);
	db_txn_set(txn, row, c->index, &d);
}

void remotes_db_write_status(struct server *server, const char *name,
			     bool (*find)(void *, const char *, struct remote_status *), void *arg)
{
	struct db_column c;
	struct error *bad = parse(server, name, &c);
	if (bad || !c.target_table || c.served->follower) { // not ours to write
		error_free(bad);
		return;
	}
	struct db_txn *txn = db_txn_new(c.served->d->db);
	for (struct db_row *row = db_table_next_row(c.target_table, NULL); row;
	     row = db_table_next_row(c.target_table, row)) {
		struct remote_status status;
		const char *target = get_string(row, "target");
		if (target && find(arg, target, &status))
			write_row(txn, row, &status);
	}
	struct db_error *error = db_txn_prepare(txn);
	if (error)
		db_txn_abort(txn);
	else
		error = database_commit(c.served->d, txn);
	if (error) {
		char *text = db_error_to_text(error);
		log_err_rl("Failed to update remote status: %s", text);
		free(text);
		db_error_free(error);
	}
}
