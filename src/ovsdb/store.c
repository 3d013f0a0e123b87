/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

static void note_references(struct db_table *t)
{
	for (unsigned int i = N_STD_COLUMNS; i < t->schema->n_columns; i++) {
		const struct column_type *type = &t->schema->columns[i]->type;
		if (base_type_is_strong_ref(&type->key) || base_type_is_strong_ref(&type->value))
			vec_push(&t->strong_columns, i);
		if (base_type_is_weak_ref(&type->key) || base_type_is_weak_ref(&type->value))
			vec_push(&t->weak_columns, i);
	}
}

struct db *db_new(struct db_schema *schema)
{
	struct db *db = XNEW(struct db);
	db->schema = schema;
	db->tables = xcalloc(schema->n_tables, sizeof(*db->tables));
	for (unsigned int i = 0; i < schema->n_tables; i++) {
		struct db_table *t = &db->tables[i];
		t->db = db;
		t->schema = schema->tables[i];
		t->indexes = xcalloc(t->schema->n_indexes, sizeof(*t->indexes));
		for (unsigned int j = 0; j < t->schema->n_indexes; j++)
			t->indexes[j].schema = &t->schema->indexes[j];
		note_references(t);
	}
	return db;
}

static void table_done(struct db_table *t)
{
	for (size_t i = 0; i < t->n_buckets; i++)
		while (t->buckets[i]) {
			struct db_row *row = t->buckets[i];
			t->buckets[i] = row->next;
			db_row_free(row);
		}
	for (unsigned int i = 0; i < t->schema->n_indexes; i++)
		free(t->indexes[i].buckets);
	free(t->indexes);
	free(t->buckets);
	vec_done(&t->strong_columns);
	vec_done(&t->weak_columns);
}

void db_free(struct db *db)
{
	if (!db)
		return;
	assert(!db->txn);
	for (size_t i = 0; i < db->n_weak_buckets; i++)
		while (db->weak_buckets[i]) {
			struct weak_ref *ref = db->weak_buckets[i];
			db->weak_buckets[i] = ref->next;
			free(ref);
		}
	free(db->weak_buckets);
	for (unsigned int i = 0; i < db->schema->n_tables; i++)
		table_done(&db->tables[i]);
	free(db->tables);
	db_schema_free(db->schema);
	free(db);
}

struct db_table *db_find_table(const struct db *db, const char *name)
{
	const struct table_schema *schema = db_schema_find_table(db->schema, name);
	return schema ? db_table_of(db, schema) : NULL;
}

size_t db_n_rows(const struct db *db)
{
	size_t n = 0;
	for (unsigned int i = 0; i < db->schema->n_tables; i++)
		n += db->tables[i].n_rows;
	return n;
}

// --- Rows.

static uint64_t hash_uuid(const struct uuid *uuid)
{
	return hash_bytes(uuid, sizeof(*uuid), 0);
}

struct db_row *db_table_find_linked(const struct db_table *t, const struct uuid *uuid)
{
	if (!t->n_buckets)
		return NULL;
	struct db_row *row = t->buckets[hash_uuid(uuid) & (t->n_buckets - 1)];
	while (row && !uuid_equal(&row->uuid, uuid))
		row = row->next;
	return row;
}

struct db_row *db_table_find_row(const struct db_table *t, const struct uuid *uuid)
{
	struct db_row *row = db_table_find_linked(t, uuid);
	return row && row->fields ? row : NULL;
}

struct db_row *db_table_next_row(const struct db_table *t, const struct db_row *row)
{
	size_t bucket = 0;
	struct db_row *next = NULL;
	if (row) {
		next = row->next;
		bucket = (hash_uuid(&row->uuid) & (t->n_buckets - 1)) + 1;
	}
	for (;;) {
		for (; next; next = next->next)
			if (next->fields)
				return next;
		if (bucket >= t->n_buckets)
			return NULL;
		next = t->buckets[bucket++];
	}
}

struct db_row *db_row_new(struct db_table *t, const struct uuid *uuid)
{
	const struct table_schema *schema = t->schema;
	struct db_row *row = xcalloc(1, sizeof(*row) + schema->n_indexes * sizeof(row->nodes[0]));
	row->table = t;
	row->uuid = *uuid;
	row->fields = xcalloc(schema->n_columns, sizeof(*row->fields));
	for (unsigned int i = 0; i < schema->n_columns; i++)
		datum_init_default(&row->fields[i], &schema->columns[i]->type);
	row->fields[COLUMN_UUID].one.uuid = *uuid;
	return row;
}

void db_row_free(struct db_row *row)
{
	db_fields_free(row->table, row->fields);
	free(row);
}

struct datum *db_fields_copy(const struct db_table *t, const struct datum *fields)
{
	struct datum *copy = xmalloc(t->schema->n_columns * sizeof(*copy));
	for (unsigned int i = 0; i < t->schema->n_columns; i++)
		datum_copy(&copy[i], &fields[i]);
	return copy;
}

void db_fields_free(const struct db_table *t, struct datum *fields)
{
	if (!fields)
		return;
	for (unsigned int i = 0; i < t->schema->n_columns; i++)
		datum_done(&fields[i]);
	free(fields);
}

static void grow_table(struct db_table *t)
{
	size_t n = t->n_buckets ? 2 * t->n_buckets : 8;
	struct db_row **buckets = xcalloc(n, sizeof(struct db_row *));
	for (size_t i = 0; i < t->n_buckets; i++)
		while (t->buckets[i]) {
			struct db_row *row = t->buckets[i];
			struct db_row **to = &buckets[hash_uuid(&row->uuid) & (n - 1)];
			t->buckets[i] = row->next;
			row->next = *to;
			*to = row;
		}
	free(t->buckets);
	t->buckets = buckets;
	t->n_buckets = n;
}

void db_table_link(struct db_row *row)
{
	struct db_table *t = row->table;
	if (t->n_linked >= t->n_buckets)
		grow_table(t);
	struct db_row **to = &t->buckets[hash_uuid(&row->uuid) & (t->n_buckets - 1)];
	row->next = *to;
	*to = row;
	t->n_linked++;
}

void db_table_unlink(struct db_row *row)
{
	struct db_table *t = row->table;
	struct db_row **p = &t->buckets[hash_uuid(&row->uuid) & (t->n_buckets - 1)];
	while (*p != row)
		p = &(*p)->next;
	*p = row->next;
	t->n_linked--;
}

// --- Indexes.

uint64_t db_index_hash(const struct table_index *index, const struct datum *fields)
{
	uint64_t hash = 0;
	for (unsigned int i = 0; i < index->n_columns; i++)
		hash = datum_hash(&fields[index->columns[i]->index], hash);
	return hash;
}

bool db_index_equal(const struct table_index *index, const struct datum *a, const struct datum *b)
{
	for (unsigned int i = 0; i < index->n_columns; i++) {
		unsigned int c = index->columns[i]->index;
		if (!datum_equal(&a[c], &b[c]))
			return false;
	}
	return true;
}

static void grow_index(struct db_index *index, unsigned int number)
{
	size_t n = index->n_buckets ? 2 * index->n_buckets : 8;
	struct db_row **buckets = xcalloc(n, sizeof(struct db_row *));
	for (size_t i = 0; i < index->n_buckets; i++)
		while (index->buckets[i]) {
			struct db_row *row = index->buckets[i];
			struct db_row **to = &buckets[row->nodes[number].hash & (n - 1)];
			index->buckets[i] = row->nodes[number].next;
			row->nodes[number].next = *to;
			*to = row;
		}
	free(index->buckets);
	index->buckets = buckets;
	index->n_buckets = n;
}

void db_index_link(struct db_table *t, unsigned int number, struct db_row *row)
{
	struct db_index *index = &t->indexes[number];
	struct db_index_node *node = &row->nodes[number];
	if (index->n >= index->n_buckets)
		grow_index(index, number);
	node->hash = db_index_hash(index->schema, row->fields);
	struct db_row **to = &index->buckets[node->hash & (index->n_buckets - 1)];
	node->next = *to;
	*to = row;
	index->n++;
}

void db_index_unlink(struct db_table *t, unsigned int number, struct db_row *row)
{
	struct db_index *index = &t->indexes[number];
	struct db_row **p = &index->buckets[row->nodes[number].hash & (index->n_buckets - 1)];
	while (*p != row)
		p = &(*p)->nodes[number].next;
	*p = row->nodes[number].next;
	index->n--;
}

static struct db_row *same_hash(struct db_row *row, unsigned int number, uint64_t hash)
{
	while (row && row->nodes[number].hash != hash)
		row = row->nodes[number].next;
	return row;
}

struct db_row *db_index_first(const struct db_table *t, unsigned int number, uint64_t hash)
{
	const struct db_index *index = &t->indexes[number];
	return index->n_buckets
		       ? same_hash(index->buckets[hash & (index->n_buckets - 1)], number, hash)
		       : NULL;
}

struct db_row *db_index_next(const struct db_row *row, unsigned int number)
{
	return same_hash(row->nodes[number].next, number, row->nodes[number].hash);
}

// --- Weak references.

static uint64_t hash_pair(const struct db_row *source, const struct db_row *target)
{
	return hash_combine((uint64_t)(uintptr_t)source, (uint64_t)(uintptr_t)target);
}

static struct weak_ref **find_weak(struct db *db, const struct db_row *source,
				   const struct db_row *target)
{
	struct weak_ref **p =
		&db->weak_buckets[hash_pair(source, target) & (db->n_weak_buckets - 1)];
	while (*p && ((*p)->source != source || (*p)->target != target))
		p = &(*p)->next;
	return p;
}

static void grow_weak(struct db *db)
{
	size_t n = db->n_weak_buckets ? 2 * db->n_weak_buckets : 8;
	struct weak_ref **buckets = xcalloc(n, sizeof(struct weak_ref *));
	for (size_t i = 0; i < db->n_weak_buckets; i++)
		while (db->weak_buckets[i]) {
			struct weak_ref *ref = db->weak_buckets[i];
			struct weak_ref **to =
				&buckets[hash_pair(ref->source, ref->target) & (n - 1)];
			db->weak_buckets[i] = ref->next;
			ref->next = *to;
			*to = ref;
		}
	free(db->weak_buckets);
	db->weak_buckets = buckets;
	db->n_weak_buckets = n;
}

void weak_ref_add(struct db_row *source, struct db_row *target)
{
	struct db *db = source->table->db;
	if (db->n_weak_refs >= db->n_weak_buckets)
		grow_weak(db);
	struct weak_ref **p = find_weak(db, source, target);
	if (*p) {
		(*p)->count++;
		return;
	}
	struct weak_ref *ref = xmalloc(sizeof(*ref));
	*ref = (struct weak_ref){
		.source = source, .target = target, .count = 1, .newer = target->weak_refs};
	ref->older = &target->weak_refs;
	if (ref->newer)
		ref->newer->older = &ref->newer;
	target->weak_refs = ref;
	*p = ref;
	db->n_weak_refs++;
}

void weak_ref_remove(struct db_row *source, struct db_row *target)
{
	struct db *db = source->table->db;
	struct weak_ref **p = find_weak(db, source, target), *ref = *p;
	if (--ref->count)
		return;
	*p = ref->next;
	*ref->older = ref->newer;
	if (ref->newer)
		ref->newer->older = ref->older;
	free(ref);
	db->n_weak_refs--;
}
