/* SPDX-License-Identifier: Apache-2.0 */
// ovsdb-server(1): the database server.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/dirs.h"
#include "base/log.h"
#include "base/version.h"
#include "cmd/common/command.h"
#include "cmd/common/daemon.h"
#include "cmd/common/tls_options.h"
#include "configuration.h"
#include "dbserver/follower.h"

LOG_MODULE(ovsdb_server);

struct options {
	struct daemon_options daemon;
	VEC(const char *) remotes, files;
	const char *unixctl, *run;
	const char *sync_from, *sync_exclude, *config_file;
	bool active;
	struct tls_options tls;
	bool disable_column_diff;
};

static void usage(void)
{
	printf("%s: Open vSwitch database server\n"
	       "usage: %s [OPTIONS] [DATABASE...]\n"
	       "where each DATABASE is a database file in ovsdb format,\n"
	       "or relay:NAME:REMOTE[,REMOTE...] to follow a database of another server.\n"
	       "The default DATABASE, if none is given, is\n%s/conf.db.\n"
	       "\nJSON-RPC options (may be specified any number of times):\n"
	       "  --remote=REMOTE         connect or listen to REMOTE\n"
	       "\nActive REMOTEs: tcp:HOST:PORT, ssl:HOST:PORT, unix:FILE\n"
	       "Passive REMOTEs: ptcp:PORT[:IP], pssl:PORT[:IP], punix:FILE\n"
	       "REMOTEs from a database: db:DB,TABLE,COLUMN\n",
	       log_program(), log_program(), dir_db());
	tls_usage();
	printf("FILE may be db:DB,TABLE,COLUMN: the first file that is named in this column\n");
	daemon_usage();
	log_usage();
	printf("\nSyncing options:\n"
	       "  --sync-from=SERVER      be a backup of SERVER\n"
	       "  --sync-exclude-tables=DB:TABLE,...\n"
	       "                          do not replicate these tables\n"
	       "  --active                with --sync-from, start in active role\n"
	       "\nOther options:\n"
	       "  --config-file=FILE      remotes and databases are those that FILE names\n"
	       "  --run COMMAND           run COMMAND as subprocess then exit\n"
	       "  --unixctl=SOCKET        override default control socket name\n"
	       "  --disable-file-column-diff\n"
	       "                          don't use column diff in database file\n"
	       "  -h, --help              display this help message\n"
	       "  -V, --version           display version information\n");
	exit(EXIT_SUCCESS);
}

enum {
	OPT_REMOTE = 0x100,
	OPT_UNIXCTL,
	OPT_RUN,
	OPT_SYNC_FROM,
	OPT_SYNC_EXCLUDE,
	OPT_ACTIVE,
	OPT_CONFIG_FILE,
	OPT_REPLAY,
	OPT_NO_COLUMN_DIFF,
};

static const struct option long_options[] = {
	{"remote", required_argument, NULL, OPT_REMOTE},
	{"unixctl", required_argument, NULL, OPT_UNIXCTL},
	{"run", required_argument, NULL, OPT_RUN},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	TLS_LONG_OPTIONS,
	{"sync-from", required_argument, NULL, OPT_SYNC_FROM},
	{"sync-exclude-tables", required_argument, NULL, OPT_SYNC_EXCLUDE},
	{"active", no_argument, NULL, OPT_ACTIVE},
	{"config-file", required_argument, NULL, OPT_CONFIG_FILE},
	{"record", optional_argument, NULL, OPT_REPLAY},
	{"replay", optional_argument, NULL, OPT_REPLAY},
	{"disable-file-column-diff", no_argument, NULL, OPT_NO_COLUMN_DIFF},
	DAEMON_LONG_OPTIONS,
	LOG_LONG_OPTIONS,
	{NULL, 0, NULL, 0},
};

static void parse_options(int argc, char *argv[], struct options *o)
{
	for (int c, index = 0; (c = getopt_long(argc, argv, "hVv::" TLS_SHORT_OPTIONS, long_options,
						&index)) != -1;) {
		switch (c) {
		case OPT_REMOTE:
			vec_push(&o->remotes, optarg);
			break;
		case OPT_UNIXCTL:
			o->unixctl = optarg;
			break;
		case OPT_RUN:
			o->run = optarg;
			break;
		case 'h':
			usage();
			break;
		case 'V':
			version_print(log_program());
			exit(EXIT_SUCCESS);
		case OPT_SYNC_FROM:
			o->sync_from = optarg;
			break;
		case OPT_SYNC_EXCLUDE:
			o->sync_exclude = optarg;
			break;
		case OPT_ACTIVE:
			o->active = true;
			break;
		case OPT_CONFIG_FILE:
			o->config_file = optarg;
			break;
		case OPT_REPLAY:
			command_die("--%s: not built into this version", long_options[index].name);
		case OPT_NO_COLUMN_DIFF:
			o->disable_column_diff = true;
			break;
		case '?':
			exit(EXIT_FAILURE);
		default:
			if (!tls_option(&o->tls, c))
				daemon_option(&o->daemon, c);
		}
	}
	for (int i = optind; i < argc; i++)
		vec_push(&o->files, argv[i]);
	if (o->config_file &&
	    (o->files.n || o->remotes.n || o->sync_from || o->sync_exclude || o->active))
		command_die("--config-file names the remotes and databases: there may be no others "
			    "on the "
			    "command line");
	if ((o->sync_exclude || o->active) && !o->sync_from)
		command_die("--sync-exclude-tables and --active need --sync-from");
	if (!o->files.n && !o->config_file)
		vec_push(&o->files, xasprintf("%s/conf.db", dir_db()));
}

// --- Databases.

static bool is_open(const struct program *p, const char *path)
{
	char *a = realpath(path, NULL);
	bool found = false;
	for (struct served *s = p->server->databases; s && a && !found; s = s->next) {
		char *b = s->d->path ? realpath(s->d->path, NULL) : NULL;
		found = b && !strcmp(a, b);
		free(b);
	}
	free(a);
	return found;
}

struct db_error *program_open_file(struct program *p, const char *path, const char **name)
{
	struct database *d;
	char *warning = NULL;
	if (is_open(p, path))
		return db_error_new("ovsdb error", "%s: already open", path);
	char *real = p->absolute_paths ? realpath(path, NULL) : NULL;
	struct db_error *error = database_open(real ? real : path, true, &d, &warning);
	free(real);
	if (warning)
		log_warn("%s", warning);
	free(warning);
	if (error)
		return error;
	d->whole_columns = p->whole_columns;
	error = server_add_database(p->server, d);
	if (error)
		database_free(d);
	else
		*name = database_name(d);
	return error;
}

static struct db_error *open_relay(struct program *p, const char *database)
{
	const char *name = database + strlen("relay:"), *targets = strchr(name, ':');
	if (!targets)
		return db_error_new("ovsdb error",
				    "%s: invalid syntax (relay:NAME:REMOTE[,REMOTE...])", database);
	struct follower_config config;
	follower_config_init(&config, true);
	struct error *bad = follower_config_set_targets(&config, targets + 1);
	char *copy = xstrndup(name, (size_t)(targets - name));
	if (!bad)
		bad = server_add_relay(p->server, copy, &config);
	follower_config_done(&config);
	free(copy);
	struct db_error *error =
		bad ? db_error_new("ovsdb error", "%s: %s", database, error_text(bad)) : NULL;
	error_free(bad);
	return error;
}

struct db_error *program_open(struct program *p, const char *database)
{
	const char *unused;
	return !strncmp(database, "relay:", 6) ? open_relay(p, database)
					       : program_open_file(p, database, &unused);
}

static void open_databases(struct program *p, const struct options *o)
{
	VEC_FOREACH (&o->files, i) {
		if (is_open(p, o->files.v[i]))
			continue;
		struct db_error *error = program_open(p, o->files.v[i]);
		if (error)
			command_die("%s", db_error_to_text(error));
	}
}

static void open_remotes(struct program *p, const struct options *o)
{
	VEC_FOREACH (&o->remotes, i) {
		const char *name = o->remotes.v[i];
		struct error *error = remotes_add(p->remotes, name, NULL);
		if (error)
			command_die("%s", error_text(error));
	}
	error_free(remotes_update(p->remotes)); // it was logged, and is tried again
}

static void load_config_file(struct program *p, const struct options *o)
{
	// A daemon changes its directory later.
	char *real = realpath(o->config_file, NULL);
	p->config_path = real ? real : xstrdup(o->config_file);
	struct error *error = configuration_load(p);
	if (error)
		command_die("%s", error_text(error));
}

static void start_replication(struct program *p, const struct options *o)
{
	struct error *error =
		o->sync_from ? replication_set_active(p->replication, o->sync_from) : NULL;
	if (!error && o->sync_exclude)
		error = replication_set_excluded(p->replication, o->sync_exclude);
	if (!error && o->sync_from && !o->active)
		error = replication_start(p->replication);
	if (error)
		command_die("%s", error_text(error));
}

// --- The process.

struct child {
	struct program *program;
	const char *command;
	pid_t pid;
	int status;
	bool ended;
};

static void on_child(void *child_, int number)
{
	struct child *c = child_;
	if (c->pid > 0 && !c->ended && waitpid(c->pid, &c->status, WNOHANG) == c->pid) {
		c->ended = true;
		loop_stop(c->program->loop);
	}
}

static void start_child(struct child *c)
{
	c->pid = fork();
	if (c->pid < 0)
		command_die("fork failed (%s)", strerror(errno));
	if (c->pid)
		return;
	signal(SIGPIPE, SIG_DFL);
	execl("/bin/sh", "/bin/sh", "-c", c->command, NULL);
	_exit(127);
}

static int child_exit_code(const struct child *c)
{
	if (!c->ended)
		return EXIT_SUCCESS;
	if (WIFEXITED(c->status) && !WEXITSTATUS(c->status))
		return EXIT_SUCCESS;
	if (WIFEXITED(c->status))
		fprintf(stderr, "%s: %s: child exited, exit status %d\n", log_program(), c->command,
			WEXITSTATUS(c->status));
	else
		fprintf(stderr, "%s: %s: child exited, killed (%s)\n", log_program(), c->command,
			strsignal(WTERMSIG(c->status)));
	return EXIT_FAILURE;
}

static void on_signal(void *program_, int number)
{
	struct program *p = program_;
	log_warn("terminating with signal %d (%s)", number, strsignal(number));
	p->signal = number;
	loop_stop(p->loop);
}

static void on_tick(void *tick)
{
	counters_tick();
	loop_timer_set_in(tick, 5000);
}

// As many clients as the system lets us have, with some descriptors left for files and commands.
static void raise_limits(struct server *server)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	rlim_t soft = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		limit.rlim_cur = soft;
	if (limit.rlim_cur != RLIM_INFINITY)
		server->max_sessions = limit.rlim_cur > 96 ? limit.rlim_cur - 64 : 32;
}

static void program_start(struct program *p, const struct options *o, struct stream_tls *tls)
{
	p->absolute_paths = o->daemon.detach && !o->daemon.no_chdir;
	p->whole_columns = o->disable_column_diff;
	p->loop = loop_new();
	p->server = server_new(p->loop);
	raise_limits(p->server);
	p->replication = replication_new(p->server);
	open_databases(p, o);
	p->remotes = remotes_new(p->server);
	struct error *error = remotes_set_tls(p->remotes, tls, &o->tls.config);
	if (error)
		command_die("%s", error_text(error));
	if (o->config_file)
		load_config_file(p, o);
	else
		open_remotes(p, o);
	start_replication(p, o);
	error = appctl_new(p->loop, o->unixctl, &p->appctl);
	if (error)
		command_die("%s", error_text(error));
	commands_register(p);
}

static void program_stop(struct program *p)
{
	appctl_free(p->appctl);
	remotes_free(p->remotes);
	server_free(p->server);
	replication_free(p->replication);
	configuration_done(p);
}

int main(int argc, char *argv[])
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct loop_signal *handlers[3], *child_handler;
	struct options o = {0};
	struct program p = {0};
	struct loop_timer tick;
	log_set_program(argv[0]);
	parse_options(argc, argv, &o);
	daemon_start(&o.daemon);
	daemon_become_user(&o.daemon, false);
	struct stream_tls *tls = tls_new();
	program_start(&p, &o, tls);
	for (size_t i = 0; i < 3; i++)
		handlers[i] = loop_signal_add(p.loop, signals[i], on_signal, &p);
	struct child child = {.program = &p, .command = o.run};
	child_handler = loop_signal_add(p.loop, SIGCHLD, on_child, &child);
	loop_timer_init(&tick, p.loop, on_tick, &tick);
	on_tick(&tick);
	if (o.run)
		start_child(&child);
	daemon_ready();
	log_info("%s (Open vSwitch) " OVS_COMPAT_VERSION, log_program());
	loop_run(p.loop);
	loop_timer_cancel(&tick);
	for (size_t i = 0; i < 3; i++)
		loop_signal_remove(handlers[i]);
	loop_signal_remove(child_handler);
	program_stop(&p);
	loop_free(p.loop);
	stream_tls_free(tls);
	tls_options_done(&o.tls);
	daemon_done();
	vec_done(&o.remotes);
	vec_done(&o.files);
	if (p.signal) {
		signal(p.signal, SIG_DFL);
		raise(p.signal);
	}
	return child_exit_code(&child);
}
