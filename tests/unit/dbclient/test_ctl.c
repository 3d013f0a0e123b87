/* SPDX-License-Identifier: Apache-2.0 */
// How the command line is taken apart: commands and their options, names of tables and columns,
// COLUMN:KEY=VALUE.
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "cmd/ctl/ctl.h"
#include "dbclient/vswitch_db.h"

static const struct ctl_command own_commands[] = {
	{"one", 1, 2, "!ARG ?ARG", NULL, NULL, NULL, "--flag,--value="},
	{"none", 0, 0, "", NULL, NULL, NULL, ""},
	{0},
};

static const struct ctl_program program = {.database = &vswitch_db, .commands = own_commands};

enum { MAX_WORDS = 16 };

static void expect_commands(const char *line, const struct smap *first_options,
			    const char *wanted_error, size_t n)
{
	char *copy = xstrdup(line), *words[MAX_WORDS], *save = NULL;
	struct ctl ctl = {.program = &program};
	struct ctl_commands commands;
	struct error *error;
	int argc = 0;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[argc++] = w;
	error = ctl_parse_commands(&ctl, argc, words, first_options, &commands);
	if (wanted_error) {
		assert_non_null(error);
		assert_string_equal(error_text(error), wanted_error);
	} else {
		if (error)
			fail_msg("%s: %s", line, error_text(error));
		assert_int_equal(commands.n, n);
	}
	error_free(error);
	ctl_commands_done(&commands);
	free(copy);
}

static void test_commands(void **state)
{
	struct smap none = SMAP_INIT;

	expect_commands("none", &none, NULL, 1);
	expect_commands("none -- one a -- one a b", &none, NULL, 3);
	expect_commands("none -- -- none --", &none, NULL, 2);
	expect_commands("--flag --value=x one a", &none, NULL, 1);
	expect_commands("set Bridge br0 a=b", &none, NULL, 1);
	expect_commands("", &none, "missing command name (use --help for help)", 0);
	expect_commands("-- --", &none, "missing command name (use --help for help)", 0);
	expect_commands("--flag", &none, "missing command name (use --help for help)", 0);
	expect_commands("two", &none, "unknown command 'two'; use --help for help", 0);
	expect_commands("one", &none, "'one' command requires at least 1 arguments", 0);
	expect_commands("one a b c", &none, "'one' command takes at most 2 arguments", 0);
	expect_commands("one a b --flag", &none,
			"'one' command takes at most 2 arguments (note that options must precede "
			"command names and "
			"follow a \"--\" argument)",
			0);
	expect_commands("--flag none", &none, "'none' command has no '--flag' option", 0);
	expect_commands("--flag --flag one a", &none, "'--flag' option specified multiple times",
			0);
	expect_commands("--flag=x one a", &none,
			"'--flag' option on 'one' does not accept an argument", 0);
	expect_commands("--value one a", &none,
			"missing argument to '--value' option on 'one' command", 0);
	expect_commands("--value= one a", &none, NULL, 1);
}

// Options that stood before the first command belong to it, and to no other.
static void test_options_of_the_first(void **state)
{
	struct smap options = SMAP_INIT;

	smap_set(&options, "--flag", "");
	expect_commands("one a -- none", &options, NULL, 2);
	expect_commands("none -- one a", &options, "'none' command has no '--flag' option", 0);
	expect_commands("--flag one a", &options, "'--flag' option specified multiple times", 0);
	smap_done(&options);
}

static void test_tables(void **state)
{
	static const char *const good[][2] = {
		{"Bridge", "Bridge"},	  {"bridge", "Bridge"}, {"b", "Bridge"},
		{"open", "Open_vSwitch"}, {"qos", "QoS"},	{"ct-zone", "CT_Zone"},
		{"Flow_T", "Flow_Table"}, {"sflow", "sFlow"},
	};
	const struct db_table_class *table;
	struct error *error;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_null(ctl_find_table(&vswitch_db, good[i][0], &table));
		assert_string_equal(table->name, good[i][1]);
	}
	error = ctl_find_table(&vswitch_db, "c", &table);
	assert_string_equal(
		error_text(error),
		"\"c\" matches multiple table names: CT_Timeout_Policy, CT_Zone, Controller");
	error_free(error);
	error = ctl_find_table(&vswitch_db, "Bridges", &table);
	assert_string_equal(error_text(error), "unknown table \"Bridges\"");
	error_free(error);
}

static void expect_argument(const char *text, const char *const *operators, unsigned int column,
			    const char *key, int operator, const char * value)
{
	struct ctl_argument a;
	struct error *error = ctl_parse_argument(&db_port_class, text, operators, &a);

	if (error)
		fail_msg("%s: %s", text, error_text(error));
	assert_int_equal(a.column, column);
	if (key)
		assert_string_equal(a.key, key);
	else
		assert_null(a.key);
	assert_int_equal(a.operator, operator);
	if (value)
		assert_string_equal(a.value, value);
	ctl_argument_done(&a);
}

static void expect_no_argument(const char *text, const char *const *operators, const char *why)
{
	struct ctl_argument a;
	struct error *error = ctl_parse_argument(&db_port_class, text, operators, &a);

	assert_non_null(error);
	assert_string_equal(error_text(error), why);
	error_free(error);
}

static void test_arguments(void **state)
{
	static const char *const set[] = {"=", NULL}, *const two[] = {"<", "<=", NULL},
				 *const three[] = {"<", "<=", "=", NULL};

	expect_argument("tag=5", set, DB_PORT_TAG, NULL, 0, "5");
	expect_argument("vlan-mode=a=b", set, DB_PORT_VLAN_MODE, NULL, 0, "a=b");
	expect_argument("other_config:k=v:w", set, DB_PORT_OTHER_CONFIG, "k", 0, "v:w");
	expect_argument("other_config:\"a=b\"=v", set, DB_PORT_OTHER_CONFIG, "\"a=b\"", 0, "v");
	expect_argument("other_config:=v", set, DB_PORT_OTHER_CONFIG, "", 0, "v");
	expect_argument("tag", NULL, DB_PORT_TAG, NULL, -1, NULL);
	expect_argument("other:k", NULL, DB_PORT_OTHER_CONFIG, "k", -1, NULL);
	// The longest operator counts.
	expect_argument("tag<=5", two, DB_PORT_TAG, NULL, 1, "5");
	expect_argument("tag<5", two, DB_PORT_TAG, NULL, 0, "5");
	expect_no_argument("tag", set, "tag: argument does not end in \"=\" followed by a value.");
	expect_no_argument("tag=", set,
			   "tag=: argument does not end in \"=\" followed by a value.");
	expect_no_argument("tag!5", two,
			   "tag!5: argument does not end in \"<\" or \"<=\" followed by a value.");
	expect_no_argument(
		"tag", three,
		"tag: argument does not end in \"<\", \"<=\", or \"=\" followed by a value.");
	expect_no_argument("tag=5", NULL, "tag=5: trailing garbage \"=5\" in argument");
	expect_no_argument("=5", set, "=5: missing column name");
	expect_no_argument("nosuch=5", set,
			   "Port does not contain a column whose name matches \"nosuch\"");
	expect_no_argument("bond=5", set,
			   "Port contains more than one column whose name matches \"bond\": "
			   "bond_active_slave, "
			   "bond_downdelay, bond_fake_iface, bond_mode, bond_updelay");
	expect_no_argument("other_config:\"k=v", set,
			   "\"k=v: quoted string extends past end of argument");
}

static void test_command_line(void **state)
{
	char *argv[] = {"/usr/bin/ovs-vsctl", "set", "b", "a b", "q\"\\", "", "--id=@x", NULL};
	char *line = ctl_join_arguments(argv);

	assert_string_equal(line, "/usr/bin/ovs-vsctl set b \"a b\" \"q\\\"\\\\\" \"\" --id=@x");
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),     cmocka_unit_test(test_options_of_the_first),
		cmocka_unit_test(test_tables),	     cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
