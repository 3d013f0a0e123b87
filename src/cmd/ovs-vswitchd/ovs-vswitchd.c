/* SPDX-License-Identifier: Apache-2.0 */
// ovs-vswitchd(8): the switch daemon.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/dirs.h"
#include "base/log.h"
#include "base/rcu.h"
#include "base/str.h"
#include "base/version.h"
#include "cmd/common/command.h"
#include "cmd/common/daemon.h"
#include "cmd/common/tls_options.h"
#include "dp/dp.h"
#include "netdev/netdev.h"
#include "openflow/action.h"
#include "rpc/appctl.h"
#include "vswitchd/vswitchd.h"

LOG_MODULE(vswitchd);

struct options {
	struct daemon_options daemon;
	struct tls_options tls;
	const char *unixctl;
	char *database;
	enum vswitchd_dummy dummy_for;
	bool mlockall, dummy;
};

struct program {
	struct loop *loop;
	struct loop_timer tick; // for the averages of coverage/show
	bool cleanup;
};

static void usage(void)
{
	printf("%s: Open vSwitch daemon\n"
	       "usage: %s [OPTIONS] [DATABASE]\n"
	       "where DATABASE is a socket on which ovsdb-server is listening\n"
	       "      (default: \"unix:%s/db.sock\").\n"
	       "\nActive DATABASE connection methods:\n"
	       "  tcp:HOST:PORT           PORT at remote HOST\n"
	       "  ssl:HOST:PORT           SSL PORT at remote HOST\n"
	       "  unix:FILE               Unix domain socket named FILE\n",
	       log_program(), log_program(), dir_run());
	tls_usage();
	daemon_usage();
	log_usage();
	printf("\nOther options:\n"
	       "  --unixctl=SOCKET        override default control socket name\n"
	       "  --mlockall              lock all memory\n"
	       "  --enable-dummy[=...]    allow the dummy datapath and dummy devices, for tests\n"
	       "  --disable-system        do not use the kernel's datapath\n"
	       "  --disable-system-route  do not follow the kernel's routes\n"
	       "  -h, --help              display this help message\n"
	       "  -V, --version           display version information\n");
	exit(EXIT_SUCCESS);
}

static void parse_options(int argc, char *argv[], struct options *o)
{
	enum {
		OPT_MLOCKALL = 0x100,
		OPT_UNIXCTL,
		OPT_DUMMY,
		OPT_DISABLE_SYSTEM,
		OPT_DISABLE_SYSTEM_ROUTE,
		OPT_DPDK
	};
	static const struct option longopts[] = {
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{"mlockall", no_argument, NULL, OPT_MLOCKALL},
		{"unixctl", required_argument, NULL, OPT_UNIXCTL},
		{"enable-dummy", optional_argument, NULL, OPT_DUMMY},
		{"disable-system", no_argument, NULL, OPT_DISABLE_SYSTEM},
		{"disable-system-route", no_argument, NULL, OPT_DISABLE_SYSTEM_ROUTE},
		{"dpdk", optional_argument, NULL, OPT_DPDK},
		TLS_LONG_OPTIONS,
		DAEMON_LONG_OPTIONS,
		LOG_LONG_OPTIONS,
		{NULL, 0, NULL, 0},
	};
	for (int c;
	     (c = getopt_long(argc, argv, "hVv::" TLS_SHORT_OPTIONS, longopts, NULL)) != -1;) {
		switch (c) {
		case 'h':
			usage();
			break;
		case 'V':
			version_print(log_program());
			exit(EXIT_SUCCESS);
		case OPT_MLOCKALL:
			o->mlockall = true;
			break;
		case OPT_UNIXCTL:
			o->unixctl = optarg;
			break;
		case OPT_DUMMY:
			if (optarg && strcmp(optarg, "override") && strcmp(optarg, "system"))
				command_die("%s: unknown dummy level", optarg);
			o->dummy = true;
			o->dummy_for = !optarg			   ? VSWITCHD_DUMMY_ASKED
				       : !strcmp(optarg, "system") ? VSWITCHD_DUMMY_FOR_SYSTEM
								   : VSWITCHD_DUMMY_FOR_ALL;
			break;
		case OPT_DISABLE_SYSTEM:
		case OPT_DISABLE_SYSTEM_ROUTE:
			break; // neither the kernel's datapath nor its routes are used in this
			       // version: it is so already
		case OPT_DPDK:
			command_die("Using --dpdk to configure DPDK is not supported: use "
				    "other_config:dpdk-* in the database.");
		case '?':
			exit(EXIT_FAILURE);
		default:
			if (!tls_option(&o->tls, c))
				daemon_option(&o->daemon, c);
		}
	}
	if (argc - optind > 1)
		command_die("at most one non-option argument accepted; use --help for usage");
	o->database =
		argc > optind ? xstrdup(argv[optind]) : xasprintf("unix:%s/db.sock", dir_run());
}

static void on_exit_command(struct appctl_call *call, int argc, const char *argv[], void *arg)
{
	struct program *p = arg;
	p->cleanup = argc > 1 && !strcmp(argv[1], "--cleanup");
	appctl_reply(call, NULL);
	loop_stop(p->loop);
}

static void on_signal(void *arg, int number)
{
	struct program *p = arg;
	loop_stop(p->loop);
}

// Who started us with --detach waits for this: the bridges are there.
static void on_ready(void *arg)
{
	daemon_ready();
}

static void on_tick(void *arg)
{
	struct program *p = arg;
	counters_tick();
	loop_timer_set_in(&p->tick, 5000);
}

// As many ports and controllers as the system lets us have.
static void raise_limits(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_dbg("setrlimit(RLIMIT_NOFILE): %m"); // then with what there is
}

int main(int argc, char *argv[])
{
	log_set_program(argv[0]);
	struct options o = {0};
	parse_options(argc, argv, &o);
	raise_limits();
	daemon_start(&o.daemon);
	if (o.mlockall && mlockall(MCL_CURRENT | MCL_FUTURE))
		log_err("mlockall failed: %m");
	if (o.dummy) {
		dp_enable_dummy();
		ofpacts_enable_debug();
		netdev_enable_dummy(o.dummy_for == VSWITCHD_DUMMY_ASKED ? NETDEV_DUMMY_ADD
				    : o.dummy_for == VSWITCHD_DUMMY_FOR_SYSTEM
					    ? NETDEV_DUMMY_SYSTEM
					    : NETDEV_DUMMY_OVERRIDE);
	}
	daemon_become_user(&o.daemon, true);

	struct program p = {.loop = loop_new()};
	struct stream_tls *tls = tls_start(&o.tls);
	stream_tls_attach(tls, p.loop);
	struct appctl *appctl;
	struct error *e = appctl_new(p.loop, o.unixctl, &appctl);
	if (e)
		log_fatal("could not create the control socket: %s", error_text(e));
	rcu_register();
	loop_use_rcu(p.loop);
	appctl_register(appctl, "exit", "[--cleanup]", 0, 1, on_exit_command, &p);
	struct loop_signal *terminate = loop_signal_add(p.loop, SIGTERM, on_signal, &p);
	struct loop_signal *interrupt = loop_signal_add(p.loop, SIGINT, on_signal, &p);
	loop_timer_init(&p.tick, p.loop, on_tick, &p);
	loop_timer_set_in(&p.tick, 5000);
	struct vswitchd *v;
	e = vswitchd_new(p.loop, appctl, o.database, o.dummy_for, on_ready, NULL, &v);
	if (e)
		log_fatal("%s", error_text(e));
	log_info("ovs-vswitchd (Open vSwitch) " OVS_COMPAT_VERSION ", Sluice " SLUICE_VERSION);
	loop_run(p.loop);

	vswitchd_free(v, p.cleanup);
	appctl_free(appctl);
	loop_signal_remove(terminate);
	loop_signal_remove(interrupt);
	loop_timer_cancel(&p.tick);
	loop_free(p.loop);
	stream_tls_free(tls);
	tls_options_done(&o.tls);
	rcu_offline();
	rcu_barrier_all();
	rcu_online();
	rcu_unregister();
	daemon_done();
	free(o.database);
	free(o.daemon.pidfile);
	return EXIT_SUCCESS;
}
