/* SPDX-License-Identifier: Apache-2.0 */
// The end of a transaction. In order:
//
// 1. strong references: for each row changed, those of its old columns are taken off the counts of
// the rows they point to, those
//    of its new columns are added; pointing at a row that is not there is an error;
// 2. deleting a row that is still referred to is an error;
// 3. rows of tables outside the root set that nobody refers to any more are deleted, which takes
// references off others;
// 4. limits of rows per table;
// 5. weak references to rows that are gone, or never were, are cut out of the columns that hold
// them, and 3. again;
// 6. unique indexes;
// 7. rows that came out as they were are set apart; the others get a new _version.
//
// Counts are kept in the transaction's rows until the commit, so that giving up costs nothing.
#include "ovsdb/txn_check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct check {
	struct db_txn *txn;
	VEC(struct db_txn_row *) candidates; // that lost a reference, or are new: garbage perhaps
};

static struct db_row *find_target(const struct db *db, const struct base_type *base,
				  const union atom *atom)
{
	return db_table_find_linked(db_table_of(db, base->ref.table), &atom->uuid);
}

// --- Strong references.

static struct db_error *dangling(const struct db_row *row, unsigned int column,
				 const struct base_type *base, const struct uuid *uuid)
{
	return db_error_new("referential integrity violation",
			    "Table %s column %s row " UUID_FORMAT
			    " references nonexistent row " UUID_FORMAT " in table %s.",
			    row->table->schema->name, row->table->schema->columns[column]->name,
			    UUID_ARGS(&row->uuid), UUID_ARGS(uuid), base->ref.table_name);
}

static struct db_error *count_ref(struct check *c, struct db_row *row, unsigned int column,
				  const struct base_type *base, const union atom *atom, int delta)
{
	if (!base_type_is_strong_ref(base) || uuid_equal(&atom->uuid, &row->uuid))
		return NULL; // a row does not keep itself alive
	struct db_row *target = find_target(c->txn->db, base, atom);
	if (!target)
		return delta > 0 ? dangling(row, column, base, &atom->uuid) : NULL;
	struct db_txn_row *r = db_txn_touch(c->txn, target);
	r->n_refs += delta;
	if (delta < 0)
		vec_push(&c->candidates, r);
	return NULL;
}

static struct db_error *count_element(struct check *c, struct db_row *row, unsigned int column,
				      const struct datum *d, size_t i, int delta)
{
	const struct column_type *type = &row->table->schema->columns[column]->type;
	struct db_error *error = count_ref(c, row, column, &type->key, datum_key(d, i), delta);
	if (!error && column_type_is_map(type))
		error = count_ref(c, row, column, &type->value, datum_value(d, i), delta);
	return error;
}

// Walks what is only in one of two versions of a column.
struct changes {
	const struct datum *old, *new; // either may be NULL
	size_t i, j;
};

// The next element of only one version; the sign says which: -1 old, 1 new, 0: no more.
static int next_change(struct changes *w, const struct datum **d, size_t *at)
{
	size_t n_old = w->old ? w->old->n : 0, n_new = w->new ? w->new->n : 0;
	if (w->old && w->new && w->old->has_body && w->new->has_body &&
	    w->old->body == w->new->body)
		return 0;
	while (w->i < n_old || w->j < n_new) {
		int cmp = w->i >= n_old	  ? 1
			  : w->j >= n_new ? -1
					  : atom_compare(datum_key(w->old, w->i),
							 datum_key(w->new, w->j), w->old->key_type);
		if (!cmp) {
			bool map = w->old->value_type != ATOM_VOID;
			if (!map || atom_equal(datum_value(w->old, w->i), datum_value(w->new, w->j),
					       w->old->value_type)) {
				w->i++, w->j++;
				continue;
			}
		}
		// A pair whose value changed is given twice, the old one first; its key is less
		// than what follows it.
		*d = cmp <= 0 ? w->old : w->new;
		*at = cmp <= 0 ? w->i++ : w->j++;
		return cmp <= 0 ? -1 : 1;
	}
	return 0;
}

static struct db_error *count_changes(struct check *c, struct db_row *row, unsigned int column,
				      const struct datum *old, const struct datum *new)
{
	struct changes walk = {.old = old, .new = new};
	const struct datum *d;
	size_t i;
	int which;
	while ((which = next_change(&walk, &d, &i))) {
		struct db_error *error = count_element(c, row, column, d, i, which);
		if (error)
			return error;
	}
	return NULL;
}

static struct db_error *count_row(struct check *c, struct db_row *row, const struct datum *old,
				  const struct datum *new)
{
	if (old == new)
		return NULL;
	VEC_FOREACH (&row->table->strong_columns, i) {
		unsigned int column = row->table->strong_columns.v[i];
		struct db_error *error = count_changes(c, row, column, old ? &old[column] : NULL,
						       new ? &new[column] : NULL);
		if (error)
			return error;
	}
	return NULL;
}

static struct db_error *count_strong_refs(struct check *c)
{
	// Rows that are touched on the way come after the end and did not change.
	size_t n = c->txn->rows.n;
	for (size_t i = 0; i < n; i++) {
		struct db_txn_row *r = c->txn->rows.v[i];
		struct db_error *error = count_row(c, r->row, r->old, r->row->fields);
		if (error)
			return error;
		if (!r->old)
			vec_push(&c->candidates, r);
	}
	return NULL;
}

static struct db_error *check_deleted(const struct db_txn *txn)
{
	VEC_FOREACH (&txn->rows, i) {
		const struct db_txn_row *r = txn->rows.v[i];
		if (!r->row->fields && r->n_refs > 0)
			return db_error_new("referential integrity violation",
					    "cannot delete %s row " UUID_FORMAT
					    " because of %lld remaining reference(s)",
					    r->row->table->schema->name, UUID_ARGS(&r->row->uuid),
					    (long long)r->n_refs);
	}
	return NULL;
}

static struct db_error *collect_garbage(struct check *c)
{
	while (c->candidates.n) {
		struct db_txn_row *r = vec_last(&c->candidates);
		struct db_row *row = r->row;
		c->candidates.n--;
		if (!row->fields || r->n_refs || row->table->schema->is_root)
			continue;
		struct db_error *error = count_row(c, row, row->fields, NULL);
		if (error)
			return error;
		db_txn_delete(c->txn, row);
	}
	return NULL;
}

// --- Weak references.

static bool is_missing(const struct db *db, const struct base_type *base, const union atom *atom)
{
	if (!base_type_is_weak_ref(base))
		return false;
	const struct db_row *target = find_target(db, base, atom);
	return !target || !target->fields;
}

static struct db_error *cut_one_too_many(const struct db_txn_row *r, unsigned int column, size_t n)
{
	const struct table_schema *t = r->row->table->schema;
	return db_error_new(
		"constraint violation",
		"Deletion of %zu weak reference(s) to deleted (or never-existing) rows from column "
		"\"%s\" in \"%s\" row " UUID_FORMAT " %scaused this column to become empty, but "
		"constraints on this column disallow an empty column.",
		n, t->columns[column]->name, t->name, UUID_ARGS(&r->row->uuid),
		r->old ? "" : "(inserted within this transaction) ");
}

// What a column with a required reference has when nobody said what it should refer to.
static bool has_zero_uuid(const struct db_row *row, unsigned int column)
{
	const struct datum *d = &row->fields[column];
	bool map = d->value_type == ATOM_UUID;
	for (size_t i = 0; i < d->n; i++)
		if ((d->key_type == ATOM_UUID && uuid_is_zero(&datum_key(d, i)->uuid)) ||
		    (map && uuid_is_zero(&datum_value(d, i)->uuid)))
			return true;
	return false;
}

static struct db_error *cut_default(const struct db_row *row, unsigned int column)
{
	const struct table_schema *t = row->table->schema;
	return db_error_new("constraint violation",
			    "Weak reference column \"%s\" in \"%s\" row " UUID_FORMAT
			    " (inserted within this transaction) contained all-zeros UUID "
			    "(probably as the default "
			    "value for this column) but deleting this value caused a constraint "
			    "violation because "
			    "this column is not allowed to be empty.",
			    t->columns[column]->name, t->name, UUID_ARGS(&row->uuid));
}

// Takes the elements with these places (ascending) out of a column.
static struct db_error *cut(struct check *c, struct db_row *row, unsigned int column,
			    const size_t *places, size_t n)
{
	struct datum d;
	datum_copy(&d, &row->fields[column]);
	while (n > 0)
		datum_remove_at(&d, places[--n]);
	size_t before = row->fields[column].n;
	bool too_many = d.n < row->table->schema->columns[column]->type.n_min;
	bool is_default = row->txn_row && !row->txn_row->old && has_zero_uuid(row, column);
	// A pair may hold a strong reference beside the weak one.
	struct db_error *error = count_changes(c, row, column, &row->fields[column], &d);
	db_txn_set(c->txn, row, column, &d);
	if (!error && too_many)
		error = is_default ? cut_default(row, column)
				   : cut_one_too_many(row->txn_row, column, before);
	return error;
}

// Cuts references among the new elements of a changed row that lead nowhere. Old ones are found
// from their targets.
static struct db_error *cut_new(struct check *c, struct db_txn_row *r)
{
	struct db_row *row = r->row;
	VEC(size_t) places = {0};
	struct db_error *error = NULL;
	for (size_t k = 0; k < row->table->weak_columns.n && !error; k++) {
		unsigned int column = row->table->weak_columns.v[k];
		const struct column_type *type = &row->table->schema->columns[column]->type;
		struct changes walk = {.old = r->old ? &r->old[column] : NULL,
				       .new = &row->fields[column]};
		const struct datum *d;
		size_t i;
		int which;
		places.n = 0;
		while ((which = next_change(&walk, &d, &i)))
			if (which > 0 &&
			    (is_missing(c->txn->db, &type->key, datum_key(d, i)) ||
			     (column_type_is_map(type) &&
			      is_missing(c->txn->db, &type->value, datum_value(d, i)))))
				vec_push(&places, i);
		if (places.n)
			error = cut(c, row, column, places.v, places.n);
	}
	vec_done(&places);
	return error;
}

static bool points_to(const struct base_type *base, const union atom *atom,
		      const struct db_row *target)
{
	return base_type_is_weak_ref(base) && base->ref.table == target->table->schema &&
	       uuid_equal(&atom->uuid, &target->uuid);
}

// Cuts all references of a row to one that is deleted.
static struct db_error *cut_target(struct check *c, struct db_row *row, const struct db_row *target)
{
	VEC(size_t) places = {0};
	struct db_error *error = NULL;
	for (size_t k = 0; k < row->table->weak_columns.n && !error; k++) {
		unsigned int column = row->table->weak_columns.v[k];
		const struct column_type *type = &row->table->schema->columns[column]->type;
		const struct datum *d = &row->fields[column];
		places.n = 0;
		if (base_type_is_weak_ref(&type->value)) {
			for (size_t i = 0; i < d->n; i++)
				if (points_to(&type->key, datum_key(d, i), target) ||
				    points_to(&type->value, datum_value(d, i), target))
					vec_push(&places, i);
		} else if (base_type_is_weak_ref(&type->key)) {
			size_t i = datum_find(d, &(union atom){.uuid = target->uuid});
			if (i != SIZE_MAX && points_to(&type->key, datum_key(d, i), target))
				vec_push(&places, i);
		}
		if (places.n)
			error = cut(c, row, column, places.v, places.n);
	}
	vec_done(&places);
	return error;
}

static struct db_error *cut_weak_refs(struct check *c)
{
	struct db_txn *txn = c->txn;
	struct db_error *error = NULL;
	// The list grows by the rows that are cut.
	for (size_t i = 0; i < txn->rows.n && !error; i++) {
		struct db_txn_row *r = txn->rows.v[i];
		struct db_row *row = r->row;
		if (!row->fields) {
			for (struct weak_ref *ref = row->weak_refs; ref && !error; ref = ref->newer)
				if (ref->source->fields)
					error = cut_target(c, ref->source, row);
		} else if (row->fields != r->old) {
			error = cut_new(c, r);
		}
	}
	return error;
}

static void apply_weak(struct db_row *row, const struct base_type *base, const union atom *atom,
		       int which)
{
	if (!base_type_is_weak_ref(base))
		return;
	struct db_row *target = find_target(row->table->db, base, atom);
	if (which > 0)
		weak_ref_add(row, target);
	else
		weak_ref_remove(row, target);
}

void txn_apply_weak_refs(struct db_txn_row *r)
{
	struct db_row *row = r->row;
	if (row->fields == r->old)
		return;
	VEC_FOREACH (&row->table->weak_columns, k) {
		unsigned int column = row->table->weak_columns.v[k];
		const struct column_type *type = &row->table->schema->columns[column]->type;
		struct changes walk = {.old = r->old ? &r->old[column] : NULL,
				       .new = row->fields ? &row->fields[column] : NULL};
		const struct datum *d;
		size_t i;
		int which;
		while ((which = next_change(&walk, &d, &i))) {
			apply_weak(row, &type->key, datum_key(d, i), which);
			if (column_type_is_map(type))
				apply_weak(row, &type->value, datum_value(d, i), which);
		}
	}
}

// --- Limits.

static struct db_error *check_max_rows(const struct db_txn *txn)
{
	for (unsigned int i = 0; i < txn->db->schema->n_tables; i++) {
		const struct db_table *t = &txn->db->tables[i];
		if (t->n_rows > t->schema->max_rows)
			return db_error_new(
				"constraint violation",
				"transaction causes \"%s\" table to contain %zu rows, greater than "
				"the schema-defined limit of %u row(s)",
				t->schema->name, t->n_rows, t->schema->max_rows);
	}
	return NULL;
}

static void add_index_values(struct str *out, const struct table_index *index,
			     const struct datum *fields)
{
	for (unsigned int i = 0; i < index->n_columns; i++) {
		const struct column_schema *c = index->columns[i];
		if (i)
			str_add(out, index->n_columns > 2
					     ? (i < index->n_columns - 1 ? ", " : ", and ")
					     : " and ");
		datum_to_text(&fields[c->index], &c->type, out);
	}
}

static void add_index_columns(struct str *out, const struct table_index *index)
{
	for (unsigned int i = 0; i < index->n_columns; i++) {
		if (i)
			str_add(out, index->n_columns > 2
					     ? (i < index->n_columns - 1 ? ", " : ", and ")
					     : " and ");
		str_addf(out, "\"%s\"", index->columns[i]->name);
	}
}

static void add_row_history(struct str *out, const struct table_index *index,
			    const struct db_row *row)
{
	const struct db_txn_row *r = row->txn_row;
	str_addf(out, "row, with UUID " UUID_FORMAT ", ", UUID_ARGS(&row->uuid));
	if (r && !r->old) {
		str_add(out, "was inserted by this transaction.");
	} else if (!r || r->old == row->fields) {
		str_add(out, "existed in the database before this transaction and was not modified "
			     "by the "
			     "transaction.");
	} else if (db_index_equal(index, r->old, row->fields)) {
		str_add(out, "existed in the database before this transaction, which modified some "
			     "of the row's "
			     "columns but not any columns in this index.");
	} else {
		str_add(out, "had the following index values before the transaction: ");
		add_index_values(out, index, r->old);
		str_addc(out, '.');
	}
}

static struct db_error *duplicate(const struct table_index *index, const struct db_row *a,
				  const struct db_row *b)
{
	struct str s = STR_INIT;
	str_addf(&s, "Transaction causes multiple rows in \"%s\" table to have identical values (",
		 a->table->schema->name);
	add_index_values(&s, index, a->fields);
	str_addf(&s, ") for index on column%s ", index->n_columns > 1 ? "s" : "");
	add_index_columns(&s, index);
	str_add(&s, ".  First ");
	add_row_history(&s, index, a);
	str_add(&s, "  Second ");
	add_row_history(&s, index, b);
	struct db_error *error = db_error_new("constraint violation", "%s", str_cstr(&s));
	str_done(&s);
	return error;
}

static struct db_error *check_index(struct db_row *row, unsigned int number)
{
	const struct db_table *t = row->table;
	const struct table_index *index = &t->schema->indexes[number];
	for (struct db_row *other = db_index_first(t, number, row->nodes[number].hash); other;
	     other = db_index_next(other, number))
		if (other != row && db_index_equal(index, row->fields, other->fields))
			return duplicate(index, other, row);
	return NULL;
}

static struct db_error *check_indexes(const struct db_txn *txn)
{
	VEC_FOREACH (&txn->rows, i) {
		const struct db_txn_row *r = txn->rows.v[i];
		if (!r->row->fields || r->row->fields == r->old)
			continue;
		for (unsigned int j = 0; j < r->row->table->schema->n_indexes; j++) {
			struct db_error *error = check_index(r->row, j);
			if (error)
				return error;
		}
	}
	return NULL;
}

// --- What changed.

static bool note_changes(struct db_txn_row *r)
{
	const struct datum *old = r->old, *new = r->row->fields;
	unsigned int n = r->row->table->schema->n_columns;
	if (old == new)
		return false;
	if (!old || !new) {
		memset(r->changed, 0xff, (n + 63) / 64 * sizeof(r->changed[0]));
		return true;
	}
	bool any = false;
	for (unsigned int i = N_STD_COLUMNS; i < n; i++)
		if (!datum_equal(&old[i], &new[i])) {
			r->changed[i / 64] |= UINT64_C(1) << i % 64;
			any = true;
		}
	if (any)
		r->changed[0] |= UINT64_C(1) << COLUMN_VERSION;
	return any;
}

static int compare_tables(const void *a_, const void *b_)
{
	const struct db_txn_row *a = *(struct db_txn_row *const *)a_,
				*b = *(struct db_txn_row *const *)b_;
	unsigned int x = a->row->table->schema->number, y = b->row->table->schema->number;
	return (x > y) - (x < y);
}

// Who writes them, for the file or for monitors, wants rows of one table together.
static void sort_by_table(struct db_txn *txn)
{
	for (size_t i = 1; i < txn->n_changed; i++)
		if (compare_tables(&txn->rows.v[i - 1], &txn->rows.v[i]) > 0) {
			qsort(txn->rows.v, txn->n_changed, sizeof(txn->rows.v[0]), compare_tables);
			return;
		}
}

static void part_changed(struct db_txn *txn)
{
	txn->n_changed = 0;
	VEC_FOREACH (&txn->rows, i) {
		struct db_txn_row *r = txn->rows.v[i];
		if (!note_changes(r))
			continue;
		if (r->row->fields)
			r->row->fields[COLUMN_VERSION].one.uuid = uuid_random();
		txn->rows.v[i] = txn->rows.v[txn->n_changed];
		txn->rows.v[txn->n_changed++] = r;
	}
	sort_by_table(txn);
}

struct db_error *db_txn_prepare(struct db_txn *txn)
{
	struct check c = {.txn = txn};
	struct db_error *error = count_strong_refs(&c);
	if (!error)
		error = check_deleted(txn);
	if (!error)
		error = collect_garbage(&c);
	if (!error)
		error = check_max_rows(txn);
	if (!error)
		error = cut_weak_refs(&c);
	// What was cut may have held a strong reference, too.
	while (!error && c.candidates.n) {
		error = collect_garbage(&c);
		if (!error)
			error = cut_weak_refs(&c);
	}
	if (!error)
		error = check_indexes(txn);
	if (!error)
		part_changed(txn);
	vec_done(&c.candidates);
	return error;
}
