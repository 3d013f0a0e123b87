/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <float.h>

static void test_short_and_long_strings(void **state)
{
	// Lengths around the 15 bytes that fit into an atom.
	char text[64];
	for (size_t n = 0; n < 40; n++) {
		union atom a, b;
		memset(text, 'x', n);
		text[n] = '\0';
		atom_init_string(&a, text);
		atom_copy(&b, &a, ATOM_STRING);
		assert_string_equal(atom_string(&a), text);
		assert_int_equal(atom_string_length(&b), n);
		assert_int_equal(atom_compare(&a, &b, ATOM_STRING), 0);
		assert_int_equal(atom_hash(&a, ATOM_STRING, 1), atom_hash(&b, ATOM_STRING, 1));
		atom_done(&a, ATOM_STRING);
		assert_string_equal(atom_string(&b), text);
		atom_done(&b, ATOM_STRING);
	}
}

static void test_order(void **state)
{
	union atom a = {.integer = -1}, b = {.integer = 1};
	assert_true(atom_compare(&a, &b, ATOM_INTEGER) < 0);
	a = (union atom){.real = -0.0};
	b = (union atom){.real = 0.0};
	assert_int_equal(atom_compare(&a, &b, ATOM_REAL), 0);
	assert_int_equal(atom_hash(&a, ATOM_REAL, 0), atom_hash(&b, ATOM_REAL, 0));
	assert_true(uuid_parse("00000000-0000-0000-0000-0000000000ff", &a.uuid));
	assert_true(uuid_parse("00000000-0000-0000-0000-000000000100", &b.uuid));
	assert_true(atom_compare(&a, &b, ATOM_UUID) < 0);
}

static void test_constraints(void **state)
{
	static const struct {
		const char *type, *value, *error; // NULL: good
	} rows[] = {
		{"'integer'", "5", NULL},
		{"'integer'", "5.0", NULL},
		{"'integer'", "9223372036854775807", NULL},
		{"'integer'", "5.5", "syntax '5.5': syntax error: expected integer"},
		{"'integer'", "1e30", "syntax '1e+30': syntax error: expected integer"},
		{"'integer'", "'x'", "syntax ''x'': syntax error: expected integer"},
		{"'boolean'", "0", "syntax '0': syntax error: expected boolean"},
		{"'real'", "3", NULL},
		{"'uuid'", "['uuid','x']",
		 "syntax '['uuid','x']': syntax error: 'x' is not a valid UUID"},
		{"'uuid'", "['named-uuid','x']",
		 "syntax '['named-uuid','x']': syntax error: expected ['uuid', <string>]"},
		{"{'key':{'type':'integer','minInteger':1,'maxInteger':3}}", "4",
		 "constraint violation: 4 is not in the valid range 1 to 3 (inclusive)"},
		{"{'key':{'type':'integer','minInteger':1}}", "0",
		 "constraint violation: 0 is less than minimum allowed value 1"},
		{"{'key':{'type':'integer','maxInteger':1}}", "2",
		 "constraint violation: 2 is greater than maximum allowed value 1"},
		{"{'key':{'type':'real','minReal':1.5}}", "1",
		 "constraint violation: 1 is less than minimum allowed value 1.5"},
		{"{'key':{'type':'string','minLength':2}}", "'\u00e9'",
		 "constraint violation: '\u00e9' length 1 is less than minimum allowed length 2"},
		{"{'key':{'type':'string','maxLength':2}}", "'\u00e9\u00e9'", NULL},
		{"{'key':{'type':'string','maxLength':2}}", "'abc'",
		 "constraint violation: 'abc' length 3 is greater than maximum allowed length 2"},
		{"{'key':{'type':'string','enum':['set',['a','b c']]}}", "'x'",
		 "constraint violation: x is not one of the allowed values ([a, 'b c'])"},
		{"{'key':'string','min':0,'max':2}", "['set',['a','b','c']]",
		 "syntax '['set',['a','b','c']]': syntax error: set must have 0 to 2 members but 3 "
		 "are present"},
		{"'string'", "['set',[]]",
		 "syntax '['set',[]]': syntax error: set must have exactly one member but 0 are "
		 "present"},
		{"{'key':'string','min':0,'max':'unlimited'}", "['set',['a','a']]",
		 "ovsdb error: set contains duplicate"},
		{"{'key':'string','value':'integer','min':0,'max':9}", "['map',[['a',1],['a',2]]]",
		 "ovsdb error: map contains duplicate key"},
		{"{'key':'string','value':'integer','min':0,'max':9}", "['map',[['a']]]",
		 "syntax '['a']': syntax error: expected 2-element array"},
		{"{'key':'string','value':'integer','min':0,'max':9}", "['map',[['a','a']]]",
		 "syntax ''a'': syntax error: expected integer"},
		{"{'key':'string','value':'integer','min':0,'max':9}", "3",
		 "syntax '3': syntax error: expected ['map', <array>]"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct column_type type;
		struct datum d;
		parse_type(&type, rows[i].type);
		struct db_error *error = try_datum(&d, &type, rows[i].value);
		if (rows[i].error) {
			expect_error(error, rows[i].error);
		} else {
			succeed(error);
			datum_done(&d);
		}
		column_type_done(&type);
	}
}

static void test_round_trip(void **state)
{
	static const struct {
		const char *type, *in, *out;
	} rows[] = {
		{"'string'", "'a\\u0001\\\\b\\n'", "'a\\u0001\\\\b\\n'"},
		{"{'key':'integer','min':0,'max':9}", "['set',[3,1,2]]", "['set',[1,2,3]]"},
		{"{'key':'integer','min':0,'max':9}", "['set',[3]]", "3"},
		{"{'key':'integer','min':0,'max':9}", "['set',[]]", "['set',[]]"},
		{"{'key':'real','min':0,'max':9}", "['set',[0.1,2.0,1e300,-1.5]]",
		 "['set',[-1.5,0.1,2,1e+300]]"},
		{"{'key':'string','value':'boolean','min':0,'max':9}",
		 "['map',[['b',true],['a',false]]]", "['map',[['a',false],['b',true]]]"},
		{"{'key':'string','value':'boolean','min':0,'max':9}", "['map',[]]", "['map',[]]"},
		{"'uuid'", "['uuid','01234567-89AB-cdef-0123-456789abcdef']",
		 "['uuid','01234567-89ab-cdef-0123-456789abcdef']"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct column_type type;
		struct datum d;
		parse_type(&type, rows[i].type);
		succeed(try_datum(&d, &type, rows[i].in));
		expect_datum(&d, rows[i].out);
		datum_done(&d);
		column_type_done(&type);
	}
}

// --- Sets and maps against arrays.

enum { UNIVERSE = 40 };

struct naive {
	bool has[UNIVERSE];
	int value[UNIVERSE];
};

static void to_datum(struct datum *d, const struct naive *n, bool map, enum atom_type type)
{
	int order[UNIVERSE];
	for (int i = 0; i < UNIVERSE; i++)
		order[i] = i;
	for (int i = UNIVERSE - 1; i > 0; i--) {
		int j = (int)random_below((uint32_t)i + 1), t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	datum_init_empty(d, type, map ? type : ATOM_VOID);
	for (int k = 0; k < UNIVERSE; k++) {
		int i = order[k];
		union atom key = {.integer = i}, value = {.integer = n->value[i]};
		char text[48];
		if (!n->has[i])
			continue;
		if (type == ATOM_STRING) {
			// Some of them short, some long.
			snprintf(text, sizeof(text), "%03d%s", i,
				 i % 2 ? " and more than fits inside" : "");
			atom_init_string(&key, text);
			snprintf(text, sizeof(text), "%d%s", n->value[i],
				 i % 3 ? "" : " value of some length as well");
			atom_init_string(&value, text);
		}
		datum_push(d, &key, map ? &value : NULL);
		if (!map)
			atom_done(&value, type);
	}
	assert_true(datum_sort(d));
}

static void randomize(struct naive *n, unsigned int density)
{
	for (int i = 0; i < UNIVERSE; i++) {
		n->has[i] = random_below(100) < density;
		n->value[i] = (int)random_below(3);
	}
}

static void expect_equal(const struct datum *d, const struct naive *n, bool map,
			 enum atom_type type)
{
	struct datum expected;
	to_datum(&expected, n, map, type);
	assert_int_equal(datum_compare(d, &expected), 0);
	assert_true(datum_equal(d, &expected));
	assert_int_equal(datum_hash(d, 7), datum_hash(&expected, 7));
	datum_done(&expected);
}

static void naive_union(struct naive *a, const struct naive *b, bool replace)
{
	for (int i = 0; i < UNIVERSE; i++)
		if (b->has[i] && (!a->has[i] || replace)) {
			a->has[i] = true;
			a->value[i] = b->value[i];
		}
}

static void naive_subtract(struct naive *a, const struct naive *b, bool map)
{
	for (int i = 0; i < UNIVERSE; i++)
		if (a->has[i] && b->has[i] && (!map || a->value[i] == b->value[i]))
			a->has[i] = false;
}

static void test_operations(void **state)
{
	static const unsigned int densities[] = {0, 3, 10, 50, 100};
	random_seed(1);
	for (int round = 0; round < 4000; round++) {
		bool map = round & 1, replace = round & 2;
		enum atom_type type = round & 4 ? ATOM_STRING : ATOM_INTEGER;
		struct naive x, y, result;
		struct datum a, b, before, diff;
		randomize(&x, densities[random_below(5)]);
		randomize(&y, densities[random_below(5)]);
		to_datum(&a, &x, map, type);
		to_datum(&b, &y, map, type);
		datum_copy(&before, &a); // what is shared must stay as it was

		datum_union(&a, &b, replace);
		result = x;
		naive_union(&result, &y, replace);
		expect_equal(&a, &result, map, type);
		expect_equal(&before, &x, map, type);

		datum_done(&a);
		datum_copy(&a, &before);
		datum_subtract(&a, &b);
		result = x;
		naive_subtract(&result, &y, map);
		expect_equal(&a, &result, map, type);
		expect_equal(&before, &x, map, type);
		assert_true(datum_includes_all(&a, &before));
		assert_true(datum_excludes_all(&a, &b) || map);

		datum_done(&a);
		datum_diff(&diff, &before, &b);
		datum_copy(&a, &before);
		datum_apply_diff(&a, &diff);
		expect_equal(&a, &y, map, type);
		expect_equal(&before, &x, map, type);
		assert_int_equal(diff.n == 0, datum_equal(&before, &b));

		datum_done(&a);
		datum_done(&b);
		datum_done(&before);
		datum_done(&diff);
	}
}

static void test_put_and_remove(void **state)
{
	struct naive n = {0};
	struct datum d;
	random_seed(2);
	datum_init_empty(&d, ATOM_INTEGER, ATOM_INTEGER);
	for (int round = 0; round < 3000; round++) {
		int i = (int)random_below(UNIVERSE);
		union atom key = {.integer = i}, value = {.integer = (int)random_below(9)};
		size_t at = datum_find(&d, &key);
		struct datum shared;
		datum_copy(&shared, &d);
		assert_int_equal(at != SIZE_MAX, n.has[i]);
		if (random_below(3)) {
			datum_put(&d, &key, &value);
			n.has[i] = true;
			n.value[i] = (int)value.integer;
		} else if (at != SIZE_MAX) {
			datum_remove_at(&d, at);
			n.has[i] = false;
		}
		datum_done(&shared);
		expect_equal(&d, &n, true, ATOM_INTEGER);
	}
	datum_done(&d);
}

static void test_sort_unique(void **state)
{
	struct datum d;
	datum_init_empty(&d, ATOM_STRING, ATOM_STRING);
	static const char *const pairs[][2] = {{"b", "1"}, {"a", "2"},
					       {"b", "3"}, {"a string longer than sixteen", "4"},
					       {"a", "5"}, {"a string longer than sixteen", "6"}};
	for (size_t i = 0; i < 6; i++) {
		union atom key, value;
		atom_init_string(&key, pairs[i][0]);
		atom_init_string(&value, pairs[i][1]);
		datum_push(&d, &key, &value);
	}
	datum_sort_unique(&d);
	expect_datum(&d, "['map',[['a','2'],['a string longer than sixteen','4'],['b','1']]]");
	assert_string_equal(datum_find_string(&d, "b"), "1");
	assert_null(datum_find_string(&d, "c"));
	datum_done(&d);
}

// --- Text.

static void test_text(void **state)
{
	static const char set[] = "{'key':'string','min':0,'max':'unlimited'}",
			  integers[] = "{'key':'integer','min':0,'max':9}";
	static const char map[] = "{'key':'string','value':'string','min':0,'max':'unlimited'}";
	static const struct {
		const char *type, *in, *out; // out NULL: an error
	} rows[] = {
		{"'string'", "abc", "abc"},
		{"'string'", "\"a b\"", "\"a b\""},
		{"'string'", "\"true\"", "\"true\""},
		{"'string'", "\"\"", "\"\""},
		{"'string'", "a b", NULL},
		{"'integer'", "5", "5"},
		{"'integer'", "5x", NULL},
		{"'boolean'", "yes", "true"},
		{"'boolean'", "off", "false"},
		{"'boolean'", "maybe", NULL},
		{set, "a, b", "[a, b]"},
		{set, "[b a]", "[a, b]"},
		{set, "[a, b", NULL},
		{set, "a, a", NULL},
		{integers, "1-4", "[1, 2, 3, 4]"},
		{integers, "3,1", "[1, 3]"},
		{integers, "1-20", NULL},
		{map, "a=b, c=\"d e\"", "{a=b, c=\"d e\"}"},
		{map, "{}", "{}"},
		{map, "a", NULL},
		{map, "a=1=2", NULL},
		{"'real'", "1.50", "1.5"},
		{"'uuid'", "x", NULL},
		{"'uuid'", "01234567-89ab-cdef-0123-456789abcdef",
		 "01234567-89ab-cdef-0123-456789abcdef"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct column_type type;
		struct datum d;
		struct str s = STR_INIT;
		parse_type(&type, rows[i].type);
		struct error *error = datum_from_text(&d, &type, rows[i].in, NULL);
		if (!rows[i].out) {
			if (!error)
				fail_msg("%s was accepted", rows[i].in);
			error_free(error);
		} else {
			if (error)
				fail_msg("%s: %s", rows[i].in, error_text(error));
			datum_to_text(&d, &type, &s);
			assert_string_equal(str_cstr(&s), rows[i].out);
			datum_done(&d);
		}
		str_done(&s);
		column_type_done(&type);
	}
}

// What is printed can be read again and is the same.
static void test_text_round_trip(void **state)
{
	struct column_type type;
	random_seed(3);
	parse_type(&type, "{'key':'string','value':'string','min':0,'max':'unlimited'}");
	for (int round = 0; round < 500; round++) {
		struct datum d, again;
		struct str s = STR_INIT;
		datum_init_empty(&d, ATOM_STRING, ATOM_STRING);
		for (uint32_t n = random_below(5); n > 0; n--) {
			char text[2][24];
			union atom key, value;
			for (int k = 0; k < 2; k++) {
				uint32_t length = random_below(23);
				for (uint32_t i = 0; i < length; i++)
					text[k][i] = (char)(1 + random_below(126));
				text[k][length] = '\0';
			}
			atom_init_string(&key, text[0]);
			atom_init_string(&value, text[1]);
			datum_put(&d, &key, &value);
			atom_done(&key, ATOM_STRING);
			atom_done(&value, ATOM_STRING);
		}
		datum_to_text(&d, &type, &s);
		struct error *error = datum_from_text(&again, &type, str_cstr(&s), NULL);
		if (error)
			fail_msg("%s: %s", str_cstr(&s), error_text(error));
		assert_true(datum_equal(&d, &again));
		datum_done(&d);
		datum_done(&again);
		str_done(&s);
	}
	column_type_done(&type);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_and_long_strings),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_constraints),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_put_and_remove),
		cmocka_unit_test(test_sort_unique),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
