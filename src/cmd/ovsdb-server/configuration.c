/* SPDX-License-Identifier: Apache-2.0 */
#include "configuration.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "config_file.h"

LOG_MODULE(ovsdb_configuration);

static void keep_error(struct error **first, struct error *error)
{
	if (!error)
		return;
	log_err("%s", error_text(error));
	if (*first)
		error_free(error);
	else
		*first = error;
}

// --- Databases.

static struct configured *find_configured(struct program *p, const char *key)
{
	VEC_FOREACH (&p->configured, i)
		if (!strcmp(p->configured.v[i].key, key))
			return &p->configured.v[i];
	return NULL;
}

static void configured_done(struct configured *c)
{
	free(c->key);
	free(c->name);
}

static const struct config_database *find_wanted(const struct config_file *config, const char *key)
{
	VEC_FOREACH (&config->databases, i)
		if (!strcmp(config->databases.v[i].name, key))
			return &config->databases.v[i];
	return NULL;
}

// What is not wanted any more, or wanted in another way that takes a new beginning.
static void close_databases(struct program *p, const struct config_file *config)
{
	for (size_t i = p->configured.n; i-- > 0;) {
		struct configured *c = &p->configured.v[i];
		const struct config_database *wanted = find_wanted(config, c->key);
		const struct served *s = server_find(p->server, c->name);
		if (s && wanted && wanted->relay == served_is_relay(s) &&
		    (!wanted->relay ||
		     follower_config_equal(&wanted->source, follower_config(s->follower))))
			continue;
		server_remove_database(p->server, c->name);
		configured_done(c);
		vec_remove(&p->configured, i);
	}
}

static struct error *open_database(struct program *p, struct config_database *d)
{
	struct error *error;
	const char *name = d->name;
	if (d->relay)
		error = server_add_relay(p->server, d->name, &d->source);
	else
		error = db_error_to_error(program_open_file(p, d->name, &name));
	if (!error)
		vec_push(&p->configured, ((struct configured){xstrdup(d->name), xstrdup(name)}));
	return error;
}

// Makes it the backup of what it is to follow, or nobody's.
static struct error *set_role(struct program *p, struct config_database *d,
			      const struct configured *c)
{
	struct served *s = server_find(p->server, c->name);
	struct error *error = NULL;
	if (!s || d->relay ||
	    (s->follower && d->backup &&
	     follower_config_equal(&d->source, follower_config(s->follower))))
		return NULL;
	if (!s->follower && !d->backup)
		return NULL;
	follower_free(s->follower);
	s->follower = NULL;
	if (d->backup)
		error = follower_new(s, &d->source, &s->follower);
	return error;
}

static void load_databases(struct program *p, const struct config_file *config,
			   struct error **first)
{
	close_databases(p, config);
	VEC_FOREACH (&config->databases, i) {
		struct config_database *d = &config->databases.v[i];
		if (!find_configured(p, d->name))
			keep_error(first, open_database(p, d));
		const struct configured *c = find_configured(p, d->name);
		if (c)
			keep_error(first, set_role(p, d, c));
	}
}

// --- Remotes.

static bool is_wanted(const struct config_file *config, const char *target)
{
	VEC_FOREACH (&config->remotes, i)
		if (!strcmp(config->remotes.v[i].target, target))
			return true;
	return false;
}

static void load_remotes(struct program *p, const struct config_file *config, struct error **first)
{
	struct str list = STR_INIT;
	remotes_list(p->remotes, &list);
	char *rest = list.s, *name;
	while (rest && (name = strsep(&rest, "\n")))
		if (*name && !is_wanted(config, name))
			remotes_remove(p->remotes, name);
	str_done(&list);
	VEC_FOREACH (&config->remotes, i)
		keep_error(first, remotes_add(p->remotes, config->remotes.v[i].target,
					      &config->remotes.v[i].config));
	keep_error(first, remotes_update(p->remotes));
}

// --- The whole.

struct error *configuration_load(struct program *p)
{
	struct config_file config;
	struct error *first = config_file_read(p->config_path, &config);
	if (first)
		return first;
	load_databases(p, &config, &first);
	load_remotes(p, &config, &first);
	config_file_done(&config);
	return first;
}

void configuration_done(struct program *p)
{
	VEC_FOREACH (&p->configured, i)
		configured_done(&p->configured.v[i]);
	vec_done(&p->configured);
	free(p->config_path);
}
