/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/trigger.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "dbserver/follower.h"
#include "dbserver/lock.h"
#include "dbserver/session.h"
#include "rpc/jsonrpc.h"

struct trigger {
	struct served *served;
	struct session *session;
	json_t *params, *id;
	int64_t since; // ms of clock_ms()
	struct loop_timer timer;
};

static bool has_lock(void *session, const char *name)
{
	return lock_is_held(session, name);
}

// The results of a finished transaction; NULL when it waits, x->wait_ms then says how long at most.
// The operations are in `x`.
static json_t *try_transaction(struct served *served, struct session *session, struct db_execute *x)
{
	x->db = served->d->db;
	x->read_only = served->server->read_only || session_is_read_only(session) ||
		       served_is_replica(served);
	x->reserved = served->reserved;
	x->has_lock = has_lock;
	x->arg = session;
	x->client = session_client(session);
	if (db_execute(x) == DB_EXECUTE_DONE) {
		struct db_error *error = database_commit(served->d, x->txn);
		if (error) {
			json_array_append_new(x->result, db_error_to_json(error));
			db_error_free(error);
			server_note_problem(served->server);
		}
	}
	return x->result;
}

static void reply(struct served *served, struct session *session, json_t *result, json_t *id)
{
	// A client learns of its own changes before it learns that they were made.
	session_flush_monitors(session, served);
	session_send(session, jsonrpc_reply(result, json_incref(id)));
}

static void trigger_free(struct trigger *t)
{
	loop_timer_cancel(&t->timer);
	json_decref(t->params);
	json_decref(t->id);
	free(t);
}

static void unlink_trigger(struct trigger *t)
{
	struct served *served = t->served;
	VEC_FOREACH (&served->triggers, i)
		if (served->triggers.v[i] == t) {
			vec_remove(&served->triggers, i);
			return;
		}
}

static void trigger_try(struct trigger *t)
{
	struct db_execute x = {
		.operations = t->params, .first = 1, .elapsed_ms = clock_ms() - t->since};
	json_t *result = try_transaction(t->served, t->session, &x);
	if (result) {
		unlink_trigger(t);
		reply(t->served, t->session, result, t->id);
		trigger_free(t);
	} else if (x.wait_ms == INT64_MAX) {
		loop_timer_cancel(&t->timer);
	} else {
		loop_timer_set_in(&t->timer, x.wait_ms);
	}
}

static void on_timer(void *t)
{
	trigger_try(t);
}

static void on_retry(void *served_)
{
	struct served *served = served_;
	// Those that end are taken out; what they change makes another round.
	VEC(struct trigger *) all = {0};
	VEC_FOREACH (&served->triggers, i)
		vec_push(&all, served->triggers.v[i]);
	VEC_FOREACH (&all, i)
		trigger_try(all.v[i]);
	vec_done(&all);
}

void triggers_schedule(struct served *served)
{
	if (served->triggers.n)
		loop_defer(served->server->loop, &served->retry, on_retry, served);
}

json_t *served_check_permission(struct served *served, struct session *session,
				const json_t *params)
{
	struct db_execute x = {
		.db = served->d->db,
		.operations = params,
		.first = 1,
		.has_lock = has_lock,
		.arg = session,
		.client = session_client(session),
	};
	if (!x.client.role)
		return NULL;
	if (db_execute(&x) == DB_EXECUTE_DONE)
		db_txn_abort(x.txn);
	size_t i;
	json_t *result;
	json_array_foreach (x.result, i, result) {
		const char *tag = json_string_value(json_object_get(result, "error"));
		if (tag && !strcmp(tag, "permission error"))
			return x.result;
	}
	json_decref(x.result);
	return NULL;
}

bool served_transact_text(struct served *served, struct session *session,
			  const struct json_piece *operations, size_t n, const json_t *id)
{
	struct db_execute x = {.pieces = operations, .n_pieces = n};
	json_t *result = try_transaction(served, session, &x);
	if (result)
		reply(served, session, result, (json_t *)id);
	return result;
}

void served_transact(struct served *served, struct session *session, struct jsonrpc_message *m)
{
	struct db_execute x = {.operations = m->params, .first = 1};
	json_t *result = try_transaction(served, session, &x);
	if (result) {
		reply(served, session, result, m->id);
		jsonrpc_message_free(m);
		return;
	}
	struct trigger *t = XNEW(struct trigger);
	*t = (struct trigger){.served = served, .session = session, .since = clock_ms()};
	t->params = json_incref(m->params);
	t->id = json_incref(m->id);
	loop_timer_init(&t->timer, served->server->loop, on_timer, t);
	if (x.wait_ms != INT64_MAX)
		loop_timer_set_in(&t->timer, x.wait_ms);
	vec_push(&served->triggers, t);
	jsonrpc_message_free(m);
}

static void cancel(struct trigger *t)
{
	unlink_trigger(t);
	session_send(t->session, jsonrpc_error(json_string("canceled"), json_incref(t->id)));
	trigger_free(t);
}

bool served_cancel(struct served *served, struct session *session, const json_t *id)
{
	if (served->follower && follower_cancel(served->follower, session, id))
		return true;
	for (size_t i = served->triggers.n; i-- > 0;) {
		struct trigger *t = served->triggers.v[i];
		if (t->session != session)
			continue;
		if (id && !json_equal(t->id, id))
			continue;
		if (id) {
			cancel(t);
			return true;
		}
		unlink_trigger(t);
		trigger_free(t);
	}
	return false;
}

void triggers_cancel_all(struct served *served)
{
	while (served->triggers.n)
		cancel(vec_last(&served->triggers));
	loop_defer_cancel(&served->retry);
}
