/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/upcall.h"

#include <rte_cycles.h>

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "dp/user/packet.h"
#include "dp/user/program.h"
#include "dp/user/user.h"

static void flow_of_packet(struct rte_mbuf *m, struct flow *flow)
{
	const struct mbuf_meta *meta = mbuf_meta(m);
	flow_clear(flow);
	flow->in_port = meta->in_port;
	flow->recirc_id = meta->recirc_id;
	flow->dp_hash = meta->dp_hash;
	flow->skb_priority = meta->skb_priority;
	flow->pkt_mark = meta->pkt_mark;
	packet_extract(m, flow);
}

static void prepare(struct dp_thread *t, struct rte_mbuf *m, const struct flow *flow,
		    struct dp_upcall *up)
{
	if (m->nb_segs > 1 && t->frame.cap < m->pkt_len) {
		buf_clear(&t->frame);
		buf_reserve(&t->frame, m->pkt_len);
	}
	up->key = flow;
	up->frame = packet_linear(m, t->frame.data) + packet_blank_bytes(m);
	up->frame_len = m->pkt_len - packet_blank_bytes(m);
	up->now = t->now_ms;
	buf_clear(&t->result.actions);
	flow_clear(&t->result.mask);
	t->result.install = false;
	t->result.cookie = NULL;
}

// Whose budget it is that says whether megaflows are of use; NULL: they are. The main thread's
// devices are there for tests.
static struct budget *budget_of(const struct dp_thread *t)
{
	return t->queue && t->kind != DP_THREAD_MAIN ? &t->queue->budget : NULL;
}

static const struct dp_mask_memo *mask_of_result(struct dp_thread *t, uint32_t layout)
{
	struct dp_mask_memo *memo = &t->memo;
	const struct flow *mask = &t->result.mask;
	if (memo->hash && memo->layout == layout && flow_equal(&memo->flow_mask, mask))
		return memo;
	flow_copy(&memo->flow_mask, mask);
	memo->layout = layout;
	mask_from_flow(&memo->mask, layout, mask);
	memo->hash = flow_mask_hash(&memo->mask);
	return memo;
}

// 0: the result's actions may run on the packet.
static int install(struct dp_thread *t, const struct dp_meta *meta, const uint8_t *header)
{
	struct dp_upcall_result *r = &t->result;
	struct budget *budget = budget_of(t);
	struct megaflow *f = NULL;
	struct error *e;
	if (r->install) {
		const struct dp_mask_memo *mask = mask_of_result(t, meta->layout);
		struct dp_key key;
		key.meta = *meta;
		memcpy(key.header, header, sizeof(key.header));
		struct flow_new new = {
			.key = &key,
			.mask = &mask->mask,
			.mask_hash = mask->hash,
			.full_layout = meta->layout,
			.actions = r->actions.data,
			.actions_len = r->actions.len,
			.cookie = r->cookie,
			.bounded = true,
		};
		e = flow_table_put(t->flows, &new, &f);
		if (f && budget)
			budget_watch(budget, t->counters, f->number, t->now);
	} else {
		e = program_check(r->actions.data, r->actions.len);
	}
	int code = error_code(e);
	bool bad = e && code != ENOSPC;
	error_free(e);
	return bad ? (code ? -code : -EINVAL) : 0;
}

// A list of actions that lives on while upcalls of its own actions use the thread's result.
static void run(struct dp_thread *t, struct rte_mbuf *m)
{
	struct buf actions = t->result.actions;
	t->result.actions = (struct buf)BUF_INIT;
	program_interpret(t, m, actions.data, actions.len);
	buf_done(&t->result.actions);
	t->result.actions = actions;
}

void upcall_miss(struct dp_thread *t, struct rte_mbuf *m, const struct dp_meta *meta,
		 const uint8_t *header)
{
	struct flow flow;
	struct dp_upcall up = {.type = DP_UPCALL_MISS};
	uint64_t start = rte_rdtsc();
	flow_of_packet(m, &flow);
	prepare(t, m, &flow, &up);
	struct budget *budget = budget_of(t);
	up.no_megaflow = budget && !budget_wants_megaflow(budget);
	bool ok = dp_user_upcall(t->dp, &up, &t->result) >= 0 && install(t, meta, header) >= 0;
	dp_stat_add(&t->stats.upcall_cycles, rte_rdtsc() - start);
	if (!ok) {
		dp_stat_add(&t->stats.failed_misses, 1);
		dp_thread_drop(t, m, DP_DROP_UPCALL);
		return;
	}
	dp_stat_add(&t->stats.misses, 1);
	run(t, m);
}

void upcall_action(struct dp_thread *t, struct rte_mbuf *m, const struct dpact_userspace *a,
		   uint32_t max_len)
{
	// An upcall may be under way in this thread, whose result and frame are in use: these are
	// this one's own.
	struct flow flow;
	struct dp_upcall_result nothing = {.cookie = NULL};
	void *room = m->nb_segs > 1 ? xmalloc(m->pkt_len) : NULL;
	uint32_t blank = packet_blank_bytes(m), len = m->pkt_len - blank;
	struct dp_upcall up = {
		.type = DP_UPCALL_ACTION,
		.key = &flow,
		.frame = packet_linear(m, room) + blank,
		.frame_len = len < max_len ? len : max_len,
		.userdata = a->userdata,
		.userdata_len = a->userdata_len,
	};
	flow_of_packet(m, &flow);
	if (dp_user_upcall(t->dp, &up, &nothing) < 0)
		dp_stat_add(&t->stats.drops[DP_DROP_UPCALL], 1);
	buf_done(&nothing.actions);
	free(room);
}
