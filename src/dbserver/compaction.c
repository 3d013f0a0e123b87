/* SPDX-License-Identifier: Apache-2.0 */
#include "dbserver/compaction.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "ovsdb/record.h"

LOG_MODULE(ovsdb_compaction);

struct waiter {
	compaction_done_cb *done;
	void *arg;
};

struct compaction {
	struct served *served;
	pid_t child;
	int fd; // closed by the child's end
	struct loop_fd *watch;
	int64_t since; // size of the file when the child was forked
	VEC(struct waiter) waiters;
};

static void finish(struct compaction *c, struct db_error *error)
{
	struct database *d = c->served->d;
	char *text = error ? db_error_to_text(error) : NULL;
	c->served->compaction = NULL;
	d->compacted_at = clock_ms(); // also after a failure: not again at once
	if (text)
		log_warn("%s: compacting database failed: %s", database_name(d), text);
	free(text);
	if (c->watch) {
		loop_fd_remove(c->watch);
		close(c->fd);
	}
	if (!error && c->served->server->trim)
		malloc_trim(0);
	VEC_FOREACH (&c->waiters, i)
		if (c->waiters.v[i].done)
			c->waiters.v[i].done(c->waiters.v[i].arg, db_error_clone(error));
	db_error_free(error);
	vec_done(&c->waiters);
	free(c);
}

// --- The child.

static void __attribute__((noreturn))
write_file(const struct database *d, const char *comment, pid_t parent)
{
	struct str records[2] = {STR_INIT, STR_INIT};
	// Nobody would take the file.
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	(void)!nice(10);
	json_t *json = db_schema_to_json(d->db->schema);
	char *text = db_json_text(json);
	str_add(&records[0], text);
	db_record_from_db(d->db, clock_wall_ms(), comment, &records[1]);
	int error = journal_write_new(d->journal, records, 2);
	_exit(error > 0 && error < 255 ? error : 0);
}

static struct db_error *run_child(struct compaction *c, const char *comment)
{
	int fds[2];
	struct database *d = c->served->d;
	pid_t parent = getpid();
	if (pipe2(fds, O_CLOEXEC))
		return db_error_io(errno, "pipe failed");
	c->since = journal_size(d->journal);
	c->child = fork();
	if (c->child < 0) {
		int error = errno;
		close(fds[0]);
		close(fds[1]);
		return db_error_io(error, "fork failed");
	}
	if (!c->child) {
		close(fds[0]);
		write_file(d, comment, parent);
	}
	close(fds[1]);
	c->fd = fds[0];
	return NULL;
}

// --- The server.

static int reap(struct compaction *c)
{
	int status;
	while (waitpid(c->child, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static void on_child_end(void *compaction_, int fd, int events)
{
	struct compaction *c = compaction_;
	struct database *d = c->served->d;
	int failed = reap(c);
	struct db_error *error =
		failed ? db_error_io(failed, "%s: writing new database file failed", d->path)
		       : journal_adopt_new(d->journal, c->since);
	if (failed)
		journal_discard_new(d->journal);
	if (!error) {
		d->compacted_size = journal_size(d->journal);
		d->n_transactions = 1;
	}
	finish(c, error);
}

void compaction_start(struct served *served, const char *comment, compaction_done_cb *done,
		      void *arg)
{
	struct database *d = served->d;
	struct compaction *c = served->compaction;
	bool running = c;
	if (!running) {
		c = XNEW(struct compaction);
		c->served = served;
	}
	vec_push(&c->waiters, ((struct waiter){done, arg}));
	if (running)
		return;
	if (!d->journal) {
		finish(c, NULL);
		return;
	}
	// Where there is no second process to be had, clients wait.
	struct db_error *error = d->problem ? NULL : run_child(c, comment);
	if (error || d->problem) {
		db_error_free(error);
		finish(c, database_compact(d, comment));
		return;
	}
	served->compaction = c;
	c->watch = loop_fd_add(served->server->loop, c->fd, LOOP_READ, on_child_end, c);
}

void compaction_cancel(struct served *served)
{
	struct compaction *c = served->compaction;
	if (!c)
		return;
	kill(c->child, SIGKILL);
	(void)reap(c);
	journal_discard_new(served->d->journal);
	finish(c, db_error_new("ovsdb error", "%s: compaction was given up",
			       database_name(served->d)));
}
