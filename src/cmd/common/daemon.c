/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/common/daemon.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/log.h"
#include "cmd/common/command.h"

LOG_MODULE(daemon);

// A process has one pidfile and one parent to tell: this is state of main(), which is why it may
// live here.
static char *pidfile;
static int pidfile_fd = -1;
static pid_t pidfile_owner;
static int ready_fd = -1;
static bool detached, chdir_wanted;

bool log_option(int c)
{
	struct error *e = NULL;
	switch (c) {
	case LOG_OPT_VERBOSE:
		if (optarg)
			e = error_wrap(log_set_levels(optarg), "processing \"%s\"", optarg);
		else
			log_set_verbose();
		break;
	case LOG_OPT_FILE:
		e = log_open_file(optarg);
		break;
	case LOG_OPT_SYSLOG_METHOD:
		e = log_set_syslog_method(optarg);
		break;
	case LOG_OPT_SYSLOG_TARGET:
		e = log_set_syslog_target(optarg);
		break;
	default:
		return false;
	}
	if (e)
		command_die("%s", error_text(e));
	return true;
}

// "[USER][:[GROUP]]": without a user the one we are, without a group the user's.
static void take_user(struct daemon_options *o, const char *text)
{
	char *name = xstrdup(text), *group = strchr(name, ':');
	if (group)
		*group++ = '\0';
	struct passwd *pw = *name ? getpwnam(name) : getpwuid(geteuid());
	if (!pw)
		command_die("user %s not found, aborting.", name);
	o->change_user = true;
	o->uid = pw->pw_uid;
	o->gid = pw->pw_gid;
	if (group && *group) {
		struct group *gr = getgrnam(group);
		if (!gr)
			command_die("group %s not found, aborting.", group);
		o->gid = gr->gr_gid;
	}
	free(name);
}

bool daemon_option(struct daemon_options *o, int c)
{
	switch (c) {
	case DAEMON_OPT_DETACH:
		o->detach = true;
		return true;
	case DAEMON_OPT_NO_SELF_CONFINEMENT:
		o->self_confinement = false; // there is none to switch off: connections are never
					     // confined to a directory
		return true;
	case DAEMON_OPT_NO_CHDIR:
		o->no_chdir = true;
		return true;
	case DAEMON_OPT_PIDFILE:
		o->want_pidfile = true;
		free(o->pidfile);
		o->pidfile = optarg ? dir_resolve(dir_run(), optarg) : NULL;
		return true;
	case DAEMON_OPT_OVERWRITE_PIDFILE:
		o->overwrite_pidfile = true;
		return true;
	case DAEMON_OPT_MONITOR:
		o->monitor = true;
		return true;
	case DAEMON_OPT_USER:
		take_user(o, optarg);
		return true;
	default:
		return log_option(c);
	}
}

void daemon_usage(void)
{
	printf("\nDaemon options:\n"
	       "  --detach                run in background as daemon\n"
	       "  --monitor               creates a process to monitor this daemon\n"
	       "  --user=username[:group] changes the effective daemon user:group\n"
	       "  --no-chdir              do not chdir to '/'\n"
	       "  --pidfile[=FILE]        create pidfile (default: %s/%s.pid)\n"
	       "  --overwrite-pidfile     with --pidfile, start even if already running\n",
	       dir_run(), log_program());
}

void log_usage(void)
{
	printf("\nLogging options:\n"
	       "  -vSPEC, --verbose=SPEC   set logging levels\n"
	       "  -v, --verbose            set maximum verbosity level\n"
	       "  --log-file[=FILE]        enable logging to specified FILE\n"
	       "                           (default: %s/%s.log)\n"
	       "  --syslog-method=(libc|unix:file|udp:ip:port|null)\n"
	       "                           how to send messages to the syslog daemon\n"
	       "  --syslog-target=IP:PORT  also send messages to IP:PORT by UDP\n",
	       dir_log(), log_program());
}

// The lock on the file, not its existence, says that the daemon runs: a crash leaves no lock
// behind.
static void open_pidfile(const struct daemon_options *o)
{
	pidfile =
		o->pidfile ? xstrdup(o->pidfile) : xasprintf("%s/%s.pid", dir_run(), log_program());
	int fd = open(pidfile, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		command_die("%s: create failed (%s)", pidfile, strerror(errno));
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_SETLK, &lock) < 0) {
		fcntl(fd, F_GETLK, &lock);
		if (!o->overwrite_pidfile)
			command_die("%s: already running as pid %ld, aborting", pidfile,
				    (long)lock.l_pid);
	}
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		command_die("%s: write failed (%s)", pidfile, strerror(errno));
	pidfile_fd = fd;
	pidfile_owner = getpid();
}

void daemon_done(void)
{
	if (pidfile && pidfile_owner == getpid()) {
		unlink(pidfile);
		close(pidfile_fd);
	}
	free(pidfile);
	pidfile = NULL;
}

// Forks. In the child *fd is where to write a byte when it is ready; the parent gets the reading
// end.
static pid_t fork_with_pipe(int *fd)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		command_die("pipe failed (%s)", strerror(errno));
	pid_t pid = fork();
	if (pid < 0)
		command_die("fork failed (%s)", strerror(errno));
	*fd = fds[pid == 0];
	close(fds[pid != 0]);
	return pid;
}

// Waits for the child's word. Exits as the child did when it dies before it is ready.
static void wait_ready(pid_t child, int fd)
{
	char byte;
	ssize_t n;
	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	close(fd);
	if (n == 1)
		return;
	int status = 0;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status))
		exit(WEXITSTATUS(status));
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s: child process died unexpectedly (%s)\n", log_program(),
			strsignal(WTERMSIG(status)));
	exit(EXIT_FAILURE);
}

static void tell_ready(void)
{
	if (ready_fd < 0)
		return;
	ssize_t n;
	do {
		n = write(ready_fd, "", 1);
	} while (n < 0 && errno == EINTR);
	close(ready_fd);
	ready_fd = -1;
}

static bool should_restart(int status)
{
	static const int fatal[] = {SIGABRT, SIGALRM, SIGBUS,  SIGFPE, SIGILL,
				    SIGPIPE, SIGSEGV, SIGXCPU, SIGXFSZ};
	for (size_t i = 0; WIFSIGNALED(status) && i < sizeof(fatal) / sizeof(fatal[0]); i++)
		if (WTERMSIG(status) == fatal[i])
			return true;
	return false;
}

static volatile sig_atomic_t monitored; // the worker, for the signal handler

static void forward_signal(int number)
{
	if (monitored > 0)
		kill((pid_t)monitored, number);
}

// A daemon in the background holds none of the files of whoever started it, who may wait for their
// end.
static void leave_console(void)
{
	int null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	struct error *e = log_set_levels("console:off");
	error_free(e);
}

// Returns when the next worker may start: at once after the first crash, later not before 10
// seconds since the last restart.
static void restart_pause(pid_t pid, int status, unsigned int crashes, time_t *last_restart)
{
	bool soon = crashes > 1 && time(NULL) < *last_restart + 10;
	log_at(soon ? LVL_WARN : LVL_ERR, "%u crashes: pid %ld died, killed (%s), %s", crashes,
	       (long)pid, strsignal(WTERMSIG(status)),
	       soon ? "waiting until 10 seconds since last restart" : "restarting");
	while (soon && time(NULL) < *last_restart + 10)
		sleep(1);
	*last_restart = time(NULL);
}

// The monitor: starts workers until one ends in a way that is not a crash. Only the worker returns
// from here.
static void monitor(void)
{
	int parent_fd = ready_fd;
	unsigned int crashes = 0;
	time_t last_restart = 0;
	ready_fd = -1;
	struct sigaction forward = {.sa_handler = forward_signal};
	for (;;) {
		int fd;
		pid_t pid = fork_with_pipe(&fd);
		if (pid == 0) {
			struct sigaction standard = {.sa_handler = SIG_DFL};
			sigaction(SIGTERM, &standard, NULL);
			sigaction(SIGINT, &standard, NULL);
			if (parent_fd >= 0)
				close(parent_fd);
			ready_fd = fd;
			return;
		}
		monitored = pid;
		sigaction(SIGTERM, &forward, NULL);
		sigaction(SIGINT, &forward, NULL);
		if (!crashes) {
			wait_ready(pid, fd);
			ready_fd = parent_fd;
			tell_ready();
			parent_fd = -1;
			if (detached)
				leave_console();
		} else {
			close(fd);
		}
		int status = 0;
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		monitored = 0;
		if (!should_restart(status)) {
			log_info("pid %ld ended with status 0x%x, exiting", (long)pid,
				 (unsigned int)status);
			exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SUCCESS);
		}
		restart_pause(pid, status, ++crashes, &last_restart);
	}
}

void daemon_start(const struct daemon_options *o)
{
	signal(SIGPIPE, SIG_IGN);
	detached = o->detach;
	chdir_wanted = o->detach && !o->no_chdir;
	if (o->detach) {
		int fd;
		pid_t pid = fork_with_pipe(&fd);
		if (pid) {
			wait_ready(pid, fd);
			_exit(EXIT_SUCCESS);
		}
		ready_fd = fd;
		setsid();
	}
	if (o->monitor)
		monitor();
	if (o->want_pidfile || o->pidfile)
		open_pidfile(o);
}

void daemon_ready(void)
{
	tell_ready();
	if (!detached)
		return;
	if (chdir_wanted && chdir("/") < 0)
		log_warn("cannot change to the root directory: %s", strerror(errno));
	leave_console();
}

void daemon_become_user(const struct daemon_options *o, bool keep_net_caps)
{
	if (!o->change_user)
		return;
	capng_clear(CAPNG_SELECT_BOTH);
	if (keep_net_caps)
		capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE,
			      CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BROADCAST, CAP_IPC_LOCK, -1);
	if (capng_change_id((int)o->uid, (int)o->gid, CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING) <
	    0)
		command_die("--user: cannot become user %ld, group %ld", (long)o->uid,
			    (long)o->gid);
}
