/* SPDX-License-Identifier: Apache-2.0 */
// Mutations (RFC 7047 section 5.1, <mutation>).
#pragma once
#include "ovsdb/txn.h"

enum mutator {
	MUT_ADD,
	MUT_SUBTRACT,
	MUT_MULTIPLY,
	MUT_DIVIDE,
	MUT_MODULO,
	MUT_INSERT,
	MUT_DELETE
};

struct mutation {
	enum mutator mutator;
	const struct column_schema *column;
	struct datum arg;
};

struct mutation_list {
	VEC(struct mutation) m;
};

struct db_error *mutations_from_json(struct mutation_list *, const struct table_schema *,
				     const json_t *, struct symtab *) MUST_CHECK;
void mutations_done(struct mutation_list *);
// Applies all of them to the row; on error the row is somewhere in between and the transaction must
// be aborted.
struct db_error *mutations_apply(const struct mutation_list *, struct db_txn *,
				 struct db_row *) MUST_CHECK;
