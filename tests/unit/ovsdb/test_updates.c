/* SPDX-License-Identifier: Apache-2.0 */
// A database that follows another one by its updates: all of it, or without a table.
#include "random_db.h"

#include "ovsdb/monitor.h"
#include "ovsdb/updates.h"

static struct monitor_spec *make_spec(struct db *db, const char *text)
{
	struct monitor_spec *spec;
	json_t *json = parse(text);
	succeed(monitor_spec_from_json(db, MONITOR_V2, json, &spec));
	json_decref(json);
	return spec;
}

static json_t *take(struct str *text)
{
	json_t *json = json_loadb(text->s, text->len, 0, NULL);
	assert_non_null(json);
	str_done(text);
	return json;
}

static void bring_in_line(struct db *replica, bool *tables, json_t *updates, bool whole)
{
	struct updates_scope scope = {.db = replica, .tables = tables};
	struct db_txn *txn = db_txn_new(replica);
	succeed(whole ? updates_replace(txn, &scope, updates)
		      : updates_apply(txn, &scope, updates));
	succeed(db_txn_prepare(txn));
	db_txn_commit(txn);
	json_decref(updates);
}

static json_t *contents(struct db *db, const char *requests)
{
	struct monitor_spec *spec = make_spec(db, requests);
	struct str text = STR_INIT;
	monitor_initial(spec, &text);
	monitor_spec_free(spec);
	return take(&text);
}

static void expect_same(struct db *a, struct db *b, const char *requests)
{
	json_t *x = contents(a, requests), *y = contents(b, requests);
	if (!json_equal(x, y)) {
		char *s = db_json_text(x), *t = db_json_text(y);
		fail_msg("%s\n%s", s, t);
	}
	json_decref(x);
	json_decref(y);
}

static void test_follow(void **state)
{
	static const char all[] = "{'R':[{'columns':['id','tags','strong','weak']}],'N':[{'columns'"
				  ":['note','next','back']}]}";
	struct db *db = db_new(parse_schema(random_schema)),
		  *near = db_new(parse_schema(random_schema)),
		  *far = db_new(parse_schema(random_schema));
	struct monitor_spec *spec = make_spec(db, all);
	bool tables[2] = {true, true};
	random_seed(11);
	for (int round = 0; round < 3000; round++) {
		struct db_txn *txn = db_txn_new(db);
		random_changes(txn);
		struct db_error *error = db_txn_prepare(txn);
		if (error) {
			db_error_free(error);
			db_txn_abort(txn);
			continue;
		}
		struct str text = STR_INIT;
		bool any = monitor_update(spec, txn, &text);
		db_txn_commit(txn);
		if (any)
			bring_in_line(near, tables, take(&text), false);
		expect_same(db, near, all);
		if (!random_below(20)) {
			// This one was away, and gets everything.
			bring_in_line(far, tables, contents(db, all), true);
			expect_same(db, far, all);
		}
	}
	monitor_spec_free(spec);
	db_free(db);
	db_free(near);
	db_free(far);
}

// Without table N there is nothing that references could lead to.
static void test_excluded(void **state)
{
	static const char some[] = "{'R':[{'columns':['id','tags']}]}",
			  with[] = "{'R':[{'columns':['id','tags','strong','weak']}]}";
	struct db *db = db_new(parse_schema(random_schema)),
		  *replica = db_new(parse_schema(random_schema));
	bool tables[2] = {false, false};
	tables[db_find_table(db, "R")->schema->number] = true;
	random_seed(12);
	for (int round = 0; round < 1000; round++) {
		struct db_txn *txn = db_txn_new(db);
		random_changes(txn);
		struct db_error *error = db_txn_prepare(txn);
		if (error)
			db_txn_abort(txn);
		else
			db_txn_commit(txn);
		db_error_free(error);
		if (!random_below(10)) {
			bring_in_line(replica, tables, contents(db, with), true);
			expect_same(db, replica, some);
			assert_int_equal(table_of(replica, N)->n_rows, 0);
		}
	}
	db_free(db);
	db_free(replica);
}

static void test_what_does_not_fit(void **state)
{
	static const char *const bad[] = {
		"{'R':{'00000000-0000-0000-0000-000000000001':{'modify':{'id':1}}}}",
		"{'R':{'00000000-0000-0000-0000-000000000001':{'delete':null}}}",
		"{'R':{'x':{'insert':{}}}}",
		"{'X':{}}",
		"{'R':[]}",
		"[]",
		"{'R':{'00000000-0000-0000-0000-000000000001':{'insert':{'id':'x'}}}}",
		"{'R':{'00000000-0000-0000-0000-000000000001':{'insert':{'ix':1}}}}",
		"{'N':{}}"};
	struct db *db = db_new(parse_schema(random_schema));
	bool tables[2] = {false, false};
	tables[db_find_table(db, "R")->schema->number] = true;
	struct updates_scope scope = {.db = db, .tables = tables};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct db_txn *txn = db_txn_new(db);
		json_t *json = parse(bad[i]);
		struct db_error *error = updates_apply(txn, &scope, json);
		assert_non_null(error);
		db_error_free(error);
		db_txn_abort(txn);
		json_decref(json);
		assert_int_equal(db_n_rows(db), 0);
	}
	db_free(db);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_excluded),
		cmocka_unit_test(test_what_does_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
