/* SPDX-License-Identifier: Apache-2.0 */
// A trie of address prefixes for the classifier: which prefix lengths does any rule have for this
// value, and how many leading bits of the value had to be looked at to know?
//
// Threads: one writer; readers under RCU. Values are be32 words, the first bit is the most
// significant of the first word.
#pragma once
#include <stdint.h>

#include "base/byteorder.h"

struct cls_trie_nodes;
struct cls_trie {
	struct cls_trie_nodes *nodes; // RCU
};

enum { CLS_TRIE_MAX_BITS = 128 };
struct cls_plens { // bit n - 1 is set: some rule has a prefix of n bits that the value begins with
	uint64_t bits[CLS_TRIE_MAX_BITS / 64];
};

// One more rule with this prefix (1 to CLS_TRIE_MAX_BITS bits).
void cls_trie_insert(struct cls_trie *, const be32_t *prefix, unsigned int plen);
// One less. It must be there.
void cls_trie_remove(struct cls_trie *, const be32_t *prefix, unsigned int plen);
// Sets *plens, and returns how many leading bits decide it: every value with those bits gets the
// same answer.
unsigned int cls_trie_lookup(const struct cls_trie *, const be32_t *value, unsigned int n_bits,
			     struct cls_plens *plens);
// Frees all at once: no reader may be left.
void cls_trie_done(struct cls_trie *);
