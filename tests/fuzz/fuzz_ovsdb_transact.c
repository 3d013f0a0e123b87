/* SPDX-License-Identifier: Apache-2.0 */
// Any operations on a small database: each transaction either is done as a whole or leaves no
// trace, and its record does the same to a copy.
#include <stdlib.h>
#include <string.h>

#include "ovsdb/execute.h"
#include "ovsdb/monitor.h"
#include "ovsdb/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char schema_text[] =
	"{\"name\":\"T\",\"tables\":{\"a\":{\"columns\":{\"i\":{\"type\":\"integer\"},\"r\":{"
	"\"type\":\"real\"},\"s\":{\"type\":\"string\"},"
	"\"set\":{\"type\":{\"key\":{\"type\":\"integer\",\"minInteger\":0,\"maxInteger\":9},"
	"\"min\":0,\"max\":3}},\"m\":{\"type\":{\"key\":"
	"\"string\",\"value\":\"string\",\"min\":0,\"max\":\"unlimited\"}},\"st\":{\"type\":{"
	"\"key\":{\"type\":\"uuid\",\"refTable\":\"b\"},"
	"\"min\":0,\"max\":\"unlimited\"}}},\"isRoot\":true,\"indexes\":[[\"i\"]],\"maxRows\":8},"
	"\"b\":{\"columns\":{\"w\":{\"type\":{\"key\":{"
	"\"type\":\"uuid\",\"refTable\":\"a\",\"refType\":\"weak\"},\"min\":0,\"max\":"
	"\"unlimited\"}},\"n\":{\"type\":{\"key\":{\"type\":"
	"\"uuid\",\"refTable\":\"b\"},\"min\":0}}}}}}";

static struct db *make(void)
{
	struct db_schema *schema;
	json_t *json = json_loads(schema_text, 0, NULL);
	if (db_schema_from_json(json, &schema))
		abort();
	json_decref(json);
	return db_new(schema);
}

static json_t *contents(struct db *db)
{
	struct monitor_spec *spec;
	json_t *requests = json_loads("{\"a\":{\"columns\":[\"i\",\"r\",\"s\",\"set\",\"m\",\"st\"]"
				      "},\"b\":{\"columns\":[\"w\",\"n\"]}}",
				      0, NULL);
	if (monitor_spec_from_json(db, MONITOR_V1, requests, &spec))
		abort();
	struct str text = STR_INIT;
	monitor_initial(spec, &text);
	json_t *all = json_loadb(text.s, text.len, 0, NULL);
	if (!all)
		abort();
	str_done(&text);
	monitor_spec_free(spec);
	json_decref(requests);
	return all;
}

static void transact(struct db *db, struct db *copy, const json_t *operations)
{
	struct db_execute x = {.db = db, .operations = operations};
	json_t *before = contents(db);
	if (db_execute(&x) == DB_EXECUTE_DONE) {
		struct str record = STR_INIT;
		if (db_record_from_txn(x.txn, 0, true, &record)) {
			json_t *json = json_loadb(record.s, record.len, 0, NULL);
			if (!json || db_record_apply(copy, json, false))
				abort();
			json_decref(json);
		}
		db_txn_commit(x.txn);
		str_done(&record);
	} else {
		json_t *after = contents(db);
		if (!json_equal(before, after))
			abort();
		json_decref(after);
	}
	json_t *a = contents(db), *b = contents(copy);
	if (!json_equal(a, b))
		abort();
	json_decref(a);
	json_decref(b);
	json_decref(before);
	json_decref(x.result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct db *db = make(), *copy = make();
	// One transaction per line.
	while (n) {
		const uint8_t *newline = memchr(data, '\n', n);
		size_t length = newline ? (size_t)(newline - data) : n;
		json_t *json = json_loadb((const char *)data, length, JSON_REJECT_DUPLICATES, NULL);
		if (json_is_array(json))
			transact(db, copy, json);
		json_decref(json);
		data += newline ? length + 1 : length;
		n -= newline ? length + 1 : length;
	}
	db_free(db);
	db_free(copy);
	return 0;
}
