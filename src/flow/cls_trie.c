/* SPDX-License-Identifier: Apache-2.0 */
// A path-compressed binary trie. A node holds up to 32 bits of prefix, the first of which is the
// bit that led to it from its parent, so longer runs are chains of nodes. What readers see of a
// node's place never changes: splitting and merging make new nodes and publish them in the parent's
// edge. Only the count of rules and the edges change in place.
//
// The nodes lie in one array and name each other by index: half the size of nodes from the heap.
// What splitting and merging leave behind stays where it is until the array is full; then what is
// alive moves to a new one, in the order in which a lookup meets it, and the old one is left to RCU
// as a whole. So a change costs a constant, over time, and nobody has to know who still reads a
// node.
#include "flow/cls_trie.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rcu.h"

enum { NODE_BITS = 32, N_BITS_SHIFT = 6, N_BITS_MASK = (1 << N_BITS_SHIFT) - 1, SHRINK_ABOVE = 64 };

struct node {
	uint32_t prefix;   // host order, left-aligned, zeroes behind
	uint32_t meta;	   // rules << N_BITS_SHIFT | bits of prefix
	uint32_t edges[2]; // indices; 0: none
};

struct cls_trie_nodes {
	uint32_t cap;
	uint32_t n;	 // writer: taken, dead ones among them
	uint32_t n_live; // writer
	struct node v[]; // the first is none: its first edge leads to the root
};

static unsigned int node_bits(const struct node *node)
{
	return __atomic_load_n(&node->meta, __ATOMIC_RELAXED) & N_BITS_MASK;
}

static unsigned int node_rules(const struct node *node)
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

// --- The array.

static struct cls_trie_nodes *nodes_new(uint32_t cap)
{
	struct cls_trie_nodes *a = xmalloc(sizeof(*a) + cap * sizeof(a->v[0]));
	a->cap = cap;
	a->n = a->n_live = 1;
	a->v[0] = (struct node){0};
	return a;
}

static uint32_t node_new(struct cls_trie_nodes *a, uint32_t prefix, unsigned int n_bits,
			 unsigned int n_rules)
{
	assert(a->n < a->cap);
	a->v[a->n] = (struct node){.prefix = prefix, .meta = n_rules << N_BITS_SHIFT | n_bits};
	a->n_live++;
	return a->n++;
}

static uint32_t copy(struct cls_trie_nodes *to, const struct cls_trie_nodes *from, uint32_t i)
{
	if (!i)
		return 0;
	const struct node *node = &from->v[i];
	uint32_t at = node_new(to, node->prefix, node_bits(node), node_rules(node));
	for (unsigned int side = 0; side < 2; side++)
		to->v[at].edges[side] = copy(to, from, node->edges[side]);
	return at;
}

static struct cls_trie_nodes *rebuild(struct cls_trie *trie, uint32_t room)
{
	struct cls_trie_nodes *old = trie->nodes;
	struct cls_trie_nodes *a = nodes_new(2 * (old ? old->n_live : 1) + room);
	if (old)
		a->v[0].edges[0] = copy(a, old, old->v[0].edges[0]);
	rcu_assign(&trie->nodes, a);
	rcu_free_later(old, free);
	return a;
}

// The array, with room for so many more.
static struct cls_trie_nodes *reserve(struct cls_trie *trie, uint32_t room)
{
	struct cls_trie_nodes *a = trie->nodes;
	return a && a->cap - a->n >= room ? a : rebuild(trie, room);
}

// --- Changes.

// A chain of nodes for the bits from `at` to `end`, with one rule at its end.
static uint32_t branch_new(struct cls_trie_nodes *a, const be32_t *value, unsigned int at,
			   unsigned int end)
{
	unsigned int n = end - at < NODE_BITS ? end - at : NODE_BITS;
	bool last = at + n == end;
	uint32_t i = node_new(a, bits_at(value, at, at + n), n, last);
	if (!last)
		a->v[i].edges[bit_at(value, at + n)] = branch_new(a, value, at + n, end);
	return i;
}

// Makes two of a node, the first of which has `same` bits.
static void split(struct cls_trie_nodes *a, uint32_t *edge, unsigned int same, const be32_t *value,
		  unsigned int at, unsigned int plen)
{
	const struct node *node = &a->v[*edge];
	uint32_t rest = node_new(a, node->prefix << same, node_bits(node) - same, node_rules(node));
	memcpy(a->v[rest].edges, node->edges, sizeof(node->edges));
	uint32_t top = node_new(a, node->prefix & ~(UINT32_MAX >> same), same, at == plen);
	unsigned int side = a->v[rest].prefix >> 31;
	a->v[top].edges[side] = rest;
	if (at < plen)
		a->v[top].edges[!side] = branch_new(a, value, at, plen);
	rcu_assign(edge, top);
	a->n_live--;
}

void cls_trie_insert(struct cls_trie *trie, const be32_t *value, unsigned int plen)
{
	struct cls_trie_nodes *a = reserve(trie, (plen + NODE_BITS - 1) / NODE_BITS + 2);
	uint32_t *edge = &a->v[0].edges[0];
	unsigned int at = 0;
	while (*edge) {
		struct node *node = &a->v[*edge];
		unsigned int n_bits = node_bits(node), left = plen - at;
		unsigned int same =
			common_bits(node->prefix, bits_at(value, at, at + (left < 32 ? left : 32)),
				    left < n_bits ? left : n_bits);
		at += same;
		if (same < n_bits) {
			split(a, edge, same, value, at, plen);
			return;
		}
		if (at == plen) {
			__atomic_store_n(&node->meta, node->meta + (1 << N_BITS_SHIFT),
					 __ATOMIC_RELAXED);
			return;
		}
		edge = &node->edges[bit_at(value, at)];
	}
	rcu_assign(edge, branch_new(a, value, at, plen));
}

// A node without rules and with at most one child goes: the child takes its place when their bits
// fit into one node. True when the edge is empty now, so that the parent may have to go too.
static bool prune(struct cls_trie_nodes *a, uint32_t *edge)
{
	const struct node *node = &a->v[*edge];
	if (node_rules(node) || (node->edges[0] && node->edges[1]))
		return false;
	uint32_t i = node->edges[0] ? node->edges[0] : node->edges[1];
	if (!i) {
		rcu_assign(edge, 0);
		a->n_live--;
		return true;
	}
	const struct node *child = &a->v[i];
	unsigned int n = node_bits(node), n_child = node_bits(child);
	if (n + n_child > NODE_BITS)
		return false;
	uint32_t merged = node_new(a, node->prefix | (uint32_t)((uint64_t)child->prefix >> n),
				   n + n_child, node_rules(child));
	memcpy(a->v[merged].edges, child->edges, sizeof(child->edges));
	rcu_assign(edge, merged);
	a->n_live -= 2;
	return false;
}

void cls_trie_remove(struct cls_trie *trie, const be32_t *value, unsigned int plen)
{
	struct cls_trie_nodes *a = reserve(trie, 1);
	uint32_t *edges[CLS_TRIE_MAX_BITS + 1];
	unsigned int depth = 0, at = 0;
	for (uint32_t *edge = &a->v[0].edges[0];; edge = &a->v[*edge].edges[bit_at(value, at)]) {
		assert(*edge);
		edges[depth++] = edge;
		at += node_bits(&a->v[*edge]);
		if (at == plen)
			break;
	}
	struct node *node = &a->v[*edges[depth - 1]];
	assert(node_rules(node));
	__atomic_store_n(&node->meta, node->meta - (1 << N_BITS_SHIFT), __ATOMIC_RELAXED);
	while (depth && prune(a, edges[depth - 1]))
		depth--;
	if (a->cap > SHRINK_ABOVE && a->n_live < a->cap / 8)
		rebuild(trie, 0);
}

unsigned int cls_trie_lookup(const struct cls_trie *trie, const be32_t *value, unsigned int n_bits,
			     struct cls_plens *plens)
{
	*plens = (struct cls_plens){{0}};
	const struct cls_trie_nodes *a = rcu_get(&trie->nodes);
	const struct node *parent = NULL;
	unsigned int at = 0;
	for (uint32_t i = a ? rcu_get(&a->v[0].edges[0]) : 0; i;
	     i = rcu_get(&parent->edges[bit_at(value, at)])) {
		const struct node *node = &a->v[i];
		unsigned int n = node_bits(node), left = n_bits - at;
		unsigned int same = common_bits(
			node->prefix, bits_at(value, at, at + (left < 32 ? left : 32)), n);
		if (same < n)
			return at + same + 1; // the bit that differs was looked at too
		at += n;
		if (node_rules(node) && at)
			plens->bits[(at - 1) / 64] |= UINT64_C(1) << (at - 1) % 64;
		if (at >= n_bits)
			return n_bits;
		parent = node;
	}
	// Nothing on this side: the bit that says so counts only if there is something on the
	// other.
	if (parent && rcu_get(&parent->edges[!bit_at(value, at)]))
		at++;
	return at;
}

void cls_trie_done(struct cls_trie *trie)
{
	free(trie->nodes);
	trie->nodes = NULL;
}
