/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/salvage.h"

#include <stdio.h>
#include <string.h>

#include "dbserver/database.h"

static const char magic[] = "OVSDB JSON ";
enum { MAGIC_LEN = sizeof(magic) - 1, HEADER_MAX = 128, SHA1_HEX = 40 };

// --- Taking apart.

struct header {
	size_t size, json; // of itself, of what follows
	char sha1[SHA1_HEX + 1];
};

static bool parse_header(const char *p, size_t n, struct header *h)
{
	char line[HEADER_MAX];
	const char *newline = memchr(p, '\n', n < HEADER_MAX - 1 ? n : HEADER_MAX - 1);
	unsigned long json;
	int end = 0;
	if (!newline || memcmp(p, magic, MAGIC_LEN))
		return false;
	h->size = (size_t)(newline + 1 - p);
	memcpy(line, p, h->size);
	line[h->size] = '\0';
	if (sscanf(line, "OVSDB JSON %lu %40[0-9a-f]%n", &json, h->sha1, &end) != 2 ||
	    line[end] != '\n' || strlen(h->sha1) != SHA1_HEX)
		return false;
	h->json = json;
	return true;
}

// A record that begins here, or why there is none (owned by the caller).
static char *parse_record(const char *p, size_t n, struct header *h)
{
	char actual[SHA1_HEX + 1];
	if (n < MAGIC_LEN || memcmp(p, magic, MAGIC_LEN))
		return xstrdup("not the beginning of a record");
	if (!parse_header(p, n, h))
		return xasprintf(
			"parse error in header line \"%.*s\"",
			(int)strcspn(p, "\n") < HEADER_MAX ? (int)strcspn(p, "\n") : HEADER_MAX, p);
	if (h->json > n - h->size)
		return xasprintf("the record should have %zu bytes, but the file ends after %zu",
				 h->json, n - h->size);
	journal_checksum(p + h->size, h->json, actual);
	if (strcmp(actual, h->sha1))
		return xasprintf("%zu bytes have SHA-1 hash %s but should have hash %s", h->json,
				 actual, h->sha1);
	return NULL;
}

static bool starts_record(const char *p, size_t n)
{
	struct header h;
	char *why = parse_record(p, n, &h);
	free(why);
	return !why;
}

size_t salvage_find_record(const char *p, size_t n)
{
	const char *at = p;
	while (at < p + n && (at = memmem(at, n - (size_t)(at - p), magic, MAGIC_LEN))) {
		if (starts_record(at, n - (size_t)(at - p)))
			return (size_t)(at - p);
		at++;
	}
	return n;
}

// These bytes up to the end of the file are the beginning of one record.
static bool is_torn(const char *p, size_t n)
{
	struct header h;
	if (n < MAGIC_LEN)
		return !memcmp(p, magic, n);
	if (memcmp(p, magic, MAGIC_LEN))
		return false;
	if (!memchr(p, '\n', n))
		return n < HEADER_MAX;
	return parse_header(p, n, &h) && h.json > n - h.size;
}

void salvage_init(struct salvage *s, const char *data, size_t size)
{
	*s = (struct salvage){.data = data, .size = size};
	for (size_t at = 0; at < size;) {
		struct header h;
		struct salvage_piece piece = {.at = at};
		piece.why = parse_record(data + at, size - at, &h);
		if (!piece.why) {
			piece.size = h.size + h.json;
			piece.json = h.json;
		} else {
			piece.size = 1 + salvage_find_record(data + at + 1, size - at - 1);
			piece.kind = at + piece.size == size && is_torn(data + at, piece.size)
					     ? SALVAGE_TORN
					     : SALVAGE_DAMAGE;
		}
		vec_push(&s->pieces, piece);
		at += piece.size;
	}
}

void salvage_done(struct salvage *s)
{
	VEC_FOREACH (&s->pieces, i)
		free(s->pieces.v[i].why);
	vec_done(&s->pieces);
}

size_t salvage_count(const struct salvage *s, bool good)
{
	size_t n = 0;
	VEC_FOREACH (&s->pieces, i)
		n += !s->pieces.v[i].why == good;
	return n;
}

// --- Replaying.

static json_t *parse_json(const struct salvage *s, struct salvage_piece *piece)
{
	json_error_t why;
	json_t *json =
		json_loadb(s->data + piece->at + piece->size - piece->json, piece->json, 0, &why);
	if (!json)
		piece->why = xasprintf("not valid JSON (line %d, column %d: %s)", why.line,
				       why.column, why.text);
	return json;
}

static struct db_error *first_schema(struct salvage *s, const json_t *json,
				     const struct db_schema *fallback, struct db_schema **schema)
{
	struct db_error *error = db_schema_from_json(json, schema);
	if (!error || !fallback)
		return error;
	db_error_free(error);
	*schema = db_schema_clone(fallback);
	s->schema_lost = true;
	return NULL;
}

struct db_error *salvage_replay(struct salvage *s, const struct db_schema *fallback)
{
	struct db *db = NULL;
	VEC_FOREACH (&s->pieces, i) {
		struct salvage_piece *piece = &s->pieces.v[i];
		struct db_error *error = NULL;
		json_t *json = piece->why ? NULL : parse_json(s, piece);
		if (!json)
			continue;
		bool is_schema = db_record_is_schema(json);
		if (!db) {
			struct db_schema *schema;
			error = first_schema(s, json, fallback, &schema);
			if (error) {
				json_decref(json);
				return db_error_wrap(
					error, "the record at offset %zu should be the schema",
					piece->at);
			}
			db = db_new(schema);
		}
		if (!is_schema || i)
			error = database_replay_record(&db, json);
		json_decref(json);
		if (error) {
			piece->why = db_error_to_text(error);
			db_error_free(error);
		}
	}
	if (!db)
		return db_error_new("ovsdb error", "no record of it can be read");
	db_free(db);
	return NULL;
}
