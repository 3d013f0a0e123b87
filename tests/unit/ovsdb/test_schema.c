/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

static struct db_error *try_schema(const char *text)
{
	struct db_schema *schema;
	json_t *json = parse(text);
	struct db_error *error = db_schema_from_json(json, &schema);
	json_decref(json);
	if (!error)
		db_schema_free(schema);
	return error;
}

static void test_good(void **state)
{
	struct db_schema *schema =
		parse_schema("{'name':'T','version':'1.2.3','cksum':'7 8','tables':{"
			     "'b':{'columns':{'name':{'type':'string'}}},"
			     "'a':{'columns':{'z':{'type':'integer','mutable':false},'y':{'type':{'"
			     "key':{'type':'uuid','refTable':'b',"
			     "'refType':'weak'},'min':0},'ephemeral':true}},'isRoot':true,'maxRows'"
			     ":3,'indexes':[['z']]}}}");
	assert_string_equal(schema->name, "T");
	assert_string_equal(schema->version, "1.2.3");
	assert_int_equal(schema->n_tables, 2);
	const struct table_schema *a = db_schema_find_table(schema, "a"),
				  *b = db_schema_find_table(schema, "b");
	assert_ptr_equal(schema->tables[0], a);
	assert_null(db_schema_find_table(schema, "c"));
	assert_true(a->is_root);
	assert_false(b->is_root);
	assert_int_equal(a->max_rows, 3);
	assert_int_equal(a->n_columns, 4);
	assert_string_equal(a->columns[2]->name, "y");
	assert_ptr_equal(a->columns[2]->type.key.ref.table, b);
	assert_true(base_type_is_weak_ref(&a->columns[2]->type.key));
	assert_false(a->columns[2]->persistent);
	assert_false(a->columns[3]->mutable);
	assert_ptr_equal(a->indexes[0].columns[0], a->columns[3]);

	struct db_schema *clone = db_schema_clone(schema);
	assert_true(db_schema_equal(schema, clone));
	db_schema_free(clone);
	db_schema_free(schema);
}

static void test_roots(void **state)
{
	// No table has the mark: all are roots, and the mark is not written.
	struct db_schema *schema =
		parse_schema("{'name':'T','tables':{'a':{'columns':{'x':{'type':'string'}}}}}");
	assert_true(schema->tables[0]->is_root);
	json_t *json = db_schema_to_json(schema);
	assert_null(
		json_object_get(json_object_get(json_object_get(json, "tables"), "a"), "isRoot"));
	json_decref(json);
	db_schema_free(schema);
}

static void test_bad(void **state)
{
	static const struct {
		const char *type, *error;
	} rows[] = {
		{"{'key':'string','min':2}", "syntax '{'key':'string','min':2}': syntax error: "
					     "ovsdb type fails constraint checks"},
		{"{'key':'string','max':0,'min':0}",
		 "syntax '{'key':'string','max':0,'min':0}': syntax error: ovsdb type fails "
		 "constraint checks"},
		{"{'key':'string','max':'x'}", "syntax ''x'': syntax error: bad min or max value"},
		{"'zzz'", "syntax ''zzz'': syntax error: 'zzz' is not an atomic-type"},
		{"{'key':{'type':'integer','minInteger':5,'maxInteger':1}}",
		 "syntax '{'maxInteger':1,'minInteger':5,'type':'integer'}': syntax error: "
		 "minInteger exceeds maxInteger"},
		{"{'key':{'type':'string','minInteger':5}}",
		 "syntax '{'minInteger':5,'type':'string'}': syntax error: Parsing ovsdb type "
		 "failed: Member 'minInteger' is "
		 "present but not allowed here."},
		{"{'key':{'type':'uuid','refTable':'t','refType':'x'}}",
		 "syntax '{'refTable':'t','refType':'x','type':'uuid'}': syntax error: refType "
		 "must be 'strong' or 'weak' "
		 "(not 'x')"},
		{"{'key':{'type':'uuid','refTable':'zz'}}",
		 "syntax error: column x key refers to undefined table zz"},
		{"{'key':{'type':'string','minLength':-1}}",
		 "syntax '-1': syntax error: minLength out of valid range 0 to 4294967295"},
		{"{'value':'string'}",
		 "syntax '{'value':'string'}': syntax error: Parsing ovsdb type failed: Required "
		 "'key' member is missing."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = xasprintf("{'name':'T','tables':{'t':{'columns':{'x':{'type':%s}}}}}",
				       rows[i].type);
		expect_error(try_schema(text), rows[i].error);
		free(text);
	}
	expect_error(try_schema("3"),
		     "syntax error: Parsing database schema failed: Object expected.");
	db_error_free(try_schema("{'name':'T','version':'1.2','tables':{}}"));
	assert_false(db_version_is_valid("1.2"));
	assert_true(db_version_is_valid("1.2.33"));
	assert_false(db_is_valid_id("1x"));
	assert_true(db_is_valid_id("_x1"));
}

static void test_english(void **state)
{
	static const char *const rows[][2] = {
		{"'string'", "string"},
		{"{'key':'string','min':0}", "set of up to 1 strings"},
		{"{'key':'integer','min':0,'max':'unlimited'}", "set of integers"},
		{"{'key':'integer','max':'unlimited'}", "set of 1 or more integers"},
		{"{'key':'integer','max':4}", "set of 1 to 4 integers"},
		{"{'key':'string','value':'uuid','min':0,'max':3}",
		 "map of up to 3 (string, uuid) pairs"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct column_type type;
		parse_type(&type, rows[i][0]);
		char *text = column_type_to_english(&type);
		assert_string_equal(text, rows[i][1]);
		free(text);
		column_type_done(&type);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_roots),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_english),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
