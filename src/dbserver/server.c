/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "dbserver/compaction.h"
#include "dbserver/follower.h"
#include "dbserver/lock.h"
#include "dbserver/own.h"
#include "dbserver/session.h"
#include "dbserver/trigger.h"

LOG_MODULE(ovsdb_server);

enum { COMPACT_CHECK_MS = 10 * 1000, HEAL_MS = 500, INPUT_BYTES = 1 << 30, OUTPUT_BYTES = 1 << 30 };

// --- Databases.

struct served *server_find(const struct server *server, const char *name)
{
	for (struct served *s = server->databases; s; s = s->next)
		if (!strcmp(database_name(s->d), name))
			return s;
	return NULL;
}

static void on_changed_defer(void *server_)
{
	struct server *server = server_;
	if (server->changed)
		server->changed(server->arg);
}

static void note_change(struct server *server)
{
	loop_defer(server->loop, &server->changed_defer, on_changed_defer, server);
}

static void on_reconnect(void *server_)
{
	struct server *server = server_;
	for (size_t i = server->sessions.n; i-- > 0;)
		if (i < server->sessions.n && session_is_stale(server->sessions.v[i]))
			session_reconnect(server->sessions.v[i]);
}

// The set of databases is another one. Clients are disconnected later: one of them may be the one
// that made us do it.
static void note_databases(struct server *server)
{
	own_update(server);
	VEC_FOREACH (&server->sessions, i)
		session_make_stale(server->sessions.v[i]);
	loop_defer(server->loop, &server->reconnect_defer, on_reconnect, server);
	note_change(server);
}

// For `ovsdb-server/tlog-set`.
static void log_row(const struct db_txn_row *r)
{
	const struct table_schema *t = r->row->table->schema;
	const struct datum *fields = r->row->fields ? r->row->fields : r->old;
	struct str s = STR_INIT;
	str_addf(&s, "table:%s,op:%s", t->name,
		 !r->old	   ? "inserted"
		 : !r->row->fields ? "deleted"
				   : "updated");
	for (unsigned int i = 0; i < t->n_columns; i++) {
		if (i != COLUMN_UUID && !db_txn_row_column_changed(r, i))
			continue;
		str_addf(&s, ",%s:", t->columns[i]->name);
		datum_to_text(&fields[i], &t->columns[i]->type, &s);
	}
	log_info_rl("%s", str_cstr(&s));
	str_done(&s);
}

static void forget_initial(struct monitor_group *group)
{
	shared_text_unref(group->initial);
	group->initial = NULL;
}

static void on_changed(void *served_, const struct db_txn *txn)
{
	struct served *served = served_;
	for (size_t i = 0; i < txn->n_changed; i++)
		if (txn->rows.v[i]->row->table->log)
			log_row(txn->rows.v[i]);
	history_add(served->history, txn);
	VEC_FOREACH (&served->groups, i) {
		struct monitor_group *group = served->groups.v[i];
		forget_initial(group);
		struct str update = STR_INIT;
		bool computed = false, any = false;
		VEC_FOREACH (&group->members, j) {
			struct session_monitor *m = group->members.v[j];
			if (session_monitor_is_behind(m)) {
				session_monitor_put_off(m, txn);
				continue;
			}
			if (!computed)
				any = monitor_update(group->spec, txn, &update);
			computed = true;
			if (any)
				session_monitor_send(m, &update);
		}
		str_done(&update);
	}
}

static void on_committed(void *served_)
{
	struct served *served = served_;
	triggers_schedule(served);
	note_change(served->server);
}

static void link_served(struct server *server, struct served *served)
{
	struct served **p = &server->databases;
	while (*p && strcmp(database_name((*p)->d), database_name(served->d)) < 0)
		p = &(*p)->next;
	served->next = *p;
	*p = served;
}

static void served_free(struct served *served);

static struct served *serve(struct server *server, struct database *d)
{
	struct served *served = XNEW(struct served);
	served->server = server;
	served->d = d;
	served->available = served->connected = true;
	served->history = history_new();
	d->observer = (struct database_observer){on_changed, on_committed, served};
	link_served(server, served);
	return served;
}

struct db_error *server_add_database(struct server *server, struct database *d)
{
	if (server_find(server, database_name(d)))
		return db_error_new("ovsdb error", "%s: duplicate database name", database_name(d));
	serve(server, d);
	note_databases(server);
	return NULL;
}

bool served_is_replica(const struct served *served)
{
	return served->follower && !follower_is_relay(served->follower);
}

bool served_is_relay(const struct served *served)
{
	return served->follower && follower_is_relay(served->follower);
}

struct error *server_add_relay(struct server *server, const char *name,
			       struct follower_config *config)
{
	if (!db_is_valid_id(name))
		return error_new("%s: not a name of a database", name);
	if (server_find(server, name))
		return error_new("%s: duplicate database name", name);
	struct db_schema *schema;
	json_t *json = json_pack("{s: s, s: {}}", "name", name, "tables");
	db_error_free(db_schema_from_json(json, &schema)); // a valid name is all it takes
	json_decref(json);
	struct served *served = serve(server, database_new(schema));
	served->available = served->connected = false;
	struct error *error = follower_new(served, config, &served->follower);
	if (error)
		served_free(served);
	else
		note_databases(server);
	return error;
}

// The tables go: nothing may point at them.
static void forget(void *served_)
{
	struct served *served = served_;
	struct server *server = served->server;
	VEC_FOREACH (&server->sessions, i)
		session_forget_database(server->sessions.v[i], served);
	triggers_cancel_all(served);
	history_free(served->history);
	served->history = NULL;
}

static void served_free(struct served *served)
{
	struct server *server = served->server;
	compaction_cancel(served);
	follower_free(served->follower);
	served->follower = NULL;
	forget(served);
	struct served **p = &server->databases;
	while (*p != served)
		p = &(*p)->next;
	*p = served->next;
	vec_done(&served->groups);
	vec_done(&served->triggers);
	database_free(served->d);
	free(served);
}

bool server_remove_database(struct server *server, const char *name)
{
	struct served *served = server_find(server, name);
	if (!served || served->reserved)
		return false;
	served_free(served);
	note_databases(server);
	return true;
}

struct db_error *server_convert(struct server *server, struct served *served,
				const struct db_schema *schema)
{
	compaction_cancel(served);
	struct db_error *error = database_convert(served->d, schema, forget, served);
	if (error)
		return error;
	served->history = history_new();
	note_databases(server);
	return NULL;
}

void server_replace_schema(struct server *server, struct served *served, struct db_schema *schema)
{
	forget(served);
	db_free(served->d->db);
	served->d->db = db_new(schema);
	served->history = history_new();
	served->available = true;
	note_databases(server);
}

void server_set_connected(struct server *server, struct served *served, bool connected)
{
	served->connected = connected;
	own_update(server);
	note_change(server);
}

// --- Monitors.

struct monitor_group *served_join(struct served *served, struct monitor_spec *spec,
				  struct session_monitor *member)
{
	char *key = monitor_spec_key(spec);
	VEC_FOREACH (&served->groups, i) {
		struct monitor_group *group = served->groups.v[i];
		if (strcmp(group->key, key))
			continue;
		vec_push(&group->members, member);
		monitor_spec_free(spec);
		free(key);
		return group;
	}
	struct monitor_group *group = XNEW(struct monitor_group);
	group->spec = spec;
	group->key = key;
	vec_push(&group->members, member);
	vec_push(&served->groups, group);
	return group;
}

void served_leave(struct served *served, struct monitor_group *group,
		  struct session_monitor *member)
{
	VEC_FOREACH (&group->members, i)
		if (group->members.v[i] == member) {
			vec_remove(&group->members, i);
			break;
		}
	if (group->members.n)
		return;
	VEC_FOREACH (&served->groups, i)
		if (served->groups.v[i] == group) {
			vec_remove(&served->groups, i);
			break;
		}
	forget_initial(group);
	vec_done(&group->members);
	monitor_spec_free(group->spec);
	free(group->key);
	free(group);
}

struct shared_text *monitor_group_initial(struct monitor_group *group)
{
	if (!group->initial) {
		struct str text = STR_INIT;
		monitor_initial(group->spec, &text);
		group->initial = shared_text_new(&text);
	}
	return shared_text_ref(group->initial);
}

size_t server_n_monitors(const struct server *server)
{
	size_t n = 0;
	for (struct served *s = server->databases; s; s = s->next)
		VEC_FOREACH (&s->groups, i)
			n += s->groups.v[i]->members.n;
	return n;
}

// --- The whole.

static void on_compacted(void *served_, struct db_error *error)
{
	struct served *served = served_;
	if (!error)
		log_info("%s: compacted database online", database_name(served->d));
	db_error_free(error);
}

static void on_compact_timer(void *server_)
{
	struct server *server = server_;
	for (struct served *s = server->databases; s; s = s->next) {
		if (!s->compaction && database_wants_compaction(s->d))
			compaction_start(s, "compacting database online", on_compacted, s);
		// Contents that everybody has taken are not worth their memory.
		VEC_FOREACH (&s->groups, i)
			if (s->groups.v[i]->initial && s->groups.v[i]->initial->refs == 1)
				forget_initial(s->groups.v[i]);
	}
	loop_timer_set_in(&server->compact_timer, COMPACT_CHECK_MS);
}

// Databases that could not be written: maybe they can now.
static void on_heal_timer(void *server_)
{
	struct server *server = server_;
	bool any = false;
	for (struct served *s = server->databases; s; s = s->next) {
		if (!s->d->problem)
			continue;
		compaction_cancel(s);
		database_heal(s->d);
		any |= s->d->problem != NULL;
		if (s->d->problem)
			log_warn_rl("%s: can only be read: %s", database_name(s->d), s->d->problem);
		else
			log_info("%s: can be written again", database_name(s->d));
	}
	if (any)
		loop_timer_set_in(&server->heal_timer, HEAL_MS);
}

void server_note_problem(struct server *server)
{
	if (!loop_timer_is_set(&server->heal_timer))
		loop_timer_set_in(&server->heal_timer, HEAL_MS);
}

struct server *server_new(struct loop *loop)
{
	struct server *server = XNEW(struct server);
	server->loop = loop;
	server->id = uuid_random();
	server->input.limit = INPUT_BYTES;
	server->output_limit = OUTPUT_BYTES;
	server->max_sessions = SIZE_MAX;
	server->own = serve(server, own_database_new());
	server->own->reserved = true;
	own_update(server);
	loop_timer_init(&server->compact_timer, loop, on_compact_timer, server);
	loop_timer_set_in(&server->compact_timer, COMPACT_CHECK_MS);
	loop_timer_init(&server->heal_timer, loop, on_heal_timer, server);
	return server;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	while (server->sessions.n)
		session_free(vec_last(&server->sessions));
	while (server->databases)
		served_free(server->databases);
	locks_done(server);
	loop_timer_cancel(&server->compact_timer);
	loop_timer_cancel(&server->heal_timer);
	loop_defer_cancel(&server->changed_defer);
	loop_defer_cancel(&server->reconnect_defer);
	loop_defer_cancel(&server->relieve);
	vec_done(&server->sessions);
	free(server);
}

// While clients that do not read hold too much together, the one that holds most has to go.
static void on_relieve(void *server_)
{
	struct server *server = server_;
	for (;;) {
		struct session *largest = NULL;
		size_t total = 0, most = 0;
		VEC_FOREACH (&server->sessions, i) {
			size_t n = session_backlog_of_its_own(server->sessions.v[i]);
			total += n;
			if (n > most) {
				most = n;
				largest = server->sessions.v[i];
			}
		}
		if (total <= server->output_limit || !largest)
			return;
		session_give_up(largest);
	}
}

void server_check_output(struct server *server)
{
	loop_defer(server->loop, &server->relieve, on_relieve, server);
}

void server_reconnect(struct server *server)
{
	// Closing takes sessions out of the list.
	for (size_t i = server->sessions.n; i-- > 0;)
		if (i < server->sessions.n)
			session_reconnect(server->sessions.v[i]);
}

void server_memory(void *server_, struct str *out)
{
	struct server *server = server_;
	size_t atoms = 0, cells = 0, triggers = 0, backlog = 0, weak = 0;
	for (struct served *s = server->databases; s; s = s->next) {
		for (unsigned int i = 0; i < s->d->db->schema->n_tables; i++) {
			const struct db_table *t = &s->d->db->tables[i];
			cells += t->n_rows * t->schema->n_columns;
			for (struct db_row *row = db_table_next_row(t, NULL); row;
			     row = db_table_next_row(t, row))
				for (unsigned int j = 0; j < t->schema->n_columns; j++)
					atoms += row->fields[j].n
						 << (row->fields[j].value_type != ATOM_VOID);
		}
		weak += s->d->db->n_weak_refs;
		triggers += s->triggers.n;
	}
	VEC_FOREACH (&server->sessions, i)
		backlog += session_backlog(server->sessions.v[i]);
	str_addf(out, "%satoms:%zu", out->len ? " " : "", atoms);
	if (backlog)
		str_addf(out, " backlog:%zu", backlog);
	str_addf(out, " cells:%zu monitors:%zu n-weak-refs:%zu sessions:%zu", cells,
		 server_n_monitors(server), weak, server->sessions.n);
	if (triggers)
		str_addf(out, " triggers:%zu", triggers);
}
