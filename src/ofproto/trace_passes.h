/* SPDX-License-Identifier: Apache-2.0 */
// The passes of a traced packet through the datapath: the first one, and those after each
// recirculation, as far as it is known what the packet is like then. Main thread.
#pragma once
#include "base/vec.h"
#include "ofproto/trace_answer.h"

struct trace_pass {
	struct trace_answer answer; // of the members below
	char *title;		    // NULL: the first
	unsigned int depth;	    // of recirculation
	struct flow flow, mask;
	struct buf frame; // empty: there is none
	struct buf actions;
	struct xlate_trace trace;
	struct xlate_out x;
};

struct trace_passes { // all zero: none
	VEC(struct trace_pass *) of;
};

// Translates `in`, which has no trace, and what follows from it. `real`: its frame is a packet that
// somebody gave, so what labels hide can be read. The answers are a chain, from of.v[0]->answer on;
// they borrow.
void trace_passes_run(struct trace_passes *, const struct xlate_in *, bool real, bool names);
void trace_passes_done(struct trace_passes *);
