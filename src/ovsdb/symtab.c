/* SPDX-License-Identifier: Apache-2.0 */
#include "ovsdb/symtab.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void symtab_done(struct symtab *tab)
{
	struct symbol *s, *next;
	HASH_ITER (hh, tab->symbols, s, next) {
		HASH_DEL(tab->symbols, s);
		free(s);
	}
}

struct symbol *symtab_find(const struct symtab *tab, const char *name)
{
	struct symbol *s;
	HASH_FIND_STR(tab->symbols, name, s);
	return s;
}

struct symbol *symtab_get(struct symtab *tab, const char *name)
{
	struct symbol *s = symtab_find(tab, name);
	if (s)
		return s;
	size_t n = strlen(name);
	s = xcalloc(1, sizeof(*s) + n + 1);
	memcpy(s->name, name, n);
	s->uuid = uuid_random();
	HASH_ADD_STR(tab->symbols, name, s);
	return s;
}
