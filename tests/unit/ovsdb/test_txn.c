/* SPDX-License-Identifier: Apache-2.0 */
#include "random_db.h"

#include "ovsdb/record.h"

// --- The model: sets of references by slot, and every rule applied to everything.

struct model_row {
	bool there;
	int64_t id;
	uint32_t strong, weak, back; // bits of slots
	int next;		     // slot or -1
};

struct model {
	struct model_row r[SLOTS], n[SLOTS];
};

static uint32_t slots_of(const struct datum *d)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < d->n; i++)
		bits |= 1u << uuid_slot(&datum_key(d, i)->uuid);
	return bits;
}

static void model_read(struct model *m, struct db *db)
{
	memset(m, 0, sizeof(*m));
	for (int i = 0; i < SLOTS; i++) {
		struct uuid uuid = slot_uuid(R, i);
		const struct db_row *row = db_table_find_row(table_of(db, R), &uuid);
		if (row) {
			m->r[i].there = true;
			m->r[i].id = row->fields[R_ID].one.integer;
			m->r[i].strong = slots_of(&row->fields[R_STRONG]);
			m->r[i].weak = slots_of(&row->fields[R_WEAK]);
		}
		uuid = slot_uuid(N, i);
		row = db_table_find_row(table_of(db, N), &uuid);
		m->n[i].next = -1;
		if (row) {
			m->n[i].there = true;
			m->n[i].back = slots_of(&row->fields[N_BACK]);
			if (row->fields[N_NEXT].n)
				m->n[i].next = uuid_slot(&datum_key(&row->fields[N_NEXT], 0)->uuid);
		}
	}
}

static int model_refs(const struct model *m, int slot)
{
	int n = 0;
	for (int i = 0; i < SLOTS; i++) {
		n += m->r[i].there && m->r[i].strong >> slot & 1;
		n += m->n[i].there && m->n[i].next == slot && i != slot;
	}
	return n;
}

// What a commit must make of the state; false when it must refuse it.
static bool model_commit(struct model *m)
{
	for (int i = 0; i < SLOTS; i++)
		if (!m->n[i].there && model_refs(m, i))
			return false;
	for (bool again = true; again;) {
		again = false;
		for (int i = 0; i < SLOTS; i++)
			if (m->n[i].there && !model_refs(m, i)) {
				m->n[i].there = false;
				again = true;
			}
	}
	for (int i = 0; i < SLOTS; i++) {
		for (int j = 0; j < SLOTS; j++) {
			if (!m->n[j].there)
				m->r[i].weak &= ~(1u << j);
			if (!m->r[j].there)
				m->n[i].back &= ~(1u << j);
			if (i < j && m->r[i].there && m->r[j].there && m->r[i].id == m->r[j].id)
				return false;
		}
	}
	for (int i = 0; i < SLOTS; i++) {
		if (!m->r[i].there)
			memset(&m->r[i], 0, sizeof(m->r[i]));
		if (!m->n[i].there)
			m->n[i] = (struct model_row){.next = -1};
	}
	return true;
}

// What the database keeps beside the rows must agree with them.
static void check_bookkeeping(struct db *db)
{
	struct model m;
	size_t n_rows[2] = {0, 0}, n_weak = 0;
	model_read(&m, db);
	for (int i = 0; i < SLOTS; i++) {
		struct uuid uuid = slot_uuid(N, i);
		const struct db_row *row = db_table_find_linked(table_of(db, N), &uuid);
		assert_int_equal(row != NULL, m.n[i].there);
		if (row)
			assert_int_equal(row->n_refs, model_refs(&m, i));
		n_rows[R] += m.r[i].there;
		n_rows[N] += m.n[i].there;
		n_weak +=
			(size_t)(__builtin_popcount(m.r[i].weak) + __builtin_popcount(m.n[i].back));
		if (m.r[i].there) {
			uuid = slot_uuid(R, i);
			row = db_table_find_row(table_of(db, R), &uuid);
			const struct db_table *t = table_of(db, R);
			uint64_t hash = db_index_hash(&t->schema->indexes[0], row->fields);
			const struct db_row *found = db_index_first(t, 0, hash);
			while (found && found != row)
				found = db_index_next(found, 0);
			assert_ptr_equal(found, row);
			assert_null(row->txn_row);
		}
	}
	assert_int_equal(table_of(db, R)->n_rows, n_rows[R]);
	assert_int_equal(table_of(db, N)->n_rows, n_rows[N]);
	assert_int_equal(table_of(db, R)->n_linked, n_rows[R]);
	assert_int_equal(table_of(db, N)->n_linked, n_rows[N]);
	assert_int_equal(table_of(db, R)->indexes[0].n, n_rows[R]);
	assert_int_equal(db->n_weak_refs, n_weak);
}

static void test_random(void **state)
{
	struct db *db = db_new(parse_schema(random_schema)),
		  *copy = db_new(parse_schema(random_schema));
	int n_good = 0, n_refused = 0;
	random_seed(4);
	for (int round = 0; round < 20000; round++) {
		struct model before, expected, after;
		struct str record = STR_INIT;
		model_read(&before, db);
		struct db_txn *txn = db_txn_new(db);
		random_changes(txn);
		model_read(&expected, db);
		bool good = model_commit(&expected);
		if (!random_below(10)) {
			db_txn_abort(txn);
			expected = before;
		} else {
			struct db_error *error = db_txn_prepare(txn);
			assert_int_equal(!error, good);
			if (error) {
				db_error_free(error);
				db_txn_abort(txn);
				expected = before;
				n_refused++;
			} else {
				db_record_from_txn(txn, 0, random_below(2), &record);
				db_txn_commit(txn);
				n_good++;
			}
		}
		model_read(&after, db);
		assert_memory_equal(&after, &expected, sizeof(after));
		check_bookkeeping(db);
		// The record does the same to a copy.
		if (record.len) {
			json_t *json = json_loadb(record.s, record.len, 0, NULL);
			assert_non_null(json);
			succeed(db_record_apply(copy, json, false));
			json_decref(json);
		}
		model_read(&after, copy);
		assert_memory_equal(&after, &expected, sizeof(after));
		str_done(&record);
	}
	assert_true(n_good > 1000 && n_refused > 1000);
	struct str a = STR_INIT;
	db_record_from_db(db, 0, "all", &a);
	struct db *again = db_new(parse_schema(random_schema));
	json_t *json = json_loadb(a.s, a.len, 0, NULL);
	succeed(db_record_apply(again, json, false));
	struct model x, y;
	model_read(&x, db);
	model_read(&y, again);
	assert_memory_equal(&x, &y, sizeof(x));
	json_decref(json);
	str_done(&a);
	db_free(again);
	db_free(copy);
	db_free(db);
}

// --- Operations.

static json_t *execute(struct db *db, const char *operations)
{
	json_t *json = parse(operations);
	struct db_execute x = {.db = db, .operations = json, .elapsed_ms = 0};
	enum db_execute_status status = db_execute(&x);
	if (status == DB_EXECUTE_DONE)
		db_txn_commit(x.txn);
	if (status == DB_EXECUTE_WAIT)
		x.result = json_pack("[s, I]", "wait", (json_int_t)x.wait_ms);
	json_decref(json);
	assert_null(db->txn);
	return x.result;
}

static void expect(struct db *db, const char *operations, const char *result)
{
	json_t *json = execute(db, operations);
	char *text = db_json_text(json);
	plain_quotes(text);
	assert_string_equal(text, result);
	free(text);
	json_decref(json);
}

#define U1 "00000000-0000-0000-0000-000000000001"

static void test_operations(void **state)
{
	static const struct {
		const char *operations, *result;
	} rows[] = {
		{"[{'op':'insert','table':'t','row':{'n':1,'fixed':5},'uuid':'" U1 "'}]",
		 "[{'uuid':['uuid','" U1 "']}]"},
		{"[{'op':'insert','table':'t','row':{'n':2},'uuid':'" U1 "'}]",
		 "[{'details':'This UUID would duplicate a UUID already present within the table "
		 "or deleted within the same "
		 "transaction.','error':'duplicate uuid','syntax':''" U1 "''}]"},
		{"[{'op':'update','table':'t','where':[['n','==',1]],'row':{'s':'x'}},{'op':'abort'"
		 "},{'op':'comment'}]",
		 "[{'count':1},{'details':'aborted by request','error':'aborted'},null]"},
		{"[{'op':'select','table':'t','where':[],'columns':['s','n','set']}]",
		 "[{'rows':[{'n':1,'s':'','set':['set',[]]}]}]"},
		{"[{'op':'update','table':'t','where':[],'row':{'fixed':1}}]",
		 "[{'details':'Cannot update immutable column fixed in table "
		 "t.','error':'constraint violation','syntax':'{'op':"
		 "'update','row':{'fixed':1},'table':'t','where':[]}'}]"},
		{"[{'op':'mutate','table':'t','where':[['_uuid','==',['uuid','" U1
		 "']]],'mutations':[['n','+=',9],['set',"
		 "'insert',['set',[3,1]]],['set','*=',2]]}]",
		 "[{'count':1}]"},
		{"[{'op':'mutate','table':'t','where':[],'mutations':[['set','insert',['set',[7,8]]"
		 "]]}]",
		 "[{'details':'Attempted to store 4 elements in set of up to 3 integers (table t, "
		 "column set, row 00000000-0000-0000-0000-000000000001).','error':'constraint "
		 "violation'}]"},
		{"[{'op':'mutate','table':'t','where':[],'mutations':[['n','/=',0]]}]",
		 "[{'details':'Division by zero (table t, column n, row "
		 "00000000-0000-0000-0000-000000000001).','error':'domain error'}]"},
		{"[{'op':'mutate','table':'t','where':[],'mutations':[['n','*=',"
		 "9223372036854775807]]}]",
		 "[{'details':'Result of '*=' operation is out of range (table t, column n, row "
		 "00000000-0000-0000-0000-000000000001).','error':'range error'}]"},
		{"[{'op':'select','table':'t','where':[['n','==',10]],'columns':['n','set']}]",
		 "[{'rows':[{'n':10,'set':['set',[2,6]]}]}]"},
		{"[{'op':'delete','table':'t','where':[['n','<',10]]},{'op':'delete','table':'t','"
		 "where':[false]},{'op':"
		 "'delete','table':'t','where':[['set','includes',['set',[2]]]]}]",
		 "[{'count':0},{'count':0},{'count':1}]"},
		{"[{'op':'insert','table':'t','row':{'n':1}},{'op':'zap'}]",
		 NULL}, // nothing of it stays
		{"[{'op':'select','table':'t','where':[]}]", "[{'rows':[]}]"},
		{"[{'op':'assert','lock':'l'}]",
		 "[{'details':'Asserted lock l not held.','error':'not owner'}]"},
		{"[3]", "[{'details':'Parsing ovsdb operation 1 of 1 failed: Object "
			"expected.','error':'syntax error'}]"},
	};
	struct db *db = db_new(parse_schema("{'name':'T','tables':{'t':{'columns':{'n':{'type':'"
					    "integer'},'s':{'type':'string'},'set':{'type':{'key':"
					    "'integer','min':0,'max':3}},'fixed':{'type':'integer',"
					    "'mutable':false}},'indexes':[['n']],'maxRows':3}}}"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].result)
			expect(db, rows[i].operations, rows[i].result);
		else
			json_decref(execute(db, rows[i].operations));
	}
	db_free(db);
}

static const char *error_of(const json_t *results, size_t i)
{
	return json_string_value(json_object_get(json_array_get(results, i), "details"));
}

static void test_limits(void **state)
{
	struct db *db = db_new(parse_schema(
		"{'name':'T','tables':{'t':{'columns':{'n':{'type':'integer'}},'indexes':[['n']],"
		"'maxRows':2}}}"));
	json_t *r = execute(db, "[{'op':'insert','table':'t','row':{'n':1}},{'op':'insert','table':"
				"'t','row':{'n':1}}]");
	assert_int_equal(json_array_size(r), 3);
	assert_non_null(strstr(error_of(r, 2), "identical values (1) for index on column \"n\""));
	json_decref(r);
	r = execute(db, "[{'op':'insert','table':'t','row':{'n':1}},{'op':'insert','table':'t','"
			"row':{'n':2}},{'op':'insert',"
			"'table':'t','row':{'n':3}}]");
	assert_string_equal(error_of(r, 3),
			    "transaction causes \"t\" table to contain 3 rows, greater than the "
			    "schema-defined limit of 2 row(s)");
	json_decref(r);
	// Values that change places do not collide on the way.
	json_decref(execute(db, "[{'op':'insert','table':'t','row':{'n':1}},{'op':'insert','table':"
				"'t','row':{'n':2}}]"));
	r = execute(db, "[{'op':'mutate','table':'t','where':[],'mutations':[['n','*=',-1],['n','+="
			"',3]]}]");
	assert_int_equal(json_array_size(r), 1);
	json_decref(r);
	db_free(db);
}

static void test_wait(void **state)
{
	struct db *db = db_new(
		parse_schema("{'name':'T','tables':{'t':{'columns':{'n':{'type':'integer'}}}}}"));
	expect(db,
	       "[{'op':'wait','table':'t','where':[],'columns':['n'],'until':'==','rows':[{'n':1}],"
	       "'timeout':0}]",
	       "[{'details':''where' clause test failed (table t)','error':'timed out'}]");
	expect(db,
	       "[{'op':'wait','table':'t','where':[],'columns':['n'],'until':'==','rows':[{'n':1}],"
	       "'timeout':70}]",
	       "['wait',70]");
	expect(db,
	       "[{'op':'wait','table':'t','where':[],'columns':['n'],'until':'==','rows':[{'n':1}]}"
	       "]",
	       "['wait',9223372036854775807]");
	json_decref(execute(db, "[{'op':'insert','table':'t','row':{'n':1}},{'op':'insert','table':"
				"'t','row':{'n':1}}]"));
	expect(db,
	       "[{'op':'wait','table':'t','where':[],'columns':['n'],'until':'==','rows':[{'n':1}]}"
	       "]",
	       "[{}]");
	expect(db,
	       "[{'op':'wait','table':'t','where':[],'columns':['n'],'until':'!=','rows':[{'n':1},{"
	       "'n':2}]}]",
	       "[{}]");
	db_free(db);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
