/* SPDX-License-Identifier: Apache-2.0 */
// Damage of every kind at random places: what is not hit is found again, and what is found is what
// was written.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "dbserver/journal.h"
#include "dbserver/salvage.h"

enum { N_RECORDS = 12 };

static const char schema_text[] =
	"{\"name\":\"T\",\"tables\":{\"t\":{\"columns\":{\"n\":{\"type\":\"integer\"}},"
	"\"indexes\":[[\"n\"]]}}}";

struct file {
	struct str s;
	size_t at[N_RECORDS + 1];   // where each record begins
	char json[N_RECORDS][1000]; // what is in it
};

static void add_record(struct file *f, unsigned int i, const char *text)
{
	f->at[i] = f->s.len;
	snprintf(f->json[i], sizeof(f->json[i]), "%s\n", text);
	journal_format(&f->s, text, strlen(text));
	f->at[i + 1] = f->s.len;
}

static void make_file(struct file *f)
{
	*f = (struct file){.s = STR_INIT};
	f->at[0] = 0;
	add_record(f, 0, schema_text);
	for (unsigned int i = 1; i < N_RECORDS; i++) {
		char text[200];
		snprintf(text, sizeof(text),
			 "{\"_date\":1,\"t\":{\"00000000-0000-0000-0000-%012u\":{\"n\":%u}},\"_"
			 "comment\":\"%.*s\"}",
			 i, i, (int)random_below(60),
			 "OVSDB JSON 12345678 OVSDB JSON 0 OVSDB JSON and more of that kind");
		add_record(f, i, text);
	}
}

static bool is_boundary(const struct file *f, size_t at)
{
	for (int i = 0; i <= N_RECORDS; i++)
		if (f->at[i] == at)
			return true;
	return false;
}

static bool is_original(const struct file *f, const struct salvage *s,
			const struct salvage_piece *piece)
{
	for (int i = 0; i < N_RECORDS; i++)
		if (f->at[i + 1] - f->at[i] >= piece->json &&
		    !memcmp(f->json[i], s->data + piece->at + piece->size - piece->json,
			    piece->json))
			return true;
	return false;
}

static bool is_good_at(const struct salvage *s, size_t at)
{
	VEC_FOREACH (&s->pieces, i)
		if (s->pieces.v[i].at == at)
			return !s->pieces.v[i].why;
	return false;
}

// Records that are wholly before or behind the damage are good; others only if their contents are,
// a blank in a header more or less.
static void expect(const struct file *f, const struct salvage *s, size_t from, size_t to,
		   ptrdiff_t shift)
{
	size_t end = 0;
	VEC_FOREACH (&s->pieces, i) {
		const struct salvage_piece *piece = &s->pieces.v[i];
		assert_int_equal(piece->at, end);
		assert_true(piece->size > 0);
		assert_true(piece->why || is_original(f, s, piece));
		end += piece->size;
	}
	assert_int_equal(end, s->size);
	for (unsigned int i = 0; i < N_RECORDS; i++)
		if (f->at[i] >= to || f->at[i + 1] <= from)
			assert_true(is_good_at(s, f->at[i] < from ? f->at[i]
								  : f->at[i] + (size_t)shift));
}

static void try(const struct file *f, const char *data, size_t size, size_t from, size_t to,
		ptrdiff_t shift)
{
	struct salvage s;
	json_t *json = json_loads(schema_text, 0, NULL);
	struct db_schema *schema;
	assert_null(db_schema_from_json(json, &schema));
	json_decref(json);
	salvage_init(&s, data, size);
	expect(f, &s, from, to, shift);
	size_t good = salvage_count(&s, true);
	struct db_error *error = salvage_replay(&s, schema);
	if (good)
		assert_null(error);
	db_error_free(error);
	// The rows do not depend on each other: each record that is whole can be applied.
	assert_int_equal(salvage_count(&s, true), good);
	assert_true(!s.schema_lost || (from < f->at[1] && to > 0));
	salvage_done(&s);
	db_schema_free(schema);
}

static void test_no_damage(void **state)
{
	struct file f;
	make_file(&f);
	try(&f, f.s.s, f.s.len, f.s.len, f.s.len, 0);
	str_done(&f.s);
}

static void test_changed_bytes(void **state)
{
	for (int round = 0; round < 300; round++) {
		struct file f;
		make_file(&f);
		size_t at = random_below((uint32_t)f.s.len), n = 1 + random_below(40);
		if (n > f.s.len - at)
			n = f.s.len - at;
		for (size_t i = 0; i < n; i++)
			f.s.s[at + i] ^= (char)(1 + random_below(255));
		try(&f, f.s.s, f.s.len, at, at + n, 0);
		str_done(&f.s);
	}
}

// Taking out "bcda" of "abcdabcd" is taking out the first "abcd": what is hit depends on how one
// looks at it, so that only what is hit in each view counts.
static void test_missing_bytes(void **state)
{
	for (int round = 0; round < 300; round++) {
		struct file f;
		make_file(&f);
		size_t at = random_below((uint32_t)f.s.len), n = 1 + random_below(150);
		if (n > f.s.len - at)
			n = f.s.len - at;
		size_t first = at, last = at, size = f.s.len - n;
		while (first && f.s.s[first - 1] == f.s.s[first + n - 1])
			first--;
		while (last + n < f.s.len && f.s.s[last] == f.s.s[last + n])
			last++;
		memmove(f.s.s + at, f.s.s + at + n, size - at);
		try(&f, f.s.s, size, first, last + n, -(ptrdiff_t)n);
		str_done(&f.s);
	}
}

static void test_extra_bytes(void **state)
{
	for (int round = 0; round < 300; round++) {
		struct file f;
		make_file(&f);
		struct str out = STR_INIT;
		size_t at = random_below((uint32_t)f.s.len), n = 1 + random_below(150);
		str_addn(&out, f.s.s, at);
		for (size_t i = 0; i < n; i++)
			str_addc(&out, (char)(128 + random_below(128)));
		str_addn(&out, f.s.s + at, f.s.len - at);
		// Between two records it hits none of them.
		try(&f, out.s, out.len, at, is_boundary(&f, at) ? at : at + 1, (ptrdiff_t)n);
		str_done(&out);
		str_done(&f.s);
	}
}

static void test_torn_end(void **state)
{
	struct file f;
	make_file(&f);
	for (size_t size = f.at[N_RECORDS - 1] + 1; size < f.s.len; size++) {
		struct salvage s;
		salvage_init(&s, f.s.s, size);
		assert_int_equal(s.pieces.n, N_RECORDS);
		assert_int_equal(vec_last(&s.pieces).kind, SALVAGE_TORN);
		salvage_done(&s);
	}
	// Zeros, as some file systems leave them, are no record's beginning.
	memset(f.s.s + f.at[N_RECORDS - 1], 0, f.s.len - f.at[N_RECORDS - 1]);
	struct salvage s;
	salvage_init(&s, f.s.s, f.s.len);
	assert_int_equal(vec_last(&s.pieces).kind, SALVAGE_DAMAGE);
	salvage_done(&s);
	str_done(&f.s);
}

static void test_records_that_do_not_fit(void **state)
{
	static const char *const records[] = {
		schema_text,
		"{\"_date\":1,\"t\":{\"00000000-0000-0000-0000-000000000001\":{"
		"\"n\":1}}}",
		"{\"_date\":1,\"t\":{\"00000000-0000-0000-0000-000000000002\":null}"
		"}", // not there
		"{\"_date\":1,\"t\":{\"00000000-0000-0000-0000-000000000003\":{"
		"\"n\":1}}}", // breaks
			      // the
			      // index
		"{\"_date\":1,\"u\":{}}",
		"[1,",
		"{\"_date\":1,\"t\":{\"00000000-0000-0000-0000-000000000004\":{"
		"\"n\":4}}}",
	};
	static const char *const expected[] = {
		NULL,
		NULL,
		"that does not exist",
		"identical values",
		"No table named u",
		"not valid JSON",
		NULL,
	};
	struct str s = STR_INIT;
	struct salvage v;
	for (size_t i = 0; i < 7; i++)
		journal_format(&s, records[i], strlen(records[i]));
	salvage_init(&v, s.s, s.len);
	assert_null(salvage_replay(&v, NULL));
	assert_int_equal(v.pieces.n, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(!v.pieces.v[i].why, !expected[i]);
		if (expected[i])
			assert_non_null(strstr(v.pieces.v[i].why, expected[i]));
	}
	salvage_done(&v);
	str_done(&s);
}

static void test_schema_lost(void **state)
{
	struct file f;
	struct salvage s;
	make_file(&f);
	f.s.s[f.at[1] - 5] ^= 1;
	salvage_init(&s, f.s.s, f.s.len);
	struct db_error *error = salvage_replay(&s, NULL);
	assert_non_null(error);
	db_error_free(error);
	salvage_done(&s);
	str_done(&f.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_damage),
		cmocka_unit_test(test_changed_bytes),
		cmocka_unit_test(test_missing_bytes),
		cmocka_unit_test(test_extra_bytes),
		cmocka_unit_test(test_torn_end),
		cmocka_unit_test(test_records_that_do_not_fit),
		cmocka_unit_test(test_schema_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
