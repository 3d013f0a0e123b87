/* SPDX-License-Identifier: Apache-2.0 */
// Keeps megaflows true. A megaflow is a conclusion drawn from rules, learned addresses and
// configuration; each of their changes counts the backer's generation up, and megaflows of an older
// generation are translated anew: the same actions, and it is of the new generation; other actions,
// and the datapath gets them; a mask that has become too wide, and the megaflow goes. On the way,
// packets that the datapath counted are credited to rules, patch ports and MAC entries, and idle
// megaflows expire.
//
// One round visits all megaflows, in steps of STEP_FLOWS per iteration of the main loop, so that
// connections and commands are served in between. A change starts a round at once, or MIN_GAP_MS
// after the end of the one before; without changes there is one every max-revalidator milliseconds
// for counters and expiry, and none at all while there are no megaflows.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counter.h"
#include "ofproto/backer_internal.h"
#include "l2proto/mcast_snooping.h"
#include "ofproto/xlate.h"

enum {
	STEP_FLOWS = 500,
	MIN_GAP_MS = 10,
	PUSH_GAP_MS = 50,
	OVERFULL_IDLE_MS = 100,
	MAC_GAP_MS = 1000,
	QUICK_FLOWS = 2000,
	QUICK_SHARE = 9
};

COUNTER(revalidate_flows);
COUNTER(revalidate_rounds);
// Why megaflows go.
COUNTER(megaflow_idle);
COUNTER(megaflow_over_limit); // idle for a moment, with more than flow-limit
COUNTER(megaflow_mask_changed);
COUNTER(megaflow_port_gone);
COUNTER(megaflow_no_recirc_context); // it came from one that is gone, or there is no room for the
				     // one it should go to
COUNTER(megaflow_slow_path);	     // packets must be seen one by one
COUNTER(megaflow_purged);
COUNTER(megaflow_by_hand); // dpctl/del-flow and the like, also of those that were put there so
COUNTER(megaflow_datapath_closed); // with its last bridge
COUNTER(megaflow_not_installed);   // another thread was first, or there was no room
COUNTER(megaflow_actions_changed); // stays, with new actions

// --- One megaflow.

static void push_counters(struct backer *b, struct megaflow *mf, const struct dp_flow_stats *s)
{
	uint64_t packets = s->packets - mf->packets, bytes = s->bytes - mf->bytes;
	if (!packets)
		return;
	mf->packets = s->packets;
	mf->bytes = s->bytes;
	mf->used = s->used;
	xlate_credit(b, mf->basis->rules, mf->basis->n_rules, mf->credits, mf->n_credits, packets,
		     bytes, s->used, s->tcp_flags);
}

// Why it should go; NULL: it is used, or there is room.
static struct counter *idle_reason(const struct backer *b, const struct megaflow *mf, int64_t now)
{
	const struct backer_settings *s = &b->backers->settings;
	bool overfull = backer_n_megaflows(b) > s->flow_limit;
	int64_t idle = now - mf->used;
	if (idle >= s->max_idle_ms)
		return &counter_megaflow_idle;
	return overfull && idle >= OVERFULL_IDLE_MS ? &counter_megaflow_over_limit : NULL;
}

static void count(struct counter *c)
{
	__atomic_fetch_add(&c->total, 1, __ATOMIC_RELAXED);
}

static void delete_flow(struct backer *b, const struct dp_flow *flow, struct counter *why)
{
	struct megaflow *mf = flow->cookie;
	count(why);
	mf->going = true;
	dp_flow_del(b->dp, flow->ufid);
}

static void retranslate(struct backer *b, const struct dp_flow *flow, struct megaflow *mf)
{
	uint64_t generation = xlate_generation(b);
	struct buf *actions = &b->reval.actions;
	struct flow key = *flow->key, mask;
	struct xlate_out out;
	counter_inc(revalidate_flows);
	megaflow_restore_flow(mf, &key);
	buf_clear(actions);
	flow_clear(&mask);
	xlate_out_init(&out, actions, &mask);
	xlate_translate(&(struct xlate_in){.backer = b, .flow = &key}, &out);
	if (out.error && out.error != XLATE_INVALID_PORT)
		upcall_count_error(&out, flow->key->in_port);
	bool slow = upcall_use_slow_path(actions, &out);
	upcall_finish_actions(b, actions, &out);
	if (out.error == XLATE_INVALID_PORT) {
		delete_flow(b, flow, &counter_megaflow_port_gone);
	} else if (out.error == XLATE_NO_RECIRC_CONTEXT || out.error == XLATE_TOO_MANY_RECIRCS) {
		delete_flow(b, flow, &counter_megaflow_no_recirc_context);
	} else if (out.each_packet && !slow) {
		delete_flow(b, flow, &counter_megaflow_slow_path);
	} else if (!megaflow_mask_suffices(mf, &mask)) {
		delete_flow(b, flow, &counter_megaflow_mask_changed);
	} else {
		bool same = actions->len == flow->actions_len &&
			    !memcmp(actions->data, flow->actions, actions->len);
		megaflow_add_mask(mf, &mask); // the datapath's stays as it was made
		if (!same)
			counter_inc(megaflow_actions_changed);
		if (same || !dp_flow_modify(b->dp, flow->ufid, actions->data, actions->len))
			megaflow_renew(mf, &out, generation);
	}
	xlate_out_done(&out);
}

struct visit {
	struct backer *b;
	int64_t now;
};

static void visit_flow(void *visit_, const struct dp_flow *flow)
{
	struct visit *visit = visit_;
	struct backer *b = visit->b;
	struct megaflow *mf = flow->cookie;
	b->reval.n_seen++;
	if (!mf)
		return; // put there by hand
	push_counters(b, mf, &flow->stats);
	struct counter *idle = idle_reason(b, mf, visit->now);
	if (idle)
		delete_flow(b, flow, idle);
	else if (mf->generation < xlate_generation(b))
		retranslate(b, flow, mf);
}

void revalidator_flow_gone(void *b_, void *cookie, const struct dp_flow_stats *stats)
{
	struct backer *b = b_;
	struct megaflow *mf = cookie;
	if (!mf)
		return;
	if (!mf->going)
		count(b->closing ? &counter_megaflow_datapath_closed
				 : &counter_megaflow_not_installed);
	push_counters(b, mf, stats);
	backer_count_megaflow(b, mf->in_port, -1);
	megaflow_free(mf);
}

// --- Rounds.

static bool change_waits(const struct backer *b)
{
	return b->reval.settled != xlate_generation(b);
}

static void schedule(struct backer *b)
{
	struct revalidator *r = &b->reval;
	int64_t now = clock_ms(), when = INT64_MAX;
	if (r->under_way)
		when = now;
	else if (change_waits(b))
		when = r->round_end + MIN_GAP_MS > now ? r->round_end + MIN_GAP_MS : now;
	else if (backer_n_megaflows(b))
		when = r->round_end + b->backers->settings.max_revalidator_ms;
	if (when == INT64_MAX)
		loop_timer_cancel(&r->timer);
	else
		loop_timer_set(&r->timer, when);
}

static void end_round(struct backer *b, int64_t now)
{
	struct revalidator *r = &b->reval;
	r->under_way = false;
	r->settled = r->round_generation;
	r->round_end = r->last_push = now;
	r->n_flows = r->n_seen;
	if (r->n_flows > r->max_flows)
		r->max_flows = r->n_flows;
	r->avg_flows_x16 += (int)(r->n_flows * 16 - r->avg_flows_x16) / 2;
	r->duration_ms = clock_real_ms() - r->round_start;
	counter_inc(revalidate_rounds);
}

static void step(struct backer *b, unsigned int max)
{
	struct revalidator *r = &b->reval;
	if (!r->under_way) {
		r->under_way = true;
		r->position = 0;
		r->n_seen = 0;
		r->round_generation = xlate_generation(b);
		r->round_start = clock_real_ms();
	}
	struct visit visit = {.b = b, .now = clock_ms()};
	if (!dp_flow_dump(b->dp, &r->position, max, visit_flow, &visit))
		end_round(b, visit.now);
}

static void on_timer(void *b)
{
	step(b, STEP_FLOWS);
	schedule(b);
}

static int64_t next_mac_age(const struct backer *b)
{
	const struct xlate_snapshot *s = backer_snapshot(b);
	int64_t when = INT64_MAX;
	for (unsigned int i = 0; s && i < s->n_bridges; i++) {
		int64_t t = mac_table_next_age(s->bridges[i]->macs);
		if (t < when)
			when = t;
		t = s->bridges[i]->mcast ? mcast_snooping_next_age(s->bridges[i]->mcast)
					 : INT64_MAX;
		if (t < when)
			when = t;
	}
	return when;
}

static void schedule_macs(struct backer *b)
{
	struct revalidator *r = &b->reval;
	int64_t when = next_mac_age(b);
	if (when == INT64_MAX)
		loop_timer_cancel(&r->mac_timer);
	else
		loop_timer_set(&r->mac_timer,
			       when > r->mac_run + MAC_GAP_MS ? when : r->mac_run + MAC_GAP_MS);
}

static void on_mac_timer(void *b_)
{
	struct backer *b = b_;
	const struct xlate_snapshot *s = backer_snapshot(b);
	bool any = false;
	b->reval.mac_run = clock_ms();
	// What the datapath saw since the last round keeps addresses alive.
	backer_push_stats(b);
	for (unsigned int i = 0; s && i < s->n_bridges; i++) {
		any |= mac_table_age(s->bridges[i]->macs, b->reval.mac_run);
		if (s->bridges[i]->mcast)
			any |= mcast_snooping_age(s->bridges[i]->mcast, b->reval.mac_run);
	}
	if (any)
		xlate_changed(b, XLATE_CHANGE_MAC);
	schedule_macs(b);
}

static void on_wake(void *b)
{
	schedule(b);
	schedule_macs(b);
}

void revalidator_kick(struct backer *b)
{
	loop_wake(b->reval.wake);
}

void revalidator_init(struct backer *b)
{
	struct revalidator *r = &b->reval;
	r->settled = b->generation;
	r->round_end = r->mac_run = clock_ms();
	r->wake = loop_wake_new(b->backers->loop, on_wake, b);
	loop_timer_init(&r->timer, b->backers->loop, on_timer, b);
	loop_timer_init(&r->mac_timer, b->backers->loop, on_mac_timer, b);
}

void revalidator_done(struct backer *b)
{
	struct revalidator *r = &b->reval;
	loop_timer_cancel(&r->timer);
	loop_timer_cancel(&r->mac_timer);
	loop_wake_free(r->wake);
	buf_done(&r->actions);
}

void revalidator_run_all(struct backer *b)
{
	do
		step(b, UINT32_MAX);
	while (b->reval.under_way);
	schedule(b);
}

static void purge_flow(void *b_, const struct dp_flow *flow)
{
	struct backer *b = b_;
	if (flow->cookie)
		delete_flow(b, flow, &counter_megaflow_purged);
}

void revalidator_purge(struct backer *b)
{
	uint64_t position = 0;
	while (dp_flow_dump(b->dp, &position, STEP_FLOWS, purge_flow, b))
		;
}

void revalidator_gone_by_hand(const struct dp_flow *flow)
{
	struct megaflow *mf = flow->cookie;
	counter_inc(megaflow_by_hand);
	if (mf)
		mf->going = true;
}

static void mark_by_hand(void *b, const struct dp_flow *flow)
{
	revalidator_gone_by_hand(flow);
}

void revalidator_all_gone_by_hand(struct backer *b)
{
	uint64_t position = 0;
	while (dp_flow_dump(b->dp, &position, STEP_FLOWS, mark_by_hand, b))
		;
}

static void push_flow(void *b, const struct dp_flow *flow)
{
	if (flow->cookie)
		push_counters(b, flow->cookie, &flow->stats);
}

void backer_push_stats(struct backer *b)
{
	int64_t now = clock_ms();
	bool many = backer_n_megaflows(b) > STEP_FLOWS;
	if (many && now - b->reval.last_push < PUSH_GAP_MS && !clock_stopped())
		return;
	uint64_t position = 0;
	while (dp_flow_dump(b->dp, &position, STEP_FLOWS, push_flow, b))
		;
	b->reval.last_push = now;
}

void backer_settle_if_quick(struct backer *b)
{
	struct revalidator *r = &b->reval;
	uint64_t begin = clock_real_ns();
	// There are controllers that send a barrier after each of a hundred thousand flows.
	if (backer_n_megaflows(b) > QUICK_FLOWS || begin < r->quick_after_ns)
		return;
	backer_settle(b);
	uint64_t end = clock_real_ns();
	r->quick_after_ns = end + QUICK_SHARE * (end - begin);
}

void backer_settle(struct backer *b)
{
	if (b->reval.under_way)
		revalidator_run_all(b);
	while (change_waits(b))
		revalidator_run_all(b);
}
