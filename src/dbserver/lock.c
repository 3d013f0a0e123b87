/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/lock.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "dbserver/session.h"
#include "rpc/jsonrpc.h"

static struct db_lock *find(const struct server *server, const char *name)
{
	VEC_FOREACH (&server->locks, i)
		if (!strcmp(server->locks.v[i]->name, name))
			return server->locks.v[i];
	return NULL;
}

static size_t place(const struct db_lock *lock, const struct session *session)
{
	VEC_FOREACH (&lock->queue, i)
		if (lock->queue.v[i] == session)
			return i;
	return SIZE_MAX;
}

static void tell(struct session *session, const char *what, const char *name)
{
	json_t *params = json_array();
	json_array_append_new(params, json_string(name));
	session_send(session, jsonrpc_notify(what, params));
}

enum lock_result lock_acquire(struct session *session, const char *name, bool steal)
{
	struct server *server = session_server(session);
	struct db_lock *lock = find(server, name);
	if (!lock) {
		lock = XNEW(struct db_lock);
		lock->name = xstrdup(name);
		vec_push(&server->locks, lock);
	}
	if (place(lock, session) != SIZE_MAX)
		return LOCK_ALREADY;
	vec_push(&lock->queue, session);
	if (lock->queue.n == 1)
		return LOCK_HELD;
	if (!steal)
		return LOCK_QUEUED;
	tell(lock->queue.v[0], "stolen", name);
	memmove(&lock->queue.v[1], &lock->queue.v[0],
		(lock->queue.n - 1) * sizeof(lock->queue.v[0]));
	lock->queue.v[0] = session;
	return LOCK_HELD;
}

static void leave(struct server *server, struct db_lock *lock, size_t at)
{
	vec_remove(&lock->queue, at);
	if (lock->queue.n) {
		if (!at)
			tell(lock->queue.v[0], "locked", lock->name);
		return;
	}
	VEC_FOREACH (&server->locks, i)
		if (server->locks.v[i] == lock) {
			vec_swap_remove(&server->locks, i);
			break;
		}
	vec_done(&lock->queue);
	free(lock->name);
	free(lock);
}

bool lock_release(struct session *session, const char *name)
{
	struct server *server = session_server(session);
	struct db_lock *lock = find(server, name);
	size_t at = lock ? place(lock, session) : SIZE_MAX;
	if (at == SIZE_MAX)
		return false;
	leave(server, lock, at);
	return true;
}

void locks_release_all(struct session *session)
{
	struct server *server = session_server(session);
	for (size_t i = server->locks.n; i-- > 0;) {
		size_t at = place(server->locks.v[i], session);
		if (at != SIZE_MAX)
			leave(server, server->locks.v[i], at);
	}
}

bool lock_is_held(const struct session *session, const char *name)
{
	const struct db_lock *lock = find(session_server(session), name);
	return lock && lock->queue.n && lock->queue.v[0] == session;
}

void locks_done(struct server *server)
{
	vec_done(&server->locks); // sessions took their locks with them
}
