/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/remotes.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "dbserver/remotes_db.h"
#include "stream/stream.h"

LOG_MODULE(ovsdb_jsonrpc);

enum { DEFAULT_PORT = 6640, STATUS_MS = 2500 };

// One that is open: a listener and the sessions that came through it, or a session that connects.
struct remote {
	struct remotes *remotes;
	char *target;
	struct session_config config;
	struct stream_listener *listener;
	VEC(struct session *) sessions;
	struct session *active;
	int64_t connected_at,
		disconnected_at; // ms, of the last session that came or went; -1: never
	bool wanted;
};

// As the user gave it.
struct named {
	char *name;
	bool configured; // with what follows; else with the defaults for its kind
	struct session_config config;
};

struct remotes {
	struct server *server;
	VEC(struct named) names; // by name
	VEC(struct remote *) open;
	bool failed; // something could not be opened: it is tried again
	struct loop_timer status_timer;
	struct stream_tls *tls;			    // NULL: none
	const struct stream_tls_config *tls_config; // may have names of columns for names of files
	char *tls_problem;			    // that was logged last
};

static bool is_db(const char *name)
{
	return !strncmp(name, "db:", 3);
}

// --- One remote.

static void on_gone(void *remote_, struct session *session)
{
	struct remote *r = remote_;
	VEC_FOREACH (&r->sessions, i)
		if (r->sessions.v[i] == session) {
			vec_swap_remove(&r->sessions, i);
			break;
		}
	r->disconnected_at = clock_ms();
}

static void on_accept(void *remote_, struct stream *stream)
{
	struct remote *r = remote_;
	if (r->remotes->server->sessions.n >= r->remotes->server->max_sessions) {
		log_warn_rl("%s: refused a connection: there are %zu already, as many as the limit "
			    "of open files allows",
			    r->target, r->remotes->server->sessions.n);
		stream_free(stream);
		return;
	}
	r->connected_at = clock_ms();
	vec_push(&r->sessions, session_accept(r->remotes->server, stream, &r->config, on_gone, r));
}

static void remote_free(struct remote *r)
{
	stream_listener_free(r->listener);
	while (r->sessions.n) {
		struct session *session = vec_last(&r->sessions);
		r->sessions.n--;
		session_free(session);
	}
	if (r->active)
		session_free(r->active);
	vec_done(&r->sessions);
	session_config_done(&r->config);
	free(r->target);
	free(r);
}

static struct error *remote_open(struct remotes *remotes, const struct wanted_remote *wanted,
				 struct remote **out)
{
	struct remote *r = XNEW(struct remote);
	struct error *error;
	*r = (struct remote){.remotes = remotes, .connected_at = -1, .disconnected_at = -1};
	session_config_copy(&r->config, &wanted->config);
	r->target = xstrdup(wanted->target);
	if (stream_is_passive_name(r->target))
		error = stream_listen(remotes->server->loop, r->target, DEFAULT_PORT, on_accept, r,
				      &r->listener);
	else if (stream_is_active_name(r->target))
		error = session_connect(remotes->server, r->target, &r->config, &r->active);
	else
		error = error_new("%s: not a valid connection method", r->target);
	if (error) {
		remote_free(r);
		return error;
	}
	*out = r;
	return NULL;
}

static void remote_configure(struct remote *r, const struct session_config *config)
{
	session_config_done(&r->config);
	session_config_copy(&r->config, config);
	VEC_FOREACH (&r->sessions, i)
		session_configure(r->sessions.v[i], config);
	if (r->active)
		session_configure(r->active, config);
}

static struct remote *find_open(const struct remotes *remotes, const char *target)
{
	VEC_FOREACH (&remotes->open, i)
		if (!strcmp(remotes->open.v[i]->target, target))
			return remotes->open.v[i];
	return NULL;
}

// --- Status.

static int64_t seconds_since(int64_t at)
{
	return at < 0 ? -1 : (clock_ms() - at) / 1000;
}

static bool find_status(void *remotes_, const char *target, struct remote_status *s)
{
	const struct remote *r = find_open(remotes_, target);
	*s = (struct remote_status){.sec_since_connect = -1, .sec_since_disconnect = -1};
	if (!r)
		return false;
	const struct session *session = r->active	? r->active
					: r->sessions.n ? r->sessions.v[0]
							: NULL;
	if (r->active) {
		const struct reconnect *machine = jsonrpc_reconnect(session_rpc(r->active));
		s->state = reconnect_state_name(machine->state);
		s->is_connected = session_is_connected(r->active);
		s->last_error = session_last_error(r->active);
		s->sec_since_connect = seconds_since(machine->connected_at);
		s->sec_since_disconnect = seconds_since(machine->disconnected_at);
	} else {
		s->is_connected = r->sessions.n > 0;
		s->state = r->sessions.n ? "ACTIVE" : NULL;
		s->n_connections = (unsigned int)r->sessions.n;
		s->sec_since_connect = seconds_since(r->connected_at);
		s->sec_since_disconnect = seconds_since(r->disconnected_at);
		s->bound_port = stream_listener_port(r->listener);
	}
	if (session) {
		s->locks_held = session_n_locks(session, true);
		s->locks_waiting = session_n_locks(session, false);
	}
	return true;
}

static void on_status_timer(void *remotes_)
{
	struct remotes *remotes = remotes_;
	VEC_FOREACH (&remotes->names, i)
		if (is_db(remotes->names.v[i].name))
			remotes_db_write_status(remotes->server, remotes->names.v[i].name,
						find_status, remotes);
	if (remotes->failed)
		error_free(remotes_update(remotes)); // it was logged
	loop_timer_set_in(&remotes->status_timer, STATUS_MS);
}

// --- The set.

// The first one to name a target configures it.
static void wanted_add(struct wanted_remotes *wanted, const char *target,
		       const struct session_config *config)
{
	VEC_FOREACH (&wanted->v, i)
		if (!strcmp(wanted->v.v[i].target, target))
			return;
	struct wanted_remote *w = vec_extend(&wanted->v);
	w->target = xstrdup(target);
	session_config_copy(&w->config, config);
}

// Keeps the first error, which is the one that is given back.
static void keep_error(struct error **first, struct error *error)
{
	if (*first)
		error_free(error);
	else
		*first = error;
}

static void collect(struct remotes *remotes, struct wanted_remotes *wanted, struct error **first)
{
	VEC_FOREACH (&remotes->names, i) {
		const struct named *n = &remotes->names.v[i];
		if (!is_db(n->name)) {
			struct session_config config = session_config_default(n->name);
			wanted_add(wanted, n->name, n->configured ? &n->config : &config);
			continue;
		}
		struct wanted_remotes from_db = {0};
		struct error *error = remotes_db_read(remotes->server, n->name, &from_db);
		if (error)
			log_warn_rl("%s", error_text(error));
		keep_error(first, error);
		VEC_FOREACH (&from_db.v, j)
			wanted_add(wanted, from_db.v.v[j].target, &from_db.v.v[j].config);
		wanted_remotes_done(&from_db);
	}
}

// The file that a setting names, directly or by a column.
static const char *resolve(const struct remotes *remotes, const char *setting, struct error **first)
{
	const char *file = setting;
	if (setting && is_db(setting))
		keep_error(first, remotes_db_read_string(remotes->server, setting, &file));
	return file;
}

// The error is one of names of columns.
static struct error *update_tls(struct remotes *remotes)
{
	const struct stream_tls_config *c = remotes->tls_config;
	struct error *error = NULL;
	if (!remotes->tls)
		return NULL;
	struct stream_tls_config config = *c;
	config.private_key = resolve(remotes, c->private_key, &error);
	config.certificate = resolve(remotes, c->certificate, &error);
	config.ca_cert = resolve(remotes, c->ca_cert, &error);
	config.peer_ca_cert = resolve(remotes, c->peer_ca_cert, &error);
	if (error)
		return error; // what was configured stays
	char *text = error_take_text(stream_tls_configure(remotes->tls, &config));
	// Without any setting nobody wants TLS; a connection that does says what is missing.
	bool wanted = c->private_key || c->certificate || c->ca_cert;
	if (text && wanted && (!remotes->tls_problem || strcmp(text, remotes->tls_problem)))
		log_warn("%s", text);
	free(remotes->tls_problem);
	remotes->tls_problem = text;
	return error;
}

struct error *remotes_set_tls(struct remotes *remotes, struct stream_tls *tls,
			      const struct stream_tls_config *config)
{
	remotes->tls = tls;
	remotes->tls_config = config;
	stream_tls_attach(tls, remotes->server->loop);
	return update_tls(remotes);
}

struct error *remotes_update(struct remotes *remotes)
{
	struct wanted_remotes wanted = {0};
	struct error *first = update_tls(remotes);
	if (first)
		log_warn_rl("%s", error_text(first));
	collect(remotes, &wanted, &first);
	VEC_FOREACH (&remotes->open, i)
		remotes->open.v[i]->wanted = false;
	VEC_FOREACH (&wanted.v, i) {
		struct remote *r = find_open(remotes, wanted.v.v[i].target);
		if (r) {
			remote_configure(r, &wanted.v.v[i].config);
			r->wanted = true;
		}
	}
	for (size_t i = remotes->open.n; i-- > 0;)
		if (!remotes->open.v[i]->wanted) {
			remote_free(remotes->open.v[i]);
			vec_swap_remove(&remotes->open, i);
		}
	VEC_FOREACH (&wanted.v, i) {
		struct remote *r;
		if (find_open(remotes, wanted.v.v[i].target))
			continue;
		struct error *error = remote_open(remotes, &wanted.v.v[i], &r);
		if (error) {
			log_err_rl("%s", error_text(error));
			keep_error(&first, error);
		} else {
			vec_push(&remotes->open, r);
		}
	}
	wanted_remotes_done(&wanted);
	remotes->failed = first != NULL;
	return first;
}

static void on_changed(void *remotes_)
{
	error_free(remotes_update(remotes_)); // it was logged
}

struct remotes *remotes_new(struct server *server)
{
	struct remotes *remotes = XNEW(struct remotes);
	remotes->server = server;
	server->changed = on_changed;
	server->arg = remotes;
	loop_timer_init(&remotes->status_timer, server->loop, on_status_timer, remotes);
	loop_timer_set_in(&remotes->status_timer, STATUS_MS);
	return remotes;
}

static void named_done(struct named *n)
{
	free(n->name);
	session_config_done(&n->config);
}

void remotes_free(struct remotes *remotes)
{
	if (!remotes)
		return;
	remotes->server->changed = NULL;
	loop_timer_cancel(&remotes->status_timer);
	VEC_FOREACH (&remotes->open, i)
		remote_free(remotes->open.v[i]);
	VEC_FOREACH (&remotes->names, i)
		named_done(&remotes->names.v[i]);
	free(remotes->tls_problem);
	vec_done(&remotes->open);
	vec_done(&remotes->names);
	free(remotes);
}

static size_t find_name(const struct remotes *remotes, const char *name)
{
	VEC_FOREACH (&remotes->names, i)
		if (!strcmp(remotes->names.v[i].name, name))
			return i;
	return SIZE_MAX;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static struct error *check_name(const struct remotes *remotes, const char *target)
{
	if (is_db(target)) {
		struct wanted_remotes unused = {0};
		struct error *error = remotes_db_read(remotes->server, target, &unused);
		wanted_remotes_done(&unused);
		return error;
	}
	if (!stream_is_active_name(target) && !stream_is_passive_name(target))
		return error_new("%s: not a valid connection method", target);
	return NULL;
}

struct error *remotes_add(struct remotes *remotes, const char *target,
			  const struct session_config *config)
{
	size_t i = find_name(remotes, target);
	if (i == SIZE_MAX) {
		struct error *error = check_name(remotes, target);
		if (error)
			return error;
		vec_push(&remotes->names, ((struct named){.name = xstrdup(target)}));
		qsort(remotes->names.v, remotes->names.n, sizeof(remotes->names.v[0]),
		      compare_names);
		i = find_name(remotes, target);
	}
	struct named *n = &remotes->names.v[i];
	session_config_done(&n->config);
	n->configured = config;
	if (config)
		session_config_copy(&n->config, config);
	return NULL;
}

bool remotes_remove(struct remotes *remotes, const char *target)
{
	size_t i = find_name(remotes, target);
	if (i == SIZE_MAX)
		return false;
	named_done(&remotes->names.v[i]);
	vec_remove(&remotes->names, i);
	return true;
}

void remotes_list(const struct remotes *remotes, struct str *out)
{
	VEC_FOREACH (&remotes->names, i)
		str_addf(out, "%s\n", remotes->names.v[i].name);
}

size_t remotes_n_connections(const struct remotes *remotes)
{
	size_t n = 0;
	VEC_FOREACH (&remotes->open, i)
		n += remotes->open.v[i]->active ? 1 : remotes->open.v[i]->sessions.n;
	return n;
}
