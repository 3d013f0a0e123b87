/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "flow/match.h"

unsigned int minimatch_n_words(const struct minimatch *m)
{
	return (unsigned int)__builtin_popcountll(m->map & ~MINIMATCH_OPTIONS) +
	       (unsigned int)__builtin_popcountll(minimatch_option_words(m));
}

static unsigned int add_places(uint64_t map, unsigned int from, uint8_t *at)
{
	unsigned int n = 0;
	for (; map; map &= map - 1)
		at[n++] = (uint8_t)(from + (unsigned int)__builtin_ctzll(map));
	return n;
}

unsigned int minimatch_places(const struct minimatch *m, uint8_t at[FLOW_ALL_WORDS])
{
	unsigned int n = add_places(m->map & ~MINIMATCH_OPTIONS, 0, at);
	return n + add_places(minimatch_option_words(m), FLOW_WORDS, at + n);
}

void minimatch_init(struct minimatch *m, const struct match *match)
{
	const uint64_t *mask = flow_words_const(&match->mask),
		       *value = flow_words_const(&match->flow);
	uint8_t at[FLOW_ALL_WORDS];
	uint64_t options = 0;
	m->map = 0;
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		m->map |= (uint64_t)(mask[i] != 0) << i;
	for (unsigned int i = FLOW_WORDS; i < FLOW_ALL_WORDS && match->mask.tunnel.options; i++)
		options |= (uint64_t)(mask[i] != 0) << (i - FLOW_WORDS);
	unsigned int n = (unsigned int)__builtin_popcountll(m->map) +
			 (unsigned int)__builtin_popcountll(options);
	m->words = xmalloc((2 * n + !!options) * sizeof(*m->words));
	if (options) {
		*m->words++ = options;
		m->map |= MINIMATCH_OPTIONS;
	}
	(void)minimatch_places(m, at);
	for (unsigned int i = 0; i < n; i++) {
		m->words[i] = mask[at[i]];
		m->words[n + i] = value[at[i]] & mask[at[i]];
	}
}

void minimatch_done(struct minimatch *m)
{
	free(m->map & MINIMATCH_OPTIONS ? m->words - 1 : m->words);
	m->words = NULL;
	m->map = 0;
}

void minimatch_expand(const struct minimatch *m, struct match *match)
{
	uint64_t *mask = flow_words(&match->mask), *value = flow_words(&match->flow);
	uint8_t at[FLOW_ALL_WORDS];
	unsigned int n = minimatch_places(m, at);
	match_init_any(match);
	if (m->map >> (offsetof(struct flow, tunnel.options) / 8) & 1) {
		flow_make_options(&match->mask);
		flow_make_options(&match->flow);
	}
	for (unsigned int i = 0; i < n; i++) {
		mask[at[i]] = m->words[i];
		value[at[i]] = m->words[n + i];
	}
}

bool minimatch_equal(const struct minimatch *a, const struct minimatch *b)
{
	return a->map == b->map && minimatch_option_words(a) == minimatch_option_words(b) &&
	       !memcmp(a->words, b->words, 2 * minimatch_n_words(a) * sizeof(*a->words));
}

uint64_t minimatch_hash(const struct minimatch *m, uint64_t seed)
{
	return hash_combine(
		hash_bytes(m->words, 2 * minimatch_n_words(m) * sizeof(*m->words), seed), m->map);
}

bool minimatch_accepts(const struct minimatch *m, const struct flow *flow)
{
	const uint64_t *f = flow_words_const(flow), *mask = m->words,
		       *value = m->words + minimatch_n_words(m);
	for (uint64_t map = m->map & ~MINIMATCH_OPTIONS; map; map &= map - 1, mask++, value++)
		if ((f[__builtin_ctzll(map)] & *mask) != *value)
			return false;
	// It has the options, or it would not get here.
	for (uint64_t map = minimatch_option_words(m); map; map &= map - 1, mask++, value++)
		if ((f[FLOW_WORDS + (unsigned int)__builtin_ctzll(map)] & *mask) != *value)
			return false;
	return true;
}
