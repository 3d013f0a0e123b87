/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "ovsdb/json_cut.h"
#include "ovsdb/record.h"

static struct json_piece piece(const char *text)
{
	return (struct json_piece){text, strlen(text)};
}

// The members as "name=value|...", and "!" at the end when the text is bad.
static void expect_cut(const char *text, const char *expected)
{
	struct json_cut cut;
	struct json_piece name, value;
	struct str s = STR_INIT;
	json_cut_init(&cut, piece(text));
	while (json_cut_next(&cut, &name, &value)) {
		if (name.p)
			str_addf(&s, "%.*s=", (int)name.n, name.p);
		str_addf(&s, "%.*s|", (int)value.n, value.p);
	}
	if (!json_cut_is_good(&cut))
		str_addc(&s, '!');
	assert_string_equal(str_cstr(&s), expected);
	str_done(&s);
}

static void test_cut(void **state)
{
	expect_cut("{}", "");
	expect_cut(" [ ] ", "");
	expect_cut("[1,\"a,b\",[2,{\"x\":\"]\"}],{\"y\":[]} , true]",
		   "1|\"a,b\"|[2,{\"x\":\"]\"}]|{\"y\":[]}|true|");
	expect_cut("{\"a\" : 1 ,\"b\\\"c\":{\"d\":\"}\"}}", "a=1|b\\\"c={\"d\":\"}\"}|");
	expect_cut("[1 2]", "1|!");
	expect_cut("[1,]", "1|!");
	expect_cut("[,1]", "!");
	expect_cut("{\"a\"1}", "!");
	expect_cut("{\"a\":}", "!");
	expect_cut("{a:1}", "!");
	expect_cut("[1] x", "1|!");
	expect_cut("[\"abc", "!");
	expect_cut("[[1]", "[1]|!");
	expect_cut("3", "!");
	expect_cut("", "!");
	assert_true(json_piece_equal(piece("abc"), "abc"));
	assert_false(json_piece_equal(piece("abcd"), "abc"));
	assert_false(json_piece_equal((struct json_piece){0}, ""));
}

static const char schema[] = "{'name':'T','tables':{'t':{'columns':{'n':{'type':'integer'},'set':{'"
			     "type':{'key':'integer','min':0,"
			     "'max':'unlimited'}}}}}}";

static struct db_error *apply(struct db *db, const char *text)
{
	char *copy = xstrdup(text);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	struct db_error *error = db_record_apply_text(db, copy, strlen(copy), false);
	free(copy);
	return error;
}

// Records as text: what says how to read the rest may come last, and a record that is bad anywhere
// does nothing.
static void test_records(void **state)
{
	struct db *db = db_new(parse_schema(schema));
	struct db_table *t = db_find_table(db, "t");
	succeed(apply(db, "{'_date':1,'t':{'00000000-0000-0000-0000-000000000001':{'n':1,'set':['"
			  "set',[1,2]]}},'_comment':'x'}"));
	succeed(apply(db, "{'t':{'00000000-0000-0000-0000-000000000001':{'set':['set',[2,3]]}},'_"
			  "is_diff':true}"));
	struct uuid uuid = {.part = {0, 0, 0, 1}};
	const struct db_row *row = db_table_find_row(t, &uuid);
	assert_non_null(row);
	assert_int_equal(row->fields[table_schema_find_column(t->schema, "set")->index].n, 2);
	static const struct {
		const char *record, *why;
	} bad[] = {
		{"{'t':{'00000000-0000-0000-0000-000000000002':{'n':1}},'t2':{}}",
		 "No table named t2."},
		{"{'t':{'00000000-0000-0000-0000-000000000002':{'n':1},'x':{}}}",
		 "not a valid UUID"},
		{"{'t':{'00000000-0000-0000-0000-000000000002':{'n':1e}}}", "not valid JSON"},
		{"{'t':{'00000000-0000-0000-0000-000000000002':{'n':1}}", "not valid JSON"},
		{"{'t':3}", "object expected"},
		{"[]", "not valid JSON"},
		{"{'t':{'00000000-0000-0000-0000-000000000003':null}}", "does not exist"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct db_error *error = apply(db, bad[i].record);
		assert_non_null(error);
		if (!strstr(db_error_details(error), bad[i].why))
			fail_msg("%s", db_error_details(error));
		db_error_free(error);
		assert_int_equal(t->n_rows, 1);
	}
	succeed(apply(db, "{'t':{'00000000-0000-0000-0000-000000000001':null}}"));
	assert_int_equal(t->n_rows, 0);
	db_free(db);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut),
						  cmocka_unit_test(test_records)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
