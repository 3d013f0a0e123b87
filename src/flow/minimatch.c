/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "flow/match.h"

unsigned int minimatch_n_words(const struct minimatch *m)
{
	unsigned int n = 0;
	for (unsigned int i = 0; i < MINIMATCH_MAP_WORDS; i++)
		n += (unsigned int)__builtin_popcountll(m->map[i]);
	return n;
}

void minimatch_init(struct minimatch *m, const struct match *match)
{
	const uint64_t *mask = flow_words_const(&match->mask), *value = flow_words_const(&match->flow);
	memset(m->map, 0, sizeof(m->map));
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		if (mask[i])
			m->map[i / 64] |= UINT64_C(1) << i % 64;
	unsigned int n = minimatch_n_words(m), j = 0;
	m->words = xmalloc(2 * n * sizeof(*m->words));
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		if (mask[i]) {
			m->words[j] = mask[i];
			m->words[n + j++] = value[i] & mask[i];
		}
}

void minimatch_done(struct minimatch *m)
{
	free(m->words);
	m->words = NULL;
	memset(m->map, 0, sizeof(m->map));
}

void minimatch_expand(const struct minimatch *m, struct match *match)
{
	uint64_t *mask = flow_words(&match->mask), *value = flow_words(&match->flow);
	unsigned int n = minimatch_n_words(m), j = 0;
	match_init_any(match);
	for (unsigned int w = 0; w < MINIMATCH_MAP_WORDS; w++)
		for (uint64_t map = m->map[w]; map; map &= map - 1, j++) {
			unsigned int i = w * 64 + (unsigned int)__builtin_ctzll(map);
			mask[i] = m->words[j];
			value[i] = m->words[n + j];
		}
}

bool minimatch_equal(const struct minimatch *a, const struct minimatch *b)
{
	return !memcmp(a->map, b->map, sizeof(a->map)) &&
	       !memcmp(a->words, b->words, 2 * minimatch_n_words(a) * sizeof(*a->words));
}

uint64_t minimatch_hash(const struct minimatch *m, uint64_t seed)
{
	uint64_t hash = hash_bytes(m->words, 2 * minimatch_n_words(m) * sizeof(*m->words), seed);
	for (unsigned int w = 0; w < MINIMATCH_MAP_WORDS; w++)
		hash = hash_combine(hash, m->map[w]);
	return hash;
}

bool minimatch_accepts(const struct minimatch *m, const struct flow *flow)
{
	const uint64_t *f = flow_words_const(flow), *mask = m->words, *value = m->words + minimatch_n_words(m);
	for (unsigned int w = 0; w < MINIMATCH_MAP_WORDS; w++)
		for (uint64_t map = m->map[w]; map; map &= map - 1, mask++, value++)
			if ((f[w * 64 + (unsigned int)__builtin_ctzll(map)] & *mask) != *value)
				return false;
	return true;
}
