/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

// How much is kept: so many values, and for each row in the database so many more.
enum { MIN_CELLS = 48 * 1024, CELLS_PER_ROW = 2, MAX_TRANSACTIONS = 16 * 1024 };

struct cell {
	unsigned int column;
	struct datum old;
};

enum change { ROW_INSERTED, ROW_DELETED, ROW_MODIFIED };

struct undo_row {
	const struct db_table *table;
	struct uuid uuid;
	enum change change;
	uint32_t n_cells; // of the entry's, in the order of rows; of a deleted row all columns
};

struct entry {
	struct uuid id;
	struct undo_row *rows;
	struct cell *cells;
	size_t n_rows, n_cells;
};

struct history {
	struct uuid base; // the state before the first entry
	// A ring: `n` entries from `first` on.
	struct entry *ring;
	size_t cap, first, n;
	size_t n_cells; // values and rows of all entries
};

static struct entry *entry_at(const struct history *h, size_t i)
{
	return &h->ring[(h->first + i) & (h->cap - 1)];
}

struct history *history_new(void)
{
	struct history *h = XNEW(struct history);
	h->base = uuid_random();
	return h;
}

static void entry_done(struct entry *e)
{
	for (size_t i = 0; i < e->n_cells; i++)
		datum_done(&e->cells[i].old);
	free(e->cells);
	free(e->rows);
}

static size_t entry_cost(const struct entry *e)
{
	return e->n_cells + e->n_rows;
}

static void drop_oldest(struct history *h)
{
	struct entry *e = entry_at(h, 0);
	h->base = e->id;
	h->n_cells -= entry_cost(e);
	entry_done(e);
	h->first = (h->first + 1) & (h->cap - 1);
	h->n--;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	while (h->n)
		drop_oldest(h);
	free(h->ring);
	free(h);
}

struct uuid history_last_id(const struct history *h)
{
	return h->n ? entry_at(h, h->n - 1)->id : h->base;
}

void history_set_last_id(struct history *h, const struct uuid *id)
{
	*(h->n ? &entry_at(h, h->n - 1)->id : &h->base) = *id;
}

size_t history_n_transactions(const struct history *h)
{
	return h->n;
}

size_t history_n_cells(const struct history *h)
{
	return h->n_cells;
}

// --- Adding.

static enum change change_of(const struct db_txn_row *r)
{
	return !r->old ? ROW_INSERTED : !r->row->fields ? ROW_DELETED : ROW_MODIFIED;
}

static bool is_kept(const struct db_txn_row *r, unsigned int column)
{
	return r->old && (!r->row->fields || db_txn_row_column_changed(r, column));
}

static size_t count_cells(const struct db_txn *txn)
{
	size_t n = 0;
	for (size_t i = 0; i < txn->n_changed; i++)
		for (unsigned int c = 0; c < txn->rows.v[i]->row->table->schema->n_columns; c++)
			n += is_kept(txn->rows.v[i], c);
	return n;
}

static void entry_init(struct entry *e, const struct db_txn *txn, size_t n_cells)
{
	*e = (struct entry){.id = txn->id, .n_rows = txn->n_changed, .n_cells = n_cells};
	e->rows = xcalloc(e->n_rows + 1, sizeof(*e->rows));
	e->cells = n_cells ? xcalloc(n_cells, sizeof(*e->cells)) : NULL;
	struct cell *cell = e->cells;
	for (size_t i = 0; i < txn->n_changed; i++) {
		const struct db_txn_row *r = txn->rows.v[i];
		struct undo_row *u = &e->rows[i];
		*u = (struct undo_row){
			.table = r->row->table, .uuid = r->row->uuid, .change = change_of(r)};
		for (unsigned int c = 0; c < u->table->schema->n_columns; c++) {
			if (!is_kept(r, c))
				continue;
			cell->column = c;
			datum_copy(&cell->old, &r->old[c]);
			cell++;
			u->n_cells++;
		}
	}
}

static void grow(struct history *h)
{
	size_t cap = h->cap ? 2 * h->cap : 16;
	struct entry *ring = xcalloc(cap, sizeof(*ring));
	for (size_t i = 0; i < h->n; i++)
		ring[i] = *entry_at(h, i);
	free(h->ring);
	h->ring = ring;
	h->cap = cap;
	h->first = 0;
}

void history_add(struct history *h, const struct db_txn *txn)
{
	size_t bound = MIN_CELLS + CELLS_PER_ROW * db_n_rows(txn->db), n_cells = count_cells(txn);
	if (n_cells + txn->n_changed > bound) {
		while (h->n)
			drop_oldest(h);
		h->base = txn->id;
		return;
	}
	while (h->n && (h->n >= MAX_TRANSACTIONS || h->n_cells + n_cells + txn->n_changed > bound))
		drop_oldest(h);
	if (h->n == h->cap)
		grow(h);
	struct entry *e = entry_at(h, h->n++);
	entry_init(e, txn, n_cells);
	h->n_cells += entry_cost(e);
}

// --- Looking back.

static void undo_row(const struct undo_row *u, const struct cell *cells, struct monitor_backlog *b)
{
	struct datum **fields = monitor_backlog_row(b, u->table, &u->uuid);
	if (u->change == ROW_INSERTED) {
		db_fields_free(u->table, *fields);
		*fields = NULL;
		return;
	}
	if (u->change == ROW_DELETED)
		*fields = xcalloc(u->table->schema->n_columns, sizeof(**fields));
	for (uint32_t i = 0; i < u->n_cells; i++) {
		struct datum *d = &(*fields)[cells[i].column];
		if (u->change == ROW_MODIFIED)
			datum_done(d);
		datum_copy(d, &cells[i].old);
	}
}

bool history_undo(const struct history *h, const struct uuid *id, const struct monitor_spec *spec,
		  struct monitor_backlog *b)
{
	size_t from = h->n; // the first entry that the client does not know
	while (from && !uuid_equal(&entry_at(h, from - 1)->id, id))
		from--;
	if (!from && !uuid_equal(&h->base, id))
		return false;
	for (size_t i = h->n; i-- > from;) {
		const struct entry *e = entry_at(h, i);
		const struct cell *cells = e->cells;
		for (size_t j = 0; j < e->n_rows; j++) {
			if (monitor_spec_find_table(spec, e->rows[j].table))
				undo_row(&e->rows[j], cells, b);
			cells += e->rows[j].n_cells;
		}
	}
	return true;
}
