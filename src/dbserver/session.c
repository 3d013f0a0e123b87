/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "dbserver/lock.h"
#include "dbserver/session_methods.h"

LOG_MODULE(ovsdb_jsonrpc_server);

// A client with more than this not taken yet is behind. The stream tells when it falls below half
// of it.
enum { BEHIND_BYTES = 128 * 1024, LARGE_BYTES = 1024 * 1024, STALL_MS = 60 * 1000 };

struct session_config session_config_default(const char *target)
{
	bool local = !strncmp(target, "unix:", 5) || !strncmp(target, "punix:", 6);
	return (struct session_config){
		.probe_interval = local ? 0 : 5000, .max_backoff = 8000, .dscp = -1};
}

void session_config_copy(struct session_config *config, const struct session_config *from)
{
	*config = *from;
	config->role = xstrdup_null(from->role);
}

void session_config_done(struct session_config *config)
{
	free(config->role);
	config->role = NULL;
}

static void close_now(struct session *session);

struct server *session_server(const struct session *session)
{
	return session->server;
}

bool session_is_read_only(const struct session *session)
{
	return session->config.read_only;
}

struct rbac_client session_client(const struct session *session)
{
	return (struct rbac_client){session->config.role, session->client_id};
}

bool session_is_connected(const struct session *session)
{
	return jsonrpc_is_connected(session->rpc);
}

int session_last_error(const struct session *session)
{
	return session->last_error;
}

const struct jsonrpc *session_rpc(const struct session *session)
{
	return session->rpc;
}

size_t session_backlog(const struct session *session)
{
	return jsonrpc_backlog(session->rpc);
}

size_t session_backlog_of_its_own(const struct session *session)
{
	size_t n = jsonrpc_backlog(session->rpc);
	return n > session->shared_bytes ? n - session->shared_bytes : 0;
}

size_t session_n_locks(const struct session *session, bool held)
{
	size_t n = 0;
	VEC_FOREACH (&session->server->locks, i) {
		const struct db_lock *lock = session->server->locks.v[i];
		VEC_FOREACH (&lock->queue, j)
			n += lock->queue.v[j] == session && !j == held;
	}
	return n;
}

static void pause(struct session *session)
{
	session->paused = true;
	session->stall_backlog = jsonrpc_backlog(session->rpc);
	jsonrpc_set_reading(session->rpc, false);
	jsonrpc_set_probe_interval(session->rpc, 0);
	loop_timer_set_in(&session->stall_timer, STALL_MS);
}

static void resume(struct session *session)
{
	session->paused = false;
	session->shared_bytes = 0;
	jsonrpc_set_reading(session->rpc, true);
	jsonrpc_set_probe_interval(session->rpc, session->config.probe_interval);
	loop_timer_cancel(&session->stall_timer);
}

static void on_stall_timer(void *session_)
{
	struct session *session = session_;
	size_t backlog = jsonrpc_backlog(session->rpc);
	if (backlog < session->stall_backlog) {
		session->stall_backlog = backlog;
		loop_timer_set_in(&session->stall_timer, STALL_MS);
		return;
	}
	log_warn_rl("%s: took nothing of %zu bytes for %d seconds, disconnecting",
		    jsonrpc_name(session->rpc), backlog, STALL_MS / 1000);
	close_now(session);
}

static void check_backlog(struct session *session)
{
	if (!session->paused && jsonrpc_backlog(session->rpc) > BEHIND_BYTES)
		pause(session);
	if (jsonrpc_backlog(session->rpc) > LARGE_BYTES)
		server_check_output(session->server);
}

void session_send(struct session *session, struct jsonrpc_message *m)
{
	jsonrpc_send(session->rpc, m);
	check_backlog(session);
}

static char *id_to_text(const json_t *id)
{
	return json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY);
}

void session_reply_text(struct session *session, const struct str *before,
			struct shared_text *shared, const char *after, const json_t *id)
{
	struct str *out = jsonrpc_begin(session->rpc);
	if (!out) {
		shared_text_unref(shared);
		return;
	}
	char *text = id_to_text(id);
	str_add(out, "{\"result\":");
	str_add(out, str_cstr(before));
	if (shared) {
		session->shared_bytes += shared->text.len;
		jsonrpc_add_shared(session->rpc, shared);
	}
	str_add(out, after);
	str_add(out, ",\"error\":null,\"id\":");
	str_add(out, text);
	str_addc(out, '}');
	free(text);
	jsonrpc_end(session->rpc);
	check_backlog(session);
	if (!session->paused)
		session->shared_bytes = 0;
}

// --- Monitors.

bool session_monitor_is_behind(const struct session_monitor *m)
{
	return m->backlog || m->session->paused;
}

void session_monitor_put_off(struct session_monitor *m, const struct db_txn *txn)
{
	if (!m->backlog)
		m->backlog = monitor_backlog_new();
	monitor_backlog_add(m->backlog, m->group->spec, txn);
}

void session_monitor_set_id(struct session_monitor *m, json_t *id)
{
	json_incref(id);
	json_decref(m->id);
	free(m->id_text);
	m->id = id;
	m->id_text = id_to_text(id);
}

void session_monitor_send(struct session_monitor *m, const struct str *updates)
{
	static const char *const starts[] = {
		[MONITOR_V1] = "{\"method\":\"update\",\"params\":[",
		[MONITOR_V2] = "{\"method\":\"update2\",\"params\":[",
		[MONITOR_V3] = "{\"method\":\"update3\",\"params\":[",
	};
	enum monitor_version version = m->group->spec->version;
	struct str *out = jsonrpc_begin(m->session->rpc);
	if (!out)
		return;
	str_add(out, starts[version]);
	str_add(out, m->id_text);
	str_addc(out, ',');
	if (version == MONITOR_V3) {
		struct uuid id = history_last_id(m->served->history);
		char text[UUID_TEXT_LEN + 1];
		uuid_format(&id, text);
		str_addc(out, '"');
		str_addn(out, text, UUID_TEXT_LEN);
		str_add(out, "\",");
	}
	str_addn(out, updates->s, updates->len);
	str_add(out, "],\"id\":null}");
	jsonrpc_end(m->session->rpc);
	check_backlog(m->session);
}

static void flush_monitor(struct session_monitor *m)
{
	if (!m->backlog)
		return;
	struct str updates = STR_INIT;
	bool any = monitor_backlog_take(m->backlog, m->group->spec, &updates);
	monitor_backlog_free(m->backlog);
	m->backlog = NULL;
	if (any)
		session_monitor_send(m, &updates);
	str_done(&updates);
}

void session_flush_monitors(struct session *session, struct served *served)
{
	VEC_FOREACH (&session->monitors, i)
		if (session->monitors.v[i]->served == served)
			flush_monitor(session->monitors.v[i]);
}

void session_monitor_free(struct session_monitor *m)
{
	served_leave(m->served, m->group, m);
	monitor_backlog_free(m->backlog);
	json_decref(m->id);
	free(m->id_text);
	free(m);
}

void session_forget_database(struct session *session, struct served *served)
{
	for (size_t i = session->monitors.n; i-- > 0;) {
		struct session_monitor *m = session->monitors.v[i];
		if (m->served != served)
			continue;
		vec_remove(&session->monitors, i);
		if (session->db_change_aware) {
			json_t *params = json_array();
			json_array_append(params, m->id);
			session_send(session, jsonrpc_notify("monitor_canceled", params));
		}
		session_monitor_free(m);
	}
}

// --- The connection.

// Forgets what the client had on the server.
static void reset(struct session *session)
{
	while (session->monitors.n) {
		struct session_monitor *m = vec_last(&session->monitors);
		session->monitors.n--;
		session_monitor_free(m);
	}
	for (struct served *s = session->server->databases; s; s = s->next)
		served_cancel(s, session, NULL);
	locks_release_all(session);
	free(session->client_id);
	session->client_id = NULL;
	session->db_change_aware = false;
	session->stale = false;
	if (session->paused)
		resume(session);
}

static void on_message(void *session_, struct jsonrpc_message *m)
{
	struct session *session = session_;
	bool known = true;
	switch (m->type) {
	case JSONRPC_REQUEST:
		session_handle_request(session, m);
		return;
	case JSONRPC_NOTIFY:
		known = session_handle_notify(session, m);
		break;
	case JSONRPC_REPLY:
	case JSONRPC_ERROR:
		known = false;
		break;
	}
	jsonrpc_message_free(m);
	if (!known) {
		log_warn_rl("%s: received unexpected message, disconnecting",
			    jsonrpc_name(session->rpc));
		close_now(session);
	}
}

static bool on_text(void *session_, const char *p, size_t n)
{
	return session_handle_text(session_, (struct json_piece){p, n});
}

static void close_now(struct session *session)
{
	if (session->accepted) {
		if (session->gone)
			session->gone(session->arg, session);
		session_free(session);
	} else {
		reset(session);
		jsonrpc_force_reconnect(session->rpc);
	}
}

static void on_closed(void *session_, int error)
{
	struct session *session = session_;
	if (error == EPROTO)
		log_warn_rl("%s: received bad JSON-RPC message, disconnecting",
			    jsonrpc_name(session->rpc));
	else if (error == EMSGSIZE)
		log_warn_rl("%s: sent a message that is too large, disconnecting",
			    jsonrpc_name(session->rpc));
	if (session->accepted) {
		if (session->gone)
			session->gone(session->arg, session);
		session_free(session);
	} else {
		session->last_error = error > 0 ? error : 0;
		reset(session);
	}
}

static void on_drained(void *session_)
{
	struct session *session = session_;
	if (session->paused)
		resume(session);
	VEC_FOREACH (&session->monitors, i) {
		if (session->paused)
			return;
		flush_monitor(session->monitors.v[i]);
	}
}

static void on_connected(void *session_)
{
	struct session *session = session_;
	session->client_id = jsonrpc_peer_name(session->rpc);
}

static const struct jsonrpc_callbacks callbacks = {.connected = on_connected,
						   .message = on_message,
						   .closed = on_closed,
						   .drained = on_drained};

static struct session *session_new(struct server *server, const struct session_config *config)
{
	struct session *session = XNEW(struct session);
	session->server = server;
	session_config_copy(&session->config, config);
	loop_timer_init(&session->stall_timer, server->loop, on_stall_timer, session);
	vec_push(&server->sessions, session);
	return session;
}

// Who is on this host may restore a whole database.
static size_t max_message(const struct session *session)
{
	bool local =
		!session->config.probe_interval || !strncmp(jsonrpc_name(session->rpc), "unix", 4);
	return local ? 512u << 20 : 128u << 20;
}

void session_configure(struct session *session, const struct session_config *config)
{
	if (config != &session->config) {
		session_config_done(&session->config);
		session_config_copy(&session->config, config);
	}
	jsonrpc_set_text_callback(session->rpc, on_text);
	jsonrpc_set_limits(session->rpc, max_message(session), &session->server->input);
	jsonrpc_set_dscp(session->rpc, config->dscp);
	if (!session->paused)
		jsonrpc_set_probe_interval(session->rpc, config->probe_interval);
	if (!session->accepted)
		jsonrpc_set_max_backoff(session->rpc, config->max_backoff);
}

struct session *session_accept(struct server *server, struct stream *stream,
			       const struct session_config *config,
			       void (*gone)(void *, struct session *), void *arg)
{
	struct session *session = session_new(server, config);
	session->accepted = true;
	session->gone = gone;
	session->arg = arg;
	session->rpc = jsonrpc_new(server->loop, stream, &callbacks, session);
	session->client_id = jsonrpc_peer_name(session->rpc);
	session_configure(session, config);
	return session;
}

struct error *session_connect(struct server *server, const char *target,
			      const struct session_config *config, struct session **out)
{
	struct session *session = session_new(server, config);
	struct error *error =
		jsonrpc_connect(server->loop, target, true, &callbacks, session, &session->rpc);
	if (error) {
		server->sessions.n--;
		session_config_done(&session->config);
		free(session);
		*out = NULL;
		return error;
	}
	session_configure(session, config);
	*out = session;
	return NULL;
}

void session_free(struct session *session)
{
	struct server *server = session->server;
	reset(session);
	VEC_FOREACH (&server->sessions, i)
		if (server->sessions.v[i] == session) {
			vec_swap_remove(&server->sessions, i);
			break;
		}
	jsonrpc_free(session->rpc);
	session_config_done(&session->config);
	vec_done(&session->monitors);
	free(session);
}

void session_give_up(struct session *session)
{
	log_warn("%s: does not take %zu bytes while memory for answers is used up, disconnecting",
		 jsonrpc_name(session->rpc), session_backlog(session));
	close_now(session);
}

void session_make_stale(struct session *session)
{
	session->stale = !session->db_change_aware;
}

bool session_is_stale(const struct session *session)
{
	return session->stale;
}

void session_reconnect(struct session *session)
{
	if (!session->accepted) {
		reset(session);
		jsonrpc_force_reconnect(session->rpc);
		return;
	}
	// It may be the one that is being answered: what it was sent must arrive.
	if (session->gone)
		session->gone(session->arg, session);
	reset(session);
	struct server *server = session->server;
	VEC_FOREACH (&server->sessions, i)
		if (server->sessions.v[i] == session) {
			vec_swap_remove(&server->sessions, i);
			break;
		}
	jsonrpc_close_gracefully(session->rpc);
	session_config_done(&session->config);
	vec_done(&session->monitors);
	free(session);
}
