/* SPDX-License-Identifier: Apache-2.0 */
// ovs-appctl(8): sends one command to a running daemon and prints its answer.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/version.h"
#include "cmd/common/command.h"
#include "cmd/common/daemon.h"
#include "rpc/appctl.h"

struct options {
	const char *target, *execute;
	bool json, pretty;
	unsigned int timeout; // seconds; 0: none
};

static void usage(void)
{
	printf("%s, for querying and controlling Open vSwitch daemon\n"
	       "usage: %s [TARGET] COMMAND [ARG...]\n"
	       "Targets:\n"
	       "  -t, --target=TARGET  pidfile or socket to contact\n"
	       "Common commands:\n"
	       "  list-commands      List commands supported by the target\n"
	       "  version            Print version of the target\n"
	       "  vlog/list          List current logging levels\n"
	       "  vlog/list-pattern  List logging patterns for each destination.\n"
	       "  vlog/set [SPEC]\n"
	       "      Set log levels as detailed in SPEC, which may include:\n"
	       "      A valid module name (all modules, by default)\n"
	       "      'syslog', 'console', 'file' (all destinations, by default))\n"
	       "      'off', 'emer', 'err', 'warn', 'info', or 'dbg' ('dbg', by default)\n"
	       "  vlog/reopen        Make the program reopen its log file\n"
	       "Other options:\n"
	       "  --timeout=SECS     wait at most SECS seconds for a response\n"
	       "  -f, --format=FMT   output format: 'text' (default) or 'json'\n"
	       "  --pretty           with --format=json, indent the output\n"
	       "  -h, --help         Print this helpful information\n"
	       "  -V, --version      Display %s version information\n",
	       log_program(), log_program(), log_program());
	exit(EXIT_SUCCESS);
}

static void parse_options(int argc, char *argv[], struct options *o)
{
	enum { OPT_PRETTY = 0x100 };
	static const struct option longopts[] = {
		{"target", required_argument, NULL, 't'},
		{"execute", no_argument, NULL, 'e'},
		{"help", no_argument, NULL, 'h'},
		{"option", no_argument, NULL, 'o'},
		{"version", no_argument, NULL, 'V'},
		{"timeout", required_argument, NULL, 'T'},
		{"format", required_argument, NULL, 'f'},
		{"pretty", no_argument, NULL, OPT_PRETTY},
		LOG_LONG_OPTIONS,
		{NULL, 0, NULL, 0},
	};
	o->target = "ovs-vswitchd";
	for (int c; (c = getopt_long(argc, argv, "+t:hVT:f:v::e", longopts, NULL)) != -1;) {
		switch (c) {
		case 't':
			o->target = optarg;
			break;
		case 'e':
			command_die("use \"%s %s\" without \"-e\"", log_program(), "COMMAND");
		case 'h':
			usage();
			break;
		case 'o':
			for (const struct option *l = longopts; l->name; l++)
				printf("--%s%s\n", l->name,
				       l->has_arg == required_argument ? "=ARG" : "");
			exit(EXIT_SUCCESS);
		case 'T':
			if (parse_u32(optarg, 10, &o->timeout) || !o->timeout)
				command_die("value %s on -T or --timeout is invalid", optarg);
			break;
		case 'f':
			if (strcmp(optarg, "json") && strcmp(optarg, "text"))
				command_die("value %s on -f or --format is invalid", optarg);
			o->json = !strcmp(optarg, "json");
			break;
		case OPT_PRETTY:
			o->pretty = true;
			break;
		case 'V':
			version_print(log_program());
			exit(EXIT_SUCCESS);
		case '?':
			exit(EXIT_FAILURE);
		default:
			log_option(c);
		}
	}
	if (optind >= argc)
		command_die("at least one non-option argument is required (use --help for help)");
	if (o->pretty && !o->json)
		command_die("--pretty is supported with --format json only");
}

static void print(const struct options *o, const char *text, FILE *to)
{
	if (o->json) {
		json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
		char *out = json_dumps(json, JSON_ENCODE_ANY |
						     (o->pretty ? JSON_INDENT(2) : JSON_COMPACT));
		if (out)
			fprintf(to, "%s\n", out);
		else
			fprintf(to, "%s\n", text);
		free(out);
		json_decref(json);
		return;
	}
	fputs(text, to);
	size_t n = strlen(text);
	if (n && text[n - 1] != '\n')
		fputc('\n', to);
}

int main(int argc, char *argv[])
{
	log_set_program(argv[0]);
	struct error *e = log_set_levels("console:warn");
	error_free(e);
	signal(SIGPIPE, SIG_IGN);
	struct options o = {0};
	parse_options(argc, argv, &o);
	bool failed = false;
	char *text = NULL;
	e = appctl_call(o.target, argc - optind, argv + optind, o.json, (int64_t)o.timeout * 1000,
			&failed, &text);
	if (e)
		command_die("%s", error_text(e));
	print(&(struct options){.json = o.json && !failed, .pretty = o.pretty}, text,
	      failed ? stderr : stdout);
	free(text);
	if (!failed)
		return EXIT_SUCCESS;
	fprintf(stderr, "%s: %s: server returned an error\n", log_program(), o.target);
	return 2;
}
