/* SPDX-License-Identifier: Apache-2.0 */
// What a translation reports about itself when someone asks (ofproto/trace), as a tree of lines.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"
#include "flow/flow.h"

struct ofproto;
struct rule;

enum xlate_trace_kind {
	TRACE_BRIDGE, // has lines below it
	TRACE_TABLE,  // has lines below it
	TRACE_THAW,   // has lines below it
	TRACE_ACTION,
	TRACE_DETAIL, // " -> text"
	TRACE_WARN,   // " >> text"
	TRACE_ERROR,  // " >>>> text <<<<"
};

struct xlate_trace_node {
	enum xlate_trace_kind kind;
	char *text;
	struct xlate_trace_node *first, *last, *next;
};

struct xlate_visit { // a lookup in a table
	const struct ofproto *ofproto;
	uint8_t table_id;
	struct flow flow; // as the table saw it
	const struct rule
		*rule; // NULL: none matched. Good until the trace's caller passes a quiescent state
};
enum { TRACE_MAX_VISITS = 1000 }; // later ones are not kept

struct xlate_trace_recirc { // the packet leaves, to come back
	uint32_t id;
	struct flow flow; // then: in_port as it came in first
	bool behind_mpls; // but for what a label hid
	bool rehash;	  // and for its dp_hash, which is by this
	uint32_t algorithm, basis;
};

struct xlate_trace {
	struct xlate_trace_node root;
	struct flow final; // the flow at the end
	VEC(struct xlate_visit) visits;
	VEC(struct xlate_trace_recirc) recircs;
};

void xlate_trace_done(struct xlate_trace *);
// Adds a line below `parent` and returns it.
struct xlate_trace_node *xlate_trace_add(struct xlate_trace_node *parent, enum xlate_trace_kind,
					 const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void xlate_trace_format(const struct xlate_trace *, struct str *);
