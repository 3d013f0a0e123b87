/* SPDX-License-Identifier: Apache-2.0 */
// Names of rows that a transaction is about to insert ("named-uuid" of RFC 7047, `@name` of
// ovs-vsctl).
#pragma once
#include <stdbool.h>
#include <uthash.h>

#include "base/uuid.h"

struct symbol {
	struct uuid uuid; // random from the first mention on
	bool created;	  // an insert has this name
	bool strong_ref;  // mentioned where a strong reference is expected
	bool weak_ref;	  // mentioned where a weak reference is expected
	UT_hash_handle hh;
	char name[];
};

struct symtab {
	struct symbol *symbols; // a uthash table, in the order of their first mention
};

#define SYMTAB_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}

void symtab_done(struct symtab *);
// The symbol with this name, made at first mention.
struct symbol *symtab_get(struct symtab *, const char *name);
struct symbol *symtab_find(const struct symtab *, const char *name);
