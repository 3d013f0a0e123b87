/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/live.h"

#include <stddef.h>

enum { META_WORDS = KEY_META_BYTES / 8 };

static void add_pairs(struct live *l, const uint64_t *words, unsigned int n, uint32_t *n_pairs)
{
	unsigned int found = 0;
	struct live_pair *p = &l->pair[l->n_meta + l->n_header];
	for (unsigned int i = 0; i < n; i++) {
		if (!words[i])
			continue;
		p[found / 2].mask[found % 2] = words[i];
		p[found / 2].at[found % 2] = i * 8;
		found++;
	}
	if (found % 2) { // the pair's other half adds nothing, from a word that is there anyway
		p[found / 2].mask[1] = 0;
		p[found / 2].at[1] = p[found / 2].at[0];
	}
	*n_pairs = (found + 1) / 2;
}

void live_init(struct live *l, const struct dp_key *mask, uint64_t secret, uint64_t seed)
{
	struct dp_key m = *mask;
	uint64_t words[KEY_WORDS];
	m.meta.layout = 0;
	memcpy(words, &m, sizeof(words));
	*l = (struct live){.secret = secret, .seed = seed};
	add_pairs(l, words, META_WORDS, &l->n_meta);
	add_pairs(l, words + META_WORDS, KEY_WORDS - META_WORDS, &l->n_header);
}
