/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cmd/common/command.h"
#include "dbserver/journal.h"
#include "dbserver/salvage.h"

enum { EXIT_DAMAGED = 2 };

static char *read_file(const char *path, size_t *size)
{
	size_t cap = 1 << 16;
	char *data = xmalloc(cap);
	FILE *file = fopen(path, "r");
	if (!file)
		command_die("I/O error: %s: open failed (%m)", path);
	*size = 0;
	for (size_t n; (n = fread(data + *size, 1, cap - *size, file)) > 0;) {
		*size += n;
		if (*size == cap)
			data = xrealloc(data, cap *= 2);
	}
	if (ferror(file))
		command_die("I/O error: %s: read failed (%m)", path);
	fclose(file);
	return data;
}

// Files that are none of ours, or have nothing in them, are not damaged databases.
static void check_kind(const char *path, const struct salvage *s)
{
	static const char cluster[] = "OVSDB CLUSTER ";
	if (!s->size)
		command_die("ovsdb error: %s: cannot identify file type", path);
	if (s->size >= sizeof(cluster) - 1 && !memcmp(s->data, cluster, sizeof(cluster) - 1))
		command_die("%s: clustered databases are not supported", path);
	if (!salvage_count(s, true))
		command_die("ovsdb error: %s: no record of a database is in it", path);
}

static void print_piece(const char *path, const struct salvage_piece *piece, size_t record)
{
	switch (piece->kind) {
	case SALVAGE_RECORD:
		printf("%s: record %zu at offset %zu (%zu bytes) cannot be applied: %s\n", path,
		       record, piece->at, piece->size, piece->why);
		break;
	case SALVAGE_DAMAGE:
		printf("%s: damage at offset %zu (%zu bytes): %s\n", path, piece->at, piece->size,
		       piece->why);
		break;
	case SALVAGE_TORN:
		printf("%s: torn record at offset %zu (%zu bytes) at the end of the file: %s\n",
		       path, piece->at, piece->size, piece->why);
		break;
	}
}

static void print_pieces(const char *path, const struct salvage *s)
{
	size_t record = 0;
	VEC_FOREACH (&s->pieces, i) {
		if (s->pieces.v[i].why)
			print_piece(path, &s->pieces.v[i], record);
		record += s->pieces.v[i].kind == SALVAGE_RECORD;
	}
}

// Gives the file a second name; the name, owned by the caller.
static char *keep_original(const char *path)
{
	char *real = realpath(path, NULL); // a symbolic link stays one
	if (!real)
		command_die("%s: %m", path);
	for (int i = 0;; i++) {
		char *name = i ? xasprintf("%s.damaged%d", real, i) : xasprintf("%s.damaged", real);
		if (!link(real, name)) {
			free(real);
			return name;
		}
		if (errno != EEXIST)
			command_die("%s: keeping the damaged file under this name failed (%m)",
				    name);
		free(name);
	}
}

static void write_good_records(struct journal *j, const struct salvage *s,
			       const struct db_schema *schema)
{
	VEC(struct str) records = {0};
	if (s->schema_lost) {
		json_t *json = db_schema_to_json(schema);
		char *text = db_json_text(json);
		struct str record = STR_INIT;
		str_add(&record, text);
		vec_push(&records, record);
		free(text);
		json_decref(json);
	}
	VEC_FOREACH (&s->pieces, i) {
		const struct salvage_piece *piece = &s->pieces.v[i];
		const char *json = s->data + piece->at + piece->size - piece->json;
		size_t n = piece->json;
		struct str record = STR_INIT;
		if (piece->why)
			continue;
		str_addn(&record, json, n && json[n - 1] == '\n' ? n - 1 : n);
		vec_push(&records, record);
	}
	struct db_error *error = journal_replace(j, records.v, records.n);
	if (error)
		command_die("%s", db_error_to_text(error));
	VEC_FOREACH (&records, i)
		str_done(&records.v[i]);
	vec_done(&records);
}

int check_file(const char *path, const struct db_schema *schema, bool repair)
{
	struct journal *j = NULL;
	struct salvage s;
	size_t size;
	// The lock before the first look: nobody may add to what is going to be replaced.
	struct db_error *error = repair ? journal_open(path, JOURNAL_READ_WRITE, &j) : NULL;
	if (error)
		command_die("%s", db_error_to_text(error));
	char *data = read_file(path, &size);
	salvage_init(&s, data, size);
	check_kind(path, &s);
	error = salvage_replay(&s, schema);
	print_pieces(path, &s);
	if (error)
		command_die("%s: %s%s", path, db_error_to_text(error),
			    schema ? ""
				   : "; name a schema file behind the database if its own is lost");
	size_t good = salvage_count(&s, true), bad = salvage_count(&s, false);
	int status = bad && !repair ? EXIT_DAMAGED : 0;
	if (!bad) {
		printf("%s: %zu bytes, %zu records, no damage\n", path, size, good);
	} else if (!repair) {
		printf("%s: %zu records are good; \"check --repair\" keeps them\n", path, good);
	} else {
		char *kept = keep_original(path);
		write_good_records(j, &s, schema);
		printf("%s: repaired, %zu records kept; the damaged file is %s\n", path, good,
		       kept);
		free(kept);
	}
	salvage_done(&s);
	journal_close(j);
	free(data);
	return status;
}
