/* SPDX-License-Identifier: Apache-2.0 */
#include "dbclient/dbtxn_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"

struct dbtxn *dbtxn_new(struct dbclient *c)
{
	struct dbtxn *txn = XNEW(struct dbtxn);

	assert(!c->open);
	c->open = txn;
	txn->client = c;
	txn->rows_end = &txn->rows;
	txn->request_id = -1;
	return txn;
}

static bool row_is_live(const struct dbtxn_row *tr)
{
	// A deleted insert never was; the others are the replica's.
	return tr->row;
}

void dbtxn_detach_rows(struct dbtxn *txn)
{
	for (struct dbtxn_row *tr = txn->rows; tr; tr = tr->next) {
		if (!row_is_live(tr))
			continue;
		if (tr->inserted) {
			tr->row->txn = tr;
			continue;
		}
		tr->row->txn = NULL;
		tr->row = NULL;
	}
	txn->increment_row = NULL;
	if (txn->client->open == txn)
		txn->client->open = NULL;
}

static void column_done(struct txn_column *tc)
{
	if (tc->written || tc->mutated)
		datum_done(&tc->value);
	if (tc->mutated) {
		datum_done(&tc->added);
		datum_done(&tc->removed);
	}
}

static void columns_clear(struct dbtxn_row *tr)
{
	for (size_t i = 0; i < tr->n_columns; i++)
		column_done(&tr->columns[i]);
	free(tr->columns);
	tr->columns = NULL;
	tr->n_columns = 0;
}

void dbtxn_free(struct dbtxn *txn)
{
	struct dbtxn_row *next;

	if (!txn)
		return;
	if (txn->status == DBTXN_OPEN)
		dbtxn_detach_rows(txn);
	for (struct dbtxn **p = &txn->client->sent; *p; p = &(*p)->next_sent) {
		if (*p == txn) {
			*p = txn->next_sent;
			break;
		}
	}
	HASH_CLEAR(hh, txn->inserts);
	for (struct dbtxn_row *tr = txn->rows; tr; tr = next) {
		next = tr->next;
		columns_clear(tr);
		if (tr->row && tr->inserted)
			row_free(tr->row);
		free(tr);
	}
	str_done(&txn->comment);
	free(txn->error);
	free(txn);
}

static struct dbtxn_row *touch_row(struct dbtxn *txn, struct db_row *row)
{
	struct dbtxn_row *tr = row->txn;

	assert(txn->status == DBTXN_OPEN);
	if (tr) {
		assert(tr->txn == txn);
		return tr;
	}
	tr = XNEW(struct dbtxn_row);
	tr->txn = txn;
	tr->row = row;
	tr->uuid = row->uuid;
	*txn->rows_end = tr;
	txn->rows_end = &tr->next;
	row->txn = tr;
	return tr;
}

static struct txn_column *find_column(const struct dbtxn_row *tr, unsigned int column)
{
	for (size_t i = 0; i < tr->n_columns; i++)
		if (tr->columns[i].column == column)
			return &tr->columns[i];
	return NULL;
}

static struct txn_column *touch_column(struct dbtxn_row *tr, unsigned int column)
{
	struct txn_column *tc = find_column(tr, column);

	if (tc)
		return tc;
	tr->columns = xrealloc(tr->columns, (tr->n_columns + 1) * sizeof(*tr->columns));
	tc = &tr->columns[tr->n_columns++];
	*tc = (struct txn_column){.column = column};
	return tc;
}

// --- Reading

const struct column_type *
dbclient_column_type(struct dbclient *c, const struct db_table_class *class, unsigned int column)
{
	return table_column_type(replica_table(&c->replica, class), column);
}

const struct db_table_class *dbclient_row_class(const struct db_row *row)
{
	return row->table->class;
}

const struct datum *dbclient_read(const struct db_row *row, unsigned int column)
{
	const struct datum *d = row_datum(row, column);

	return d ? d : table_column_default(row->table, column);
}

const struct datum *dbtxn_read(const struct db_row *row, unsigned int column)
{
	const struct txn_column *tc = row->txn ? find_column(row->txn, column) : NULL;

	return tc && (tc->written || tc->mutated) ? &tc->value : dbclient_read(row, column);
}

bool dbtxn_is_inserted(const struct db_row *row)
{
	return row->txn && row->txn->inserted;
}

bool dbtxn_is_deleted(const struct db_row *row)
{
	return row->txn && row->txn->deleted;
}

static struct db_row *first_inserted(const struct dbtxn_row *tr, const struct db_table *t)
{
	for (; tr; tr = tr->next)
		if (tr->inserted && tr->row && tr->row->table == t)
			return tr->row;
	return NULL;
}

// From `row`, which is the replica's, on; then those that the transaction inserted.
static struct db_row *skip_deleted(const struct dbclient *c, struct db_row *row,
				   const struct db_table *t)
{
	while (row && dbtxn_is_deleted(row))
		row = dbclient_next(row);
	if (row || !c->open)
		return row;
	return first_inserted(c->open->rows, t);
}

struct db_row *dbtxn_first(const struct dbclient *c, const struct db_table_class *class)
{
	return skip_deleted(c, dbclient_first(c, class), replica_table(&c->replica, class));
}

struct db_row *dbtxn_next(const struct db_row *row)
{
	const struct dbclient *c = row->table->replica->client;

	if (dbtxn_is_inserted(row))
		return first_inserted(row->txn->next, row->table);
	return skip_deleted(c, dbclient_next(row), row->table);
}

const struct dbtxn_row *dbtxn_find_insert(const struct dbtxn *txn, const struct uuid *uuid)
{
	struct dbtxn_row *tr;

	HASH_FIND(hh, txn->inserts, uuid, sizeof(*uuid), tr);
	return tr;
}

struct db_row *dbtxn_find(const struct dbclient *c, const struct db_table_class *class,
			  const struct uuid *uuid)
{
	struct db_row *row = dbclient_find(c, class, uuid);
	const struct dbtxn_row *tr;

	if (row)
		return dbtxn_is_deleted(row) ? NULL : row;
	tr = c->open ? dbtxn_find_insert(c->open, uuid) : NULL;
	return tr && tr->row && tr->row->table->class == class ? tr->row : NULL;
}

// --- Changing

struct db_row *dbtxn_insert_as(struct dbtxn *txn, const struct db_table_class *class,
			       const struct uuid *temporary)
{
	struct db_row *row = row_new(replica_table(&txn->client->replica, class), temporary, false);
	struct dbtxn_row *tr = touch_row(txn, row);

	tr->inserted = true;
	txn->n_inserted++;
	HASH_ADD(hh, txn->inserts, uuid, sizeof(tr->uuid), tr);
	return row;
}

struct db_row *dbtxn_insert(struct dbtxn *txn, const struct db_table_class *class)
{
	struct uuid uuid = uuid_random();

	return dbtxn_insert_as(txn, class, &uuid);
}

struct db_row *dbtxn_insert_uuid(struct dbtxn *txn, const struct db_table_class *class,
				 const struct uuid *uuid)
{
	struct db_row *row = dbtxn_insert_as(txn, class, uuid);

	row->txn->keeps_uuid = true;
	return row;
}

void dbtxn_delete(struct dbtxn *txn, struct db_row *row)
{
	struct dbtxn_row *tr = touch_row(txn, row);

	columns_clear(tr);
	tr->deleted = true;
	if (tr->inserted) {
		HASH_DEL(txn->inserts, tr);
		tr->inserted = false;
		txn->n_inserted--;
		tr->row = NULL;
		row_free(row);
	}
}

void dbtxn_write(struct dbtxn *txn, struct db_row *row, unsigned int column, struct datum *value)
{
	struct dbtxn_row *tr = touch_row(txn, row);
	struct txn_column *tc;

	if (tr->deleted) {
		datum_done(value);
		return;
	}
	tc = touch_column(tr, column);
	column_done(tc);
	tc->mutated = false;
	tc->written = true;
	tc->value = *value;
}

// The column, ready for mutations, or with a value that is simply changed: of inserts and after a
// write.
static struct txn_column *start_mutation(struct dbtxn *txn, struct db_row *row, unsigned int column)
{
	const struct db_column *c = &row->table->class->columns[column];
	struct dbtxn_row *tr = touch_row(txn, row);
	struct txn_column *tc;

	if (tr->deleted)
		return NULL;
	tc = touch_column(tr, column);
	if (tc->written || tc->mutated)
		return tc;
	if (tr->inserted) {
		// From nothing, not from the default, which in a required set of references is a
		// row that never exists.
		datum_init_empty(&tc->value, c->key, c->value);
		tc->written = true;
		return tc;
	}
	datum_copy(&tc->value, dbclient_read(row, column));
	tc->mutated = true;
	datum_init_empty(&tc->added, c->key, c->value);
	datum_init_empty(&tc->removed, c->key, ATOM_VOID);
	return tc;
}

void dbtxn_add(struct dbtxn *txn, struct db_row *row, unsigned int column, const struct datum *d)
{
	struct txn_column *tc = start_mutation(txn, row, column);

	if (!tc)
		return;
	datum_union(&tc->value, d, true);
	if (tc->mutated) {
		datum_union(&tc->added, d, true);
		for (size_t i = 0; i < d->n; i++) {
			size_t at = datum_find(&tc->removed, datum_key(d, i));

			if (at != SIZE_MAX)
				datum_remove_at(&tc->removed, at);
		}
	}
}

static void remove_keys(struct datum *d, const struct datum *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		size_t at = datum_find(d, datum_key(keys, i));

		if (at != SIZE_MAX)
			datum_remove_at(d, at);
	}
}

void dbtxn_remove(struct dbtxn *txn, struct db_row *row, unsigned int column,
		  const struct datum *keys)
{
	struct txn_column *tc = start_mutation(txn, row, column);

	if (!tc)
		return;
	remove_keys(&tc->value, keys);
	if (tc->mutated) {
		remove_keys(&tc->added, keys);
		datum_union(&tc->removed, keys, false);
	}
}

void dbtxn_verify(struct dbtxn *txn, struct db_row *row, unsigned int column)
{
	struct dbtxn_row *tr = touch_row(txn, row);

	// A row that this transaction makes cannot be changed by others; a column that we do not
	// have cannot be compared.
	if (!tr->inserted && row_datum(row, column))
		touch_column(tr, column)->verify = true;
}

void dbtxn_increment(struct dbtxn *txn, struct db_row *row, unsigned int column, bool force)
{
	assert(!txn->increment_row ||
	       (txn->increment_row == row && txn->increment_column == column));
	txn->increment_row = row;
	txn->increment_column = column;
	txn->increment_force |= force;
}

void dbtxn_comment(struct dbtxn *txn, const char *format, ...)
{
	va_list args;

	if (txn->comment.len)
		str_addc(&txn->comment, '\n');
	va_start(args, format);
	str_addv(&txn->comment, format, args);
	va_end(args);
}

void dbtxn_set_dry_run(struct dbtxn *txn)
{
	txn->dry_run = true;
}

// --- Asking

enum dbtxn_status dbtxn_get_status(const struct dbtxn *txn)
{
	return txn->status;
}

const char *dbtxn_error(const struct dbtxn *txn)
{
	return txn->error ? txn->error : "";
}

const char *dbtxn_status_name(enum dbtxn_status status)
{
	switch (status) {
	case DBTXN_OPEN:
		return "uncommitted";
	case DBTXN_UNCHANGED:
		return "unchanged";
	case DBTXN_INCOMPLETE:
		return "incomplete";
	case DBTXN_SUCCESS:
		return "success";
	case DBTXN_TRY_AGAIN:
		return "try again";
	case DBTXN_NOT_LOCKED:
		return "not locked";
	case DBTXN_ERROR:
		return "error";
	}
	return "?";
}

int64_t dbtxn_increment_result(const struct dbtxn *txn)
{
	return txn->increment_result;
}

bool dbtxn_inserted_uuid(const struct dbtxn *txn, const struct db_row *row, struct uuid *uuid)
{
	for (const struct dbtxn_row *tr = txn->rows; tr; tr = tr->next) {
		if (tr->row != row || !tr->inserted || txn->status != DBTXN_SUCCESS)
			continue;
		*uuid = tr->real;
		return true;
	}
	return false;
}
