/* SPDX-License-Identifier: Apache-2.0 */
// What a translation reports about itself when someone asks (ofproto/trace), as a tree of lines.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "flow/flow.h"

enum xlate_trace_kind {
	TRACE_BRIDGE, // has lines below it
	TRACE_TABLE,  // has lines below it
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

struct xlate_trace {
	struct xlate_trace_node root;
	struct flow final; // the flow at the end
};

void xlate_trace_done(struct xlate_trace *);
// Adds a line below `parent` and returns it.
struct xlate_trace_node *xlate_trace_add(struct xlate_trace_node *parent, enum xlate_trace_kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void xlate_trace_format(const struct xlate_trace *, struct str *);
