/* SPDX-License-Identifier: Apache-2.0 */
// Compiled actions. Megaflows with equal lists share one program; common shapes (drop, one output,
// header changes and then one output) run as straight-line code, the rest walks the list.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/dpact.h"

struct dp_thread;
struct rte_mbuf;

enum program_shape {
	PROGRAM_DROP,	 // nothing is output
	PROGRAM_OUTPUT,	 // to `port`, unchanged
	PROGRAM_REWRITE, // the steps, then to `port`
	PROGRAM_GENERAL, // walk the list
};

enum step_kind { STEP_ETHERNET, STEP_PUSH_VLAN, STEP_POP_VLAN, STEP_SET };
struct step {
	enum step_kind kind;
	union {
		struct {
			uint64_t keep[2], set[2]; // of the first 16 bytes of the frame
		} ethernet;
		const struct dpact_push_vlan *push_vlan; // in the program's list
		struct {
			const struct dpact_set *first; // of `n` side by side
			unsigned int n;
		} set;
	};
};

struct program { // immutable
	enum program_shape shape;
	bool metered; // before all else; of shapes other than GENERAL
	uint32_t meter;
	uint32_t port;			 // of OUTPUT and REWRITE
	enum dp_drop_reason drop_reason; // of DROP
	uint32_t n_steps;
	struct step *steps;
	size_t actions_len;
	uint8_t *actions; // struct dpact list
	// Of the set: under the flow table's lock.
	uint64_t hash;
	uint32_t refs;
	struct program *next;
};

// Checks a list: known actions, lengths that add up, nothing that this datapath lacks; nesting of
// at most 16.
struct error *program_check(const void *actions, size_t n) MUST_CHECK;

// The programs of one flow table, by their list. The caller locks.
struct program_set *program_set_new(void);
void program_set_free(struct program_set *); // must be empty
// A reference to the program of that list.
struct error *program_set_get(struct program_set *, const void *actions, size_t n,
			      struct program **) MUST_CHECK;
// Gives a reference back; the last one frees the program after a grace period.
void program_set_put(struct program_set *, struct program *);

// Runs it on n packets, which it takes.
void program_run(const struct program *, struct dp_thread *, struct rte_mbuf **, unsigned int n);
// The same, without a shape's shortcuts: what is special about the packets is in their metadata.
void program_run_general(const struct program *, struct dp_thread *, struct rte_mbuf **,
			 unsigned int n);
// Runs a list that passed program_check() on one packet, which it takes.
void program_interpret(struct dp_thread *, struct rte_mbuf *, const void *actions, size_t n);
