/* SPDX-License-Identifier: Apache-2.0 */
// Conditions: which rows of a table the server sends. Each table has the condition that is wanted
// and the one that the server was told last. While we are connected, one request at a time carries
// all that differ. A connection that resumes from a transaction must ask with the conditions under
// which that transaction was seen, and changes them afterwards; one that is lost while a change is
// under way cannot be resumed, as nobody knows which rows we have.
#include <string.h>

#include "dbclient/client_internal.h"

static bool same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

static void tell(struct db_table *t)
{
	json_decref(t->where_sent);
	t->where_sent = json_incref(t->where);
}

void dbclient_accept_conditions(struct dbclient *c)
{
	for (unsigned int i = 0; i < c->replica.class->n_tables; i++)
		tell(&c->replica.tables[i]);
}

static json_t *collect_changes(struct dbclient *c)
{
	json_t *changes = json_object();

	for (unsigned int i = 0; i < c->replica.class->n_tables; i++) {
		struct db_table *t = &c->replica.tables[i];

		if (same(t->where, t->where_sent) || !table_is_monitored(t) || !t->server_has_table)
			continue;
		tell(t);
		json_object_set_new(
			changes, t->class->name,
			json_pack("[{s:o}]", "where",
				  t->where ? json_incref(t->where) : json_pack("[b]", 1)));
	}
	return changes;
}

void dbclient_send_conditions(struct dbclient *c)
{
	json_t *changes;

	if (!c->monitoring || c->change_id >= 0 || !dbclient_has_conditions(c))
		return;
	changes = collect_changes(c);
	if (json_object_size(changes))
		c->change_id = dbclient_request(c, "monitor_cond_change",
						json_pack("[o, o, O]", dbclient_monitor_name(c),
							  dbclient_monitor_name(c), changes));
	json_decref(changes);
}

void dbclient_set_condition(struct dbclient *c, const struct db_table_class *class, json_t *where)
{
	struct db_table *t = replica_table(&c->replica, class);

	json_decref(t->where);
	t->where = where;
	dbclient_send_conditions(c);
}

void dbclient_monitor_where(struct dbclient *c, const struct db_table_class *class,
			    unsigned int column, const char *value)
{
	dbclient_set_condition(c, class,
			       json_pack("[[s, s, s]]", class->columns[column].name, "==", value));
}

bool dbclient_conditions_met(const struct dbclient *c)
{
	if (!dbclient_is_current(c) || c->change_id >= 0)
		return false;
	for (unsigned int i = 0; i < c->replica.class->n_tables; i++)
		if (!same(c->replica.tables[i].where, c->replica.tables[i].where_sent))
			return !dbclient_has_conditions(c);
	return true;
}
