/* SPDX-License-Identifier: Apache-2.0 */
// A program on src/dbclient for test_dbclient.py, which drives it by lines on stdin:
//
//	condition TABLE JSON	the table's condition, null for all rows
//	reconnect		drops the connection
//	until N			answers "reached" when Open_vSwitch.next_cfg is N or more and the
//conditions are met
//	count N			N times adds one to external_ids:count of the bridge, each time
//verified, and again when somebody else 				was faster; answers "counted RETRIES"
//	dump TABLE		the rows as JSON
//
// It keeps a second copy, made of change tracking alone, and ends with a message if that differs
// from the replica.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "dbclient/dbclass.h"
#include "dbclient/dbtxn_datum.h"
#include "dbclient/vswitch_db.h"
#include "loop/loop.h"

struct follower {
	struct loop *loop;
	struct dbclient *db;
	struct str input;
	json_t *shadow; // {table: {UUID: {column: value}}}, from changes
	int64_t until;	// -1: nobody waits
	int to_count, retries;
	uint64_t tried_at; // seqno of the replica when it last tried
	struct dbtxn *txn;
};

static json_t *row_to_json(const struct db_row *row)
{
	const struct db_table_class *class = dbclient_row_class(row);
	json_t *json = json_object();
	for (unsigned int c = 0; c < class->n_columns; c++)
		json_object_set_new(json, class->columns[c].name,
				    datum_to_json(dbclient_read(row, c)));
	return json;
}

static json_t *table_to_json(const struct follower *f, const struct db_table_class *class)
{
	json_t *rows = json_object();
	for (struct db_row *row = dbclient_first(f->db, class); row; row = dbclient_next(row)) {
		char uuid[UUID_TEXT_LEN + 1];
		snprintf(uuid, sizeof(uuid), UUID_FORMAT, UUID_ARGS(&row->uuid));
		json_object_set_new(rows, uuid, row_to_json(row));
	}
	return rows;
}

static void __attribute__((noreturn)) die(const char *what, const char *table)
{
	fprintf(stderr, "db_follower: %s %s\n", what, table);
	_exit(3);
}

static void track(struct follower *f, const struct db_table_class *class)
{
	json_t *rows = json_object_get(f->shadow, class->name);
	if (!rows) {
		rows = json_object();
		json_object_set_new(f->shadow, class->name, rows);
	}
	for (struct db_row *row = dbclient_first_changed(f->db, class); row;
	     row = dbclient_next_changed(row)) {
		char uuid[UUID_TEXT_LEN + 1];
		snprintf(uuid, sizeof(uuid), UUID_FORMAT, UUID_ARGS(&row->uuid));
		bool known = json_object_get(rows, uuid);
		if (known == (row->change == DB_INSERTED))
			die("a change that does not fit in", class->name);
		if (row->change == DB_DELETED) {
			json_object_del(rows, uuid);
			continue;
		}
		if (row->change == DB_MODIFIED && !row->changed)
			die("a modified row without a column in", class->name);
		// Only what is said to have changed is looked at.
		json_t *have = json_object_get(rows, uuid), *columns = row_to_json(row);
		for (unsigned int c = 0; have && c < class->n_columns; c++)
			if (!db_row_changed(row, c))
				json_object_del(columns, class->columns[c].name);
		if (have)
			json_object_update(have, columns);
		else
			json_object_set(rows, uuid, columns);
		json_decref(columns);
	}
}

static void check_shadow(struct follower *f)
{
	for (unsigned int i = 0; i < vswitch_db.n_tables; i++) {
		json_t *rows = table_to_json(f, vswitch_db.tables[i]);
		json_t *shadow = json_object_get(f->shadow, vswitch_db.tables[i]->name);
		if (shadow ? !json_equal(rows, shadow) : json_object_size(rows) > 0)
			die("changes do not add up in", vswitch_db.tables[i]->name);
		json_decref(rows);
	}
}

// --- Counting.

static void count_once(struct follower *f);

static void counted(void *arg, struct dbtxn *txn)
{
	struct follower *f = arg;
	enum dbtxn_status status = dbtxn_get_status(txn);
	if (status == DBTXN_SUCCESS)
		f->to_count--;
	else if (status == DBTXN_TRY_AGAIN)
		f->retries++;
	else
		die("transaction:", dbtxn_error(txn));
	dbtxn_free(txn);
	f->txn = NULL;
	if (!f->to_count && status == DBTXN_SUCCESS)
		printf("counted %d\n", f->retries);
	fflush(stdout);
	// After a conflict there is no point in trying before the change that caused it has come.
	if (status == DBTXN_SUCCESS || dbclient_seqno(f->db) != f->tried_at)
		count_once(f);
}

// One attempt, on what the replica has now. If it is out of date, the next change brings us back
// here.
static void count_once(struct follower *f)
{
	struct db_bridge *bridge = DB_FIRST(db_bridge, f->db);
	if (!f->to_count || f->txn || !bridge || !dbclient_is_current(f->db))
		return;
	const char *old = smap_find(&bridge->external_ids, "count");
	char *new = xasprintf("%d", (old ? atoi(old) : 0) + 1);
	struct dbtxn *txn = dbtxn_new(f->db);
	dbtxn_verify(txn, &bridge->row, DB_BRIDGE_EXTERNAL_IDS);
	db_bridge_put_external_ids(txn, bridge, "count", new);
	f->txn = txn;
	f->tried_at = dbclient_seqno(f->db);
	if (dbtxn_commit(txn, counted, f) != DBTXN_INCOMPLETE)
		counted(f, txn);
	free(new);
}

// --- Commands.

static void on_changed(void *arg)
{
	struct follower *f = arg;
	for (unsigned int i = 0; i < vswitch_db.n_tables; i++)
		track(f, vswitch_db.tables[i]);
	dbclient_changes_done(f->db);
	check_shadow(f);
	struct db_open_vswitch *open = DB_FIRST(db_open_vswitch, f->db);
	if (f->until >= 0 && open && open->next_cfg >= f->until && dbclient_conditions_met(f->db)) {
		f->until = -1;
		puts("reached");
		fflush(stdout);
	}
	count_once(f);
}

static void handle(struct follower *f, char *line)
{
	const char *command = strsep(&line, " "), *first = line ? strsep(&line, " ") : "";
	const struct db_table_class *class = db_class_find_table(&vswitch_db, first);
	if (!strcmp(command, "condition") && class && line) {
		json_t *where = json_loads(line, JSON_DECODE_ANY, NULL);
		dbclient_set_condition(f->db, class, json_is_null(where) ? NULL : where);
	} else if (!strcmp(command, "reconnect")) {
		dbclient_force_reconnect(f->db);
	} else if (!strcmp(command, "until")) {
		f->until = atoll(first);
		on_changed(f);
	} else if (!strcmp(command, "count")) {
		f->to_count = atoi(first);
		f->retries = 0;
		count_once(f);
	} else if (!strcmp(command, "dump") && class) {
		json_t *rows = table_to_json(f, class);
		char *text = json_dumps(rows, JSON_SORT_KEYS | JSON_COMPACT);
		puts(text);
		fflush(stdout);
		free(text);
		json_decref(rows);
	} else {
		die("what is", command);
	}
}

static void on_input(void *arg, int fd, int events)
{
	struct follower *f = arg;
	char buffer[4096], *newline;
	ssize_t n = read(fd, buffer, sizeof(buffer));
	if (n <= 0) {
		loop_stop(f->loop);
		return;
	}
	str_addn(&f->input, buffer, (size_t)n);
	while ((newline = strchr(str_cstr(&f->input), '\n'))) {
		char *line = xstrndup(f->input.s, (size_t)(newline - f->input.s));
		char *rest = xstrdup(newline + 1);
		str_clear(&f->input);
		str_add(&f->input, rest);
		handle(f, line);
		free(rest);
		free(line);
	}
}

int main(int argc, char *argv[])
{
	struct follower f = {
		.loop = loop_new(), .input = STR_INIT, .shadow = json_object(), .until = -1};
	signal(SIGPIPE, SIG_IGN);
	f.db = dbclient_new(f.loop, &vswitch_db, argv[1], on_changed, &f);
	for (unsigned int i = 0; i < vswitch_db.n_tables; i++)
		dbclient_monitor_table(f.db, vswitch_db.tables[i], DB_READ);
	struct error *error =
		argc > 1 ? dbclient_start(f.db) : error_new("usage: db_follower TARGET");
	if (error)
		die("cannot start:", error_text(error));
	struct loop_fd *input = loop_fd_add(f.loop, STDIN_FILENO, LOOP_READ, on_input, &f);
	loop_run(f.loop);
	loop_fd_remove(input);
	dbtxn_free(f.txn);
	dbclient_free(f.db);
	loop_free(f.loop);
	str_done(&f.input);
	json_decref(f.shadow);
	return 0;
}
