/* SPDX-License-Identifier: Apache-2.0 */
// ovs-vsctl(8): queries and changes the configuration of ovs-vswitchd in its database.
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/log.h"
#include "base/version.h"
#include "cmd/common/daemon.h"
#include "cmd/common/tls_options.h"
#include "cmd/ovs-vsctl/usage.h"
#include "cmd/ovs-vsctl/vsctl.h"
#include "cmd/ovs-vsctl/vsctl_scope.h"
#include "loop/loop.h"

LOG_MODULE(vsctl);

struct options {
	char *db;
	struct tls_options tls;
	bool no_wait, dry_run, oneline, retry, shuffle, leader_only;
	unsigned int timeout; // seconds, 0: none
	struct text_table_style style;
	struct smap local; // options of the first command
};

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	fprintf(stderr, "%s: ", log_program());
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(EXIT_FAILURE);
}

static void die_of(struct error *error)
{
	if (!error)
		return;
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", log_program(), error_text(error));
	error_free(error);
	exit(EXIT_FAILURE);
}

// --- Options

enum {
	OPT_DB = 0x2000,
	OPT_NO_SYSLOG,
	OPT_NO_WAIT,
	OPT_DRY_RUN,
	OPT_ONELINE,
	OPT_RETRY,
	OPT_COMMANDS,
	OPT_OPTIONS,
	OPT_LEADER_ONLY,
	OPT_NO_LEADER_ONLY,
	OPT_SHUFFLE,
	OPT_NO_SHUFFLE,
	OPT_LOCAL,
};

static const char short_options[] = "+v::hVt:f:d:" TLS_SHORT_OPTIONS;

static const struct option global_options[] = {
	{"db", required_argument, NULL, OPT_DB},
	{"no-syslog", no_argument, NULL, OPT_NO_SYSLOG},
	{"no-wait", no_argument, NULL, OPT_NO_WAIT},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"oneline", no_argument, NULL, OPT_ONELINE},
	{"timeout", required_argument, NULL, 't'},
	{"retry", no_argument, NULL, OPT_RETRY},
	{"help", no_argument, NULL, 'h'},
	{"commands", no_argument, NULL, OPT_COMMANDS},
	{"options", no_argument, NULL, OPT_OPTIONS},
	{"leader-only", no_argument, NULL, OPT_LEADER_ONLY},
	{"no-leader-only", no_argument, NULL, OPT_NO_LEADER_ONLY},
	{"shuffle-remotes", no_argument, NULL, OPT_SHUFFLE},
	{"no-shuffle-remotes", no_argument, NULL, OPT_NO_SHUFFLE},
	{"version", no_argument, NULL, 'V'},
	LOG_LONG_OPTIONS,
	TEXT_TABLE_LONG_OPTIONS,
	TLS_LONG_OPTIONS,
};

struct option_table {
	VEC(struct option) options;
	size_t n_global;
};

static void add_local_option(void *arg, const char *name, bool has_value)
{
	struct option_table *t = arg;
	struct option o = {xstrdup(name + 2), has_value ? required_argument : no_argument, NULL,
			   OPT_LOCAL};

	// An option of commands that is also ours is ours.
	for (size_t i = 0; i < t->n_global; i++)
		if (!strcmp(t->options.v[i].name, o.name)) {
			free((char *)o.name);
			return;
		}
	vec_push(&t->options, o);
}

static void option_table_init(struct option_table *t, const struct ctl_program *program)
{
	*t = (struct option_table){.n_global = sizeof(global_options) / sizeof(global_options[0])};
	for (size_t i = 0; i < t->n_global; i++)
		vec_push(&t->options, global_options[i]);
	ctl_foreach_option(program, add_local_option, t);
	vec_push(&t->options, (struct option){0});
}

static void option_table_done(struct option_table *t)
{
	for (size_t i = t->n_global; i < t->options.n; i++)
		free((char *)t->options.v[i].name);
	vec_done(&t->options);
}

static void print_options(const struct option_table *t)
{
	struct option_table globals = *t;

	globals.options.v = xmemdup(t->options.v, t->options.n * sizeof(struct option));
	globals.options.v[t->n_global] = (struct option){0};
	usage_print_options(globals.options.v, short_options);
	vec_done(&globals.options);
}

static void handle_common_option(struct options *o, int c)
{
	bool handled;

	if (log_option(c) || tls_option(&o->tls, c))
		return;
	die_of(text_table_parse_option(&o->style, c, optarg, &handled));
	if (!handled)
		exit(EXIT_FAILURE); // getopt has said why
}

static void handle_option(struct options *o, const struct option_table *t,
			  const struct ctl_program *program, int c, int index)
{
	char *name;

	switch (c) {
	case OPT_DB:
		free(o->db);
		o->db = xstrdup(optarg);
		break;
	case OPT_NO_SYSLOG:
		die_of(log_set_levels("vsctl:syslog:warn"));
		break;
	case OPT_NO_WAIT:
		o->no_wait = true;
		break;
	case OPT_DRY_RUN:
		o->dry_run = true;
		break;
	case OPT_ONELINE:
		o->oneline = true;
		break;
	case OPT_RETRY:
		o->retry = true;
		break;
	case 't':
		if (parse_u32(optarg, 10, &o->timeout) || !o->timeout)
			die("value %s on -t or --timeout is invalid", optarg);
		break;
	case OPT_LEADER_ONLY:
	case OPT_NO_LEADER_ONLY:
		o->leader_only = c == OPT_LEADER_ONLY;
		break;
	case OPT_SHUFFLE:
	case OPT_NO_SHUFFLE:
		o->shuffle = c == OPT_SHUFFLE;
		break;
	case OPT_LOCAL:
		name = xasprintf("--%s", t->options.v[index].name);
		// With its "=", as the command line's parser keeps it.
		if (optarg) {
			char *value = xasprintf("=%s", optarg);

			smap_set(&o->local, name, value);
			free(value);
		} else {
			smap_set(&o->local, name, "");
		}
		free(name);
		break;
	case 'h':
		usage_print();
		exit(EXIT_SUCCESS);
	case 'V':
		version_print(log_program());
		printf("DB Schema %s\n", VSWITCH_DB_VERSION);
		exit(EXIT_SUCCESS);
	case OPT_COMMANDS:
		ctl_print_commands(program);
		exit(EXIT_SUCCESS);
	case OPT_OPTIONS:
		print_options(t);
		exit(EXIT_SUCCESS);
	default:
		handle_common_option(o, c);
	}
}

static void parse_options(struct options *o, const struct ctl_program *program, int argc,
			  char *argv[])
{
	struct option_table t;
	int c, index = 0;

	*o = (struct options){.style = TEXT_TABLE_STYLE_INIT, .shuffle = true, .leader_only = true};
	o->style.format = TEXT_TABLE_LIST;
	option_table_init(&t, program);
	while ((c = getopt_long(argc, argv, short_options, t.options.v, &index)) >= 0)
		handle_option(o, &t, program, c, index);
	option_table_done(&t);
	if (!o->db)
		o->db = xasprintf("unix:%s/db.sock", dir_run());
}

// --- One run

struct run {
	struct vsctl v;
	struct options o;
	struct ctl_commands commands;
	struct loop *loop;
	struct stream_tls *tls;
	struct loop_timer timeout;
	char *command_line;
};

static void on_timeout(void *arg)
{
	ctl_die_of_alarm();
}

static void wait_for_event(struct run *r)
{
	int code = dbclient_failure(r->v.ctl.db);

	if (code)
		die("%s: database connection failed (%s)", r->o.db,
		    code == EOF ? "End of file" : strerror(code));
	loop_run_once(r->loop, -1);
}

static void check_symbols(const struct symtab *symtab)
{
	for (const struct symbol *s = symtab->symbols; s; s = s->hh.next) {
		if (!s->created)
			die("row id \"%s\" is referenced but never created (e.g. with \"-- --id=%s "
			    "create ...\")",
			    s->name, s->name);
		if (!s->strong_ref)
			log_warn("row id \"%s\" was created but %s reference to it was inserted, "
				 "so it will not "
				 "actually appear in the database",
				 s->name, s->weak_ref ? "only a weak" : "no");
	}
}

static void start_try(struct run *r)
{
	struct vsctl *v = &r->v;

	VEC_FOREACH (&v->added_ifaces, i)
		free(v->added_ifaces.v[i]);
	vec_clear(&v->added_ifaces);
	dbclient_changes_done(v->ctl.db);
	v->ctl.txn = dbtxn_new(v->ctl.db);
	v->open = dbclient_first(v->ctl.db, &db_open_vswitch_class);
	if (!v->open)
		v->open = dbtxn_insert(v->ctl.txn, &db_open_vswitch_class);
}

static void end_try(struct run *r)
{
	vsctl_model_clear(&r->v);
	dbtxn_free(r->v.ctl.txn);
	r->v.ctl.txn = NULL;
}

static enum dbtxn_status commit(struct run *r)
{
	struct dbtxn *txn = r->v.ctl.txn;
	char *parent = ctl_parent_name();

	if (*parent)
		dbtxn_comment(txn, "%s (invoked by %s): %s", log_program(), parent,
			      r->command_line);
	else
		dbtxn_comment(txn, "%s: %s", log_program(), r->command_line);
	free(parent);
	if (r->o.dry_run)
		dbtxn_set_dry_run(txn);
	if (!r->o.no_wait)
		dbtxn_increment(txn, r->v.open, DB_OPEN_VSWITCH_NEXT_CFG, false);
	// Everything that needs rows of the replica is done: the loop may change it now.
	vsctl_model_clear(&r->v);
	dbtxn_commit(txn, NULL, NULL);
	while (dbtxn_get_status(txn) == DBTXN_INCOMPLETE)
		wait_for_event(r);
	return dbtxn_get_status(txn);
}

// We made the one row of Open_vSwitch, and meanwhile somebody else did.
static bool another_was_first(const struct run *r)
{
	if (r->v.open->present)
		return false;
	DB_FOREACH (db_open_vswitch, row, r->v.ctl.db)
		if (row->row.present)
			return true;
	return false;
}

// True when it is done, false to try again after the database changed.
static bool try_once(struct run *r)
{
	struct ctl *ctl = &r->v.ctl;
	bool again;

	start_try(r);
	die_of(ctl_run_commands(ctl, &r->commands, &again));
	if (ctl->exit_status)
		return true;
	if (again)
		return false;
	check_symbols(&ctl->symtab);
	switch (commit(r)) {
	case DBTXN_UNCHANGED:
	case DBTXN_SUCCESS:
		return true;
	case DBTXN_TRY_AGAIN:
		return false;
	case DBTXN_NOT_LOCKED:
		die("database not locked");
	case DBTXN_ERROR:
		if (another_was_first(r))
			return false;
		ctl_log_transaction_error(dbtxn_error(ctl->txn));
		die("transaction error: %s", dbtxn_error(ctl->txn));
	case DBTXN_OPEN:
	case DBTXN_INCOMPLETE:
		break;
	}
	return false;
}

static void print_outputs(struct run *r)
{
	for (size_t i = 0; i < r->commands.n; i++) {
		struct ctl_context *c = &r->commands.v[i];

		if (c->command->after)
			c->command->after(c);
		ctl_print_output(c, r->o.oneline, &r->o.style);
	}
	fflush(stdout);
}

static int64_t current_config(const struct run *r)
{
	struct db_open_vswitch *open = DB_FIRST(db_open_vswitch, r->v.ctl.db);

	// The database may have been emptied meanwhile: then nobody will apply anything.
	return open ? open->cur_cfg : INT64_MAX;
}

static struct db_interface *find_interface(const struct run *r, const char *name)
{
	DB_FOREACH (db_interface, iface, r->v.ctl.db)
		if (!strcmp(iface->name, name))
			return iface;
	return NULL;
}

// Says which of the interfaces that we added the switch could not set up.
static void report_failures(const struct run *r)
{
	bool any = false;

	VEC_FOREACH (&r->v.added_ifaces, i) {
		const char *name = r->v.added_ifaces.v[i];
		const struct db_interface *iface = find_interface(r, name);

		if (!iface || !iface->n_ofport || iface->ofport != -1)
			continue;
		any = true;
		fprintf(stderr,
			"%s: Error detected while setting up '%s'%s%s.  See ovs-vswitchd log for "
			"details.\n",
			log_program(), name, iface->error ? ": " : "",
			iface->error ? iface->error : "");
	}
	if (any)
		fprintf(stderr, "%s: The default log directory is \"%s\".\n", log_program(),
			dir_log());
}

static void wait_for_switch(struct run *r, int64_t wanted)
{
	while (current_config(r) < wanted)
		wait_for_event(r);
	report_failures(r);
}

static void prepare(struct run *r)
{
	struct dbclient *db = r->v.ctl.db;

	// One column of it in any case, for its row.
	dbclient_monitor_column(db, &db_open_vswitch_class, DB_OPEN_VSWITCH_CUR_CFG, DB_READ);
	for (size_t i = 0; i < r->commands.n; i++)
		die_of(r->commands.v[i].command->prepare(&r->commands.v[i]));
	vsctl_scope_narrow(&r->v, &r->commands);
}

static void connect_database(struct run *r)
{
	struct error *error = dbclient_start(r->v.ctl.db);

	if (error) {
		error_free(error);
		die("%s: database connection failed (%s)", r->o.db, strerror(EAFNOSUPPORT));
	}
	while (!dbclient_has_data(r->v.ctl.db))
		wait_for_event(r);
}

// A name may be in use where a narrow look does not reach.
static void see_enough(struct run *r)
{
	if (vsctl_scope_widen(&r->v))
		while (!dbclient_conditions_met(r->v.ctl.db))
			wait_for_event(r);
}

static void run(struct run *r)
{
	struct dbtxn *txn;

	for (;;) {
		see_enough(r);
		uint64_t seqno = dbclient_seqno(r->v.ctl.db);

		if (try_once(r))
			break;
		end_try(r);
		while (seqno == dbclient_seqno(r->v.ctl.db) || !dbclient_is_current(r->v.ctl.db))
			wait_for_event(r);
	}
	txn = r->v.ctl.txn;
	if (!r->v.ctl.exit_status) {
		print_outputs(r);
		if (!r->o.no_wait && !r->o.dry_run && dbtxn_get_status(txn) == DBTXN_SUCCESS)
			wait_for_switch(r, dbtxn_increment_result(txn));
	}
	end_try(r);
}

static void run_done(struct run *r)
{
	VEC_FOREACH (&r->v.added_ifaces, i)
		free(r->v.added_ifaces.v[i]);
	vec_done(&r->v.added_ifaces);
	symtab_done(&r->v.ctl.symtab);
	ctl_commands_done(&r->commands);
	dbclient_free(r->v.ctl.db);
	loop_timer_cancel(&r->timeout);
	loop_free(r->loop);
	stream_tls_free(r->tls);
	tls_options_done(&r->o.tls);
	smap_done(&r->o.local);
	free(r->o.db);
	free(r->command_line);
}

static struct ctl_command *collect_commands(void)
{
	static const struct ctl_command *const groups[] = {
		vsctl_switch_commands, vsctl_bridge_commands,	vsctl_port_commands,
		vsctl_remote_commands, vsctl_datapath_commands,
	};
	VEC(struct ctl_command) all = {0};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (const struct ctl_command *c = groups[i]; c->name; c++)
			vec_push(&all, *c);
	vec_push(&all, (struct ctl_command){0});
	return all.v;
}

int main(int argc, char *argv[])
{
	struct ctl_command *commands = collect_commands();
	const struct ctl_program program = {
		.description = "ovs-vswitchd management utility",
		.database = &vswitch_db,
		.commands = commands,
		.row_ids = vsctl_row_ids,
		.show = vsctl_show,
	};
	struct run r = {.v.ctl = {.program = &program}};
	int status;

	signal(SIGPIPE, SIG_IGN);
	log_set_program(argv[0]);
	die_of(log_set_levels("console:warn"));
	r.v.ctl.data = &r.v;
	r.command_line = ctl_join_arguments(argv);
	parse_options(&r.o, &program, argc, argv);
	log_info("Called as %s", r.command_line);
	die_of(ctl_parse_commands(&r.v.ctl, argc - optind, argv + optind, &r.o.local, &r.commands));
	r.loop = loop_new();
	r.tls = tls_start(&r.o.tls);
	stream_tls_attach(r.tls, r.loop);
	loop_timer_init(&r.timeout, r.loop, on_timeout, &r);
	if (r.o.timeout)
		loop_timer_set_in(&r.timeout, (int64_t)r.o.timeout * 1000);
	r.v.waits = !r.o.no_wait;
	r.v.ctl.db = dbclient_new(r.loop, &vswitch_db, r.o.db, NULL, NULL);
	dbclient_set_retry(r.v.ctl.db, r.o.retry);
	dbclient_set_shuffle(r.v.ctl.db, r.o.shuffle);
	dbclient_set_leader_only(r.v.ctl.db, r.o.leader_only);
	prepare(&r);
	connect_database(&r);
	run(&r);
	status = r.v.ctl.exit_status;
	run_done(&r);
	free(commands);
	return status;
}
