/* SPDX-License-Identifier: Apache-2.0 */
// ovsdb-client(1): a command-line client of ovsdb-server.
#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/log.h"
#include "base/version.h"
#include "client.h"

enum need {
	NEED_NOTHING, // connects by itself
	NEED_SERVER,
	NEED_DATABASE,	  // the argument before the others, or the default
	NEED_TRANSACTION, // the database that the transaction in the first argument names
	NEED_SCHEMA,	  // the one that the schema in the file of the first argument names
};

struct client_row {
	const char *name;
	enum need need;
	int min, max; // arguments behind server and database
	client_command *run;
};

// --- Talking to the server.

static void check(struct error *error)
{
	if (error)
		command_die("%s", error_text(error));
}

json_t *client_call(struct client *c, const char *method, json_t *params)
{
	struct jsonrpc_message *reply;
	check(jsonrpc_client_call(c->rpc, method, params, &reply));
	if (reply->type == JSONRPC_ERROR) {
		char *text = db_json_text(reply->error);
		command_die("%s returned error: %s",
			    !strcmp(method, "transact") ? "transaction" : method, text);
	}
	json_t *result = json_incref(reply->result);
	jsonrpc_message_free(reply);
	return result;
}

struct db_schema *client_get_schema(struct client *c, const char *database)
{
	struct db_schema *schema;
	json_t *json = client_call(c, "get_schema", json_pack("[s]", database));
	struct db_error *error = db_schema_from_json(json, &schema);
	if (error)
		command_die("%s", db_error_to_text(error));
	json_decref(json);
	return schema;
}

struct db_schema *client_read_schema(const char *path)
{
	struct db_schema *schema;
	struct db_error *error = db_schema_from_file(path, &schema);
	if (error)
		command_die("%s", db_error_to_text(error));
	return schema;
}

void client_print_json(const struct client *c, const json_t *json)
{
	struct str s = STR_INIT;
	if (c->style.pretty) {
		db_json_pretty(json, &s);
	} else {
		char *text = db_json_text(json);
		str_add(&s, text);
		free(text);
	}
	puts(str_cstr(&s));
	str_done(&s);
}

json_t *client_parse_json(const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!json)
		command_die("\"%s\": line %d, column %d, byte %d: %s", text, why.line, why.column,
			    why.position, why.text);
	return json;
}

json_t *client_operation(const char *op, const char *table)
{
	return json_pack("{s:s, s:s, s:[]}", "op", op, "table", table, "where");
}

json_t *client_transact(struct client *c, json_t *params)
{
	json_t *results = client_call(c, "transact", params);
	size_t i;
	json_t *result;
	if (!json_is_array(results))
		command_die("transact response is not array");
	json_array_foreach (results, i, result)
		if (json_object_get(result, "error")) {
			char *text = db_json_text(result);
			command_die("transaction returned error: %s", text);
		}
	return results;
}

// --- Small commands.

// An array of strings, owned by the caller.
static json_t *list_databases(struct client *c)
{
	json_t *names = client_call(c, "list_dbs", json_array()), *name;
	size_t i;
	if (!json_is_array(names))
		command_die("list_dbs response is not array");
	json_array_foreach (names, i, name)
		if (!json_is_string(name))
			command_die("list_dbs response %zu is not string", i);
	return names;
}

static void run_list_dbs(struct client *c, int argc, char *argv[])
{
	json_t *names = list_databases(c), *name;
	size_t i;
	json_array_foreach (names, i, name)
		puts(json_string_value(name));
	json_decref(names);
}

static void run_get_schema(struct client *c, int argc, char *argv[])
{
	struct db_schema *schema = client_get_schema(c, c->database);
	json_t *json = db_schema_to_json(schema);
	client_print_json(c, json);
	json_decref(json);
	db_schema_free(schema);
}

static void run_get_schema_member(struct client *c, int argc, char *argv[])
{
	struct db_schema *schema = client_get_schema(c, c->database);
	puts(!strcmp(argv[0], "get-schema-version") ? schema->version : schema->cksum);
	db_schema_free(schema);
}

static void run_list_tables(struct client *c, int argc, char *argv[])
{
	struct db_schema *schema = client_get_schema(c, c->database);
	struct text_table t = TEXT_TABLE_INIT;
	text_table_add_column(&t, "Table");
	for (unsigned int i = 0; i < schema->n_tables; i++)
		text_table_add_text(&t, schema->tables[i]->name);
	text_table_print(&t, &c->style, stdout);
	text_table_done(&t);
	db_schema_free(schema);
}

static void run_list_columns(struct client *c, int argc, char *argv[])
{
	struct db_schema *schema = client_get_schema(c, c->database);
	const char *only = argc > 1 ? argv[1] : NULL;
	struct text_table t = TEXT_TABLE_INIT;
	if (!only)
		text_table_add_column(&t, "Table");
	text_table_add_column(&t, "Column");
	text_table_add_column(&t, "Type");
	for (unsigned int i = 0; i < schema->n_tables; i++) {
		const struct table_schema *ts = schema->tables[i];
		for (unsigned int j = 0; j < ts->n_columns && (!only || !strcmp(only, ts->name));
		     j++) {
			if (!only)
				text_table_add_text(&t, ts->name);
			text_table_add_text(&t, ts->columns[j]->name);
			text_table_add_json(&t, column_type_to_json(&ts->columns[j]->type));
		}
	}
	text_table_print(&t, &c->style, stdout);
	text_table_done(&t);
	db_schema_free(schema);
}

static json_t *parse_transaction(const char *text)
{
	json_t *params = client_parse_json(text);
	if (!json_is_array(params) || !json_is_string(json_array_get(params, 0)))
		command_die("not a valid OVSDB query");
	return params;
}

// The name of the database that the command is about. Owned by the caller.
static char *named_database(enum need need, const char *argument)
{
	char *name;
	if (need == NEED_TRANSACTION) {
		json_t *params = parse_transaction(argument);
		name = xstrdup(json_string_value(json_array_get(params, 0)));
		json_decref(params);
	} else {
		struct db_schema *schema = client_read_schema(argument);
		name = xstrdup(schema->name);
		db_schema_free(schema);
	}
	return name;
}

static void run_transact(struct client *c, int argc, char *argv[])
{
	json_t *result = client_call(c, "transact", parse_transaction(argv[1]));
	client_print_json(c, result);
	json_decref(result);
}

static void run_query(struct client *c, int argc, char *argv[])
{
	json_t *params = parse_transaction(argv[1]);
	json_array_append_new(params, json_pack("{s:s}", "op", "abort"));
	json_t *result = client_call(c, "transact", params);
	// The last result is that of our own "abort", unless something failed before.
	size_t n = json_array_size(result);
	const char *error =
		json_string_value(json_object_get(json_array_get(result, n - 1), "error"));
	if (n && error && !strcmp(error, "aborted"))
		json_array_remove(result, n - 1);
	client_print_json(c, result);
	json_decref(result);
}

static void run_convert(struct client *c, int argc, char *argv[])
{
	struct db_schema *schema = client_read_schema(argv[1]);
	json_decref(client_call(c, "convert",
				json_pack("[s, o]", schema->name, db_schema_to_json(schema))));
	db_schema_free(schema);
}

static void run_needs_conversion(struct client *c, int argc, char *argv[])
{
	struct db_schema *want = client_read_schema(argv[1]);
	struct db_schema *have = client_get_schema(c, want->name);
	puts(db_schema_equal(have, want) ? "no" : "yes");
	db_schema_free(have);
	db_schema_free(want);
}

// --- Which server, which database, which command.

static const struct client_row commands[] = {
	{"list-dbs", NEED_SERVER, 0, 0, run_list_dbs},
	{"get-schema", NEED_DATABASE, 0, 0, run_get_schema},
	{"get-schema-version", NEED_DATABASE, 0, 0, run_get_schema_member},
	{"get-schema-cksum", NEED_DATABASE, 0, 0, run_get_schema_member},
	{"list-tables", NEED_DATABASE, 0, 0, run_list_tables},
	{"list-columns", NEED_DATABASE, 0, 1, run_list_columns},
	{"transact", NEED_TRANSACTION, 1, 1, run_transact},
	{"query", NEED_TRANSACTION, 1, 1, run_query},
	{"monitor", NEED_DATABASE, 1, INT_MAX, client_monitor},
	{"monitor-cond", NEED_DATABASE, 2, 3, client_monitor_cond},
	{"monitor-cond-since", NEED_DATABASE, 2, 4, client_monitor_cond_since},
	{"wait", NEED_NOTHING, 2, 2, client_wait},
	{"convert", NEED_SCHEMA, 1, 1, run_convert},
	{"needs-conversion", NEED_SCHEMA, 1, 1, run_needs_conversion},
	{"dump", NEED_DATABASE, 0, INT_MAX, client_dump},
	{"backup", NEED_DATABASE, 0, 0, client_backup},
	{"restore", NEED_DATABASE, 0, 0, client_restore},
	{"lock", NEED_NOTHING, 1, 1, client_lock},
	{"steal", NEED_NOTHING, 1, 1, client_lock},
	{"unlock", NEED_NOTHING, 1, 1, client_lock},
};

static const struct client_row *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static bool names_server(const char *s)
{
	return isalpha((unsigned char)*s) && strchr(s, ':');
}

static bool has_database(const json_t *names, const char *name)
{
	size_t i;
	json_t *element;
	json_array_foreach ((json_t *)names, i, element)
		if (!strcmp(json_string_value(element), name))
			return true;
	return false;
}

// The only one besides the server's own, or Open_vSwitch.
static const char *default_database(const json_t *names, const char *command)
{
	size_t i, n = 0;
	json_t *name;
	const char *only = NULL;
	json_array_foreach ((json_t *)names, i, name)
		if (strcmp(json_string_value(name), "_Server")) {
			only = json_string_value(name);
			n++;
		}
	if (n == 1)
		return only;
	if (!has_database(names, "Open_vSwitch"))
		command_die("no default database for `%s' command, please specify a database name",
			    command);
	return "Open_vSwitch";
}

static void __attribute__((noreturn)) die_of_syntax(const struct client_row *command)
{
	command_die("invalid syntax for '%s' (use --help for help)", command->name);
}

// Consumes the arguments that name server and database; the number of them.
static int connect_to_server(struct client *c, const struct client_row *command, int argc,
			     char *argv[])
{
	int at = 0;
	if (argc > command->min && names_server(argv[at]))
		c->server = xstrdup(argv[at++]);
	else
		c->server = xasprintf("unix:%s/db.sock", dir_run());
	switch (command->need) {
	case NEED_NOTHING:
		break;
	case NEED_SERVER:
		client_connect(c, NULL);
		break;
	case NEED_TRANSACTION:
	case NEED_SCHEMA:
		if (at == argc)
			die_of_syntax(command);
		c->database = named_database(command->need, argv[at]);
		client_connect(c, c->database);
		break;
	case NEED_DATABASE:
		client_connect(c, argc - at > command->min ? argv[at] : "Open_vSwitch");
		json_t *names = list_databases(c);
		bool given = argc - at > command->min && has_database(names, argv[at]);
		c->database = xstrdup(given ? argv[at++] : default_database(names, command->name));
		json_decref(names);
		break;
	}
	return at;
}

static void run(struct client *c, int argc, char *argv[])
{
	if (argc < 1)
		command_die("missing command name; use --help for help");
	const char *name = argv[0];
	const struct client_row *command = find_command(name);
	if (!command)
		command_die("unknown command '%s'; use --help for help", name);
	int at = 1 + connect_to_server(c, command, argc - 1, argv + 1);
	int n = argc - at;
	if (n < command->min || n > command->max)
		die_of_syntax(command);
	argv[at - 1] = argv[0];
	command->run(c, n + 1, argv + at - 1);
	jsonrpc_client_close(c->rpc);
	free(c->server);
	free(c->database);
}

static void usage(void)
{
	printf("%s: Open vSwitch database JSON-RPC client\n"
	       "usage: %s [OPTIONS] COMMAND [ARG...]\n"
	       "\nCommands:\n"
	       "  list-dbs [SERVER]                             list databases\n"
	       "  get-schema [SERVER] [DATABASE]                print the schema\n"
	       "  get-schema-version [SERVER] [DATABASE]        print only its version\n"
	       "  get-schema-cksum [SERVER] [DATABASE]          print only its checksum\n"
	       "  list-tables [SERVER] [DATABASE]               list tables\n"
	       "  list-columns [SERVER] [DATABASE] [TABLE]      list columns\n"
	       "  transact [SERVER] TRANSACTION                 run TRANSACTION, print the "
	       "results\n"
	       "  query [SERVER] TRANSACTION                    the same, without changing "
	       "anything\n"
	       "  monitor [SERVER] [DATABASE] TABLE [COLUMN,...]...\n"
	       "  monitor [SERVER] [DATABASE] ALL               print contents and changes\n"
	       "  monitor-cond [SERVER] [DATABASE] CONDITION TABLE [COLUMN,...]...\n"
	       "  monitor-cond-since [SERVER] [DATABASE] [LASTID] CONDITION TABLE [COLUMN,...]...\n"
	       "  convert [SERVER] SCHEMA                       convert database to SCHEMA\n"
	       "  needs-conversion [SERVER] SCHEMA              tell whether the database has "
	       "another schema\n"
	       "  wait [SERVER] DATABASE STATE                  wait until \"added\", "
	       "\"connected\" or \"removed\"\n"
	       "  dump [SERVER] [DATABASE] [TABLE [COLUMN]...]  print contents\n"
	       "  backup [SERVER] [DATABASE] > SNAPSHOT         print contents as a database file\n"
	       "  [--force] restore [SERVER] [DATABASE] < SNAPSHOT  replace contents by those of a "
	       "file\n"
	       "  lock|steal|unlock [SERVER] LOCK               use a lock\n"
	       "\nThe default SERVER is unix:%s/db.sock. With several, \"tcp:A:1,tcp:B:2\", the "
	       "first of them is taken\n"
	       "that can serve the database.\n"
	       "The default DATABASE is Open_vSwitch.\n"
	       "\nOutput formatting options:\n"
	       "  -f, --format=FORMAT         \"table\", \"list\", \"html\", \"csv\", or \"json\"\n"
	       "  -d, --data=FORMAT           \"string\", \"bare\", or \"json\"\n"
	       "  --no-headings               omit table heading row\n"
	       "  --pretty                    pretty-print JSON in output\n"
	       "  --bare                      equivalent to \"--format=list --data=bare "
	       "--no-headings\"\n"
	       "  --timestamp                 timestamp \"monitor\" output\n"
	       "\nConnection options:\n"
	       "  --no-leader-only            take any member of a cluster, not only its leader\n"
	       "  --db-change-aware           stay connected when the database is converted or "
	       "removed\n",
	       log_program(), log_program(), dir_run());
	tls_usage();
	daemon_usage();
	log_usage();
	printf("\nOther options:\n"
	       "  -t, --timeout=SECS          give up after SECS seconds\n"
	       "  -h, --help                  display this help message\n"
	       "  -V, --version               display version information\n");
	exit(EXIT_SUCCESS);
}

enum {
	OPT_FORCE = 0x100,
	OPT_UNIXCTL,
	OPT_LEADER_ONLY,
	OPT_NO_LEADER_ONLY,
	OPT_DB_CHANGE_AWARE,
	OPT_NO_DB_CHANGE_AWARE,
};

static const struct option long_options[] = {
	TEXT_TABLE_LONG_OPTIONS,
	TEXT_TABLE_TIMESTAMP_OPTION,
	{"force", no_argument, NULL, OPT_FORCE},
	{"timeout", required_argument, NULL, 't'},
	{"unixctl", required_argument, NULL, OPT_UNIXCTL},
	{"leader-only", no_argument, NULL, OPT_LEADER_ONLY},
	{"no-leader-only", no_argument, NULL, OPT_NO_LEADER_ONLY},
	{"db-change-aware", no_argument, NULL, OPT_DB_CHANGE_AWARE},
	{"no-db-change-aware", no_argument, NULL, OPT_NO_DB_CHANGE_AWARE},
	TLS_LONG_OPTIONS,
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	DAEMON_LONG_OPTIONS,
	LOG_LONG_OPTIONS,
	{NULL, 0, NULL, 0},
};

static void parse_option(struct client *c, int option)
{
	bool handled;
	check(text_table_parse_option(&c->style, option, optarg, &handled));
	if (handled)
		return;
	switch (option) {
	case OPT_FORCE:
		c->force = true;
		break;
	case 't':
		c->timeout = atoi(optarg);
		if (c->timeout <= 0)
			command_die("value %s on -t or --timeout is invalid", optarg);
		break;
	case OPT_UNIXCTL:
		c->unixctl = optarg;
		break;
	case OPT_LEADER_ONLY:
	case OPT_NO_LEADER_ONLY:
		c->any_member = option == OPT_NO_LEADER_ONLY;
		break;
	case OPT_DB_CHANGE_AWARE:
	case OPT_NO_DB_CHANGE_AWARE:
		c->db_change_aware = option == OPT_DB_CHANGE_AWARE;
		break;
	case 'h':
		usage();
		break;
	case 'V':
		version_print(log_program());
		exit(EXIT_SUCCESS);
	case '?':
		exit(EXIT_FAILURE);
	default:
		if (!tls_option(&c->tls_options, option))
			daemon_option(&c->daemon, option);
	}
}

int main(int argc, char *argv[])
{
	struct client c = {.style = TEXT_TABLE_STYLE_INIT, .db_change_aware = -1};
	log_set_program(argv[0]);
	check(log_set_levels("console:warn"));
	signal(SIGPIPE, SIG_IGN);
	for (int option; (option = getopt_long(argc, argv, "hVv::f:d:t:" TLS_SHORT_OPTIONS,
					       long_options, NULL)) != -1;)
		parse_option(&c, option);
	if (c.timeout)
		alarm((unsigned int)c.timeout);
	c.tls = tls_start(&c.tls_options);
	argc -= optind;
	argv += optind;
	if (argc && !strcmp(argv[0], "help"))
		usage();
	if (argc && !strcmp(argv[0], "list-commands")) {
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			puts(commands[i].name);
		return EXIT_SUCCESS;
	}
	run(&c, argc, argv);
	stream_tls_free(c.tls);
	tls_options_done(&c.tls_options);
	fflush(stdout);
	return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
