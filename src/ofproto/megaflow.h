/* SPDX-License-Identifier: Apache-2.0 */
// What is remembered of a megaflow in the datapath, as its cookie. There may be a million of them,
// so what many have in common, the mask and the rules that translation met, is kept once: their
// *basis*.
#pragma once
#include "flow/match.h"
#include "ofproto/xlate.h"

struct rule;
struct megaflow_bases;

enum { MEGAFLOW_MAP_WORDS = (FLOW_ALL_WORDS + 63) / 64 };
struct megaflow_basis { // immutable, but for what is the set's; see megaflow_bases_new()
	struct megaflow_basis *next;
	struct megaflow_bases *set;
	uint64_t hash;
	uint32_t refs;
	uint32_t n_words, n_rules;
	uint64_t mask_map[MEGAFLOW_MAP_WORDS];
	struct rule **rules; // references; behind the words
	uint64_t words[];    // the mask as translation gave it, without its empty words: a datapath
			     // may store another that means the same
};

// Addresses and ports of the packet that made it, whole: lookups choose which prefix to look at by
// their values, and would choose another one without the bits outside of the mask.
enum { MEGAFLOW_KEPT_WORDS = 5 };
void megaflow_keep(uint64_t kept[MEGAFLOW_KEPT_WORDS], const struct flow *);
void megaflow_restore(const uint64_t kept[MEGAFLOW_KEPT_WORDS], struct flow *);

struct megaflow {		 // made by the upcall that installs it, then main's alone
	uint64_t generation;	 // of the snapshot and rules that it was translated with
	uint64_t packets, bytes; // credited so far
	int64_t used;		 // when made, then as of the last dump
	struct megaflow_basis *basis;
	struct xlate_credit *credits; // references
	uint32_t n_credits : 31;
	uint32_t going : 1; // it was said, and counted, why
	uint16_t n_kept;
	uint16_t in_port; // of the datapath
	uint64_t kept[];
};

// Any thread may make and free megaflows of a set; the set outlives them.
struct megaflow_bases *megaflow_bases_new(void);
void megaflow_bases_free(struct megaflow_bases *);

// These take over the references that a translation met, and copy its mask.
struct megaflow *megaflow_new(struct megaflow_bases *, struct xlate_out *, const struct flow *,
			      uint64_t generation,
			      int64_t now); // clock_ms()
void megaflow_renew(struct megaflow *, struct xlate_out *, uint64_t generation);
void megaflow_free(struct megaflow *);

// Does the mask that it was made with cover all bits of this one?
bool megaflow_mask_suffices(const struct megaflow *, const struct flow *want);
void megaflow_add_mask(const struct megaflow *, struct flow *mask);
// The flow of packets like it, given what the datapath knows.
void megaflow_restore_flow(const struct megaflow *, struct flow *);
