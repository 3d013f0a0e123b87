/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/replication.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "dbserver/follower.h"
#include "stream/stream.h"

LOG_MODULE(replication);

struct replication {
	struct server *server;
	char *active;		// NULL: none
	VEC(char *) excluded;	// "DB:TABLE", sorted
	int64_t probe_interval; // ms
	bool backup;
};

struct replication *replication_new(struct server *server)
{
	struct replication *r = XNEW(struct replication);
	r->server = server;
	r->probe_interval = 60000;
	return r;
}

static void clear_excluded(struct replication *r)
{
	VEC_FOREACH (&r->excluded, i)
		free(r->excluded.v[i]);
	vec_done(&r->excluded);
}

void replication_free(struct replication *r)
{
	if (!r)
		return;
	clear_excluded(r);
	free(r->active);
	free(r);
}

// --- Followers.

static bool is_replicated(const struct served *s)
{
	return !s->reserved && !served_is_relay(s);
}

static void follow(struct replication *r, struct served *s)
{
	struct follower_config config;
	follower_config_init(&config, false);
	config.probe_interval = r->probe_interval;
	size_t n = strlen(database_name(s->d));
	VEC_FOREACH (&r->excluded, i) {
		const char *name = r->excluded.v[i];
		if (!strncmp(name, database_name(s->d), n) && name[n] == ':')
			vec_push(&config.excluded, xstrdup(name + n + 1));
	}
	struct error *error = follower_config_set_targets(&config, r->active);
	if (!error)
		error = follower_new(s, &config, &s->follower);
	if (error)
		log_err("%s", error_text(error));
	error_free(error);
	follower_config_done(&config);
}

static void drop_followers(struct replication *r)
{
	for (struct served *s = r->server->databases; s; s = s->next)
		if (is_replicated(s)) {
			follower_free(s->follower);
			s->follower = NULL;
		}
}

void replication_update(struct replication *r)
{
	if (!r->backup)
		return;
	for (struct served *s = r->server->databases; s; s = s->next)
		if (is_replicated(s) && !s->follower)
			follow(r, s);
}

static void restart(struct replication *r)
{
	if (r->backup) {
		drop_followers(r);
		replication_update(r);
	}
}

// --- Settings.

struct error *replication_set_active(struct replication *r, const char *target)
{
	struct follower_config config;
	follower_config_init(&config, false);
	struct error *error = follower_config_set_targets(&config, target);
	follower_config_done(&config);
	if (error)
		return error;
	free(r->active);
	r->active = xstrdup(target);
	restart(r);
	return NULL;
}

const char *replication_active(const struct replication *r)
{
	return r->active;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct error *check_excluded(const char *item)
{
	const char *colon = strchr(item, ':');
	char *db = colon ? xstrndup(item, (size_t)(colon - item)) : NULL;
	bool good = db && db_is_valid_id(db) && db_is_valid_id(colon + 1);
	free(db);
	return good ? NULL : error_new("%s: not of the form DB:TABLE", item);
}

struct error *replication_set_excluded(struct replication *r, const char *list)
{
	char *copy = xstrdup(list), *rest = copy, *item;
	VEC(char *) names = {0};
	struct error *error = NULL;
	while (!error && (item = strsep(&rest, ","))) {
		if (!*item)
			continue;
		error = check_excluded(item);
		vec_push(&names, xstrdup(item));
	}
	free(copy);
	if (error) {
		VEC_FOREACH (&names, i)
			free(names.v[i]);
		vec_done(&names);
		return error;
	}
	if (names.n)
		qsort(names.v, names.n, sizeof(names.v[0]), compare_names);
	clear_excluded(r);
	VEC_FOREACH (&names, i)
		vec_push(&r->excluded, names.v[i]);
	vec_done(&names);
	restart(r);
	return NULL;
}

void replication_list_excluded(const struct replication *r, struct str *out)
{
	VEC_FOREACH (&r->excluded, i)
		str_addf(out, "%s%s", i ? "," : "", r->excluded.v[i]);
}

void replication_set_probe_interval(struct replication *r, int64_t ms)
{
	r->probe_interval = ms;
	for (struct served *s = r->server->databases; s; s = s->next)
		if (served_is_replica(s))
			follower_set_probe_interval(s->follower, ms);
}

// --- Roles.

static void set_role(struct replication *r, bool backup)
{
	if (r->backup == backup)
		return;
	r->backup = backup;
	r->server->read_only = backup;
	if (backup)
		replication_update(r);
	else
		drop_followers(r);
	log_info("this server is %s", backup ? "a backup now" : "active now");
	// What clients may do is not what it was when they connected.
	server_reconnect(r->server);
}

struct error *replication_start(struct replication *r)
{
	if (!r->active)
		return error_new("Unable to connect: active server is not specified.");
	set_role(r, true);
	return NULL;
}

void replication_stop(struct replication *r)
{
	set_role(r, false);
}

// --- Status.

static void add_list(struct str *out, const char *what, const struct str *list)
{
	if (list->len)
		str_addf(out, "%s: %s\n", what, list->s);
}

void replication_status(const struct replication *r, struct str *out)
{
	if (!r->backup) {
		str_add(out, "state: active\n");
		return;
	}
	struct str following = STR_INIT, connecting = STR_INIT, problems = STR_INIT,
		   excluded = STR_INIT;
	for (const struct served *s = r->server->databases; s; s = s->next) {
		if (!served_is_replica(s))
			continue;
		const char *name = database_name(s->d);
		switch (follower_state(s->follower)) {
		case FOLLOWER_FOLLOWING:
			str_addf(&following, "%s%s", following.len ? "," : "", name);
			break;
		case FOLLOWER_FAILED:
			str_addf(&problems, "%s%s: %s", problems.len ? "; " : "", name,
				 follower_problem(s->follower));
			break;
		case FOLLOWER_CONNECTING:
		case FOLLOWER_ASKING:
			str_addf(&connecting, "%s%s", connecting.len ? "," : "", name);
		}
	}
	str_add(out, "state: backup\n");
	str_addf(out, "%s: %s\n",
		 following.len	? "replicating"
		 : problems.len ? "error"
				: "connecting",
		 r->active);
	add_list(out, "database", &following);
	if (following.len)
		add_list(out, "connecting", &connecting);
	add_list(out, "problem", &problems);
	replication_list_excluded(r, &excluded);
	if (following.len)
		add_list(out, "exclude", &excluded);
	str_done(&following);
	str_done(&connecting);
	str_done(&problems);
	str_done(&excluded);
}
