/* SPDX-License-Identifier: Apache-2.0 */
#include "random_db.h"

#include "ovsdb/history.h"
#include "ovsdb/monitor.h"
#include "ovsdb/record.h"

// The same columns without references and constraints: what a client holds may lag behind.
static const char replica_schema[] =
	"{'name':'T','tables':{"
	"'R':{'columns':{'id':{'type':'integer'},'tags':{'type':{'key':'string','value':'integer','"
	"min':0,'max':'unlimited'}},"
	"'strong':{'type':{'key':'uuid','min':0,'max':'unlimited'}},'weak':{'type':{'key':'uuid','"
	"min':0,'max':'unlimited'}}}},"
	"'N':{'columns':{'note':{'type':'string'},'next':{'type':{'key':'uuid','min':0}},'back':{'"
	"type':{'key':'uuid','min':0}}}}}}";

static const char requests[] =
	"{'R':{'columns':['id','tags','strong','weak']},'N':{'columns':['note','next','back']}}";
static const char some_requests[] =
	"{'R':[{'columns':['id','tags','strong','weak'],'where':[['id','<',15]]}],"
	"'N':[{'columns':['note','next','back'],'where':[['back','==',['set',[]]],"
	"['note','==','note 3']]}]}";

// What was appended, as JSON; NULL when `any` is false.
static json_t *taken(bool any, struct str *text)
{
	json_t *json = any ? json_loadb(text->s, text->len, 0, NULL) : NULL;
	assert_true(!any || json);
	assert_true(any || !text->len);
	str_done(text);
	return json;
}

static json_t *initial(const struct monitor_spec *spec)
{
	struct str text = STR_INIT;
	monitor_initial(spec, &text);
	return taken(true, &text);
}

static json_t *update_of(const struct monitor_spec *spec, const struct db_txn *txn)
{
	struct str text = STR_INIT;
	bool any = monitor_update(spec, txn, &text);
	return taken(any, &text);
}

static json_t *take_backlog(struct monitor_backlog *b, const struct monitor_spec *spec)
{
	struct str text = STR_INIT;
	bool any = monitor_backlog_take(b, spec, &text);
	return taken(any, &text);
}

static struct monitor_spec *make_spec(struct db *db, enum monitor_version version, const char *text)
{
	struct monitor_spec *spec;
	json_t *json = parse(text);
	succeed(monitor_spec_from_json(db, version, json, &spec));
	json_decref(json);
	return spec;
}

// <table-updates2> as a record: rows as they are in it, null for deleted ones.
static void apply_v2(struct db *replica, const json_t *updates)
{
	json_t *record = json_pack("{s:b}", "_is_diff", 1), *rows, *update;
	const char *table, *uuid;
	json_object_foreach ((json_t *)updates, table, rows) {
		json_t *out = json_object();
		json_object_foreach (rows, uuid, update) {
			assert_int_equal(json_object_size(update), 1);
			json_object_set(out, uuid,
					json_object_iter_value(json_object_iter(update)));
		}
		json_object_set_new(record, table, out);
	}
	succeed(db_record_apply(replica, record, false));
	json_decref(record);
}

// <table-updates> to {table: {uuid: row}}.
static void apply_v1(json_t *replica, const json_t *updates)
{
	const char *table, *uuid;
	json_t *rows, *update;
	json_object_foreach ((json_t *)updates, table, rows) {
		json_t *mine = json_object_get(replica, table);
		if (!mine)
			json_object_set_new(replica, table, mine = json_object());
		json_object_foreach (rows, uuid, update) {
			json_t *new = json_object_get(update, "new"),
			       *old = json_object_get(update, "old"), *value;
			json_t *known = json_object_get(mine, uuid);
			const char *column;
			json_object_foreach (old, column, value)
				assert_true(json_equal(value, json_object_get(known, column)));
			if (new)
				json_object_set(mine, uuid, new);
			else
				json_object_del(mine, uuid);
		}
		if (!json_object_size(mine))
			json_object_del(replica, table);
	}
}

static void expect_contents(struct db *db, const char *spec_text, const json_t *v1)
{
	struct monitor_spec *spec = make_spec(db, MONITOR_V1, spec_text);
	json_t *now = initial(spec), *fresh = json_object();
	apply_v1(fresh, now);
	if (!json_equal(fresh, v1)) {
		char *a = db_json_text(fresh), *b = db_json_text(v1);
		fail_msg("%s\n%s", a, b);
	}
	json_decref(now);
	json_decref(fresh);
	monitor_spec_free(spec);
}

static json_t *contents(struct db *db)
{
	struct monitor_spec *spec = make_spec(db, MONITOR_V1, requests);
	json_t *now = initial(spec);
	monitor_spec_free(spec);
	return now;
}

static void expect_same(struct db *a, struct db *b)
{
	json_t *x = contents(a), *y = contents(b);
	if (!json_equal(x, y)) {
		char *s = db_json_text(x), *t = db_json_text(y);
		fail_msg("%s\n%s", s, t);
	}
	json_decref(x);
	json_decref(y);
}

// The rows of `db` that match some_requests, by looking at each.
static struct db *matching(struct db *db)
{
	struct db *out = db_new(parse_schema(replica_schema));
	struct monitor_spec *spec = make_spec(db, MONITOR_V2, some_requests);
	json_t *now = initial(spec);
	apply_v2(out, now);
	json_decref(now);
	monitor_spec_free(spec);
	for (struct db_row *row = db_table_next_row(table_of(db, R), NULL); row;
	     row = db_table_next_row(table_of(db, R), row))
		assert_int_equal(db_table_find_row(table_of(out, R), &row->uuid) != NULL,
				 row->fields[R_ID].one.integer < 15);
	return out;
}

static void take(json_t *update, json_t *v1, struct db *v2)
{
	if (update && v1)
		apply_v1(v1, update);
	else if (update)
		apply_v2(v2, update);
	json_decref(update);
}

static void test_replicas(void **state)
{
	struct db *db = db_new(parse_schema(random_schema));
	struct db *v2 = db_new(parse_schema(replica_schema)),
		  *some = db_new(parse_schema(replica_schema)),
		  *slow = db_new(parse_schema(replica_schema));
	json_t *v1 = json_object();
	struct monitor_spec *spec_v1 = make_spec(db, MONITOR_V1, requests),
			    *spec_v2 = make_spec(db, MONITOR_V2, requests),
			    *spec_some = make_spec(db, MONITOR_V2, some_requests);
	struct monitor_backlog *backlog = monitor_backlog_new();
	random_seed(5);
	for (int round = 0; round < 5000; round++) {
		struct db_txn *txn = db_txn_new(db);
		random_changes(txn);
		struct db_error *error = db_txn_prepare(txn);
		if (error) {
			db_error_free(error);
			db_txn_abort(txn);
			continue;
		}
		take(update_of(spec_v1, txn), v1, NULL);
		take(update_of(spec_v2, txn), NULL, v2);
		take(update_of(spec_some, txn), NULL, some);
		monitor_backlog_add(backlog, spec_some, txn);
		db_txn_commit(txn);
		expect_contents(db, requests, v1);
		expect_same(db, v2);
		struct db *expected = matching(db);
		expect_same(expected, some);
		if (!random_below(8)) {
			take(take_backlog(backlog, spec_some), NULL, slow);
			expect_same(expected, slow);
		}
		db_free(expected);
	}
	monitor_backlog_free(backlog);
	monitor_spec_free(spec_v1);
	monitor_spec_free(spec_v2);
	monitor_spec_free(spec_some);
	json_decref(v1);
	db_free(v2);
	db_free(some);
	db_free(slow);
	db_free(db);
}

// Clients that come back after some transactions, at random: all that they missed brings them up to
// date, or they are told that it is not known.
static void test_history(void **state)
{
	enum { CLIENTS = 3 };
	struct db *db = db_new(parse_schema(random_schema)), *replicas[CLIENTS];
	struct history *history = history_new();
	struct uuid known[CLIENTS], stranger = uuid_random();
	struct monitor_spec *spec = make_spec(db, MONITOR_V3, some_requests);
	for (int i = 0; i < CLIENTS; i++) {
		replicas[i] = db_new(parse_schema(replica_schema));
		known[i] = history_last_id(history);
	}
	struct monitor_backlog *b = monitor_backlog_new();
	random_seed(7);
	for (int round = 0; round < 3000; round++) {
		struct db_txn *txn = db_txn_new(db);
		random_changes(txn);
		struct db_error *error = db_txn_prepare(txn);
		if (error) {
			db_error_free(error);
			db_txn_abort(txn);
			continue;
		}
		history_add(history, txn);
		db_txn_commit(txn);
		assert_false(history_undo(history, &stranger, spec, b));
		int i = (int)random_below(3 * CLIENTS);
		if (i >= CLIENTS)
			continue;
		assert_true(history_undo(history, &known[i], spec, b));
		take(take_backlog(b, spec), NULL, replicas[i]);
		known[i] = history_last_id(history);
		struct db *expected = matching(db);
		expect_same(expected, replicas[i]);
		db_free(expected);
	}
	assert_true(history_n_cells(history) < 50000);
	monitor_backlog_free(b);
	monitor_spec_free(spec);
	for (int i = 0; i < CLIENTS; i++)
		db_free(replicas[i]);
	history_free(history);
	db_free(db);
}

// It does not grow without end, and what went out of it is no longer known.
static void test_history_bound(void **state)
{
	struct db *db = db_new(parse_schema(random_schema));
	struct history *history = history_new();
	struct monitor_spec *spec = make_spec(db, MONITOR_V3, requests);
	struct monitor_backlog *b = monitor_backlog_new();
	struct uuid first = history_last_id(history), uuid = slot_uuid(R, 1), last = first;
	for (int round = 0; round < 40000; round++) {
		struct db_txn *txn = db_txn_new(db);
		struct db_row *row = db_table_find_row(table_of(db, R), &uuid);
		if (!row)
			row = db_txn_insert(txn, table_of(db, R), &uuid);
		struct datum d;
		datum_init_integer(&d, round);
		db_txn_set(txn, row, R_ID, &d);
		succeed(db_txn_prepare(txn));
		history_add(history, txn);
		db_txn_commit(txn);
		if (round == 39990)
			last = history_last_id(history);
	}
	assert_true(history_n_cells(history) < 50000);
	assert_true(history_n_transactions(history) > 100);
	assert_false(history_undo(history, &first, spec, b));
	assert_true(history_undo(history, &last, spec, b));
	json_t *update = take_backlog(b, spec);
	assert_int_equal(json_object_size(update), 1);
	json_decref(update);
	monitor_backlog_free(b);
	monitor_spec_free(spec);
	history_free(history);
	db_free(db);
}

static void test_condition_change(void **state)
{
	struct db *db = db_new(parse_schema(random_schema)),
		  *replica = db_new(parse_schema(replica_schema));
	struct monitor_spec *before = make_spec(
		db, MONITOR_V2, "{'R':{'columns':['id','tags','strong','weak'],'where':[false]}}");
	random_seed(6);
	for (int i = 0; i < 200; i++) {
		struct db_txn *txn = db_txn_new(db);
		random_changes(txn);
		struct db_error *error = db_txn_prepare(txn);
		if (error)
			db_txn_abort(txn);
		else
			db_txn_commit(txn);
		db_error_free(error);
	}
	static const char *const changes[] = {"{'R':[{'where':[['id','<',20]]}]}",
					      "{'R':[{'where':[['id','>',10]]}]}",
					      "{'R':[{'where':[]}]}", "{'R':[{'where':[false]}]}"};
	for (size_t i = 0; i < 4; i++) {
		struct monitor_spec *after = monitor_spec_clone(before);
		json_t *json = parse(changes[i]);
		succeed(monitor_spec_change(after, json));
		struct str text = STR_INIT;
		bool any = monitor_condition_update(before, after, &text);
		json_t *update = taken(any, &text);
		if (update)
			apply_v2(replica, update);
		size_t n = 0;
		for (struct db_row *row = db_table_next_row(table_of(db, R), NULL); row;
		     row = db_table_next_row(table_of(db, R), row)) {
			int64_t id = row->fields[R_ID].one.integer;
			bool wanted = i == 0 ? id < 20 : i == 1 ? id > 10 : i == 2;
			n += wanted;
			assert_int_equal(db_table_find_row(table_of(replica, R), &row->uuid) !=
						 NULL,
					 wanted);
		}
		assert_int_equal(table_of(replica, R)->n_rows, n);
		char *key = monitor_spec_key(before), *other = monitor_spec_key(after);
		assert_string_not_equal(key, other);
		free(key);
		free(other);
		json_decref(update);
		json_decref(json);
		monitor_spec_free(before);
		before = after;
	}
	monitor_spec_free(before);
	db_free(replica);
	db_free(db);
}

static void test_bad_requests(void **state)
{
	static const char *const rows[][2] = {
		{"3", "syntax '3': syntax error: monitor-requests must be object"},
		{"{'zz':{}}", "syntax error: no table named zz"},
		{"{'R':{'columns':['zz']}}",
		 "syntax '['zz']': syntax error: zz is not a valid column name"},
		{"{'R':[{'columns':['id']},{'columns':['id']}]}",
		 "syntax '['id']': syntax error: column name mentioned more than once"},
		{"{'R':{'select':{'foo':true}}}",
		 "syntax '{'foo':true}': syntax error: Parsing table R select failed: Member 'foo' "
		 "is present but not allowed here."},
		{"{'R':{'foo':true}}", "syntax '{'foo':true}': syntax error: Parsing table R "
				       "failed: Member 'foo' is present but not allowed here."},
		{"{'R':{'where':[['zz','==',1]]}}",
		 "syntax '['zz','==',1]': unknown column: No column zz in table R."},
	};
	struct db *db = db_new(parse_schema(random_schema));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct monitor_spec *spec;
		json_t *json = parse(rows[i][0]);
		expect_error(monitor_spec_from_json(db, MONITOR_V2, json, &spec), rows[i][1]);
		json_decref(json);
	}
	db_free(db);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replicas),      cmocka_unit_test(test_history),
		cmocka_unit_test(test_history_bound), cmocka_unit_test(test_condition_change),
		cmocka_unit_test(test_bad_requests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
