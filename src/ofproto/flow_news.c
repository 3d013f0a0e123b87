/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/flow_news.h"

#include "base/clock.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_mod.h"
#include "ofproto/flow_monitors.h"

void flow_news_changed(struct ofproto *p, struct rule *r, enum ofp_flow_update_event event,
		       const struct rule_actions *old)
{
	uint64_t seq = ++p->change_seq;
	if (event == OFPFME_ADDED)
		r->add_seq = seq;
	r->modify_seq = seq;
	if (event == OFPFME_ADDED)
		table_check_vacancy(p, r->table_id);
	flow_monitors_tell(p, r, event, 0, old);
}

void flow_news_removed(struct ofproto *p, const struct rule *r, enum ofp_flow_removed_reason reason)
{
	table_check_vacancy(p, r->table_id);
	flow_monitors_tell(p, r, OFPFME_REMOVED, (uint16_t)reason, NULL);
	if (!(r->flags & OFPFF_SEND_FLOW_REM) || r->hidden)
		return;
	struct rule_counts n = rule_counts(r);
	int64_t age = clock_ms() - r->created;
	struct ofp_flow_removed fr = {
		.cookie = r->cookie,
		.priority = (uint16_t)r->cls.priority,
		.idle_timeout = r->idle_timeout,
		.hard_timeout = r->hard_timeout,
		.reason = reason,
		.table_id = r->table_id,
		.duration_s = (uint32_t)(age / 1000),
		.duration_ns = (uint32_t)(age % 1000) * 1000000,
		.packets = n.packets,
		.bytes = n.bytes,
	};
	rule_match(r, &fr.match);
	controllers_flow_removed(p->controllers, &fr);
}
