/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/database.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "ovsdb/record.h"

// A file this large that has doubled is compacted, but not before so much time or so many
// transactions; one that has grown at all, after a day.
enum {
	COMPACT_MIN_BYTES = 10 * 1024 * 1024,
	COMPACT_MIN_MS = 10 * 60 * 1000,
	COMPACT_MIN_TRANSACTIONS = 100,
	COMPACT_MAX_MS = 24 * 60 * 60 * 1000,
};

static void schema_text(const struct db_schema *schema, struct str *out)
{
	json_t *json = db_schema_to_json(schema);
	char *text = db_json_text(json);
	str_add(out, text);
	free(text);
	json_decref(json);
}

struct db_error *database_create(const char *path, const struct db_schema *schema)
{
	struct journal *j;
	struct db_error *error = journal_open(path, JOURNAL_CREATE, &j);
	if (error)
		return error;
	struct str text = STR_INIT;
	schema_text(schema, &text);
	error = journal_append(j, text.s, text.len);
	if (!error)
		error = journal_sync(j);
	str_done(&text);
	journal_close(j);
	if (error)
		unlink(path);
	return error;
}

struct database *database_new(struct db_schema *schema)
{
	struct database *d = XNEW(struct database);
	d->db = db_new(schema);
	return d;
}

void database_free(struct database *d)
{
	if (!d)
		return;
	db_free(d->db);
	journal_close(d->journal);
	free(d->path);
	free(d->problem);
	free(d);
}

static struct db_error *read_schema(struct journal *j, struct db_schema **schema)
{
	json_t *json;
	*schema = NULL;
	struct db_error *error = journal_read(j, &json);
	if (error)
		return error;
	if (!json)
		return db_error_new("ovsdb error", "%s: cannot identify file type",
				    journal_path(j));
	error = db_error_wrap(db_schema_from_json(json, schema),
			      "failed to parse \"%s\" as ovsdb schema", journal_path(j));
	json_decref(json);
	return error;
}

struct db_error *database_read_schema(const char *path, struct db_schema **schema)
{
	struct journal *j;
	*schema = NULL;
	struct db_error *error = journal_open(path, JOURNAL_READ_ONLY, &j);
	if (error)
		return error;
	error = read_schema(j, schema);
	journal_close(j);
	return error;
}

// A record behind the first may be another schema: the database was converted there.
bool db_record_is_schema(const json_t *json)
{
	return json_object_get(json, "tables") && json_object_get(json, "name") &&
	       !json_object_get(json, "_date");
}

static struct db_error *convert(struct db *from, const struct db_schema *schema, struct db **to)
{
	struct str text = STR_INIT;
	db_record_from_db(from, 0, NULL, &text);
	*to = db_new(db_schema_clone(schema));
	struct db_error *error = db_record_apply_text(*to, text.s, text.len, true);
	str_done(&text);
	if (error) {
		db_free(*to);
		*to = NULL;
	}
	return error;
}

struct db_error *database_replay_record(struct db **db, const json_t *json)
{
	struct db_schema *schema;
	struct db *converted;
	if (!db_record_is_schema(json))
		return db_record_apply(*db, json, false);
	struct db_error *error = db_schema_from_json(json, &schema);
	if (error)
		return error;
	error = convert(*db, schema, &converted);
	db_schema_free(schema);
	if (error)
		return error;
	db_free(*db);
	*db = converted;
	return NULL;
}

// Schemas are rare and small; everything else is read row by row.
static struct db_error *replay_text(struct database *d, const char *text, size_t n, bool converting)
{
	static const char start[] = "{\"_date\":";
	bool is_plain = n > sizeof(start) && !memcmp(text, start, sizeof(start) - 1);
	json_t *json = is_plain || converting ? NULL : json_loadb(text, n, 0, NULL);
	struct db_error *error = json && db_record_is_schema(json)
					 ? database_replay_record(&d->db, json)
					 : db_record_apply_text(d->db, text, n, converting);
	json_decref(json);
	return error;
}

// Replays up to the end or the first record that is no good; the error says what was wrong with it.
static struct db_error *replay(struct database *d, bool converting)
{
	for (;;) {
		char *text;
		size_t n;
		struct db_error *error = journal_read_text(d->journal, &text, &n);
		if (error || !text)
			return error;
		error = replay_text(d, text, n, converting);
		free(text);
		if (error) {
			journal_reject(d->journal);
			return error;
		}
		d->n_transactions++;
	}
}

static struct db_error *open_file(const char *path, bool writable,
				  const struct db_schema *convert_to, struct database **out,
				  char **warning)
{
	struct journal *j;
	struct db_schema *schema;
	char *saved = NULL;
	*out = NULL;
	*warning = NULL;
	struct db_error *error =
		journal_open(path, writable ? JOURNAL_READ_WRITE : JOURNAL_READ_ONLY, &j);
	if (error)
		return error;
	error = read_schema(j, &schema);
	if (error) {
		journal_close(j);
		return error;
	}
	if (convert_to) {
		db_schema_free(schema);
		schema = db_schema_clone(convert_to);
	}
	struct database *d = database_new(schema);
	d->journal = j;
	d->path = xstrdup(path);
	struct db_error *damage = replay(d, convert_to != NULL);
	if (convert_to && damage) {
		// Data that does not fit the new schema is no damage.
		database_free(d);
		return damage;
	}
	if (damage) {
		char *text = db_error_to_text(damage);
		*warning =
			xasprintf("%s: ignored what follows the last good record (%s)", path, text);
		free(text);
		db_error_free(damage);
	}
	if (writable)
		error = journal_start_writing(j, &saved);
	if (saved) {
		char *text = xasprintf("%s; it was saved as %s", *warning ? *warning : path, saved);
		free(*warning);
		*warning = text;
		free(saved);
	}
	if (error) {
		database_free(d);
		return error;
	}
	d->compacted_size = journal_size(j);
	d->compacted_at = clock_ms();
	*out = d;
	return NULL;
}

struct db_error *database_open(const char *path, bool writable, struct database **out,
			       char **warning)
{
	return open_file(path, writable, NULL, out, warning);
}

struct db_error *database_open_converting(const char *path, const struct db_schema *schema,
					  struct database **out, char **warning)
{
	return open_file(path, false, schema, out, warning);
}

// --- Writing.

static struct db_error *rewrite(struct database *d, const struct db *db, const char *comment)
{
	struct str records[2] = {STR_INIT, STR_INIT};
	schema_text(db->schema, &records[0]);
	db_record_from_db(db, clock_wall_ms(), comment, &records[1]);
	struct db_error *error = journal_replace(d->journal, records, 2);
	str_done(&records[0]);
	str_done(&records[1]);
	if (!error) {
		d->compacted_at = clock_ms();
		d->compacted_size = journal_size(d->journal);
		d->n_transactions = 1;
	}
	return error;
}

static void set_problem(struct database *d, const struct db_error *error)
{
	free(d->problem);
	d->problem = error ? db_error_to_text(error) : NULL;
}

static struct db_error *write_txn(struct database *d, const struct db_txn *txn)
{
	if (!d->journal)
		return NULL;
	struct str text = STR_INIT;
	struct db_error *error = NULL;
	bool wrote = db_record_from_txn(txn, clock_wall_ms(), !d->whole_columns, &text);
	if (wrote) {
		error = journal_append(d->journal, text.s, text.len);
		d->n_transactions++;
	}
	if (!error && txn->durable)
		error = journal_sync(d->journal);
	str_done(&text);
	if (wrote || error)
		set_problem(d, error);
	return db_error_wrap(error, "database %s can only be read for now", database_name(d));
}

void database_heal(struct database *d)
{
	if (!d->problem || !d->journal)
		return;
	struct db_error *error =
		journal_is_suspect(d->journal)
			? rewrite(d, d->db, "written anew after a failure of the disk")
			: journal_probe(d->journal);
	set_problem(d, error);
	db_error_free(error);
}

struct db_error *database_commit(struct database *d, struct db_txn *txn)
{
	if (db_txn_is_empty(txn)) {
		db_txn_commit(txn);
		return NULL;
	}
	struct db_error *error = write_txn(d, txn);
	if (error) {
		db_txn_abort(txn);
		return error;
	}
	if (d->observer.changed)
		d->observer.changed(d->observer.arg, txn);
	db_txn_commit(txn);
	if (d->observer.committed)
		d->observer.committed(d->observer.arg);
	return NULL;
}

struct db_error *database_compact(struct database *d, const char *comment)
{
	if (!d->journal)
		return NULL;
	struct db_error *error = rewrite(d, d->db, comment);
	if (!error)
		set_problem(d, NULL);
	return error;
}

bool database_wants_compaction(const struct database *d)
{
	if (!d->journal || d->problem)
		return false;
	int64_t age = clock_ms() - d->compacted_at, size = journal_size(d->journal);
	bool many = d->n_transactions >= COMPACT_MIN_TRANSACTIONS;
	return (size > COMPACT_MIN_BYTES && size > 2 * d->compacted_size &&
		(many || age > COMPACT_MIN_MS)) ||
	       (age > COMPACT_MAX_MS && many);
}

struct db_error *database_convert(struct database *d, const struct db_schema *schema,
				  void (*forget)(void *), void *arg)
{
	struct db *db;
	struct db_error *error = convert(d->db, schema, &db);
	if (!error && d->journal)
		error = rewrite(d, db, "converted by ovsdb-server");
	if (error) {
		db_free(db);
		return error;
	}
	if (forget)
		forget(arg);
	db_free(d->db);
	d->db = db;
	return NULL;
}
