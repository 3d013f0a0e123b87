/* SPDX-License-Identifier: Apache-2.0 */
// Operations of clients on a database: the input's lines are the arrays of operations, executed one after the other on a schema
// that has all kinds of columns.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ovsdb/execute.h"
#include "ovsdb/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema_text[] =
	"{\"name\":\"F\",\"version\":\"1.0.0\",\"tables\":{"
	"\"A\":{\"isRoot\":true,\"indexes\":[[\"name\"]],\"columns\":{"
	"\"name\":{\"type\":\"string\"},"
	"\"n\":{\"type\":{\"key\":{\"type\":\"integer\",\"minInteger\":-5,\"maxInteger\":500},\"min\":0,\"max\":3}},"
	"\"r\":{\"type\":\"real\"},\"b\":{\"type\":\"boolean\"},"
	"\"e\":{\"type\":{\"key\":{\"type\":\"string\",\"enum\":[\"set\",[\"x\",\"y\"]]},\"min\":0}},"
	"\"m\":{\"type\":{\"key\":\"string\",\"value\":\"string\",\"min\":0,\"max\":\"unlimited\"}},"
	"\"bs\":{\"type\":{\"key\":{\"type\":\"uuid\",\"refTable\":\"B\"},\"min\":0,\"max\":\"unlimited\"}},"
	"\"w\":{\"type\":{\"key\":{\"type\":\"uuid\",\"refTable\":\"B\",\"refType\":\"weak\"},\"min\":0}},"
	"\"im\":{\"type\":\"integer\",\"mutable\":false},\"ep\":{\"type\":\"string\",\"ephemeral\":true}}},"
	"\"B\":{\"maxRows\":4,\"columns\":{\"k\":{\"type\":{\"key\":\"integer\",\"value\":{\"type\":\"uuid\",\"refTable\":\"B\"},"
	"\"min\":0,\"max\":\"unlimited\"}},\"s\":{\"type\":{\"key\":{\"type\":\"string\",\"maxLength\":4},\"min\":1,\"max\":2}}}}}}";

static struct db *new_db(void)
{
	struct db_schema *schema;
	json_t *json = json_loads(schema_text, 0, NULL);
	if (!json || db_schema_from_json(json, &schema))
		abort();
	json_decref(json);
	return db_new(schema);
}

static void execute(struct db *db, const json_t *operations)
{
	struct db_execute x = {.db = db, .operations = operations, .elapsed_ms = 10000};
	switch (db_execute(&x)) {
	case DB_EXECUTE_DONE:
		db_txn_commit(x.txn);
		json_decref(x.result);
		break;
	case DB_EXECUTE_FAILED:
		json_decref(x.result);
		break;
	case DB_EXECUTE_WAIT:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct db *db = new_db();
	while (size) {
		const uint8_t *newline = memchr(data, '\n', size);
		size_t n = newline ? (size_t)(newline - data) : size;
		json_t *operations = json_loadb((const char *)data, n, JSON_DECODE_ANY, NULL);
		if (json_is_array(operations))
			execute(db, operations);
		json_decref(operations);
		data += n + !!newline;
		size -= n + !!newline;
	}
	db_free(db);
	return 0;
}
