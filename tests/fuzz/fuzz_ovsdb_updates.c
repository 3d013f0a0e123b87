/* SPDX-License-Identifier: Apache-2.0 */
// What another server may send to a relay or a backup: lines of JSON, an object is a difference, an
// array holds the whole contents.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ovsdb/updates.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char schema_text[] =
	"{\"name\":\"T\",\"tables\":{\"a\":{\"columns\":{\"i\":{\"type\":\"integer\"},\"set\":{"
	"\"type\":{\"key\":\"integer\",\"min\":0,\"max\":"
	"3}},\"m\":{\"type\":{\"key\":\"string\",\"value\":\"string\",\"min\":0,\"max\":"
	"\"unlimited\"}},\"st\":{\"type\":{\"key\":{\"type\":"
	"\"uuid\",\"refTable\":\"b\"},\"min\":0,\"max\":\"unlimited\"}},\"x\":{\"type\":{\"key\":{"
	"\"type\":\"uuid\",\"refTable\":\"c\"},\"min\":"
	"0,\"max\":\"unlimited\"}}},\"isRoot\":true,\"indexes\":[[\"i\"]],\"maxRows\":8},\"b\":{"
	"\"columns\":{\"w\":{\"type\":{\"key\":{\"type\":"
	"\"uuid\",\"refTable\":\"a\",\"refType\":\"weak\"},\"min\":0,\"max\":\"unlimited\"}}}},"
	"\"c\":{\"columns\":{\"n\":{\"type\":\"string\"}}}}}";

static void follow(struct db *db, const json_t *json)
{
	bool tables[] = {true, true, false};
	struct updates_scope scope = {.db = db, .tables = tables};
	struct db_txn *txn = db_txn_new(db);
	struct db_error *error = json_is_array(json)
					 ? updates_replace(txn, &scope, json_array_get(json, 0))
					 : updates_apply(txn, &scope, json);
	if (!error)
		error = db_txn_prepare(txn);
	if (error)
		db_txn_abort(txn);
	else
		db_txn_commit(txn);
	db_error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct db_schema *schema;
	json_t *json = json_loads(schema_text, 0, NULL);
	if (db_schema_from_json(json, &schema))
		abort();
	json_decref(json);
	struct db *db = db_new(schema);
	while (n) {
		const uint8_t *newline = memchr(data, '\n', n);
		size_t length = newline ? (size_t)(newline - data) : n;
		json = json_loadb((const char *)data, length, 0, NULL);
		if (json)
			follow(db, json);
		json_decref(json);
		data += newline ? length + 1 : length;
		n -= newline ? length + 1 : length;
	}
	db_free(db);
	return 0;
}
