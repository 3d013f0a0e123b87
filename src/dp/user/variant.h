/* SPDX-License-Identifier: Apache-2.0 */
// The code that each packet runs through (fast.c), compiled for several instruction sets from one
// source. All give the same results, bit for bit. The best that the CPU has is chosen at the start;
// dpif-netdev/dpif-impl-set and subtable-lookup-prio-set choose another.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct dp_meta;
struct dp_thread;
struct flow_table;
struct megaflow;
struct rte_mbuf;
struct subtable;

typedef struct megaflow *variant_search(const struct flow_table *, const struct subtable *,
					uint64_t hash, const struct dp_meta *,
					const uint8_t *header);

struct variant {
	const char *name;    // of the implementation, after "dpif_"
	const char *search;  // the name of its search in subtables
	bool (*works)(void); // here
	// The burst, from frames to programs; the number of packets that missed. As
	// burst_process().
	unsigned int (*lookup_and_run)(struct dp_thread *, struct rte_mbuf **, unsigned int n,
				       const struct dp_meta *fresh);
	variant_search *subtable_search;
};

// The one for any CPU first, the best last. Variants that this program was not compiled for are not
// there.
const struct variant *variants(unsigned int *n);
// The best that works here.
const struct variant *variant_best(void);
// NULL: there is none of that name that works here.
const struct variant *variant_find(const char *name);

// In fast.c.
#ifdef VARIANT_NAME
#define VARIANT_JOIN2(NAME, V) NAME##_##V
#define VARIANT_JOIN(NAME, V)  VARIANT_JOIN2(NAME, V)
#define VARIANT(NAME)	       VARIANT_JOIN(NAME, VARIANT_NAME)
#endif
#define VARIANT_DECLARE(V)                                                                         \
	unsigned int lookup_and_run_##V(struct dp_thread *, struct rte_mbuf **, unsigned int n,    \
					const struct dp_meta *fresh);                              \
	variant_search subtable_search_##V;
VARIANT_DECLARE(scalar)
#ifdef __x86_64__
VARIANT_DECLARE(avx2)
VARIANT_DECLARE(avx512)
#endif
#undef VARIANT_DECLARE
