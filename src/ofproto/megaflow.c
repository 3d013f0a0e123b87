/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/megaflow.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "ofproto/rule.h"

enum { BUCKETS = 1 << 13 };

struct megaflow_bases {
	pthread_mutex_t lock; // of all below, and of the bases' `next` and `refs`
	struct megaflow_basis *bucket[BUCKETS];
};

struct megaflow_bases *megaflow_bases_new(void)
{
	struct megaflow_bases *set = XNEW(struct megaflow_bases);
	pthread_mutex_init(&set->lock, NULL);
	return set;
}

void megaflow_bases_free(struct megaflow_bases *set)
{
	if (!set)
		return;
	pthread_mutex_destroy(&set->lock);
	free(set);
}

// --- What several have in common.

struct compact { // a mask without its empty words
	uint64_t map[MEGAFLOW_MAP_WORDS], words[FLOW_ALL_WORDS];
	unsigned int n;
};

static void compact_mask(struct compact *c, const struct flow *mask)
{
	const uint64_t *words = flow_words_const(mask);
	memset(c->map, 0, sizeof(c->map));
	c->n = 0;
	for (unsigned int i = 0, n = flow_n_words(mask); i < n; i++) {
		if (!words[i])
			continue;
		c->map[i / 64] |= UINT64_C(1) << i % 64;
		c->words[c->n++] = words[i];
	}
}

static bool basis_is(const struct megaflow_basis *b, uint64_t hash, const struct compact *c,
		     const struct xlate_out *out)
{
	return b->hash == hash && b->n_words == c->n && b->n_rules == out->n_rules &&
	       !memcmp(b->mask_map, c->map, sizeof(c->map)) &&
	       !memcmp(b->words, c->words, c->n * sizeof(c->words[0])) &&
	       !memcmp(b->rules, out->rules, out->n_rules * sizeof(out->rules[0]));
}

static struct megaflow_basis *basis_new(struct megaflow_bases *set, uint64_t hash,
					const struct compact *c, const struct xlate_out *out)
{
	size_t words_size = c->n * sizeof(c->words[0]),
	       rules_size = out->n_rules * sizeof(out->rules[0]);
	struct megaflow_basis *b = xmalloc(sizeof(*b) + words_size + rules_size);
	b->set = set;
	b->hash = hash;
	b->refs = 1;
	b->n_words = c->n;
	b->n_rules = out->n_rules;
	memcpy(b->mask_map, c->map, sizeof(b->mask_map));
	memcpy(b->words, c->words, words_size);
	b->rules = (struct rule **)(void *)(b->words + c->n);
	memcpy(b->rules, out->rules, rules_size);
	b->next = set->bucket[hash % BUCKETS];
	set->bucket[hash % BUCKETS] = b;
	return b;
}

// Takes over the translation's references to rules.
static struct megaflow_basis *basis_get(struct megaflow_bases *set, struct xlate_out *out)
{
	struct compact c;
	compact_mask(&c, out->mask);
	uint64_t hash =
		hash_bytes(c.words, c.n * sizeof(c.words[0]), hash_bytes(c.map, sizeof(c.map), 0));
	hash = hash_bytes(out->rules, out->n_rules * sizeof(out->rules[0]), hash);
	pthread_mutex_lock(&set->lock);
	struct megaflow_basis *b = set->bucket[hash % BUCKETS];
	while (b && !basis_is(b, hash, &c, out))
		b = b->next;
	bool found = b;
	if (b)
		b->refs++;
	else
		b = basis_new(set, hash, &c, out);
	pthread_mutex_unlock(&set->lock);
	for (unsigned int i = 0; found && i < out->n_rules; i++)
		rule_unref(out->rules[i]);
	out->n_rules = 0;
	return b;
}

static void basis_put(struct megaflow_basis *b)
{
	struct megaflow_bases *set = b->set;
	pthread_mutex_lock(&set->lock);
	bool last = !--b->refs;
	if (last) {
		struct megaflow_basis **at = &set->bucket[b->hash % BUCKETS];
		while (*at != b)
			at = &(*at)->next;
		*at = b->next;
	}
	pthread_mutex_unlock(&set->lock);
	if (!last)
		return;
	for (unsigned int i = 0; i < b->n_rules; i++)
		rule_unref(b->rules[i]);
	free(b);
}

// --- One megaflow.

// IPv4 or IPv6 addresses, and ports.
void megaflow_keep(uint64_t kept[MEGAFLOW_KEPT_WORDS], const struct flow *flow)
{
	memset(kept, 0, MEGAFLOW_KEPT_WORDS * sizeof(kept[0]));
	memcpy(kept, &flow->tp_src, 4);
	if (flow->dl_type == BE16(0x86dd)) {
		memcpy(kept + 1, &flow->ipv6_src, 16);
		memcpy(kept + 3, &flow->ipv6_dst, 16);
	} else {
		memcpy(kept + 1, &flow->nw_src, 8);
	}
}

void megaflow_restore(const uint64_t kept[MEGAFLOW_KEPT_WORDS], struct flow *flow)
{
	memcpy(&flow->tp_src, kept, 4);
	if (flow->dl_type == BE16(0x86dd)) {
		memcpy(&flow->ipv6_src, kept + 1, 16);
		memcpy(&flow->ipv6_dst, kept + 3, 16);
	} else {
		memcpy(&flow->nw_src, kept + 1, 8);
	}
}

void megaflow_restore_flow(const struct megaflow *mf, struct flow *flow)
{
	uint64_t kept[MEGAFLOW_KEPT_WORDS] = {0};
	memcpy(kept, mf->kept, mf->n_kept * sizeof(kept[0]));
	megaflow_restore(kept, flow);
}

static void take_credits(struct megaflow *mf, struct xlate_out *out)
{
	mf->n_credits = out->n_credits;
	mf->credits = out->n_credits
			      ? xmemdup(out->credits, out->n_credits * sizeof(out->credits[0]))
			      : NULL;
	out->n_credits = 0;
}

static void drop_credits(struct megaflow *mf)
{
	for (unsigned int i = 0; i < mf->n_credits; i++)
		xlate_credit_done(&mf->credits[i]);
	free(mf->credits);
}

struct megaflow *megaflow_new(struct megaflow_bases *set, struct xlate_out *out,
			      const struct flow *flow, uint64_t generation, int64_t now)
{
	uint64_t kept[MEGAFLOW_KEPT_WORDS];
	megaflow_keep(kept, flow);
	unsigned int n = MEGAFLOW_KEPT_WORDS;
	while (n && !kept[n - 1])
		n--;
	struct megaflow *mf = xmalloc(sizeof(*mf) + n * sizeof(kept[0]));
	*mf = (struct megaflow){.generation = generation,
				.used = now,
				.n_kept = (uint16_t)n,
				.in_port = (uint16_t)flow->in_port};
	memcpy(mf->kept, kept, n * sizeof(kept[0]));
	mf->basis = basis_get(set, out);
	take_credits(mf, out);
	return mf;
}

void megaflow_renew(struct megaflow *mf, struct xlate_out *out, uint64_t generation)
{
	struct megaflow_basis *old = mf->basis;
	mf->basis = basis_get(old->set, out);
	basis_put(old);
	drop_credits(mf);
	take_credits(mf, out);
	mf->generation = generation;
}

void megaflow_free(struct megaflow *mf)
{
	basis_put(mf->basis);
	drop_credits(mf);
	free(mf);
}

bool megaflow_mask_suffices(const struct megaflow *mf, const struct flow *want)
{
	const uint64_t *w = flow_words_const(want), *have = mf->basis->words;
	for (unsigned int i = 0, n = flow_n_words(want); i < n; i++)
		if (w[i] & ~(mf->basis->mask_map[i / 64] >> i % 64 & 1 ? *have++ : 0))
			return false;
	return true;
}

void megaflow_add_mask(const struct megaflow *mf, struct flow *mask)
{
	const uint64_t *have = mf->basis->words, *end = have + mf->basis->n_words;
	flow_make_options(mask);
	for (unsigned int i = 0; have < end; i++)
		if (mf->basis->mask_map[i / 64] >> i % 64 & 1)
			flow_words(mask)[i] |= *have++;
}
