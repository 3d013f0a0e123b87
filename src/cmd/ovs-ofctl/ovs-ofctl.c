/* SPDX-License-Identifier: Apache-2.0 */
// ovs-ofctl(8): shows and changes OpenFlow switches.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/version.h"
#include "cmd/ovs-ofctl/ofctl.h"

LOG_MODULE(fatal_signal);

static const struct command *const tables[] = {show_commands,	flow_commands,	group_commands,
					       diff_commands,	watch_commands, text_commands,
					       packet_commands, parse_commands, meter_commands,
					       table_commands,	bundle_commands};
enum { N_TABLES = sizeof(tables) / sizeof(tables[0]) };

// Those that --read-only forbids.
static const char *const writers[] = {
	"mod-port",    "set-frags",	"add-flow",	 "add-flows",	   "mod-flows",
	"del-flows",   "replace-flows", "packet-out",	 "mod-table",	   "add-group",
	"add-groups",  "mod-group",	"del-groups",	 "insert-buckets", "remove-buckets",
	"add-meter",   "mod-meter",	"del-meter",	 "del-meters",	   "bundle",
	"add-tlv-map", "del-tlv-map",	"ct-flush-zone", "ct-flush",
};

// A thread of its own: a handler of SIGALRM could not log, for what it interrupts may hold the
// locks of the log or of the heap.
void end_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		command_die("write to stdout failed");
}

static void *end_in_time(void *arg)
{
	const struct timespec *left = arg;
	while (nanosleep(left, NULL) < 0 && errno == EINTR)
		;
	log_warn("terminating with signal %d (%s)", SIGALRM, strsignal(SIGALRM));
	signal(SIGALRM, SIG_DFL);
	raise(SIGALRM);
	return NULL;
}

static void start_timeout(struct ofctl *o)
{
	pthread_t thread;
	if (!o->timeout.tv_sec)
		return;
	if (pthread_create(&thread, NULL, end_in_time, &o->timeout))
		command_die("no thread to wait for -t or --timeout");
	pthread_detach(thread);
}

static void add_sort(struct ofctl *o, const char *name, bool descending)
{
	struct sort_key key = {.descending = descending};
	if (name && strcasecmp(name, "priority")) {
		key.field = field_find(name);
		if (!key.field)
			command_die("%s: unknown field name", name);
	}
	vec_push(&o->sort, key);
}

static int parse_packet_in_format(const char *s)
{
	static const struct {
		const char *name;
		enum ofp_packet_in_format format;
	} names[] = {{"standard", OFP_PIN_STANDARD},
		     {"openflow10", OFP_PIN_STANDARD},
		     {"nxt_packet_in", OFP_PIN_NXT},
		     {"nxm", OFP_PIN_NXT},
		     {"nxt_packet_in2", OFP_PIN_NXT2}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(s, names[i].name))
			return (int)names[i].format;
	command_die("unknown packet-in format `%s'", s);
}

static void or_die(struct error *e)
{
	end_on_error(NULL, e);
}

static void set_color(struct ofctl *o, const char *value)
{
	static struct str_style style;
	enum color_when when = COLOR_AUTO;
	if (value && !color_parse_when(value, &when))
		command_die("incorrect value `%s' for --color", value);
	o->style = NULL;
	if (!color_wanted(when))
		return;
	color_style_init(&style);
	o->style = &style;
}

enum {
	OPT_STRICT = 0x200,
	OPT_READD,
	OPT_TIMESTAMP,
	OPT_SORT,
	OPT_RSORT,
	OPT_UNIXCTL,
	OPT_BUNDLE,
	OPT_COLOR,
	OPT_MAY_CREATE,
	OPT_READ_ONLY,
	OPT_NAMES,
	OPT_NO_NAMES,
	OPT_STATS,
	OPT_NO_STATS,
	OPT_PCAP,
	OPT_RAW,
};

static const struct option longopts[] = {
	{"timeout", required_argument, NULL, 't'},
	{"strict", no_argument, NULL, OPT_STRICT},
	{"readd", no_argument, NULL, OPT_READD},
	{"flow-format", required_argument, NULL, 'F'},
	{"packet-in-format", required_argument, NULL, 'P'},
	{"more", no_argument, NULL, 'm'},
	{"timestamp", no_argument, NULL, OPT_TIMESTAMP},
	{"sort", optional_argument, NULL, OPT_SORT},
	{"rsort", optional_argument, NULL, OPT_RSORT},
	{"names", no_argument, NULL, OPT_NAMES},
	{"no-names", no_argument, NULL, OPT_NO_NAMES},
	{"stats", no_argument, NULL, OPT_STATS},
	{"no-stats", no_argument, NULL, OPT_NO_STATS},
	{"pcap", no_argument, NULL, OPT_PCAP},
	{"raw", no_argument, NULL, OPT_RAW},
	{"unixctl", required_argument, NULL, OPT_UNIXCTL},
	{"help", no_argument, NULL, 'h'},
	{"option", no_argument, NULL, 'o'},
	{"bundle", no_argument, NULL, OPT_BUNDLE},
	{"color", optional_argument, NULL, OPT_COLOR},
	{"may-create", no_argument, NULL, OPT_MAY_CREATE},
	{"read-only", no_argument, NULL, OPT_READ_ONLY},
	{"protocols", required_argument, NULL, 'O'},
	{"version", no_argument, NULL, 'V'},
	TLS_LONG_OPTIONS,
	DAEMON_LONG_OPTIONS,
	LOG_LONG_OPTIONS,
	{NULL, 0, NULL, 0},
};

static time_t parse_timeout(const char *text)
{
	uint32_t seconds;
	if (parse_u32(text, 10, &seconds) || !seconds)
		command_die("value %s on -t or --timeout is invalid", text);
	return (time_t)seconds;
}

static void print_options(void)
{
	static const char *const long_form[] = {"", "=ARG", "=[ARG]"}, *const short_form[] = {
									       "", "ARG", "[ARG]"};
	for (const struct option *l = longopts; l->name; l++) {
		printf("--%s%s\n", l->name, long_form[l->has_arg]);
		if (l->val < 0x80 && isalpha(l->val))
			printf("-%c %s\n", l->val, short_form[l->has_arg]);
	}
	exit(EXIT_SUCCESS);
}

static bool flag_option(struct ofctl *o, int c)
{
	switch (c) {
	case 'm':
		o->verbosity++;
		return true;
	case OPT_STRICT:
		return o->strict = true;
	case OPT_READD:
		return o->readd = true;
	case OPT_TIMESTAMP:
		return o->timestamp = true;
	case OPT_BUNDLE:
		return o->bundle = true;
	case OPT_READ_ONLY:
		return o->read_only = true;
	case OPT_NAMES:
		o->use_names = 1;
		return true;
	case OPT_NO_NAMES:
		o->use_names = -1;
		return true;
	case OPT_STATS:
		o->no_stats = false;
		return true;
	case OPT_NO_STATS:
		return o->no_stats = true;
	case OPT_PCAP:
		return o->pcap = true;
	case OPT_RAW: // of no effect
		return true;
	case OPT_MAY_CREATE:
		return o->may_create = true;
	}
	return false;
}

static void value_option(struct ofctl *o, int c)
{
	switch (c) {
	case 't':
		o->timeout.tv_sec = parse_timeout(optarg);
		break;
	case 'F':
		or_die(ofp_protocols_parse(optarg, &o->protocols));
		break;
	case 'P':
		o->packet_in_format = parse_packet_in_format(optarg);
		break;
	case 'O':
		or_die(ofp_versions_parse(optarg, &o->versions));
		break;
	case OPT_SORT:
	case OPT_RSORT:
		add_sort(o, optarg, c == OPT_RSORT);
		break;
	case OPT_UNIXCTL:
		o->unixctl = optarg;
		break;
	case OPT_COLOR:
		set_color(o, optarg);
		break;
	case 'h':
		ofctl_help();
	case 'o':
		print_options();
		break;
	case 'V':
		version_print(log_program());
		printf("OpenFlow versions 0x%x:0x%x\n", OFP10, OFP15);
		end_output();
		exit(EXIT_SUCCESS);
	default:
		if (!tls_option(&o->tls_options, c) && !daemon_option(&o->daemon, c) &&
		    !log_option(c))
			exit(EXIT_FAILURE);
	}
}

static void parse_options(struct ofctl *o, int argc, char *argv[])
{
	for (int c; (c = getopt_long(argc, argv, "t:F:P:mhoVO:v::" TLS_SHORT_OPTIONS, longopts,
				     NULL)) != -1;)
		if (!flag_option(o, c))
			value_option(o, c);
	// Bundles need OpenFlow 1.4 (or an extension of 1.3).
	bool bundles = o->bundle || (optind < argc && !strcmp(argv[optind], "bundle"));
	if (bundles && !(o->versions & (1u << OFP13 | 1u << OFP14 | 1u << OFP15)))
		o->versions = 1u << OFP14;
	uint32_t of_versions = ofp_protocols_of_versions(o->versions);
	if (!(of_versions & o->protocols)) {
		struct str versions = STR_INIT;
		ofp_versions_format(o->versions, &versions);
		char *formats = ofp_protocols_format(o->protocols);
		command_die("None of the enabled OpenFlow versions (%s) supports any of the "
			    "enabled flow formats (%s).  (Use -O "
			    "to enable additional OpenFlow versions or -F to enable additional "
			    "flow formats.)",
			    str_cstr(&versions), formats);
	}
	o->protocols &= of_versions;
	o->versions = ofp_versions_of_protocols(o->protocols);
}

static void help(int argc, char *argv[], void *arg)
{
	ofctl_help();
}

// All tables in one, for the runner.
static struct command *join_tables(void)
{
	static const struct command own[] = {{"help", "", 0, INT_MAX, help}, {0}};
	VEC(struct command) all = {0};
	for (int t = 0; t < N_TABLES; t++)
		for (const struct command *c = tables[t]; c->name; c++)
			vec_push(&all, *c);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		vec_push(&all, own[i]);
	return all.v;
}

int main(int argc, char *argv[])
{
	struct ofctl o = {
		.versions = OFP_VERSIONS_DEFAULT,
		.protocols = OFPROTO_ALL,
		.packet_in_format = -1,
		.use_names = isatty(STDOUT_FILENO) ? 1 : 0,
		.next_xid = 1,
	};
	log_set_program(argv[0]);
	signal(SIGPIPE, SIG_IGN);
	parse_options(&o, argc, argv);
	start_timeout(&o);
	o.tls = tls_start(&o.tls_options);
	argc -= optind;
	argv += optind;
	for (size_t i = 0; argc && o.read_only && i < sizeof(writers) / sizeof(writers[0]); i++)
		if (!strcmp(writers[i], argv[0]))
			command_die("'%s' command does not work in read only mode", argv[0]);
	struct command *commands = join_tables();
	command_run(commands, argc, argv, &o);
	free(commands);
	vec_done(&o.sort);
	stream_tls_free(o.tls);
	tls_options_done(&o.tls_options);
	end_output();
	return EXIT_SUCCESS;
}
