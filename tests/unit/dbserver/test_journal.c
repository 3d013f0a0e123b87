/* SPDX-License-Identifier: Apache-2.0 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "dbserver/database.h"
#include "dbserver/lockfile.h"
#include "ovsdb/record.h"

static char directory[] = "/tmp/test_journal_XXXXXX";
static char path[64], damaged[80];

static const char schema_text[] = "{\"name\":\"T\",\"tables\":{\"t\":{\"columns\":{\"n\":{\"type\":"
				  "\"integer\"},\"s\":{\"type\":{\"key\":"
				  "\"string\",\"min\":0,\"max\":\"unlimited\"}},\"e\":{\"type\":"
				  "\"integer\",\"ephemeral\":true}}}}}";

static void succeed(struct db_error *error)
{
	if (error)
		fail_msg("%s", db_error_to_text(error));
}

static struct db_schema *schema(void)
{
	struct db_schema *s;
	json_t *json = json_loads(schema_text, 0, NULL);
	succeed(db_schema_from_json(json, &s));
	json_decref(json);
	return s;
}

static int set_up(void **state)
{
	unlink(path);
	unlink(damaged);
	struct db_schema *s = schema();
	succeed(database_create(path, s));
	db_schema_free(s);
	return 0;
}

static struct database *open_database(bool writable, char **warning)
{
	struct database *d;
	succeed(database_open(path, writable, &d, warning));
	return d;
}

static void insert(struct database *d, int64_t n)
{
	struct db_txn *txn = db_txn_new(d->db);
	struct db_table *t = db_find_table(d->db, "t");
	struct uuid uuid = {.part = {1, 2, 3, (uint32_t)n}};
	struct db_row *row = db_txn_insert(txn, t, &uuid);
	struct datum v;
	datum_init_integer(&v, n);
	db_txn_set(txn, row, table_schema_find_column(t->schema, "n")->index, &v);
	datum_init_integer(&v, n);
	db_txn_set(txn, row, table_schema_find_column(t->schema, "e")->index, &v);
	succeed(db_txn_prepare(txn));
	succeed(database_commit(d, txn));
}

static size_t count(const struct database *d)
{
	return db_find_table(d->db, "t")->n_rows;
}

static char *read_file(const char *name, size_t *n)
{
	FILE *file = fopen(name, "r");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	*n = (size_t)ftell(file);
	rewind(file);
	char *data = xmalloc(*n + 1);
	assert_int_equal(fread(data, 1, *n, file), *n);
	fclose(file);
	return data;
}

static void write_file(const char *data, size_t n)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, n, file), n);
	fclose(file);
}

// A crash may leave any beginning of the last record.
static void test_torn_anywhere(void **state)
{
	char *warning;
	struct database *d = open_database(true, &warning);
	for (int64_t i = 0; i < 3; i++)
		insert(d, i);
	int64_t good = journal_size(d->journal);
	insert(d, 3);
	database_free(d);
	size_t n;
	char *data = read_file(path, &n);
	for (size_t cut = (size_t)good; cut <= n; cut++) {
		write_file(data, cut);
		d = open_database(true, &warning);
		assert_int_equal(count(d), cut == n ? 4 : 3);
		assert_int_equal(warning != NULL, cut != n && cut != (size_t)good);
		assert_int_equal(access(damaged, F_OK), -1); // a torn end is nothing to keep
		insert(d, 9);
		database_free(d);
		free(warning);
		d = open_database(false, &warning);
		assert_null(warning);
		assert_int_equal(count(d), cut == n ? 5 : 4);
		database_free(d);
	}
	free(data);
}

// Damage in the last record: it is cut off, and kept unless a crash explains it. Damage with
// records behind it: nothing is touched.
static void test_damage_anywhere(void **state)
{
	char *warning;
	struct database *d = open_database(true, &warning);
	int64_t first = journal_size(d->journal), last = 0;
	for (int64_t i = 0; i < 3; i++) {
		last = journal_size(d->journal);
		insert(d, i);
	}
	database_free(d);
	size_t n, m;
	char *data = read_file(path, &n);
	for (size_t at = (size_t)first; at < n; at++) {
		char old = data[at];
		data[at] ^= 1;
		write_file(data, n);
		unlink(damaged);
		struct db_error *error = database_open(path, true, &d, &warning);
		if (at < (size_t)last) {
			assert_non_null(error);
			assert_non_null(strstr(db_error_details(error), "damaged at offset"));
			assert_non_null(
				strstr(db_error_details(error), "ovsdb-tool check --repair"));
			db_error_free(error);
			free(warning);
			char *now = read_file(path, &m);
			assert_true(m == n && !memcmp(now, data, n));
			free(now);
			assert_int_equal(access(damaged, F_OK), -1);
		} else {
			succeed(error);
			assert_non_null(warning);
			assert_int_equal(count(d), 2);
			assert_int_equal(journal_size(d->journal), last);
			if (!access(damaged, F_OK))
				assert_non_null(strstr(warning, ".damaged"));
			insert(d, 7);
			database_free(d);
			free(warning);
		}
		data[at] = old;
	}
	free(data);
}

// Where the size of the file came to the disk before its data.
static void test_zeros_at_end(void **state)
{
	char *warning;
	struct database *d = open_database(true, &warning);
	insert(d, 1);
	int64_t good = journal_size(d->journal);
	database_free(d);
	assert_int_equal(truncate(path, good + 5000), 0);
	d = open_database(true, &warning);
	assert_non_null(warning);
	assert_int_equal(count(d), 1);
	assert_int_equal(access(damaged, F_OK), -1);
	database_free(d);
	free(warning);
}

// Records that came while the new file was written are behind it when it takes its place.
static void test_replace_in_two_steps(void **state)
{
	char *warning;
	struct database *d = open_database(true, &warning);
	for (int64_t i = 0; i < 3; i++)
		insert(d, i);
	struct str records[2] = {STR_INIT, STR_INIT};
	json_t *json = db_schema_to_json(d->db->schema);
	char *text = db_json_text(json);
	str_add(&records[0], text);
	free(text);
	json_decref(json);
	db_record_from_db(d->db, 1, "two steps", &records[1]);
	int64_t since = journal_size(d->journal);
	assert_int_equal(journal_write_new(d->journal, records, 2), 0);
	insert(d, 3);
	insert(d, 4);
	succeed(journal_adopt_new(d->journal, since));
	insert(d, 5);
	database_free(d);
	d = open_database(false, &warning);
	assert_null(warning);
	assert_int_equal(count(d), 6);
	assert_int_equal(d->n_transactions, 4);
	database_free(d);
	str_done(&records[0]);
	str_done(&records[1]);
}

static void test_compaction(void **state)
{
	char *warning;
	struct database *d = open_database(true, &warning);
	for (int64_t i = 0; i < 50; i++)
		insert(d, i);
	struct stat before, after;
	stat(path, &before);
	succeed(database_compact(d, "smaller"));
	stat(path, &after);
	assert_true(after.st_size < before.st_size);
	assert_int_equal(after.st_mode, before.st_mode);
	insert(d, 50);
	database_free(d);
	d = open_database(false, &warning);
	assert_null(warning);
	assert_int_equal(count(d), 51);
	struct db_row *row = db_table_next_row(db_find_table(d->db, "t"), NULL);
	assert_int_equal(
		row->fields[table_schema_find_column(row->table->schema, "e")->index].one.integer,
		0);
	database_free(d);
}

// No room on the disk: the transaction fails, the file stays good, and writing goes on when there
// is room again.
static void test_full_disk(void **state)
{
	struct rlimit old, limit;
	char *warning;
	struct database *d = open_database(true, &warning);
	insert(d, 1);
	int64_t good = journal_size(d->journal);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = (rlim_t)good + 40;
	setrlimit(RLIMIT_FSIZE, &limit);
	struct db_txn *txn = db_txn_new(d->db);
	struct uuid uuid = uuid_random();
	db_txn_insert(txn, db_find_table(d->db, "t"), &uuid);
	succeed(db_txn_prepare(txn));
	struct db_error *error = database_commit(d, txn);
	assert_non_null(error);
	assert_string_equal(db_error_tag(error), "I/O error");
	assert_non_null(d->problem);
	db_error_free(error);
	assert_int_equal(count(d), 1);
	limit.rlim_cur = 100;
	setrlimit(RLIMIT_FSIZE, &limit);
	error = database_compact(d, NULL);
	assert_non_null(error);
	db_error_free(error);
	setrlimit(RLIMIT_FSIZE, &old);
	struct stat st;
	stat(path, &st);
	assert_int_equal(st.st_size, good);
	insert(d, 2);
	assert_null(d->problem);
	database_free(d);
	d = open_database(false, &warning);
	assert_null(warning);
	assert_int_equal(count(d), 2);
	database_free(d);
}

static void test_lock(void **state)
{
	char *warning;
	struct database *d = open_database(true, &warning), *other;
	struct lockfile *lock;
	assert_int_equal(lockfile_lock(path, &lock), EDEADLK);
	pid_t pid = fork();
	if (!pid) {
		// Another process: refused to write, free to read.
		struct db_error *error = database_open(path, true, &other, &warning);
		bool refused = error && strstr(db_error_details(error), "failed to lock lockfile");
		_exit(refused && !database_open(path, false, &other, &warning) ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	database_free(d);
	d = open_database(true, &warning);
	database_free(d);
}

static void test_conversion(void **state)
{
	char *warning;
	struct database *d = open_database(true, &warning);
	insert(d, 7);
	struct db_schema *other;
	json_t *json = json_loads("{\"name\":\"T\",\"version\":\"2.0.0\",\"tables\":{\"t\":{"
				  "\"columns\":{\"n\":{\"type\":{\"key\":\"integer\","
				  "\"min\":0}},\"new\":{\"type\":\"string\"}}},\"u\":{\"columns\":{"
				  "\"x\":{\"type\":\"string\"}}}}}",
				  0, NULL);
	succeed(db_schema_from_json(json, &other));
	json_decref(json);
	succeed(database_convert(d, other, NULL, NULL));
	assert_int_equal(count(d), 1);
	database_free(d);
	d = open_database(false, &warning);
	assert_true(db_schema_equal(d->db->schema, other));
	assert_int_equal(count(d), 1);
	database_free(d);
	// What does not fit is refused, and nothing has changed.
	d = open_database(true, &warning);
	db_schema_free(other);
	json = json_loads(
		"{\"name\":\"T\",\"tables\":{\"t\":{\"columns\":{\"n\":{\"type\":\"string\"}}}}}",
		0, NULL);
	succeed(db_schema_from_json(json, &other));
	json_decref(json);
	struct db_error *error = database_convert(d, other, NULL, NULL);
	assert_non_null(error);
	db_error_free(error);
	db_schema_free(other);
	assert_int_equal(count(d), 1);
	assert_string_equal(d->db->schema->version, "2.0.0");
	database_free(d);
}

static void test_foreign_files(void **state)
{
	static const struct {
		const char *contents, *error;
	} rows[] = {
		{"", "cannot identify file type"},
		{"{}", "unexpected file format"},
		{"OVSDB CLUSTER 2 0000000000000000000000000000000000000000\n{}",
		 "cannot apply this operation to clustered database file"},
		{"OVSDB JSON 99999999999 0000000000000000000000000000000000000000\n{}",
		 "error reading"},
		{"OVSDB JSON 2 0000000000000000000000000000000000000000\n{}", "have SHA-1 hash"},
		{"OVSDB JSON 2 bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f\n{}",
		 "Required 'name' member is missing"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct database *d;
		char *warning;
		write_file(rows[i].contents, strlen(rows[i].contents));
		struct db_error *error = database_open(path, true, &d, &warning);
		assert_non_null(error);
		char *text = db_error_to_text(error);
		if (!strstr(text, rows[i].error))
			fail_msg("%s", text);
		free(text);
		db_error_free(error);
	}
}

int main(void)
{
	if (!mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/db", directory);
	snprintf(damaged, sizeof(damaged), "%s.damaged", path);
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_torn_anywhere, set_up),
		cmocka_unit_test_setup(test_damage_anywhere, set_up),
		cmocka_unit_test_setup(test_compaction, set_up),
		cmocka_unit_test_setup(test_full_disk, set_up),
		cmocka_unit_test_setup(test_lock, set_up),
		cmocka_unit_test_setup(test_conversion, set_up),
		cmocka_unit_test_setup(test_foreign_files, set_up),
		cmocka_unit_test_setup(test_zeros_at_end, set_up),
		cmocka_unit_test_setup(test_replace_in_two_steps, set_up),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	char *lock = lockfile_name(path);
	unlink(lock);
	free(lock);
	unlink(path);
	unlink(damaged);
	rmdir(directory);
	return failed;
}
