/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/trace.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { INDENT = 4 };

static void free_list(struct xlate_trace_node *node)
{
	while (node) {
		struct xlate_trace_node *next = node->next;
		free_list(node->first);
		free(node->text);
		free(node);
		node = next;
	}
}

void xlate_trace_done(struct xlate_trace *trace)
{
	free_list(trace->root.first);
	trace->root.first = trace->root.last = NULL;
	vec_done(&trace->visits);
	vec_done(&trace->recircs);
}

struct xlate_trace_node *xlate_trace_add(struct xlate_trace_node *parent,
					 enum xlate_trace_kind kind, const char *format, ...)
{
	struct xlate_trace_node *node = XNEW(struct xlate_trace_node);
	va_list args;
	va_start(args, format);
	node->kind = kind;
	node->text = xvasprintf(format, args);
	va_end(args);
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	return node;
}

static bool has_lines_below(enum xlate_trace_kind kind)
{
	return kind == TRACE_BRIDGE || kind == TRACE_TABLE || kind == TRACE_THAW;
}

// What comes last in a list and has lines of its own goes on in the same column: a chain of tables
// does not wander to the right.
static void format_list(const struct xlate_trace_node *node, unsigned int level, struct str *s)
{
	for (; node; node = node->next) {
		unsigned int more = node->next || !has_lines_below(node->kind);
		size_t column = (size_t)(level + more) * INDENT;
		if (node->kind == TRACE_BRIDGE)
			str_addc(s, '\n');
		str_add_repeat(s, ' ', column);
		switch (node->kind) {
		case TRACE_BRIDGE:
			str_addf(s, "%s\n", node->text);
			str_add_repeat(s, ' ', column);
			str_add_repeat(s, '-', strlen(node->text));
			str_addc(s, '\n');
			break;
		case TRACE_TABLE:
		case TRACE_THAW:
		case TRACE_ACTION:
			str_addf(s, "%s\n", node->text);
			break;
		case TRACE_DETAIL:
			str_addf(s, " -> %s\n", node->text);
			break;
		case TRACE_WARN:
			str_addf(s, " >> %s\n", node->text);
			break;
		case TRACE_ERROR:
			str_addf(s, " >>>> %s <<<<\n", node->text);
			break;
		}
		format_list(node->first, level + 2 * more, s);
	}
}

void xlate_trace_format(const struct xlate_trace *trace, struct str *s)
{
	format_list(trace->root.first, 0, s);
}
