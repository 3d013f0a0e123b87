/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cmd/ovs-ofctl/ofctl.h"

void kept_match_init(struct kept_match *k, const struct match *m)
{
	struct match rest;
	k->whole = NULL;
	if (m->mask.tunnel.options) {
		k->whole = XNEW(struct match);
		match_copy(k->whole, m);
		match_copy(&rest, m);
		rest.flow.tunnel.options = rest.mask.tunnel.options = 0;
		m = &rest;
	}
	minimatch_init(&k->rest, m);
}

void kept_match_done(struct kept_match *k)
{
	minimatch_done(&k->rest);
	free(k->whole);
}

void kept_match_expand(const struct kept_match *k, struct match *m)
{
	if (k->whole)
		match_copy(m, k->whole);
	else
		minimatch_expand(&k->rest, m);
}

// A match that was written with fewer bytes than the switch's option has is the same: numbers are.
static int compare_options(const struct match *a, const struct match *b)
{
	struct str ta = STR_INIT, tb = STR_INIT;
	match_format(a, &ta, -1, NULL, NULL);
	match_format(b, &tb, -1, NULL, NULL);
	int order = strcmp(str_cstr(&ta), str_cstr(&tb));
	str_done(&ta);
	str_done(&tb);
	return order;
}

int kept_match_compare(const struct kept_match *a, const struct kept_match *b)
{
	if (!minimatch_equal(&a->rest, &b->rest)) {
		unsigned int na = minimatch_n_words(&a->rest), nb = minimatch_n_words(&b->rest);
		if (na != nb)
			return na < nb ? -1 : 1;
		if (a->rest.map != b->rest.map)
			return a->rest.map < b->rest.map ? -1 : 1;
		return memcmp(a->rest.words, b->rest.words, 2 * na * sizeof(uint64_t));
	}
	if (!a->whole || !b->whole)
		return !!a->whole - !!b->whole;
	return compare_options(a->whole, b->whole);
}
