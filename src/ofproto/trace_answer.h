/* SPDX-License-Identifier: Apache-2.0 */
// What ofproto/trace answers, in its forms. Main thread.
#pragma once
#include "ofproto/trace.h"
#include "ofproto/xlate.h"

struct trace_answer {
	struct backer *backer;
	struct ofproto *ofproto; // that the packet entered
	bool names;		 // of ports, instead of numbers
	const struct flow *flow; // as it came in
	const struct xlate_trace *trace;
	const struct xlate_out *x;
	const char *title;		 // of a pass after a recirculation; NULL: the first
	unsigned int n_followed;	 // recirculations that have an answer of their own
	const struct trace_answer *next; // NULL: this is the last one
};
// All but the flow and what it says of itself is about all answers of the chain.
// The stock switch's text.
void trace_answer_format(const struct trace_answer *, struct str *);
// One line: "Verdict: output to p2, p3", "Verdict: drop: no match in table 1 of br0".
void trace_answer_verdict(const struct trace_answer *, struct str *);
// One object: verdict, flow, trace (a tree of kind, text, children), final_flow, megaflow,
// datapath_actions, rules, error when there was one, and recirculations, a list of such objects
// with a title instead of a verdict.
void trace_answer_json(const struct trace_answer *, struct str *);

// Why the rule that `text` names ("TABLE/[priority=N,]MATCH", "TABLE" for the one that matches all)
// was not the one for this packet, in lines. An error when the text is none, or there is no such
// rule.
struct error *trace_why_not(const struct trace_answer *, const char *text, struct str *) MUST_CHECK;

// trace_command.c: names of OpenFlow ports. arg: the ofproto.
const char *trace_port_name(void *ofproto, uint32_t port);
int trace_port_number(void *ofproto, const char *name, uint32_t *port);
