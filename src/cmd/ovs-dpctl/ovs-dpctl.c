/* SPDX-License-Identifier: Apache-2.0 */
// ovs-dpctl(8): datapaths, their ports and flows. The userspace datapath lives in ovs-vswitchd, so
// the commands are those of the daemon, dpctl/*, asked over its command channel: there is one
// implementation, and no second process to fight over a datapath.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/version.h"
#include "cmd/common/command.h"
#include "cmd/common/daemon.h"
#include "rpc/appctl.h"

static void usage(void)
{
	printf("%s: Open vSwitch datapath management utility\n"
	       "usage: %s [OPTIONS] COMMAND [ARG...]\n"
	       "  add-dp DP [IFACE...]       make datapath DP\n"
	       "  del-dp DP                  delete a datapath that was made so\n"
	       "  add-if DP IFACE...         add each IFACE (NAME[,KEY=VALUE]...) as a port to DP\n"
	       "  set-if DP IFACE...         reconfigure each such IFACE\n"
	       "  del-if DP IFACE...         delete each such IFACE from DP\n"
	       "  dump-dps                   display names of all datapaths\n"
	       "  show [DP...]               show basic info on datapaths\n"
	       "  dump-flows [DP]            display flows in DP\n"
	       "  add-flow [DP] FLOW ACTIONS add FLOW with ACTIONS to DP\n"
	       "  add-flows [DP] FILE        add flows from FILE\n"
	       "  mod-flow [DP] FLOW ACTIONS change FLOW actions to ACTIONS in DP\n"
	       "  mod-flows [DP] FILE        change flows from FILE\n"
	       "  get-flow [DP] ufid:UFID    display the flow with UFID\n"
	       "  del-flow [DP] FLOW         delete FLOW from DP\n"
	       "  del-flows [DP] [FILE]      delete all or specified flows from DP\n"
	       "  normalize-actions FLOW ACTIONS, parse-actions ACTIONS  what actions come to\n"
	       "Every dpctl/COMMAND of ovs-vswitchd (ovs-appctl list-commands) is a COMMAND "
	       "here.\n",
	       log_program(), log_program());
	log_usage();
	printf("\nOther options:\n"
	       "  -s, --statistics           print port statistics (for \"show\" command)\n"
	       "  -m, --more                 increase verbosity of output; with the rules that "
	       "made flows\n"
	       "  --may-create               mod-flow: create the flow if it does not exist\n"
	       "  --read-only                refuse commands that change anything\n"
	       "  --names, --no-names        use port names or numbers\n"
	       "  -t, --timeout=SECS         give up after SECS seconds\n"
	       "  -h, --help                 display this help message\n"
	       "  -V, --version              display version information\n");
	exit(EXIT_SUCCESS);
}

struct options {
	bool statistics, more, may_create, clear, read_only;
	const char *names; // "--names", "--no-names" or NULL
	uint32_t timeout;  // seconds; 0: none
};

static void parse_options(int argc, char *argv[], struct options *o)
{
	enum { OPT_NAMES = 0x100, OPT_NO_NAMES, OPT_MAY_CREATE, OPT_CLEAR, OPT_READ_ONLY };
	static const struct option longopts[] = {
		{"statistics", no_argument, NULL, 's'},
		{"more", no_argument, NULL, 'm'},
		{"names", no_argument, NULL, OPT_NAMES},
		{"no-names", no_argument, NULL, OPT_NO_NAMES},
		{"may-create", no_argument, NULL, OPT_MAY_CREATE},
		{"clear", no_argument, NULL, OPT_CLEAR},
		{"read-only", no_argument, NULL, OPT_READ_ONLY},
		{"timeout", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		LOG_LONG_OPTIONS,
		{NULL, 0, NULL, 0},
	};
	for (int c; (c = getopt_long(argc, argv, "+smt:hVv::", longopts, NULL)) != -1;) {
		switch (c) {
		case 's':
			o->statistics = true;
			break;
		case 'm':
			o->more = true;
			break;
		case OPT_NAMES:
			o->names = "--names";
			break;
		case OPT_NO_NAMES:
			o->names = "--no-names";
			break;
		case OPT_MAY_CREATE:
			o->may_create = true;
			break;
		case OPT_CLEAR:
			o->clear = true;
			break;
		case OPT_READ_ONLY:
			o->read_only = true;
			break;
		case 't':
			if (parse_u32(optarg, 10, &o->timeout) || !o->timeout)
				command_die("value %s on -t or --timeout is invalid", optarg);
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
			log_option(c);
		}
	}
	if (optind >= argc)
		command_die("missing command name; use --help for help");
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), n_end = strlen(end);
	return n >= n_end && !strcmp(s + n - n_end, end);
}

int main(int argc, char *argv[])
{
	log_set_program(argv[0]);
	struct error *e = log_set_levels("console:warn");
	error_free(e);
	signal(SIGPIPE, SIG_IGN);
	struct options o = {0};
	parse_options(argc, argv, &o);

	VEC(char *) command = {0};
	vec_push(&command, xasprintf("dpctl/%s", argv[optind]));
	if (o.statistics)
		vec_push(&command, xstrdup("-s"));
	if (o.more)
		vec_push(&command, xstrdup("-m"));
	if (o.names)
		vec_push(&command, xstrdup(o.names));
	if (o.may_create)
		vec_push(&command, xstrdup("--may-create"));
	if (o.clear)
		vec_push(&command, xstrdup("--clear"));
	bool files = ends_with(argv[optind], "-flows") && strcmp(argv[optind], "dump-flows");
	bool changes = files || ends_with(argv[optind], "-flow") ||
		       ends_with(argv[optind], "-if") || ends_with(argv[optind], "-dp");
	if (o.read_only && changes && strcmp(argv[optind], "get-flow"))
		command_die("'%s' command does not work in read only mode", argv[optind]);
	for (int i = optind + 1; i < argc; i++) {
		// The daemon opens the file, and is somewhere else.
		char *path = files && i + 1 == argc ? realpath(argv[i], NULL) : NULL;
		vec_push(&command, path ? path : xstrdup(argv[i]));
	}
	bool failed = false;
	char *text = NULL;
	e = appctl_call("ovs-vswitchd", (int)command.n, command.v, false, (int64_t)o.timeout * 1000,
			&failed, &text);
	if (e)
		command_die(
			"the userspace datapath lives in ovs-vswitchd, which does not answer: %s",
			error_text(e));
	if (failed && strstr(text, "is not a valid command"))
		command_die("unknown command '%s'; use --help for help", argv[optind]);
	fputs(text, failed ? stderr : stdout);
	free(text);
	VEC_FOREACH (&command, i)
		free(command.v[i]);
	vec_done(&command);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
