/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_switch.h"

#include <string.h>

#include "base/rcu.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_mod.h"
#include "ofproto/flow_monitors.h"
#include "ofproto/xlate.h"

struct fake_news fake_news;

void xlate_bump(struct backer *b)
{
	fake_news.n_bumps++;
}

int meters_check_actions(const struct ofproto *p, const void *list, size_t n)
{
	return 0;
}

bool xlate_knows_action(enum ofpact_type type)
{
	return true;
}

void backer_push_stats(struct backer *b)
{
}

void controllers_flow_removed(struct controllers *cs, const struct ofp_flow_removed *fr)
{
	if (fake_news.n_removed < sizeof(fake_news.removed) / sizeof(fake_news.removed[0]))
		fake_news.removed[fake_news.n_removed++] = *fr;
}

void controllers_flow_trigger(struct controllers *cs, const struct ofp_flow_stats *fs)
{
	if (fake_news.on_trigger)
		fake_news.on_trigger(fs);
}

void flow_monitors_tell(struct ofproto *p, const struct rule *r, enum ofp_flow_update_event event,
			uint16_t reason, const struct rule_actions *old)
{
}

void table_check_vacancy(struct ofproto *p, uint8_t table_id)
{
}

bool controllers_has_primary(const struct controllers *cs)
{
	return fake_news.has_primary;
}

enum ofproto_fail_mode controllers_fail_mode(const struct controllers *cs)
{
	return fake_news.fail_mode;
}

bool controllers_in_fail_open(const struct controllers *cs)
{
	return fake_news.fail_open;
}

void fake_switch_init(struct fake_switch *s)
{
	memset(s, 0, sizeof(*s));
	memset(&fake_news, 0, sizeof(fake_news));
	s->system.loop = loop_new();
	s->ofproto.system = &s->system;
	flows_init(&s->ofproto);
}

void fake_switch_done(struct fake_switch *s)
{
	flows_done(&s->ofproto);
	rcu_barrier_all();
	loop_free(s->system.loop);
}
