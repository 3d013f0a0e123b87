/* SPDX-License-Identifier: Apache-2.0 */
// What a transaction does before it ends: between ovsdb/txn.c and ovsdb/txn_check.c only.
#pragma once
#include "ovsdb/txn.h"

// Makes the row part of the transaction without changing it.
struct db_txn_row *db_txn_touch(struct db_txn *, struct db_row *);
// Brings the records of weak references in line with the row's columns.
void txn_apply_weak_refs(struct db_txn_row *);
