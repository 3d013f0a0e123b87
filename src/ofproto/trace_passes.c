/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/trace_passes.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "ofproto/backer_internal.h"

enum { MAX_PASSES = 64, MAX_DEPTH = 8, MAC_BYTES = 12, BOS_BIT = 0x100 };
enum { ETH_BYTES = 14, LABEL_BYTES = 4, NSH_LENGTH = 0x3f };

// --- The packet as it comes back.

// A frame with this flow's Ethernet header, and behind it what the labels of the given one hide.
// False: it has none.
static bool strip_labels(const struct buf *frame, const struct flow *flow, struct buf *out)
{
	struct cursor c = cursor_make(frame->data, frame->len);
	cursor_skip(&c, MAC_BYTES);
	be16_t type = htobe16(cursor_be16(&c));
	while (!c.bad && (type == BE16(0x8100) || type == BE16(0x88a8))) {
		cursor_skip(&c, 2);
		type = htobe16(cursor_be16(&c));
	}
	if (type != BE16(0x8847) && type != BE16(0x8848))
		return false;
	while (!c.bad && !(cursor_be32(&c) & BOS_BIT))
		;
	if (c.bad)
		return false;
	buf_add(out, flow->dl_dst, 6);
	buf_add(out, flow->dl_src, 6);
	for (unsigned int i = 0; i < FLOW_MAX_VLANS && flow->vlan[i].tci & BE16(FLOW_VLAN_CFI);
	     i++) {
		be16_t tci = flow->vlan[i].tci & ~BE16(FLOW_VLAN_CFI);
		buf_add(out, &flow->vlan[i].tpid, 2);
		buf_add(out, &tci, 2);
	}
	buf_add(out, &flow->dl_type, 2);
	size_t left = cursor_left(&c);
	const void *payload = cursor_take(&c, left);
	if (left)
		buf_add(out, payload, left);
	return true;
}

// What is left of the frame behind the headers that the pass takes away, those that it has put
// there itself not counted. False: that is not known, or only labels behind an Ethernet header go.
static bool uncover(const struct trace_pass *from, uint32_t recirc_id, struct buf *out)
{
	const struct buf *frame = &from->frame;
	size_t at = 0;
	unsigned int put = 0; // headers in front of it that are not in the frame
	bool changed = false, found = false;
	DPACT_FOREACH (action, from->actions.data, from->actions.len) {
		size_t n = 0; // bytes that go
		bool pop = false;
		switch (action->type) {
		case DPACT_PUSH_ETH:
		case DPACT_PUSH_NSH:
		case DPACT_ADD_MPLS:
			put++;
			break;
		case DPACT_POP_ETH:
			pop = true;
			n = ETH_BYTES;
			break;
		case DPACT_POP_NSH:
			pop = true;
			if (!put && at + 2 > frame->len)
				return false;
			n = put ? 0 : 4u * (frame->data[at + 1] & NSH_LENGTH);
			break;
		case DPACT_POP_MPLS:
			if (!put && !at && !from->flow.packet_type)
				return false;
			pop = true;
			n = LABEL_BYTES;
			break;
		case DPACT_SET:
			changed = true;
			break;
		case DPACT_RECIRC:
			found = ((const struct dpact_recirc *)(const void *)action)->id ==
				recirc_id;
			break;
		}
		if (found)
			break;
		if (pop && put)
			put--;
		else
			at += n;
	}
	// What was changed of the frame itself is not in it.
	if (!found || put || at > frame->len || (changed && !at))
		return false;
	buf_add(out, frame->data + at, frame->len - at);
	return true;
}

static struct trace_pass *next_pass(const struct trace_pass *from,
				    const struct xlate_trace_recirc *r, const struct backer *b,
				    bool real)
{
	struct trace_pass *p = XNEW(struct trace_pass);
	p->flow = r->flow;
	p->depth = from->depth + 1;
	const char *why = r->behind_mpls ? "what the label hid" : NULL;
	bool known = true;
	if (r->behind_mpls) {
		known = real && uncover(from, r->id, &p->frame);
		if (known)
			why = "what decap() uncovered";
		else
			known = real && strip_labels(&from->frame, &r->flow, &p->frame);
		if (known)
			flow_extract(p->frame.data, p->frame.len, p->frame.len, &p->flow);
	} else if (real) {
		buf_add(&p->frame, from->frame.data, from->frame.len);
	}
	if (r->rehash && known) {
		p->flow.dp_hash = dp_packet_hash(b->dp, &p->flow, r->algorithm, r->basis);
		p->title =
			xasprintf("recirc(%#x) - resume with dp_hash=%#x", r->id, p->flow.dp_hash);
		known = p->flow.dp_hash;
	} else if (why) {
		p->title = xasprintf("recirc(%#x) - resume with %s", r->id, why);
	} else {
		p->title = xasprintf("recirc(%#x)", r->id);
	}
	if (known)
		return p;
	buf_done(&p->frame);
	free(p->title);
	free(p);
	return NULL;
}

// --- All of them.

static void translate(struct trace_pass *p, const struct xlate_in *first, bool names)
{
	struct xlate_in in = *first;
	in.flow = &p->flow;
	in.trace = &p->trace;
	if (p->title) {
		in.actions = NULL;
		in.actions_len = 0;
		in.packet_out = false;
		// Behind decap() the packet may begin with another header than Ethernet's.
		in.frame = p->flow.packet_type ? NULL : p->frame.data;
		in.frame_len = p->flow.packet_type ? 0 : p->frame.len;
	}
	xlate_out_init(&p->x, &p->actions, &p->mask);
	xlate_translate(&in, &p->x);
	p->answer = (struct trace_answer){.backer = in.backer,
					  .ofproto = in.ofproto,
					  .names = names,
					  .flow = &p->flow,
					  .trace = &p->trace,
					  .x = &p->x,
					  .title = p->title};
}

static void add_pass(struct trace_passes *passes, struct trace_pass *p,
		     const struct xlate_in *first, bool names)
{
	translate(p, first, names);
	if (passes->of.n)
		vec_last(&passes->of)->answer.next = &p->answer;
	vec_push(&passes->of, p);
}

void trace_passes_run(struct trace_passes *passes, const struct xlate_in *in, bool real, bool names)
{
	struct trace_pass *first = XNEW(struct trace_pass);
	first->flow = *in->flow;
	if (in->frame_len)
		buf_add(&first->frame, in->frame, in->frame_len);
	add_pass(passes, first, in, names);
	// Contexts live at least as long as what refers to them: the passes before.
	for (size_t at = 0; at < passes->of.n; at++) {
		struct trace_pass *from = passes->of.v[at];
		VEC_FOREACH (&from->trace.recircs, i) {
			if (passes->of.n == MAX_PASSES || from->depth == MAX_DEPTH)
				return;
			struct trace_pass *p =
				next_pass(from, &from->trace.recircs.v[i], in->backer, real);
			if (!p)
				continue;
			add_pass(passes, p, in, names);
			from->answer.n_followed++;
		}
	}
}

void trace_passes_done(struct trace_passes *passes)
{
	VEC_FOREACH (&passes->of, i) {
		struct trace_pass *p = passes->of.v[i];
		xlate_out_done(&p->x);
		xlate_trace_done(&p->trace);
		buf_done(&p->actions);
		buf_done(&p->frame);
		free(p->title);
		free(p);
	}
	vec_done(&passes->of);
}
