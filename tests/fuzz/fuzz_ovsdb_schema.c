/* SPDX-License-Identifier: Apache-2.0 */
// Any JSON as a schema: one that is taken means the same when it is written and read again, and a
// row of each table can be made.
#include <stdlib.h>

#include "ovsdb/txn.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void make_rows(struct db *db)
{
	struct db_txn *txn = db_txn_new(db);
	for (unsigned int i = 0; i < db->schema->n_tables; i++) {
		struct uuid uuid = uuid_random();
		db_txn_insert(txn, &db->tables[i], &uuid);
	}
	struct db_error *error = db_txn_prepare(txn);
	if (error)
		db_txn_abort(txn);
	else
		db_txn_commit(txn);
	db_error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct db_schema *schema, *again;
	json_t *json = json_loadb((const char *)data, n, JSON_DECODE_ANY, NULL);
	struct db_error *error = db_schema_from_json(json, &schema);
	json_decref(json);
	if (error) {
		char *text = db_error_to_text(error);
		free(text);
		db_error_free(error);
		return 0;
	}
	json = db_schema_to_json(schema);
	if (db_schema_from_json(json, &again) || !db_schema_equal(schema, again))
		abort();
	json_decref(json);
	db_schema_free(again);
	struct db *db = db_new(schema);
	make_rows(db);
	db_free(db);
	return 0;
}
