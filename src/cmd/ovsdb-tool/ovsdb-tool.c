/* SPDX-License-Identifier: Apache-2.0 */
// ovsdb-tool(1): works on database files without a server.
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/dirs.h"
#include "base/log.h"
#include "base/version.h"
#include "cmd/common/command.h"
#include "cmd/common/daemon.h"
#include "dbserver/database.h"
#include "ovsdb/record.h"
#include "check.h"
#include "show_log.h"

struct options {
	int more;
	bool repair;
	const char *role;  // NULL: may do anything
	char *db, *schema; // the defaults
};

static void usage(const struct options *o)
{
	printf("%s: Open vSwitch database management utility\n"
	       "usage: %s [OPTIONS] COMMAND [ARG...]\n"
	       "  create [DB [SCHEMA]]    create DB with the given SCHEMA\n"
	       "  [--repair] check [DB [SCHEMA]]  look for damage in DB, and repair it\n"
	       "  compact [DB [DST]]      compact DB in-place (or to DST)\n"
	       "  convert [DB [SCHEMA [DST]]]   convert DB to SCHEMA (to DST)\n"
	       "  needs-conversion [DB [SCHEMA]]  tell whether DB has another schema than SCHEMA\n"
	       "  db-name [DB]            report name of schema used by DB\n"
	       "  db-version [DB]         report version of schema used by DB\n"
	       "  db-cksum [DB]           report checksum of schema used by DB\n"
	       "  db-is-clustered DB      test whether DB is clustered\n"
	       "  db-is-standalone DB     test whether DB is standalone\n"
	       "  schema-name [SCHEMA]    report SCHEMA's name\n"
	       "  schema-version [SCHEMA] report SCHEMA's schema version\n"
	       "  schema-cksum [SCHEMA]   report SCHEMA's checksum\n"
	       "  compare-versions A OP B  compare OVSDB schema version numbers\n"
	       "  query [DB] TRNS         execute read-only transaction on DB\n"
	       "  transact [DB] TRNS      execute read/write transaction on DB\n"
	       "  [-m]... show-log [DB]   print DB's log entries\n"
	       "The default DB is %s.\n"
	       "The default SCHEMA is %s.\n",
	       log_program(), log_program(), o->db, o->schema);
	log_usage();
	printf("\nOther options:\n"
	       "  -m, --more                  increase show-log verbosity\n"
	       "  --repair                    with check: keep what is good, the rest in "
	       "DB.damaged\n"
	       "  --rbac-role=ROLE            RBAC role for transact and query commands\n"
	       "  -h, --help                  display this help message\n"
	       "  -V, --version               display version information\n");
	exit(EXIT_SUCCESS);
}

static void check(struct db_error *error)
{
	if (error)
		command_die("%s", db_error_to_text(error));
}

static const char *db_argument(const struct options *o, int argc, char *argv[], int i)
{
	return argc > i ? argv[i] : o->db;
}

static const char *schema_argument(const struct options *o, int argc, char *argv[], int i)
{
	return argc > i ? argv[i] : o->schema;
}

static struct db_schema *read_schema(const char *path)
{
	struct db_schema *schema;
	check(db_schema_from_file(path, &schema));
	return schema;
}

static struct db_schema *read_db_schema(const char *path)
{
	struct db_schema *schema;
	check(database_read_schema(path, &schema));
	return schema;
}

static struct database *open_database(const char *path, bool writable)
{
	struct database *d;
	char *warning;
	check(database_open(path, writable, &d, &warning));
	if (warning)
		fprintf(stderr, "%s: %s\n", log_program(), warning);
	free(warning);
	return d;
}

// --- Files.

static void run_create(int argc, char *argv[], void *options)
{
	struct db_schema *schema = read_schema(schema_argument(options, argc, argv, 2));
	check(database_create(db_argument(options, argc, argv, 1), schema));
	db_schema_free(schema);
}

static void run_cluster(int argc, char *argv[], void *options)
{
	command_die("%s: clustered databases are not supported, use active-backup replication "
		    "(ovsdb-server "
		    "--sync-from) or relays",
		    argv[0]);
}

// Writes the contents of a database to a new file that takes the place of `path`, or is beside it.
static void write_copy(const struct db *db, const char *path, const char *comment)
{
	struct journal *j;
	struct str records[2] = {STR_INIT, STR_INIT};
	json_t *json = db_schema_to_json(db->schema);
	char *text = db_json_text(json);
	str_add(&records[0], text);
	free(text);
	json_decref(json);
	db_record_from_db(db, clock_wall_ms(), comment, &records[1]);
	if (access(path, F_OK))
		check(database_create(path, db->schema));
	check(journal_open(path, JOURNAL_READ_WRITE, &j));
	check(journal_replace(j, records, 2));
	journal_close(j);
	str_done(&records[0]);
	str_done(&records[1]);
}

static void run_compact(int argc, char *argv[], void *options)
{
	const char *path = db_argument(options, argc, argv, 1);
	struct database *d = open_database(path, argc <= 2);
	if (argc > 2)
		write_copy(d->db, argv[2], "compacted by ovsdb-tool " OVS_COMPAT_VERSION);
	else
		check(database_compact(d, "compacted by ovsdb-tool " OVS_COMPAT_VERSION));
	database_free(d);
}

static void run_convert(int argc, char *argv[], void *options)
{
	static const char comment[] = "converted by ovsdb-tool " OVS_COMPAT_VERSION;
	const char *path = db_argument(options, argc, argv, 1);
	struct db_schema *schema = read_schema(schema_argument(options, argc, argv, 2));
	struct database *locked = argc <= 3 ? open_database(path, true) : NULL, *d;
	char *warning;
	// The old records are read under the new schema: what is not in it is passed over.
	check(database_open_converting(path, schema, &d, &warning));
	free(warning);
	if (argc > 3) {
		write_copy(d->db, argv[3], comment);
	} else {
		struct journal *j = locked->journal;
		struct str records[2] = {STR_INIT, STR_INIT};
		json_t *json = db_schema_to_json(schema);
		char *text = db_json_text(json);
		str_add(&records[0], text);
		free(text);
		json_decref(json);
		db_record_from_db(d->db, clock_wall_ms(), comment, &records[1]);
		check(journal_replace(j, records, 2));
		str_done(&records[0]);
		str_done(&records[1]);
		database_free(locked);
	}
	database_free(d);
	db_schema_free(schema);
}

static void run_needs_conversion(int argc, char *argv[], void *options)
{
	struct db_schema *have = read_db_schema(db_argument(options, argc, argv, 1));
	struct db_schema *want = read_schema(schema_argument(options, argc, argv, 2));
	puts(db_schema_equal(have, want) ? "no" : "yes");
	db_schema_free(have);
	db_schema_free(want);
}

// --- Schemas.

static void run_db_member(int argc, char *argv[], void *options)
{
	struct db_schema *schema = read_db_schema(db_argument(options, argc, argv, 1));
	puts(!strcmp(argv[0], "db-name")      ? schema->name
	     : !strcmp(argv[0], "db-version") ? schema->version
					      : schema->cksum);
	db_schema_free(schema);
}

static void run_schema_member(int argc, char *argv[], void *options)
{
	struct db_schema *schema = read_schema(schema_argument(options, argc, argv, 1));
	puts(!strcmp(argv[0], "schema-name")	  ? schema->name
	     : !strcmp(argv[0], "schema-version") ? schema->version
						  : schema->cksum);
	db_schema_free(schema);
}

static bool is_clustered(const char *path)
{
	char line[14] = "";
	FILE *file = fopen(path, "r");
	if (!file)
		command_die("I/O error: %s: open failed (%m)", path);
	size_t n = fread(line, 1, sizeof(line), file);
	fclose(file);
	if (!n)
		command_die("ovsdb error: %s: cannot identify file type", path);
	if (n == sizeof(line) && !memcmp(line, "OVSDB CLUSTER ", sizeof(line)))
		return true;
	if (n < 6 || memcmp(line, "OVSDB ", 6))
		command_die("ovsdb error: %s: unexpected file format", path);
	return false;
}

static void run_is_clustered(int argc, char *argv[], void *options)
{
	if (!is_clustered(argv[1]))
		exit(2);
}

static void run_is_standalone(int argc, char *argv[], void *options)
{
	if (is_clustered(argv[1]))
		exit(2);
}

static void run_cluster_member(int argc, char *argv[], void *options)
{
	if (!is_clustered(argv[1]))
		command_die("%s: not a clustered database", argv[1]);
	run_cluster(argc, argv, options);
}

static void parse_version(const char *s, unsigned long v[3])
{
	if (!db_version_is_valid(s))
		command_die("%s: not an OVSDB version number in format x.y.z", s);
	sscanf(s, "%lu.%lu.%lu", &v[0], &v[1], &v[2]);
}

static void run_compare_versions(int argc, char *argv[], void *options)
{
	static const struct {
		const char *name;
		bool less, equal, greater;
	} operators[] = {
		{"<", true, false, false}, {"<=", true, true, false}, {"==", false, true, false},
		{">=", false, true, true}, {">", false, false, true}, {"!=", true, false, true},
	};
	unsigned long a[3], b[3];
	int cmp = 0;
	parse_version(argv[1], a);
	parse_version(argv[3], b);
	for (int i = 0; i < 3 && !cmp; i++)
		cmp = (a[i] > b[i]) - (a[i] < b[i]);
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (!strcmp(operators[i].name, argv[2]))
			exit((cmp < 0 ? operators[i].less
			      : cmp   ? operators[i].greater
				      : operators[i].equal)
				     ? 0
				     : 2);
	command_die("%s: not a relational operator", argv[2]);
}

// --- Transactions.

static json_t *parse_json(const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!json)
		command_die("\"%s\": line %d, column %d, byte %d: %s", text, why.line, why.column,
			    why.position, why.text);
	return json;
}

static void print_json(const json_t *json)
{
	char *text = db_json_text(json);
	puts(text);
	free(text);
}

static struct db_error *check_params(const struct database *d, const json_t *params)
{
	if (!json_is_array(params))
		return db_error_syntax(params, NULL, "array expected");
	const char *name = json_string_value(json_array_get(params, 0));
	if (!name || strcmp(name, database_name(d)))
		return db_error_syntax(params, NULL, "database name expected as first parameter");
	return NULL;
}

static json_t *one_result(struct db_error *error)
{
	json_t *array = json_array();
	json_array_append_new(array, db_error_to_json(error));
	db_error_free(error);
	return array;
}

static json_t *execute(struct database *d, const json_t *params, bool keep, const char *role)
{
	struct db_execute x = {
		.db = d->db, .operations = params, .first = 1, .client = {.role = role}};
	switch (db_execute(&x)) {
	case DB_EXECUTE_FAILED:
		break;
	case DB_EXECUTE_WAIT:
		return one_result(db_error_new("not supported", "triggers not supported"));
	case DB_EXECUTE_DONE:
		if (!keep) {
			db_txn_abort(x.txn);
			break;
		}
		struct db_error *error = database_commit(d, x.txn);
		if (error) {
			json_array_append_new(x.result, db_error_to_json(error));
			db_error_free(error);
		}
		break;
	}
	return x.result;
}

static void run_transaction(int argc, char *argv[], void *options)
{
	bool keep = !strcmp(argv[0], "transact");
	json_t *params = parse_json(argv[argc - 1]);
	struct database *d =
		open_database(argc > 2 ? argv[1] : ((struct options *)options)->db, keep);
	const char *role = ((struct options *)options)->role;
	struct db_error *error = check_params(d, params);
	json_t *result = error ? db_error_to_json(error) : execute(d, params, keep, role);
	db_error_free(error);
	print_json(result);
	json_decref(result);
	json_decref(params);
	database_free(d);
}

static void run_show_log(int argc, char *argv[], void *options_)
{
	const struct options *o = options_;
	const char *path = db_argument(o, argc, argv, 1);
	if (is_clustered(path))
		run_cluster(argc, argv, options_);
	show_log(path, o->more);
}

static void run_check(int argc, char *argv[], void *options_)
{
	const struct options *o = options_;
	const char *path = db_argument(o, argc, argv, 1);
	struct db_schema *schema = argc > 2 ? read_schema(argv[2]) : NULL;
	int status = check_file(path, schema, o->repair);
	db_schema_free(schema);
	if (status)
		exit(status);
}

static void run_help(int argc, char *argv[], void *options)
{
	usage(options);
}

static const struct command commands[] = {
	{"create", "[db [schema]]", 0, 2, run_create},
	{"create-cluster", "db contents local", 3, 3, run_cluster},
	{"join-cluster", "db name local remote...", 4, INT_MAX, run_cluster},
	{"compact", "[db [dst]]", 0, 2, run_compact},
	{"convert", "[db [schema [dst]]]", 0, 3, run_convert},
	{"needs-conversion", NULL, 0, 2, run_needs_conversion},
	{"db-name", "[db]", 0, 1, run_db_member},
	{"db-version", "[db]", 0, 1, run_db_member},
	{"db-cksum", "[db]", 0, 1, run_db_member},
	{"db-cid", "db", 1, 1, run_cluster_member},
	{"db-sid", "db", 1, 1, run_cluster_member},
	{"db-local-address", "db", 1, 1, run_cluster_member},
	{"db-is-clustered", "db", 1, 1, run_is_clustered},
	{"db-is-standalone", "db", 1, 1, run_is_standalone},
	{"schema-name", "[schema]", 0, 1, run_schema_member},
	{"schema-version", "[schema]", 0, 1, run_schema_member},
	{"schema-cksum", "[schema]", 0, 1, run_schema_member},
	{"query", "[db] trns", 1, 2, run_transaction},
	{"transact", "[db] trns", 1, 2, run_transaction},
	{"show-log", "[db]", 0, 1, run_show_log},
	{"check", "[db [schema]]", 0, 2, run_check},
	{"check-cluster", "db...", 1, INT_MAX, run_cluster},
	{"compare-versions", "a op b", 3, 3, run_compare_versions},
	{"help", NULL, 0, INT_MAX, run_help},
	{"cluster-to-standalone", "db clusterdb", 2, 2, run_cluster},
	{NULL, NULL, 0, 0, NULL},
};

int main(int argc, char *argv[])
{
	enum { OPT_ROLE = 0x100, OPT_REPAIR, OPT_CID, OPT_ELECTION_TIMER };
	static const struct option longopts[] = {
		{"more", no_argument, NULL, 'm'},
		{"repair", no_argument, NULL, OPT_REPAIR},
		{"rbac-role", required_argument, NULL, OPT_ROLE},
		{"cid", required_argument, NULL, OPT_CID},
		{"election-timer", required_argument, NULL, OPT_ELECTION_TIMER},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		LOG_LONG_OPTIONS,
		{NULL, 0, NULL, 0},
	};
	log_set_program(argv[0]);
	struct error *error = log_set_levels("console:warn");
	error_free(error);
	signal(SIGPIPE, SIG_IGN);
	struct options o = {.db = xasprintf("%s/conf.db", dir_db()),
			    .schema = xasprintf("%s/vswitch.ovsschema", dir_pkgdata())};
	for (int c; (c = getopt_long(argc, argv, "mhVv::", longopts, NULL)) != -1;) {
		switch (c) {
		case 'm':
			o.more++;
			break;
		case OPT_REPAIR:
			o.repair = true;
			break;
		case OPT_ROLE:
			o.role = optarg;
			break;
		case OPT_CID:
			command_die("--cid: clustered databases are not supported");
		case OPT_ELECTION_TIMER:
			command_die("--election-timer: clustered databases are not supported");
		case 'h':
			usage(&o);
			break;
		case 'V':
			version_print(log_program());
			return EXIT_SUCCESS;
		case '?':
			return EXIT_FAILURE;
		default:
			log_option(c);
		}
	}
	command_run(commands, argc - optind, argv + optind, &o);
	free(o.db);
	free(o.schema);
	fflush(stdout);
	return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
