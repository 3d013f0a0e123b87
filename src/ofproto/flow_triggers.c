/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/flow_triggers.h"

#include "base/clock.h"
#include "ofproto/controllers.h"
#include "ofproto/internal.h"
#include "openflow/flow_mod.h"

// As often as the revalidator adds what the datapath has counted.
enum { ROUND_MS = 500, STEP_RULES = 500 };

struct refresh {
	struct backer *backer;
	bool done; // once a step is enough, however many rules look idle
};

static void push_stats(void *refresh_)
{
	struct refresh *r = refresh_;
	if (!r->done)
		backer_push_stats(r->backer);
	r->done = true;
}

static void step(void *p_)
{
	struct ofproto *p = p_;
	struct triggers *ts = &p->tables.triggers;
	int64_t now = clock_ms();
	unsigned int budget = STEP_RULES;
	struct refresh refresh = {.backer = p->backer};
	for (struct rule *r; (r = triggers_next(ts, now, &budget, push_stats, &refresh)) != NULL;) {
		struct ofp_flow_stats fs;
		rule_describe(r, now, &fs);
		fs.reason = OFPFSR_STAT_TRIGGER;
		controllers_flow_trigger(p->controllers, &fs);
	}
	if (!triggers_end_round(ts))
		loop_timer_set(&p->trigger_timer, now);
	else if (ts->watched.n)
		loop_timer_set(&p->trigger_timer, now + ROUND_MS);
}

void flow_triggers_init(struct ofproto *p)
{
	loop_timer_init(&p->trigger_timer, p->system->loop, step, p);
}

void flow_triggers_done(struct ofproto *p)
{
	loop_timer_cancel(&p->trigger_timer);
}

void flow_triggers_schedule(struct ofproto *p)
{
	if (p->tables.triggers.watched.n && !loop_timer_is_set(&p->trigger_timer))
		loop_timer_set_in(&p->trigger_timer, ROUND_MS);
}
