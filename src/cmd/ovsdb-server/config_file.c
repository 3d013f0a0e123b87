/* SPDX-License-Identifier: Apache-2.0 */
#include "config_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ovsdb/fields.h"
#include "stream/stream.h"

void config_file_done(struct config_file *c)
{
	VEC_FOREACH (&c->remotes, i) {
		free(c->remotes.v[i].target);
		session_config_done(&c->remotes.v[i].config);
	}
	VEC_FOREACH (&c->databases, i) {
		free(c->databases.v[i].name);
		follower_config_done(&c->databases.v[i].source);
	}
	vec_done(&c->remotes);
	vec_done(&c->databases);
}

// Milliseconds or another small number; `otherwise` when it is not there.
static int64_t get_number(struct fields *f, const char *name, int64_t min, int64_t max,
			  int64_t otherwise)
{
	const json_t *json = fields_get(f, name, FIELD_INTEGER | FIELD_OPTIONAL);
	if (!json)
		return otherwise;
	int64_t value = (int64_t)json_number_value(json);
	if (value < min || value > max)
		fields_error(f, "%s must be from %lld to %lld", name, (long long)min,
			     (long long)max);
	return value;
}

static struct db_error *read_remote(struct config_file *c, const char *target, const json_t *json)
{
	struct config_remote *r = vec_extend(&c->remotes);
	struct fields f;
	r->target = xstrdup(target);
	r->config = session_config_default(target);
	if (json_is_null(json))
		return NULL;
	fields_init(&f, json, "remote \"%s\"", target);
	r->config.probe_interval =
		get_number(&f, "inactivity-probe", 0, INT32_MAX, r->config.probe_interval);
	r->config.max_backoff =
		get_number(&f, "max-backoff", 1000, INT32_MAX, r->config.max_backoff);
	r->config.dscp = (int)get_number(&f, "dscp", 0, 63, -1);
	r->config.read_only =
		json_is_true(fields_get(&f, "read-only", FIELD_BOOLEAN | FIELD_OPTIONAL));
	const json_t *role = fields_get(&f, "role", FIELD_STRING | FIELD_OPTIONAL);
	if (role && json_string_length(role))
		r->config.role = xstrdup(json_string_value(role));
	if (!strncmp(target, "db:", 3) && json_object_size(json))
		fields_error(&f, "the rows that are named by it configure its connections");
	return fields_done(&f);
}

static struct db_error *read_source(struct follower_config *source, const char *name,
				    const json_t *json)
{
	const char *target;
	json_t *options;
	bool first = true;
	json_object_foreach ((json_t *)json, target, options) {
		struct fields f;
		struct error *bad = follower_config_set_targets(source, target);
		if (bad) {
			struct db_error *error = db_error_new("ovsdb error", "database \"%s\": %s",
							      name, error_text(bad));
			error_free(bad);
			return error;
		}
		if (json_is_null(options))
			continue;
		fields_init(&f, options, "source \"%s\" of database \"%s\"", target, name);
		int64_t probe =
			get_number(&f, "inactivity-probe", 0, INT32_MAX, source->probe_interval);
		int64_t backoff =
			get_number(&f, "max-backoff", 1000, INT32_MAX, source->max_backoff);
		if (!first && (probe != source->probe_interval || backoff != source->max_backoff))
			fields_error(&f, "all sources of a database must have the same intervals");
		source->probe_interval = probe;
		source->max_backoff = backoff;
		first = false;
		struct db_error *error = fields_done(&f);
		if (error)
			return error;
	}
	return NULL;
}

static void read_excluded(struct config_database *d, struct fields *f, const json_t *tables)
{
	size_t i;
	json_t *table;
	json_array_foreach (tables, i, table)
		if (json_is_string(table) && db_is_valid_id(json_string_value(table)))
			vec_push(&d->source.excluded, xstrdup(json_string_value(table)));
		else
			fields_error(f, "exclude-tables must be an array of names of tables");
}

static struct db_error *read_database(struct config_file *c, const char *name, const json_t *json)
{
	struct config_database *d = vec_extend(&c->databases);
	struct fields f;
	*d = (struct config_database){.name = xstrdup(name)};
	follower_config_init(&d->source, false);
	if (json_is_null(json))
		return NULL;
	fields_init(&f, json, "database \"%s\"", name);
	const json_t *model = fields_get(&f, "service-model", FIELD_STRING | FIELD_OPTIONAL);
	const json_t *source = fields_get(&f, "source", FIELD_OBJECT | FIELD_OPTIONAL);
	const json_t *excluded = fields_get(&f, "exclude-tables", FIELD_ARRAY | FIELD_OPTIONAL);
	d->backup = json_is_true(fields_get(&f, "backup", FIELD_BOOLEAN | FIELD_OPTIONAL));
	const char *text = model ? json_string_value(model) : "standalone";
	d->relay = !strcmp(text, "relay");
	bool pair = !strcmp(text, "active-backup");
	follower_config_done(&d->source);
	follower_config_init(&d->source, d->relay);
	if (!strcmp(text, "clustered"))
		fields_error(&f, "clustered databases are not supported; service-model may be "
				 "standalone, active-backup or relay");
	else if (!d->relay && !pair && strcmp(text, "standalone"))
		fields_error(&f,
			     "service-model \"%s\" is none of standalone, active-backup and relay",
			     text);
	else if ((d->relay || d->backup) && !json_object_size(source))
		fields_error(&f,
			     "a \"source\" is needed, an object with connection methods for names");
	else if (!d->relay && !pair && (source || excluded || d->backup))
		fields_error(&f, "source, backup and exclude-tables are for service-model "
				 "active-backup (or relay)");
	else if (d->relay && (excluded || d->backup))
		fields_error(&f, "backup and exclude-tables are not for relays");
	if (excluded)
		read_excluded(d, &f, excluded);
	struct db_error *error = fields_done(&f);
	return error ? error : read_source(&d->source, name, source);
}

static struct db_error *read_all(struct config_file *c, const json_t *json)
{
	struct fields f;
	const char *name;
	json_t *value;
	fields_init(&f, json, "configuration");
	const json_t *remotes = fields_get(&f, "remotes", FIELD_OBJECT | FIELD_OPTIONAL);
	const json_t *databases = fields_get(&f, "databases", FIELD_OBJECT | FIELD_OPTIONAL);
	struct db_error *error = fields_done(&f);
	if (error)
		return error;
	json_object_foreach ((json_t *)remotes, name, value) {
		error = read_remote(c, name, value);
		if (error)
			return error;
	}
	json_object_foreach ((json_t *)databases, name, value) {
		error = read_database(c, name, value);
		if (error)
			return error;
	}
	return NULL;
}

struct error *config_file_read(const char *path, struct config_file *c)
{
	json_error_t why;
	*c = (struct config_file){0};
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (!json)
		return error_new("%s: line %d, column %d: %s", path, why.line, why.column,
				 why.text);
	struct error *error = db_error_to_error(db_error_wrap(read_all(c, json), "%s", path));
	json_decref(json);
	if (error)
		config_file_done(c);
	return error;
}
