/* SPDX-License-Identifier: Apache-2.0 */
// A path-compressed binary trie. A node holds up to 32 bits of prefix, the first of which is the bit that led to it from its
// parent, so longer runs are chains of nodes. What readers see of a node's place never changes: splitting and merging make new
// nodes, publish them in the parent's edge, and leave the old ones to RCU. Only the count of rules and the edges change in place.
#include "flow/cls_trie.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rcu.h"

enum { NODE_BITS = 32, N_BITS_SHIFT = 6, N_BITS_MASK = (1 << N_BITS_SHIFT) - 1 };

struct cls_trie_node {
	uint32_t prefix; // host order, left-aligned, zeroes behind
	uint32_t meta;	 // rules << N_BITS_SHIFT | bits of prefix; 24 bytes in all are worth the packing
	struct cls_trie_node *edges[2];
};

static unsigned int node_bits(const struct cls_trie_node *node)
{
	return __atomic_load_n(&node->meta, __ATOMIC_RELAXED) & N_BITS_MASK;
}

static unsigned int node_rules(const struct cls_trie_node *node)
{
	return __atomic_load_n(&node->meta, __ATOMIC_RELAXED) >> N_BITS_SHIFT;
}

// Up to 32 bits of the value from bit `at`, left-aligned; bits from `end` on are zero.
static uint32_t bits_at(const be32_t *value, unsigned int at, unsigned int end)
{
	unsigned int word = at / 32, shift = at % 32, n = end - at;
	if (!n)
		return 0;
	uint32_t v = be32toh(value[word]) << shift;
	if (shift && n > 32 - shift)
		v |= be32toh(value[word + 1]) >> (32 - shift);
	return n >= 32 ? v : v & ~(UINT32_MAX >> n);
}

static unsigned int bit_at(const be32_t *value, unsigned int at)
{
	return be32toh(value[at / 32]) >> (31 - at % 32) & 1;
}

// How many of the first `max` bits are the same.
static unsigned int common_bits(uint32_t a, uint32_t b, unsigned int max)
{
	unsigned int n = a == b ? 32 : (unsigned int)__builtin_clz(a ^ b);
	return n < max ? n : max;
}

static struct cls_trie_node *node_new(uint32_t prefix, unsigned int n_bits, unsigned int n_rules)
{
	struct cls_trie_node *node = XNEW(struct cls_trie_node);
	node->prefix = prefix;
	node->meta = n_rules << N_BITS_SHIFT | n_bits;
	return node;
}

// A chain of nodes for the bits from `at` to `end`, with one rule at its end.
static struct cls_trie_node *branch_new(const be32_t *value, unsigned int at, unsigned int end)
{
	unsigned int n = end - at < NODE_BITS ? end - at : NODE_BITS;
	bool last = at + n == end;
	struct cls_trie_node *node = node_new(bits_at(value, at, at + n), n, last);
	if (!last)
		node->edges[bit_at(value, at + n)] = branch_new(value, at + n, end);
	return node;
}

void cls_trie_insert(struct cls_trie *trie, const be32_t *value, unsigned int plen)
{
	struct cls_trie_node **edge = &trie->root, *node;
	unsigned int at = 0;
	while ((node = *edge)) {
		unsigned int n_bits = node_bits(node), left = plen - at;
		unsigned int same = common_bits(node->prefix, bits_at(value, at, at + (left < 32 ? left : 32)),
						left < n_bits ? left : n_bits);
		at += same;
		if (same < n_bits) { // split where they part
			struct cls_trie_node *rest = node_new(node->prefix << same, n_bits - same, node_rules(node));
			rest->edges[0] = node->edges[0];
			rest->edges[1] = node->edges[1];
			uint32_t prefix = node->prefix & ~(UINT32_MAX >> same);
			struct cls_trie_node *top = node_new(prefix, same, at == plen);
			unsigned int side = rest->prefix >> 31;
			top->edges[side] = rest;
			if (at < plen)
				top->edges[!side] = branch_new(value, at, plen);
			rcu_assign(edge, top);
			rcu_free_later(node, free);
			return;
		}
		if (at == plen) {
			__atomic_store_n(&node->meta, node->meta + (1 << N_BITS_SHIFT), __ATOMIC_RELAXED);
			return;
		}
		edge = &node->edges[bit_at(value, at)];
	}
	rcu_assign(edge, branch_new(value, at, plen));
}

// A node without rules and with at most one child goes: the child takes its place when their bits fit into one node. True when
// the edge is empty now, so that the parent may have to go too.
static bool prune(struct cls_trie_node **edge)
{
	struct cls_trie_node *node = *edge;
	if (node_rules(node) || (node->edges[0] && node->edges[1]))
		return false;
	struct cls_trie_node *child = node->edges[0] ? node->edges[0] : node->edges[1];
	if (!child) {
		rcu_assign(edge, NULL);
		rcu_free_later(node, free);
		return true;
	}
	unsigned int n = node_bits(node), n_child = node_bits(child);
	if (n + n_child > NODE_BITS)
		return false;
	struct cls_trie_node *merged =
		node_new(node->prefix | (uint32_t)((uint64_t)child->prefix >> n), n + n_child, node_rules(child));
	merged->edges[0] = child->edges[0];
	merged->edges[1] = child->edges[1];
	rcu_assign(edge, merged);
	rcu_free_later(node, free);
	rcu_free_later(child, free);
	return false;
}

void cls_trie_remove(struct cls_trie *trie, const be32_t *value, unsigned int plen)
{
	struct cls_trie_node **edges[CLS_TRIE_MAX_BITS + 1];
	unsigned int depth = 0, at = 0;
	for (struct cls_trie_node **edge = &trie->root;; edge = &(*edge)->edges[bit_at(value, at)]) {
		assert(*edge);
		edges[depth++] = edge;
		at += node_bits(*edge);
		if (at == plen)
			break;
	}
	struct cls_trie_node *node = *edges[depth - 1];
	assert(node_rules(node));
	__atomic_store_n(&node->meta, node->meta - (1 << N_BITS_SHIFT), __ATOMIC_RELAXED);
	while (depth && prune(edges[depth - 1]))
		depth--;
}

unsigned int cls_trie_lookup(const struct cls_trie *trie, const be32_t *value, unsigned int n_bits, struct cls_plens *plens)
{
	*plens = (struct cls_plens){{0}};
	const struct cls_trie_node *parent = NULL, *node = rcu_get(&trie->root);
	unsigned int at = 0;
	while (node) {
		unsigned int n = node_bits(node), left = n_bits - at;
		unsigned int same = common_bits(node->prefix, bits_at(value, at, at + (left < 32 ? left : 32)), n);
		if (same < n)
			return at + same + 1; // the bit that differs was looked at too
		at += n;
		if (node_rules(node) && at)
			plens->bits[(at - 1) / 64] |= UINT64_C(1) << (at - 1) % 64;
		if (at >= n_bits)
			return n_bits;
		parent = node;
		node = rcu_get(&node->edges[bit_at(value, at)]);
	}
	// Nothing on this side: the bit that says so counts only if there is something on the other.
	if (parent && rcu_get(&parent->edges[!bit_at(value, at)]))
		at++;
	return at;
}

static void free_all(struct cls_trie_node *node)
{
	if (!node)
		return;
	free_all(node->edges[0]);
	free_all(node->edges[1]);
	free(node);
}

void cls_trie_done(struct cls_trie *trie)
{
	free_all(trie->root);
	trie->root = NULL;
}
