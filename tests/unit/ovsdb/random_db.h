/* SPDX-License-Identifier: Apache-2.0 */
// Random changes of a small database with strong and weak references, for tests that compare with
// something simpler.
#pragma once
#include "test.h"

#include "ovsdb/txn.h"

enum { SLOTS = 10, R = 0, N = 1 }; // rows of each table have UUIDs of so many slots

static const char random_schema[] =
	"{'name':'T','tables':{"
	"'R':{'isRoot':true,'indexes':[['id']],'columns':{'id':{'type':'integer'},'tags':{'type':{'"
	"key':'string','value':"
	"'integer','min':0,'max':'unlimited'}},'strong':{'type':{'key':{'type':'uuid','refTable':'"
	"N'},'min':0,'max':"
	"'unlimited'}},'weak':{'type':{'key':{'type':'uuid','refTable':'N','refType':'weak'},'min':"
	"0,'max':'unlimited'}}}},"
	"'N':{'columns':{'note':{'type':'string'},'next':{'type':{'key':{'type':'uuid','refTable':'"
	"N'},'min':0}},"
	"'back':{'type':{'key':{'type':'uuid','refTable':'R','refType':'weak'},'min':0}}}}}}";

enum { R_ID = 2, R_STRONG = 3, R_TAGS = 4, R_WEAK = 5, N_BACK = 2, N_NEXT = 3, N_NOTE = 4 };

static inline struct db_table *table_of(struct db *db, int t)
{
	return db_find_table(db, t == R ? "R" : "N");
}

static inline struct uuid slot_uuid(int table, int slot)
{
	return (struct uuid){.part = {0xabcd0000u + (uint32_t)table, 0, 0, (uint32_t)slot + 1}};
}

static inline int uuid_slot(const struct uuid *uuid)
{
	return (int)uuid->part[3] - 1;
}

// References to some slots of N (or R), whether there are such rows or not.
static inline struct datum random_refs(int table, uint32_t most)
{
	struct datum d;
	datum_init_empty(&d, ATOM_UUID, ATOM_VOID);
	for (uint32_t n = random_below(most + 1); n > 0; n--) {
		union atom a = {.uuid = slot_uuid(table, (int)random_below(SLOTS))};
		datum_put(&d, &a, NULL);
	}
	return d;
}

static inline struct datum random_tags(void)
{
	struct datum d;
	datum_init_empty(&d, ATOM_STRING, ATOM_INTEGER);
	for (uint32_t n = random_below(4); n > 0; n--) {
		char text[40];
		union atom key, value = {.integer = random_below(3)};
		snprintf(text, sizeof(text), "tag%u%s", random_below(5),
			 random_below(2) ? " of considerable length" : "");
		atom_init_string(&key, text);
		datum_put(&d, &key, &value);
		atom_done(&key, ATOM_STRING);
	}
	return d;
}

static inline void change_row(struct db_txn *txn, struct db_row *row, int table)
{
	struct datum d;
	char text[40];
	switch (random_below(4)) {
	case 0:
		if (table == R) {
			datum_init_integer(&d, random_below(30));
		} else {
			snprintf(text, sizeof(text), "note %u%s", random_below(9),
				 random_below(2) ? " with a long tail" : "");
			datum_init_string(&d, text);
		}
		db_txn_set(txn, row, table == R ? R_ID : N_NOTE, &d);
		break;
	case 1:
		d = random_refs(N, table == R ? 3 : 1);
		db_txn_set(txn, row, table == R ? R_STRONG : N_NEXT, &d);
		break;
	case 2:
		d = random_refs(table == R ? N : R, table == R ? 3 : 1);
		db_txn_set(txn, row, table == R ? R_WEAK : N_BACK, &d);
		break;
	default:
		if (table == R) {
			d = random_tags();
			db_txn_set(txn, row, R_TAGS, &d);
		}
	}
}

// Inserts, changes and deletes some rows.
static inline void random_changes(struct db_txn *txn)
{
	for (uint32_t n = 1 + random_below(5); n > 0; n--) {
		int table = (int)random_below(2);
		struct uuid uuid = slot_uuid(table, (int)random_below(SLOTS));
		struct db_table *t = table_of(txn->db, table);
		struct db_row *row = db_table_find_row(t, &uuid);
		if (!row && !db_table_find_linked(t, &uuid)) {
			row = db_txn_insert(txn, t, &uuid);
			struct datum d;
			if (table == R) {
				datum_init_integer(&d, random_below(30));
				db_txn_set(txn, row, R_ID, &d);
			}
			change_row(txn, row, table);
		} else if (row && !random_below(4)) {
			db_txn_delete(txn, row);
		} else if (row) {
			change_row(txn, row, table);
		}
	}
}
